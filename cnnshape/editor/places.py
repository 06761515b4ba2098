"""What stands at an offset of a text that is TOML: a key path, of its key or of its value."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cnnshape.file.index import Entry
    from cnnshape.file.source import Source
    from cnnshape.problems.place import KeyPath


class Found(NamedTuple):
    """A key or a value, and its bytes."""

    path: KeyPath
    of_key: bool
    start: int
    end: int


def at(source: Source, offset: int) -> Found | None:
    """Return the smallest key or value around an offset; of an element of an array its value."""
    byte, best = len(source.text[:offset].encode()), None
    todo: list[tuple[KeyPath, Entry]] = [((), source.entries)]
    for path, entry in todo:
        for part, child in entry.children.items():
            inside = (*path, part)
            todo.append((inside, child))
            for of_key, (start, end) in ((True, child.key), (False, child.value)):
                if start <= byte <= end and (best is None or end - start <= best.end - best.start):
                    best = Found(inside, of_key, start, end)
    return best


def step_of(path: KeyPath) -> tuple[KeyPath, KeyPath]:
    """Return the path of the step that a path is in, () where it is in none, and the rest."""
    start = 2 if path[:1] == ("blocks",) else 0
    if path[start : start + 1] == ("layers",) and len(path) > start + 1:
        return path[: start + 2], path[start + 2 :]
    return (), path
