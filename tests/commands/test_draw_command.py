"""`cnnshape draw`: options, exit status, and what is written where."""

import pytest
from helpers.cli import SMALL, TWO, CliRunner, write
from helpers.drawn import Picture

from cnnshape.cli import main

BROKEN = 'input = [1, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 9 }, "relu"]\n'


def draw(*args, **how):
    return CliRunner().invoke(main, ["draw", *map(str, args)], **how)


def test_a_picture_goes_to_standard_output():
    result = draw("zoo:lenet5")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "6x28x28" in Picture(result.stdout).of("size")
    assert draw("zoo:lenet5", "-o", "-").stdout == result.stdout


@pytest.mark.parametrize(
    ("name", "begins"),
    [("net.svg", "<svg"), ("net.tex", "% made by cnnshape"), ("NET.SVG", "<svg"), ("net.html", "<!DOCTYPE html>")],
)
def test_the_name_says_the_format(tmp_path, name, begins):
    path = tmp_path / name
    result = draw("zoo:lenet5", "-o", path)
    assert (result.exit_code, result.output) == (0, "")
    assert path.read_text(encoding="utf-8").startswith(begins)


def test_the_format_of_a_name_without_one(tmp_path):
    assert draw("zoo:lenet5", "--format", "tex").stdout.startswith("% made by cnnshape")
    assert draw("zoo:lenet5", "-o", tmp_path / "picture", "--format", "svg").exit_code == 0
    assert (tmp_path / "picture").read_text(encoding="utf-8").startswith("<svg")


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["-o", "net.png"], "net.png: the name of a picture ends in .svg"),
        (["-o", "net.svg", "--format", "tex"], "net.svg is no name for --format tex"),
        (["-o", "no/such/folder/net.svg"], "no/such/folder/net.svg: No such file or directory"),
        (["--depth", "0"], "--depth"),
        (["--scale", "cubic"], "--scale"),
        (["--input", "0x8"], "'0x8' is no shape"),
    ],
)
def test_a_wrong_option_is_2(options, why):
    result = draw("zoo:lenet5", *options)
    assert result.exit_code == 2
    assert why in result.stderr


def test_a_picture_is_drawn_again_over_itself(tmp_path):
    path = tmp_path / "net.svg"
    assert [draw("zoo:lenet5", "-o", path).exit_code for _ in range(2)] == [0, 0]


def test_nothing_else_is_written_over(tmp_path):
    thesis = write(tmp_path, "\\documentclass{book} % figures: cnnshape", "thesis.tex")
    result = draw("zoo:lenet5", "-o", thesis)
    assert result.exit_code == 2
    assert "thesis.tex is there, and no picture of cnnshape" in result.stderr
    assert thesis.read_text() == "\\documentclass{book} % figures: cnnshape"


def test_the_file_itself_is_not_written_over(tmp_path):
    path = write(tmp_path, f"# for cnnshape\n{SMALL}", "net.svg")
    assert draw(path, "-o", path).exit_code == 2
    assert path.read_text().endswith(SMALL)


def test_a_net_that_fails_is_drawn_and_is_1(tmp_path):
    path = tmp_path / "net.svg"
    result = draw(write(tmp_path, BROKEN), "-o", path)
    assert result.exit_code == 1
    assert "net.toml:2:72: error[window-too-large]" in result.stderr
    picture = Picture(path.read_text(encoding="utf-8"))
    assert {"fails"} <= picture.classes()
    assert picture.of("size") == ["1x4", "1x?"]


@pytest.mark.parametrize("text", ["input = [", "layers = []\n"])
def test_nothing_to_draw_is_2(tmp_path, text):
    result = draw(write(tmp_path, text))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "net.toml" in result.stderr


def test_another_input(tmp_path):
    assert "1x10x10" in Picture(draw(write(tmp_path, SMALL), "--input", "1x10x10").stdout).of("size")
    assert "3x32x32" in Picture(draw(write(tmp_path, TWO), "--input", "right=3x32x32").stdout).of("size")


def test_depth_and_scale():
    folded, unfolded = (Picture(draw("zoo:resnet18", "--depth", depth).stdout) for depth in (1, 2))
    assert len(folded.solids) < len(unfolded.solids)
    true, log = (draw("zoo:resnet18", "--scale", scale).stdout for scale in ("true", "log"))
    assert Picture(true).of("size") == Picture(log).of("size")
    assert true != log


def test_a_file_on_standard_input():
    assert "2x6x6" in Picture(draw("-", input=SMALL).stdout).of("size")


def test_a_live_model(torch, own_folder):
    code = "from torch import nn\nclass Net(nn.Sequential):\n    def __init__(self):\n        super().__init__(nn.Conv2d(3, 8, 3), nn.ReLU())\n"
    result = draw(f"{write(own_folder, code, 'nets.py')}:Net", "--input", "3x8x8")
    assert result.exit_code == 0
    assert Picture(result.stdout).of("size") == ["3x8x8", "8x6x6"]


def test_a_picture_that_is_too_large_is_2(tmp_path):
    lines = "".join(
        f"  {{ type = 'conv', out_channels = {2 + number % 2}, kernel_size = 1 }},\n" for number in range(2001)
    )
    result = draw(write(tmp_path, f"input = [3, 8]\nlayers = [\n{lines}]"))
    assert result.exit_code == 2
    assert "2,002 tensors" in result.stderr
