"""Markdown, for reports: a section for each file, with its table, facts and problems; and the zoo's list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cnnshape.problems.wording import printable
from cnnshape.show.counts import counted, number
from cnnshape.show.diagnosis_lines import diagnosis
from cnnshape.show.facts import facts, verdict
from cnnshape.show.problem_lines import sentence, within
from cnnshape.show.rows import rows
from cnnshape.show.snippet import ROOM

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.show.checked import Checked
    from cnnshape.show.rows import TableRow
    from cnnshape.show.zoo_list import ZooNetwork

ESCAPES: Final = {sign: f"\\{sign}" for sign in "\\`*[]|~"} | {"<": "&lt;", "&": "&amp;", "@": "&#64;"}


def check(checks: Sequence[Checked], depth: int) -> str:
    """Write a section for each file, its blocks folded as in the table on the screen."""
    return "\n".join("\n".join(_section(checked, depth)) + "\n" for checked in checks)


def _section(checked: Checked, depth: int) -> Iterator[str]:
    """Yield the lines on one file: table, facts, problems, verdict."""
    net, report = checked.net, checked.report
    yield f"## {_escaped(net.name or net.file)}"
    yield ""
    yield _code(net.file) + (f": {_escaped(net.source)}" if net.source else "")
    yield ""
    if report.layers:
        yield from _table(checked, rows(checked, depth))
        yield ""
        yield from (f"- {label}: {_escaped(fact)}" for label, fact in facts(checked))
        yield ""
    for problem in checked.problems:
        head = f"**{problem.severity}[{problem.code}]**"
        yield f"- {head} {_code(str(problem.place or net.file))}: {_escaped(sentence(problem))}"
        yield from (f"  - {_escaped(line)}" for line in within(problem))
        for label, line in diagnosis(problem, (), ROOM):
            yield f"  - {label}: {_escaped(line)}" if label else f"    - {_escaped(line.strip())}"
    if checked.problems:
        yield ""
    yield f"**{verdict(checked)[1]}**"


def _table(checked: Checked, shown: list[TableRow]) -> Iterator[str]:
    """Yield title, rows and total; the columns for memory, dropped cells and verdicts only where there are some."""
    titles = ["layer", "type", "settings", "input", "output", "parameters", "MACs"]
    total = [counted(len(checked.report.layers), "layer"), "", "", "", ""]
    total += [number(checked.report.parameters), number(checked.report.macs)]
    dropped, asked = any(row.dropped for row in shown), checked.asked is not None
    if kept := checked.kept:
        titles.append("kept, bytes")
        total.append(number(kept.saved))
    titles += ["dropped"] * dropped + ["model" if checked.comparison else "torch"] * asked
    yield _line(titles)
    yield _line("---:" if title in ("parameters", "MACs", "kept, bytes") else "---" for title in titles)
    for row in shown:
        settings, inputs, cells = (", ".join(words) for words in (row.settings, row.inputs, row.dropped))
        figures = row.name, row.type, settings, inputs, row.output, row.parameters, row.macs
        memory = [number(row.kept) if row.kept != 0 else ""] * (kept is not None)
        yield _line([*figures, *memory, *[cells] * dropped, *[f"{row.verdict} {row.model}".rstrip()] * asked])
    yield _row(f"**{_escaped(cell)}**" if cell else "" for cell in total + [""] * (len(titles) - len(total)))


def zoo(networks: Sequence[ZooNetwork]) -> str:
    lines = [_line(["network", "input", "parameters", "MACs", "depth", "source"])]
    lines.append(_line(["---", "---", "---:", "---:", "---:", "---"]))
    for entry in networks:
        figures = number(entry.parameters), number(entry.macs), number(entry.depth)
        lines.append(_line([entry.name, entry.input, *figures, entry.source]))
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return _row(map(_escaped, cells))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escaped(words: str) -> str:
    """Escape the signs that would end a cell, begin a tag, a link or a quotation of code, or call somebody."""
    return "".join(ESCAPES.get(sign, sign) for sign in printable(words))


def _code(words: str) -> str:
    """Quote a text as code, whatever quotation marks it has."""
    inner = printable(words)
    marks = "`" * (1 + max(map(len, re.findall("`+", inner)), default=0))
    return f"{marks} {inner} {marks}" if "`" in inner else f"{marks}{inner}{marks}"
