"""Permutes that put the channels last, which a model may have before layers that a file has before them.

In: layers of both sides. Out: whether two permutes do the same, and whether the model has that of a file's before. An import
normalises an image over its channels and permutes behind, where the code has x.flatten(2).transpose(1, 2) in front.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cnnshape.layers.activation import Pointwise
from cnnshape.layers.convolution import Linear
from cnnshape.layers.normalization import OfShape
from cnnshape.layers.rearranging import Permute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.compare.side_layer import SideLayer
    from cnnshape.compare.sources import Sources
    from cnnshape.layers import Layer


def exchanged_alike(sources: Sources, i: int, j: int) -> bool:
    """Say whether a permute of the file and one of the model put as many channels behind as many places, as several axes or one."""
    other = sources.model.layers[j]
    return _alike(sources.file.layers[i], other) and not _before(sources, i, other.inputs)


def exchanged_before(sources: Sources, i: int) -> bool:
    """Say whether the model has a permute of the file before layers that treat each place alone, and the file behind them."""
    found = _before(sources, i, ()) if _last(sources.file.layers[i]) else []
    return len(found) == 1 and _alike(sources.file.layers[i], found[0])  # two may put numbers elsewhere


def _before(sources: Sources, i: int, read: Sequence[int]) -> list[SideLayer]:
    """Return the permutes without a partner that the model has before such layers, and before the values `read`."""
    file, model = sources.file, sources.model
    found: list[SideLayer] = []
    value = file.layers[i].inputs[0]
    while True:
        _, between = model.sources(read, sources.astray)
        found += (model.layers[k] for k in between if isinstance(model.layers[k].own, Permute))
        j = sources.found.pairs.get(value - file.first)
        if j is None or not _of_each_place(file.layers[value - file.first].own):
            return found
        read, value = model.layers[j].inputs, file.layers[value - file.first].inputs[0]


def _of_each_place(layer: Layer) -> bool:
    return isinstance(layer, Pointwise) or (isinstance(layer, OfShape | Linear) and layer.over == "channels")


def _alike(one: SideLayer, other: SideLayer) -> bool:
    return _last(one) is not None and _last(one) == _last(other)


def _last(layer: SideLayer) -> tuple[int, int] | None:
    """Return the number of places and channels of a permute that puts the channels last; None for other layers."""
    dims, y = layer.settings.get("dims", ()), layer.output or ()
    last = isinstance(layer.own, Permute) and len(dims) > 1 and dims == (*range(2, len(dims) + 1), 1)
    return (prod(y[:-1]), y[-1]) if last and y else None
