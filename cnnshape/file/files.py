"""The files that one reading sees: unsaved texts before those on the disk, each read once.

In: the path of the file that is read, and unsaved texts by their paths. Out: Sources, and the paths that were asked for.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

from cnnshape.file.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Overlay = Mapping[str, str | bytes] | Mapping[Path, str | bytes]  # unsaved texts by their paths


class Files:
    """A file, and those that it includes; a diagnosis, which comes later, sees them as the report did."""

    def __init__(self, named: str | os.PathLike[str] | None = None, overlay: Overlay | None = None) -> None:
        # None: a text alone, which includes from the working directory
        self.path = None if named is None else os.fspath(named)
        self.unsaved = _by_real_path(overlay) if overlay else {}
        self.sources: dict[str, Source] = {}  # of the included files, by their real paths
        self.read: dict[str, Source] = {}  # the same by the paths asked for, which are not looked for again
        self.asked: dict[str, None] = {}  # all paths at which included files were looked for

    def is_file(self, path: str) -> bool:
        """Say whether there is a file, saved or not. Raises OSError and ValueError for a path that no file can have."""
        self.asked[path] = None
        return path in self.read or _is_file(path) or bool(self.unsaved and os.path.realpath(path) in self.unsaved)

    def included(self, path: str, real: str) -> Source:
        """Return an included file, given its real path, too. Raises SourceError."""
        self.asked[path] = None
        if path not in self.read:
            if real not in self.sources:
                self.sources[real] = Source.read(path, unsaved=self.unsaved.get(real))
            self.read[path] = self.sources[real]
        return self.read[path]


def _is_file(path: str) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 -- pathlib is dear to import, and checks do without
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            return False
        raise


def _by_real_path(overlay: Overlay) -> dict[str, str | bytes]:
    return {os.path.realpath(name): text for name, text in overlay.items()}
