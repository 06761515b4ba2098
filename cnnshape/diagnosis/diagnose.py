"""The diagnosis of a net: its problems, each with its cause, fixes that were tried, and what it follows from.

A text comes in. Every problem gets its cause; the first few get candidates, the best first, until enough of them are
found to mend it. Problems that the fixes of another mend as well are folded under that one.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.diagnosis.candidate import Candidate, Case
from cnnshape.diagnosis.causes import cause
from cnnshape.diagnosis.fix import TriedFix
from cnnshape.diagnosis.generators import GENERATORS
from cnnshape.diagnosis.trials import Trials
from cnnshape.problems.base import Diagnosed
from cnnshape.problems.diagnosed import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnnshape.diagnosis.generators import Generator
    from cnnshape.diagnosis.trials import Verdict
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.place import SourceText

MOST_FIXES: Final = 3  # shown
MOST_OF_FAMILY: Final = 2
MOST_MENDED: Final = 5  # problems that get fixes
FAR: Final = 2.5  # ranks behind the best fix, from which on none is shown


class Mended(NamedTuple):
    """A candidate that mends its problem, and the verdict on it."""

    candidate: Candidate
    verdict: Verdict


class Findings(NamedTuple):
    """All that a diagnosis found, a record for each problem of the report, and the trials that it took."""

    found: tuple[Diagnosed, ...]
    trials: Trials


def diagnose(source: SourceText, path: Path | None, given: Input | None, *, strict: bool) -> Findings:
    """Find the causes and the fixes of all problems of the net that a text describes, checked at an input."""
    trials = Trials(source, path, given, strict=strict)
    architecture, net, report, _ = trials.origin
    found: list[Diagnosed] = []
    for number, problem in enumerate(report.problems):
        case = Case(problem, cause(problem, net, report), net, report, architecture, trials)
        fixes = [*chosen(case, number)] if number < MOST_MENDED else []
        found.append(Diagnosed(case.cause, tuple(_fix(mended) for mended in fixes)))
    return Findings(tuple(found), trials)


def chosen(case: Case, number: int) -> Iterator[Mended]:
    """Yield the fixes of a problem that are to be shown, the best first."""
    trials, best = case.trials, None
    families: list[str] = []
    trials.begin()
    for candidate in candidates(case):
        if trials.spent or len(families) == MOST_FIXES or (best is not None and candidate.rank > best + FAR):
            return
        if families.count(candidate.family) == MOST_OF_FAMILY:
            continue
        verdict = trials.attempt(candidate.operations)
        if verdict and number in verdict.gone and not verdict.new and trials.holds(candidate.operations):
            families.append(candidate.family)
            best = candidate.rank if best is None else best
            yield Mended(candidate, verdict)


def candidates(case: Case) -> Iterator[Candidate]:
    """Yield all candidates by rank; a generator is asked when its least rank is due."""
    order = count()
    due: list[tuple[float, int, Candidate | Generator]] = [(rank, next(order), one) for rank, one in GENERATORS]
    heapify(due)
    while due:
        rank, _, first = heappop(due)
        if isinstance(first, Candidate):
            yield first
        else:
            for candidate in first(case):
                heappush(due, (max(rank, candidate.rank), next(order), candidate))


def _fix(mended: Mended) -> TriedFix:
    candidate, report = mended.candidate, mended.verdict.checked.report
    effect = Effect(report.output, report.parameters, report.macs)
    return TriedFix(candidate.edits, effect, candidate.operations)
