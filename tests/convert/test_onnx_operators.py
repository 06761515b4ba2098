"""Operators of ONNX in graphs of one node: the file's shapes are those that onnxruntime gives, at every size, errors included."""

import random

import pytest

pytest.importorskip("onnxruntime")

import numpy as np
from helpers.onnx_graphs import model, one, save, truth
from onnx import helper

from cnnshape.assemble.network import assemble
from cnnshape.convert.from_onnx.imported import imported
from cnnshape.file.reader import read_text


def read(proto, folder, **shapes):
    """The net of the file that a model is imported as, at the shapes of its inputs without the batch."""
    made = imported(save(proto, folder), shapes)
    return assemble(read_text(made.text)).raise_for_errors(), made


def given(net, **shapes):
    report = net.check(input=shapes)
    return [*report.outputs.values()] if report.ok else None


def windows(rng, space):
    """Attributes of a window: pads that differ at the ends, words, strides, dilations."""
    kernel = [rng.randint(1, 4) for _ in range(space)]
    found = {"kernel_shape": kernel}
    if rng.random() < 0.7:
        found["strides"] = [rng.randint(1, 4) for _ in range(space)]
    if rng.random() < 0.3:
        found["dilations"] = [rng.randint(1, 3) for _ in range(space)]
    way = rng.choice(["NOTSET", "pads", "even", "SAME_UPPER", "SAME_LOWER", "VALID"])
    if way in {"pads", "even"}:
        before = [rng.randint(0, k - 1) for k in kernel]
        found["pads"] = before + (before if way == "even" else [rng.randint(0, k - 1) for k in kernel])
    elif way != "NOTSET":
        found["auto_pad"] = way
    return found


def usual(kind, attributes):
    """Whether onnxruntime pools as the standard says: with auto_pad it may refuse, or forget dilations."""
    space = len(attributes["kernel_shape"])
    strides, dilations = attributes.get("strides", [1] * space), attributes.get("dilations", [1] * space)
    over = any(k < s for k, s in zip(attributes["kernel_shape"], strides, strict=True))
    same = attributes.get("auto_pad", "").startswith("SAME")
    return kind == "Conv" or not same or not (over or any(d > 1 for d in dilations))


def fits(attributes, sides):
    """Whether windows fit the padded sides; where not, onnxruntime's whole-number division may make one of them."""
    space = len(sides)
    dilations, pads = attributes.get("dilations", [1] * space), attributes.get("pads", [0] * 2 * space)
    extents = [d * (k - 1) + 1 for d, k in zip(dilations, attributes["kernel_shape"], strict=True)]
    ends = [pads[at] + pads[at + space] for at in range(space)]
    same = attributes.get("auto_pad", "").startswith("SAME")
    return same or all(w + p >= f for w, p, f in zip(sides, ends, extents, strict=True))


KINDS = {"Conv": {"w": True}, "MaxPool": {}, "AveragePool": {}, "LpPool": {}}


@pytest.mark.parametrize("seed", range(100))
def test_windows_give_the_shapes_of_onnxruntime(seed, tmp_path):
    rng = random.Random(seed)
    kind, space = rng.choice([*KINDS]), rng.choice([1, 2, 2, 3])
    attributes = windows(rng, space)
    if kind in {"AveragePool", "LpPool"}:
        attributes.pop("dilations", None)
    if kind in {"MaxPool", "AveragePool"} and rng.random() < 0.4 and "auto_pad" not in attributes:
        attributes["ceil_mode"] = 1
    if kind == "AveragePool":
        attributes["count_include_pad"] = rng.randint(0, 1)
    weights = {"w": (6, 4, *attributes["kernel_shape"])} if kind == "Conv" else {}
    proto = one(kind, [1, 4] + [0] * space, weights, **attributes)
    declared = tuple(rng.randint(9, 16) for _ in range(space))
    net, made = read(proto, tmp_path, x=(4, *declared))
    assert not made.differences, made.text
    assert ("onnxruntime" in made.text) == (not usual(kind, attributes) or "by its text before" in made.text)
    for _ in range(12 if usual(kind, attributes) else 0):
        sides = tuple(rng.randint(1, 17) for _ in range(space))
        theirs = truth(proto, x=(1, 4, *sides))
        if not attributes.get("ceil_mode") and not fits(attributes, sides):
            theirs = None
        assert given(net, input=(4, *sides)) == theirs, (kind, attributes, sides, made.text)


