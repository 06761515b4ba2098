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
    from cnnshape.file.targets import Live
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape


def network(target: Live, shapes: dict[str, Shape]) -> Network:
    """Return the net of a live model, at its inputs: its problems stand at lines of the model's code.

    Raises ValueError where there is none, or no input that it takes.
    """
    if not find_spec("torch"):
        raise ValueError(f"{target.text} is a live model, and torch is not installed: pip install 'cnnshape[torch]'")
    if not shapes:
        raise ValueError(f"{target.text} is a live model: give its input without the batch, as --input 3x224x224")
    from cnnshape.convert import imported
    from cnnshape.pytorch.model import file_of, named

    sys.path.insert(0, "")
    with redirect_stdout(sys.stderr):  # what the model's code prints must not stand within a report
        model = named(target)
        recordings = imported.recorded(model, shapes)
        failure = recordings[0].failure
        if failure and not failure.line:  # nothing of the model ran: its forward does not take these inputs
            raise ValueError(f"{target.text}: {failure.message}")
        return imported.network(model, recordings, file_of(target))._replace(file=target.text)


def network_of_onnx(target: str, shapes: dict[str, Shape]) -> Network:
    """Return the net of a .onnx file: its problems stand at nodes of the graph. Raises ValueError where there is none.

    What the graph says beside its layers goes to standard error.
    """
    with_onnx(target)
    from cnnshape.convert.from_onnx.imported import network

    net, said = network(target, shapes)
    for line in said:
        click.echo(f"{target}: {line}", err=True)
    return net


def with_onnx(target: str) -> None:
    """Raise ValueError where the package that reads .onnx files is not installed."""
    if not find_spec("onnx"):
        raise ValueError(f"{target} is an ONNX model, and onnx is not installed: pip install 'cnnshape[onnx]'")
