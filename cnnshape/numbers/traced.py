"""Traced, a number that remembers its arithmetic: 55, named floor((W - kernel_size + 2*padding)/stride) + 1.

The rules compute with it as with an int; `explain` and `calc` print how a number came about.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Operand = Any  # an int, a float or a Traced

LOOSE, SUM, PRODUCT, ATOM = range(4)  # the precedence of a formula: that of its loosest operator


class Writing(NamedTuple):
    """A formula as people write it, with its precedence."""

    written: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        """Return the formula as an operand: in brackets where it binds too loosely, or begins with a minus."""
        return f"({self.written})" if self.binds < binds or self.written.startswith("-") else self.written

    def floor(self) -> Writing:
        """Return the formula with a floor around it."""
        return Writing(f"floor({self.written})")


Writings = tuple[Writing, Writing]  # of one number: in names, and in numbers


class Operator(NamedTuple):
    """An operator: its sign, its function, and the precedences of its result and of its two operands."""

    sign: str
    compute: Callable[[Any, Any], Any]
    binds: int
    left: int
    right: int


ADD = Operator(" + ", operator.add, SUM, SUM, SUM)
SUBTRACT = Operator(" - ", operator.sub, SUM, SUM, PRODUCT)
MULTIPLY = Operator("*", operator.mul, PRODUCT, PRODUCT, PRODUCT)
DIVIDE = Operator("/", operator.floordiv, PRODUCT, PRODUCT, ATOM)
MODULO = Operator(" mod ", operator.mod, LOOSE, PRODUCT, ATOM)


class Traced:
    """A number with its arithmetic in two writings: `named`, in the names of the quantities, and `text`, in numbers.

    A division with a remainder is written floor(...); in names, so is each division of a sum, which may leave one.
    Arithmetic that changes nothing is left out: a 1 of the rule's own code as a factor or divisor; a 0 added or
    subtracted; a quantity of 1 that divides another (groups); and dilation 1, the 1*(x - 1) + 1 of a window.
    A number compares by its value, so that min and max choose one of two, with its arithmetic.
    """

    __slots__ = ("inner", "value", "writings")

    def __init__(self, value: float, name: str = "", *, writings: Writings | None = None):
        """Make a quantity, given its name, or the result of arithmetic, given both writings."""
        self.value: Any = value
        self.writings = writings or (Writing(name or str(value)), Writing(str(value)))
        self.inner: Traced | None = None  # x, where this is x - 1 or 1*(x - 1)

    @property
    def named(self) -> str:
        return self.writings[0].written

    @property
    def text(self) -> str:
        return self.writings[1].written

    @property
    def computed(self) -> bool:
        """Whether the number is the result of arithmetic."""
        return self.text != str(self.value)

    def __add__(self, other: Operand) -> Any:
        if self.inner is not None and _literal(other, 1):
            return self.inner
        if _bare(self, 0) and isinstance(other, Traced):
            return other
        return self if _bare(other, 0) else _join(ADD, self, other)

    def __radd__(self, other: Operand) -> Any:
        return self if other == 0 else _join(ADD, other, self)

    def __sub__(self, other: Operand) -> Any:
        result = self if _bare(other, 0) else _join(SUBTRACT, self, other)
        if _literal(other, 1):
            result.inner = self
        return result

    def __rsub__(self, other: Operand) -> Any:
        return _join(SUBTRACT, other, self)

    def __mul__(self, other: Operand) -> Any:
        result = self if _literal(other, 1) else _join(MULTIPLY, self, other)
        if _bare(self, 1) and isinstance(other, Traced):
            result.inner = other.inner
        return result

    def __rmul__(self, other: Operand) -> Any:
        return self if _literal(other, 1) else _join(MULTIPLY, other, self)

    def __floordiv__(self, other: Operand) -> Any:
        one = _literal(other, 1) or (_bare(other, 1) and not self.computed)
        return self if one else _join(DIVIDE, self, other)

    def __rfloordiv__(self, other: Operand) -> Any:
        return _join(DIVIDE, other, self)

    def __mod__(self, other: Operand) -> Any:
        return _join(MODULO, self, other)

    def __rmod__(self, other: Operand) -> Any:
        return _join(MODULO, other, self)

    def __floor__(self) -> Traced:
        named, text = self.writings
        return Traced(math.floor(self.value), writings=(named.floor(), text.floor()))

    def __abs__(self) -> Any:
        return self if self.value >= 0 else 0 - self

    def at_least(self, number: Operand) -> Traced:
        return _chosen("max", self, number)

    def at_most(self, number: Operand) -> Traced:
        return _chosen("min", self, number)

    def __lt__(self, other: Operand) -> bool:
        return self.value < value_of(other)

    def __le__(self, other: Operand) -> bool:
        return self.value <= value_of(other)

    def __gt__(self, other: Operand) -> bool:
        return self.value > value_of(other)

    def __ge__(self, other: Operand) -> bool:
        return self.value >= value_of(other)

    def __eq__(self, other: object) -> bool:
        return self.value == value_of(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __index__(self) -> int:
        return self.value

    def as_integer_ratio(self) -> tuple[Traced, int]:
        return self, 1

    def __repr__(self) -> str:
        return f"{self.text} = {self.value}" if self.computed else self.text


def _literal(number: Operand, value: int) -> bool:
    """Say whether a number is a literal of the rule's own code, with this value."""
    return isinstance(number, int) and number == value


def _bare(number: Operand, value: int) -> bool:
    """Say whether a number has this value, and is no result of arithmetic."""
    return not number.computed and number.value == value if isinstance(number, Traced) else _literal(number, value)


def value_of(number: Operand) -> Any:
    """Return the number itself, without its arithmetic."""
    return number.value if isinstance(number, Traced) else number


def _writings(number: Operand) -> Writings:
    """Return both writings of a number; a literal is written the same in both."""
    return number.writings if isinstance(number, Traced) else (Writing(str(number)), Writing(str(number)))


def _chosen(which: str, number: Traced, limit: Operand) -> Traced:
    """Return the larger or the smaller of a number and a limit, with both."""
    choose: Callable[..., Any] = max if which == "max" else min
    named, text = (
        Writing(f"{which}({one.written}, {other.written})")
        for one, other in zip(number.writings, _writings(limit), strict=True)
    )
    return Traced(choose(number.value, value_of(limit)), writings=(named, text))


def _join(by: Operator, left: Operand, right: Operand) -> Any:
    """Return the result of an operator, with its arithmetic."""
    value = by.compute(value_of(left), value_of(right))
    if not isinstance(value, int | float):
        return value  # UNKNOWN: behind a failure there is no arithmetic to remember
    named, text = (
        Writing(f"{one.within(by.left)}{by.sign}{other.within(by.right)}", by.binds)
        for one, other in zip(_writings(left), _writings(right), strict=True)
    )
    if by is DIVIDE:
        exact = value * value_of(right) == value_of(left)
        named = named if exact and _writings(left)[0].binds > SUM else named.floor()
        text = text if exact else text.floor()
    return Traced(value, writings=(named, text))
