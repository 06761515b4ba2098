"""What a module or a function of torch is as a layer of a file: its type, and its settings in torch's own words.

Modules come from the layer classes, which name theirs. Functions are called like the types, mostly; where their
arguments differ from those of the modules, that is said here.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch

from cnnshape.layers import TYPES, Layer
from cnnshape.layers.parameters import Flag, KeptSize, Parameter, Reference
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

# Modules

CONTAINERS: Final = "torch.nn.modules.container"
EVALUATED: Final = {  # classes of torch.nn that are another one's layer, at least on evaluation
    **dict.fromkeys(("Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout", "FeatureAlphaDropout"), "dropout"),
    "SyncBatchNorm": "batch_norm",
    "Softmax2d": "softmax",
    "Unflatten": "reshape",
}
PADS: Final = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}


def _modules() -> dict[str, str]:
    """Return the layer type of each class of torch.nn that is one."""
    found = dict(EVALUATED)
    for name, kind in TYPES.items():
        for rank in (1, 2, 3):
            camel = "".join(part.capitalize() for part in name.split("_"))
            found.setdefault(kind.torch.format(rank=rank) if kind.torch else f"{camel}{rank}d", name)
    return found | dict.fromkeys((name for name in vars(torch.nn) if re.fullmatch(r"\w+Pad[123]d", name)), "pad")


MODULES: Final = _modules()


def type_of(kind: type[torch.nn.Module]) -> str:
    """Return the type of a class of modules that is a layer, "" for one that is to be looked into.

    A module of torch.nn is one, if it runs torch's own code. A class of the user's is looked into, unless its name says
    that it is a layer which torch has not, or not so.
    """
    author = next(c for c in kind.__mro__ if "forward" in vars(c))
    if author is torch.nn.Module or author.__module__ == CONTAINERS:
        return ""
    if author.__module__.startswith("torch.nn."):
        return next((MODULES[c.__name__] for c in kind.__mro__ if c.__name__ in MODULES), _snake(author.__name__))
    named = _snake(kind.__name__)
    return named if named in TYPES and TYPES[named].in_steps else ""


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"[123]d$", "", name)).lower()


def layer_of(module: torch.nn.Module, name: str) -> Layer | None:
    """Return a module that is a layer of the named type, with its settings; those that it does not tell are UNKNOWN."""
    if name not in TYPES:
        return None
    if name == "pad":
        mode = next((mode for word, mode in PADS.items() if word in type(module).__name__), "constant")
        return _pad(module.padding, mode, getattr(module, "value", 0.0))
    if isinstance(module, torch.nn.Softmax2d):
        return TYPES[name](dim=1)
    parameters = TYPES[name].parameters.values()
    return _layer(name, {p.name: getattr(module, p.name, UNKNOWN) for p in parameters if p.torch})


def _layer(name: str, given: Mapping[str, Any]) -> Layer:
    """Return a layer with those of the given settings that it has, each in the form that reading a file gives."""
    kind = TYPES[name]
    known = {p.name: _read(p, given[p.name]) for p in kind.parameters.values() if p.name in given}
    return kind(**{setting: value for setting, value in known.items() if value is not None})


def _read(parameter: Parameter[Any], value: Any) -> Any:
    if isinstance(parameter, Reference):
        return None
    if isinstance(parameter, Flag):
        return value if isinstance(value, bool) or value is UNKNOWN else value is not None  # the very bias, or None
    if isinstance(parameter, KeptSize):
        sides = tuple("keep" if side is None else side for side in value) if isinstance(value, list | tuple) else value
        return "keep" if sides is None else sides
    return tuple(value) if isinstance(value, list | torch.Size) else value


def _pad(padding: Any, mode: str, value: Any) -> Layer:
    """Return torch's pad as a layer; it has the last axis first, and for each two numbers, before and after."""
    pairs = tuple(zip(padding[::2], padding[1::2], strict=True))[::-1] if isinstance(padding, list | tuple) else padding
    return TYPES["pad"](padding=pairs, mode=mode, value=value or 0.0)


# Functions

