"""What can be wrong with the text of a file: its TOML, its keys, its values and expressions."""

from __future__ import annotations

from cnnshape.problems.base import Problem


class Unreadable(Problem, code="unreadable"):
    """The file is missing, too large, no UTF-8 or no TOML."""

    sentence = "{why}"


class UnknownKey(Problem, code="unknown-key"):
    sentence = "{key} is not a key of {of}"


class MisplacedKey(Problem, code="misplaced-key"):
    sentence = "{key} is a key of the net itself, but TOML gives it to {table} here: move it above the first [table]"


class MissingKey(Problem, code="missing-key"):
    sentence = "{of} needs {key}"


class UnknownType(Problem, code="unknown-type"):
    sentence = "there is no layer type {type}"


class BadValue(Problem, code="bad-value"):
    sentence = "{why}"


class BadExpression(Problem, code="bad-expression"):
    sentence = "in {text}: {why}"


class BadName(Problem, code="bad-name"):
    sentence = "{why}"


class IncludeCircle(Problem, code="include-circle"):
    sentence = "a file cannot include itself: {circle}"


class BadInclude(Problem, code="bad-include"):
    sentence = "{why}"
