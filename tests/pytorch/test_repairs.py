"""What stands for the result of an operation that torch refuses: what torch would give it for the input that it wants."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from torch import nn

from cnnshape.pytorch.live import Live
from cnnshape.pytorch.record import record


def z(*shape):
    return torch.zeros(shape)


class Code(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


RAISING = {  # a function of the input (1, 4, 6, 6), which raises, and the shape that stands for its result
    "other channels": (lambda x: F.conv2d(x, z(8, 3, 3, 3), stride=2, padding=1), (1, 8, 3, 3)),
    "same": (lambda x: F.conv2d(x, z(8, 3, 3, 3), padding="same"), (1, 8, 6, 6)),
    "valid": (lambda x: F.conv2d(x, z(8, 3, 3, 3), padding="valid", dilation=2), (1, 8, 2, 2)),
    "a large window": (lambda x: F.conv2d(x, z(8, 4, 9, 9)), (1, 8, 1, 1)),
    "another rank": (lambda x: F.conv3d(x, z(8, 3, 3, 3, 3)), (1, 8, 4, 4, 1)),
    "transposed": (lambda x: F.conv_transpose2d(x, z(3, 8, 2, 2), stride=2), (1, 8, 12, 12)),
    "transposed groups": (
        lambda x: F.conv_transpose2d(x, z(6, 8, 3, 3), stride=2, padding=1, output_padding=1, groups=2),
        (1, 16, 12, 12),
    ),
    "features": (lambda x: F.linear(x, z(10, 7)), (1, 4, 6, 10)),
    "a missing flatten": (lambda x: F.linear(x, z(10, 144)), (1, 10)),
    "a pool": (lambda x: F.max_pool2d(x, 7), (1, 4, 1, 1)),
    "a pool with a stride": (lambda x: F.avg_pool2d(x, (2, 2), stride=2, padding=2), (1, 4, 5, 5)),
    "an adaptive pool": (lambda x: F.adaptive_avg_pool2d(x[0, 0], (3, None)), (6, 6, 3, 1)),
    "a norm": (lambda x: F.batch_norm(x, z(3), z(3)), (1, 4, 6, 6)),
    "a layer norm": (lambda x: F.layer_norm(x, (5,)), (1, 4, 6, 6)),
    "a sum": (lambda x: x + z(1, 4, 9, 9), (1, 4, 9, 9)),
    "a product with less": (lambda x: x * z(1, 3, 1, 1), (1, 4, 6, 6)),
    "parts": (lambda x: torch.cat([x, x[:, :, :3]], 1), (1, 8, 6, 6)),
    "parts of another rank": (lambda x: torch.cat([x, x.flatten(2)], dim=1), (1, 4, 6, 6)),
    "a stack": (lambda x: torch.stack([x, x[:, :2]], dim=-1), (1, 4, 6, 6, 2)),
    "a stack at the front": (lambda x: torch.stack([x, x[:, :2]]), (2, 1, 4, 6, 6)),
    "a view": (lambda x: x.view(-1, 100), (1, 100)),
    "a view of a list": (lambda x: x.view([1, 5, -1]), (1, 5, 28)),
    "a reshape": (lambda x: torch.reshape(x, shape=(1, 5, 30)), (1, 5, 30)),
    "an expansion of some axes": (lambda x: x.expand(-1, 8, -1, -1), (1, 8, 6, 6)),
    "an expansion of too many": (lambda x: x[:, :2, 0].expand(1, 2, 5), (1, 2, 5)),
    "fewer axes in order": (lambda x: x.permute(0, 2, 1), (1, 36, 4)),
    "more axes in order": (lambda x: x.permute((0, 2, 3, 4, 1)), (1, 6, 6, 1, 4)),
    "a mean over more axes": (lambda x: x.flatten(2).mean(dim=(2, 3)), (1, 4)),
    "a sum that keeps an axis": (lambda x: x.flatten(1).sum(2, keepdim=True), (1, 144)),
    "an index": (lambda x: x[:, 7], (1, 6, 6)),
    "an index alone": (lambda x: x[3], (4, 6, 6)),
    "an equation": (lambda x: torch.einsum("bchw, bcd -> bdh", x, z(1, 3, 9)), (1, 9, 6)),
    "bilinear": (lambda x: F.bilinear(x, x, z(3, 6, 5)), (1, 4, 6, 3)),
    "softmax": (lambda x: x.softmax(4), (1, 4, 6, 6)),
    "an expansion": (lambda x: x.expand(1, 8, 6, 6), (1, 8, 6, 6)),
    "a resize": (lambda x: F.interpolate(x, size=12, mode="linear"), (1, 4, 12, 12)),
    "a resize by a factor": (lambda x: F.interpolate(x, scale_factor=2, mode="trilinear"), (1, 4, 12, 12)),
    "shuffled": (lambda x: F.pixel_shuffle(x, 3), (1, 1, 18, 18)),
    "unshuffled": (lambda x: F.pixel_unshuffle(x, 4), (1, 64, 1, 1)),
    "a matrix product": (lambda x: x @ z(1, 4, 5, 7), (1, 4, 6, 7)),
    "padding": (lambda x: F.pad(x, (7, 0, 0, 1), mode="reflect"), (1, 4, 7, 13)),
    "flat": (lambda x: x.flatten(5), (1, 144)),
    "a module's rank": (nn.BatchNorm1d(4), (1, 4, 6, 6)),
    "a module's padding": (nn.MaxPool2d(2, padding=2), (1, 4, 5, 5)),
}


@pytest.mark.parametrize(("function", "shape"), RAISING.values(), ids=RAISING)
def test_it_has_the_shape_that_the_operation_declares(function, shape):
    with pytest.raises(Exception):  # noqa: B017 -- whatever torch raises
        function(z(1, 4, 6, 6))
    model = nn.Sequential(function) if isinstance(function, nn.Module) else Code(function)
    run = Live(model, "cpu", None).recording({"input": (4, 6, 6)}, repairing=True)  # meta refuses less
    assert run.failure is None
    assert run.outputs[0].tensor.shape == shape
    assert run.ops[-1].raised


@pytest.mark.parametrize(("module", "shapes"), [
    (nn.LSTM(5, 7, batch_first=True, bidirectional=True), [(1, 4, 14), (2, 1, 7), (2, 1, 7)]),
    (nn.GRU(5, 7, batch_first=True), [(1, 4, 7), (1, 1, 7)]),
])  # fmt: skip
def test_a_recurrent_layer_gives_its_features_and_its_states(module, shapes):
    run = record(nn.Sequential(module), {"input": (4, 6)})
    assert run.failure is None
    assert [output.tensor.shape for output in run.outputs] == shapes
    assert "6" in run.ops[-1].raised


def test_attention_over_other_features_gives_its_query():
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.look = nn.MultiheadAttention(8, 2, batch_first=True)

        def forward(self, x):
            return self.look(x, x, x)[0]

    run = record(Attends(), {"input": (4, 6)})
    assert [output.tensor.shape for output in run.outputs] == [(1, 4, 6)]
    assert run.ops[-1].raised or run.ops[0].raised


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x.permute(0, 3),
        lambda x: torch.einsum("bij,bjk", x, x),
        lambda x: torch.einsum("...ij,...jk->...ik", x[..., :5], x),
        lambda x: F.max_pool2d(x, "2"),
        lambda x: torch.cat([x, 3]),
    ],
)
def test_where_nothing_is_declared_the_run_ends(function):
    run = record(Code(function), {"input": (4, 6, 6)})
    assert run.failure
    assert run.outputs == ()


def test_samples_without_channels_are_no_channels():
    """Torch takes one of them for a signal without a batch: (1, 6, 6) has one channel, and three samples have three."""
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ConvTranspose2d(8, 2, 3))
    with pytest.raises(RuntimeError):
        model(z(3, 6, 6))
    run = record(model, {"input": (6, 6)})
    assert "Expected 4D input to conv2d, but got 3D input of size (N, 6, 6)" in run.ops[0].raised
    assert [op.raised for op in run.ops[1:]] == [""]
    assert run.outputs[0].tensor.shape == model(z(1, 1, 6, 6)).shape


def test_one_of_the_samples_has_no_batch():
    conv = nn.Conv2d(3, 8, 3)
    run = record(Code(lambda x: torch.stack([conv(one) for one in x])), {"input": (3, 6, 6)})
    assert [op.raised for op in run.ops if op.raised] == []


def test_a_result_is_sure_where_it_does_not_depend_on_what_is_refused():
    sure = {}
    for name in ("other channels", "a norm", "softmax", "a view", "a sum", "a large window"):
        sure[name] = record(Code(RAISING[name][0]), {"input": (4, 6, 6)}).ops[-1].sure
    assert sure == dict.fromkeys(("other channels", "a norm", "softmax"), True) | dict.fromkeys(
        ("a view", "a sum", "a large window"), False
    )
