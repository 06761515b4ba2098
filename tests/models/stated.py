"""Models with facts that their layers do not show: a condition of the code on its input."""

import torch
import torch.nn.functional as F
from torch import nn


def unit(a, b, stride=1):
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(unit(3, 8, 2), unit(8, 16, 2))
        self.levels = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(bins), nn.Conv2d(16, 4, 1), nn.ReLU()) for bins in (1, 2, 3)
        )
        self.mixed, self.classes = unit(28, 16), nn.Conv2d(16, 5, 1)

    def forward(self, x):
        h, w = x.shape[-2:]
        if h % 16 or w % 16 or min(h, w) < 32:
            raise RuntimeError(f"wrong input shape height={h}, width={w}: expected multiples of 16, from 32")
        x = self.body(x)
        levels = [F.interpolate(level(x), size=x.shape[2:], mode="bilinear") for level in self.levels]
        x = self.classes(self.mixed(torch.cat([x, *levels], 1)))
        return F.interpolate(x, scale_factor=4, mode="bilinear")


class Filter(nn.Module):
    """A filter of frequencies: torch has no layer for it, and cnnshape no type."""

    def __init__(self, channels):
        super().__init__()
        self.gains = nn.Parameter(torch.ones(channels, 3))

    def forward(self, x):
        waves = torch.fft.rfft2(x)
        gains = F.interpolate(self.gains[None], size=waves.shape[3])
        return torch.fft.irfft2(waves * gains[:, :, None], s=x.shape[2:])


class Mixer(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.norm, self.filter, self.conv = nn.BatchNorm2d(channels), Filter(channels), nn.Conv2d(channels, channels, 1)

    def forward(self, x):
        return x + self.conv(self.filter(self.norm(x)))


class Merge(nn.Module):
    """Every second column, and every second row from the first; then channels doubled by a product."""

    def __init__(self, channels):
        super().__init__()
        self.conv = nn.Conv2d(channels, 2 * channels, 1)

    def forward(self, x):
        return self.conv(torch.roll(x, 1, 2)[:, :, ::2, 1::2])


class Fourier(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(Mixer(8), Mixer(8))
        self.merge, self.norm, self.head = Merge(8), nn.BatchNorm2d(16), nn.Linear(16, 10)

    def forward(self, x):
        return self.head(self.norm(self.merge(self.blocks(self.stem(x)))).mean((2, 3)))
