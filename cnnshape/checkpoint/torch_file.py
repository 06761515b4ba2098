"""A file of torch.save, a zip or one of before 2020 -> the shapes of the tensors in it.

A zip has `NAME/data.pkl`, and a file `NAME/data/KEY` for each storage; an older file has five pickles one after the other,
a magic number first, and the storages behind them. The storages are never read: only their sizes are compared.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from cnnshape.checkpoint import pickled
from cnnshape.checkpoint.record import LARGEST_PICKLE, CheckpointError, Table, length_of, told

if TYPE_CHECKING:
    from cnnshape.checkpoint.pickled import Pickle

ZIP: Final = b"PK\x03\x04"
MAGIC: Final = 0x1950A86A20F9469CFC6C
PROTOCOL: Final = 1001
LARGEST_LIST: Final = 8 * 2**20  # bytes of a zip's list of files: some 80,000
ENCRYPTED: Final = 1  # a flag of a zip's file
END, LOCATOR, END_64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"  # the records at the end of a zip


def read_zip(file: BinaryIO) -> Table:
    """Return the tables of a zip of torch.save. Raises CheckpointError."""
    if _list_length(file) > LARGEST_LIST:
        raise CheckpointError(f"its list of files has more than {LARGEST_LIST:,} bytes")
    try:
        with zipfile.ZipFile(file) as archive:
            return _of_archive(archive)
    except CheckpointError:
        raise
    except (zipfile.BadZipFile, zlib.error, struct.error, NotImplementedError, RuntimeError, EOFError, ValueError,
            OverflowError, OSError) as error:  # fmt: skip
        raise CheckpointError(f"it is no whole zip: {told(error)}") from None


def _list_length(file: BinaryIO) -> int:
    """Return how many bytes the list of files has, the larger number where a zip says two."""
    whole = length_of(file)
    file.seek(max(0, whole - 2**16 - 98))
    tail = file.read()
    at = tail.rfind(END)
    if at < 0:
        raise CheckpointError("it is no whole zip: it is cut off, or damaged")
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    larger = tail[at - 76 : at - 20]
    if tail[at - 20 : at].startswith(LOCATOR) and larger.startswith(END_64):
        length = max(int.from_bytes(larger[40:48], "little"), length % 0xFFFF_FFFF)
    return length


def _of_archive(archive: zipfile.ZipFile) -> Table:
    files: dict[str, zipfile.ZipInfo] = {}
    for entry in archive.infolist():
        if entry.filename in files:
            raise CheckpointError(f"it has {told(entry.filename)} twice")
        if entry.flag_bits & ENCRYPTED:
            raise CheckpointError(f"{told(entry.filename)} is encrypted")
        files[entry.filename] = entry
    heads = [name for name in files if name.count("/") == 1 and name.endswith("/data.pkl")]
    if len(heads) != 1:
        raise CheckpointError("it is a zip, and none of torch.save: that has one file NAME/data.pkl")
    folder = heads[0].removesuffix("data.pkl")
    if any(name.startswith(f"{folder}code/") for name in files):
        raise CheckpointError("it is a program (TorchScript), and not tensors alone: refused; save model.state_dict()")
    head = files[heads[0]]
    if head.file_size > LARGEST_PICKLE:
        raise CheckpointError(f"its data.pkl has {head.file_size:,} bytes, and may have {LARGEST_PICKLE:,}")
    with archive.open(head) as stream:
        found = pickled.read(BytesIO(stream.read(LARGEST_PICKLE + 1)))
    for key, size in found.storages.items():
        numbers = files.get(f"{folder}data/{key}")
        if numbers is None or numbers.file_size < size:
            raise CheckpointError(f"the numbers of data/{told(key)} are not all there: the file is damaged")
    return pickled.tables(found.content)


def read_pickles(file: BinaryIO) -> Table:
    """Return the tables of an older file of torch.save, or of a pickle of tensors. Raises CheckpointError."""
    raw = BytesIO(file.read(LARGEST_PICKLE))
    first = pickled.read(raw).content
    if first != MAGIC:
        return pickled.tables(first)
    if pickled.read(raw).content != PROTOCOL:
        raise CheckpointError("it is a file of torch.save of another version")
    pickled.read(raw)  # the system that wrote it
    found = pickled.read(raw)
    keys: Any = pickled.read(raw).content
    if not isinstance(keys, list) or not {*found.storages} <= {key for key in keys if isinstance(key, str)}:
        raise CheckpointError("the numbers of its tensors are not all listed: the file is damaged")
    _check_length(found, length_of(file) - raw.tell())
    return pickled.tables(found.content)


def _check_length(found: Pickle, behind: int) -> None:
    """Raise CheckpointError where there are fewer bytes than the storages have, each with a number of eight before it."""
    needed = sum(size + 8 for size in found.storages.values())
    if behind < needed:
        raise CheckpointError(f"{behind:,} bytes of numbers are there, of {needed:,}: the file is cut off")
