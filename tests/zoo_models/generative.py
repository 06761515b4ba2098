"""DCGAN, as the PyTorch tutorial has it, and WaveNet, with the widths of tensorflow-wavenet's wavenet_params.json."""

import torch
from torch import nn
from torch.nn import functional as F


def generator():
    layers = [nn.ConvTranspose2d(100, 512, 4, 1, 0, bias=False)]
    for i, o in ((512, 256), (256, 128), (128, 64)):
        layers += [nn.BatchNorm2d(i), nn.ReLU(), nn.ConvTranspose2d(i, o, 4, 2, 1, bias=False)]
    return nn.Sequential(*layers, nn.BatchNorm2d(64), nn.ReLU(), nn.ConvTranspose2d(64, 3, 4, 2, 1, bias=False))


def discriminator():
    layers = [nn.Conv2d(3, 64, 4, 2, 1, bias=False)]
    for i, o in ((64, 128), (128, 256), (256, 512)):
        layers += [nn.LeakyReLU(0.2), nn.Conv2d(i, o, 4, 2, 1, bias=False), nn.BatchNorm2d(o)]
    return nn.Sequential(*layers, nn.LeakyReLU(0.2), nn.Conv2d(512, 1, 4, 1, 0, bias=False))


class WaveNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.causal = nn.Conv1d(256, 32, 2, bias=False)
        self.dilations = [2**i for i in range(10)] * 5
        self.filters = nn.ModuleList([nn.Conv1d(32, 32, 2, dilation=d) for d in self.dilations])
        self.gates = nn.ModuleList([nn.Conv1d(32, 32, 2, dilation=d) for d in self.dilations])
        self.dense = nn.ModuleList([nn.Conv1d(32, 32, 1) for _ in self.dilations])
        self.skips = nn.ModuleList([nn.Conv1d(32, 512, 1) for _ in self.dilations])
        self.post = nn.Sequential(nn.ReLU(), nn.Conv1d(512, 512, 1), nn.ReLU(), nn.Conv1d(512, 256, 1))

    def forward(self, x):
        x = self.causal(F.pad(x, (1, 0)))
        total = 0
        for d, *layers in zip(self.dilations, self.filters, self.gates, self.dense, self.skips, strict=True):
            filters, gate, dense, skip = layers
            past = F.pad(x, (d, 0))
            z = torch.tanh(filters(past)) * torch.sigmoid(gate(past))
            total = total + skip(z)
            x = x + dense(z)
        return self.post(total)


MODELS = {
    "dcgan_generator": (generator, (100, 1, 1)),
    "dcgan_discriminator": (discriminator, (3, 64, 64)),
    "wavenet": (WaveNet, (256, 1600)),
}
