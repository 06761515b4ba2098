"""Wiring: the values that enter a step by `from`, and those of every other place where a file names a result.

In: a name as the file writes it, and the frame where it stands. Out: values; UNRESOLVED for an unknown name, once the
problem is noted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.assemble.frames import Site
from cnnshape.file.architecture import Unsettled
from cnnshape.file.keys import INPUT
from cnnshape.network.graph import UNRESOLVED
from cnnshape.problems import building
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import suggest
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from cnnshape.assemble.frames import Frame
    from cnnshape.assemble.growing import GrowingNet
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.settings import Settler
    from cnnshape.file.architecture import Step
    from cnnshape.file.expression import Template


class Wiring:
    """Finds the values that names stand for."""

    def __init__(self, ledger: Ledger, net: GrowingNet, settler: Settler):
        self.ledger, self.net, self.settler = ledger, net, settler

    def inputs(self, step: Step, frame: Frame, previous: tuple[int, ...]) -> tuple[int, ...]:
        """Return the values that enter a step, one at least; `previous` are those of the step before."""
        if step.inputs is not None:
            return self.named(Site(step, frame), step.inputs)
        if previous == (UNRESOLVED,) and not frame.blocks and step is frame.steps[0] and frame.inputs:
            first = shown(next(iter(frame.inputs)))
            self.ledger.problem(building.UnsaidInput, Site(step, frame), "from", input=first)
        return previous

    def named(self, site: Site, words: tuple[str | Template, ...]) -> tuple[int, ...]:
        """Return the values that `from` names."""
        found: list[int] = []
        for i, word in enumerate(words):
            place = Place(site.step.place.source, (*site.step.place.path, "from", i))
            try:
                name = self.settler.written(site, "from", word)
                values = self.entry(name, site.frame, place) if word else [UNRESOLVED]  # the reader noted a wrong one
            except Unsettled:
                values = [UNRESOLVED]
            self.ledger.work(site, "from", 40 * len(values))
            found += values
        if not found:
            self.ledger.problem(building.FromNothing, site, "from")
        return tuple(found) or (UNRESOLVED,)

    def entry(self, name: str, frame: Frame, place: Place) -> list[int]:
        """Return the values that an entry of `from` stands for; those of ?NAME are absent where NAME is left out."""
        if not name.startswith("?"):
            return self.find(name, frame, place)
        name = name[1:]
        if "*" in name:
            return self.find_all(name, frame, place, optional=True)
        return [] if frame.names.absent(name) else self.find(name, frame, place)

    def find(self, name: str, frame: Frame, place: Place) -> list[int]:
        """Return the values that a name stands for: one, all that a block gives, or with a * those of each copy."""
        if "*" in name:
            return self.find_all(name, frame, place)
        value = frame.inputs.get(name)
        if value is None:
            names, title = frame.names.find(name)
            if title in names.several:
                return [*names.several[title]]
            value = names.values.get(title, UNRESOLVED if names.lost else None)
        if value is None:
            self.unknown(name, frame, place)
            return [UNRESOLVED]
        return [value]

    def find_one(self, name: str, frame: Frame, place: Place) -> int:
        """Return the value that a name stands for, which must be a single one."""
        found = self.find(name, frame, place)
        if len(found) == 1:
            return found[0]
        self.ledger.note(building.SeveralResults(place, used_at=frame.used_at, name=name, results=len(found)))
        return UNRESOLVED

    def find_all(self, name: str, frame: Frame, place: Place, *, optional: bool = False) -> list[int]:
        """Return the values that a pattern such as stack.*.skip stands for; if `optional` without what is left out."""
        front, _, back = name.partition(".*")
        names, title = frame.names.find(front)
        copies = names.copies.get(title)
        if copies is None:
            if title not in names.broken and not names.lost:
                self.ledger.note(building.PatternWithoutRepeat(place, used_at=frame.used_at, name=name, front=front))
            return [UNRESOLVED]
        before = front.removesuffix(title)
        found: list[int] = []
        for copy in copies:
            said = len(self.ledger.found)
            found += self.entry("?" * optional + before + copy + back, frame, place)
            if len(self.ledger.found) > said:  # each copy would have the same problem
                return [UNRESOLVED]
        return found

    def name(self, value: int, frame: Frame) -> str:
        """Return the name that a value has in a frame; UNRESOLVED has none."""
        entering = next((name for name, entered in frame.inputs.items() if entered == value), "")
        node = self.net.node(value)
        return entering or (node.name.removeprefix(frame.title) if node else "")

    def unknown(self, name: str, frame: Frame, place: Place) -> None:
        """Note a name that is unknown where it stands."""
        problem: building.UnknownLayer
        if any(step.name == name for step in frame.steps):
            problem = building.LaterLayer(name=name)
        elif frame.blocks and INPUT.fullmatch(name):
            problem = building.UnknownInput(name=name, inputs=" and ".join([*frame.inputs][1:]))  # input is input0
        elif self.net.named(frame.title + name):
            problem = building.UnnamedLayer(name=name)
        else:
            meant = suggest(name, [*frame.names.values, *frame.inputs])
            problem = building.UnknownLayer(name=name, suggestions=meant)
        self.ledger.note(problem.placed(place, frame.used_at))
