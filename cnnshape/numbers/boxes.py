"""Unions of boxes: exact sets of the sides of several axes at once, as lists of boxes without an order.

Unions come in; their intersection goes out, or whether one covers another, or their text.
"""

from __future__ import annotations

from itertools import product as combinations
from operator import ge
from typing import TYPE_CHECKING, Final

from cnnshape.numbers.sizeset import EVERY, SizeSet
from cnnshape.numbers.symbolic import Unsolvable, effort

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.numbers.effort import Effort

MOST_BOXES: Final = 2**10  # of a union
FEW_BOXES: Final = 2**8  # of a union, up to which boxes inside other boxes are dropped: the search takes quadratic time
STEPS: Final = 4  # of an effort for the intersection of two sets, beside one for each span that is looked at
TOO_MANY_BOXES: Final = f"more than {MOST_BOXES:,} separate products of sizes work"

Box = tuple[SizeSet, ...]  # one set for each axis: all combinations of their sizes


def meet(one: Sequence[Box], other: Sequence[Box], within: Effort | None = None) -> list[Box]:
    """Return the intersection of two unions of boxes. Raises Unsolvable where that has more than MOST_BOXES."""
    within = within or effort()
    found = [*dict.fromkeys(box for pair in combinations(one, other) if (box := _common(*pair, within)))]
    if len(found) <= FEW_BOXES:
        within.spend(len(found) ** 2)
        lows = [tuple([sizes.next(0) or 0 for sizes in box]) for box in found]
        found = [
            box
            for box, low in zip(found, lows, strict=True)
            if not any(
                all(map(ge, low, least)) and _inside(box, larger, within)  # a box that begins before is in none
                for larger, least in zip(found, lows, strict=True)
            )
        ]
    if len(found) > MOST_BOXES:
        raise Unsolvable(TOO_MANY_BOXES)
    return found


def covered(boxes: Iterable[Box], others: Sequence[Box], within: Effort | None = None) -> bool:
    """Say whether a union of boxes is a part of another."""
    within = within or effort()
    todo = [(box, 0) for box in boxes]
    while todo:
        box, done = todo.pop()
        if done == len(others):
            return False
        todo += [(part, done + 1) for part in _rest(box, others[done], within)]
    return True


def _rest(box: Box, other: Box, within: Effort) -> Iterator[Box]:
    """Yield the difference of two boxes, as boxes without overlap."""
    common = _common(box, other, within)
    if not common:
        yield box
        return
    for axis, (ours, both) in enumerate(zip(box, common, strict=True)):
        if ours != both:
            yield (*common[:axis], ours.common(~both, within.spend), *box[axis + 1 :])


def _common(one: Box, other: Box, within: Effort) -> Box:
    """Return the intersection of two boxes, () where it is empty."""
    box: list[SizeSet] = []
    for a, b in zip(one, other, strict=True):
        within.spend(STEPS)
        both = a.common(b, within.spend)
        if not both:
            return ()
        box.append(both)
    return tuple(box)


def _inside(one: Box, other: Box, within: Effort) -> bool:
    """Say whether a box is a part of another one; no box is a part of itself here."""
    if one is other or any(a.next(0) not in b for a, b in zip(one, other, strict=True)):  # the quick cases
        return False
    return all(not a.common(~b, within.spend) for a, b in zip(one, other, strict=True))


def union(sets: Iterable[SizeSet], within: Effort) -> SizeSet:
    """Return the union of sets, made pair by pair: a set is walked as often as their number can be halved."""
    found = [*sets]
    while len(found) > 1:
        within.spend(STEPS * len(found))
        pairs = zip(found[::2], found[1::2], strict=False)
        found = [~(~a).common(~b, within.spend) for a, b in pairs] + found[len(found) & ~1 :]
    return found[0] if found else SizeSet()


def words(boxes: Iterable[Box], names: Sequence[str]) -> str:
    """Write a union of boxes: "h 64 to 95 with w 128; or h 128 with w 64", or one set for all axes."""
    boxes = [*boxes]
    if len(boxes) == 1 and len(set(boxes[0])) == 1:
        return str(boxes[0][0])
    named = ([(name, sizes) for name, sizes in zip(names, box, strict=True) if sizes != EVERY] for box in boxes)
    return "; or ".join(" with ".join(f"{name} {sizes}" for name, sizes in box) for box in named) or "none"
