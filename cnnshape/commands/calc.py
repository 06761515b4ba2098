"""`cnnshape calc`: one layer without a file. Each layer type whose rule is about sides is a command of this group."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any

import click

from cnnshape.commands.shared import finish, usage_error

if TYPE_CHECKING:
    from cnnshape.layers import Layer
    from cnnshape.layers.parameters import Parameter


class _Types(click.Group):
    """The layer types; a command is made of a class when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 -- click's way
        from cnnshape.network.calc import calculable

        return list(calculable())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        from cnnshape.layers import TYPES
        from cnnshape.network.calc import calculable
        from cnnshape.problems.suggest import suggest_word
        from cnnshape.problems.wording import suggested

        kinds = calculable()
        if cmd_name not in kinds:
            no_type = suggested(f"there is no layer type {cmd_name}", suggest_word(cmd_name, kinds, "type"))
            other = f"{cmd_name} is not about sides alone; those that are: {', '.join(kinds)}"
            raise click.UsageError(other if cmd_name in TYPES else no_type, ctx)
        return _calculator(kinds[cmd_name])


@click.command(cls=_Types, subcommand_metavar="TYPE SIDES [OPTIONS]")
def calc() -> None:
    """Compute the sides that come out of one layer, without a file, and show the formula with its numbers.

    SIDES are those that enter: 227, 227x227 or 16x112x112. What differs by axis is written in the same way,
    --kernel-size 3x5; what differs at both ends of an axis, with a comma, --padding 1,2. The exit status is 1 where the
    layer does not take the sides.
    """


def _calculator(kind: type[Layer]) -> click.Command:
    """Make the command of a layer type, with an option for each parameter that bears on sides."""
    from cnnshape.network.calc import calculate, options
    from cnnshape.numbers.shape import parse_sizes

    def run(sides: str, **given: str | bool | None) -> None:
        settings = {name: value for name, value in given.items() if value is not None and value is not False}
        with usage_error():
            explanation = calculate(kind, parse_sizes(sides, example="224x224"), settings)
        finish(explanation)

    about = cleandoc(kind.__doc__ or "").partition("\n\n")[2]
    return click.Command(
        kind.type,
        params=[click.Argument(["sides"], metavar="SIDES"), *map(_option, options(kind).values())],
        callback=run,
        help=f"{kind.summary()}\n\n\b\n{about}",
        short_help=kind.summary(),
    )


def _option(parameter: Parameter[Any]) -> click.Option:
    from cnnshape.layers.parameters import Flag

    return click.Option(
        [f"--{parameter.name.replace('_', '-')}"],
        is_flag=isinstance(parameter, Flag) or None,  # False would have it that -1 is no value
        required=parameter.required,
        metavar="VALUE",
        help="; ".join(filter(None, [parameter.kind, "" if parameter.required else parameter.left_out()])),
    )
