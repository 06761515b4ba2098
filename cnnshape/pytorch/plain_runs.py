"""Plain runs of a live model, on shapes alone: what it gives at some inputs, and what torch counts of it.

In: a model. Out: shapes without the batch, multiply-accumulates. Nothing is recorded, and the model is left as it was.
"""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from torch.overrides import TorchFunctionMode

from cnnshape.pytorch.inputs import arguments, found_in, samples
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.model import unwrapped
from cnnshape.pytorch.norms import normed
from cnnshape.pytorch.record import devices, only_on_meta
from cnnshape.pytorch.their_code import TheirError, theirs
from cnnshape.pytorch.undisturbed import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import torch

    from cnnshape.numbers.shape import Shape

PRODUCTS: Final = ("bmm", "_attention")  # of results, which have no weights


class _Norms(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """Runs batch norms the short way."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = normed(function, args, kwargs or {})
        return function(*args, **(kwargs or {})) if result is None else result


class PlainRuns:
    """A model that is run without being watched, on the meta device where that will do.

    `axes` are those of the batch in what it returns, None where it is lost; all are the first, if left out. `indices` has
    the inputs that are whole numbers.
    """

    def __init__(self, model: torch.nn.Module, axes: Sequence[int | None] = (), indices: Iterable[str] = ()):
        self.axes = axes
        model = unwrapped(model)
        self.live = Live(model, devices(model)[0], None, frozenset(indices))

    def shapes(self, inputs: Mapping[str, Shape]) -> list[Shape] | None:
        """Return the shapes of all tensors that the model returns, without the batch; None where it raises, or mixes samples."""
        try:
            found = self._run(inputs, nullcontext)[0]
        except TheirError:
            return None
        axes = self.axes if len(self.axes) == len(found) else [0] * len(found)
        if any(axis is not None and shape[axis : axis + 1] != (1,) for shape, axis in zip(found, axes, strict=True)):
            return None
        return [tuple(n for at, n in enumerate(shape) if at != axis) for shape, axis in zip(found, axes, strict=True)]

    def macs(self, inputs: Mapping[str, Shape]) -> int | None:
        """Return the multiply-accumulates of layers with weights, as torch counts them; None where it raises."""
        from torch.utils.flop_counter import FlopCounterMode

        try:
            _, counter = self._run(inputs, partial(FlopCounterMode, display=False))
        except TheirError:
            return None
        counts = counter.get_flop_counts().get("Global", {})
        return sum(count for name, count in counts.items() if not any(word in str(name) for word in PRODUCTS)) // 2

    def _run(self, inputs: Mapping[str, Shape], counting: Callable[[], Any]) -> tuple[list[Shape], Any]:
        """Run the model; return the shapes that it gives, and what counted. From the first that needs numbers on the CPU."""
        try:
            with counting() as counter:
                return self._shapes(inputs), counter
        except TheirError as error:
            if self.live.device != "meta" or not only_on_meta(str(error)):
                raise
        self.live = Live(self.live.model, "cpu", None, self.live.indices)
        return self._run(inputs, counting)

    def _shapes(self, inputs: Mapping[str, Shape]) -> list[Shape]:
        live = self.live
        with theirs():
            if not live.begun:
                live.begin()
            with undisturbed(live.kept, live.device):
                args, kwargs = arguments(live.model, samples(live.model, inputs, live.device, live.indices), keyed=True)
                with _Norms():
                    return [tuple(found.tensor.shape) for found in found_in(live.model(*args, **kwargs))]
