"""Live models: those of the zoo's families agree, planted differences are named, faults are answered, nothing is changed."""

import json
import random
import re
import sys
from collections import OrderedDict
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from models import classic, dense, images, mobile, residual
from torch import nn

import cnnshape
from cnnshape.cli import main
from cnnshape.testing import assert_shapes

torch.set_num_threads(1)

ROOT = Path(__file__).parent.parent
ARCHITECTURES = ROOT / "architectures"


def compare(text, model, device="auto", **how):
    """A model held against a net, or the text of one."""
    net = cnnshape.loads(text) if isinstance(text, str) else text
    return cnnshape.verify(net, device, model=model, **how)


def found(comparison):
    """The problems, each as its code and its layer."""
    return [(problem.code, problem.layer) for problem in comparison.problems]


def verdicts(comparison):
    return {match.name: match.verdict for match in comparison.layers}


def matched(comparison):
    return {match.name: match.model for match in comparison.layers}


# The zoo

ZOO = {
    "lenet5": classic.LeNet5,
    "alexnet": classic.AlexNet,
    "alexnet_two_gpu": classic.TwoTowers,
    "alexnet_torchvision": classic.TorchvisionAlexNet,
    "zfnet": classic.ZFNet,
    "vgg11": lambda: classic.VGG(11),
    "vgg16": classic.VGG,
    "vgg16_bn": lambda: classic.VGG(16, batch_norm=True),
    "network_in_network": classic.NetworkInNetwork,
    "c3d": classic.C3D,
    "resnet18": lambda: residual.ResNet(residual.BasicBlock, (2, 2, 2, 2)),
    "resnet50": lambda: residual.ResNet(residual.Bottleneck, (3, 4, 6, 3)),
    "wide_resnet50_2": lambda: residual.ResNet(residual.Bottleneck, (3, 4, 6, 3), wider=2),
    "resnext50_32x4d": lambda: residual.ResNet(residual.Bottleneck, (3, 4, 6, 3), wider=2, groups=32),
    "preact_resnet50": residual.PreActResNet50,
    "se_resnet50": residual.SEResNet50,
    "regnet_x_400mf": residual.RegNetX400MF,
    "r3d_18": residual.R3D18,
    "darknet53": residual.DarkNet53,
    "xception41": residual.Xception41,
    "densenet121": dense.DenseNet,
    "dpn68": dense.DPN68,
    "googlenet": dense.GoogLeNet,
    "googlenet_aux": lambda: dense.GoogLeNet(aux=True),
    "squeezenet1_0": dense.SqueezeNet,
    "mobilenet_v1": mobile.MobileNetV1,
    "mobilenet_v2": mobile.MobileNetV2,
    "mobilenet_v3_large": mobile.MobileNetV3Large,
    "mnasnet1_0": mobile.MnasNet,
    "efficientnet_b0": mobile.EfficientNetB0,
    "shufflenet_v2_x1_0": mobile.ShuffleNetV2,
    "convnext_tiny": mobile.ConvNeXt,
    "unet": images.UNet,
    "unet_original": images.OriginalUNet,
    "segnet": images.SegNet,
    "fcn8s": images.FCN8s,
    "fpn_resnet50": images.FPN,
    "dcgan_generator": images.Generator,
    "dcgan_discriminator": images.Discriminator,
    "wavenet": images.WaveNet,
}


@pytest.mark.parametrize("name", ZOO)
def test_the_zoo_agrees_with_models_as_people_write_them(name):
    with torch.device("meta"):
        model = ZOO[name]()
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    comparison = compare(net, model)
    assert comparison.problems == ()
    assert {match.verdict for match in comparison.layers} == {"agrees"}
    assert (comparison.extra, comparison.device) == ((), "meta")
    weighty = [(match.name, match.parameters) for match in comparison.layers if match.parameters]
    assert sum(count for _, count in weighty) == sum(p.numel() for p in model.parameters())
    assert weighty == [(row.name, row.parameters) for row in net.check().layers if row.parameters]


def test_a_real_run_on_the_cpu():
    comparison = compare(cnnshape.load(ARCHITECTURES / "squeezenet1_0.toml"), dense.SqueezeNet(), "cpu")
    assert (comparison.ok, comparison.device) == (True, "cpu")
    assert matched(comparison)["conv1"] == "0"
    assert matched(comparison)["fire2.expand3x3"] == "3.expand3x3"
    assert re.fullmatch(r"3\.cat\(\) \(dense\.py:\d+\)", matched(comparison)["fire2.concat"])


def test_at_another_input():
    net = cnnshape.load(ARCHITECTURES / "unet.toml")
    with torch.device("meta"):
        model = images.UNet()
    comparison = compare(net, model, input=(1, 48, 32))
    assert comparison.ok
    assert comparison.layers[-1].output == (2, 48, 32)


# Planted differences

NET = """
input = [3, 32, 32]
layers = [
  { name = "conv1", type = "conv", out_channels = 16, kernel_size = 3, padding = 1, bias = false },
  { name = "bn1", type = "batch_norm" },
  { name = "act1", type = "relu" },
  { name = "pool1", type = "max_pool", kernel_size = 2 },
  { name = "conv2", type = "conv", out_channels = 32, kernel_size = 3, padding = 1, groups = 2 },
  { name = "act2", type = "relu" },
  { name = "conv3", type = "conv", out_channels = 32, kernel_size = 3, padding = 1 },
  { name = "act3", type = "relu" },
  { name = "conv4", type = "conv", out_channels = 32, kernel_size = 3, padding = 1 },
  { name = "act4", type = "relu" },
  { name = "pool2", type = "max_pool", kernel_size = 2 },
  "flatten",
  { name = "fc1", type = "linear", out_features = 64 },
  { name = "act5", type = "relu" },
  { name = "drop", type = "dropout", p = 0.5 },
  { name = "fc2", type = "linear", out_features = 10 },
]
"""


