"""A rule read with numbers that remember gives what it gives with ints, and what it remembers is how it came about."""

import math
import re
from fractions import Fraction
from random import Random

import pytest
from cases import VALUES, case
from oracle import read

from cnnshape.explain import axes_of, quantities, shape_lines
from cnnshape.network import measure
from cnnshape.traced import Traced
from cnnshape.unknown import UNKNOWN

SEEDS = 100


def evaluated(text):
    """Compute a text, exactly; one with a factor such as 0.3 as torch does, in floats."""
    text = text.replace(" mod ", " % ")
    exact = text if re.search(r"\.|e-", text) else re.sub(r"\d+", r"Fraction(\g<0>)", text)
    return eval(exact, {"Fraction": Fraction, "floor": math.floor})


def plain(number):
    return number.value if isinstance(number, Traced) else number


def explained_axes(lines):
    return [axis for line in lines for axis in line.label.split(", ")]


def known_axes(shape):
    return [axis.name for axis, size in zip(axes_of(shape), shape, strict=False) if size is not UNKNOWN]


@pytest.mark.parametrize("kind", VALUES)
def test_the_readings_agree(kind):
    for seed in range(SEEDS):
        given = case(kind, Random(seed).choice)
        layer = read(given)
        if layer is None:
            continue
        expected = measure(layer, given.shapes)
        inputs = tuple(quantities(shape, axes_of(shape), f"x{i}") for i, shape in enumerate(given.shapes))
        result = measure(layer.traced(), inputs)
        numbers = (*(result.output or ()), result.parameters, result.macs, *result.remainder, *result.dropped)
        expected_numbers = (*(expected.output or ()), expected.parameters, expected.macs)
        assert tuple(map(plain, numbers)) == (*expected_numbers, *expected.remainder, *expected.dropped), given
        assert {code for code, _ in result.refusals} == {code for code, _ in expected.refusals}, given
        for number in numbers:
            if isinstance(number, Traced):
                assert evaluated(number.text) == number.value, (given, number.text)
        explained = explained_axes(shape_lines(layer, inputs[0], axes_of(result.output or ()), result))
        assert explained in (["shape"], known_axes(result.output or ())), given
