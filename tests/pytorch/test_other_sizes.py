"""A model is run at two more inputs: one that the file accepts, and one that it refuses."""

from math import prod

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import Code, compare
from helpers.paths import ARCHITECTURES
from torch import nn

import cnnshape

DIFFERS = "other-size-differs"


class Down(nn.Module):
    """Pools, and comes back to the input's side in some way."""

    def __init__(self, back):
        super().__init__()
        self.back = back

    def forward(self, x):
        return self.back(F.max_pool2d(x, 2), x)


DOUBLED = """
input = [3, 32, 32]
layers = [{ name = "pool", type = "max_pool", kernel_size = 2 }, { name = "up", type = "upsample", scale_factor = 2 }]
"""
SKIPPED = DOUBLED.replace("}]", '}, { name = "sum", type = "add", from = ["up", "input"] }]')
UNPOOLED = DOUBLED.replace('type = "upsample", scale_factor = 2', 'type = "max_unpool", indices = "pool"')


def doubled(y, _):
    return F.interpolate(y, scale_factor=2)


def resized(y, x):
    return F.interpolate(y, x.shape[2:])


def padded(y, x):
    y = doubled(y, x)
    return F.pad(y, (0, x.shape[3] - y.shape[3], 0, x.shape[2] - y.shape[2]))


class Unpools(nn.Module):
    def __init__(self, like):
        super().__init__()
        self.pool, self.unpool, self.like = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2), like

    def forward(self, x):
        y, indices = self.pool(x)
        return self.unpool(y, indices, output_size=x.shape[2:]) if self.like else self.unpool(y, indices)


