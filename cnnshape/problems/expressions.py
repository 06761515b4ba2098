"""Problems of expressions: mistakes in the text, unknown names, and results that are not allowed."""

from __future__ import annotations

from typing import ClassVar

from cnnshape.problems.base import Problem


class BadExpression(Problem):
    """A mistake in an expression or a template; `text` is the whole of it, the place is where the mistake stands."""

    mistake: ClassVar[str] = ""  # the sentence about it, without the text

    def __init_subclass__(cls, **settings: str) -> None:
        super().__init_subclass__(**settings)
        cls.sentence = "in {text}: " + cls.mistake


# Its text


class EmptyExpression(BadExpression, code="empty-expression"):
    """There is nothing where an expression is expected, as between the braces of a name.

    Example  input = [3, 32, 32]
             layers = [{ name = "conv{}", type = "relu" }]
    Mend     Write an expression between the braces (`name = "conv{1 + 1}"`), or leave them out (`name = "conv"`).
    """

    mistake = "Nothing stands here, where an expression should."


class ExpressionTooLong(BadExpression, code="expression-too-long"):
    """An expression has more characters than anybody reads.

    Mend     Compute parts of it as constants, or as defaults of the block, and use their names.
    """

    mistake = "{most} characters are the most that an expression may have; this has {length}."


class ExpressionTooDeep(BadExpression, code="expression-too-deep"):
    """Brackets and operators stand in each other to a depth that nobody reads.

    Mend     Compute parts of it as constants, or as defaults of the block, and use their names.
    """

    mistake = "This is nested more than {most} deep."


class UnexpectedCharacter(BadExpression, code="unexpected-character"):
    """A character belongs to no number, name or operator.

    Example  input = [3, 32, 32]
             constants = { width = 8 }
             layers = [{ type = "conv", out_channels = "$width", kernel_size = 3 }]
    Mend     Write what expressions have (`out_channels = "width"`): docs/file.md lists it.
    """

    mistake = "{character} means nothing here."


class ForeignOperator(BadExpression, code="foreign-operator"):
    """An operator is that of another language, such as ^ or &&.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "2 ^ 3", kernel_size = 3 }]
    Mend     Write it as in Python (`out_channels = "2 ** 3"`).
    """

    mistake = "'{operator}' is no operator here."


class NotAnInteger(BadExpression, code="not-an-integer"):
    """A number in an expression is no whole number: it has a decimal point, say.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "0.5 * 16", kernel_size = 3 }]
    Mend     Compute with whole numbers (`out_channels = "16 // 2"`).
    """

    mistake = "'{number}' is no integer: digits, no 0 in front, '_' only between two."


class EndsEarly(BadExpression, code="expression-ends-early"):
    """An expression ends where a number or a name should follow.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "4 *", kernel_size = 3 }]
    Mend     Write the rest (`out_channels = "4 * 2"`), or take the operator out.
    """

    mistake = "A number, a name or '(' should stand here, where the expression ends."


class UnexpectedWord(BadExpression, code="unexpected-word"):
    """An operator, a bracket or a word stands where an expression cannot have it.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "4 * * 2", kernel_size = 3 }]
    Mend     Write what the message says should stand there (`out_channels = "4 * 2"`).
    """

    mistake = "{expected} should stand here, not '{found}'."


class CannotFollow(BadExpression, code="cannot-follow"):
    """Two numbers or names stand side by side in an expression, without an operator.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "4 2", kernel_size = 3 }]
    Mend     Put the operator between them (`out_channels = "4 * 2"`).
    """

    mistake = "'{found}' cannot follow here: the expression is complete before it."


class Unclosed(BadExpression, code="unclosed"):
    """A bracket of an expression is not closed, or an if has no else.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "2 * (3 + 1", kernel_size = 3 }]
    Mend     Close it (`out_channels = "2 * (3 + 1)"`).
    """

    mistake = "This '{opener}' has no '{closer}'."


