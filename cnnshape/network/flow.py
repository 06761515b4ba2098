"""Shapes of ints flow through a net: one layer measured, or all nodes of a graph at some inputs.

The int reading of the size rules. A refusal ends one axis or one layer, never the run: its numbers become UNKNOWN.
"""

from __future__ import annotations

from functools import lru_cache, partial
from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.windows import FieldTooLarge
from cnnshape.network.held import MOST_STEPS, held
from cnnshape.network.report import LayerReport, Refusal, Result, number, own
from cnnshape.numbers.effort import Effort
from cnnshape.numbers.rules import Refused
from cnnshape.numbers.shape import LARGEST, is_count
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Graph, Node
    from cnnshape.network.held import Held
    from cnnshape.numbers.shape import Input, Shape


class _Note:
    """The `require` of the int reading: a condition that does not hold is noted, and refused."""

    __slots__ = ("refusals",)

    def __init__(self) -> None:
        self.refusals: dict[str, Refusal] = {}

    def __call__(self, condition: Any, code: str, **facts: Any) -> None:
        if not condition:
            self.refusals.setdefault(f"{code}{facts}", Refusal(code, facts))  # two axes that fail alike are one problem
            raise Refused


def measure(layer: Layer | None, inputs: tuple[Shape | None, ...]) -> Result:
    """Run one layer on shapes of ints (or UNKNOWN)."""
    if layer is None or None in inputs:
        return Result(None)
    open_numbers = bool(layer.open())
    entering: tuple[Any, ...] = inputs
    x, note = entering[0], _Note()
    try:
        layer.enter(note, *entering)
        y: Shape = layer.output(note, *entering)
        elements: Any = prod(y)
        if elements is not UNKNOWN and elements > LARGEST:
            note(False, "too-many-elements", shape=y)
    except Refused:
        return Result(layer.stated(x), refusals=tuple(note.refusals.values()), open=open_numbers, noted=True)
    refusals = tuple(note.refusals.values())
    doubts = () if refusals else tuple(layer.doubts(*entering))
    noted = bool(open_numbers or refusals or doubts or layer.leaves_empty(len(y) - 1))
    parameters, macs = layer.counts(x, y)
    return Result(y, parameters, macs, refusals, doubts, open_numbers, noted)


measured = lru_cache(maxsize=2**16)(
    measure
)  # once for layers that are alike, building and checking: more than a net may have


def inputs_at(graph: Graph, given: Input | None) -> dict[str, Shape | None]:
    """Return the shape of every input: the given one, or else the declared one.

    Raises ValueError where the given shapes do not suit the net's inputs.
    """
    if given is None:
        return graph.inputs
    if not isinstance(given, dict):
        if len(graph.inputs) != 1:
            raise ValueError(f"the net has the inputs {', '.join(graph.inputs)}: say which shape is whose")
        given = dict.fromkeys(graph.inputs, given)
    unknown = [name for name in given if name not in graph.inputs]
    if unknown:
        raise ValueError(f"the net has no input {unknown[0]!r}; it has {', '.join(graph.inputs)}")
    for name, shape in given.items():
        if not isinstance(shape, tuple | list) or not all(is_count(size, 1) for size in shape):
            raise ValueError(f"{name} must be a shape of positive numbers, as (3, 224, 224), not {shape!r}")
    return {name: tuple(given[name]) if name in given else declared for name, declared in graph.inputs.items()}


class Run(NamedTuple):
    """One pass over a graph: what arrives everywhere, and the totals."""

    rows: tuple[LayerReport, ...]  # one for each node, in the order of running
    shapes: list[Shape | None]  # of every value
    noted: list[LayerReport]  # the rows with more than a shape and counts
    parameters: int | None  # None where a number is not known
    macs: int | None


def run(graph: Graph, inputs: Mapping[str, Shape | None]) -> Run:
    """Run all nodes, in their order; an input of shape None is not known."""
    shapes: list[Shape | None] = [None, *inputs.values()]
    rows: list[LayerReport] = []
    noted: list[int] = []
    known: dict[tuple[int, int], tuple[tuple[Shape | None, ...], Result]] = {}  # by the identity of layer and shape
    cells: dict[int, Held] = {}  # of the values where not all hold something of the image
    parameters: Any = 0
    macs: Any = 0
    effort, open_numbers = Effort(MOST_STEPS, FieldTooLarge), OpenNumbers()
    for node in graph.nodes:
        layer, values = node.layer, node.inputs
        if len(values) == 1:  # as most have: copies of a block are of the same objects, which are found fastest
            shape = shapes[values[0]]
            found = known.get((id(layer), id(shape)))
            if found is None:
                found = known[id(layer), id(shape)] = (shape,), measured(layer, (shape,))
            entering, result = found
        else:
            entering = tuple([shapes[value] for value in values])
            result = measured(layer, entering)
        output, all_, products, _, _, is_open, is_noted = result
        of_image = None
        if cells or is_noted:  # of most nets neither, at no layer
            if is_open:
                node = node._replace(layer=open_numbers.inferred(node, entering[0]))  # noqa: PLW2901 -- as it runs here
                result = measured(node.layer, entering)
                output, all_, products, *_ = result
            of_image = cells.get(values[0])
            noted.append(len(rows))
            if mine := held(node.layer, entering, output, [cells.get(value) for value in values], effort):
                cells[len(shapes)] = mine
        rows.append(_row((node, entering, result, of_image)))
        shapes.append(output)
        if all_:
            parameters += own(node, all_) if node.shares or node.shares_weight else all_
        macs += products
    return Run(tuple(rows), shapes, [rows[index] for index in noted], number(parameters), number(macs))


_row: Final[Callable[[tuple[Any, ...]], LayerReport]] = partial(tuple.__new__, LayerReport)  # without its Python frame


class OpenNumbers:
    """Infers the numbers that are not known at the declared input, which fails before them, from what arrives.

    Those of layers that share weights are the same numbers: the first of them decides.
    """

    def __init__(self) -> None:
        self.known: dict[str, dict[str, Any]] = {}  # by the layer whose weights they are

    def inferred(self, node: Node, x: Shape | None) -> Layer | None:
        """Return the layer of a node with its open numbers, as input x decides them."""
        layer = node.layer
        if layer is None or not x or not (names := layer.open()):
            return layer
        arriving = {name: parameter.takes(layer, x) for name, parameter in names.items()}
        return layer.replace(**self.known.setdefault(node.shares or node.name, arriving))
