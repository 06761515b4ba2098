"""The model that a user names or hands in: imported, freed of torch's wrappers, refused where it cannot be watched."""

from __future__ import annotations

import importlib
import operator
import re
from typing import Any

import torch

from cnnshape.pytorch.their_code import TheirError, theirs


def named(name: str) -> torch.nn.Module:
    """Return the model that MODULE:NAME is or makes. Raises ValueError, with the reason, where there is none."""
    module, _, path = name.partition(":")
    if not re.fullmatch(r"[\w.-]+:[\w.]+", name):
        raise ValueError(f"{name!r} is not MODULE:NAME, as my_package.nets:ResNet")
    try:
        with theirs():
            found = operator.attrgetter(path)(importlib.import_module(module))
            model = found if isinstance(found, torch.nn.Module) else found()
            is_model = isinstance(model, torch.nn.Module)
            why = scripted(model) if is_model else f"{name} gives {model!r:.60}, which is no torch.nn.Module"
    except TheirError as error:
        raise ValueError(str(error)) from None
    if why:
        raise ValueError(why)
    return model


def scripted(model: torch.nn.Module) -> str:
    """Name the first part of a model that torch.jit has compiled, whose layers cannot be seen; "" for none."""
    names = (name for name, module in model.named_modules() if isinstance(module, torch.jit.ScriptModule))
    return next((f"{name or 'the model'} is a ScriptModule: give what torch.jit made it of" for name in names), "")


def unwrapped(model: Any) -> Any:
    """Return the model within torch's wrappers: DataParallel, AveragedModel, torch.compile."""
    while type(model).__module__.startswith("torch."):
        match [*model.named_children()]:
            case [("module" | "_orig_mod", inner)]:
                model = inner
            case _:
                break
    return model