ALSO: Final = {
    **dict.fromkeys(("cat", "concatenate"), "concat"),
    **dict.fromkeys(("view", "view_as", "reshape_as", "unflatten"), "reshape"),
    **dict.fromkeys(("alpha_dropout", "feature_dropout", "feature_alpha_dropout"), "dropout"),
    "interpolate": "upsample",
    "logsigmoid": "log_sigmoid",
    "multiply": "mul",
    "subtract": "sub",
}
MEANS: Final = {"mean": "global_avg_pool", "amax": "global_max_pool"}
CLAMPS: Final = ("clamp", "clip", "clamp_min")
LIMITS: Final = {(0, None): "relu", (0, 6): "relu6"}  # of a clamp, and what it is with them
PARTS: Final = ("__getitem__", "narrow", "chunk", "split", "tensor_split")
ARGUMENTS: Final = {  # behind the input, where they are not those of the module
    "conv": "weight bias stride padding dilation groups",
    "conv_transpose": "weight bias stride padding output_padding groups dilation",
    "linear": "weight bias",
    "batch_norm": "running_mean running_var weight bias training momentum eps",
    "instance_norm": "running_mean running_var weight bias use_input_stats momentum eps",
    "group_norm": "num_groups weight bias eps",
    "layer_norm": "normalized_shape weight bias eps",
    "prelu": "weight",
    "pad": "pad mode value",
}
DATA: Final = ("nonzero", "argwhere", "masked_select", "unique", "unique_consecutive", "bincount", "repeat_interleave")


class Reading(NamedTuple):
    """A function call as a layer."""

    type: str
    layer: Layer | None  # None where it has no settings that matter
    results: list[torch.Tensor]
    minor: bool = False  # files may well leave it out


