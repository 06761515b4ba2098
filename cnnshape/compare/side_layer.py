"""One layer of a side, the file's or the model's, and the comparison of two: by kind, settings, shapes.

A layer is compared as it is with one of its own type, and in its simplest form with one of another: a convolution over
all that enters is a linear layer. The layer types say so themselves.
"""

from __future__ import annotations

from math import isclose, prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers import Layer
from cnnshape.numbers.shape import CHANNELS_LAST, from_file, to_file

if TYPE_CHECKING:
    from cnnshape.compare.trace import Call
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape


class SideLayer(NamedTuple):
    """A layer of either side."""

    name: str  # "" for a name that the other side cannot have
    type: str
    own: Layer  # UNKNOWN_TYPE where files do not know its type
    settings: dict[str, Any]  # to compare with those of a layer of the same type
    simplest: Layer  # the simplest layer that does the same
    kind: str  # its type
    essence: dict[str, Any]  # its settings, to compare with those of a layer of the same kind
    follows: frozenset[str]  # settings that follow from the input
    family: str
    inputs: tuple[int, ...]
    entering: tuple[Shape | None, ...]
    output: Shape | None
    parameters: int | None
    optional: bool  # without it all shapes would be the same

    @property
    def ordered(self) -> bool:
        """Whether the order of its inputs counts."""
        return len(self.inputs) > 1 and not self.simplest.commutative


UNKNOWN_TYPE: Final = Layer()  # stands for a type that files do not know


def of_row(row: LayerReport) -> SideLayer:
    """Return a layer of the file."""
    node, layer = row.node, row.node.layer
    read = len(node.inputs) - (layer.looked_at() if layer else 0)
    return _side_layer(
        node.type,
        layer,
        name=(layer.stands_for() if layer else "") or (node.name if "name" in node.keys else ""),
        inputs=node.inputs[:read],
        entering=row.inputs[:read],
        output=row.output,
        parameters=row.parameters,
    )


def of_call(call: Call) -> SideLayer:
    """Return a layer of the model, without its number of parameters: shared ones are counted over the whole trace."""
    return _side_layer(
        call.type,
        call.layer,
        name="" if call.place else call.name,
        inputs=call.inputs,
        entering=call.entering,
        output=call.output,
        parameters=None,
        minor=call.minor,
    )


def _side_layer(  # noqa: PLR0913 -- what a SideLayer is made of
    kind: str,
    layer: Layer | None,
    *,
    name: str,
    inputs: tuple[int, ...],
    entering: tuple[Shape | None, ...],
    output: Shape | None,
    parameters: int | None,
    minor: bool = False,
) -> SideLayer:
    own = simplest = layer or UNKNOWN_TYPE
    settings = essence = dict[str, Any]()
    x, y = entering[0] if entering else None, output or ()
    if x is not None:
        settings = essence = own.compared(x, y)
        simplest = own.simplest(x, y)
        if simplest is not own:
            essence = simplest.compared(x, y)
    return SideLayer(
        name=name,
        type=kind,
        own=own,
        settings=settings,
        simplest=simplest,
        kind=kind if simplest is own else simplest.type,
        essence=essence,
        follows=own.follows | simplest.follows,
        family=own.family or kind,
        inputs=inputs,
        entering=entering,
        output=output,
        parameters=parameters,
        optional=minor or own.idle(output, *entering),
    )


def remade(
    one: SideLayer, layer: Layer, *, entering: tuple[Shape | None, ...] = (), output: Shape | None = None
) -> SideLayer:
    """Return a layer of a side with other settings, from other shapes that enter it, or to another result."""
    return _side_layer(
        one.type,
        layer,
        name=one.name,
        inputs=one.inputs,
        entering=entering or one.entering,
        output=output or one.output,
        parameters=one.parameters,
        minor=one.optional,
    )


def comparable(one: SideLayer, other: SideLayer) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the settings of two layers that can be compared, None if the layers do not do the same."""
    if one.type == other.type:
        return one.settings, other.settings
    return (one.essence, other.essence) if one.kind == other.kind else None


def different(one: SideLayer, other: SideLayer) -> list[str]:
    """Return the names of the settings that differ between two layers that do the same."""
    left, right = comparable(one, other) or ({}, {})
    return [name for name in left if name in right and not _equal(left[name], right[name])]


def _equal(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, float) and isinstance(other, float) and isclose(one, other))


def alike(one: Shape | None, other: Shape | None) -> bool:
    """Say whether shapes are equal: axes of 1 aside, channels first or last, and space perhaps as one axis.

    An unknown shape is like every other.
    """
    if one is None or other is None:
        return True
    orders = (other, to_file(other, CHANNELS_LAST), from_file(other, CHANNELS_LAST))
    if [n for n in one if n != 1] in [[n for n in order if n != 1] for order in orders]:
        return True
    return len(one) != len(other) and _tokens(one) in map(_tokens, orders)


def _tokens(shape: Shape) -> tuple[int, int]:
    """Return channels and positions, as a transformer has an image."""
    return shape[0] if shape else 1, prod(shape[1:])
