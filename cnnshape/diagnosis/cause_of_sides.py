"""Causes of sides that are too small, or others than a file expects."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from cnnshape.diagnosis.cause_of_joins import changes, rounded
from cnnshape.diagnosis.cause_words import cells, counted, given_by, in_letters, listed, working
from cnnshape.diagnosis.trails import data_at, scale
from cnnshape.diagnosis.well_known import well_known
from cnnshape.layers.convolution import Conv, Linear
from cnnshape.layers.pooling import Pooling
from cnnshape.layers.rearranging import Flatten
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers
from cnnshape.problems.diagnosed import Cause, Chain
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from cnnshape.diagnosis.trails import Leg, Trail, Ways
    from cnnshape.network.graph import Node
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem


def shrunk(ways: Ways, problem: Problem) -> Cause | None:
    """Find what has shrunk a side before the layer that does not fit it."""
    row = ways.named(problem.layer)
    side = problem.facts.get("side")
    x = row.inputs[0] if row else None
    if row is None or not x:
        return None
    axis = next((axis for axis in range(1, len(x)) if x[axis] == side), 1 if side is None and len(x) > 1 else 0)
    if not axis:
        return None
    trail = ways.trail(row.node.inputs[0], axis)
    chains = (Chain(ways.links(trail), axis - 1),)
    first, last = trail[0], trail[-1]
    needs = problem.facts.get("extent")
    asks = f"a window of {said(needs)}" if needs else row.name
    notes = working(ways, trail, _fixed_by(ways))
    if first.size <= last.size:
        if not ways.of_input(first):
            return None
        message = f"{ways.called(first.value)} has a side of {said(last.size)}, too small for {asks}"
        return ways.cause(row.name, "shrunk", message, **problem.facts)._replace(notes=notes)
    legs = [leg for before, leg in pairwise(trail) if leg.size < before.size]
    shrinking = _counted(ways, legs)
    plural = len(legs) != 1
    rest = cells(1, x, axis).replace("a ", "one ", 1) if last.size == 1 else f"{said(last.size)} of {said(first.size)}"
    left = f"{shrinking} {'have' if plural else 'has'} left {rest}"
    message = f"{left}: {row.name} {_wants(row, needs)}"
    return ways.cause(row.name, "shrunk", message, **problem.facts)._replace(chains=chains, notes=notes)


def _wants(row: LayerReport, extent: int | None) -> str:
    if isinstance(row.node.layer, Pooling) and extent == 2:  # noqa: PLR2004 -- it halves
        return "has nothing to halve"
    return f"has a window of {said(extent)}" if extent else "needs more"


def _fixed_by(ways: Ways) -> str:
    """Name the declared number of features that limits the sides, where there is one such."""
    merged = [node for node in ways.net.nodes if isinstance(node.layer, Linear) and _of_a_map(ways, node)]
    number = getattr(merged[0].layer, "in_features", None) if len(merged) == 1 else None
    return f"{merged[0].name}'s {said(number)} features" if number else ""


def _of_a_map(ways: Ways, node: Node) -> bool:
    """Say whether a linear layer declares how many features a flatten before it gives."""
    if "in_features" not in data_at(node.place):
        return False
    before = (maker.layer for value in ways.back(node.inputs[0]) if (maker := ways.node(value)))
    return isinstance(next((one for one in before if isinstance(one, Flatten | Linear)), None), Flatten)


def _counted(ways: Ways, legs: list[Leg]) -> str:
    """Name the layers of some legs: five pools, 12 convs and two pools, p1."""
    if len(legs) == 1:
        return ways.names[legs[0].value]
    kinds: Counter[str] = Counter()
    for leg in legs:
        row = ways.row(leg.value)
        layer = row.node.layer if row else None
        kinds["pool" if isinstance(layer, Pooling) else Conv.type if isinstance(layer, Conv) else "layer"] += 1
    return listed([f"{in_letters(n)} {kind}{'s' * (n > 1)}" for kind, n in kinds.items()])


# Expectations


def expected(ways: Ways, problem: Problem) -> Cause | None:
    """Find the layer that makes another shape than is expected, or claimed of an output."""
    found = _asked(ways, problem)
    if found is None:
        return None
    value, wanted = found
    actual = ways.shape(value)
    if len(wanted) != len(actual) or 0 in actual:
        return None
    if (none_made := _none_made(ways, value, wanted, actual)) is not None:
        return none_made
    axes = [axis for axis in range(1, len(wanted)) if wanted[axis] != actual[axis]]
    if axes:
        return _side_expected(ways, value, axes, wanted)
    decider = ways.decider(value)
    row = ways.row(decider)
    made = f"{row.name} makes" if row else "the input has"
    noun = "features" if len(actual) == 1 else "channels"
    message = f"{made} {said(actual[0])} {noun}, and {said(wanted[0])} are expected"
    return ways.cause(row.name if row else None, "channels", message, actual=actual[0], expected=wanted[0])


def _none_made(ways: Ways, value: int, wanted: Shape, actual: Shape) -> Cause | None:
    """Say that no layer makes the channels that are expected of a layer which keeps those of the input."""
    decider, row = ways.decider(value), ways.row(value)
    if row is None or ways.row(decider) is not None or wanted[0] == actual[0] or wanted[1:] == actual[1:]:
        return None
    message = f"{row.name} has the {said(actual[0])} channels of {ways.called(decider)}: no layer before it makes the {said(wanted[0])} expected"
    return ways.cause(row.name, "channels", message, actual=actual[0], expected=wanted[0])


def _asked(ways: Ways, problem: Problem) -> tuple[int, Shape] | None:
    """Return the value and the shape of an expectation, or of a claim about an output."""
    net = ways.net
    if isinstance(problem, ClaimDiffers):
        claim = next((claim for claim in net.claims if claim.place == problem.place and claim.output is not None), None)
        if claim is None or claim.claimed is None:
            return None
        return (net.outputs[claim.output] if claim.output else [*net.outputs.values()][-1]), claim.claimed
    same = (
        e for e in net.expectations if (e.place, e.used_at, e.layer) == (problem.place, problem.used_at, problem.layer)
    )
    return next(((e.value, e.shape) for e in same), None)


def _side_expected(ways: Ways, value: int, axes: list[int], wanted: Shape) -> Cause | None:
    """Find the layer that makes another side than is expected, along the first axis that differs."""
    axis = axes[0]
    size, whole = wanted[axis], ways.trail(value, axis)
    trail = _since_met(ways, whole)
    strided = [leg for leg in trail[1:] if leg.scale != 1]
    times = bool(strided) and (size % whole[-1].size == 0 or whole[-1].size % size == 0)
    failing = sum(isinstance(problem, ExpectDiffers) for problem in ways.report.problems)
    before = {leg.value: leg.axis for leg in whole[:-1]}
    for other in ways.net.expectations:
        along = before.get(other.value)
        if along and ways.shape(other.value)[along] != other.shape[along]:  # the first that is not met
            found = _side_expected(ways, other.value, [along], other.shape)
            return found and found._replace(chains=(Chain(ways.links(whole), axis - 1),))
    found = _mirrored(ways, whole, size) or _rounded(ways, trail, whole, size, twice=times)
    if found is None and times and failing == 1:
        found = _stride_expected(ways, whole, strided[-1], size)
    found = found or _other_input(ways, value, axes, wanted, failing)
    if found is None and times:
        found = _stride_expected(ways, whole, strided[-1], size)
    return found and found._replace(chains=(Chain(ways.links(whole), axis - 1),))


def _rounded(ways: Ways, trail: Trail, whole: Trail, size: int, *, twice: bool) -> Cause | None:
    """Find the layer that does not scale its side by its stride, where all layers would give what is expected if they did.

    The one such layer is also it, but where `twice` the side, or half of it, is expected: then a stride is.
    """
    uneven = [
        place for place in range(1, len(trail)) if trail[place].size != trail[place - 1].size * trail[place].scale
    ]
    if uneven and (
        trail[0].size * scale(trail) == size or scale(trail) == 1 == scale(whole) or len(uneven) == 1 > twice
    ):
        return rounded(ways, trail, uneven[0])
    return None


def _other_input(ways: Ways, value: int, axes: list[int], wanted: Shape, failing: int) -> Cause | None:
    """Find the sides of the input at which a value has the sides that are expected, if one of them is well known."""
    spans = []
    for axis in axes:
        trail = ways.trail(value, axis)
        found = ways.span(trail, wanted[axis]) if ways.of_input(trail[0]) else None
        if found is None or not well_known(*found):
            return None
        spans.append(found)
    origin = ways.trail(value, axes[0])[0]
    message = f"the input: {said(wanted[axes[0]])} is {given_by(*spans[0])}, and the input has {said(origin.size)}"
    shape = "x".join(map(str, ways.shape(origin.value)[1:]))
    note = f"if {shape} is meant, {counted(failing, 'expectation')} {'are' if failing > 1 else 'is'} to be rewritten"
    facts = {"actual": ways.shape(value)[axes[0]], "expected": wanted[axes[0]]}
    return ways.cause(None, "input-size", message, **facts)._replace(remark=note if failing else "")


def _stride_expected(ways: Ways, trail: Trail, leg: Leg, size: int) -> Cause:
    """Return the cause that a way strides more or less than is expected."""
    name, made = ways.names[leg.value], trail[-1].size
    facts = {"actual": made, "expected": size}
    if size > made:
        message = f"{said(made)} is {'half' if size == 2 * made else f'1/{size // made} of'} the {said(size)} expected"
    else:
        message = f"{said(made)} is {made // size} times the {said(size)} expected"
    return ways.cause(name, "strides", f"{message}; {name} is the last layer with a stride", **facts)


def _since_met(ways: Ways, trail: Trail) -> Trail:
    """Return the part of a trail behind the last expectation that is met."""
    met = {e.value for e in ways.net.expectations if ways.shapes[e.value] == e.shape}
    begin = max((place for place, leg in enumerate(trail[:-1]) if leg.value in met), default=0)
    return trail[begin:]


def _mirrored(ways: Ways, trail: Trail, size: int) -> Cause | None:
    """Find the first step up whose side is not that of the way down, read backwards."""
    steps = [place for place in range(1, len(trail)) if trail[place].size != trail[place - 1].size]
    turn = next((place for place in steps if trail[place].scale > 1), None)
    if turn is None or not changes(trail):
        return None
    down = [trail[0].size, *(trail[place].size for place in steps if place < turn)]
    up = [place for place in steps if place >= turn]
    if size not in down[:-1] or len(down) - 1 != len(up):
        return None
    for place, wanted in zip(up, reversed(down[:-1]), strict=True):
        if trail[place].size != wanted:
            name, before = ways.names[trail[place].value], trail[place - 1].size
            message = f"the way down had {said(wanted)} before {said(before)}, and {name} makes {said(trail[place].size)} of it"
            facts = {"in": before, "out": trail[place].size, "mirror": wanted}
            return ways.cause(name, "mirror", message, **facts)
    return None
