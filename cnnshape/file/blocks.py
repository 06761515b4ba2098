"""Tables of [blocks] -> blocks, in two rounds: names and arguments, then layers, which may use later blocks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.architecture import Block
from cnnshape.file.keys import BLOCK_KEYS, bad_identifier, bad_name
from cnnshape.file.steps import Steps
from cnnshape.problems import building, reading, values
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.file.architecture import File, Step
    from cnnshape.file.settings import Settings
    from cnnshape.file.tables import Tables
    from cnnshape.problems.place import KeyPath

MAX_NAMES: Final = 1_000  # constants of a file, arguments of a block: each copy of a layer has its own scope


class Blocks:
    """Reads the blocks of a file, and puts them into it, beside those that it includes."""

    def __init__(self, tables: Tables, settings: Settings, file: File):
        self.tables, self.settings, self.notes = tables, settings, tables.notes
        self.file = file

    def read(self, data: dict[str, Any]) -> None:
        """Read all blocks; `data` is the whole file."""
        file, tables = self.file, self.tables.table(data, "blocks")
        heads = [block for name, table in tables.items() if (block := self.head(name, table))]
        steps = Steps(self.tables, self.settings, file)
        for block in heads:  # after all heads: a layer may use a block that stands below
            names = {*file.constants, *block.parameters(), "in_channels"}
            layers = steps.steps(tables[block.name], block.place.path, names)
            if file.blocks[block.name] is block:
                file.blocks[block.name] = block._replace(steps=layers)
        for step, circle in circles(file):
            self.notes.problem(building.BlockCircle, step.at("block").path, circle=" -> ".join(circle))

    def add(self, block: Block, path: KeyPath) -> None:
        """Put a block where the file's layers find it; `path` is that of its table, or of the include that brings it."""
        if other := self.file.blocks.get(block.name):
            facts = {"what": "blocks", "name": block.name, "other": other.place}
            self.notes.problem(building.DuplicateName, path, of_key=True, **facts)
        else:
            self.file.blocks[block.name] = block

    def head(self, name: str, table: Any) -> Block | None:
        """Read a block without its layers."""
        path: KeyPath = ("blocks", name)
        if problem := bad_name(name):
            self.notes.at(path, problem, of_key=True)
        if not isinstance(table, dict):
            self.notes.problem(values.NotATable, path, key=f"blocks.{name}", value=shown(table))
            return None
        self.tables.only(table, BLOCK_KEYS, f"block {name}", path)
        arguments = self.tables.words(table, "arguments", path)
        defaults, words = self.tables.table(table, "defaults", path), self.tables.table(table, "words", path)
        optional = {(*path, "defaults", key): key for key in defaults} | {(*path, "words", key): key for key in words}
        if len(arguments) + len(optional) > MAX_NAMES:
            self.notes.too_large(path, "arguments", MAX_NAMES)
        names = self.checked(arguments | optional) | {"in_channels"}
        argument, word = self.settings.argument, self.settings.word
        settings = {key: argument(value, (*path, "defaults", key), names) for key, value in defaults.items()}
        spoken = {key: word(value, (*path, "words", key), names) for key, value in words.items()}
        gives = tuple(self.tables.words(table, "gives", path).values())
        if table.get("gives") == []:
            self.notes.problem(reading.NoOutputs, (*path, "gives"), key="gives")
        place = self.notes.place(path)
        block = Block(name, self.file, place, tuple(arguments.values()), settings, spoken, gives, (), {})
        self.add(block, path)
        return block

    def checked(self, arguments: dict[KeyPath, str]) -> set[str]:
        """Return the names that a block's expressions may use; bad names of arguments are noted."""
        seen: set[str] = set(self.file.constants)
        for place, argument in arguments.items():
            problem = bad_identifier(argument)
            if not problem and argument in seen:
                problem = reading.NameTaken(name=argument)
            if problem:
                self.notes.at(place, problem, of_key=True)
            seen.add(argument)
        return seen


def circles(file: File) -> Iterator[tuple[Step, list[str]]]:
    """Yield each use of a block that closes a circle of blocks, and their names."""
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
                yield step, [*names[names.index(str(step.block)) :], str(step.block)]
            elif step.block in uses and step.block not in done:
                trail[str(step.block)] = iter(uses[str(step.block)])
