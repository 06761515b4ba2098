"""Recorded numbers: ints and floats of a model's own arithmetic, that know how they came from the sides of its tensors.

A model that asks a tensor for its shape gets them. To its code they are numbers as all others; each result of arithmetic
has its expression, and each comparison is a guard: the run goes one way by it.
"""

from __future__ import annotations

import math
import operator
from functools import reduce
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol, SupportsIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


class SideOf(NamedTuple):
    """The size of one axis of a value, counted with the batch, which is mostly axis 0."""

    value: int
    axis: int


class Operation(NamedTuple):
    """An operation on expressions: by a sign of Python's, or neg, abs, floor, ceil, round, trunc, float, max, min."""

    sign: str
    terms: tuple[Expression, ...]


Expression = int | float | SideOf | Operation

BINARY: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}
UNARY: Final[Mapping[str, Callable[[Any], Any]]] = {
    "neg": operator.neg,
    "abs": abs,
    "floor": math.floor,
    "ceil": math.ceil,
    "round": round,
    "trunc": math.trunc,
    "float": float,
}
CHOICES: Final[Mapping[str, Callable[..., Any]]] = {"max": max, "min": min}
COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Sink(Protocol):
    """The recorder that hears of comparisons."""

    def compared(self, sign: str, left: Expression, right: Expression, *, outcome: bool) -> None: ...


def evaluated(expression: Expression, side: Callable[[SideOf], Any]) -> Any:
    """Evaluate an expression at some sides, numbers of any kind. Raises what its arithmetic raises."""
    if isinstance(expression, SideOf):
        return side(expression)
    if not isinstance(expression, Operation):
        return expression
    terms = [evaluated(term, side) for term in expression.terms]
    of_two = CHOICES.get(expression.sign) or BINARY.get(expression.sign)
    return of_two(*terms) if of_two and len(terms) > 1 else UNARY[expression.sign](*terms)


def sides_of(expression: Expression) -> Iterator[SideOf]:
    """Yield the sides in an expression."""
    if isinstance(expression, SideOf):
        yield expression
    elif isinstance(expression, Operation):
        for term in expression.terms:
            yield from sides_of(term)


def expression_of(number: Any) -> Expression:
    """Return the expression of a number; of one that is not recorded, itself."""
    found: Expression = number.expression if isinstance(number, Recorded) else number
    return found


def recorded(value: Any, expression: Expression, sink: Sink) -> Any:
    """Return a number with its expression; a result that is no int or float, as it is."""
    kind = RecordedInt if isinstance(value, int) else RecordedFloat if isinstance(value, float) else None
    if kind is None:
        return value
    number = kind(value)
    number.expression, number.sink = expression, sink
    return number


def chosen(which: str) -> Callable[..., Any]:
    """Return Python's max or min, whose result knows the recorded numbers that it was chosen of, and so what it is at other sides."""
    choose = CHOICES[which]

    def choice(*given: Any, **how: Any) -> Any:
        numbers = given[0] if len(given) == 1 and isinstance(given[0], list | tuple) else given
        result = choose(*given, **how)
        sink = next((number.sink for number in numbers if isinstance(number, Recorded)), None)
        if how or sink is None or not all(isinstance(number, int | float) for number in numbers):
            return result
        expression = reduce(lambda one, other: Operation(which, (one, other)), map(expression_of, numbers))
        return recorded(plain(result), expression, sink)

    return choice


class Recorded:
    """What recorded ints and floats have in common; beside it stands int or float."""

    expression: Expression
    sink: Sink

    def __bool__(self) -> bool:
        return _compare("!=", self, 0)

    def __neg__(self) -> Any:
        return _unary("neg", self)

    def __pos__(self) -> Any:
        return self

    def __abs__(self) -> Any:
        return _unary("abs", self)

    def __floor__(self) -> Any:
        return _unary("floor", self)

    def __ceil__(self) -> Any:
        return _unary("ceil", self)

    def __trunc__(self) -> Any:
        return _unary("trunc", self)

    def __divmod__(self, other: Any) -> Any:
        return self // other, self % other

    def __round__(self, digits: SupportsIndex | None = None) -> Any:
        return _unary("round", self) if digits is None else round(plain(self), digits)


class RecordedInt(Recorded, int):
    """An int with its expression."""

    __hash__ = int.__hash__

    def __reduce__(self) -> Any:
        return int, (plain(self),)


class RecordedFloat(Recorded, float):
    """A float with its expression."""

    __hash__ = float.__hash__

    def __reduce__(self) -> Any:
        return float, (plain(self),)


def plain(number: Any) -> Any:
    """Return a number without its expression."""
    if isinstance(number, RecordedInt):
        return int.__index__(number)
    return float.__float__(number) if isinstance(number, RecordedFloat) else number


def _unary(sign: str, number: Any) -> Any:
    return recorded(UNARY[sign](plain(number)), Operation(sign, (number.expression,)), number.sink)


def _compare(sign: str, one: Any, other: Any) -> bool:
    outcome = COMPARISONS[sign](plain(one), plain(other))
    one.sink.compared(sign, expression_of(one), expression_of(other), outcome=outcome)
    return outcome


def _binary(sign: str, *, swapped: bool) -> Callable[[Any, Any], Any]:
    compute = BINARY[sign]

    def method(self: Any, other: Any) -> Any:
        if not isinstance(other, int | float):
            return NotImplemented
        left, right = (other, self) if swapped else (self, other)
        value = compute(plain(left), plain(right))
        return recorded(value, Operation(sign, (expression_of(left), expression_of(right))), self.sink)

    return method


def _comparison(sign: str) -> Callable[[Any, Any], Any]:
    def method(self: Any, other: Any) -> Any:
        return _compare(sign, self, other) if isinstance(other, int | float) else NotImplemented

    return method


def _give_operators() -> None:
    """Give Recorded the methods of arithmetic and comparison."""
    for sign, function in BINARY.items():
        name = function.__name__
        setattr(Recorded, f"__{name}__", _binary(sign, swapped=False))
        setattr(Recorded, f"__r{name}__", _binary(sign, swapped=True))
    for sign, function in COMPARISONS.items():
        setattr(Recorded, f"__{function.__name__}__", _comparison(sign))


_give_operators()
