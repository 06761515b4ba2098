"""The names of included files -> their texts: found within the folders that may be read, without circles, within limits."""
# ruff: noqa: PTH118, PTH120 -- pathlib is dear to import, and checks do without

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cnnshape.file import zoo
from cnnshape.file.source import LIMIT, SourceError
from cnnshape.problems import reading
from cnnshape.problems.base import Problem
from cnnshape.problems.suggest import advice
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from cnnshape.file.files import Files
    from cnnshape.file.notes import Notes
    from cnnshape.file.source import Source
    from cnnshape.problems.place import KeyPath

MAX_FILES: Final = 100  # includes, those of included files counted


class Includes:
    """The files that one file includes."""

    def __init__(
        self,
        notes: Notes,
        files: Files,
        folder: str,
        chain: tuple[str, ...],
        read: list[Source] | None = None,
    ):
        self.notes, self.files = notes, files
        self.folder = folder  # the folder of the file
        self.chain = chain  # the real paths of the files that include this one, outermost first, with it
        self.read: list[Source] = [] if read is None else read  # so far, shared by the whole chain

    @classmethod
    def of(cls, notes: Notes, files: Files) -> Includes:
        """Return the includes of the file itself."""
        path = files.path
        return cls(notes, files, os.path.dirname(path or ""), (os.path.realpath(path),) if path else ())

    def within(self, notes: Notes, found: str, real: str) -> Includes:
        """Return the includes of an included file, with its real path."""
        return Includes(notes, self.files, os.path.dirname(found), (*self.chain, real), self.read)

    @cached_property
    def real_folder(self) -> str:
        return os.path.realpath(self.folder)

    def source(self, name: str, path: KeyPath) -> tuple[str, str, Source] | None:
        """Return the file that an include names, its real path and its text; None where it cannot be read (a noted problem)."""
        place = self.find(name)
        if isinstance(place, Problem):
            self.notes.at(path, place)
            return None
        found, real = place
        if real in self.chain:
            names = map(os.path.basename, (*self.chain[self.chain.index(real) :], found))
            self.notes.problem(reading.IncludeCircle, path, circle=" -> ".join(names))
            return None
        try:
            source = self.files.included(found, real)
        except SourceError as error:
            self.notes.note(error.problem.placed(error.place, used_at=(self.notes.place(path),)))
            return None
        self.read.append(source)
        if len(self.read) > MAX_FILES:
            self.notes.too_large(path, "included files", MAX_FILES)
        if sum(len(source.text) for source in self.read) > LIMIT:
            self.notes.too_large(path, "characters in included files", LIMIT)
        return found, real, source

    def find(self, name: str) -> tuple[str, str] | Problem:
        """Return the file that an include names, with its real path, or the problem of the name."""
        if name.startswith(zoo.PREFIX):
            in_zoo = zoo.find(name)
            if isinstance(in_zoo, Problem):
                return reading.IncludeNotInZoo(**in_zoo.facts, suggestions=in_zoo.suggestions)
            return str(in_zoo), os.path.realpath(in_zoo)
        try:
            candidates = [_joined(folder, name) for folder in (self.folder, "")]
            files = [*filter(self.files.is_file, candidates)]
            real = ((candidate, os.path.realpath(candidate)) for candidate in files or candidates)
            found = next((place for place in real if self.may_read(place[1])), None)
        except (OSError, ValueError):  # a name that no file can have
            return reading.NotAFileName(name=shown(name))
        if found is None:
            return reading.IncludeOutside(name=shown(name))
        if files:
            return found
        of_zoo = name.removesuffix(".toml")
        hint = advice(f"the zoo has one: {zoo.PREFIX}{of_zoo}" if of_zoo in zoo.files() else "")
        return reading.IncludeNotFound(name=shown(name), suggestions=hint)

    def may_read(self, real: str) -> bool:
        """Say whether a real path is at or below the file's folder, or the working directory."""
        return _is_within(real, self.real_folder) or _is_within(real, os.path.realpath(""))


def _joined(folder: str, name: str) -> str:
    """Return the path of a name in a folder as people write it: without "." and a doubled separator."""
    path = os.path.join(folder, name)
    if ".." not in path:
        return os.path.normpath(path)
    from pathlib import PurePath  # which keeps "..": behind a link it is another folder

    return str(PurePath(path))


def _is_within(real: str, folder: str) -> bool:
    return os.path.join(real, "").startswith(os.path.join(folder, ""))
