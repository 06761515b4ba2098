"""The search for the fixes of one problem: candidates come in by rank, are tried, and completed where more has to follow.

Out come the changes that mend the problem and bring no new one, the best first.
"""

from __future__ import annotations

from contextlib import suppress
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.diagnosis.candidate import Candidate, Case
from cnnshape.diagnosis.channels import channels_of_source
from cnnshape.diagnosis.declared import arriving
from cnnshape.diagnosis.generators import generators
from cnnshape.diagnosis.limits import Exhausted
from cnnshape.problems.base import errors
from cnnshape.problems.claims import ClaimDiffers
from cnnshape.problems.shapes import DeclaredDiffers, ElementsDiffer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.diagnosis.generators import Generator
    from cnnshape.diagnosis.operations import Operation
    from cnnshape.diagnosis.trials import Verdict
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath

MOST_FIXES: Final = 3  # shown
MOST_OF_FAMILY: Final = 2
MOST_ROUNDS: Final = 8  # of follow-up changes
ENOUGH: Final = 16  # trials, after which no fix is looked for that mends every error
FAR: Final = 1.6  # ranks behind the best fix, from which on none is shown
EACH_EDIT: Final = 0.25  # in ranks: what a further edit costs
SURE: Final = 1.6  # ranks behind a fix that meets all claimed figures, from which on none is looked for
AGAINST: Final = 1.6  # in ranks: what a declared number costs that is changed for a problem before it
ALONE: Final = frozenset(
    ["figure", "nearby", "setting upscale_factor", "swapped"]
)  # families that nothing may have to follow
ALL_ERRORS: Final = 1.2  # in ranks: what it is worth that a fix mends every error of several
AN_ERROR: Final = 0.1
OF_INPUT: Final = "input"  # the family of changes of the input


class Mended(NamedTuple):
    """A candidate that mends its problem, the verdict on it, its final rank, and the number of follow-up changes."""

    candidate: Candidate
    verdict: Verdict
    rank: float
    steps: int


def mended(case: Case, number: int) -> list[Mended]:
    """Return the candidates that mend a problem, given by its number in the report, the best first."""
    trials, wrong = case.trials, case.wrong
    claimed = any(
        isinstance(case.report.problems[one], ClaimDiffers) for one in wrong
    )  # which tell a fix like a checksum
    found: list[Mended] = []
    trials.begin()
    before = trials.count
    with suppress(Exhausted):
        for candidate, generator in candidates(case):
            best = min((one.rank for one in found), default=None)
            enough = len(found) >= MOST_FIXES and (
                len(wrong) == 1 or trials.count - before >= ENOUGH or any(wrong <= one.verdict.gone for one in found)
            )
            sure = claimed and any(
                wrong <= one.verdict.gone and one.candidate.rank + SURE < candidate.rank for one in found
            )
            if trials.spent or enough or sure or (best is not None and candidate.rank > best + FAR + 1):
                break
            if sum(one.candidate.family == candidate.family for one in found) == MOST_OF_FAMILY:
                continue
            one = completed(case, number, candidate, generator)
            if one and any(alike(case, one, other) for other in found):
                continue
            if one and not half(case, one) and not of_one_use(case, one) and trials.holds(one.candidate.operations):
                found.append(one._replace(rank=one.rank - merit(one.verdict, wrong)))
    return sorted(found, key=lambda one: one.rank)


def alike(case: Case, one: Mended, other: Mended) -> bool:
    """Say whether two fixes make the same file of it, by whatever operations."""
    first, second = (case.trials.changed(each.candidate.operations) for each in (one, other))
    return first == second


def half(case: Case, one: Mended) -> bool:
    """Say whether a fix of a claimed figure leaves another claimed figure wrong."""
    claimed = {number for number, problem in enumerate(case.report.problems) if isinstance(problem, ClaimDiffers)}
    return isinstance(case.problem, ClaimDiffers) and not claimed <= one.verdict.gone


def of_one_use(case: Case, one: Mended) -> bool:
    """Say whether a change in a block leaves the same problem at other uses of it."""
    in_block = any(operation.path[:1] == ("blocks",) for operation in one.candidate.operations)
    first = case.problem
    same = {n for n, other in enumerate(case.report.problems) if (other.code, other.place) == (first.code, first.place)}
    return in_block and not same <= one.verdict.gone


def merit(verdict: Verdict, wrong: set[int]) -> float:
    """Return how much better a fix is by all errors that it mends beside its own."""
    return ALL_ERRORS * (len(wrong) > 1 and wrong <= verdict.gone) + AN_ERROR * (len(verdict.gone & wrong) - 1)


