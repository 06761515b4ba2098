"""A checked file as one bundle: the net, its report, the verdicts of torch or of a live model, the bytes that autograd keeps.

The commands and the plugin make it; everything else in this folder reads from it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.problems.base import errors
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from cnnshape.compare.comparison import Comparison
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.base import Problem
    from cnnshape.pytorch.crosscheck import Verification

VERDICTS: Final = {  # on a layer, by torch or by comparison with a model, the worst last; and in words
    "agrees": "agree",
    "not run": "not run",
    "refuses": "refused by torch as well",
    "skipped": "skipped",
    "stricter": "refused by cnnshape alone, as documented",
    "follows": "differ only as what enters them does",
    "missing": "missing",
    "fails": "failing",
    "differs": "differ",
    "disagrees": "disagree",
}


class Kept(NamedTuple):
    """The bytes that autograd keeps at the end of a forward, on the CPU. None where they are not stated, for the `reason`."""

    batch: int
    layers: list[int | None]  # of each layer of the report, in order
    saved: int | None  # of all
    reason: str


class Checked(NamedTuple):
    """A net with its report, and the cross-check by torch, the comparison with a model and the memory, if asked for."""

    net: Network
    report: Report
    verification: Verification | None = None
    unverified: str = ""  # the reason why no cross-check ran
    declared: bool = True  # checked at the declared input
    comparison: Comparison | None = None  # never beside a verification
    kept: Kept | None = None

    @property
    def asked(self) -> Verification | Comparison | None:
        """The cross-check or the comparison: either has a verdict on each layer, and problems."""
        return self.comparison or self.verification

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The problems of all sources, file by file, each file's in the order of its lines."""
        found = [*self.report.problems, *(self.asked.problems if self.asked else ())]
        files = [*dict.fromkeys(problem.file for problem in found)]
        return tuple(sorted(found, key=lambda problem: (files.index(problem.file), problem.line, problem.column)))

    @property
    def ok(self) -> bool:
        return not errors(self.problems)

    def verdicts(self) -> list[str]:
        """Return the verdict on each layer, in order; "" on all where neither torch nor a model was asked."""
        return [layer.verdict for layer in self.asked.layers] if self.asked else [""] * len(self.report.layers)

    def models(self) -> list[str]:
        """Return the module or function of the model for each layer, in order; "" where it has none."""
        return [layer.model for layer in self.comparison.layers] if self.comparison else [""] * len(self.report.layers)
