"""The architecture file: what may stand in it, and what it means. (test_build has names and blocks, and
test_broken_files what must not stand in it.)"""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.texts import HERE, check, codes, rows

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.file.reader import read, read_text
from cnnshape.layers import TYPES
from cnnshape.problems.expressions import BadExpression

# Tables and bare words


def test_tables_and_an_array_are_the_same():
    tables = '[[layers]]\ntype = "conv"\nout_channels = 8\nkernel_size = 3\n[[layers]]\ntype = "relu"\n'
    array = 'layers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, { type = "relu" }]'
    assert [row[1:] for row in check(HERE + tables).layers] == [row[1:] for row in check(HERE + array).layers]


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for kind, layer in TYPES.items()
        if not layer.required and 1 in layer.joins and kind not in ("upsample", "crop", "concat", "add", "mul")
    ],
)
def test_layer_that_needs_nothing_may_be_a_bare_word(kind):
    net = cnnshape.loads(f'{HERE}layers = ["{kind}"]')
    assert net.nodes[0].type == kind
    assert net.nodes[0].name == f"{kind}1"


def test_words_beside_layers():
    net = cnnshape.loads(f'name = "A net"\nsource = "a paper"\n{HERE}layers = ["relu"]')
    assert (net.name, net.source, net.file) == ("A net", "a paper", "<string>")


# Types and parameters


@pytest.mark.parametrize(
    ("arrives", "leaves"),
    [([2, 32], (8, 16)), ([2, 32, 20], (8, 16, 10)), ([2, 32, 20, 12], (8, 16, 10, 6))],
)
def test_types_have_no_dimension(arrives, leaves):
    conv = '{ type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }'
    text = f'input = {arrives}\nlayers = [{conv}, "batch_norm", {{ type = "max_pool", kernel_size = 2 }}]'
    assert check(text).output == leaves


def test_types_are_called_as_in_torch():
    for kind, layer in TYPES.items():
        if layer.torch and not kind.startswith("global_"):
            squashed = layer.torch.replace("{rank}d", "").lower()
            assert kind.replace("_", "") == squashed


def test_a_parameter_is_one_number_or_one_for_each_axis():
    conv = '{{ type = "conv", out_channels = 8, kernel_size = {}, stride = {}, padding = {}, dilation = {} }}'
    one = check(f"{HERE}layers = [{conv.format(3, 2, 1, 2)}]")
    many = check(f"{HERE}layers = [{conv.format([3, 3], [2, 2], [1, 1], [2, 2])}]")
    mixed = check(f"{HERE}layers = [{conv.format([3, 5], [2, 1], [1, 0], [2, 3])}]")
    assert one.output == many.output == (8, 15, 15)
    assert mixed.output == (8, 15, 20)


@pytest.mark.parametrize(("padding", "side"), [('"same"', 32), ('"valid"', 28), ("0", 28), ("2", 32)])
def test_padding_of_a_convolution_may_be_a_word(padding, side):
    conv = f'{{ type = "conv", out_channels = 8, kernel_size = 5, padding = {padding} }}'
    assert check(f"{HERE}layers = [{conv}]").output == (8, side, side)


def test_what_torch_makes_people_repeat_may_be_left_out():
    conv = '{{ type = "conv", {}out_channels = 8, kernel_size = 3 }}, {{ type = "batch_norm"{} }}, "flatten"'
    linear = '{{ type = "linear", {}out_features = 10 }}'
    out = check(f"{HERE}layers = [{conv.format('', '')}, {linear.format('')}]")
    said = check(
        f"{HERE}layers = [{conv.format('in_channels = 3, ', ', num_features = 8')}, {linear.format('in_features = 7200, ')}]"
    )
    assert out.parameters == said.parameters == (3 * 9 + 1) * 8 + 2 * 8 + (7200 + 1) * 10


