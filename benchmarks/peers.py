"""The pass over ResNet-152 against what others take for its shapes, in one process: python benchmarks/peers.py.

mlnode / report   mlnode.MLnodeModel.validate, which is Python as well: at least 2.3
onnx / report     onnx.shape_inference.infer_shapes, in C++, of a model whose weights are inputs: at least 5

One that is not installed is skipped. All give the same shapes, which is checked.
"""

from __future__ import annotations

import gc
import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from engine import RESNET, one_pass
from medians import seconds

from cnnshape import loads

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape import Network
    from cnnshape.network.report import LayerReport

    Shapes = dict[str, tuple[int, ...]]  # of the layers' outputs, without the batch

TYPES = {  # in mlnode, in onnx
    "conv": ("Conv2d", "Conv"),
    "batch_norm": ("BatchNorm2d", "BatchNormalization"),
    "relu": ("ReLU", "Relu"),
    "max_pool": ("MaxPool2d", "MaxPool"),
    "add": ("Add", "Add"),
    "global_avg_pool": ("AdaptiveAvgPool2d", "GlobalAveragePool"),
    "flatten": ("Flatten", "Flatten"),
    "linear": ("Linear", "Gemm"),
}


def settings(row: LayerReport) -> dict[str, Any]:
    """The settings of a layer, as torch has them."""
    names = {
        "conv": ("in_channels", "out_channels", "kernel_size", "stride", "padding"),
        "batch_norm": ("num_features",),
        "max_pool": ("kernel_size", "stride", "padding"),
        "linear": ("in_features", "out_features"),
    }
    found = {name: getattr(row.node.layer, name) for name in names.get(row.type, ())}
    return found | {"global_avg_pool": {"output_size": 1}, "flatten": {"start_dim": 1}}.get(row.type, {})


def of_mlnode(net: Network) -> tuple[Callable[[], Any], Callable[[], Shapes]]:
    from mlnode import MLnodeModel

    rows = net.check().layers
    names = ["", "input", *(row.name for row in rows)]  # by value
    nodes = [{"id": row.name, "type": TYPES[row.type][0], "params": settings(row)} for row in rows]
    edges = [{"source": names[value], "target": row.name} for row in rows for value in row.node.inputs]
    model = MLnodeModel.from_dict(
        {
            "mlnode_schema_version": "1.0",
            "input_shape": ["B", *(net.inputs["input"] or ())],
            "output_node": rows[-1].name,
            "nodes": [{"id": "input", "type": "Input", "params": {}}, *nodes],
            "edges": edges,
        }
    )

    def shapes() -> Shapes:
        return {name: tuple(shape[1:]) for name, shape in model.validate().node_shapes.items()}

    return model.validate, shapes


def of_onnx(net: Network) -> tuple[Callable[[], Any], Callable[[], Shapes]]:
    from onnx import TensorProto, helper, shape_inference

    rows = net.check().layers
    names = ["", "input", *(row.name for row in rows)]
    entering = [helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, *(net.inputs["input"] or ())])]
    nodes = []
    for row in rows:
        given, weights, more = settings(row), dict[str, tuple[int, ...]](), dict[str, Any]()
        match row.type:
            case "conv":
                weights["weight"] = (given["out_channels"], given["in_channels"], *[given["kernel_size"]] * 2)
            case "batch_norm":
                weights = dict.fromkeys(("weight", "bias", "mean", "var"), (given["num_features"],))
            case "linear":
                weights, more = {"weight": (given["out_features"], given["in_features"])}, {"transB": 1}
        if row.type in {"conv", "max_pool"}:
            more = {"strides": [given["stride"]] * 2, "pads": [given["padding"]] * 4}
            more["kernel_shape"] = [given["kernel_size"]] * 2
        entering += [
            helper.make_tensor_value_info(f"{row.name}:{name}", TensorProto.FLOAT, shape)
            for name, shape in weights.items()
        ]
        inputs = [names[value] for value in row.node.inputs] + [f"{row.name}:{name}" for name in weights]
        nodes.append(helper.make_node(TYPES[row.type][1], inputs, [row.name], **more))
    leaving = [helper.make_tensor_value_info(rows[-1].name, TensorProto.FLOAT, None)]
    model = helper.make_model(helper.make_graph(nodes, "net", entering, leaving)).SerializeToString()

    def infer() -> Any:
        return shape_inference.infer_shapes(model)

    def shapes() -> Shapes:
        graph = infer().graph
        values = (*graph.value_info, *graph.output)
        return {value.name: tuple(dim.dim_value for dim in value.type.tensor_type.shape.dim[1:]) for value in values}

    return infer, shapes


def main() -> None:
    net = loads(RESNET.format(3, 8, 36, 3))
    expected = {row.name: row.output for row in net.check().layers}
    missed = False
    for name, peer, least in (("mlnode", of_mlnode, 2.3), ("onnx", of_onnx, 5)):
        if find_spec(name) is None:
            print(f"{name} is not installed: skipped")
            continue
        infer, shapes = peer(net)
        found = shapes()
        assert all(found[layer] == shape for layer, shape in expected.items()), name
        gc.freeze()  # what mlnode imports, torch among it, is nothing to either pass
        theirs, ours = seconds(infer, one_pass(net), rounds=31)
        print(f"{name} {theirs * 1e3:.2f} ms / report {ours * 1e3:.2f} ms = {theirs / ours:.1f}  (at least {least})")
        missed |= theirs / ours < least
    sys.exit(missed)


if __name__ == "__main__":
    main()
