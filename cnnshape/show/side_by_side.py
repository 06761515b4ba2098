"""A comparison with a model as plain text: the layers that differ, those of the file beside those of the model.

assert_shapes puts it into its message; layers that agree are left out but for the neighbours of those that differ.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from cnnshape.numbers.shape import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.comparison import Comparison, Match
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

AROUND: Final = 1  # neighbours that are shown on each side


def side_by_side(net: Network, layers: tuple[LayerReport, ...], comparison: Comparison) -> Iterator[str]:
    """Yield the lines of the table: expected is the file's layer, actual the model's; shapes are in the file's layout."""
    wrong = [i for i, match in enumerate(comparison.layers) if match.verdict != "agrees"]
    near = {i + step for i in wrong for step in range(-AROUND, AROUND + 1)}
    rows: list[tuple[str, ...]] = [("layer", "expected", "actual", "")]
    for shown, group in groupby(range(len(layers)), near.__contains__):
        some = list(group)
        if shown:
            rows += [_row(net, layers[i], comparison.layers[i]) for i in some]
        else:
            rows.append(("...", f"{len(some)} that agree", "", ""))
    rows += [("", "", title, "extra") for title in comparison.extra]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _row(net: Network, layer: LayerReport, match: Match) -> tuple[str, ...]:
    def described(name: str, shape: Shape | None, parameters: int | None) -> str:
        counted = f"{parameters:,} parameters" if parameters else ""
        return ", ".join(filter(None, [f"{name} -> {text(shape, net.layout)}", counted]))

    expected = described(layer.type, layer.output, layer.parameters)
    actual = described(match.model, match.output, match.parameters) if match.model else "-"
    return layer.name, expected, actual, "" if match.verdict == "agrees" else match.verdict
