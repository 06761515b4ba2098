"""The result of a check: a row for each node, the totals, and the problems.

A row is made of a node and its result; a number behind a failure is UNKNOWN in a result, and None for users.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cnnshape.layers.base import Layer
from cnnshape.network.held import lost
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.base import errors
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cnnshape.layers.base import Doubt
    from cnnshape.network.graph import Claim, Node
    from cnnshape.network.held import Held
    from cnnshape.numbers.shape import Shape
    from cnnshape.numbers.sizeset import SizeSet
    from cnnshape.problems.base import Problem


class Refusal(NamedTuple):
    """A condition that does not hold: the code of its problem, and the facts."""

    code: str
    facts: dict[str, Any]


class Result(NamedTuple):
    """A layer's output and counts for the shapes that enter."""

    output: Shape | None  # None: not even its rank is known
    parameters: Any = UNKNOWN
    macs: Any = UNKNOWN
    refusals: tuple[Refusal, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    open: bool = False  # numbers of the layer are not known at the declared input
    noted: bool = False  # `open`, refused or doubted, or cells of the output may hold nothing of the image


class LayerReport(NamedTuple):
    """One row of a report. Shapes are channels first, without the batch."""

    node: Node
    input_shapes: tuple[Shape | None, ...]
    result: Result
    held: Held | None = None  # the cells of the first input that hold something of the image, where not all do

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def type(self) -> str:
        return self.node.type

    @property
    def inputs(self) -> tuple[Shape | None, ...]:
        """The shapes that enter; None where one cannot be known."""
        return tuple(map(known, self.input_shapes))

    @property
    def output(self) -> Shape | None:
        """The shape that comes out; None where it cannot be known."""
        return known(self.result.output)

    @property
    def parameters(self) -> int | None:
        """The weights and biases, without those that are another layer's."""
        return number(own(self.node, self.result.parameters))

    @property
    def trainable(self) -> int | None:
        """The parameters that are trained: all, or none of a frozen layer."""
        return 0 if self.node.frozen else self.parameters

    @property
    def buffers(self) -> int | None:
        """The numbers that torch keeps beside the parameters, counters aside, without those that are another layer's."""
        node, layer = self.node, self.node.layer
        if layer is None or (self.result.parameters is UNKNOWN and not node.shares):
            return None
        return number(own(node, layer.buffers(self.input_shapes[0] or ()), kind=1))

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of convolutions and linear layers, without biases, for one sample."""
        return number(self.result.macs)

    @property
    def remainder(self) -> tuple[int | None, ...]:
        """For each spatial axis, the remainder of the division by the stride: (W + 2P - F) mod S."""
        return tuple(remainders(self.node.layer, self.input_shapes[0], self.result.output))

    @property
    def dropped(self) -> tuple[int | None, ...]:
        """For each spatial axis, the cells at the end of the first input that no window reads, padding left out."""
        return dropped(self.node.layer, self.input_shapes[0], self.result.output, self.held)

    @property
    def line(self) -> int:
        return self.node.place.start[0]


class Report(NamedTuple):
    """The result of a check. `ok`: no problem is an error."""

    inputs: dict[str, Shape]
    layers: tuple[LayerReport, ...]
    outputs: dict[str, Shape | None]
    parameters: int | None
    macs: int | None
    problems: tuple[Problem, ...]
    valid_sizes: SizeSet | None = None  # the equal sides that work, where the file claims them

    def __repr__(self) -> str:
        found = f"{len(self.problems)} problems, first {self.problems[0]!r}" if self.problems else "no problems"
        return f"<Report: {self.inputs} -> {self.outputs}, {len(self.layers)} layers, {found}>"

    @property
    def ok(self) -> bool:
        return not errors(self.problems)

    @property
    def output(self) -> Shape | None:
        """The last of the outputs."""
        return next(reversed(self.outputs.values()), None)

    @property
    def trainable(self) -> int | None:
        """The parameters of layers that are not frozen."""
        return total(row.trainable for row in self.layers)

    @property
    def parameters_with_buffers(self) -> int | None:
        """The parameters and buffers, counters aside, as Keras counts."""
        return total(number for row in self.layers for number in (row.parameters, row.buffers))

    def actual(self, claim: Claim) -> Any:
        """Return the actual figure or shape of a claim; None where it is not known."""
        if claim.output is not None:
            return self.outputs.get(claim.output) if claim.output else self.output
        return getattr(self, claim.name)


def own(node: Node, all_: Any, kind: int = 0) -> Any:
    """Return how many of a layer's parameters (kind 0) or buffers (1) are its own, and not another layer's."""
    layer: Any = node.layer
    if node.shares:
        return 0
    return layer.beside_weight()[kind] if node.shares_weight and all_ is not UNKNOWN else all_


def remainders(layer: Layer | None, x: Shape | None, y: Shape | None) -> list[Any]:
    """Return, for each spatial axis, the remainder of the division by the stride."""
    return _along_axes(layer, x, y, lambda layer, w, _, axis: layer.left_over(w, **axis))


def dropped(layer: Layer | None, x: Shape | None, y: Shape | None, cells: Held | None = None) -> tuple[int | None, ...]:
    """Return, for each spatial axis, the number of cells at the end of x that no window reads.

    Those that hold nothing of the image do not count; `cells` are those that do.
    """
    if layer is None or x is None or not y:
        return ()
    if type(layer).left_over is Layer.left_over:  # it has no windows
        return (0,) * (len(x) - 1)
    return _dropped(layer, x, y, cells)


@lru_cache(maxsize=2**14)  # once for layers that are alike, and for all who ask
def _dropped(layer: Layer, x: Shape, y: Shape, cells: Held | None) -> tuple[int | None, ...]:
    unread = _along_axes(layer, x, y, lambda layer, w, windows, axis: layer.unread(w, windows, **axis))
    sides = enumerate(zip(unread, x[1:], strict=False))  # none of a layer that fails
    return tuple([number and lost(cells, axis, w, number) for axis, (number, w) in sides])


def _along_axes(layer: Layer | None, x: Shape | None, y: Shape | None, rule: Callable[..., Any]) -> list[Any]:
    """Return a number for each axis of a layer with windows, 0 without; None where a side is not known."""
    if layer is None or x is None or not y:
        return []
    if type(layer).left_over is Layer.left_over:
        return [0] * (len(x) - 1)
    if all(size is UNKNOWN for size in y[1:]):  # refused as a whole: its lists may have another length
        return [None] * (len(x) - 1)
    sides = [*zip(x[1:], y[1:], layer.axes(len(x) - 1), strict=True)]
    alike = sides.count(sides[0]) == len(sides)  # as in a square image
    found = [
        None if UNKNOWN in (w, out) else rule(layer, w, out, axis) for w, out, axis in (sides[:1] if alike else sides)
    ]
    return found * len(sides) if alike else found


def known(shape: Shape | None) -> Shape | None:
    """Return the shape where all of it is known."""
    return None if shape is None or UNKNOWN in shape else shape


def total(numbers: Iterable[int | None]) -> int | None:
    """Return the sum, None where a number is not known."""
    all_: list[Any] = [*numbers]
    return None if None in all_ else sum(all_)


def number(known: Any) -> int | None:
    """Return the number, None where it is UNKNOWN."""
    return None if known is UNKNOWN else known
