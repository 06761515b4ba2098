"""Entries of `layers` -> steps: layers, and uses of blocks, with their settings as far as the text tells them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.architecture import PARSED, Block, Step
from cnnshape.file.keys import BLOCK_KEYS, EXPECT, FROZEN, NET_KEYS, REPEAT, STEP_KEYS, WHEN, bad_layer_name
from cnnshape.file.notes import Enough, Notes
from cnnshape.file.settings import Settings
from cnnshape.file.tables import Tables
from cnnshape.layers import TYPES, Layer
from cnnshape.problems import building, reading, values
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import advice, meant, misspelt, suggest, suggest_word
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.file.architecture import File, Setting
    from cnnshape.file.expression import Template
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath


WAITING: Final = {*PARSED, list}  # the types of settings with expressions: a list without has become a tuple


class Steps:
    """Reads the layers of a file's net and blocks; `names` are always the names in scope."""

    def __init__(self, tables: Tables, settings: Settings, file: File):
        self.tables, self.settings, self.notes = tables, settings, tables.notes
        self.file = file

    def steps(self, table: Mapping[str, Any], path: KeyPath, names: set[str]) -> tuple[Step, ...]:
        """Read `layers` of the net, or of the block at a path."""
        entries = table.get("layers")
        unknown = (Step(self.notes.place(path), broken=True, lost=True),) if path else ()  # a net has no steps then
        if entries is None:
            keys, of = (BLOCK_KEYS, f"block {path[-1]}") if path else (NET_KEYS, "a net")
            self.tables.missing(reading.MissingKey(of=of, key="layers"), table, path, keys)
            return unknown
        if not isinstance(entries, list):
            self.notes.problem(values.NotAList, (*path, "layers"), key="layers", value=shown(entries))
            return unknown
        steps = tuple(self.step(entry, (*path, "layers", i), names) for i, entry in enumerate(entries))
        self.check_names(steps, table.get("inputs") if not path else None)
        return steps

    def check_names(self, steps: tuple[Step, ...], inputs: Any) -> None:
        """Note the names that stand twice; the net's inputs are names as well."""
        first: dict[str, Step | None] = dict.fromkeys(inputs if isinstance(inputs, dict) else ())
        for step in steps:
            name = step.title
            if name and first.setdefault(name, step) is not step:
                before = first[name]
                other = before.at("name") if before else self.notes.place(("inputs", name), of_key=True)
                at = (*step.place.path, "name")
                self.notes.problem(building.DuplicateName, at, what="layers", name=name, other=other)

    def step(self, entry: Any, path: KeyPath, names: set[str]) -> Step:
        """Read one entry of `layers`."""
        bare = isinstance(entry, str) and entry != ""
        table = {"type": entry} if bare else entry
        place = Place(self.notes.source, path)
        if bare and entry in TYPES and not TYPES[entry].required:
            return Step(place, type=entry)
        if not isinstance(table, dict):
            self.notes.problem(values.NotALayer, path, value=shown(entry))
            return Step(place, broken=True)
        layout, setting = self.file.layout, self.settings.setting
        fields: dict[str, Any] = {"keys": frozenset() if bare else frozenset(table)}
        own = {*names, "i"} if "repeat" in table else names
        if "name" in table:
            fields["name"] = self.word(table["name"], (*path, "name"), own)
        if "expect" in table:
            fields["expect"] = setting(EXPECT, table["expect"], (*path, "expect"), names, layout)
        if "allow" in table:
            fields["allow"] = self.tables.allowed(table, path)
        before = len(self.notes.problems)  # a problem noted before this does not break the layer
        if "repeat" in table:
            fields["repeat"] = setting(REPEAT, table["repeat"], (*path, "repeat"), names, layout)
        for key in ("type", "block", "shares", "shares_weight"):
            if key in table:
                fields[key] = self.word(table[key], path if bare else (*path, key), own)
        if "when" in table:
            fields["when"] = setting(WHEN, table["when"], (*path, "when"), own, layout)
        if "frozen" in table:
            fields["frozen"] = setting(FROZEN, table["frozen"], (*path, "frozen"), own, layout)
            if "shares" in table:  # the other layer says so
                self.notes.problem(values.KeysExclude, (*path, "frozen"), of="a layer", one="shares", other="frozen")
        if "from" in table:
            wires = names - {"in_channels"}  # which follows from what enters
            words = fields["inputs"] = self.wiring(table["from"], (*path, "from"), wires)
            fields["optional"] = any(str(getattr(word, "text", word)).startswith("?") for word in words)
        given = {key: value for key, value in table.items() if key not in STEP_KEYS}
        step = Step(place, **fields)
        step.settings.update(self.given(step, given, own))
        step.settled = WAITING.isdisjoint(map(type, step.settings.values())) and not step.raw
        if len(self.notes.problems) > before:
            step.broken = True
            step.lost = bool("name" not in table and misspelt(given, "name", STEP_KEYS))
        return step

    def word(self, value: Any, path: KeyPath, names: set[str]) -> str | Template:
        """Return a name or another word of a step, or the template of one; "" where it is wrong."""
        if not isinstance(value, str) or value in ("", "?"):  # a ? stands before a name
            key = path[-1] if isinstance(path[-1], str) else path[-2]
            hint = advice("a layer is named, not counted" if key == "from" and isinstance(value, int) else "")
            self.notes.problem(values.NotAWord, path, key=key, value=shown(value), suggestions=hint)
            return ""
        if path[-1] == "name" and "{" not in value and (problem := bad_layer_name(value)):
            self.notes.at(path, problem)
        return self.settings.template(value, path, names)

    def wiring(self, value: Any, path: KeyPath, names: set[str]) -> tuple[str | Template, ...]:
        """Return the names of layers under `from`, given as one or a list."""
        entries = value if isinstance(value, list) else [value]
        return tuple(self.word(entry, (*path, i), names) for i, entry in enumerate(entries))

    # The settings and arguments of a step

    def given(self, step: Step, table: dict[str, Any], names: set[str]) -> dict[str, Setting]:
        """Return the settings of a layer or the arguments of a block; as TOML has them for a raw step."""
        path, blocks = step.place.path, self.file.blocks
        if "type" in step.keys and "block" in step.keys:
            self.notes.problem(values.KeysExclude, (*path, "block"), of="a layer", one="type", other="block")
        elif "shares_weight" in step.keys and {"shares", "block"} & step.keys:
            other = "shares" if "shares" in step.keys else "block"
            self.notes.problem(
                values.KeysExclude, (*path, "shares_weight"), of="a layer", one=other, other="shares_weight"
            )
        elif step.raw and (step.of or step.shares):
            return table
        elif step.block in blocks:
            return self.of_block(step, blocks[str(step.block)], table, names)
        elif step.block:
            is_type = f'it is a layer type: write type = "{step.block}"' if step.block in TYPES else ""
            hint = advice(is_type) or suggest(step.block, blocks)
            self.notes.problem(building.UnknownBlock, step.at("block").path, suggestions=hint, block=step.block)
        elif step.type in TYPES:
            return self.of_layer(step, TYPES[str(step.type)], table, names)
        elif step.type:
            is_block = f'it is a block: write block = "{step.type}"' if step.type in blocks else ""
            hint = advice(is_block) or suggest_word(step.type, TYPES, "type")
            self.notes.problem(reading.UnknownType, step.at("type").path, suggestions=hint, type=step.type)
            if not is_block and (kind := meant(step.type, TYPES, "type")):
                self.own_settings(step, TYPES[kind], table, names)  # for their problems
        elif not {"type", "block", "shares"} & step.keys:
            found = {key: value for key, value in table.items() if meant(key, ("type", "block"), "key")}
            self.tables.only(found, STEP_KEYS, "a layer", path)
            if not found:
                self.notes.problem(reading.MissingType, path)
        return {}

    def of_layer(
        self, step: Step, layer: type[Layer], table: Mapping[str, Any], names: Iterable[str]
    ) -> dict[str, Setting]:
        """Return the settings of a layer whose type is known, all of which are there."""
        path, settings = step.place.path, self.own_settings(step, layer, table, names)
        if not layer.required <= table.keys() and not (step.shares or step.shares_weight):  # the other layer gives them
            given = self.file.defaults.get(layer.type, {}).keys() | table.keys()
            for name in sorted(layer.required - given):
                problem = reading.MissingKey(of=layer.type, key=name)
                self.tables.missing(problem, table, path, [*layer.parameters, *STEP_KEYS])
        return settings

    def own_settings(
        self, step: Step, layer: type[Layer], table: Mapping[str, Any], names: Iterable[str]
    ) -> dict[str, Setting]:
        """Return the settings in the table of a layer; one with a misspelt key is read for the problems of its value."""
        path, parameters = step.place.path, layer.parameters
        settings: dict[str, Setting] = {}
        for key, value in table.items():
            name = key
            if key not in parameters:
                keys = [*parameters, *STEP_KEYS]
                self.tables.only({key: value}, keys, layer.type, path)
                name = next((one.words[0] for one in suggest_word(key, keys, "key") if one.kind == "meant"), "")
                if name not in parameters or name in table:
                    continue
            settings[name] = self.settings.setting(parameters[name], value, (*path, key), names, self.file.layout)
        return settings

    def of_block(self, step: Step, block: Block, table: Mapping[str, Any], names: Iterable[str]) -> dict[str, Setting]:
        """Return the arguments given to a block that is known."""
        path, settings = step.place.path, self.settings
        parameters, of = block.parameters(), f"block {block.name}"
        self.tables.only(table, [*parameters, *STEP_KEYS], of, path)
        if not step.shares:
            for name in block.arguments:
                if name not in table:
                    problem = reading.MissingKey(of=of, key=name)
                    self.tables.missing(problem, table, path, [*parameters, *STEP_KEYS])
        return {
            key: (settings.word if key in block.words else settings.argument)(value, (*path, key), names)
            for key, value in table.items()
            if key in parameters
        }


def late_settings(
    step: Step, target: type[Layer] | Block, names: Iterable[str], file: File
) -> tuple[dict[str, Setting], list[Problem]]:
    """Return the settings of a step whose type or block was found in building, and their problems."""
    notes = Notes(step.place.source)
    steps = Steps(Tables(notes), Settings(notes), file)
    try:
        read = steps.of_block if isinstance(target, Block) else steps.of_layer
        return read(step, target, step.settings, names), notes.problems  # type: ignore[arg-type]
    except Enough:
        return {}, notes.problems
