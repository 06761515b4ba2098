"""Fixes of lines: of two alike, one behind the other, one is taken out; one that is missing is put in."""

from __future__ import annotations

from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.inserting import named_elsewhere
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.spots import name_at, shares, step_of
from cnnshape.layers.pooling import AvgPool, MaxPool
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers
from cnnshape.problems.diagnosed import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.problems.place import KeyPath

MOST: Final = 4  # pairs of one file that are tried
APART: Final = frozenset(["name", "expect", "allow"])  # what a layer says of itself alone
POOLS: Final = frozenset([MaxPool.type, AvgPool.type])


def twice(case: Case) -> Iterator[Candidate]:
    """Yield the removal of the second of two layers or uses that are alike but for their names.

    Nets have such pairs, so that one is only taken out where a size or a figure is expected that both do not give.
    """
    if not isinstance(case.problem, ExpectDiffers | ClaimDiffers) or case.trials.given is not None:
        return
    lists: list[KeyPath] = [("layers",), *(("blocks", name, "layers") for name in case.data.get("blocks", {}))]
    yield from islice((pair for path in lists for pair in _pairs(case, path)), MOST)


def _pairs(case: Case, path: KeyPath) -> Iterator[Candidate]:
    steps = case.at(path)
    for index, (one, two) in enumerate(pairwise(steps), 1) if isinstance(steps, list) else ():
        at = (*path, index)
        alike = isinstance(two, dict) and isinstance(one, dict) and _rest(one) == _rest(two)
        if not alike or ("name" in two and named_elsewhere(case.data, two["name"], at)):
            continue
        if name := name_at(case, at):
            yield Candidate(2.3, "remove", (Edit(name, "remove", two, None),), (Operation("remove", at),))


def _rest(step: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key != "name"}


def missing(case: Case) -> Iterator[Candidate]:
    """Yield a layer, or a use, once more behind itself, where the claimed figures are as much larger as its own are.

    Or a pool, before the layer whose side is expected to be half as large.
    """
    problem, row = case.problem, case.row
    if case.trials.given is not None:
        return
    if isinstance(problem, ClaimDiffers):
        said = {claim.name: claim.claimed for claim in case.net.claims}
        lacks = [said.get(name, 0) - (getattr(case.report, name) or 0) for name in ("parameters", "macs")]
        if {"parameters", "macs"} <= said.keys() and min(lacks) > 0:
            alike = [path for path, has in shares(case).items() if has[:2] == lacks and step_of(path) == len(path)]
            yield from (one for path in alike[:MOST] for one in _again(case, path, following(path)))
    elif isinstance(problem, ExpectDiffers) and row is not None and row.node.type not in POOLS:
        places = [one.node.place for one in case.report.layers if one.node.type in POOLS]
        pools = {str(case.at(place.path)): place.path for place in places if case.own(place)}
        if case.own(row.node.place):
            yield from (one for path in [*pools.values()][:2] for one in _again(case, path, row.node.place.path))


def following(path: KeyPath) -> KeyPath:
    """Return the path of the next element of a list; () for no element."""
    return (*path[:-1], path[-1] + 1) if isinstance(path[-1], int) else ()


def _again(case: Case, path: KeyPath, at: KeyPath) -> Iterator[Candidate]:
    """Yield the layer at a path once more, before another; none where one of them names what it takes."""
    table, there = case.at(path), case.at(at)
    if any("from" in one or "repeat" in one for one in (table, there) if isinstance(one, dict)):
        return
    new = (
        {"type": table} if isinstance(table, str) else {key: value for key, value in table.items() if key not in APART}
    )
    if at and there is not None and (name := name_at(case, at)):
        yield Candidate(3.1, "line", (Edit(name, "insert", None, new),), (Operation("insert", at, new),))
