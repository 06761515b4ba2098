"""The tensors that go into a model and come out of it: samples of a file's inputs, arguments of forward, packed tensors."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from cnnshape.numbers.shape import Shape


INDICES: Final = re.compile(
    r"\b(long|index tensor|indices)\b", re.IGNORECASE
)  # in torch's messages on numbers that are none


def samples(
    model: torch.nn.Module, inputs: Mapping[str, Shape], device: str, indices: Collection[str] = ()
) -> dict[str, torch.Tensor]:
    """Return one random sample of each input, in the dtype of the model's parameters; zeros for those that are `indices`."""
    floats = (p.dtype for p in model.parameters() if p.dtype.is_floating_point)
    dtype = next(floats, torch.get_default_dtype())
    return {
        name: torch.zeros(1, *shape, device=device, dtype=torch.long)
        if name in indices
        else torch.rand(1, *shape, device=device).to(dtype)
        for name, shape in inputs.items()
    }


class WrongInputs(Exception):  # noqa: N818 -- it names a fact
    """The model's forward does not take the inputs that the file declares."""


def arguments(
    model: torch.nn.Module, given: dict[str, Any], *, keyed: bool = False, listed: bool = False
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of forward: by name where it has the names of the inputs, else in their order.

    Several that a forward of one argument takes are one dict, or one list with `listed`; with `keyed`, so is one whose name
    is none of its arguments. An input mask_ is the model's mask, where a layer has that name in the file.
    """
    signature = inspect.signature(model.forward)
    given = {_name(model, signature, name): tensor for name, tensor in given.items()}
    if type(model).forward is torch.nn.Module.forward and "forward" not in vars(model):
        raise WrongInputs(f"{type(model).__name__} has no forward")
    ways = [*_ways(signature, given, keyed=keyed, listed=listed)]
    why: TypeError | None = None
    for args, kwargs in ways:
        try:
            signature.bind(*args, **kwargs)
        except TypeError as error:
            why = why or error
        else:
            return args, kwargs
    raise WrongInputs(f"forward{signature} does not take the inputs {', '.join(given)}: {why}")


def _name(model: torch.nn.Module, signature: inspect.Signature, name: str) -> str:
    """Return the model's name of an input: a file has mask_ for mask beside a layer mask."""
    bare = name.rstrip("_")
    return bare if name not in signature.parameters and bare != name and hasattr(model, bare) else name


def _ways(
    signature: inspect.Signature, given: dict[str, Any], *, keyed: bool, listed: bool
) -> Iterator[tuple[tuple[Any, ...], dict[str, Any]]]:
    """Yield the ways to hand inputs to forward, the first that binds is the one."""
    named = given.keys() <= signature.parameters.keys()
    plain, alone = [*given] == ["input"], len(given) == 1
    whole: tuple[tuple[Any, ...], dict[str, Any]] = (([*given.values()] if listed else given,), {})
    if keyed and alone and not named and not plain:
        yield whole
    yield ((), given) if named else (tuple(given.values()), {})
    if not alone:
        yield whole
    if not plain:
        yield (), given
    only = [
        name for name, one in signature.parameters.items() if one.kind is one.KEYWORD_ONLY and one.default is one.empty
    ]
    if plain and len(only) == 1:
        yield (), {only[0]: given["input"]}


class Found(NamedTuple):
    """A tensor within lists, tuples, dicts and dataclasses."""

    key: str  # in a dict, a named tuple or a dataclass; "" elsewhere
    group: int  # the same for the entries of one dict or dataclass, 0 elsewhere
    tensor: torch.Tensor


def found_in(value: Any) -> Iterator[Found]:
    """Yield the tensors in lists, tuples, dicts and dataclasses; a container within itself only once."""
    around: list[int] = []  # the containers that are being read
    todo: list[tuple[str, int, Any]] = [("", 0, value)]
    while todo:
        key, group, value = todo.pop()
        if value is _END:
            around.pop()
        elif isinstance(value, torch.Tensor):
            yield Found(key, group, value)
        elif id(value) not in around and (entries := _entries(value, key, group)):
            around.append(id(value))
            todo += [("", 0, _END), *reversed(entries)]


_END: Final = object()  # marks the end of a container


def _entries(value: Any, key: str, group: int) -> list[tuple[str, int, Any]]:
    """Return the entries of a container, each with its key and group."""
    if isinstance(value, dict):
        return [(str(name), id(value), entry) for name, entry in value.items()]
    if isinstance(value, (list, tuple)):
        keys = getattr(value, "_fields", [key] * len(value))
        return [(name, group, entry) for name, entry in zip(keys, value, strict=True)]
    fields = () if isinstance(value, type) else getattr(value, "__dataclass_fields__", ())
    return [(name, id(value), getattr(value, name)) for name in fields]


def tensors_in(value: Any) -> list[torch.Tensor]:
    """Return the tensors in lists, tuples, dicts and dataclasses."""
    if isinstance(value, torch.Tensor):
        return [value]
    if type(value) is tuple and all(type(entry) in PLAIN for entry in value):  # the arguments of most calls
        return [entry for entry in value if isinstance(entry, torch.Tensor)]
    return [found.tensor for found in found_in(value)]


PLAIN: Final = {torch.Tensor, torch.nn.Parameter, int, float, bool, str, type(None)}
