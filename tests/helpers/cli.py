"""The command line, run in this process."""

from click.testing import CliRunner

from cnnshape.cli import main


def run(*arguments):
    """Run a command; return its exit status and what it prints. A crash goes on to the test."""
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output
