"""Inputs that a net takes: sides solved for, channels that a layer declares."""

import pytest
from helpers.fixes import candidates, case, fixes

import cnnshape
from cnnshape.diagnosis.of_inputs import channels, lossless, picks, sides
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.problems.diagnosed import Cause

HALVED = """
layers = [
  {{ name = "a", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 }},
  {{ name = "down", type = "max_pool", kernel_size = {factor} }},
  {{ name = "up", type = "upsample", scale_factor = {factor} }},
  {{ name = "join", type = "concat", from = ["up", "a"] }},
]"""
POOL = '{ type = "max_pool", kernel_size = 2 }]'
HEAD = """
layers = [
  {{ name = "a", type = "conv", out_channels = 4, kernel_size = 3, stride = 4, padding = 1 }},
  {{ name = "flat", type = "flatten" }},
  {{ name = "fc", type = "linear", in_features = {features}, out_features = 2 }},
]"""


@pytest.mark.parametrize(
    ("line", "factor", "found"),
    [
        ("input = [3, 61, 61]", 4, [[3, 64, 64], [3, 60, 60]]),
        ("input = [3, 61, 64]", 4, [[3, 64, 64], [3, 60, 64]]),  # an axis that need not change stays
        ("input = [3, 30]", 4, [[3, 32], [3, 28]]),
        ("input = [3, 8, 30, 8]", 4, [[3, 8, 32, 8], [3, 8, 28, 8]]),
        ('layout = "channels_last"\ninput = [61, 61, 3]', 4, [[64, 64, 3], [60, 60, 3]]),
        ("input = [3, 3, 3]", 64, []),  # 64 is too far from 3
    ],
)
def test_the_nearest_multiples_of_the_stride_come_out(line, factor, found):
    assert [{"input": tuple(shape)} for shape in found] == candidates(sides, line + HALVED.format(factor=factor))


@pytest.mark.parametrize(
    ("line", "features", "found"),
    [
        ("input = [3, 192, 192]", 4 * 56 * 56, [[3, 224, 224]]),  # of 221 to 224
        ("input = [3, 62, 62]", 4 * 19 * 19, [[3, 76, 76]]),  # none of 73 to 76 is known: 76 is halved twice
        ("input = [3, 980]", 4 * 275, [[3, 1100]]),  # of 1097 to 1100
        ("input = [3, 512]", 4 * 256, [[3, 1024]]),  # a power of two stays one
        ("input = [3, 16, 56, 56]", 4 * 5 * 14 * 14, [[3, 20, 56, 56]]),  # equal sides stay, frames change
        ("input = [3, 56, 40]", 4 * 14 * 14, [[3, 56, 56]]),
        ("input = [3, 40, 40]", 4 * 100 * 7, []),  # no square
        ("input = [3, 192, 192]", 7, []),
    ],
)
def test_of_a_bounded_set_the_best_known_or_roundest_comes_out(line, features, found):
    assert [{"input": tuple(shape)} for shape in found] == candidates(sides, line + HEAD.format(features=features))


def test_from_a_bound_the_bound_comes_out():
    text = """input = [1, 5, 40]
    layers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = 9 }]"""
    assert candidates(sides, text) == [{"input": (1, 9, 40)}]


def test_a_size_that_is_named_by_a_constant_changes_the_constant():
    text = "constants = { size = 61 }\ninput = [3, 'size', 'size']" + HALVED.format(factor=2)
    assert candidates(sides, text) == [{"constants.size": 62}, {"constants.size": 60}]


def test_a_size_that_is_another_expression_is_left_alone():
    assert (
        candidates(sides, "constants = { half = 30 }\ninput = [3, '2 * half + 1', 61]" + HALVED.format(factor=2)) == []
    )


def test_numbers_that_the_file_leaves_out_are_free_and_expectations_are_not():
    text = """input = [1, 61]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
      { name = "down", type = "max_pool", kernel_size = 4 },
      { name = "up", type = "upsample", scale_factor = 4 },
      { name = "join", type = "concat", from = ["up", "a"]%s },
      "flatten",
      { name = "fc", type = "linear", out_features = 2 },
    ]"""
    assert candidates(sides, text % "") == [{"input": (1, 64)}, {"input": (1, 60)}]
    assert candidates(sides, text % ", expect = [8, 60]") == [{"input": (1, 60)}]


