"""The names on which parts of a file depend: constants in expressions, those of the blocks that a step uses included.

In: steps, settings and tables. Out: names of constants, more of them than needed where the text alone does not tell.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.architecture import PARSED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cnnshape.file.architecture import Block, File, Setting, Step

WORD: Final = re.compile(r"[A-Za-z_]\w*")


class Seen:
    """The free constants that the steps and blocks of one file see."""

    def __init__(self, file: File, free: Iterable[str]):
        self.file, self.free = file, frozenset(free)
        self.of_blocks: dict[str, frozenset[str]] = {}

    def by_block(self, block: Block) -> frozenset[str]:
        """Return the free constants that a block and those in it see; a block of another file sees that file's."""
        if block.file is not self.file:
            return frozenset()
        if block.name not in self.of_blocks:
            self.of_blocks[block.name] = frozenset()  # within itself, which building refuses
            settings = (*block.defaults.values(), *block.words.values())
            found = {*_names(settings)}.union(*map(self.by_step, block.steps))
            self.of_blocks[block.name] = self.free & found
        return self.of_blocks[block.name]

    def by_step(self, step: Step) -> frozenset[str]:
        """Return the free constants that a step sees; all where its block or its type is known in building only."""
        if step.raw:
            return self.free
        block = self.file.blocks.get(str(step.block))
        return self.free & {*_names(step.fields())} | (self.by_block(block) if block else frozenset())


def _names(setting: Setting) -> Iterator[str]:
    """Yield the names in the expressions of a setting, or of all in a table."""
    if isinstance(setting, PARSED):
        yield from setting.names
    elif isinstance(setting, dict):
        yield from _names([*setting.values()])
    elif isinstance(setting, list | tuple):
        for entry in setting:
            yield from _names(entry)


def words(value: Any) -> set[str]:
    """Return the words in the texts of a value of TOML, which may be names."""
    if isinstance(value, str):
        return {*WORD.findall(value)}
    entries = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {word for entry in entries for word in words(entry)}


def sources(value: Any, constants: Mapping[str, Any]) -> set[str]:
    """Return the constants on which a value of TOML depends, those of which its constants are made included."""
    found: set[str] = set()
    new = words(value) & constants.keys()
    while new:
        found |= new
        new = {word for name in new for word in words(constants[name])} & constants.keys() - found
    return found


def looks_inside(step: Step) -> bool:
    """Say whether a step may name a layer within a block, or share with one."""
    inputs = [word if isinstance(word, str) else word.text for word in step.inputs or ()]
    said = [word for word in step.settings.values() if isinstance(word, str)]
    return bool(step.shares or step.shares_weight) or any(mark in word for word in (*inputs, *said) for mark in ".{*")
