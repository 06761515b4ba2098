"""The example repository, run as its users would run it; and what a pre-commit hook of ours does."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points

import pytest
from helpers.paths import ROOT

EXAMPLE = ROOT / "examples" / "cifar"
INSTALLED = any(point.name == "cnnshape" for point in entry_points(group="pytest11"))
PLUGIN = [] if INSTALLED else ["-p", "cnnshape.pytest_plugin"]
PIPE = {"FORCE_COLOR", "COLUMNS", "PYTEST_ADDOPTS", "CI", "PYTEST_XDIST_WORKER", "GITHUB_WORKSPACE"}


@pytest.fixture
def repository(tmp_path):
    """A copy of the example."""
    return shutil.copytree(EXAMPLE, tmp_path / "cifar", ignore=shutil.ignore_patterns("__pycache__", ".*_cache"))


def run(folder, *command):
    """Run a Python module in a folder."""
    env = {key: value for key, value in os.environ.items() if key not in PIPE} | {"OMP_NUM_THREADS": "1"}
    env["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_its_tests_pass(repository, torch):
    status, output = run(repository, "pytest", *PLUGIN, "-v")
    assert status == 0, output
    names = re.findall(r"^(\S+) PASSED", output, re.MULTILINE)
    assert "architectures/cifar.toml::stage3.conv2" in names
    assert "tests/test_model.py::test_it_takes_every_size_that_the_file_allows[3x32x32]" in names
    layers = [name for name in names if name.startswith("architectures/cifar.toml::")]
    assert len(layers) == 1 + 29
    assert len(names) == len(layers) + 1 + 4 + 1


def test_its_claim_is_what_torch_counts(torch):
    sys.path.insert(0, str(EXAMPLE))
    try:
        from cifar.model import CifarNet
    finally:
        sys.path.remove(str(EXAMPLE))
    with torch.device("meta"):
        parameters = sum(p.numel() for p in CifarNet().parameters())
    assert f"parameters = {parameters:_}" in (EXAMPLE / "architectures" / "cifar.toml").read_text()


def test_a_mistake_in_the_model_is_named(repository, torch):
    model = repository / "cifar" / "model.py"
    model.write_text(model.read_text().replace("Unit(32, 64, stride=2)", "Unit(32, 64, stride=1)"))
    status, output = run(repository, "pytest", *PLUGIN, "-q", "-p", "no:cacheprovider")
    assert status == 1
    assert "1 failed" in output
    problems = dict(re.findall(r"error\[model-differs\]: (stride .*) in (stages\S+)$", output, re.MULTILINE))
    said = "stride 2, output 64x8x8 in the file, but stride 1, output 64x16x16"
    assert problems == {said: "stages.2.shortcut"}
    assert output.count(said) == len(["conv1", "shortcut"])
    shown = next(line for line in (ROOT / "README.md").read_text().splitlines() if "error[model-differs]" in line)
    assert f"{shown}\n" in output


def test_a_mistake_in_the_file_is_named(repository):
    file = repository / "architectures" / "cifar.toml"
    file.write_text(file.read_text().replace("[64, 8, 8]", "[64, 9, 9]"))
    status, output = run(repository, "pytest", *PLUGIN, "-rf", "--cnnshape-no-torch", "architectures/cifar.toml")
    assert status == 1
    failed = re.findall(r"^FAILED (\S+) - error\[(\S+)\]", output, re.MULTILINE)
    assert failed == [("architectures/cifar.toml::stage3.relu2", "expect-differs")]
    assert "expected 64 x 9 x 9, but it is 64 x 8 x 8" in output


def test_the_commands_of_its_workflow(repository, torch):
    workflow = (repository / ".github" / "workflows" / "shapes.yml").read_text()
    commands = re.findall(r"- run: (cnnshape .*)", workflow)
    check, verify = (
        command.replace("architectures/*.toml", "architectures/cifar.toml").split() for command in commands
    )
    for command in (check, verify):
        assert run(repository, *command) == (0, "architectures/cifar.toml: no problems\n")
    model = repository / "cifar" / "model.py"
    model.write_text(model.read_text().replace("classes: int = 10", "classes: int = 100"))
    status, output = run(repository, *verify)
    assert status == 1
    lines = (repository / "architectures" / "cifar.toml").read_text().splitlines()
    row = next(row for row, line in enumerate(lines, start=1) if '"head"' in line)
    column = lines[row - 1].index("10 }") + 1
    place = f"file=architectures/cifar.toml,line={row},col={column},endLine={row},endColumn={column + 2}"
    assert output.startswith(f"::error {place},title=head%3A model-differs::out_features 10, 650 parameters")


def test_the_pre_commit_hook():
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    (entry,), (files,) = (re.findall(rf"^  {key}: (.*)$", text, re.MULTILINE) for key in ("entry", "files"))
    names = [*(path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/**/*.toml")), "pyproject.toml"]
    chosen = [name for name in names if re.search(files, name)]
    assert "architectures/resnet50.toml" in chosen
    assert not any("blocks" in name or "tests" in name or "pyproject" in name for name in chosen)
    program, *words = entry.split()
    assert program == "cnnshape"
    status, output = run(ROOT, program, *words, *chosen[:3])
    assert status == 0, output
