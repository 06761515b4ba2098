"""TOML text -> Architecture: every key and value is checked, and all problems are collected, with their places."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file import zoo
from cnnshape.file.architecture import Architecture, Block, File, Setting, Step, waits
from cnnshape.file.expression import MAX_EXPRESSION_LENGTH, Template, parse
from cnnshape.file.source import LIMIT, Source, SourceError
from cnnshape.file.values import BLOCK_KEYS, EXPECT, NET_KEYS, STEP_KEYS, Enough, Values
from cnnshape.layers import TYPES, Layer
from cnnshape.layers.parameters import Count, Flag, Reference
from cnnshape.network.graph import Claim
from cnnshape.numbers.shape import CHANNELS_FIRST, LAYOUTS, Shape
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import building, reading, values
from cnnshape.problems.base import Problem
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import advice, close, did_you_mean, misspelt, suggest
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from cnnshape.problems.place import KeyPath, SourceText

CLAIMS: Final = ("parameters", "macs", "output", "outputs", "valid_sizes")
TRAINING: Final = ("batch_size", "optimizer")  # those that mean something here; other facts are free

NAME: Final = re.compile(r"[\w-]+")
INPUT: Final = re.compile(r"input\d*")
MAX_FILES: Final = 100  # includes, those of included files counted
MAX_NAMES: Final = 1_000  # constants of a file, arguments of a block: each copy of a layer has its own scope
MAX_NAME: Final = 100  # characters

# What a layer may say beside its parameters, read as those are; `expect` is in cnnshape.file.values.
REPEAT, WHEN = Count(least=0), Flag()
REPEAT.name, WHEN.name = "repeat", "when"

# Whole numbers elsewhere, read as parameters are.
COUNTS: Final = {"parameters": Count(least=0), "macs": Count(least=0)}
BATCH_SIZE: Final = Count()
for _name, _parameter in {**COUNTS, "batch_size": BATCH_SIZE}.items():
    _parameter.name = _name


def read(path: str | os.PathLike[str]) -> Architecture:
    """Read an architecture file, or zoo:NAME; what is wrong is in `problems`, nothing is raised."""
    found = zoo.find(path)
    if isinstance(found, Problem):
        return _unreadable(SourceError(found, str(path)))
    try:
        source = Source.read(found, str(path))
    except SourceError as error:
        return _unreadable(error)
    return _read(_Reader(source, found.parent, (found.resolve(),)))


def read_text(text: str, file: str = "<string>") -> Architecture:
    """Read an architecture from text; included files are looked for in the working directory."""
    try:
        source = Source.from_text(text, file)
    except SourceError as error:
        return _unreadable(error)
    return _read(_Reader(source, Path()))


def _read(reader: _Reader) -> Architecture:
    try:
        return reader.net()
    except Enough:
        return Architecture(File(reader.source, CHANNELS_FIRST, {}, {}, {}), problems=tuple(reader.problems))


def _unreadable(error: SourceError) -> Architecture:
    file = File(error.place.source, CHANNELS_FIRST, {}, {}, {})
    return Architecture(file, problems=(error.problem,))


class _Reader(Values):
    """Reads one file, included ones with it, and notes the problems."""

    def __init__(self, source: SourceText, folder: Path, chain: tuple[Path, ...] = (), parent: _Reader | None = None):
        super().__init__(source, parent.problems if parent else None)
        self.data = source.data
        self.folder = folder
        self.chain = chain  # the files that include this one, outermost first, with it
        self.included: list[tuple[Path, Source]] = parent.included if parent else []  # so far, by anybody

    # The parts of a file that blocks see

    def file(self, defaults: dict[str, dict[str, Any]]) -> File:
        """Read what included files may have too; `defaults` are those of the file that includes this one."""
        data = self.data
        layout = data.get("layout", CHANNELS_FIRST)
        if layout not in LAYOUTS:
            kind = values.UnknownWord if isinstance(layout, str) else values.WrongKind
            takes = f"one of {', '.join(LAYOUTS)}"
            self.problem(kind, ("layout",), key="layout", takes=takes, value=shown(layout))
            layout = CHANNELS_FIRST
        constants = self.constants(self.table(data, "constants"))
        own = self.layer_defaults(self.table(data, "layer_defaults"), constants, layout)
        merged = {name: defaults.get(name, {}) | own.get(name, {}) for name in (*defaults, *own)}
        file = File(self.source, layout, constants, merged, {})
        for path, name in self.words(data, "include").items():
            self.include(name, path, file)
        tables = self.table(data, "blocks")
        own_blocks = [block for name, table in tables.items() if (block := self.block_head(name, table, file))]
        for block in own_blocks:  # their layers come last: they may use blocks that stand below
            names = {*file.constants, *block.parameters(), "in_channels"}
            steps = self.steps(tables[block.name], block.place.path, names, file)
            if file.blocks[block.name] is block:
                file.blocks[block.name] = block._replace(steps=steps)
        self.find_circles(file)
        return file

    def constants(self, table: dict[str, Any]) -> dict[str, Any]:
        if len(table) > MAX_NAMES:
            self.too_large(("constants",), "constants", MAX_NAMES)
        found: dict[str, Any] = {}
        for name, value in table.items():
            path = ("constants", name)
            if name in NET_KEYS:
                self.misplaced(path)
            elif self.identifier(name, path):
                number = self.number(value, path, found)
                found[name] = UNKNOWN if number is None else number  # so that its users do not fail a second time
        return found

    def layer_defaults(
        self, table: dict[str, Any], constants: dict[str, Any], layout: str
    ) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for name, settings in table.items():
            path: KeyPath = ("layer_defaults", name)
            if name not in TYPES:
                self.problem(reading.UnknownType, path, of_key=True, suggestions=suggest(name, TYPES), type=name)
            elif not isinstance(settings, dict):
                self.problem(values.NotATable, path, key=f"layer_defaults.{name}", value=shown(settings))
            else:
                parameters = {key: p for key, p in TYPES[name].parameters.items() if not isinstance(p, Reference)}
                self.only(settings, parameters, name, path)
                found[name] = {}
                for key, value in settings.items():
                    if parameter := parameters.get(key):
                        setting = self.setting(parameter, value, (*path, key), constants, layout)
                        settled = self.settled_here(parameter, setting, (*path, key), constants, layout)
                        found[name][key] = settled
        return found

    def include(self, name: str, path: KeyPath, file: File) -> None:
        """Bring in the blocks of another file."""
        found = self.find(name)
        if isinstance(found, Problem):
            self.note(found.placed(Place(self.source, path)))
            return
        real = found.resolve()
        if real in self.chain:
            names = (*(file.name for file in self.chain[self.chain.index(real) :]), found.name)
            self.problem(reading.IncludeCircle, path, circle=" -> ".join(names))
            return
        source = next((source for path, source in self.included if path == real), None)  # one, for what is wrong in it
        try:
            source = source or Source.included(found)
        except SourceError as error:
            self.note(error.problem.placed(error.place, used_at=(Place(self.source, path),)))
            return
        self.included.append((real, source))
        if len(self.included) > MAX_FILES:
            self.too_large(path, "included files", MAX_FILES)
        if sum(len(source.text) for _, source in self.included) > LIMIT:
            self.too_large(path, "characters in included files", LIMIT)
        blocks = _blocks(source, tuple((name, *settings.items()) for name, settings in file.defaults.items()))
        if blocks is None:
            blocks = _Reader(source, found.parent, (*self.chain, real), self).blocks(file.defaults)
        for block in blocks:
            self.add(block, path, file)

    def blocks(self, defaults: dict[str, dict[str, Any]]) -> tuple[Block, ...]:
        """Read an included file, and return its own blocks: what it includes itself is for itself."""
        self.only(self.data, NET_KEYS, "an architecture file")
        return tuple(block for block in self.file(defaults).blocks.values() if block.file.source is self.source)

    def find(self, name: str) -> Path | Problem:
        """Return the file that is meant by an include, or what is wrong with it."""
        if name.startswith(zoo.PREFIX):
            in_zoo = zoo.find(name)
            if isinstance(in_zoo, Problem):
                return reading.IncludeNotInZoo(**in_zoo.facts, suggestions=in_zoo.suggestions)
            return in_zoo
        allowed = [self.folder, Path()]
        try:
            candidates = [folder / name for folder in allowed]
            files = [candidate for candidate in candidates if candidate.is_file()]
            inside = (c for c in files or candidates if any(c.resolve().is_relative_to(f.resolve()) for f in allowed))
            found = next(inside, None)
        except (OSError, ValueError, RuntimeError):  # a name that no file can have; a circle of links
            return reading.NotAFileName(name=shown(name))
        if found is None:
            return reading.IncludeOutside(name=shown(name))
        if files:
            return found
        of_zoo = name.removesuffix(".toml")
        mean = advice(f"the zoo has one: {zoo.PREFIX}{of_zoo}" if of_zoo in zoo.files() else "")
        return reading.IncludeNotFound(name=shown(name), suggestions=mean)

    def add(self, block: Block, path: KeyPath, file: File) -> None:
        """Put a block where the file's layers find it."""
        if other := file.blocks.get(block.name):
            name = block.name
            self.problem(building.DuplicateName, path, of_key=True, what="blocks", name=name, other=other.place)
        else:
            file.blocks[block.name] = block

    # Blocks and layers

    def block_head(self, name: str, table: Any, file: File) -> Block | None:
        """Read what others need to know of a block: all but its layers."""
        path: KeyPath = ("blocks", name)
        if problem := bad_name(name):
            self.note(problem.placed(Place(self.source, path, of_key=True)))
        if not isinstance(table, dict):
            self.problem(values.NotATable, path, key=f"blocks.{name}", value=shown(table))
            return None
        self.only(table, BLOCK_KEYS, f"block {name}", path)
        arguments = self.words(table, "arguments", path)
        defaults, words = self.table(table, "defaults", path), self.table(table, "words", path)
        optional = {(*path, "defaults", key): key for key in defaults} | {(*path, "words", key): key for key in words}
        if len(arguments) + len(optional) > MAX_NAMES:
            self.too_large(path, "arguments", MAX_NAMES)
        seen: set[str] = set(file.constants)
        for place, argument in (arguments | optional).items():
            if self.identifier(argument, place) and argument in seen:
                self.problem(reading.NameTaken, place, of_key=True, name=argument)
            seen.add(argument)
        names = {*seen, "in_channels"}
        settings = {key: self.argument(value, (*path, "defaults", key), names) for key, value in defaults.items()}
        spoken = {key: self.word(value, (*path, "words", key), names) for key, value in words.items()}
        block = Block(name, file, Place(self.source, path), tuple(arguments.values()), settings, spoken, (), {})
        self.add(block, path, file)
        return block

    def find_circles(self, file: File) -> None:
        """Note each circle of blocks that use each other, at the use that closes it."""
        uses = {
            name: [step for step in block.steps if isinstance(step.block, str) and step.block in file.blocks]
            for name, block in file.blocks.items()
            if block.file is file
        }
        done: set[str] = set()
        for start, first in uses.items():
            trail = {start: iter(first)}  # the blocks from the start to where the search is, in order
            while trail:
                name, others = next(reversed(trail.items()))
                step = next(others, None)
                if step is None:
                    done.add(name)
                    del trail[name]
                elif step.block in trail:
                    names = list(trail)
                    circle = " -> ".join([*names[names.index(str(step.block)) :], str(step.block)])
                    self.problem(building.BlockCircle, step.at("block").path, circle=circle)
                elif step.block in uses and step.block not in done:
                    trail[str(step.block)] = iter(uses[str(step.block)])

    def argument(self, value: Any, path: KeyPath, names: Iterable[str]) -> Setting:
        """Return what is handed to a block as a number or truth value, an expression parsed; None where it is wrong."""
        if isinstance(value, str):
            return self.parsed(parse, value, path, names)
        return self.number(value, path, {})

    def word(self, value: Any, path: KeyPath, names: Iterable[str]) -> Setting:
        if isinstance(value, str) and 0 < len(value) <= MAX_EXPRESSION_LENGTH:
            return self.template(value, path, names) or None
        self.problem(values.NotAWord, path, key=path[-1], value=shown(value))
        return None

    def steps(self, table: Mapping[str, Any], path: KeyPath, names: set[str], file: File) -> tuple[Step, ...]:
        entries = table.get("layers")
        unknown = (Step(Place(self.source, path), broken=True, lost=True),) if path else ()  # a net shows none
        if entries is None:
            keys, of = (BLOCK_KEYS, f"block {path[-1]}") if path else (NET_KEYS, "a net")
            self.missing(reading.MissingKey(of=of, key="layers"), table, path, keys)
            return unknown
        if not isinstance(entries, list):
            self.problem(values.NotAList, (*path, "layers"), key="layers", value=shown(entries))
            return unknown
        steps = tuple(self.step(entry, (*path, "layers", i), names, file) for i, entry in enumerate(entries))
        inputs = table.get("inputs")  # of the net: they are names as well
        named = inputs if isinstance(inputs, dict) and not path else ()
        first = {name: Place(self.source, ("inputs", name), of_key=True) for name in named}
        for step in steps:
            if isinstance(step.name, str) and step.name:
                if step.name in first:
                    at, other = (*step.place.path, "name"), first[step.name]
                    self.problem(building.DuplicateName, at, what="layers", name=step.name, other=other)
                first.setdefault(step.name, step.at("name"))
        return steps

    def step(self, entry: Any, path: KeyPath, names: set[str], file: File) -> Step:
        """Read one entry of `layers`."""
        bare = isinstance(entry, str) and entry != ""
        table = {"type": entry} if bare else entry
        place = Place(self.source, path)
        if bare and entry in TYPES and not TYPES[entry].required:
            return Step(place, type=entry)
        if not isinstance(table, dict):
            self.problem(values.NotALayer, path, value=shown(entry))
            return Step(place, broken=True)
        said: dict[str, Any] = {"keys": frozenset() if bare else frozenset(table)}
        own = {*names, "i"} if "repeat" in table else names
        if "name" in table:
            said["name"] = self.step_word(table["name"], (*path, "name"), own)
        if "expect" in table:
            said["expect"] = self.setting(EXPECT, table["expect"], (*path, "expect"), names, file.layout)
        if "allow" in table:
            said["allow"] = self.allow(table, path)
        before = len(self.problems)  # one in what stands above leaves the layer as good as it is
        if "repeat" in table:
            said["repeat"] = self.setting(REPEAT, table["repeat"], (*path, "repeat"), names, file.layout)
        for key in ("type", "block", "shares"):
            if key in table:
                said[key] = self.step_word(table[key], path if bare else (*path, key), own)
        if "when" in table:
            said["when"] = self.setting(WHEN, table["when"], (*path, "when"), own, file.layout)
        if "from" in table:
            said["inputs"] = self.names(table, "from", path, names - {"in_channels"})  # which is of what enters
        given = {key: value for key, value in table.items() if key not in STEP_KEYS}
        said["settings"] = self.settings_of(Step(place, **said), given, own, file)
        said["settled"] = not any(map(waits, said["settings"].values()))
        broken = len(self.problems) > before
        lost = broken and "name" not in table and misspelt(given, "name", STEP_KEYS)
        return Step(place, **said, broken=broken, lost=lost)

    def step_word(self, value: Any, path: KeyPath, names: set[str]) -> str | Template:
        """Return a value that is a name or a word; "" where it is wrong."""
        if not isinstance(value, str) or not value:
            key = path[-1] if isinstance(path[-1], str) else path[-2]
            self.problem(values.NotAWord, path, key=key, value=shown(value))
            return ""
        if path[-1] == "name" and "{" not in value and (problem := bad_layer_name(value)):
            self.note(problem.placed(Place(self.source, path)))
        return self.template(value, path, names)

    def names(self, table: Mapping[str, Any], key: str, path: KeyPath, names: set[str]) -> tuple[str | Template, ...]:
        """Return the names under a key, one or a list, with what is to be settled in them."""
        values = table[key] if isinstance(table[key], list) else [table[key]]
        return tuple(self.step_word(value, (*path, key, i), names) for i, value in enumerate(values))

    def settings_of(self, step: Step, table: dict[str, Any], names: set[str], file: File) -> dict[str, Setting]:
        """Return the settings of a layer, or the arguments of a block, as far as the text tells what they belong to."""
        path = step.place.path
        if "type" in step.keys and "block" in step.keys:
            self.problem(values.KeysExclude, (*path, "block"), of="a layer", one="type", other="block")
        elif step.raw and (step.of or step.shares):
            return table  # cnnshape.build.build has them read when it knows what they belong to
        elif step.block in file.blocks:
            return self.block_settings(step, file.blocks[str(step.block)], table, names)
        elif step.block:
            is_type = f'it is a layer type: write type = "{step.block}"' if step.block in TYPES else ""
            mean = advice(is_type) or suggest(step.block, file.blocks)
            self.problem(building.UnknownBlock, step.at("block").path, suggestions=mean, block=step.block)
        elif step.type in TYPES:
            return self.layer_settings(step, TYPES[str(step.type)], table, names, file)
        elif step.type:
            is_block = f'it is a block: write block = "{step.type}"' if step.type in file.blocks else ""
            mean = advice(is_block) or suggest(step.type, TYPES)
            self.problem(reading.UnknownType, step.at("type").path, suggestions=mean, type=step.type)
        elif not {"type", "block", "shares"} & step.keys:
            meant = {key: value for key, value in table.items() if close(key, ("type", "block"))}
            self.only(meant, STEP_KEYS, "a layer", path)
            if not meant:
                self.problem(reading.MissingType, path)
        return {}

    def layer_settings(
        self, step: Step, layer: type[Layer], table: Mapping[str, Any], names: Iterable[str], file: File
    ) -> dict[str, Setting]:
        """Return the settings of a layer whose type is known."""
        path, parameters = step.place.path, layer.parameters
        settings: dict[str, Setting] = {}
        for key, value in table.items():
            if parameter := parameters.get(key):
                settings[key] = self.setting(parameter, value, (*path, key), names, file.layout)
            else:
                self.only({key: value}, [*parameters, *STEP_KEYS], layer.type, path)
        if not layer.required <= table.keys() and not step.shares:  # which takes them from the layer that it names
            given = file.defaults.get(layer.type, {}).keys() | table.keys()
            for name in sorted(layer.required - given):
                self.missing(reading.MissingKey(of=layer.type, key=name), table, path, [*parameters, *STEP_KEYS])
        return settings

    def block_settings(
        self, step: Step, block: Block, table: Mapping[str, Any], names: Iterable[str]
    ) -> dict[str, Setting]:
        """Return what is handed to a block that is known."""
        path = step.place.path
        parameters, of = block.parameters(), f"block {block.name}"
        self.only(table, [*parameters, *STEP_KEYS], of, path)
        if not step.shares:
            for name in block.arguments:
                if name not in table:
                    self.missing(reading.MissingKey(of=of, key=name), table, path, [*parameters, *STEP_KEYS])
        return {
            key: (self.word if key in block.words else self.argument)(value, (*path, key), names)
            for key, value in table.items()
            if key in parameters
        }

    # The net

    def net(self) -> Architecture:
        data = self.data
        self.only(data, NET_KEYS, "an architecture file")
        file = self.file({})
        blocks_only = "blocks" in data and not {"layers", "input", "inputs"} & data.keys()
        if blocks_only:
            self.missing(reading.OnlyBlocks(key="layers"), data, (), NET_KEYS)
        claims = tuple(self.claims(self.table(data, "claims"), file))
        training = self.training(self.table(data, "training"))
        steps = () if blocks_only else self.steps(data, (), {*file.constants, "in_channels"}, file)
        inputs = {} if blocks_only else self.inputs(data, file)  # after all tables: one may have taken it
        if data.get("layout", file.layout) != file.layout or misspelt(data, "layout", NET_KEYS):
            inputs = dict.fromkeys(inputs)  # it is not known what is which axis
        return Architecture(
            file,
            name=self.text(data, "name"),
            source=self.text(data, "source"),
            claims=claims if isinstance(data.get("layers"), list) else (),  # about nothing
            training=training,
            steps=steps,
            inputs=inputs,
            outputs=self.outputs(data) if "outputs" in data else None,
            allow=self.allow(data),
            problems=tuple(self.problems),
        )

    def inputs(self, data: Mapping[str, Any], file: File) -> dict[str, Shape | None]:
        """Return the net's inputs; None for the shape of one that is wrong."""
        if "input" in data and "inputs" in data:
            self.problem(values.KeysExclude, ("inputs",), of_key=True, of="a net", one="input", other="inputs")
        if "inputs" in data:
            table = self.table(data, "inputs")
            if data["inputs"] == {}:
                self.problem(reading.NoInputs, ("inputs",))
            for name in table:
                if problem := bad_name(name):
                    self.note(problem.placed(Place(self.source, ("inputs", name), of_key=True)))
            return {name: self.shape(sizes, ("inputs", name), file) for name, sizes in table.items()}
        if "input" not in data:
            example = advice("write input = [3, 224, 224]")
            self.missing(reading.MissingKey(of="a net", key="input", suggestions=example), data, (), NET_KEYS)
        return {"input": self.shape(data["input"], ("input",), file) if "input" in data else None}

    def outputs(self, data: Mapping[str, Any]) -> dict[str, Place]:
        """Return the names of the net's outputs, each with its place."""
        found: dict[str, Place] = {}
        for path, name in self.words(data, "outputs").items():
            place = Place(self.source, path)
            if name in found:
                self.problem(building.DuplicateName, path, what="outputs", name=name, other=found[name])
            found.setdefault(name, place)
        if data["outputs"] == []:
            self.problem(reading.NoOutputs, ("outputs",))
        return found

    def claims(self, table: dict[str, Any], file: File) -> Iterator[Claim]:
        self.only(table, CLAIMS, "claims", ("claims",))
        for name, value in table.items():
            path: KeyPath = ("claims", name)
            if name in COUNTS:
                count = self.plain(COUNTS[name], value, path)
                if count is not None:
                    yield Claim(name, count, Place(self.source, path))
            elif name == "output":
                yield Claim(name, self.shape(value, path, file), Place(self.source, path), output="")
            elif name == "outputs" and not isinstance(value, dict):  # the net's own, most likely
                self.misplaced(path)
            elif name == "outputs":
                for output, sizes in value.items():
                    place = (*path, output)
                    yield Claim(f"outputs.{output}", self.shape(sizes, place, file), Place(self.source, place), output)
            elif name == "valid_sizes" and not isinstance(value, str):
                takes = 'a text, as "multiples of 16, from 16"'
                self.problem(values.NotAString, path, key=name, takes=takes, value=shown(value))
            elif name == "valid_sizes":
                from cnnshape.numbers.sizeset import SizeSet

                try:
                    yield Claim(name, SizeSet(value), Place(self.source, path))
                except ValueError as error:
                    reason = str(error).removeprefix(f"{value!r} is no set of sizes: ")
                    self.problem(values.NotASizeSet, path, value=shown(value), reason=reason)

    def training(self, table: dict[str, Any]) -> dict[str, Any]:
        """Read the facts about training; they are free but for those that mean something here."""
        for key in table:
            if key in NET_KEYS and key not in ("name", "source"):
                self.misplaced(("training", key))
            elif key not in TRAINING and (mean := did_you_mean(close(key, TRAINING, cutoff=0.8))):
                self.problem(
                    reading.UnknownKey, ("training", key), of_key=True, suggestions=mean, key=key, of="training"
                )
        if "batch_size" in table:
            self.plain(BATCH_SIZE, table["batch_size"], ("training", "batch_size"))
        optimizer = table.get("optimizer", {"name": ""})
        if not isinstance(optimizer, dict) or not isinstance(optimizer.get("name"), str):
            self.problem(values.NamelessOptimizer, ("training", "optimizer"), value=shown(optimizer))
        return table


