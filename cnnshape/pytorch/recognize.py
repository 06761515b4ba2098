"""The layer type of a live module. The type itself then reads the settings.

A module of torch.nn goes by the names that the types give (`torch`, `modules`); a user's own by its class's name, where the
type allows that (`by_name`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import torch

from cnnshape.layers import TYPES, Layer
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Mapping

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
def type_of(kind: type[torch.nn.Module], *, by_name: bool = True) -> str:
    """Return the layer type of a class of modules, torch's name in snake case, or "" to look at the modules within.

    A class that runs a forward of torch.nn is one layer. A user's own class is one if its name is that of a layer type
    with `by_name`; the others are looked into, and with `by_name` False those as well.
    """
    author = next(c for c in kind.__mro__ if "forward" in vars(c))
    if author is torch.nn.Module or author.__module__ in CONTAINERS:
        return ""
    if author.__module__.startswith("torch.nn."):
        known = _known(kind)
        return known[0].type if known else _snake(author.__name__)
    named = _snake(kind.__name__) if by_name else ""
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
