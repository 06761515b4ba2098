"""Sides that code computes while it runs, held against files that say where they come from."""

import math
import re

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import Code, compare, found, here
from torch import nn

UP = """
input = [3, {h}, {w}]
layers = [
  {{ name = "skip", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 }},
  {{ type = "max_pool", kernel_size = 2 }},
  {{ name = "up", type = "conv_transpose", out_channels = 4, kernel_size = 2, stride = 2 }},
  {{ name = "fit", type = "pad", like = "skip"{more} }},
  {{ type = "concat", from = ["skip", "fit"] }},
]
"""


class Up(nn.Module):
    """The decoder's step of the most copied U-Net in PyTorch."""

    def __init__(self, scale=2):
        super().__init__()
        self.skip = nn.Conv2d(3, 4, 3, padding=1)
        self.up = nn.ConvTranspose2d(4, 4, scale, stride=scale)

    def forward(self, x):
        x2 = self.skip(x)
        x1 = self.up(F.max_pool2d(x2, 2))
        return torch.cat([x2, self.fit(x1, x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3])], dim=1)

    def fit(self, x1, rows, columns):
        return F.pad(x1, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])


class AtTheFront(Up):
    def fit(self, x1, rows, columns):
        return F.pad(x1, [columns - columns // 2, columns // 2, rows - rows // 2, rows // 2])


class AtTheEnd(Up):
    def fit(self, x1, rows, columns):
        return F.pad(x1, (0, columns, 0, rows))


@pytest.mark.parametrize(("h", "w"), [(16, 16), (17, 16), (16, 19), (9, 9)])
def test_a_pad_to_the_skip_connection(h, w):
    assert compare(UP.format(h=h, w=w, more=""), Up()).problems == ()
    assert compare(UP.format(h=h, w=w, more=', where = "after"'), AtTheEnd()).problems == ()


def test_a_pad_at_the_other_end_differs():
    (problem,) = compare(UP.format(h=17, w=17, more=""), AtTheFront()).problems
    assert re.search(r"padding .*0.*1.* in the file, but padding .*1.*0", problem.message)


@pytest.mark.parametrize("side", [16, 17, 18])
def test_a_pad_that_cuts(side):
    text = UP.format(h=side, w=side, more="").replace("kernel_size = 2, stride = 2", "kernel_size = 3, stride = 3")
    assert compare(text, Up(3)).problems == ()
    assert compare(text, AtTheEnd(3)).problems != ()


def test_a_pad_to_a_multiple():
    class Multiple(nn.Module):
        def forward(self, x):
            h, w = x.shape[-2:]
            return F.pad(x, (0, (32 - w % 32) % 32, 0, (32 - h % 32) % 32))

    for shape in ([3, 40, 64], [3, 33, 97], [3, 32, 32]):
        text = f'input = {shape}\nlayers = [{{ type = "pad", multiple = 32 }}]'
        assert compare(text, Multiple()).problems == ()
        both = text.replace("= 32 }", '= 32, where = "both" }')
        assert bool(here(compare(both, Multiple()))) == (shape != [3, 32, 32])
        assert compare(both, Multiple()).problems != ()


def test_a_pad_of_some_axes_is_one_of_all():
    class Columns(nn.Module):
        def forward(self, x):
            return F.pad(F.pad(x, (1, 2)), (0, 0, 0, 0, 3, 4))

    text = """
    input = [4, 8, 8]
    layers = [{ type = "pad", padding = [0, [1, 2]] }, { type = "pad", channels = [3, 4] }]
    """
    assert compare(text, Columns()).problems == ()
    assert found(compare(text.replace("[0, [1, 2]]", "[[1, 2], 0]"), Columns()))[0] == ("model-differs", "pad1")
    assert found(compare(text.replace("[3, 4]", "[4, 3]"), Columns())) == [("model-differs", "pad2")]


class Sized(nn.Module):
    """A transposed convolution that is told the side."""

    def __init__(self, **how):
        super().__init__()
        self.down = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.up = nn.ConvTranspose2d(8, 3, 3, stride=2, padding=1, **how)

    def forward(self, x):
        return self.up(self.down(x), output_size=x.size())


class Fixed(Sized):
    def forward(self, x):
        return self.up(self.down(x))


SIZED = """
input = [3, {side}, {side}]
layers = [
  {{ type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 }},
  {{ name = "up", type = "conv_transpose", out_channels = 3, kernel_size = 3, stride = 2, padding = 1, {how} }},
]
"""


def test_a_transposed_convolution_told_its_side():
    like = SIZED.replace("{how}", 'like = "input"')
    for side in (15, 16):
        assert compare(like.format(side=side), Sized()).problems == ()
    assert here(compare(like.format(side=16), Fixed(output_padding=1))) == []
    assert here(compare(SIZED.format(side=16, how="output_padding = 1"), Sized())) == []
    (problem,) = compare(like.format(side=16), Fixed()).problems
    assert "output_padding 1, output 3x16x16 in the file, but output_padding 0, output 3x15x15" in problem.message


class Unpooled(nn.Module):
    def __init__(self, *, told):
        super().__init__()
        self.pool, self.unpool, self.told = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2), told

    def forward(self, x):
        y, indices = self.pool(x)
        return self.unpool(y, indices, output_size=x.size()) if self.told else self.unpool(y, indices)


def test_a_max_unpool_told_its_side_or_not():
    text = """
    input = [3, 5, 4]
    layers = [{ name = "pool", type = "max_pool", kernel_size = 2 }, { type = "max_unpool", indices = "pool" }]
    """
    default = text.replace('"pool" }]', '"pool", output_size = "default" }]')
    assert compare(text, Unpooled(told=True)).problems == ()
    assert compare(default, Unpooled(told=False)).problems == ()
    (problem,) = compare(default, Unpooled(told=True)).problems
    assert "output 3x4x4 in the file, but output 3x5x4" in problem.message


def test_an_upsample_to_a_part_of_another_layer():
    class Half(nn.Module):
        def forward(self, x):
            return F.interpolate(F.avg_pool2d(x, 4), size=[side // 2 for side in x.shape[2:]], mode="nearest")

    text = """
    input = [3, 17, 18]
    layers = [{ type = "avg_pool", kernel_size = 4 }, { type = "upsample", like = "input", scale_factor = 0.5 }]
    """
    assert compare(text, Half()).problems == ()
    assert compare(text.replace("0.5", "1"), Half()).problems != ()


def test_a_factor_computed_anew_differs_where_it_was_rounded():
    def code(*, anew):
        class Resized(nn.Module):
            def forward(self, x):
                return F.interpolate(x, scale_factor=1.3, recompute_scale_factor=anew)

        return Resized()

    text = "input = [3, {side}, 10]\nlayers = [{{ type = 'upsample', scale_factor = 1.3, recompute_scale_factor = {anew} }}]"
    for side, differs in ((10, False), (11, True)):
        assert compare(text.format(side=side, anew="true"), code(anew=True)).problems == ()
        assert compare(text.format(side=side, anew="false"), code(anew=None)).problems == ()
        assert bool(compare(text.format(side=side, anew="true"), code(anew=False)).problems) is differs
    assert compare("input = [3, 11, 10]\nlayers = [{ type = 'upsample', size = [14, 13] }]", code(anew=True)).ok


def get_same_padding(x, kernel_size, stride, dilation=1):
    """As timm has it."""
    return max((math.ceil(x / stride) - 1) * stride + (kernel_size - 1) * dilation + 1 - x, 0)


def pad_same(x, kernel_size, stride, dilation=1, value=0):
    rows, columns = (get_same_padding(side, kernel_size, stride, dilation) for side in x.shape[-2:])
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2), value=value)


class Conv2dSame(nn.Conv2d):
    def forward(self, x):
        x = pad_same(x, self.kernel_size[0], self.stride[0], self.dilation[0])
        return F.conv2d(x, self.weight, self.bias, self.stride, (0, 0), self.dilation, self.groups)


class MaxPool2dSame(nn.MaxPool2d):
    def forward(self, x):
        x = pad_same(x, self.kernel_size, self.stride, value=-float("inf"))
        return F.max_pool2d(x, self.kernel_size, self.stride)


class AvgPool2dSame(nn.AvgPool2d):
    def forward(self, x):
        return F.avg_pool2d(pad_same(x, self.kernel_size, self.stride), self.kernel_size, self.stride)


def same(layer, side, channels=4):
    return f"input = [{channels}, {side}, {side}]\nlayers = [{{ {layer} }}]"


CONV = 'type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = "same_upper"'


@pytest.mark.parametrize("side", [7, 8, 9])
def test_layers_that_pad_by_the_side_before_they_run(side):
    assert compare(same(CONV, side), Conv2dSame(4, 8, 3, stride=2)).problems == ()
    assert compare(same(f"{CONV}, dilation = 2", side), Conv2dSame(4, 8, 3, stride=2, dilation=2)).problems == ()
    pool = 'type = "{}_pool", kernel_size = 3, stride = 2, padding = "same_upper"'
    assert compare(same(pool.format("max"), side), MaxPool2dSame(3, 2)).problems == ()
    counted = f"{pool.format('avg')}, count_include_pad = true"
    assert compare(same(counted, side), AvgPool2dSame(3, 2)).problems == ()


def test_a_mean_of_what_was_padded_counts_it():
    (problem,) = compare(
        same('type = "avg_pool", kernel_size = 3, stride = 2, padding = "same_upper"', 8), AvgPool2dSame(3, 2)
    ).problems
    assert "no count_include_pad in the file, but count_include_pad" in problem.message


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (nn.Sequential(nn.ZeroPad2d((1, 0, 1, 0)), nn.Conv2d(4, 8, 3, stride=2)), "padding 0 x 1 in the file, but padding 1 x 0"),
        (nn.Conv2d(4, 8, 3, stride=2, padding=1), "padding 0 x 1 in the file, but padding 1 "),
        (Conv2dSame(4, 8, 5, stride=2), "kernel_size 3, padding 0 x 1, 296 parameters in the file, but kernel_size 5, padding 1 x 2"),
        (nn.Sequential(nn.ReplicationPad2d((0, 1, 0, 1)), nn.Conv2d(4, 8, 3, stride=2)), "padding_mode zeros .* padding_mode replicate"),
    ],
)  # fmt: skip
def test_other_padding_differs(model, said):
    (problem,) = compare(same(CONV, 8), model).problems
    assert problem.code == "model-differs"
    assert re.search(said, problem.message), problem.message


