"""The values of names, as a command line writes them, and the candidates that they make, in their order."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.shape import CHANNELS_FIRST, CHANNELS_LAST
from cnnshape.space.space import Space, read_inputs, read_values


@pytest.mark.parametrize(
    ("written", "values"),
    [
        ("16..128..16", tuple(range(16, 129, 16))),
        ("1..4", (1, 2, 3, 4)),
        ("1..6..2", (1, 3, 5)),
        ("4..1..-1", (4, 3, 2, 1)),
        ("-2..2..2", (-2, 0, 2)),
        ("3..3", (3,)),
        ("0.5..1.5..0.25", (0.5, 0.75, 1.0, 1.25, 1.5)),
        ("0.1..0.3..0.1", (0.1, 0.2, 0.3)),
        ("1, 2,8..10", (1, 2, 8, 9, 10)),
        ("true,false", (True, False)),
        ("[1, 2],[3]", ([1, 2], [3])),
        ("relu,leaky_relu", ("relu", "leaky_relu")),
        ("2 * width", ("2 * width",)),
        ("1.0,1", (1.0, 1)),
    ],
)
def test_values_are_read(written, values):
    assert list(map(repr, read_values(written))) == list(map(repr, values))


@pytest.mark.parametrize(
    "written", ["", "1,", "1..", "1..x", "1..2..3..4", "1..9..0", "1..9..-1", "9..1", "1..99999999"]
)
def test_what_is_no_value_is_refused(written):
    with pytest.raises(ValueError, match=r"is no value|no values|are the limit"):
        read_values(written)


def test_inputs_are_sides_or_shapes():
    assert read_inputs("128..256..64", CHANNELS_FIRST) == (128, 192, 256)
    assert read_inputs("3x224x320, 1x8x8", CHANNELS_FIRST) == ((3, 224, 320), (1, 8, 8))
    assert read_inputs("224x320x3", CHANNELS_LAST) == ((3, 224, 320),)
    for wrong in ("0..3", "1.5", "true", "3xa", "wide"):
        with pytest.raises(ValueError, match=r"is no si|is no shape"):
            read_inputs(wrong, CHANNELS_FIRST)


@given(st.dictionaries(st.sampled_from("abcd"), st.lists(st.integers(), min_size=1, max_size=4)))
def test_candidates_stand_in_the_order_of_a_product(values):
    space = Space(values)
    expected = [dict(zip(values, combination, strict=True)) for combination in product(*values.values())]
    assert [space[number] for number in range(space.size)] == expected
    assert [[*space[number]] for number in range(space.size)] == [[*values]] * len(expected)


def test_a_name_without_values_is_refused():
    with pytest.raises(ValueError, match="width has no values"):
        Space({"width": iter(())})
