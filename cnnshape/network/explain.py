"""A layer of a net explained: its own numbers, numbers from layers before it, and its problems.

A net, a layer's name and perhaps an input come in; an Explanation goes out.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Final

from cnnshape.layers.convolution import Conv, ConvTranspose, Linear
from cnnshape.layers.normalization import BatchNorm
from cnnshape.layers.parameters import Inferred
from cnnshape.network.arithmetic import (
    Explanation,
    Line,
    axes_of,
    count_lines,
    derivation,
    index_in,
    keeps,
    quantities,
    shape_lines,
)
from cnnshape.network.flow import measure
from cnnshape.network.report import total
from cnnshape.numbers.shape import text, to_file
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.suggest import suggest
from cnnshape.problems.wording import said, suggested

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.layers.base import Layer
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report, Result
    from cnnshape.numbers.shape import Input, Shape
    from cnnshape.problems.base import Problem


MOST_SUMMANDS: Final = 6
WITH_BIAS: Final = (Conv, ConvTranspose, Linear)  # which scale what enters, and add a bias to it


def explain(net: Network, name: str, input: Input | None = None) -> Explanation:  # noqa: A002 -- as Network.check
    """Explain a layer, a block or a repeat of a net, at the declared input or another; of one left out, why, and as it would be.

    Raises ValueError where there is nothing of that name.
    """
    try:
        return explain_in(net.check(input), net, name)
    except ValueError:
        found, conditions = net.origin.with_left_out(name) if net.origin else (net, [])
        if not conditions:
            raise
    explanation = explain_in(found.check(input), found, name)
    return explanation._replace(title="\n".join([*map(str, conditions), "it would be", explanation.title]))


def explain_in(report: Report, net: Network, name: str) -> Explanation:
    """Explain a layer, a block or a repeat of a net by its report, as `explain` does."""
    explainer = Explainer(net, report)
    names = [node.name for node in net.nodes]
    if name in names:
        return explainer.explain(explainer.report.layers[names.index(name)])
    if net.within(name):
        return explainer.explain_block(name)
    raise ValueError(suggested(f"there is no layer {name}", suggest(name, names)))


def normed(net: Network) -> set[int]:
    """Return the values that batch norms alone take, and that are no output: a constant added to one is subtracted."""
    taken: dict[int, bool] = {}
    for node in net.nodes:
        for value in node.inputs:
            taken[value] = taken.get(value, True) and isinstance(node.layer, BatchNorm)
    return {value for value, alone in taken.items() if alone} - {*net.outputs.values()}


class Explainer:
    """Explains the layers of one report."""

    def __init__(self, net: Network, report: Report):
        self.net = net
        self.report = report
        self.names = ["?", *net.inputs, *(row.name for row in report.layers)]  # the name of every value
        self.values = {id(row): value for value, row in enumerate(report.layers, 1 + len(net.inputs))}

    @cached_property
    def normed(self) -> set[int]:
        return normed(self.net)

    def row_of(self, value: int) -> LayerReport | None:
        """Return the row of the node that makes a value, None of an input."""
        index = value - 1 - len(self.net.inputs)
        return self.report.layers[index] if index >= 0 else None

    def text(self, shape: Shape | None) -> str:
        return text(shape, self.net.layout)

    def explain(self, row: LayerReport) -> Explanation:
        """Explain the layer of a row."""
        node, layer = row.node, row.node.layer
        entering = [self.text(shape) for shape in row.input_shapes]
        if len(entering) > 1:
            entering = [f"{shape} of {self.names[value]}" for shape, value in zip(entering, node.inputs, strict=True)]
        title = f"{node.name}: {node.type}, {' and '.join(entering)} -> {self.text(row.result.output)}"
        if layer is None or None in row.input_shapes:
            return Explanation(title, (), (*self.problems(row), *self.failed_before(row)), ok=False)
        (x, *_), result = self.traced(row)
        y = result.output or ()
        shape = to_file(tuple(shape_lines(layer, x, axes_of(y), result, row.held)), self.net.layout)
        counts = () if result.parameters is UNKNOWN else count_lines(layer.traced(), x, y, node)
        frozen = [Line("frozen", ("its parameters are not trained",))] if node.frozen else []
        biased = isinstance(layer, WITH_BIAS) and layer.bias and self.values[id(row)] in self.normed
        bias = (
            [Line("bias", ("the batch norm behind it subtracts it again: bias = false gives the same",))]
            if biased
            else []
        )
        lines = (*shape, *self.inferred(layer, x, node.inputs[0]), *counts, *bias, *frozen)
        problems = (*self.problems(row, result), *self.failed_before(row))
        ok = not any(problem.startswith("error") for problem in problems)
        return Explanation(f"{title}\n{layer.summary()}", lines, problems, ok)

    def explain_block(self, name: str) -> Explanation:
        """Explain a block or a repeat: what enters and comes out, its parts, and their sums."""
        made = zip(self.net.made(), self.report.layers, strict=True)
        inside = {value: row for (value, _), row in made if row.name.startswith(f"{name}.")}
        rows = [*inside.values()]
        entering = dict.fromkeys(value for row in rows for value in row.node.inputs if value not in inside)
        entered = " and ".join(f"{self.text(self.shape(value))} of {self.names[value]}" for value in entering)
        given = self.net.given(name)
        results = " and ".join(self.text(inside[value].output) for value in given)
        depth = name.count(".") + 1
        parts: dict[str, list[LayerReport]] = {}
        for row in rows:
            parts.setdefault(".".join(row.name.split(".")[: depth + 1]), []).append(row)
        lines = [Line(part, (self.part(part, theirs),)) for part, theirs in parts.items()]
        for label in ("parameters", "macs"):
            numbers = [total(getattr(row, label) for row in theirs) for theirs in parts.values()]
            lines.append(Line("MACs" if label == "macs" else label, (_sum(numbers),)))
        lines.append(Line("gives", (", ".join(inside[value].name for value in given),)))
        kinds = rows[0].node.blocks[depth - 1 : depth]
        problems = tuple(problem for row in rows for problem in self.problems(row))
        ok = not any(problem.startswith("error") for problem in problems)
        kind = f"{kinds[0]}, " if kinds and kinds[0] else ""
        return Explanation(f"{name}: {kind}{entered} -> {results}", tuple(lines), problems, ok)

    def part(self, name: str, rows: list[LayerReport]) -> str:
        """Write a part of a block in a line: its type or block, what enters, and what comes out."""
        row, last = rows[0], rows[-1]
        blocks = row.node.blocks[name.count(".") :]
        kind = row.type if row.name == name else f"{blocks[0] if blocks else 'block'}, {len(rows)} layers"
        return f"{kind}, {' and '.join(map(self.text, row.input_shapes))} -> {self.text(last.output)}"

    def traced(self, row: LayerReport) -> tuple[tuple[Shape, ...], Result]:
        """Run a row's layer on Traced numbers; return the shapes that enter, and the result."""
        assert row.node.layer
        several = len(row.input_shapes) > 1
        inputs = tuple(
            quantities(shape, axes_of(shape), self.names[value] if several else "")
            for shape, value in zip(row.input_shapes, row.node.inputs, strict=True)
            if shape is not None
        )
        return inputs, measure(row.node.layer.traced(), inputs)

    # Where a number comes from

    def inferred(self, layer: Layer, x: Shape, value: int) -> Iterator[Line]:
        """Explain the settings that the input decides, such as in_features; `value` enters, with the shape x."""
        for name, parameter in layer.parameters.items():
            number = parameter.takes(layer, x) if x and isinstance(parameter, Inferred) else None
            index = index_in(number, x)
            if index is not None:
                yield Line(name, self.made(value, index))

    def made(self, value: int, index: int) -> tuple[str, ...]:
        """Explain one number of a value's shape: its arithmetic, the layer that computed it, and that layer's inputs."""
        while row := self.row_of(value):
            inputs, result = self.traced(row)
            number = (result.output or ())[index]
            kept = index_in(number, inputs[0])
            if kept is None:
                break
            value, index = row.node.inputs[0], kept  # as a relu keeps all, and a pool the channels
        if row is None:
            shape = self.shape(value) or ()
            return (f"{said(shape[index])}, as {self.names[value]} has it",)
        *names, numbers = derivation(number)
        made_of = dict.fromkeys(map(self.origin, row.node.inputs)) if len(names) else ()
        of = " and ".join(f"the {self.text(self.shape(origin))} of {self.names[origin]}" for origin in made_of)
        return (*names, f"{numbers}, by {row.name}{f' from {of}' if of else ''}")

    def origin(self, value: int) -> int:
        """Return the value whose shape this one still has: back through the layers that keep it (relu, dropout)."""
        while row := self.row_of(value):
            inputs, result = self.traced(row)
            if not keeps(inputs[0], result.output or ()):
                break
            value = row.node.inputs[0]
        return value

    def shape(self, value: int) -> Shape | None:
        """Return the shape of a value, None where it is not known."""
        row = self.row_of(value)
        return row.output if row else self.report.inputs.get(self.names[value])

    # Its problems

    def problems(self, row: LayerReport, result: Result | None = None) -> Iterator[str]:
        """Write the problems of a layer; the numbers of the refusals in `result` come with their arithmetic."""
        for problem in self.report.problems:
            if problem.layer == row.name or (row.node.layer is None and _within(problem, row)):
                refusals = result.refusals if result else ()
                traced = (facts for code, facts in refusals if code == problem.code and facts == problem.facts)
                message = type(problem)(suggestions=problem.suggestions, **next(traced, problem.facts)).message
                yield f"{problem.severity}: {message}"

    def failed_before(self, row: LayerReport) -> Iterator[str]:
        """Yield a sentence for each failed layer that leaves an input of the row unknown."""
        waiting = list(row.node.inputs)
        seen = set()
        while waiting:
            value = waiting.pop()
            if value in seen or self.shape(value) is not None:
                continue
            seen.add(value)
            before = self.row_of(value)
            if before is None:
                yield "error: what enters is not known"
            elif before.result.refusals or before.node.layer is None:
                why = next(self.problems(before), "").partition(": ")[2]
                yield f"error: what enters is not known, since {before.name} fails before it{why and ': '}{why}"
            else:
                waiting += before.node.inputs


def _sum(numbers: list[int | None]) -> str:
    """Write numbers with their sum: 64 + 128 = 192; the sum alone of many, or of one."""
    counted = [number for number in numbers if number]
    if None in numbers:
        return "?"
    result = said(sum(counted))
    return f"{' + '.join(map(said, counted))} = {result}" if 1 < len(counted) <= MOST_SUMMANDS else result


def _within(problem: Problem, row: LayerReport) -> bool:
    """Say whether a problem was found in the text of a layer."""
    place, layer = problem.place, row.node.place
    return place is not None and place.source is layer.source and place.path[: len(layer.path)] == layer.path
