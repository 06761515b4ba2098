"""Fixes of lines: of two alike, one behind the other, one is taken out."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.inserting import named_elsewhere
from cnnshape.diagnosis.operations import Operation
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers
from cnnshape.problems.diagnosed import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.problems.place import KeyPath

MOST: Final = 4  # pairs of one file that are tried


def twice(case: Case) -> Iterator[Candidate]:
    """Yield the removal of the second of two layers or uses that are alike but for their names.

    Nets have such pairs, so that one is only taken out where a size or a figure is expected that both do not give.
    """
    if not isinstance(case.problem, ExpectDiffers | ClaimDiffers) or case.trials.given is not None:
        return
    lists: list[KeyPath] = [("layers",), *(("blocks", name, "layers") for name in case.data.get("blocks", {}))]
    found = [pair for path in lists for pair in _pairs(case, path)]
    yield from found[:MOST]


def _pairs(case: Case, path: KeyPath) -> Iterator[Candidate]:
    steps = case.at(path)
    for index, (one, two) in enumerate(pairwise(steps), 1) if isinstance(steps, list) else ():
        at = (*path, index)
        alike = isinstance(two, dict) and isinstance(one, dict) and _rest(one) == _rest(two)
        if not alike or ("name" in two and named_elsewhere(case.data, two["name"], at)):
            continue
        if name := _name(case, at):
            yield Candidate(2.3, "remove", (Edit(name, "remove", two, None),), (Operation("remove", at),))


def _rest(step: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key != "name"}


def _name(case: Case, path: KeyPath) -> str:
    """Return the name of the layer, or of the use of a block, at a path; of several copies the first one's.

    "" where the net has none.
    """
    for node in case.net.nodes:
        if node.place.path == path:
            return node.name
        depth = next((depth for depth, place in enumerate(reversed(node.used_at), 1) if place.path == path), None)
        if depth is not None:
            return ".".join(node.name.split(".")[:depth])
    return ""
