"""What people are shown of a checked net, in plain words: rows, settings, the chain of sizes, the facts, problems."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, takewhile, zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.parameters import Flag, Inferred, Reference, Sizes, per_axis
from cnnshape.network.report import total
from cnnshape.numbers.shape import text
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.base import errors
from cnnshape.problems.comparing import Disagreement
from cnnshape.problems.wording import few

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cnnshape.compare.match import Comparison
    from cnnshape.layers import Layer
    from cnnshape.layers.parameters import Parameter
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import Place
    from cnnshape.pytorch.crosscheck import Verification

CONVENTION: Final = "multiply-accumulates of convolutions and linear layers, for one sample, biases not counted"
AXES: Final = {1: ("cell",), 2: ("row", "column"), 3: ("slice", "row", "column")}  # what is dropped along each axis
VERDICTS: Final = {  # the worst last; how the facts say it
    "agrees": "agree",
    "not run": "not run",
    "refuses": "refused by torch as well",
    "skipped": "skipped",
    "stricter": "refused by cnnshape alone, as documented",
    "follows": "differ only as what enters them does",
    "missing": "missing",
    "fails": "failing",
    "differs": "differ",
    "disagrees": "disagree",
}
SEEN: Final = ("out_channels", "out_features")  # settings that the output shows
MANY: Final = 4  # results that a row names one by one
LONG_CHAIN: Final = 24  # sizes; of a longer chain, the ends are shown
SNIPPET: Final = 88  # characters of a source line that are shown


class Checked(NamedTuple):
    """One file, with all that a check of it found."""

    net: Network
    report: Report
    verification: Verification | None = None
    unverified: str = ""  # why no cross-check ran
    declared: bool = True  # checked at the declared input
    comparison: Comparison | None = None  # with a model, instead of torch

    @property
    def asked(self) -> Verification | Comparison | None:
        """What was asked about every layer, torch or a model, and what came of it."""
        return self.comparison or self.verification

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All that was found, in the order of the file; of several files, what one has stands together."""
        found = [*self.report.problems, *(self.asked.problems if self.asked else ())]
        files = [*dict.fromkeys(problem.file for problem in found)]
        return tuple(sorted(found, key=lambda problem: (files.index(problem.file), problem.line, problem.column)))

    @property
    def ok(self) -> bool:
        return not errors(self.problems)

    def verdicts(self) -> list[str]:
        """Return the verdict on each layer, torch's or that on the model's, "" where neither was asked."""
        return [layer.verdict for layer in self.asked.layers] if self.asked else [""] * len(self.report.layers)

    def models(self) -> list[str]:
        """Return what the model has for each layer, "" where there is none."""
        return [layer.model for layer in self.comparison.layers] if self.comparison else [""] * len(self.report.layers)


def number(value: int | None) -> str:
    """Write a count: "?" where it is not known."""
    return "?" if value is None else f"{value:,}"


