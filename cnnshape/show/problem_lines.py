"""A problem in lines: its sentence with code and place, the line of the file with the place underlined.

The table, the pytest plugin, Markdown, GitHub and JUnit are all made of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.compare.code import made_at
from cnnshape.problems.wording import few, printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import Place

COPIES: Final = 8  # layers that are named, of those that one line of code is wrong in
SNIPPET: Final = 88  # characters of a source line that are shown


def told(problem: Problem) -> Iterator[str]:
    """Yield all lines of a problem, as the table has them, for a reader without colours."""
    yield printable(repr(problem))
    below = [*(snippet(problem.place) if problem.place else ()), *details(problem)]
    yield from (f"    {printable(line)}" for line in below)


def details(problem: Problem) -> Iterator[str]:
    """Yield the lines on a problem's layer, and the uses of blocks around it."""
    if problem.layer:
        layers = ", ".join(few([problem.layer, *problem.copies], COPIES))
        made = made_at(problem.place) if problem.place else ""
        yield f"in layer{'s' * bool(problem.copies)} {layers}" + f", made at {made}" * bool(made)
    for place in problem.used_at:
        yield f"in a block used at {place}"


def snippet(place: Place) -> Iterator[str]:
    """Yield the line of the file that a place begins in, and the place underlined; a long line is cut around it."""
    (row, column), (end_row, end_column) = place.range
    line = place.source.text.split("\n")[row - 1].rstrip() if place.source.text else ""
    if not line:
        return
    first, last = column - 1, end_column - 1 if end_row == row else len(line)
    start = max(0, first - SNIPPET // 2) if len(line) > SNIPPET else 0
    end = start + SNIPPET
    before, within, after = line[start:first], line[first : min(last, end)], line[max(first, last) : end]
    before, after = "…" * (start > 0) + before, after + "…" * (end < len(line))
    shown = "".join(c if c.isprintable() else " " for c in before + within + after)
    yield f"{row} | {shown}"
    yield f"{' ' * len(str(row))} | {' ' * _width(before)}{'^' * max(1, _width(within))}"


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
