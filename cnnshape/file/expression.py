"""The little language of architecture files: expressions such as 4 * width, and words with expressions in braces.

In: a text. Out: an immutable value that computes the text's result in any scope. A text is parsed once, by grammar.py, of
tokens.py's tokens; exact.py has the numbers. Raises ExpressionError.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, TypeVar

from cnnshape.file.exact import as_toml
from cnnshape.file.grammar import Grammar
from cnnshape.file.tokens import FILES, PIECE, mistaken
from cnnshape.problems import expressions
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cnnshape.file.grammar import Evaluate, Scope
    from cnnshape.file.tokens import Dialect

T = TypeVar("T")

MAX_EXPRESSION_LENGTH: Final = (
    1_000  # characters: far beyond what anybody reads, and it bounds the work of one evaluation
)
HOLE: Final = r"\{[^{}]*\}|[{}]"  # of a template; or a brace that has no other


class _Parsed(Generic[T]):
    """A text and the function that it stands for: immutable, and equal where class and text are.

    `evaluate` computes the result in a scope; a name is looked up when it is needed. Raises ExpressionError. KeyError alone
    means that a name is unknown: any other error of a scope that computes passes through.
    """

    __slots__ = ("evaluate", "length", "names", "text")
    text: str
    names: frozenset[str]
    length: int  # the characters to be evaluated, those of fractions thrice
    evaluate: Callable[[Scope], T]

    def __init__(self, text: str, names: set[str], run: Callable[[Scope], T]) -> None:
        length = len(text) * (3 if "/" in text or "." in text else 1)
        for name, value in (("text", text), ("names", frozenset(names)), ("length", length), ("evaluate", run)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def find(self, name: str) -> tuple[int, int]:
        """Return where one of its names first stands in the text."""
        tokens = (token for start, end in self._holes() for token in re.compile(PIECE).finditer(self.text, start, end))
        return next(token.span() for token in tokens if token["name"] == name)

    def _holes(self) -> Iterable[tuple[int, int]]:
        """Return where the text has expressions."""
        return [(0, len(self.text))]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Parsed) and (type(self), self.text) == (type(other), other.text)

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.text!r})"


class Expression(_Parsed[Any]):
    """A number, a truth value or a list, such as `4 * width`; `names` are the free names that it uses."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        return parse, (self.text,)  # nested functions do not pickle; the text does


class Template(_Parsed[str]):
    """A text with expressions in braces, such as `block{i + 1}`; braces around a name alone may hold a word."""

    __slots__ = ()

    def _holes(self) -> Iterable[tuple[int, int]]:
        return (match.span() for match in re.finditer(HOLE, self.text))

    def __reduce__(self) -> tuple[Callable[[str], Template], tuple[str]]:
        return parse_template, (self.text,)


@lru_cache(maxsize=2**10)  # the files of a folder, and the blocks of one, say the same in many places
def parse(text: str, dialect: Dialect = FILES) -> Expression:
    """Parse one expression; a `dialect` says what its names and numbers are like."""
    _check_length(text)
    grammar = Grammar(text, 0, len(text), dialect)
    run = grammar.whole().run
    return Expression(text, grammar.names, run)


@lru_cache(maxsize=2**10)
def parse_template(text: str) -> Template:
    """template: (text | '{' hole '}')*, where neither has braces of its own."""
    _check_length(text)
    names: set[str] = set()
    holes: list[tuple[str, Evaluate]] = []  # each with the text before it
    done = 0
    for match in re.finditer(HOLE, text):
        start, end = match.span()
        if end - start == 1:
            kind = expressions.Unclosed if match[0] == "{" else expressions.Unopened
            raise mistaken(kind, start, end, text, opener="{", closer="}")
        grammar = Grammar(text, start + 1, end - 1)
        holes.append((text[done:start], grammar.hole()))
        names |= grammar.names
        done = end
    rest = text[done:]

    def run(scope: Scope) -> str:
        result = "".join([s + _written(hole(scope)) for s, hole in holes]) + rest
        if len(result) > MAX_EXPRESSION_LENGTH:  # or words that hold words would grow without bound
            raise mistaken(expressions.WordTooLong, 0, len(text), text, most=MAX_EXPRESSION_LENGTH)
        return result

    return Template(text, names, run)


def _check_length(text: str) -> None:
    if len(text) > MAX_EXPRESSION_LENGTH:
        facts = {"most": MAX_EXPRESSION_LENGTH, "length": len(text)}
        raise mistaken(expressions.ExpressionTooLong, MAX_EXPRESSION_LENGTH, len(text), text, **facts)


def _written(value: Any) -> str:
    """Write a value into a word: true, 12, 0.5, a word as it is."""
    return value if isinstance(value, str) else shown(as_toml(value))
