"""The rows of the table: blocks folded, wiring, dropped cells, and the layers that failed."""

import re
import tomllib

import pytest
from helpers.paths import RESNET50
from helpers.screen import FAILING, WIDTHS, facts, layers, row, shown, table_of


def bottleneck(entering, width, shortcut):
    """Parameters of ResNet's bottleneck (He et al. 2015): three convolutions without bias, each with a batch norm."""
    main = entering * width + 2 * width + 9 * width * width + 2 * width + 4 * width * width + 8 * width
    return main + (4 * entering * width + 8 * width if shortcut else 0)


def test_blocks_fold_to_a_row_each():
    lines = shown(RESNET50, width=200)
    names = [line.split()[0] for line in table_of(lines)[1]]
    file = tomllib.loads(RESNET50.read_text())
    assert [n for n in names if n not in ("relu1", "flatten1")] == [e["name"] for e in file["layers"] if "name" in e]
    entering = 64
    for stage, (width, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], start=1):
        parameters = bottleneck(entering, width, True) + (depth - 1) * bottleneck(4 * width, width, False)
        found = row(lines, f"layer{stage}")
        assert f"{parameters:,}" in found.split()
        assert f"stage  {depth} x bottleneck" in re.sub(" {2,}", "  ", found)
        entering = 4 * width
    assert "64x56x56  → 256x56x56" in row(lines, "layer1")
    assert "1 row, 1 column" in row(lines, "layer2")  # the shortcut's 1x1 kernel with stride 2 on 56: 55 mod 2
    assert "row" not in row(lines, "layer1")


@pytest.mark.parametrize(("depth", "count"), [(1, 9), (2, 23), (4, 175), (9, 175)])
def test_depth_unfolds(depth, count):
    lines = shown(RESNET50, "--depth", depth, width=200)
    _, rows, total = table_of(lines)
    assert len(rows) == count  # 4 layers, the stem and 4 stages; 7 and 16 bottlenecks; every layer
    assert max(len(line.split()[0].split(".")) for line in rows) == min(depth, 4)
    assert total.split() == ["175", "layers", "25,557,032", "4,089,184,256"]


def test_a_row_inside_a_block_names_its_inputs_as_the_block_does():
    lines = shown(RESNET50, "--depth", 3, width=200)
    assert "from bn3, downsample" in row(lines, "layer1.0.sum")
    assert "2 layers, from maxpool" in row(lines, "layer1.0.downsample")


def test_what_a_block_drops_is_summed(net):
    text = (
        layers('name = "b", block = "pools"', shape="[1, 31, 28]")
        + """
[blocks.pools]
layers = [{ type = "max_pool", kernel_size = 2 }, "relu", { type = "max_pool", kernel_size = 2 }]
"""
    )
    assert row(net(text), "b").endswith("2 rows")  # 31 -> 15 -> 7, and 28 -> 14 -> 7


def test_a_repeated_layer_folds(net):
    text = layers('name = "deep", type = "conv", out_channels = 1, kernel_size = 3, padding = 1, repeat = 4')
    lines = net(text)
    assert "conv  4 x, 3x3, padding 1  1x32x32  → 1x32x32" in re.sub(" {2,}", "  ", row(lines, "deep"))
    assert [line.split()[0] for line in table_of(net(text, "--depth", 2))[1]] == [f"deep.{i}" for i in range(4)]


def test_two_layers_of_one_name_are_two_rows(net):
    lines = net(layers('name = "a", type = "relu"', 'name = "a", type = "tanh"'))
    assert [line.split()[:2] for line in table_of(lines)[1]] == [["a", "relu"], ["a", "tanh"]]


def test_wiring_is_said_where_it_is_not_the_usual(net):
    text = layers(
        'name = "a", type = "conv", out_channels = 2, kernel_size = 3, padding = 1',
        'name = "b", type = "conv", out_channels = 3, kernel_size = 3, padding = 1',
        'name = "c", type = "conv", out_channels = 4, kernel_size = 3, padding = 1, from = "a"',
        'name = "all", type = "concat", from = ["a", "b", "c"]',
        'name = "more", type = "concat", from = ["a", "b", "c", "all", "a", "b"]',
        'name = "same", type = "add", from = ["a", "a"]',
        'name = "up", type = "upsample", like = "a"',
    )
    lines = net(text)
    assert "from" not in row(lines, "b")
    assert "from a " in row(lines, "c")
    assert "from a, b, c  (2+3+4)x32x32  → 9x32x32" in re.sub(" {2,}", "  ", row(lines, "all"))
    assert "like a" in row(lines, "up")


