"""SizeSet, an exact set of sizes: spans below a start, and from it on all sizes with certain remainders by a period.

Such sets are closed under union, intersection and complement. One function makes them all, `_made`, with the least
period and the least start, so that equal sets have equal fields. Sizes are whole numbers from 1 up.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import chain, pairwise
from math import inf, lcm
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NoReturn, SupportsIndex

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MOST_SPANS: Final = 2**16  # in a set: beyond, its text would be a book and its algebra minutes of work
TOO_MANY_SPANS: Final = f"the set has more than {MOST_SPANS:,} separate pieces"

Span = tuple[int, int]  # consecutive sizes: the first and the last


class TooManySpans(ValueError):  # noqa: N818 -- it describes the result
    """The result would have more than MOST_SPANS spans."""


class SizeSet:
    """An immutable set of sizes: `SizeSet("multiples of 16, from 16")`; 48 in s, s & t, s | t, ~s, s - t, s <= t.

    SizeSet(text) reads the words that `str` writes: "none", "every size", "every size from 67", "227 to 258",
    "1, 3 or 5", "multiples of 16, from 32", "0 or 31 modulo 32, from 31", and a finite part before a periodic one:
    "5 or 7, and multiples of 16, from 32". The start may be left out. Raises ValueError for any other text.
    """

    __slots__ = ("finite", "period", "residues", "start")

    finite: tuple[Span, ...]  # the spans below start
    start: int  # from here on, a size is in the set if its remainder by period is in residues
    period: int
    residues: tuple[Span, ...]  # spans of remainders; () where the set is finite

    def __init__(self, text: str = "none"):
        other = _parse(text)
        for name in self.__slots__:
            object.__setattr__(self, name, getattr(other, name))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a SizeSet does not change")

    def __reduce__(self) -> Any:
        return _made, (self.finite, self.start, self.period, self.residues)

    @classmethod
    def of(cls, sizes: Iterable[int]) -> SizeSet:
        """Return the set of these sizes; numbers below 1 are left out."""
        return _made(_joined(sorted((size, size) for size in sizes if size > 0)), 1, 1, ())

    @classmethod
    def span(cls, first: int, last: float = inf) -> SizeSet:
        """Return the set of all sizes from the first to the last, or from the first on."""
        if last == inf:
            return _made((), first, 1, ((0, 0),))
        first = max(first, 1)
        return _made(((first, int(last)),) if first <= last else (), 1, 1, ())

    @classmethod
    def modulo(cls, period: int, residues: Iterable[int], start: int = 1) -> SizeSet:
        """Return the set of all sizes from start on whose remainder by the period is one of these."""
        return _made((), start, period, _joined(sorted({(r % period, r % period) for r in residues})))

    # Members

    def __contains__(self, size: object) -> bool:
        if not isinstance(size, (int, SupportsIndex)):  # numpy's integers are SupportsIndex; int is the quick case
            return False
        size = size.__index__()
        if size < 1:
            return False
        spans, number = (self.residues, size % self.period) if size >= self.start else (self.finite, size)
        return next(_within(spans, number, number), None) is not None

    def __iter__(self) -> Iterator[int]:
        """Yield the sizes in order, without end where the set is infinite."""
        for first, last in self.finite:
            yield from range(first, last + 1)
        size = self.next(self.start - 1)
        while size is not None:
            yield size
            size = self.next(size)

    def __bool__(self) -> bool:
        return bool(self.finite or self.residues)

    def __len__(self) -> int:
        """Return the number of sizes. Raises OverflowError for an infinite set."""
        if self.residues:
            raise OverflowError("the set is infinite")
        return sum(last - first + 1 for first, last in self.finite)

    @property
    def is_finite(self) -> bool:
        """Whether there is a size above which the set has none."""
        return not self.residues

    @property
    def pieces(self) -> int:
        """The number of spans that make the set: a measure of the work with it."""
        return len(self.finite) + len(self.residues)

    @property
    def _first(self) -> float:
        return self.next(0) or inf

    @property
    def _last(self) -> float:
        return inf if self.residues else self.finite[-1][1] if self.finite else 0

    def next(self, size: int) -> int | None:
        """Return the least member above a size, None where there is none."""
        for first, last in self.finite:
            if last > size:
                return max(first, size + 1)
        if not self.residues:
            return None
        low = max(self.start, size + 1)
        base = low - low % self.period
        ahead = chain(self.residues, ((a + self.period, b + self.period) for a, b in self.residues[:1]))
        return next(max(base + first, low) for first, last in ahead if base + last >= low)

    def previous(self, size: int) -> int | None:
        """Return the greatest member below a size, None where there is none."""
        high = size - 1
        if self.residues and high >= self.start:
            base = high - high % self.period
            back = ((a - self.period, b - self.period) for a, b in self.residues[-1:])
            for first, last in chain(reversed(self.residues), back):
                found = min(base + last, high)
                if found >= max(base + first, self.start):
                    return found
        return next((min(last, high) for first, last in reversed(self.finite) if first <= high), None)

    def nearest(self, size: int) -> int | None:
        """Return the member closest to a size, the smaller of two, None where the set is empty."""
        if size in self:
            return size
        found = [member for member in (self.previous(size), self.next(size)) if member is not None]
        return min(found, key=lambda member: abs(member - size), default=None)

    # The algebra

    def where(
        self,
        holds: Callable[[int, int], Iterable[Span]],
        start: int,
        period: int,
        spend: Callable[[int], object] | None = None,
    ) -> SizeSet:
        """Return the sizes of the set at which a condition holds; from start on, it repeats with a period.

        `holds` is the condition: holds(first, last) gives the spans of the sizes from first to last that meet it.
        `spend` is called with 1 for each span that is looked at.
        """
        start, period = max(self.start, start), lcm(self.period, period)

        def held(low: int, high: int) -> tuple[Span, ...]:
            spans = chain.from_iterable(holds(*span) for span in _limited(self.spans(low, high), spend))
            return _joined(_limited(spans, spend))

        remainders: list[Span] = []
        for first, last in held(start, start + period - 1):
            a, b = first % period, first % period + last - first
            remainders += [(a, b)] if b < period else [(a, period - 1), (0, b - period)]  # past the end of the period
        return _made(held(1, start - 1), start, period, _joined(sorted(remainders)))

    def common(self, other: SizeSet, spend: Callable[[int], object] | None = None) -> SizeSet:
        """Return the common sizes; `spend` is called with 1 for each span that is looked at.

        Only the sparser set is walked: with multiples of 3, that of multiples of 2**64.
        """
        for one, two in ((self, other), (other, self)):  # the quick cases
            if one._last < two._first:  # noqa: SLF001 -- another set's own
                return NONE
            if one.period == 1 and one.start <= two._first:  # noqa: SLF001
                return two
        sparse, dense = sorted((self, other), key=lambda sizes: (len(sizes.residues) / sizes.period, -sizes.period))
        return sparse.where(dense.spans, dense.start, dense.period, spend)

    def __and__(self, other: SizeSet) -> SizeSet:
        return self.common(other)

    def __or__(self, other: SizeSet) -> SizeSet:
        return ~(~self & ~other)

    def __invert__(self) -> SizeSet:
        return _made(
            _gaps(self.finite, 1, self.start - 1), self.start, self.period, _gaps(self.residues, 0, self.period - 1)
        )

    def __sub__(self, other: SizeSet) -> SizeSet:
        return self & ~other

    def __le__(self, other: SizeSet) -> bool:
        return not self - other

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SizeSet) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Any, ...]:
        return self.finite, self.start, self.period, self.residues

    # The text

    def __str__(self) -> str:
        """Write the set in words, which SizeSet(text) reads."""
        finite = _listed(self.finite)
        if not self.residues:
            return finite or "none"
        first = self.next(self.start - 1)
        if self.period == 1:
            periodic = "every size" if first == 1 else f"every size from {first}"
        elif self.residues == ((0, 0),):
            periodic = f"multiples of {self.period}, from {first}"
        else:
            periodic = f"{_listed(self.residues)} modulo {self.period}, from {first}"
        return f"{finite}, and {periodic}" if finite else periodic

    def __repr__(self) -> str:
        return f'SizeSet("{self}")'

    def spans(self, low: int, high: int) -> Iterator[Span]:
        """Yield the parts of the set's spans that lie from low to high, in order; neighbours may touch."""
        yield from _within(self.finite, low, high)
        low = max(low, self.start)
        if self.period == 1 and self.residues and low <= high:
            yield low, high
        elif self.residues and low <= high:
            for base in range(low - low % self.period, high + 1, self.period):
                for first, last in _within(self.residues, low - base, high - base):
                    yield base + first, base + last


