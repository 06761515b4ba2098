"""Conditions on unknown sides -> the exact set of sides for which they hold.

Thresholds are found by bisection, since a chain of layers never falls as its input grows. What repeats is found on a
tree of remainders: the condition with the least period first, and of each remainder that passes only its refinements
for the next. A net with a period of 2**64 is a walk down the tree, as long as few remainders pass.
"""

from __future__ import annotations

from itertools import product as combinations
from math import ceil, floor, inf, isqrt, lcm
from typing import TYPE_CHECKING, Final

from cnnshape.size import Both, Condition, Either, Equals, NotNegative, Size, Unsolvable
from cnnshape.sizeset import SizeSet, TooManySpans

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

MOST_CANDIDATES: Final = 2**16  # remainders, or sizes before a condition settles, that are tried one by one
MOST_BOXES: Final = 2**10  # products of sets that a set of pairs is the union of

Box = tuple[SizeSet, ...]  # one set for each axis: all combinations of their sizes


def solve(conditions: Iterable[Condition], axes: Sequence[str]) -> list[Box]:
    """Return the boxes in which all conditions hold. Raises Unsolvable."""
    single: dict[str, list[Condition]] = {axis: [] for axis in axes}
    joint: list[Condition] = []
    for condition in _parts(conditions):
        if len(condition.axes) == 1:
            single[next(iter(condition.axes))].append(condition)
        else:
            joint.append(condition)
    boxes = [tuple(solve_axis(single[axis]) for axis in axes)]
    for condition in joint:
        boxes = _met(boxes, _boxes(condition, axes))
    return [box for box in boxes if all(box)]


def solve_axis(conditions: Iterable[Condition]) -> SizeSet:
    """Return the sizes of one axis for which all conditions hold. Raises Unsolvable."""
    low, high = 1, inf
    others: list[Condition] = []
    for condition in conditions:
        size = condition.size if isinstance(condition, NotNegative) else None
        if size is not None and size.rises:
            low = _first(size, low)
        elif size is not None and (rising := -1 - size).rises:
            high = min(high, _first(rising, 1) - 1)
        else:
            others.append(condition)
    period, remainders, settled = 1, [0], low
    for condition in sorted(others, key=_period):
        start, longer = _settles(condition), lcm(period, _period(condition))
        _limit(len(remainders) * (longer // period), "remainders")
        base = start + -start % longer
        steps = range(0, longer, period)
        remainders = [r + step for step in steps for r in remainders if _holds(condition, base + step + r)]
        period, settled = longer, max(settled, start)
    _limit(settled - low, "sizes before a condition settles")
    early = [x for x in range(low, settled) if all(_holds(condition, x) for condition in others)]
    try:
        return (SizeSet.of(early) | SizeSet.modulo(period, remainders, settled)) & SizeSet.span(low, high)
    except TooManySpans as error:
        raise Unsolvable(str(error)) from None


def _parts(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """Yield the conditions with those that are two at once taken apart."""
    todo = list(conditions)[::-1]
    while todo:
        condition = todo.pop()
        if isinstance(condition, Both):
            todo += [condition.other, condition.one]
        else:
            yield condition


def _limit(count: int, what: str) -> None:
    if count > MOST_CANDIDATES:
        raise Unsolvable(f"there are {count:,} {what} to try, more than {MOST_CANDIDATES:,}")


def _first(size: Size, low: int) -> int:
    """Return the least x from low on at which a size that never falls is at least 0."""
    if size.at(low) >= 0:
        return low
    below, above = low, max(low + 1, ceil(-size.low / size.slope))
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (below, middle) if size.at(middle) >= 0 else (middle, above)
    return above


def _holds(condition: Condition, x: int) -> bool:
    if isinstance(condition, NotNegative):
        return condition.size.at(x) >= 0
    if isinstance(condition, Both | Either):
        one = _holds(condition.one, x)
        return _holds(condition.other, x) if one == isinstance(condition, Both) else one
    raise Unsolvable("a product of sides is compared by size")


def _atoms(condition: Condition) -> Iterator[Size]:
    if isinstance(condition, NotNegative):
        yield condition.size
    elif isinstance(condition, Both | Either):
        yield from _atoms(condition.one)
        yield from _atoms(condition.other)


def _period(condition: Condition) -> int:
    """Return the period with which the condition repeats, once it has settled."""
    return lcm(*(size.period for size in _atoms(condition) if not size.slope))


def _settles(condition: Condition) -> int:
    """Return the x from which on every comparison in it that does not repeat keeps its sign."""
    starts = [
        ceil(-size.low / size.slope) if size.slope > 0 else floor(-size.high / size.slope) + 1
        for size in _atoms(condition)
        if size.slope
    ]
    return max([1, *starts])


def _boxes(condition: Condition, axes: Sequence[str]) -> list[Box]:
    """Return the boxes in which a condition on several axes holds."""
    if isinstance(condition, Either):
        return [*_boxes(condition.one, axes), *_boxes(condition.other, axes)]
    if isinstance(condition, Both):
        return _met(_boxes(condition.one, axes), _boxes(condition.other, axes))
    if isinstance(condition, Equals):
        sizes, (number, rest) = condition.product.sizes, divmod(condition.number, condition.product.factor)
        return [] if rest else [_box(sizes, factors, axes) for factors in _factorings(number, len(sizes))]
    if len(condition.axes) == 1:
        (name,) = condition.axes
        return [tuple(solve_axis([condition]) if axis == name else SizeSet("every size") for axis in axes)]
    raise Unsolvable("a product of sides is compared by size")


def _box(sizes: Sequence[Size], values: Sequence[int], axes: Sequence[str]) -> Box:
    """Return the box in which each size has its value."""
    box = dict.fromkeys(axes, SizeSet("every size"))
    for size, value in zip(sizes, values, strict=True):
        parts = [part for part in (size >= value, size <= value) if part is not True]
        box[size.unknown.name] = SizeSet() if False in parts else solve_axis(parts)
    return tuple(box.values())


def _factorings(number: int, count: int) -> Iterator[tuple[int, ...]]:
    """Yield the ways to write a number as a product of so many."""
    if count == 1:
        yield (number,)
        return
    _limit(isqrt(number), "divisors")
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    for divisor in sorted({*small, *(number // d for d in small)}):
        for others in _factorings(number // divisor, count - 1):
            yield (divisor, *others)


def _met(one: Sequence[Box], other: Sequence[Box]) -> list[Box]:
    """Return the boxes that the boxes of two unions have in common."""
    met = [tuple(a & b for a, b in zip(*pair, strict=True)) for pair in combinations(one, other)]
    found = [box for box in met if all(box)]
    if len(found) > MOST_BOXES:
        raise Unsolvable(f"more than {MOST_BOXES} separate products of sizes work")
    return found
