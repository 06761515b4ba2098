"""What is a layer in code of all kinds, and when it is the same as a file's."""

import re

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import ADDS, DIFFERS, Code, compare, found, here, matched, verdicts
from torch import nn

import cnnshape
from cnnshape.pytorch import watch

# Code of all kinds


class Bare(nn.Module):
    """Parameters of one's own, and functions."""

    def __init__(self):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(8, 2, 3, 3)), nn.Parameter(torch.zeros(8))
        self.gain, self.shift = nn.Parameter(torch.ones(8, 1, 1)), nn.Parameter(torch.zeros(8))

    def forward(self, x):
        x = F.conv2d(x, self.weight * 2, self.bias, padding=1, groups=2)
        x = F.group_norm(x, 2, self.gain.flatten(), self.shift)
        x = F.leaky_relu(x, 0.2) * self.gain
        return F.interpolate(x, scale_factor=2)


def test_functions_on_parameters_are_layers_as_well():
    text = """
    input = [4, 8, 8]
    layers = [
      { type = "conv", out_channels = 8, kernel_size = 3, padding = 1, groups = 2 },
      { type = "group_norm", num_groups = 2 },
      { type = "leaky_relu", negative_slope = 0.2 },
      { type = "upsample", size = 16 },
    ]
    """
    comparison = compare(text, Bare())
    assert found(comparison) == [("model-adds", "leaky_relu1")]  # the gain once more
    assert verdicts(comparison) == dict.fromkeys(["conv1", "group_norm1", "leaky_relu1", "upsample1"], "agrees")
    assert compare(text.replace("groups = 2 }", "groups = 4 }", 1), Bare()).problems[0].layer == "conv1"


def test_parameters_that_no_layer_knows_are_extra():
    class Positions(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.position = nn.Conv2d(1, 2, 3), nn.Parameter(torch.zeros(2, 6, 6))
            self.mix = nn.Parameter(torch.zeros(6, 6))
            self.aux = nn.Linear(3, 3)

        def forward(self, x):
            return (self.conv(x) + self.position) @ self.mix

    comparison = compare(
        'input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 3 }]', Positions()
    )
    assert [code for code, _ in found(comparison)] == [ADDS, ADDS, "unused-in-model"]
    said = [problem.message for problem in comparison.problems]
    assert "add() (test_recognize.py:" in said[0]
    assert "matmul() (test_recognize.py:" in said[1]
    assert "12 parameters in aux, which no layer used" in said[2]


def test_a_module_made_on_the_way_and_one_called_by_keyword():
    class Careless(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x):
            return nn.ReLU()(self.conv(input=x))

    text = 'input = [1, 8, 8]\nlayers = [{ name = "conv", type = "conv", out_channels = 2, kernel_size = 3 }, "relu"]'
    comparison = compare(text, Careless())
    assert comparison.ok
    assert matched(comparison)["relu1"].startswith("ReLU() (test_recognize.py:")


@pytest.mark.parametrize("says_kwargs", [watch.SAYS_KWARGS, False])
def test_keywords_say_what_a_module_reads(monkeypatch, says_kwargs):
    class Two(nn.Module):
        def __init__(self, skips):
            super().__init__()
            self.skips, self.one, self.two = skips, nn.Conv2d(1, 1, 3, padding=1), nn.Conv2d(1, 1, 3, padding=1)

        def forward(self, x):
            y = self.one(input=x)
            return self.two(input=x if self.skips else y)

    monkeypatch.setattr(watch, "SAYS_KWARGS", says_kwargs)
    conv = 'type = "conv", out_channels = 1, kernel_size = 3, padding = 1'
    text = f'input = [1, 8, 8]\nlayers = [{{ name = "one", {conv} }}, {{ name = "two", {conv} }}]'
    assert compare(text, Two(skips=False)).ok
    assert found(compare(text, Two(skips=True))) == [(DIFFERS, "two")]


def test_spectral_norm_and_parametrizations():
    text = 'input = [1, 8, 8]\nlayers = [{ name = "0", type = "conv", out_channels = 2, kernel_size = 3 }]'
    spectral = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 2, 3)))
    assert compare(text, spectral).ok
    weight = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 3)))
    (problem,) = compare(text, weight).problems
    assert "20 parameters in the file, but 22 parameters with its parametrization in 0" in problem.message


