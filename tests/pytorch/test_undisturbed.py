"""A model is left as it was, whatever its forward changes."""

import os
import random
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from types import SimpleNamespace
from typing import NamedTuple

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
from helpers.comparing import DIFFERS, compare, found, verdicts
from torch import nn

from cnnshape.pytorch.record import record


class Busy(nn.Module):
    """Changes whatever a forward can change."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.drop = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Dropout()
        self.frozen = nn.BatchNorm2d(4).eval()
        self.register_buffer("runs", torch.zeros(()))
        self.register_buffer("replaced", torch.zeros(3))
        self.seen, self.count, self.log, self.plain = None, 0, [], torch.zeros(3)

    def train(self, mode=True):
        raise AssertionError("the mode is the user's")

    def forward(self, x):
        self.runs += 1
        self.count += 1
        self.plain += 1
        self.log.append(x)
        self.replaced = torch.full((3,), 7.0, device=x.device)
        self.register_buffer("late", torch.ones(3))
        self.made, self.training = nn.ReLU(), True
        self.register_forward_hook(lambda module, args, output: None)
        with torch.no_grad():
            self.conv.weight.data = torch.renorm(self.conv.weight.data, 2, 0, 1e-3)
            self.conv.bias.add_(1)
        x = self.frozen(self.bn(self.conv(x)))
        self.seen = torch.ones(4, device=x.device) + random.random() + float(np.random.rand())  # noqa: NPY002
        return self.drop(x + torch.rand(1, device=x.device)) * self.seen.view(1, 4, 1, 1)


def copied(value):
    copy = value.clone if isinstance(value, torch.Tensor) else getattr(value, "copy", lambda: value)
    return id(value), copy()


def picture(model):
    """All of a model that could change, and the random states."""
    return {
        "state": {
            name: (id(tensor), tensor._version, tensor.clone())
            for name, tensor in model.state_dict(keep_vars=True).items()
        },
        "attributes": [{name: copied(value) for name, value in vars(module).items()} for module in model.modules()],
        "modes": [module.training for module in model.modules()],
        "hooks": [[dict(hooks) for name, hooks in vars(m).items() if "hooks" in name] for m in model.modules()],
        "global hooks": [
            dict(hooks)
            for name, hooks in vars(torch.nn.modules.module).items()
            if name.startswith("_global") and isinstance(hooks, dict)
        ],
        "gradients": [(id(p.grad), p.grad.clone()) for p in model.parameters() if p.grad is not None],
        "requires": [p.requires_grad for p in model.parameters()],
        "devices": [p.device for p in model.parameters()],
        "random": (random.getstate(), np.random.get_state(), torch.get_rng_state()),  # noqa: NPY002
        "random on cuda": torch.cuda.get_rng_state_all(),
    }


def same(one, other):
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


BUSY = """
input = [1, 8, 8]
layers = [
  { name = "conv", type = "conv", out_channels = 4, kernel_size = 3 },
  { name = "bn", type = "batch_norm" },
  { name = "frozen", type = "batch_norm" },
  { name = "drop", type = "dropout" },
]
"""


@pytest.mark.parametrize("raises", [False, True])
@pytest.mark.parametrize("device", ["auto", "cpu", "meta"])
def test_the_model_is_left_exactly_as_it_was(device, raises):
    model = Busy()
    model.register_forward_pre_hook(lambda module, args: None)
    model.conv.weight.grad = torch.ones_like(model.conv.weight)
    if raises:
        model.drop.register_forward_hook(lambda module, args, output: output @ torch.zeros(99))
    before = picture(model)
    comparison = compare(BUSY, model, device)
    after = picture(model)
    assert same(before, after), [key for key in before if not same(before[key], after[key])]
    assert comparison.ok is not raises


class Pair(NamedTuple):
    one: torch.Tensor
    other: list


class Tidy(dict):
    """A dict of the user's, which does more than to hold."""

    def clear(self):
        raise AssertionError("it is the user's")

    __setitem__ = clear


class Nested(nn.Module):
    """Keeps things within things, and changes them all."""

    def __init__(self):
        super().__init__()
        self.act = nn.ReLU()
        self.lists = [[torch.zeros(2), [1]], (torch.zeros(2), [2], 3)]
        self.dicts = {"a": {"b": [torch.zeros(2)]}, "ordered": OrderedDict(x=1, y=2)}
        self.last, self.defaults = deque([1, 2, 3], maxlen=3), defaultdict(list, a=[1])
        self.counts, self.names, self.tidy = Counter("aab"), {"a"}, Tidy(a=[1], t=torch.zeros(2))
        self.number = np.array(1.0)  # without axes
        self.array, self.pair = np.zeros(3), Pair(torch.zeros(2), [torch.zeros(2)])
        self.modules_within = [{"norm": nn.BatchNorm2d(3)}]
        self.itself = [self]
        self.same = [self.lists[0][0]]

    def forward(self, x):
        assert self.same[0] is self.lists[0][0], "one tensor in two places"
        self.lists[0][0] += 1
        self.lists[0][1].append(5)
        self.lists[1][0].add_(1)
        self.lists[1][1].append(5)
        self.dicts["a"]["b"][0].mul_(0).sub_(1)
        self.dicts["a"]["new"] = self.dicts["ordered"].pop("x")
        self.last.append(4)
        self.defaults["missing"].append(self.defaults["a"].pop())
        self.counts.update("b")
        self.names.add("b")
        self.tidy["a"].append(2)
        dict.__setitem__(self.tidy, "b", self.tidy["t"].add_(1))
        self.array += 1
        self.number += 1
        self.pair.one.add_(1)
        self.pair.other.append(self.pair.other[0].add_(1))
        self.modules_within[0]["norm"].weight.data.fill_(7)
        self.modules_within[0]["norm"].running_mean.fill_(7)
        torch.set_default_dtype(torch.float64)
        torch.set_num_threads(torch.get_num_threads() + 1)
        torch.use_deterministic_algorithms(True, warn_only=True)
        torch.set_float32_matmul_precision("medium")
        os.chdir("/")
        return self.act(x)


