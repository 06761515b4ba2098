"""Layers that multiply with learned weights: convolution, transposed convolution, linear."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnshape.layers.base import SPATIAL, Doubt, Layer, channels_of, last_of, sees_all, volume
from cnnshape.layers.parameters import Count, Flag, Inferred, Padding, PerAxis, Word
from cnnshape.layers.windows import Reads, cells, painted, whole
from cnnshape.numbers.rules import N, Require, divides, extent, left_over, lost, padded, product, transposed, window

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cnnshape.layers.in_torch import Called
    from cnnshape.numbers.shape import Shape


class Learned(Layer):
    """Convolution, transposed convolution, linear."""

    family = "Layers that multiply with learned weights"


class _Filters(Learned):
    """Filters in groups, with a kernel: the base of convolution and transposed convolution."""

    in_channels: Inferred
    out_channels: Count
    groups: Count
    bias: Flag
    ranks = SPATIAL
    weight_axes: ClassVar[tuple[str, str]]  # the first two axes of torch's weight; the second has one group alone

    def depth(self, c: N, require: Require) -> N:
        if self.groups != 1:
            for name in ("in_channels", "out_channels"):
                count: Any = getattr(self, name)
                divisible = divides(self.groups, count)
                require(divisible, "groups-do-not-divide", parameter=name, channels=count, groups=self.groups)
        return self.out_channels

    def weights(self, x: Shape) -> N:
        per_filter = self.in_channels // self.groups * volume(self.axes(len(x) - 1), "kernel_size")
        return self.out_channels * per_filter

    def biases(self) -> N:
        return self.out_channels if self.bias else 0

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        first, second, *kernel_size = given["weight"].shape
        channels = zip(cls.weight_axes, (first, second * given.get("groups", 1)), strict=True)
        return {**dict(channels), "kernel_size": tuple(kernel_size), "bias": given.get("bias")}


class Conv(_Filters, type="conv", torch="Conv{rank}d"):
    """Slides `out_channels` filters over the input.

    Shape   (C, W, ...) -> (out_channels, W', ...), W' = floor((W - F + 2P) / S) + 1, with F = D(K - 1) + 1;
            padding "same": W' = W, "valid": P = 0
    Errors  window-too-large: F > W + 2P; groups-do-not-divide: C, out_channels; same-needs-stride-1;
            padding-exceeds-side: P >= W with padding_mode "reflect", P > W with "circular"
    Counts  parameters: out_channels * C/groups * K... (+ out_channels); macs: weights * output positions
    Source  Dumoulin & Visin 2016, relationships 6 and 15 (arXiv:1603.07285); torch.nn.Conv2d
    """

    in_channels = Inferred(channels_of)
    out_channels = Count()
    kernel_size = PerAxis()
    stride = PerAxis(1)
    padding = Padding(0)
    dilation = PerAxis(1)
    groups = Count(1)
    bias = Flag(True)
    padding_mode = Word("zeros", words=("zeros", "reflect", "replicate", "circular"), sides=True)
    arguments = "weight bias stride padding dilation groups"
    weight_axes = ("out_channels", "in_channels")

    def side(  # noqa: PLR0913 -- torch's parameters
        self, w: N, require: Require, *, kernel_size: N, stride: N, padding: Any, dilation: N
    ) -> N:
        covered = extent(kernel_size, dilation)
        before, after = _ends(padding, covered)
        if self.padding_mode != "zeros":  # torch pads in a step of its own, which has its own conditions
            padded(w, require, before=before, after=after, mode=self.padding_mode)
        if padding == "same":
            require(stride == 1, "same-needs-stride-1", stride=stride)
            return w
        return window(w, require, extent=covered, stride=stride, padding=before)

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the padded input, where padding is a separate step, and of the unrolled windows."""
        axes = self.axes(len(x) - 1)
        sides = [
            axis["stride"] * w + axis["dilation"] * axis["kernel_size"] for w, axis in zip(y[1:], axes, strict=True)
        ]
        elements = 0 if self.padding_mode == "zeros" else 2 * x[0] * product(sides)
        return elements if onednn is not False else elements + x[0] * volume(axes, "kernel_size") * product(y[1:])

    def left_over(self, w: N, *, kernel_size: N, stride: N, padding: Any, dilation: N) -> N:
        if padding == "same":
            return 0
        covered = extent(kernel_size, dilation)
        return left_over(w, extent=covered, stride=stride, padding=_ends(padding, covered)[0])

    def lost(  # noqa: PLR0913 -- torch's parameters
        self, w: N, windows: N, *, kernel_size: N, stride: N, padding: Any, dilation: N
    ) -> N:
        covered = extent(kernel_size, dilation)
        return lost(w, windows, extent=covered, stride=stride, padding=_ends(padding, covered)[0])

    def reach(self, w: int, *, kernel_size: int, stride: int, padding: Any, dilation: int) -> Reads:
        before, _ = _ends(padding, extent(kernel_size, dilation))
        return cells(-before, kernel_size, apart=dilation, step=stride)

    def uses(self, x: Shape, y: Shape) -> N:
        return product(y[1:])

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        windows = zip(found["padding"], found["kernel_size"], found["dilation"], strict=False)
        pairs = [_ends(padding, extent(kernel_size, dilation)) for padding, kernel_size, dilation in windows]
        found["padding"] = tuple(before if before == after else "same" for before, after in pairs)
        if not any(found["padding"]):
            del found["padding_mode"]
        return found

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return a linear layer where one window covers the input, or the windows are patches without overlap."""
        if self.groups != 1 or not 1 < len(x) == len(y) or any(self.compared(x, y)["padding"]):
            return self
        axes = self.axes(len(x) - 1)
        patches = all(axis["kernel_size"] == axis["stride"] and axis["dilation"] == 1 for axis in axes)
        if not patches and not sees_all(axes, x, y):
            return self
        inside = self.in_channels * volume(axes, "kernel_size")
        return Linear(in_features=inside, out_features=self.out_channels, bias=self.bias)


def _ends(padding: Any, covered: N) -> tuple[N, N]:
    """Return the cells added before and after; of an odd number, "same" adds the greater half after."""
    if padding == "same":
        return (covered - 1) // 2, covered - 1 - (covered - 1) // 2
    return (0, 0) if padding == "valid" else (padding, padding)


class ConvTranspose(_Filters, type="conv_transpose", torch="ConvTranspose{rank}d"):
    """Undoes the shape of a convolution: each input cell paints a kernel on the output (also called deconvolution).

    Shape   (C, W, ...) -> (out_channels, W', ...), W' = S(W - 1) - 2P + D(K - 1) + OP + 1
    Errors  nothing-left: W' < 0; no-elements: W' = 0; output-padding-too-large: OP >= max(S, D);
            groups-do-not-divide: C, out_channels
    Counts  parameters: out_channels * C/groups * K... (+ out_channels); macs: weights * *input* positions
    Source  Dumoulin & Visin 2016, relationship 14 (arXiv:1603.07285); torch.nn.ConvTranspose2d
    """

    in_channels = Inferred(channels_of)
    out_channels = Count()
    kernel_size = PerAxis()
    stride = PerAxis(1)
    padding = PerAxis(0, least=0)
    output_padding = PerAxis(0, least=0)
    groups = Count(1)
    bias = Flag(True)
    dilation = PerAxis(1)
    padding_mode = Word("zeros", words=("zeros",))
    arguments = "weight bias stride padding output_padding groups dilation"
    weight_axes = ("in_channels", "out_channels")

    def side(  # noqa: PLR0913 -- torch's parameters
        self, w: N, require: Require, *, kernel_size: N, stride: N, padding: N, output_padding: N, dilation: N
    ) -> N:
        fits = (output_padding < stride) | (output_padding < dilation)
        require(fits, "output-padding-too-large", output_padding=output_padding, stride=stride, dilation=dilation)
        covered = extent(kernel_size, dilation)
        return transposed(w, require, extent=covered, stride=stride, padding=padding, output_padding=output_padding)

    def reach(  # noqa: PLR0913 -- torch's parameters
        self, w: int, *, kernel_size: int, stride: int, padding: int, output_padding: int, dilation: int
    ) -> Reads:
        return painted(kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)

    def uses(self, x: Shape, y: Shape) -> N:
        return product(x[1:])

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the painted kernels, before they are added."""
        axes = self.axes(len(x) - 1)
        in_place = onednn and all(axis["output_padding"] < axis["stride"] for axis in axes)
        return 0 if onednn is None or in_place else y[0] * volume(axes, "kernel_size") * product(x[1:])


class Linear(Learned, type="linear", torch="Linear"):
    """Multiplies the last axis with a matrix (also called fully connected, or dense).

    Shape   (..., in_features) -> (..., out_features)
    Errors  declared-differs: in_features is not the last axis
    Warns   linear-on-space: there are two spatial axes or more: is a flatten missing?
    Counts  parameters: in_features * out_features (+ out_features); macs: in_features * out_features * positions
    Source  torch.nn.Linear
    """

    in_features = Inferred(last_of)
    out_features = Count(sides=True)
    bias = Flag(True)
    arguments = "weight bias"

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return (*inputs[0][:-1], self.out_features)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [[*(cells() for _ in inputs[0][1:-1]), *whole(inputs[0])[-1:]]]

    def weights(self, x: Shape) -> N:
        return self.in_features * self.out_features

    def biases(self) -> N:
        return self.out_features if self.bias else 0

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        outside, inside = given["weight"].shape
        return {"in_features": inside, "out_features": outside, "bias": given.get("bias")}

    def uses(self, x: Shape, y: Shape) -> N:
        return product((1, *x[:-1]))

    def doubts(self, *inputs: Shape) -> Iterator[Doubt]:
        if len(inputs[0]) > 2:  # noqa: PLR2004 -- one spatial axis is a sequence, and this each of its steps
            yield Doubt("linear-on-space", {"axes": len(inputs[0])})
