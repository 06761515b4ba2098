"""Functions of torch, numbers and learned tensors in a live model, as people write them, against a file's."""

import re

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import ADDS, DIFFERS, MISSES, Code, compare, found
from torch import nn

MAP = (4, 8, 8)


class Halved(float):
    """A number of another kind, as numpy's are."""

    def __new__(cls):
        return super().__new__(cls, 0.5)


def one_layer(layer, shape=MAP):
    return f"input = {list(shape)}\nlayers = [{{ {layer} }}]"


def function(name, **numbers):
    return ", ".join(['type = "function"', f'function = "{name}"', *(f"{key} = {n}" for key, n in numbers.items())])


SAME = [
    (function("exp"), Code(torch.exp)),
    (function("exp"), Code(lambda x: x.exp_())),
    (function("abs"), Code(abs)),
    (function("neg"), Code(lambda x: -x)),
    (function("neg"), Code(lambda x: x * -1)),
    (function("expm1"), Code(torch.special.expm1)),
    (function("asin"), Code(torch.arcsin)),
    (function("pow", value=2), Code(lambda x: x**2)),
    (function("pow", value=2), Code(torch.square)),
    (function("square"), Code(lambda x: x.pow(2))),
    (function("sqrt"), Code(lambda x: x**0.5)),
    (function("rsqrt"), Code(lambda x: torch.pow(x, -0.5))),
    (function("reciprocal"), Code(lambda x: 1 / x)),
    (function("reciprocal"), Code(lambda x: x**-1)),
    (function("add", value=1), Code(lambda x: 1 + x)),
    (function("add", value=-3), Code(lambda x: x.sub(3))),
    (function("sub", value=3), Code(lambda x: torch.sub(x, other=3))),
    (function("rsub", value=1), Code(lambda x: 1 - x)),
    (function("mul", value=0.5), Code(lambda x: x / 2)),
    (function("div", value=2), Code(lambda x: 0.5 * x)),
    ('type = "scale", value = 0.5', Code(lambda x: x.true_divide(2))),
    (function("div", value=3), Code(lambda x: x / 3)),
    (function("floor_divide", value=2), Code(lambda x: x // 2)),
    (function("remainder", value=2), Code(lambda x: x % 2)),
    (function("clamp", min=0.1), Code(lambda x: x.clamp_min(0.1))),
    (function("clamp", max=0.5), Code(lambda x: torch.clamp_max(x, 0.5))),
    (function("clamp", min=-1, max=1), Code(lambda x: torch.clip(x, -1, 1))),
    (function("clamp", min=-1, max=1), Code(F.hardtanh)),
    (function("clamp", min=0, max=6), Code(F.relu6)),
    (function("clamp", min=0, max=6), Code(lambda x: x.clamp(0, 6))),
    ('type = "relu6"', Code(lambda x: x.clamp(0, 6))),
    ('type = "hardtanh"', Code(lambda x: x.clamp(-1, 1))),
    ('type = "relu"', Code(lambda x: torch.clamp(input=x, min=0))),
    ('type = "scale", value = 0.5', Code(lambda x: x * Halved())),
    (function("clamp", min=0), Code(torch.relu)),
    (function("clamp", min=2, max=1), Code(lambda x: x.clamp(2, 1))),
    ('type = "scale"', Code(lambda x, gamma: x * gamma, (4, 1, 1))),
    ('type = "scale", shape = [4, 1, 1]', Code(lambda x, gamma: gamma.reshape(1, -1, 1, 1) * x, 4)),
    ('type = "scale", shape = []', Code(lambda x, gain: x * gain, ())),
    ('type = "scale", shape = [1]', Code(lambda x, gain: gain * x, 1)),
    ('type = "scale", shape = [4, 8, 8]', Code(torch.mul, MAP)),
    ('type = "scale", shape = [4, 1, 1]', Code(lambda x, temperature: x / temperature, (4, 1, 1))),
    ('type = "bias"', Code(lambda x, b: x + b, (4, 1, 1))),
    ('type = "bias", shape = [1, 8, 8]', Code(lambda x, position: position + x, (8, 8))),
    ('type = "bias", shape = []', Code(lambda x, mean: x - mean, 1)),
]


@pytest.mark.parametrize(("layer", "model"), SAME)
def test_what_is_the_same_agrees(layer, model):
    comparison = compare(one_layer(layer), model)
    assert comparison.problems == ()
    assert comparison.layers[0].model  # it was matched, not left out


OTHER = [
    (function("exp"), Code(torch.expm1), "function exp in the file, but function expm1 in"),
    (function("pow", value=3), Code(lambda x: x**2), "value 3.0 in the file, but value 2.0 in"),
    (function("add", value=1), Code(lambda x: x + 2), "value 1.0 in the file, but value 2.0 in"),
    ('type = "scale"', Code(lambda x, gain: x * gain, 1), "4 parameters in the file, but .* 1 parameters"),
    ('type = "bias"', Code(lambda x, b: x + b, 1), "4 parameters in the file, but .* 1 parameters"),
    ('type = "bias"', Code(lambda x, b: x * b, (4, 1, 1)), "bias in the file, but scale in"),
]


@pytest.mark.parametrize(("layer", "model", "said"), OTHER)
def test_what_is_not_the_same_differs(layer, model, said):
    (problem,) = compare(one_layer(layer), model).problems
    assert problem.code == DIFFERS
    assert re.search(said, problem.message)


NONE = [  # no function of one result and numbers
    Code(lambda x: torch.add(x, x.mean(), alpha=2)),
    Code(lambda x: torch.round(x, decimals=2)),
    Code(lambda x: torch.div(x, 2, rounding_mode="floor")),
    Code(lambda x: 2 / x),
    Code(lambda x: 2**x),
    Code(lambda x: x.clamp(torch.zeros(()), torch.ones(()))),
    Code(lambda x: torch.pow(2, x)),
    Code(lambda x: x.clamp(min=None, max=torch.ones(()))),
    Code(lambda x: x + torch.ones(4, 1, 1)),
    Code(lambda x: sum([x])),
]


@pytest.mark.parametrize("model", NONE)
def test_what_is_no_function_of_one_result_is_missed(model):
    codes = {code for code, _ in found(compare(one_layer(function("exp")), model))}
    assert codes <= {MISSES, ADDS, "between-layers"}
    assert MISSES in codes


@pytest.mark.parametrize(
    "model", [Code(torch.exp), Code(lambda x: (x / 255 - 0.5) ** 2), Code(lambda x: x.clamp(-1, 1))]
)
def test_functions_that_are_left_out_of_the_file_are_a_warning(model):
    comparison = compare(one_layer('type = "identity"'), model)
    assert found(comparison) == [("between-layers", "")]
    assert comparison.ok


def test_learned_tensors_may_not():
    problems = compare(one_layer('type = "identity"'), Code(lambda x, b: x + b, (4, 1, 1))).problems
    assert [problem.code for problem in problems] == [ADDS]


class LayerScale(nn.Module):
    """As in ConvNeXt of timm: channels last within."""

    def __init__(self, channels):
        super().__init__()
        self.norm, self.wide, self.thin = nn.LayerNorm(channels), nn.Linear(channels, 16), nn.Linear(16, channels)
        self.depth = nn.Conv2d(channels, channels, 7, padding=3, groups=channels)
        self.gamma = nn.Parameter(1e-6 * torch.ones(channels))

    def forward(self, x):
        y = self.norm(self.depth(x).permute(0, 2, 3, 1))
        y = self.gamma * self.thin(F.gelu(self.wide(y)))
        return x + y.permute(0, 3, 1, 2)


@pytest.mark.parametrize("scale", ['type = "scale"', 'type = "scale", shape = [4, 1, 1]'])
def test_layer_scale(scale):
    text = f"""
    input = [4, 8, 8]
    layers = [
      {{ type = "conv", out_channels = 4, kernel_size = 7, padding = 3, groups = 4 }},
      {{ type = "layer_norm", over = "channels" }},
      {{ type = "conv", out_channels = 16, kernel_size = 1 }},
      "gelu",
      {{ type = "conv", out_channels = 4, kernel_size = 1 }},
      {{ name = "scaled", {scale} }},
      {{ type = "add", from = ["scaled", "input"] }},
    ]
    """
    comparison = compare(text, LayerScale(4))
    assert comparison.problems == ()
    assert sum(match.parameters or 0 for match in comparison.layers) == sum(
        p.numel() for p in LayerScale(4).parameters()
    )
