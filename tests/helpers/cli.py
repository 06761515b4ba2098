"""The command line, run in this process or in one of its own; and files to give it."""

import os
import subprocess
import sys
from inspect import signature

from click import testing

from cnnshape.cli import main
from helpers.paths import ROOT


class CliRunner(testing.CliRunner):
    """Click's runner, with standard error apart from standard output, which click before 8.2 does only if asked."""

    def __init__(self, **how):
        apart = {"mix_stderr": False} if "mix_stderr" in signature(testing.CliRunner).parameters else {}
        super().__init__(**apart, **how)


PLAIN = {"COLUMNS": None, "FORCE_COLOR": None, "NO_COLOR": None}

SMALL = 'input = [1, 8, 8]\nlayers = [{ name = "c", type = "conv", out_channels = 2, kernel_size = 3 }]\n'

TWO = """
inputs = { left = [1, 64, 64], right = [3, 64, 64] }
layers = [
  { name = "l", type = "conv", out_channels = 2, kernel_size = 3, from = "left" },
  { name = "r", type = "conv", out_channels = 2, kernel_size = 3, from = "right" },
  { name = "both", type = "concat", from = ["l", "r"] },
]
"""


def run(*arguments):
    """Run a command; return its exit status and what it prints. A crash goes on to the test."""
    result = testing.CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def check(*args, torch=False, **env):
    """Run `cnnshape check`, without torch unless the test is about it."""
    args = [*map(str, args), *([] if torch else ["--no-torch"])]
    return CliRunner(env=PLAIN | env).invoke(main, ["check", *args])


def process(*args, code="from cnnshape.cli import main; main()", without=PLAIN, **how):
    """Start the command line as a process of its own."""
    env = {key: value for key, value in os.environ.items() if key not in without}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, args)], cwd=ROOT, env=env, stderr=subprocess.PIPE, text=True, **how
    )


def write(folder, text, name="net.toml"):
    path = folder / name
    path.write_text(text)
    return path


def verify(*args, **how):
    return testing.CliRunner(env={"COLUMNS": "120", "NO_COLOR": "1"}).invoke(main, ["verify", *map(str, args)], **how)
