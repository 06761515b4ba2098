"""Unknown sides flow through a net, and the conditions that each layer requires of them are collected and solved.

The Size reading of the size rules: a graph comes in; requirements go out, each a layer's name with its conditions on
the sides of the input, and so does the shape of every value as a function of these sides.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cnnshape.network.flow import OpenNumbers
from cnnshape.network.graph import UNRESOLVED
from cnnshape.network.held import all_of, ends
from cnnshape.numbers.rules import Refused, equal
from cnnshape.numbers.sizeset import TooManySpans
from cnnshape.numbers.solve import conjuncts, solve
from cnnshape.numbers.symbolic import Condition, Unsolvable, effort, unknowns
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Graph
    from cnnshape.network.held import Ends
    from cnnshape.numbers.boxes import Box
    from cnnshape.numbers.effort import Effort
    from cnnshape.numbers.shape import Shape

Conditions = tuple[Condition | bool, ...]  # False: it holds at no sides
Requirement = tuple[str, Conditions]  # a layer, or sides asked of it as "conv1 = 6x6", and its conditions


class NoClosedForm(Exception):  # noqa: N818 -- it describes the set
    """The set of valid sizes has no closed form of ours: `layer` is where that shows, `reason` says why."""

    def __init__(self, layer: str, reason: str):
        super().__init__(layer, reason)
        self.layer, self.reason = layer, reason

    def __str__(self) -> str:
        return f"{self.layer}: {self.reason}" if self.layer else self.reason


@contextmanager
def closed_form(layer: str = "") -> Iterator[None]:
    """Raise NoClosedForm, at a layer, for the errors of numbers/ about sets that have no closed form."""
    try:
        yield
    except (Unsolvable, TooManySpans) as error:
        raise NoClosedForm(layer, str(error)) from None


class Reading:
    """One run of unknown sides through a net.

    `shapes` has the shape of every value, `required` the requirements, in the order of running. `exact`
    requires besides that no layer drops a row.
    """

    def __init__(self, net: Graph, varied: list[str], names: tuple[str, ...], *, exact: bool):
        self.net, self.exact = net, exact
        self.effort = effort()
        self.sides = sides = unknowns(*names, within=self.effort)
        inputs = net.inputs.items()
        entering = [(*shape[:1], *sides) if shape and name in varied else shape for name, shape in inputs]
        self.shapes: list[Shape | None] = [None, *entering]
        self.ends: list[Ends | None] = [None] * len(self.shapes)  # of what each holds of the image, if it is `exact`
        self.required: list[Requirement] = []
        self.found: list[Condition | bool] = []  # the conditions of the layer that runs
        self.open_numbers = OpenNumbers()

    def __call__(self, condition: Any, code: str, **facts: object) -> None:  # noqa: ARG002 -- as every `require`
        """Note a condition on the sides; refuse one that holds at no sides."""
        if condition is True:
            return
        if isinstance(condition, Condition):
            self.found.append(condition)
        elif not condition:
            self.found.append(False)
            raise Refused

    def run(self) -> None:
        """Run every node. Raises NoClosedForm, unless a layer refuses every size whatever the others do."""
        known: dict[Any, tuple[Shape | None, Ends | None, Conditions]] = {}
        alike: dict[Shape | None, Shape | None] = {}  # equal shapes are one object, which is looked up in less time
        refusal: NoClosedForm | None = None
        shapes, all_ends = self.shapes, self.ends
        for node in self.net.nodes:
            layer, values = node.layer, node.inputs
            if layer is None or UNRESOLVED in values:
                raise NoClosedForm(node.name, "the file is wrong about it")
            entering = (shapes[values[0]],) if len(values) == 1 else tuple([shapes[value] for value in values])
            its = tuple([all_ends[value] for value in values]) if self.exact else ()
            key = (layer, *map(id, entering), its)
            found = known.get(key)
            if found is None:
                runs = self.open_numbers.inferred(node, entering[0]) or layer
                self.found = []
                try:
                    shape, end = self.output(runs, entering, its)
                except Unsolvable as error:
                    refusal = refusal or NoClosedForm(node.name, str(error))
                    shape, end = self.output(runs, tuple(map(_without_sizes, entering)), (None,) * len(its))
                shape = shape if shape is entering[0] else alike.setdefault(shape, shape)
                found = shape, end, tuple(self.found)
                if runs is layer:  # open numbers are decided anew at each
                    known[key] = found
            shape, end, conditions = found
            shapes.append(shape)
            all_ends.append(end)
            if conditions:
                self.required.append((node.name, conditions))
        if refusal and not any(False in conditions for _, conditions in self.required):
            raise refusal

    def output(
        self, layer: Layer, entering: tuple[Shape | None, ...], its: tuple[Ends | None, ...]
    ) -> tuple[Shape | None, Ends | None]:
        """Return the output of a layer with its ends, and note its conditions; None behind a layer that refuses all sides.

        The conditions go to `found`; `its` are the ends of what enters.
        """
        if None in entering:
            return None, None
        shapes: tuple[Any, ...] = entering
        if layer.of_one_input() and not all(isinstance(size, int) or size is UNKNOWN for size in shapes[0]):
            raise Unsolvable("its output is stated for one input alone")
        try:
            layer.enter(self, *shapes)
            y = layer.output(self, *shapes)
            if not self.exact or any(
                UNKNOWN in shape for shape in (*shapes, y)
            ):  # unknown: it is empty, or has no form
                return y, None
            for axis, condition in enumerate(self.lossless(layer, shapes[0], y, its[0])):
                self(condition, "dropped-rows", axis=axis)
            return y, ends(layer, shapes, y, [*its])
        except Refused:
            return None, None

    def lossless(self, layer: Layer, x: Shape, y: Shape, its: Ends | None) -> Iterator[Any]:
        """Yield for each spatial axis the condition that no cell of the image is lost at the end of x."""
        for place, (w, windows, axis) in enumerate(zip(x[1:], y[1:], layer.axes(len(x) - 1), strict=False)):
            end = its[place] if its else ((w,),)
            yield all_of(end, lambda number: layer.sees(number - 1, w, windows, **axis))  # noqa: B023 -- called here

    def pin(self, layer: str | None, sides: tuple[int | None, ...] | None) -> None:
        """Require these sides of a layer's output, or of the net's last one; None for a side leaves it free.

        None for all of them requires the sides of the input. Raises NoClosedForm, and ValueError where it has others.
        """
        shape = self.shapes[self.named(layer) if layer is not None else [0, *self.net.outputs.values()][-1]]
        if shape is None:
            return
        asked, count = self.sides if sides is None else sides, max(len(shape) - 1, 0)
        if count != len(asked):
            has = f"{layer or 'the output'} has {count or 'no'} side{'s' * (count != 1)}"
            wants = f"the input has {len(asked)}" if sides is None else f"{free(sides)} is asked for"
            raise ValueError(f"{has}, and {wants}" + ": say at which layer" * (layer is None))
        with closed_form(layer or "output"):
            conditions = [equal(size, side) for side, size in zip(asked, shape[1:], strict=True) if side is not None]
        name = f"{layer or 'output'} = {'input' if sides is None else free(sides)}"
        self.required.append((name, tuple(condition for condition in conditions if condition is not True)))

    def named(self, layer: str) -> int:
        """Return the value of a layer, or of a block or a repeat that gives one. Raises ValueError."""
        names = {value: node.name for value, node in self.net.made()}
        values = {name: value for value, name in names.items()}
        given = [values[layer]] if layer in values else self.net.given(layer)
        if len(given) > 1:
            several = ", ".join(names[value] for value in given)
            raise ValueError(f"{layer} gives several results: say which of {several}")
        if not given:
            raise ValueError(f"the net has no layer {layer!r}")
        return given[0]

    def outputs(self) -> dict[str, Shape | None]:
        """Return the shapes of the nodes' results by their names."""
        first = len(self.shapes) - len(self.net.nodes)
        return {node.name: shape for node, shape in zip(self.net.nodes, self.shapes[first:], strict=True)}


def free(sides: Sequence[int | None]) -> str:
    """Write sides of an output, with * for those that are free: 1x*."""
    return "x".join("*" if side is None else str(side) for side in sides)


def _without_sizes(shape: Shape | None) -> Shape | None:
    """Return a shape with UNKNOWN for each size that depends on the sides."""
    return shape and tuple(size if isinstance(size, int) else UNKNOWN for size in shape)


def solved(required: Sequence[Requirement], names: Sequence[str], within: Effort) -> list[Box]:
    """Return the boxes in which all requirements hold; `names` are those of the axes. Raises NoClosedForm."""
    layers = {condition: layer for layer, conditions in reversed(required) for condition in conditions}
    conditions = [condition for condition in layers if isinstance(condition, Condition)]
    if len(conditions) < len(layers):
        return []
    try:
        return solve(conditions, names, within)
    except Unsolvable as error:
        whole = (c for c in conditions if any(conjunct is error.condition for conjunct in conjuncts([c])))
        raise NoClosedForm(next((layers[condition] for condition in whole), ""), str(error)) from None
