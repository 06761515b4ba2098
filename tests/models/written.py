"""Models as people write them, each with a shape that enters; `MODELS` and `OPAQUE` have them by name."""

import torch
from torch import nn
from torch.nn import functional


class Double(nn.Sequential):
    def __init__(self, cin, cout):
        super().__init__(
            nn.Conv2d(cin, cout, 3, padding=1, bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
            nn.Conv2d(cout, cout, 3, padding=1, bias=False),
            nn.BatchNorm2d(cout),
            nn.ReLU(inplace=True),
        )


class UNet(nn.Module):
    """Pads what comes up to the sides of the skip."""

    def __init__(self, width=8):
        super().__init__()
        self.inc = Double(1, width)
        self.down1 = nn.Sequential(nn.MaxPool2d(2), Double(width, 2 * width))
        self.down2 = nn.Sequential(nn.MaxPool2d(2), Double(2 * width, 4 * width))
        self.up1 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.conv1 = Double(4 * width, 2 * width)
        self.up2 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.conv2 = Double(2 * width, width)
        self.outc = nn.Conv2d(width, 2, 1)

    @staticmethod
    def join(x, skip):
        dy, dx = skip.size(2) - x.size(2), skip.size(3) - x.size(3)
        x = functional.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return torch.cat([skip, x], dim=1)

    def forward(self, x):
        x1 = self.inc(x)
        x2 = self.down1(x1)
        x = self.join(self.up1(self.down2(x2)), x2)
        x = self.join(self.up2(self.conv1(x)), x1)
        return self.outc(self.conv2(x))


class Resized(nn.Module):
    """A segmentation head: resized to the input, two outputs by name."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1), nn.ReLU())
        self.head, self.aux = nn.Conv2d(16, 5, 1), nn.Conv2d(16, 5, 1)

    def forward(self, x):
        size = x.shape[-2:]
        y = self.body(x)
        out = functional.interpolate(self.head(y), size=size, mode="bilinear", align_corners=False)
        aux = functional.interpolate(self.aux(y), size=(y.shape[2] * 2, y.shape[3] * 2))
        return {"out": out, "aux": aux}


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(16, 64 * 4 * 4)
        self.net = nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, 2, 1),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.ConvTranspose2d(32, 3, 4, 2, 1),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.net(self.fc(z).view(-1, 64, 4, 4))


class CRNN(nn.Module):
    def __init__(self):
        super().__init__()
        self.cnn = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.AdaptiveAvgPool2d((1, None)),
        )
        self.rnn = nn.LSTM(32, 24, bidirectional=True)
        self.fc = nn.Linear(48, 11)

    def forward(self, x):
        x = self.cnn(x).squeeze(2).permute(2, 0, 1)
        x, _ = self.rnn(x)
        return self.fc(x).permute(1, 0, 2)


class LastState(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.gru, self.fc = nn.Conv1d(4, 8, 5, stride=2), nn.GRU(8, 12, batch_first=True), nn.Linear(12, 3)

    def forward(self, x):
        _, h = self.gru(self.conv(x).transpose(1, 2))
        return self.fc(h[-1])


class ChannelsLast(nn.Module):
    """A block of a ConvNeXt."""

    def __init__(self, dim=12):
        super().__init__()
        self.stem = nn.Conv2d(3, dim, 4, 4)
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.pwconv1, self.pwconv2 = nn.Linear(dim, 4 * dim), nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.ones(dim))
        self.head = nn.Linear(dim, 7)

    def forward(self, x):
        x = self.stem(x)
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(functional.gelu(self.pwconv1(y)))
        x = x + y.permute(0, 3, 1, 2)
        return self.head(x.mean([-2, -1]))


class Shuffled(nn.Module):
    """A unit of a ShuffleNet: split in two, joined and shuffled."""

    def __init__(self):
        super().__init__()
        self.conv, self.branch = nn.Conv2d(3, 16, 3, 2, 1), nn.Conv2d(8, 8, 3, padding=1, groups=8)

    def forward(self, x):
        x1, x2 = self.conv(x).chunk(2, dim=1)
        y = torch.cat((x1, functional.relu(self.branch(x2))), 1)
        n, c, h, w = y.size()
        return y.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)


class Gate(nn.Module):
    """Squeeze and excitation as it is often written, and what does nothing: + 0, dropout, an identity."""

    def __init__(self):
        super().__init__()
        self.conv, self.drop, self.skip = nn.Conv2d(3, 16, 3), nn.Dropout(0.0), nn.Identity()
        self.fc1, self.fc2 = nn.Linear(16, 4), nn.Linear(4, 16)

    def forward(self, x):
        x = self.skip(self.conv(x)) + 0
        b, c, _, _ = x.size()
        y = functional.adaptive_avg_pool2d(x, 1).view(b, c)
        y = torch.sigmoid(self.fc2(functional.relu(self.fc1(y)))).view(b, c, 1, 1)
        return self.drop(x * y.expand_as(x))


class SamePadded(nn.Module):
    """TensorFlow's padding, computed from the sides."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, stride=2)

    def forward(self, x):
        h, w = x.shape[-2:]
        ph, pw = (max((-(-side // 2) - 1) * 2 + 3 - side, 0) for side in (h, w))
        return self.conv(functional.pad(x, (pw // 2, pw - pw // 2, ph // 2, ph - ph // 2)))


class Tied(nn.Module):
    """The same convolution at two scales."""

    def __init__(self):
        super().__init__()
        self.head, self.pool = nn.Conv2d(3, 6, 3, padding=1), nn.MaxPool2d(2)

    def forward(self, x):
        return self.head(x), self.head(self.pool(x))


class Standardized(nn.Conv2d):
    """A convolution whose weight is computed, with a gain a filter."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.gain = nn.Parameter(torch.ones(self.out_channels, 1, 1, 1))

    def forward(self, x):
        weight = self.weight - self.weight.mean(dim=[1, 2, 3], keepdim=True)
        return functional.conv2d(x, weight * self.gain, self.bias, self.stride, self.padding)


class Frames(nn.Module):
    """Frames of a video, folded into the batch and out again."""

    def __init__(self):
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 8, 3, 2, 1), nn.Linear(8, 5)

    def forward(self, x):
        b, t, c, h, w = x.shape
        y = functional.relu(self.conv(x.reshape(b * t, c, h, w)))
        y = y.mean((2, 3)).view(b, t, -1)
        return self.fc(y.mean(1))


class Attends(nn.Module):
    """An attention over the positions of an image, in steps."""

    def __init__(self, dim=16, heads=4):
        super().__init__()
        self.heads = heads
        self.conv, self.norm = nn.Conv2d(3, dim, 4, 4), nn.LayerNorm(dim)
        self.qkv, self.proj = nn.Linear(dim, 3 * dim, bias=False), nn.Linear(dim, dim)

    def forward(self, x):
        x = self.conv(x).flatten(2).transpose(1, 2)
        b, n, c = x.shape
        q, k, v = self.qkv(self.norm(x)).reshape(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        weights = ((q @ k.transpose(-2, -1)) * 0.5).softmax(dim=-1)
        return x + self.proj((weights @ v).transpose(1, 2).reshape(b, n, c))


class Segments(nn.Module):
    """SegNet: what a pool found is put back."""

    def __init__(self):
        super().__init__()
        self.conv, self.pool, self.back = (
            nn.Conv2d(3, 6, 3, padding=1),
            nn.MaxPool2d(2, return_indices=True),
            nn.MaxUnpool2d(2),
        )

    def forward(self, x):
        y, indices = self.pool(self.conv(x))
        return self.back(y, indices)


class OneSided(nn.Module):
    """Rows and columns at the end alone, two at one end, and a module that resizes."""

    def __init__(self):
        super().__init__()
        self.zeros, self.conv = nn.ZeroPad2d((1, 2, 1, 2)), nn.Conv2d(3, 4, 2, stride=2)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")

    def forward(self, x):
        return self.up(self.conv(functional.pad(self.zeros(x), (0, 1, 0, 1))))


class Norm(nn.Module):
    """A batch norm that calls the function."""

    def __init__(self, channels):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("var", torch.ones(channels))

    def forward(self, x):
        return functional.batch_norm(x, self.mean, self.var, self.weight, self.bias, False, 0.1, 1e-5)


class TwoNorms(nn.Module):
    """Two norms that are alike, each of its own weights."""

    def __init__(self):
        super().__init__()
        self.one, self.other = Norm(3), Norm(3)

    def forward(self, x):
        return self.one(x) + self.other(x)


class Places(nn.Module):
    """A learned encoding of places, made of the shape alone: what is added to the input has nothing of it."""

    def __init__(self):
        super().__init__()
        self.proj, self.conv = nn.Conv2d(2, 6, 1), nn.Conv2d(3, 6, 3, padding=1)

    def forward(self, x):
        x = self.conv(x)
        grid = torch.zeros_like(x[:, :2])
        return x + self.proj(grid)


class Left(nn.Module):
    """The last of its convolutions runs, and nothing comes of it."""

    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3)

    def forward(self, x):
        x = self.one(x)
        self.other(x).relu()
        return x


OPAQUE = {"places": (Places, (3, 32, 32))}  # a layer of which is opaque
MODELS = {
    "one-sided": (OneSided, (3, 30, 30)),
    "left": (Left, (3, 16, 16)),
    "two norms": (TwoNorms, (3, 16, 16)),
    "unet": (UNet, (1, 64, 64)),
    "resized": (Resized, (3, 64, 48)),
    "generator": (Generator, (16,)),
    "crnn": (CRNN, (1, 32, 100)),
    "last state": (LastState, (4, 50)),
    "channels last": (ChannelsLast, (3, 64, 64)),
    "shuffled": (Shuffled, (3, 32, 32)),
    "gate": (Gate, (3, 32, 32)),
    "same padded": (SamePadded, (3, 32, 32)),
    "tied": (Tied, (3, 32, 32)),
    "standardized": (lambda: Standardized(3, 8, 3, padding=1), (3, 32, 32)),
    "frames": (Frames, (5, 3, 32, 32)),
    "attends": (Attends, (3, 32, 32)),
    "segments": (Segments, (3, 32, 32)),
    "volume": (
        lambda: nn.Sequential(nn.Conv3d(1, 4, 3), nn.MaxPool3d(2), nn.GroupNorm(2, 4), nn.Flatten(2)),
        (1, 12, 16, 20),
    ),
}
