"""Standard output as a screen: lines with styles, facts, problems, and grids of columns; on a terminal or in a pipe.

The one file that imports rich: for its styles, and for terminals; a pipe has neither, and does without. Grids are laid
out here, since nothing in them may be cut: one that is too wide is wider than the screen. Colours are the terminal's own,
on its own background.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Final

from cnnshape.problems.wording import is_harmless, printable
from cnnshape.show.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.network.network import Network
    from cnnshape.problems.base import Problem

    Part = tuple[str, str]  # words and their style

PIPE: Final = 100  # columns, where the terminal and COLUMNS say nothing
GAP: Final = "  "  # between two columns
MARGIN: Final = 10  # columns of a fact's label
INDENT: Final = "    "  # before all lines of a problem but the first
FORCED: Final = ("FORCE_COLOR", "TTY_COMPATIBLE")  # rich's variables, with which a pipe may be a terminal

COLOURS: Final = {"error": "red", "warning": "yellow", "": "green"}  # by severity
MARKS: Final = {"error": "✗", "warning": "!", "": "✓"}
ASCII: Final = str.maketrans(
    {"→": "->", "✓": "ok", "✗": "x", "…": "...", "─": "-", "█": "#"}
)  # where there is no Unicode

NARROW: Final = dict.fromkeys(ASCII, "")  # our own letters, each as wide as a Latin one


class Column:
    """The cells of a column, from its title to its total: the lines of each, and their style."""

    def __init__(self, cells: list[Sequence[str]], styles: list[str], *, right: bool):
        self.cells, self.styles = cells, styles
        self.right = right  # numbers: words stand at the left
        lines = [*chain.from_iterable(cells)]
        self.measure = len if _is_narrow("".join(lines)) else cell_len
        self.width = max(map(self.measure, lines))

    def padded(self, line: str) -> str:
        space = " " * (self.width - self.measure(line))
        return space + line if self.right else line + space


def cell_len(words: str) -> int:
    """Return the cells of a terminal that the words take."""
    if _is_narrow(words):  # as nearly all are: rich need not be there to tell
        return len(words)
    from rich.cells import cell_len

    return cell_len(words)


def _is_narrow(words: str) -> bool:
    return words.isascii() or words.translate(NARROW).isascii()


def width_of(columns: list[Column]) -> int:
    return sum(column.width for column in columns) + len(GAP) * (len(columns) - 1)


class Screen:
    """Standard output, as wide as the terminal is or as COLUMNS says."""

    def __init__(self) -> None:
        terminal, columns = sys.stdout.isatty(), os.environ.get("COLUMNS", "")
        self.endless = not terminal and not columns.isdecimal()
        self.ascii = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
        if terminal or any(name in os.environ for name in FORCED):
            from rich.console import Console

            self.console: Console | None = Console(width=PIPE if self.endless else None)
            self.width = self.console.width
        else:
            self.console = None
            self.width = PIPE if self.endless else int(columns)

    def words(self, words: str) -> str:
        """Return the words, ours or a file's, in letters that the screen has, and without control characters."""
        return printable(words).translate(ASCII) if self.ascii else printable(words)

    def line(self, *parts: Part) -> None:
        """Print a line; the terminal breaks it where it is too long, and a pipe has it whole."""
        self.lines([[(self.words(words), style) for words, style in parts]])

    def lines(self, lines: list[list[Part]]) -> None:
        """Print lines whose words the screen has, in one piece."""
        if self.console is None:
            sys.stdout.write("".join([f"{''.join([words for words, _ in parts])}\n" for parts in lines]))
            sys.stdout.flush()
            return
        from rich.segment import Segment, Segments

        styles = {style: self.console.get_style(style or "none") for parts in lines for _, style in parts}
        segments = [[*(Segment(words, styles[style]) for words, style in parts), Segment.line()] for parts in lines]
        self.console.print(Segments(chain.from_iterable(segments)), end="", crop=False)

    def title(self, net: Network) -> None:
        """Print a net's name, file and source, which is broken between words but in a pipe."""
        self.line((net.name or net.file, "bold"), (f"{GAP}{net.file}" if net.name else "", "dim"))
        words = [net.source] if self.endless else wrapped(net.source.split(" "), self.width)
        self.lines([[(self.words(line), "dim")] for line in words if line])
        self.line()

    def fact(self, label: str, words: str) -> None:
        """Print a fact, broken between words, with its label at the left."""
        for place, line in enumerate(wrapped(words.split(" "), self.width - MARGIN)):
            self.line((f"{'' if place else label:{MARGIN}}", "dim"), (line, ""))

    def problem(self, problem: Problem, file: str, followers: Sequence[Problem] = ()) -> None:
        """Print a problem, its first line as editors and build servers read it; its fixes mend the followers, too."""
        from cnnshape.show.diagnosis_lines import LABEL, diagnosis  # most files have no problem
        from cnnshape.show.problem_lines import sentence, shown, within

        head = f"{problem.severity}[{problem.code}]"
        colour = COLOURS[problem.severity]
        self.line((f"{problem.place or file}: ", "bold"), (head, f"bold {colour}"), (f": {sentence(problem)}", ""))
        room = self.width - len(INDENT)
        for number, line in enumerate(shown(problem, room)):
            self.line((f"{INDENT}{line}", f"bold {colour}" if number else "dim"))
        for line in within(problem):
            self.line((f"{INDENT}{line}", ""))
        for label, line in diagnosis(problem, followers, room - LABEL):
            style = "bold green" if label.startswith("fix") else "bold"
            self.line((f"{INDENT}{label:{LABEL}}", style), (line, ""))
        self.line()

    def problems(self, problems: Sequence[Problem], file: str) -> None:
        """Print problems, those that follow from another as a line under it; and how their fixes are written."""
        if not problems:
            return
        from cnnshape.show.problem_lines import grouped, options

        for problem, followers in grouped(problems):
            self.problem(problem, file, followers)
        if found := options(problems, self.width):
            self.lines([[(self.words(line), "dim")] for line in found])
            self.line()

    def verdict(self, severity: str, words: str) -> None:
        self.line((f"{MARKS[severity]} {words}", f"bold {COLOURS[severity]}"))

    # Grids

    def column(
        self,
        title: str,
        rows: Sequence[Sequence[str]],
        total: str = "",
        *,
        style: str | Sequence[str] = "",
        right: bool = False,
    ) -> Column:
        """Return a column of a grid: the lines of each row, all in one style or each row in its own."""
        cells = [[title], *rows, [total]]
        if self.ascii or not is_harmless("".join(chain.from_iterable(cells))):
            cells = [[*map(self.words, lines)] for lines in cells]
        styles = [style] * len(rows) if isinstance(style, str) else style
        return Column(cells, ["dim", *styles, "bold"], right=right)

    def grid(self, columns: list[Column], notes: list[list[str]] | None = None) -> None:
        """Print columns from titles to totals; notes are lines below each row."""
        rule: list[Part] = [(self.words("─" * width_of(columns)), "dim")]
        titles, *rows, totals = [*(_plain(columns) if self.console is None else _styled(columns))]
        lines = [*titles, rule]
        for row, note in zip(rows, notes or [[]] * len(rows), strict=True):
            lines += row
            lines += [[(self.words(GAP + line), "dim")] for line in note]
        self.lines([*lines, rule, *totals])


