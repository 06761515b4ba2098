"""Layers put into a file: before a layer, on all that enters it, or on one entry of its `from`; and a layer taken out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.problems.diagnosed import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.network.graph import Node


UNREMOVABLE: Final = frozenset(["from", "expect", "repeat"])  # keys that say more than the layer itself


def before(case: Case, node: Node, *layers: dict[str, Any], rank: float, family: str) -> Iterator[Candidate]:
    """Yield new layers, one behind the other, before a layer of one input; the first of them takes what that took."""
    if not case.own(node.place):
        return
    path = node.place.path
    table = case.at(path)
    first, *others = layers
    operations = []
    if isinstance(table, dict) and "from" in table:
        if not isinstance(table["from"], str):
            return
        first = {**first, "from": table["from"]}
        operations.append(Operation("remove", (*path, "from")))
    new = (first, *others)
    edits = tuple(Edit(node.name, "insert", None, layer) for layer in new)
    yield Candidate(rank, family, edits, (*(Operation("insert", path, layer) for layer in new), *operations))


def entries(case: Case, node: Node) -> list[str] | None:
    """Return the names in a layer's `from`; None where the file has no list of them, or they are not those of its values."""
    table = case.at(node.place.path) if case.own(node.place) else None
    names = table.get("from") if isinstance(table, dict) else None
    if not isinstance(names, list) or len(names) != len(node.joined):
        return None
    return names if all(isinstance(name, str) and not set("*?{") & {*name} for name in names) else None


def on_entry(  # noqa: PLR0913 -- the fields of a candidate
    case: Case, node: Node, index: int, layer: dict[str, Any], *, rank: float, family: str
) -> Iterator[Candidate]:
    """Yield a new layer on one of a layer's `entries`, which then names the new one."""
    path, entry = node.place.path, case.at((*node.place.path, "from", index))
    new = {"name": free_name(case, node, f"{entry.replace('.', '_')}_{layer['type']}"), **layer, "from": entry}
    edit = Edit(node.name, "insert", None, new)
    replaced = Operation("set", (*path, "from", index), new["name"])
    yield Candidate(rank, family, (edit,), (Operation("insert", path, new), replaced))


def free_name(case: Case, node: Node, name: str) -> str:
    """Return a name that no layer beside a node has."""
    taken = {step.get("name") for step in case.at(node.place.path[:-1]) if isinstance(step, dict)}
    while name in taken:
        stem, number = re.fullmatch(r"(.*?)(\d*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        name = f"{stem}{int(number or 1) + 1}"
    return name


def retyped(case: Case, node: Node, layer: dict[str, Any], *, rank: float, family: str) -> Iterator[Candidate]:
    """Yield a layer of another type and other parameters in the place of one; its wiring stays."""
    path, table = node.place.path, case.at(node.place.path)
    if not case.own(node.place) or not isinstance(table, dict) or node.layer is None:
        return
    old = {key: value for key, value in table.items() if key == "type" or key in node.layer.parameters}
    operations = [Operation("set", (*path, key), value) for key, value in layer.items()]
    operations += [Operation("remove", (*path, key)) for key in old if key not in layer]
    yield Candidate(rank, family, (Edit(node.name, "type", old, layer),), tuple(operations))


def taken_out(case: Case, node: Node, *, rank: float, family: str) -> Iterator[Candidate]:
    """Yield the removal of a layer of one input that nothing else names, and that is not the only one of its list."""
    path, table = node.place.path, case.at(node.place.path)
    layers = case.at(path[:-1])
    if not case.own(node.place) or len(layers) < 2 or (isinstance(table, dict) and ({*table} & UNREMOVABLE)):  # noqa: PLR2004
        return
    name = table.get("name") if isinstance(table, dict) else None
    if name is not None and named_elsewhere(case.data, name, path):
        return
    yield Candidate(rank, family, (Edit(node.name, "remove", table, None),), (Operation("remove", path),))


def named_elsewhere(data: Any, name: str, path: Any, here: Any = ()) -> bool:
    """Say whether some text of the file, outside a layer itself, names the layer."""
    if here == path:
        return False
    if isinstance(data, dict):
        return any(named_elsewhere(value, name, path, (*here, key)) for key, value in data.items())
    if isinstance(data, list):
        return any(named_elsewhere(value, name, path, (*here, index)) for index, value in enumerate(data))
    return isinstance(data, str) and name in data.split(".")
