"""The sizes that a model's own code refuses: comparisons that raise when they go the other way become `require` layers.

In: the recording of the declared input, and a function that runs the model at another. Out: for each recorded value, what
its sides must be; and the lines at which the code goes another way.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.sometimes import together
from cnnshape.convert.windows import square
from cnnshape.numbers.recorded import COMPARISONS, Operation, evaluated, sides_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from cnnshape.compare.recording import Guard, Line, Recording
    from cnnshape.numbers.recorded import Expression, SideOf
    from cnnshape.numbers.shape import Shape

    Run = Callable[[dict[str, Shape]], Recording]

STEPS: Final = (1, 2, 3, 16, -1)  # cells more, tried until each comparison has gone the other way
SIDES: Final = range(1, 600)  # at which a comparison is evaluated
NEAR: Final = 64  # cells from a larger side, at which it is evaluated, too
WIDE: Final = 3  # times the declared side, where a square window is as large as the other side
LIMITED: Final = {"min": "at_least", "max": "at_most"}  # what all of several sides are where the chosen one is so
MOST_IDLE: Final = 2  # runs for a line that turned nothing new, after which no more are tried
MOST: Final = 40  # comparisons that are looked at, and inputs that are sought for them


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
    said = {index: found for index, guard in enumerate(first.guards[:MOST]) if (found := asks(guard))}
    turns = {index: held for index, guard in enumerate(first.guards[:MOST]) if (held := _turning(guard))}
    asked = {index for index, guard in enumerate(first.guards[:MOST]) if index in turns or _of_several(guard)}
    raising, other, covered = set[int](), set[int](), set[int]()
    turning, covering = list[dict[str, "Shape"]](), list[dict[str, "Shape"]]()
    idle: Counter[Line | None] = Counter()  # runs that turned nothing new, by line
    for index, inputs in chain(_varied(first), islice(_flipping(first, turns), MOST)) if asked else ():
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


def _flipping(
    first: Recording, turns: Mapping[int, tuple[SideOf, Collection[int]]]
) -> Iterator[tuple[int, dict[str, Shape]]]:
    """Yield each comparison of one side, with inputs at which it may go the other way.

    These have one side in the proportion that the compared side has to the nearest that turn the comparison.
    """
    shapes = {t.value: t.shape for t in (*first.inputs.values(), *(t for op in first.ops for t in op.outputs))}
    most = max(SIDES.stop, *(2 * side for shape in _declared(first).values() for side in shape[1:]))
    for index, (side, held) in turns.items():
        guard, now = first.guards[index], shapes[side.value][side.axis]
        near = [n for n in range(max(SIDES.stop, now - NEAR), now + NEAR) if not _held(guard, n)]
        turned = [*(n for n in SIDES if n not in held), *near]
        for target in (*[n for n in turned if n < now][-1:], *[n for n in turned if n > now][:1]):
            for axis in _axes(first):
                inputs = _with_side(first, axis, times=target, by=now)
                if all(side < most for shape in inputs.values() for side in shape[1:]):
                    yield index, inputs


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


def asks(guard: Guard) -> list[tuple[SideOf, dict[str, int]]]:
    """Return the sides that a comparison is about, and what `require` has for its outcome; nothing where it has no word.

    The least of several sides is at least a number where all are, and the largest at most one.
    """
    if isinstance(guard.left, Operation) and guard.left.sign in LIMITED and not any(sides_of(guard.right)):
        each = [asks(guard._replace(left=term)) for term in guard.left.terms if any(sides_of(term))]
        found = [one for some in each for one in some]
        return found if all(each) and all([*given] == [LIMITED[guard.left.sign]] for _, given in found) else []
    turning = None if _of_several(guard) else _turning(guard)
    settings = _settings([*turning[1]]) if turning else {}
    return [(turning[0], settings)] if turning and settings else []


def _turning(guard: Guard) -> tuple[SideOf, Collection[int]] | None:
    """Return the first side that a comparison is about, and the sides of its outcome, where all that it is about are equal.

    None where these are all sides, or cannot be told.
    """
    sides = [*sides_of(guard.left), *sides_of(guard.right)]
    try:
        held = dict.fromkeys(n for n in SIDES if _held(guard, n))
    except (ArithmeticError, ValueError, TypeError):
        return None
    return (sides[0], held) if sides and len(held) < len(SIDES) else None


def _held(guard: Guard, side: int) -> bool:
    """Say whether a comparison of one side has its outcome at another, too."""
    return bool(COMPARISONS[guard.sign](_at(guard.left, side), _at(guard.right, side))) == guard.outcome


def _at(expression: Expression, side: int) -> Any:
    """Evaluate an expression of one side."""
    return evaluated(expression, lambda _: side)


def _settings(held: Sequence[int]) -> dict[str, int]:
    """Return what `require` has for a set of sides."""
    if not held or len(held) == len(SIDES):
        return {}
    if [*held] == [*range(held[0], held[-1] + 1)]:
        least = {"at_least": held[0]} if held[0] > SIDES.start else {}
        return least | ({"at_most": held[-1]} if held[-1] < SIDES[-1] else {})
    step = held[1] - held[0]
    if step > 1 and [*held] == [*range(held[0], SIDES.stop, step)]:
        return {"multiple_of": step} | ({"plus": held[0] % step} if held[0] % step else {})
    return {}


def by_value(settings: Mapping[tuple[int, int], dict[str, int]]) -> dict[int, dict[int, dict[str, int]]]:
    """Return settings by recorded value, and by axis of the tensor."""
    found: dict[int, dict[int, dict[str, int]]] = {}
    for (value, axis), given in settings.items():
        found.setdefault(value, {})[axis] = given
    return found
