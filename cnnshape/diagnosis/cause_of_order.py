"""Causes in the order and the number of axes: channels at the wrong end, a batch in front, a flatten or a reshape missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.convolution import Linear
from cnnshape.numbers.shape import CHANNELS_LAST, OF_PICTURES, other_order, text, to_file
from cnnshape.problems.base import errors
from cnnshape.problems.diagnosed import Mark
from cnnshape.problems.shapes import AnotherOrder, LinearOnSpace
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from cnnshape.diagnosis.trails import Ways
    from cnnshape.network.report import LayerReport
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause

PICTURE = 3  # axes
BY_LOOK: Final = frozenset(  # problems that name no number of channels: an input's look alone speaks for its order
    ["window-too-large", "nothing-left", "no-elements", "groups-do-not-divide", "not-divisible"]
)
LAST, FIRST, BATCH = (
    "{name} {verb} written channels last, and the file is read channels first",
    "{name} {verb} written channels first, and the file is read channels last",
    "{name} {verb} written with a batch, and the file is read without one",
)


def another_order(ways: Ways, problem: Problem) -> Cause | None:
    """Find the order that an input was written in, whose look the problem speaks of."""
    names = [*ways.net.inputs]
    name = problem.facts.get("name")
    return _by_look(ways, 1 + names.index(name)) if name in names else None


def _by_look(ways: Ways, value: int) -> Cause | None:
    shape = ways.shape(value)
    meant = other_order(shape, ways.net.layout)
    if meant is None:
        return None
    last = ways.net.layout == CHANNELS_LAST
    sentence = BATCH if len(meant) < len(shape) else FIRST if last else LAST
    verb = "is" if errors(ways.report.problems) else "seems to be"
    facts = {"input": to_file(shape, ways.net.layout), "meant": to_file(meant, ways.net.layout)}
    return ways.cause(None, "order", sentence.format(name=ways.called(value), verb=verb), **facts)


def in_order(ways: Ways, problem: Problem) -> Cause | None:
    """Find an input whose axes are in another order than the layer at fault wants, or as pictures have them."""
    row = ways.named(problem.layer)
    if row is None or not row.node.inputs or not (row.input_shapes[0] or ()):
        return None
    for value in ways.back(row.node.inputs[0]):
        if value <= len(ways.net.inputs):
            return _of_input(ways, problem, row, value)
    return None


def _of_input(ways: Ways, problem: Problem, row: LayerReport, value: int) -> Cause | None:
    name, shape = ways.names[value], ways.shape(value)
    wanted = (
        problem.facts.get("declared") if problem.facts.get("parameter") in {"in_channels", "num_features"} else None
    )
    if wanted is None:
        if problem.code in BY_LOOK and any(isinstance(p, AnotherOrder) for p in ways.report.problems):
            return _by_look(ways, value)
        return None
    if ways.decider(row.node.inputs[0]) != value or wanted not in shape[1:]:
        return None
    layer, layout = row.node.layer, ways.net.layout
    written = to_file(shape, layout)
    if layer and len(shape) > 1 + max(layer.ranks):
        return None
    facts: dict[str, Any] = {"input": written, "channels": wanted}
    if (
        len(shape) == 1 + PICTURE
        and shape[1] == wanted
        and wanted in OF_PICTURES
        and layout != CHANNELS_LAST
        and wanted not in shape[2:]
    ):
        sentence = BATCH
    elif layout == CHANNELS_LAST and written[0] == wanted:
        sentence = FIRST
    elif layout != CHANNELS_LAST and written[-1] == wanted:
        sentence = LAST
    else:
        return None
    found = ways.cause(None, "order", sentence.format(name=ways.called(value), verb="is"), **facts)
    place = ways.net.place_of_input(name)
    if place is None or shape != ways.net.inputs[name]:
        return found
    entry = place._replace(path=(*place.path, written.index(wanted)))
    words = f"the {said(wanted)} channels that {row.name} wants"
    return found._replace(marks=(Mark(entry, words),))


# The number of axes


def ranks(ways: Ways, problem: Problem) -> Cause | None:
    """Find the layer that takes axes away, or leaves some that the layer at fault cannot have."""
    row = ways.named(problem.layer)
    if row is None or None in row.inputs:
        return None
    if len(row.node.joined) > 1:
        return _unequal(ways, row)
    x = row.inputs[0] or ()
    if isinstance(problem, LinearOnSpace):
        message = f"what arrives is {text(x, ways.net.layout)}, and {row.name} works on its last axis alone: there is no flatten before it"
        return ways.cause(row.name, "rank", message, arrives=x)
    for value in ways.back(row.node.inputs[0]):
        maker = ways.row(value)
        if maker is None:
            return _rank_of_input(ways, row, value)
        if isinstance(maker.node.layer, Linear) and len(x) == 1:
            message = f"{maker.name} makes {said(x[0])} features, which are flat, and {row.name} works on space"
            return ways.cause(row.name, "rank", message, arrives=x)
        before = maker.inputs[0] or ()
        if len(before) != len(maker.output or ()):
            return _changes_rank(ways, row, maker)
    return None


def _rank_of_input(ways: Ways, row: LayerReport, value: int) -> Cause | None:
    shape = ways.shape(value)
    least = row.node.layer.ranks.start if row.node.layer else 0
    written = text(shape, ways.net.layout)
    if row.node.layer and len(shape) - 1 > row.node.layer.ranks[-1]:
        message = f"{ways.called(value)} has {len(shape)} axes, {written}, and a batch is none of them"
    else:
        has = "is flat" if len(shape) == 1 else f"has {_axes(len(shape) - 1)}" if shape else "has no axes"
        works = "channels" if not shape else "space" if len(shape) == 1 else f"{_axes(least)} or more"
        message = f"{ways.called(value)}, {written}, {has}, and {row.name} works on {works}"
    return ways.cause(None, "rank", message, input=shape)


def _axes(number: int) -> str:
    return f"{number} spatial {'axis' if number == 1 else 'axes'}"


def _changes_rank(ways: Ways, row: LayerReport, maker: LayerReport) -> Cause:
    before, after = (text(shape, ways.net.layout) for shape in (maker.inputs[0], maker.output))
    message = f"{maker.name} makes {after} of {before}, and {row.name} works on space"
    if len(maker.output or ()) > len(maker.inputs[0] or ()):
        message = f"{maker.name} makes {after} of {before}, more axes than {row.name} works on"
    return ways.cause(maker.name, "rank", message, before=maker.inputs[0], after=maker.output)


def unequal(ways: Ways, problem: Problem) -> Cause | None:
    """Find why some of the results that a layer joins are maps, and others flat."""
    row = ways.named(problem.layer)
    if row is None or None in row.inputs or len({len(ways.shape(value)) for value in row.node.joined}) < 2:  # noqa: PLR2004
        return None
    return _unequal(ways, row)


def _unequal(ways: Ways, row: LayerReport) -> Cause | None:
    """Find the layer at which one of two ways loses its axes."""
    lengths = [len(ways.shape(value)) for value in row.node.joined]
    flat = lengths.index(min(lengths))
    full = lengths.index(max(lengths))
    beside = row.node.joined[full]
    for value in ways.back(row.node.joined[flat]):
        maker = ways.row(value)
        if maker and len(maker.output or ()) < len(maker.inputs[0] or ()):
            before, after = (text(shape, ways.net.layout) for shape in (maker.inputs[0], maker.output))
            message = f"{maker.name} makes {after} of {before}, and {ways.names[beside]} is {text(ways.shape(beside), ways.net.layout)}"
            return ways.cause(maker.name, "rank", message, before=maker.inputs[0], after=maker.output)
    if min(lengths) == 1 < max(lengths):
        other = row.node.joined[flat]
        map_, vector = (text(ways.shape(value), ways.net.layout) for value in (beside, other))
        message = f"{ways.called(beside)} is a map, {map_}, and {ways.called(other)} is flat, {vector}"
        return ways.cause(row.name, "rank", message, map=ways.shape(beside), flat=ways.shape(other))
    return None


def axes_differ(ways: Ways, problem: Problem) -> Cause | None:
    """Find an input with an axis too few or too many, as the lists of most layers say."""
    row = ways.named(problem.layer)
    if row is None or not row.node.inputs:
        return None
    first = next((value for value in ways.back(row.node.inputs[0]) if value <= len(ways.net.inputs)), 0)
    lengths = [
        len(setting)
        for node in ways.net.nodes
        if node.layer is not None
        for name in node.layer.spatial
        if isinstance(setting := vars(node.layer).get(name), tuple)
    ]
    given = problem.facts.get("given")
    axes = problem.facts.get("axes")
    rank_kept = all(
        len(maker.inputs[0] or ()) == len(maker.output or ())
        for value in ways.back(row.node.inputs[0])
        if (maker := ways.row(value))
    )
    if not first or not rank_kept or {*lengths} != {given} or len(lengths) < 2:  # noqa: PLR2004 -- one list may be the slip
        return None
    shape = ways.shape(first)
    message = f"{ways.called(first)}, {text(shape, ways.net.layout)}, has {_axes(axes or 0)}, and all lists of the net have {given} entries"
    return ways.cause(None, "rank", message, input=shape)
