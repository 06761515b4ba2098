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
