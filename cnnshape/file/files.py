"""The files that one reading sees: unsaved texts before those on the disk, each read once.

In: the path of the file that is read, and unsaved texts by their paths. Out: Sources, and the paths that were asked for.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnnshape.file.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    Overlay = Mapping[str, str | bytes] | Mapping[Path, str | bytes]  # unsaved texts by their paths


class Files:
    """A file, and those that it includes; a diagnosis, which comes later, sees them as the report did."""

    def __init__(self, path: Path | None = None, overlay: Overlay | None = None) -> None:
        self.path = path  # None: a text alone, which includes from the working directory
        self.unsaved = {Path(name).resolve(): text for name, text in (overlay or {}).items()}
        self.sources: dict[Path, Source] = {}  # of the included files, by their real paths
        self.read: dict[Path, Source] = {}  # the same by the paths asked for, which are not looked for again
        self.asked: dict[Path, None] = {}  # all paths at which included files were looked for

    def is_file(self, path: Path) -> bool:
        self.asked[path] = None
        return path in self.read or path.resolve() in self.unsaved or path.is_file()

    def included(self, path: Path) -> Source:
        """Return an included file. Raises SourceError."""
        self.asked[path] = None
        if path not in self.read:
            real = path.resolve()
            if real not in self.sources:
                self.sources[real] = Source.read(path, unsaved=self.unsaved.get(real))
            self.read[path] = self.sources[real]
        return self.read[path]
