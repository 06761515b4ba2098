"""A plain run gives torch's shapes and counts, and leaves the model as it was."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from cnnshape.pytorch.plain_runs import PlainRuns


def small(norm: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), norm, nn.ReLU(), nn.Flatten(), nn.Linear(512, 10))


MACS = 8 * 3 * 3 * 3 * 64 + 512 * 10  # filters, channels, window, positions; features of the linear layer


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(8), nn.BatchNorm2d(8, track_running_stats=False), nn.GroupNorm(2, 8)])
def test_shapes_are_torchs_and_a_norm_multiplies_nothing(norm):
    model = small(norm)
    runs = PlainRuns(model)
    inputs = {"input": (3, 8, 8)}
    assert runs.shapes(inputs) == [tuple(model.eval()(torch.zeros(1, 3, 8, 8)).shape[1:])]
    assert runs.macs(inputs) == MACS


def test_a_norm_in_evaluation_is_not_computed(monkeypatch):
    computed = []
    of_torch = torch.batch_norm
    monkeypatch.setattr(torch, "batch_norm", lambda *args: computed.append(args) or of_torch(*args))
    assert PlainRuns(small(nn.BatchNorm2d(8))).shapes({"input": (3, 8, 8)}) == [(10,)]
    assert computed == []
    assert PlainRuns(small(nn.BatchNorm2d(8, track_running_stats=False))).shapes({"input": (3, 8, 8)}) == [(10,)]
    assert len(computed) == 1


@pytest.mark.parametrize("wrong", ["running_mean", "running_var", "weight", "bias"])
def test_a_norm_of_which_a_part_has_other_channels_is_torchs_to_refuse(wrong):
    model = small(nn.BatchNorm2d(8))
    setattr(model[1], wrong, torch.nn.Parameter(torch.ones(9)) if wrong in {"weight", "bias"} else torch.ones(9))
    with pytest.raises(RuntimeError):
        model.eval()(torch.zeros(1, 3, 8, 8))
    assert PlainRuns(model).shapes({"input": (3, 8, 8)}) is None


def test_products_of_results_have_no_weights():
    class Attends(nn.Module):
        def __init__(self):
            super().__init__()
            self.q = nn.Linear(4, 4, bias=False)

        def forward(self, x):
            return self.q(x) @ x.transpose(1, 2)

    assert PlainRuns(Attends()).macs({"input": (5, 4)}) == 5 * 4 * 4


@pytest.mark.parametrize(
    "model",
    [small(nn.BatchNorm2d(9)), nn.BatchNorm1d(4), nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(5))],
    ids=["other channels", "other rank", "other features"],
)
def test_where_torch_refuses_there_are_neither(model):
    runs = PlainRuns(model)
    inputs = {"input": (3, 8, 8)}
    with pytest.raises((RuntimeError, ValueError)):
        model.eval()(torch.zeros(1, 3, 8, 8))
    assert runs.shapes(inputs) is None
    assert runs.macs(inputs) is None


def test_a_model_without_layers_of_weights_multiplies_nothing():
    runs = PlainRuns(nn.ReLU())
    assert runs.shapes({"input": (3, 8, 8)}) == [(3, 8, 8)]
    assert runs.macs({"input": (3, 8, 8)}) == 0


def test_the_model_is_left_in_training_with_its_statistics():
    model = small(nn.BatchNorm2d(8)).train()
    PlainRuns(model).shapes({"input": (3, 8, 8)})
    assert model.training
    assert next(model.parameters()).device.type == "cpu"
    assert torch.equal(model[1].running_mean, torch.zeros(8))


class Asks(nn.Module):
    """A model that asks for a number, which the meta device does not have."""

    def __init__(self):
        super().__init__()
        self.norm, self.conv = nn.BatchNorm2d(3), nn.Conv2d(3, 8, 3)

    def forward(self, x):
        x = self.norm(x)
        if not 0 < x.mean().item() < 1:  # of numbers between 0 and 1, as the norm gives them
            raise ValueError
        return self.conv(x)


def test_a_model_that_asks_for_numbers_is_run_on_the_cpu():
    assert PlainRuns(Asks()).shapes({"input": (3, 8, 8)}) == [(8, 6, 6)]
    runs = PlainRuns(Asks())
    assert runs.macs({"input": (3, 8, 8)}) == 8 * 3 * 3 * 3 * 36
    assert runs.shapes({"input": (3, 9, 8)}) == [(8, 7, 6)]
    assert runs.shapes({"input": (3, 2, 8)}) is None


def test_a_model_whose_first_run_makes_its_parameters_keeps_them():
    runs = PlainRuns(nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(10)))
    assert runs.shapes({"input": (3, 8, 8)}) == [(10,)]
    assert runs.macs({"input": (3, 8, 8)}) == 8 * 3 * 3 * 3 * 36 + 8 * 36 * 10
    assert runs.shapes({"input": (3, 9, 8)}) is None


class Recurs(nn.Module):
    """A model whose states stand on the CPU, and which may ask for a number."""

    def __init__(self, *, asks):
        super().__init__()
        self.rnn, self.asks = nn.LSTM(6, 5), asks

    def forward(self, x):
        if self.asks and not 0 < x.mean().item() < 1:
            raise ValueError
        return self.rnn(x, (torch.zeros(1, x.shape[1], 5), torch.zeros(1, x.shape[1], 5)))[0]


@pytest.mark.parametrize("asks", [False, True])
@pytest.mark.filterwarnings("error")
def test_the_weights_of_a_recurrent_layer_are_counted_once_a_step_on_every_device(asks):
    assert torch.backends.mkldnn.is_available() is torch.backends.mkldnn.enabled
    assert PlainRuns(Recurs(asks=asks)).macs({"input": (7, 6)}) == 7 * 4 * 5 * (6 + 5)  # one step, a batch of 7
    assert torch.backends.mkldnn.is_available() is torch.backends.mkldnn.enabled
