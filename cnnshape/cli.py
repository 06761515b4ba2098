"""The command line: arguments in, checked nets out. What a command needs, it imports in its body."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from errno import EPIPE
from inspect import cleandoc
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from cnnshape import __version__

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.compare.match import Comparison
    from cnnshape.layers import Layer
    from cnnshape.layers.parameters import Parameter
    from cnnshape.network.arithmetic import Explanation
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape
    from cnnshape.pytorch.crosscheck import Verification
    from cnnshape.show.checked import Checked
    from cnnshape.show.sizes import Answer


class _Commands(click.Group):
    """The commands, for which there must be somewhere to print."""

    def invoke(self, ctx: click.Context) -> Any:
        if sys.stdout is None:
            raise click.UsageError("standard output is closed")
        try:
            return super().invoke(ctx)
        except OSError as error:
            if error.errno == EPIPE:  # whoever read it has enough: click's business
                raise
            raise click.UsageError(f"{error.filename or 'standard output'}: {error.strerror}") from None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnnshape")
def main() -> None:
    """Know every shape in a convolutional net before anyone builds it."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may have letters that the terminal does not


INPUT = click.option(
    "--input",
    "given",
    multiple=True,
    metavar="SHAPE",
    help="Check at this input, written as the file writes shapes: 227x227x3; for one of several inputs: left=1x64x64.",
)
FORMAT = click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown", "github", "junit"]),
    default="table",
    help="What to print.",
    show_default=True,
)
DEVICE = click.option(
    "--device",
    type=click.Choice(["auto", "cuda", "mps", "cpu", "meta"]),
    default="auto",
    help="Where torch runs.",
    show_default=True,
)
STRICT = click.option("--strict", is_flag=True, help="Make warnings errors, and dropped rows and columns a warning.")
DEPTH = click.option(
    "--depth", type=click.IntRange(min=1), default=1, help="How many levels of blocks to unfold.", show_default=True
)


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@INPUT
@FORMAT
@DEVICE
@click.option(
    "--torch/--no-torch", "wanted", default=None, help="Ask torch about every layer, too; left out: if it is installed."
)
@STRICT
@DEPTH
def check(  # noqa: PLR0913, PLR0917 -- click's way
    files: tuple[str, ...],
    given: tuple[str, ...],
    form: str,
    device: str,
    wanted: bool | None,
    strict: bool,
    depth: int,
) -> None:
    """Check architecture files: all shapes, counts, expectations and claims, and every layer against torch.

    The exit status is 0 where all is well, 1 where problems were found, 2 where a file or the command line could not
    be used.
    """
    from cnnshape.build.build import build
    from cnnshape.file.reader import read
    from cnnshape.show.checked import Checked

    unverified = _why_not_torch(wanted)
    nets = [build(read(file)) for file in files]
    inputs = [_inputs(net, given) for net in nets]

    def run(net: Network, shapes: dict[str, Shape] | None) -> Checked:
        report = net.check(shapes, strict=strict)
        why = unverified or ("" if report.layers else "there are no layers")
        return Checked(net, report, None if why else _verified(net, report, device), why, declared=shapes is None)

    _finish(map(run, nets, inputs), form, depth)


@main.command()
@click.argument("file", metavar="FILE")
@click.option(
    "--model",
    "made_by",
    required=True,
    metavar="MODULE:NAME",
    help="What makes the model, a class or a function without arguments, or the model itself: my_package.nets:ResNet.",
)
@INPUT
@FORMAT
@DEVICE
@STRICT
@DEPTH
def verify(  # noqa: PLR0913, PLR0917 -- click's way
    file: str, made_by: str, given: tuple[str, ...], form: str, device: str, strict: bool, depth: int
) -> None:
    """Hold a torch model against an architecture file: run it once, and match its layers to the file's.

    The code is looked for in the working directory, too. The exit status is 0 where the file holds, and the model is
    what it says; 1 where not; 2 where the file, the model or the command line could not be used.
    """
    from cnnshape.build.build import build
    from cnnshape.file.reader import read
    from cnnshape.show.checked import Checked

    _why_not_torch(wanted=True)
    net = build(read(file))
    shapes = _inputs(net, given)
    report = net.check(shapes, strict=strict)
    comparison = _compared(net, report, made_by, device) if report.inputs else None
    _finish([Checked(net, report, None, "", shapes is None, comparison)], form, depth)


