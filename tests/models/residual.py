"""Nets with shortcuts: ResNet and its relatives, DarkNet, Xception; the shortcut first, last, or within the sum."""

import torch
import torch.nn.functional as F
from torch import nn


def conv3x3(channels, width, stride=1):
    return nn.Conv2d(channels, width, 3, stride, 1, bias=False)


class BasicBlock(nn.Module):
    expansion = 1

    def __init__(self, channels, width, stride=1, conv=conv3x3, norm=nn.BatchNorm2d, pointwise=nn.Conv2d):
        super().__init__()
        self.conv1, self.bn1 = conv(channels, width, stride), norm(width)
        self.conv2, self.bn2 = conv(width, width), norm(width)
        self.shortcut = nn.Sequential()
        if stride != 1 or channels != width:
            self.shortcut = nn.Sequential(pointwise(channels, width, 1, stride, bias=False), norm(width))

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += self.shortcut(x)
        return F.relu(out)


class Bottleneck(nn.Module):
    """The shortcut runs first."""

    def __init__(self, channels, width, out, stride=1, groups=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, stride, 1, groups=groups, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, out, 1, bias=False), nn.BatchNorm2d(out)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or channels != out:
            self.downsample = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.relu(self.bn2(self.conv2(out)))
        out = self.bn3(self.conv3(out))
        return self.relu(identity + out)


