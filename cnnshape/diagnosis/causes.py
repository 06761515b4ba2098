"""The cause of a problem, from the graph and the rows of its report alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause


def cause(_problem: Problem, _net: Network, _report: Report) -> Cause | None:
    """Return the cause of a problem; None where nothing is known."""
    return None
