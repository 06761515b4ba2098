"""Batch norms in evaluation on the meta device: the shape that enters is what they give, and torch takes most of a run to say so.

In: a call of a function of torch. Out: its result, where it is such a norm and torch would not refuse it.
"""

from __future__ import annotations

from typing import Any

import torch

from cnnshape.pytorch.inputs import tensors_in


def normed(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """Return what a call gives, if it is such a norm, with statistics and weights of the channels that enter; else None."""
    if function is not torch.nn.functional.batch_norm or kwargs.get("training", True) or args[1:2] == (None,):
        return None
    if kwargs.get("eps", 0) < 0:  # torch refuses it
        return None
    x, *parts = tensors_in(args) + tensors_in(tuple(kwargs.values()))
    suits = x.is_meta and x.dim() > 1 and all(part.shape == x.shape[1:2] for part in parts)
    return torch.empty_like(x) if suits else None
