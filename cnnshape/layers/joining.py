"""Layers that join several results: concat, stack, arithmetic, products of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.activation import Sigmoid, SiLU
from cnnshape.layers.base import ANY_SHAPE, ANY_SPACE, Layer, attempt, axis_of
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.layers.parameters import Dim, Flag
from cnnshape.layers.windows import Reads, cells
from cnnshape.numbers.rules import N, Require, equal, larger, same, unasked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.layers.in_torch import Made
    from cnnshape.numbers.shape import Shape

MANY: Final = range(1, 2**31)  # one, too: a pattern such as stack.*.skip may find a single result


class Joining(Layer):
    """Concatenation and arithmetic of results."""

    family = "Layers that join several results"
    paint = "join"


class Concat(Joining, type="concat"):
    """Puts results one behind the other along axis `dim`, the channels if left out.

    Shape   (C1, W, ...), (C2, W, ...), ... -> (C1 + C2 + ..., W, ...)
    Errors  shapes-differ: another axis is not equal, or there are more; no-such-axis
    Source  torch.cat
    """

    sign = "||"
    dim = Dim(1, torch=False)
    functions = ("cat", "concatenate")
    joins = MANY
    associative = True
    stacks = True

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer; of one result and a parameter it is a token, see elementwise.py."""
        if not with_a_parameter(call):
            yield from super().of_call(call)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        first, *others = inputs
        axis = axis_of(self.dim, first, require)
        result = first
        for other in others:
            require(len(first) == len(other), "shapes-differ", one=first, other=other)
            fitted = joined(first, other, require, {"shapes-differ": equal}, skip=axis)
            result = (*fitted[:axis], result[axis] + other[axis], *fitted[axis + 1 :])
        return result

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        along = axis_of(self.dim, inputs[0], unasked)
        return [[None if axis == along else cells() for axis in range(1, len(x))] for x in inputs]

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return inputs == (y,)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.cat(tensors, self.dim)


class _Elementwise(Joining):
    """Works on results element by element; shapes must be equal, unless they may be broadcast."""

    joins = MANY
    ranks = ANY_SHAPE

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of several results; with a parameter or a number it is another, see elementwise.py."""
        if call.alive.count(True) > 1:
            yield Recognized(cls.type, cls(), call.results)

    def broadcasts(self) -> bool:
        """Say whether an axis of 1 is repeated."""
        return True

    def output(self, require: Require, *inputs: Shape) -> Shape:
        result, *others = inputs
        for other in others:
            if other != result:
                alike = {"shapes-differ": broadcastable} | ({} if self.broadcasts() else {"needs-broadcast": equal})
                require(len(result) == len(other), "ranks-differ", one=result, other=other)
                result = joined(result, other, require, alike)
        return result

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        y = self.output(unasked, *inputs)
        return [repeated_axes(x[1:], y[1:]) for x in inputs]


class Add(_Elementwise, type="add"):
    """Adds results element by element, as a residual connection does.

    Shape   equal shapes -> the same; `broadcast`: an axis of 1 is repeated
    Errors  shapes-differ: an axis is neither equal nor 1; needs-broadcast: one is 1; ranks-differ
    Source  torch.add
    """

    sign = "+"
    broadcast = Flag(False, torch=False, compared=False)
    commutative = True
    associative = True

    def broadcasts(self) -> bool:
        return self.broadcast

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return sum(tensors[1:], start=tensors[0])


class Stack(Joining, type="stack"):
    """Puts results beside each other along a new axis `dim`.

    Shape   n equal shapes -> the same with an axis of n at `dim`, counted in the result
    Errors  shapes-differ; no-such-axis
    Source  torch.stack
    """

    sign = "||"
    dim = Dim(torch=False)
    joins = MANY
    ranks = ANY_SHAPE
    keeps_rank = False
    stacks = True

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, unless it stacks along the batch."""
        dim = call.arguments(("dim",)).get("dim", 0)
        if call.results and dim % len(call.results[0].shape):
            yield Recognized(cls.type, cls(dim=dim), call.results)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        return {"dim": self.parameters["dim"].plain(self.dim, len(x))}  # counted in the result, which has an axis more

    def output(self, require: Require, *inputs: Shape) -> Shape:
        first, *others = inputs
        axis = axis_of(self.dim, (*first, len(inputs)), require)
        for other in others:
            require(len(first) == len(other), "shapes-differ", one=first, other=other)
            first = joined(first, other, require, {"shapes-differ": equal})
        return (*first[:axis], len(inputs), *first[axis:])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        new = axis_of(self.dim, (*inputs[0], len(inputs)), unasked)
        return [[cells() if axis < new else None for axis in range(1, len(x))] for x in inputs]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.stack(tensors, self.dim)


