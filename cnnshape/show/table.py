"""How a checked net looks on a terminal or in a pipe: the table, the facts below it, the problems.

The one file that imports rich: for its styles, and what it knows of terminals. The table is laid out here, since
nothing in it may be cut: one too wide for its place first gives up columns, then breaks its settings into lines, and
is then wider than its place. Colours are the terminal's own, on its own background.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments

from cnnshape.problems.wording import printable
from cnnshape.show.counts import counted, number
from cnnshape.show.facts import CONVENTION, facts, verdict
from cnnshape.show.problem_lines import details, snippet
from cnnshape.show.rows import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cnnshape.network.network import Network
    from cnnshape.problems.base import Problem
    from cnnshape.show.checked import Checked
    from cnnshape.show.listing import Entry
    from cnnshape.show.rows import TableRow
    from cnnshape.show.sizes import Answer, LayerRow

    Part = tuple[str, str]  # words and their style

PIPE: Final = 100  # columns, where nobody says how many there are
GAP: Final = "  "  # between two columns
WRAP: Final = 44  # columns of the settings, where they have room
NARROW: Final = 16  # columns of the settings, where there is none
MARGIN: Final = 10  # columns of a fact's label

COLOURS: Final = {"error": "red", "warning": "yellow", "": "green"}
MARKS: Final = {"error": "✗", "warning": "!", "": "✓"}
ASCII: Final = str.maketrans({"→": "->", "✓": "ok", "✗": "x", "…": "...", "─": "-"})  # where there is no Unicode
VERDICTS: Final = {
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
    "dropped": "dropped",
    "losses": "dropped",
    "torch": "torch",
}
RIGHT: Final = ("inputs", "parameters", "macs")
ARRANGEMENTS: Final = (  # of the columns, the widest first
    ("name", "type", "settings", "inputs", "leads", "parameters", "macs", "dropped", "torch"),
    ("name", "kind", "inputs", "leads", "parameters", "macs", "dropped", "torch"),
    ("name", "kind", "output", "parameters", "macs", "losses", "torch"),
)


def show(checks: Iterable[Checked], depth: int) -> list[Checked]:
    """Print each checked net as soon as it is there; return them all."""
    screen = _Screen()
    done: list[Checked] = []
    for checked in checks:
        if done:
            screen.line()
        screen.show(checked, depth)
        done.append(checked)
    if len(done) > 1:
        bad = [checked.net.file for checked in done if not checked.ok]
        words = (
            f"{len(done)} files: {len(bad)} with errors ({', '.join(bad)})" if bad else f"{len(done)} files, all good"
        )
        screen.line()
        screen.line((words, f"bold {COLOURS['error' if bad else '']}"))
    return done


def show_zoo(networks: list[Entry]) -> None:
    """Print the list of the zoo, each with its source beside, or below where a terminal has no room; a pipe has."""
    screen = _Screen()
    rows = [(e.name, e.input, number(e.parameters), number(e.macs), number(e.depth)) for e in networks]
    lines = [("network", "input", "parameters", "MACs", "depth"), *rows, (counted(len(rows), "network"), *[""] * 4)]
    styles = ["dim", *[""] * len(rows), "bold"]
    columns = [
        _Column(place > 1, [screen.cell(style, words) for style, words in zip(styles, column, strict=True)])
        for place, column in enumerate(zip(*lines, strict=True))
    ]
    room = screen.width - _width(columns) - len(GAP)
    if screen.endless or room >= WRAP:
        sources = [wrapped(e.source.split(" "), sys.maxsize if screen.endless else room) for e in networks]
        cells = [screen.cell("dim", *source) for source in (["source"], *sources, [""])]
        screen.grid([*columns, _Column(False, cells)])
    else:
        screen.grid(columns, [wrapped(e.source.split(" "), screen.width - len(GAP)) for e in networks])
    screen.line()
    screen.fact("MACs", CONVENTION)
    screen.fact("depth", "convolutions and linear layers on the longest way from input to output")
    screen.fact("file", "zoo:NAME, wherever a file is expected; cnnshape zoo NAME prints it")


def show_sizes(answer: Answer, told: Iterable[tuple[str, str]], layers: list[LayerRow]) -> None:
    """Print the sizes that a net accepts: what is told of them, and above it a table of layers, if there are any."""
    screen = _Screen()
    for problem in answer.problems:
        screen.problem(problem, answer.net.file)
    if not answer.problems:
        screen.title(answer.net)
        if layers:
            titles = ("layer", "type", "channels", "side", "receptive field")
            totals = (counted(len(layers), "layer"), *[""] * (len(titles) - 1))
            styles = ["dim", *[""] * len(layers), "bold"]
            columns = [
                _Column(
                    False, [screen.cell(style, *_factors(words)) for style, words in zip(styles, column, strict=True)]
                )
                for column in zip(titles, *layers, totals, strict=True)
            ]
            if _width(columns) > screen.width:
                del columns[titles.index("type")]
            screen.grid(columns)
            screen.line()
        for label, fact in told:
            screen.fact(label, fact)
        screen.line()
    severity = "" if answer.ok else "error"
    screen.line((f"{MARKS[severity]} {answer.verdict}", f"bold {COLOURS[severity]}"))


def _factors(formula: str) -> list[str]:
    """Break a product of sides, as behind a flatten, into a line each."""
    return formula.replace(")*(", ")\n*(").split("\n")


class _Screen:
    """Standard output."""

    def __init__(self) -> None:
        known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
        self.console = Console(width=None if known else PIPE)
        self.width = self.console.width
        self.endless = not known
        self.ascii = not self.console.encoding.startswith("utf")

    def words(self, words: str) -> str:
        """Return words, ours or the file's, as they can be shown here."""
        return printable(words).translate(ASCII) if self.ascii else printable(words)

    def line(self, *parts: Part) -> None:
        """Print a line; the terminal breaks it where it is too long, so that what reads a pipe finds it whole."""
        segments = [Segment(self.words(words), self.console.get_style(style or "none")) for words, style in parts]
        self.console.print(Segments([*segments, Segment.line()]), end="", crop=False)

    def title(self, net: Network) -> None:
        self.line((net.name or net.file, "bold"), (f"{GAP}{net.file}" if net.name else "", "dim"))
        if net.source:
            self.line((net.source, "dim"))
        self.line()

    def show(self, checked: Checked, depth: int) -> None:
        """Print all that there is to say about one file."""
        net = checked.net
        if checked.report.layers or not checked.problems:
            self.title(net)
        if checked.report.layers:
            self.table(checked, depth)
            self.line()
            for label, fact in facts(checked):
                self.fact(label, fact)
            self.line()
        for problem in checked.problems:
            self.problem(problem, net.file)
        severity, words = verdict(checked)
        self.line((f"{MARKS[severity]} {words}", f"bold {COLOURS[severity]}"))

    def fact(self, label: str, words: str) -> None:
        for place, line in enumerate(wrapped(words.split(" "), self.width - MARGIN)):
            self.line((f"{'' if place else label:{MARGIN}}", "dim"), (line, ""))

    def problem(self, problem: Problem, file: str) -> None:
        """Print a problem, its first line as editors and build servers read it."""
        head = f"{problem.severity}[{problem.code}]"
        colour = COLOURS[problem.severity]
        self.line((f"{problem.place or file}: ", "bold"), (head, f"bold {colour}"), (f": {problem.message}", ""))
        if problem.place:
            for line, style in zip(snippet(problem.place), ("dim", f"bold {colour}"), strict=False):
                self.line((f"    {line}", style))
        for line in details(problem):
            self.line((f"    {line}", ""))
        self.line()

    # The table

    def table(self, checked: Checked, depth: int) -> None:
        """Print the table in the first arrangement that fits, or else in the last, its settings broken into lines."""
        shown = rows(checked, depth)
        for names in ARRANGEMENTS:
            columns = self.columns(checked, shown, names, WRAP)
            excess = _width(columns) - self.width
            if excess <= 0:
                break
        else:
            wrap = columns[names.index("kind")].width - excess
            columns = self.columns(checked, shown, names, max(NARROW, wrap))
        self.grid(columns)

    def grid(self, columns: list[_Column], notes: list[list[str]] | None = None) -> None:
        """Print columns from titles to totals; notes are lines below each row."""
        titles, *cells, totals = zip(*(column.cells for column in columns), strict=True)
        self.row(columns, titles)
        self.line(("─" * _width(columns), "dim"))
        for row, note in zip(cells, notes or [[]] * len(cells), strict=True):
            self.row(columns, row)
            for line in note:
                self.line((GAP + line, "dim"))
        self.line(("─" * _width(columns), "dim"))
        self.row(columns, totals)

    def row(self, columns: list[_Column], cells: tuple[_Cell, ...]) -> None:
        """Print one row, of as many lines as its longest cell."""
        for place in range(max(len(cell.lines) for cell in cells)):
            parts: list[Part] = []
            for column, (lines, style) in zip(columns, cells, strict=True):
                words = lines[place] if place < len(lines) else ""
                space = " " * (column.width - cell_len(words))
                parts += [(space, ""), (words, style)] if column.right else [(words, style), (space, "")]
                parts.append((GAP, ""))
            while parts and not parts[-1][0].strip():
                parts.pop()
            self.line(*parts)

    def columns(self, checked: Checked, shown: list[TableRow], names: Iterable[str], wrap: int) -> list[_Column]:
        """Return the columns of those names that have something to say."""
        report = checked.report
        totals = {
            "name": counted(len(report.layers), "layer"),
            "parameters": number(report.parameters),
            "macs": number(report.macs),
        }
        titles = TITLES | {"torch": "model"} if checked.comparison else TITLES
        empty = set() if any(row.dropped for row in shown) else {"dropped", "losses"}
        empty |= set() if checked.asked else {"torch"}
        marked = any(row.severity for row in shown)
        cells = [self.cells(row, wrap, marked=marked) for row in shown]
        return [
            _Column(
                name in RIGHT,
                [
                    self.cell("dim", titles[name]),
                    *(row[name] for row in cells),
                    self.cell("bold", totals.get(name, "")),
                ],
            )
            for name in names
            if name not in empty
        ]

    def cells(self, row: TableRow, wrap: int, *, marked: bool) -> dict[str, _Cell]:
        """Return what a row has in each column."""
        style = COLOURS[row.severity] if row.severity else "dim" if row.plain else ""
        mark = f"{MARKS[row.severity] if row.severity else ' '} " if marked else ""
        verdict, colour = VERDICTS[row.verdict]
        return {
            "name": self.cell(style if row.plain else f"bold {style}", mark + row.name),
            "type": self.cell(style, row.type),
            "settings": self.cell(style, *wrapped(_listed(row.settings), wrap)),
            "kind": self.cell(style, *wrapped([row.type, *_listed(row.settings, short=True)], wrap, indent=2)),
            "inputs": self.cell("dim", *row.inputs),
            "leads": self.cell(style, f"→ {row.output}"),
            "output": self.cell(style, row.output),
            "parameters": self.cell(style, row.parameters),
            "macs": self.cell(style, row.macs),
            "dropped": self.cell(style, " ".join(_listed(row.dropped))),
            "losses": self.cell(style, *_listed(row.dropped)),
            "torch": self.cell(colour, f"{verdict} {row.model}".rstrip()),
        }

    def cell(self, style: str, *lines: str) -> _Cell:
        return _Cell([self.words(line) for line in lines], style)


