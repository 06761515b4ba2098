"""Cases of every layer type: which values each parameter is tried with, drawn by whoever chooses.

A case is made by one function that asks `choose` for each of its decisions. A seeded `random.Random` chooses for the
benchmark, hypothesis for the tests (and so shrinks what it finds): what is drawn is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from random import Random
from typing import Any, NamedTuple

Choose = Callable[[Sequence[Any]], Any]
Shape = tuple[int, ...]

ARRIVES = object()  # the number, or the shape, that the input has there


class Case(NamedTuple):
    """One layer: its type, its settings as a file writes them, and the shapes that enter (channels first, no batch)."""

    type: str
    settings: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]


class Values:
    """The values that a parameter is tried with, and some that nobody should take."""

    def __init__(self, *good: Any, wrong: Sequence[Any] = (), per_axis: bool = False, pairs: tuple[Any, ...] = ()):
        self.good = good
        self.wrong = wrong
        self.per_axis = per_axis
        self.entries = good + pairs  # of a list with one for each axis

    def draw(self, choose: Choose, rank: int) -> Any:
        if self.wrong and choose(RARELY):
            return choose(self.wrong)
        if self.per_axis and choose((False, False, True)):
            length = rank + 1 if choose(RARELY) else rank or 1
            return [choose(self.entries) for _ in range(length)]
        return choose(self.good)


SELDOM = (*[False] * 9, True)
RARELY = (*[False] * 29, True)


def counts(*good: Any) -> Values:
    return Values(*good, wrong=(0, -1))


def sizes(*good: Any, wrong: Sequence[Any] = (0, -1), pairs: tuple[Any, ...] = ()) -> Values:
    """One for each axis, or one for all."""
    return Values(*good, wrong=wrong, per_axis=True, pairs=pairs)


def declared() -> Values:
    return Values(*[ARRIVES] * 12, 1, 2, 3, 5, wrong=(0, -1))


FLAG = Values(False, True)
LARGEST = 2**63 - 1
ANY_NUMBER = Values(0, 1, -1, 0.5, -2.5, 1e-300, 1e300, LARGEST, 10**30, float("inf"), float("-inf"), float("nan"))
MADE = {
    "learned": Values(*[True] * 6, False),
    "parametrization": Values(*["none"] * 4, "weight_norm", "spectral_norm", wrong=("batch_norm",)),
}
FOLLOWING = ("same_upper", "same_lower")
POOL = {
    "kernel_size": sizes(1, 2, 2, 3, 3, 4, 5, 100),
    "stride": sizes(1, 2, 3, 5, 10**9, wrong=(2**31,)),
    "padding": sizes(0, 0, 1, 1, 2, 3, wrong=(-1,)),
}
PADDED_POOL = POOL | {"padding": sizes(0, 0, 1, 1, 2, 3, *FOLLOWING, wrong=(-1, "same"))}
CONV = {
    "in_channels": declared(),
    "out_channels": counts(1, 2, 3, 4, 6),
    "kernel_size": sizes(1, 2, 3, 4, 5),
    "stride": sizes(1, 1, 1, 2, 2, 3, 5),
    "dilation": sizes(*[1, 1, 1, 2, 3] * 3, 2**31 - 1),
    "groups": counts(1, 1, 1, 1, 2, 3, 4),
    "bias": FLAG,
    **MADE,
}
FUNCTIONS = ("abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "ceil", "cos", "cosh", "erf", "erfc", "exp")
FUNCTIONS += ("exp2", "expm1", "floor", "frac", "log", "log10", "log1p", "log2", "nan_to_num", "neg", "reciprocal")
FUNCTIONS += ("round", "rsqrt", "sign", "sin", "sinc", "sinh", "sqrt", "square", "tan", "trunc")
OF_A_NUMBER = ("add", "sub", "rsub", "mul", "div", "floor_divide", "remainder", "fmod", "pow")
AXES = Values(1, 2, 3, 4, 5, -1, -2, -3, -4, -5, -6, wrong=(0,))
AFFINE = {"eps": Values(1e-5, 1, 0, 1e-300, -1.0), "affine": FLAG, "bias": FLAG}
FACTORS = (1, 2, 3, 4, 0.1, 0.2, 0.25, 0.3, 1 / 3, 0.5, 2 / 3, 0.7, 0.9, 1.1, 1.5, 1.7, 2.5, 2.7, 3.3, 1e-9)
ENDS = ([0, 1], [1, 0], [2, 3], [4, 4], [-1, 0], [0, -3], [2, -2], [-3, 3], [-2, 3], [4, -2], [-2, -2])


class Tried:
    """A layer type: its class in torch, {} for the number of axes, or "" where reference.py says more; what is tried."""

    def __init__(
        self,
        torch: str = "",
        *,
        space: bool = False,
        beside: tuple[int, ...] = (0,),
        one_of: tuple[str, ...] = (),
        always: tuple[str, ...] = (),
        **values: Values,
    ):
        self.torch = torch
        self.space = space  # it needs at least one spatial axis
        self.beside = beside  # how many inputs it may have beside the first
        self.one_of = one_of  # parameters of which one must be given
        self.always = always  # parameters that must be given, beside those of ALWAYS
        self.values = values  # for each parameter


SHARE = Values(0, 1, 0.5, 0.1, 1.0, -0.1, 1.1, 2, -1)
RECURRENT = {
    "input_size": declared(),
    "hidden_size": counts(1, 2, 3, 5),
    "num_layers": counts(1, 1, 2, 3),
    "bias": FLAG,
    "dropout": SHARE,
    "bidirectional": FLAG,
    "over": Values(*[1, 2] * 5, -1, -2, -3, 3, wrong=(0,)),
    "returns": Values("sequence", "last", wrong=("first",)),
}


WINDOW = {
    "kernel_size": sizes(1, 2, 2, 3, 5, 100),
    "dilation": sizes(*[1, 1, 2, 3] * 5, 2**31 - 1),
    "padding": sizes(0, 0, 1, 2, wrong=(-1,)),
    "stride": sizes(1, 2, 3, 10**9),
}
LIMITS = {"at_least": sizes(1, 2, 3, 5), "at_most": sizes(1, 3, 4, 9)}
ADAPTIVE = Tried(
    space=True,
    one_of=("output_size", "at_least", "at_most"),
    output_size=sizes(1, 2, 3, 5, 8, "keep"),
    **LIMITS,
)
MADE_OF = Values(0, 1, 7, wrong=(-1,))  # learned numbers of a tensor
KEPT = Values(
    *[[-1], [1, -1], [-1, 1, 1]] * 3, [], [1, 2, -1], [3, -1], [4], wrong=([0], [-1, -1])
)  # shapes of parameters

TRIED: dict[str, Tried] = {
    "conv": Tried(
        "Conv{}d",
        space=True,
        **CONV,
        padding=sizes(0, 0, 1, 2, 3, 4, "same", "same", "valid", *FOLLOWING, wrong=(-1, "half")),
        padding_mode=Values("zeros", "reflect", "replicate", "circular", wrong=("constant",)),
        gain=FLAG,
    ),
    "conv_transpose": Tried(
        "ConvTranspose{}d",
        space=True,
        **CONV,
        padding=sizes(0, 1, 2, 3, 6, *FOLLOWING * 3, wrong=(-1, "same")),
        output_padding=sizes(0, 0, 1, 2, 3, wrong=(-1,)),
        padding_mode=Values("zeros", wrong=("reflect", "replicate", "circular")),
        like=Values("other"),
    ),
    "linear": Tried(
        in_features=declared(),
        out_features=counts(1, 2, 7),
        bias=FLAG,
        over=Values("last", "last", "channels", wrong=("all",)),
        **MADE,
    ),
    "max_pool": Tried(
        "MaxPool{}d", space=True, **PADDED_POOL, dilation=sizes(*[1, 2, 3] * 9, 2**31 - 1), ceil_mode=FLAG
    ),
    "avg_pool": Tried(
        "AvgPool{}d",
        space=True,
        **PADDED_POOL,
        ceil_mode=FLAG,
        count_include_pad=FLAG,
        divisor_override=Values(1, 2, -3, LARGEST, wrong=(0,)),
    ),
    "lp_pool": Tried(
        space=True,
        norm_type=Values(1, 2, 0.5, -1, float("inf"), 1e-300, wrong=(0, 0.0)),
        kernel_size=POOL["kernel_size"],
        stride=POOL["stride"],
        ceil_mode=FLAG,
        padding=Values(*FOLLOWING, wrong=("same", 0, 1)),
    ),
    "max_unpool": Tried(
        space=True, **POOL, indices=Values({}), output_size=Values("default", wrong=("same",))
    ),  # see `unpooling`
    "adaptive_avg_pool": ADAPTIVE,
    "adaptive_max_pool": ADAPTIVE,
    "global_avg_pool": Tried(space=True),
    "global_max_pool": Tried(space=True),
    "batch_norm": Tried(**AFFINE, num_features=declared(), momentum=ANY_NUMBER, track_running_stats=FLAG),
    "group_norm": Tried("GroupNorm", **AFFINE, num_groups=counts(1, 2, 3, 4, 6), num_channels=declared()),
    "instance_norm": Tried(
        "InstanceNorm{}d",
        space=True,
        **AFFINE,
        num_features=declared(),
        momentum=ANY_NUMBER,
        track_running_stats=FLAG,
    ),
    "local_response_norm": Tried(
        "LocalResponseNorm", space=True, size=counts(1, 2, 3, 4, 9), alpha=ANY_NUMBER, beta=ANY_NUMBER, k=ANY_NUMBER
    ),
    "layer_norm": Tried(
        normalized_shape=Values(*[ARRIVES] * 6, 1, 3, [2], [2, 3], wrong=(0, -1, [])),
        eps=AFFINE["eps"],
        elementwise_affine=FLAG,
        bias=FLAG,
        over=Values("channels", "all", "last", wrong=("space",)),
    ),
    "rms_norm": Tried(
        normalized_shape=Values(*[ARRIVES] * 6, 1, 3, [2], [2, 3], wrong=(0, -1, [])),
        eps=AFFINE["eps"],
        elementwise_affine=FLAG,
        over=Values("channels", "all", "last", wrong=("space",)),
    ),
    "relu": Tried("ReLU"),
    "relu6": Tried("ReLU6"),
    "leaky_relu": Tried("LeakyReLU", negative_slope=ANY_NUMBER),
    "prelu": Tried("PReLU", num_parameters=Values(1, ARRIVES, ARRIVES, 2, 3, wrong=(0, -1)), init=ANY_NUMBER),
    "rrelu": Tried("RReLU", lower=ANY_NUMBER, upper=ANY_NUMBER),
    "elu": Tried("ELU", alpha=ANY_NUMBER),
    "celu": Tried("CELU", alpha=ANY_NUMBER),
    "selu": Tried("SELU"),
    "gelu": Tried("GELU", approximate=Values("none", "tanh", wrong=("exact",))),
    "silu": Tried("SiLU"),
    "mish": Tried("Mish"),
    "sigmoid": Tried("Sigmoid"),
    "tanh": Tried("Tanh"),
    "softplus": Tried("Softplus", beta=ANY_NUMBER, threshold=ANY_NUMBER),
    "softsign": Tried("Softsign"),
    "softshrink": Tried("Softshrink", lambd=ANY_NUMBER),
    "hardshrink": Tried("Hardshrink", lambd=ANY_NUMBER),
    "tanhshrink": Tried("Tanhshrink"),
    "hardtanh": Tried("Hardtanh", min_val=ANY_NUMBER, max_val=ANY_NUMBER),
    "hardsigmoid": Tried("Hardsigmoid"),
    "hardswish": Tried("Hardswish"),
    "threshold": Tried("Threshold", threshold=ANY_NUMBER, value=ANY_NUMBER),
    "log_sigmoid": Tried("LogSigmoid"),
    "glu": Tried("GLU", dim=AXES),
    "softmax": Tried(dim=AXES),
    "log_softmax": Tried(dim=AXES),
    "softmin": Tried(dim=AXES),
    "dropout": Tried("Dropout", p=SHARE),
    "identity": Tried("Identity"),
    "flatten": Tried("Flatten", start_dim=AXES, end_dim=AXES),
    "reshape": Tried(shape=Values([])),  # see `reshaping`
    "unflatten": Tried(
        always=("dim",),
        one_of=("unflattened_size", "like"),
        dim=AXES,
        unflattened_size=Values([]),
        like=Values("other"),
    ),
    "permute": Tried(dims=Values([])),  # see `permuting`
    "reduce": Tried(
        always=("dim",),
        how=Values("mean", "sum", "max", "min", "std", "var", "norm", wrong=("median",)),
        dim=Values(1, 2, 3, -1, -2, [1], [1, 2], [2, 3], [2, 3, 4], [1, -1], [-2, -1], [3, 1], wrong=(0, [0, 1], [])),
        keepdim=FLAG,
    ),
    "upsample": Tried(
        space=True,
        one_of=("size", "scale_factor", "like", "at_least", "at_most"),
        size=sizes(1, 2, 3, 7),
        **LIMITS,
        scale_factor=sizes(*FACTORS, wrong=(0, -1, -0.5)),
        like=Values("other"),
        mode=Values("nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear", wrong=("cubic",)),
        align_corners=FLAG,
        recompute_scale_factor=FLAG,
    ),
    "pixel_shuffle": Tried("PixelShuffle", space=True, upscale_factor=counts(1, 2, 2, 3)),
    "pixel_unshuffle": Tried("PixelUnshuffle", space=True, downscale_factor=counts(1, 2, 2, 3)),
    "depth_to_space": Tried(space=True, block_size=counts(1, 2, 2, 3)),
    "space_to_depth": Tried(space=True, block_size=counts(1, 2, 2, 3)),
    "unfold": Tried("Unfold", space=True, **WINDOW),
    "fold": Tried(
        space=True, one_of=("output_size", "like"), output_size=sizes(2, 3, 4, 5), like=Values("other"), **WINDOW
    ),
    "windows": Tried(always=("dim", "step"), dim=AXES, size=counts(1, 2, 3, 5), step=counts(1, 1, 2, 3, 9)),
    "embedding": Tried(
        "Embedding",
        always=("num_embeddings", "embedding_dim"),
        num_embeddings=counts(1, 2, 7),
        embedding_dim=counts(1, 3),
    ),
    "channel_shuffle": Tried("ChannelShuffle", space=True, groups=counts(1, 2, 3, 4)),
    "pad": Tried(
        space=True,
        one_of=("padding", "like", "multiple", "at_least"),
        at_least=sizes(1, 2, 3, 5, 9),
        padding=sizes(0, 1, 2, 3, -1, -2, wrong=([[1, 2, 3]],), pairs=ENDS),
        mode=Values("constant", "reflect", "replicate", "circular", "circular", wrong=("zeros",)),
        value=Values(0.0, 0, 1.5, -1),
        channels=Values(0, 1, 2, [0, 1], [2, 0], [1, 1], [3, 4], wrong=(-1, [1, -1], [1, 2, 3])),
        like=Values("other"),
        multiple=sizes(1, 2, 3, 4, 8),
        where=Values("both", "after", wrong=("before",)),
    ),
    "crop": Tried(
        space=True,
        one_of=("size", "like", "amount"),
        size=sizes(1, 2, 3, 4, 5),
        like=Values("other"),
        amount=sizes(0, 1, 2, 3, wrong=(-1,)),
        offset=sizes(0, 1, 2, 3, "end", wrong=(-1, ["end"])),
        exact=FLAG,
    ),
    "slice": Tried(
        dim=AXES,
        start=Values(0, 1, 2, 3, -1, -2, -4, 7, -7),
        stop=Values(0, 1, 2, 3, 4, 5, -1, -2, -4, 7, -7),
        step=counts(1, 1, 2, 3, 9),
    ),
    "select": Tried(always=("dim",), dim=AXES, index=Values(0, 0, 1, 2, 3, -1, -2, -4, 7, -7)),
    "require": Tried(
        space=True,
        multiple_of=sizes(1, 1, 2, 3),
        plus=sizes(0, 0, 1, 4),
        at_least=sizes(1, 1, 2, 4),
        at_most=sizes(3, 5, 9, 100),
    ),
    "opaque": Tried(
        always=("out_shape",),
        out_shape=Values(
            "keep",
            [4],
            ["keep"],
            ["c"],
            ["c", "l"],
            ["2*c", "l//2"],
            [5, "(l + 1)//3"],
            ["c", "h", "w"],
            ["keep", "keep", "keep"],
            ["c//2", "h//2", "w - 1"],
            [2, 3, 4],
            ["keep", 1, "h*w"],
            ["c", "d", "h", "w"],
            [4, "h"],
            ["keep", "w - 3", "h"],
            wrong=(["x"], ["h/2"], [-1], ["h//0"], ["h +"], ["-"], "same", 3, [True, "c ** 2 ** 9"]),
        ),
        num_parameters=Values(0, 7, 1000, wrong=(-1,)),
        macs=Values(0, 5, "9*c", "c*h*w", wrong=(-1, "c ** c", "l l")),
        seen=Values(*[ARRIVES] * 9, [2, 3], 4, [1, 2, 2], wrong=(0, [])),
        submodule=Values("body.odd", "odd"),
    ),
    "concat": Tried(beside=(0, 1, 1, 2), dim=AXES),
    "add": Tried(beside=(0, 1, 1, 2), broadcast=FLAG),
    "sub": Tried(beside=(1,), broadcast=FLAG),
    "mul": Tried(beside=(0, 1, 1, 2)),
    "div": Tried(beside=(1,)),
    "maximum": Tried(beside=(1,)),
    "minimum": Tried(beside=(1,)),
    "stack": Tried(always=("dim",), beside=(0, 1, 1, 2), dim=AXES),
    "matmul": Tried(space=True, beside=(1,)),  # see `matrices`
    "function": Tried(
        function=Values(*FUNCTIONS, *OF_A_NUMBER * 3, *["clamp"] * 6, wrong=("no_such", "")),
        value=ANY_NUMBER,
        min=ANY_NUMBER,
        max=ANY_NUMBER,
    ),
    "scale": Tried(  # see `repeating`
        one_of=("num_features", "value", "shape"),
        num_features=declared(),
        value=ANY_NUMBER,
        shape=Values([]),
        parameter_shape=KEPT,
        num_parameters=MADE_OF,
    ),
    "bias": Tried(
        one_of=("num_features", "shape"),
        num_features=declared(),
        shape=Values([]),
        parameter_shape=KEPT,
        num_parameters=MADE_OF,
    ),
    "token": Tried(
        always=("shape",), shape=Values([]), parameter_shape=KEPT, dim=AXES, before=FLAG, num_parameters=MADE_OF
    ),  # see `repeating`
    "lstm": Tried(space=True, always=("over",), **RECURRENT),
    "gru": Tried(space=True, always=("over",), **RECURRENT),
    "rnn": Tried(space=True, always=("over",), **RECURRENT, nonlinearity=Values("tanh", "relu", wrong=("gelu",))),
    "attention": Tried(
        space=True,
        always=("over",),
        embed_dim=declared(),
        num_heads=counts(1, 2, 2, 3, 4),
        dropout=SHARE,
        bias=FLAG,
        qkv_bias=FLAG,
        over=Values(
            2, 1, -1, [2], [-1], [2, 3], [2, 3], [3, -2], [1, 2], [2, 2], [2, 3, 4], [2, -1, 3], 5, wrong=(0, [], [0])
        ),
    ),
}

ALWAYS = {"out_channels", "kernel_size", "out_features", "output_size", "norm_type", "num_groups", "indices", "shape"}
ALWAYS |= {"function", "threshold", "size", "upscale_factor", "downscale_factor", "hidden_size", "num_heads"}
ALWAYS |= {"dims", "how", "block_size", "index"}
RANKS = (0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4)
CHANNELS = (1, 2, 3, 4, 4, 6, 8, 9, 12)
SIDES = {
    -1: (1,),
    0: (1,),
    1: range(1, 13),
    2: range(1, 8),
    3: range(1, 6),
    4: range(1, 4),
}  # small: torch is to run each


@cache
def drawn(kind: str) -> tuple[Case, ...]:
    """Return some cases of a layer type, always the same."""
    chance = Random(kind)
    return tuple(case(kind, chance.choice) for _ in range(600))


def case(kind: str, choose: Choose) -> Case:
    """Make a case of a layer type."""
    x = shape(choose, -1 if choose(RARELY) else choose(RANKS))
    rank = 2 if kind == "fold" else len(x) - 1
    settings = {name: TRIED[kind].values[name].draw(choose, rank) for name in given(kind, choose)}
    settings = {name: arriving(name, x, settings) if value is ARRIVES else value for name, value in settings.items()}
    if kind == "matmul":
        return Case(kind, settings, matrices(x, choose))
    if TRIED[kind].beside != (0,):
        return Case(kind, settings, (x, *(near(x, choose) for _ in range(choose(TRIED[kind].beside)))))
    if kind == "fold":
        return folding(settings, choose)
    if kind == "max_unpool":
        return unpooling(settings, x or (1,), choose)
    if kind == "function" and not choose(SELDOM):
        settings = fitting(settings)
    if "shape" in settings:
        own = tokens if kind == "token" else reshaping if kind == "reshape" else repeating
        settings["shape"] = own(x, choose)
    if "unflattened_size" in settings:
        settings["unflattened_size"] = reshaping((choose(x or (1,)),), choose)
    if "dims" in settings:
        settings["dims"] = permuting(len(x), choose)
    if "like" not in settings:
        return Case(kind, settings, (x,))
    return Case(kind, settings, (x, sides_for(x, choose) if kind == "unflatten" else near(x, choose)))


def given(kind: str, choose: Choose) -> list[str]:
    """Choose which parameters a case gives."""
    one_of = TRIED[kind].one_of
    if one_of and not choose(RARELY):
        one = choose(one_of)
        one_of = [name for name in one_of if name != one]
        sure = {one, *TRIED[kind].always}
        return [name for name in TRIED[kind].values if name in sure or (name not in one_of and choose((True, False)))]
    always = {*ALWAYS, *TRIED[kind].always} - {*one_of}
    return [name for name in TRIED[kind].values if name in always or choose((True, False))]


def shape(choose: Choose, rank: int) -> Shape:
    return () if rank < 0 else (choose(CHANNELS), *(choose(SIDES[rank]) for _ in range(rank)))


def arriving(name: str, x: Shape, settings: dict[str, Any]) -> Any:
    if name in {"normalized_shape", "seen"}:
        return list(x)
    if not x:
        return 1
    if name in {"input_size", "embed_dim"}:
        over = settings["over"] if isinstance(settings["over"], list) else [settings["over"]]
        return next((size for axis, size in enumerate(x, start=1) if not {axis, axis - len(x) - 1} & {*over}), x[0])
    return x[-1] if name == "in_features" else x[0]


def near(x: Shape, choose: Choose) -> Shape:
    """Choose a shape that may go together with x: equal, or with another size in an axis or two."""
    if choose(SELDOM):
        return shape(choose, choose(range(4)))
    return tuple(choose((size,) * 6 + (1, size + 1, max(1, size - 1))) for size in x)


def matrices(x: Shape, choose: Choose) -> tuple[Shape, Shape]:
    """Choose x and a shape that it may be multiplied with: its last two sides exchanged, one of them another, perhaps."""
    if len(x) < 2 or choose(SELDOM):
        return x, near(x, choose)
    *front, n, k = x
    return x, (*near(tuple(front), choose), choose((k, k, k, k, n, 1, k + 1)), choose((1, 2, 3, n)))


def permuting(axes: int, choose: Choose) -> list[int]:
    """Choose an order of some axes, with the batch or without, or something near to one."""
    left, order = list(range(1, axes + 1)), list[int]()
    while left:
        order.append(left.pop(choose(range(len(left)))))
    order = [axis - axes - 1 if choose(SELDOM) else axis for axis in order]
    if order and choose(SELDOM):
        order[choose(range(len(order))) : choose((1, 2, 9))] = choose(([], [1], [1, 2], [0], [axes + 1]))
    return [0, *order] if choose((True, False)) else order


def fitting(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a function with those numbers alone that it takes."""
    takes = {"clamp": ("min", "max")}.get(settings["function"], ("value",) * (settings["function"] in OF_A_NUMBER))
    return {name: value for name, value in settings.items() if name in ("function", *takes)}


