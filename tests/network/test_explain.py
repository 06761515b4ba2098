"""A layer of a net explained: the lines that a person reads, and that they end in the numbers of the report."""

import math
import re
from itertools import product

import pytest
from helpers.cli import SMALL, run
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape import loads
from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read_text
from cnnshape.network.explain import explain

ZOO = ARCHITECTURES


def explained(file, layer, **given):
    return str(explain(cnnshape.load(ZOO / file), layer, **given)).splitlines()


def of(text, layer, **given):
    """Explain a layer of a net that is given as text, with no problem but those that the test is about."""
    return explain(assemble(read_text(text)), layer, **given)


# A layer of a file


def test_conv1_of_alexnet():
    assert explained("alexnet.toml", "conv1") == [
        "conv1: conv, 227x227x3 -> 55x55x96",
        "Slides `out_channels` filters over the input.",
        "  height, width  floor((W - kernel_size + 2*padding)/stride) + 1",
        "                 (227 - 11 + 2*0)/4 + 1 = 55",
        "  channels       out_channels = 96",
        "  in_channels    3, as input has it",
        "  parameters     out_channels*in_channels*kernel_size*kernel_size + out_channels",
        "                 96*3*11*11 + 96 = 34,944",
        "  MACs           out_channels*in_channels*kernel_size*kernel_size*H'*W'",
        "                 96*3*11*11*55*55 = 105,415,200",
    ]


def test_where_9216_comes_from():
    lines = explained("alexnet.toml", "fc6")
    assert "  in_features  C*H*W" in lines
    assert "               256*6*6 = 9216, by flatten1 from the 6x6x256 of pool3" in lines
    assert "               9216*4096 + 4096 = 37,752,832" in lines


@pytest.mark.parametrize(
    ("file", "layer", "line"),
    [
        ("alexnet.toml", "pool3", "(13 - 3 + 2*0)/2 + 1 = 6"),
        ("alexnet.toml", "pool3", "channels       256, unchanged"),
        ("alexnet.toml", "norm1", "shape       unchanged"),
        ("alexnet.toml", "conv2", "in_channels    out_channels = 96, by conv1"),
        ("alexnet.toml", "fc7", "in_features  out_features = 4096, by fc6"),
        ("alexnet.toml", "flatten1", "256*6*6 = 9216"),
        ("alexnet_two_gpu.toml", "conv2", "256*96/2*5*5 + 256 = 307,456"),
        ("resnet50.toml", "conv1.conv", "floor((224 - 7 + 2*3)/2) + 1 = 112"),
        (
            "resnet50.toml",
            "conv1.conv",
            "(224 - 7 + 2*3) mod 2 = 1 is left over: it is padding, and nothing of the image is lost",
        ),
        (
            "resnet50.toml",
            "layer2.0.downsample.0",
            "(56 - 1 + 2*0) mod 2 = 1 is left over: the last row and the last column are lost",
        ),
        ("resnet50.toml", "layer1.0.conv2", "64*64*3*3 = 36,864"),
        ("resnet50.toml", "conv1.bn", "64 + 64 = 128"),
        ("resnet50.toml", "fc", "2048*1*1 = 2048, by flatten1 from the 2048x1x1 of avgpool"),
        ("unet.toml", "up4.concat", "C of down4.relu2 + C of up4.up"),
        ("unet.toml", "up4.concat", "512 + 512 = 1024"),
        ("unet.toml", "up4.up", "2*(32 - 1) - 2*0 + 2 = 64"),
    ],
)
def test_a_line_of_an_explanation(file, layer, line):
    assert any(words.endswith(f"  {line}") for words in explained(file, layer))


@pytest.mark.parametrize("file", sorted(path.name for path in ZOO.glob("*.toml")))
def test_explanations_end_in_the_numbers_of_the_report(file):
    """What is explained ends in the numbers of the report."""
    net = cnnshape.load(ZOO / file)
    rows = {row.type: row for row in net.check().layers}
    for row in rows.values():
        explanation = explain(net, row.name)
        assert explanation.ok
        last = {line.label: line.texts for line in explanation.lines}
        if not row.node.shares:
            assert number(last["parameters"][-1]) == row.parameters
        assert number(last["MACs"][-1] if "MACs" in last else "none") == row.macs


