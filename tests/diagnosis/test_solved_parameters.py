"""Settings of windows: those that are solved for, and those that are left alone."""

from time import perf_counter

import pytest
from helpers.fixes import candidates, case, fixes

from cnnshape.diagnosis.parameters import filling, for_same, solved, together, worded

WORDED = """input = [8, 100]
layers = [{ name = "one", block = "r", k = 3, d = 1 }, { name = "two", block = "r", k = 5, d = 2 }]
[blocks.r]
arguments = ["k", "d"]
layers = [
  { name = "c", type = "conv", out_channels = 8, kernel_size = %s, dilation = %s, padding = 1 },
  { type = "add", from = ["c", "input"] },
]"""


@pytest.mark.parametrize(
    ("kernel", "dilation", "found"),
    [
        ('"k"', 1, ["k // 2"]),
        ('"k + 0"', 1, ["(k + 0) // 2"]),
        (3, '"d"', ["d"]),
        (5, '"d"', ["2 * (d)"]),
        (4, '"d"', []),  # an even kernel keeps no side
        ('"k"', '"d"', []),
    ],
)
def test_a_padding_is_said_in_the_words_of_the_block(kernel, dilation, found):
    result = candidates(worded, WORDED % (kernel, dilation))
    assert [next(iter(edits.values())) for edits in result] == found


@pytest.mark.parametrize(
    ("window", "found"),
    [
        ("kernel_size = 9", [{"m.kernel_size": 8}]),
        ("kernel_size = [9, 8]", [{"m.kernel_size": [8, 8]}]),
        ("kernel_size = 5, dilation = 2", []),
        ("kernel_size = 16", []),  # half of it is too little
    ],
)
def test_a_window_that_covers_nearly_all_fills_the_side(window, found):
    text = f'input = [4, 8, 8]\nlayers = [{{ name = "m", type = "max_pool", {window} }}]'
    assert candidates(filling, text) == found


def first(layer, expect, shape="[4, 16, 16]"):
    text = f'input = {shape}\nlayers = [{{ name = "x", {layer}, expect = {expect} }}]'
    return candidates(solved, text)


@pytest.mark.parametrize(
    ("layer", "expect", "found"),
    [
        ('type = "max_pool", kernel_size = 4', "[4, 7, 7]", {"x.stride": 2}),  # its stride is its kernel_size
        (
            'type = "conv", out_channels = 4, kernel_size = [3, 5], padding = [1, 1]',
            "[4, 16, 16]",
            {"x.padding": [1, 2]},
        ),
        ('type = "conv", out_channels = 4, kernel_size = 3, padding = [1, 0]', "[4, 16, 16]", {"x.padding": [1, 1]}),
        (
            'type = "conv_transpose", out_channels = 4, kernel_size = 3, stride = 2, padding = 1',
            "[4, 32, 32]",
            {"x.output_padding": 1},
        ),
    ],
)
def test_one_setting_is_solved_for(layer, expect, found):
    assert found in first(layer, expect)


@pytest.mark.parametrize(
    ("layer", "expect"),
    [
        ('type = "conv", out_channels = 4, kernel_size = 3, padding = "same"', "[4, 14, 14]"),
        ('type = "pad", padding = [[1, 2], [0, 1]]', "[4, 20, 20]"),
        ('type = "upsample", size = 20', "[4, 32, 32]"),
    ],
)
def test_a_padding_that_is_a_word_or_a_pair_and_a_size_are_left_alone(layer, expect):
    assert not [one for one in first(layer, expect) if "x.padding" in one or "x.scale_factor" in one]


def test_joins_of_other_ranks_are_not_mended_by_windows():
    text = """input = [4, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 3 },
      { name = "f", type = "flatten", from = "a" },
      { name = "j", type = "add", from = ["a", "f"] },
    ]"""
    assert candidates(solved, text) == []
    assert candidates(together, text) == []


def test_a_constant_that_is_worked_out_from_another_is_left_alone():
    from cnnshape.diagnosis.channels import channels_of_source

    text = """input = [3, 8, 8]
    constants = { v = 12, w = "2 * v" }
    layers = [
      { name = "a", type = "conv", out_channels = "w", kernel_size = 3 },
      { name = "n", type = "batch_norm", num_features = 32 },
    ]"""
    assert candidates(channels_of_source, text) == []
    assert candidates(channels_of_source, text.replace('"2 * v"', "24")) == [{"constants.w": 32}]


def test_no_trial_is_made_once_all_are_spent():
    from cnnshape.diagnosis.operations import Operation

    trials = case(WORDED % (5, '"d"')).trials
    change = [Operation("set", ("blocks", "r", "layers", 0, "padding"), "2 * (d)")]
    trials.begin()
    trials.last = trials.count
    assert trials.attempt(change) is None
    trials.begin()
    assert trials.attempt(change) is not None


def test_of_a_list_one_entry_is_changed():
    text = """input = [4, 16, 16]
    layers = [
      { name = "c", type = "conv", out_channels = 4, kernel_size = 3, padding = [1, 0] },
      "flatten",
      { name = "fc", type = "linear", in_features = 1024, out_features = 2 },
    ]"""  # 4 * 16 * 16
    assert {"c.padding": [1, 1]} in candidates(solved, text)


