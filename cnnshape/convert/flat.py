"""A graph -> the entries of `layers` that describe it, a node each.

In: a graph that is right. Out: tables of TOML: name, type, settings and wiring, with torch's defaults, inferred numbers
and the layer above left out. ValueError for a graph that no file describes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.names import needless, value_names
from cnnshape.convert.settings import refusal, settings
from cnnshape.layers import TYPES
from cnnshape.network.flow import run
from cnnshape.numbers.shape import to_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.layers import Layer
    from cnnshape.network.graph import Graph, Node
    from cnnshape.numbers.shape import Shape

    Entry = dict[str, Any]  # of `layers`, by key

REFERENCES: Final = dict.fromkeys(key for kind in TYPES.values() for key in kind.references)
WIRES: Final = (*REFERENCES, "shares", "shares_weight")  # keys whose value is the name of a layer


class Parts(NamedTuple):
    """The parts of a file that describe the layers."""

    entries: list[Entry]
    blocks: dict[str, dict[str, Any]]  # the tables of [blocks]
    outputs: list[str] | None  # None: the last layer alone
    names: Mapping[int, str]  # of the values that are outputs


class Flat:
    """The parts of a file that describe the graph layer by layer; `stated`: with the numbers that inputs decide."""

    def __init__(self, graph: Graph, *, stated: bool = False):
        self.graph, self.stated = graph, stated
        self.names = value_names(graph)
        self.values = {node.name: value for value, node in graph.made()}
        self.value_of = {name: value for value, name in self.names.items()}
        self.rows = run(graph, graph.inputs).rows
        self.shapes = [None, *graph.inputs.values(), *(row.output for row in self.rows)]
        self.expected: dict[int, Shape] = {}
        for expected in graph.expectations:  # one a layer: the first that does not hold, if any
            if self.expected.get(expected.value) in (None, self.shapes[expected.value]):
                self.expected[expected.value] = expected.shape

    def parts(self) -> Parts:
        """Return the parts of a file that say no more than a layer in each line."""
        return Parts(self.entries(), {}, self.outputs(), self.names)

    def entries(self) -> list[Entry]:
        """Return an entry for each node, unnamed where nobody asks for the name."""
        entries = {value: self.entry(value, node) for value, node in self.graph.made()}
        asked = {name for entry in entries.values() for name in named_in(entry)} | {*(self.outputs() or ())}
        asked |= {entry["name"] for value, entry in entries.items() if self.is_named(value)}
        free = needless(((entry["name"], entry.get("type", "layer")) for entry in entries.values()), asked)
        return [
            {key: word for key, word in entry.items() if key != "name" or word not in free}
            for entry in entries.values()
        ]

    def entry(self, value: int, node: Node) -> Entry:
        """Return the entry of a node, with its name."""
        layer = node.layer
        if layer is None or 0 in node.inputs:
            raise ValueError(f"{node.name}: the net is wrong about this layer, and no file describes it")
        entry: Entry = {"name": self.names[value]}
        if node.shares:
            entry["shares"] = self.name(node.shares)
        else:
            entry |= {"type": layer.type, **self.settings(value, node, layer)}
        entry |= self.references(node, layer)
        if [*node.joined] != self.above(value) or (layer.joins[-1] > 1 and not layer.alone):
            names = [self.names[joined] for joined in node.joined]
            entry["from"] = names if len(names) > 1 else names[0]
        if node.shares_weight:
            entry["shares_weight"] = self.name(node.shares_weight)
        if node.frozen and not node.shares:
            entry["frozen"] = True
        if value in self.expected:
            entry["expect"] = [*to_file(self.expected[value], self.graph.layout)]
        if allowed := sorted(node.allow - self.graph.allow):
            entry["allow"] = allowed
        return entry

    def is_named(self, value: int) -> bool:
        """Say whether a node's name is a module's, as that of its parameters in a checkpoint, or was given."""
        node = self.node(value)
        return (
            bool(self.rows[value - 1 - len(self.graph.inputs)].parameters) or bool(node.shares) or "name" in node.keys
        )

    def node(self, value: int) -> Node:
        return self.graph.nodes[value - 1 - len(self.graph.inputs)]

    def above(self, value: int) -> list[int]:
        """Return the value that enters a node where a file does not say: that of the node above, or the only input."""
        inputs = len(self.graph.inputs)
        return [value - 1] if value > inputs + 1 or inputs == 1 else []

    def settings(self, value: int, node: Node, layer: Layer) -> dict[str, Any]:
        entering = self.rows[value - 1 - len(self.graph.inputs)].input_shapes[0]
        found = settings(layer, entering, self.graph.layout, stated=self.stated)
        if why := refusal(layer, found):
            raise ValueError(f"{node.name}: {why}")
        owner = self.node(self.values[node.shares_weight]) if node.shares_weight else None
        decided = type(layer).of_weight(owner.layer) if owner and owner.layer else None
        return {key: setting for key, setting in found.items() if key not in (decided or ())}

    def references(self, node: Node, layer: Layer) -> dict[str, str]:
        """Return the layers that references name: the node of the value, or one whose input it is."""
        found = {}
        keys = [key for key in layer.references if key in vars(layer)]
        for key, value in zip(keys, node.inputs[len(node.joined) :], strict=True):
            named = vars(layer)[key]
            looked_at = (v for v, other in self.graph.made() if other.layer == named and other.inputs[0] == value)
            found[key] = self.names[next(looked_at) if layer.references[key].to else value]
        return found

    def name(self, node: str) -> str:
        """Return the name that a file has for a node."""
        return self.names[self.values[node]]

    def outputs(self) -> list[str] | None:
        """Return the names of the outputs, None where the last layer is the only one."""
        values = [*dict.fromkeys(self.graph.outputs.values())]
        last = len(self.graph.inputs) + len(self.graph.nodes)
        return None if values == [last] else [self.names[value] for value in values]


def named_in(entry: Entry) -> list[str]:
    """Return the names that an entry asks for."""
    wires = entry.get("from", [])
    references = (entry[key] for key in WIRES if key in entry)
    return [*([wires] if isinstance(wires, str) else wires), *references]
