"""Models of every kind, as people write them: what is imported comes back from its code."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F


class DoubleConv(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.double_conv = nn.Sequential(
            nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )

    def forward(self, x):
        return self.double_conv(x)


class Up(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.up = nn.ConvTranspose2d(in_channels, in_channels // 2, 2, stride=2)
        self.conv = DoubleConv(in_channels, out_channels)

    def forward(self, x, skip):
        x = self.up(x)
        high, wide = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        x = F.pad(x, [wide // 2, wide - wide // 2, high // 2, high - high // 2])
        return self.conv(torch.cat([skip, x], dim=1))


class UNet(nn.Module):
    """An encoder in lists, and a decoder that reads it backwards."""

    input = (1, 36, 44)

    def __init__(self, widths=(8, 16, 32, 64)):
        super().__init__()
        self.inc = DoubleConv(1, widths[0])
        self.downs = nn.ModuleList(DoubleConv(a, b) for a, b in pairwise(widths))
        self.pool = nn.MaxPool2d(2)
        self.ups = nn.ModuleList(Up(b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.outc = nn.Conv2d(widths[0], 2, 1)

    def forward(self, x):
        skips = [self.inc(x)]
        for down in self.downs:
            skips.append(down(self.pool(skips[-1])))
        x = skips.pop()
        for up in self.ups:
            x = up(x, skips.pop())
        return self.outc(x)


class Residual(nn.Module):
    def __init__(self, in_channels, out_channels, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != out_channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(in_channels, out_channels, 1, stride, bias=False), nn.BatchNorm2d(out_channels)
            )

    def forward(self, x):
        out = F.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out)) + self.shortcut(x)
        return F.relu(out)


class ResNet(nn.Module):
    """A ResNet whose stages are lists of lists."""

    input = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(8)
        self.stages = nn.ModuleList()
        channels = 8
        for width, stride in ((8, 1), (16, 2), (32, 2)):
            self.stages.append(nn.ModuleList([Residual(channels, width, stride), Residual(width, width)]))
            channels = width
        self.fc = nn.Linear(channels, 10)

    def forward(self, x):
        x = F.relu(self.bn(self.stem(x)))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


class DenseLayer(nn.Module):
    def __init__(self, in_channels, growth):
        super().__init__()
        self.norm = nn.BatchNorm2d(in_channels)
        self.conv = nn.Conv2d(in_channels, growth, 3, padding=1, bias=False)

    def forward(self, features):
        return self.conv(F.relu(self.norm(torch.cat(features, 1))))


class DenseNet(nn.Module):
    """A DenseNet that keeps the list of what its layers gave."""

    input = (3, 16, 16)

    def __init__(self):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 8, 3, padding=1)
        self.block1 = nn.ModuleList(DenseLayer(8 + 4 * at, 4) for at in range(3))
        self.transition = nn.Sequential(nn.BatchNorm2d(20), nn.ReLU(), nn.Conv2d(20, 10, 1), nn.AvgPool2d(2))
        self.block2 = nn.ModuleList(DenseLayer(10 + 4 * at, 4) for at in range(3))
        self.classifier = nn.Linear(22, 10)

    def forward(self, x):
        features = [self.conv0(x)]
        for layer in self.block1:
            features.append(layer(features))
        features = [self.transition(torch.cat(features, 1))]
        for layer in self.block2:
            features.append(layer(features))
        return self.classifier(torch.cat(features, 1).mean((2, 3)))


class InvertedResidual(nn.Module):
    def __init__(self, in_channels, out_channels, stride, expand):
        super().__init__()
        hidden = in_channels * expand
        self.use_residual = stride == 1 and in_channels == out_channels
        layers = []
        if expand != 1:
            layers += [nn.Conv2d(in_channels, hidden, 1, bias=False), nn.BatchNorm2d(hidden), nn.ReLU6(inplace=True)]
        layers += [
            nn.Conv2d(hidden, hidden, 3, stride, 1, groups=hidden, bias=False),
            nn.BatchNorm2d(hidden),
            nn.ReLU6(inplace=True),
            nn.Conv2d(hidden, out_channels, 1, bias=False),
            nn.BatchNorm2d(out_channels),
        ]
        self.conv = nn.Sequential(*layers)

    def forward(self, x):
        return x + self.conv(x) if self.use_residual else self.conv(x)


class MobileNet(nn.Module):
    """Inverted residuals, with a shortcut where the shapes allow it."""

    input = (3, 32, 32)

    def __init__(self):
        super().__init__()
        features = [nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6(inplace=True))]
        for before, width, stride, expand in (
            (8, 8, 1, 1),
            (8, 12, 2, 6),
            (12, 12, 1, 6),
            (12, 16, 2, 6),
            (16, 16, 1, 6),
        ):
            features.append(InvertedResidual(before, width, stride, expand))
        self.features = nn.Sequential(*features)
        self.classifier = nn.Sequential(nn.Dropout(0.2), nn.Linear(16, 10))

    def forward(self, x):
        x = self.features(x)
        return self.classifier(F.adaptive_avg_pool2d(x, (1, 1)).flatten(1))


class Generator(nn.Module):
    """A generator from noise without space, as in DCGAN."""

    input = (16, 1, 1)

    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(16, 32, 4, 1, 0, bias=False), nn.BatchNorm2d(32), nn.ReLU(True),
            nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(True),
            nn.ConvTranspose2d(16, 3, 4, 2, 1, bias=False), nn.Tanh(),
        )  # fmt: skip

    def forward(self, noise):
        return self.main(noise)


class Branches(nn.Module):
    """Branches in a table, by words."""

    input = (3, 16, 16)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.branches = nn.ModuleDict(
            {
                "small": nn.Sequential(nn.Conv2d(8, 4, 1), nn.LeakyReLU(0.1)),
                "large": nn.Sequential(nn.Conv2d(8, 4, 5, padding=2), nn.LeakyReLU(0.1)),
                "pooled": nn.Sequential(nn.AvgPool2d(3, 1, 1), nn.Conv2d(8, 4, 1)),
            }
        )
        self.heads = nn.ModuleDict({"class": nn.Linear(12, 5), "box": nn.Linear(12, 4)})

    def forward(self, x):
        x = F.leaky_relu(self.stem(x), 0.1)
        x = torch.cat([branch(x) for branch in self.branches.values()], 1)
        x = x.mean((2, 3))
        return {name: head(x) for name, head in self.heads.items()}


class TwoStreams(nn.Module):
    """Two inputs of two sizes, joined."""

    input = {"image": (3, 32, 32), "depth": (1, 16, 16)}

    def __init__(self):
        super().__init__()
        self.image = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1))
        self.depth = nn.Sequential(nn.Conv2d(1, 8, 3, 1, 1), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1))
        self.head = nn.Conv2d(16, 4, 1)

    def forward(self, image, depth):
        image, depth = self.image(image), self.depth(depth)
        gate = torch.sigmoid(depth)
        return self.head(torch.cat([image * gate, depth], 1))


class Reader(nn.Module):
    """Columns of an image read one after the other."""

    input = (1, 16, 48)

    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 8, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, 1, 1),
            nn.ReLU(),
            nn.MaxPool2d((8, 1)),
        )
        self.rnn = nn.LSTM(16, 12, num_layers=2, bidirectional=True, batch_first=True)
        self.fc = nn.Linear(24, 30)

    def forward(self, x):
        x = self.cnn(x).squeeze(2).permute(0, 2, 1)
        x, _ = self.rnn(x)
        return self.fc(x)


class Siamese(nn.Module):
    """One tower for both inputs, and weights of the embedding tied to the head."""

    input = {"left": (1, 20, 20), "right": (1, 20, 20)}

    def __init__(self):
        super().__init__()
        self.tower = nn.Sequential(
            nn.Conv2d(1, 8, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(576, 24),
        )
        self.mirror = self.tower
        self.score = nn.Linear(24, 1)

    def forward(self, left, right):
        return torch.sigmoid(self.score(torch.abs(self.tower(left) - self.mirror(right))))


class Attend(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.heads, self.scale = heads, (dim // heads) ** -0.5
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        batch, positions, dim = x.shape
        qkv = self.qkv(x).reshape(batch, positions, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        weights = (q @ k.transpose(-2, -1) * self.scale).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(batch, positions, dim))


class Encoder(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim), Attend(dim, 4)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    """Attention over patches, with a class token and learned positions."""

    input = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 32, 8, 8)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, 32))
        self.pos_embed = nn.Parameter(torch.zeros(1, 17, 32))
        self.blocks = nn.ModuleList(Encoder(32) for _ in range(2))
        self.norm = nn.LayerNorm(32)
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + self.pos_embed
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Mixed(nn.Module):
    """torch's own attention, called with one tensor thrice."""

    input = (16, 10)

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(16)
        self.attn = nn.MultiheadAttention(16, 4, batch_first=True)
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = x.transpose(1, 2)
        y = self.norm(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return self.fc(x.mean(1))


class SegNet(nn.Module):
    """Unpooling by the pool's indices."""

    input = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.down1, self.down2 = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 16, 3, padding=1)
        self.pool, self.unpool = nn.MaxPool2d(2, 2, return_indices=True), nn.MaxUnpool2d(2, 2)
        self.up2, self.up1 = nn.Conv2d(16, 8, 3, padding=1), nn.Conv2d(8, 5, 3, padding=1)

    def forward(self, x):
        x, first = self.pool(F.relu(self.down1(x)))
        x, second = self.pool(F.relu(self.down2(x)))
        x = F.relu(self.up2(self.unpool(x, second)))
        return self.up1(self.unpool(x, first))


