"""The little language for numbers in an architecture file: a closed evaluator of integers and truth values.

Precedence and results are Python's. Stricter are the kinds: arithmetic and order take whole numbers, `and or not if`
take truth values, and nothing turns one into the other; a real number may only be handed on. A text is parsed once, by
one method a grammar rule, into functions that call each other; chains (a + b + c) are loops in them, so that evaluating
goes no deeper than the text nests.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Generic, NamedTuple, NoReturn, TypeVar

from cnnshape.problems import expressions
from cnnshape.problems.expressions import BadExpression, UnknownName
from cnnshape.problems.suggest import advice, all_known, close, did_you_mean, suggest
from cnnshape.problems.wording import shown

Value = int | float | bool
Scope = Mapping[str, Value | str]  # may hold words, for templates; an expression refuses a word that it meets
Evaluate = Callable[[Scope], Value]
T = TypeVar("T")

MAX_EXPRESSION_LENGTH = 1_000  # characters: far beyond what anybody reads, and it bounds the work of one evaluation
# Levels. One takes 11 frames to parse at most: 550 of Python's 1,000, and the rest is the caller's.
MAX_EXPRESSION_NESTING = 50
MAX_NUMBER = 2**63  # either side of zero: every integer of TOML fits, and arithmetic stays instant

TOKEN = re.compile(
    r"""(?P<space> [ \t\r\n]+ )
      | (?P<number> [0-9][0-9A-Za-z_.]* )        # whatever is meant as one: 1.5 is one mistake, not three tokens
      | (?P<name> [A-Za-z_][0-9A-Za-z_]* )
      | (?P<symbol> \*\* | // | [=!<>]= | [-+*%<>(),] )
      | (?P<foreign> && | \|\| | [/=!^] )
      | (?P<unknown> . )""",
    re.VERBOSE | re.DOTALL,
)
HOLE = re.compile(r"\{[^{}]*\}|[{}]")  # of a template; or a brace that has no other
INTEGER = re.compile("0|[1-9](_?[0-9])*")
FOREIGN = {
    "/": "'//' divides and rounds down",
    "=": "'==' compares",
    "!": "'not' negates",
    "^": "'**' is the power",
    "&&": "'and' joins truth values",
    "||": "'or' joins truth values",
}


class _NumbersError(ArithmeticError):
    """An operator has no result for these numbers: the class of the problem, and its facts."""

    def __init__(self, kind: type[BadExpression], **facts: int) -> None:
        super().__init__(kind, facts)
        self.kind, self.facts = kind, facts


def _divisor(number: int) -> int:
    if number == 0:
        raise _NumbersError(expressions.DivisionByZero)
    return number


def _power(base: int, exponent: int) -> int:
    if exponent < 0:
        raise _NumbersError(expressions.NegativeExponent, exponent=exponent)
    # |base| >= 2**(bits - 1): this refuses only powers beyond MAX_NUMBER, and lets none of over 126 bits through.
    bits = abs(base).bit_length()
    if (bits - 1) * exponent >= MAX_NUMBER.bit_length():
        raise _NumbersError(expressions.NumberTooLarge)
    return int(base**exponent)


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": lambda a, b: a // _divisor(b),
    "%": lambda a, b: a % _divisor(b),
    "**": _power,
}
SIGNS: dict[str, Callable[[int], int]] = {"+": operator.pos, "-": operator.neg}
EQUALITY: dict[str, Callable[[Value, Value], bool]] = {"==": operator.eq, "!=": operator.ne}
ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
FUNCTIONS: dict[str, Callable[[list[int]], int]] = {"min": min, "max": max}
CONSTANTS = {"true": True, "false": False}
KEYWORDS = {"and", "or", "not", "if", "else"}


class ExpressionError(ValueError):
    """A mistake in the text or in evaluating it, at text[start:end], which is empty at the end of the text.

    The problem is without its place in a file.
    """

    def __init__(self, problem: BadExpression, start: int, end: int, text: str) -> None:
        super().__init__(problem, start, end, text)  # all four, or the error would not pickle
        self.problem, self.start, self.end, self.text = problem, start, end, text

    def __str__(self) -> str:
        return self.problem.message


def _error(kind: type[BadExpression], start: int, end: int, text: str, /, **facts: Any) -> ExpressionError:
    return ExpressionError(kind(text=shown(text), **facts), start, end, text)


def unknown_name(name: str, text: str, scope: Iterable[str], words: Iterable[str] = ()) -> UnknownName:
    """Return the problem of a name that is not in scope; `words` are others that may stand there."""
    known = sorted(scope)
    hint = did_you_mean(close(name, [*words, *known, *CONSTANTS, *FUNCTIONS]))
    return UnknownName(name=name, text=shown(text), suggestions=(*all_known(known), *hint))


class _Parsed(Generic[T]):
    """A text and the function that it stands for: immutable, and equal where class and text are."""

    __slots__ = ("_run", "names", "text")
    text: str
    names: frozenset[str]
    _run: Callable[[Scope], T]

    def __init__(self, text: str, names: set[str], run: Callable[[Scope], T]) -> None:
        for name, value in (("text", text), ("names", frozenset(names)), ("_run", run)):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable")

    def evaluate(self, scope: Scope) -> T:
        """Compute the result; a name is looked up when it is needed. Raises ExpressionError.

        KeyError alone means that a name is unknown: any other error of a scope that computes passes through.
        """
        return self._run(scope)

    def find(self, name: str) -> tuple[int, int]:
        """Return where one of its names first stands in the text."""
        tokens = (token for start, end in self._holes() for token in TOKEN.finditer(self.text, start, end))
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


class Expression(_Parsed[Value]):
    """A number or a truth value, such as `4 * width`; `names` are the free names that it uses."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Callable[[str], Expression], tuple[str]]:
        return parse, (self.text,)  # nested functions do not pickle; the text does


class Template(_Parsed[str]):
    """A text with expressions in braces, such as `block{i + 1}`; braces around a name alone may hold a word."""

    __slots__ = ()

    def _holes(self) -> Iterable[tuple[int, int]]:
        return (match.span() for match in HOLE.finditer(self.text))

    def __reduce__(self) -> tuple[Callable[[str], Template], tuple[str]]:
        return parse_template, (self.text,)


def parse(text: str) -> Expression:
    """Parse one expression."""
    _check_length(text)
    parser = _Parser(text, 0, len(text))
    run = parser.whole().run
    return Expression(text, parser.names, run)


def parse_template(text: str) -> Template:
    """template: (text | '{' hole '}')*, where neither has braces of its own."""
    _check_length(text)
    names: set[str] = set()
    holes: list[tuple[str, Callable[[Scope], Value | str]]] = []  # each with the text before it
    done = 0
    for match in HOLE.finditer(text):
        start, end = match.span()
        if end - start == 1:
            kind = expressions.Unclosed if match[0] == "{" else expressions.Unopened
            raise _error(kind, start, end, text, opener="{", closer="}")
        parser = _Parser(text, start + 1, end - 1)
        holes.append((text[done:start], parser.hole()))
        names |= parser.names
        done = end
    rest = text[done:]

    def run(scope: Scope) -> str:
        result = "".join([s + _show(hole(scope)) for s, hole in holes]) + rest
        if len(result) > MAX_EXPRESSION_LENGTH:  # or words that hold words would grow without bound
            raise _error(expressions.WordTooLong, 0, len(text), text, most=MAX_EXPRESSION_LENGTH)
        return result

    return Template(text, names, run)


def _check_length(text: str) -> None:
    if len(text) > MAX_EXPRESSION_LENGTH:
        facts = {"most": MAX_EXPRESSION_LENGTH, "length": len(text)}
        raise _error(expressions.ExpressionTooLong, MAX_EXPRESSION_LENGTH, len(text), text, **facts)


def _show(value: Value | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _kind(value: Value) -> str:
    if isinstance(value, bool):
        return "truth value"
    return "real number" if isinstance(value, float) else "whole number"


class _Token(NamedTuple):
    kind: str  # number, name, symbol, end
    text: str
    start: int
    end: int


class _Part(NamedTuple):
    """A piece of the text that a rule has read: the function that computes it, and its place."""

    run: Evaluate
    start: int
    end: int


class _Parser:
    """Reads text[start:end] by recursive descent: the method of a rule takes the tokens that belong to the rule."""

    def __init__(self, text: str, start: int, end: int) -> None:
        self.text = text
        self.names: set[str] = set()
        self.depth = 0
        self.tokens = [*self.scan(start, end), _Token("end", "", end, end)][::-1]  # the next one stands last

    def scan(self, start: int, end: int) -> Iterator[_Token]:
        """Cut the text into tokens."""
        for match in TOKEN.finditer(self.text, start, end):
            kind = match.lastgroup or ""
            token = _Token(kind, match[0], *match.span())
            if kind == "unknown":
                raise self.error(expressions.UnexpectedCharacter, token, character=repr(token.text))
            if kind == "foreign":
                hint = advice(FOREIGN[token.text])
                raise self.error(expressions.ForeignOperator, token, operator=token.text, suggestions=hint)
            if kind == "number" and not INTEGER.fullmatch(token.text):
                sizes = re.fullmatch(r"\d+(x\d+)+", self.text)  # a shape as people write it, and nothing else
                hint = advice(f"as a list: [{self.text.replace('x', ', ')}]" if sizes else "")
                raise self.error(expressions.NotAnInteger, token, number=token.text, suggestions=hint)
            if kind != "space":
                yield token

    def error(
        self, kind: type[BadExpression], first: _Token | _Part, last: _Token | _Part | None = None, /, **facts: Any
    ) -> ExpressionError:
        return _error(kind, first.start, (last or first).end, self.text, **facts)

    def take(self, *texts: str) -> _Token | None:
        """Take the next token if it is one of these."""
        return self.tokens.pop() if self.tokens[-1].text in texts else None

    def expect(self, text: str, opener: _Token) -> _Token:
        """Take the next token, which must be this one because of `opener`."""
        found = self.tokens[-1]
        if found.kind == "end":
            raise self.error(expressions.Unclosed, opener, opener=opener.text, closer=text)
        if found.text != text:
            raise self.error(expressions.UnexpectedWord, found, expected=f"'{text}'", found=found.text)
        return self.tokens.pop()

    @contextmanager
    def nested(self, opener: _Token) -> Iterator[None]:
        """Count the levels of recursion, so that neither parsing nor evaluating can run out of stack."""
        self.depth += 1
        if self.depth > MAX_EXPRESSION_NESTING:
            raise self.error(expressions.ExpressionTooDeep, opener, most=MAX_EXPRESSION_NESTING)
        yield
        self.depth -= 1

    def want(self, kind: str, symbol: str, part: _Part, value: Value) -> int:
        """Return the value of a part, which must be of the kind that an operator takes."""
        if isinstance(value, float) or _kind(value) != kind:
            facts: dict[str, Any] = {"operator": symbol, "wanted": kind, "given": _kind(value), "value": _show(value)}
            raise self.error(expressions.WrongOperand, part, **facts)
        return value

    # The rules, from the loosest binding to the tightest.

    def hole(self) -> Callable[[Scope], Value | str]:
        """hole: NAME | whole."""
        name, *others = reversed(self.tokens)
        part = self.whole()
        if len(others) > 1 or name.text not in self.names:
            return part.run

        def run(scope: Scope) -> Value | str:
            found = self.look_up(name, scope)
            return found if isinstance(found, str) else self.number_or_truth(name, found)

        return run

    def whole(self) -> _Part:
        """whole: conditional END."""
        if self.tokens[-1].kind == "end":
            raise self.error(expressions.EmptyExpression, self.tokens[-1])
        part = self.conditional()
        rest = self.tokens[-1]
        if rest.text == ")":
            raise self.error(expressions.Unopened, rest, opener="(", closer=")")
        if rest.kind != "end":
            raise self.error(expressions.CannotFollow, rest, found=rest.text)
        return part

    def conditional(self) -> _Part:
        """conditional: disjunction ['if' disjunction 'else' conditional]."""
        yes = self.disjunction()
        word = self.take("if")
        if not word:
            return yes
        condition = self.disjunction()
        self.expect("else", word)
        with self.nested(word):
            no = self.conditional()

        def run(scope: Scope) -> Value:
            chosen = yes if self.want("truth value", "if", condition, condition.run(scope)) else no
            return chosen.run(scope)

        return _Part(run, yes.start, no.end)

    def disjunction(self) -> _Part:
        """disjunction: conjunction ('or' conjunction)*."""
        parts = [self.conjunction()]
        while self.take("or"):
            parts.append(self.conjunction())
        return self.junction("or", parts, decisive=True)

    def conjunction(self) -> _Part:
        """conjunction: inversion ('and' inversion)*."""
        parts = [self.inversion()]
        while self.take("and"):
            parts.append(self.inversion())
        return self.junction("and", parts, decisive=False)

    def junction(self, symbol: str, parts: list[_Part], *, decisive: bool) -> _Part:
        """Evaluate up to the first part that is `decisive`, and no further."""
        if len(parts) == 1:
            return parts[0]

        def run(scope: Scope) -> Value:
            for part in parts:
                if self.want("truth value", symbol, part, part.run(scope)) is decisive:
                    return decisive
            return not decisive

        return _Part(run, parts[0].start, parts[-1].end)

    def inversion(self) -> _Part:
        """inversion: 'not' inversion | comparison."""
        word = self.take("not")
        if not word:
            return self.comparison()
        with self.nested(word):
            part = self.inversion()
        return _Part(lambda scope: not self.want("truth value", "not", part, part.run(scope)), word.start, part.end)

    def comparison(self) -> _Part:
        """comparison: sum (('==' | '!=' | '<' | '<=' | '>' | '>=') sum)*; a < b < c means a < b and b < c."""
        first = self.sum()
        others: list[tuple[str, _Part]] = []
        while token := self.take(*EQUALITY, *ORDER):
            others.append((token.text, self.sum()))
        if not others:
            return first

        def run(scope: Scope) -> Value:
            left, a = first, first.run(scope)
            for symbol, right in others:
                b = right.run(scope)
                if not self.compare(symbol, left, a, right, b):
                    return False
                left, a = right, b
            return True

        return _Part(run, first.start, others[-1][1].end)

    def compare(self, symbol: str, left: _Part, a: Value, right: _Part, b: Value) -> bool:
        if symbol in ORDER:
            return ORDER[symbol](
                self.want("whole number", symbol, left, a), self.want("whole number", symbol, right, b)
            )
        if _kind(a) != _kind(b):
            sides: dict[str, Any] = {"one_kind": _kind(a), "one": _show(a), "other_kind": _kind(b), "other": _show(b)}
            raise self.error(expressions.UnlikeOperands, left, right, operator=symbol, **sides)
        return EQUALITY[symbol](a, b)

    def sum(self) -> _Part:
        """sum: product (('+' | '-') product)*."""
        first = self.product()
        others: list[tuple[str, _Part]] = []
        while token := self.take("+", "-"):
            others.append((token.text, self.product()))
        return self.chain(first, others)

    def product(self) -> _Part:
        """product: signed (('*' | '//' | '%') signed)*."""
        first = self.signed()
        others: list[tuple[str, _Part]] = []
        while token := self.take("*", "//", "%"):
            others.append((token.text, self.signed()))
        return self.chain(first, others)

    def chain(self, first: _Part, others: list[tuple[str, _Part]]) -> _Part:
        """Arithmetic from left to right, bounded at each step."""
        if not others:
            return first

        def run(scope: Scope) -> Value:
            result = self.want("whole number", others[0][0], first, first.run(scope))
            for symbol, part in others:
                value = self.want("whole number", symbol, part, part.run(scope))
                try:
                    result = ARITHMETIC[symbol](result, value)
                except _NumbersError as error:
                    raise self.error(error.kind, first, part, **error.facts) from None
                self.check_bound(result, first, part)
            return result

        return _Part(run, first.start, others[-1][1].end)

    def signed(self) -> _Part:
        """signed: ('+' | '-') signed | power."""
        sign = self.take(*SIGNS)
        if not sign:
            return self.power()
        with self.nested(sign):
            part = self.signed()
        apply = SIGNS[sign.text]
        return _Part(
            lambda scope: apply(self.want("whole number", sign.text, part, part.run(scope))), sign.start, part.end
        )

    def power(self) -> _Part:
        """power: atom ['**' signed]; so -2**2 is -4, and 2**3**2 is 2**9."""
        base = self.atom()
        symbol = self.take("**")
        if not symbol:
            return base
        with self.nested(symbol):
            exponent = self.signed()
        return self.chain(base, [("**", exponent)])

    def atom(self) -> _Part:
        """atom: '(' conditional ')' | call | INTEGER | 'true' | 'false' | NAME."""
        token = self.tokens[-1]
        if token.text == "(":
            opener = self.tokens.pop()
            with self.nested(opener):
                part = self.conditional()
            return _Part(part.run, opener.start, self.expect(")", opener).end)
        if token.text in FUNCTIONS:
            return self.call()
        if token.kind == "end":
            raise self.error(expressions.EndsEarly, token)
        if token.kind == "symbol" or token.text in KEYWORDS:
            expected = "A number, a name or '('"
            raise self.error(expressions.UnexpectedWord, token, expected=expected, found=token.text)
        self.tokens.pop()
        if token.kind == "name" and token.text not in CONSTANTS:
            return self.name(token)
        value = CONSTANTS[token.text] if token.kind == "name" else int(token.text)
        self.check_bound(value, token, token)
        return _Part(lambda _: value, token.start, token.end)

    def call(self) -> _Part:
        """call: ('min' | 'max') '(' conditional (',' conditional)* ')'."""
        function = self.tokens.pop()
        opener = self.expect("(", function)
        with self.nested(opener):
            parts = [self.conditional()]
            while self.take(","):
                parts.append(self.conditional())
        apply = FUNCTIONS[function.text]

        def run(scope: Scope) -> Value:
            return apply([self.want("whole number", function.text, part, part.run(scope)) for part in parts])

        return _Part(run, function.start, self.expect(")", opener).end)

    def name(self, token: _Token) -> _Part:
        if self.tokens[-1].text == "(":
            hint = suggest(token.text, FUNCTIONS)
            raise self.error(expressions.UnknownFunction, token, name=token.text, suggestions=hint)
        self.names.add(token.text)

        def run(scope: Scope) -> Value:
            value = self.look_up(token, scope)
            if type(value) is int and -MAX_NUMBER <= value <= MAX_NUMBER:  # as it is most often
                return value
            return self.number_or_truth(token, value)

        return _Part(run, token.start, token.end)

    def look_up(self, token: _Token, scope: Scope) -> Value | str:
        try:
            return scope[token.text]
        except KeyError:
            problem = unknown_name(token.text, self.text, scope)
            raise ExpressionError(problem, token.start, token.end, self.text) from None

    def number_or_truth(self, token: _Token, value: Value | str) -> Value:
        if isinstance(value, str):
            raise self.error(expressions.WordNotNumber, token, name=token.text)
        if isinstance(value, int):
            self.check_bound(value, token, token)
        return value

    def check_bound(self, value: int, first: _Token | _Part, last: _Token | _Part) -> None:
        if not -MAX_NUMBER <= value <= MAX_NUMBER:
            raise self.error(expressions.NumberTooLarge, first, last)
