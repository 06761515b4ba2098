"""The values of expressions, and their exact arithmetic: 0.29 * 100 is 29, and 1 / 3 * 3 is 1.

In: numbers, and what an operator or a function does with them. Out: an int, or a Fraction where the result is no whole
number; NoResult where there is none, or none within the bounds. A real number of TOML is its decimal text. `fractions` is
imported for the first fraction: most files have none.
"""

from __future__ import annotations

import operator
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from cnnshape.problems import expressions

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from cnnshape.problems.expressions import BadExpression

    Number = int | Fraction
    Value = int | Fraction | float | bool | tuple[Any, ...]  # a tuple is a list of the file, with values in it

MAX_NUMBER: Final = 2**63  # either side of zero: every integer of TOML fits, and arithmetic stays instant
MAX_DENOMINATOR: Final = 2**128  # 38 decimal places


class NoResult(ArithmeticError):  # noqa: N818 -- it says what an operation has
    """An operation has no result for these numbers: the class of the problem, and its facts."""

    def __init__(self, kind: type[BadExpression], **facts: Any) -> None:
        super().__init__(kind, facts)
        self.kind, self.facts = kind, facts


def kind(value: Value) -> str:
    """Name a value's kind, for people."""
    if isinstance(value, bool):
        return "truth value"
    if isinstance(value, tuple):
        return "list"
    return "whole number" if isinstance(value, int) else "number"


def decimal(text: str) -> Number:
    """Return the number that a text writes in decimals. Raises NoResult."""
    from fractions import Fraction

    return bounded(Fraction(text))


def exact(number: float | Fraction) -> Number:
    """Return a finite number exactly: a real number of TOML is its decimal text. Raises NoResult."""
    return decimal(repr(number)) if isinstance(number, float) else bounded(number)


def bounded(number: Number) -> Number:
    """Return a number, as an int where it is whole. Raises NoResult beyond the bounds."""
    if not -MAX_NUMBER <= number <= MAX_NUMBER:
        raise NoResult(expressions.NumberTooLarge)
    if number.denominator > MAX_DENOMINATOR:
        raise NoResult(expressions.FractionTooFine)
    return number.numerator if number.denominator == 1 else number


def as_toml(value: Any) -> Any:
    """Return a value as TOML would have it: a list for a tuple, a float for a fraction."""
    if isinstance(value, (tuple, list)):
        return [as_toml(entry) for entry in value]
    return float(value) if getattr(value, "denominator", 1) != 1 else value


# Operators and functions, by symbol


def _quotient(a: Number, b: Number) -> Number:
    if b == 0:
        raise NoResult(expressions.DivisionByZero)
    from fractions import Fraction

    return Fraction(a) / b


def _divided(divide: Callable[[Number, Number], Number]) -> Callable[[Number, Number], Number]:
    def run(a: Number, b: Number) -> Number:
        if b == 0:
            raise NoResult(expressions.DivisionByZero)
        return divide(a, b)

    return run


def _power(base: Number, exponent: Number) -> Number:
    if not isinstance(exponent, int):
        raise NoResult(expressions.BrokenExponent, exponent=as_toml(exponent))
    if exponent < 0:
        return _power(_quotient(1, base), -exponent)
    # An int of n bits is 2**(n - 1) or more: only powers beyond the bounds are refused, and none is large.
    if (base.denominator.bit_length() - 1) * exponent >= MAX_DENOMINATOR.bit_length():
        raise NoResult(expressions.FractionTooFine)
    most = MAX_NUMBER.bit_length() + (base.denominator != 1) * MAX_DENOMINATOR.bit_length()
    if (abs(base.numerator).bit_length() - 1) * exponent >= most:
        raise NoResult(expressions.NumberTooLarge)
    return base**exponent


ARITHMETIC: Final[dict[str, Callable[[Any, Any], Number]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": _quotient,
    "//": _divided(operator.floordiv),
    "%": _divided(operator.mod),
    "**": _power,
}
SIGNS: Final[dict[str, Callable[[Any], Number]]] = {"+": operator.pos, "-": operator.neg}
EQUALITY: Final[dict[str, Callable[[Value, Value], bool]]] = {"==": operator.eq, "!=": operator.ne}
ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FUNCTIONS: Final[dict[str, Callable[[Any], Number]]] = {  # of all numbers given
    "min": min,
    "max": max,
    "round": lambda numbers: round(numbers[0]),  # half to even, as Python
    "floor": lambda numbers: numbers[0] // 1,
    "ceil": lambda numbers: -(-numbers[0] // 1),
}
OF_ONE: Final = {"round", "floor", "ceil"}  # functions of a single number


def finite(value: float) -> bool:
    """Say whether a number is neither infinite nor nan."""
    return not isinstance(value, float) or isfinite(value)
