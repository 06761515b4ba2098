"""Causes of numbers that do not come out: declared as another, elements of a reshape, channels that are to be divided.

Of a declared number the question is what it was made for: another input, other channels, or nothing in this net.
"""

from __future__ import annotations

from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.cause_of_joins import changes
from cnnshape.diagnosis.cause_words import given_by, product, sides
from cnnshape.diagnosis.well_known import likeliest, well_known
from cnnshape.layers.joining import Concat
from cnnshape.layers.pooling import AvgPool, Pooling
from cnnshape.problems.diagnosed import Cause, Chain, Link
from cnnshape.problems.shapes import NotDivisible
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.trails import Trail, Ways
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem

COLOURS: Final = {1: "grey", 3: "RGB", 4: "RGB and alpha"}
Box = tuple[tuple[int, int], ...]  # for each axis the first and the last side of the input


def declared(ways: Ways, problem: Problem) -> Cause | None:
    """Find what a declared number was made for."""
    row = ways.named(problem.layer)
    number, arrives = problem.facts["declared"], problem.facts["arrives"]
    if row is None or row.input_shapes[0] is None or not (isinstance(number, int) and isinstance(arrives, int)):
        return None
    x, parameter = row.input_shapes[0], problem.facts["parameter"]
    axis = len(x) - 1 if parameter == "in_features" else 0
    if parameter == "in_features" and len(x) > 1:
        return _unflattened(ways, row, x, number) or _side_declared(ways, row, axis, number)
    if merged := ways.merged(row.node.inputs[0]):
        return _of_map(ways, row, merged, number)
    value = ways.decider(row.node.inputs[0])
    return _of_axis(ways, row, number) or _of_channels(ways, row, value, number, arrives)


# Channels


def _of_axis(ways: Ways, row: LayerReport, number: int) -> Cause | None:
    """Find a concat along another axis whose entries have the declared number of channels in all."""
    for value in ways.back(row.node.inputs[0]):
        maker = ways.row(value)
        if maker is None or maker.inputs[0] is None or (maker.output or ())[:1] != maker.inputs[0][:1]:
            return None
        parts = [shape[0] for shape in maker.inputs if shape]
        if isinstance(maker.node.layer, Concat) and sum(parts) == number:
            sum_ = f"{' + '.join(map(str, parts))} = {said(number)}"
            message = f"{maker.name} joins along another axis; along the channels it would make {sum_} of them"
            return ways.cause(maker.name, "order", message, declared=number)
    return None


def _of_channels(ways: Ways, row: LayerReport, value: int, number: int, arrives: int) -> Cause | None:
    maker = ways.row(value)
    noun = "features" if len(ways.shape(value)) == 1 else "channels"
    made_for = f"{row.name} was made for {said(number)}"
    if maker is None:
        code = "input-channels" if {number, arrives} <= COLOURS.keys() else "channels"
        colours = [f" ({COLOURS[n]})" if code == "input-channels" else "" for n in (arrives, number)]
        has = f"{ways.called(value)} has {said(arrives)} {noun if arrives > 1 else noun[:-1]}{colours[0]}"
        return ways.cause(None, code, f"{has}, and {made_for}{colours[1]}", arrives=arrives, declared=number)
    facts = {"arrives": arrives, "declared": number}
    if isinstance(maker.node.layer, Concat):
        return _of_concat(ways, row, maker, number, arrives)
    return ways.cause(maker.name, "channels", f"{maker.name} makes {said(arrives)} {noun}, and {made_for}", **facts)


def _of_concat(ways: Ways, row: LayerReport, maker: LayerReport, number: int, arrives: int) -> Cause:
    """Say which channels a concat joins; of a repeat that grows by the same number, how many copies make the declared one."""
    facts: dict[str, Any] = {"arrives": arrives, "declared": number}
    grown = _growth(ways, maker)
    if grown:
        name, begin, growth, copies = grown
        facts |= {"begin": begin, "growth": growth, "copies": copies}
        more = (number - begin) // growth
        would = (
            f"; {said(number)} would be {said(begin)} + {more}*{growth}"
            if more > 0 and begin + more * growth == number
            else ""
        )
        sum_ = f"{said(begin)} + {copies}*{growth} = {said(arrives)}"
        return ways.cause(name, "channels", f"{name} makes {sum_} channels{would}", **facts)
    parts = [shape[0] for shape in maker.inputs if shape]
    sum_ = f"{' + '.join(map(str, parts))} = {said(arrives)}" if parts else said(arrives)
    return ways.cause(
        maker.name,
        "channels",
        f"{maker.name} joins {sum_} channels, and {row.name} was made for {said(number)}",
        **facts,
    )


