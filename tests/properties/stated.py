"""The conditions of ours that torch does not have: where one does not hold we refuse, and rightly, though torch accepts.

Each is said here a second time, by its own means. So a refusal of ours has to be one of torch's, or one of these.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from answers import SETTING
from cases import FOLLOWING, TRIED, Case

Broken = Callable[[Case, Any], bool]  # a case, and what torch says of it -> whether the condition does not hold

STATED: dict[str, Broken] = {}


def stated(case: Case, answer: Any) -> frozenset[str]:
    """Return the codes of our own conditions that a case does not meet."""
    return frozenset(code for code, broken in STATED.items() if broken(case, answer))


def condition(code: str) -> Callable[[Broken], Broken]:
    def keep(broken: Broken) -> Broken:
        STATED[code] = broken
        return broken

    return keep


@condition("no-elements")
def _(case: Case, answer: Any) -> bool:
    """A result without elements is an error everywhere."""
    return 0 in getattr(answer, "output", ())


@condition("no-space")
def _(case: Case, answer: Any) -> bool:
    """An input without space: torch would take [C] for an unbatched signal."""
    return TRIED[case.type].space and len(case.shapes[0]) == 1


ELEMENTWISE = {kind for kind, tried in TRIED.items() if {"num_parameters", "dim"}.isdisjoint(tried.values)}
ELEMENTWISE -= {kind for kind in ELEMENTWISE if TRIED[kind].space or any("num" in name for name in TRIED[kind].values)}
ELEMENTWISE = ELEMENTWISE - {"layer_norm", "rms_norm", "linear", "flatten", "permute"}
ELEMENTWISE |= {"stack", "embedding", "opaque"}  # its file's word


@condition("no-axes")
def _(case: Case, answer: Any) -> bool:
    """A layer that works on axes gets none: torch would take the batch for the channels."""
    return case.shapes[0] == () and case.type not in ELEMENTWISE


@condition("too-few-axes")
def _(case: Case, answer: Any) -> bool:
    """The pixel shuffles on one axis: torch would take the batch for the channels."""
    return case.type in ("pixel_shuffle", "pixel_unshuffle", "unfold") and len(case.shapes[0]) == 2


PER_AXIS = (
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "output_padding",
    "output_size",
    "scale_factor",
    "amount",
    "multiple",
)


PER_AXIS += ("multiple_of", "plus", "at_least", "at_most")


@condition("axes-differ")
def _(case: Case, answer: Any) -> bool:
    """A list has one entry for each spatial axis: torch mostly takes a list of one for all of them."""
    names = (*PER_AXIS, "size")
    values = [table.get(name) for table in (case.settings, case.settings.get("indices", {})) for name in names]
    rank = len(case.shapes[0]) - 1 if case.type != "fold" else 2  # of its image
    return any(isinstance(value, list) and len(value) != rank for value in values)


@condition("declared-differs")
def _(case: Case, answer: Any) -> bool:
    """in_channels and its like are what arrives, also where torch would not look."""
    x, settings = case.shapes[0], case.settings
    normalized = settings.get("normalized_shape")
    arrives = {"channels": x[:1], "last": x[-1:]}.get(str(settings.get("over")), x)
    return x != () and (
        any(settings.get(name, x[0]) != x[0] for name in ("in_channels", "num_features", "num_channels"))
        or settings.get("in_features", arrives[-1]) != arrives[-1]
        or normalized not in (None, [*arrives], *arrives[: len(arrives) == 1])
    )


@condition("say-over")
def _(case: Case, answer: Any) -> bool:
    """What a layer norm normalises over must be said where the input has space."""
    return case.type in ("layer_norm", "rms_norm") and "over" not in case.settings and len(case.shapes[0]) > 1


@condition("no-such-axis")
def _(case: Case, answer: Any) -> bool:
    """Axis 0 is the batch, counted from either end."""
    count = len(case.shapes[0]) + (case.type == "stack")  # of the result
    axes = {*range(1, count + 1), *range(-count, 0)}
    dims = [case.settings[name] for name in ("dim", "start_dim", "end_dim") if name in case.settings]
    return any(axis not in axes for dim in dims for axis in (dim if isinstance(dim, list) else [dim]))


@condition("slice-out-of-range")
def _(case: Case, answer: Any) -> bool:
    """Reading past the end is an error, though torch clamps."""
    if case.type != "slice":
        return False
    axis = case.settings.get("dim", 1)
    length = dict(enumerate((1, *case.shapes[0]))).get(axis % (len(case.shapes[0]) + 1), 0)
    ends = (case.settings.get(name, 0) for name in ("start", "stop"))
    return any(end not in range(-length, length + 1) for end in ends)


@condition("ranks-differ")
def _(case: Case, answer: Any) -> bool:
    """Broadcasting is between equal numbers of axes: torch would line up the last ones, the batch among them."""
    if case.type in ("scale", "bias") and "shape" in case.settings:
        own, axes = case.settings["shape"], len(case.shapes[0])
        return len(own) != axes and not (len(own) < axes and {*own} <= {1})
    joins = ("add", "sub", "mul", "div", "maximum", "minimum", "matmul")
    return case.type in joins and len({len(shape) for shape in case.shapes}) > 1


@condition("needs-broadcast")
def _(case: Case, answer: Any) -> bool:
    """Add and sub want equal shapes, unless broadcast = true."""
    return case.type in ("add", "sub") and not case.settings.get("broadcast") and len(set(case.shapes)) > 1


def each(value: Any, sides: Sequence[int]) -> list[Any]:
    """Return a setting's value for each of the sides."""
    return value if isinstance(value, list) else [value] * len(sides)


