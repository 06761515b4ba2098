"""`cnnshape draw`: a net as a picture."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from cnnshape.commands.shared import FILE, STDIN, built, of_problems, usage_error
from cnnshape.problems.wording import printable

MARKS: Final = {  # stands in the first lines of every picture, by format
    "svg": 'class="cnnshape"',
    "tex": "% made by cnnshape draw",
    "html": '<meta name="generator" content="cnnshape">',
}
FORMATS: Final = tuple(MARKS)
BEGINNING: Final = 4096  # bytes


@click.command()
@FILE
@click.option(
    "-o",
    "--output",
    "to",
    default=STDIN,
    metavar="PATH",
    type=click.Path(dir_okay=False),
    help="Write here, .svg, .tex or .html; - is standard output.",
    show_default=True,
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="Of what PATH does not say: svg, if left out.")
@click.option(
    "--depth", type=click.IntRange(min=1), help="How many levels of blocks to unfold; left out: as few as show the net."
)
@click.option(
    "--scale",
    type=click.Choice(("true", "log")),
    default="true",
    help="The lengths: true to the sizes, or their logarithms.",
    show_default=True,
)
@click.option("--input", "given", multiple=True, metavar="SHAPE", help="Draw at this input, written as for check.")
def draw(  # noqa: PLR0913, PLR0917 -- click's way
    file: str, to: str, form: str | None, depth: int | None, scale: str, given: tuple[str, ...]
) -> None:
    """Draw a net from its shapes: every tensor a box, to scale, at the level of its resolution.

    A net that fails is drawn as well, red where it does, and the exit status is 1; 2 where FILE or the command line could not
    be used.
    """
    with usage_error():
        form = _format(to, form)
        _writable(file, to, form)
    net, shapes, _ = built(file, given)
    if net.problems and not net.nodes:
        raise of_problems(net.problems)
    from cnnshape.picture.draw import draw as drawn
    from cnnshape.problems.base import errors

    with usage_error():
        text = drawn(net, input=shapes, depth=depth, format=form, scale=scale)
    if to == STDIN:
        click.echo(text, nl=False)
    else:
        try:
            Path(to).write_text(text, encoding="utf-8")
        except OSError as error:
            raise click.BadParameter(f"{to}: {error.strerror}", param_hint="--output") from None
    wrong = errors(net.check(shapes).problems)
    for problem in wrong:
        click.echo(printable(repr(problem)), err=True)
    sys.exit(1 if wrong else 0)


def _format(to: str, form: str | None) -> str:
    """Return the format of a picture: of its name, or as it is said. Raises ValueError."""
    suffix = Path(to).suffix.removeprefix(".").lower()
    if to == STDIN or (suffix not in FORMATS and form):
        return form or FORMATS[0]
    if suffix not in FORMATS:
        raise ValueError(f"{to}: the name of a picture ends in {' or '.join(f'.{name}' for name in FORMATS)}")
    if form not in {None, suffix}:
        raise ValueError(f"{to} is no name for --format {form}")
    return suffix


def _writable(file: str, to: str, form: str) -> None:
    """Raise ValueError where a picture would be written over a file that is none of ours."""
    path = Path(to)
    if to == STDIN or not path.is_file():
        return
    with path.open("rb") as beginning:
        ours = MARKS[form].encode() in beginning.read(BEGINNING)
    if not ours or (Path(file).exists() and path.samefile(file)):
        raise ValueError(f"{to} is there, and no picture of cnnshape: give another name, or remove it")
