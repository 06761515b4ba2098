"""The cells of a value that hold something of the image, along each axis, where not all do.

Cells of padding hold nothing, nor do those that a transposed convolution leaves unpainted; a window that reads nothing
else gives one more of them. No row is lost with such a cell. Reaches and the cells of what enters go in; out come the
cells of the result: as bits, where the sides are numbers, or as the end of all of them, where these are unknown.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.windows import FieldTooLarge
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnnshape.layers.base import Layer
    from cnnshape.layers.windows import Reads
    from cnnshape.numbers.effort import Effort
    from cnnshape.numbers.rules import N
    from cnnshape.numbers.shape import Shape

MOST_CELLS: Final = 2**14  # of a side: beyond, all cells are taken to hold something
MOST_STEPS: Final = 2**17  # for one net: a tenth of a second
MOST_ENDS: Final = 16  # numbers that decide an end

Held = tuple[int, ...]  # for each axis, bit n is for cell n; None in its place: all cells hold something
End = tuple[tuple[Any, ...], ...]  # the largest of numbers, each the least of some
Ends = tuple[End, ...]  # for each axis, the number of cells up to the last one that holds something


def held(
    layer: Layer | None,
    inputs: tuple[Shape | None, ...],
    y: Shape | None,
    entering: list[Held | None],
    within: Effort,
) -> Held | None:
    """Return the cells of a layer's result y that hold something; `entering` has those of its inputs.

    With no effort left, all do.
    """
    shapes: Any = inputs
    if layer is None or y is None or UNKNOWN in y or not _concerned(layer, len(y) - 1, entering):
        return None
    if any(shape is None or UNKNOWN in shape or max(shape, default=0) > MOST_CELLS for shape in (*shapes, y)):
        return None
    bits = []
    try:
        ways = layer.reads(*shapes)
        for axis, out in enumerate(y[1:]):
            cells = 0
            for reads, shape, its in zip(ways, shapes, entering, strict=False):  # no reads: only the shape matters
                way = reads[axis] if len(reads) == len(y) - 1 else None
                within.spend(out + sum(taps for _, taps, _ in way.windows) if way else 1)
                cells |= _all(out) if way is None else _reading(way, its[axis] if its else _all(shape[1 + axis]), out)
            bits.append(cells)
    except FieldTooLarge:
        return None
    return None if all(cells == _all(out) for cells, out in zip(bits, y[1:], strict=True)) else tuple(bits)


def _concerned(layer: Layer, rank: int, entering: Sequence[object]) -> bool:
    """Say whether the result may have cells that hold nothing; it does not in most nets, at no layer."""
    if entering.count(None) < len(entering):
        return not layer.repeats_ends() or layer.leaves_empty(rank)
    return _leaves_empty(layer, rank)


@lru_cache(maxsize=2**14)
def _leaves_empty(layer: Layer, rank: int) -> bool:
    return layer.leaves_empty(rank)  # once for layers that are alike


def _all(side: int) -> int:
    return (1 << side) - 1


@lru_cache(maxsize=2**10)
def _reading(reads: Reads, cells: int, out: int) -> int:
    """Return the positions of a result that read one of some cells."""
    windows = [sum(1 << tap * apart for tap in range(taps)) for _, taps, apart in reads.windows]
    found = 0
    for position in range(out):
        n, r = divmod(position, reads.period)
        first = reads.windows[r].first + reads.step * n
        if (windows[r] << first if first >= 0 else windows[r] >> -first) & cells:
            found |= 1 << position
    return found


def lost(cells: Held | None, axis: int, side: int, unread: int) -> int:
    """Return the number of cells that hold something among the last `unread` ones of a side."""
    return unread if cells is None else (cells[axis] >> (side - unread)).bit_count()


# Unknown sides


def ends(layer: Layer, inputs: tuple[Shape, ...], y: Shape, entering: list[Ends | None]) -> Ends | None:
    """Return the ends of what a layer's result y holds; None where that is y's own. Raises Unsolvable."""
    if not _concerned(layer, len(y) - 1, entering):
        return None
    from cnnshape.numbers.symbolic import Unsolvable  # which a check at numbers does without

    try:
        ways = layer.reads(*inputs)
    except (FieldTooLarge, TypeError):  # TypeError: the reach itself depends on the side
        raise Unsolvable("how far its image reaches into padding depends on the side") from None
    found = []
    for axis, out in enumerate(y[1:]):
        largest: list[tuple[Any, ...]] = []
        for reads, shape, its in zip(ways, inputs, entering, strict=False):
            way = reads[axis] if len(reads) == len(y) - 1 else None
            entered: End = its[axis] if its else ((shape[1 + axis] if len(shape) == len(y) else out,),)
            largest += [(out,)] if way is None else _end(way, entered, out)
        found.append(_simpler(largest))
    return tuple(found) if any(end != ((out,),) for end, out in zip(found, y[1:], strict=True)) else None


def _end(reads: Reads, entered: End, out: N) -> list[tuple[Any, ...]]:
    """Return the end of the positions that read below an end: of each window, the last one that begins there."""
    if reads.step == 0:
        return [(out,)]
    period, found = reads.period, []
    for r, (first, taps, _) in enumerate(reads.windows):
        last = period * ((out - 1 - r) // period) + r + 1  # of those with this window
        found += [
            (*(period * ((end - 1 - first) // reads.step) + r + 1 for end in least), last)
            for least in (entered if taps else ())
        ]
    return found


def _simpler(largest: list[tuple[Any, ...]]) -> End:
    """Leave out the numbers that decide nothing at any side."""
    from cnnshape.numbers.symbolic import Unsolvable

    found: list[tuple[Any, ...]] = []
    for numbers in largest:
        least: list[Any] = []
        for number in dict.fromkeys(numbers):
            if not any((other <= number) is True for other in least):
                least = [other for other in least if (number <= other) is not True]
                least.append(number)
        if tuple(least) not in found:
            found.append(tuple(least))
    if sum(map(len, found)) > MOST_ENDS:
        raise Unsolvable("the end of the image within its padding is the least of too many numbers")
    return tuple(found)


def all_of(end: End, condition: Callable[[Any], Any]) -> Any:
    """Return the condition for an end, given that for a number: it holds below each number for which it holds."""
    holds: Any = True
    for numbers in end:
        one: Any = False
        for number in numbers:
            one |= condition(number)
        holds &= one
    return holds
