"""`cnnshape check`: exit status, inputs, torch."""

import importlib.util
import json
import re
import sys

import pytest
from helpers.cli import PLAIN, SMALL, TWO, CliRunner, check, write
from helpers.paths import ALEXNET

from cnnshape.cli import main
from cnnshape.problems.comparing import Disagreement


def test_a_good_file_is_0():
    result = check(ALEXNET)
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (SMALL, 0, "no problems"),
        (SMALL.replace("3 }", "9 }"), 1, "error[window-too-large]"),
        (SMALL.replace("conv", "cnov"), 1, "there is no layer type cnov"),
        (SMALL.replace("kernel_size = 3", "kernel_size = 3, expect = [2, 7, 7]"), 1, "error[expect-differs]"),
        (SMALL + "[claims]\nparameters = 21\n", 1, "error[claim-differs]"),
        ("layers = [", 2, "error[not-toml]"),
        ("", 1, "error[missing-key]"),
        ("input = 7\nlayers = 7", 1, "error[wrong-kind]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["table", "json", "markdown"])
def test_status_of_one_file(tmp_path, text, status, said, form):
    result = check(write(tmp_path, text), "--format", form)
    assert result.exit_code == status
    if form == "table":
        assert said in result.stdout
    assert result.exception is None or isinstance(result.exception, SystemExit)


@pytest.mark.parametrize(("name", "code"), [("missing.toml", "no-such-file"), ("a\udcffb.toml", "no-such-file")])
def test_a_file_that_cannot_be_read_is_2(tmp_path, name, code):
    result = check(tmp_path / name)
    assert result.exit_code == 2
    assert f"error[{code}]" in result.stdout


def test_every_file_is_reported_and_the_worst_counts(tmp_path):
    bad = write(tmp_path, SMALL.replace("3 }", "9 }"), "bad.toml")
    good = write(tmp_path, SMALL, "good.toml")
    missing = tmp_path / "missing.toml"
    result = check(missing, bad, good)
    assert result.exit_code == 2
    for file in (missing, bad, good):
        assert str(file) in result.stdout
    assert "error[window-too-large]" in result.stdout
    assert f"3 files: 2 with errors ({missing}, {bad})" in result.stdout
    assert check(bad, good).exit_code == 1
    assert check(good, good).exit_code == 0


def test_problems_of_the_file_and_of_shapes_come_together(tmp_path):
    text = 'input = [1, 8, 8]\nlayers = [\n  { type = "max_pool", kernel_size = 9 },\n  { type = "cnov" },\n]\n'
    result = check(write(tmp_path, text))
    assert "error[window-too-large]" in result.stdout
    assert "error[unknown-type]" in result.stdout
    assert "2 errors" in result.stdout


def test_problems_come_in_the_order_of_the_file(tmp_path):
    pool = '{ type = "max_pool", kernel_size = 9 }'
    text = (
        f'input = [1, 8, 8]\nlayers = [\n  {{ type = "relu", expect = [1] }},\n  {pool},\n]\n[claims]\noutput = [1]\n'
    )
    assert re.findall(r"net.toml:(\d+):", check(write(tmp_path, text)).stdout) == ["3", "4"]


def test_without_layers_there_are_problems_alone(tmp_path):
    file = write(tmp_path, "layers = [")
    assert check(file).stdout.startswith(f"{file}:1:11: error[not-toml]: ")
    write(tmp_path, 'name = "Nothing"\ninput = [1]\nlayers = []')
    assert check(file).stdout == f"Nothing  {file}\n\n✓ no problems\n"


def test_strict_makes_errors(tmp_path):
    file = write(tmp_path, SMALL.replace("kernel_size = 3", "kernel_size = 3, stride = 2"))
    assert check(file).exit_code == 0
    result = check(file, "--strict")
    assert result.exit_code == 1
    assert "error[dropped-rows]" in result.stdout


def test_input_is_in_the_files_layout():
    result = check(ALEXNET, "--input", "67x67x3")
    rows = [line for line in result.stdout.splitlines() if line.startswith(("conv1 ", "✗ fc6"))]
    assert "15x15x96" in result.stdout  # (67 - 11) / 4 + 1
    assert rows
    assert "input     3 channels, 67 high, 67 wide\n" in result.stdout
    assert "expectations and claims: they are about the declared input" in result.stdout
    assert "expect-differs" not in result.stdout


def test_one_of_several_inputs(tmp_path):
    result = check(write(tmp_path, TWO), "--input", "left=1x32x32", "--input", "right=3x32x32")
    assert result.exit_code == 0
    assert "4x30x30" in result.stdout
    alone = check(write(tmp_path, TWO), "--input", "left=1x32x32")
    assert alone.exit_code == 1  # the other one stays as declared, and they do not fit
    assert "error[shapes-differ]" in alone.stdout


@pytest.mark.parametrize(
    ("text", "given", "said"),
    [
        (SMALL, ["abc"], "'abc' is no shape"),
        (SMALL, ["1x0x8"], "'1x0x8' is no shape"),
        (SMALL, ["1x-8x8"], "is no shape"),
        (SMALL, [""], "'' is no shape"),
        (SMALL, ["1x" + "9" * 5000], "is no shape"),
        (SMALL, ["image=1x8x8"], "has no input 'image'; it has input"),
        (SMALL, ["1x8x8", "1x9x9"], "given twice"),
        (TWO, ["1x32x32"], "has the inputs left, right: say which, as left=1x32x32"),
        (TWO, ["middle=1x32x32"], "has no input 'middle'; it has left, right"),
        (TWO, ["left="], "'' is no shape"),
    ],
)
def test_a_bad_input_is_2(tmp_path, text, given, said):
    args = [part for shape in given for part in ("--input", shape)]
    result = check(write(tmp_path, text), *args)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("args", [[], [ALEXNET, "--format", "xml"], [ALEXNET, "--depth", "0"], [ALEXNET, "--wrong"]])
def test_a_bad_command_line_is_2(args):
    result = check(*args)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


def test_each_layer_is_asked_in_torch(tmp_path, torch):
    result = check(write(tmp_path, TWO), torch=True)
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if line.startswith(("l ", "r ", "both "))]
    assert len(rows) == 3
    assert all(line.endswith("✓") for line in rows)
    assert re.search(r"3 of 3 layers agree with torch \d+\.\d+\.\d+ on (cuda|mps|cpu)\n", result.stdout)


