"""C3D (Tran 2015, figure 3) and the 3D U-Net (Cicek 2016, figure 2)."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from zoo_models.parts import centre


def c3d():
    layers, i = [], 3
    for o, depth, pool in ((64, 1, (1, 2, 2)), (128, 1, 2), (256, 2, 2), (512, 2, 2), (512, 2, 2)):
        for _ in range(depth):
            layers += [nn.Conv3d(i, o, 3, padding=1), nn.ReLU()]
            i = o
        layers.append(nn.MaxPool3d(pool, pool, ceil_mode=True))  # Caffe's pools round up
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(8192, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 487))


def convs(*widths):
    layers = []
    for i, o in pairwise(widths):
        layers += [nn.Conv3d(i, o, 3), nn.BatchNorm3d(o), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet3d(nn.Module):
    """The channels double before each pool, and the up-convolutions keep them."""

    def __init__(self):
        super().__init__()
        self.down = nn.ModuleList([convs(3, 32, 64), convs(64, 64, 128), convs(128, 128, 256), convs(256, 256, 512)])
        self.ups = nn.ModuleList([nn.ConvTranspose3d(w, w, 2, 2, bias=False) for w in (512, 256, 128)])
        self.convs = nn.ModuleList([convs(512 + 256, 256, 256), convs(256 + 128, 128, 128), convs(128 + 64, 64, 64)])
        self.head = nn.Conv3d(64, 3, 1)

    def forward(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool3d(x, 2) if i else x)
            skips.append(x)
        for up, block, skip in zip(self.ups, self.convs, skips[-2::-1], strict=True):
            x = up(x)
            x = block(torch.cat([centre(skip, x), x], 1))
        return self.head(x)


MODELS = {"c3d": (c3d, (3, 16, 112, 112)), "unet3d": (UNet3d, (3, 132, 132, 116))}
