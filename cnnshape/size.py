"""Size, a side as an exact function of one unknown side x; and conditions on sizes, which are solved for x.

A Size is a sum of whole multiples of floors and a constant, such as 2*floor((x + 1)/32) - 1: what + - * // make of x.
Few identities keep it small, so that a chain of convolutions and pools is one floor:

    floor((n*q + r)/n) = q + floor(r/n)                              what divides leaves the floor
    floor((g*a + c)/(g*n)) = floor((a + floor(c/g))/n)               common factors divide out
    floor((floor(a/m) + c)/n) = floor((a + m*c)/(m*n))               nested floors merge

A Size repeats: S(x + period) = S(x) + rise, for every whole x. So a difference of two either keeps its sign from some x
on, or repeats for ever; and a condition on sizes holds on a set with a period.
"""

from __future__ import annotations

from fractions import Fraction
from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_NESTING: Final = 100  # floors within floors that do not merge


class Unsolvable(Exception):  # noqa: N818 -- it says what a form is
    """There is no closed form of ours; the message says why."""


class Unknown(NamedTuple):
    """An unknown side: which axis it is, and the sizes made of it; equal sizes are one object."""

    name: str
    sizes: dict[Any, Size]
    floors: dict[Any, Floor]

    def size(self, terms: Iterable[tuple[Floor, int]], constant: int) -> Any:
        """Return the size with these terms, a plain int where there are none."""
        kept = tuple(sorted(((f, a) for f, a in terms if a), key=lambda term: term[0].order))
        if not kept:
            return constant
        key = (kept, constant)
        found = self.sizes.get(key)
        if found is None:
            found = self.sizes[key] = Size(self, kept, constant)
        return found

    def floor(self, inner: Size | None, divisor: int) -> Floor:
        """Return floor(inner / divisor); of nothing, the unknown itself."""
        found = self.floors.get((inner, divisor))
        if found is None:
            found = self.floors[inner, divisor] = Floor(inner, divisor, len(self.floors))
        return found


def unknown(name: str) -> Size:
    """Return an unknown side."""
    made = Unknown(name, {}, {})
    return made.size([(made.floor(None, 1), 1)], 0)