def counted(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


# Rows


class Row(NamedTuple):
    """A layer, or a block folded into one row, as it is written; "" for nothing."""

    name: str
    type: str
    settings: tuple[str, ...]
    inputs: tuple[str, ...]  # a line each
    output: str
    parameters: str
    macs: str
    dropped: tuple[str, ...]  # along each axis
    verdict: str
    model: str  # what the model has in its place
    severity: str  # of the worst problem in it
    plain: bool  # it keeps the shape, and has no weights


def rows(checked: Checked, depth: int = 1) -> list[Row]:
    """Return the rows of a table that folds what names of more than `depth` parts have in common."""
    view = _View(checked, depth)
    groups = groupby(range(len(view.layers)), key=lambda index: front(view.layers[index].name, depth))
    return [view.row(name, list(members)) for name, members in groups]


def front(name: str, depth: int) -> str:
    """Return the first `depth` parts of a dotted name."""
    return ".".join(name.split(".")[:depth])


class _View:
    """A net seen at some depth; layers are known by their index."""

    def __init__(self, checked: Checked, depth: int):
        self.depth = depth
        self.layout = checked.net.layout
        self.layers = checked.report.layers
        self.verdicts = checked.verdicts()
        self.models = checked.models()
        self.inputs = len(checked.net.inputs)
        self.names = ["?", *checked.net.inputs, *(layer.name for layer in self.layers)]  # of every value
        self.severities = {problem.layer: problem.severity for problem in checked.problems}
        self.severities |= {problem.layer: "error" for problem in errors(checked.problems)}

    def row(self, name: str, members: list[int]) -> Row:
        layers = [self.layers[index] for index in members]
        entering = self.entering(members)
        inputs, output = _inputs(list(entering.values()), self.layout), text(layers[-1].result.output, self.layout)
        parameters, macs = total(layer.parameters for layer in layers), total(layer.macs for layer in layers)
        folded = name != layers[0].name
        if folded:
            said = (*self.content(layers), *self.wiring(members[0], entering))
        else:
            said = (*settings(layers[0], self.layout), *self.wiring(members[0], entering), *self.named(members[0]))
        return Row(
            name=name,
            type=self.kind(layers[0]) if folded else layers[0].type,
            settings=said,
            inputs=inputs,
            output=output,
            parameters="" if parameters == 0 else number(parameters),
            macs="" if macs == 0 else number(macs),
            dropped=_dropped([layer.dropped for layer in layers]),
            verdict=max((self.verdicts[index] for index in members), key=["", *VERDICTS].index),  # the worst
            model=_span(list(filter(None, (self.models[index] for index in members)))),
            severity=self.severity(name, layers),
            plain=not folded and inputs == (output,) and parameters == 0,
        )

    def entering(self, members: list[int]) -> dict[int, Shape | None]:
        """Return the values that enter from outside, apart from references, with their shapes."""
        first = 1 + self.inputs + members[0]
        return {
            value: shape
            for layer in (self.layers[index] for index in members)
            for value, shape in list(zip(layer.node.inputs, layer.input_shapes, strict=True))[: _joined(layer.node)]
            if value < first
        }

    def kind(self, layer: LayerReport, deeper: int = 0) -> str:
        """Return the name of the block that a layer's name is folded to, or the layer's type where it is none."""
        blocks = layer.node.blocks[self.depth + deeper - 1 :]
        return blocks[0] if blocks else layer.type

    def content(self, layers: list[LayerReport]) -> Iterator[str]:
        """Say what a folded row holds: 3 x bottleneck; 32 layers; or 4 x, and the settings that all copies share."""
        if len(layers[0].node.blocks) < self.depth:  # a repeated layer
            yield f"{len(layers)} x"
            different = {settings(layer, self.layout) for layer in layers}
            yield from different.pop() if len(different) == 1 else ()
            return
        parts = {front(layer.name, self.depth + 1): self.kind(layer, 1) for layer in layers}
        alike = len(parts) > 1 == len(set(parts.values()))
        yield f"{len(parts)} x {self.kind(layers[0], 1)}" if alike else counted(len(layers), "layer")

    def wiring(self, index: int, entering: Iterable[int]) -> Iterator[str]:
        """Say where the inputs come from, unless it is what stands before."""
        values = list(entering)
        if values == [index + self.inputs] and (index or self.inputs == 1):
            return
        names = [self.seen(value, index) for value in values]
        names[1:-1] = names[1:-1] if len(names) <= MANY else [f"{len(names) - 2} more"]
        yield from (name if place else f"from {name}" for place, name in enumerate(names))

    def named(self, index: int) -> Iterator[str]:
        """Say which layers the settings name, as `like` does."""
        node = self.layers[index].node
        if node.layer:
            keys = (key for key in node.layer.references if key in vars(node.layer))
            for key, value in zip(keys, node.inputs[_joined(node) :], strict=True):
                yield f"{key} {self.seen(value, index)}"

    def seen(self, value: int, index: int) -> str:
        """Return a value's name as it is seen from the layer at an index, without what both have in front."""
        around, dot, _ = front(self.layers[index].name, self.depth).rpartition(".")
        return front(self.names[value], self.depth).removeprefix(around + dot)

    def severity(self, name: str, layers: list[LayerReport]) -> str:
        if any(layer.node.layer is None or layer.result.refusals for layer in layers):
            return "error"
        found = {self.severities.get(of, "") for of in (name, *(layer.name for layer in layers))}
        return next((severity for severity in ("error", "warning") if severity in found), "")


def _span(models: list[str]) -> str:
    """Write the modules of a row: one by its name, several by what their names begin with, or from the first on."""
    if not models:
        return ""
    parts = zip(*(name.split(".") for name in models), strict=False)
    front = ".".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, parts))
    return front or f"{models[0]} … {models[-1]}"


def _joined(node: Node) -> int:
    """Return how many inputs of a layer are no references."""
    references = node.layer.references if node.layer else ()
    return len(node.inputs) - sum(key in vars(node.layer) for key in references)


def _inputs(shapes: list[Shape | None], layout: str) -> tuple[str, ...]:
    """Write the shapes that enter, a line each; (64+128)x28x28 where they differ in one axis."""
    written = [text(shape, layout) for shape in shapes]
    different = list(dict.fromkeys(written))
    if len({line.count("x") for line in different}) == 1 < len(different):
        axes = list(zip(*(line.split("x") for line in written), strict=True))
        varied = [axis for axis in axes if len(set(axis)) > 1]
        if len(varied) == 1:
            return ("x".join(f"({_sum(axis)})" if axis in varied else axis[0] for axis in axes),)
    return tuple(different) if len(different) <= MANY else (f"{len(shapes)} shapes",)


