"""A text as an editor sees it: positions in the client's units and lines, from and to the places of a file.

Inside, an offset counts characters of the text, and a place has a line and a column from 1, which count characters, too. The
client counts from 0, in units of the encoding that was agreed (utf-8, utf-16 or utf-32).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lsprotocol import types

if TYPE_CHECKING:
    from cnnshape.problems.place import Position, Range

CODECS: Final = {"utf-8": ("utf-8", 1), "utf-16": ("utf-16-le", 2), "utf-32": ("utf-32-le", 4)}  # bytes of a unit
LINE_ENDS: Final = re.compile(r"\r\n|\n|\r")  # of the protocol; TOML's have \n
MARK: Final = "\ufeff"  # the byte order mark, which is no character of a file


class Text:
    """A text, and the lines of its client."""

    def __init__(self, text: str, encoding: str):
        self.text, self.encoding = text, encoding
        self.codec, self.unit = CODECS[encoding]

    @cached_property
    def ends(self) -> list[tuple[int, int]]:
        """For each line of the client, the offset behind its last character, and the offset of the next line."""
        found = [match.span() for match in LINE_ENDS.finditer(self.text)]
        return [*found, (len(self.text), len(self.text) + 1)]

    @cached_property
    def starts(self) -> list[int]:
        return [0, *(after for _, after in self.ends[:-1])]

    @cached_property
    def rows(self) -> list[int]:
        """The offset at which each line of a place begins."""
        first = len(MARK) if self.text.startswith(MARK) else 0
        return [first, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, offset: int) -> int:
        return bisect_right(self.starts, offset) - 1

    def position(self, offset: int) -> types.Position:
        """Return the client's position of an offset."""
        line = self.line(offset)
        before = self.text[self.starts[line] : min(offset, self.ends[line][0])]
        return types.Position(line, len(before.encode(self.codec, "surrogatepass")) // self.unit)

    def offset(self, position: types.Position) -> int:
        """Return the offset of a client's position; behind the end of a line, or of the text, it is that end."""
        if position.line >= len(self.starts):
            return len(self.text)
        start, end = self.starts[position.line], self.ends[position.line][0]
        raw = self.text[start:end].encode(self.codec, "surrogatepass")[: position.character * self.unit]
        return start + len(raw.decode(self.codec, "ignore"))

    def of_source(self, offset: int) -> int:
        """Return an offset as a source counts it, which has no byte order mark."""
        return max(0, offset - self.rows[0])

    def offset_of(self, position: Position) -> int:
        """Return the offset of a place's line and column."""
        line, column = position
        return self.rows[line - 1] + column - 1

    def range(self, of: Range) -> types.Range:
        """Return the client's range of a place's."""
        return self.between(self.offset_of(of[0]), self.offset_of(of[1]))

    def between(self, start: int, end: int) -> types.Range:
        return types.Range(self.position(start), self.position(end))

    def end_of(self, line: int) -> types.Position:
        """Return the position behind the last character of a client's line."""
        return self.position(self.ends[line][0])
