"""Every layer type said a second time, in torch's own words: the judge of ours, and sharing nothing with it.

`REFERENCE` runs a layer as torch's documentation tells a person to: torch.nn's class by its name with the arguments as
the file writes them, or a function of torch. `STATED` has the conditions of ours that torch does not have, each as
DESIGN.md states it: there our refusal is right although torch accepts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

torch.set_num_threads(1)


class Case(NamedTuple):
    """One layer: its type, its settings as a file writes them, and the shapes that enter (channels first, no batch)."""

    type: str
    settings: dict[str, Any]
    shapes: tuple[tuple[int, ...], ...]


Run = Callable[..., tuple[Tensor, Any]]  # settings and tensors -> the result, and what has the weights (or None)


def module(name: str, **inferred: Callable[[Tensor], Any]) -> Run:
    """Run a class of torch.nn; `inferred` are the arguments that torch wants, and a file may leave out."""

    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        of_rank = getattr(nn, name.format(x.dim() - 2))
        layer = of_rank(**{key: takes(x) for key, takes in inferred.items()} | settings).eval()
        return layer(x), layer

    return run


def function(compute: Callable[..., Tensor]) -> Run:
    """Run a function of the settings' values and the tensors; it has no weights."""
    return lambda settings, *tensors: (compute(*tensors, **settings), None)


def channels(x: Tensor) -> int:
    return x.shape[1]


def last(x: Tensor) -> int:
    return x.shape[-1]


