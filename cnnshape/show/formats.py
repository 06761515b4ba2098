"""Checked nets for other programs, and for reports: JSON (docs/report.schema.json), CSV, Markdown, GitHub, JUnit."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnshape.numbers.shape import text
from cnnshape.problems.wording import printable
from cnnshape.show.counts import counted, number
from cnnshape.show.facts import facts, verdict
from cnnshape.show.problem_lines import details
from cnnshape.show.rows import rows
from cnnshape.show.testcases import cases

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.compare.match import Match
    from cnnshape.network.report import LayerReport
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import Place
    from cnnshape.pytorch.crosscheck import Verdict
    from cnnshape.show.checked import Checked
    from cnnshape.show.listing import Entry
    from cnnshape.show.rows import TableRow

VERSION: Final = 1  # of the JSON: another where a program that reads it would have to change


def as_json(checks: Sequence[Checked], depth: int) -> str:  # noqa: ARG001 -- layers are never folded here
    return json.dumps({"version": VERSION, "files": [_file(checked) for checked in checks]}, indent=2) + "\n"


def _file(checked: Checked) -> dict[str, Any]:
    net, report, verification = checked.net, checked.report, checked.verification
    verdicts = verification.layers if verification else [None] * len(report.layers)
    comparison = checked.comparison
    matches = comparison.layers if comparison else [None] * len(report.layers)
    return {
        "file": net.file,
        "name": net.name,
        "ok": checked.ok,
        "layout": net.layout,
        "inputs": {name: report.inputs.get(name) for name in net.inputs},
        "outputs": report.outputs,
        "parameters": report.parameters,
        "macs": report.macs,
        "layers": [_layer(*triple) for triple in zip(report.layers, verdicts, matches, strict=True)],
        "problems": [problem_as_json(problem) for problem in checked.problems],
        "crosscheck": verification
        and {"device": verification.device, "torch": verification.torch, "ok": verification.ok},
        "no_crosscheck": None if verification else checked.unverified,
        "model": comparison
        and {
            "class": comparison.model,
            "device": comparison.device,
            "torch": comparison.torch,
            "ok": comparison.ok,
            "extra": comparison.extra,
        },
    }


def _layer(layer: LayerReport, verdict: Verdict | None, match: Match | None) -> dict[str, Any]:
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
        "model": match
        and {
            "verdict": match.verdict,
            "module": match.model or None,
            "reason": match.reason or None,
            "output": match.output,
            "parameters": match.parameters,
        },
    }


def problem_as_json(problem: Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "suggestions": [suggestion._asdict() for suggestion in problem.suggestions],
        "layer": problem.layer or None,
        **_place(problem.place),
        "used_at": [_place(place) for place in problem.used_at],
        "cause": problem.cause or None,
        "fixes": problem.fixes,
    }


def _place(place: Place | None) -> dict[str, Any]:
    (line, column), (end_line, end_column) = place.range if place else [(None, None)] * 2
    file = place.source.file if place else None
    return {"file": file, "line": line, "column": column, "end_line": end_line, "end_column": end_column}


COLUMNS: Final = ("name", "type", "line", "inputs", "output", "parameters", "macs", "remainder", "dropped", "shares")


def as_csv(checks: Sequence[Checked], depth: int) -> str:  # noqa: ARG001 -- layers are never folded here
    """Write a row for each layer, with shapes as the file writes them; the file's name first where there are several."""
    several = len(checks) > 1
    compared = any(checked.comparison for checked in checks)
    titles = [*COLUMNS, *(("verdict", "model") if compared else ("torch",))]
    result = io.StringIO()
    writer = csv.writer(result, lineterminator="\n")
    writer.writerow(["file", *titles] if several else titles)
    for checked in checks:
        for layer, said, model in zip(checked.report.layers, checked.verdicts(), checked.models(), strict=True):
            cells = [*_cells(layer, checked.net.layout), said, *[model] * compared]
            writer.writerow([checked.net.file, *cells] if several else cells)
    return result.getvalue()


def _cells(layer: LayerReport, layout: str) -> tuple[object, ...]:
    return (
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
    )


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


def _table(checked: Checked, shown: list[TableRow]) -> Iterator[str]:
    titles = ["layer", "type", "settings", "input", "output", "parameters", "MACs"]
    total = [counted(len(checked.report.layers), "layer"), "", "", "", ""]
    total += [number(checked.report.parameters), number(checked.report.macs)]
    dropped = any(row.dropped for row in shown)
    titles += ["dropped"] * dropped + ["model" if checked.comparison else "torch"] * (checked.asked is not None)
    yield _line(titles)
    yield _line("---:" if title in ("parameters", "MACs") else "---" for title in titles)
    for row in shown:
        asked = [f"{row.verdict} {row.model}".rstrip()] * (checked.asked is not None)
        cells = [
            row.name,
            row.type,
            ", ".join(row.settings),
            ", ".join(row.inputs),
            row.output,
            row.parameters,
            row.macs,
        ]
        yield _line([*cells, *[", ".join(row.dropped)] * dropped, *asked])
    yield _line(f"**{cell}**" if cell else "" for cell in total + [""] * (len(titles) - len(total)))


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(words: str) -> str:
    return printable(words).replace("|", r"\|").replace("<", "&lt;")