@pytest.mark.parametrize("layout", ["channels_first", "channels_last"])
def test_axes_are_counted_as_torch_counts_them_whatever_the_layout(layout):
    shape = {"channels_first": "[4, 6, 8]", "channels_last": "[6, 8, 4]"}[layout]
    layers = '{ type = "slice", dim = 2, stop = 5 }, { type = "glu", dim = 1 }, { type = "softmax", dim = -1 }'
    flatten = '{ type = "flatten", start_dim = 2 }'
    assert check(f'layout = "{layout}"\ninput = {shape}\nlayers = [{layers}, {flatten}]').output == (2, 40)


def test_layout_is_of_input_expect_claims_and_reshape():
    report = check("""
layout = "channels_last"
input = [32, 20, 3]
layers = [
  { type = "max_pool", kernel_size = [2, 1], expect = [16, 20, 3] },
  { name = "out", type = "reshape", shape = [8, -1, 6], expect = [8, 20, 6] },
]
[claims]
output = [8, 20, 6]
outputs = { out = [8, 20, 6] }
""")
    assert report.inputs == {"input": (3, 32, 20)}
    assert report.output == (6, 8, 20)


def test_reshape_without_space_keeps_its_one_number():
    for layout in ("channels_first", "channels_last"):
        assert check(
            f'layout = "{layout}"\ninput = [4, 4]\nlayers = [{{ type = "reshape", shape = [16] }}]'
        ).output == (16,)


def test_max_unpool_restores_what_entered_its_max_pool():
    report = check("""
input = [3, 33, 20]
layers = [
  { name = "pool", type = "max_pool", kernel_size = 3, stride = 2 },
  { name = "conv", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 },
  { type = "max_unpool", indices = "pool", expect = [3, 33, 20] },
]""")
    assert report.output == (3, 33, 20)


def test_max_unpool_in_a_block_takes_the_indices_of_an_input():
    report = check("""
input = [3, 33, 20]
layers = [
  { name = "pool", type = "max_pool", kernel_size = 3, stride = 2 },
  { name = "deep", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 },
  { name = "up", block = "up", from = ["deep", "pool"], expect = [5, 33, 20] },
]
[blocks.up]
layers = [
  { type = "max_unpool", indices = "input1" },
  { type = "conv", out_channels = 5, kernel_size = 3, padding = 1 },
]""")
    assert report.output == (5, 33, 20)


@pytest.mark.parametrize(
    ("layer", "leaves"),
    [
        ('{ type = "adaptive_avg_pool", output_size = [7, "keep"] }', (3, 7, 20)),
        ('{ type = "adaptive_max_pool", output_size = 5 }', (3, 5, 5)),
        ('"global_avg_pool"', (3, 1, 1)),
        ('"global_max_pool"', (3, 1, 1)),
        ('{ type = "upsample", scale_factor = [2, 1.5] }', (3, 64, 30)),
        ('{ type = "upsample", size = [10, 10], mode = "bilinear", align_corners = true }', (3, 10, 10)),
        ('{ type = "pad", padding = [[1, 2], 3], channels = [0, 5] }', (8, 35, 26)),
        ('{ type = "pad", padding = 1, mode = "reflect" }', (3, 34, 22)),
        ('{ type = "pad", channels = 2 }', (5, 32, 20)),
        ('{ type = "crop", size = [30, 10] }', (3, 30, 10)),
        ('{ type = "crop", amount = [1, 2] }', (3, 30, 16)),
        ('{ type = "slice", start = -2 }', (2, 32, 20)),
        ('{ type = "slice", dim = 3, start = 1, stop = -1, step = 2 }', (3, 32, 9)),
        ('{ type = "layer_norm", over = "channels" }', (3, 32, 20)),
        ('{ type = "lp_pool", norm_type = 2, kernel_size = 2 }', (3, 16, 10)),
        ('{ type = "scale", value = 0.5 }', (3, 32, 20)),
        ('{ type = "channel_shuffle", groups = 3 }', (3, 32, 20)),
        ('{ type = "concat", from = ["input", "input"], dim = 3 }', (3, 32, 40)),
        ('{ type = "sub", from = ["input", "input"] }', (3, 32, 20)),
    ],
)
def test_layers_of_each_family(layer, leaves):
    assert check(f"input = [3, 32, 20]\nlayers = [{layer}]").output == leaves


