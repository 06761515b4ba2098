"""How torch spells a layer type: a layer goes out as its module or function, a live module or call comes in as a layer.

Torch, modules and tensors are arguments, asked for their attributes and shapes: no layer type imports torch. A type
overrides what differs: mostly `functions` and `arguments`, or nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cnnshape.layers.parameters import Parameter
    from cnnshape.numbers.rules import N
    from cnnshape.numbers.shape import Shape


class Called(NamedTuple):
    """One call of a function of torch; the shapes of its tensors have the batch, mostly first."""

    name: str  # as a layer type says it: conv of conv2d, relu of relu_
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tensors: list[Any]  # the tensors among the arguments
    results: list[Any]
    alive: list[bool]  # which of the tensors come from the net's input
    weighted: bool  # whether a tensor comes from a parameter of the model
    turned: tuple[Shape, Shape] | None  # the shapes before and after the exchange of axes that made the first tensor
    batch: int | None = 0  # the axis of the batch in the tensors, None where they have none

    def entering(self) -> Shape:
        """Return the shape of the first tensor, with the batch first."""
        x, at = tuple(self.tensors[0].shape), self.batch or 0
        return (*x[at : at + 1], *x[:at], *x[at + 1 :])

    def counted(self, axis: int) -> int:
        """Return an axis of the first tensor as it is counted with the batch first, which is 0."""
        if self.batch is None or axis < self.batch:
            return axis + 1
        return axis if axis > self.batch else 0

    def arguments(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the arguments behind the input by their names."""
        return dict(zip(names, self.args[1:], strict=False)) | self.kwargs


class Recognized(NamedTuple):
    """A call, or a part of it, read as a layer."""

    type: str
    layer: Any  # a Layer with its settings, None where these do not matter
    results: list[Any]  # the results of the call that this layer makes
    minor: bool = False  # files may well leave it out


class Made(Protocol):
    """A layer that ran, and the values that it read."""

    @property
    def layer(self) -> Any: ...
    @property
    def inputs(self) -> tuple[int, ...]: ...


class InTorch:
    """A layer type as torch has it."""

    parameters: ClassVar[dict[str, Parameter[Any]]]
    type: ClassVar[str]

    torch: ClassVar[str] = ""  # the class of torch.nn, with {rank} for 1 to 3; "" where it is a function of torch
    # Other classes of torch.nn that do the same on evaluation, each with the settings that it stands for.
    modules: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    functions: ClassVar[tuple[str, ...]] = ()  # torch's functions for it, but for one with the type's own name
    arguments: ClassVar[str] = ""  # the arguments of its functions behind the input, where the class has others
    by_name: ClassVar[bool] = False  # a user's module whose class has the type's name is one, whatever it calls
    exchanges: ClassVar[bool] = False  # its result has the values of its input, with the axes in another order
    in_parts: ClassVar[bool] = False  # models take its result apart and join the parts: they are still its result
    cuts: ClassVar[bool]
    stacks: ClassVar[bool]
    inert: ClassVar[bool] = False  # on evaluation its result is its input, perhaps the very tensor

    # The layer in torch

    def module(self, torch: Any, *inputs: Shape) -> Any:
        """Return the torch.nn module that it stands for; None where it is a function of torch, see `call`."""
        if not self.torch:
            return None
        rank = len(inputs[0]) - 1
        given = {
            name: getattr(self, name)
            for name, parameter in self.parameters.items()
            if parameter.torch and (parameter.required or getattr(self, name) != parameter.default)
        }
        return getattr(torch.nn, self.torch.format(rank=max(rank, 1)))(**given)

    def call(self, torch: Any, module: Any, *tensors: Any) -> Any:
        """Run the layer on real tensors (with the batch axis); `torch` is torch itself, `module` the result of `module`."""
        return module(tensors[0])

    def extreme(self, torch: Any, *tensors: Any) -> tuple[Any, ...]:
        """Return tensors of the same shapes that torch refuses where it refuses any of them."""
        return tensors

    def construct(self, torch: Any, parts: Any, *inputs: Shape) -> Any:
        """Return the module of generated code: that of `module`, or one of cnnshape/convert/parts.py; None for a function."""
        return self.module(torch, *inputs)

    def apply(self, torch: Any, parts: Any, module: Any, *tensors: Any) -> Any:
        """Run the layer with such a module, at any size."""
        return self.call(torch, module, *tensors)

    def state(self, x: Shape) -> dict[str, Shape]:
        """Return the shapes of the parameters and buffers, at input x, by the names that torch's modules give them."""
        return {}

    def also(self) -> Sequence[Mapping[str, str]]:
        """Return other names of theirs in checkpoints, each way of naming by itself: the end of a name by that of `state`."""
        return ()

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return how many elements torch may write out on the way, besides its input and its result.

        `onednn`: whether it computes this, on the CPU; None on other devices.
        """
        return 0

    # What torch has, as a layer

    @classmethod
    def of_torch(cls, given: Mapping[str, Any]) -> Self:
        """Return a layer from settings in torch's form; those that the type does not have are ignored."""
        known = {name: parameter.of_torch(given[name]) for name, parameter in cls.parameters.items() if name in given}
        return cls(**{name: value for name, value in known.items() if value is not None})

    @classmethod
    def of_module(cls, module: Any, **said: Any) -> Self:
        """Return a module as a layer; `said` are settings that its class stands for; unknown ones are UNKNOWN."""
        names = [name for name, parameter in cls.parameters.items() if parameter.torch or hasattr(module, name)]
        return cls.of_torch(said | {name: getattr(module, name, said.get(name, UNKNOWN)) for name in names})

    def on(self, batch: int | None) -> Self:
        """Return the layer of a module as it works on a tensor with its batch at this axis, counted from 0; None: without.

        Of interest to types whose modules choose their axes from the front.
        """
        return self

    def beside(self) -> Any:
        """Return the layer whose results a module returns beside its own, None for most."""
        return None

    @classmethod
    def of_call(cls, call: Called) -> Iterator[Recognized]:
        """Yield the layers that a call of one of the type's functions makes; none where it is something else."""
        given = call.arguments(cls.arguments.split() or cls.parameters)
        defaults = {name: parameter.default for name, parameter in cls.parameters.items() if not parameter.required}
        yield Recognized(cls.type, cls.of_torch(defaults | given | cls.told(given, call)), call.results)

    @classmethod
    def told(cls, given: Mapping[str, Any], call: Called) -> dict[str, Any]:
        """Return the settings that the arguments tell by other names, or by the shapes of weights."""
        return {}

    def among(self, inputs: tuple[int, ...], maker: Callable[[int], Made | None]) -> tuple[Any, tuple[int, ...]]:
        """Return the layer as files write it, seen with the layers that made its inputs, and the values that enter."""
        parts = [*map(maker, inputs)] if self.cuts or self.stacks else []
        one = parts[0] if parts else None
        same = one and all(part and (part.layer, part.inputs) == (one.layer, one.inputs) for part in parts)
        return (one.layer, one.inputs) if one and same and one.layer and one.layer.in_parts else (self, inputs)


def padded_tensor(
    torch: Any, x: Any, ends: Sequence[tuple[int, int]], *, mode: str = "constant", value: float = 0.0
) -> Any:
    """Return a tensor with cells added before and after each spatial axis, or cut off where negative."""
    flat = [cells for pair in reversed(ends) for cells in pair]
    return torch.nn.functional.pad(x, flat, mode=mode, value=value if mode == "constant" else None)