def as_github(checks: Sequence[Checked], depth: int) -> str:  # noqa: ARG001 -- layers are never folded here
    """Write an annotation for each problem, as GitHub shows them in a pull request, and a verdict for each file."""
    return "".join(f"{line}\n" for checked in checks for line in _annotations(checked))


def _annotations(checked: Checked) -> Iterator[str]:
    for problem in checked.problems:
        title = f"{problem.layer}: {problem.code}" if problem.layer else problem.code
        at = {
            "file": _from_workspace(problem.file or checked.net.file),
            "line": problem.line or 1,
            "col": problem.column or 1,
            "endLine": problem.end_line or 1,
            "endColumn": problem.end_column or 1,
        }
        facts = {**at, "title": title}.items()
        where = ",".join(f"{key}={_percent(str(fact), '%', ',', ':')}" for key, fact in facts)
        text = "\n".join([problem.message, *details(problem)])
        yield f"::{problem.severity} {where}::{_percent(text)}"
    yield printable(f"{checked.net.file}: {verdict(checked)[1]}")


def _from_workspace(file: str) -> str:
    """Write a path from the root of the repository, where this runs on GitHub in a folder below."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    return os.path.relpath(file, workspace) if workspace and Path(file).exists() else file


def _percent(words: str, *special: str) -> str:
    """Write what would end a workflow command, or a part of it, as GitHub asks for."""
    for character in (*(special or "%"), "\r", "\n"):
        words = words.replace(character, f"%{ord(character):02X}")
    return words


def as_junit(checks: Sequence[Checked], depth: int) -> str:  # noqa: ARG001 -- layers are never folded here
    """Write a suite for each file: a case for the file, one for each layer."""
    from xml.etree import ElementTree as ET

    root = ET.Element("testsuites", name="cnnshape")
    for checked in checks:
        tests, file = cases(checked), printable(checked.net.file)
        failures = sum(bool(test.errors) for test in tests)
        skipped = sum(bool(test.skipped) for test in tests)
        counts = {"tests": len(tests), "failures": failures, "errors": 0, "skipped": skipped}
        suite = ET.SubElement(root, "testsuite", {"name": file, **{key: str(n) for key, n in counts.items()}})
        for test in tests:
            place = test.node.place if test.node else None
            at = {"file": place.source.file, "line": str(place.start[0])} if place else {"file": file}
            name = printable(test.node.name) if test.node else file.replace("\\", "/").rpartition("/")[2]
            case = ET.SubElement(suite, "testcase", {"classname": file, "name": name, "time": "0", **at})
            if test.errors:
                first = test.errors[0]
                text = "\n".join(printable(line) for p in test.errors for line in [repr(p), *details(p)])
                ET.SubElement(case, "failure", message=f"{first.code}: {first.message}", type=first.code).text = text
            elif test.skipped:
                ET.SubElement(case, "skipped", message=test.skipped)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


FORMATS: Final[dict[str, Callable[[Sequence[Checked], int], str]]] = {
    "json": as_json,
    "csv": as_csv,
    "markdown": as_markdown,
    "github": as_github,
    "junit": as_junit,
}


# The list of the zoo

FIGURES: Final = ("name", "input", "parameters", "macs", "depth", "source")


def zoo_as_json(networks: Sequence[Entry]) -> str:
    return json.dumps({"version": VERSION, "networks": [entry._asdict() for entry in networks]}, indent=2) + "\n"


def zoo_as_csv(networks: Sequence[Entry]) -> str:
    result = io.StringIO()
    writer = csv.writer(result, lineterminator="\n")
    writer.writerow(FIGURES)
    writer.writerows([getattr(entry, name) for name in FIGURES] for entry in networks)
    return result.getvalue()


def zoo_as_markdown(networks: Sequence[Entry]) -> str:
    lines = [_line(["network", "input", "parameters", "MACs", "depth", "source"])]
    lines.append(_line(["---", "---", "---:", "---:", "---:", "---"]))
    for entry in networks:
        figures = number(entry.parameters), number(entry.macs), number(entry.depth)
        lines.append(_line([entry.name, entry.input, *figures, entry.source]))
    return "\n".join(lines) + "\n"


ZOO: Final[dict[str, Callable[[Sequence[Entry]], str]]] = {
    "json": zoo_as_json,
    "csv": zoo_as_csv,
    "markdown": zoo_as_markdown,
}
