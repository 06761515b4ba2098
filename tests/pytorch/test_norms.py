"""Batch norms on the meta device the short way: they give, and refuse, as torch does on the CPU."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from cnnshape.pytorch.plain_runs import PlainRuns
from cnnshape.pytorch.record import record

SHAPES = {1: (4, 8), 2: (4, 8, 6), 3: (4, 8, 6, 5)}


@pytest.mark.parametrize("rank", SHAPES)
@pytest.mark.parametrize("channels", [4, 3, 1])
@pytest.mark.parametrize("settings", [{}, {"affine": False}, {"track_running_stats": False}])
def test_a_norm_on_meta_gives_and_refuses_as_on_the_cpu(rank, channels, settings):
    norm = getattr(nn, f"BatchNorm{rank}d")(channels, **settings).eval()
    try:
        expected = tuple(norm(torch.ones(1, *SHAPES[rank])).shape[1:])
    except RuntimeError:
        expected = None
    assert PlainRuns(norm).shapes({"input": SHAPES[rank]}) == (expected and [expected])
    recording = record(nn.Sequential(norm), {"input": SHAPES[rank]})
    assert (expected is None) == any(op.raised for op in recording.ops)
    assert expected is None or recording.outputs[0].tensor.shape[1:] == expected


def test_a_norm_called_as_a_function_is_run_the_short_way_too():
    class Called(nn.Module):
        def forward(self, x):
            return nn.functional.batch_norm(x, torch.zeros(4), torch.ones(4))

    assert PlainRuns(Called()).shapes({"input": (4, 8, 6)}) == [(4, 8, 6)]
    assert record(Called(), {"input": (4, 8, 6)}).outputs[0].tensor.shape == (1, 4, 8, 6)
