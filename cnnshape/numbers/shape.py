"""Shapes: channels first, as torch's, without the batch; read and written in the layout of a file."""

from __future__ import annotations

from typing import Any, Final, TypeGuard

from cnnshape.numbers.unknown import UNKNOWN

Shape = tuple[
    Any, ...
]  # channels first, no batch: (C, W), (C, H, W), (C, D, H, W), (C,) without space, () without axes
Input = Shape | dict[str, Shape]  # as callers give one: the only input's shape, or shapes by the inputs' names

CHANNELS_FIRST: Final = "channels_first"
CHANNELS_LAST: Final = "channels_last"
LAYOUTS: Final = (CHANNELS_FIRST, CHANNELS_LAST)
MOST_DIGITS: Final = 19  # of a size of 64 bits

SIDES: Final = {1: ("long",), 2: ("high", "wide"), 3: ("deep", "high", "wide")}  # by the number of spatial axes
OF_PICTURES: Final = (1, 3, 4)  # channels: grey, colour, colour with transparency

LARGEST: Final = 2**63 - 1  # torch's sizes are int64
MAX_AXES: Final = 64  # torch's tensors have no more


def is_count(value: object, least: int) -> TypeGuard[int]:
    """Say whether a value is a whole number from `least` to the largest size of torch; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= LARGEST


def from_file(sizes: tuple[Any, ...], layout: str) -> Shape:
    """Return the shape whose sizes a file gives in its layout."""
    return (*sizes[-1:], *sizes[:-1]) if layout == CHANNELS_LAST else sizes


def to_file(shape: Shape, layout: str) -> tuple[Any, ...]:
    """Return the sizes of a shape in the layout of a file."""
    return (*shape[1:], *shape[:1]) if layout == CHANNELS_LAST else shape


def text(shape: Shape | None, layout: str = CHANNELS_FIRST) -> str:
    """Write a shape in a layout: 227x227x3, with "?" for a size that is not known, [] without axes."""
    if not shape:
        return "?" if shape is None else "[]"
    return "x".join("?" if size is UNKNOWN or size is None else str(size) for size in to_file(shape, layout))


def axes(shape: Shape) -> str:
    """Name the axes of a shape: 3 channels, 224 high, 224 wide."""
    if not shape:
        return "one number"
    channels, *sides = shape
    words = SIDES.get(len(sides), [f"along axis {axis}" for axis in range(2, len(shape) + 1)])
    named = [f"{side} {word}" for side, word in zip(sides, words, strict=True)] or ["flat"]
    return ", ".join((f"{channels} channel{'s' * (channels != 1)}", *named))


def other_order(shape: Shape, layout: str) -> Shape | None:
    """Return the shape that was probably meant by one with a picture's channels at the wrong end, or a batch in front.

    None for a shape without the look of another order. A layout says how the shape was written.
    """
    written, other = to_file(shape, layout), CHANNELS_FIRST if layout == CHANNELS_LAST else CHANNELS_LAST
    meant = written[1:] if len(written) == 4 else from_file(written, other)  # noqa: PLR2004 -- a batch, and a picture
    is_picture = len(meant) == 3 and meant[0] in OF_PICTURES and min(meant[1:]) > max(OF_PICTURES)  # noqa: PLR2004
    return meant if is_picture else None


def parse(written: str, layout: str) -> Shape:
    """Read a shape as `text` writes it: 227x227x3, in a layout; [] for one number. Raises ValueError."""
    return () if written.strip() == "[]" else from_file(parse_sizes(written), layout)


def parse_sizes(written: str, example: str = "3x224x224") -> Shape:
    """Read one size or more, 227x227. Raises ValueError, whose message has the example."""
    parts = written.split("x")
    sizes = tuple(int(part) if len(part) <= MOST_DIGITS and part.strip().isdecimal() else 0 for part in parts)
    if not all(is_count(size, 1) for size in sizes):
        raise ValueError(f"{written!r} is no shape: write its sizes with an x between them, as {example}")
    return sizes