def _finish(checks: Iterable[Checked], form: str, depth: int) -> None:
    """Print what was found, and exit with its status."""
    if form == "table":
        from cnnshape.show.table import show

        done = show(checks, depth)
    else:
        from cnnshape.show.formats import FORMATS

        done = list(checks)
        click.echo(FORMATS[form](done, depth), nl=False)
        if form == "csv":  # which has no place for them
            for problem in (problem for checked in done for problem in checked.problems):
                click.echo(repr(problem), err=True)
    sys.exit(max(map(_status, done)))


@main.command()
@click.argument("file", metavar="FILE")
@click.option("--exact", is_flag=True, help="Only the sizes at which every window fits, so that no layer drops a row.")
@click.option("--output", "sides", metavar="SIDES", help="Only the sizes that give this output, without channels: 6x6.")
@click.option("--layer", metavar="NAME", help="The layer whose output --output is, if not the last.")
@click.option("--vary", metavar="NAME", help="The input whose sides vary, where there are several that differ.")
@click.option("--layers", "listed", is_flag=True, help="List the layers: output in closed form, and receptive field.")
@click.option(
    "--format", "form", type=click.Choice(["table", "json"]), default="table", help="What to print.", show_default=True
)
def sizes(  # noqa: PLR0913, PLR0917 -- click's way
    file: str, exact: bool, sides: str | None, layer: str | None, vary: str | None, listed: bool, form: str
) -> None:
    """Say which input sizes a net accepts: the exact set of them, and the layers that make it what it is.

    The exit status is 0 where there are valid sizes, 1 where there are none, or the file has errors, or there is no
    closed form; 2 where the file or the command line could not be used.
    """
    from cnnshape.build.build import build
    from cnnshape.file.reader import read
    from cnnshape.numbers.shape import CHANNELS_FIRST, parse
    from cnnshape.show.sizes import Question, answered, as_json, facts, layer_rows

    try:
        output = parse(sides, CHANNELS_FIRST) if sides is not None else None
        answer = answered(build(read(file)), Question(exact, output, layer, vary))
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if form == "json":
        click.echo(as_json(answer), nl=False)
    else:
        from cnnshape.show.table import show_sizes

        show_sizes(answer, facts(answer), layer_rows(answer) if listed and answer.sizes is not None else [])
    sys.exit(_status(answer))


@main.command()
@click.argument("file", metavar="FILE")
@click.argument("layer", metavar="LAYER")
@click.option("--input", "given", multiple=True, metavar="SHAPE", help="Explain at this input, written as for check.")
def explain(file: str, layer: str, given: tuple[str, ...]) -> None:
    """Say where the numbers of a layer come from: each rule in names, in numbers, and its result.

    LAYER is called as in the table of check, dotted where it stands in a block. The exit status is 1 where the layer
    fails, or where it is not known what enters.
    """
    from cnnshape.build.build import build
    from cnnshape.file.reader import read
    from cnnshape.network.explain import explain

    net = build(read(file))
    if net.problems and not net.nodes:
        raise click.UsageError("\n".join(map(repr, net.problems)))
    inputs = _inputs(net, given)
    try:
        explanation = explain(net, layer, inputs)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="LAYER") from None
    _print(explanation)