def parts():
    """The net in torch; what follows a planted difference fits itself to it."""
    return {
        "conv1": nn.Conv2d(3, 16, 3, padding=1, bias=False), "bn1": nn.BatchNorm2d(16), "act1": nn.ReLU(),
        "pool1": nn.MaxPool2d(2), "conv2": nn.Conv2d(16, 32, 3, padding=1, groups=2), "act2": nn.ReLU(),
        "conv3": nn.Conv2d(32, 32, 3, padding=1), "act3": nn.ReLU(), "conv4": nn.Conv2d(32, 32, 3, padding=1),
        "act4": nn.ReLU(), "pool2": nn.MaxPool2d(2), "flat": nn.Flatten(), "fc1": nn.LazyLinear(64),
        "act5": nn.ReLU(), "drop": nn.Dropout(), "fc2": nn.Linear(64, 10),
    }  # fmt: skip


def put(**modules):
    return lambda parts: parts | modules


def without(name):
    return lambda parts: {key: module for key, module in parts.items() if key != name}


def behind(name, **more):
    def plant(parts):
        keys = [key for part in parts for key in ([part, *more] if part == name else [part])]
        return {key: (parts | more)[key] for key in keys}

    return plant


def swapped(one, other):
    return lambda parts: {name: parts[name] for name in ({one: other, other: one}.get(key, key) for key in parts)}


def reused(name, instead_of):
    return lambda parts: parts | {instead_of: parts[name]}


DIFFERS, MISSES, ADDS = "model-differs", "model-misses", "model-adds"
CONV = nn.Conv2d

PLANTED = {  # what is planted; where it is named, and how
    "stride": (put(conv2=CONV(16, 32, 3, 2, 1, groups=2)), DIFFERS, "conv2", "stride 1, output 32x16x16 .* stride 2, output 32x8x8"),
    "stride of the first": (put(conv1=CONV(3, 16, 3, 2, 1, bias=False)), DIFFERS, "conv1", "stride 1, .* stride 2,"),
    "padding": (put(conv3=CONV(32, 32, 3)), DIFFERS, "conv3", "padding 1, output 32x16x16 .* padding 0, output 32x14x14"),
    "kernel": (put(conv3=CONV(32, 32, 5, padding=2)), DIFFERS, "conv3", "kernel_size 3, .* 9,248 .* kernel_size 5, .* 25,632"),
    "dilation": (put(conv3=CONV(32, 32, 3, padding=2, dilation=2)), DIFFERS, "conv3", "dilation 1 .* dilation 2"),
    "missing convolution": (without("conv3"), MISSES, "conv3", "no such layer: conv, kernel_size 3"),
    "missing norm": (without("bn1"), MISSES, "bn1", "batch_norm"),
    "missing activation": (without("act3"), MISSES, "act3", "relu"),
    "missing pool": (without("pool2"), MISSES, "pool2", "max_pool"),
    "missing dropout": (without("drop"), MISSES, "drop", "dropout"),
    "swapped norm and activation": (swapped("bn1", "act1"), DIFFERS, "bn1", "behind conv1 .* behind act1"),
    "swapped activation and pool": (swapped("act1", "pool1"), DIFFERS, "pool1", "behind act1 .* behind bn1"),
    "bias": (put(conv1=CONV(3, 16, 3, padding=1)), DIFFERS, "conv1", "no bias, 432 .* bias, 448 "),
    "no bias": (put(conv3=CONV(32, 32, 3, padding=1, bias=False)), DIFFERS, "conv3", "bias, 9,248 .* no bias, 9,216"),
    "channels": (
        put(conv3=CONV(32, 48, 3, padding=1), conv4=CONV(48, 32, 3, padding=1)),
        *(DIFFERS, "conv3", "out_channels 32, .* out_channels 48, .* output 48x16x16"),
    ),
    "extra pool": (behind("act3", pool9=nn.MaxPool2d(2)), ADDS, "act3", "pool9, max_pool, kernel_size 2"),
    "extra softmax": (behind("fc2", soft=nn.Softmax(1)), ADDS, "fc2", "soft, softmax"),
    "groups": (put(conv2=CONV(16, 32, 3, padding=1, groups=4)), DIFFERS, "conv2", "groups 2, 2,336 .* groups 4, 1,184"),
    "activation": (put(act3=nn.GELU()), DIFFERS, "act3", "relu in the file, but gelu in"),
    "kind of pool": (put(pool2=nn.AvgPool2d(2)), DIFFERS, "pool2", "max_pool in the file, but avg_pool"),
    "ceil_mode": (put(pool2=nn.MaxPool2d(2, ceil_mode=True)), DIFFERS, "pool2", "no ceil_mode .* ceil_mode"),
    "head": (put(fc2=nn.Linear(64, 5)), DIFFERS, "fc2", "out_features 10, 650 .* out_features 5, 325 .* output 5"),
    "rate of dropout": (put(drop=nn.Dropout(0.2)), DIFFERS, "drop", "p 0.5 .* p 0.2"),
    "reused": (reused("conv3", instead_of="conv4"), DIFFERS, "conv4", "9,248 parameters .* those of .* once more"),
}  # fmt: skip

STYLES = {
    "named": lambda modules: nn.Sequential(OrderedDict(modules)),
    "numbered": lambda modules: nn.Sequential(*modules.values()),
}


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("what", PLANTED)
def test_a_planted_difference_is_named_at_its_layer_alone(what, style):
    plant, code, layer, said = PLANTED[what]
    comparison = compare(NET, STYLES[style](plant(parts())))
    assert found(comparison) == [(code, layer)]
    said = said if style == "named" else re.sub(r"(behind|pool9|soft,) ?\w*(?=$|, )", r".*", said)
    assert re.search(said, comparison.problems[0].message)
    assert not comparison.ok
    others = {name: verdict for name, verdict in verdicts(comparison).items() if name != layer}
    assert set(others.values()) <= {"agrees", "follows"}


