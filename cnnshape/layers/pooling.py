"""Layers that summarise windows: pooling, its inverse, adaptive and global pooling."""

from __future__ import annotations

from math import inf, prod
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from cnnshape.layers.base import SPATIAL, Layer, attempt, sees_all
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.layers.parameters import (
    SAME_ENDS,
    Divisor,
    Flag,
    KeptSize,
    Padding,
    PerAxis,
    Real,
    Reference,
    WindowSetting,
    Word,
    per_axis,
)
from cnnshape.layers.sliding import Sliding
from cnnshape.layers.windows import Reads, painted, spread, whole
from cnnshape.numbers.rules import (
    N,
    Refused,
    Require,
    covering,
    equal,
    extent,
    limited,
    product,
    transposed,
    unasked,
    window,
    window_ceil,
)
from cnnshape.numbers.shape import LARGEST
from cnnshape.problems import values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cnnshape.layers.in_torch import Made
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.base import Problem


INDEX: Final = 8  # bytes of the place of a value
MOST_WINDOWS: Final = 8  # of an adaptive pool, that are listed one by one


class Pooling(Layer):
    """Pooling and its inverse."""

    family = "Layers that summarise windows"
    paint = "pool"


class _Pool(Pooling, Sliding):
    """The base of the pools with a window: its rule, and the limit of its padding."""

    kernel_size: WindowSetting
    ceil_mode: Flag

    def chosen(self) -> frozenset[tuple[str, Any]]:
        return super().chosen() - {("stride", self.kernel_size)}

    def sees_all(self, x: Shape, y: Shape) -> bool:
        """Say whether one window without padding covers the whole input."""
        if not 1 < len(x) == len(y):
            return False
        return sees_all(self.axes(len(x) - 1), x, y) and not any(map(any, self.ends(x)))

    def side(  # noqa: PLR0913 -- torch's parameters
        self, w: N, require: Require, *, kernel_size: N, stride: N, padding: Any = 0, dilation: N = 1
    ) -> N:
        if padding in SAME_ENDS:
            return covering(w, stride=stride)
        half = kernel_size // 2
        require(padding <= half, "padding-over-half", padding=padding, kernel_size=kernel_size, half=half)
        rule = window_ceil if self.ceil_mode else window
        return rule(w, require, extent=extent(kernel_size, dilation), stride=stride, padding=padding)

    def hangs_over(self) -> bool:
        return self.ceil_mode

    def about_windows(  # noqa: PLR0913 -- torch's parameters
        self, w: int, windows: int, *, kernel_size: int, stride: int, padding: Any = 0, dilation: int = 1
    ) -> str:
        if not self.ceil_mode or padding in SAME_ENDS:
            return ""
        room = w - extent(kernel_size, dilation) + 2 * padding
        if -(-room // stride) + 1 == windows:
            return ""
        formula = f"ceil(({w} - {extent(kernel_size, dilation)} + 2*{padding})/{stride}) + 1"
        return (
            f"{formula} = {windows + 1} with ceil_mode: the last window would begin in the padding, and is not counted"
        )

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return torch's module; `call` pads before it where the padding follows the side."""
        bare = self.replace(padding=0) if self.padding in SAME_ENDS else self
        return super(_Pool, bare).module(torch, *inputs)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        return module(self.padded_in_code(parts, tensors[0], tensors[0].dim() - 2))

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return module(self.padded_input(torch, tensors[0]))


class MaxPool(_Pool, type="max_pool", torch="MaxPool{rank}d"):
    """Takes the largest value of each window.

    Shape   (C, W, ...) -> (C, W', ...), W' = floor((W - F + 2P) / S) + 1, with F = D(K - 1) + 1;
            ceil_mode: W' = floor((W + P - max(F - P, S) + S - 1) / S) + 1; padding "same_upper", "same_lower":
            W' = ceil(W / S), the odd cell after, before
    Errors  window-too-large: F > W + 2P (with ceil_mode: W' < 1); window-too-wide: F >= 2**31; padding-over-half: P > K // 2
    Source  Dumoulin & Visin 2016, relationship 6 (arXiv:1603.07285); torch.nn.MaxPool2d
    """

    kernel_size = WindowSetting()
    stride = WindowSetting(same_as="kernel_size")
    padding = Padding()
    dilation = WindowSetting(1)
    ceil_mode = Flag(False, sides=True)
    fills = -inf

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return GlobalMaxPool() if self.sees_all(x, y) else self

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.max_pool(x, module.shape_of(x))


class _MeanPool(_Pool):
    """Pools whose torch code in 3-D looks at the side without its padding as well."""

    def takes_means(self) -> bool:
        """Say whether torch computes it from the means of windows."""
        return True

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x = inputs[0]
        if len(x) - 1 != SPATIAL[-1] or not self.takes_means():
            return super().output(require, x)
        sides = zip(x[1:], self.axes(len(x) - 1), strict=True)
        return (x[0], *(attempt(self.bare_side, w, require, **axis) for w, axis in sides))

    def bare_side(self, w: N, require: Require, *, kernel_size: N, **axis: Any) -> N:
        """Return the side of the output; the kernel must fit the side without its own padding, too."""
        if self.padding not in SAME_ENDS:
            require(w >= kernel_size, "window-too-large", side=w, extent=kernel_size, padding=0)
        return self.side(w, require, kernel_size=kernel_size, **axis)


class AvgPool(_MeanPool, type="avg_pool", torch="AvgPool{rank}d"):
    """Takes the mean of each window; cells that padding "same_upper" or "same_lower" adds count if it is said.

    Shape   (C, W, ...) -> (C, W', ...), as max_pool without dilation
    Errors  window-too-large: K > W + 2P (with ceil_mode: W' < 1; in 3-D always K > W); padding-over-half: P > K // 2;
            needs-more-axes: divisor_override in 1-D
    Source  torch.nn.AvgPool2d
    """

    kernel_size = WindowSetting()
    stride = WindowSetting(same_as="kernel_size")
    padding = Padding()
    ceil_mode = Flag(False, sides=True)
    count_include_pad = Flag(True)
    divisor_override = Divisor(None)  # type: ignore[arg-type]  # torch's default

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return GlobalAvgPool() if self.sees_all(x, y) else self

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.avg_pool(x, module.shape_of(x))

    def chosen(self) -> frozenset[tuple[str, Any]]:
        return super().chosen() | {("count_include_pad", self.counts_padding)}

    @property
    def counts_padding(self) -> bool:
        """Whether the cells that are added count in a mean."""
        return self.__dict__.get("count_include_pad", self.padding not in SAME_ENDS)

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        found = super().compared(x, y)
        return found | {"count_include_pad": self.counts_padding} if "count_include_pad" in found else found

    def fills_as(self, pad: Any, *, padded: bool) -> bool:
        return super().fills_as(pad, padded=padded) and (self.counts_padding or not padded)

    def behind(self, pad: Any, x: Shape, padded: Shape) -> Self | None:
        whole = super().behind(pad, x, padded)
        return whole and whole.replace(count_include_pad=True)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        y = super().apply(torch, parts, module, x)
        if self.padding not in SAME_ENDS or self.counts_padding or self.divisor_override is not None:
            return y
        return y / module(self.padded_in_code(parts, torch.ones_like(x), x.dim() - 2))

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        x = tensors[0]
        y = super().call(torch, module, x)
        if self.padding not in SAME_ENDS or self.counts_padding or self.divisor_override is not None:
            return y
        return y / super().call(torch, module, torch.ones(1, 1, *x.shape[2:], dtype=x.dtype, device=x.device))

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        rank = len(inputs[0]) - 1
        require(self.divisor_override is None or rank > 1, "needs-more-axes", parameter="divisor_override", axes=rank)


class LpPool(_MeanPool, type="lp_pool", torch="LPPool{rank}d"):
    """Takes the p-norm of each window: the p-th root of the sum of p-th powers; `norm_type` 2 is L2 pooling.

    Shape   (C, W, ...) -> (C, W', ...), as avg_pool, with no other padding than "same_upper" and "same_lower"
    Errors  window-too-large: K > W (with ceil_mode: W' < 1; in 3-D always K > W)
    Source  torch.nn.LPPool2d
    """

    norm_type = Real(nonzero=True)
    kernel_size = WindowSetting()
    stride = WindowSetting(same_as="kernel_size")
    ceil_mode = Flag(False, sides=True)
    padding = Word(None, words=SAME_ENDS, torch=False, sides=True, spatial=True)  # type: ignore[arg-type]  # none

    def takes_means(self) -> bool:
        return self.norm_type not in (inf, -inf)  # the infinite norm is the maximum, and torch has max_pool compute it

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return torch's module; LPPool1d alone takes no list of one."""
        rank = len(inputs[0]) - 1
        layer = self.replace(**self.axes(rank)[0]) if rank == 1 else self
        return super(LpPool, layer).module(torch, *inputs)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        """Run torch's steps: a root of the mean of powers, times its sign."""
        if not self.takes_means():
            return torch.max_pool(torch.applied("input", x), module.shape_of(x))
        means = torch.avg_pool(torch.applied("input", x), module.shape_of(x))
        sums = torch.applied("", means) * torch.applied("output", torch.applied("input", means)) * 1
        return torch.applied("input", sums)


class MaxUnpool(Pooling, type="max_unpool"):
    """Puts each value back where a max_pool found it, zeros elsewhere.

    Shape   (C, W, ...) -> (C, W', ...), W' the side that entered the max_pool `indices`, whose result has side W;
            output_size "default": W' = S(W - 1) - 2P + K, as torch without an output_size
    Errors  shapes-differ: the input has not the shape that the max_pool gave; unpool-out-of-range:
            W' is S or more away from S(W - 1) - 2P + K; window-in-padding: W' is less than the max_pool's dilation,
            and a window may step over all of it; with "default", index-out-of-range: the last cell that the max_pool may
            find is none of the result; nothing-left: W' < 0; no-elements: W' = 0
    Source  Zeiler & Fergus 2014 (arXiv:1311.2901); torch.nn.MaxUnpool2d
    """

    indices = Reference("max_pool")
    kernel_size = WindowSetting(None)
    stride = WindowSetting(None)
    padding = WindowSetting(None, least=0)
    output_size = Word(None, words=("default",), torch=False, compared=False, sides=True)  # type: ignore[arg-type]  # the side that entered
    ranks = SPATIAL
    modules: ClassVar = {"MaxUnpool{rank}d": {}}

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        pool = given["indices"]
        if not isinstance(pool, MaxPool):  # a wrong reference, which has its own problem
            return None
        if pool.padding in SAME_ENDS:
            return values.CannotUnpool(setting=f'padding "{pool.padding}"')
        if "output_size" in given and set(per_axis(pool.dilation, 1)) != {1}:
            return values.CannotUnpool(setting='dilation and output_size "default"')
        return None

    def output(self, require: Require, *inputs: Shape) -> Shape:
        x, restored = inputs
        pooled = self.indices.output(unasked, restored)
        require(len(pooled) == len(x), "shapes-differ", one=x, other=pooled)
        for given, expected in zip(x, pooled, strict=True):
            require(equal(given, expected), "shapes-differ", one=x, other=pooled)
        axes, pool_axes = (layer.axes(len(x) - 1) for layer in (self.unpooling(), self.indices))
        if self.output_size == "default":
            y = tuple(_usual(w, require, **axis) for w, axis in zip(x[1:], axes, strict=True))
            for condition in _has_cells(self.indices, axes, x[1:], restored[1:], y):
                require(condition, "index-out-of-range", one=restored, other=(x[0], *y))
            return (x[0], *y)
        sides = zip(x[1:], restored[1:], axes, pool_axes, strict=True)
        return (x[0], *(attempt(_unpooled, w, target, require, pool, **axis) for w, target, axis, pool in sides))

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        self.indices.enter(_unsaid, inputs[1])

    def leaves_empty(self, rank: int) -> bool:
        return True

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads | None]]:
        rank = len(inputs[0]) - 1
        if self.output_size == "default" and inputs[1][2:] != self.output(unasked, *inputs)[2:]:
            return [[None] * rank]  # the cells of a row land in another one
        return [[painted(**axis) for axis in self.indices.axes(rank)]]

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        """Keep the places of the values alone; what enters the max_pool is not needed."""
        x = tensors[0]
        if x.grad:
            torch.keep_new(x.numel(), INDEX)
        return torch.of_image(x, (x.shape[0], *module.result))

    def unpooling(self) -> MaxUnpool:
        """Return the layer with the settings that it leaves out, as its max_pool has them."""
        names = ("kernel_size", "stride", "padding")
        kernel_size, stride, padding = (getattr(self, name) for name in names)
        pool = self.indices
        return self.replace(
            kernel_size=pool.kernel_size if kernel_size is None else kernel_size,
            stride=pool.stride if stride is None else stride,
            padding=pool.padding if padding is None else padding,
        )

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        """Return torch's defaults: a file's are those of its max_pool."""
        return {"padding": given.get("padding", 0), "stride": given.get("stride") or given["kernel_size"]}

    def among(self, inputs: tuple[int, ...], maker: Callable[[int], Made | None]) -> tuple[Layer, tuple[int, ...]]:
        """Return the value that entered the max_pool in the place of the indices."""
        x, *indices = inputs
        pools = filter(None, map(maker, indices))
        return self, (x, *(value for pool in pools for value in pool.inputs[:1]))

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        layer = self.unpooling() if "indices" in vars(self) else self
        return super(MaxUnpool, layer).compared(x, y)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        """Put the values back where the pool found them, which is asked once more."""
        x, restored = tensors
        rank = x.dim() - 2
        given = {name: value for name, value in vars(self.indices)["_settings"].items() if name != "kernel_size"}
        pool = getattr(torch.nn.functional, f"max_pool{rank}d")
        indices = pool(restored, self.indices.kernel_size, **given, return_indices=True)[1]
        sides = {} if self.output_size == "default" else {"output_size": restored.shape[2:]}
        return self.bare(torch, rank)(x, indices, **sides)

    def extreme(self, torch: Any, *tensors: Any) -> tuple[Any, ...]:
        """Let the last cell of each window be the largest, where the indices decide: none may be larger."""
        x, restored = tensors
        if self.output_size != "default":
            return tensors
        ones = torch.ones_like(restored)
        return x, sum(ones.cumsum(axis) for axis in range(2, restored.dim()))

    def bare(self, torch: Any, rank: int) -> Any:
        """Return torch's module, which takes the indices."""
        unpool = self.unpooling()
        settings = {} if unpool.stride in {None, unpool.kernel_size} else {"stride": unpool.stride}
        if {*per_axis(unpool.padding, rank)} != {0}:
            settings["padding"] = unpool.padding
        return getattr(torch.nn, f"MaxUnpool{rank}d")(unpool.kernel_size, **settings)


