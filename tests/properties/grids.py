"""Exhaustive small grids: every corner of the rules in which sizes meet, one after the other."""

from __future__ import annotations

from itertools import chain, product
from typing import TYPE_CHECKING, Any

from cases import FOLLOWING, Case, of_axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEFT_OUT = object()
FLAGS = (False, True)
DIMS = range(-7, 7)


def grid(kind: str, inputs: Iterable[Any], **values: Iterable[Any]) -> Iterator[Case]:
    """Return a case for each input and each combination of values; an input is a shape, or a list of several."""
    combinations = [
        {name: value for name, value in zip(values, combination, strict=True) if value is not LEFT_OUT}
        for combination in product(*values.values())
    ]
    for shapes in inputs:
        several = tuple(shapes) if isinstance(shapes, list) else (shapes,)
        yield from (Case(kind, settings, several) for settings in combinations)


def sides(most: int, rank: int = 1, channels: int = 1) -> list[tuple[int, ...]]:
    """Return the shapes with a first side from 1 to `most`; the others are out of the way."""
    return [(channels, side, *[4] * (rank - 1)) for side in range(1, most + 1)]


def shapes(sizes: Iterable[int], axes: Iterable[int]) -> list[tuple[int, ...]]:
    """Return all shapes of these sizes, with these numbers of axes."""
    return list(chain.from_iterable(product(sizes, repeat=n) for n in axes))


def conv() -> Iterator[Case]:
    windows = {
        "kernel_size": range(1, 5),
        "stride": (1, 2, 3),
        "padding": (0, 1, 2, 3, "same", "valid", *FOLLOWING),
        "dilation": (1, 2),
    }
    modes = ("zeros", "reflect", "replicate", "circular")
    yield from grid("conv", sides(7), out_channels=[1], **windows, padding_mode=modes)
    yield from grid("conv", sides(4, 2), out_channels=[1], **windows)
    yield from grid(
        "conv", sides(3, 3), out_channels=[1], **windows | {"padding": (0, 1, "same", "same_lower")}, padding_mode=modes
    )
    yield from grid(
        "conv", sides(1, 1, 6) + sides(1, 1, 4), out_channels=range(7), groups=range(7), kernel_size=[1], bias=FLAGS
    )


def conv_transpose() -> Iterator[Case]:
    window = {"kernel_size": range(1, 5), "stride": (1, 2, 3), "padding": range(5)}
    more = {"output_padding": range(4), "dilation": (1, 2, 3)}
    yield from grid("conv_transpose", sides(3), out_channels=[1], **window, **more)
    yield from grid(
        "conv_transpose", sides(2, 2), out_channels=[1], **window, output_padding=(0, 1, 2), dilation=(1, 2)
    )
    yield from grid("conv_transpose", sides(2, 3), out_channels=[1], **window)
    follows = window | {"padding": FOLLOWING}
    for rank in (1, 2, 3):
        yield from grid("conv_transpose", sides(3, rank), out_channels=[1], **follows, dilation=(1, 2))
    given = {"padding": FOLLOWING, "output_padding": (LEFT_OUT, 0, 1)}
    yield from grid("conv_transpose", sides(2), out_channels=[1], kernel_size=[3], stride=[2], **given)
    like = [[(2, side), (1, target)] for side in range(1, 4) for target in range(1, 12)]
    few = window | {"padding": range(3), "dilation": (1, 2)}
    yield from grid("conv_transpose", like, out_channels=[1], **few, like=["other"])
    like = [[(2, 2, 3), (1, *other)] for other in shapes((3, 4, 5), (0, 1, 2, 3))]
    settings = {"kernel_size": [2, 3], "stride": [2], "padding": (0, 1, "same_upper"), "output_padding": (LEFT_OUT, 0)}
    yield from grid("conv_transpose", like, out_channels=[1], **settings, like=["other"])
    like = [
        [(1, 3), (1, 2, 5, 5)],
        [(1, 3, 3), (1,)],
        [(1, 3, 3, 3), (1, 5)],
    ]  # as many sides as a whole shape has axes
    yield from grid("conv_transpose", like, out_channels=[1], kernel_size=[3], like=["other"])
    yield from grid(
        "conv_transpose", sides(1, 1, 6), out_channels=range(7), groups=range(7), kernel_size=[1], bias=FLAGS
    )


