"""`cnnshape verify`: a model found, run and held against a file."""

import json
import re

import pytest
from helpers.cli import verify
from helpers.paths import ROOT
from jsonschema import Draft202012Validator


def test_verify_on_the_command_line(project):
    result = verify("net.toml", "--model", "nets.models:small")
    assert (result.exit_code, result.stderr) == (0, "")
    assert re.search(r"conv .* ✓ 0\n", result.stdout)
    assert "2 of 2 layers agree with Sequential on" in result.stdout


@pytest.mark.parametrize("name", ["nets/models.py:small", "nets.models:small()", "nets.models:small(channels=2)"])
def test_a_model_of_a_file_and_a_factory_with_arguments(project, name):
    result = verify("net.toml", "--model", name)
    assert result.exit_code == 0, result.output


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
        ("nets.models:small(", "arguments are literals, positional or named"),
        ("nets.models:loud(1)", "loud() takes 0 positional arguments but 1 was given"),
        ("nets/models.py", "a model in it is nets/models.py:"),
        ("nets/modles.py:small", "there is no file nets/modles.py"),
        ("nets.modles:small", "No module named 'nets.modles'\n"),
        ("sys:exit", "SystemExit"),
        ("nets.models:smal", "has no attribute 'smal'; did you mean small?"),
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


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('input = [1, 8, 8]\nlayers = [{ type = "cnov" }, "relu"]', "unknown-type"),
        (
            'input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 2, kernel_size = 9 }, "relu"]',
            "window-too-large",
        ),
        ('input = [1, 8, 8]\nlayers = ["relu"]\nclaims.parameters = 3', "claim-differs"),
    ],
)
def test_a_file_with_errors_of_its_own_has_these_alone(project, text, code):
    (project / "wrong.toml").write_text(text)
    result = verify("wrong.toml", "--model", "nets.models:wide")
    assert result.exit_code == 1
    assert re.findall(r"error\[(.*?)\]", result.stdout) == [code]
    assert "the file has errors of its own, and the model was not run" in " ".join(result.stdout.split())
    assert verify("wrong.toml", "--model", "nets.models:Lost").exit_code == 1, "it is not even made"


def test_a_warning_of_the_file_is_no_reason_not_to_compare(project):
    (project / "warns.toml").write_text('input = [1, 8, 8]\nlayers = [{ type = "linear", out_features = 3 }, "relu"]')
    result = verify("warns.toml", "--model", "nets.models:wide", "--strict")
    assert "error[linear-on-space]" in result.stdout
    assert "error[model-" in result.stdout


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


def test_a_warning_about_the_model_is_an_error_with_strict(project):
    (project / "picks.py").write_text(
        "from torch import nn\n\n\nclass Picks(nn.Module):\n    def forward(self, x):\n        return x.relu()[:, x[0, :, 0, 0] < 2]\n"
    )
    (project / "relu.toml").write_text('input = [1, 8, 8]\nlayers = ["relu"]\n')
    result = verify("relu.toml", "--model", "picks:Picks")
    assert (result.exit_code, result.stdout.count("warning[depends-on-data]")) == (0, 1)
    result = verify("relu.toml", "--model", "picks:Picks", "--strict")
    assert (result.exit_code, result.stdout.count("error[depends-on-data]")) == (1, 1)


def test_a_part_of_a_model_is_held_by_itself(project):
    (project / "nets" / "whole.py").write_text(
        "from torch import nn\n\nfrom nets.models import small\n\n\nclass Whole(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.features, self.head = small(), nn.Linear(72, 5)\n\n"
        "    def forward(self, x):\n        return self.head(self.features(x).flatten(1))\n"
    )
    assert verify("net.toml", "--model", "nets.whole:Whole").exit_code == 1
    result = verify("net.toml", "--model", "nets.whole:Whole", "--only", "features")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "2 of 2 layers agree with Sequential on" in result.stdout
    assert verify("net.toml", "--model", "nets.whole:Whole", "--only", "head").exit_code == 1


def test_a_file_of_a_later_part_says_which_part_it_is(project):
    (project / "nets" / "late.py").write_text(
        "from torch import nn\n\nfrom nets.models import small\n\n\nclass Late(nn.Module):\n    def __init__(self):\n"
        "        super().__init__()\n        self.stem, self.twin, self.features = nn.Conv2d(3, 1, 1), nn.Sequential(), small()\n"
        "        self.other = nn.Linear(3, 5)\n\n"
        "    def forward(self, x):\n        return self.features(self.stem(x))\n"
    )
    result = verify("net.toml", "--model", "nets.late:Late")
    assert result.exit_code == 1
    assert "the file describes a part of the model: --only features" in " ".join(result.stdout.split())
    assert verify("net.toml", "--model", "nets.late:Late", "--only", "features").exit_code == 0
    other = verify("net.toml", "--model", "nets.late:Late", "--only", "stem")
    assert "model-fails" in other.stdout
    assert "--only" not in other.stdout
    late = (project / "nets" / "late.py").read_text()
    (project / "nets" / "later.py").write_text(late.replace("small()", "nn.Conv2d(1, 7, 1)"))
    no_part = verify("net.toml", "--model", "nets.later:Late")
    assert "model-fails" in no_part.stdout
    assert "--only" not in no_part.stdout


@pytest.mark.parametrize("path", ["featuers", "", "features.9"])
def test_a_part_that_there_is_not_is_2(project, path):
    result = verify("net.toml", "--model", "nets.models:small", "--only", path)
    assert result.exit_code == 2
    assert f"Sequential has no submodule {path!r}; it has 0, 1" in result.stderr