class ResNet(nn.Module):
    """The names of torchvision."""

    def __init__(self, block, depths, classes=1000, **of_block):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        channels = 64
        for stage, depth in enumerate(depths):
            units, width = [], 64 * 2**stage
            for i in range(depth):
                stride = 2 if stage and not i else 1
                if block is BasicBlock:
                    units.append(BasicBlock(channels, width, stride))
                    channels = width
                else:
                    wide = width * of_block.get("wider", 1)
                    units.append(Bottleneck(channels, wide, 4 * width, stride, of_block.get("groups", 1)))
                    channels = 4 * width
            setattr(self, f"layer{stage + 1}", nn.Sequential(*units))
        self.fc = nn.Linear(channels, classes)

    def forward(self, x):
        x = self.maxpool(F.relu(self.bn1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        x = F.adaptive_avg_pool2d(x, 1)
        return self.fc(torch.flatten(x, 1))


class PreActUnit(nn.Module):
    def __init__(self, channels, width, stride=1, preact=True):
        super().__init__()
        self.norms = nn.ModuleList([nn.BatchNorm2d(channels if preact else width), nn.BatchNorm2d(width)])
        if preact:
            self.norms.append(nn.BatchNorm2d(width))
        self.convs = nn.ModuleList([
            *(nn.Conv2d(channels, width, 1, bias=False), nn.Conv2d(width, width, 3, stride, 1, bias=False)),
            nn.Conv2d(width, 4 * width, 1, bias=False),
        ])  # fmt: skip
        project = channels != 4 * width
        self.project = nn.Conv2d(channels, 4 * width, 1, stride, bias=False) if project else None
        self.preact = preact

    def forward(self, x):
        norms = iter(self.norms)
        out = F.relu(next(norms)(x)) if self.preact else x
        shortcut = self.project(out) if self.project else x
        for i, conv in enumerate(self.convs):
            out = conv(out) if i == 0 else conv(F.relu(next(norms)(out)))
        return shortcut + out


class PreActResNet50(nn.Module):
    def __init__(self):
        super().__init__()
        units, channels = [], 64
        for stage, depth in enumerate((3, 4, 6, 3)):
            for i in range(depth):
                stride = 2 if stage and not i else 1
                unit = PreActUnit(channels, 64 * 2**stage, stride, preact=bool(stage or i))
                if not (stage or i):
                    unit.norms = nn.ModuleList([nn.BatchNorm2d(64), nn.BatchNorm2d(64)])
                units.append(unit)
                channels = 256 * 2**stage
        stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
        self.body = nn.Sequential(*stem, *units, nn.BatchNorm2d(2048), nn.ReLU(), nn.AdaptiveAvgPool2d(1))
        self.head = nn.Linear(2048, 1000)

    def forward(self, x):
        return self.head(self.body(x)[:, :, 0, 0])


class SqueezeExcitation(nn.Module):
    """Linear layers, where the file has 1x1 convolutions on 1x1."""

    def __init__(self, channels, squeezed):
        super().__init__()
        self.fc = nn.Sequential(nn.Linear(channels, squeezed), nn.ReLU(), nn.Linear(squeezed, channels), nn.Sigmoid())

    def forward(self, x):
        b, c, _, _ = x.size()
        return x * self.fc(x.mean((2, 3))).view(b, c, 1, 1)


class SEBottleneck(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        self.residual = nn.Sequential(
            *(nn.Conv2d(channels, width, 1, stride, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, 4 * width, 1, bias=False), nn.BatchNorm2d(4 * width)),
            SqueezeExcitation(4 * width, width // 4),
        )
        self.shortcut = nn.Identity()
        if channels != 4 * width:
            projection = nn.Conv2d(channels, 4 * width, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(4 * width))

    def forward(self, x):
        return torch.add(self.residual(x), self.shortcut(x)).relu()


class SEResNet50(nn.Sequential):
    def __init__(self):
        stem = [
            nn.Conv2d(3, 64, 7, 2, 3, bias=False),
            nn.BatchNorm2d(64),
            nn.ReLU(),
            nn.MaxPool2d(3, 2, ceil_mode=True),
        ]
        units, channels = [], 64
        for stage, depth in enumerate((3, 4, 6, 3)):
            for i in range(depth):
                units.append(SEBottleneck(channels, 64 * 2**stage, 2 if stage and not i else 1))
                channels = 256 * 2**stage
        super().__init__(*stem, *units, nn.AvgPool2d(7), nn.Flatten(), nn.Linear(2048, 1000))


class RegNetX400MF(nn.Module):
    """Bottleneck, in other stages."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        units, channels = [], 32
        for width, depth in ((32, 1), (64, 2), (160, 7), (400, 12)):
            for i in range(depth):
                units.append(Bottleneck(channels, width, width, 1 if i else 2, width // 16))
                channels = width
        self.trunk = nn.Sequential(*units)
        self.head = nn.Linear(400, 1000)

    def forward(self, x):
        x = self.trunk(self.stem(x))
        return self.head(x.mean([-2, -1]))


class R3D18(nn.Module):
    """ResNet-18 over time, of the same unit with other layers."""

    def __init__(self):
        super().__init__()

        def conv(channels, width, stride=1):
            return nn.Conv3d(channels, width, 3, stride, 1, bias=False)

        self.stem = nn.Sequential(
            nn.Conv3d(3, 64, (3, 7, 7), (1, 2, 2), (1, 3, 3), bias=False), nn.BatchNorm3d(64), nn.ReLU()
        )
        units, channels = [], 64
        for stage in range(4):
            for i in range(2):
                width, stride = 64 * 2**stage, 2 if stage and not i else 1
                units.append(BasicBlock(channels, width, stride, conv, nn.BatchNorm3d, nn.Conv3d))
                channels = width
        self.layers = nn.Sequential(*units)
        self.fc = nn.Linear(512, 400)

    def forward(self, x):
        x = self.layers(self.stem(x))
        x = F.avg_pool3d(x, x.size()[2:])
        return self.fc(x.view(x.size(0), -1))


def unit(channels, width, kernel, stride=1):
    conv = nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width), nn.LeakyReLU(0.1, inplace=True))


class DarkResidual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.layer1, self.layer2 = unit(channels, channels // 2, 1), unit(channels // 2, channels, 3)

    def forward(self, x):
        residual = x
        out = self.layer2(self.layer1(x))
        out += residual
        return out


class DarkNet53(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([unit(3, 32, 3)])
        for width, depth in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
            self.layers.append(unit(width // 2, width, 3, 2))
            self.layers.extend(DarkResidual(width) for _ in range(depth))
        self.global_avg_pool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.fc(self.global_avg_pool(x).view(-1, 1024))


class SeparableConv(nn.Sequential):
    def __init__(self, channels, width, stride=1, relu_first=True):
        depthwise = nn.Conv2d(channels, channels, 3, stride, 1, groups=channels, bias=False)
        first = [depthwise, nn.BatchNorm2d(channels, eps=1e-3)]
        last = [nn.Conv2d(channels, width, 1, bias=False), nn.BatchNorm2d(width, eps=1e-3)]
        behind = [] if relu_first else [nn.ReLU()]
        super().__init__(*([nn.ReLU()] if relu_first else []), *first, *behind, *last, *behind)


class XceptionModule(nn.Module):
    def __init__(self, channels, width, stride, first=None):
        super().__init__()
        first = first or width
        self.convs = nn.Sequential(
            SeparableConv(channels, first), SeparableConv(first, width), SeparableConv(width, width, stride)
        )
        self.skip = None
        if stride > 1 or channels != width:
            conv = nn.Conv2d(channels, width, 1, stride, bias=False)
            self.skip = nn.Sequential(conv, nn.BatchNorm2d(width, eps=1e-3))

    def forward(self, x):
        return self.convs(x) + (self.skip(x) if self.skip else x)


class Xception41(nn.Sequential):
    def __init__(self):
        def conv_bn(channels, width, stride):
            conv = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
            return nn.Sequential(conv, nn.BatchNorm2d(width, eps=1e-3), nn.ReLU())

        super().__init__(
            *(conv_bn(3, 32, 2), conv_bn(32, 64, 1)),
            *(XceptionModule(64, 128, 2), XceptionModule(128, 256, 2), XceptionModule(256, 728, 2)),
            *(XceptionModule(728, 728, 1) for _ in range(8)),
            XceptionModule(728, 1024, 2, first=728),
            *(SeparableConv(c, w, relu_first=False) for c, w in ((1024, 1536), (1536, 1536), (1536, 2048))),
            *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000)),
        )
