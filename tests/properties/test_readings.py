"""A rule read with numbers that remember gives what it gives with ints; what it remembers is how that came about."""

import math
import re
from fractions import Fraction
from functools import cache
from random import Random

import pytest
from answers import read
from cases import TRIED, case

from cnnshape.layers import TYPES
from cnnshape.network.arithmetic import axes_of, quantities, shape_lines
from cnnshape.network.flow import measure
from cnnshape.numbers.traced import Traced
from cnnshape.numbers.unknown import UNKNOWN

SEEDS = 100
OF_ANY_LAYER = {"no-axes", "no-space", "too-few-axes", "too-many-axes", "axes-differ", "too-many-elements"}


@cache
def readings(kind):
    """Cases of a layer type, each with its layer and what ints give."""
    cases = (case(kind, Random(seed).choice) for seed in range(SEEDS))
    layers = ((given, read(given)) for given in cases)
    return [(given, layer, measure(layer, given.shapes)) for given, layer in layers if layer]


def evaluated(text):
    """Compute a text, exactly; one with a factor such as 0.3 as torch does, in floats."""
    text = text.replace(" mod ", " % ")
    exact = text if re.search(r"\.|e-", text) else re.sub(r"\d+", r"Fraction(\g<0>)", text)
    return eval(exact, {"Fraction": Fraction, "floor": math.floor})


def plain(number):
    return number.value if isinstance(number, Traced) else number


def numbers_of(result):
    return (*(result.output or ()), result.parameters, result.macs)


@pytest.mark.parametrize("kind", TRIED)
def test_the_readings_agree(kind):
    for given, layer, expected in readings(kind):
        inputs = tuple(quantities(shape, axes_of(shape), f"x{i}") for i, shape in enumerate(given.shapes))
        result = measure(layer.traced(), inputs)
        assert tuple(map(plain, numbers_of(result))) == numbers_of(expected), given
        assert {code for code, _ in result.refusals} == {code for code, _ in expected.refusals}, given
        for number in numbers_of(result):
            if isinstance(number, Traced):
                assert evaluated(number.text) == number.value, (given, number.text)
        y = result.output or ()
        explained = shape_lines(layer, inputs[0], axes_of(y), result)
        axes = [(axis.name, size is UNKNOWN) for axis, size in zip(axes_of(y), y, strict=False)]
        told = [axis for line in explained for axis in line.label.split(", ")]
        # In order; a side that is refused is told where its formula shows why.
        assert told in (["shape"], [name for name, unknown in axes if not unknown or name in told]), given


@pytest.mark.parametrize("kind", TRIED)
def test_the_docstring_tells_of_every_refusal(kind):
    found = {code for _, _, result in readings(kind) for code, _ in (*result.refusals, *result.doubts)}
    inferred = {"declared-differs"} if TYPES[kind].inferred else set()
    assert found - OF_ANY_LAYER - inferred <= set(re.findall(r"\b[a-z]+(?:-[a-z0-9]+)+\b", TYPES[kind].__doc__))