@pytest.mark.parametrize(
    "model",
    [
        nn.Sequential(nn.ConstantPad2d((0, 1, 0, 1), 2.0), nn.Conv2d(4, 8, 3, stride=2)),
        nn.Sequential(nn.ReflectionPad2d((0, 1, 0, 1)), nn.Conv2d(4, 8, 3, stride=2, padding=1)),
        nn.Sequential(nn.ZeroPad2d((-1, 2, 0, 1)), nn.Conv2d(4, 8, 3, stride=2)),
    ],
)
def test_a_pad_of_another_kind_stays_a_layer(model):
    assert {code for code, _ in found(compare(same(CONV, 8), model))} == {"model-differs", "model-adds"}


def test_padding_that_comes_to_the_same():
    """An odd side is padded by one at both ends, however that is said."""
    for model in (
        nn.Conv2d(4, 8, 3, stride=2, padding=1),
        nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(4, 8, 3, stride=2)),
    ):
        assert here(compare(same(CONV, 9), model)) == []
    pool = same('type = "max_pool", kernel_size = 3, stride = 2, padding = "same_upper"', 9)
    assert here(compare(pool, nn.MaxPool2d(3, 2, 1))) == []
    mean = same('type = "avg_pool", kernel_size = 3, stride = 2, padding = "same_lower"', 9)
    assert here(compare(mean, nn.AvgPool2d(3, 2, 1, count_include_pad=False))) == []
    counted = same(
        'type = "avg_pool", kernel_size = 3, stride = 2, padding = "same_upper", count_include_pad = true', 8
    )
    model = nn.Sequential(
        nn.ZeroPad2d((0, 1, 0, 1)), nn.AvgPool2d(3, 2, count_include_pad=False)
    )  # of cells of its own
    assert here(compare(counted, model)) == []
    reflected = same(f'{CONV}, padding_mode = "reflect"', 9)
    assert here(compare(reflected, nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(4, 8, 3, stride=2)))) == []


