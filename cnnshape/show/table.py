"""The table, for people: checked nets, the valid sizes of a net and the zoo's list as they are drawn on the screen.

What is said comes from rows and facts; decided here are columns, colours and marks. A table too wide for the screen
first gives up columns, then breaks its settings into lines.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from cnnshape.problems.wording import few
from cnnshape.show.counts import counted, mebibytes, number
from cnnshape.show.facts import CONVENTION, facts, verdict
from cnnshape.show.rows import rows
from cnnshape.show.screen import COLOURS, GAP, MARKS, Screen, width_of
from cnnshape.show.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from cnnshape.show.checked import Checked
    from cnnshape.show.rows import TableRow
    from cnnshape.show.screen import Column
    from cnnshape.show.sizes.answer import Answer
    from cnnshape.show.zoo_list import ZooNetwork

MOST_NAMED: Final = 10  # files with errors, behind many
WRAP: Final = 44  # columns of the settings, where they have room
NARROW: Final = 16  # columns of the settings, where there is none

VERDICT_STYLES: Final = {  # each with its style
    "": ("", ""),
    "agrees": ("✓", "green"),
    "refuses": ("✓ refuses", "green"),
    "stricter": ("stricter", "yellow"),
    "skipped": ("skipped", "dim"),
    "not run": ("not run", "dim"),
    "follows": ("follows", "dim"),
    "missing": ("✗ missing", "bold red"),
    "fails": ("✗ fails", "bold red"),
    "differs": ("✗ differs", "bold red"),
    "disagrees": ("✗ disagrees", "bold red"),
}
SHORTER: Final = {"kernel_size": "kernel", "padding": "pad"}
TITLES: Final = {
    "name": "layer",
    "type": "type",
    "settings": "settings",
    "kind": "type, settings",
    "inputs": "input",
    "leads": "→ output",
    "output": "output",
    "parameters": "parameters",
    "macs": "MACs",
    "kept": "kept, MiB",
    "dropped": "dropped",
    "losses": "dropped",
    "torch": "torch",
}
RIGHT: Final = ("inputs", "parameters", "macs", "kept")
ARRANGEMENTS: Final = (  # of the columns, the widest first
    ("name", "type", "settings", "inputs", "leads", "parameters", "macs", "kept", "dropped", "torch"),
    ("name", "kind", "inputs", "leads", "parameters", "macs", "kept", "dropped", "torch"),
    ("name", "kind", "output", "parameters", "macs", "kept", "losses", "torch"),
)


# Checked nets


def show(checks: Iterable[Checked], depth: int, changed: Collection[tuple[str, str]] = ()) -> list[Checked]:
    """Print each checked net as soon as it is there; return them all. Rows are marked whose file and name are in `changed`."""
    screen = Screen()
    done: list[Checked] = []
    for checked in checks:
        if done:
            screen.line()
        _show(screen, checked, depth, changed)
        done.append(checked)
    if len(done) > 1:
        bad = [checked.net.file for checked in done if not checked.ok]
        found = f": {len(bad)} with errors ({', '.join(few(bad, MOST_NAMED))})" if bad else ", all good"
        screen.line()
        screen.line((f"{len(done)} files{found}", f"bold {COLOURS['error' if bad else '']}"))
    return done


def _show(screen: Screen, checked: Checked, depth: int, changed: Collection[tuple[str, str]]) -> None:
    """Print one net: its table, facts, problems and verdict."""
    net = checked.net
    if checked.report.layers or not checked.problems:
        screen.title(net)
    if checked.report.layers:
        _table(screen, checked, depth, changed)
        screen.line()
        for label, fact in facts(checked):
            screen.fact(label, fact)
        screen.line()
    screen.problems(checked.problems, net.file)
    screen.verdict(*verdict(checked))


def _table(screen: Screen, checked: Checked, depth: int, changed: Collection[tuple[str, str]]) -> None:
    """Print the table in the first arrangement that fits, or else in the last, its settings broken into lines."""
    table = _Table(screen, checked, depth, changed)
    for names in ARRANGEMENTS:
        columns = {name: table.column(name) for name in names if name not in table.empty}
        excess = width_of([*columns.values()]) - screen.width
        if excess <= 0:
            break
    else:
        columns["kind"] = table.made("kind", max(NARROW, columns["kind"].width - excess))
    screen.grid([*columns.values()])


class _Table:
    """The columns of a net's table, each made when an arrangement has it, and once."""

    def __init__(self, screen: Screen, checked: Checked, depth: int, changed: Collection[tuple[str, str]]):
        report = checked.report
        self.screen = screen
        self.rows = rows(checked, depth)
        self.styles = [COLOURS[row.severity] if row.severity else "dim" if row.plain else "" for row in self.rows]
        self.new = [
            f"reverse {style}".strip() if (checked.net.file, row.name) in changed else style
            for row, style in zip(self.rows, self.styles, strict=True)
        ]
        self.titles = TITLES | {"torch": "model"} if checked.comparison else TITLES
        self.totals = {
            "name": counted(len(report.layers), "layer"),
            "parameters": number(report.parameters),
            "macs": number(report.macs),
            "kept": mebibytes(checked.kept.saved) if checked.kept else "",
        }
        self.empty = set() if any(row.dropped for row in self.rows) else {"dropped", "losses"}
        self.empty |= set() if checked.asked else {"torch"}
        self.empty |= set() if checked.kept else {"kept"}
        self.columns: dict[str, Column] = {}

    def column(self, name: str) -> Column:
        if name not in self.columns:
            self.columns[name] = self.made(name, WRAP)
        return self.columns[name]

    def made(self, name: str, wrap: int) -> Column:
        """Make a column, its settings broken into lines of at most `wrap`."""
        style, lines = self.cells(name, wrap)
        return self.screen.column(self.titles[name], lines, self.totals.get(name, ""), style=style, right=name in RIGHT)

    def cells(self, name: str, wrap: int) -> tuple[str | list[str], list[Sequence[str]]]:
        """Return the style of a column or of its rows, and the lines of each row."""
        rows, styles = self.rows, self.styles
        match name:
            case "name":
                marked = any(row.severity for row in rows)
                marks = [f"{MARKS[row.severity] if row.severity else ' '} " if marked else "" for row in rows]
                bold = [style if row.plain else f"bold {style}" for row, style in zip(rows, styles, strict=True)]
                return bold, [[mark + row.name] for mark, row in zip(marks, rows, strict=True)]
            case "type":
                return styles, [[row.type] for row in rows]
            case "settings":
                return styles, [wrapped(_listed(row.settings), wrap) for row in rows]
            case "kind":
                return styles, [wrapped(_kind(row), wrap, indent=2) for row in rows]
            case "inputs":
                return "dim", [row.inputs for row in rows]
            case "leads":
                return self.new, [[f"→ {row.output}"] for row in rows]
            case "output" | "parameters" | "macs":
                return self.new, [[getattr(row, name)] for row in rows]
            case "kept":
                return self.new, [["" if row.kept == 0 else mebibytes(row.kept)] for row in rows]
            case "dropped":
                return styles, [[" ".join(_listed(row.dropped))] for row in rows]
            case "losses":
                return styles, [_listed(row.dropped) for row in rows]
            case _:  # torch
                verdicts = [VERDICT_STYLES[row.verdict] for row in rows]
                told = zip(verdicts, rows, strict=True)
                return [colour for _, colour in verdicts], [
                    [f"{words} {row.model}".rstrip()] for (words, _), row in told
                ]


