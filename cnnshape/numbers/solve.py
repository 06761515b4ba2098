"""Conditions on unknown sides -> the exact set of sides for which they hold.

Of a single floor, a threshold is computed. Everything else is found by halving: on a stretch of sides a condition is
known to hold, or not to, or else each half of the stretch is looked at. What repeats is looked at over one period, the
least period first, and for the next one only where the ones before hold: a net with a period of 2**64 is a walk down
a tree, as long as few branches are left.
"""

from __future__ import annotations

from itertools import islice
from itertools import product as combinations
from math import inf, isqrt, lcm
from typing import TYPE_CHECKING, Final

from cnnshape.numbers.sizeset import SizeSet, TooManySpans
from cnnshape.numbers.symbolic import Both, Compared, Condition, Either, NotNegative, Unsolvable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.numbers.sizeset import Span
    from cnnshape.numbers.symbolic import Product, Size

MOST_LOOKS: Final = 2**17  # stretches of sides that are looked at for one condition: about a second
MOST_DIVISORS: Final = 2**16  # that are tried of the number that a product of sides must be
MOST_TRIES: Final = 2**18  # of a divisor for one of the sides
MOST_BOXES: Final = 2**10  # products of sets that a set of several sides is the union of
FEW_BOXES: Final = 2**8  # that are looked through for ones within others, which divisors never leave
TOO_MANY_BOXES: Final = f"more than {MOST_BOXES:,} separate products of sizes work"

Box = tuple[SizeSet, ...]  # one set for each axis: all combinations of their sizes

EVERY: Final = SizeSet.span(1)


def solve(conditions: Iterable[Condition], axes: Sequence[str]) -> list[Box]:
    """Return the boxes in which all conditions hold. Raises Unsolvable."""
    single: dict[str, dict[object, Condition]] = {axis: {} for axis in axes}
    joint: list[Condition] = []
    for condition in parts(conditions):
        axis, *more = condition.axes
        if not more:
            single[axis][condition.form] = condition
        else:
            joint.append(condition)
    solved: dict[frozenset[object], SizeSet] = {}  # axes on which the same is asked are solved once
    box: list[SizeSet] = []
    for asked in single.values():
        key = frozenset(asked)
        if key not in solved:
            solved[key] = solve_axis(asked.values())
        box.append(solved[key])
    boxes: list[Box] = [tuple(box)] if all(box) else []
    for condition in joint:
        try:
            boxes = boxes and meet(boxes, _boxes(condition, axes))
        except (Unsolvable, TooManySpans) as error:
            raise Unsolvable(str(error), condition) from None
    return boxes


def solve_axis(conditions: Iterable[Condition]) -> SizeSet:
    """Return the sizes of one axis for which all conditions hold. Raises Unsolvable."""
    first, last = 1, inf
    others: list[Condition] = []
    for condition in conditions:
        reach = _reach(condition.size) if isinstance(condition, NotNegative) else None
        if reach is None:
            others.append(condition)
        else:
            first, last = max(first, reach[0]), min(last, reach[1])
    sizes = SizeSet.span(first, last)
    for condition in sorted(others, key=lambda condition: (_period(condition), isinstance(condition, Either))):
        sizes = _where(condition, sizes)
    return sizes


def meet(one: Sequence[Box], other: Sequence[Box]) -> list[Box]:
    """Return the boxes that two unions of boxes have in common. Raises Unsolvable."""
    found = [*dict.fromkeys(box for pair in combinations(one, other) if (box := _common(*pair)))]
    if len(found) <= FEW_BOXES:
        found = [box for box in found if not any(_inside(box, larger) for larger in found)]
    if len(found) > MOST_BOXES:
        raise Unsolvable(TOO_MANY_BOXES)
    return found


def covered(boxes: Iterable[Box], others: Sequence[Box]) -> bool:
    """Say whether nothing of some boxes lies outside of others."""
    todo = [(box, 0) for box in boxes]
    while todo:
        box, done = todo.pop()
        if done == len(others):
            return False
        todo += [(part, done + 1) for part in _rest(box, others[done])]
    return True


def _rest(box: Box, other: Box) -> Iterator[Box]:
    """Yield what of a box lies outside of another, in parts without overlap."""
    common = _common(box, other)
    if not common:
        yield box
        return
    for axis, (ours, both) in enumerate(zip(box, common, strict=True)):
        if ours != both:
            yield (*common[:axis], ours - both, *box[axis + 1 :])


def _common(one: Box, other: Box) -> Box:
    """Return what two boxes have in common, () for nothing."""
    box: list[SizeSet] = []
    for a, b in zip(one, other, strict=True):
        both = a & b
        if not both:
            return ()
        box.append(both)
    return tuple(box)


def _inside(one: Box, other: Box) -> bool:
    """Say whether a box is a part of another, larger one."""
    if one is other or any(a.next(0) not in b for a, b in zip(one, other, strict=True)):  # soon said
        return False
    return all(a <= b for a, b in zip(one, other, strict=True))


def parts(conditions: Iterable[Condition]) -> Iterator[Condition]:
    """Yield the conditions with those that are two at once taken apart."""
    todo = list(conditions)[::-1]
    while todo:
        condition = todo.pop()
        if isinstance(condition, Both):
            todo += [condition.other, condition.one]
        else:
            yield condition


