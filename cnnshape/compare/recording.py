"""The recording of one run of a live model: every operation that it ran, in order. pytorch/ makes it; no torch here.

Shapes are torch's, with the batch, in the order of axes that the tensor has. A value is a number for a tensor: 0 for one that
has nothing of the net's inputs in it, then the inputs, then each result of an operation, an in-place one's included.
Ints and floats among arguments are as the model gave them: where they came from shapes they are numbers/recorded.py's,
equal to plain ones, with an `expression` over the sides of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.layers.in_torch import Called
    from cnnshape.numbers.recorded import Expression
    from cnnshape.numbers.shape import Shape


class Line(NamedTuple):
    """A line of the user's code; no file where there is none, as in a shell."""

    file: str
    line: int


@dataclass(frozen=True, slots=True, eq=False)
class Tensor:
    """A tensor where it enters an operation or leaves it; the same tensor is the same object. No tuple, as in torch."""

    value: int  # 0: it does not depend on the net's inputs
    shape: Shape  # with the batch
    batch: int | None  # the axis of the batch, None for none
    weights: tuple[str, ...] = ()  # parameters and buffers that it is made of, and no layer has used yet
    computed: bool = True  # it is made of the weights; False: it is the one weight itself, perhaps in another shape
    dtype: str = "float32"
    turned: tuple[Shape, Shape] | None = None  # the shapes before and after the exchange of axes that made it
    zeros: bool = False  # all its numbers are 0

    @property
    def of_sample(self) -> Shape:
        """The shape without the batch."""
        return tuple(size for axis, size in enumerate(self.shape) if axis != self.batch)

    def numel(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


class Weight(NamedTuple):
    """A parameter or a buffer of the model, by its dotted name."""

    shape: Shape
    parameter: bool  # False: a buffer
    trained: bool  # requires_grad

    def numel(self) -> int:
        """How many numbers it has."""
        return prod(self.shape)


class Module(NamedTuple):
    """A module of the model, by its path."""

    kind: str  # its class, with the classes and functions around it: Net.Block
    type: str  # the layer type that it is as a whole, torch's name where files have none; "" to look inside
    file: str  # of its class; "" where torch or no file has it


class Op(NamedTuple):
    """One operation: a module that is a layer (`layer`, `call` is None), or a function (`call`).

    With neither, it is code that torch does not show (a compiled function): it made its output of the results before it.
    """

    path: str  # the module's; of a function, that of the module that calls it; "" for the model itself
    name: str  # the module's class; the function's name as torch has it: conv2d, relu_, __getitem__
    type: str  # the module's layer type; the function's name without what differs: conv, relu, getitem
    layer: Any  # of a module, the Layer with its settings, None where files have none
    call: Called | None  # of a function, with Tensors of this file; see called.layers_of
    inputs: tuple[Tensor, ...]  # tensors among the arguments, in their order; those of value 0 included
    outputs: tuple[Tensor, ...]  # none where it raised and nothing could stand for its result
    weights: tuple[str, ...]  # parameters and buffers that it uses
    line: Line | None  # of the user's code that runs it: the innermost frame that is no library's
    raised: str = ""  # why torch refuses it; the outputs are then what it declares
    sure: bool = False  # where it raised: the shapes of the outputs do not depend on what torch refuses


class Guard(NamedTuple):
    """A comparison of recorded numbers, by which the run went one way."""

    sign: str  # == != < <= > >=
    left: Expression
    right: Expression
    outcome: bool
    line: Line | None
    at: int  # how many operations had run before


class Output(NamedTuple):
    """A tensor that the model returned."""

    key: str  # in a dict, a named tuple or a dataclass, "" elsewhere
    group: int  # the same for the entries of one dict, 0 elsewhere
    tensor: Tensor


class Failure(NamedTuple):
    """The exception that ended the run, and the module or function that raised it."""

    message: str
    module: str
    line: Line | None = None  # of the user's code that raised


class Recording(NamedTuple):
    """One run of a model."""

    model: str  # its class
    inputs: dict[str, Tensor]
    ops: tuple[Op, ...]
    outputs: tuple[Output, ...]
    guards: tuple[Guard, ...]
    weights: dict[str, Weight]
    modules: dict[str, Module]  # by path, "" the model itself, in the order of registration
    failure: Failure | None = None  # the end of the run, which nothing could repair
    listed: bool = False  # the inputs went in as one list

    def layers(self) -> dict[str, Any]:
        """Return the Layers that modules ran as, by path; None for one that files have no type for."""
        return {op.path: op.layer for op in self.ops if op.call is None}

    def weighted(self) -> set[str]:
        """Return the paths of the weights and buffers, and of the modules that have some."""
        return {*self.weights, *(name.rpartition(".")[0] for name in self.weights)}

    def unused(self, used: Iterable[str]) -> dict[str, int]:
        """Return the modules with parameters that are not among those used, by path, and how many numbers these are."""
        names = {*used}
        found: dict[str, int] = {}
        for name, weight in self.weights.items():
            if weight.parameter and name not in names:
                module = name.rpartition(".")[0] or name
                found[module] = found.get(module, 0) + weight.numel()
        return found
