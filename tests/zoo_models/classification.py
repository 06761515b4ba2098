"""A class for each image."""

import math

import torch
from torch import nn

from zoo_models.parts import Residual, bottleneck, conv_bn_relu


def alexnet(groups):
    """Krizhevsky 2012; two groups are the two GPUs."""
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 11, 4), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(96, 256, 5, padding=2, groups=groups), nn.MaxPool2d(3, 2)),
        nn.Conv2d(256, 384, 3, padding=1),
        nn.Conv2d(384, 384, 3, padding=1, groups=groups),
        *(nn.Conv2d(384, 256, 3, padding=1, groups=groups), nn.MaxPool2d(3, 2)),
        *(nn.Flatten(), nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)),
    )


def zfnet():
    """Zeiler & Fergus 2014, figure 3: the sizes that it prints, 110, 55, 26, 13, 6, are those of pools that round up."""
    return nn.Sequential(
        *(nn.Conv2d(3, 96, 7, 2, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(nn.Conv2d(96, 256, 5, 2), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(nn.Conv2d(256, 384, 3, padding=1), nn.Conv2d(384, 384, 3, padding=1)),
        *(nn.Conv2d(384, 256, 3, padding=1), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(nn.Flatten(), nn.Linear(256 * 6 * 6, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)),
    )


def lenet5():
    convs = nn.Conv2d(1, 6, 5), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.AvgPool2d(2)
    return nn.Sequential(*convs, nn.Flatten(), nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10))


class LeNet1998(nn.Module):
    """LeCun 1998, section II.B; its table I is a row of crosses for each map of S2."""

    TABLE = (
        "X   XXX  XXXX XX",
        "XX   XXX  XXXX X",
        "XXX   XXX  X XXX",
        " XXX  XXXX  X XX",
        "  XXX  XXXX XX X",
        "   XXX  XXXX XXX",
    )

    def __init__(self):
        super().__init__()

        def weighed(maps):
            return nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(maps, maps, 1, groups=maps))

        self.below = nn.Sequential(nn.Conv2d(1, 6, 5), weighed(6))
        self.sees = [[m for m in range(6) if self.TABLE[m][column] == "X"] for column in range(16)]
        self.c3 = nn.ModuleList([nn.Conv2d(len(maps), 1, 5) for maps in self.sees])
        self.above = nn.Sequential(weighed(16), nn.Conv2d(16, 120, 5), nn.Flatten(), nn.Linear(120, 84))

    def forward(self, x):
        s2 = self.below(x)
        return self.above(torch.cat([conv(s2[:, maps]) for conv, maps in zip(self.c3, self.sees, strict=True)], 1))


def network_in_network():
    """Lin 2014, figure 2, with the widths of the authors' cuda-convnet definition for CIFAR-10."""

    def mlpconv(i, width, hidden, o, k):
        return nn.Conv2d(i, width, k, padding=k // 2), nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, o, 1)

    return nn.Sequential(
        *(*mlpconv(3, 192, 160, 96, 5), nn.MaxPool2d(3, 2, ceil_mode=True)),
        *(*mlpconv(96, 192, 192, 192, 5), nn.AvgPool2d(3, 2, ceil_mode=True)),
        *(*mlpconv(192, 192, 192, 10, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()),
    )


def head(features, classes=1000):
    return nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, classes)


def mobilenet_v1():
    """Howard 2017, table 1."""
    layers, i = [conv_bn_relu(3, 32, 3, 2)], 32
    rows = (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1)
    for o, stride in rows:
        layers += [conv_bn_relu(i, i, 3, stride, groups=i), conv_bn_relu(i, o, 1)]
        i = o
    return nn.Sequential(*layers, *head(1024))


def regnet_x_400mf():
    """Radosavovic 2020: the widths of 22 units on a line, rounded to powers of 2.54, then to whole groups of 16."""
    powers = [round(math.log((24 + 24.48 * unit) / 24, 2.54)) for unit in range(22)]
    widths = [(8 * round(24 * 2.54**power / 8) + 8) // 16 * 16 for power in powers]
    layers, i = [conv_bn_relu(3, 32, 3, 2)], 32
    for o in widths:
        stride = 2 if o != i or len(layers) == 1 else 1
        layers.append(bottleneck(i, o, o, stride, groups=o // 16))
        i = o
    return nn.Sequential(*layers, *head(i))


class PreActivated(nn.Module):
    """He 2016, figure 4e; where the shape changes the shortcut starts behind the activation."""

    def __init__(self, i, width, stride, first):
        super().__init__()
        self.act = nn.Identity() if first else nn.Sequential(nn.BatchNorm2d(i), nn.ReLU())
        self.path = nn.Sequential(
            *(nn.Conv2d(i, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            nn.Conv2d(width, 4 * width, 1, bias=False),
        )
        self.shortcut = nn.Conv2d(i, 4 * width, 1, stride, bias=False) if i != 4 * width else None

    def forward(self, x):
        y = self.act(x)
        return self.path(y) + (self.shortcut(y) if self.shortcut else x)


def resnet50_of(unit, stem):
    """The stages of ResNet-50, of units that are made of (channels, width, stride, whether it is the very first)."""
    layers, i = [*stem], 64
    for width, depth in ((64, 3), (128, 4), (256, 6), (512, 3)):
        for place in range(depth):
            layers.append(unit(i, width, 2 if width > 64 and place == 0 else 1, i == 64))
            i = 4 * width
    return layers


def preact_resnet50():
    layers = resnet50_of(PreActivated, (conv_bn_relu(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)))
    return nn.Sequential(*layers, nn.BatchNorm2d(2048), *head(2048))


class SqueezeExcitation(nn.Module):
    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(channels, squeezed), nn.Linear(squeezed, channels)

    def forward(self, x):
        gate = self.fc2(self.fc1(x.mean((2, 3))).relu()).sigmoid()
        return x * gate[:, :, None, None]


def se_resnet50():
    """Hu 2018, as the authors' Caffe model: the stride on the first convolution, and a pool that rounds up."""

    def unit(i, width, stride, first):
        last = nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)
        path = conv_bn_relu(i, width, 1, stride), conv_bn_relu(width, width), *last
        return Residual(nn.Sequential(*path, SqueezeExcitation(4 * width, width // 4)), i, 4 * width, stride)

    stem = conv_bn_relu(3, 64, 7, 2), nn.MaxPool2d(3, 2, ceil_mode=True)
    return nn.Sequential(*resnet50_of(unit, stem), *head(2048))


class Inception(nn.Module):
    def __init__(self, i, o1, reduce3, o3, reduce5, o5, pool):
        super().__init__()
        three = nn.Sequential(conv_bn_relu(i, reduce3, 1), conv_bn_relu(reduce3, o3))
        five = nn.Sequential(conv_bn_relu(i, reduce5, 1), conv_bn_relu(reduce5, o5))  # torchvision's is a 3x3
        pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1), conv_bn_relu(i, pool, 1))
        self.branches = nn.ModuleList([conv_bn_relu(i, o1, 1), three, five, pooled])

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], 1)


class GoogLeNet(nn.Module):
    """Szegedy 2015, table 1 and section 5, with batch norm as torchvision."""

    def __init__(self):
        super().__init__()

        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        def auxiliary(i):
            below = nn.AdaptiveAvgPool2d(4), conv_bn_relu(i, 128, 1), nn.Flatten()
            return nn.Sequential(*below, nn.Linear(2048, 1024), nn.Linear(1024, 1000))

        self.to_4a = nn.Sequential(
            *(conv_bn_relu(3, 64, 7, 2), pool(), conv_bn_relu(64, 64, 1), conv_bn_relu(64, 192), pool()),
            *(Inception(192, 64, 96, 128, 16, 32, 32), Inception(256, 128, 128, 192, 32, 96, 64), pool()),
            Inception(480, 192, 96, 208, 16, 48, 64),
        )
        self.to_4d = nn.Sequential(
            Inception(512, 160, 112, 224, 24, 64, 64),
            Inception(512, 128, 128, 256, 24, 64, 64),
            Inception(512, 112, 144, 288, 32, 64, 64),
        )
        self.rest = nn.Sequential(
            *(Inception(528, 256, 160, 320, 32, 128, 128), nn.MaxPool2d(2, ceil_mode=True)),
            *(Inception(832, 256, 160, 320, 32, 128, 128), Inception(832, 384, 192, 384, 48, 128, 128)),
            *head(1024),
        )
        self.aux1, self.aux2 = auxiliary(512), auxiliary(528)

    def forward(self, x):
        x = self.to_4a(x)
        y = self.to_4d(x)
        return {"aux1": self.aux1(x), "aux2": self.aux2(y), "fc": self.rest(y)}


MODELS = {
    "alexnet": (lambda: alexnet(1), (3, 227, 227)),
    "alexnet_two_gpu": (lambda: alexnet(2), (3, 227, 227)),
    "zfnet": (zfnet, (3, 224, 224)),
    "lenet5": (lenet5, (1, 32, 32)),
    "lenet5_1998": (LeNet1998, (1, 32, 32)),
    "network_in_network": (network_in_network, (3, 32, 32)),
    "googlenet_aux": (GoogLeNet, (3, 224, 224)),
    "mobilenet_v1": (mobilenet_v1, (3, 224, 224)),
    "regnet_x_400mf": (regnet_x_400mf, (3, 224, 224)),
    "preact_resnet50": (preact_resnet50, (3, 224, 224)),
    "se_resnet50": (se_resnet50, (3, 224, 224)),
}
