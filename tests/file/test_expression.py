"""The oracle is Python itself: the same text through `eval`, over numbers that refuse what ours must refuse."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import product
from math import ceil, floor
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from cnnshape.file.expression import MAX_EXPRESSION_LENGTH, Expression, Template, parse, parse_template
from cnnshape.file.grammar import MAX_EXPRESSION_NESTING
from cnnshape.file.tokens import ExpressionError
from cnnshape.problems.expressions import UnexpectedCharacter
from cnnshape.problems.wording import printable, shown

if TYPE_CHECKING:
    from cnnshape.file.exact import Value

T = TypeVar("T")

# The oracle


class N(Fraction):
    """A Fraction that refuses what lies beyond the bounds, before it computes a huge power."""

    def __add__(self, other: N) -> N:
        return bounded(Fraction(self) + Fraction(other))

    def __sub__(self, other: N) -> N:
        return bounded(Fraction(self) - Fraction(other))

    def __mul__(self, other: N) -> N:
        return bounded(Fraction(self) * Fraction(other))

    def __truediv__(self, other: N) -> N:
        return bounded(Fraction(self) / Fraction(other))

    def __floordiv__(self, other: N) -> N:
        return bounded(Fraction(Fraction(self) // Fraction(other)))

    def __mod__(self, other: N) -> N:
        return bounded(Fraction(self) % Fraction(other))

    def __pow__(self, other: N, _: None = None) -> N:  # type: ignore[override]
        if other.denominator != 1 or (abs(self) not in {0, 1} and abs(other) > 200):
            raise ArithmeticError
        return bounded(Fraction(self) ** int(other)) if self or other >= 0 else bounded(Fraction(1) / 0)

    def __neg__(self) -> N:
        return bounded(-Fraction(self))

    def __pos__(self) -> N:
        return self

    def __index__(self) -> int:
        if self.denominator != 1:
            raise ArithmeticError
        return int(self)


def bounded(number: Fraction) -> N:
    if abs(number) > 2**63 or number.denominator > 2**128:
        raise ArithmeticError
    return N(number)


def taken(value: Any) -> Any:
    """A value of a scope, as Python gets it."""
    if isinstance(value, tuple):
        return tuple(map(taken, value))
    return value if isinstance(value, bool) else N(repr(value)) if isinstance(value, float) else N(value)


def pythons(text: str, scope: Mapping[str, Value]) -> Value | None:
    """Python's result; None where it has none. The parentheses allow line ends."""
    names: dict[str, object] = {name: taken(value) for name, value in scope.items()}
    names |= {"true": True, "false": False, "min": lambda *a: min(a), "max": lambda *a: max(a), "N": N}
    names |= {"round": lambda x: N(round(x)), "ceil": lambda x: N(ceil(x)), "floor": lambda x: N(floor(x))}
    try:
        numbers = re.sub(r"\b[0-9][\w.]*", lambda match: f"N('{match[0].replace('_', '')}')", text)
        result = eval("(" + numbers + ")", {"__builtins__": {}}, names)
    except (ArithmeticError, SyntaxError, IndexError):
        return None
    if isinstance(result, (bool, tuple)):
        return result
    assert isinstance(result, N)
    return int(result) if result.denominator == 1 else Fraction(result)


def ours(text: str, scope: Mapping[str, Value]) -> Value | None:
    try:
        result: Value = parse(text).evaluate(scope)
    except ExpressionError:
        return None
    if isinstance(result, float):  # handed on, as it is: only arithmetic makes it exact
        exact = Fraction(repr(result))
        return exact.numerator if exact.denominator == 1 else exact
    return result


def same(text: str, scope: Mapping[str, Value]) -> Value | None:
    """Both agree, also on whether it is a number or a truth value."""
    expected, result = pythons(text, scope), ours(text, scope)
    assert (result, type(result)) == (expected, type(expected)), text
    return result


def test_the_oracle_refuses_what_it_should() -> None:
    refused = (
        "2**63 + 1",
        "-1 - 2**63",
        "0**-1",
        "1 // 0",
        "1 % 0",
        "1 / 0",
        "2**64",
        "1 +",
        "2**0.5",
        "0.1**39",
        "x[0.5]",
        "x[1]",
    )
    for text in refused:
        assert pythons(text, {"x": (1,)}) is None
    assert pythons("2**63", {}) == 2**63
    assert pythons("0.1**38", {}) == Fraction(1, 10**38)
    assert pythons("min(-7 // x, true == false)", {"x": 2}) == -4


# Random expressions, right in kind. Each is a pair: how tightly its outermost operator binds (the rule's number), and
# its text. Parentheses stand where they are needed, and sometimes where they are not.

