"""Shared weights: of layers and of blocks, counted once."""

import pytest
from helpers.texts import HERE, check, codes, problems

from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read_text

TOWERS = """
inputs = { left = [1, 28, 28], right = [1, 28, 28] }
layers = [
  { name = "left_tower", block = "tower", width = 8, from = "left" },
  { name = "right_tower", %s, from = "right", shares = "left_tower" },
  { type = "concat", from = ["left_tower", "right_tower"] },
]
[blocks.tower]
arguments = ["width"]
words = { act = "relu" }
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 3 },
  { type = "batch_norm" },
  { type = "{act}" },
  { name = "in", block = "inner", repeat = 2 },
]
[blocks.inner]
layers = [{ type = "conv", out_channels = "in_channels", kernel_size = 3 }, "prelu"]
"""


ONE_TOWER = (9 + 1) * 8 + 2 * 8 + 2 * ((8 * 9 + 1) * 8 + 1)


@pytest.mark.parametrize(
    "said",
    ['block = "tower"', 'block = "tower", width = 8', "width = 8", 'act = "relu"', 'block = "tower", width = "2 ** 3"'],
)
def test_a_block_that_shares_is_counted_once(said):
    report = check(TOWERS % said)
    assert report.parameters == ONE_TOWER
    assert report.output == (16, 22, 22)
    shared = [row for row in report.layers if row.name.startswith("right_tower")]
    assert [row.parameters for row in shared] == [0] * len(shared)
    assert [row.macs for row in shared] == [row.macs for row in report.layers if row.name.startswith("left_tower")]
    assert [row.node.shares for row in shared] == [row.name.replace("right", "left") for row in shared]


def test_a_block_that_shares_may_leave_everything_out():
    assert check((TOWERS % "").replace('"right_tower", ,', '"right_tower",')).parameters == ONE_TOWER


def test_a_layer_that_shares():
    report = check(f"""{HERE}
layers = [
  {{ name = "a", type = "conv", out_channels = 3, kernel_size = 3, padding = 1, bias = false }},
  {{ name = "b", shares = "a" }},
  {{ name = "c", type = "conv", shares = "b", kernel_size = [3, 3], in_channels = 3 }},
  {{ name = "d", shares = "a", repeat = 3 }},
]""")
    assert report.parameters == 81
    assert report.output == (3, 32, 32)
    assert {row.node.shares for row in report.layers[1:]} == {"a"}
    assert sum(row.macs for row in report.layers) == 6 * 81 * 32 * 32


def test_all_copies_share_with_the_one_named():
    text = f"""{HERE}
layers = [
  {{ name = "a", block = "b", repeat = 2 }},
  {{ name = "c", block = "b", shares = "{{}}", repeat = 3 }},
]
[blocks.b]
layers = [{{ name = "x", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 }}]
"""
    for named, owner in {"a.0": "a.0.x", "a.1": "a.1.x", "a": "a.1.x"}.items():
        report = check(text.replace("{}", named))
        assert report.parameters == 2 * 84
        assert {row.node.shares for row in report.layers[2:]} == {owner}


def test_a_layer_shares_with_one_in_a_block():
    report = check(f"""{HERE}
layers = [{{ name = "s", block = "b" }}, {{ name = "again", shares = "s.x" }}]
[blocks.b]
layers = [{{ name = "x", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 }}, "relu"]
""")
    assert report.parameters == 84


def test_settings_of_a_layer_that_shares_are_those_of_the_other_not_the_defaults():
    report = check(f"""{HERE}layer_defaults.conv = {{ padding = 1, kernel_size = 3 }}
layers = [{{ name = "a", type = "conv", out_channels = 3, padding = 2, kernel_size = 5 }}, {{ shares = "a" }}]""")
    assert report.output == (3, 32, 32)


@pytest.mark.parametrize(
    "said", ['type = "conv", when = false', 'type = "conv", repeat = 0', 'block = "b", when = false']
)
def test_what_is_left_out_has_no_weights_to_share(said):
    settings = "" if "block" in said else ", out_channels = 3, kernel_size = 3"
    (problem,) = problems(f"""{HERE}
layers = [
  {{ name = "before", type = "conv", out_channels = 3, kernel_size = 3 }},
  {{ name = "a", {said}{settings} }},
  {{ shares = "a" }},
]
[blocks.b]
layers = ["relu"]""")
    assert (problem.code, problem.line, problem.message) == (
        "shares-left-out",
        6,
        "a is left out here, and has no weights",
    )


