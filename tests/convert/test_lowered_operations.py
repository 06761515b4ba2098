"""Operations as people write them, one small model each: a layer, or an opaque one, with the shapes that torch gives."""

from math import prod

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as people write it

import cnnshape


class Model(nn.Module):
    """A forward and the modules and tensors that it uses, by name."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.call = forward
        for name, part in parts.items():
            if isinstance(part, torch.Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, x):
        return self.call(self, x)


def learned(*shape):
    return nn.Parameter(torch.ones(shape))


def conv(**settings):
    return nn.Conv2d(4, 4, 3, padding=1, **settings)


def heads(m, x, mask=None):
    q = x.flatten(2).transpose(1, 2).view(1, -1, 2, 2).transpose(1, 2)
    y = F.scaled_dot_product_attention(q, q, q, attn_mask=mask)
    return m.conv(y.transpose(1, 2).flatten(2).transpose(1, 2).reshape(x.shape))


def frames(m, x):
    y = m.layer(x.flatten(0, 1))
    return y.view(1, -1, *y.shape[1:])


def unpooled(m, x):
    y, indices = m.pool(x)
    return m.back(m.conv(y), indices, output_size=x.shape)


def pixel_shuffled(m, x):
    n, c, h, w = x.shape
    return x.view(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, 2 * h, 2 * w)


def pixel_unshuffled(m, x):
    n, c, h, w = x.shape
    return x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 3, 5, 2, 4).reshape(n, c * 4, h // 2, w // 2)


def channels_shuffled(m, x):
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def cells_of_space(m, x):
    n, c, h, w, d = x.shape
    y = x.view(n, c // 8, 2, 2, 2, h, w, d).permute(0, 1, 5, 2, 6, 3, 7, 4)
    return y.reshape(n, c // 8, 2 * h, 2 * w, 2 * d)


def space_of_cells(m, x):
    n, c, h, w, d = x.shape
    y = x.view(n, c, h // 2, 2, w // 2, 2, d // 2, 2).permute(0, 1, 3, 5, 7, 2, 4, 6)
    return y.reshape(n, c * 8, h // 2, w // 2, d // 2)


def cropped(m, x):
    y = m.conv(x)
    return x[:, :, : y.shape[2]] + y


def cropped_in_the_middle(m, x):
    y = m.conv(x)
    start = (x.shape[2] - y.shape[2]) // 2
    return x[:, :, start : start + y.shape[2]] + y


def padded_as_tensorflow(m, x):
    ends = []
    for side in x.shape[:1:-1]:
        more = max((-(-side // 2) - 1) * 2 + 3 - side, 0)
        ends += [more // 2, more - more // 2]
    return m.layer(F.pad(x, ends))


def padded_like_a_skip(m, x):
    y = m.back(m.conv(x))
    h, w = x.shape[2] - y.shape[2], x.shape[3] - y.shape[3]
    return x + F.pad(y, (w // 2, w - w // 2, h // 2, h - h // 2))


IMAGE = (4, 8, 8)
LAYERS = {
    "one place": (lambda m, x: x[:, 0], {}, IMAGE),
    "select": (lambda m, x: x.select(1, 2), {}, IMAGE),
    "unbind": (lambda m, x: x.unbind(1)[1], {}, IMAGE),
    "narrow": (lambda m, x: m.conv(torch.cat([x.narrow(1, 0, 2), x.narrow(1, 2, 2)], 1)), {"conv": conv()}, IMAGE),
    "split": (lambda m, x: torch.cat(x.split([1, 3], 1)[::-1], dim=1), {}, IMAGE),
    "slices": (lambda m, x: x[:, 1:, ::2, 1:-1], {}, IMAGE),
    "the end": (lambda m, x: x[..., -3:], {}, IMAGE),
    "new axis": (lambda m, x: m.conv(x[:, None]), {"conv": nn.Conv3d(1, 2, 3)}, IMAGE),
    "exchanged": (lambda m, x: x.transpose(2, 3), {}, (4, 8, 6)),
    "turned twice": (lambda m, x: m.fc(x.t().t()), {"fc": nn.Linear(8, 3)}, (8,)),
    "squeezed": (lambda m, x: m.fc(x.mean((2, 3), keepdim=True).squeeze(-1).squeeze(-1)), {"fc": nn.Linear(4, 2)}, IMAGE),
    "deviation": (lambda m, x: x.std((2, 3)), {}, IMAGE),
    "largest": (lambda m, x: x.amax(1, keepdim=True), {}, IMAGE),
    "sum of rows": (lambda m, x: x.sum(dim=2), {}, IMAGE),
    "of a number": (lambda m, x: (1 - x) / 2 + (1 / (x + 3)) - 1, {}, IMAGE),
    "turned round": (lambda m, x: 0 - x, {}, IMAGE),
    "nothing": (lambda m, x: m.conv((x + 0) * 1 - 0), {"conv": conv()}, IMAGE),
    "square": (lambda m, x: x**2, {}, IMAGE),
    "by channel": (lambda m, x: x * m.gain, {"gain": learned(4, 1, 1)}, IMAGE),
    "of places": (lambda m, x: x.flatten(2).transpose(1, 2) + m.place, {"place": learned(1, 64, 4)}, IMAGE),
    "one number": (lambda m, x: x * m.gain, {"gain": learned(1)}, IMAGE),
    "one channel made four": (lambda m, x: x[:, :1] * m.gain, {"gain": learned(4, 1, 1)}, IMAGE),
    "concat of one": (lambda m, x: m.conv(torch.cat([x], 1)), {"conv": conv()}, IMAGE),
    "concat by words": (lambda m, x: torch.cat(tensors=[x, m.conv(x)], dim=1), {"conv": conv()}, IMAGE),
    "stack": (lambda m, x: torch.stack([x, m.conv(x)], 2), {"conv": conv()}, IMAGE),
    "stack by words": (lambda m, x: torch.stack(tensors=[x, m.conv(x)], dim=-1), {"conv": conv()}, IMAGE),
    "gram": (lambda m, x: x.flatten(2) @ x.flatten(2).transpose(1, 2), {}, IMAGE),
    "learned matrix": (lambda m, x: x @ m.matrix, {"matrix": learned(8, 5)}, (4, 6, 8)),
    "glu": (lambda m, x: F.glu(x, 1), {}, IMAGE),
    "glu module": (lambda m, x: m.glu(x), {"glu": nn.GLU(1)}, IMAGE),
    "softmax": (lambda m, x: F.softmax(m.conv(x), 1), {"conv": conv()}, IMAGE),
    "along rows": (lambda m, x: x.log_softmax(-1), {}, IMAGE),
    "prelu": (lambda m, x: m.act(x), {"act": nn.PReLU(4)}, IMAGE),
    "by function": (lambda m, x: F.linear(x, m.fc.weight, m.fc.bias), {"fc": nn.Linear(8, 3)}, (8,)),
    "norm of all": (lambda m, x: m.norm(x), {"norm": nn.LayerNorm(IMAGE)}, IMAGE),
    "norm of features": (lambda m, x: m.norm(x), {"norm": nn.LayerNorm(8)}, (8,)),
    "norm of tokens": (
        lambda m, x: m.norm(x.flatten(2).transpose(1, 2)).transpose(1, 2), {"norm": nn.LayerNorm(4)}, IMAGE,
    ),
    "group norm": (lambda m, x: m.norm(x.flatten(2)), {"norm": nn.GroupNorm(2, 4)}, IMAGE),
    "frames": (frames, {"layer": nn.Conv2d(4, 3, 3)}, (5, 4, 8, 8)),
    "frames normed": (frames, {"layer": nn.BatchNorm2d(4)}, (5, 4, 8, 8)),
    "no padding": (lambda m, x: m.conv(F.pad(x, (0, 0, 0, 0))), {"conv": conv()}, IMAGE),
    "reflected": (lambda m, x: F.pad(x, (1, 2, 1, 0), mode="reflect"), {}, IMAGE),
    "filled": (lambda m, x: F.pad(x, (1, 1), value=2.0), {}, IMAGE),
    "more channels": (lambda m, x: F.pad(x, (0, 0, 0, 0, 1, 1)), {}, IMAGE),
    "padding module": (lambda m, x: m.pad(x), {"pad": nn.ZeroPad2d(2)}, IMAGE),
    "to a multiple": (lambda m, x: F.pad(x, (0, -x.shape[3] % 4, 0, -x.shape[2] % 4)), {}, (4, 9, 10)),
    "twice as large": (lambda m, x: F.interpolate(x, scale_factor=2), {}, IMAGE),
    "to a number": (lambda m, x: F.interpolate(x, size=(16, 12), mode="bilinear", align_corners=False), {}, IMAGE),
    "back to the input": (
        lambda m, x: F.interpolate(m.conv(x), size=x.shape[2:]), {"conv": nn.Conv2d(4, 2, 3, stride=2)}, IMAGE,
    ),
    "twice by sides": (lambda m, x: F.interpolate(x, size=(2 * x.shape[2], 2 * x.shape[3])), {}, IMAGE),
    "lstm": (lambda m, x: m.rnn(x)[0], {"rnn": nn.LSTM(6, 5, batch_first=True)}, (10, 6)),
    "last state": (lambda m, x: m.rnn(x)[1][-1], {"rnn": nn.GRU(6, 5, batch_first=True)}, (10, 6)),
    "attention": (lambda m, x: m.att(x, x, x)[0], {"att": nn.MultiheadAttention(8, 2, batch_first=True)}, (10, 8)),
    "heads": (heads, {"conv": conv()}, IMAGE),
    "unpooled": (
        unpooled, {"pool": nn.MaxPool2d(2, return_indices=True), "back": nn.MaxUnpool2d(2), "conv": conv()}, IMAGE,
    ),
    "weights normed": (
        lambda m, x: m.conv(x), {"conv": nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 4, 3))}, IMAGE,
    ),
    "pixel shuffle": (pixel_shuffled, {}, (8, 8, 8)),
    "pixel unshuffle": (pixel_unshuffled, {}, IMAGE),
    "channel shuffle": (channels_shuffled, {}, IMAGE),
    "depth to space": (cells_of_space, {}, (16, 4, 6, 2)),
    "space to depth": (space_of_cells, {}, (2, 4, 6, 2)),
    "cropped": (cropped, {"conv": nn.Conv1d(4, 4, 2, stride=2)}, (4, 32)),
    "cropped in the middle": (cropped_in_the_middle, {"conv": nn.Conv1d(4, 4, 2, stride=2)}, (4, 32)),
    "same padding": (padded_as_tensorflow, {"layer": nn.Conv2d(4, 4, 3, stride=2)}, IMAGE),
    "same padding of a mean": (padded_as_tensorflow, {"layer": nn.AvgPool2d(3, stride=2)}, IMAGE),
    "padded like a skip": (
        padded_like_a_skip, {"conv": nn.Conv2d(4, 4, 3, stride=2), "back": nn.ConvTranspose2d(4, 4, 2)}, IMAGE,
    ),
    "frames enlarged": (frames, {"layer": nn.ConvTranspose2d(4, 3, 2, stride=2)}, (5, 4, 8, 8)),
    "dropout": (lambda m, x: m.conv(m.drop(x)), {"conv": conv(), "drop": nn.Dropout(0.3)}, IMAGE),
    "an axis of 1": (lambda m, x: m.conv(x.unsqueeze(1).mean(1)), {"conv": conv()}, IMAGE),
    "joined along a new axis": (lambda m, x: torch.cat([x.unsqueeze(1), m.conv(x).unsqueeze(1)], 1), {"conv": conv()}, IMAGE),
    "stacked parts": (
        lambda m, x: torch.stack([x.flatten(2), m.conv(x).flatten(2)], 1), {"conv": conv()}, IMAGE,
    ),
    "differs from a number": (lambda m, x: torch.rsub(x, 1), {}, IMAGE),
    "one number everywhere": (
        lambda m, x: F.interpolate(x.mean((2, 3), keepdim=True), size=x.shape[2:]), {}, IMAGE,
    ),
    "frames pooled": (frames, {"layer": nn.AdaptiveAvgPool2d(1)}, (5, 4, 8, 8)),
    "data": (lambda m, x: m.conv(x.data), {"conv": conv()}, IMAGE),
    "matrices turned": (lambda m, x: x.flatten(2) @ x.flatten(2).mT, {}, IMAGE),
    "transposed twice": (lambda m, x: m.fc(x.T.T), {"fc": nn.Linear(8, 3)}, (8,)),
    "features in front": (
        lambda m, x: m.fc(x.permute(0, 2, 3, 4, 5, 1)), {"fc": nn.Linear(4, 3)}, (4, 2, 3, 4, 5),
    ),
    "padded features of all": (lambda m, x: F.pad(x.unsqueeze(1), (0, 0, 0, 0, 1, 1)), {}, IMAGE),
    "spread and summed": (lambda m, x: m.conv(F.relu(x)).flatten(2).sum(-1), {"conv": conv()}, IMAGE),
    "frozen": (lambda m, x: m.conv(x), {"conv": conv().requires_grad_(requires_grad=False)}, IMAGE),
}  # fmt: skip
OPAQUE = {
    "turned": (lambda m, x: m.conv(x.flip(2)), {"conv": conv()}, IMAGE),
    "chosen": (lambda m, x: x[:, torch.tensor([0, 2])], {}, IMAGE),
    "by its mean": (lambda m, x: x / x.mean(), {}, IMAGE),
    "a number by it": (lambda m, x: 2 / x, {}, IMAGE),
    "larger of two": (lambda m, x: torch.maximum(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "a table": (lambda m, x: x + m.table, {"table": torch.ones(4, 1, 1)}, IMAGE),
    "token": (
        lambda m, x: torch.cat([m.token.expand(1, -1, -1), x.flatten(2).transpose(1, 2)], 1),
        {"token": learned(1, 1, 4)}, IMAGE,
    ),
    "stacked with a weight": (lambda m, x: torch.stack([x, m.same], 1), {"same": learned(1, 4, 8, 8)}, IMAGE),
    "matrix in front": (lambda m, x: m.matrix @ x, {"matrix": learned(5, 8)}, (4, 8, 6)),
    "along the batch": (lambda m, x: F.softmax(x, 0), {}, IMAGE),
    "slopes told": (lambda m, x: F.prelu(x, m.slopes), {"slopes": learned(4)}, IMAGE),
    "its own kernel": (lambda m, x: F.conv2d(x, x.mean((2, 3), keepdim=True)), {}, IMAGE),
    "norm of two axes": (lambda m, x: m.norm(x), {"norm": nn.LayerNorm((8, 8))}, IMAGE),
    "frames in groups": (frames, {"layer": nn.GroupNorm(2, 4)}, (5, 4, 8, 8)),
    "fewer channels": (lambda m, x: F.pad(x, (0, 0, 0, 0, -1, 0)), {}, IMAGE),
    "features padded": (lambda m, x: F.pad(x, (1, 1)), {}, (8,)),
    "states told": (
        lambda m, x: m.rnn(x, m.start)[0], {"rnn": nn.GRU(6, 5, batch_first=True), "start": torch.ones(1, 1, 5)}, (10, 6),
    ),
    "another sequence": (
        lambda m, x: m.att(x, x[:, :4], x[:, :4])[0], {"att": nn.MultiheadAttention(8, 2, batch_first=True)}, (10, 8),
    ),
    "differences": (lambda m, x: torch.diff(x), {}, IMAGE),
    "each twice": (lambda m, x: x.repeat_interleave(2, dim=2), {}, IMAGE),
    "spectrum": (lambda m, x: torch.fft.rfft(x).abs(), {}, IMAGE),
    "windows": (lambda m, x: F.unfold(x, 1), {}, IMAGE),
    "frames of volumes": (frames, {"layer": nn.Conv3d(4, 3, 3)}, (5, 4, 8, 8, 8)),
    "to a power": (lambda m, x: torch.pow(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "twice the other": (lambda m, x: torch.add(x, 3, alpha=2), {}, IMAGE),
    "matrix times a weight": (
        lambda m, x: x @ (m.matrix * m.gain), {"matrix": learned(8, 5), "gain": learned(5)}, (4, 6, 8),
    ),
    "mask of the input": (lambda m, x: heads(m, x, x.flatten(2).mT[:, None] @ x.flatten(2)[:, None]), {"conv": conv()}, IMAGE),
    "two weights": (lambda m, x: F.conv2d(x, m.one + m.other), {"one": learned(4, 4, 1, 1), "other": learned(4, 4, 1, 1)}, IMAGE),
    "put back elsewhere": (
        lambda m, x: m.back(x, m.places[:, :, : x.shape[2], : x.shape[3]]),
        {"back": nn.MaxUnpool2d(2), "places": torch.arange(256).view(1, 1, 16, 16)[:, :, ::2, ::2].repeat(1, 4, 1, 1)}, IMAGE,
    ),
    "padded by no rule": (lambda m, x: m.conv(F.pad(x, (x.shape[3] // 3, 0, 0, 0))), {"conv": conv()}, IMAGE),
    "spread over space": (lambda m, x: x.mean((2, 3), keepdim=True).expand_as(x) + x, {}, IMAGE),
    "of its own": (lambda m, x: x + m.same.expand_as(x), {"same": torch.ones(1, 4, 1, 1)}, IMAGE),
    "halves of rows": (lambda m, x: x.chunk(2, 2)[0], {}, IMAGE),
    "frames to a size": (frames, {"layer": nn.Upsample(size=(16, 16))}, (5, 4, 8, 8)),
    "to a third": (lambda m, x: F.interpolate(x, size=(x.shape[2] // 3, x.shape[3] // 3)), {}, IMAGE),
    "features repeated": (
        lambda m, x: m.fc(x.mean((2, 3), keepdim=True).expand_as(x)), {"fc": nn.Linear(8, 3)}, IMAGE,
    ),
    "angle": (lambda m, x: torch.atan2(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "learned mask": (lambda m, x: heads(m, x, m.mask), {"conv": conv(), "mask": learned(2, 64, 64)}, IMAGE),
}  # fmt: skip


def shapes_of(model, shape):
    with torch.no_grad():
        return tuple(model(torch.ones(1, *shape)).shape[1:])


def traced(case):
    forward, parts, shape = case
    model = Model(forward, **parts).eval()
    net = cnnshape.trace(model, shape)
    report = net.check()
    assert report.ok
    assert report.output == shapes_of(model, shape)
    assert report.parameters == sum(prod(weight.shape) for weight in model.parameters())
    return net, model


@pytest.mark.parametrize("name", LAYERS)
def test_an_operation_that_a_layer_type_says_is_that_layer(name):
    net, _ = traced(LAYERS[name])
    assert "opaque" not in {node.type for node in net.nodes}


@pytest.mark.parametrize("name", OPAQUE)
def test_an_operation_that_no_layer_type_says_is_opaque(name):
    net, _ = traced(OPAQUE[name])
    assert "opaque" in {node.type for node in net.nodes}


@pytest.mark.parametrize(
    "name",
    [
        "slices",
        "the end",
        "to a multiple",
        "back to the input",
        "twice by sides",
        "differences",
        "each twice",
        "pixel shuffle",
        "pixel unshuffle",
        "cropped",
        "cropped in the middle",
        "same padding",
        "same padding of a mean",
        "padded like a skip",
        "windows",
        "gram",
    ],
)
def test_sides_that_follow_the_input_do_so_at_another_size(name):
    net, model = traced((LAYERS | OPAQUE)[name])
    shape = (*net.inputs["input"][:1], *(14, 22)[: len(net.inputs["input"]) - 1])
    assert net.check(input=shape).output == shapes_of(model, shape)


def test_a_model_whose_result_has_nothing_of_its_input_is_refused():
    with pytest.raises(ValueError, match="is no network of layers: nothing"):
        cnnshape.trace(Model(lambda m, x: m.same * 2, same=learned(1, 4)), IMAGE)


def test_a_view_that_mixes_samples_is_a_problem_at_its_line():
    net = cnnshape.trace(Model(lambda m, x: m.fc(x.view(-1, 100)), fc=nn.Linear(100, 3)), IMAGE)
    with pytest.raises(RuntimeError):
        torch.ones(1, *IMAGE).view(-1, 100)
    problem = net.check().problems[0]
    assert problem.code == "elements-differ"
    assert problem.place.source.file.endswith("test_lowered_operations.py")


def test_a_call_that_torch_refuses_and_no_layer_type_says_is_one_problem():
    model = Model(lambda m, x: m.conv(torch.atan2(x, m.conv(x))), conv=nn.Conv2d(4, 4, 3))
    with pytest.raises(RuntimeError):
        model(torch.ones(1, *IMAGE))
    assert [problem.code for problem in cnnshape.trace(model, IMAGE).check().problems] == ["model-fails"]


def in_fours(m, x):
    if x.shape[2] % 4:
        raise ValueError("rows in fours, please")
    return m.conv(x)


def test_a_size_at_which_the_code_raises_is_refused_and_others_are_not():
    model = Model(in_fours, conv=conv())
    net = cnnshape.trace(model, IMAGE)
    for rows in (4, 6, 7, 12, 20):
        shape = (4, rows, 9)
        try:
            expected = shapes_of(model, shape)
        except ValueError:
            expected = None
        report = net.check(input=shape)
        assert (report.output if report.ok else None) == expected
