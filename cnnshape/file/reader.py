"""The text of an architecture file -> Architecture, with all problems and their places; nothing is raised.

Text becomes a Source (TOML with places). The parts that blocks and layers see become a File: layout, constants,
defaults, and blocks, those of included files among them. With the net's own keys and layers this is the Architecture.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

from cnnshape.file import zoo
from cnnshape.file.architecture import Architecture, Block, File
from cnnshape.file.blocks import MAX_NAMES, Blocks
from cnnshape.file.files import Files
from cnnshape.file.keys import NET_KEYS, bad_identifier
from cnnshape.file.net import NetKeys
from cnnshape.file.notes import Enough, Notes
from cnnshape.file.settings import Settings
from cnnshape.file.source import Source, SourceError
from cnnshape.file.steps import Steps
from cnnshape.file.tables import Tables
from cnnshape.layers import TYPES
from cnnshape.layers.parameters import Reference
from cnnshape.numbers.shape import CHANNELS_FIRST, LAYOUTS
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import reading, values
from cnnshape.problems.base import Problem
from cnnshape.problems.suggest import did_you_mean, meant, misspelt, suggest_word
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    import os

    from cnnshape.file.includes import Includes
    from cnnshape.problems.place import KeyPath


def read(path: str | os.PathLike[str]) -> Architecture:
    """Read an architecture file, or zoo:NAME."""
    found = zoo.find(str(path)) if str(path).startswith(zoo.PREFIX) else path
    if isinstance(found, Problem):
        return _unreadable(SourceError(found, str(path)))
    try:
        source = Source.read(found, str(path))
    except SourceError as error:
        if isinstance(error.problem, reading.NoSuchFile):
            error.problem = error.problem.suggesting(did_you_mean(zoo.meant(path)))
        return _unreadable(error)
    return read_source(source, Files(found))


def read_text(text: str | bytes, file: str = "<string>", files: Files | None = None) -> Architecture:
    """Read an architecture from text; included files are looked for in the working directory, or as `files` says."""
    try:
        source = Source.from_text(text, file)
    except SourceError as error:
        return _unreadable(error)
    return read_source(source, files)


def read_source(source: Source, files: Files | None = None) -> Architecture:
    """Read an architecture from a source; `files` knows its path, and has the files that it includes."""
    notes, files = Notes(source), files or Files()
    return _Reader(source, notes, files).architecture()._replace(files=files)


def _unreadable(error: SourceError) -> Architecture:
    file = File(error.place.source, CHANNELS_FIRST, {}, {}, {})
    return Architecture(file, problems=(error.problem,))


class _Reader:
    """Reads one file, and those that it includes."""

    def __init__(self, source: Source, notes: Notes, files: Files, around: Includes | None = None):
        self.source, self.data = source, source.data
        self.notes, self.files, self.around = notes, files, around
        self.tables, self.settings = Tables(notes), Settings(notes)

    def architecture(self) -> Architecture:
        try:
            return self.net()
        except Enough:
            return Architecture(File(self.source, CHANNELS_FIRST, {}, {}, {}), problems=tuple(self.notes.problems))

    def net(self) -> Architecture:
        """Read a file that has a net. Raises Enough."""
        data, tables = self.data, self.tables
        tables.only(data, NET_KEYS, "an architecture file")
        file = self.file({})
        keys = NetKeys(tables, self.settings, file)
        blocks_only = "blocks" in data and not {"layers", "input", "inputs"} & data.keys()
        if blocks_only:
            tables.missing(reading.OnlyBlocks(key="layers"), data, (), NET_KEYS)
        claims = tuple(keys.claims(tables.table(data, "claims")))
        training = keys.training(tables.table(data, "training"))
        names = {*file.constants, "in_channels"}
        steps = () if blocks_only else Steps(tables, self.settings, file).steps(data, (), names)
        inputs = {} if blocks_only else keys.inputs(data)  # after the tables, to which TOML may have given them
        if data.get("layout", file.layout) != file.layout or misspelt(data, "layout", NET_KEYS):
            inputs = dict.fromkeys(inputs)  # no size's axis is known
        return Architecture(
            file,
            name=tables.text(data, "name"),
            source=tables.text(data, "source"),
            claims=claims if isinstance(data.get("layers"), list) else (),  # a net without layers has no figures
            training=training,
            steps=steps,
            inputs=inputs,
            outputs=keys.outputs(data) if "outputs" in data else None,
            allow=tables.allowed(data),
            problems=tuple(self.notes.problems),
        )

    # What blocks and layers see

    def file(self, defaults: dict[str, dict[str, Any]]) -> File:
        """Read the keys that included files have, too; `defaults` are those of the file that includes this one."""
        blocks = self.with_includes(defaults)
        blocks.read(self.data)
        return blocks.file

    def with_includes(self, defaults: dict[str, dict[str, Any]]) -> Blocks:
        """Read the same but for the file's own blocks."""
        data = self.data
        layout = self.layout(data.get("layout", CHANNELS_FIRST))
        constants = self.constants(self.tables.table(data, "constants"))
        own = self.layer_defaults(self.tables.table(data, "layer_defaults"), constants, layout)
        merged = {name: defaults.get(name, {}) | own.get(name, {}) for name in (*defaults, *own)}
        file = File(self.source, layout, constants, merged, {})
        blocks = Blocks(self.tables, self.settings, file)
        for path, name in self.tables.words(data, "include").items():
            for block in self.included(name, path, merged):
                blocks.add(block, path)
        return blocks

    def layout(self, layout: Any) -> str:
        if layout in LAYOUTS:
            return str(layout)
        kind = values.UnknownWord if isinstance(layout, str) else values.WrongKind
        takes, hint = f"one of {', '.join(LAYOUTS)}", did_you_mean(meant(layout, LAYOUTS, "value"))
        self.notes.problem(kind, ("layout",), key="layout", takes=takes, value=shown(layout), suggestions=hint)
        return CHANNELS_FIRST

    def constants(self, table: dict[str, Any]) -> dict[str, Any]:
        """Return the constants' values; UNKNOWN for one that is wrong, so that its users do not fail a second time."""
        if len(table) > MAX_NAMES:
            self.notes.too_large(("constants",), "constants", MAX_NAMES)
        found: dict[str, Any] = {}
        for name, value in table.items():
            path = ("constants", name)
            if name in NET_KEYS:
                self.tables.misplaced(path)
            elif problem := bad_identifier(name):
                self.notes.at(path, problem, of_key=True)
            else:
                number = self.settings.constant(value, path, found)
                found[name] = UNKNOWN if number is None else number
        return found

    def layer_defaults(
        self, table: dict[str, Any], constants: dict[str, Any], layout: str
    ) -> dict[str, dict[str, Any]]:
        """Return the file's own defaults, by type and parameter; None for one that is wrong."""
        found: dict[str, dict[str, Any]] = {}
        for name, settings in table.items():
            path: KeyPath = ("layer_defaults", name)
            if name not in TYPES:
                facts = {"suggestions": suggest_word(name, TYPES, "type"), "type": name}
                self.notes.problem(reading.UnknownType, path, of_key=True, **facts)
            elif not isinstance(settings, dict):
                self.notes.problem(values.NotATable, path, key=f"layer_defaults.{name}", value=shown(settings))
            else:
                parameters = {key: p for key, p in TYPES[name].parameters.items() if not isinstance(p, Reference)}
                self.tables.only(settings, parameters, name, path)
                found[name] = {}
                for key, value in settings.items():
                    if parameter := parameters.get(key):
                        setting = self.settings.setting(parameter, value, (*path, key), constants, layout)
                        settled = self.settings.settled(parameter, setting, (*path, key), constants, layout)
                        found[name][key] = settled
        return found

    # Included files

    @cached_property
    def includes(self) -> Includes:
        """The files that this one includes, which most do not."""
        from cnnshape.file.includes import Includes

        return self.around or Includes.of(self.notes, self.files)

    def included(self, name: str, path: KeyPath, defaults: dict[str, dict[str, Any]]) -> tuple[Block, ...]:
        """Return the blocks of an included file; it takes over the defaults of this one, but for those it sets."""
        found = self.includes.source(name, path)
        if found is None:
            return ()
        file, real, source = found
        notes = Notes(source, self.notes.problems)
        return _Reader(source, notes, self.files, self.includes.within(notes, file, real)).blocks(defaults)

    def blocks(self, defaults: dict[str, dict[str, Any]]) -> tuple[Block, ...]:
        """Read an included file; return its own blocks, without those that it includes."""
        self.tables.only(self.data, NET_KEYS, "an architecture file")
        blocks = self.with_includes(defaults)
        given = tuple((name, *settings.items()) for name, settings in defaults.items())
        kept = _kept(self.source, given, tuple(map(id, blocks.file.blocks.values())))
        if kept:
            return kept[0]
        before = len(self.notes.problems)
        blocks.read(self.data)
        own = tuple(block for block in blocks.file.blocks.values() if block.file is blocks.file)
        if len(self.notes.problems) == before:
            kept.append(own)  # with its file, and so with the blocks that this one includes: their ids stay theirs
        return own


@lru_cache(maxsize=64)  # nets of a folder include the same few files
def _kept(source: Source, defaults: tuple[tuple[Any, ...], ...], included: tuple[int, ...]) -> list[tuple[Block, ...]]:  # noqa: ARG001 -- the key
    """Return the list that keeps the blocks of an included file, by all that decides them; empty if they have problems."""
    return []