@pytest.mark.parametrize("like", ["first", "input"])
def test_like_names_a_layer_or_the_input(like):
    report = check(f"""
input = [3, 32, 20]
layers = [
  {{ name = "first", type = "conv", out_channels = 4, kernel_size = 1 }},
  {{ type = "max_pool", kernel_size = 4 }},
  {{ type = "upsample", like = "{like}", mode = "bilinear", expect = [4, 32, 20] }},
  {{ type = "pad", padding = 3 }},
  {{ type = "crop", like = "{like}", expect = [4, 32, 20] }},
]""")
    assert report.output == (4, 32, 20)


@pytest.mark.parametrize("kind", ["add", "sub"])
def test_add_and_sub_want_equal_shapes_and_mul_broadcasts(kind):
    gate = HERE + 'layers = [{{ name = "g", type = "global_avg_pool" }}, {{ type = "{}", from = ["input", "g"]{} }}]'
    assert codes(gate.format(kind, "")) == ["needs-broadcast"]
    assert check(gate.format(kind, ", broadcast = true")).output == (3, 32, 32)
    assert check(gate.format("mul", "")).output == (3, 32, 32)


# Expressions and constants

EXPRESSIONS = {
    "2 + 3 * 4": 14,
    "(2 + 3) * 4": 20,
    "17 // 5": 3,
    "17 % 5": 2,
    "2 ** 5": 32,
    "9 - 2 - 1": 6,
    "-3 + 5": 2,
    "4 if in_channels == 3 else 5": 4,
    "4 if in_channels > 3 else 5": 5,
    "7 if true and not false else 8": 7,
    "7 if false or in_channels < 3 else 8": 8,
    "min(4, 2, 9)": 2,
    "max(4, 2, 9)": 9,
    "in_channels": 3,
    "width": 8,
    "4 * width + deep": 34,
    "width if wide else 1": 8,
    "6 if 1 <= deep < 3 != 4 else 7": 6,
}


@pytest.mark.parametrize(("text", "value"), EXPRESSIONS.items())
def test_a_string_where_a_number_is_expected_is_an_expression(text, value):
    constants = 'constants = { width = 8, deep = "width // 4", wide = true }\n'
    net = f'{HERE}{constants}layers = [{{ type = "conv", out_channels = "{text}", kernel_size = 1 }}]'
    assert check(net).output == (value, 32, 32)


def test_a_string_where_a_truth_value_is_expected_is_an_expression():
    conv = '{{ type = "conv", out_channels = 8, kernel_size = 1, bias = "{}" }}'
    with_bias, without = (check(f"{HERE}layers = [{conv.format(text)}]").parameters for text in ("1 < 2", "not true"))
    assert with_bias - without == 8


def test_lists_hold_expressions():
    conv = '{ type = "conv", out_channels = 8, kernel_size = ["k", 1], padding = ["k // 2", 0] }'
    assert check(f"{HERE}constants = {{ k = 5 }}\nlayers = [{conv}]").output == (8, 32, 32)


def test_in_channels_is_that_of_the_first_input():
    report = rows("""
input = [3, 32, 32]
layers = [
  { name = "wide", type = "conv", out_channels = 10, kernel_size = 1 },
  { name = "half", type = "conv", out_channels = "in_channels // 2", kernel_size = 1 },
  { name = "both", type = "concat", from = ["half", "wide"], expect = ["in_channels + 10", 32, 32] },
  { name = "same", type = "conv", out_channels = "in_channels", kernel_size = 1, groups = "in_channels" },
]""")
    assert report["half"].output[0] == 5
    assert report["same"].output[0] == 15
    assert report["same"].parameters == 30


def test_constants_serve_input_expect_claims_and_defaults():
    report = check("""
input = [3, "side", "side // 2"]
constants = { side = 32, width = 8, kernel = 3, biased = "width > 9" }
layer_defaults.conv = { kernel_size = "kernel", bias = "biased" }
layers = [{ name = "conv", type = "conv", out_channels = "width", expect = ["width", "side - 2", 14] }]
[claims]
output = ["width", 30, 14]
""")
    assert report.parameters == 8 * 3 * 9


