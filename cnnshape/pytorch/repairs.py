"""What stands for the result of an operation that torch refuses, so that the run of a broken model goes on.

In: a function of torch, or a module, and its arguments. Out: tensors without content of the shape that the operation declares: a
convolution's filters, a linear layer's features, a view's target; None where nothing is declared. Sides that shrank away are
1. Whether a later failure is one of its own is not said here; a result is *sure* where its shape is the same once the refusal is
mended.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch

from cnnshape.pytorch.inputs import tensors_in

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Arguments = dict[str, Any]
Sizes = tuple[int, ...]


class StandIn(NamedTuple):
    """What stands for the result of a call that torch refuses."""

    result: Any
    sure: bool


def stand_in(name: str, args: tuple[Any, ...], kwargs: Arguments) -> StandIn | None:
    """Return what stands for the result of a function, by its name without what differs; None where nothing can."""
    rule = FUNCTIONS.get(name)
    tensors = tensors_in(args) + tensors_in(tuple(kwargs.values()))
    if rule is None or not tensors:
        return None
    try:
        shape = rule(args, kwargs)
    except (TypeError, ValueError, IndexError, AttributeError, KeyError):  # the arguments are wrong as well
        return None
    sure = name in SURE and all(size >= 1 for size in shape) and len(shape) > 1 + (name in SPATIAL)
    return StandIn(_empty(shape, tensors[0]), sure)


def of_module(module: torch.nn.Module, args: tuple[Any, ...], kwargs: Arguments) -> StandIn | None:
    """Return what stands for the result of a module of torch that refuses its input before it computes anything."""
    tensors = tensors_in(args) + tensors_in(tuple(kwargs.values()))
    if not tensors:
        return None
    x = tensors[0]
    if isinstance(module, torch.nn.RNNBase):
        features = module.hidden_size * (1 + module.bidirectional)
        batch = len(x) if module.batch_first else x.shape[1]
        states = _empty((module.num_layers * (1 + module.bidirectional), batch, module.hidden_size), x)
        steps = x.shape[:-1]
        if x.dim() > 3:  # noqa: PLR2004 -- a map: the columns may be meant for steps
            steps = (len(x), x.shape[-1]) if module.batch_first else (x.shape[-1], batch)
        out = _empty((*steps, features), x)
        return StandIn((out, (states, states) if module.mode == "LSTM" else states), sure=True)
    return StandIn((x.clone(), None) if isinstance(module, torch.nn.MultiheadAttention) else x.clone(), sure=True)


def _empty(shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    return torch.zeros([max(1, int(size)) for size in shape], dtype=like.dtype, device=like.device)


def _named(names: str) -> Callable[[tuple[Any, ...], Arguments], Arguments]:
    """Return a reader of a function's arguments by their names, in its order."""

    def read(args: tuple[Any, ...], kwargs: Arguments) -> Arguments:
        return dict(zip(names.split(), args, strict=False)) | kwargs

    return read


_WINDOW: Final = _named("input kernel_size stride padding dilation ceil_mode")
_CONV: Final = _named("input weight bias stride padding dilation groups")
_TRANSPOSED: Final = _named("input weight bias stride padding output_padding groups dilation")


def _each(setting: Any, rank: int) -> list[int]:
    """Return a setting's entry for each of some axes."""
    entries = list(setting) if isinstance(setting, (tuple, list)) else [setting]
    return (entries * rank)[:rank]


def _spatial(x: torch.Tensor, rank: int, channels: int = 0) -> list[int]:
    """Return as many sides as a layer of this rank has, of a tensor that may have others.

    Where the layer takes one channel, one axis less is that of the channels: (N, H, W) for (N, 1, H, W).
    """
    sides = [*x.shape[1 if channels == 1 and x.dim() == rank + 1 else 2 :]]
    return (sides + [1] * rank)[:rank]


