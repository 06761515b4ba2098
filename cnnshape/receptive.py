"""Receptive fields: which cells of the image a position in a layer's result depends on, along each axis, exactly.

What a layer reads of its input is a Reads, as the layer itself says (`Layer.reads`); a Field is the same of the net's
input, and has its cells as the bits of whole numbers. Both repeat: what position j + period reads is what position j
reads, moved by step. The image is thought of as going on at its ends; what is outside is the padding.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from fractions import Fraction

    from cnnshape.network import LayerReport, Network
    from cnnshape.parameters import Shape

MOST_PLACES: Final = 2**12  # of a period that are told apart
MOST_CELLS: Final = 2**20  # from the first to the last that a position reads


class TooLarge(Exception):  # noqa: N818 -- it says what a field is
    """The field has more than MOST_PLACES or MOST_CELLS."""


class Window(NamedTuple):
    """Cells at equal distances."""

    first: int = 0
    count: int = 1
    apart: int = 1


class Reads(NamedTuple):
    """Position period*n + r reads the cells of windows[r], moved by step*n; with step 0 all positions read the same."""

    period: int = 1
    step: int = 1
    windows: tuple[Window, ...] = (Window(),)


def cells(first: int = 0, count: int = 1, *, apart: int = 1, step: int = 1) -> Reads:
    """Return what a window reads that moves by step from one position to the next."""
    return Reads(1, step, (Window(first, count, apart),))


def whole(x: Shape) -> list[Reads]:
    """Return what a layer reads of which every position depends on all of its input."""
    return [cells(0, w, step=0) for w in x[1:]]


def painted(*, kernel_size: int, stride: int, padding: int, dilation: int) -> Reads:
    """Return what is read where each input cell paints a window: position j reads cell i if j = S*i - P + D*t."""
    if stride > MOST_PLACES:
        raise TooLarge
    common = gcd(stride, dilation)
    taps = {dilation * t % stride: t for t in reversed(range(min(stride // common, kernel_size)))}
    windows = []
    for place in range(padding, padding + stride):
        tap = taps.get(place % stride, kernel_size)  # the first that paints there, from the last cell
        count = len(range(tap, kernel_size, stride // common))
        apart = dilation // common
        windows.append(Window((place - dilation * tap) // stride - apart * (count - 1), count, apart))
    return Reads(stride, 1, tuple(windows))


def sampled(times: int, plus: int, by: int, *, before: int = 0, after: int = 0) -> Reads:
    """Return what is read where position j is at (times*j + plus)/by: the cell there, rounded down.

    If that is between two cells, also so many cells before and after.
    """
    common = gcd(times, by)
    if by // common > MOST_PLACES:
        raise TooLarge
    windows = []
    for place in range(by // common):
        cell, rest = divmod(times * place + plus, by)
        windows.append(Window(cell - before, 1 + before + after) if rest else Window(cell))
    return Reads(by // common, times // common, tuple(windows))


def spread(w: int, windows: int) -> Reads:
    """Return what adaptive pooling reads: window j of n goes from floor(j*W/n) to ceil((j + 1)*W/n)."""
    if windows == 1:
        return cells(0, w, step=0)
    common = gcd(w, windows)
    if windows // common > MOST_PLACES:
        raise TooLarge
    ends = [(j * w // windows, -(-(j + 1) * w // windows)) for j in range(windows // common)]
    return Reads(windows // common, w // common, tuple(Window(first, end - first) for first, end in ends))


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
    def count(self) -> int:
        """How many cells they are."""
        return self.mask.bit_count()

    def moved(self, by: int) -> Cells:
        return Cells(self.first + by, self.mask) if self.mask else self

    def smeared(self, step: int, count: int) -> Cells:
        """Return these cells, and these moved by step, 2*step, ..., so many times in all."""
        if count > 1 and self.extent + step * (count - 1) > MOST_CELLS:
            raise TooLarge
        mask, done = self.mask, 1
        while done < count:
            more = min(done, count - done)
            mask |= mask << step * more
            done += more
        return Cells(self.first, mask)


NOTHING: Final = Cells(0, 0)


def union(some: Iterable[Cells]) -> Cells:
    parts = [part for part in some if part.mask]
    if not parts:
        return NOTHING
    first = min(part.first for part in parts)
    if max(part.last for part in parts) - first >= MOST_CELLS:
        raise TooLarge
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
        image = (1 << side) - 1
        first, mask = self.cells[0]
        return not self.step and len(self.cells) == 1 and first <= 0 and mask >> -first & image == image

    def seen(self, reads: Reads) -> Part:
        """Return the part as a layer sees it that reads this."""
        times = self.period // gcd(reads.step, self.period)
        period, step = reads.period * times, reads.step * times // self.period * self.step
        if period > MOST_PLACES:
            raise TooLarge
        windows = (
            (window, reads.step * n) for n in range(times) for window in reads.windows
        )  # of each position in the new period
        return _part(period, step, tuple(union(self._within(window, moved)) for window, moved in windows))

    def _within(self, window: Window, moved: int) -> Iterator[Cells]:
        """Yield what the positions of a window depend on, together those that are a period apart."""
        first, count, apart = window
        cycle = self.period // gcd(apart, self.period)
        for place in range(min(cycle, count)):
            start = self.at(first + moved + apart * place)
            yield start.smeared(apart * cycle // self.period * self.step, len(range(place, count, cycle)))


def _part(period: int, step: int, cells: tuple[Cells, ...]) -> Part:
    """Return the part with its least period."""
    for shorter in range(1, period // 2 + 1):
        if period % shorter == 0 and shorter * step % period == 0:
            part = Part(shorter, shorter * step // period, cells[:shorter])
            if all(part.at(place) == cell for place, cell in enumerate(cells)):
                return part
    return Part(period, step, cells)


def _joined(parts: Iterable[Part]) -> tuple[Part, ...]:
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
        raise TooLarge
    cells = tuple(union((one.at(place), other.at(place))) for place in range(period))
    return _part(period, one.step * (period // one.period), cells)


class ReceptiveField(NamedTuple):
    """What the positions of a layer's result depend on, along one axis of the image.

    `at(j)` has the cells of position j; the properties speak of all positions, as a pair of the least and the most.
    The parts have one step a period each where they move at the same speed, as along every path of a net whose sizes
    fit; else there are several.
    """

    parts: tuple[Part, ...]
    positions: int  # the side of the layer's result, 1 where it has no such axis
    side: int  # that of the image

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
        return _ends(cells.extent for cells in self._different())

    @property
    def count(self) -> tuple[int, int]:
        """How many cells are read; fewer than the extent where dilation leaves holes."""
        return _ends(cells.count for cells in self._different())

    @property
    def is_whole(self) -> bool:
        """Whether every position depends on the whole image, as behind a global pool."""
        return any(part.covers(self.side) for part in self.parts)

    def _different(self) -> Iterable[Cells]:
        """Return the cells of all positions that may differ other than by having moved."""
        if len(self.parts) == 1:
            return self.parts[0].cells
        return (self.at(position) for position in range(self.positions))


def _ends(numbers: Iterable[int]) -> tuple[int, int]:
    different = set(numbers)
    return min(different, default=0), max(different, default=0)


def receptive_fields(net: Network, *, input: str | None = None) -> dict[str, tuple[ReceptiveField | None, ...]]:  # noqa: A002 -- the public name
    """Return what each layer's result depends on, along each axis of the image, at the net's declared input.

    None where that cannot be said: behind a failure, a layer that mixes the axes, or one that resizes by a factor with
    no exact fraction; or where the field is larger than we compute. `input` names the image, where there are several
    inputs with different sides. Raises ValueError where that does not suit the net.
    """
    sides = _images(net, input)
    image = next(iter(sides.values()))
    start = Part(1, 1, (Cells(0, 1),))
    fields: list[_Fields] = [(None,) * len(image), *(((start,) if name in sides else (),) * len(image) for name in net.inputs)]
    found: dict[str, tuple[ReceptiveField | None, ...]] = {}
    known: dict[Any, _Fields] = {}
    for row in net.check().layers:
        entering = tuple(fields[value] for value in row.node.inputs)
        key = row.node.layer, row.inputs, entering
        if key not in known:
            known[key] = _behind(row, entering, image)
        fields.append(known[key])
        positions = (row.output or ())[1:]
        positions = positions if len(positions) == len(image) else (1,) * len(image)
        found[row.name] = tuple(
            None if parts is None else ReceptiveField(parts, *sizes)
            for parts, *sizes in zip(fields[-1], positions, image, strict=True)
        )
    return found


_Fields = tuple["tuple[Part, ...] | None", ...]  # of one value: for each axis of the image, the parts of its field


def _images(net: Network, name: str | None) -> dict[str, Shape]:
    """Return the inputs that are the image, with their sides."""
    sides = {name: shape[1:] for name, shape in net.inputs.items() if shape and len(shape) > 1}
    if name is not None:
        sides = {name: sides[name]} if name in sides else {}
    if len(set(sides.values())) != 1:
        raise ValueError("there is no input with sides" if not sides else f"the inputs {', '.join(sides)} have different sides: say which one")
    return sides


def _behind(row: LayerReport, entering: tuple[_Fields, ...], image: Shape) -> _Fields:
    """Return the fields behind a layer."""
    nothing: _Fields = (None,) * len(image)
    layer, shapes = row.node.layer, row.inputs
    if layer is None or row.output is None or None in shapes:
        return nothing
    try:
        reads = layer.reads(*shapes)
        return tuple(
            _along([(of[axis] if len(of) == len(image) else None, fields[axis]) for of, fields in zip(reads, entering)], side)
            for axis, side in enumerate(image)
        )
    except TooLarge:
        return nothing


def _along(ways: Sequence[tuple[Reads | None, tuple[Part, ...] | None]], side: int) -> tuple[Part, ...] | None:
    """Return the field along one axis of what reads several results."""
    seen = []
    for reads, parts in ways:
        if parts is None or (reads is None and any(part.step for part in parts)):
            return None
        seen.append(parts if reads is None else tuple(part.seen(reads) for part in parts))
    if any(reads is None for reads, _ in ways) and len(set(seen)) > 1:
        return None  # some positions are one's, some the other's
    joined = _joined(part for parts in seen for part in parts)
    return next(((part,) for part in joined if part.covers(side)), joined)