class Unopened(BadExpression, code="unopened"):
    """A bracket of an expression is closed that was not opened.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "2 * 3 + 1)", kernel_size = 3 }]
    Mend     Open it (`out_channels = "2 * (3 + 1)"`), or take it out (`out_channels = "2 * 3 + 1"`).
    """

    mistake = "This '{closer}' has no '{opener}' before it."


class UnknownFunction(BadExpression, code="unknown-function"):
    """An expression calls a function that there is not.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "sqrt(64)", kernel_size = 3 }]
    Mend     Write the number that it gives (`out_channels = 8`), or compute it with operators.
    """

    mistake = "'{name}' is no function."


# Names


class UnknownName(BadExpression, code="unknown-name"):
    """An expression uses a name that is not known where it stands.

    The file's constants are known; in a block also its arguments, but not its caller's; in a repeat also i.

    Example  input = [3, 32, 32]
             constants = { width = 8 }
             layers = [{ type = "conv", out_channels = "2 * widht", kernel_size = 3 }]
    Mend     Write a name that the message lists (`out_channels = "2 * width"`), or make it a constant of the file or an
             argument of the block.
    """

    mistake = "{name} is not known here."


class WordNotNumber(BadExpression, code="word-not-number"):
    """An expression computes with an argument that is a word.

    Example  input = [3, 32, 32]
             layers = [{ block = "unit" }]

             [blocks.unit]
             words = { act = "relu" }
             layers = [{ type = "conv", out_channels = "2 * act", kernel_size = 3 }]
    Mend     Use a number (`out_channels = 8`). A word is put into another with braces, as in type = "{act}".
    """

    mistake = "'{name}' is a word, where a number or a truth value should stand."


# What it gives


class DivisionByZero(BadExpression, code="division-by-zero"):
    """An expression divides by 0.

    Example  input = [3, 32, 32]
             constants = { parts = 0 }
             layers = [{ type = "conv", out_channels = "8 // parts", kernel_size = 3 }]
    Mend     Look where the 0 comes from (`constants = { parts = 2 }`).
    """

    mistake = "This divides by zero."


class NegativeExponent(BadExpression, code="negative-exponent"):
    """An expression takes a power below 0, which would be no whole number.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "64 * 2 ** -3", kernel_size = 3 }]
    Mend     Divide instead (`out_channels = "64 // 2 ** 3"`).
    """

    mistake = "The exponent {exponent} is negative, and the power would be no whole number."


class NumberTooLarge(BadExpression, code="number-too-large"):
    """A number of an expression goes beyond 2**63, the bound that keeps all arithmetic quick.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "2 ** 100", kernel_size = 3 }]
    Mend     Look for the exponent or the factor that is meant otherwise (`out_channels = "2 ** 10"`).
    """

    mistake = "Numbers go up to 2**63 here, and this is beyond."


class WordTooLong(BadExpression, code="word-too-long"):
    """What is put into a word makes it longer than any expression may be.

    Mend     Shorten the words that are put in.
    """

    mistake = "This becomes longer than {most} characters."


class WrongOperand(BadExpression, code="wrong-operand"):
    """An operator is given a truth value for a number, or a number for a truth value: neither is turned into the other.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "8 * (3 > 2)", kernel_size = 3 }]
    Mend     Make a number of a condition with if (`out_channels = "8 if 3 > 2 else 0"`), and a condition of a number
             with a comparison.
    """

    mistake = "'{operator}' wants a {wanted}, and this is the {given} {value}."


class UnlikeOperands(BadExpression, code="unlike-operands"):
    """A comparison has a number on one side, and a truth value on the other.

    Example  input = [3, 32, 32]
             constants = { deep = true }
             layers = [{ type = "conv", out_channels = "8 if deep == 1 else 4", kernel_size = 3 }]
    Mend     Compare like with like; a truth value is a condition as it is (`out_channels = "8 if deep else 4"`).
    """

    mistake = "'{operator}' compares like with like, not the {one_kind} {one} with the {other_kind} {other}."
