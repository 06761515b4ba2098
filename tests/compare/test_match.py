"""Where a live model differs: planted differences are named, at their layer alone."""

import json
import re
from collections import OrderedDict
from itertools import pairwise

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import ADDS, DIFFERS, MISSES, compare, found, matched, verdicts
from helpers.paths import ARCHITECTURES
from models import residual
from models.planted import NET, STYLES, behind, parts, put, reused, swapped, without
from torch import nn

import cnnshape


class Wired(nn.Module):
    """Modules, and a function that says what reads what."""

    def __init__(self, wires, **modules):
        super().__init__()
        self.wires = wires
        for name, module in modules.items():
            self.add_module(name, module)

    def forward(self, x):
        return self.wires(self, x)


# Layers

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


# What reads what

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


UNIT = """
input = [4, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "ra", type = "relu" },
  { name = "b", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "sum", type = "add", from = ["b", "input"] },
  { name = "rb", type = "relu" },
  { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
]
"""


def unit(wires):
    return Wired(wires, first=CONV(4, 4, 1), second=CONV(4, 4, 1), last=CONV(4, 4, 1))


def residual_unit(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x))) + x))


def without_its_skip(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x)))))


def with_one_more_skip(m, x):
    inner = m.first(x)
    return m.last(F.relu(m.second(F.relu(inner)) + inner + x))


def activated_before_the_sum(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x)))) + x)


def joined_instead_of_added(m, x):
    return m.last(F.relu(torch.cat([m.second(F.relu(m.first(x)))[:, :2], x[:, :2]], 1)))


def with_a_skip_behind_the_sum(m, x):
    return m.last(F.relu(m.second(F.relu(m.first(x))) + x) + x)


def test_skips():
    assert compare(UNIT, unit(residual_unit)).problems == ()
    assert found(compare(UNIT, unit(without_its_skip))) == [(MISSES, "sum")]
    assert found(compare(UNIT, unit(with_a_skip_behind_the_sum))) == [(ADDS, "rb")]
    assert found(compare(UNIT, unit(activated_before_the_sum))) == [(DIFFERS, "rb")]
    (problem,) = compare(UNIT, unit(with_one_more_skip)).problems
    assert problem.layer == "sum"
    assert "from input and b in the file, but from input and first and second in add()" in problem.message
    assert found(compare(UNIT, unit(joined_instead_of_added)))[0] == (DIFFERS, "sum")


DECODER = """
input = [1, 8, 8]
layers = [
  { name = "down", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "pool", type = "max_pool", kernel_size = 2 },
  { name = "up", type = "conv_transpose", out_channels = 4, kernel_size = 2, stride = 2 },
  { name = "join", type = "concat", from = ["down", "up"] },
  { name = "head", type = "conv", out_channels = 2, kernel_size = 1 },
]
"""


@pytest.mark.parametrize("turned", [False, True])
def test_the_order_of_a_concatenation(turned):
    def wires(m, x):
        down = m.enc(x)
        parts = [down, m.dec(F.max_pool2d(down, 2))]
        return m.out(torch.cat(parts[::-1] if turned else parts, 1))

    model = Wired(wires, enc=CONV(1, 4, 3, 1, 1), dec=nn.ConvTranspose2d(4, 4, 2, 2), out=CONV(8, 2, 1))
    comparison = compare(DECODER, model)
    assert found(comparison) == [(DIFFERS, "join")] * turned
    assert not turned or "from down and up in the file, but from dec and enc in cat()" in comparison.problems[0].message


INCEPTION = """
input = [4, 8, 8]
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "less", type = "conv", out_channels = 2, kernel_size = 1, from = "input" },
  { name = "three", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "wide", type = "conv", out_channels = 4, kernel_size = 5, padding = 2, from = "input" },
  { name = "join", type = "concat", from = ["one", "three", "wide"] },
  { name = "act", type = "relu" },
  { name = "last", type = "conv", out_channels = 2, kernel_size = 1 },
  { name = "end", type = "relu" },
]
"""


def inception(wires, **more):
    branches = {"p": CONV(4, 4, 1), "q": CONV(4, 2, 1), "r": CONV(2, 4, 3, 1, 1), "s": CONV(4, 4, 5, 1, 2)}
    return Wired(wires, **branches, **more)


