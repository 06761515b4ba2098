"""Conditions on unknown sides come in; the exact set of sides at which they all hold goes out, as a union of boxes.

A condition on a single floor is a threshold, and computed. Any other is found by halving: over a span of sides it
holds everywhere, or nowhere, or each half of the span is looked at. A condition that repeats is looked at over one
period; the one with the least period comes first, and each later one is looked at only where those before it hold. So
a net with a period of 2**64 is a walk down a tree, as long as few branches are left.
"""

from __future__ import annotations

from itertools import islice
from math import inf, isqrt, lcm, prod
from typing import TYPE_CHECKING, Final

from cnnshape.numbers.boxes import MOST_BOXES, TOO_MANY_BOXES, meet
from cnnshape.numbers.sizeset import EVERY, SizeSet, TooManySpans
from cnnshape.numbers.symbolic import Both, Compared, Condition, Either, NotNegative, Positive, Unsolvable, effort

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.numbers.boxes import Box
    from cnnshape.numbers.effort import Effort
    from cnnshape.numbers.sizeset import Span
    from cnnshape.numbers.symbolic import Product, Size

MOST_DIVISORS: Final = 2**16  # numbers tried as a divisor of the product of the sides

# Steps of an effort, beside one for each floor that is computed and each span that is looked at
STEPS: Final = 16  # of solving the conditions of an axis, and of each condition
DIGITS: Final = 512  # binary digits of a side that are computed with as quickly as one
DIVISIONS: Final = 16  # trial divisions of a number in the time of a step


def solve(conditions: Iterable[Condition], axes: Sequence[str], within: Effort | None = None) -> list[Box]:
    """Return the boxes in which all conditions hold, one set to each of the named axes. Raises Unsolvable."""
    within = within or effort()
    single: dict[str, dict[object, Condition]] = {axis: {} for axis in axes}
    joint: list[Condition] = []
    for condition in conjuncts(conditions):
        axis, *more = condition.axes
        if more or isinstance(condition, Compared):
            joint.append(condition)
        else:
            single[axis][condition.form] = condition
    solved: dict[frozenset[object], SizeSet] = {}  # axes with equal conditions are solved once
    box: list[SizeSet] = []
    refusal: Unsolvable | None = None  # which does not matter where the other conditions leave nothing
    for asked in single.values():
        key = frozenset(asked)
        if key not in solved:
            try:
                solved[key] = solve_axis(asked.values(), within)
            except Unsolvable as error:
                refusal, solved[key] = refusal or error, EVERY
        box.append(solved[key])
    boxes: list[Box] = [tuple(box)] if all(box) else []
    for condition in joint:
        try:
            boxes = boxes and meet(boxes, _boxes(condition, axes, within), within)
        except (Unsolvable, TooManySpans) as error:
            refusal = refusal or Unsolvable(str(error), condition)
    if refusal and boxes:
        raise refusal
    within.spend(sum(sizes.pieces for box in boxes for sizes in box))  # each is written
    return boxes


def solve_axis(conditions: Iterable[Condition], within: Effort | None = None) -> SizeSet:
    """Return the sides of one axis at which all conditions hold. Raises Unsolvable."""
    within = within or effort()
    within.spend(STEPS)
    first, last = 1, inf
    others: list[Condition] = []
    for condition in conditions:
        within.spend(1)
        span = _span(condition.size) if isinstance(condition, NotNegative) else None
        if span is None:
            others.append(condition)
        else:
            first, last = max(first, span[0]), min(last, span[1])
    sizes = SizeSet.span(first, last)
    refusal: Unsolvable | None = None
    for condition in sorted(others, key=lambda condition: (_period(condition), isinstance(condition, Either))):
        try:
            sizes = _where(condition, sizes, within)
        except Unsolvable as error:
            refusal = refusal or error
    if refusal and sizes:
        raise refusal
    return sizes


