"""The tutorial "How to add a layer type" of CONTRIBUTING.md, done as it says in a copy of the repository."""

import json
import re
import shlex
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("torch")

from helpers.paths import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTION = PAGE.partition("## How to add a layer type\n")[2].partition("\n## ")[0]

RUN = """
import json, sys
from click.testing import CliRunner
from cnnshape.cli import main
results = [CliRunner().invoke(main, words) for words in json.loads(sys.argv[1])]
print(json.dumps([[result.exit_code, result.output] for result in results]))
"""


def blocks(language):
    """The fenced blocks of a language, in order, without the indent of the list that they may stand in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", SECTION, re.MULTILINE | re.DOTALL)
    return [re.sub(f"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


@pytest.fixture
def checkout(tmp_path):
    for name in ("cnnshape", "docs", "tests/properties", "tests/helpers", "tests/file"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "tests/conftest.py"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder, *words):
    """Run Python in the folder, whose cnnshape it finds; return what it prints."""
    done = subprocess.run([sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def commands(folder, *lines):
    """Run lines of `cnnshape ...` in one process; return what each prints."""
    results = json.loads(run(folder, "-c", RUN, json.dumps([shlex.split(line)[1:] for line in lines])))
    assert [(line, output) for line, (status, output) in zip(lines, results, strict=True) if status] == []
    return [output for _, output in results]


def insert(path, before, text):
    """Put a text into a file, before the last line that is as given."""
    front, line, back = path.read_text(encoding="utf-8").rpartition(before)
    path.write_text(front + text + line + back, encoding="utf-8")


def test_the_tutorial_does_what_it_says(checkout):
    layer, cases, nets = blocks("python")
    file = re.search(r"at the end of `(\w+\.py)`", SECTION)[1]
    source = checkout / "cnnshape" / "layers" / file
    source.write_text(source.read_text(encoding="utf-8") + "\n\n" + layer, encoding="utf-8")
    insert(checkout / "tests" / "properties" / "cases.py", "}\n\nALWAYS = ", cases)
    (checkout / "nets.py").write_text(nets, encoding="utf-8")
    (toml,) = blocks("toml")
    (checkout / "padded.toml").write_text(toml, encoding="utf-8")

    made = [line.split(" > ") for (text,) in [blocks("sh")] for line in text.splitlines()]
    for (_, name), output in zip(made, commands(checkout, *(line for line, _ in made)), strict=True):
        assert "zero_pad" in output
        (checkout / name).write_text(output, encoding="utf-8")

    (console,) = blocks("console")
    *shown, (tests, *_) = [part.splitlines() for part in re.split(r"^\$ ", console, flags=re.MULTILINE)[1:]]
    for (line, *expected), output in zip(shown, commands(checkout, *(line for line, *_ in shown)), strict=True):
        printed = iter(map(str.rstrip, output.splitlines()))
        assert all(text in printed for text in expected if text != "..."), f"{line}\n{output}"
    assert re.search(r"\d+ passed", run(checkout, *shlex.split(tests)[1:]))
