"""The door: a checkpoint's path -> its tables of shapes, whatever its format; what it is, its first bytes say.

The index of a sharded checkpoint (`*.index.json`) names a file for each tensor; those stand in its folder or below.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from cnnshape.checkpoint import safetensors, torch_file
from cnnshape.checkpoint.record import LARGEST_TEXT, MOST_ENTRIES, CheckpointError, Table, flat, length_of, opened, told

if TYPE_CHECKING:
    import os

PICKLE: Final = b"\x80"
MOST_FILES: Final = 1_000  # of a sharded checkpoint
OTHERS: Final = {  # formats that are not read, by their first bytes
    b"\x89HDF\r\n": "it is HDF5, as Keras writes it",
    b"GGUF": "it is GGUF, of quantised language models",
    b"\x93NUMPY": "it is an array of NumPy",
    b"\x1f\x8b": "it is compressed: unpack it",
    b"\x08": "it is perhaps ONNX",
    b"version https://": "it is a pointer of Git LFS, and the file is not here yet: git lfs pull",
    b"<": "it is perhaps a web page: the download went wrong",
}


def read(path: str | os.PathLike[str]) -> Table:
    """Return a checkpoint's tables: tensors' shapes by name, and tables within. Raises CheckpointError."""
    path = Path(path)
    with opened(path) as file:
        start = _start(file)
        index = path.suffix == ".json" or _is_json(start, length_of(file))
        found = _sharded(path, file) if index else _whole(file, start)
    if not any(flat(found, budget=[MOST_ENTRIES])):
        raise CheckpointError("it has no tensors")
    return found


def _start(file: BinaryIO) -> bytes:
    """Return the first bytes of a file, which is then at its beginning again."""
    start = file.read(16)
    file.seek(0)
    return start


def _is_json(start: bytes, length: int) -> bool:
    """Whether a file begins as JSON, and not as a safetensors file, whose length of the header may begin with any byte."""
    return start.lstrip()[:1] == b"{" and int.from_bytes(start[:8], "little") > length


def _whole(file: BinaryIO, start: bytes) -> Table:
    """Return the tables of one file."""
    if not start:
        raise CheckpointError("it is empty")
    if start.startswith(torch_file.ZIP):
        return torch_file.read_zip(file)
    if start[8:9] == b"{":
        return safetensors.read(file)
    if start.startswith(PICKLE):
        return torch_file.read_pickles(file)
    kind = next((kind for begin, kind in OTHERS.items() if start.startswith(begin)), "it is none of them")
    raise CheckpointError(f"checkpoints are .safetensors, .pt or .pth of torch.save, and *.index.json: {kind}")


def _sharded(path: Path, file: BinaryIO) -> Table:
    """Return the tensors that the files of an index have."""
    if length_of(file) > LARGEST_TEXT:
        raise CheckpointError(f"the index has {length_of(file):,} bytes, and may have {LARGEST_TEXT:,}")
    places = safetensors.parsed(file.read(LARGEST_TEXT), "the index").get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise CheckpointError("it is JSON, and no index: that has a weight_map from tensors to files")
    names = sorted({*places.values()})
    if len(names) > MOST_FILES:
        raise CheckpointError(f"the index names {len(names):,} files, and may name {MOST_FILES:,}")
    found: Table = {}
    for name in names:
        for tensor, shape in _shard(path, name).items():
            if tensor in found:
                raise CheckpointError(f"{told(tensor)} stands in {told(name)} and in another file")
            found[tensor] = shape
    lost = next((tensor for tensor in places if tensor not in found), None)
    if lost is not None:
        raise CheckpointError(f"{told(lost)} is not in {told(places[lost])}, where the index says that it is")
    return found


def _shard(index: Path, name: str) -> dict[str, Any]:
    """Return the tensors of a file that an index names."""
    try:
        place = index.parent.joinpath(name).resolve()
        # a cache keeps a checkpoint as links to files in a folder beside, where its index is, too
        within = any(place.is_relative_to(folder) for folder in (index.parent.resolve(), index.resolve().parent))
    except (OSError, ValueError, RuntimeError):
        within = False
    if not within or not name or ".." in Path(name).parts or Path(name).is_absolute():
        raise CheckpointError(f"the index leads out of its folder, to {told(name)}: refused")
    try:
        with opened(place) as file:
            tables = _whole(file, _start(file))
        return {".".join(way): shape for way, shape in flat(tables, budget=[MOST_ENTRIES])}
    except CheckpointError as error:
        raise CheckpointError(f"{told(name)}: {error}") from None
