"""A live model -> a network, and the text of a file that was held against the model on the spot.

In: a model and the shapes of its inputs. Out: a Network; or a file's text, whose head says what was checked, what is opaque
and what differs. Torch is imported when a model is here.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.alike import alike
from cnnshape.convert.faults import with_faults
from cnnshape.convert.growing import MOST_RUNS
from cnnshape.convert.lowering import lowered
from cnnshape.convert.moves import MOVES
from cnnshape.convert.names import as_modules, few, value_names
from cnnshape.convert.other_sizes import other_inputs, tried
from cnnshape.convert.requirements import by_value, compares_sides, requirements
from cnnshape.convert.sometimes import completed
from cnnshape.convert.written import dumps
from cnnshape.layers.shaping import Pad
from cnnshape.layers.stated import Opaque
from cnnshape.problems.base import ArchitectureError, errors
from cnnshape.problems.comparing import UnusedInModel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cnnshape.compare.recording import Line, Recording
    from cnnshape.convert.other_sizes import Runs
    from cnnshape.convert.requirements import Requirements
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape
    from cnnshape.pytorch.changed_code import Trials

OTHERS: Final = 2  # runs at other sizes, which tell numbers that stay from numbers that follow
MOST_ELSEWHERE: Final = 2  # runs that went another way, after which no others are tried
MOST_TURNED: Final = 4  # runs at which a comparison went the other way, for operations that are run at some sizes only
WINDOWED: Final = (-31, -15, -7, -3, -1, 31, 15, 7, 3, 1, 0)  # cells that a side has more in runs for windows
TIMES: Final = (2, 3)  # the factor by which a side of another run is larger, by axis
# the same of a run whose windows, of a map that is one window at the declared input, are more than two
TIMES_FOR_WINDOWS: Final = (4, 3)
HALVES: Final = ((3, 5), (5, 3))  # by how many halves sides are larger in runs whose maps are not whole windows
ODD: Final = (7, 9, 5)  # cells that a side of another run has more, by axis
LARGER: Final = 32  # the same of any axis


def trace(model: Any, inputs: Shape | Mapping[str, Shape]) -> Network:
    """Return the network that a torch.nn.Module is at an input, which is a shape without the batch, or several by name.

    What no layer type says is an opaque layer; a model that fails gives a network with the problems of its layers. The
    model is run on shapes alone and left as it was. Raises TypeError for what is no model or cannot be watched, ValueError
    where nothing of it is a layer.
    """
    found = recorded(model, inputs)
    from cnnshape.pytorch.changed_code import Trials

    return network(found, None, Trials(model, by_name(inputs), None))


def by_name(inputs: Shape | Mapping[str, Shape]) -> dict[str, Shape]:
    """Return the shapes of inputs by their names; a single one is called input."""
    if hasattr(inputs, "items"):
        return {name: tuple(shape) for name, shape in inputs.items()}
    return {"input": tuple(inputs)}


@dataclass(frozen=True)
class Recorded:
    """Runs of a live model."""

    first: Recording  # at the declared input
    # of one way through the model, its own in front, if that goes so; the others at other sizes
    runs: tuple[Recording, ...]
    again: Callable[[Mapping[str, Shape]], Recording]  # a run at another input
    required: Requirements  # what the model's code says of sizes


def network(recorded: Recorded, root: tuple[str, str] | None = None, trials: Trials | None = None) -> Network:
    """Return the network of recorded runs, with what the model's code requires of sizes, and its faults.

    `root` and `trials` are as for those.
    """
    net = lowered(recorded.runs, by_value(recorded.required.settings))
    if not recorded.first.failure and not any(op.raised for op in recorded.first.ops):
        net = as_modules(net)
    return with_faults(at_inputs(net, recorded.first), recorded.first, root, trials)


def at_inputs(net: Network, run: Recording) -> Network:
    """Return a network with the inputs of a run, which is at another size."""
    return net._replace(inputs={name: tensor.shape[1:] for name, tensor in run.inputs.items()})


def recorded(model: Any, inputs: Shape | Mapping[str, Shape]) -> Recorded:
    """Return the runs of a model at an input, and of a sound one at two other sizes; at a third, where it compares sides."""
    from torch.nn import Module

    from cnnshape.pytorch.record import recorder

    if not isinstance(model, Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r:.60}")
    given = by_name(inputs)
    first, again = recorder(model, given)
    found = [first]
    if not first.failure and not any(op.raised for op in first.ops):
        strays: list[Recording] = []
        for other in _elsewhere(given, found, again):
            if len(found) > OTHERS or len(strays) > MOST_ELSEWHERE:
                break
            recording = again(other)
            beside = alike(first, recording)
            found += [beside] if beside else []
            strays += [] if beside or recording.failure else [recording]
        if compares_sides(first):
            strays.append(again(turned(given)))
        if any(tensor.batch == 0 and tensor.shape[:1] > (1,) for op in first.ops for tensor in op.outputs):
            strays.append(again(twice(given)))  # windows that are folded into the batch: there may be more of them
        found = with_strays(found, strays)
        if len(found) == 1 or misses(found, strays):
            further = [larger(given, times, 2) for times in HALVES] + others(twice(given))[1:] if strays else []
            strays += map(again, [larger(given, TIMES_FOR_WINDOWS), *further])
            found = another_way(found, [stray for stray in strays if not stray.failure])
    asked = requirements(found[0], again)
    for turning in (*asked.along, *asked.inputs)[:MOST_TURNED]:
        more = with_strays(found, [again(turning)])
        found, asked = more, requirements(more[0], again) if len(more[0].ops) > len(found[0].ops) else asked
    return Recorded(first, tuple(found), again, asked)


def with_strays(found: list[Recording], strays: Sequence[Recording]) -> list[Recording]:
    """Return runs of one way through the model, with those that go another by operations that layers say for all sizes."""
    plain = [*found, *filter(None, (alike(found[0], stray) for stray in strays))]
    whole = completed(found, strays)[:MOST_RUNS]
    if len(whole) <= len(plain) and len(whole[0].ops) == len(found[0].ops):
        return plain
    return whole if opaque_in(whole) <= opaque_in(plain) else plain


def another_way(known: list[Recording], strays: Sequence[Recording]) -> list[Recording]:
    """Return runs of the way that a model goes elsewhere, where it computes the same at the declared input; else those known.

    A model of windows may take a map that is one window as it is, and part larger ones. The way holds at more of the strays.
    """
    if not strays:
        return known
    first = known[0]
    declared, most = lowered(known).check(), misses(known, strays)
    for stray in strays:
        found = with_strays([stray], [other for other in strays if other is not stray])
        if len(found) > 1 and _computed(found[0]) == _computed(first) and opaque_in(found) <= opaque_in(known):
            report = at_inputs(lowered(found), first).check()
            outputs = [*report.outputs.values()] == [*declared.outputs.values()]
            if report.ok and outputs and _counts(report) == _counts(declared) and misses(found, strays) < most:
                return found
    return known


def misses(found: Sequence[Recording], runs: Sequence[Recording]) -> int:
    """At how many runs the network of some has other outputs than the model."""
    if not runs:
        return 0
    net, sound = lowered(found), [run for run in runs if not run.failure]
    reports = (net.check({name: tensor.shape[1:] for name, tensor in run.inputs.items()}) for run in sound)
    return sum(
        [*report.outputs.values()] != [output.tensor.of_sample for output in run.outputs]
        for report, run in zip(reports, sound, strict=True)
    )


def _counts(report: Report) -> list[tuple[int | None, int | None]]:
    """Return the parameters and multiply-accumulates of each layer that has some."""
    return [(row.parameters, row.macs) for row in report.layers if row.parameters or row.macs]


def _computed(run: Recording) -> list[tuple[str, str]]:
    """Return the operations of a run that do more than move or cut what enters."""
    named = ((op.path, op.call.name if op.call else op.type) for op in run.ops)
    return [(path, name) for path, name in named if name not in MOVES and name != Pad.type]


def opaque_in(runs: Sequence[Recording]) -> int:
    """How many layers of the runs' network are opaque."""
    return sum(isinstance(node.layer, Opaque) for node in lowered(runs).nodes)


