"""Operations that a model runs at some sizes only: they are layers of its file, which holds at all of these."""

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from torch import nn

import cnnshape
from cnnshape.convert.imported import imported, recorded
from cnnshape.convert.sometimes import together
from cnnshape.pytorch.record import recorder

SIDES = (*range(16, 34), 63)


class UNet(nn.Module):
    """Joins what comes from below with what it halved, which is larger where a side was odd."""

    def __init__(self, fit):
        super().__init__()
        self.fit = fit
        self.one, self.two, self.three = (
            nn.Conv2d(3, 4, 3, padding=1),
            nn.Conv2d(4, 8, 3, padding=1),
            nn.Conv2d(8, 16, 1),
        )
        self.up, self.up2 = nn.ConvTranspose2d(16, 8, 2, 2), nn.ConvTranspose2d(16, 4, 2, 2)

    def forward(self, x):
        one = self.one(x)
        two = self.two(F.max_pool2d(one, 2))
        x = self.up(self.three(F.max_pool2d(two, 2)))
        x = self.up2(torch.cat(self.fit(x, two), 1))
        return torch.cat(self.fit(x, one), 1)


def resized(x, skip):
    if x.shape != skip.shape:
        x = F.interpolate(x, size=skip.shape[2:])
    return x, skip


def padded(x, skip):
    rows, columns = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
    if rows or columns:
        x = F.pad(x, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
    return x, skip


def cut(x, skip):
    if skip.shape != x.shape:
        skip = skip[..., : x.shape[-2], : x.shape[-1]].contiguous()
    return x, skip


class Patches(nn.Module):
    """Embeds patches of a map that is padded to whole ones, one axis after the other."""

    def __init__(self, size):
        super().__init__()
        self.size, self.conv = size, nn.Conv2d(3, 8, size, size)

    def forward(self, x):
        size, (h, w) = self.size, x.shape[-2:]
        if w % size != 0:
            x = F.pad(x, (0, size - w % size))
        if h % size != 0:
            x = F.pad(x, (0, 0, 0, size - h % size))
        return self.conv(x)


class Whole(nn.Module):
    """Pads a map to whole windows, and cuts it back."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        rows, columns = -h % 4, -w % 4
        if rows or columns:
            x = F.pad(x, (0, columns, 0, rows))
        x = self.conv(x).unflatten(3, (-1, 4)).flatten(3)
        if rows or columns:
            x = x[:, :, :h, :w].contiguous()
        return x.relu()


class EvenRows(nn.Module):
    """Makes an odd number of rows even, by a function; nothing else happens where it is even already."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(x) if x.shape[2] % 2 else x


def shapes_of(model, sides):
    with torch.no_grad():
        return tuple(model(torch.ones(1, 3, *sides)).shape[1:])


@pytest.mark.parametrize("declared", [(32, 32), (33, 35), (32, 35)], ids=str)
@pytest.mark.parametrize(
    ("make", "kinds"),
    [
        (lambda: UNet(resized), {"upsample"}),
        (lambda: UNet(padded), {"pad"}),
        (lambda: UNet(cut), {"crop"}),
        (lambda: Patches(4), {"pad"}),
        (lambda: Patches(7), {"pad"}),
        (Whole, {"pad", "crop"}),
        (lambda: EvenRows(lambda x: F.pad(x, (0, 0, 0, 1))), {"pad"}),
        (lambda: EvenRows(lambda x: F.interpolate(x, size=(x.shape[2] + 1, x.shape[3]))), {"pad", "upsample"}),
    ],
    ids=["resized", "padded", "cut", "patches", "patches of 7", "whole", "rows padded", "rows resized"],
)
def test_the_file_has_them_and_holds_at_sizes_with_and_without(make, kinds, declared):
    model = make()
    found = imported(model, (3, *declared), "model")
    assert found.differences == ()
    assert kinds <= {node.type for node in found.net.nodes}
    assert "goes another way" not in found.text
    net = cnnshape.loads(found.text)
    for h in SIDES:
        for w in (h, h + 3):
            assert net.check(input=(3, h, w)).output == shapes_of(model, (h, w)), (h, w)


class Otherwise(nn.Module):
    """Does something else to a map of more than 36 rows."""

    def __init__(self, how):
        super().__init__()
        self.how, self.conv = how, nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        return self.how(self, self.conv(x)) if x.shape[2] > 36 else self.conv(x)


@pytest.mark.parametrize(
    "how",
    [
        lambda m, x: m.conv(x),
        lambda m, x: F.interpolate(x, scale_factor=0.5),
        lambda m, x: x[:, :, ::2],
        lambda m, x: x[:, 0],
        lambda m, x: F.pad(x, (1, 0)),
        lambda m, x: x + m.conv.bias.sum(),
    ],
    ids=["layer", "factor", "step", "axis", "padding", "weight"],
)
def test_what_changes_the_shape_at_some_sizes_is_no_layer_of_all(how):
    found = imported(Otherwise(how), (3, 32, 32), "model")
    assert [node.type for node in found.net.nodes] == ["conv"]
    assert "goes another way than the file, or raises: test_sometimes.py:" in found.text


def test_runs_that_return_other_tensors_are_not_alike():
    class Both(nn.Module):
        def forward(self, x):
            y, z = F.relu(x), F.silu(x)
            z = F.pad(z, (0, x.shape[3] % 2)) if x.shape[3] % 2 else z
            return (y, z) if x.shape[2] == 8 else (z, y)

    first, again = recorder(Both(), {"input": (3, 8, 8)})
    assert together(first, again({"input": (3, 8, 9)})) is not None
    assert together(first, again({"input": (3, 9, 9)})) is None


def test_the_model_s_own_result_may_be_padded():
    class Last(nn.Module):
        def forward(self, x):
            x = F.avg_pool2d(x, 2)
            return F.pad(x, (0, x.shape[3] % 2)) if x.shape[3] % 2 else x

    runs = recorded(Last(), (3, 8, 8)).runs
    assert [op.name for op in runs[0].ops] == ["avg_pool2d", "pad"]
    assert imported(Last(), (3, 8, 8), "model").differences == ()


def test_runs_of_all_operations_are_no_more_than_those_that_tell_sizes():
    class Rolled(nn.Module):
        """Rolls a map that is larger than a window."""

        def forward(self, x):
            shift = 0 if x.shape[2] <= 8 else 2
            return x.roll(shift, 2)

    found = imported(Rolled(), (3, 32, 32), "model")
    assert "opaque" not in {node.type for node in found.net.nodes}


class Periods(nn.Module):
    """Looks at a wave in rows of several lengths, as HiFi-GAN does: each pads where the wave is no whole number of rows."""

    LENGTHS = (2, 3, 7, 11)

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv2d(1, 2, (3, 1), padding=(1, 0)) for _ in self.LENGTHS])

    def forward(self, x):
        return [conv(self.rows(x, length)) for conv, length in zip(self.convs, self.LENGTHS, strict=True)]

    @staticmethod
    def rows(x, length):
        count = x.shape[2]
        if count % length != 0:
            more = length - count % length
            x, count = F.pad(x, (0, more), "reflect"), count + more
        return x.view(x.shape[0], 1, count // length, length)


@pytest.mark.parametrize("declared", [64, 1000])
def test_paddings_of_one_tensor_that_turn_at_sizes_of_their_own(declared):
    model = Periods()
    found = imported(model, (1, declared), "model")
    assert found.differences == ()
    for side in range(declared, declared + 23):
        shapes = [tuple(y.shape[1:]) for y in model(torch.ones(1, 1, side))]
        assert [*found.net.check(input=(1, side)).outputs.values()] == shapes, side
