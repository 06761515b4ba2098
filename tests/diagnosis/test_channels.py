"""Counts of channels and groups, options of blocks, numbers of copies: the changes that are put forward."""

import pytest
from helpers.fixes import candidates, case, fixes

from cnnshape.diagnosis.channels import channels_of_source, groups, options, repeats, swapped
from cnnshape.diagnosis.declared import arriving
from cnnshape.diagnosis.nearby import nearby


def test_a_depthwise_conv_hands_the_question_on_to_the_layer_above():
    text = """input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 24, kernel_size = 1 },
      { name = "dw", type = "conv", out_channels = 24, kernel_size = 3, groups = 24 },
      { name = "n", type = "batch_norm", num_features = 32 },
    ]"""
    assert {"a.out_channels": 32} in candidates(channels_of_source, text)
    plain = text.replace("groups = 24", "groups = 1")
    assert {"a.out_channels": 32} not in candidates(channels_of_source, plain)


def test_a_layer_that_many_ways_lead_to_is_looked_at_once():
    layers = ['{ name = "a0", type = "conv", out_channels = 24, kernel_size = 1 }']
    for i in range(20):
        layers += [
            f'{{ name = "r{i}", type = "relu" }}',
            f'{{ name = "a{i + 1}", type = "add", from = ["r{i}", "a{i}"] }}',
        ]
    layers += ['{ name = "n", type = "batch_norm", num_features = 32 }']
    text = f"input = [3, 8, 8]\nlayers = [{', '.join(layers)}]"
    assert candidates(channels_of_source, text) == [{"a0.out_channels": 32}]  # of a million ways


def test_a_depthwise_conv_of_another_width_is_one_of_the_channels_that_arrive():
    text = """input = [16, 8, 8]
    layers = [{ name = "dw", type = "conv", out_channels = 24, kernel_size = 3, groups = 24 }]"""
    assert {"dw.groups": 16, "dw.out_channels": 16} in candidates(groups, text)


def test_where_nothing_divides_the_channels_but_1_one_group_is_left_out():
    text = """input = [7, 8, 8]
    layers = [{ name = "c", type = "conv", out_channels = 7, kernel_size = 3, groups = 3 }]"""
    assert candidates(groups, text) == [{"c.groups": 7}]


def test_of_channels_that_nobody_knows_no_groups_are_proposed():
    text = """input = [8, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = %s, kernel_size = 1 },
      { name = "j", type = "add", from = ["a", "input"] },
      { name = "c", type = "conv", out_channels = 9, kernel_size = 3, groups = 2 },
    ]"""
    for channels, known in ((6, False), (8, True)):
        given = case(text % channels)
        problem = next(one for one in given.report.problems if one.layer == "c")
        assert bool([*groups(given._replace(problem=problem))]) is known


def test_an_option_is_a_truth_value():
    text = """input = [8, 16, 16]
    layers = [{ name = "one", block = "r", width = 8 }, { name = "two", block = "r", width = 16 }]
    [blocks.r]
    arguments = ["width"]
    defaults = { project = false, k = 3 }
    layers = [
      { name = "c", type = "conv", out_channels = "width", kernel_size = "k", padding = 1 },
      { name = "s", type = "conv", out_channels = "width", kernel_size = 1, from = "input", when = "project" },
      { type = "add", from = ["c", "s"] },
    ]"""
    assert candidates(options, text) == [{"two.project": True}]


GROWN = """input = [16, 8, 8]
layers = [
  { name = "d", block = "grow", repeat = %s },
  { name = "n", type = "batch_norm", num_features = 64 },
]
[blocks.grow]
layers = [
  { name = "c", type = "conv", out_channels = %s, kernel_size = 3, padding = 1 },
  { type = "concat", from = ["input", "c"] },
]"""


def test_copies_are_added_by_a_constant_growth_alone():
    assert candidates(repeats, GROWN % (3, 12)) == [{"d.repeat": 4}]  # 16 + 4 * 12 = 64
    assert candidates(repeats, GROWN % (3, '"in_channels"')) == []  # doubled each time
    assert candidates(repeats, GROWN % (3, 13)) == []  # 48 is no multiple
    assert candidates(repeats, GROWN % (0, 12)) == []


def test_a_number_in_a_block_that_no_word_decides_is_left_out():
    text = """input = [8, 4, 4]
    layers = [
      { name = "one", block = "u" },
      { name = "c", type = "conv", out_channels = 16, kernel_size = 1 },
      { name = "two", block = "u" },
    ]
    [blocks.u]
    layers = ["relu", { name = "n", type = "batch_norm", num_features = 8 }]"""
    assert candidates(arriving, text) == [{"two.n.num_features": None}]


INCLUDED = """constants = { w = 24 }
[blocks.unit]
arguments = ["width"]
layers = [{ name = "c", type = "conv", out_channels = %s, kernel_size = 1 }]
"""
INCLUDING = """input = [3, 8, 8]
include = "unit.toml"
layers = [
  { name = "u", %s },
  { name = "n", type = "batch_norm", num_features = 32 },
]"""


