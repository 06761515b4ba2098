"""The totals of a net at an input: a graph comes in; its outputs, its counts and its first error go out.

An error is one of the file or of the shapes: expectations and claims speak of the net as the file has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.network.check import checked
from cnnshape.problems.base import errors
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.network.graph import Graph
    from cnnshape.numbers.shape import Input, Shape
    from cnnshape.problems.base import Problem


class Totals(NamedTuple):
    """The outputs and the counts of a net at one input. `valid`: it has no error; else `problem` is the first."""

    inputs: dict[str, Shape]
    outputs: dict[str, Shape | None]
    parameters: int | None
    macs: int | None
    problem: Problem | None = None

    @property
    def valid(self) -> bool:
        return self.problem is None

    @property
    def output(self) -> Shape | None:
        """The last of the outputs."""
        return next(reversed(self.outputs.values()), None)


def with_sides(inputs: Mapping[str, Shape | None], side: int) -> dict[str, Shape]:
    """Return the shapes of inputs with another side along all their axes; their channels are as they were."""
    return {name: (*shape[:1], *[side] * (len(shape) - 1)) for name, shape in inputs.items() if shape}


def totals(graph: Graph, given: Input | int | None) -> Totals:
    """Return the totals at the declared input (None), another, or another side. Raises ValueError, as `inputs_at`."""
    context = checked(graph, with_sides(graph.inputs, given) if isinstance(given, int) else given)
    report, problem = context.report, next(iter(errors(context.problems)), None)
    return Totals(report.inputs, report.outputs, report.parameters, report.macs, problem)
