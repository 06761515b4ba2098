"""Channels: the number that a layer above gives becomes the one that is wanted below; groups, options and repeats.

Back over layers that keep channels, to the convolution or linear layer that decides them; of a concat to each part.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import gcd, prod
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.diagnosis.declared import roundness
from cnnshape.diagnosis.sketch import sketched
from cnnshape.diagnosis.trails import data_at
from cnnshape.diagnosis.written import NAME, changes, title
from cnnshape.network.flow import measured
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import shapes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.diagnosis.candidate import Candidate, Case
    from cnnshape.diagnosis.sketch import Sketch
    from cnnshape.network.graph import Node
    from cnnshape.network.report import LayerReport

GROWTH: Final = 16  # times: more channels than that are no slip
COUNTS: Final = ("out_channels", "out_features", "hidden_size")  # the settings that decide channels


class Source(NamedTuple):
    """A layer that decides channels: of `factor` numbers for each of them, among `total` in all."""

    node: Node
    parameter: str
    channels: int
    factor: Fraction

    def giving(self, wanted: int, total: int) -> int | None:
        """Return the count at which there are `wanted` numbers instead of `total`; None where there is none."""
        count = self.channels + (wanted - total) / self.factor
        return int(count) if count.denominator == 1 and count > 0 else None


def sources(sketch: Sketch, value: int) -> Iterator[Source]:
    """Yield the layers that decide the channels of a value, back to the input, each once."""
    todo, seen = [(value, Fraction(1))], set()
    while todo:
        value, factor = todo.pop()
        node, shape = sketch.node(value), sketch.shapes[value]
        if node is None or node.layer is None or (value, factor) in seen:
            continue
        seen.add((value, factor))
        if not shape or UNKNOWN in shape:
            continue
        layer, entering, before = node.layer, sketch.shapes[node.inputs[0]] or (), node.inputs[:0]
        keeps = entering[:1] == shape[:1]
        parameter = next((name for name in COUNTS if name in layer.parameters), "")
        if parameter and _follows(node, parameter):
            if entering and UNKNOWN not in entering[:1] and entering[0]:
                before, factor = node.inputs[:1], factor * Fraction(shape[0], entering[0])
        elif parameter and isinstance(getattr(layer, parameter, None), int):
            yield Source(node, parameter, getattr(layer, parameter), factor)
            if keeps and getattr(layer, "groups", 1) == shape[0]:
                before = node.inputs[:1]
        elif layer.stacks:
            before = node.joined
        elif len(shape) == 1 < len(entering) and UNKNOWN not in entering and prod(entering) == prod(shape):
            before, factor = node.inputs[:1], factor * prod(entering[1:])
        elif keeps and layer.keeps_rank:
            before = node.joined
        todo += [(one, factor) for one in reversed(before)]


def _follows(node: Node, parameter: str) -> bool:
    """Say whether the file writes a layer's channels by those that enter it."""
    return "in_channels" in NAME.findall(str(data_at(node.place).get(parameter)))


def channels_of_source(case: Case) -> Iterator[Candidate]:
    """Yield counts of the layers above that give the number that is wanted where the problem shows."""
    sketch = sketched(case)
    end = sketch.node(sketch.end)
    if end is None:
        return
    found: list[Candidate] = []
    for value, total, wanted, rank in wants(case, sketch, end):
        for source in sources(sketch, value):
            count = source.giving(wanted, total)
            if count is None or count == source.channels or count > GROWTH * source.channels:
                continue
            from_round = roundness(count) == 0 and roundness(source.channels) > 1
            if from_round and isinstance(case.problem, shapes.DeclaredDiffers):  # a declared 23 is the slip, no 32
                continue
            worse = votes(case, sketch, source, count)
            found += changes(case, source.node, source.parameter, count, rank=rank + worse, family="channels")
    yield from sorted(found, key=lambda one: one.rank)[:6]