@pytest.mark.parametrize(
    ("channels", "found"),
    [('"width"', [{"u.width": 32}]), ("24", []), ('"w"', [])],
)
def test_an_included_file_is_not_changed_but_its_use_is(channels, found, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unit.toml").write_text(INCLUDED % channels)
    assert candidates(channels_of_source, INCLUDING % 'block = "unit", width = 24') == found


def test_a_use_in_an_included_file_is_not_changed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = """[blocks.outer]
    defaults = { deep = false }
    layers = [{ name = "in", block = "gated", size = 3 }]
    [blocks.gated]
    arguments = ["size"]
    defaults = { wide = false }
    layers = [
      { name = "c", type = "conv", out_channels = 24, kernel_size = "size" },
      { name = "n", type = "batch_norm", num_features = 32 },
    ]"""
    use = """input = [3, 8, 8]
    layers = [{ name = "u", block = "outer" }]
    """
    (tmp_path / "unit.toml").write_text(blocks)
    included = f'include = "unit.toml"\n{use}'
    assert candidates(options, included) == [{"u.deep": True}]
    assert candidates(options, use + blocks) == [{"u.in.wide": True}, {"u.deep": True}]
    assert candidates(nearby, included) == []


def test_sides_that_a_factor_does_not_divide_ask_for_no_channels():
    text = """input = [3, 8, 8]
    layers = [
      { name = "c", type = "conv", out_channels = 4, kernel_size = %s },
      { name = "s", type = "%s", %s = 2 },
    ]"""
    assert candidates(channels_of_source, text % (2, "pixel_unshuffle", "downscale_factor")) == []
    shuffled = text.replace("out_channels = 4", "out_channels = 7") % (2, "pixel_shuffle", "upscale_factor")
    assert {"c.out_channels": 8} in candidates(channels_of_source, shuffled)


def test_channels_that_follow_those_that_enter_are_decided_by_an_earlier_layer():
    text = """input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 15, kernel_size = 3, padding = 1 },
      { name = "b", type = "conv", out_channels = "%s", kernel_size = 3, padding = 1, expect = [%d, 8, 8] },
    ]"""
    assert {"a.out_channels": 16} in candidates(channels_of_source, text % ("2 * in_channels", 32))
    assert {"a.out_channels": 18} in candidates(channels_of_source, text % ("in_channels // 3", 6))
    assert candidates(channels_of_source, text % ("2 * in_channels", 33)) == []


def test_heads_ask_for_features_that_they_divide():
    text = """input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 49, kernel_size = 1 },
      { name = "b", type = "attention", num_heads = 8, over = [2, 3] },
    ]"""
    found = candidates(channels_of_source, text)
    assert {"a.out_channels": 48} in found
    assert {"a.out_channels": 56} in found


def test_a_copy_more_or_less_of_the_use_that_is_expected_otherwise():
    text = """input = [8, 64, 64]
    layers = [{ name = "d", block = "down", repeat = %d, expect = [8, 16, 16] }]
    [blocks.down]
    layers = [{ type = "max_pool", kernel_size = 2 }]"""
    assert {"d.repeat": 2} in candidates(repeats, text % 3)
    assert {"d.repeat": 2} in candidates(repeats, text % 1)
    assert {"d.repeat": 2} in candidates(repeats, text % 4)


SWAPPED = """input = [3, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 32, kernel_size = 1 },
  { name = "b", type = "conv", in_channels = %d, out_channels = %s, kernel_size = 1 },
  { name = "c", type = "conv", in_channels = %d, out_channels = 8, kernel_size = 1 },
]"""


def test_channels_written_the_wrong_way_round_are_turned():
    assert candidates(swapped, SWAPPED % (64, "32", 64)) == [{"b.in_channels": 32, "b.out_channels": 64}]
    assert fixes(SWAPPED % (64, "32", 64))[0] == {"b.in_channels": 32, "b.out_channels": 64}
    assert candidates(swapped, SWAPPED % (64, "48", 64)) == []
    turned = {"b.in_channels": 32, "b.out_channels": 64}
    assert turned not in fixes(SWAPPED % (64, "32", 32))  # the layer behind it wants 32


def test_no_layer_makes_a_map_s_worth_of_channels():
    text = """input = [3, 32, 32]
    layers = [
      { name = "a", type = "conv", out_channels = 64, kernel_size = 32 },
      "flatten",
      { name = "fc", type = "linear", in_features = %d, out_features = 10 },
    ]"""
    assert candidates(channels_of_source, text % (17 * 64)) == []
    assert {"a.out_channels": 128} in candidates(channels_of_source, text % 128)


def test_channels_are_left_alone_where_sides_differ_as_well():
    text = """input = [3, 32, 32]
    layers = [
      { name = "a", type = "conv", out_channels = 8, kernel_size = 3%s },
      { name = "b", type = "conv", out_channels = 4, kernel_size = 1, from = "input" },
      { name = "j", type = "add", from = ["a", "b"] },
    ]"""
    assert candidates(channels_of_source, text % "") == []
    assert candidates(channels_of_source, text % ", padding = 1") != []
