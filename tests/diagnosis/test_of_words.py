"""Words that were meant, put into the text: each is one edit, and the rest of the file stays."""

import pytest
from helpers.texts import problems

import cnnshape

CONV = "kernel_size = 3, padding = 1"
NET = f"""
name = "net"
input = [3, 8, 8]
constants = {{ width = 8 }}
allow = ["unused-result"]
layer_defaults.conv = {{ bias = false }}
layers = [
  {{ name = "conv1", type = "conv", out_channels = "2 * width", {CONV} }},
  "relu",
  {{ name = "res", block = "residual", depth = 2 }},
  {{ name = "sum", type = "add", from = ["conv1", "res"] }},
  {{ name = "pad", type = "pad", padding = 1, mode = "reflect" }},
]
[blocks.residual]
arguments = ["depth"]
layers = [{{ name = "conv", type = "conv", out_channels = 16, {CONV}, repeat = "depth" }}]
"""


def test_the_net_is_well():
    assert not problems(NET)


@pytest.mark.parametrize(
    ("right", "wrong", "summary"),
    [
        ('type = "conv", out_channels = "2', 'type = "Conv2d", out_channels = "2', 'conv1: type = "conv"'),
        ('"relu"', '"rellu"', '{}: type = "relu"'),
        ('"relu"', '{ type = "ReLU" }', '{}: type = "relu"'),
        ("out_channels = 16", "filters = 16", "res.conv.0: out_channels, not filters"),
        ("kernel_size = 3, padding = 1 }", "kernal_size = 3, padding = 1 }", "conv1: kernel_size, not kernal_size"),
        ("input = ", "inptu = ", "input, not inptu"),
        ('["conv1", "res"]', '["conv1", "rse"]', 'sum: from = "res"'),
        ('"2 * width"', '"2 * widht"', 'conv1: out_channels = "2 * width"'),
        ('"reflect"', '"reflct"', 'pad: mode = "reflect"'),
        ('block = "residual"', 'block = "residul"', 'res: block = "residual"'),
        ("depth = 2", "dpeth = 2", "res: depth, not dpeth"),
        ("defaults.conv", "defaults.cnov", "conv, not cnov"),
        ('["unused-result"]', '["unused-reslut"]', 'allow = "unused-result"'),
    ],
)
def test_a_word_that_was_meant_is_a_fix(right, wrong, summary):
    assert right in NET
    broken = NET.replace(right, wrong, 1)
    found = problems(broken)
    (fix,) = found[0].fixes
    assert fix.summary.partition(": ")[2] == summary.partition(": ")[2]
    assert fix.summary.startswith(summary.partition("{}")[0].partition(":")[0])
    changed = fix.apply(broken)
    assert changed in {NET, NET.replace('"relu"', '{ type = "relu" }')}


def test_what_is_not_close_to_anything_has_no_fix():
    (problem,) = problems(NET.replace('"relu"', '"xyzzy"'))
    assert not problem.fixes


def test_a_word_of_an_included_file_is_not_edited(tmp_path):
    (tmp_path / "blocks.toml").write_text('[blocks.a]\nlayers = ["rellu"]')
    (tmp_path / "net.toml").write_text('include = ["blocks.toml"]\ninput = [3, 8, 8]\nlayers = [{ block = "a" }]')
    with pytest.raises(cnnshape.ArchitectureError) as error:
        cnnshape.load(tmp_path / "net.toml")
    assert not error.value.problems[0].fixes


@pytest.mark.parametrize(
    ("broken", "right", "summary"),
    [
        (
            'input = [3]\nlayers = [{ name = "a", type = "relu" }]\n\n[claims]\nmacs = 0\noutputs = ["a"]\n',
            'input = [3]\noutputs = ["a"]\nlayers = [{ name = "a", type = "relu" }]\n\n[claims]\nmacs = 0\n',
            'no claims.outputs; outputs = ["a"]',
        ),
        (
            'input = [3]\nlayers = [{ type = "res" }]\n[blocks.res]\nlayers = ["relu"]\n',
            'input = [3]\nlayers = [{ block = "res" }]\n[blocks.res]\nlayers = ["relu"]\n',
            "res1: block, not type",
        ),
        (
            'input = [3]\nlayers = ["res"]\n[blocks.res]\nlayers = ["relu"]\n',
            'input = [3]\nlayers = [{ block = "res" }]\n[blocks.res]\nlayers = ["relu"]\n',
            "res1: block, not type",
        ),
        (
            'input = [3]\nlayers = [{ name = "r", block = "relu" }]\n',
            'input = [3]\nlayers = [{ name = "r", type = "relu" }]\n',
            "r: type, not block",
        ),
    ],
)
def test_a_key_is_put_where_it_belongs(broken, right, summary):
    (problem,) = problems(broken)
    (fix,) = problem.fixes
    assert (fix.apply(broken), fix.summary) == (right, summary)
    assert not problems(right)


@pytest.mark.parametrize(
    "text",
    [
        'input = [3]\nlayers = ["relu"]\n[claims]\nlayers = [{ type = "relu" }]\n',  # they are there already
        'input = [3]\n[claims]\nlayers = [{ type = "relu" }]\n',  # too much to be moved
        'input = [3]\nlayers = ["relu"]\n[claims]\nblocks = { a = { layers = ["relu"] } }\n',
    ],
)
def test_a_key_that_cannot_be_moved_has_no_fix(text):
    assert not [fix for problem in problems(text) for fix in problem.fixes]