def test_several_inputs_change_together_where_they_are_equal_and_else_one_by_one():
    text = """inputs = { left = [1, %s], right = [1, 30] }
    layers = [
      { name = "l", type = "max_pool", kernel_size = 4, from = "left" },
      { name = "lu", type = "upsample", scale_factor = 4 },
      { name = "both", type = "add", from = ["lu", "right"] },
    ]"""
    assert candidates(sides, text % 30) == [
        {"inputs.left": (1, 32), "inputs.right": (1, 32)},
        {"inputs.left": (1, 28), "inputs.right": (1, 28)},
    ]
    assert candidates(sides, text % 64) == [{"inputs.right": (1, 64)}]


def test_another_fault_of_the_net_does_not_hide_the_size():
    text = "input = [3, 61, 61]" + HALVED.format(factor=4).replace(
        "\n]", ',\n  { name = "more", type = "conv", out_channels = 4, kernel_size = 1, in_channels = 5 },\n]'
    ).replace("},,", "},")
    assert candidates(sides, text) == [{"input": (3, 64, 64)}, {"input": (3, 60, 60)}]


def test_the_channels_that_a_layer_declares():
    text = """input = [1, 20, 20]
    layers = [{ name = "c", type = "conv", in_channels = 3, out_channels = 2, kernel_size = 3 }]"""
    assert candidates(channels, text) == [{"input": (3, 20, 20)}]
    assert candidates(channels, text.replace("= 3, out", "= 30, out")) == []
    assert candidates(channels, "input = [4, 3]\nlayers = [{ type = 'conv', out_channels = 1, kernel_size = 4 }]") == []


def test_the_channels_of_what_an_input_meets():
    text = """input = [5, 20, 20]
    layers = [
      { name = "c", type = "conv", out_channels = %s, kernel_size = 3%s },
      { name = "sum", type = "add", from = ["c", "input"] },
    ]"""
    assert candidates(channels, text % (3, ", padding = 1")) == [{"input": (3, 20, 20)}]
    assert candidates(channels, text % (5, "")) == []


@pytest.mark.parametrize(
    ("text", "now", "axes", "found"),
    [
        ("multiples of 8", 100, 2, [104, 96]),
        ("193 to 255", 192, 2, [224]),
        ("1 to 31", 100, 2, [28]),
        ("none", 100, 2, []),
        ("1 to 20", 100, 2, []),  # less than a quarter
    ],
)
def test_the_sizes_that_stand_for_a_set(text, now, axes, found):
    assert picks(SizeSet(text), now, axes) == found


def test_expectations_of_a_well_known_input_are_not_met_by_one_that_nobody_knows():
    text = """input = [3, 224, 224]
    layers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = 3, stride = 2, expect = [2, 57, 57] }]"""
    assert candidates(sides, text) == []
    assert candidates(sides, text.replace("57", "49")) == []  # 99 or 100
    square = text.replace("224, 224", "224, 226").replace("[2, 57, 57]", "[2, 111, 111]")
    assert candidates(sides, square) == [{"input": (3, 224, 224)}]


def test_the_number_of_groups_is_no_matter_of_the_size():
    text = """input = [3, 61, 61]
    layers = [{ name = "c", type = "conv", out_channels = 4, kernel_size = 3, groups = 2 }]"""
    assert candidates(sides, text) == []


def test_a_net_whose_sizes_have_no_closed_form_has_none():
    text = """input = [3, 61, 61]
    layers = [
      { name = "up", type = "upsample", scale_factor = 1.7 },
      { name = "join", type = "add", from = ["up", "input"] },
    ]"""
    assert candidates(sides, text) == []