def number(words):
    """The number that a line of an explanation comes to."""
    return 0 if words == "none" else int(words.rpartition("= ")[2].replace(",", ""))


THREE = 'input = [3, 8, 8]\nlayers = [{ name = "x", %s }]'


@pytest.mark.parametrize(
    ("layer", "lines"),
    [
        ('type = "upsample", scale_factor = 1.5', ["W*3/2", "8*3/2 = 12"]),
        ('type = "upsample", size = 5', ["size = 5"]),
        (
            'type = "pixel_unshuffle", downscale_factor = 2',
            ["C*downscale_factor*downscale_factor", "3*2*2 = 12", "8/2 = 4"],
        ),
        ('type = "reshape", shape = [-1]', ["C*H*W", "3*8*8 = 192"]),
        ('type = "crop", amount = 2', ["8 - 2*2 = 4"]),
        (
            'type = "pad", padding = [[1, 2], 0]',
            ["H + padding[0][0] + padding[0][1]", "8 + 1 + 2 = 11", "8, unchanged"],
        ),
        ('type = "slice", dim = 2, start = 1, stop = -1', ["(8 + (-1) - 1 + 1 - 1)/1 = 6"]),
        ('type = "adaptive_avg_pool", output_size = [2, "keep"]', ["output_size[0] = 2", "8, unchanged"]),
        ('type = "global_avg_pool"', ["height, width  1"]),
        (
            'type = "max_pool", kernel_size = 3, stride = 2, ceil_mode = true',
            [
                "(8 - 3 + 2 - 1)/2 + 1 = 4",
                "(8 - 3 + 2*0) mod 2 = 1 is left over: nothing of the image is lost, with ceil_mode",
            ],
        ),
        (
            'type = "conv", out_channels = 8, kernel_size = 3, padding = "same"',
            ["channels       out_channels = 8", "height, width  8, unchanged"],
        ),
        ('type = "conv", out_channels = 2, kernel_size = [3, 5]', ["(8 - 5 + 2*0)/1 + 1 = 4", "2*3*3*5 + 2 = 92"]),
        ('type = "conv", out_channels = 2, kernel_size = 3, padding = "same"', ["height, width  8, unchanged"]),
        ('type = "conv", out_channels = 2, kernel_size = 3, dilation = 2', ["(8 - (2*(3 - 1) + 1) + 2*0)/1 + 1 = 4"]),
        (
            'type = "conv", out_channels = 2, kernel_size = 3, stride = 3, padding = "same_upper"',
            ["floor((8 + 3 - 1)/3) = 3", "2*3*3*3*3*3 = 486"],
        ),
        ('type = "pad", multiple = 5', ["floor((8 + 5 - 1)/5)*5 = 10"]),
        ('type = "layer_norm", over = "channels"', ["3 + 3 = 6"]),
        ('type = "layer_norm", over = "all"', ["3*8*8 + 3*8*8 = 384"]),
        ('type = "prelu", num_parameters = 3', ["num_parameters = 3"]),
        ('type = "relu"', ["shape       unchanged", "parameters  none"]),
        ('type = "linear", out_features = 5', ["in_features  8, as input has it", "8*5 + 5 = 45"]),
    ],
)
def test_lines_of_layer_types(layer, lines):
    found = str(of(THREE % layer, "x")).splitlines()
    for line in lines:
        assert any(words.endswith(f"  {line}") for words in found), found


def test_what_another_layer_decides():
    net = """
    input = [2, 8, 8]
    layers = [
      { name = "pool", type = "max_pool", kernel_size = 2 },
      { name = "unpool", type = "max_unpool", indices = "pool" },
      { name = "small", type = "max_pool", kernel_size = 3 },
      { name = "up", type = "upsample", like = "input", from = "small" },
      { name = "gate", type = "global_avg_pool" },
      { name = "gated", type = "mul", from = ["gate", "up"] },
    ]
    """
    assert "  height, width  W of input = 8" in str(of(net, "unpool"))
    assert "  height, width  W of input = 8" in str(of(net, "up"))
    assert "  height, width  W of up = 8" in str(of(net, "gated"))


