"""A class for each pixel, and features at several scales: U-Net, SegNet, FCN-8s, FPN, DeepLabv3."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from zoo_models.parts import centre, conv_bn_relu, resnet50_stages


class UNet(nn.Module):
    """Ronneberger 2015, figure 1: without padding what comes from the left is cropped."""

    def __init__(self, padding):
        super().__init__()

        def convs(i, o):
            return nn.Sequential(nn.Conv2d(i, o, 3, padding=padding), nn.ReLU(), nn.Conv2d(o, o, 3, padding=padding))

        widths = [1, 64, 128, 256, 512, 1024]
        self.down = nn.ModuleList([convs(i, o) for i, o in pairwise(widths)])
        self.ups = nn.ModuleList([nn.ConvTranspose2d(2 * w, w, 2, 2) for w in (512, 256, 128, 64)])
        self.convs = nn.ModuleList([convs(2 * w, w) for w in (512, 256, 128, 64)])
        self.head = nn.Conv2d(64, 2, 1)

    def forward(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i else x)
            skips.append(x)
        for up, block, skip in zip(self.ups, self.convs, skips[-2::-1], strict=True):
            x = up(x)
            x = block(torch.cat([centre(skip, x), x], 1))
        return self.head(x)


class SegNet(nn.Module):
    """SegNet-Tutorial/Models/segnet_train.prototxt; Caffe's pools round up."""

    def __init__(self):
        super().__init__()

        def convs(*widths):
            layers = []
            for i, o in pairwise(widths):
                layers += [nn.Conv2d(i, o, 3, padding=1), nn.BatchNorm2d(o), nn.ReLU()]
            return nn.Sequential(*layers)

        down = (3, 64, 64), (64, 128, 128), (128, 256, 256, 256), (256, 512, 512, 512), (512, 512, 512, 512)
        up = (512, 512, 512, 512), (512, 512, 512, 256), (256, 256, 256, 128), (128, 128, 64), (64, 64)
        self.down, self.up = (nn.ModuleList([convs(*widths) for widths in side]) for side in (down, up))
        self.head = nn.Conv2d(64, 11, 3, padding=1)

    def forward(self, x):
        found = []
        for block in self.down:
            x = block(x)
            size = x.shape
            x, indices = F.max_pool2d(x, 2, 2, ceil_mode=True, return_indices=True)
            found.append((size, indices))
        for block, (size, indices) in zip(self.up, reversed(found), strict=True):
            x = block(F.max_unpool2d(x, indices, 2, 2, output_size=size))
        return self.head(x)


class FCN8s(nn.Module):
    """voc-fcn8s/net.py of fcn.berkeleyvision.org; the offsets are those of caffe.coord_map."""

    def __init__(self):
        super().__init__()

        def convs(i, o, depth, padding=1):
            layers = [nn.Conv2d(i, o, 3, padding=padding)]
            layers += [nn.Conv2d(o, o, 3, padding=1) for _ in range(depth - 1)]
            return nn.Sequential(*layers, nn.MaxPool2d(2, 2, ceil_mode=True))

        self.pool3 = nn.Sequential(convs(3, 64, 2, padding=100), convs(64, 128, 2), convs(128, 256, 3))
        self.pool4 = convs(256, 512, 3)
        fc = nn.Conv2d(512, 4096, 7), nn.Conv2d(4096, 4096, 1), nn.Conv2d(4096, 21, 1)
        self.score = nn.Sequential(convs(512, 512, 3), *fc)
        self.score4, self.score3 = nn.Conv2d(512, 21, 1), nn.Conv2d(256, 21, 1)
        self.up4, self.up3 = (nn.ConvTranspose2d(21, 21, 4, 2, bias=False) for _ in range(2))
        self.up = nn.ConvTranspose2d(21, 21, 16, 8, bias=False)

    def forward(self, image):
        def crop(x, like, offset):
            return x[:, :, offset : offset + like.shape[2], offset : offset + like.shape[3]]

        pool3 = self.pool3(image)
        pool4 = self.pool4(pool3)
        x = self.up4(self.score(pool4))
        x = self.up3(x + crop(self.score4(pool4), x, 5))
        x = self.up(x + crop(self.score3(pool3), x, 9))
        return crop(x, image, 31)


class FPN(nn.Module):
    """Lin 2017, figure 3, on all stages of ResNet-50; p6 as in footnote 1."""

    def __init__(self):
        super().__init__()
        self.stages = resnet50_stages()
        self.lateral = nn.ModuleList([nn.Conv2d(i, 256, 1) for i in (256, 512, 1024, 2048)])
        self.smooth = nn.ModuleList([nn.Conv2d(256, 256, 3, padding=1) for _ in range(4)])

    def forward(self, x):
        stem, *stages = self.stages
        maps, x = [], stem(x)
        for stage, lateral in zip(stages, self.lateral, strict=True):
            x = stage(x)
            maps.append(lateral(x))
        for low in (2, 1, 0):
            maps[low] = maps[low] + F.interpolate(maps[low + 1], scale_factor=2)
        levels = [smooth(m) for smooth, m in zip(self.smooth, maps, strict=True)]
        levels.append(levels[-1][:, :, ::2, ::2])
        return {f"p{i}": level for i, level in enumerate(levels, start=2)}


class DeepLab(nn.Module):
    """Chen 2017, figure 5, as torchvision: output stride 8, rates 12, 24 and 36."""

    def __init__(self):
        super().__init__()
        dilations = (1,) * 3, (1,) * 4, (1, 2, 2, 2, 2, 2), (2, 4, 4)
        self.backbone = nn.Sequential(*resnet50_stages(dilations, strides=(1, 2, 1, 1)))
        atrous = [conv_bn_relu(2048, 256, 3, dilation=rate) for rate in (12, 24, 36)]
        self.branches = nn.ModuleList([conv_bn_relu(2048, 256, 1), *atrous])
        self.pooled = nn.Sequential(nn.AdaptiveAvgPool2d(1), conv_bn_relu(2048, 256, 1))
        self.head = nn.Sequential(conv_bn_relu(1280, 256, 1), conv_bn_relu(256, 256), nn.Conv2d(256, 21, 1))

    def forward(self, image):
        x = self.backbone(image)
        pooled = F.interpolate(self.pooled(x), size=x.shape[2:], mode="bilinear")
        scores = self.head(torch.cat([*(branch(x) for branch in self.branches), pooled], 1))
        return F.interpolate(scores, size=image.shape[2:], mode="bilinear")


MODELS = {
    "unet": (lambda: UNet(padding=1), (1, 512, 512)),
    "unet_original": (lambda: UNet(padding=0), (1, 572, 572)),
    "segnet": (SegNet, (3, 360, 480)),
    "fcn8s": (FCN8s, (3, 500, 500)),
    "fpn_resnet50": (FPN, (3, 800, 1088)),
    "deeplabv3_resnet50": (DeepLab, (3, 520, 520)),
}
