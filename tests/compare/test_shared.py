"""A weight of which another layer has the bias, in models as people write them."""

import pytest

pytest.importorskip("torch")

import torch
import torch.nn.functional as F  # noqa: N812 -- as everybody does
from helpers.comparing import compare, verdicts
from torch import nn

FILE = """
input = [4, 32, 32]
layers = [
  { name = "one", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "other", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "wide", type = "conv", shares_weight = "one", padding = 3, dilation = 3 },
  { name = "short", type = "conv", shares_weight = "one", stride = 2, bias = false },
  { name = "back", type = "conv_transpose", shares_weight = "one", stride = 2 },
]
"""


class Convs(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.other = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding=1)


class Functions(Convs):
    """The weight is handed to functions, with parameters of the model's own as biases."""

    def __init__(self, whose="one", *, again=False, bias=True):
        super().__init__()
        self.whose, self.again = whose, nn.Parameter(torch.zeros(4, 4, 3, 3)) if again else None
        self.wide, self.back = nn.Parameter(torch.zeros(4)) if bias else None, nn.Parameter(torch.zeros(4))

    def forward(self, x):
        x = self.other(self.one(x))
        weight = self.get_submodule(self.whose).weight
        x = F.conv2d(x, weight if self.again is None else self.again, self.wide, padding=3, dilation=3)
        return F.conv_transpose2d(F.conv2d(x, weight, stride=2), weight, self.back, stride=2)


class Modules(Convs):
    """Modules whose weights are made one and the same."""

    def __init__(self):
        super().__init__()
        self.wide, self.short = nn.Conv2d(4, 4, 3, padding=3, dilation=3), nn.Conv2d(4, 4, 3, stride=2, bias=False)
        self.back = nn.ConvTranspose2d(4, 4, 3, stride=2)
        self.wide.weight = self.short.weight = self.back.weight = self.one.weight

    def forward(self, x):
        return self.back(self.short(self.wide(self.other(self.one(x)))))


@pytest.mark.parametrize("model", [Functions, Modules])
def test_a_tied_weight_with_a_bias_of_its_own(model):
    comparison = compare(FILE, model())
    assert comparison.problems == ()
    assert [match.parameters for match in comparison.layers] == [148, 148, 4, 0, 4]
    assert sum(match.parameters for match in comparison.layers) == sum(p.numel() for p in model().parameters())


def test_the_weight_of_another_layer_is_another_weight():
    comparison = compare(FILE, Functions("other"))
    assert verdicts(comparison) == {
        "one": "agrees",
        "other": "agrees",
        "wide": "differs",
        "short": "differs",
        "back": "differs",
    }
    wide, *_ = comparison.problems
    assert "weights of one in the file, but those of other in conv2d()" in wide.message
    assert (wide.line, wide.column) == (6, FILE.split("\n")[5].index('"one"') + 1)


def test_a_weight_of_its_own_and_a_bias_that_is_missing_are_seen():
    (own,) = compare(FILE, Functions(again=True)).problems
    assert "4 parameters in the file, but 148 parameters" in own.message
    (bare,) = compare(FILE, Functions(bias=False)).problems
    assert "bias, 4 parameters in the file, but no bias, those of one once more" in bare.message


def test_shared_weights_must_be_those_of_the_layer_that_is_named():
    class Twice(Convs):
        def forward(self, x):
            return self.other(self.other(self.one(x)))

    def file(owner):
        return "\n".join(FILE.split("\n")[:5]) + f'\n  {{ name = "again", shares = "{owner}" }},\n]'

    assert compare(file("other"), Twice()).problems == ()
    (problem,) = compare(file("one"), Twice()).problems
    assert "weights of one in the file, but those of other" in problem.message