def deep(value):
    """A value with all that it holds, in plain form; tensors with their versions."""
    if isinstance(value, torch.Tensor):
        return id(value), value._version, value.tolist()
    if isinstance(value, np.ndarray):
        return id(value), value.tolist()
    if isinstance(value, dict):
        return id(value), [(key, deep(entry)) for key, entry in value.items()]
    if isinstance(value, list | tuple | deque):
        return type(value), id(value), [deep(entry) for entry in value if not isinstance(entry, Nested)]
    return [*map(deep, value.state_dict(keep_vars=True).values())] if isinstance(value, nn.Module) else repr(value)


def settings():
    deterministic = torch.get_deterministic_debug_mode(), torch.get_float32_matmul_precision()
    return os.getcwd(), torch.get_default_dtype(), torch.get_num_threads(), *deterministic  # noqa: PTH109


def test_what_is_kept_within_containers_is_put_back_and_so_are_settings():
    model = Nested()
    kept = {name: value for name, value in vars(model).items() if not name.startswith("_")}
    before, process = {name: deep(value) for name, value in kept.items()}, settings()
    assert compare('input = [3, 8, 8]\nlayers = ["relu"]', model, "cpu").problems == ()
    assert {name: deep(value) for name, value in kept.items()} == before
    assert all(vars(model)[name] is value for name, value in kept.items())
    assert settings() == process
    try:
        model(torch.zeros(1, 3, 8, 8))
        assert settings() != process
    finally:
        os.chdir(process[0])
        torch.set_default_dtype(process[1])
        torch.set_num_threads(process[2])
        torch.set_deterministic_debug_mode(process[3])
        torch.set_float32_matmul_precision(process[4])
    after = {name: deep(value) for name, value in kept.items()}
    same = {"training", "itself", "act"}
    assert {name for name in kept if after[name] == before[name]} <= same, "the picture shows each change"


def test_a_cuda_that_is_not_used_yet_is_not_seeded(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: False)
    monkeypatch.setattr(torch.cuda, "manual_seed_all", lambda seed: pytest.fail("it would be seeded"))
    assert compare(BUSY, Busy(), "cpu").ok


def test_a_process_without_numpy_has_no_state_of_it(monkeypatch):
    class Draws(nn.Module):
        def forward(self, x):
            return x + random.random()

    without = {name: module for name, module in sys.modules.items() if name != "numpy"}
    monkeypatch.setattr("cnnshape.pytorch.undisturbed.sys", SimpleNamespace(modules=without))
    before = random.getstate()
    assert record(Draws(), {"input": (3, 8)}).failure is None
    assert random.getstate() == before


def test_the_picture_shows_a_change():
    model = Busy()
    before = picture(model)
    model(torch.zeros(1, 1, 8, 8))
    after = picture(model)
    assert [key for key in before if not same(before[key], after[key])] == [
        "state",
        "attributes",
        "modes",
        "hooks",
        "random",
    ]


def test_what_is_built_on_the_first_run_is_gone():
    class Builds(nn.Module):
        def forward(self, x):
            if not hasattr(self, "conv"):
                self.conv = nn.Conv2d(1, 4, 3)
            return self.conv(x)

    model = Builds()
    comparison = compare('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 4, kernel_size = 3 }]', model)
    assert not [*model.modules()][1:]
    assert "40 parameters in the file, but none of the model's parameters in Conv2d()" in comparison.problems[0].message


def test_modules_that_nobody_registered_are_seen_and_left_as_they_were():
    class Listed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = [nn.Conv2d(1, 4, 3), {"norm": nn.Sequential(nn.BatchNorm2d(4))}]

        def forward(self, x):
            return self.layers[1]["norm"](self.layers[0](x))

    model = Listed()
    norm = model.layers[1]["norm"][0]
    comparison = compare(BUSY.partition('  { name = "frozen"')[0] + "]", model)
    assert found(comparison) == [(DIFFERS, "conv"), (DIFFERS, "bn")]
    assert (norm.training, norm.num_batches_tracked.item()) == (True, 0)


def test_what_a_model_keeps_of_the_run_serves_training():
    class Keeps(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.grid = nn.Conv2d(1, 1, 1), None

        def forward(self, x):
            if self.grid is None:
                self.grid = torch.ones(x.shape)
            return self.conv(x) * self.grid

    model = Keeps()
    compare('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = 1 }]', model)
    model(torch.zeros(1, 1, 8, 8)).sum().backward()
    assert model.conv.weight.grad is not None


def test_gradients_within_forward_work():
    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(4, 1)

        def forward(self, x):
            with torch.enable_grad():
                x = x.requires_grad_()
                slope, _ = torch.autograd.grad(self.fc(x).sum(), (x, self.fc.weight))
            return slope

    comparison = compare('input = [4]\nlayers = [{ name = "fc", type = "linear", out_features = 1 }]', Energy())
    assert verdicts(comparison) == {"fc": "differs"}  # what is returned is another shape; nothing raised
    assert "4 in what Energy returns" in comparison.problems[0].message