@pytest.mark.parametrize("style", STYLES)
def test_without_a_difference_there_is_none(style):
    comparison = compare(NET, STYLES[style](parts()))
    assert comparison.problems == ()
    assert set(verdicts(comparison).values()) == {"agrees"}


def test_a_problem_stands_where_the_file_says_the_setting():
    (problem,) = compare(NET, STYLES["named"](PLANTED["padding"][0](parts()))).problems
    line = NET.split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].startswith("1 }")
    assert '"conv3"' in line


def test_what_follows_a_difference_says_so():
    comparison = compare(NET, STYLES["named"](PLANTED["stride"][0](parts())))
    assert [name for name, verdict in verdicts(comparison).items() if verdict == "follows"] == [
        *("act2", "conv3", "act3", "conv4", "act4", "pool2", "flatten1", "fc1")
    ]
    follower = comparison.layers[6]
    assert (follower.name, follower.output, follower.reason) == ("conv3", (32, 8, 8), "what enters differs")


def test_a_renamed_layer_agrees_and_the_match_is_shown():
    modules = {("middle" if name == "conv3" else name): module for name, module in parts().items()}
    comparison = compare(NET, STYLES["named"](modules))
    assert comparison.ok
    assert (matched(comparison)["conv3"], matched(comparison)["conv4"]) == ("middle", "conv4")


def test_layers_of_one_shape_that_changed_places_are_told_by_their_names():
    modules = swapped("conv3", "conv4")(parts())
    assert found(compare(NET, STYLES["named"](modules))) == [(DIFFERS, "conv3"), (DIFFERS, "conv4")]
    assert compare(NET, STYLES["numbered"](modules)).ok, "nothing tells them apart"


def test_names_that_agree_by_chance_mean_nothing():
    modules = parts()
    names = [*[*modules][1:], "last"]  # each layer has the name of the next
    comparison = compare(NET, nn.Sequential(OrderedDict(zip(names, modules.values(), strict=True))))
    assert comparison.ok
    assert matched(comparison)["conv1"] == "bn1"


def test_two_differences_are_both_named():
    plant = put(conv1=CONV(3, 16, 3, 2, 1, bias=False), act3=nn.GELU())
    assert found(compare(NET, STYLES["numbered"](plant(parts())))) == [(DIFFERS, "conv1"), (DIFFERS, "act3")]


def test_in_a_deep_net_one_of_many_like_blocks_is_named():
    with torch.device("meta"):
        model = residual.ResNet(residual.Bottleneck, (3, 4, 6, 3))
        model.layer3[4].conv2 = nn.Conv2d(256, 256, 3, padding=2, dilation=2, bias=False)
    net = cnnshape.load(ARCHITECTURES / "resnet50.toml")
    (problem,) = compare(net, model).problems
    assert problem.layer == "layer3.4.conv2"
    assert "dilation 1 in the file, but padding 2, dilation 2 in layer3.4.conv2" in problem.message
    assert problem.file.endswith("resnet.toml")
    assert problem.used_at


# Code of all kinds

PAIR = """
input = [4, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "b", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "sum", type = "add", from = ["a", "c"] },
]
"""


class Skips(nn.Module):
    def __init__(self, from_b):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(4, 4, 1) for _ in range(3))
        self.from_b = from_b

    def forward(self, x):
        a = self.a(x)
        b = self.b(a)
        return self.c(b) + (b if self.from_b else a)


def test_a_shortcut_from_another_layer_is_a_difference():
    assert compare(PAIR, Skips(from_b=False)).ok
    (problem,) = compare(PAIR, Skips(from_b=True)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "sum")
    assert "from a and c in the file, but from b and c" in problem.message


SIAMESE = """
inputs = {{ left = [1, 8, 8], right = [1, 8, 8] }}
layers = [
  {{ name = "l", type = "conv", out_channels = 2, kernel_size = 3, from = "left" }},
  {{ name = "r", {right}, from = "right" }},
  {{ name = "both", type = "concat", from = ["l", "r"] }},
]
"""
SHARES, OWN = 'shares = "l"', 'type = "conv", out_channels = 2, kernel_size = 3'


class Siamese(nn.Module):
    def __init__(self, shared):
        super().__init__()
        self.l = nn.Conv2d(1, 2, 3)
        self.r = self.l if shared else nn.Conv2d(1, 2, 3)

    def forward(self, left, right):
        right = self.r(right)  # the right one first
        return torch.cat([self.l(left), right], 1)


def test_shared_weights_on_both_sides_or_on_one():
    assert compare(SIAMESE.format(right=SHARES), Siamese(shared=True)).ok
    assert compare(SIAMESE.format(right=OWN), Siamese(shared=False)).ok
    (problem,) = compare(SIAMESE.format(right=SHARES), Siamese(shared=False)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "r")
    assert "those of l in the file, but 20 parameters in r" in problem.message
    (problem,) = compare(SIAMESE.format(right=OWN), Siamese(shared=True)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "r")
    assert "20 parameters in the file, but those of l once more" in problem.message


def test_tied_parameters_count_once():
    model = Siamese(shared=False)
    model.r.weight, model.r.bias = model.l.weight, model.l.bias
    assert compare(SIAMESE.format(right=SHARES), model).ok


