"""Layers that say what no other type computes: `require`, a condition of the model's code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.layers.base import ANY_SPACE, Layer
from cnnshape.layers.parameters import PerAxis
from cnnshape.numbers.rules import N, Require, divides
from cnnshape.problems.values import NothingRequired

if TYPE_CHECKING:
    from cnnshape.problems.base import Problem


class Stated(Layer):
    """Facts about a model that its layers do not show."""

    family = "Layers that state a fact"


class Requirement(Stated, type="require"):
    """Refuses the sides that the model's code refuses, and changes nothing.

    Shape   (C, W, ...) -> the same
    Errors  requirement-fails: W is no multiple of `multiple_of`, or is below `at_least`, or above `at_most`
    Source  the model's own code
    """

    multiple_of = PerAxis(None, torch=False, compared=False)
    at_least = PerAxis(None, torch=False, compared=False)
    at_most = PerAxis(None, torch=False, compared=False)
    ranks = ANY_SPACE
    fits = True

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        return None if given else NothingRequired()

    def side(self, w: N, require: Require, *, multiple_of: N = None, at_least: N = None, at_most: N = None) -> N:
        if multiple_of is not None:
            require(divides(multiple_of, w), "requirement-fails", side=w, key="multiple_of", number=multiple_of)
        if at_least is not None:
            require(w >= at_least, "requirement-fails", side=w, key="at_least", number=at_least)
        if at_most is not None:
            require(w <= at_most, "requirement-fails", side=w, key="at_most", number=at_most)
        return w

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0]
