"""Layers that run along an axis step by step, and remember: lstm, gru, rnn.

A shape of two axes comes in: one is time (`over`), the other has the features of a step. Out goes a state for each step,
or the last alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from cnnshape.layers.base import Layer, axis_of
from cnnshape.layers.parameters import Count, Dim, Flag, Inferred, Real, Word
from cnnshape.layers.shaping import Select
from cnnshape.layers.windows import whole
from cnnshape.numbers.rules import N, Require, unasked
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.layers.windows import Reads
    from cnnshape.numbers.shape import Shape

OF_BATCH: Final = 0  # the axis of time, where a model takes its batch for it


def _features(layer: Recurrent, x: Shape) -> N:
    if len(x) - 1 not in layer.ranks:
        return UNKNOWN
    time = axis_of(layer.over, x, unasked)
    return x[1 - time] if time in {0, 1} else UNKNOWN


class Recurrent(Layer):
    """A network that reads one step after the other; the state after a step enters the next."""

    family = "Recurrent layers"
    paint = "recurrence"
    ranks = range(1, 2)
    keeps_rank = False
    gates: ClassVar[int]  # the matrices for each state: those of the gates, and that of the state itself

    input_size = Inferred(_features)
    hidden_size = Count(sides=True)
    num_layers = Count(1)
    bias = Flag(True)
    dropout = Real(0.0, least=0, most=1)
    bidirectional = Flag(False, sides=True)
    over = Dim(torch=False, compared=False, follows=True)
    returns = Word("sequence", words=("sequence", "last"), torch=False, compared=False, sides=True)

    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    def output(self, require: Require, *inputs: Shape) -> Shape:
        time = axis_of(self.over, inputs[0], require)
        states = self.hidden_size * self.directions()
        if self.returns == "last":
            return (states,)
        return (inputs[0][0], states) if time == 0 else (states, inputs[0][1])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [whole(inputs[0])]

    def weights(self, x: Shape) -> N:
        entering = self.input_size + (self.num_layers - 1) * self.hidden_size * self.directions()
        return self.matrices() * (entering + self.num_layers * self.hidden_size)

    def biases(self) -> N:
        return 2 * self.num_layers * self.matrices() if self.bias else 0

    def state(self, x: Shape) -> dict[str, Shape]:
        rows: N = self.gates * self.hidden_size
        found: dict[str, Shape] = {}
        for layer in range(self.num_layers):
            entering = self.hidden_size * self.directions() if layer else self.input_size
            for way in ("", "_reverse")[: self.directions()]:
                found[f"weight_ih_l{layer}{way}"] = (rows, entering)
                found[f"weight_hh_l{layer}{way}"] = (rows, self.hidden_size)
                if self.bias:
                    found |= dict.fromkeys((f"bias_ih_l{layer}{way}", f"bias_hh_l{layer}{way}"), (rows,))
        return found

    def matrices(self) -> N:
        """Return the rows of all matrices that a step's input is multiplied with."""
        return self.gates * self.hidden_size * self.directions()

    def uses(self, x: Shape, y: Shape) -> N:
        return x[axis_of(self.over, x, unasked)]

    def turns(self, x: Shape) -> N:
        return self.uses(x, x) * self.num_layers * self.directions()

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the gates of one of its layers, and of its states."""
        return self.uses(x, y) * (self.matrices() + 2 * self.hidden_size * self.directions())

    @classmethod
    def of_module(cls, module: Any, **said: Any) -> Self:
        """Return a module as a layer; its `over` counts the axes of the tensor that enters, from 0: see `on`."""
        return super().of_module(module, over=int(module.batch_first), **said)

    def on(self, batch: int | None) -> Self:
        return self.replace(over=OF_BATCH if batch == self.over else 1)

    def beside(self) -> LastStates:
        return LastStates(of=self)

    def gives_alone(self, part: Layer, y: Shape) -> bool:
        """Say whether a part of the sequence is what `returns = "last"` gives."""
        if isinstance(part, LastStates):
            return True
        time = axis_of(self.over, y, unasked)
        if not isinstance(part, Select) or self.bidirectional or time not in range(len(y)):
            return False
        return part.compared(y, ()) == {"dim": time + 1, "index": y[time] - 1}

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings in plain form, `over` as the steps that it comes to, if it is an axis of x."""
        time = axis_of(self.over, x, unasked)
        steps = f"{x[time]} steps" if time in range(len(x)) else f"axis {self.over}"
        return super().compared(x, y) | {"over": "the batch" if self.over == OF_BATCH else steps}

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        """Run the module on (time, batch, features), as torch has it where nothing is said."""
        first = axis_of(self.over, tensors[0].shape[1:], unasked) == 0
        ran = module(tensors[0].permute(*((1, 0, 2) if first else (2, 0, 1))))
        if self.returns == "last":
            return self.last(ran[1])[-self.directions() :].transpose(0, 1).flatten(1)
        return ran[0].permute(*((1, 0, 2) if first else (1, 2, 0)))

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        if self.returns != "last":
            return self.call(torch, module, *tensors)
        first = axis_of(self.over, tensors[0].shape[1:], unasked) == 0
        states = self.last(module(tensors[0].permute(*((1, 0, 2) if first else (2, 0, 1))))[1])
        return parts.both_ends(states) if self.bidirectional else states[-1]

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.not_stated("it keeps a workspace of its own")

    def last(self, states: Any) -> Any:
        """Return the last output of each layer and direction, of the states that the module gives."""
        return states


