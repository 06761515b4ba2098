"""Recorded numbers are the numbers that they record, and their expressions give these again."""

from __future__ import annotations

import math
import operator
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.recorded import (
    BINARY,
    COMPARISONS,
    UNARY,
    Operation,
    SideOf,
    evaluated,
    expression_of,
    plain,
    recorded,
)

SIDE = SideOf(1, 2)


class Heard:
    """Hears of comparisons."""

    def __init__(self) -> None:
        self.guards: list[tuple[Any, ...]] = []

    def compared(self, sign: str, left: Any, right: Any, *, outcome: bool) -> None:
        self.guards.append((sign, left, right, outcome))


def side(number: float, heard: Heard | None = None) -> Any:
    return recorded(number, SIDE, heard or Heard())


@pytest.mark.parametrize("sign", BINARY)
@pytest.mark.parametrize("swapped", [False, True])
@given(x=st.integers(1, 300), y=st.integers(1, 7))
def test_arithmetic_is_pythons_and_its_expression_gives_it_at_every_side(
    sign: str, swapped: bool, x: int, y: int
) -> None:
    compute = BINARY[sign]
    one = compute(y, side(x)) if swapped else compute(side(x), y)
    truth = compute(y, x) if swapped else compute(x, y)
    assert plain(one) == truth
    assert type(plain(one)) is type(truth)
    assert evaluated(expression_of(one), {SIDE: 11}.__getitem__) == (compute(y, 11) if swapped else compute(11, y))


@pytest.mark.parametrize("sign", sorted(UNARY.keys() - {"float"}))
@given(x=st.integers(-300, 300))
def test_functions_of_one_number_are_pythons(sign: str, x: int) -> None:
    half = side(x) / 2
    one = -half if sign == "neg" else UNARY[sign](half)
    assert plain(one) == UNARY[sign](x / 2)
    assert evaluated(expression_of(one), {SIDE: 13}.__getitem__) == UNARY[sign](6.5)


@pytest.mark.parametrize("sign", COMPARISONS)
@given(x=st.integers(0, 9), y=st.integers(0, 9))
def test_a_comparison_has_pythons_outcome_and_is_heard_of(sign: str, x: int, y: int) -> None:
    heard = Heard()
    outcome = COMPARISONS[sign](side(x, heard), y)
    assert outcome is COMPARISONS[sign](x, y)
    assert heard.guards == [(sign, SIDE, y, outcome)]


def test_a_truth_value_is_a_comparison_with_zero() -> None:
    heard = Heard()
    assert side(3, heard)
    assert not side(3, heard) % 3
    assert heard.guards == [("!=", SIDE, 0, True), ("!=", Operation("%", (SIDE, 3)), 0, False)]


def test_the_lesser_of_two_is_one_of_them() -> None:
    heard = Heard()
    least = min(side(7, heard), 5)
    assert (least, expression_of(least)) == (5, 5)
    assert expression_of(min(side(3, heard), 5)) == SIDE
    assert [guard[-1] for guard in heard.guards] in ([True, False], [False, True])


def test_a_quotient_and_its_remainder_come_together() -> None:
    quotient, remainder = divmod(side(17), 5)
    assert (plain(quotient), plain(remainder)) == (3, 2)
    assert expression_of(remainder) == Operation("%", (SIDE, 5))


def test_it_serves_where_python_wants_an_int() -> None:
    assert [*range(side(3))] == [0, 1, 2]
    assert "abcd"[side(2)] == "c"
    assert {3: "three"}[side(3)] == "three"
    assert f"{side(3)}" == "3"
    assert operator.index(side(3)) == 3
    assert isinstance(side(3), int)
    assert +side(3) == 3


def test_rounded_to_digits_it_is_a_plain_number() -> None:
    assert round(side(3) / 7, 2) == 0.43
    assert math.isclose(side(3) / 7, 3 / 7)


def test_what_is_no_number_answers_as_to_an_int() -> None:
    assert side(3) != "3"
    with pytest.raises(TypeError):
        side(3) + "3"
    assert expression_of(side(2) ** -1) == Operation("**", (SIDE, -1))
    assert recorded((-2) ** 0.5, SIDE, Heard()) == (-2) ** 0.5


def test_a_pickle_keeps_the_number_alone() -> None:
    back = pickle.loads(pickle.dumps((side(3), side(3) / 2)))
    assert back == (3, 1.5)
    assert [*map(type, back)] == [int, float]
