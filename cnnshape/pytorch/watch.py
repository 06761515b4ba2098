"""The watch over a run: every module and function that runs, written down as calls if they are layers.

Modules are seen by hooks, functions by a TorchFunctionMode. Each tensor has an origin, the values and parameters that it
is made of: this gives the inputs of a call.
"""

from __future__ import annotations

import inspect
import sys
import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import torch
from torch.nn.modules import module as modules
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from cnnshape.compare.trace import Call
from cnnshape.layers import TYPES
from cnnshape.layers.in_torch import Called, Recognized
from cnnshape.numbers.rules import unasked
from cnnshape.pytorch.batch_axis import batch_behind, first_of_one
from cnnshape.pytorch.functions import CONSTANT, PICKS
from cnnshape.pytorch.inputs import tensors_in
from cnnshape.pytorch.recognize import alters, by_data, kinds_of, layer_of, layers_of, plain, silent, turned, type_of
from cnnshape.pytorch.their_code import calling_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.layers import Layer
    from cnnshape.numbers.shape import Shape


# Whether torch hands a call's keyword arguments to a hook that is for all modules: from 2.6 on.
SAYS_KWARGS: Final = "with_kwargs" in inspect.signature(modules.register_module_forward_hook).parameters
BATCHED: Final = 3  # axes of a recurrent module's last states, where there is a batch


class _Origin(NamedTuple):
    """The values and parameters that a tensor is made of."""

    values: tuple[int, ...] = ()  # inputs, and results of layers
    weights: tuple[str, ...] = ()  # parameters, in no layer yet
    turned: tuple[Any, Any] | None = None  # see Called


class _Thread(threading.local):
    """The place in the model at which a thread is."""

    def __init__(self) -> None:
        self.watched = False
        self.around: list[torch.nn.Module] = []  # the modules that run, from the outside in
        self.layer: torch.nn.Module | None = None  # the innermost, if it is a layer


