"""Numbers near the one that is written, as candidates; each net has one number that is wrong."""

import pytest
from helpers.fixes import candidates, fixes

import cnnshape
from cnnshape.diagnosis.nearby import nearby, other_axes, other_entries, out_of_range

SHORTCUT = """input = [8, 32, 32]
layers = [
  { name = "u", block = "unit", stride = "2 if 1 else 4" },
  { name = "s", type = "conv", out_channels = 8, kernel_size = 1, stride = 4, from = "input" },
  { type = "add", from = ["u", "s"] },
]
[blocks.unit]
defaults = { stride = 1, width = 8 }
layers = [{ name = "c", type = "conv", out_channels = "width", kernel_size = 3, padding = 1, stride = "stride" }]
"""


def test_a_number_of_an_expression_has_neighbours():
    found = candidates(nearby, SHORTCUT)
    assert {"u.stride": "4 if 1 else 4"} in found
    assert not [one for one in found if "blocks.unit.defaults.width" in one]  # sides are in question, no channels
    assert {"u.stride": "4 if 1 else 4"} in fixes(SHORTCUT)


def test_a_default_of_the_file_comes_before_other_numbers():
    text = """input = [3, 28, 28]
    layer_defaults.max_pool = { kernel_size = 2, stride = 4 }
    layers = [
      { type = "max_pool" },
      { type = "max_pool" },
      "flatten",
      { name = "fc", type = "linear", in_features = 147, out_features = 10 },
    ]"""
    assert candidates(nearby, text)[0] == {"layer_defaults.max_pool.stride": 2}
    assert {"layer_defaults.max_pool.stride": 2} in fixes(text)


@pytest.mark.parametrize("text", ["c * 1", "c // 1"])
def test_no_product_with_0_is_put_forward(text):
    net = f"""input = [8, 32, 32]
    constants = {{ c = 3 }}
    layers = [
      {{ name = "a", type = "conv", out_channels = 8, kernel_size = 3, stride = "{text}" }},
      {{ type = "add", from = ["a", "input"] }},
    ]"""
    assert not [one for one in candidates(nearby, net) if str(one.get("a.stride")).endswith("0")]


def test_an_index_is_not_that_of_its_like():
    text = """input = [2, 8, 8]
    layers = [
      { name = "a", type = "select", dim = 1, index = 0 },
      { name = "b", type = "select", dim = 1, index = 2, from = "input" },
      { type = "add", from = ["a", "b"] },
    ]"""
    assert fixes(text)[0] == {"b.index": 1}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{ name = "a", type = "permute", dims = [3, 1, 4] }', [{"a.dims": [3, 1, 2]}]),
        ('{ name = "a", type = "permute", dims = [0, 3, 1, 7] }', [{"a.dims": [0, 3, 1, 2]}]),
        ('{ name = "a", type = "permute", dims = [1, 1, 3] }', [{"a.dims": [2, 1, 3]}, {"a.dims": [1, 2, 3]}]),
        ('{ name = "a", type = "softmax", dim = 4 }', [{"a.dim": 3}, {"a.dim": 2}, {"a.dim": 1}]),
    ],
)
def test_an_axis_that_is_there_takes_the_place_of_one_that_is_not(line, found):
    assert candidates(other_axes, f"input = [8, 4, 6]\nlayers = [{line}]") == found


def test_axes_of_what_is_not_known_are_not_guessed():
    text = """input = [8, 4, 6]
    layers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3 }]"""
    assert candidates(other_axes, text.replace("kernel_size = 3", "kernel_size = 9")) == []


def test_an_entry_that_a_list_has():
    text = """input = [8, 4, 6]
    constants = { c = [8, 16] }
    layers = [{ name = "a", type = "conv", out_channels = "c[5]", kernel_size = 3 }]"""
    assert candidates(other_entries, text) == [{"a.out_channels": "c[1]"}, {"a.out_channels": "c[0]"}]
    assert candidates(other_entries, text.replace("[5]", "[1]").replace("size = 3", "size = 9")) == []


USED = """input = [8, 16, 16]
layers = [{ name = "u", block = "b", kernel = 0 }]
[blocks.b]
defaults = { kernel = 3 }
layers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = "kernel" }]
"""


def test_an_argument_that_makes_a_number_out_of_range_is_another():
    assert candidates(out_of_range, USED)[0] == {"u.kernel": 3}
    of_default = USED.replace(", kernel = 0", "").replace("kernel = 3", "kernel = 0")
    assert candidates(out_of_range, of_default)[0] == {"blocks.b.defaults.kernel": 1}
    assert fixes(of_default)[0] == {"blocks.b.defaults.kernel": 1}


