"""The tooltip of a solid: the arithmetic of its layer, as `explain` has it; of a block, its parts; and its stripes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.network.explain import Explainer
from cnnshape.picture.scene import JOINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.picture.scene import Scene, Solid

MOST_LINES: Final = 16


def tooltips(net: Network, report: Report, scene: Scene) -> list[str]:
    """Return the tooltip of each solid."""
    explainer = Explainer(net, report)
    texts: dict[tuple[str, tuple[int, ...]], str] = {}  # a block that gives several results is explained once
    for solid in scene.solids:
        if (solid.name, solid.rows) not in texts:
            texts[solid.name, solid.rows] = _short([*_lines(explainer, report, solid)])
    return [texts[solid.name, solid.rows] for solid in scene.solids]


def _lines(explainer: Explainer, report: Report, solid: Solid) -> Iterator[str]:
    stripes = {stripe.row for stripe in solid.stripes}
    own = [row for row in solid.rows if row not in stripes]
    if not own:
        yield f"{solid.name}: {solid.size}"
    elif solid.folded:
        first, _, last = solid.name.partition(JOINED)
        yield from str(explainer.explain_block(last or first)).split("\n")
    else:
        if len(own) > 1:
            yield ", ".join(report.layers[row].name for row in own)
        yield from str(explainer.explain(report.layers[own[-1]])).split("\n")
    yield from (f"{stripe.name}: {stripe.type}" for stripe in solid.stripes)


def _short(lines: list[str]) -> str:
    """Return lines as a text, those in the middle left out where they are many."""
    if len(lines) > MOST_LINES:
        lines[MOST_LINES // 2 : -MOST_LINES // 2] = ["..."]
    return "\n".join(lines)
