"""The net's own keys -> its inputs, outputs, claims, and the facts about its training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.file.keys import BATCH_SIZE, CLAIMS, COUNTS, ENTERS, EXPECT, NET_KEYS, TRAINING, bad_name
from cnnshape.network.graph import Claim
from cnnshape.problems import building, reading, values
from cnnshape.problems.suggest import advice, close, did_you_mean
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.file.architecture import File
    from cnnshape.file.settings import Settings
    from cnnshape.file.tables import Tables
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import KeyPath, Place


class NetKeys:
    """Reads the keys of the net as a whole."""

    def __init__(self, tables: Tables, settings: Settings, file: File):
        self.tables, self.settings, self.notes = tables, settings, tables.notes
        self.file = file

    def inputs(self, data: Mapping[str, Any]) -> dict[str, Shape | None]:
        """Return the net's inputs; None for the shape of one that is wrong."""
        if "input" in data and "inputs" in data:
            facts = {"of": "a net", "one": "input", "other": "inputs"}
            self.notes.problem(values.KeysExclude, ("inputs",), of_key=True, **facts)
        if "inputs" in data:
            table = self.tables.table(data, "inputs")
            if data["inputs"] == {}:
                self.notes.problem(reading.NoInputs, ("inputs",))
            for name in table:
                if problem := bad_name(name):
                    self.notes.at(("inputs", name), problem, of_key=True)
            return {
                name: self.settings.shape(ENTERS, sizes, ("inputs", name), self.file) for name, sizes in table.items()
            }
        if "input" in data:
            return {"input": self.settings.shape(ENTERS, data["input"], ("input",), self.file)}
        example = advice("write input = [3, 224, 224]")
        self.tables.missing(reading.MissingKey(of="a net", key="input", suggestions=example), data, (), NET_KEYS)
        return {"input": None}

    def outputs(self, data: Mapping[str, Any]) -> dict[str, Place]:
        """Return the names of the net's outputs, each with its place."""
        found: dict[str, Place] = {}
        for path, name in self.tables.words(data, "outputs").items():
            if name in found:
                self.notes.problem(building.DuplicateName, path, what="outputs", name=name, other=found[name])
            found.setdefault(name, self.notes.place(path))
        if data["outputs"] == []:
            self.notes.problem(reading.NoOutputs, ("outputs",), key="outputs")
        return found

    def claims(self, table: dict[str, Any]) -> Iterator[Claim]:
        """Yield the claims that can be checked."""
        self.tables.only(table, CLAIMS, "claims", ("claims",))
        for name, value in table.items():
            path: KeyPath = ("claims", name)
            if name in COUNTS:
                count = self.settings.plain(COUNTS[name], value, path)
                if count is not None:
                    yield Claim(name, count, self.notes.place(path))
            elif name == "output":
                yield Claim(
                    name, self.settings.shape(EXPECT, value, path, self.file), self.notes.place(path), output=""
                )
            elif name == "outputs" and not isinstance(value, dict):  # the net's own, most likely
                self.tables.misplaced(path)
            elif name == "outputs":
                yield from map(self.claimed_output, value, value.values())
            elif name == "valid_sizes":
                yield from self.claimed_sizes(value, path)

    def claimed_output(self, name: str, sizes: Any) -> Claim:
        path = ("claims", "outputs", name)
        return Claim(
            f"outputs.{name}", self.settings.shape(EXPECT, sizes, path, self.file), self.notes.place(path), name
        )

    def claimed_sizes(self, value: Any, path: KeyPath) -> Iterator[Claim]:
        if not isinstance(value, str):
            takes = 'a text, as "multiples of 16, from 16"'
            self.notes.problem(values.NotAString, path, key=path[-1], takes=takes, value=shown(value))
            return
        from cnnshape.numbers.sizeset import SizeSet

        try:
            yield Claim(str(path[-1]), SizeSet(value), self.notes.place(path))
        except ValueError as error:
            reason = str(error).removeprefix(f"{value!r} is no set of sizes: ")
            self.notes.problem(values.NotASizeSet, path, value=shown(value), reason=reason)

    def training(self, table: dict[str, Any]) -> dict[str, Any]:
        """Check the facts about training that mean something here, and return all, in tables of their own."""
        for key in table:
            if key in NET_KEYS and key not in ("name", "source"):
                self.tables.misplaced(("training", key))
            elif key not in TRAINING and (hint := did_you_mean(close(key, TRAINING, cutoff=0.8))):
                facts = {"suggestions": hint, "key": key, "of": "training"}
                self.notes.problem(reading.UnknownKey, ("training", key), of_key=True, **facts)
        if "batch_size" in table:
            self.settings.plain(BATCH_SIZE, table["batch_size"], ("training", "batch_size"))
        optimizer = table.get("optimizer", {"name": ""})
        if not isinstance(optimizer, dict) or not isinstance(optimizer.get("name"), str):
            self.notes.problem(values.NamelessOptimizer, ("training", "optimizer"), value=shown(optimizer))
        return {key: _own(fact) for key, fact in table.items()}


def _own(fact: Any) -> Any:
    """Return a fact in tables and lists of its own: nets of one text share its data."""
    if isinstance(fact, dict):
        return {key: _own(value) for key, value in fact.items()}
    return [*map(_own, fact)] if isinstance(fact, list) else fact