SAID = {
    "resized": (DOUBLED, Down(resized), "up", "at 3x16x15, which the file accepts: output 3x16x14 in the file, but output 3x16x15"),
    "padded": (SKIPPED, Down(lambda y, x: padded(y, x) + x), "sum", "at 3x15x14, which the file refuses (the shapes do not fit: "),
    "unpooled": (UNPOOLED, Unpools(like=False), "up", "at 3x16x15, which the file accepts: "),  # the maximum may lie in the cells that are lost
    "raises": (DOUBLED, Down(lambda y, x: doubled(y, x).view(-1, 3, 32, 32)), "up", "at 3x16x15, which the file accepts: the model raises in view(): "),
    "a window of the declared side": (
        'input = [3, 32, 32]\nlayers = [{ name = "mean", type = "global_avg_pool" }]', nn.AvgPool2d(32),
        *("mean", "at 3x16x15, which the file accepts: the model raises in AvgPool2d(): RuntimeError: "),
    ),
    "adapts": (
        'input = [3, 32, 32]\nlayers = ["flatten", { name = "fc", type = "linear", out_features = 2 }]',
        nn.Sequential(nn.AdaptiveAvgPool2d(32), nn.Flatten(), nn.Linear(3072, 2)),
        *("fc", "at 3x15x64, which the file refuses (in_features is "),
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", SAID)
def test_a_difference_at_another_size_is_a_warning(what):
    text, model, layer, said = SAID[what]
    comparison = compare(text, model, "cpu")
    (problem,) = comparison.problems
    assert (problem.code, problem.severity, problem.layer) == (DIFFERS, "warning", layer)
    assert problem.message.startswith(said)
    assert comparison.ok
    assert not all(run.agrees for run in comparison.elsewhere)
    assert compare(f'allow = "{DIFFERS}"\n{text}', model, "cpu").problems == ()
    allowed = text.replace(f'name = "{layer}"', f'name = "{layer}", allow = "{DIFFERS}"')
    assert compare(allowed, model, "cpu").problems == ()


@pytest.mark.parametrize(
    ("text", "model"),
    [
        (DOUBLED, Down(doubled)),
        (SKIPPED, Down(lambda y, x: doubled(y, x) + x)),
        (UNPOOLED, Unpools(like=True)),
        (DOUBLED.replace("scale_factor = 2", 'like = "input"'), Down(resized)),
    ],
)
@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_where_a_model_is_the_file_at_all_sizes_there_is_none(text, model, device):
    comparison = compare(text, model, device)
    assert comparison.problems == ()
    accepted, refused = comparison.elsewhere
    assert (accepted.accepted, accepted.agrees, accepted.skipped) == (True, True, "")
    assert (refused.accepted, refused.agrees) == (False, True)
    assert not refused.inputs or refused.skipped == ""


def test_several_outputs_are_compared_as_well():
    text = DOUBLED.replace("layers", 'outputs = ["pool", "up"]\nlayers')
    assert compare(text, Down(lambda y, x: (y, doubled(y, x)))).problems == ()
    (problem,) = compare(text, Down(lambda y, x: (y, resized(y, x)))).problems
    assert (problem.code, problem.layer) == (DIFFERS, "up")


def test_what_a_first_run_made_stays_made():
    text = """
    input = [1, 16, 16]
    layers = [
      { type = "conv", out_channels = 2, kernel_size = 3 }, "relu", "flatten", { type = "linear", out_features = 2 }
    ]
    """
    model = nn.Sequential(nn.LazyConv2d(2, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    comparison = compare(text, model, "cpu")
    assert comparison.problems == ()
    _, refused = comparison.elsewhere
    assert refused.agrees
    assert refused.inputs
    assert model[3].has_uninitialized_params()
    assert model.training


WORDS = {
    "no sides": ("input = [4]\nlayers = ['relu']", nn.ReLU(), "at no other size: the input has no sides that could vary"),
    "other sides": (
        """inputs = { a = [1, 8, 8], b = [1, 4, 4] }
        outputs = ["r", "s"]
        layers = [{ name = "r", type = "relu", from = "a" }, { name = "s", type = "relu", from = "b" }]""",
        None,
        "at no other size: the inputs a, b have different sides: say which one varies",
    ),
    "all": ("input = [4, 8, 8]\nlayers = ['relu']", nn.ReLU(), "the file refuses no other small size"),
    "one": (
        'input = [4, 1, 1]\nlayers = [{ type = "crop", size = 1, exact = true }, "flatten", { type = "linear", out_features = 1 }]',
        nn.Sequential(nn.Flatten(), nn.Linear(4, 1)),
        "the file accepts no other small size",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WORDS)
def test_where_there_is_no_such_size_that_is_said(what):
    class Two(nn.Module):
        def forward(self, a, b):
            return F.relu(a), F.relu(b)

    text, model, word = WORDS[what]
    comparison = compare(text, model or Two(), "cpu")
    assert word in [run.skipped for run in comparison.elsewhere]
    assert all(run.inputs == {} for run in comparison.elsewhere if run.skipped)


def test_at_another_input_than_the_declared_one_the_sizes_are_smaller_than_that():
    comparison = compare(DOUBLED, Down(doubled), "cpu", input=(3, 128, 64))
    assert next(run.inputs for run in comparison.elsewhere) == {"input": (3, 32, 31)}


def test_a_file_that_does_not_hold_is_compared_at_its_own_input_alone():
    net = cnnshape.loads("input = [4, 8, 8]\nlayers = ['relu', { type = 'max_pool', kernel_size = 9 }]")
    assert compare(net, nn.Sequential(nn.ReLU()), "cpu").elsewhere == ()
    assert compare("input = [4, 8, 8]\nlayers = ['relu']", nn.ReLU(), "cpu", input=(4, 8)).elsewhere == ()
    two = 'inputs = { a = [1, 8, 8], b = [1, 8, 8] }\nlayers = [{ name = "sum", type = "add", from = ["a", "b"], broadcast = true }]'
    unequal = compare(two, Sum(), "cpu", input={"a": (1, 8, 8), "b": (1, 1, 1)})
    assert [run.skipped for run in unequal.elsewhere] == ["at no other size: the inputs have different sides"]


class Sum(nn.Module):
    def forward(self, a, b):
        return a + b


def test_a_model_that_differs_already_runs_once():
    runs = []
    counts = Code(lambda x: runs.append(1) or torch.sigmoid(x))
    assert compare("input = [3, 8, 8]\nlayers = ['relu']", counts).elsewhere == ()
    assert len(runs) == 1


@pytest.mark.parametrize("name", ["lenet5", "alexnet", "vgg16", "unet", "densenet121", "c3d", "wavenet", "fcn8s"])
def test_the_sizes_are_small_and_what_they_are_said_to_be(name):
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    from cnnshape.compare.elsewhere import other_inputs

    reports = other_inputs(net, net.check(), lambda row: bool(row.result.refusals))
    (declared,) = net.inputs.values()
    for accepted, report in zip((True, False), reports, strict=True):
        if isinstance(report, str):
            assert not accepted
            continue
        (shape,) = report.inputs.values()
        assert (shape[1:] in net.valid_sizes()) is accepted
        assert report.ok is accepted
        assert shape != declared
        assert prod(shape) <= 1.25 * prod(declared)
