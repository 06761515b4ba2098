"""The rows of `cnnshape sizes --layers`, in words: each layer's output as formulas of the sides, and receptive field."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cnnshape.numbers.symbolic import Size

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cnnshape.network.receptive import ReceptiveField
    from cnnshape.numbers.shape import Shape
    from cnnshape.show.sizes.answer import Answer


class LayerRow(NamedTuple):
    """A layer in words."""

    name: str
    type: str
    channels: str
    side: str
    receptive_field: str


def layer_rows(answer: Answer) -> list[LayerRow]:
    """Return a row for each layer, in order; none where there is no set of sizes."""
    sizes = answer.sizes
    if sizes is None:
        return []
    fields = answer.receptive_fields()
    return [
        LayerRow(node.name, node.type, *formulas(sizes.outputs[node.name], sizes.names), field(fields[node.name]))
        for node in answer.net.nodes
    ]


def formulas(shape: Shape | None, names: Sequence[str]) -> tuple[str, str]:
    """Write channels and sides; one formula in x where all sides have the same."""
    if not shape:
        return ("?", "?") if shape is None else ("[]", "")
    sides = [str(side) for side in shape[1:]]
    different = {side.text("x") if isinstance(side, Size) else str(side) for side in shape[1:]}
    if len(different) == 1 and len(sides) == len(names):
        sides = [*different]
    return str(shape[0]), " x ".join(f"({side})" if " " in side and len(sides) > 1 else side for side in sides)


def field(axes: Iterable[ReceptiveField | None]) -> str:
    """Write a receptive field: 195, stride 32, from -64; axis by axis where they differ."""
    return " x ".join(dict.fromkeys(map(_along, axes)))


def _along(field: ReceptiveField | None) -> str:
    """Write a receptive field along one axis: its extent, the cells read within it, its stride and its start."""
    if field is None:
        return "?"
    if field.is_whole:
        return "whole image"
    if not field.parts:
        return "nothing"
    read = "" if field.support == field.extent else f" ({_between(*field.support)} read)"
    moves = "irregular" if field.stride is None else f"stride {field.stride}"
    return f"{_between(*field.extent)}{read}, {moves}, from {field.at(0).first}"


def _between(least: int, most: int) -> str:
    return str(most) if least == most else f"{least} to {most}"