SCOPE: dict[str, Value] = {
    "x": 3,
    "zero": 0,
    "minus_7": -7,
    "in_channels": 64,
    "_b2": 10**9,
    "rate": 0.29,
    "yes": True,
    "no": False,
    "list": (1, 2.5, -3),
}
CONDITIONAL, OR, AND, NOT, COMPARE, SUM, PRODUCT, SIGN, POWER, ATOM = range(10)
Piece = tuple[int, str]
blanks = st.sampled_from(["", "", " ", "  ", "\n", "\t \r\n"])


@st.composite
def joined(draw: st.DrawFn, level: int, *parts: tuple[int, st.SearchStrategy[Piece]] | str) -> Piece:
    """Operands, each with the level that it needs, and the symbols between them."""
    text = ""
    for part in parts:
        if isinstance(part, str):
            text += f" {part} " if part.isalpha() else draw(blanks) + part + draw(blanks)
        else:
            bound, operand = draw(part[1])
            surplus = bound < part[0] or draw(st.integers(0, 5)) == 0
            text += f"({draw(blanks)}{operand}{draw(blanks)})" if surplus else operand
    return level, text


def numbers(number: st.SearchStrategy[Piece], truth: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    return st.one_of(
        *(joined(SUM, (SUM, number), op, (PRODUCT, number)) for op in "+-"),
        *(joined(PRODUCT, (PRODUCT, number), op, (SIGN, number)) for op in ("*", "/", "//", "%")),
        *(joined(SIGN, sign, (SIGN, number)) for sign in "+-"),
        joined(POWER, (ATOM, number), "**", (SIGN, number)),
        joined(CONDITIONAL, (OR, number), "if", (OR, truth), "else", (CONDITIONAL, number)),
        *(joined(ATOM, f"{name}(", (CONDITIONAL, number), ")") for name in ("round", "ceil", "floor")),
        joined(ATOM, "list[", (CONDITIONAL, number), "]"),
        joined(OR, (OR, number), "or", (AND, number)),
        joined(AND, (AND, number), "and", (NOT, number)),
        *(
            joined(ATOM, f"{name}(", (CONDITIONAL, number), *more, ")")
            for name in ("min", "max")
            for more in ((), (",", (CONDITIONAL, number)), (",", (CONDITIONAL, number), ",", (CONDITIONAL, number)))
        ),
    )


def truths(number: st.SearchStrategy[Piece], truth: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    orders = ("==", "!=", "<", "<=", ">", ">=")
    return st.one_of(
        *(joined(COMPARE, (SUM, number), op, (SUM, number)) for op in orders),
        *(
            joined(COMPARE, (SUM, number), a, (SUM, number), b, (SUM, number))
            for a, b in zip(orders, orders[2:] + orders[:2], strict=True)
        ),
        *(joined(COMPARE, (SUM, truth), op, (SUM, truth)) for op in ("==", "!=")),
        joined(NOT, "not", (NOT, truth)),
        joined(NOT, "not", (NOT, number)),
        joined(CONDITIONAL, (OR, truth), "if", (OR, number), "else", (CONDITIONAL, truth)),
        joined(AND, (AND, truth), "and", (NOT, truth)),
        joined(OR, (OR, truth), "or", (AND, truth)),
        joined(CONDITIONAL, (OR, truth), "if", (OR, truth), "else", (CONDITIONAL, truth)),
    )


def atoms(*texts: str) -> st.SearchStrategy[Piece]:
    return st.sampled_from([(ATOM, text) for text in texts])


LITERALS = ("0", "1", "2", "3", "7", "10", "1_000", "63", "9_223_372_036_854_775_808", "0.5", "1.25", "2.0", "0.1_5")
number = atoms(*LITERALS, *(name for name, value in SCOPE.items() if not isinstance(value, (bool, tuple))))
truth = atoms("true", "false", "yes", "no")
for _ in range(4):
    number, truth = number | numbers(number, truth), truth | truths(number, truth)


@settings(max_examples=500)
@given(st.one_of(number, truth))
def test_python_agrees(piece: Piece) -> None:
    assume(len(piece[1]) <= MAX_EXPRESSION_LENGTH)
    result = same(piece[1], SCOPE)
    event("an error" if result is None else type(result).__name__)


# Precedence and associativity, every pair of operators


@pytest.mark.parametrize("first", ["+", "-", "*", "/", "//", "%", "**"])
@pytest.mark.parametrize("second", ["+", "-", "*", "/", "//", "%", "**"])
def test_arithmetic_precedence(first: str, second: str) -> None:
    scope = {"a": 7, "b": 3, "c": 2}
    results = [
        same(f"{sign_a}a {first} {sign_b}b {second} {sign_c}c", scope)
        for sign_a, sign_b, sign_c in product(["", "-", "+", "- -"], repeat=3)
    ]
    assert any(result is not None for result in results)


@pytest.mark.parametrize("first", ["and", "or", "==", "!="])
@pytest.mark.parametrize("second", ["and", "or", "==", "!="])
def test_logical_precedence(first: str, second: str) -> None:
    results = [
        same(f"{not_p} p {first} {not_q} q {second} {not_r} r", {"p": p, "q": q, "r": r})
        for not_p, not_q, not_r in product(["", "not", "not not"], repeat=3)
        for p, q, r in product([True, False], repeat=3)
    ]
    assert {True, False} <= set(results)


@pytest.mark.parametrize(
    "text",
    [
        "p if q else r if s else t",
        "(p if q else r) if s else t",
        "p or q if r and s else s or t",
        "p if q or r else s and t",
        "not p if q else r",
        "1 + 2 if p else 3 * 4",
        "1 if p else 2 if q else 3 + 4",
        "1 + (2 if p else 3) + 4",
        "1 - 1 == 0 and p or q",
        "not 1 + 1 == 2",
        "1 < 2 < 3 and not 3 > 2 > 2",
        "min(1 if p else 4, 2, max(3, 5 if q else 0)) * 2",
    ],
)
def test_conditional_precedence(text: str) -> None:
    for values in product([True, False], repeat=5):
        scope = dict(zip("pqrst", values, strict=True))
        assert same(text, scope) is not None


# What Python has no answer to


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("min(4)", 4),
        ("max(4)", 4),
        ("1_0", 10),
        ("\n 7\t", 7),
        ("inn + nota * if_", 7),  # names that begin as keywords do
        ("min(1, 2) + max(1, 2, minimum)", 5),
        ("not in", False),  # `in` is a name here, as good as any
        ("0 or inn", 1),  # as in Python: the part that decides
        ("inn and nota", 2),
        ("true and 2.5", Fraction(5, 2)),
    ],
)
def test_by_hand(text: str, value: Value) -> None:
    result = parse(text).evaluate({"inn": 1, "nota": 2, "if_": 3, "minimum": 4, "in": True})
    assert (result, type(result)) == (value, type(value))