def wants(case: Case, sketch: Sketch, end: Node) -> Iterator[tuple[int, int, int, float]]:
    """Yield values with their numbers of channels, the number that is wanted of them, and a rank."""
    problem, facts = case.problem, case.problem.facts
    joined = end.joined if len(end.joined) > 1 else end.inputs  # a reference wants the same channels, too
    entering = [sketch.shapes[value] for value in joined]
    if isinstance(problem, shapes.DeclaredDiffers):
        if isinstance(facts["declared"], int) and isinstance(facts["arrives"], int):
            yield (
                end.inputs[0],
                facts["arrives"],
                facts["declared"],
                4.2 if facts["parameter"] == "in_features" else 3.9,
            )
    elif isinstance(problem, shapes.ShapesDiffer) and len(entering) > 1:
        counts = [shape[0] for shape in entering if shape]
        if len(counts) == len(entering) and UNKNOWN not in counts:
            for value, count in zip(joined, counts, strict=True):
                for other in dict.fromkeys(counts):
                    alone = measured(end.layer, tuple([shape and (other, *shape[1:]) for shape in entering]))
                    if other != count and not alone.refusals:
                        yield value, count, other, 3.1
    elif isinstance(problem, shapes.NotDivisible):
        yield from multiples(case, sketch, end)
    elif isinstance(problem, shapes.GroupsDoNotDivide) and facts["parameter"] != "out_channels":
        count, groups = facts["channels"], facts["groups"]
        for wanted in beside(count, groups):
            yield end.inputs[0], count, wanted, 3.3
    elif isinstance(problem, shapes.HeadsDoNotDivide):
        for wanted in beside(facts["features"], facts["heads"]):
            yield end.inputs[0], facts["features"], wanted, 3.3
    elif isinstance(problem, shapes.ElementsDiffer):
        shape = facts["shape"] if isinstance(facts["shape"], tuple) else ()
        if shape and all(isinstance(size, int) and size > 0 for size in shape):
            yield end.inputs[0], facts["elements"], prod(shape), 3.0
    elif sketch.wanted is not None:
        actual = sketch.shapes[sketch.end]
        if actual and len(actual) == len(sketch.wanted) and actual[0] != sketch.wanted[0] and UNKNOWN not in actual:
            yield sketch.end, actual[0], sketch.wanted[0], 3.0


