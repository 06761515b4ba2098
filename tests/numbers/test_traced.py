"""A number that remembers: its text is arithmetic that gives its value, written as a person would."""

import ast
import math
import operator
import re
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from cnnshape.numbers.rules import extent, transposed, window, window_ceil
from cnnshape.numbers.traced import Traced
from cnnshape.numbers.unknown import UNKNOWN


def evaluated(text, **quantities):
    """Compute a text exactly: / divides, and floor is what it says."""
    number = re.compile(r"(?<![\w.])\d+")
    exact = number.sub(r"Fraction(\g<0>)", text.replace(" mod ", " % "))
    names = {name: Fraction(value) for name, value in quantities.items()}
    return eval(exact, {"Fraction": Fraction, "floor": math.floor} | names)


# Arithmetic: a tree of operators over quantities and plain numbers, computed in ints and in Traced

OPERATORS = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "//": operator.floordiv,
    "%": operator.mod,
    "min": min,
    "max": max,
}
NAMES = "abcdefgh"
leaves = st.sampled_from(NAMES) | st.sampled_from([0, 1, 1, 2]) | st.integers(-3, 12)
trees = st.recursive(leaves, lambda inner: st.tuples(st.sampled_from(list(OPERATORS)), inner, inner), max_leaves=12)
quantities = st.fixed_dictionaries({name: st.integers(-3, 30) for name in NAMES})


def computed(tree, numbers):
    if isinstance(tree, tuple):
        sign, left, right = tree
        return OPERATORS[sign](computed(left, numbers), computed(right, numbers))
    return numbers[tree] if isinstance(tree, str) else tree


def both(tree, values):
    """The result in ints, and in numbers that remember; nothing where a division by zero is in it."""
    try:
        result = computed(tree, values)
    except ZeroDivisionError:
        assume(False)
    traced = computed(tree, {name: Traced(value, name) for name, value in values.items()})
    assume(isinstance(traced, Traced))
    return result, traced


@given(tree=trees, values=quantities)
@example(tree=("-", "a", ("-", "b", "c")), values=dict.fromkeys(NAMES, 2))
@example(tree=("*", "a", ("%", "b", "c")), values=dict.fromkeys(NAMES, 2) | {"c": 3})
@example(tree=("//", "a", ("//", "b", "c")), values=dict.fromkeys(NAMES, 7) | {"c": 2})
@example(tree=("+", ("*", "a", ("-", "b", 1)), 1), values=dict.fromkeys(NAMES, 1))
@example(tree=("+", ("-", "a", 1), 2), values=dict.fromkeys(NAMES, 5))
@example(tree=("+", ("-", "a", 1), "b"), values=dict.fromkeys(NAMES, 1))
@example(tree=("+", ("-", "a", 2), 1), values=dict.fromkeys(NAMES, 5))
def test_both_writings_give_the_value(tree, values):
    result, traced = both(tree, values)
    assert traced.value == result
    assert evaluated(traced.text) == result
    assert evaluated(traced.named, **values) == result


@given(tree=trees, values=quantities.map(lambda values: {name: abs(value) for name, value in values.items()}))
def test_no_bracket_is_idle(tree, values):
    """Without any pair of brackets, the text means something else (but for those of mod and of negative numbers)."""
    _, traced = both(tree, values)
    assume(" mod " not in traced.named and "(-" not in traced.named)
    whole = ast.dump(ast.parse(traced.named))
    opened = []
    for end, sign in enumerate(traced.named):
        if sign == "(":
            opened.append(end)
        elif sign == ")":
            start = opened.pop()
            if not traced.named[:start].endswith("floor"):
                without = traced.named[:start] + traced.named[start + 1 : end] + traced.named[end + 1 :]
                assert ast.dump(ast.parse(without)) != whole, traced.named


@given(tree=trees, values=quantities, others=quantities)
def test_the_writing_in_names_does_not_depend_on_what_divides(tree, values, others):
    """A sum that happens to divide is written with its floor all the same: the formula is a general one."""
    sums = ("//", ("+", "a", ("*", "b", "c")), "d")
    assume(all(numbers["d"] not in (0, 1) and numbers["a"] for numbers in (values, others)))
    assert both(sums, values)[1].named == both(sums, others)[1].named == "floor((a + b*c)/d)"


