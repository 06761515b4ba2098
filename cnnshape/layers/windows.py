"""Reaches: the cells of an axis that a position of a layer's output reads, as windows that move with the position.

Each layer type gives its own beside its size rule (`Layer.reads`); network/receptive.py makes receptive fields of them.
An axis is taken to go on beyond its ends: cells there are padding. Names as in numbers/rules.py.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Final

from cnnshape.numbers.rules import late
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from cnnshape.numbers.shape import Shape

MOST_POSITIONS: Final = 2**12  # of one period


class FieldTooLarge(Exception):  # noqa: N818 -- it names a fact about a field
    """The field has more than MOST_POSITIONS in a period, or more than MOST_CELLS."""


class Window(NamedTuple):
    """Cells of an axis at equal distances."""

    first: int = 0  # the first cell
    taps: int = 1  # the number of cells
    apart: int = 1  # the distance from one to the next


class Reads(NamedTuple):
    """Position period*n + r reads the cells of windows[r], moved by step*n; with step 0 all positions read the same."""

    period: int = 1
    step: int = 1
    windows: tuple[Window, ...] = (Window(),)


def cells(first: int = 0, taps: int = 1, *, apart: int = 1, step: int = 1) -> Reads:
    """Return the reach of a window that moves by step from one position to the next."""
    return Reads(1, step, (Window(first, taps, apart),))


def whole(x: Shape) -> list[Reads]:
    """Return the reaches, for each spatial axis, of a layer that reads its whole input x at every position."""
    return [cells(0, w, step=0) for w in x[1:]]


def painted(*, kernel_size: int, stride: int, padding: int, dilation: int) -> Reads:
    """Return the reach where each input cell paints a window: position j reads cell i if j = S*i - P + D*t."""
    if stride > MOST_POSITIONS:
        raise FieldTooLarge
    common = gcd(stride, dilation)
    taps = {dilation * t % stride: t for t in reversed(range(min(stride // common, kernel_size)))}
    windows = []
    for position in range(padding, padding + stride):
        tap = taps.get(position % stride, kernel_size)  # the first that paints there, from the last cell
        count = len(range(tap, kernel_size, stride // common))
        apart = dilation // common
        windows.append(Window((position - dilation * tap) // stride - apart * (count - 1), count, apart))
    return Reads(stride, 1, tuple(windows))


def sampled(times: int, plus: int, by: int, *, before: int = 0, after: int = 0) -> Reads:
    """Return the reach where position j is at (times*j + plus)/by: the cell there, rounded down.

    Between two cells, it also reads some cells before and after.
    """
    if expression := late("sampled", times, plus, by, before, after):
        return expression
    common = gcd(times, by)
    if by // common > MOST_POSITIONS:
        raise FieldTooLarge
    windows = []
    for position in range(by // common):
        cell, rest = divmod(times * position + plus, by)
        windows.append(Window(cell - before, 1 + before + after) if rest else Window(cell))
    return Reads(by // common, times // common, tuple(windows))


def spread(w: int, windows: int) -> Reads:
    """Return the reach of adaptive pooling: window j of n goes from floor(j*W/n) to ceil((j + 1)*W/n)."""
    if windows == 1:
        return cells(0, w, step=0)
    if expression := late("spread", w, windows):
        return expression
    common = gcd(w, windows)
    if windows // common > MOST_POSITIONS:
        raise FieldTooLarge
    ends = [(j * w // windows, -(-(j + 1) * w // windows)) for j in range(windows // common)]
    return Reads(windows // common, w // common, tuple(Window(first, end - first) for first, end in ends))