# Defaults of types


def test_layer_defaults_give_way_to_what_the_layer_says():
    report = rows("""
input = [3, 32, 32]
layer_defaults.conv = { kernel_size = 3, padding = 1, bias = false }
layer_defaults.max_pool = { kernel_size = 2 }
layers = [
  { name = "plain", type = "conv", out_channels = 8 },
  { name = "own", type = "conv", out_channels = 8, kernel_size = 5, padding = 2, bias = true },
  { name = "pool", type = "max_pool" },
  { name = "transposed", type = "conv_transpose", out_channels = 8, kernel_size = 1 },
]""")
    assert report["plain"].parameters == 3 * 9 * 8
    assert report["own"].parameters == (8 * 25 + 1) * 8
    assert report["pool"].output == (8, 16, 16)
    assert report["transposed"].parameters == (8 + 1) * 8  # another type


# Several inputs and outputs


def test_several_inputs_are_used_by_name():
    report = check("""
inputs = { left = [1, 64, 64], right = [2, 64, 64], input = [3, 64, 64], input1 = [4, 64, 64] }
layers = [{ type = "concat", from = ["right", "left", "input1", "input"] }]""")
    assert report.inputs == {"left": (1, 64, 64), "right": (2, 64, 64), "input": (3, 64, 64), "input1": (4, 64, 64)}
    assert report.output == (10, 64, 64)


def test_an_input_that_nobody_uses_is_no_problem_of_a_layer():
    assert check('inputs = { a = [1, 8], b = [1, 8] }\nlayers = [{ type = "relu", from = "a" }]').output == (1, 8)


def test_the_output_is_the_last_layer_unless_said():
    layers = 'layers = [{ name = "a", type = "relu" }, { name = "b", type = "max_pool", kernel_size = 2 }, "relu"]'
    assert check(HERE + layers).outputs == {"relu1": (3, 16, 16)}
    report = check(f'{HERE}outputs = ["b", "a", "input"]\n{layers}'.replace(', "relu"]', "]"))
    assert list(report.outputs.items()) == [("b", (3, 16, 16)), ("a", (3, 32, 32)), ("input", (3, 32, 32))]
    assert report.output == (3, 32, 32)
    assert check(f'{HERE}outputs = "b"\n{layers}'.replace(', "relu"]', "]")).outputs == {"b": (3, 16, 16)}


@pytest.mark.parametrize(
    "step", ['block = "b"', 'block = "b", repeat = 2', 'block = "b", when = false', 'type = "relu", repeat = 0']
)
def test_the_output_of_a_named_block_has_its_name(step):
    assert list(
        check(f'{HERE}layers = ["relu", {{ name = "end", {step} }}]\n[blocks.b]\nlayers = ["relu"]').outputs
    ) == ["end"]


def test_outputs_in_blocks_have_dotted_names():
    report = check("""
input = [3, 32, 32]
outputs = ["refine.flow", "refine"]
layers = [{ name = "refine", block = "refine" }]
[blocks.refine]
layers = [{ name = "flow", type = "conv", out_channels = 2, kernel_size = 1 }, { name = "last", type = "relu" }]
[claims.outputs]
"refine.flow" = [2, 32, 32]
refine = [2, 32, 32]
""")
    assert report.outputs == {"refine.flow": (2, 32, 32), "refine": (2, 32, 32)}


# Warnings that are allowed


@pytest.mark.parametrize("allow", ['"unused-result"', '["unused-result"]', '["dropped-rows", "unused-result"]'])
def test_a_warning_is_silenced_by_its_code(allow):
    layers = 'layers = [{{ name = "a", type = "relu"{} }}, {{ type = "relu", from = "input" }}]'
    assert codes(HERE + layers.format("")) == ["unused-result"]
    assert codes(HERE + layers.format(f", allow = {allow}")) == []
    assert codes(f"{HERE}allow = {allow}\n" + layers.format("")) == []


