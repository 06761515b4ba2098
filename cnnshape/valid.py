"""The input sizes that a net accepts, exactly: an unknown side flows through the same layers, conditions are solved."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.layout import text
from cnnshape.rules import Refused
from cnnshape.size import Condition, Unsolvable, unknowns
from cnnshape.sizeset import SizeSet
from cnnshape.solve import Box, solve
from cnnshape.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.network import Network, Node
    from cnnshape.parameters import Shape

AXES = {0: (), 1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}  # the names of the spatial axes, by how many there are


class NoClosedForm(Exception):  # noqa: N818 -- it says what is the case
    """The set of valid sizes has no closed form of ours; `layer` is where that shows, and `reason` says why."""

    def __init__(self, layer: str, reason: str):
        super().__init__(layer, reason)
        self.layer, self.reason = layer, reason

    def __str__(self) -> str:
        return f"{self.layer}: {self.reason}" if self.layer else self.reason


class Constraint(NamedTuple):
    """What one layer asks of the input's sides."""

    layer: str
    conditions: tuple[Condition | bool, ...]  # False: it refuses whatever the sides are

    def boxes(self, axes: Sequence[str]) -> list[Box]:
        """Return the sizes that the layer takes, as a union of boxes."""
        return _solved([self], axes)


class ValidSizes:
    """The sizes of one input, without its channels, that a net accepts: `(h, w) in sizes`.

    `square` has the equal sides that work; `axes` a set for each axis, or None where the axes meet (where the one
    allows depends on the other); `boxes` the whole, as a union of products of sets; `constraints` what each layer asks.
    """

    def __init__(
        self,
        net: Network,
        name: str,
        axes: tuple[str, ...],
        constraints: tuple[Constraint, ...],
        outputs: dict[str, Any],
    ):
        self._net, self._input = net, name
        self._names = axes
        self.constraints = constraints
        self.outputs = outputs  # of every layer, the shape as a function of the sides
        self.boxes: tuple[Box, ...] = tuple(_solved(constraints, axes))

    def __contains__(self, sides: object) -> bool:
        if not isinstance(sides, tuple) or len(sides) != len(self._names):
            raise ValueError(f"sizes are {len(self._names)} numbers here, ({', '.join(self._names)})")
        return any(all(side in sizes for side, sizes in zip(sides, box, strict=True)) for box in self.boxes)

    def __bool__(self) -> bool:
        return bool(self.boxes)

    @property
    def axes(self) -> tuple[SizeSet, ...] | None:
        """The sizes of each axis, where they are independent."""
        if not self.boxes:
            return tuple(SizeSet() for _ in self._names)
        return self.boxes[0] if len(self.boxes) == 1 else None

    @property
    def square(self) -> SizeSet:
        """The sizes that work for all axes at once."""
        result = SizeSet()
        for first, *others in self.boxes:
            for sizes in others:
                first = first & sizes
            result = result | first
        return result

    def forbidden_by(self, sides: tuple[int, ...]) -> tuple[str, ...]:
        """Return the layers that refuse these sizes; what only follows from them is not among them."""
        shape = (*(self._net.inputs[self._input] or ())[:1], *sides)
        shapes = {name: shape if name == self._input else declared for name, declared in self._net.inputs.items()}
        report = self._net.check(input={name: given for name, given in shapes.items() if given})
        return tuple(row.name for row in report.layers if row.result.refusals)

    def contradiction(self) -> tuple[str, ...]:
        """Return a smallest set of layers that leave no size, nothing where there are sizes."""
        if self.boxes:
            return ()
        for count in (1, 2):
            for some in combinations(self.constraints, count):
                if not _solved(some, self._names):
                    return tuple(constraint.layer for constraint in some)
        needed = list(self.constraints)
        for constraint in self.constraints:
            without = [other for other in needed if other is not constraint]
            if not _solved(without, self._names):
                needed = without
        return tuple(constraint.layer for constraint in needed)


def valid_sizes(
    net: Network,
    *,
    exact: bool = False,
    output: Sequence[int] | None = None,
    layer: str | None = None,
    input: str | None = None,  # noqa: A002 -- the public name
) -> ValidSizes:
    """Return the input sizes that the net accepts, as it was built at its declared input.

    `exact`: only those at which every window fits, so that no layer drops a row. `output`: only those that give these
    sides at the net's (last) output, or at `layer`. `input` names the input that varies, where there are several and
    they are not declared with the same sides. Raises NoClosedForm where the set cannot be had exactly, ValueError
    where an argument does not suit the net.
    """
    names = _varied(net, input)
    declared = net.inputs[names[0]]
    assert declared is not None
    axes = AXES.get(len(declared) - 1)
    if axes is None:
        raise NoClosedForm(names[0], "an input has at most three spatial axes")
    sides = unknowns(*axes)
    entering = {name: (*shape[:1], *sides) if name in names else shape for name, shape in net.inputs.items() if shape}
    reading = _Reading(net, entering)
    reading.run(exact=exact)
    if output is not None:
        reading.pin(layer, tuple(output))
    outputs = {node.name: shape for node, shape in zip(net.nodes, reading.shapes[-len(net.nodes) :], strict=True)}
    return ValidSizes(net, names[0], axes, tuple(reading.constraints), outputs)