def test_a_layer_that_shares_restores_its_own_pool():
    report = check(f"""{HERE}
layers = [
  {{ name = "p1", type = "max_pool", kernel_size = 2 }},
  {{ name = "p2", type = "max_pool", kernel_size = 2 }},
  {{ name = "u2", type = "max_unpool", indices = "p2" }},
  {{ name = "u1", type = "max_unpool", indices = "p1" }},
]""")
    assert report.output == (3, 32, 32)


# The weight alone

WEIGHT = """input = [4, 32, 32]
layers = [
  {{ name = "one", type = "{}", {} }},
  {{ name = "two", type = "{}", shares_weight = "{}"{} }},
]
"""
CONV = "out_channels = 6, kernel_size = 3, padding = 1"


@pytest.mark.parametrize(
    ("other", "settings", "said", "output", "parameters"),
    [
        ("conv", "out_channels = 4, kernel_size = 3", "padding = 2, dilation = 2", (4, 30, 30), 148 + 4),
        ("conv", "out_channels = 4, kernel_size = 3", "stride = 2, bias = false", (4, 14, 14), 148),
        ("conv", "out_channels = 4, kernel_size = 3, bias = false", "", (4, 28, 28), 144 + 4),
        ("conv", "out_channels = 4, kernel_size = [1, 3], groups = 2", "groups = 2", (4, 32, 28), 28 + 4),
        ("conv", "out_channels = 4, kernel_size = [3, 3]", "kernel_size = 3, out_channels = 4", (4, 28, 28), 148 + 4),
        ("conv", 'out_channels = 4, kernel_size = 3, parametrization = "weight_norm"', "", (4, 28, 28), 152 + 4),
        ("conv", "out_channels = 4, kernel_size = 3, gain = true", "", (4, 28, 28), 152 + 4),
        ("conv", "out_channels = 4, kernel_size = 3, learned = false", "", (4, 28, 28), 0),
        ("linear", 'out_features = 32, allow = "linear-on-space"', 'allow = "linear-on-space"', (4, 32, 32), 1056 + 32),
        ("conv_transpose", "out_channels = 4, kernel_size = 2, stride = 2", "stride = 3", (4, 191, 191), 68 + 4),
    ],
)
def test_a_weight_without_its_bias(other, settings, said, output, parameters):
    report = check(WEIGHT.format(other, settings, other, "one", f", {said}" if said else ""))
    assert (report.output, report.parameters) == (output, parameters)
    assert report.layers[1].node.shares_weight == "one"


