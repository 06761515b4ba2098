"""The door `cnnshape`: the group of commands. Each is a file of commands/, imported when it is asked for."""

from __future__ import annotations

import sys
from errno import EPIPE
from importlib import import_module
from io import TextIOWrapper
from typing import Any, Final

import click

from cnnshape import __version__

COMMANDS: Final[dict[str, Any]] = {  # the module of each; click itself reads the names alone
    "calc": "calc",
    "check": "check",
    "explain": "explain",
    "schema": "schema",
    "sizes": "sizes",
    "verify": "check",
    "zoo": "zoo",
}


class _Commands(click.Group):
    """The commands; an output that cannot be written is an error of the command line."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's way
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"cnnshape.commands.{COMMANDS[cmd_name]}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stdout is None:
            raise click.UsageError("standard output is closed")
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == EPIPE:  # the reader has enough: click's business
                raise
            raise click.UsageError(f"{error.filename or 'standard output'}: {error.strerror}") from None


@click.group(cls=_Commands, commands=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnnshape")
def main() -> None:
    """Know every shape in a convolutional net before anyone builds it."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may have letters that the terminal has not
