"""Any number of the file, solved for what is wanted: a claimed figure, an expected or a declared number of channels.

Parameters and channels follow one number of a file by a polynomial of degree two at most: two probes tell it, and where
it is what is wanted.
"""

from __future__ import annotations

from math import isqrt, log, prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.declared import roundness
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.parameters import oddness
from cnnshape.diagnosis.sketch import sketched
from cnnshape.diagnosis.spots import changed, shares, spots, step_at, step_of, within
from cnnshape.layers.pooling import AvgPool, LpPool, MaxPool
from cnnshape.numbers.shape import to_file
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.shapes import DeclaredDiffers, ElementsDiffer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.diagnosis.spots import Spot
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.place import KeyPath

    Measure = Callable[[Network, Report], list[int | None]]

MOST_PROBES: Final = 40  # nets that are built and not checked, of one net
CHANNELS: Final = frozenset(["out_channels", "in_channels", "out_features", "in_features", "num_features", "width"])
MOST_POINTS: Final = 7  # of one number, itself among them
UNLIKE: Final = 3.0  # times: what a parabola may differ from a line
PARABOLA: Final = 3  # points that tell one
GROUPS: Final = "groups"
POOLS: Final = frozenset([MaxPool.type, AvgPool.type, LpPool.type])
FIGURES: Final = ("parameters", "macs", "trainable", "parameters_with_buffers")
FAR: Final = 20.0  # of a number that no layer with a figure has
SMALL: Final = 8  # numbers up to it need not be round
OF_SIDES: Final = frozenset(["stride", "padding", "dilation", "output_padding", "scale_factor", "size", "amount"])


def figures(case: Case) -> Iterator[Candidate]:
    """Yield the one number of the file that gives the figure or the channels that are wanted, of all in question."""
    measure = measured_by(case)
    if measure is None:
        return
    count, wanted, of_sides = measure
    here = count(case.net, case.report)
    if None in here or here == wanted:
        return
    found = (
        (spot, value)
        for spot in likely(case, here, wanted, of_sides=of_sides)
        if case.trials.probes < MOST_PROBES
        for value in values(case, spot, count, here, wanted)
    )
    if isinstance(case.problem, ClaimDiffers):  # of several numbers that give a figure the round one was meant
        yield from sorted(
            (changed(case, *one).ranked(3.2 + _uneven(one[1])) for one in found), key=lambda one: one.rank
        )
        return
    declared = isinstance(case.problem, DeclaredDiffers | ElementsDiffer)
    for spot, value in found:
        yield changed(case, spot, value).ranked(4.1 if declared else 3.7 if spot.path[0] == "input" else 3.2)


def _uneven(number: int) -> float:
    """Return by how many ranks a number is less likely than a round one."""
    return 0.3 * (2 - roundness(number)) if number > SMALL else 0.0


def likely(case: Case, here: list[Any], wanted: list[int], *, of_sides: bool) -> list[Spot]:
    """Return the numbers in question, the likeliest first."""
    asked = [*spots(case)]
    if isinstance(case.problem, ClaimDiffers | ExpectDiffers) and isinstance(case.data.get("input"), list):
        sizes = [*within(case.data["input"], ("input",))]
        asked += sizes if of_sides else [one for one in sizes if one.number == _entering_channels(case)]
    if not isinstance(case.problem, ClaimDiffers):  # the settings of layers are solved, and their channels traced
        asked = [one for one in asked if "type" not in step_at(case, one.path) or one.in_text or one.key == "repeat"]
    kept = [one for one in asked if _is_of_sides(case, one) == of_sides or (of_sides and one.path[0] == "input")]
    if of_sides:
        kept.sort(key=lambda spot: spot.path[0] != "input")
        odd = {row.node.place.path: oddness(row.node.layer) for row in case.report.layers if row.node.layer}
        return sorted(kept, key=lambda spot: -odd.get(spot.path[: step_of(spot.path)], 0.0))
    if isinstance(case.problem, ClaimDiffers):
        missing = [abs(count - one) for count, one in zip(wanted, here, strict=True)]
        figures = shares(case)
        return sorted(kept, key=lambda spot: _missed(case, figures, missing, spot))
    place = case.problem.place
    near = place.path[:-1] if place else None
    return sorted(kept, key=lambda spot: spot.path[: step_of(spot.path)] != near)