@lru_cache(maxsize=32)  # nets of a folder include the same few files
def _blocks(source: Source, defaults: tuple[tuple[Any, ...], ...]) -> tuple[Block, ...] | None:
    """Return the blocks of an included file, None where it has problems, or includes others."""
    if "include" in source.data:
        return None
    reader = _Reader(source, Path())
    try:
        blocks = reader.blocks({name: dict(settings) for name, *settings in defaults})
    except Enough:
        return None
    return None if reader.problems else blocks


def bad_name(name: str) -> Problem | None:
    """Return what is wrong with the name of a block or an input, without its place."""
    if len(name) > MAX_NAME:
        return reading.NameTooLong(name=shown(name), most=MAX_NAME)
    return None if NAME.fullmatch(name) else reading.NotAName(name=shown(name))


def bad_layer_name(name: str) -> Problem | None:
    """Return what is wrong with the name of a layer, without its place."""
    return reading.NameOfInput(name=name) if INPUT.fullmatch(name) else bad_name(name)


def late_settings(
    step: Step, target: type[Layer] | Block, names: Iterable[str], file: File
) -> tuple[dict[str, Setting], list[Problem]]:
    """Return the settings of a step of which only building told what it is, and what is wrong with them."""
    reader = _Reader(step.place.source, Path())
    try:
        if isinstance(target, Block):
            return reader.block_settings(step, target, step.settings, names), reader.problems
        return reader.layer_settings(step, target, step.settings, names, file), reader.problems
    except Enough:
        return {}, reader.problems
