"""Views that make several samples of one, and those that do so for a while."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

from torch import nn

from cnnshape.compare.mixing import mixing
from cnnshape.pytorch.live import Live
from cnnshape.pytorch.record import record


class Code(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function, self.fc = function, nn.Linear(392, 3)

    def forward(self, x):
        return self.function(self, x)


def run(function, shape=(32, 7, 7)):
    return Live(Code(function), "meta", None).recording({"input": shape})


def test_a_part_of_a_sample_is_no_sample():
    assert mixing(run(lambda net, x: net.fc(x.view(-1, 392)))) == {
        0: "it mixes samples: one of 32x7x7 becomes 4 of 392"
    }


@pytest.mark.parametrize(
    "function",
    [
        lambda net, x: x.view(1, -1),
        lambda net, x: net.fc(x.view(-1, 392)).view(x.shape[0], -1),  # the batch again further on
        lambda net, x: x.reshape(32, 7, 7) * 2,  # channels folded into the batch, as frames are
        lambda net, x: x.permute(0, 2, 3, 1).reshape(-1, 32),  # a sample for each position
        lambda net, x: x.view(-1),
        lambda net, x: x.permute(1, 0, 2, 3).reshape(4, 392),  # the batch is elsewhere
        lambda net, x: (x.view(-1, 392), x)[1],  # nobody reads it
    ],
)
def test_what_is_whole_or_comes_back_is_sound(function):
    assert mixing(run(function)) == {}


@pytest.mark.parametrize("flat", [lambda x: x.flatten(), lambda x: x.view(-1), lambda x: x.reshape(-1)])
def test_a_line_of_all_samples_for_a_linear_layer(flat):
    assert [*mixing(run(lambda net, x: net.fc(flat(x)), (8, 7, 7)))] == [0]


def test_samples_at_different_axes():
    steps = lambda net, x: x.flatten(2).mean(2) + x.flatten(2).transpose(1, 2)  # noqa: E731 -- as above
    assert [*mixing(run(steps)).values()] == ["it mixes samples: Nx32 and Nx49x32 have them at different axes"]


@pytest.mark.parametrize(
    "function",
    [
        lambda net, x: x - x.mean(0),  # over the batch
        lambda net, x: x / x.mean(dim=(0, 1)),
        lambda net, x: x - x.mean(axis=0),
        lambda net, x: x - x.mean(-4),
        lambda net, x: x - x.sum(0) / len(x),
        lambda net, x: (x - x.mean(0)) / (x.var(0) + 1e-5).sqrt(),
        lambda net, x: x * net.fc.weight[:1, :7],
        lambda net, x: x * x.mean((1, 2, 3))[:, None, None, None],
        lambda net, x: x + x.mean(),
    ],
)
def test_what_has_no_samples_may_have_fewer_axes(function):
    assert mixing(run(function, (1, 7, 7))) == {}


def test_an_operation_beside_it_changes_nothing():
    def both(net, x):
        parts, beside = x.view(-1, 392), x.mean((2, 3))
        return net.fc(parts), beside

    assert [*mixing(run(both))] == [0]


def test_a_model_that_mixes_is_recorded_as_if_torch_refused():
    found = record(Code(lambda net, x: net.fc(x.view(-1, 392))), {"input": (32, 7, 7)})
    view, fc = found.ops
    assert view.raised == "RuntimeError: it mixes samples: one of 32x7x7 becomes 4 of 392"
    assert view.outputs[0].shape == (1, 392)
    assert fc.outputs[0].shape == (1, 3)
