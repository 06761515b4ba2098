"""The command line, run in this process."""

from inspect import signature

from click.testing import CliRunner

from cnnshape.cli import main

# What is printed and what is said on stderr are apart; click 8.1 has to be told.
APART = {"mix_stderr": False} if "mix_stderr" in signature(CliRunner).parameters else {}


def run(*arguments):
    """Run a command; return its exit status and what it prints. A crash goes on to the test."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output