def test_several_inputs_go_by_name_or_by_place():
    class Turned(Siamese):
        def forward(self, right, left):
            return super().forward(left, right)

    class ByPlace(Siamese):
        def forward(self, x, y):
            return super().forward(x, y)

    text = SIAMESE.format(right=SHARES)
    assert compare(text, Turned(shared=True)).ok
    assert compare(text, ByPlace(shared=True)).ok


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
    assert [code for code, _ in found(comparison)] == [ADDS] * 3
    said = [problem.message for problem in comparison.problems]
    assert "add() (test_live.py:" in said[0]
    assert "matmul() (test_live.py:" in said[1]
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
    assert matched(comparison)["relu1"].startswith("ReLU() (test_live.py:")


def test_spectral_norm_and_parametrizations():
    text = 'input = [1, 8, 8]\nlayers = [{ name = "0", type = "conv", out_channels = 2, kernel_size = 3 }]'
    spectral = nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(1, 2, 3)))
    assert compare(text, spectral).ok
    weight = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Conv2d(1, 2, 3)))
    (problem,) = compare(text, weight).problems
    assert "20 parameters in the file, but 22 parameters in 0" in problem.message


# One thing said in several ways


class Code(nn.Module):
    """A function as a model, with parameters of some shapes."""

    def __init__(self, function, *shapes):
        super().__init__()
        self.function = function
        self.weights = nn.ParameterList(torch.zeros(shape) for shape in shapes)

    def forward(self, x):
        return self.function(x, *self.weights)


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
    ('"relu"', MAP, Code(lambda x: F.relu(x).clamp(1e-6, torch.ones(())))),  # and no layer of ours
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
    ('type = "linear", out_features = 2', FLAT, nn.Sequential(nn.Unflatten(1, (8, 1, 1)), nn.Conv2d(8, 2, 1), nn.Flatten())),
    ('type = "conv_transpose", out_channels = 6, kernel_size = 2, stride = 2, groups = 2, bias = false', MAP,
        Code(lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=2), (4, 3, 2, 2))),
    ('type = "max_pool", kernel_size = 2', MAP, Code(lambda x: F.max_pool2d(x, 2, return_indices=True)[0])),
    ('type = "max_pool", kernel_size = 3, stride = 2, padding = 1', MAP, Code(lambda x: F.max_pool2d(x, (3, 3), padding=1, stride=2))),
    ('type = "avg_pool", kernel_size = 2, count_include_pad = false', MAP, Code(lambda x: F.avg_pool2d(x, 2, count_include_pad=False))),
    ('type = "lp_pool", norm_type = 2, kernel_size = 2', MAP, nn.LPPool2d(2, 2)),
    ('"global_avg_pool"', MAP, Code(lambda x: F.avg_pool2d(x, x.shape[2:]))),
    ('"global_avg_pool"', MAP, Code(lambda x: x.view(1, 4, -1).mean(-1)[:, :, None, None])),
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
    ('"scale"', MAP, Code(lambda x, gain: x * gain.view(-1, 1, 1), 4)),
    ('type = "scale", value = 0.5', MAP, Code(lambda x: 0.5 * x)),
    ('"identity"', MAP, Code(lambda x: x.contiguous())),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "model"), SAME)
def test_what_is_the_same_agrees(layer, shape, model):
    net = one_layer(layer, shape)
    row = net.check().layers[0]
    comparison = compare(net, model)
    assert comparison.problems == ()
    torch_says = tuple(model.eval()(torch.rand(1, *shape)).shape[1:])
    assert [n for n in torch_says if n > 1] == [n for n in row.output if n > 1], "or the test itself would be wrong"


