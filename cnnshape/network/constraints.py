"""The layers that shape the set of valid sizes: requirements come in, and the needed ones go out as constraints.

A requirement that follows from the others is left out; of an empty set, the fewest that contradict each other remain.
"""

from __future__ import annotations

from functools import reduce
from itertools import combinations
from math import prod
from typing import TYPE_CHECKING, Final

from cnnshape.network.requirements import Conditions, NoClosedForm, closed_form, solved
from cnnshape.numbers.boxes import Box, covered, meet
from cnnshape.numbers.sizeset import EVERY
from cnnshape.numbers.symbolic import MOST_STEPS, Compared, effort
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.network.requirements import Requirement
    from cnnshape.numbers.effort import Effort

MOST_TRIES: Final = 10_000  # products of boxes that are met in search of a smallest contradiction


class Constraint(NamedTuple):
    """The conditions of one layer on the input's sides, and the boxes in which they hold.

    `left` are the boxes in which the constraints named before it hold as well.
    """

    layer: str
    conditions: Conditions
    boxes: tuple[Box, ...]
    left: tuple[Box, ...] = ()

    @property
    def joint(self) -> bool:
        """Whether it ties the axes to each other."""
        return len(self.boxes) > 1 or any(isinstance(condition, Compared) for condition in self.conditions)

    @property
    def cost(self) -> tuple[bool, int]:
        """A measure of the work to meet it: little for axes by themselves, and for a short period."""
        return self.joint, max((sizes.period for box in self.boxes for sizes in box), default=1)


def constraints(required: Sequence[Requirement], names: Sequence[str], *, empty: bool) -> tuple[Constraint, ...]:
    """Return the requirements that cannot be left out, since the set would be larger: the cheapest first.

    `names` are those of the axes. Of an `empty` set these are the fewest that leave no size, unless finding them takes
    more than MOST_TRIES. Raises NoClosedForm where the conditions of one layer have no closed form by themselves.
    """
    within = effort()  # one of its own: the set itself may have taken nearly all of another
    everything: list[Box] = [(EVERY,) * len(names)]
    asked = _asked(required, names, everything, within, empty=empty)
    needed = _needed(asked, everything, within)
    before, result = everything, []
    for constraint in _fewest(asked, needed, everything, within) if empty else needed:
        before = _met(constraint, before, within)
        result.append(constraint._replace(left=tuple(before)))
    return tuple(result)


def _asked(
    required: Sequence[Requirement], names: Sequence[str], everything: list[Box], within: Effort, *, empty: bool
) -> list[Constraint]:
    """Return each requirement once, the cheapest first, without those that every size meets.

    Where the set is empty, that follows without the requirements that have no closed form.
    """
    impossible = next(((layer, conditions) for layer, conditions in required if False in conditions), None)
    if impossible:
        return [Constraint(*impossible, boxes=())]
    first: dict[Conditions, str] = {}  # layers that are alike have their conditions in common
    for layer, conditions in required:
        first.setdefault(conditions, layer)
    seen = {tuple(everything)}
    result = []
    for conditions, layer in first.items():
        try:
            boxes = tuple(solved([(layer, conditions)], names, within))
        except NoClosedForm:
            if empty:
                continue
            raise
        if boxes not in seen:
            seen.add(boxes)
            result.append(Constraint(layer, conditions, boxes))
    return sorted(result, key=lambda constraint: constraint.cost)


def _needed(asked: list[Constraint], everything: list[Box], within: Effort) -> list[Constraint]:
    """Return the constraints without those that follow from the rest."""
    behind = [everything]  # the boxes in which all constraints from the last back to this one hold
    for constraint in reversed(asked):
        behind.append(_met(constraint, behind[-1], within))
    before, needed = everything, []
    for constraint, others in zip(asked, behind[-2::-1], strict=True):
        with closed_form(constraint.layer):
            spare = covered(meet(before, others, within), constraint.boxes, within)
        if not spare:
            needed.append(constraint)
            before = _met(constraint, before, within)
    return needed


def _fewest(
    asked: list[Constraint], needed: list[Constraint], everything: list[Box], within: Effort
) -> Sequence[Constraint]:
    """Return the fewest constraints that leave no size; `needed` where there is no smaller choice, or no time."""
    tries = 0
    for count in range(1, len(needed)):
        for some in combinations(asked, count):
            tries += prod(len(constraint.boxes) for constraint in some)
            if tries > MOST_TRIES or within.left < MOST_STEPS // 2:
                return needed
            if not reduce(lambda boxes, constraint: _met(constraint, boxes, within), some, everything):
                return some
    return needed


def _met(constraint: Constraint, boxes: Sequence[Box], within: Effort) -> list[Box]:
    """Return the boxes in which a constraint holds as well."""
    with closed_form(constraint.layer):
        return meet(constraint.boxes, boxes, within)