def widened(case: Case, one: Mended, fold: Iterable[Problem]) -> Mended:
    """Return a fix with the changes that mend the rest of a fold, declared numbers that follow; itself where none do."""
    wrong = case.wrong
    for problem in fold:
        if problem.number not in one.verdict.gone:
            more = next(arriving(case._replace(problem=problem)), None)
            if more is None or one.candidate.family != more.family:
                return one
            candidate = one.candidate.and_(more)
            verdict = case.trials.attempt(candidate.operations)
            if verdict is None or verdict.new or not one.verdict.gone < verdict.gone:
                return one
            rank = one.rank + EACH_EDIT + merit(one.verdict, wrong) - merit(verdict, wrong)
            one = Mended(candidate, verdict, rank, one.steps + 1)
    return one


def shown(found: list[Mended]) -> list[Mended]:
    """Return the fixes that are shown: the first few, none far behind the best."""
    return [one for one in found if one.rank <= found[0].rank + FAR][:MOST_FIXES]


def candidates(case: Case) -> Iterator[tuple[Candidate, Generator]]:
    """Yield all candidates by rank, with their generators; each is asked for the next one when its rank is due."""
    asked = generators(case.problem)
    due: list[tuple[float, int, Candidate | None]] = [(rank, i, None) for i, (rank, _) in enumerate(asked)]
    made = [generator(case) for _, generator in asked]
    heapify(due)
    while due:
        rank, i, candidate = heappop(due)
        if candidate:
            yield candidate, asked[i][1]
        following = next(made[i], None)
        if following:
            heappush(due, (max(rank, following.rank), i, following))


def completed(case: Case, number: int, candidate: Candidate, generator: Generator) -> Mended | None:
    """Try a candidate; where it mends its problem and uncovers another, add what follows. None where that fails."""
    rank = candidate.rank
    alone = candidate.family in ALONE
    for step in range(1 if alone else MOST_ROUNDS):
        verdict = case.trials.attempt(candidate.operations)
        if verdict is None or number not in verdict.gone:
            return None
        if not verdict.new:
            return Mended(candidate, verdict, rank, step)
        more = following(case, candidate, verdict, generator)
        if more is None or more.operations[0].path in {one.path for one in candidate.operations}:
            return None
        against = more.family == "declared" and not isinstance(case.problem, DeclaredDiffers)
        candidate, rank = candidate.and_(more), rank + (AGAINST if against else EACH_EDIT)
    return None


def following(case: Case, candidate: Candidate, verdict: Verdict, generator: Generator) -> Candidate | None:
    """Return the change that the first problem uncovered by a candidate asks for; None where it asks for none."""
    architecture, net, report, _ = verdict.checked
    found = errors(verdict.new)
    if len(found) < len(verdict.new):  # a warning is nothing to go on from
        return None
    uncovered = Case(found[0], None, net, report, architecture, case.trials)
    more: Iterator[Candidate] = iter(())
    if isinstance(found[0], DeclaredDiffers):
        if candidate.family != OF_INPUT:
            more = arriving(uncovered)
    elif isinstance(found[0], ElementsDiffer):
        more = (one for one in channels_of_source(uncovered) if one.edits[0].parameter == "out_features")
    elif found[0].code == case.problem.code:
        more = (one for one in generator(uncovered) if one.family == candidate.family and same_kind(one, candidate))
    one = next(more, None)
    if one is None:
        return None
    moved = [as_given(operation, candidate.operations) for operation in one.operations]
    return None if None in moved else one._replace(operations=tuple(filter(None, moved)))


def same_kind(one: Candidate, other: Candidate) -> bool:
    """Say whether two changes put in the same types of layers, if any, or give a setting the same value."""
    if one.family.startswith("setting"):
        return repr(one.edits[0].new) == repr(other.edits[0].new)
    first, second = ({edit.new["type"] for edit in each.edits if edit.parameter == "insert"} for each in (one, other))
    return first == second


def as_given(operation: Operation, before: tuple[Operation, ...]) -> Operation | None:
    """Return an operation on data that others have changed, at its path in the data as given; None within what is new."""
    path = list(operation.path)
    for length in range(len(path)):
        index = path[length]
        if not isinstance(index, int):
            continue
        inserts = sorted(
            one.path[length] for one in before if one.kind == "insert" and one.path[:-1] == _given(path, length)
        )
        removes = {one.path[length] for one in before if one.kind == "remove" and one.path[:-1] == _given(path, length)}
        place = 0
        for old in range(index + len(removes) + 1):
            new = inserts.count(old)
            if place <= index < place + new:
                return None
            place += new
            if old not in removes:
                if place == index:
                    path[length] = old
                    break
                place += 1
    return operation._replace(path=tuple(path))


def _given(path: list[str | int], length: int) -> KeyPath:
    return tuple(path[:length])
