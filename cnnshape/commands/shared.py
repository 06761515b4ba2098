"""Shared by the commands: options, the nets and inputs that these name, errors of usage, exit statuses."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from cnnshape.problems.wording import printable
from cnnshape.records import NamedTuple
from cnnshape.show.formats.registry import choices, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from click.shell_completion import CompletionItem

    from cnnshape.convert.other_sizes import Source
    from cnnshape.file.targets import Live
    from cnnshape.network.arithmetic import Explanation
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem
    from cnnshape.show.checked import Checked
    from cnnshape.show.sizes.answer import Answer


class Built(NamedTuple):
    """A net of a FILE, and the shapes that --input gives it, None for the declared ones."""

    net: Network
    shapes: dict[str, Shape] | None
    source: Source | None = None  # a live model, or a graph


def completed(by: str) -> Callable[[click.Context, click.Parameter, str], list[CompletionItem]]:
    """Return the completion of an argument or option, by a function of commands/completion.py."""

    def complete(context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from cnnshape.commands import completion

        found: list[CompletionItem] = getattr(completion, by)(context, incomplete)
        return found

    return complete


STDIN: Final = "-"  # as FILE
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cuda", "mps", "cpu", "meta"]),
    default="auto",
    help="Where torch runs.",
    show_default=True,
)
BATCH = click.IntRange(1, 2**63 - 1)  # samples that torch can count
STRICT = click.option("--strict", is_flag=True, help="Make warnings errors, and dropped rows and columns a warning.")
FILE = click.argument("file", metavar="FILE", shell_complete=completed("files"))
OF_MODEL = click.option(
    "--input", "given", multiple=True, metavar="SHAPE", help="The input of a live model, channels first: 3x224x224."
)
FORCE = click.option("--force", is_flag=True, help="Write over a file that is there.")
DEPTH = click.option(
    "--depth", type=click.IntRange(min=1), default=1, help="How many levels of blocks to unfold.", show_default=True
)


WATCH = click.option("--watch", "watched", is_flag=True, help="Run anew whenever a file changes; Ctrl-C ends it.")


def format_option(command: str, about: str = "What to print.") -> Callable[[Any], Any]:
    """Return the option --format of a command, with the formats that serve it."""
    return click.option(
        "--format", "form", type=click.Choice(choices(command)), default="table", help=about, show_default=True
    )


def kept(output: str | None, force: bool) -> None:
    """Raise ValueError where a file that is there would be written over."""
    from pathlib import Path

    if output and Path(output).is_file() and not force:
        raise ValueError(f"{output} is there already: --force writes over it")


@contextmanager
def usage_error(option: str = "") -> Iterator[None]:
    """Report a ValueError as an error of an option or argument, or of the command line as a whole."""
    try:
        yield
    except ValueError as error:
        message = printable(str(error))
        raise (click.BadParameter(message, param_hint=option) if option else click.UsageError(message)) from None


def of_problems(problems: Iterable[Problem]) -> click.UsageError:
    """Return the error that says what is wrong with a file, a line for each problem."""
    return click.UsageError("\n".join(printable(repr(problem)) for problem in problems))


def all_built(targets: tuple[str, ...], given: tuple[str, ...]) -> list[Built]:
    """Return the nets of FILE..., in order, with what --input gives them; their problems are the nets'."""
    if targets.count(STDIN) > 1:
        raise click.UsageError(f"{STDIN} is standard input, which is read once")
    return [_built(file, given) for target in targets for file in _files(target)]


def _files(target: str) -> Iterator[str | Live]:
    """Yield the files that FILE names, or the one live model."""
    from cnnshape.file.targets import files, live

    with usage_error():
        model = live(target)
        yield from [model] if model else files(target)


