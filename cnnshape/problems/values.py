"""What can be wrong with a value by itself, and with the settings of a layer together."""

from __future__ import annotations

from cnnshape.problems.base import Problem


class BadValue(Problem):
    """A value that its key does not take; `value` is as the file would write it."""

    sentence = "{key} must be {takes}, not {value}"


# Of any key


class NotATable(BadValue, code="not-a-table"):
    """A table is expected: [key] or key = { ... }."""

    sentence = "{key} must be a table, not {value}"


class NotAList(BadValue, code="not-a-list"):
    """A list is expected, in brackets."""

    sentence = "{key} must be a list, not {value}"


class NotAString(BadValue, code="not-a-string"):
    """A string is expected, or a list of strings."""


class NotAWord(BadValue, code="not-a-word"):
    """A name or another word is expected: a string that is not empty."""

    sentence = "{key} must be a word, not {value}"


class NotANumber(BadValue, code="not-a-number"):
    """A constant or an argument is a number or a truth value, or an expression for one; never a list."""

    sentence = "{key} must be a number, a truth value or an expression, not {value}"


class NotALayer(BadValue, code="not-a-layer"):
    """An entry of `layers` is a table, or the name of a type that needs no parameter."""

    sentence = "a layer must be a table, or the bare name of its type, not {value}"


class NotASizeSet(BadValue, code="not-a-size-set"):
    """`valid_sizes` is a set of sizes as a check writes it."""

    sentence = "{value} is no set of sizes: {reason}"


class NamelessOptimizer(BadValue, code="nameless-optimizer"):
    """`optimizer` is a table that has a name."""

    sentence = 'optimizer must be a table with a name, as {{ name = "sgd", learning_rate = 0.01 }}, not {value}'


class UnknownWarning(Problem, code="unknown-warning"):
    """`allow` takes the codes of warnings; an error cannot be allowed."""

    sentence = "there is no warning {warning}"


# Of a parameter


class WrongKind(BadValue, code="wrong-kind"):
    """The value is of another kind than the parameter: a truth value for a number, a number for a word."""


class OutOfRange(BadValue, code="out-of-range"):
    """The number is of the right kind, and too small or too large for the parameter."""


class WrongLength(BadValue, code="wrong-length"):
    """The list is empty, or has more entries than there can be axes; or a pair does not have two."""


class UnknownWord(BadValue, code="unknown-word"):
    """The parameter takes one of some words, and this is none of them."""


class SeveralRests(BadValue, code="several-rests"):
    """A shape may leave one side open, as -1, and no more."""


# Of settings that are right one by one


class NeedsOneOf(Problem, code="needs-one-of"):
    """Of these settings, the layer needs one and no other."""

    sentence = "{of} needs one of {keys}"


class KeysExclude(Problem, code="keys-exclude"):
    """Two keys say the same thing in different ways: one of them must go."""

    sentence = "{of} has {one} or {other}, not both"


class OnlyForMode(Problem, code="only-for-mode"):
    """The setting means nothing in this mode."""

    sentence = "{parameter} is only for mode {modes}, not {mode}"


class OffsetNotCentred(Problem, code="offset-not-centred"):
    """`offset` says where a crop begins; `amount` and `exact` are about one in the middle."""

    sentence = "amount and exact are for the middle, without offset"


class BoundsReversed(Problem, code="bounds-reversed"):
    """The lower bound lies above the upper one."""

    sentence = "lower ({lower}) must not be above upper ({upper})"


class EmptyRange(Problem, code="empty-range"):
    """Nothing lies between the bounds."""

    sentence = "max_val ({max_val}) must be above min_val ({min_val})"


class ZeroEps(Problem, code="zero-eps"):
    """The layer would divide by the variance alone, which may be 0."""

    sentence = "without track_running_stats, eps must be above 0"
