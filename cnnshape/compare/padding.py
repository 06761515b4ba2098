"""Padding and cutting in layers of their own, taken into the convolutions and pools that they belong to.

In: the layers of a side. Out: the same, where a conv or a pool behind a pad has the padding of both, and a conv_transpose
before a crop cuts what both cut; the pad and the crop may then be left out. Torch has no padding that follows the side:
models that have it pad first, and files say it in the layer itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.compare.side_layer import remade
from cnnshape.layers.convolution import ConvTranspose
from cnnshape.layers.parameters import SAME_ENDS
from cnnshape.layers.shaping import Crop, Pad
from cnnshape.layers.sliding import Sliding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cnnshape.compare.side_layer import SideLayer
    from cnnshape.layers import Layer


def follows_sides(layers: Iterable[Layer | None]) -> bool:
    """Say whether the padding of a layer depends on the side that arrives."""
    return any(getattr(layer, "padding", None) in SAME_ENDS for layer in layers)


def with_padding(layers: Sequence[SideLayer], first: int, outputs: Iterable[int]) -> list[SideLayer]:
    """Return the layers of a side with pads and crops taken in; `first` is the value of the first layer."""
    result = [*layers]
    readers: dict[int, list[int]] = {value: [-1] for value in outputs}
    for i, layer in enumerate(layers):
        for value in layer.inputs:
            readers.setdefault(value, []).append(i)
    for i, layer in enumerate(layers):
        behind = readers.get(first + i, [])
        if -1 in behind:
            continue
        taken = {j: whole for j in behind if (whole := _behind(layer, layers[j]))}
        if taken and len(taken) == len(behind):
            result[i] = layer._replace(optional=True)
            for j, whole in taken.items():
                result[j] = whole
        elif len(behind) == 1 and (whole := _cropped(layer, layers[behind[0]])):
            result[i], result[behind[0]] = whole, layers[behind[0]]._replace(optional=True)
    return result


def _behind(pad: SideLayer, layer: SideLayer) -> SideLayer | None:
    """Return a layer as if it padded as a pad before it does, too; None where that is not the same."""
    (x, padded) = pad.entering[0] if pad.entering else None, pad.output
    if not isinstance(pad.own, Pad) or not isinstance(layer.own, Sliding) or x is None or padded is None:
        return None
    whole = layer.own.behind(pad.own, x, padded)
    return None if whole is None else remade(layer, whole, entering=(x,))


def _cropped(layer: SideLayer, crop: SideLayer) -> SideLayer | None:
    """Return a conv_transpose as if it cut what a crop behind it does, too; None where it is something else."""
    offset = crop.essence.get("offset")
    own = layer.own
    if not isinstance(own, ConvTranspose) or not isinstance(crop.simplest, Crop) or not offset or crop.output is None:
        return None
    cut = tuple(before + more for (before, _), more in zip(own.trims(len(offset)), offset, strict=True))
    return remade(layer, own.replace(padding=cut), output=crop.output)
