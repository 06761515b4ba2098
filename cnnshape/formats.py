"""Checked nets for other programs, and for reports: JSON (docs/report.schema.json), CSV, Markdown."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any, Final

from cnnshape.layout import text
from cnnshape.view import counted, details, facts, number, printable, rows, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.crosscheck import Verdict
    from cnnshape.network import LayerReport
    from cnnshape.problems import Place, Problem
    from cnnshape.view import Checked, Row

VERSION: Final = 1  # of the JSON: another where a program that reads it would have to change


def as_json(checks: Sequence[Checked], depth: int) -> str:  # noqa: ARG001 -- layers are never folded here
    return json.dumps({"version": VERSION, "files": [_file(checked) for checked in checks]}, indent=2) + "\n"


def _file(checked: Checked) -> dict[str, Any]:
    net, report, verification = checked.net, checked.report, checked.verification
    verdicts = verification.layers if verification else [None] * len(report.layers)
    return {
        "file": net.file,
        "name": net.name,
        "ok": checked.ok,
        "layout": net.layout,
        "inputs": {name: report.inputs.get(name) for name in net.inputs},
        "outputs": report.outputs,
        "parameters": report.parameters,
        "macs": report.macs,
        "layers": [_layer(*pair) for pair in zip(report.layers, verdicts, strict=True)],
        "problems": [_problem(problem) for problem in checked.problems],
        "crosscheck": verification
        and {"device": verification.device, "torch": verification.torch, "ok": verification.ok},
        "no_crosscheck": None if verification else checked.unverified,
    }


def _layer(layer: LayerReport, verdict: Verdict | None) -> dict[str, Any]:
    place = layer.node.place
    return {
        "name": layer.name,
        "type": layer.type,
        "file": place.source.file,
        "line": layer.line,
        "inputs": layer.inputs,
        "output": layer.output,
        "parameters": layer.parameters,
        "macs": layer.macs,
        "remainder": layer.remainder,
        "dropped": layer.dropped,
        "shares": layer.node.shares or None,
        "torch": verdict and {"verdict": verdict.verdict, "reason": verdict.reason or verdict.message or None},
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "layer": problem.layer or None,
        **_place(problem.place),
        "used_at": [_place(place) for place in problem.used_at],
        "cause": problem.cause or None,
        "fixes": problem.fixes,
    }


def _place(place: Place | None) -> dict[str, Any]:
    line, column = place.position() if place else (None, None)
    return {"file": place.source.file if place else None, "line": line, "column": column}


def as_csv(checks: Sequence[Checked], depth: int) -> str:  # noqa: ARG001 -- layers are never folded here
    """Write a row for each layer, with shapes as the file writes them; the file's name first where there are several."""
    columns = (
        "name",
        "type",
        "line",
        "inputs",
        "output",
        "parameters",
        "macs",
        "remainder",
        "dropped",
        "shares",
        "torch",
    )
    several = len(checks) > 1
    result = io.StringIO()
    writer = csv.writer(result, lineterminator="\n")
    writer.writerow(["file", *columns] if several else columns)
    for checked in checks:
        layout = checked.net.layout
        for layer, torch in zip(checked.report.layers, checked.verdicts(), strict=True):
            cells = [
                layer.name,
                layer.type,
                layer.line,
                " ".join(text(shape, layout) for shape in layer.inputs),
                text(layer.output, layout),
                layer.parameters,
                layer.macs,
                _joined(layer.remainder),
                _joined(layer.dropped),
                layer.node.shares,
                torch,
            ]
            writer.writerow([checked.net.file, *cells] if several else cells)
    return result.getvalue()


def _joined(numbers: tuple[int | None, ...]) -> str:
    return "x".join("?" if n is None else str(n) for n in numbers)


def as_markdown(checks: Sequence[Checked], depth: int) -> str:
    return "\n".join("\n".join(_section(checked, depth)) + "\n" for checked in checks)


def _section(checked: Checked, depth: int) -> Iterator[str]:
    """Yield the lines of the section on one file: table, facts, problems, verdict."""
    net, report = checked.net, checked.report
    yield f"## {_escaped(net.name or net.file)}"
    yield ""
    yield f"`{printable(net.file)}`" + (f": {_escaped(net.source)}" if net.source else "")
    yield ""
    if report.layers:
        yield from _table(checked, rows(checked, depth))
        yield ""
        yield from (f"- {label}: {_escaped(fact)}" for label, fact in facts(checked))
        yield ""
    for problem in checked.problems:
        head = f"**{problem.severity}[{problem.code}]**"
        yield f"- {head} `{problem.place or net.file}`: {_escaped(problem.message)}"
        yield from (f"  - {_escaped(line)}" for line in details(problem))
    if checked.problems:
        yield ""
    yield f"**{verdict(checked)[1]}**"


def _table(checked: Checked, shown: list[Row]) -> Iterator[str]:
    titles = ["layer", "type", "settings", "input", "output", "parameters", "MACs"]
    total = [counted(len(checked.report.layers), "layer"), "", "", "", ""]
    total += [number(checked.report.parameters), number(checked.report.macs)]
    dropped = any(row.dropped for row in shown)
    titles += ["dropped"] * dropped + ["torch"] * (checked.verification is not None)
    yield _line(titles)
    yield _line("---:" if title in ("parameters", "MACs") else "---" for title in titles)
    for row in shown:
        cells = [
            row.name,
            row.type,
            ", ".join(row.settings),
            ", ".join(row.inputs),
            row.output,
            row.parameters,
            row.macs,
        ]
        yield _line([*cells, *[", ".join(row.dropped)] * dropped, *[row.verdict] * (checked.verification is not None)])
    yield _line(f"**{cell}**" if cell else "" for cell in total + [""] * (len(titles) - len(total)))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(words: str) -> str:
    return printable(words).replace("|", r"\|").replace("<", "&lt;")


FORMATS: Final[dict[str, Callable[[Sequence[Checked], int], str]]] = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
}
