"""The nodes of an ONNX graph -> steps: several nodes that are one layer become one, of an operator of a newer opset.

Exporters write a GELU as five nodes, a layer norm as nine, a linear layer on a sequence as two. A group is taken together where
nothing outside reads what is made on the way.
"""

from __future__ import annotations

from math import isclose, pi, sqrt
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from onnx import helper

from cnnshape.convert.from_onnx.model import DOMAINS, attributes
from cnnshape.convert.from_onnx.plain import plainly

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.convert.from_onnx.model import Model

CUBIC: Final = 0.044715  # the part of the cube in the tanh of a GELU
NEWEST: Final = 24  # the opset of operators that are put in the place of groups


class Step(NamedTuple):
    """A node to run, with a learned bias that is added behind it, "" for none."""

    node: Any
    opset: int | None = None  # of its operator, where that is not the model's
    bias: str = ""


class _Group(NamedTuple):
    """What a pattern found: the operator, what enters, attributes, and the nodes but for the last."""

    kind: str
    inputs: Sequence[str]
    attributes: dict[str, Any]
    nodes: Sequence[Any]
    behind: Any = None  # a reshape among the nodes that stays, behind the operator


class Steps:
    """The steps of a model."""

    def __init__(self, model: Model):
        self.model = model
        self.maker = {name: node for node in model.nodes for name in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in model.nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.outputs = {*model.outputs}

    def __iter__(self) -> Iterator[Step]:
        gone, made = set[int](), dict[int, list[Step]]()
        for node in reversed(self.model.nodes):  # from the end of a group, the longest first
            if id(node) in gone:
                continue
            made[id(node)], others = self.step(node, gone)
            gone |= {id(other) for other in others}
        yield from (step for node in self.model.nodes if id(node) not in gone for step in made[id(node)])

    def step(self, node: Any, gone: set[int]) -> tuple[list[Step], Sequence[Any]]:
        """Return the steps that end with a node, and the other nodes that they stand for."""
        for pattern in PATTERNS.get(node.op_type, ()) if node.domain in DOMAINS else ():
            found = pattern(self, node)
            if found is None or not self.closed(found.nodes, node) or any(id(each) in gone for each in found.nodes):
                continue
            if found.kind == "MatMul":
                matrix = found.nodes[0]
                named = helper.make_node("MatMul", matrix.input, node.output, name=matrix.name)
                return [Step(_placed(named, matrix), None, found.inputs[0])], found.nodes
            back = found.behind
            output = back.input[:1] if back is not None else node.output
            made = helper.make_node(found.kind, found.inputs, output, name=node.name, **found.attributes)
            steps = [Step(_placed(made, node), NEWEST)]
            if back is not None:
                last = helper.make_node(back.op_type, back.input, node.output, name=back.name, **attributes(back))
                steps.append(Step(_placed(last, back)))
            return steps, found.nodes
        return [Step(each, NEWEST) for each in plainly(node)] or [Step(node)], ()

    def closed(self, nodes: Sequence[Any], last: Any) -> bool:
        """Say whether nothing but the group reads what it makes on the way."""
        group = {id(node) for node in nodes} | {id(last)}
        made = [name for node in nodes for name in node.output if name]
        return not any(
            name in self.outputs or any(id(reader) not in group for reader in self.readers.get(name, ()))
            for name in made
        )

    def by(self, name: str, *kinds: str) -> Any:
        """Return the node that makes a value, if it is of one of these operators; None otherwise."""
        node = self.maker.get(name)
        return node if node is not None and node.op_type in kinds and not node.domain else None

    def constant(self, name: str) -> Any:
        """Return the tensor of a constant, or of one that it is equal to; None for other values."""
        node = self.maker.get(name)
        while node is not None and node.op_type == "Identity" and name not in self.model.values:
            name = node.input[0]
            node = self.maker.get(name)
        return self.model.values.get(name)

    def number(self, name: str) -> float | None:
        """Return a constant of one number; None for others."""
        array = self.model.array(name)
        return float(array.reshape(-1)[0]) if array is not None and array.size == 1 else None

    def with_number(self, node: Any, value: float | None = None) -> tuple[str, float] | None:
        """Return the operand of a node beside a number, and the number; None where there is none, or another one."""
        if len(node.input) != 2:  # noqa: PLR2004 -- operands
            return None
        for one, other in ((0, 1), (1, 0)):
            number = self.number(node.input[other])
            if number is not None and self.number(node.input[one]) is None:
                fits = value is None or isclose(number, value, rel_tol=1e-3)
                return (node.input[one], number) if fits else None
        return None

    def weight(self, name: str) -> bool:
        """Say whether a value is a constant of several numbers."""
        return self.constant(name) is not None and self.number(name) is None

    def halves(self, node: Any, kinds: Sequence[str]) -> Iterator[tuple[str, Any]]:
        """Yield each operand of a node with the node that makes the other, where that is of one of these operators."""
        for one, other in ((0, 1), (1, 0)) if len(node.input) == 2 else ():  # noqa: PLR2004 -- operands
            maker = self.by(node.input[other], *kinds)
            if maker is not None:
                yield node.input[one], maker


def _placed(made: Any, node: Any) -> Any:
    """Return a new node with what tells where the node stood."""
    made.metadata_props.extend(node.metadata_props)
    return made


def linear(net: Steps, node: Any) -> _Group | None:
    """MatMul with a learned matrix, Add of a learned vector."""
    for vector, product in net.halves(node, ["MatMul"]):
        if net.weight(vector) and net.weight(product.input[1]):
            matrix = net.constant(product.input[1]).dims
            if len(matrix) == 2 and [*matrix[1:]] == [*net.constant(vector).dims]:  # noqa: PLR2004 -- a matrix
                return _Group("MatMul", [vector], {}, [product])
    return None


def gated(net: Steps, node: Any) -> _Group | None:
    """X * sigmoid(x), x * hard_sigmoid(x), x * tanh(softplus(x)), x * (clip(x + 3, 0, 6) / 6)."""
    for x, gate in net.halves(node, ["Sigmoid", "HardSigmoid", "Tanh", "Div", "Mul"]):
        if gate.op_type == "Sigmoid" and gate.input[0] == x:
            return _Group("Swish", [x], {}, [gate])
        if gate.op_type == "HardSigmoid" and gate.input[0] == x and isclose(_alpha(gate), 1 / 6, rel_tol=1e-3):
            return _Group("HardSwish", [x], {}, [gate])
        inner = net.by(gate.input[0], "Softplus")
        if gate.op_type == "Tanh" and inner is not None and inner.input[0] == x:
            return _Group("Mish", [x], {}, [gate, inner])
        sixth = net.with_number(gate, 6 if gate.op_type == "Div" else 1 / 6) if gate.op_type in {"Div", "Mul"} else None
        clipped = _shifted(net, sixth[0], x) if sixth else None
        if clipped:
            return _Group("HardSwish", [x], {}, [gate, *clipped])
    return None


def gated_before(net: Steps, node: Any) -> _Group | None:
    """X * clip(x + 3, 0, 6) / 6."""
    sixth = net.with_number(node, 6)
    product = net.by(sixth[0], "Mul") if sixth else None
    for x, clip in net.halves(product, ["Clip"]) if product is not None else ():
        clipped = _shifted(net, clip.output[0], x)
        if clipped:
            return _Group("HardSwish", [x], {}, [product, *clipped])
    return None


def hard_sigmoid(net: Steps, node: Any) -> _Group | None:
    """clip(x + 3, 0, 6) / 6."""
    sixth = net.with_number(node, 6)
    clip = net.by(sixth[0], "Clip") if sixth else None
    added = net.by(clip.input[0], "Add") if clip is not None else None
    three = net.with_number(added, 3) if added is not None else None
    clipped = _shifted(net, sixth[0], three[0]) if sixth and three else None
    return _Group("HardSigmoid", [three[0]], {"alpha": 1 / 6}, clipped) if three and clipped else None


def _alpha(node: Any) -> float:
    return float(attributes(node).get("alpha", 0.2))


def _shifted(net: Steps, name: str, x: str) -> list[Any] | None:
    """Return the nodes of clip(x + 3, 0, 6)."""
    clip = net.by(name, "Clip")
    added = net.by(clip.input[0], "Add") if clip is not None else None
    if added is None or net.with_number(added, 3) != (x, 3):
        return None
    given = attributes(clip)
    limits = (
        [net.number(each) for each in clip.input[1:]] if len(clip.input) > 1 else [given.get("min"), given.get("max")]
    )
    return [clip, added] if limits == [0, 6] else None


def gelu(net: Steps, node: Any) -> _Group | None:
    """X * (1 + erf(x / sqrt(2))) * 0.5, in the orders in which it is written, or with tanh in the place of erf."""
    for x, gate, nodes in _halved(net, node):
        found = _erf(net, gate, x)
        if found:
            return _Group("Gelu", [x], {}, [*nodes, *found])
        found = _tanh(net, gate, x)
        if found:
            return _Group("Gelu", [x], {"approximate": "tanh"}, [*nodes, *found])
    return None


def _halved(net: Steps, node: Any) -> Iterator[tuple[str, Any, list[Any]]]:
    """Yield the value, the sum and the nodes between, as which a product is value * sum * 0.5."""
    half = net.with_number(node, 0.5)
    product = net.by(half[0], "Mul") if half else None
    for x, one_more in net.halves(product, ["Add"]) if product is not None else ():
        yield x, one_more, [product]
    for halved, one_more in net.halves(node, ["Add"]):
        scale = net.by(halved, "Mul")
        half = net.with_number(scale, 0.5) if scale is not None else None
        if half:
            yield half[0], one_more, [scale]
    for x, scale in net.halves(node, ["Mul"]):
        half = net.with_number(scale, 0.5)
        one_more = net.by(half[0], "Add") if half else None
        if one_more is not None:
            yield x, one_more, [scale]


def _erf(net: Steps, one_more: Any, x: str) -> list[Any] | None:
    """Return the nodes of 1 + erf(x / sqrt(2))."""
    one = net.with_number(one_more, 1)
    erf = net.by(one[0], "Erf") if one else None
    inner = net.by(erf.input[0], "Div", "Mul") if erf is not None else None
    if inner is None:
        return None
    by = net.with_number(inner, sqrt(2) if inner.op_type == "Div" else sqrt(0.5))
    return [one_more, erf, inner] if by and by[0] == x else None


def _tanh(net: Steps, one_more: Any, x: str) -> list[Any] | None:
    """Return the nodes of 1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))."""
    one = net.with_number(one_more, 1)
    tanh = net.by(one[0], "Tanh") if one else None
    scale = net.by(tanh.input[0], "Mul") if tanh is not None else None
    by = net.with_number(scale, sqrt(2 / pi)) if scale is not None else None
    added = net.by(by[0], "Add") if by else None
    for value, cubic in net.halves(added, ["Mul"]) if added is not None else ():
        part = net.with_number(cubic, CUBIC)
        cube = _cube(net, part[0], x) if part and value == x else []
        if cube:
            return [one_more, tanh, scale, added, cubic, *cube]
    return None


def _cube(net: Steps, name: str, x: str) -> list[Any]:
    """Return the nodes of x**3, or of x * x * x."""
    cube = net.by(name, "Pow", "Mul")
    if cube is not None and cube.op_type == "Pow":
        return [cube] if cube.input[0] == x and net.number(cube.input[1]) == 3 else []  # noqa: PLR2004
    squares = net.halves(cube, ["Mul"]) if cube is not None else ()
    return next(([cube, square] for own, square in squares if own == x and [*square.input] == [x, x]), [])


def layer_norm(net: Steps, node: Any) -> _Group | None:
    """(x - mean) / sqrt(mean of squares + eps) * scale + bias."""
    for bias, product in net.halves(node, ["Mul"]) if node.op_type == "Add" else ():
        found = layer_norm(net, product) if net.weight(bias) else None
        if found and net.constant(bias).dims == net.constant(found.inputs[1]).dims:
            return found._replace(inputs=[*found.inputs, bias], nodes=[product, *found.nodes])
    if node.op_type != "Mul":
        return None
    for scale, quotient in net.halves(node, ["Div"]):
        core = _normed(net, quotient) if net.weight(scale) else None
        if core:
            x, axes, nodes = core
            if len(net.constant(scale).dims) == len(axes):
                return _Group("LayerNormalization", [x, scale], {"axis": min(axes)}, [quotient, *nodes])
    return None


def _normed(net: Steps, quotient: Any) -> tuple[str, list[int], list[Any]] | None:
    """Return what a quotient normalises, along which axes, and the nodes before it."""
    less, root = net.by(quotient.input[0], "Sub"), net.by(quotient.input[1], "Sqrt")
    added = net.by(root.input[0], "Add") if root is not None else None
    eps = net.with_number(added) if added is not None else None
    variance = net.by(eps[0], "ReduceMean") if eps else None
    square = net.by(variance.input[0], "Pow", "Mul") if variance is not None else None
    mean = net.by(less.input[1], "ReduceMean") if less is not None else None
    if square is None or mean is None or mean.input[0] != less.input[0]:
        return None
    other = net.by(square.input[0], "Sub")
    squared = net.number(square.input[1]) == 2 if square.op_type == "Pow" else square.input[1] == square.input[0]  # noqa: PLR2004
    axes = _axes(net, mean)
    if other is None or [*other.input] != [*less.input] or not squared or _axes(net, variance) != axes:
        return None
    if not axes or sorted(axes) != [*range(-len(axes), 0)]:
        return None
    nodes = {id(each): each for each in (less, root, added, variance, square, mean, other)}
    return less.input[0], axes, [*nodes.values()]


def _axes(net: Steps, node: Any) -> list[int] | None:
    if len(node.input) > 1:
        array = net.model.array(node.input[1])
        return None if array is None else [int(axis) for axis in array.reshape(-1)]
    return [*attributes(node).get("axes", [])]


def group_norm(net: Steps, node: Any) -> _Group | None:
    """An instance norm of groups as channels, between two reshapes, times a scale, plus a bias."""
    for bias, product in net.halves(node, ["Mul"]):
        for scale, back in net.halves(product, ["Reshape"]):
            norm = net.by(back.input[0], "InstanceNormalization")
            apart = net.by(norm.input[0], "Reshape") if norm is not None else None
            if apart is None or not (net.weight(scale) and net.weight(bias)):
                continue
            sizes = [net.constant(each).dims for each in (scale, bias)]
            if sizes[0] != sizes[1] or len(sizes[0]) < 2 or any(size != 1 for size in sizes[0][1:]):  # noqa: PLR2004
                continue  # not by channel
            shape = net.model.array(apart.input[1])
            ones = net.model.array(norm.input[1])
            if shape is None or ones is None or [*shape[:1], *shape[2:]] != [0, -1] or (ones != 1).any():
                continue
            given = {"num_groups": int(shape[1])}
            nodes = [product, back, norm, apart]
            return _Group("GroupNormalization", [apart.input[0], scale, bias], given, nodes, back)
    return None


PATTERNS: Final[dict[str, tuple[Callable[[Steps, Any], _Group | None], ...]]] = {
    "Add": (layer_norm, group_norm, linear),
    "Mul": (gelu, gated, layer_norm),
    "Div": (gated_before, hard_sigmoid),
}
