"""Graphs of ONNX that tests make by hand, and their truth: what onnxruntime gives for real numbers."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

onnxruntime.set_default_logger_severity(4)


def model(nodes, inputs, constants=(), *, outputs=("y",), opset=17, **more):
    """A model of nodes; `inputs` has shapes with the batch by name, `constants` arrays, or shapes of weights."""
    rng = np.random.default_rng(0)
    arrays = {
        name: value if isinstance(value, np.ndarray | np.generic) else rng.random(value, dtype=np.float32)
        for name, value in dict(constants).items()
        if name
    }
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_empty_tensor_value_info(name) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in arrays.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8, **more)


def one(kind, x, constants=(), *, opset=17, **attributes):
    """A model of one node, with an input of open sides and constants."""
    node = helper.make_node(kind, ["x", *dict(constants)], ["y"], name="node", **attributes)
    sides = [f"side{axis}" for axis in range(2, len(x))]
    return model([node], {"x": ["batch", x[1], *sides]}, constants, opset=opset)


def save(proto, folder, name="model.onnx"):
    path = folder / name
    onnx.save(proto, path)
    return str(path)


def whole(proto, **shapes):
    """The shapes that onnxruntime gives of inputs of shapes, all with the batch; None where it refuses.

    A result without elements is refused, as cnnshape does.
    """
    try:
        session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
        found = session.run(None, {name: np.zeros(shape, dtype=np.float32) for name, shape in shapes.items()})
    except Exception:  # noqa: BLE001 -- its own, in many kinds
        return None
    return None if any(0 in array.shape[1:] for array in found) else [array.shape for array in found]


def truth(proto, **shapes):
    """The shapes that onnxruntime gives of inputs of shapes with the batch, without it; None where it refuses."""
    found = whole(proto, **shapes)
    return found and [shape[1:] for shape in found]
