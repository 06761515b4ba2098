"""Claimed figures and sizes: what the claim counts, as a cause, and the changes that meet it."""

import pytest
from helpers.fixes import candidates, case, first, fixes

import cnnshape
from cnnshape.diagnosis.causes import Causes
from cnnshape.diagnosis.of_claims import biases, unseen

# a: 3*8*9 + 8 = 224, bn: 16, b: 8*16*9 + 16 = 1168, fc: 16*10 + 10 = 170; 1578 parameters, 48 buffers aside
NET = """input = [3, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "n", type = "batch_norm" },
  "relu",
  { name = "b", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
  "global_avg_pool",
  "flatten",
  { name = "fc", type = "linear", out_features = 10 },
]
[claims]
%s
"""
MACS = 64 * 27 * 8 + 64 * 72 * 16 + 160


def cause(text):
    given = case(text)
    return Causes(given.net, given.report).of(given.problem)


@pytest.mark.parametrize(
    ("claim", "said", "layer"),
    [
        ("parameters = 1594", "1594 is the number of the parameters and the buffers", None),
        ("parameters_with_buffers = 1578", "1578 is the number of the parameters: parameters", None),
        ("parameters = 1570", "1570 is the figure without 8 biases: those of a", "a"),
        ("parameters = 1554", "1554 is the figure without 24 biases: those of all convolutions", None),
        ("parameters = 1544", "1544 is the figure without 34 biases: those of all layers", None),
        ("parameters = 1408", "fc has 170 parameters, and 1408 is the figure without it", "fc"),
        ("parameters = 2000", "2000 is 1578, rounded: a claim is exact", None),
        (f"macs = {2 * MACS}", f"{2 * MACS:,} is twice the multiply-accumulates", None),
        (f"macs = {MACS - 160}", f"{MACS - 160:,} is that of the convolutions alone", None),
        (f"macs = {MACS + 64 * 24 + 10}", f"{MACS + 1546:,} is that with an addition for each bias", None),
        (f"macs = {(MACS - 160) * 16 + 160}", f"{(MACS - 160) * 16 + 160:,} is the figure at a side of 32", None),
    ],
)
def test_the_cause_says_what_a_claimed_figure_counts(claim, said, layer):
    found = cause(NET % claim)
    assert (found.code, found.layer) == ("figure", layer)
    assert found.message.startswith(said)


def test_where_no_layer_has_a_bias_twice_the_macs_says_nothing_of_biases():
    layer = '{ type = "conv", out_channels = 8, kernel_size = 3, padding = 1, bias = false }'
    found = cause(f"input = [3, 8, 8]\nlayers = [{layer}]\n[claims]\nmacs = {2 * 64 * 27 * 8}\n")
    assert found.message.startswith("27,648 is twice the multiply-accumulates")


def test_a_use_of_one_layer_is_left_out_as_a_whole():
    text = """input = [3, 8, 8]
layers = [
  { name = "u", block = "one" },
  { name = "d", type = "conv", out_channels = 5, kernel_size = 1 },
]
[blocks.one]
layers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 }, "relu"]
[claims]
parameters = 45
"""  # u: 8*27 + 8 = 224; d: 5*8 + 5
    assert cause(text).message == "u has 224 parameters, and 45 is the figure without it"


@pytest.mark.parametrize("claim", ["parameters = 1577", "macs = 7", "receptive_field = 9", "parameters = 1560"])
def test_of_a_figure_that_counts_nothing_known_nothing_is_said(claim):
    assert cause(NET % claim) is None


def test_a_claim_beside_an_error_waits():
    assert cause((NET % "parameters = 1554").replace("out_features", "in_features = 9, out_features")) is not None
    given = case((NET % "parameters = 1554").replace("out_features", "in_features = 9, out_features"))
    claim = next(one for one in given.report.problems if one.code == "claim-differs")
    assert Causes(given.net, given.report).of(claim) is None


