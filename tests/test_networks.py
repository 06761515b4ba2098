"""Whole networks: files/good against models that are written by hand in torch."""

import pytest

pytest.importorskip("torch")

import torch
from helpers.paths import FILES
from models import weights
from models.rearranged import Discriminator, VisionTransformer
from models.stated import Fourier, Pyramid
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everybody calls it
from torch.utils.flop_counter import FlopCounterMode

import cnnshape

FOLDER = FILES / "good"


class Siamese(nn.Module):
    def __init__(self):
        super().__init__()
        stages = [(nn.Conv2d(a, b, 5), nn.ReLU(), nn.MaxPool2d(2)) for a, b in ((1, 16), (16, 32), (32, 64))]
        self.tower = nn.Sequential(*sum(stages, ()), nn.Flatten(), nn.Linear(64 * 4 * 4, 128), nn.Sigmoid())
        self.score = nn.Linear(128, 1)

    def forward(self, left, right):
        return torch.sigmoid(self.score(self.tower(left) - self.tower(right)))


def conv_relu(a, b, k=1):
    return nn.Sequential(nn.Conv2d(a, b, k, padding=k // 2), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, arrives, one, before_three, three, before_five, five, pooled):  # noqa: PLR0913, PLR0917
        super().__init__()
        self.one = conv_relu(arrives, one)
        self.three = nn.Sequential(conv_relu(arrives, before_three), conv_relu(before_three, three, 3))
        self.five = nn.Sequential(conv_relu(arrives, before_five), conv_relu(before_five, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_relu(arrives, pooled))

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1)


def two_inceptions():
    first, second = Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64)
    return nn.Sequential(first, second, nn.MaxPool2d(3, 2, 1))


class DenseLayer(nn.Module):
    def __init__(self, c, growth):
        super().__init__()
        self.bottleneck = nn.Sequential(nn.BatchNorm2d(c), nn.ReLU(), nn.Conv2d(c, 4 * growth, 1, bias=False))
        norm = nn.BatchNorm2d(4 * growth)
        self.new = nn.Sequential(norm, nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat([x, self.new(self.bottleneck(x))], 1)


def densenet():
    return nn.Sequential(
        nn.Conv2d(3, 24, 3, padding=1, bias=False),
        *(DenseLayer(24 + 12 * i, 12) for i in range(3)),
        *(nn.BatchNorm2d(60), nn.ReLU(), nn.Conv2d(60, 30, 1, bias=False), nn.AvgPool2d(2)),
        *(DenseLayer(30 + 12 * i, 12) for i in range(4)),
        *(nn.BatchNorm2d(78), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(78, 10)),
    )


def double(a, b, padding):
    if not padding:
        return nn.Sequential(nn.Conv2d(a, b, 3), nn.ReLU(), nn.Conv2d(b, b, 3), nn.ReLU())
    convs = [(nn.Conv2d(c, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU()) for c in (a, b)]
    return nn.Sequential(*convs[0], *convs[1])


class UNet(nn.Module):
    def __init__(self, widths, *, padding):
        super().__init__()
        *widths, bottom = widths
        self.padding = padding
        self.down = nn.ModuleList(double(a, b, padding) for a, b in zip([1, *widths], widths))  # noqa: B905 -- one more
        self.bottom = double(widths[-1], bottom, padding)
        self.up, self.after = nn.ModuleList(), nn.ModuleList()
        for above, below in zip(reversed(widths), [bottom, *reversed(widths)]):  # noqa: B905 -- one more
            self.up.append(nn.ConvTranspose2d(below, above, 2, 2))
            self.after.append(double(2 * above, above, padding))
        self.classes = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        skips = []
        for block in self.down:
            skips.append(block(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.bottom(x)
        for up, after, skip in zip(self.up, self.after, reversed(skips), strict=True):
            x = up(x)
            if not self.padding:
                top, left = ((s - n) // 2 for s, n in zip(skip.shape[2:], x.shape[2:], strict=True))
                skip = skip[:, :, top : top + x.shape[2], left : left + x.shape[3]]  # noqa: PLW2901
            x = after(torch.cat([skip, x], 1))
        return self.classes(x)


def conv_norm(a, b, k=1, act=nn.ReLU, **settings):
    norm = nn.BatchNorm2d(b, eps=1e-3, momentum=0.01)
    return nn.Sequential(nn.Conv2d(a, b, k, padding=k // 2, bias=False, **settings), norm, act())


class Inverted(nn.Module):
    def __init__(self, a, expanded, b, k=3, stride=1, *, squeezed=0, act=nn.ReLU):  # noqa: PLR0913
        super().__init__()
        self.wide = conv_norm(a, expanded, act=act) if expanded != a else nn.Identity()
        self.deep = conv_norm(expanded, expanded, k, act, stride=stride, groups=expanded)
        self.gate = None
        if squeezed:
            down, up = nn.Conv2d(expanded, squeezed, 1), nn.Conv2d(squeezed, expanded, 1)
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), down, nn.ReLU(), up, nn.Hardsigmoid())
        self.thin = conv_norm(expanded, b, act=nn.Identity)
        self.residual = stride == 1 and a == b

    def forward(self, x):
        y = self.deep(self.wide(x))
        y = self.thin(y * self.gate(y) if self.gate else y)
        return x + y if self.residual else y


def mobilenet():
    return nn.Sequential(
        conv_norm(3, 16, 3, nn.Hardswish, stride=2),
        Inverted(16, 16, 16),
        Inverted(16, 64, 24, stride=2),
        Inverted(24, 72, 24, 5, squeezed=24),  # 72 / 4 = 18, in eights
        Inverted(24, 96, 40, 5, 2, squeezed=24, act=nn.Hardswish),
    )


class SegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode1, self.encode2, self.decode2, self.decode1 = (
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in ((3, 8), (8, 16), (16, 8), (8, 8))
        )
        self.classes = nn.Conv2d(8, 12, 1)

    def forward(self, x):
        x1 = self.encode1(x)
        y1, indices1 = F.max_pool2d(x1, 2, return_indices=True)
        x2 = self.encode2(y1)
        y2, indices2 = F.max_pool2d(x2, 2, return_indices=True)
        y = self.decode2(F.max_unpool2d(y2, indices2, 2, output_size=x2.shape[2:]))
        return self.classes(self.decode1(F.max_unpool2d(y, indices1, 2, output_size=x1.shape[2:])))


class UnsizedSegNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, stride=2, return_indices=True), nn.MaxUnpool2d(2, stride=2)
        self.encode1, self.encode2, self.decode2, self.decode1 = (
            nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU())
            for a, b in ((3, 8), (8, 16), (16, 8), (8, 8))
        )
        self.classes = nn.Conv2d(8, 12, 1)

    def forward(self, x):
        x, indices1 = self.pool(self.encode1(x))
        x, indices2 = self.pool(self.encode2(x))
        x = self.decode2(self.unpool(x, indices2))
        return self.classes(self.decode1(self.unpool(x, indices1)))


class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            *(nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()),
            *(nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False), nn.BatchNorm2d(out_channels), nn.ReLU()),
        )

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, kernel_size=2, stride=2)
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        diff_y, diff_x = x2.size()[2] - x1.size()[2], x2.size()[3] - x1.size()[3]
        x1 = F.pad(x1, [diff_x // 2, diff_x - diff_x // 2, diff_y // 2, diff_y - diff_y // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class FittedUNet(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.inc = DoubleConv(3, base)
        self.downs = nn.ModuleList(
            nn.Sequential(nn.MaxPool2d(2), DoubleConv(base * 2**i, base * 2 ** (i + 1))) for i in range(4)
        )
        self.ups = nn.ModuleList(Up(base * 2 ** (i + 1), base * 2**i) for i in (3, 2, 1, 0))
        self.outc = nn.Conv2d(base, 2, kernel_size=1)

    def forward(self, x):
        skips = [self.inc(x)]
        for down in self.downs:
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in self.ups:
            x = up(x, skips.pop())
        return self.outc(x)


def pad_same(x, kernel_size, stride, value=0.0):
    short = [max((-(-side // stride) - 1) * stride + kernel_size - side, 0) for side in x.shape[:1:-1]]
    return F.pad(x, [cells for total in short for cells in (total // 2, total - total // 2)], value=value)


class Conv2dSame(nn.Conv2d):
    def forward(self, x):
        x = pad_same(x, self.kernel_size[0], self.stride[0])
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class PoolSame(nn.Module):
    def __init__(self, pool, value):
        super().__init__()
        self.pool, self.value = pool, value

    def forward(self, x):
        return self.pool(pad_same(x, 3, 2, self.value), 3, 2)


def tensorflow_mobilenet():
    def separable(a, b, k=3, s=1):
        deep = Conv2dSame(a, a, k, s, groups=a, bias=False), nn.BatchNorm2d(a), nn.ReLU6()
        return *deep, Conv2dSame(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU6()

    return nn.Sequential(
        *(Conv2dSame(3, 16, 3, 2, bias=False), nn.BatchNorm2d(16), nn.ReLU6()),
        *(*separable(16, 24), *separable(24, 32, s=2), *separable(32, 32), *separable(32, 48, s=2)),
        *(PoolSame(F.max_pool2d, -float("inf")), *separable(48, 64, 5), PoolSame(F.avg_pool2d, 0.0)),
        *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)),
    )


class Restoration(nn.Module):
    def __init__(self, base=8):
        super().__init__()
        self.intro, self.ending = nn.Conv2d(3, base, 3, padding=1), nn.Conv2d(base, 3, 3, padding=1)
        widths = [(base * 2**i, base * 2 ** (i + 1)) for i in range(3)]
        self.downs = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in widths)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(b, a, 3, stride=2, padding=1) for a, b in reversed(widths))

    def forward(self, image):
        h, w = image.shape[2:]
        padded = F.pad(image, (0, (8 - w % 8) % 8, 0, (8 - h % 8) % 8), mode="reflect")
        skips = [self.intro(padded)]
        for down in self.downs:
            skips.append(F.gelu(down(skips[-1])))
        x = skips.pop()
        for up in self.ups:
            skip = skips.pop()
            x = F.gelu(up(x, output_size=skip.size()) + skip)
        whole = self.ending(x) + padded
        return whole[:, :, :h, :w], F.interpolate(whole, size=(h // 2, w // 2), mode="bilinear")


class FeaturePyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 3, 2, 1), nn.ReLU()) for a, b in ((3, 8), (8, 16), (16, 32), (32, 64))
        )
        self.lateral = nn.ModuleList(nn.Conv2d(c, 24, 1) for c in (16, 32, 64))
        self.smooth = nn.ModuleList(nn.Conv2d(24, 24, 3, padding=1) for _ in range(3))

    def forward(self, x):
        c1 = self.stages[0](x)
        c2 = self.stages[1](c1)
        c3 = self.stages[2](c2)
        m4 = self.lateral[2](self.stages[3](c3))
        m3 = self.lateral[1](c3) + F.interpolate(m4, size=c3.shape[2:])
        m2 = self.lateral[0](c2) + F.interpolate(m3, size=c2.shape[2:])
        return tuple(smooth(m) for smooth, m in zip(self.smooth, (m2, m3, m4), strict=True))


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv1d(1, 16, 1)
        self.dilated = nn.ModuleList(nn.Conv1d(16, 32, 2, dilation=2 ** (i % 5)) for i in range(10))
        self.skip = nn.ModuleList(nn.Conv1d(16, 24, 1) for _ in range(10))
        self.out = nn.ModuleList(nn.Conv1d(16, 16, 1) for _ in range(10))
        self.last = nn.Sequential(nn.ReLU(), nn.Conv1d(24, 32, 1), nn.ReLU(), nn.Conv1d(32, 256, 1))

    def forward(self, x):
        x, total = self.first(x), 0
        for dilated, skip, out in zip(self.dilated, self.skip, self.out, strict=True):
            gated = F.glu(dilated(F.pad(x, (dilated.dilation[0], 0))), 1)
            total = total + skip(gated)
            x = x + out(gated)
        return self.last(total)


def video():
    return nn.Sequential(
        *(nn.Conv3d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool3d((1, 2, 2), (1, 2, 2))),
        *(nn.Conv3d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2)),
        *(nn.Conv3d(16, 24, 3, padding=1), nn.ReLU()),
        *(nn.Conv3d(24, 24, (1, 3, 3), padding=(0, 1, 1), groups=4), nn.ReLU()),
        nn.MaxPool3d(2, padding=(0, 1, 1)),
        *(nn.Flatten(), nn.Linear(24 * 4 * 8 * 8, 64), nn.ReLU(), nn.Dropout(), nn.Linear(64, 101)),
    )


def dcgan():
    ups = [(nn.ConvTranspose2d(2 * c, c, 4, 2, 1, bias=False), nn.BatchNorm2d(c), nn.ReLU()) for c in (32, 16, 8)]
    first = (nn.ConvTranspose2d(100, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU())
    return nn.Sequential(*first, *sum(ups, ()), nn.ConvTranspose2d(8, 3, 4, 2, 1, bias=False), nn.Tanh())


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        pool = nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)
        units = [
            (nn.Conv2d(a, b, 3, padding=1), nn.GroupNorm(4, b), nn.SiLU(), pool) for a, b in ((3, 8), (8, 16), (16, 32))
        ]
        self.body = nn.Sequential(*sum(units, ()), nn.AdaptiveMaxPool2d((3, None)), nn.Flatten())
        self.box, self.score = (
            nn.Sequential(nn.Linear(32 * 3 * 9, 32), nn.PReLU(32), nn.Linear(32, n)) for n in (4, 20)
        )

    def forward(self, x):
        x = self.body(x)
        return self.box(x), self.score(x)


class GatedResidual(nn.Module):
    def __init__(self, a, b, stride=1):
        super().__init__()
        first = (nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())
        self.body = nn.Sequential(*first, nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b))
        linears = (nn.Linear(b, b // 4, bias=False), nn.ReLU(), nn.Linear(b // 4, b, bias=False), nn.Sigmoid())
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), *linears)
        same = stride == 1 and a == b
        self.shortcut = (
            nn.Identity() if same else nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))
        )

    def forward(self, x):
        y = self.body(x)
        return torch.relu(y * self.gate(y)[:, :, None, None] + self.shortcut(x))


def squeeze_excite():
    pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))
    return nn.Sequential(GatedResidual(16, 16), GatedResidual(16, 32, 2), *pooled)


