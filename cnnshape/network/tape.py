"""The tape: what autograd keeps for the backward pass, noted while layers run on tensors without numbers.

A `Tape` stands for torch itself: a layer's `call` (layers/in_torch.py) runs on it and on blank tensors, as it does on
torch and real ones. A module is a `Module` here, and does what `Layer.taped` says.
"""

from __future__ import annotations

from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, NoReturn

from cnnshape.network.blank import (
    FLOAT,
    IMAGE,
    INDEX,
    Blank,
    Storage,
    channels_last,
    combined,
    dense,
    is_dense,
    suggests_channels_last,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnnshape.numbers.shape import Shape


class NotStated(Exception):  # noqa: N818 -- no error: nothing exact is known
    """What a layer keeps is not known, for the reason given."""


class Tape:
    """Torch on blank tensors: what it makes, and what it keeps of it. The names are torch's, as `call` uses them.

    `training`: the mode of modules. `cuda`: as on that device, as far as that is known to differ.
    """

    def __init__(self, *, training: bool, cuda: bool) -> None:
        self.training = training
        self.cuda = cuda
        self.kept: list[Storage] = []  # of the layer that runs
        self.nn = self.functional = self.linalg = self

    def __getattr__(self, name: str) -> NoReturn:
        self.not_stated(f"what torch keeps of {name} is not known")

    def not_stated(self, why: str) -> NoReturn:
        raise NotStated(why)

    # What is kept

    def keep(self, *tensors: Blank) -> None:
        """Note tensors that a backward pass needs."""
        for tensor in tensors:
            if not tensor.storage.owned:
                self.kept.append(tensor.storage)

    def keep_new(self, count: int, each: int = FLOAT) -> None:
        """Note a new tensor that nothing else uses, of `count` values of so many bytes."""
        self.kept.append(Storage(count * each))

    def noted(self, words: str, x: Blank, y: Blank) -> Blank:
        """Return result y of input x, of which the tensors are kept that the words name: "input", "output"."""
        if y.grad:
            for word in words.split():
                self.keep(x if word == "input" else y)
        return y

    # New tensors

    def new(self, shape: Shape, strides: Shape | None = None, *, grad: bool) -> Blank:
        """Return a new tensor, contiguous if nothing else is said."""
        return Blank(self, shape, strides or dense(shape), Storage(prod(shape) * FLOAT), grad=grad)

    def owned(self, shape: Shape, *, trained: bool) -> Blank:
        """Return a parameter or a buffer of the net."""
        return Blank(self, shape, dense(shape), Storage(0, owned=True), grad=trained and self.training)

    def ones(self, *shape: int, **_: Any) -> Blank:
        return self.new(shape, grad=False)

    def plain(self, x: Blank, shape: Shape) -> Blank:
        """Return a contiguous result of x."""
        return self.new(shape, grad=x.grad)

    def suggested(self, x: Blank, shape: Shape) -> Blank:
        """Return a result of x with the channels innermost, if those of x are, of an image or a volume."""
        last = suggests_channels_last(x.shape, x.strides)
        return self.new(shape, channels_last(shape) if last else None, grad=x.grad)

    def laid_as(self, x: Blank, y: Blank) -> Blank:
        """Return a result y of x as it lies, if the channels of x are innermost, of an image or a volume; else contiguous."""
        return y if suggests_channels_last(x.shape, x.strides) else y.contiguous()

    def resized(self, x: Blank, shape: Shape) -> Blank:
        """Return a result that torch makes like x, and resizes: its storage has room for the larger of both."""
        size = max(x.numel(), prod(shape))
        return Blank(self, shape, dense(shape), Storage(size * FLOAT), grad=x.grad)

    def of_image(self, x: Blank, shape: Shape) -> Blank:
        """Return a result of x with the channels innermost, if those of x are, of an image alone."""
        return self.suggested(x, shape) if len(shape) == IMAGE else self.plain(x, shape)

    def pointwise(self, *operands: Any) -> Blank:
        """Return the result of a function of each value, of tensors (axes of 1 are repeated) and numbers."""
        tensors = [operand for operand in operands if isinstance(operand, Blank)]
        first, *others = tensors
        shape = first.shape
        if any(other.shape != shape for other in others):
            rank = max([len(tensor.shape) for tensor in tensors])
            shapes = [(1,) * (rank - len(tensor.shape)) + tensor.shape for tensor in tensors]
            shape = tuple([max(sizes) for sizes in zip(*shapes, strict=True)])
        return self.new(shape, combined(shape, tensors), grad=any(tensor.grad for tensor in tensors))

    def clone(self, x: Blank) -> Blank:
        return self.new(x.shape, x.strides if is_dense(x.shape, x.strides) else combined(x.shape, [x]), grad=x.grad)

    def pixels_moved(self, x: Blank, shape: Shape) -> Blank:
        if len(shape) > IMAGE and suggests_channels_last(x.shape, x.strides):
            self.not_stated("torch refuses volumes whose channels lie innermost")
        return self.of_image(x, shape)

    # Torch's functions

    def applied(self, words: str, x: Blank) -> Blank:
        """Return a function of each value, of which the words say what is kept."""
        return self.noted(words, x, self.pointwise(x))

    def cat(self, tensors: Sequence[Blank], dim: int) -> Blank:
        first = tensors[0]
        dim %= len(first.shape)
        shape = (*first.shape[:dim], sum([x.shape[dim] for x in tensors]), *first.shape[dim + 1 :])
        last = all(suggests_channels_last(x.shape, x.strides) for x in tensors)
        return self.new(shape, channels_last(shape) if last else None, grad=any(x.grad for x in tensors))

    def stack(self, tensors: Sequence[Blank], dim: int) -> Blank:
        rank = len(tensors[0].shape)
        dim %= rank + 1
        if dim == rank:
            return self.cat([x.unsqueeze(dim) for x in tensors], dim)
        joined = self.cat(tensors, dim)
        return joined.unflatten(dim, (len(tensors), joined.shape[dim] // len(tensors)))

    def maximum(self, one: Blank, other: Blank) -> Blank:
        """Return the larger of two; the backward pass compares them again."""
        result = self.pointwise(one, other)
        if result.grad:
            self.keep(one, other)
        return result

    minimum = maximum

    def matmul(self, one: Blank, other: Blank) -> Blank:
        front = tuple([max(sizes) for sizes in zip(one.shape[:-2], other.shape[:-2], strict=True)])
        n, k, m = one.shape[-2], one.shape[-1], other.shape[-1]
        rows = one.expand(*front, n, k).reshape(prod(front), n, k)
        columns = other.expand(*front, k, m).reshape(prod(front), k, m)
        if rows.grad:
            self.keep(columns)
        if columns.grad:
            self.keep(rows)
        return self.new((*front, n, m), grad=rows.grad or columns.grad)

    def pad(self, x: Blank, pads: Sequence[int], mode: str = "constant", **_: Any) -> Blank:
        """Return x with cells before and after its last axes, given from the last."""
        shape, axis = [*x.shape], len(x.shape)
        for before, after in zip(pads[::2], pads[1::2], strict=True):
            axis -= 1
            shape[axis] += before + after
        if mode == "constant":
            return self.clone(x.view(tuple(shape), x.strides)) if max(pads) <= 0 else self.suggested(x, tuple(shape))
        if mode == "circular":
            return self.new(tuple(shape), grad=x.grad)
        return self.noted("input", x, self.suggested(x, tuple(shape)))

    def interpolate(self, x: Blank, size: Sequence[int], mode: str, **_: Any) -> Blank:
        if mode == "area":
            return self.adaptive_avg_pool(x, size)
        return self.suggested(x, (*x.shape[:2], *size))

    def as_image(self, x: Blank, run: Callable[[Blank], Blank]) -> Blank:
        """Return what torch makes of a signal: it runs it as an image of one row."""
        return run(x.unsqueeze(-2)).select(-2, 0) if len(x.shape) < IMAGE else run(x)

    def adaptive_avg_pool(self, x: Blank, size: Sequence[int]) -> Blank:
        return self.as_image(x, partial(self._adaptive_avg_pool, size=size))

    def _adaptive_avg_pool(self, x: Blank, size: Sequence[int]) -> Blank:
        shape = (*x.shape[:2], *[1] * (len(x.shape) - 2 - len(size)), *size)
        if {*size} == {1}:
            return self.suggested(x, shape)
        return self.noted("input", x, self.of_image(x, shape))

    def avg_pool(self, x: Blank, shape: Shape) -> Blank:
        """Return the means of windows, of this shape."""
        y = self.as_image(x, lambda x: self.of_image(x, (*shape[:2], *[1] * (IMAGE - len(shape)), *shape[2:])))
        return self.noted("input", x, y)

    def max_pool(self, x: Blank, shape: Shape) -> Blank:
        """Return the largest values of windows, of this shape, with their places kept."""
        if len(shape) < IMAGE and not x.grad:
            return self.plain(x, shape)
        return self._with_places(x, shape, self.suggested)

    def adaptive_max_pool(self, x: Blank, shape: Shape) -> Blank:
        return self._with_places(x, shape, self.of_image)

    def _with_places(self, x: Blank, shape: Shape, run: Callable[[Blank, Shape], Blank]) -> Blank:
        y = self.as_image(x, lambda x: run(x, (*shape[:2], *[1] * (IMAGE - len(shape)), *shape[2:])))
        if y.grad:
            self.keep_new(prod(shape), INDEX)
        return self.noted("input", x, y)

    def linear(self, x: Blank, weight: Blank, *, trained: bool) -> Blank:
        """Return x times a weight, and perhaps a bias that is `trained`."""
        rows = x if len(x.shape) == 2 else x.reshape(-1, x.shape[-1])  # noqa: PLR2004 -- a matrix already
        if weight.grad:
            self.keep(rows)
        if x.grad:
            self.keep(weight)
        return self.new((*x.shape[:-1], weight.shape[0]), grad=x.grad or weight.grad or trained)

    def convolution(self, x: Blank, weight: Blank, shape: Shape, *, trained: bool) -> Blank:
        """Return a convolution of this shape, perhaps with a bias that is `trained`."""
        y = self.suggested(x, shape)
        y.grad = x.grad or weight.grad or trained
        if y.grad:
            self.keep(x, weight)
        return y

    def scaled_dot_product_attention(self, queries: Blank, keys: Blank, values: Blank) -> Blank:
        """Return what the queries read, laid out as they are; a sum for each query of each head is kept as well."""
        y = self.clone(queries)
        if y.grad:
            self.keep_new(prod(queries.shape[:-1]))
            self.keep(queries, keys, values, y)
        return y

    def batch_norm(self, x: Blank, *_: None, weight: Blank, **__: Any) -> Blank:
        """Return the weight x of a convolution with a gain, standardised."""
        y = self.plain(x, x.shape)
        y.grad = x.grad or weight.grad
        if y.grad:
            self.keep_new(x.shape[1])
            self.keep_new(x.shape[1])
        return self.noted("input", x, y)


class Module:
    """A layer's module on blank tensors: its parameters, and whether these are trained."""

    def __init__(self, tape: Tape, layer: Any, entering: Sequence[Any], result: Any) -> None:
        self.tape = tape
        self.layer = layer
        self.entering = entering  # without the batch, as the other shapes
        self.result = result
        self.trained = self.weight_trained = True
        self.parametrized: Blank | None = None

    def __call__(self, x: Blank, *_: Any, **__: Any) -> Any:
        return self.layer.taped(self.tape, self, x)

    def __getitem__(self, name: str) -> Any:
        return self.layer.inner(self.tape, self, name)

    def shape_of(self, x: Blank) -> Shape:
        """Return the shape of the module's result, with the batch."""
        if x.shape[1:] == self.entering[0]:
            return (x.shape[0], *self.result)
        return (x.shape[0], *self.layer.bare_output(x.shape[1:]))

    @property
    def weight(self) -> Blank:
        if self.parametrized is None:
            self.parametrized = self.layer.weight_on(self.tape, self)
        return self.parametrized

    @property
    def gain(self) -> Blank:
        return self.tape.owned((self.layer.out_channels,), trained=self.trained)

    bias = None

    def _conv_forward(self, x: Blank, weight: Blank, _: None) -> Blank:
        y: Blank = self.layer.convolved(self.tape, self, x, weight)
        return y