@pytest.mark.parametrize(
    ("layer", "model", "said"),
    [
        (
            'type = "avg_pool", kernel_size = 3, stride = 2, padding = "same_upper", count_include_pad = true',
            nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)),
            "no count_include_pad",
        ),
        (
            'type = "conv", out_channels = 8, kernel_size = 5, stride = 2, padding = "same_upper"',
            nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 8, 5, stride=2, padding=1, padding_mode="reflect")),
            "padding 1 x 2, padding_mode zeros in the file, but padding 1, padding_mode reflect",
        ),
        (
            CONV,
            nn.Sequential(nn.Identity(), Code(lambda x: F.pad(x, (0, 1, 0, 1, 0, 2))), nn.Conv2d(6, 8, 3, stride=2)),
            "padding 0 x 1, .* in the file, but .*padding 0, ",
        ),
    ],
)
def test_padding_in_two_steps_that_is_no_one_step(layer, model, said):
    comparison = compare(same(layer, 8), model)
    assert any(re.search(said, problem.message) for problem in comparison.problems), comparison.problems


class Read(nn.Module):
    """A padded tensor that a convolution reads, and another layer or who calls."""

    def __init__(self, pads, *, out):
        super().__init__()
        self.pads, self.out = pads, out
        self.first, self.conv = Conv2dSame(4, 4, 3, stride=2), nn.Conv2d(4, 8, 3, stride=2)

    def forward(self, x):
        x = F.pad(self.first(x), self.pads)
        return self.conv(x), x if self.out else torch.tanh(x)


