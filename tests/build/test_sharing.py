"""Shared weights: of layers and of blocks, counted once."""

import pytest
from helpers.texts import HERE, check, problems

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
