"""Nets from images to images, and one for sound: U-Net, SegNet, FCN, FPN, DCGAN, WaveNet."""

import torch
import torch.nn.functional as F
from torch import nn

from models.residual import Bottleneck, ResNet


class DoubleConv(nn.Module):
    """(convolution => ReLU) * 2."""

    def __init__(self, channels, width, padding=1):
        super().__init__()
        self.double_conv = nn.Sequential(
            *(nn.Conv2d(channels, width, kernel_size=3, padding=padding), nn.ReLU(inplace=True)),
            *(nn.Conv2d(width, width, kernel_size=3, padding=padding), nn.ReLU(inplace=True)),
        )

    def forward(self, x):
        return self.double_conv(x)


class Down(nn.Module):
    def __init__(self, channels, width):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(channels, width))

    def forward(self, x):
        return self.maxpool_conv(x)


class Up(nn.Module):
    """Pads what comes from below to the size of the skip: by nothing, where every pool divided."""

    def __init__(self, channels, width):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, kernel_size=2, stride=2)
        self.conv = DoubleConv(channels, width)

    def forward(self, x1, x2):
        x1 = self.up(x1)
        rows, columns = x2.size(2) - x1.size(2), x2.size(3) - x1.size(3)
        x1 = F.pad(x1, [columns // 2, columns - columns // 2, rows // 2, rows - rows // 2])
        return self.conv(torch.cat([x2, x1], dim=1))


class UNet(nn.Module):
    def __init__(self, n_channels=1, n_classes=2):
        super().__init__()
        self.inc = DoubleConv(n_channels, 64)
        self.down1, self.down2, self.down3 = Down(64, 128), Down(128, 256), Down(256, 512)
        self.down4 = Down(512, 1024)
        self.up1, self.up2, self.up3, self.up4 = Up(1024, 512), Up(512, 256), Up(256, 128), Up(128, 64)
        self.outc = nn.Conv2d(64, n_classes, kernel_size=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x3 = self.down2(x2)
        x4 = self.down3(x3)
        x = self.down4(x4)
        x = self.up1(x, x4)
        x = self.up2(x, x3)
        x = self.up3(x, x2)
        x = self.up4(x, x1)
        return self.outc(x)


def center_crop(skip, to):
    top, left = ((a - b) // 2 for a, b in zip(skip.shape[2:], to.shape[2:], strict=True))
    return skip[:, :, top : top + to.shape[2], left : left + to.shape[3]]


class OriginalUNet(nn.Module):
    """As published: nothing is padded, and the skips are cropped. The path down is a loop."""

    def __init__(self):
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList(DoubleConv(c, w, 0) for c, w in zip((1, *widths), widths, strict=False))
        self.up = nn.ModuleList(nn.ConvTranspose2d(2 * w, w, 2, 2) for w in widths[-2::-1])
        self.convs = nn.ModuleList(DoubleConv(2 * w, w, 0) for w in widths[-2::-1])
        self.drop = nn.Dropout(0.5)
        self.head = nn.Conv2d(64, 2, 1)

    def forward(self, x):
        skips = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if skips else x)
            x = self.drop(x) if i >= 3 else x
            skips.append(x)
        for up, convs, skip in zip(self.up, self.convs, skips[-2::-1], strict=True):
            x = up(x)
            x = convs(torch.cat([center_crop(skip, x), x], 1))
        return self.head(x)


def conv_bn_relu(channels, width, layers=1):
    for i in range(layers):
        yield from (nn.Conv2d(width if i else channels, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU())


class SegNet(nn.Module):
    """The indices of each pool go to the unpooling that mirrors it."""

    def __init__(self, classes=11):
        super().__init__()
        cfg = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
        self.encoders = nn.ModuleList()
        self.decoders = nn.ModuleList()
        channels = 3
        for width, depth in cfg:
            self.encoders.append(nn.Sequential(*conv_bn_relu(channels, width, depth)))
            last = conv_bn_relu(width, channels if channels > 3 else width)
            before = conv_bn_relu(width, width, depth - 1 if channels > 3 else 0)
            self.decoders.insert(0, nn.Sequential(*before, *last))
            channels = width
        self.pool = nn.MaxPool2d(2, 2, ceil_mode=True, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2, 2)
        self.head = nn.Conv2d(64, classes, 3, padding=1)

    def forward(self, x):
        remembered = []
        for encoder in self.encoders:
            x = encoder(x)
            remembered.append(x.size())
            x, indices = self.pool(x)
            remembered.append(indices)
        for decoder in self.decoders:
            indices, size = remembered.pop(), remembered.pop()
            x = decoder(self.unpool(x, indices, output_size=size))
        return self.head(x)


class FCN8s(nn.Module):
    def __init__(self, classes=21):
        super().__init__()
        layers, channels = [], 3
        for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
            for _ in range(depth):
                layers += [nn.Conv2d(channels, width, 3, padding=1 if layers else 100), nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2, stride=2, ceil_mode=True))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            *(nn.Conv2d(512, 4096, 7), nn.ReLU(), nn.Dropout2d(), nn.Conv2d(4096, 4096, 1), nn.ReLU(), nn.Dropout2d()),
            nn.Conv2d(4096, classes, 1),
        )
        self.score_pool3, self.score_pool4 = nn.Conv2d(256, classes, 1), nn.Conv2d(512, classes, 1)
        self.upscore2 = nn.ConvTranspose2d(classes, classes, 4, stride=2, bias=False)
        self.upscore_pool4 = nn.ConvTranspose2d(classes, classes, 4, stride=2, bias=False)
        self.upscore8 = nn.ConvTranspose2d(classes, classes, 16, stride=8, bias=False)

    def forward(self, x):
        image, pools = x, []
        for layer in self.features:
            x = layer(x)
            if isinstance(layer, nn.MaxPool2d):
                pools.append(x)
        up = self.upscore2(self.classifier(x))
        score = self.score_pool4(pools[3])
        up = self.upscore_pool4(up + score[:, :, 5 : 5 + up.size(2), 5 : 5 + up.size(3)])
        score = self.score_pool3(pools[2])
        up = self.upscore8(up + score[:, :, 9 : 9 + up.size(2), 9 : 9 + up.size(3)])
        return up[..., 31 : 31 + image.size(2), 31 : 31 + image.size(3)].contiguous()


class FPN(nn.Module):
    """On a ResNet-50, from the top down; returns a tuple, the finest level first."""

    def __init__(self):
        super().__init__()
        self.body = ResNet(Bottleneck, (3, 4, 6, 3))
        self.body.fc = nn.Identity()
        self.lateral = nn.ModuleList(nn.Conv2d(c, 256, 1) for c in (256, 512, 1024, 2048))
        self.output = nn.ModuleList(nn.Conv2d(256, 256, 3, padding=1) for _ in range(4))

    def forward(self, x):
        body, maps = self.body, []
        x = body.maxpool(F.relu(body.bn1(body.conv1(x))))
        for stage in (body.layer1, body.layer2, body.layer3, body.layer4):
            x = stage(x)
            maps.append(x)
        laterals = [conv(m) for conv, m in zip(self.lateral, maps, strict=True)]
        merged = [laterals[3]]
        for lateral in laterals[2::-1]:
            merged.insert(0, lateral + F.interpolate(merged[0], scale_factor=2, mode="nearest"))
        levels = [conv(m) for conv, m in zip(self.output, merged, strict=True)]
        return (*levels, F.max_pool2d(levels[-1], 1, 2, 0))


class Generator(nn.Module):
    """DCGAN's, as in the tutorial."""

    def __init__(self, nz=100, ngf=64, nc=3):
        super().__init__()
        self.main = nn.Sequential(
            *(nn.ConvTranspose2d(nz, ngf * 8, 4, 1, 0, bias=False), nn.BatchNorm2d(ngf * 8), nn.ReLU(True)),
            *(nn.ConvTranspose2d(ngf * 8, ngf * 4, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf * 4), nn.ReLU(True)),
            *(nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf * 2), nn.ReLU(True)),
            *(nn.ConvTranspose2d(ngf * 2, ngf, 4, 2, 1, bias=False), nn.BatchNorm2d(ngf), nn.ReLU(True)),
            *(nn.ConvTranspose2d(ngf, nc, 4, 2, 1, bias=False), nn.Tanh()),
        )

    def forward(self, noise):
        return self.main(noise)


class Discriminator(nn.Module):
    def __init__(self, nc=3, ndf=64):
        super().__init__()
        self.main = nn.Sequential(
            *(nn.Conv2d(nc, ndf, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Conv2d(ndf, ndf * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 2), nn.LeakyReLU(0.2, inplace=True)),
            *(nn.Conv2d(ndf * 2, ndf * 4, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 4), nn.LeakyReLU(0.2, True)),
            *(nn.Conv2d(ndf * 4, ndf * 8, 4, 2, 1, bias=False), nn.BatchNorm2d(ndf * 8), nn.LeakyReLU(0.2, True)),
            *(nn.Conv2d(ndf * 8, 1, 4, 1, 0, bias=False), nn.Sigmoid()),
        )

    def forward(self, image):
        return self.main(image)


class CausalConv1d(nn.Conv1d):
    """Pads the past alone."""

    def forward(self, x):
        return super().forward(F.pad(x, (self.dilation[0] * (self.kernel_size[0] - 1), 0)))


class GatedUnit(nn.Module):
    def __init__(self, dilation):
        super().__init__()
        self.filter, self.gate = (nn.Conv1d(32, 32, 2, dilation=dilation) for _ in range(2))
        self.skip, self.dense = nn.Conv1d(32, 512, 1), nn.Conv1d(32, 32, 1)
        self.dilation = dilation

    def forward(self, x):
        past = F.pad(x, (self.dilation, 0))
        gated = torch.tanh(self.filter(past)) * torch.sigmoid(self.gate(past))
        return self.dense(gated) + x, self.skip(gated)


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.causal = CausalConv1d(256, 32, 2, bias=False)
        self.units = nn.ModuleList(GatedUnit(2 ** (i % 10)) for i in range(50))
        self.post1, self.post2 = nn.Conv1d(512, 512, 1), nn.Conv1d(512, 256, 1)

    def forward(self, x):
        x, skips = self.causal(x), 0
        for unit in self.units:
            x, skip = unit(x)
            skips = skips + skip
        return F.softmax(self.post2(F.relu(self.post1(F.relu(skips)))), dim=1)