def _reach(size: Size) -> tuple[int, float] | None:
    """Return the first and the last x at which one floor, times a number, plus a number is not negative.

    a*f + c >= 0 is f >= ceil(-c/a), or for a negative a not f >= floor(c/-a) + 1; and floor(i/d) >= n is i >= d*n.
    """
    (f, a), *more = size.terms
    least = -(size.constant // a) if a > 0 else size.constant // -a + 1
    while f.inner is not None and not more:
        least = least * f.divisor - f.inner.constant
        (f, times), *more = f.inner.terms
        least = -(-least // times)
    if more:
        return None
    return (least, inf) if a > 0 else (1, least - 1)


def _where(condition: Condition, sizes: SizeSet) -> SizeSet:
    """Return those of some sizes at which a condition holds."""
    looks = iter(range(MOST_LOOKS))

    def holds(first: int, last: int) -> Iterator[Span]:
        todo = [(first, last)]
        while todo:
            if next(looks, None) is None:
                raise Unsolvable(f"{MOST_LOOKS:,} looks at the condition are not enough to solve it", condition)
            stretch = todo.pop()
            verdict = _verdict(condition, *stretch)
            if verdict:
                yield stretch
            elif verdict is None:
                middle = sum(stretch) // 2
                todo += [(middle + 1, stretch[1]), (stretch[0], middle)]

    try:
        return sizes.where(holds, _settles(condition), _period(condition))
    except TooManySpans as error:
        raise Unsolvable(str(error), condition) from None


def _verdict(condition: Condition, first: int, last: int) -> bool | None:
    """Say whether a condition holds for every x from first to last, or for none; None where that is not plain."""
    if isinstance(condition, NotNegative):
        least, most = condition.size.between(first, last)
        return True if least >= 0 else False if most < 0 else None
    if isinstance(condition, Both | Either):
        decisive = isinstance(condition, Either)  # the verdict on one half that is that on the whole
        one = _verdict(condition.one, first, last)
        if one is decisive:
            return one
        other = _verdict(condition.other, first, last)
        return other if one is not None or other is decisive else None
    raise Unsolvable("a product of sides is compared by size")


def _atoms(condition: Condition) -> Iterator[Size]:
    """Yield the sizes that a condition compares with 0."""
    if isinstance(condition, NotNegative):
        yield condition.size
    elif isinstance(condition, Both | Either):
        yield from _atoms(condition.one)
        yield from _atoms(condition.other)


def _period(condition: Condition) -> int:
    """Return the period with which the condition repeats, once it has settled."""
    return lcm(*(pace.period for size in _atoms(condition) if not (pace := size.pace()).rise))


def _settles(condition: Condition) -> int:
    """Return the x from which on every comparison in it that does not repeat keeps its sign."""
    return max([1, *map(_keeps_sign, _atoms(condition))])


def _keeps_sign(size: Size) -> int:
    """Return the x from which on rise*x + low >= 0, or rise*x + high < 0 (see Pace); 1 for a size that repeats."""
    _, rise, low, high = size.pace()
    if rise > 0:
        return -(low // rise)
    return high // -rise + 1 if rise else 1


def _boxes(condition: Condition, axes: Sequence[str]) -> list[Box]:
    """Return the boxes in which a condition on several axes holds."""
    if isinstance(condition, Either):
        return [*_boxes(condition.one, axes), *_boxes(condition.other, axes)]
    if isinstance(condition, Both):
        return meet(_boxes(condition.one, axes), _boxes(condition.other, axes))
    if isinstance(condition, Compared) and condition.sign == "=":
        return [tuple(box.get(axis, EVERY) for axis in axes) for box in _equal(condition.product, condition.number)]
    if len(condition.axes) == 1:
        asked = solve_axis([condition])
        return [tuple(asked if axis in condition.axes else EVERY for axis in axes)]
    raise Unsolvable("a product of sides is compared by size")


def _equal(product: Product, number: int) -> list[dict[str, SizeSet]]:
    """Return the boxes in which a product of sides is a number, each as a set by axis. Raises Unsolvable."""
    number, rest = divmod(number - product.constant, product.factor)
    if rest or number < 1:
        return []
    if isqrt(number) > MOST_DIVISORS:
        raise Unsolvable(f"the divisors of {number:,} are too many to try")
    small = [d for d in range(1, isqrt(number) + 1) if number % d == 0]
    divisors = sorted({*small, *(number // d for d in small)})
    known: dict[tuple[object, int], SizeSet] = {}
    tries = iter(range(MOST_TRIES))

    def sides(size: Size, value: int) -> SizeSet:
        if next(tries, None) is None:
            raise Unsolvable(f"the ways to write {number:,} as a product are too many to try")
        key = size.form, value
        if key not in known:
            parts = [part for part in (size >= value, size <= value) if part is not True]
            known[key] = SizeSet() if False in parts else solve_axis(parts)
        return known[key]

    def boxes(sizes: Sequence[Size], number: int, divisors: Sequence[int]) -> Iterator[dict[str, SizeSet]]:
        size, *others = sizes
        for value in divisors if others else [number]:
            if found := sides(size, value):
                rest = number // value
                ways = boxes(others, rest, [d for d in divisors if rest % d == 0]) if others else [{}]
                yield from ({size.axis.name: found} | way for way in ways)

    found = [*islice(boxes(product.sizes, number, divisors), MOST_BOXES + 1)]
    if len(found) > MOST_BOXES:
        raise Unsolvable(TOO_MANY_BOXES)
    return found
