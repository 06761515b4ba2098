"""Operations as people write them, one small model each: a layer, or an opaque one, with the shapes that torch gives."""

import math
import warnings
from math import prod

import pytest

pytest.importorskip("torch")

import torch
from helpers.nets import whole
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as people write it

import cnnshape
from cnnshape.convert.imported import imported
from cnnshape.convert.moves import MOVES


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


def letters(m, x):
    one, other = x.flatten(2), m.conv(x).flatten(2)
    return torch.einsum("bnd, bcn -> bdc", torch.einsum("bcn,bdn->bcd", one, other), one.mT[:, :4])


def heads_by_letters(m, x):
    q = m.conv(x).flatten(2).transpose(1, 2).view(1, -1, 2, 2)
    weights = torch.einsum("bihd,bjhd->bhij", q, q).softmax(-1)
    return torch.einsum("bhij,bjhd->bihd", weights, q).flatten(2).mT.reshape(x.shape)


def shifted(m, x):
    """Turn scores of relative positions into those of absolute ones, for as many rows as there are."""
    rows = x.shape[2]
    assert rows == 7
    x = F.pad(F.pad(x.flatten(0, 1), (0, 1)).flatten(1), (0, rows - 1))
    return x.reshape(-1, rows + 1, 2 * rows - 1)[:, :rows, rows - 1 :].reshape(1, 4, rows, rows)


def deviations(m, x):
    """Divide by the standard deviation of each group of channels, as EvoNorm S0."""
    groups = x.reshape(len(x), 2, 2, *x.shape[2:])
    deviation = groups.var((2, 3, 4), unbiased=False, keepdim=True).add(1e-5).sqrt()
    return m.conv(x / deviation.expand(groups.shape).reshape(x.shape))


