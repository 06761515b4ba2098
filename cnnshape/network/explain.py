"""Where a layer's numbers come from: its own rules, run on numbers that remember their arithmetic, written out."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers import TYPES, Layer
from cnnshape.layers.parameters import Flag, Inferred, Parameter, Reference, Wrong
from cnnshape.network.flow import measure
from cnnshape.network.report import leftovers
from cnnshape.numbers.shape import Shape, text, to_file
from cnnshape.numbers.traced import Traced
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.suggest import suggest
from cnnshape.problems.wording import said, suggested

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.network.flow import Input
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report, Result
    from cnnshape.problems.base import Problem


class Axis(NamedTuple):
    """An axis of a shape: its letter in formulas, its name, and what is lost of it where a division leaves some over."""

    letter: str
    name: str
    cell: str = ""


CHANNELS: Final = Axis("C", "channels")
FEATURES: Final = Axis("C", "features")
SIDE: Final = Axis("W", "side", "row")
SPACE: Final = {
    1: (Axis("W", "length", "cell"),),
    2: (Axis("H", "height", "row"), Axis("W", "width", "column")),
    3: (Axis("D", "depth", "slice"), Axis("H", "height", "row"), Axis("W", "width", "column")),
}


def axes_of(shape: Shape) -> tuple[Axis, ...]:
    """Return the axes of a shape, channels first."""
    rank = len(shape) - 1
    space = SPACE.get(rank) or tuple(Axis(f"W{axis}", f"axis {axis + 1}", "cell") for axis in range(1, rank + 1))
    return (CHANNELS if rank else FEATURES, *space)


class Line(NamedTuple):
    """One thing, and how it comes about."""

    label: str
    texts: tuple[str, ...]


class Explanation(NamedTuple):
    """A layer explained, and what is wrong with it; `ok` where nothing is."""

    title: str
    lines: tuple[Line, ...] = ()
    problems: tuple[str, ...] = ()
    ok: bool = True

    def __str__(self) -> str:
        width = max((len(line.label) for line in self.lines), default=0) + 2
        rows = (
            f"  {label:{width}}{words}"
            for line in self.lines
            for label, words in zip((line.label, *[""] * len(line.texts)), line.texts, strict=False)
        )
        return "\n".join([self.title, *rows, *self.problems])


# Numbers and shapes


def quantities(shape: Shape, axes: tuple[Axis, ...], of: str = "") -> Shape:
    """Return a shape of numbers that are called as their axes are."""
    named = zip(shape, axes, strict=True)
    return tuple(n if n is UNKNOWN else Traced(n, f"{axis.letter} of {of}" if of else axis.letter) for n, axis in named)


def arithmetic(number: Any) -> tuple[str, ...]:
    """Write a number with how it comes about, in names and in numbers."""
    if not isinstance(number, Traced):
        return (said(number),)
    result = said(number.value)
    if not number.computed:
        return (result if number.named == number.text else f"{number.named} = {result}",)
    return (*([] if number.named == number.text else [number.named]), f"{number.text} = {result}")


def _plain(number: Any) -> Any:
    return number.value if isinstance(number, Traced) else number


def place_of(number: Any, shape: Shape) -> int | None:
    """Return where a shape has this very number, which then was not computed with."""
    return next((place for place, other in enumerate(shape) if other is number and number is not UNKNOWN), None)


def keeps(x: Shape, y: Shape) -> bool:
    """Say whether x comes out as it is."""
    return len(x) == len(y) and all(place_of(number, x) == place for place, number in enumerate(y))


def shape_lines(layer: Layer, x: Shape, axes: tuple[Axis, ...], result: Result) -> Iterator[Line]:
    """Explain the shape that comes out, axis by axis; axes of space that are alike once."""
    y = result.output or ()
    if keeps(x, y):
        yield Line("shape", ("unchanged",))
        return
    none = (0, 0)  # of the channels, and of axes that only the result has
    rows = zip(axes, y, (none, *leftovers(layer.traced(), x, y), *[none] * len(y)), strict=False)
    for _, group in groupby(rows, key=lambda row: (row[0].letter == CHANNELS.letter, repr(row[1]))):
        alike = list(group)
        _, number, (remainder, dropped) = alike[-1]
        if number is UNKNOWN:  # what is wrong says why
            continue
        unchanged = place_of(number, x) is not None
        texts = (f"{said(number.value)}, unchanged",) if unchanged else arithmetic(number)
        if remainder and remainder > 0:
            lost = _lost([axis.cell for axis, *_ in alike], _plain(dropped), ceil=getattr(layer, "ceil_mode", False))
            texts = (*texts, f"{remainder!r} is left over: {lost}")
        yield Line(", ".join(axis.name for axis, *_ in alike), texts)


def _lost(cells: list[str], dropped: int, *, ceil: bool) -> str:
    if dropped > 1:
        return f"{' and '.join(f'the last {said(dropped)} {cell}s' for cell in cells)} are lost"
    if dropped == 1:
        return f"{' and '.join(f'the last {cell}' for cell in cells)} {'is' if len(cells) == 1 else 'are'} lost"
    return "nothing of the image is lost, with ceil_mode" if ceil else "it is padding, and nothing of the image is lost"


def count_lines(layer: Layer, x: Shape, y: Shape, shares: str) -> Iterator[Line]:
    """Explain parameters and multiply-accumulates."""
    after = tuple(axis._replace(letter=f"{axis.letter}'") for axis in axes_of(y))
    parameters, macs = layer.counts(x, quantities(tuple(map(_plain, y)), after))
    yield Line("parameters", (f"those of {shares}",) if shares else arithmetic(parameters) if parameters else ("none",))
    if macs and macs is not UNKNOWN:
        yield Line("MACs", arithmetic(macs))


# A layer of a net


def explain(net: Network, name: str, input: Input | None = None) -> Explanation:  # noqa: A002 -- as Network.check
    """Explain a layer of a net, at the declared input or another. Raises ValueError where there is no such layer."""
    explainer = _Explainer(net, net.check(input))
    names = [node.name for node in net.nodes]
    if name in names:
        return explainer.explain(explainer.report.layers[names.index(name)])
    if several := net.several(name):
        raise ValueError(several)
    raise ValueError(suggested(f"there is no layer {name}", suggest(name, names)))


class _Explainer:
    """Explains the layers of one report."""

    def __init__(self, net: Network, report: Report):
        self.net = net
        self.report = report
        self.names = ["?", *net.inputs, *(row.name for row in report.layers)]  # of every value

    def layer(self, value: int) -> LayerReport | None:
        """Return the row of a value, None for what is no layer's result."""
        index = value - 1 - len(self.net.inputs)
        return self.report.layers[index] if index >= 0 else None

    def text(self, shape: Shape | None) -> str:
        return text(shape, self.net.layout)

    def explain(self, row: LayerReport) -> Explanation:
        node, layer = row.node, row.node.layer
        entering = [self.text(shape) for shape in row.input_shapes]
        if len(entering) > 1:
            entering = [f"{shape} of {self.names[value]}" for shape, value in zip(entering, node.inputs, strict=True)]
        title = f"{node.name}: {node.type}, {' and '.join(entering)} -> {self.text(row.result.output)}"
        if layer is None or None in row.input_shapes:
            return Explanation(title, (), (*self.problems(row), *self.failed_before(row)), ok=False)
        (x, *_), result = self.traced(row)
        y = result.output or ()
        shape = to_file(tuple(shape_lines(layer, x, axes_of(y), result)), self.net.layout)
        counts = () if result.parameters is UNKNOWN else count_lines(layer.traced(), x, y, node.shares)
        lines = (*shape, *self.arriving(layer, x, node.inputs[0]), *counts)
        problems = (*self.problems(row, result), *self.failed_before(row))
        ok = not any(problem.startswith("error") for problem in problems)
        return Explanation(f"{title}\n{layer.summary()}", lines, problems, ok)

    def traced(self, row: LayerReport) -> tuple[tuple[Shape, ...], Result]:
        """Run a layer on numbers that remember; return what enters and what it makes of it."""
        assert row.node.layer
        several = len(row.input_shapes) > 1
        inputs = tuple(
            quantities(shape, axes_of(shape), self.names[value] if several else "")
            for shape, value in zip(row.input_shapes, row.node.inputs, strict=True)
            if shape
        )
        return inputs, measure(row.node.layer.traced(), inputs)

    # Where a number comes from

    def arriving(self, layer: Layer, x: Shape, value: int) -> Iterator[Line]:
        """Explain the numbers that the input decides, as in_features: what made them, and of what."""
        for name, parameter in layer.parameters.items():
            number = parameter.takes(layer, x) if isinstance(parameter, Inferred) else None
            place = place_of(number, x)
            if place is not None:
                yield Line(name, self.made(value, place))

    def made(self, value: int, place: int) -> tuple[str, ...]:
        """Explain one number of a value's shape: the layer that made it, and what of."""
        while row := self.layer(value):
            inputs, result = self.traced(row)
            number = (result.output or ())[place]
            kept = place_of(number, inputs[0])
            if kept is None:
                break
            value, place = row.node.inputs[0], kept  # as a relu keeps all, and a pool the channels
        if row is None:
            shape = self.shape(value) or ()
            return (f"{said(shape[place])}, as {self.names[value]} has it",)
        *names, numbers = arithmetic(number)
        made_of = dict.fromkeys(map(self.origin, row.node.inputs)) if len(names) else ()
        of = " and ".join(f"the {self.text(self.shape(origin))} of {self.names[origin]}" for origin in made_of)
        return (*names, f"{numbers}, by {row.name}{f' from {of}' if of else ''}")

    def origin(self, value: int) -> int:
        """Return the value that a shape comes from, back through the layers that keep it (relu, dropout)."""
        while row := self.layer(value):
            inputs, result = self.traced(row)
            if not keeps(inputs[0], result.output or ()):
                break
            value = row.node.inputs[0]
        return value

    def shape(self, value: int) -> Shape | None:
        row = self.layer(value)
        return row.output if row else self.report.inputs.get(self.names[value])

    # What is wrong

    def problems(self, row: LayerReport, result: Result | None = None) -> Iterator[str]:
        """Write what is wrong with a layer; the numbers of a condition come with their arithmetic."""
        for problem in self.report.problems:
            if problem.layer == row.name or (row.node.layer is None and _within(problem, row)):
                refusals = result.refusals if result else ()
                remembered = (facts for code, facts in refusals if code == problem.code and facts == problem.facts)
                message = type(problem)(**next(remembered, problem.facts)).message
                yield f"{problem.severity}: {message}"

    def failed_before(self, row: LayerReport) -> Iterator[str]:
        """Say which layers failed, so that it is not known what enters."""
        waiting = list(row.node.inputs)
        seen = set()
        while waiting:
            value = waiting.pop()
            if value in seen or self.shape(value):
                continue
            seen.add(value)
            before = self.layer(value)
            if before is None:
                yield "error: what enters is not known"
            elif before.result.refusals or before.node.layer is None:
                why = next(self.problems(before), "").partition(": ")[2]
                yield f"error: what enters is not known, since {before.name} fails before it{why and ': '}{why}"
            else:
                waiting += before.node.inputs


