"""Common functions on the meta device the short way, where their result is plain: torch answers them in Python, slowly.

It imports its compiler before the first, which takes longer than all runs of a model. In: a call of a function of torch. Out:
its result, where it is such a call, of dense tensors, and torch would not refuse it; else None, and torch is to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn import functional

from cnnshape.pytorch.inputs import tensors_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

IMAGE: Final = 4  # axes, with the batch
MATRIX: Final = 2


def quick(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a call gives, None where torch is to be asked."""
    answer = QUICK.get(function) if isinstance(function, _HASHED) else None
    if answer is None or not all(map(_plain, tensors_in(args) + tensors_in(tuple(kwargs.values())))):
        return None
    try:
        return answer(*args, **kwargs)
    except (TypeError, ValueError, IndexError, RuntimeError):  # which torch is to say itself
        return None


def _plain(tensor: torch.Tensor) -> bool:
    return tensor.is_meta and tensor.is_floating_point() and tensor.is_contiguous()


def normed(  # noqa: PLR0913, PLR0917 -- torch's
    x: Any,
    mean: Any,
    var: Any,
    weight: Any = None,
    bias: Any = None,
    training: Any = False,
    momentum: Any = 0.1,  # noqa: ARG001 -- torch's
    eps: float = 1e-5,
) -> Any:
    """A batch norm in evaluation, with statistics and weights of the channels that enter."""
    parts = [part for part in (mean, var, weight, bias) if part is not None]
    suits = mean is not None and var is not None and not training and eps >= 0 and x.dim() > 1
    return torch.empty_like(x) if suits and all(part.shape == x.shape[1:2] for part in parts) else None


def _layer_norm(x: Any, shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    suits = len(shape) > 0 and eps >= 0 and all(part is None or part.shape == tuple(shape) for part in (weight, bias))
    return torch.empty_like(x) if suits and x.shape[-len(shape) :] == tuple(shape) else None


def _each_value(x: Any, *settings: Any, inplace: bool = False, out: None = None, **more: Any) -> Any:
    """A function of each value; in place, where a setting says so."""
    if out is not None or any(
        isinstance(setting, str) and setting not in {"none", "tanh"} for setting in more.values()
    ):
        return None
    return torch.relu_(x) if inplace or any(setting is True for setting in settings) else torch.empty_like(x)


def _of_two(one: Any, other: Any) -> Any:
    """A sum, difference, product or quotient: of a tensor and a number, or of two tensors that broadcast."""
    if type(other) in {int, float}:
        return torch.empty_like(one)
    if not isinstance(one, torch.Tensor) or not isinstance(other, torch.Tensor) or one.dtype != other.dtype:
        return None
    return one.new_empty(one.shape if one.shape == other.shape else torch.broadcast_shapes(one.shape, other.shape))


def _cat(tensors: Any, dim: int = 0) -> Any:
    first, *others = tensors
    axis = range(first.dim())[dim]
    shape = [*first.shape]
    for tensor in others:
        sides = [*tensor.shape]
        shape[axis], sides[axis] = shape[axis] + sides[axis], shape[axis] + sides[axis]
        if sides != shape or tensor.dtype != first.dtype:
            return None
    return first.new_empty(shape)


def _linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """A linear layer, as the product that torch counts."""
    suits = weight.dim() == MATRIX and x.dim() > 0 and (bias is None or bias.shape == weight.shape[:1])
    return torch.matmul(x, weight.t()) if suits and x.dtype == weight.dtype else None


def _to_one(x: Any, output_size: Any) -> Any:
    """An adaptive pool to one cell."""
    suits = x.dim() == IMAGE and repr(output_size) in {"1", "(1, 1)", "[1, 1]"} and x.numel()  # not 1.0 or True
    return x.new_empty((*x.shape[:2], 1, 1)) if suits else None


def _mean(x: Any, dim: Any, keepdim: bool = False) -> Any:
    return torch.sum(x, dim, keepdim=keepdim)


_TENSOR: Final = torch.Tensor
QUICK: Final[Mapping[Any, Callable[..., Any]]] = {
    functional.batch_norm: normed,
    functional.layer_norm: _layer_norm,
    **dict.fromkeys(
        (
            functional.relu, torch.relu, _TENSOR.relu, functional.relu6, functional.hardswish, functional.hardsigmoid,
            functional.gelu, functional.leaky_relu, functional.elu, functional.mish, torch.tanh, _TENSOR.tanh,
        ),
        _each_value,
    ),
    **dict.fromkeys(
        (
            torch.add, _TENSOR.add, _TENSOR.__add__, _TENSOR.__radd__, torch.mul, _TENSOR.mul, _TENSOR.__mul__,
            _TENSOR.__rmul__, torch.sub, _TENSOR.sub, _TENSOR.__sub__, torch.div, _TENSOR.div, _TENSOR.__truediv__,
        ),
        _of_two,
    ),
    torch.cat: _cat,
    functional.linear: _linear,
    functional.adaptive_avg_pool2d: _to_one,
    torch.mean: _mean,
    _TENSOR.mean: _mean,
}  # fmt: skip
_HASHED: Final = tuple({type(function) for function in QUICK})  # the types of its keys: others may have no hash
