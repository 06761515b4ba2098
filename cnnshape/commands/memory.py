"""`cnnshape memory`: what training takes, to the byte; the largest batch, or the largest input, that can fit."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from cnnshape.commands.shared import BATCH, DEPTH, FILE, built, echo, format_option, usage_error
from cnnshape.problems.reading import Unreadable

if TYPE_CHECKING:
    from cnnshape.commands.shared import Built
    from cnnshape.show.memory import Remembered


@click.command()
@FILE
@click.option("--batch", type=BATCH, help="Samples in a batch; left out: the file's batch_size, or 1.")
@click.option("--optimizer", metavar="NAME", help="sgd, adam, adamw, rmsprop, adagrad or none; left out: the file's.")
@click.option(
    "--fit",
    "limit",
    metavar="SIZE",
    help="The largest batch that can fit into a memory of 24GB or 24GiB; with --batch, the largest square input.",
)
@click.option(
    "--device", type=click.Choice(["cpu", "cuda"]), help="Where torch trains; left out: the CPU, with --fit cuda."
)
@click.option(
    "--input", "given", multiple=True, metavar="SHAPE", help="Another input, as for check; that of a live model."
)
@DEPTH
@format_option("memory")
def memory(  # noqa: PLR0913, PLR0917 -- click's way
    file: str,
    batch: int | None,
    optimizer: str | None,
    limit: str | None,
    device: str | None,
    given: tuple[str, ...],
    depth: int,
    form: str,
) -> None:
    """Say what training FILE takes: what autograd keeps, layer by layer, parameters, states and the optimiser's step.

    Exact for float32, without running anything. That a batch cannot fit is proved; that it fits is not: workspace, the
    allocator's rounding and the device's context come on top. The exit status is 0; 1 where the net is broken or nothing
    fits; 2 where the file or the command line could not be used.
    """
    from cnnshape.network.requirements import NoClosedForm
    from cnnshape.problems.base import ArchitectureError
    from cnnshape.show.memory import show_memory
    from cnnshape.show.screen import Screen

    target = built(file, given)
    try:
        found = _found(target, batch, optimizer, limit, device or ("cuda" if limit else "cpu"))
    except ArchitectureError as error:
        screen = Screen()
        screen.problems(error.problems, target.net.file)
        screen.verdict("error", "nothing is stated of a net that is broken")
        sys.exit(2 if any(isinstance(problem, Unreadable) for problem in error.problems) else 1)
    except NoClosedForm as error:
        Screen().verdict("error", f"the largest input cannot be sought: {error}")
        sys.exit(1)
    if form == "table":
        show_memory(Screen(), found, depth)
    else:
        echo(form, "memory", found)
    sys.exit(0 if found.ok else 1)


def _found(target: Built, batch: int | None, optimizer: str | None, limit: str | None, device: str) -> Remembered:
    from cnnshape.network import optimizers
    from cnnshape.network.memory import largest_side, square
    from cnnshape.show.memory import Remembered, parse_bytes

    net, shapes, _ = target
    sought: dict[str, Any] = {}
    with usage_error():
        name, _ = optimizers.parsed(net.training.get("optimizer") if optimizer is None else optimizer)
        memory = net.memory(batch, optimizer, input=shapes, device=device)
        if limit is not None and batch is None:
            largest = net.largest_batch(parse_bytes(limit), optimizer, input=shapes, device=device)
            sought = {"limit": limit, "sought": "batch", "found": largest}
            memory = net.memory(largest or 1, optimizer, input=shapes, device=device)
        elif limit is not None and batch is not None:
            if shapes is not None:
                raise ValueError("--batch with --fit seeks the input: leave out --input")
            valid = net.valid_sizes()
            side = largest_side(net, valid, parse_bytes(limit), batch, optimizer, device)
            sought = {"limit": limit, "sought": "side", "found": side}
            shapes = square(net, valid.varied, side) if side else shapes
            memory = net.memory(batch, optimizer, input=shapes, device=device)
        return Remembered(net, net.check(shapes), memory, name, **sought)
