"""Every layer type said a second time, in torch's own words: the judge of ours, and sharing nothing with it.

`REFERENCE` runs a layer as torch's documentation tells a person to: torch.nn's class by its name with the arguments as
the file writes them, or a function of torch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from cases import TRIED, Tried
from torch import Tensor, nn
from torch.nn import functional

Run = Callable[..., tuple[Tensor, Any]]  # settings and tensors -> the result, and what has the weights (or None)


def built(name: str, **inferred: Callable[[Tensor], Any]) -> Callable[[dict[str, Any], Tensor], Any]:
    """Make a class of torch.nn; `inferred` are the arguments that torch wants, and a file may leave out."""

    def build(settings: dict[str, Any], x: Tensor) -> Any:
        of_rank = getattr(nn, name.format(x.dim() - 2))
        return of_rank(**{key: takes(x) for key, takes in inferred.items()} | settings).eval()

    return build


def module(name: str, **inferred: Callable[[Tensor], Any]) -> Run:
    """Run a class of torch.nn."""
    build = built(name, **inferred)

    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        layer = build(settings, x)
        return layer(x), layer

    return run


def weighted(name: str, **inferred: Callable[[Tensor], Any]) -> Run:
    """Run a class with a weight: a fixed one as buffers, one that is made by torch's older hooks, or standardised."""
    build = built(name, **inferred)
    made = {"none": lambda layer: layer, "weight_norm": nn.utils.weight_norm, "spectral_norm": nn.utils.spectral_norm}

    def run(settings: dict[str, Any], x: Tensor, **how: Any) -> tuple[Tensor, Any]:
        own = {key: value for key, value in settings.items() if key not in {"learned", "parametrization", "gain"}}
        layer = made[settings.get("parametrization", "none")](build(own, x))
        if not settings.get("learned", True):
            for key, weight in [*layer.named_parameters()]:
                delattr(layer, key)
                layer.register_buffer(key, weight)
        if settings.get("gain"):  # as ScaledStdConv2d of timm
            layer.gain = nn.Parameter(torch.ones(layer.out_channels, 1, 1, 1))
            flat = layer.weight.reshape(1, layer.out_channels, -1)
            functional.batch_norm(flat, None, None, weight=layer.gain.view(-1), training=True)
        return layer(x, **how), layer

    return run


def function(compute: Callable[..., Tensor]) -> Run:
    """Run a function of the settings' values and the tensors; it has no weights."""
    return lambda settings, *tensors: (compute(*tensors, **settings), None)


def channels(x: Tensor) -> int:
    return x.shape[1]


def last(x: Tensor) -> int:
    return x.shape[-1]


def entries(value: Any, x: Tensor) -> list[Any]:
    """Return a setting for each spatial axis, at one entry or all."""
    return value if isinstance(value, list) else [value] * (x.dim() - 2)


def follows(settings: dict[str, Any], x: Tensor) -> bool:
    """Say whether the padding follows the side; all lists must then have an entry for each axis."""
    return settings.get("padding") in ("same_upper", "same_lower")


