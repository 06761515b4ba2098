"""Models that rearrange, as people write them: attention by products of matrices, a score without axes."""

import torch
import torch.nn.functional as F
from torch import nn


class Encoder(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        split = self.qkv(self.norm1(x)).unflatten(2, (3, self.heads, -1))
        q, k, v = split.permute(0, 2, 3, 1, 4).unbind(1)
        weights = torch.softmax(q @ k.transpose(-2, -1) * 0.25, -1)
        x = x + self.proj((weights @ v).transpose(1, 2).flatten(2))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class VisionTransformer(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 8, 8)
        self.blocks = nn.Sequential(Encoder(width, 4), Encoder(width, 4))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).permute(0, 2, 1)
        return self.head(self.norm(self.blocks(tokens)).mean(1))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        downs = [
            (nn.Conv2d(c, 2 * c, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * c), nn.LeakyReLU(0.2)) for c in (8, 16, 32)
        ]
        first = nn.Conv2d(3, 8, 4, 2, 1, bias=False), nn.LeakyReLU(0.2)
        self.main = nn.Sequential(*first, *sum(downs, ()), nn.Conv2d(64, 1, 4, bias=False), nn.Sigmoid())

    def forward(self, x):
        y = self.main(x)
        if y.shape[1:] != (1, 1, 1):
            raise ValueError("view(-1, 1) would make samples of positions")
        return y.view(-1, 1).squeeze(1)