def _growth(ways: Ways, last: LayerReport) -> tuple[str, int, int, int] | None:
    """Return a repeat of which each copy joins the same number of channels to what enters.

    The name, the channels that enter the first copy, those that each one adds, and the number of copies.
    """
    grown: list[int] = []
    row: LayerReport | None = last
    while row and isinstance(row.node.layer, Concat) and len(row.inputs) == 2 and row.node.place == last.node.place:  # noqa: PLR2004
        shapes = [ways.shape(value) for value in row.node.inputs]
        follows = [ways.row(ways.decider(value)) for value in row.node.inputs]
        through = next(
            (place for place, other in enumerate(follows) if other and other.node.place == row.node.place), None
        )
        if through is None:
            through = 0 if shapes[0][0] != (grown[-1] if grown else None) else 1
        grown.append(shapes[1 - through][0])
        begin = shapes[through][0]
        row = follows[through]
    if len(grown) < 2 or len({*grown}) > 1:  # noqa: PLR2004 -- a repeat
        return None
    name = last.name.split(".")
    copy = next((place for place, part in enumerate(name) if part.isdecimal()), 1)
    return ".".join(name[:copy]), begin, grown[0], len(grown)


# Maps


def _unflattened(ways: Ways, row: LayerReport, x: Shape, number: int) -> Cause | None:
    """Find a flatten that is missing before a linear layer, or axes in another order."""
    facts = {"arrives": x, "declared": number}
    written = "x".join(map(str, x))
    if number == prod(x):
        message = f"{said(number)} = {product(x)} is all of what arrives, and {row.name} works on its last axis alone"
        return ways.cause(row.name, "rank", message, **facts)
    if number == x[0]:
        message = (
            f"{row.name} works on the last axis of {written}, and the {said(number)} it was made for are its channels"
        )
        return ways.cause(row.name, "order", message, **facts)
    return None


def _side_declared(ways: Ways, row: LayerReport, axis: int, number: int) -> Cause | None:
    """Find the sides of the input at which the last axis has the declared number."""
    trail = ways.trail(row.node.inputs[0], axis)
    if not ways.of_input(trail[0]):
        maker = ways.row(trail[0].value)
        message = (
            maker and f"{maker.name} makes {said(trail[-1].size)} features, and {row.name} was made for {said(number)}"
        )
        return (
            ways.cause(maker.name, "channels", message, arrives=trail[-1].size, declared=number)
            if maker and message
            else None
        )
    found = ways.span(trail, number)
    if found is None:
        return None
    message = f"{said(number)} is {given_by(*found)}, and the input has {said(trail[0].size)}"
    return ways.cause(None, "input-size", message, arrives=trail[-1].size, declared=number)


