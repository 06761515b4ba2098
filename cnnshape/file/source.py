"""TOML text: what it says, by tomllib; and where it says so, by the syntax tree of tree-sitter.

Most texts are never asked where something stands, so the tree is built on the first question, and only then imported.
"""

from __future__ import annotations

import codecs
import pathlib
import re
import tomllib
from functools import cached_property, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from tree_sitter import Node

    from cnnshape.problems.place import KeyPath


LIMIT = 2**20  # bytes: a thousand layers take a tenth of it, and the worst text of this size takes tomllib 3 s
MAX_TABLE_NESTING = (
    20  # tables and arrays in each other: an architecture has six, and whoever walks the data may recurse
)

# A dotted key that nests too deeply. It must be found before tomllib sees it, which takes cubic time for the key.
# Such a chain of words within a text of several lines would be refused as well; nobody writes 20 dots like that.
KEY_PART = r"""(?:[\w-]++|"(?:[^"\\\n]|\\.)*+"|'[^'\n]*+')[ \t]*+"""
LONG_KEY = re.compile(r"(?:^|[\[{,])[ \t]*+(" + rf"{KEY_PART}\.[ \t]*+" * MAX_TABLE_NESTING + ")", re.MULTILINE)

# A line of a long string may end in a backslash with spaces behind it; the grammar of tree-sitter-toml 0.7 knows only
# the backslash. What stands in a string moves nothing, so that the tree may see spaces there.
LINE_END = re.compile(rb"(?<!\\)\\++(?=[ \t]++\r?\n)")


# What is often meant by what tomllib refuses: how its reason begins, and the text at that place.
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
    """The text is no TOML, or cannot be read at all; line 1, column 1 where no place is known."""

    def __init__(self, message: str, file: str, line: int = 1, column: int = 1, text: str = "") -> None:
        super().__init__(message, file, line, column, text)  # all of them, or the error would not pickle
        self.message, self.file, self.line, self.column, self.text = message, file, line, column, text

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.message}"


class Source:
    """One TOML text: its data, and where things stand in it; lines and columns count from 1, columns in characters."""

    def __init__(self, file: str, text: str, data: dict[str, object]) -> None:
        self.file = file  # the name shown to people: a path as given, or "<string>"
        self.text = text
        self.data = data

    @classmethod
    def read(cls, path: str | os.PathLike[str], name: str = "") -> Source:
        """Read a file; SourceError says what is wrong with it. `name` is shown for the path, if given."""
        name = name or str(path)
        return cls._from_bytes(_bytes(path, name), name)

    @classmethod
    def included(cls, path: str | os.PathLike[str]) -> Source:
        """Read a file that others include: as long as its text is the same, it is the same Source."""
        return _included(_bytes(path, str(path)), str(path))

    @classmethod
    def from_text(cls, text: str, file: str = "<string>") -> Source:
        """Read a text; SourceError says what is wrong with it."""
        return cls._from_bytes(text.encode("utf-8", "surrogatepass"), file)

    @classmethod
    def _from_bytes(cls, raw: bytes, file: str) -> Source:
        if len(raw) > LIMIT:
            raise SourceError(f"This is larger than {LIMIT:,} bytes, the most that is read.", file)
        raw = raw.removeprefix(codecs.BOM_UTF8)  # some editors of Windows put it there, and nobody sees it
        try:
            text = raw.decode()
        except UnicodeDecodeError as error:
            message = f"This is not UTF-8 text: no character has the byte 0x{raw[error.start]:02x} here."
            raise SourceError(message, file, *_end(raw[: error.start].decode())) from None
        return cls(file, text, _parse(text, file))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Source) and (self.file, self.text) == (other.file, other.text)

    def __hash__(self) -> int:
        return hash((self.file, self.text))

    def __reduce__(self) -> tuple[Callable[[str, str], Source], tuple[str, str]]:
        return Source.from_text, (self.text, self.file)  # all else is made from these

    def key(self, path: KeyPath) -> tuple[int, int]:
        """Line and column of the key that the path ends in, or of the array's element.

        For [header] that is the key in it; for an element of [[header]], its brackets. Where the text has no such
        path, the answer is that for its longest beginning that there is; for the empty path it is 1, 1.
        """
        return self._place(self._find(path).key)

    def value(self, path: KeyPath) -> tuple[int, int]:
        """Line and column of the value, for [header] its bracket; else as `key`."""
        return self._place(self._find(path).value)

    def _find(self, path: KeyPath) -> _Entry:
        entry = self._root
        for step in path:
            if step not in entry.children:
                break
            entry = entry.children[step]
        return entry

    def _place(self, point: tuple[int, int]) -> tuple[int, int]:
        row, column = point  # both count from 0, and the column in bytes
        return row + 1, len(self._lines[row][:column].decode()) + 1

    @cached_property
    def _root(self) -> _Entry:
        return _index(self.text.encode())

    @cached_property
    def _lines(self) -> list[bytes]:
        return self.text.encode().split(b"\n")