class ShuffleUnit(nn.Module):
    def __init__(self):
        super().__init__()
        self.new = nn.Sequential(
            *(nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
            *(nn.Conv2d(16, 16, 3, padding=1, groups=16, bias=False), nn.BatchNorm2d(16)),
            *(nn.Conv2d(16, 16, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()),
        )

    def forward(self, x):
        kept, changed = x.chunk(2, 1)
        return F.channel_shuffle(torch.cat([kept, self.new(changed)], 1), 2)


class SuperResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 32, 5, padding="same", padding_mode="replicate")
        self.second = nn.Conv2d(32, 27, 3, padding=1)

    def forward(self, x):
        detail = F.pixel_shuffle(self.second(torch.tanh(self.first(x))), 3)
        return detail + F.interpolate(x, scale_factor=3, mode="bicubic")


class Mix(nn.Module):
    """Attention by torch's module where it has all biases, by hand where queries, keys and values have none."""

    def __init__(self, width, heads, qkv_bias=True):
        super().__init__()
        self.norm1, self.norm2, self.heads = nn.LayerNorm(width), nn.LayerNorm(width), heads
        self.look = nn.MultiheadAttention(width, heads, batch_first=True) if qkv_bias else None
        self.qkv = None if qkv_bias else nn.Linear(width, 3 * width, bias=False)
        self.proj = None if qkv_bias else nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def attend(self, x):
        if self.look:
            return self.look(x, x, x)[0]
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2))

    def forward(self, x):
        image = x.shape
        x = x.flatten(2).transpose(1, 2)
        x = x + self.attend(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x.transpose(1, 2).reshape(image)


class Hybrid(nn.Module):
    def __init__(self):
        super().__init__()
        stem = (nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.GELU(), nn.Conv2d(16, 32, 3, 2, 1))
        self.body = nn.Sequential(*stem, Mix(32, 4), nn.Conv2d(32, 48, 2, 2), Mix(48, 6, qkv_bias=False))
        self.norm, self.head = nn.LayerNorm(48), nn.Linear(48, 10)

    def forward(self, x):
        return self.head(self.norm(self.body(x).flatten(2).transpose(1, 2)).mean(1))


class Sounds(nn.Module):
    def __init__(self):
        super().__init__()
        first = (nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d((4, 2)))
        second = (nn.Conv2d(16, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.MaxPool2d((5, 1)))
        self.body, self.first = nn.Sequential(*first, *second), nn.RNN(48, 40, nonlinearity="relu")
        self.read = nn.GRU(40, 32, num_layers=2, bidirectional=True, dropout=0.2)
        self.sound = nn.Linear(64, 10)

    def forward(self, x):
        x = self.body(x).flatten(1, 2).permute(2, 0, 1)
        _, states = self.read(self.first(x)[0])
        return self.sound(torch.cat((states[-2], states[-1]), dim=1))


def unit(a, b, stride=1, *, act=True):
    layers = [nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)]
    return nn.Sequential(*layers, *[nn.ReLU()] * act)


def raised(a, b, factor):
    return nn.Sequential(nn.Conv2d(a, b, 1, bias=False), nn.BatchNorm2d(b), nn.Upsample(scale_factor=factor))


class Exchange(nn.Module):
    """A module of an HRNet: each stream on its own, then each the sum of all."""

    def __init__(self, widths, depth):
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(unit(c, c) for _ in range(depth))) for c in widths)
        self.fuse = nn.ModuleList(
            nn.ModuleList(self.way(widths, i, j) for j in range(len(widths))) for i in range(len(widths))
        )

    @staticmethod
    def way(widths, i, j):
        if j > i:
            return raised(widths[j], widths[i], 2 ** (j - i))
        if j == i:
            return nn.Identity()
        steps = [unit(widths[j], widths[j], 2) for _ in range(i - j - 1)]
        return nn.Sequential(*steps, unit(widths[j], widths[i], 2, act=False))

    def forward(self, streams):
        streams = [branch(x) for branch, x in zip(self.branches, streams, strict=True)]
        return [F.relu(sum(way(x) for way, x in zip(ways, streams, strict=True))) for ways in self.fuse]