def _elsewhere(
    given: Mapping[str, Shape], found: Sequence[Recording], again: Callable[[Mapping[str, Shape]], Recording]
) -> Iterator[dict[str, Shape]]:
    """Yield inputs for further runs; few for a model that takes its declared size alone, which refuses twice that, too."""
    yield from others(given)
    if len(found) > 1 or not again(twice(given)).failure:
        yield from windowed(given)


def others(inputs: Mapping[str, Shape]) -> list[dict[str, Shape]]:
    """Return three inputs at other sizes: sides twice and three times as large, with odd differences, and 32 cells larger.

    Sides deep in a net, which are a few cells, differ at the first; a model may take multiples alone, or squares.
    """
    nearby = [
        {
            name: (*shape[:1], *(side + more for side, more in zip(shape[1:], cycle(cells), strict=False)))
            for name, shape in inputs.items()
        }
        for cells in (ODD, (LARGER,))
    ]
    return [larger(inputs, TIMES), *nearby]


def windowed(inputs: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    """Yield inputs for a model that takes few sizes, as one of whole windows does: either side twice as large, and cells less or more.

    Of sizes that a rounded division makes the same, those farthest off come first: they are odd on the way.
    """
    for cells in WINDOWED:
        for times in ((2, 1), (1, 2)):
            given = {
                name: (
                    *shape[:1],
                    *(by * side + cells // (3 - by) for side, by in zip(shape[1:], cycle(times), strict=False)),
                )
                for name, shape in inputs.items()
            }
            if all(side > 0 for shape in given.values() for side in shape):
                yield given
    yield twice(inputs)


def larger(inputs: Mapping[str, Shape], times: Sequence[int], parts: int = 1) -> dict[str, Shape]:
    """Return an input of larger sides: by so many times, or halves or other parts, the axes in turn."""
    return {
        name: (*shape[:1], *(by * side // parts for side, by in zip(shape[1:], cycle(times), strict=False)))
        for name, shape in inputs.items()
    }


def twice(inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return an input of sides twice as large."""
    return larger(inputs, (2,))


def turned(inputs: Mapping[str, Shape]) -> dict[str, Shape]:
    """Return an input at other sizes, whose first side is the larger where it was not, and the other way round."""
    return {
        name: (*shape[:1], *(side + more for side, more in zip(shape[:0:-1], ODD[len(shape) - 2 :: -1], strict=False)))
        for name, shape in inputs.items()
    }


class Imported(NamedTuple):
    """The text of a file, and how it differs from the model."""

    text: str
    net: Network
    differences: tuple[str, ...]


def imported(model: Any, inputs: Shape | Mapping[str, Shape], title: str) -> Imported:
    """Return the file of a model at an input, held against it. Raises ValueError for a model that fails."""
    runs = recorded(model, inputs)
    first = runs.first
    if first.failure and not first.ops:  # its forward does not take the inputs
        raise ValueError(f"{title}: {first.failure.message}")
    asked = runs.required
    net = network(runs)
    wrong = errors(net.check().problems)
    if wrong:
        raise ValueError(f"{title} fails, so there is nothing to import: {wrong[0]}")
    unused = first.unused(name for op in first.ops for name in op.weights)
    net = net._replace(allow=frozenset({UnusedInModel.code} if unused else ()))
    body = dumps(net)
    facts, differences = [*facts_of(net, unused), *_of_code(asked)], list[str]()
    said = [*checked(plain_runs(model, first), first, net, body, differences)]
    head = [f"{title} at {_inputs(first)}, imported from the code.", *said, *differences, *facts]
    return Imported("".join(f"# {line}\n" for line in head) + "\n" + body, net, tuple(differences))


def plain_runs(model: Any, first: Recording) -> Runs:
    """Return the model to be run at other inputs: of indices, and with the batch in its outputs, where the first run has them."""
    from cnnshape.pytorch.plain_runs import PlainRuns

    indices = [name for name, tensor in first.inputs.items() if "int" in tensor.dtype]
    tensors = [output.tensor for output in first.outputs]
    axes = [None if tensor.batch == 0 and tensor.shape[:1] != (1,) else tensor.batch for tensor in tensors]
    return PlainRuns(model, axes, indices, listed=first.listed)


def _inputs(first: Recording) -> str:
    shapes = {name: "x".join(map(str, tensor.shape[1:])) or "[]" for name, tensor in first.inputs.items()}
    return ", ".join(shape if [*shapes] == ["input"] else f"{name}={shape}" for name, shape in shapes.items())


def facts_of(net: Network, unused: Mapping[str, int]) -> Iterator[str]:
    """Yield what the file cannot say in layers."""
    names = value_names(net)
    for value, name in enumerate(net.inputs, start=1):
        if names[value] != name:
            yield f"The input {name} is {names[value]} here, as a layer of the model is {name}."
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


def checked(  # noqa: PLR0913, PLR0917 -- both sides
    runs: Runs, first: Recording, net: Network, body: str, differences: list[str], counter: str = "torch"
) -> Iterator[str]:
    """Hold the text against the model; yield what was checked, and note what differs."""
    from cnnshape.assemble.network import assemble
    from cnnshape.file.reader import read_text

    try:
        written = assemble(read_text(body)).raise_for_errors()
        written = written._replace(inputs=dict(zip(net.inputs, written.inputs.values(), strict=True)))
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
    found = tried(net, runs, other_inputs(declared))
    if not found:
        return
    differing = [
        f"{one.size} ({_does('file', one.ours)}, {_does('model', one.theirs)})" for one in found if not one.agrees
    ]
    if differing:
        differences.append(f"DIFFERS at {len(differing)} of {len(found)} other sizes: {'; '.join(differing)}.")
    yield f"At other sizes: its outputs, or its refusal, at {len(found) - len(differing)} of {len(found)}."


def _does(side: str, outputs: Sequence[Shape] | None) -> str:
    return f"the {side} refuses" if outputs is None else f"the {side} gives {outputs[-1:]}"