OTHER = [
    ('"softmax"', MAP, nn.Softmax(3), "dim 1 in the file, but dim 3"),
    ('type = "batch_norm", eps = 0.1', MAP, nn.BatchNorm2d(4), "eps 0.1 in the file, but eps 1e-05"),
    ('type = "batch_norm", affine = false', MAP, nn.BatchNorm2d(4), "no affine, 0 parameters in the file, but affine, 8"),
    ('type = "group_norm", num_groups = 2', MAP, Code(lambda x, w, b: F.group_norm(x, 4, w, b), 4, 4), "num_groups 2 .* 4"),
    ('"relu6"', MAP, nn.Hardtanh(0, 5), "relu6 in the file, but hardtanh"),
    ('type = "leaky_relu", negative_slope = 0.2', MAP, nn.LeakyReLU(), "negative_slope 0.2 .* 0.01"),
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
    ('type = "slice", stop = 2', MAP, Code(lambda x: x[:, 2:]), "start 0, stop 2 in the file, but start 2, stop 4"),
    ('type = "channel_shuffle", groups = 2', MAP, nn.ChannelShuffle(4), "groups 2 .* groups 4"),
    ('type = "prelu", num_parameters = 4', MAP, nn.PReLU(), "num_parameters 4, 4 parameters .* num_parameters 1, 1"),
    ('"scale"', MAP, Code(lambda x, gain: x * gain, 1), "1 parameters"),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape", "model", "said"), OTHER)
def test_what_is_not_the_same_differs(layer, shape, model, said):
    (problem,) = compare(one_layer(layer, shape), model).problems
    assert problem.code == DIFFERS
    assert re.search(said, problem.message)


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


BRANCHES = """
input = [2, 4, 4]
outputs = ["twice", "sum"]
layers = [
  { name = "a", type = "conv", out_channels = 2, kernel_size = 1 },
  { name = "b", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
  { name = "c", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
  { name = "all", type = "concat", from = ["a", "b", "c"] },
  { name = "twice", type = "add", from = ["all", "all"] },
  { name = "sum", type = "add", from = ["a", "b", "c"] },
]
"""


class Branches(nn.Module):
    def __init__(self, joined, total):
        super().__init__()
        self.a, self.b, self.c = (nn.Conv2d(2, 2, 1) for _ in range(3))
        self.joined, self.total = joined, total

    def forward(self, x):
        c, b, a = self.c(x), self.b(x), self.a(x)
        joined = self.joined(a, b, c)
        return joined + joined, self.total(a, b, c)


def test_sums_and_concatenations_may_be_nested():
    def flat(a, b, c):
        return torch.cat([a, b, c], 1)

    def nested(a, b, c):
        return torch.cat([torch.cat([a, b], 1), c], 1)

    assert compare(BRANCHES, Branches(flat, lambda a, b, c: a + (b + c))).ok
    assert compare(BRANCHES, Branches(nested, lambda a, b, c: sum([a, b, c]))).ok
    assert found(compare(BRANCHES, Branches(nested, lambda a, b, c: a + (b + b)))) == [(DIFFERS, "sum")]


# Faults


class Raises(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 8, 3), nn.Conv2d(16, 8, 3)

    def forward(self, x):
        return F.relu(self.conv2(F.relu(self.conv1(x))))


THREE = """
input = [3, 32, 32]
layers = [
  { name = "conv1", type = "conv", out_channels = 8, kernel_size = 3 },
  "relu",
  { name = "conv2", type = "conv", out_channels = 8, kernel_size = 3 },
  { name = "last", type = "relu" },
]
"""


def test_a_model_that_raises_in_a_layer():
    comparison = compare(THREE, Raises())
    assert verdicts(comparison) == {"conv1": "agrees", "relu1": "agrees", "conv2": "fails", "last": "not run"}
    differs, fails = comparison.problems
    assert (differs.layer, fails.layer, fails.code) == ("conv2", "conv2", "model-fails")
    assert "in_channels 8" in differs.message
    assert "in_channels 16" in differs.message
    assert "the model raises in conv2: RuntimeError: Given groups=1" in fails.message
    assert "(test_live.py:" in fails.message


def test_a_model_that_raises_in_its_own_code_or_in_a_function():
    class Own(Raises):
        def forward(self, x):
            x = F.relu(self.conv1(x))
            raise KeyError("threshold")

    class Function(Raises):
        def forward(self, x):
            return F.max_pool2d(F.relu(self.conv1(x)), 64)

    own, function = compare(THREE, Own()), compare(THREE, Function())
    assert found(own) == [("model-fails", "relu1")]
    assert "the model raises in Own(): KeyError: 'threshold' (test_live.py:" in own.problems[0].message
    assert verdicts(own) == {"conv1": "agrees", "relu1": "agrees", "conv2": "not run", "last": "not run"}
    assert "the model raises in max_pool2d(): " in function.problems[-1].message


def test_errors_that_the_model_catches_itself_do_not_matter():
    class Tries(nn.Module):
        def __init__(self):
            super().__init__()
            self.wrong, self.conv = nn.Sequential(nn.Conv2d(1, 1, 3)), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            try:
                x = self.wrong(x)
            except RuntimeError:
                x = self.conv(x)
            return F.relu(x)

    comparison = compare(
        'input = [3, 8, 8]\nlayers = [{ name = "conv", type = "conv", out_channels = 8, kernel_size = 3 }, "relu"]',
        Tries(),
    )
    assert matched(comparison)["conv"] == "conv"
    assert [problem.message for problem in comparison.problems] == [
        "the model has 10 parameters in wrong.0, which no layer used when it was evaluated: the file has not"
    ]


class Returns(nn.Module):
    def __init__(self, form):
        super().__init__()
        self.conv, self.form = nn.Conv2d(3, 8, 3), form

    def forward(self, x):
        features = self.conv(x)
        return self.form(features, features.mean((2, 3)))


HEADS = """
input = [3, 8, 8]
{outputs}
layers = [
  {{ name = "maps", type = "conv", out_channels = 8, kernel_size = 3 }},
  {{ name = "vector", type = "global_avg_pool" }},
  {{ name = "flat", type = "flatten" }},
]
"""
TWO_HEADS = HEADS.format(outputs='outputs = ["maps", "flat"]')


@pytest.mark.parametrize(
    "form",
    [
        lambda maps, flat: (maps, flat),
        lambda maps, flat: [flat, {"x": maps}],
        lambda maps, flat: {"flat": flat, "maps": maps},
        lambda maps, flat: {"a": flat, "b": (maps, None, 3)},
    ],
    ids=["tuple", "nested", "named", "dict"],
)
def test_a_model_that_returns_several_tensors(form):
    assert compare(TWO_HEADS, Returns(form)).ok


def test_what_is_returned_has_the_files_shapes_or_it_is_a_problem():
    one = HEADS.format(outputs="")
    assert compare(one, Returns(lambda maps, flat: {"features": maps, "logits": flat})).ok
    (problem,) = compare(one, Returns(lambda maps, flat: flat[:, :, None])).problems
    assert (problem.code, problem.layer) == (DIFFERS, "flat")
    assert "output 8 in the file, but 8x1 in what Returns returns" in problem.message
    (problem,) = compare(one, Returns(lambda maps, flat: None)).problems
    assert "but no tensor in what Returns returns" in problem.message
    (problem,) = compare(TWO_HEADS, Returns(lambda maps, flat: flat)).problems
    assert problem.layer == "maps"


class Masked(nn.Module):
    def forward(self, x, mask):
        return F.relu(x) * mask


def test_inputs_that_the_model_needs_and_the_file_does_not_declare():
    comparison = compare('input = [3, 8, 8]\nlayers = ["relu"]', Masked())
    (problem,) = comparison.problems
    assert (problem.code, verdicts(comparison)) == ("model-fails", {"relu1": "not run"})
    said = "forward(x, mask) does not take the inputs of the file, input: missing a required argument: 'mask'"
    assert said in problem.message
    two = "inputs = { x = [3, 8, 8], mask = [1, 8, 8] }\nlayers = [\n"
    two += '  { name = "r", type = "relu", from = "x" },\n  { type = "mul", from = ["r", "mask"] },\n]'
    assert compare(two, Masked()).ok


def test_shapes_that_depend_on_the_data_get_a_warning():
    class Picks(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 2)

        def forward(self, x):
            x = self.fc(x)
            return x[:, x[0] > -100.0]

    comparison = compare('input = [4]\nlayers = [{ name = "fc", type = "linear", out_features = 2 }]', Picks())
    (problem,) = comparison.problems
    assert (problem.code, problem.severity) == ("depends-on-data", "warning")
    assert "(getitem() at test_live.py:" in problem.message
    assert comparison.ok


def test_lazy_modules_stay_lazy():
    model = STYLES["named"](parts())
    assert compare(NET, model).ok
    assert isinstance(model.fc1, nn.LazyLinear)
    assert model.fc1.has_uninitialized_params()
    assert model.fc1._forward_pre_hooks


def test_a_model_on_another_device_runs_there_or_where_it_is_asked_to():
    model = classic.LeNet5()
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    assert compare(net, model).device == ("cuda" if torch.cuda.is_available() else "cpu")
    assert compare(net, model, "meta").ok
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    model.lost = torch.zeros(10)
    model.fc3.register_forward_hook(lambda module, args, output: output + model.lost)
    comparison = compare(net, model, "meta")
    assert [problem.code for problem in comparison.problems] == ["model-fails"]
    assert "meta" in comparison.problems[0].message


def test_a_model_that_has_shapes_alone_stays_so():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    with torch.device("meta"):
        model = classic.LeNet5()
    assert compare(net, model).device == "meta"
    assert compare(net, model, "cpu").ok
    assert all(p.is_meta for p in model.parameters())


def test_a_model_without_parameters_and_one_that_is_a_single_layer():
    assert compare(
        'input = [3, 8, 8]\nlayers = ["relu", "global_avg_pool"]', nn.Sequential(nn.ReLU(), nn.AdaptiveAvgPool2d(1))
    ).ok
    comparison = compare(
        'input = [3, 8, 8]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 3 }]', nn.Conv2d(3, 2, 3)
    )
    assert comparison.ok
    empty = compare("input = [3, 8, 8]\nlayers = ['relu']", nn.Identity())
    assert found(empty) == [(DIFFERS, "relu1")]


def test_constants_that_nobody_registered_are_no_layers():
    class Normalizes(nn.Module):
        def __init__(self):
            super().__init__()
            self.mean, self.conv = torch.zeros(3, 1, 1), nn.Conv2d(3, 8, 3)

        def forward(self, x):
            return F.relu(self.conv((x - self.mean) / torch.full((3, 1, 1), 0.5)))

    text = 'input = [3, 8, 8]\nlayers = [{ type = "conv", out_channels = 8, kernel_size = 3 }, "relu"]'
    assert compare(text, Normalizes()).problems == ()


def test_a_batch_that_is_squeezed_away():
    text = 'input = [1, 8, 8]\nlayers = ["flatten", { type = "linear", out_features = 2 }]'
    (problem,) = compare(text, nn.Sequential(Code(lambda x: x.flatten().squeeze()), nn.Linear(64, 2))).problems
    assert "output 64 in the file, but output without axes in 0.flatten()" in problem.message


def test_an_exported_model_is_the_same():
    model = torch.export.export(classic.LeNet5().eval(), (torch.zeros(1, 1, 32, 32),)).module()
    comparison = compare(cnnshape.load(ARCHITECTURES / "lenet5.toml"), model)
    assert comparison.ok
    assert matched(comparison)["C1"] == "conv1"


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_what_torch_jit_has_made_its_own_cannot_be_seen():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    model = classic.LeNet5()
    with pytest.raises(TypeError, match=r"the model is a ScriptModule: give what torch\.jit made it of"):
        cnnshape.verify(net, model=torch.jit.script(model))
    model.conv2 = torch.jit.script(model.conv2)
    with pytest.raises(TypeError, match="conv2 is a ScriptModule"):
        cnnshape.verify(net, model=model)


def test_a_model_that_ends_the_program_has_failed():
    (problem,) = compare('input = [1]\nlayers = ["relu"]', Code(lambda x: sys.exit(3))).problems
    assert "the model raises in Code(): SystemExit: 3 (test_live.py:" in problem.message


def test_what_is_no_model_is_refused():
    net = cnnshape.loads(NET)
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, not <class"):
        cnnshape.verify(net, model=nn.ReLU)
    with pytest.raises(ValueError, match="there is no device 'tpu'"):
        cnnshape.verify(net, "tpu", model=nn.ReLU())


def test_a_wrapped_model_is_unwrapped():
    model = nn.DataParallel(classic.LeNet5())
    comparison = compare(cnnshape.load(ARCHITECTURES / "lenet5.toml"), model)
    assert comparison.ok
    assert matched(comparison)["C1"] == "conv1"
    assert comparison.model == "LeNet5"


def test_half_precision_and_double():
    net = cnnshape.load(ARCHITECTURES / "lenet5.toml")
    assert compare(net, classic.LeNet5().double()).ok
    assert compare(net, classic.LeNet5().bfloat16()).ok


def test_nets_without_anything_in_common_end():
    with torch.device("meta"):
        model = dense.DenseNet()
    comparison = compare(cnnshape.load(ARCHITECTURES / "unet.toml"), model, input=(3, 64, 64))
    assert not comparison.ok


# The model is left as it was


class Busy(nn.Module):
    """Changes whatever a forward can change."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.drop = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout()
        self.frozen = nn.BatchNorm2d(4).eval()
        self.register_buffer("runs", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(3))
        self.seen = None

    def train(self, mode=True):
        raise AssertionError("the mode is the user's")

    def forward(self, x):
        self.runs += 1
        self.replaced = torch.full((3,), 7.0, device=x.device)
        with torch.no_grad():
            self.conv.weight.data = torch.renorm(self.conv.weight.data, 2, 0, 1e-3)
            self.conv.bias.add_(1)
        x = self.frozen(self.bn(self.conv(x)))
        self.seen = torch.ones(4, device=x.device) + random.random() + float(np.random.rand())  # noqa: NPY002
        return self.drop(x + torch.rand(1, device=x.device)) * self.seen.view(1, 4, 1, 1)


def picture(model):
    """All of a model that could change, and the random states."""
    return {
        "state": {
            name: (id(tensor), tensor._version, tensor.clone())
            for name, tensor in model.state_dict(keep_vars=True).items()
        },
        "modes": [module.training for module in model.modules()],
        "hooks": [[dict(hooks) for name, hooks in vars(m).items() if "hooks" in name] for m in model.modules()],
        "global hooks": [
            dict(hooks)
            for name, hooks in vars(torch.nn.modules.module).items()
            if name.startswith("_global") and isinstance(hooks, dict)
        ],
        "gradients": [(id(p.grad), p.grad.clone()) for p in model.parameters() if p.grad is not None],
        "requires": [p.requires_grad for p in model.parameters()],
        "devices": [p.device for p in model.parameters()],
        "random": (random.getstate(), np.random.get_state(), torch.get_rng_state()),  # noqa: NPY002
        "random on cuda": torch.cuda.get_rng_state_all(),
    }


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


BUSY = """
input = [1, 8, 8]
layers = [
  { name = "conv", type = "conv", out_channels = 4, kernel_size = 3 },
  { name = "bn", type = "batch_norm" },
  { name = "frozen", type = "batch_norm" },
  { name = "drop", type = "dropout" },
]
"""


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("device", ["auto", "cpu", "meta"])
def test_the_model_is_left_exactly_as_it_was(device, raises):
    model = Busy()
    model.register_forward_pre_hook(lambda module, args: None)
    model.conv.weight.grad = torch.ones_like(model.conv.weight)
    if raises:
        model.drop.register_forward_hook(lambda module, args, output: output @ torch.zeros(99))
    before = picture(model)
    comparison = compare(BUSY, model, device)
    after = picture(model)
    assert same(before, after), [key for key in before if not same(before[key], after[key])]
    assert comparison.ok is not raises


def test_a_cuda_that_is_not_used_yet_is_not_seeded(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("it would be seeded"))
    assert compare(BUSY, Busy(), "cpu").ok


def test_the_picture_shows_a_change():
    model = Busy()
    before = picture(model)
    model(torch.zeros(1, 1, 8, 8))
    after = picture(model)
    assert [key for key in before if not same(before[key], after[key])] == ["state", "random"]


def test_what_a_model_keeps_of_the_run_serves_training():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.grid = nn.Conv2d(1, 1, 1), None

        def forward(self, x):
            if self.grid is None:
                self.grid = torch.ones(x.shape)
            return self.conv(x) * self.grid

    model = Keeps()
    compare('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = 1 }]', model)
    model(torch.zeros(1, 1, 8, 8)).sum().backward()
    assert model.conv.weight.grad is not None


def test_gradients_within_forward_work():
    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 1)

        def forward(self, x):
            with torch.enable_grad():
                x = x.requires_grad_()
                (slope,) = torch.autograd.grad(self.fc(x).sum(), x)
            return slope

    comparison = compare('input = [4]\nlayers = [{ name = "fc", type = "linear", out_features = 1 }]', Energy())
    assert verdicts(comparison) == {"fc": "differs"}  # what is returned is another shape; nothing raised
    assert "4 in what Energy returns" in comparison.problems[0].message


# In test code


def test_assert_shapes_says_nothing_where_all_agrees():
    cnnshape.assert_shapes(classic.LeNet5(), ARCHITECTURES / "lenet5.toml")
    assert_shapes(classic.LeNet5(), str(ARCHITECTURES / "lenet5.toml"), input=(1, 33, 33), device="meta")


def test_assert_shapes_shows_both_sides_layer_by_layer():
    net = cnnshape.loads(NET)
    model = STYLES["numbered"](behind("act3", pool9=nn.MaxPool2d(2))(PLANTED["bias"][0](parts())))
    with pytest.raises(AssertionError) as caught:
        assert_shapes(model, net)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Sequential is not what <string> says"
    table = [re.split(r"  +", line) for line in lines[1 : lines.index("")]]
    assert table[0] == ["layer", "expected", "actual"]
    assert ["conv1", "conv -> 16x32x32, 432 parameters", "0 -> 16x32x32, 448 parameters", "differs"] in table
    assert ["conv4", "conv -> 32x16x16, 9,248 parameters", "9 -> 32x8x8, 9,248 parameters", "follows"] in table
    assert ["bn1", "batch_norm -> 16x32x32, 32 parameters", "1 -> 16x32x32, 32 parameters"] in table
    assert [row for row in table if row[0] == "..."] == [["...", "5 that agree"], ["...", "2 that agree"]]
    assert table[-1] == ["", "8", "extra"]
    assert sum("error[model-" in line for line in lines) == 2


def test_assert_shapes_holds_the_file_to_its_word_too(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text('input = [4]\nlayers = [{ type = "linear", out_features = 2 }]\nclaims.parameters = 11\n')
    with pytest.raises(AssertionError, match="parameters is claimed to be 11, but it is 10"):
        assert_shapes(nn.Linear(4, 2), file)
    file.write_text("layers = 3")
    with pytest.raises(AssertionError, match="error"):
        assert_shapes(nn.Linear(4, 2), file)


# The command line


def verify(*args, **how):
    return CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(main, ["verify", *map(str, args)], **how)


LENET = ARCHITECTURES / "lenet5.toml"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with a package that has models, and an architecture file."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").write_text("")
    (tmp_path / "nets" / "models.py").write_text(
        "from torch import nn\n\n\n"
        "def small(channels=2):\n    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU())\n\n\n"
        "wide = small(3)\n\n\ndef loud():\n    print('here it comes')\n    return small()\n\n\nclass Lost(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        raise OSError('no weights')\n\n\nnothing = 3\n"
    )
    (tmp_path / "net.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 3 },\n  "relu",\n]\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.syspath_prepend("")
    return tmp_path


def test_verify_on_the_command_line(project):
    result = verify("net.toml", "--model", "nets.models:small")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r"conv .* ✓ 0\n", result.stdout)
    assert "2 of 2 layers agree with Sequential on" in result.stdout


def test_verify_finds_differences(project):
    result = verify("net.toml", "--model", "nets.models:wide")
    assert result.exit_code == 1
    assert re.search(r"conv .* ✗ differs 0\n", result.stdout)
    assert "net.toml:3:50: error[model-differs]: out_channels 2, 20 parameters" in result.stdout
    at_another = verify("net.toml", "--model", "nets.models:wide", "--input", "1x5x5", "--strict", "--device", "cpu")
    assert "output 2x3x3 in the file, but out_channels 3" in at_another.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nets.models", "is not MODULE:NAME"),
        ("nets.modles:small", "No module named 'nets.modles'\n"),
        ("sys:exit", "SystemExit"),
        ("nets.models:smal", "has no attribute 'smal'"),
        ("nets.models:Lost", "OSError: no weights (models.py:19)"),
        ("nets.models:nothing", "'int' object is not callable"),
        ("nets.models:nn.ReLU.extra_repr", "extra_repr() missing 1 required positional argument"),
        ("builtins:dict", "builtins:dict gives {}, which is no torch.nn.Module"),
    ],
)
def test_what_makes_no_model_is_2(project, name, said):
    result = verify("net.toml", "--model", name)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_does_not_read_runs_no_code(project):
    (project / "broken.toml").write_text("layers = [")
    result = verify("broken.toml", "--model", "nets.models:Lost")
    assert result.exit_code == 2
    assert "broken.toml:1:11: error[unreadable]" in result.stdout


def test_json_of_a_comparison(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "json")
    data = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    Draft202012Validator(schema).validate(data)
    (file,) = data["files"]
    assert (file["ok"], file["model"]["class"], file["model"]["ok"]) == (False, "Sequential", False)
    conv = file["layers"][0]["model"]
    assert (conv["verdict"], conv["module"], conv["output"], conv["parameters"]) == ("differs", "0", [3, 6, 6], 30)


def test_what_the_models_code_prints_is_not_in_the_report(project):
    result = verify("net.toml", "--model", "nets.models:loud", "--format", "json")
    assert json.loads(result.stdout)["files"][0]["ok"]
    assert result.stderr == "here it comes\n"


def test_github_annotations(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "github")
    annotation, verdict = result.stdout.splitlines()
    assert annotation.startswith("::error file=net.toml,line=3,col=50,title=conv%3A model-differs::out_channels 2, ")
    assert annotation.endswith("%0Ain layer conv")
    assert verdict == "net.toml: 1 error"
    (project / "100%,net:.toml").write_text('input = [1, 8, 8]\nlayers = ["rule"]\n')
    checked = CliRunner().invoke(main, ["check", "--no-torch", "--format", "github", "100%,net:.toml"])
    assert checked.stdout.startswith("::error file=100%25%2Cnet%3A.toml,line=2,col=11,title=")
    assert checked.exit_code == 1


def test_github_annotations_are_told_from_the_root_of_the_repository(project, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project))
    monkeypatch.chdir(project / "nets")
    monkeypatch.syspath_prepend(project)
    result = verify("../net.toml", "--model", "nets.models:wide", "--format", "github")
    assert result.stdout.startswith("::error file=net.toml,line=3,")
    zoo = verify("zoo:lenet5", "--model", "nets.models:wide", "--format", "github")
    assert zoo.stdout.startswith("::error file=zoo%3Alenet5,line=")


def test_junit_report(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "junit")
    suite = ET.fromstring(result.stdout)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    whole, conv, relu = suite
    assert [case.get("name") for case in suite] == ["net.toml", "conv", "relu1"]
    assert conv.get("line") == "3"
    assert conv[0].get("message").startswith("model-differs: out_channels 2")
    assert "net.toml:3:50: error[model-differs]" in conv[0].text
    assert (relu[0].tag, relu[0].get("message")) == ("skipped", "what enters differs")
    assert len(whole) == 0


def test_junit_of_a_check(project):
    (project / "bad.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 9 },\n'
        '  "relu",\n  { name = "side", type = "relu", from = "input", allow = ["unused-result"] },\n]\nclaims.parameters = 3\n'
    )
    result = CliRunner().invoke(main, ["check", "--no-torch", "--format", "junit", "bad.toml", "net.toml"])
    bad, good = ET.fromstring(result.stdout)
    outcomes = {case.get("name"): [part.tag for part in case] for case in bad}
    assert outcomes == {"bad.toml": ["failure"], "conv": ["failure"], "relu1": ["skipped"], "side": []}
    assert bad[2][0].get("message") == "what enters is not known: conv fails"
    assert (good.get("failures"), good.get("tests")) == ("0", "3")
    assert result.exit_code == 1
