"""The causes of problems: a net and its report come in, and for each problem its cause, or None where nothing is known.

A cause is worked out from the graph and the rows alone; nothing is tried. Each kind of problem has a function, in a file
by what the numbers are: joined, declared, claimed, shrunk, or in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.cause_of_claims import claimed
from cnnshape.diagnosis.cause_of_joins import joined, taken
from cnnshape.diagnosis.cause_of_numbers import declared, divided, elements
from cnnshape.diagnosis.cause_of_order import another_order, axes_differ, in_order, ranks, unequal
from cnnshape.diagnosis.cause_of_sides import expected, shrunk
from cnnshape.diagnosis.limits import Exhausted
from cnnshape.diagnosis.trails import Ways
from cnnshape.problems import claims, shapes

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause

    Find = Callable[[Ways, Problem], Cause | None]

FOUND_BY: Final[dict[type[Problem], tuple[Find, ...]]] = {  # the first that finds one
    shapes.AnotherOrder: (another_order,),
    shapes.DeclaredDiffers: (in_order, declared),
    shapes.ShapesDiffer: (joined, unequal),
    shapes.NeedsBroadcast: (joined,),
    shapes.RanksDiffer: (ranks,),
    shapes.WindowTooLarge: (in_order, shrunk),
    shapes.NothingLeft: (in_order, shrunk),
    shapes.NoElements: (in_order, shrunk),
    shapes.PaddingExceedsSide: (in_order, shrunk),
    shapes.OneValue: (shrunk,),
    shapes.GroupsDoNotDivide: (in_order, divided),
    shapes.HeadsDoNotDivide: (divided,),
    shapes.NotDivisible: (in_order, divided),
    shapes.SlopesDiffer: (divided,),
    shapes.ElementsDiffer: (elements,),
    shapes.NoSpace: (ranks,),
    shapes.NoAxes: (ranks,),
    shapes.TooFewAxes: (ranks,),
    shapes.TooManyAxes: (ranks,),
    shapes.AxesDiffer: (axes_differ,),
    shapes.LinearOnSpace: (ranks,),
    shapes.LikeOutOfRange: (taken,),
    shapes.CropGrows: (taken,),
    shapes.UnpoolOutOfRange: (taken,),
    claims.ExpectDiffers: (expected,),
    claims.ClaimDiffers: (expected, claimed),
}


class Causes:
    """The causes of the problems of one report."""

    def __init__(self, net: Network, report: Report):
        self.ways = Ways(net, report)

    def of(self, problem: Problem) -> Cause | None:
        """Return the cause of a problem, None where nothing behind the layer's own setting is known."""
        found = (find(self.ways, problem) for find in FOUND_BY.get(type(problem), ()))
        try:
            return next((cause for cause in found if cause), None)
        except Exhausted:
            return None
