"""A file or a text -> Source: its data, by tomllib, and where they stand (cnnshape.file.index).

What cannot be read raises SourceError: no file, too large, no UTF-8, no TOML, nested too deeply.
"""

from __future__ import annotations

import codecs
import os
import re
import stat
import tomllib
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

from cnnshape.problems import reading
from cnnshape.problems.place import Place, Range
from cnnshape.problems.suggest import advice
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.file.index import Entry
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath, Position


USUAL = 2**16  # bytes: room for LIMIT takes four times as long to come by as such a file takes to read
LIMIT = 2**20  # bytes: a thousand layers take a tenth of it, and the worst text of this size takes tomllib 3 s
MAX_TABLE_NESTING = 20  # tables and arrays in each other: an architecture has six, and walking the data may recurse

# A dotted key that nests too deeply. It must be found before tomllib sees it, which takes cubic time for the key.
# Such a chain of words within a text of several lines would be refused as well; nobody writes 20 dots like that.
KEY_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
LONG_KEY = r"(?m)(?:^|[\[{,])[ \t]*+(" + rf"{KEY_PART}\.[ \t]*+" * MAX_TABLE_NESTING + ")"  # 1 ms to compile

# Common mistakes: how tomllib's reason begins, the text at its place, and advice.
ADVICE = (
    ("Invalid initial character for a key part", "\n", "an inline table, { ... }, stands on one line"),
    ("Invalid initial character for a key part", "}", "there is no comma before the } of an inline table"),
    ("Invalid value", "\n", "a value is missing"),
    ("Invalid value", "", "a word stands in quotes, a truth value is true or false, a list has brackets"),
    ("Unclosed array", "", "a comma or a ] is missing, or a number begins with 0"),
    ("Unclosed inline table", "", "a comma or a } is missing; an inline table stands on one line"),
    ("Illegal character '\\n'", "", "a string ends on its line: its quotation mark is missing"),
    ("Cannot overwrite a value", "", "the key stands here for the second time"),
    ("Cannot declare", "", "the table stands here for the second time"),
    ("Cannot mutate immutable namespace", "", "it is given as a whole above, and cannot be added to"),
)


class SourceError(Exception):
    """The text is no TOML, or cannot be read at all; the problem has the one place that is known, or line 1, column 1."""

    def __init__(self, problem: Problem, file: str, line: int = 1, column: int = 1, text: str = "") -> None:
        super().__init__(problem, file, line, column, text)  # all of them, or the error would not pickle
        self.place = Place(_Unread(file, text, (line, column)), ())
        self.problem = problem.placed(self.place)

    def __str__(self) -> str:
        return f"{self.place}: {self.problem.message}"


class _Unread(NamedTuple):
    """A text that is no TOML, with the one position in it that is known."""

    file: str
    text: str
    position: Position

    @property
    def data(self) -> dict[str, object]:
        return {}

    @property
    def whole_lines(self) -> bool:
        return False

    def key(self, _: KeyPath) -> Range:
        return Range(self.position, self.position)

    def value(self, path: KeyPath, part: tuple[int, int] | None = None) -> Range:  # noqa: ARG002 -- one is known
        return self.key(path)


class Source:
    """One TOML text: its data, and where things stand in it; lines and columns count from 1, columns in characters."""

    whole_lines: ClassVar = False

    def __init__(self, file: str, text: str, data: dict[str, object]) -> None:
        self.file = file  # the name shown to people: a path as given, or "<string>"
        self.text = text
        self.data = data

    @classmethod
    def read(cls, path: str | os.PathLike[str], name: str = "", unsaved: str | bytes | None = None) -> Source:
        """Read a file, or its unsaved text; an equal text of late is the same Source. Raises SourceError.

        `name` is shown for the path, if given.
        """
        name = name or str(path)
        return _of_late(_bytes(path, name) if unsaved is None else _encoded(unsaved), name)

    @classmethod
    def from_text(cls, text: str | bytes, file: str = "<string>") -> Source:
        """Read a text, in UTF-8 if it is bytes. Raises SourceError."""
        return cls._from_bytes(_encoded(text), file)

    @classmethod
    def _from_bytes(cls, raw: bytes, file: str) -> Source:
        if len(raw) > LIMIT:
            raise SourceError(reading.FileTooLarge(most=LIMIT), file)
        raw = raw.removeprefix(codecs.BOM_UTF8)  # some editors of Windows put it there, and nobody sees it
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            problem = reading.NotUtf8(byte=f"0x{raw[error.start]:02x}")
            raise SourceError(problem, file, *_end(raw[: error.start].decode())) from None
        return cls(file, text, _parse(text, file))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and (self.file, self.text) == (other.file, other.text)

    def __hash__(self) -> int:
        return hash((self.file, self.text))

    def __reduce__(self) -> tuple[Callable[[str, str], Source], tuple[str, str]]:
        return Source.from_text, (self.text, self.file)  # all else is made from these

    def key(self, path: KeyPath) -> Range:
        """Return where the key stands that the path ends in, or the array's element.

        For [header] that is the key in it; for an element of [[header]], its brackets. Where the text has no such
        path, the answer is that for its longest beginning that there is; for the empty path it is line 1, column 1.
        """
        return self.between(*self.entries.find(path).key)

    def value(self, path: KeyPath, part: tuple[int, int] | None = None) -> Range:
        """Return where the value stands, of [header] its brackets; else as `key`.

        `part` asks for some characters of a value that is a string; of any other value it means the whole.
        """
        start, end = self.entries.find(path).value
        if part:
            from cnnshape.file.index import within

            literal = self.raw[start:end].decode()
            start, end = (start + len(literal[:offset].encode()) for offset in within(literal, part))
        return self.between(start, end)

    def between(self, start: int, end: int) -> Range:
        """Return the range from a byte to behind another."""
        return Range(self._position(start), self._position(end))

    def _position(self, byte: int) -> Position:
        row = bisect_right(self._lines, byte) - 1
        return row + 1, len(self.raw[self._lines[row] : byte].decode()) + 1

    @cached_property
    def raw(self) -> bytes:
        """The text in UTF-8, which entries are places in."""
        return self.text.encode()

    @cached_property
    def _lines(self) -> list[int]:
        """The byte that each line begins with."""
        return [0, *(match.end() for match in re.finditer(b"\n", self.raw))]

    @cached_property
    def entries(self) -> Entry:
        """The root of all keys and values of the text."""
        from cnnshape.file.index import index  # with tree-sitter: most texts are never asked

        return index(self.raw)


