"""A safetensors file -> the shapes of its tensors, from its header alone: eight bytes of length, and JSON.

https://huggingface.co/docs/safetensors: every tensor has a dtype, a shape, and its first and last byte behind the header.
"""

from __future__ import annotations

import json
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from cnnshape.checkpoint.record import LARGEST_TEXT, CheckpointError, Table, length_of, shape_of, told
from cnnshape.numbers.shape import is_count

if TYPE_CHECKING:
    from cnnshape.numbers.shape import Shape

PREFIX: Final = 8  # bytes that say how long the header is
BITS: Final = {  # of an element, by dtype
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"), 8),
}


def read(file: BinaryIO) -> Table:
    """Return the shapes by name. Raises CheckpointError."""
    whole, start = length_of(file), file.read(PREFIX)
    length = int.from_bytes(start, "little")
    if len(start) < PREFIX or length > whole - PREFIX:
        raise CheckpointError(
            f"its header would have {length:,} bytes, and the file has {whole:,}: it is cut off or damaged"
        )
    if length > LARGEST_TEXT:
        raise CheckpointError(f"its header has {length:,} bytes, and may have {LARGEST_TEXT:,}")
    header = parsed(file.read(length), "its header")
    header.pop("__metadata__", None)
    behind = whole - PREFIX - length
    found = {name: _tensor(name, entry, behind) for name, entry in header.items()}
    _check_bytes({name: header[name]["data_offsets"] for name in found}, behind)
    return found


def _check_bytes(offsets: dict[str, list[int]], behind: int) -> None:
    """Raise CheckpointError where the tensors are not one behind the other, without a gap, up to the end: nobody loads that."""
    end = 0
    for name, (first, last) in sorted(offsets.items(), key=lambda each: each[1]):
        if first != end:
            raise CheckpointError(f"{told(name)} begins at byte {first:,}, and not at {end:,}: the file is damaged")
        end = last
    if offsets and end < behind:
        raise CheckpointError(f"{behind - end:,} bytes behind its last tensor are of none: the file is damaged")


def parsed(text: bytes, where: str) -> dict[str, Any]:
    """Return the object of a JSON text without repeated names. Raises CheckpointError."""
    try:
        found = json.loads(text, object_pairs_hook=_once)
    except CheckpointError:
        raise
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} is no JSON: {told(error) or 'it is nested too deeply'}") from None
    if not isinstance(found, dict):
        raise CheckpointError(f"{where} is no JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise CheckpointError("a name stands twice in it")
    return found


def _tensor(name: str, entry: Any, behind: int) -> Shape:
    """Return the shape of an entry whose bytes are there; `behind` is the number of bytes behind the header."""
    fields: dict[str, Any] = entry if isinstance(entry, dict) else {}
    sizes, offsets, dtype = (fields.get(key) for key in ("shape", "data_offsets", "dtype"))
    if not isinstance(sizes, list) or not isinstance(offsets, list) or not isinstance(dtype, str):
        raise CheckpointError(f"{told(name)} in its header is no tensor")
    if len(offsets) != 2 or not all(is_count(offset, 0) for offset in offsets):  # noqa: PLR2004 -- first and last
        raise CheckpointError(f"{told(name)} in its header is no tensor")
    shape, (first, last) = shape_of(sizes, name), offsets
    if not first <= last <= behind:
        raise CheckpointError(f"{told(name)} would end at byte {last:,} of {behind:,}: the file is cut off or damaged")
    if dtype in BITS and prod(shape) * BITS[dtype] != 8 * (last - first):
        raise CheckpointError(f"{told(name)} is {told(shape)} of {dtype}, and has {last - first:,} bytes")
    return shape
