"""The words of a picture, where they hide nothing: the sizes below the bodies, the names above, kernels on the arrows.

Bodies and routes go in; Labels come out. No two overlap, and none lies on a body that is not its own. Sizes are never left
out: they stagger, row below row. A name is shortened, then left out; so are a kernel and a stride.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import count, pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.picture.routing import RADIUS, SAME, sign_of
from cnnshape.picture.scene import UNKNOWN_STATE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.picture.bodies import Body
    from cnnshape.picture.routing import Route
    from cnnshape.picture.scene import Arrow, Scene

Rect = tuple[float, float, float, float]  # left, top, right, bottom

NAME_SIZE: Final = 10.0
SIZE_SIZE: Final = 10.0
SMALL_SIZE: Final = 8.0
MARK: Final = 14.0  # the question mark on what is not known
NARROW: Final = {
    "i": 0.24,
    "j": 0.24,
    "l": 0.24,
    ".": 0.29,
    ",": 0.29,
    "/": 0.3,
    " ": 0.29,
    "f": 0.29,
    "t": 0.29,
    "r": 0.35,
    "-": 0.35,
    "1": 0.56,
    "(": 0.35,
    ")": 0.35,
}
WIDE: Final = {"m": 0.85, "w": 0.74, "M": 0.85, "W": 0.96, "…": 1.0, "@": 1.03}
LETTER: Final = 0.58  # of the size of the letters: as wide as a digit, and a little more
CAPITAL: Final = 0.72
BOLD: Final = 1.08  # times as wide
OTHER: Final = 1.05  # a letter of another script
UP: Final = 0.76  # of the size, above the line on which letters stand
DOWN: Final = 0.22
ROW: Final = 12.0
STRIP: Final = 100.0
MOST_TRIES: Final = 4  # to find a place that no arrow crosses


class Label(NamedTuple):
    """A text with its place: the point of its line at which it begins, ends or has its middle."""

    text: str
    x: float
    y: float
    size: float
    anchor: str  # start, middle, end: as SVG has it
    role: str  # name, size, window, mark
    of: int | None = None  # the solid whose shape or name it says

    @property
    def width(self) -> float:
        return width_of(self.text, self.size) * (BOLD if self.role == "name" else 1.0)

    @property
    def left(self) -> float:
        return self.x - {"start": 0.0, "middle": 0.5, "end": 1.0}[self.anchor] * self.width

    @property
    def right(self) -> float:
        return self.left + self.width

    @property
    def top(self) -> float:
        return self.y - UP * self.size

    @property
    def bottom(self) -> float:
        return self.y + DOWN * self.size

    @property
    def rect(self) -> Rect:
        """The room that it takes, with a little more on both sides."""
        left = self.left
        return left - 1.0, self.top, left + self.width + 1.0, self.bottom

    def moved(self, x: float, y: float) -> Label:
        return self._replace(x=self.x + x, y=self.y + y)


@lru_cache(maxsize=2**12)
def width_of(text: str, size: float) -> float:
    """Return the width of a text in a sans-serif of this size, or a little more."""
    return size * sum(map(_letter, text))


def _letter(letter: str) -> float:
    if letter in NARROW or letter in WIDE:
        return NARROW.get(letter) or WIDE[letter]
    return OTHER if ord(letter) > 0x24F else CAPITAL if letter.isupper() else LETTER  # noqa: PLR2004 -- Latin


def labelled(scene: Scene, bodies: Sequence[Body], routes: Sequence[Route]) -> list[Label]:
    """Return the labels of a scene."""
    return _Labels(scene, bodies, routes).all()


class _Labels:
    """Labels one after the other, each where there is room."""

    def __init__(self, scene: Scene, bodies: Sequence[Body], routes: Sequence[Route]):
        self.scene, self.bodies, self.routes = scene, bodies, routes
        self.taken, self.lines = _Rects(), _Rects()  # under which no label may lie, and none should
        for body, solid in zip(bodies, scene.solids, strict=True):
            for rect in (*_outline(body), *(_circle(body) if solid.sign else ())):
                self.taken.add(rect)
        for route in routes:
            for rect in _segments(route):
                self.lines.add(rect)
        self.placed: list[Label] = []

    def all(self) -> list[Label]:
        for index, solid in enumerate(self.scene.solids):
            if solid.state == UNKNOWN_STATE:
                body = self.bodies[index]
                x, y = body.left + (body.width + body.dx) / 2, body.middle + UP * MARK / 2
                self.put(Label("?", x, y, MARK, "middle", "mark"))
            self.place(self.below(index, solid.size))
        for index, solid in enumerate(self.scene.solids):
            for name in solid.names:
                if self.place(self.above(index, name)):
                    break
        labelled: set[int] = set()  # the solids whose shape stands on an arrow
        for route in self.routes:
            if route.arrow is None:
                continue
            arrow = self.scene.arrows[route.arrow]
            if not route.skip:
                self.window(arrow, route)
            elif not arrow.reference and arrow.source not in labelled and self.place(self.along(arrow, route)):
                labelled.add(arrow.source)
        return self.placed

    def below(self, index: int, size: str) -> Iterator[Label]:
        body = self.bodies[index]
        for row in count():  # far enough below there is nothing
            y = body.bottom + 11.0 + ROW * row
            yield Label(size, body.left + (body.width + body.dx) / 2, y, SIZE_SIZE, "middle", "size", index)
            yield Label(size, body.left - 1.0, y, SIZE_SIZE, "start", "size", index)
            yield Label(size, body.right + 1.0, y, SIZE_SIZE, "end", "size", index)

    def above(self, index: int, name: str) -> Iterator[Label]:
        body = self.bodies[index]
        for row in range(3):
            y = body.highest - 5.0 - ROW * row
            yield Label(name, body.left + (body.width + body.dx) / 2, y, NAME_SIZE, "middle", "name", index)
            yield Label(name, body.left - 1.0, y, NAME_SIZE, "start", "name", index)

    def window(self, arrow: Arrow, route: Route) -> None:
        """Put the kernel above an arrow and the stride below, or both beside it where it turns."""
        (x0, y0), *_, (x1, y1) = route.points
        above = arrow.kernel or (f"x {arrow.times}" if arrow.times > 1 else "")
        if not above and not arrow.stride:
            return
        if y0 == y1:
            x = (x0 + x1 - 4.0) / 2
            for text, y in ((above, y0 - 3.5), (arrow.stride, y0 + 9.0)):
                self.place([Label(text, x, y, SMALL_SIZE, "middle", "window")] if text else ())
            return
        text = " ".join(filter(None, (above, arrow.stride)))
        corner = route.points[1][0]
        down = y1 > y0
        self.place(
            [
                Label(text, x0 + 3.0, y0 - 3.5, SMALL_SIZE, "start", "window"),
                Label(text, corner + 4.0, (y0 + y1) / 2, SMALL_SIZE, "start", "window"),
                Label(text, corner + 4.0, y0 + 9.0 if down else y0 - 9.0, SMALL_SIZE, "start", "window"),
                Label(text, x1 - 3.0, y1 - 3.5, SMALL_SIZE, "end", "window"),
                Label(text, corner - 4.0, (y0 + y1) / 2, SMALL_SIZE, "end", "window"),
                Label(text, x1 - 4.0, y1 + 9.0, SMALL_SIZE, "end", "window"),
            ],
        )

    def along(self, arrow: Arrow, route: Route) -> Iterator[Label]:
        """Yield places for the shape of a skip: above the longest line of its arrow."""
        lines = [(one, other) for one, other in pairwise(route.points) if abs(one[1] - other[1]) <= SAME]
        (x0, y), (x1, _) = max(lines, key=lambda line: line[1][0] - line[0][0])
        size = self.scene.solids[arrow.source].size
        if x1 - x0 > width_of(size, SMALL_SIZE) + ROW:
            for share in (0.5, 0.3, 0.7):
                yield Label(size, x0 + (x1 - x0) * share, y - 3.5, SMALL_SIZE, "middle", "window", arrow.source)

    def place(self, places: Iterable[Label]) -> bool:
        """Put a label at the first place that is free, without arrows through it if one is near; say if there is any."""
        crossed: Label | None = None
        tries = 0
        for label in places:
            if self.taken.meet(label.rect):
                continue
            if not self.lines.meet(label.rect):
                return self.put(label)
            crossed, tries = crossed or label, tries + 1
            if tries > MOST_TRIES:
                break
        return self.put(crossed) if crossed else False

    def put(self, label: Label) -> bool:
        self.placed.append(label)
        self.taken.add(label.rect)
        return True


class _Rects:
    """Rectangles that are found by their place: those of a strip of the picture are kept together."""

    def __init__(self) -> None:
        self.strips: dict[int, list[Rect]] = {}

    def add(self, rect: Rect) -> None:
        for strip in _strips(rect):
            self.strips.setdefault(strip, []).append(rect)

    def meet(self, rect: Rect) -> bool:
        """Say whether one of them overlaps a rectangle."""
        left, top, right, bottom = rect
        for strip in _strips(rect):
            for x0, y0, x1, y1 in self.strips.get(strip, ()):
                if left < x1 and x0 < right and top < y1 and y0 < bottom:
                    return True
        return False


def _strips(rect: Rect) -> range:
    return range(int(rect[0] // STRIP), int(rect[2] // STRIP) + 1)


def _circle(body: Body) -> Iterator[Rect]:
    """Yield the room that the sign before a join takes."""
    x, y = sign_of(body)
    yield x - RADIUS - 1.0, y - RADIUS - 1.0, x + RADIUS + 1.0, y + RADIUS + 1.0


def _outline(body: Body) -> Iterator[Rect]:
    """Yield rectangles that cover a body's outline."""
    steps = 4 if body.dx > 4.0 else 1  # noqa: PLR2004 -- a corner that no label would fit into
    for step in range(steps + 1):
        x, y = body.dx * step / steps, body.dy * step / steps
        yield body.left + x, body.top - y, body.left + body.width + x, body.bottom - y


def _segments(route: Route) -> Iterator[Rect]:
    for (x0, y0), (x1, y1) in pairwise(route.points):
        yield min(x0, x1), min(y0, y1) - 0.5, max(x0, x1), max(y0, y1) + 0.5