def weights() -> Iterator[Case]:
    made = {
        "bias": FLAGS,
        "learned": (LEFT_OUT, False, True),
        "parametrization": (LEFT_OUT, "none", "weight_norm", "spectral_norm"),
    }
    for rank in (1, 2, 3):
        inputs = [(channels, *[2] * rank) for channels in (1, 2, 4)]
        windows = {"out_channels": (1, 2, 4), "groups": (1, 2, 4), "kernel_size": (1, 2)}
        yield from grid("conv", inputs, **windows, **made, gain=(LEFT_OUT, False, True))
        yield from grid("conv_transpose", inputs, **windows, **made)
    yield from grid("linear", [(1,), (4,), (2, 3)], out_features=(1, 3), **made)


POOL = {"kernel_size": range(1, 5), "stride": (LEFT_OUT, 1, 2, 3, 5)}


def limits(rank: int) -> dict[str, Any]:
    """Return limits of sides that fit each other, contradict each other, and are none."""
    return {"at_least": (LEFT_OUT, 0, 1, 3, [2] * rank, [3] * (rank + 1)), "at_most": (LEFT_OUT, 0, 2, 4, [1] * rank)}


def pools() -> Iterator[Case]:
    paddings = (*range(4), *FOLLOWING)
    for rank in (1, 2, 3):
        inputs = sides(10 - 2 * rank, rank)
        yield from grid("max_pool", inputs, **POOL, padding=paddings, dilation=(1, 2, 3), ceil_mode=FLAGS)
        yield from grid("avg_pool", inputs, **POOL, padding=paddings, ceil_mode=FLAGS)
        powers = {"norm_type": (1, 2.0, float("inf")), "padding": (LEFT_OUT, *FOLLOWING)}
        yield from grid("lp_pool", inputs, **powers, **POOL, ceil_mode=FLAGS)
        wanted: list[Any] = [*range(7), "keep", [2] * rank, ["keep"] * rank, [1] * (rank + 1)]
        for kind in ("adaptive_avg_pool", "adaptive_max_pool"):
            yield from grid(kind, inputs, output_size=wanted)
            yield from grid(kind, inputs, **limits(rank), output_size=(LEFT_OUT, 2))
    for kind in ("global_avg_pool", "global_max_pool"):
        yield from grid(kind, shapes((1, 2, 3), range(1, 6)))


