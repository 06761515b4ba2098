"""Each size rule against what it means, done cell by cell: no formula, and no torch."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import pytest

from cnnshape.numbers import rules
from cnnshape.numbers.rules import Refused

SIDES = range(1, 9)
WINDOWS = list(product(range(1, 6), range(1, 5), range(4)))  # extent, stride, padding


def require(condition, code, **facts):
    if not condition:
        raise Refused(code)


def given(rule, *sizes, **settings):
    """Return what a rule gives, or the code of the condition that does not hold."""
    try:
        return rule(*sizes, require, **settings)
    except Refused as refused:
        return refused.args[0]


def windows(w, *, extent, stride, padding):
    """Return the first cells of the windows that fit a side, counted from its own first cell."""
    return [first for first in range(-padding, w + padding, stride) if first + extent <= w + padding]


def windows_ceil(w, *, extent, stride, padding):
    """Return those that start in the side or before it, as long as the one before has not reached the end."""
    return [first for first in range(-padding, w, stride) if first - stride + extent < w + padding]


@pytest.mark.parametrize(("extent", "stride", "padding"), WINDOWS)
def test_windows_are_as_many_as_fit(extent, stride, padding):
    window = {"extent": extent, "stride": stride, "padding": padding}
    for w in SIDES:
        assert given(rules.window, w, **window) == (len(windows(w, **window)) or "window-too-large")
        assert given(rules.window_ceil, w, **window) == (len(windows_ceil(w, **window)) or "window-too-large")


@pytest.mark.parametrize(("extent", "stride", "padding"), WINDOWS)
def test_left_over_is_what_lies_behind_the_last_window(extent, stride, padding):
    for w in SIDES:
        fitting = windows(w, extent=extent, stride=stride, padding=padding)
        if fitting:
            behind = w + padding - (fitting[-1] + extent)
            assert rules.left_over(w, extent=extent, stride=stride, padding=padding) == behind
            assert rules.lost(w, len(fitting), extent=extent, stride=stride, padding=padding) == behind - padding


def test_an_extent_reaches_from_the_first_cell_to_the_last():
    for kernel_size, dilation in product(range(1, 6), range(1, 4)):
        cells = [dilation * i for i in range(kernel_size)]
        assert rules.extent(kernel_size, dilation) == cells[-1] - cells[0] + 1


@pytest.mark.parametrize(("extent", "stride", "padding"), WINDOWS)
def test_a_transposed_convolution_paints_what_a_convolution_reads(extent, stride, padding):
    for w, output_padding in product(SIDES, range(3)):
        painted = {stride * i + k for i in range(w) for k in range(extent)}
        side = max(painted) + 1 + output_padding - 2 * padding
        settings = {"extent": extent, "stride": stride, "padding": padding, "output_padding": output_padding}
        expected = "nothing-left" if side < 0 else side or "no-elements"
        assert given(rules.transposed, w, **settings) == expected
        if output_padding < stride and side > 0:
            assert len(windows(side, extent=extent, stride=stride, padding=padding)) == w


def filled(w, before, after, mode):
    """Pad a row of the cells 0 ... w - 1, cutting first where a number is negative; None where a cell is missing."""
    row = list(range(w))[max(0, -before) : w - max(0, -after)]
    if w + min(before, 0) + min(after, 0) < 0:
        return None
    places = range(-max(0, before), len(row) + max(0, after))
    found = {
        "constant": lambda i: True,
        "replicate": lambda i: bool(row),
        "reflect": lambda i: 0 <= (-i if i < 0 else 2 * len(row) - 2 - i if i >= len(row) else i) < len(row),
        "circular": lambda i: -len(row) <= i < 2 * len(row),
    }[mode]
    return list(places) if all(map(found, places)) else None


@pytest.mark.parametrize("mode", ["constant", "replicate", "reflect", "circular"])
def test_padding_finds_a_cell_for_every_place(mode):
    for w, before, after in product(SIDES, range(-3, 9), range(-3, 9)):
        if mode in ("replicate", "reflect") and min(before, after) < 0:
            continue  # torch reads the cells that are to be cut off, too
        row = filled(w, before, after, mode)
        result = given(rules.padded, w, before=before, after=after, mode=mode)
        assert result == len(row) if row else isinstance(result, str)


def test_scaling_by_a_dyadic_factor_is_exact():
    for w, top, bottom in product([*SIDES, 2**33 - 1], range(1, 12), (1, 2, 4, 8, 1024)):
        factor = top / bottom
        assert given(rules.scaled, w, factor=factor) == (int(Fraction(factor) * w) or "no-elements")


def test_scaling_by_another_factor_is_float64s_product():
    assert given(rules.scaled, 10, factor=0.7) == 7
    assert given(rules.scaled, 3, factor=1 / 3) == 1
    assert given(rules.scaled, 100, factor=0.29) == 28  # 28.999999999999996; torch says so too


def test_divides_and_equal():
    for a, b in product(range(1, 13), repeat=2):
        assert rules.divides(a, b) == (b % a == 0)
        assert rules.equal(a, b) == (a == b)


def test_the_larger_of_sizes_of_which_one_may_be_1():
    assert [rules.larger(a, b) for a, b in ((3, 3), (1, 3), (3, 1), (1, 1))] == [3, 3, 3, 1]


def test_numbers_beyond_any_memory_cost_nothing():
    huge = 2**62
    assert given(rules.window, huge, extent=2**40, stride=3, padding=2**39) == (huge - 2**40 + 2**40) // 3 + 1
    assert given(rules.window, 224, extent=2**40, stride=1, padding=0) == "window-too-large"
    assert given(rules.transposed, huge, extent=huge, stride=huge, padding=0) == huge * (huge - 1) + huge
