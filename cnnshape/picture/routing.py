"""The ways of the arrows: from the right end of one body to the left end of another, through no third one.

An arrow goes down or up in the gaps between the columns, where there are no bodies, and along at a height where none
stands in the way: its own, if it can, else the nearest that is free.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.picture.bodies import Body
    from cnnshape.picture.scene import Arrow, Scene

Point = tuple[float, float]
Span = tuple[float, float]  # of heights, the upper first

RADIUS: Final = 6.5  # of the sign of a join
BEFORE: Final = 11.0  # from a join's body back to the centre of its sign
CLEAR: Final = 14.0  # around a body, for its labels
STRIP: Final = 200.0  # of the picture, whose lanes are kept together
LANE: Final = 7.0  # between two arrows
STUB: Final = (14.0, 9.0)
SAME: Final = 0.5  # heights that are closer are one


class Route(NamedTuple):
    """The corners of an arrow."""

    points: tuple[Point, ...]
    arrow: int | None = None  # the index in the scene; None of an output's stub
    dashed: bool = False
    skip: bool = False  # it leads past other bodies

    def moved(self, x: float, y: float) -> Route:
        return self._replace(points=tuple((a + x, b + y) for a, b in self.points))


def routed(scene: Scene, bodies: Sequence[Body]) -> list[Route]:
    """Return the route of every arrow of a scene, and a stub for each of several outputs."""
    router = _Router(scene, bodies)
    order = sorted(range(len(scene.arrows)), key=router.span)
    routes = {index: router.route(index) for index in order}
    outputs = [index for index, solid in enumerate(scene.solids) if solid.outputs]
    shown = outputs if len(outputs) > 1 or outputs != [len(bodies) - 1] else []
    corners = [(bodies[index].right, bodies[index].highest) for index in shown]
    stubs = [Route(((x, y), (x + STUB[0], y - STUB[1]))) for x, y in corners]
    return [*(routes[index] for index in range(len(scene.arrows))), *stubs]


def sign_of(body: Body) -> Point:
    """Return the centre of the sign before the body of a join."""
    return body.entry - BEFORE, body.middle


class _Router:
    """Routes arrows one after the other, and keeps the lanes that are taken."""

    def __init__(self, scene: Scene, bodies: Sequence[Body]):
        self.scene, self.bodies = scene, bodies
        self.taken: dict[
            int, list[tuple[float, float, float, Arrow]]
        ] = {}  # the height and the ends of each lane, by strip

    def span(self, index: int) -> int:
        arrow = self.scene.arrows[index]
        return arrow.target - arrow.source

    def route(self, index: int) -> Route:
        arrow = self.scene.arrows[index]
        source, target = self.bodies[arrow.source], self.bodies[arrow.target]
        join = bool(self.scene.solids[arrow.target].sign)
        begin = (source.exit, source.middle)
        x, y = sign_of(target) if join else (target.entry, target.middle)
        end = (x - RADIUS, y) if join else (x, y)
        between = {(body.highest, body.bottom) for body in self.bodies[arrow.source + 1 : arrow.target]}
        lane = self.lane(begin[1], y, between, arrow, (begin[0], end[0]))
        down = x if join else (end[0] - 10.0 if between else (max(begin[0], end[0] - 2 * 10.0) + end[0]) / 2)
        corners = [begin]
        if abs(lane - begin[1]) > SAME:
            out = begin[0] + 8.0 if between else down
            corners += [(out, begin[1]), (out, lane)]
        if abs(lane - y) > SAME:
            into = y + (RADIUS if lane > y else -RADIUS) if join else y
            corners += [(down, lane), (down, into)]
        if not join or abs(lane - y) <= SAME:
            corners.append(end)
        for strip in _strips((begin[0], end[0])):
            self.taken.setdefault(strip, []).append((lane, begin[0], end[0], arrow))
        return Route(_without_doubles(corners), index, dashed=arrow.reference, skip=bool(between))

    def lane(self, begin: float, end: float, between: set[Span], arrow: Arrow, along: Point) -> float:
        """Return the height at which an arrow goes along, the nearest one that is free."""
        if not between:
            return begin if abs(begin - end) > SAME else end
        heights = {begin, end, *(y for top, bottom in between for y in (top - CLEAR, bottom + CLEAR))}
        nearest = sorted(heights, key=lambda y: (abs(y - begin) + abs(y - end), abs(y - begin), y))
        for y in nearest:
            if _clear(y, begin, end, between) and self.untaken(y, arrow, along):
                return y
        y = min(top for top, _ in between) - CLEAR
        while not self.untaken(y, arrow, along):
            y -= LANE
        return y

    def untaken(self, y: float, arrow: Arrow, along: Point) -> bool:
        """Say whether no arrow goes along there, but for one that begins or ends where this one does."""
        return not any(
            abs(y - height) < LANE - 1.0
            and other.source != arrow.source
            and other.target != arrow.target
            and along[0] < right
            and left < along[1]
            for strip in _strips(along)
            for height, left, right, other in self.taken.get(strip, ())
        )


def _strips(along: Point) -> range:
    return range(int(along[0] // STRIP), int(along[1] // STRIP) + 1)


def _clear(y: float, begin: float, end: float, between: set[Span]) -> bool:
    """Say whether no body is in the way; labels may be, of an arrow at its own height."""
    around = 3.0 if y in {begin, end} else CLEAR - 1.0
    return not any(top - around < y < bottom + around for top, bottom in between)


def _without_doubles(points: Sequence[Point]) -> tuple[Point, ...]:
    kept = [points[0]]
    kept += [point for point, before in zip(points[1:], points, strict=False) if point != before]
    return tuple(kept)
