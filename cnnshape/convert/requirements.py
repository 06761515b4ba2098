"""The sizes that a model's own code refuses: comparisons that raise when they go the other way become `require` layers.

In: the recording of the declared input, and a function that runs the model at another. Out: for each recorded value, what
its sides must be; and the lines at which the code goes another way.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, combinations, pairwise
from math import isfinite, isqrt, prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.sometimes import together
from cnnshape.convert.windows import square
from cnnshape.numbers.recorded import COMPARISONS, Operation, evaluated, sides_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cnnshape.compare.recording import Guard, Line, Recording
    from cnnshape.numbers.recorded import Expression, SideOf
    from cnnshape.numbers.shape import Shape

    Run = Callable[[dict[str, Shape]], Recording]

STEPS: Final = (1, 2, 3, 16, -1)  # cells more, tried until each comparison has gone the other way
SIDES: Final = range(1, 600)  # at which a comparison is evaluated
NEAR: Final = 64  # cells from the declared side, at which it is evaluated, too
FURTHER: Final = tuple(2**power for power in range(10, 25))  # sides up to which a comparison may turn
LARGEST_PERIOD: Final = 2**16  # of a remainder, made of the comparison's constants
WIDE: Final = 3  # times the declared side, where a square window is as large as the other side
LIMITED: Final = {"min": "at_least", "max": "at_most"}  # what all of several sides are where the chosen one is so
MOST_IDLE: Final = 2  # runs for a line that turned nothing new, after which no more are tried
MOST: Final = 40  # comparisons that are looked at, and inputs that are sought for them


class Turning(NamedTuple):
    """The comparison of a side: the sides at which it was evaluated, in order, and whether it has the declared outcome there."""

    side: SideOf
    outcomes: dict[int, bool]


class Requirements(NamedTuple):
    """What a model's code says of sizes."""

    settings: dict[tuple[int, int], dict[str, int]]  # of `require`, by recorded value and its axis
    lines: tuple[Line, ...]  # of the comparisons that raise
    elsewhere: tuple[Line, ...]  # of those by which it goes another way, or raises, and `require` has no word for it
    inputs: tuple[dict[str, Shape], ...]  # at which it does so
    along: tuple[
        dict[str, Shape], ...
    ] = ()  # at which it only lacks operations of the declared run that change nothing there


def requirements(first: Recording, run: Run) -> Requirements:
    """Return what the code requires: each comparison of sides is turned round by other inputs, to see what happens."""
    guards, shapes = [*enumerate(first.guards[:MOST])], _shapes(first)
    said = {index: found for index, guard in guards if (found := asks(guard, shapes))}
    turns = {index: held for index, guard in guards if (held := _turning(guard, shapes))}
    flipping = [*_flipping(first, turns)]
    asked = {index for index, _ in flipping} | {index for index, guard in guards if _of_several(guard)}
    raising, other, covered = set[int](), set[int](), set[int]()
    turning, covering = list[dict[str, "Shape"]](), list[dict[str, "Shape"]]()
    idle: Counter[Line | None] = Counter()  # runs that turned nothing new, by line
    for index, inputs in chain(_varied(first), flipping[:MOST]) if asked else ():
        known = raising | other | covered
        if asked <= known:
            break
        lines = {first.guards[one].line for one in (raising | other) & said.keys()}
        line = None if index is None else first.guards[index].line
        if index in known or (line and (line in lines or idle[line] > MOST_IDLE)):
            continue
        recording = run(inputs)
        every = [*_turned(first.guards, recording.guards)]
        idle[line] += known.issuperset(every[:1])
        turned = every[0] if every else None
        if turned not in asked:
            continue
        raises = recording.failure is not None and len(recording.ops) == recording.guards[turned].at
        raises = raises and turned in said
        along = not raises and _goes_along(first, recording)
        (raising if raises else covered if along else other).update(every if along else every[:1])
        turning += [inputs] * (not raises and not along)
        covering += [inputs] * (along and len(recording.ops) < len(first.ops))
    lines = {first.guards[index].line for index in raising}
    raising |= {index for index in said if first.guards[index].line in lines and first.guards[index].line}
    settings: dict[tuple[int, int], dict[str, int]] = {}
    for index in sorted(raising):
        for side, given in said[index]:
            settings.setdefault((side.value, side.axis), {}).update(given)
    squared = [op.line for op in first.ops if op.line and square(op)]
    turning += [_with_side(first, axis, times=WIDE) for axis in _axes(first)] if squared else []
    elsewhere = dict.fromkeys((*_lines(first, other - raising), *squared))
    return Requirements(settings, _lines(first, raising), tuple(elsewhere), tuple(turning), tuple(covering))