def test_a_pad_is_padded_more():
    assert {"x.padding": 2} in first('type = "pad", padding = 1', "[4, 20, 20]")


def test_words_that_do_not_keep_the_sides_are_none():
    pooled = WORDED.replace(
        '{ type = "add", from = ["c", "input"] }', '{ name = "p", type = "max_pool", kernel_size = 2 }, %s'
    )
    assert candidates(worded, pooled % (3, '"d"', '{ type = "add", from = ["p", "input"] }')) == []


def test_behind_sides_that_nobody_knows_nothing_is_solved_or_traced():
    from cnnshape.diagnosis.channels import channels_of_source

    text = """input = [3, 10, 10]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
      { name = "p", type = "max_pool", kernel_size = %s },
      { name = "c", type = "conv", in_channels = 8, out_channels = 8, kernel_size = 1 },
    ]"""
    for kernel, found in ((20, []), (2, [("a", 8)])):
        given = case(text % kernel)
        given = given._replace(problem=next(one for one in given.report.problems if one.layer == "c"))
        assert [*solved(given)] == []
        assert [(one.edits[0].layer, one.edits[0].new) for one in channels_of_source(given)] == found


def test_a_number_for_all_axes_stays_one_where_one_axis_fails():
    text = """input = [3, 16, 15]
    layers = [{ name = "c", type = "conv", out_channels = 4, kernel_size = 2, stride = 2, padding = 1, expect = [4, 8, 8] }]"""
    assert {"c.kernel_size": 3} in candidates(solved, text)


def test_no_dilation_comes_into_a_net_that_has_none():
    text = """input = [3, 16, 16]
    layers = [{ name = "c", type = "conv", out_channels = 4, kernel_size = 3, %sexpect = [4, 12, 12] }]"""
    assert not [one for one in candidates(solved, text % "") if "c.dilation" in one]
    assert {"c.dilation": 2} in candidates(solved, text % "dilation = 3, ")


@pytest.mark.parametrize(("kernel", "found"), [(4, True), (3, False), ([3, 3], False)])
def test_a_window_of_one_cell_is_meant_by_an_even_one(kernel, found):
    text = f"""input = [8, 16, 16]
    layers = [{{ name = "c", type = "conv", out_channels = 4, kernel_size = {kernel}, expect = [4, 16, 16] }}]"""
    assert ({"c.kernel_size": 1} in candidates(solved, text)) == found


def test_a_window_of_two_axes_in_three():
    text = """input = [3, 8, 16, 16]
    layers = [
      { name = "c", type = "conv", out_channels = 4, kernel_size = [3, 3, 3], padding = [0, 1, 1], expect = [4, 8, 16, 16] },
    ]"""
    assert {"c.kernel_size": [1, 3, 3]} in candidates(solved, text)


SHARED = """input = [3, 31, 31]
layers = [
  { name = "stem", type = "conv", out_channels = 8, kernel_size = 3, stride = 2%s },
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "b", type = "max_pool", kernel_size = 2, from = "stem" },
  { type = "add", from = ["a", "b"] },
]"""


def test_the_padding_of_a_layer_that_both_ways_come_from():
    assert {"stem.padding": 1} in candidates(solved, SHARED % "")


def test_the_padding_that_keeps_a_side_is_among_the_first_where_a_number_is_declared():
    text = """input = [3, 16, 16]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 5, padding = 1 },
      { name = "b", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
      { name = "c", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
      "flatten",
      { name = "fc", type = "linear", in_features = 1024, out_features = 10 },
    ]"""
    assert {"a.padding": 2} in candidates(solved, text)[:2]


def test_a_pool_of_an_unusual_window_gets_a_usual_one():
    text = """input = [3, 16, 16]
    layers = [{ name = "p", type = "max_pool", kernel_size = %s, expect = [3, 8, 8] }]"""
    assert {"p.kernel_size": 2} in candidates(solved, text % 8)
    assert {"p.kernel_size": [2, 2]} in candidates(solved, text % "[2, 8]")


@pytest.mark.parametrize(
    ("kernel", "found"),
    [("3", [{"c.padding": "same_upper"}, {"c.padding": 1}]), ("[4, 3]", [{"c.padding": "same_upper"}])],
)
def test_a_padding_beside_a_stride(kernel, found):
    text = f"""input = [3, 8, 8]
    layers = [{{ name = "c", type = "conv", out_channels = 4, kernel_size = {kernel}, stride = 2, padding = "same" }}]"""
    assert candidates(for_same, text) == found
    assert fixes(text)[0] == found[0]


def test_no_pool_gets_a_window_of_one_cell_and_no_conv_more_padding_than_half_its_window():
    pool = """input = [3, 16, 16]
    layers = [{ name = "p", type = "max_pool", kernel_size = 2, stride = 2, expect = [3, 16, 16] }]"""
    assert not [one for one in candidates(solved, pool) if one.get("p.kernel_size") == 1]
    conv = """input = [3, 16, 16]
    layers = [{ name = "c", type = "conv", out_channels = 4, kernel_size = 3, padding = 1, expect = [4, 18, 18] }]"""
    assert not [one for one in candidates(solved, conv) if "c.padding" in one]