def test_a_result_within_a_block_is_named_as_the_file_names_it(net):
    text = """
input = [3, 8, 8]
layers = [
  { name = "fine", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "coarse", type = "conv", out_channels = 4, kernel_size = 1, from = "input" },
  { name = "s", block = "exchange", from = ["fine", "coarse"], repeat = 3 },
  { name = "low", type = "relu", from = "s.low" },
  { name = "high", type = "relu", from = "s.high" },
  { name = "both", block = "exchange", from = "s" },
  { name = "early", type = "relu", from = "s.0.high" },
  { name = "inner", type = "relu", from = "s.1.swap" },
  { name = "one", block = "one", from = "s.low" },
  { name = "all", type = "add", from = ["one", "low"] },
  { name = "part", type = "crop", size = 4, from = "one.deep.first" },
  { name = "like", type = "upsample", like = "both.high" },
  { name = "last", type = "add", from = ["input", "one.last"] },
]
outputs = ["low", "high", "both", "early", "inner", "all", "like", "last"]

[blocks.exchange]
gives = ["high", "low"]
layers = [
  { name = "swap", type = "relu" },
  { name = "high", type = "add", from = ["input1", "swap"] },
  { name = "low", block = "pair", from = "input1" },
]

[blocks.one]
gives = "deep"
layers = [
  { name = "deep", block = "pair" },
  { name = "last", type = "conv", out_channels = 3, kernel_size = 1 },
]

[blocks.pair]
layers = [{ name = "first", type = "relu" }, { type = "tanh" }]
"""
    lines = net(text)
    names = [line.split()[0] for line in table_of(lines)[1]]
    said = {name: found[1] for name in names if (found := re.search(r"from ((?:\S+, )*\S+)  ", row(lines, name)))}
    assert said == {
        "coarse": "input",
        "s": "fine, coarse",
        "high": "s.high",
        "both": "s.high, s.low",
        "early": "s.0.high",
        "inner": "s.1.swap",
        "one": "s.low",
        "all": "one, low",
        "part": "one.deep.first",
        "last": "input, one.last",
    }
    assert "like both.high" in row(lines, "like")
    deeper = net(text, "--depth", 2)
    assert "from 1.high, 1.low " in row(deeper, "s.2")
    assert "from s.0.low, swap " in row(net(text, "--depth", 3), "s.1.high")


def test_several_inputs_and_outputs(net):
    text = """
inputs = { left = [1, 8, 8], right = [1, 8, 8] }
outputs = ["l", "r"]
layers = [
  { name = "l", type = "conv", out_channels = 2, kernel_size = 3, from = "left" },
  { name = "r", type = "conv", out_channels = 3, kernel_size = 5, from = "right" },
]
"""
    lines = net(text)
    assert "from left" in row(lines, "l")
    assert "from right" in row(lines, "r")
    assert facts(lines)["outputs"] == "l 2x6x6, r 3x4x4"


def test_dropped_rows_have_a_column_where_there_are_some(net):
    pool = 'name = "p", type = "max_pool", kernel_size = 2'
    assert "dropped" not in table_of(net(layers(pool, shape="[1, 32, 32]")))[0]
    lines = net(layers(pool, 'type = "relu"', shape="[1, 33, 32]"))
    assert "dropped" in table_of(lines)[0]
    assert row(lines, "p").endswith("1 row")
    assert row(net(layers(pool, shape="[1, 33, 35]")), "p").endswith("1 row, 1 column")
    assert row(net(layers('name = "p", type = "max_pool", kernel_size = 5', shape="[1, 34]")), "p").endswith("4 cells")
    assert row(net(layers(pool, shape="[1, 3, 3, 4]")), "p").endswith("1 slice, 1 row")


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_plain_which_layer_failed(net, width):
    lines = net(FAILING, width=width)
    _, rows, total = table_of(lines)
    assert [line for line in rows if line.startswith("✗ ")] == [row(lines, "bad")]
    assert "2x30x30" in row(lines, "good")
    assert "2x28x?" in row(lines, "bad")
    assert "4x26x?" in row(lines, "behind")
    assert "?" in row(lines, "flatten1").split()
    assert row(lines, "last").split()[-2:] == ["?", "?"]
    assert total.split() == ["5", "layers", "?", "?"]
    assert facts(lines)["sizes"] == "32x32 → 30x30 → 28x? → 26x?"
    assert lines[-1] == "✗ 1 error"


def test_a_warning_marks_its_layer(net):
    lines = net(layers('name = "lost", type = "relu"', 'name = "l", type = "linear", out_features = 3, from = "input"'))
    assert row(lines, "lost").startswith("! lost")
    assert any("warning[unused-result]" in line for line in lines)
    assert lines[-1] == "! 2 warnings"


def test_a_type_that_does_not_exist_failed_too(net):
    lines = net(layers('name = "typo", type = "cnov"', 'name = "r", type = "relu"'))
    assert row(lines, "typo").startswith("✗ typo")
    assert row(lines, "r").startswith("  r")
    assert row(lines, "r").split()[-1] == "?"


def test_indices_are_named_as_the_file_names_them(net):
    text = layers(
        'name = "a", type = "conv", out_channels = 2, kernel_size = 1',
        'name = "pool", type = "max_pool", kernel_size = 2',
        'name = "b", type = "relu"',
        'type = "max_unpool", kernel_size = 2, indices = "pool"',
    )
    assert "indices pool" in row(net(text), "max_unpool1")


def test_of_many_layers_without_a_shape_the_first_is_a_row(net):
    wrong, others = 'type = "rleu"', ['type = "relu"'] * 3
    after = 'type = "tanh", from = "input"'
    lines = net(layers(wrong, *others, after))
    assert [line.split()[1] for line in table_of(lines)[1]] == ["rleu1", "relu", "relu", "relu", "tanh"]
    lines = net(layers(wrong, *others, *others, 'type = "cnov"', after))
    first, more, known = table_of(lines)[1]
    assert (first.split()[1], known.split()[0]) == ("rleu1", "tanh1")
    assert re.sub(" +", " ", more) == "✗ … 7 more whose shapes cannot be known ? → ? ? ?"
