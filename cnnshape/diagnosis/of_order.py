"""Fixes of the order of axes: the layout of the file, its input in another order, or without the batch.

Where these mend the problem nothing else is shown: numbers that only suit an order that nobody meant are no fix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.numbers.shape import CHANNELS_FIRST, CHANNELS_LAST, OF_PICTURES, from_file, other_order, to_file
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.shapes import DeclaredDiffers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.numbers.shape import Shape

OTHER: Final = {CHANNELS_FIRST: CHANNELS_LAST, CHANNELS_LAST: CHANNELS_FIRST}
RANK: Final = 1.0
MOST_AXES: Final = 4  # of an input that may be written in another order


def reordered(case: Case) -> Iterator[Candidate]:
    """Yield the layout and the order of the input under which the wanted channels are where the file reads them."""
    net = case.net
    if case.trials.given is not None:
        return
    for name, shape in net.inputs.items():
        if not shape or not 1 < len(shape) <= MOST_AXES:
            continue
        batch, meant = _batch(case, shape), _meant(case, shape)
        if batch is not None:
            yield from _written(case, name, batch, RANK)
        elif meant is not None:
            if _turned(case, shape) == meant and "inputs" not in case.data:
                yield case.changed(None, (), "layout", OTHER[net.layout], rank=RANK, family="order")
            yield from _written(case, name, meant, RANK + 0.1)


def _written(case: Case, name: str, shape: Shape, rank: float) -> Iterator[Candidate]:
    """Yield the input of another shape, written whole."""
    path = case.input_path(name)
    old, new = case.at(path), [*to_file(shape, case.net.layout)]
    if isinstance(old, list) and all(isinstance(entry, int) for entry in old):
        edit = Edit(None, ".".join(path), tuple(old), tuple(new))
        yield Candidate(rank, "order", (edit,), (Operation("set", path, new),))


def _wanted(case: Case, shape: Shape) -> int | None:
    """Return the channels that the layer of the problem declares, where it gets those of an input of this shape."""
    problem = case.problem
    if isinstance(problem, DeclaredDiffers) and problem.facts["arrives"] == shape[0]:
        declared: int = problem.facts["declared"]
        return declared
    return None


def _batch(case: Case, shape: Shape) -> Shape | None:
    """Return the input without its first size, where that has the look of a batch."""
    written, layout = to_file(shape, case.net.layout), case.net.layout
    looks = other_order(shape, layout)
    rest = from_file(written[1:], layout)
    if len(rest) < len(shape) and looks == rest:
        return rest
    batched = len(rest[1:]) > 1 and _wanted(case, shape) == rest[0] and rest[0] in OF_PICTURES
    return rest if batched else None


def _meant(case: Case, shape: Shape) -> Shape | None:
    """Return the input in another order, where the wanted channels stand elsewhere in it, or it has that look."""
    looks = other_order(shape, case.net.layout)
    wanted = _wanted(case, shape)
    if wanted is None:
        return looks
    if shape[1:].count(wanted) != 1 or wanted == shape[0]:
        return None
    turned = _turned(case, shape)
    if turned[0] == wanted:
        return turned
    rest = [*shape]
    rest.remove(wanted)
    return (wanted, *rest) if wanted in OF_PICTURES else None  # another side in the middle that is as large is chance


def _turned(case: Case, shape: Shape) -> Shape:
    """Return the input as the other layout reads it."""
    return from_file(to_file(shape, case.net.layout), OTHER[case.net.layout])
