"""Where cnnshape.build.build is: the frame of a net or of a block's use, the names in it, and how a block's use is copied.

A block that was built is kept with it (Block.expansions). Another use, with the same arguments and shapes, is the same
layers under other names: their values move by as many as there are before them.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.network.graph import Expectation, Node

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.file.architecture import Block, File, Scope, Step
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import Place


class Frame(NamedTuple):
    """Where the builder is: in the net itself, or in one use of a block."""

    file: File
    steps: tuple[Step, ...]
    taken: frozenset[str]  # the names in steps that stand there as they are
    scope: Scope  # arguments, words and constants; of the step that is being built, in_channels and i
    inputs: dict[str, int]  # the values that enter, by the names that they have here
    names: Names  # those given so far
    title: str = ""  # of the names of layers here, as they are shown
    used_at: tuple[Place, ...] = ()
    blocks: tuple[Block, ...] = ()  # that we are in, the innermost last
    kinds: tuple[str, ...] = ()  # the block's name for each part of the title
    twin: str | None = None  # the title of the block whose weights this one uses
    allow: frozenset[str] = frozenset()  # the warnings that the uses of blocks allow


class Site:
    """One copy of a step that is being built, in its frame."""

    __slots__ = ("entering", "frame", "inputs", "step", "title")

    def __init__(self, step: Step, frame: Frame):
        self.step, self.frame = step, frame
        self.inputs: tuple[int, ...] = ()
        self.entering: tuple[Shape | None, ...] = ()  # the inputs' shapes
        self.title = ""  # its name within the frame

    @property
    def plain(self) -> str:
        """The name that the step has as it stands, "" where it has none or makes it of expressions."""
        return self.step.name if isinstance(self.step.name, str) else ""


class Names:
    """The names given in one frame."""

    __slots__ = ("broken", "copies", "lost", "numbers", "skipped", "unnamed", "uses", "values")

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.copies: dict[str, list[str]] = {}  # of a repeated step's name, the names of its copies
        self.uses: dict[str, Use] = {}  # of blocks; an unnamed one has no value
        self.skipped: set[str] = set()  # those that stand for their input
        self.numbers: dict[str, int] = {}  # how many unnamed layers of a kind there are
        self.unnamed: set[str] = set()  # what they are called
        self.broken: set[str] = set()  # those of which it is not known what they are
        self.lost = False  # some are not even known by name

    def skips(self, name: str) -> bool:
        """Say whether a name is of what is left out: by `when`, or repeated no times."""
        names, title = self.find(name)
        copies = names.copies.get(title, [title])
        return not copies or copies[-1] in names.skipped

    def find(self, name: str) -> tuple[Names, str]:
        """Return where a dotted name leads, and what it is there: a repeated block's bare name means its last copy.

        A name within what is broken is the broken one itself.
        """
        if name in self.values:
            return self, name
        names, (title, *rest) = self, name.split(".")
        for part in rest:
            copies = names.copies.get(title)
            if copies and f"{title}.{part}" in names.values:
                title = f"{title}.{part}"
                continue
            copy = copies[-1] if copies else title
            use = names.uses.get(copy) if title in names.values else None
            if copy in names.broken:
                return names, title
            if use is None:  # an unnamed block has no inside, either
                return self, name
            names, title = use.names, part
        return names, title


class Use:
    """A block that was used: others may share with it, and ask for what is inside."""

    def __init__(self, block: Block, arguments: dict[str, Any], title: str, names: Names, move: Move | None = None):
        self.block, self.arguments = block, arguments
        self.title = title  # with the dot behind it
        self._names, self._move = names, move

    @cached_property
    def names(self) -> Names:
        return self._move.names(self._names) if self._move else self._names

    @property
    def name(self) -> str:
        return self.title.removesuffix(".")


class Expansion(NamedTuple):
    """What one use of a block came to, for others with the same arguments and shapes."""

    names: Names  # those within
    title: str  # of the frame in which the layers were built
    used_at: tuple[Place, ...]
    kinds: tuple[str, ...]
    inputs: tuple[int, ...]  # the values that entered
    first: int  # the first value within
    nodes: tuple[Node, ...]
    shapes: tuple[Shape | None, ...]
    unused: set[int]  # values that nothing within takes
    result: int
    expectations: tuple[Expectation, ...]
    cost: tuple[int, int]  # steps and work


class Move:
    """From a block as it was built to another use of it."""

    def __init__(self, made: Expansion, frame: Frame, inputs: tuple[int, ...], first: int):
        self.first, self.by = made.first, first - made.first
        self.outer = dict(zip(made.inputs, inputs, strict=True))
        self.title, self.around, self.within = frame.title, frame.used_at, frame.kinds
        self.titled, self.uses, self.kinds = len(made.title), len(made.used_at), len(made.kinds)

    def value(self, value: int) -> int:
        return value + self.by if value >= self.first else self.outer[value]

    def name(self, name: str) -> str:
        return self.title + name[self.titled :]

    def used_at(self, places: tuple[Place, ...]) -> tuple[Place, ...]:
        return places[: len(places) - self.uses] + self.around

    def nodes(self, made: Iterable[Node]) -> Iterator[Node]:
        first, by, outer, title, titled = self.first, self.by, self.outer, self.title, self.titled
        around, uses, within, kinds = self.around, self.uses, self.within, self.kinds
        for name, type_, layer, inputs, place, keys, used_at, shares, allow, blocks in made:
            yield Node(
                title + name[titled:],
                type_,
                layer,
                tuple([value + by if value >= first else outer[value] for value in inputs]),
                place,
                keys,
                used_at[: len(used_at) - uses] + around,
                shares,
                allow,
                within + blocks[kinds:],
            )

    def expectation(self, expected: Expectation) -> Expectation:
        value, shape, layer, place, used_at = expected
        return Expectation(self.value(value), shape, self.name(layer), place, self.used_at(used_at))

    def names(self, made: Names) -> Names:
        """Return the names within, for somebody who asks for one."""
        names = Names()
        names.values = {name: self.value(value) for name, value in made.values.items()}
        names.copies, names.skipped = made.copies, made.skipped
        names.uses = {
            title: Use(use.block, use.arguments, self.name(use.title), use.names, self)
            for title, use in made.uses.items()
        }
        return names
