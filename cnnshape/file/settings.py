"""Values of TOML -> settings: numbers, words and shapes in their final form, expressions parsed.

An expression whose scope is the file's constants alone is evaluated at once. One that waits for a block's arguments or
for the input stays an Expression, and building settles it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from cnnshape.file.architecture import Scope, Setting, Unsettled, final, mistake, settle, waits
from cnnshape.file.expression import MAX_EXPRESSION_LENGTH, Template, parse, parse_template
from cnnshape.file.grammar import unknown_name
from cnnshape.file.tokens import ExpressionError
from cnnshape.layers.parameters import Extent, Parameter, Wrong
from cnnshape.problems import values
from cnnshape.problems.place import value_at
from cnnshape.problems.suggest import advice, meant
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.file.architecture import File
    from cnnshape.file.notes import Notes
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import KeyPath

T = TypeVar("T")

MAX_CHARACTERS: Final = 2**18  # of all expressions in a file: the largest that we know has 2**13
MAX_ENTRIES: Final = 1_000  # of a list, with those of the lists in it: each use of a block compares its arguments


class Settings:
    """Reads the values of one text. A wrong one is noted, and becomes None."""

    def __init__(self, notes: Notes):
        self.notes = notes
        self.characters = 0  # of the expressions so far

    # Parameters

    def setting(
        self, parameter: Parameter[Any], value: Any, path: KeyPath, names: Iterable[str], layout: str
    ) -> Setting:
        """Return a parameter's value, settled if the text alone tells it; `names` are those in scope."""
        try:
            if type(value) in (int, bool, float):
                return parameter.read(value)
            unsettled = self._unsettled(parameter, value, path, names)
            return unsettled if unsettled is None or waits(unsettled) else final(parameter, unsettled, layout)
        except Wrong as error:
            self.notes.at(path, error.problem)
            return None

    def settled(
        self, parameter: Parameter[Any], setting: Setting, path: KeyPath, constants: dict[str, Any], layout: str
    ) -> Any:
        """Return a setting's value where the file's constants are all its scope."""
        if not waits(setting):
            return setting
        value = self._evaluated(setting, path, constants)
        try:
            return None if value is None else final(parameter, value, layout)
        except Wrong as error:
            self.notes.at(path, error.problem)
            return None

    def shape(self, parameter: Extent, value: Any, path: KeyPath, file: File) -> Shape | None:
        """Return a shape whose expressions use the file's constants alone."""
        setting = self.setting(parameter, value, path, file.constants, file.layout)
        shape: Shape | None = self.settled(parameter, setting, path, file.constants, file.layout)
        return shape

    def plain(self, parameter: Parameter[T], value: Any, path: KeyPath) -> T | None:
        """Return a value of a key that takes no expression."""
        try:
            return parameter.read(value)
        except Wrong as error:
            self.notes.at(path, error.problem)
            return None

    # Constants, and arguments of blocks

    def constant(self, value: Any, path: KeyPath, constants: dict[str, Any]) -> Any:
        """Return a number, a truth value, an expression's value, or a list of these; `constants` are those above."""
        setting = self.argument(value, path, constants)
        return self._evaluated(setting, path, constants) if waits(setting) else setting

    def argument(self, value: Any, path: KeyPath, names: Iterable[str]) -> Setting:
        """Return a number, a truth value, an expression, or a list of these: a tuple where it has no expression."""
        if isinstance(value, str):
            return self._parsed(parse, value, path, names)
        if isinstance(value, list):
            return self._entries(value, path, names)
        if isinstance(value, (bool, int, float)):
            return value
        key = next(part for part in reversed(path) if isinstance(part, str))
        self.notes.problem(values.NotANumber, path, key=key, value=shown(value))
        return None

    def word(self, value: Any, path: KeyPath, names: Iterable[str]) -> Setting:
        """Return a word, or a template of one."""
        if isinstance(value, str) and 0 < len(value) <= MAX_EXPRESSION_LENGTH:
            return self.template(value, path, names) or None
        self.notes.problem(values.NotAWord, path, key=path[-1], value=shown(value))
        return None

    def template(self, value: str, path: KeyPath, names: Iterable[str]) -> str | Template:
        """Return a word, or the template of one where it has braces; "" where it is wrong."""
        if "{" not in value and "}" not in value:
            return value
        return self._parsed(parse_template, value, path, names) or ""

    # How they are read

    def _entries(self, value: list[Any], path: KeyPath, names: Iterable[str]) -> Setting:
        """Return a list of numbers, truth values, expressions, and lists of these."""
        if _count(value) > MAX_ENTRIES:
            self.notes.too_large(path, "entries of a list", MAX_ENTRIES)
        entries = [self.argument(entry, (*path, i), names) for i, entry in enumerate(value)]
        if None in entries:
            return None
        return entries if any(map(waits, entries)) else tuple(entries)

    def _unsettled(self, parameter: Parameter[Any], value: Any, path: KeyPath, names: Iterable[str]) -> Setting:
        """Return a value with its strings parsed."""
        if isinstance(value, list):
            entries = [self._unsettled(parameter, entry, (*path, i), names) for i, entry in enumerate(value)]
            return None if None in entries else entries
        if not isinstance(value, str) or value in (*parameter.words, ""):
            return value
        if parameter.of_words or "{" in value:
            return self.template(value, path, names) or None
        return self._parsed(parse, value, path, names, parameter)

    def _parsed(
        self, parse: Any, value: str, path: KeyPath, names: Iterable[str], parameter: Parameter[Any] | None = None
    ) -> Any:
        """Return the expression or template, if all its names are in scope."""
        self.characters += len(value)
        if self.characters > MAX_CHARACTERS:
            self.notes.too_large(path, "characters in expressions", MAX_CHARACTERS)
        try:
            expression = parse(value)
        except ExpressionError as error:
            self.notes.note(error.problem.placed(self.notes.place(path, part=(error.start, error.end))))
            return None
        unknown = sorted(expression.names.difference(names))
        if not unknown:
            return expression
        words = parameter.words_beside(value_at(self.notes.source.data, path[:-1])) if parameter else ()
        name = value if meant(value, words, "value") else unknown[0]  # "same-upper" is an expression, too
        problem = unknown_name(name, value, names, words)
        if parameter and value == name and not any(one.kind == "meant" for one in problem.suggestions):
            problem.suggestions += advice(f"it must be {parameter.kind}")  # perhaps a word was meant
        part = (0, len(value)) if value == name else expression.find(name)
        self.notes.note(problem.placed(self.notes.place(path, part=part)))
        return None

    def _evaluated(self, setting: Setting, path: KeyPath, constants: dict[str, Any]) -> Any:
        """Return the value of a setting; None where it is wrong, or a constant in it is."""
        try:
            return settle(setting, Scope.of({}, constants))
        except ExpressionError as error:
            self.notes.note(error.problem.placed(mistake(self.notes.place(path), setting, error)))
        except Unsettled:
            pass
        return None


def _count(value: list[Any]) -> int:
    """Return the number of entries of a list, with those of the lists in it."""
    return len(value) + sum(_count(entry) for entry in value if isinstance(entry, list))
