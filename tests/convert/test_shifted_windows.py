"""Attention in windows: partitions, rolls, paddings and crops of a map, whose sizes follow the input; runs that differ by a roll."""

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from torch import nn

import cnnshape
from cnnshape.convert.alike import alike
from cnnshape.convert.imported import imported
from cnnshape.pytorch.record import recorder

SIDE = 4  # of a window


class Attention(nn.Module):
    """Attends within windows of a map with channels last, which is padded to whole windows, rolled, and cut back."""

    def __init__(self, width, shift, computed):
        super().__init__()
        self.qkv, self.proj, self.shift, self.computed = (
            nn.Linear(width, 3 * width),
            nn.Linear(width, width),
            shift,
            computed,
        )
        bias = torch.zeros(1, 2, SIDE * SIDE, SIDE * SIDE)
        self.register_buffer("bias", bias) if computed else self.register_parameter("bias", nn.Parameter(bias))
        self.mix = nn.Linear(2, 2) if computed else None

    def forward(self, x):
        b, h, w, c = x.shape
        x = F.pad(x, (0, 0, 0, (SIDE - w % SIDE) % SIDE, 0, (SIDE - h % SIDE) % SIDE))
        _, high, wide, _ = x.shape
        shift = 0 if high <= SIDE else self.shift
        if shift:
            x = torch.roll(x, (-shift, -shift), (1, 2))
        rows, columns, places = high // SIDE, wide // SIDE, SIDE * SIDE
        x = x.view(b, rows, SIDE, columns, SIDE, c).permute(0, 1, 3, 2, 4, 5).reshape(-1, places, c)
        q, k, v = self.qkv(x).reshape(-1, places, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
        bias = self.mix(self.bias.transpose(1, 3)).transpose(1, 3) if self.mix is not None else self.bias
        scores = q @ k.transpose(-2, -1) + bias
        if shift:
            mask = x.new_zeros((high, wide)).view(rows, SIDE, columns, SIDE).permute(0, 2, 1, 3).reshape(-1, places)
            mask = mask.unsqueeze(1) - mask.unsqueeze(2)
            scores = scores.view(b, rows * columns, 2, places, places) + mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, 2, places, places)
        x = self.proj((scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, places, c))
        x = x.view(b, rows, columns, SIDE, SIDE, c).permute(0, 1, 3, 2, 4, 5).reshape(b, high, wide, c)
        if shift:
            x = torch.roll(x, (shift, shift), (1, 2))
        return x[:, :h, :w, :].contiguous()


class Net(nn.Module):
    def __init__(self, *, computed=False):
        super().__init__()
        self.stem, self.down = nn.Conv2d(3, 8, 2, 2), nn.Conv2d(8, 8, 2, 2)
        self.one, self.two, self.three = (Attention(8, shift, computed) for shift in (0, 2, 2))

    def forward(self, x):
        x = self.stem(x).permute(0, 2, 3, 1)
        x = x + self.one(x)
        x = x + self.two(x)
        x = self.down(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
        return (x + self.three(x)).permute(0, 3, 1, 2)


def shape_of(model, shape):
    with torch.no_grad():
        try:
            return tuple(model(torch.empty(1, *shape)).shape[1:])
        except RuntimeError:
            return None


@pytest.mark.parametrize("computed", [False, True])
def test_the_sizes_of_windows_follow_the_input(computed):
    declared = (3, 32, 40)
    model = Net(computed=computed).eval()
    net = cnnshape.trace(model, declared)
    report = net.check()
    assert report.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert {node.type for node in net.nodes if node.type == "opaque"} == ({"opaque"} if computed else set())
    loaded = cnnshape.loads(cnnshape.dumps(net))
    for sides in ((16, 16), (17, 16), (7, 9), (4, 4), (3, 4), (64, 33), (48, 10), (100, 100), (2, 70)):
        shape = (3, *sides)
        report = loaded.check(input=shape)
        expected = shape_of(model, shape)
        if min(sides) > 7 or expected is None:  # rolls that the declared size has cut at places that smaller maps lack
            assert (report.output if report.ok else None) == expected, sides


class Choosy(nn.Module):
    """Does something else at larger sides."""

    def __init__(self, more):
        super().__init__()
        self.conv, self.other, self.more = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), more

    def forward(self, x):
        x = self.conv(x)
        return self.more(self, x) if x.shape[2] > 10 else x


@pytest.mark.parametrize(
    ("more", "same"),
    [
        (lambda m, x: torch.roll(x, 1, 2), True),
        (lambda m, x: x + torch.ones_like(x), True),
        (lambda m, x: (x.view(1, 2, -1) + 1).view(x.shape), True),
        (lambda m, x: m.other(x), False),
        (lambda m, x: x + m.other.weight[0, 0, 0, 0], False),
        (lambda m, x: x + x, False),
        (lambda m, x: x.flip(2), False),
        (lambda m, x: x + torch.ones(2, *x.shape), False),
        (lambda m, x: x.flatten(1), False),
    ],
)
def test_a_run_is_like_the_first_but_for_what_changes_no_shape(more, same):
    first, again = recorder(Choosy(more), {"input": (3, 8, 8)})
    found = alike(first, again({"input": (3, 16, 16)}))
    assert (found is not None) == same
    if found:
        assert [[t.value for t in op.outputs] for op in found.ops] == [
            [t.value for t in op.outputs] for op in first.ops
        ]
        assert found.ops[-1].outputs[0].shape == (1, 4, 14, 14)
        assert alike(first, found) is not None


