"""A model left as it was: it runs on copies of its tensors, and what a run may change is put back.

That is all that attributes and containers lead to from the model: modules, lists, dicts, sets, deques, numpy's arrays, in
each other as they may be; and of the process the random states, settings of torch, and the working directory.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections import OrderedDict, deque
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

SETTINGS: Final[tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...]] = (
    (os.getcwd, os.chdir),
    (torch.get_default_dtype, torch.set_default_dtype),
    (torch.get_num_threads, torch.set_num_threads),
    (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
    (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
)
SCALARS: Final = {bool, int, float, str, type(None), torch.Tensor, torch.nn.Parameter, torch.Size}
SEQUENCES: Final = (list, tuple, set, deque)


class Kept:
    """All of a model that a run may change, as it is now."""

    def __init__(self, model: torch.nn.Module, device: str):
        self.modules, holders = reachable(model)
        self.contents = [(holder, _content(holder)) for holder in holders]
        self.device = device
        self.registered = {
            id(vars(module)[kind]) for module in torch.nn.Module.modules(model) for kind in ("_parameters", "_buffers")
        }
        self.tensors = [
            (holder, key, value)
            for holder, content in self.contents
            for key, value in _places(holder, content)
            if _has_tensor(value)
        ]
        self.parameters: dict[int, torch.Tensor] = {}  # the copies, which all runs use, by the ids of the parameters

    def put_copies(self) -> None:
        """Put copies of all tensors into their places; those of registered ones are on the device."""
        copies = {**self.parameters}
        for registered in (True, False):  # a tensor that stands in a list as well is the registered one
            for holder, key, value in self.tensors:
                if (id(holder) in self.registered) is registered:
                    copy = _copied(value, self.device if registered else None, copies)
                    (dict if isinstance(holder, dict) else type(holder)).__setitem__(holder, key, copy)
        if not self.parameters:
            kept = {id(value) for _, _, value in self.tensors if isinstance(value, torch.nn.Parameter)}
            self.parameters = {key: copy for key, copy in copies.items() if key in kept}

    def put_back(self) -> None:
        """Put everything back."""
        for holder, content in self.contents:
            if not isinstance(holder, dict) or holder or content:  # most hold no hooks, before and after
                _fill(holder, content)


@contextmanager
def undisturbed(kept: Kept | None, device: str) -> Iterator[None]:
    """Run the body in evaluation mode, without gradients; put back what it changes. None: the model is a copy of ours."""
    numpy = sys.modules.get("numpy")
    settings = [(get(), set_) for get, set_ in SETTINGS]
    python_state, numpy_state = random.getstate(), numpy and numpy.random.get_state()
    cuda = range(torch.cuda.device_count()) if device.startswith("cuda") or torch.cuda.is_initialized() else ()
    try:
        # No inference_mode: tensors that a module keeps must serve in training. No eval(): the user may override it.
        with torch.random.fork_rng(cuda), torch.no_grad(), warnings.catch_warnings(), _uncompiled():
            warnings.simplefilter("ignore")
            torch.default_generator.manual_seed(0)  # not torch.manual_seed, which is kept for a cuda not used yet
            if cuda:
                torch.cuda.manual_seed_all(0)
            if kept:
                kept.put_copies()
                evaluated(kept.modules)
            yield
    finally:
        if kept:
            kept.put_back()
        random.setstate(python_state)
        if numpy:
            numpy.random.set_state(numpy_state)
        for (before, put), (get, _) in zip(settings, SETTINGS, strict=True):
            if get() != before:
                put(before)


def _uncompiled() -> Any:
    """Return a context in which parts that torch.compile was given run as they are written. Only torch 2.6 has one."""
    stance = getattr(torch.compiler, "set_stance", None)
    return stance("force_eager") if stance and "torch._dynamo" in sys.modules else nullcontext()


def evaluated(modules: list[torch.nn.Module]) -> None:
    """Put modules into evaluation mode, each by itself."""
    for module in modules:
        vars(module)["training"] = False


def reachable(model: torch.nn.Module) -> tuple[list[torch.nn.Module], list[Any]]:
    """Return all modules and all containers that attributes and containers lead to, also where torch does not look."""
    modules: list[torch.nn.Module] = []
    holders: list[Any] = []
    seen: set[int] = set()
    todo: list[Any] = [model]
    while todo:
        one = todo.pop()
        if type(one) in SCALARS or id(one) in seen:
            continue
        if isinstance(one, torch.nn.Module):
            modules.append(one)
            todo.append(vars(one))
        elif isinstance(one, dict):
            todo += dict.values(one)
            holders.append(one)
        elif isinstance(one, SEQUENCES):
            todo += one
            if not isinstance(one, tuple):
                holders.append(one)
        elif _is_array(one):
            holders.append(one)
        else:
            continue
        seen.add(id(one))
    return modules, holders


def _is_array(value: Any) -> bool:
    return "numpy" in sys.modules and isinstance(value, sys.modules["numpy"].ndarray)


def _content(holder: Any) -> Any:
    """Return a copy of a container's content."""
    if isinstance(holder, dict):
        return dict(dict.items(holder))
    return holder.copy() if _is_array(holder) else [*holder]


def _places(holder: Any, content: Any) -> Iterable[tuple[Any, Any]]:
    """Return the keys or indices of a container's content with the values, where a tensor may stand in a place of its own."""
    if isinstance(holder, dict):
        return dict.items(content)
    return () if isinstance(holder, set) or _is_array(holder) else enumerate(content)


def _fill(holder: Any, content: Any) -> None:
    """Give a container a content. Methods of a user's class that would do more are passed by."""
    if isinstance(holder, dict):
        kind: Any = OrderedDict if isinstance(holder, OrderedDict) else dict
        kind.clear(holder)
        for key, value in content.items():
            kind.__setitem__(holder, key, value)
    elif isinstance(holder, list):
        list.__setitem__(holder, slice(None), content)
    elif isinstance(holder, set):
        set.clear(holder)
        set.update(holder, content)
    elif isinstance(holder, deque):
        deque.clear(holder)
        deque.extend(holder, content)
    else:
        holder[...] = content


def _has_tensor(value: Any) -> bool:
    return isinstance(value, torch.Tensor) or (isinstance(value, tuple) and any(map(_has_tensor, value)))


def _copied(value: Any, device: str | None, copies: dict[int, torch.Tensor]) -> Any:
    """Return the copy of a tensor, the same for the same, on its own device with None; of a tuple, with copies in it."""
    if isinstance(value, tuple) and _has_tensor(value):
        entries = [_copied(entry, device, copies) for entry in value]
        return type(value)(*entries) if hasattr(value, "_fields") else tuple(entries)
    if isinstance(value, torch.Tensor) and id(value) not in copies:
        copies[id(value)] = copied(value, device or str(value.device))
    return copies[id(value)] if isinstance(value, torch.Tensor) else value


def copied(tensor: torch.Tensor, device: str) -> torch.Tensor:
    """Return a copy on a device, that requires a gradient if the tensor does; zeros for one on the meta device."""
    plain = tensor.detach()
    copy = torch.zeros_like(plain, device=device) if plain.is_meta else plain.to(device, copy=True)
    return copy.requires_grad_(tensor.requires_grad)
