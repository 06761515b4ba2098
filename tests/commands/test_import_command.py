"""`cnnshape import`: the file that it writes, what its first lines say, and what it refuses."""

import pytest

pytest.importorskip("torch")

from click.testing import CliRunner
from helpers.cli import write

from cnnshape import loads
from cnnshape.cli import main

MODELS = """
import torch
from torch import nn
from torch.nn import functional


class Strict(nn.Module):
    def __init__(self, width=4, multiple=16):
        super().__init__()
        self.conv, self.aux, self.multiple = nn.Conv2d(3, width, 3), nn.Linear(3, 5), multiple

    def forward(self, x):
        assert x.shape[-1] % self.multiple == 0, "not so"
        return self.conv(x)


class Choosy(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(x) if x.shape[2] < 40 else self.conv(x)[:, :, ::2]


class Waves(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x):
        return self.conv(torch.fft.fft2(x).real)


class Broken(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Conv2d(3, 4, 3), nn.Conv2d(5, 4, 3)

    def forward(self, x):
        return self.two(self.one(x))
"""


def run(*arguments):
    """Run the command; return its exit status, and what it prints on either side. A crash goes on to the test."""
    result = CliRunner().invoke(main, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


@pytest.fixture
def models(own_folder):
    write(own_folder, MODELS, "live_nets.py")
    return "live_nets.py"


def test_the_file_loads_and_says_what_the_code_requires(models):
    status, text, _ = run("import", f"{models}:Strict(8)", "--input", "3x32x32")
    assert status == 0
    net = loads(text)
    assert (net.check().parameters, net.check().output) == (3 * 8 * 9 + 8, (8, 30, 30))
    assert net.check(input=(3, 30, 48)).ok
    assert not net.check(input=(3, 32, 40)).ok
    assert "unused-in-model" in net.allow
    head = [line for line in text.splitlines() if line.startswith("#")]
    assert "20 parameters in aux" in " ".join(head)
    assert "live_nets.py:13" in " ".join(head)


def test_code_that_goes_another_way_is_said_with_its_line_and_what_differs(models):
    status, text, beside = run("import", f"{models}:Choosy", "--input", "3x32x32")
    assert status == 1
    assert "DIFFERS" in beside
    assert "another way" in text
    assert "live_nets.py:23" in text
    assert loads(text).check().output == (4, 30, 30)


def test_what_no_layer_type_says_is_opaque_and_named(models):
    status, text, _ = run("import", f"{models}:Waves", "--input", "3x32x32")
    assert status == 0
    assert "Opaque" in text
    assert [row.output for row in loads(text).check().layers][-1] == (4, 30, 30)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("live_nets.py:Broken", "fails"),
        ("live_nets.py:Nothing", "no attribute"),
        ("net.toml", "is no live model"),
        ("live_nets.py", "a model in it is live_nets.py:"),
    ],
)
def test_what_cannot_be_imported_is_an_error_of_the_command_line(models, target, said):
    status, text, beside = run("import", target, "--input", "3x32x32")
    assert (status, text) == (2, "")
    assert said in beside
    assert "Traceback" not in beside


def test_a_file_that_is_there_is_written_over_with_force_alone(models, tmp_path):
    (tmp_path / "net.toml").write_text("mine")
    status, _, beside = run("import", f"{models}:Strict", "--input", "3x32x32", "-o", "net.toml")
    assert status == 2
    assert "--force" in beside
    assert (tmp_path / "net.toml").read_text() == "mine"
    assert run("import", f"{models}:Strict", "--input", "3x32x32", "-o", "net.toml", "--force")[0] == 0
    assert loads((tmp_path / "net.toml").read_text()).check().ok
    assert run("import", f"{models}:Strict", "--input", "3x32x32", "-o", "none/net.toml")[0] == 2