def _plain(columns: list[Column]) -> Iterator[list[list[Part]]]:
    """Yield the lines of each row, as many as its longest cell has, without styles."""
    for row in zip(*(column.cells for column in columns), strict=True):
        cells = [*zip(columns, row, strict=True)]
        yield [
            [(GAP.join([c.padded(lines[place] if place < len(lines) else "") for c, lines in cells]).rstrip(), "")]
            for place in range(max(map(len, row)))
        ]


def _styled(columns: list[Column]) -> Iterator[list[list[Part]]]:
    """Yield the same lines in styles, which the spaces between words do not have."""
    for row in zip(*(zip(column.cells, column.styles, strict=True) for column in columns), strict=True):
        yield [_styled_line(columns, row, place) for place in range(max([len(lines) for lines, _ in row]))]


def _styled_line(columns: list[Column], row: Sequence[tuple[Sequence[str], str]], place: int) -> list[Part]:
    parts: list[Part] = []
    for column, (lines, style) in zip(columns, row, strict=True):
        words = lines[place] if place < len(lines) else ""
        space = " " * (column.width - column.measure(words))
        parts += [(space, ""), (words, style)] if column.right else [(words, style), (space, "")]
        parts.append((GAP, ""))
    while parts and not parts[-1][0].strip():
        parts.pop()
    return parts


@contextmanager
def progress(title: str) -> Iterator[Callable[[int, int, str], object] | None]:
    """Give a function that moves a bar on a terminal (done, total, layer), else None; the bar goes at the end."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(style="dim", complete_style="green", finished_style="green"),
        MofNCompleteColumn(),
        TextColumn("{task.fields[layer]}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(printable(title), layer="", visible=False)
        yield lambda done, total, layer: bar.update(
            task, completed=done, total=total, layer=printable(layer), visible=True
        )