def conjuncts(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """Yield the conditions, each Both replaced by its two halves."""
    todo = list(conditions)[::-1]
    while todo:
        condition = todo.pop()
        if isinstance(condition, Both):
            todo += [condition.other, condition.one]
        else:
            yield condition


def _span(size: Size) -> tuple[int, float] | None:
    """Return the first and the last x at which a size of one term is not negative; None for several terms, and where it is no span.

    a*f + c >= 0 is f >= ceil(-c/a), or for a negative a not f >= floor(c/-a) + 1; and floor(i/d) >= n is i >= d*n.
    """
    (f, a), *more = size.terms
    least = -(size.constant // a) if a > 0 else size.constant // -a + 1
    while f.inner is not None and not more:
        if isinstance(f, Positive) and (least <= 0 or f.inner.terms[0][1] < 0):
            return None
        least = least * f.divisor - f.inner.constant
        (f, times), *more = f.inner.terms
        least = -(-least // times)
    if more:
        return None
    return (least, inf) if a > 0 else (1, least - 1)


def _where(condition: Condition, sizes: SizeSet, within: Effort) -> SizeSet:
    """Return the sizes of a set at which a condition holds."""
    work = sum(f.work for size in _atoms(condition) for f, _ in size.terms)  # of a look at a span of sides

    def holds(first: int, last: int) -> Iterator[Span]:
        todo = [(first, last)]
        while todo:
            span = todo.pop()
            within.spend(work * (1 + span[1].bit_length() // DIGITS))
            verdict = _verdict(condition, *span)
            if verdict:
                yield span
            elif verdict is None:
                middle = sum(span) // 2
                todo += [(middle + 1, span[1]), (span[0], middle)]

    try:
        within.spend(STEPS + work)
        return sizes.where(holds, _settles(condition), _period(condition), within.spend)
    except (Unsolvable, TooManySpans) as error:
        raise Unsolvable(str(error), condition) from None


def _verdict(condition: Condition, first: int, last: int) -> bool | None:
    """Say whether a condition holds at every x from first to last (True), at none (False), or perhaps at some (None)."""
    if isinstance(condition, NotNegative):
        least, most = condition.size.between(first, last)
        return True if least >= 0 else False if most < 0 else None
    if isinstance(condition, Both | Either):
        decisive = isinstance(condition, Either)  # a verdict on one half that decides the whole
        one = _verdict(condition.one, first, last)
        if one is decisive:
            return one
        other = _verdict(condition.other, first, last)
        return other if one is not None or other is decisive else None
    raise Unsolvable("a product of sides is compared by size")


def _atoms(condition: Condition) -> Iterator[Size]:
    """Yield the sizes of a condition that are compared with 0."""
    if isinstance(condition, NotNegative):
        yield condition.size
    elif isinstance(condition, Both | Either):
        yield from _atoms(condition.one)
        yield from _atoms(condition.other)


def _period(condition: Condition) -> int:
    """Return the period with which a condition repeats from `_settles` on."""
    return lcm(*(pace.period for size in _atoms(condition) if not (pace := size.pace()).rise))


def _settles(condition: Condition) -> int:
    """Return an x from which on the sizes of a condition keep their signs, but for the sizes that repeat."""
    return max([1, *map(_keeps_sign, _atoms(condition))])


def _keeps_sign(size: Size) -> int:
    """Return the x from which on rise*x + low >= 0, or rise*x + high < 0, or the size repeats (see Pace)."""
    _, rise, low, high, settles = size.pace()
    if rise > 0:
        return -(low // rise)
    return high // -rise + 1 if rise else settles


def _boxes(condition: Condition, axes: Sequence[str], within: Effort) -> list[Box]:
    """Return the boxes in which a condition on several axes holds."""
    if isinstance(condition, Either):
        return [*_boxes(condition.one, axes, within), *_boxes(condition.other, axes, within)]
    if isinstance(condition, Both):
        return meet(_boxes(condition.one, axes, within), _boxes(condition.other, axes, within), within)
    if isinstance(condition, Compared) and condition.sign == "=":
        found = _equal(condition.product, condition.number, within)
        return [tuple(box.get(axis, EVERY) for axis in axes) for box in found]
    if isinstance(condition, Compared) and condition.sign == ">=" and _always(condition.product, condition.number):
        return [tuple(EVERY for _ in axes)]
    if len(condition.axes) == 1:
        asked = solve_axis([condition], within)
        return [tuple(asked if axis in condition.axes else EVERY for axis in axes)]
    raise Unsolvable("a product of sides is compared by size")


def _always(product: Product, number: int) -> bool:
    """Say whether a product of sizes is at least a number at all sides, since each of its sizes is 1 or more there."""
    parts = product.products
    least = sum(part.factor * prod(max(1, size.at(1)) for size in part.sizes if _rises(size)) for part in parts)
    return all(part.factor > 0 for part in parts) and least + product.constant >= number


def _equal(product: Product, number: int, within: Effort) -> list[dict[str, SizeSet]]:
    """Return the boxes in which a product of sizes equals a number, as dicts from axes to sets. Raises Unsolvable."""
    if len(product.products) > 1 or len({size.axis.name for size in product.sizes}) < len(product.sizes):
        return _sum_equal(product, number - product.constant, within)
    number, rest = divmod(number - product.constant, product.factor)
    if rest or number < 1:
        return []
    if isqrt(number) > MOST_DIVISORS:
        raise Unsolvable(f"the divisors of {number:,} are too many to try")
    within.spend(isqrt(number) // DIVISIONS)
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    divisors = sorted({*small, *(number // d for d in small)})
    known: dict[tuple[object, int], SizeSet] = {}

    def sides(size: Size, value: int) -> SizeSet:
        within.spend(1)
        key = size.form, value
        if key not in known:
            halves = [half for half in (size >= value, size <= value) if half is not True]
            known[key] = SizeSet() if False in halves else solve_axis(halves, within)
        return known[key]

    def boxes(sizes: Sequence[Size], number: int, divisors: Sequence[int]) -> Iterator[dict[str, SizeSet]]:
        size, *others = sizes
        for value in divisors if others else [number]:
            if found := sides(size, value):
                rest = number // value
                within.spend(len(divisors) // DIVISIONS)
                ways = boxes(others, rest, [d for d in divisors if rest % d == 0]) if others else [{}]
                yield from ({size.axis.name: found} | way for way in ways)

    found = [*islice(boxes(product.sizes, number, divisors), MOST_BOXES + 1)]
    if len(found) > MOST_BOXES:
        raise Unsolvable(TOO_MANY_BOXES)
    return found


def _sum_equal(total: Product, number: int, within: Effort) -> list[dict[str, SizeSet]]:
    """Return the boxes in which products whose sizes share axes add up to a number, the constant left out. Raises Unsolvable.

    The sides of a result are 1 or more, and so are all factors. They grow with the sides of the input: where the sum is
    too large for sides of s + 1, one of these is s or less, and each of those is tried.
    """
    if not all(product.factor > 0 for product in total.products) or not all(map(_rises, total.sizes)):
        raise Unsolvable("products of sides are added that may fall where the sides grow")
    axes = [*dict.fromkeys(size.axis.name for size in total.sizes)]
    of = {axis: [[size for size in p.sizes if size.axis.name == axis] for p in total.products] for axis in axes}
    work = {axis: sum(f.work for sizes in of[axis] for size in sizes for f, _ in size.terms) for axis in axes}

    def values(axis: str, x: int) -> list[int]:
        """Return the factor that an axis gives each product."""
        within.spend(STEPS + work[axis])
        return [prod(size.at(x) for size in sizes) for sizes in of[axis]]

    def ways(free: Sequence[str], low: dict[str, int], factors: Sequence[int]) -> Iterator[dict[str, SizeSet]]:
        """Yield the boxes of the free axes, whose sides are at least `low`, given the factors of the others."""

        def worth(*sides: int) -> int:
            each = zip(factors, *(values(axis, x) for axis, x in zip(free, sides, strict=True)), strict=True)
            return sum(map(prod, each))

        if len(free) == 1:
            (axis,) = free
            first = _least(lambda x: worth(x) >= number, low[axis])
            if worth(first) == number:
                yield {axis: SizeSet.span(first, _least(lambda x: worth(x) > number, first) - 1)}
            return
        last = _least(lambda x: worth(*(max(x, low[axis]) for axis in free)) > number, 1) - 1
        for place, axis in enumerate(free):
            rest = [other for other in free if other != axis]
            above = low | {other: max(low[other], last + 1) for other in free[:place]}
            x = low[axis]
            while x <= last:
                here = values(axis, x)
                end = min(_least(lambda y: values(axis, y) != here, x + 1) - 1, last)  # noqa: B023 -- called here
                for way in ways(rest, above, [a * b for a, b in zip(factors, here, strict=True)]):
                    yield {axis: SizeSet.span(x, end)} | way
                x = end + 1

    low = {
        axis: _least(lambda x: min(size.at(x) for sizes in of[axis] for size in sizes) >= 1, 1)  # noqa: B023 -- called here
        for axis in axes
    }
    found = [*islice(ways(axes, low, [product.factor for product in total.products]), MOST_BOXES + 1)]
    if len(found) > MOST_BOXES:
        raise Unsolvable(TOO_MANY_BOXES)
    return found


def _rises(size: Size) -> bool:
    """Say whether no term falls where the side grows."""
    return all(a > 0 and (f.inner is None or _rises(f.inner)) for f, a in size.terms)


def _least(holds: Callable[[int], bool], first: int) -> int:
    """Return the least number from the first on for which a condition holds that, once it holds, goes on to."""
    step = 1
    while not holds(first + step - 1):
        step *= 2
    low, high = first + step // 2, first + step - 1
    if step == 1:
        return first
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return high
