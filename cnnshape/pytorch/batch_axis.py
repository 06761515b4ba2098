"""The axis of the batch in the tensors of a run: the first, until a model moves it, to put time first for example.

In: a call of a function, with the axis in the tensor that enters. Out: the axis in a result. A run has one sample: behind a
change of shape, a batch that was moved is the first axis of 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.layers.in_torch import Called

EXCHANGES: Final = ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t")
DROPS: Final = ("squeeze", "getitem", "select", "unbind")  # functions that may leave an axis out


def batch_behind(function: Callable[..., Any], call: Called, result: torch.Tensor) -> int | None:
    """Return the axis of the batch in a result of a function, None where it has no axis for it."""
    if call.name in EXCHANGES and call.batch is not None:
        axes = [*range(1, 1 + len(call.tensors[0].shape))]  # each axis has its own size, by which it is found again
        given = {name: value for name, value in call.kwargs.items() if value is not call.tensors[0]}
        turned = function(torch.empty(axes, device="meta"), *call.args[1:], **given)
        return [*turned.shape].index(axes[call.batch])
    if call.batch != 0:
        return first_of_one(result)
    x = call.tensors[0].shape if call.tensors else ()
    dropped = call.name in DROPS and x[:1] == (1,) != result.shape[:1] and result.shape == x[1:]
    return None if dropped else 0


def first_of_one(result: torch.Tensor) -> int | None:
    """Return the first axis of size 1."""
    return next((axis for axis, size in enumerate(result.shape) if size == 1), None)
