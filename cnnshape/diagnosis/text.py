"""Operations on the text of a file: what `operations.py` does to the data, written where it belongs.

A source and operations come in; the bytes of its text that change come out, or the new text. Comments, order, line
ends and all else stay as they are. A text that does not read as the changed data is never made.
"""

from __future__ import annotations

import re
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.diagnosis.operations import Operation, applied
from cnnshape.file import toml
from cnnshape.file.source import Source
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.file.index import Bytes, Entry
    from cnnshape.problems.place import KeyPath

BLANK: Final = re.compile(rb"[ \t]*")
COMMA: Final = re.compile(rb"(?:\s++|#[^\n]*+)*+,")  # behind an element, with the comments before it
LINE_END: Final = re.compile(rb"[ \t]*(?:#[^\r\n]*)?(\r?\n|\Z)")  # the rest of a line, behind its last value
EMPTY_LINES: Final = re.compile(rb"(?:[ \t]*\r?\n)*")


class Replacement(NamedTuple):
    """Bytes of a text, from start to behind the last one, and the text that takes their place."""

    start: int
    end: int
    text: str


class _NoPlaceError(Exception):
    """The text has no place for an operation, such as a new key in a table made by dotted keys."""


def edited(text: str, operations: Iterable[Operation]) -> str | None:
    """Return a file's text with all operations done; None where they cannot be written into it.

    Raises what `applied` raises.
    """
    source = Source.from_text(text)
    changes = replacements(source, operations)
    mark = text[: len(text) - len(source.text)]  # the byte order mark, which some editors write
    return None if changes is None else mark + _replaced(source.raw, changes)


def replacements(source: Source, operations: Iterable[Operation]) -> list[Replacement] | None:
    """Return the changes of a source's text that do all operations, in the text's order; None where there are none.

    Raises what `applied` raises.
    """
    operations = [*operations]
    wanted = applied(source.data, operations)
    least = [one for operation in operations for one in _least(source.data, operation)]
    for todo in (least, operations):  # the whole of a value where its entries have no place of their own
        try:
            changes = _apart(_changes(source, todo))
            found = tomllib.loads(_replaced(source.raw, changes))
        except (_NoPlaceError, tomllib.TOMLDecodeError):
            continue
        if found == wanted:
            return changes
    return None


def _replaced(raw: bytes, changes: list[Replacement]) -> str:
    for start, end, text in reversed(changes):
        raw = raw[:start] + text.encode() + raw[end:]
    return raw.decode()


def _apart(changes: Iterable[Replacement]) -> list[Replacement]:
    """Return changes in the order of the text, with deletions that overlap made one. Raises _NoPlaceError."""
    apart: list[Replacement] = []
    for change in sorted(changes, key=lambda one: one[:2]):  # what is inserted stands before what is replaced there
        if not apart or change.start >= apart[-1].end:
            apart.append(change)
        elif change.text or apart[-1].text:
            raise _NoPlaceError
        else:
            apart[-1] = Replacement(apart[-1].start, max(apart[-1].end, change.end), "")
    return apart


def _changes(source: Source, operations: list[Operation]) -> Iterator[Replacement]:
    """Yield the changes for operations, table by table and array by array. Raises _NoPlaceError."""
    raw = source.raw
    todo: dict[KeyPath, list[Operation]] = {}
    for operation in operations:
        todo.setdefault(operation.path[:-1], []).append(operation)
    for path, inside in sorted(todo.items(), key=lambda one: -len(one[0])):  # a table's lines before a table behind it
        value, entry = _found(source, path)
        for one in (one for one in inside if one.kind == "rename"):
            if one.path[-1] not in entry.children:  # the type of a bare word
                raise _NoPlaceError
            start, end = entry.children[one.path[-1]].key
            yield Replacement(start, end, toml.key(one.value))
        inside = [one for one in inside if one.kind != "rename"]  # noqa: PLW2901 -- the rest
        opening = raw[entry.value[0] : entry.value[0] + 1] if path else b""
        if isinstance(value, str):
            pairs = "".join(f", {_pair(one)}" for one in inside)
            yield Replacement(*entry.value, f"{{ type = {raw[slice(*entry.value)].decode()}{pairs} }}")
        elif isinstance(value, list):
            is_header = 0 in entry.children and entry.children[0].value[0] == entry.value[0]
            yield from (_tables if is_header else _array)(raw, entry, inside)
        elif opening == b"{":
            yield from _inline(raw, entry, inside)
        elif opening == b"[" or not path:
            yield from _table(raw, entry, inside)
        else:
            yield from _dotted(entry, inside)


