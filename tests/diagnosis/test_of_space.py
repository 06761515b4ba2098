"""Flat values and values with space: flatten, reshape, pools that leave what a layer declares."""

import pytest
from helpers.fixes import candidates, case, fixes

from cnnshape.diagnosis.causes import Causes
from cnnshape.diagnosis.of_space import (
    fitting,
    flattened,
    joined_flat,
    of_flat_input,
    pooled,
    reshaped,
    spread,
    too_large,
    unflattened,
)

INSERT = "fc.insert"


def linear(features, *before, shape="[4, 6, 8]"):
    layers = "".join(f"  {layer},\n" for layer in before)
    return f"""input = {shape}
layers = [
{layers}  {{ name = "fc", type = "linear", in_features = {features}, out_features = 2 }},
]"""


def test_a_linear_layer_on_a_map_wants_a_flatten_or_a_global_pool():
    assert candidates(flattened, linear(4 * 6 * 8)) == [{INSERT: {"type": "flatten"}}]
    assert [*map(len, candidates(flattened, linear(4)))] == [1]  # two inserts at one place
    assert candidates(flattened, linear(5)) == []
    assert candidates(flattened, linear(5, '"flatten"')) == []  # it is flat


def test_a_linear_layer_that_leaves_its_number_out_is_warned_of_and_gets_a_flatten():
    text = 'input = [4, 6, 8]\nlayers = [{ name = "fc", type = "linear", out_features = 2 }]'
    assert candidates(flattened, text) == [{INSERT: {"type": "flatten"}}]


def test_what_the_layer_takes_by_name_the_new_one_takes():
    text = """input = [4, 6, 8]
    layers = [
      { name = "a", type = "relu" },
      { name = "b", type = "relu" },
      { name = "fc", type = "linear", in_features = 192, out_features = 2, from = "a" },
    ]"""
    assert candidates(flattened, text) == [{INSERT: {"type": "flatten", "from": "a"}}]


FLAT = '{ name = "flat", type = "flatten" }'
WINDOW = '{ name = "pool", type = "avg_pool", kernel_size = [3, 4] }'


@pytest.mark.parametrize(
    ("features", "before", "found"),
    [
        (4, [WINDOW, FLAT], [{"pool.type": {"type": "global_avg_pool"}}, {"pool.kernel_size": [6, 8]}]),
        (4, [WINDOW, FLAT, '"relu"'], [{"pool.type": {"type": "global_avg_pool"}}, {"pool.kernel_size": [6, 8]}]),
        (4, [FLAT], []),
        (4 * 9, [FLAT], [{"flat.insert": {"type": "adaptive_avg_pool", "output_size": 3}}]),
        (4 * 3 * 8, [FLAT], [{"flat.insert": {"type": "adaptive_avg_pool", "output_size": [3, 8]}}]),
        (4 * 3, ['{ name = "p", type = "adaptive_max_pool", output_size = 2 }', FLAT], []),  # 3 cells of 2 x 2
        (4 * 4, ['{ name = "p", type = "adaptive_max_pool", output_size = 3 }', FLAT], [{"p.output_size": 2}]),
        (4 * 121, [FLAT], []),  # more than there is
        (6, [FLAT], []),
    ],
)
def test_the_pool_before_a_flatten(features, before, found):
    result = candidates(pooled, linear(features, *before))
    assert result[: len(found)] == found
    rest = [{"flat.insert": {"type": "global_avg_pool"}}] if features == 4 else []
    assert result[len(found) :] == rest


def test_a_flatten_behind_a_layer_that_changes_the_shape_is_not_looked_through():
    between = '{ name = "more", type = "linear", out_features = 36 }'
    assert candidates(pooled, linear(4, FLAT, between)) == []
    assert candidates(pooled, linear(9, shape="[4]")) == []


UP = '{ name = "up", type = "conv_transpose", in_channels = %d, out_channels = 2, kernel_size = 4, stride = 2%s }'


@pytest.mark.parametrize(
    ("features", "channels", "more", "shape"),
    [
        (128, 8, "", [8, 4, 4]),
        (128, 8, ", expect = [2, 34]", [8, 16]),
        (216, 8, ", expect = [2, 8, 8, 8]", [8, 3, 3, 3]),
        (64, 8, ", padding = [1, 1, 1]", [8, 2, 2, 2]),
        (120, 8, "", None),  # 15 cells
        (100, 8, "", None),
    ],
)
def test_flat_features_get_the_space_that_a_layer_needs(features, channels, more, shape):
    text = f"input = [{features}]\nlayers = [{UP % (channels, more)}]"
    found = [{"up.insert": {"type": "reshape", "shape": shape}}] if shape else []
    assert candidates(unflattened, text) == found


def test_the_shape_is_written_in_the_layout_of_the_file():
    text = f'layout = "channels_last"\ninput = [128]\nlayers = [{UP % (8, "")}]'
    assert candidates(unflattened, text) == [{"up.insert": {"type": "reshape", "shape": [4, 4, 8]}}]


