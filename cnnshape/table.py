"""How a checked net looks on a terminal, in a pipe, or on paper: the table, the facts below it, the problems.

The one file that imports rich. Nothing is ever cut: a table too wide for its place gives up columns, then breaks the
settings between two of them, and is then wider than its place. Colours are the terminal's own, on its own background.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cnnshape.view import counted, details, facts, number, printable, rows, snippet, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cnnshape.problems import Problem
    from cnnshape.view import Checked, Row

PIPE: Final = 100  # columns, where nobody says how many there are
WRAP: Final = 44  # of the settings, where they have room
UNBOUNDED: Final = 10**6
COLOURS: Final = {"error": "red", "warning": "yellow", "": "green"}
MARKS: Final = {"error": "✗", "warning": "!", "": "✓"}
ASCII: Final = str.maketrans({"→": "->", "✓": "ok", "✗": "x", "…": "..."})  # where there is no Unicode

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
    "torch": "torch",
}
NUMBERS: Final = ("inputs", "parameters", "macs")  # written from the right
VERDICTS: Final = {
    "": ("", ""),
    "agrees": ("✓", "green"),
    "refuses": ("✓ refuses", "green"),
    "stricter": ("stricter", "yellow"),
    "skipped": ("skipped", "dim"),
    "not run": ("not run", "dim"),
    "disagrees": ("✗ disagrees", "bold red"),
}
ARRANGEMENTS: Final = (  # the widest first
    ("name", "type", "settings", "inputs", "leads", "parameters", "macs", "dropped", "torch"),
    ("name", "kind", "inputs", "leads", "parameters", "macs", "dropped", "torch"),
    ("name", "kind", "output", "parameters", "macs", "dropped", "torch"),
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
    return done


class _Screen:
    """Standard output, as wide as it is."""

    def __init__(self) -> None:
        known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
        self.console = Console(width=None if known else PIPE, highlight=False, markup=False, emoji=False)
        self.width = self.console.width
        self.ascii = not self.console.encoding.startswith("utf")

    def text(self, words: str, style: str = "") -> Text:
        """Return words of ours or of the file's as they can be shown here."""
        words = "\n".join(map(printable, words.split("\n")))
        return Text(words.translate(ASCII) if self.ascii else words, style)

    def line(self, *parts: tuple[str, str] | str) -> None:
        """Print a line, each part with its style; the terminal breaks it where it is too long."""
        pieces = (self.text(*([part] if isinstance(part, str) else part)) for part in parts)
        self.console.print(Text().join(pieces), soft_wrap=True)

    def show(self, checked: Checked, depth: int) -> None:
        """Print all that there is to say about one file."""
        net = checked.net
        if checked.report.layers:
            self.line((net.name or net.file, "bold"), (f"  {net.file}" if net.name else "", "dim"))
            if net.source:
                self.line((net.source, "dim"))
            self.line()
            self.table(checked, depth)
            self.line()
            for label, fact in facts(checked):
                self.fact(label, fact)
            self.line()
        for problem in checked.problems:
            self.problem(problem)
        severity, words = verdict(checked)
        self.line((f"{MARKS[severity]} {words}", f"bold {COLOURS[severity]}"))

    def fact(self, label: str, words: str) -> None:
        margin = 10
        for place, line in enumerate(wrapped(words.split(" "), self.width - margin)):
            self.line((f"{label if place == 0 else '':{margin}}", "dim"), line)

    def problem(self, problem: Problem, file: str = "") -> None:
        """Print a problem, its first line as editors and build servers read it."""
        colour = COLOURS[problem.severity]
        head = f"{problem.severity}[{problem.code}]"
        self.line((f"{problem.place or file}: ", "bold"), (head, f"bold {colour}"), f": {problem.message}")
        for line in snippet(problem.place) if problem.place else ():
            self.line((f"    {line}", "dim"))
        for line in details(problem):
            self.line(f"    {line}")
        self.line()

    # The table

    def table(self, checked: Checked, depth: int) -> None:
        """Print the table in the first arrangement that fits, or else in the last with its settings broken."""
        shown, wrap = rows(checked, depth), WRAP
        for columns in ARRANGEMENTS:
            table = self.drawn(checked, shown, columns, wrap)
            excess = self.measure(table) - self.width
            if excess <= 0:
                break
        else:
            taken = max(len(line) for row in shown for line in _kind(row, wrap))
            table = self.drawn(checked, shown, columns, taken - excess)
        self.console.width = max(self.width, self.measure(table))
        with self.console.capture() as captured:
            self.console.print(table)
        self.console.width = self.width
        for line in captured.get().splitlines():
            self.console.file.write(f"{line.rstrip()}\n")

    def measure(self, table: Table) -> int:
        return self.console.measure(table, options=self.console.options.update_width(UNBOUNDED)).maximum

    def drawn(self, checked: Checked, shown: list[Row], columns: tuple[str, ...], wrap: int) -> Table:
        """Return the table with those of the columns that have something to say."""
        report = checked.report
        empty = {"dropped"} if not any(row.dropped for row in shown) else set()
        empty |= {"torch"} if checked.verification is None else set()
        columns = tuple(column for column in columns if column not in empty)
        total = {
            "name": counted(len(report.layers), "layer"),
            "parameters": number(report.parameters),
            "macs": number(report.macs),
        }
        table = Table(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0), border_style="dim")
        table.show_footer = True
        for column in columns:
            title, foot = self.text(TITLES[column], "dim"), self.text(total.get(column, ""), "bold")
            table.add_column(title, foot, justify="right" if column in NUMBERS else "left", no_wrap=True)
        marked = any(row.severity for row in shown)
        for row in shown:
            cells = self.cells(row, wrap, marked=marked)
            table.add_row(*(cells[column] for column in columns))
        return table

    def cells(self, row: Row, wrap: int, *, marked: bool) -> dict[str, Text]:
        """Return what stands in each column."""
        style = COLOURS[row.severity] if row.severity else "dim" if row.plain else ""
        mark = f"{MARKS[row.severity] if row.severity else ' '} " if marked else ""
        cells = {
            "name": (mark + row.name, style if row.plain else f"bold {style}"),
            "type": (row.type, style),
            "settings": ("\n".join(wrapped(_listed(row.settings), wrap)), style),
            "kind": ("\n".join(_kind(row, wrap)), style),
            "inputs": ("\n".join(row.inputs), "dim"),
            "leads": (f"→ {row.output}", style),
            "output": (row.output, style),
            "parameters": (row.parameters, style),
            "macs": (row.macs, style),
            "dropped": (row.dropped, style),
            "torch": VERDICTS[row.verdict],
        }
        return {column: self.text(*cell) for column, cell in cells.items()}


def _kind(row: Row, wrap: int) -> list[str]:
    """Return type and settings as lines of one column."""
    first, *others = wrapped([row.type, *_listed(row.settings)], wrap)
    return [first, *(f"  {line}" for line in others)]


def _listed(things: tuple[str, ...]) -> list[str]:
    """Return the things with a comma behind all but the last."""
    return [*(f"{thing}," for thing in things[:-1]), *things[-1:]]


def wrapped(pieces: Iterable[str], width: int) -> list[str]:
    """Return the pieces in lines of at most `width`, apart from a piece that is longer itself."""
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + 1 + len(piece) <= width:
            lines[-1] += f" {piece}"
        else:
            lines.append(piece)
    return lines


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int, str], object] | None]:
    """Give what shows a bar on a terminal, and nothing elsewhere; it goes when the work is done."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[layer]}"))
    with Progress(*columns, console=Console(stderr=True, markup=False), transient=True) as bar:
        task = bar.add_task(what, layer="")
        yield lambda done, total, layer: bar.update(task, completed=done, total=total, layer=layer)
