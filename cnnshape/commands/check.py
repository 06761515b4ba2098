"""`cnnshape check` and `cnnshape verify`: files checked, and their layers held against torch or against a model."""

from __future__ import annotations

import gc
import os
import sys
from collections import deque
from contextlib import redirect_stdout
from copy import copy
from typing import TYPE_CHECKING, Any

import click

from cnnshape.commands.shared import (
    BATCH,
    DEPTH,
    DEVICE,
    FILE,
    STRICT,
    WATCH,
    all_built,
    built,
    completed,
    echo,
    format_option,
    status,
    usage_error,
)
from cnnshape.show.checked import Checked, Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.commands.shared import Built
    from cnnshape.compare.comparison import Comparison
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.pytorch.crosscheck import Verification

INPUT = click.option(
    "--input",
    "given",
    multiple=True,
    metavar="SHAPE",
    help="Check at this input, written as the file writes shapes: 227x227x3; for one of several inputs: left=1x64x64.",
)
FORMAT = format_option("check")


class _Check(click.Command):
    """The command, whose --fix may go without its number, and before FILE."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, [*_numbered(args)])


def _numbered(args: list[str]) -> Iterator[str]:
    """Yield arguments with a number for each --fix: the next one if it is a number, and no file's name; else 1."""
    rest = deque(args)
    while rest:
        arg = rest.popleft()
        if arg == "--":
            yield from [arg, *rest]
            return
        if arg != "--fix":
            yield arg
        elif rest and rest[0].isdecimal() and not os.path.exists(rest[0]):  # noqa: PTH110 -- most checks need no pathlib
            yield f"--fix={rest.popleft()}"
        else:
            yield "--fix=1"


@click.command(cls=_Check)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=completed("files"))
@INPUT
@FORMAT
@DEVICE
@click.option(
    "--torch/--no-torch", "wanted", default=None, help="Ask torch about every layer, too; left out: if it is installed."
)
@STRICT
@DEPTH
@click.option(
    "--batch",
    type=BATCH,
    metavar="N",
    help="Say what autograd keeps of each layer, too, for a batch of so many samples.",
)
@click.option(
    "--fix",
    "number",
    type=click.IntRange(min=1),
    metavar="[N]",
    help="Write the first fix of each problem into the file, or the N-th.",
)
@click.option("--diff", is_flag=True, help="Show what --fix would write, and write nothing.")
@WATCH
def check(  # noqa: PLR0913, PLR0917 -- click's way
    files: tuple[str, ...],
    given: tuple[str, ...],
    form: str,
    device: str,
    wanted: bool | None,
    strict: bool,
    depth: int,
    batch: int | None,
    number: int | None,
    diff: bool,
    watched: bool,
) -> None:
    """Check architecture files: all shapes, counts, expectations and claims, and every layer against torch.

    The exit status is 0 where all is well, 1 where problems were found, 2 where a file or the command line could not
    be used.
    """
    unverified, mended = _why_not_torch(wanted), 0
    if watched and (number or diff):
        raise click.UsageError("--watch only looks: it goes with neither --fix nor --diff")
    if number or diff:
        from cnnshape.commands.mending import Request, mend

        files, mended = mend(files, Request(number or 1, given, strict, diff))
        if not files:
            sys.exit(mended)

    def checked(target: Built) -> Checked:
        net, shapes, _ = target
        report = net.check(shapes, strict=strict)
        why = unverified or ("" if report.layers else "there are no layers")
        verification = None if why else _verified(net, report, device)
        kept = None if batch is None else _kept(net, report, batch)
        return Checked(net, report, verification, why, declared=shapes is None, kept=kept)

    if watched:
        from cnnshape.commands.watch import of_checks, watch

        watch(files, lambda: of_checks([*map(checked, all_built(files, given))], form, depth), form)
    _finish(map(checked, all_built(files, given)), form, depth, mended)