# One thing said in several ways


def one_layer(layer, shape):
    table = layer if layer.startswith('"') else f"{{ {layer} }}"
    return cnnshape.loads(f"input = {list(shape)}\nlayers = [{table}]")


MAP, FLAT = (4, 8, 8), (8,)
SAME = [
    ('"softmax"', FLAT, nn.Softmax(-1)),
    ('type = "softmax", dim = -1', MAP, nn.Softmax(3)),
    ('"softmax"', MAP, nn.Softmax2d()),
    ('type = "glu", dim = 1', MAP, Code(lambda x: F.glu(x, 1))),
    ('type = "batch_norm", affine = false', MAP, nn.BatchNorm2d(4, affine=False)),
    ('type = "batch_norm"', MAP, nn.BatchNorm2d(4, eps=0.1, momentum=0.3)),  # the file does not say
    ('type = "instance_norm", affine = true', MAP, Code(lambda x, w, b: F.instance_norm(x, weight=w, bias=b), 4, 4)),
    ('type = "layer_norm", over = "all"', MAP, nn.LayerNorm(MAP)),
    ('type = "layer_norm", over = "channels"', MAP,
        Code(lambda x, w, b: F.layer_norm(x.movedim(1, -1), (4,), w, b).movedim(-1, 1), 4, 4)),
    ('"dropout"', MAP, nn.Dropout2d(0.3)),
    ('"relu6"', MAP, nn.Hardtanh(0, 6)),
    ('type = "hardtanh", min_val = 0, max_val = 6', MAP, Code(F.relu6)),
    ('"relu"', MAP, Code(lambda x: x.clamp(min=0))),
    ('"relu"', MAP, Code(lambda x: x.clamp_min_(0))),
    ('"relu6"', MAP, Code(lambda x: torch.clip(x, 0, 6))),
    ('"leaky_relu"', MAP, Code(lambda x: F.leaky_relu_(x, 0.3))),
    ('"silu"', MAP, Code(lambda x: torch.sigmoid(x) * x)),
    ('"log_sigmoid"', MAP, Code(F.logsigmoid)),
    ('type = "prelu", num_parameters = 4', MAP, nn.PReLU(4)),
    ('type = "prelu", num_parameters = 4', MAP, Code(F.prelu, 4)),
    ('type = "conv", out_channels = 2, kernel_size = 3, padding = "same"', MAP, nn.Conv2d(4, 2, 3, padding=1)),
    ('type = "conv", out_channels = 2, kernel_size = 3, padding = 1', MAP, nn.Conv2d(4, 2, 3, padding="same")),
    ('type = "conv", out_channels = 2, kernel_size = 3, padding = "valid"', MAP, nn.Conv2d(4, 2, 3)),
    ('type = "conv", out_channels = 2, kernel_size = 3, padding_mode = "reflect"', MAP, nn.Conv2d(4, 2, 3)),
    ('type = "conv", out_channels = 2, kernel_size = 4, padding = "same"', MAP, nn.Conv2d(4, 2, 4, padding="same")),
    ('type = "conv", out_channels = 2, kernel_size = 3', (4, 9), nn.Conv1d(4, 2, 3)),
    ('type = "conv", out_channels = 2, kernel_size = [1, 2, 3]', (4, 5, 5, 5), Code(F.conv3d, (2, 4, 1, 2, 3), 2)),
    ('type = "conv", out_channels = 2, kernel_size = 8', MAP,
        nn.Sequential(nn.Flatten(), nn.Linear(256, 2), nn.Unflatten(1, (2, 1, 1)))),
    ('type = "conv", out_channels = 2, kernel_size = 4, stride = 4', MAP,
        Code(lambda x, w, b: F.linear(F.unfold(x, 4, stride=4).transpose(1, 2), w, b).mT.unflatten(2, (2, 2)), (2, 64), 2)),
    ('type = "layer_norm", over = "channels"', MAP,
        Code(lambda x, w, b: F.layer_norm(x.flatten(2).mT, (4,), w, b).mT.reshape(1, 4, 8, 8), 4, 4)),
    ('type = "linear", out_features = 2', FLAT, nn.Sequential(nn.Unflatten(1, (8, 1, 1)), nn.Conv2d(8, 2, 1), nn.Flatten())),
    ('type = "conv_transpose", out_channels = 6, kernel_size = 2, stride = 2, groups = 2, bias = false', MAP,
        Code(lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=2), (4, 3, 2, 2))),
    ('type = "max_pool", kernel_size = 2', MAP, Code(lambda x: F.max_pool2d(x, 2, return_indices=True)[0])),
    ('type = "max_pool", kernel_size = 3, stride = 2, padding = 1', MAP, Code(lambda x: F.max_pool2d(x, (3, 3), padding=1, stride=2))),
    ('type = "avg_pool", kernel_size = 2, count_include_pad = false', MAP, Code(lambda x: F.avg_pool2d(x, 2, count_include_pad=False))),
    ('type = "lp_pool", norm_type = 2, kernel_size = 2', MAP, nn.LPPool2d(2, 2)),
    ('"global_avg_pool"', MAP, Code(lambda x: F.avg_pool2d(x, x.shape[2:]))),
    ('"global_avg_pool"', MAP, Code(lambda x: x.view(1, 4, -1).mean(-1)[:, :, None, None])),
    ('"global_avg_pool"', MAP, Code(lambda x: x.flatten(2).mT.mean(1)[:, :, None, None])),
    ('"global_max_pool"', MAP, Code(lambda x: torch.amax(x, (2, 3), keepdim=True))),
    ('"global_max_pool"', MAP, nn.MaxPool2d(8)),
    ('type = "adaptive_avg_pool", output_size = [1, 1]', MAP, nn.AvgPool2d(8)),
    ('type = "adaptive_max_pool", output_size = [3, "keep"]', MAP, nn.AdaptiveMaxPool2d((3, None))),
    ('type = "upsample", scale_factor = 2, mode = "bilinear", align_corners = true', MAP, nn.UpsamplingBilinear2d(scale_factor=2)),
    ('type = "upsample", size = 16', MAP, Code(lambda x: F.interpolate(x, scale_factor=2.0))),
    ('type = "pixel_shuffle", upscale_factor = 2', MAP, Code(lambda x: F.pixel_shuffle(x, 2))),
    ('type = "channel_shuffle", groups = 2', MAP, nn.ChannelShuffle(2)),
    ('type = "channel_shuffle", groups = 2', MAP,
        Code(lambda x: x.reshape(1, 2, 2, 8, 8).permute(0, 2, 1, 3, 4).reshape(1, 4, 8, 8))),
    ('type = "pad", padding = [[1, 2], [3, 4]]', MAP, Code(lambda x: F.pad(x, (3, 4, 1, 2)))),
    ('type = "pad", padding = [[1, 2], [3, 4]], mode = "reflect"', MAP, nn.ReflectionPad2d((3, 4, 1, 2))),
    ('type = "pad", padding = 2, value = 1.5', MAP, nn.ConstantPad2d(2, 1.5)),
    ('type = "crop", size = 4', MAP, Code(lambda x: x[:, :, 2:6, 2:6])),
    ('type = "crop", amount = 1', MAP, Code(lambda x: x[..., 1:-1, 1:-1])),
    ('type = "crop", size = [8, 3], offset = [0, 5]', MAP, Code(lambda x: x[..., 5:])),
    ('type = "slice", start = 1, stop = -1', MAP, Code(lambda x: x[:, 1:3])),
    ('type = "slice", start = -3', MAP, Code(lambda x: x.narrow(1, 1, 3))),
    ('type = "slice", stop = 2', MAP, Code(lambda x: torch.split(x, 2, dim=1)[0])),
    ('type = "slice", start = 2', MAP, Code(lambda x: x.chunk(2, 1)[1])),
    ('type = "slice", dim = 3, start = 1, step = 2', MAP, Code(lambda x: x[:, :, :, 1::2])),
    ('type = "reshape", shape = [2, -1]', MAP, Code(lambda x: x.view(-1, 2, 128))),
    ('type = "reshape", shape = []', (1,), Code(lambda x: x.squeeze(1))),
    ('type = "reshape", shape = []', (1, 1, 1), Code(lambda x: x.view(-1))),
    ('type = "unflatten", dim = 1, unflattened_size = [2, -1]', MAP, Code(lambda x: x.unflatten(1, (2, 2)))),
    ('type = "unflatten", dim = 1, unflattened_size = [2, 4]', FLAT, nn.Unflatten(1, (2, 4))),
    ('type = "unflatten", dim = 1, unflattened_size = [2, 4]', FLAT, Code(lambda x: x.view(-1, 2, 4))),
    ('type = "permute", dims = [2, 3, 1]', MAP, Code(lambda x: x.permute(0, 2, 3, 1))),
    ('type = "permute", dims = [0, 2, 3, 1]', MAP, Code(lambda x: torch.permute(x, (0, 2, 3, 1)).contiguous())),
    ('type = "permute", dims = [2, 3, 1]', MAP, Code(lambda x: x.permute(dims=(0, 2, 3, 1)))),
    ('type = "permute", dims = [2, -1, 1]', MAP, Code(lambda x: x.movedim(1, -1))),
    ('type = "permute", dims = [3, 1, 2]', MAP, Code(lambda x: torch.moveaxis(x, (2, 3), (3, 1)))),
    ('type = "permute", dims = [1, 3, 2]', MAP, Code(lambda x: x.transpose(-2, -1))),
    ('type = "permute", dims = [2, 1]', (4, 9), Code(lambda x: torch.swapaxes(x, 1, 2))),
    ('type = "select", dim = 1, index = -1', MAP, Code(lambda x: x[:, 3])),
    ('type = "select", dim = 1, index = 0', MAP, Code(lambda x: x.select(1, 0))),
    ('type = "select", dim = 3, index = 7', MAP, Code(lambda x: x[..., -1])),
    ('type = "select", dim = 2, index = 1', MAP, Code(lambda x: x[:, :, 1, :])),
    ('type = "select", dim = 2, index = 1', MAP, Code(lambda x: x.unbind(2)[1])),
    ('type = "select", dim = 1, index = 0', (1, 6), Code(lambda x: x.squeeze(1))),
    ('type = "reduce", how = "mean", dim = [2, 3]', MAP, Code(lambda x: x.mean((2, 3)))),
    ('type = "reduce", how = "mean", dim = [-2, -1]', MAP, nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())),
    ('"global_avg_pool"', MAP, Code(lambda x: x.mean(3).mean(2)[:, :, None, None])),
    ('"global_max_pool"', (4, 9), Code(lambda x: x.max(-1, keepdim=True)[0])),
    ('type = "reduce", how = "max", dim = 2', (4, 9), Code(lambda x: x.max(dim=2).values)),
    ('type = "reduce", how = "mean", dim = 1', (4, 9), Code(lambda x: x.mean(1))),
    ('type = "reduce", how = "mean", dim = 1, keepdim = true', MAP, Code(lambda x: torch.mean(x, dim=1, keepdim=True))),
    ('type = "reduce", how = "min", dim = 1', MAP, Code(lambda x: torch.amin(x, 1))),
    ('type = "reduce", how = "sum", dim = [1, 2]', MAP, Code(lambda x: x.sum(dim=[1, 2]))),
    ('type = "reduce", how = "norm", dim = 1, keepdim = true', MAP, Code(lambda x: x.norm(dim=1, keepdim=True))),
    ('type = "reduce", how = "norm", dim = 1', MAP, Code(lambda x: torch.linalg.vector_norm(x, dim=1))),
    ('type = "reduce", how = "std", dim = 1', MAP, Code(lambda x: x.std(1, keepdim=False))),
    ('type = "reduce", how = "var", dim = 1', MAP, Code(lambda x: torch.var(x, dim=1, unbiased=False))),
    ('type = "depth_to_space", block_size = 2', MAP, Code(lambda x: F.pixel_shuffle(x, 2))),
    ('type = "space_to_depth", block_size = 2', MAP, nn.PixelUnshuffle(2)),
    ('type = "pixel_shuffle", upscale_factor = 2', MAP,
        Code(lambda x: x.view(1, 1, 2, 2, 8, 8).permute(0, 1, 4, 2, 5, 3).reshape(1, 1, 16, 16))),
    ('type = "depth_to_space", block_size = 2', (4, 9),
        Code(lambda x: x.view(1, 2, 2, 9).transpose(2, 3).reshape(1, 2, 18))),
    ('type = "space_to_depth", block_size = 3', (4, 9),
        Code(lambda x: x.view(1, 4, 3, 3).transpose(2, 3).contiguous().view(1, 12, 3))),
    ('type = "stack", dim = 1, from = ["input", "input"]', MAP, Code(lambda x: torch.stack([x, x], 1))),
    ('type = "stack", dim = 4, from = ["input", "input"]', MAP, Code(lambda x: torch.stack((x, x), dim=-1))),
    ('type = "div", from = ["input", "input"]', MAP, Code(lambda x: x / x)),
    ('type = "div", from = ["input", "input"]', MAP, Code(lambda x: torch.div(x, x))),
    ('type = "matmul", from = ["input", "input"]', MAP, Code(lambda x: x @ x)),
    ('type = "matmul", from = ["input", "input"]', (5, 5), Code(lambda x: torch.bmm(x, x))),
    ('type = "matmul", from = ["input", "input"]', MAP, Code(lambda x: torch.matmul(x, x))),
    ('type = "layer_norm", over = "last"', (4, 9), nn.LayerNorm(9)),
    ('type = "layer_norm", over = "last"', (4, 9), Code(lambda x, w, b: F.layer_norm(x, (9,), w, b), 9, 9)),
    ('"scale"', MAP, Code(lambda x, gain: x * gain.view(-1, 1, 1), 4)),
    ('type = "scale", value = 0.5', MAP, Code(lambda x: 0.5 * x)),
    ('"identity"', MAP, Code(lambda x: x.contiguous())),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "model"), SAME)