def test_what_it_knows_of_itself() -> None:
    expression = parse("min(width, 4) if not last else true and max(i + width, 1)")
    assert expression.names == {"width", "last", "i"}
    assert expression.text == "min(width, 4) if not last else true and max(i + width, 1)"
    assert parse("min(1, 2) == 3 or true").names == frozenset()
    assert parse_template("{a}_{b + c}{a}d").names == {"a", "b", "c"}
    assert repr(parse("a")) == "Expression('a')"


# Errors: guillemets mark the place


def marked(text: str) -> tuple[str, int, int]:
    before, inside, after = re.split("[«»]", text)
    return before + inside + after, len(before), len(before + inside)


def assert_fails(make: Callable[[str], object], place: str, message: str) -> None:
    text, start, end = marked(place)
    with pytest.raises(ExpressionError) as caught:
        make(text)
    error = caught.value
    assert (error.problem.message, error.text[error.start : error.end]) == (
        f"in {printable(shown(text))}: {message}",
        text[start:end],
    )
    assert (error.start, error.end, error.text, str(error)) == (start, end, text, error.problem.message)


HERE = "A number, a name or '(' should stand here, "


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("«»", "Nothing stands here, where an expression should."),
        ("  «»", "Nothing stands here, where an expression should."),
        ("1 +«»", HERE + "where the expression ends."),
        ("not«»", HERE + "where the expression ends."),
        ("1 + «*» 2", HERE + "not '*'."),
        ("1 + «not» true", HERE + "not 'not'."),
        ("«if» x", HERE + "not 'if'."),
        ("min(«)»", HERE + "not ')'."),
        ("min(1,«)»", HERE + "not ')'."),
        ("«(»1 + (2)", "This '(' has no ')'."),
        ("min«(»1, 2", "This '(' has no ')'."),
        ("(1 «2»)", "')' should stand here, not '2'."),
        ("(1«,» 2)", "')' should stand here, not ','."),
        ("1 + 2«)» * 3", "This ')' has no '(' before it."),
        ("«)»", HERE + "not ')'."),
        ("width «height»", "'height' cannot follow here: the expression is complete before it."),
        ("1«,» 2", "',' cannot follow here: the expression is complete before it."),
        ("1 «if» true", "This 'if' has no 'else'."),
        ("1 if true «if» true else true else 2", "'else' should stand here, not 'if'."),
        ("1 if true «or_else» 2", "'else' should stand here, not 'or_else'."),
        ("1 «else» 2", "'else' cannot follow here: the expression is complete before it."),
        ("«min»", "This 'min' has no '('."),
        ("2 * max «+» 1", "'(' should stand here, not '+'."),
        ("2 + «abs»(x)", "'abs' is no function; there are min, max, round, floor, ceil."),
        ("round(1«,» 2)", "')' should stand here, not ','."),
        ("k«[»1", "This '[' has no ']'."),
        ("k[«]»", HERE + "not ']'."),
        ("k[1«,» 2]", "']' should stand here, not ','."),
        ("1 + 2«]» * 3", "This ']' has no '[' before it."),
        ("«[»1, 2]", HERE + "not '['."),
        ("2 «$» x", "'$' means nothing here."),
        ("caf«é»", "'é' means nothing here."),
        ("1 +«\xa0»2", "'\\xa0' means nothing here."),
        ("in«.»channels", "'.' means nothing here."),
        ("a «=» 2", "'=' is no operator here; '==' compares."),
        ("«!»a", "'!' is no operator here; 'not' negates."),
        ("a«^»2", "'^' is no operator here; '**' is the power."),
        ("a «&&» b", "'&&' is no operator here; 'and' joins truth values."),
        ("a «||» b", "'||' is no operator here; 'or' joins truth values."),
        *(
            (
                f"1 + «{bad}»",
                f"'{bad}' is no number: digits, one point at most, no 0 in front, '_' only between two digits.",
            )
            for bad in ("1.2.3", "2.", "007", "00.5", "1__0", "1_", "1_.5", "1._5", "0x10", "1e5", "3d")
        ),
        ("1 + «9223372036854775809»", "Numbers go up to 2**63 here, and this is beyond."),
    ],
)
def test_mistakes_in_the_text(place: str, message: str) -> None:
    assert_fails(parse, place, message)


