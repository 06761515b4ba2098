"""The command line: arguments in, checked nets out. What a command needs, it imports in its body."""

from __future__ import annotations

import sys
from inspect import cleandoc
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import click

from cnnshape import __version__

if TYPE_CHECKING:
    from cnnshape.crosscheck import Verification
    from cnnshape.explain import Explanation
    from cnnshape.layers import Layer
    from cnnshape.network import Network, Report
    from cnnshape.parameters import Parameter, Shape
    from cnnshape.view import Checked


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="cnnshape")
def main() -> None:
    """Know every shape in a convolutional net before anyone builds it."""
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names may have letters that the terminal does not


@main.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="SHAPE",
    help="Check at this input, written as the file writes shapes: 227x227x3; for one of several inputs: left=1x64x64.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv", "markdown"]),
    default="table",
    help="What to print.",
    show_default=True,
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cuda", "mps", "cpu", "meta"]),
    default="auto",
    help="Where torch runs.",
    show_default=True,
)
@click.option(
    "--torch/--no-torch", "wanted", default=None, help="Ask torch about every layer, too; left out: if it is installed."
)
@click.option("--strict", is_flag=True, help="Make warnings errors, and dropped rows and columns a warning.")
@click.option(
    "--depth", type=click.IntRange(min=1), default=1, help="How many levels of blocks to unfold.", show_default=True
)
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
    from cnnshape.build import build
    from cnnshape.reader import read
    from cnnshape.view import Checked

    unverified = _why_not_torch(wanted)
    nets = [build(read(file)) for file in files]
    inputs = [_inputs(net, given) for net in nets]

    def run(net: Network, shapes: dict[str, Shape] | None) -> Checked:
        report = net.check(shapes, strict=strict)
        why = unverified or ("" if report.layers else "there are no layers")
        return Checked(net, report, None if why else _verified(net, report, device), why, declared=shapes is None)

    checks = map(run, nets, inputs)
    if form == "table":
        from cnnshape.table import show

        done = show(checks, depth)
    else:
        from cnnshape.formats import FORMATS

        done = list(checks)
        click.echo(FORMATS[form](done, depth), nl=False)
        if form == "csv":  # which has no place for them
            for problem in (problem for checked in done for problem in checked.problems):
                click.echo(repr(problem), err=True)
    sys.exit(max(map(_status, done)))


@main.command()
@click.argument("file", metavar="FILE")
@click.argument("layer", metavar="LAYER")
@click.option("--input", "given", multiple=True, metavar="SHAPE", help="Explain at this input, written as for check.")
def explain(file: str, layer: str, given: tuple[str, ...]) -> None:
    """Say where the numbers of a layer come from: each rule in names, in numbers, and its result.

    LAYER is called as in the table of check, dotted where it stands in a block. The exit status is 1 where the layer
    fails, or where it is not known what enters.
    """
    from cnnshape.build import build
    from cnnshape.explain import explain
    from cnnshape.reader import read

    net = build(read(file))
    if not net.nodes:
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
        from cnnshape.explain import calculable

        return list(calculable())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        from cnnshape.explain import calculable
        from cnnshape.layers import TYPES
        from cnnshape.reader import hint

        kinds = calculable()
        if cmd_name not in kinds:
            no_type = f"there is no layer type {cmd_name}{hint(cmd_name, kinds)}"
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
    from cnnshape.explain import calculate, options
    from cnnshape.layout import CHANNELS_FIRST, parse

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
    from cnnshape.parameters import Flag
    from cnnshape.schema import left_out

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
@click.option("--reference", is_flag=True, help="Print the reference of the layer types instead, as Markdown.")
def schema(reference: bool) -> None:
    """Print the JSON Schema of architecture files, for editors that complete and check them."""
    import json

    from cnnshape import schema

    click.echo(schema.reference() if reference else json.dumps(schema.schema(), indent=2))


def _why_not_torch(wanted: bool | None) -> str:
    """Say why there is no cross-check, or nothing."""
    from importlib.util import find_spec

    if wanted is False:
        return "--no-torch"
    if find_spec("torch"):
        return ""
    if wanted:
        raise click.UsageError("torch is not installed: pip install 'cnnshape[torch]', or leave out --torch")
    return "torch is not installed: pip install 'cnnshape[torch]'"


def _verified(net: Network, report: Report, device: str) -> Verification:
    from cnnshape.table import progress

    try:
        from cnnshape.crosscheck import verify

        with progress(net.file) as shown:
            return verify(net, device, report=report, progress=shown)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--device") from None
    except (ImportError, OSError) as error:
        raise click.UsageError(
            f"torch is installed, but cannot be imported ({error}); --no-torch does without"
        ) from None


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
    from cnnshape.layout import parse

    name, named, size = entry.rpartition("=")
    first, *others = net.inputs
    if others and not named:
        raise ValueError(f"{net.file} has the inputs {', '.join(net.inputs)}: say which, as {first}={size}")
    if named and name not in net.inputs:
        raise ValueError(f"{net.file} has no input {name!r}; it has {', '.join(net.inputs)}")
    return name or first, parse(size, net.layout)


def _status(checked: Checked) -> int:
    unreadable = any(problem.code == "unreadable" for problem in checked.problems)
    return 2 if unreadable else 0 if checked.ok else 1
