"""The cross-check: the same layers as real torch modules, one after the other, in one forward pass of one sample.

A layer is built, run and freed before the next, a tensor is freed after its last reader, and weights are left as the
memory is: filling them would cost more than the pass. Layers that are alike, with tensors alike entering, are run once.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, overload

import torch

from cnnshape.numbers.shape import to_file
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.comparing import Disagreement
from cnnshape.problems.shapes import TooManyElements, WindowTooWide
from cnnshape.problems.wording import said
from cnnshape.pytorch import memory
from cnnshape.pytorch.one_layer import run_layer, taken
from cnnshape.pytorch.written import case

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.compare.comparison import Comparison
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.numbers.shape import Input, Shape
    from cnnshape.problems.base import Problem

UNASKED: Final = {  # refusals behind which torch is not asked, with the reason
    TooManyElements.code: "no memory holds its result",
    WindowTooWide.code: "torch goes round where it counts the cells of the window",
}

TorchOutcome = Literal[
    "agrees",  # the same shape, and as many parameters
    "refuses",  # we say that the layer must fail, and it does
    "stricter",  # we refuse by a condition of our own, and torch does not
    "disagrees",  # a bug of ours
    "skipped",  # torch could not be asked, or cannot judge: see the reason
    "not run",  # what enters is not known, or not there
]


MOST_TURNS: Final = 20_000  # of a recurrent layer: seconds, whatever the hardware


class Verdict(NamedTuple):
    """Torch's verdict on one layer. Shapes are channels first, without the batch."""

    name: str
    verdict: TorchOutcome
    reason: str = ""  # why it was skipped or not run
    output: Shape | None = None  # torch's
    parameters: int | None = None  # torch's, also where the weights are another layer's
    message: str = ""  # torch's, where it refuses


class Verification(NamedTuple):
    """A cross-check: a verdict for each layer, in order, and a problem for each disagreement."""

    device: str
    torch: str  # its version
    layers: tuple[Verdict, ...]
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """Torch contradicts nothing."""
        return not self.problems


@overload
def verify(
    net: Network,
    device: str = ...,
    *,
    model: None = None,
    input: Input | None = ...,
    report: Report | None = ...,
    progress: Callable[[int, int, str], object] | None = ...,
) -> Verification: ...
@overload
def verify(
    net: Network,
    device: str = ...,
    *,
    model: torch.nn.Module,
    input: Input | None = ...,
    report: Report | None = ...,
) -> Comparison: ...
def verify(  # noqa: PLR0913 -- the public options
    net: Network,
    device: str = "auto",
    *,
    model: torch.nn.Module | None = None,
    input: Input | None = None,  # noqa: A002 -- the public name
    report: Report | None = None,
    progress: Callable[[int, int, str], object] | None = None,
) -> Verification | Comparison:
    """Ask torch about every layer of the net, at its declared input or another; or hold a model against the net.

    `device` is auto (cuda, else mps, else cpu), cuda, mps, cpu, or meta: shapes alone. `input` is as in Network.check;
    a `report` that is there already takes its place. `progress` is called before each layer with how many are done,
    of how many, and its name. A `model` is run, and left as it was; on auto it runs on cuda, or where it is.
    Raises ValueError for a device that is not there, and where Network.check does.
    """
    report = net.check(input) if report is None else report
    if model is not None:
        from cnnshape.pytorch.live import compare

        return compare(net, report, model, None if device == "auto" else _device(device))
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # what torch takes with a warning, it takes
        forward = _Pass(net, report, _device(device))
        verdicts = []
        for index, row in enumerate(report.layers):
            if progress:
                progress(index, len(report.layers), row.name)
            verdicts.append(forward.ask(index, row))
    return Verification(forward.device, torch.__version__, tuple(verdicts), tuple(forward.problems))


def _device(name: str) -> str:
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True, "meta": True}
    if name == "auto":
        return next(device for device in there if there[device])
    if name not in there:
        raise ValueError(f"there is no device {name!r}: it is auto, {', '.join(there)}")
    if not there[name]:
        raise ValueError(f"torch finds no {name} device here")
    return name


class _Answer(NamedTuple):
    """The outcome of a layer: a shape and a number of parameters, or a refusal."""

    output: Shape | None = None
    parameters: int | None = None
    message: str = ""

    def text(self, layout: str) -> str:
        if self.output is None:
            return f"it fails ({self.message})"
        return f"{said(to_file(self.output, layout))} with {said(self.parameters)} parameters"


class _Made(NamedTuple):
    """A layer's answer, and how the tensor that came out lies in memory: some layers take no other."""

    answer: _Answer
    strides: tuple[int, ...]
    dtype: Any


