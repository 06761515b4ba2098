"""What a model computes between its layers, and is no layer of the file, is a warning with its line."""

import re

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import compare, found, here
from torch import nn

BETWEEN = "between-layers"
NET = """
input = [4, 8, 8]
layers = [{ name = "conv", type = "conv", out_channels = 4, kernel_size = 1 }, { name = "act", type = "relu" }]
"""


class Net(nn.Module):
    """A convolution and a relu, with a function before, between or behind them."""

    def __init__(self, **functions):
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 1)
        self.register_buffer("mask", torch.ones(1))
        self.functions = functions

    def forward(self, x):
        before, between, behind = (self.functions.get(name, same) for name in ("before", "between", "behind"))
        return behind(self, F.relu(between(self, self.conv(before(self, x)))))


def same(_, x):
    return x


def put(_, x):
    x[:, 0] = 1.0
    return x


def clamped(_, x):
    torch.clamp(x, max=2.0, out=x)
    return x


ALTERS = {
    "a product": (lambda _, x: x * 2, "mul()"),
    "the other way round": (lambda _, x: 2 * x, "mul()"),
    "in place": (lambda _, x: x.mul_(2), "mul()"),
    "a difference": (lambda _, x: 1 - x, "rsub()"),
    "a buffer": (lambda m, x: x * m.mask, "mul()"),
    "minus": (lambda _, x: -x, "neg()"),
    "turned over": (lambda _, x: x.flip(1), "flip()"),
    "rolled": (lambda _, x: x.roll(1, 2), "roll()"),
    "sorted": (lambda _, x: x.sort(1)[0], "sort()"),
    "other channels": (lambda _, x: x[:, [1, 0, 2, 3]], "getitem()"),
    "picked": (lambda _, x: x.index_select(1, torch.tensor([1, 0, 2, 3])), "index_select()"),
    "sums": (lambda _, x: x.cumsum(1), "cumsum()"),
    "a product of matrices": (lambda _, x: torch.einsum("bchw,cd->bdhw", x, torch.eye(4)), "einsum()"),
    "written into": (put, "setitem()"),
    "a clamp": (clamped, "clamp()"),
    "several": (lambda _, x: (x - 0.5) / 0.2, "sub() and div()"),
    "noise": (lambda _, x: x + torch.randn_like(x), "add()"),
}


@pytest.mark.parametrize("where", ["before", "between", "behind"])
@pytest.mark.parametrize("what", ALTERS)
def test_what_changes_numbers_or_moves_them_is_a_warning(what, where):
    function, said = ALTERS[what]
    comparison = compare(NET, Net(**{where: function}), "cpu")
    (problem,) = comparison.problems
    layer = {"before": "", "between": "conv", "behind": "act"}[where]
    assert (problem.code, problem.severity, problem.layer) == (BETWEEN, "warning", layer)
    behind = layer and f" behind {layer}"
    title = f"the model has {re.escape(said)} \\(test_between_layers.py:\\d+\\){behind}, which changes numbers or moves them, "
    assert re.match(title, problem.message)
    assert comparison.ok
    assert compare(f'allow = "{BETWEEN}"\n{NET}', Net(**{where: function}), "cpu").problems == ()


KEEPS = {
    "copies": lambda _, x: x.clone().contiguous().detach(),
    "types": lambda _, x: x.double().to(torch.float16).float().type_as(x),
    "neutral numbers": lambda _, x: (0 + x * 1 - 0) / 1,
    "shapes": lambda _, x: x.view(-1, 4, 64).unsqueeze(1).squeeze(1).unflatten(2, (8, 8)),
    "axes and back": lambda _, x: x.permute(0, 2, 3, 1).movedim(-1, 1),
    "all of it": lambda _, x: x[:, :, None][:, :, 0].narrow(1, 0, 4).chunk(1)[0],
    "data": lambda _, x: x.data,
    "of no use": lambda _, x: (x, x.mean(), (x * 2).max().item(), x.flip(1))[0],
    "the shape alone": lambda _, x: (x, torch.zeros_like(x) + 1)[0],
}


@pytest.mark.parametrize("where", ["before", "between", "behind"])
@pytest.mark.parametrize("what", KEEPS)
def test_what_keeps_all_numbers_is_none(what, where):
    assert here(compare(NET, Net(**{where: KEEPS[what]}), "cpu")) == []


def test_a_line_is_told_once_and_a_layer_may_allow_it():
    def often(_, x):
        for _ in range(5):
            x = x.flip(1) * 3
        return x

    (problem,) = compare(NET, Net(between=often, behind=often)).problems
    assert "flip() and mul() (test_between_layers.py:" in problem.message
    assert problem.layer == "conv"
    assert (
        compare(NET.replace('name = "conv"', f'name = "conv", allow = "{BETWEEN}"'), Net(between=often)).problems == ()
    )


def test_what_the_file_has_as_a_layer_is_one():
    scaled = NET.replace('{ name = "act"', '{ type = "scale", value = 2 }, { name = "act"')
    assert compare(scaled, Net(between=lambda _, x: x * 2)).problems == ()
    assert found(compare(scaled, Net(between=lambda _, x: x * 3))) == [("model-differs", "scale1")]


def test_parameters_between_layers_are_still_those_of_the_next():
    class Standardised(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(4, 4, 1, 1))

        def forward(self, x):
            return F.relu(F.conv2d(x, self.weight - self.weight.mean()))

    text = NET.replace("kernel_size = 1", "kernel_size = 1, bias = false")
    assert compare(text, Standardised()).problems == ()


def test_a_constant_is_not_made_of_what_it_has_the_shape_of():
    class Shortcut(nn.Module):
        def forward(self, x):
            return torch.cat([F.relu(x), torch.zeros_like(x)], 1)

    text = 'input = [4, 8, 8]\nlayers = [{ name = "act", type = "relu" }, { name = "pad", type = "pad", channels = 4 }]'
    comparison = compare(text, Shortcut())
    assert not any("input" in problem.message for problem in comparison.problems)


def test_a_sum_of_which_a_part_is_looked_at_is_one_sum():
    class Looks(nn.Module):
        def forward(self, x):
            a = F.relu(x) + F.sigmoid(x)
            assert (a * 2).max() < 99
            return a + F.tanh(x)

    text = """
    input = [4, 8, 8]
    layers = [
      { name = "r", type = "relu" },
      { name = "s", type = "sigmoid", from = "input" },
      { name = "t", type = "tanh", from = "input" },
      { type = "add", from = ["r", "s", "t"] },
    ]
    """
    assert compare(text, Looks()).problems == ()


def test_where_a_model_raises_nothing_is_said_of_what_is_between():
    def raises(_, x):
        raise ValueError

    codes = [code for code, _ in found(compare(NET, Net(between=lambda _, x: x * 2, behind=raises)))]
    assert codes == ["model-fails"]
