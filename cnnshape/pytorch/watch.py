"""The watch over a run: every module and function that runs, recorded as operations.

Modules are seen by hooks, functions by a TorchFunctionMode. A module that is a layer is one operation, whatever runs in it.
"""

from __future__ import annotations

import builtins
import inspect
import sys
import threading
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import torch
from torch.nn.modules import module as modules
from torch.nn.utils.rnn import PackedSequence
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakIdKeyDictionary

from cnnshape.compare.called import kinds_of, plain, turned
from cnnshape.compare.functions import CONSTANT, FLATTENS, KEEPS, PAIRS, TYPED_AS, ZEROS
from cnnshape.compare.recording import Failure, Guard, Module, Op, Output, Recording, Tensor, Weight
from cnnshape.layers import TYPES
from cnnshape.layers.in_torch import Called
from cnnshape.numbers.recorded import CHOICES, Operation, Recorded, SideOf, chosen, recorded
from cnnshape.numbers.recorded import plain as unrecorded
from cnnshape.pytorch.batch_axis import batch_behind, first_of_one
from cnnshape.pytorch.inputs import tensors_in
from cnnshape.pytorch.leniency import run_strictly
from cnnshape.pytorch.recognize import layer_of, type_of
from cnnshape.pytorch.repairs import of_module, stand_in
from cnnshape.pytorch.their_code import calling_line, home_of, is_machinery

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cnnshape.numbers.recorded import Expression
    from cnnshape.pytorch.inputs import Found


# Whether torch hands a call's keyword arguments to a hook that is for all modules: from 2.6 on.
SAYS_KWARGS: Final = "with_kwargs" in inspect.signature(modules.register_module_forward_hook).parameters
RANKS: Final = {  # of convolutions, which take one sample without a batch as well
    torch.conv1d: 1,
    torch.conv2d: 2,
    torch.conv3d: 3,
    torch.conv_transpose1d: 1,
    torch.conv_transpose2d: 2,
    torch.conv_transpose3d: 3,
}
BATCHED: Final = 3  # axes of a recurrent module's last states, where there is a batch
SHAPE: Final = torch.Tensor.shape.__get__
SIZES: Final = {SHAPE, torch.Tensor.size, torch.Tensor.numel, torch.Tensor.nelement, torch.Tensor.__len__}


class _Thread(threading.local):
    """The place in the model at which a thread is."""

    def __init__(self) -> None:
        self.watched = False
        self.around: list[torch.nn.Module] = []  # the modules that run, from the outside in
        self.layer: torch.nn.Module | None = None  # the innermost, if it is a layer
        self.raised = ""  # why torch refused what the layer computes
        self.sure = False  # of what stands for its result then, see repairs


class Guards:
    """The comparisons of recorded numbers in one run. Later ones, of numbers that the model kept, are not the run's."""

    def __init__(self, home: str):
        self.home = home
        self.found: list[Guard] = []
        self.ended = False
        self.ran = 0

    def compared(self, sign: str, left: Expression, right: Expression, *, outcome: bool) -> None:
        if not self.ended:
            self.found.append(Guard(sign, left, right, outcome, calling_line(self.home), self.ran))