def _conv(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _CONV(args, kwargs)
    weight, x = given["weight"], given["input"]
    rank = weight.dim() - 2
    stride, dilation = (_each(given.get(name, 1), rank) for name in ("stride", "dilation"))
    padding = given.get("padding", 0)
    sides = _spatial(x, rank, weight.shape[1])
    if padding == "same":
        return (len(x), len(weight), *sides)
    pads = _each(0 if padding == "valid" else padding, rank)
    extents = [d * (k - 1) + 1 for d, k in zip(dilation, weight.shape[2:], strict=True)]
    moved = zip(sides, pads, extents, stride, strict=True)
    return (len(x), len(weight), *((side + 2 * p - extent) // s + 1 for side, p, extent, s in moved))


def _transposed(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _TRANSPOSED(args, kwargs)
    weight, x = given["weight"], given["input"]
    rank = weight.dim() - 2
    stride, padding, more, dilation = (
        _each(given.get(name, default), rank)
        for name, default in (("stride", 1), ("padding", 0), ("output_padding", 0), ("dilation", 1))
    )
    sides = zip(_spatial(x, rank, len(weight)), stride, padding, more, dilation, weight.shape[2:], strict=True)
    grown = [(side - 1) * s - 2 * p + d * (k - 1) + o + 1 for side, s, p, o, d, k in sides]
    return (len(x), weight.shape[1] * given.get("groups", 1), *grown)


def _linear(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _named("input weight bias")(args, kwargs)
    x, weight = given["input"], given["weight"]
    if x.dim() > 2 and math.prod(x.shape[1:]) == weight.shape[1]:  # noqa: PLR2004 -- a flatten is missing
        return (len(x), len(weight))
    return (*x.shape[:-1], len(weight))


def _pool(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _WINDOW(args, kwargs)
    x = given["input"]
    rank = max(1, x.dim() - 2)
    kernel = _each(given["kernel_size"], rank)
    stride = _each(given.get("stride") or kernel, rank)
    padding = _each(given.get("padding", 0), rank)
    sides = zip(_spatial(x, rank), kernel, stride, padding, strict=True)
    return (*x.shape[:2], *((side + 2 * p - k) // s + 1 for side, k, s, p in sides))


def _adaptive(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _named("input output_size")(args, kwargs)
    x, size = given["input"], given["output_size"]
    rank = len(size) if isinstance(size, (tuple, list)) else max(1, x.dim() - 2)
    return (*x.shape[:2], *(n or side for n, side in zip(_each(size, rank), _spatial(x, rank), strict=True)))


def _first(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    return tuple(tensors_in(args or tuple(kwargs.values()))[0].shape)


def _larger(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    """The larger of the operands."""
    return tuple(max(tensors_in(args) + tensors_in(tuple(kwargs.values())), key=torch.Tensor.numel).shape)


def _joined(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    """The parts of a concatenation, the sizes along its axis added, the others those of the largest part."""
    given = _named("tensors dim")(args, kwargs)
    tensors, dim = given["tensors"], given.get("dim") or given.get("axis") or 0
    largest = max(tensors, key=lambda tensor: (tensor.dim(), tensor.numel()))
    shape = [*largest.shape]
    shape[dim] = sum(tensor.shape[dim] for tensor in tensors if tensor.dim() == largest.dim())
    return tuple(shape)


def _stacked(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _named("tensors dim")(args, kwargs)
    shape = [*max(given["tensors"], key=torch.Tensor.numel).shape]
    dim = given.get("dim", 0)
    shape.insert(dim if dim >= 0 else len(shape) + 1 + dim, len(given["tensors"]))
    return tuple(shape)


def _viewed(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    """The target of a view; in place of its -1, 1 at the front, what is left elsewhere."""
    x, *sizes = args
    target: Sequence[Any] = kwargs.get("shape", kwargs.get("size", sizes))
    target = target[0] if len(target) == 1 and isinstance(target[0], (tuple, list)) else target
    if [*target] == [-1]:
        return (len(x), x.numel() // max(1, len(x)))
    known = math.prod(n for n in target if n != -1)
    return tuple((1 if axis == 0 else x.numel() // max(1, known)) if n == -1 else n for axis, n in enumerate(target))


def _resized(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _named("input size scale_factor")(args, kwargs)
    x, size, factor = given["input"], given.get("size"), given.get("scale_factor")
    rank = x.dim() - 2
    sides = (
        _each(size, rank)
        if size is not None
        else [s * f for s, f in zip(x.shape[2:], _each(factor, rank), strict=True)]
    )
    return (*x.shape[:2], *map(int, sides))


def _shuffled(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    x, r = _named("input factor")(args, kwargs).values()
    return (*x.shape[:-3], x.shape[-3] // r**2, x.shape[-2] * r, x.shape[-1] * r)


def _unshuffled(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    x, r = _named("input factor")(args, kwargs).values()
    return (*x.shape[:-3], x.shape[-3] * r**2, x.shape[-2] // r, x.shape[-1] // r)


def _product(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    one, other = tensors_in(args) + tensors_in(tuple(kwargs.values()))
    return (*one.shape[:-1], other.shape[-1])


def _padded(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _named("input pad")(args, kwargs)
    shape, pad = [*given["input"].shape], given["pad"]
    for i in range(0, len(pad), 2):
        shape[-1 - i // 2] += pad[i] + pad[i + 1]
    return tuple(shape)


def _flat(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    x = _named("input start_dim end_dim")(args, kwargs)["input"]
    return (len(x), x.numel() // max(1, len(x)))


def _expanded(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    """The target of an expansion; in place of -1 the size that is there."""
    x, *sizes = args
    target: Sequence[Any] = kwargs.get("size", sizes)
    target = target[0] if len(target) == 1 and isinstance(target[0], (tuple, list)) else target
    before = [1] * len(target) + [*x.shape]
    return tuple(old if n == -1 else n for n, old in zip(target, before[-len(target) :], strict=True))


def _permuted(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    """The axes in their order, as many as are named: those behind them made one, or others of 1 added."""
    x, *dims = args
    order: Sequence[Any] = kwargs.get("dims", dims)
    order = order[0] if len(order) == 1 and isinstance(order[0], (tuple, list)) else order
    sizes = [*x.shape] + [1] * (len(order) - x.dim())
    sizes[len(order) - 1 :] = [math.prod(sizes[len(order) - 1 :])]
    return tuple(sizes[dim] for dim in order)


def _reduced(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    """What is left of the axes that a mean or a sum is not over."""
    given = _named("input dim keepdim")(args, kwargs)
    x, dims = given["input"], given["dim"]
    over = {dim % x.dim() for dim in (dims if isinstance(dims, (tuple, list)) else [dims]) if -x.dim() <= dim < x.dim()}
    kept = [(axis, 1 if axis in over else size) for axis, size in enumerate(x.shape)]
    return tuple(size for axis, size in kept if given.get("keepdim") or axis not in over)


def _indexed(args: tuple[Any, ...], _: Arguments) -> Sizes:
    """What an index gives whose numbers are all in reach."""
    x, index = args
    entries = index if isinstance(index, tuple) else (index,)
    return tuple(x[tuple(0 if isinstance(entry, int) else entry for entry in entries)].shape)


def _einsum(args: tuple[Any, ...], _: Arguments) -> Sizes:
    """The sizes of the letters behind the arrow, as the first operand that has each says them."""
    equation, *operands = args
    before, arrow, behind = equation.replace(" ", "").partition("->")
    if not arrow or "." in equation:
        raise ValueError(equation)
    sizes: dict[str, int] = {}
    for letters, tensor in zip(before.split(","), tensors_in(tuple(operands)), strict=True):
        sizes = {**dict(zip(letters, tensor.shape, strict=False)), **sizes}
    return tuple(sizes[letter] for letter in behind)


def _bilinear(args: tuple[Any, ...], kwargs: Arguments) -> Sizes:
    given = _named("input1 input2 weight")(args, kwargs)
    return (*given["input1"].shape[:-1], len(given["weight"]))


SURE: Final = frozenset([
    "conv", "conv_transpose", "linear", "bilinear", "batch_norm", "group_norm", "instance_norm", "layer_norm",
    "rms_norm", "prelu", "softmax", "log_softmax", "interpolate"
])  # fmt: skip

SPATIAL: Final = frozenset(["interpolate"])  # which work on sides, and make none

FUNCTIONS: Final[dict[str, Callable[[tuple[Any, ...], Arguments], Sizes]]] = {
    "conv": _conv,
    "conv_transpose": _transposed,
    "linear": _linear,
    **dict.fromkeys(("max_pool", "avg_pool"), _pool),
    **dict.fromkeys(("adaptive_avg_pool", "adaptive_max_pool"), _adaptive),
    **dict.fromkeys(("batch_norm", "group_norm", "instance_norm", "layer_norm", "rms_norm", "prelu", "glu"), _first),
    **dict.fromkeys(("softmax", "log_softmax", "softmin", "cumsum", "flip", "roll"), _first),
    **dict.fromkeys(("scaled_dot_product_attention", "masked_fill", "transpose", "squeeze"), _first),
    **dict.fromkeys(
        ("add", "sub", "rsub", "mul", "div", "pow", "maximum", "minimum", "where", "lerp", "addcmul"), _larger
    ),
    **dict.fromkeys(("cat", "concat", "concatenate"), _joined),
    "stack": _stacked,
    **dict.fromkeys(("view", "reshape"), _viewed),
    "expand": _expanded,
    "permute": _permuted,
    **dict.fromkeys(("mean", "sum", "amax", "amin"), _reduced),
    "getitem": _indexed,
    "einsum": _einsum,
    "bilinear": _bilinear,
    "interpolate": _resized,
    "pixel_shuffle": _shuffled,
    "pixel_unshuffle": _unshuffled,
    **dict.fromkeys(("matmul", "bmm", "mm"), _product),
    "pad": _padded,
    **dict.fromkeys(("flatten", "ravel"), _flat),
}
