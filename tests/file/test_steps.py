"""Steps: layers as tables and bare words, their types, parameters and shapes."""

import math
import re

import pytest
from helpers.texts import HERE, check, codes

import cnnshape
from cnnshape.file.reader import read_text
from cnnshape.layers import TYPES

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
        if not layer.required
        and 1 in layer.joins
        and kind
        not in ("upsample", "crop", "require", "concat", "add", "mul", "adaptive_avg_pool", "adaptive_max_pool")
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


@pytest.mark.parametrize("stride", [1, 2, 3, [1, 1], [2, 1]])
@pytest.mark.parametrize("kernel", [2, 3, 5])
def test_the_word_for_same_of_tensorflow_gives_its_shapes(stride, kernel):
    """SAME is ceil(W / stride), as TensorFlow documents it: whatever the stride, what is suggested gives that."""
    text = f'{HERE}layers = [{{ type = "conv", out_channels = 8, kernel_size = {kernel}, stride = {stride}, padding = "SAME" }}]'
    (problem,) = cnnshape.examine(text).problems
    (word,) = (one.words[0] for one in problem.suggestions if one.kind == "meant")
    across = stride if isinstance(stride, list) else [stride, stride]
    report = check(text.replace("SAME", word))
    assert report.ok
    assert report.output == (8, *(math.ceil(32 / s) for s in across))
    assert [change.text for fix in problem.fixes for change in fix.changes] == [f'"{word}"']
