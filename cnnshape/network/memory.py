"""The memory that training takes: what autograd keeps, parameters, buffers, gradients, an optimiser's states and its step.

A net and a batch size come in; bytes go out, exact for float32 tensors, without running anything. What the allocator, the
library of convolutions and the device's context take on top is no part of it.
"""

from __future__ import annotations

from functools import cache
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.network import optimizers
from cnnshape.network.blank import FLOAT, INDEX, Blank
from cnnshape.network.check import check
from cnnshape.network.module_names import module_names
from cnnshape.network.tape import Module, NotStated, Tape
from cnnshape.numbers.shape import LARGEST, is_count
from cnnshape.problems.base import ArchitectureError, errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.network.blank import Storage
    from cnnshape.network.graph import Graph, Node
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.shape import Shape

DEVICES: Final = ("cpu", "cuda")


class Memory(NamedTuple):
    """The bytes that training takes at a batch size. None where nothing exact is known, for the `reason`."""

    batch: int
    device: str
    saved: int | None  # what autograd keeps at the end of a forward in training, parameters and buffers left out
    output: int | None  # of the outputs, those that no backward pass keeps
    parameters: int
    buffers: int
    gradients: int
    optimizer: int  # the states between steps
    temporaries: int  # the most that a step holds beside parameters, gradients and states
    inference: int | None  # the largest live set of an evaluation: inputs and results, each until its last use
    layers: dict[str, int | None]  # what each layer's backward pass keeps first: they add up to `saved`
    reason: str  # the layer behind which nothing is stated, and why; "" if all is

    @property
    def fixed(self) -> int:
        """What is there all the time: parameters, buffers and the optimiser's states."""
        return self.parameters + self.buffers + self.optimizer

    @property
    def step(self) -> int:
        """What is there in the optimiser's step."""
        return self.fixed + self.gradients + self.temporaries

    @property
    def forward(self) -> int | None:
        """What is there at the end of the forward."""
        return None if self.saved is None or self.output is None else self.fixed + self.saved + self.output

    @property
    def peak(self) -> int | None:
        """The larger of two moments that every training passes: the end of the forward, and the optimiser's step."""
        return None if self.forward is None else max(self.forward, self.step)


def memory(graph: Graph, report: Report, batch: int, optimizer: Any, device: str) -> Memory:
    """Return the memory of a net at the inputs of a report. Raises as `Network.memory` does."""
    if not is_count(batch, 1):
        raise ValueError(f"batch must be a whole number from 1 up, not {batch!r:.60}")
    if device not in DEVICES:
        raise ValueError(f"device must be one of {', '.join(DEVICES)}, not {device!r:.60}")
    name, options = optimizers.parsed(graph.training.get("optimizer") if optimizer is None else optimizer)
    if errors(graph.problems) or any(row.output is None or row.result.refusals for row in report.layers):
        raise ArchitectureError(report.problems)
    used = _used(graph)
    tensors = [*_tensors(graph, report, used)]
    sizes = [tensor.nbytes for tensor in tensors if tensor.trained and tensor.used]
    taped = _forward(graph, report, batch, Tape(training=True, cuda=device == "cuda"))
    layers, saved = _kept(graph, taped, used)
    known = taped.reason == ""
    outputs = {taped.values[value].storage for value in graph.outputs.values()} if known else {}
    return Memory(
        batch=batch,
        device=device,
        saved=sum(storage.nbytes for storage in saved) if known else None,
        output=sum(storage.nbytes for storage in outputs if storage not in saved) if known else None,
        parameters=sum(tensor.nbytes for tensor in tensors if not tensor.buffer),
        buffers=sum(tensor.nbytes for tensor in tensors if tensor.buffer),
        gradients=sum(sizes),
        optimizer=optimizers.states(name, options, sizes),
        temporaries=optimizers.temporaries(name, options, sizes, cuda=device == "cuda"),
        inference=_inference(graph, _forward(graph, report, batch, Tape(training=False, cuda=device == "cuda"))),
        layers=layers,
        reason=taped.reason,
    )


