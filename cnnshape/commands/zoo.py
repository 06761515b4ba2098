"""`cnnshape zoo`: the list of the published networks that come with the package, or the file of one."""

from __future__ import annotations

import click

from cnnshape.commands.shared import completed, echo, format_option


@click.command()
@click.argument("name", required=False, shell_complete=completed("networks"))
@format_option("zoo", "How to print the list.")
def zoo(name: str | None, form: str) -> None:
    """List the published networks that come with cnnshape, or print the file of the one called NAME.

    Wherever a file is expected, zoo:NAME is such a network's; in an include, zoo:blocks/NAME are blocks that they share.
    """
    from cnnshape.file.zoo import PREFIX, find
    from cnnshape.problems.base import Problem
    from cnnshape.show.zoo_list import networks, printed

    if name and form != "table":
        raise click.UsageError("--format is for the list: leave out NAME, or --format")
    if name:
        file = find(PREFIX + name.removeprefix(PREFIX))
        if isinstance(file, Problem):
            raise click.BadParameter(file.message, param_hint="NAME")
        click.echo(printed(file), nl=False)
    elif form == "table":
        from cnnshape.show.table import show_zoo

        show_zoo([*networks()])
    else:
        echo(form, "zoo", [*networks()])
