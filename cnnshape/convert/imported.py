"""A live model -> a network, and the text of a file that was held against the model on the spot.

In: a model and the shapes of its inputs. Out: a Network; or a file's text, whose head says what was checked, what is opaque
and what differs. Torch is imported when a model is here.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from cnnshape.convert.faults import with_faults
from cnnshape.convert.lowering import lowered
from cnnshape.convert.requirements import by_value, compares_sides, requirements
from cnnshape.convert.written import dumps
from cnnshape.layers.stated import Opaque
from cnnshape.problems.base import ArchitectureError, errors
from cnnshape.problems.comparing import UnusedInModel

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.compare.recording import Line, Recording
    from cnnshape.convert.requirements import Requirements
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape

OTHER_SIDES: Final = (64, 33, 16, 7)  # at which a file is held against its model, beside those near the declared input
MORE: Final = (32, 1, 7, -3)  # cells more than the declared sides
LARGER: Final = 32  # cells that a side of the second run has more
ODD: Final = (7, 9, 5)  # the same of a third run, by axis
MANY: Final = 5  # names in a line


def trace(model: Any, inputs: Shape | Mapping[str, Shape]) -> Network:
    """Return the network that a torch.nn.Module is at an input, which is a shape without the batch, or several by name.

    What no layer type says is an opaque layer; a model that fails gives a network with the problems of its layers. The
    model is run on shapes alone and left as it was. Raises TypeError for what is no model or cannot be watched, ValueError
    where nothing of it is a layer.
    """
    return network(model, recorded(model, inputs))


def network(model: Any, recordings: Sequence[Recording], root: tuple[str, str] | None = None) -> Network:
    """Return the network of recorded runs, with what the model's code requires of sizes, and its faults; `root`: see those."""
    first = recordings[0]
    return with_faults(lowered(recordings, by_value(required(model, first).settings)), first, root)


def required(model: Any, first: Recording) -> Requirements:
    """Return what the model's code says of sizes: it is run at others, where it compares any."""
    from cnnshape.pytorch.record import record

    return requirements(first, lambda inputs: record(model, inputs))


def recorded(model: Any, inputs: Shape | Mapping[str, Shape]) -> list[Recording]:
    """Return the recordings of a model at an input, and at two other sizes; at a third, where it compares sides."""
    from torch.nn import Module

    from cnnshape.pytorch.record import record, runs

    if not isinstance(model, Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r:.60}")
    given = (
        {name: tuple(shape) for name, shape in inputs.items()} if hasattr(inputs, "items") else {"input": tuple(inputs)}
    )
    found = [*runs(model, [given, *others(given)])]
    return [*found, record(model, turned(given))] if len(found) > 1 and compares_sides(found[0]) else found


def others(inputs: Mapping[str, Shape]) -> list[dict[str, Shape]]:
    """Return two inputs at other sizes: 32 cells larger, and with odd differences."""
    larger = {name: (*shape[:1], *(side + LARGER for side in shape[1:])) for name, shape in inputs.items()}
    odd = {
        name: (*shape[:1], *(side + more for side, more in zip(shape[1:], ODD, strict=False)))
        for name, shape in inputs.items()
    }
    return [larger, odd]