def largest_batch(graph: Graph, report: Report, limit: int, optimizer: Any, device: str) -> int | None:
    """Return the largest batch size at which the peak is within a limit in bytes; None where not all is known.

    From 2 up, what is kept is a number of bytes, and so many for each sample.
    """
    one, two, three = (memory(graph, report, batch, optimizer, device) for batch in (1, 2, 3))
    if two.step > limit:
        return 0
    if two.forward is None or three.forward is None:
        return None
    if two.forward <= limit:
        return 2 + (int(limit) - two.forward) // (three.forward - two.forward)
    return int(one.peak is not None and one.peak <= limit)


def square(graph: Graph, names: Sequence[str], side: int) -> dict[str, Shape]:
    """Return the shapes of the inputs of these names with all sides equal."""
    return {
        name: (shape[0], *[side] * (len(shape) - 1)) for name, shape in graph.inputs.items() if shape and name in names
    }


def largest_side(  # noqa: PLR0913, PLR0917 -- of `memory`
    graph: Graph, valid: ValidSizes, limit: int, batch: int, optimizer: Any, device: str
) -> int | None:
    """Return the largest valid side, of equal ones, at which the peak is within a limit in bytes, by bisection.

    0 where not even the smallest is; None where not all is known. Raises NoClosedForm.
    """
    sides = valid.square

    def at(side: int) -> Memory | None:
        shapes = square(graph, valid.varied, side)
        if any(prod(shape) > LARGEST for shape in shapes.values()):  # more elements than torch can count
            return None
        report = check(graph, shapes, strict=False)
        if any(row.result.refusals for row in report.layers):  # the same, behind a layer
            return None
        return memory(graph, report, batch, optimizer, device)

    @cache
    def fits(most: int) -> bool:
        """Say whether the largest valid side up to this fits, as far as it is known: small ones may not be trained."""
        side = sides.previous(most + 1)
        found = at(side) if side else None
        return side is None or (found is not None and (found.peak or found.step) <= limit)

    low, high = 0, 1
    while fits(high) and sides.next(high) is not None:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    side = sides.previous((high if fits(high) else low) + 1) or 0
    last = at(side) if side else None
    return None if last is not None and last.peak is None else side


class _Taped(NamedTuple):
    """A forward on blank tensors: the values in order, as far as they are known, and what each node keeps."""

    values: list[Blank]
    kept: list[list[Storage]]
    reason: str


def _forward(graph: Graph, report: Report, batch: int, tape: Tape) -> _Taped:
    """Run a net on a tape, up to the first layer of which nothing exact is known."""
    values = [
        tape.owned((), trained=False),
        *(tape.new((batch, *shape), grad=False) for shape in report.inputs.values()),
    ]
    kept: list[list[Storage]] = []
    frozen = {node.name for node in graph.nodes if node.frozen}
    for row in report.layers:
        node, layer = row.node, row.node.layer
        module = Module(tape, layer, row.input_shapes, row.result.output)
        module.trained = (node.shares or node.name) not in frozen
        module.weight_trained = (node.shares_weight or node.shares or node.name) not in frozen
        tape.kept = []
        try:
            values.append(layer.on_tape(tape, module, *[values[value] for value in node.inputs]))  # type: ignore[union-attr]
        except NotStated as why:
            return _Taped(values, kept, f"not stated behind {node.name}: {why}")
        kept.append(tape.kept)
    return _Taped(values, kept, "")


def _used(graph: Graph) -> frozenset[int]:
    """Return the values that an output depends on: what the others keep is freed with them."""
    used = {*graph.outputs.values()}
    for value, node in reversed([*graph.made()]):
        if value in used:
            used.update(node.joined)
    return frozenset(used)