def _varied(net: Network, name: str | None) -> list[str]:
    """Return the inputs whose sides vary, together."""
    if name is not None:
        if name not in net.inputs:
            raise ValueError(f"the net has no input {name!r}; it has {', '.join(net.inputs)}")
        return [name]
    sides = {shape[1:] if shape else None for shape in net.inputs.values()}
    if len(sides) > 1:
        names = ", ".join(net.inputs)
        raise NoClosedForm("", f"the inputs {names} have different sides: say which one varies")
    return list(net.inputs)


class _Reading:
    """Sizes flow through the net; what each layer requires is collected."""

    def __init__(self, net: Network, entering: dict[str, Shape]):
        self.net = net
        self.shapes: list[Shape | None] = [None, *entering.values()]
        self.constraints: list[Constraint] = []
        self.found: list[Condition | bool] = []

    def __call__(self, condition: Any, code: str, **facts: object) -> None:
        """Require a condition: note it; refuse what does not hold whatever the sides are."""
        if condition is True:
            return
        self.found.append(condition if isinstance(condition, Condition) else False)
        if not isinstance(condition, Condition):
            raise Refused

    def run(self, *, exact: bool) -> None:
        known: dict[Any, tuple[Shape | None, tuple[Condition | bool, ...]]] = {}
        for node in self.net.nodes:
            entering = tuple([self.shapes[value] for value in node.inputs])
            key = (node.layer, entering)
            if key not in known:
                known[key] = self.layer(node, entering, exact=exact), tuple(self.found)
            shape, conditions = known[key]
            self.shapes.append(shape)
            if conditions:
                self.constraints.append(Constraint(node.name, conditions))

    def layer(self, node: Node, entering: tuple[Shape | None, ...], *, exact: bool) -> Shape | None:
        """Run one layer; what it requires is in `found`."""
        self.found = []
        layer = node.layer
        if layer is None or UNKNOWN in layer.__dict__.values():
            raise NoClosedForm(node.name, "its numbers are not known: the net fails at its declared input before it")
        if None in entering:
            return None  # behind a layer that refuses every size
        shapes: tuple[Any, ...] = entering
        try:
            layer.enter(self, *shapes)
            y = layer.output(self, *shapes)
            if exact:
                self.exact(layer, shapes[0])
        except Refused:
            return None
        except Unsolvable as error:
            raise NoClosedForm(node.name, str(error)) from None
        return y

    def exact(self, layer: Any, x: Shape) -> None:
        """Require that no window's stride leaves cells of the image over."""
        for w, axis in zip(x[1:], layer.axes(len(x) - 1), strict=True):
            self(layer.lost(w, **axis) <= 0, "dropped-rows")

    def pin(self, layer: str | None, sides: tuple[int, ...]) -> None:
        """Require the sides of the net's last output, or of a layer's."""
        titles = {node.name: value for value, node in enumerate(self.net.nodes, len(self.shapes) - len(self.net.nodes))}
        if layer is not None and layer not in titles:
            raise ValueError(f"the net has no layer {layer!r}")
        name, value = (layer, titles[layer]) if layer else [*self.net.outputs.items()][-1]
        shape = self.shapes[value]
        if shape is None:
            return
        if len(shape) - 1 != len(sides):
            raise ValueError(f"{name} has {len(shape) - 1} sides, and {len(sides)} are asked for: {text(sides)}")
        conditions = [c for side, size in zip(sides, shape[1:], strict=True) for c in (size >= side, size <= side)]
        self.constraints.append(Constraint(name, tuple(c for c in conditions if c is not True)))


def _solved(constraints: Sequence[Constraint], axes: Sequence[str]) -> list[Box]:
    """Return the boxes in which all constraints hold."""
    conditions = [(constraint.layer, condition) for constraint in constraints for condition in constraint.conditions]
    if any(condition is False for _, condition in conditions):
        return []
    try:
        return solve([condition for _, condition in conditions if isinstance(condition, Condition)], axes)
    except Unsolvable as error:
        raise NoClosedForm(constraints[-1].layer, str(error)) from None