def _found(source: Source, path: KeyPath) -> tuple[Any, Entry]:
    """Return what stands at a path, and its entry. Raises _NoPlaceError."""
    value: Any = source.data
    entry = source.entries
    for part in path:
        if part not in entry.children:  # newer TOML than the syntax tree knows
            raise _NoPlaceError
        value, entry = value[part], entry.children[part]
    return value, entry


# The least that an operation has to change


def _least(data: dict[str, Any], operation: Operation) -> Iterator[Operation]:
    """Yield the operations on single entries that come to one on a whole array or table."""
    old = value_at(data, operation.path)
    if operation.kind == "set" and old is not None:
        yield from _difference(old, operation.value, operation.path)
    else:
        yield operation


def _difference(old: Any, new: Any, path: KeyPath) -> Iterator[Operation]:
    """Yield the operations that turn one value at a path into another."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from (Operation("remove", (*path, key)) for key in old if key not in new)
        for key, value in new.items():
            if key in old:
                yield from _difference(old[key], value, (*path, key))
            else:
                yield Operation("set", (*path, key), value)
    elif isinstance(old, list) and isinstance(new, list):
        shorter = min(len(old), len(new))
        first = next((i for i in range(shorter) if not _same(old[i], new[i])), shorter)
        behind = next((i for i in range(shorter - first) if not _same(old[-1 - i], new[-1 - i])), shorter - first)
        for i in range(first, shorter - behind):
            yield from _difference(old[i], new[i], (*path, i))
        middle = shorter - behind
        yield from (Operation("remove", (*path, i)) for i in range(middle, len(old) - behind))
        yield from (Operation("insert", (*path, middle), value) for value in new[middle : len(new) - behind])
    elif not _same(old, new):
        yield Operation("set", path, new)


def _same(one: Any, other: Any) -> bool:
    """Say whether two values are written alike: 1 and true are equal, and are not."""
    return toml.value(one) == toml.value(other)


# Arrays and inline tables: elements between brackets, with commas


def _array(raw: bytes, entry: Entry, todo: list[Operation]) -> Iterator[Replacement]:
    """Yield the changes of an array, [...]."""
    elements = [child.value for child in entry.children.values()]
    gone = {one.path[-1] for one in todo if one.kind == "remove"}
    instead: dict[Any, str] = {}
    new: dict[Any, list[str]] = {}
    for one in sorted(todo, key=lambda one: one.kind == "set"):  # what is set behind the last stands behind inserts
        if one.kind == "insert" or (one.kind == "set" and one.path[-1] == len(elements)):
            new.setdefault(one.path[-1], []).append(toml.value(one.value))
        elif one.kind == "set":
            instead[one.path[-1]] = toml.value(one.value)
    for index in sorted(gone):  # what is inserted at its place takes it
        if new.get(index):
            instead[index] = new[index].pop()
        elif index == len(elements) - 1 and new.get(len(elements)):
            instead[index] = new[len(elements)].pop(0)
    for index, text in instead.items():
        start, end = elements[index]
        yield Replacement(start, end, text)
    yield from _bracketed(raw, entry.value, elements, gone - instead.keys(), new)


def _inline(raw: bytes, entry: Entry, todo: list[Operation]) -> Iterator[Replacement]:
    """Yield the changes of an inline table, { ... }. Raises _NoPlaceError."""
    pairs = sorted(_pairs(entry))
    gone, new = set(), []
    for one in todo:
        if one.path[-1] not in entry.children:
            new.append(_pair(one))
            continue
        key, value = _own(entry, one)
        if one.kind == "remove":
            gone.add(pairs.index((key[0], value[1])))
        else:
            yield Replacement(*value, toml.value(one.value))
    yield from _bracketed(raw, entry.value, pairs, gone, {len(pairs): new})


def _bracketed(
    raw: bytes, outer: Bytes, elements: list[Bytes], gone: set[Any], new: dict[Any, list[str]]
) -> Iterator[Replacement]:
    """Yield what takes some elements between brackets out, and puts new ones before others or behind the last one."""
    for index in gone:
        yield from (Replacement(start, end, "") for start, end in _without(raw, elements, index, gone))
    for index, texts in new.items():
        if not texts:
            continue
        if index < len(elements):
            yield _before(raw, elements[index][0], texts)
        elif not elements:
            start, end = outer[0] + 1, outer[1] - 1
            space = " " * (raw[outer[0] : start] == b"{")
            until = end if BLANK.fullmatch(raw, start, end) else start
            yield Replacement(start, until, f"{space}{', '.join(texts)}{space}")
        elif len(gone) == len(elements):
            yield Replacement(elements[0][0], elements[0][0], ", ".join(texts))
        else:
            yield from _behind(raw, elements, max({*range(len(elements))} - gone), texts)


def _without(raw: bytes, elements: list[Bytes], index: int, gone: set[Any]) -> Iterator[Bytes]:
    """Yield the bytes of an element that goes: with its comma, and with its lines where nothing else stands there."""
    start, end = elements[index]
    comma = COMMA.match(raw, end)
    stop = comma.end() if comma else end
    line, rest = _line(raw, start), LINE_END.match(raw, stop)
    left = max((i for i in range(index) if i not in gone), default=index)  # behind which no comma is needed any more
    if rest and BLANK.fullmatch(raw, line, start):
        yield line, rest.end()
    elif comma and b"#" in raw[end:stop]:
        yield from [(start, end), (stop - 1, stop)]
    elif comma and rest:
        yield len(raw[:start].rstrip(b" \t")), stop
    elif comma:
        yield start, _blank_end(raw, stop)
    elif any(b"#" in raw[one[1] : other[0]] for one, other in pairwise(elements[left : index + 1])):
        yield start, end
    else:
        yield (elements[left][1] if left < index else start), end


def _before(raw: bytes, at: int, texts: list[str]) -> Replacement:
    """Return new elements before one: on lines of their own where it begins its line."""
    line = _line(raw, at)
    if not BLANK.fullmatch(raw, line, at):
        return Replacement(at, at, "".join(f"{text}, " for text in texts))
    indent, newline = raw[line:at].decode(), _newline(raw, line)
    return Replacement(line, line, "".join(f"{indent}{text},{newline}" for text in texts))


def _behind(raw: bytes, elements: list[Bytes], index: int, texts: list[str]) -> Iterator[Replacement]:
    """Yield new elements behind one: on lines of their own where it is the last, and has its own."""
    start, end = elements[index]
    comma = COMMA.match(raw, end)
    stop = comma.end() if comma else end
    line, rest = _line(raw, start), LINE_END.match(raw, stop)
    if index < len(elements) - 1 or not rest or b"\n" in raw[end:stop] or not BLANK.fullmatch(raw, line, start):
        yield Replacement(end, end, "".join(f", {text}" for text in texts))
        return
    indent, newline = raw[line:start].decode(), rest[1].decode()
    if not comma:
        yield Replacement(end, end, ",")
    lines = f",{newline}".join(f"{indent}{text}" for text in texts)
    yield Replacement(rest.end(), rest.end(), f"{lines}{',' * bool(comma)}{newline}")


# Tables with headers, and the file's own keys: pairs on lines


def _table(raw: bytes, entry: Entry, todo: list[Operation]) -> Iterator[Replacement]:
    """Yield the changes of a [table], or of the file's own keys. Raises _NoPlaceError."""
    new = []
    for one in todo:
        if one.path[-1] not in entry.children:
            new.append(one)
            continue
        key, value = _own(entry, one)
        if one.kind == "remove":
            yield Replacement(_line(raw, key[0]), _line_end(raw, value[1]), "")
        else:
            yield Replacement(*value, toml.value(one.value))
    if new:
        yield _lines(raw, _last_pair(entry), [_pair(one) for one in new])


