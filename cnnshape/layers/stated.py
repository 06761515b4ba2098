"""Layers that say what no other type computes: a condition of the model's code, and a part with stated figures.

What the file states is taken on trust; the classes say where it holds.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from cnnshape.layers.base import ANY_SHAPE, ANY_SPACE, Layer
from cnnshape.layers.parameters import Count, Figure, InferredShape, OutShape, PerAxis, Text
from cnnshape.numbers.formula import AXES, computed, names_in
from cnnshape.numbers.rules import N, Require, divides, equal, unasked
from cnnshape.numbers.shape import LARGEST, Shape
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.layers.windows import Reads
    from cnnshape.problems.base import Problem


class Stated(Layer):
    """Facts about a model that its layers do not show."""

    family = "Layers that state a fact"
    paint = "stated"


class Requirement(Stated, type="require"):
    """Refuses the sides that the model's code refuses, and changes nothing.

    Shape   (C, W, ...) -> the same
    Errors  requirement-fails: W - `plus` is no multiple of `multiple_of`, or W is below `at_least`, or above `at_most`
    Source  the model's own code
    """

    paint = "pointwise"  # it changes nothing
    multiple_of = PerAxis(None, torch=False, compared=False)
    plus = PerAxis(0, least=0, torch=False, compared=False)
    at_least = PerAxis(None, torch=False, compared=False)
    at_most = PerAxis(None, torch=False, compared=False)
    ranks = ANY_SPACE
    fits = True

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        if "plus" in given and "multiple_of" not in given:
            return values.NothingRequired(of="plus", keys="multiple_of")
        return None if given else values.NothingRequired(of=cls.type, keys="multiple_of, at_least or at_most")

    def side(  # noqa: PLR0913 -- the conditions
        self, w: N, require: Require, *, multiple_of: N = None, plus: N = 0, at_least: N = None, at_most: N = None
    ) -> N:
        if multiple_of is not None:
            asked = {"key": "multiple_of", "number": multiple_of, "plus": plus}
            require(divides(multiple_of, w - plus), "requirement-fails", side=w, **asked)
        if at_least is not None:
            require(w >= at_least, "requirement-fails", side=w, key="at_least", number=at_least)
        # LARGEST is no condition: it stands where another axis has one
        if at_most is not None and at_most != LARGEST:
            require(w <= at_most, "requirement-fails", side=w, key="at_most", number=at_most)
        return w

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        return parts.Requirement(**{name: getattr(self, name) for name in self.parameters if name in vars(self)})

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        return module(tensors[0])

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0]


def _entering(layer: Opaque, x: Shape) -> Shape:
    return x


class Opaque(Stated, type="opaque"):
    """Stands for a part of a model that no layer type says: what comes out of it, and its figures, are the file's word.

    Shape   `out_shape`, in the file's layout: for each axis a number, "keep", or a formula of +, -, *, // over the axes
            that enter: c, and l, or h and w, or d, h and w; "keep" for the whole. Numbers for sides hold for `seen`
            alone, the shape that enters at the declared input if left out; "7" is 7 whatever enters
    Errors  seen-elsewhere: another shape enters, where a side is a number; other channels, unless it has formulas
            alone and no parameters; unknown-side:
            an axis is named that what enters does not have; no-elements: a formula gives less than 1
    Counts  parameters: `num_parameters`; macs: `macs`, a number, which holds for `seen` alone, or a formula
    Source  the file; a live model's module of the path `submodule`, or of the layer's own name, is taken as a whole
    """

    out_shape = OutShape()
    num_parameters = Count(0, least=0, torch=False, compared=False)
    macs = Figure(0)
    seen = InferredShape(_entering)
    submodule = Text()
    ranks = ANY_SHAPE
    joins = range(1, LARGEST)  # the shape follows the first; the others enter it too
    alone = True
    keeps_rank = False
    on_trust = True

    def place(self) -> Any:
        """Return the shape that enters where its figures hold; UNKNOWN behind a failure."""
        return self.seen

    def of_one_input(self) -> bool:
        """Say whether its output is known for the shape alone that was seen."""
        sides = self.out_shape[1:] or self.out_shape
        return self.out_shape != "keep" and not all(isinstance(side, str) for side in sides)

    def of_any_shape(self) -> bool:
        """Say whether it takes other channels, too, than those that were seen: it has formulas alone, and no parameters."""
        given = self.out_shape != "keep" and self.num_parameters == 0
        return given and all(isinstance(entry, str) and entry != "keep" for entry in self.out_shape)

    def enter(self, require: Require, *inputs: Shape) -> None:
        x, seen = inputs[0], self.place()
        if seen is UNKNOWN:
            return
        fixed = 0 if self.of_any_shape() else len(x) if self.of_one_input() else 1
        alike = [*map(equal, x[:fixed], seen[:fixed])]
        require(len(x) == len(seen) and (not alike or reduce(and_, alike)), "seen-elsewhere", one=seen, other=x)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        if self.out_shape == "keep":
            return x
        axes = dict(zip(AXES.get(len(x) - 1, ()), x, strict=False))
        result = []
        for axis, entry in enumerate(self.out_shape):
            if not isinstance(entry, str):
                result.append(entry)
                continue
            known = axis < len(x) if entry == "keep" else names_in(entry) <= axes.keys()
            require(known, "unknown-side", entry=entry, axes=" and ".join(axes) or "none")
            size = x[axis] if entry == "keep" else computed(entry, axes)
            require(size >= 1, "no-elements", side=entry, result=size)
            result.append(size)
        return tuple(result)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        return [[None] * (len(x) - 1) for x in inputs]

    def counts(self, x: Shape, y: Shape) -> tuple[N, N]:
        macs: N = self.macs
        if isinstance(macs, str):
            axes = dict(zip(AXES.get(len(x) - 1, ()), x, strict=False))
            macs = computed(macs, axes) if names_in(macs) <= axes.keys() else UNKNOWN
        elif macs != 0 and x != self.place():
            macs = UNKNOWN
        return self.num_parameters, macs

    def stands_for(self) -> str:
        return self.submodule or ""

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return torch.nn.ParameterDict({"weight": torch.nn.Parameter(torch.empty(self.num_parameters))})

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        return parts.Opaque(self.num_parameters)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        return module(tensors[0])

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.not_stated("its layers are not known")

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        return x.new_zeros(x.shape[0], *self.output(unasked, tuple(x.shape[1:])))