class LayerScale(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gamma = nn.Parameter(torch.full((dim,), 1e-5))

    def forward(self, x):
        return x * self.gamma


class LearnedNumbers(nn.Module):
    """Parameters of every shape that people give them: of positions, of channels, of heads, in a list, of one number."""

    input = (3, 16, 16)

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.pos_embed = nn.Parameter(torch.zeros(1, 16, 4, 4))
        self.gamma = nn.Parameter(torch.ones(16))
        self.offsets = nn.ParameterList(nn.Parameter(torch.zeros(shape)) for shape in ((16, 1, 1), (1, 16, 1, 1)))
        self.dist_token = nn.Parameter(torch.zeros(16))
        self.norm, self.ls = nn.LayerNorm(16), LayerScale(16)
        self.affine = nn.ParameterDict({"alpha": torch.ones(1, 1, 16), "beta": torch.zeros(17, 16)})
        self.temperature = nn.Parameter(torch.ones(4, 1, 1))
        self.gain = nn.Parameter(torch.ones(()))
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        x = self.patch(x) + self.pos_embed
        x = x * self.gamma.reshape(1, -1, 1, 1)
        for offset in self.offsets:
            x = x + offset
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x, self.dist_token.view(1, 1, -1).expand(len(x), -1, -1)], 1)
        x = x + self.ls(self.norm(x))
        x = self.affine["beta"] + self.affine["alpha"] * x
        heads = x.unflatten(2, (4, 4)).transpose(1, 2)
        weights = heads @ heads.transpose(-2, -1) * self.temperature
        x = (weights.softmax(-1) @ heads).transpose(1, 2).flatten(2)
        return self.fc(x.mean(1)) * self.gain


