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

# Objects between two collections, and these between two of all that is new since: Python's 700 and 10 cost a short
# process a tenth of its time, and a check of a thousand files, which keeps all its nets, another tenth.
gc.set_threshold(50_000, 30)

import click  # noqa: E402 -- it makes many objects

from cnnshape import __version__  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMANDS: Final[dict[str, Any]] = {  # the module of each, and what it is about; click itself reads the names alone
    "calc": ("calc", "One layer without a file: what comes out, and how."),
    "check": ("check", "Every shape, count, expectation and claim of files."),
    "draw": ("draw", "A picture of a net, to scale, or a page with sliders."),
    "explain": ("explain", "Where the numbers of a layer come from; what a code means."),
    "fit": ("fit", "Whether a file of weights fits, without loading it."),
    "import": ("import_", "The file of a model that you have, or of an ONNX graph."),
    "lsp": ("lsp", "The server of editors: problems and shapes as you type."),
    "memory": ("memory", "What training takes, to the byte, and what fits."),
    "schema": ("schema", "The JSON Schema of files, and the generated references."),
    "search": ("search", "The nets of a file with other constants, counted."),
    "sizes": ("sizes", "The input sizes that a net accepts: the exact set."),
    "torch": ("torch", "The code of a net's nn.Module, in plain torch."),
    "verify": ("check", "A torch model held to its file, layer by layer."),
    "zoo": ("zoo", "The published networks that come with cnnshape."),
}


class _Commands(click.Group):
    """The commands; an output that cannot be written is an error of the command line."""

    def main(self, *args: Any, **how: Any) -> Any:
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
        module = import_module(f"cnnshape.commands.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, "import_" if cmd_name == "import" else cmd_name)  # a word of Python's
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 -- click's way
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])

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