def _made(finite: Iterable[Span], start: int, period: int, residues: Iterable[Span]) -> SizeSet:
    """Return the set in its canonical form, given spans in order that do not touch."""
    made = object.__new__(SizeSet)
    finite, residues = tuple(finite), tuple(residues)
    if len(finite) + len(residues) > MOST_SPANS:
        raise TooManySpans(TOO_MANY_SPANS)
    if residues:
        period, residues = _least_period(period, residues)
        start, finite = _least_start(finite, max(start, 1), period, residues)
    else:
        period, start = 1, finite[-1][1] + 1 if finite else 1
    fields = {"finite": finite, "start": start, "period": period, "residues": residues}
    for name, value in fields.items():
        object.__setattr__(made, name, value)
    return made


def _least_period(period: int, residues: tuple[Span, ...]) -> tuple[int, tuple[Span, ...]]:
    """Return the least period with which the remainders repeat, and the remainders by that period."""
    if residues == ((0, period - 1),):
        return 1, ((0, 0),)
    for prime in _primes(period, len(residues)):  # every copy has a gap: at least a span each
        while period % prime == 0 and prime <= len(residues):
            shorter = period // prime
            within = [(first, min(last, shorter - 1)) for first, last in residues if first < shorter]
            if residues != _joined((a + i * shorter, b + i * shorter) for i in range(prime) for a, b in within):
                break
            period, residues = shorter, tuple(within)
    return period, residues


