"""Sides that code computes while it runs, held against files that say where they come from."""

import re

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import compare, found
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
        assert bool(compare(both, Multiple()).problems) == (shape != [3, 32, 32])


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
    assert compare(like.format(side=16), Fixed(output_padding=1)).problems == ()
    assert compare(SIZED.format(side=16, how="output_padding = 1"), Sized()).problems == ()
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
