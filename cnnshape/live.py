"""A live model run once, and what it ran written down: which module or function, on what, with what settings.

Modules of torch.nn are seen by hooks, functions by a TorchFunctionMode, and which reads whose result by the tensors
that pass. The model runs on copies of its parameters and buffers, and is left as it was.
"""

from __future__ import annotations

import copy
import inspect
import math
import os
import random
import re
import sys
import threading
import traceback
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch
from torch.nn.modules.container import Sequential
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from cnnshape.layers import TYPES, Layer
from cnnshape.match import Call, Comparison, Failure, Run, match
from cnnshape.parameters import Flag, Inferred, InferredShape, KeptSize, Parameter, PerAxis, Reference
from cnnshape.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cnnshape.network import Input, Network, Report
    from cnnshape.parameters import Shape


def compare(net: Network, model: Any, device: str | None, *, input: Input | None = None, report: Report | None = None) -> Comparison:  # noqa: A002, E501
    """Run the model once and hold it against the net; `device` None: where the model lives."""
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r}")
    report = net.check(input) if report is None else report
    model = _unwrapped(model)
    where = device or _home(model)
    run = observe(model, report.inputs, where)
    return Comparison(run.model, str(where), torch.__version__, *match(net, report, run))


def observe(model: torch.nn.Module, inputs: Mapping[str, Shape], device: str) -> Run:
    """Run the model once, on one sample of such inputs, and write down what it does. The model is left as it was."""
    lazy = any(torch.nn.parameter.is_lazy(p) for p in (*model.parameters(), *model.buffers()))
    if lazy:
        model = copy.deepcopy(model)  # its first run would settle what it is
    tensors = {} if lazy else _copies(model, device)
    with _left_alone(model, device), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dtype = next((p.dtype for p in model.parameters() if p.dtype.is_floating_point), torch.get_default_dtype())
        given = {name: torch.rand(1, *shape, dtype=dtype, device=device) for name, shape in inputs.items()}
        watch = _Watch(model, tensors, list(given.values()))
        returned, failure = None, None
        try:
            args, kwargs = _arguments(model, given)
            with watch:
                returned = torch.func.functional_call(model, tensors, args, kwargs)
        except Exception as error:  # noqa: BLE001 -- whatever a model may raise
            failure = Failure(_raised(error), watch.at())
    outputs = tuple((key, tuple(t.shape[1:]), watch.made_of(t)) for key, t in _tensors(returned))
    return Run(type(model).__name__, tuple(watch.calls), outputs, failure, watch.idle(), watch.depends)


# The model as it is, and as it was


def _unwrapped(model: Any) -> Any:
    """Return the model itself, of one wrapped to run in parallel or compiled."""
    while type(model).__name__ in ("DataParallel", "DistributedDataParallel", "OptimizedModule"):
        model = model.module if hasattr(model, "module") else model._orig_mod  # noqa: SLF001 -- torch has no other name
    return model


def _home(model: torch.nn.Module) -> str:
    return next((str(t.device) for t in (*model.parameters(), *model.buffers())), "cpu")


def _copies(model: torch.nn.Module, device: str) -> dict[str, torch.Tensor]:
    tensors = (*model.named_parameters(), *model.named_buffers())
    return {name: tensor.detach().to(device, copy=True) for name, tensor in tensors}


@contextmanager
def _left_alone(model: torch.nn.Module, device: str) -> Iterator[None]:
    """Evaluate the model, without gradients; put mode and random states back."""
    modes = {module: module.training for module in model.modules()}
    numpy = sys.modules.get("numpy")
    states = random.getstate(), numpy and numpy.random.get_state()
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(range(torch.cuda.device_count()) if "cuda" in device else []))
        stack.enter_context(torch.no_grad())  # not inference_mode: what a model keeps of this run must serve training
        torch.manual_seed(0)
        try:
            for module in modes:
                module.training = False  # not model.eval(), which a model may override
            yield
        finally:
            for module, mode in modes.items():
                module.training = mode
            random.setstate(states[0])
            if numpy:
                numpy.random.set_state(states[1])


class _WrongInputs(Exception):  # noqa: N818
    """The model's forward does not take the inputs that the file declares."""