@click.command()
@FILE
@click.option(
    "--model",
    "made_by",
    required=True,
    metavar="MODULE:NAME",
    help="What makes the model, a class or a function, or the model itself: my_package.nets:ResNet, nets.py:UNet(depth=4).",
)
@click.option(
    "--only", metavar="PATH", help="Hold this submodule of the model against the file, run by itself: features."
)
@INPUT
@FORMAT
@DEVICE
@STRICT
@DEPTH
def verify(  # noqa: PLR0913, PLR0917 -- click's way
    file: str,
    made_by: str,
    only: str | None,
    given: tuple[str, ...],
    form: str,
    device: str,
    strict: bool,
    depth: int,
) -> None:
    """Hold a torch model against an architecture file: run it once, and match its layers to the file's.

    The code is looked for in the working directory, too. The exit status is 0 where the file holds, and the model is
    what it says; 1 where not; 2 where the file, the model or the command line could not be used.
    """
    _why_not_torch(wanted=True)
    net, shapes, _ = built(file, given)
    report = net.check(shapes, strict=strict)
    wrong = any(type(problem).severity == "error" for problem in report.problems)
    comparison = None if wrong else _compared(net, report, made_by, only, device)
    if comparison and strict:
        comparison = comparison._replace(problems=tuple(problem.as_error() for problem in comparison.problems))
    why = "the file has errors of its own, and the model was not run" * wrong
    _finish([Checked(net, report, None, why, shapes is None, comparison)], form, depth)


def _why_not_torch(wanted: bool | None) -> str:
    """Return the reason why there is no cross-check, "" where there is one."""
    if wanted is False:
        return "--no-torch"
    from importlib.util import find_spec

    if find_spec("torch"):
        return ""
    missing = "torch is not installed: pip install 'cnnshape[torch]'"
    if wanted:
        raise click.UsageError(missing)
    return missing


def _verified(net: Network, report: Report, device: str) -> Verification:
    from cnnshape.show.screen import progress

    try:
        from cnnshape.pytorch.crosscheck import verify

        gc.freeze()  # torch's objects live as long as the process: to look through them costs more than small nets
        with usage_error("--device"), progress(net.file) as shown:
            return verify(net, device, report=report, progress=shown)
    except (ImportError, OSError) as error:
        raise click.UsageError(
            f"torch is installed, but cannot be imported ({error}); --no-torch does without"
        ) from None


def _kept(net: Network, report: Report, batch: int) -> Kept:
    from cnnshape.network.memory import memory
    from cnnshape.network.optimizers import NONE
    from cnnshape.problems.base import ArchitectureError

    try:
        found = memory(net, report, batch, NONE, "cpu")
    except ArchitectureError:
        return Kept(batch, [None] * len(report.layers), None, "nothing is stated of a net that is broken")
    return Kept(batch, [found.layers[row.name] for row in report.layers], found.saved, found.reason)


def _compared(net: Network, report: Report, made_by: str, only: str | None, device: str) -> Comparison:
    from cnnshape.file.targets import only_live
    from cnnshape.pytorch.crosscheck import verify
    from cnnshape.pytorch.model import named, part

    sys.path.insert(0, "")
    with redirect_stdout(sys.stderr):  # what the model's code prints must not stand within a report
        with usage_error("--model"):
            model = named(only_live(made_by, f"{made_by!r} is not MODULE:NAME, as my_package.nets:ResNet"))
        if only is not None:
            with usage_error("--only"):
                model = part(model, only)
        with usage_error("--device"):
            comparison = verify(net, device, model=model, report=report)
        return comparison if only is not None else _with_a_part(comparison, net, report, model, device)


def _with_a_part(comparison: Comparison, net: Network, report: Report, model: Any, device: str) -> Comparison:
    """Advise --only in the problem of a model that fails, where the file describes a part of it."""
    from cnnshape.problems.comparing import ModelFails
    from cnnshape.problems.suggest import advice
    from cnnshape.pytorch.crosscheck import verify
    from cnnshape.pytorch.model import alike, part

    problems = [*comparison.problems]
    index = next((at for at, problem in enumerate(problems) if isinstance(problem, ModelFails)), None)
    if index is None:
        return comparison
    for path in alike(model, report.parameters):
        if verify(net, device, model=part(model, path), report=report).ok:
            problems[index] = copy(problems[index])
            problems[index].suggestions = advice(f"the file describes a part of the model: --only {path}")
            return comparison._replace(problems=tuple(problems))
    return comparison


def _finish(checks: Iterable[Checked], form: str, depth: int, worst: int = 0) -> None:
    """Print what was found, and exit with the worst status."""
    if form == "table":
        from cnnshape.show.table import show

        done = show(checks, depth)
    else:
        done = list(checks)
        echo(form, "check", done, depth)
    sys.exit(max([worst, *map(status, done)]))