def test_a_warning_of_the_check_is_silenced_too():
    linear = '{{ type = "linear", out_features = 4{} }}'
    assert codes(f"{HERE}layers = [{linear.format('')}]") == ["linear-on-space"]
    allow = 'allow = "linear-on-space"'
    assert codes(f"{HERE}{allow}\nlayers = [{linear.format('')}]") == []
    assert codes(f"{HERE}layers = [{linear.format(', ' + allow)}]") == []
    assert codes(f'{HERE}layers = [{{ block = "b", {allow} }}]\n[blocks.b]\nlayers = [{linear.format("")}]') == []


def test_a_warning_of_another_layer_stays():
    allowed, other = '{ type = "tanh", from = "input", allow = "unused-result" }', '{ type = "relu", from = "input" }'
    assert codes(f"{HERE}layers = [{allowed}, {other}, {other}]") == ["unused-result"]


def test_an_error_cannot_be_allowed():
    assert codes(f'{HERE}allow = ["window-too-large"]\nlayers = ["relu"]') == ["unknown-warning"]


# Claims and training


def test_claims_that_hold():
    check("""
input = [3, 32, 32]
layers = [{ name = "conv", type = "conv", out_channels = 8, kernel_size = 11, stride = 4 }]
[claims]
parameters = 2912
macs = 104544
output = [8, 6, 6]
outputs = { conv = [8, 6, 6] }
valid_sizes = "every size from 11"
""")


def test_training_is_facts_and_free():
    net = cnnshape.loads("""
input = [3, 32, 32]
layers = ["relu"]
[training]
batch_size = 128
epochs = 90
augmentation = ["flip", "crop"]
optimizer = { name = "sgd", momentum = 0.9, learning_rate = 1e-2, weight_decay = 5e-4, nesterov = true }
""")
    assert net.training["batch_size"] == 128
    assert net.training["optimizer"]["momentum"] == 0.9
    assert net.training["augmentation"] == ["flip", "crop"]


# Included files


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with files in it; the working directory is another."""
    (tmp_path / "here" / "blocks").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")

    def write(**files):
        for name, text in files.items():
            path = tmp_path / name.replace("__", "/")
            path.with_suffix(".toml").write_text(text)
        return tmp_path / "here" / "net.toml"

    return write


NET = 'input = [3, 32, 32]\ninclude = {}\nlayers = [{{ name = "b", block = "b" }}]\n'
BLOCK = '[blocks.b]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }]\n'


@pytest.mark.parametrize("include", ['"b.toml"', '["b.toml"]', '"./b.toml"', '"blocks/../b.toml"'])
def test_a_file_beside_brings_its_blocks(folder, include):
    net = folder(here__net=NET.format(include), here__b=BLOCK)
    assert cnnshape.load(net).check().output == (8, 30, 30)
    assert cnnshape.load(str(net)).check().output == (8, 30, 30)


def test_a_file_below_and_one_in_the_working_directory(folder):
    assert cnnshape.load(folder(here__net=NET.format('"blocks/b.toml"'), here__blocks__b=BLOCK)).check().ok
    assert cnnshape.load(folder(here__net=NET.format('"c.toml"'), elsewhere__c=BLOCK)).check().ok
    assert cnnshape.loads(NET.format('"c.toml"')).check().ok  # a text has no folder but the working directory


@pytest.mark.parametrize(
    "name", ["../outside.toml", "blocks/../../outside.toml", "{folder}/outside.toml", "link.toml", "up/outside.toml"]
)
def test_nothing_is_read_outside(folder, name):
    net = folder(outside=BLOCK, here__net="")
    (net.parent / "link.toml").symlink_to("../outside.toml")
    (net.parent / "up").symlink_to("..")
    net.write_text(NET.format(f'"{name.format(folder=net.parent.parent)}"'))
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [problem.code for problem in error.value.problems] == ["include-outside"]
    assert "lies outside this file's folder and the working directory" in error.value.problems[0].message


def test_an_included_file_keeps_its_layout_and_constants(folder):
    net = folder(
        here__net="""
