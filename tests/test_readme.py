"""The README's examples, as they stand there."""

import os
import re
import shlex
import subprocess
import sys
import tomllib

import pytest
from helpers.paths import ROOT

import cnnshape

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)


ASKS_TORCH = re.compile(r"import torch|from torch|cnnshape\.verify|agree with torch|--model")


@pytest.fixture(autouse=True)
def _torch_where_it_is_asked(request):
    block = getattr(request.node, "callspec", None)
    if block and ASKS_TORCH.search(block.params["block"]):
        request.getfixturevalue("torch")


def plain(text):
    """The text without what depends on the machine: torch's version and device, spaces at line ends."""
    text = re.sub(r"torch \d\S* on \w+", "torch VERSION on DEVICE", text)
    return [line.rstrip() for line in text.strip().splitlines()]


@pytest.mark.parametrize("block", blocks("console"))
def test_command_prints_what_the_readme_shows(block):
    command, _, shown = block.removeprefix("$ ").partition("\n")
    words = [sys.executable, "-m", *shlex.split(command)]
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert plain(done.stdout + done.stderr) == plain(shown)


@pytest.mark.parametrize("block", [b for b in blocks("toml") if "layers" in tomllib.loads(b)])
def test_file_is_good(block):
    report = cnnshape.loads(block).check()
    assert report.problems == ()


@pytest.mark.parametrize("block", blocks("python"))
def test_python_runs(block, monkeypatch):
    monkeypatch.chdir(ROOT)
    exec(compile(block, "README.md", "exec"), {})


def test_commands_to_paste_are_one_line_each():
    assert [block.count("\n") for block in blocks("sh")] == [1, 1]


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    missing = [link for link in links if not link.startswith("http") and not (ROOT / link).exists()]
    assert missing == []
    assert len(links) > 3
