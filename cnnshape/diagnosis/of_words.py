"""Fixes of words: the type, key, name or word that a misspelt or foreign one stands for, and keys in another place.

The word is the one that the problem itself suggests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.layers import TYPES
from cnnshape.problems.building import UnknownBlock
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.reading import MisplacedKey, UnknownType

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


def elsewhere(case: Case) -> Iterator[Candidate]:
    """Yield the key where it belongs: of the net above the first table, `block` for the name of a block as a type."""
    problem = case.problem
    if problem.place is None or not case.own(problem.place):
        return
    path, old = problem.place.path, case.at(problem.place.path)
    if isinstance(problem, MisplacedKey):
        key = str(problem.facts["key"])
        if key not in case.data and not _has_tables(old):  # layers are too much to be moved in silence
            edits = (Edit(None, ".".join(map(str, path)), old, None), Edit(None, key, None, old))
            yield Candidate(RANK, FAMILY, edits, (Operation("remove", path), Operation("set", (key,), old)))
    elif isinstance(problem, UnknownType | UnknownBlock) and isinstance(old, str):
        kind, known = ("type", TYPES) if isinstance(problem, UnknownBlock) else ("block", case.architecture.file.blocks)
        if old in known:
            layer, keys = _table(case, path)
            change = Operation("rename", path, kind) if keys else Operation("set", path, {kind: old})
            yield Candidate(RANK, FAMILY, (Edit(layer, "key", "".join(keys) or "type", kind),), (change,))


def _has_tables(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and any(map(_has_tables, value)))


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
