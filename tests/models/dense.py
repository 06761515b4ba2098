"""Nets that join by concatenation: DenseNet, DPN, GoogLeNet, SqueezeNet."""

import torch
import torch.nn.functional as F
from torch import nn


class DenseLayer(nn.Module):
    def __init__(self, channels, growth):
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(channels), nn.Conv2d(channels, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)

    def forward(self, maps):
        x = self.conv1(self.norm1(torch.cat(maps, 1)).relu())
        return self.conv2(self.norm2(x).relu())


class DenseBlock(nn.ModuleDict):
    """Hands on a list of all maps, and concatenates at each layer anew, as torchvision."""

    def __init__(self, channels, depth, growth):
        super().__init__()
        for i in range(depth):
            self[f"layer{i + 1}"] = DenseLayer(channels + i * growth, growth)

    def forward(self, x):
        maps = [x]
        for layer in self.values():
            maps.append(layer(maps))
        return torch.cat(maps, 1)


class DenseNet(nn.Module):
    def __init__(self, depths=(6, 12, 24, 16), growth=32):
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(64)
        stages, channels = [], 64
        for i, depth in enumerate(depths):
            stages.append(DenseBlock(channels, depth, growth))
            channels += depth * growth
            if i < 3:
                conv = nn.Conv2d(channels, channels // 2, 1, bias=False)
                stages.append(nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), conv, nn.AvgPool2d(2)))
                channels //= 2
        self.stages = nn.Sequential(*stages)
        self.last = nn.BatchNorm2d(channels)
        self.classifier = nn.Linear(channels, 1000)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.norm(self.stem(x))), 3, 2, 1)
        x = F.relu(self.last(self.stages(x)), inplace=True)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class BnReluConv(nn.Module):
    def __init__(self, channels, width, kernel, stride=1, groups=1):
        super().__init__()
        self.bn = nn.BatchNorm2d(channels, eps=0.001)
        self.conv = nn.Conv2d(channels, width, kernel, stride, kernel // 2, groups=groups, bias=False)

    def forward(self, x):
        return self.conv(F.relu(self.bn(x)))


class DualPath(nn.Module):
    """Carries both paths in one tensor, and cuts it open in each unit."""

    def __init__(self, channels, width, residual, growth, groups, stride, project):
        super().__init__()
        self.residual = residual
        self.project = BnReluConv(channels, residual + 2 * growth, 1, stride) if project else None
        self.a = BnReluConv(channels, width, 1)
        self.b = BnReluConv(width, width, 3, stride, groups)
        self.c = BnReluConv(width, residual + growth, 1)

    def forward(self, x):
        old = x if self.project is None else self.project(x)
        new = self.c(self.b(self.a(x)))
        summed = old[:, : self.residual] + new[:, : self.residual, :, :]
        return torch.cat([summed, old[:, self.residual :], new[:, self.residual :]], dim=1)


class DPN68(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 10, 3, 2, 1, bias=False), nn.BatchNorm2d(10, eps=0.001)
        units, channels = [], 10
        for width, residual, growth, depth, stride in (
            *((128, 64, 16, 3, 1), (256, 128, 32, 4, 2)),
            *((512, 256, 32, 12, 2), (1024, 512, 64, 3, 2)),
        ):
            for i in range(depth):
                units.append(DualPath(channels, width, residual, growth, 32, 1 if i else stride, project=not i))
                channels = residual + (3 + i) * growth
        self.units = nn.Sequential(*units)
        self.bn5 = nn.BatchNorm2d(channels, eps=0.001)
        self.classifier = nn.Conv2d(channels, 1000, kernel_size=1)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        x = F.elu(self.bn5(self.units(x)))
        return self.classifier(F.adaptive_avg_pool2d(x, 1)).flatten(1)


class BasicConv2d(nn.Module):
    def __init__(self, channels, width, **how):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, bias=False, **how)
        self.bn = nn.BatchNorm2d(width, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    """Runs its branches in another order than it concatenates them."""

    def __init__(self, channels, c1, c3_reduce, c3, c5_reduce, c5, pool):
        super().__init__()
        self.branch1 = BasicConv2d(channels, c1, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv2d(channels, c3_reduce, kernel_size=1), BasicConv2d(c3_reduce, c3, kernel_size=3, padding=1)
        )
        self.branch3 = nn.Sequential(
            BasicConv2d(channels, c5_reduce, kernel_size=1), BasicConv2d(c5_reduce, c5, kernel_size=3, padding=1)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(kernel_size=3, stride=1, padding=1, ceil_mode=True), BasicConv2d(channels, pool, kernel_size=1)
        )

    def forward(self, x):
        pooled, wide, narrow, one = (b(x) for b in (self.branch4, self.branch3, self.branch2, self.branch1))
        return torch.cat([one, narrow, wide, pooled], 1)


class Auxiliary(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv = BasicConv2d(channels, 128, kernel_size=1)
        self.fc1, self.fc2 = nn.Linear(2048, 1024), nn.Linear(1024, 1000)

    def forward(self, x):
        x = torch.flatten(self.conv(F.adaptive_avg_pool2d(x, (4, 4))), 1)
        return self.fc2(F.dropout(F.relu(self.fc1(x)), 0.7, training=self.training))


class GoogLeNet(nn.Module):
    """Returns a dict of the main output and, if wanted, the auxiliary ones."""

    table = {
        "3a": (192, 64, 96, 128, 16, 32, 32), "3b": (256, 128, 128, 192, 32, 96, 64),
        "4a": (480, 192, 96, 208, 16, 48, 64), "4b": (512, 160, 112, 224, 24, 64, 64),
        "4c": (512, 128, 128, 256, 24, 64, 64), "4d": (512, 112, 144, 288, 32, 64, 64),
        "4e": (528, 256, 160, 320, 32, 128, 128), "5a": (832, 256, 160, 320, 32, 128, 128),
        "5b": (832, 384, 192, 384, 48, 128, 128),
    }  # fmt: skip

    def __init__(self, aux=False):
        super().__init__()
        self.conv1 = BasicConv2d(3, 64, kernel_size=7, stride=2, padding=3)
        self.conv2 = BasicConv2d(64, 64, kernel_size=1)
        self.conv3 = BasicConv2d(64, 192, kernel_size=3, padding=1)
        for name, widths in self.table.items():
            setattr(self, f"inception{name}", Inception(*widths))
        self.aux1, self.aux2 = (Auxiliary(512), Auxiliary(528)) if aux else (None, None)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(1024, 1000)

    def forward(self, x):
        x = F.max_pool2d(self.conv1(x), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.conv3(self.conv2(x)), 3, 2, ceil_mode=True)
        x = F.max_pool2d(self.inception3b(self.inception3a(x)), 3, 2, ceil_mode=True)
        x = self.inception4a(x)
        out = {"aux1": self.aux1(x)} if self.aux1 else {}
        x = self.inception4d(self.inception4c(self.inception4b(x)))
        if self.aux2:
            out["aux2"] = self.aux2(x)
        x = F.max_pool2d(self.inception4e(x), 2, 2, ceil_mode=True)
        x = F.adaptive_avg_pool2d(self.inception5b(self.inception5a(x)), 1)
        return {"fc": self.fc(self.dropout(torch.flatten(x, 1))), **out}


class Fire(nn.Module):
    def __init__(self, channels, squeeze, expand):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x):
        x = F.relu(self.squeeze(x))
        return torch.cat((F.relu(self.expand1x1(x)), F.relu(self.expand3x3(x))), dim=1)


class SqueezeNet(nn.Sequential):
    """The classifier, too, is a convolution."""

    def __init__(self):
        def pool():
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        super().__init__(
            *(nn.Conv2d(3, 96, 7, 2), nn.ReLU(), pool()),
            *(Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool()),
            *(Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool()),
            *(Fire(512, 64, 256), nn.Dropout(0.5), nn.Conv2d(512, 1000, 1), nn.ReLU()),
            *(nn.AdaptiveAvgPool2d((1, 1)), nn.Flatten()),
        )
