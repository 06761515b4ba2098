"""Problems of values: of one value by itself, and of the settings of one layer together."""

from __future__ import annotations

from cnnshape.problems.base import Problem


class BadValue(Problem):
    """A value that its key does not take; `value` is as the file would write it."""

    sentence = "{key} must be {takes}, not {value}"


# Of any key


class NotATable(BadValue, code="not-a-table"):
    """A table is expected, and there is a value of another kind.

    Example  input = [3, 32, 32]
             constants = 8
             layers = ["relu"]
    Mend     Write a table, with names for its values (`constants = { width = 8 }`).
    """

    sentence = "{key} must be a table, not {value}"


class NotAList(BadValue, code="not-a-list"):
    """A list is expected, in brackets.

    Example  input = [3, 32, 32]
             layers = "relu"
    Mend     Put brackets around it, also where there is one entry (`layers = ["relu"]`).
    """

    sentence = "{key} must be a list, not {value}"


class NotAString(BadValue, code="not-a-string"):
    """A text is expected, in quotes, or a list of them.

    Example  input = [3, 32, 32]
             source = 2012
             layers = ["relu"]
    Mend     Put quotes around it (`source = "2012"`).
    """


class NotAWord(BadValue, code="not-a-word"):
    """A name or another word is expected, and the string is empty, or is none.

    Example  input = [3, 32, 32]
             layers = [{ type = 3 }]
    Mend     Write the word in quotes (`type = "relu"`), or leave the key out.
    """

    sentence = "{key} must be a word, not {value}"


class NotANumber(BadValue, code="not-a-number"):
    """A constant or an argument has a value that is no number, truth value, expression for one, or list of these.

    Example  input = [3, 32, 32]
             constants = { sides = { height = 32 } }
             layers = ["relu"]
    Mend     Give a number (`constants = { side = 32 }`), or a list (`constants = { sides = [32, 32] }`). A word, such as
             a layer type, is an argument of words.
    """

    sentence = "{key} must be a number, a truth value, an expression, or a list of these, not {value}"


class NotALayer(BadValue, code="not-a-layer"):
    """An entry of layers is neither a table nor the name of a layer type.

    Example  input = [3, 32, 32]
             layers = [["relu"]]
    Mend     Write a table, as { type = "conv", out_channels = 8, kernel_size = 3 }; or the bare name of a type that
             needs no parameter (`layers = ["relu"]`).
    """

    sentence = "a layer must be a table, or the bare name of its type, not {value}"


class NotASizeSet(BadValue, code="not-a-size-set"):
    """The claim valid_sizes is no set of sizes as a check writes it.

    Example  input = [3, 32, 32]
             layers = [{ type = "max_pool", kernel_size = 2 }]

             [claims]
             valid_sizes = "2 and more"
    Mend     Copy what cnnshape sizes says of the net (`valid_sizes = "every size from 2"`).
    """

    sentence = "{value} is no set of sizes: {reason}"


class NamelessOptimizer(BadValue, code="nameless-optimizer"):
    """The optimizer in [training] is no table with a name.

    Example  input = [3, 32, 32]
             layers = ["relu"]

             [training]
             optimizer = "sgd"
    Mend     Write a table (`optimizer = { name = "sgd", learning_rate = 0.01 }`).
    """

    sentence = 'optimizer must be a table with a name, as {{ name = "sgd", learning_rate = 0.01 }}, not {value}'


class UnknownWarning(Problem, code="unknown-warning"):
    """An allow has a code that is no warning's. Errors cannot be allowed.

    Example  input = [3, 32, 32]
             layers = [{ type = "relu", allow = "unused-reslt" }]
    Mend     Write a warning's code (`allow = "unused-result"`), or leave it out.
    """

    sentence = "there is no warning {warning}"


# Of a parameter


class WrongKind(BadValue, code="wrong-kind"):
    """A parameter has a value of another kind: a truth value for a number, say, or a fraction for a whole number.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3.5 }]
    Mend     Write what the message says that it takes (`kernel_size = 3`).
    """


class OutOfRange(BadValue, code="out-of-range"):
    """A number is of the right kind, and too small or too large for its parameter.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3, stride = 0 }]
    Mend     Stay within what the message says (`stride = 1`).
    """


class WrongLength(BadValue, code="wrong-length"):
    """A list is empty, or has more entries than there can be axes; or a pair has not two.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = [] }]
    Mend     Write one number for all axes (`kernel_size = 3`), or an entry for each (`kernel_size = [3, 3]`).
    """


