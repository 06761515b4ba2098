"""Fixes of words: the type, key, name or word that a misspelt or foreign one stands for, put in its place.

The word is the one that the problem itself suggests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.problems.diagnosed import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.problems.place import KeyPath

RANK: Final = 0.0  # a word that was meant comes before numbers that would do without it
FAMILY: Final = "words"


def meant(case: Case) -> Iterator[Candidate]:
    """Yield the word that was meant, where the problem knows one."""
    place = case.problem.place
    words = [one.words[0] for one in case.problem.suggestions if one.kind == "meant"]
    if not words or place is None or not place.path or not case.own(place):
        return
    path, word = place.path, words[0]
    layer, keys = _table(case, path)
    if place.of_key:
        edit = Edit(layer, "key", path[-1], word)
        yield Candidate(RANK, FAMILY, (edit,), (Operation("rename", path, word),))
        return
    old = case.at(path)
    if isinstance(old, str):
        first, last = place.part or (0, len(old))
        new = old[:first] + word + old[last:]
        parameter = ".".join(keys) or "type"
        edit = Edit(layer, parameter, old, {"type": new} if parameter == "type" else new)
        yield Candidate(RANK, FAMILY, (edit,), (Operation("set", path, new),))


def _table(case: Case, path: KeyPath) -> tuple[str | None, tuple[str, ...]]:
    """Return the name of the layer that a path is in, None outside of layers, and the keys from there on."""
    starts = [i for i in range(1, len(path)) if path[i - 1] == "layers" and isinstance(path[i], int)]
    inside = path[: starts[-1] + 1] if starts else ()
    keys = tuple(key for key in path[len(inside) :] if isinstance(key, str))
    if not inside:
        return None, keys
    table = case.at(inside)
    node = next((node.name for node in case.net.nodes if node.place.path == inside), "")
    name = table.get("name", table.get("type", table.get("block"))) if isinstance(table, dict) else table
    return node or str(name), keys
