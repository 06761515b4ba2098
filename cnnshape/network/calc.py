"""One layer without a net, as the command `calc` has it: a type, sides and settings come in, an Explanation goes out.

It takes the layer types whose rule is about sides; channels are UNKNOWN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers import TYPES, Layer
from cnnshape.network.arithmetic import CHANNELS, SIDE, Explanation, axes_of, quantities, shape_lines
from cnnshape.network.flow import measure
from cnnshape.numbers.shape import text
from cnnshape.numbers.traced import value_of
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.catalogue import CODES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.layers.parameters import Parameter

MOST_COLOURS: Final = 4  # channels of an image: red, green, blue and opacity


def options(kind: type[Layer]) -> dict[str, Parameter[Any]]:
    """Return the parameters of a type that bear on sides."""
    return {name: parameter for name, parameter in kind.parameters.items() if parameter.sides}


def calculable() -> dict[str, type[Layer]]:
    """Return the layer types that `calc` takes: they need space and no other layer, and have a rule for sides."""

    def ruled(kind: type[Layer]) -> bool:
        alone = not any(reference.required for reference in kind.references.values())
        return alone and (kind.side is not Layer.side or bool(options(kind)))

    return {name: kind for name, kind in TYPES.items() if kind.ranks.start > 0 and ruled(kind)}


def setting(parameter: Parameter[Any], written: str, axes: int) -> Any:
    """Read a setting as people write it: 3, 3x5 for two axes, 1,2 for the two ends of each axis, a word. Raises Wrong."""

    def number(word: str) -> Any:
        for kind in (int, float):
            try:
                return kind(word)
            except ValueError:
                continue
        return word

    def split(word: str, sign: str, read: Any) -> Any:
        parts = [read(part) for part in word.split(sign)]
        return parts if len(parts) > 1 else parts[0]

    if written in parameter.words:
        return written
    value = split(written, "x", lambda side: split(side, ",", number))
    return parameter.read([value] * axes if "," in written and "x" not in written else value)


def calculate(kind: type[Layer], sides: tuple[int, ...], given: Mapping[str, str | bool]) -> Explanation:
    """Explain the output sides of a layer, given its input sides, and settings as written. Raises ValueError."""
    settings = {
        name: setting(kind.parameters[name], value, len(sides)) if isinstance(value, str) else value
        for name, value in given.items()
    }
    if problem := kind.inconsistent(settings):
        raise ValueError(problem.message)
    of_channels = {name: UNKNOWN for name in kind.required if name not in settings}  # such as out_channels
    layer = kind(**of_channels, **settings)
    axes = (CHANNELS, SIDE) if len(sides) == 1 else axes_of((UNKNOWN, *sides))
    x = quantities((UNKNOWN, *sides), axes)
    result = measure(layer.replace().completed(x).traced(), (x,))
    y = result.output or ()
    lines = tuple(shape_lines(layer, x, axes, result))
    problems = tuple(f"error: {CODES[code](**facts).message}" for code, facts in result.refusals)
    after = text(tuple(map(value_of, y[1:])))
    return Explanation(
        f"{kind.type}: {text(sides)} -> {after}", lines, (*problems, *_channels_given(sides)), ok=not problems
    )


def _channels_given(sides: tuple[int, ...]) -> tuple[str, ...]:
    """Return a note where the first of the sides looks like the channels of an image."""
    first, *others = sides
    if len(others) < 2 or first > MOST_COLOURS or min(others) <= MOST_COLOURS:  # noqa: PLR2004 -- height and width
        return ()
    return (f"note: sides have no channels: if {first} is their number, write {text(tuple(others))}",)
