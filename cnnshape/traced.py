"""Traced, a number that remembers its own arithmetic: (227 - 11 + 2*0)/4 + 1."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

Operand = Any  # an int, a float or a Traced

SUM, PRODUCT, ATOM = 1, 2, 3  # how tightly a text binds


class Traced:
    """A number with its text in two writings: with the names of the quantities, and with their values.

    It compares as its value does. Two identities keep the text as one would write it: 1*x = x, and (x - 1) + 1 = x;
    without them a window without dilation would read 1*(11 - 1) + 1.
    """

    __slots__ = ("binds", "inner", "named", "text", "value")

    def __init__(self, value: int, named: str = "", text: str = "", binds: int = ATOM, inner: Traced | None = None):
        """Make a leaf (a value, and its name where it has one), or a result (value, texts, binding)."""
        self.value = value
        self.text = text or str(value)
        self.named = named or self.text
        self.binds = binds
        self.inner = inner  # of x - 1, the x

    def __add__(self, other: Operand) -> Traced:
        """Return x for (x - 1) + 1 and for x + 0."""
        if other == 1 and self.inner is not None and not isinstance(other, Traced):
            return self.inner
        if other == 0 and not isinstance(other, Traced):
            return self
        return _join(self, "+", other, SUM, operator.add)

    def __radd__(self, other: Operand) -> Traced:
        return self if other == 0 else _join(other, "+", self, SUM, operator.add)

    def __sub__(self, other: Operand) -> Traced:
        result = _join(self, "-", other, SUM, operator.sub)
        if other == 1 and not isinstance(other, Traced):
            result.inner = self
        return result

    def __rsub__(self, other: Operand) -> Traced:
        return _join(other, "-", self, SUM, operator.sub)

    def __mul__(self, other: Operand) -> Traced:
        """Return x for 1*x."""
        if self.value == 1 and isinstance(other, Traced):
            return other
        return _join(self, "*", other, PRODUCT, operator.mul)

    def __rmul__(self, other: Operand) -> Traced:
        return self if other == 1 else _join(other, "*", self, PRODUCT, operator.mul)

    def __floordiv__(self, other: Operand) -> Traced:
        """Write a division that leaves something over as floor(...)."""
        return _join(self, "/", other, PRODUCT, operator.floordiv)

    def __rfloordiv__(self, other: Operand) -> Traced:
        return _join(other, "/", self, PRODUCT, operator.floordiv)

    def __mod__(self, other: Operand) -> Traced:
        return _join(self, "mod", other, PRODUCT, operator.mod)

    def __neg__(self) -> Traced:
        return _join(0, "-", self, SUM, operator.sub)

    def __floor__(self) -> Traced:
        return Traced(math.floor(self.value), f"floor({self.named})", f"floor({self.text})")

    def __lt__(self, other: Operand) -> bool:
        return self.value < _value(other)

    def __le__(self, other: Operand) -> bool:
        return self.value <= _value(other)

    def __gt__(self, other: Operand) -> bool:
        return self.value > _value(other)

    def __ge__(self, other: Operand) -> bool:
        return self.value >= _value(other)

    def __eq__(self, other: object) -> bool:
        return self.value == _value(other)

    def __hash__(self) -> int:
        return hash(self.value)

    def __index__(self) -> int:
        return self.value

    def __repr__(self) -> str:
        return self.text if self.text == str(self.value) else f"{self.text} = {self.value}"


def _value(number: Operand) -> Any:
    return number.value if isinstance(number, Traced) else number


def _join(left: Operand, symbol: str, right: Operand, binds: int, compute: Callable[[Any, Any], Any]) -> Traced:
    value = compute(_value(left), _value(right))
    sign = symbol if symbol in "*/" else f" {symbol} "
    named, text = (
        f"{_side(left, writing, binds)}{sign}{_side(right, writing, binds + (symbol not in '+*'))}"
        for writing in ("named", "text")
    )
    if symbol == "/" and value * _value(right) != _value(left):
        return Traced(value, f"floor({named})", f"floor({text})")
    return Traced(value, named, text, binds)


def _side(number: Operand, writing: str, binds: int) -> str:
    if not isinstance(number, Traced):
        return str(number)
    text: str = getattr(number, writing)
    return text if number.binds >= binds else f"({text})"
