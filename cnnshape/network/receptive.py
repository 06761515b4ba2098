"""Receptive fields: which cells of the image a position in a layer's result depends on, along each axis, exactly.

What a layer reads of what enters it says itself (`Layer.reads`); here that is followed to the image. Both repeat: what
position j + period depends on is what position j depends on, moved by step. Sets of cells are the bits of a number.
The image is thought of as going on at its ends, and what padding repeats of it is not counted. Of resizing to a size,
the positions are exact fractions; torch's are floats, and fall beside a cell at times. Where a factor leaves a side as
it is (3 by 1.25), torch copies on some devices and resizes on others; here it is resized.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.windows import MOST_PLACES, FieldTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from fractions import Fraction

    from cnnshape.layers.windows import Reads, Window
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

MOST_CELLS: Final = 2**20  # from the first to the last that a position reads


class Cells(NamedTuple):
    """Some cells of the image: first + i for each bit i of the mask, whose bit 0 is set; or none, with a mask of 0."""

    first: int
    mask: int

    def __contains__(self, cell: object) -> bool:
        return isinstance(cell, int) and cell >= self.first and bool(self.mask >> (cell - self.first) & 1)

    @property
    def last(self) -> int:
        return self.first + self.extent - 1

    @property
    def extent(self) -> int:
        """How many cells there are from the first to the last."""
        return self.mask.bit_length()

    @property
    def support(self) -> int:
        """How many cells they are."""
        return self.mask.bit_count()

    def moved(self, by: int) -> Cells:
        return Cells(self.first + by, self.mask) if self.mask else self

    def within(self, side: int) -> int:
        """Return those that an image of a side has, as bits."""
        if side > MOST_CELLS:
            raise FieldTooLarge
        return (self.mask << self.first if self.first > 0 else self.mask >> -self.first) & (1 << side) - 1

    def smeared(self, step: int, count: int) -> Cells:
        """Return these cells, and these moved by step, 2*step, ..., so many times in all."""
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
    """Return the cells of all of these together. Raises FieldTooLarge."""
    parts = [part for part in some if part.mask]
    if not parts:
        return NOTHING
    first = min(part.first for part in parts)
    if max(part.last for part in parts) - first >= MOST_CELLS:
        raise FieldTooLarge
    mask = 0
    for part in parts:
        mask |= part.mask << part.first - first
    return Cells(first, mask)


class Part(NamedTuple):
    """Position period*n + r depends on cells[r], moved by step*n."""

    period: int
    step: int
    cells: tuple[Cells, ...]

    def at(self, position: int) -> Cells:
        n, place = divmod(position, self.period)
        return self.cells[place].moved(self.step * n)

    def covers(self, side: int) -> bool:
        """Say whether all positions depend on all cells of an image of that side."""
        return not self.step and all(cells.within(side) == (1 << side) - 1 for cells in self.cells)

    def seen(self, reads: Reads) -> Part:
        """Return the part as a layer sees it that reads this."""
        times = self.period // gcd(reads.step, self.period)
        period, step = reads.period * times, reads.step * times // self.period * self.step
        if period > MOST_PLACES:
            raise FieldTooLarge
        windows = ((window, reads.step * n) for n in range(times) for window in reads.windows)
        return _part(period, step, tuple(union(self._within(window, moved)) for window, moved in windows))

    def _within(self, window: Window, moved: int) -> Iterator[Cells]:
        """Yield what the positions of a window depend on, together those that are a period apart."""
        first, taps, apart = window
        cycle = self.period // gcd(apart, self.period)
        for place in range(min(cycle, taps)):
            start = self.at(first + moved + apart * place)
            yield start.smeared(apart * cycle // self.period * self.step, len(range(place, taps, cycle)))


Parts = tuple[Part, ...]  # of one field, at one speed each


def _part(period: int, step: int, cells: tuple[Cells, ...]) -> Part:
    """Return the part with its least period."""
    for shorter in range(1, period // 2 + 1):
        if period % shorter == 0 and shorter * step % period == 0:
            part = Part(shorter, shorter * step // period, cells[:shorter])
            if all(part.at(place) == cell for place, cell in enumerate(cells)):
                return part
    return Part(period, step, cells)


def _joined(parts: Iterable[Part]) -> Parts:
    """Return the union of parts, one for each speed at which they move."""
    by_speed: dict[tuple[int, int], Part] = {}
    for part in parts:
        common = gcd(part.step, part.period)
        speed = part.step // common, part.period // common
        other = by_speed.get(speed)
        by_speed[speed] = part if other is None else _union(part, other)
    return tuple(by_speed.values())


def _union(one: Part, other: Part) -> Part:
    period = lcm(one.period, other.period)
    if period > MOST_PLACES:
        raise FieldTooLarge
    cells = tuple(union((one.at(place), other.at(place))) for place in range(period))
    return _part(period, one.step * (period // one.period), cells)


class ReceptiveField(NamedTuple):
    """What the positions of a layer's result depend on, along one axis of the image.

    `at(j)` has the cells of position j; the properties speak of all positions, as a pair of the least and the most.
    The parts have one step a period each where they move at the same speed, as along every path of a net whose sizes
    fit; else there are several.
    """

    parts: Parts
    positions: int  # the side of the layer's result, 1 where it has no such axis
    side: int  # that of the image

    def __repr__(self) -> str:
        return f"<ReceptiveField: extent {self.extent}, stride {self.stride}>"

    def at(self, position: int) -> Cells:
        return union(part.at(position) for part in self.parts)

    @property
    def period(self) -> int | None:
        """After how many positions the field looks the same again; None where it never does."""
        return self.parts[0].period if len(self.parts) == 1 else None

    @property
    def stride(self) -> Fraction | None:
        """How far the field moves from one position to the next, on average; None where its parts move differently."""
        from fractions import Fraction

        return Fraction(self.parts[0].step, self.parts[0].period) if len(self.parts) == 1 else None

    @property
    def extent(self) -> tuple[int, int]:
        """How many cells there are from the first to the last."""
        return _extremes(cells.extent for cells in self._different())

    @property
    def support(self) -> tuple[int, int]:
        """How many cells are read; fewer than the extent where dilation leaves holes."""
        return _extremes(cells.support for cells in self._different())

    @property
    def is_whole(self) -> bool:
        """Whether every position depends on the whole image, as behind a global pool."""
        return any(part.covers(self.side) for part in self.parts)

    def _different(self) -> Iterable[Cells]:
        """Return the cells of all positions that may differ other than by having moved."""
        if len(self.parts) == 1:
            return self.parts[0].cells
        return (self.at(position) for position in range(self.positions))


def _extremes(numbers: Iterable[int]) -> tuple[int, int]:
    different = set(numbers)
    return min(different, default=0), max(different, default=0)


def receptive_fields(
    net: Network,
    *,
    input: str | None = None,  # noqa: A002 -- the public name
) -> dict[str, tuple[ReceptiveField | None, ...]]:
    """Return what each layer's result depends on, along each axis of the image, at the net's declared input.

    None where that cannot be said: behind a failure, a layer that mixes the axes, or one that resizes by a factor with
    no exact fraction; or where the field is larger than we compute. `input` names the image, where there are several
    inputs with different sides. Raises ValueError where that does not suit the net.
    """
    images = {name: shape[1:] for name, shape in net.inputs.items() if shape and len(shape) > 1}
    if input is not None:
        images = {name: sides for name, sides in images.items() if name == input}
    if len(set(images.values())) != 1:
        raise ValueError(f"say which input is the image; those with sides are {', '.join(images) or 'none'}")
    walk = _Walk(net, images)
    return {row.name: walk.step(row) for row in net.check().layers}


def _read(reads: Reads, positions: int, side: int) -> int:
    """Return which cells of a side are read by some positions; both are bits of a number."""
    masks = [Cells(0, 1).smeared(apart, taps).mask if taps else 0 for _, taps, apart in reads.windows]
    read = 0
    while positions:
        position = (positions & -positions).bit_length() - 1
        positions &= positions - 1
        n, place = divmod(position, reads.period)
        read |= Cells(reads.windows[place].first + reads.step * n, masks[place]).within(side)
    return read


Way = tuple[int, "Sequence[Reads | None]"]  # a value that a layer reads, and how, along each of its spatial axes


class _Walk:
    """Fields along each axis of the image, one tuple of them for each value of the net, in the order of running."""

    def __init__(self, net: Network, images: dict[str, Shape]):
        (self.image,) = set(images.values())
        pixel, nothing = (Part(1, 1, (Cells(0, 1),)),), ()  # position j of the image depends on cell j
        inputs = ((pixel if name in images else nothing,) * len(self.image) for name in net.inputs)
        self.fields: list[tuple[Parts | None, ...]] = [(None,) * len(self.image), *inputs]
        self.shapes: list[Shape | None] = [None, *net.inputs.values()]
        self.images = [value for value, name in enumerate(net.inputs, start=1) if name in images]
        self.first = len(self.fields)  # the value of the first node
        self.ways: list[list[Way]] = []  # of each node

    def step(self, row: LayerReport) -> tuple[ReceptiveField | None, ...]:
        """Return the fields of the next layer's result."""
        layer = row.node.layer
        ways: list[Way] = []
        fields: tuple[Parts | None, ...] = (None,) * len(self.image)
        if layer is not None and None not in (row.output, *row.inputs):
            shapes: Any = row.inputs
            try:
                ways = [*zip(row.node.inputs, layer.reads(*shapes), strict=False)]  # not those only looked at
                fields = tuple(self.along(axis, ways) for axis in range(len(self.image)))
            except FieldTooLarge:
                pass
        self.ways.append(ways)
        self.fields.append(fields)
        self.shapes.append(row.output)
        sides = (row.output or ())[1:]
        if len(sides) != len(self.image):  # its axes are not the image's: what moves along them has no position
            fields = tuple(None if parts and any(part.step for part in parts) else parts for parts in fields)
            sides = (1,) * len(self.image)
        rows = zip(fields, sides, self.image, strict=True)
        return tuple(None if parts is None else ReceptiveField(parts, *sizes) for parts, *sizes in rows)

    def along(self, axis: int, ways: list[Way]) -> Parts | None:
        """Return the field along one axis of what reads some values."""
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
                seen.append(tuple(part.seen(reads) for part in parts))
        if mixed and len(set(seen)) > 1:
            return None  # some positions are one's, some the other's
        joined = _joined(part for parts in seen for part in parts)
        return next(((part,) for part in joined if part.covers(self.image[axis])), joined)

    def reached(self, axis: int, value: int, reads: Reads) -> Part:
        """Return the field of what reads the same at every position; only what is there is read, no padding."""
        image = 0
        needed = {value: _read(reads, 1, self.side(value, axis))}
        while needed:
            value = max(needed)
            positions, parts = needed.pop(value), self.fields[value][axis] or ()
            if value in self.images:
                image |= positions
            elif not any(part.step for part in parts):
                image |= union(part.cells[0] for part in parts).within(self.image[axis])
            else:
                for source, axes in self.ways[value - self.first]:
                    ours: Any = axes[axis]  # there is one, as there is a field that moves
                    needed[source] = needed.get(source, 0) | _read(ours, positions, self.side(source, axis))
        first = (image & -image).bit_length() - 1
        return Part(1, 0, (Cells(first, image >> first) if image else NOTHING,))

    def side(self, value: int, axis: int) -> int:
        shape = self.shapes[value]
        return shape[1 + axis] if shape and len(shape) == 1 + len(self.image) else 1
