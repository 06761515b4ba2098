"""Two answers to one question: what does a layer make of the shapes that enter, says cnnshape, and says torch."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import torch

from cnnshape.layers import TYPES, Layer
from cnnshape.network import measure
from cnnshape.parameters import Inferred, Reference, Wrong
from cnnshape.problems import CODES
from reference import REFERENCE, Case, stated

BAD_VALUE = "bad-value"


class Accepted(NamedTuple):
    """The layer runs: the shape that comes out, and how many numbers it learns."""

    output: tuple[int, ...]
    parameters: int


class Refused(NamedTuple):
    """The layer does not run: the codes of the problems, or torch's own words."""

    why: frozenset[str]


Answer = Accepted | Refused


def read(case: Case) -> Layer | None:
    """Return the layer that a file with these settings describes; None where the settings themselves are refused."""
    kind = TYPES[case.type]
    try:
        given = {name: _read(kind, name, value) for name, value in case.settings.items()}
    except Wrong:
        return None
    if not kind.required <= given.keys() or kind.inconsistent(given):
        return None
    layer = kind(**given)
    return layer.replace(**layer.missing(case.shapes[0]))


def _read(kind: type[Layer], name: str, value: Any) -> Any:
    parameter = kind.parameters[name]
    if not isinstance(parameter, Reference):
        return parameter.read(value)
    if not parameter.to:
        return True
    layer = read(Case(parameter.to, value, ((1,),)))
    if layer is None:
        raise Wrong
    return layer


def ours(layer: Layer | None, shapes: Any) -> Answer:
    if layer is None:
        return Refused(frozenset([BAD_VALUE]))
    result = measure(layer, shapes)
    codes = {code for code, _ in result.refusals}
    pool = layer.__dict__.get("indices")
    if pool is not None:  # in a net it is a layer of its own
        codes |= {code for code, _ in measure(pool, shapes[1:]).refusals}
    if codes:
        return Refused(frozenset(codes))
    assert result.output is not None
    return Accepted(result.output, result.parameters)


def asked(run: Any, shapes: Any) -> Answer:
    """Run something on real tensors; whatever it raises is a refusal."""
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            y, module = run(*(torch.zeros(1, *shape) for shape in shapes))
        except Exception as error:  # noqa: BLE001
            return Refused(frozenset([f"{type(error).__name__}: {error}"]))
    parameters = 0 if module is None else sum(weights.numel() for weights in module.parameters())
    return Accepted(tuple(y.shape[1:]), parameters)


def in_torch(case: Case) -> Answer:
    return asked(lambda *tensors: REFERENCE[case.type](case.settings, *tensors), case.shapes)


def through_layer(layer: Layer, case: Case) -> Answer:
    """Run what the layer itself says it is in torch, as the cross-check does."""

    def run(*tensors: Any) -> Any:
        module = layer.module(torch, *case.shapes)
        if module is not None:
            module.eval()
        return layer.call(torch, module, *tensors), module

    return asked(run, case.shapes)


def disagreement(case: Case) -> str:
    """Say where cnnshape and torch differ about a case; nothing, where they agree."""
    layer = read(case)
    answer, torchs = ours(layer, case.shapes), in_torch(case)
    also = stated(case, torchs)
    expected = Refused(also) if also else torchs
    if isinstance(answer, Accepted):
        if answer != expected:
            return f"{case}: ours {answer}, torch {torchs}, stated {set(also)}"
        again = through_layer(layer, case)
        return "" if again == answer else f"{case}: ours {answer}, through the layer {again}"
    if isinstance(expected, Accepted):
        return f"{case}: ours {answer}, torch {torchs}"
    for code in answer.why - {BAD_VALUE}:
        if CODES[code].torch_refuses and isinstance(torchs, Accepted):
            return f"{case}: {code} says that torch refuses, and it gives {torchs}"
        if isinstance(torchs, Accepted) and code not in also:
            return f"{case}: {code} is not what DESIGN.md states; {torchs}"
    if layer is not None and any(CODES[code].torch_refuses for code in answer.why):
        again = through_layer(layer, case)
        if isinstance(again, Accepted):
            return f"{case}: ours {answer}, through the layer {again}"
    return ""
