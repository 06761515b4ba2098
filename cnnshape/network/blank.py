"""Tensors without numbers: their shape with the batch, their strides, and the storage that they share with their views.

Operations lay their results out as torch does on the CPU (ATen's TensorIterator, suggest_memory_format, view). What a
backward pass keeps of them is said in tape.py.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.numbers.shape import Shape

FLOAT: Final = 4  # bytes of a float32
INDEX: Final = 8  # of an int64
IMAGE: Final = 4  # axes of an image with its batch and channels


class Storage:
    """Memory of so many bytes; `owned` by the net, which has it as a parameter or a buffer."""

    __slots__ = ("nbytes", "owned")

    def __init__(self, nbytes: int, *, owned: bool = False) -> None:
        self.nbytes = nbytes
        self.owned = owned


class Blank:
    """A tensor without numbers; `grad`: it needs a gradient. Methods and operators are torch's."""

    __slots__ = ("grad", "shape", "storage", "strides", "tape")
    dtype = device = None

    def __init__(self, tape: Any, shape: Shape, strides: Shape, storage: Storage, *, grad: bool) -> None:
        self.tape = tape  # a Tape (tape.py), which makes what is new
        self.shape = shape
        self.strides = strides
        self.storage = storage
        self.grad = grad

    def view(self, shape: Shape, strides: Shape) -> Blank:
        """Return another reading of the same storage."""
        return Blank(self.tape, shape, strides, self.storage, grad=self.grad)

    def dim(self) -> int:
        return len(self.shape)

    def numel(self) -> int:
        return prod(self.shape)

    # Views

    def permute(self, *dims: int) -> Blank:
        return self.view(tuple([self.shape[dim] for dim in dims]), tuple([self.strides[dim] for dim in dims]))

    def movedim(self, source: int, destination: int) -> Blank:
        rank = len(self.shape)
        order = [dim for dim in range(rank) if dim != source % rank]
        order.insert(destination % rank, source % rank)
        return self.permute(*order)

    def transpose(self, one: int, other: int) -> Blank:
        order = [*range(len(self.shape))]
        order[one], order[other] = order[other], order[one]
        return self.permute(*order)

    def narrow(self, dim: int, _start: int, length: int) -> Blank:
        return self.view((*self.shape[:dim], length, *self.shape[dim + 1 :]), self.strides)

    def select(self, dim: int, _index: int) -> Blank:
        dim %= len(self.shape)
        return self.view((*self.shape[:dim], *self.shape[dim + 1 :]), (*self.strides[:dim], *self.strides[dim + 1 :]))

    def unfold(self, dim: int, size: int, step: int) -> Blank:
        dim %= len(self.shape)
        shape, strides = [*self.shape], [*self.strides]
        shape[dim], strides[dim] = (shape[dim] - size) // step + 1, strides[dim] * step
        return self.view((*shape, size), (*strides, self.strides[dim]))

    def unsqueeze(self, dim: int) -> Blank:
        at = dim % (len(self.shape) + 1)
        stride = self.shape[at] * self.strides[at] if at < len(self.shape) else 1
        return self.view((*self.shape[:at], 1, *self.shape[at:]), (*self.strides[:at], stride, *self.strides[at:]))

    def expand(self, *shape: int) -> Blank:
        shape = tuple([size if wide == -1 else wide for size, wide in zip(self.shape, shape, strict=True)])
        repeated = zip(self.shape, shape, self.strides, strict=True)
        return self.view(shape, tuple([stride if size == wide else 0 for size, wide, stride in repeated]))

    def __getitem__(self, index: int | slice | tuple[slice, ...] | None) -> Blank:
        if index is None:
            return self.unsqueeze(0)
        if isinstance(index, int):
            return self.select(0, index)
        if isinstance(index, slice):
            index = (index, *[slice(None)] * (len(self.shape) - 1))
        sizes = [len(range(*part.indices(size))) for part, size in zip(index, self.shape, strict=True)]
        steps = zip(index, self.strides, strict=True)
        return self.view(tuple(sizes), tuple([stride * (part.step or 1) for part, stride in steps]))

    def reshape(self, *sizes: Any) -> Blank:
        """Return a view where the strides allow one, else a contiguous copy."""
        shape: Shape = sizes[0] if sizes and isinstance(sizes[0], tuple) else sizes
        if -1 in shape:
            rest = self.numel() // -prod(shape)
            shape = tuple([rest if size == -1 else size for size in shape])
        if self.strides == dense(self.shape):
            return self.view(shape, dense(shape))
        strides = viewed(self.shape, self.strides, shape)
        return self.copied(shape) if strides is None else self.view(shape, strides)

    def viewed_as(self, *shape: int) -> Blank:
        """Return a view; not stated where torch would refuse to give one."""
        strides = viewed(self.shape, self.strides, shape)
        return self.tape.not_stated("torch refuses such an input") if strides is None else self.view(shape, strides)

    def reshape_as(self, other: Blank) -> Blank:
        return self.reshape(*other.shape)

    def flatten(self, start: int = 0, end: int = -1) -> Blank:
        rank = len(self.shape)
        start, end = start % rank, end % rank
        if start == end:
            return self
        return self.reshape(*self.shape[:start], prod(self.shape[start : end + 1]), *self.shape[end + 1 :])

    def unflatten(self, dim: int, sizes: Sequence[int]) -> Blank:
        dim %= len(self.shape)
        if -1 in sizes:
            sizes = [self.shape[dim] // -prod(sizes) if size == -1 else size for size in sizes]
        return self.reshape(*self.shape[:dim], *sizes, *self.shape[dim + 1 :])

    # New tensors

    def copied(self, shape: Shape) -> Blank:
        """Return a contiguous copy of all values in a shape."""
        return self.tape.new(shape, grad=self.grad)

    def lies_as(self, other: Blank) -> bool:
        """Say whether the values lie in the order of another tensor's, of the same shape."""
        plain = is_contiguous(other.shape, other.strides)
        return is_contiguous(*((self.shape, self.strides) if plain else channels_moved(self.shape, self.strides)))

    def new_ones(self, shape: Shape) -> Blank:
        return self.tape.ones(*shape)

    def repeat(self, times: int) -> Blank:
        """Repeat a vector."""
        return self.copied((times * self.shape[0],))

    def contiguous(self) -> Blank:
        return self if is_contiguous(self.shape, self.strides) else self.copied(self.shape)

    def __add__(self, other: Any) -> Blank:
        return self.tape.pointwise(self, other)

    __sub__ = __radd__ = __add__

    def __mul__(self, other: Any) -> Blank:
        result = self.tape.pointwise(self, other)
        if isinstance(other, Blank):
            if self.grad:
                self.tape.keep(other)
            if other.grad:
                self.tape.keep(self)
        return result

    def __truediv__(self, other: Any) -> Blank:
        result = self.tape.pointwise(self, other)
        if isinstance(other, Blank) and result.grad:
            self.tape.keep(other)
            if other.grad:
                self.tape.keep(self)
        return result


@lru_cache(maxsize=2**12)
def dense(shape: Shape) -> Shape:
    """Return the strides of a contiguous tensor."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= size
    return tuple(reversed(strides))


def channels_last(shape: Shape) -> Shape:
    """Return the strides of a tensor whose channels lie innermost, as torch's channels_last and channels_last_3d."""
    n, *sides, c = dense((shape[0], *shape[2:], shape[1]))
    return (n, c, *sides)


def is_contiguous(shape: Shape, strides: Shape) -> bool:
    """Say whether values lie in the order of the axes; the stride of an axis of 1 says nothing."""
    if strides == dense(shape):
        return True
    step = 1
    for size, stride in zip(reversed(shape), reversed(strides), strict=True):
        if size != 1:
            if stride != step:
                return False
            step *= size
    return True


def suggests_channels_last(shape: Shape, strides: Shape) -> bool:
    """Say whether torch takes a tensor of an image or a volume for one in channels_last: suggest_memory_format."""
    if len(shape) not in {4, 5} or (strides == dense(shape) and shape[1] > 1) or strides[1] == 0:
        return False
    least = 0
    for axis in (1, *range(len(shape) - 1, 1, -1), 0):
        if strides[axis] < least or (axis == 0 and least == strides[1]):
            return False
        least = strides[axis] * max(shape[axis], 1)
    return True


def is_dense(shape: Shape, strides: Shape) -> bool:
    """Say whether the values fill their part of the storage without gaps, each once."""
    step = 1
    for stride, size in sorted((stride, size) for size, stride in zip(shape, strides, strict=True) if size > 1):
        if stride != step:
            return False
        step *= size
    return True


def combined(shape: Shape, operands: Sequence[Blank]) -> Shape:
    """Return the strides of the result of an elementwise function of tensors: in the order of theirs."""
    first = operands[0].strides
    if all(operand.shape == shape for operand in operands):
        if all(is_contiguous(shape, operand.strides) for operand in operands):
            return dense(shape)
        if len(shape) == IMAGE and all(is_contiguous(*channels_moved(shape, operand.strides)) for operand in operands):
            return channels_last(shape)
        if all(operand.strides == first for operand in operands) and is_dense(shape, first):
            return first
    return ordered(shape, [_repeated(operand, shape) for operand in operands])


def channels_moved(shape: Shape, strides: Shape) -> tuple[Shape, Shape]:
    """Return the shape and the strides of a tensor with its channels behind its sides."""
    return (shape[0], *shape[2:], shape[1]), (strides[0], *strides[2:], strides[1])


def _repeated(operand: Blank, shape: Shape) -> Shape:
    """Return the strides of an operand along all axes of a shape: 0 where it is repeated."""
    missing = len(shape) - len(operand.shape)
    own = zip(operand.shape, operand.strides, shape[missing:], strict=True)
    return (*[0] * missing, *[0 if size == 1 and wide != 1 else stride for size, stride, wide in own])


def ordered(shape: Shape, strides: Sequence[Shape]) -> Shape:
    """Return dense strides in the order of the operands' strides, the first that tells two axes apart decides."""
    rank = len(shape)
    order = [*range(rank)][::-1]  # from the innermost

    def swapped(one: int, other: int) -> int:
        for operand in strides:
            a, b = operand[one], operand[other]
            if a == 0 or b == 0:
                continue
            if a != b:
                return -1 if a < b else 1
            if shape[one] > shape[other]:
                return 1
        return 0

    for place in range(1, rank):
        at = place
        for before in range(place - 1, -1, -1):
            verdict = swapped(order[before], order[at])
            if verdict > 0:
                order[before], order[at] = order[at], order[before]
                at = before
            elif verdict < 0:
                break
    if order == [*range(rank)][::-1]:
        return dense(shape)
    result, step = [0] * rank, 1
    for axis in order:
        result[axis] = step
        step *= shape[axis]
    return tuple(result)


def viewed(shape: Shape, strides: Shape, wanted: Shape) -> Shape | None:
    """Return the strides of a view in another shape; None where the values do not lie so (ATen's computeStride)."""
    result, at = [1] * len(wanted), len(wanted) - 1
    base, length = (strides or (1,))[-1], 1
    for axis in range(len(shape) - 1, -1, -1):
        length *= shape[axis]
        if axis and (shape[axis - 1] == 1 or strides[axis - 1] == length * base):
            continue  # the next axis lies in one piece with these
        covered = 1
        while at >= 0 and (covered < length or wanted[at] == 1):
            result[at] = base * covered
            covered *= wanted[at]
            at -= 1
        if covered != length:
            return None
        base, length = strides[axis - 1], 1
    return tuple(result)
