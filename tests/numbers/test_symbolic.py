"""Size against the same arithmetic on plain numbers: its values, its bounds, its text, and what it refuses."""

import pytest
from helpers.chains import chains, run
from hypothesis import given

from cnnshape.numbers.rules import at_least, at_most
from cnnshape.numbers.symbolic import MOST_WORK, Either, NotNegative, Product, Size, Unsolvable, unknowns
from cnnshape.numbers.unknown import UNKNOWN

FAR = 300


def value(size, x):
    return size.at(x) if isinstance(size, Size) else size


@given(chains)
def test_a_size_is_what_arithmetic_makes_of_x(chain):
    (x,) = unknowns("x")
    size = run(chain, x)
    assert all(value(size, i) == run(chain, i) for i in range(1, FAR))


@given(chains)
def test_a_formula_reads_back(chain):
    """The text is arithmetic for Python, too, and makes the same object: the form is settled."""
    (x,) = unknowns("x")
    size = run(chain, x)
    if isinstance(size, Size):
        text = size.text("x").replace("/", "//").replace("floor", "")
        names = {"x": x, "max": at_least, "min": at_most}
        again = eval(text, names)
        assert again == size or ("m" in text and all(value(again, i) == size.at(i) for i in range(1, FAR)))


@given(chains)
def test_pace_and_bounds_hold(chain):
    (x,) = unknowns("x")
    size = run(chain, x)
    if not isinstance(size, Size):
        return
    period, rise, low, high, settles = size.pace()
    for i in range(1, 120):
        assert i < settles or size.at(i + period) == size.at(i) + rise
        assert low <= period * size.at(i) - rise * i <= high
    for first, last in ((1, 1), (1, 7), (5, 40)):
        least, most = size.between(first, last)
        values = [size.at(i) for i in range(first, last + 1)]
        assert least <= min(values)
        assert max(values) <= most


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
        (lambda x: (x // 32).at_least(7), "max(floor(x/32), 7)"),
        (lambda x: (x + 3).at_least(4), "x + 3"),
        (lambda x: (3 - x).at_least(5), "5"),
        (lambda x: (x // 32).at_most(7), "min(floor(x/32), 7)"),
        (lambda x: ((x // 2).at_least(7) + 1) // 2, "max(floor((x + 2)/4), 4)"),
        (lambda x: x + x.at_least(7), "x + max(x, 7)"),
        (lambda x: 2 * x.at_least(7), "2*max(x - 7, 0) + 14"),
        (lambda x: x.at_least(7) - x.at_least(7), "0"),
    ],
)
def test_an_identity_keeps_the_form_small(made, text):
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


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (lambda h, w: h + w, "different axes"),
        (lambda h, w: bool(h), "at some sides, and another"),
        (lambda h, w: bool(h >= 3), "at some sides, and another"),
        (lambda h, w: max(h, h // 2 + 3), "at some sides, and another"),
        (lambda h, w: h * 0.3, "rounded in floating point"),
        (lambda h, w: 5 // h, "divided by a side"),
        (lambda h, w: h * w // 2, "product of sides is divided"),
        (lambda h, w: h * w - h, "taken from a product"),
        (lambda h, w: 1 - h * w, "taken from a product"),
        (lambda h, w: (h * w + h) * w, "multiplied with a side"),
        (lambda h, w: h * w >= (h + 1) * w, "compared with each other"),
        (lambda h, w: (h * w + 1) * h, "multiplied with a sum"),
    ],
)
def test_arithmetic_without_a_closed_form_is_refused(made, why):
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