@condition("window-too-wide")
def too_wide(case: Case, answer: Any = None) -> bool:
    """Windows of more cells than an int32 counts: torch refuses, or goes round."""
    given = [each(case.settings.get(name, 1), case.shapes[0][1:]) for name in ("kernel_size", "dilation")]
    pairs = [pair for pair in zip(*given, strict=False) if all(isinstance(cells, int) for cells in pair)]
    return any(dilation * (kernel_size - 1) + 1 >= 2**31 > dilation for kernel_size, dilation in pairs)


@condition("padding-exceeds-rest")
def _(case: Case, answer: Any) -> bool:
    """Circular padding wraps no cell that it has cut off: torch refuses, or gives memory that nobody wrote."""
    sides = case.shapes[0][1:]
    ends = [each(entry, "ab") for entry in each(case.settings.get("padding", 0), sides)]
    wraps = case.settings.get("mode") == "circular" and not any(len(pair) != 2 for pair in ends)
    return wraps and any(min(p) < 0 < max(p) and max(p) > side + min(p) for side, p in zip(sides, ends, strict=False))


@condition("window-below-stride")
def _(case: Case, answer: Any) -> bool:
    """A conv_transpose gives S times its side by cutting alone: Keras adds zeros where the window is too small."""
    given, sides = case.settings, case.shapes[0][1:]
    follows = case.type == "conv_transpose" and given.get("padding") in FOLLOWING
    windows = (each(given.get(name, 1), sides) for name in ("kernel_size", "dilation", "stride"))
    return follows and any(d * (k - 1) + 1 < s for k, d, s in zip(*windows, strict=False))


@condition("window-in-padding")
def _(case: Case, answer: Any) -> bool:
    """A max_unpool needs a place for each value: a dilated window may step over a side, from padding to padding."""
    pool, sides = case.settings.get("indices", {}), case.shapes[-1][1:]
    paddings, dilations = each(pool.get("padding", 0), sides), each(pool.get("dilation", 1), sides)
    return any(p not in (0, *FOLLOWING) and side < d for side, p, d in zip(sides, paddings, dilations, strict=False))


def cropped(case: Case) -> list[tuple[int, int]]:
    """Return the side that each axis has, and the one that it is cropped to."""
    sides = case.shapes[0][1:]
    wanted = list(case.shapes[1][1:]) if "like" in case.settings else each(case.settings.get("size", 0), sides)
    return list(zip(sides, wanted, strict=False)) if case.type == "crop" and "amount" not in case.settings else []


@condition("crop-grows")
def _(case: Case, answer: Any) -> bool:
    begins = each(case.settings.get("offset", 0), case.shapes[0][1:])
    offsets = [0 if begin == "end" else begin for begin in begins]
    return any(offset + size > side for (side, size), offset in zip(cropped(case), offsets, strict=False))


