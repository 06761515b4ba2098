"""The layers that a recorded call of a function is, and its effect on the numbers that it gets.

A function of torch goes by the names that the layer types give (`functions`); the type itself then reads the settings.
"""

from __future__ import annotations

import re
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

from cnnshape.compare.functions import BY_DATA, KEEPS, NEUTRAL, REDUCES, TAKES
from cnnshape.compare.recording import Tensor
from cnnshape.layers import TYPES, Layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.layers.in_torch import Called, Recognized


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
