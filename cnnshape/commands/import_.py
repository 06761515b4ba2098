"""`cnnshape import`: a live model or a .onnx file as an architecture file, held against its source on the spot."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnnshape.commands.shared import FORCE, kept, shapes_of_model, usage_error
from cnnshape.file.targets import ONNX

if TYPE_CHECKING:
    from cnnshape.convert.imported import Imported


@click.command("import")
@click.argument("target", metavar="MODEL")
@click.option(
    "--input",
    "given",
    multiple=True,
    metavar="SHAPE",
    help="What enters it, without the batch: 3x224x224; of several inputs: left=1x64x64. A .onnx file may say it.",
)
@click.option(
    "-o", "output", metavar="FILE", type=click.Path(dir_okay=False), help="Write here, and not to the screen."
)
@FORCE
def import_(target: str, given: tuple[str, ...], output: str | None, force: bool) -> None:
    """Write the architecture file of a model: MODULE:NAME, FILE.py:NAME, 'nets:UNet(depth=4)', or FILE.onnx.

    The file is held against the model on the spot: shapes, parameters, multiply-accumulates, other sizes. The exit status
    is 0 where they agree, 1 where they differ, which the file's first lines say, 2 where there is no such model.
    """
    with usage_error():
        kept(output, force)
        made = _of_onnx(target, given) if target.endswith(ONNX) else _of_live(target, given)
    if output:
        try:
            Path(output).write_text(made.text, encoding="utf-8")
        except OSError as error:
            raise click.UsageError(f"{output}: {error.strerror}") from None
    else:
        click.echo(made.text, nl=False)
    for line in made.differences:
        click.echo(line, err=True)
    sys.exit(1 if made.differences else 0)


def _of_onnx(target: str, given: tuple[str, ...]) -> Imported:
    from cnnshape.commands.live import with_onnx

    shapes = shapes_of_model(given)
    with_onnx(target)
    from cnnshape.convert.from_onnx.imported import imported

    return imported(target, shapes)


def _of_live(target: str, given: tuple[str, ...]) -> Imported:
    from cnnshape.file.targets import only_live

    model = only_live(target, f"{target} is no live model: name it as MODULE:NAME or FILE.py:NAME")
    inputs = shapes_of_model(given)
    from cnnshape.commands.live import model_of, quiet

    made = model_of(model, inputs)
    from cnnshape.convert.imported import imported

    with quiet():
        return imported(made, inputs, model.text)