def test_what_is_the_same_agrees(layer, shape, model):
    net = one_layer(layer, shape)
    row = net.check().layers[0]
    comparison = compare(net, model)
    assert here(comparison) == []
    torch_says = tuple(model.eval()(torch.rand(1, *shape)).shape[1:])
    assert [n for n in torch_says if n > 1] == [n for n in row.output if n > 1], "or the test itself would be wrong"


OTHER = [
    ('"softmax"', MAP, nn.Softmax(3), "dim 1 in the file, but dim 3"),
    ('type = "batch_norm", eps = 0.1', MAP, nn.BatchNorm2d(4), "eps 0.1 in the file, but eps 1e-05"),
    ('type = "batch_norm", affine = false', MAP, nn.BatchNorm2d(4), "no affine, 0 parameters in the file, but affine, 8"),
    ('type = "group_norm", num_groups = 2', MAP, Code(lambda x, w, b: F.group_norm(x, 4, w, b), 4, 4), "num_groups 2 .* 4"),
    ('"relu6"', MAP, nn.Hardtanh(0, 5), "relu6 in the file, but hardtanh"),
    ('type = "leaky_relu", negative_slope = 0.2', MAP, nn.LeakyReLU(), "negative_slope 0.2 .* 0.01"),
    ('type = "leaky_relu", negative_slope = 0.2', MAP, Code(F.leaky_relu), "negative_slope 0.2 .* 0.01"),
    ('type = "dropout", p = 0.2', MAP, Code(lambda x: F.dropout(x, training=False)), "p 0.2 .* p 0.5"),
    ('type = "conv", out_channels = 2, kernel_size = 3, padding = 1, padding_mode = "reflect"', MAP,
        nn.Conv2d(4, 2, 3, padding=1), "padding_mode reflect .* zeros"),
    ('type = "conv", out_channels = 2, kernel_size = [1, 3]', MAP, nn.Conv2d(4, 2, (3, 1)), "kernel_size 1 x 3, output .* 3 x 1"),
    ('type = "conv", out_channels = 4, kernel_size = 1, groups = 2', MAP, nn.Conv2d(4, 4, 1), "groups 2, 12 .* groups 1, 20"),
    ('type = "conv", out_channels = 2, kernel_size = 8', MAP, nn.Sequential(nn.Flatten(), nn.Linear(256, 2, bias=False)), "bias, .* no bias"),
    ('type = "avg_pool", kernel_size = 3, stride = 1, padding = 1', MAP, nn.AvgPool2d(3, 1, 1, count_include_pad=False), "count_include_pad .* no count"),
    ('"global_avg_pool"', MAP, nn.AdaptiveAvgPool2d(2), "global_avg_pool, output 4x1x1 in the file, but adaptive_avg_pool, output 4x2x2"),
    ('type = "upsample", scale_factor = 2', MAP, nn.Upsample(scale_factor=2, mode="bilinear"), "mode nearest .* bilinear"),
    ('type = "pad", padding = [[1, 2], [3, 4]]', MAP, Code(lambda x: F.pad(x, (1, 2, 3, 4))), "padding .* padding"),
    ('type = "crop", size = 4', MAP, Code(lambda x: x[:, :, :4, :4]), "offset 2 in the file, but offset 0"),
    ('type = "crop", size = [8, 4], offset = [0, 0]', MAP, Code(lambda x: x[..., ::2]), "crop in the file, but slice in"),
    ('type = "local_response_norm", size = 5', MAP, nn.LocalResponseNorm(3), "size 5 in the file, but size 3"),
    ('type = "slice", stop = 2', MAP, Code(lambda x: x[:, 2:]), "start 0, stop 2 in the file, but start 2, stop 4"),
    ('type = "channel_shuffle", groups = 2', MAP, nn.ChannelShuffle(4), "groups 2 .* groups 4"),
    ('type = "prelu", num_parameters = 4', MAP, nn.PReLU(), "num_parameters 4, 4 parameters .* num_parameters 1, 1"),
    ('"scale"', MAP, Code(lambda x, gain: x * gain, 1), "1 parameters"),
    ('type = "permute", dims = [1, 3, 2]', MAP, Code(lambda x: x.permute(0, 3, 2, 1)), "dims 1 x 3 x 2 .* dims 3 x 2 x 1"),
    ('type = "select", dim = 1, index = 1', MAP, Code(lambda x: x[:, -1]), "index 1 in the file, but index 3"),
    ('type = "reduce", how = "max", dim = 1', MAP, Code(lambda x: x.mean(1)), "how max in the file, but how mean"),
    ('type = "reduce", how = "sum", dim = 2', MAP, Code(lambda x: x.sum(3)), "dim 2 in the file, but dim 3"),
    ('type = "stack", dim = 1, from = ["input", "input"]', (2, 2), Code(lambda x: torch.stack([x, x], 2)), "dim 1 .* dim 2"),
    ('type = "div", from = ["input", "input"]', MAP, Code(lambda x: x - x), "div in the file, but sub"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "model", "said"), OTHER)
