"""The grammar of expressions, from tokens to functions that compute: one method a rule.

In: a part of a text. Out: a function of a scope, and the names that it asks the scope for. Chains (a + b + c) are loops, so
that evaluating goes no deeper than the text nests. Precedence and results are Python's, numbers are exact. Stricter are the
kinds: arithmetic and order take numbers, and a truth value is none. Raises ExpressionError, in parsing and in evaluating.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.exact import (
    ARITHMETIC,
    EQUALITY,
    FUNCTIONS,
    MAX_NUMBER,
    OF_ONE,
    ORDER,
    SIGNS,
    NoResult,
    as_toml,
    bounded,
    decimal,
    exact,
    finite,
    kind,
)
from cnnshape.file.tokens import FILES, ExpressionError, Token, mistaken, tokens
from cnnshape.problems import expressions
from cnnshape.problems.suggest import all_known, close, did_you_mean, meant, suggest
from cnnshape.problems.wording import shown
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.file.exact import Number, Value
    from cnnshape.file.tokens import Dialect

Scope = Mapping[str, Any]  # values, and words for templates; an expression refuses a word that it meets
Evaluate = Callable[[Scope], Any]  # the result is a Value

# Levels. One takes 11 frames to parse at most: 550 of Python's 1,000, and the rest is the caller's.
MAX_EXPRESSION_NESTING: Final = 50
CONSTANTS: Final = {"true": True, "false": False}
KEYWORDS: Final = {"and", "or", "not", "if", "else"}


def unknown_name(name: str, text: str, scope: Iterable[str], words: Iterable[str] = ()) -> expressions.UnknownName:
    """Return the problem of a name that is not in scope; `words` are others that may stand there."""
    known = sorted(scope)
    word = meant(name, words, "value")
    hint = did_you_mean(word or close(name, [*known, *CONSTANTS, *FUNCTIONS]))
    return expressions.UnknownName(name=name, text=shown(text), suggestions=(*all_known(known), *hint))


class Part(NamedTuple):
    """A piece of the text that a rule has read: the function that computes it, and its place."""

    run: Evaluate
    start: int
    end: int


class Grammar:
    """Reads text[start:end] by recursive descent: the method of a rule takes the tokens that belong to the rule."""

    def __init__(self, text: str, start: int, end: int, dialect: Dialect = FILES) -> None:
        self.text = text
        self.names: set[str] = set()
        self.depth = 0
        self.tokens = [*tokens(text, start, end, dialect)][::-1]  # the next one stands last

    def error(
        self,
        kind: type[expressions.BadExpression],
        first: Token | Part,
        last: Token | Part | None = None,
        /,
        **facts: Any,
    ) -> ExpressionError:
        return mistaken(kind, first.start, (last or first).end, self.text, **facts)

    def take(self, *texts: str) -> Token | None:
        """Take the next token if it is one of these."""
        return self.tokens.pop() if self.tokens[-1].text in texts else None

    def expect(self, text: str, opener: Token) -> Token:
        """Take the next token, which must be this one because of `opener`."""
        found = self.tokens[-1]
        if found.kind == "end":
            raise self.error(expressions.Unclosed, opener, opener=opener.text, closer=text)
        if found.text != text:
            raise self.error(expressions.UnexpectedWord, found, expected=f"'{text}'", found=found.text)
        return self.tokens.pop()

    @contextmanager
    def nested(self, opener: Token) -> Iterator[None]:
        """Count the levels of recursion, so that neither parsing nor evaluating can run out of stack."""
        self.depth += 1
        if self.depth > MAX_EXPRESSION_NESTING:
            raise self.error(expressions.ExpressionTooDeep, opener, most=MAX_EXPRESSION_NESTING)
        yield
        self.depth -= 1

    # The kinds of values that operators take

    def wrong(self, wanted: str, symbol: str, part: Part, value: Value) -> ExpressionError:
        facts = {"operator": symbol, "wanted": wanted, "given": kind(value), "value": shown(as_toml(value))}
        return self.error(expressions.WrongOperand, part, **facts)

    def number(self, symbol: str, part: Part, scope: Scope) -> Number:
        """Return the value of a part, which must be a number."""
        value = part.run(scope)
        if type(value) is int:  # as it is most often
            return value
        if isinstance(value, (bool, tuple)):
            raise self.wrong("number", symbol, part, value)
        if not finite(value):
            raise self.wrong("finite number", symbol, part, value)
        return self.exact(part, value)

    def exact(self, part: Part, value: Any) -> Number:
        try:
            return exact(value)
        except NoResult as error:
            raise self.error(error.kind, part, **error.facts) from None

    def truth(self, symbol: str, part: Part, value: Value) -> bool:
        """Say whether the value of a part is true: a number is where it is not 0."""
        if isinstance(value, tuple):
            raise self.wrong("truth value", symbol, part, value)
        return bool(value)

    # The rules, from the loosest binding to the tightest.

    def hole(self) -> Evaluate:
        """hole: NAME | whole."""
        name, *others = reversed(self.tokens)
        part = self.whole()
        if len(others) > 1 or name.text not in self.names:
            return part.run

        def run(scope: Scope) -> Any:
            try:
                found = scope[name.text]
            except KeyError:
                raise self.unknown(name, scope) from None
            return found if isinstance(found, str) else self.value(name, found)

        return run

    def whole(self) -> Part:
        """whole: conditional END."""
        if self.tokens[-1].kind == "end":
            raise self.error(expressions.EmptyExpression, self.tokens[-1])
        part = self.conditional()
        rest = self.tokens[-1]
        if opener := {")": "(", "]": "["}.get(rest.text):
            raise self.error(expressions.Unopened, rest, opener=opener, closer=rest.text)
        if rest.kind != "end":
            raise self.error(expressions.CannotFollow, rest, found=rest.text)
        return part

    def conditional(self) -> Part:
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
            chosen = yes if self.truth("if", condition, condition.run(scope)) else no
            return chosen.run(scope)

        return Part(run, yes.start, no.end)

    def disjunction(self) -> Part:
        """disjunction: conjunction ('or' conjunction)*."""
        parts = [self.conjunction()]
        while self.take("or"):
            parts.append(self.conjunction())
        return self.junction("or", parts, decisive=True)

    def conjunction(self) -> Part:
        """conjunction: inversion ('and' inversion)*."""
        parts = [self.inversion()]
        while self.take("and"):
            parts.append(self.inversion())
        return self.junction("and", parts, decisive=False)

    def junction(self, symbol: str, parts: list[Part], *, decisive: bool) -> Part:
        """Evaluate up to the first part that is `decisive`, and no further; give that part, or the last."""
        if len(parts) == 1:
            return parts[0]

        def run(scope: Scope) -> Any:
            for part in parts:
                value = part.run(scope)
                if self.truth(symbol, part, value) is decisive:
                    break
            return value

        return Part(run, parts[0].start, parts[-1].end)

    def inversion(self) -> Part:
        """inversion: 'not' inversion | comparison."""
        word = self.take("not")
        if not word:
            return self.comparison()
        with self.nested(word):
            part = self.inversion()
        return Part(lambda scope: not self.truth("not", part, part.run(scope)), word.start, part.end)

    def comparison(self) -> Part:
        """comparison: sum (('==' | '!=' | '<' | '<=' | '>' | '>=') sum)*; a < b < c means a < b and b < c."""
        first = self.sum()
        others: list[tuple[str, Part]] = []
        while token := self.take(*EQUALITY, *ORDER):
            others.append((token.text, self.sum()))
        if not others:
            return first

        def run(scope: Scope) -> bool:
            left, a = first, first.run(scope)
            for symbol, right in others:
                b = right.run(scope)
                if not self.compare(symbol, left, a, right, b):
                    return False
                left, a = right, b
            return True

        return Part(run, first.start, others[-1][1].end)

    def compare(self, symbol: str, left: Part, a: Any, right: Part, b: Any) -> bool:
        apply = EQUALITY.get(symbol) or ORDER[symbol]
        if type(a) is int and type(b) is int:  # as they are most often
            return apply(a, b)
        for part, value in ((left, a), (right, b)):
            if symbol in ORDER and isinstance(value, (bool, tuple)):
                raise self.wrong("number", symbol, part, value)
            if isinstance(value, tuple):
                raise self.wrong("number or truth value", symbol, part, value)
        if isinstance(a, bool) != isinstance(b, bool):
            values = {"one": shown(as_toml(a)), "other": shown(as_toml(b))}
            sides = {"one_kind": kind(a), "other_kind": kind(b), **values}
            raise self.error(expressions.UnlikeOperands, left, right, operator=symbol, **sides)
        a, b = (self.exact(part, value) if finite(value) else value for part, value in ((left, a), (right, b)))
        return apply(a, b)

    def sum(self) -> Part:
        """sum: product (('+' | '-') product)*."""
        first = self.product()
        others: list[tuple[str, Part]] = []
        while token := self.take("+", "-"):
            others.append((token.text, self.product()))
        return self.chain(first, others)

    def product(self) -> Part:
        """product: signed (('*' | '/' | '//' | '%') signed)*."""
        first = self.signed()
        others: list[tuple[str, Part]] = []
        while token := self.take("*", "/", "//", "%"):
            others.append((token.text, self.signed()))
        return self.chain(first, others)

    def chain(self, first: Part, others: list[tuple[str, Part]]) -> Part:
        """Arithmetic from left to right, bounded at each step."""
        if not others:
            return first

        def run(scope: Scope) -> Number:
            result = self.number(others[0][0], first, scope)
            for symbol, part in others:
                value = self.number(symbol, part, scope)
                try:
                    result = bounded(ARITHMETIC[symbol](result, value))
                except NoResult as error:
                    raise self.error(error.kind, first, part, **error.facts) from None
            return result

        return Part(run, first.start, others[-1][1].end)

    def signed(self) -> Part:
        """signed: ('+' | '-') signed | power."""
        sign = self.take(*SIGNS)
        if not sign:
            return self.power()
        with self.nested(sign):
            part = self.signed()
        apply = SIGNS[sign.text]
        return Part(lambda scope: apply(self.number(sign.text, part, scope)), sign.start, part.end)

    def power(self) -> Part:
        """power: atom ('[' conditional ']')* ['**' signed]; so -2**2 is -4, and 2**3**2 is 2**9."""
        base = self.atom()
        while opener := self.take("["):
            base = self.entry(base, opener)
        symbol = self.take("**")
        if not symbol:
            return base
        with self.nested(symbol):
            exponent = self.signed()
        return self.chain(base, [("**", exponent)])

    def entry(self, entries: Part, opener: Token) -> Part:
        """An entry of a list, counted from 0, or with a negative number from its end."""
        with self.nested(opener):
            index = self.conditional()

        def run(scope: Scope) -> Value:
            found, i = entries.run(scope), index.run(scope)
            if not isinstance(found, tuple):
                raise self.wrong("list", "[]", entries, found)
            if type(i) is not int:
                raise self.wrong("whole number", "[]", index, i)
            if not -len(found) <= i < len(found):
                raise self.error(expressions.NoSuchEntry, index, index=i, entries=len(found))
            return self.value(index, found[i])

        return Part(run, entries.start, self.expect("]", opener).end)

    def atom(self) -> Part:
        """atom: '(' conditional ')' | call | NUMBER | 'true' | 'false' | NAME."""
        token = self.tokens[-1]
        if token.text == "(":
            opener = self.tokens.pop()
            with self.nested(opener):
                part = self.conditional()
            return Part(part.run, opener.start, self.expect(")", opener).end)
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
        value = CONSTANTS[token.text] if token.kind == "name" else self.literal(token)
        return Part(lambda _: value, token.start, token.end)

    def literal(self, token: Token) -> Number:
        try:
            return decimal(token.text) if {*".e"} & {*token.text} else bounded(int(token.text))
        except NoResult as error:
            raise self.error(error.kind, token, **error.facts) from None

    def call(self) -> Part:
        """call: ('min' | 'max') '(' conditional (',' conditional)* ')' | ('round' | 'ceil' | 'floor') '(' conditional ')'."""
        function = self.tokens.pop()
        opener = self.expect("(", function)
        with self.nested(opener):
            parts = [self.conditional()]
            while function.text not in OF_ONE and self.take(","):
                parts.append(self.conditional())
        apply = FUNCTIONS[function.text]

        def run(scope: Scope) -> Number:
            return apply([self.number(function.text, part, scope) for part in parts])

        return Part(run, function.start, self.expect(")", opener).end)

    def name(self, token: Token) -> Part:
        if self.tokens[-1].text == "(":
            hint = suggest(token.text, FUNCTIONS)
            raise self.error(expressions.UnknownFunction, token, name=token.text, suggestions=hint)
        self.names.add(token.text)

        name = token.text

        def run(scope: Scope) -> Value:
            try:
                value = scope[name]
            except KeyError:
                raise self.unknown(token, scope) from None
            if type(value) is int and -MAX_NUMBER <= value <= MAX_NUMBER:  # as it is most often
                return value
            return self.value(token, value)

        return Part(run, token.start, token.end)

    def unknown(self, token: Token, scope: Scope) -> ExpressionError:
        """Return the error of a name that the scope does not have."""
        return ExpressionError(unknown_name(token.text, self.text, scope), token.start, token.end, self.text)

    def value(self, place: Token | Part, value: Any) -> Value:
        """Return a value that comes from outside, which must be no word, and no number beyond the bounds."""
        if isinstance(value, str):
            raise self.error(expressions.WordNotNumber, place, name=self.text[place.start : place.end])
        if isinstance(value, int) and not -MAX_NUMBER <= value <= MAX_NUMBER:
            raise self.error(expressions.NumberTooLarge, place)
        return value
