"""Plain runs of a live model, on shapes alone: what it gives at some inputs, and what torch counts of it.

In: a model. Out: shapes without the batch, multiply-accumulates. Nothing is recorded, and the model is left as it was.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from cnnshape.pytorch.accelerators import ASKED
from cnnshape.pytorch.inputs import arguments, found_in, samples
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.model import unwrapped
from cnnshape.pytorch.quick import quick
from cnnshape.pytorch.record import devices, only_on_meta
from cnnshape.pytorch.their_code import TheirError, theirs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cnnshape.numbers.shape import Shape

PRODUCTS: Final = ("bmm", "_attention")  # of results, which have no weights


class _Quick(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """Runs common functions the short way."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = quick(function, args, kwargs or {})
        return function(*args, **(kwargs or {})) if result is None else result


class _Counting(TorchDispatchMode):  # type: ignore[misc]  # as above
    """Counts operations as torch's own FlopCounterMode does, by its formulas, but for its tree of modules, and its imports."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch is to import its compiler for the method below."""
        return False

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs, packet = kwargs or {}, function._overloadpacket  # noqa: SLF001 -- the key of torch's formulas
        formula = flop_registry.get(packet)
        if formula is None:
            with self:
                result = function.decompose(*args, **kwargs)
            return function(*args, **kwargs) if result is NotImplemented else result
        result = function(*args, **kwargs)
        if not any(word in str(packet) for word in PRODUCTS):
            self.count += formula(*args, **kwargs, out_val=result)
        return result


class PlainRuns:
    """A model that is run without being watched, on the meta device where that will do.

    `axes` are those of the batch in what it returns, None where it is lost; all are the first, if left out. `indices` has
    the inputs that are whole numbers, `listed` says that they go in as one list.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        axes: Sequence[int | None] = (),
        indices: Iterable[str] = (),
        *,
        listed: bool = False,
    ):
        self.axes, self.listed = axes, listed
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
        try:
            counter: _Counting = self._run(inputs, self._counting)[1]
        except TheirError:
            return None
        return counter.count // 2

    @contextmanager
    def _counting(self) -> Iterator[_Counting]:
        """Count what runs, of tensors that are all on one device, and without oneDNN: else an LSTM is one operation, not counted."""
        with warnings.catch_warnings(), torch.device(self.live.device):
            warnings.simplefilter("ignore")
            with torch.backends.mkldnn.flags(enabled=False), _Counting() as counter:
                yield counter

    def _run(self, inputs: Mapping[str, Shape], counting: Callable[[], Any]) -> tuple[list[Shape], Any]:
        """Run the model; return the shapes that it gives, and what counted.

        From the first run on that asks for an accelerator it gets none, and from the first that needs numbers on the CPU.
        """
        try:
            with counting() as counter:
                return self._shapes(inputs), counter
        except TheirError as error:
            if not self.live.redirected and ASKED.search(str(error)):
                self.live.redirected = True
            elif self.live.device == "meta" and only_on_meta(str(error)):
                self.live = Live(self.live.model, "cpu", None, self.live.indices)
            else:
                raise
        return self._run(inputs, counting)

    def _shapes(self, inputs: Mapping[str, Shape]) -> list[Shape]:
        live = self.live
        with theirs():
            if not live.begun:
                live.begin()
            with live.undisturbed():
                given = samples(live.model, inputs, live.device, live.indices)
                args, kwargs = arguments(live.model, given, keyed=True, listed=self.listed)
                with _Quick():
                    return [tuple(found.tensor.shape) for found in found_in(live.model(*args, **kwargs))]
