"""The code of a live model as a text with places: a Python file, whose places are lines."""

from __future__ import annotations

import linecache
import os
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.problems.place import Place, Range

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.compare.recording import Line
    from cnnshape.problems.diagnosed import Change
    from cnnshape.problems.place import KeyPath

MODEL: Final = "<model>"  # the file of a model whose code no file has, as of one made in a shell


class Code(NamedTuple):
    """A Python file.

    The first entry of a key path in it is a line; a path of the net itself is the first line. Behind it may stand the file and
    the line where the layer is made.
    """

    file: str  # as it is shown
    path: str
    data: dict[str, object]

    @property
    def whole_lines(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return "".join(linecache.getlines(self.path))

    def key(self, path: KeyPath) -> Range:
        return self.value(path)

    def value(self, path: KeyPath, part: tuple[int, int] | None = None) -> Range:  # noqa: ARG002 -- a source's
        row = path[0] if path and isinstance(path[0], int) else 1
        line = linecache.getline(self.path, row).rstrip()
        return Range((row, len(line) - len(line.lstrip()) + 1), (row, len(line) + 1))

    def __hash__(self) -> int:
        return hash(self.path)


def place_of(line: Line | None, made: Line | None = None) -> Place:
    """Return the place of a line of code, of a layer that is made at another; without both, that of a model without a file."""
    first = line or made
    return Place(code(first.file if first else MODEL), (first.line, *(made or ())) if first else ())


def made_at(place: Place) -> str:
    """Write the line where the layer is made that is called at a place; "" where it is not known, or the same."""
    match place.path:
        case (line, str(file), made) if place.source.whole_lines and (place.source, line) != (code(file), made):
            return f"{code(file).file}:{made}"
    return ""


def applied(text: str, changes: Iterable[Change]) -> str:
    """Return the text of a Python file with changes made; each is within one line."""
    lines = text.split("\n")
    for change in sorted(changes, key=lambda change: change.range.start, reverse=True):
        (row, first), (_, last) = change.range
        lines[row - 1] = lines[row - 1][: first - 1] + change.text + lines[row - 1][last - 1 :]
    return "\n".join(lines)


@lru_cache
def code(file: str) -> Code:
    """Return a Python file by its path, which is written from the working directory where it is below it."""
    below = os.path.relpath(file) if os.path.isabs(file) else file  # noqa: PTH117 -- "<model>" is no path
    return Code(file if below.startswith("..") else below, file, {})
