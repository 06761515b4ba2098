"""The figures of a candidate, by name, for conditions and for the order: its values, its counts, the sides of its shapes.

In: an expression of the file's language, in which names may be dotted. Out: its value for a candidate. Raises ValueError
for an expression that is wrong, or has no value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.expression import parse
from cnnshape.file.grammar import unknown_name
from cnnshape.file.tokens import CONDITIONS, ExpressionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.network.totals import Totals
    from cnnshape.numbers.shape import Shape

COUNTS: Final = ("parameters", "macs")
AXES: Final = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}  # by the number of them
OF_SHAPES: Final = ("channels", "side", *AXES[3], *AXES[1])


class Figures(dict[str, Any]):
    """The scope of one candidate: its own values, and figures of its totals when they are asked for."""

    __slots__ = ("totals",)
    totals: Totals

    def __missing__(self, name: str) -> Any:
        if name in COUNTS:
            return getattr(self.totals, name)
        of, _, axis = name.rpartition(".")
        return figure(of, axis, (self.totals.output if of == "output" else self.totals.inputs[of]) or ())


def figure(of: str, axis: str, shape: Shape) -> int:
    """Return the size of a shape along an axis; `side` is that of all axes of space. Raises ValueError."""
    channels, *sides = shape or (1,)  # a number alone
    names = AXES.get(len(sides), ())
    if axis == "channels":
        found = channels
    elif axis == "side" and len({*sides}) == 1:
        found = sides[0]
    elif axis in names:
        found = sides[names.index(axis)]
    else:
        told = ", ".join(f"{of}.{name} = {size}" for name, size in zip(("channels", *names), shape, strict=False))
        raise ValueError(f"{of}.{axis} is no single number; there is {told or 'none'}")
    return int(found)


class Formula:
    """An expression over the figures of candidates."""

    def __init__(self, written: str, names: Iterable[str], inputs: Iterable[str]):
        shapes = [f"{of}.{axis}" for of in (*inputs, "output") for axis in OF_SHAPES]
        known = [*names, *COUNTS, *shapes]
        try:
            self.expression = parse(written, CONDITIONS)
        except ExpressionError as error:
            raise ValueError(str(error)) from None
        for name in sorted(self.expression.names.difference(known)):
            some = [f"{of}.{axis}" for of in (*inputs, "output") for axis in ("side", "channels")]
            raise ValueError(unknown_name(name, written, [*names, *COUNTS, *some]).message)

    def of(self, values: Mapping[str, Any], totals: Totals) -> Any:
        """Return the value for a candidate. Raises ValueError."""
        scope = Figures(values)
        scope.totals = totals
        try:
            return self.expression.evaluate(scope)
        except ExpressionError as error:
            raise ValueError(str(error)) from None
