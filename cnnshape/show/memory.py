"""The memory of training in words: where the tape is largest, layer by layer, and the two moments that decide."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.numbers.shape import text
from cnnshape.show.counts import counted, mebibytes, number
from cnnshape.show.rows import front
from cnnshape.show.screen import GAP, width_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.memory import Memory
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.show.screen import Screen

UNITS: Final = {
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KIB": 2**10,
    "MIB": 2**20,
    "GIB": 2**30,
    "TIB": 2**40,
}
BAR: Final = 30  # columns of the longest bar
DEVICES: Final = {"cpu": "on the CPU", "cuda": "on cuda"}


class Remembered(NamedTuple):
    """A net at a batch size and an input, and the memory that training takes; with a limit, what was sought and found."""

    net: Network
    report: Report
    memory: Memory
    optimizer: str
    limit: str = ""  # as it was asked for: 24GB
    sought: str = ""  # "batch" or "side"
    found: int | None = None  # the largest; None: not known

    @property
    def ok(self) -> bool:
        return self.found != 0


def parse_bytes(words: str) -> int:
    """Read 24GB, 16GiB or 500000000. Raises ValueError."""
    number, unit = words.strip().rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ "), ""
    unit = words.strip()[len(number) :].strip().upper()
    factor = {"": 1, "B": 1, **UNITS}.get(unit)
    whole, point, rest = number.partition(".")
    if factor is None or not whole.isdecimal() or (point and not rest.isdecimal()) or not f"{whole}{rest}".isascii():
        raise ValueError(f"{words!r:.40} is no size of a memory: write 24GB (10^9 bytes) or 24GiB (2^30 bytes)")
    return int(whole + rest) * factor // 10 ** len(rest)


# On the screen


def show_memory(screen: Screen, remembered: Remembered, depth: int) -> None:
    """Print where the tape is largest, what there is at the two moments, and what fits."""
    screen.title(remembered.net)
    _tape(screen, remembered, depth)
    screen.line()
    _moments(screen, remembered)
    screen.line()
    for label, words in facts(remembered):
        screen.fact(label, words)
    screen.line()
    screen.verdict(*verdict(remembered))


class _Row(NamedTuple):
    name: str
    type: str
    output: str
    kept: int | None


def _rows(remembered: Remembered, depth: int) -> Iterator[_Row]:
    """Yield a row for each layer or folded block that keeps something, or of which nothing is known."""
    net, layers = remembered.net, remembered.memory.layers
    for name, group in groupby(remembered.report.layers, key=lambda row: front(row.name, depth)):
        some: list[LayerReport] = [*group]
        kept = [layers[row.name] for row in some]
        whole = None if None in kept else sum(filter(None, kept))
        if whole != 0:
            kind = some[0].type if len(some) == 1 else counted(len(some), "layer")
            yield _Row(name, kind, text(some[-1].result.output, net.layout), whole)


def _tape(screen: Screen, remembered: Remembered, depth: int) -> None:
    """Print the layers in order, with a bar for what each keeps."""
    shown, saved = [*_rows(remembered, depth)], remembered.memory.saved
    known = [row.kept or 0 for row in shown]
    if not shown:
        screen.line(("no layer keeps anything for the backward pass", ""))
        return
    total = sum(known)

    count = counted(len(remembered.report.layers), "layer")
    columns = [
        screen.column("layer", [[row.name] for row in shown], count, style="bold"),
        screen.column("type", [[row.type] for row in shown]),
        screen.column("output", [[row.output] for row in shown]),
        screen.column("kept, MiB", [[mebibytes(row.kept)] for row in shown], mebibytes(saved), right=True),
        screen.column("", [[f"{kept / total:.0%}" if saved else ""] for kept in known], right=True, style="dim"),
    ]
    room = BAR if screen.endless else min(BAR, screen.width - width_of(columns) - len(GAP))
    if room < BAR // 3:  # on a narrow screen the bar tells more than the type does
        del columns[1]
        room = min(BAR, screen.width - width_of(columns) - len(GAP))
    if room > 1 and total:
        bars = [["█" * round(room * kept / max(known))] for kept in known]
        columns.append(screen.column("", bars, style="cyan"))
    screen.grid(columns)


def _moments(screen: Screen, remembered: Remembered) -> None:
    """Print what there is at the end of the forward and in the step, in bytes and MiB."""
    memory, name = remembered.memory, remembered.optimizer
    step = "step" if name == "none" else f"{name}'s step"
    entries: list[tuple[str, int | None, bool, bool]] = [  # with the moments that each is part of
        ("parameters", memory.parameters, True, True),
        ("buffers", memory.buffers, True, True),
        *([] if name == "none" else [(f"{name}'s states", memory.optimizer, True, True)]),
        ("kept for the backward pass", memory.saved, True, False),
        ("output that nothing keeps", memory.output, True, False),
        ("gradients", memory.gradients, False, True),
        *([] if name == "none" else [(f"temporaries of {step}", memory.temporaries, False, True)]),
    ]

    labels = [[label] for label, *_ in entries]
    forward = [[number(count) if there else ""] for _, count, there, _ in entries]
    stepping = [[number(count) if there else ""] for _, count, _, there in entries]
    screen.grid(
        [
            screen.column("bytes", labels, "MiB"),
            screen.column("end of the forward", forward, mebibytes(memory.forward), right=True),
            screen.column(step, stepping, mebibytes(memory.step), right=True),
        ]
    )


def facts(remembered: Remembered) -> Iterator[tuple[str, str]]:
    """Yield facts on a memory, each with its label."""
    memory, layout = remembered.memory, remembered.net.layout
    shapes = {name: text(shape, layout) for name, shape in remembered.report.inputs.items()}
    words = ", ".join(shapes.values() if len(shapes) == 1 else (f"{name} {shape}" for name, shape in shapes.items()))
    yield "input", words + (", the largest that can fit" if remembered.sought == "side" and remembered.found else "")
    yield "batch", f"{memory.batch:,} {DEVICES[memory.device]}, float32, a forward in training mode"
    if memory.peak is not None:
        peak = memory.peak
        when = "at the end of the forward" if peak > memory.step else "in the optimiser's step"
        yield (
            "peak",
            f"{number(peak)} bytes ({mebibytes(peak)} MiB) at least, {when}; workspace, rounding and context come on top",
        )
    if memory.inference is not None:
        yield (
            "inference",
            f"{mebibytes(memory.inference)} MiB of values live at a time in an evaluation, beside the parameters",
        )
    if memory.reason:
        yield "unknown", memory.reason


def verdict(remembered: Remembered) -> tuple[str, str]:
    """Return the severity and the words of the last line."""
    memory, found, limit = remembered.memory, remembered.found, remembered.limit
    where = DEVICES[memory.device]
    if not limit:
        return (
            ("warning", memory.reason) if memory.reason else ("", f"known to the byte for a batch of {memory.batch:,}")
        )
    if found is None:
        why = memory.reason or "the smallest inputs cannot be trained at this batch size"
        return "warning", f"no bound can be given for {limit} {where}: {why}"
    if remembered.sought == "side":
        if found == 0:
            return "error", f"no valid input fits into {limit} {where} at a batch of {memory.batch:,}"
        return (
            "",
            f"no input larger than {found} fits into {limit} {where} at a batch of {memory.batch:,}; this one may",
        )
    if found == 0:
        return "error", f"not even a batch of 1 fits into {limit} {where}"
    return "", f"no batch larger than {found:,} fits into {limit} {where}; this one may"
