"""Layers that put elements in another order or shape, or one in the place of many: permute, reshape, reduce, shuffles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.base import ANY_SHAPE, ANY_SPACE, Layer, attempt, axes_in, axis_of, divided
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.layers.parameters import Axes, Count, Dim, Flag, Order, Reference, Sizes, Split, Word
from cnnshape.layers.pooling import GlobalAvgPool, GlobalMaxPool
from cnnshape.layers.windows import Reads, cells, sampled, whole
from cnnshape.numbers.rules import N, Require, divides, equal, product, unasked
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem


class Rearranging(Layer):
    """Layers without weights, for which all axes are alike, or are exchanged."""

    family = "Layers that rearrange"
    paint = "rearranged"
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

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return x.flatten(self.start_dim, self.end_dim)


class Reshape(Rearranging, type="reshape"):
    """Reads the same elements, channels first, in another shape.

    Shape   (C, W, ...) -> `shape` (written as the file writes shapes; one entry may be -1: what is left; [] has no axes)
    Errors  elements-differ: the products are not equal, or -1 would not be whole
    Source  torch.reshape
    """

    shape = Sizes(torch=False)
    ranks = ANY_SHAPE
    keeps_rank = False
    functions = ("view", "view_as", "reshape_as")

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, which files may well leave out, unless the call ends a channel_shuffle."""
        if not _shuffled(call):
            yield Recognized(cls.type, None, call.results, minor=True)

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return True

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return filled(self.shape, product(inputs[0]), require)

    def stated(self, x: Shape) -> Shape:
        return tuple(UNKNOWN if n == -1 else n for n in self.shape)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        return [whole(inputs[0]) if len(self.shape) <= 1 else [None] * (len(inputs[0]) - 1)]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        return x.reshape(x.shape[0], *self.shape)