def _encoded(text: str | bytes) -> bytes:
    """Return a text in UTF-8; half a character, which is none, as bytes that are none."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")


def _bytes(path: str | os.PathLike[str], name: str) -> bytes:
    """Return a file's bytes, one more than the limit at most. Raises SourceError."""
    try:
        with open(path, "rb", opener=_at_once) as file:
            raw, is_pipe = file.read(USUAL), stat.S_ISFIFO(os.fstat(file.fileno()).st_mode)
            raw += file.read(LIMIT + 1 - USUAL) if len(raw) == USUAL else b""
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = str(getattr(error, "strerror", None) or error)
        kind = reading.NoSuchFile if isinstance(error, FileNotFoundError) else reading.CannotRead
        raise SourceError(kind(reason=f"{reason[0].lower()}{reason[1:]}"), name) from None
    if is_pipe and not raw:
        raise SourceError(reading.CannotRead(reason="it is a pipe, and nothing writes to it"), name)
    return raw


def _at_once(path: str, flags: int) -> int:
    """Open a file without waiting for somebody to write to it, as a pipe would."""
    file = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # Windows has no such pipes
    if hasattr(os, "O_NONBLOCK"):
        os.set_blocking(file, True)  # what is being written is waited for
    return file


@lru_cache(maxsize=32)  # nets of a folder include the same few files, and are looked at before they are read
def _of_late(raw: bytes, name: str) -> Source:
    return Source._from_bytes(raw, name)  # noqa: SLF001


def _end(text: str) -> tuple[int, int]:
    """Return the line and column behind a text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _parse(text: str, file: str) -> dict[str, object]:
    """Return the data of a TOML text. Raises SourceError."""
    dotted = any(line.count(".") >= MAX_TABLE_NESTING for line in text.splitlines())
    if dotted and (key := re.search(LONG_KEY, text)):
        raise _too_deep(file, *_end(text[: key.start(1)]))
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _no_toml(error, text, file) from None
    except RecursionError:
        raise _too_deep(file) from None
    except ValueError:  # Python's own limit, against quadratic time
        raise SourceError(reading.TooManyDigits(), file) from None
    if _nests_too_deeply(data):
        raise _too_deep(file)
    return data


def _too_deep(file: str, line: int = 1, column: int = 1) -> SourceError:
    return SourceError(reading.NestedTooDeeply(most=MAX_TABLE_NESTING), file, line, column)


def _no_toml(error: tomllib.TOMLDecodeError, text: str, file: str) -> SourceError:
    """Return an error of tomllib with its place, and with advice where the mistake is a common one."""
    reason, _, place = str(error).rpartition(" (at ")  # "line 3, column 5)" or "end of document)"
    line, column = map(int, re.findall(r"\d+", place) or _end(text))
    here = (text.replace("\r\n", "\n").split("\n")[line - 1] + "\n")[column - 1 :]
    hint = advice(next((so for said, at, so in ADVICE if reason.startswith(said) and here.startswith(at)), ""))
    problem = reading.NotToml(reason=f"{reason[0].lower()}{reason[1:]}", suggestions=hint)
    return SourceError(problem, file, line, column, text)


def _nests_too_deeply(data: dict[str, object]) -> bool:
    level: list[dict[str, object] | list[object]] = [data]
    depth = 0
    while level and depth < MAX_TABLE_NESTING:
        values = chain.from_iterable(outer.values() if isinstance(outer, dict) else outer for outer in level)
        level = [value for value in values if isinstance(value, (dict, list))]
        depth += 1
    return bool(level)