class UnknownWord(BadValue, code="unknown-word"):
    """A parameter takes one of some words, and has another.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = 8, kernel_size = 3, padding_mode = "mirror" }]
    Mend     Choose one of those that the message lists (`padding_mode = "reflect"`).
    """


class SeveralRests(BadValue, code="several-rests"):
    """A shape has more than one -1: only one entry can be what is left.

    Example  input = [3, 32, 32]
             layers = [{ type = "reshape", shape = [-1, -1] }]
    Mend     Give all entries but one (`shape = [3, -1]`).
    """


# Of settings that are right one by one


class NeedsOneOf(Problem, code="needs-one-of"):
    """A layer is given none, or more than one, of settings that say the same thing in different ways.

    Example  input = [3, 32, 32]
             layers = [{ type = "upsample", mode = "nearest" }]
    Mend     Give one of them (`scale_factor = 2`).
    """

    sentence = "{of} needs one of {keys}"


class NothingRequired(Problem, code="nothing-required"):
    """A require has no condition, or has a `plus` beside no `multiple_of`.

    Example  input = [3, 32, 32]
             layers = [{ type = "require" }]
    Mend     Say what the code asks of a side (`multiple_of = 32`, or `at_least = 32`), or leave the layer out.
    """

    sentence = "{of} needs {keys}"


class KeysExclude(Problem, code="keys-exclude"):
    """Two keys are given of which there can be one alone, such as the type and the block of a layer.

    Example  input = [3, 32, 32]
             inputs = { image = [3, 32, 32] }
             layers = ["relu"]
    Mend     Keep the one that you mean, and take the other out.
    """

    sentence = "{of} has {one} or {other}, not both"


class OnlyForMode(Problem, code="only-for-mode"):
    """A setting means nothing in the layer's mode.

    Example  input = [3, 32, 32]
             layers = [
               { type = "upsample", scale_factor = 2, mode = "nearest", align_corners = true },
             ]
    Mend     Leave the setting out, or choose a mode that it is for (`mode = "bilinear"`).
    """

    sentence = "{parameter} is only for mode {modes}, not {mode}"


class OffsetNotCentred(Problem, code="offset-not-centred"):
    """A crop has an offset, where it begins, beside settings of a crop of the middle.

    Example  input = [3, 32, 32]
             layers = [{ type = "crop", amount = 2, offset = 1 }]
    Mend     Leave the offset out; or give a size instead of amount and exact.
    """

    sentence = "amount and exact are for the middle, without offset"


class CannotUnpool(Problem, code="cannot-unpool"):
    """A max_unpool names a max_pool whose indices torch cannot follow back.

    With padding "same_upper" or "same_lower" torch pads in a step of its own, and the indices are those of the padded
    side.

    Example  input = [3, 32, 32]
             layers = [
               { name = "pool", type = "max_pool", kernel_size = 2, padding = "same_upper" },
               { type = "max_unpool", indices = "pool" },
             ]
    Mend     Give the padding of the max_pool as a number.
    """

    sentence = "there is no max_unpool of a max_pool with {setting}"


class BoundsReversed(Problem, code="bounds-reversed"):
    """The lower bound of an rrelu's slope lies above the upper one.

    Example  input = [3, 32, 32]
             layers = [{ type = "rrelu", lower = 0.5, upper = 0.1 }]
    Mend     Exchange the two, or move one (`upper = 0.6`).
    """

    sentence = "lower ({lower}) must not be above upper ({upper})"


class EmptyRange(Problem, code="empty-range"):
    """Nothing lies between the bounds that a hardtanh cuts values off at.

    Example  input = [3, 32, 32]
             layers = [{ type = "hardtanh", min_val = 1.0, max_val = 1.0 }]
    Mend     Move them apart (`min_val = -1.0`).
    """

    sentence = "max_val ({max_val}) must be above min_val ({min_val})"


class ZeroEps(Problem, code="zero-eps"):
    """A batch norm without running statistics would divide by a variance that may be 0.

    Example  input = [3, 32, 32]
             layers = [{ type = "batch_norm", eps = 0, track_running_stats = false }]
    Mend     Give a small number (`eps = 1e-5`), or let it track statistics (`track_running_stats = true`).
    """

    sentence = "without track_running_stats, eps must be above 0"


class TakesNoNumber(Problem, code="takes-no-number"):
    """A function is given a number that it does not take.

    Example  input = [3, 32, 32]
             layers = [{ type = "function", function = "exp", value = 2 }]
    Mend     Leave the number out, or name the function that takes it (`function = "pow"`): docs/layers.md lists them.
    """

    sentence = "{function} takes no {parameter}"
