"""A drawn picture read back: the texts of an SVG with their boxes, by Helvetica's own widths, and the outlines of solids."""

import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"

# Of Adobe's metrics of Helvetica and Helvetica-Bold, in thousandths; Arial and Liberation Sans have the same.
COMMON = dict.fromkeys("0123456789_?", 556) | dict.fromkeys(" ./,[]", 278) | {"-": 333, "…": 1000, "{": 389, "}": 389}
CAPITALS = {"A": 667, "B": 667, "C": 722, "D": 722, "E": 667, "F": 611, "G": 778, "H": 722, "I": 278, "K": 667, "L": 556,
            "M": 833, "N": 722, "O": 778, "P": 667, "R": 722, "S": 667, "T": 611, "U": 722, "V": 667, "X": 667}  # fmt: skip
PLAIN = {**COMMON, **CAPITALS, **dict.fromkeys("abdeghnopqu", 556), **dict.fromkeys("ckszvxy", 500),
         "f": 278, "i": 222, "j": 222, "l": 222, "m": 833, "r": 333, "t": 278, "w": 722}  # fmt: skip
BOLD = {**COMMON, **CAPITALS, "A": 722, "B": 722, "K": 722, "L": 611, **dict.fromkeys("bdghnopqu", 611),
        **dict.fromkeys("ackesvxy", 556), "z": 500, "f": 333, "i": 278, "j": 278, "l": 278, "m": 889, "r": 389, "t": 333,
        "w": 778}  # fmt: skip


class Text(NamedTuple):
    text: str
    role: str
    size: float
    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other):
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


class Picture:
    """An SVG file of ours, parsed as XML."""

    def __init__(self, svg):
        self.root = ET.fromstring(svg)
        self.width, self.height = (float(self.root.get(side)) for side in ("width", "height"))
        self.texts = [read(element) for element in self.root.iter(f"{SVG}text")]
        self.solids = [group for group in self.root.iter(f"{SVG}g") if "solid" in group.get("class").split()]
        self.tooltips = [group.find(f"{SVG}title").text for group in self.solids]

    def of(self, role):
        return [text.text for text in self.texts if text.role == role]

    def classes(self):
        return {name for element in self.root.iter() for name in (element.get("class") or "").split()}

    def outlines(self):
        """The outline of each solid: the first line of its edges."""
        for group in self.solids:
            (edge,) = (path for path in group.iter(f"{SVG}path") if path.get("class") == "edge")
            first = edge.get("d").split("M")[1]
            yield [tuple(map(float, point)) for point in re.findall(r"([-\d.]+) ([-\d.]+)", first)]


def read(element):
    role, size, text = element.get("class"), float(element.get("font-size")), element.text
    widths = BOLD if role == "name" else PLAIN
    width = size * sum(widths[letter] for letter in text) / 1000
    x, y = float(element.get("x")), float(element.get("y"))
    left = x - {"start": 0, "middle": width / 2, "end": width}[element.get("text-anchor")]
    return Text(text, role, size, left, y - 0.72 * size, left + width, y + 0.21 * size)


def inside(point, polygon):
    """Whether a point is in a polygon: a ray from it crosses an odd number of sides."""
    x, y = point
    sides = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    crossed = [x < (x1 - x0) * (y - y0) / (y1 - y0) + x0 for (x0, y0), (x1, y1) in sides if (y0 > y) != (y1 > y)]
    return sum(crossed) % 2 == 1
