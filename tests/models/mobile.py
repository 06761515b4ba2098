"""Nets of depthwise convolutions: MobileNet 1 to 3, MnasNet, EfficientNet, ShuffleNet, ConvNeXt."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn


def conv_bn(channels, width, kernel=3, stride=1, groups=1, act=nn.ReLU, **of_norm):
    conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(width, **of_norm), *([act()] if act else []))


class MobileNetV1(nn.Module):
    def __init__(self):
        super().__init__()
        layers, channels = [conv_bn(3, 32, stride=2)], 32
        for width, stride in (
            *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
            *[(512, 1)] * 5,
            *((1024, 2), (1024, 1)),
        ):
            layers += [conv_bn(channels, channels, 3, stride, groups=channels), conv_bn(channels, width, 1)]
            channels = width
        self.model = nn.Sequential(*layers, nn.AvgPool2d(7))
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.model(x)
        x = x.view(-1, 1024)
        return self.fc(x)


class SEGate(nn.Module):
    """1x1 convolutions; the gate is a function."""

    def __init__(self, channels, squeezed, act, gate):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.act, self.gate = act(), gate

    def forward(self, x):
        scale = x.mean(dim=(2, 3), keepdim=True)
        return self.gate(self.expand(self.act(self.reduce(scale)))) * x


class InvertedResidual(nn.Module):
    def __init__(
        self, channels, width, expanded, kernel=3, stride=1, *, act=nn.ReLU6, squeezed=0, gate=torch.sigmoid,
        gate_act=nn.ReLU, **of_norm
    ):  # fmt: skip
        super().__init__()
        layers = [] if expanded == channels else [conv_bn(channels, expanded, 1, act=act, **of_norm)]
        layers.append(conv_bn(expanded, expanded, kernel, stride, expanded, act, **of_norm))
        if squeezed:
            layers.append(SEGate(expanded, squeezed, gate_act, gate))
        layers.append(conv_bn(expanded, width, 1, act=None, **of_norm))
        self.conv = nn.Sequential(*layers)
        self.use_res_connect = stride == 1 and channels == width

    def forward(self, x):
        return x + self.conv(x) if self.use_res_connect else self.conv(x)


class MobileNetV2(nn.Module):
    """The classifier pools by two means, one axis after the other."""

    def __init__(self):
        super().__init__()
        features, channels = [conv_bn(3, 32, stride=2, act=nn.ReLU6)], 32
        for t, c, n, s in (
            *((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2)),
            *((6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)),
        ):
            for i in range(n):
                features.append(InvertedResidual(channels, c, channels * t, stride=1 if i else s))
                channels = c
        self.features = nn.Sequential(*features, conv_bn(320, 1280, 1, act=nn.ReLU6))
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(1280, 1000))

    def forward(self, x):
        return self.classifier(self.features(x).mean(3).mean(2))


class MobileNetV3Large(nn.Module):
    def __init__(self):
        super().__init__()
        norm = {"eps": 0.001, "momentum": 0.01}
        layers, channels = [conv_bn(3, 16, 3, 2, act=nn.Hardswish, **norm)], 16
        for k, exp, out, se, hs, s in (
            *((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 24, 0, 2)),
            *((5, 120, 40, 32, 0, 1), (5, 120, 40, 32, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1)),
            *((3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 480, 112, 120, 1, 1), (3, 672, 112, 168, 1, 1)),
            *((5, 672, 160, 168, 1, 2), (5, 960, 160, 240, 1, 1), (5, 960, 160, 240, 1, 1)),
        ):
            act = nn.Hardswish if hs else nn.ReLU
            layers.append(InvertedResidual(channels, out, exp, k, s, act=act, squeezed=se, gate=F.hardsigmoid, **norm))
            channels = out
        self.features = nn.Sequential(*layers, conv_bn(160, 960, 1, act=nn.Hardswish, **norm))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(960, 1280), nn.Hardswish(inplace=True), nn.Dropout(p=0.2), nn.Linear(1280, 1000)
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


class MnasNet(nn.Module):
    def __init__(self):
        super().__init__()
        norm = {"momentum": 1 - 0.9997}
        layers = [
            conv_bn(3, 32, 3, 2, **norm), conv_bn(32, 32, 3, groups=32, **norm), conv_bn(32, 16, 1, act=None, **norm)
        ]  # fmt: skip
        channels = 16
        for t, c, n, k, s in (
            *((3, 24, 3, 3, 2), (3, 40, 3, 5, 2), (6, 80, 3, 5, 2)),
            *((6, 96, 2, 3, 1), (6, 192, 4, 5, 2), (6, 320, 1, 3, 1)),
        ):
            for i in range(n):
                stride = 1 if i else s
                layers.append(InvertedResidual(channels, c, t * channels, k, stride, act=nn.ReLU, **norm))
                channels = c
        self.layers = nn.Sequential(*layers, conv_bn(320, 1280, 1, **norm))
        self.classifier = nn.Sequential(nn.Dropout(p=0.2, inplace=True), nn.Linear(1280, 1000))

    def forward(self, x):
        return self.classifier(self.layers(x).mean([2, 3]))


class Swish(nn.Module):
    def forward(self, x):
        return x * torch.sigmoid(x)


class EfficientNetB0(nn.Module):
    """With a swish of one's own, as before torch had nn.SiLU."""

    def __init__(self):
        super().__init__()
        layers, channels = [conv_bn(3, 32, 3, 2, act=Swish)], 32
        for t, k, c, n, s in (
            *((1, 3, 16, 1, 1), (6, 3, 24, 2, 2), (6, 5, 40, 2, 2), (6, 3, 80, 3, 2)),
            *((6, 5, 112, 3, 1), (6, 5, 192, 4, 2), (6, 3, 320, 1, 1)),
        ):
            for i in range(n):
                how = {"act": Swish, "squeezed": channels // 4, "gate_act": Swish}
                layers.append(InvertedResidual(channels, c, t * channels, k, 1 if i else s, **how))
                channels = c
        self.features = nn.Sequential(*layers, conv_bn(320, 1280, 1, act=Swish))
        self.head = nn.Linear(1280, 1000)

    def forward(self, x):
        x = F.adaptive_avg_pool2d(self.features(x), 1).squeeze(-1).squeeze(-1)
        return self.head(F.dropout(x, p=0.2, training=self.training))


def channel_shuffle(x, groups):
    batch, channels, height, width = x.size()
    x = x.view(batch, groups, channels // groups, height, width)
    x = torch.transpose(x, 1, 2).contiguous()
    return x.view(batch, channels, height, width)


class ShuffleUnit(nn.Module):
    def __init__(self, channels, width, stride):
        super().__init__()
        half, self.stride = width // 2, stride
        if stride > 1:
            self.branch1 = nn.Sequential(
                conv_bn(channels, channels, 3, stride, channels, act=None), conv_bn(channels, half, 1)
            )
        inside = channels if stride > 1 else half
        self.branch2 = nn.Sequential(
            conv_bn(inside, half, 1), conv_bn(half, half, 3, stride, half, act=None), conv_bn(half, half, 1)
        )

    def forward(self, x):
        if self.stride == 1:
            x1, x2 = x.chunk(2, dim=1)
            out = torch.cat((x1, self.branch2(x2)), dim=1)
        else:
            out = torch.cat((self.branch1(x), self.branch2(x)), dim=1)
        return channel_shuffle(out, 2)


class ShuffleNetV2(nn.Module):
    def __init__(self):
        super().__init__()
        units, channels = [], 24
        for width, depth in ((116, 4), (232, 8), (464, 4)):
            for i in range(depth):
                units.append(ShuffleUnit(channels, width, 1 if i else 2))
                channels = width
        self.conv1, self.maxpool = conv_bn(3, 24, 3, 2), nn.MaxPool2d(3, 2, 1)
        self.stages, self.conv5 = nn.Sequential(*units), conv_bn(464, 1024, 1)
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        x = self.conv5(self.stages(self.maxpool(self.conv1(x))))
        return self.fc(x.mean([2, 3]))


class LayerNorm2d(nn.LayerNorm):
    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    """Linear layers on channels last, and a factor that is a parameter of the block."""

    def __init__(self, dim):
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1, self.act, self.pwconv2 = nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(1e-6 * torch.ones(dim))

    def forward(self, x):
        shortcut = x
        x = self.dwconv(x).permute(0, 2, 3, 1)
        x = self.pwconv2(self.act(self.pwconv1(self.norm(x))))
        x = self.gamma * x
        return shortcut + x.permute(0, 3, 1, 2)


class ConvNeXt(nn.Module):
    def __init__(self, depths=(3, 3, 9, 3), dims=(96, 192, 384, 768)):
        super().__init__()
        self.downsample_layers = nn.ModuleList([nn.Sequential(nn.Conv2d(3, 96, 4, 4), LayerNorm2d(96, eps=1e-6))])
        for before, dim in pairwise(dims):
            self.downsample_layers.append(nn.Sequential(LayerNorm2d(before, eps=1e-6), nn.Conv2d(before, dim, 2, 2)))
        pairs = zip(dims, depths, strict=True)
        self.stages = nn.ModuleList([nn.Sequential(*(ConvNeXtBlock(dim) for _ in range(n))) for dim, n in pairs])
        self.norm = nn.LayerNorm(dims[-1], eps=1e-6)
        self.head = nn.Linear(dims[-1], 1000)

    def forward(self, x):
        for down, stage in zip(self.downsample_layers, self.stages, strict=True):
            x = stage(down(x))
        return self.head(self.norm(x.mean([-2, -1])))
