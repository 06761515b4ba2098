"""Shapes in the two layouts: what is written is read back, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.shape import (
    CHANNELS_FIRST,
    CHANNELS_LAST,
    LARGEST,
    LAYOUTS,
    from_file,
    is_count,
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
