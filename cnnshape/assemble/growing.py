"""The net as it grows: its nodes so far, the shape of every value, the expectations.

In: nodes, with the shapes that enter them. Out: their values; the shape and the node of a value, the node of a name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.network.flow import measured

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cnnshape.network.graph import Expectation, Node
    from cnnshape.numbers.shape import Shape


class GrowingNet:
    """The nodes so far, and the shapes of all values."""

    def __init__(self, inputs: Mapping[str, Shape | None]):
        self.nodes: list[Node] = []
        self.shapes: list[Shape | None] = [None, *inputs.values()]  # one for each value
        self.first_node = len(self.shapes)  # the value of node 0
        self.titles: dict[str, int] = {}  # the number of a node, by its name
        self.expectations: list[Expectation] = []
        self.ties = 0  # nodes that make a block unlike its copies: unknown, or bound to a layer that may be outside

    def node(self, value: int) -> Node | None:
        """Return the node that made a value, None for an input and for the unknown value."""
        return self.nodes[value - self.first_node] if value >= self.first_node else None

    def named(self, name: str) -> Node | None:
        number = self.titles.get(name)
        return None if number is None else self.nodes[number]

    def entering(self, values: tuple[int, ...]) -> tuple[Shape | None, ...]:
        """Return the shapes of values."""
        shapes = self.shapes
        return (shapes[values[0]],) if len(values) == 1 else tuple([shapes[value] for value in values])

    def add(self, node: Node, entering: tuple[Shape | None, ...]) -> int:
        """Append a node; return its value."""
        self.titles[node.name] = len(self.nodes)
        self.nodes.append(node)
        self.shapes.append(measured(node.layer, entering).output)
        return len(self.shapes) - 1

    def extend(
        self, nodes: Iterable[Node], shapes: Sequence[Shape | None], expectations: Iterable[Expectation]
    ) -> None:
        """Append the nodes of a copied block, whose shapes are known."""
        count = len(self.nodes)
        self.nodes += nodes
        self.titles.update(zip([node.name for node in self.nodes[count:]], range(count, len(self.nodes)), strict=True))
        self.shapes += shapes
        self.expectations += expectations
