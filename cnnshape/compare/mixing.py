"""Operations that mix samples, and raise nothing for one: view(-1, 400) of 1600 numbers makes four samples of it.

In: a recording, whose batch is one sample. Out: the operations that do so. Folding whole axes into the batch is sound, as
frames of a video are, and so is what is folded out again further on. A sum of (N, 8) and (N, 5, 8) has the samples of the one
beside the steps of the other.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnnshape.compare.functions import FLATTENS, LINEAR, MEASURES, PAIRS, REDUCES, VIEWS
from cnnshape.numbers.shape import CHANNELS_FIRST, text

if TYPE_CHECKING:
    from cnnshape.compare.recording import Op, Recording, Tensor


def mixing(run: Recording) -> dict[int, str]:
    """Return the operations that mix samples, by their numbers, with the reason in words."""
    found = {}
    for number, op in enumerate(run.ops):
        if _cuts(op) and _gets_out(run, number, op.outputs[0]):
            found[number] = _said(op)
        elif _lines_up(run, op):
            found[number] = "it mixes samples: all become one line of numbers; flatten(1) keeps them apart"
        elif _misaligned(run, op):
            one, other = (text(("N", *tensor.shape[1:]), CHANNELS_FIRST) for tensor in op.inputs)
            found[number] = f"it mixes samples: {one} and {other} have them at different axes"
    return found


def _lines_up(run: Recording, op: Op) -> bool:
    """Whether an operation makes one line of a sample and its batch, which a linear layer then reads."""
    if op.raised or op.type not in FLATTENS or not op.inputs or op.inputs[0].batch != 0:
        return False
    x, made = op.inputs[0].shape, [tensor for tensor in op.outputs if len(tensor.shape) == 1]
    return (
        len(x) > 1 == x[0]
        and prod(x) > 1
        and any(made[0] in other.inputs[:1] for other in run.ops if made and other.type == LINEAR)
    )


def _misaligned(run: Recording, op: Op) -> bool:
    """Whether an operation has two tensors of samples with different numbers of axes, which torch aligns at the last."""
    if op.raised or op.type not in PAIRS or len(op.inputs) != 2 or any(one.batch != 0 for one in op.inputs):  # noqa: PLR2004
        return False
    small, large = sorted(op.inputs, key=lambda tensor: len(tensor.shape))
    samples = small.value and large.value and small.shape[:1] == large.shape[:1] == (1,)
    return bool(samples) and 1 < len(small.shape) < len(large.shape) and not _over_samples(run, small)


def _over_samples(run: Recording, tensor: Tensor) -> bool:
    """Whether a tensor is a mean or the like of the batch, or is made of one number by number."""
    for op in reversed(run.ops):
        if tensor not in op.outputs or not op.inputs:
            continue
        x = op.inputs[0]
        if len(x.shape) > len(tensor.shape) and _dims(op) & {0, -len(x.shape)}:
            return True
        if x.shape != tensor.shape:
            return False
        tensor = x
    return False


def _dims(op: Op) -> set[int]:
    """The axes that an operation reduces, as it is told them."""
    if op.call is None or op.type not in {*REDUCES, *MEASURES}:
        return set()
    given = (*op.call.args[1:2], *(op.call.kwargs.get(name) for name in ("dim", "axis")))
    return {dim for one in given for dim in (one if isinstance(one, tuple | list) else (one,)) if type(dim) is int}


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
