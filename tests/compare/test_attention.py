"""Attention as people write it, with torch's module or in steps, held against a file that has it as one layer."""

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import ADDS, DIFFERS, MISSES, compare, found, matched
from torch import nn

FILE = """
input = [3, 16, 16]
layers = [
  { name = "patch", type = "conv", out_channels = 24, kernel_size = 4, stride = 4 },
  { name = "look", type = "attention", num_heads = 4, over = [2, 3]SETTINGS },
  { name = "sum", type = "add", from = ["patch", "look"] },
  { name = "up", type = "conv", out_channels = 72, kernel_size = 1 },
  "gelu",
  { name = "down", type = "conv", out_channels = 24, kernel_size = 1 },
  "global_avg_pool",
  "flatten",
  { name = "head", type = "linear", out_features = 5 },
]
"""


def text(**settings):
    return FILE.replace("SETTINGS", "".join(f", {name} = {str(value).lower()}" for name, value in settings.items()))


class Hybrid(nn.Module):
    """Patches, attention between them, two linear layers."""

    def __init__(self, look, *, image=False):
        super().__init__()
        self.patch, self.look, self.image = nn.Conv2d(3, 24, 4, 4), look, image
        self.up, self.down, self.head = nn.Linear(24, 72), nn.Linear(72, 24), nn.Linear(24, 5)

    def forward(self, x):
        x = self.patch(x)
        if self.image:
            x = x + self.look(x)
        x = x.flatten(2).transpose(1, 2)
        if not self.image:
            x = x + self.look(x)
        return self.head(self.down(F.gelu(self.up(x))).mean(1))


class Steps(nn.Module):
    """As timm has it: a linear layer to queries, keys and values, products, a linear layer."""

    def __init__(self, heads=4, qkv_bias=True, width=24):
        super().__init__()
        self.heads, self.qkv, self.proj = heads, nn.Linear(24, 3 * width, bias=qkv_bias), nn.Linear(width, 24)
        self.drop = nn.Dropout(0.0)

    def split(self, x):
        return self.qkv(x).reshape(1, x.shape[1], 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)

    def product(self, q, k, v):
        weights = (q @ k.transpose(-2, -1)) * q.shape[-1] ** -0.5
        return self.drop(weights.softmax(dim=-1)) @ v

    def forward(self, x):
        read = self.product(*self.split(x))
        return self.drop(self.proj(read.transpose(1, 2).reshape(1, x.shape[1], -1)))


class Fused(Steps):
    def product(self, q, k, v):
        return F.scaled_dot_product_attention(q, k, v)


class Chunks(Fused):
    def split(self, x):
        return [part.view(1, -1, self.heads, 6).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1)]


class Three(nn.Module):
    """A linear layer each for queries, keys and values, and the heads in the batch."""

    def __init__(self, bias=True, **other):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(24, 24, bias=bias) for _ in range(4))
        for name, layer in other.items():
            setattr(self, name, layer)

    def forward(self, x):
        q, k, v = (part(x).view(1, -1, 4, 6).permute(0, 2, 1, 3).reshape(4, -1, 6) for part in (self.q, self.k, self.v))
        weights = torch.softmax(torch.bmm(q, k.transpose(1, 2)) / 6**0.5, dim=-1)
        return self.out(torch.bmm(weights, v).view(1, 4, -1, 6).transpose(1, 2).contiguous().view(x.shape))


class Cells(nn.Module):
    """Convolutions of single cells in place of linear layers."""

    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Conv2d(24, 72, 1), nn.Conv2d(24, 24, 1)

    def forward(self, x):
        q, k, v = self.qkv(x).reshape(1, 3, 4, 6, -1).unbind(1)
        return self.proj((v @ (q.transpose(-2, -1) @ k).softmax(-1).transpose(-2, -1)).reshape(x.shape))


class Torchs(nn.Module):
    def __init__(self, *, positions_first=False, turn=True, **settings):
        super().__init__()
        self.turn = positions_first and turn
        self.attention = nn.MultiheadAttention(24, 4, batch_first=not positions_first, **settings)

    def forward(self, x):
        x = x.transpose(0, 1) if self.turn else x
        y = self.attention(x, x, x, need_weights=False)[0]
        return y.transpose(0, 1) if self.turn else y


SAME = {
    "timm": (Steps(), {}),
    "timm, fused": (Fused(), {}),
    "chunks": (Chunks(), {}),
    "three": (Three(), {}),
    "without bias": (Three(bias=False), {"bias": False}),
    "torch": (Torchs(), {}),
    "torch, positions first": (Torchs(positions_first=True), {}),
    "torch without bias": (Torchs(bias=False), {"bias": False}),
    "timm without bias": (Fused(qkv_bias=False), {"qkv_bias": False}),
}


@pytest.mark.parametrize(("look", "settings"), SAME.values(), ids=SAME)
def test_ways_to_write_it_are_the_same(look, settings):
    comparison = compare(text(**settings), Hybrid(look))
    assert comparison.problems == ()
    assert matched(comparison)["look"] == ("look.attention" if isinstance(look, Torchs) else "look")


def test_an_image_has_it_in_convolutions():
    assert compare(text(), Hybrid(Cells(), image=True)).problems == ()


