"""The picture of a net as a page draws it: the placed scene as plain data, once for each depth of blocks.

No box moves on a page: each keeps its centre, and picture.js draws it anew with the shape that its tensor has at the
sizes that are set, on the scale of the paper. At the sizes that the picture was placed at, it is the picture of svg.py.
"""

from __future__ import annotations

from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, Final

from cnnshape.picture.bodies import Scale, body_of, scale_of
from cnnshape.picture.levels import levels
from cnnshape.picture.page.script import as_json
from cnnshape.picture.placing import LOG, TRIES, place
from cnnshape.picture.scene import deepest, make

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.picture.placing import Placed
    from cnnshape.picture.scene import Solid

LETTERS_OF_SOLID: Final = 380  # about


def pictures(net: Network, report: Report, depth: int | None, scale: str, room: int) -> list[dict[str, Any]]:
    """Return the picture at the depth that is asked for, and others with more and with fewer blocks unfolded.

    All are within `room` letters, unless there is one alone.
    """
    stand = levels(net, report)
    first = make(net, report, depth, stand)
    others = (make(net, report, number, stand) for number in range(1, deepest(net) + 1) if number != first.depth)
    found: list[dict[str, Any]] = []
    seen: list[tuple[Solid, ...]] = []
    letters = 0
    for scene in chain([first], others):
        if scene.solids in seen or letters + LETTERS_OF_SOLID * len(scene.solids) * bool(found) > room:
            continue
        seen.append(scene.solids)
        picture = _plain(net, place(scene, scale), scale)
        letters += len(as_json(picture))
        found.append(picture)
    return found


def _plain(net: Network, placed: Placed, scale: str) -> dict[str, Any]:
    """Return a placed scene as plain data."""
    scene = placed.scene
    return {
        "depth": scene.depth,
        "width": _short(placed.width),
        "height": _short(placed.height),
        "lengths": scale_at(placed, scale)._asdict(),
        "solids": [*_solids(net, placed)],
        "routes": [
            {
                "points": [[_short(x), _short(y)] for x, y in route.points],
                "arrow": None if route.arrow is None else [*scene.arrows[route.arrow][:2]],
            }
            | ({"kind": kind} if (kind := " ".join(one for one in ("dashed", "skip") if getattr(route, one))) else {})
            for route in placed.routes
        ],
        "labels": [
            [label.text, _short(label.x), _short(label.y), label.size, label.anchor, label.role, label.of]
            for label in placed.labels
        ],
        "legend": [
            [
                entry.paint,
                _short(entry.x),
                _short(entry.y),
                entry.label.text,
                _short(entry.label.x),
                _short(entry.label.y),
            ]
            for entry in placed.legend
        ],
    }


def _solids(net: Network, placed: Placed) -> Iterator[dict[str, Any]]:
    for solid, body in zip(placed.scene.solids, placed.bodies, strict=True):
        readers = (row for row, node in enumerate(net.nodes) if node.inputs[:1] == (solid.value,))
        facts = {
            "name": solid.name,
            "kind": solid.kind,
            "paint": solid.paint,
            "value": solid.value,
            "rows": [*_spans(solid.rows)],
            "centre": [_short(body.left + (body.width + body.dx) / 2), _short(body.middle)],
            "stripes": [stripe.paint for stripe in solid.stripes],
            "times": solid.times if solid.times > 1 else None,
            "folded": solid.folded,
            "sign": solid.sign,
            "parts": solid.parts,
            "readers": [row for row in readers if row not in solid.rows],
        }
        yield {name: value for name, value in facts.items() if value or name == "value"}


def _spans(rows: Iterable[int]) -> Iterator[list[int]]:
    """Yield the first and the last of the rows that follow each other."""
    for _, run in groupby(enumerate(rows), key=lambda pair: pair[1] - pair[0]):
        numbers = [row for _, row in run]
        yield [numbers[0], numbers[-1]]


def scale_at(placed: Placed, scale: str) -> Scale:
    """Return the scale that a scene was placed with: of those that are tried, the one that its bodies have."""
    scene = placed.scene
    tried = [
        scale_of(scene.solids, longest, log=scale == LOG) for longest in dict.fromkeys(entry[0] for entry in TRIES)
    ]
    extents = [(body.width, body.height) for body in placed.bodies]
    return next(
        one for one in tried if [(b.width, b.height) for b in (body_of(s, one) for s in scene.solids)] == extents
    )


def _short(number: float) -> float:
    return int(short) if (short := round(number, 1)) == int(short) else short