@pytest.mark.parametrize("out", [False, True])
def test_a_pad_that_others_read_stays_a_layer(out):
    text = f"""
    input = [4, 16, 16]
    outputs = ["conv", "{"pad" if out else "tanh"}"]
    layers = [
      {{ type = "conv", out_channels = 4, kernel_size = 3, stride = 2, padding = "same_upper" }},
      {{ name = "pad", type = "pad", padding = [[0, 1], [0, 1]] }},
      {{ name = "conv", type = "conv", out_channels = 8, kernel_size = 3, stride = 2 }},
      {"" if out else '{ name = "tanh", type = "tanh", from = "pad" },'}
    ]
    """
    assert compare(text, Read((0, 1, 0, 1), out=out)).problems == ()
    assert found(compare(text, Read((1, 0, 1, 0), out=out))) == [("model-differs", "pad")]


def test_files_with_explicit_pads_beside():
    """A file may say it in two layers in one place, and in one elsewhere."""
    text = """
    input = [4, 8, 8]
    layers = [
      { type = "conv", out_channels = 4, kernel_size = 3, stride = 2, padding = "same_upper" },
      { type = "pad", padding = [[0, 1], [0, 1]] },
      { type = "conv", out_channels = 4, kernel_size = 3, stride = 2 },
    ]
    """
    model = nn.Sequential(Conv2dSame(4, 4, 3, stride=2), nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(4, 4, 3, stride=2))
    assert compare(text, model).problems == ()
    assert here(compare(text, nn.Sequential(Conv2dSame(4, 4, 3, stride=2), Conv2dSame(4, 4, 3, stride=2)))) == []


class Trimmed(nn.Module):
    """A transposed convolution whose result is cut, as Keras' models are written in torch."""

    def __init__(self, rank, before, after):
        super().__init__()
        self.up, self.cut = (
            (nn.ConvTranspose1d, nn.ConvTranspose2d)[rank - 1](4, 2, 3, stride=2),
            slice(before, -after or None),
        )
        self.rank = rank

    def forward(self, x):
        return self.up(x)[(..., *[self.cut] * self.rank)]


@pytest.mark.parametrize("rank", [1, 2])
def test_a_transposed_convolution_that_is_cut(rank):
    text = f"input = {[4, *[5] * rank]}\nlayers = [{{ type = 'conv_transpose', out_channels = 2, kernel_size = 3, stride = 2, padding = 'same_upper' }}]"
    assert compare(text, Trimmed(rank, 0, 1)).problems == ()
    lower = text.replace("upper", "lower")
    assert compare(lower, Trimmed(rank, 1, 0)).problems == ()
    assert (
        compare(lower, (nn.ConvTranspose1d, nn.ConvTranspose2d)[rank - 1](4, 2, 3, 2, 1, output_padding=1)).problems
        == ()
    )
    (problem,) = compare(text, Trimmed(rank, 1, 0)).problems
    assert "padding 0, output_padding -1 in the file, but padding 1, output_padding 1" in problem.message


def test_a_cut_beside_another_reader_stays_a_layer():
    class Beside(nn.Module):
        def __init__(self):
            super().__init__()
            self.up = nn.ConvTranspose2d(4, 2, 3, stride=2)

        def forward(self, x):
            y = self.up(x)
            return y[..., :-1, :-1], torch.tanh(y)

    text = """
    input = [4, 5, 5]
    outputs = ["up", "tanh"]
    layers = [
      { name = "up", type = "conv_transpose", out_channels = 2, kernel_size = 3, stride = 2, padding = "same_upper" },
      { name = "tanh", type = "tanh" },
    ]
    """
    assert ("model-differs", "up") in found(compare(text, Beside()))