def test_channels_that_are_not_declared_decide_no_space():
    text = 'input = [128]\nlayers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = 1 }]'
    assert candidates(unflattened, text) == []
    assert candidates(unflattened, linear(3)) == []


GATE = """input = [4, 6, 8]
layers = [
  { name = "pool", type = "global_avg_pool" },
  { name = "gate", type = "flatten" },
  { name = "gate_reshape", type = "sigmoid" },
  { name = "scaled", type = "mul", from = %s },
]"""


def test_the_flat_gate_of_a_map_gets_axes_of_one():
    new = {"name": "gate_reshape2", "type": "reshape", "shape": [4, 1, 1], "from": "gate"}
    assert candidates(spread, GATE % '["input", "gate"]') == [{"scaled.insert": new}]
    other = {**new, "name": "gate_reshape_reshape", "from": "gate_reshape"}
    assert candidates(spread, GATE % '["gate_reshape", "input"]') == [{"scaled.insert": other}]
    assert candidates(spread, (GATE % '["input", "gate"]').replace('"flatten" }', '"linear", out_features = 3 }')) == []


RESHAPE = 'input = [%s]\nlayers = [{ name = "r", type = "reshape", shape = %s }]'


@pytest.mark.parametrize(
    ("elements", "shape", "new"),
    [
        (8 * 49, [8, 8, 8], [8, 7, 7]),
        (96 * 144, [96, 196], [96, 144]),
        (8 * 27, [8, 2, 2, 2], [8, 3, 3, 3]),
        (15 * 4, [30, 2, 2], [15, 2, 2]),
        (8 * 50, [8, 8, 8], None),
        (100, [8, 8, 8], None),
        (100, [8, -1], None),
        (100, ["4 + 4", 2], None),
        (100, [8], [100]),
        (100, [], None),
    ],
)
def test_a_reshape_of_other_sides(elements, shape, new):
    assert candidates(reshaped, RESHAPE % (elements, shape)) == ([{"r.shape": new}] if new else [])


def test_a_reshape_that_is_written_channels_last():
    text = 'layout = "channels_last"\n' + RESHAPE % (8 * 49, [8, 8, 8])
    assert candidates(reshaped, text) == [{"r.shape": [7, 7, 8]}]
    assert candidates(reshaped, linear(3)) == []


def test_what_stands_in_an_included_file_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    layers = f"[{WINDOW}, {FLAT}, {{ name = 'fc', type = 'linear', in_features = 4, out_features = 2 }}]"
    (tmp_path / "b.toml").write_text(f"[blocks.head]\nlayers = {layers}")
    text = 'include = ["b.toml"]\ninput = [4, 6, 8]\nlayers = [{ name = "x", block = "head" }]'
    assert candidates(pooled, text) == []


def test_a_layer_that_takes_a_list_gets_no_other_before_it():
    text = linear(192).replace("out_features = 2", 'out_features = 2, from = ["input"]')
    assert candidates(flattened, text) == []


def test_another_problem_of_a_linear_layer_on_a_map_is_none_of_space():
    text = (
        linear(8)
        .replace("out_features = 2", 'out_features = 2, shares = "a"')
        .replace("layers = [", 'layers = [\n  { name = "a", type = "linear", in_features = 8, out_features = 3 },')
    )
    assert candidates(flattened, text) == []


def test_an_unflatten_of_other_sizes():
    text = 'input = [64]\nlayers = [{ name = "u", type = "unflatten", dim = 1, unflattened_size = %s }]'
    assert candidates(reshaped, text % [4, 8]) == [{"u.unflattened_size": [8, 8]}, {"u.unflattened_size": [4, 16]}]
    assert candidates(reshaped, text % [5, 7]) == []


BIAS = 'layers = [{ name = "b", type = "bias", shape = %s }]'


def test_a_learned_tensor_fits_what_arrives():
    text = "input = [8, 5, 6]\n" + BIAS
    assert candidates(fitting, text % [10, 1, 1]) == [{"b.shape": [8, 1, 1]}, {"b.shape": [1, 1, 1]}]
    assert candidates(fitting, text % [8, 4, 1]) == [{"b.shape": [8, 5, 1]}, {"b.shape": [8, 1, 1]}]
    last = 'layout = "channels_last"\ninput = [5, 6, 8]\n' + BIAS
    assert candidates(fitting, last % [1, 1, 10])[0] == {"b.shape": [1, 1, 8]}
    assert candidates(fitting, linear(3)) == []
    assert candidates(fitting, text % ["2 * 4", 4, 1]) == []


def test_a_flat_value_that_comes_from_no_layer_has_no_pool_before_it():
    text = """input = [3, 4, 4]
    layers = [
      { name = "q", type = "learned", shape = [8] },
      { name = "fc", type = "linear", in_features = 4, out_features = 2 },
    ]"""
    assert candidates(pooled, text) == []


def test_an_adaptive_pool_of_one_cell_is_meant():
    text = """input = [8, 6, 6]
    layers = [
      { name = "p", type = "adaptive_avg_pool", output_size = 1 },
      { name = "flat", type = "flatten" },
      { name = "fc", type = "linear", in_features = 32, out_features = 3 },
    ]"""
    assert candidates(pooled, text) == []
    assert not [one for one in fixes(text) if "p.output_size" in one]


