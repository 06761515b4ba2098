"""Names for the values of a net in a file: those of the nodes, as far as a file can have them.

In: a graph. Out: a name for each value, and the nodes that need not be named: they would be called the same without.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnnshape.file.keys import INPUT, MAX_NAME, MAX_PATH

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from cnnshape.network.graph import Graph


def value_names(graph: Graph) -> dict[int, str]:
    """Return the names of all values, each of which a file can have, and no two alike."""
    names: dict[int, str] = {}
    taken: set[str] = set()
    inputs = {name: value for value, name in enumerate(graph.inputs, start=1)}
    for value, name in [
        *((value, name) for name, value in inputs.items()),
        *((v, node.name) for v, node in graph.made()),
    ]:
        names[value] = good = name if value in inputs.values() else unlike(layer_name(name), taken)
        taken.add(good)
    return names


def layer_name(name: str) -> str:
    """Return a name that a layer can have in a file: my layer becomes my_layer, input becomes input_."""
    parts = [re.sub(r"[^\w-]", "_", part)[:MAX_NAME] or "_" for part in name.split(".")]
    good = ".".join(parts)[:MAX_PATH].rstrip(".")
    return f"{good}_" if INPUT.fullmatch(good) else good


def unlike(name: str, taken: Container[str], before: str = "_") -> str:
    """Return a name that is not taken: conv, or else conv_2, with `before` the number."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name[: MAX_NAME - 10]}{before}{number}"
    return found


def needless(steps: Iterable[tuple[str, str]], given: set[str]) -> set[str]:
    """Return the names that unnamed steps have anyway: relu2 for the second unnamed relu of a frame.

    `steps` have each name with its type; the names in `given` must be written.
    """
    given, found, numbers = {*given}, set[str](), dict[str, int]()
    for name, kind in steps:
        if name in given:
            continue
        number = numbers.get(kind, 0) + 1
        while f"{kind}{number}" in given or f"{kind}{number}" in found:
            number += 1
        if name == f"{kind}{number}":
            found.add(name)
            numbers[kind] = number
        else:
            given.add(name)
    return found
