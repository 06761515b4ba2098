"""A .onnx file -> a network, and the text of an architecture file that was held against the graph on the spot.

In: a path, and the shapes of inputs whose sizes are open. Out: a Network; or a file's text, whose head says what was checked,
which sizes it takes, and where the graph freezes them. ValueError, with one line, for what is no such file.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.convert.from_onnx.model import read, title
from cnnshape.convert.from_onnx.record import Graph, Refused, name_of
from cnnshape.convert.from_onnx.run import Run
from cnnshape.convert.imported import Imported, checked, facts_of, others
from cnnshape.convert.lowering import lowered
from cnnshape.convert.names import few
from cnnshape.convert.other_sizes import other_inputs
from cnnshape.convert.written import dumps
from cnnshape.layers.shaping import Upsample
from cnnshape.network.requirements import NoClosedForm
from cnnshape.numbers.shape import from_file, text
from cnnshape.problems.base import errors
from cnnshape.problems.place import Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.compare.recording import Tensor
    from cnnshape.convert.from_onnx.model import Input, Model
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import KeyPath

OTHERS: Final = 2  # runs at other sizes
NEAR: Final = (16, 8, 3, 2, 1, 0)  # cells that the first side has more there, where those refuse; the second one more
UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)  # raised by absurd contents
SAMPLES: Final = 2  # of the run that tells whether the batch is open
FREEZES: Final = {"Reshape", "Expand", "Split"}  # operators whose second input may be sizes in numbers
ASKS: Final = {"LayerNormalization", "Split", "Squeeze"}  # operators that ask something of a side, by themselves
MOST_FROZEN: Final = 100  # reshapes that are tried as layers of their own


class Nodes(NamedTuple):
    """A graph as a text with places: a line for each node, in order."""

    file: str
    titles: tuple[str, ...]

    @property
    def data(self) -> dict[str, object]:
        return {}

    @property
    def whole_lines(self) -> bool:
        return True

    @property
    def text(self) -> str:
        return "\n".join(self.titles)

    def key(self, path: KeyPath) -> Range:
        return self.value(path)

    def value(self, path: KeyPath, part: tuple[int, int] | None = None) -> Range:  # noqa: ARG002 -- a source's
        row = path[0] if path and isinstance(path[0], int) else 1
        return Range((row, 1), (row, len(self.titles[row - 1]) + 1))


class OnnxRuns:
    """The graph at other inputs; what froze its sizes or its batch is noted."""

    def __init__(self, graph: Graph, declared: Mapping[str, Shape]):
        self.graph = graph
        try:
            self.first = Run(graph, declared)
        except Refused as refused:
            raise ValueError(f"{graph.model.file}: {refused}") from None
        self.axes = [tensor.batch for tensor in self.first.outputs()]  # of the batch, None where the outputs have none
        self.found: dict[tuple[Shape, ...], list[Shape] | None] = {}  # by inputs
        self.frozen: dict[str, str] = {}  # why, by the name of the node that refuses other sizes
        self.refusing: list[str] = []  # the names of nodes that ask something of sides

    def shapes(self, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Return the shapes of the outputs without the batch; None where the graph refuses, or mixes samples."""
        key = tuple(inputs.values())
        if key not in self.found:
            self.found[key] = self._shapes(inputs)
        return self.found[key]

    def _shapes(self, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        try:
            run = Run(self.graph, inputs)
        except Refused as refused:
            node = refused.node
            if node.op_type in FREEZES and len(node.input) > 1 and node.input[1] in self.first.static:
                self.frozen.setdefault(name_of(node), title(node))
            elif node.op_type in ASKS:
                self.refusing.append(name_of(node))
            return None
        if self.mixes(run):
            for node in run.reshapes:
                self.frozen.setdefault(name_of(node), title(node))
            return None
        return [
            (*tensor.shape[:axis], *tensor.shape[axis + 1 :]) if axis is not None else tensor.shape
            for tensor, axis in zip(run.outputs(), self.axes, strict=True)
        ]

    def mixes(self, run: Run) -> bool:
        """Say whether the outputs of a run have several samples, or have the batch elsewhere."""
        return [tensor.batch for tensor in run.outputs()] != self.axes

    def macs(self, _: Mapping[str, Shape]) -> int:
        return self.first.macs

    def frozen_batch(self) -> str:
        """Return the node from which on the results do not follow the number of samples; "" where all do."""
        inputs = {name: tensor.shape[1:] for name, tensor in self.first.inputs.items()}
        at_fault = ""
        try:
            more = Run(self.graph, inputs, batch=SAMPLES).held
        except Refused as refused:
            more, at_fault = refused.held, title(refused.node)
        for node in self.graph.real:
            for name in node.output:
                if (
                    name in more
                    and name in self.first.held
                    and not _follows(self.first.held[name].tensor, more[name].tensor)
                ):
                    return title(node)
        return at_fault


def _follows(one: Tensor, more: Tensor) -> bool:
    """Say whether a tensor of one sample has as much more of all in a run of several."""
    at = one.batch
    if not one.value or len(one.shape) != len(more.shape):
        return not one.value
    return more.numel() == SAMPLES * one.numel() and (at is None or more.shape[at] == SAMPLES * one.shape[at])


def network(file: str, given: Mapping[str, Shape]) -> tuple[Network, OnnxRuns, list[str]]:
    """Return the network that a .onnx file is, at its own input or that given, its runs, and what its layers do not say of it.

    Raises ValueError.
    """
    graph = _graph(file)
    runs = OnnxRuns(graph, inputs_of(graph.model, given))
    net = _network(runs)
    return net, runs, [*_of_graph(runs, net), *_fixed(graph.model)]


def _graph(file: str) -> Graph:
    model = read(file)
    try:
        return Graph(model)
    except UNREADABLE as error:  # texts that are none, numbers that are missing
        said = (str(error).splitlines() or [type(error).__name__])[0]
        raise ValueError(f"{file} is no ONNX model that can be read: {said:.200}") from None


def _network(runs: OnnxRuns) -> Network:
    """Return the network of the graph; reshapes that freeze a size which no other layer holds are layers of their own."""
    declared = {name: tensor.shape[1:] for name, tensor in runs.first.inputs.items()}
    tried = [*other_inputs(declared)]
    explicit: frozenset[str] = frozenset()
    theirs = [runs.shapes(inputs) for inputs in tried]
    while True:
        net = _lowered(runs, declared, explicit)
        loose = any(shapes is None and net.check(input=inputs).ok for inputs, shapes in zip(tried, theirs, strict=True))
        more = explicit | {*[*runs.frozen][:MOST_FROZEN]} | {*runs.refusing}
        if not loose or more == explicit:
            return net
        explicit = more


def _lowered(runs: OnnxRuns, declared: Mapping[str, Shape], explicit: frozenset[str]) -> Network:
    graph, made = runs.graph, [Run(runs.graph, declared, explicit=explicit) if explicit else runs.first]
    for inputs in _near(graph.model, declared):
        if len(made) <= OTHERS:
            with suppress(Refused):
                run = Run(graph, inputs, explicit=explicit)
                made += [run] * (not runs.mixes(run))
    net = lowered([run.recording() for run in made], made[0].required)
    source = Nodes(graph.model.file, tuple(title(step.node) for step in graph.steps))
    nodes = tuple(node._replace(place=node.place._replace(source=source)) if node.place else node for node in net.nodes)
    return net._replace(nodes=nodes, file=graph.model.file, layout=graph.model.layout)


def _near(model: Model, declared: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    """Yield inputs at other sizes: those of live models, and some that are nearer, where a graph takes few.

    Sizes that a graph fixes stay, where it leaves others open. The first, the channels, is another one where that alone is open,
    as time is in a sequence of features.
    """
    opened = any(one.open for one in model.inputs)
    fixed = {one.title: from_file(one.dims[1:], model.layout) for one in model.inputs}
    for cells, inputs in enumerate(_sizes_near(declared), start=1):
        near = {
            name: tuple(
                own if opened and isinstance(own, int) else side for own, side in zip(fixed[name], shape, strict=True)
            )
            for name, shape in inputs.items()
        }
        yield near if near != declared else {name: (shape[0] + cells, *shape[1:]) for name, shape in near.items()}


def _sizes_near(declared: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    yield from others(declared)
    for more in NEAR:
        yield {
            name: (*shape[:1], *(side + more + at for at, side in enumerate(shape[1:])))
            for name, shape in declared.items()
        }


def inputs_of(model: Model, given: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes of samples, channels first: the graph's own, and those given where its sizes are open.

    They are given in the graph's layout. Raises ValueError.
    """
    known = {name: one.title for one in model.inputs for name in (one.name, one.title)}
    if len(model.inputs) == 1:
        known["input"] = model.inputs[0].title
    unknown = next((name for name in given if name not in known), None)
    if unknown is not None:
        names = ", ".join(one.name for one in model.inputs)
        which = f"it has {names}: say which, as {model.inputs[0].name}=..." if unknown == "input" else f"it has {names}"
        raise ValueError(f"{model.file} has no input {unknown!r}; {which}")
    shapes = {known[name]: shape for name, shape in given.items()}
    return {one.title: from_file(_shape(model, one, shapes.get(one.title)), model.layout) for one in model.inputs}


def _shape(model: Model, one: Input, given: Shape | None) -> Shape:
    own, named = one.dims[1:], f"{one.name}=" if len(model.inputs) > 1 else ""
    if given is None:
        if one.open:
            example = "x".join(str(size) if isinstance(size, int) else "224" for size in own)
            raise ValueError(
                f"{model.file}: its input {one.name} is {one}: give its sizes, as --input {named}{example}"
            )
        return tuple(size for size in own if isinstance(size, int))
    written = "x".join(map(str, given))
    if len(given) != len(own):
        raise ValueError(
            f"{model.file}: its input {one.name} is {one}, and {written} has {len(given)} axes, not {len(own)}"
        )
    if any(isinstance(size, int) and size != told for size, told in zip(own, given, strict=True)):
        raise ValueError(f"{model.file}: its input {one.name} is fixed at {one}, and takes no {written}")
    return given


def imported(file: str, given: Mapping[str, Shape]) -> Imported:
    """Return the architecture file of a .onnx file, held against its graph. Raises ValueError."""
    graph = _graph(file)
    runs = OnnxRuns(graph, inputs_of(graph.model, given))
    net, first = _network(runs), runs.first.recording()
    wrong = errors(net.check().problems)
    if wrong:
        raise ValueError(f"{file} fails, so there is nothing to import: {wrong[0]}")
    differences: list[str] = []
    body = dumps(net)
    said = [*checked(runs, first, net, body, differences, "ONNX")]
    facts = [*facts_of(net, {}), *_of_graph(runs, net), *_sizes(graph.model, net)]
    shapes = {name: text(shape, net.layout) for name, shape in net.inputs.items()}
    at = ", ".join(shape if [*shapes] == ["input"] else f"{name}={shape}" for name, shape in shapes.items())
    head = [f"{file} at {at}, imported from opset {graph.model.opset}.", *said, *differences, *facts]
    return Imported("".join(f"# {line}\n" for line in head) + "\n" + body, net, tuple(differences))


def _of_graph(runs: OnnxRuns, net: Network) -> Iterator[str]:
    """Yield what the graph does that layers do not say."""
    model = runs.graph.model
    if runs.frozen:
        yield f"The size is frozen at {few([*runs.frozen.values()])}: what enters is given a shape of numbers, and other sizes are refused."
    sized = [node.name for node in net.nodes if isinstance(node.layer, Upsample) and node.layer.size is not None]
    if sized:
        yield f"Resized to numbers, whatever enters: {few(sized)}."
    batch = model.inputs[0].dims[0]
    if isinstance(batch, int):
        yield f"The batch is fixed at {batch}: the graph's input says so."
    elif node := runs.frozen_batch():
        yield f"The batch is frozen at {node}: the graph's input leaves it open, and what comes behind takes 1."
    copied = [name for name in runs.first.copied if name in model.values]
    if copied:
        yield f"Several layers have these constants, and each counts them as its own: {few(copied)}."
    computed = [*dict.fromkeys(runs.first.folded)]
    if computed:
        yield f"Weights that the graph computes of constants are counted as what they come to: {few(computed)}."
    yield from runs.first.notes


def _fixed(model: Model) -> Iterator[str]:
    """Yield what the graph says of the sizes of its inputs."""
    images = [one for one in model.inputs if len(one.dims) > 2]  # noqa: PLR2004 -- batch, channels
    fixed = [one for one in images if any(isinstance(n, int) for n in from_file(one.dims[1:], model.layout)[1:])]
    if fixed:
        sizes = ", ".join(f"{one.name} {one}" for one in fixed)
        part = "sides of " if any(one.open for one in fixed) else ""
        yield f"The graph fixes {part}its input, {sizes}: a runtime takes no other. Sizes are those that its layers take."


def _sizes(model: Model, net: Network) -> Iterator[str]:
    """Yield which sizes the net takes."""
    yield from _fixed(model)
    if any(shape and len(shape) > 1 for shape in net.inputs.values()):
        try:
            yield f"Sizes, each side: {net.valid_sizes()}."
        except (NoClosedForm, ValueError) as error:
            yield f"Sizes: no closed form ({error})."