class Function(NamedTuple):
    """One call of a function on tensors, some of which come from the net's input."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[torch.Tensor]  # among the arguments
    results: list[torch.Tensor]
    alive: list[bool]  # which of the tensors come from the input
    weighted: bool  # whether another comes from a parameter
    dealt: int  # the groups, where the first tensor's channels are split in groups and have changed places

    @property
    def type(self) -> str:
        """The layer type of that name, "" for none."""
        plain = re.sub(r"([123]d)?(_with_indices)?$", "", self.name.strip("_"))
        plain = ALSO.get(plain, plain)
        return plain if plain in TYPES else ""

    @property
    def by_data(self) -> bool:
        """Whether the shape of its result depends on what the tensors hold."""
        index = self.args[1] if self.name == "__getitem__" else ()
        masks = (part for part in (index if isinstance(index, tuple) else (index,)) if isinstance(part, torch.Tensor))
        return self.name in DATA or any(mask.dtype == torch.bool for mask in masks)

    def readings(self) -> Iterator[Reading]:
        """Yield what it is as a layer, or as several; nothing where it is none."""
        if self.name in PARTS:
            yield from self.parts()
        elif self.name in MEANS:
            minor = not self.one_a_channel()
            if not minor or self.one_a_channel(last=True):
                yield Reading(MEANS[self.name], TYPES[MEANS[self.name]](), self.results, minor=minor)
        elif self.name.strip("_") in CLAMPS:
            if limits := LIMITS.get(self.limits()):
                yield Reading(limits, TYPES[limits](), self.results)
        elif self.type in ("add", "sub", "mul"):
            yield from self.arithmetic()
        elif self.type == "reshape":
            shuffle = TYPES["channel_shuffle"](groups=self.dealt) if self.dealt and self.gathers() else None
            yield Reading("channel_shuffle" if shuffle else "reshape", shuffle, self.results, minor=not shuffle)
        elif self.type:
            yield Reading(self.type, self.layer(), self.results)
        elif self.weighted:
            yield Reading(self.name.strip("_"), None, self.results)

    def layer(self) -> Layer:
        """Return its settings: its arguments are called as the module's, or else by ARGUMENTS."""
        names = ARGUMENTS[self.type].split() if self.type in ARGUMENTS else TYPES[self.type].parameters
        given = self.arguments(names)
        if self.type == "pad":
            return _pad(given["pad"], given.get("mode") or "constant", given.get("value"))
        if self.type == "max_unpool":  # torch's defaults: a file's are those of its max_pool
            given = {"padding": 0} | given | {"stride": given.get("stride") or given["kernel_size"]}
        return _layer(self.type, given | (self.of_weight(given) if "weight" in names else {}))

    def arguments(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the arguments behind the input by their names."""
        return dict(zip(names, self.args[1:], strict=False)) | self.kwargs

    def of_weight(self, given: dict[str, Any]) -> dict[str, Any]:
        """Return the settings that the shape of the weights tells."""
        weight, some = given.get("weight"), {"bias": given.get("bias") is not None}
        if self.type == "prelu":
            return {"num_parameters": math.prod(weight.shape)}  # type: ignore[union-attr]
        if weight is None or self.type.endswith("norm"):
            affine, channels = weight is not None, self.tensors[0].shape[1]
            flags = {"affine": affine, "elementwise_affine": affine}
            return some | flags | {"num_features": channels, "num_channels": channels}
        first, second, *kernel = weight.shape
        if self.type == "linear":
            return some | {"in_features": second, "out_features": first}
        second *= given.get("groups", 1)  # a filter has the channels of its group alone
        inside, outside = (second, first) if self.type == "conv" else (first, second)
        return some | {"in_channels": inside, "out_channels": outside, "kernel_size": tuple(kernel)}

    def arithmetic(self) -> Iterator[Reading]:
        """Read a sum or product: of two results, of one with a parameter, or with a number."""
        if self.alive.count(True) > 1:
            yield Reading(self.type, TYPES[self.type](), self.results)
        elif self.weighted:
            count = sum(tensor.numel() for tensor, alive in zip(self.tensors, self.alive, strict=True) if not alive)
            layer = TYPES["scale"](num_features=count) if self.type == "mul" else TYPES[self.type]()
            yield Reading(layer.type, layer, self.results)
        elif self.type == "mul":
            number = next((arg for arg in self.args if isinstance(arg, int | float)), None)
            if number is not None:
                layer = TYPES["scale"](num_features=UNKNOWN, value=float(number))
                yield Reading("scale", layer, self.results, minor=True)

    def limits(self) -> tuple[Any, Any]:
        """Return between which numbers a clamp keeps its input."""
        given = self.arguments(("min", "max"))
        low, high = given.get("min"), given.get("max")
        return (None, None) if isinstance(low, torch.Tensor) or isinstance(high, torch.Tensor) else (low, high)

    def parts(self) -> Iterator[Reading]:
        """Yield each part of a tensor that is taken out of it."""
        for part, cuts in zip(self.results, self.cuts(), strict=False):
            if len(cuts) == 1:
                ((axis, (start, stop, step)),) = cuts.items()
                yield Reading("slice", TYPES["slice"](dim=axis, start=start, stop=stop, step=step), [part])
            elif cuts and 1 not in cuts:
                starts = tuple(cuts.get(axis, (0,))[0] for axis in range(2, part.dim()))
                yield Reading("crop", TYPES["crop"](size=tuple(part.shape[2:]), offset=starts), [part])

    def cuts(self) -> Iterator[dict[int, tuple[int, int, int]]]:
        """Yield, for each result, from where to where each axis is cut, apart from the batch and those left whole."""
        x = self.tensors[0]
        if self.name == "__getitem__":
            index = self.args[1] if isinstance(self.args[1], tuple) else (self.args[1],)
            if all(isinstance(part, slice) or part is Ellipsis for part in index):
                at = index.index(...) if ... in index else len(index)
                whole = [slice(None)] * (x.dim() - len(index) + 1)
                index = (*index[:at], *whole, *index[at + 1 :])[: x.dim()]
                cuts = {axis: part.indices(x.shape[axis]) for axis, part in enumerate(index) if axis}
                yield {axis: cut for axis, cut in cuts.items() if cut != (0, x.shape[axis], 1)}
            return
        given = self.arguments(("dim", "start") if self.name == "narrow" else ("sections", "dim"))
        axis, start = given.get("dim", 0) % x.dim(), given.get("start", 0)
        for part in self.results:
            yield {axis: (start, start + part.shape[axis], 1)} if axis else {}
            start += part.shape[axis]

    def one_a_channel(self, *, last: bool = False) -> bool:
        """Whether it makes one number of each channel, and there were more; the channels stand first, or `last`."""
        x, y = self.tensors[0].shape, (self.results or self.tensors)[0].shape
        if last:
            x, y = (shape[:1] + shape[-1:] + shape[1:-1] for shape in (x, y))
        return x[:2] == y[:2] and math.prod(y[2:]) == 1 < math.prod(x[2:])

    def deals(self) -> int:
        """Return the groups of channels, where it is the middle step of a shuffle (view, transpose, view)."""
        if self.name in ("transpose", "swapaxes", "permute") and self.results:
            x, y = self.tensors[0].shape, self.results[0].shape
            if len(x) > 3 and y == (x[0], x[2], x[1], *x[3:]):  # noqa: PLR2004 -- batch, groups, channels, space
                return int(x[1])
        return self.dealt if self.name == "contiguous" else 0

    def gathers(self) -> bool:
        """Whether it is the last step of one."""
        x, y = self.tensors[0].shape, self.results[0].shape if self.results else ()
        return y == (x[0], x[1] * x[2], *x[3:])
