"""Numbers near the one that is written: its neighbours, and those that its like have; where sides, or axes, are in question.

A number of a layer's own window is solved for in parameters.py, and one that channels follow in figures.py.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from contextlib import suppress
from operator import itemgetter
from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.parameters import SOLVED
from cnnshape.diagnosis.sketch import replaced, sketched
from cnnshape.diagnosis.spots import changed, parameters_of, replaced_in, spots, step_at, step_of, within
from cnnshape.diagnosis.trails import data_at
from cnnshape.diagnosis.written import NAME
from cnnshape.layers.parameters import Wrong
from cnnshape.network.flow import measured
from cnnshape.numbers.shape import is_count
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.building import UnusedResult
from cnnshape.problems.claims import ClaimDiffers
from cnnshape.problems.expressions import NoSuchEntry
from cnnshape.problems.shapes import AxisNamedTwice, NoSuchAxis
from cnnshape.problems.values import BadValue, OutOfRange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Candidate, Case
    from cnnshape.diagnosis.sketch import Sketch
    from cnnshape.diagnosis.spots import Spot
    from cnnshape.layers.base import Layer
    from cnnshape.problems.place import KeyPath, Place

MOST: Final = 16  # candidates
MOST_LIKE: Final = 4  # numbers of its like, in the place of one
CHANNELS: Final = frozenset(
    ["out_channels", "in_channels", "out_features", "in_features", "num_features", "width", "groups", "num_groups"]
)
OF_SIDES: Final = frozenset([*SOLVED, "size", "amount"])
FROM_ZERO: Final = frozenset(["padding", "output_padding", "index", "start"])
BEFORE_ZERO: Final = ("[", "=", "<", ">", "+", "-")  # signs of an expression; no product with 0 is meant
CONDITION: Final = re.compile(r"(\w+)\W*?\s*(?:[<>=]=|[<>])\s*$")  # a comparison whose right side is a number
PLACES: Final = frozenset(["index", "start"])
OF_AXES: Final = frozenset(["dim", "dims", "over", "start_dim", "end_dim"])
FAR: Final = 20  # layers; none counts as farther
INSIDE: Final = 2  # layers: how much farther the layers of a block are, which other uses have too
BESIDE: Final = 3  # layers: how far constants and defaults are


def nearby(case: Case) -> Iterator[Candidate]:
    """Yield the neighbours of numbers at the uses of blocks, in them, and in defaults, where sides are in question."""
    if isinstance(case.problem, ClaimDiffers | BadValue | NoSuchEntry | NoSuchAxis | AxisNamedTwice | UnusedResult):
        return
    sketch = sketched(case)
    failing = sketch.failing
    apart = frozenset() if failing is None else CHANNELS if failing else OF_SIDES  # parameters that are not in question
    near, every = _steps(case, sketch), [*spots(case)]
    types = {row.node.type for row in case.report.layers if row.node.place.path in near}
    like: dict[str, Counter[int]] = defaultdict(Counter)
    for spot in every:
        like[spot.key][spot.number] += not spot.in_text
    found: list[tuple[float, Spot, int]] = []
    idle = _idle(case, near)
    for spot in every:
        far = _distance(spot, near, types)
        if (
            far is None
            or spot.path[:2] in idle
            or spot.key in OF_AXES
            or _is_option(spot)
            or (spot.key == "output_size" and spot.number == 1)  # one cell was meant
            or frozenset() < parameters_of(case, spot) <= apart
            or (not spot.in_text and (spot.key in CHANNELS - {"groups"} or _is_solved(case, spot)))
        ):
            continue
        alone = spot.in_text or (spot.key in PLACES and "type" in step_at(case, spot.path))  # others differ from it
        siblings = [] if alone else [number for number, _ in like[spot.key].most_common(MOST_LIKE)]
        base = 3.4 if spot.path[0] == "layer_defaults" else 4.5 if spot.key == "repeat" else 4.2
        base -= 0.6 * ("defaults" in spot.path[:3])
        for step, value in enumerate(_values(spot, siblings)):
            found.append((base + 0.1 * step + 0.05 * far, spot, value))
    for rank, spot, value in sorted(found, key=itemgetter(0))[:MOST]:
        if not _fails(case, sketch, spot, value):
            yield changed(case, spot, value).ranked(rank, "nearby")


def _idle(case: Case, near: dict[KeyPath, int]) -> set[KeyPath]:
    """Return the paths of the constants that only steps name which have no part in the problem."""
    constants, steps = case.data.get("constants"), case.data.get("layers")
    if not isinstance(constants, dict) or not isinstance(steps, list):
        return set()
    inside = [step for place, step in enumerate(steps) if ("layers", place) in near]
    rest = [value for key, value in case.data.items() if key not in {"layers", "constants", "claims", "outputs"}]
    named = {*NAME.findall(str([inside, rest, *constants.values()]))}
    return {("constants", name) for name in constants if name not in named}


def _fails(case: Case, sketch: Sketch, spot: Spot, value: int) -> bool:
    """Say whether it is plain without a trial that another number mends nothing.

    A layer of which it is a setting refuses what arrives; or the problem stays, with another default for sides.
    """
    depth, default = step_of(spot.path), spot.path[0] == "layer_defaults"
    if spot.in_text or not (depth or default):
        return False
    layers = _with_another(case, sketch, spot, value, depth or 2)
    if default and layers and sketch.end:
        return spot.key in SOLVED and not sketch.mends(layers)
    for one, layer in layers.items() if not default else ():
        row = case.report.layers[one - sketch.first]
        if (one == sketch.end or not row.result.refusals) and measured(layer, row.input_shapes).refusals:
            return True
    return False


def _with_another(case: Case, sketch: Sketch, spot: Spot, value: int, depth: int) -> dict[int, Layer]:
    """Return the layers up to the problem of which a number is a setting, or their default, with another one.

    Its step, or the type whose default it is, stands at so many parts of its path.
    """
    step, (key, *entry) = spot.path[:depth], spot.path[depth:]
    whole = replaced_in(case.at((*step, key)), entry, value)
    layers: dict[int, Layer] = {}
    for one, node in case.net.made():
        default = step == ("layer_defaults", node.type) and key not in data_at(node.place)
        layer = sketch.layers[one - sketch.first]
        if (default or node.place.path == step) and case.own(node.place) and one <= sketch.end and layer is not None:
            with suppress(Wrong, LookupError):  # an expression beside it; a key that is no setting
                layers[one] = replaced(layer, str(key), layer.parameters[str(key)].read(whole))
    return layers


def _steps(case: Case, sketch: Sketch) -> dict[KeyPath, int]:
    """Return the steps of the file that the problem may come from, and how far each is; that of the cause is nearest."""
    rows = [case.report.layers[value - sketch.first] for value in sketch.upstream]
    named = case.cause and case.cause.layer and case.named(case.cause.layer)
    near: dict[KeyPath, int] = {}
    if place := case.problem.place:  # an expectation of copies that are none has no rows
        near[place.path[: step_of(place.path)]] = 0
    steps: dict[KeyPath, int] = {}  # those of the net itself, and how many are between
    for row in [named, *rows] if named else rows:
        places = (row.node.place, *row.node.used_at)
        distance = steps.setdefault(places[-1].path, len(steps))
        for place in filter(case.own, places):
            near.setdefault(place.path, distance + INSIDE * (place is not places[-1]))
    return near


def _distance(spot: Spot, near: dict[KeyPath, int], types: set[str]) -> int | None:
    """Return how far the step of a number is; None for one that has no part in it."""
    if depth := step_of(spot.path):
        return min(near[spot.path[:depth]], FAR) if spot.path[:depth] in near else None
    if spot.path[0] == "layer_defaults":
        return 0 if spot.path[1] in types else None
    return BESIDE


def _is_option(spot: Spot) -> bool:
    """Say whether a number is compared, so that it decides which layers there are; that of a copy may be another."""
    compared = CONDITION.search(spot.before)
    return compared is not None and compared[1] != "i"


def _is_solved(case: Case, spot: Spot) -> bool:
    """Say whether a number is a setting of a layer that is solved for; pairs of a list are not."""
    deep = len(spot.path) - step_of(spot.path) > 2  # noqa: PLR2004 -- a key and an index
    return "type" in step_at(case, spot.path) and spot.key in SOLVED and not deep


def _values(spot: Spot, siblings: list[int]) -> list[int]:
    """Return numbers near one, those of its like among them."""
    number = spot.number
    if len(spot.path) > 2 and spot.path[0] == "constants":  # a list, whose entries differ  # noqa: PLR2004
        siblings = []
    zero = spot.before.rstrip().endswith(BEFORE_ZERO) if spot.in_text else spot.key in FROM_ZERO
    least = 0 if zero else 1
    near = [*siblings[:2], number - 1, number + 1, number * 2, number // 2, *siblings[2:4], number // 4, number - 2]
    return [value for value in dict.fromkeys(near) if value >= least and value != number]


def out_of_range(case: Case) -> Iterator[Candidate]:
    """Yield numbers in the place of one that is out of range: those of its like, then the least ones."""
    problem = case.problem
    if not isinstance(problem, OutOfRange) or problem.place is None:
        return
    wrong = [spot for place in (problem.place, *problem.used_at) for spot in _below_one(case, place)]
    if len(wrong) != 1:
        return
    (spot,) = wrong
    like = Counter(one.number for one in spots(case) if one.key == spot.key and one.number != spot.number)
    near = [number for number, _ in like.most_common(4)]
    for step, value in enumerate(dict.fromkeys([*near[:1], 1, *near, 2, 3, 5, 7, 4])):
        yield changed(case, spot, value).ranked(3.0 + 0.1 * step, "range")


def _below_one(case: Case, place: Place) -> Iterator[Spot]:
    """Yield the numbers at a place of the file that most parameters cannot be."""
    if case.own(place):
        defaults = (*place.path[:2], "defaults") if place.path[0] == "blocks" else ()
        found = [spot for path in (place.path, defaults) if path for spot in within(case.at(path), path)]
        yield from (spot for spot in found if spot.number < 1 and not spot.in_text and spot.key not in FROM_ZERO)


def other_entries(case: Case) -> Iterator[Candidate]:
    """Yield the entries that a list has in the place of one that it has not, the last one first."""
    problem = case.problem
    if not isinstance(problem, NoSuchEntry):
        return
    index, entries = problem.facts["index"], problem.facts["entries"]
    for place in (problem.place, *problem.used_at):
        for spot in within(case.at(place.path), place.path) if place and case.own(place) else ():
            if spot.number == index and spot.before.endswith("["):
                for step, entry in enumerate(reversed(range(entries))):
                    yield changed(case, spot, entry).ranked(3.0 + 0.1 * step, "entries")


def other_axes(case: Case) -> Iterator[Candidate]:
    """Yield axes that are there, and are not named, in the place of one that is not there, or is named twice."""
    problem, row = case.problem, case.row
    if not isinstance(problem, NoSuchAxis | AxisNamedTwice) or row is None or problem.place is None:
        return
    path, shape = problem.place.path, row.input_shapes[0]
    written = case.at(path) if case.own(problem.place) else None
    listed = written if isinstance(written, list) else [written]
    if not shape or UNKNOWN in shape or not all(is_count(abs(axis), 0) for axis in listed if isinstance(axis, int)):
        return
    there = range(1, len(shape) + 1)
    named = [axis if axis >= 0 else len(shape) + 1 + axis for axis in listed if isinstance(axis, int)]
    free = [axis for axis in there if axis not in named]
    for spot in within(written, path):
        twice = named.count(spot.number) > 1
        if twice or spot.number not in (*there, 0):
            for axis in sorted(free, key=lambda axis: abs(axis - spot.number)):
                yield changed(case, spot, axis).ranked(3.0 + 0.1 * abs(axis - spot.number), "axes")