def test_what_is_not_the_same_differs(layer, shape, model, said):
    (problem,) = compare(one_layer(layer, shape), model).problems
    assert problem.code == DIFFERS
    assert re.search(said, problem.message)


@pytest.mark.parametrize(
    ("layer", "model"),
    [
        ('type = "slice", dim = 5, start = 1', Code(lambda x: x[:, 1:])),
        ('type = "conv", out_channels = 2, kernel_size = [3, 3, 3]', nn.Conv2d(4, 2, 3)),
        ('type = "conv", out_channels = 2, kernel_size = [3]', nn.Conv2d(4, 2, 3)),
        (
            'type = "conv", out_channels = 2, kernel_size = 3, bias = false',
            Code(lambda x, w: F.conv2d(x[0], w), (2, 4, 3, 3)),
        ),
    ],
)
def test_settings_that_do_not_fit_what_enters_are_compared_all_the_same(layer, model):
    assert not compare(one_layer(layer, MAP), model).ok


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.transpose(0, 1).transpose(0, 1),
        lambda x: torch.stack([x, x])[0],
        lambda x: torch.stack([x, x], 0).unbind()[1],
        lambda x: x.select(0, 0)[None],
        lambda x: x.permute(2, 0, 3, 1).reshape(8, 32).T.reshape(1, 4, 8, 8) + 0 * x,
        lambda x: x - x.detach().max(),
        lambda x: x + 0 * torch.maximum(x, x).norm() + x.max(x) - x,
    ],
)
def test_the_batch_is_no_axis_of_a_layer(function):
    assert not any(
        "permute" in what or "select" in what or "stack" in what or "reduce" in what
        for what in extra(function)
        if "which changes numbers" not in what
    )


