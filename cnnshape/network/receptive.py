"""Receptive fields: the cells of the image that a position of a layer's result depends on, along each axis, exactly.

A layer type says which cells of its input a position reads (`Layer.reads`); here they are followed back to the image.
Both repeat: position j + period depends on the cells of position j, moved by step. Sets of cells are bits of a number.
The image goes on beyond its ends, and cells that padding repeats are not counted. Resizing to a size reads at exact
fractions; torch has floats there, which fall beside a cell at times. Where a factor leaves a side as it is (3 by 1.25),
torch copies on some devices and resizes on others; here it is resized.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.windows import MOST_POSITIONS, FieldTooLarge
from cnnshape.network.flow import run
from cnnshape.numbers.effort import Effort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from fractions import Fraction

    from cnnshape.layers.windows import Reads, Window
    from cnnshape.network.graph import Graph
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

MOST_CELLS: Final = 2**20  # from the first to the last of a field
MOST_STEPS: Final = 2**20  # of the fields of a net: seconds
BITS: Final = 2**12  # of a number, that are computed with in the time of a step
USES: Final = 4  # of the cells of every position, for extent and support


class Cells(NamedTuple):
    """A set of cells of the image: first + i for each bit i of the mask. Bit 0 is set, or the mask is 0: no cells."""

    first: int
    mask: int

    def __contains__(self, cell: object) -> bool:
        return isinstance(cell, int) and cell >= self.first and bool(self.mask >> (cell - self.first) & 1)

    @property
    def last(self) -> int:
        """The last cell; one before the first where there is none."""
        return self.first + self.extent - 1

    @property
    def extent(self) -> int:
        """The number of cells from the first to the last."""
        return self.mask.bit_length()

    @property
    def support(self) -> int:
        """The number of cells in the set."""
        return self.mask.bit_count()

    def moved(self, by: int) -> Cells:
        """Return the cells, each moved by a number of cells."""
        return Cells(self.first + by, self.mask) if self.mask else self

    def within(self, side: int) -> int:
        """Return the cells that lie in an image of this side, as bits."""
        if side > MOST_CELLS:
            raise FieldTooLarge
        return (self.mask << self.first if self.first > 0 else self.mask >> -self.first) & (1 << side) - 1

    @property
    def work(self) -> int:
        """The steps of an effort for computing with the cells."""
        return 1 + self.extent // BITS

    def smeared(self, step: int, count: int) -> Cells:
        """Return the union of `count` copies of the cells: moved by 0, step, 2*step, ... Raises FieldTooLarge."""
        if count > 1 and self.extent + step * (count - 1) > MOST_CELLS:
            raise FieldTooLarge
        mask, done = self.mask, 1
        while done < count:
            more = min(done, count - done)
            mask |= mask << step * more
            done += more
        return Cells(self.first, mask)


NOTHING: Final = Cells(0, 0)


def union(some: Iterable[Cells]) -> Cells:
    """Return the union of sets of cells. Raises FieldTooLarge."""
    sets = [cells for cells in some if cells.mask]
    if not sets:
        return NOTHING
    first = min(cells.first for cells in sets)
    if max(cells.last for cells in sets) - first >= MOST_CELLS:
        raise FieldTooLarge
    mask = 0
    for cells in sets:
        mask |= cells.mask << cells.first - first
    return Cells(first, mask)


class Part(NamedTuple):
    """A part of a field that moves at one speed: position period*n + r depends on cells[r], moved by step*n."""

    period: int
    step: int
    cells: tuple[Cells, ...]

    def at(self, position: int) -> Cells:
        """Return the cells that a position depends on."""
        n, r = divmod(position, self.period)
        return self.cells[r].moved(self.step * n)

    def covers(self, side: int) -> bool:
        """Say whether all positions depend on all cells of an image of this side."""
        return not self.step and all(cells.within(side) == (1 << side) - 1 for cells in self.cells)

    @property
    def work(self) -> int:
        """The steps of an effort for computing with the cells of all positions of a period."""
        return sum(cells.work for cells in self.cells)

    def seen(self, reads: Reads, within: Effort) -> Part:
        """Return the part for the result of a layer that reads in this way. Raises FieldTooLarge."""
        times = self.period // gcd(reads.step, self.period)
        period, step = reads.period * times, reads.step * times // self.period * self.step
        if period > MOST_POSITIONS:
            raise FieldTooLarge
        windows = ((window, reads.step * n) for n in range(times) for window in reads.windows)
        return _part(period, step, tuple(union(self._within(window, moved, within)) for window, moved in windows))

    def _within(self, window: Window, moved: int, within: Effort) -> Iterator[Cells]:
        """Yield the cells that a window's positions depend on, those of positions a period apart together."""
        first, taps, apart = window
        cycle = self.period // gcd(apart, self.period)
        for tap in range(min(cycle, taps)):
            start = self.at(first + moved + apart * tap)
            cells = start.smeared(apart * cycle // self.period * self.step, len(range(tap, taps, cycle)))
            within.spend(cells.work)
            yield cells


Parts = tuple[Part, ...]  # of one field, each at another speed


def _part(period: int, step: int, cells: tuple[Cells, ...]) -> Part:
    """Return the part with its least period."""
    for shorter in range(1, period // 2 + 1):
        if period % shorter == 0 and shorter * step % period == 0:
            part = Part(shorter, shorter * step // period, cells[:shorter])
            if all(part.at(position) == its for position, its in enumerate(cells)):
                return part
    return Part(period, step, cells)


def _joined(parts: Iterable[Part], within: Effort) -> Parts:
    """Return the union of parts, one for each speed at which they move."""
    by_speed: dict[tuple[int, int], Part] = {}
    for part in parts:
        common = gcd(part.step, part.period)
        speed = part.step // common, part.period // common
        other = by_speed.get(speed)
        by_speed[speed] = part if other is None else _union(part, other, within)
    return tuple(by_speed.values())


def _union(one: Part, other: Part, within: Effort) -> Part:
    """Return the union of two parts of the same speed. Raises FieldTooLarge."""
    period = lcm(one.period, other.period)
    if period > MOST_POSITIONS:
        raise FieldTooLarge
    within.spend(one.work * (period // one.period) + other.work * (period // other.period))
    cells = tuple(union((one.at(position), other.at(position))) for position in range(period))
    return _part(period, one.step * (period // one.period), cells)


class ReceptiveField(NamedTuple):
    """The cells that the positions of a layer's result depend on, along one axis of the image.

    `at(j)` has the cells of position j; `extent` and `support` are of all positions, as a pair of the least and the
    most. There is one part where all paths to the image move at the same speed, as in a net whose sizes fit.
    """

    parts: Parts
    positions: int  # the side of the layer's result, 1 where it has no such axis
    side: int  # that of the image

    def __repr__(self) -> str:
        return f"<ReceptiveField: extent {self.extent}, stride {self.stride}>"

    def at(self, position: int) -> Cells:
        """Return the cells that a position depends on."""
        return union(part.at(position) for part in self.parts)

    @property
    def period(self) -> int | None:
        """The least number of positions after which the field repeats, moved; None where it never does."""
        return self.parts[0].period if len(self.parts) == 1 else None

    @property
    def stride(self) -> Fraction | None:
        """The cells that the field moves from one position to the next, on average; None where its parts differ in it."""
        from fractions import Fraction

        return Fraction(self.parts[0].step, self.parts[0].period) if len(self.parts) == 1 else None

    @property
    def extent(self) -> tuple[int, int]:
        """The number of cells from the first to the last."""
        return _extremes(cells.extent for cells in self._different())

    @property
    def support(self) -> tuple[int, int]:
        """The number of cells that are read: fewer than the extent where dilation leaves holes."""
        return _extremes(cells.support for cells in self._different())

    @property
    def is_whole(self) -> bool:
        """Whether every position depends on the whole image, as behind a global pool."""
        return any(part.covers(self.side) for part in self.parts)

    def _different(self) -> Iterable[Cells]:
        """Return the cells of positions that stand for all: of one period, or of every position."""
        if len(self.parts) == 1:
            return self.parts[0].cells
        return (self.at(position) for position in range(self.positions))


def _extremes(numbers: Iterable[int]) -> tuple[int, int]:
    """Return the least and the most of some numbers, 0 of none."""
    different = set(numbers)
    return min(different, default=0), max(different, default=0)


def receptive_fields(
    net: Graph,
    *,
    input: str | None = None,  # noqa: A002 -- the public name
) -> dict[str, tuple[ReceptiveField | None, ...]]:
    """Return the field of each layer's result along each axis of the image, at the net's declared input.

    A field is None behind a failure, behind a layer that mixes the axes or resizes by a factor that is no exact
    fraction, and where it is larger than we compute. `input` names the image, where there are several inputs with
    different sides. Raises ValueError where it does not suit the net.
    """
    images = {name: shape[1:] for name, shape in net.inputs.items() if shape and len(shape) > 1}
    if input is not None:
        images = {name: sides for name, sides in images.items() if name == input}
    if len(set(images.values())) != 1:
        raise ValueError(f"say which input is the image; those with sides are {', '.join(images) or 'none'}")
    walk = _Walk(net, images)
    return {row.name: walk.fields_of(row) for row in run(net, net.inputs).rows}


def _read(reads: Reads, positions: int, side: int, within: Effort) -> int:
    """Return the cells of a side that some positions read; both are bits of a number."""
    masks = [Cells(0, 1).smeared(apart, taps).mask if taps else 0 for _, taps, apart in reads.windows]
    read = 0
    for position in _bits(positions):
        within.spend(1 + side // BITS)
        n, r = divmod(position, reads.period)
        read |= Cells(reads.windows[r].first + reads.step * n, masks[r]).within(side)
    return read


def _bits(mask: int) -> Iterator[int]:
    """Yield the positions whose bits are set."""
    while mask:
        yield (mask & -mask).bit_length() - 1
        mask &= mask - 1


Way = tuple[int, "Sequence[Reads | None]"]  # a value that a layer reads, and the reads along each of its spatial axes


class _Walk:
    """Walks a net in the order of running, and keeps the fields of every value along each axis of the image."""

    def __init__(self, net: Graph, images: dict[str, Shape]):
        (self.image,) = set(images.values())
        pixel, nothing = (Part(1, 1, (Cells(0, 1),)),), ()  # position j of the image depends on cell j
        inputs = ((pixel if name in images else nothing,) * len(self.image) for name in net.inputs)
        self.fields: list[tuple[Parts | None, ...]] = [(None,) * len(self.image), *inputs]
        self.shapes: list[Shape | None] = [None, *net.inputs.values()]
        self.images = [value for value, name in enumerate(net.inputs, start=1) if name in images]
        self.first = len(self.fields)  # the value of the first node
        self.effort = Effort(MOST_STEPS, FieldTooLarge)
        self.ways: list[list[Way]] = []  # from each node back to the values that it reads

    def fields_of(self, row: LayerReport) -> tuple[ReceptiveField | None, ...]:
        """Return the fields of the next row, along each axis of the image, and keep them."""
        layer = row.node.layer
        ways: list[Way] = []
        fields: tuple[Parts | None, ...] = (None,) * len(self.image)
        if layer is not None and not row.result.refusals and None not in (row.output, *row.inputs):
            shapes: Any = row.inputs
            try:
                self.effort.spend(1)
                ways = [*zip(row.node.inputs, layer.reads(*shapes), strict=False)]  # no reads: only its shape matters
                self.effort.spend(sum(len(reads.windows) for _, axes in ways for reads in axes if reads))
                fields = tuple(self.along(axis, ways) for axis in range(len(self.image)))
            except FieldTooLarge:
                pass
        self.ways.append(ways)
        self.fields.append(fields)
        self.shapes.append(row.output)
        sides = (row.output or ())[1:]
        if len(sides) != len(self.image):  # its axes are not the image's: a field that moves has no positions there
            fields = tuple(None if parts and any(part.step for part in parts) else parts for parts in fields)
            sides = (1,) * len(self.image)
        rows = zip(fields, sides, self.image, strict=True)
        return tuple(None if parts is None else self.field(ReceptiveField(parts, *sizes)) for parts, *sizes in rows)

    def field(self, field: ReceptiveField) -> ReceptiveField | None:
        """Return the field; None where its parts move apart so far, or over so many positions, that it is too large."""
        if len(field.parts) == 1:
            return field
        try:
            widest = max(field.at(position).work for position in (0, field.positions - 1))
            work = USES * field.positions * len(field.parts) * widest
            if work > self.effort.left:
                return None
            self.effort.spend(work)
            _ = field.extent  # which is too large, if that of any position is
        except FieldTooLarge:
            return None
        return field

    def along(self, axis: int, ways: list[Way]) -> Parts | None:
        """Return the field of a node along one axis, given its ways; None where there is none."""
        seen: list[Parts] = []
        mixed = False
        for value, axes in ways:
            parts = self.fields[value][axis]
            reads = axes[axis] if len(axes) == len(self.image) else None
            if parts is None or (reads is None and any(part.step for part in parts)):
                return None
            if reads is None:
                mixed = True
                seen.append(parts)
            elif reads.step == 0 and any(part.step for part in parts):
                seen.append((self.reached(axis, value, reads),))
            else:
                seen.append(tuple(part.seen(reads, self.effort) for part in parts))
        if mixed and len(set(seen)) > 1:
            return None  # some positions have the field of one value, some that of another
        joined = _joined((part for parts in seen for part in parts), self.effort)
        return next(((part,) for part in joined if part.covers(self.image[axis])), joined)

    def reached(self, axis: int, value: int, reads: Reads) -> Part:
        """Return the field of a node that reads the same at every position: cells that exist, and no padding."""
        image = 0
        needed = {value: _read(reads, 1, self.side(value, axis), self.effort)}
        while needed:
            value = max(needed)
            positions, parts = needed.pop(value), self.fields[value][axis] or ()
            if value in self.images:
                image |= positions
            elif not any(part.step for part in parts):
                for part in parts:
                    remainders = {position % part.period for position in _bits(positions)}
                    image |= union(part.cells[r] for r in remainders).within(self.image[axis])
            else:
                for source, axes in self.ways[value - self.first]:
                    ours: Any = axes[axis]  # there is one, as there is a field that moves
                    needed[source] = needed.get(source, 0) | _read(
                        ours, positions, self.side(source, axis), self.effort
                    )
        first = (image & -image).bit_length() - 1
        return Part(1, 0, (Cells(first, image >> first) if image else NOTHING,))

    def side(self, value: int, axis: int) -> int:
        """Return the side of a value along an axis of the image, 1 where it has no such axis."""
        shape = self.shapes[value]
        return shape[1 + axis] if shape and len(shape) == 1 + len(self.image) else 1
