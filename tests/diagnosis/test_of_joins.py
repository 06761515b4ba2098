"""Joins whose shapes differ: targets of resizes, crops, pads, upsamples, projections, other entries."""

import pytest
from helpers.fixes import candidates, first, fixes

import cnnshape
from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.of_joins import broadcast, fitted, one_less, other_axis, projected, rewired, targets
from cnnshape.diagnosis.search import same_kind
from cnnshape.problems.diagnosed import Edit

SKIP = """input = [4, 22, 22]
layers = [
  { name = "e", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "down", type = "max_pool", kernel_size = 4 },
  { name = "up", %s },
  "relu",
  { name = "j", type = "concat", from = ["up", "e"] },
]"""


@pytest.mark.parametrize(
    ("up", "found"),
    [
        ('type = "upsample", scale_factor = 4', [{"up.like": "e", "up.scale_factor": None}]),
        ('type = "upsample", size = 20', [{"up.like": "e", "up.size": None}, {"up.size": 22}]),
        ('type = "upsample", size = [20, 21]', [{"up.like": "e", "up.size": None}, {"up.size": 22}]),
        ('type = "upsample", like = "down"', [{"up.like": "e"}]),
        (
            'type = "conv_transpose", out_channels = 4, kernel_size = 4, stride = 4',
            [{"up.like": "e"}],
        ),
        ('type = "relu"', []),
    ],
)
def test_a_resize_is_told_its_target(up, found):
    assert candidates(targets, SKIP % up) == found


def test_a_factor_takes_the_place_of_a_wrong_target():
    text = (SKIP % 'type = "upsample", like = "down"').replace("22, 22", "20, 24")
    assert candidates(targets, text) == [{"up.like": "e"}, {"up.scale_factor": 4, "up.like": None}]


def test_a_target_that_stands_below_is_none():
    text = """input = [4, 22]
    layers = [
      { name = "up", type = "upsample", scale_factor = 2 },
      { name = "e", type = "conv", from = "input", out_channels = 4, kernel_size = 3 },
      { name = "j", type = "concat", from = ["up", "e"] },
    ]"""
    assert candidates(targets, text) == []


def test_a_resize_of_other_axes_is_told_nothing():
    text = """input = [4, 8, 8]
    layers = [
      { name = "up", type = "upsample", size = 16 },
      { name = "flat", type = "flatten", from = "up" },
      { name = "back", type = "unflatten", dim = 1, unflattened_size = [1, 1, -1] },
      { name = "j", type = "mul", from = ["back", "input"] },
    ]"""
    assert candidates(targets, text) == []


PAIR = """input = [4, %s]
layers = [
  { name = "a", type = "conv", out_channels = 4, kernel_size = %s },
  { name = "j", type = "concat", from = ["a", "input"] },
]"""


def test_the_larger_entry_is_cropped_and_the_smaller_one_padded():
    crop = {"name": "input_crop", "type": "crop", "like": "a", "from": "input"}
    pad = {"name": "a_pad", "type": "pad", "from": "a"}
    assert candidates(fitted, PAIR % ("40, 40", 3)) == [{"j.insert": crop}, {"j.insert": pad | {"padding": 1}}]
    assert candidates(fitted, PAIR % ("40, 40", "[4, 3]")) == [
        {"j.insert": crop},
        {"j.insert": pad | {"padding": [[1, 2], 1]}},
    ]
    assert candidates(fitted, PAIR % ("40", 20)) == [{"j.insert": crop}]  # too much to pad
    assert candidates(fitted, PAIR % ("40", 30)) == []  # and to crop


def test_of_several_the_one_that_is_unlike_the_others_changes():
    text = (
        (PAIR % ("40, 40", 3))
        .replace('["a", "input"]', '["input", "b", "a"]')
        .replace('  { name = "j"', '  { name = "b", type = "relu", from = "input" },\n  { name = "j"')
    )
    assert candidates(fitted, text) == [{"j.insert": {"name": "a_pad", "type": "pad", "padding": 1, "from": "a"}}]


def test_an_entry_of_half_the_size_is_upsampled_unless_the_other_is_already():
    text = """inputs = { one = [2, 10], two = [2, 20] }
    layers = [
      { name = "big", type = "relu", from = "two" },
      { name = "j", type = "add", from = ["one", "big"] },
    ]"""
    new = {"name": "one_upsample", "type": "upsample", "scale_factor": 2, "from": "one"}
    assert candidates(fitted, text) == [{"j.insert": new}]
    resized = text.replace('"relu", from = "two"', '"upsample", scale_factor = 1, from = "two"')
    assert candidates(fitted, resized) == []


