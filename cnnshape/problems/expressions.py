"""What can be wrong with an expression: its text, and what it gives."""

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
    """There is no expression where one is expected, as in "{}"."""

    mistake = "Nothing stands here, where an expression should."


class ExpressionTooLong(BadExpression, code="expression-too-long"):
    """The expression is longer than anybody reads."""

    mistake = "{most} characters are the most that an expression may have; this has {length}."


class ExpressionTooDeep(BadExpression, code="expression-too-deep"):
    """Parentheses and operators stand in each other to a depth that nobody reads."""

    mistake = "This is nested more than {most} deep."


class UnexpectedCharacter(BadExpression, code="unexpected-character"):
    """The character belongs to no number, name or operator."""

    mistake = "{character} means nothing here."


class ForeignOperator(BadExpression, code="foreign-operator"):
    """The operator is another language's."""

    mistake = "'{operator}' is no operator here."


class NotAnInteger(BadExpression, code="not-an-integer"):
    """Numbers in expressions are whole, and decimal."""

    mistake = "'{number}' is no integer: digits, no 0 in front, '_' only between two."


class EndsEarly(BadExpression, code="expression-ends-early"):
    """An operator or a bracket at the end has nothing behind it."""

    mistake = "A number, a name or '(' should stand here, where the expression ends."


class UnexpectedWord(BadExpression, code="unexpected-word"):
    """Something else is expected at this place."""

    mistake = "{expected} should stand here, not '{found}'."


class CannotFollow(BadExpression, code="cannot-follow"):
    """Two expressions stand side by side: an operator is missing."""

    mistake = "'{found}' cannot follow here: the expression is complete before it."


class Unclosed(BadExpression, code="unclosed"):
    """A bracket is not closed, or an `if` has no `else`."""

    mistake = "This '{opener}' has no '{closer}'."


class Unopened(BadExpression, code="unopened"):
    """A bracket is closed that was not opened."""

    mistake = "This '{closer}' has no '{opener}' before it."


class UnknownFunction(BadExpression, code="unknown-function"):
    """There are few functions, and this is none of them."""

    mistake = "'{name}' is no function."


# Names


class UnknownName(BadExpression, code="unknown-name"):
    """An expression knows the file's constants; in a block, also the block's arguments; in a repeat, also `i`."""

    mistake = "{name} is not known here."


class WordNotNumber(BadExpression, code="word-not-number"):
    """An argument that is a word can be put into a word, as "{act}", and cannot be computed with."""

    mistake = "'{name}' is a word, where a number or a truth value should stand."


# What it gives


class DivisionByZero(BadExpression, code="division-by-zero"):
    """The divisor is 0."""

    mistake = "This divides by zero."


class NegativeExponent(BadExpression, code="negative-exponent"):
    """The power would be no whole number."""

    mistake = "The exponent {exponent} is negative, and the power would be no whole number."


class NumberTooLarge(BadExpression, code="number-too-large"):
    """Numbers are bounded, so that a file cannot keep anybody waiting."""

    mistake = "Numbers go up to 2**63 here, and this is beyond."


class WordTooLong(BadExpression, code="word-too-long"):
    """A template gives a word that is longer than any expression."""

    mistake = "This becomes longer than {most} characters."


class WrongOperand(BadExpression, code="wrong-operand"):
    """Arithmetic takes whole numbers, and/or/not/if take truth values: nothing turns one into the other."""

    mistake = "'{operator}' wants a {wanted}, and this is the {given} {value}."


class UnlikeOperands(BadExpression, code="unlike-operands"):
    """A number equals no truth value, nor a whole number a real one: like is compared with like."""

    mistake = "'{operator}' compares like with like, not the {one_kind} {one} with the {other_kind} {other}."
