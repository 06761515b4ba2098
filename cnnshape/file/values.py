"""What stands in a table of TOML -> values in their final form: checked, and all that is wrong noted with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

from cnnshape.file.architecture import Scope, Setting, Unsettled, final, mistake, settle, waits
from cnnshape.file.expression import ExpressionError, Template, parse, parse_template, unknown_name
from cnnshape.layers.parameters import Extent, Parameter, Wrong
from cnnshape.problems import reading, values
from cnnshape.problems.base import MAX_PROBLEMS, Problem, TooLarge, Warn
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import advice, misspelt, suggest
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.file.architecture import File
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import KeyPath, SourceText

T = TypeVar("T")

FILE_KEYS: Final = ("layout", "include", "layer_defaults", "constants", "blocks")
NET_KEYS: Final = ("name", "source", *FILE_KEYS, "input", "inputs", "layers", "outputs", "claims", "training", "allow")
STEP_KEYS: Final = ("name", "type", "block", "from", "repeat", "when", "shares", "expect", "allow")
BLOCK_KEYS: Final = ("arguments", "defaults", "words", "layers")
LANGUAGE: Final = ("i", "in_channels", "true", "false", "min", "max", "and", "or", "not", "if", "else")
WARNINGS: Final = sorted(code for code, kind in CODES.items() if issubclass(kind, Warn))
RESERVED: Final = frozenset((*NET_KEYS, *STEP_KEYS, *BLOCK_KEYS, *LANGUAGE))

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAX_CHARACTERS: Final = 2**18  # of all expressions in a file: the largest that we know has 2**13

EXPECT: Final = Extent()  # a shape that a file writes, read as a parameter is
EXPECT.name = "a shape"


class Enough(Exception):  # noqa: N818
    """More is wrong than anybody reads, or there is more than we read; that is said."""


class Values:
    """Reads the values of one text, and notes the problems."""

    def __init__(self, source: SourceText, found: list[Problem] | None = None):
        self.source = source
        self.problems: list[Problem] = [] if found is None else found
        self.characters = 0  # of the expressions so far

    def problem(self, kind: type[Problem], path: KeyPath, *, of_key: bool = False, **facts: Any) -> None:
        """Note a problem; `facts` may have its suggestions among them."""
        self.note(kind(Place(self.source, path, of_key), **facts))

    def note(self, problem: Problem) -> None:
        self.problems.append(problem)
        if len(self.problems) > MAX_PROBLEMS:
            raise Enough

    def too_large(self, path: KeyPath, what: str, most: int) -> NoReturn:
        self.problem(TooLarge, path, what=what, most=most)
        raise Enough

    # Tables, words and keys

    def table(self, data: Mapping[str, Any], key: str, path: KeyPath = ()) -> dict[str, Any]:
        """Return the table under a key, empty where it is missing or no table."""
        value = data.get(key, {})
        if isinstance(value, dict):
            return value
        self.problem(values.NotATable, (*path, key), key=key, value=shown(value))
        return {}

    def words(self, data: Mapping[str, Any], key: str, path: KeyPath = ()) -> dict[KeyPath, str]:
        """Return the strings under a key, given as one or as a list, by their places; what is no string is noted."""
        value = data.get(key, [])
        placed = {(*path, key, i): word for i, word in enumerate(value if isinstance(value, list) else [value])}
        for place, word in placed.items():
            if not isinstance(word, str):
                takes = "a string or a list of them"
                self.problem(values.NotAString, place, key=key, takes=takes, value=shown(word))
        return {place: word for place, word in placed.items() if isinstance(word, str)}

    def text(self, data: Mapping[str, Any], key: str) -> str:
        value = data.get(key, "")
        if not isinstance(value, str):
            self.problem(values.NotAString, (key,), key=key, takes="a string", value=shown(value))
            return ""
        return value

    def only(self, data: Mapping[str, Any], keys: Iterable[str], of: str, path: KeyPath = ()) -> None:
        """Note the keys that do not belong; one of the net's gets told where it belongs."""
        keys = list(keys)
        for key, value in data.items():
            if key in keys:
                continue
            words = value if isinstance(value, list) else [value]
            wires = "from" in keys and key in ("input", "inputs") and all(isinstance(word, str) for word in words)
            if path and key in NET_KEYS and not wires:
                self.misplaced((*path, key))
            else:
                mean = suggest("from" if wires else key, keys)
                self.problem(reading.UnknownKey, (*path, key), of_key=True, suggestions=mean, key=key, of=of)

    def misplaced(self, path: KeyPath) -> None:
        *table, key = (part for part in path if isinstance(part, str))
        self.problem(reading.MisplacedKey, path, of_key=True, key=key, table=".".join(table))

    def missing(self, problem: Problem, data: Mapping[str, Any], path: KeyPath, keys: Iterable[str]) -> None:
        """Note a missing key, unless another seems to be it, misspelt or misplaced: that is said already."""
        key = problem.facts["key"]
        misplaced = (found for found in self.problems if isinstance(found, reading.MisplacedKey))
        if not misspelt(data, key, keys) and not any(found.facts["key"] == key for found in misplaced):
            self.note(problem.placed(Place(self.source, path)))

    def allow(self, data: Mapping[str, Any], path: KeyPath = ()) -> frozenset[str]:
        allowed = self.words(data, "allow", path)
        for place, code in allowed.items():
            if code not in WARNINGS:
                self.problem(values.UnknownWarning, place, suggestions=suggest(code, WARNINGS), warning=code)
        return frozenset(allowed.values())

    # Numbers, expressions and parameters

    def identifier(self, name: object, path: KeyPath) -> bool:
        """Say whether a name can stand in an expression, and note where it cannot."""
        if isinstance(name, str) and IDENTIFIER.fullmatch(name) and name not in RESERVED:
            return True
        kind = reading.ReservedName if name in RESERVED else reading.NotAnIdentifier
        self.problem(kind, path, of_key=True, name=shown(name))
        return False

    def number(self, value: Any, path: KeyPath, scope: dict[str, Any]) -> Any:
        """Return a number or a truth value, or of an expression its value; None where it is wrong."""
        if isinstance(value, str):
            return self.evaluated(self.parsed(parse, value, path, scope), path, scope)
        if isinstance(value, (bool, int, float)):
            return value
        self.problem(values.NotANumber, path, key=path[-1], value=shown(value))
        return None

    def template(self, value: str, path: KeyPath, names: Iterable[str]) -> str | Template:
        """Return a word, or what will be one when its {...} are settled; "" where it is wrong."""
        if "{" not in value and "}" not in value:
            return value
        return self.parsed(parse_template, value, path, names) or ""

    def parsed(
        self, parse: Any, value: str, path: KeyPath, names: Iterable[str], parameter: Parameter[Any] | None = None
    ) -> Any:
        """Return the expression or template, None where it is wrong or uses a name that is not in scope."""
        self.characters += len(value)
        if self.characters > MAX_CHARACTERS:
            self.too_large(path, "characters in expressions", MAX_CHARACTERS)
        try:
            expression = parse(value)
        except ExpressionError as error:
            self.note(error.problem.placed(Place(self.source, path, part=(error.start, error.end))))
            return None
        unknown = sorted(expression.names.difference(names))
        if not unknown:
            return expression
        problem = unknown_name(unknown[0], value, names, parameter.words if parameter else ())
        if parameter and value == unknown[0] and not any(one.kind == "meant" for one in problem.suggestions):
            problem.suggestions += advice(f"it must be {parameter.kind}")  # it was to be a word, perhaps
        self.note(problem.placed(Place(self.source, path, part=expression.find(unknown[0]))))
        return None

    def plain(self, parameter: Parameter[T], value: Any, path: KeyPath) -> T | None:
        """Return a value that is no expression; None where it is wrong."""
        try:
            return parameter.read(value)
        except Wrong as error:
            self.note(error.problem.placed(Place(self.source, path)))
            return None

    def setting(
        self, parameter: Parameter[Any], value: Any, path: KeyPath, names: Iterable[str], layout: str
    ) -> Setting:
        """Return a parameter's value, settled if the text alone tells it; None where it is wrong."""
        try:
            if type(value) in (int, bool, float):
                return parameter.read(value)
            unsettled = self.unsettled(parameter, value, path, names)
            return unsettled if unsettled is None or waits(unsettled) else final(parameter, unsettled, layout)
        except Wrong as error:
            self.note(error.problem.placed(Place(self.source, path)))
            return None

    def unsettled(self, parameter: Parameter[Any], value: Any, path: KeyPath, names: Iterable[str]) -> Setting:
        """Return a value with its strings parsed; None where one is wrong."""
        if isinstance(value, list):
            entries = [self.unsettled(parameter, entry, (*path, i), names) for i, entry in enumerate(value)]
            return None if None in entries else entries
        if not isinstance(value, str) or value in (*parameter.words, ""):
            return value
        if parameter.of_words or "{" in value:
            return self.template(value, path, names) or None
        return self.parsed(parse, value, path, names, parameter)

    def settled_here(
        self, parameter: Parameter[Any], setting: Setting, path: KeyPath, scope: dict[str, Any], layout: str
    ) -> Any:
        """Return a setting's value where the file's constants are all its scope."""
        if not waits(setting):
            return setting
        value = self.evaluated(setting, path, scope)
        try:
            return None if value is None else final(parameter, value, layout)
        except Wrong as error:
            self.note(error.problem.placed(Place(self.source, path)))
            return None

    def evaluated(self, setting: Setting, path: KeyPath, scope: dict[str, Any]) -> Any:
        """Return the value of a setting; None where it is wrong, or uses what is."""
        try:
            return settle(setting, Scope({}, scope))
        except ExpressionError as error:
            self.note(error.problem.placed(mistake(Place(self.source, path), setting, error)))
        except Unsettled:
            pass
        return None

    def shape(self, value: Any, path: KeyPath, file: File) -> Shape | None:
        """Return a shape whose expressions use the file's constants alone."""
        setting = self.setting(EXPECT, value, path, file.constants, file.layout)
        shape: Shape | None = self.settled_here(EXPECT, setting, path, file.constants, file.layout)
        return shape