@pytest.mark.parametrize("order", ["abc", "bac", "cba", "bca", "abb", "abx", "ab", "ac", "b"])
def test_branches_in_another_order_or_left_out(order):
    def wires(m, x):
        made = {"a": m.p(x), "b": m.r(m.q(x)), "c": m.s(x), "x": x}
        return F.relu(m.t(F.relu(torch.cat([made[branch] for branch in order], 1))))

    comparison = compare(INCEPTION, inception(wires, t=nn.LazyConv2d(2, 1)))
    assert found(comparison) == [(DIFFERS, "join")] * (order != "abc")
    read = " and ".join({"a": "p", "b": "r", "c": "s", "x": "input"}[branch] for branch in dict.fromkeys(order))
    assert all("from one and three and wide in the file, but " in p.message for p in comparison.problems)
    assert all(f"from {read} in cat()" in p.message for p in comparison.problems)


def test_a_branch_too_many_before_the_model_raises():
    def wires(m, x):
        return F.relu(m.t(F.relu(torch.cat([m.p(x), m.r(m.q(x)), m.s(x), F.relu(m.u(x))], 1))))

    comparison = compare(INCEPTION, inception(wires, u=CONV(4, 4, 1), t=CONV(12, 2, 1)))
    assert found(comparison)[0] == (DIFFERS, "join")
    assert {code for code, _ in found(comparison)[1:]} == {"model-fails", ADDS}
    assert verdicts(comparison)["end"] == "not run"


def test_what_may_be_left_out_takes_nobodys_place():
    def wires(m, x):
        return m.fc(x[:, :2])

    text = 'input = [4]\nlayers = ["flatten", { name = "fc", type = "linear", out_features = 2 }]'
    comparison = compare(text, Wired(wires, fc=nn.Linear(2, 2)))
    assert found(comparison) == [(ADDS, "")]
    assert comparison.problems[0].place.start == (2, 10)  # where the layers are listed
    assert verdicts(comparison) == {"flatten1": "agrees", "fc": "follows"}


def test_of_many_values_that_a_layer_reads_the_first_are_named():
    names = [f"s{i}" for i in range(6)]
    conv = 'type = "conv", out_channels = 1, kernel_size = 1, from = "input"'
    sides = "".join(f'{{ name = "{name}", {conv} }},\n' for name in names)
    text = f'input = [1, 4, 4]\nlayers = [\n{sides}{{ name = "all", type = "concat", from = {json.dumps(names)} }},\n]'

    def wires(m, x):
        return torch.cat([m.get_submodule(name)(x) for name in reversed(names)], 1)

    backwards = Wired(wires, **{name: nn.Conv2d(1, 1, 1) for name in names})
    comparison = compare(text, backwards)
    assert found(comparison) == [(DIFFERS, "all")]
    message = comparison.problems[0].message
    assert message.startswith(
        "from s0 and s1 and s2 and s3 and 2 more in the file, but from s5 and s4 and s3 and s2 and 2 more in"
    )


def test_what_is_returned_instead_of_an_output_is_told_by_its_place():
    text = """
    input = [3, 8, 8]
    outputs = ["a", "b"]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 3 },
      { name = "b", type = "conv", out_channels = 5, kernel_size = 3 },
    ]"""

    def wires(m, x):
        a = m.a(x)
        m.b(a)
        return a, x

    comparison = compare(text, Wired(wires, a=nn.Conv2d(3, 4, 3), b=nn.Conv2d(4, 5, 3)))
    assert found(comparison) == [(DIFFERS, "b")]
    assert comparison.problems[0].message == "output 5x4x4 in the file, but 3x8x8 in what Wired returns"


PYRAMID = """
input = [3, 32, 32]
outputs = ["fine", "middle", "coarse"]
layers = [
  { name = "c1", type = "conv", out_channels = 4, kernel_size = 3, stride = 2, padding = 1 },
  { name = "c2", type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "c3", type = "conv", out_channels = 16, kernel_size = 3, stride = 2, padding = 1 },
  { name = "l3", type = "conv", out_channels = 4, kernel_size = 1 },
  { name = "coarse", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "l2", type = "conv", out_channels = 4, kernel_size = 1, from = "c2" },
  { name = "u2", type = "upsample", scale_factor = 2, from = "l3" },
  { name = "s2", type = "add", from = ["l2", "u2"] },
  { name = "middle", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "l1", type = "conv", out_channels = 4, kernel_size = 1, from = "c1" },
  { name = "u1", type = "upsample", scale_factor = 2, from = "s2" },
  { name = "s1", type = "add", from = ["l1", "u1"] },
  { name = "fine", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
]
"""


