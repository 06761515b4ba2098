"""The extents of solids on paper: a cuboid for an image, a strip for a sequence, a cube for a volume, a bar for a vector.

The front face is as high as the tensor's side and as wide as its channels; the depth, drawn to the upper right, is the
other side. A strip has no depth, a cube is as wide as its first side, and a vector is a bar. Sides have one scale, channels
and vectors one of their own each; or all are logarithms.
"""

from __future__ import annotations

from math import log2
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.picture.scene import OK

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.numbers.shape import Shape
    from cnnshape.picture.scene import Solid

UNSURE: Final = 20.0  # the length of what is not known
LEAST: Final = 3.0  # what is shorter could not be seen
BAR: Final = 7.0  # the width of a vector
FOLD: Final = 9.0  # the least width of a folded block
STRIPE: Final = 4.0
OBLIQUE: Final = (0.34, 0.24)  # of the depth, along the paper and up
MOST_TICKS: Final = 12
LONG: Final = 16  # times the other side: no image, but positions in a row; it is drawn shorter than it is
MOST_COPIES: Final = 4  # whose stripes are all drawn


class Body(NamedTuple):
    """A solid on paper: its front face, the offset of its back, and what is drawn on the front."""

    left: float
    top: float
    width: float  # of the front face, stripes included
    height: float
    dx: float  # the back lies this much to the right,
    dy: float  # and this much higher
    slices: tuple[tuple[float, float, str], ...]  # the begin, the end and the paint, along the width
    ticks: tuple[float, ...]  # lines that divide the front face, along the width
    lost: tuple[float, float]  # the shares of the height and the depth, at their ends, that nothing reads

    @property
    def right(self) -> float:
        return self.left + self.width + self.dx

    @property
    def bottom(self) -> float:
        return self.top + self.height

    @property
    def highest(self) -> float:
        return self.top - self.dy

    @property
    def middle(self) -> float:
        """The height at which arrows enter and leave."""
        return (self.highest + self.bottom) / 2

    @property
    def entry(self) -> float:
        """The left end of the outline, at its middle."""
        over = max(self.top - self.middle, 0.0)
        return self.left + (self.dx * over / self.dy if over else 0.0)

    @property
    def exit(self) -> float:
        """The right end of the outline, at its middle."""
        return self.right - (self.entry - self.left)

    def moved(self, x: float, y: float) -> Body:
        return self._replace(left=self.left + x, top=self.top + y)


class Scale(NamedTuple):
    """Lengths on paper for each kind of number."""

    side: float
    line: float  # the side of a sequence
    channel: float
    feature: float
    longest: float
    log: bool

    def of(self, number: Any, unit: float) -> float:
        """Return the length of a number; a short one where it is not known."""
        if number is UNKNOWN:
            return UNSURE
        return min(max(LEAST, (log2(1 + number) if self.log else number) * unit), self.longest)


def scale_of(solids: Sequence[Solid], longest: float, *, log: bool) -> Scale:
    """Return the scale at which the longest side of all is so long on paper."""
    shapes = [solid.shape for solid in solids if solid.shape]
    images = [shape for shape in shapes if len(shape) > 2 and UNKNOWN not in shape[1:]]  # noqa: PLR2004 -- two sides
    usual = [shape for shape in images if max(shape[1:]) <= LONG * min(shape[1:])]
    sides = [size for shape in usual or images for size in shape[1:]]
    lines = [shape[1] for shape in shapes if len(shape) == 2 and shape[1] is not UNKNOWN]  # noqa: PLR2004
    channels = [shape[0] for shape in shapes if len(shape) in {2, 3} and shape[0] is not UNKNOWN]
    features = [shape[0] for shape in shapes if len(shape) == 1 and shape[0] is not UNKNOWN]

    def unit(numbers: list[int], length: float) -> float:
        most = max(numbers, default=1)
        return length / (log2(1 + most) if log else most)

    return Scale(
        unit(sides, longest),
        unit(lines, 0.7 * longest if sides else longest),
        unit(channels, 0.42 * longest),
        unit(features, 0.5 * longest),
        longest,
        log,
    )


def body_of(solid: Solid, scale: Scale) -> Body:
    """Return a solid on paper, in the upper left corner."""
    wide, high, deep = _extents(solid.shape, scale)
    wide = max(wide, FOLD) if solid.folded else wide
    slices = tuple(_slices(solid, wide))
    rank = len(solid.shape) - 1 if solid.shape else 0
    shares = [
        cells / side if cells else 0.0 for cells, side in zip(solid.dropped, (solid.shape or ())[1:], strict=False)
    ]
    lost = {1: (*shares, 0.0), 2: tuple(shares), 3: tuple(shares[1:])}.get(rank if shares else 0, (0.0, 0.0))
    dx, dy = deep * OBLIQUE[0], deep * OBLIQUE[1]
    return Body(0.0, 0.0, slices[-1][1], high, dx, dy, slices, _ticks(solid, wide), (lost[0], lost[1]))


def _extents(shape: Shape | None, scale: Scale) -> tuple[float, float, float]:
    """Return the width, the height and the depth of a shape on paper."""
    if shape is None:
        return UNSURE, UNSURE, UNSURE
    channels, *sides = shape or (1,)
    if not sides:
        return BAR, scale.of(channels, scale.feature), BAR
    if len(sides) == 1:
        return scale.of(channels, scale.channel), scale.of(sides[0], scale.line), 0.0
    lengths = [scale.of(side, scale.side) for side in sides]
    if len(sides) == 2:  # noqa: PLR2004 -- an image
        return scale.of(channels, scale.channel), lengths[0], lengths[1]
    return lengths[0], lengths[1], lengths[2]


def _slices(solid: Solid, wide: float) -> Iterator[tuple[float, float, str]]:
    """Yield the begin, the end and the paint of each layer along the front, of every copy where they are few."""
    copies = solid.times if solid.stripes and solid.times <= MOST_COPIES else 1
    widths = [(wide / copies, solid.paint if solid.state == OK else solid.state)]
    widths += [(STRIPE, stripe.paint) for stripe in solid.stripes]
    begin = 0.0
    for width, paint in widths * copies:
        yield begin, begin + width, paint
        begin += width


def _ticks(solid: Solid, wide: float) -> tuple[float, ...]:
    """Return where lines divide the front face: between the equal parts, or between the inputs of a concat."""
    if solid.parts:
        whole, ends = sum(solid.parts), [sum(solid.parts[:count]) for count in range(1, len(solid.parts))]
        return tuple(wide * end / whole for end in ends) if len(ends) < MOST_TICKS else ()
    if 1 < solid.times <= MOST_TICKS and not solid.stripes:
        return tuple(wide * part / solid.times for part in range(1, solid.times))
    return ()