def _of_map(ways: Ways, row: LayerReport, merged: LayerReport, number: int) -> Cause:
    """Find what a declared number of features was made for, where they are a map made flat."""
    x = merged.inputs[0] or ()
    channels, *space = x
    facts = {"arrives": prod(x), "declared": number, "map": x}
    trails = [ways.trail(merged.node.inputs[0], axis) for axis in range(1, len(x))]
    if number == channels:
        return _left_larger(ways, row, merged, trails)
    arrives = Chain(_chain(ways, trails), factors=x, about="what arrives")
    found = _sizes(ways, trails, number // channels) if number % channels == 0 else None
    cells = prod(space)
    other = number // cells if number % cells == 0 else 0
    known = found is not None and any(well_known(first, last) for first, last in found)
    if found and (known or not _round(other, channels)):
        made = _made_for(ways, trails, found)
        about = f"what {row.name} was made for"
        chains = (arrives, Chain(made, factors=(channels, *made[-1].sides), about=about)) if made else (arrives,)
        by_axis = " by ".join(f"{a} to {b}" if b > a else str(a) for a, b in found)
        given = given_by(*found[0]) if len({*found}) == 1 else f"what sides of {by_axis} give"
        layer = None if known else row.name
        message = f"{_factors(number, channels, made)} is {given}"
        message = f"the input: {message}" if layer is None else message
        return ways.cause(layer, "input-size", message, **facts, sides=found)._replace(chains=chains)
    maker = ways.row(ways.decider(merged.node.inputs[0]))
    if other and _round(other, channels) and maker:
        made_for = (
            f"{row.name} was made for {said(number)} channels"
            if cells == 1
            else f"{said(number)} = {product((other, *space))} is that of {said(other)} channels"
        )
        message = f"{made_for}, and {maker.name} makes {said(channels)}"
        return ways.cause(maker.name, "channels", message, **facts)._replace(chains=(arrives,))
    if number % channels:
        message = f"{said(number)} is no multiple of the {said(channels)} channels that {merged.name} makes flat"
    elif ways.impossible(row):
        message = f"{said(number)} = {channels}*{number // channels} is what no input gives"
    else:
        message = f"{said(number)} = {channels}*{number // channels} is that of {said(number // channels)} cells, and {merged.name} makes {product(space)} of each channel flat"
    return ways.cause(row.name, "count", message, **facts)._replace(chains=(arrives,))


def _factors(number: int, channels: int, made: tuple[Link, ...]) -> str:
    return f"{said(number)} = {product((channels, *made[-1].sides))}" if made else said(number)


def _round(number: int, channels: int) -> bool:
    """Say whether a number of channels is such as people choose."""
    return number > 0 and (
        number % 8 == 0 or number & (number - 1) == 0 or number * 2 == channels or number == 2 * channels
    )


def _left_larger(ways: Ways, row: LayerReport, merged: LayerReport, trails: list[Trail]) -> Cause:
    """Find the pool that was to leave one cell, where the declared number is that of the channels."""
    x = merged.inputs[0] or ()
    legs = [leg for before, leg in pairwise(trails[0]) if before.size != leg.size]
    pool = ways.row(legs[-1].value) if legs else None
    facts = {"arrives": prod(x), "declared": x[0], "map": x}
    if pool and isinstance(pool.node.layer, Pooling) and _large(pool):
        entered = sides((pool.inputs[0] or ())[1:])
        kernel = getattr(pool.node.layer, "kernel_size", None)
        window = sides(kernel if isinstance(kernel, tuple) else (kernel,))
        message = f"{pool.name} has a window of {window} for a side of {entered}, and leaves {sides(x[1:])}, not 1; {row.name} was made for the {said(x[0])} channels"
        chain = Chain(_chain(ways, trails), factors=x, about="what arrives")
        return ways.cause(pool.name, "fixed-window", message, **facts)._replace(chains=(chain,))
    message = f"{said(x[0])} is the number of channels, and {merged.name} makes {product(x)} of them flat: no pool leaves one cell of each"
    return ways.cause(row.name, "count", message, **facts)


def _large(pool: LayerReport) -> bool:
    """Say whether a pool's window is larger than one that halves."""
    kernel = getattr(pool.node.layer, "kernel_size", 1)
    least = min(kernel) if isinstance(kernel, tuple) else kernel
    return bool(least > 3 or isinstance(pool.node.layer, AvgPool))  # noqa: PLR2004 -- 2 and 3 halve


def _sizes(ways: Ways, trails: list[Trail], cells: int) -> Box | None:
    """Return for each axis the sides of the input at which a map has this number of cells; None where none gives it."""
    if not trails or not all(ways.of_input(trail[0]) for trail in trails):
        return None
    for wanted in _shapes(trails, cells):
        spans = [ways.span(trail, size) for trail, size in zip(trails, wanted, strict=True)]
        found = tuple(entry for entry in spans if entry)
        if len(found) == len(trails):
            return tuple(
                (t[0].size,) * 2 if t[-1].size == size else s for t, size, s in zip(trails, wanted, found, strict=True)
            )
    return None


def _shapes(trails: list[Trail], cells: int) -> Iterator[tuple[int, ...]]:
    """Yield the sides that a map of so many cells may have: equal ones where they are equal now, else all but one as they are."""
    now = tuple(trail[-1].size for trail in trails)
    root = round(cells ** (1 / len(now)))
    alike = len({trail[0].size for trail in trails}) == 1
    if root ** len(now) == cells and alike:
        yield (root,) * len(now)
    for place in range(len(now)) if not alike else ():
        rest = prod(now[:place] + now[place + 1 :])
        if cells % rest == 0:
            yield (*now[:place], cells // rest, *now[place + 1 :])


def _chain(ways: Ways, trails: list[Trail]) -> tuple[Link, ...]:
    return ways.links(max(trails, key=changes))


def _made_for(ways: Ways, trails: list[Trail], box: Box) -> tuple[Link, ...]:
    """Return the chain of the net at the best-known sides of a box."""
    best = [likeliest([span], trail[0].size, len(box)) for trail, span in zip(trails, box, strict=True)]
    steps = [ways.replayed(trail, side) for trail, side in zip(trails, best, strict=True)]
    found: list[Link] = []
    for leg, *at in zip(trails[0], *steps, strict=True) if len({*map(len, steps)}) == 1 else ():
        if not found or found[-1].sides != tuple(at):
            found.append(Link(ways.names[leg.value], tuple(at)))
    return tuple(found)


# Reshapes


def elements(ways: Ways, problem: Problem) -> Cause | None:
    """Find the layer that makes another number of elements than a reshape asks for."""
    row = ways.named(problem.layer)
    if row is None or row.inputs[0] is None:
        return None
    x = row.inputs[0]
    shape = problem.facts["shape"]
    number, wanted = prod(x), prod(n for n in shape if n != -1)
    if len(x) > 1:
        trails = [ways.trail(row.node.inputs[0], axis) for axis in range(1, len(x))]
        found = _sizes(ways, trails, wanted // x[0]) if wanted % x[0] == 0 and -1 not in shape else None
        facts = {"arrives": number, "wanted": wanted}
        if found and any(well_known(first, last) for first, last in found):
            made = f"{product(shape)} = " if len(shape) > 1 else ""
            message = f"the input: {made}{said(wanted)} elements are {given_by(*found[0])}"
            return ways.cause(None, "input-size", message, **facts)
    value = ways.decider(row.node.inputs[0])
    maker = ways.row(value)
    layer = row.name if len(x) > 1 else maker.name if maker else None
    made = f"{maker.name} makes" if maker else "the input has"
    asks = f"{product([n for n in shape if n != -1])}{f' = {said(wanted)}' if len(shape) > 1 else ''}"
    like = _alike(number, shape)
    as_ = f" = {product(like)}" if like else f" = {product(x)}" if len(x) > 1 else ""
    multiple = "a multiple of " if -1 in shape else ""
    return ways.cause(
        layer,
        "count",
        f"{made} {said(number)}{as_} numbers, and {row.name} asks for {multiple}{asks}",
        arrives=number,
        wanted=wanted,
    )


def _alike(number: int, shape: Shape) -> tuple[int, ...]:
    """Return the number in factors like those of a shape: the same channels, and equal sides."""
    first, *space = shape or (1,)
    if len(space) < 2 or -1 in shape or number % first or len({*space}) > 1:  # noqa: PLR2004
        return ()
    root = round((number // first) ** (1 / len(space)))
    return (first, *[root] * len(space)) if first * root ** len(space) == number else ()


# Parts


def divided(ways: Ways, problem: Problem) -> Cause | None:
    """Find the layer that makes channels which are to be divided."""
    row = ways.named(problem.layer)
    if row is None or row.inputs[0] is None:
        return None
    value = ways.decider(row.node.inputs[0])
    maker, count = ways.row(value), (row.inputs[0])[0]
    facts = dict(problem.facts)
    made = f"{maker.name} makes" if maker else "the input has"
    layer = maker.name if maker else None
    if isinstance(problem, NotDivisible):
        if problem.facts["number"] != count:
            return _side_divided(ways, row, problem)
        power = getattr(row.node.layer, "upscale_factor", 0)
        by = f"{power}*{power} = " if power and power**2 == problem.facts["divisor"] else ""
        message = f"{made} {said(count)} channels, and {row.name} takes a multiple of {by}{problem.facts['divisor']}"
        return ways.cause(layer, "channels", message, **facts)
    if (slopes := problem.facts.get("slopes")) is not None:
        return ways.cause(
            layer, "channels", f"{made} {said(count)} channels, and {row.name} was made for {said(slopes)}", **facts
        )
    groups = problem.facts.get("groups", problem.facts.get("heads"))
    if problem.facts.get("parameter") == "out_channels":
        return None
    also = ""
    if getattr(row.node.layer, "out_channels", None) == groups:
        also = ", as many as its out_channels"
    noun = "heads" if "heads" in problem.facts else "groups"
    message = f"{made} {said(count)} channels, and {row.name} has {said(groups)} {noun}{also}"
    return ways.cause(row.name, "groups", message, **facts)


def _side_divided(ways: Ways, row: LayerReport, problem: Problem) -> Cause | None:
    x, divisor = row.inputs[0] or (), problem.facts["divisor"]
    axis = next((axis for axis in range(1, len(x)) if x[axis] == problem.facts["number"]), 0)
    trail = ways.trail(row.node.inputs[0], axis)
    if not axis or not ways.of_input(trail[0]):
        return None
    message = f"a side of {said(x[axis])} is no multiple of {said(divisor)}"
    if len(trail) > 1 and trail[0].size != trail[-1].size:
        message = f"{said(trail[0].size)} has become {said(trail[-1].size)}, which is no multiple of {said(divisor)}"
    return ways.cause(None, "input-size", message, **problem.facts)._replace(
        chains=(Chain(ways.links(trail), axis - 1),)
    )