@pytest.mark.parametrize("forgets", [None, 1, 0])
def test_a_pyramid_that_forgets_a_level(forgets):
    def wires(m, x):
        features = [x := conv(x) for conv in m.convs]
        sides = [side(f) for side, f in zip(m.sides, features, strict=True)]
        top, out = sides[2], {"p3": m.outs[2](sides[2])}
        for level in (1, 0):
            up = F.interpolate(top, scale_factor=2)
            top = up if level == forgets else sides[level] + up
            out[f"p{level + 1}"] = m.outs[level](top)
        return out

    widths = (3, 4, 8, 16)
    model = Wired(
        wires,
        convs=nn.ModuleList(CONV(i, o, 3, 2, 1) for i, o in pairwise(widths)),
        sides=nn.ModuleList(CONV(i, 4, 1) for i in widths[1:]),
        outs=nn.ModuleList(CONV(4, 4, 3, padding=1) for _ in range(3)),
    )
    comparison = compare(PYRAMID, model)
    assert found(comparison) == ([] if forgets is None else [(MISSES, f"s{forgets + 1}")])


@pytest.mark.parametrize("style", STYLES)
def test_what_is_missing_is_named_though_the_model_raises_for_it(style):
    plant = put(fc1=nn.Linear(2048, 64))
    comparison = compare(NET, STYLES[style](without("pool2")(plant(parts()))))
    assert found(comparison) == [(MISSES, "pool2"), ("model-fails", "fc1")]
    assert verdicts(comparison)["act5"] == "not run"


CROPPED = """
input = [1, 13, 13]
layers = [
  { name = "a", type = "conv", out_channels = 1, kernel_size = 3 },
  { name = "pool", type = "max_pool", kernel_size = 4 },
  { name = "up", type = "upsample", scale_factor = 4 },
  { name = "skip", type = "crop", from = "a", like = "up" },
  { name = "sum", type = "add", from = ["skip", "up"] },
]
"""


@pytest.mark.parametrize("complete", [True, False])
def test_where_a_crop_begins_follows_from_what_enters(complete):
    def wires(m, x):
        a = m.a(x) if complete else x
        up = F.interpolate(F.max_pool2d(a, 4), scale_factor=4)
        begin, side = (a.shape[2] - up.shape[2]) // 2, up.shape[2]
        return a[:, :, begin : begin + side, begin : begin + side] + up

    comparison = compare(CROPPED, Wired(wires, **{"a": CONV(1, 1, 3)} if complete else {}))
    assert found(comparison) == [(MISSES, "a")] * (not complete)


UNPOOLED = """
input = [4, 8, 8]
layers = [
  { name = "p", type = "max_pool", kernel_size = 2 },
  { name = "a", type = "relu", from = "input" },
  { name = "q", type = "max_pool", kernel_size = 2 },
  { name = "sum", type = "add", from = ["p", "q"] },
  { name = "up", type = "max_unpool", indices = "q" },
]
"""


@pytest.mark.parametrize("right", [True, False])
def test_the_indices_of_another_pool(right):
    def wires(_, x):
        p, first = F.max_pool2d(x, 2, return_indices=True)
        q, second = F.max_pool2d(F.relu(x), 2, return_indices=True)
        return F.max_unpool2d(p + q, second if right else first, 2)

    assert found(compare(UNPOOLED, Wired(wires))) == [(DIFFERS, "up")] * (not right)


def test_attention_is_more_than_the_file_has_and_takes_nobodys_place():
    def wires(m, x):
        x = m.stem(x).flatten(2).transpose(1, 2)
        q, k, v = m.qkv(x).chunk(3, -1)
        x = x + F.scaled_dot_product_attention(q, k, v)
        return m.head(m.rnn(x)[0].mean(1))

    text = """
    input = [3, 8, 8]
    layers = [
      { name = "stem", type = "conv", out_channels = 8, kernel_size = 3 },
      "global_avg_pool",
      "flatten",
      { name = "head", type = "linear", out_features = 2 },
    ]
    """
    model = Wired(
        wires, stem=CONV(3, 8, 3), qkv=nn.Linear(8, 24), rnn=nn.GRU(8, 8, batch_first=True), head=nn.Linear(8, 2)
    )
    comparison = compare(text, model)
    assert {code for code, _ in found(comparison)} == {ADDS}
    assert [title.partition("(")[0] for title in comparison.extra] == ["qkv", "chunk", "chunk", "chunk", "add", "rnn"]
    assert set(verdicts(comparison).values()) == {"agrees"}
