"""The axis of the batch, followed through what a model does: the shapes of what it returns are without it."""

import pytest

pytest.importorskip("torch")

import torch
from helpers.comparing import Code
from torch import nn

from cnnshape.pytorch.live import Live

MOVES = {
    "permute": (lambda x: x.permute(2, 0, 1), (5, 4)),
    "permute with a tuple": (lambda x: x.permute((2, 0, 1)), (5, 4)),
    "torch.permute": (lambda x: torch.permute(input=x, dims=(1, 0, 2)), (4, 5)),
    "transpose": (lambda x: x.transpose(0, 2), (5, 4)),
    "swapaxes": (lambda x: x.swapaxes(0, -1), (5, 4)),
    "movedim": (lambda x: x.movedim(0, 1), (4, 5)),
    "movedim, several": (lambda x: x.movedim((0, 1), (2, 0)), (4, 5)),
    "there and back": (lambda x: x.permute(2, 0, 1).permute(1, 2, 0), (4, 5)),
    "all steps as a batch, and back": (lambda x: x.permute(2, 0, 1).reshape(5, 4).relu().view(5, 1, 4), (5, 4)),
    "behind a module": (lambda x: nn.Linear(4, 3)(x.permute(2, 0, 1)), (5, 3)),
    "a step of time": (lambda x: x.permute(2, 0, 1)[-1], (4,)),
    "some steps of time": (lambda x: x.permute(2, 0, 1)[2:], (3, 4)),
    "a sample": (lambda x: x[0], (5,)),  # the batch is lost: what stands first counts as one
    "all steps as a batch": (lambda x: x.permute(2, 0, 1).reshape(5, 4), (4,)),
}


@pytest.mark.parametrize(("moves", "shape"), MOVES.values(), ids=MOVES)
def test_what_a_model_returns_is_without_its_batch(moves, shape):
    run = Live(Code(moves), "cpu", {}).run({"input": (4, 5)})
    assert run.failure is None
    assert [returned.shape for returned in run.returned] == [shape]


def test_a_layer_on_a_single_sample_has_its_shape_without_a_batch():
    run = Live(nn.Sequential(Code(lambda x: x[0]), nn.Conv2d(3, 4, 3)), "cpu", {}).run({"input": (3, 8, 8)})
    assert [(call.entering, call.output) for call in run.calls] == [(((3, 8, 8),), (4, 6, 6))]
