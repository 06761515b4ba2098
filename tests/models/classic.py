"""LeNet-5, AlexNet, ZFNet, VGG, Network in Network: nn.Sequential, submodules, functional calls."""

import torch
import torch.nn.functional as F
from torch import nn


class LeNet5(nn.Module):
    """Functions for everything that has no weights."""

    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * 5 * 5, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, classes)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), (2, 2))
        x = x.view(x.size(0), -1)
        x = self.fc1(x).tanh()
        x = self.fc2(x).tanh()
        return self.fc3(x)


class AlexNet(nn.Module):
    """The classic single tower, with a LRN module of one's own."""

    def __init__(self, classes=1000):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 96, kernel_size=11, stride=4), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2), nn.LocalResponseNorm(5),
            nn.Conv2d(96, 256, kernel_size=5, padding=2), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2), nn.LocalResponseNorm(5),
            nn.Conv2d(256, 384, kernel_size=3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 384, kernel_size=3, padding=1), nn.ReLU(inplace=True),
            nn.Conv2d(384, 256, kernel_size=3, padding=1), nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2),
        )  # fmt: skip
        self.classifier = nn.Sequential(
            nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Dropout(),
            nn.Linear(4096, classes),
        )  # fmt: skip

    def forward(self, x):
        x = self.features(x)
        x = torch.flatten(x, 1)
        return self.classifier(x)


