"""A search space: names and their values in; its candidates out, each by its number, the last name varying fastest."""

from __future__ import annotations

import re
import tomllib
from fractions import Fraction
from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.numbers.shape import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

NUMBER: Final = r"[+-]?\d+(?:\.\d+)?"
RANGE: Final = re.compile(rf"({NUMBER})\.\.({NUMBER})(?:\.\.({NUMBER}))?")  # from..to..step, with its last number
APART: Final = re.compile(r",(?![^\[]*\])")  # commas outside of lists
MOST_VALUES: Final = 1_000_000  # of one name


class Space:
    """All combinations of some names' values."""

    def __init__(self, values: Mapping[str, Iterable[Any]]):
        self.values: dict[str, Sequence[Any]] = {}
        for name, given in values.items():
            self.values[name] = given if isinstance(given, range) else tuple(given)
            if not self.values[name]:
                raise ValueError(f"{name} has no values")
        self.size = prod(map(len, self.values.values()))

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Return the values of a candidate."""
        found = {}
        for name, values in reversed(self.values.items()):
            number, place = divmod(number, len(values))
            found[name] = values[place]
        return {name: found[name] for name in self.values}


def read_values(written: str) -> tuple[Any, ...]:
    """Read the values of a name: 16..128..16, or 1,2,3, or relu,silu. Raises ValueError."""
    return tuple(value for part in APART.split(written) for value in _part(part.strip()))


def _part(part: str) -> Iterator[Any]:
    """Yield the values that stand between two commas."""
    found = RANGE.fullmatch(part)
    if found:
        yield from _between(part, *(Fraction(number or 1) for number in found.groups()))
        return
    if not part or ".." in part:
        raise ValueError(f"{part!r} is no value: they are written as 16..128..16, or as 1,2,3")
    try:
        yield tomllib.loads(f"value = {part}")["value"]
    except tomllib.TOMLDecodeError:
        yield part  # a word, or an expression


def _between(part: str, first: Fraction, last: Fraction, step: Fraction) -> Iterator[int | float]:
    if not step or (last - first) / step < 0:
        raise ValueError(f"{part} has no values: it is written first..last..step")
    count = int((last - first) / step) + 1
    if count > MOST_VALUES:
        raise ValueError(f"{part} has {count:,} values, and {MOST_VALUES:,} are the limit")
    for number in (first + step * i for i in range(count)):
        yield int(number) if "." not in part.replace("..", "") else float(number)


def read_inputs(written: str, layout: str) -> tuple[Any, ...]:
    """Read the inputs to check at: sides, as the values of a name, or shapes in a file's layout. Raises ValueError."""
    if "x" in written:
        return tuple(parse(part.strip(), layout) for part in written.split(","))
    sides = read_values(written)
    for side in sides:
        if type(side) is not int or side < 1:
            raise ValueError(f"{side!r} is no side: write sides, as 128..256..32, or shapes, as 3x224x224")
    return sides
