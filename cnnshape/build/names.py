"""Names of layers and blocks in one frame: how they are given, and what a dotted one leads to.

In: sites with their values. Out: titles (conv1, stage.0, relu2 where the file gives none), and for a dotted name as
stage.1.conv the names of the use that it leads into.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnshape.file.keys import bad_layer_name
from cnnshape.problems import building

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.build.frames import Site
    from cnnshape.build.ledger import Ledger
    from cnnshape.build.settings import Settings
    from cnnshape.file.architecture import Block, Step


class Names:
    """The names given in one frame."""

    __slots__ = ("broken", "copies", "lost", "numbers", "skipped", "unnamed", "uses", "values")

    def __init__(self) -> None:
        self.values: dict[str, int] = {}
        self.copies: dict[str, list[str]] = {}  # the names of a repeated step's copies, by the step's
        self.uses: dict[str, Use] = {}  # of blocks; an unnamed one has no value
        self.skipped: set[str] = set()  # left out by `when`: they stand for their input
        self.numbers: dict[str, int] = {}  # how many unnamed layers of a kind there are
        self.unnamed: set[str] = set()  # what those are called
        self.broken: set[str] = set()  # of steps that could not be built
        self.lost = False  # there are steps whose very name is unknown

    def skips(self, name: str) -> bool:
        """Say whether a name is of a step that is left out: by `when`, or repeated no times."""
        names, title = self.find(name)
        copies = names.copies.get(title, [title])
        return not copies or copies[-1] in names.skipped

    def find(self, name: str) -> tuple[Names, str]:
        """Return the names that a dotted name leads into, and its title there.

        A repeated block's bare name means its last copy. A name within a broken step leads to that step.
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
        self.title = title  # what the names of its layers begin with, the dot included
        self._names, self._move = names, move

    @cached_property
    def names(self) -> Names:
        """Those within; of a copy they are made only for who asks."""
        return self._move(self._names) if self._move else self._names

    @property
    def name(self) -> str:
        return self.title.removesuffix(".")


class Naming:
    """Gives names to the copies of steps."""

    def __init__(self, ledger: Ledger, settings: Settings):
        self.ledger, self.settings = ledger, settings
        self.reserved: dict[int, frozenset[str]] = {}  # names that the file gives in a frame, by its steps' identity

    def title(self, site: Site) -> str:
        """Return the name of a site that has none so far; an unnamed step is called by its kind and a number."""
        step, names = site.step, site.frame.names
        if step.name:
            return self.written(site)
        kind = self.settings.written(site, "type" if step.type else "block", step.of) or "layer"
        reserved = self.given(site.frame.steps)
        while True:
            names.numbers[kind] = number = names.numbers.get(kind, 0) + 1
            title = f"{kind}{number}"
            if title not in reserved and title not in names.values and title not in names.unnamed:
                names.unnamed.add(title)
                return title

    def written(self, site: Site) -> str:
        """Return a name that has expressions in it. Raises Unsettled."""
        name = self.settings.written(site, "name", site.step.name)
        if problem := bad_layer_name(name):
            self.ledger.fail_with(problem, site, site.step.at("name"))
        if name in site.frame.names.unnamed:
            why = f"{name} is what an unnamed layer is called already: name that one"
            self.ledger.fail(building.BadStepName, site, "name", why=why)
        return name

    def given(self, steps: tuple[Step, ...]) -> frozenset[str]:
        """Return the names that no unnamed layer may be called by."""
        if id(steps) not in self.reserved:
            self.reserved[id(steps)] = frozenset([step.name for step in steps if isinstance(step.name, str)])
        return self.reserved[id(steps)]

    def name(self, site: Site, value: int) -> None:
        """Note the value that a title stands for."""
        step, frame = site.step, site.frame
        values = frame.names.values
        self.ledger.work(site, "name", len(site.title))
        if values.get(site.title, value) != value:
            said = any(other.name == step.name for other in frame.steps if other is not step)  # by the reader
            if not said:
                self.ledger.problem(building.BadStepName, site, "name", why=f"there are two layers named {site.name}")
        values[site.title] = value
