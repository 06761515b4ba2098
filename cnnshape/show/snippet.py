"""The line of a file that a place is in, with what is wrong under it: carets, and perhaps words.

A place or marks come in, and the columns that there are; lines go out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.problems.diagnosed import Mark
    from cnnshape.problems.place import Place

ROOM: Final = 96  # columns beside the indentation, where nothing else is said
LEAST: Final = 40  # columns of the line itself, however narrow the screen is
COMMENT: Final = re.compile(r"""\s+#[^"']*$""")


def snippet(place: Place, marks: Sequence[Mark] = (), room: int = ROOM) -> Iterator[str]:
    """Yield the line of the file that a place begins in, with the place underlined, or the marks.

    A long line is cut at its end, and at its beginning where the place would not be seen. The words of the last mark
    stand beside it, those of each other in a line below.
    """
    row, line = place.start[0], line_of(place)
    if not line:
        return
    room = max(room - len(f"{row} | ……"), LEAST)
    line = _shortened(line, place, room)
    spans = [(mark.place.range, mark.words) for mark in marks] or [(place.range, "")]
    columns = [(start[1] - 1, end[1] - 1 if end[0] == row else len(line), words) for (start, end), words in spans]
    first, last = columns[0][0], columns[-1][1]
    begin = 0 if min(last, len(line)) <= room else max(0, first - room // 2)
    cut = "…" * (begin > 0)
    seen = "".join(c if c.isprintable() else " " for c in line[begin : begin + room])
    gutter = " " * len(str(row))
    yield f"{row} | {cut}{seen}{'…' * (begin + room < len(line))}"

    def column(place: int) -> int:
        return len(cut) + _width(seen[: max(0, place - begin)])

    under = ""
    for start, end, _ in columns:
        under = under.ljust(column(start)) + "^" * max(1, column(min(end, begin + room)) - column(start))
    *others, (last_start, _, words) = columns
    beside = not words or len(under) + 1 + len(words) <= room
    yield f"{gutter} | {under}{f' {words}' if words and beside else ''}"
    for start, below in [*([] if beside else [(last_start, words)]), *((one[0], one[2]) for one in reversed(others))]:
        yield f"{gutter} | {' ' * max(0, min(column(start), room - len(below)))}{below}"


def _shortened(line: str, place: Place, room: int) -> str:
    """Return a line that is too long without the comment at its end, if the place is before it."""
    comment = COMMENT.search(line) if len(line) > room else None
    (row, _), (end_row, end_column) = place.range
    return line[: comment.start()] if comment and end_row == row and end_column - 1 <= comment.start() else line


def line_of(place: Place) -> str:
    """Return the line of the file that a place begins in, without its end."""
    return place.source.text.split("\n")[place.start[0] - 1].rstrip() if place.source.text else ""


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    from unicodedata import east_asian_width

    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