def test_what_a_failing_layer_hides_is_expected_of_none():
    text = """input = [1, 5]
    layers = [
      { name = "c", type = "conv", out_channels = 2, kernel_size = 9, in_channels = 3 },
      { name = "r", type = "relu", expect = [2, 3] },
    ]"""
    assert candidates(sides, text) == []


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ('input = [3, 10, 10]\nlayers = [{ type = "max_pool", kernel_size = 3 }]', [[3, 9, 9], [3, 12, 12]]),
        ('input = [3, 9, 8]\nlayers = [{ type = "max_pool", kernel_size = 4 }]', [[3, 8, 8], [3, 12, 8]]),
        (
            'input = [3, 2]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = 1, stride = 2 }]',
            [[3, 1], [3, 3]],
        ),
        (f"input = [3, 31, 31]{HEAD.format(features=256)}", [[3, 30, 30]]),
        (
            'inputs = { a = [1, 5], b = [1, 5] }\nlayers = [{ type = "add", from = ["a", "b"] }, ' + POOL,
            [[1, 4], [1, 6]],
        ),
        ('inputs = { a = [1, 5], b = [1, 7] }\nlayers = [{ type = "max_pool", kernel_size = 2, from = "a" }]', []),
        ('input = [5]\nlayers = [{ type = "reshape", shape = [1, 5] }, ' + POOL, []),
        ('input = [1, 7]\nlayers = [{ type = "flatten" }]', None),
    ],
)
def test_where_rows_are_dropped_the_nearest_inputs_lose_none(text, inputs):
    found = [problem for problem in cnnshape.loads(text).check(strict=True).problems if problem.code == "dropped-rows"]
    if inputs is None:
        assert not found
        return
    (problem,) = found
    assert [fix.edits[0].new for fix in problem.fixes] == [tuple(shape) for shape in inputs]
    for fix in problem.fixes:
        assert not cnnshape.loads(fix.apply(text)).check(strict=True).problems
        assert fix.summary.startswith(("input", "inputs.a"))
        assert fix.summary.endswith(f" = {[*fix.edits[0].new]}")


def test_the_input_is_ranked_by_what_is_wrong_and_where_it_comes_from():
    def rank(text, cause=None):
        found = case(text)
        return min(candidate.rank for candidate in sides(found._replace(cause=cause)))

    joined, head = (
        "input = [3, 61, 61]" + HALVED.format(factor=4),
        "input = [3, 61, 61]" + HEAD.format(features=4 * 225),
    )
    at_input, shrunk = Cause(None, "input-size", ""), Cause("c", "shrunk", "")
    assert rank(joined, at_input) == rank(joined, shrunk) < rank(joined) < rank(head, at_input) < rank(head)
    expected = """input = [3, %d, %d]
    layers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = 3, stride = 2, expect = [2, 111, 111] }]"""
    assert rank(expected % (225, 229)) < rank(joined, at_input)  # 224 is well known
    assert rank("input = [3, 64, 64]" + HEAD.format(features=4 * 19 * 19)) > rank(head) + 1  # 76 is not


def test_the_nearest_size_is_what_a_window_wants():
    assert picks(SizeSet("21 to 37"), 20, 1, tight=True) == [21]
    assert picks(SizeSet("21 to 37"), 20, 1) == [30]
    assert picks(SizeSet("65 to 79"), 20, 2, tight=True) == [65]


@pytest.mark.parametrize(
    ("side", "found"),
    [(62, [(61, 61), (63, 63)]), (60, [])],
)
def test_inputs_are_made_lossless_where_their_sides_are_equal(side, found):
    text = f"""inputs = {{ a = [3, 62, 62], b = [3, {side}, {side}] }}
    layers = [
      {{ name = "p", type = "conv", out_channels = 3, kernel_size = 3, stride = 2, from = "a" }},
      {{ name = "q", type = "conv", out_channels = 3, kernel_size = 3, stride = 2, from = "b" }},
    ]
    outputs = ["p", "q"]"""
    made = [one.edits for one in lossless(case(text, strict=True))]
    assert [[edit.new for edit in edits] for edits in made] == [[(3, *sides)] * 2 for sides in found]


def test_an_expectation_of_another_rank_asks_nothing_of_the_sides():
    text = "input = [3, 61, 61]" + HALVED.format(factor=4)
    more = text.replace('"a"] },', '"a"] },\n  { name = "r", type = "relu", expect = [7, 5] },')
    assert candidates(sides, more) == candidates(sides, text) != []


def test_an_input_that_brings_a_new_problem_is_no_fix():
    text = "input = [3, 61, 61]" + HALVED.format(factor=4)
    more = '"a"] },\n  "flatten", { name = "fc", type = "linear", in_features = 7, out_features = 2 },'
    assert [one for one in fixes(text) if "input" in one]
    assert not [one for one in fixes(text.replace('"a"] },', more)) if "input" in one]


def test_the_frames_of_a_clip_are_no_side_of_a_picture():
    text = """input = [3, 8, 112, 112]
    layers = [
      { name = "a", type = "max_pool", kernel_size = 4 },
      { name = "b", type = "max_pool", kernel_size = 4 },
      "flatten",
      { type = "linear", in_features = 147, out_features = 3 },
    ]"""
    assert {"input": (3, 16, 112, 112)} in fixes(text)