def _arguments(model: torch.nn.Module, given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of forward: by name where it has the names of the file's inputs, else in their order."""
    signature = inspect.signature(model.forward)
    named = given.keys() <= signature.parameters.keys()
    args, kwargs = ((), given) if named else (tuple(given.values()), {})
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        declared = ", ".join(given)
        raise _WrongInputs(f"forward{signature} does not take the file's inputs ({declared}): {error}") from None
    return args, kwargs


def _raised(error: Exception) -> str:
    """Say what was raised, and by which line of the model's code."""
    if isinstance(error, _WrongInputs):
        return str(error)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not _ours_or_torchs(f.filename)]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}{where}"


TORCH: Final = os.path.join(os.path.dirname(torch.__file__), "")
HERE: Final = os.path.join(os.path.dirname(__file__), "")


def _ours_or_torchs(file: str) -> bool:
    return file.startswith((TORCH, HERE, "<"))


def _tensors(value: Any, key: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors in what a model returns, with the keys of dicts."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _tensors(entry, str(name))
    elif isinstance(value, list | tuple):
        names = getattr(value, "_fields", [key] * len(value))
        for name, entry in zip(names, value, strict=True):
            yield from _tensors(entry, name)
    elif hasattr(value, "__dataclass_fields__"):
        for name in value.__dataclass_fields__:
            yield from _tensors(getattr(value, name), name)


# What is watched


class _Origin(NamedTuple):
    """What a tensor is made of."""

    values: tuple[int, ...] = ()  # results of layers, and inputs
    weights: tuple[str, ...] = ()  # parameters that no layer has used yet
    dealt: int = 0  # the groups, of one whose channels are split in groups that have changed places with what is in them


NOTHING: Final = _Origin()
SAME: Final = ("dropout", "identity")  # layers that may return the very tensor that they were given
DATA: Final = frozenset({"nonzero", "argwhere", "masked_select", "unique", "unique_consecutive", "unique_dim", "bincount"})  # fmt: skip


class _Watch(TorchFunctionMode):
    """Sees every module and function that runs, and writes down those that are layers."""

    def __init__(self, model: torch.nn.Module, tensors: dict[str, torch.Tensor], inputs: list[torch.Tensor]):
        super().__init__()
        self.model = model
        self.names = {module: name for name, module in model.named_modules()}
        self.thread = threading.get_ident()
        self.calls: list[Call] = []
        self.first = 1 + len(inputs)  # the value of the first call
        self.origins = WeakIdKeyDictionary()
        self.parameters: dict[int, tuple[str, int]] = {}  # by identity
        for name, parameter in model.named_parameters():
            self.know(tensors.get(name, parameter), name)
        for name, buffer in model.named_buffers():
            self.origins[tensors.get(name, buffer)] = NOTHING
        for value, tensor in enumerate(inputs, start=1):
            self.origins[tensor] = _Origin((value,))
        self.around: list[torch.nn.Module] = []  # the modules that run, from the outermost in
        self.inside: torch.nn.Module | None = None  # the one that is a layer
        self.failed = ""  # the module or function in which the model raised
        self.depends = ""
        self.used: set[str] = set()

    def know(self, parameter: torch.Tensor, name: str) -> None:
        self.parameters[id(parameter)] = name, parameter.numel()
        self.origins[parameter] = _Origin(weights=(name,))

    def __enter__(self) -> _Watch:
        self.hooks = [
            register_module_forward_pre_hook(self.enters),
            register_module_forward_hook(self.leaves, with_kwargs=True, always_call=True),
        ]
        super().__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        super().__exit__(*exception)
        for hook in self.hooks:
            hook.remove()

    # Modules

    def enters(self, module: torch.nn.Module, _: Any) -> None:
        if self.inside is not None or threading.get_ident() != self.thread:
            return
        self.around.append(module)
        if _type_of(module):
            self.inside = module

    def leaves(self, module: torch.nn.Module, args: Any, kwargs: Any, result: Any) -> Any:
        if self.inside not in (None, module) or threading.get_ident() != self.thread:
            return None
        while self.around and self.around.pop() is not module:
            pass  # what raised, and was caught
        if self.inside is None:
            if result is None:
                self.failed = self.failed or self.named(module)
            return None
        self.inside = None
        type = _type_of(module)  # noqa: A001
        name = self.named(module)
        with torch._C.DisableTorchFunction():
            entering = [tensor for _, tensor in _tensors((*args, *kwargs.values()))]
            if type in SAME and isinstance(result, torch.Tensor) and any(result is tensor for tensor in entering):
                result = result.view_as(result)
        weights = {}
        for parameter in module.parameters():
            own, count = self.parameters.get(id(parameter), (f"{name}.{id(parameter)}", parameter.numel()))
            weights[own] = count
        layer = _layer_of(module, type)
        made = [tensor for _, tensor in _tensors(result)]
        place = "" if module in self.names else _calling_line()
        self.record(name, type, layer, entering[:1] if type == "max_unpool" else entering, made, weights, place)
        if not made:
            self.failed = self.failed or name
        return result

    def named(self, module: torch.nn.Module) -> str:
        """Return the path of a module; of one made on the way, its class behind the path of the one around it."""
        return self.names[module] if module in self.names else self.inner(f"{type(module).__name__}()")

    def inner(self, name: str) -> str:
        around = next((self.names[m] for m in reversed(self.around) if m in self.names), "")
        return f"{around}.{name}" if around else name

    def at(self) -> str:
        return self.failed or self.inner("forward()").removesuffix(".forward()")

    def idle(self) -> dict[str, int]:
        """Return the modules with parameters that no layer used."""
        result: dict[str, int] = {}
        for name, parameter in self.model.named_parameters():
            if name not in self.used:
                module = name.rpartition(".")[0] or name
                result[module] = result.get(module, 0) + parameter.numel()
        return result

    # Functions

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.inside is not None:
            return function(*args, **kwargs)
        name = getattr(function, "__name__", "")
        entering = [tensor for _, tensor in _tensors((*args, *kwargs.values()))]
        origins = [self.origins.get(tensor, None) for tensor in entering]
        alive = any(origin is None or origin.values for origin in origins)
        try:
            result = function(*args, **kwargs)
        except Exception:
            if alive and not self.failed:
                self.record_function(name, args, kwargs, entering, None)
                self.failed = self.inner(f"{name}()")
            raise
        if name == "__setitem__":
            self.origins[args[0]] = self.union(entering)
        made = [tensor for _, tensor in _tensors(result)]
        if not made:
            return result
        if not alive:
            for tensor in made:
                self.origins[tensor] = self.union(entering)
            return result
        if result is args[0] and not name.endswith("_") and _type_named(name) in SAME:
            result = result.view_as(result)
            made = [result]
        self.record_function(name, args, kwargs, entering, made)
        return result

    def record_function(self, name: str, args: Any, kwargs: Any, entering: list[Any], made: list[Any] | None) -> None:
        """Write down a function that is a layer; of another, only what its result is made of."""
        data = name in DATA or (name == "__getitem__" and _masks(args[1]))
        if data and not self.depends:
            self.depends = f"{self.inner(name)}() at {_calling_line()}"
        weights = tuple(dict.fromkeys(w for t in entering for w in self.origin(t).weights))
        seen = _Function(name, args, kwargs, entering, made or [], self)
        for reading, tensors in seen.layers(weights):
            counts = {w: self.count(w) for w in weights}
            read = [tensor for tensor in entering if self.origin(tensor).values or tensor not in self.origins]
            type, layer, minor = reading  # noqa: A001
            place = _calling_line()
            self.record(self.inner(f"{name.strip('_')}()"), type, layer, read, tensors, counts, place, minor=minor)
            made = None
        for tensor in made or ():
            self.origins[tensor] = self.union(entering)._replace(dealt=seen.dealt())

    def count(self, weight: str) -> int:
        return next(count for name, count in self.parameters.values() if name == weight)

    def record(  # noqa: PLR0913, PLR0917
        self,
        name: str,
        type: str,  # noqa: A002
        layer: Layer | None,
        entering: list[torch.Tensor],
        made: list[torch.Tensor],
        weights: dict[str, int],
        place: str = "",
        *,
        minor: bool = False,
    ) -> None:
        inputs = tuple(dict.fromkeys(v for tensor in entering for v in self.origin(tensor).values))
        if len(entering) > 1 and type in ("add", "mul", "sub", "concat"):
            inputs = tuple(v for tensor in entering for v in self.origin(tensor).values)
        shapes = tuple(tuple(tensor.shape[1:]) for tensor in entering)
        output = tuple(made[0].shape[1:]) if made else None
        value = self.first + len(self.calls)
        self.calls.append(Call(name, type, layer, inputs, shapes, output, weights, place, minor))
        self.used.update(weights)
        for tensor in made:
            self.origins[tensor] = _Origin((value,))

    def origin(self, tensor: torch.Tensor) -> _Origin:
        """Return what a tensor is made of; one that nobody saw being made is taken for the last layer's result."""
        found = self.origins.get(tensor, None)
        return _Origin((self.first + len(self.calls) - 1,)) if found is None else found

    def union(self, tensors: Iterable[torch.Tensor]) -> _Origin:
        origins = [self.origin(tensor) for tensor in tensors]
        values = dict.fromkeys(v for origin in origins for v in origin.values)
        weights = dict.fromkeys(w for origin in origins for w in origin.weights)
        return _Origin(tuple(values), tuple(weights), max((origin.dealt for origin in origins), default=0))

    def made_of(self, tensor: torch.Tensor) -> frozenset[int]:
        return frozenset(self.origin(tensor).values)


def _calling_line() -> str:
    """Return file and line of the code that called torch: the innermost that is neither torch's nor ours."""
    frame = sys._getframe(1)
    while frame and _ours_or_torchs(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""


def _masks(index: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(part, torch.Tensor) and part.dtype == torch.bool for part in parts)


# Modules as layers

CONTAINERS: Final = "torch.nn.modules.container"
OTHER_MODULES: Final = {  # classes of torch.nn that are another one's layer on evaluation
    "Dropout1d": "dropout", "Dropout2d": "dropout", "Dropout3d": "dropout", "AlphaDropout": "dropout",
    "FeatureAlphaDropout": "dropout", "SyncBatchNorm": "batch_norm", "Softmax2d": "softmax", "Unflatten": "reshape",
}  # fmt: skip
PADS: Final = {"Reflection": "reflect", "Replication": "replicate", "Circular": "circular"}
SMALL: Final = ("activation", "normalization", "shaping")  # families that people write as a module of small steps


def _modules() -> dict[str, str]:
    """Return the layer type of each class of torch.nn that is one."""
    found = dict(OTHER_MODULES)
    for name, kind in TYPES.items():
        for rank in (1, 2, 3):
            if kind.torch:
                found.setdefault(kind.torch.format(rank=rank), name)
            elif f"{_camel(name)}{rank}d" in vars(torch.nn):
                found[f"{_camel(name)}{rank}d"] = name
    pads = (name for name in vars(torch.nn) if re.fullmatch(r"\w+Pad[123]d", name))
    return found | dict.fromkeys(pads, "pad")


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"[123]d$", "", name)).lower()


