"""Plain runs of a live model, on shapes alone: what it gives at some inputs, and what torch counts of it.

In: a model. Out: shapes without the batch, multiply-accumulates. Nothing is recorded, and the model is left as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from torch.utils.flop_counter import FlopCounterMode

from cnnshape.pytorch.inputs import arguments, found_in, samples
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.model import unwrapped
from cnnshape.pytorch.their_code import TheirError, theirs
from cnnshape.pytorch.undisturbed import undisturbed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch

    from cnnshape.numbers.shape import Shape

PRODUCTS: Final = ("bmm", "_attention")  # of results, which have no weights


class PlainRuns:
    """A model that is run without being watched."""

    def __init__(self, model: torch.nn.Module):
        self.live = Live(unwrapped(model), "meta", None)

    def shapes(self, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Return the shapes of all tensors that the model returns, without the batch; None where it raises."""
        try:
            return self._run(inputs)
        except TheirError:
            return None

    def macs(self, inputs: Mapping[str, Shape]) -> int | None:
        """Return the multiply-accumulates of layers with weights, as torch counts them; None where it raises."""
        counter = FlopCounterMode(display=False)
        try:
            with counter:
                self._run(inputs)
        except TheirError:
            return None
        counts = counter.get_flop_counts().get("Global", {})
        return sum(count for name, count in counts.items() if not any(word in str(name) for word in PRODUCTS)) // 2

    def _run(self, inputs: Mapping[str, Shape]) -> list[Shape]:
        live = self.live
        with theirs():
            if not live.begun:
                live.begin()
            with undisturbed(live.kept, live.device):
                args, kwargs = arguments(live.model, dict[str, Any](samples(live.model, inputs, live.device)))
                return [tuple(found.tensor.shape[1:]) for found in found_in(live.model(*args, **kwargs))]
