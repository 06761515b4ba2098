"""The journal of a search: a file with a line for each chunk that is done, from which an interrupted search goes on.

In: chunks, as they come. Out: the chunks of an earlier run, without lines that are not whole, or stand there twice.
"""

from __future__ import annotations

import json
import time
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from cnnshape.network.totals import Totals
from cnnshape.space.job import Chunk

if TYPE_CHECKING:
    from pathlib import Path

    from cnnshape.space.job import Search

PATIENCE: Final = 1.0  # seconds: a search that takes less has no journal unless it is interrupted


class Journal:
    """The chunks of one search that are done, in a folder that has a file for every such search."""

    def __init__(self, folder: Path, found: Search):
        self.path = folder / f"{sha256(found.pickled).hexdigest()[:32]}.jsonl"
        self.unwritten: list[Chunk] = []
        self.due = time.monotonic() + PATIENCE
        self.failure = ""  # why nothing more can be written

    def read(self) -> list[Chunk]:
        """Return the chunks of a search that was interrupted. Raises ValueError where there is none."""
        try:
            lines = self.path.read_text(encoding="utf-8").split("\n")
        except FileNotFoundError:
            lines = []
        done: list[Chunk] = []
        for line in lines:
            try:
                chunk = _chunk(json.loads(line))
            except ValueError:  # it is empty, or its writing was interrupted
                continue
            if not done or chunk.stop > done[-1].stop:  # else it was written once more
                done.append(chunk)
        if not done:
            raise ValueError("no search of this file with these options was interrupted")
        return done

    def begin(self) -> None:
        """Forget what an earlier run has left."""
        with suppress(OSError):
            self.path.unlink()

    def add(self, chunk: Chunk) -> None:
        """Note a chunk; it is written now, or with the next ones."""
        self.unwritten.append(chunk)
        if time.monotonic() > self.due:
            self.write()

    def write(self) -> None:
        """Write what is not written; a search goes on without a journal where there is no place for one."""
        if self.failure:
            return
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.writelines(map(_line, self.unwritten))
        except OSError as error:
            self.failure = f"{error.filename}: {error.strerror}"
        self.unwritten.clear()
        self.due = time.monotonic() + PATIENCE


def _line(chunk: Chunk) -> str:
    """Write a chunk as a line, apart from what an interruption may have left before it."""
    return f"\n{json.dumps(chunk)}"


def _chunk(read: list[Any]) -> Chunk:
    stop, found, *rest = read
    return Chunk(stop, [(number, _totals(*totals)) for number, totals in found], *rest)


def _totals(inputs: dict[str, list[int]], outputs: dict[str, list[int]], *counts: Any) -> Totals:
    shapes: Any = ({name: tuple(shape) for name, shape in found.items()} for found in (inputs, outputs))
    return Totals(*shapes, *counts)
