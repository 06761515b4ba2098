"""Fixes at the net's inputs: sides that the whole net takes, found by solving for them, and channels that a layer declares.

The numbers that the file leaves out are free here, and its expectations are conditions. An axis that need not change
stays, equal sides stay equal; of several sizes the nearest well-known one is taken, or else the roundest.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.sketch import sketched
from cnnshape.diagnosis.well_known import MOST_LOOKED_AT, divisions, likeliest, tier
from cnnshape.network.requirements import NoClosedForm, Reading, solved
from cnnshape.network.valid_sizes import AXES
from cnnshape.numbers.rules import equal
from cnnshape.numbers.shape import from_file, to_file
from cnnshape.numbers.symbolic import Condition, Unsolvable
from cnnshape.problems.claims import ExpectDiffers
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.shapes import DeclaredDiffers, GroupsDoNotDivide, NeedsBroadcast, ShapesDiffer, WindowTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.network.network import Network
    from cnnshape.network.requirements import Requirement
    from cnnshape.numbers.boxes import Box
    from cnnshape.numbers.sizeset import SizeSet

PARTS: Final = 4  # a side that shrinks to a smaller part, or grows to more than as many times GROWTH, is rarely meant
GROWTH: Final = 8
USUAL: Final = 5  # the rank of other inputs that nothing points at; from it to the next whole one `_likelier` counts
UNUSUAL: Final = 1.5  # ranks for a size that is less well known than the one of now


def sides(case: Case) -> Iterator[Candidate]:
    """Yield the inputs of other sides that the net takes as a whole."""
    if case.trials.given is not None or isinstance(case.problem, GroupsDoNotDivide):
        return
    net, sketch = freed(case.net), sketched(case)
    together: dict[tuple[int, ...], list[str]] = {}
    for value, (name, shape) in enumerate(net.inputs.items(), 1):
        if shape and len(shape) > 1 and not sketch.is_apart(value):
            together.setdefault(shape[1:], []).append(name)
    for now, names in together.items():
        for place, new in enumerate(_found(case, net, names, now)):
            rank = _rank(case, now, new) + place / 10
            yield from _changed(case, {name: (net.inputs[name] or ())[:1] + new for name in names}, rank)


def lossless(case: Case) -> Iterator[Candidate]:
    """Yield the nearest inputs at which no layer drops a row, below and above; the nearer one first."""
    net = freed(case.net)
    try:
        sizes = net.valid_sizes(exact=True)
    except NoClosedForm:
        return
    shapes = [net.inputs[name] or () for name in sizes.varied]
    now, *others = {shape[1:] for shape in shapes} or {()}
    if case.trials.given is not None or others or len(now) != len(sizes.names):
        return
    found = {new for new in (sizes.below(now), sizes.above(now)) if new}
    for place, new in enumerate(sorted(found, key=lambda new: (abs(sum(new) - sum(now)), new))):
        changed = {name: shape[:1] + new for name, shape in zip(sizes.varied, shapes, strict=True)}
        yield from _changed(case, changed, place / 10)


def _rank(case: Case, now: tuple[int, ...], new: tuple[int, ...]) -> float:
    """Return the rank of other sides: that of one number at the cause where this is the input."""
    problem, cause = case.problem, case.cause
    at_cause = cause is not None and (cause.layer is None or cause.code == "shrunk")
    declared = isinstance(problem, DeclaredDiffers)
    rank = 3.05 + declared if at_cause else 3.5 + 1.5 * declared
    if len(now) > 1 and known(new, now) < max(map(tier, now)) and isinstance(problem, ExpectDiffers):
        rank = 2.5  # a well-known input that meets what is expected of all layers
    elif len(now) > 1 and known(new, now) > max(map(tier, now)):
        rank += UNUSUAL
    return rank + (0 if sum(new) > sum(now) else 0.05)


def channels(case: Case) -> Iterator[Candidate]:
    """Yield the inputs of as many channels as the layer declares, or as what they meet has."""
    problem, cause = case.problem, case.cause
    if case.trials.given is not None:
        return
    if isinstance(problem, DeclaredDiffers):
        arrives, declared = problem.facts["arrives"], problem.facts["declared"]
        wanted = [(arrives, declared), (declared, arrives)] if len(case.net.inputs) > 1 else [(arrives, declared)]
    elif type(problem) in {ShapesDiffer, NeedsBroadcast}:
        one, other = (from_file(tuple(problem.facts[name]), case.net.layout)[0] for name in ("one", "other"))
        wanted = [(one, other), (other, one)] if one != other else []
    else:
        return
    rank = 3.2 if cause is not None and cause.layer is None and not isinstance(problem, DeclaredDiffers) else USUAL
    for now, new in wanted:
        for name, shape in case.net.inputs.items():
            if shape and shape[0] == now and new <= GROWTH * now:
                yield from _changed(case, {name: (new, *shape[1:])}, rank)


def freed(net: Network) -> Network:
    """Return the net without the numbers that its declared input decides, as if each input decided them anew."""
    nodes = (node._replace(layer=node.layer and node.layer.decided_by(None)) for node in net.nodes)
    return net._replace(nodes=tuple(nodes))


def _likelier(case: Case) -> float:
    """Return by how many ranks a change is likelier than usual, since the cause is at the input, or the sides shrink."""
    cause = case.cause
    if cause is None or not (cause.layer is None or cause.code in ("shrunk", "input-size")):
        return 0.0
    return 0.95 if isinstance(case.problem, DeclaredDiffers) else 1.8


def _changed(case: Case, new: dict[str, tuple[int, ...]], rank: float) -> Iterator[Candidate]:
    """Yield the change of inputs to new shapes, entry by entry; an entry that is a constant's name changes the constant."""
    edits: list[Edit] = []
    operations: list[Operation] = []
    for name, shape in new.items():
        path = case.input_path(name)
        old, written = case.at(path), to_file(shape, case.net.layout)
        if not isinstance(old, list) or len(old) != len(written):
            return
        own = [*old]
        for place, (entry, size) in enumerate(
            zip(old, to_file(case.net.inputs[name] or (), case.net.layout), strict=True)
        ):
            if size == written[place]:
                continue
            if isinstance(entry, str):
                constant = ("constants", entry)
                if case.at(constant) != size:
                    return
                edits.append(Edit(None, f"constants.{entry}", size, written[place]))
                operations.append(Operation("set", constant, written[place]))
            else:
                own[place] = written[place]
                operations.append(Operation("set", (*path, place), written[place]))
        if own != old:
            edits.append(Edit(None, ".".join(path), tuple(old), tuple(own)))
    if edits:
        rank -= _likelier(case) if USUAL <= rank < USUAL + 1 else 0
        yield Candidate(rank, "input", tuple(dict.fromkeys(edits)), tuple(dict.fromkeys(operations)))


