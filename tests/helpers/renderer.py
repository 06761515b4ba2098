"""Texts of TOML that this file writes itself, in any style, so that it knows where it put everything."""

from __future__ import annotations

import datetime as dt
import re
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.problems.place import KeyPath

Place = tuple[int, int]  # line and column


def rest(text: str, place: Place) -> str:
    """What stands at a place and behind it."""
    line, column = place
    return "\n".join(text.split("\n")[line - 1 :])[column - 1 :]


class Renderer:
    """Writes data as TOML, in a style that chance decides at each step, and remembers where it put what."""

    def __init__(self, data: dict[str, Any], chance: Random) -> None:
        self.chance = chance
        self.text = ""
        self.newline = chance.choice(["\n", "\r\n"])
        self.keys: dict[KeyPath, tuple[Place, str]] = {}  # each with its spelling
        self.values: dict[KeyPath, tuple[Place, str]] = {}
        self.headers: set[KeyPath] = {()}  # tables of pairs on lines, and arrays of them
        self.whole: set[KeyPath] = set()  # values that stand in one piece
        self.body((), (), data)
        self.filling()

    def here(self) -> Place:
        lines = self.text.split("\n")
        return len(lines), len(lines[-1]) + 1

    def maybe(self, *texts: str) -> None:
        self.text += self.chance.choice(["", *texts])

    def space(self) -> None:
        self.maybe(" ", "\t", "  ")

    def comment(self) -> None:
        self.maybe(" # é = [\U0001f600]", '#"', "# [[x]] '''", "#")

    def end_line(self) -> None:
        self.space()
        self.comment()
        self.text += self.newline

    def filling(self) -> None:
        """Empty lines and comments."""
        while self.chance.random() < 0.3:
            self.end_line()

    def body(self, path: KeyPath, header: tuple[str, ...], table: dict[str, Any]) -> None:
        """The pairs of a table, then the tables below it; `header` is the path as a header writes it."""
        pairs, tables = self.split(table)
        self.pairs(path, pairs)
        self.tables(path, header, tables)

    def split(self, table: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        tables = {
            key: value
            for key, value in table.items()
            if (
                isinstance(value, dict)
                or (value and isinstance(value, list) and all(isinstance(x, dict) for x in value))
            )
            and self.chance.random() < 0.7
        }
        return {key: value for key, value in table.items() if key not in tables}, tables

    def tables(self, path: KeyPath, header: tuple[str, ...], tables: dict[str, Any]) -> None:
        for key, value in self.shuffled(tables.items()):
            below, name = (*path, key), (*header, key)
            if isinstance(value, list):
                for i, element in enumerate(value):
                    self.header(path, name, "[[", "]]", (*below, i))
                    self.body((*below, i), name, element)
                continue
            pairs, inner = self.split(value)
            late = inner and self.chance.random() < 0.3  # [a.b] before [a], or without it
            if late:
                self.tables(below, name, inner)
            if not late or pairs or self.chance.random() < 0.5:
                self.header(path, name, "[", "]", below)
                self.pairs(below, pairs)
            if not late:
                self.tables(below, name, inner)

    def header(self, above: KeyPath, name: tuple[str, ...], opening: str, closing: str, path: KeyPath) -> None:
        self.filling()
        self.space()
        start = self.here()
        self.text += opening
        names = [above[: i + 1] for i, step in enumerate(above) if isinstance(step, str)]
        for i, (key, prefix) in enumerate(zip(name, [*names, (*above, name[-1])], strict=True)):
            self.text += "." if i else ""
            self.space()
            self.key(prefix, key)
            self.space()
        self.text += closing
        self.headers |= {path, path[:-1]} if opening == "[[" else {path}
        whole = start, rest(self.text, start)
        self.end_line()
        if opening == "[[":
            self.values[path] = self.keys[path] = whole
            if path[-1] == 0:
                self.values[path[:-1]] = whole
        else:
            self.keys[path] = self.last_key
            self.values[path] = whole

    def pairs(self, path: KeyPath, table: dict[str, Any]) -> None:
        for relative, value in self.shuffled(self.flat((), table)):
            self.filling()
            self.space()
            self.pair(path, relative, value)
            self.end_line()

    def flat(self, path: tuple[str, ...], table: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Any]]:
        """The pairs of a table, some tables in it taken apart into dotted keys."""
        for key, value in table.items():
            if isinstance(value, dict) and value and self.chance.random() < 0.5:
                yield from self.flat((*path, key), value)
            else:
                yield (*path, key), value

    def pair(self, path: KeyPath, relative: tuple[str, ...], value: object) -> None:
        for i, key in enumerate(relative):
            self.text += "." if i else ""
            self.space() if i else None
            path = (*path, key)
            self.key(path, key)
            self.space()
        self.text += "="
        self.space()
        self.value(path, value)

    def key(self, path: KeyPath, key: str) -> None:
        styles = [basic(key, self.chance)]
        if re.fullmatch("[A-Za-z0-9_-]+", key):
            styles += [key] * 3
        if "'" not in key and key.isprintable():
            styles.append(f"'{key}'")
        self.last_key = self.here(), self.chance.choice(styles)
        self.keys.setdefault(path, self.last_key)
        self.values.setdefault(path, self.last_key)  # of a table that has no other place
        self.text += self.last_key[1]

    def value(self, path: KeyPath, value: Any) -> None:
        self.whole.add(path)
        start = self.here()
        if isinstance(value, list):
            self.text += "["
            for i, element in enumerate(value):
                self.gap()
                self.value((*path, i), element)
                self.keys[(*path, i)] = self.values[(*path, i)]
                self.gap()
                self.text += "," if i < len(value) - 1 else self.chance.choice(["", ","])
            self.gap()
            self.text += "]"
        elif isinstance(value, dict):
            self.text += "{"
            self.space()
            for i, (relative, inner) in enumerate(self.shuffled(self.flat((), value))):
                self.text += "," if i else ""
                self.space()
                self.pair(path, relative, inner)
                self.space()
            self.text += "}"
        else:
            self.text += self.scalar(value)
        self.values[path] = start, self.text[len(self.text) - len(rest(self.text, start)) :]

    def gap(self) -> None:
        """What may stand between the elements of an array."""
        self.space()
        if self.chance.random() < 0.2:
            self.end_line()

    def scalar(self, value: object) -> str:
        match value:
            case bool():
                return str(value).lower()
            case int() if value >= 0:
                return self.chance.choice([str(value), f"+{value}", hex(value), oct(value), bin(value), f"{value:_}"])
            case dt.date() | dt.time():
                return value.isoformat()
            case str():
                return self.string(value)
        return repr(value)

    def string(self, value: str) -> str:
        styles = [basic(value, self.chance), self.long(value)]
        printable = value.replace("\n", "").isprintable() and "'" not in value
        if printable and "\n" not in value:
            styles.append(f"'{value}'")
        if printable:
            styles.append(f"'''{self.newline}{value}'''".replace("\n", self.newline).replace("\r\r", "\r"))
        return self.chance.choice(styles)

    def long(self, value: str) -> str:
        """A string of several lines; a backslash at the end of one joins it to the next, white space left out."""
        text = self.newline
        for character in value:
            if character not in " \t\n" and self.chance.random() < 0.2:
                text += "\\" + self.chance.choice(["", " ", "\t "]) + self.newline + " "
            text += self.newline if character == "\n" else escaped(character, self.chance)
        return f'"""{text}"""'

    def shuffled(self, items: Any) -> list[Any]:
        items = list(items)
        return self.chance.sample(items, len(items))


def escaped(character: str, chance: Random) -> str:
    if character in '"\\':
        return f"\\{character}"
    if not character.isprintable() or chance.random() < 0.1:
        return f"\\u{ord(character):04x}" if ord(character) < 2**16 else f"\\U{ord(character):08X}"
    return character


def basic(text: str, chance: Random) -> str:
    return '"' + "".join(escaped(character, chance) for character in text) + '"'


words = st.text(st.sampled_from("ab0-_.é\u2028\u0085\U0001f600 #='\"\\[]{},\n\t"), max_size=5)
names = st.sampled_from(["name", "a", "b", "0", "1.5", "-", "from", "true"]) | words
scalars = (
    st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.booleans()
    | st.datetimes(timezones=st.sampled_from([None, dt.UTC]))
    | st.dates()
    | st.times()
    | words
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(names, inner, max_size=3)
        | st.lists(st.dictionaries(names, inner, max_size=3), max_size=3)
    ),
    max_leaves=15,
)
calm = settings(deadline=None)  # the machine may be busy
data_sets = st.dictionaries(names, values, max_size=5)
chances = st.integers(0, 2**32 - 1).map(Random)  # one number: to draw each step would be too much to shrink