class _Pass:
    """The tensors that later layers read, and the disagreements found."""

    def __init__(self, net: Network, report: Report, device: str):
        self.net = net
        self.report = report
        self.device = device
        self.memory = memory.available(device)
        self.tensors: dict[int, Any] = {}
        self.inputs = dict(enumerate(net.inputs, start=1))  # the values that enter the net
        self.last_reader = {value: index for index, node in enumerate(net.nodes) for value in node.inputs}
        self.problems: list[Problem] = []
        self.made: dict[Any, _Made] = {}  # by the layer and the tensors that enter it

    def ask(self, index: int, row: LayerReport) -> Verdict:
        """Run one layer; keep its result if a later layer reads it, and free the tensors that none reads any more."""
        verdict = self.unable(row) or self.run(index, row)
        for value in row.node.inputs:
            if self.last_reader[value] == index:
                self.tensors.pop(value, None)
        return verdict

    def unable(self, row: LayerReport) -> Verdict | None:
        """Return the verdict on a layer that torch cannot be asked about; None where it can."""
        layer: Any = row.node.layer
        if layer is None or None in row.inputs or any(map(_unsettled, layer.__dict__.values())):
            return Verdict(row.name, "not run", "what enters it, or what it is, cannot be known")
        if any(value not in self.inputs and value not in self.tensors for value in row.node.inputs):
            return Verdict(row.name, "not run", "torch did not run what it reads")
        unasked = next((UNASKED[code] for code, _ in row.result.refusals if code in UNASKED), "")
        if unasked:
            return Verdict(row.name, "skipped", unasked)
        turns = layer.turns(row.input_shapes[0])
        if turns > MOST_TURNS:
            return Verdict(
                row.name, "skipped", f"has {turns:,} steps, one after the other, and may have {MOST_TURNS:,}"
            )
        needed = self.needed(row)
        if needed > self.memory:
            reason = f"needs {needed / 2**30:,.1f} GiB, and may use {self.memory / 2**30:,.1f} GiB"
            return Verdict(row.name, "skipped", reason)
        return None

    def needed(self, row: LayerReport) -> int:
        """Return the bytes that a layer takes, with the tensors that wait for later layers."""
        layer: Any = row.node.layer
        output = taken(row) if row.result.refusals else row.output
        through = sum(math.prod(shape) for shape in (*row.inputs, output) if shape)
        parameters: Any = row.result.parameters
        weights = 0 if parameters is UNKNOWN else parameters + layer.buffers(row.input_shapes[0])
        elements = (1 + memory.WORK) * through + weights + memory.scratch(row, self.device)
        waiting = sum(tensor.nbytes for value, tensor in self.tensors.items() if value not in row.node.inputs)
        return int(waiting + elements * torch.get_default_dtype().itemsize)

    def run(self, index: int, row: LayerReport) -> Verdict:
        """Run one layer in torch, unless one like it has run, and compare."""
        value = 1 + len(self.inputs) + index
        entering = list(map(self.entering, row.node.inputs))
        like = (row.node.layer, *((tensor.shape, tensor.stride(), tensor.dtype) for tensor in entering))
        known = self.made.get(like)
        try:
            if known is None:
                y, parameters = run_layer(row.node.layer, entering, self.device)
                known = self.made[like] = _Made(_Answer(tuple(y.shape[1:]), parameters), y.stride(), y.dtype)
            elif value in self.last_reader:
                size = (1, *(known.answer.output or ()))
                y = torch.empty_strided(size, known.strides, dtype=known.dtype, device=self.device)
        except Exception as error:  # noqa: BLE001 -- whatever torch refuses with
            message = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
            younger = not row.result.refusals and "unexpected keyword argument" in message  # than this torch
            if younger or memory.exhausted(error):
                return Verdict(row.name, "skipped", message)
            return self.compared(row, _Answer(message=message))
        if value in self.last_reader and known.answer.output == row.output:
            self.tensors[value] = y
        return self.compared(row, known.answer)

    def entering(self, value: int) -> Any:
        """Return the tensor that a value stands for; the net's inputs are made when they are first read."""
        if value not in self.tensors:
            self.tensors[value] = torch.zeros(1, *self.report.inputs[self.inputs[value]], device=self.device)
        return self.tensors[value]

    def compared(self, row: LayerReport, answer: _Answer) -> Verdict:
        """Return the verdict on torch's answer."""
        verdict = Verdict(row.name, "agrees", "", *answer)
        refusals = [code for code, _ in row.result.refusals]
        layer: Any = row.node.layer
        if layer.on_trust and not refusals:
            return verdict._replace(verdict="skipped", reason="what comes out of it is the file's word")
        if not refusals:
            ours = _Answer(row.output, row.result.parameters)
            return verdict if ours == answer else self.contradicted(row, ours, answer)
        if answer.message:
            return verdict._replace(verdict="refuses")
        if not any(CODES[code].torch_refuses for code in refusals):
            return verdict._replace(verdict="stricter")
        if self.device == "meta":
            return verdict._replace(verdict="skipped", reason="the meta device takes what a real one may refuse")
        reasons = (p.message for p in self.report.problems if p.layer == row.name and p.code in refusals)
        return self.contradicted(row, _Answer(message="; ".join(reasons) or ", ".join(refusals)), answer)

    def contradicted(self, row: LayerReport, ours: _Answer, answer: _Answer) -> Verdict:
        """Note a disagreement."""
        node, layout = row.node, self.net.layout
        facts: dict[str, Any] = {
            "ours": ours.text(layout),
            "torch": answer.text(layout),
            "case": case(row, self.device),
        }
        self.problems.append(Disagreement(node.place, node.name, node.used_at, **facts))
        return Verdict(node.name, "disagrees", "", *answer)


def _unsettled(value: Any) -> bool:
    """Whether a setting was to be inferred behind a failure."""
    return value is UNKNOWN or (isinstance(value, tuple) and UNKNOWN in value)