def test_a_pool_of_a_block_used_twice_is_no_global_one():
    text = """input = [8, 16, 16]
    layers = [%s{ name = "two", block = "b" },
      { name = "flat", type = "flatten" },
      { name = "fc", type = "linear", in_features = 8, out_features = 3 },
    ]
    [blocks.b]
    layers = [{ name = "p", type = "max_pool", kernel_size = 2 }]"""
    assert {"two.p.type": {"type": "global_max_pool"}} in candidates(pooled, text % "")
    assert not [one for one in candidates(pooled, text % '{ name = "one", block = "b" },') if "two.p.type" in one]


MIXED = """inputs = { image = [3, 8, 8], table = [10] }
layers = [
  { name = "map", type = "conv", out_channels = 4, kernel_size = 3, from = "image" },
  { name = "flat", type = "linear", out_features = 5, from = "table" },
  { name = "both", type = "concat", from = [%s] },
]"""


@pytest.mark.parametrize(
    ("names", "index"),
    [('"map", "flat"', "map"), ('"flat", "map"', "map"), ('"map", "image", "flat"', None), ('"map", "image"', None)],
)
def test_a_map_beside_flat_features_is_made_flat(names, index):
    found = candidates(joined_flat, MIXED % names)
    made = [one["both.insert"] for one in found]
    assert made == ([{"name": "map_flatten", "type": "flatten", "from": "map"}] if index else [])


def test_a_map_and_flat_features_are_said_to_be_such():
    first = case(MIXED % '"map", "flat"')
    cause = Causes(first.net, first.report).of(first.problem)
    assert (cause.layer, cause.message) == ("both", "map is a map, 4x6x6, and flat is flat, 5")
    assert len(fixes(MIXED % '"map", "flat"')) == 1


FIRST = """input = [%d]
layers = [
  { name = "a", type = "conv", in_channels = %d, out_channels = 4, kernel_size = 1 },
  "flatten",
  { name = "fc", type = "linear", in_features = %d, out_features = 2 },
]"""


@pytest.mark.parametrize(
    ("size", "channels", "found"),
    [
        (784, 1, [[1, 28, 28], [1, 784]]),
        (100, 100, [[100, 1, 1]]),
        (12, 1, [[1, 12]]),
        (10, 3, []),
    ],
)
def test_a_flat_input_is_a_picture_or_a_signal(size, channels, found):
    assert candidates(of_flat_input, FIRST % (size, channels, 8)) == [{"input": one} for one in found]


def test_a_signal_that_the_net_was_made_for_is_no_picture():
    assert fixes(FIRST % (100, 1, 400)) == [{"input": [1, 10, 10]}, *fixes(FIRST % (100, 1, 400))[1:]]
    signal = FIRST.replace(
        "kernel_size = 1 }", "kernel_size = 3, padding = 1 },\n  { type = 'max_pool', kernel_size = 2 }"
    )
    assert fixes(signal % (100, 1, 200)) == [{"input": [1, 100]}]


def test_another_input_than_the_declared_one_is_not_changed():
    one = case(FIRST % (784, 1, 8))
    one.trials.given = (784,)
    assert [*of_flat_input(one)] == []
    behind = FIRST.replace("layers = [", 'layers = [\n  { type = "linear", out_features = 16 },')
    assert candidates(of_flat_input, behind % (784, 1, 8)) == []


POOL = """input = [3, 16, 16]
layers = [
  { name = "c", type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "p", type = "avg_pool", kernel_size = %d, stride = 9 },
  { name = "d", type = "conv", out_channels = 2, kernel_size = 2 },
]"""


def test_a_large_pool_that_does_not_fit_was_to_leave_one_cell():
    assert candidates(too_large, POOL % 17) == [{"p.type": {"type": "global_avg_pool"}}]
    assert candidates(too_large, POOL % 9) == []  # it nearly fits
    of_input = (POOL % 33).replace("kernel_size = 33", 'from = "input", kernel_size = 33')
    assert candidates(too_large, of_input) == []


def test_a_small_pool_that_does_not_fit_is_no_global_one():
    pools = """input = [3, 2, 2]
    layers = [{ type = "max_pool", kernel_size = 2 }, { type = "avg_pool", kernel_size = %d }]"""
    assert candidates(too_large, pools % 4) == []
    assert candidates(too_large, pools % 5) != []
    block = """input = [3, 8, 8]
    layers = [{ block = "b", repeat = 2 }]
    [blocks.b]
    layers = [{ type = "avg_pool", kernel_size = 5 }]"""
    assert candidates(too_large, block) == []  # the first of them fits


def test_a_flat_reshape_takes_what_arrives():
    text = """input = [1, 32, 32]
    layers = [
      { name = "view", type = "reshape", shape = [784] },
      { name = "fc", type = "linear", in_features = 784, out_features = 10 },
    ]"""
    assert candidates(reshaped, text) == [{"view.shape": [1024]}]
    assert {"view.shape": [1024], "fc.in_features": 1024} in fixes(text)
