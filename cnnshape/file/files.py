"""The files that one reading sees: unsaved texts before those on the disk, each read once.

In: the path of the file that is read, and unsaved texts by their paths. Out: Sources, and the paths that were asked for.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from cnnshape.file.source import Source

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    Overlay = Mapping[str, str | bytes] | Mapping[Path, str | bytes]  # unsaved texts by their paths


class Files:
    """A file, and those that it includes; a diagnosis, which comes later, sees them as the report did."""

    def __init__(self, named: str | os.PathLike[str] | None = None, overlay: Overlay | None = None) -> None:
        self.named = named  # None: a text alone, which includes from the working directory
        self.unsaved = _by_real_path(overlay) if overlay else {}
        self.sources: dict[Path, Source] = {}  # of the included files, by their real paths
        self.read: dict[Path, Source] = {}  # the same by the paths asked for, which are not looked for again
        self.asked: dict[Path, None] = {}  # all paths at which included files were looked for

    @cached_property
    def path(self) -> Path | None:
        from pathlib import Path  # most files include none, and need no paths

        return None if self.named is None else Path(self.named)

    def is_file(self, path: Path) -> bool:
        self.asked[path] = None
        return path in self.read or path.is_file() or bool(self.unsaved and path.resolve() in self.unsaved)

    def included(self, path: Path, real: Path) -> Source:
        """Return an included file, given its real path, too. Raises SourceError."""
        self.asked[path] = None
        if path not in self.read:
            if real not in self.sources:
                self.sources[real] = Source.read(path, unsaved=self.unsaved.get(real))
            self.read[path] = self.sources[real]
        return self.read[path]


def _by_real_path(overlay: Overlay) -> dict[Path, str | bytes]:
    from pathlib import Path

    return {Path(name).resolve(): text for name, text in overlay.items()}