UNIT = """input = [4, 20]
layers = [
  { name = "a", type = "conv", out_channels = %s, kernel_size = 3, stride = %s, padding = 1%s },
  { name = "b", type = "conv", out_channels = 8, kernel_size = 3, stride = %s, padding = 1 },
  { name = "sum", type = "%s", from = ["b", "input"] },
  { name = "next", type = "conv", in_channels = %s, out_channels = 8, kernel_size = 1 },
]"""


@pytest.mark.parametrize(
    ("a", "b", "more", "new"),
    [
        (1, 1, "", {}),
        (2, 1, "", {"stride": 2}),
        (1, 3, ", bias = false", {"stride": 3, "bias": False}),
        (2, 2, "", None),
        ("[2]", 1, "", None),
    ],
)
def test_a_shortcut_gets_the_channels_and_the_stride_of_its_branch(a, b, more, new):
    found = candidates(projected, UNIT % (8, a, more, b, "add", 8))
    layer = {"name": "input_conv", "type": "conv", "out_channels": 8, "kernel_size": 1, "from": "input"}
    assert found == ([] if new is None else [{"sum.insert": layer | new}])


def test_a_product_has_no_shortcut_and_a_branch_without_a_conv_none_to_follow():
    assert candidates(projected, UNIT % (8, 1, "", 1, "mul", 8)) == []
    text = """input = [4, 20]
    layers = [{ name = "p", type = "max_pool", kernel_size = 2 }, { name = "sum", type = "add", from = ["input", "p"] }]"""
    assert candidates(projected, text) == []


def test_the_declared_channels_behind_the_sum_decide_whether_the_branch_is_right():
    assert "sum.insert" in fixes(UNIT % (8, 1, "", 1, "add", 8))[0]


def test_a_strided_branch_of_unknown_stride_has_no_projection():
    text = (UNIT % (8, 1, "", 1, "add", 8)).replace(
        'padding = 1 },\n  { name = "sum"', 'padding = 0 },\n  { name = "sum"'
    )
    assert candidates(projected, text) == []


LEVELS = """input = [4, 20]
layers = [
  { name = "e0", type = "conv", out_channels = 5, kernel_size = 3, padding = 1 },
  { name = "p0", type = "max_pool", kernel_size = 2 },
  { name = "e1", type = "conv", out_channels = 6, kernel_size = 3, padding = 1 },
  { name = "u", type = "upsample", scale_factor = 2 },
  { name = "j", type = "concat", from = ["u", %s] },
  { name = "r", type = "conv", in_channels = %s, out_channels = 2, kernel_size = 1 },
]"""


def test_an_entry_is_exchanged_where_the_declared_channels_are_met_just_then():
    assert candidates(rewired, LEVELS % ('"e1"', 11)) == [{"j.from": ["u", "e0"]}]
    assert candidates(rewired, LEVELS % ('"e1"', 12)) == []


def test_an_entry_is_missing_where_the_declared_channels_lack_just_its_own():
    assert candidates(rewired, LEVELS % ('"u"', 17)) == [{"j.from": ["u", "u", "e0"]}]
    assert candidates(rewired, LEVELS % ('"e0"', 17)) == []
    assert (
        candidates(rewired, "input = [3, 9]\nlayers = [{ type = 'linear', in_features = 2, out_features = 1 }]") == []
    )


def test_in_a_block_the_names_are_those_of_the_block():
    text = """input = [4, 20]
    layers = [{ name = "x", block = "b" }]
    [blocks.b]
    layers = [
      { name = "a", type = "conv", out_channels = 3, kernel_size = 1 },
      { name = "c", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
      { name = "j", type = "concat", from = ["input", "c"] },
      { name = "r", type = "conv", in_channels = 9, out_channels = 2, kernel_size = 1 },
    ]"""
    assert candidates(rewired, text) == [{"x.j.from": ["input", "c", "a"]}]


def test_axes_of_one_may_be_repeated():
    text = """input = [4, 20]
    layers = [
      { name = "g", type = "global_avg_pool" },
      { name = "sum", type = "add", from = ["input", "g"] },
    ]"""
    assert candidates(broadcast, text) == [{"sum.broadcast": True}]
    assert candidates(broadcast, LEVELS % ('"e1"', 12)) == []


POOLS = """input = [4, 3]
layers = [
  { name = "one", type = "max_pool", kernel_size = 2 },
  { name = "two", type = "max_pool", kernel_size = 2%s },%s
]"""


@pytest.mark.parametrize(
    ("more", "below", "found"),
    [
        ("", "", True),
        (", expect = [4, 1]", "", False),
        ("", '\n  { type = "relu", from = "two" },', False),
        (', from = "one"', "", False),
    ],
)
def test_a_pool_with_nothing_left_to_shrink_may_go(more, below, found):
    assert bool(candidates(one_less, POOLS % (more, below))) is found


def test_a_layer_that_is_no_pool_stays():
    assert candidates(one_less, 'input = [4, 3]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 5 }]') == []