SMALL: dict[str, Value | str] = {
    "depth": 3,
    "width": 0,
    "project": True,
    "act": "relu",
    "huge": 2**63 + 1,
    "rate": 2.5,
    "k": (7, 1, (2.5,)),
    "large": (2**63 + 1,),
    "most": float("inf"),
    "none": float("nan"),
    "tiny": 1e-300,
}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("1 + «project»", "'+' wants a number, and this is the truth value true."),
        ("«(1 < 2)» * 3", "'*' wants a number, and this is the truth value true."),
        ("-«(not project)»", "'-' wants a number, and this is the truth value false."),
        ("«true»**2", "'**' wants a number, and this is the truth value true."),
        ("depth < «false»", "'<' wants a number, and this is the truth value false."),
        ("1 < 2 <= «true»", "'<=' wants a number, and this is the truth value true."),
        ("«true» > 2", "'>' wants a number, and this is the truth value true."),
        ("min(1, «true», 2)", "'min' wants a number, and this is the truth value true."),
        ("max(«true»)", "'max' wants a number, and this is the truth value true."),
        ("ceil(«true»)", "'ceil' wants a number, and this is the truth value true."),
        ("2 * «most»", "'*' wants a finite number, and this is the number inf."),
        ("round(«none»)", "'round' wants a finite number, and this is the number nan."),
        ("1 + «k»", "'+' wants a number, and this is the list [7, 1, [2.5]]."),
        ("«k» < 2", "'<' wants a number, and this is the list [7, 1, [2.5]]."),
        ("«k» == k", "'==' wants a number or truth value, and this is the list [7, 1, [2.5]]."),
        ("1 == «k»", "'==' wants a number or truth value, and this is the list [7, 1, [2.5]]."),
        ("true and «k»", "'and' wants a truth value, and this is the list [7, 1, [2.5]]."),
        ("not «k»", "'not' wants a truth value, and this is the list [7, 1, [2.5]]."),
        ("1 if «k» else 2", "'if' wants a truth value, and this is the list [7, 1, [2.5]]."),
        ("«depth»[0]", "'[]' wants a list, and this is the whole number 3."),
        ("k[«0.5»]", "'[]' wants a whole number, and this is the number 0.5."),
        ("k[«true»]", "'[]' wants a whole number, and this is the truth value true."),
        ("k[«depth»]", "There is no entry 3: the list has 3, counted from 0."),
        ("k[2][«-2»]", "There is no entry -2: the list has 1, counted from 0."),
        ("1 + («1 == project»)", "'==' compares like with like, not the whole number 1 with the truth value true."),
        ("«false != 0.5»", "'!=' compares like with like, not the truth value false with the number 0.5."),
        ("1 - «depth // width» + 1", "This divides by zero."),
        ("«depth % (width)»", "This divides by zero."),
        ("1 - «depth / width» + 1", "This divides by zero."),
        ("1 + «0**-1»", "This divides by zero."),
        ("1 + «2**0.5»", "The exponent 0.5 is no whole number, and the power would be no exact number."),
        ("1 + «tiny»", "Fractions have denominators up to 2**128 here, and this one's is beyond."),
        ("1 - «2**-129»", "Fractions have denominators up to 2**128 here, and this one's is beyond."),
        ("1 - «0.1**9**9»", "Fractions have denominators up to 2**128 here, and this one's is beyond."),
        ("0 * («2**63 + 1»)", "Numbers go up to 2**63 here, and this is beyond."),
        ("1 - «2**2**62»", "Numbers go up to 2**63 here, and this is beyond."),
        ("1 + «huge»", "Numbers go up to 2**63 here, and this is beyond."),
        ("1 + large[«0»]", "Numbers go up to 2**63 here, and this is beyond."),
        ("1 + «act»", "'act' is a word, where a number or a truth value should stand."),
    ],
)
def test_mistakes_in_the_values(place: str, message: str) -> None:
    assert_fails(lambda text: parse(text).evaluate(SMALL), place, message)


