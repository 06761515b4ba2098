"""The outline of a text that need not be TOML right now: its tables and strings, and what stands around the cursor.

A text is read once, written by written, and nothing is refused: what is not closed ends where the next layer or table begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from cnnshape.problems.place import KeyPath

TOKEN: Final = re.compile(
    r"""(?P<space>[ \t\r]+) | (?P<comment>\#[^\n]*) | (?P<newline>\n)
      | (?P<string>\"\"\"(?:[^\\]|\\.)*?(?:\"\"\"|\Z) | '''.*?(?:'''|\Z) | "(?:[^"\\\n]|\\.)*"? | '[^'\n]*'?)
      | (?P<sign>[\[\]{}=,.]) | (?P<word>[^\s\[\]{}=,."'#]+) | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
HEADER: Final = re.compile(r"(?m)(\[\[?)[ \t]*(?!true\b|false\b)([A-Za-z_][\w.\- \t\"']*)\]\]?[ \t\r]*(?:#.*)?$")
BEGUN: Final = re.compile(r"[ \t]*(\[\[?)[ \t]*((?:[\w-]+\.)*)[\w-]*")  # a header that is not closed
ASSIGNMENT: Final = re.compile(r"[A-Za-z_][\w.-]*[ \t]*=")


class Frame:
    """A table or an array that is open: its path, and how far the reading is in it."""

    def __init__(self, path: KeyPath, *, array: bool = False):
        self.path, self.array = path, array
        self.values: dict[str, str | None] = {}  # of a table: its strings, and None for other values
        self.key: tuple[str, ...] = ()  # the key that is being read
        self.count = 0  # of an array: its elements so far
        self.in_value = array

    @property
    def inside(self) -> KeyPath:
        """The path of the value that comes next."""
        return (*self.path, self.count) if self.array else (*self.path, *self.key)

    def go_on(self) -> None:
        """Begin the next entry."""
        self.count += self.array
        self.key, self.in_value = (), self.array


class Cursor(NamedTuple):
    """What stands around an offset, and what is typed there so far."""

    frame: Frame  # the table or array that is open
    path: KeyPath  # of the value, or of the table whose key it is
    in_value: bool
    in_string: bool
    typed: str


class Outline:
    """All tables and strings of a text by their paths; and the cursor at an offset, None in a comment or behind a string."""

    def __init__(self, text: str, offset: int):
        self.text, self.offset = text, offset
        self.strings: dict[KeyPath, str] = {}
        self.tables: dict[KeyPath, Frame] = {(): Frame(())}
        self.cursor: Cursor | None = None
        self.seen = False  # the reading has come to the cursor
        self.stack = [self.tables[()]]  # what is open, from the table of the last header
        self.read()

    def read(self) -> None:
        position, fresh = 0, True  # fresh: nothing stands before in this line
        while position < len(self.text):
            if fresh:
                header = HEADER.match(self.text, position)
                self.settle(position, header)
                if header:
                    self.look("header", *header.span())
                    if self.header and header.start() < self.offset <= header.end():
                        self.stack = [Frame(())]  # of a table that has no name yet
                    else:
                        self.open(header[1], header[2])
                    position = header.end()
                    continue
            match = TOKEN.match(self.text, position)
            assert match  # any character is a token
            kind, start, position = match.lastgroup or "", position, match.end()
            self.look(kind, start, position)
            self.take(kind, match[0])
            fresh = kind == "newline" or (fresh and kind == "space")
        self.look("", len(self.text) + 1, len(self.text) + 1)

    def names(self) -> set[str]:
        """Return the keys and tables at the top."""
        return {*self.tables[()].values, *(str(path[0]) for path in self.tables if path)}

    @property
    def header(self) -> list[str]:
        """The bracket of a header that is begun at the cursor, and the names before the last; [] where none is."""
        line = self.text[self.text.rfind("\n", 0, self.offset) + 1 : self.offset]
        found = BEGUN.fullmatch(line)
        return [found[1], *found[2].split(".")[:-1]] if found else []

    def settle(self, position: int, header: re.Match[str] | None) -> None:
        """Close what was left open, where a line begins as only one outside of brackets can."""
        top = self.stack[-1]
        column = position - self.text.rfind("\n", 0, position) - 1
        loose = top.array or not column
        if len(self.stack) > 1 and (header or (loose and ASSIGNMENT.match(self.text, position))):
            del self.stack[1:]
            self.stack[0].go_on()

    def open(self, bracket: str, names: str) -> None:
        """Open the table of a header."""
        path: KeyPath = ()
        for name in names.split("."):
            elements = [one[len(path) + 1] for one in self.tables if one[:-1] == (*path, name.strip(" \t\"'"))]
            path = (*path, name.strip(" \t\"'"))
            numbers = [number for number in elements if isinstance(number, int)]
            if numbers:
                path = (*path, max(numbers))
        if bracket == "[[":
            path = (*path[:-1], path[-1] + 1) if isinstance(path[-1], int) else (*path, 0)
        self.stack = [self.tables.setdefault(path, Frame(path))]
        self.stack[0].go_on()

    def look(self, kind: str, start: int, end: int) -> None:
        """Note what stands around the cursor, once the reading comes to it; the next token is at `start`."""
        within = start < self.offset <= end and kind in ("word", "string", "comment", "header")
        if self.seen or not (within or start >= self.offset):
            return
        self.seen = True
        written = self.text[start:end]
        closed = kind == "string" and self.offset == end and len(written) > 1 and written[-1] == written[0]
        if within and (closed or kind == "comment" or (kind == "header" and not self.header)):
            return
        in_string = within and kind == "string"
        typed = self.text[start + in_string : self.offset] if within else ""
        typed = re.split(r"[\[.\s]", typed)[-1] if kind == "header" else typed
        frame = self.stack[-1]
        path = frame.inside if frame.in_value else (*frame.path, *frame.key)
        self.cursor = Cursor(frame, path, frame.in_value, in_string, typed)

    def take(self, kind: str, written: str) -> None:
        """Go on by a token."""
        top = self.stack[-1]
        if kind == "newline" and not top.array:  # the end of an entry, or of a table that is not closed
            top.go_on()
        elif kind in ("word", "string"):
            self.word(top, written.strip("\"'") if kind == "string" else written, string=kind == "string")
        elif written == "=" and not top.array:
            top.in_value = True
        elif written == ",":
            top.go_on()
        elif written in ("{", "["):
            if written == "{" and not top.in_value and len(self.stack) > 1:
                self.stack.pop()
                top = self.stack[-1]
                top.go_on()
            if top.in_value:
                inner = Frame(top.inside, array=written == "[")
                self.tables[inner.path] = inner
                self.stack.append(inner)
        elif written in ("}", "]"):
            kinds = [frame.array for frame in self.stack[1:]]
            if (written == "]") in kinds:
                del self.stack[len(kinds) - kinds[::-1].index(written == "]") :]

    def word(self, top: Frame, word: str, *, string: bool) -> None:
        if not top.in_value:
            top.key = (*top.key, word)
            return
        if string:
            self.strings[top.inside] = word
        if not top.array:
            top.values[".".join(top.key)] = word if string else None