class BatchNormAct(nn.BatchNorm2d):
    """A norm that runs its activation itself, as timm's."""

    def __init__(self, channels):
        super().__init__(channels)
        self.drop, self.act = nn.Identity(), nn.SiLU(inplace=True)

    def forward(self, x):
        x = F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, False, 0.1, self.eps)
        return self.act(self.drop(x))


class Gate(nn.Module):
    def forward(self, x):
        return F.hardsigmoid(x)


class Pool(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(1), nn.Flatten(1)

    def forward(self, x):
        return self.flatten(self.pool(x))


class Unit(nn.Module):
    """Two activations by two names, a gate, and convolutions in a list that run with norms of another in between."""

    def __init__(self, channels):
        super().__init__()
        self.bn1 = BatchNormAct(channels)
        self.norm1, self.relu1 = nn.BatchNorm2d(channels), nn.ReLU()
        self.norm2, self.relu2 = nn.BatchNorm2d(channels), nn.ReLU()
        self.convs = nn.ModuleList(nn.Conv2d(channels // 2, channels // 2, 3, 1, 1, bias=False) for _ in range(2))
        self.bns = nn.ModuleList(nn.BatchNorm2d(channels // 2) for _ in range(2))
        self.squeeze, self.gate = nn.Conv2d(channels, channels, 1), Gate()

    def forward(self, x):
        x = self.relu2(self.norm2(self.relu1(self.norm1(self.bn1(x)))))
        parts = [bn(conv(part)) for conv, bn, part in zip(self.convs, self.bns, x.chunk(2, 1), strict=True)]
        x = torch.cat(parts, 1)
        return x * self.gate(self.squeeze(x.mean((2, 3), keepdim=True)))


class Mobile(nn.Module):
    """The ways of timm to name what has no weights."""

    input = (3, 16, 16)

    def __init__(self):
        super().__init__()
        self.conv_stem = nn.Conv2d(3, 8, 3, 2, 1, bias=False)
        self.bn1 = BatchNormAct(8)
        self.unit = Unit(8)
        self.global_pool = Pool()
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        return self.fc(self.global_pool(self.unit(self.bn1(self.conv_stem(x)))))


class Fused(Attend):
    """Attention by torch's one function."""

    def forward(self, x):
        batch, positions, dim = x.shape
        qkv = self.qkv(x).reshape(batch, positions, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        x = F.scaled_dot_product_attention(q, k, v)
        return self.proj(x.transpose(1, 2).reshape(batch, positions, dim))


class Plain(nn.Module):
    """Attention by one function, of its own scale in one layer."""

    input = (3, 16, 16)

    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 16, 4, 4)
        self.attn = Fused(16, 4)
        self.query = nn.Linear(16, 16)
        self.fc = nn.Linear(16, 3)

    def forward(self, x):
        x = self.attn(self.patch(x).flatten(2).transpose(1, 2))
        x = F.scaled_dot_product_attention(self.query(x), x, x, scale=0.3)
        return self.fc(x.mean(1))


class NextBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv_dw = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.fc1, self.act, self.fc2 = nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x):
        y = self.conv_dw(x).permute(0, 2, 3, 1)
        y = self.fc2(self.act(self.fc1(self.norm(y)))).permute(0, 3, 1, 2)
        return x + y.mul(self.gamma.reshape(1, -1, 1, 1))


class ConvNeXt(nn.Module):
    """Linear layers over channels, and a factor for each."""

    input = (3, 32, 32)

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 4, 4)
        self.stages = nn.Sequential(
            nn.Sequential(NextBlock(8), NextBlock(8)),
            nn.Conv2d(8, 16, 2, 2),
            nn.Sequential(NextBlock(16), NextBlock(16)),
        )
        self.fc = nn.Linear(16, 5)

    def forward(self, x):
        return self.fc(self.stages(self.stem(x)).mean((2, 3)))


class Places(nn.Module):
    """Learned places of a map that has the channels last, and learned rows in front of it."""

    input = (3, 14, 12)

    def __init__(self):
        super().__init__()
        self.proj = nn.Conv2d(3, 8, 2, stride=2)
        self.places = nn.Parameter(torch.zeros(1, 7, 6, 8))
        self.rows = nn.Parameter(torch.zeros(1, 2, 6, 8))
        self.norm = nn.LayerNorm(8)

    def forward(self, x):
        rows = self.rows.expand(len(x), -1, -1, -1)
        return self.norm(torch.cat([rows, self.proj(x).permute(0, 2, 3, 1) + self.places], 1))


class NamesakesOfInputs(nn.Module):
    """Inputs, functions and second calls that would have the names of modules with weights."""

    input = {"image": (3, 14, 12), "mask": (3, 14, 12)}

    def __init__(self):
        super().__init__()
        self.mask, self.add, self.mask_2 = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 8, 1), nn.Conv2d(8, 4, 1)

    def forward(self, image, mask):
        return self.mask_2(self.add(self.mask(image).relu() + self.mask(mask)))


KINDS = [
    UNet,
    ResNet,
    DenseNet,
    MobileNet,
    Generator,
    Branches,
    TwoStreams,
    Reader,
    Siamese,
    ViT,
    Mixed,
    SegNet,
    LearnedNumbers,
    Mobile,
    Plain,
    ConvNeXt,
    Places,
    NamesakesOfInputs,
]
