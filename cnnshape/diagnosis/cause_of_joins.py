"""Causes where two results meet that do not fit: joined, or held against a layer that `like` names.

Of the two ways to the meeting, from their nearest common ancestor on, one strides more (`strides`), rounds a side
(`rounds`), is set to a side (`resize`), or has other channels (`channels`).
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import accumulate, pairwise
from math import prod
from operator import mul
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.diagnosis.cause_words import AGAIN, cells, divided, listed, working
from cnnshape.diagnosis.trails import data_at, scale, steps_beside
from cnnshape.layers.joining import Concat, Matmul
from cnnshape.layers.rearranging import Permute
from cnnshape.numbers.rules import extent
from cnnshape.numbers.shape import text
from cnnshape.problems.diagnosed import Cause, Chain, Mark
from cnnshape.problems.place import Place
from cnnshape.problems.wording import said, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cnnshape.diagnosis.trails import Leg, Trail, Ways
    from cnnshape.network.report import LayerReport
    from cnnshape.problems.base import Problem


class Meeting(NamedTuple):
    """Two values that do not fit at a row, and the axes along which they differ; 0 is the channels."""

    row: LayerReport
    one: int
    other: int
    axes: tuple[int, ...]


def joined(ways: Ways, problem: Problem) -> Cause | None:
    """Find the cause of shapes that do not fit at a join."""
    row = ways.named(problem.layer)
    if row is None or None in row.inputs or isinstance(row.node.layer, Matmul):
        return None
    meeting = _meeting(ways, row)
    if meeting is None:
        return None
    found = _exchanged(ways, meeting) or _differing(ways, meeting)
    return found and found._replace(marks=_marks(ways, meeting))


def _marks(ways: Ways, meeting: Meeting) -> tuple[Mark, ...]:
    """Return the entries of `from` that do not fit, each with its shape as the file writes it."""
    place, joined = meeting.row.node.place, meeting.row.node.joined
    names = data_at(place).get("from")
    if not isinstance(names, list) or len(names) != len(joined):
        return ()
    marks = []
    for value in (meeting.one, meeting.other):
        entry = Place(place.source, (*place.path, "from", joined.index(value)))
        marks.append(Mark(entry, text(ways.shape(value), ways.net.layout)))
    return tuple(marks)


def taken(ways: Ways, problem: Problem) -> Cause | None:
    """Find the cause of a side that cannot be made as that of the layer which `like` or `indices` names."""
    row = ways.named(problem.layer)
    if row is None or None in row.inputs or len(row.inputs) == 1:
        return None
    one, other = row.node.inputs[0], row.node.inputs[-1]
    layer = row.node.layer
    wanted = problem.facts.get("size", problem.facts.get("side"))
    axes = tuple(a for a in range(1, len(ways.shape(other))) if ways.shape(other)[a] == wanted)
    return _differing(ways, Meeting(row, one, other, axes)) if layer and axes else None


def _meeting(ways: Ways, row: LayerReport) -> Meeting | None:
    """Return two inputs of a join that do not fit: one that agrees with most, and the first that does not."""
    layer: Any = row.node.layer
    values, shapes = row.node.joined, [ways.shape(value) for value in row.node.joined]
    if len({*map(len, shapes)}) > 1 or len(values) < 2:  # noqa: PLR2004 -- a join
        return None
    may_repeat = hasattr(layer, "broadcasts")  # axes of 1, if it is told to
    repeats = may_repeat and layer.broadcasts()
    along = layer.dim % (len(shapes[0]) + 1) - 1 if isinstance(layer, Concat) else -1

    def differs(a: int, b: int) -> bool:
        return a != b and not (repeats and 1 in (a, b))

    for axis in (*range(1, len(shapes[0])), 0):
        sizes = [shape[axis] for shape in shapes]
        usual = Counter(size for size in sizes if not (repeats and size == 1)).most_common(1)
        odd = next((place for place, size in enumerate(sizes) if usual and differs(size, usual[0][0])), None)
        if axis == along or odd is None:
            continue
        one, other = sorted((sizes.index(usual[0][0]), odd))
        axes = [a for a in range(len(shapes[0])) if a != along and differs(shapes[one][a], shapes[other][a])]
        if not may_repeat or not all(1 in (shapes[one][a], shapes[other][a]) for a in axes):
            return Meeting(row, values[one], values[other], tuple(axes))
    return None


def _exchanged(ways: Ways, meeting: Meeting) -> Cause | None:
    """Find a permute behind two shapes of the same sizes in another order."""
    one, other = ways.shape(meeting.one), ways.shape(meeting.other)
    if len(meeting.axes) < 2 or sorted(one) != sorted(other):  # noqa: PLR2004 -- an exchange takes two
        return None
    rows = (ways.row(value) for end in (meeting.one, meeting.other) for value in ways.back(end))
    turned = next((row for row in rows if row and isinstance(row.node.layer, Permute)), None)
    if turned is None:
        if {meeting.one, meeting.other} <= {*range(1, 1 + len(ways.net.inputs))}:
            return ways.cause(
                None,
                "order",
                f"the inputs {ways.names[meeting.one]} and {ways.names[meeting.other]} have their axes in another order",
            )
        return None
    message = f"{turned.name} turns {text(turned.inputs[0], ways.net.layout)} to {text(turned.output, ways.net.layout)}"
    return ways.cause(turned.name, "order", f"{message}, and the other way does not")


def _differing(ways: Ways, meeting: Meeting) -> Cause | None:
    spatial = [axis for axis in meeting.axes if axis]
    if not spatial:
        return _channels(ways, meeting)
    found = _sides(ways, meeting, spatial[0])
    if found is None or 0 not in meeting.axes:
        return found
    return _both(ways, meeting, spatial[0], found)


# Sides


def _sides(ways: Ways, meeting: Meeting, axis: int) -> Cause | None:
    """Find the layer at which the sides of two ways part."""
    one, other, common = ways.parted((meeting.one, axis), (meeting.other, axis))
    whole = (ways.trail(meeting.one, axis), ways.trail(meeting.other, axis))
    chains = tuple(Chain(ways.links(trail), axis - 1) for trail in sorted(whole, key=changes, reverse=True))
    if (found := _set(ways, one, other, common=common)) is None:
        first, second = one[0], other[0]
        if not common and first.size != second.size and first.size * scale(one) != second.size * scale(other):
            return _inputs_differ(ways, first, second, chains)
        if (common or first.size == second.size) and scale(one) != scale(other):
            found = _strides(ways, meeting, one, other)
        else:
            found = _rounding(ways, sorted((one, other), key=changes, reverse=True))
    if found is None:
        return None
    notes = (
        working(ways, ways.trail(meeting.one if one == max((one, other), key=changes) else meeting.other, axis))
        if found.code == "rounds"
        else ()
    )
    return found._replace(chains=chains, notes=notes)


def changes(trail: Iterable[Leg]) -> int:
    """Return the number of legs at which a trail changes its side."""
    return sum(before.size != leg.size for before, leg in pairwise(trail))


def _set(ways: Ways, one: Trail, other: Trail, *, common: bool) -> Cause | None:
    """Find a layer that sets a side, so that its way begins anew there; or a layer behind it that rounds."""
    begun = []
    for trail in (one, other):
        place = max((place for place, leg in enumerate(trail) if leg.taken and place), default=-1)
        if place < 0 and not common and not ways.of_input(trail[0]):
            place = 0
        if place >= 0:
            begun.append(trail[place:])
    rounding = _rounding(ways, begun)
    if rounding or not begun:
        return rounding
    trail = max(begun, key=lambda trail: trail[0].value)
    leg, beside = trail[0], (other if trail[-1].at == one[-1].at else one)[-1]
    name, row = ways.names[leg.value], ways.row(leg.value)
    if row is None or row.result.refusals or row.node.layer is None:
        return None
    made = (
        f"makes a side of {said(leg.size)}, as {ways.names[row.node.inputs[-1]]} has it"
        if getattr(row.node.layer, "like", None)
        else f"sets the side to {said(leg.size)}"
    )
    facts = {"set": leg.size, "other": beside.size}
    return ways.cause(name, "resize", f"{name} {made}, and {ways.names[beside.value]} has {said(beside.size)}", **facts)


def _inputs_differ(ways: Ways, first: Leg, second: Leg, chains: tuple[Chain, ...]) -> Cause | None:
    if not (ways.of_input(first) and ways.of_input(second)):
        return None
    one, other = ways.names[first.value], ways.names[second.value]
    message = f"the inputs {one} and {other} meet here, and have sides of {said(first.size)} and {said(second.size)}"
    return ways.cause(None, "input-size", message, **{one: first.size, other: second.size})._replace(chains=chains)


def _strides(ways: Ways, meeting: Meeting, one: Trail, other: Trail) -> Cause | None:
    """Find the last strided layer of the way that strides more."""
    low, high = sorted((one, other), key=scale)
    if (found := _rounding(ways, (low, high), of_factors=True)) is not None:
        return found
    if (found := _elsewhere(ways, meeting, low, high)) is not None:
        return found
    strided = [leg for leg in low[1:] if leg.scale < 1]
    grown = [leg for leg in high[1:] if leg.scale > 1]
    leg = (strided or grown)[-1]  # the scales differ, so that there is one
    name = ways.names[leg.value]
    message = f"{_work(ways, low)}; {_work(ways, high)}"
    return ways.cause(name, "strides", message, **{"in": low[0].size, "out": low[-1].size, "other": high[-1].size})


def _work(ways: Ways, trail: Trail) -> str:
    """Write what a way does with the side, and the layers that do it."""
    names = [ways.names[leg.value] for leg in trail[1:] if leg.scale != 1]
    way = f"the way to {ways.names[trail[-1].value]}"
    if not names:
        return f"{way} keeps the side"
    if len(names) == 1:
        return f"{names[0]} {divided(scale(trail))}, {said(trail[0].size)} to {said(trail[-1].size)}"
    return f"{way} {divided(scale(trail))}, {said(trail[0].size)} to {said(trail[-1].size)} ({listed(names)})"


def _elsewhere(ways: Ways, meeting: Meeting, low: Trail, high: Trail) -> Cause | None:
    """Find the value that was meant in `from`: with the sides that are wanted, and joined nowhere."""
    if changes(high) or len(meeting.row.inputs) > 2:  # noqa: PLR2004
        return None
    named, end = high[-1].value, low[-1].value
    twice = sum(len(node.joined) > 1 for node in ways.readers.get(named, [])) > 1
    add = not isinstance(meeting.row.node.layer, Concat)
    fits = [
        leg
        for leg in low[1:-1]
        if ways.shape(leg.value)[1:] == ways.shape(end)[1:]
        and (not add or ways.shape(leg.value) == ways.shape(end))
        and len(ways.readers.get(leg.value, [])) == 1
        and any(later.scale < 1 for later in low[low.index(leg) :])
    ]
    if not twice or not fits:
        return None
    last = next(leg for leg in reversed(fits) if leg.axis == fits[0].axis)
    name, meant = ways.names[named], ways.names[last.value]
    message = f"from names {name}, of {said(high[-1].size)}, which is joined twice; {meant}, of {said(last.size)}, is joined nowhere"
    return ways.cause(meeting.row.name, "strides", message, named=name, meant=meant)


def _rounding(ways: Ways, trails: Iterable[Trail], *, of_factors: bool = False) -> Cause | None:
    """Find the first layer on some trails that does not scale its side by exactly its stride, unless a later one makes that good.

    `of_factors`: of those alone whose factor is no fraction of powers of two.
    """
    for trail in trails:
        wanted = accumulate((leg.scale for leg in trail[1:]), mul, initial=Fraction(trail[0].size))
        sound = [place for place, (leg, side) in enumerate(zip(trail, wanted, strict=True)) if leg.size == side]
        for place in range(sound[-1] + 1, len(trail)):
            exact = trail[place].size == trail[place - 1].size * trail[place].scale
            if not exact and (not of_factors or is_factor(trail[place].scale)):
                return rounded(ways, trail, place)
    return None


def is_factor(scale: Fraction) -> bool:
    """Say whether a scale is that of a factor such as 0.3, and of no stride."""
    return not is_power(scale.denominator) and scale.numerator > 1


def rounded(ways: Ways, trail: Trail, place: int) -> Cause:
    """Return the cause that the layer at a place of a trail does not scale its side by exactly its stride."""
    leg, before, row = trail[place], trail[place - 1].size, ways.row(trail[place].value)
    assert row is not None
    name, factor = row.name, leg.scale
    facts: dict[str, Any] = {"in": before, "out": leg.size}
    if is_factor(factor):
        message = f"{name} makes {said(leg.size)} of {said(before)}: {float(factor):g} times {said(before)} is {_exact(before * factor)}, rounded down"
        return ways.cause(name, "resize", message, **facts)
    if factor < 1:
        by = 1 / factor
        facts["stride"] = int(by) if by.denominator == 1 else float(by)
        verb = f"halves {said(before)}" if by == 2 else f"divides {said(before)} by {by}"  # noqa: PLR2004
        lost = before - leg.size * by
        drops = 0 < lost == row.dropped[leg.axis - 1]
        how = f"drops {cells(int(lost), ways.shape(leg.value), leg.axis)}" if drops else f"makes {said(leg.size)}"
        back = prod((later.scale for later in trail[place + 1 :]), start=Fraction(1))
        if back > 1 and leg.size * back == trail[-1].size:
            again = f": {AGAIN.get(back, f'times {back}')} again it is {said(trail[-1].size)}"
        else:
            again = f": {said(leg.size)}" if drops else f", not {_exact(before * factor)}"
        return ways.cause(name, "rounds", f"{name} {verb} and {how}{again}", **facts)
    if factor > 1:
        whole = f"{factor} times {said(before)} is {_exact(before * factor)}"
        message = f"{name} makes {said(leg.size)} of {said(before)}, and {whole}"
        return ways.cause(name, "rounds", message, **facts, factor=float(factor))
    return ways.cause(
        name, "rounds", f"{name} makes {said(leg.size)} of {said(before)}{window_words(row, leg)}", **facts
    )


def is_power(number: int) -> bool:
    """Say whether a number is a power of two."""
    return number & (number - 1) == 0


def _exact(number: Fraction) -> str:
    return said(int(number)) if number.denominator == 1 else f"{float(number):g}"


def window_words(row: LayerReport, leg: Leg) -> str:
    """Say of a layer with a window and stride 1 why it does not keep its side."""
    layer = row.node.layer
    axis = layer.axes(len(row.input_shapes[0] or ()) - 1)[leg.axis - 1] if layer else {}
    padding = axis.get("padding", 0)
    if "kernel_size" not in axis or not isinstance(padding, int):
        return ""
    covered = extent(axis["kernel_size"], axis.get("dilation", 1))
    spread = f", spread out by dilation {axis['dilation']}," if axis.get("dilation", 1) > 1 else ""
    keeps = f"; {(covered - 1) // 2} would keep the side" if covered % 2 else ""
    return f": its window covers {covered}{spread} and its padding is {padding}{keeps}"


# Channels


def _channels(ways: Ways, meeting: Meeting) -> Cause | None:
    """Find the layer that makes other channels on one way."""
    ends = (meeting.one, meeting.other)
    deciding = [ways.decider(value) for value in ends]
    counts = [ways.shape(value)[0] for value in ends]
    if deciding[0] == deciding[1]:
        return None
    wrong = _outvoted(ways, meeting, deciding, counts)
    name, count, other = ways.names[deciding[wrong]], counts[wrong], counts[1 - wrong]
    beside = ways.called(ends[1 - wrong])
    made = (
        f"{name} makes {said(count)} channels"
        if ways.node(deciding[wrong])
        else f"{ways.called(deciding[wrong])} has {said(count)} channels"
    )
    left = left_out(ways, meeting)
    message = f"{made}, and {beside} has {said(other)}{f': {left}' if left else ''}"
    layer = name if ways.node(deciding[wrong]) else None
    return ways.cause(layer, "channels", message, channels=count, other=other)


def _outvoted(ways: Ways, meeting: Meeting, deciding: Sequence[int], counts: Sequence[int]) -> int:
    """Return the place of the layer that is to blame, of two that decide the channels."""
    inputs = [value <= len(ways.net.inputs) for value in deciding]
    if any(inputs):
        return inputs.index(False) if not all(inputs) else 1
    for place, value in enumerate(deciding):  # a way that only keeps what the other one changes
        if value in ways.back(deciding[1 - place]):
            return 1 - place
    votes = Counter(getattr(node.layer, "out_channels", None) for node in ways.net.nodes)
    value = ways.values[meeting.row.name]
    for node in ways.readers.get(value, []):
        votes[getattr(node.layer, "in_channels", getattr(node.layer, "num_features", None))] += 2 * (
            "in_channels" in node.keys
        )
    if votes[counts[0]] != votes[counts[1]]:
        return 0 if votes[counts[0]] < votes[counts[1]] else 1
    return 0 if deciding[0] > deciding[1] else 1


def _both(ways: Ways, meeting: Meeting, axis: int, found: Cause) -> Cause:
    """Return the cause of two ways that differ in sides and channels: a branch and its shortcut, with whole shapes."""
    one, other, common = ways.parted((meeting.one, axis), (meeting.other, axis))
    if not common or min(changes(one), changes(other)):
        return found
    branch, shortcut = (one, other) if changes(one) else (other, one)
    strided = [ways.names[leg.value] for leg in branch[1:] if leg.scale != 1]
    if found.code == "strides" and not strided:  # the shortcut strides, on a single cell
        return found
    deciding = ways.decider(branch[-1].value)
    counts = ways.shape(branch[-1].value)[0], ways.shape(shortcut[-1].value)[0]
    short = [name.rpartition(".")[2] for name in (*strided, ways.names[deciding])]
    work = (
        f"{divided(scale(branch))} ({listed(short[:-1])})"
        if found.code == "strides"
        else f"makes {said(branch[-1].size)} of {said(branch[0].size)}"
    )
    left = left_out(ways, meeting)
    told = [
        leg for leg in branch if leg == branch[0] or leg.scale != 1 or ways.shape(leg.value) == ways.shape(deciding)
    ]
    chains = (
        Chain(ways.links(told, whole=True), label="branch"),
        Chain(ways.links(shortcut[-1:], whole=True), label="shortcut", about=left),
    )
    message = f"the branch {work} and makes {said(counts[0])} channels ({short[-1]}); the shortcut does neither"
    return found._replace(message=message, chains=chains, notes=())


def left_out(ways: Ways, meeting: Meeting) -> str:
    """Say of a join which of its inputs stands for a layer that its `when` leaves out, and why; "" for none."""
    row = meeting.row
    names, around = data_at(row.node.place).get("from", []), row.name.rpartition(".")[0]
    for entry in steps_beside(row.node.place) if isinstance(names, list) else []:
        name = ".".join(filter(None, [around, str(entry.get("name"))]))
        if entry.get("name") in names and "when" in entry and name not in ways.values and not ways.net.within(name):
            when = entry["when"]
            why = f", and {when} is false" if isinstance(when, str) and when.isidentifier() else ""
            return f"since {entry['name']} is left out: when = {shown(when)}{why}"
    return ""
