"""Tables of TOML -> tables, texts and words, checked; and the keys that do not belong, or are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.keys import NET_KEYS, warnings
from cnnshape.problems import reading, values
from cnnshape.problems.suggest import misspelt, suggest, suggest_word
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.file.notes import Notes
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath

WIRES: Final = ("input", "inputs", "layers")  # keys of the net that others use for `from`


class Tables:
    """Reads the tables of one text; `path` is always that of the table itself."""

    def __init__(self, notes: Notes):
        self.notes = notes

    # What a table has

    def table(self, data: Mapping[str, Any], key: str, path: KeyPath = ()) -> dict[str, Any]:
        """Return the table under a key, empty where it is missing or no table."""
        value = data.get(key, {})
        if isinstance(value, dict):
            return value
        self.notes.problem(values.NotATable, (*path, key), key=key, value=shown(value))
        return {}

    def words(self, data: Mapping[str, Any], key: str, path: KeyPath = ()) -> dict[KeyPath, str]:
        """Return the strings under a key, given as one or as a list, by their key paths; other values are noted."""
        value = data.get(key, [])
        placed = {(*path, key, i): word for i, word in enumerate(value if isinstance(value, list) else [value])}
        for place, word in placed.items():
            if not isinstance(word, str):
                takes = "a string or a list of them"
                self.notes.problem(values.NotAString, place, key=key, takes=takes, value=shown(word))
        return {place: word for place, word in placed.items() if isinstance(word, str)}

    def text(self, data: Mapping[str, Any], key: str) -> str:
        """Return the string under a key of the net, "" where it is missing or no string."""
        value = data.get(key, "")
        if not isinstance(value, str):
            self.notes.problem(values.NotAString, (key,), key=key, takes="a string", value=shown(value))
            return ""
        return value

    def allowed(self, data: Mapping[str, Any], path: KeyPath = ()) -> frozenset[str]:
        """Return the codes of warnings under `allow`."""
        allowed = self.words(data, "allow", path)
        for place, code in allowed.items():
            if code not in warnings():
                self.notes.problem(values.UnknownWarning, place, suggestions=suggest(code, warnings()), warning=code)
        return frozenset(allowed.values())

    # The keys themselves

    def only(self, data: Mapping[str, Any], keys: Iterable[str], of: str, path: KeyPath = ()) -> None:
        """Note the keys that do not belong; for a key of the net, the note says where it belongs."""
        keys = list(keys)
        for key, value in data.items():
            if key in keys:
                continue
            if path and key in NET_KEYS and not ("from" in keys and wires(key, value)):
                self.misplaced((*path, key))
            else:
                hint = suggest_word(key, keys, "key")
                self.notes.problem(reading.UnknownKey, (*path, key), of_key=True, suggestions=hint, key=key, of=of)

    def misplaced(self, path: KeyPath) -> None:
        """Note a key of the net that TOML gives to another table."""
        *table, key = (part for part in path if isinstance(part, str))
        self.notes.problem(reading.MisplacedKey, path, of_key=True, key=key, table=".".join(table))

    def missing(self, problem: Problem, data: Mapping[str, Any], path: KeyPath, keys: Iterable[str]) -> None:
        """Note a missing key, unless it was noted as misspelt or misplaced."""
        key = problem.facts["key"]
        misplaced = (found for found in self.notes.problems if isinstance(found, reading.MisplacedKey))
        if not misspelt(data, key, keys) and not any(found.facts["key"] == key for found in misplaced):
            self.notes.at(path, problem)


def wires(key: str, value: Any) -> bool:
    """Say whether a key of a layer seems to mean `from`: input = "conv1", or Darknet's layers = [-1, 8]."""
    words = value if isinstance(value, list) else [value]
    return all(isinstance(word, str if key in ("input", "inputs") else int) for word in words) and key in WIRES
