"""Weights that are fixed, standardised, or made by a weight_norm or spectral_norm: a live model's, against a file's."""

import re

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import DIFFERS, Code, compare
from models.weights import BlurPool, ScaledStdConv2d
from torch import nn

import cnnshape

CONV = "out_channels = 6, kernel_size = 3"
HOOK, MADE = nn.utils, nn.utils.parametrizations
ways = pytest.mark.parametrize("way", [HOOK, MADE], ids=["hook", "parametrization"])
norms = pytest.mark.parametrize("norm", ["weight_norm", "spectral_norm"])


def one_layer(layer, shape=(4, 8, 8)):
    return f"input = {list(shape)}\nlayers = [{{ {layer} }}]"


MODULES = [
    (f'type = "conv", {CONV}', (4, 8, 8), lambda: nn.Conv2d(4, 6, 3)),
    (f'type = "conv", {CONV}, groups = 2', (4, 8), lambda: nn.Conv1d(4, 6, 3, groups=2)),
    (f'type = "conv_transpose", {CONV}', (4, 8, 8), lambda: nn.ConvTranspose2d(4, 6, 3)),
    (f'type = "conv_transpose", {CONV}, groups = 2', (4, 8), lambda: nn.ConvTranspose1d(4, 6, 3, groups=2)),
    ('type = "linear", out_features = 6, bias = false', (4,), lambda: nn.Linear(4, 6, bias=False)),
]


@ways
@norms
@pytest.mark.parametrize(("layer", "shape", "module"), MODULES)
@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
def test_a_parametrization_is_that_of_the_file(way, norm, layer, shape, module):
    model = nn.Sequential(getattr(way, norm)(module()))
    said = f'{layer}, parametrization = "{norm}"'
    comparison = compare(one_layer(said, shape), model)
    assert comparison.problems == ()
    assert comparison.layers[0].parameters == sum(p.numel() for p in model.parameters())
    (problem,) = compare(one_layer(said, shape), nn.Sequential(module())).problems
    assert f"parametrization {norm}" in problem.message
    assert "parametrization none" in problem.message


@ways
@norms
@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
def test_a_file_that_does_not_say_is_held_by_the_counts_alone(way, norm):
    model = nn.Sequential(getattr(way, norm)(nn.Conv2d(4, 6, 3)))
    messages = [p.message for p in compare(one_layer(f'type = "conv", {CONV}'), model).problems]
    more = ["222 parameters in the file, but 228 parameters with its parametrization in 0"]
    assert messages == (more if norm == "weight_norm" else [])
    says_none = one_layer(f'type = "conv", {CONV}, parametrization = "none"')
    assert [p.code for p in compare(says_none, model).problems] == [DIFFERS]


@pytest.mark.parametrize("root", [False, True])
def test_standardised_weights_have_gains(root):
    model = ScaledStdConv2d(4, 6, 3) if root else nn.Sequential(ScaledStdConv2d(4, 6, 3))
    assert compare(one_layer(f'type = "conv", {CONV}, gain = true'), model).problems == ()
    (problem,) = compare(one_layer(f'type = "conv", {CONV}'), model).problems
    assert "222 parameters in the file, but 228 parameters in" in problem.message
    (problem,) = compare(one_layer(f'type = "conv", {CONV}, gain = true'), nn.Conv2d(4, 6, 3)).problems
    assert "gain, 228 parameters in the file, but no gain, 222 parameters in" in problem.message


class Buffered(nn.Module):
    """A function of x and a weight that is a buffer."""

    def __init__(self, function, *shape):
        super().__init__()
        self.function = function
        self.register_buffer("weight", torch.zeros(shape))

    def forward(self, x):
        return self.function(x, self.weight)


def buffered(module):
    """The same module, its weight and bias as buffers."""
    for name, weight in [*module.named_parameters()]:
        delattr(module, name)
        module.register_buffer(name, weight.detach())
    return module


FIXED = [
    ('type = "conv", out_channels = 6, kernel_size = 3, bias = false', (4, 8, 8), Buffered(F.conv2d, 6, 4, 3, 3)),
    (
        'type = "conv_transpose", out_channels = 6, kernel_size = 3, bias = false',
        (4, 8),
        Buffered(F.conv_transpose1d, 4, 6, 3),
    ),
    ('type = "linear", out_features = 6, bias = false', (4,), Buffered(F.linear, 6, 4)),
    ('type = "linear", out_features = 6', (4,), buffered(nn.Linear(4, 6))),
    (
        'type = "conv", out_channels = 4, kernel_size = 2, bias = false',
        (4, 8),
        Code(lambda x: F.conv1d(x, torch.ones(4, 4, 2))),
    ),
]


@pytest.mark.parametrize(("layer", "shape", "model"), FIXED)
def test_fixed_weights_are_no_parameters(layer, shape, model):
    text = one_layer(f"{layer}, learned = false", shape)
    assert compare(text, model).problems == ()
    (problem,) = compare(one_layer(layer, shape), model).problems
    assert re.match(r"learned, .* parameters in the file, but not learned", problem.message)


def test_a_blur_pool():
    conv = 'type = "conv", out_channels = 4, kernel_size = 3, stride = 2, groups = 4, bias = false'
    text = 'input = [4, 9, 9]\nlayers = [{ type = "pad", padding = 1, mode = "reflect" }, { %s%s }]'
    assert compare(text % (conv, ", learned = false"), BlurPool(4)).problems == ()
    assert not compare(text % (conv, ""), BlurPool(4)).ok


def test_weights_computed_from_the_input_are_neither():
    """A dynamic convolution: whether its weights are learned, nobody can say."""

    class Dynamic(nn.Module):
        def forward(self, x):
            return F.conv2d(x, x.mean((2, 3)).reshape(1, 4, 1, 1))

    text = one_layer('type = "conv", out_channels = 1, kernel_size = 1, bias = false, learned = false')
    assert "learned" not in " ".join(problem.message for problem in compare(text, Dynamic()).problems)


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_the_cross_check_makes_them(device):
    net = cnnshape.loads(
        """
        input = [4, 9, 9]
        layers = [
          { type = "conv", out_channels = 8, kernel_size = 3, learned = false },
          { type = "conv", out_channels = 8, kernel_size = 3, gain = true, padding = 1, padding_mode = "circular" },
          { type = "conv_transpose", out_channels = 6, kernel_size = 3, groups = 2, parametrization = "weight_norm" },
          { type = "conv", out_channels = 6, kernel_size = 3, gain = true, parametrization = "spectral_norm" },
          "flatten",
          { type = "linear", out_features = 3, parametrization = "spectral_norm" },
        ]
        """
    )
    assert {layer.verdict for layer in cnnshape.verify(net, device).layers} == {"agrees"}
