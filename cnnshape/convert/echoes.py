"""Problems of a broken model's net that only repeat another: one wrong number shows wherever it is read.

In: the net of a failed run. Out: the net with each layer that only repeats an earlier problem as it would be without it, so that a
check finds each fault once, and goes on behind it.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.limits import Exhausted
from cnnshape.diagnosis.trails import Ways
from cnnshape.layers.activation import Identity
from cnnshape.layers.stated import Opaque
from cnnshape.network.flow import measure
from cnnshape.problems import shapes
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.compare.recording import Module
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.problems.base import Problem

CONTAINERS: Final = ("Sequential", "ModuleList", "ModuleDict")  # of torch, whose entries are the user's
MOST: Final = 20  # times that a net is looked through; each mends at least one layer


def without_echoes(net: Network, modules: Mapping[str, Module]) -> Network:
    """Return a net in which no problem only repeats another."""
    for _ in range(MOST):
        found = {node.name: node for node in _Echoes(net, modules).mended()}
        if not found:
            break
        net = net._replace(nodes=tuple(found.get(node.name, node) for node in net.nodes))
    return net


class _Echoes:
    """The problems of one check, in the order of running, each held against those before it."""

    def __init__(self, net: Network, modules: Mapping[str, Module]):
        self.net, self.modules = net, modules
        report = net.check()
        self.ways = Ways(net, report)
        self.place = {node.name: index for index, node in enumerate(net.nodes)}
        names = ((problem, name) for problem in errors(report.problems) for name in (problem.layer, *problem.copies))
        known = [(problem, self.place[name]) for problem, name in names if name in self.place]
        self.problems = sorted(known, key=lambda one: one[1])

    def mended(self) -> Iterator[Node]:
        """Yield the nodes whose problem repeats an earlier one, as they would be without that."""
        kept: list[tuple[Problem, int]] = []
        for problem, index in self.problems:
            node = self.net.nodes[index]
            first = next((one for one in kept if one[1] != index and self.repeats(problem, node, *one)), None)
            if first:
                yield self.sound(problem, node, first[0])
            else:
                kept.append((problem, index))

    def repeats(self, problem: Problem, node: Node, first: Problem, index: int) -> Any:
        """Say whether a problem of a node repeats an earlier one."""
        source = self.net.nodes[index]
        inside = self.library(node.name)
        if inside and inside == self.library(source.name):
            return True
        match first, problem:
            case shapes.ElementsDiffer(), shapes.ElementsDiffer():
                same = first.facts == problem.facts
                back = (problem.facts["elements"], _product(problem)) == (_product(first), first.facts["elements"])
                return same or (back and self.behind(node, index))
            case shapes.ElementsDiffer(), shapes.DeclaredDiffers():
                meant = (_number(problem.facts["declared"]), _number(problem.facts["arrives"]))
                return meant == (first.facts["elements"], _product(first)) and self.behind(node, index)
            case shapes.DeclaredDiffers(), shapes.DeclaredDiffers():
                decided = self.decider(node, problem)
                if decided is None or _wrong(problem) != _wrong(first):
                    return False
                exchanged = decided[0] == index + 1 + len(self.net.inputs)  # Linear(10, 20) for Linear(20, 10)
                return exchanged or decided == self.decider(source, first)
            case shapes.DeclaredDiffers(), shapes.ShapesDiffer():
                return self.joins(node, source, first)
            case shapes.DeclaredDiffers(), _:
                return self.turned(source, first) and self.behind(node, index)
        return False

    def sound(self, problem: Problem, node: Node, first: Problem) -> Node:
        """Return a node as it would be were an earlier problem mended; of which nothing is known, where that is not said."""
        layer, entering = node.layer, tuple(self.ways.shapes[value] for value in node.inputs)
        if isinstance(problem, shapes.DeclaredDiffers) and layer:
            layer = layer.replace(**{problem.facts["parameter"]: problem.facts["arrives"]})
            if not measure(layer, entering).refusals:
                return node._replace(layer=layer)
        if isinstance(problem, shapes.ShapesDiffer) and isinstance(first, shapes.DeclaredDiffers):
            declared = _wrong(first)[0]
            for value, shape in zip(node.inputs, entering, strict=True):
                if shape and declared in shape:
                    return node._replace(layer=Identity(), inputs=(value,))
        if isinstance(problem, shapes.ElementsDiffer) and _product(problem):
            return node._replace(layer=Opaque(out_shape=problem.facts["shape"], seen=entering[0]))
        return node._replace(layer=None)

    def library(self, name: str) -> str:
        """Return the path of the outermost module of torch around a layer that is made of others, such as nn.Transformer; "" for none."""
        parts = name.split(".")
        for length in range(1, len(parts)):
            path = ".".join(parts[:length])
            module = self.modules.get(path)
            if module and not module.file and not module.type and module.kind not in CONTAINERS:
                return path
        return ""

    def behind(self, node: Node, index: int) -> bool:
        """Say whether a node reads the result of another, through whatever stands between."""
        wanted, first = index + 1 + len(self.net.inputs), 1 + len(self.net.inputs)
        todo, seen = [*node.inputs], set[int]()
        while todo:
            value = todo.pop()
            if value == wanted:
                return True
            if value > wanted and value not in seen:
                seen.add(value)
                todo += self.net.nodes[value - first].inputs
        return False

    def decider(self, node: Node, problem: Problem) -> tuple[int, int] | None:
        """Return where the number is decided that arrives at a node and is another than declared; None where that is not known."""
        return self.origin(node.inputs[0], _wrong(problem)[1])

    def origin(self, value: int, size: Any) -> tuple[int, int] | None:
        shape = self.ways.shapes[value]
        if not shape or size not in shape:
            return None
        try:
            return self.ways.trail(value, shape.index(size))[0].at
        except Exhausted:
            return None

    def joins(self, node: Node, source: Node, first: Problem) -> bool:
        """Say whether a join gets the number that arrived at a layer, and beside it the number that the layer was made for."""
        declared, arrives = _wrong(first)
        decided = self.decider(source, first)
        entering = [(value, self.ways.shapes[value]) for value in node.inputs]
        made_for = any(shape and declared in shape for _, shape in entering)
        return made_for and any(decided and self.origin(value, arrives) == decided for value, _ in entering)

    def turned(self, node: Node, problem: Problem) -> bool:
        """Say whether the number that a layer was made for stands at the end of what enters: the axes are in another order."""
        shape = self.ways.shapes[node.inputs[0]] or ()
        return problem.facts["parameter"] == "in_channels" and len(shape) > 1 and shape[-1] == problem.facts["declared"]


def _wrong(problem: Problem) -> tuple[Any, Any]:
    """Return the number that a layer was made for, and the one that arrives."""
    return _number(problem.facts["declared"]), _number(problem.facts["arrives"])


def _number(fact: Any) -> Any:
    return fact[0] if isinstance(fact, tuple) and len(fact) == 1 else fact


def _product(problem: Problem) -> int | None:
    """Return the elements of the shape that a reshape is to give; None where one size is left open."""
    shape = problem.facts["shape"]
    return None if not isinstance(shape, tuple) or -1 in shape else prod(shape)
