"""What generators are given and what they give: a problem in its surroundings comes in, changes to be tried go out.

A generator is a function `(Case) -> Iterator[Candidate]`; `generators.py` lists them all. The helpers make the commonest
changes; where the file at hand cannot be changed there, they make none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.diagnosis.operations import Operation
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.trials import Trials
    from cnnshape.file.architecture import Architecture
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause
    from cnnshape.problems.place import KeyPath, Place


class Candidate(NamedTuple):
    """A change that may mend a problem. `rank`: lower is better; whole numbers are the order of kinds."""

    rank: float
    family: str  # fixes of one family are alike: two of them are shown at most
    edits: tuple[Edit, ...]
    operations: tuple[Operation, ...]

    def and_(self, other: Candidate) -> Candidate:
        """Return both changes as one; the rank is the first's."""
        return self._replace(edits=self.edits + other.edits, operations=self.operations + other.operations)

    def ranked(self, rank: float, family: str = "") -> Candidate:
        return self._replace(rank=rank, family=family or self.family)


class Case(NamedTuple):
    """One problem of a net, with its cause, and the net, the report and the architecture that it was found in."""

    problem: Problem
    cause: Cause | None
    net: Network
    report: Report
    architecture: Architecture
    trials: Trials

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.architecture.file.source.data
        return data

    @property
    def row(self) -> LayerReport | None:
        """The row of the problem's layer."""
        return self.named(self.problem.layer)

    @property
    def wrong(self) -> set[int]:
        """The numbers of the report's errors."""
        return {number for number, problem in enumerate(self.report.problems) if problem.severity == "error"}

    def input_path(self, name: str) -> tuple[str, ...]:
        """Return where the file has an input."""
        return ("input",) if "input" in self.data else ("inputs", name)

    def named(self, name: str) -> LayerReport | None:
        return next((row for row in self.report.layers if row.name == name), None)

    def maker(self, value: int) -> LayerReport | None:
        """Return the row of the layer that makes a value; None of an input."""
        index = value - 1 - len(self.net.inputs)
        return self.report.layers[index] if index >= 0 else None

    def value(self, node: Node) -> int:
        """Return the value that a node makes."""
        return next(value for value, one in self.net.made() if one is node)

    def own(self, place: Place) -> bool:
        """Say whether a place is in the file itself, and no included one."""
        return place.source.file == self.architecture.file.source.file

    def at(self, path: KeyPath) -> Any:
        """Return the data at a path of the file; None where there is none."""
        return value_at(self.data, path)

    def change(self, node: Node, parameter: str, new: Any, *, rank: float, family: str) -> Iterator[Candidate]:
        """Yield the change of one parameter of a layer; `new` None takes it out."""
        if self.own(node.place):
            yield self.changed(node.name, node.place.path, parameter, new, rank=rank, family=family)

    def changed(  # noqa: PLR0913 -- a record
        self, layer: str | None, path: KeyPath, parameter: str, new: Any, *, rank: float, family: str
    ) -> Candidate:
        """Return the change of a key in the table at a path; `new` None takes it out."""
        whole = (*path, parameter)
        old = self.at(whole)
        operation = Operation("remove", whole) if new is None else Operation("set", whole, new)
        return Candidate(rank, family, (Edit(layer, parameter, old, new),), (operation,))
