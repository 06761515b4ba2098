"""Size, a side as an exact function of one unknown side x; and the conditions that comparing sizes gives.

A Size is a sum of whole multiples of floors and a constant, such as 2*floor((x + 1)/32) - 1, which + - * // build up
from x. The larger of a size and a number is n + max(size - n, 0), whose second term is a Positive among the floors. Four
identities keep a size small, so that a chain of convolutions and pools is one floor:

    floor((n*q + r)/n) = q + floor(r/n)                              multiples of the divisor leave the floor
    floor((g*a + c)/(g*n)) = floor((a + floor(c/g))/n)               common factors divide out
    floor((floor(a/m) + c)/n) = floor((a + m*c)/(m*n))               nested floors merge
    floor((max(a, 0) + c)/n) = max(floor((a + c)/n), floor(c/n))     a floor goes into a maximum

A Size repeats: f(x + period) = f(x) + rise, from some x on, which is 1 unless a maximum changes sides there. So a difference
of two either keeps its sign from some x on, or repeats for ever; and a condition on sizes holds on a set with a period, which
cnnshape.numbers.solve finds.
"""

from __future__ import annotations

from math import gcd, lcm
from typing import TYPE_CHECKING, Any, Final

from cnnshape.numbers.effort import Effort
from cnnshape.numbers.rules import at_least
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_WORK: Final = 300  # floors to compute for one value of a size
MOST_STEPS: Final = 2**20  # in making the conditions of a net and solving them: seconds


class Unsolvable(Exception):  # noqa: N818 -- it describes the condition
    """No closed form is known; the message says why, and `condition` is the condition at fault, if there is one."""

    def __init__(self, message: str, condition: Condition | None = None):
        super().__init__(message)
        self.condition = condition


def too_long() -> Unsolvable:
    """Return the exception for an effort that is exhausted."""
    return Unsolvable(f"more than {MOST_STEPS:,} steps would be needed")


def effort() -> Effort:
    """Return the effort for one set of sizes."""
    return Effort(MOST_STEPS, too_long)


class Pace(NamedTuple):
    """The slope of a function: f(x + period) = f(x) + rise for x from `settles` on; low <= period*f(x) - rise*x <= high for x >= 1."""

    period: int
    rise: int
    low: int
    high: int
    settles: int = 1