def shared_keys(m, x):
    """Attend with as many queries as there are heads, and a key and a value for two of these."""
    tokens = m.conv(x).flatten(2).transpose(1, 2)
    q, k, v = (part.unflatten(2, (-1, 2)).transpose(1, 2) for part in tokens.split([8, 4, 4], 2))
    k, v = (part.repeat_interleave(2, dim=1) for part in (k, v))
    return F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def one_query(m, x):
    """Attend in each of some windows with the same queries."""
    rows = m.conv(x).reshape(x.shape[1], -1, 2, x.shape[3]).permute(1, 2, 3, 0).flatten(1, 2)
    query = x.mean(2).transpose(1, 2).repeat_interleave(x.shape[2] // 2, dim=0)
    return (query @ rows.mT).softmax(-1).mean(0, keepdim=True)


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


def padded_more_before(m, x):
    ends = []
    for side in x.shape[:1:-1]:
        more = max((-(-side // 2) - 1) * 2 + 3 - side, 0)
        ends += [more - more // 2, more // 2]
    return m.layer(F.pad(x, ends))


def padded_by_numbers(m, x):
    y = m.back(m.conv(x))
    h, w = x.shape[2] - y.shape[2], x.shape[3] - y.shape[3]
    return x + F.pad(y, [int(w // 2), int(w - w // 2), int(h // 2), int(h - h // 2)])


def resized_by_numbers(m, x):
    return F.interpolate(m.conv(x), [int(x.shape[2]), int(x.shape[3])])


def groups(m, x):
    return x.view(x.shape[0], 2, -1, *x.shape[2:])


def weighed_groups(m, x):
    y = groups(m, x)
    return y * y.mean(2, keepdim=True)


def unshuffled_by_2_and_4(m, x):
    n, c, h, w = x.shape
    return x.view(n, c, h // 2, 2, w // 4, 4).permute(0, 1, 3, 5, 2, 4).reshape(n, c * 8, h // 2, w // 4)


def halves(m, x):
    n, c, h, w = x.shape
    y = x.view(n, c, 2, h // 2, 2, w // 2).permute(0, 1, 3, 5, 2, 4)
    return y.reshape(n, c * h // 2 * w // 2, 2, 2)


def sequence_and_end(m, x, time):
    steps, states = m.rnn(x)
    end = (states[0] if isinstance(states, tuple) else states)[-1]
    return torch.cat([m.end(end), m.step(steps).mean(time)], 1)


def softmax_of_no_axis(m, x):
    with warnings.catch_warnings(action="ignore"):
        return F.softmax(x)


def enlarged_by_2_and_4(m, x):
    n, c, h, w = x.shape
    return x.view(n, c // 8, 2, 4, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 8, 2 * h, 4 * w)


def window_of_half(m, x):
    m.pool.kernel_size = x.shape[2] // 2
    return m.pool(x)


def padded_like_a_skip(m, x):
    y = m.back(m.conv(x))
    h, w = x.shape[2] - y.shape[2], x.shape[3] - y.shape[3]
    return x + F.pad(y, (w // 2, w - w // 2, h // 2, h - h // 2))


IMAGE = (4, 8, 8)


def put_back(m, x):
    small, places = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(m.conv(small), places, 2, stride=2, output_size=x.size())


LAYERS = {
    "as a tensor": (lambda m, x: m.conv(torch.as_tensor(x)), {"conv": conv()}, IMAGE),
    "grey repeated for all channels": (lambda m, x: m.conv(x) + x.repeat(1, 4, 1, 1), {"conv": nn.Conv2d(1, 4, 3, padding=1)}, (1, 8, 8)),
    "channels of zeros": (
        lambda m, x: torch.cat([m.conv(x), torch.autograd.Variable(torch.zeros(x.size(0), 3, x.size(2), x.size(3))).to(x.device)], 1),
        {"conv": conv()}, IMAGE,
    ),
    "zeros before the first": (lambda m, x: m.conv(torch.cat([x.new_zeros(1, 4, 2), x], 2)), {"conv": nn.Conv1d(4, 2, 3)}, (4, 9)),
    "no tokens before the first": (
        lambda m, x: torch.cat([x[:, :0], m.fc(x[:, 0:])], 1) + torch.cat([x[:, :0], x, x[:, 9:]], 1), {"fc": nn.Linear(6, 6)}, (9, 6)
    ),
    "deviation of groups": (deviations, {"conv": conv()}, IMAGE),
    "keys for two heads each": (shared_keys, {"conv": nn.Conv2d(4, 16, 1)}, IMAGE),
    "one query for all windows": (one_query, {"conv": conv()}, IMAGE),
    "each twice": (lambda m, x: x.repeat_interleave(2, dim=2), {}, IMAGE),
    "halves of what is spread": (
        lambda m, x: F.glu(x.mean(1, keepdim=True).expand(-1, 4, -1, -1), 1), {}, IMAGE,
    ),
    "shifted row by row": (shifted, {}, (4, 7, 13)),
    "enlarged to the size before": (
        lambda m, x: m.up(m.conv(x), output_size=x.size()),
        {"conv": nn.Conv2d(4, 4, 3, stride=2, padding=1), "up": nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1)}, IMAGE,
    ),
    "gate by a window as high as the image": (
        lambda m, x: x * m.gate(F.avg_pool2d(x, x.size(2))), {"gate": nn.Conv2d(4, 4, 1)}, IMAGE
    ),
    "window as large as the image": (lambda m, x: m.gate(F.max_pool2d(x, x.shape[2:])), {"gate": nn.Conv2d(4, 2, 1)}, (4, 8, 18)),
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
    "windows": (lambda m, x: F.unfold(x, 1), {}, IMAGE),
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
    "same padding with more before": (padded_more_before, {"layer": nn.Conv2d(4, 4, 3, stride=2)}, IMAGE),
    "norm of rows": (lambda m, x: m.norm(x), {"norm": nn.LayerNorm(8)}, IMAGE),
    "softmax of channels": (lambda m, x: m.act(x), {"act": nn.Softmax2d()}, IMAGE),
    "glu of features": (lambda m, x: F.glu(x.flatten(1), 1), {}, IMAGE),
    "mean of groups": (lambda m, x: groups(m, x).mean(1), {}, IMAGE),
    "weighed groups": (weighed_groups, {}, IMAGE),
    "groups summed": (lambda m, x: groups(m, x) + groups(m, m.conv(x)), {"conv": conv()}, IMAGE),
    "groups joined": (lambda m, x: torch.cat([groups(m, x), groups(m, m.conv(x))], 1), {"conv": conv()}, IMAGE),
    "groups in one": (lambda m, x: m.conv(groups(m, x).flatten(1, 2)), {"conv": conv()}, IMAGE),
    "difference turned round": (lambda m, x: torch.rsub(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "one over it": (lambda m, x: torch.div(1, x), {}, IMAGE),
    "features joined": (lambda m, x: torch.cat([x.flatten(1), m.conv(x).flatten(1)], 1), {"conv": conv()}, IMAGE),
    "rows and columns": (lambda m, x: x.mean(3, keepdim=True) + x.mean(2, keepdim=True), {}, IMAGE),
    "halves of rows by themselves": (
        lambda m, x: torch.cat([m.conv(x[:, :, :4]), m.other(x[:, :, 4:])], 2), {"conv": conv(), "other": conv()}, IMAGE,
    ),
    "a token in front": (
        lambda m, x: m.att(*[torch.cat([x.mean(1, keepdim=True), x], 1)] * 3)[0],
        {"att": nn.MultiheadAttention(8, 2, batch_first=True)}, (10, 8),
    ),
    "attention of columns": (
        lambda m, x: m.att(*[x.transpose(1, 2).flatten(2)] * 3)[0],
        {"att": nn.MultiheadAttention(24, 2, batch_first=True)}, (4, 8, 6),
    ),
    "spread and convolved": (
        lambda m, x: m.conv(x.mean((2, 3), keepdim=True).expand(-1, -1, 8, 8)), {"conv": conv()}, IMAGE,
    ),
    "features shuffled": (lambda m, x: x.view(1, 2, 4).transpose(1, 2).reshape(1, 8), {}, (8,)),
    "unshuffled by two numbers": (unshuffled_by_2_and_4, {}, IMAGE),
    "enlarged by two numbers": (enlarged_by_2_and_4, {}, (8, 8, 8)),
    "places of halves": (halves, {}, IMAGE),
    "channels read as columns": (lambda m, x: x.reshape(1, x.shape[2], x.shape[3], 4), {}, IMAGE),
    "states of both directions": (
        lambda m, x: m.rnn(x)[1].transpose(0, 1).flatten(1),
        {"rnn": nn.GRU(6, 5, batch_first=True, bidirectional=True)}, (10, 6),
    ),
    "back to numbers of the input": (resized_by_numbers, {"conv": nn.Conv2d(4, 2, 3, stride=2)}, IMAGE),
    "sequence of cells padded": (lambda m, x: F.pad(x.flatten(2), (1, 1)), {}, IMAGE),
    "padded by numbers of a skip": (
        padded_by_numbers, {"conv": nn.Conv2d(4, 4, 3, stride=2), "back": nn.ConvTranspose2d(4, 4, 2)}, IMAGE,
    ),
    "last states of two layers": (
        lambda m, x: m.fc(torch.cat([m.rnn(x)[1][0][place] for place in (-2, 3)], 1)),
        {"rnn": nn.LSTM(6, 5, 2, batch_first=True, bidirectional=True), "fc": nn.Linear(10, 3)}, (10, 6),
    ),
    "states of zeros": (
        lambda m, x: m.rnn(x, (torch.zeros(2, x.shape[0], 5), torch.zeros(2, 1, 5, requires_grad=True)))[0],
        {"rnn": nn.LSTM(6, 5, batch_first=True, bidirectional=True)}, (10, 6),
    ),
    "states of noise": (
        lambda m, x: m.rnn(x, x.new_empty(1, 1, 5).normal_())[1][-1], {"rnn": nn.GRU(6, 5, batch_first=True)}, (10, 6),
    ),
    "sequence and last state": (
        lambda m, x: sequence_and_end(m, x.permute(2, 0, 1), 0),
        {"rnn": nn.GRU(6, 5, 2), "end": nn.Linear(5, 3), "step": nn.Linear(5, 3)}, (6, 10),
    ),
    "sequence and last state of both directions": (
        lambda m, x: sequence_and_end(m, x, 1),
        {"rnn": nn.LSTM(6, 5, batch_first=True, bidirectional=True), "end": nn.Linear(5, 3), "step": nn.Linear(10, 3)},
        (10, 6),
    ),
    "logit without its axis": (lambda m, x: m.fc(x).squeeze(1), {"fc": nn.Linear(8, 1)}, (8,)),
    "logits in a row": (lambda m, x: torch.sigmoid(m.fc(x)).view(-1), {"fc": nn.Linear(8, 1)}, (8,)),
    "cropped to the input": (
        lambda m, x: x + m.back(x)[:, :, 2 : 2 + x.shape[2], 2 : 2 + x.shape[3]],
        {"back": nn.ConvTranspose2d(4, 4, 4, stride=2)}, IMAGE,
    ),
    "products by letters": (letters, {"conv": conv()}, IMAGE),
    "products of heads by letters": (heads_by_letters, {"conv": conv()}, IMAGE),
    "cropped by two narrows": (
        lambda m, x: x + m.back(x).narrow(2, 2, x.shape[2]).narrow(3, 2, x.shape[3]),
        {"back": nn.ConvTranspose2d(4, 4, 4, stride=2)}, IMAGE,
    ),
    "pooled again for its places": (
        lambda m, x: m.back(m.pool(x), F.max_pool2d(x, 2, return_indices=True)[1], output_size=x.shape[2:]),
        {"pool": nn.MaxPool2d(2), "back": nn.MaxUnpool2d(2)}, IMAGE,
    ),
    "cropped in the middle of both": (
        lambda m, x: x + m.back(x)[:, :, (x.size(2) + 2) // 2 : (x.size(2) + 2) // 2 + x.size(2), (x.size(3) + 2) // 2 : (x.size(3) + 2) // 2 + x.size(3)],
        {"back": nn.ConvTranspose2d(4, 4, 4, stride=2)}, IMAGE,
    ),
    "a table": (lambda m, x: x + m.table, {"table": torch.ones(4, 1, 1)}, IMAGE),
    "token": (
        lambda m, x: torch.cat([m.token.expand(1, -1, -1), x.flatten(2).transpose(1, 2)], 1),
        {"token": learned(1, 1, 4)}, IMAGE,
    ),
    "learned mask": (lambda m, x: heads(m, x, m.mask), {"conv": conv(), "mask": learned(2, 64, 64)}, IMAGE),
    "tokens at both ends": (
        lambda m, x: torch.cat([m.one.expand(1, 1, -1), m.two + m.three, x, torch.zeros(1, 1, 8)], 1),
        {"one": learned(1, 1, 8), "two": learned(1, 1, 8), "three": learned(1, 1, 8)}, (10, 8),
    ),
    "constant channel": (lambda m, x: torch.cat([x, m.plane], 1), {"plane": torch.ones(1, 1, 8, 8)}, IMAGE),
    "standardised": (
        lambda m, x: m.conv((x - m.mean) / m.std),
        {"conv": conv(), "mean": torch.ones(1, 4, 1, 1), "std": torch.ones(1, 4, 1, 1)}, IMAGE,
    ),
    "picked from a table": (
        lambda m, x: x @ x.mT + m.table[m.index.view(-1)].view(8, 8, 4).permute(2, 0, 1),
        {"table": learned(15, 4), "index": torch.arange(64).view(8, 8) % 15}, IMAGE,
    ),
    "a table twice": (
        lambda m, x: x + m.table[m.index] + 2 * m.table[m.index], {"table": learned(3, 8, 8), "index": torch.tensor([0, 1, 2, 0])}, IMAGE,
    ),
    "a gain twice": (lambda m, x: m.conv(x * m.gain) * m.gain, {"conv": conv(), "gain": learned(1, 4, 1, 1)}, IMAGE),
    "bias of parts": (
        lambda m, x: F.linear(x, m.fc.weight, torch.cat([m.q, m.k, m.v])),
        {"fc": nn.Linear(8, 9, bias=False), "q": learned(3), "k": torch.zeros(3), "v": learned(3)}, (8,),
    ),
    "a buffer as a variable": (
        lambda m, x: m.conv(x * torch.autograd.Variable(m.gains)), {"conv": conv(), "gains": torch.ones(1, 4, 1, 1)}, IMAGE,
    ),
    "fixed bias": (lambda m, x: F.linear(x, m.fc.weight, m.b), {"fc": nn.Linear(8, 3, bias=False), "b": torch.ones(3)}, (8,)),
    "response norm": (
        lambda m, x: x + torch.addcmul(m.bias, m.weight, x * (x.norm(p=2, dim=(2, 3), keepdim=True) / 2)),
        {"bias": learned(1, 4, 1, 1), "weight": learned(1, 4, 1, 1)}, IMAGE,
    ),
    "sum and product": (lambda m, x: torch.addcmul(x, m.conv(x), x.mean((2, 3), keepdim=True)), {"conv": conv()}, IMAGE),
    "of length 1": (lambda m, x: F.normalize(m.conv(x), dim=1), {"conv": conv()}, IMAGE),
    "of length 1, at the end": (lambda m, x: F.normalize(x.flatten(2).mT, p=2.0, dim=-1, eps=1e-6), {}, IMAGE),
    "rolled": (lambda m, x: torch.roll(m.conv(x), (-1, 2), (2, 3)), {"conv": conv()}, IMAGE),
    "rolled by nothing": (lambda m, x: m.conv(x.roll(0, 1)).roll(shifts=3, dims=-1), {"conv": conv()}, IMAGE),
    "channels times places": (
        lambda m, x: m.conv(x).mean((2, 3), keepdim=True) * x.mean(1, keepdim=True), {"conv": conv()}, IMAGE,
    ),
    "places times channels": (
        lambda m, x: x.mean(1, keepdim=True) - m.conv(x).mean((2, 3), keepdim=True), {"conv": conv()}, IMAGE,
    ),
    "spread and joined": (lambda m, x: torch.cat([x, x.mean((2, 3), keepdim=True).expand_as(x)], 1), {}, IMAGE),
    "repeated and joined": (
        lambda m, x: torch.cat([m.conv(x), x.mean((2, 3))[:, :, None, None].repeat(1, 1, *m.conv(x).shape[2:])], 1),
        {"conv": nn.Conv2d(4, 5, 3)}, IMAGE,
    ),
    "deviation and mean": (
        lambda m, x: m.conv((x - torch.std_mean(x, (2, 3), keepdim=True)[1]) / torch.var_mean(x, dim=1, keepdim=True)[0]),
        {"conv": conv()}, IMAGE,
    ),
    "put back by a function, to a size": (put_back, {"conv": conv()}, IMAGE),
    "halved by numbers": (
        lambda m, x: F.interpolate(x, (x.size(2) // 2, x.size(3) // 2), mode="bilinear") + F.avg_pool2d(x, 2), {}, IMAGE,
    ),
    "padded behind a channel of its own": (
        lambda m, x: m.conv(F.pad(x[:, 1].unsqueeze(1), (1, 1, 1, 1), mode="replicate")), {"conv": nn.Conv2d(1, 2, 3)}, IMAGE,
    ),
    "all sizes named": (lambda m, x: m.pool(x).view(len(x), 4), {"pool": nn.AvgPool2d(5)}, IMAGE),
    "all sizes named, of a global pool": (lambda m, x: x.mean((2, 3), keepdim=True).reshape((-1, 4)), {}, IMAGE),
    "spread and flat": (lambda m, x: x.mean((2, 3), keepdim=True).expand_as(x).flatten(1), {}, IMAGE),
    "spread over space": (lambda m, x: x.mean((2, 3), keepdim=True).expand_as(x) + x, {}, IMAGE),
    "larger of two": (lambda m, x: torch.maximum(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "smaller of two": (lambda m, x: torch.min(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "larger than their mean": (lambda m, x: torch.max(m.conv(x), other=x.mean((2, 3), keepdim=True)), {"conv": conv()}, IMAGE),
    "largest of halves": (lambda m, x: torch.max(*x.chunk(2, 1)), {}, IMAGE),
    "resizing module": (lambda m, x: m.up(x), {"up": nn.Upsample(size=(16, 12))}, IMAGE),
}  # fmt: skip
OPAQUE = {
    "repeated as a whole": (
        lambda m, x: m.gate(x[:, None].expand(-1, 2, -1, -1, -1).reshape(1, 8, *x.shape[2:])), {"gate": nn.Conv2d(8, 2, 1)}, IMAGE
    ),
    "norm by no number": (lambda m, x: m.norm(x), {"norm": nn.BatchNorm2d(4, eps=math.nan)}, IMAGE),
    "no number": (lambda m, x: x * math.nan, {}, IMAGE),
    "stride of more than 32 bits": (lambda m, x: m.conv(x), {"conv": nn.Conv2d(4, 4, 1, stride=2**31)}, IMAGE),
    "slope that is no number": (lambda m, x: F.leaky_relu(x, math.nan), {}, IMAGE),
    "turned": (lambda m, x: m.conv(x.flip(2)), {"conv": conv()}, IMAGE),
    "chosen": (lambda m, x: x[:, torch.tensor([0, 2])], {}, IMAGE),
    "by its mean": (lambda m, x: x / x.mean(), {}, IMAGE),
    "a number by it": (lambda m, x: 2 / x, {}, IMAGE),
    "larger than a weight": (lambda m, x: torch.max(x, m.least), {"least": learned(1, 4, 1, 1)}, IMAGE),
    "stacked with a weight": (lambda m, x: torch.stack([x, m.same], 1), {"same": learned(1, 4, 8, 8)}, IMAGE),
    "matrix in front": (lambda m, x: m.matrix @ x, {"matrix": learned(5, 8)}, (4, 8, 6)),
    "along the batch": (lambda m, x: F.softmax(x, 0), {}, IMAGE),
    "slopes told": (lambda m, x: F.prelu(x, m.slopes), {"slopes": learned(4)}, IMAGE),
    "its own kernel": (lambda m, x: F.conv2d(x, x.mean((2, 3), keepdim=True)), {}, IMAGE),
    "norm of two axes": (lambda m, x: m.norm(x), {"norm": nn.LayerNorm((8, 8))}, IMAGE),
    "frames in groups": (frames, {"layer": nn.GroupNorm(2, 4)}, (5, 4, 8, 8)),
    "fewer channels": (lambda m, x: F.pad(x, (0, 0, 0, 0, -1, 0)), {}, IMAGE),
    "cells told by a tensor": (lambda m, x: F.pad(x, (m.cells, 0)), {"cells": torch.tensor(1)}, IMAGE),
    "deviation and mean of all": (lambda m, x: x - torch.std_mean(x)[1], {}, IMAGE),
    "features padded": (lambda m, x: F.pad(x, (1, 1)), {}, (8,)),
    "states told": (
        lambda m, x: m.rnn(x, m.start)[0], {"rnn": nn.GRU(6, 5, batch_first=True), "start": torch.ones(1, 1, 5)}, (10, 6),
    ),
    "another sequence": (
        lambda m, x: m.att(x, x[:, :4], x[:, :4])[0], {"att": nn.MultiheadAttention(8, 2, batch_first=True)}, (10, 8),
    ),
    "differences": (lambda m, x: torch.diff(x), {}, IMAGE),
    "spectrum": (lambda m, x: torch.fft.rfft(x).abs(), {}, IMAGE),
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
    "of its own": (lambda m, x: x + m.same.expand_as(x), {"same": torch.ones(1, 4, 1, 1)}, IMAGE),
    "halves of rows": (lambda m, x: x.chunk(2, 2)[0], {}, IMAGE),
    "frames to a size": (frames, {"layer": nn.Upsample(size=(16, 16))}, (5, 4, 8, 8)),
    "to a third": (lambda m, x: F.interpolate(x, size=(x.shape[2] // 3, x.shape[3] // 3)), {}, IMAGE),
    "features repeated": (
        lambda m, x: m.fc(x.mean((2, 3), keepdim=True).expand_as(x)), {"fc": nn.Linear(8, 3)}, IMAGE,
    ),
    "angle": (lambda m, x: torch.atan2(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "padded by no rule, no other": (
        lambda m, x: m.conv(F.pad(x, (x.shape[3] // 3, 0, 0, 0))), {"conv": nn.Conv2d(4, 4, 3)}, IMAGE,
    ),
    "padded by no rule, and returned": (lambda m, x: F.pad(x, (x.shape[3] // 3, 0, 0, 0)), {}, IMAGE),
    "padded by no rule, and relu": (lambda m, x: F.relu(F.pad(x, (x.shape[3] // 3, 0, 0, 0))), {}, IMAGE),
    "frames padded by no rule": (
        lambda m, x: F.pad(x.flatten(0, 1), (x.shape[4] // 3, 0)).view(1, 5, 4, 8, -1), {}, (5, 4, 8, 8),
    ),
    "channels padded by no rule": (lambda m, x: F.pad(x, (0, 0, 0, 0, 0, x.shape[2] - 1)), {}, IMAGE),
    "one number padded": (lambda m, x: F.pad(x[:, 0], (1, 0)).unsqueeze(0), {}, (8,)),
    "pairs of features": (lambda m, x: m.pair(x, x), {"pair": nn.Bilinear(8, 8, 3)}, (8,)),
    "softmax of no axis": (softmax_of_no_axis, {}, (8,)),
    "linear of one number": (lambda m, x: m.fc(x[:, 0]).unsqueeze(0), {"fc": nn.Linear(1, 3)}, (8,)),
    "at least the other": (lambda m, x: torch.clamp(x, m.conv(x)), {"conv": conv()}, IMAGE),
    "features made a table": (lambda m, x: x * m.gains, {"gains": learned(1, 4, 8)}, (8,)),
    "one sample made five": (lambda m, x: (x + m.queries).mean(0, keepdim=True), {"queries": learned(5, 8)}, (8,)),
    "numbers of a sample": (
        lambda m, x: (x.mean((1, 2, 3)) * x.amax((1, 2, 3))).view(1, 1), {}, IMAGE,
    ),
    "joined in the batch": (
        lambda m, x: torch.cat([x, m.conv(x)], 0).mean(0, keepdim=True), {"conv": conv()}, IMAGE,
    ),
    "learned queries": (
        lambda m, x: F.scaled_dot_product_attention(m.queries.expand(1, -1, -1), x, x), {"queries": learned(1, 5, 8)}, (10, 8),
    ),
    "attention by rows": (
        lambda m, x: m.att(*[x.permute(0, 2, 3, 1).flatten(0, 1)] * 3)[0].view(1, 8, 8, 4),
        {"att": nn.MultiheadAttention(4, 2, batch_first=True)}, IMAGE,
    ),
    "sequence by frames": (
        lambda m, x: m.rnn(x.flatten(0, 1))[0].view(1, 5, 10, -1), {"rnn": nn.LSTM(6, 4, batch_first=True)}, (5, 10, 6),
    ),
    "learned states": (
        lambda m, x: m.rnn(x.flatten(2).transpose(1, 2), m.start)[0],
        {"rnn": nn.GRU(4, 5, batch_first=True), "start": learned(1, 1, 5)}, IMAGE,
    ),
    "states that are computed": (
        lambda m, x: m.rnn(x.flatten(2).transpose(1, 2), x.mean((2, 3)).unsqueeze(0))[0],
        {"rnn": nn.GRU(4, 4, batch_first=True)}, IMAGE,
    ),
    "every second of fewer": (
        lambda m, x: x[:, :, : m.conv(x).shape[2] : 2] + m.conv.bias.sum(), {"conv": nn.Conv2d(4, 4, 3, stride=2)}, IMAGE,
    ),
    "linear of one logit": (
        lambda m, x: m.fc(m.logit(x).squeeze(1)).unsqueeze(0), {"logit": nn.Linear(8, 1), "fc": nn.Linear(1, 3)}, (8,),
    ),
    "window of half": (window_of_half, {"pool": nn.AvgPool2d(2)}, IMAGE),
    "grid enlarged": (
        lambda m, x: m.up(torch.ones(1, 2, x.shape[2] // 2, x.shape[3] // 2)) + x,
        {"up": nn.ConvTranspose2d(2, 4, 2, stride=2)}, IMAGE,
    ),
    "grid through two layers": (
        lambda m, x: m.two(m.one(torch.ones(1, 2, *x.shape[2:]))) + x,
        {"one": nn.Conv2d(2, 3, 1), "two": nn.Conv2d(3, 4, 1)}, IMAGE,
    ),
    "weights of another dilation": (
        lambda m, x: m.conv(x) + F.conv2d(x, m.conv.weight, m.conv.bias, padding=2, dilation=2), {"conv": conv()}, IMAGE,
    ),
    "place of the largest": (lambda m, x: m.conv(x).max(1)[1], {"conv": conv()}, IMAGE),
    "largest and its place": (lambda m, x: sum(m.conv(x).max(1)), {"conv": conv()}, IMAGE),
    "the five largest": (lambda m, x: x.flatten(1).topk(5).values, {}, IMAGE),
    "cell": (lambda m, x: m.rnn(x)[1][1][0], {"rnn": nn.LSTM(6, 5, batch_first=True)}, (10, 6)),
    "state of the first layer": (lambda m, x: m.rnn(x)[1][0], {"rnn": nn.GRU(6, 5, 2, batch_first=True)}, (10, 6)),
    "states of all layers": (
        lambda m, x: m.rnn(x)[1].transpose(0, 1), {"rnn": nn.GRU(6, 5, 2, batch_first=True)}, (10, 6),
    ),
    "linear of one row": (lambda m, x: F.linear(m.fc(x), m.row), {"fc": nn.Linear(8, 4), "row": learned(4)}, (8,)),
    "square": (
        lambda m, x: m.conv(F.pad(x, (0, max(x.shape[2:]) - x.shape[3], 0, max(x.shape[2:]) - x.shape[2]))), {"conv": conv()}, IMAGE,
    ),
    "product of three": (
        lambda m, x: torch.einsum("bcn,bdn,ben->bcde", *[x.flatten(2)] * 3), {}, IMAGE,
    ),
    "outer product": (lambda m, x: torch.einsum("bc,bd->bcd", x, x), {}, (8,)),
    "sum by letters": (lambda m, x: torch.einsum("bchw->bc", x), {}, IMAGE),
    "divided by it": (lambda m, x: m.gain / x, {"gain": learned(1, 4, 1, 1)}, IMAGE),
    "of length 1 by another norm": (lambda m, x: F.normalize(x, p=1.0), {}, IMAGE),
    "rolled as one row": (lambda m, x: x.roll(1), {}, IMAGE),
    "three times the product": (lambda m, x: torch.addcmul(x, m.conv(x), x, value=3), {"conv": conv()}, IMAGE),
    "token between": (lambda m, x: torch.cat([x, m.token, x], 1), {"token": learned(1, 1, 8)}, (10, 8)),
    "coordinates": (
        lambda m, x: m.conv(torch.cat([x, torch.arange(x.shape[2]).view(1, 1, -1, 1).expand(1, 1, -1, x.shape[3])], 1)),
        {"conv": nn.Conv2d(5, 4, 3)}, IMAGE,
    ),
    "bias of two": (
        lambda m, x: F.conv2d(x, m.weight, m.bias * m.gain),
        {"weight": learned(4, 4, 1, 1), "bias": learned(4), "gain": learned(4)}, IMAGE,
    ),
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
    assert whole(cnnshape.loads(cnnshape.dumps(net)))[1:] == whole(net)[1:]
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
        "grey repeated for all channels",
        "channels of zeros",
        "zeros before the first",
        "enlarged to the size before",
        "gate by a window as high as the image",
        "window as large as the image",
        "slices",
        "the end",
        "standardised",
        "response norm",
        "of length 1",
        "rolled",
        "channels times places",
        "coordinates",
        "cropped to the input",
        "cropped by two narrows",
        "pooled again for its places",
        "cropped in the middle of both",
        "place of the largest",
        "largest and its place",
        "the five largest",
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
        "same padding with more before",
        "softmax of channels",
        "glu of features",
        "enlarged by two numbers",
        "mean of groups",
        "groups in one",
        "difference turned round",
        "features joined",
        "rows and columns",
        "places of halves",
        "back to numbers of the input",
        "sequence of cells padded",
        "padded by numbers of a skip",
        "resizing module",
        "grid enlarged",
        "grid through two layers",
        "weights of another dilation",
        "spread and joined",
        "repeated and joined",
        "halved by numbers",
        "put back by a function, to a size",
        "padded behind a channel of its own",
        "learned states",
        "states that are computed",
    ],
)
def test_sides_that_follow_the_input_do_so_at_another_size(name):
    net, model = traced((LAYERS | OPAQUE)[name])
    shape = (*net.inputs["input"][:1], *(14, 22)[: len(net.inputs["input"]) - 1])
    assert net.check(input=shape).output == shapes_of(model, shape)


def test_a_view_that_names_all_sizes_refuses_others_as_torch_does():
    net, model = traced(LAYERS["all sizes named"])
    assert not net.check(input=(4, 16, 16)).ok
    with pytest.raises(RuntimeError, match="invalid for input"):
        model(torch.ones(1, 4, 16, 16))


def test_what_we_lower_wrongly_is_opaque_and_said(monkeypatch):
    def fails(net, ops):
        raise KeyError("nothing")

    monkeypatch.setitem(MOVES, "flip", fails)
    with pytest.warns(RuntimeWarning, match=r"flip is opaque by a mistake of cnnshape: KeyError\('nothing'\)"):
        net, _ = traced(OPAQUE["turned"])
    assert [node.type for node in net.nodes] == ["opaque", "conv"]


def test_a_setting_that_torch_refuses_is_a_problem_of_the_model():
    model = Model(lambda m, x: m.norm(m.conv(x)), conv=conv(), norm=nn.BatchNorm2d(4, eps=-1.0)).eval()
    with pytest.raises(ValueError, match="eps must be non-negative"):
        model(torch.ones(1, *IMAGE))
    assert [problem.code for problem in cnnshape.trace(model, IMAGE).check().problems] == ["model-fails"]


@pytest.mark.parametrize("part", [lambda m, x: x[:, 4:], lambda m, x: torch.cat([x, m.conv(x[:, 4:, :, :])], 1)])
def test_a_part_without_elements_is_refused_at_its_line(part):
    model = Model(part, conv=conv())
    with pytest.raises(ValueError, match=r"gives no elements, 0x8x8 \(test_lowered_operations.py:\d+\)"):
        cnnshape.trace(model, IMAGE)


def test_a_model_whose_result_has_nothing_of_its_input_is_refused():
    with pytest.raises(ValueError, match="is no network of layers: nothing"):
        cnnshape.trace(Model(lambda m, x: m.same * 2, same=learned(1, 4)), IMAGE)


@pytest.mark.parametrize(
    "behind",
    [
        lambda y: y.view(-1, 6),
        lambda y: y.view(-1),
        lambda y: F.glu(y, 0),
    ],
)
def test_what_is_behind_a_view_that_mixes_samples_is_no_problem_of_its_own(behind):
    model = Model(lambda m, x: behind(m.fc(x.view(-1, 64))), fc=nn.Linear(64, 3))
    problems = cnnshape.trace(model, IMAGE).check().problems
    assert [(problem.code, problem.layer) for problem in problems] == [("elements-differ", "reshape")]


def by_place(m, x):
    return m.fc(m.conv(x).permute(0, 2, 3, 1).reshape(-1, 4))


def frames(m, x):
    return m.conv(x.flatten(0, 1))


@pytest.mark.parametrize(
    ("forward", "shape"),
    [
        (by_place, (4, 6, 8)),  # logits, a sample for each place
        (lambda m, x: (m.conv(x), by_place(m, x)), (4, 6, 8)),
        (lambda m, x: m.fc(m.lstm(x)[0].reshape(-1, 4)), (7, 3)),  # a sample for each word
        (frames, (5, 4, 6, 8)),
    ],
)
def test_samples_that_are_places_or_frames_are_no_fault(forward, shape):
    parts = {"conv": conv(), "lstm": nn.LSTM(3, 4, batch_first=True), "fc": nn.Linear(4, 3)}
    found = imported(Model(forward, **parts).eval(), shape, "model")
    outputs = Model(forward, **parts)(torch.ones(1, *shape))
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    shapes = [tuple(each.shape[1:] if each.shape[0] == 1 else each.shape) for each in outputs]
    assert [*found.net.check().outputs.values()] == shapes
    assert found.differences == ()


@pytest.mark.parametrize("behind", [lambda m, x: x, lambda m, x: m.norm(x).relu()])
def test_places_that_are_taken_for_features_are_a_fault(behind):
    parts = {"conv": nn.Conv1d(4, 4, 3), "norm": nn.BatchNorm1d(4), "fc": nn.Linear(400, 3)}
    model = Model(lambda m, x: m.fc(behind(m, m.conv(x)).view(-1, 400)), **parts).eval()
    assert len(model(torch.ones(1, 4, 402))) == 4
    assert [problem.code for problem in cnnshape.trace(model, (4, 402)).check().problems] == ["elements-differ"]


def quantized(m, x):
    """Return the nearest of learned vectors at each place, and the loss, as VQ-VAE."""
    places = x.permute(0, 2, 3, 1).contiguous()
    flat = places.view(-1, 4)
    distances = (flat**2).sum(1, keepdim=True) + (m.code.weight**2).sum(1) - 2 * flat @ m.code.weight.t()
    chosen = distances.argmin(1).unsqueeze(1)
    one_hot = torch.zeros(len(chosen), 9, device=x.device).scatter_(1, chosen, 1)
    nearest = (one_hot @ m.code.weight).view(places.shape)
    loss = F.mse_loss(nearest.detach(), places) + F.mse_loss(nearest, places.detach()) * 0.25
    return m.conv(nearest.permute(0, 3, 1, 2)), loss


def test_vectors_that_are_looked_up_hold_at_other_sizes():
    model = Model(quantized, conv=conv(), code=nn.Embedding(9, 4))
    found = imported(model, IMAGE, "model")
    assert found.differences == ()
    assert found.net.check(input=(4, 5, 11)).macs == 5 * 11 * (2 * 9 * 4 + 9 * 4 * 4)
    assert [*found.net.check(input=(4, 5, 11)).outputs.values()] == [(4, 5, 11), ()]


def with_dummy(m, x):
    """Resize to the sides of a tensor of no channels, which stands for a level that the encoder lacks."""
    below = F.conv2d(x, m.weight, stride=4)
    dummy = torch.empty(len(x), 0, x.shape[2] // 2, x.shape[3] // 2)
    return torch.cat([F.interpolate(below, size=dummy.shape[2:]), dummy], 1)


def test_a_tensor_without_channels_gives_its_sides_alone():
    model = Model(with_dummy, weight=learned(4, 4, 4, 4))
    found = imported(model, (4, 32, 32), "model")
    assert found.differences == ()
    for sides in ((31, 4), (18, 35)):
        assert found.net.check(input=(4, *sides)).output == model(torch.ones(1, 4, *sides)).shape[1:]


def enlarged(m, x):
    rows, columns = x.shape[2:]
    padded = F.pad(x, (0, -columns % 8, 0, -rows % 8), "reflect")
    return F.pixel_shuffle(m.conv(padded), 2)[:, :, : rows * 2, : columns * 2]


def test_a_crop_to_a_multiple_of_the_input_s_sides():
    model = Model(enlarged, conv=conv())
    found = imported(model, (4, 16, 16), "model")
    assert found.differences == ()
    assert found.net.check(input=(4, 19, 30)).output == model(torch.ones(1, 4, 19, 30)).shape[1:] == (1, 38, 60)


def mask_of(rows, columns):
    """Return what keeps the places of windows apart that came round."""
    return torch.zeros(rows // 4 * (columns // 4), 16, 16)


def masked(m, x):
    """Attend within windows, with the mask that is kept for the declared size, as SwinIR does."""
    (rows, columns), mask = x.shape[2:], m.mask
    windows = x.view(1, 4, rows // 4, 4, columns // 4, 4).permute(0, 2, 4, 3, 5, 1).reshape(-1, 16, 4)
    if (rows, columns) != (16, 16):
        mask = mask_of(rows, columns).to(x.device)
    scores = (windows @ windows.mT).view(1, len(mask), 16, 16) + mask
    windows = scores.view(-1, 16, 16).softmax(-1) @ windows
    return m.conv(windows.view(1, rows // 4, columns // 4, 4, 4, 4).permute(0, 5, 1, 3, 2, 4).reshape(x.shape))


def test_a_mask_that_is_kept_for_the_declared_size_alone_holds_at_others():
    found = imported(Model(masked, conv=conv(), mask=mask_of(16, 16)), (4, 16, 16), "model")
    assert found.differences == ()
    assert "opaque" not in {node.type for node in found.net.nodes}


def test_a_window_as_large_as_the_image_may_be_a_list():
    found = imported(Model(lambda m, x: m.conv(F.avg_pool2d(x, [*x.shape[2:]])), conv=conv()), (4, 9, 12), "model")
    assert found.differences == ()
    assert [node.type for node in found.net.nodes] == ["global_avg_pool", "conv"]


def test_a_vector_is_its_own_transpose():
    model = Model(lambda m, x: m.fc(x[0].t()), fc=nn.Linear(8, 3))
    assert cnnshape.trace(model, (8,)).check().output == model(torch.ones(1, 8)).shape


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


SIDES = [(20, 20), (20, 24), (24, 20), (17, 33)]


@pytest.mark.parametrize("declared", SIDES)
@pytest.mark.parametrize(
    "forward",
    [
        OPAQUE["square"][0],
        lambda m, x: F.pad(x, (0, max(x.shape[2:]) - x.shape[3], 0, max(x.shape[2:]) - x.shape[2])),
        lambda m, x: F.interpolate(m.conv(x), size=min(x.shape[2:])),
        lambda m, x: m.conv(x[:, :, : min(x.shape[2:]), : min(x.shape[2:])]),
    ],
)
def test_no_side_is_taken_for_the_larger_or_the_smaller_of_two(forward, declared):
    model = Model(forward, conv=conv())
    net = cnnshape.trace(model, (4, *declared))
    for sides in SIDES:
        report = net.check(input=(4, *sides))
        assert not report.ok or report.output == shapes_of(model, (4, *sides))
    assert net.check().output == shapes_of(model, (4, *declared))


def test_macs_of_a_part_with_two_results_are_counted_once():
    model = Model(
        lambda m, x: sum(y.mean(2) for y in m.att(x, x[:, :4], x[:, :4])),
        att=nn.MultiheadAttention(8, 2, batch_first=True),
    )
    net = cnnshape.trace(model, (10, 8))
    assert [node.type for node in net.nodes].count("opaque") == 2
    queries, keys = 10 * 8, 4 * 8
    assert net.check().macs == 8 * (2 * queries + 2 * keys)


def test_a_convolution_whose_kernel_is_computed_from_the_input_is_counted_at_all_sizes():
    def routed(m, x):
        kernel = m.route(x.mean((2, 3))) @ m.experts
        y = F.conv2d(x.reshape(1, -1, *x.shape[2:]), kernel.view(6, 4, 3, 3), padding=1, groups=x.shape[0])
        return m.conv(y.view(-1, 6, *x.shape[2:]))

    model = Model(routed, route=nn.Linear(4, 2), experts=learned(2, 6 * 4 * 9), conv=nn.Conv2d(6, 4, 1))
    net = cnnshape.trace(model, IMAGE)
    for sides in ((8, 8), (7, 12)):
        kernels = 4 * 2 + 2 * 6 * 4 * 9
        report = net.check((4, *sides))
        assert (report.output, report.macs) == ((4, *sides), kernels + prod(sides) * (6 * 4 * 9 + 6 * 4))


def test_tokens_made_an_image_again_keep_no_sides_of_the_declared_input():
    def attended(m, x):
        y = m.conv(x)
        seen = y.flatten(2) @ (y.flatten(2).transpose(1, 2) @ y.flatten(2)).softmax(-1)
        return seen.view(y.shape) * 2 + y

    model = Model(attended, conv=nn.Conv2d(4, 4, 3, stride=2, padding=1))
    net = cnnshape.trace(model, IMAGE)
    for shape in (IMAGE, (4, 12, 10), (4, 7, 9), (4, 33, 16)):
        assert net.check(shape).output == shapes_of(model, shape)


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: x - net.w,
        lambda net, x: net.w - x,
        lambda net, x: x / net.w,
        lambda net, x: torch.add(x, net.w, alpha=2),
    ],
)
def test_a_parameter_that_is_not_used_as_it_is_does_not_pass_for_one_that_is(forward):
    model, x = Model(forward, w=nn.Parameter(torch.arange(2.0, 5.0)[:, None, None])), torch.ones(1, 3, 4, 4)
    built = cnnshape.build(cnnshape.trace(model, (3, 4, 4)))
    with pytest.raises(RuntimeError, match="Unexpected key"):
        built.load_state_dict(model.state_dict())
    assert built(x).shape == model(x).shape


def test_a_parameter_that_is_used_twice_is_one_layer_each():
    model = Model(lambda net, x: x * net.g + net.g, g=learned(4, 1, 1))
    net = cnnshape.trace(model, (4, 5, 5))
    written = cnnshape.loads(cnnshape.dumps(net))
    assert [node.layer for node in written.nodes] == [node.layer for node in net.nodes]