def _goes_along(first: Recording, other: Recording) -> bool:
    """Say whether a run has no operations but those of the first, which does nothing where the other lacks some."""
    both = together(first, other)
    return both is not None and len(both[0].ops) == len(first.ops)


def _lines(first: Recording, indices: set[int]) -> tuple[Line, ...]:
    found = (first.guards[index].line for index in sorted(indices))
    return tuple(dict.fromkeys(line for line in found if line))


def _varied(first: Recording) -> Iterator[tuple[None, dict[str, Shape]]]:
    """Yield inputs of which one axis has some cells more, and with the sides exchanged."""
    for more in STEPS:
        for axis in _axes(first):
            yield None, _with_side(first, axis, more=more)
    declared = _declared(first)
    exchanged = {name: (*shape[:1], *shape[:0:-1]) for name, shape in declared.items()}
    if exchanged != declared:
        yield None, exchanged


def _flipping(first: Recording, turns: Mapping[int, Turning]) -> Iterator[tuple[int, dict[str, Shape]]]:
    """Yield each comparison of one side, with inputs at which it may go the other way.

    These have one side in the proportion that the compared side has to the nearest that turn the comparison. None is of more
    cells than the largest square that is tried, unless its sides are at most twice the declared ones.
    """
    shapes = _shapes(first)
    most = max([SIDES.stop, *(2 * side for shape in _declared(first).values() for side in shape[1:])])
    for index, (side, outcomes) in turns.items():
        now = shapes[side.value][side.axis]
        turned = [n for n, held in outcomes.items() if not held]
        for target in (*[n for n in turned if n < now][-1:], *[n for n in turned if n > now][:1]):
            for axis in _axes(first):
                inputs = _with_side(first, axis, times=target, by=now)
                if all(
                    max(shape[1:], default=0) < most or prod(shape[1:]) < SIDES.stop**2 for shape in inputs.values()
                ):
                    yield index, inputs


def _shapes(first: Recording) -> dict[int, Shape]:
    """Return the recorded shape of each value, with the batch."""
    return {t.value: t.shape for t in (*first.inputs.values(), *(t for op in first.ops for t in op.outputs))}


def _declared(first: Recording) -> dict[str, Shape]:
    return {name: tensor.shape[1:] for name, tensor in first.inputs.items()}


def _axes(first: Recording) -> range:
    return range(1, max(map(len, _declared(first).values())))


