"""The layers that a recorded call of a function is, and its effect on the numbers that it gets.

A function of torch goes by the names that the layer types give (`functions`); the type itself then reads the settings.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import chain
from types import EllipsisType
from typing import TYPE_CHECKING, Any

from cnnshape.compare.functions import BY_DATA, KEEPS, NEUTRAL, REDUCES, TAKES
from cnnshape.compare.recording import Tensor
from cnnshape.layers import TYPES, Layer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.layers.in_torch import Called, Recognized


def layers_of(call: Called) -> Iterator[Recognized]:
    """Yield the layers that a call is, mostly one; none where files have no type for it."""
    return chain.from_iterable(kind.of_call(call) for kind in kinds_of(call.name))


def steps(call: Called) -> Sequence[Called]:
    """Return a call that takes or cuts several axes at once, y[:, -1, :5], as one for each of them; any other as it is."""
    if call.name != "getitem" or not call.results or not call.alive[0] or any(layers_of(call)):
        return [call]
    index = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    if any(isinstance(key, bool) or not isinstance(key, slice | int | EllipsisType) for key in index):
        return [call]
    found: list[Called] = []
    tensor, axis = call.tensors[0], 0
    at = index.index(...) if ... in index else len(index)
    missing = len(tensor.shape) - len(index) + (... in index)
    for key, size in zip((*index[:at], *[slice(None)] * missing, *index[at + 1 :]), tensor.shape, strict=True):
        if not isinstance(key, slice) or range(size)[key] != range(size):
            made = _of_axis(tensor, axis, range(size)[key], -1 - len(found))
            args = tensor, (*[slice(None)] * axis, key)
            found.append(call._replace(args=args, tensors=[tensor], results=[made], batch=tensor.batch))
            tensor = made
        axis += isinstance(key, slice)
    found = [*found[:-1], *(last._replace(results=call.results) for last in found[-1:])]
    return found if found and all(any(layers_of(step)) for step in found) else [call]


def _of_axis(tensor: Tensor, axis: int, kept: range | int, value: int) -> Tensor:
    """Return the tensor that has some places of an axis, or one, and then not the axis."""
    shape, batch = [*tensor.shape], tensor.batch
    shape[axis : axis + 1] = [len(kept)] if isinstance(kept, range) else []
    if batch is not None and isinstance(kept, int):
        batch = None if batch == axis else batch - (batch > axis)
    return replace(tensor, value=value, shape=tuple(shape), batch=batch)


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
    masks = (part for part in (index if isinstance(index, tuple) else (index,)) if isinstance(part, Tensor))
    return call.name in BY_DATA or any(mask.dtype == "bool" for mask in masks)


def alters(call: Called) -> bool:
    """Whether a call changes numbers, or moves them otherwise than by an exchange of axes."""
    if by_data(call) or call.name in KEEPS:
        return False
    if call.name in TAKES and call.results:
        index = call.args[1:] if call.name == "getitem" else ()
        plain = not any(isinstance(part, list | Tensor) for part in _flat(index))
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
