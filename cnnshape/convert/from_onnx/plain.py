"""Operators on whole numbers, and those that onnxruntime puts into a graph -> ONNX's own operators on numbers with a point.

In: a node. Out: the nodes that do the same but for scales and zero points, which no shape depends on; none for other operators.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from onnx import helper

from cnnshape.convert.from_onnx.model import DOMAINS, attributes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

RUNTIME: Final = "com.microsoft"  # the domain of onnxruntime's operators


class _Plain(NamedTuple):
    """The operator that does the same, and the inputs that it has."""

    kind: str
    inputs: Sequence[int]
    dropped: Sequence[str] = ()  # attributes that it does not have
    added: Sequence[int] = ()  # inputs that are added to the result of a product, to the first input of others


OF_ONNX: Final = {
    "QLinearConv": _Plain("Conv", (0, 3, 8)),
    "ConvInteger": _Plain("Conv", (0, 1)),
    "QLinearMatMul": _Plain("MatMul", (0, 3)),
    "MatMulInteger": _Plain("MatMul", (0, 1)),
}
OF_RUNTIME: Final = {
    "QLinearAdd": _Plain("Add", (0, 3)),
    "QLinearMul": _Plain("Mul", (0, 3)),
    "QLinearAveragePool": _Plain("AveragePool", (0,), ["channels_last"]),
    "QLinearGlobalAveragePool": _Plain("GlobalAveragePool", (0,), ["channels_last"]),
    "QLinearConcat": _Plain("Concat", range(2, 3000, 3)),
    "QLinearLeakyRelu": _Plain("LeakyRelu", (0,)),
    "QLinearSigmoid": _Plain("Sigmoid", (0,)),
    "QLinearSoftmax": _Plain("Softmax", (0,), ["opset"]),
    "QGemm": _Plain("Gemm", (0, 3, 6)),
    "QuantizeLinear": _Plain("QuantizeLinear", (0, 1, 2)),
    "DequantizeLinear": _Plain("DequantizeLinear", (0, 1, 2)),
    "FusedConv": _Plain("Conv", (0, 1, 2), ["activation", "activation_params"], [3]),
    "FusedGemm": _Plain("Gemm", (0, 1, 2), ["activation", "activation_alpha", "activation_beta", "activation_gamma"]),
    "Gelu": _Plain("Gelu", (0,)),
    "FastGelu": _Plain("Gelu", (0,), added=[1]),
    "BiasGelu": _Plain("Gelu", (0,), added=[1]),
    "SkipLayerNormalization": _Plain("LayerNormalization", (0, 2, 3), added=[1, 4]),
}
BEHIND: Final = {"FusedConv"}  # whose further input is added to the result


def plainly(node: Any) -> list[Any]:
    """Return the nodes that do the same as one, in order; none where it is ONNX's own and of numbers with a point, or unknown."""
    known = OF_RUNTIME if node.domain == RUNTIME else OF_ONNX if node.domain in DOMAINS else {}
    plain = known.get(node.op_type)
    told = attributes(node)
    if plain is None or told.get("channels_last", 0) or len(node.output) > 1:
        return []
    return [*_nodes(node, plain, told)]


def _nodes(node: Any, plain: _Plain, told: dict[str, Any]) -> Iterator[Any]:
    def given(index: int) -> str:
        return str(node.input[index]) if index < len(node.input) else ""

    def made(kind: str, inputs: Sequence[str], output: str, **settings: Any) -> Any:
        new = helper.make_node(kind, inputs, [output], name=node.name, **settings)
        new.metadata_props.extend(node.metadata_props)
        return new

    behind = node.op_type in BEHIND
    added = [given(index) for index in plain.added if given(index)]
    inputs = [given(index) for index in plain.inputs if index < len(node.input)]
    settings = {key: value for key, value in told.items() if key not in plain.dropped}
    activation = told.get("activation", "") if "activation" in plain.dropped else ""
    result = node.output[0]
    for index, name in enumerate(added if not behind else ()):
        sum_ = f"{result}/added_{index}"
        yield made("Add", [inputs[0], name], sum_)
        inputs[0] = sum_
    rest = [("Add", [name]) for name in added if behind] + [(activation, list[str]())] * bool(activation)
    names = [f"{result}/part_{index}" for index in range(len(rest))] + [result]
    yield made(plain.kind, inputs, names[0], **settings)
    for (kind, more), before, after in zip(rest, names, names[1:], strict=False):
        yield made(kind, [before, *more], after)
