"""What a run of an ONNX graph has recorded so far, and a node of it that is lowered: how operations are added.

In: a graph. Out: its tensors by name, operations, weights. The files of operators add to it; run.py runs the nodes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.compare.recording import Line, Op, Tensor, Weight
from cnnshape.convert.from_onnx.model import attributes, is_float, numbers, title
from cnnshape.convert.from_onnx.names import Names
from cnnshape.convert.from_onnx.patterns import Steps
from cnnshape.layers.in_torch import Called

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnnshape.convert.from_onnx.model import Model
    from cnnshape.convert.from_onnx.names import Named
    from cnnshape.convert.from_onnx.patterns import Step
    from cnnshape.numbers.shape import Shape

# Inputs that say what an operator does, by their places: constants there are no weights, though they are numbers with a point.
SETTINGS: Final[dict[str, tuple[int, ...]]] = {
    "Resize": (1, 2),
    "Upsample": (1,),
    "OneHot": (2,),
    "NonMaxSuppression": (3, 4),
}


class Refused(ValueError):  # noqa: N818 -- it names a fact
    """A node that refuses what enters, or that cannot be read."""

    def __init__(self, node: Any, why: str):
        super().__init__(f"{title(node)}: {why}")
        self.node = node
        self.held: dict[str, Held] = {}  # what the run has before it


@dataclass(slots=True)
class Held:
    """A tensor of the graph."""

    tensor: Tensor
    kind: int  # of its numbers, as ONNX counts them
    array: Any = None  # its numbers, where they are known


@dataclass
class Graph:
    """What runs of a model have in common."""

    model: Model
    steps: list[Step] = field(init=False)
    named: dict[int, Named] = field(init=False)  # by the identity of a step's node
    names: Names = field(init=False)
    places: dict[int, int] = field(init=False)  # of steps' nodes, from 1
    real: list[Any] = field(init=False)  # nodes that are more than the computation of a shape
    folders: dict[int, Any] = field(default_factory=dict)
    fixed: dict[str, Held] = field(default_factory=dict)  # the values that are the same in every run, after the first
    branches: dict[tuple[int, bool], Any] = field(
        default_factory=dict
    )  # those that runs took, kept for their nodes' identity

    def __post_init__(self) -> None:
        self.steps = [*Steps(self.model)]
        self.places = {id(step.node): place for place, step in enumerate(self.steps, start=1)}
        # what computes shapes tells nothing of modules
        constant = {*self.model.values}
        for step in self.steps:
            if all(name in constant for name in step.node.input):
                constant |= {*step.node.output}
        self.real = [
            step.node
            for step in self.steps
            if step.node.op_type not in {"Shape", "Cast"} and not constant.issuperset(step.node.output)
        ]
        firsts = {
            place: next((name for name in node.input if name in self.model.constants), "")
            for place, node in enumerate(self.real)
        }
        self.names = Names(self.real, firsts)
        self.named = {id(node): named for node, named in zip(self.real, self.names.found, strict=True)}


class State:
    """The tensors, operations and weights of a run."""

    def __init__(self, graph: Graph, explicit: frozenset[str]):
        self.graph, self.model, self.explicit = graph, graph.model, explicit
        self.ops: list[Op] = []
        self.weights: dict[str, Weight] = {}
        self.users: dict[str, str] = {}  # of each constant, the weight that it is
        self.copied: list[str] = []  # constants that are weights of several layers
        self.folded: list[str] = []  # layers whose weights the graph computes of constants
        self.notes: list[str] = []  # what must be said of the run, in the order of its nodes
        self.held: dict[str, Held] = {**graph.fixed}
        self.required: dict[int, dict[int, dict[str, int]]] = {}  # what nodes ask of sides, by values and axes
        self.reshapes: list[Any] = []  # nodes that make several samples of one
        self.macs = 0
        self.count = len(self.model.inputs)
        self.static: set[str] = {*graph.fixed}  # values that are the same in every run

    def get(self, name: str, node: Any) -> Held:
        """Return a tensor by its name; a constant, where no node makes it."""
        if name not in self.held:
            constant = self.model.constants.get(name)
            if constant is None:
                why = f"it reads {name}, which nothing before it makes"
                raise (
                    Refused(node, why)
                    if node is not None
                    else ValueError(f"{self.model.file}: no node makes its output {name}")
                )
            try:
                self.held[name] = self.constant(constant, name)
            except (LookupError, TypeError, ValueError) as error:
                raise ValueError(f"{self.model.file}: its constant {name} cannot be read: {error!s:.200}") from None
            self.static.add(name)
        return self.held[name]

    def constant(self, tensor: Any, name: str) -> Held:
        shape = tuple(tensor.dims)
        weights = (name,) if is_float(tensor) and prod(shape) != 1 else ()
        return Held(Tensor(0, shape, None, weights, computed=False), tensor.data_type, numbers(tensor))

    def reshaped(self, given: Given, shape: Shape) -> None:
        """Note a reshape that makes several samples of one, or one of several."""
        if given.x.batch == 0 and given.x.shape[:1] != shape[:1]:
            self.reshapes.append(given.node)

    def line(self, node: Any) -> Line:
        """Return the place of a node, counted from 1, as a line."""
        return Line(self.model.file, self.graph.places.get(id(node), 1))

    def note(self, said: str) -> None:
        if said not in self.notes:
            self.notes.append(said)


class Given:
    """A node that is lowered: what enters and what it gives, and how operations are added for it."""

    def __init__(
        self, run: State, node: Any, entering: Sequence[Held | None], made: Sequence[tuple[int, Shape]], bias: str
    ):
        self.run, self.node, self.entering, self.bias = run, node, entering, bias
        self.kinds = [kind for kind, _ in made]
        self.shapes = [shape for _, shape in made]
        self.attributes = attributes(node)
        named = run.graph.named.get(id(node))
        self.path, self.own = (named.path, named.own) if named else ("", False)

    @property
    def x(self) -> Tensor:
        """The first tensor that enters."""
        return self.tensor(0)

    def has(self, index: int) -> bool:
        return index < len(self.entering) and self.entering[index] is not None

    def tensor(self, index: int) -> Tensor:
        held = self.entering[index] if index < len(self.entering) else None
        if held is None:
            raise Refused(self.node, f"its input {index} is missing")
        return held.tensor

    def array(self, index: int) -> Any:
        """Return the numbers of an input; None where there are none, or they are not known."""
        held = self.entering[index] if self.has(index) else None
        return held.array if held else None

    def known(self, index: int, what: str) -> Any:
        """Return the numbers of an input that the shape depends on. Raises Refused."""
        array = self.array(index)
        if array is None:
            raise Refused(self.node, f"its {what} depends on the numbers that enter")
        return array

    def ints(self, name: str, index: int) -> list[int] | None:
        """Return whole numbers that older opsets have as an attribute, and newer ones as an input; None where not given."""
        if name in self.attributes:
            return [int(number) for number in self.attributes[name]]
        return [int(number) for number in self.known(index, name).reshape(-1)] if self.has(index) else None

    def refuse(self, why: str) -> Refused:
        return Refused(self.node, why)

    def learned(self, *roles: str) -> dict[str, str]:
        """Return the constants that the node has as weights, by roles, which are those of its inputs behind the first."""
        found: dict[str, str] = {}
        for index, role in enumerate(roles, start=1):
            if self.has(index):
                tensor = self.tensor(index)
                names = tensor.weights or (self.node.input[index],)
                if tensor.computed and sum(prod(self.shape_of(name)) for name in names) != tensor.numel():
                    names = (self.node.input[index],)  # a runtime computes it once, and has it as one constant
                    self.run.folded.append(self.path or name_of(self.node))
                found |= {f"{role}_{place}" if place else role: name for place, name in enumerate(names)}
        return found

    @property
    def explicit(self) -> bool:
        """Whether the node is one that is to say which sizes it takes: it refuses some that the layers before it do not."""
        return name_of(self.node) in self.run.explicit

    def asks(self, axis: int, *, always: bool = False, **settings: int) -> None:
        """Note what the node asks of a side of what enters: `at_least`, `at_most`, `multiple_of`."""
        if self.explicit or always:
            asked = self.run.required.setdefault(self.x.value, {})
            asked[axis] = asked.get(axis, {}) | settings

    # Results

    def result(self, tensor: Tensor, index: int = 0) -> None:
        """Note the tensor that a result of the node is."""
        self.run.held[self.node.output[index]] = Held(tensor, self.kinds[index])

    def fresh(self, shape: Shape, batch: int | None = 0) -> Tensor:
        self.run.count += 1
        return Tensor(self.run.count, tuple(shape), batch)

    def module(  # noqa: PLR0913 -- what an operation has
        self,
        layer: Any,
        inputs: Sequence[Tensor],
        shape: Shape,
        *,
        weights: Mapping[str, str] | None = None,
        part: str = "",
        kind: str = "",
    ) -> Tensor:
        """Add a layer, which has constants as weights by their roles; `part` names one beside the node's own layer.

        Without a layer it is opaque, with the multiply-accumulates of a `kind`.
        """
        kind = layer.type if layer else kind or self.node.op_type
        if part or not self.own:
            path = ".".join(filter(None, [self.around if part else self.path, part or kind.lower()]))
        else:
            path = self.path
        output = self.fresh(shape, behind(kind, inputs[0], shape))
        names, line = self.weigh(path, weights or {}), self.run.line(self.node)
        self.run.ops.append(Op(path, self.node.op_type, kind, layer, None, tuple(inputs), (output,), names, line))
        return output

    def beside(self, batch: int) -> None:
        """Note that the operation added last gives the second result as well."""
        tensor, op = self.fresh(self.shapes[1], batch), self.run.ops[-1]
        self.run.ops[-1] = op._replace(outputs=(*op.outputs, tensor))
        self.result(tensor, 1)

    @property
    def around(self) -> str:
        """The path of the module around the node's own."""
        return self.path.rpartition(".")[0] if self.own else self.path

    def call(
        self,
        name: str,
        args: Sequence[Any],
        shapes: Sequence[Shape],
        order: Sequence[int] = (),
        batch: int | None = None,
        **kwargs: Any,
    ) -> list[Tensor]:
        """Add a call of a function of torch; return its results, with the axes of what enters in an order.

        `batch` is the axis of the batch in them, where sizes do not tell.
        """
        given = [one for one in _flat((*args, *kwargs.values())) if isinstance(one, Tensor)]
        loose = dict.fromkeys(weight for one in given if not one.value for weight in one.weights)
        renamed = {weight: self.weigh_loose(weight) for weight in loose}

        def with_names(one: Any) -> Any:
            if isinstance(one, list):
                return [*map(with_names, one)]
            if isinstance(one, Tensor) and not one.value:
                return Tensor(0, one.shape, None, tuple(renamed[weight] for weight in one.weights), one.computed)
            return one

        args, kwargs = [*map(with_names, args)], {key: with_names(one) for key, one in kwargs.items()}
        tensors = [one for one in _flat((*args, *kwargs.values())) if isinstance(one, Tensor)]
        source = next(tensor for tensor in tensors if tensor.value)
        axes = [behind(name, source, shape, order) if batch is None else batch for shape in shapes]
        outputs = [self.fresh(shape, axis) for shape, axis in zip(shapes, axes, strict=True)]
        alive = [bool(tensor.value) for tensor in tensors]
        weights = tuple(renamed.values())
        called = Called(name, tuple(args), kwargs, tensors, outputs, alive, bool(weights), None)
        line = self.run.line(self.node)
        op = Op(self.around, name, name, None, called, tuple(tensors), tuple(outputs), weights, line)
        self.run.ops.append(op)
        return outputs

    def opaque(self) -> None:
        """Add an operation of which no layer says what it does, but the shapes of its results."""
        settings = SETTINGS.get(self.node.op_type, ())
        entering = [held.tensor for index, held in enumerate(self.entering) if held and index not in settings]
        weights = {
            name.rpartition(".")[2] or str(index): name
            for index, tensor in enumerate(entering)
            if not tensor.value
            for name in tensor.weights
        }
        for index, name in enumerate(self.node.output):
            if name:
                self.result(self.module(None, entering, self.shapes[index], weights=weights), index)
                weights = {}  # once

    def weigh_loose(self, weight: str) -> str:
        """Return the name of a weight that is no module's, but takes part by itself."""
        module, _, role = weight.rpartition(".")
        plain = re.sub(r"\W", "_", role)
        path = self.around if module else ".".join(filter(None, [self.around, plain]))
        return self.weigh(path, {role if module else "weight": weight})[0]

    def weigh(self, path: str, weights: Mapping[str, str]) -> tuple[str, ...]:
        """Return the names of a layer's weights, by the constants that they are.

        Constants that another layer has as well are the same weights where all are that layer's, and not of one number alone; else
        this layer has them for itself.
        """
        run = self.run
        known = [run.users.get(name) for name in weights.values()]
        of_one = all(known) and len({str(title).rpartition(".")[0] for title in known}) == 1
        if of_one and not all(map(self.uniform, weights.values())):
            return tuple(filter(None, known))
        found = []
        for role, name in weights.items():
            shape = self.shape_of(name)
            if name in run.users and name not in run.copied:
                run.copied.append(name)
            title = name if name.rpartition(".")[0] == path and path else f"{path or self.node.op_type}.{role}"
            while title in run.weights:
                title = f"{title}_"
            run.users.setdefault(name, title)
            parameter = role not in {"running_mean", "running_var"}
            run.weights[title] = Weight(shape, parameter, parameter)
            found.append(title)
        return tuple(found)

    def uniform(self, name: str) -> bool:
        """Say whether a constant is one number throughout, as fresh weights of norms are, which exporters write once for all."""
        array = self.run.get(name, self.node).array
        return array is not None and bool((array == array.reshape(-1)[:1]).all())

    def shape_of(self, name: str) -> Shape:
        return self.run.get(name, self.node).tensor.shape

    def counted(self, macs: int) -> None:
        """Count multiply-accumulates."""
        self.run.macs += macs


def name_of(node: Any) -> str:
    """Return what tells a node from others: its name, or that of its first result."""
    return str(node.name or node.output[0])


def behind(name: str, x: Tensor, shape: Shape, order: Sequence[int] = ()) -> int | None:
    """Return the axis of the batch in the result of an operation, None where it has none: see pytorch/batch_axis.py."""
    if order and x.batch is not None:
        return [*order].index(x.batch)
    if x.batch == 0:
        dropped = name in {"squeeze", "getitem"} and x.shape[:1] == (1,) != shape[:1] and shape == x.shape[1:]
        return None if dropped else 0
    if x.batch is not None and shape == x.shape:
        return x.batch
    return next((axis for axis, size in enumerate(shape) if size == 1), None)


def _flat(args: Sequence[Any]) -> list[Any]:
    return [one for each in args for one in (each if isinstance(each, list) else [each])]