def test_warnings_that_an_error_of_a_value_hid_do_not_speak_against_its_fix():
    text = """input = [8, 16, 16]
    layers = [
      { name = "a", type = "conv", out_channels = 8, kernel_size = 0 },
      { name = "b", type = "linear", out_features = 3 },
    ]"""
    assert {"a.kernel_size": 1} in fixes(text)


def test_the_number_of_a_condition_decides_what_there_is_and_is_left_alone():
    text = SHORTCUT.replace('"2 if 1 else 4"', '"%s"')
    assert {"u.stride": "2 if 4 == 2 else 2"} not in candidates(nearby, text % "2 if 4 == 1 else 2")
    copies = (text % "2 if i == 1 else 4").replace('block = "unit", stride', 'block = "unit", repeat = 2, stride')
    assert [one for one in candidates(nearby, copies) if "if i == 0" in str(one)]  # which copy it is for


def test_entries_of_a_list_differ():
    text = """input = [8, 32, 32]
    constants = { s = [1, 2] }
    layers = [
      { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1, stride = "s[1]" },
      { type = "add", from = ["a", "input"] },
    ]"""
    assert {"constants.s": [1, 1]} in candidates(nearby, text)  # as the number below it, and not as the other entry
    assert {"constants.s": [2, 2]} in candidates(nearby, text)
    assert [*candidates(nearby, text)].count({"constants.s": [1, 1]}) == 1


def test_copies_that_are_none_are_some():
    text = """input = [8, 16, 16]
    layers = [{ name = "s", block = "s", depth = 0, expect = [8, 8, 8] }]
    [blocks.s]
    arguments = ["depth"]
    layers = [{ name = "p", block = "p", repeat = "depth" }]
    [blocks.p]
    layers = [{ type = "max_pool", kernel_size = 2 }]"""
    assert {"s.depth": 1} in fixes(text)


SEED = """input = [64]
layers = [
  { name = "widen", type = "linear", out_features = 8192 },
  { name = "seed", type = "reshape", shape = [128, 7, 7] },
  { name = "up", type = "upsample", scale_factor = 2 },
]"""


def test_a_number_that_its_own_layer_refuses_is_none():
    assert candidates(nearby, SEED) == []
    near = SEED.replace("8192", "6144").replace("[128, 7, 7]", "[128, 49]")
    assert candidates(nearby, near) == [{"seed.shape": [128, 48]}]


def test_an_entry_beside_an_expression_is_looked_at_in_a_trial():
    found = candidates(nearby, SEED.replace("[128, 7, 7]", '["2 * 64", 7, 7]'))
    assert {"seed.shape": ["2 * 64", 8, 7]} in found


def test_a_default_that_leaves_the_problem_as_it_is_is_none():
    text = """input = [3, 28, 28]
    layer_defaults.max_pool = { kernel_size = 2, stride = 4, padding = 0 }
    layers = [
      { type = "max_pool" },
      { type = "max_pool", stride = 2 },
      "flatten",
      { name = "fc", type = "linear", in_features = %d, out_features = 10 },
    ]"""
    found = candidates(nearby, text % 147)
    assert {"layer_defaults.max_pool.stride": 2} in found
    assert {"layer_defaults.max_pool.stride": 3} not in found
    assert candidates(nearby, text % 149) == []


def test_a_default_that_mends_one_of_two_problems_of_a_layer_is_one():
    text = """input = [1, 32, 32]
    layer_defaults.conv = { padding = 0, kernel_size = 3 }
    layers = [
      { name = "c1", type = "conv", out_channels = 8 },
      { name = "c2", type = "conv", out_channels = 8 },
      { name = "s", type = "add", from = ["c2", "input"] },
    ]"""
    problem = next(one for one in cnnshape.loads(text).check().problems if one.code == "shapes-differ")
    assert "layer_defaults.conv.padding = 1" in [fix.summary for fix in problem.fixes]


def test_a_constant_that_no_step_of_the_problem_names_is_left_alone():
    text = """input = [8, 33, 33]
    constants = { k = 4, classes = 10 }
    layers = [
      { name = "u", block = "b", kernel = "k" },
      { name = "s", type = "add", from = ["u", "input"] },
      { name = "head", type = "conv", out_channels = "classes", kernel_size = 1 },
    ]
    [blocks.b]
    arguments = ["kernel"]
    layers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = "kernel", padding = 1 }]"""
    found = {name for one in candidates(nearby, text) for name in one}
    assert "constants.k" in found
    assert "constants.classes" not in found
    assert "constants.classes" in {n for one in candidates(nearby, text.replace('"k"', '"classes"')) for n in one}


def test_no_number_is_near_that_has_a_result_used():
    text = """input = [8, 16, 16]
    layers = [
      { name = "a", type = "upsample", scale_factor = 2, size = 3 },
      { name = "b", type = "slice", dim = 2, start = 1, from = "input" },
    ]""".replace(", size = 3", "")
    assert candidates(nearby, text) == []
