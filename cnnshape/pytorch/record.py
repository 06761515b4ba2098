"""The recording of a live model: it is run once at some inputs, on the meta device where that will do, and left as it was.

In: a model and the shapes of its inputs. Out: a Recording. The meta device computes no numbers, so the model's size costs
nothing; a forward that asks for some is run on the CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import torch

from cnnshape.compare.mixing import mixing
from cnnshape.compare.recording import Failure, Line
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.model import scripted, unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnnshape.compare.recording import Recording
    from cnnshape.numbers.shape import Shape

NOTHING: Final = "TypeError: forward returns None, as it does without a return"
DEVICES: Final = ("meta", "cpu")
ONLY_META: Final = ("NotImplementedError", "meta", "device")  # in the messages of what only the meta device refuses


def record(model: Any, inputs: Mapping[str, Shape]) -> Recording:
    """Run a model once, in evaluation mode, and return all that ran. Raises TypeError for what cannot be watched."""
    return recorder(model, inputs)[0]


def recorder(model: Any, inputs: Mapping[str, Shape]) -> tuple[Recording, Callable[[Mapping[str, Shape]], Recording]]:
    """Return the recording of a run at some inputs, and a function that records runs at others, on the same device.

    That is the first device on which it succeeds. A model that fails, or mixes samples, is recorded once more, with what its
    operations declare in place of what is refused; one that returns None has failed, too. Raises TypeError for what cannot be watched.
    """
    if why := scripted(model):
        raise TypeError(why)
    model = unwrapped(model)
    for device in devices(model):
        live = Live(model, device, None)
        recording = live.recording(inputs)
        if recording.failure is None or not only_on_meta(recording.failure.message):
            break
    repaired = live.recording(inputs, repairing=True) if recording.failure else recording
    if refused := mixing(repaired):
        repaired = live.recording(inputs, repairing=True, refused=refused)
    if repaired.failure is None and live.nothing:  # whoever uses the model fails
        repaired = repaired._replace(failure=Failure(NOTHING, f"{repaired.model}()", _forward(model)))
    return repaired, live.recording


def _forward(model: torch.nn.Module) -> Line | None:
    """Return the line at which a model's forward begins."""
    code = getattr(model.forward, "__code__", None)
    return Line(code.co_filename, code.co_firstlineno) if code else None


def devices(model: torch.nn.Module) -> Sequence[str]:
    """Return the devices to run a model on, in order."""
    lazy = any(map(torch.nn.parameter.is_lazy, (*model.parameters(), *model.buffers())))  # no meta device has those
    return DEVICES[lazy:]


def only_on_meta(message: str) -> bool:
    """Whether a run failed for the meta device, which has no numbers, and may succeed on the CPU."""
    return any(word in message for word in ONLY_META)
