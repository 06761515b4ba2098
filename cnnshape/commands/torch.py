"""`cnnshape torch`: the code of a net's model."""

from __future__ import annotations

from pathlib import Path

import click

from cnnshape.commands.shared import FILE, FORCE, OF_MODEL, kept, of_model, of_problems, usage_error


@click.command()
@FILE
@OF_MODEL
@click.option("-o", "--output", "to", type=click.Path(dir_okay=False), help="Write the code to this file.")
@FORCE
def torch(file: str, given: tuple[str, ...], to: str | None, force: bool) -> None:
    """Print the code of an nn.Module that runs FILE: plain torch, which needs no cnnshape.

    Blocks are classes, chains nn.Sequential, repeats copies; tensors have the names of the layers, so that a checkpoint that
    fits the file loads. The exit status is 0, and 2 where FILE has errors.
    """
    from cnnshape.convert.to_torch.code import torch_code
    from cnnshape.problems.base import ArchitectureError

    with usage_error():
        kept(to, force)
    try:
        code = torch_code(of_model(file, given).net)
    except ArchitectureError as error:
        raise of_problems(error.problems) from None
    except ValueError as error:
        raise click.UsageError(f"{file}: {error}") from None
    if to is None:
        click.echo(code, nl=False)
        return
    try:
        Path(to).write_text(code, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(f"{to}: {error.strerror}", param_hint="--output") from None
