"""Shapes in the two layouts: what is written is read back, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.shape import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    LARGEST,
    LAYOUTS,
    axes,
    from_file,
    is_count,
    other_order,
    parse,
    text,
    to_file,
)
from cnnshape.numbers.unknown import UNKNOWN

shapes = st.lists(st.integers(1, LARGEST), min_size=1, max_size=5).map(tuple)


@given(shapes, st.sampled_from(LAYOUTS))
def test_a_shape_reads_back_as_it_is_written(shape, layout):
    assert parse(text(shape, layout), layout) == from_file(to_file(shape, layout), layout) == shape


def test_the_channels_stand_first_or_last():
    assert text((3, 224, 200), CHANNELS_FIRST) == "3x224x200"
    assert text((3, 224, 200), CHANNELS_LAST) == "224x200x3"
    assert text((10,), CHANNELS_LAST) == "10"


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((3, 224, 200), "3 channels, 224 high, 200 wide"),
        ((1, 100), "1 channel, 100 long"),
        ((2, 16, 112, 100), "2 channels, 16 deep, 112 high, 100 wide"),
        ((512,), "512 channels, flat"),
        ((2, 3, 4, 5, 6), "2 channels, 3 along axis 2, 4 along axis 3, 5 along axis 4, 6 along axis 5"),
    ],
)
def test_the_axes_of_a_shape_have_names(shape, words):
    assert axes(shape) == words


@pytest.mark.parametrize(
    ("written", "layout", "meant"),
    [
        ([224, 224, 3], CHANNELS_FIRST, (3, 224, 224)),
        ([28, 5, 1], CHANNELS_FIRST, (1, 28, 5)),
        ([28, 30, 4], CHANNELS_FIRST, (4, 28, 30)),
        ([3, 224, 220], CHANNELS_LAST, (3, 224, 220)),
        ([1, 3, 224, 220], CHANNELS_FIRST, (3, 224, 220)),
        ([32, 1, 28, 28], CHANNELS_LAST, (1, 28, 28)),
        ([3, 224, 224], CHANNELS_FIRST, None),
        ([224, 224, 3], CHANNELS_LAST, None),
        ([512, 4, 4], CHANNELS_FIRST, None),
        ([100, 1, 1], CHANNELS_FIRST, None),
        ([224, 224, 2], CHANNELS_FIRST, None),
        ([3, 16, 112, 112], CHANNELS_FIRST, None),
        ([8, 3, 112, 4], CHANNELS_FIRST, None),
        ([16, 112, 112, 3], CHANNELS_LAST, None),
        ([28, 28], CHANNELS_FIRST, None),
        ([100, 3], CHANNELS_FIRST, None),
        ([5], CHANNELS_FIRST, None),
        ([1, 1, 3, 8, 8], CHANNELS_FIRST, None),
    ],
)
def test_the_look_of_another_order(written, layout, meant):
    assert other_order(from_file(tuple(written), layout), layout) == meant


def test_a_size_that_is_not_known_is_a_question_mark():
    assert text(None) == "?"
    assert text((3, UNKNOWN, None)) == "3x?x?"


@pytest.mark.parametrize("written", ["", "x", "3x", "3x-1", "3x0", "3x2.0", "3X4", "axb", "9" * 20, f"{2**63}"])
def test_what_is_no_shape_is_a_value_error(written):
    with pytest.raises(ValueError, match="is no shape"):
        parse(written, CHANNELS_FIRST)


@pytest.mark.parametrize(
    ("value", "least", "count"),
    [
        (1, 1, True),
        (0, 1, False),
        (0, 0, True),
        (LARGEST, 1, True),
        (LARGEST + 1, 1, False),
        (True, 0, False),
        (2.0, 1, False),
    ],
)
def test_a_count_is_a_whole_number_that_torch_holds(value, least, count):
    assert is_count(value, least) == count
