"""The command verify, and the reports that continuous integration reads."""

import json
import re
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner
from helpers.paths import ROOT
from jsonschema import Draft202012Validator

from cnnshape.cli import main


def verify(*args, **how):
    return CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(main, ["verify", *map(str, args)], **how)


@pytest.fixture
def project(tmp_path, monkeypatch, torch):
    """A folder with a package that has models, and an architecture file."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "__init__.py").write_text("")
    (tmp_path / "nets" / "models.py").write_text(
        "from torch import nn\n\n\n"
        "def small(channels=2):\n    return nn.Sequential(nn.Conv2d(1, channels, 3), nn.ReLU())\n\n\n"
        "wide = small(3)\nlonger = small().append(nn.Tanh())\n\n\ndef loud():\n    print('here it comes')\n    return small()\n\n\nclass Lost(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        raise OSError('no weights')\n\n\nnothing = 3\n"
    )
    (tmp_path / "net.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 3 },\n  "relu",\n]\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    monkeypatch.syspath_prepend("")
    return tmp_path


def test_verify_on_the_command_line(project):
    result = verify("net.toml", "--model", "nets.models:small")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r"conv .* ✓ 0\n", result.stdout)
    assert "2 of 2 layers agree with Sequential on" in result.stdout


def test_a_warning_about_the_model_is_an_error_with_strict(project):
    (project / "picks.py").write_text(
        "from torch import nn\n\n\nclass Picks(nn.Module):\n    def forward(self, x):\n        return x.relu()[:, x[0, :, 0, 0] < 2]\n"
    )
    (project / "relu.toml").write_text('input = [1, 8, 8]\nlayers = ["relu"]\n')
    result = verify("relu.toml", "--model", "picks:Picks")
    assert (result.exit_code, result.stdout.count("warning[depends-on-data]")) == (0, 1)
    result = verify("relu.toml", "--model", "picks:Picks", "--strict")
    assert (result.exit_code, result.stdout.count("error[depends-on-data]")) == (1, 1)


def test_verify_finds_differences(project):
    result = verify("net.toml", "--model", "nets.models:wide")
    assert result.exit_code == 1
    assert re.search(r"conv .* ✗ differs 0\n", result.stdout)
    assert "net.toml:3:50: error[model-differs]: out_channels 2, 20 parameters" in result.stdout
    longer = verify("net.toml", "--model", "nets.models:longer", "--device", "cpu")
    assert "2 layers agree with Sequential on cpu, 1 more in the model" in longer.stdout
    at_another = verify("net.toml", "--model", "nets.models:wide", "--input", "1x5x5", "--strict", "--device", "cpu")
    assert "output 2x3x3 in the file, but out_channels 3" in at_another.stdout


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("nets.models", "is not MODULE:NAME"),
        ("nets/models.py:small", "is not MODULE:NAME"),
        ("nets.models:small()", "is not MODULE:NAME"),
        ("nets.modles:small", "No module named 'nets.modles'\n"),
        ("sys:exit", "SystemExit"),
        ("nets.models:smal", "has no attribute 'smal'"),
        ("nets.models:Lost", "OSError: no weights (models.py:20)"),
        ("nets.models:nothing", "'int' object is not callable"),
        ("nets.models:nn.ReLU.extra_repr", "extra_repr() missing 1 required positional argument"),
        ("builtins:dict", "builtins:dict gives {}, which is no torch.nn.Module"),
    ],
)
def test_what_makes_no_model_is_2(project, name, said):
    result = verify("net.toml", "--model", name)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_does_not_read_runs_no_code(project):
    (project / "broken.toml").write_text("layers = [")
    result = verify("broken.toml", "--model", "nets.models:Lost")
    assert result.exit_code == 2
    assert "broken.toml:1:11: error[not-toml]" in result.stdout


def test_json_of_a_comparison(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "json")
    data = json.loads(result.stdout)
    schema = json.loads((ROOT / "docs" / "report.schema.json").read_text())
    Draft202012Validator(schema).validate(data)
    (file,) = data["files"]
    assert (file["ok"], file["model"]["class"], file["model"]["ok"]) == (False, "Sequential", False)
    conv = file["layers"][0]["model"]
    assert (conv["verdict"], conv["module"], conv["output"], conv["parameters"]) == ("differs", "0", [3, 6, 6], 30)


def test_what_the_models_code_prints_is_not_in_the_report(project):
    result = verify("net.toml", "--model", "nets.models:loud", "--format", "json")
    assert json.loads(result.stdout)["files"][0]["ok"]
    assert result.stderr == "here it comes\n"


def test_github_annotations(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "github")
    annotation, verdict = result.stdout.splitlines()
    assert annotation.startswith(
        "::error file=net.toml,line=3,col=50,endLine=3,endColumn=51,title=conv%3A model-differs::out_channels 2, "
    )
    assert annotation.endswith("%0Ain layer conv")
    assert verdict == "net.toml: 1 error"
    (project / "100%,net:.toml").write_text('input = [1, 8, 8]\nlayers = ["rule"]\n')
    checked = CliRunner().invoke(main, ["check", "--no-torch", "--format", "github", "100%,net:.toml"])
    assert checked.stdout.startswith("::error file=100%25%2Cnet%3A.toml,line=2,col=11,endLine=2,endColumn=17,title=")
    assert checked.exit_code == 1


def test_github_annotations_are_told_from_the_root_of_the_repository(project, monkeypatch):
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project))
    monkeypatch.chdir(project / "nets")
    monkeypatch.syspath_prepend(project)
    result = verify("../net.toml", "--model", "nets.models:wide", "--format", "github")
    assert result.stdout.startswith("::error file=net.toml,line=3,")
    zoo = verify("zoo:lenet5", "--model", "nets.models:wide", "--format", "github")
    assert zoo.stdout.startswith("::error file=zoo%3Alenet5,line=")


def test_junit_report(project):
    result = verify("net.toml", "--model", "nets.models:wide", "--format", "junit")
    suite = ET.fromstring(result.stdout)[0]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    whole, conv, relu = suite
    assert [case.get("name") for case in suite] == ["net.toml", "conv", "relu1"]
    assert conv.get("line") == "3"
    assert conv[0].get("message").startswith("model-differs: out_channels 2")
    assert "net.toml:3:50: error[model-differs]" in conv[0].text
    assert (relu[0].tag, relu[0].get("message")) == ("skipped", "what enters differs")
    assert len(whole) == 0


def test_junit_of_a_check(project):
    (project / "bad.toml").write_text(
        'input = [1, 8, 8]\nlayers = [\n  { name = "conv", type = "conv", out_channels = 2, kernel_size = 9 },\n'
        '  "relu",\n  { name = "side", type = "relu", from = "input", allow = ["unused-result"] },\n]\nclaims.parameters = 3\n'
    )
    result = CliRunner().invoke(main, ["check", "--no-torch", "--format", "junit", "bad.toml", "net.toml"])
    bad, good = ET.fromstring(result.stdout)
    assert (bad.get("tests"), bad.get("failures"), bad.get("skipped")) == ("4", "2", "1")
    outcomes = {case.get("name"): [part.tag for part in case] for case in bad}
    assert outcomes == {"bad.toml": ["failure"], "conv": ["failure"], "relu1": ["skipped"], "side": []}
    assert bad[2][0].get("message") == "what enters is not known: conv fails"
    assert (good.get("failures"), good.get("tests")) == ("0", "3")
    assert result.exit_code == 1
