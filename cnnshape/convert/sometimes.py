"""Operations that a model runs at some sizes only: `if w % 4: x = F.pad(x, ...)`, `if x.shape != skip.shape: x = F.interpolate(...)`.

In: the recording of the declared input, and one of another. Out: both with the operations of either, in the order of the run;
one that a run lacks stands there as it does nothing: a padding of 0 cells, a resize to the same sides, a slice of all. So the
layer that it becomes is one of all sizes.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from cnnshape.compare.mixing import mixing
from cnnshape.compare.recording import Tensor
from cnnshape.convert.alike import keeps_shape
from cnnshape.convert.windows import ADAPTIVE, square
from cnnshape.numbers.recorded import Operation, Recorded, SideOf, plain, recorded

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnnshape.compare.recording import Op, Output, Recording
    from cnnshape.layers.in_torch import Called
    from cnnshape.numbers.recorded import Expression

RESIZE: Final = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias")
AHEAD: Final = 4  # operations in which one is sought before it is taken for one that the other run lacks


def completed(runs: Sequence[Recording], strays: Sequence[Recording]) -> list[Recording]:
    """Return runs of the same operations, and strays beside them, with the operations that some of them lack.

    A stray that differs otherwise is left out.
    """
    found = [*runs]
    for stray in strays:
        both = together(found[0], stray)
        others = [both and together(both[0], run) for run in found[1:]]
        if both and all(others):
            found = [both[0], both[1], *(other[1] for other in others if other)]
    return found


def together(first: Recording, other: Recording) -> tuple[Recording, Recording] | None:
    """Return two runs with the operations of either, and the values of the first; None where they differ otherwise."""
    if other.failure is not None or mixing(other):
        return None
    both = _Both(first, other)
    if not both.walk():
        return None
    outputs = [both.outputs(side) for side in range(2)]
    if None in outputs or [o.tensor.value for o in outputs[0] or ()] != [o.tensor.value for o in outputs[1] or ()]:
        return None
    return tuple(
        run._replace(ops=tuple(both.ops[side]), outputs=tuple(outputs[side] or ()))
        for side, run in enumerate((first, other))
    )  # type: ignore[return-value]  # two


class _Both:
    """The operations of two runs so far, and each tensor as the pair of its values in either."""

    def __init__(self, first: Recording, other: Recording):
        self.runs = first, other
        self.ops: tuple[list[Op], list[Op]] = [], []
        known = (*first.inputs.values(), *(tensor for op in first.ops for tensor in (*op.inputs, *op.outputs)))
        self.fresh = count(1 + max(tensor.value for tensor in known))
        self.held: tuple[dict[int, Tensor], dict[int, Tensor]] = {}, {}  # by side: the tensor of a common value
        self.values = {(0, 0): 0}  # a common value by the pair of values in the runs, the latest last
        self.known: dict[int, int] = {}  # the same by the value in the other run
        for name, tensor in first.inputs.items():
            self.note(tensor, other.inputs[name], tensor.value)

    def note(self, one: Tensor, other: Tensor, value: int) -> None:
        """Note a tensor of both runs, by its common value."""
        self.values[one.value, other.value] = self.known[other.value] = value
        self.held[0][value] = one if one.value == value else replace(one, value=value)
        self.held[1][value] = replace(other, value=value)

    def walk(self) -> bool:
        """Go through both runs; say whether they are alike but for operations that one of them lacks."""
        left = [[*run.ops] for run in self.runs]
        while any(left):
            one, other = left
            if one and other and self.both(one[0], other[0]):
                del one[0], other[0]
                continue
            sides = (0, 1) if other and _earlier(one, other[0]) else (1, 0)
            side = next(
                (side for side in sides if left[side] and self.alone(side, left[side][0], *left[1 - side][:1])), None
            )
            if side is None:
                return False
            del left[side][0]
        return True

    def both(self, one: Op, other: Op) -> bool:
        """Take the next operation of either run, where it is the same; say whether it is."""
        if not _alike(one, other):
            return False
        pairs = [(x.value, y.value) for x, y in zip(one.inputs, other.inputs, strict=True)]
        values = [self.values.get(pair) for pair in pairs]
        renamed = dict(zip((x.value for x in one.inputs), values, strict=True))
        if None in values or any(renamed[x.value] != value for x, value in zip(one.inputs, values, strict=True)):
            return False
        for x, y in zip(one.outputs, other.outputs, strict=True):
            self.note(x, y, x.value)
        known = [value for value in values if value is not None]
        self.ops[0].append(self.told(one, known))
        given = tuple(replace(y, value=value) for y, value in zip(other.inputs, known, strict=True))
        outputs = tuple(self.held[1][x.value] for x in one.outputs)
        self.ops[1].append(other._replace(inputs=given, outputs=outputs, call=_known(other.call, self.known)))
        return True

    def told(self, op: Op, values: Sequence[int]) -> Op:
        """Return an operation of the first run on tensors of these values, whatever they were before."""
        old = [tensor.value for tensor in op.inputs]
        if old == [*values]:
            return op
        new = {was: self.held[0][value] for was, value in zip(old, values, strict=True) if was != value}
        inputs = tuple(new.get(tensor.value, tensor) for tensor in op.inputs)
        call = op.call and op.call._replace(
            args=_with(op.call.args, new),
            kwargs=_with(op.call.kwargs, new),
            tensors=[new.get(tensor.value, tensor) for tensor in op.call.tensors],
        )
        return op._replace(inputs=inputs, call=call)

    def alone(self, side: int, op: Op, other: Op | None = None) -> bool:
        """Take the next operation of one run, which the other lacks: there it does nothing. Say whether that can be.

        `other` is the next operation of the other run, which may read there what enters.
        """
        pairs = [pair for pair in reversed(self.values) if op.inputs and pair[side] == op.inputs[0].value]
        read = {tensor.value for tensor in other.inputs} if other else set()
        entered = next((pair for pair in pairs if pair[1 - side] in read), pairs[0] if pairs else (0, 0))
        if not all(entered):
            return False
        value, there = self.values[entered], 1 - side
        if side and keeps_shape(op):
            self.values[entered[0], op.outputs[0].value] = self.known[op.outputs[0].value] = value
            return True
        tensor = self.held[there][value]
        idle = _idle(op, tensor)
        if idle is None:
            return False
        (made,) = op.outputs
        new = next(self.fresh) if side else made.value
        unchanged = replace(tensor, value=new)
        pair = (entered[0], made.value) if side else (made.value, entered[1])
        self.values[pair] = self.known[pair[1]] = new
        self.held[side][new], self.held[there][new] = (
            (made if made.value == new else replace(made, value=new)),
            unchanged,
        )
        real = (
            op._replace(inputs=(self.held[1][value],), call=_known(op.call, self.known))
            if side
            else self.told(op, [value])
        )
        real = real._replace(outputs=(self.held[side][new],))
        call = idle._replace(tensors=[tensor], results=[unchanged])
        self.ops[side].append(real)
        self.ops[there].append(op._replace(inputs=(tensor,), outputs=(unchanged,), call=call))
        return True

    def outputs(self, side: int) -> list[Output] | None:
        """Return what a run returns, by common values."""
        theirs = zip(*(run.outputs for run in self.runs), strict=False)
        values = [self.values.get((one.tensor.value, other.tensor.value)) for one, other in theirs]
        run = self.runs[side]
        if None in values or len(values) != len(run.outputs):
            return None
        held = self.held[side]
        return [
            output._replace(tensor=held.get(value or 0, output.tensor))
            for output, value in zip(run.outputs, values, strict=True)
        ]


def _earlier(ops: Sequence[Op], other: Op) -> bool:
    """Say whether the first of some operations comes before another run's next: by their lines, or as that is among them."""
    if any(_alike(each, other) for each in ops[1:AHEAD]):
        return True
    line = ops[0].line if ops and ops[0].path == other.path and not keeps_shape(other) else None
    return bool(line and other.line and line.line < other.line.line)


