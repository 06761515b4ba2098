"""The memory that a layer may take on a device, and that torch will take for it beside its tensors."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import torch

from cnnshape.numbers.shape import LARGEST

if TYPE_CHECKING:
    from cnnshape.network.report import LayerReport

MEMORY_SHARE: Final = 0.5  # of all memory, that a layer may take with the tensors that wait for later layers
MEMORY_ASSUMED: Final = 8 * 2**30  # where the system does not say how much there is
CGROUP: Final = Path("/sys/fs/cgroup/memory.max")  # a container's limit
WORK: Final = 2  # a layer's temporary tensors, in multiples of its input and output; measured: up to 1.6
HAS_ONEDNN: Final = torch.backends.mkldnn.is_available()
ONEDNN_FROM: Final = 20480  # elements of a convolution's input; torch does smaller ones, and other types, itself


def available(device: str) -> int:
    """Return the bytes that may be used at a time."""
    if device == "meta":
        return LARGEST  # it has none; torch counts bytes in 64 bits
    if device == "cuda":
        return int(torch.cuda.mem_get_info()[1] * MEMORY_SHARE)
    return int(min(_physical(), _granted()) * MEMORY_SHARE)


def scratch(row: LayerReport, device: str) -> int:
    """Return the elements that torch may write out on the way, besides tensors like those that enter and leave."""
    layer: Any = row.node.layer
    x, y = row.inputs[0] or (), row.output or ()
    onednn = HAS_ONEDNN and torch.get_default_dtype() == torch.float32 and math.prod(x[:3]) > ONEDNN_FROM
    return int(layer.scratch(x, y, onednn=onednn if device == "cpu" else None)) if y else 0


def _physical() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError):  # Windows has no sysconf
        return MEMORY_ASSUMED


def _granted() -> float:
    """Return the bytes that a container may use."""
    try:
        return int(CGROUP.read_text())
    except (OSError, ValueError):  # there is no such limit, or it is "max"
        return math.inf


def exhausted(error: Exception) -> bool:
    """Whether torch failed for want of memory, or of what its Metal backend cannot do yet: not for the shapes."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(word in str(error) for word in ("DefaultCPUAllocator", "ALLOC_FAILED", "MPS"))
