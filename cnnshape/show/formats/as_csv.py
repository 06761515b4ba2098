"""CSV, for spreadsheets: a row for each layer, each network of the zoo, or each candidate of a search. Shapes are in the file's layout.

Problems have no place in it, and stand beside.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Final

from cnnshape.numbers.shape import text
from cnnshape.problems.wording import printable, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.network.report import LayerReport
    from cnnshape.show.checked import Checked
    from cnnshape.show.searched import Searched
    from cnnshape.show.zoo_list import ZooNetwork

LAYER: Final = ("name", "type", "line", "inputs", "output", "parameters", "macs", "remainder", "dropped", "shares")
FORMULA: Final = ("=", "+", "-", "@")  # the beginnings of a formula, for which spreadsheets have the sign '
NETWORK: Final = ("name", "input", "parameters", "macs", "depth", "source")


def check(checks: Sequence[Checked], _depth: int) -> str:
    """Write all layers, never folded; the file's name comes first where there are several files."""
    several = len(checks) > 1
    compared = any(checked.comparison for checked in checks)
    asked = any(checked.kept for checked in checks)
    verdicts = ("verdict", "model") if compared else ("torch",)
    titles = [*["file"] * several, *LAYER, *verdicts, *["kept"] * asked]
    return _table([titles, *(row for checked in checks for row in _rows(checked, several, compared))])


def check_beside(checks: Sequence[Checked], _depth: int) -> str:
    """Write the problems, a line each."""
    return "".join(f"{printable(repr(problem))}\n" for checked in checks for problem in checked.problems)


def _rows(checked: Checked, several: bool, compared: bool) -> Iterator[list[object]]:
    kept = [[count] for count in checked.kept.layers] if checked.kept else [[]] * len(checked.report.layers)
    layers = zip(checked.report.layers, checked.verdicts(), checked.models(), kept, strict=True)
    for layer, verdict, model, count in layers:
        yield [
            *[checked.net.file] * several,
            *_cells(layer, checked.net.layout),
            verdict,
            *[model] * compared,
            *count,
        ]


def _cells(layer: LayerReport, layout: str) -> tuple[object, ...]:
    """Return the cells of LAYER."""
    return (
        layer.name,
        layer.type,
        layer.line,
        " ".join(text(shape, layout) for shape in layer.inputs),
        text(layer.output, layout),
        layer.parameters,
        layer.macs,
        _by_axis(layer.remainder),
        _by_axis(layer.dropped),
        layer.node.shares,
    )


def _by_axis(numbers: tuple[int | None, ...]) -> str:
    return "x".join("?" if n is None else str(n) for n in numbers)


def zoo(networks: Sequence[ZooNetwork]) -> str:
    return _table([NETWORK, *([getattr(entry, name) for name in NETWORK] for entry in networks)])


def search(searched: Searched) -> str:
    """Write the candidates that were found, in order."""
    names = searched.names
    rows = (
        [*(_value(values[name]) for name in names), *searched.shapes(totals), totals.parameters, totals.macs]
        for values, totals in searched.candidates()
    )
    return _table([[*names, "input", "output", "parameters", "macs"], *rows])


def _value(value: object) -> object:
    """Return a value as the file would write it; a number as one."""
    return value if isinstance(value, str) or type(value) in {int, float} else shown(value)


def _table(rows: Iterable[Sequence[object]]) -> str:
    result = io.StringIO()
    csv.writer(result, lineterminator="\n").writerows([_cell(cell) for cell in row] for row in rows)
    return result.getvalue()


def _cell(content: object) -> object:
    """Return a cell that a spreadsheet takes for a text, and not for a formula, if it is one."""
    if not isinstance(content, str):
        return content
    return f"'{printable(content)}" if content.startswith(FORMULA) else printable(content)