class _Types(click.Group):
    """The layer types whose rule is about sides: each is a command, made of its class when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's way
        from cnnshape.network.calc import calculable

        return list(calculable())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        from cnnshape.layers import TYPES
        from cnnshape.network.calc import calculable
        from cnnshape.problems.suggest import suggest
        from cnnshape.problems.wording import suggested

        kinds = calculable()
        if cmd_name not in kinds:
            no_type = suggested(f"there is no layer type {cmd_name}", suggest(cmd_name, kinds))
            other = f"{cmd_name} is not about sides alone; those that are: {', '.join(kinds)}"
            raise click.UsageError(other if cmd_name in TYPES else no_type, ctx)
        return _calculator(kinds[cmd_name])


@main.command(cls=_Types, subcommand_metavar="TYPE SIDES [OPTIONS]")
def calc() -> None:
    """Compute the sides that come out of one layer, without a file, and show the formula with its numbers.

    SIDES are those that enter: 227, 227x227 or 16x112x112. What differs by axis is written in the same way,
    --kernel-size 3x5; what differs at both ends of an axis, with a comma, --padding 1,2. The exit status is 1 where the
    layer does not take the sides.
    """


def _calculator(kind: type[Layer]) -> click.Command:
    """Make the command of a layer type, with an option for each parameter that bears on sides."""
    from cnnshape.network.calc import calculate, options
    from cnnshape.numbers.shape import CHANNELS_FIRST, parse

    def run(sides: str, **given: str | bool | None) -> None:
        settings = {name: value for name, value in given.items() if value is not None and value is not False}
        try:
            explanation = calculate(kind, parse(sides, CHANNELS_FIRST), settings)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
        _print(explanation)

    about = cleandoc(kind.__doc__ or "").partition("\n\n")[2]
    return click.Command(
        kind.type,
        params=[click.Argument(["sides"], metavar="SIDES"), *map(_option, options(kind).values())],
        callback=run,
        help=f"{kind.summary()}\n\n\b\n{about}",
        short_help=kind.summary(),
    )


def _option(parameter: Parameter[Any]) -> click.Option:
    from cnnshape.file.schema import left_out
    from cnnshape.layers.parameters import Flag

    return click.Option(
        [f"--{parameter.name.replace('_', '-')}"],
        is_flag=isinstance(parameter, Flag) or None,  # False would have it that -1 is no value
        required=parameter.required,
        metavar="VALUE",
        help="; ".join(filter(None, [parameter.kind, "" if parameter.required else left_out(parameter)])),
    )


def _print(explanation: Explanation) -> None:
    click.echo(str(explanation))
    sys.exit(0 if explanation.ok else 1)


@main.command()
@click.argument("name", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    help="How to print the list.",
    show_default=True,
)
def zoo(name: str | None, form: str) -> None:
    """List the published networks that come with cnnshape, or print the file of the one called NAME.

    Wherever a file is expected, zoo:NAME is such a network's; in an include, zoo:blocks/NAME are blocks that they share.
    """
    from cnnshape.file.zoo import PREFIX, find
    from cnnshape.problems.base import Problem
    from cnnshape.show import listing

    if name and form != "table":
        raise click.UsageError("--format is for the list: leave out NAME, or --format")
    if name:
        file = find(PREFIX + name.removeprefix(PREFIX))
        if isinstance(file, Problem):
            raise click.BadParameter(file.message, param_hint="NAME")
        click.echo(listing.printed(file), nl=False)
    elif form == "table":
        from cnnshape.show.table import show_zoo

        show_zoo([*listing.entries()])
    else:
        from cnnshape.show.formats import ZOO

        click.echo(ZOO[form]([*listing.entries()]), nl=False)


@main.command()
@click.option("--reference", is_flag=True, help="Print the reference of the layer types instead, as Markdown.")
def schema(reference: bool) -> None:
    """Print the JSON Schema of architecture files, for editors that complete and check them."""
    import json

    from cnnshape.file import schema

    click.echo(schema.reference() if reference else json.dumps(schema.schema(), indent=2))


def _why_not_torch(wanted: bool | None) -> str:
    """Say why there is no cross-check, or nothing."""
    from importlib.util import find_spec

    if wanted is False:
        return "--no-torch"
    if find_spec("torch"):
        return ""
    missing = "torch is not installed: pip install 'cnnshape[torch]'"
    if wanted:
        raise click.UsageError(missing)
    return missing


def _verified(net: Network, report: Report, device: str) -> Verification:
    from cnnshape.show.table import progress

    try:
        from cnnshape.pytorch.crosscheck import verify

        with progress(net.file) as shown:
            return verify(net, device, report=report, progress=shown)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--device") from None
    except (ImportError, OSError) as error:
        raise click.UsageError(
            f"torch is installed, but cannot be imported ({error}); --no-torch does without"
        ) from None


def _compared(net: Network, report: Report, made_by: str, device: str) -> Comparison:
    from cnnshape.pytorch.crosscheck import verify
    from cnnshape.pytorch.live import named

    sys.path.insert(0, "")
    with redirect_stdout(sys.stderr):  # what their code prints must not stand within a report
        try:
            model = named(made_by)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--model") from None
        try:
            return verify(net, device, model=model, report=report)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--device") from None


def _inputs(net: Network, given: tuple[str, ...]) -> dict[str, Shape] | None:
    """Return the shapes that --input gives to a net, channels first; None for the declared ones."""
    if not given or not net.nodes:
        return None
    try:
        pairs = [_input(net, entry) for entry in given]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--input") from None
    shapes = dict(pairs)
    if len(shapes) < len(pairs):
        raise click.BadParameter("an input is given twice", param_hint="--input")
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


def _status(answer: Checked | Answer) -> int:
    from cnnshape.problems.reading import Unreadable

    unreadable = any(isinstance(problem, Unreadable) for problem in answer.problems)
    return 2 if unreadable else 0 if answer.ok else 1
