"""Planted differences are named, at their layer alone."""

import re
from collections import OrderedDict

import pytest

pytest.importorskip("torch")

import torch
from helpers.comparing import ADDS, DIFFERS, MISSES, compare, found, matched, verdicts
from helpers.paths import ARCHITECTURES
from models import residual
from models.planted import NET, STYLES, behind, parts, put, reused, swapped, without
from torch import nn

import cnnshape

PLANTED = {  # what is planted; where it is named, and how
    "stride": (put(conv2=nn.Conv2d(16, 32, 3, 2, 1, groups=2)), DIFFERS, "conv2", "stride 1, output 32x16x16 .* stride 2, output 32x8x8"),
    "stride of the first": (put(conv1=nn.Conv2d(3, 16, 3, 2, 1, bias=False)), DIFFERS, "conv1", "stride 1, .* stride 2,"),
    "padding": (put(conv3=nn.Conv2d(32, 32, 3)), DIFFERS, "conv3", "padding 1, output 32x16x16 .* padding 0, output 32x14x14"),
    "kernel": (put(conv3=nn.Conv2d(32, 32, 5, padding=2)), DIFFERS, "conv3", "kernel_size 3, .* 9,248 .* kernel_size 5, .* 25,632"),
    "dilation": (put(conv3=nn.Conv2d(32, 32, 3, padding=2, dilation=2)), DIFFERS, "conv3", "dilation 1 .* dilation 2"),
    "missing convolution": (without("conv3"), MISSES, "conv3", "no such layer: conv, kernel_size 3"),
    "missing norm": (without("bn1"), MISSES, "bn1", "batch_norm"),
    "missing activation": (without("act3"), MISSES, "act3", "relu"),
    "missing pool": (without("pool2"), MISSES, "pool2", "max_pool"),
    "missing dropout": (without("drop"), MISSES, "drop", "dropout"),
    "swapped norm and activation": (swapped("bn1", "act1"), DIFFERS, "bn1", "behind conv1 .* behind act1"),
    "swapped activation and pool": (swapped("act1", "pool1"), DIFFERS, "pool1", "behind act1 .* behind bn1"),
    "bias": (put(conv1=nn.Conv2d(3, 16, 3, padding=1)), DIFFERS, "conv1", "no bias, 432 .* bias, 448 "),
    "no bias": (put(conv3=nn.Conv2d(32, 32, 3, padding=1, bias=False)), DIFFERS, "conv3", "bias, 9,248 .* no bias, 9,216"),
    "channels": (
        put(conv3=nn.Conv2d(32, 48, 3, padding=1), conv4=nn.Conv2d(48, 32, 3, padding=1)),
        *(DIFFERS, "conv3", "out_channels 32, .* out_channels 48, .* output 48x16x16"),
    ),
    "extra pool": (behind("act3", pool9=nn.MaxPool2d(2)), ADDS, "act3", "pool9, max_pool, kernel_size 2"),
    "extra softmax": (behind("fc2", soft=nn.Softmax(1)), ADDS, "fc2", "soft, softmax"),
    "groups": (put(conv2=nn.Conv2d(16, 32, 3, padding=1, groups=4)), DIFFERS, "conv2", "groups 2, 2,336 .* groups 4, 1,184"),
    "activation": (put(act3=nn.GELU()), DIFFERS, "act3", "relu in the file, but gelu in"),
    "kind of pool": (put(pool2=nn.AvgPool2d(2)), DIFFERS, "pool2", "max_pool in the file, but avg_pool"),
    "ceil_mode": (put(pool2=nn.MaxPool2d(2, ceil_mode=True)), DIFFERS, "pool2", "no ceil_mode .* ceil_mode"),
    "head": (put(fc2=nn.Linear(64, 5)), DIFFERS, "fc2", "out_features 10, 650 .* out_features 5, 325 .* output 5"),
    "rate of dropout": (put(drop=nn.Dropout(0.2)), DIFFERS, "drop", "p 0.5 .* p 0.2"),
    "reused": (reused("conv3", instead_of="conv4"), DIFFERS, "conv4", "9,248 parameters .* those of .* once more"),
}  # fmt: skip


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
    plant = put(conv1=nn.Conv2d(3, 16, 3, 2, 1, bias=False), act3=nn.GELU())
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


def chain(names):
    layers = ["conv", *["bn" for _ in names[1:]]]
    table = {"conv": 'type = "conv", out_channels = 4, kernel_size = 1', "bn": 'type = "batch_norm"'}
    kinds = zip(names, layers, strict=True)
    return "input = [4, 8, 8]\nlayers = [" + ",".join(f'{{ name = "{n}", {table[kind]} }}' for n, kind in kinds) + "]"


def chained(names):
    norms = {name: nn.BatchNorm2d(4) for name in names[1:]}
    return nn.Sequential(OrderedDict({names[0]: nn.Conv2d(4, 4, 1), **norms}))


@pytest.mark.parametrize("more", [2, 4, 5, 89])
def test_many_in_a_row_are_one_problem(more):
    short, long = ["stem"], ["stem", *(f"n{i}" for i in range(more))]
    adds = compare(chain(short), chained(long))
    misses = compare(chain(long), chained(short))
    alone = more <= 4
    assert found(adds) == [(ADDS, "stem")] * (more if alone else 1)
    assert found(misses) == [(MISSES, f"n{i}") for i in range(more if alone else 1)]
    said = adds.problems[0].message
    assert said == (
        "the model has n0, batch_norm, output 4x8x8 behind stem: the file has not"
        if alone
        else f"the model has {more} more layers (n0, n1, n2, n3, {more - 4} more) behind stem: the file has not"
    )
    up_to = "" if alone else f", nor the {more - 1} layers behind it, up to n{more - 1}"
    assert misses.problems[0].message == f"Sequential has no such layer: batch_norm, output 4x8x8{up_to}"
    assert len(adds.extra) == more
    assert [*verdicts(misses).values()].count("missing") == more


def test_many_unused_modules_are_one_problem():
    model = chained(["stem"])
    model.forward = model.stem.forward
    model.rest = nn.ModuleList(nn.Linear(1, 1) for _ in range(9))
    messages = [problem.message for problem in compare(chain(["stem"]), model).problems]
    assert any(
        "18 parameters in 9 modules (rest.0, rest.1, rest.2, rest.3, 5 more), which no layer" in m for m in messages
    )