@pytest.mark.parametrize(("one", "two"), [("conv", "conv_transpose"), ("conv_transpose", "conv")])
def test_a_weight_the_other_way_round(one, two):
    report = check(WEIGHT.format(one, "out_channels = 6, kernel_size = 3, groups = 2", two, "one", ""))
    assert report.output == (4, 32, 32)
    assert report.parameters == (6 * 4 // 2 * 9 + 6) + 4


def test_a_fixed_weight_leaves_a_fixed_bias():
    text = WEIGHT.format("conv", "out_channels = 4, kernel_size = 3, learned = false", "conv", "one", "")
    assert [row.buffers for row in check(text).layers] == [148, 4]


def test_the_weight_is_that_of_the_layer_which_has_it():
    report = check("""input = [4, 32, 32]
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 3 },
  { name = "two", type = "conv", shares_weight = "one", frozen = true },
  { name = "three", type = "conv", shares_weight = "two", bias = false },
  { name = "four", shares = "two" },
  { name = "five", type = "conv", shares_weight = "four" },
  { name = "b", block = "unit" },
  { name = "c", shares = "b" },
]
[blocks.unit]
layers = [{ name = "x", type = "conv", out_channels = 4, kernel_size = 1 }, { name = "y", type = "conv", shares_weight = "x" }]
""")
    assert [row.parameters for row in report.layers] == [148, 4, 0, 0, 4, 20, 4, 0, 0]
    assert [row.trainable for row in report.layers] == [148, 0, 0, 0, 4, 20, 4, 0, 0]
    nodes = [row.node for row in report.layers]
    assert [node.shares_weight for node in nodes] == ["", "one", "one", "", "one", "", "b.x", "", ""]
    assert [node.shares for node in nodes[-2:]] == ["b.x", "b.y"]


def test_copies_of_a_block_share_each_their_own_weight():
    report = check(f"""{HERE}
layers = [{{ block = "unit", repeat = 3 }}]
[blocks.unit]
layers = [{{ name = "x", type = "conv", out_channels = 3, kernel_size = 1 }}, {{ name = "y", type = "conv", shares_weight = "x" }}]
""")
    assert [row.node.shares_weight for row in report.layers] == ["", "unit1.x", "", "unit2.x", "", "unit3.x"]
    assert report.parameters == 3 * (12 + 3)


@pytest.mark.parametrize(
    ("one", "two", "owner", "said", "found"),
    [
        ("conv", "conv", "one", ", kernel_size = 5", ["shared-differs"]),
        ("conv", "conv", "one", ", out_channels = 8, groups = 2", ["shared-differs", "shared-differs"]),
        ("conv", "conv", "one", ", gain = true", ["shared-differs"]),
        ("conv_transpose", "conv", "one", ", gain = true", ["shared-differs"]),
        ("conv", "linear", "one", "", ["shares-no-weight"]),
        ("conv", "relu", "one", "", ["shares-no-weight"]),
        ("conv", "conv", "input", "", ["shares-no-layer"]),
        ("conv", "conv", "oen", "", ["unknown-layer"]),
        ("conv", "conv", "one", ', when = true, shares = "one"', ["keys-exclude"]),
        ("conv", "conv", "one", "", ["declared-differs"]),  # 4 channels enter the one, and 6 the other
    ],
)
def test_a_weight_that_does_not_fit(one, two, owner, said, found):
    assert codes(WEIGHT.format(one, CONV, two, owner, said)) == found


def test_a_gain_is_no_weight_of_a_transposed_convolution():
    assert codes(WEIGHT.format("conv", CONV + ", gain = true", "conv_transpose", "one", "")) == ["shares-no-weight"]


@pytest.mark.parametrize("said", ["when = false", "repeat = 0"])
def test_what_is_left_out_has_no_weight(said):
    assert codes(WEIGHT.format("conv", f"{CONV}, {said}", "conv", "one", "")) == ["shares-left-out"]


def test_a_block_has_no_weight():
    text = f'{HERE}layers = [{{ name = "b", block = "unit" }}, {{ type = "conv", shares_weight = "b" }}]\n[blocks.unit]\nlayers = [{{ type = "conv", out_channels = 3, kernel_size = 1 }}]'
    assert codes(text) == ["shares-no-layer"]
    assert codes(text.replace('type = "conv", shares_weight', 'block = "unit", shares_weight')) == ["keys-exclude"]


def test_a_weight_of_a_layer_that_is_not_known():
    text = WEIGHT.format("conv", "out_channels = 4, kernel_size = 0", "conv", "one", "")
    assert codes(text) == ["out-of-range"]
    broken = text.replace("kernel_size = 0", "kernel_size = 1").replace("input = [4,", "input = [0,")
    assert codes(broken.replace('"conv", shares_weight', '"conv_transpose", shares_weight')) == ["out-of-range"]


def test_a_layer_of_a_block_that_the_other_use_does_not_have():
    text = """input = [3, 32, 32]
layers = [
  { name = "one", block = "unit" },
  { name = "wide", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "two", shares = "one" },
]
[blocks.unit]
layers = [{ name = "x", type = "prelu", when = "in_channels > 3" }, "relu"]
"""
    (problem,) = problems(text)
    assert (problem.code, problem.message) == (
        "shared-differs",
        "x is built here, and not in one, whose weights it shares",
    )


@pytest.mark.parametrize("kind", ["conv", "conv_transpose"])
def test_a_weight_whose_channels_are_not_known(kind):
    text = WEIGHT.format("conv", "out_channels = 4, kernel_size = 1", kind, "one", "").replace(
        "layers = [", 'layers = [\n  { type = "cnov" },'
    )
    net = assemble(read_text(text))
    assert [problem.code for problem in net.check().problems] == ["unknown-type"]
    assert [row.parameters for row in net.check().layers] == [None, None, None]


FOLLOWING = """
inputs = {{ small = [4, 8, 8], large = [4, 16, 16], other = [4, 17, 17] }}
outputs = ["one", "two"]
layers = [
  {{ name = "one", type = "conv_transpose", out_channels = 3, kernel_size = 2, stride = 2, from = "small"{} }},
  {{ name = "two", shares = "one", from = "small"{} }},
]
"""


def test_a_layer_that_shares_follows_the_same_layer_or_its_own():
    outputs = {said: check(FOLLOWING.format(', like = "large"', said)).outputs for said in ("", ', like = "other"')}
    assert outputs == {
        "": {"one": (3, 16, 16), "two": (3, 16, 16)},
        ', like = "other"': {"one": (3, 16, 16), "two": (3, 17, 17)},
    }


def test_a_layer_that_shares_follows_none_where_the_other_does_not():
    text = FOLLOWING.format("", ', like = "large"')
    assert codes(text) == ["shared-differs"]
    assert problems(text)[0].message.startswith("like is given here, and not in one")
