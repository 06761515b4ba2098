"""A run at another size beside the first: the same operations in the same order, but for some that change no shape.

In: two recordings. Out: the other with the operations and the values of the first. A model of shifted windows rolls a map that
is larger than one window, and masks what comes round; at its declared size the map may be one window.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cnnshape.compare.mixing import mixing
from cnnshape.convert.windows import square

if TYPE_CHECKING:
    from cnnshape.compare.recording import Op, Recording, Tensor
    from cnnshape.numbers.shape import Shape

VIEWS: Final = ("view", "reshape", "flatten", "unflatten")
SUMS: Final = ("add", "iadd", "radd")


def alike(first: Recording, other: Recording) -> Recording | None:
    """Return the other run with the operations of the first; None where it went another way, or raised."""
    if other.failure is not None or mixing(other):
        return None
    run = _Beside(first, other)
    if not all(map(run.takes, other.ops)) or len(run.ops) != len(first.ops):
        return None
    values = [run.values.get(output.tensor.value) for output in other.outputs]
    if values != [output.tensor.value for output in first.outputs]:
        return None
    outputs = (output._replace(tensor=run.named(output.tensor)) for output in other.outputs)
    return other._replace(ops=tuple(run.ops), outputs=tuple(outputs))


class _Beside:
    """The operations of a run so far that are those of the first run, with the values that they have there."""

    def __init__(self, first: Recording, other: Recording):
        self.first = first
        self.ops: list[Op] = []
        self.values = {0: 0} | {other.inputs[name].value: tensor.value for name, tensor in first.inputs.items()}
        self.viewed: dict[int, tuple[int, Shape]] = {}  # by value of a view that the first run lacks: what it views

    def takes(self, op: Op) -> bool:
        """Take the next operation, as the first run's next one or as one that changes no shape; say whether it is either."""
        place = len(self.ops)
        if place < len(self.first.ops) and self._is(self.first.ops[place], op):
            known = self.first.ops[place]
            self.values |= {tensor.value: one.value for tensor, one in zip(op.outputs, known.outputs, strict=True)}
            inputs, outputs = (tuple(map(self.named, tensors)) for tensors in (op.inputs, op.outputs))
            self.ops.append(op._replace(inputs=inputs, outputs=outputs))
            return True
        return self._changes_no_shape(op)

    def _is(self, one: Op, other: Op) -> bool:
        same = (one.path, one.name, len(one.inputs), len(one.outputs)) == (
            other.path,
            other.name,
            len(other.inputs),
            len(other.outputs),
        )
        return (
            same
            and not (one.name == "pad" and one.line != other.line)  # of the rows, and of the columns
            and not (square(one) and one.outputs[0].shape[2:] != other.outputs[0].shape[2:])
            and all(
                len(x.shape) == len(y.shape)
                for x, y in zip((*one.inputs, *one.outputs), (*other.inputs, *other.outputs), strict=True)
            )
            and all(self.values.get(y.value) == x.value for x, y in zip(one.inputs, other.inputs, strict=True))
        )

    def named(self, tensor: Tensor) -> Tensor:
        """Return a tensor with the value that it is in the first run."""
        return replace(tensor, value=self.values[tensor.value])

    def _changes_no_shape(self, op: Op) -> bool:
        """Note what an operation gives that the first run lacks: a roll, the sum with a constant, a view that is undone behind it."""
        alive = [tensor for tensor in op.inputs if tensor.value]
        name = op.call.name if op.call else ""
        if len(alive) != 1 or len(op.outputs) != 1 or any(tensor.weights for tensor in op.inputs):
            return False
        (tensor,), (output,) = alive, op.outputs
        if tensor.value in self.viewed:
            seen, shape = self.viewed[tensor.value]
        elif tensor.value in self.values:
            seen, shape = self.values[tensor.value], tensor.shape
        else:
            return False
        if name not in VIEWS and not keeps_shape(op):
            return False
        if output.shape == shape:
            self.values[output.value] = seen
        else:
            self.viewed[output.value] = seen, shape
        return True


def keeps_shape(op: Op) -> bool:
    """Say whether an operation is a roll, or the sum with a constant, which change no shape."""
    alive = [tensor for tensor in op.inputs if tensor.value]
    if op.call is None or op.call.name not in {"roll", *SUMS} or not len(alive) == len(op.outputs) == 1:
        return False
    return op.outputs[0].shape == alive[0].shape and not any(tensor.weights for tensor in op.inputs)