class Floor:
    """floor(inner / divisor), or x itself where there is no inner; equal floors are one object (see Axis.floor)."""

    __slots__ = ("divisor", "inner", "order", "pace", "work")

    def __init__(self, inner: Size | None, divisor: int, order: int):
        self.inner, self.divisor, self.order = inner, divisor, order
        if inner is None:
            self.pace, self.work = Pace(1, 1, 0, 0), 1
            return
        period, rise, low, high, settles = inner.pace()
        common = gcd(divisor, rise)
        low = -((period * (divisor - 1) - low) // common)  # the values are whole: a bound rounds inwards
        self.pace = Pace(period * (divisor // common), rise // common, low, high // common, settles)
        self.work = 1 + _work(inner.terms)

    def between(self, low: int, high: int) -> tuple[int, int]:
        """Return the least and the greatest value for x from low to high, or bounds of them."""
        if self.inner is None:
            return low, high
        least, most = self.inner.between(low, high)
        return least // self.divisor, most // self.divisor

    def text(self, name: str) -> str:
        """Write the floor as a formula in the unknown's name."""
        if self.inner is None:
            return name
        inner = self.inner.text(name)
        return f"floor(({inner})/{self.divisor})" if " " in inner else f"floor({inner}/{self.divisor})"


class Positive(Floor):
    """max(inner, 0)."""

    __slots__ = ()

    inner: Size

    def __init__(self, inner: Size, order: int):
        self.inner, self.divisor, self.order = inner, 1, order
        period, rise, low, high, settles = inner.pace()
        if rise > 0:  # the inner size in the end
            self.pace = Pace(period, rise, low, max(high, -rise), max(settles, -(low // rise)))
        elif rise < 0:  # 0 in the end
            self.pace = Pace(1, 0, 0, max(0, (rise + high) // period), max(1, high // -rise + 1))
        else:
            self.pace = Pace(period, 0, max(low, 0), max(high, 0), settles)
        self.work = 1 + _work(inner.terms)

    def between(self, low: int, high: int) -> tuple[int, int]:
        least, most = self.inner.between(low, high)
        return max(least, 0), max(most, 0)

    def text(self, name: str) -> str:
        return f"max({self.inner.text(name)}, 0)"


def _work(terms: Iterable[tuple[Floor, int]]) -> int:
    """Return the number of floors to compute for the value of some terms. Raises Unsolvable."""
    work = sum(f.work for f, _ in terms)
    if work > MOST_WORK:
        raise Unsolvable(f"more than {MOST_WORK} divisions stand in one formula and do not merge")
    return work


class Axis(NamedTuple):
    """An axis whose side is unknown: its name, the floors made so far, and the effort that its sizes may take.

    Axes that are made together have their floors and their effort in common.
    """

    name: str
    floors: dict[Any, Floor]
    effort: Effort

    def floor(self, inner: Size | None, divisor: int) -> Floor:
        """Return the floor of inner / divisor, or x itself where there is no inner."""
        key = (None if inner is None else inner.form, divisor)
        found = self.floors.get(key)
        if found is None:
            found = self.floors[key] = Floor(inner, divisor, len(self.floors))
        return found

    def positive(self, inner: Size) -> Floor:
        """Return max(inner, 0)."""
        key = (inner.form, 0)
        found = self.floors.get(key)
        if found is None:
            found = self.floors[key] = Positive(inner, len(self.floors))
        return found

    def size(self, terms: Iterable[tuple[Floor, int]], constant: int) -> Any:
        """Return the size with these terms, a plain int where none is left."""
        kept = sorted([term for term in terms if term[1]], key=_order)
        if len(kept) > 1:
            self.effort.spend(_work(kept))
        return Size(self, tuple(kept), constant) if kept else constant


def _order(term: tuple[Floor, int]) -> int:
    return term[0].order


def unknowns(*names: str, within: Effort | None = None) -> tuple[Size, ...]:
    """Return an unknown side for each name of an axis, the same for the same name; their arithmetic is done within an effort."""
    floors: dict[Any, Floor] = {}
    within = within or effort()
    axes = {name: Axis(name, floors, within) for name in names}
    sides = {name: Size(axis, ((axis.floor(None, 1), 1),), 0) for name, axis in axes.items()}
    return tuple([sides[name] for name in names])


class Size:
    """A side as a function of the unknown side of its axis: a constant, and terms, each a floor and its multiple.

    It has no truth value: a comparison gives a condition.
    """

    __slots__ = ("axis", "constant", "terms")

    def __init__(self, axis: Axis, terms: tuple[tuple[Floor, int], ...], constant: int):
        self.axis, self.terms, self.constant = axis, terms, constant

    @property
    def form(self) -> tuple[object, int]:
        """The function without its axis: the same for equal functions of two axes."""
        return self.terms, self.constant

    def __eq__(self, other: object) -> bool:
        """Say whether both are the same function of the same side; a size never equals a number."""
        return (
            isinstance(other, Size)
            and self.constant == other.constant
            and self.terms == other.terms
            and self.axis is other.axis
        )

    def __hash__(self) -> int:
        return hash((self.axis.name, self.terms, self.constant))

    def pace(self) -> Pace:
        """Return the pace of the sum: that of its terms, over their common period."""
        period = lcm(*[f.pace.period for f, _ in self.terms])
        rise, low, high, settles = 0, self.constant * period, self.constant * period, 1
        for f, a in self.terms:
            settles = max(settles, f.pace.settles)
            times = a * (period // f.pace.period)
            rise += times * f.pace.rise
            low += times * (f.pace.low if a > 0 else f.pace.high)
            high += times * (f.pace.high if a > 0 else f.pace.low)
        return Pace(period, rise, low, high, settles)

    def between(self, low: int, high: int) -> tuple[int, int]:
        """Return bounds of the size for x from low to high; where low is high, its value twice."""
        least = most = self.constant
        for f, a in self.terms:
            ends = f.between(low, high)
            least += a * ends[a < 0]
            most += a * ends[a > 0]
        return least, most

    def at(self, x: int) -> int:
        """Return the size at one x."""
        return self.between(x, x)[0]

    @property
    def complexity(self) -> tuple[int, int, int]:
        """A measure of the size's formula: the simpler of two sizes has the smaller one."""
        return sum(f.work for f, _ in self.terms), self.pace().period, len(self.terms)

    # Arithmetic

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Size(self.axis, self.terms, self.constant + other) if other else self
        if not isinstance(other, Size):
            return NotImplemented
        if other.axis is not self.axis:
            raise Unsolvable("sizes of different axes are added")
        terms = dict(self.terms)
        for f, a in other.terms:
            terms[f] = terms.get(f, 0) + a
        return self.axis.size(terms.items(), self.constant + other.constant)

    __radd__ = __add__

    def __neg__(self) -> Size:
        return Size(self.axis, tuple([(f, -a) for f, a in self.terms]), -self.constant)

    def __sub__(self, other: Any) -> Any:
        return self + -other

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return (
                Size(self.axis, tuple([(f, a * other) for f, a in self.terms]), self.constant * other) if other else 0
            )
        if isinstance(other, float):
            raise Unsolvable(f"a side times {other:g} is rounded in floating point, and not exact")
        return Product.of(self) * other

    __rmul__ = __mul__

    def __floordiv__(self, n: Any) -> Any:
        if not isinstance(n, int):
            return NotImplemented
        if n == 1:
            return self
        rest = [(f, a % n) for f, a in self.terms if a % n]
        common = gcd(n, *[a for _, a in rest])
        whole, constant = divmod(self.constant // common, n // common)
        outside = self.axis.size([(f, a // n) for f, a in self.terms], whole)
        if not rest:
            return outside
        f, a = rest[0]
        divisor = n // common
        if len(rest) == 1 and a == common and isinstance(f, Positive):
            return at_least((f.inner + constant) // divisor, 0) + outside
        if len(rest) == 1 and a == common and f.inner is not None:
            nested = Size(self.axis, f.inner.terms, f.inner.constant + f.divisor * constant)
            return nested // (f.divisor * divisor) + outside
        inner = Size(self.axis, tuple([(f, a // common) for f, a in rest]), constant)
        return Size(self.axis, ((self.axis.floor(inner, divisor), 1),), 0) + outside

    def __rfloordiv__(self, other: Any) -> Any:
        raise Unsolvable("a number is divided by a side")

    def __mod__(self, n: int) -> Any:
        return self - self // n * n

    def at_least(self, number: int) -> Any:
        """Return the larger of the size and a number."""
        more = self - number
        if at_least_0(more) is True:
            return self
        return number if at_least_0(-more) is True else Size(self.axis, ((self.axis.positive(more), 1),), number)

    def at_most(self, number: int) -> Any:
        """Return the smaller of the size and a number."""
        return -(-self).at_least(-number)

    # Comparison

    def __ge__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Product) else at_least_0(self - other)

    def __le__(self, other: Any) -> Any:
        return NotImplemented if isinstance(other, Product) else at_least_0(other - self)

    def __gt__(self, other: Any) -> Any:
        return self >= other + 1

    def __lt__(self, other: Any) -> Any:
        return self <= other - 1

    def __bool__(self) -> bool:
        raise Unsolvable("it does one thing at some sides, and another at others")

    # Text

    def text(self, name: str) -> str:
        """Write the size as a formula in the unknown's name: 2*floor((x + 1)/32) - 1."""
        (f, a), constant = self.terms[-1], self.constant
        limited = (
            isinstance(f, Positive) and abs(a) == 1
        )  # max(x - 7, 0) + 7 is max(x, 7), 7 - max(7 - x, 0) is min(x, 7)
        plain = self.terms[:-1] if limited else self.terms
        parts = [(a, f.text(name) if abs(a) == 1 else f"{abs(a)}*{f.text(name)}") for f, a in plain]
        if limited:
            inner: Any = f.inner
            which, inner = ("max", inner + constant) if a > 0 else ("min", constant - inner)
            parts.append((1, f"{which}({inner.text(name)}, {constant})"))
        elif constant:
            parts.append((constant, str(abs(constant))))
        (a, first), *others = parts
        return f"{'-' if a < 0 else ''}{first}" + "".join(f" {'-' if a < 0 else '+'} {part}" for a, part in others)

    def __repr__(self) -> str:
        return self.text(self.axis.name)


class Product:
    """factor * size * size + constant, as flatten gives; it compares with a number."""

    __slots__ = ("constant", "factor", "sizes")

    complexity = (0,)  # chosen rather than UNKNOWN (see rules.same); two products are never compared by it

    def __init__(self, factor: int, sizes: tuple[Size, ...], constant: int = 0):
        self.factor, self.sizes, self.constant = factor, sizes, constant

    @classmethod
    def of(cls, *sizes: Size, factor: int = 1) -> Product:
        """Return the product; common divisors of a size's terms go into the factor."""
        made: list[Size] = []
        for size in sizes:
            common = gcd(size.constant, *[a for _, a in size.terms])
            factor *= common
            made.append(size // common)
        return cls(factor, tuple(made))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Product) and self.form == other.form

    def __hash__(self) -> int:
        return hash(self.form)

    @property
    def form(self) -> tuple[object, ...]:
        return self.factor, self.sizes, self.constant

    @property
    def products(self) -> tuple[Product, ...]:
        """The products that are added up, whose constants do not count."""
        return (self,)

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Product(self.factor * other, self.sizes, self.constant * other)
        if not isinstance(other, Size):
            return NotImplemented
        if self.constant:
            raise Unsolvable("a side is multiplied with a sum of products of sides")
        return Product.of(*self.sizes, other, factor=self.factor)

    __rmul__ = __mul__

    def __floordiv__(self, n: Any) -> Any:
        if not isinstance(n, int) or self.factor % n:
            raise Unsolvable("a product of sides is divided")
        return Product(self.factor // n, self.sizes, self.constant // n)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Product(self.factor, self.sizes, self.constant + other)
        return Sum.of(self, other) if isinstance(other, Size | Product) else NotImplemented

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + -other if isinstance(other, int) else self < other

    def __lt__(self, _: Any) -> Any:
        raise Unsolvable("something is taken from a product of sides")

    __rsub__ = __mod__ = __rfloordiv__ = __lt__

    def __gt__(self, other: Any) -> Any:
        return self >= other + 1

    def __ge__(self, other: Any) -> Any:
        return self._compared(">=", other)

    def __le__(self, other: Any) -> Any:
        return self._compared("<=", other)

    def _compared(self, sign: str, other: Any) -> Any:
        if self == other:
            return True
        if isinstance(other, Size | Product):
            raise Unsolvable("products of sides are compared with each other")
        return Compared(self, sign, other) if isinstance(other, int) else NotImplemented

    def __repr__(self) -> str:
        sizes = [f"({size})" if " " in repr(size) else repr(size) for size in self.sizes]
        written = "*".join([*([str(self.factor)] if self.factor != 1 else []), *sizes])
        return f"{written} {'-' if self.constant < 0 else '+'} {abs(self.constant)}" if self.constant else written


class Sum(Product):
    """Different products of sides added up, as results that are flattened and joined give."""

    __slots__ = ("parts",)

    def __init__(self, parts: tuple[Product, ...], constant: int):
        self.parts, self.constant = parts, constant

    @classmethod
    def of(cls, *summands: Size | Product) -> Product:  # type: ignore[override]  # of sums, too
        """Return the sum; a product where all have the same sizes."""
        factors: dict[tuple[Size, ...], int] = {}
        constant = 0
        for summand in summands:
            product = summand if isinstance(summand, Product) else Product.of(summand)
            constant += product.constant
            for part in product.products:
                factors[part.sizes] = factors.get(part.sizes, 0) + part.factor
        (first, *_), *_ = factors
        first.axis.effort.spend(len(factors))
        products = tuple(Product(factor, sizes) for sizes, factor in factors.items())
        return cls(products, constant) if len(products) > 1 else products[0] + constant

    @property
    def products(self) -> tuple[Product, ...]:
        return self.parts

    @property
    def sizes(self) -> tuple[Size, ...]:  # type: ignore[override]
        return tuple(size for product in self.products for size in product.sizes)

    @property
    def form(self) -> tuple[object, ...]:
        return *(product.form for product in self.products), self.constant

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, int):
            raise Unsolvable("a sum of products of sides is multiplied with a side")
        return Sum(tuple(product * other for product in self.products), self.constant * other)

    __rmul__ = __mul__

    def __floordiv__(self, n: Any) -> Any:
        return Sum(tuple(product // n for product in self.products), self.constant // n)

    def __add__(self, other: Any) -> Any:
        return Sum(self.products, self.constant + other) if isinstance(other, int) else super().__add__(other)

    __radd__ = __add__

    def __repr__(self) -> str:
        written = " + ".join(map(repr, self.products))
        return f"{written} {'-' if self.constant < 0 else '+'} {abs(self.constant)}" if self.constant else written


class Condition:
    """A condition on sizes, joined by & and | with others, or with True and False. It has no truth value."""

    __slots__ = ()

    @property
    def axes(self) -> frozenset[str]:
        """The names of the axes of its sizes."""
        raise NotImplementedError

    @property
    def form(self) -> object:
        """The condition without its axis: the same for equal conditions on two axes."""
        raise NotImplementedError

    def __and__(self, other: Any) -> Any:
        return (self if other else False) if isinstance(other, bool) else Both(self, other)

    def __or__(self, other: Any) -> Any:
        return (True if other else self) if isinstance(other, bool) else Either(self, other)

    __rand__ = __and__
    __ror__ = __or__

    def __bool__(self) -> bool:
        raise Unsolvable("it does one thing at some sides, and another at others")


class NotNegative(Condition):
    """The condition that a size is at least 0."""

    __slots__ = ("size",)

    def __init__(self, size: Size):
        self.size = size

    @property
    def axes(self) -> frozenset[str]:
        return frozenset([self.size.axis.name])

    @property
    def form(self) -> object:
        return self.size.form


class Compared(Condition):
    """The condition that a product of sizes is ">=", "<=" or "=" a number.

    "=" can be solved; so can ">=" where it holds at all sizes.
    """

    __slots__ = ("number", "product", "sign")

    def __init__(self, product: Product, sign: str, number: int):
        self.product, self.sign, self.number = product, sign, number

    @property
    def axes(self) -> frozenset[str]:
        return frozenset(size.axis.name for size in self.product.sizes)

    @property
    def form(self) -> object:
        return self.product, self.sign, self.number

    def __and__(self, other: Any) -> Any:
        """Return the equality where the two are its halves, >= and <=."""
        halves = isinstance(other, Compared) and (other.product, other.number) == (self.product, self.number)
        return (
            Compared(self.product, "=", self.number) if halves and other.sign != self.sign else super().__and__(other)
        )

    def __repr__(self) -> str:
        return f"{self.product} {self.sign} {self.number}"


class _Two(Condition):
    """A condition made of two."""

    __slots__ = ("one", "other")

    def __init__(self, one: Condition, other: Condition):
        self.one, self.other = one, other

    @property
    def axes(self) -> frozenset[str]:
        return self.one.axes | self.other.axes

    @property
    def form(self) -> object:
        return type(self), self.one.form, self.other.form


class Both(_Two):
    """The condition that two others hold at once."""

    __slots__ = ()


class Either(_Two):
    """The condition that one of two others holds."""

    __slots__ = ()


def at_least_0(size: Any) -> Any:
    """Return the condition that a size is not negative; True or False where that is so for every x >= 1."""
    if not isinstance(size, Size):
        return size >= 0
    size.axis.effort.spend(len(size.terms))
    _, rise, low, high, _ = size.pace()
    if rise >= 0 and rise + low >= 0:
        return True
    if rise <= 0 and rise + high < 0:
        return False
    return NotNegative(size)