def _missed(case: Case, figures: dict[KeyPath, list[int]], missing: list[int], spot: Spot) -> float:
    """Return how far the figures of a number's layers are from what a claim misses: in proportion, and in size."""
    if spot.path[0] == "input":
        return 0.0
    has = figures.get(spot.path) or figures.get(spot.path[: step_of(spot.path)])
    if has is None:
        return FAR
    one = {"macs": 1, "parameters_with_buffers": 2}.get(str(case.problem.facts["claim"]), 0)
    both = len(missing) > 1 and all(missing[:2]) and all(has[:2])
    ratio = abs(log(missing[1] / missing[0]) - log(has[1] / has[0])) if both else 0.0
    lacks, own = (missing[0], has[0]) if both else (max(missing), has[one])
    return ratio + (0.2 * min(abs(log(lacks / own * part)) for part in (1, 2, max(spot.number, 1))) if own else FAR)


def _is_of_sides(case: Case, spot: Spot) -> bool:
    """Say whether a number decides sides alone, and no parameters."""
    pools = step_at(case, spot.path).get("type") in POOLS or spot.path[1:2] in {(pool,) for pool in POOLS}
    return spot.key in OF_SIDES or (spot.key == "kernel_size" and pools)


def _entering_channels(case: Case) -> int | None:
    shape = case.net.inputs.get("input")
    return shape[0] if shape else None


def measured_by(case: Case) -> tuple[Measure, list[int], bool] | None:
    """Return how to measure what is wrong, what is wanted, and whether numbers of sides alone decide it; None: neither."""
    problem, facts = case.problem, case.problem.facts
    if isinstance(problem, ClaimDiffers) and facts["claim"] in FIGURES:
        said = {one.name: one.claimed for one in case.net.claims}
        claimed = {name: said[name] for name in FIGURES if name in said}
        if None in (case.report.parameters, case.report.macs):
            return None
        of_sides = all(number == getattr(case.report, name) for name, number in claimed.items() if name != "macs")
        return lambda _, report: [getattr(report, name) for name in claimed], [*claimed.values()], of_sides
    sketch = sketched(case)
    if sketch.wanted is not None:
        actual = sketch.shapes[sketch.end]
        if isinstance(problem, ClaimDiffers) or not actual or len(actual) != len(sketch.wanted):
            return None
        if actual[0] == sketch.wanted[0]:
            return None
        place = [one.value for one in case.net.expectations].index(sketch.end)
        return lambda net, report: [_channels(net, report, place)], [sketch.wanted[0]], False
    if isinstance(problem, DeclaredDiffers) and isinstance(facts["declared"], int):
        name = facts["parameter"]
        axis = -1 if name in ("in_features", "input_size") else 0
        return lambda _, report: [_entering(report, problem.layer, axis)], [facts["declared"]], False
    if isinstance(problem, ElementsDiffer) and isinstance(facts["shape"], tuple) and UNKNOWN not in facts["shape"]:
        return lambda _, report: [_entering(report, problem.layer, None)], [abs(prod(facts["shape"]))], False
    return None


def _channels(net: Network, report: Report, place: int) -> int | None:
    """Return the channels of the value of an expectation."""
    if place >= len(net.expectations):
        return None
    value = net.expectations[place].value - 1 - len(net.inputs)
    shape = report.layers[value].result.output if 0 <= value < len(report.layers) else None
    return shape[0] if shape and shape[0] is not UNKNOWN else None


def _entering(report: Report, layer: str, axis: int | None) -> int | None:
    """Return a size of what enters a layer, or all its elements."""
    shape = next((row.input_shapes[0] for row in report.layers if row.name == layer), None)
    if not shape or UNKNOWN in shape:
        return None
    return prod(shape) if axis is None else shape[axis]


def values(case: Case, spot: Spot, count: Measure, here: list[int | None], wanted: list[int]) -> Iterator[int]:
    """Yield the values of a number at which what is measured is what is wanted, by few probes of others."""
    number, points = spot.number, {spot.number: here}
    differs = next(index for index, figure in enumerate(wanted) if here[index] != figure)
    tried, of_sides = _others(case, spot), _is_of_sides(case, spot)
    jumps = of_sides or spot.key == "kernel_size"  # an even one gives other sides
    if len(wanted) == 1 and spot.key in CHANNELS:
        tried.insert(0, wanted[0])
    first = True
    while tried and len(points) < MOST_POINTS:
        probe = tried.pop(0)
        if probe < 1 and not of_sides:
            continue
        made = case.trials.probe([Operation("set", spot.path, spot.written(probe))]) if probe not in points else None
        if made is None or None in (measured := count(*made)):
            continue
        points[probe] = measured
        if measured == wanted:
            yield probe
            return
        if measured == here and not jumps:  # nothing depends on it
            return
        if first and not jumps:
            step = _step(here, measured, wanted, differs)
            if step is None:
                return
            tried.insert(0, number + round(step * (probe - number)))  # as a line has it
        first = False
        if not jumps and len(points) == PARABOLA and _is_line(points):  # and the value on it would have been whole
            return
    curve = [(x, measured[differs]) for x, measured in points.items()][:PARABOLA]
    for value in _reached(curve, wanted[differs]):
        if value not in points:
            yield value


