"""Cnnshape's answer to a case, without torch: the shape and the parameters of a layer, or the codes of its refusals."""

from __future__ import annotations

from typing import Any, NamedTuple

from cases import Case

from cnnshape.layers import TYPES, Layer
from cnnshape.layers.parameters import Reference, Wrong
from cnnshape.network.flow import measure
from cnnshape.problems.values import BadValue

SETTING = "setting"  # a setting is refused by itself, before any shape arrives


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
        raise Wrong(BadValue())
    return layer


def ours(layer: Layer | None, case: Case) -> Answer:
    if layer is None:
        return Refused(frozenset([SETTING]))
    result = measure(layer, case.shapes)
    refusals = [*result.refusals]
    if "indices" in case.settings:  # the max_pool, which in a net is a layer of its own
        refusals += measure(layer.__dict__["indices"], case.shapes[1:]).refusals
    if refusals or result.output is None:
        return Refused(frozenset(code for code, _ in refusals))
    return Accepted(result.output, result.parameters)