def _last_pair(entry: Entry) -> Bytes:
    """Return the pair behind which new ones stand, of the file's own the input; the header where there is none."""
    given = [entry.children[key] for key in ("input", "inputs") if key in entry.children]
    own = [(one.key[0], one.value[1]) for one in given if _is_pair(one)]
    return max(own or _pairs(entry), key=lambda pair: pair[1], default=entry.value)


def _lines(raw: bytes, last: Bytes, texts: list[str]) -> Replacement:
    """Return new lines behind the one that ends with a pair or a header, with the indentation of its first."""
    start, end = last
    if not end:  # a text that begins with a table
        return Replacement(0, 0, "".join(f"{text}{_newline(raw, 0)}" for text in texts))
    line, behind = _line(raw, start), _line_end(raw, end)
    indent, newline = raw[line : _blank_end(raw, line)].decode(), _newline(raw, behind)
    if raw[behind - 1 : behind] == b"\n":
        return Replacement(behind, behind, "".join(f"{indent}{text}{newline}" for text in texts))
    return Replacement(behind, behind, "".join(f"{newline}{indent}{text}" for text in texts))


def _tables(raw: bytes, entry: Entry, todo: list[Operation]) -> Iterator[Replacement]:
    """Yield the changes of an array of tables with headers, [[...]]. Raises _NoPlaceError."""
    tables = [*entry.children.values()]
    for one in todo:
        at: Any = one.path[-1]
        table = tables[min(at, len(tables) - 1)]
        start, end = _line(raw, table.value[0]), _line_end(raw, _last(table))
        if one.kind == "remove":
            yield Replacement(start, end, "")
            yield Replacement(end, EMPTY_LINES.match(raw, end).end(), "")  # type: ignore[union-attr]
        elif isinstance(one.value, dict) and (one.kind == "insert" or at == len(tables)):
            newline = _newline(raw, end)
            gap = newline if EMPTY_LINES.fullmatch(raw, _line(raw, start - 1), start) else ""
            indent, header = raw[start : table.value[0]].decode(), raw[slice(*table.value)].decode()
            pairs = [_pair(Operation("set", (key,), value)) for key, value in one.value.items()]
            block = "".join(f"{indent}{line}{newline}" for line in [header, *pairs])
            if at < len(tables):
                yield Replacement(start, start, block + gap)
            else:
                yield Replacement(end, end, newline * (not raw[:end].endswith(b"\n")) + gap + block)
        else:
            raise _NoPlaceError


