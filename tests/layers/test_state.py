"""The names and shapes of the tensors that a layer has, against the state_dict() of torch's modules."""

import pytest

pytest.importorskip("torch")

from math import prod

import torch
from helpers.paths import ARCHITECTURES
from torch import nn
from torch.nn.utils import parametrizations

import cnnshape

FLAT, IMAGE, SEQUENCE = "[12]", "[6, 8, 8]", "[6, 16]"
norm, spectral = parametrizations.weight_norm, parametrizations.spectral_norm

LAYERS = {
    'type = "conv", out_channels = 4, kernel_size = [3, 5]': (IMAGE, lambda: nn.Conv2d(6, 4, (3, 5))),
    'type = "conv", out_channels = 4, kernel_size = 3, groups = 2, bias = false': (
        IMAGE,
        lambda: nn.Conv2d(6, 4, 3, groups=2, bias=False),
    ),
    'type = "conv", out_channels = 4, kernel_size = 3, padding = "same_upper"': (SEQUENCE, lambda: nn.Conv1d(6, 4, 3)),
    'type = "conv", out_channels = 4, kernel_size = 3, parametrization = "weight_norm"': (
        IMAGE,
        lambda: norm(nn.Conv2d(6, 4, 3)),
    ),
    'type = "conv", out_channels = 4, kernel_size = 3, groups = 2, parametrization = "spectral_norm"': (
        IMAGE,
        lambda: spectral(nn.Conv2d(6, 4, 3, groups=2)),
    ),
    'type = "conv_transpose", out_channels = 4, kernel_size = 3, groups = 2': (
        IMAGE,
        lambda: nn.ConvTranspose2d(6, 4, 3, groups=2),
    ),
    'type = "conv_transpose", out_channels = 4, kernel_size = 3, parametrization = "weight_norm"': (
        IMAGE,
        lambda: norm(nn.ConvTranspose2d(6, 4, 3)),
    ),
    'type = "conv_transpose", out_channels = 4, kernel_size = 3, groups = 2, parametrization = "spectral_norm"': (
        IMAGE,
        lambda: spectral(nn.ConvTranspose2d(6, 4, 3, groups=2)),
    ),
    'type = "linear", out_features = 5': (FLAT, lambda: nn.Linear(12, 5)),
    'type = "linear", out_features = 5, bias = false, parametrization = "spectral_norm"': (
        FLAT,
        lambda: spectral(nn.Linear(12, 5, bias=False)),
    ),
    'type = "batch_norm"': (IMAGE, lambda: nn.BatchNorm2d(6)),
    'type = "batch_norm", affine = false': (IMAGE, lambda: nn.BatchNorm2d(6, affine=False)),
    'type = "batch_norm", track_running_stats = false': (IMAGE, lambda: nn.BatchNorm2d(6, track_running_stats=False)),
    'type = "instance_norm"': (IMAGE, lambda: nn.InstanceNorm2d(6)),
    'type = "instance_norm", affine = true, track_running_stats = true': (
        IMAGE,
        lambda: nn.InstanceNorm2d(6, affine=True, track_running_stats=True),
    ),
    'type = "group_norm", num_groups = 2': (IMAGE, lambda: nn.GroupNorm(2, 6)),
    'type = "layer_norm", over = "all"': (IMAGE, lambda: nn.LayerNorm([6, 8, 8])),
    'type = "layer_norm", over = "channels", bias = false': (IMAGE, lambda: nn.LayerNorm(6, bias=False)),
    'type = "rms_norm", over = "channels"': (IMAGE, lambda: nn.RMSNorm(6)),
    'type = "embedding", num_embeddings = 10, embedding_dim = 4': (FLAT, lambda: nn.Embedding(10, 4)),
    'type = "unfold", kernel_size = 2': (IMAGE, lambda: nn.Unfold(2)),
    'type = "local_response_norm", size = 2': (IMAGE, lambda: nn.LocalResponseNorm(2)),
    'type = "prelu", num_parameters = 6': (IMAGE, lambda: nn.PReLU(6)),
    'type = "lstm", hidden_size = 5, over = 2, num_layers = 2, bidirectional = true': (
        SEQUENCE,
        lambda: nn.LSTM(6, 5, 2, bidirectional=True),
    ),
    'type = "gru", hidden_size = 5, over = 1, bias = false': (SEQUENCE, lambda: nn.GRU(16, 5, bias=False)),
    'type = "rnn", hidden_size = 5, over = 2, num_layers = 3': (SEQUENCE, lambda: nn.RNN(6, 5, 3)),
    'type = "attention", num_heads = 2, over = 2': (SEQUENCE, lambda: nn.MultiheadAttention(6, 2)),
    'type = "attention", num_heads = 2, over = 2, bias = false': (SEQUENCE, lambda: nn.MultiheadAttention(6, 2, bias=False)),
    'type = "max_pool", kernel_size = 2': (IMAGE, lambda: nn.MaxPool2d(2)),
    'type = "relu"': (IMAGE, nn.ReLU),
}  # fmt: skip


