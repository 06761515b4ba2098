"""One layer of a file run as torch has it: its result, or whether torch refuses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from cnnshape.problems.catalogue import CODES
from cnnshape.pytorch.bare import Bare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape


def run_layer(layer: Any, tensors: Sequence[Any], device: str) -> tuple[Any, int]:
    """Return a layer's result in torch, and its number of parameters there."""
    with torch.device(device):
        module = layer.module(Bare(), *(tuple(tensor.shape[1:]) for tensor in tensors))
    parameters = 0 if module is None else sum(weights.numel() for weights in module.eval().parameters())
    return layer.call(torch, module, *layer.extreme(torch, *tensors)), parameters


def taken(row: LayerReport) -> Shape | None:
    """Return the shape that torch gives where we refuse, None where it refuses too: on meta, which takes no memory."""
    shapes: Any = row.inputs
    try:
        y, _ = run_layer(row.node.layer, [torch.empty(1, *shape, device="meta") for shape in shapes], "meta")
    except Exception:  # noqa: BLE001 -- whatever torch refuses with
        return None
    return tuple(y.shape[1:])


def refuses(device: str, row: LayerReport) -> bool:
    """Say whether torch is sure to refuse a layer that is refused; on meta, or by a condition of ours, that is tried."""
    codes = [code for code, _ in row.result.refusals]
    if not codes or None in row.inputs:
        return False
    return (device != "meta" and any(CODES[code].torch_refuses for code in codes)) or taken(row) is None
