"""Traced, a number that remembers its own arithmetic: (227 - 11 + 2*0)/4 + 1."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Operand = Any  # an int, a float or a Traced

LOOSE, SUM, PRODUCT, ATOM = range(4)  # how tightly the loosest operator of a text binds


class Writing(NamedTuple):
    """Arithmetic as a person writes it."""

    written: str
    binds: int = ATOM

    def within(self, binds: int) -> str:
        """Write it as an operand that has to bind so tightly; a negative number always stands in brackets."""
        return f"({self.written})" if self.binds < binds or self.written.startswith("-") else self.written

    def floor(self) -> Writing:
        return Writing(f"floor({self.written})")


Writings = tuple[Writing, Writing]  # in the names of the quantities, and in numbers


class Operator(NamedTuple):
    """What an operator computes, and how tightly its result, its left and its right operand bind."""

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

    A division that leaves something over is a floor(...); in names, that of a sum always is, since in general it does.
    What nobody would write is left out: a plain 1 as a factor or divisor, which comes from the code of a rule; a 0
    that is added or taken away as it is; a quantity of 1 that divides another (groups); and dilation 1, the
    1*(x - 1) + 1 of a window. It compares as its value does, so that min and max choose, and the choice is remembered.
    """

    __slots__ = ("inner", "value", "writings")

    def __init__(self, value: float, name: str = "", *, writings: Writings | None = None):
        """Make a quantity, with its name; or what arithmetic gives, with both writings."""
        self.value: Any = value
        self.writings = writings or (Writing(name or str(value)), Writing(str(value)))
        self.inner: Traced | None = None  # of x - 1 and 1*(x - 1), the x

    @property
    def named(self) -> str:
        return self.writings[0].written

    @property
    def text(self) -> str:
        return self.writings[1].written

    @property
    def computed(self) -> bool:
        """Whether there is arithmetic in it."""
        return self.text != str(self.value)

    def __add__(self, other: Operand) -> Any:
        if self.inner is not None and _plain(other, 1):
            return self.inner
        if _quantity(self, 0) and isinstance(other, Traced):
            return other
        return self if _quantity(other, 0) else _join(ADD, self, other)

    def __radd__(self, other: Operand) -> Any:
        return self if other == 0 else _join(ADD, other, self)

    def __sub__(self, other: Operand) -> Any:
        result = self if _quantity(other, 0) else _join(SUBTRACT, self, other)
        if _plain(other, 1):
            result.inner = self
        return result

    def __rsub__(self, other: Operand) -> Any:
        return _join(SUBTRACT, other, self)

    def __mul__(self, other: Operand) -> Any:
        result = self if _plain(other, 1) else _join(MULTIPLY, self, other)
        if _quantity(self, 1) and isinstance(other, Traced):
            result.inner = other.inner
        return result

    def __rmul__(self, other: Operand) -> Any:
        return self if _plain(other, 1) else _join(MULTIPLY, other, self)

    def __floordiv__(self, other: Operand) -> Any:
        one = _plain(other, 1) or (_quantity(other, 1) and not self.computed)
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


def _plain(number: Operand, value: int) -> bool:
    """Say whether it is a number of the rule's own code, of that value."""
    return isinstance(number, int) and number == value


def _quantity(number: Operand, value: int) -> bool:
    """Say whether it is of that value, and no arithmetic has led there."""
    return not number.computed and number.value == value if isinstance(number, Traced) else _plain(number, value)


def value_of(number: Operand) -> Any:
    """Return the number itself, without its arithmetic."""
    return number.value if isinstance(number, Traced) else number


def _writings(number: Operand) -> Writings:
    return number.writings if isinstance(number, Traced) else (Writing(str(number)), Writing(str(number)))


def _join(by: Operator, left: Operand, right: Operand) -> Any:
    value = by.compute(value_of(left), value_of(right))
    if not isinstance(value, int | float):
        return value  # behind a failure nothing is known, and there is nothing to remember
    named, text = (
        Writing(f"{one.within(by.left)}{by.sign}{other.within(by.right)}", by.binds)
        for one, other in zip(_writings(left), _writings(right), strict=True)
    )
    if by is DIVIDE:
        exact = value * value_of(right) == value_of(left)
        named = named if exact and _writings(left)[0].binds > SUM else named.floor()
        text = text if exact else text.floor()
    return Traced(value, writings=(named, text))
