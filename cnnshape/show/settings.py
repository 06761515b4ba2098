"""A layer's settings in words, as a row of the table lists them: 11x11; stride 4; no bias.

Left out are torch's defaults, references to other layers, and settings that equal an axis of the output.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.parameters import Axes, Flag, Inferred, Reference, per_axis
from cnnshape.numbers.shape import text
from cnnshape.problems.wording import flagged

if TYPE_CHECKING:
    from cnnshape.layers import Layer
    from cnnshape.layers.parameters import Parameter
    from cnnshape.network.report import LayerReport

IN_OUTPUT: Final = ("out_channels", "out_features", "out_shape", "macs")  # settings that the output shows


def settings(row: LayerReport, layout: str) -> tuple[str, ...]:
    """Return the settings of a row's layer that are worth a word, in torch's order; shapes in the file's layout."""
    layer = row.node.layer
    if layer is None:
        return ()
    shape = row.input_shapes[0]
    rank = len(shape) - 1 if shape else 0
    return tuple(filter(None, (_setting(layer, parameter, rank, layout) for parameter in layer.parameters.values())))


def _setting(layer: Layer, parameter: Parameter[Any], rank: int, layout: str) -> str:
    name = parameter.name
    value, default = getattr(layer, name), parameter.default  # a pool's stride has no default, and is always said
    if (
        value in (default, (default,) * max(rank, 1))
        or isinstance(parameter, Inferred | Reference)
        or name in IN_OUTPUT
    ):
        return ""
    if isinstance(parameter, Flag):
        return flagged(name, value)
    if isinstance(parameter, Axes):
        return f"{name} {value[0] if len(value) == 1 else [*value]}"
    if parameter.laid_out:
        return f"{name} {text(value, layout)}"
    if name == "kernel_size" and rank > 1:
        return _by_axis(per_axis(value, rank))
    if not parameter.named:
        return str(value)
    return f"{name} {_by_axis(value) if isinstance(value, tuple) else value}"


def _by_axis(entries: tuple[Any, ...]) -> str:
    """Write one entry for each axis: 3x5; a pair of ends as (0,1)."""
    return "x".join(f"({entry[0]},{entry[1]})" if isinstance(entry, tuple) else str(entry) for entry in entries)
