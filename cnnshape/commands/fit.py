"""`cnnshape fit`: whether a file of weights fits an architecture file, by names and shapes alone."""

from __future__ import annotations

import sys

import click

from cnnshape.commands.shared import FILE, OF_MODEL, echo, format_option, of_model, of_problems, usage_error


@click.command()
@FILE
@click.argument("checkpoint", type=click.Path())
@OF_MODEL
@format_option("fit")
def fit(file: str, checkpoint: str, given: tuple[str, ...], form: str) -> None:
    """Say whether CHECKPOINT fits FILE: which tensors are missing, unexpected or of another shape, and what would fit.

    CHECKPOINT is a .safetensors file, a .pt or .pth file of torch.save, or the *.index.json of several. Names and shapes
    alone are read; nothing in it is run. The exit status is 0 where it fits, behind a prefix or in a table as well; 1 where
    it does not; 2 where it cannot be read, or is refused.
    """
    from cnnshape.checkpoint.fit import fit as compared
    from cnnshape.checkpoint.read import read
    from cnnshape.problems.base import errors
    from cnnshape.show.fitted import Fitted, show_fit

    net, _, source = of_model(file, given)
    if wrong := errors(net.problems):
        raise of_problems(wrong)
    with usage_error("CHECKPOINT"):
        tables = read(checkpoint)
    with usage_error("FILE"):
        found = compared(net, tables)
    made = source and source.made
    if made:  # a live model: its nodes stand where they are called
        mends = tuple(mend._replace(place=made(mend.layer) or mend.place) for mend in found.mends)
        found = found._replace(mends=mends)
    fitted = Fitted(net, checkpoint, found, "model" if made else "file")
    if form == "table":
        from cnnshape.show.screen import Screen

        show_fit(Screen(), fitted)
    else:
        echo(form, "fit", fitted)
    sys.exit(0 if fitted.fit.ok else 1)