def _dotted(entry: Entry, todo: list[Operation]) -> Iterator[Replacement]:
    """Yield the changes of values in a table made by dotted keys, which has no place of its own. Raises _NoPlaceError."""
    for one in todo:
        if one.kind == "remove" or one.path[-1] not in entry.children:
            raise _NoPlaceError
        _, (start, end) = _own(entry, one)
        yield Replacement(start, end, toml.value(one.value))


# Where things stand


def _pairs(entry: Entry) -> Iterator[Bytes]:
    """Yield the pairs of a table, from key to value; of dotted keys from the last part."""
    for child in entry.children.values():
        if _is_pair(child):
            yield child.key[0], child.value[1]
        elif child.key == child.value and 0 not in child.children:  # a table made by dotted keys
            yield from _pairs(child)


def _is_pair(entry: Entry) -> bool:
    return entry.value[0] >= entry.key[1]  # a header has its key inside


def _own(entry: Entry, operation: Operation) -> tuple[Bytes, Bytes]:
    """Return the places of the key and of the value of a table's own pair. Raises _NoPlaceError."""
    child = entry.children[operation.path[-1]]
    if not _is_pair(child):
        raise _NoPlaceError
    return child.key, child.value


def _last(entry: Entry) -> int:
    """Return the end of a table, with those below it."""
    return max([entry.value[1], *map(_last, entry.children.values())])


def _line(raw: bytes, at: int) -> int:
    """Return where the line of a byte begins."""
    return raw.rfind(b"\n", 0, at) + 1


def _line_end(raw: bytes, at: int) -> int:
    """Return the end of a line behind its last value, with its comment and line end: TOML has nothing else there."""
    return LINE_END.match(raw, at).end()  # type: ignore[union-attr]


def _blank_end(raw: bytes, at: int) -> int:
    """Return the end of the blanks from a byte on."""
    return len(raw) - len(raw[at:].lstrip(b" \t"))


def _newline(raw: bytes, at: int) -> str:
    """Return the line end before a byte, as the text writes it; the text's first where there is none."""
    before = raw[:at] if b"\n" in raw[:at] else raw
    return "\r\n" if before[: before.rfind(b"\n") + 1].endswith(b"\r\n") else "\n"


def _pair(operation: Operation) -> str:
    return f"{toml.key(str(operation.path[-1]))} = {toml.value(operation.value)}"