def test_biases_that_a_batch_norm_subtracts():
    text = """input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 8, kernel_size = 3 },
      "batch_norm",
      { name = "b", type = "conv", out_channels = 16, kernel_size = 3 },
      "batch_norm",
      { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
    ]
    [claims]
    parameters = %d"""
    with_all = 216 + 8 + 16 + 1152 + 16 + 32 + 64 + 4
    assert cause(text % (with_all - 24)).message.endswith(
        "those of the layers that a batch norm follows, which subtracts them"
    )
    assert fixes(text % (with_all - 24)) == [{"a.bias": False, "b.bias": False}]
    without = (text % with_all).replace("kernel_size = 3", "kernel_size = 3, bias = false")
    assert "is the figure with 24 biases" in cause(without).message
    assert fixes(without) == [{"a.bias": True, "b.bias": True}]


def test_biases_of_many_layers_are_a_default_of_the_file():
    layers = "".join(f'{{ name = "c{n}", type = "conv", out_channels = 8, kernel_size = 1 }},' for n in range(5))
    text = f"input = [8, 4, 4]\n%s\nlayers = [{layers}]\n[claims]\nparameters = 320"
    expected = {"layer_defaults.conv.bias": False}
    for defaults in ("", "layer_defaults.conv = { stride = 1 }", "layer_defaults.linear = { bias = true }"):
        assert candidates(biases, text % defaults)[0] == expected
        fix = first(cnnshape.loads(text % defaults).check()).fixes[0]
        assert cnnshape.loads(fix.apply(text % defaults)).check().ok


@pytest.mark.parametrize("claim", ["macs = 7", "parameters = 1577", 'valid_sizes = "none"'])
def test_no_bias_is_changed_for_another_claim(claim):
    assert candidates(biases, NET % claim) == []


SIZES = """input = [3, 16, 16]
layers = [
  { name = "a", type = "max_pool", kernel_size = %s, stride = 2, ceil_mode = true },
  { name = "b", type = "max_pool", kernel_size = 3, stride = 2, ceil_mode = true },
]
[claims]
valid_sizes = "%s"
"""


def test_sizes_that_only_another_window_takes():
    assert fixes(SIZES % (2, "every size from 4")) == [{"a.kernel_size": 3}]  # as b has it
    assert fixes(SIZES % (2, "multiples of 7, from 7")) == []


def test_of_two_windows_that_take_the_claimed_sizes_none_is_shown():
    text = """input = [3, 16, 16]
    layers = [
      { name = "a", type = "max_pool", kernel_size = 2, ceil_mode = true },
      { name = "one", type = "global_max_pool" },
      { name = "b", type = "avg_pool", kernel_size = 2, ceil_mode = true, from = "input" },
      { name = "two", type = "global_max_pool" },
      { type = "concat", from = ["one", "two"] },
    ]
    [claims]
    valid_sizes = "every size from 2"
    """
    assert fixes(text) == []
    assert fixes(text.replace('"avg_pool", kernel_size = 2', '"avg_pool", kernel_size = 1')) == [{"a.ceil_mode": False}]
    assert candidates(unseen, NET % "parameters = 1577") == []


def test_the_cause_of_sizes_is_the_first_that_differs():
    found = cause(SIZES % (2, "every size"))
    assert found.message == "1 is claimed, and b does not fit at it"
    assert found.layer == "b"
    assert cause(SIZES % (2, "every size from 9")).message == "3 works, and is not claimed"


def test_a_figure_that_only_a_claim_tells_wrong_mends_what_came_before_it():
    """The expectation is met by other windows too, and by another input; the parameters are those of one of them."""
    text = """input = [3, 33, 33]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = %d, stride = 4, expect = [4, 8, 8] },
    ]
    [claims]
    parameters = 304
    valid_sizes = "every size from 5"
    """
    problems = cnnshape.loads(text % 9).check().problems
    found = [problem for problem in problems if problem.fixes]
    assert [edit.new for fix in found[0].fixes for edit in fix.edits] == [5]
    assert found[0] is problems[0]
    assert all(problem.follows for problem in problems[1:])