def _found(case: Case, net: Network, varied: list[str], now: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Return sides that the net takes where these inputs have them, the best first: two at most.

    That a layer is another one is likelier than a well-known input that was meant to be one that nobody knows, where a
    layer's shape is expected.
    """
    names = AXES.get(len(now)) or tuple(f"x{axis}" for axis in range(1, len(now) + 1))
    reading = Reading(net, varied, names, exact=False)
    left = reading.effort.left = min(reading.effort.left, case.trials.effort.left)
    try:
        reading.run()
        required = [*reading.required, *_expected(net, reading)]
        boxes = solved(_mendable(case, required, everything=True), names, reading.effort)
        if not boxes:
            boxes = solved(_mendable(case, required, everything=False), names, reading.effort)
        best = _best(boxes, now, tight=isinstance(case.problem, WindowTooLarge))
    except (NoClosedForm, Unsolvable, ValueError):
        return []
    finally:
        case.trials.effort.spend(left - reading.effort.left)
    if isinstance(case.problem, ExpectDiffers) and len(now) > 1:
        return [new for new in best if known(new, now) <= max(map(tier, now))]
    return best


def _expected(net: Network, reading: Reading) -> Iterator[Requirement]:
    """Yield the requirement of each expectation of the file: the sides that it names."""
    for value, shape, layer, *_ in net.expectations:
        made = reading.shapes[value]
        if made is not None and len(made) == len(shape):
            conditions = tuple(equal(size, side) for size, side in zip(made[1:], shape[1:], strict=True))
            yield layer, tuple(condition for condition in conditions if condition is not True)


def _mendable(case: Case, required: Sequence[Requirement], *, everything: bool) -> list[Requirement]:
    """Return the requirements without those of other problems: of the ones that no size meets, or of all of them."""
    others = {problem.layer for problem in case.report.problems} - {case.problem.layer}
    kept = []
    for layer, conditions in required:
        if layer not in others:
            kept.append((layer, conditions))
        elif everything:
            kept.append((layer, tuple(condition for condition in conditions if isinstance(condition, Condition))))
    return kept


def _best(boxes: Sequence[Box], now: tuple[int, ...], *, tight: bool) -> list[tuple[int, ...]]:
    """Return the best sides in the boxes, where they are not those of now already: two, or one where axes are tied."""
    if any(all(side in sizes for side, sizes in zip(now, box, strict=True)) for box in boxes):
        return []
    if len(boxes) == 1:
        return [sides for _, sides in sorted(_choices(boxes[0], now, [*range(len(now))], tight=tight))]
    alike = [now.index(side) for side in now]  # equal sides stay equal

    def changes(box: Box) -> int:
        changed = {axis for axis, side, sizes in zip(alike, now, box, strict=True) if side not in sizes}
        return sum(axis in changed for axis in alike)

    for _, few in groupby(sorted(boxes, key=changes), changes):  # few axes change
        found = [choice for box in few for choice in _choices(box, now, alike, tight=tight)]
        if found:
            return [min(found)[1]]
    return []


def _choices(box: Box, now: tuple[int, ...], alike: list[int], *, tight: bool) -> Iterator[tuple[Any, tuple[int, ...]]]:
    """Yield the choices of a box with their order: few axes change, larger sides come first, then well-known ones.

    `alike` has for each axis the first of those that are to have its size.
    """
    common = dict(zip(alike, box, strict=True))
    for axis, sizes in zip(alike, box, strict=True):
        if common[axis] is not sizes:
            common[axis] &= sizes
    picked = {
        axis: [now[axis]] if now[axis] in sizes else picks(sizes, now[axis], _pictured(now, axis), tight=tight)
        for axis, sizes in common.items()
    }
    for turn in range(max(map(len, picked.values())) if all(picked.values()) else 0):
        sides = tuple(picked[axis][min(turn, len(picked[axis]) - 1)] for axis in alike)
        pairs = [(new, old) for new, old in zip(sides, now, strict=True) if new != old]
        yield (len(pairs), turn, sum(tier(new) for new, _ in pairs), sum(abs(new - old) for new, old in pairs)), sides


def _pictured(now: tuple[int, ...], axis: int) -> int:
    """Return the number of axes that are looked at as one picture's: time, the first of three that differ, is no side of one."""
    return 1 if len(now) == 3 and axis == 0 and now[0] not in now[1:] else len(now)  # noqa: PLR2004 -- depth, or time


def known(new: tuple[int, ...], now: tuple[int, ...]) -> int:
    """Return the tier of the best known of the sides that change."""
    return min(tier(size) for size, old in zip(new, now, strict=True) if size != old)


def picks(sizes: SizeSet, now: int, axes: int, *, tight: bool = False) -> list[int]:
    """Return the sizes of a set that stand for one side, the best first.

    Of a bounded set the best known, else the roundest, or the nearest where it is to be `tight`; of a periodic one the
    nearest above and below; from a bound the bound.
    """
    low, high = -(-now // PARTS), now * GROWTH
    if sizes.is_finite:
        near = [*sizes.spans(low, high)]
        return [likeliest(near, now, axes, tight=tight)] if near else []
    above, below = sizes.next(now), sizes.previous(now)
    spans = _joined(sizes.spans(low, high))
    if sizes.period > 1:  # of the sizes about a multiple of the net's total stride the multiple
        above = next((_even(span) for span in spans if above is not None and span[0] <= above <= span[1]), None)
        below = next((_even(span) for span in spans if below is not None and span[0] <= below <= span[1]), None)
    return [size for size in (above, below) if size is not None and low <= size <= high]


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return spans in order, those that touch as one."""
    result: list[tuple[int, int]] = []
    for first, last in spans:
        if result and first == result[-1][1] + 1:
            first = result.pop()[0]  # noqa: PLW2901 -- the span begins earlier
        result.append((first, last))
    return result


def _even(span: tuple[int, int]) -> int:
    """Return the size of a span that can be halved most often."""
    return max(range(span[0], min(span[1], span[0] + MOST_LOOKED_AT) + 1), key=lambda size: divisions(size, 2))
