"""A live model run once, and what it ran written down: which module or function, on what, with which settings.

Modules are seen by hooks, functions by a TorchFunctionMode, and who reads whose result by the tensors that pass. The
model runs on copies of its parameters and buffers, and is left as it was.
"""

from __future__ import annotations

import copy
import importlib
import inspect
import operator
import os
import random
import re
import sys
import threading
import traceback
import warnings
from collections import OrderedDict
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch
from torch.nn.modules import module as modules
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from cnnshape.compare.comparison import Comparison
from cnnshape.compare.judge import judge
from cnnshape.compare.trace import Call, Failure, Returned, Trace
from cnnshape.layers import TYPES
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.pytorch.recognize import by_data, kinds_of, layer_of, layers_of, plain, turned, type_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from cnnshape.layers import Layer
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.numbers.shape import Shape


def compare(net: Network, report: Report, model: Any, device: str | None = None) -> Comparison:
    """Run the model once on a sample of the report's inputs, and hold it against the net.

    On another device than the model's a copy of its numbers is run. None: on cuda if there is one and it can, else where
    it lives.
    """
    if not isinstance(model, torch.nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, not {model!r}")
    if scripted := _scripted(model):
        raise TypeError(scripted)
    model = _unwrapped(model)
    for where in [device] if device else _devices(model):
        run = observe(model, report.inputs, where)
        if not run.failure:
            break
    return Comparison(run.model, where, torch.__version__, *judge(net, report, run))


def observe(model: torch.nn.Module, inputs: Mapping[str, Shape], device: str) -> Trace:
    """Run the model once, in evaluation mode, and return what it did. The model is left as it was."""
    if any(map(torch.nn.parameter.is_lazy, (*model.parameters(), *model.buffers()))):
        model = copy.deepcopy(model).to(device)  # its first run settles what it is: that of a copy
        numbers: dict[str, torch.Tensor] = {}
    else:
        named = (*model.named_parameters(), *model.named_buffers())
        numbers = {name: _copied(tensor, device) for name, tensor in named}
    failure, returned = None, None
    with _undisturbed(model, device):
        given = _samples(model, inputs, device)
        watch = _Watch(model, numbers, list(given.values()))
        try:
            args, kwargs = _arguments(model, given)
            with watch:
                returned = torch.func.functional_call(model, numbers, args, kwargs)
        except (Exception, SystemExit) as error:  # noqa: BLE001 -- whatever a model may raise
            failure = Failure(_said(error), watch.failed or f"{type(model).__name__}()")
    outputs = tuple(
        Returned(key, tuple(tensor.shape[1:]), frozenset(watch.origin(tensor).values))
        for key, tensor in _tensors(returned)
    )
    idle = {} if failure else watch.idle()
    calls = [*watch.calls, *(watch.raising if failure else ())]
    return Trace(type(model).__name__, tuple(calls), outputs, failure, idle, watch.by_data)


def named(name: str) -> torch.nn.Module:
    """Return the model that MODULE:NAME makes, or is. Raises ValueError, with what went wrong, where there is none."""
    module, _, path = name.partition(":")
    if not re.fullmatch(r"[\w.-]+:[\w.]+", name):
        raise ValueError(f"{name!r} is not MODULE:NAME, as my_package.nets:ResNet")
    try:
        found = operator.attrgetter(path)(importlib.import_module(module))
        model = found if isinstance(found, torch.nn.Module) else found()
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- it is their code
        raise ValueError(_said(error)) from None
    if not isinstance(model, torch.nn.Module):
        raise ValueError(f"{name} gives {model!r:.60}, which is no torch.nn.Module")  # noqa: TRY004 -- it was named
    if scripted := _scripted(model):
        raise ValueError(scripted)
    return model


def _scripted(model: torch.nn.Module) -> str:
    """Say what of a model torch.jit has made its own, so that neither its layers nor its functions are seen."""
    scripted = (name for name, module in model.named_modules() if isinstance(module, torch.jit.ScriptModule))
    return next((f"{name or 'the model'} is a ScriptModule: give what torch.jit made it of" for name in scripted), "")


def _unwrapped(model: Any) -> Any:
    """Return the model itself, of one that torch has wrapped: to run in parallel, to average weights, or compiled."""
    while type(model).__module__.startswith("torch."):
        match [*model.named_children()]:
            case [("module" | "_orig_mod", inner)]:
                model = inner
            case _:
                break
    return model


def _devices(model: torch.nn.Module) -> list[str]:
    """Return where to run a model, and where if it raises there: it may hold what is not brought along."""
    home = next((str(tensor.device) for tensor in (*model.parameters(), *model.buffers())), "cpu")
    return ["cuda", home] if home == "cpu" and torch.cuda.is_available() else [home]


def _copied(tensor: torch.Tensor, device: str) -> torch.Tensor:
    plain = tensor.detach()
    copied = torch.zeros_like(plain, device=device) if plain.is_meta else plain.to(device, copy=True)
    return copied.requires_grad_(tensor.requires_grad)


@contextmanager
def _undisturbed(model: torch.nn.Module, device: str) -> Iterator[None]:
    """Have the model evaluate, without gradients; put back what its modules hold, and all random states."""
    attributes = [vars(module) for module in _modules(model)]
    held = [kept for holder in attributes for kept in _kept(holder)]
    numpy = sys.modules.get("numpy")
    python_state, numpy_state = random.getstate(), numpy and numpy.random.get_state()
    cuda = range(torch.cuda.device_count()) if device.startswith("cuda") or torch.cuda.is_initialized() else ()
    try:
        # No inference_mode: what anyone keeps of this run must serve in training. No eval(): it may be the user's.
        with torch.random.fork_rng(cuda), torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.default_generator.manual_seed(0)  # not torch.manual_seed, which is kept for a cuda not used yet
            if cuda:
                torch.cuda.manual_seed_all(0)
            for holder in attributes:
                plain = {name: value.clone() for name, value in holder.items() if isinstance(value, torch.Tensor)}
                holder.update(plain, training=False)
            yield
    finally:
        for holder, content in held:
            holder.clear()
            holder.extend(content) if isinstance(holder, list) else holder.update(content)
        random.setstate(python_state)
        if numpy:
            numpy.random.set_state(numpy_state)


def _modules(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return all modules of a model, also those that stand in lists and dicts, where torch does not look for them."""
    found: dict[torch.nn.Module, None] = {}
    seen: set[int] = set()
    todo: list[Any] = [model]
    while todo:
        holder = todo.pop()
        if id(holder) in seen:
            continue
        seen.add(id(holder))
        if isinstance(holder, torch.nn.Module):
            found[holder] = None
            todo += vars(holder).values()
        elif isinstance(holder, dict | list | tuple):
            todo += holder.values() if isinstance(holder, dict) else holder
    return [*found]


def _kept(attributes: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the attributes of a module, and the lists and dicts among them, each with a copy."""
    for holder in (attributes, *attributes.values()):
        if type(holder) in {dict, list, OrderedDict}:
            yield holder, holder.copy()


def _samples(model: torch.nn.Module, inputs: Mapping[str, Shape], device: str) -> dict[str, torch.Tensor]:
    floats = (p.dtype for p in model.parameters() if p.dtype.is_floating_point)
    dtype = next(floats, torch.get_default_dtype())
    return {name: torch.rand(1, *shape, device=device).to(dtype) for name, shape in inputs.items()}


class _WrongInputs(Exception):  # noqa: N818 -- it says what is the case
    """The model's forward does not take what the file declares."""


def _arguments(model: torch.nn.Module, given: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of forward: by name where it has the names of the file's inputs, else in their order."""
    signature = inspect.signature(model.forward)
    named = given.keys() <= signature.parameters.keys()
    args, kwargs = ((), given) if named else (tuple(given.values()), {})
    try:
        signature.bind(*args, **kwargs)
    except TypeError as error:
        takes = f"forward{signature} does not take the inputs of the file, {', '.join(given)}"
        raise _WrongInputs(f"{takes}: {error}") from None
    return args, kwargs


def _said(error: BaseException) -> str:
    """Say what was raised, and in which line of the model's code."""
    if isinstance(error, _WrongInputs):
        return str(error)
    theirs = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_machinery(frame.filename)]
    where = f" ({Path(theirs[-1].filename).name}:{theirs[-1].lineno})" if theirs else ""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}{where}"


MACHINERY: Final = tuple(f"{Path(str(m.__file__)).parent}{os.sep}" for m in (torch, importlib, sys.modules["cnnshape"]))


@cache
def _is_machinery(file: str) -> bool:
    """Whether a file is torch's, Python's import's, or ours."""
    return file.startswith((*MACHINERY, "<"))


def _tensors(value: Any, key: str = "") -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors that are passed or returned, however they are packed, with their keys."""
    if isinstance(value, torch.Tensor):
        yield key, value
    elif isinstance(value, dict):
        for name, entry in value.items():
            yield from _tensors(entry, str(name))
    elif isinstance(value, list | tuple):
        for name, entry in zip(getattr(value, "_fields", [key] * len(value)), value, strict=True):
            yield from _tensors(entry, name)
    elif hasattr(value, "__dataclass_fields__"):
        yield from _tensors({name: getattr(value, name) for name in value.__dataclass_fields__})


class _Origin(NamedTuple):
    """What a tensor is made of."""

    values: tuple[int, ...] = ()  # inputs, and results of layers
    weights: tuple[str, ...] = ()  # parameters, in no layer yet
    turned: tuple[Any, Any] | None = None  # see Called


class _Watch(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """Sees every module and every function that runs, and writes down those that are layers."""

    def __init__(self, model: torch.nn.Module, numbers: Mapping[str, torch.Tensor], inputs: list[torch.Tensor]):
        super().__init__()
        self.names = {module: name for name, module in model.named_modules()}
        self.parameters = {name: numbers.get(name, tensor) for name, tensor in model.named_parameters()}
        self.titles = {id(tensor): name for name, tensor in self.parameters.items()}
        self.calls: list[Call] = []
        self.first = 1 + len(inputs)  # the value of the first call
        self.origins = WeakIdKeyDictionary()
        attributes = (value for module in self.names for value in vars(module).values())
        for tensor in (value for value in attributes if isinstance(value, torch.Tensor)):  # a buffer, but in name
            self.origins[tensor] = _Origin()
        for name, tensor in self.parameters.items():
            self.origins[tensor] = _Origin(weights=(name,))
        for name, buffer in model.named_buffers():
            self.origins[numbers.get(name, buffer)] = _Origin()
        for value, tensor in enumerate(inputs, start=1):
            self.origins[tensor] = _Origin((value,))
        self.thread = threading.get_ident()
        self.around: list[torch.nn.Module] = []  # the modules that run, from the outside in
        self.layer: torch.nn.Module | None = None  # the innermost, if it is a layer
        self.failed = ""  # the innermost module or function that raised
        self.raising: list[Call] = []  # the same, if it is a layer
        self.by_data = ""  # the function that makes shapes depend on data

    def __enter__(self) -> Any:
        enters = modules.register_module_forward_pre_hook(self.enters)
        leaves = modules.register_module_forward_hook(self.leaves, with_kwargs=True, always_call=True)
        self.hooks = (enters, leaves)
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        for hook in self.hooks:
            hook.remove()
            modules._global_forward_hooks_with_kwargs.pop(hook.id, None)  # noqa: SLF001 -- torch 2.13 leaves it there

    # Modules

    def enters(self, module: torch.nn.Module, _: Any) -> None:
        if self.layer is None and threading.get_ident() == self.thread:
            self.around.append(module)
            if _type(module):
                self.layer = module

    def leaves(self, module: torch.nn.Module, args: Any, *rest: Any) -> Any:
        """Write a layer down; what comes last is the result, None where it raised (then torch leaves kwargs out)."""
        *kwargs, result = rest
        if self.layer not in (None, module) or threading.get_ident() != self.thread:
            return None
        if self.layer is None:
            if result is None:
                self.failed = self.failed or self.named(module)
            self.left(module)
            return None
        kind = _type(module)
        entering = [tensor for _, tensor in _tensors((args, kwargs))]
        if kind in TYPES and TYPES[kind].inert and any(result is tensor for tensor in entering):
            result = result.view_as(result)  # another, so that one can tell who reads which
        made = [tensor for _, tensor in _tensors(result)]
        weights = {self.titles[id(p)]: p.numel() for p in module.parameters() if id(p) in self.titles}
        self.left(module)
        if result is None:
            self.failed = self.failed or self.named(module)
        place = "" if module in self.names else _calling_line()
        self.record(self.named(module), kind, layer_of(module, kind), entering, made, weights, place)
        self.layer = None
        return result

    def left(self, module: torch.nn.Module) -> None:
        while self.around and self.around.pop() is not module:
            pass  # one that raised, and whose error was caught

    def named(self, module: torch.nn.Module) -> str:
        """Return the path of a module; of one that is made on the way, its class within the module around it."""
        return self.names.get(module) or self.within(f"{type(module).__name__}()")

    def within(self, name: str) -> str:
        around = next((self.names[module] for module in reversed(self.around) if self.names.get(module)), "")
        return f"{around}.{name}" if around else name

    # Functions

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.layer is not None:
            return function(*args, **kwargs)
        name = getattr(function, "__name__", "").partition(".")[0]  # an exported model's are called conv2d.default
        entering = [tensor for _, tensor in _tensors((args, kwargs))]
        origins = [self.origin(tensor) for tensor in entering]
        alive = [bool(origin.values) for origin in origins]
        weights = tuple(dict.fromkeys(weight for origin in origins for weight in origin.weights))
        before = origins[0].turned if origins else None
        call = Called(plain(name), args, kwargs, entering, [], alive, bool(weights), before)
        try:
            result = function(*args, **kwargs)
        except Exception:
            if any(alive) and not self.failed:
                self.failed = self.within(f"{name.strip('_')}()")
                self.read(call, name.strip("_"), weights)
            raise
        inert = any(kind.inert for kind in kinds_of(call.name)) and not name.endswith("_")
        if inert and any(result is tensor for tensor in entering):
            result = result.view_as(result)
        made = [entering[0]] if name == "__setitem__" else [tensor for _, tensor in _tensors(result)]
        call = call._replace(results=made)
        values = tuple(dict.fromkeys(value for origin in origins for value in origin.values))
        for tensor in self.read(call, name.strip("_"), weights) if any(alive) and made else made:
            self.origins[tensor] = _Origin(values, weights, turned(call))
        return result

    def read(self, call: Called, name: str, weights: tuple[str, ...]) -> list[torch.Tensor]:
        """Write down what a function is as a layer; return those of its results that no layer made."""
        if by_data(call) and not self.by_data:
            self.by_data = f"{self.within(name)}() at {_calling_line()}"
        owners = {weight.rpartition(".")[0] for weight in weights}
        owner = owners.pop() if len(owners) == 1 else ""
        rest = call.results
        unknown = call.weighted and not kinds_of(call.name)
        for kind, layer, results, minor in [Recognized(name, None, rest)] if unknown else layers_of(call):
            title, place = (owner, "") if owner else (self.within(f"{name}()"), _calling_line())
            reads = [tensor for tensor, alive in zip(call.tensors, call.alive, strict=True) if alive]
            counts = {weight: self.parameters[weight].numel() for weight in weights}
            self.record(title, kind, layer, reads, results, counts, place, minor=minor)
            rest = [tensor for tensor in rest if all(tensor is not result for result in results)]
        return rest

    # Both

    def record(  # noqa: PLR0913, PLR0917 -- what a Call has
        self,
        name: str,
        kind: str,
        layer: Layer | None,
        entering: list[torch.Tensor],
        made: list[torch.Tensor],
        weights: dict[str, int],
        place: str,
        *,
        minor: bool = False,
    ) -> None:
        inputs = tuple(value for tensor in entering for value in self.origin(tensor).values)
        if layer:
            kind, layer, inputs = self.as_files_have_it(layer, inputs)
        shapes = tuple(tuple(tensor.shape[1:]) for tensor in entering)
        output = tuple(made[0].shape[1:]) if made else None
        call = Call(name, kind, layer, inputs, shapes, output, weights, place, minor)
        if made:
            for tensor in made:
                self.origins[tensor] = _Origin((self.first + len(self.calls),))
            self.calls.append(call)
            self.failed, self.raising = "", []  # what was raised before, the model caught
        else:
            self.raising = [call]

    def as_files_have_it(self, layer: Layer, inputs: tuple[int, ...]) -> tuple[str, Layer, tuple[int, ...]]:
        """Return the layer that files have for one and those that made its inputs; files leave those out."""
        whole, read = layer.among(inputs, self.maker)
        if whole is not layer:
            for value in {*inputs} - {*read}:
                self.calls[value - self.first] = self.calls[value - self.first]._replace(minor=True)
        return whole.type, whole, read

    def maker(self, value: int) -> Call | None:
        """Return the layer that made a value, None for one of the inputs."""
        return self.calls[value - self.first] if value >= self.first else None

    def origin(self, tensor: torch.Tensor) -> _Origin:
        """Return what a tensor is made of; one that nobody saw being made is taken for the last layer's."""
        found: _Origin | None = self.origins.get(tensor, None)
        return _Origin((self.first + len(self.calls) - 1,)) if found is None else found

    def idle(self) -> dict[str, int]:
        """Return the modules with parameters that no layer used, and how many these are."""
        used = {weight for call in self.calls for weight in call.weights}
        result: dict[str, int] = {}
        for name, parameter in self.parameters.items():
            if name not in used:
                module = name.rpartition(".")[0] or name
                result[module] = result.get(module, 0) + parameter.numel()
        return result


def _type(module: torch.nn.Module) -> str:
    """Return the layer type of a module, "" for one to look into: a class of the user's that has modules is one."""
    kind: str = type_of(type(module))  # type: ignore[arg-type]  # mypy takes it for Any
    return kind if kind and (type(module).__module__.startswith("torch.") or not any(module.children())) else ""


def _calling_line() -> str:
    """Return file and line of the code that called torch, the innermost that is neither torch's nor ours."""
    frame: FrameType | None = inspect.currentframe()
    while frame and _is_machinery(frame.f_code.co_filename):
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame else ""
