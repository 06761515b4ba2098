"""The tensors that go into a model and come out of it: samples of a file's inputs, arguments of forward, packed tensors."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.numbers.shape import Shape


def samples(model: torch.nn.Module, inputs: Mapping[str, Shape], device: str) -> dict[str, torch.Tensor]:
    """Return one random sample of each input, in the dtype of the model's parameters."""
    floats = (p.dtype for p in model.parameters() if p.dtype.is_floating_point)
    dtype = next(floats, torch.get_default_dtype())
    return {name: torch.rand(1, *shape, device=device).to(dtype) for name, shape in inputs.items()}


class WrongInputs(Exception):  # noqa: N818 -- it names a fact
    """The model's forward does not take the inputs that the file declares."""


def arguments(model: torch.nn.Module, given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of forward: by name where it has the names of the file's inputs, else in their order."""
    signature = inspect.signature(model.forward)
    named = given.keys() <= signature.parameters.keys()
    args, kwargs = ((), given) if named else (tuple(given.values()), {})
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        takes = f"forward{signature} does not take the inputs of the file, {', '.join(given)}"
        raise WrongInputs(f"{takes}: {error}") from None
    return args, kwargs


def tensors_in(value: Any, key: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors in lists, dicts and dataclasses, with their keys."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from tensors_in(entry, str(name))
    elif isinstance(value, list | tuple):
        for name, entry in zip(getattr(value, "_fields", [key] * len(value)), value, strict=True):
            yield from tensors_in(entry, name)
    elif hasattr(value, "__dataclass_fields__"):
        yield from tensors_in({name: getattr(value, name) for name in value.__dataclass_fields__})