def _bytes(path: str | os.PathLike[str], name: str) -> bytes:
    try:
        with pathlib.Path(path).open("rb") as file:
            return file.read(LIMIT + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        reason = str(getattr(error, "strerror", None) or error)
        raise SourceError(f"This file cannot be read: {reason[0].lower()}{reason[1:]}.", name) from None


@lru_cache(maxsize=32)
def _included(raw: bytes, name: str) -> Source:
    return Source._from_bytes(raw, name)  # noqa: SLF001


def _end(text: str) -> tuple[int, int]:
    """Line and column of what would follow the text."""
    return text.count("\n") + 1, len(text) - text.rfind("\n")


def _parse(text: str, file: str) -> dict[str, object]:
    too_deep = f"Tables and arrays are nested more than {MAX_TABLE_NESTING} deep here."
    dotted = any(line.count(".") >= MAX_TABLE_NESTING for line in text.splitlines())
    if dotted and (key := LONG_KEY.search(text)):
        raise SourceError(too_deep, file, *_end(text[: key.start(1)]))
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reason, _, place = str(error).rpartition(" (at ")  # "line 3, column 5)" or "end of document)"
        line, column = map(int, re.findall(r"\d+", place) or _end(text))
        here = (text.replace("\r\n", "\n").split("\n")[line - 1] + "\n")[column - 1 :]
        advice = next((f"; {so}" for said, at, so in ADVICE if reason.startswith(said) and here.startswith(at)), "")
        message = f"This is not TOML: {reason[0].lower()}{reason[1:]}{advice}."
        raise SourceError(message, file, line, column, text) from None
    except RecursionError:
        raise SourceError(too_deep, file) from None
    except ValueError:  # Python's own limit, against quadratic time
        raise SourceError("A number in this text has too many digits.", file) from None
    level: list[dict[str, object] | list[object]] = [data]
    for _ in range(MAX_TABLE_NESTING):
        values = chain.from_iterable(outer.values() if isinstance(outer, dict) else outer for outer in level)
        level = [value for value in values if isinstance(value, dict | list)]
    if level:
        raise SourceError(too_deep, file)
    return data


class _Entry:
    """A key or an element: its place, its value's place, and what stands in the value; places as tree-sitter's.

    A tree, and not a dict of paths: it says at once how far a path goes, and is as small as the text.
    """

    __slots__ = ("children", "key", "value")

    def __init__(self, place: tuple[int, int]) -> None:
        self.key = self.value = place
        self.children: dict[str | int, _Entry] = {}

    def put(self, key: Node, value: Node, raw: bytes) -> _Entry:
        """Follow a key down from here, make what is not there yet, and return what has the value."""
        parts = []
        while key.type == "dotted_key":  # a.b.c is (a.b).c
            key, last = key.named_children
            parts.append(last)
        entry = self
        for part in [key, *reversed(parts)]:
            if 0 in entry.children:  # an array of tables: the text speaks of the last one so far
                entry = entry.children[len(entry.children) - 1]
            name = raw[part.start_byte : part.end_byte].decode()
            if part.type == "quoted_key":
                (name,) = tomllib.loads(f"{name} = 0")
            entry = entry.children.setdefault(name, _Entry(part.start_point))
        if 0 not in entry.children:  # an array of tables stands where its first one does
            entry.key, entry.value = part.start_point, value.start_point
        return entry


def _index(raw: bytes) -> _Entry:
    """Find the place of everything; `raw` is TOML, of which tomllib has made sure."""
    import tree_sitter_toml
    from tree_sitter import Language, Parser

    root = _Entry((0, 0))
    text = LINE_END.sub(lambda match: b" " * len(match[0]), raw)
    todo = [(Parser(Language(tree_sitter_toml.language())).parse(text).root_node, root)]
    while todo:  # in the order of the text, since a header speaks of the last element so far
        node, entry = todo.pop()
        if not node.named_child_count:  # nothing stands in a number; most values are one
            continue
        # Newer TOML than the grammar knows, such as a line break in an inline table, leaves errors in the tree; around
        # them it is sound, and what is lost there is answered as what is missing.
        parts = [part for part in node.named_children if part.type != "comment"]
        match node.type, parts:
            case "document" | "inline_table", _:
                todo += [(part, entry) for part in reversed(parts)]
            case "pair", [key, value] if not key.has_error:
                todo.append((value, entry.put(key, value, raw)))
            case "array", _:
                entry.children = {i: _Entry(part.start_point) for i, part in enumerate(parts)}
                todo += zip(parts, entry.children.values(), strict=True)
            case "table" | "table_array_element", [key, *pairs] if not key.has_error:
                table = root.put(key, node, raw)
                if node.type == "table_array_element":
                    array, table = table, _Entry(node.start_point)
                    array.children[len(array.children)] = table
                todo += [(pair, table) for pair in reversed(pairs)]
    return root