def beside(count: int, divisor: int) -> list[int]:
    """Return the multiples of a divisor next to a count, below and above; 0 is none."""
    return [*dict.fromkeys([max(1, count // divisor) * divisor, -(-count // divisor) * divisor])]


def multiples(case: Case, sketch: Sketch, end: Node) -> Iterator[tuple[int, int, int, float]]:
    """Yield the numbers of channels that a pixel_shuffle can divide: the expected one, or the nearest."""
    number, divisor = case.problem.facts["number"], case.problem.facts["divisor"]
    entering = sketch.shapes[end.inputs[0]]
    if not entering or entering[0] != number:
        return
    expected = [one.shape for one in case.net.expectations if one.value == sketch.end]
    claimed = [
        one.claimed
        for one in case.net.claims
        if one.output is not None and [*case.net.outputs.values()][-1:] == [sketch.end]
    ]
    takers = [one for one in case.net.nodes if one.layer is not None and sketch.end in one.inputs[:1]]
    declared = [(getattr(one.layer, "in_channels", 0),) for one in takers if "in_channels" in one.keys]
    if shape := next(iter([*expected, *claimed, *declared]), None):
        yield end.inputs[0], number, shape[0] * divisor, 3.0
        return
    for wanted in dict.fromkeys([max(1, round(number / divisor)) * divisor, -(-number // divisor) * divisor]):
        yield end.inputs[0], number, wanted, 3.0 + 0.1 * (wanted < number)


def votes(case: Case, sketch: Sketch, source: Source, count: int) -> float:
    """Return how unlikely another count of a source is: other layers of the file declare one number or the other."""
    declared = [*declared_behind(case, sketch, source.node)]
    for_new = sum(count in numbers for numbers in declared)
    for_old = sum(source.channels in numbers for numbers in declared)
    numbers = [getattr(row.node.layer, name, 0) for row in case.report.layers for name in COUNTS if row.node.layer]
    common = numbers.count(count) - numbers.count(source.channels) + 1
    tilt = -0.15 if common > 0 else 0.15 if common < 0 else 0.0
    return (
        tilt
        - 0.5 * (for_new > 1 and not for_old)
        + 0.6 * (for_old > 0)
        + 0.25 * (roundness(source.channels) - roundness(count))
    )


def declared_behind(case: Case, sketch: Sketch, source: Node) -> Iterator[list[int]]:
    """Yield the numbers that each layer declares which a layer's channels reach, over layers that keep them."""
    value = case.value(source)
    reached = {value}
    for below, node in case.net.made():
        if below <= value or node.layer is None or reached.isdisjoint(node.inputs[:1]):
            continue
        yield [getattr(node.layer, name) for name in node.layer.inferred if name in node.keys]
        shape, entering = sketch.shapes[below], sketch.shapes[node.inputs[0]]
        if shape and entering and shape[0] == entering[0] and not set(COUNTS) & node.layer.parameters.keys():
            reached.add(below)


def groups(case: Case) -> Iterator[Candidate]:
    """Yield groups that divide both numbers of channels, and a depthwise convolution of all channels that arrive."""
    problem, row = case.problem, case.row
    if not isinstance(problem, shapes.GroupsDoNotDivide) or row is None or row.node.layer is None:
        return
    node, layer, facts = row.node, row.node.layer, problem.facts
    name = "num_groups" if "num_groups" in layer.parameters else "groups"
    count, old = facts["channels"], facts["groups"]
    entering = (row.input_shapes[0] or (UNKNOWN,))[0]
    out = getattr(layer, "out_channels", None)
    if not isinstance(entering, int):
        return
    table = case.at(node.place.path)
    text = table.get("out_channels") if isinstance(table, dict) else None
    alike = [one for one in case.report.layers if one.node.place == node.place]
    depthwise = all(one.inputs[0] and getattr(one.node.layer, "out_channels", 0) == one.inputs[0][0] for one in alike)
    if isinstance(text, str) and depthwise and len(alike) > 1:
        yield from case.change(node, name, text, rank=2.5, family="groups")
        return
    if isinstance(out, int) and old == out and entering != out:
        for one in changes(case, node, name, entering, rank=3.2, family="groups"):
            for other in changes(case, node, "out_channels", entering, rank=3.2, family="groups"):
                yield one.and_(other)
    if isinstance(out, int) and facts["parameter"] == "out_channels":
        for wanted in beside(out, old):
            witness = further(case, node, wanted) - further(case, node, out)
            rank = 3.1 + 0.05 * (wanted < out) - 0.5 * witness
            yield from changes(case, node, "out_channels", wanted, rank=rank, family="channels")
    one_each = isinstance(out, int) and 1 < old != entering and out % entering == 0 and name == "groups"
    if one_each:
        yield from changes(case, node, name, entering, rank=3.05, family="groups")
    both = gcd(entering, out) if isinstance(out, int) else count
    divisors = sorted(
        (n for n in range(1, both + 1) if both % n == 0), key=lambda n: (abs(n - old) * (1 + (n & (n - 1) != 0)), n)
    )
    for step, divisor in enumerate(divisors[:2]):
        if (divisor > 1 or both == 1) and not (one_each and divisor == entering):
            yield from changes(
                case, node, name, divisor, rank=(3.0 if name == "num_groups" else 3.4) + 0.2 * step, family="groups"
            )


def further(case: Case, node: Node, count: int) -> bool:
    """Say whether a layer that takes the result of a node declares this number of channels."""
    value = case.value(node)
    takers = (one for one in case.net.nodes if one.layer is not None and value in one.inputs[:1])
    return any(getattr(one.layer, name) == count for one in takers for name in one.layer.inferred if name in one.keys)  # type: ignore[union-attr]


def numbers(case: Case) -> Iterator[Candidate]:
    """Yield numbers that a problem says itself: num_parameters of a prelu, num_heads of an attention."""
    problem, row = case.problem, case.row
    if row is None:
        return
    if isinstance(problem, shapes.SlopesDiffer):
        for count in (problem.facts["channels"], 1):
            yield from changes(case, row.node, "num_parameters", count, rank=3.0, family="declared")
    elif isinstance(problem, shapes.HeadsDoNotDivide):
        features, old = problem.facts["features"], problem.facts["heads"]
        near = sorted((n for n in range(1, features + 1) if features % n == 0), key=lambda n: (abs(n - old), n))
        for step, count in enumerate(near[:2]):
            yield from changes(case, row.node, "num_heads", count, rank=3.0 + 0.1 * step, family="groups")


def swapped(case: Case) -> Iterator[Candidate]:
    """Yield both numbers of a layer the other way round, where what arrives is the one that it makes, and is not wanted."""
    problem, row = case.problem, case.row
    if not isinstance(problem, shapes.DeclaredDiffers) or row is None:
        return
    pairs = {"in_channels": "out_channels", "in_features": "out_features"}
    taken = problem.facts["parameter"]
    given = pairs.get(taken, "")
    table = case.at(row.node.place.path) if case.own(row.node.place) else None
    if not isinstance(table, dict) or table.get(given) != problem.facts["arrives"]:
        return
    if any(problem.facts["declared"] in numbers for numbers in declared_behind(case, sketched(case), row.node)):
        for one in case.change(row.node, taken, problem.facts["arrives"], rank=3.0, family="swapped"):
            for other in case.change(row.node, given, problem.facts["declared"], rank=3.0, family="swapped"):
                yield one.and_(other)


def options(case: Case) -> Iterator[Candidate]:
    """Yield the other value of each truth value that a use around the problem may say: project = true."""
    row = case.row
    if row is None:
        return
    used_at = row.node.used_at
    for inner, use in enumerate(used_at):
        table = data_at(use)
        block = case.architecture.file.blocks.get(table.get("block", ""))
        if block is None or not case.own(use):
            continue
        for name, default in block.defaults.items():
            now = table.get(name, default)
            if isinstance(now, bool):
                new = not now
                removed = new == default and name in table
                yield case.changed(
                    title(used_at[inner:]), use.path, name, None if removed else new, rank=2.0, family="option"
                )


def repeats(case: Case) -> Iterator[Candidate]:
    """Yield other numbers of copies: the one that a constant growth asks for, and those next to it."""
    sketch = sketched(case)
    for path, name, count in repeated(case):
        case.trials.effort.spend(len(case.report.layers) + count)
        inside: dict[str, list[LayerReport]] = {}
        for row in case.report.layers:
            if row.name.startswith(f"{name}."):
                inside.setdefault(row.name.removeprefix(f"{name}.").partition(".")[0], []).append(row)
        copies = [inside.get(str(i), []) for i in range(count)]
        if not all(copies) or count < 1:
            continue
        wanted: list[int] = []
        facts = case.problem.facts
        ends = [group[-1].output for group in copies]
        if (
            isinstance(case.problem, shapes.DeclaredDiffers)
            and count > 1
            and all(ends)
            and isinstance(facts["declared"], int)
        ):
            growth = {after[0] - before[0] for before, after in itertools.pairwise(ends)}  # type: ignore[index]
            if len(growth) == 1 and (by := growth.pop()) and isinstance(facts["arrives"], int):
                more, left = divmod(facts["declared"] - facts["arrives"], by)
                wanted = [count + more] if not left and count + more > 0 else []
        asked = {case.problem.layer, case.cause.layer if case.cause else None}
        whole = case.problem.layer == name
        beyond = sketch.end and any(row.name in asked for group in copies for row in group)
        wanted += [count - 1] * bool(beyond or whole) + [count + 1, count - 2, count + 2, count // 2] * whole
        for new in dict.fromkeys(one for one in wanted if one > 0):
            yield case.changed(name, path, "repeat", new, rank=3.3, family="repeat")


def repeated(case: Case) -> Iterable[tuple[tuple[str | int, ...], str, int]]:
    """Yield the steps of the net itself that repeat a number of times: the path, the name, the number."""
    steps = case.data.get("layers")
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, dict) and isinstance(step.get("repeat"), int) and isinstance(step.get("name"), str):
            yield ("layers", index), step["name"], step["repeat"]
