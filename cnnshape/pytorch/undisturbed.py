"""A model left as it was: its numbers copied for a run, its modules' attributes and all random states put back."""

from __future__ import annotations

import random
import sys
import warnings
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator


def copied(tensor: torch.Tensor, device: str) -> torch.Tensor:
    """Return a copy on a device, that requires a gradient if the tensor does; zeros for one on the meta device."""
    plain = tensor.detach()
    copy = torch.zeros_like(plain, device=device) if plain.is_meta else plain.to(device, copy=True)
    return copy.requires_grad_(tensor.requires_grad)


@contextmanager
def undisturbed(model: torch.nn.Module, device: str) -> Iterator[None]:
    """Run the body in evaluation mode, without gradients; put back all attributes of modules, and all random states."""
    attributes = [vars(module) for module in modules_of(model)]
    held = [kept for holder in attributes for kept in _containers(holder)]
    numpy = sys.modules.get("numpy")
    python_state, numpy_state = random.getstate(), numpy and numpy.random.get_state()
    cuda = range(torch.cuda.device_count()) if device.startswith("cuda") or torch.cuda.is_initialized() else ()
    try:
        # No inference_mode: tensors that a module keeps must serve in training. No eval(): the user may override it.
        with torch.random.fork_rng(cuda), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.default_generator.manual_seed(0)  # not torch.manual_seed, which is kept for a cuda not used yet
            if cuda:
                torch.cuda.manual_seed_all(0)
            for holder in attributes:
                plain = {name: value.clone() for name, value in holder.items() if isinstance(value, torch.Tensor)}
                holder.update(plain, training=False)
            yield
    finally:
        for holder, content in held:
            holder.clear()
            holder.extend(content) if isinstance(holder, list) else holder.update(content)
        random.setstate(python_state)
        if numpy:
            numpy.random.set_state(numpy_state)


def modules_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return all modules of a model, also those in lists and dicts, where torch does not look."""
    found: dict[torch.nn.Module, None] = {}
    seen: set[int] = set()
    todo: list[Any] = [model]
    while todo:
        holder = todo.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        if isinstance(holder, torch.nn.Module):
            found[holder] = None
            todo += vars(holder).values()
        elif isinstance(holder, dict | list | tuple):
            todo += holder.values() if isinstance(holder, dict) else holder
    return [*found]


def _containers(attributes: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the attributes of a module, and the lists and dicts among them, each with a copy."""
    for holder in (attributes, *attributes.values()):
        if type(holder) in {dict, list, OrderedDict}:
            yield holder, holder.copy()
