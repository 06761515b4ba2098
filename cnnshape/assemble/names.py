"""The names given in one frame, and the search for a dotted name.

In: names with their values, and uses of blocks. Out: for a dotted name such as stage.1.conv, the names within the use
stage.1, and conv.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnshape.file.keys import MAX_PATH

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.file.architecture import Block


class Names:
    """The names given in one frame."""

    __slots__ = ("broken", "copies", "lost", "numbers", "passed", "several", "skipped", "unnamed", "uses", "values")

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.several: dict[str, tuple[int, ...]] = {}  # all results of a use of a block that gives several
        self.copies: dict[str, list[str]] = {}  # by the name of a repeated step, those of its copies
        self.uses: dict[str, Use] = {}  # of blocks; an unnamed one has no value
        self.skipped: set[str] = set()  # left out by `when`: they stand for their input
        self.passed: set[str] = set()  # joins whose other inputs are absent: they stand for the one that is left
        self.numbers: dict[str, int] = {}  # of unnamed layers so far, by kind
        self.unnamed: set[str] = set()  # the names made for them
        self.broken: set[str] = set()  # the names of steps that could not be built
        self.lost = False  # there are steps whose own name is unknown

    def skips(self, name: str) -> bool:
        """Say whether a name stands for what enters its step: it is left out by `when`, repeated no times, a join of one."""
        names, title = self.find(name)
        copies = names.copies.get(title, [title])
        return not copies or copies[-1] in names.skipped | names.passed

    def absent(self, name: str) -> bool:
        """Say whether nothing is built of a name's step: every copy is left out by `when`, or it has none."""
        names, title = self.find(name)
        return names.skipped.issuperset(names.copies.get(title, [title]))

    def find(self, name: str) -> tuple[Names, str]:
        """Return the names that a dotted name leads into, and its title there.

        A repeated block's bare name means its last copy. A name within a broken step leads to that step. Names may have
        dots of their own: the longest that leads on is taken.
        """
        if name in self.values:
            return self, name
        title = name if len(name) <= MAX_PATH else name[: MAX_PATH + 1].rpartition(".")[0]
        while title not in self.values and title not in self.broken:  # an unnamed block has no inside
            title, dot, _ = title.rpartition(".")
            if not dot:
                return self, name
        rest = name.removeprefix(f"{title}.")
        copies = self.copies.get(title)
        copy = copies[-1] if copies else title
        if copy in self.broken:
            return self, title
        if f"{copy}.{rest}" in self.values:  # what a copy that is left out hands on
            return self, f"{copy}.{rest}"
        use = self.uses.get(copy)
        return use.names.find(rest) if use else (self, name)


class Use:
    """A block put in place by a step: others may share its weights, and ask for the names within."""

    def __init__(
        self,
        block: Block,
        arguments: dict[str, Any],
        title: str,
        names: Names,
        move: Callable[[Names], Names] | None = None,
    ):
        self.block, self.arguments = block, arguments
        self.title = title  # the prefix of its layers' names, with its dot
        self._names, self._move = names, move

    @cached_property
    def names(self) -> Names:
        """The names within; those of a copy are made when they are first asked for."""
        return self._move(self._names) if self._move else self._names

    @property
    def name(self) -> str:
        return self.title.removesuffix(".")