OTHERWISE = {
    "heads": (Steps(heads=2), "num_heads 4 in the file, but num_heads 2 in look"),
    "heads, fused": (Fused(heads=8), "num_heads 4 in the file, but num_heads 8 in look"),
    "bias": (
        Fused(qkv_bias=False),
        "qkv_bias, 2,400 parameters in the file, but no qkv_bias, 2,328 parameters in look",
    ),
    "over the batch": (
        Torchs(positions_first=True, turn=False),
        "over 16 positions in the file, but over the batch in look.attention",
    ),
}


@pytest.mark.parametrize(("look", "message"), OTHERWISE.values(), ids=OTHERWISE)
def test_another_setting_is_named(look, message):
    (problem,) = compare(text(), Hybrid(look)).problems
    assert (problem.code, problem.layer) == (DIFFERS, "look")
    assert message in problem.message


class OfChannels(Steps):
    """The features look at each other, not the positions."""

    def product(self, q, k, v):
        return (q.transpose(-2, -1) @ k).softmax(-1) @ v.transpose(-2, -1)

    def forward(self, x):
        return self.proj(self.product(*self.split(x)).transpose(-2, -1).transpose(1, 2).reshape(x.shape))


class Windows(Fused):
    """Four positions at a time."""

    def forward(self, x):
        q, k, v = (part.reshape(4, 4, 4, 6) for part in self.split(x))
        return self.proj(self.product(q, k, v).reshape(x.shape))


class Normed(Fused):
    """Queries and keys go through a norm with weights of its own."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6)

    def product(self, q, k, v):
        return super().product(self.norm(q), self.norm(k), v)


class Summed(Steps):
    def product(self, q, k, v):
        return q + k + v


class NoLinear(Steps):
    """Queries are the input itself."""

    def split(self, x):
        return x.view(1, 1, -1, 24), *super().split(x)[1:]


OTHERS = {
    "of the channels": OfChannels(heads=1),
    "in windows": Windows(),
    "with a norm inside": Normed(),
    "without softmax": Summed(),
    "narrow": Fused(width=12),
    "queries without weights": NoLinear(heads=1),
}


@pytest.mark.parametrize("look", OTHERS.values(), ids=OTHERS)
def test_what_is_no_attention_of_all_positions_is_not_taken_for_it(look):
    problems = found(compare(text(), Hybrid(look)))
    assert (MISSES, "look") in problems
    assert any(code == ADDS for code, _ in problems)


def test_two_of_three_linear_layers_that_read_something_else():
    class Cross(Three):
        def forward(self, x):
            other = x.flip(1)
            q, k, v = self.q(x), self.k(torch.relu(other)), self.v(torch.relu(other))
            return self.out(F.scaled_dot_product_attention(q, k, v))

    assert (MISSES, "look") in found(compare(text(), Hybrid(Cross())))


def test_without_an_attention_in_the_file_its_steps_are_layers_of_their_own():
    steps = """
    input = [3, 16, 16]
    layers = [
      { name = "patch", type = "conv", out_channels = 24, kernel_size = 4, stride = 4 },
      { name = "qkv", type = "conv", out_channels = 72, kernel_size = 1 },
      { name = "values", type = "slice", start = 48 },
      { name = "proj", type = "conv", out_channels = 24, kernel_size = 1 },
    ]
    """
    comparison = compare(steps, nn.Sequential(nn.Conv2d(3, 24, 4, 4), nn.Flatten(2), Turned(), Fused(), Turned()))
    assert {name: model for name, model in matched(comparison).items() if name != "values"} == {
        "patch": "0",
        "qkv": "3.qkv",
        "proj": "3.proj",
    }


class Turned(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


# torch's encoder is looked into


ENCODER = """
input = [3, 16, 16]
layers = [
  { name = "patch", type = "conv", out_channels = 24, kernel_size = 4, stride = 4 },
  { name = "tokens", type = "flatten", start_dim = 2 },
  { name = "look", type = "attention", num_heads = 4, over = 2 },
  "dropout",
  { name = "sum1", type = "add", from = ["tokens", "dropout1"] },
  { name = "norm1", type = "layer_norm", over = "channels" },
  { name = "up", type = "conv", out_channels = 72, kernel_size = 1 },
  "relu",
  "dropout",
  { name = "down", type = "conv", out_channels = 24, kernel_size = 1 },
  { name = "dropped", type = "dropout" },
  { name = "sum2", type = "add", from = ["norm1", "dropped"] },
  { name = "norm2", type = "layer_norm", over = "channels" },
  "global_avg_pool",
  "flatten",
  { name = "head", type = "linear", out_features = 5 },
]
""".replace('  "dropout",\n  { name = "sum1"', '  { name = "dropout1", type = "dropout" },\n  { name = "sum1"')


class Encoded(nn.Module):
    def __init__(self, *, batch_first, turn=True):
        super().__init__()
        self.patch, self.head, self.first = nn.Conv2d(3, 24, 4, 4), nn.Linear(24, 5), not batch_first and turn
        layer = nn.TransformerEncoderLayer(24, 4, 72, batch_first=batch_first)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x):
        x = self.patch(x).flatten(2)
        x = x.permute(2, 0, 1) if self.first else x.transpose(1, 2)
        return self.head(self.encoder(x).mean(0 if self.first else 1))


@pytest.mark.parametrize("batch_first", [True, False])
def test_an_encoder_of_torch_is_its_layers(batch_first):
    assert compare(ENCODER, Encoded(batch_first=batch_first)).problems == ()


def test_an_encoder_that_takes_the_batch_for_positions():
    (problem,) = compare(ENCODER, Encoded(batch_first=False, turn=False)).problems
    assert (problem.layer, "over the batch" in problem.message) == ("look", True)