def of_model(target: str, given: tuple[str, ...]) -> Built:
    """Return the net of a FILE that is to be one file, or of a live model, which alone has an --input."""
    from cnnshape.file.targets import ONNX, live

    with usage_error():
        if given and not target.endswith(ONNX) and not live(target):
            raise ValueError(f"--input is for a live model, and {target} is none")
    return built(target, given)


def built(target: str, given: tuple[str, ...]) -> Built:
    """Return the net of a FILE that is to be one file, with what --input gives it; its problems are the net's."""
    with usage_error():
        file, *others = _files(target)
        if others:
            raise ValueError(f"{target} has {len(others) + 1} architecture files: name one, such as {file}")
    return _built(file, given)


def _built(file: str | Live, given: tuple[str, ...]) -> Built:
    if not isinstance(file, str):
        from cnnshape.commands.live import network

        with usage_error():
            net, source = network(file, shapes_of_model(given))
        return Built(net, None, source)
    from cnnshape.file.targets import ONNX

    if file.endswith(ONNX):
        from cnnshape.commands.live import network_of_onnx

        with usage_error():
            net, source = network_of_onnx(file, shapes_of_model(given))
        return Built(net, None, source)
    from cnnshape.diagnosis.door import network as of_file
    from cnnshape.file.reader import read, read_text

    net = of_file(read_text(standard_input(), "<stdin>") if file == STDIN else read(file))
    return Built(net, inputs(net, given))


def standard_input() -> bytes:
    from cnnshape.file.source import LIMIT

    if sys.stdin is None:
        raise click.UsageError("standard input is closed")
    return sys.stdin.buffer.read(LIMIT + 1)


def inputs(net: Network, given: tuple[str, ...]) -> dict[str, Shape] | None:
    """Return the shapes that --input gives to a net, channels first; None for the declared ones."""
    if not given or not net.nodes:
        return None
    with usage_error("--input"):
        pairs = [_input(net, entry) for entry in given]
    shapes = dict(pairs)
    if len(shapes) < len(pairs):
        raise click.BadParameter("an input is given twice", param_hint="--input")
    return shapes


def shapes_of_model(given: tuple[str, ...]) -> dict[str, Shape]:
    """Return the shapes that --input gives to a live model: of one input, or of several by their names, channels first."""
    from cnnshape.numbers.shape import CHANNELS_FIRST, parse

    with usage_error("--input"):
        pairs = [entry.rpartition("=") for entry in given]
        shapes = {name or "input": parse(size, CHANNELS_FIRST) for name, _, size in pairs}
        if len(shapes) < len(pairs):
            raise ValueError("an input is given twice; of several, each has a name: left=1x64x64")
    return shapes


def _input(net: Network, entry: str) -> tuple[str, Shape]:
    """Read one --input, a shape or NAME=SHAPE. Raises ValueError."""
    from cnnshape.numbers.shape import parse

    name, named, size = entry.rpartition("=")
    first, *others = net.inputs
    if others and not named:
        raise ValueError(f"{net.file} has the inputs {', '.join(net.inputs)}: say which, as {first}={size}")
    if named and name not in net.inputs:
        raise ValueError(f"{net.file} has no input {name!r}; it has {', '.join(net.inputs)}")
    return name or first, parse(size, net.layout)


def echo(form: str, command: str, *found: Any) -> None:
    """Print the findings of a command in a format for other programs."""
    text, beside = written(form, command, *found)
    click.echo(text, nl=False)
    click.echo(beside, nl=False, err=True)


def finish(explanation: Explanation) -> None:
    """Print an explanation, and exit with 1 where its layer fails."""
    click.echo("\n".join(map(printable, str(explanation).split("\n"))))
    sys.exit(0 if explanation.ok else 1)


def status(found: Checked | Answer) -> int:
    """Return the exit status: 2 where the file could not be read, 1 where it has errors, 0 where all is well."""
    from cnnshape.problems import reading

    unreadable = any(isinstance(problem, reading.Unreadable) for problem in found.problems)
    return 2 if unreadable else 0 if found.ok else 1
