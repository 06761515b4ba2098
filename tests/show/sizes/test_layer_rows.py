"""The layers of `cnnshape sizes --layers`: formulas and receptive fields, in words."""

import re

from click.testing import CliRunner
from helpers.cli import write
from helpers.paths import ALEXNET
from helpers.sizes import FIELDS, PLAIN, sizes

from cnnshape.cli import main


def test_layers():
    lines = sizes(ALEXNET, "--layers").output.splitlines()
    titles = "layer      type                 channels"
    table = lines[next(place for place, line in enumerate(lines) if line.startswith(titles)) :]
    cells = {line.split()[0]: re.split(" {2,}", line) for line in table[2:26] if line[0] != " "}
    assert cells["conv1"] == ["conv1", "conv", "96", "floor((x + 1)/4) - 2", "11, stride 4, from 0"]
    assert cells["pool3"] == ["pool3", "max_pool", "256", "floor((x + 29)/32) - 2", "195, stride 32, from -64"]
    assert cells["fc8"] == ["fc8", "linear", "1000", "whole image"]
    assert len(cells) == 23
    assert table[27] == "23 layers"


def test_layers_where_there_is_little_room():
    """The type is left out, and a product of sides has a line for each."""
    result = CliRunner(env=PLAIN | {"COLUMNS": "90"}).invoke(main, ["sizes", str(ALEXNET), "--layers"])
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 90
    flatten = next(place for place, line in enumerate(lines) if line.startswith("flatten1"))
    assert lines[flatten].startswith("flatten1   256*(floor((h + 29)/32) - 2)  ")
    assert lines[flatten + 1].strip() == "*(floor((w + 29)/32) - 2)"


def test_a_side_may_be_a_product(tmp_path):
    """4*h*w elements in 2 channels of 2 rows are h*w columns."""
    text = 'input = [4, 8, 8]\nlayers = [{ name = "folded", type = "reshape", shape = [2, 2, -1] }]'
    (row,) = (
        line for line in sizes(write(tmp_path, text), "--layers").output.splitlines() if line.startswith("folded")
    )
    assert re.split(" {2,}", row)[:4] == ["folded", "reshape", "2", "2 x h*w"]


def test_receptive_fields_in_words(tmp_path):
    net = write(tmp_path, FIELDS.replace("scale_factor = 0.3", "scale_factor = 2"))
    lines = [re.split(" {2,}", line) for line in sizes(net, "--layers").output.splitlines()]
    assert {line[0]: line[-1] for line in lines if len(line) == 5 and line[0] != "layer"} == {
        "holes": "9 (3 read), stride 1, from 0 x 3, stride 1, from 0",
        "painted": "0 to 1, stride 1/3, from 0",
        "mixed": "0 to 3, stride 1/2, from -2",
        "painted2": "1, stride 1/2, from 0",
        "pairs": "1 to 2, stride 1/2, from 0 x 2 to 3 (2 read), stride 1/2, from 0",
        "rounded": "1, stride 1/2, from 0",
        "half": "1, stride 2, from 0 x 1, stride 1, from 0",
        "some": "1, stride 1, from 0",
        "both": "1 to 20 (1 to 2 read), irregular, from 0 x 1, stride 1, from 0",
    }
