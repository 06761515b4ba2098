"""A run of an ONNX graph on shapes alone -> its recording, as a live model has one: operations, with what goes in and out.

In: a model and the shapes of its inputs. Out: a Run: the recording, and what must be said of it. Shapes are those of ONNX's
own inference, node by node, numbers of shapes are computed by ONNX's own reference; Refused names the node that refuses.
"""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import cached_property
from math import prod
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from onnx import TensorProto, checker, defs, helper, numpy_helper, shape_inference

from cnnshape.compare.recording import Op, Output, Recording, Tensor
from cnnshape.convert.from_onnx.model import DOMAINS, FEW, attributes, constant_of, last, title
from cnnshape.convert.from_onnx.moves import MOVES
from cnnshape.convert.from_onnx.patterns import Step
from cnnshape.convert.from_onnx.record import Given, Held, Refused, State
from cnnshape.convert.from_onnx.values import VALUES
from cnnshape.convert.from_onnx.windows import WINDOWS, alike, pooled, unpooled
from cnnshape.layers.in_torch import Called
from cnnshape.layers.rearranging import Permute
from cnnshape.numbers.shape import CHANNELS_LAST, from_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnnshape.convert.from_onnx.record import Graph
    from cnnshape.numbers.shape import Shape

# Operators that are computed where all that enters is known: what shapes are computed with.
FOLDED: Final = frozenset([
    "Abs", "Add", "And", "ArgMax", "ArgMin", "Cast", "CastLike", "Ceil", "Clip", "Concat", "ConstantOfShape", "CumSum", "Div",
    "Equal", "Exp", "Expand", "Flatten", "Floor", "Gather", "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "Identity",
    "Less", "LessOrEqual", "Log", "Max", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "Or", "Pad", "Pow", "Range", "Reciprocal",
    "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Relu", "Reshape", "Round", "ScatterElements", "ScatterND", "Sign", "Size",
    "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tile", "Transpose", "Trilu", "Unsqueeze", "Where", "Xor",
])  # fmt: skip
GROWS: Final = {"ConstantOfShape", "Expand", "Pad", "Range", "ScatterND", "Tile"}  # of those, by the numbers that enter
WHOLE: Final = {TensorProto.UINT8, TensorProto.INT8, TensorProto.UINT16, TensorProto.INT16}  # quantized numbers
SMALL: Final = 64  # numbers, of which no other operator makes many
TARGETS: Final = {"Reshape": 1, "Expand": 1, "Resize": 3}  # the input that says the shape of the result, with the batch
# Operators whose shapes are computed here: of windows ONNX has several rules, of some norms it says nothing.
OWN_SHAPES: Final[dict[str, Callable[[State, Any, Sequence[Held | None]], list[Shape]]]] = {
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), pooled),
    "ConvTranspose": unpooled,
    **dict.fromkeys(("GroupNormalization", "MeanVarianceNormalization"), alike),
}
HANDLERS: Final[dict[str, Callable[[Given], None]]] = {**WINDOWS, **VALUES, **MOVES}


