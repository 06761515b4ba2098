"""Declared numbers: the number that a layer declares becomes the number that arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.problems.shapes import DeclaredDiffers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Candidate, Case

GROWTH = 64  # a declared number that grows by as much is rarely meant


def arriving(case: Case) -> Iterator[Candidate]:
    """Yield in_features, in_channels or num_features as what arrives makes it."""
    problem, row = case.problem, case.row
    if not isinstance(problem, DeclaredDiffers) or row is None:
        return
    name, declared, arrives = (problem.facts[key] for key in ("parameter", "declared", "arrives"))
    rank = 4.0 if arrives < GROWTH * declared else 5.5
    yield from case.change(row.node, name, arrives, rank=rank, family="declared")
