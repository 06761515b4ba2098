"""Two answers to one question: what does a layer make of the shapes that enter? Cnnshape's, and torch's."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch
from reference import REFERENCE, Case
from stated import stated

from cnnshape.layers import TYPES, Layer
from cnnshape.layers.parameters import Reference, Wrong
from cnnshape.network.flow import measure
from cnnshape.problems.catalogue import CODES

torch.set_num_threads(1)

BAD_VALUE = "bad-value"  # a setting is refused by itself, before any shape arrives


class Accepted(NamedTuple):
    """The layer runs: the shape that comes out, and how many numbers it learns."""

    output: tuple[int, ...]
    parameters: int


class Refused(NamedTuple):
    """The layer does not run: the codes of the problems, or torch's own words."""

    why: frozenset[str]


Answer = Accepted | Refused


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
            alone = all(code == BAD_VALUE or (code in self.stated and not refuses(code)) for code in self.ours.why)
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


def read(case: Case) -> Layer | None:
    """Return the layer that a file with these settings describes; None where the settings themselves are refused."""
    kind = TYPES[case.type]
    try:
        given = {name: value_of(kind, name, value) for name, value in case.settings.items()}
    except Wrong:
        return None
    if not kind.required <= given.keys() or kind.inconsistent(given):
        return None
    layer = kind(**given)
    return layer.completed(case.shapes[0])


def value_of(kind: type[Layer], name: str, value: Any) -> Any:
    parameter = kind.parameters[name]
    if not isinstance(parameter, Reference):
        return parameter.read(value)
    if not parameter.to:
        return True
    layer = read(Case(parameter.to, value, ((1,),)))
    if layer is None:
        raise Wrong
    return layer


def ours(layer: Layer | None, case: Case) -> Answer:
    if layer is None:
        return Refused(frozenset([BAD_VALUE]))
    result = measure(layer, case.shapes)
    refusals = [*result.refusals]
    if "indices" in case.settings:  # the max_pool, which in a net is a layer of its own
        refusals += measure(layer.__dict__["indices"], case.shapes[1:]).refusals
    if refusals or result.output is None:
        return Refused(frozenset(code for code, _ in refusals))
    return Accepted(result.output, result.parameters)


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


def asked(run: Any, case: Case) -> Answer:
    """Run something on real tensors, one sample each; whatever it raises is a refusal."""
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what torch takes with a warning, it takes
        try:
            y, module = run(*(torch.zeros(1, *shape) for shape in case.shapes))
        except Exception as error:  # noqa: BLE001
            return Refused(frozenset([f"{type(error).__name__}: {error}"]))
    parameters = 0 if module is None else sum(weights.numel() for weights in module.parameters())
    return Accepted(tuple(y.shape[1:]), parameters)
