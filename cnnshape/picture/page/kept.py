"""The bytes that autograd keeps of each layer for the backward pass, for a page: a net at its declared input comes in.

From a batch of 2 up each sample adds the same bytes (memory.py), so the difference of two batches is exact for every sample.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.network.memory import memory
from cnnshape.network.optimizers import NONE
from cnnshape.problems.base import ArchitectureError

if TYPE_CHECKING:
    from cnnshape.network.network import Network

BATCHES: Final = (2, 3)  # at 1 a slice may still be contiguous, and is not copied


class Kept(NamedTuple):
    """The bytes that a sample adds to what is kept, by row; None where nothing exact is known, for the `reason`."""

    layers: tuple[int, ...] | None
    reason: str = ""  # a sentence


def kept_a_sample(net: Network) -> Kept:
    """Return what a sample adds to the bytes that each layer is the first to keep, as float32 on the CPU."""
    report = net.check()
    try:
        few, more = (memory(net, report, batch, NONE, "cpu") for batch in BATCHES)
    except ArchitectureError:
        return Kept(None, "what the backward pass keeps is not computed: the net has errors at its declared size")
    if few.reason:
        return Kept(None, f"what the backward pass keeps is {few.reason}")
    pairs = zip(few.layers.values(), more.layers.values(), strict=True)
    return Kept(tuple((after or 0) - (before or 0) for before, after in pairs))