class LSTM(Recurrent, type="lstm", torch="LSTM"):
    """A long short-term memory: states and cells, with gates for what enters, is kept and goes out.

    Shape   (C, T) -> (H, T) with `over = 2`, (T, C) -> (T, H) with `over = 1`, H = hidden_size, both directions joined:
            2 * hidden_size; `returns = "last"`: (H,), where each direction ends
    Errors  no-such-axis: `over` is neither 1 nor 2
    Counts  parameters: 4 * hidden_size * (features that enter + hidden_size + 2) for each layer and direction, without
            `bias` 2 less; macs: weights * steps
    Source  Hochreiter & Schmidhuber 1997; torch.nn.LSTM
    """

    gates = 4

    def last(self, states: Any) -> Any:
        return states[0]


class GRU(Recurrent, type="gru", torch="GRU"):
    """Gated recurrent units: states, with gates for what is reset and updated.

    Shape   as lstm
    Errors  no-such-axis: `over` is neither 1 nor 2
    Counts  parameters: 3 * hidden_size * (features that enter + hidden_size + 2) for each layer and direction, without
            `bias` 2 less; macs: weights * steps
    Source  Cho et al. 2014 (arXiv:1406.1078); torch.nn.GRU
    """

    gates = 3


class RNN(Recurrent, type="rnn", torch="RNN"):
    """A plain recurrent network: a state is a nonlinearity of what enters and of the state before.

    Shape   as lstm
    Errors  no-such-axis: `over` is neither 1 nor 2
    Counts  parameters: hidden_size * (features that enter + hidden_size + 2) for each layer and direction, without
            `bias` 2 less; macs: weights * steps
    Source  Elman 1990; torch.nn.RNN
    """

    nonlinearity = Word("tanh", words=("tanh", "relu"))
    gates = 1


class LastStates(Layer):
    """The states in which the directions of a recurrent layer end: of a live model alone, files have `returns = "last"`."""

    type = "last states"
    cuts = True
    in_parts = True
    of: Recurrent

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return (self.of.hidden_size * self.of.directions(),)

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return the last step of the sequence, where that is all: in one direction, along time."""
        others = self.of.bidirectional or self.of.over == OF_BATCH
        return self if others else Select(dim=self.of.over, index=-1)