def _with_side(first: Recording, axis: int, *, more: int = 0, times: int = 1, by: int = 1) -> dict[str, Shape]:
    """Return the declared inputs with another side along one axis: some cells more, or a multiple, rounded up."""
    return {
        name: tuple(-(-side * times // by) + more if at == axis else side for at, side in enumerate(shape))
        for name, shape in _declared(first).items()
    }


def _turned(guards: Sequence[Guard], others: Sequence[Guard]) -> Iterator[int]:
    """Yield the comparisons that went the other way in another run, as far as both compare the same."""
    for index, (one, other) in enumerate(zip(guards, others, strict=False)):
        if (one.sign, one.left, one.right) != (other.sign, other.left, other.right):
            return
        if one.outcome != other.outcome:
            yield index


def compares_sides(first: Recording) -> bool:
    """Say whether the code compares sides with each other."""
    return any(map(_of_several, first.guards[:MOST]))


def _of_several(guard: Guard) -> bool:
    """Say whether a comparison is one of several sides."""
    return len({*sides_of(guard.left), *sides_of(guard.right)}) > 1


def asks(guard: Guard, shapes: Mapping[int, Shape]) -> list[tuple[SideOf, dict[str, int]]]:
    """Return the sides that a comparison is about, and what `require` has for its outcome; nothing where it has no word.

    The least of several sides is at least a number where all are, and the largest at most one. `shapes` are the recorded ones.
    """
    if isinstance(guard.left, Operation) and guard.left.sign in LIMITED and not any(sides_of(guard.right)):
        each = [asks(guard._replace(left=term), shapes) for term in guard.left.terms if any(sides_of(term))]
        found = [one for some in each for one in some]
        return found if all(each) and all([*given] == [LIMITED[guard.left.sign]] for _, given in found) else []
    turning = None if _of_several(guard) else _turning(guard, shapes)
    settings = _settings(turning.outcomes) if turning else {}
    return [(turning.side, settings)] if turning and settings else []


def _turning(guard: Guard, shapes: Mapping[int, Shape]) -> Turning | None:
    """Return the sides at which a comparison goes either way, where all that it is about are equal.

    None where it has one outcome at all of them, or cannot be told.
    """
    side = next(chain(sides_of(guard.left), sides_of(guard.right)), None)
    if side is None:
        return None
    tried = _tried(guard, shapes[side.value][side.axis])
    try:
        outcomes = {n: _held(guard, n) for n in tried}
        for below, above in pairwise(tried):
            outcomes.update(_between(guard, below, above, outcomes))
    except (ArithmeticError, ValueError, TypeError):
        return None
    ordered = dict(sorted(outcomes.items()))
    return Turning(side, ordered) if not all(ordered.values()) else None


def _tried(guard: Guard, now: int) -> list[int]:
    """Return the sides at which a comparison is evaluated: small ones, those near the declared one, and some further ones.

    So that no remainder is taken for a limit, among them are those at the distance of each period that it may have.
    """
    numbers = {int(n) for n in (*_constants(guard.left), *_constants(guard.right)) if n == int(n) and abs(n) > 1}
    periods = {abs(prod(some)) for few in (1, 2, 3) for some in combinations(sorted(numbers), few)}
    apart = {part for period in periods if period <= LARGEST_PERIOD for part in _divisors(period)}
    near = (now + sign * cells for cells in (*range(NEAR), *apart) for sign in (1, -1))
    return sorted({*SIDES, *FURTHER, *(side for side in near if side > 0)})


def _constants(expression: Expression) -> Iterator[float]:
    """Yield the numbers in an expression."""
    if isinstance(expression, Operation):
        for term in expression.terms:
            yield from _constants(term)
    elif isinstance(expression, int | float) and isfinite(expression):
        yield expression


def _divisors(number: int) -> Iterator[int]:
    for one in range(1, isqrt(number) + 1):
        if number % one == 0:
            yield from (one, number // one)


def _between(guard: Guard, below: int, above: int, outcomes: Mapping[int, bool]) -> dict[int, bool]:
    """Return the outcomes at two sides next to each other where a comparison turns, between two at which it differs."""
    before = outcomes[below]
    if before == outcomes[above]:
        return {}
    while above - below > 1:
        middle = (below + above) // 2
        below, above = (middle, above) if _held(guard, middle) == before else (below, middle)
    return {below: before, above: not before}


def _held(guard: Guard, side: int) -> bool:
    """Say whether a comparison of one side has its outcome at another, too."""
    return bool(COMPARISONS[guard.sign](_at(guard.left, side), _at(guard.right, side))) == guard.outcome


def _at(expression: Expression, side: int) -> Any:
    """Evaluate an expression of one side."""
    return evaluated(expression, lambda _: side)


def _settings(outcomes: Mapping[int, bool]) -> dict[str, int]:
    """Return what `require` has for the sides at which a comparison has its outcome, of all at which it was evaluated."""
    tried, held = [*outcomes], [side for side, one in outcomes.items() if one]
    if not held:
        return {}
    if held == [side for side in tried if held[0] <= side <= held[-1]]:
        least = {"at_least": held[0]} if held[0] > tried[0] else {}
        return least | ({"at_most": held[-1]} if held[-1] < tried[-1] else {})
    step = min(after - before for before, after in pairwise(held))
    if step > 1 and held == [side for side in tried if side % step == held[0] % step]:
        return {"multiple_of": step} | ({"plus": held[0] % step} if held[0] % step else {})
    return {}


def by_value(settings: Mapping[tuple[int, int], dict[str, int]]) -> dict[int, dict[int, dict[str, int]]]:
    """Return settings by recorded value, and by axis of the tensor."""
    found: dict[int, dict[int, dict[str, int]]] = {}
    for (value, axis), given in settings.items():
        found.setdefault(value, {})[axis] = given
    return found
