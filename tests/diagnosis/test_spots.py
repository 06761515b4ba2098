"""The numbers of a file: where they stand, what they decide, and how a change of one is said."""

import pytest
from helpers.fixes import case

from cnnshape.diagnosis.spots import Spot, changed, parameters_of, spots, within

TEXT = """input = [3, 32, 32]
constants = { base = 8, widths = [8, 16] }
layer_defaults.conv = { padding = 1 }
layers = [
  { name = "a", type = "conv", out_channels = "2 * base + widths[0]", kernel_size = [3, 5] },
  { name = "p", type = "pad", padding = [[0, 1], 0] },
  { name = "b", block = "b", wide = 16, kernel = 3, repeat = 2, expect = [16, 9, 9] },
]
[blocks.b]
arguments = ["wide"]
defaults = { kernel = 1, half = "wide // 2" }
layers = [
  { name = "c", type = "conv", out_channels = "half", kernel_size = "kernel" },
  { name = "d", block = "inner", n = "wide" },
]
[blocks.inner]
arguments = ["n"]
layers = [{ name = "e", type = "conv", out_channels = "n", groups = "n // 8", kernel_size = 1 }]
"""


def spot_at(*path, given):
    return next(one for one in spots(given) if one.path == path)


def test_numbers_of_layers_come_first_and_expectations_and_the_input_are_none():
    found = [one.path[0] for one in spots(case(TEXT))]
    assert found[0] == "layers"
    assert {*found} == {"layers", "constants", "layer_defaults", "blocks"}
    assert not [one for one in spots(case(TEXT)) if "expect" in one.path]


def test_numbers_of_an_expression_are_spots_of_their_own():
    found = [one for one in spots(case(TEXT)) if one.path == ("layers", 0, "out_channels")]
    assert [(one.number, one.written(5)) for one in found] == [
        (2, "5 * base + widths[0]"),
        (0, "2 * base + widths[5]"),
    ]
    assert [*within({"type": "conv2", "from": "3", "name": "x 3", "k": "c1 + 1.5"}, ())] == []


def test_a_number_in_a_list_is_said_with_the_whole_list():
    given = case(TEXT)
    (edit,) = changed(given, spot_at("layers", 1, "padding", 0, 1, given=given), 4).edits
    assert (edit.layer, edit.parameter, edit.old, edit.new) == ("p", "padding", [[0, 1], 0], [[0, 4], 0])
    (edit,) = changed(given, spot_at("constants", "widths", 1, given=given), 4).edits
    assert (edit.layer, edit.parameter, edit.new) == (None, "constants.widths", [8, 4])
    (edit,) = changed(given, spot_at("layer_defaults", "conv", "padding", given=given), 2).edits
    assert (edit.layer, edit.parameter, edit.new) == (None, "layer_defaults.conv.padding", 2)


@pytest.mark.parametrize(
    ("path", "decides"),
    [
        (("layers", 0, "kernel_size", 1), {"kernel_size"}),
        (("layers", 2, "wide"), {"out_channels", "groups"}),  # by a default, and by a block in the block
        (("layers", 2, "kernel"), {"kernel_size"}),
        (("layers", 2, "repeat"), {"repeat"}),
        (("blocks", "b", "defaults", "kernel"), {"kernel_size"}),
        (("constants", "base"), {"out_channels"}),
    ],
)
def test_a_number_decides_the_parameters_that_its_name_is_handed_on_to(path, decides):
    given = case(TEXT)
    assert parameters_of(given, spot_at(*path, given=given)) == decides


def test_an_argument_that_a_block_hands_to_itself_ends():
    text = """input = [3, 8, 8]
    layers = [{ name = "u", block = "b", n = 3 }]
    [blocks.b]
    arguments = ["n"]
    layers = [{ block = "b", n = "n" }]"""
    given = case(text)
    assert parameters_of(given, Spot(("layers", 0, "n"), 3)) == set()


def test_what_is_no_table_has_no_spots():
    assert [*spots(case("blocks = 64\nconstants = 3\ninput = [3, 8, 8]\nlayers = ['relu']"))] == []