def unpools() -> Iterator[Case]:
    indices = [
        {"kernel_size": kernel, "stride": stride, "padding": padding, "dilation": dilation, "ceil_mode": ceil_mode}
        for kernel, stride, padding, dilation, ceil_mode in product(
            (1, 2, 3, 4), (1, 2, 3), (0, 1, 2), (1, 2, 3), FLAGS
        )
    ]
    inputs = [[(1, pooled), (1, side)] for pooled in range(1, 5) for side in range(1, 7)]
    yield from grid("max_unpool", inputs, indices=indices)
    inputs = [[(1, pooled), (1, side)] for pooled in range(1, 5) for side in range(1, 9)]
    yield from grid("max_unpool", inputs, indices=indices, output_size=["default"])
    yield from usual_unpools()
    own = {"kernel_size": (LEFT_OUT, 1, 2, 3), "stride": (LEFT_OUT, 1, 2, 3), "padding": (LEFT_OUT, 0, 1)}
    inputs = [[(2, side // 2, 2), (2, side, 5)] for side in range(2, 6)]
    yield from grid("max_unpool", inputs, indices=[{"kernel_size": 2}, {"kernel_size": [2, 3], "stride": 2}], **own)


def usual_unpools() -> Iterator[Case]:
    """The default size in planes and volumes, with settings that are equal for all axes, and not."""
    windows = [*product((1, 2, 3), (1, 2, 3), (0, 1))]
    for rank, most in ((2, 8), (3, 4)):
        for (k, s, p), mixed, ceil_mode in product(windows, FLAGS, FLAGS):
            pools = {"kernel_size": k, "stride": s, "padding": p, "ceil_mode": ceil_mode}
            if mixed:
                pools |= {"kernel_size": [3] + [k] * (rank - 1), "padding": [1] + [p] * (rank - 1)}
            for sides in product(range(1, most), repeat=rank):
                settings = [(of_axis(pools["kernel_size"], i), s, of_axis(pools["padding"], i)) for i in range(rank)]
                x = [pooled(side, *one, ceil_mode=ceil_mode) for side, one in zip(sides, settings, strict=True)]
                if min(x) > 0:
                    yield Case("max_unpool", {"indices": pools, "output_size": "default"}, ((1, *x), (1, *sides)))
                    if (k, p) == (2, 0):
                        own = {"indices": pools, "output_size": "default", "kernel_size": 3}
                        yield Case("max_unpool", own, ((1, *x), (1, *sides)))


def pooled(side: int, kernel_size: int, stride: int, padding: int, *, ceil_mode: bool) -> int:
    """Count the windows of a pool one by one."""
    starts = range(-padding, side if ceil_mode else side + padding - kernel_size + 1, stride)
    last = side + padding - kernel_size  # the start of a window that ends with the padding
    return len([start for start in starts if start <= last or start - stride < last])


MODES = ("nearest", "nearest-exact", "area", "linear", "bilinear", "bicubic", "trilinear")
FACTORS = (*(tenth / 10 for tenth in range(1, 40)), 1 / 3, 2 / 3, 1 / 7, 0.125, 0.375, 1.03125, 2.0000001, 1e-9, 3, 4)


def upsample() -> Iterator[Case]:
    aligned = {"mode": MODES, "align_corners": (LEFT_OUT, False, True)}
    for rank in (1, 2, 3):
        inputs = sides(3, rank)
        yield from grid("upsample", inputs, size=(0, 1, 3, [2] * rank, [2] * (rank + 1)), **aligned)
        yield from grid("upsample", inputs, scale_factor=(-1, 0, 0.3, 0.5, 1 / 3, 2, 2.7, [1.5] * rank), **aligned)
        yield from grid("upsample", inputs, **limits(rank), **aligned)
        like = [[(1, *[2] * rank), (3, *[side] * other)] for side in (1, 3) for other in (rank - 1, rank, rank + 1)]
        yield from grid("upsample", like, like=["other"], **aligned)
    like = [[(1, 2), (3, side)] for side in range(1, 60)]
    yield from grid("upsample", like, like=["other"], scale_factor=FACTORS)
    ways = {
        "size": (LEFT_OUT, 3),
        "scale_factor": (LEFT_OUT, 0.5, [0.4, 2]),
        "recompute_scale_factor": (LEFT_OUT, *FLAGS),
    }
    yield from grid("upsample", [[(1, 2, 3), (3, 4, 5)]], **ways, like=["other"])
    yield from grid("upsample", [(1, 2, 3)], **ways)
    yield from grid("upsample", sides(60), scale_factor=FACTORS, recompute_scale_factor=(LEFT_OUT, True))
    yield from grid("upsample", sides(30), scale_factor=FACTORS, mode=["area"])


def rearranging() -> Iterator[Case]:
    squares = [(channels, *side) for channels in (1, 2, 4, 8, 9, 12) for side in shapes((1, 2, 3, 4, 6), (2,))]
    squares += shapes((1, 2, 4), (1, 2, 4)) + shapes((1, 4), (5,))
    yield from grid("pixel_shuffle", squares, upscale_factor=range(-1, 4))
    yield from grid("pixel_unshuffle", squares, downscale_factor=range(-1, 4))
    channels = [(c, *rest) for c in range(1, 13) for rest in ((), (2,), (1, 2), (1, 2, 1), (1, 1, 1, 2))]
    yield from grid("channel_shuffle", channels, groups=range(-1, 13))
    inputs = [*shapes((2, 3), (1, 2, 3)), (2, 3, 1, 2), (1, 2, 3, 1, 2)]
    yield from grid("flatten", inputs, start_dim=DIMS, end_dim=DIMS)
    wanted = [list(sizes) for sizes in shapes((-1, 0, 1, 2, 3, 6), (0, 1, 2, 3))]
    yield from grid("reshape", [(), (6,), (1,), (1, 1), (2, 3), (3, 2, 2)], shape=wanted)
    yield from grid("unflatten", [(6,), (2, 3), (3, 2, 6)], dim=range(-4, 5), unflattened_size=wanted)
    others = shapes((1, 2, 3, 6), (0, 1, 2, 3))
    like = [[x, other] for x in ((), (6,), (2, 3), (3, 2, 6)) for other in others]
    yield from grid("unflatten", like, dim=range(-4, 5), like=["other"])
    yield from grid("unflatten", [[(6,), (1, 2, 3)]], dim=[1], unflattened_size=(LEFT_OUT, [2, 3]), like=["other"])
    yield from grid("unflatten", [(6,)], dim=[1])
    orders = [list(order) for order in shapes(range(-3, 5), (0, 1, 2, 3))]
    yield from grid("permute", [(), (2,), (2, 3), (2, 3, 4)], dims=orders)
    hows = ("mean", "sum", "max", "min", "std", "var", "norm")
    some = [*DIMS, *(list(dims) for dims in shapes((1, 2, 3, -1, 0), (0, 1, 2)))]
    yield from grid("reduce", [(), *inputs], how=["mean"], dim=some, keepdim=(LEFT_OUT, *FLAGS))
    yield from grid("reduce", [(3,), (1, 3, 2)], how=hows, dim=(1, 3, [1, 2], [2, 2], [3, -1]), keepdim=FLAGS)
    blocks = shapes((1, 2, 4, 6, 8), (2,)) + shapes((2, 4, 16), (3,)) + [(8, 2, 4, 2), (8, 1, 3, 2), (27, 3, 6, 3)]
    for kind in ("depth_to_space", "space_to_depth"):
        yield from grid(kind, [(4,), *blocks, (16, 2, 2, 2, 2)], block_size=range(-1, 4))


def unfolds() -> Iterator[Case]:
    window = {"kernel_size": (0, 1, 2, 3, [2, 1]), "dilation": (1, 2), "padding": (0, 1, [1, 0]), "stride": (1, 2, 3)}
    yield from grid("unfold", [*shapes((1, 2, 4), (3,)), (2,), (2, 3), (2, 3, 3, 3)], **window)
    yield from grid("unfold", [(1, 4, 4)], kernel_size=([2], [2, 2, 2]), dilation=(LEFT_OUT, 0), stride=(LEFT_OUT, 0))
    columns = [(c, count) for c in (1, 2, 4, 8, 9) for count in (1, 2, 3, 4, 6, 9, 12, 16)]
    yield from grid("fold", [*columns, (4,), (4, 1, 1)], output_size=(3, [4, 5], [1, 1], [3], 0), **window)
    like = [[x, (1, *sides)] for x in columns for sides in shapes((2, 3, 5), (1, 2))]
    yield from grid("fold", like, like=["other"], output_size=(LEFT_OUT, 4), kernel_size=(1, 2, [2, 1]), stride=(1, 2))
    yield from grid("windows", shapes((1, 3, 5), (0, 1, 2)), dim=DIMS, size=range(5), step=range(4))
    yield from grid("embedding", shapes((1, 3), (0, 1, 2)), num_embeddings=range(-1, 3), embedding_dim=range(-1, 3))


def pads() -> Iterator[Case]:
    ends = [list(pair) for pair in product(range(-6, 7), repeat=2)]
    modes = ("constant", "reflect", "replicate", "circular")
    yield from grid("pad", sides(5), padding=[[pair] for pair in ends], mode=modes)
    yield from grid("pad", sides(3, 2), padding=[[pair, 0] for pair in ends], mode=modes)
    yield from grid("pad", [(1, 4, side) for side in (1, 3)], padding=[[0, pair] for pair in ends], mode=modes)
    where = (LEFT_OUT, "both", "after")
    yield from grid("pad", sides(9), multiple=range(6), where=where, mode=modes)
    yield from grid("pad", sides(9), at_least=range(6), where=where, mode=modes, multiple=(LEFT_OUT, 2))
    yield from grid("pad", [(1, 3, 5)], at_least=(4, [2, 7], [2], [2, 3, 4]), where=where, mode=modes)
    yield from grid("pad", [(1, 3, 5)], multiple=(4, [2, 3], [2], [2, 3, 4]), where=where, mode=modes)
    like = [[(2, side), (1, target)] for side in range(1, 8) for target in range(1, 16)]
    yield from grid("pad", like, like=["other"], where=where, mode=modes)
    like = [[(2, *one), (1, *other)] for one in shapes((1, 3), (0, 2)) for other in shapes((1, 2, 4), (0, 1, 2))]
    yield from grid("pad", like, like=["other"], mode=modes, channels=(0, 1), value=(LEFT_OUT, 1.5))
    yield from grid("pad", [[(2, 3, 3), (1, 4, 2)]], like=["other"], padding=(LEFT_OUT, 0, 1), multiple=(LEFT_OUT, 2))
    yield from grid(
        "pad",
        [(2,), (2, 3, 3, 3), (2, 1, 1, 1, 3)],
        padding=(0, 1, -1),
        mode=modes,
        value=(0, 1.5),
        channels=(0, 1, [2, 0]),
    )


def cuts() -> Iterator[Case]:
    exact = (LEFT_OUT, False, True)
    yield from grid("crop", sides(8) + sides(8, 2), size=[*range(10), [2, 3]], exact=exact)
    yield from grid("crop", sides(8), amount=range(-1, 6), exact=exact)
    yield from grid("crop", sides(2), size=(LEFT_OUT, 1), amount=(LEFT_OUT, 0), offset=["end", ["end"]], exact=exact)
    yield from grid(
        "crop", sides(8) + sides(8, 2), size=[*range(1, 10), [2, 3]], offset=[*range(-1, 10), [1, 2], "end"]
    )
    like = [[(2, *one), (1, *other)] for one in shapes((1, 2, 3), (0, 1, 2)) for other in shapes((1, 2, 3), (0, 1, 2))]
    yield from grid("crop", like, like=["other"], exact=exact)
    yield from grid("crop", like, like=["other"], offset=[0, 1, 2, [0, 1], "end"])
    ends = (LEFT_OUT, *range(-6, 7))
    yield from grid("slice", [(n,) for n in range(1, 6)], start=ends, stop=ends, step=(LEFT_OUT, 0, 2, 3))
    yield from grid("select", shapes((1, 3), (1, 2, 3)), dim=DIMS, index=range(-4, 5))
    yield from grid("slice", shapes((1, 3), (1, 2, 3)), dim=DIMS, start=(0, 1, -1), stop=(LEFT_OUT, 1))


def stated() -> Iterator[Case]:
    some = {"multiple_of": (LEFT_OUT, 0, 1, 2, 3), "at_least": (LEFT_OUT, 0, 2, 4), "at_most": (LEFT_OUT, 0, 3, 5)}
    yield from grid("require", [(), (3,), *sides(6), *sides(6, 2)], **some)
    yield from grid(
        "require", [(3,), *sides(6)], multiple_of=(LEFT_OUT, 2, 3), plus=(-1, 0, 1, 4), at_most=(LEFT_OUT, 5)
    )
    yield from grid(
        "require", shapes((1, 4), (2, 3, 4)), multiple_of=([2], [1, 2], [2, 1, 4]), at_most=(LEFT_OUT, [3, 4])
    )


def dims() -> Iterator[Case]:
    inputs = [*shapes((1, 2), (1, 2, 3)), (2, 1, 3, 4), (1, 2, 3, 1, 4)]
    for kind in ("glu", "softmax", "log_softmax", "softmin"):
        yield from grid(kind, inputs, dim=(LEFT_OUT, *DIMS))


def norms() -> Iterator[Case]:
    inputs = [
        (channels, *side) for channels in (1, 2, 4) for side in ((), (1,), (2,), (1, 1), (1, 2), (1, 1, 1), (1,) * 4)
    ]
    affine = {"affine": (LEFT_OUT, *FLAGS), "bias": (LEFT_OUT, *FLAGS)}
    for kind in ("batch_norm", "instance_norm"):
        yield from grid(kind, inputs, **affine, track_running_stats=(LEFT_OUT, *FLAGS))
        yield from grid(kind, inputs, num_features=(LEFT_OUT, 0, 1, 2), eps=(0, -1), track_running_stats=FLAGS)
    yield from grid("group_norm", inputs, num_groups=range(-1, 6), **affine)
    yield from grid("group_norm", inputs, num_groups=[1, 2], num_channels=(LEFT_OUT, 0, 1, 2, 4), eps=(0, -1))
    yield from grid("local_response_norm", inputs, size=range(-1, 9))
    over = {
        "over": (LEFT_OUT, "channels", "all", "last"),
        "elementwise_affine": (LEFT_OUT, *FLAGS),
        "bias": (LEFT_OUT, *FLAGS),
    }
    yield from grid("layer_norm", inputs, **over)
    yield from grid("rms_norm", inputs, **{name: values for name, values in over.items() if name != "bias"})
    yield from grid(
        "rms_norm", inputs, over=("channels", "all", "last"), normalized_shape=(2, [2], [2, 1], [2, 1, 1], [1], [], 0)
    )
    yield from grid(
        "layer_norm", inputs, over=("channels", "all", "last"), normalized_shape=(2, [2], [2, 1], [2, 1, 1], [1], [], 0)
    )


def joins() -> Iterator[Case]:
    small = [*shapes((1, 2), (1, 2, 3)), (3, 2), (2, 3), (3, 2, 2), (2, 2, 3)]
    pairs = [list(pair) for pair in product(small, repeat=2)]
    yield from grid("concat", pairs, dim=(LEFT_OUT, *range(-4, 5)))
    more = [list(pair) for pair in product(shapes((1, 2, 3), (1, 2)) + shapes((1, 2), (3,)), repeat=2)]
    for kind in ("add", "sub"):
        yield from grid(kind, more, broadcast=(LEFT_OUT, True))
    yield from grid("mul", more)
    for kind in ("div", "maximum", "minimum"):
        yield from grid(kind, [[(), ()], [(), (1,)], *more])
    yield from grid("stack", [[(), ()], [(), (1,)], *pairs], dim=range(-5, 6))
    yield from grid(
        "matmul", [[(2,), (2,)], *more, *(list(pair) for pair in product(shapes((1, 2), (3,)), shapes((1, 2), (3,))))]
    )
    yield from grid(
        "matmul",
        [
            [(3, *one), (c, *other)]
            for one in shapes((1, 2), (2, 3))
            for other in shapes((1, 2), (2, 3))
            for c in (1, 3)
        ],
    )
    triples = [list(triple) for triple in product(shapes((1, 2), (1, 2)), repeat=3)]
    for kind, values in (("add", {"broadcast": FLAGS}), ("mul", {}), ("concat", {"dim": (1, 2)})):
        yield from grid(kind, triples, **values)


def slopes() -> Iterator[Case]:
    inputs = [(channels, *side) for channels in (1, 2, 3) for side in ((), (2,), (1, 2), (2, 1, 2), (1, 1, 1, 2))]
    yield from grid("prelu", inputs, num_parameters=(LEFT_OUT, 0, 1, 2, 3))
    yield from grid("scale", inputs, num_features=(LEFT_OUT, 0, 1, 2, 3), value=(LEFT_OUT, 0, 2.5))
    yield from grid("bias", inputs, num_features=(LEFT_OUT, 0, 1, 2, 3))
    small = [*shapes((1, 2), (1, 2, 3)), (3, 2), (2, 3), (2, 3, 1)]
    for kind in ("scale", "bias"):
        yield from grid(kind, small, shape=[[], [0], *(list(shape) for shape in small)], num_features=(LEFT_OUT, 2))
    yield from grid(
        "linear", inputs, in_features=(LEFT_OUT, 0, 1, 2, 3), out_features=(0, 1, 5), bias=(LEFT_OUT, *FLAGS)
    )


GRIDS = (
    conv,
    conv_transpose,
    weights,
    pools,
    unpools,
    unfolds,
    upsample,
    rearranging,
    pads,
    cuts,
    dims,
    norms,
    joins,
    slopes,
    stated,
)
