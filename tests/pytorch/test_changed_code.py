"""A model run with lines of its code changed, which are its own again afterwards."""

from __future__ import annotations

import pickle
import sys

import pytest

pytest.importorskip("torch")

import torch

from cnnshape.problems.diagnosed import Change
from cnnshape.problems.place import Range
from cnnshape.pytorch.changed_code import Trials

CODE = """import functools

from torch import nn


def kept(forward):
    @functools.wraps(forward)
    def around(*args):
        return forward(*args)
    return around


def scaled(x): return x.view(-1, 5)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(4, 3)

    @kept
    def forward(self, x):
        return self.there(self.fc(x))

    @staticmethod
    def there(x): return scaled(x)

    @property
    def width(self): return 3
"""


@pytest.fixture
def model(own_folder, monkeypatch):
    (own_folder / "changed_nets.py").write_text(CODE)
    monkeypatch.syspath_prepend(str(own_folder))
    monkeypatch.delitem(sys.modules, "changed_nets", raising=False)
    import changed_nets

    return changed_nets.Net()


def change(old, new):
    """The change of the first place where a text stands in the code."""
    row = next(number for number, line in enumerate(CODE.split("\n"), 1) if old in line)
    first = CODE.split("\n")[row - 1].index(old) + 1
    return Change("changed_nets.py", Range((row, first), (row, first + len(old))), new)


def shapes(run):
    return [output.tensor.shape for output in run.outputs]


def test_functions_of_a_module_run_with_their_change_and_are_put_back(model):
    tries = Trials(model, {"input": (4,)}, None)
    assert shapes(tries([change("-1, 5", "-1, 3")], {})) == [(1, 3)]
    with pytest.raises(RuntimeError):
        model(torch.rand(2, 4))


def test_a_method_behind_a_decorator_runs_with_its_change(model):
    tries = Trials(model, {"input": (4,)}, None)
    assert shapes(tries([change("self.there(self.fc(x))", "self.fc(x)")], {})) == [(1, 3)]
    assert shapes(tries([change("return scaled(x)", "return x * 2")], {})) == [(1, 3)]


def test_a_constructor_runs_where_the_model_is_made_anew(model):
    there = [change("nn.Linear(4, 3)", "nn.Linear(4, 5)")]
    assert shapes(Trials(model, {"input": (4,)}, type(model))(there, {})) == [(1, 5)]
    [op] = [op for op in Trials(model, {"input": (4,)}, None)(there, {}).ops if op.path == "fc"]
    assert op.outputs[0].shape == (1, 3)


@pytest.mark.parametrize("new", ["(", "nn.Linear(4)", "nothing"])
def test_code_that_fails_gives_no_run(model, new):
    assert Trials(model, {"input": (4,)}, type(model))([change("nn.Linear(4, 3)", new)], {}) is None


def test_there_is_an_end_of_trials(model):
    tries = Trials(model, {"input": (4,)}, None)
    tries.left = 1
    assert tries([change("-1, 5", "-1, 3")], {})
    assert tries([change("-1, 5", "-1, 3")], {}) is None


def test_trials_are_left_behind_when_a_net_is_pickled(model):
    assert pickle.loads(pickle.dumps(Trials(model, {"input": (4,)}, None))) is None
