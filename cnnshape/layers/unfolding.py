"""Layers that lay the windows of an input out side by side, and put them back: unfold, fold, windows along one axis."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.base import Layer, attempt, axis_of
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.layers.parameters import Count, Dim, PairOf, Reference, WindowSetting, per_axis
from cnnshape.layers.sliding import countable
from cnnshape.layers.windows import Reads, cells
from cnnshape.numbers.rules import N, Require, divides, equal, extent, product, unasked, window
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem

IMAGE: Final = 2  # spatial axes of what is taken apart
SETTINGS: Final = ("kernel_size", "dilation", "padding", "stride")


class Unfolding(Layer):
    """Layers without weights that copy cells, each as often as windows have it."""

    family = "Layers that lay windows out"
    paint = "rearranged"
    by_name = True
    keeps_rank = False
    keeps = ""


def windows(  # noqa: PLR0913 -- torch's parameters
    side: N, require: Require, *, kernel_size: N, dilation: N, padding: N, stride: N
) -> N:
    """Return the number of windows along a side."""
    return window(side, require, extent=extent(kernel_size, dilation), stride=stride, padding=padding)


class Unfold(Unfolding, type="unfold", torch="Unfold"):
    """Lays the windows of an image out side by side: each becomes a column, of its cells in all channels.

    Shape   (C, H, W) -> (C * K_h * K_w, L), L = H' * W', each as of a convolution: floor((W - F + 2P) / S) + 1,
            with F = D(K - 1) + 1
    Errors  window-too-large: F > W + 2P; window-too-wide: F >= 2**31
    Source  torch.nn.Unfold
    """

    kernel_size = WindowSetting()
    dilation = WindowSetting(1)
    padding = WindowSetting(0, least=0)
    stride = WindowSetting(1)
    ranks = range(IMAGE, IMAGE + 1)
    arguments = "kernel_size dilation padding stride"

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of torch.nn.functional.unfold; a tensor's own unfold has another rule."""
        if call.results and not _along_axis(call):
            yield from super().of_call(call)

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        countable(self.axes(IMAGE), require)

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        """Say whether it has as many numbers as before, as a reshape to patches has."""
        x = inputs[0]
        return None not in {x, y} and prod(x or ()) == prod(y or ())

    def output(self, require: Require, *inputs: Shape) -> Shape:
        c, *sides = inputs[0]
        axes = self.axes(IMAGE)
        found = [attempt(windows, side, require, **axis) for side, axis in zip(sides, axes, strict=True)]
        return (c * prod(axis["kernel_size"] for axis in axes), UNKNOWN if UNKNOWN in found else product(found))

    def stated(self, x: Shape) -> Shape | None:
        return (UNKNOWN, UNKNOWN)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        return [[None] * IMAGE]

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.resized(x, module.shape_of(x))


class Fold(Unfolding, type="fold", torch="Fold"):
    """Puts columns of windows back where they stand in an image, and adds up where they overlap: the way back of unfold.

    Shape   (C * K_h * K_w, L) -> (C, H, W), of `output_size`, or the sides of `like`; L is the number of windows there,
            as unfold counts them
    Errors  not-divisible: the channels, by K_h * K_w; window-too-large: F > W + 2P; window-too-wide: F >= 2**31;
            columns-differ: L; shapes-differ: `like` is no image
    Source  torch.nn.Fold
    """

    output_size = PairOf(None)
    kernel_size = PairOf()
    dilation = PairOf(1)
    padding = PairOf(0, least=0)
    stride = PairOf(1)
    like = Reference()
    ranks = range(1, 2)
    arguments = "output_size kernel_size dilation padding stride"

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        ways = ["output_size", "like"]
        return None if len(given.keys() & {*ways}) == 1 else values.NeedsOneOf(of=cls.type, keys=ways)

    def along(self) -> list[dict[str, Any]]:
        """Return the settings of a window along either axis of the image."""
        each = {name: per_axis(getattr(self, name), IMAGE) for name in SETTINGS}
        return [{name: entries[axis] for name, entries in each.items()} for axis in range(IMAGE)]

    def output(self, require: Require, *inputs: Shape) -> Shape:
        (c, columns), axes = inputs[0], self.along()
        countable(axes, require)
        if self.like is not None:
            require(len(inputs[1]) - 1 == IMAGE, "shapes-differ", one=inputs[0], other=inputs[1])
        sides = per_axis(self.output_size, IMAGE) if self.like is None else inputs[1][1:]
        cells_of_window = prod(axis["kernel_size"] for axis in axes)
        require(divides(cells_of_window, c), "not-divisible", number=c, divisor=cells_of_window)
        found = [windows(side, require, **axis) for side, axis in zip(sides, axes, strict=True)]
        require(equal(product(found), columns), "columns-differ", columns=columns, windows=product(found))
        return (c // cells_of_window, *sides)

    def stated(self, x: Shape) -> Shape | None:
        sides = (UNKNOWN,) * IMAGE if self.like is not None else per_axis(self.output_size, IMAGE)
        return (UNKNOWN, *sides)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        return [[None]]

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return super().module(torch, *inputs) if self.like is None else None

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        if self.like is None:
            return module(tensors[0])
        given = {name: getattr(self, name) for name in SETTINGS if name in vars(self)}
        x, like = tensors
        return torch.nn.functional.fold(x, (like.shape[2], like.shape[3]), **given)

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return torch.resized(tensors[0], (tensors[0].shape[0], *module.result))


class Windows(Unfolding, type="windows"):
    """Takes parts of one axis, a step apart, that may overlap: their cells become a last axis of their own.

    Shape   axis `dim`: A -> floor((A - size) / step) + 1, and a last axis of `size`
    Errors  no-such-axis; window-too-large: size > A
    Source  torch.Tensor.unfold
    """

    dim = Dim(torch=False)
    size = Count(torch=False, sides=True)
    step = Count(torch=False, sides=True)
    functions = ("unfold",)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of a tensor's own unfold, along another axis than the batch."""
        given = call.arguments(("dimension", "size", "step"))
        axis = call.counted(given["dimension"] % len(call.tensors[0].shape)) if _along_axis(call) else 0
        if axis:
            yield Recognized(cls.type, cls(dim=axis, size=given["size"], step=given["step"]), call.results)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        axis = axis_of(self.dim, x, require)
        count = window(x[axis], require, extent=self.size, stride=self.step, padding=0)
        return (*x[:axis], count, *x[axis + 1 :], self.size)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        x = inputs[0]
        along = axis_of(self.dim, x, unasked)
        return [[cells(0, self.size, step=self.step) if axis == along else cells() for axis in range(1, len(x))]]

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        return found | {"dim": found["dim"] % (len(x) + 1)} if "dim" in found else found

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0].unfold(self.dim, self.size, self.step)


def _along_axis(call: Called) -> bool:
    """Say whether a call of unfold is a tensor's own, whose result has an axis more, and no torch.nn.functional.unfold."""
    return bool(call.results) and len(call.results[0].shape) > len(call.tensors[0].shape)
