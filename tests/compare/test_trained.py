"""What is trained: a model's parameters that require no gradient, against the frozen layers of a file."""

import pytest

pytest.importorskip("torch")

from helpers.comparing import DIFFERS, compare
from torch import nn

TEXT = """
input = [1, 8, 8]
layers = [
  { name = "0", type = "conv", out_channels = 2, kernel_size = 3, frozen = true },
  { name = "1", type = "relu" },
  { name = "2", type = "conv", out_channels = 2, kernel_size = 3 },
]
"""
SILENT = TEXT.replace(", frozen = true", "")
CLAIMED = SILENT + "[claims]\ntrainable = 58\n"


def model(*, freeze=(), weight=()):
    made = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 2, 3))
    for index in freeze:
        made[index].requires_grad_(requires_grad=False)
    for index in weight:
        made[index].weight.requires_grad_(requires_grad=False)
    return made


@pytest.mark.parametrize(
    ("text", "made", "said"),
    [
        (TEXT, model(freeze=[0]), []),
        (TEXT, model(), ["frozen in the file, but not frozen in 0"]),
        (TEXT, model(weight=[0]), ["frozen in the file, but 18 of 20 parameters frozen in 0"]),
        (TEXT, model(freeze=[0, 2]), ["not frozen in the file, but frozen in 2"]),
        (TEXT, model(freeze=[0], weight=[2]), ["not frozen in the file, but 36 of 38 parameters frozen in 2"]),
        (SILENT, model(freeze=[0, 2]), []),  # the file does not speak of training
        (CLAIMED, model(), []),
        (CLAIMED, model(freeze=[0]), ["not frozen in the file, but frozen in 0"]),
    ],
)
def test_frozen_layers_are_those_without_gradients(text, made, said):
    problems = compare(text, made).problems
    assert [problem.message for problem in problems] == said
    assert {problem.code for problem in problems} <= {DIFFERS}


def test_the_place_is_the_key():
    (problem,) = compare(TEXT, model()).problems
    assert (problem.line, problem.column) == (4, 76)


def test_a_layer_with_other_parameters_is_not_said_to_be_trained_as_well():
    made = nn.Sequential(nn.Conv2d(1, 2, 5), nn.ReLU(), nn.Conv2d(2, 2, 3))
    assert "frozen" not in compare(TEXT, made).problems[0].message
