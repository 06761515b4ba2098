"""Operations on the data of a TOML text: a fix as it is tried, before anything is written.

The parsed data and operations at key paths come in; the changed data comes out. `text.py` does the same to the text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.problems.place import KeyPath

    Todo = list[tuple[KeyPath, "Operation"]]  # operations, each with the rest of its path from here


class Operation(NamedTuple):
    """One change at a key path of the data as it was given, whatever other operations do to it.

    set     `value` is at the path, which may be new: a key of a table, or the index behind an array's last element
    remove  the key, or the array's element, is no longer there
    insert  `value` stands before the array's element, or behind the last one where the path is the index behind it
    rename  `value` is the key instead, with all that it has; a table has it once
    """

    kind: Literal["set", "remove", "insert", "rename"]
    path: KeyPath
    value: Any = None


def applied(data: Mapping[str, Any], operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the data with all operations done; only the tables and arrays along their paths are copied.

    A layer that is a bare word, "relu", is { type = "relu" } where a key is set in it. Several inserts before one
    element stand in their order. Raises LookupError for a path that is not there, ValueError where two operations
    write one place.
    """
    changed: dict[str, Any] = _changed(data, [(operation.path, operation) for operation in operations])
    return changed


def _changed(value: Any, todo: Todo) -> Any:
    """Return a copy of a table or an array, with the operations done in it."""
    parts: dict[Any, Todo] = {}
    for (part, *rest), operation in todo:
        parts.setdefault(part, []).append((tuple(rest), operation))
    if isinstance(value, list):
        array = list(value)
        for index in sorted(parts, reverse=True):  # from the end: each moves the elements behind it
            if not 0 <= index <= len(value):
                raise IndexError(f"there is no element {index} among {len(value)}")
            inserted = [one.value for rest, one in parts[index] if not rest and one.kind == "insert"]
            others = [(rest, one) for rest, one in parts[index] if rest or one.kind != "insert"]
            array[index : index + 1] = inserted + _settled(array[index : index + 1], others)
        return array
    table: dict[Any, Any] = {"type": value} if isinstance(value, str) else dict(value)
    for key, inside in parts.items():
        settled = _settled([table[key]] if key in table else [], inside)
        if settled:
            table[key] = settled[0]
        else:
            table.pop(key, None)
    names = {one.path[-1]: one.value for rest, one in todo if len(rest) == 1 and one.kind == "rename"}
    if names.keys() - table.keys() or table.keys() & {*names.values()}:
        raise LookupError(f"keys cannot be renamed: {names}")
    return {names.get(key, key): inner for key, inner in table.items()} if names else table


def _settled(old: list[Any], todo: Todo) -> list[Any]:
    """Return the one value at a path once its operations are done, in a list; an empty list stands for none."""
    whole = [operation for rest, operation in todo if not rest]
    if not todo:
        return old
    if not whole:
        return [_changed(old[0], todo)]
    if len(todo) > 1:
        raise ValueError(f"two operations write {whole[0].path}")
    (operation,) = whole
    if operation.kind == "set":
        return [operation.value]
    if operation.kind == "rename":
        return old
    if operation.kind == "insert" or not old:
        raise LookupError(f"there is nothing at {operation.path} to {operation.kind}")
    return []
