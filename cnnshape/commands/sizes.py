"""`cnnshape sizes`: the input sizes that a net accepts."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cnnshape.commands.shared import (
    FILE,
    OF_MODEL,
    WATCH,
    completed,
    echo,
    format_option,
    of_model,
    status,
    usage_error,
)

if TYPE_CHECKING:
    from cnnshape.show.sizes.answer import Answer


@click.command()
@FILE
@click.option("--exact", is_flag=True, help="Only the sizes at which every window fits, so that no layer drops a row.")
@click.option(
    "--output",
    "sides",
    metavar="SIDES",
    help="Only the sizes that give this output, without channels: 6x6; 1x* leaves a side free.",
)
@click.option(
    "--same", is_flag=True, help="Only the sizes that come back as they went in: the output's sides are the input's."
)
@click.option(
    "--layer",
    metavar="NAME",
    shell_complete=completed("layers"),
    help="The layer whose output --output and --same are about, if not the last.",
)
@click.option(
    "--vary",
    metavar="NAME",
    shell_complete=completed("inputs"),
    help="The input whose sides vary, where there are several that differ.",
)
@OF_MODEL
@click.option("--layers", "listed", is_flag=True, help="List the layers: output in closed form, and receptive field.")
@format_option("sizes")
@WATCH
def sizes(  # noqa: PLR0913, PLR0917 -- click's way
    file: str,
    exact: bool,
    sides: str | None,
    same: bool,
    layer: str | None,
    vary: str | None,
    given: tuple[str, ...],
    listed: bool,
    form: str,
    watched: bool,
) -> None:
    """Say which input sizes a net accepts: the exact set of them, and the layers that make it what it is.

    The exit status is 0 where there are valid sizes, 1 where there are none, or the file has errors, or there is no
    closed form, or a live model differs at a size that was tried; 2 where the file or the command line could not be used.
    """
    from cnnshape.show.sizes.answer import Question, answer

    with usage_error():
        output = None if sides is None else _sides(sides)
        question = Question(exact, output, same, layer, vary)

    def answered() -> Answer:
        with usage_error():
            net, _, source = of_model(file, given)
            found = answer(net, question)
        if source is None:
            return found
        from cnnshape.commands.live import quiet

        with quiet():
            return found.held(source)

    if watched:
        from cnnshape.commands.watch import of_answer, watch

        watch((file,), lambda: of_answer(answered(), form, listed=listed), form)
    found = answered()
    if form == "table":
        from cnnshape.show.table import show_sizes

        show_sizes(found, listed=listed)
    else:
        echo(form, "sizes", found)
    sys.exit(status(found))


def _sides(written: str) -> tuple[int | None, ...]:
    """Read sides as 6x6, None for a "*". Raises ValueError."""
    from cnnshape.numbers.shape import parse_sizes

    parts = written.split("x")
    given = parse_sizes("x".join(part for part in parts if part != "*")) if set(parts) != {"*"} else ()
    numbers = iter(given)
    return tuple(None if part == "*" else next(numbers) for part in parts)
