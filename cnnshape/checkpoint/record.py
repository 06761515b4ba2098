"""The record of a checkpoint: tables of tensors' shapes by name; the limits and the error that all formats share.

Nothing of a checkpoint is believed: each size is checked before it is used, and a file that is none of the formats, or
would cost more than its limits, raises CheckpointError with a line that says why.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from cnnshape.numbers.shape import is_count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cnnshape.numbers.shape import Shape

Table = dict[str, Any]  # a tensor's shape, a tuple, or a table within, by name

LARGEST_TEXT: Final = 16 * 2**20  # bytes of a safetensors header or an index: a hundred thousand tensors
LARGEST_PICKLE: Final = 64 * 2**20  # bytes of a pickle, tensors apart
MOST_AXES: Final = 64  # torch's own limit
MOST_ELEMENTS: Final = 2**63 - 1
MOST_ENTRIES: Final = 1_000_000  # of all tables together
MOST_LEVELS: Final = 8  # of tables within tables; those below are left out
SHOWN: Final = 80  # characters of a name of theirs in a message


class CheckpointError(ValueError):
    """A checkpoint that cannot be read, or that is refused."""


def told(name: object) -> str:
    """Write a name of theirs, which may be anything, for a message."""
    text = str(name)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def opened(path: Path) -> BinaryIO:
    """Open a file, and no folder, pipe or device. Raises CheckpointError."""
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise CheckpointError("it is a folder: name the file in it, or the *.index.json of several")
        if not stat.S_ISREG(kind):
            raise CheckpointError("it is no ordinary file")
        return path.open("rb")
    except (OSError, ValueError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(str(getattr(error, "strerror", None) or error).lower()) from None


def length_of(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size


def shape_of(sizes: Sequence[Any], name: object) -> Shape:
    """Return sizes of theirs as a shape. Raises CheckpointError where no tensor can have them."""
    if len(sizes) > MOST_AXES:
        raise CheckpointError(f"{told(name)} would have {len(sizes):,} axes")
    elements = 1
    for size in sizes:
        if not is_count(size, 0):
            raise CheckpointError(f"{told(name)} has an axis of {told(repr(size))}")
        elements *= size
        if elements > MOST_ELEMENTS:
            raise CheckpointError(f"{told(name)} would have more elements than any tensor: {told(tuple(sizes))}")
    return tuple(sizes)


def flat(table: Table, path: tuple[str, ...] = (), *, budget: list[int]) -> Iterator[tuple[tuple[str, ...], Shape]]:
    """Yield the way to each tensor of a table and of those within, with its shape; spend the budget of entries."""
    for name, entry in table.items():
        budget[0] -= 1
        if budget[0] < 0:
            raise CheckpointError(f"it has more than {MOST_ENTRIES:,} entries")
        if isinstance(entry, tuple):
            yield (*path, name), entry
        elif len(path) + 1 < MOST_LEVELS:
            yield from flat(entry, (*path, name), budget=budget)
