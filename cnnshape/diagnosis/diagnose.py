"""The diagnosis of a net: its problems, each with its cause, fixes that were tried, and what it follows from.

A text comes in. Every problem gets its cause; the first few get fixes. Problems that the fixes of another mend as well are
folded under that one, and only fixes that mend the whole fold are shown then.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from cnnshape.diagnosis.candidate import Case
from cnnshape.diagnosis.causes import Causes
from cnnshape.diagnosis.fix import TriedFix, also
from cnnshape.diagnosis.search import Mended, mended, shown, widened
from cnnshape.diagnosis.trials import Trials
from cnnshape.problems.base import Diagnosed, errors
from cnnshape.problems.claims import ClaimDiffers
from cnnshape.problems.diagnosed import Effect
from cnnshape.problems.shapes import AnotherOrder

if TYPE_CHECKING:
    from cnnshape.file.files import Files
    from cnnshape.file.source import Source
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import SourceText

MOST_MENDED: Final = 5  # problems that get fixes


class Findings(NamedTuple):
    """All that a diagnosis found, a record for each problem of the report, and the trials that it took."""

    found: tuple[Diagnosed, ...]
    trials: Trials


def diagnose(source: SourceText, files: Files | None, given: Input | None, *, strict: bool) -> Findings:
    """Find the causes and the fixes of all problems of the net that a text describes, checked at an input."""
    trials = Trials(source, files, given, strict=strict)
    architecture, net, report, _ = trials.origin
    problems = [problem.diagnosed(_NONE, number) for number, problem in enumerate(report.problems)]
    causes = Causes(net, report)
    found = [Diagnosed(causes.of(problem)) for problem in problems]
    order, asked, unmended = Order(net), 0, list[int]()
    for number in sorted(range(len(problems)), key=lambda number: order.key(problems[number])):
        late = trials.of_sizes(problems[number]) and len(errors(problems)) > 1
        if found[number].follows or asked == MOST_MENDED or late:
            continue
        asked += 1
        case = Case(problems[number], found[number].cause, net, report, architecture, trials)
        fixes = [one for one in mended(case, number) if trials.writes(one.candidate.operations)]
        fold = order.fold(problems, number, fixes, {other for other, one in enumerate(found) if one.follows})
        for other in fold - {number}:
            found[other] = found[other]._replace(fixes=(), follows=problems[number])
        wide = [widened(case, one, [problems[other] for other in sorted(fold)]) for one in fixes]
        wide = [one for one in wide if trials.writes(one.candidate.operations)]
        chosen = shown(sorted((one for one in wide if fold <= one.verdict.gone), key=lambda one: one.rank))
        first = order.before(problems, number, unmended, chosen)
        if not chosen:
            unmended.append(number)
            continue
        if first != number:  # an earlier problem that only these mend, a claim's perhaps
            unmended.remove(first)
            for other in fold - {first}:
                found[other] = found[other]._replace(follows=problems[first])
        found[first] = found[first]._replace(fixes=tuple(_fix(net, one, source) for one in chosen), follows=None)
    return Findings(tuple(found), trials)


class _Nothing:
    """The diagnosis of problems whose diagnosis is being worked out."""

    def __getitem__(self, number: int) -> Diagnosed:
        return Diagnosed()


_NONE: Final = _Nothing()


class Order:
    """The order of a net's problems: errors first, those of earlier layers first; and what may follow from what."""

    def __init__(self, net: Network):
        self.net = net
        self.values = {node.name: value for value, node in net.made()}
        for one in reversed(net.expectations):
            self.values.setdefault(one.layer, one.value)

    def key(self, problem: Problem) -> tuple[Any, ...]:
        claim = isinstance(problem, ClaimDiffers)
        return (problem.severity != "error", claim, self.values.get(problem.layer, 0), problem.number)

    @cached_property
    def below(self) -> dict[int, set[int]]:
        """The values that each value is reached from, itself among them."""
        found: dict[int, set[int]] = {}
        for value, node in self.net.made():
            found[value] = {value}.union(*(found.get(one, {one}) for one in node.inputs))
        return found

    def may_follow(self, problem: Problem, other: Problem) -> bool:
        """Say whether a problem may follow from another: its layer is reached from the other's, or is the same place."""
        if isinstance(problem, ClaimDiffers | AnotherOrder) or (
            problem.place == other.place and problem.code == other.code
        ):
            return True
        one, two = self.values.get(problem.layer), self.values.get(other.layer)
        return one is not None and two is not None and two in self.below.get(one, ())

    def before(self, problems: list[Problem], number: int, unmended: list[int], fixes: list[Mended]) -> int:
        """Return the first problem without fixes that all fixes of one mend as well, and it may follow from; or itself."""
        follows = (one for one in unmended if self.may_follow(problems[number], problems[one]))
        return next((one for one in follows if all(one in fix.verdict.gone for fix in fixes)), number)

    def fold(self, problems: list[Problem], number: int, fixes: list[Mended], folded: set[int]) -> frozenset[int]:
        """Return the problems that go under one, with it: those that its best fix of one step mends as well."""
        best = next((one for one in fixes if not one.steps), None)
        if best is None:
            return frozenset([number])
        edited = {edit.layer for edit in best.candidate.edits}
        first = problems[number]
        return frozenset(
            other
            for other in best.verdict.gone - folded
            if other == number
            or (
                self.may_follow(problems[other], first)
                and (problems[other].layer not in edited or problems[other].layer == first.layer)
            )
        )


def _fix(net: Network, one: Mended, source: SourceText) -> TriedFix:
    candidate, report = one.candidate, one.verdict.checked.report
    edits, operations = candidate.edits, candidate.operations
    effect = Effect(report.output, report.parameters, report.macs)
    written = cast("Source", source)  # else nothing is written
    return TriedFix(edits, effect, operations, written, also(net, edits, operations))
