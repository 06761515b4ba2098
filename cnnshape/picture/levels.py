"""The resolution level of every value of a net: log2 of how often its sides were halved. A net and its report come in.

Where the sizes have a closed form, its slope decides: floor((x - 4)/2) and floor(x/2) are both at level 1, so what a
U-Net crops stands beside what it joins. Elsewhere the declared sizes do, rounded.
"""

from __future__ import annotations

from contextlib import suppress
from math import log2, prod
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from cnnshape.network.requirements import NoClosedForm, Reading
from cnnshape.network.valid_sizes import AXES
from cnnshape.numbers.symbolic import Size
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape

BELOW: Final = 1.0  # under the deepest level with space: vectors, and images of one cell


def levels(net: Network, report: Report) -> list[float]:
    """Return the level of every value, in the order of values: 0 where the image enters, 1 where it is halved once."""
    shapes = [None, *(report.inputs.get(name) for name in net.inputs), *(row.result.output for row in report.layers)]
    closed = _closed_forms(net, len(shapes))
    entering = [shape for shape in report.inputs.values() if not _flat(shape)]
    whole = max(entering or filter(_known, shapes), key=_cells, default=(1, 1))
    before = _before(net, len(shapes))
    known: dict[Any, float | None] = {}  # most of the tensors of a net are alike
    found: list[float | None] = []
    for shape, form, others in zip(shapes, closed, before, strict=True):
        if not _known(shape):
            found.append(found[others[0]] if others else None)
            continue
        if (shape, form) not in known:
            known[shape, form] = None if _flat(shape) else _level(shape, form, whole)
        found.append(known[shape, form])
    deepest = max((level for level in found if level is not None), default=-BELOW)
    return [deepest + BELOW if level is None else level for level in found]


def _known(shape: Shape | None) -> TypeGuard[Shape]:
    """Say whether all sides of a shape are known."""
    return shape is not None and UNKNOWN not in shape[1:]


def _cells(shape: Shape) -> int:
    return prod(shape[1:])


def _before(net: Network, count: int) -> list[tuple[int, ...]]:
    """Return the values that enter the node of each value, none of an input."""
    return [*[()] * (count - len(net.nodes)), *(node.inputs for node in net.nodes)]


def _flat(shape: Shape) -> bool:
    """Say whether a shape has no side of more than one cell."""
    return all(size == 1 for size in shape[1:])


def _level(shape: Shape, form: Shape | None, whole: Shape) -> float:
    """Return the level of a shape with its closed form, below a whole image."""
    if form is None or len(form) != len(shape) or len(shape) != len(whole):
        return float(round((log2(_cells(whole)) - log2(_cells(shape))) / (len(whole) - 1)))
    halved = [
        _slope(size) if isinstance(size, Size) else float(round(log2(side) - log2(declared)))
        for size, side, declared in zip(form[1:], whole[1:], shape[1:], strict=True)
    ]
    return round(sum(halved) / len(halved), 3)


def _slope(size: Size) -> float:
    """Return how often a size halves its side: 1 of floor((x + 1)/2)."""
    pace = size.pace()
    return log2(pace.period) - log2(pace.rise) if pace.rise > 0 else 0.0


def _closed_forms(net: Network, count: int) -> Sequence[Shape | None]:
    """Return the shape of every value as a function of the inputs' sides; None from where there is no closed form."""
    sides = {name: shape[1:] for name, shape in net.inputs.items() if shape and len(shape) > 1}
    rank = len(next(iter(sides.values()), ()))
    if rank not in AXES or len({*sides.values()}) > 1:
        return [None] * count
    reading: Any = Reading(net, [*sides], AXES[rank], exact=False)
    with suppress(NoClosedForm):  # what was read before it stands
        reading.run()
    return [*reading.shapes, *[None] * (count - len(reading.shapes))]
