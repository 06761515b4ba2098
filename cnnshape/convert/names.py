"""Names for the values of a net in a file: those of the nodes, as far as a file can have them.

In: a graph. Out: a name for each value, and the nodes that need not be named: they would be called the same without.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from cnnshape.file.keys import INPUT, MAX_NAME, MAX_PATH

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from cnnshape.network.graph import Graph
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport

MANY: Final = 5  # names in a line


def value_names(graph: Graph) -> dict[int, str]:
    """Return the names of all values, each of which a file can have, and no two alike.

    An input gives way to a layer whose name is the model's: mask becomes mask_, as the layer's weights must be found.
    """
    own = {layer_name(node.name) for node in graph.nodes if "name" in node.keys}
    names = dict(enumerate(graph.inputs, start=1))
    for value, name in names.items():
        while names[value] in own or names[value] in graph.inputs.keys() - {name}:
            names[value] += "_"
    taken = {*names.values()}
    for value, node in graph.made():
        names[value] = unlike(layer_name(node.name), taken)
        taken.add(names[value])
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


def few(names: Sequence[str]) -> str:
    """Write names in a line: five, and how many more there are."""
    more = f" and {len(names) - MANY:,} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more


def as_modules(net: Network) -> Network:
    """Return a network whose layers have names that modules can have: those without weights are called otherwise.

    One that stands alone in a scope has the scope's name; one in the scope of a layer stands beside it: bn1_act for bn1.act.
    """
    rows = net.check().layers
    names = [row.name for row in rows]
    free = [at for at, row in enumerate(rows) if not _has_weights(row)]
    taken, inside = {*names}, Counter(scope for name in names for scope in _scopes(name))
    for at in free:
        name = names[at]
        while (scope := name.rpartition(".")[0]) and inside[scope] == 1 and scope not in taken:
            name = layer_name(scope)
        within = next((scope for scope in _scopes(name) if scope in taken and scope != names[at]), "")
        name = f"{within}_{name[len(within) + 1 :]}" if within else name
        if name != names[at]:
            names[at] = unlike(name, taken)
            taken.add(names[at])
    first = 1 + len(net.inputs)
    return net._replace(
        nodes=tuple(node._replace(name=name) for node, name in zip(net.nodes, names, strict=True)),
        outputs={
            names[value - first] if name == rows[value - first].name else name: value
            for name, value in net.outputs.items()
        },
    )


def _has_weights(row: LayerReport) -> bool:
    layer, x = row.node.layer, row.input_shapes[0]
    return layer is None or x is None or layer.on_trust or bool(row.parameters or layer.state(x))


def _scopes(name: str) -> list[str]:
    """Return the scopes around a name, the outermost first."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


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