layout = "channels_last"
input = [32, 20, 3]
include = "b.toml"
constants = { width = 5 }
layers = [{ name = "own", type = "conv", out_channels = "width", kernel_size = 1 }, { block = "b", expect = [32, 20, 7] }]
""",
        here__b="""
constants = { width = 7 }
[blocks.b]
layers = [{ type = "conv", out_channels = "width", kernel_size = 1, expect = [7, 32, 20] }]
""",
    )
    assert cnnshape.load(net).check().problems == ()


def test_blocks_of_an_included_file_see_only_their_own_names(folder):
    net = folder(
        here__net=NET.format('"b.toml"') + "constants = { width = 5 }\n", here__b=BLOCK.replace("8", '"width"')
    )
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [(p.code, Path(p.file).name) for p in error.value.problems] == [("unknown-name", "b.toml")]


def test_blocks_of_an_included_file_use_each_other_and_what_that_file_includes(folder):
    net = folder(
        here__net='input = [3, 32, 32]\ninclude = "b.toml"\nlayers = [{ block = "outer" }]',
        here__b='include = "c.toml"\n[blocks.outer]\nlayers = [{ block = "middle" }]\n[blocks.middle]\nlayers = [{ block = "inner" }]',
        here__c='[blocks.inner]\nlayers = [{ type = "max_pool", kernel_size = 2 }]',
    )
    assert cnnshape.load(net).check().output == (3, 16, 16)


def test_what_an_included_file_includes_is_for_itself(folder):
    net = folder(
        here__net='input = [3, 32, 32]\ninclude = ["b.toml"]\nlayers = [{ block = "inner" }]\n[blocks.other]\nlayers = ["relu"]',
        here__b='include = "c.toml"\n[blocks.outer]\nlayers = [{ block = "inner" }]',
        here__c='[blocks.inner]\nlayers = ["relu"]',
    )
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [problem.code for problem in error.value.problems] == ["unknown-block"]


def test_the_included_file_of_an_included_file_stands_beside_that(folder):
    net = folder(
        here__net=NET.format('"blocks/b.toml"'),
        here__blocks__b='include = "c.toml"\n[blocks.b]\nlayers = [{ block = "c" }]',
        here__blocks__c='[blocks.c]\nlayers = ["relu"]',
    )
    assert cnnshape.load(net).check().output == (3, 32, 32)


DEFAULTS = "layer_defaults.conv = {{ {} }}\n"


@pytest.mark.parametrize(
    ("main", "included", "layer", "side"),
    [
        ("", "", "", 32),  # the type's own padding is 0
        ("padding = 1", "", "", 34),
        ("padding = 1", "padding = 2", "", 36),
        ("padding = 1", "padding = 2", "padding = 3", 38),
        ("padding = 1", "stride = 2", "", 17),  # setting by setting
        ("padding = 1", "", "padding = 3", 38),
    ],
)
def test_defaults_of_the_type_then_the_main_file_then_the_included_then_the_layer(folder, main, included, layer, side):
    conv = f'{{ type = "conv", out_channels = 8, kernel_size = 1{", " * bool(layer)}{layer} }}'
    net = folder(
        here__net=DEFAULTS.format(main) + NET.format('"b.toml"'),
        here__b=DEFAULTS.format(included) + f"[blocks.b]\nlayers = [{conv}]",
    )
    assert cnnshape.load(net).check().output == (8, side, side)


def test_the_defaults_of_an_included_file_are_for_its_own_blocks(folder):
    conv = '{ type = "conv", out_channels = 8, kernel_size = 1 }'
    net = folder(
        here__net=f'input = [3, 32, 32]\ninclude = "b.toml"\nlayers = [{{ block = "b" }}, {conv}]',
        here__b=DEFAULTS.format("padding = 1") + f"[blocks.b]\nlayers = [{conv}]",
    )
    assert cnnshape.load(net).check().output == (8, 34, 34)


def test_a_mistake_in_a_file_that_is_included_twice_counts_once(folder):
    net = folder(
        here__net='input = [3, 32, 32]\ninclude = ["b.toml", "c.toml"]\nlayers = [{ block = "b" }, { block = "c" }]',
        here__b='include = "d.toml"\n[blocks.b]\nlayers = [{ block = "d" }]',
        here__c='include = "d.toml"\n[blocks.c]\nlayers = [{ block = "d" }]',
        here__d='[blocks.d]\nlayers = ["relu"]\n[blocks.e]\nlayers = ["rleu"]',
    )
    with pytest.raises(ArchitectureError) as error:
        cnnshape.load(net)
    assert [(p.code, Path(p.file).name, p.line) for p in error.value.problems] == [("unknown-type", "d.toml", 4)]


# Reading itself


def test_a_file_that_is_not_there(tmp_path):
    architecture = read(tmp_path / "no.toml")
    (problem,) = architecture.problems
    assert (problem.code, problem.line, problem.column) == ("no-such-file", 1, 1)
    assert str(tmp_path / "no.toml") in repr(problem)
    with pytest.raises(ArchitectureError, match=r"This file cannot be read: no such file or directory"):
        cnnshape.load(tmp_path / "no.toml")


def test_a_folder_is_no_file(tmp_path):
    assert [problem.code for problem in read(tmp_path).problems] == ["cannot-read"]


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "net.toml"
    path.write_bytes(b'input = [3]\nname = "\xff"\n')
    (problem,) = read(path).problems
    assert (problem.code, problem.line, problem.column) == ("not-utf8", 2, 9)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_texts_of_windows(tmp_path, start, end):
    path = tmp_path / "net.toml"
    path.write_bytes(start + end.join([b"input = [3, 32, 32]", b"layers = [", b'  "rleu",', b"]", b""]))
    (problem,) = read(path).problems
    assert (problem.code, problem.line, problem.column) == ("unknown-type", 3, 3)


def test_the_name_of_a_text_is_shown():
    (problem,) = read_text("layers = [", "shown.toml").problems
    assert problem.file == "shown.toml"
    assert repr(problem).startswith("shown.toml:1:11: error[not-toml]: This is not TOML")


def test_expressions_run_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attempts = [
        "__import__('os').mkdir('x')",
        "open('x', 'w')",
        "exec('x = 1')",
        "(lambda: 3)()",
        "[].__class__",
        "1; 2",
    ]
    for text in attempts:
        (problem,) = read_text(
            f'{HERE}layers = [{{ type = "conv", kernel_size = 1, out_channels = "{text}" }}]'
        ).problems
        assert isinstance(problem, BadExpression)
    assert not any(tmp_path.iterdir())


def test_reading_imports_no_parser_of_places_where_nothing_is_wrong():
    code = f"import sys, cnnshape; cnnshape.loads('''{HERE}layers = [\"relu\"]''').check(); assert 'tree_sitter' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Did you mean


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Conv2d", "conv"),
        ("ConvTranspose2d", "conv_transpose"),
        ("AdaptiveAvgPool2d", "adaptive_avg_pool"),
        ("MaxPool2d", "max_pool"),
        ("BatchNorm2d", "batch_norm"),
        ("LocalResponseNorm", "local_response_norm"),
        ("GroupNorm", "group_norm"),
        ("LeakyReLU", "leaky_relu"),
        ("ReLU", "relu"),
        ("Linear", "linear"),
        ("Flatten", "flatten"),
        ("PixelShuffle", "pixel_shuffle"),
        ("Dropout", "dropout"),
        ("maxpool", "max_pool"),
        ("conv_2d", "conv"),
        ("sofmax", "softmax"),
        ("fc", "linear"),
        ("Dense", "linear"),
        ("bn", "batch_norm"),
        ("pool", "max_pool"),
    ],
)
def test_types_as_others_write_them_are_understood(written, meant):
    (problem,) = read_text(f'{HERE}layers = ["{written}"]').problems
    assert re.search(rf"did you mean {meant}\?", problem.message)


def test_a_key_as_others_write_it_is_told_once():
    (problem,) = read_text(f'{HERE}layers = [{{ type = "conv", filters = 3, kernel_size = 3 }}]').problems
    assert problem.message == "filters is not a key of conv; did you mean out_channels?"
