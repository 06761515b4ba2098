"""The names of included files -> their texts: found within the folders that may be read, without circles, within limits."""
# ruff: noqa: PTH118, PTH120 -- pathlib is dear to import, and checks do without

from __future__ import annotations

import os
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
        chain: tuple[str, ...] = (),
        read: list[Source] | None = None,
    ):
        self.notes, self.files = notes, files
        self.folder = folder  # the folder of the file
        self.chain = chain  # the files that include this one, outermost first, with it
        self.read: list[Source] = [] if read is None else read  # so far, shared by the whole chain

    @classmethod
    def of(cls, notes: Notes, files: Files) -> Includes:
        """Return the includes of the file itself."""
        path = files.path
        return cls(notes, files, os.path.dirname(path), (path,)) if path else cls(notes, files, "")

    def within(self, notes: Notes, found: str) -> Includes:
        """Return the includes of an included file."""
        return Includes(notes, self.files, os.path.dirname(found), (*self.chain, found), self.read)

    def source(self, name: str, path: KeyPath) -> tuple[str, Source] | None:
        """Return the file that an include names, with its text; None where it cannot be read (a noted problem)."""
        found = self.find(name)
        if isinstance(found, Problem):
            self.notes.at(path, found)
            return None
        real, chain = os.path.realpath(found), [*map(os.path.realpath, self.chain)]
        if real in chain:
            names = map(os.path.basename, (*chain[chain.index(real) :], found))
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
        return found, source

    def find(self, name: str) -> str | Problem:
        """Return the file that an include names, or the problem of the name."""
        if name.startswith(zoo.PREFIX):
            in_zoo = zoo.find(name)
            if isinstance(in_zoo, Problem):
                return reading.IncludeNotInZoo(**in_zoo.facts, suggestions=in_zoo.suggestions)
            return str(in_zoo)
        allowed = [self.folder, ""]
        try:
            candidates = [_joined(folder, name) for folder in allowed]
            files = [*filter(self.files.is_file, candidates)]
            real = ((candidate, os.path.realpath(candidate)) for candidate in files or candidates)
            inside = (candidate for candidate, at in real if any(_is_within(at, folder) for folder in allowed))
            found = next(inside, None)
        except (OSError, ValueError):  # a name that no file can have
            return reading.NotAFileName(name=shown(name))
        if found is None:
            return reading.IncludeOutside(name=shown(name))
        if files:
            return found
        of_zoo = name.removesuffix(".toml")
        hint = advice(f"the zoo has one: {zoo.PREFIX}{of_zoo}" if of_zoo in zoo.files() else "")
        return reading.IncludeNotFound(name=shown(name), suggestions=hint)


def _joined(folder: str, name: str) -> str:
    """Return the path of a name in a folder as people write it: without "." and a doubled separator."""
    path = os.path.join(folder, name)
    if ".." not in path:
        return os.path.normpath(path)
    from pathlib import PurePath  # which keeps "..": behind a link it is another folder

    return str(PurePath(path))


def _is_within(real: str, folder: str) -> bool:
    return os.path.join(real, "").startswith(os.path.join(os.path.realpath(folder), ""))