@pytest.mark.parametrize("seed", range(40))
def test_transposed_windows_give_the_shapes_of_onnxruntime(seed, tmp_path):
    rng = random.Random(seed)
    space = rng.choice([1, 2, 2, 3])
    attributes = windows(rng, space)
    strides = attributes.get("strides", [1] * space)
    if rng.random() < 0.4:
        attributes["output_padding"] = [rng.randint(0, s - 1) for s in strides]
    proto = one("ConvTranspose", [1, 4] + [0] * space, {"w": (4, 6, *attributes["kernel_shape"])}, **attributes)
    declared = tuple(rng.randint(5, 9) for _ in range(space))
    net, made = read(proto, tmp_path, x=(4, *declared))
    assert not made.differences, made.text
    for _ in range(8):
        sides = tuple(rng.randint(1, 12) for _ in range(space))
        assert given(net, input=(4, *sides)) == truth(proto, x=(1, 4, *sides)), (attributes, sides, made.text)


def test_a_transposed_convolution_to_sides_that_it_states(tmp_path):
    proto = one("ConvTranspose", [1, 4, 0, 0], {"w": (4, 6, 3, 3)}, strides=[2, 2], output_shape=[11, 12])
    net, made = read(proto, tmp_path, x=(4, 6, 6))
    assert net.check().output == truth(proto, x=(1, 4, 6, 6))[0] == (6, 11, 12)
    assert "11x12" in made.text or "[11, 12]" in made.text


@pytest.mark.parametrize("opset", [10, 13, 19, 22])
def test_the_last_window_of_ceil_mode_is_told_apart_from_the_older_standard(opset, tmp_path):
    proto = one("MaxPool", [1, 4, 0, 0], opset=opset, kernel_shape=[1, 1], strides=[2, 2], ceil_mode=1)
    net, made = read(proto, tmp_path, x=(4, 4, 4))
    assert net.check().output == truth(proto, x=(1, 4, 4, 4))[0] == (4, 2, 2)
    assert ("by its text before, 3" in made.text) == (opset < 22)