@pytest.mark.parametrize(
    ("place", "scope", "message"),
    [
        (
            "2 * «depht»",
            {"width": 1, "depth": 2},
            "depht is not known here; there are depth, width; did you mean depth?",
        ),
        (
            "«depht»",
            {"depths": 1, "depth": 2},
            "depht is not known here; there are depth, depths; did you mean depth?",
        ),
        ("«zzz»", {"width": 1, "depth": 2}, "zzz is not known here; there are depth, width."),
        ("«zzz»", {}, "zzz is not known here."),
        ("«True»", {"a": 1}, "True is not known here; there is only a; did you mean true?"),
        ("«mim» + 1", {"a": 1}, "mim is not known here; there is only a; did you mean min?"),
    ],
)
def test_unknown_names(place: str, scope: dict[str, Value], message: str) -> None:
    assert_fails(lambda text: parse(text).evaluate(scope), place, message)


@pytest.mark.parametrize("symbol", ["+", "-", "*", "/", "//", "%", "**", "<", "<=", ">", ">=", "==", "!="])
def test_a_truth_value_is_no_number(symbol: str) -> None:
    assert ours(f"1 {symbol} 1", {}) is not None
    assert ours(f"true {symbol} 1", {}) is None
    assert ours(f"1 {symbol} true", {}) is None
    if symbol not in {"==", "!="}:
        assert ours(f"true {symbol} true", {}) is None


# Exact numbers


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.29 * 100", 29),
        ("0.1 + 0.2 == 0.3", True),
        ("rate * 100", 29),  # a real number of TOML is its text
        ("rate == 0.29", True),
        ("rate != 29 / 100", False),
        ("4 / 2", 2),
        ("2.0", 2),
        ("1 / 3 * 3", 1),
        ("2 ** -1 * 2", 1),
        ("round(0.5) + round(1.5) + round(2.5)", 4),  # half to even
        ("round(-0.5 - 1)", -2),
        ("floor(-0.5)", -1),
        ("ceil(-0.5)", 0),
        ("ceil(0.35 * 24 / 8) * 8", 16),
        ("round(1.33 * 1024)", 1362),
        ("-7 / 2 // 1", -4),
        ("1.1 ** 18 < 6", True),
        ("most == most", True),
        ("most > 2 ** 63", True),
        ("none == none", False),
        ("most if rate else 0", float("inf")),
    ],
)
def test_numbers_are_exact(text: str, value: Value) -> None:
    result = parse(text).evaluate({"rate": 0.29, "most": float("inf"), "none": float("nan")})
    assert (result, type(result)) == (value, type(value))


def widths(multiplier: str, least: str = "8") -> str:
    """EfficientNet's and MobileNet's rounding of channels, as an expression."""
    rounded = f"max({least}, floor({multiplier} * c / 8 + 1 / 2) * 8)"
    return f"{rounded} + (8 if 10 * {rounded} < 9 * {multiplier} * c else 0)"


