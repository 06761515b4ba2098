"""Views that mix samples: view(-1, 400) of 1600 numbers makes four samples of one, and raises nothing.

In: a recording, whose batch is one sample. Out: the operations that are such views. Folding whole axes into the batch is sound, as
frames of a video are, and so is what is folded out again further on.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnnshape.compare.functions import VIEWS
from cnnshape.numbers.shape import CHANNELS_FIRST, text

if TYPE_CHECKING:
    from cnnshape.compare.recording import Op, Recording, Tensor


def mixing(run: Recording) -> dict[int, str]:
    """Return the operations that mix samples, by their numbers, with the reason in words."""
    started = {number: op for number, op in enumerate(run.ops) if _cuts(op)}
    return {number: _said(op) for number, op in started.items() if _gets_out(run, number, op.outputs[0])}


def _cuts(op: Op) -> bool:
    """Whether an operation makes several samples of one, each a part of it that is no whole axes."""
    if op.raised or op.type not in VIEWS or not op.outputs or not op.inputs or op.inputs[0].batch != 0:
        return False
    x, y = op.inputs[0].shape, op.outputs[0].shape
    wholes = {prod(x[axis:]) for axis in range(1, len(x) + 1)}
    return x[:1] == (1,) and y[:1] != (1,) and len(y) > 1 and prod(y[1:]) not in wholes


def _gets_out(run: Recording, number: int, tensor: Tensor) -> bool:
    """Whether a result leads to an output of the model without the batch in front again."""
    values = {tensor.value}
    for op in run.ops[number + 1 :]:
        if any(one.value in values for one in op.inputs):
            if any(one.shape[:1] == (1,) for one in op.outputs):
                return False
            values.update(one.value for one in op.outputs)
    return any(output.tensor.value in values for output in run.outputs)


def _said(op: Op) -> str:
    x, y = op.inputs[0].shape, op.outputs[0].shape
    return f"it mixes samples: one of {text(x[1:], CHANNELS_FIRST)} becomes {y[0]:,} of {text(y[1:], CHANNELS_FIRST)}"
