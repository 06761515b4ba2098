"""A live model as FILE: it is made, run on shapes alone at the inputs that --input gives, and its network handed on.

Torch is imported here, and the model's code runs: nothing but what the command line names.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from cnnshape.compare.recording import Recording
    from cnnshape.file.targets import Live
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape


def network(target: Live, given: tuple[str, ...]) -> Network:
    """Return the net of a live model, at its inputs: its problems stand at lines of the model's code.

    Raises ValueError where there is none, or no input that it takes.
    """
    from cnnshape.convert.faults import with_faults
    from cnnshape.convert.lowering import lowered

    found = recordings(target, given)
    from cnnshape.pytorch.model import file_of

    return with_faults(lowered(found)._replace(file=target.text), found[0], file_of(target))


def recordings(target: Live, given: tuple[str, ...]) -> list[Recording]:
    """Return the recordings of a live model at its inputs and at two more sizes."""
    if not find_spec("torch"):
        raise ValueError(f"{target.text} is a live model, and torch is not installed: pip install 'cnnshape[torch]'")
    if not given:
        raise ValueError(f"{target.text} is a live model: give its input without the batch, as --input 3x224x224")
    shapes = _shapes(given)
    from cnnshape.pytorch.model import named
    from cnnshape.pytorch.record import others, runs

    sys.path.insert(0, "")
    with redirect_stdout(sys.stderr):  # what the model's code prints must not stand within a report
        found = [*runs(named(target), [shapes, *others(shapes)])]
        failure = found[0].failure
        if failure and not failure.line:  # nothing of the model ran: its forward does not take these inputs
            raise ValueError(f"{target.text}: {failure.message}")
        return found


def _shapes(given: tuple[str, ...]) -> dict[str, Shape]:
    """Read the shapes of --input: of one input, or of several by their names, channels first."""
    from cnnshape.numbers.shape import CHANNELS_FIRST, parse

    pairs = [entry.rpartition("=") for entry in given]
    try:
        shapes = {name or "input": parse(size, CHANNELS_FIRST) for name, _, size in pairs}
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--input") from None
    if len(shapes) < len(pairs):
        why = "an input is given twice; of several, each has a name: left=1x64x64"
        raise click.BadParameter(why, param_hint="--input")
    return shapes
