"""A live model as FILE: it is made, run on shapes alone at the inputs that --input gives, and its network handed on.

Torch is imported here, and the model's code runs: nothing but what the command line names.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from functools import partial
from importlib.util import find_spec
from inspect import Parameter, signature
from typing import TYPE_CHECKING

import click

from cnnshape.convert.other_sizes import Source

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from torch.nn import Module

    from cnnshape.compare.recording import Recording
    from cnnshape.file.targets import Live
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import Place


def model_of(target: Live, shapes: dict[str, Shape]) -> Module:
    """Return the live model, whose inputs have these shapes. Raises ValueError where there is none, or no shape."""
    if not find_spec("torch"):
        raise ValueError(f"{target.text} is a live model, and torch is not installed: pip install 'cnnshape[torch]'")
    if not shapes:
        raise ValueError(f"{target.text} is a live model: give its input without the batch, as --input 3x224x224")
    from cnnshape.pytorch.model import named

    sys.path.insert(0, "")
    with quiet():
        return named(target)


def quiet() -> AbstractContextManager[object]:
    """Send what a model's code prints to standard error: it must not stand within a report."""
    return redirect_stdout(sys.stderr)


def network(target: Live, shapes: dict[str, Shape]) -> tuple[Network, Source]:
    """Return the net of a live model, at its inputs, with its problems at lines of the model's code; and the model.

    Raises ValueError where there is none, or no input that it takes.
    """
    model = model_of(target, shapes)
    from cnnshape.convert import imported
    from cnnshape.pytorch.changed_code import Trials
    from cnnshape.pytorch.model import file_of, maker

    with quiet():
        recorded = imported.recorded(model, shapes)
        first = recorded.first
        if first.failure and not first.failure.line:  # nothing of the model ran: its forward does not take these inputs
            raise ValueError(f"{target.text}: {first.failure.message}{_by_name(model, shapes)}")
        trials = Trials(model, shapes, maker(target))
        net = imported.network(recorded, file_of(target), trials)._replace(file=target.text)
        made = partial(_made, first, file_of(target))
        return net, Source(imported.plain_runs(model, first), recorded.required.inputs, made)


def _made(run: Recording, root: tuple[str, str], layer: str) -> Place | None:
    """Return where a model's code makes a layer; None where the source does not show it."""
    from cnnshape.compare.code import place_of
    from cnnshape.compare.constructed import constructed

    call = constructed(run.modules, layer, root, run.layers().get(layer)) if layer in run.modules else None
    return place_of(call.line) if call else None


def _by_name(model: Module, shapes: dict[str, Shape]) -> str:
    """Say how several inputs are given, where a model asks for more than it got."""
    kinds = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    asked = [p.name for p in signature(model.forward).parameters.values() if p.kind in kinds and p.default is p.empty]
    each = " ".join(f"--input {name}=SHAPE" for name in asked)
    return f": give {each}" if len(asked) > len(shapes) else ""


def network_of_onnx(target: str, shapes: dict[str, Shape]) -> tuple[Network, Source]:
    """Return the net of a .onnx file, with its problems at nodes of the graph; and the graph. Raises ValueError.

    What the graph says beside its layers goes to standard error.
    """
    with_onnx(target)
    from cnnshape.convert.from_onnx.imported import network

    net, runs, said = network(target, shapes)
    for line in said:
        click.echo(f"{target}: {line}", err=True)
    return net, Source(runs)


def with_onnx(target: str) -> None:
    """Raise ValueError where the package that reads .onnx files is not installed."""
    if not find_spec("onnx"):
        raise ValueError(f"{target} is an ONNX model, and onnx is not installed: pip install 'cnnshape[onnx]'")
