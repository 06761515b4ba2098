"""Any number of the file, solved for what is wanted: a claimed figure, an expected or a declared number of channels.

Parameters and channels follow one number of a file by a polynomial of degree two at most: two probes tell it, and where
it is what is wanted. Where sides are in question, the neighbours of a number, and those of its like, are candidates.
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import isqrt, log, prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.parameters import SOLVED
from cnnshape.diagnosis.sketch import Sketch
from cnnshape.diagnosis.trails import data_at
from cnnshape.diagnosis.written import NAME
from cnnshape.numbers.shape import to_file
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.shapes import DeclaredDiffers, ElementsDiffer
from cnnshape.problems.values import OutOfRange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.place import KeyPath

    Measure = Callable[[Network, Report], list[int | None]]

MOST_PROBES: Final = 24  # nets that are built and not checked, of one net
APART: Final = frozenset(
    ["expect", "claims", "training", "input", "inputs", "name", "source", "layout", "outputs", "allow", "p", "eps"]
)
MOST_NEARBY: Final = 10  # candidates
CHANNELS: Final = frozenset(["out_channels", "in_channels", "out_features", "in_features", "num_features", "width"])
PARABOLA: Final = 3  # points that tell one
GROUPS: Final = "groups"
FIGURES: Final = ("parameters", "macs")
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
    for path, number in likely(case, here, wanted, of_sides=of_sides):
        if case.trials.probes >= MOST_PROBES:
            return
        for value in values(case, path, number, count, here, wanted):
            declared = isinstance(case.problem, DeclaredDiffers | ElementsDiffer)
            yield changed(case, path, number, value).ranked(4.1 if declared else 3.2)


def likely(case: Case, here: list[Any], wanted: list[int], *, of_sides: bool) -> list[tuple[KeyPath, int]]:
    """Return the numbers in question, the likeliest first: those whose layers have the proportion that is missing."""
    figures = shares(case)
    missing = [abs(count - one) for count, one in zip(wanted, here, strict=True)]

    def unlikely(one: tuple[KeyPath, int]) -> float:
        path, number = one
        has = figures.get(path) or figures.get(path[: step_of(path)])
        if has is None or len(missing) < len(FIGURES) or not all(missing) or not all(has):
            place = case.problem.place
            return float(path[0] != "input" and (place is None or path[: step_of(path)] != place.path[:-1]))
        ratio = log(missing[1] / missing[0]) - log(has[1] / has[0])
        size = min(abs(log(missing[0] / has[0] * part)) for part in (1, 2, number))
        return abs(ratio) + 0.2 * size

    asked = [*numbers(case)]
    if isinstance(case.problem, ClaimDiffers) and isinstance(case.data.get("input"), list):
        sizes = [*_within(case.data["input"], ("input",))]
        asked = [*(sizes if of_sides else [one for one in sizes if one[1] == _entering_channels(case)]), *asked]
    if not isinstance(case.problem, ClaimDiffers):  # the settings of layers are solved, and their channels traced
        asked = [one for one in asked if _key(one[0]) == "repeat" or "type" not in _step(case, one[0])]
    kept = [one for one in asked if (_key(one[0]) in OF_SIDES) == of_sides or (of_sides and one[0][0] == "input")]
    return sorted(kept, key=unlikely)


def _entering_channels(case: Case) -> int | None:
    shape = case.net.inputs.get("input")
    return shape[0] if shape else None


def shares(case: Case) -> dict[KeyPath, list[int]]:
    """Return parameters and multiply-accumulates of the layers in each step, and of those that one of its arguments decides."""
    figures: dict[KeyPath, list[int]] = {}
    for row in case.report.layers:
        places = [place.path for place in (row.node.place, *row.node.used_at) if case.own(place)]
        for inside, use in pairwise((row.node.place, *row.node.used_at)):
            words = [value for value in data_at(inside).values() if isinstance(value, str)] if case.own(use) else []
            places += [(*use.path, name) for name in {name for word in words for name in NAME.findall(word)}]
        for path in places:
            sums = figures.setdefault(path, [0, 0])
            sums[0] += row.parameters or 0
            sums[1] += row.macs or 0
    return figures


def step_of(path: KeyPath) -> int:
    """Return how many parts of a path lead to the layer or the use that it is in; 0 for none."""
    return next((i + 2 for i in range(len(path) - 1, -1, -1) if path[i] == "layers"), 0)


def _step(case: Case, path: KeyPath) -> dict[str, Any]:
    """Return the table of the layer or the use that a path leads into."""
    depth = step_of(path)
    table = case.at(path[:depth]) if depth else None
    return table if isinstance(table, dict) else {}


def _key(path: KeyPath) -> str:
    return next(part for part in reversed(path) if isinstance(part, str))


def measured_by(case: Case) -> tuple[Measure, list[int], bool] | None:
    """Return how to measure what is wrong, what is wanted, and whether numbers of sides alone decide it; None: neither."""
    problem, facts = case.problem, case.problem.facts
    if isinstance(problem, ClaimDiffers) and facts["claim"] in FIGURES:
        claimed = {one.name: one.claimed for one in case.net.claims if one.name in FIGURES}
        if None in (case.report.parameters, case.report.macs):
            return None
        of_sides = claimed.get("parameters", case.report.parameters) == case.report.parameters
        return lambda _, report: [getattr(report, name) for name in claimed], [*claimed.values()], of_sides or False
    sketch = Sketch(case)
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


def nearby(case: Case) -> Iterator[Candidate]:
    """Yield the neighbours of numbers at the uses of blocks, and in them, where sides are in question."""
    if isinstance(case.problem, ClaimDiffers):
        return
    sketch = Sketch(case)
    rows = [case.report.layers[value - sketch.first] for value in sketch.upstream]
    near: dict[KeyPath, int] = {}  # the steps, and how far each is from the place
    for row in rows:
        for place in (row.node.place, *row.node.used_at):
            if case.own(place):
                near.setdefault(place.path, len(near))
    like = Counter((_key(path), number) for path, number in numbers(case))
    found = []
    for path, number in numbers(case):
        depth, key = step_of(path), path[-1]
        inside = path[:depth] in near if depth else path[0] in ("constants", "blocks")
        own_rule = "type" in _step(case, path) and key in SOLVED  # which parameters.py solves
        if not inside or not isinstance(key, str) or key in CHANNELS or own_rule:
            continue
        siblings = [value for (name, value), _ in like.most_common() if name == key and value != number]
        for step, value in enumerate(dict.fromkeys([*siblings[:2], number - 1, number + 1, number * 2, number // 2])):
            if value > 0 and value != number:
                far = min(near.get(path[:depth], 0), 20) * 0.05
                found.append(changed(case, path, number, value).ranked(4.2 + 0.1 * step + far, "nearby"))
    yield from sorted(found, key=lambda one: one.rank)[:MOST_NEARBY]


def changed(case: Case, path: KeyPath, old: int, new: int) -> Candidate:
    """Return the change of a number at a path of the file; one in a list is said with the whole list."""
    if isinstance(path[-1], int) and isinstance(path[-2], str):
        whole = case.at(path[:-1])
        layer, parameter = spoken(case, path[:-1])
        edit = Edit(layer, parameter, whole, [*whole[: path[-1]], new, *whole[path[-1] + 1 :]])
        return Candidate(3.2, "figure", (edit,), (Operation("set", path, new),))
    layer, parameter = spoken(case, path)
    rank = 3.2 if path[0] == "layers" else 3.4
    return Candidate(rank, "figure", (Edit(layer, parameter, old, new),), (Operation("set", path, new),))


def spoken(case: Case, path: KeyPath) -> tuple[str | None, str]:
    """Return the layer and the parameter that stand at a path of the file."""
    if path[0] in ("constants", "blocks") and "layers" not in path:
        return None, ".".join(map(str, path))
    depth = step_of(path)
    table = case.at(path[:depth])
    own = [row.name for row in case.report.layers if row.node.place.path == path[:depth] and case.own(row.node.place)]
    name = next(iter(own), table.get("name") if isinstance(table, dict) else None)
    return (name if depth else None), ".".join(map(str, path[depth:]))


def numbers(case: Case) -> Iterator[tuple[KeyPath, int]]:
    """Yield the numbers of the file that may be wrong: those of its layers first, then constants and blocks."""
    yield from _within(case.data.get("layers"), ("layers",))
    for key, value in case.data.items():
        if key != "layers" and key not in APART:
            yield from _within(value, (key,))


def _within(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, int]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            if key not in APART:
                yield from _within(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from _within(entry, (*path, index))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value


def values(  # noqa: PLR0913, PLR0917 -- a probe's surroundings
    case: Case, path: KeyPath, number: int, count: Measure, here: list[int | None], wanted: list[int]
) -> Iterator[int]:
    """Yield the values of a number at which what is measured is what is wanted."""
    points = {number: here}
    like = [other for where, other in numbers(case) if _key(where) == _key(path) == GROUPS]  # which divide a figure
    for probe in dict.fromkeys([*like, number * 2, max(1, number // 2), number + 1]):
        if probe not in points and len(points) < (6 if like else PARABOLA):
            made = case.trials.probe([Operation("set", path, probe)])
            if made is None or None in (measured := count(*made)):
                continue
            points[probe] = measured
            if measured == wanted:
                yield probe
                return
            if measured == here:  # nothing depends on it
                return
    for value in _reached([(x, measured[0]) for x, measured in points.items()], wanted[0]):
        if value not in points:
            yield value


def out_of_range(case: Case) -> Iterator[Candidate]:
    """Yield numbers in the place of one that is out of range: those of its like, then the least ones."""
    problem = case.problem
    if not isinstance(problem, OutOfRange) or problem.place is None or not case.own(problem.place):
        return
    path = problem.place.path
    old = case.at(path)
    if isinstance(old, list):
        wrong = [i for i, entry in enumerate(old) if isinstance(entry, int) and entry < 1]
        path, old = ((*path, wrong[0]), old[wrong[0]]) if len(wrong) == 1 else (path, None)
    if not isinstance(old, int) or isinstance(old, bool):
        return
    key = _key(path)
    like = Counter(number for other, number in numbers(case) if _key(other) == key and number != old)
    near = [number for number, _ in like.most_common(4)]
    for step, value in enumerate(dict.fromkeys([*near[:1], 1, *near, 2, 3, 5, 7, 4])):
        yield changed(case, path, old, value).ranked(3.0 + 0.1 * step, "range")


def squared(case: Case) -> Iterator[Candidate]:
    """Yield the input with equal sides, where a claim or an expectation says another at the declared one."""
    shape = case.net.inputs.get("input")
    asked = isinstance(case.problem, ClaimDiffers | ExpectDiffers) and "input" in case.data
    if not asked or not shape or shape[1:] == shape[1:2] * (len(shape) - 1):
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
