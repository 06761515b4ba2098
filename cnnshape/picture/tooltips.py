"""The tooltip of a solid: the arithmetic of its layer, as `explain` has it; of a block, its parts; and its stripes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.network.explain import explain_in, explain_row
from cnnshape.picture.scene import JOINED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.picture.scene import Scene, Solid

MOST_LINES: Final = 16


def tooltips(net: Network, report: Report, scene: Scene) -> list[str]:
    """Return the tooltip of each solid."""
    return [_short([*_lines(net, report, solid)]) for solid in scene.solids]


def _lines(net: Network, report: Report, solid: Solid) -> Iterator[str]:
    stripes = {stripe.row for stripe in solid.stripes}
    own = [row for row in solid.rows if row not in stripes]
    if not own:
        yield f"{solid.name}: {solid.size}"
    elif solid.folded:
        first, _, last = solid.name.partition(JOINED)
        yield from str(explain_in(report, net, last or first)).split("\n")
    else:
        if len(own) > 1:
            yield ", ".join(report.layers[row].name for row in own)
        yield from str(explain_row(report, net, own[-1])).split("\n")
    yield from (f"{stripe.name}: {stripe.type}" for stripe in solid.stripes)


def _short(lines: list[str]) -> str:
    """Return lines as a text, those in the middle left out where they are many."""
    if len(lines) > MOST_LINES:
        lines[MOST_LINES // 2 : -MOST_LINES // 2] = ["..."]
    return "\n".join(lines)