class HighResolution(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem, self.second, self.third = unit(3, 8, 2), unit(8, 16, 2), unit(16, 32, 2)
        self.stage2 = nn.Sequential(Exchange((8, 16), 2), Exchange((8, 16), 2))
        self.stage3 = Exchange((8, 16, 32), 1)
        self.head = nn.Conv2d(56, 5, 1)

    def forward(self, x):
        x = self.stem(x)
        high, low = self.stage2([x, self.second(x)])
        high, middle, low = self.stage3([high, low, self.third(low)])
        middle = F.interpolate(middle, scale_factor=2, mode="bilinear")
        return self.head(torch.cat([high, middle, F.interpolate(low, scale_factor=4, mode="bilinear")], 1))


class DualUnit(nn.Module):
    def __init__(self, width, grown, growth):
        super().__init__()
        self.width = width
        self.new = nn.Sequential(
            nn.BatchNorm2d(width + grown),
            nn.ReLU(),
            nn.Conv2d(width + grown, 16, 1, bias=False),
            nn.Conv2d(16, 16, 3, padding=1, groups=4, bias=False),
            nn.Conv2d(16, width + growth, 1, bias=False),
        )

    def forward(self, residual, dense):
        out = self.new(torch.cat([residual, dense], 1))
        return residual + out[:, : self.width], torch.cat([dense, out[:, self.width :]], 1)


class DualPath(nn.Module):
    def __init__(self):
        super().__init__()
        self.added, self.grown = nn.Conv2d(3, 32, 3, padding=1), nn.Conv2d(3, 8, 3, padding=1)
        self.units = nn.ModuleList(DualUnit(32, 8 + 8 * i, 8) for i in range(3))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        paths = self.added(x), self.grown(x)
        for one in self.units:
            paths = one(*paths)
        return self.fc(F.relu(torch.cat(paths, 1)).mean((2, 3)))


class RepUnit(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.dense = nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b))
        self.point = nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))
        self.identity = nn.BatchNorm2d(a) if stride == 1 and a == b else None

    def forward(self, x):
        y = self.dense(x) + self.point(x)
        return F.relu(y if self.identity is None else y + self.identity(x))


