"""The ways of numbers through a net that has been run: from one axis of a value back to the layer that decides its size.

A net and its report come in. A trail goes out, with the scale of every layer on it; two trails part behind their nearest
common ancestor.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.diagnosis.limits import MOST_LEGS, Exhausted
from cnnshape.layers.base import Layer, attempt
from cnnshape.layers.rearranging import Flatten, Reshape
from cnnshape.network.arithmetic import index_in
from cnnshape.network.requirements import NoClosedForm
from cnnshape.numbers.effort import Effort
from cnnshape.numbers.rules import Refused
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.diagnosed import Cause, Link
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import Place

PROBE: Final = 5040  # a side that all strides in use divide
LONGEST: Final = 2**20  # a side beyond it is no answer to anybody
DECIDING: Final = frozenset(
    ["out_channels", "out_features", "hidden_size", "out_shape"]
)  # settings with the channels of a result


class Leg(NamedTuple):
    """One axis of a value on a trail: its size, and its scale from the leg before; the first leg has none before it."""

    value: int
    axis: int  # 0 is the channels
    size: int
    scale: Fraction = Fraction(1)
    source: tuple[int, int] | None = None  # the value and the axis of the leg before
    taken: bool = False  # the size is taken from another layer, as `like` names it

    @property
    def at(self) -> tuple[int, int]:
        return self.value, self.axis


Trail = tuple[Leg, ...]  # from the leg that decides the size to the end


class Ways:
    """The ways through one net, with the shape of every value."""

    def __init__(self, net: Network, report: Report):
        self.net, self.report = net, report
        inputs = [report.inputs.get(name) for name in net.inputs]
        self.shapes: list[Shape | None] = [None, *inputs, *(row.result.output for row in report.layers)]
        self.names = ["?", *net.inputs, *(row.name for row in report.layers)]
        self.values = {name: value for value, name in enumerate(self.names) if value > len(inputs)}
        self.legs: dict[tuple[int, int], Leg] = {}
        self.traced: dict[int, tuple[tuple[Shape, ...], Shape | None]] = {}
        self.effort = Effort(MOST_LEGS, Exhausted)

    def row(self, value: int) -> LayerReport | None:
        """Return the row of the node that makes a value; None of an input."""
        index = value - 1 - len(self.net.inputs)
        return self.report.layers[index] if index >= 0 else None

    def node(self, value: int) -> Node | None:
        row = self.row(value)
        return row.node if row else None

    def named(self, name: str) -> LayerReport | None:
        return self.row(self.values[name]) if name in self.values else None

    def called(self, value: int) -> str:
        """Return the name of a value in a sentence: conv1, the input, the input left."""
        name = self.names[value]
        if value > len(self.net.inputs):
            return name
        return "the input" if name == "input" else f"the input {name}"

    def shape(self, value: int) -> Shape:
        return self.shapes[value] or ()

    @cached_property
    def sizes(self) -> ValidSizes | None:
        """The valid sizes of the net; None where there is no closed form."""
        try:
            return self.net.valid_sizes()
        except NoClosedForm:
            return None

    def impossible(self, row: LayerReport) -> bool:
        """Say whether no sides of the net's one input meet the conditions of a layer; False where that is not known."""
        if self.sizes is None or len(self.net.inputs) > 1:
            return False
        try:
            return self.sizes.contradiction() == (row.name,)
        except NoClosedForm:
            return False

    @cached_property
    def readers(self) -> dict[int, list[Node]]:
        """The nodes that each value enters."""
        found: dict[int, list[Node]] = {}
        for node in self.net.nodes:
            for value in dict.fromkeys(node.inputs):
                found.setdefault(value, []).append(node)
        return found

    # Trails

    def trail(self, value: int, axis: int) -> Trail:
        """Return the trail of an axis of a value, from the input or the layer that decides its size."""
        legs = [self._leg(value, axis)]
        while legs[-1].source:
            legs.append(self._leg(*legs[-1].source))
        return tuple(reversed(legs))

    def _leg(self, value: int, axis: int) -> Leg:
        """Return the leg of an axis of a value; its source is None where the layer decides the size. Raises Exhausted."""
        if (value, axis) not in self.legs:
            self.effort.spend(1)
            self.legs[value, axis] = self._made(value, axis)
        return self.legs[value, axis]

    def _made(self, value: int, axis: int) -> Leg:
        row, leg = self.row(value), Leg(value, axis, self.shape(value)[axis])
        if row is None or row.node.layer is None or None in row.input_shapes or self.shape(value)[axis] is UNKNOWN:
            return leg
        layer, joined = row.node.layer, len(row.node.joined)
        traced, output = self._traced(value, row)
        if not output or output[axis] is UNKNOWN:
            return leg
        number = output[axis]
        for place, (source, shape) in enumerate(zip(row.node.inputs, traced, strict=True)):
            index = index_in(number, shape)
            if index is not None:
                return leg._replace(source=(source, index), taken=place >= joined)
        scale = self._scale(row, axis) if axis and layer.keeps_rank and len(row.inputs) == 1 else Fraction(0)
        return leg._replace(source=(row.node.inputs[0], axis), scale=scale) if scale else leg

    def _traced(self, value: int, row: LayerReport) -> tuple[tuple[Shape, ...], Shape | None]:
        """Return the inputs of a row's layer as numbers of their own, and what it makes of them; once for all axes."""
        if value not in self.traced:
            entering = tuple(tuple(map(_own, shape)) for shape in row.input_shapes if shape is not None)
            self.traced[value] = entering, _output(row, entering)
        return self.traced[value]

    def _scale(self, row: LayerReport, axis: int) -> Fraction:
        """Return the factor by which a layer scales a side in the long run; 0 of a layer that sets it."""
        one, two = (self.side(row, axis, side) for side in (PROBE, 2 * PROBE))
        return Fraction(two - one, PROBE)

    def side(self, row: LayerReport, axis: int, side: int) -> int:
        """Return the side that comes of a layer where another one enters, 0 where it does not fit."""
        shape = row.input_shapes[0] or ()
        layer = row.node.layer
        if layer is not None and axis and type(layer).output is Layer.output:  # each axis by itself
            made = attempt(layer.side, side, _refuse, **layer.axes(len(shape) - 1)[axis - 1])
            return 0 if made is UNKNOWN else made
        output = _output(row, ((*shape[:axis], side, *shape[axis + 1 :]), *row.input_shapes[1:]))
        return output[axis] if output and output[axis] is not UNKNOWN else 0

    def parted(self, one: tuple[int, int], other: tuple[int, int]) -> tuple[Trail, Trail, bool]:
        """Return two trails from their nearest common ancestor on, and whether there is one; whole ones, if not."""
        first, second = self.trail(*one), self.trail(*other)
        places = {leg.at: place for place, leg in enumerate(first)}
        for place in range(len(second) - 1, -1, -1):
            if second[place].at in places:
                return first[places[second[place].at] :], second[place:], True
        return first, second, False

    def of_input(self, leg: Leg) -> bool:
        """Say whether a leg is of an input of the net."""
        return 0 < leg.value <= len(self.net.inputs)

    def merged(self, value: int) -> LayerReport | None:
        """Return the row of the layer that makes a flat vector of a map, if a value is such a vector."""
        row = self.row(self.trail(value, 0)[0].value)
        if row is None or not isinstance(row.node.layer, Flatten | Reshape):
            return None
        return row if len(row.output or ()) == 1 < len(row.inputs[0] or ()) else None

    # Links

    def links(self, trail: Iterable[Leg], *, whole: bool = False) -> tuple[Link, ...]:
        """Return the links of a trail: where the sides change; where `whole` the shape does, channels first."""
        found: list[Link] = []
        for leg in trail:
            shape = self.shape(leg.value)
            sides = shape if whole else shape[1:] or shape
            if not found or found[-1].sides != sides:
                found.append(Link(self.names[leg.value], sides))
        return tuple(found)

    def back(self, value: int) -> Iterator[int]:
        """Yield a value, and those that it comes from by the first input of each layer, to the net's input."""
        while value:
            yield value
            node = self.node(value)
            value = node.inputs[0] if node else 0

    def decider(self, value: int) -> int:
        """Return the value whose layer decides the channels of this one: a conv, a concat, the net's input."""
        while True:
            value = self.trail(value, 0)[0].value
            node = self.node(value)
            if node is None or node.layer is None or node.layer.stacks or not node.layer.keeps_rank:
                return value
            if node.layer.parameters.keys() & DECIDING and not self.follows(node):
                return value
            value = node.inputs[0]

    def follows(self, node: Node) -> bool:
        """Say whether a layer's channels are an expression of those that enter."""
        written = data_at(node.place).get("out_channels")
        return isinstance(written, str) and "in_channels" in written

    def cause(self, layer: str | None, code: str, message: str, **facts: Any) -> Cause:
        """Return a cause, with the place of its layer."""
        place = self.net.at("input" if "input" in self.net.inputs else "inputs")
        row = (self.named(layer) or self.named(self.net.within(layer)[0])) if layer else None
        if row:
            place = row.node.place if row.name == layer else row.node.used_at[-1]
        return Cause(layer, code, message, facts=facts, place=place)

    # Sizes of the input

    def span(self, trail: Trail, size: int) -> tuple[int, int] | None:
        """Return the first and the last side of the input at which a trail from it ends with this size; None for none."""

        def reached(side: int) -> int:
            return self.replayed(trail, side)[-1]

        now, end = trail[0].size, trail[-1].size
        factor = scale(trail)
        period = int(1 / factor) if 0 < factor < 1 else 1
        low = _least(lambda side: reached(side) >= size, now * size // end if end else now, period)
        if low is None or reached(low) != size:
            return None
        past = _least(lambda side: reached(side) > size, low + period)
        return low, (past or LONGEST) - 1

    def replayed(self, trail: Trail, side: int) -> list[int]:
        """Return the sizes of all legs for another size of the first; 0 from a layer on that it does not fit."""
        found = [side]
        for leg in trail[1:]:
            row = self.row(leg.value)
            changed = side and row and len(row.inputs) == 1 and row.output != row.inputs[0]
            side = self.side(row, leg.axis, side) if changed and row else side
            found.append(side)
        return found


class _Own(int):
    """A number that is itself alone: what is computed from it is another, though it may be as large."""


def _own(number: Any) -> Any:
    return number if number is UNKNOWN else _Own(number)


def _output(row: LayerReport, entering: tuple[Any, ...]) -> Shape | None:
    """Return what a row's layer makes of other inputs, as many axes as it has; None where it refuses them as a whole."""
    layer = row.node.layer
    assert layer is not None
    try:
        return layer.output(_refuse, *entering)
    except Refused:
        return None


def _refuse(condition: Any, code: str, **facts: object) -> None:  # noqa: ARG001 -- as Require has it
    """Refuse a condition that does not hold; nobody asks which."""
    if not condition:
        raise Refused


def _least(holds: Callable[[int], bool], guess: int, step: int = 1) -> int | None:
    """Return the least side for which a condition holds that goes on to hold, looked for about a guess.

    `step` is about how far the guess may be off. None beyond LONGEST.
    """
    high = min(max(guess, 1), LONGEST)
    if holds(high):
        low = high - step
        while low > 0 and holds(low):
            step, high = 2 * step, low
            low = high - step
        low = max(low, 0)
    else:
        low, high = high, high + step
        while not holds(high):
            if high > LONGEST:
                return None
            step, low = 2 * step, high
            high = low + step
    while high - low > 1:  # it holds at high, and not at low
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high


def data_at(place: Place) -> dict[str, Any]:
    """Return the table of the file at a place; an empty one for a bare word."""
    data = value_at(place.source.data, place.path)
    return data if isinstance(data, dict) else {}


def steps_beside(place: Place) -> list[dict[str, Any]]:
    """Return the tables of all layers and uses in the list that a place is in."""
    steps = value_at(place.source.data, place.path[:-1]) or ()  # none in a program's code
    return [step for step in steps if isinstance(step, dict)]


def scale(trail: Iterable[Leg]) -> Fraction:
    """Return the factor between the ends of a trail, its first leg's own left out."""
    _, *legs = trail
    return prod((leg.scale for leg in legs), start=Fraction(1))
