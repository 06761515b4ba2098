"""What people are shown of a checked net, in plain words: rows, settings, the chain of sizes, totals, problems."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layout import text
from cnnshape.network import total
from cnnshape.parameters import Ends, Flag, Inferred, Parameter, Reference, Shape, Sizes, Word
from cnnshape.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.crosscheck import Verification
    from cnnshape.network import LayerReport, Network, Report
    from cnnshape.problems import Problem

CONVENTION: Final = "multiply-accumulates of convolutions and linear layers for one sample, biases not counted"
DROPPED_FROM: Final = {1: ("cell",), 2: ("row", "column"), 3: ("slice", "row", "column")}  # by the number of axes
VERDICTS: Final = ("agrees", "refuses", "not run", "skipped", "stricter", "disagrees")  # the worst last
SEEN_IN_OUTPUT: Final = ("out_channels", "out_features")
CHAIN: Final = 24  # sizes of a chain that are shown; of a longer one, the ends
SNIPPET: Final = 88  # characters of a source line that are shown


class Checked(NamedTuple):
    """One file, with all that a check of it found."""

    net: Network
    report: Report
    verification: Verification | None = None
    unverified: str = ""  # why no cross-check ran
    declared: bool = True  # checked at the declared input

    @property
    def problems(self) -> tuple[Problem, ...]:
        return self.report.problems + (self.verification.problems if self.verification else ())

    @property
    def ok(self) -> bool:
        return not any(problem.severity == "error" for problem in self.problems)

    def verdicts(self) -> list[str]:
        """Return torch's verdict on each layer, "" where no cross-check ran."""
        if self.verification is None:
            return [""] * len(self.report.layers)
        return [layer.verdict for layer in self.verification.layers]


# Rows


class Row(NamedTuple):
    """A layer, or a block folded into one row; numbers and shapes as they are written, "" for nothing."""

    name: str
    type: str
    settings: tuple[str, ...]
    inputs: tuple[str, ...]  # one line each
    output: str
    parameters: str
    macs: str
    dropped: str
    verdict: str
    severity: str  # of the worst problem in it
    plain: bool  # it keeps the shape, and has no weights


def rows(checked: Checked, depth: int = 1) -> list[Row]:
    """Return the rows of a table in which names of more than `depth` parts are folded."""
    view = _View(checked, depth)
    groups = groupby(range(len(view.layers)), key=lambda index: front(view.layers[index].name, depth))
    return [view.row(name, [*members]) for name, members in groups]


def front(name: str, depth: int) -> str:
    """Return the first `depth` parts of a dotted name."""
    return ".".join(name.split(".")[:depth])


class _View:
    """What a row needs to know of the rest of the net."""

    def __init__(self, checked: Checked, depth: int):
        self.depth = depth
        self.layout = checked.net.layout
        self.layers = checked.report.layers
        self.verdicts = checked.verdicts()
        self.first = 1 + len(checked.net.inputs)  # the value of the first layer
        self.names = ["?", *checked.net.inputs, *(layer.name for layer in self.layers)]  # of all values
        self.shapes = [None, *checked.net.inputs, *(layer.result.output for layer in self.layers)]
        self.severities = {problem.layer: problem.severity for problem in checked.problems if problem.severity != "error"}
        self.severities |= {problem.layer: problem.severity for problem in checked.problems if problem.severity == "error"}
