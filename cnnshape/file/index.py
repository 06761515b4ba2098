"""TOML text -> where its keys and values stand, as bytes of the text; by the syntax tree of tree-sitter.

Most texts are never asked where something stands: this module is imported on the first question.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING

import tree_sitter_toml
from tree_sitter import Language, Parser

if TYPE_CHECKING:
    from tree_sitter import Node

    from cnnshape.problems.place import KeyPath

Bytes = tuple[int, int]  # text[start:end], in bytes

# A line of a long string may end in a backslash with spaces behind it; the grammar of tree-sitter-toml 0.7 knows only
# the backslash. The tree gets spaces instead: no place moves by them.
LINE_END = re.compile(rb"(?<!\\)\\++(?=[ \t]++\r?\n)")

# How a string writes its characters, one a match; `joint` is the end of a line that a backslash leaves out, and the
# space below it.
WRITTEN = {
    '"': re.compile(
        r"(?P<joint>\\[ \t]*\r?\n[ \t\r\n]*)|\\x[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\U[0-9A-Fa-f]{8}|\\.|\r\n|.",
        re.DOTALL,
    ),
    "'": re.compile(r"\r\n|.", re.DOTALL),
}


class Entry:
    """A key or an array's element: its place, its value's place, and the entries within the value.

    A tree, and not a dict of paths: it says at once how far a path goes, and is as small as the text.
    """

    __slots__ = ("children", "key", "value")

    def __init__(self, place: Bytes) -> None:
        self.key = self.value = place
        self.children: dict[str | int, Entry] = {}

    def find(self, path: KeyPath) -> Entry:
        """Return the entry of a path, or of its longest beginning that the text has."""
        entry = self
        for part in path:
            if part not in entry.children:
                break
            entry = entry.children[part]
        return entry

    def put(self, key: Node, value: Bytes, raw: bytes) -> Entry:
        """Make the entries along a key, dotted or not, and return the last, which has the value."""
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
            entry = entry.children.setdefault(name, Entry(_bytes(part)))
        if 0 not in entry.children:  # an array of tables stands where its first one does
            entry.key, entry.value = _bytes(part), value
        return entry


def index(raw: bytes) -> Entry:
    """Return the root of all entries of a text, which tomllib has parsed already."""
    root = Entry((0, 0))
    text = LINE_END.sub(lambda match: b" " * len(match[0]), raw)
    todo = [(Parser(Language(tree_sitter_toml.language())).parse(text).root_node, root)]
    while todo:  # in the order of the text, since a header speaks of the last element so far
        node, entry = todo.pop()
        if not node.named_child_count:  # nothing stands in a number; most values are one
            continue
        # Newer TOML than the grammar knows, such as a line break in an inline table, leaves errors in the tree; around
        # them it is sound, and a path into the lost part is answered as a missing one.
        parts = [part for part in node.named_children if part.type != "comment"]
        match node.type, parts:
            case "document" | "inline_table", _:
                todo += [(part, entry) for part in reversed(parts)]
            case "pair", [key, value] if not key.has_error:
                todo.append((value, entry.put(key, _bytes(value), raw)))
            case "array", _:
                entry.children = {i: Entry(_bytes(part)) for i, part in enumerate(parts)}
                todo += zip(parts, entry.children.values(), strict=True)
            case "table" | "table_array_element", [key, *pairs] if not key.has_error:
                header = (node.start_byte, key.next_sibling.end_byte if key.next_sibling else key.end_byte)
                table = root.put(key, header, raw)
                if node.type == "table_array_element":
                    array, table = table, Entry(header)
                    array.children[len(array.children)] = table
                todo += [(pair, table) for pair in reversed(pairs)]
    return root


def _bytes(node: Node) -> Bytes:
    return node.start_byte, node.end_byte


def within(literal: str, part: tuple[int, int]) -> tuple[int, int]:
    r"""Return where a part of a string's characters stands in the text that writes the string.

    Characters 1 to 2 of "a\n" are 2 to 4 there. The whole text where it is no string, or has no such part.
    """
    quote, (first, last) = literal[:1], part
    places = []
    if quote in WRITTEN:
        start, end = 1, len(literal) - 1
        if literal.startswith(quote * 3):
            start, end = re.compile(r"\r?\n|").match(literal, 3).end(), end - 2  # type: ignore[union-attr]
        matches = WRITTEN[quote].finditer(literal, start, end)
        places = [*(match.span() for match in matches if match.lastgroup != "joint"), (end, end)]
    if last >= len(places):
        return 0, len(literal)
    begin = places[first][0]
    return begin, places[last - 1][1] if first < last else begin