def _unsaid(condition: bool, code: str, **facts: object) -> None:
    """Refuse without a word: the max_pool itself has said it."""
    if not condition:
        raise Refused


def _unpooled(  # noqa: PLR0913 -- the quantities of the formula
    w: N, target: N, require: Require, pool: dict[str, N], *, kernel_size: N, stride: N, padding: N
) -> N:
    """Return the side to restore, which the max_pool pools to w; none of its windows may see padding alone."""
    seen = (target >= pool["dilation"]) | (pool["padding"] == 0)
    require(seen, "window-in-padding", side=target, dilation=pool["dilation"], padding=pool["padding"])
    usual = _usual(w, unasked, kernel_size=kernel_size, stride=stride, padding=padding)
    in_range = (target > usual - stride) & (target < usual + stride)
    require(in_range, "unpool-out-of-range", target=target, usual=usual, stride=stride)
    return target


def _usual(w: N, require: Require, *, kernel_size: N, stride: N, padding: N) -> N:
    """Return the side of a max_unpool that is told of none: S(W - 1) - 2P + K."""
    return transposed(w, require, extent=kernel_size, stride=stride, padding=padding)


def _has_cells(pool: MaxPool, axes: Sequence[dict[str, N]], x: Shape, restored: Shape, y: Shape) -> Iterator[Any]:
    """Yield the conditions under which sides y have a cell for each index of a max_pool from sides restored to x.

    With the window of the max_pool, whose last cells are then the last of y, no row may be longer than y's, unless there
    is one row: the index of the last cell is the largest. With padding, a shorter side would not have the last cell.
    """
    pool_axes = pool.axes(len(x))
    own = all(axis[name] == of_pool[name] for axis, of_pool in zip(axes, pool_axes, strict=True) for name in axis)
    if own and (
        not pool.ceil_mode or all(axis["padding"] == 0 and axis["kernel_size"] >= axis["stride"] for axis in axes)
    ):
        one: Any = True  # whether there is one row so far
        for side, out, axis in zip(restored, y, axes, strict=True):
            yield (out >= side) | (one if axis["padding"] == 0 else False)
            one = (out <= 1) & one
        return
    index: N = 0
    for w, side, axis in zip(x, restored, pool_axes, strict=True):
        index = index * side + min(side, axis["stride"] * (w - 1) - axis["padding"] + axis["kernel_size"]) - 1
    yield index < product(y)