def test_shared_weights_are_counted_where_they_are():
    net = """
    inputs = { left = [1, 4, 4], right = [1, 4, 4] }
    layers = [
      { name = "a", type = "conv", out_channels = 2, kernel_size = 3, from = "left" },
      { name = "b", shares = "a", from = "right" },
      { type = "add", from = ["a", "b"] },
    ]
    """
    assert "  parameters     those of a" in str(of(net, "b"))


def test_numbers_come_through_what_keeps_them():
    """Dropout and pooling keep the channels; a number is followed to the layer that made it, or to the input."""
    net = """
    input = [5, 9, 9]
    layers = [
      { name = "first", type = "batch_norm" },
      { name = "pool", type = "max_pool", kernel_size = 2 },
      { name = "a", type = "conv", out_channels = 4, kernel_size = 1 }, "relu", "dropout",
      { name = "b", type = "conv", out_channels = 4, kernel_size = 1, from = "pool" },
      { name = "both", type = "concat", from = ["dropout", "b"] }, "relu",
      { name = "last", type = "conv", out_channels = 1, kernel_size = 1 },
    ]
    """.replace('"dropout",', '{ name = "dropout", type = "dropout" },', 1)
    assert "  num_features  5, as input has it" in str(of(net, "first"))
    assert "  in_channels    5, as input has it" in str(of(net, "b"))
    assert "4 + 4 = 8, by both from the 4x4x4 of a and the 4x4x4 of b" in str(of(net, "last"))


def test_a_long_chain_is_no_trouble():
    layers = ", ".join(['"relu"'] * 3000)
    net = (
        f'input = [4, 2, 2]\nlayers = [{layers}, {{ name = "last", type = "conv", out_channels = 1, kernel_size = 1 }}]'
    )
    assert "  in_channels    4, as input has it" in str(of(net, "last"))


# What is wrong


def test_a_layer_that_fails_is_explained_as_far_as_it_goes():
    net = cnnshape.load(ZOO / "alexnet.toml")
    explanation = explain(net, "conv1", (3, 5, 5))
    assert not explanation.ok
    assert explanation.problems == ("error: a window of 11 does not fit a side of 5 with padding 0",)
    labels = [line.label for line in explanation.lines]  # what does not depend on the failure is there
    assert labels == ["height, width", "channels", "in_channels", "parameters"]
    assert explanation.lines[0].texts[-1] == "floor((5 - 11 + 2*0)/4) + 1 = -1"


def test_a_layer_of_which_nothing_is_known():
    explanation = of(THREE % 'type = "flatten", start_dim = 5', "x")
    assert explanation.lines == ()
    assert explanation.problems == ("error: axis 5 does not exist: axes go from 1 (the channels) to 3",)


def test_the_numbers_of_a_condition_come_with_their_arithmetic():
    explanation = of(THREE % 'type = "conv", out_channels = 2, kernel_size = 5, dilation = 3', "x")
    assert explanation.problems == ("error: a window of 3*(5 - 1) + 1 = 13 does not fit a side of 8 with padding 0",)


def test_behind_a_failure_the_layer_that_failed_is_named():
    net = cnnshape.load(ZOO / "alexnet.toml")
    why = "error: what enters is not known, since conv1 fails before it: a window of 11 does not fit a side of 5 with padding 0"
    assert explain(net, "conv2", (3, 5, 5)).problems == (why,)
    assert explain(net, "flatten1", (3, 5, 5)).problems == (why,)


def test_a_number_that_does_not_fit_is_explained():
    explanation = explain(cnnshape.load(ZOO / "alexnet.toml"), "fc6", (3, 199, 199))
    assert "256*5*5 = 6400, by flatten1 from the 5x5x256 of pool3" in str(explanation)
    assert explanation.problems == ("error: in_features is 9216, but 6400 arrives",)


def test_a_linear_layer_of_a_result_without_axes():
    text = 'input = [4]\nlayers = [{ type = "reduce", how = "sum", dim = 1 }, { name = "fc", type = "linear", out_features = 2 }]'
    assert of(text, "fc").title.startswith("fc: linear, [] -> ?")