class Watch(TorchFunctionMode):  # type: ignore[misc]  # torch's types are not followed
    """The modules and functions of one run; `recording` gives them, when it has ended.

    `wholes` has the paths of modules that are one layer each, whatever they run, with its type; None: look into all modules
    but torch's own. `repairing`: what raises is recorded, gives what it declares, and the run goes on; `refused` has further
    operations, by their numbers, that are taken to raise, and why.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        inputs: Mapping[str, torch.Tensor],
        wholes: Mapping[str, str] | None,
        *,
        repairing: bool = False,
        refused: Mapping[int, str] | None = None,
    ):
        super().__init__()
        self.model, self.home = type(model).__name__, home_of(model)
        self.wholes, self.by_name = wholes or {}, wholes is not None
        self.repairing, self.refused = repairing, refused or {}
        self.names = {module: name for name, module in model.named_modules()}
        times = Counter(part for module in self.names for part in vars(module)["_modules"].values())
        self.shared = {part for part, count in times.items() if count > 1 and part is not None and not _weights(part)}
        self.parameters = dict(model.named_parameters())
        self.weights = self.parameters | dict(model.named_buffers())
        self.titles = {id(tensor): name for name, tensor in self.weights.items()}
        self.ops: list[Op] = []
        self.values = 0  # how many have been given
        self.tensors = WeakIdKeyDictionary()  # the record of each tensor
        self.zeros: list[torch.Tensor] = []  # tensors of zeros, that the model has made
        attributes = (value for module in self.names for value in vars(module).values())
        for unregistered in (value for value in attributes if isinstance(value, torch.Tensor)):  # such as own buffers
            self.tensors[unregistered] = _tensor(unregistered, 0, 0)
        for name, tensor in self.weights.items():
            if not torch.nn.parameter.is_lazy(tensor):
                self.tensors[tensor] = _tensor(tensor, 0, 0, (name,), computed=False)
        self.inputs = {name: self.note(tensor, 0) for name, tensor in inputs.items()}
        self.guards = Guards(self.home)
        self.here = _Thread()
        self.recording_one = threading.RLock()
        self.ended = False
        self.failed = ""  # the innermost module or function that raised
        self.unseen = ""  # a module that ran in a thread that is not watched

    def __enter__(self) -> Any:
        enters = modules.register_module_forward_pre_hook(self.enters)
        how = {"with_kwargs": True} if SAYS_KWARGS else {}
        leaves = modules.register_module_forward_hook(self.leaves, always_call=True, **how)
        self.hooks = (enters, leaves)
        self.profile = threading.getprofile()
        threading.setprofile(self.joins)
        self.here.watched = True
        for choice in CHOICES:
            setattr(builtins, choice, chosen(choice))
        if self.repairing:
            for module in self.names:
                if self.type_of(module):
                    vars(module)["forward"] = partial(self.forward, module, module.forward)  # put back with all else
        return super().__enter__()

    def joins(self, *_: Any) -> None:
        """Watch a thread as well that begins while the model runs: called before anything else in it."""
        sys.setprofile(self.profile)
        self.here.watched = True
        super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        threading.setprofile(self.profile)
        for choice, own in CHOICES.items():
            setattr(builtins, choice, own)
        self.ended = self.guards.ended = True  # a thread may live on, and its calls are no longer the run's
        for hook in self.hooks:
            hook.remove()
            if SAYS_KWARGS:
                modules._global_forward_hooks_with_kwargs.pop(hook.id, None)  # noqa: SLF001 -- torch 2.13 leaves it there

    def recording(self, results: Iterable[Found], failure: Failure | None) -> Recording:
        """Return what ran, with the tensors that the model returned, and the reason why it raised, if it did."""
        outputs = tuple(Output(found.key, found.group, self.known(found.tensor)) for found in results)
        return Recording(
            self.model,
            self.inputs,
            tuple(self.ops),
            outputs,
            tuple(self.guards.found),
            {name: _weight(tensor, name in self.parameters) for name, tensor in self.weights.items()},
            {name: self.module(module) for module, name in self.names.items()},
            failure,
        )

    def module(self, module: torch.nn.Module) -> Module:
        kind = type(module)
        file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
        return Module(kind.__qualname__, self.type_of(module), "" if is_machinery(file) else file)

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
        given = tensors_in(args) + (tensors_in(kwargs) if any(kwargs) else [])
        if kind in TYPES and TYPES[kind].inert and any(result is tensor for tensor in given):
            result = result.view_as(result)  # another object, with a record of its own
        self.left(module)
        path, line = self.named(module), calling_line(self.home)
        packed = isinstance(args[0] if args else None, PackedSequence)
        with self.recording_one:
            entering = [self.known(tensor) for tensor in given]
            if packed:  # the samples stand one behind the other
                entering[0] = _tensor(given[0], entering[0].value, None)
            layer = None if self.names.get(module) in self.wholes else layer_of(module, kind)
            layer = layer and layer.on(entering[0].batch if entering else 0)
            made = tensors_in(result)
            moved = any(tensor.batch != 0 for tensor in entering)
            axes = [first_of_one(tensor) if moved else 0 for tensor in made]
            if layer and layer.beside():
                axes[1:] = [1 if tensor.dim() == BATCHED else None for tensor in made[1:]]
            outputs = tuple([self.note(tensor, axis) for tensor, axis in zip(made, axes, strict=True)])
            own = [self.titles[id(w)] for w in _weights(module) if id(w) in self.titles]
            weights = tuple(dict.fromkeys([*own, *_of_weights(entering)]))
            self.failed = (self.failed or path) if result is None else ""
            raised = self.here.raised or ("raised" if result is None else "")
            kind_of_module = type(module).__name__
            sure = self.here.sure
            self.add(Op(path, kind_of_module, kind, layer, None, tuple(entering), outputs, weights, line, raised, sure))
        self.here.layer, self.here.raised, self.here.sure = None, "", False
        return result

    def forward(self, module: torch.nn.Module, forward: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Run the forward of a module that is a layer; where it raises, return what stands for its result."""
        try:
            return forward(*args, **kwargs)
        except Exception as error:
            instead = of_module(module, args, kwargs)
            if instead is None:
                self.here.raised = self.here.raised or _said(error)
                raise
            self.here.raised, self.here.sure = _said(error), instead.sure
            return instead.result

    def type_of(self, module: torch.nn.Module) -> str:
        """Return the layer type of a module, "" to look at the modules within."""
        return self.wholes.get(self.names.get(module, "")) or _type(module, self.by_name)

    def left(self, module: torch.nn.Module) -> None:
        while self.here.around and self.here.around.pop() is not module:
            pass  # one that raised, and whose error was caught

    def named(self, module: torch.nn.Module) -> str:
        """Return the path of a module; of one made during the run, its class within the module around it.

        One without weights may be a part of many modules, as an activation that a default argument made: it goes by the one
        that runs.
        """
        around = self.here.around[-1:] if module in self.shared else []
        for path, part in (named for one in around if one in self.names for named in one.named_children()):
            if part is module:
                return self.within(path)
        return self.names.get(module) or self.within(f"{type(module).__name__}()")

    def around(self) -> str:
        """Return the path of the innermost module that runs."""
        return next((self.names[module] for module in reversed(self.here.around) if self.names.get(module)), "")

    def within(self, name: str) -> str:
        around = self.around()
        return f"{around}.{name}" if around else name

    # Functions

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if self.here.layer is not None or self.ended:
            return self.within_layer(function, args, kwargs)
        if function in SIZES:
            return self.size(function, args, kwargs)
        given = tensors_in(args) + tensors_in(tuple(kwargs.values()))
        entering = [self.known(tensor) for tensor in given]
        name, call = _name(function), self.called(function, args, kwargs, given, entering)
        alive = any(call.alive)
        if _has_recorded((args, kwargs)):
            args, kwargs = _mapped(args, unrecorded), _mapped(kwargs, unrecorded)
        raised, sure = "", False
        try:
            if alive and len(self.ops) in self.refused and call.name in (*FLATTENS, *PAIRS):
                raise RuntimeError(self.refused[len(self.ops)])  # noqa: TRY301 -- as torch would
            result = self.strictly(function, args, kwargs)
        except Exception as error:
            instead = stand_in(call.name, args, kwargs) if self.repairing and alive else None
            raised = _said(error)
            if alive and not self.failed and instead is None:
                self.failed = self.within(f"{name.strip('_')}()")
                self.function(function, call, raised)
            if instead is None:
                raise
            result, sure = instead
        inert = any(kind.inert for kind in kinds_of(call.name)) and not name.endswith("_")
        if inert and any(result is tensor for tensor in given):
            result = result.view_as(result)
        made = given[:1] if name == "__setitem__" else tensors_in(result)
        if not made:
            return result
        with self.recording_one:
            self.finished(function, call, made, raised, sure=sure)
        return result

    def strictly(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a function; a convolution of samples without channels raises, as it would for more than one sample."""
        rank = 0 if self.by_name else RANKS.get(function, 0)
        for tensor in tensors_in(args[:1]) if rank else ():
            known = self.known(tensor)
            if known.value and known.batch == 0 and tensor.dim() == rank + 1:
                sizes = ", ".join(["N", *map(str, known.shape[1:])])
                raise RuntimeError(
                    f"Expected {rank + 2}D input to {_name(function)}, but got {rank + 1}D input of size ({sizes}), "
                    f"whose batch would be the channels"
                )
        return run_strictly(function, args, kwargs)

    def within_layer(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Run a function of a module that is a layer; where it raises, return what stands for its result."""
        if self.ended:
            return run_strictly(function, args, kwargs)
        try:
            return self.strictly(function, args, kwargs)
        except Exception as error:
            instead = stand_in(plain(_name(function)), args, kwargs) if self.repairing else None
            if instead is None:
                raise
            self.here.sure = instead.sure and (self.here.sure or not self.here.raised)
            self.here.raised = self.here.raised or _said(error)
            return instead.result

    def finished(
        self, function: Any, call: Called, made: list[torch.Tensor], raised: str, *, sure: bool = False
    ) -> None:
        """Note the results of a function, and the function itself where they come from the net's inputs."""
        axes = [0 if raised else batch_behind(function, call, tensor) for tensor in made]
        constant = call.name in CONSTANT or (call.name in TYPED_AS and not call.alive[0])
        if constant or not any(call.alive):
            weights = () if constant else _of_weights(call.tensors)
            kept = call.name in KEEPS and bool(call.tensors) and all(tensor.zeros for tensor in call.tensors)
            for tensor, axis in zip(made, axes, strict=True):
                computed = not self.is_weight(tensor, weights)
                self.tensors[tensor] = _tensor(
                    tensor, 0, axis, weights, computed=computed, zeros=kept or call.name in ZEROS
                )
            self.zeros += made * (call.name in ZEROS)
            return
        outputs = [self.note(tensor, axis) for tensor, axis in zip(made, axes, strict=True)]
        exchange = turned(call._replace(results=outputs))
        if exchange:
            outputs = [self.note(tensor, axis, exchange) for tensor, axis in zip(made, axes, strict=True)]
        self.function(function, call._replace(results=outputs), raised, sure=sure)

    def is_weight(self, tensor: torch.Tensor, names: Sequence[str]) -> bool:
        """Say whether a tensor is the one weight that it is made of, with its numbers in their order."""
        weight = self.weights[names[0]] if len(names) == 1 else None
        if weight is None or torch.nn.parameter.is_lazy(weight) or weight.numel() != tensor.numel():
            return False
        return bool(torch._C._is_alias_of(tensor, weight)) and tensor.is_contiguous() and weight.is_contiguous()  # noqa: SLF001

    def called(
        self, function: Any, args: Any, kwargs: dict[str, Any], given: list[torch.Tensor], entering: list[Tensor]
    ) -> Called:
        """Return a call of a function as record."""
        by_id = {id(tensor): one for tensor, one in zip(given, entering, strict=True)}

        def record(value: Any) -> Any:
            if isinstance(value, torch.Tensor):
                return by_id.get(id(value), value)
            if isinstance(value, Recorded) and value.sink is not self.guards:  # of another run
                return unrecorded(value)
            return value

        name = plain(_name(function))
        alive = [tensor.value > 0 for tensor in entering]
        axis = next((tensor.batch for tensor in entering if tensor.value), 0)
        before = entering[0].turned if entering else None
        weighted = any(tensor.weights for tensor in entering)
        return Called(name, _mapped(args, record), _mapped(kwargs, record), entering, [], alive, weighted, before, axis)

    def function(self, function: Any, call: Called, raised: str = "", *, sure: bool = False) -> None:
        """Record a function that ran, or raised."""
        name = _name(function)
        inputs, outputs = tuple(call.tensors), tuple(call.results)
        weights = _of_weights(call.tensors)
        line = calling_line(self.home)
        self.add(Op(self.around(), name, call.name, None, call, inputs, outputs, weights, line, raised, sure))
        if outputs:
            self.failed = ""  # what was raised before, the model caught

    def size(self, function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        """Return the sizes of a tensor that a model asks for; of one that comes from the net's inputs, recorded."""
        result = function(*args, **kwargs)
        tensor = self.known(args[0]) if args else None
        if tensor is None or not tensor.value:
            return result
        if isinstance(result, torch.Size):
            return torch.Size([self.side(tensor, axis) for axis in range(len(result))])
        if function in (torch.Tensor.numel, torch.Tensor.nelement):
            sides = [SideOf(tensor.value, axis) for axis in range(len(tensor.shape))]
            expression: Expression = 1
            for side in sides:
                expression = side if expression == 1 else Operation("*", (expression, side))
            return recorded(result, expression, self.guards)
        axis = 0 if function is torch.Tensor.__len__ else kwargs.get("dim", args[-1])
        return self.side(tensor, axis % len(tensor.shape))

    def side(self, tensor: Tensor, axis: int) -> Any:
        return recorded(tensor.shape[axis], SideOf(tensor.value, axis), self.guards)

    # Both

    def add(self, op: Op) -> None:
        self.ops.append(op)
        self.guards.ran = len(self.ops)

    def note(self, tensor: torch.Tensor, batch: int | None, exchange: Any = None) -> Tensor:
        """Give a tensor a new value; return its record."""
        self.values += exchange is None
        one = _tensor(tensor, self.values, batch, exchange=exchange)
        self.tensors[tensor] = one
        return one

    def known(self, tensor: torch.Tensor) -> Tensor:
        """Return the record of a tensor; one without comes from code that torch does not show."""
        found: Tensor | None = self.tensors.get(tensor, None)
        if found is not None and found.shape == tensor.shape:
            return found
        if found is not None:  # its memory was given another shape
            one = self.tensors[tensor] = _tensor(tensor, found.value, found.batch)
            return one
        if id(tensor) in self.titles:  # a parameter that its first run made
            name = self.titles[id(tensor)]
            one = self.tensors[tensor] = _tensor(tensor, 0, 0, (name,), computed=False)
            return one
        made = (weight for weight in self.weights.values() if not torch.nn.parameter.is_lazy(weight))
        for other in (*self.zeros, *made):  # Variable(torch.zeros(...)) is another object, and so is one of a buffer
            if other is not tensor and other.shape == tensor.shape and torch._C._is_alias_of(other, tensor):  # noqa: SLF001
                return self.known(other)
        before = self.ops[-1].outputs if self.ops else tuple(self.inputs.values())
        one = self.note(tensor, 0)
        self.add(Op(self.around(), "", "", None, None, before, (one,), (), calling_line(self.home)))
        return one


def _said(error: Exception) -> str:
    """Write an exception in a line."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"


def _tensor(  # noqa: PLR0913 -- what a Tensor has
    tensor: torch.Tensor,
    value: int,
    batch: int | None,
    weights: tuple[str, ...] = (),
    exchange: Any = None,
    *,
    computed: bool = True,
    zeros: bool = False,
) -> Tensor:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return Tensor(value, tuple(tensor.shape), batch, weights, computed, dtype, exchange, zeros)


def _weight(tensor: torch.Tensor, parameter: bool) -> Weight:
    lazy = torch.nn.parameter.is_lazy(tensor)
    return Weight(() if lazy else tuple(tensor.shape), parameter, tensor.requires_grad)


def _of_weights(tensors: Iterable[Tensor]) -> tuple[str, ...]:
    """Return the weights that tensors are made of."""
    return tuple(dict.fromkeys(name for tensor in tensors for name in tensor.weights))


def _mapped(value: Any, function: Callable[[Any], Any]) -> Any:
    """Return an argument with a function applied to all that stands in its tuples, lists, dicts and slices."""
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind is slice:
        return slice(*(_mapped(end, function) for end in (value.start, value.stop, value.step)))
    if isinstance(value, dict):
        return {key: _mapped(entry, function) for key, entry in value.items()}
    if isinstance(value, (tuple, list)):
        entries = [_mapped(entry, function) for entry in value]
        return entries if isinstance(value, list) else tuple(entries)
    return function(value)


PLAIN: Final = {int, float, bool, str, type(None), torch.dtype, torch.device}


def _has_recorded(value: Any) -> bool:
    return any(isinstance(one, Recorded) for one in _entries(value))


def _entries(value: Any) -> Iterator[Any]:
    """Yield all that stands in tuples, lists, dicts and slices."""
    if type(value) in PLAIN or isinstance(value, torch.Tensor):
        return
    if isinstance(value, (tuple, list)):
        for entry in value:
            yield from _entries(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            yield from _entries(entry)
    elif type(value) is slice:
        yield from _entries((value.start, value.stop, value.step))
    else:
        yield value


def _weights(module: torch.nn.Module) -> Iterable[torch.Tensor]:
    """Return the parameters and buffers of a module; quickly, where it has no modules within."""
    inside = vars(module)["_modules"]
    if inside:
        return [*module.parameters(), *module.buffers()]
    own = (*vars(module)["_parameters"].values(), *vars(module)["_buffers"].values())
    return [tensor for tensor in own if tensor is not None]


def _name(function: Any) -> str:
    """Return the name of a function of torch: conv2d of an exported model's conv2d.default, that of an attribute such as mT."""
    name: str = getattr(function, "__name__", "").partition(".")[0]
    return getattr(getattr(function, "__self__", None), "__name__", name) if name == "__get__" else name


def _type(module: torch.nn.Module, by_name: bool) -> str:
    """Return the layer type of a module, "" to look at the modules within, as in every user's class that has some."""
    kind: str = type_of(type(module), by_name=by_name)  # type: ignore[arg-type]  # mypy takes it for Any
    return kind if kind and (type(module).__module__.startswith("torch.") or not any(module.children())) else ""