class TwoTowers(nn.Module):
    """AlexNet as it ran on two GPUs: grouped convolutions, all functions but the layers with weights."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 11, 4)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.fc6, self.fc7, self.fc8 = nn.Linear(9216, 4096), nn.Linear(4096, 4096), nn.Linear(4096, 1000)

    def forward(self, x):
        for conv in (self.conv1, self.conv2):
            x = F.local_response_norm(F.relu(conv(x)), 5, alpha=1e-4, beta=0.75, k=2.0)
            x = F.max_pool2d(x, 3, 2)
        x = self.conv5(self.conv4(self.conv3(x).relu_()).relu_()).relu_()
        x = F.max_pool2d(x, 3, 2).flatten(1)
        x = F.dropout(F.relu(self.fc6(x)), training=self.training)
        x = F.dropout(F.relu(self.fc7(x)), training=self.training)
        return self.fc8(x)


class TorchvisionAlexNet(nn.Module):
    def __init__(self):
        super().__init__()
        layers = []
        for width, before, kernel, stride, padding, pool in (
            (64, 3, 11, 4, 2, True), (192, 64, 5, 1, 2, True), (384, 192, 3, 1, 1, False),
            (256, 384, 3, 1, 1, False), (256, 256, 3, 1, 1, True),
        ):  # fmt: skip
            layers += [nn.Conv2d(before, width, kernel, stride, padding), nn.ReLU(inplace=True)]
            layers += [nn.MaxPool2d(3, 2)] if pool else []
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((6, 6))
        self.classifier = nn.Sequential(
            *(nn.Dropout(), nn.Linear(256 * 6 * 6, 4096), nn.ReLU(inplace=True)),
            *(nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(inplace=True), nn.Linear(4096, 1000)),
        )

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class ZFNet(nn.Sequential):
    """Nothing but a Sequential."""

    def __init__(self):
        pool = {"kernel_size": 3, "stride": 2, "ceil_mode": True}
        super().__init__(
            *(nn.Conv2d(3, 96, 7, 2, 1), nn.ReLU(), nn.MaxPool2d(**pool), nn.LocalResponseNorm(5)),
            *(nn.Conv2d(96, 256, 5, 2), nn.ReLU(), nn.MaxPool2d(**pool), nn.LocalResponseNorm(5)),
            *(nn.Conv2d(256, 384, 3, padding="same"), nn.ReLU(), nn.Conv2d(384, 384, 3, padding="same"), nn.ReLU()),
            *(nn.Conv2d(384, 256, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(**pool), nn.Flatten()),
            *(nn.Linear(9216, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()),
            nn.Linear(4096, 1000),
        )


VGG_CFGS = {
    11: [64, "M", 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    13: [64, 64, "M", 128, 128, "M", 256, 256, "M", 512, 512, "M", 512, 512, "M"],
    16: [64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M"],
    19: [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"],
}


class VGG(nn.Module):
    """By a configuration, with the average pool that torchvision puts behind the features."""

    def __init__(self, depth=16, batch_norm=False):
        super().__init__()
        layers, channels = [], 3
        for v in VGG_CFGS[depth]:
            if v == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers.append(nn.Conv2d(channels, v, 3, padding=1))
            if batch_norm:
                layers.append(nn.BatchNorm2d(v))
            layers.append(nn.ReLU(inplace=True))
            channels = v
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            *(nn.Linear(512 * 7 * 7, 4096), nn.ReLU(True), nn.Dropout()),
            *(nn.Linear(4096, 4096), nn.ReLU(True), nn.Dropout(), nn.Linear(4096, 1000)),
        )

    def forward(self, x):
        x = self.avgpool(self.features(x))
        return self.classifier(x.reshape(x.shape[0], -1))


class MLPConv(nn.Module):
    def __init__(self, channels, width, hidden, out, kernel):
        super().__init__()
        self.conv = nn.Conv2d(channels, width, kernel, padding=kernel // 2)
        self.mlp1, self.mlp2 = nn.Conv2d(width, hidden, 1), nn.Conv2d(hidden, out, 1)

    def forward(self, x):
        return self.mlp2(self.mlp1(self.conv(x).relu()).relu()).relu()


class NetworkInNetwork(nn.Module):
    """The global pool as a mean."""

    def __init__(self):
        super().__init__()
        self.block1 = MLPConv(3, 192, 160, 96, 5)
        self.block2 = MLPConv(96, 192, 192, 192, 5)
        self.block3 = MLPConv(192, 192, 192, 10, 3)
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        x = self.dropout(F.max_pool2d(self.block1(x), 3, stride=2, ceil_mode=True))
        x = self.dropout(F.avg_pool2d(self.block2(x), 3, stride=2, ceil_mode=True))
        return self.block3(x).mean(dim=(2, 3))


class C3D(nn.Module):
    """Convolutions over time as well; the pools round up, as Caffe's."""

    def __init__(self, classes=487):
        super().__init__()
        self.conv1 = nn.Conv3d(3, 64, 3, padding=1)
        self.pool1 = nn.MaxPool3d((1, 2, 2), (1, 2, 2), ceil_mode=True)
        self.conv2 = nn.Conv3d(64, 128, 3, padding=1)
        self.conv3a, self.conv3b = nn.Conv3d(128, 256, 3, padding=1), nn.Conv3d(256, 256, 3, padding=1)
        self.conv4a, self.conv4b = nn.Conv3d(256, 512, 3, padding=1), nn.Conv3d(512, 512, 3, padding=1)
        self.conv5a, self.conv5b = nn.Conv3d(512, 512, 3, padding=1), nn.Conv3d(512, 512, 3, padding=1)
        self.pool = nn.MaxPool3d(2, 2, ceil_mode=True)
        self.fc6, self.fc7, self.fc8 = nn.Linear(8192, 4096), nn.Linear(4096, 4096), nn.Linear(4096, classes)
        self.relu, self.dropout = nn.ReLU(), nn.Dropout(0.5)

    def forward(self, x):
        x = self.pool1(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        x = self.pool(self.relu(self.conv3b(self.relu(self.conv3a(x)))))
        x = self.pool(self.relu(self.conv4b(self.relu(self.conv4a(x)))))
        x = self.pool(self.relu(self.conv5b(self.relu(self.conv5a(x)))))
        x = self.dropout(self.relu(self.fc6(x.view(-1, 8192))))
        x = self.dropout(self.relu(self.fc7(x)))
        return self.fc8(x)