def test_what_stands_in_an_included_file_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.toml").write_text(
        '[blocks.b]\nlayers = [{ name = "p", type = "max_pool", kernel_size = 9 }, { name = "f", type = "concat", from = ["p", "input"] }]'
    )
    text = 'include = ["b.toml"]\ninput = [4, %s]\nlayers = [{ name = "x", block = "b" }]'
    assert candidates(one_less, text % 3) == []
    assert candidates(fitted, text % 13) == []


EXPECTED = """input = [4, %s]
layers = [
  { name = "half", type = "max_pool", kernel_size = 2 },
  { name = "up", type = "upsample", %s },
  { name = "r", type = "%s", expect = [4, %s] },
]"""


@pytest.mark.parametrize(
    ("sides", "how", "behind", "wanted", "found"),
    [
        ("25", "scale_factor = 2", "relu", "25", [{"up.like": "input", "up.scale_factor": None}]),
        ("25, 29", "scale_factor = 2", "relu", "25, 29", [{"up.like": "input", "up.scale_factor": None}]),
        ("24", "scale_factor = 2", "relu", "25", [{"up.size": 25, "up.scale_factor": None}]),
        ("24, 24", "scale_factor = 2", "relu", "25, 27", [{"up.size": [25, 27], "up.scale_factor": None}]),
        ("24", "size = 20", "relu", "25", [{"up.size": 25}]),
        ("25", "scale_factor = 2", "global_avg_pool", "25", []),  # what stands between changes the sides
        ("25", "scale_factor = 2", "flatten", "25", []),
    ],
)
def test_a_resize_is_told_the_sides_that_are_expected_of_it(sides, how, behind, wanted, found):
    assert candidates(targets, EXPECTED % (sides, how, behind, wanted)) == found


def test_in_a_block_the_input_of_the_net_has_no_name():
    text = """input = [4, 25]
    layers = [{ name = "x", block = "b" }]
    [blocks.b]
    layers = [
      { name = "half", type = "max_pool", kernel_size = 2 },
      { name = "up", type = "upsample", scale_factor = 2, expect = [4, 25] },
    ]"""
    assert candidates(targets, text) == [{"x.up.size": 25, "x.up.scale_factor": None}]


RESIZED = """input = [4, 8, 8]
layers = [{ name = "up", type = "upsample", scale_factor = 2 }, { name = "x", %s }]"""


@pytest.mark.parametrize(
    "layer",
    [
        'type = "relu", expect = [5, 16, 16]',  # its sides are right
        'type = "flatten", expect = [1000]',
        'type = "add", from = ["up", "flat"]',
    ],
)
def test_a_resize_is_told_nothing_where_no_side_of_it_is_wrong(layer):
    text = RESIZED % layer
    if 'flat"' in text:
        text = text.replace("}, {", '}, { name = "flat", type = "flatten" }, {')
    assert candidates(targets, text) == []


def test_an_entry_is_a_named_layer_that_stands_once():
    text = """input = [4, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
      "relu",
      { name = "twin", type = "conv", out_channels = 4, kernel_size = 1, repeat = 2 },
      { name = "small", type = "conv", out_channels = 4, kernel_size = 3 },
      { name = "j", type = "add", from = ["a", "small"] },
    ]"""
    assert not [one for one in candidates(rewired, text) if "twin" in str(one)]


def test_a_concat_along_the_axis_that_a_layer_behind_it_declares():
    text = """input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
      { name = "b", type = "conv", out_channels = 4, kernel_size = 1, from = "input" },
      { name = "cat", type = "concat", from = ["a", "b"], dim = 3 },
      { name = "r", type = "relu" },
      { name = "c", type = "conv", in_channels = %d, out_channels = 4, kernel_size = 1 },
    ]"""
    assert fixes(text % 8) == [{"cat.dim": None}]
    problem = first(cnnshape.loads(text % 8).check())
    assert (problem.cause.layer, problem.cause.code) == ("cat", "order")
    assert not [one for one in fixes(text % 9) if "cat.dim" in one]


def test_a_concat_along_the_one_axis_that_differs():
    text = """input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
      { name = "b", type = "conv", out_channels = %d, kernel_size = [3, 1], from = "input" },
      { name = "cat", type = "concat", from = ["a", "b"] },
    ]"""
    assert {"cat.dim": 2} in candidates(other_axis, text % 4)
    assert candidates(other_axis, text % 5) == []
    height = (text % 5).replace("[3, 1]", "1").replace('"b"] }', '"b"], dim = 2 }')
    assert {"cat.dim": None} in candidates(other_axis, height)


def test_crop_and_pad_are_not_mixed():
    one, other = (Candidate(6.0, "fit", (Edit("j", "insert", None, {"type": kind}),), ()) for kind in ("crop", "pad"))
    assert same_kind(one, one)
    assert not same_kind(one, other)