def make_divisible(v: float, divisor: int = 8) -> int:
    """As MobileNetV2, torchvision and EfficientNet have it."""
    new = max(divisor, int(v + divisor / 2) // divisor * divisor)
    return new + divisor if new < 0.9 * v else new


@pytest.mark.parametrize("multiplier", ["0.25", "0.35", "0.5", "0.75", "1.0", "1.1", "1.2", "1.4", "1.8", "2.0"])
def test_width_and_depth_multipliers_are_those_of_published_code(multiplier: str) -> None:
    for c in (16, 24, 32, 40, 64, 80, 96, 112, 160, 192, 320, 1280):
        assert ours(widths(multiplier), {"c": c}) == make_divisible(float(multiplier) * c)
    for depth in range(1, 9):
        assert ours(f"ceil({multiplier} * d)", {"d": depth}) == ceil(round(float(multiplier) * depth, 9))


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=1e-20, max_value=1e15), st.integers(1, 10**6))
def test_a_real_number_is_the_decimal_that_it_is_written_as(real: float, times: int) -> None:
    assume(Fraction(repr(real)).denominator <= 2**128 and real * times < 2**62)
    assert ours("floor(r * n)", {"r": real, "n": times}) == floor(Fraction(repr(real)) * times)


def test_errors_survive_pickling() -> None:
    with pytest.raises(ExpressionError) as caught:
        parse("1 + $")
    again = pickle.loads(pickle.dumps(caught.value))
    assert vars(again) == vars(caught.value)
    assert (again.start, again.end, again.text) == (4, 5, "1 + $")
    assert again.problem == UnexpectedCharacter(text='"1 + $"', character="'$'")


# Laziness


class Watched(Mapping[str, Any]):
    """A scope that computes: it notes what it was asked for, and fails on one name."""

    def __init__(self, **values: Value) -> None:
        self.values_, self.asked = values, ""

    def __getitem__(self, name: str) -> Value:
        self.asked += name
        if name == "f":
            raise ZeroDivisionError("computing f failed")
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("a if t else b", "ta"),
        ("a if n else b", "nb"),
        ("a if n else b if t else c", "ntb"),
        ("n and t and f", "n"),
        ("t and n and f", "tn"),
        ("t or n or f", "t"),
        ("n or t or f", "nt"),
        ("a > b > f", "ab"),
        ("a < b < c", "abc"),
        ("a + b * c - a", "abca"),
        ("min(c, a, b)", "cab"),
        ("a if t else 1 // 0", "ta"),
        ("a if t else unknown", "ta"),
        ("t or 1 + true", "t"),
        ("a or f", "a"),
        ("k[a] + k[b - 2]", "kakb"),
    ],
)
def test_only_what_is_needed_is_looked_up_once(text: str, asked: str) -> None:
    scope = Watched(a=1, b=2, c=3, t=True, n=False, k=(1, 2))
    parse(text).evaluate(scope)
    assert scope.asked == asked


@pytest.mark.parametrize("text", ["f", "1 + f", "2 // f", "min(1, f)", "not f"])
def test_other_exceptions_of_the_scope_pass_through(text: str) -> None:
    with pytest.raises(ZeroDivisionError, match="computing f failed"):
        parse(text).evaluate(Watched())
    with pytest.raises(ZeroDivisionError, match="computing f failed"):
        parse_template("{" + text + "}").evaluate(Watched())


def test_a_scope_that_computes_is_listed_by_iterating() -> None:
    with pytest.raises(ExpressionError, match=r"c is not known here; there are a, b\.$"):
        parse("c").evaluate(Watched(b=1, a=2))


# Bounds


def test_numbers_end_at_the_bound() -> None:
    top = 2**63
    for text in (str(top), "2**63", "(-2)**63 * -1", "2**62 * 2", f"{top - 1} + 1", f"--{top}"):
        assert ours(text, {}) == top
    for text in (f"-{top}", "-2**63", "(-2)**63", f"1 - {top} - 1"):
        assert ours(text, {}) == -top
    assert ours("x", {"x": top}) == top
    assert ours("x", {"x": -top}) == -top
    for text in (
        str(top + 1),
        f"{top} + 1",
        f"-{top} - 1",
        "2**64",
        "(-2)**65",
        "2**62 * 2 * 2 // 4",
        "9" * MAX_EXPRESSION_LENGTH,
    ):
        assert ours(text, {}) is None
    assert ours("x", {"x": top + 1}) is None
    assert ours("x", {"x": -top - 1}) is None