def _is_line(points: dict[int, list[Any]]) -> bool:
    """Say whether three points lie on a line, in each figure."""
    (x0, first), (x1, second), (x2, third) = points.items()
    return all((b - a) * (x2 - x0) == (c - a) * (x1 - x0) for a, b, c in zip(first, second, third, strict=True))


def _others(case: Case, spot: Spot) -> list[int]:
    """Return the numbers to be probed in the place of one: neighbours, and for groups, which divide, those of their like."""
    number = spot.number
    if spot.key == GROUPS:
        return [*dict.fromkeys([one.number for one in spots(case) if one.key == GROUPS] + [number * 2, number + 1])]
    if _is_of_sides(case, spot):
        return [number + 1, *range(max(0, number - 2), number), number + 2, number // 2, number // 4]
    if spot.key == "kernel_size" and number % 2:
        return [number + 2, number - 2, number + 4, number - 4]
    return [number - 1, number + 1, number * 2, number // 2, *([number // 4] if spot.in_text else [])]


def _step(here: list[Any], measured: list[Any], wanted: list[int], differs: int) -> float | None:
    """Return how many times the change of a figure is wanted; None where two figures want it very differently."""
    pairs = [(after - before, aim - before) for before, after, aim in zip(here, measured, wanted, strict=True)]
    steps = [aim / change for change, aim in pairs if change and aim]
    if any(bool(change) != bool(aim) for change, aim in pairs) or max(steps) > UNLIKE * min(steps) > 0:
        return None
    return (
        steps[[index for index, (_, aim) in enumerate(pairs) if aim].index(differs)]
        if min(steps) * max(steps) > 0
        else None
    )


def squared(case: Case) -> Iterator[Candidate]:
    """Yield the input with equal sides, where a claim or an expectation says another at the declared one."""
    shape = case.net.inputs.get("input")
    asked = isinstance(case.problem, ClaimDiffers | ExpectDiffers) and "input" in case.data
    if (
        isinstance(case.problem.facts.get("claimed"), SizeSet)
        or not asked
        or not shape
        or shape[1:] == shape[1:2] * (len(shape) - 1)
    ):
        return
    for side in dict.fromkeys(sorted(shape[1:], key=lambda one: -shape[1:].count(one))):
        new = [*to_file((shape[0], *[side] * (len(shape) - 1)), case.net.layout)]
        edit = Edit(None, "input", case.data["input"], new)
        yield Candidate(3.0, "input", (edit,), (Operation("set", ("input",), new),))


def _reached(points: list[tuple[int, int | None]], wanted: int) -> Iterator[int]:
    """Yield the positive whole numbers at which the polynomial through some points has a value."""
    known = [(x, y) for x, y in points if y is not None]
    if len(known) == 2:  # noqa: PLR2004 -- a line
        (x0, y0), (x1, y1) = known
        if y1 != y0 and (wanted - y0) * (x1 - x0) % (y1 - y0) == 0:
            value = x0 + (wanted - y0) * (x1 - x0) // (y1 - y0)
            yield from [value] * (value > 0)
    elif len(known) == 3:  # noqa: PLR2004 -- a parabola
        (x0, y0), (x1, y1), (x2, y2) = known
        d1, d2, d3 = (x0 - x1) * (x0 - x2), (x1 - x0) * (x1 - x2), (x2 - x0) * (x2 - x1)
        scale = abs(d1 * d2 * d3)
        p0, p1, p2 = (y * scale // d for y, d in ((y0, d1), (y1, d2), (y2, d3)))
        a = p0 + p1 + p2
        b = -(p0 * (x1 + x2) + p1 * (x0 + x2) + p2 * (x0 + x1))
        c = p0 * x1 * x2 + p1 * x0 * x2 + p2 * x0 * x1 - wanted * scale
        if a == 0:
            yield from [-c // b] if b and c % b == 0 and -c // b > 0 else []
            return
        square = b * b - 4 * a * c
        if square < 0 or isqrt(square) ** 2 != square:
            return
        roots = [-b + sign * isqrt(square) for sign in (1, -1)]
        yield from sorted({root // (2 * a) for root in roots if root % (2 * a) == 0 and root // (2 * a) > 0})