def repvgg():
    units = [(3, 12, 2), (12, 12, 1), (12, 12, 1), (12, 32, 2), (32, 32, 1), (32, 32, 1)]
    return nn.Sequential(*(RepUnit(*one) for one in units), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10))


MODELS = {
    "antialiased": weights.antialiased,
    "fixup": weights.Fixup,
    "hifigan": weights.HiFiGAN,
    "normalizer_free": weights.normalizer_free,
    "spectral_discriminator": weights.spectral_discriminator,
    "wavenet_glu": weights.GatedWaveNet,
    "dcgan": dcgan,
    "densenet": densenet,
    "dual_path": DualPath,
    "high_resolution": HighResolution,
    "pyramid": Pyramid,
    "repvgg": repvgg,
    "discriminator": Discriminator,
    "fourier": Fourier,
    "fpn": FeaturePyramid,
    "hybrid": Hybrid,
    "inception": two_inceptions,
    "mobilenet": mobilenet,
    "restoration": Restoration,
    "segnet": SegNet,
    "segnet_unsized": UnsizedSegNet,
    "shufflenet": lambda: nn.Sequential(*(ShuffleUnit() for _ in range(3))),
    "siamese": Siamese,
    "sounds": Sounds,
    "squeeze_excite": squeeze_excite,
    "super_resolution": SuperResolution,
    "tensorflow_mobilenet": tensorflow_mobilenet,
    "two_heads": TwoHeads,
    "unet_cropped": lambda: UNet((8, 16, 32), padding=False),
    "unet_fitted": FittedUNet,
    "unet_padded": lambda: UNet((8, 16, 32, 64), padding=True),
    "video": video,
    "vision_transformer": VisionTransformer,
    "wavenet": WaveNet,
}


