"""A placed scene as SVG: one text, with its colours for light, dark and paper, and the arithmetic as tooltips."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cnnshape.picture.drawing import HATCH, edges, faces, sign_strokes
from cnnshape.picture.theme import CSS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.picture.bodies import Body
    from cnnshape.picture.labels import Label
    from cnnshape.picture.placing import Placed
    from cnnshape.picture.routing import Point, Route
    from cnnshape.picture.scene import Solid


NO_TEXT: Final = re.compile(r"[\x00-\x09\x0b-\x1f\ud800-\udfff\ufffe\uffff]")  # what XML and UTF-8 do not take


def svg(placed: Placed, tooltips: Sequence[str]) -> str:
    """Write a picture; `tooltips` has a text for each solid."""
    return "\n".join([*_lines(placed, tooltips), ""])


def _lines(placed: Placed, tooltips: Sequence[str]) -> Iterator[str]:
    width, height = _number(placed.width), _number(placed.height)
    scene = placed.scene
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" class="cnnshape">'
    )
    yield f"<title>{escaped(scene.name or 'a net')}</title>"
    if scene.source:
        yield f"<desc>{escaped(scene.source)}</desc>"
    yield f"<style>{CSS}</style>"
    yield (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" orient="auto">'
        '<path class="head" d="M0 0.8 8 4 0 7.2z"/></marker>'
        f'<pattern id="hatch" width="{HATCH}" height="{HATCH}" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path class="hatch" d="M0 0V{HATCH}"/></pattern></defs>'
    )
    yield f'<rect class="paper" width="{width}" height="{height}"/>'
    for route in placed.routes:
        yield _route(route)
    for solid, body, tooltip in zip(scene.solids, placed.bodies, tooltips, strict=True):
        yield from _solid(solid, body, tooltip)
    for entry in placed.legend:
        yield f'<rect class="{entry.paint} front" x="{_number(entry.x)}" y="{_number(entry.y)}" width="9" height="9"/>'
    for label in [*placed.labels, *(entry.label for entry in placed.legend)]:
        yield _label(label)
    yield "</svg>"


def _route(route: Route) -> str:
    kinds = [name for name in ("dashed", "skip") if getattr(route, name)]
    return f'<path class="{" ".join(["arrow", *kinds])}" d="{_path(route.points)}" marker-end="url(#head)"/>'


def _solid(solid: Solid, body: Body, tooltip: str) -> Iterator[str]:
    yield f'<g class="solid {solid.state}"><title>{escaped(tooltip)}</title>'
    for face in faces(body):
        yield f'<path class="{face.paint} {face.side}" d="{_path(face.points)}Z"/>'
        if face.side != "front":
            yield f'<path class="shade {face.side}" d="{_path(face.points)}Z"/>'
        if face.lost:
            yield f'<path class="lost" d="{_path(face.lost)}Z"/>'
    yield f'<path class="edge" d="{"".join(map(_path, edges(body)))}"/>'
    if solid.sign:
        circle, strokes = sign_strokes(body, solid.sign)
        yield f'<circle class="sign" cx="{_number(circle[0])}" cy="{_number(circle[1])}" r="6.5"/>'
        yield f'<path class="stroke" d="{"".join(map(_path, strokes))}"/>'
    yield "</g>"


def _label(label: Label) -> str:
    return (
        f'<text class="{label.role}" x="{_number(label.x)}" y="{_number(label.y)}" font-size="{_number(label.size)}" '
        f'text-anchor="{label.anchor}">{escaped(label.text)}</text>'
    )


def _path(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{_number(x)} {_number(y)}" for x, y in points)


def _number(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def escaped(text: str) -> str:
    """Return a text as SVG and HTML have it; what neither takes, as control characters, is left out."""
    return NO_TEXT.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
