"""Numbers solved for figures: the changes that are put forward, and those that are none."""

import pytest
from helpers.fixes import candidates, case

from cnnshape.diagnosis.figures import MOST_PROBES, figures, squared
from cnnshape.diagnosis.nearby import nearby, out_of_range

CONV = """input = [3, 16, 16]
layers = [{ name = "a", type = "conv", out_channels = 4, kernel_size = 3, bias = false }]
[claims]
parameters = %s
macs = %s"""


def test_both_claimed_figures_decide():
    assert {"a.out_channels": 8} in candidates(figures, CONV % (216, 216 * 14 * 14))
    assert {"a.out_channels": 8} not in candidates(figures, CONV % (216, 216 * 14 * 15))


def test_no_probe_is_made_beyond_the_most():
    given = case(CONV % (216, 216 * 14 * 14))
    given.trials.probes = MOST_PROBES
    assert [*figures(given)] == []


def test_of_four_groups_none_is_made_up_for_a_figure():
    layers = "".join(
        f'{{ name = "c{n}", type = "conv", out_channels = 16, kernel_size = 3, groups = {n}, bias = false }},'
        for n in (1, 2, 4, 8)
    )
    text = f"input = [16, 16, 16]\nlayers = [{layers}]\n[claims]\nparameters = %s"
    weights = 16 * 16 * 9
    assert {"c4.groups": 16} not in candidates(figures, text % 4321)
    assert {"c1.groups": 2} in candidates(figures, text % (weights // 2 + weights // 2 + weights // 4 + weights // 8))


def test_channels_behind_sides_that_nobody_knows_are_not_solved_for():
    text = """input = [3, 10, 10]
    constants = { w = 4 }
    layers = [
      { name = "a", type = "conv", out_channels = "w", kernel_size = 1 },
      { name = "p", type = "max_pool", kernel_size = 20 },
      { name = "c", type = "conv", in_channels = 8, out_channels = 8, kernel_size = 1 },
    ]"""
    given = case(text)
    problem = next(one for one in given.report.problems if one.layer == "c")
    assert [*figures(given._replace(problem=problem))] == []
    known = case(text.replace("kernel_size = 20", "kernel_size = 2"))
    assert [one.edits[0].new for one in figures(known)] == [8]


def test_a_number_of_copies_that_takes_the_expectation_away_is_none():
    text = """input = [8, 8, 8]
    layers = [
      { name = "d", block = "grow", g = 4, repeat = 2 },
      { name = "e", type = "relu", expect = [20, 8, 8] },
    ]
    [blocks.grow]
    arguments = ["g"]
    layers = [
      { name = "p", type = "conv", out_channels = 5, kernel_size = 1, expect = [5, 8, 8] },
      { name = "c", type = "conv", out_channels = "g", kernel_size = 3, padding = 1 },
      { type = "concat", from = ["input", "c"] },
    ]"""
    found = candidates(figures, text)
    assert {"d.g": 6} in found  # 8 + 2 * 6
    assert not [one for one in found if "d.repeat" in one]


def test_a_neighbour_is_a_positive_number():
    text = """input = [8, 100]
    layers = [{ name = "r", block = "r", d = 1 }]
    [blocks.r]
    arguments = ["d"]
    layers = [
      { name = "c", type = "conv", out_channels = 8, kernel_size = 5, dilation = "d", padding = 4 },
      { type = "add", from = ["c", "input"] },
    ]"""
    assert candidates(nearby, text) == [{"r.d": 2}]  # 0 is none, and 2 is both the next and the double


@pytest.mark.parametrize(("kernel", "found"), [("[0, 0]", []), ("true", [])])
def test_of_two_numbers_out_of_range_none_is_put_forward(kernel, found):
    text = f"""input = [3, 16, 16]
    layers = [{{ name = "b", type = "conv", out_channels = 8, kernel_size = {kernel} }}]"""
    assert candidates(out_of_range, text) == found


def test_the_input_is_squared_on_each_of_its_sides():
    text = """input = [3, 16, 12]
    layers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }]
    [claims]
    macs = 7"""
    assert candidates(squared, text) == [{"input": [3, 16, 16]}, {"input": [3, 12, 12]}]


def test_a_window_that_decides_sides_alone_is_found_by_what_is_near_it():
    text = """input = [3, 16, 16]
    layers = [
      { name = "p", type = "max_pool", kernel_size = %d, stride = 2 },
      { name = "a", type = "conv", out_channels = 4, kernel_size = 1, bias = false },
    ]
    [claims]
    macs = 588"""
    assert {"p.kernel_size": 3} in candidates(figures, text % 1)


@pytest.mark.parametrize("kernel", [3, 9, 5])
def test_a_window_of_a_block_that_keeps_the_sides_is_found_by_odd_ones(kernel):
    text = f"""input = [3, 32, 32]
    layers = [
      {{ name = "u", block = "b", kernel = {kernel} }},
      {{ name = "c", type = "conv", out_channels = 4, kernel_size = {kernel}, padding = 3, bias = false }},
    ]
    [claims]
    parameters = {8 * 49 * 3 + 4 * 8 * kernel**2}
    [blocks.b]
    arguments = ["kernel"]
    layers = [{{ type = "conv", out_channels = 8, kernel_size = "kernel", padding = "kernel // 2", bias = false }}]"""
    assert {"u.kernel": 7} in candidates(figures, text)


def test_an_expected_number_of_channels_is_tried_itself():
    text = """input = [3, 8, 8]
    layers = [{ name = "u", block = "b", width = 32, expect = [16, 8, 8] }]
    [blocks.b]
    arguments = ["width"]
    layers = [{ type = "conv", out_channels = "8 * round(width / 8)", kernel_size = 1 }]"""
    assert candidates(figures, text)[0] == {"u.width": 16}
