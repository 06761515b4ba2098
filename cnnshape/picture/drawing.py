"""The polygons of a body, the same for every format: faces with their paint, the edges, the strokes of a join's sign."""

from __future__ import annotations

from math import cos, pi, sin
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.picture.routing import sign_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.picture.bodies import Body
    from cnnshape.picture.routing import Point

HATCH: Final = 3
LENGTH: Final = 3.6  # half a stroke of a sign

Points = tuple["Point", ...]


class Face(NamedTuple):
    """A face of a body, or the part of it that one layer has."""

    side: str  # front, top, side
    paint: str
    points: Points
    lost: Points = ()  # the part that nothing reads


def faces(body: Body) -> Iterator[Face]:
    """Yield the faces that are seen: the front and the top of each slice, and the side of the last."""
    left, top, bottom, dx, dy = body.left, body.top, body.bottom, body.dx, body.dy
    rows, columns = body.lost
    for begin, end, paint in body.slices:
        x0, x1 = left + begin, left + end
        level = bottom - rows * body.height
        low = ((x0, level), (x1, level), (x1, bottom), (x0, bottom))
        yield Face("front", paint, ((x0, top), (x1, top), (x1, bottom), (x0, bottom)), low if rows else ())
        if dx:
            fx, fy = dx * (1 - columns), dy * (1 - columns)
            far = ((x0 + fx, top - fy), (x1 + fx, top - fy), (x1 + dx, top - dy), (x0 + dx, top - dy))
            yield Face(
                "top", paint, ((x0, top), (x1, top), (x1 + dx, top - dy), (x0 + dx, top - dy)), far if columns else ()
            )
    if dx:
        x, paint = left + body.width, body.slices[0][2]
        fx, fy = dx * (1 - columns), dy * (1 - columns)
        far = ((x + fx, top - fy), (x + dx, top - dy), (x + dx, bottom - dy), (x + fx, bottom - fy))
        yield Face(
            "side", paint, ((x, top), (x + dx, top - dy), (x + dx, bottom - dy), (x, bottom)), far if columns else ()
        )


def edges(body: Body) -> Iterator[Points]:
    """Yield the lines of a body: its outline, the edges between the faces, and the ticks."""
    left, top, bottom, dx, dy, right = body.left, body.top, body.bottom, body.dx, body.dy, body.left + body.width
    yield (
        (left, bottom),
        (left, top),
        (left + dx, top - dy),
        (right + dx, top - dy),
        (right + dx, bottom - dy),
        (right, bottom),
        (left, bottom),
    )
    if dx:
        yield (left, top), (right, top), (right + dx, top - dy)
        yield (right, top), (right, bottom)
    for tick in body.ticks:
        yield (left + tick, bottom), (left + tick, top), (left + tick + dx, top - dy)


def sign_strokes(body: Body, sign: str) -> tuple[Point, list[Points]]:
    """Return the centre of a join's sign, and the strokes within its circle."""
    x, y = sign_of(body)
    turns: dict[str, tuple[float, ...]] = {
        "+": (0, 0.5),
        "-": (0,),
        "x": (0.25, 0.75),
        "/": (0.75,),
        "@": (0, 0.25, 0.5, 0.75),
    }
    if sign == "||":
        return (x, y), [((x - 1.5, y - LENGTH), (x - 1.5, y + LENGTH)), ((x + 1.5, y - LENGTH), (x + 1.5, y + LENGTH))]
    strokes: list[Points] = []
    for turn in turns[sign]:
        a, b = LENGTH * cos(pi * turn), LENGTH * sin(pi * turn)
        strokes.append(((x - a, y - b), (x + a, y + b)))
    return (x, y), strokes
