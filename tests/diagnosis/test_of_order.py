"""The order of axes: the layout, the input turned round, the batch left out."""

import pytest
from helpers.fixes import candidates, case, fixes

from cnnshape.diagnosis.of_inputs import channels, sides
from cnnshape.diagnosis.of_order import reordered

CONV = 'layers = [{ name = "c", type = "conv", in_channels = %d, out_channels = 8, kernel_size = 3 }]'


@pytest.mark.parametrize(
    ("line", "wanted", "found"),
    [
        ("input = [40, 50, 3]", 3, [{"layout": "channels_last"}, {"input": (3, 40, 50)}]),
        ("input = [100, 40]", 40, [{"layout": "channels_last"}, {"input": (40, 100)}]),
        ("input = [9, 40, 50, 1]", 1, [{"layout": "channels_last"}, {"input": (1, 9, 40, 50)}]),
        ("input = [16, 3, 40, 50]", 3, [{"input": (3, 40, 50)}]),  # a batch
        ("input = [16, 1, 100, 9]", 1, [{"input": (1, 100, 9)}]),
        ('layout = "channels_last"\ninput = [3, 40, 50]', 3, [{"layout": "channels_first"}, {"input": (40, 50, 3)}]),
        ("inputs = { one = [40, 50, 3] }", 3, [{"inputs.one": (3, 40, 50)}]),
        ("input = [40, 3, 50]", 3, [{"input": (3, 40, 50)}]),
        ("input = [40, 16, 50]", 16, []),  # a side in the middle that happens to be as large
        ("input = [40, 50, 50]", 50, []),  # which of the two is not known
        ("input = [40, 50, 60]", 3, []),
        ("constants = { n = 40 }\ninput = ['n', 50, 3]", 3, [{"layout": "channels_last"}]),
    ],
)
def test_the_wanted_channels_stand_elsewhere_in_the_input(line, wanted, found):
    assert candidates(reordered, f"{line}\n{CONV % wanted}") == found


def test_nothing_else_is_shown():
    assert fixes("input = [40, 50, 3]\n" + CONV % 3) == [{"layout": "channels_last"}, {"input": (3, 40, 50)}]


def test_a_warning_of_the_order_has_them_too():
    text = 'input = [40, 50, 3]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]'
    assert fixes(text) == [{"layout": "channels_last"}, {"input": (3, 40, 50)}]


def test_channels_that_come_from_a_layer_are_not_of_the_input():
    text = """input = [8, 3, 40]
    layers = [
      { name = "a", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
      { name = "b", type = "conv", in_channels = 3, out_channels = 8, kernel_size = 1 },
    ]"""
    assert candidates(reordered, text) == []


def test_another_input_at_hand_is_left_alone():
    at_hand = case("input = [40, 50, 3]\n" + CONV % 3)
    at_hand.trials.given = (40, 50, 3)
    assert [*reordered(at_hand), *sides(at_hand), *channels(at_hand)] == []


def test_flat_inputs_have_no_order():
    assert candidates(reordered, 'input = [5]\nlayers = [{ type = "linear", in_features = 4, out_features = 8 }]') == []