class _Cell(NamedTuple):
    """What stands in one place of a table, a line below the other."""

    lines: list[str]
    style: str


class _Column:
    """The cells of a column from title to total, and how wide the widest is."""

    def __init__(self, right: bool, cells: list[_Cell]):
        self.right = right
        self.cells = cells
        self.width = max(cell_len(line) for cell in cells for line in cell.lines)


def _width(columns: list[_Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


def _listed(things: tuple[str, ...], *, short: bool = False) -> list[str]:
    """Return the things with a comma behind all but the last; torch's longest words can be said shorter."""
    for word, shorter in SHORTER.items() if short else ():
        things = tuple(thing.replace(word, shorter) for thing in things)
    return [*(f"{thing}," for thing in things[:-1]), *things[-1:]]


def wrapped(pieces: Iterable[str], width: int, indent: int = 0) -> list[str]:
    """Return the pieces in lines of at most `width`; a piece is broken only between words, a word never."""
    lines: list[str] = []
    for piece in pieces:
        for part in [piece] if len(piece) + indent <= width else piece.split(" "):
            if lines and len(lines[-1]) + 1 + len(part) <= width:
                lines[-1] += f" {part}"
            else:
                lines.append(" " * indent * bool(lines) + part)
    return lines


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, str], object] | None]:
    """Give what shows a bar on a terminal, and nothing elsewhere; it goes when the work is done."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(style="dim", complete_style="green", finished_style="green"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[layer]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(what), layer="", visible=False)
        yield lambda done, total, layer: bar.update(task, completed=done, total=total, layer=layer, visible=True)