# As a person would write it


def size(value, name="W"):
    return Traced(value, name)


def settings(**values):
    return {name: Traced(value, name) for name, value in values.items()}


def ask(condition, code, **facts):
    assert condition, (code, facts)


def test_the_formula_of_the_slide():
    result = window(size(227), ask, extent=size(11, "F"), stride=size(4, "S"), padding=size(0, "P"))
    assert repr(result) == "(227 - 11 + 2*0)/4 + 1 = 55"
    assert result.named == "floor((W - F + 2*P)/S) + 1"


def test_a_division_that_leaves_something_over_is_a_floor():
    result = window(size(224), ask, extent=size(11, "F"), stride=size(4, "S"), padding=size(0, "P"))
    assert repr(result) == "floor((224 - 11 + 2*0)/4) + 1 = 54"


@pytest.mark.parametrize(
    ("result", "named", "text"),
    [
        (extent(size(3, "K"), size(1, "D")), "K", "3"),
        (extent(size(3, "K")), "K", "3"),
        (extent(size(3, "K"), size(2, "D")), "D*(K - 1) + 1", "2*(3 - 1) + 1"),
        (size(64) // size(1, "groups"), "W", "64"),
        (size(64) // size(2, "groups"), "W/groups", "64/2"),
        ((size(64) - 3) // size(1, "S"), "floor((W - 3)/S)", "(64 - 3)/1"),
        (size(7) * 1 // 2, "floor(W/2)", "floor(7/2)"),
        (1 * size(7), "W", "7"),
        (0 + size(7), "W", "7"),
        (size(7) * 2 // 1, "W*2", "7*2"),
        (size(1, "C") * size(5, "K"), "C*K", "1*5"),
        (size(5) + size(0, "P"), "W", "5"),
        (size(0, "P") + size(5), "W", "5"),
        (size(5) - size(0, "P"), "W", "5"),
        (size(5) + 2 * size(0, "P"), "W + 2*P", "5 + 2*0"),
        (2 * size(0, "P") + size(5), "2*P + W", "2*0 + 5"),
        (size(5) + (size(3, "X") - 2), "W + X - 2", "5 + 3 - 2"),
        (size(5) * (size(3, "X") * size(4, "Y")), "W*X*Y", "5*3*4"),
        (size(5) + size(-2, "P"), "W + P", "5 + (-2)"),
        ((size(5) + 1) * 2, "(W + 1)*2", "(5 + 1)*2"),
        (2 * (size(5) % 3), "2*(W mod 3)", "2*(5 mod 3)"),
        (abs(size(-5)), "0 - W", "0 - (-5)"),
        (math.floor(size(7) * 0.3), "floor(W*0.3)", "floor(7*0.3)"),
        (min(size(5), size(3, "V")), "V", "3"),
        (max(0, size(5) - 2), "W - 2", "5 - 2"),
    ],
)
def test_writing(result, named, text):
    assert (result.named, result.text) == (named, text)


def test_transposed_and_ceil_mode():
    given = settings(extent=3, stride=2, padding=1)
    assert repr(transposed(size(6), ask, **given, output_padding=size(0))) == "2*(6 - 1) - 2*1 + 3 = 11"
    assert repr(transposed(size(6), ask, **given, output_padding=size(1))) == "2*(6 - 1) - 2*1 + 3 + 1 = 12"
    assert repr(window_ceil(size(7), ask, **given)) == "floor((7 + 1 - (3 - 1) + 2 - 1)/2) + 1 = 4"


def test_it_compares_as_its_value():
    three = size(3)
    assert three == 3 == size(3, "other")
    assert three != 4
    assert 2 < three < 4
    assert 3 <= three <= 3
    assert three >= size(3)
    assert not three > size(3)
    assert hash(three) == hash(3)
    assert [10, 11, 12, 13][three] == 13
    assert three.as_integer_ratio() == (3, 1)


@pytest.mark.parametrize("sign", ["+", "-", "*", "//", "%"])
def test_behind_a_failure_nothing_is_remembered(sign):
    assert OPERATORS[sign](size(3), UNKNOWN) is UNKNOWN
    assert OPERATORS[sign](UNKNOWN, size(3)) is UNKNOWN