@condition("odd-crop")
def _(case: Case, answer: Any) -> bool:
    return case.settings.get("exact", False) and any((side - size) % 2 for side, size in cropped(case))


@condition("requirement-fails")
def _(case: Case, answer: Any) -> bool:
    """What the code of a model asks for, no layer of torch knows."""
    if case.type != "require":
        return False
    sides, settings = case.shapes[0][1:], case.settings
    multiples, least = each(settings.get("multiple_of", 1), sides), each(settings.get("at_least", 1), sides)
    most, more = each(settings.get("at_most", 10**9), sides), each(settings.get("plus", 0), sides)
    return any(
        m > 0 and ((w - plus) % m > 0 or not low <= w <= high)
        for w, m, plus, low, high in zip(sides, multiples, more, least, most, strict=False)
    )


@condition("seen-elsewhere")
def _(case: Case, answer: Any) -> bool:
    """The numbers of an opaque's sides hold for the shape that was seen; else another number of axes is refused, and other
    channels, unless it has formulas alone and no parameters: no torch can know.
    """
    x, wanted, seen = case.shapes[0], case.settings.get("out_shape"), case.settings.get("seen")
    if case.type != "opaque" or not x or seen in (None, 0, []):
        return False
    seen, wanted = (given if isinstance(given, list | str) else [given] for given in (seen, wanted))
    seen = tuple(seen)
    if wanted != "keep" and any(isinstance(side, int) for side in wanted[1:] or wanted):
        return seen != x
    formulas = wanted not in ("keep", []) and all(isinstance(size, str) and size != "keep" for size in wanted)
    of_any_channels = formulas and not case.settings.get("num_parameters")
    return len(seen) != len(x) or (seen[0] != x[0] and not of_any_channels)


WINDOW = (("kernel_size", 1), ("stride", 1), ("padding", 0))
LARGEST = torch.finfo(torch.float32).max


@condition(SETTING)
def _(case: Case, answer: Any) -> bool:
    """What no layer can mean: a number that is no float32 (nor its inverse, where torch divides by it) and no int64;
    a setting of a window that is no int32; padding, or channels of zeros, that cut something off; a max_unpool with a
    window of no cells, or of a max_pool whose padding follows the side, or dilated with the default size; a fixed weight
    that is made of learned numbers; a scale_factor of 0, which torch takes for none; an attention that drops more than
    all, which torch finds in training alone.
    """
    kind, settings, _ = case
    pool = settings.get("indices", {})
    numbers = [value for value in settings.values() if isinstance(value, float) and not math.isinf(value)]
    integers = [value for value in settings.values() if isinstance(value, int)]
    divisor = {"celu": "alpha", "lp_pool": "norm_type"}.get(kind, "")
    added = each(settings.get("channels", 0), "ab") + each(settings.get("padding", 0) if kind == "conv" else 0, "a")
    made = settings.get("gain") or settings.get("parametrization", "none") != "none"
    own = [(cells, least) for name, least in WINDOW for cells in each(settings.get(name, least), "a")]
    return (
        any(not abs(number) <= LARGEST for number in numbers)
        or any(abs(number) >= 2**63 for number in integers)
        or any(abs(cells) >= 2**31 for cells, _ in own if isinstance(cells, int))
        or (kind == "max_unpool" and any(cells < least for cells, least in own))
        or pool.get("padding") in FOLLOWING
        or ("output_size" in settings and any(d != 1 for d in each(pool.get("dilation", 1), "a")))
        or abs(settings.get(divisor, 1)) * LARGEST < 1
        or any(isinstance(cells, int) and cells < 0 for cells in added)
        or settings.get("scale_factor") == 0
        or (kind == "opaque" and settings.get("seen") in (0, []))
        or (
            kind == "require"
            and (
                not settings
                or ("plus" in settings and "multiple_of" not in settings)
                or any(n < (key != "plus") for key, value in settings.items() for n in each(value, "a"))
            )
        )
        or (not settings.get("learned", True) and made)
        or (kind == "attention" and not 0 <= settings.get("dropout", 0) <= 1)
    )