def filled(settings: dict[str, Any], x: Tensor, **how: Any) -> Tensor:
    """Pad as timm does for TensorFlow's SAME: to the last of ceil(W / S) windows, one cell at a time from end to end."""
    kernel, stride = settings["kernel_size"], settings.get("stride", settings.get("step", settings["kernel_size"]))
    windows = zip(*(entries(value, x) for value in (kernel, stride, settings.get("dilation", 1))), strict=True)
    flat: list[int] = []
    for side, (k, s, d) in zip(x.shape[2:], windows, strict=True):
        ends = [0, 0]
        for cell in range(max((-(-side // s) - 1) * s + (k - 1) * d + 1 - side, 0)):
            ends[(cell + (settings["padding"] == "same_upper")) % 2] += 1
        flat = ends + flat
    return functional.pad(x, flat, **how)


def without_padding(settings: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key != "padding"}


def conv(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    run = weighted("Conv{}d", in_channels=channels)
    if not follows(settings, x):
        return run(settings, x)
    modes = {"zeros": "constant", "reflect": "reflect", "replicate": "replicate", "circular": "circular"}
    mode = modes[settings.get("padding_mode", "zeros")]
    given = {key: value for key, value in without_padding(settings).items() if key != "padding_mode"}
    return run(given, filled({"stride": 1} | settings, x, mode=mode))


def conv_transpose(settings: dict[str, Any], x: Tensor, *like: Tensor) -> tuple[Tensor, Any]:
    run = weighted("ConvTranspose{}d", in_channels=channels)
    padding = settings.get("padding")
    if [bool(like), follows(settings, x), "output_padding" in settings].count(True) > 1:
        raise ValueError("two ways to say which side comes out")
    if like:
        if like[0].dim() != x.dim():
            raise ValueError("torch may take the sides of a result with two axes more for its whole shape")
        given = {key: value for key, value in settings.items() if key != "like"}
        return run(given, x, output_size=like[0].shape[2:])
    if not follows(settings, x):
        return run(settings, x)
    y, layer = run(without_padding(settings), x)
    for axis, stride in enumerate(entries(settings.get("stride", 1), x), start=2):  # Keras: S times the side
        cut = y.shape[axis] - x.shape[axis] * stride
        if cut < 0:
            raise ValueError("Keras adds zeros")
        y = y.narrow(axis, cut // 2 if padding == "same_upper" else cut - cut // 2, x.shape[axis] * stride)
    return y, layer


def pool(name: str, value: float) -> Run:
    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        if not follows(settings, x):
            return module(name)(settings, x)
        return module(name)(without_padding(settings), filled(settings, x, value=value))

    return run


def batch_norm(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    return module("BatchNorm{}d" if x.dim() > 2 else "BatchNorm1d", num_features=channels)(settings, x)


def of_shape(name: str) -> Run:
    """Run a norm over the channels, the last axis or the whole shape."""

    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        over = settings.get("over", "all")
        if over not in ("channels", "all", "last"):
            raise ValueError(over)
        settings = {key: value for key, value in settings.items() if key != "over"}
        if over == "channels":
            y, layer = module(name, normalized_shape=last)(settings, x.movedim(1, -1))
            return y.movedim(-1, 1), layer
        return module(name, normalized_shape=last if over == "last" else lambda x: x.shape[1:])(settings, x)

    return run


def fold(settings: dict[str, Any], x: Tensor, *like: Tensor) -> tuple[Tensor, Any]:
    if ("like" in settings) == ("output_size" in settings):
        raise ValueError("one of output_size and like")
    given = {key: value for key, value in settings.items() if key != "like"}
    return nn.Fold(**({"output_size": like[0].shape[2:]} if like else {}), **given)(x), None


def embedding(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    layer = nn.Embedding(**settings)
    return layer(x.long() % settings["num_embeddings"]), layer


def linear(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    over = settings.get("over", "last")
    if over not in ("last", "channels"):
        raise ValueError(over)
    run, settings = weighted("Linear", in_features=last), {key: s for key, s in settings.items() if key != "over"}
    if over == "last":
        return run(settings, x)
    y, layer = run(settings, x.movedim(1, -1))
    return y.movedim(-1, 1), layer


def lp_pool(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    """Torch's LPPool1d takes a number alone, where every other 1-D class takes a list of one as well."""
    if x.dim() == 3:
        alone = {key: value[0] for key, value in settings.items() if isinstance(value, list) and len(value) == 1}
        settings = settings | alone
    if settings.get("padding", "same_upper") not in ("same_upper", "same_lower"):
        raise ValueError(settings["padding"])
    return pool("LPPool{}d", 0.0)(settings, x)


def max_unpool(settings: dict[str, Any], x: Tensor, restored: Tensor) -> tuple[Tensor, Any]:
    pool = settings["indices"]
    default = "output_size" in settings
    if default and settings["output_size"] != "default":
        raise ValueError(settings["output_size"])
    _, indices = getattr(nn, f"MaxPool{restored.dim() - 2}d")(**pool, return_indices=True)(restored)
    kernel_size, stride, padding = (
        settings.get(name, pool.get(name, default))
        for name, default in (("kernel_size", None), ("stride", pool["kernel_size"]), ("padding", 0))
    )
    unpool = getattr(nn, f"MaxUnpool{x.dim() - 2}d")(kernel_size, stride, padding)
    return unpool(x, indices, output_size=None if default else restored.shape[2:]), None


LIMITS = ("at_least", "at_most")


def within(sides: Sequence[int], x: Tensor, settings: dict[str, Any]) -> list[int]:
    """Return sides, each made larger and then smaller until it is within the limits that are given for the axes of x."""
    limits = [entries(settings.get(name, usual), x) for name, usual in zip(LIMITS, (1, 10**9), strict=True)]
    if min(map(min, limits)) < 1:
        raise ValueError("no limit")
    return [min(max(side, least), most) for side, least, most in zip(sides, *limits, strict=True)]


def adaptive(name: str) -> Run:
    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        if not {*LIMITS, "output_size"} & {*settings}:
            raise ValueError("nothing says which side comes out")
        sizes = entries(settings.get("output_size", "keep"), x)
        whole = [side if size == "keep" else size for size, side in zip(sizes, x.shape[2:], strict=True)]
        if {*LIMITS} & {*settings}:
            if min(whole) < 1:
                raise ValueError("no side")
            whole = within(whole, x, settings)
        return getattr(nn, name.format(x.dim() - 2))(whole)(x), None

    return run


def unflatten(x: Tensor, *like: Tensor, dim: int, unflattened_size: list[int] | None = None, **other: str) -> Tensor:
    if ("like" in other) == (unflattened_size is not None):
        raise ValueError("one of unflattened_size and like")
    return nn.Unflatten(dim, unflattened_size or tuple(like[0].shape[2:]))(x)


def upsample(settings: dict[str, Any], x: Tensor, *like: Tensor) -> tuple[Tensor, Any]:
    tuples = {key: tuple(value) if isinstance(value, list) else value for key, value in settings.items()}
    others = {key: value for key, value in tuples.items() if key != "like"}
    if limits := {*LIMITS} & {*others}:
        if {"size", "like"} & {*settings}:
            raise ValueError("two ways to say which side comes out")
        kept = {key: value for key, value in others.items() if key not in {*limits, "scale_factor"}}
        factors = entries(settings.get("scale_factor", 1), x)
        sides = [math.floor(side * factor) for side, factor in zip(x.shape[2:], factors, strict=True)]
        if min(factors) <= 0 or ("at_least" not in limits and min(sides) < 1):
            raise ValueError("nothing is left")
        return functional.interpolate(x, size=within(sides, x, settings), **kept), None
    if not like:
        return module("Upsample")(others, x)
    if "size" in others:
        raise ValueError("two ways to say which side comes out")
    factor = others.pop("scale_factor", 1)
    factors = factor if isinstance(factor, tuple) else [factor] * (x.dim() - 2)
    size = [math.floor(side * factor) for side, factor in zip(like[0].shape[2:], factors, strict=True)]
    return functional.interpolate(x, size=size, **others), None


def pad(  # noqa: PLR0913
    x: Tensor,
    *others: Tensor,
    padding: Any = None,
    mode: str = "constant",
    value: float = 0.0,
    channels: Any = 0,
    like: str = "",
    multiple: Any = None,
    at_least: Any = None,
    where: str = "",
) -> Tensor:
    """Pad with the amounts that people compute: to another's size as the most copied U-Net does, to a multiple, to a least side."""
    space = x.dim() - 2
    ways = sum((padding is not None, like != "", multiple is not None, at_least is not None))
    if ways > 1 or (where and (ways == 0 or padding is not None)) or where not in ("", "both", "after"):
        raise ValueError("one way to say what is added")
    if at_least is not None:
        missing = [
            length - side
            for side, length in zip(x.shape[2:], within(x.shape[2:], x, {"at_least": at_least}), strict=True)
        ]
        padding = [[cells // 2, cells - cells // 2] if where == "both" else [0, cells] for cells in missing]
    if like or multiple is not None:
        multiples = multiple if isinstance(multiple, list) else [1 if multiple is None else multiple] * space
        if min(multiples) < 1:
            raise ValueError("no multiple")
        lengths = (
            others[0].shape[2:] if like else [-side % m + side for side, m in zip(x.shape[2:], multiples, strict=True)]
        )
        missing = [length - side for side, length in zip(x.shape[2:], lengths, strict=True)]
        both = where == "both" or (like and not where)
        padding = [[cells // 2, cells - cells // 2] if both else [0, cells] for cells in missing]
    entries = padding if isinstance(padding, list) else [padding or 0] * space
    if len(entries) != space:
        raise ValueError("one entry for each spatial axis")
    flat = [cells for entry in reversed(entries) for cells in (entry if isinstance(entry, list) else [entry, entry])]
    x = functional.pad(x, flat, mode=mode, value=value)
    return functional.pad(x, [0, 0] * space + (channels if isinstance(channels, list) else [0, channels]))


def crop(  # noqa: PLR0913
    x: Tensor,
    *others: Tensor,
    size: Any = None,
    amount: Any = None,
    like: str = "",
    offset: Any = None,
    exact: bool = False,
) -> Tensor:
    """Take row after row off the end and the beginning; of an odd number, the one more off the end.

    With an offset, take so many rows off the beginning, and the others off the end; with "end", all off the beginning.
    """
    space = x.shape[2:]
    if sum((size is not None, amount is not None, like != "")) != 1:
        raise ValueError("one of size, amount and like")
    if offset is not None and (exact or amount is not None):
        raise ValueError("that is of the middle")
    if any(
        min(cut if isinstance(cut, list) else [cut or 0]) < 0
        for cut in (size, amount, 0 if offset == "end" else offset)
    ):
        raise ValueError("cropping does not pad")
    if like:
        size = list(others[0].shape[2:])
    cut = size if amount is None else amount
    cuts = cut if isinstance(cut, list) else [cut] * len(space)
    begins = offset if isinstance(offset, list) else [offset] * len(space)
    if offset == "end":
        begins = [max(side - cells, 0) for side, cells in zip(space, cuts, strict=True)]
    for axis, (side, cells, begin) in enumerate(zip(space, cuts, begins, strict=True), start=2):
        rows = list(range(side))
        if begin is not None:
            rows = rows[begin:][:cells]
        elif amount is None:
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


def permute(x: Tensor, dims: list[int]) -> Tensor:
    """The batch stays first: it may be named there, and nowhere else."""
    order = dims if dims[:1] == [0] else [0, *dims]
    y = x.permute(order)
    if 0 in [dim % x.dim() for dim in order[1:]]:
        raise ValueError("this moves the batch")
    return y


def reduce(x: Tensor, how: str, dim: Any, keepdim: bool = False) -> Tensor:
    dims = dim if isinstance(dim, list) else [dim]
    if not dims:
        raise ValueError("torch would reduce everything, the batch, too")
    named = {"max": torch.amax, "min": torch.amin, "norm": torch.linalg.vector_norm}
    return (named.get(how) or getattr(torch, how))(x, dim=dims, keepdim=keepdim)


def depth_to_space(x: Tensor, block_size: int) -> Tensor:
    """Block after block, each channel of a block goes to its place: (d, h, w) counted with w the fastest."""
    r, n = block_size, x.dim() - 2
    if x.shape[1] % r**n:
        raise ValueError("the channels do not divide")
    y = x.new_empty(x.shape[0], x.shape[1] // r**n, *(side * r for side in x.shape[2:]))
    for number, place in enumerate(itertools.product(range(r), repeat=n)):
        y[(..., *(slice(at, None, r) for at in place))] = x[:, number :: r**n]
    return y


def space_to_depth(x: Tensor, block_size: int) -> Tensor:
    r, n = block_size, x.dim() - 2
    if any(side % r for side in x.shape[2:]):
        raise ValueError("a side does not divide")
    y = x.new_empty(x.shape[0], x.shape[1] * r**n, *(side // r for side in x.shape[2:]))
    for number, place in enumerate(itertools.product(range(r), repeat=n)):
        y[:, number :: r**n] = x[(..., *(slice(at, None, r) for at in place))]
    return y


def opaque(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    """What the file says, word by word: sizes of what enters by their names, and Python's own arithmetic."""
    names = dict(zip({1: "c", 2: "cl", 3: "chw", 4: "cdhw"}.get(x.dim() - 1, ""), x.shape[1:], strict=False))
    wanted = settings["out_shape"]
    if wanted == "keep":
        sizes = [*x.shape[1:]]
    else:
        if any(isinstance(size, bool) for size in wanted):  # no number, though Python counts with it
            raise TypeError(wanted)
        known = ["keep", *map(str, wanted)]
        sizes = [
            x.shape[axis] if known[axis] == "keep" else eval(known[axis], {}, names) for axis in range(1, len(known))
        ]
    macs = settings.get("macs", 0)
    if macs not in ("9*c", "c*h*w") and not (isinstance(macs, int) and macs >= 0):
        raise ValueError(macs)
    return x.new_zeros(1, *sizes), nn.ParameterList([torch.empty(settings.get("num_parameters", 0))])


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


def elementwise(x: Tensor, function: str, value: Any = None, **limits: Any) -> Tensor:
    if (value is not None and function in {"clamp", "nan_to_num"}) or (limits and function != "clamp"):
        raise ValueError("it takes none")
    if function == "clamp":
        return torch.clamp(x, **limits)
    return getattr(torch, function)(x, *([] if value is None else [value]))


def scale(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    if "value" not in settings:
        return beside(torch.mul)(settings, x)
    if settings.keys() & {"shape", "parameter_shape", "num_parameters"}:
        raise ValueError("one or the other")
    return x * settings["value"], None


def kept(settings: dict[str, Any], own: Tensor) -> Tensor:
    """Return the parameter that is kept for a tensor: of a shape of its own, which differs in axes of 1 alone."""
    if "parameter_shape" not in settings:
        return nn.Parameter(own)
    if "num_parameters" in settings or settings["parameter_shape"].count(-1) > 1:
        raise ValueError("one or the other")
    found = nn.Parameter(own.reshape(settings["parameter_shape"]))
    if found.squeeze().shape != own.squeeze().shape:
        raise ValueError("other axes")
    return found


def learned_tensor(settings: dict[str, Any]) -> tuple[Tensor, Any]:
    """Return a tensor that is a parameter, or made of one of fewer or more numbers; and what has the parameter."""
    shape, count = settings["shape"], settings.get("num_parameters")
    learned = kept(settings, torch.ones(shape if count is None else count))
    own = learned.reshape(shape) if count is None else learned.sum() * torch.ones(shape)
    return own, nn.ParameterList([learned])


def token(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    own, learned = learned_tensor(settings)
    dim = settings.get("dim", 1)
    if dim in {0, -x.dim()}:
        raise ValueError("the batch")
    own = own.unsqueeze(0).repeat(len(x), *[1] * own.dim())
    return torch.cat([own, x] if settings.get("before") else [x, own], dim), learned


def beside(join: Callable[..., Tensor]) -> Run:
    """Run a function of what enters and a parameter: of a shape, or a number for each channel."""

    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        if {"shape", "num_features"} <= settings.keys() or ("num_parameters" in settings and "shape" not in settings):
            raise ValueError("one or the other")
        if "shape" in settings:
            own, learned = learned_tensor(settings)
            return join(x, own), learned
        learned = kept(settings, torch.ones(settings.get("num_features", x.shape[1])))
        return join(x.movedim(1, -1), learned.reshape(-1)).movedim(-1, 1), nn.ParameterList([learned])

    return run


def recurrent(name: str) -> Run:
    """Run a class over axis `over`; of three axes, the batch among them, the one left has the features."""

    def run(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
        settings = dict(settings)
        over, returns = settings.pop("over"), settings.pop("returns", "sequence")
        if x.dim() != 3 or over not in (1, 2, -1, -2) or returns not in ("sequence", "last"):
            raise ValueError(over, returns)
        turned = x if over in (1, -2) else x.mT
        layer = getattr(nn, name)(**{"input_size": turned.shape[2]} | settings, batch_first=True).eval()
        y, states = layer(turned)
        if returns == "sequence":
            return y if turned is x else y.mT, layer
        hidden = states[0] if name == "LSTM" else states
        ends = [hidden[-1]] if not settings.get("bidirectional") else [hidden[-2], hidden[-1]]
        return torch.cat(ends, dim=1), layer

    return run


def attention(settings: dict[str, Any], x: Tensor) -> tuple[Tensor, Any]:
    """Run torch's class, or, with a bias of its own for queries, keys and values, the steps of timm's."""
    over = settings["over"] if isinstance(settings["over"], list) else [settings["over"]]
    turned = x.movedim(over, list(range(1, 1 + len(over))))
    if len(over) != x.dim() - 2 or 0 in over:
        raise ValueError(over)
    tokens = turned.flatten(1, -2)
    c, heads = settings.get("embed_dim", tokens.shape[2]), settings["num_heads"]
    bias = settings.get("bias", True)
    layer: Any = nn.MultiheadAttention(c, heads, settings.get("dropout", 0.0), bias=bias, batch_first=True).eval()
    if settings.get("qkv_bias", bias) == bias:
        return layer(tokens, tokens, tokens)[0].view(turned.shape).movedim(list(range(1, 1 + len(over))), over), layer
    layer = nn.ModuleDict({"qkv": nn.Linear(c, 3 * c, settings["qkv_bias"]), "proj": nn.Linear(c, c, bias)})
    parts = [part.view(1, -1, heads, c // heads).transpose(1, 2) for part in layer["qkv"](tokens).chunk(3, dim=2)]
    weights = (parts[0] @ parts[1].mT).softmax(dim=-1)
    y = layer["proj"]((weights @ parts[2]).transpose(1, 2).reshape(tokens.shape))
    return y.view(turned.shape).movedim(list(range(1, 1 + len(over))), over), layer


def axis_1(name: str) -> Run:
    """Along the channels where nothing is said."""
    return module(name, dim=lambda _: 1)


ARRIVING = {"in_channels": channels, "num_features": channels, "num_channels": channels, "in_features": last}


def of_class(tried: Tried) -> Run:
    """Run the class of torch.nn that cases.py names."""
    return module(tried.torch, **{name: takes for name, takes in ARRIVING.items() if name in tried.values})


REFERENCE: dict[str, Run] = {kind: of_class(tried) for kind, tried in TRIED.items() if tried.torch} | {
    "conv": conv,
    "conv_transpose": conv_transpose,
    "linear": linear,
    "max_pool": pool("MaxPool{}d", float("-inf")),
    "avg_pool": pool("AvgPool{}d", 0.0),
    "lp_pool": lp_pool,
    "max_unpool": max_unpool,
    "adaptive_avg_pool": adaptive("AdaptiveAvgPool{}d"),
    "adaptive_max_pool": adaptive("AdaptiveMaxPool{}d"),
    "global_avg_pool": module("AdaptiveAvgPool{}d", output_size=lambda _: 1),
    "global_max_pool": module("AdaptiveMaxPool{}d", output_size=lambda _: 1),
    "batch_norm": batch_norm,
    "layer_norm": of_shape("LayerNorm"),
    "rms_norm": of_shape("RMSNorm"),
    "fold": fold,
    "windows": function(lambda x, dim, size, step: x.unfold(dim, size, step)),
    "embedding": embedding,
    "softmax": axis_1("Softmax"),
    "log_softmax": axis_1("LogSoftmax"),
    "softmin": axis_1("Softmin"),
    "opaque": opaque,
    "require": function(lambda x, **_: x.clone()),
    "permute": function(permute),
    "reduce": function(reduce),
    "depth_to_space": function(depth_to_space),
    "space_to_depth": function(space_to_depth),
    "select": function(lambda x, dim, index: x.select(dim, index)),
    "div": function(torch.div),
    "maximum": function(torch.maximum),
    "minimum": function(torch.minimum),
    "stack": function(lambda *tensors, dim: torch.stack(tensors, dim)),
    "matmul": function(torch.matmul),
    "reshape": function(lambda x, shape: x.reshape(x.shape[0], *shape)),
    "unflatten": function(unflatten),
    "upsample": upsample,
    "pad": function(pad),
    "crop": function(crop),
    "slice": function(part),
    "concat": function(lambda *tensors, dim=1: torch.cat(tensors, dim)),
    "add": function(add),
    "sub": function(lambda one, other, broadcast=False: torch.sub(one, other)),
    "mul": function(mul),
    "function": function(elementwise),
    "scale": scale,
    "bias": beside(torch.add),
    "token": token,
    "lstm": recurrent("LSTM"),
    "gru": recurrent("GRU"),
    "rnn": recurrent("RNN"),
    "attention": attention,
}
