"""A scene on paper: rows by level, columns in the order of running, arrows between them, and words where there is room.

A Scene goes in; a Placed comes out, in units of which ten are the size of the letters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.picture.bodies import body_of, scale_of
from cnnshape.picture.labels import SIZE_SIZE, SMALL_SIZE, labelled, width_of
from cnnshape.picture.legend import legend
from cnnshape.picture.routing import routed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.picture.bodies import Body, Scale
    from cnnshape.picture.labels import Label
    from cnnshape.picture.legend import Entry
    from cnnshape.picture.routing import Route
    from cnnshape.picture.scene import Scene

WIDEST: Final = 1560  # on A4 landscape the smallest letters have 4 pt then: 277 mm for the width, 190 for the height
HIGHEST: Final = 1070
TRIES: Final = (  # the longest side on paper, the gap between columns, the rows of sizes that stagger
    (170.0, 26.0, 2),
    (140.0, 26.0, 2),
    (112.0, 26.0, 2),
    (88.0, 24.0, 2),
    (88.0, 20.0, 3),
    (68.0, 18.0, 3),
    (52.0, 18.0, 3),
    (40.0, 18.0, 4),
)
TRUE: Final = "true"
LOG: Final = "log"
SCALES: Final = (TRUE, LOG)
JOIN: Final = 20.0  # more before a join, for its sign
HEADROOM: Final = 34.0  # between a row's middle and the tops of the next: two rows of names, and arrows
MARGIN: Final = 12.0


class Placed(NamedTuple):
    """A scene on paper. All coordinates are from the upper left corner."""

    scene: Scene
    width: float
    height: float
    bodies: tuple[Body, ...]  # of the scene's solids
    routes: tuple[Route, ...]  # of the scene's arrows, and one for each output among several
    labels: tuple[Label, ...]
    legend: tuple[Entry, ...]


def place(scene: Scene, scale: str = TRUE) -> Placed:
    """Return the scene on paper, as large as an A4 page takes it with letters of 4 pt or more."""
    for longest, gap, rows in TRIES:
        bodies = _bodies(scene, scale_of(scene.solids, longest, log=scale == LOG), gap, rows)
        if max((body.right for body in bodies), default=0.0) > WIDEST and longest > TRIES[-1][0]:
            continue
        routes = routed(scene, bodies)
        placed = _framed(scene, bodies, routes, labelled(scene, bodies, routes))
        if placed.width <= WIDEST and placed.height <= HIGHEST:
            break
    return placed


def _bodies(scene: Scene, scale: Scale, gap: float, rows: int) -> list[Body]:
    """Return the bodies of a scene in their rows and columns, with a gap between them, and rows of sizes that stagger."""
    flat = [body_of(solid, scale) for solid in scene.solids]
    middles = _rows(scene, flat)
    down = (middles[solid.level] - body.middle for solid, body in zip(scene.solids, flat, strict=True))
    return _columns(scene, [body.moved(0.0, by) for body, by in zip(flat, down, strict=True)], gap, rows)


def _rows(scene: Scene, bodies: Sequence[Body]) -> dict[float, float]:
    """Return the height of the middle of each level's row: the tops of a row are below the middle of the one before."""
    middles: dict[float, float] = {}
    before: float | None = None
    for level in sorted({solid.level for solid in scene.solids}):
        half = max(b.bottom - b.middle for s, b in zip(scene.solids, bodies, strict=True) if s.level == level)
        middles[level] = half if before is None else before + HEADROOM + half
        before = middles[level]
    return middles


def _columns(scene: Scene, bodies: Sequence[Body], gap: float, rows: int) -> list[Body]:
    """Return the bodies beside each other, with room for arrows, for what stands on them, and for the labels."""
    entering = {arrow.target: arrow for arrow in scene.arrows if arrow.source == arrow.target - 1}
    placed: list[Body] = []
    sizes: dict[float, list[tuple[float, float]]] = {}  # of each level: the centres of the sizes, and their widths
    right = 0.0
    for index, (solid, body) in enumerate(zip(scene.solids, bodies, strict=True)):
        arrow = entering.get(index)
        level = arrow is not None and scene.solids[index - 1].level == solid.level
        window = max(map(_small, (arrow.kernel, arrow.stride))) if arrow and level else 0.0
        left = right + max(gap, window + 12.0) + JOIN * bool(solid.sign) if index else 0.0
        centre = (body.width + body.dx) / 2
        row = sizes.setdefault(solid.level, [])
        words = width_of(solid.size, SIZE_SIZE)
        if len(row) >= rows:  # the one so many before stands in the same row of sizes
            there, width = row[-rows]
            left = max(left, there + (width + words) / 2 + 6.0 - centre)
        row.append((left + centre, words))
        placed.append(body.moved(left, 0.0))
        right = placed[-1].right
    return placed


def _small(text: str) -> float:
    return width_of(text, SMALL_SIZE)


def _framed(scene: Scene, bodies: Sequence[Body], routes: Sequence[Route], labels: Sequence[Label]) -> Placed:
    """Return all with a margin around it, and the legend below."""
    corners = [point for route in routes for point in route.points]
    corners += [corner for body in bodies for corner in ((body.left, body.highest), (body.right, body.bottom))]
    corners += [corner for label in labels for corner in ((label.left, label.top), (label.right, label.bottom))]
    xs, ys = zip(*corners or [(0.0, 0.0)], strict=True)
    left, top, right, bottom = min(xs), min(ys), max(xs), max(ys)
    x, y = MARGIN - left, MARGIN - top
    width = max(right + x + MARGIN, 240.0)
    entries, end = legend(scene, MARGIN, bottom + y + MARGIN, width - 2 * MARGIN)
    return Placed(
        scene,
        width,
        end + MARGIN,
        tuple(body.moved(x, y) for body in bodies),
        tuple(route.moved(x, y) for route in routes),
        tuple(label.moved(x, y) for label in labels),
        tuple(entries),
    )