def _within(problem: Problem, row: LayerReport) -> bool:
    """Say whether a problem was found in the text of a layer."""
    place, layer = problem.place, row.node.place
    return place is not None and place.source is layer.source and place.path[: len(layer.path)] == layer.path


# One layer without a net


def options(kind: type[Layer]) -> dict[str, Parameter[Any]]:
    """Return the parameters of a type that bear on sides: those that its rule, in `side` or `output`, speaks of."""
    codes = [rule.__code__ for rule in (kind.side, kind.output)]
    spoken = {name for code in codes for name in (*code.co_varnames, *code.co_names)}
    return {
        name: parameter
        for name, parameter in kind.parameters.items()
        if name in spoken and not isinstance(parameter, Reference)
    }


def calculable() -> dict[str, type[Layer]]:
    """Return the layer types whose rule is about sides: those on space that have one, or settings that bear on sides."""

    def ruled(kind: type[Layer]) -> bool:
        return kind.side is not Layer.side or any(not isinstance(option, Flag) for option in options(kind).values())

    return {name: kind for name, kind in TYPES.items() if kind.ranks.start > 0 and ruled(kind)}


def setting(parameter: Parameter[Any], written: str, axes: int) -> Any:
    """Read a parameter as the command line has it: 3, 3x5 axis by axis, 1,2 for both ends, a word. Raises Wrong."""

    def number(word: str) -> Any:
        for kind in (int, float):
            try:
                return kind(word)
            except ValueError:
                continue
        return word

    def split(word: str, sign: str, read: Any) -> Any:
        parts = [read(part) for part in word.split(sign)]
        return parts if len(parts) > 1 else parts[0]

    if written in parameter.words:
        return written
    value = split(written, "x", lambda side: split(side, ",", number))
    return parameter.read([value] * axes if "," in written and "x" not in written else value)


def calculate(kind: type[Layer], sides: tuple[int, ...], given: Mapping[str, str | bool]) -> Explanation:
    """Explain what a layer makes of sides, whatever the channels are. Raises Wrong."""
    settings = {
        name: setting(kind.parameters[name], value, len(sides)) if isinstance(value, str) else value
        for name, value in given.items()
    }
    if why := kind.inconsistent(settings):
        raise Wrong(why)
    neutral = {name: UNKNOWN for name in kind.required if name not in settings}  # what only channels have to do with
    layer = kind(**neutral, **settings)
    axes = (CHANNELS, SIDE) if len(sides) == 1 else axes_of((UNKNOWN, *sides))
    x = quantities((UNKNOWN, *sides), axes)
    result = measure(layer.completed(x).traced(), (x,))
    y = result.output or ()
    lines = tuple(shape_lines(layer, x, axes, result))
    problems = tuple(f"error: {CODES[code](**facts).message}" for code, facts in result.refusals)
    after = text(tuple(map(_plain, y[1:])))
    return Explanation(f"{kind.type}: {text(sides)} -> {after}", lines, problems, ok=not problems)
