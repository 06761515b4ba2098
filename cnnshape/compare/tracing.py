"""A recording of a run -> its trace: the operations that are layers, as calls, each with the calls that it reads.

What no layer is leaves its sources to the next: each tensor has an origin, the values and parameters that it is made of.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.compare.called import alters, by_data, kinds_of, layers_of, silent, steps
from cnnshape.compare.functions import PICKS
from cnnshape.compare.trace import Call, Returned, Trace
from cnnshape.layers.in_torch import Recognized
from cnnshape.numbers.rules import unasked

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cnnshape.compare.recording import Op, Recording, Tensor
    from cnnshape.layers import Layer
    from cnnshape.layers.in_torch import Called
    from cnnshape.numbers.shape import Shape


def trace(run: Recording) -> Trace:
    """Return the trace of a recorded run."""
    found = _Tracing(run)
    for op in run.ops:
        found.read(op)
    returned = tuple(
        Returned(output.key, _returned(output.tensor), frozenset(found.origin(output.tensor).values), output.group)
        for output in run.outputs
    )
    calls = (*found.calls, *(found.raising if run.failure else ()))
    idle = {} if run.failure else run.unused(name for call in found.calls for name in call.weights)
    frozen = frozenset(name for name, weight in run.weights.items() if weight.parameter and not weight.trained)
    return Trace(run.model, calls, returned, run.failure, idle, found.by_data, frozen)


class _Origin(NamedTuple):
    """The values and parameters that a tensor is made of."""

    values: tuple[int, ...] = ()  # inputs, and results of layers
    weights: tuple[str, ...] = ()  # parameters, in no layer yet


class _Tracing:
    """The calls so far, and the origins of the recorded values."""

    def __init__(self, run: Recording):
        self.run = run
        self.calls: list[Call] = []
        self.first = 1 + len(run.inputs)  # the value of the first call
        self.given = [tensor.shape[1:] for tensor in run.inputs.values()]
        self.origins = {tensor.value: _Origin((tensor.value,)) for tensor in run.inputs.values()}
        self.raising: list[Call] = []  # the layer that raised last, if the model has not caught it
        self.by_data = ""  # the function that makes shapes depend on data

    def read(self, op: Op) -> None:
        """Read one operation."""
        if op.call:
            self.function(op)
        elif op.name:
            self.module(op)
        else:  # code that torch does not show: a result of the layer before it
            for tensor in op.outputs:
                self.origins[tensor.value] = _Origin((self.first + len(self.calls) - 1,))

    def module(self, op: Op) -> None:
        """Record a module that is a layer."""
        place = "" if op.path in self.run.modules else _place(op)
        beside = op.layer and op.layer.beside()
        made = op.outputs[:1] if beside else op.outputs
        self.record(op.path, op.type, op.layer, op.inputs, made, self.counts(op.weights), place)
        if beside and made:  # what a recurrent module returns beside the sequence: the last states, (layers, batch, H)
            states = [tensor for tensor in op.outputs[1:] if "float" in tensor.dtype]  # a packed sequence has indices
            self.record(f"{op.path}[1]", beside.type, beside, made[:1], states, {}, "")
            self.calls[-1] = self.calls[-1]._replace(output=beside.output(unasked, made[0].of_sample))

    def function(self, op: Op) -> None:
        """Record a function that is a layer, or several; what no layer makes has the origins of all that enters."""
        call: Any = op.call
        if by_data(call) and not self.by_data:
            self.by_data = f"{_within(op, op.name.strip('_'))} at {_place(op)}"
        for step in steps(call):
            self.step(op, step)

    def step(self, op: Op, call: Called) -> None:
        """Record a call, the whole of a function or one of its steps."""
        origins = [self.origin(tensor) for tensor in call.tensors]
        weights = tuple(name for name in self.weights_of(origins) if self.run.weights[name].parameter)
        call = call._replace(weighted=bool(weights))
        sources = origins[:1] if call.name in PICKS else origins
        values = tuple(dict.fromkeys(value for origin in sources for value in origin.values))
        for tensor in self.layers(op, call, weights):
            self.origins[tensor.value] = _Origin(values, weights)

    def layers(self, op: Op, call: Any, weights: tuple[str, ...]) -> list[Tensor]:
        """Record the layers that a function is; return the results that no layer made."""
        owners = {weight.rpartition(".")[0] for weight in weights}
        owner = owners.pop() if len(owners) == 1 else ""
        name, rest = op.name.strip("_"), call.results
        reads = [tensor for tensor, alive in zip(call.tensors, call.alive, strict=True) if alive]
        unknown = call.weighted and not kinds_of(call.name)
        for kind, layer, results, minor in [Recognized(name, None, rest)] if unknown else layers_of(call):
            title, place = (owner, "") if owner else (_within(op, name), _place(op))
            counts = self.counts(weights)
            self.record(title, kind, layer, reads, results, counts, place, minor=minor, alters=minor and silent(call))
            rest = [tensor for tensor in rest if all(tensor is not result for result in results)]
        if not rest or not alters(call):
            return rest
        reads = reads[:1] if call.name in PICKS else reads
        self.record(_within(op, name), f"{name}()", None, reads, rest, {}, _place(op), minor=True, alters=True)
        for tensor in rest:
            self.origins[tensor.value] = self.origins[tensor.value]._replace(weights=weights)
        return []

    def record(  # noqa: PLR0913, PLR0917 -- what a Call has
        self,
        name: str,
        kind: str,
        layer: Layer | None,
        entering: Sequence[Tensor],
        made: Sequence[Tensor],
        weights: dict[str, int],
        place: str,
        *,
        minor: bool = False,
        alters: bool = False,
    ) -> None:
        inputs = tuple(value for tensor in entering for value in self.origin(tensor).values)
        shapes = tuple(map(_of_sample, entering))
        if layer:
            whole, read = layer.among(inputs, self.maker)
            if whole is not layer:
                self.leave_out({*inputs} - {*read})
                shapes = tuple(map(self.shape_of, read))
            kind, layer, inputs = whole.type, whole, read
        output = _of_sample(made[0]) if made else None
        call = Call(name, kind, layer, inputs, shapes, output, weights, place, minor, alters)
        if not made:
            self.raising = [call]
            return
        for tensor in made:
            self.origins[tensor.value] = _Origin((self.first + len(self.calls),))
        self.calls.append(call)
        self.raising = []  # what was raised before, the model caught

    def counts(self, names: Iterable[str]) -> dict[str, int]:
        """Return how many numbers each of these parameters has, without the buffers."""
        weights = ((name, self.run.weights[name]) for name in names)
        return {name: weight.numel() for name, weight in weights if weight.parameter}

    def weights_of(self, origins: Iterable[_Origin]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(weight for origin in origins for weight in origin.weights))

    def leave_out(self, values: set[int]) -> None:
        """Make the layers minor that made the values: another is all that they are in a file."""
        for value in values:
            self.calls[value - self.first] = self.calls[value - self.first]._replace(minor=True, alters=False)

    def shape_of(self, value: int) -> Shape:
        """Return the shape of a value."""
        made = self.maker(value)
        return (made.output or ()) if made else self.given[value - 1]

    def maker(self, value: int) -> Call | None:
        """Return the call that made a value, None for an input of the net."""
        return self.calls[value - self.first] if value >= self.first else None

    def origin(self, tensor: Tensor) -> _Origin:
        """Return the origin of a tensor; of one that has nothing of the net's inputs, its weights."""
        return self.origins.get(tensor.value, _Origin()) if tensor.value else _Origin((), tensor.weights)


def _place(op: Op) -> str:
    return f"{Path(op.line.file).name}:{op.line.line}" if op.line else ""


def _within(op: Op, name: str) -> str:
    return f"{op.path}.{name}()" if op.path else f"{name}()"


def _of_sample(tensor: Tensor) -> Shape:
    """Return the shape of a tensor for one sample: all rows of a matrix that are folded into the batch, y.reshape(-1, 5)."""
    rows = tensor.batch == 0 and len(tensor.shape) == 2 and tensor.shape[0] != 1  # noqa: PLR2004 -- a matrix
    return tensor.shape if rows else tensor.of_sample


def _returned(tensor: Tensor) -> Shape:
    """Return the shape of what the model returns, whose first axis stands for a batch that was lost on the way."""
    return tensor.shape[1:] if tensor.batch is None else _of_sample(tensor)