def test_a_layer_that_the_file_says_wrongly():
    net = 'input = [3, 8, 8]\nlayers = [{ name = "x", type = "conv", kernel_size = 0 }, { name = "y", type = "relu" }]'
    explanation = of(net, "x")
    assert not explanation.ok
    assert any("kernel_size must be a whole number" in problem for problem in explanation.problems)
    assert of(net, "y").problems[0].startswith("error: what enters is not known, since x fails before it: ")


def test_what_was_probably_meant_is_said():
    net = 'input = [3, 8, 8]\nlayers = [{ name = "x", type = "conv", kernal_size = 3, out_channels = 4 }, "relu"]'
    assert of(net, "x").problems[0].endswith("did you mean kernel_size?")
    assert of(net, "relu1").problems[0].endswith("did you mean kernel_size?")


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        ("conv11", "there is no layer conv11; did you mean conv1?"),
        ("stage", "there is no layer stage"),
    ],
)
def test_a_name_that_is_no_layer_is_a_value_error(layer, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        explain(cnnshape.load(ZOO / "alexnet.toml"), layer)


# Blocks and repeats

BLOCKS = """input = [4, 8, 8]
layers = [
  "relu",
  { name = "b", block = "unit" },
  { name = "r", type = "conv", out_channels = 4, kernel_size = 3, repeat = 3 },
  { name = "late", type = "add", from = ["r", "r"] },
]
[blocks.unit]
layers = [
  { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "inner", block = "small" },
  { name = "sum", type = "add", from = ["inner", "input"] },
]
[blocks.small]
layers = [{ name = "x", type = "conv", out_channels = 4, kernel_size = 1, bias = false }, "relu"]
"""


def test_a_block_is_explained_by_its_parts():
    net = loads(BLOCKS)
    assert str(explain(net, "b")).splitlines() == [
        "b: unit, 4x8x8 of relu1 -> 4x8x8",
        "  b.c         conv, 4x8x8 -> 4x8x8",
        "  b.inner     small, 2 layers, 4x8x8 -> 4x8x8",
        "  b.sum       add, 4x8x8 and 4x8x8 -> 4x8x8",
        "  parameters  20 + 16 = 36",  # 4*4 + 4 and 4*4
        "  MACs        1024 + 1024 = 2048",  # 4*4*8*8 each
        "  gives       b.sum",
    ]
    assert str(explain(net, "b.inner")).splitlines()[-1] == "  gives          b.inner.relu1"
    assert str(explain(net, "r")).splitlines() == [
        "r: 4x8x8 of b.sum -> 4x2x2",
        "  r.0         conv, 4x8x8 -> 4x6x6",
        "  r.1         conv, 4x6x6 -> 4x4x4",
        "  r.2         conv, 4x4x4 -> 4x2x2",
        "  parameters  148 + 148 + 148 = 444",  # 4*4*9 + 4
        "  MACs        5184 + 2304 + 576 = 8064",  # 144 at 36, 16 and 4 places
        "  gives       r.2",
    ]


def test_a_block_that_fails_is_explained_with_its_problems():
    explanation = explain(loads(BLOCKS), "r", (4, 5, 5))
    assert not explanation.ok
    assert explanation.problems == ("error: a window of 3 does not fit a side of 1 with padding 0",)
    assert "  parameters  148 + 148 + 148 = 444" in str(explanation).splitlines()
    assert "  MACs        ?" in str(explanation).splitlines()


# Formulas that fail, and windows that no formula shows


def test_a_side_that_is_refused_shows_its_formula():
    lines = str(explain(loads(SMALL), "c", (1, 2, 2))).splitlines()
    assert "  height, width  floor((W - kernel_size + 2*padding)/stride) + 1" in lines
    assert "                 (2 - 3 + 2*0)/1 + 1 = 0" in lines


@pytest.mark.parametrize(("w", "kernel", "stride", "padding"), list(product(range(3, 12), (2, 3), (2, 3, 4), (0, 1))))
def test_a_window_that_ceil_mode_does_not_count_is_told(torch, w, kernel, stride, padding):
    """Torch counts fewer windows than the formula for ceil_mode gives."""
    pool = torch.nn.MaxPool1d(kernel, stride, padding, ceil_mode=True)
    windows = pool(torch.zeros(1, 1, w)).shape[2]
    by_formula = math.ceil((w - kernel + 2 * padding) / stride) + 1
    net = loads(
        f"input = [1, {w}]\nlayers = [{{ name = 'p', type = 'max_pool', kernel_size = {kernel}, stride = {stride},"
        f" padding = {padding}, ceil_mode = true }}]"
    )
    told = (
        f"ceil(({w} - {kernel} + 2*{padding})/{stride}) + 1 = {by_formula} with ceil_mode: the last window would begin"
    )
    assert (told in str(explain(net, "p"))) == (by_formula > windows)


def test_the_windows_of_an_adaptive_pool_are_listed(torch):
    image = torch.arange(7.0).reshape(1, 1, 7)
    largest = torch.nn.AdaptiveMaxPool1d(3)(image)[0, 0].tolist()
    least = (-torch.nn.AdaptiveMaxPool1d(3)(-image))[0, 0].tolist()
    cells = ", ".join(f"{first:.0f} to {last:.0f}" for first, last in zip(least, largest, strict=True))
    net = loads("input = [1, 7]\nlayers = [{ name = 'p', type = 'adaptive_max_pool', output_size = 3 }]")
    assert str(explain(net, "p")).count(f"ceil((j + 1)*7/3) - 1: {cells}\n") == 1
    many = loads("input = [1, 90]\nlayers = [{ name = 'p', type = 'adaptive_avg_pool', output_size = 30 }]")
    assert "0 to 2, 3 to 5, ..., 87 to 89" in str(explain(many, "p"))


# The command line


def test_explain_prints_and_exits():
    file = str(ZOO / "alexnet.toml")
    status, output = run("explain", file, "conv1")
    assert (status, output.splitlines()) == (0, explained("alexnet.toml", "conv1"))
    status, output = run("explain", file, "conv1", "--input", "231x231x3")
    assert (status, "(231 - 11 + 2*0)/4 + 1 = 56" in output) == (0, True)
    status, output = run("explain", file, "conv1", "--input", "5x5x3")
    assert (status, "error: a window of 11" in output) == (1, True)
    status, output = run("explain", file, "cnov1")
    assert (status, "did you mean conv1?" in output) == (2, True)
    status, output = run("explain", "nowhere.toml", "conv1")
    assert (status, "nowhere.toml" in output) == (2, True)


def test_a_weight_of_another_layer():
    layers = '[{ name = "a", type = "conv", out_channels = 3, kernel_size = 3 }, { name = "b", type = "conv", shares_weight = "a" }]'
    found = explain(assemble(read_text(f"input = [3, 8, 8]\nlayers = {layers}")), "b")
    assert [line for line in found.lines if line[0] in {"weight", "parameters"}] == [
        ("weight", ("that of a",)),
        ("parameters", ("out_channels = 3",)),
    ]


def test_a_bias_that_a_batch_norm_subtracts_is_said_where_it_is_explained_and_no_warning():
    layers = '{ name = "c", type = "conv", out_channels = 8, kernel_size = 3%s }, { name = "n", type = "batch_norm" }%s'
    text = f"input = [3, 8, 8]\nlayers = [{layers}]"
    net = loads(text % ("", ""))
    assert "bias" in [name for name, _ in explain(net, "c").lines]
    assert net.check(strict=True).ok
    for other in (text % (", bias = false", ""), text % ("", ', { type = "add", from = ["c", "n"] }')):
        assert "bias" not in [name for name, _ in explain(loads(other), "c").lines]


def test_a_bias_in_front_of_a_batch_norm_changes_nothing_in_torch(torch):
    norm, x, bias = torch.nn.BatchNorm2d(4), torch.randn(5, 4, 6, 6), torch.randn(4, 1, 1)
    assert torch.allclose(norm(x), norm(x + bias), atol=1e-5)
