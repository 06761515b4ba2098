"""Where two layers that stand for each other differ, in words: type, settings, parameters, shapes, wiring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.side_layer import alike, comparable, different
from cnnshape.numbers.shape import text
from cnnshape.problems.wording import few, flagged, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.compare.side_layer import SideLayer
    from cnnshape.numbers.shape import Shape

MANY: Final = 4  # layers that a message names one by one


class Difference(NamedTuple):
    """One difference, in words: on the side of the file, and on that of the model."""

    file: str
    model: str
    key: str = ""  # the setting's
    follows: bool = False  # it may follow from other inputs


def of_settings(one: SideLayer, other: SideLayer) -> Iterator[Difference]:
    """Yield the settings that differ, or the types."""
    both = comparable(one, other)
    if both is None:
        yield Difference(one.type, other.type, "type")
        return
    for name in different(one, other):
        ours, theirs = (setting(name, settings[name]) for settings in both)
        yield Difference(ours, theirs, name, name in one.follows)


def of_shapes(one: SideLayer, other: SideLayer, layout: str) -> Iterator[Difference]:
    """Yield the outputs, if their shapes differ."""
    if not alike(one.output, other.output):
        here, there = (f"output {written(layer.output, layout)}" for layer in (one, other))
        yield Difference(here, there, follows=True)


# Words


def setting(name: str, value: Any) -> str:
    """Write a setting: kernel_size 3, bias, no bias."""
    if isinstance(value, bool):
        return flagged(name, value)
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return f"{name} {said(value)}"


def described(layer: SideLayer, layout: str) -> str:
    """Write a layer: conv, kernel_size 3, output 64x56x56."""
    settings = [setting(name, layer.settings[name]) for name in ("kernel_size", "stride") if name in layer.settings]
    output = [] if layer.output is None else [f"output {written(layer.output, layout)}"]
    return ", ".join([layer.type, *settings, *output])


def written(shape: Shape | None, layout: str) -> str:
    """Write a shape as the file does."""
    return "without axes" if shape == () else text(shape, layout)


def listed(values: Sequence[int], names: Sequence[str]) -> str:
    """Write values by their names, the first few of many."""
    return " and ".join(few([names[value - 1] for value in values], MANY)) or "nothing"
