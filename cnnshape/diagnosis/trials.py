"""Trials: changes of a file's data come in, the net that they make is checked, and the verdict goes out.

The net is read, built and checked as a whole, at the input and as strictly as the report that is diagnosed. Trials are
counted, and there is an end of them; the same change is tried once.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.assemble.network import assemble
from cnnshape.diagnosis.limits import MOST_STEPS, Exhausted
from cnnshape.diagnosis.operations import applied
from cnnshape.diagnosis.text import replacements
from cnnshape.file.reader import read_source
from cnnshape.file.source import Source
from cnnshape.numbers.effort import Effort
from cnnshape.problems.base import errors
from cnnshape.problems.expressions import BadExpression
from cnnshape.problems.values import BadValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.diagnosis.operations import Operation
    from cnnshape.file.architecture import Architecture
    from cnnshape.file.files import Files
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import SourceText

MOST_TRIALS: Final = 24  # of one problem
MOST_OF_A_NET: Final = 60
A_TRIAL: Final = 25  # steps for each layer, to read, build and check it

Mark = tuple[Any, ...]


class Checked(NamedTuple):
    """A text, or what a change makes of it: its architecture, its net and its report."""

    architecture: Architecture
    net: Network
    report: Report
    declared: Report | None  # that of the declared input, where the report is of another


class Verdict(NamedTuple):
    """The result of a trial: the checked net, the problems of the report that are gone, by number, and the new ones."""

    checked: Checked
    gone: frozenset[int]
    new: tuple[Problem, ...]


class Trials:
    """Tries changes of one text."""

    def __init__(self, source: SourceText, files: Files | None, given: Input | None, *, strict: bool):
        self.source, self.files, self.given, self.strict = source, files, given, strict
        self.kept: dict[str, Verdict | None] = {}
        self.written: dict[str, bool] = {}
        self.sketches: dict[tuple[int, int], Any] = {}  # a Sketch each, by the reports and problems that they are of
        self.count = 0  # trials so far
        self.probes = 0  # nets that were built and run alone
        self.last = 0  # the count at which the problem at hand has had its share
        self.effort = Effort(MOST_STEPS, Exhausted)
        self.origin = self.checked(source.data)
        self.marks = [*map(mark, self.origin.report.problems)]
        self.declared = {*map(mark, self.origin.declared.problems if self.origin.declared else ())}

    @staticmethod
    def without_sizes(data: dict[str, Any]) -> dict[str, Any]:
        """Return data without the claimed set of sizes, which takes as long to check as all else."""
        claims = data.get("claims")
        if not isinstance(claims, dict) or "valid_sizes" not in claims:
            return data
        return {**data, "claims": {name: value for name, value in claims.items() if name != "valid_sizes"}}

    def checked(self, data: dict[str, Any]) -> Checked:
        """Read, build and check the net of some data. Raises ValueError where the input at hand does not suit it."""
        architecture = read_source(Source(self.source.file, self.source.text, data), self.files)
        net = assemble(architecture)
        report = net.check(self.given, strict=self.strict)
        return Checked(architecture, net, report, None if self.given is None else net.check(strict=self.strict))

    def begin(self) -> None:
        """Give the next problem its share of the trials."""
        self.last = min(self.count + MOST_TRIALS, MOST_OF_A_NET)

    @property
    def spent(self) -> bool:
        return self.count >= self.last

    def attempt(self, operations: Sequence[Operation]) -> Verdict | None:
        """Try a change; None where it cannot be made, or no trials are left."""
        key = repr(operations)
        if key not in self.kept:
            cost = A_TRIAL * len(self.origin.report.layers)
            if self.spent or cost > self.effort.left:
                return None
            self.count += 1
            self.effort.spend(cost)
            self.kept[key] = self.verdict(operations)
        return self.kept[key]

    def verdict(self, operations: Sequence[Operation]) -> Verdict | None:
        try:
            checked = self.checked(self.changed(operations))
        except (LookupError, ValueError, TypeError):
            return None
        left = {*map(mark, checked.report.problems)}
        gone = frozenset(number for number, one in enumerate(self.marks) if one not in left)
        new = [
            problem for problem in checked.report.problems if mark(problem) not in self.marks and not self.hid(problem)
        ]
        if checked.declared:
            new += [problem for problem in checked.declared.problems if mark(problem) not in self.declared]
        return Verdict(checked, gone, tuple(new))

    def hid(self, problem: Problem) -> bool:
        """Say whether a warning may have been there before, at a layer that the errors of the text let nothing known enter."""
        if problem.severity == "error":
            return False
        row = self.rows.get(problem.layer)
        unknown = row is None or None in row.inputs
        return (unknown and bool(problem.layer)) or self.of_values

    @cached_property
    def rows(self) -> dict[str, LayerReport]:
        return {row.name: row for row in self.origin.report.layers}

    @cached_property
    def of_values(self) -> bool:
        """Say whether all errors of the text are of single values, behind which nothing is checked."""
        found = errors(self.origin.report.problems)
        return bool(found) and all(isinstance(problem, BadValue | BadExpression) for problem in found)

    def writes(self, operations: Sequence[Operation]) -> bool:
        """Say whether a change can be written into the text."""
        key = repr(operations)
        if key not in self.written:
            self.written[key] = isinstance(self.source, Source) and replacements(self.source, operations) is not None
        return self.written[key]

    def probe(self, operations: Sequence[Operation]) -> tuple[Network, Report] | None:
        """Return a changed net and its report, without its claims; None where the change cannot be made. Raises Exhausted."""
        self.probes += 1
        self.effort.spend(A_TRIAL * len(self.origin.report.layers))
        try:
            architecture = read_source(Source(self.source.file, self.source.text, self.changed(operations)), self.files)
        except (LookupError, ValueError, TypeError):
            return None
        net = assemble(architecture)
        return net, net._replace(claims=(), expectations=()).check(self.given)

    def changed(self, operations: Sequence[Operation]) -> dict[str, Any]:
        return applied(self.without_sizes(self.source.data), operations)

    def holds(self, operations: Sequence[Operation]) -> bool:
        """Say whether the sizes that the file claims, if it does, are still those of the changed net."""
        if self.without_sizes(self.source.data) is self.source.data:
            return True
        problems = self.checked(applied(self.source.data, operations)).report.problems
        return not any(map(self.of_sizes, problems))

    @staticmethod
    def of_sizes(problem: Problem) -> bool:
        """Say whether a problem is one of the claimed set of sizes, which trials leave out."""
        return problem.place is not None and problem.place.path == ("claims", "valid_sizes")


def mark(problem: Problem) -> Mark:
    """Return the identity of a problem, whatever its numbers: the code, the layer, the key."""
    path = problem.place.path if problem.place else ()
    return (problem.code, problem.layer, path if not problem.layer else path[-1:])