def test_a_run_that_raises_is_not_alike():
    first, again = recorder(Choosy(lambda m, x: m.conv(x)), {"input": (3, 8, 8)})
    assert alike(first, again({"input": (3, 16, 16)})) is None


class PaddedLast(nn.Module):
    """Pads a map with channels last that one size alone passes, so that its padding is never seen."""

    def __init__(self):
        super().__init__()
        self.conv, self.merge = nn.Conv2d(3, 8, 2, 2), nn.Linear(32, 8)

    def forward(self, x):
        assert x.shape[2] == x.shape[3] == 16
        x = self.conv(x).permute(0, 2, 3, 1).reshape(1, 4, 2, 4, 2, 8).permute(0, 1, 3, 4, 2, 5)
        x = self.merge(x.flatten(3))
        return F.pad(x, (0, 0, 0, -x.shape[2] % SIDE, 0, -x.shape[1] % SIDE)).permute(0, 3, 1, 2)


def test_a_padding_that_is_never_seen_is_read_from_its_expression_with_channels_last():
    net = cnnshape.trace(PaddedLast(), (3, 16, 16))
    assert "opaque" not in {node.type for node in net.nodes}
    assert net.check().output == (8, 4, 4)


class Stage(nn.Module):
    """Attends within windows of tokens whose rows and columns are handed on as numbers, then joins fours, as Transformers' Swin."""

    def __init__(self, width, shift):
        super().__init__()
        self.shift, self.qkv, self.merge = (
            shift,
            nn.Linear(width, 3 * width),
            nn.Linear(4 * width, 2 * width, bias=False),
        )
        self.bias = nn.Parameter(torch.zeros(1, 2, SIDE * SIDE, SIDE * SIDE))

    def mask(self, high, wide, like):
        return like.new_zeros(high // SIDE * (wide // SIDE), 1, SIDE * SIDE, SIDE * SIDE)

    def attend(self, x, rows, columns):
        b, _, c = x.shape
        below, right = (SIDE - rows % SIDE) % SIDE, (SIDE - columns % SIDE) % SIDE
        x = F.pad(x.view(b, rows, columns, c), (0, 0, 0, right, 0, below))
        _, high, wide, _ = x.shape
        shift = 0 if min(rows, columns) <= SIDE else self.shift
        x = torch.roll(x, (-shift, -shift), (1, 2)) if shift else x
        windows = x.view(b, high // SIDE, SIDE, wide // SIDE, SIDE, c).transpose(2, 3).reshape(-1, SIDE * SIDE, c)
        q, k, v = self.qkv(windows).view(-1, SIDE * SIDE, 3, 2, c // 2).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.bias + self.mask(high, wide, x) if shift else self.bias
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=bias).transpose(1, 2).reshape(-1, SIDE, SIDE, c)
        y = y.view(b, high // SIDE, wide // SIDE, SIDE, SIDE, c).transpose(2, 3).reshape(b, high, wide, c)
        y = torch.roll(y, (shift, shift), (1, 2)) if shift else y
        if right > 0 or below > 0:
            y = y[:, :rows, :columns, :].contiguous()
        return y.reshape(b, rows * columns, c)

    def forward(self, x, rows, columns):
        x = (x + self.attend(x, rows, columns)).view(x.shape[0], rows, columns, -1)
        if rows % 2 == 1 or columns % 2 == 1:
            x = F.pad(x, (0, 0, 0, columns % 2, 0, rows % 2))
        x = torch.cat([x[:, i::2, j::2, :] for j in range(2) for i in range(2)], -1)
        return self.merge(x.view(x.shape[0], -1, x.shape[-1])), (rows + 1) // 2, (columns + 1) // 2


class Stages(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Conv2d(3, 4, 1)
        self.stages = nn.ModuleList([Stage(4, 0), Stage(8, 2), Stage(16, 2)])

    def forward(self, x):
        x = self.embed(x)
        rows, columns = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        for stage in self.stages:
            x, rows, columns = stage(x, rows, columns)
        return x.mean(1)


def test_stages_that_pad_roll_and_cut_at_sizes_of_their_own():
    model = Stages().eval()
    found = imported(model, (3, 16, 16), "model")
    assert found.differences == ()
    assert "opaque" not in {node.type for node in found.net.nodes}
    assert found.net.check().parameters == sum(parameter.numel() for parameter in model.parameters())
    for sides in ((24, 17), (41, 30), (19, 19)):
        report = found.net.check(input=(3, *sides))
        assert report.output == model(torch.ones(1, 3, *sides)).shape[1:], sides