def test_powers_are_exact_up_to_the_bound() -> None:
    bases = [*range(-40, 41), 2**31, 2**32, 3037000499, 3037000500, 2**63, -(2**63)]
    bases += [Fraction(base) for base in ("1/2", "3/2", "-1/10", "11/10", "1/9223372036854775808", "-9999/10000")]
    for base, exponent in product(bases, range(-140, 140)):
        if base == 0 and exponent < 0:
            continue
        expected = Fraction(base) ** exponent
        fits = abs(expected) <= 2**63 and expected.denominator <= 2**128
        assert ours("a ** b", {"a": base, "b": exponent}) == (expected if fits else None)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2**9223372036854775807", None),
        ("9**9**9", None),
        ("(-9)**9**18", None),
        ("1**9223372036854775807", 1),
        ("(-1)**9223372036854775807", -1),
        ("0**9223372036854775807", 0),
        ("0**0", 1),
        ("2**-9223372036854775807", None),
        ("1.5**9**9**9", None),
        ("0.5**9223372036854775807", None),
        ("round(round(1.5**9)**9)**9", None),
    ],
)
def test_no_huge_number_is_ever_computed(text: str, value: int | None) -> None:
    assert ours(text, {}) == value  # 2**(2**63) would raise MemoryError


def test_the_length_is_bounded() -> None:
    assert ours("1" + " " * (MAX_EXPRESSION_LENGTH - 1), {}) == 1
    too_long = "1000 characters are the most that an expression may have; this has 1002."
    assert_fails(parse, "x" * 1000 + "«xx»", too_long)
    assert_fails(parse_template, "x" * 1000 + "«xx»", too_long)
    assert parse_template("x" * MAX_EXPRESSION_LENGTH).evaluate({}) == "x" * MAX_EXPRESSION_LENGTH


# How to nest once more: what stands before and behind the inner text, and how many levels that is.
NESTINGS = [
    ("(", ")", 1),
    ("+", "", 1),
    ("- ", "", 1),
    ("1**", "", 1),
    ("min(", ")", 1),
    ("max(0,", ")", 1),
    ("1 if false else ", "", 1),
    ("-(", ")", 2),
    ("1**+", "", 2),
    ("0*-min(", ")", 2),
    ("k[", "]", 1),
    ("round(-k[", "])", 3),
]


@pytest.mark.parametrize(("before", "behind", "levels"), NESTINGS)
def test_nesting_is_bounded(before: str, behind: str, levels: int) -> None:
    def nest(times: int) -> str:
        return before * times + "1" + behind * times

    most = MAX_EXPRESSION_NESTING // levels
    parse(nest(most))
    with pytest.raises(ExpressionError, match=r": This is nested more than 50 deep\.$"):
        parse(nest(most + 1))


def test_not_nests_too() -> None:
    assert ours("not " * 50 + "true", {}) is True
    assert_fails(parse, "not " * 50 + "«not» true", "This is nested more than 50 deep.")


def test_nesting_ends_with_the_parenthesis() -> None:
    assert ours(" + ".join(["(-(1))"] * 100), {}) == -100
    assert ours("1" + " if false else 1" * 50, {}) == 1


