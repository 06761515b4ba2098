"""FILE on the command line: standard input, folders and globs; and what shells complete."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.cli import SMALL, process

import cnnshape
from cnnshape.cli import main

FILES = {"nets/a.toml": SMALL, "nets/b.toml": SMALL.replace("[1, 8, 8]", "[1, 2, 2]"), "c.toml": SMALL}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "nets").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)


def run(*arguments, **how):
    result = CliRunner().invoke(main, arguments, **how)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_standard_input():
    status, output = run("check", "--no-torch", "-", input=SMALL.replace("kernel_size = 3", "kernel_size = 9"))
    assert status == 1
    assert "<stdin>:2:" in output
    assert run("sizes", "-", input=SMALL)[0] == 0
    status, output = run("check", "-", "-", input=SMALL)
    assert status == 2
    assert "- is standard input, which is read once" in output
    assert run("check", "-", input=b"\xff")[0] == 2


def test_a_closed_standard_input():
    code = "import sys; sys.stdin = None\nfrom cnnshape.cli import main; main()"
    with process("check", "-", code=code) as running:
        assert "Error: standard input is closed" in running.stderr.read()
    assert running.returncode == 2


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("target", ["nets", "n*/*.toml"])
def test_a_file_is_parsed_once_to_see_that_it_is_one_and_to_read_it(target, monkeypatch):
    texts = {name: f"{SMALL}# {name} of {target}\n" for name in ("nets/a.toml", "nets/b.toml")}
    for name, text in texts.items():
        Path(name).write_text(text)
    parsed, loads = [], tomllib.loads
    monkeypatch.setattr(tomllib, "loads", lambda text: parsed.append(text) or loads(text))
    assert run("check", "--no-torch", target)[0] == 0
    assert parsed == [*texts.values()]


@pytest.mark.usefixtures("folder")
def test_a_folder_and_a_glob_are_many_files():
    for target in ("nets", "n*/*.toml"):
        status, output = run("check", "--no-torch", target)
        assert status == 1
        assert output.splitlines()[-1] == "2 files: 1 with errors (nets/b.toml)".replace("/", os.sep)
    status, output = run("sizes", "nets")
    assert status == 2
    assert "nets has 2 architecture files: name one, such as nets/a.toml".replace("/", os.sep) in output
    assert run("explain", "nets/a*", "c")[0] == 0
    status, output = run("check", "nowhere/*.toml")
    assert status == 2
    assert "no architecture file matches nowhere/*.toml" in output


def test_files_with_errors_are_listed_up_to_a_limit(tmp_path):
    for n in range(13):
        (tmp_path / f"{n:02}.toml").write_text("layers = []")
    assert run("check", "--no-torch", str(tmp_path))[1].splitlines()[-1].endswith("09.toml, 3 more)")


@pytest.mark.parametrize("name", ["alexnet", "AlexNet", "alexnet.toml"])
def test_a_name_of_the_zoo_is_recognised(name):
    assert "no such file or directory; did you mean zoo:alexnet?" in run("check", "--no-torch", name)[1]
    assert "did you mean" not in run("check", "--no-torch", f"nets/{name}")[1]


LAYERS = [f"plain,{node.name}" for node in cnnshape.load("zoo:resnet18").nodes if node.name.startswith("layer")]
LAYERS = sorted({*LAYERS, *(name.rsplit(".", n)[0] for name in LAYERS for n in (1, 2, 3))})


def completed(*words, shell="bash"):
    """The completions of the last word."""
    env = {"COMP_WORDS": " ".join(["cnnshape", *words]), "COMP_CWORD": str(len(words))}
    code = "from cnnshape.cli import main; main(prog_name='cnnshape')"
    asks = os.environ | env | {"_CNNSHAPE_COMPLETE": f"{shell}_complete"}
    found = subprocess.run([sys.executable, "-c", code], env=asks, capture_output=True, text=True, check=True)
    assert found.stderr == ""
    return found.stdout.split()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["check", "zoo:lenet"], ["plain,lenet5", "plain,lenet5_1998"]),
        (["check", "zoo", ":", "lenet"], ["plain,lenet5", "plain,lenet5_1998"]),  # as bash has it
        (["explain", "zoo", ":", "alexnet", "fc"], ["plain,fc6", "plain,fc7", "plain,fc8"]),
        (["explain", "nets/a.toml", "c"], ["plain,c"]),
        (["explain", "zoo:resnet18", "layer1.0.conv"], ["plain,layer1.0.conv1", "plain,layer1.0.conv2"]),
        (["explain", "zoo:resnet18", "layer"], LAYERS),
        (["sizes", "nets/a.toml", "--layer", "c"], ["plain,c"]),
        (["sizes", "nets/a.toml", "--vary", "i"], ["plain,input"]),
        (["sizes", "--layer", "c"], []),  # the file is not there yet
        (["explain", "-", "c"], []),  # and standard input is the shell's
        (["explain", "nowhere/*.toml", "c"], []),
        (["check", "ne"], ["file,ne"]),
        (["zoo", "lenet"], ["plain,lenet5", "plain,lenet5_1998"]),
        (["zo"], ["plain,zoo"]),
    ],
)
def test_completion(words, found):
    assert completed(*words) == found


def test_completion_for_other_shells():
    assert completed("check", "zoo:lenet", shell="zsh") == ["plain", "zoo:lenet5", "_", "plain", "zoo:lenet5_1998", "_"]