MODULES: Final = _modules()


def _type_of(module: torch.nn.Module) -> str:
    """Return the type of a module that is a layer, "" for one that is to be looked into."""
    kind = type(module)
    author = next(c for c in kind.__mro__ if "forward" in vars(c))
    if author.__module__.startswith("torch.nn.") and author.__module__ != CONTAINERS and author is not torch.nn.Module:
        return next((MODULES[c.__name__] for c in kind.__mro__ if c.__name__ in MODULES), _snake(author.__name__))
    named = _snake(kind.__name__)
    small = named in TYPES and TYPES[named].__module__.rpartition(".")[2] in SMALL
    return named if small and not any(module.children()) else ""


def _layer_of(module: torch.nn.Module, type: str) -> Layer | None:  # noqa: A002
    """Return a module as a layer with its settings; those that it does not tell are UNKNOWN."""
    if type not in TYPES:
        return None
    if type == "pad":
        return _pad(module.padding, _mode_of(module), getattr(module, "value", 0.0))
    if isinstance(module, torch.nn.Softmax2d):
        return TYPES[type](dim=1)
    known = ((p, getattr(module, name, UNKNOWN)) for name, p in TYPES[type].parameters.items() if p.torch)
    return _made(type, dict(known))


def _mode_of(module: torch.nn.Module) -> str:
    return next((mode for word, mode in PADS.items() if word in type(module).__name__), "constant")