def _kept(graph: Graph, taped: _Taped, used: frozenset[int]) -> tuple[dict[str, int | None], set[Storage]]:
    """Return the bytes that each layer is the first to keep, and all that is kept."""
    layers: dict[str, int | None] = dict.fromkeys((node.name for node in graph.nodes), None)
    seen: set[Storage] = set()
    for (value, node), storages in zip(graph.made(), taped.kept, strict=False):
        new = {*storages}.difference(seen) if value in used else set()
        layers[node.name] = sum(storage.nbytes for storage in new)
        seen |= new
    return layers, seen


def _inference(graph: Graph, taped: _Taped) -> int | None:
    """Return the bytes of the largest live set of an evaluation, whose values are freed behind their last use."""
    if taped.reason:
        return None
    last = {value: index for index, node in enumerate(graph.nodes) for value in node.inputs}
    last |= dict.fromkeys(graph.outputs.values(), len(graph.nodes))
    freed: dict[int, list[int]] = {}
    for value, index in last.items():
        freed.setdefault(index, []).append(value)
    readers: dict[Storage, int] = {}
    live = most = 0
    for value, blank in enumerate(taped.values):
        readers[blank.storage] = readers.get(blank.storage, 0) + 1
        live += blank.storage.nbytes * (readers[blank.storage] == 1)
        index = value - 1 - len(graph.inputs)
        most = max(most, live) if index >= 0 or not graph.nodes else most
        gone = [] if index < 0 else [*freed.get(index, ()), *([] if value in last else [value])]
        for other in gone:
            storage = taped.values[other].storage
            readers[storage] -= 1
            live -= storage.nbytes * (readers[storage] == 0)
    return most


class _Tensor(NamedTuple):
    """A parameter or a buffer of a net."""

    nbytes: int
    buffer: bool
    trained: bool
    used: bool  # an output depends on it


def _tensors(graph: Graph, report: Report, used: frozenset[int]) -> Iterator[_Tensor]:
    """Yield each parameter and buffer once, in the order in which torch's module has them."""
    nodes = {node.name: node for node in graph.nodes}
    users: set[tuple[str, str]] = set()  # of layers that outputs depend on, by owner
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    for row in _as_modules(report):
        for name, nbytes, buffer in _state(row):
            key = _owner(row.node, name), name
            found.setdefault(key, (nbytes, buffer))
    for value, node in graph.made():
        if value in used:
            users.add((node.shares or node.name, ""))
            users.add((node.shares_weight or node.name, "weight"))
    for (owner, name), (nbytes, buffer) in found.items():
        is_used = (owner, "") in users or (owner, name) in users
        yield _Tensor(nbytes, buffer, not buffer and not nodes[owner].frozen, is_used)


def _owner(node: Node, name: str) -> str:
    """Return the layer whose tensor it is that a layer has under a name."""
    return (name == "weight" and node.shares_weight) or node.shares or node.name


def _state(row: LayerReport) -> Iterator[tuple[str, int, bool]]:
    """Yield the name and the bytes of each tensor of a layer, its own parameters first, and whether it is a buffer."""
    layer, x = row.node.layer, row.input_shapes[0]
    state, fixed = layer.state(x), layer.fixed(x)  # type: ignore[union-attr, arg-type]
    if not state and row.result.parameters:  # of an opaque layer
        yield "", row.result.parameters * FLOAT, False
    for name in sorted(state, key=lambda name: "." in name):
        counter = name in fixed and state[name] == ()
        yield name, INDEX if counter else prod(state[name]) * FLOAT, name in fixed


def _as_modules(report: Report) -> list[LayerReport]:
    """Return the rows in the order of torch's modules: those of a block together, where its first one stands."""
    called = module_names(row.name for row in report.layers)
    places: dict[str, int] = {}
    keys = []
    for row in report.layers:
        parts = called[row.name].split(".")
        keys.append([places.setdefault(".".join(parts[: n + 1]), len(places)) for n in range(len(parts))])
    return [row for _, row in sorted(zip(keys, report.layers, strict=True), key=lambda pair: pair[0])]