def extra(function):
    """What the model has that no file says."""
    return [problem.message for problem in compare('input = [4, 8, 8]\nlayers = ["identity"]', Code(function)).problems]


def test_what_only_the_model_rearranges_is_seen_unless_shapes_show_it():
    (elsewhere,) = extra(lambda x: x.permute(0, 1, 3, 2))
    assert elsewhere.startswith("at 4x4x3, which the file accepts: output 4x4x3 in the file, but 4x3x4 in what ")
    norm, ratio = extra(lambda x: x / x.norm(dim=1, keepdim=True))
    assert ", reduce, output 1x8x8: the file has not" in norm
    assert ", div, output 4x8x8" in ratio


def test_custom_modules_that_are_one_layer():
    class Mish(nn.Module):
        def forward(self, x):
            return x * torch.tanh(F.softplus(x))

    class ChannelShuffle(nn.Module):
        def __init__(self, groups):
            super().__init__()
            self.groups = groups

        def forward(self, x):
            return torch.stack(x.chunk(self.groups, 1), 2).flatten(1, 2)

    text = 'input = [4, 8, 8]\nlayers = ["mish", { type = "channel_shuffle", groups = 2 }]'
    assert compare(text, nn.Sequential(Mish(), ChannelShuffle(2))).ok
    (problem,) = compare(text, nn.Sequential(Mish(), ChannelShuffle(4))).problems
    assert "groups 2 in the file, but groups 4" in problem.message


def test_custom_modules_tell_what_they_tell_and_the_rest_is_not_held_against_them():
    class Slice(nn.Module):
        def forward(self, x):
            return x[:, 1:]

    class Pad(nn.Module):
        def forward(self, x):
            return F.pad(x, (1, 1, 1, 1))

    text = 'input = [4, 8, 8]\nlayers = [{ type = "slice", start = 1 }, { type = "pad", padding = 1 }]'
    assert compare(text, nn.Sequential(Slice(), Pad())).problems == ()
