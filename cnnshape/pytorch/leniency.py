"""What torch refuses, but for the meta device: convolutions of other channels than their weight has, an axis that is not there.

In: a call of a function. Out: its result, or the error that the CPU raises.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn import functional

from cnnshape.pytorch.quick import quick

_CONV: Final = ["input", "weight", "bias", "stride", "padding", "dilation", "groups"]
_TRANSPOSED: Final = ["input", "weight", "bias", "stride", "padding", "output_padding", "groups", "dilation"]
ARGUMENTS: Final = {  # by the functions that this is about
    **dict.fromkeys((torch.conv1d, torch.conv2d, torch.conv3d), _CONV),
    **dict.fromkeys((torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d), _TRANSPOSED),
}

ALONG: Final = {  # functions of a tensor, their first argument, along one axis, `dim`
    **dict.fromkeys((torch.softmax, torch.Tensor.softmax, functional.softmax, functional.softmin), ("input", "dim")),
    **dict.fromkeys((torch.sort, torch.Tensor.sort, torch.argsort, torch.Tensor.argsort), ("input", "dim")),
    functional.gumbel_softmax: ("logits", "tau", "hard", "eps", "dim"),
}


def run_strictly(function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Run a function as the CPU would. Raises what torch raises."""
    if function in ARGUMENTS:
        given = dict(zip(ARGUMENTS[function], args, strict=False)) | kwargs
        if given["input"].is_meta:
            _check(given, transposed=ARGUMENTS[function] is _TRANSPOSED)
    result = quick(function, args, kwargs)
    if result is not None:
        return result
    result = function(*args, **kwargs)
    if function in ALONG:
        names = ALONG[function]
        given = dict(zip(names, args, strict=False)) | kwargs
        _check_axis(given[names[0]], given.get("dim"))
    elif function is functional.interpolate and 0 in result.shape[2:]:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got output {[*result.shape[2:]]}")
    return result


def _check_axis(x: Any, dim: Any) -> None:
    """Raise IndexError for an axis that a tensor does not have."""
    axes = x.dim() or 1
    if type(dim) is int and not -axes <= dim < axes:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-axes}, {axes - 1}], but got {dim})")


def _check(given: dict[str, Any], *, transposed: bool) -> None:
    x, weight, bias, groups = given["input"], given["weight"], given.get("bias"), given.get("groups", 1)
    rank = weight.dim() - 2
    if x.dim() not in {rank + 1, rank + 2}:
        return  # which is refused there, too
    channels, filters = x.shape[-1 - rank], len(weight)
    wanted = filters if transposed else weight.shape[1] * groups
    if channels != wanted:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {[*weight.shape]}, expected input{[*x.shape]} to have {wanted} channels, "
            f"but got {channels} channels instead"
        )
    if filters % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0")
    out = weight.shape[1] * groups if transposed else filters
    if bias is not None and len(bias) != out:
        raise RuntimeError(f"expected bias to be 1-dimensional with {out} elements, but got {[*bias.shape]}")
    if transposed:
        steps = [_each(given.get(name, 1), rank) for name in ("stride", "dilation")]
        more = _each(given.get("output_padding", 0), rank)
        if any(extra >= max(step) for extra, *step in zip(more, *steps, strict=True)):
            raise RuntimeError("output padding must be smaller than either stride or dilation")


def _each(setting: Any, rank: int) -> list[int]:
    return list(setting) if isinstance(setting, (tuple, list)) and len(setting) == rank else [_single(setting)] * rank


def _single(setting: Any) -> int:
    return int(setting[0] if isinstance(setting, (tuple, list)) else setting)