def shapes(module):
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def of_text(layer, entering):
    (row,) = cnnshape.loads(f"input = {entering}\nlayers = [{{ {layer} }}]").check().layers
    return row.node.layer, row.input_shapes[0]


@pytest.mark.parametrize("text", LAYERS)
def test_the_tensors_are_those_of_torchs_module(text):
    entering, module = LAYERS[text]
    layer, x = of_text(text, entering)
    assert layer.state(x) == shapes(module())


def weight_g_and_v():
    with pytest.warns(FutureWarning):
        return nn.utils.weight_norm(nn.Conv2d(6, 4, 3))


@pytest.mark.parametrize(
    ("text", "module"),
    [
        ('type = "conv", out_channels = 4, kernel_size = 3, parametrization = "weight_norm"', weight_g_and_v),
        (
            'type = "conv", out_channels = 4, kernel_size = 3, parametrization = "spectral_norm"',
            lambda: nn.utils.spectral_norm(nn.Conv2d(6, 4, 3)),
        ),
    ],
)
def test_the_older_hooks_have_other_names(text, module):
    layer, x = of_text(text, IMAGE)
    (names,) = layer.also()
    assert {names.get(name, name): shape for name, shape in layer.state(x).items()} == shapes(module())


def test_an_attention_with_biases_of_its_own_is_two_linear_layers():
    layer, x = of_text('type = "attention", num_heads = 2, over = 2, qkv_bias = false', SEQUENCE)
    parts = nn.ModuleDict({"qkv": nn.Linear(6, 18, bias=False), "proj": nn.Linear(6, 6)})
    assert layer.state(x) == shapes(parts)


@pytest.mark.parametrize("file", sorted(ARCHITECTURES.glob("*.toml")), ids=lambda path: path.stem)
def test_the_tensors_of_a_network_are_its_parameters_and_buffers(file):
    """The counts are torch's, by other tests."""
    for row in cnnshape.load(file).check().layers:
        if row.node.shares or row.node.shares_weight:
            continue
        state = row.node.layer.state(row.input_shapes[0])
        counters = sum(name.endswith("num_batches_tracked") for name in state)
        assert sum(map(prod, state.values())) - counters == row.parameters + row.buffers, row.name


def test_the_names_that_a_module_has_itself():
    from cnnshape.network.module_names import TAKEN, module_names

    assert {name for name in dir(nn.Module()) if not name.startswith("_")} <= TAKEN
    named = module_names(["half.conv", "half_", "fc", "__init__", "blocks.to"])
    assert named == {
        "half.conv": "half__.conv",
        "half_": "half_",
        "fc": "fc",
        "__init__": "__init___",
        "blocks.to": "blocks.to_",
    }
    for name in named.values():
        torch.nn.Module().add_module(name.replace(".", "-"), nn.Identity())