def _primes(number: int, most: int) -> Iterator[int]:
    """Yield the prime factors of a number that are at most `most`."""
    divisor = 2
    while divisor <= most and divisor * divisor <= number:
        if number % divisor == 0:
            yield divisor
            while number % divisor == 0:
                number //= divisor
        divisor += 1
    if 1 < number <= most:
        yield number


def _least_start(
    finite: tuple[Span, ...], start: int, period: int, residues: tuple[Span, ...]
) -> tuple[int, tuple[Span, ...]]:
    """Return the least start from which the remainders decide, and the finite part before it.

    The start moves down past sizes on which the finite part and the remainders agree: a run of members, or a gap.
    """
    spans = list(finite)
    while start > 1:
        remainder = (start - 1) % period
        behind = bisect_left(residues, remainder, key=itemgetter(1))  # the spans before it end below the remainder
        last = spans[-1] if spans else (0, 0)
        if (
            behind < len(residues) and residues[behind][0] <= remainder
        ):  # members: the finite part must have them as well
            length = min(remainder - residues[behind][0] + 1, start - 1)
            if last[1] != start - 1:
                break
            length = min(length, last[1] - last[0] + 1)
            spans[-1:] = [(last[0], last[1] - length)] if last[0] <= last[1] - length else []
        else:
            before = residues[behind - 1][1] - (0 if behind else period)
            length = min(remainder - before, start - 1 - last[1])
            if length == 0:
                break
        start -= length
    return start, tuple(spans)