def filled(sizes: Shape, elements: N, require: Require) -> Shape:
    """Return the sizes for a number of elements, with what is left in place of -1."""
    known = product((1, *(n for n in sizes if n != -1)))
    fits = divides(known, elements) if -1 in sizes else equal(elements, known)
    require(fits, "elements-differ", elements=elements, shape=sizes)
    return tuple(elements // known if n == -1 else n for n in sizes)


class Unflatten(Rearranging, type="unflatten", torch="Unflatten"):
    """Makes several axes of one, the inverse of flatten: of an `unflattened_size`, or the sides of another layer (`like`).

    Shape   axis `dim`: A -> `unflattened_size`, one entry may be -1: what is left; or the sides of `like`
    Errors  no-such-axis; elements-differ: the product is not A, or -1 would not be whole; shapes-differ: `like` has no sides
    Source  torch.nn.Unflatten
    """

    dim = Dim()
    unflattened_size = Split(None)  # type: ignore[arg-type]  # `like` takes its place
    like = Reference()
    keeps_rank = False

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        ways = ["unflattened_size", "like"]
        return None if len(given.keys() & {*ways}) == 1 else values.NeedsOneOf(of=cls.type, keys=ways)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, which files may well leave out."""
        yield Recognized(cls.type, None, call.results, minor=True)

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return Reshape(shape=y)

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        return True

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        axis = axis_of(self.dim, x, require)
        sizes = self.unflattened_size if self.like is None else inputs[1][1:]
        require(len(sizes) > 0, "shapes-differ", one=x, other=inputs[-1])
        return (*x[:axis], *filled(sizes, x[axis], require), *x[axis + 1 :])

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        split = axis_of(self.dim, inputs[0], unasked)
        return [[None if split <= axis else cells() for axis in range(1, len(inputs[0]))]]

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return super().module(torch, *inputs) if self.like is None else None

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return module(tensors[0]) if self.like is None else tensors[0].unflatten(self.dim, tensors[1].shape[2:])

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return x.unflatten(self.dim, self.unflattened_size)


class Permute(Rearranging, type="permute"):
    """Puts the axes in another order; the batch stays first.

    Shape   (x1, x2, ...) -> (x[dims[0]], x[dims[1]], ...), counted as torch counts; `dims` may begin with 0, the batch
    Errors  no-such-axis; axis-named-twice; axes-left-out: `dims` has fewer axes than there are
    Source  torch.permute
    """

    dims = Order(torch=False)
    by_name = False  # what a user's own module runs tells the dims
    exchanges = True
    functions = ("transpose", "swapaxes", "swapdims", "movedim", "moveaxis")

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, which files may well leave out, and which leaves the batch aside, wherever it goes."""
        if call.results:
            dims = tuple(axis for axis in map(call.counted, order_of(call)) if axis)
            yield Recognized(cls.type, cls(dims=dims), call.results, minor=True)

    def order(self, x: Shape, require: Require) -> list[int]:
        """Return the index in x of each axis of the result."""
        return axes_in(self.dims, x, require, every=True)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        return tuple(inputs[0][axis] for axis in self.order(inputs[0], require))

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        order = self.order(inputs[0], unasked)
        return [[cells() if order[axis] == axis else None for axis in range(1, len(order))]]

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        """Say whether it moves axes of 1 alone."""
        x = inputs[0]
        if x is None:
            return False
        wide = self.wide(x)
        return wide == sorted(wide)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the order of the axes but for those of 1, which a model may leave out where the file has them."""
        wide = self.wide(x)
        if sorted(self.order(x, unasked)) != [*range(len(x))]:
            return super().compared(x, y)
        return {"dims": tuple(1 + sorted(wide).index(axis) for axis in wide)}

    def wide(self, x: Shape) -> list[int]:
        """Return the index in x of each axis of the result that is not 1."""
        return [axis for axis in self.order(x, unasked) if x[axis : axis + 1] != (1,)]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return tensors[0].permute(0, *self.dims)


def order_of(call: Called) -> list[int]:
    """Return the axes of a call's input in the order that its result has them; both with the batch."""
    rank = len(call.tensors[0].shape)
    if call.name == "permute":
        dims = call.kwargs.get("dims", call.args[1:])
        dims = dims[0] if len(dims) == 1 and not isinstance(dims[0], int) else dims
        return [dim % rank for dim in dims]
    moves = call.name in {"movedim", "moveaxis"}
    names = ("source", "destination") if moves else ("dim0", "dim1")
    given = map(call.arguments(names).__getitem__, names)
    one, other = ([dim % rank for dim in (axes if isinstance(axes, list | tuple) else [axes])] for axes in given)
    if not moves:
        one, other = [*one, *other], [*other, *one]
    moved = dict(zip(other, one, strict=True))
    rest = iter(axis for axis in range(rank) if axis not in one)
    return [moved[axis] if axis in moved else next(rest) for axis in range(rank)]


HOW: Final = {  # the functions of torch for each way to make one number of many
    "mean": ("mean",),
    "sum": ("sum",),
    "max": ("amax", "max"),
    "min": ("amin", "min"),
    "std": ("std",),
    "var": ("var",),
    "norm": ("linalg_vector_norm", "norm"),
}
KEPT: Final = dict.fromkeys(("max", "min", "std", "norm"), "input output") | {"var": "input"}  # by their backward pass
BEHIND_INPUT: Final = {"std": "dim unbiased keepdim", "var": "dim unbiased keepdim", "norm": "p dim keepdim"}
POOLS: Final[dict[str, type[Layer]]] = {"mean": GlobalAvgPool, "max": GlobalMaxPool}  # over all of space


class Reduce(Rearranging, type="reduce"):
    """Makes one number of all values along some axes: their mean, sum, maximum, Euclidean norm, ...

    Shape   the axes `dim` are left out, or have size 1 with `keepdim`; [] where none is left
    Errors  no-such-axis; axis-named-twice
    Source  torch.mean, sum, amax, amin, std, var, linalg.vector_norm
    """

    how = Word(words=tuple(HOW), torch=False)
    dim = Axes(torch=False)
    keepdim = Flag(False, torch=False, compared=False, sides=True)
    by_name = False  # as of permute
    keeps_rank = False
    functions = tuple(name for names in HOW.values() for name in names)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer, unless the call reduces the batch, compares two tensors, or is a pool over space.

        A pool over some axes of space, mostly one step of several, files may well leave out.
        """
        how = next(how for how, names in HOW.items() if call.name in names)
        given = call.arguments((BEHIND_INPUT.get(how) or "dim keepdim").split())
        dims, rank = given.get("dim"), len(call.tensors[0].shape)
        axes = [dims] if isinstance(dims, int) else dims
        if not call.results or not isinstance(axes, list | tuple) or not axes or any(axis % rank == 0 for axis in axes):
            return
        pool = POOLS.get(how)
        if not (pool and call.name in pool.functions and any(pool.of_call(call))):
            minor = pool is not None and all(axis % rank > 1 for axis in axes)
            yield Recognized(cls.type, cls(how=how, dim=tuple(axes)), call.results, minor=minor)

    def simplest(self, x: Shape, y: Shape) -> Layer:
        """Return a global pool, where the channels alone are left: the first axis or, as some models have it, the last."""
        left = {*range(len(x))}.difference(axes_in(self.dim, x, unasked))
        pool = POOLS.get(self.how)
        return pool() if pool and len(x) > 1 and left in ({0}, {len(x) - 1}) else self

    def idle(self, y: Shape | None, *inputs: Shape | None) -> bool:
        """Say whether it takes the mean, sum, maximum or minimum of one value each."""
        x = inputs[0]
        same = self.how in {"mean", "sum", "max", "min"}
        return same and x is not None and all(x[axis] == 1 for axis in axes_in(self.dim, x, unasked))

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        gone = axes_in(self.dim, x, require)
        return tuple(1 if axis in gone else n for axis, n in enumerate(x) if self.keepdim or axis not in gone)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        x = inputs[0]
        gone = axes_in(self.dim, x, unasked)
        moved = not self.keepdim and 0 in gone  # the next axis becomes the channels
        others = None if moved else cells()
        return [[way if axis in gone else others for axis, way in enumerate(whole(x), start=1)]]

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        compute = torch.linalg.vector_norm if self.how == "norm" else getattr(torch, HOW[self.how][0])
        return compute(tensors[0], dim=self.dim, keepdim=self.keepdim)

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        (x,) = tensors
        return torch.noted(KEPT.get(self.how, ""), x, torch.plain(x, (x.shape[0], *module.result)))


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
        return (*front, attempt(divided, c, r * r, require), h * r, w * r)

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        r = self.upscale_factor
        split, spread_out = cells(0, r * r, step=r * r), sampled(1, 0, r)
        return [[*(cells() for _ in inputs[0][:-3]), split, spread_out, spread_out][1:]]

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.pixels_moved(x, module.shape_of(x))


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
        return (*front, c * (r * r), *(attempt(divided, side, r, require) for side in (h, w)))

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        r = self.downscale_factor
        merged, gathered = sampled(1, 0, r * r), cells(0, r, step=r)
        return [[*(cells() for _ in inputs[0][:-3]), merged, gathered, gathered][1:]]

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.pixels_moved(x, module.shape_of(x))


class DepthToSpace(Rearranging, type="depth_to_space"):
    """Moves channels into space, along all spatial axes: the blocks of `block_size` that ONNX calls CRD.

    Shape   (C, W, ...) -> (C / r**n, rW, ...), with r = block_size and n spatial axes
    Errors  not-divisible: C by r**n
    Source  ONNX DepthToSpace, mode CRD; in 2-D torch.nn.PixelShuffle
    """

    block_size = Count(torch=False, sides=True)
    ranks = ANY_SPACE
    functions = ("reshape", *Reshape.functions)

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer at the end of its three steps: split, exchange of axes, merge."""
        yield from _exchanged(call, cls)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        c, *sides = inputs[0]
        block = product([self.block_size] * len(sides))
        return (attempt(divided, c, block, require), *(side * self.block_size for side in sides))

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [[sampled(1, 0, self.block_size)] * (len(inputs[0]) - 1)]

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return PixelShuffle(upscale_factor=self.block_size) if len(x) == 3 else self  # noqa: PLR2004 -- an image

    def steps(self, c: int, sides: Shape) -> tuple[Shape, list[int], Shape]:
        """Return the split shape, the order of its axes in the exchanged one, and the merged shape."""
        r, n = self.block_size, len(sides)
        order = [0, *(axis for side in range(1, n + 1) for axis in (n + side, side))]
        return (c // r**n, *[r] * n, *sides), order, (c // r**n, *(r * side for side in sides))

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return _in_steps(self, tensors[0])


class SpaceToDepth(Rearranging, type="space_to_depth"):
    """Moves space into channels, along all spatial axes: the inverse of depth_to_space.

    Shape   (C, W, ...) -> (C * r**n, W / r, ...), with r = block_size and n spatial axes
    Errors  not-divisible: a side by r
    Source  in 2-D torch.nn.PixelUnshuffle
    """

    block_size = Count(torch=False, sides=True)
    ranks = ANY_SPACE
    functions = DepthToSpace.functions

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer at the end of its three steps: split, exchange of axes, merge."""
        yield from _exchanged(call, cls)

    def output(self, require: Require, *inputs: Shape) -> Shape:
        c, *sides = inputs[0]
        block = product([self.block_size] * len(sides))
        return (c * block, *(attempt(divided, side, self.block_size, require) for side in sides))

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [[cells(0, self.block_size, step=self.block_size)] * (len(inputs[0]) - 1)]

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return PixelUnshuffle(downscale_factor=self.block_size) if len(x) == 3 else self  # noqa: PLR2004 -- an image

    def steps(self, c: int, sides: Shape) -> tuple[Shape, list[int], Shape]:
        """Return the split shape, the order of its axes in the exchanged one, and the merged shape."""
        r, n = self.block_size, len(sides)
        split = (c, *(size for side in sides for size in (side // r, r)))
        return split, [0, *range(2, 2 * n + 1, 2), *range(1, 2 * n, 2)], (c * r**n, *(side // r for side in sides))

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return _in_steps(self, tensors[0])


def _in_steps(layer: DepthToSpace | SpaceToDepth, x: Any) -> Any:
    """Run a layer as a split, an exchange of axes and a merge: torch has it for images alone, as a pixel shuffle."""
    batch, c, *sides = x.shape
    split, order, merged = layer.steps(c, tuple(sides))
    return x.reshape(batch, *split).permute(0, *(axis + 1 for axis in order)).reshape(batch, *merged)


def _exchanged(call: Called, kind: type[DepthToSpace | SpaceToDepth]) -> Iterator[Recognized]:
    """Yield the layer whose last step a call is; files may well leave it out, as their shapes are not the same then."""
    if not call.turned or not call.results:
        return
    (_, c, *split), turned = call.turned
    n, x, merged = len(split) // 2, (c, *split), tuple(call.results[0].shape[1:])
    if not split or len(split) != 2 * n:
        return
    layer: DepthToSpace | SpaceToDepth
    if kind is DepthToSpace:
        layer, entering = DepthToSpace(block_size=split[0]), (c * split[0] ** n, tuple(split[n:]))
    else:
        layer, entering = SpaceToDepth(block_size=split[1]), (c, tuple(side * split[1] for side in split[::2]))
    first, order, last = layer.steps(*entering)
    if (first, tuple(first[axis] for axis in order), last) == (x, tuple(turned[1:]), merged):
        own = layer.simplest((first[0], *entering[1]), last)  # of images, a pixel shuffle
        yield Recognized(own.type, own, call.results, minor=True)


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
        facts = {"parameter": "input", "channels": c, "groups": self.groups}
        attempt(require, divides(self.groups, c), "groups-do-not-divide", **facts)
        return c

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.suggested(x, x.shape)


def _shuffled(call: Called) -> int:
    """Return the groups of a shuffle, where a call merges the channels after split and exchange; 0 where not."""
    if not call.turned or not call.results:
        return 0
    (batch, groups, *x), turned = call.turned
    merged = tuple(call.results[0].shape)
    exchanged = len(x) > 1 and turned == (batch, x[0], groups, *x[1:])
    return groups if exchanged and merged == (batch, groups * x[0], *x[1:]) else 0