def batch_norm(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    return module("BatchNorm{}d" if x.dim() > 2 else "BatchNorm1d", num_features=channels)(settings, x)


def layer_norm(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    over = settings.get("over", "all")
    if over not in ("channels", "all"):
        raise ValueError(over)
    settings = {key: value for key, value in settings.items() if key != "over"}
    if over == "channels":
        y, layer = module("LayerNorm", normalized_shape=last)(settings, x.movedim(1, -1))
        return y.movedim(-1, 1), layer
    return module("LayerNorm", normalized_shape=lambda x: x.shape[1:])(settings, x)


def lp_pool(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    """Torch's LPPool1d takes a number alone, where every other 1-D class takes a list of one as well."""
    if x.dim() == 3:
        alone = {key: value[0] for key, value in settings.items() if isinstance(value, list) and len(value) == 1}
        settings = settings | alone
    return module("LPPool{}d")(settings, x)


def max_unpool(settings: dict[str, Any], x: Tensor, restored: Tensor) -> tuple[Tensor, Any]:
    pool = settings["indices"]
    _, indices = getattr(nn, f"MaxPool{restored.dim() - 2}d")(**pool, return_indices=True)(restored)
    kernel_size, stride, padding = (
        settings.get(name, pool.get(name, default))
        for name, default in (("kernel_size", None), ("stride", pool["kernel_size"]), ("padding", 0))
    )
    unpool = getattr(nn, f"MaxUnpool{x.dim() - 2}d")(kernel_size, stride, padding)
    return unpool(x, indices, output_size=restored.shape[2:]), None


def adaptive(name: str) -> Run:
    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        sizes = settings["output_size"]
        sizes = sizes if isinstance(sizes, list) else [sizes] * (x.dim() - 2)
        whole = [side if size == "keep" else size for size, side in zip(sizes, x.shape[2:], strict=True)]
        return getattr(nn, name.format(x.dim() - 2))(whole)(x), None

    return run


def upsample(settings: dict[str, Any], x: Tensor, *like: Tensor) -> tuple[Tensor, Any]:
    if not like:
        tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
        return module("Upsample")(tuples, x)
    others = {key: value for key, value in settings.items() if key != "like"}
    return functional.interpolate(x, size=like[0].shape[2:], **others), None


def pad(x: Tensor, padding: Any = 0, mode: str = "constant", value: float = 0.0, channels: Any = 0) -> Tensor:
    space = x.dim() - 2
    entries = padding if isinstance(padding, list) else [padding] * space
    if len(entries) != space:
        raise ValueError("one entry for each spatial axis")
    flat = [cells for entry in reversed(entries) for cells in (entry if isinstance(entry, list) else [entry, entry])]
    x = functional.pad(x, flat, mode=mode, value=value)
    return functional.pad(x, [0, 0] * space + (channels if isinstance(channels, list) else [0, channels]))


def crop(x: Tensor, *others: Tensor, size: Any = None, amount: Any = None, like: str = "", exact: bool = False) -> Tensor:
    """Take row after row off the end and the beginning; of an odd number, the one more off the end."""
    space = x.shape[2:]
    if sum((size is not None, amount is not None, like != "")) != 1:
        raise ValueError("one of size, amount and like")
    if min(amount if isinstance(amount, list) else [amount or 0]) < 0:
        raise ValueError("cropping does not pad")
    if like:
        size = list(others[0].shape[2:])
    cut = size if amount is None else amount
    cuts = cut if isinstance(cut, list) else [cut] * len(space)
    for axis, (side, cells) in enumerate(zip(space, cuts, strict=True), start=2):
        rows = list(range(side))
        if amount is None:
            while len(rows) > cells:
                rows.pop()
                if len(rows) > cells:
                    rows.pop(0)
        else:
            rows = rows[cells : max(cells, len(rows) - cells)]
        x = x.index_select(axis, torch.tensor(rows, dtype=torch.long))
    return x


def part(x: Tensor, dim: int = 1, start: int = 0, stop: int | None = None, step: int = 1) -> Tensor:
    return x.movedim(dim, 0)[start:stop:step].movedim(0, dim)


def add(*tensors: Tensor, broadcast: bool = False) -> Tensor:
    total, *others = tensors
    for other in others:
        total = torch.add(total, other)
    return total


def mul(*tensors: Tensor) -> Tensor:
    total, *others = tensors
    for other in others:
        total = torch.mul(total, other)
    return total


def scale(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    if "value" in settings:
        return x * settings["value"], None
    factors = nn.Parameter(torch.ones(settings.get("num_features", x.shape[1])))
    return (x.movedim(1, -1) * factors).movedim(-1, 1), nn.ParameterList([factors])


def axis_1(name: str) -> Run:
    """Along the channels where nothing is said."""
    return module(name, dim=lambda _: 1)


REFERENCE: dict[str, Run] = {
    "conv": module("Conv{}d", in_channels=channels),
    "conv_transpose": module("ConvTranspose{}d", in_channels=channels),
    "linear": module("Linear", in_features=last),
    "max_pool": module("MaxPool{}d"),
    "avg_pool": module("AvgPool{}d"),
    "lp_pool": lp_pool,
    "max_unpool": max_unpool,
    "adaptive_avg_pool": adaptive("AdaptiveAvgPool{}d"),
    "adaptive_max_pool": adaptive("AdaptiveMaxPool{}d"),
    "global_avg_pool": module("AdaptiveAvgPool{}d", output_size=lambda _: 1),
    "global_max_pool": module("AdaptiveMaxPool{}d", output_size=lambda _: 1),
    "batch_norm": batch_norm,
    "group_norm": module("GroupNorm", num_channels=channels),
    "instance_norm": module("InstanceNorm{}d", num_features=channels),
    "local_response_norm": module("LocalResponseNorm"),
    "layer_norm": layer_norm,
    "relu": module("ReLU"),
    "relu6": module("ReLU6"),
    "leaky_relu": module("LeakyReLU"),
    "prelu": module("PReLU"),
    "rrelu": module("RReLU"),
    "elu": module("ELU"),
    "celu": module("CELU"),
    "selu": module("SELU"),
    "gelu": module("GELU"),
    "silu": module("SiLU"),
    "mish": module("Mish"),
    "sigmoid": module("Sigmoid"),
    "tanh": module("Tanh"),
    "softplus": module("Softplus"),
    "softsign": module("Softsign"),
    "softshrink": module("Softshrink"),
    "hardshrink": module("Hardshrink"),
    "tanhshrink": module("Tanhshrink"),
    "hardtanh": module("Hardtanh"),
    "hardsigmoid": module("Hardsigmoid"),
    "hardswish": module("Hardswish"),
    "threshold": module("Threshold"),
    "log_sigmoid": module("LogSigmoid"),
    "glu": module("GLU"),
    "softmax": axis_1("Softmax"),
    "log_softmax": axis_1("LogSoftmax"),
    "softmin": axis_1("Softmin"),
    "dropout": module("Dropout"),
    "identity": module("Identity"),
    "flatten": module("Flatten"),
    "reshape": function(lambda x, shape: x.reshape(x.shape[0], *shape)),
    "upsample": upsample,
    "pixel_shuffle": module("PixelShuffle"),
    "pixel_unshuffle": module("PixelUnshuffle"),
    "channel_shuffle": module("ChannelShuffle"),
    "pad": function(pad),
    "crop": function(crop),
    "slice": function(part),
    "concat": function(lambda *tensors, dim=1: torch.cat(tensors, dim)),
    "add": function(add),
    "sub": function(lambda one, other, broadcast=False: torch.sub(one, other)),
    "mul": function(mul),
    "scale": scale,
}


def stated(case: Case, answer: Any) -> frozenset[str]:
    """Return the codes of our own conditions that a case does not meet."""
    return frozenset(code for code, holds in STATED.items() if holds(case.type, case.settings, case.shapes, answer))


SPATIAL = {
    name
    for name in REFERENCE
    if "pool" in name or name in ("conv", "conv_transpose", "instance_norm", "local_response_norm", "upsample")
} | {"pixel_shuffle", "pixel_unshuffle", "channel_shuffle", "pad", "crop"}
PER_AXIS = ("kernel_size", "stride", "padding", "dilation", "output_padding", "output_size", "scale_factor", "amount")
NUMBERS = ("eps", "momentum")


def lists(kind: str, settings: dict[str, Any]) -> list[list[Any]]:
    """Return the settings that have one entry for each spatial axis."""
    names = (*PER_AXIS, "size") if kind in ("upsample", "crop") else PER_AXIS
    own = [settings[name] for name in names if isinstance(settings.get(name), list)]
    return own + (lists("max_pool", settings["indices"]) if "indices" in settings else [])


def real(value: Any) -> bool:
    """Say whether a number fits a float32."""
    return not isinstance(value, float) or math.isinf(value) or abs(value) <= torch.finfo(torch.float32).max


def bad_value(kind: str, settings: dict[str, Any], x: Any) -> bool:
    batch = 0 in (settings.get("dim"), settings.get("start_dim"), settings.get("end_dim"))
    channels = settings.get("channels", 0)
    behind = min(channels if isinstance(channels, list) else [channels], default=0) < 0
    return batch or behind or not all(map(real, settings.values()))


def declared_differs(kind: str, settings: dict[str, Any], x: Any) -> bool:
    for name in ("in_channels", "num_features", "num_channels"):
        if settings.get(name, x[0]) != x[0]:
            return True
    normalized = x[:1] if settings.get("over") == "channels" else x
    shape = settings.get("normalized_shape", list(normalized))
    return settings.get("in_features", x[-1]) != x[-1] or (shape if isinstance(shape, list) else [shape]) != [*normalized]


def wrong_axis(kind: str, settings: dict[str, Any], x: Any) -> bool:
    axes = {*range(1, len(x) + 1), *range(-len(x), 0)}
    return any(settings.get(name, 1) not in axes for name in ("dim", "start_dim", "end_dim"))


def out_of_range(kind: str, settings: dict[str, Any], x: Any) -> bool:
    if kind != "slice" or wrong_axis(kind, settings, x):
        return False
    axis = settings.get("dim", 1)
    length = x[axis - 1 if axis > 0 else axis]
    return any(not -length <= settings.get(name, 0) <= length for name in ("start", "stop"))


def cut_and_wrapped(kind: str, settings: dict[str, Any], x: Any) -> bool:
    """Say whether circular padding is to wrap more cells than are left once the negative ends are cut off.

    Torch refuses that along the first axis, and along others gives memory that nobody wrote.
    """
    entries = settings.get("padding", 0)
    pairs = entries if isinstance(entries, list) else [entries] * (len(x) - 1)
    pairs = [entry if isinstance(entry, list) else [entry, entry] for entry in pairs]
    return settings.get("mode") == "circular" and any(
        len(pair) == 2 and min(pair) < 0 < max(pair) and max(pair) > side + min(pair)
        for side, pair in zip(x[1:], pairs, strict=False)
    )


def cropped(settings: dict[str, Any], shapes: Any) -> list[tuple[int, int]]:
    """Return side and wanted size along each axis that a crop has."""
    size = list(shapes[1][1:]) if "like" in settings else settings.get("size", [])
    return list(zip(shapes[0][1:], size if isinstance(size, list) else [size] * (len(shapes[0]) - 1), strict=False))


Stated = Callable[[str, dict[str, Any], Any], bool]

STATED: dict[str, Stated] = {
    "bad-value": bad_value,
    "no-space": lambda kind, settings, x: kind in SPATIAL and len(x) == 1,
    "too-few-axes": lambda kind, settings, x: kind.startswith("pixel") and len(x) == 2,
    "axes-differ": lambda kind, settings, x: any(len(entries) != len(x) - 1 for entries in lists(kind, settings)),
    "declared-differs": declared_differs,
    "say-over": lambda kind, settings, x: kind == "layer_norm" and "over" not in settings and len(x) > 1,
    "no-such-axis": wrong_axis,
    "slice-out-of-range": out_of_range,
    "padding-exceeds-rest": cut_and_wrapped,
}


def stated(case: Case, answer: Any) -> frozenset[str]:
    """Return the codes of our own conditions that a case does not meet, given torch's answer to it."""
    kind, settings, shapes = case
    codes = {code for code, holds in STATED.items() if holds(kind, settings, shapes[0])}
    if 0 in getattr(answer, "output", ()):
        codes.add("no-elements")
    if kind in ("add", "sub") and not settings.get("broadcast") and len(set(shapes)) > 1:
        codes.add("needs-broadcast")
    if kind in ("add", "sub", "mul") and len(set(map(len, shapes))) > 1:
        codes.add("ranks-differ")
    if kind == "crop":
        pairs = cropped(settings, shapes)
        codes |= {"crop-grows"} if any(size > side for side, size in pairs) else set()
        odd = settings.get("exact") and any((side - size) % 2 for side, size in pairs)
        codes |= {"odd-crop"} if odd else set()
    return frozenset(codes)
