"""Models whose weights are made of other parameters, standardised, fixed or frozen; learned factors and sums."""

import math
import warnings

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations


def hooked(module):
    """Weight norm by the older hook, of which torch warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.utils.weight_norm(module)


class ResBlock(nn.Module):
    def __init__(self, channels, kernel_size, norm):
        super().__init__()
        pads = [(d, d * (kernel_size - 1) // 2) for d in (1, 3, 5)]
        self.convs1 = nn.ModuleList(
            norm(nn.Conv1d(channels, channels, kernel_size, dilation=d, padding=p)) for d, p in pads
        )
        self.convs2 = nn.ModuleList(
            norm(nn.Conv1d(channels, channels, kernel_size, padding=kernel_size // 2)) for _ in pads
        )

    def forward(self, x):
        for one, two in zip(self.convs1, self.convs2, strict=True):
            x = x + two(F.leaky_relu(one(F.leaky_relu(x, 0.1)), 0.1))
        return x


class HiFiGAN(nn.Module):
    def __init__(self, norm=parametrizations.weight_norm):
        super().__init__()
        self.conv_pre, self.conv_post = norm(nn.Conv1d(80, 512, 7, padding=3)), norm(nn.Conv1d(32, 1, 7, padding=3))
        widths = [(512 // 2**i, rate) for i, rate in enumerate((8, 8, 2, 2))]
        self.ups = nn.ModuleList(norm(nn.ConvTranspose1d(c, c // 2, 2 * r, r, padding=r // 2)) for c, r in widths)
        self.resblocks = nn.ModuleList(ResBlock(c // 2, k, norm) for c, _ in widths for k in (3, 7, 11))

    def forward(self, x):
        x = self.conv_pre(x)
        for i, up in enumerate(self.ups):
            x = up(F.leaky_relu(x, 0.1))
            x = sum(block(x) for block in self.resblocks[3 * i : 3 * i + 3]) / 3
        return torch.tanh(self.conv_post(F.leaky_relu(x)))


class GatedLayer(nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.pad = 2 * dilation
        self.conv = hooked(nn.Conv1d(16, 24, 3, dilation=dilation))
        self.skip, self.out = hooked(nn.Conv1d(12, 8, 1)), hooked(nn.Conv1d(12, 16, 1))

    def forward(self, x):
        a, b = self.conv(F.pad(x, (self.pad, 0))).chunk(2, dim=1)
        gated = torch.tanh(a) * torch.sigmoid(b)
        return (x + self.out(gated)) * math.sqrt(0.5), self.skip(gated)


class GatedWaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.layers = hooked(nn.Conv1d(1, 16, 1)), nn.ModuleList(GatedLayer(2**i) for i in range(4))
        self.last = nn.Sequential(nn.ReLU(), hooked(nn.Conv1d(8, 8, 1)), nn.ReLU(), hooked(nn.Conv1d(8, 30, 1)))

    def forward(self, x):
        x, skips = self.first(x), 0
        for layer in self.layers:
            x, skip = layer(x)
            skips = skips + skip
        return self.last(skips * math.sqrt(1.0 / len(self.layers)))


def spectral_discriminator(norm=parametrizations.spectral_norm):
    layers = []
    for a, b in ((3, 16), (16, 32), (32, 64)):
        layers += [norm(nn.Conv2d(a, b, 3, 1, 1)), nn.LeakyReLU(0.1), norm(nn.Conv2d(b, b, 4, 2, 1)), nn.LeakyReLU(0.1)]
    layers += [norm(nn.Conv2d(64, 128, 3, 1, 1)), nn.LeakyReLU(0.1), nn.Flatten(), norm(nn.Linear(128 * 16, 1))]
    return nn.Sequential(*layers)


class ScaledStdConv2d(nn.Conv2d):
    """As in timm."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))
        self.scale = self.weight[0].numel() ** -0.5

    def forward(self, x):
        flat, gain = self.weight.reshape(1, self.out_channels, -1), (self.gain * self.scale).view(-1)
        weight = F.batch_norm(flat, None, None, weight=gain, training=True, momentum=0.0, eps=1e-6)
        weight = weight.reshape_as(self.weight)
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)


class NormFreeUnit(nn.Module):
    def __init__(self, a, b, beta=1.0, *, project=False):
        super().__init__()
        self.beta, self.alpha = beta, 0.2
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), ScaledStdConv2d(a, b, 1)) if project else None
        self.conv1, self.conv3 = ScaledStdConv2d(a, b // 2, 1), ScaledStdConv2d(b // 2, b, 1)
        self.conv2 = ScaledStdConv2d(b // 2, b // 2, 3, 2 if project else 1, 1, groups=2)
        self.skipinit_gain = nn.Parameter(torch.tensor(0.0))

    def forward(self, x):
        y = nonlinear(x) * self.beta
        shortcut = x if self.shortcut is None else self.shortcut(y)
        y = self.conv3(nonlinear(self.conv2(nonlinear(self.conv1(y)))))
        y.mul_(self.skipinit_gain)
        return y * self.alpha + shortcut


def nonlinear(x):
    return F.relu(x).mul_(1.7139588594436646)


def normalizer_free():
    units = NormFreeUnit(16, 16), NormFreeUnit(16, 32, 0.98, project=True), NormFreeUnit(32, 32)
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)
    return nn.Sequential(ScaledStdConv2d(3, 16, 3, 2, 1), *units, *head)


class FixupUnit(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.bias1a, self.bias1b, self.bias2a, self.bias2b = (nn.Parameter(torch.zeros(1)) for _ in range(4))
        self.scale = nn.Parameter(torch.ones(1))
        self.conv1, self.conv2 = (nn.Conv2d(c, c, 3, padding=1, bias=False) for _ in range(2))

    def forward(self, x):
        y = F.relu(self.conv1(x + self.bias1a) + self.bias1b)
        return F.relu(self.conv2(y + self.bias2a) * self.scale + self.bias2b + x)


class Fixup(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.fc = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Linear(8, 10)
        self.bias1, self.bias2 = nn.Parameter(torch.zeros(8, 1, 1)), nn.Parameter(torch.zeros(1))
        self.units, self.position = nn.Sequential(*(FixupUnit(8) for _ in range(3))), nn.Parameter(torch.zeros(24, 24))

    def forward(self, x):
        x = self.units(F.relu(self.conv1(x) + self.bias1)) + self.position
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1) + self.bias2)


class BlurPool(nn.Module):
    """As in antialiased-cnns: one filter of fixed numbers for every channel."""

    def __init__(self, channels):
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0])
        self.register_buffer("filter", (row[:, None] * row / 16).repeat(channels, 1, 1, 1))
        self.channels = channels

    def forward(self, x):
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.filter, stride=2, groups=self.channels)


def antialiased():
    def conv_norm(a, b):
        return nn.Sequential(nn.Conv2d(a, b, 3, padding=1, bias=False), nn.BatchNorm2d(b), nn.ReLU())

    stem = conv_norm(3, 8).requires_grad_(requires_grad=False)
    pooled = stem, nn.MaxPool2d(2, 1), BlurPool(8), conv_norm(8, 16), BlurPool(16)
    return nn.Sequential(*pooled, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10))