def test_lists_of_several_lengths_are_no_matter_of_what_is_usual():
    text = """input = [3, 8, 16, 16]
    layers = [
      { name = "c", type = "conv", out_channels = 4, kernel_size = [3, 3, 3], padding = [1, 1], stride = 2, expect = [4, 4, 8, 8] },
    ]"""
    assert candidates(solved, text) == []
    assert fixes(text.replace("stride = 2", "stride = 2, dilation = [1, 1]")) == []


def test_a_window_of_a_million_cells_is_not_tried_cell_by_cell():
    text = """input = [3, 16, 16]
    layers = [{ name = "c", type = "conv", out_channels = 4, kernel_size = 1000000, padding = 1, expect = [4, 16, 16] }]"""
    start = perf_counter()
    assert {"c.kernel_size": 3} in fixes(text)
    assert perf_counter() - start < 5


WINDOW = 'input = [%s]\nlayers = [{ name = "w", type = "conv", out_channels = 4, kernel_size = %s }]'


@pytest.mark.parametrize(
    ("shape", "kernel", "found"),
    [
        ("1, 22, 1000", "[64, 1]", [{"w.kernel_size": [22, 1]}]),  # all electrodes
        ("1, 50, 100", "[3, 300]", [{"w.kernel_size": [3, 100]}]),  # whole words
        ("1, 22, 22", "[64, 64]", []),  # no window over one axis
    ],
)
def test_a_window_over_a_whole_side_of_the_input_is_as_large_as_that(shape, kernel, found):
    text = WINDOW % (shape, kernel)
    assert candidates(filling, text) == found
    assert not [one for one in candidates(solved, text) if "w.kernel_size" in one and found]
    assert "w.padding" not in {name for one in fixes(text) for name in one}


def test_a_window_that_was_shrunk_away_is_no_whole_one():
    text = """input = [1, 44, 1000]
    layers = [
      { name = "p", type = "max_pool", kernel_size = 2 },
      { name = "w", type = "conv", out_channels = 4, kernel_size = [64, 1] },
    ]"""
    assert candidates(filling, text) == []


def small(layer):
    return candidates(solved, f'input = [4, 2, 2]\nlayers = [{{ name = "x", {layer} }}]')


def test_a_window_too_large_by_far_is_not_padded_until_it_fits():
    conv = 'type = "conv", out_channels = 4, kernel_size = %d'
    assert {"x.padding": 1} in small(conv % 3)  # as convolutions of 3 have it
    assert {"x.padding": 2} in small(conv % 5)
    assert not [one for one in small(conv % 7) if "x.padding" in one]
    assert not [one for one in small(conv % 4) if {"x.padding", "x.kernel_size"} & {*one} and 1 in one.values()]
    assert not [one for one in small('type = "avg_pool", kernel_size = 7') if "x.ceil_mode" in one]


UP = """input = [8, 24, 24]
layers = [
  { name = "down", type = "conv", out_channels = 16, kernel_size = 3, stride = 2, padding = 1 },
  { name = "up", type = "conv_transpose", out_channels = 8, kernel_size = 3, stride = 2, padding = 1, expect = [8, 24, 24] },
]"""


def test_a_row_that_a_transposed_convolution_lacks_is_its_output_padding():
    assert fixes(UP) == [{"up.output_padding": 1}, {"up.kernel_size": 4}]


def test_an_output_padding_is_there_to_meet_a_side():
    text = """input = [8, 5, 5]
    layers = [
      { name = "up", type = "conv_transpose", out_channels = 8, kernel_size = 5, stride = 3, padding = 1, expect = [8, 17, 17] },
    ]"""
    assert {"up.output_padding": 2} in fixes(text)  # 15 without it, as a stride of 3 makes


CAUSAL = """input = [16, 400]
layers = [
  { name = "a", type = "conv", out_channels = 16, kernel_size = 3, dilation = 2, padding = 4 },
  { name = "b", type = "conv", out_channels = 16, kernel_size = 3, dilation = 2, padding = 4 },
  { type = "add", from = ["b", "input"] },
]"""


def test_a_padding_too_large_is_not_mended_by_one_too_small():
    assert {"a.padding": 0} not in candidates(solved, CAUSAL)
    assert fixes(CAUSAL)[0] == {"a.padding": 2, "b.padding": 2}


DQN = """input = [4, 80, 80]
layers = [
  { name = "c1", type = "conv", out_channels = 32, kernel_size = 8, stride = 4 },
  { name = "c2", type = "conv", out_channels = 64, kernel_size = 4, stride = 2 },
  { name = "c3", type = "conv", out_channels = 64, kernel_size = 3 },
  "flatten",
  { name = "fc", type = "linear", in_features = 3136, out_features = 512 },
]"""


def test_windows_that_nothing_points_at_come_behind_the_input_that_the_cause_names():
    assert fixes(DQN)[:2] == [{"fc.in_features": 2304}, {"input": (4, 84, 84)}]
