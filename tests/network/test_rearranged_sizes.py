"""The sizes of nets that rearrange: torch is asked at every size, and takes exactly those in the set."""

import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional as F  # noqa: N812 -- as everybody calls it

import cnnshape

MOST = 26  # rows and columns


def attention(x):
    tokens = x.flatten(2).permute(0, 2, 1)
    weights = torch.softmax(tokens @ x.flatten(2), -1)
    return F.linear(weights, torch.zeros(3, 36))


def halves(x):
    return torch.stack([F.max_pool2d(x, 2), F.avg_pool2d(x, 3, 2, 1)], 1)


def patches(x):
    return x.unflatten(3, (-1, 4)).unflatten(2, (-1, 4)).permute(0, 2, 4, 1, 3, 5).flatten(1, 2).sum((2, 4))


def image_of_tokens(x):
    small = F.max_pool2d(x, 3, stride=2)
    tokens = torch.cat([torch.zeros(1, 1, 4), small.flatten(2).mT], 1)
    return F.conv2d(tokens[:, 1:].mT.reshape(small.shape), torch.zeros(1, 4, 2, 3))


NETS = {
    "unflatten, like": (
        """{ name = "small", type = "max_pool", kernel_size = 3, stride = 2 },
        { type = "flatten", start_dim = 2 },
        { type = "permute", dims = [2, 1] },
        { type = "token", shape = [1, 4], dim = 1, before = true },
        { type = "slice", dim = 1, start = 1 },
        { type = "permute", dims = [2, 1] },
        { type = "unflatten", dim = 2, like = "small" },
        { type = "conv", in_channels = 4, out_channels = 1, kernel_size = [2, 3] }""",
        image_of_tokens,
    ),
    "unflatten, like a number": (
        """{ name = "twelve", type = "adaptive_avg_pool", output_size = [3, 4] },
        { name = "flat", type = "flatten", start_dim = 2, from = "input" },
        { type = "unflatten", dim = 2, like = "twelve" }""",
        lambda x: x.flatten(2).unflatten(2, (3, 4)),
    ),
    "crop, the end": (
        """{ name = "half", type = "max_pool", kernel_size = [2, 1] },
        { name = "end", type = "crop", like = "half", offset = "end", from = "input" },
        { type = "concat", from = ["half", "end"] },
        { type = "crop", size = [2, 3], offset = "end" }""",
        lambda x: torch.cat([F.max_pool2d(x, (2, 1)), x[:, :, -(x.shape[2] // 2) :]], 1)[:, :, -2:].narrow(3, x.shape[3] - 3, 3).narrow(2, 0, 2),
    ),
    "unflatten": ('{ type = "unflatten", dim = 3, unflattened_size = [-1, 4] }', lambda x: x.unflatten(3, (-1, 4))),
    "unflatten, all": ('{ type = "unflatten", dim = 2, unflattened_size = [3, 4] }', lambda x: x.unflatten(2, (3, 4))),
    "select": ('{ type = "select", dim = 2, index = 5 }', lambda x: x[:, :, 5]),
    "select, from the end": ('{ type = "select", dim = -1, index = -7 }', lambda x: x[..., -7]),
    "depth": ('{ type = "space_to_depth", block_size = 3 }', lambda x: F.pixel_unshuffle(x, 3)),
    "space": (
        '{ type = "depth_to_space", block_size = 2 }, { type = "linear", in_features = 24, out_features = 1 }',
        lambda x: F.linear(F.pixel_shuffle(x, 2), torch.zeros(1, 24)),
    ),
    "permute": (
        '{ type = "permute", dims = [3, 1, 2] }, { type = "conv", in_channels = 9, out_channels = 2, kernel_size = 3 }',
        lambda x: F.conv2d(x.permute(0, 3, 1, 2), torch.zeros(2, 9, 3, 3)),
    ),
    "reduce": (
        '{ type = "reduce", how = "mean", dim = 3 }, { type = "linear", in_features = 16, out_features = 1 }',
        lambda x: F.linear(x.mean(3), torch.zeros(1, 16)),
    ),
    "no axes": (
        '{ type = "conv", out_channels = 1, kernel_size = [7, 4] }, { type = "reshape", shape = [] }, "sigmoid"',
        lambda x: torch.sigmoid(F.conv2d(x, torch.zeros(1, 4, 7, 4))).reshape(1),
    ),
    "layer_norm": (
        '{ type = "layer_norm", over = "last", normalized_shape = 12 }', lambda x: F.layer_norm(x, (12,))
    ),
    "stack": (
        """{ name = "max", type = "max_pool", kernel_size = 2, from = "input" },
        { name = "mean", type = "avg_pool", kernel_size = 3, stride = 2, padding = 1, from = "input" },
        { type = "stack", dim = 1, from = ["max", "mean"] }""",
        halves,
    ),
    "matmul": (
        """{ name = "keys", type = "flatten", start_dim = 2 },
        { name = "queries", type = "permute", dims = [2, 1] },
        { type = "matmul", from = ["queries", "keys"] },
        { type = "softmax", dim = 2 },
        { type = "linear", in_features = 36, out_features = 3, allow = "linear-on-space" }""",
        attention,
    ),
    "div": (
        """{ name = "rows", type = "reduce", how = "sum", dim = 2, keepdim = true },
        { type = "div", from = ["input", "rows"] },
        { type = "space_to_depth", block_size = 2 }""",
        lambda x: F.pixel_unshuffle(x / x.sum(2, keepdim=True), 2),
    ),
    "patches": (
        """{ type = "unflatten", dim = 3, unflattened_size = [-1, 4] },
        { type = "unflatten", dim = 2, unflattened_size = [-1, 4] },
        { type = "permute", dims = [2, 4, 1, 3, 5] },
        { type = "flatten", start_dim = 1, end_dim = 2 },
        { type = "reduce", how = "sum", dim = [2, 4] }""",
        patches,
    ),
}  # fmt: skip


def at(size, **sides):
    """The value of a formula of the sides."""
    return size if isinstance(size, int) else eval(str(size).replace("/", "//"), {"floor": int, **sides})


@pytest.mark.parametrize("name", NETS)
def test_torch_takes_exactly_the_sizes_of_the_set(name):
    layers, function = NETS[name]
    square = MOST if name != "matmul" else 12
    net = cnnshape.loads(f'input = [4, 12, 12]\nallow = "linear-on-space"\nlayers = [{layers}]')
    sizes = net.valid_sizes()
    output = [*sizes.outputs.values()][-1]
    taken = 0
    for h in range(1, square + 1):
        for w in range(1, square + 1):
            try:
                y = function(torch.zeros(1, 4, h, w))
            except (RuntimeError, IndexError, ValueError):
                y = None
            report = net.check((4, h, w))
            assert ((h, w) in sizes) == report.ok == (y is not None), (h, w)
            if y is not None:
                taken += 1
                shape = tuple(y.shape[1:])
                assert report.output == shape == tuple(at(size, h=h, w=w) for size in output)
    assert taken > 0
