"""A model whose code asks for a graphics card is run without one; where there is one, it is another device than the model's."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

import cnnshape
from cnnshape.pytorch.accelerators import anywhere
from cnnshape.pytorch.record import record

WAYS = {  # of a forward to ask for a device that is not here
    "cuda()": lambda x: torch.ones(x.shape).cuda(),
    "of a number": lambda x: torch.ones(x.shape).cuda(0),
    "to a name": lambda x: torch.ones(x.shape).to("cuda:0"),
    "to a number": lambda x: torch.ones(x.shape).to(0),
    "to a device": lambda x: torch.ones(x.shape).to(torch.device("cuda", 1)),
    "made there": lambda x: torch.ones(x.shape, device="cuda"),
    "made there, by a number": lambda x: torch.ones(x.shape, device=0),
    "with a type": lambda x: torch.ones(x.shape).to(device="cuda", dtype=torch.float32),
    "of another maker": lambda x: x.new_ones(x.shape, device="xpu"),
}


class Asks(nn.Module):
    def __init__(self, way, wrong=0):
        super().__init__()
        self.way = way
        self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4 + wrong, 2)

    def forward(self, x):
        return self.fc(self.conv(x + self.way(x)).mean((2, 3)))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize("way", WAYS)
def test_torch_refuses_it_without_one(way):
    with pytest.raises((RuntimeError, AssertionError)):
        WAYS[way](torch.zeros(1, 3, 8, 8))


@pytest.mark.parametrize("way", WAYS)
def test_the_shapes_are_those_without_it(way):
    plain = cnnshape.trace(Asks(lambda x: torch.ones(x.shape)), (3, 8, 8))
    net = cnnshape.trace(Asks(WAYS[way]), (3, 8, 8))
    assert net.check().ok
    assert [(row.type, row.output) for row in net.check().layers] == [
        (row.type, row.output) for row in plain.check().layers
    ]
    assert cnnshape.verify(plain, model=Asks(WAYS[way]), device="cpu").ok


def test_a_fault_before_it_is_the_only_one():
    found = cnnshape.trace(Asks(lambda x: x, wrong=1), (3, 8, 8)).check().problems
    behind = cnnshape.trace(Asks(WAYS["cuda()"], wrong=1), (3, 8, 8)).check().problems
    assert [p.code for p in behind] == [p.code for p in found] == ["declared-differs"]


def test_other_names_and_devices_stay():
    class Net(nn.Module):
        def forward(self, x):
            there = torch.ones(3, device="cuda")  # from here on
            return torch.einsum("chw,c->hw", x[0], there)[None] + x.to("cpu" if x.device.type == "cpu" else "meta").sum(
                1
            )

    run = record(Net(), {"input": (3, 5, 7)})
    assert run.failure is None
    assert [output.tensor.shape for output in run.outputs] == [(1, 5, 7)]


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_a_factory_asks_for_it_too_and_all_else_that_it_raises_is_its_own():
    model = anywhere(lambda: nn.Sequential(nn.Conv2d(3, 4, 3).cuda(), nn.BatchNorm2d(4).to("cuda:0", torch.float64)))
    assert {p.device.type for p in model.parameters()} == {"cpu"}
    assert model[1].weight.dtype == torch.float64
    calls = []
    with pytest.raises(ZeroDivisionError):
        anywhere(lambda: calls.append(1) or 1 / 0)
    assert calls == [1]
    with pytest.raises(RuntimeError, match="CUDA out of patience"):
        anywhere(lambda: (_ for _ in ()).throw(RuntimeError("CUDA out of patience")))