class Run(State):
    """One run."""

    def __init__(
        self, graph: Graph, inputs: Mapping[str, Shape], *, batch: int = 1, explicit: frozenset[str] = frozenset()
    ):
        """Run a graph at the shapes of samples. `explicit`: the reshapes that are to be layers of their own."""
        super().__init__(graph, explicit)
        self.samples = batch
        self.inputs = {
            one.title: self.entering(value, one, inputs[one.title])
            for value, one in enumerate(self.model.inputs, start=1)
        }
        for value in self.model.beside:
            self.held[value.name] = self.number_beside(value)
        try:
            for step in graph.steps:
                if not graph.fixed.keys() >= {*step.node.output}:
                    self.step(step)
        except Refused as refused:
            refused.held = self.held
            raise
        graph.fixed = graph.fixed or {name: self.held[name] for name in self.static}

    def entering(self, value: int, one: Any, shape: Shape) -> Tensor:
        """Note an input; where the graph has its channels last, or no batch, as what makes that of what the net has."""
        tensor = outside = Tensor(value, (self.samples, *shape), 0)
        if self.model.layout == CHANNELS_LAST:
            order = last(len(tensor.shape))
            outside = Tensor(self.count + 1, tuple(tensor.shape[axis] for axis in order), 0)
            self.count += 1
            called = Called(Permute.type, (tensor, *order), {}, [tensor], [outside], [True], False, None)
            self.ops.append(Op("", Permute.type, Permute.type, None, called, (tensor,), (outside,), (), None))
        elif one.single:
            outside = Tensor(self.count + 1, shape, None)
            self.count += 1
            called = Called("squeeze", (tensor, 0), {}, [tensor], [outside], [True], False, None)
            self.ops.append(Op("", "squeeze", "squeeze", None, called, (tensor,), (outside,), (), None))
        self.held[one.name] = Held(outside, one.kind)
        return tensor

    def number_beside(self, value: Any) -> Held:
        """Return an input that is one number, or one for each sample: nothing that a net has sides of."""
        kind = value.type.tensor_type
        shape = tuple(each.dim_value or self.samples for each in kind.shape.dim)
        self.note(f"Its input {value.name} is no sample, and no input of the file: nothing depends on its size.")
        return Held(Tensor(0, shape, None), kind.elem_type)

    def recording(self) -> Recording:
        """Return the recording of the run. Raises ValueError for outputs that no node makes."""
        outputs = []
        for name, result in zip(self.model.outputs, self.model.results, strict=True):
            tensor = self.output(name)
            if not tensor.value:
                self.note(f"Its output {result} has nothing of the input, and is left out.")
            elif tensor.batch is None:
                self.note(f"Its output {result} has no axis of samples: its shape is that for one.")
            outputs.append(Output(result if len(self.model.outputs) > 1 else "", 0, tensor))
        modules = self.graph.names.modules
        return Recording(
            PurePath(self.model.file).stem or "net",
            self.inputs,
            tuple(self.ops),
            tuple(outputs),
            (),
            self.weights,
            modules,
        )

    def output(self, name: str) -> Tensor:
        """Return an output; it has no axis of the batch where that has not as many samples as the inputs."""
        tensor = self.get(name, None).tensor
        whole = tensor.batch is not None and tensor.shape[tensor.batch : tensor.batch + 1] != (self.samples,)
        return replace(tensor, batch=None) if whole else tensor

    def outputs(self) -> list[Tensor]:
        """Return the outputs that come from the inputs."""
        return [tensor for tensor in map(self.output, self.model.outputs) if tensor.value]

    # Nodes

    def step(self, step: Step) -> None:
        node = step.node
        try:
            self.lower(step)
        except Refused:
            raise
        except (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, AssertionError) as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise Refused(node, f"it cannot be read: {lines[0][:200]}") from None

    def lower(self, step: Step) -> None:
        """Compute a node, or add the operations that it is."""
        node = step.node
        entering = [self.get(name, node) if name else None for name in node.input]
        own = node.domain in DOMAINS
        if own and self.fold(node, entering):
            return
        if own and node.op_type == "If":
            self.branch(node, entering)
            return
        if own and node.op_type in TARGETS:
            entering = self.of_one_sample(node, entering)
        made = self.shapes(step, entering)
        if not any(held and held.tensor.value for held in entering):
            self.of_constants(node, entering, made)
            return
        given = Given(self, node, entering, made, step.bias)
        (HANDLERS.get(node.op_type, Given.opaque) if own else Given.opaque)(given)
        for index, name in enumerate(node.output):
            if name in self.model.read and name not in self.held:  # such as the mean of a layer norm
                given.result(given.module(None, [given.x], given.shapes[index]), index)

    def of_one_sample(self, node: Any, entering: list[Held | None]) -> list[Held | None]:
        """Return what enters with a shape of numbers for one sample, where the graph fixes it for several."""
        place, batch = TARGETS[node.op_type], self.model.inputs[0].dims[0]
        held = entering[place] if place < len(entering) and node.input[place] in self.static else None
        if held is None or held.array is None or not held.array.size or not isinstance(batch, int):
            return entering
        samples = int(held.array.reshape(-1)[0])
        if samples < batch or samples % batch:
            return entering
        array = np.concatenate([[samples // batch], held.array.reshape(-1)[1:]]).astype(held.array.dtype)
        return [*entering[:place], Held(held.tensor, held.kind, array), *entering[place + 1 :]]

    def fold(self, node: Any, entering: Sequence[Held | None]) -> bool:
        """Note the result of a node whose numbers are known; say whether it is one."""
        if node.op_type == "Constant":
            tensor = self.model.values.get(node.output[0]) if node.output else None
            if tensor is None:
                raise Refused(node, "its constant is of no kind that is read")
            self.held[node.output[0]] = self.constant(tensor, node.output[0])
            self.static.add(node.output[0])
            return True
        if node.op_type == "Identity" and entering and entering[0] and not entering[0].tensor.value:
            tensor, kind, array = entering[0].tensor, entering[0].kind, entering[0].array
            weights = node.output[:1] if tensor.weights else ()  # exporters write one of equal weights once
            self.held[node.output[0]] = Held(Tensor(0, tensor.shape, None, tuple(weights), computed=False), kind, array)
            self.static |= {*node.output} if node.input[0] in self.static else set()
            return True
        if node.op_type in {"Shape", "Size"} and entering and entering[0]:
            shape = entering[0].tensor.shape
            given = attributes(node)
            found = shape[given.get("start", 0) : given.get("end")] if node.op_type == "Shape" else prod(shape)
            self.known(node.output[0], np.array(found, dtype=np.int64), ())
            return True
        if node.op_type not in FOLDED or any(held and held.array is None for held in entering):
            return False
        if node.op_type in GROWS or any(held.array.size > SMALL for held in entering if held):
            made = self.inferred(node, entering, None)
            if any(shape is None or prod(shape) > FEW for _, shape in made):
                return False
        results = self.computed(node, entering)
        weights = tuple(dict.fromkeys(name for held in entering if held for name in held.tensor.weights))
        for name, array in zip(node.output, results, strict=False):
            if name:
                self.known(name, array, weights)
        return True

    def known(self, name: str, array: Any, weights: tuple[str, ...]) -> None:
        array = np.asarray(array)
        kind = helper.np_dtype_to_tensor_dtype(array.dtype)
        if prod(array.shape) == 1:
            weights = ()
        self.held[name] = Held(Tensor(0, array.shape, None, weights), kind, array)

    def computed(self, node: Any, entering: Sequence[Held | None]) -> list[Any]:
        """Return the results of a node by ONNX's reference."""
        key = id(node)
        if key not in self.graph.folders:
            from onnx.reference import ReferenceEvaluator

            empty = helper.make_empty_tensor_value_info
            inputs, outputs = ([*map(empty, filter(None, dict.fromkeys(names)))] for names in (node.input, node.output))
            graph = helper.make_graph([node], node.op_type, inputs, outputs)  # of a bare node it takes the newest opset
            self.graph.folders[key] = ReferenceEvaluator(graph, opsets={"": self.model.opset})
        given = {name: held.array for name, held in zip(node.input, entering, strict=True) if held}
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            results: list[Any] = self.graph.folders[key].run(None, given)
        if all(name in self.static for name in node.input if name):
            self.static |= {*node.output}
        return results

    def branch(self, node: Any, entering: Sequence[Held | None]) -> None:
        """Run the branch of an If whose condition is known."""
        condition = entering[0].array if entering and entering[0] else None
        if condition is None or len(condition.reshape(-1)) != 1:
            raise Refused(node, "which branch it takes depends on numbers that are no shapes")
        key = id(node), bool(condition.reshape(-1)[0])
        if key not in self.graph.branches:
            graph = attributes(node)["then_branch" if key[1] else "else_branch"]
            self.graph.branches[key] = graph, [*graph.node]
        taken, nodes = self.graph.branches[key]
        self.note(f"{title(node)} goes another way at some sizes, perhaps: the file is of the one that it goes here.")
        for tensor in taken.initializer:
            self.held[tensor.name] = self.constant(tensor, tensor.name)
        for inner in nodes:
            if inner.op_type == "Constant" and inner.output:
                tensor = constant_of(inner)
                if tensor is not None:
                    self.held[inner.output[0]] = self.constant(tensor, inner.output[0])
                    continue
            self.step(Step(inner))
        for name, made in zip(node.output, taken.output, strict=True):
            self.held[name] = self.get(made.name, node)

    def shapes(self, step: Step, entering: Sequence[Held | None]) -> list[tuple[int, Shape]]:
        """Return the kinds and shapes of a node's results. Raises Refused where there are none, or they have no elements."""
        node = step.node
        found = []
        for name, (kind, shape) in zip(node.output, self.inferred(node, entering, step.opset), strict=True):
            if name in self.model.read and shape is None:
                raise Refused(node, "ONNX does not say what shape it gives, or that depends on the numbers that enter")
            if name and shape is not None and min(shape, default=1) < 1:
                raise Refused(node, f"what it gives has no elements: {_by(shape)}, of {_by(_first(entering))}")
            found.append((kind, shape or ()))
        return found

    def inferred(self, node: Any, entering: Sequence[Held | None], opset: int | None) -> list[tuple[int, Shape | None]]:
        """Return the kinds and shapes of results as ONNX infers them; None for a shape that it does not."""
        domain = "" if node.domain in DOMAINS else node.domain
        version = opset or self.model.opsets.get(domain, 0)
        own = OWN_SHAPES.get(node.op_type) if not domain else None
        whole = bool(opset and entering and entering[0] and entering[0].kind in WHOLE)
        if own:
            kinds = [entering[0].kind if entering[0] else TensorProto.FLOAT, TensorProto.INT64]  # of a pool's indices
            return [*zip(kinds, own(self, node, entering), strict=False)]
        try:
            schema = defs.get_schema(node.op_type, version, domain)
        except defs.SchemaError:
            if domain and self.said.keys() >= {*node.output}:
                return [self.said[name] for name in node.output]
            raise Refused(node, f"no operator of {domain or f'opset {version}'} that ONNX knows") from None
        types, data = {}, {}
        for name, held in zip(node.input, entering, strict=True):
            if held:
                plain = whole or held.kind == TensorProto.BFLOAT16  # of which few operators say that they take it
                kind = TensorProto.FLOAT if plain else held.kind
                types[name] = helper.make_tensor_type_proto(kind, held.tensor.shape)
                if held.array is not None:
                    data[name] = numpy_helper.from_array(held.array, name)
        imports = [helper.make_opsetid(domain, version)]
        try:
            made = shape_inference.infer_node_outputs(schema, node, types, data, opset_imports=imports)
        except (shape_inference.InferenceError, checker.ValidationError, RuntimeError) as error:
            raise Refused(node, _plainly(str(error), entering)) from None
        found = [_of_type(made.get(name)) for name in node.output]
        return [(entering[0].kind, shape) for _, shape in found] if whole and entering[0] else found

    @cached_property
    def said(self) -> dict[str, tuple[int, Shape]]:
        """The kinds and shapes that the graph states of values, at this input: for operators that ONNX does not know."""
        sizes: dict[int | str, int] = {}
        for one in self.model.inputs:
            own = (one.dims[0], *from_file(one.dims[1:], self.model.layout))
            sizes |= dict(zip(own, self.inputs[one.title].shape, strict=True))
        batch = self.model.inputs[0].dims[0]
        if any(isinstance(own, int) and own not in {size, batch} for own, size in sizes.items()):
            return {}  # the graph speaks of another input
        found = {}
        for value in (*self.model.graph.value_info, *self.model.graph.output):
            kind = value.type.tensor_type
            dims = [each.dim_value or each.dim_param for each in kind.shape.dim]
            dims[:1] = [self.samples if dim == batch else dim for dim in dims[:1]]
            shape = tuple(dim if isinstance(dim, int) else sizes.get(dim, 0) for dim in dims)
            if kind.HasField("shape") and all(shape):
                found[value.name] = kind.elem_type, shape
        return found

    def of_constants(self, node: Any, entering: Sequence[Held | None], made: Sequence[tuple[int, Shape]]) -> None:
        """Note results that have nothing of the inputs, but their weights."""
        quantized = node.op_type in {"QuantizeLinear", "DequantizeLinear", "Cast"}
        sources = entering[:1] if quantized else entering
        weights = tuple(dict.fromkeys(name for held in sources if held for name in held.tensor.weights))
        if quantized and entering[0] and not weights and node.input[0] in self.model.values:
            weights = (node.input[0],)
        for name, (kind, shape) in zip(node.output, made, strict=True):
            if name:
                computed = node.op_type not in {"Cast", "DequantizeLinear"}
                self.held[name] = Held(Tensor(0, shape, None, weights, computed=computed), kind)


def _of_type(made: Any) -> tuple[int, Shape | None]:
    if made is None or not made.tensor_type.HasField("shape"):
        return 1, None
    dims = made.tensor_type.shape.dim
    known = all(each.HasField("dim_value") for each in dims)
    return made.tensor_type.elem_type, tuple(each.dim_value for each in dims) if known else None


def _first(entering: Sequence[Held | None]) -> Shape:
    return next((held.tensor.shape for held in entering if held and held.tensor.value), ())


def _by(shape: Shape) -> str:
    return "x".join(map(str, shape)) or "one number"


def _plainly(message: str, entering: Sequence[Held | None]) -> str:
    """Return the reason that ONNX gives, in one line, with the shapes that enter."""
    reason = message.strip().splitlines()[0].removeprefix("[ShapeInferenceError] ")
    shapes = " and ".join(_by(held.tensor.shape) for held in entering if held and held.array is None)
    return f"{reason}, of {shapes}" if shapes else reason
