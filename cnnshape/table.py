"""How a checked net looks on a terminal or in a pipe: the table, the facts below it, the problems.

The one file that imports rich: for its styles, and what it knows of terminals. The table is laid out here, since
nothing in it may be cut: one too wide for its place first gives up columns, then breaks its settings into lines, and
is then wider than its place. Colours are the terminal's own, on its own background.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from rich.cells import cell_len
from rich.console import Console
from rich.segment import Segment, Segments

from cnnshape.view import counted, details, facts, number, printable, rows, snippet, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.problems import Problem
    from cnnshape.view import Checked, Row

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
    "disagrees": ("✗ disagrees", "bold red"),
}
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
    return done


class _Screen:
    """Standard output."""

    def __init__(self) -> None:
        known = sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal()
        self.console = Console(width=None if known else PIPE)
        self.width = self.console.width
        self.ascii = not self.console.encoding.startswith("utf")

    def words(self, words: str) -> str:
        """Return words, ours or the file's, as they can be shown here."""
        return printable(words).translate(ASCII) if self.ascii else printable(words)

    def line(self, *parts: Part) -> None:
        """Print a line; the terminal breaks it where it is too long, so that what reads a pipe finds it whole."""
        segments = [Segment(self.words(words), self.console.get_style(style or "none")) for words, style in parts]
        self.console.print(Segments([*segments, Segment.line()]), end="")

    def show(self, checked: Checked, depth: int) -> None:
        """Print all that there is to say about one file."""
        net = checked.net
        if checked.report.layers:
            self.line((net.name or net.file, "bold"), (f"{GAP}{net.file}" if net.name else "", "dim"))
            if net.source:
                self.line((net.source, "dim"))
            self.line()
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
        for line in snippet(problem.place) if problem.place else ():
            self.line((f"    {line}", "dim"))
        for line in details(problem):
            self.line((f"    {line}", ""))
        self.line()

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
        rule = ("─" * _width(columns), "dim")
        titles, *cells, totals = zip(*(column.cells for column in columns), strict=True)
        self.row(columns, titles)
        self.line(rule)
        for row in cells:
            self.row(columns, row)
        self.line(rule)
        self.row(columns, totals)
