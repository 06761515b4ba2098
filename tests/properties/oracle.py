"""Two answers to one question: what does a layer make of the shapes that enter? Cnnshape's, and torch's."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from answers import SETTING, Accepted, Answer, Refused, ours, read
from reference import REFERENCE
from stated import stated, too_wide

from cnnshape.problems.catalogue import CODES

if TYPE_CHECKING:
    from cases import Case

    from cnnshape.layers import Layer
    from cnnshape.numbers.shape import Shape


class Comparison(NamedTuple):
    """What everybody says of one case."""

    case: Case
    ours: Answer
    torch: Answer  # by the reference
    module: Answer | None  # by the layer's own module; None where there is no layer
    stated: frozenset[str]  # the conditions of ours alone that the case does not meet

    @property
    def agrees(self) -> bool:
        """What torch refuses, we refuse; what it accepts, we accept, with the same shape and as many parameters.

        Only a condition that is stated may be ours alone, and only a problem that says so (`torch_refuses`).
        """
        if isinstance(self.ours, Accepted):
            return self.ours == self.torch == self.module and not self.stated
        if isinstance(self.torch, Accepted):
            alone = all(code == SETTING or (code in self.stated and not refuses(code)) for code in self.ours.why)
            return bool(self.stated) and alone
        return not isinstance(self.module, Accepted) or not any(map(refuses, self.ours.why))


def refuses(code: str) -> bool:
    return CODES[code].torch_refuses


def compare(case: Case) -> Comparison:
    layer = read(case)
    torchs = in_torch(case)
    return Comparison(case, ours(layer, case), torchs, layer and through_layer(layer, case), stated(case, torchs))


def disagreement(case: Case) -> str:
    """Say where cnnshape and torch differ about a case; nothing, where they agree."""
    found = compare(case)
    return "" if found.agrees else "\n  ".join(f"{name}: {said}" for name, said in found._asdict().items())


def in_torch(case: Case) -> Answer:
    """Ask torch through the reference, with its own kernels: oneDNN prepares a millisecond for each new convolution."""
    torch._C._set_mkldnn_enabled(False)  # torch.backends.mkldnn.flags does so too, and warns each time
    try:
        return asked(lambda *tensors: REFERENCE[case.type](case.settings, *tensors), case)
    finally:
        torch._C._set_mkldnn_enabled(True)


def through_layer(layer: Layer, case: Case) -> Answer:
    """Ask torch as the cross-check does, through what the layer itself says it is there."""

    def run(*tensors: Any) -> Any:
        module = layer.module(torch, *case.shapes)
        return layer.call(torch, module if module is None else module.eval(), *tensors), module

    return asked(run, case)


def ascending(shape: Shape) -> torch.Tensor:
    """Return a sample whose maxima stand as late as they can: a max_pool of it gives the largest indices."""
    return torch.arange(math.prod(shape), dtype=torch.float).reshape(1, *shape)


def asked(run: Any, case: Case) -> Answer:
    """Run something on real tensors, one sample each; whatever it raises is a refusal. Torch must not go round."""
    if too_wide(case):
        return Refused(frozenset(["not asked"]))
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch takes with a warning, it takes
        try:
            y, module = run(*map(ascending, case.shapes))
        except Exception as error:  # noqa: BLE001
            return Refused(frozenset([f"{type(error).__name__}: {error}"]))
    parameters = 0 if module is None else sum(weights.numel() for weights in module.parameters())
    return Accepted(tuple(y.shape[1:]), parameters)
