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


class NotADecimal(BadExpression, code="not-a-decimal"):
    """A number in an expression is written as no number: with two points, say, a letter, or a 0 in front.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "1e2", kernel_size = 3 }]
    Mend     Write digits, with one point at most (`out_channels = "100"`).
    """

    mistake = "'{number}' is no number: digits, one point at most, no 0 in front, '_' only between two digits."


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


class BrokenExponent(BadExpression, code="exponent-not-whole"):
    """An expression takes a power whose exponent is a fraction: a root, which no fraction is in general.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "64 ** 0.5", kernel_size = 3 }]
    Mend     Write the number that it gives (`out_channels = 8`).
    """

    mistake = "The exponent {exponent} is no whole number, and the power would be no exact number."


class NumberTooLarge(BadExpression, code="number-too-large"):
    """A number of an expression goes beyond 2**63, the bound that keeps all arithmetic quick.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "2 ** 100", kernel_size = 3 }]
    Mend     Look for the exponent or the factor that is meant otherwise (`out_channels = "2 ** 10"`).
    """

    mistake = "Numbers go up to 2**63 here, and this is beyond."


class FractionTooFine(BadExpression, code="fraction-too-fine"):
    """A fraction of an expression has a denominator beyond 2**128, the bound that keeps all arithmetic quick.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "round(8 * 1.1 ** 99)", kernel_size = 3 }]
    Mend     Look for the exponent that is meant otherwise (`out_channels = "round(8 * 1.1 ** 9)"`), or round on the way.
    """

    mistake = "Fractions have denominators up to 2**128 here, and this one's is beyond."


class WordTooLong(BadExpression, code="word-too-long"):
    """What is put into a word makes it longer than any expression may be.

    Mend     Shorten the words that are put in.
    """

    mistake = "This becomes longer than {most} characters."


class WrongOperand(BadExpression, code="wrong-operand"):
    """An operator is given a value of a kind that it does not take: a truth value or a list for a number, say.

    Example  input = [3, 32, 32]
             layers = [{ type = "conv", out_channels = "8 * (3 > 2)", kernel_size = 3 }]
    Mend     Make a number of a condition with if (`out_channels = "8 if 3 > 2 else 0"`), and take one entry of a list,
             as in k[0].
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


class NoSuchEntry(BadExpression, code="no-such-entry"):
    """An expression takes an entry of a list that the list does not have. The first is entry 0.

    Example  input = [3, 32, 32]
             constants = { widths = [8, 16] }
             layers = [{ type = "conv", out_channels = "widths[2]", kernel_size = 3 }]
    Mend     Count from 0 (`out_channels = "widths[1]"`), or add what is missing to the list.
    """

    mistake = "There is no entry {index}: the list has {entries}, counted from 0."
