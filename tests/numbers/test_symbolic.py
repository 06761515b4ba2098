"""Size against the same arithmetic on plain numbers, and the solver against trying every x."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.boxes import covered
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.numbers.solve import solve, solve_axis
from cnnshape.numbers.symbolic import MOST_WORK, Both, Either, NotNegative, Product, Size, Unsolvable, unknowns
from cnnshape.numbers.unknown import UNKNOWN

FAR = 300

step = st.one_of(
    st.tuples(st.just("//"), st.sampled_from([2, 2, 2, 3, 4, 6])),
    st.tuples(st.just("+"), st.integers(-6, 6)),
    st.tuples(st.just("*"), st.sampled_from([2, 2, 3, -1])),
    st.tuples(st.just("%"), st.sampled_from([2, 3, 4])),
    st.tuples(st.just("+x"), st.sampled_from([-1, 1, 2])),  # what has flowed by another way
)
chains = st.lists(step, max_size=7)


def run(chain, x):
    y = x
    for sign, n in chain:
        match sign:
            case "//":
                y = y // n
            case "+":
                y = y + n
            case "*":
                y = y * n
            case "%":
                y = y % n
            case "+x":
                y = y + n * x
    return y


def value(size, x):
    return size.at(x) if isinstance(size, Size) else size


@given(chains)
def test_a_size_is_what_arithmetic_makes_of_x(chain):
    (x,) = unknowns("x")
    size = run(chain, x)
    assert all(value(size, i) == run(chain, i) for i in range(-50, FAR))


@given(chains)
def test_formula_reads_back(chain):
    """The text is arithmetic for Python, too, and makes the same object: the form is settled."""
    (x,) = unknowns("x")
    size = run(chain, x)
    if isinstance(size, Size):
        text = size.text("x").replace("/", "//").replace("floor", "")
        assert eval(text, {"x": x}) == size


@given(chains)
def test_pace_and_bounds_hold(chain):
    (x,) = unknowns("x")
    size = run(chain, x)
    if not isinstance(size, Size):
        return
    period, rise, low, high = size.pace()
    for i in range(-60, 60):
        assert size.at(i + period) == size.at(i) + rise
        assert low <= period * size.at(i) - rise * i <= high
    for first, last in ((1, 1), (1, 7), (5, 40)):
        least, most = size.between(first, last)
        values = [size.at(i) for i in range(first, last + 1)]
        assert least <= min(values)
        assert max(values) <= most


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
        else solve_axis(parts(condition))
    )
    for i in range(1, FAR):
        assert (i in sizes) == holds(run(one, i), run(other, i))


def parts(condition):
    return [*parts(condition.one), *parts(condition.other)] if isinstance(condition, Both) else [condition]


@given(st.lists(chains, min_size=2, max_size=4))
def test_conditions_are_solved_together(several):
    (x,) = unknowns("x")
    conditions = [run(chain, x) >= 0 for chain in several]
    asked = [part for condition in conditions if not isinstance(condition, bool) for part in parts(condition)]
    sizes = SizeSet() if False in conditions else solve_axis(asked)
    for i in range(1, FAR):
        assert (i in sizes) == all(run(chain, i) >= 0 for chain in several)


# The identities


def window(w, extent, stride, padding=0):
    return (w - extent + 2 * padding) // stride + 1


def test_a_chain_is_one_floor():
    (x,) = unknowns("x")
    for extent, stride, padding in ((11, 4, 0), (3, 2, 0), (5, 1, 2), (3, 2, 0), (3, 1, 1), (3, 2, 0)):
        x = window(x, extent, stride, padding)
    assert str(x) == "floor((x + 29)/32) - 2"


@pytest.mark.parametrize(
    ("made", "text"),
    [
        (lambda x: x, "x"),
        (lambda x: (x + 5) // 1, "x + 5"),
        (lambda x: x // 2 // 3, "floor(x/6)"),
        (lambda x: (x // 2 + 1) // 2, "floor((x + 2)/4)"),
        (lambda x: 2 * x // 2, "x"),
        (lambda x: (2 * x + 1) // 2, "x"),
        (lambda x: (6 * x + 5) // 4, "x + floor(x/2) + 1"),
        (lambda x: 4 * (x // 2) // 8, "floor(x/4)"),
        (lambda x: x // 2 * 2 - x // 2, "floor(x/2)"),
        (lambda x: 3 - x, "-x + 3"),
        (lambda x: (3 * x) // 2, "x + floor(x/2)"),
        (lambda x: (x + x // 2) // 2, "floor((x + floor(x/2))/2)"),
    ],
)
def test_identity(made, text):
    (x,) = unknowns("x")
    assert str(made(x)) == text


def test_a_size_without_x_is_a_number():
    (x,) = unknowns("x")
    assert x - x == 0
    assert (x // 2 - x // 2) * 5 + 3 == 3
    assert x * 0 == 0


def test_equal_sizes_are_equal_and_hash_alike():
    h, w = unknowns("h", "w")
    assert h // 2 // 2 == h // 4
    assert hash(h // 2 // 2) == hash(h // 4)
    assert h != w
    assert h != 5
    assert {h // 4: 1}[h // 2 // 2] == 1


def test_what_is_plain_is_no_condition():
    (x,) = unknowns("x")
    assert (x >= 1) is True
    assert (x >= 0) is True
    assert (x < 1) is False
    assert (x // 2 >= 0) is True
    assert (x // 2 <= x) is True
    assert isinstance(x >= 2, NotNegative)
    assert ((x >= 2) & True) is not True
    assert ((x >= 2) & False) is False
    assert ((x >= 2) | True) is True
    assert isinstance((x >= 2) | False, NotNegative)
    assert isinstance((x >= 2) | (x // 2 >= 2), Either)


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


def test_what_is_unknown_stays_unknown():
    (x,) = unknowns("x")
    for size in (x, Product.of(x)):
        assert size + UNKNOWN is UNKNOWN
        assert UNKNOWN + size is UNKNOWN
        assert size * UNKNOWN is UNKNOWN
        assert (size >= UNKNOWN) is True
        assert (size <= UNKNOWN) is True
    assert x - UNKNOWN is UNKNOWN
    assert x // UNKNOWN is UNKNOWN


# What is refused


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda h, w: h + w, "different axes"),
        (lambda h, w: bool(h), "at some sides, and another"),
        (lambda h, w: bool(h >= 3), "at some sides, and another"),
        (lambda h, w: max(h, h // 2 + 3), "at some sides, and another"),
        (lambda h, w: h * h, "multiplied with itself"),
        (lambda h, w: h * 0.3, "rounded in floating point"),
        (lambda h, w: 5 // h, "divided by a side"),
        (lambda h, w: h * w // 2, "product of sides is divided"),
        (lambda h, w: h * w - 1, "taken from a product"),
        (lambda h, w: h * w + h, "different products"),
        (lambda h, w: h * w >= (h + 1) * w, "compared with each other"),
        (lambda h, w: (h * w + 1) * h, "multiplied with itself, or with a sum"),
    ],
)
def test_refusal(made, why):
    with pytest.raises(Unsolvable, match=why):
        made(*unknowns("h", "w"))


def test_deep_nesting_is_refused():
    """No division merges with the one before: their number grows, or even doubles."""
    (x,) = unknowns("x")

    def deep(step):
        y = x
        for _ in range(MOST_WORK):
            y = step(y)
        return y

    for step in (lambda y: (y + x) // 3, lambda y: 3 * y // 2):
        with pytest.raises(Unsolvable, match=f"more than {MOST_WORK} divisions"):
            deep(step)


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


spans = st.tuples(st.integers(1, 8), st.integers(0, 4)).map(lambda pair: SizeSet.span(pair[0], sum(pair)))
boxes = st.lists(st.tuples(spans, spans), max_size=4)


@given(boxes, boxes)
def test_covered(some, others):
    one, other = ({pair for box in boxes for pair in product(*box)} for boxes in (some, others))
    assert covered(some, others) == (one <= other)


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
