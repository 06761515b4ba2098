"""The door `cnnshape`: the group of commands. Each is a file of commands/, imported when it is asked for."""

from __future__ import annotations

import atexit
import gc
import os
import sys
from contextlib import contextmanager
from errno import EPIPE
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, Final

import click

from cnnshape import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS: Final[dict[str, Any]] = {  # the module of each; click itself reads the names alone
    "calc": "calc",
    "check": "check",
    "draw": "draw",
    "explain": "explain",
    "fit": "fit",
    "import": "import_",
    "lsp": "lsp",
    "memory": "memory",
    "schema": "schema",
    "search": "search",
    "sizes": "sizes",
    "torch": "torch",
    "verify": "check",
    "zoo": "zoo",
}

FEW_COLLECTIONS: Final = 50_000  # objects between two: the 700 of Python cost a short process a tenth of its time


class _Commands(click.Group):
    """The commands; an output that cannot be written is an error of the command line."""

    def main(self, *args: Any, **how: Any) -> Any:
        gc.set_threshold(FEW_COLLECTIONS)
        atexit.register(gc.freeze)  # what is left at the end need not be looked through: the memory goes as a whole
        if "_CNNSHAPE_COMPLETE" in os.environ:  # a shell asks, as click has it
            import_module("cnnshape.commands.completion")
        try:
            return super().main(*args, **how)
        except OSError:  # standard error cannot be written either: there is nobody to tell
            sys.exit(2)

    def make_context(self, *args: Any, **how: Any) -> click.Context:
        with _unwritable():
            return super().make_context(*args, **how)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 -- click's way
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"cnnshape.commands.{COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, "import_" if cmd_name == "import" else cmd_name)  # a word of Python's
        return command

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stdout is None:
            raise click.UsageError("standard output is closed")
        with _unwritable():
            return super().invoke(ctx)


@contextmanager
def _unwritable() -> Iterator[None]:
    """Report what cannot be written, of a command or of --help, as an error of usage."""
    try:
        yield
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
