"""Plain runs of a live model, on shapes alone: what it gives at some inputs, and what torch counts of it.

In: a model. Out: shapes without the batch, multiply-accumulates. Nothing is recorded, and the model is left as it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch
from torch.overrides import TorchFunctionMode
from torch.utils.flop_counter import FlopCounterMode

from cnnshape.pytorch.inputs import arguments, found_in, samples, tensors_in
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.model import unwrapped
from cnnshape.pytorch.their_code import TheirError, theirs
from cnnshape.pytorch.undisturbed import undisturbed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.numbers.shape import Shape

PRODUCTS: Final = ("bmm", "_attention")  # of results, which have no weights


class _Norms(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """A batch norm in evaluation gives the shape that it gets: torch takes most of a meta forward to say so."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if function is torch.nn.functional.batch_norm and not kwargs["training"]:  # torch hands these on by name
            x, *parts = tensors_in(args) + tensors_in(tuple(kwargs.values()))
            has_statistics = args[1] is not None
            if has_statistics and x.dim() > 1 and all(part.shape == x.shape[1:2] for part in parts):
                return torch.empty_like(x)
        return function(*args, **(kwargs or {}))


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
                args, kwargs = arguments(live.model, samples(live.model, inputs, live.device), keyed=True)
                with _Norms():
                    results = [*found_in(live.model(*args, **kwargs))]
                return [tuple(found.tensor.shape[1:]) for found in results]
