"""assert_shapes, in test code: nothing where all agrees, both sides beside each other where not."""

import re

import pytest

pytest.importorskip("torch")

from helpers.paths import ARCHITECTURES
from models import classic
from models.planted import NET, STYLES, behind, parts, put
from torch import nn

import cnnshape
from cnnshape.testing import assert_shapes


def test_assert_shapes_says_nothing_where_all_agrees():
    cnnshape.assert_shapes(classic.LeNet5(), ARCHITECTURES / "lenet5.toml")
    assert_shapes(classic.LeNet5(), str(ARCHITECTURES / "lenet5.toml"), input=(1, 33, 33), device="meta")


def test_assert_shapes_shows_both_sides_layer_by_layer():
    net = cnnshape.loads(NET)
    model = STYLES["numbered"](
        behind("act3", pool9=nn.MaxPool2d(2))(put(conv1=nn.Conv2d(3, 16, 3, padding=1))(parts()))
    )
    with pytest.raises(AssertionError) as caught:
        assert_shapes(model, net)
    lines = str(caught.value).splitlines()
    assert lines[0] == "Sequential is not what <string> says"
    table = [re.split(r"  +", line) for line in lines[1 : lines.index("")]]
    assert table[0] == ["layer", "expected", "actual"]
    assert ["conv1", "conv -> 16x32x32, 432 parameters", "0 -> 16x32x32, 448 parameters", "differs"] in table
    assert ["conv4", "conv -> 32x16x16, 9,248 parameters", "9 -> 32x8x8, 9,248 parameters", "follows"] in table
    assert ["bn1", "batch_norm -> 16x32x32, 32 parameters", "1 -> 16x32x32, 32 parameters"] in table
    assert [row for row in table if row[0] == "..."] == [["...", "5 that agree"], ["...", "2 that agree"]]
    assert table[-1] == ["", "8", "extra"]
    assert sum("error[model-" in line for line in lines) == 2


def test_assert_shapes_holds_the_file_to_its_word_too(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text('input = [4]\nlayers = [{ type = "linear", out_features = 2 }]\nclaims.parameters = 11\n')
    with pytest.raises(AssertionError, match="parameters is claimed to be 11, but it is 10"):
        assert_shapes(nn.Linear(4, 2), file)
    file.write_text("layers = 3")
    with pytest.raises(AssertionError, match="error"):
        assert_shapes(nn.Linear(4, 2), file)


def test_assert_shapes_with_a_file_that_leaves_all_its_layers_out():
    net = cnnshape.loads('input = [4]\nlayers = [{ name = "a", type = "relu", repeat = 0 }]')
    assert_shapes(nn.Identity(), net)
    with pytest.raises(AssertionError, match="output 4 in the file, but 2 in what Linear returns"):
        assert_shapes(nn.Linear(4, 2), net)
