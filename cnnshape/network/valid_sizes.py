"""The input sizes that a net accepts, exactly: `valid_sizes` makes the set of a graph, ValidSizes answers about it."""

from __future__ import annotations

from functools import cached_property, reduce
from typing import TYPE_CHECKING, Any, Final

from cnnshape.network.flow import inputs_at, run
from cnnshape.network.requirements import NoClosedForm, Reading, closed_form, solved
from cnnshape.numbers.boxes import covered, union, words
from cnnshape.numbers.shape import is_count
from cnnshape.numbers.sizeset import SizeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cnnshape.network.constraints import Constraint
    from cnnshape.network.graph import Graph
    from cnnshape.numbers.boxes import Box
    from cnnshape.numbers.shape import Shape

AXES: Final = {1: ("w",), 2: ("h", "w"), 3: ("d", "h", "w")}  # the names of the spatial axes, by their number


class ValidSizes:
    """The sizes of an input, without its channels, that a net accepts: `(h, w) in sizes`.

    `boxes` is the set, a union of boxes with one SizeSet for each axis; `names` has the axes, `varied` the inputs whose
    sides they are. `outputs` has the output of every layer as a function of the sides: str(sizes.outputs["conv1"][1]).
    That a tensor may have too many elements for torch is not considered.
    """

    def __init__(self, net: Graph, varied: list[str], names: tuple[str, ...], reading: Reading):
        self._net, self._exact = net, reading.exact
        self.varied, self.names = varied, names
        self.outputs: dict[str, Shape | None] = reading.outputs()
        self._required, self._effort = reading.required, reading.effort
        self.boxes = tuple(solved(self._required, names, self._effort))

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

    @cached_property
    def axes(self) -> tuple[SizeSet, ...] | None:
        """The sizes of each axis, where they are independent; None where the sizes of one depend on another's."""
        if not self.boxes:
            return (SizeSet(),) * len(self.names)
        with closed_form():
            box = tuple(union(sets, self._effort) for sets in zip(*self.boxes, strict=True))
            return box if covered([box], self.boxes, self._effort) else None

    @cached_property
    def square(self) -> SizeSet:
        """The sizes that work for all axes at once. Raises NoClosedForm where that is a set of too many spans."""
        with closed_form():
            return union((self._all(box) for box in self.boxes), self._effort)

    def _all(self, box: Box) -> SizeSet:
        """Return the sizes that are in every set of a box."""
        return reduce(lambda one, other: one.common(other, self._effort.spend), box)

    def below(self, sides: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the nearest valid sizes, none larger; equal sides stay equal. None where there are none."""
        return max(self._moved(sides, SizeSet.previous), key=sum, default=None)

    def above(self, sides: tuple[int, ...]) -> tuple[int, ...] | None:
        """Return the nearest valid sizes, none smaller; equal sides stay equal. None where there are none."""
        return min(self._moved(sides, SizeSet.next), key=sum, default=None)

    def _moved(self, sides: tuple[int, ...], step: Callable[[SizeSet, int], Any]) -> Iterable[tuple[int, ...]]:
        """Yield the valid sizes of each box that are nearest in one direction."""
        sides = self._sides(sides)
        equal = len(set(sides)) == 1
        for box in [(self.square,) * len(sides)] if equal else self.boxes:
            found = tuple(side if side in sizes else step(sizes, side) for side, sizes in zip(sides, box, strict=True))
            if None not in found:
                yield found

    # Why

    def forbidden_by(self, sides: tuple[int, ...]) -> tuple[str, ...]:
        """Return the layers that refuse these sizes, without layers that only fail behind them.

        For exact sizes, layers that drop a row count as well. A requested output that does not come out has its name
        among the constraints.
        """
        if sides in self:
            return ()
        inputs = self._net.inputs.items()
        shapes = {
            name: (*shape[:1], *sides) if name in self.varied else shape for name, shape in inputs if shape is not None
        }
        rows = run(self._net, inputs_at(self._net, shapes)).rows
        refusing = tuple(row.name for row in rows if row.result.refusals or (self._exact and any(row.dropped)))
        return refusing or (self._required[-1][0],)

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """The requirements that cannot be left out, the cheapest first, with the sizes that each leaves.

        Of an empty set they are the fewest that leave no size, unless these take too long to find. Raises NoClosedForm
        where the conditions of one layer have no closed form by themselves.
        """
        from cnnshape.network.constraints import constraints  # of a claim, nobody asks

        return constraints(self._required, self.names, empty=not self.boxes)

    def contradiction(self) -> tuple[str, ...]:
        """Return the layers of the constraints that leave no size, nothing where there are sizes."""
        return () if self.boxes else tuple(constraint.layer for constraint in self.constraints)


def valid_sizes(  # noqa: PLR0913 -- the public options
    net: Graph,
    *,
    exact: bool = False,
    output: Sequence[int | None] | None = None,
    same: bool = False,
    layer: str | None = None,
    input: str | None = None,  # noqa: A002 -- the public name
) -> ValidSizes:
    """Return the input sizes that the net accepts, as it was built at its declared input: see Network.valid_sizes."""
    varied = _varied(net, input)
    rank = len(net.inputs[varied[0]] or ()) - 1
    names = AXES.get(rank) or tuple(f"x{axis}" for axis in range(1, rank + 1))
    reading = Reading(net, varied, names, exact=exact)
    reading.run()
    if output is not None:
        if same:
            raise ValueError("the output cannot be asked to be the input, and to have other sides")
        if not isinstance(output, tuple | list) or not all(side is None or is_count(side, 1) for side in output):
            raise ValueError(f"output must be sides, as (6, 6), or None for one that is free, not {output!r}")
        reading.pin(layer, tuple(output))
    elif same:
        reading.pin(layer, None)
    elif layer is not None:
        raise ValueError("a layer is named, but not what its output is to be")
    return ValidSizes(net, varied, names, reading)


def square_sizes(net: Graph) -> SizeSet:
    """Return the sizes that work for all axes at once, `valid_sizes(net).square`, in half its time. Raises NoClosedForm."""
    varied = _varied(net, None)
    name = AXES[1][0]  # one unknown for all axes
    reading = Reading(net, varied, (name,) * (len(net.inputs[varied[0]] or ()) - 1), exact=False)
    try:
        reading.run()
        boxes = solved(reading.required, (name,), reading.effort)
        with closed_form():
            return union((sizes for (sizes,) in boxes), reading.effort)
    except NoClosedForm:  # of what depends on one of two axes
        return valid_sizes(net).square


def _varied(net: Graph, name: str | None) -> list[str]:
    """Return the inputs whose sides vary, together: the named one, or all, which must have the same sides."""
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