def test_each_file_has_a_model():
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == sorted(MODELS)


@pytest.mark.parametrize("name", MODELS)
def test_file_and_model_agree(name):
    report = cnnshape.load(FOLDER / f"{name}.toml").check()
    assert report.problems == ()
    with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
        model = MODELS[name]().eval()
        outputs = model(*(torch.rand(1, *shape) for shape in report.inputs.values()))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    assert list(report.outputs.values()) == [tuple(output.shape[1:]) for output in outputs]
    assert report.parameters == sum(weight.numel() for weight in model.parameters())
    counted = counter.get_flop_counts()["Global"].items()
    products = {torch.ops.aten.bmm}  # of results, in an attention
    assert report.macs * 2 == sum(flops for operator, flops in counted if operator not in products)


@pytest.mark.parametrize("name", MODELS)
def test_other_sizes_agree_too(name):
    """Sizes for which the net was not built: both run, with the same result, or both fail."""
    net, model = cnnshape.load(FOLDER / f"{name}.toml"), MODELS[name]().eval()
    for grown in (1, 2, 8, 13):
        inputs = {key: (c, *(side + grown for side in sides)) for key, (c, *sides) in net.inputs.items()}
        report = net.check(inputs)
        try:
            with torch.no_grad():
                outputs = model(*(torch.rand(1, *shape) for shape in inputs.values()))
        except (RuntimeError, ValueError):
            assert not report.ok
        else:
            outputs = outputs if isinstance(outputs, tuple) else (outputs,)
            odd = name == "unet_cropped" and {problem.code for problem in report.problems} == {"odd-crop"}  # ours alone
            assert odd or list(report.outputs.values()) == [tuple(output.shape[1:]) for output in outputs]