def _joined(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return spans in order, with those that touch or overlap joined."""
    result: list[Span] = []
    for first, last in spans:
        if result and first <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(result[-1][1], last))
        else:
            result.append((first, last))
    return tuple(result)


def _within(spans: tuple[Span, ...], low: int, high: int) -> Iterator[Span]:
    """Yield the parts of spans in order that lie from low to high."""
    for index in range(bisect_left(spans, low, key=itemgetter(1)), len(spans)):
        first, last = spans[index]
        if first > high:
            break
        yield max(first, low), min(last, high)


def _gaps(spans: Iterable[Span], low: int, high: int) -> list[Span]:
    """Return the gaps that spans in order leave from low to high."""
    edges = [(low - 1, low - 1), *spans, (high + 1, high + 1)]
    return [(a[1] + 1, b[0] - 1) for a, b in pairwise(edges) if a[1] + 1 <= b[0] - 1]


def _limited(spans: Iterable[Span], spend: Callable[[int], object] | None) -> Iterator[Span]:
    """Yield the spans, each for a step. Raises TooManySpans past the limit."""
    for count, span in enumerate(spans):
        if count >= MOST_SPANS:
            raise TooManySpans(TOO_MANY_SPANS)
        if spend:
            spend(1)
        yield span


def _listed(spans: Iterable[Span]) -> str:
    """Write spans: "1, 3 or 5 to 9"; two neighbours as "1 or 2", not as a span."""
    parts: list[str] = []
    for first, last in spans:
        parts += [f"{first} to {last}"] if last > first + 1 else map(str, range(first, last + 1))
    return " or ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]]))


def _parse(text: str) -> SizeSet:
    """Read a set as `str` writes it: spans, a periodic part, or both, joined by ", and "."""
    finite, also, periodic = text.rpartition(", and ")
    if not periodic.startswith(("every size", "multiples of ")) and " modulo " not in periodic:
        finite, also, periodic = text, "and", ""
    try:
        spans = _spans(finite) if also and text != "none" else []
        residues, period, start = _repeated(periodic) if periodic else ([], 1, None)
    except ValueError:
        raise ValueError(
            f'{text!r} is no set of sizes: write "227 to 258", "multiples of 16, from 16" or "every size from 67"'
        ) from None
    if any(not 1 <= first <= last < (start or inf) for first, last in spans):
        raise ValueError(f"{text!r} is no set of sizes: they go up, are from 1 up, and stand before those that repeat")
    if any(not first <= last < period for first, last in residues):
        raise ValueError(f"{text!r} is no set of sizes: remainders go up, and are below {period}")
    return _made(_joined(spans), start or 1, period, _joined(residues))


def _repeated(text: str) -> tuple[list[Span], int, int]:
    """Read the remainders, period and start of "every size", "multiples of 16", "0 or 31 modulo 32, from 31"."""
    every = text.startswith("every size")
    periodic, given, start = text.partition(" from " if every else ", from ")
    first = max(_number(start), 1) if given else 1
    if periodic == "every size":
        return [(0, 0)], 1, first
    remainders, modulo, period = periodic.rpartition(" modulo ")
    if modulo:
        return _spans(remainders), _number(period), first
    return [(0, 0)], _number(periodic.removeprefix("multiples of ")), first


def _spans(text: str) -> list[Span]:
    """Read "1, 3 or 5 to 9"."""
    return sorted(map(_span, text.replace(" or ", ", ").split(", ")))


def _span(text: str) -> Span:
    """Read "3" or "5 to 9"."""
    first, to, last = text.partition(" to ")
    return _number(first), _number(last if to else first)


def _number(text: str) -> int:
    """Read a whole number of plain digits. Raises ValueError."""
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


NONE: Final = SizeSet()
EVERY: Final = SizeSet.span(1)
