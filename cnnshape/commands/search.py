"""`cnnshape search`: the totals of a file's net for many values of its constants, filtered and ordered."""

from __future__ import annotations

import signal
import sys
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from cnnshape.commands.shared import FILE, built, echo, format_option, of_problems, usage_error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.network import Network
    from cnnshape.space.job import Chunk, Search

ROWS: Final = 20  # of a table
FEW: Final = 20_000  # candidates, for which no other process is started
INTERRUPTED: Final = 130  # as shells say it of SIGINT


@click.command()
@FILE
@click.option(
    "--vary",
    "varied",
    multiple=True,
    metavar="NAME=VALUES",
    help="Vary a constant, or what a layer is given: width=16..128..16, depth=1,2,3, layer1.act=relu,silu.",
)
@click.option("--input", "sides", metavar="SIZES", help="Vary the input: sides, 128..256..32, or shapes, 3x224x224.")
@click.option("--where", metavar="CONDITION", default="", help='Only those for which it holds: "macs < 600e6".')
@click.option(
    "--sort", metavar="FIGURE", default="", help="Smallest first by this figure; --sort=-parameters: largest."
)
@click.option(
    "--top", type=click.IntRange(min=1), help=f"Only the first of these; left out: {ROWS} in a table, else all."
)
@click.option("--resume", is_flag=True, help="Go on where the same search was interrupted.")
@format_option("search")
def search(  # noqa: PLR0913, PLR0917 -- click's way
    file: str,
    varied: tuple[str, ...],
    sides: str | None,
    where: str,
    sort: str,
    top: int | None,
    resume: bool,
    form: str,
) -> None:
    """Compute output, parameters and MACs of FILE for every combination of the values, and list those that fit.

    CONDITION and FIGURE are expressions of the file's language over the names that vary, parameters, macs, and sizes of what
    enters and comes out: output.side, output.channels, input.height. The exit status is 0 where something is found, 1 where
    nothing is, 2 where the file or the command line could not be used, 130 where it is interrupted.
    """
    from cnnshape.file.targets import ONNX, live
    from cnnshape.show.searched import Searched, show_search
    from cnnshape.space.searching import searched

    with usage_error():
        if live(file) or file.endswith(ONNX):
            raise ValueError(f"{file} is a model: a search varies the constants of an architecture file")
    net = built(file, ()).net
    if wrong := [problem for problem in net.problems if problem.severity == "error"]:
        raise of_problems(wrong)
    with usage_error():
        space = _space(net, varied, sides)
        try:
            found = searched(net, space, where, sort, top or (ROWS if form == "table" else None))
        except TypeError as error:  # a name, or a value that the file cannot have
            raise ValueError(f"--vary: {error}") from None
        outcome = _run(found, net, resume=resume)
    shown = Searched(net, found, outcome)
    if form == "table":
        show_search(shown)
    else:
        echo(form, "search", shown)
    sys.exit(0 if outcome.matched else 1)


def _space(net: Network, varied: tuple[str, ...], sides: str | None) -> dict[str, Any]:
    """Return the values of all names that vary. Raises ValueError."""
    from cnnshape.space.space import read_inputs, read_values

    space: dict[str, Any] = {}
    for entry in varied:
        name, said, values = entry.partition("=")
        if not said:
            raise ValueError(f"--vary {entry}: write NAME=VALUES, as width=16..128..16 or depth=1,2,3")
        if name in space:
            raise ValueError(f"--vary {name} is given twice")
        space[name] = read_values(values)
    if sides is not None:
        space["input"] = read_inputs(sides, net.layout)
    if not space:
        raise ValueError("nothing varies: say --vary NAME=VALUES, or --input SIZES")
    return space


def _run(found: Search, net: Network, *, resume: bool) -> Chunk:
    """Search, from where an interrupted search stopped if it is to go on. Raises ValueError, and exits where interrupted."""
    from cnnshape.show.screen import progress
    from cnnshape.space.journal import Journal
    from cnnshape.space.searching import chunks

    journal, size = Journal(Path(click.get_app_dir("cnnshape")) / "search", found), found.space.size
    done = journal.read() if resume else []
    if not resume:
        journal.begin()
    stop = done[-1].stop if done else 0
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as SIGINT: both are interruptions
    try:
        with progress(net.name or net.file) as moved, _executor(size - stop) as executor:
            for chunk in chunks(found, executor, stop):
                done.append(chunk)
                stop = chunk.stop
                journal.add(chunk)
                if moved:
                    moved(stop, size, "")
    except KeyboardInterrupt:
        journal.write()
        how = (
            f"what is done is lost, {journal.failure}" if journal.failure else "the same command with --resume goes on"
        )
        click.echo(f"stopped behind {stop:,} of {size:,} candidates; {how}", err=True)
        sys.exit(INTERRUPTED)
    finally:
        signal.signal(signal.SIGTERM, before)
    journal.begin()
    return found.joined(done)


def _executor(size: int) -> Any:
    """Return a context that gives an executor, of as many processes as there are processors; None for a few candidates."""
    if size <= FEW:
        return nullcontext()
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    class Processes(ProcessPoolExecutor):
        def submit(self, *args: Any, **how: Any) -> Any:
            with _undisturbed():  # which starts a process, too
                return super().submit(*args, **how)

    return Processes(mp_context=get_context("spawn"), initializer=_unmoved)  # a bar is a thread: no forks


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Hold back an interruption, for this process and for good for those that it starts meanwhile."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _unmoved() -> None:
    """Leave an interruption from the keyboard, which all processes get, to the one that waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