@pytest.mark.parametrize("name", MODELS)
def test_the_model_is_what_the_file_says(name):
    assert cnnshape.verify(cnnshape.load(FOLDER / f"{name}.toml"), model=MODELS[name]()).problems == ()


def test_the_weight_norm_of_a_hifigan_comes_and_goes():
    """The figures are published: 13,936,130 parameters as it is trained, 13,926,017 once the weight norm is removed."""
    text = (FOLDER / "hifigan.toml").read_text()
    assert cnnshape.verify(cnnshape.loads(text), model=weights.HiFiGAN(weights.hooked)).problems == ()
    plain = cnnshape.loads(text.replace('"weight_norm"', '"none"').replace("13_936_130", "13_926_017"))
    assert plain.check().problems == ()
    assert cnnshape.verify(plain, model=weights.HiFiGAN(lambda module: module)).problems == ()
    assert not cnnshape.verify(plain, model=weights.HiFiGAN()).ok


def test_the_spectral_norm_by_the_older_hook():
    net = cnnshape.load(FOLDER / "spectral_discriminator.toml")
    model = weights.spectral_discriminator(nn.utils.spectral_norm)
    assert cnnshape.verify(net, model=model).problems == ()
    vectors = sum(vector.numel() for vector in model.buffers())
    assert net.check().parameters_with_buffers == sum(weight.numel() for weight in model.parameters()) + vectors
