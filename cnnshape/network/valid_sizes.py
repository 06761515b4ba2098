"""The input sizes that a net accepts, exactly: unknown sides flow through its layers, and what they require is solved."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property, reduce
from itertools import combinations
from math import prod
from operator import and_, or_
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.network.flow import inputs_at, run
from cnnshape.network.graph import UNRESOLVED
from cnnshape.numbers.rules import Refused, equal
from cnnshape.numbers.shape import is_count, text
from cnnshape.numbers.sizeset import SizeSet, TooManySpans
from cnnshape.numbers.solve import EVERY, Box, covered, meet, parts, solve
from cnnshape.numbers.symbolic import Compared, Condition, Unsolvable, unknowns
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.network.graph import Graph, Node
    from cnnshape.numbers.shape import Shape

AXES: Final = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}  # the names of the spatial axes, by how many there are
MOST_TRIES: Final = 10_000  # products of sizes that are compared in search of a smallest contradiction

Conditions = tuple[Condition | bool, ...]  # False: there are no sides at which it holds


class NoClosedForm(Exception):  # noqa: N818 -- it says what is the case
    """The set of valid sizes has no closed form of ours; `layer` is where that shows, and `reason` says why."""

    def __init__(self, layer: str, reason: str):
        super().__init__(layer, reason)
        self.layer, self.reason = layer, reason

    def __str__(self) -> str:
        return f"{self.layer}: {self.reason}" if self.layer else self.reason


@contextmanager
def _closed_form(layer: str = "") -> Iterator[None]:
    """Raise NoClosedForm, with the layer where that shows, of what has no closed form."""
    try:
        yield
    except (Unsolvable, TooManySpans) as error:
        raise NoClosedForm(layer, str(error)) from None


class Constraint(NamedTuple):
    """What one layer requires of the input's sides, and the boxes in which that holds.

    `left` are the boxes in which the constraints that are named before it hold as well.
    """

    layer: str
    conditions: Conditions
    boxes: tuple[Box, ...]
    left: tuple[Box, ...] = ()

    @property
    def joint(self) -> bool:
        """Whether axes meet in it."""
        return len(self.boxes) > 1 or any(isinstance(condition, Compared) for condition in self.conditions)

    @property
    def cost(self) -> tuple[bool, int]:
        """What is cheap is asked first: of axes alone, of a short period."""
        return self.joint, max((sizes.period for box in self.boxes for sizes in box), default=1)


class ValidSizes:
    """The sizes of an input, without its channels, that a net accepts: `(h, w) in sizes`.

    `boxes` is the set, as a union of products of one SizeSet for each axis; `names` has the axes, `varied` the inputs
    whose sides they are. `outputs` has, of every layer, the shape that comes out as a function of the sides:
    str(sizes.outputs["conv1"][1]). That a tensor may have too many elements for torch is not considered.
    """

    def __init__(self, net: Graph, varied: list[str], names: tuple[str, ...], reading: _Reading):
        self._net, self._exact = net, reading.exact
        self.varied, self.names = varied, names
        self.outputs: dict[str, Shape | None] = reading.outputs()
        self._required = reading.required
        self.boxes = tuple(_solved(self._required, names))

    def __contains__(self, sides: object) -> bool:
        given = self._sides(sides)
        return any(all(side in sizes for side, sizes in zip(given, box, strict=True)) for box in self.boxes)

    def _sides(self, sides: object) -> tuple[int, ...]:
        if not isinstance(sides, tuple | list) or len(sides) != len(self.names):
            raise ValueError(f"sizes are {len(self.names)} numbers here, ({', '.join(self.names)})")
        return tuple(sides)

    def __bool__(self) -> bool:
        return bool(self.boxes)

    def __repr__(self) -> str:
        return f"<ValidSizes: {self}>"

    def __str__(self) -> str:
        """Write the set in words."""
        return words(self.boxes, self.names)

    @property
    def axes(self) -> tuple[SizeSet, ...] | None:
        """The sizes of each axis, where they are independent; None where the one allows what depends on the other."""
        if not self.boxes:
            return (SizeSet(),) * len(self.names)
        with _closed_form():
            box = tuple(reduce(or_, sets) for sets in zip(*self.boxes, strict=True))
            return box if covered([box], self.boxes) else None

    @cached_property
    def square(self) -> SizeSet:
        """The sizes that work for all axes at once. Raises NoClosedForm where that is a set of too many pieces."""
        with _closed_form():
            return reduce(or_, (reduce(and_, box) for box in self.boxes), SizeSet())

    def below(self, sides: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the nearest valid sizes of which none is larger: equal ones for equal ones."""
        return max(self._moved(sides, SizeSet.previous), key=sum, default=None)

    def above(self, sides: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the nearest valid sizes of which none is smaller: equal ones for equal ones."""
        return min(self._moved(sides, SizeSet.next), key=sum, default=None)

    def _moved(self, sides: tuple[int, ...], step: Callable[[SizeSet, int], Any]) -> Iterable[tuple[int, ...]]:
        sides = self._sides(sides)
        equal = len(set(sides)) == 1
        for box in [(self.square,) * len(sides)] if equal else self.boxes:
            found = tuple(side if side in sizes else step(sizes, side) for side, sizes in zip(sides, box, strict=True))
            if None not in found:
                yield found

    # Why

    def forbidden_by(self, sides: tuple[int, ...]) -> tuple[str, ...]:
        """Return the layers that refuse these sizes; what only follows from them is not among them.

        Of exact sizes these are also the layers that drop a row; an output that was asked for and does not come out
        is named as among the constraints.
        """
        if sides in self:
            return ()
        inputs = self._net.inputs.items()
        shapes = {name: (*shape[:1], *sides) if name in self.varied else shape for name, shape in inputs if shape}
        rows = run(self._net, inputs_at(self._net, shapes))
        refusing = tuple(row.name for row in rows if row.result.refusals or (self._exact and any(row.dropped)))
        return refusing or (self._required[-1][0],)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """What the layers ask that matters, the least period first, each with what it leaves of what those before leave.

        Without any one of these the set would be larger. Of an empty set they are the fewest that leave no size; where
        there would be more than MOST_TRIES to try, only some of which none can be left out. Raises NoClosedForm where
        what one layer asks has none by itself.
        """
        needed, before = [], self._everything
        for constraint in self._needed if self.boxes else self._fewest():
            before = _met(constraint, before)
            needed.append(constraint._replace(left=tuple(before)))
        return tuple(needed)

    def contradiction(self) -> tuple[str, ...]:
        """Return the layers of the constraints that leave no size, nothing where there are sizes."""
        return () if self.boxes else tuple(constraint.layer for constraint in self.constraints)

    @cached_property
    def _needed(self) -> list[Constraint]:
        """Return what the layers ask without what follows from the rest."""
        behind = [self._everything]  # what those from each one on have in common
        for constraint in reversed(self._asked):
            behind.append(_met(constraint, behind[-1]))
        before, needed = self._everything, []
        for constraint, others in zip(self._asked, behind[-2::-1], strict=True):
            with _closed_form(constraint.layer):
                spare = covered(meet(before, others), constraint.boxes)
            if not spare:
                needed.append(constraint)
                before = _met(constraint, before)
        return needed

    def _fewest(self) -> Sequence[Constraint]:
        """Return the fewest of what the layers ask that leave no size."""
        needed, tries = self._needed, 0
        for count in range(1, len(needed)):
            for some in combinations(self._asked, count):
                tries += prod(len(constraint.boxes) for constraint in some)
                if tries > MOST_TRIES:
                    return needed
                if not reduce(lambda boxes, constraint: _met(constraint, boxes), some, self._everything):
                    return some
        return needed

    @property
    def _everything(self) -> list[Box]:
        return [(EVERY,) * len(self.names)]

    @cached_property
    def _asked(self) -> list[Constraint]:
        """Return what the layers ask, the cheapest first; once what several ask, and not what every size fulfils."""
        impossible = next(((layer, conditions) for layer, conditions in self._required if False in conditions), None)
        if impossible:
            return [Constraint(*impossible, boxes=())]
        first: dict[Conditions, str] = {}  # layers that are alike have their conditions in common
        for layer, conditions in self._required:
            first.setdefault(conditions, layer)
        asked = {tuple(self._everything)}
        result = []
        for conditions, layer in first.items():
            boxes = tuple(_solved([(layer, conditions)], self.names))
            if boxes not in asked:
                asked.add(boxes)
                result.append(Constraint(layer, conditions, boxes))
        return sorted(result, key=lambda constraint: constraint.cost)


def _met(constraint: Constraint, boxes: Sequence[Box]) -> list[Box]:
    with _closed_form(constraint.layer):
        return meet(constraint.boxes, boxes)


def words(boxes: Iterable[Box], names: Sequence[str]) -> str:
    """Write boxes in words: one set where it is that of each axis, or h 64 to 95 with w 128; or h 128 with w 64."""
    boxes = [*boxes]
    if len(boxes) == 1 and len(set(boxes[0])) == 1:
        return str(boxes[0][0])
    named = ([(name, sizes) for name, sizes in zip(names, box, strict=True) if sizes != EVERY] for box in boxes)
    return "; or ".join(" with ".join(f"{name} {sizes}" for name, sizes in box) for box in named) or "none"


def valid_sizes(
    net: Graph,
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
    varied = _varied(net, input)
    rank = len(net.inputs[varied[0]] or ()) - 1
    names = AXES.get(rank) or tuple(f"x{axis}" for axis in range(1, rank + 1))
    reading = _Reading(net, varied, names, exact=exact)
    reading.run()
    if output is not None:
        if not isinstance(output, tuple | list) or not all(is_count(side, 1) for side in output):
            raise ValueError(f"output must be sides, as (6, 6), not {output!r}")
        reading.pin(layer, tuple(output))
    elif layer is not None:
        raise ValueError("a layer is named, but not what its output is to be")
    return ValidSizes(net, varied, names, reading)


def _varied(net: Graph, name: str | None) -> list[str]:
    """Return the inputs whose sides vary, together."""
    if name is not None and name not in net.inputs:
        raise ValueError(f"the net has no input {name!r}; it has {', '.join(net.inputs)}")
    sides = {name: shape[1:] for name, shape in net.inputs.items() if shape and len(shape) > 1}
    if name is not None:
        sides = {name: sides[name]} if name in sides else {}
    if not sides:
        raise NoClosedForm("", "the input has no sides that could vary")
    if len(set(sides.values())) > 1:
        raise NoClosedForm("", f"the inputs {', '.join(sides)} have different sides: say which one varies")
    return list(sides)


class _Reading:
    """Unknown sides flow through the net; what each layer requires is collected."""

    def __init__(self, net: Graph, varied: list[str], names: tuple[str, ...], *, exact: bool):
        self.net, self.exact = net, exact
        sides = unknowns(*names)
        inputs = net.inputs.items()
        entering = [(*shape[:1], *sides) if shape and name in varied else shape for name, shape in inputs]
        self.shapes: list[Shape | None] = [None, *entering]
        self.required: list[tuple[str, Conditions]] = []
        self.found: list[Condition | bool] = []

    def __call__(self, condition: Any, code: str, **facts: object) -> None:  # noqa: ARG002 -- as every `require`
        """Require a condition: note it; refuse what does not hold whatever the sides are."""
        if condition is True:
            return
        if isinstance(condition, Condition):
            self.found.append(condition)
        elif not condition:
            self.found.append(False)
            raise Refused

    def run(self) -> None:
        known: dict[Any, tuple[Shape | None, Conditions]] = {}
        for node in self.net.nodes:
            entering = tuple([self.shapes[value] for value in node.inputs])
            key = (node.layer, entering)
            found = known.get(key)
            if found is None:
                self.found = []
                found = known[key] = self.layer(node, entering), tuple(self.found)
            shape, conditions = found
            self.shapes.append(shape)
            if conditions:
                self.required.append((node.name, conditions))

    def layer(self, node: Node, entering: tuple[Shape | None, ...]) -> Shape | None:
        """Return what comes out of a layer; what it requires is then in `found`."""
        layer = node.layer
        if layer is None or UNRESOLVED in node.inputs:
            raise NoClosedForm(node.name, "the file is wrong about it")
        if UNKNOWN in layer.__dict__.values():
            raise NoClosedForm(
                node.name, "a number that it leaves out is not known: the declared input fails before it"
            )
        if None in entering:
            return None  # behind a layer that refuses every size
        shapes: tuple[Any, ...] = entering
        try:
            layer.enter(self, *shapes)
            y = layer.output(self, *shapes)
            if self.exact:
                for w, windows, axis in zip(shapes[0][1:], y[1:], layer.axes(len(shapes[0]) - 1), strict=False):
                    self(layer.lost(w, windows, **axis) <= 0, "dropped-rows")
        except Refused:
            return None
        except Unsolvable as error:
            raise NoClosedForm(node.name, str(error)) from None
        return y

    def pin(self, layer: str | None, sides: tuple[int, ...]) -> None:
        """Require the sides of the net's last output, or of a layer's."""
        outputs = self.outputs()
        if layer is not None and layer not in outputs:
            raise ValueError(self.net.several(layer) or f"the net has no layer {layer!r}")
        shape = outputs[layer] if layer is not None else self.shapes[[0, *self.net.outputs.values()][-1]]
        if shape is None:
            return
        if len(shape) - 1 != len(sides):
            count = len(shape) - 1
            has = f"{layer or 'the output'} has {count or 'no'} side{'s' * (count != 1)}"
            raise ValueError(f"{has}, and {text(sides)} is asked for" + ": say at which layer" * (layer is None))
        conditions = [equal(size, side) for side, size in zip(sides, shape[1:], strict=True)]
        self.required.append((f"{layer or 'output'} = {text(sides)}", tuple(c for c in conditions if c is not True)))

    def outputs(self) -> dict[str, Shape | None]:
        first = len(self.shapes) - len(self.net.nodes)
        return {node.name: shape for node, shape in zip(self.net.nodes, self.shapes[first:], strict=True)}


def _solved(required: Sequence[tuple[str, Conditions]], names: Sequence[str]) -> list[Box]:
    """Return the boxes in which everything holds that is required."""
    of = {condition: layer for layer, conditions in reversed(required) for condition in conditions}
    asked = [condition for condition in of if isinstance(condition, Condition)]
    if len(asked) < len(of):
        return []
    try:
        return solve(asked, names)
    except Unsolvable as error:
        at = next(
            (condition for condition in asked if any(part is error.condition for part in parts([condition]))), None
        )
        raise NoClosedForm("" if at is None else of[at], str(error)) from None