def _made(type: str, given: Mapping[Parameter[Any], Any]) -> Layer:  # noqa: A002
    settings = {p.name: _final(p, value) for p, value in given.items() if not isinstance(p, Reference)}
    return TYPES[type](**{name: value for name, value in settings.items() if value is not None})


def _final(parameter: Parameter[Any], value: Any) -> Any:
    """Return a setting as torch has it in the form that a file's settings have."""
    if isinstance(parameter, Flag):
        return value if isinstance(value, bool) or value is UNKNOWN else value is not None
    if isinstance(parameter, KeptSize):
        sides = value if isinstance(value, list | tuple) else (value,)
        kept = tuple("keep" if side is None else side for side in sides)
        return kept if isinstance(value, list | tuple) else kept[0]
    if isinstance(parameter, PerAxis | InferredShape) and isinstance(value, list | tuple):
        return tuple(value)
    return value


def _pad(padding: Any, mode: str, value: Any) -> Layer:
    """Return the pad of a torch.nn.functional.pad: last axis first, a number before and after."""
    pairs = list(zip(padding[::2], padding[1::2], strict=True))[::-1] if isinstance(padding, list | tuple) else padding
    return TYPES["pad"](padding=tuple(map(tuple, pairs)) if isinstance(pairs, list) else pairs, mode=mode, value=value or 0.0)


