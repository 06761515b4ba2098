"""The layer type of a live module or call. The type itself then reads the settings.

A module of torch.nn and a function of torch go by the names that the types give (`torch`, `modules`, `functions`); a
user's own module by its class's name, where the type allows that (`by_name`).
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import torch

from cnnshape.layers import TYPES, Layer
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.pytorch.functions import BY_DATA, KEEPS, NEUTRAL, REDUCES, TAKES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.layers.in_torch import Called, Recognized

CONTAINERS: Final = ("torch.nn.modules.container", "torch.nn.modules.transformer")  # of modules that are layers


def _modules() -> dict[str, tuple[type[Layer], Mapping[str, Any]]]:
    """Return the layer type of each class of torch.nn that is one, and the settings that the class stands for."""
    found: dict[str, tuple[type[Layer], Mapping[str, Any]]] = {}
    own: list[tuple[type[Layer], str, Mapping[str, Any]]] = [(kind, kind.torch, {}) for kind in TYPES.values()]
    others = [(kind, name, given) for kind in TYPES.values() for name, given in kind.modules.items()]
    for kind, name, given in [*own, *others]:
        for rank in (1, 2, 3):
            found.setdefault(name.format(rank=rank), (kind, given))
    return found


MODULES: Final = _modules()


@cache
def type_of(kind: type[torch.nn.Module]) -> str:
    """Return the layer type of a class of modules, torch's name in snake case, or "" to look at the modules within.

    A class that runs a forward of torch.nn is one layer. A user's own class is one if its name is that of a layer type
    with `by_name`; the others are looked into.
    """
    author = next(c for c in kind.__mro__ if "forward" in vars(c))
    if author is torch.nn.Module or author.__module__ in CONTAINERS:
        return ""
    if author.__module__.startswith("torch.nn."):
        known = _known(kind)
        return known[0].type if known else _snake(author.__name__)
    named = _snake(kind.__name__)
    return named if named in TYPES and TYPES[named].by_name else ""


def _known(kind: type[torch.nn.Module]) -> tuple[type[Layer], Mapping[str, Any]] | None:
    return next((MODULES[c.__name__] for c in kind.__mro__ if c.__name__ in MODULES), None)


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"[123]d$", "", name)).lower()


def layer_of(module: torch.nn.Module, name: str) -> Layer | None:
    """Return a module as a layer of the type of that name; None where files have no such type."""
    kind = TYPES.get(name)
    if kind is None:
        return None
    known = _known(type(module))
    if known and known[0] is kind:
        return kind.of_module(module, **known[1])
    return kind.of_module(module, **{key: UNKNOWN for key, parameter in kind.parameters.items() if not parameter.torch})


def layers_of(call: Called) -> Iterator[Recognized]:
    """Yield the layers that a call is, mostly one; none where files have no type for it."""
    return chain.from_iterable(kind.of_call(call) for kind in kinds_of(call.name))


@cache
def kinds_of(name: str) -> tuple[type[Layer], ...]:
    """Return the layer types that have a function, by its name in a Called."""
    return tuple(kind for kind in TYPES.values() if name in {kind.type, *kind.functions})


@cache
def plain(name: str) -> str:
    """Return a function's name as layer types say it: conv of conv2d, relu of relu_, getitem of __getitem__."""
    return re.sub(r"([123]d)?(_with_indices)?$", "", name.strip("_"))


def by_data(call: Called) -> bool:
    """Whether the shape of a result depends on what the tensors hold."""
    index = call.args[1] if call.name == "getitem" else ()
    masks = (part for part in (index if isinstance(index, tuple) else (index,)) if isinstance(part, torch.Tensor))
    return call.name in BY_DATA or any(mask.dtype == torch.bool for mask in masks)


def alters(call: Called) -> bool:
    """Whether a call changes numbers, or moves them otherwise than by an exchange of axes."""
    if by_data(call) or call.name in KEEPS:
        return False
    if call.name in TAKES and call.results:
        index = call.args[1:] if call.name == "getitem" else ()
        plain = not any(isinstance(part, list | torch.Tensor) for part in _flat(index))
        return not plain or call.results[0].numel() < call.tensors[0].numel()
    if call.name in REDUCES and call.results and call.results[0].numel() == call.tensors[0].numel():
        return False
    numbers = [number for number in (*call.args, *call.kwargs.values()) if isinstance(number, int | float)]
    return not any(numbers == [neutral] and call.name in names for neutral, names in NEUTRAL.items())


def silent(call: Called) -> bool:
    """Whether a call alters numbers, and has as many as before: shapes do not tell."""
    return alters(call) and call.results[0].numel() == call.tensors[0].numel() if call.results else False


def _flat(index: tuple[Any, ...]) -> Iterator[Any]:
    for part in index:
        yield from part if isinstance(part, tuple) else (part,)


def turned(call: Called) -> tuple[Any, Any] | None:
    """Return the shapes before and after an exchange of axes, where the call's result is made by that alone."""
    if call.results and any(kind.exchanges for kind in kinds_of(call.name)):
        return call.tensors[0].shape, call.results[0].shape
    return call.turned if call.name == "contiguous" else None