class _AdaptivePool(Pooling):
    """The base of the adaptive pools: the output's side is given, or the limits of it."""

    output_size = KeptSize()
    at_least = PerAxis(None, torch=False, compared=False)
    at_most = PerAxis(None, torch=False, compared=False)
    ranks = SPATIAL
    fits = True

    @classmethod
    def inconsistent(cls, given: dict[str, Any]) -> Problem | None:
        keys = ["output_size", "at_least", "at_most"]
        return None if given.keys() & {*keys} else values.NeedsOneOf(of=cls.type, keys=keys)

    def side(self, w: N, require: Require, *, output_size: Any = "keep", at_least: N = 1, at_most: N = LARGEST) -> N:
        return limited(w if output_size == "keep" else output_size, at_least, at_most)

    def has_limits(self) -> bool:
        """Say whether its sides are kept within limits."""
        return self.at_least is not None or self.at_most is not None

    def about_windows(self, w: int, windows: int, **_: Any) -> str:
        ends = [(place * w // windows, -(-(place + 1) * w // windows) - 1) for place in range(windows)]
        listed = [str(first) if first == last else f"{first} to {last}" for first, last in ends]
        if len(listed) > MOST_WINDOWS:
            listed[2:-1] = ["..."]
        rule = f"window j reads the cells from floor(j*{w}/{windows}) to ceil((j + 1)*{w}/{windows}) - 1"
        return f"{rule}: {', '.join(listed)}"

    def reach(self, w: int, **axis: Any) -> Reads:
        return spread(w, self.side(w, unasked, **axis))

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return torch's module with None for a side that is kept; the 1-D ones take none. None with limits: a function."""
        if self.has_limits():
            return None
        wanted = per_axis(self.output_size, len(inputs[0]) - 1)
        if wanted == ("keep",):
            return torch.nn.Identity()
        sizes = tuple(None if size == "keep" else size for size in wanted)
        plain = sizes[0] if len({*sizes}) == 1 and sizes[0] is not None else sizes
        return getattr(torch.nn, self.torch.format(rank=len(sizes)))(plain)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        if not self.has_limits():
            return super().call(torch, module, *tensors)
        x = tensors[0]
        sides = [self.side(w, unasked, **axis) for w, axis in zip(x.shape[2:], self.axes(x.dim() - 2), strict=True)]
        return getattr(torch.nn.functional, f"{self.type}{x.dim() - 2}d")(x, sides)

    def on_tape(self, torch: Any, module: Any, *tensors: Any) -> Any:
        return self.taped(torch, module, tensors[0])

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        if not self.has_limits() and per_axis(self.output_size, x.dim() - 2) == ("keep",):
            return x
        return self.pooled(torch, x, module.shape_of(x))

    def pooled(self, torch: Any, x: Any, shape: Shape) -> Any:
        """Return a blank tensor pooled to a shape, with its batch."""
        raise NotImplementedError


class AdaptiveAvgPool(_AdaptivePool, type="adaptive_avg_pool", torch="AdaptiveAvgPool{rank}d"):
    """Takes means of as many windows as are wanted, whatever the side.

    Shape   (C, W, ...) -> (C, W', ...), W' = output_size, or W of an axis that is left as it is, "keep"; within limits:
            at_least where that is more, at_most where that is less
    Source  torch.nn.AdaptiveAvgPool2d
    """

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return GlobalAvgPool() if set(y[1:]) == {1} else self

    def pooled(self, torch: Any, x: Any, shape: Shape) -> Any:
        return torch.adaptive_avg_pool(x, shape[2:])


class AdaptiveMaxPool(_AdaptivePool, type="adaptive_max_pool", torch="AdaptiveMaxPool{rank}d"):
    """Takes the largest value of each of as many windows as are wanted, whatever the side.

    Shape   (C, W, ...) -> (C, W', ...), as adaptive_avg_pool
    Source  torch.nn.AdaptiveMaxPool2d
    """

    def simplest(self, x: Shape, y: Shape) -> Layer:
        return GlobalMaxPool() if set(y[1:]) == {1} else self

    def pooled(self, torch: Any, x: Any, shape: Shape) -> Any:
        return torch.adaptive_max_pool(x, shape)


class _GlobalPool(Pooling):
    """The base of the global pools: torch's adaptive pools, to a side of 1."""

    ranks = SPATIAL
    fits = True

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layer of a mean or maximum over space; with the channels last it is minor, as a guess."""
        x, y = call.entering(), tuple((call.results or call.tensors)[0].shape)
        first = _one_a_channel(x, y)
        if first or _one_a_channel(*(shape[:1] + shape[-1:] + shape[1:-1] for shape in (x, y))):
            yield Recognized(cls.type, cls(), call.results, minor=not first)

    def side(self, w: N, require: Require) -> N:
        return 1

    def reads(self, *inputs: Shape) -> Sequence[Sequence[Reads]]:
        return [whole(inputs[0])]

    def module(self, torch: Any, *inputs: Shape) -> Any:
        return getattr(torch.nn, self.torch.format(rank=len(inputs[0]) - 1))(1)


class GlobalAvgPool(_GlobalPool, type="global_avg_pool", torch="AdaptiveAvgPool{rank}d"):
    """Takes the mean of each channel.

    Shape   (C, W, ...) -> (C, 1, ...)
    Source  Lin, Chen, Yan 2014 (arXiv:1312.4400), section 3.2; torch.nn.AdaptiveAvgPool2d(1)
    """

    functions = ("mean",)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.adaptive_avg_pool(x, [1] * (x.dim() - 2))


class GlobalMaxPool(_GlobalPool, type="global_max_pool", torch="AdaptiveMaxPool{rank}d"):
    """Takes the largest value of each channel.

    Shape   (C, W, ...) -> (C, 1, ...)
    Source  torch.nn.AdaptiveMaxPool2d(1)
    """

    functions = ("amax",)

    def taped(self, torch: Any, module: Any, x: Any) -> Any:
        return torch.adaptive_max_pool(x, (*x.shape[:2], *[1] * (x.dim() - 2)))


def _one_a_channel(x: Shape, y: Shape) -> bool:
    """Say whether y has one number for each channel of x, and x has more; both with the batch."""
    return x[:2] == y[:2] and prod(y[2:]) == 1 < prod(x[2:])