def _sum(numbers: Iterable[str]) -> str:
    """Write 64+32+32+32 as 64+3*32."""
    runs = [(size, len(list(run))) for size, run in groupby(numbers)]
    return "+".join(size if times == 1 else f"{times}*{size}" for size, times in runs)


def _dropped(layers: list[tuple[int | None, ...]]) -> tuple[str, ...]:
    """Write how many cells of the image are lost along each axis, summed over layers: 1 row; 2 columns."""
    sums = [sum(filter(None, axis)) for axis in zip_longest(*layers)]
    return tuple(counted(n, axis) for n, axis in zip(sums, AXES.get(len(sums), ()), strict=False) if n)


# Settings


def settings(layer: LayerReport, layout: str) -> tuple[str, ...]:
    """Return what a layer says that is not torch's default and not seen in its output: 11x11; stride 4; no bias."""
    if layer.node.layer is None:
        return ()
    shape = layer.input_shapes[0]
    rank = len(shape) - 1 if shape else 0
    parameters = layer.node.layer.parameters.values()
    return tuple(filter(None, (_setting(layer.node.layer, parameter, rank, layout) for parameter in parameters)))


def _setting(layer: Layer, parameter: Parameter[Any], rank: int, layout: str) -> str:
    name = parameter.name
    value, default = getattr(layer, name), parameter.default  # a pool's stride has none, and is always said
    if value in (default, (default,) * rank) or isinstance(parameter, Inferred | Reference) or name in SEEN:
        return ""
    if isinstance(parameter, Flag):
        return name if value else f"no {name}"
    if isinstance(parameter, Sizes):
        return f"{name} {text(value, layout)}"
    if name == "kernel_size" and rank > 1:
        return _sides(per_axis(value, rank))
    return f"{name} {_sides(value) if isinstance(value, tuple) else value}"


def _sides(sides: tuple[Any, ...]) -> str:
    """Write one entry for each axis: 3x5; a pair of ends as (0,1)."""
    return "x".join(f"({side[0]},{side[1]})" if isinstance(side, tuple) else str(side) for side in sides)


# Facts about the whole


def facts(checked: Checked) -> Iterator[tuple[str, str]]:
    """Yield what there is to say about the whole net, each with its label."""
    net, report = checked.net, checked.report
    if not checked.declared:
        at = ", ".join(_named(name, text(shape, net.layout), report.inputs) for name, shape in report.inputs.items())
        yield "input", f"{at}; expectations and claims are about the declared input alone"
    if (sizes := chain(checked)) not in ([], ["?"]):
        yield "sizes", " → ".join(sizes)
    if nearest := _nearest(checked):
        yield "nearest", nearest
    if len(report.outputs) > 1:
        yield "outputs", ", ".join(f"{name} {text(shape, net.layout)}" for name, shape in report.outputs.items())
    if report.macs != 0:
        yield "MACs", CONVENTION
    if checked.declared and (held := " and ".join(_held(checked))):
        yield "checked", f"{held} {'hold' if held.endswith('s') or ' and ' in held else 'holds'}"
    yield "model" if checked.comparison else "torch", _agreement(checked)
    layers = checked.verification.layers if checked.verification else ()
    skipped = [f"{layer.name}: {layer.reason}" for layer in layers if layer.verdict == "skipped"]
    yield from (("skipped", reason) for reason in few(skipped, MANY))


def near(net: Network, sizes: ValidSizes, shape: Shape) -> str:
    """Return the inputs nearest to one whose sizes are valid: 224x224x3 below and 240x240x3 above; "" for none."""
    found = (sizes.below(shape[1:]), "below"), (sizes.above(shape[1:]), "above")
    return " and ".join(f"{text((*shape[:1], *sides), net.layout)} {where}" for sides, where in found if sides)


def _nearest(checked: Checked) -> str:
    """Say which inputs near the one that was checked no layer refuses, or where none drops a row; "" for nothing."""
    net, report = checked.net, checked.report
    refused = any(layer.result.refusals for layer in report.layers)
    if not refused and not any(any(layer.dropped) for layer in report.layers):
        return ""
    from cnnshape.network.valid_sizes import NoClosedForm

    try:
        sizes = net.valid_sizes(exact=not refused)
        shape, *others = (report.inputs[name] for name in sizes.varied)
        fixed = {name: 1 if name in sizes.varied else None for name in report.inputs}  # the channels, or the whole
        if any(report.inputs[name][:end] != (net.inputs[name] or ())[:end] for name, end in fixed.items()):
            return ""  # other sides would not mend that
        if any(other[1:] != shape[1:] for other in others) or len(shape) - 1 != len(sizes.names) or shape[1:] in sizes:
            return ""
        found = near(net, sizes, shape)
    except NoClosedForm:
        return ""
    return found and f"{found} {'would work' if refused else 'would lose nothing'}"


