"""The arithmetic of a layer in numbers, as `explain` writes it, with the sizes that enter left open for a page to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.numbers.rules import unasked
from cnnshape.numbers.traced import Traced
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from cnnshape.layers.base import Layer
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape


class Arithmetic(NamedTuple):
    """For each size that comes out, and for parameters and MACs: its arithmetic with sizes in ⟦...⟧, None for none."""

    sizes: tuple[str | None, ...] = ()
    counts: tuple[str | None, ...] = (None, None)


def arithmetic(layer: Layer, row: LayerReport) -> Arithmetic:
    """Return the arithmetic of a layer in the row of a report; nothing where the layer refuses what enters there."""
    y = row.output
    if row.result.refusals or y is None or None in row.inputs:
        return Arithmetic()
    entering: Any = row.inputs
    before = 0
    inputs: list[Shape] = []
    for shape in entering:
        inputs.append(_open(shape, "s", before))
        before += len(shape)
    plain = layer.traced(names=False)
    sizes = plain.output(unasked, *inputs)
    counts = plain.counts(inputs[0], _open(y, "y", 0))
    return Arithmetic(tuple(map(_text, sizes)), tuple(map(_text, counts)))


def _open(shape: Shape, letter: str, first: int) -> Shape:
    """Return a shape in numbers that are written ⟦s0⟧, ⟦s1⟧, ..."""
    return tuple(Traced(size, f"⟦{letter}{place}⟧") for place, size in enumerate(shape, start=first))


def _text(number: Any) -> str | None:
    if number is UNKNOWN or not isinstance(number, Traced) or number.named.strip("⟦⟧").isalnum():
        return None
    return number.named