def _alike(one: Op, other: Op) -> bool:
    """Say whether two operations are the same one of the model, at sizes of their own."""
    tensors = zip((*one.inputs, *one.outputs), (*other.inputs, *other.outputs), strict=False)
    return (
        (one.path, one.name, one.line, len(one.inputs), len(one.outputs))
        == (other.path, other.name, other.line, len(other.inputs), len(other.outputs))
        and all(len(x.shape) == len(y.shape) for x, y in tensors)
        and not (square(one) and one.outputs[0].shape[2:] != other.outputs[0].shape[2:])
    )


def _idle(op: Op, tensor: Tensor) -> Called | None:
    """Return the call that does nothing to a tensor, in place of one that a run lacks; None where there is no such call."""
    if op.call is None or len(op.inputs) != 1 or len(op.outputs) != 1 or op.weights:
        return None
    if not len(op.inputs[0].shape) == len(op.outputs[0].shape) == len(tensor.shape):
        return None
    call, name = op.call, op.call.name
    if name in ADAPTIVE:
        return call._replace(args=(tensor, tensor.shape[2:]), kwargs={})
    if name in {"contiguous", "clone"}:
        return call._replace(args=(tensor, *call.args[1:]))
    if name == "pad":
        given = call.arguments(("pad", "mode", "value"))
        return call._replace(args=(tensor,), kwargs=given | {"pad": (0,) * len(given["pad"])})
    if name == "interpolate":
        given = call.arguments(RESIZE)
        sized = given.get("size") is not None and given.get("scale_factor") is None
        return call._replace(args=(tensor,), kwargs=given | {"size": tensor.shape[2:]}) if sized else None
    index = call.args[1] if name == "getitem" else None
    parts = index if isinstance(index, tuple) else (index,)
    if all(part is ... or (isinstance(part, slice) and part.step is None) for part in parts):
        whole = tuple(part if part is ... else slice(None) for part in parts)
        return call._replace(args=(tensor, whole))
    return None


def _known(call: Called | None, values: Mapping[int, int]) -> Called | None:
    """Return a call of a run with its recorded numbers as expressions of common values."""

    def told(given: Any) -> Any:
        if type(given) in {tuple, list}:
            return type(given)(map(told, given))
        if not isinstance(given, Recorded):
            return given
        return recorded(plain(given), by_values(given.expression), given.sink)

    def by_values(expression: Expression) -> Expression:
        if isinstance(expression, SideOf):
            return expression._replace(value=values.get(expression.value, 0))
        if isinstance(expression, Operation):
            return expression._replace(terms=tuple(map(by_values, expression.terms)))
        return expression

    kwargs = {name: told(given) for name, given in call.kwargs.items()} if call else {}
    return call._replace(args=tuple(map(told, call.args)), kwargs=kwargs) if call else None


def _with(given: Any, tensors: dict[int, Tensor]) -> Any:
    """Return arguments with some tensors in place of others, by the values of these."""
    if isinstance(given, dict):
        return {name: _with(one, tensors) for name, one in given.items()}
    if type(given) in {tuple, list}:
        return type(given)(_with(one, tensors) for one in given)
    return tensors.get(given.value, given) if isinstance(given, Tensor) else given