VALUES = {
    "Abs": {}, "Celu": {"alpha": 2.0}, "Cos": {}, "Elu": {"alpha": 0.5}, "Erf": {}, "Exp": {}, "HardSigmoid": {}, "HardSwish": {},
    "LeakyRelu": {"alpha": 0.2}, "LogSoftmax": {"axis": 1}, "LRN": {"size": 5}, "Mish": {}, "Neg": {}, "Relu": {}, "Selu": {},
    "Shrink": {"lambd": 0.3, "bias": 0.3}, "Sigmoid": {}, "Softmax": {"axis": -1}, "Softplus": {}, "Softsign": {}, "Sqrt": {}, "Tanh": {},
    "ThresholdedRelu": {"alpha": 0.5}, "GlobalAveragePool": {}, "GlobalMaxPool": {}, "Identity": {}, "Flatten": {}, "Dropout": {},
    "ReduceMean": {"axes": [2, 3], "keepdims": 0}, "ReduceMax": {"axes": [1]}, "ReduceL2": {"axes": [-1], "keepdims": 0},
    "DepthToSpace": {"blocksize": 2}, "SpaceToDepth": {"blocksize": 2}, "Transpose": {"perm": [0, 2, 3, 1]}, "Clip": {},
    "GlobalLpPool": {}, "MeanVarianceNormalization": {}, "Hardmax": {"axis": 1}, "Softmax ": {"axis": 2},
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_operators_of_one_input(kind, tmp_path):
    opset = 18 if kind == "Mish" else 17
    proto = one(kind.strip(), [1, 8, 0, 0], opset=opset, **VALUES[kind])
    net, made = read(proto, tmp_path, x=(8, 6, 10))
    assert not made.differences, made.text
    for sides in [(6, 10), (8, 4), (2, 2), (1, 1), (5, 7)]:
        assert given(net, input=(8, *sides)) == truth(proto, x=(1, 8, *sides)), made.text


NAMED = {
    "relu6": one("Clip", [1, 8, 0, 0], {"a": np.float32(0), "b": np.float32(6)}),
    "relu": one("Clip", [1, 8, 0, 0], {"a": np.float32(0)}),
    "hardtanh": one("Clip", [1, 8, 0, 0], {"a": np.float32(-2), "b": np.float32(2)}),
    "function": one("Clip", [1, 8, 0, 0], {"a": np.float32(0.5)}),
    "scale": one("Mul", [1, 8, 0, 0], {"a": (8, 1, 1)}),
    "bias": one("Add", [1, 8, 0, 0], {"a": (1, 8, 1, 1)}),
    "prelu": one("PRelu", [1, 8, 0, 0], {"a": (8, 1, 1)}),
    "batch_norm": one("BatchNormalization", [1, 8, 0, 0], {"a": (8,), "b": (8,), "c": (8,), "d": (8,)}),
    "instance_norm": one("InstanceNormalization", [1, 8, 0, 0], {"a": (8,), "b": (8,)}),
    "upsample": one("Resize", [1, 8, 0, 0], {"": np.float32([]), "s": np.float32([1, 1, 2, 2])}),
    "slice": one("Slice", [1, 8, 0, 0], {"a": np.int64([1]), "b": np.int64([-1]), "c": np.int64([2])}),
    "select": one("Gather", [1, 8, 0, 0], {"a": np.int64(2)}, axis=1),
    "pad": one("Pad", [1, 8, 0, 0], {"a": np.int64([0, 0, 1, 2, 0, 0, 3, 0])}),
    "permute": one("Transpose", [1, 8, 0, 0], perm=[0, 1, 3, 2]),
    "lp_pool": one("LpPool", [1, 8, 0, 0], kernel_shape=[2, 2], auto_pad="SAME_UPPER"),
    "dropout": one("Dropout", [1, 8, 0, 0], {"r": np.float32(0.25)}),
}


@pytest.mark.parametrize("kind", NAMED)
def test_operators_with_constants_are_these_layers(kind, tmp_path):
    net, made = read(NAMED[kind], tmp_path, x=(8, 6, 10))
    assert [node.type for node in net.nodes] == [kind], made.text
    assert not made.differences, made.text
    for sides in [(6, 10), (8, 4), (12, 5)]:
        assert given(net, input=(8, *sides)) == truth(NAMED[kind], x=(1, 8, *sides))


def test_a_window_that_does_not_fit_is_refused_though_onnxruntime_divides_otherwise(tmp_path):
    proto = one("MaxPool", [1, 4, 0, 0], kernel_shape=[2, 2], strides=[2, 2])
    net, _ = read(proto, tmp_path, x=(4, 4, 4))
    assert truth(proto, x=(1, 4, 1, 1)) == [(4, 1, 1)]
    assert given(net, input=(4, 1, 1)) is None
    with pytest.raises(ValueError, match="no elements"):
        imported(save(proto, tmp_path), {"x": (4, 1, 1)})
    conv = one("Conv", [1, 4, 0, 0], {"w": (4, 4, 2, 2)}, strides=[2, 2])
    with pytest.raises(ValueError, match="windows of 2 do not fit a side of 1"):
        imported(save(conv, tmp_path), {"x": (4, 1, 1)})


OLDER = {
    "Upsample 7": one("Upsample", [1, 4, 0, 0], opset=7, scales=[1.0, 1.0, 2.0, 3.0]),
    "Upsample 9": one("Upsample", [1, 4, 0, 0], {"s": np.float32([1, 1, 2, 2])}, opset=9),
    "Resize 10": one("Resize", [1, 4, 0, 0], {"s": np.float32([1, 1, 0.5, 2])}, opset=10),
    "Resize 18": one("Resize", [1, 4, 0, 0], {"": 0, "s": np.float32([2, 2])}, opset=18, axes=[2, 3]),
    "Pad 7": one("Pad", [1, 4, 0, 0], opset=7, pads=[0, 0, 1, 2, 0, 0, 0, 1], mode="reflect"),
    "Pad 18": one("Pad", [1, 4, 0, 0], {"a": np.int64([1, 2]), "": 0, "c": np.int64([3])}, opset=18),
    "Slice 9": one("Slice", [1, 4, 0, 0], opset=9, axes=[2], starts=[1], ends=[100]),
    "Clip 10": one("Clip", [1, 4, 0, 0], opset=10, min=0.0, max=6.0),
    "Squeeze 11": one("Unsqueeze", [1, 4, 0, 0], opset=11, axes=[2]),
    "Unsqueeze 13": one("Unsqueeze", [1, 4, 0, 0], {"a": np.int64([2])}, opset=13),
    "Softmax 11": one("Softmax", [1, 4, 0, 0], opset=11, axis=3),
    "Softmax of all 11": one("Softmax", [1, 4, 0, 0], opset=11, axis=1),
    "BatchNormalization 7": one(
        "BatchNormalization", [1, 4, 0, 0], {"a": (4,), "b": (4,), "c": (4,), "d": (4,)}, opset=7
    ),
    "Dropout 7": one("Dropout", [1, 4, 0, 0], opset=7, ratio=0.3),
    "ReduceSum 11": one("ReduceSum", [1, 4, 0, 0], opset=11, axes=[3], keepdims=0),
    "ReduceSum 13": one("ReduceSum", [1, 4, 0, 0], {"a": np.int64([2])}, opset=13),
    "ReduceMean 18": one("ReduceMean", [1, 4, 0, 0], {"a": np.int64([2, 3])}, opset=18),
}


@pytest.mark.parametrize("name", OLDER)
def test_older_and_newer_opsets_say_the_same_otherwise(name, tmp_path):
    net, made = read(OLDER[name], tmp_path, x=(4, 6, 8))
    assert not made.differences, made.text
    for sides in [(6, 8), (10, 4), (3, 5)]:
        assert given(net, input=(4, *sides)) == truth(OLDER[name], x=(1, 4, *sides)), made.text


def test_results_are_joined_split_and_broadcast(tmp_path):
    nodes = [
        helper.make_node("Split", ["x"], ["a", "b"], name="split", axis=1),
        helper.make_node("Concat", ["a", "b", "a"], ["c"], name="concat", axis=2),
        helper.make_node("GlobalAveragePool", ["c"], ["gate"], name="gate"),
        helper.make_node("Mul", ["c", "gate"], ["d"], name="mul"),
        helper.make_node("Sub", ["d", "c"], ["e"], name="sub"),
        helper.make_node("Div", ["e", "two"], ["f"], name="div"),
        helper.make_node("Sum", ["f", "c", "d"], ["y"], name="sum"),
        helper.make_node("Max", ["y", "two"], ["z"], name="max"),
    ]
    proto = model(nodes, {"x": [1, 4, "h", "w"]}, {"two": np.float32(2)}, outputs=["y", "z"], opset=12)
    net, made = read(proto, tmp_path, x=(4, 6, 8))
    assert not made.differences, made.text
    for sides in [(6, 8), (3, 5)]:
        assert given(net, input=(4, *sides)) == truth(proto, x=(1, 4, *sides))


def test_a_linear_layer_in_all_its_forms(tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["a"], name="/one/MatMul"),
        helper.make_node("Add", ["b1", "a"], ["b"], name="/one/Add"),
        helper.make_node("Gemm", ["b", "w2", "b2"], ["c"], name="/two/Gemm", transB=1),
        helper.make_node("Gemm", ["c", "w3"], ["d"], name="/three/Gemm"),
        helper.make_node("MatMul", ["d", "w4"], ["y"], name="/four/MatMul"),
    ]
    weights = {"w1": (8, 5), "b1": (5,), "w2": (6, 5), "b2": (6,), "w3": (6, 7), "w4": (7, 3)}
    net, made = read(model(nodes, {"x": [1, 8]}, weights), tmp_path)
    assert [(node.name, node.type) for node in net.nodes] == [(n, "linear") for n in ("one", "two", "three", "four")]
    report = net.check()
    assert report.parameters == sum(int(np.prod(shape)) for shape in weights.values()), made.text
    assert report.macs == 8 * 5 + 5 * 6 + 6 * 7 + 7 * 3
