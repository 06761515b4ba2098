"""Layers that may take their sides from another layer's result, as `like` names it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.layers.base import Layer, attempt

if TYPE_CHECKING:
    from cnnshape.numbers.rules import N, Require
    from cnnshape.numbers.shape import Shape


class Following(Layer):
    """The base of the layers with a reference `like`, whose result enters last; without it, their own rule holds."""

    like: Any

    def output(self, require: Require, *inputs: Shape) -> Shape:
        if self.like is None:
            return super().output(require, *inputs)
        x, like = inputs
        require(len(x) == len(like), "shapes-differ", one=x, other=like)
        sides = zip(x[1:], like[1:], self.axes(len(x) - 1), strict=True)
        reached = [attempt(self.reached, w, target, require, **axis) for w, target, axis in sides]
        return (attempt(self.depth, x[0], require), *reached)

    def reached(self, w: N, target: N, require: Require, *_: Any, **axis: Any) -> N:
        """Return the side that comes of side w, given that of `like`."""
        raise NotImplementedError