def _named(name: str, value: str, among: Mapping[str, Any]) -> str:
    return value if len(among) == 1 else f"{name} {value}"


def _held(checked: Checked) -> Iterator[str]:
    """Say how many expectations and claims hold; what is behind a failure neither holds nor fails."""
    net, report = checked.net, checked.report
    shapes = [None, *net.inputs.values(), *(layer.output for layer in report.layers)]
    expected = [shapes[expectation.value] for expectation in net.expectations]
    claimed = [report.actual(claim) for claim in net.claims]
    differ = Counter(problem.code for problem in report.problems)
    for actual, what, code in ((expected, "expectation", "expect-differs"), (claimed, "claim", "claim-differs")):
        if actual:
            yield f"{len(actual) - actual.count(None) - differ[code]:,} of {counted(len(actual), what)}"


def _agreement(checked: Checked) -> str:
    """Say how the cross-check went, or the comparison with a model, or why there was neither."""
    asked = checked.asked
    if asked is None:
        return f"no cross-check ran: {checked.unverified}"
    counts = Counter(checked.verdicts())
    others = (
        f"{counts[verdict]:,} {said}" for verdict, said in VERDICTS.items() if counts[verdict] and verdict != "agrees"
    )
    with_whom = checked.comparison.model if checked.comparison else f"torch {asked.torch.partition('+')[0]}"
    agree = f"{counts['agrees']:,} of {counted(len(asked.layers), 'layer')} agree"
    extra = len(checked.comparison.extra) if checked.comparison else 0
    more = [f"{extra:,} more in the model"] if extra else []
    return ", ".join((f"{agree} with {with_whom} on {asked.device}", *others, *more))


def chain(checked: Checked) -> list[str]:
    """Return the sides along the longest way to the last output, each size once: 227, 55, 27, 13, 6."""
    net, report = checked.net, checked.report
    lengths, before = [0] * (1 + len(net.inputs)), [0] * (1 + len(net.inputs))
    for node in net.nodes:
        before.append(max(node.inputs, key=lengths.__getitem__, default=0))
        lengths.append(lengths[before[-1]] + 1)
    inputs = (report.inputs.get(name) for name in net.inputs)
    shapes = [None, *inputs, *(layer.result.output for layer in report.layers)]
    way, value = [], next(reversed(net.outputs.values()), 0)
    while value:
        way.append(shapes[value])
        value = before[value]
    sides = [(UNKNOWN,) if shape is None else shape[1:] for shape in reversed(way)]
    cubes = all(len(set(side)) <= 1 for side in sides)
    written = ["x".join(map(str, side[:1] if cubes else side)) for side in sides if side]
    sizes = [size for size, _ in groupby(written)]
    half = LONG_CHAIN // 2
    return sizes if len(sizes) <= LONG_CHAIN else [*sizes[:half], "…", *sizes[-half:]]


def verdict(checked: Checked) -> tuple[str, str]:
    """Return the severity of the worst problem, "" where there is none, and the verdict in words."""
    counts = Counter(problem.severity for problem in checked.problems)
    if not counts:
        return "", "no problems"
    if wrong := sum(problem.code == Disagreement.code for problem in checked.problems):
        return "error", f"torch disagrees on {counted(wrong, 'layer')}: this is a bug in cnnshape, please report it"
    words = ", ".join(counted(counts[severity], severity) for severity in ("error", "warning") if counts[severity])
    return "error" if counts["error"] else "warning", words


# Problems


def details(problem: Problem) -> Iterator[str]:
    """Yield what stands below the first line of a problem."""
    if problem.layer:
        yield f"in layer {problem.layer}"
    for place in problem.used_at:
        yield f"in a block used at {place}"
    if problem.cause:
        yield f"cause: {problem.cause}"
    yield from (f"fix: {fix}" for fix in problem.fixes)


def snippet(place: Place) -> Iterator[str]:
    """Yield the line of the file that a place is in, and a caret below; a long line is cut around it."""
    from unicodedata import east_asian_width

    row, column = place.position()
    line = place.source.text.split("\n")[row - 1].rstrip() if place.source.text else ""
    if not line:
        return
    start = max(0, column - 1 - SNIPPET // 2) if len(line) > SNIPPET else 0
    before, after = line[start : column - 1], line[column - 1 : start + SNIPPET]
    before, after = "…" * (start > 0) + before, after + "…" * (start + SNIPPET < len(line))
    shown = "".join(c if c.isprintable() else " " for c in before + after)
    indent = sum(2 if east_asian_width(c) in "WF" else 1 for c in before)
    yield f"{row} | {shown}"
    yield f"{' ' * len(str(row))} | {' ' * indent}^"