class Floor:
    """floor(inner / divisor), or the unknown; the value is slope*x, and between low and high more."""

    __slots__ = ("divisor", "high", "inner", "low", "nesting", "order", "period", "rises", "slope")

    def __init__(self, inner: Size | None, divisor: int, order: int):
        self.inner, self.divisor, self.order = inner, divisor, order
        if inner is None:
            self.slope, self.low, self.high, self.period, self.nesting = Fraction(1), Fraction(0), Fraction(0), 1, 0
            self.rises = True
            return
        self.slope = inner.slope / divisor
        self.low = (inner.low - (divisor - 1)) / divisor
        self.high = inner.high / divisor
        rise = int(inner.slope * inner.period)
        self.period = inner.period * (divisor // gcd(divisor, rise))
        self.rises = inner.rises
        self.nesting = inner.nesting + 1
        if self.nesting > MOST_NESTING:
            raise Unsolvable(f"more than {MOST_NESTING} divisions stand in each other and do not merge")

    def at(self, x: int) -> int:
        return x if self.inner is None else self.inner.at(x) // self.divisor

    def text(self, name: str) -> str:
        if self.inner is None:
            return name
        inner = self.inner.text(name)
        return f"floor(({inner})/{self.divisor})" if " " in inner else f"floor({inner}/{self.divisor})"


class Size:
    """A side as a function of the unknown. It has no truth value: a comparison gives a condition."""

    __slots__ = ("constant", "high", "low", "nesting", "period", "rises", "slope", "terms", "unknown")

    def __init__(self, unknown: Unknown, terms: tuple[tuple[Floor, int], ...], constant: int):
        self.unknown, self.terms, self.constant = unknown, terms, constant
        self.slope = sum((f.slope * a for f, a in terms), Fraction(0))
        self.low = sum(((f.low if a > 0 else f.high) * a for f, a in terms), Fraction(constant))
        self.high = sum(((f.high if a > 0 else f.low) * a for f, a in terms), Fraction(constant))
        self.period = lcm(*(f.period for f, _ in terms))
        self.rises = all(f.rises and a > 0 for f, a in terms)  # it never falls
        self.nesting = max(f.nesting for f, _ in terms)

    def at(self, x: int) -> int:
        """Return the size at one x."""
        return sum([f.at(x) * a for f, a in self.terms], self.constant)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            return self.unknown.size(self.terms, self.constant + other)
        if not isinstance(other, Size):
            return NotImplemented
        if other.unknown is not self.unknown:
            raise Unsolvable("sizes of different axes are added")
        terms = dict(self.terms)
        for f, a in other.terms:
            terms[f] = terms.get(f, 0) + a
        return self.unknown.size(terms.items(), self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return self.unknown.size(((f, a * other) for f, a in self.terms), self.constant * other)
        if isinstance(other, float):
            raise Unsolvable(f"a side times {other:g} is rounded in floating point, and not exact")
        return Product.of([self]) * other

    __rmul__ = __mul__

    def __floordiv__(self, n: Any) -> Any:
        if not isinstance(n, int):
            raise Unsolvable("a side is divided by another")
        whole = [(f, a // n) for f, a in self.terms]
        rest = [(f, a % n) for f, a in self.terms if a % n]
        g = gcd(n, *(a for _, a in rest))
        n, constant = n // g, self.constant // g
        outside = self.unknown.size(whole, constant // n)
        if not rest:
            return outside
        (f, a), *more = rest
        if a == g and not more and f.inner is not None:
            return (f.inner + f.divisor * (constant % n)) // (f.divisor * n) + outside
        inner = self.unknown.size([(f, a // g) for f, a in rest], constant % n)
        return self.unknown.size([(self.unknown.floor(inner, n), 1)], 0) + outside

    def __rfloordiv__(self, other: Any) -> Any:
        raise Unsolvable("a number is divided by a side")

    def __mod__(self, n: int) -> Any:
        return self - self // n * n

    def __ge__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Product) else _not_negative(self - other)

    def __le__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Product) else _not_negative(other - self)

    def __gt__(self, other: Any) -> Any:
        return _not_negative(self - other - 1)

    def __lt__(self, other: Any) -> Any:
        return _not_negative(other - self - 1)

    def __bool__(self) -> bool:
        raise TypeError("a size that is not known has no truth value: a rule may only `require` something of it")

    def simpler(self, other: Any) -> Any:
        """Return the simpler of two sizes that are equal, as far as that is required."""
        return min(self, other, key=lambda s: (s.nesting, s.period, len(s.terms))) if isinstance(other, Size) else other

    def text(self, name: str = "x") -> str:
        """Write the size as a formula: 2*floor((x + 1)/32) - 1."""
        parts = [(a, f.text(name) if abs(a) == 1 else f"{abs(a)}*{f.text(name)}") for f, a in self.terms]
        if self.constant:
            parts.append((self.constant, str(abs(self.constant))))
        (a, first), *others = parts
        return f"{'-' if a < 0 else ''}{first}" + "".join(f" {'-' if a < 0 else '+'} {part}" for a, part in others)

    def __repr__(self) -> str:
        return self.text(self.unknown.name)


class Product:
    """A factor times sizes of different axes, as flatten makes; it can be compared with a number."""

    __slots__ = ("factor", "sizes")

    def __init__(self, factor: int, sizes: tuple[Size, ...]):
        self.factor, self.sizes = factor, sizes

    @classmethod
    def of(cls, sizes: Iterable[Size], factor: int = 1) -> Product:
        """Return the product, what all terms of a size have in common taken into the factor."""
        made: list[Size] = []
        for size in sizes:
            common = gcd(size.constant, *(a for _, a in size.terms))
            factor *= common
            made.append(size // common)
        return cls(factor, tuple(made))

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Product(self.factor * other, self.sizes)
        if isinstance(other, Size):
            if any(size.unknown is other.unknown for size in self.sizes):
                raise Unsolvable("a side is multiplied with itself")
            return Product.of([*self.sizes, other], self.factor)
        raise Unsolvable("products of sides are multiplied")

    __rmul__ = __mul__

    def __floordiv__(self, n: Any) -> Any:
        if not isinstance(n, int) or self.factor % n:
            raise Unsolvable("a product of sides is divided")
        return Product(self.factor // n, self.sizes)

    def _sum(self, _: Any) -> Any:
        raise Unsolvable("the product of several sides is used as a size")

    __add__ = __radd__ = __sub__ = __rsub__ = __mod__ = __rfloordiv__ = __gt__ = __lt__ = _sum

    def __ge__(self, other: Any) -> Any:
        return True if self.same(other) else Compared(self, self.number(other), at_least=True)

    def __le__(self, other: Any) -> Any:
        return True if self.same(other) else Compared(self, self.number(other), at_least=False)

    def same(self, other: Any) -> bool:
        return isinstance(other, Product) and (other.factor, other.sizes) == (self.factor, self.sizes)

    def number(self, other: Any) -> int:
        if not isinstance(other, int):
            raise Unsolvable("products of sides are compared with each other")
        return other

    def __bool__(self) -> bool:
        raise TypeError("a product of sizes that are not known has no truth value")

    def text(self, name: str = "") -> str:
        return " * ".join([str(self.factor), *(f"({size.text(size.unknown.name)})" for size in self.sizes)])


class Condition:
    """What must hold of sizes; & and | with others, or with True and False. `axes` are the unknowns in it."""

    __slots__ = ("axes",)

    def __init__(self, axes: frozenset[str]):
        self.axes = axes

    def __and__(self, other: Any) -> Any:
        return (self if other else False) if isinstance(other, bool) else Both(self, other)

    def __or__(self, other: Any) -> Any:
        return (True if other else self) if isinstance(other, bool) else Either(self, other)

    __rand__ = __and__
    __ror__ = __or__

    def __bool__(self) -> bool:
        raise TypeError("a condition on sizes that are not known has no truth value")


class NotNegative(Condition):
    """A size is at least 0."""

    __slots__ = ("size",)

    def __init__(self, size: Size):
        super().__init__(frozenset([size.unknown.name]))
        self.size = size


class Compared(Condition):
    """A product is at least, or at most, a number."""

    __slots__ = ("at_least", "number", "product")

    def __init__(self, product: Product, number: int, *, at_least: bool):
        super().__init__(frozenset(size.unknown.name for size in product.sizes))
        self.product, self.number, self.at_least = product, number, at_least

    def __and__(self, other: Any) -> Any:
        """Return product = number where the other is the other half of it."""
        halves = isinstance(other, Compared) and other.product.same(self.product) and other.number == self.number
        return (
            Equals(self.product, self.number) if halves and other.at_least != self.at_least else super().__and__(other)
        )


class Equals(Condition):
    """A product of sides is a number."""

    __slots__ = ("number", "product")

    def __init__(self, product: Product, number: int):
        super().__init__(frozenset(size.unknown.name for size in product.sizes))
        self.product, self.number = product, number


class Both(Condition):
    """Two conditions at once."""

    __slots__ = ("one", "other")

    def __init__(self, one: Condition, other: Condition):
        super().__init__(one.axes | other.axes)
        self.one, self.other = one, other


class Either(Condition):
    """One condition or the other."""

    __slots__ = ("one", "other")

    def __init__(self, one: Condition, other: Condition):
        super().__init__(one.axes | other.axes)
        self.one, self.other = one, other


def _not_negative(size: Any) -> Any:
    """Return the condition that a size is at least 0, or whether it holds where that is plain for every x >= 1."""
    if not isinstance(size, Size):
        return size >= 0
    if size.slope >= 0 and size.slope + size.low >= 0:
        return True
    if size.slope <= 0 and size.slope + size.high < 0:
        return False
    return NotNegative(size)