def repeating(x: Shape, choose: Choose) -> list[int]:
    """Choose the shape of a learned tensor beside x: some axes are 1, perhaps some are left out, or too many."""
    sizes = [choose((1, size)) for size in near(x, choose)]
    return choose((sizes, sizes, sizes, sizes[1:], [1, *sizes], [1], [], [0]))


def tokens(x: Shape, choose: Choose) -> list[int]:
    """Choose the shape of a learned tensor to join to x: another size along an axis, or something else."""
    sizes = list(x) if choose((True, True, False)) else repeating(x, choose)
    if sizes:
        sizes[choose(range(len(sizes)))] = choose((1, 1, 2, 5))
    return sizes


def reshaping(x: Shape, choose: Choose) -> list[int]:
    """Choose a shape for the elements of x: axes melted, swapped or split, one left open, or something else."""
    sizes = list(x)
    if not sizes or (set(sizes) == {1} and choose((True, False))):
        return choose(([], [], [1], [1, 1], [-1], [2]))
    for _ in range(choose(range(3))):
        at = choose(range(len(sizes)))
        divisor = choose([n for n in range(1, sizes[at] + 1) if sizes[at] % n == 0])
        sizes[at : at + 1] = [divisor, sizes[at] // divisor]
        at = choose(range(len(sizes) - 1))
        sizes[at : at + 2] = choose([[sizes[at] * sizes[at + 1]], [sizes[at + 1], sizes[at]]])
    for _ in range(choose((0, 0, 0, 1, 1, 2))):
        sizes[choose(range(len(sizes)))] = choose((-1, -1, -1, 0, -2, 1, 5))
    return sizes


def sides_for(x: Shape, choose: Choose) -> Shape:
    """Choose a shape into whose sides an axis of x may be split."""
    return (choose(CHANNELS), *(size for size in reshaping((choose(x or (1,)),), choose) if size > 0))


def unpooling(settings: dict[str, Any], restored: Shape, choose: Choose) -> Case:
    """Choose a max_pool, and what comes out of it (mostly) for the restored shape that entered it."""
    rank = len(restored) - 1
    pool = {
        name: values.draw(choose, rank) for name, values in TRIED["max_pool"].values.items() if choose((True, False))
    }
    pool.setdefault("kernel_size", 2)
    settings = {name: value for name, value in settings.items() if choose((True, False, False))} | {"indices": pool}
    if "output_size" in settings:  # the side is as many strides as there are values: torch would fill gigabytes
        for given in (settings, pool):
            given |= {name: _in_memory(value) for name, value in given.items() if name == "stride"}

    def pooled(axis: int, side: int) -> int:
        kernel_size, padding, dilation = (of_axis(pool.get(name, d), axis) for name, d in POOL_DEFAULTS)
        stride = of_axis(pool.get("stride", pool["kernel_size"]), axis)
        extent = dilation * (kernel_size - 1) + 1
        if isinstance(padding, str):
            return max(1, len(range(0, side, max(1, stride))))
        return max(1, len(range(-padding, side + padding - extent + 1, max(1, stride))))

    x = (restored[0], *(pooled(axis, side) for axis, side in enumerate(restored[1:])))
    return Case("max_unpool", settings, (near(x, choose) if choose(RARELY) else x, restored))


def folding(settings: dict[str, Any], choose: Choose) -> Case:
    """Choose columns for the windows of an image, mostly as many as it has, and the image where it is one."""
    image = shape(choose, 2)
    sides = image[1:] if "like" in settings else [of_axis(settings.get("output_size", 1), axis) for axis in range(2)]
    count, cells = 1, 1
    for axis, side in enumerate(sides):
        kernel_size, padding, dilation = (of_axis(settings.get(name, d), axis) for name, d in POOL_DEFAULTS)
        stride = max(1, of_axis(settings.get("stride", 1), axis))
        count *= len(range(0, side + 2 * padding - dilation * (kernel_size - 1), stride))
        cells *= max(1, kernel_size)
    x = (choose((1, 2, 3)) * (1 if choose(SELDOM) else cells), max(1, count) + choose(SELDOM))
    other = near(image, choose) if choose(RARELY) else shape(choose, choose((1, 3))) if choose(RARELY) else image
    return Case("fold", settings, (x, other) if "like" in settings else (x,))


POOL_DEFAULTS = (("kernel_size", 1), ("padding", 0), ("dilation", 1))


def _in_memory(stride: Any) -> Any:
    return [*map(_in_memory, stride)] if isinstance(stride, list) else min(stride, 7)


def of_axis(value: Any, axis: int) -> int:
    return value[min(axis, len(value) - 1)] if isinstance(value, list) else value
