"""The solver of conditions, against trying every side."""

import pytest
from helpers.chains import chains, run
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.sizeset import SizeSet
from cnnshape.numbers.solve import conjuncts, solve, solve_axis
from cnnshape.numbers.symbolic import Unsolvable, unknowns

FAR = 300


@given(chains, chains, st.sampled_from([">=", "<=", "=", "&", "|"]))
def test_conditions_are_solved(one, other, sign):
    (x,) = unknowns("x")
    a, b = run(one, x), run(other, x)

    def holds(a, b):
        """The condition, of sizes or of numbers."""
        if sign == "=":
            return (a >= b) & (a <= b)
        if sign in "&|":
            parts = (a >= b), (b >= 3)
            return parts[0] & parts[1] if sign == "&" else parts[0] | parts[1]
        return a >= b if sign == ">=" else a <= b

    condition = holds(a, b)
    sizes = (
        (SizeSet("every size") if condition else SizeSet())
        if isinstance(condition, bool)
        else solve_axis(conjuncts([condition]))
    )
    for i in range(1, FAR):
        assert (i in sizes) == holds(run(one, i), run(other, i))


@given(st.lists(chains, min_size=2, max_size=4))
def test_conditions_are_solved_together(several):
    (x,) = unknowns("x")
    conditions = [run(chain, x) >= 0 for chain in several]
    asked = [condition for condition in conditions if not isinstance(condition, bool)]
    sizes = SizeSet() if False in conditions else solve_axis(conjuncts(asked))
    for i in range(1, FAR):
        assert (i in sizes) == all(run(chain, i) >= 0 for chain in several)


def test_strict_comparison():
    (x,) = unknowns("x")
    assert solve_axis([x > 5]) == SizeSet("every size from 6")
    assert solve_axis([x < 5]) == SizeSet("1 to 4")


def test_two_conditions_within_a_choice():
    """Even multiples of 3, or at most 1."""
    (x,) = unknowns("x")
    both = (x // 2 * 2 >= x) & (x // 3 * 3 >= x)
    assert str(solve_axis([both | (x <= 1)])) == "1, and multiples of 6, from 6"
    assert str(solve_axis([(x <= 1) | both])) == "1, and multiples of 6, from 6"


def test_a_net_of_many_branches_is_solved_or_refused_in_time():
    (x,) = unknowns("x")
    conditions = [(x // p * p + 1 >= x) for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31)]
    with pytest.raises(Unsolvable):
        solve_axis(conditions)


# Several axes


def test_a_product_is_a_union_of_boxes():
    h, w = unknowns("h", "w")
    product = h // 2 * (w // 3) * 5
    boxes = solve([(product >= 30) & (product <= 30)], ["h", "w"])
    for i in range(1, 60):
        for j in range(1, 60):
            assert any(i in a and j in b for a, b in boxes) == (i // 2 * (j // 3) * 5 == 30)


def test_a_product_with_a_constant_and_a_common_factor():
    h, w = unknowns("h", "w")
    product = (2 * h + 2) * (3 * w) + 7
    assert str(product) == "6*(h + 1)*w + 7"
    boxes = solve([(product >= 43) & (product <= 43)], ["h", "w"])
    found = {(i, j) for i in range(1, 50) for j in range(1, 50) if any(i in a and j in b for a, b in boxes)}
    assert found == {(1, 3), (2, 2), (5, 1)}
    assert solve([(product >= 44) & (product <= 44)], ["h", "w"]) == []
    assert product + product == 2 * product
    assert (h * w >= h * w) is True


def test_a_product_compared_by_size_is_refused():
    h, w = unknowns("h", "w")
    with pytest.raises(Unsolvable, match="compared by size"):
        solve([h * w >= 30], ["h", "w"])


def test_either_of_two_axes():
    h, w = unknowns("h", "w")
    boxes = solve([(h >= 5) | (w >= 7), h <= 9], ["h", "w"])
    for i in range(1, 15):
        for j in range(1, 15):
            assert any(i in a and j in b for a, b in boxes) == ((i >= 5 or j >= 7) and i <= 9)


# Thresholds, one by one


@pytest.mark.parametrize("times", [1, 2, 3, -1, -3])
@pytest.mark.parametrize("inner", [1, 2, 5])
@pytest.mark.parametrize("divisor", [1, 2, 3, 7])
def test_threshold_of_one_floor(times, inner, divisor):
    (x,) = unknowns("x")
    for constant in range(-20, 21, 3):
        for more in range(-4, 3):
            condition = times * ((inner * x + more) // divisor) >= constant
            expected = {i for i in range(1, 150) if times * ((inner * i + more) // divisor) >= constant}
            assert expected == (
                {*range(1, 150)} if condition is True else set() if condition is False else found(condition)
            )


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("divisor", [2, 3, 5])
def test_threshold_of_several_floors(sign, divisor):
    (x,) = unknowns("x")
    for constant in range(2, 60):
        condition = sign * (x + x // divisor) >= sign * constant
        assert found(condition) == {i for i in range(1, 150) if sign * (i + i // divisor) >= sign * constant}


def found(condition):
    sizes = solve_axis([condition])
    return {i for i in range(1, 150) if i in sizes}
