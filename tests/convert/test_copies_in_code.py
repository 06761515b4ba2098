"""Copies of a block that differ, in generated code: names of arguments that mean something else, and numbers that a copy lacks."""

import pytest

pytest.importorskip("torch")

import torch
from helpers.generated import model_of, shapes

import cnnshape
from cnnshape.convert.to_torch.code import torch_code

A_RESIDUAL = """
  { name = "residual", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "b", type = "conv", out_channels = 8, kernel_size = 1 },
  { name = "s", type = "add", from = ["b", "input"], when = "first == 1" },
"""
THREE_SUMS = """
  { name = "a", type = "conv", out_channels = 8, kernel_size = 3, padding = 1 },
  { name = "s", type = "add", from = ["a", "input"], when = "first == 1" },
  { name = "b", type = "conv", out_channels = 8, kernel_size = 1 },
  { name = "t", type = "add", from = ["b", "s"], when = "first == 1" },
  { name = "c", type = "conv", out_channels = 8, kernel_size = 1 },
  { name = "u", type = "add", from = ["c", "t"], when = "second == 1" },
"""
NAMED = """
  {{ name = "{}", type = "conv", out_channels = 8, kernel_size = 3, padding = 1, when = "first == 1" }},
  {{ name = "b", type = "conv", out_channels = 8, kernel_size = 1 }},
"""
OF_A_LIST = """
  { name = "m", type = "conv", out_channels = 8, kernel_size = 1, repeat = 3, when = "i < 2 or first == 1" },
  { name = "j", type = "add", from = ["m.0", "m.2"] },
"""
A_METHOD = """
  { name = "b", type = "conv", out_channels = 8, kernel_size = 1 },
  { name = "cut", type = "slice", dim = 1, start = 0, stop = "2 * train + 2" },
  { name = "c", type = "conv", out_channels = 8, kernel_size = 1 },
"""
A_MULTIPLE = """
  { name = "gate", type = "conv", out_channels = "4 * narrow", kernel_size = 1, when = "narrow > 0" },
  { name = "b", type = "conv", out_channels = "8 * narrow if narrow > 0 else 100", kernel_size = 1 },
"""


def net_of(arguments, copies, layers):
    """A net of copies of one block, each with its numbers."""
    uses = [
        f'{{ name = "u{at}", block = "unit", '
        + ", ".join(f"{name} = {number}" for name, number in zip(arguments, copy, strict=True))
        + " },"
        for at, copy in enumerate(copies)
    ]
    return cnnshape.loads(
        f'name = "Copies"\ninput = [8, 16, 16]\nlayers = [\n{chr(10).join(uses)}\n]\n'
        f"[blocks.unit]\narguments = {arguments}\nlayers = [{layers}]\n"
    )


@pytest.mark.parametrize(
    ("arguments", "copies", "layers"),
    [
        pytest.param(["first"], [[1], [1], [0]], A_RESIDUAL, id="a layer named residual"),
        pytest.param(["first", "second"], [[1, 1], [1, 1], [0, 0], [1, 0]], THREE_SUMS, id="three sums"),
        pytest.param(["first"], [[1], [0]], NAMED.format("nn"), id="a layer named nn"),
        pytest.param(["first"], [[1], [0]], NAMED.format("self"), id="a layer named self"),
        pytest.param(["first"], [[1], [1], [0]], OF_A_LIST, id="an entry of a list"),
        pytest.param(["train"], [[3], [1]], A_METHOD, id="an argument named train"),
        pytest.param(["narrow"], [[1], [2], [0]], A_MULTIPLE, id="a multiple of what a copy lacks"),
    ],
)
def test_the_code_of_copies_is_the_net(tmp_path, arguments, copies, layers):
    net = net_of(arguments, copies, layers)
    built = cnnshape.build(net).eval()
    written = model_of(torch_code(net), tmp_path).to_empty(device="cpu")
    assert shapes(written) == shapes(built)
    written.load_state_dict(built.state_dict())
    x = torch.rand(2, 8, 16, 16)
    assert torch.equal(written(x), built(x))