class Matmul(Joining, type="matmul"):
    """Multiplies matrices: those of the last two axes, for each place of the axes before.

    Shape   (..., N, K), (..., K, M) -> (..., N, M); of the axes before the last two, one of 1 is repeated
    Errors  no-space: there is one axis alone; ranks-differ; shapes-differ: K, or an axis before that is no 1
    Counts  multiply-accumulates: none by the convention, as it has no weights
    Source  torch.matmul
    """

    sign = "@"
    joins = range(2, 3)
    ranks = ANY_SPACE
    functions = ("bmm",)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of two results, or of one and a parameter, which no file has."""
        if call.alive.count(True) > 1 or call.weighted:
            yield Recognized(cls.type, cls(), call.results)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        one, other = inputs
        require(len(one) == len(other), "ranks-differ", one=one, other=other)
        require(equal(one[-1], other[-2]), "shapes-differ", one=one, other=other)
        alike = {"shapes-differ": broadcastable}
        return (*joined(one[:-2], other[:-2], require, alike), one[-2], other[-1])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        one, other = inputs
        y, everything = self.output(unasked, *inputs), cells(0, one[-1], step=0)
        rows = [*repeated_axes(one[:-2], y[:-2]), cells(), everything]
        columns = [*repeated_axes(other[:-2], y[:-2]), everything, cells()]
        return [rows[1:], columns[1:]]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.matmul(*tensors)


class Sub(_Elementwise, type="sub"):
    """Subtracts the second result from the first.

    Shape   equal shapes -> the same; `broadcast`: an axis of 1 is repeated
    Errors  shapes-differ: an axis is neither equal nor 1; needs-broadcast: one is 1; ranks-differ
    Source  torch.sub
    """

    sign = "-"
    broadcast = Flag(False, torch=False, compared=False)
    functions = ("subtract",)
    joins = range(2, 3)

    def broadcasts(self) -> bool:
        return self.broadcast

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0] - tensors[1]


class Mul(_Elementwise, type="mul"):
    """Multiplies results element by element, as a gate does; an axis of 1 is repeated.

    Shape   (C, W, ...), (C, 1, ...) -> (C, W, ...)
    Errors  shapes-differ: an axis is neither equal nor 1; ranks-differ
    Source  torch.mul
    """

    sign = "x"
    functions = ("multiply",)
    commutative = True
    associative = True

    def among(self, inputs: tuple[int, ...], maker: Callable[[int], Made | None]) -> tuple[Layer, tuple[int, ...]]:
        """Return silu for x * sigmoid(x)."""
        for x, gate in (inputs, inputs[::-1]) if len(inputs) == 2 else ():  # noqa: PLR2004 -- x and its sigmoid
            made = maker(gate)
            if made and isinstance(made.layer, Sigmoid) and made.inputs == (x,):
                return SiLU(), (x,)
        return self, inputs

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        result = tensors[0]
        for other in tensors[1:]:
            result = result * other
        return result


class Div(_Elementwise, type="div"):
    """Divides the first result by the second, element by element; an axis of 1 is repeated.

    Shape   (C, W, ...), (C, 1, ...) -> (C, W, ...)
    Errors  shapes-differ: an axis is neither equal nor 1; ranks-differ
    Source  torch.div
    """

    sign = "/"
    functions = ("truediv", "divide", "true_divide")
    joins = range(2, 3)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0] / tensors[1]


class _Extreme(_Elementwise):
    """Takes one of two results, element by element."""

    joins = range(2, 3)
    commutative = True

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of two results; one that changes no shape files may well leave out."""
        yield from (one._replace(minor=True) for one in super().of_call(call))


class Maximum(_Extreme, type="maximum"):
    """Takes the larger of two results, element by element, as max-feature-map units do; an axis of 1 is repeated.

    Shape   (C, W, ...), (C, 1, ...) -> (C, W, ...)
    Errors  shapes-differ: an axis is neither equal nor 1; ranks-differ
    Source  torch.maximum
    """

    functions = ("max",)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.maximum(*tensors)


class Minimum(_Extreme, type="minimum"):
    """Takes the smaller of two results, element by element; an axis of 1 is repeated.

    Shape   (C, W, ...), (C, 1, ...) -> (C, W, ...)
    Errors  shapes-differ: an axis is neither equal nor 1; ranks-differ
    Source  torch.minimum
    """

    functions = ("min",)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.minimum(*tensors)


def with_a_parameter(call: Called) -> bool:
    """Say whether a call joins one result and one tensor that is made of parameters."""
    return call.weighted and len(call.alive) == 2 and call.alive.count(True) == 1  # noqa: PLR2004 -- both


def joined(one: Shape, other: Shape, require: Require, alike: dict[str, Any], skip: int = -1) -> Shape:
    """Return the larger size of each axis. All axes but `skip` must meet the conditions in `alike`, by code."""
    either = same if equal in alike.values() else larger

    def axis(a: N, b: N) -> N:
        for code, condition in alike.items():
            require(condition(a, b), code, one=one, other=other)
        return either(a, b)

    return tuple(
        a if index == skip or a == b else attempt(axis, a, b)
        for index, (a, b) in enumerate(zip(one, other, strict=True))
    )


def repeated_axes(x: Shape, y: Shape) -> list[Reads]:
    """Return the reaches along axes of which those of 1 are repeated."""
    return [cells(step=0 if w < out else 1) for w, out in zip(x, y, strict=True)]


def broadcastable(a: N, b: N) -> Any:
    """Return the condition that two sizes of an axis are equal, or one of them is 1."""
    return equal(a, b) | equal(a, 1) | equal(b, 1)
