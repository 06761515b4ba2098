"""Joins in the form in which scopes are alike: a dense layer ends with its concat, a residual branch with its sum.

In: a graph. Out: an equal one. concat(a, b, c) behind concat(a, b) becomes a concat of that and c. A join of what enters a
scope and what comes out of it, made behind the scope, takes the scope's name: it stands there already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.convert.names import unlike
from cnnshape.layers.joining import Concat

if TYPE_CHECKING:
    from cnnshape.network.graph import Graph, Node


def joined(graph: Graph) -> Graph | None:
    """Return the graph with its joins in that form; None where they have it."""
    nodes = _nested(graph)
    names = [node.name for node in nodes]
    taken = {*names}
    first = 1 + len(graph.inputs)
    for place, node in enumerate(nodes):
        scope = _scope(nodes, names, place, first) if _joins_two(node) else ""
        if scope and not node.name.startswith(scope):
            name = unlike(f"{scope}{node.type}", taken)
            taken.add(name)
            names[place] = name
            nodes[place] = node._replace(name=name, blocks=nodes[place - 1].blocks[: scope.count(".")])
    renamed = dict(zip((node.name for node in graph.nodes), names, strict=True))
    outputs = {renamed.get(name, name): value for name, value in graph.outputs.items()}
    made = graph._replace(nodes=tuple(nodes), outputs=outputs)
    return None if made.nodes == graph.nodes else made


def _joins_two(node: Node) -> bool:
    return node.layer is not None and node.layer.joins[-1] > 1 and len(node.inputs) == 2 and not node.shares  # noqa: PLR2004


def _nested(graph: Graph) -> list[Node]:
    """Return the nodes with each concat reading an earlier one that has its first parts."""
    earlier: dict[object, int] = {}
    nodes = []
    for value, node in graph.made():
        inputs = node.inputs
        if isinstance(node.layer, Concat):
            earlier.setdefault((node.layer, inputs), value)
            counts = (count for count in range(len(inputs) - 1, 1, -1) if (node.layer, inputs[:count]) in earlier)
            if (count := next(counts, None)) is not None:
                inputs = (earlier[node.layer, inputs[:count]], *inputs[count:])
        nodes.append(node._replace(inputs=inputs))
    return nodes


def _scope(nodes: list[Node], names: list[str], place: int, first: int) -> str:
    """Return the path of the innermost scope that ends above a join of what enters it and its result; "" for none."""
    inside = first + place - 1
    if inside not in nodes[place].inputs or not place:
        return ""
    (outside,) = [value for value in nodes[place].inputs if value != inside] or [inside]
    path = names[place - 1]
    while "." in path:
        path = path.rpartition(".")[0]
        start = place
        while start and names[start - 1].startswith(f"{path}."):
            start -= 1
        read = {value for node in nodes[start:place] for value in node.inputs if value < first + start}
        if read == {outside} and place - start > 1:
            return f"{path}."
    return ""