class Watch(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """The modules and functions of one run; `calls` has those that are layers, in the order of the run."""

    def __init__(self, model: torch.nn.Module, inputs: list[torch.Tensor], wholes: Mapping[str, str]):
        super().__init__()
        self.wholes = wholes  # see Live
        self.names = {module: name for name, module in model.named_modules()}
        self.parameters = dict(model.named_parameters())
        self.titles = {id(tensor): name for name, tensor in self.parameters.items()}
        self.calls: list[Call] = []
        self.first = 1 + len(inputs)  # the value of the first call
        self.given = [tuple(tensor.shape[1:]) for tensor in inputs]
        self.origins = WeakIdKeyDictionary()
        self.batches = WeakIdKeyDictionary()  # the axis of the batch in each tensor; the first where nothing is said
        attributes = (value for module in self.names for value in vars(module).values())
        for unregistered in (value for value in attributes if isinstance(value, torch.Tensor)):  # such as own buffers
            self.origins[unregistered] = _Origin()
        for name, tensor in self.parameters.items():
            self.origins[tensor] = _Origin(weights=(name,))
        for buffer in model.buffers():
            self.origins[buffer] = _Origin()
        for value, tensor in enumerate(inputs, start=1):
            self.origins[tensor] = _Origin((value,))
        self.here = _Thread()
        self.recording = threading.RLock()
        self.ended = False
        self.failed = ""  # the innermost module or function that raised
        self.raising: list[Call] = []  # the same, if it is a layer
        self.unseen = ""  # a module that ran in a thread that is not watched
        self.by_data = ""  # the function that makes shapes depend on data

    def __enter__(self) -> Any:
        enters = modules.register_module_forward_pre_hook(self.enters)
        how = {"with_kwargs": True} if SAYS_KWARGS else {}
        leaves = modules.register_module_forward_hook(self.leaves, always_call=True, **how)
        self.hooks = (enters, leaves)
        self.profile = threading.getprofile()
        threading.setprofile(self.joins)
        self.here.watched = True
        return super().__enter__()

    def joins(self, *_: Any) -> None:
        """Watch a thread as well that begins while the model runs: called before anything else in it."""
        sys.setprofile(self.profile)
        self.here.watched = True
        super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        threading.setprofile(self.profile)
        self.ended = True  # a thread may live on, and its calls are no longer the run's
        for hook in self.hooks:
            hook.remove()
            if SAYS_KWARGS:
                modules._global_forward_hooks_with_kwargs.pop(hook.id, None)  # noqa: SLF001 -- torch 2.13 leaves it there

    # Modules

    def enters(self, module: torch.nn.Module, _: Any) -> None:
        if not self.here.watched and module in self.names:
            self.unseen = self.names[module] or "the model"
        if self.here.layer is None and self.here.watched:
            self.here.around.append(module)
            if self.type_of(module):
                self.here.layer = module

    def leaves(self, module: torch.nn.Module, args: Any, *rest: Any) -> Any:
        """Record a module that is a layer. The last of `rest` is its result, None where it raised (then without kwargs)."""
        *kwargs, result = rest
        if not SAYS_KWARGS:
            kwargs = [sys._getframe(1).f_locals["kwargs"]]  # noqa: SLF001 -- of torch's call, which is settled there
        if self.here.layer not in (None, module) or not self.here.watched:
            return None
        if self.here.layer is None:
            if result is None:
                self.failed = self.failed or self.named(module)
            self.left(module)
            return None
        kind = self.type_of(module)
        entering = tensors_in(args) + (tensors_in(kwargs) if any(kwargs) else [])
        if kind in TYPES and TYPES[kind].inert and any(result is tensor for tensor in entering):
            result = result.view_as(result)  # another object, with an origin of its own
        made = tensors_in(result)
        weights = {self.titles[id(p)]: p.numel() for p in _parameters(module) if id(p) in self.titles}
        self.left(module)
        if result is None:
            self.failed = self.failed or self.named(module)
        place = "" if module in self.names else calling_line()
        layer = None if self.names.get(module) in self.wholes else layer_of(module, kind)
        if isinstance(args[0] if args else None, PackedSequence):
            self.batches[entering[0]] = None  # the samples stand one behind the other
        self.place_batch(entering, made)
        layer = layer and layer.on(self.batch(entering[0]) if entering else 0)
        beside = layer and layer.beside()
        self.record(self.named(module), kind, layer, entering, made[:1] if beside else made, weights, place)
        if beside and made:
            self.record_beside(f"{self.named(module)}[1]", beside, made)
        self.here.layer = None
        return result

    def place_batch(self, entering: list[torch.Tensor], made: list[torch.Tensor]) -> None:
        """Note the axis of the batch in the results of a module."""
        moved = any(self.batch(tensor) != 0 for tensor in entering)
        for tensor in made:
            self.batches[tensor] = first_of_one(tensor) if moved else 0

    def record_beside(self, name: str, layer: Layer, made: list[torch.Tensor]) -> None:
        """Record what a recurrent module returns beside the sequence: the last states of its layers, (layers, batch, H)."""
        states = [tensor for tensor in made[1:] if tensor.is_floating_point()]  # a packed sequence has indices, too
        for tensor in states:
            self.batches[tensor] = 1 if tensor.dim() == BATCHED else None
        self.record(name, layer.type, layer, made[:1], states, {}, "")
        self.calls[-1] = self.calls[-1]._replace(output=layer.output(unasked, self.shape(made[0])))

    def type_of(self, module: torch.nn.Module) -> str:
        """Return the layer type of a module, "" to look at the modules within."""
        return self.wholes.get(self.names.get(module, "")) or _type(module)

    def left(self, module: torch.nn.Module) -> None:
        while self.here.around and self.here.around.pop() is not module:
            pass  # one that raised, and whose error was caught

    def named(self, module: torch.nn.Module) -> str:
        """Return the path of a module; of one made during the run, its class within the module around it."""
        return self.names.get(module) or self.within(f"{type(module).__name__}()")

    def within(self, name: str) -> str:
        around = next((self.names[module] for module in reversed(self.here.around) if self.names.get(module)), "")
        return f"{around}.{name}" if around else name

    # Functions

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.here.layer is not None or self.ended:
            return function(*args, **kwargs)
        name = getattr(function, "__name__", "").partition(".")[0]  # an exported model's are called conv2d.default
        entering = tensors_in(args) + tensors_in(tuple(kwargs.values()))
        origins = [self.origin(tensor) for tensor in entering]
        alive = [bool(origin.values) for origin in origins]
        weights = tuple(dict.fromkeys(weight for origin in origins for weight in origin.weights))
        before = origins[0].turned if origins else None
        axis = next((self.batch(tensor) for tensor, lives in zip(entering, alive, strict=True) if lives), 0)
        call = Called(plain(name), args, kwargs, entering, [], alive, bool(weights), before, axis)
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
        made = [entering[0]] if name == "__setitem__" else tensors_in(result)
        call = call._replace(results=made)
        for tensor in made:
            self.batches[tensor] = batch_behind(function, call, tensor)
        sources = origins[:1] if call.name in PICKS else origins
        values = tuple(dict.fromkeys(value for origin in sources for value in origin.values))
        moves = any(alive) and made and call.name not in CONSTANT
        for tensor in self.read(call, name.strip("_"), weights) if moves else made:
            self.origins[tensor] = _Origin() if call.name in CONSTANT else _Origin(values, weights)
        if exchange := turned(call):
            for tensor in made:
                self.origins[tensor] = self.origins[tensor]._replace(turned=exchange)
        return result

    def read(self, call: Called, name: str, weights: tuple[str, ...]) -> list[torch.Tensor]:
        """Record a function that is a layer, or several; return the results that no layer made."""
        if by_data(call) and not self.by_data:
            self.by_data = f"{self.within(name)}() at {calling_line()}"
        owners = {weight.rpartition(".")[0] for weight in weights}
        owner = owners.pop() if len(owners) == 1 else ""
        rest = call.results
        unknown = call.weighted and not kinds_of(call.name)
        for kind, layer, results, minor in [Recognized(name, None, rest)] if unknown else layers_of(call):
            title, place = (owner, "") if owner else (self.within(f"{name}()"), calling_line())
            reads = [tensor for tensor, alive in zip(call.tensors, call.alive, strict=True) if alive]
            counts = {weight: self.parameters[weight].numel() for weight in weights}
            self.record(title, kind, layer, reads, results, counts, place, minor=minor, alters=minor and silent(call))
            rest = [tensor for tensor in rest if all(tensor is not result for result in results)]
        if rest and alters(call):
            reads = [tensor for tensor, alive in zip(call.tensors, call.alive, strict=True) if alive]
            reads = reads[:1] if call.name in PICKS else reads
            title = self.within(f"{name}()")
            self.record(title, f"{name}()", None, reads, rest, {}, calling_line(), minor=True, alters=True)
            for tensor in rest:
                self.origins[tensor] = self.origins[tensor]._replace(weights=weights)
            return []
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
        alters: bool = False,
    ) -> None:
        with self.recording:
            inputs = tuple(value for tensor in entering for value in self.origin(tensor).values)
            shapes = tuple(map(self.shape, entering))
            if layer:
                whole, read = layer.among(inputs, self.maker)
                if whole is not layer:
                    self.leave_out({*inputs} - {*read})
                    shapes = tuple(map(self.shape_of, read))
                kind, layer, inputs = whole.type, whole, read
            output = self.shape(made[0]) if made else None
            call = Call(name, kind, layer, inputs, shapes, output, weights, place, minor, alters)
            if made:
                for tensor in made:
                    self.origins[tensor] = _Origin((self.first + len(self.calls),))
                self.calls.append(call)
                self.failed, self.raising = "", []  # what was raised before, the model caught
            else:
                self.raising = [call]

    def leave_out(self, values: set[int]) -> None:
        """Make the layers minor that made the values: another is all that they are in a file."""
        for value in values:
            self.calls[value - self.first] = self.calls[value - self.first]._replace(minor=True, alters=False)

    def shape_of(self, value: int) -> Shape:
        """Return the shape of a value."""
        made = self.maker(value)
        return (made.output or ()) if made else self.given[value - 1]

    def maker(self, value: int) -> Call | None:
        """Return the call that made a value, None for an input of the net."""
        return self.calls[value - self.first] if value >= self.first else None

    def origin(self, tensor: torch.Tensor) -> _Origin:
        """Return the origin of a tensor; one without is taken for the last layer's result."""
        found: _Origin | None = self.origins.get(tensor, None)
        return _Origin((self.first + len(self.calls) - 1,)) if found is None else found

    def batch(self, tensor: torch.Tensor) -> int | None:
        """Return the axis of the batch, None where a tensor has none."""
        axis: int | None = self.batches.get(tensor, 0)
        return axis

    def shape(self, tensor: torch.Tensor) -> Shape:
        """Return the shape without the batch."""
        axis = self.batch(tensor)
        return tuple(size for at, size in enumerate(tensor.shape) if at != axis)

    def returned(self, tensor: torch.Tensor) -> Shape:
        """Return the shape of what the model returns, whose first axis stands for a batch that was lost on the way."""
        return tuple(tensor.shape[1:]) if self.batch(tensor) is None else self.shape(tensor)

    def idle(self) -> dict[str, int]:
        """Return the modules with parameters that no layer used, and the number of these."""
        used = {weight for call in self.calls for weight in call.weights}
        result: dict[str, int] = {}
        for name, parameter in self.parameters.items():
            if name not in used:
                module = name.rpartition(".")[0] or name
                result[module] = result.get(module, 0) + parameter.numel()
        return result


def _parameters(module: torch.nn.Module) -> Iterable[torch.Tensor]:
    """Return the parameters of a module; quickly, where it has none within."""
    inside = vars(module)["_modules"]
    return module.parameters() if inside else filter(None.__ne__, vars(module)["_parameters"].values())


def _type(module: torch.nn.Module) -> str:
    """Return the layer type of a module, "" to look at the modules within, as in every user's class that has some."""
    kind: str = type_of(type(module))  # type: ignore[arg-type]  # mypy takes it for Any
    return kind if kind and (type(module).__module__.startswith("torch.") or not any(module.children())) else ""
