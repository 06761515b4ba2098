"""The text of an expression, cut into tokens: numbers, names, symbols.

In: a text, and the part of it that is an expression. Out: its tokens, each with its place. Raises ExpressionError for what
is no token.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.problems import expressions
from cnnshape.problems.suggest import advice
from cnnshape.problems.wording import shown
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.problems.expressions import BadExpression

# Compiled when the first text is cut: many files have no expression, and none has a condition.
PIECE: Final = r"""(?xs)
        (?P<space> [ \t\r\n]+ )
      | (?P<number> [0-9][0-9A-Za-z_.]* )        # whatever is meant as one: 1.2.3 is one mistake, not three tokens
      | (?P<name> [A-Za-z_][0-9A-Za-z_]* )
      | (?P<symbol> \*\* | // | [=!<>]= | [-+*/%<>(),[\]] )
      | (?P<foreign> && | \|\| | [=!^] )
      | (?P<unknown> . )"""
DECIMAL: Final = r"(0|[1-9](_?[0-9])*)(\.[0-9](_?[0-9])*)?"


class Dialect(NamedTuple):
    """What tokens and numbers are like: regular expressions."""

    token: str
    number: str


FILES: Final = Dialect(PIECE, DECIMAL)  # of architecture files
CONDITIONS: Final = Dialect(  # of searches: layer1.depth is a name, and 600e6 a number
    PIECE.replace("[A-Za-z_][0-9A-Za-z_]*", r"[A-Za-z_]\w*(?:\.\w+)*"), rf"(?:{DECIMAL})(e[0-9]{{1,2}})?"
)
FOREIGN: Final = {
    "=": "'==' compares",
    "!": "'not' negates",
    "^": "'**' is the power",
    "&&": "'and' joins truth values",
    "||": "'or' joins truth values",
}


class ExpressionError(ValueError):
    """A mistake in the text or in evaluating it, at text[start:end], which is empty at the end of the text.

    The problem is without its place in a file.
    """

    def __init__(self, problem: BadExpression, start: int, end: int, text: str) -> None:
        super().__init__(problem, start, end, text)  # all four, or the error would not pickle
        self.problem, self.start, self.end, self.text = problem, start, end, text

    def __str__(self) -> str:
        return self.problem.message


def mistaken(kind: type[BadExpression], start: int, end: int, text: str, /, **facts: Any) -> ExpressionError:
    """Return the error of a mistake at text[start:end]."""
    return ExpressionError(kind(text=shown(text), **facts), start, end, text)


class Token(NamedTuple):
    """A piece of the text, and its place."""

    kind: str  # number, name, symbol, end
    text: str
    start: int
    end: int


def tokens(text: str, start: int, end: int, dialect: Dialect = FILES) -> Iterator[Token]:
    """Cut text[start:end] into tokens; the last is the end. Raises ExpressionError."""
    for match in re.compile(dialect.token).finditer(text, start, end):
        kind, word, place = match.lastgroup or "", match[0], match.span()
        if kind == "unknown":
            raise mistaken(expressions.UnexpectedCharacter, *place, text, character=repr(word))
        if kind == "foreign":
            hint = advice(FOREIGN[word])
            raise mistaken(expressions.ForeignOperator, *place, text, operator=word, suggestions=hint)
        if kind == "number" and not re.fullmatch(dialect.number, word):
            sizes = re.fullmatch(r"\d+(x\d+)+", text)  # a shape as people write it, and nothing else
            hint = advice(f"as a list: [{text.replace('x', ', ')}]" if sizes else "")
            raise mistaken(expressions.NotADecimal, *place, text, number=word, suggestions=hint)
        if kind != "space":
            yield Token(kind, word, *place)
    yield Token("end", "", end, end)
