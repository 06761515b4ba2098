"""Layers that put the same elements in another order or shape: flatten, reshape, the shuffles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from cnnshape.layers.base import ANY_SPACE, Layer, axis_of
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.layers.parameters import Count, Dim, Sizes
from cnnshape.layers.windows import Reads, cells, sampled, whole
from cnnshape.numbers.rules import N, Require, divides, equal, product, unasked

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.numbers.shape import Shape


class Rearranging(Layer):
    """Layers without weights that keep the elements."""

    family = "Layers that rearrange"
    by_name = True


class Flatten(Rearranging, type="flatten", torch="Flatten"):
    """Makes one axis of several, channels first: element (c, h, w) of C x H x W becomes (c*H + h)*W + w.

    Shape   (C, W, ...) -> (C * W * ...,); from axis start_dim to end_dim, if given
    Errors  no-such-axis; axes-reversed: start_dim stands behind end_dim
    Source  torch.nn.Flatten
    """

    start_dim = Dim(1)
    end_dim = Dim(-1)
    keeps_rank = False

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return Reshape(shape=y)

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return True

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        start, end = axis_of(self.start_dim, x, require), axis_of(self.end_dim, x, require)
        require(start <= end, "axes-reversed", start_dim=self.start_dim, end_dim=self.end_dim)
        return (*x[:start], product(x[start : end + 1]), *x[end + 1 :])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        x = inputs[0]
        start, end = axis_of(self.start_dim, x, unasked), axis_of(self.end_dim, x, unasked)
        if (start, end) == (0, len(x) - 1):
            return [whole(x)]
        return [[None if start <= axis <= end and start < end else cells() for axis in range(1, len(x))]]


class Reshape(Rearranging, type="reshape"):
    """Reads the same elements, channels first, in another shape.

    Shape   (C, W, ...) -> `shape` (written as the file writes shapes; one entry may be -1: what is left)
    Errors  elements-differ: the products are not equal, or -1 would not be whole
    Source  torch.reshape
    """

    shape = Sizes(torch=False)
    keeps_rank = False
    modules: ClassVar = {"Unflatten": {}}
    functions = ("view", "view_as", "reshape_as", "unflatten")

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, which files may well leave out, unless the call ends a channel_shuffle."""
        if not _shuffled(call):
            yield Recognized(cls.type, None, call.results, minor=True)

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return True

    def output(self, require: Require, *inputs: Shape) -> Shape:
        elements = product(inputs[0])
        known = product((1, *(n for n in self.shape if n != -1)))
        if -1 in self.shape:
            require(divides(known, elements), "elements-differ", elements=elements, shape=self.shape)
            return tuple(elements // known if n == -1 else n for n in self.shape)
        require(equal(elements, known), "elements-differ", elements=elements, shape=self.shape)
        return self.shape

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        return [whole(inputs[0]) if len(self.shape) == 1 else [None] * (len(inputs[0]) - 1)]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        return x.reshape(x.shape[0], *self.shape)


class PixelShuffle(Rearranging, type="pixel_shuffle", torch="PixelShuffle"):
    """Moves channels into space: r*r channels become r rows and r columns (also called depth to space).

    Shape   (C, H, W) -> (C / r**2, rH, rW), with r = upscale_factor; of more axes the last three, as torch's
    Errors  not-divisible: C by r**2
    Source  Shi et al. 2016 (arXiv:1609.05158); torch.nn.PixelShuffle
    """

    upscale_factor = Count(sides=True)
    ranks = range(2, ANY_SPACE.stop)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        *front, c, h, w = inputs[0]
        r = self.upscale_factor
        require(divides(r * r, c), "not-divisible", number=c, divisor=r * r)
        return (*front, c // (r * r), h * r, w * r)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        r = self.upscale_factor
        split, spread_out = cells(0, r * r, step=r * r), sampled(1, 0, r)
        return [[*(cells() for _ in inputs[0][:-3]), split, spread_out, spread_out][1:]]


class PixelUnshuffle(Rearranging, type="pixel_unshuffle", torch="PixelUnshuffle"):
    """Moves space into channels: r rows and r columns become r*r channels (also called space to depth).

    Shape   (C, H, W) -> (C * r**2, H / r, W / r), with r = downscale_factor; of more axes the last three, as torch's
    Errors  not-divisible: H or W by r
    Source  torch.nn.PixelUnshuffle
    """

    downscale_factor = Count(sides=True)
    ranks = range(2, ANY_SPACE.stop)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        *front, c, h, w = inputs[0]
        r = self.downscale_factor
        for side in (h, w):
            require(divides(r, side), "not-divisible", number=side, divisor=r)
        return (*front, c * (r * r), h // r, w // r)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        r = self.downscale_factor
        merged, gathered = sampled(1, 0, r * r), cells(0, r, step=r)
        return [[*(cells() for _ in inputs[0][:-3]), merged, gathered, gathered][1:]]


class ChannelShuffle(Rearranging, type="channel_shuffle", torch="ChannelShuffle"):
    """Deals the channels out anew over `groups` groups.

    Shape   (C, W, ...) -> the same
    Errors  groups-do-not-divide: C
    Source  Zhang et al. 2018 (arXiv:1707.01083); torch.nn.ChannelShuffle
    """

    groups = Count()
    ranks = ANY_SPACE
    functions = ("reshape", *Reshape.functions)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, of torch's own function or at the end of the three steps of a shuffle."""
        if call.name not in cls.functions:
            yield from super().of_call(call)
        elif groups := _shuffled(call):
            yield Recognized(cls.type, cls(groups=groups), call.results)

    def depth(self, c: N, require: Require) -> N:
        require(divides(self.groups, c), "groups-do-not-divide", parameter="input", channels=c, groups=self.groups)
        return c


def _shuffled(call: Called) -> int:
    """Return the groups of a shuffle, where a call merges the channels after split and exchange; 0 where not."""
    if not call.turned or not call.results:
        return 0
    (batch, groups, *x), turned = call.turned
    merged = tuple(call.results[0].shape)
    exchanged = len(x) > 1 and turned == (batch, x[0], groups, *x[1:])
    return groups if exchanged and merged == (batch, groups * x[0], *x[1:]) else 0