def _kind(row: TableRow) -> list[str]:
    """Return the type of a row and its settings: of a pad, "pad" stands once."""
    first, *others = _listed(row.settings, short=True) or [""]
    return list(filter(None, [row.type, first.removeprefix(f"{row.type} "), *others]))


def _listed(words: tuple[str, ...], *, short: bool = False) -> list[str]:
    """Return the words with a comma behind all but the last; torch's longest names may be shortened."""
    for name, shorter in SHORTER.items() if short else ():
        words = tuple(word.replace(name, shorter) for word in words)
    return [*(f"{word}," for word in words[:-1]), *words[-1:]]


# Valid sizes


def show_sizes(answer: Answer, *, listed: bool) -> None:
    """Print the sizes that a net accepts, with the layers that make them so; `listed`: below a table of all layers."""
    from cnnshape.show.sizes.facts import facts
    from cnnshape.show.sizes.layer_rows import layer_rows

    screen = Screen()
    screen.problems(answer.problems, answer.net.file)
    if not answer.problems:
        screen.title(answer.net)
        if layers := layer_rows(answer) if listed else []:
            titles = ("layer", "type", "channels", "side", "receptive field")
            columns = _list(screen, titles, [[_broken(words) for words in row] for row in layers], "layer")
            if width_of(columns) > screen.width:
                del columns[titles.index("type")]
            screen.grid(columns)
            screen.line()
        for label, fact in facts(answer):
            screen.fact(label, fact)
        screen.line()
    screen.verdict("" if answer.ok else "error", answer.verdict)


def _broken(formula: str) -> str:
    """Break a product of sides, as behind a flatten, into a line for each."""
    return formula.replace(")*(", ")\n*(")


# The zoo


def show_zoo(networks: Sequence[ZooNetwork]) -> None:
    """Print the list of the zoo; sources stand below their networks where a terminal has no room beside them."""
    screen = Screen()
    titles = ("network", "input", "parameters", "MACs", "depth")
    rows = [(e.name, e.input, number(e.parameters), number(e.macs), number(e.depth)) for e in networks]
    columns = _list(screen, titles, rows, "network", right=titles[2:])
    room = sys.maxsize if screen.endless else screen.width - width_of(columns) - len(GAP)
    if room >= WRAP:
        sources = [wrapped(e.source.split(" "), room) for e in networks]
        screen.grid([*columns, screen.column("source", sources, style="dim")])
    else:
        screen.grid(columns, [wrapped(e.source.split(" "), screen.width - len(GAP)) for e in networks])
    screen.line()
    screen.fact("MACs", CONVENTION)
    screen.fact("depth", "convolutions and linear layers on the longest way from input to output")
    screen.fact("file", "zoo:NAME, wherever a file is expected; cnnshape zoo NAME prints it")


def _list(
    screen: Screen, titles: Sequence[str], rows: Sequence[Sequence[str]], noun: str, right: Sequence[str] = ()
) -> list[Column]:
    """Return the columns of a list, whose total is the number of its rows."""
    total = [counted(len(rows), noun), *[""] * (len(titles) - 1)]
    return [
        screen.column(title, [row[place].split("\n") for row in rows], total[place], right=title in right)
        for place, title in enumerate(titles)
    ]
