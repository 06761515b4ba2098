"""A .onnx file -> its graph: nodes, constants, inputs and outputs. The data of its weights are not looked at.

In: a path. Out: a Model. ValueError, with one line, for a file that is none. The package onnx is imported here alone, and in
the files beside this one that are named after it.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from heapq import heapify, heappop, heappush
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from cnnshape.convert.names import layer_name, unlike
from cnnshape.numbers.shape import CHANNELS_FIRST, CHANNELS_LAST

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

LEAST_OPSET: Final = 7
MOST_BYTES: Final = 2**31 - 1  # of a protobuf message
FEW: Final = 4096  # numbers of a constant that is read; what has more is a weight
MOST_NODES: Final = 100_000
FLOATS: Final = {"FLOAT", "FLOAT16", "DOUBLE", "BFLOAT16"}
KEEPS_ORDER: Final[frozenset[str]] = frozenset([  # operators before which channels that are last stay last: those of preprocessing and of padding
    "Add", "Cast", "Clip", "DequantizeLinear", "Div", "Identity", "Mul", "Pad", "QuantizeLinear", "Sub",
])  # fmt: skip
MOST_BEFORE: Final = 20  # values between an input and the exchange of its axes
DOMAINS: Final = {"", "ai.onnx"}  # of ONNX's own operators


class Input(NamedTuple):
    """An input of the graph."""

    name: str
    title: str  # in an architecture file
    kind: int  # of its numbers, as ONNX counts them
    dims: tuple[int | str, ...]  # with the batch; a name, or "", where a size is open
    single: bool = False  # it is one sample, which the graph gives a batch of 1

    @property
    def open(self) -> bool:
        """Whether sizes of a sample are open."""
        return any(isinstance(size, str) for size in self.dims[1:])

    def __str__(self) -> str:
        return "x".join(str(size) or "?" for size in self.dims[1:])


class Model:
    """A graph of ONNX."""

    def __init__(self, file: str, proto: Any):
        self.file, self.proto, self.graph = file, proto, proto.graph
        self.opsets = {("" if each.domain in DOMAINS else each.domain): each.version for each in proto.opset_import}
        self.constants = {tensor.name: tensor for tensor in self.graph.initializer}
        self.constants |= {one.values.name: _without_numbers(one) for one in self.graph.sparse_initializer}
        self.nodes = _in_order(file, self.graph.node)
        given = [value for value in self.graph.input if value.name not in self.constants]
        # numbers beside the samples, as a step of time, or a threshold: nothing that a net has sides of
        self.beside = [value for value in given if len(value.type.tensor_type.shape.dim) < 2 and _has_shape(value)]  # noqa: PLR2004
        given = [value for value in given if value not in self.beside]
        if not given:
            raise ValueError(f"{file} has no input{' of two axes or more' if self.beside else ''}")
        if not self.graph.output:
            raise ValueError(f"{file} has no output")
        titles: dict[str, str] = {}
        for value in given:
            good = layer_name(value.name.replace(".", "_").replace("/", "_")).strip("_") or "input_"
            titles[value.name] = "input" if len(given) == 1 else unlike(good, {*titles.values()})
        self.inputs = [self._whole(_input(file, value, titles[value.name])) for value in given]
        self.layout = CHANNELS_LAST if all(map(self._turned, self.inputs)) else CHANNELS_FIRST
        self.outputs = [self._straight(value.name) for value in self.graph.output]
        self.results = [value.name for value in self.graph.output]  # their names

    def _turned(self, one: Input) -> bool:
        """Say whether an input has its channels last: it is read by nothing but what puts them first, at once or in a few steps."""
        rank = len(one.dims)
        return rank > 2 and self._comes_to(one.name, KEEPS_ORDER, lambda node: _order(node) == first(rank))  # noqa: PLR2004

    def _whole(self, one: Input) -> Input:
        """Return an input with its batch: an image that nothing reads but what gives it an axis of 1 in front has none."""
        image = len(one.dims) == 3  # noqa: PLR2004 -- channels and two sides
        single = image and self._comes_to(one.name, KEEPS_ORDER | {"Transpose"}, self._in_front)
        return one._replace(dims=(1, *one.dims), single=True) if single else one

    def _in_front(self, node: Any) -> bool:
        """Say whether a node puts an axis of 1 in front."""
        axes = [axis for each in node.attribute if each.name == "axes" for axis in each.ints]
        array = self.array(node.input[1]) if len(node.input) > 1 else None
        return node.op_type == "Unsqueeze" and (0 in axes or (array is not None and 0 in array))

    def _comes_to(self, name: str, between: Container[str], ends: Callable[[Any], bool]) -> bool:
        """Say whether all that reads a value is such an end, behind a few operators that may stand between."""
        todo, seen = [name], set[str]()
        while todo:
            name = todo.pop()
            seen.add(name)
            readers = [node for node in self.nodes if name in node.input]
            others = [node for node in readers if not ends(node)]
            if not readers or any(node.op_type not in between for node in others) or len(seen) > MOST_BEFORE:
                return False
            todo += {node.output[0] for node in others} - seen
        return True

    def _straight(self, name: str) -> str:
        """Return the value that an output is but for the layout: what is put channels last at the end."""
        maker = next((node for node in self.nodes if name in node.output), None)
        order = _order(maker) if maker is not None and self.layout == CHANNELS_LAST else []
        return maker.input[0] if order and order == last(len(order)) and maker is not None else name

    @property
    def opset(self) -> int:
        return self.opsets[""]

    @cached_property
    def values(self) -> dict[str, Any]:
        """The tensors of constants, by name: initializers, and what nodes of type Constant hold."""
        found = dict(self.constants)
        for node in self.nodes:
            if node.op_type == "Constant" and node.domain in DOMAINS and node.output:
                tensor = constant_of(node)
                if tensor is not None:
                    found[node.output[0]] = tensor
        return found

    @cached_property
    def read(self) -> set[str]:
        """The values that nodes read, and the outputs."""
        return {*self.outputs, *(name for node in self.nodes for name in node.input)}

    def array(self, name: str) -> Any:
        """Return the numbers of a constant, if it has few and they are in the file; None otherwise."""
        tensor = self.values.get(name)
        return None if tensor is None else numbers(tensor)


def _in_order(file: str, nodes: Iterable[Any]) -> list[Any]:
    """Return nodes behind those that make what they read, in their own order as far as that goes. Raises ValueError."""
    left, found = [*nodes], list[Any]()
    made = Counter(name for node in left for name in node.output if name)
    twice = next((name for name, count in made.items() if count > 1), None)
    if twice is not None:
        raise ValueError(f"{file}: two nodes make {twice}")
    waiting: dict[str, list[int]] = {}  # for a value: the places of nodes that read it
    missing = [0] * len(left)
    for place, node in enumerate(left):
        for name in {name for name in _reads(node) if name in made}:
            waiting.setdefault(name, []).append(place)
            missing[place] += 1
    ready = [place for place, count in enumerate(missing) if not count]
    heapify(ready)
    while ready:
        node = left[heappop(ready)]
        found.append(node)
        for place in (each for name in node.output for each in waiting.get(name, ())):
            missing[place] -= 1
            if not missing[place]:
                heappush(ready, place)
    if len(found) < len(left):
        node = next(left[place] for place, count in enumerate(missing) if count)
        raise ValueError(f"{file}: {title(node)} reads what is made of its own result")
    return found


def _reads(node: Any) -> Iterator[str]:
    """Yield what a node reads, and what its branches do, but for what they make themselves."""
    yield from node.input
    for attribute in node.attribute:
        inner = [*_all_nodes(attribute.g.node)]
        made = {name for each in inner for name in each.output}
        read = {name for each in inner for name in each.input} | {value.name for value in attribute.g.output}
        yield from read - made


def _without_numbers(sparse: Any) -> Any:
    """Return a sparse tensor as one whose numbers are elsewhere."""
    return onnx.TensorProto(
        name=sparse.values.name,
        data_type=sparse.values.data_type,
        dims=sparse.dims,
        data_location=onnx.TensorProto.EXTERNAL,
    )


def _has_shape(value: Any) -> bool:
    return bool(value.type.HasField("tensor_type") and value.type.tensor_type.HasField("shape"))


def _order(node: Any) -> list[int]:
    """Return the order of axes that a node makes, none where it is another kind of node."""
    return (
        next(([*each.ints] for each in node.attribute if each.name == "perm"), [])
        if node.op_type == "Transpose"
        else []
    )


def first(rank: int) -> list[int]:
    """Return the order of axes that puts channels first, behind the batch."""
    return [0, rank - 1, *range(1, rank - 1)]


def last(rank: int) -> list[int]:
    """Return the order of axes that puts channels last."""
    return [0, *range(2, rank), 1]


def numbers(tensor: Any) -> Any:
    """Return the numbers of a small tensor; None for a large one, or one whose numbers are in another file."""
    if tensor.data_location == onnx.TensorProto.EXTERNAL or prod(tensor.dims) > FEW or min(tensor.dims, default=0) < 0:
        return None
    return numpy_helper.to_array(tensor)


def is_float(tensor: Any) -> bool:
    return onnx.TensorProto.DataType.Name(tensor.data_type) in FLOATS


def read(file: str) -> Model:
    """Return the graph of a file. Raises ValueError."""
    path = Path(file)
    try:
        if path.exists() and not path.is_file():
            raise ValueError(f"{file} is no regular file")
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(
                f"{file} is larger than a protobuf message can be: its weights belong in a file of their own"
            )
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{file}: {error.strerror}") from None
    proto = onnx.ModelProto()
    try:
        proto.ParseFromString(data)
    except DecodeError:
        raise ValueError(f"{file} is no ONNX model, or a part of one: it is no protobuf message of that kind") from None
    if not proto.ir_version or not proto.graph.node:
        raise ValueError(f"{file} is no ONNX model: it has no graph")
    proto = _inlined(file, proto)
    if len(proto.graph.node) > MOST_NODES:
        raise ValueError(f"{file} has {len(proto.graph.node):,} nodes: more than {MOST_NODES:,} are not read")
    opset = next((each.version for each in proto.opset_import if each.domain in DOMAINS), 0)
    if opset < LEAST_OPSET:
        raise ValueError(
            f"{file} is of opset {opset}, and opsets from {LEAST_OPSET} are read: onnx.version_converter makes one of it"
        )
    try:
        return Model(file, proto)
    except TypeError:  # protobuf hands out bytes that are no text as bytes
        raise ValueError(f"{file} is no ONNX model that can be read: it has names that are no text") from None


def _inlined(file: str, proto: Any) -> Any:
    """Return the model with the nodes of its own functions in the place of their calls."""
    if not proto.functions:
        return proto
    calls = {
        (function.domain, function.name): [(node.domain, node.op_type) for node in _all_nodes(function.node)]
        for function in proto.functions
    }
    counts, before = dict[Any, int](), -1  # of nodes, all calls put in place
    while len(counts) > before:  # those that call only known ones
        before = len(counts)
        for name, called in calls.items():
            if name not in counts and {*called} & {*calls} <= counts.keys():
                counts[name] = sum(counts.get(one, 1) for one in called)
    if len(counts) < len(calls):
        raise ValueError(f"{file}: its function {next(name for name in calls if name not in counts)[1]} calls itself")
    total = sum(counts.get((node.domain, node.op_type), 1) for node in _all_nodes(proto.graph.node))
    if total > MOST_NODES:
        raise ValueError(f"{file} has {total:,} nodes with its functions: more than {MOST_NODES:,} are not read")
    from onnx import inliner

    try:
        return inliner.inline_local_functions(proto)
    except RuntimeError as error:
        raise ValueError(f"{file}: its functions cannot be put in place of their calls: {error}") from None


def _all_nodes(nodes: Any) -> Iterator[Any]:
    for node in nodes:
        yield node
        for attribute in node.attribute:
            yield from _all_nodes(attribute.g.node)


def _input(file: str, value: Any, title: str) -> Input:
    kind = value.type.tensor_type
    if not _has_shape(value):
        raise ValueError(f"{file}: its input {value.name} has no shape, not even a number of axes")
    dims = tuple(
        each.dim_value if each.HasField("dim_value") and each.dim_value > 0 else each.dim_param
        for each in kind.shape.dim
    )
    return Input(value.name, title, kind.elem_type, dims)


def constant_of(node: Any) -> Any:
    """Return the tensor that a node of type Constant holds; None for a kind that is none."""
    from onnx import helper

    for attribute in node.attribute:
        match attribute.name:
            case "value":
                return attribute.t
            case "sparse_value":
                return _without_numbers(attribute.sparse_tensor)
            case "value_float" | "value_floats":
                given = attribute.floats if attribute.name.endswith("s") else [attribute.f]
                return helper.make_tensor(
                    node.output[0], onnx.TensorProto.FLOAT, [len(given)] * attribute.name.endswith("s"), given
                )
            case "value_int" | "value_ints":
                given = attribute.ints if attribute.name.endswith("s") else [attribute.i]
                return helper.make_tensor(
                    node.output[0], onnx.TensorProto.INT64, [len(given)] * attribute.name.endswith("s"), given
                )
    return None


def attributes(node: Any) -> dict[str, Any]:
    """Return the attributes of a node, by name; texts decoded."""
    from onnx import helper

    found = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        found[attribute.name] = value.decode(errors="replace") if isinstance(value, bytes) else value
    return found


def title(node: Any) -> str:
    """Return the words that name a node in a message."""
    name = node.name or next(iter(node.output), "")
    return f"node {name} ({node.op_type})" if name else f"a node without a name ({node.op_type})"