# Functions as layers

OTHER_FUNCTIONS: Final = {
    "cat": "concat", "concatenate": "concat", "interpolate": "upsample", "view": "reshape", "reshape_as": "reshape",
    "view_as": "reshape", "unflatten": "reshape", "logsigmoid": "log_sigmoid", "feature_dropout": "dropout",
    "alpha_dropout": "dropout", "feature_alpha_dropout": "dropout", "multiply": "mul", "subtract": "sub",
}  # fmt: skip
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
MEANS: Final = {"mean": "global_avg_pool", "amax": "global_max_pool"}


def _type_named(name: str) -> str:
    """Return the layer type that a function of that name is, "" for none."""
    plain = re.sub(r"([123]d)?(_with_indices)?$", "", name.strip("_"))
    plain = OTHER_FUNCTIONS.get(plain, plain)
    return plain if plain in TYPES and not TYPES[plain].__name__.startswith("Global") else ""


Reading = tuple[str, Layer | None, bool]  # type, settings, whether it is minor


class _Function(NamedTuple):
    """One call of a function on tensors that come from the input."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    entering: list[torch.Tensor]
    made: list[torch.Tensor]
    watch: _Watch

    def layers(self, weights: tuple[str, ...]) -> Iterator[tuple[Reading, list[torch.Tensor]]]:
        """Yield what it is as a layer, with its results; nothing where it is none."""
        type = _type_named(self.name)  # noqa: A001
        x = self.entering[0]
        if self.name in ("__getitem__", "narrow", "chunk", "split", "tensor_split"):
            yield from self.parts(x)
        elif self.name in MEANS:
            if self.made and _one_a_channel(x, self.made[0]):
                yield (MEANS[self.name], TYPES[MEANS[self.name]](), False), self.made
        elif type in ("add", "sub", "mul"):
            reading = self.arithmetic(type, weights)
            if reading:
                yield reading, self.made
        elif type == "reshape":
            groups = self.watch.origin(x).dealt
            if groups and self.made and _undealt(x, self.made[0]):
                yield ("channel_shuffle", TYPES["channel_shuffle"](groups=groups), False), self.made
            else:
                yield ("reshape", None, True), self.made
        elif type:
            yield (type, self.layer(type), False), self.made
        elif weights:
            yield (self.name.strip("_"), None, False), self.made

    def layer(self, type: str) -> Layer | None:  # noqa: A002
        """Return its settings, by the names that its arguments have in torch."""
        kind = TYPES[type]
        names = ARGUMENTS[type].split() if type in ARGUMENTS else kind.parameters
        given = dict(zip(names, self.args[1:], strict=False)) | {k: v for k, v in self.kwargs.items() if k != "input"}
        if type == "pad":
            return _pad(given["pad"], given.get("mode") or "constant", given.get("value"))
        if "weight" in ARGUMENTS.get(type, ""):
            given |= _by_weight(type, given, self.entering[0])
        return _made(type, {parameter: given[name] for name, parameter in kind.parameters.items() if name in given})

    def arithmetic(self, type: str, weights: tuple[str, ...]) -> Reading | None:  # noqa: A002
        """Read a sum or product: of results, by a parameter, or by a number."""
        operands = [*self.args[:2], *(self.kwargs[k] for k in ("other",) if k in self.kwargs)]
        tensors = [o for o in operands if isinstance(o, torch.Tensor)]
        results = [t for t in tensors if self.watch.origin(t).values]
        if len(results) == 2:  # noqa: PLR2004
            return type, TYPES[type](), False
        if weights:
            count = sum(t.numel() for t in tensors if not self.watch.origin(t).values)
            return ("scale", TYPES["scale"](num_features=count), False) if type == "mul" else (type, TYPES[type](), False)
        number = next((o for o in operands if isinstance(o, int | float)), None)
        return ("scale", TYPES["scale"](value=float(number)), True) if type == "mul" and number is not None else None

    def parts(self, x: torch.Tensor) -> Iterator[tuple[Reading, list[torch.Tensor]]]:
        """Yield each part of a tensor that is taken out of it."""
        for part, cuts in zip(self.made, self.cuts(x), strict=False):
            cuts.pop(0, None)
            if len(cuts) == 1:
                ((axis, cut),) = cuts.items()
                start, stop, step = cut
                yield ("slice", TYPES["slice"](dim=axis, start=start, stop=stop, step=step), False), [part]
            elif cuts:
                yield ("crop", TYPES["crop"](size=tuple(part.shape[2:])), False), [part]

    def cuts(self, x: torch.Tensor) -> Iterator[dict[int, tuple[int, int, int]]]:
        """Yield, for each result, which axes are cut, and from where to where."""
        if self.name == "__getitem__":
            index = self.args[1] if isinstance(self.args[1], tuple) else (self.args[1],)
            if not all(isinstance(part, slice) or part is Ellipsis for part in index):
                return
            if Ellipsis in index:
                at = index.index(Ellipsis)
                index = (*index[:at], *[slice(None)] * (x.dim() - len(index) + 1), *index[at + 1 :])
            cuts = {axis: part.indices(x.shape[axis]) for axis, part in enumerate(index)}
            yield {axis: cut for axis, cut in cuts.items() if cut != (0, x.shape[axis], 1)}
            return
        position, name = (1, "dim") if self.name == "narrow" else (2, "dim")
        axis = self.kwargs.get(name, self.args[position] if len(self.args) > position else 0) % x.dim()
        start = 0
        if self.name == "narrow":
            start = self.kwargs.get("start", self.args[2] if len(self.args) > 2 else 0)  # noqa: PLR2004
        for part in self.made:
            yield {axis: (start, start + part.shape[axis], 1)}
            start += part.shape[axis]

    def dealt(self) -> int:
        """Return the groups of channels, where this function is the middle step of a channel shuffle."""
        if self.name in ("transpose", "swapaxes", "permute") and self.made:
            x, y = self.entering[0], self.made[0]
            if x.dim() > 3 and y.shape[1:3] == (x.shape[2], x.shape[1]) and y.shape[3:] == x.shape[3:]:  # noqa: PLR2004
                return x.shape[1]
        return self.watch.origin(self.entering[0]).dealt if self.name == "contiguous" else 0


def _by_weight(type: str, given: dict[str, Any], x: torch.Tensor) -> dict[str, Any]:  # noqa: A002
    """Return the settings that a function takes from its weights."""
    weight, groups = given.get("weight"), given.get("groups", 1)
    some = {"bias": given.get("bias") is not None}
    if type == "conv":
        return some | {"in_channels": weight.shape[1] * groups, "out_channels": weight.shape[0], "kernel_size": tuple(weight.shape[2:])}  # type: ignore[union-attr]  # fmt: skip
    if type == "conv_transpose":
        return some | {"in_channels": weight.shape[0], "out_channels": weight.shape[1] * groups, "kernel_size": tuple(weight.shape[2:])}  # type: ignore[union-attr]  # fmt: skip
    if type == "linear":
        return some | {"in_features": weight.shape[1], "out_features": weight.shape[0]}  # type: ignore[union-attr]
    if type == "prelu":
        return {"num_parameters": weight.numel()}  # type: ignore[union-attr]
    affine = weight is not None
    return some | {"num_features": x.shape[1], "num_channels": x.shape[1], "affine": affine, "elementwise_affine": affine}


def _one_a_channel(x: torch.Tensor, y: torch.Tensor) -> bool:
    return x.dim() > 2 and y.dim() > 1 and x.shape[:2] == y.shape[:2] and math.prod(y.shape[2:]) == 1 < math.prod(x.shape[2:])  # noqa: PLR2004, E501  # fmt: skip


def _undealt(x: torch.Tensor, y: torch.Tensor) -> bool:
    return y.dim() == x.dim() - 1 and y.shape[1] == x.shape[1] * x.shape[2] and y.shape[2:] == x.shape[3:]
