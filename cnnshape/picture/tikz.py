"""A placed scene as TikZ: a LaTeX file that compiles alone, with the places and the colours of the SVG for print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.picture.drawing import edges, faces, sign_strokes
from cnnshape.picture.routing import RADIUS
from cnnshape.picture.scene import FAILS, UNKNOWN_STATE
from cnnshape.picture.theme import INK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.picture.bodies import Body
    from cnnshape.picture.labels import Label
    from cnnshape.picture.placing import Placed
    from cnnshape.picture.routing import Point, Route
    from cnnshape.picture.scene import Solid

PAGE: Final = (787.0, 540.0)  # points: 277 x 190 mm, what A4 landscape has between margins of 10 mm
ANCHORS: Final = {"start": "base west", "middle": "base", "end": "base east"}
SHADES: Final = {"front": "", "top": "!65!white", "side": "!84!black"}
ESCAPES: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "…": r"\ldots{}",
    "|": r"\textbar{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    **{sign: f"\\{sign}" for sign in "&%$#_"},
}
HEAD: Final = r"""% made by cnnshape draw; compiles alone: pdflatex, lualatex, xelatex
\documentclass{article}
\usepackage{fix-cm}
\usepackage{tikz}
\usetikzlibrary{arrows.meta,patterns}
\pagestyle{empty}
\renewcommand{\familydefault}{\sfdefault}"""


def tikz(placed: Placed, _: Sequence[str]) -> str:
    """Write a picture, scaled to A4 landscape where it is larger."""
    return "\n".join([*_lines(placed), ""])


def _lines(placed: Placed) -> Iterator[str]:
    unit = min(1.0, PAGE[0] / placed.width, PAGE[1] / placed.height)
    yield HEAD
    size = f"paperwidth={unit * placed.width:.1f}pt,paperheight={unit * placed.height + 1:.1f}pt"
    yield f"\\usepackage[{size},margin=0pt]{{geometry}}"
    for name, colour in (LIGHT | INK).items():
        yield f"\\definecolor{{{name}}}{{HTML}}{{{colour[1:].upper()}}}"
    yield r"\begin{document}"
    yield (
        f"\\noindent\\begin{{tikzpicture}}[x={unit:.4f}pt,y=-{unit:.4f}pt,line join=round,"
        f"arrow/.style={{draw=line,line width={unit:.2f}pt,-{{Latex[length={5 * unit:.1f}pt]}}}}]"
    )
    yield f"\\path[use as bounding box] (0,0) rectangle ({placed.width:.1f},{placed.height:.1f});"
    yield from map(_route, placed.routes)
    for solid, body in zip(placed.scene.solids, placed.bodies, strict=True):
        yield from _solid(solid, body, unit)
    for entry in placed.legend:
        yield f"\\fill[fill={entry.paint}] ({entry.x:.1f},{entry.y:.1f}) rectangle ++(9,9);"
    for label in [*placed.labels, *(entry.label for entry in placed.legend)]:
        yield _label(label, unit)
    yield r"\end{tikzpicture}"
    yield r"\end{document}"


def _route(route: Route) -> str:
    return f"\\draw[arrow{',dashed' * route.dashed}] {_path(route.points)};"


def _solid(solid: Solid, body: Body, unit: float) -> Iterator[str]:
    yield f"% {_comment(solid.name)}: {solid.size}"
    for face in faces(body):
        yield f"\\fill[fill={face.paint}{SHADES[face.side]}] {_path(face.points)} -- cycle;"
        if face.lost:
            yield f"\\fill[pattern=north east lines] {_path(face.lost)} -- cycle;"
    kind = {FAILS: "draw=fails", UNKNOWN_STATE: "draw=edge,dashed"}.get(solid.state, "draw=edge")
    for line in edges(body):
        yield f"\\draw[{kind},line width={0.6 * unit:.2f}pt] {_path(line)};"
    if solid.sign:
        (x, y), strokes = sign_strokes(body, solid.sign)
        yield f"\\filldraw[draw=line,fill=paper] ({x:.1f},{y:.1f}) circle[radius={RADIUS * unit:.2f}pt];"
        yield from (f"\\draw[draw=ink] {_path(stroke)};" for stroke in strokes)


def _label(label: Label, unit: float) -> str:
    size = label.size * unit
    bold = r"\bfseries" if label.role == "name" else ""
    font = f"\\fontsize{{{size:.2f}}}{{{1.2 * size:.2f}}}\\selectfont{bold}"
    return (
        f"\\node[anchor={ANCHORS[label.anchor]},inner sep=0pt,text=ink,font={font}] "
        f"at ({label.x:.1f},{label.y:.1f}) {{{escaped(label.text)}}};"
    )


def _path(points: Iterable[Point]) -> str:
    return " -- ".join(f"({x:.1f},{y:.1f})" for x, y in points)


def _comment(text: str) -> str:
    return " ".join(text.split())


def escaped(text: str) -> str:
    """Return a text as LaTeX has it."""
    return "".join(ESCAPES.get(letter, letter) for letter in text)
