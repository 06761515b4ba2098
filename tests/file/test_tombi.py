"""Tombi, which editors run, has nothing against a right file, and sees a wrong one; by the committed schema."""

import json
import subprocess
import sysconfig
from pathlib import Path

import pytest
from helpers.paths import ROOT

pytest.importorskip("tombi", reason="tombi is not installed: pip install -e '.[test]'")

TOMBI = Path(sysconfig.get_path("scripts"), "tombi")
SCHEMA = ROOT / "docs" / "architecture.schema.json"
GOOD = sorted(Path(ROOT, "tests", "files", "good").glob("*.toml"))


def found(folder, *files):
    """Lint files in a folder, without the network; return what is found, as (file, line, column, message)."""
    output = folder / "found.json"
    options = ["--offline", "--quiet", "--diagnostics-format", "json-lines", "--diagnostics-file", output]
    subprocess.run([TOMBI, "lint", *options, *files], cwd=folder, check=False)
    return [json.loads(line) for line in output.read_text(encoding="utf-8").splitlines()]


def test_it_has_nothing_against_the_zoo(tmp_path):
    zoo = sorted(Path(ROOT, "architectures").rglob("*.toml"))
    assert all(file.read_text(encoding="utf-8").startswith("#:schema ") for file in zoo)
    assert found(tmp_path, *zoo) == []


def test_it_has_nothing_against_right_files(tmp_path):
    for file in GOOD:
        text = file.read_text(encoding="utf-8")
        tmp_path.joinpath(file.name).write_text(f"#:schema {SCHEMA}\n{text}", encoding="utf-8")
    assert GOOD
    assert found(tmp_path, *(file.name for file in GOOD)) == []


@pytest.mark.parametrize(
    ("layer", "column"),
    [
        ('{ type = "cnov", out_channels = 8 }', 10),
        ('{ name = "a", type = "conv", out_chanels = 8 }', 30),
        ('{ type = "conv", kernel_size = 3.5 }', 32),
        ('{ type = "upsample", mode = "foo" }', 29),
        ('{ type = "relu", allow = "foo" }', 26),
        ('{ type = "relu", out_channels = 3 }', 18),
        ('{ type = "relu", block = "unit" }', 18),
        ('{ block = "unit", repeat = [2] }', 28),
        ('{ name = "a" }', 1),
        ('"rleu"', 1),
    ],
)
def test_it_sees_what_is_wrong(layer, column, tmp_path):
    text = f"#:schema {SCHEMA}\ninput = [3, 8, 8]\nlayers = [\n{layer},\n]\n"
    tmp_path.joinpath("net.toml").write_text(text, encoding="utf-8")
    problems = found(tmp_path, "net.toml")
    assert {problem["level"] for problem in problems} == {"error"}
    assert {"line": 4, "column": column} in [problem["range"]["start"] for problem in problems]