def test_torch_refuses_what_we_refuse(tmp_path, torch):
    text = SMALL.replace("3 }]", '9 }, { name = "r", type = "relu" }]')
    result = check(write(tmp_path, text), "--device", "cpu", torch=True)
    assert result.exit_code == 1
    assert "0 of 2 layers agree" in result.stdout
    assert "1 refused by torch as well" in result.stdout
    assert "1 not run" in result.stdout


def test_a_folded_row_has_the_worst_verdict(tmp_path, torch):
    text = """input = [1, 8, 8]
layers = [{ name = "b", block = "bad" }, { name = "good", type = "relu", from = "input", allow = ["unused-result"] }]
[blocks.bad]
layers = ["relu", { type = "conv", out_channels = 1, kernel_size = 9 }, "relu"]
"""
    lines = check(write(tmp_path, text), "--device", "cpu", torch=True).stdout.splitlines()
    verdicts = {line.removeprefix("✗ ").split()[0]: line.split("  ")[-1].strip() for line in lines if line}
    assert verdicts["b"] == "✓ refuses"
    assert verdicts["good"] == "✓"


def test_a_disagreement_is_loud(tmp_path, monkeypatch, torch):
    from cnnshape.pytorch import crosscheck

    ask = crosscheck.verify

    def wrong(net, *args, **how):
        found = ask(net, *args, **how)
        problem = Disagreement(net.nodes[0].place, "c", ours="2 x 6 x 6", torch="2 x 5 x 5", case="nn.Conv2d(1, 2, 3)")
        return found._replace(layers=(found.layers[0]._replace(verdict="disagrees"),), problems=(problem,))

    monkeypatch.setattr(crosscheck, "verify", wrong)
    file = write(tmp_path, SMALL)
    result = check(file, "--device", "cpu", torch=True)
    assert result.exit_code == 1
    assert "✗ disagrees" in result.stdout
    assert "error[disagrees-with-torch]" in result.stdout
    assert "nn.Conv2d(1, 2, 3)" in result.stdout
    assert result.stdout.splitlines()[-1].startswith("✗ torch disagrees on 1 layer: this is a bug in cnnshape")
    report = json.loads(check(file, "--format", "json", torch=True).stdout)["files"][0]
    assert not report["ok"]
    assert not report["crosscheck"]["ok"]


def test_a_net_without_layers_is_held_against_as_any(tmp_path, torch):
    file = write(tmp_path, 'input = [1, 8, 8]\nlayers = [{ type = "relu", when = false }]')
    for model, status in (("Identity", 0), ("ReLU", 1)):
        result = CliRunner(env=PLAIN).invoke(
            main, ["verify", str(file), "--device", "cpu", "--model", f"torch.nn:{model}"]
        )
        assert result.exit_code == status, result.output
    result = CliRunner(env=PLAIN).invoke(main, ["explain", str(file), "relu2"])
    assert (result.exit_code, "there is no layer relu2" in result.stderr) == (2, True)


def test_without_torch_the_table_says_so_in_a_line(tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *more: None if name == "torch" else find(name, *more))
    file = write(tmp_path, SMALL)
    result = check(file, torch=True)
    assert result.exit_code == 0
    assert [line for line in result.stdout.splitlines()[1:] if "torch" in line] == [
        "torch     no cross-check ran: torch is not installed: pip install 'cnnshape[torch]'"
    ]
    asked = check(file, "--torch", torch=True)
    assert asked.exit_code == 2
    assert "pip install 'cnnshape[torch]'" in asked.stderr
    assert check(file).exit_code == 0


def test_a_broken_torch_is_2(tmp_path, monkeypatch, torch):
    monkeypatch.setitem(sys.modules, "cnnshape.pytorch.crosscheck", None)  # importing it is an ImportError
    result = check(write(tmp_path, SMALL), torch=True)
    assert result.exit_code == 2
    assert "--no-torch does without" in result.stderr


def test_a_device_that_is_not_there_is_2(tmp_path, torch):
    device = "mps" if not torch.backends.mps.is_available() else "cuda"
    result = check(write(tmp_path, SMALL), "--device", device, torch=True)
    assert result.exit_code == 2
    assert f"no {device} device" in result.stderr