@pytest.mark.parametrize("text", ["(" * 10_000, "(" * 999, "not " * 249 + "true", "-" * 900 + "1", "2**" * 300 + "2"])
def test_absurd_nesting_is_an_ordinary_error(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


def with_frames(frames: int, call: Callable[[], T]) -> T:
    """Call with only so many frames of Python's stack left."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + frames)
    try:
        return call()
    finally:
        sys.setrecursionlimit(limit)


def test_with_frames_is_strict() -> None:
    def dive(depth: int) -> None:
        if depth:
            dive(depth - 1)

    with_frames(100, lambda: dive(90))
    with pytest.raises(RecursionError):
        with_frames(100, lambda: dive(110))


@pytest.mark.parametrize(
    ("before", "behind", "levels"),
    [*NESTINGS, ("(0 if n or t and 1<0+1*", "else 1)", 1), ("min(1 if n or not 1<2*2**", "else 1)", 3)],
)
def test_the_deepest_nesting_leaves_the_caller_its_stack(before: str, behind: str, levels: int) -> None:
    times = min(MAX_EXPRESSION_NESTING // levels, MAX_EXPRESSION_LENGTH // len(before + behind + " ") - 1)
    text = before * times + "1 " + behind * times
    scope = {"n": False, "t": True, "k": (1, 1)}
    expression = with_frames(600, lambda: parse(text))
    result = with_frames(300, lambda: expression.evaluate(scope))
    assert result == pythons(text, scope)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1" + "+1" * 499, 500),
        ("1" + "-1" * 499, -498),
        ("1" + "*1" * 499, 1),
        ("1" + "<=1" * 333, True),
        ("t" + " or t" * 199, True),
        ("t" + " and t" * 166, True),
        ("max(" + ",".join(["1"] * 490) + ")", 1),
        ("k" + "[0]" * 20, 1),
    ],
)
def test_a_chain_does_not_nest(text: str, value: Value) -> None:
    k: Any = 1
    for _ in range(20):
        k = (k,)
    expression = with_frames(100, lambda: parse(text))
    assert with_frames(50, lambda: expression.evaluate({"t": True, "k": k})) == value


# Whatever the text


TOKENS = [*"()+-*%<>,{}", "//", "**", "==", "!=", "<=", ">=", "and", "or", "not", "if", "else", "true", "false"]
TOKENS += ["min(", "max(", "x", "yes", "zero", "0", "1", "27", "/", "=", "&&", "$", "min", "9223372036854775808"]
TOKENS += ["round(", "ceil(", "floor(", "0.29", "rate", "list", "list[", "[", "]", "2.0", "0.5"]
soups = st.lists(st.sampled_from(TOKENS), max_size=60).map(" ".join)


@given(st.one_of(st.text(), soups, st.text(st.sampled_from("(){}[]-+*/1x <>=notifelsrud_.\n"))))
def test_any_text_gives_a_value_or_an_expression_error(text: str) -> None:
    for make in (parse, parse_template):
        error = None
        try:
            make(text).evaluate(SCOPE)
        except ExpressionError as caught:
            error = caught
        if error:
            assert error.text == text
            assert 0 <= error.start <= error.end <= len(text)
            assert error.problem.message.endswith((".", "?"))


@given(soups)
def test_what_parses_is_python(text: str) -> None:
    try:
        parse(text)
    except ExpressionError:
        return
    compile(f"({text})", "soup", "eval")


# Templates


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("conv1", "conv1"),
        ("{i + 1}", "3"),
        ("block{i}", "block2"),
        ("{act}", "relu"),
        ("{ act\n}_{i}{i}-x", "relu_22-x"),
        ("{last}/{not last}", "true/false"),
        ("{-i * 4 if last else 0}!", "-8!"),
        ("{true}", "true"),
        ("{i / 4}, {i / 1} and {k}", "0.5, 2 and [7, 1]"),
        ("($ é {i}", "($ é 2"),
    ],
)
def test_templates(text: str, expected: str) -> None:
    assert parse_template(text).evaluate({"i": 2, "act": "relu", "last": True, "k": (7, 1)}) == expected


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("block«{»i", "This '{' has no '}'."),
        ("block«}»{i}", "This '}' has no '{' before it."),
        ("{i}«}»", "This '}' has no '{' before it."),
        ("«{»{i}}", "This '{' has no '}'."),
        ("a{«»}", "Nothing stands here, where an expression should."),
        ("a{ «»}", "Nothing stands here, where an expression should."),
        ("{i}{1 +«»} + 2", HERE + "where the expression ends."),
        ("{i}_{«(»i}_)", "This '(' has no ')'."),
        ("{i «act»}", "'act' cannot follow here: the expression is complete before it."),
        ("{i}{1 + «act»}", "'act' is a word, where a number or a truth value should stand."),
        ("{(«act»)}", "'act' is a word, where a number or a truth value should stand."),
        ("{i}{«ac»}", "ac is not known here; there are act, huge, i; did you mean act?"),
        ("{i}{i + «true»}", "'+' wants a number, and this is the truth value true."),
        ("x{«huge»}", "Numbers go up to 2**63 here, and this is beyond."),
        ("{«min»}", "This 'min' has no '('."),
    ],
)
def test_mistakes_in_templates(place: str, message: str) -> None:
    scope: dict[str, Value | str] = {"i": 2, "act": "relu", "huge": 2**63 + 1}
    assert_fails(lambda text: parse_template(text).evaluate(scope), place, message)


# As values


@pytest.mark.parametrize("original", [parse("4 * width"), parse_template("{width}x")])
def test_it_is_a_value(original: Expression | Template) -> None:
    for again in (pickle.loads(pickle.dumps(original)), copy.deepcopy(original)):
        assert again == original
        assert hash(again) == hash(original)
        assert again.names == {"width"}
        assert again.evaluate({"width": 3}) == original.evaluate({"width": 3})
    assert parse("width") != parse(" width")
    assert parse("width") != parse_template("width")
    assert parse("width") != "width"


@pytest.mark.parametrize("name", ["text", "names", "_run", "other"])
def test_it_is_immutable(name: str) -> None:
    for value in (parse("width"), parse_template("{width}")):
        with pytest.raises(AttributeError):
            setattr(value, name, "x")