def turned(inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return an input at other sizes, whose first side is the larger where it was not, and the other way round."""
    return {
        name: (*shape[:1], *(side + more for side, more in zip(shape[:0:-1], ODD[len(shape) - 2 :: -1], strict=False)))
        for name, shape in inputs.items()
    }


class Runs(Protocol):
    """A model that can be run at other inputs."""

    def shapes(self, inputs: Mapping[str, Shape]) -> list[Shape] | None: ...  # of its outputs; None where it refuses
    def macs(self, inputs: Mapping[str, Shape]) -> int | None: ...


class Imported(NamedTuple):
    """The text of a file, and how it differs from the model."""

    text: str
    net: Network
    differences: tuple[str, ...]


def imported(model: Any, inputs: Shape | Mapping[str, Shape], title: str) -> Imported:
    """Return the file of a model at an input, held against it. Raises ValueError for a model that fails."""
    from cnnshape.pytorch.plain_runs import PlainRuns

    recordings = recorded(model, inputs)
    first = recordings[0]
    if first.failure and not first.ops:  # its forward does not take the inputs
        raise ValueError(f"{title}: {first.failure.message}")
    asked = required(model, first)
    net = with_faults(lowered(recordings, by_value(asked.settings)), first)
    wrong = errors(net.check().problems)
    if wrong:
        raise ValueError(f"{title} fails, so there is nothing to import: {wrong[0]}")
    unused = first.unused(name for op in first.ops for name in op.weights)
    net = net._replace(allow=frozenset({UnusedInModel.code} if unused else ()))
    body = dumps(net)
    facts, differences = [*facts_of(net, unused), *_of_code(asked)], list[str]()
    runs = PlainRuns(model, [output.tensor.batch for output in first.outputs])
    said = [*checked(runs, first, net, body, differences)]
    head = [f"{title} at {_inputs(first)}, imported from the code.", *said, *differences, *facts]
    return Imported("".join(f"# {line}\n" for line in head) + "\n" + body, net, tuple(differences))


def _inputs(first: Recording) -> str:
    shapes = {name: "x".join(map(str, tensor.shape[1:])) for name, tensor in first.inputs.items()}
    return ", ".join(shape if [*shapes] == ["input"] else f"{name}={shape}" for name, shape in shapes.items())


def facts_of(net: Network, unused: Mapping[str, int]) -> Iterator[str]:
    """Yield what the file cannot say in layers."""
    opaque = [node.name for node in net.nodes if isinstance(node.layer, Opaque)]
    if opaque:
        yield f"Opaque, as no layer type says what they do: {few(opaque)}."
    if unused:
        modules = {name.partition(".")[0] for name in unused}
        total = sum(unused.values())
        yield f"Not in the file, as its forward uses none of them: {total:,} parameters in {few(sorted(modules))}."


def _of_code(asked: Requirements) -> Iterator[str]:
    """Yield the lines of code that look at sizes."""
    if asked.lines:
        yield f"The code raises at other sides, which the file says as require: {few([*map(_place, asked.lines)])}."
    if asked.elsewhere:
        yield f"At some other sides the code goes another way than the file, or raises: {few([*map(_place, asked.elsewhere)])}."


def _place(line: Line) -> str:
    return f"{PurePath(line.file).name}:{line.line}"


def few(names: Sequence[str]) -> str:
    more = f" and {len(names) - MANY:,} more" if len(names) > MANY else ""
    return ", ".join(names[:MANY]) + more


def checked(  # noqa: PLR0913, PLR0917 -- both sides
    runs: Runs, first: Recording, net: Network, body: str, differences: list[str], counter: str = "torch"
) -> Iterator[str]:
    """Hold the text against the model; yield what was checked, and note what differs."""
    from cnnshape.assemble.network import assemble
    from cnnshape.file.reader import read_text

    try:
        written = assemble(read_text(body)).raise_for_errors()
    except ArchitectureError as error:
        differences.append(f"DIFFERS: the file does not load: {error.problems[0]}")
        return
    report = written.check()
    ours, theirs = [row.output for row in report.layers], [row.output for row in net.check().layers]
    if ours != theirs:
        differences.append("DIFFERS: the layers of the file have other shapes than those of the model.")
    declared = {name: tensor.shape[1:] for name, tensor in first.inputs.items()}
    used = {name for op in first.ops for name in op.weights}
    parameters = sum(first.weights[name].numel() for name in used if first.weights[name].parameter)
    if report.parameters != parameters:
        differences.append(f"DIFFERS: {report.parameters:,} parameters, and the model uses {parameters:,}.")
    macs = runs.macs(declared)
    if macs is not None and macs != report.macs:
        differences.append(f"DIFFERS: {report.macs:,} multiply-accumulates, and {counter} counts {macs:,}.")
    if [*report.outputs.values()] != runs.shapes(declared):
        differences.append(
            f"DIFFERS: the outputs are {[*report.outputs.values()]}, {counter}'s {runs.shapes(declared)}."
        )
    counted = f" and {report.macs:,} multiply-accumulates" if macs == report.macs else ""
    yield f"Checked against it: the shapes of {len(report.layers):,} layers, {report.parameters:,} parameters{counted}."
    yield from _at_other_sizes(runs, written, declared, differences)


def _at_other_sizes(runs: Runs, net: Network, declared: Mapping[str, Shape], differences: list[str]) -> Iterator[str]:
    """Hold the net against the model at other sides; yield at how many they agree, and note the others."""
    agreed, differing = 0, list[str]()
    tried = [*other_inputs(declared)]
    for inputs in tried:
        report, theirs = net.check(input=inputs), runs.shapes(inputs)
        ours = [*report.outputs.values()] if report.ok else None
        agreed += ours == theirs
        if ours != theirs:
            size = ", ".join("x".join(map(str, shape)) for shape in inputs.values())
            does = "the file refuses" if ours is None else f"the file gives {ours[-1:]}"
            differing.append(f"{size} ({does}, the model {'refuses' if theirs is None else f'gives {theirs[-1:]}'})")
    if not tried:
        return
    if differing:
        differences.append(f"DIFFERS at {len(differing)} of {len(tried)} other sizes: {'; '.join(differing)}.")
    yield f"At other sizes: its outputs, or its refusal, at {agreed} of {len(tried)}."


def other_inputs(declared: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    """Yield inputs with other sides."""
    if any(len(shape) == 1 for shape in declared.values()):
        return
    for more in MORE:
        inputs = {name: (*shape[:1], *(side + more for side in shape[1:])) for name, shape in declared.items()}
        if all(side > 0 for shape in inputs.values() for side in shape):
            yield inputs
    for side in OTHER_SIDES:
        yield {name: (*shape[:1], *[side] * len(shape[1:])) for name, shape in declared.items()}
