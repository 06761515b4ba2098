"""Graphs as other exporters write them: batches that move or go, quantized numbers, operators of runtimes, unsorted nodes."""

import pytest

pytest.importorskip("onnxruntime")

import numpy as np
from helpers.onnx_graphs import model, one, save, whole
from onnx import TensorProto, helper, numpy_helper

from cnnshape.assemble.network import assemble
from cnnshape.convert.from_onnx.imported import imported
from cnnshape.file.reader import read_text

OPEN = ["n", 4, "h", "w"]
F = np.float32


def node(kind, *names, domain="", **attributes):
    """A node; its last name is that of its result."""
    return helper.make_node(kind, names[:-1], names[-1:], name=f"/{names[-1]}/{kind}", domain=domain, **attributes)


def read(proto, folder, **shapes):
    made = imported(save(proto, folder), shapes)
    assert not made.differences, made.text
    return assemble(read_text(made.text)).raise_for_errors(), made


def given(net, shape):
    report = net.check(input={"input": shape})
    return [*report.outputs.values()] if report.ok else None


def without(shapes, axis):
    """Shapes without the axis of the batch, None for none."""
    return shapes and [shape if axis is None else (*shape[:axis], *shape[axis + 1 :]) for shape in shapes]


MOVED = {  # and the axis of the batch in the result, None where it has none
    "exchanged": ([node("Transpose", "x", "y", perm=[1, 0, 2, 3])], 1),
    "turned": ([node("Transpose", "x", "y")], 3),
    "flattened behind": ([node("Flatten", "x", "y", axis=2)], None),
    "flattened at the end": ([node("Flatten", "x", "y", axis=-1)], None),
    "flattened": ([node("Flatten", "x", "y", axis=-3)], 0),
    "one row": ([node("Reshape", "x", "minus", "y")], None),
    "rows of boxes": ([node("Transpose", "x", "t", perm=[0, 2, 3, 1]), node("Reshape", "t", "boxes", "y")], None),
    "one sample": ([node("Gather", "x", "zero", "y", axis=0)], None),
    "time first": (
        [node("ReduceMean", "x", "m", axes=[2], keepdims=0), node("Transpose", "m", "t", perm=[2, 0, 1]),
         node("MatMul", "t", "weight", "y")], 1),
}  # fmt: skip


@pytest.mark.parametrize("name", MOVED)
def test_a_batch_that_moves_or_goes_is_no_difference(name, tmp_path):
    nodes, axis = MOVED[name]
    numbers = {"minus": np.int64([-1]), "boxes": np.int64([-1, 4]), "zero": np.int64(0), "weight": (4, 7)}
    used = {each: numbers[each] for one in nodes for each in one.input if each in numbers}
    proto = model(nodes, {"x": OPEN}, used)
    net, made = read(proto, tmp_path, x=(4, 6, 10))
    assert ("no axis of samples" in made.text) == (axis is None)
    for sides in [(6, 10), (3, 5), (8, 2)]:
        assert given(net, (4, *sides)) == without(whole(proto, x=(1, 4, *sides)), axis), made.text


ASKING = {
    "halves": one("Split", OPEN, axis=3),
    "parts": one("Split", OPEN, {"s": np.int64([2, 10])}, axis=3),
    "older parts": one("Split", OPEN, opset=11, split=[4, 8], axis=2),
    "an axis of 1": one("Squeeze", OPEN, {"a": np.int64([-1])}),
    "several axes": one("LayerNormalization", OPEN, {"s": (12, 12), "b": (12, 12)}, axis=2),
    "places": one("Gather", OPEN, {"i": np.int64([[0, 1], [5, 3]])}, axis=2),
    "places from the end": one("Gather", OPEN, {"i": np.int64([0, -7])}, axis=2),
    "a slope for each place": one("PRelu", OPEN, {"s": (4, 12, 12)}),
    "the largest": one("TopK", OPEN, {"k": np.int64([3])}, axis=-1),
}
for proto in (ASKING["halves"], ASKING["parts"], ASKING["older parts"], ASKING["the largest"]):
    proto.graph.node[0].output.append("z")
    proto.graph.output.append(helper.make_empty_tensor_value_info("z"))


@pytest.mark.parametrize("name", ASKING)
def test_what_a_node_asks_of_a_side_is_a_requirement(name, tmp_path):
    proto, side = ASKING[name], 1 if name == "an axis of 1" else 12
    net, made = read(proto, tmp_path, x=(4, 12, side))
    assert "require" in {each.type for each in net.nodes}, made.text
    assert str(2**63 - 1) not in str(net.valid_sizes())
    for sides in [*((n, n) for n in range(1, 15)), (12, 5), (5, 12), (12, 1), (3, 24)]:
        if "slope" in name and 1 in sides:
            continue  # onnxruntime repeats what enters, against the standard
        theirs = without(whole(proto, x=(1, 4, *sides)), 0)
        assert given(net, (4, *sides)) == theirs, (sides, made.text)
        assert (sides in net.valid_sizes()) == (theirs is not None)


def test_a_batch_that_is_open_is_one_behind_an_axis_in_front(tmp_path):
    proto = one("Unsqueeze", OPEN, {"a": np.int64([0])})
    net, _ = read(proto, tmp_path, x=(4, 6, 10))
    assert net.inputs == {"input": (4, 6, 10)}
    assert [net.check().output] == without(whole(proto, x=(1, 4, 6, 10)), 0)


def test_an_axis_of_1_that_is_always_of_1_asks_nothing(tmp_path):
    proto = model(
        [node("GlobalAveragePool", "x", "p"), node("Squeeze", "p", "axes", "y")],
        {"x": OPEN},
        {"axes": np.int64([2, 3])},
    )
    net, _ = read(proto, tmp_path, x=(4, 12, 12))
    assert "require" not in {each.type for each in net.nodes}


QUANTIZED = {
    "s": F(0.1), "z": np.uint8(128), "ws": F(0.1), "wz": np.int8(0), "w": np.ones((6, 4, 3, 3), np.int8), "b": np.zeros(6, np.int32),
    "m": np.ones((6, 5), np.int8), "fw": (6, 4, 3, 3), "fw2": (6, 4, 3, 3), "fb": (6,), "g": (10,), "g2": (10,), "row": (1, 10), "fm": (10, 5), "fv": (5,),
}  # fmt: skip
ENTER = node("QuantizeLinear", "x", "s", "z", "q")
LEAVE = node("DequantizeLinear", "r", "s", "z", "y")
CONV = node("QLinearConv", "q", "s", "z", "w", "ws", "wz", "s", "z", "b", "c")


def microsoft(kind, *names, **attributes):
    return node(kind, *names, domain="com.microsoft", **attributes)


PLAIN = {
    "a convolution": ([ENTER, CONV, node("Identity", "c", "r"), LEAVE], ["conv"], 6 * 4 * 9 + 6),
    "an integer one": ([ENTER, node("ConvInteger", "q", "w", "z", "c"), node("Cast", "c", "y", to=1)], ["conv"], 6 * 4 * 9),
    "a sum": ([ENTER, CONV, microsoft("QLinearAdd", "c", "s", "z", "c", "s", "z", "s", "z", "r"), LEAVE], ["add", "conv"], 222),
    "a pool": (
        [ENTER, CONV, microsoft("QLinearGlobalAveragePool", "c", "s", "z", "s", "z", "r", channels_last=0), LEAVE],
        ["conv", "global_avg_pool"], 222),
    "several": (
        [ENTER, CONV, microsoft("QLinearConcat", "s", "z", "c", "s", "z", "c", "s", "z", "r", axis=1), LEAVE], ["concat", "conv"], 222),
    "a matrix": (
        [node("GlobalAveragePool", "x", "p"), node("Concat", "p", "p", "d", axis=1), node("Flatten", "d", "f"),
         node("Slice", "f", "zero", "six", "one", "e"), node("QuantizeLinear", "e", "s", "z", "q"),
         node("QLinearMatMul", "q", "s", "z", "m", "ws", "wz", "s", "z", "r"), LEAVE],
        ["concat", "flatten", "global_avg_pool", "linear", "slice"], 30),
    "fused": ([microsoft("FusedConv", "x", "fw", "fb", "y", activation="Relu")], ["conv", "relu"], 222),
    "fused with a sum": (
        [node("Conv", "x", "fw2", "a"), microsoft("FusedConv", "x", "fw", "fb", "a", "y", activation="Sigmoid")],
        ["add", "conv", "conv", "sigmoid"], 438),
    "a gelu": ([microsoft("Gelu", "x", "y")], ["gelu"], 0),
    "a gelu with a bias": ([microsoft("BiasGelu", "x", "g", "y")], ["bias", "gelu"], 10),
    "a norm of a sum": (
        [node("ReduceMean", "x", "t", axes=[1], keepdims=0), microsoft("SkipLayerNormalization", "t", "t", "g", "g2", "y")],
        ["add", "layer_norm", "reduce"], 20),
}  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_quantized_numbers_and_operators_of_a_runtime_are_layers(name, tmp_path):
    nodes, types, parameters = PLAIN[name]
    numbers = QUANTIZED | {"zero": np.int64([0]), "six": np.int64([6]), "one": np.int64([1])}
    used = {each: numbers[each] for one in nodes for each in one.input if each in numbers}
    proto = model(nodes, {"x": OPEN}, used)
    proto.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    net, made = read(proto, tmp_path, x=(4, 6, 10))
    assert sorted(each.type for each in net.nodes) == types, made.text
    assert net.check().parameters == parameters, made.text
    for sides in [(6, 10), (12, 10), (2, 2)]:
        if "layer_norm" in types and sides[1] != 10:
            continue
        assert given(net, (4, *sides)) == without(whole(proto, x=(1, 4, *sides)), 0), made.text


def test_an_operator_of_others_has_the_shape_that_the_graph_states(tmp_path):
    nodes = [helper.make_node("Own", ["x"], ["t"], domain="own"), node("Relu", "t", "y")]
    proto = model(nodes, {"x": OPEN})
    proto.opset_import.append(helper.make_opsetid("own", 1))
    proto.graph.value_info.append(helper.make_tensor_value_info("t", TensorProto.FLOAT, ["n", 9, "h", "w"]))
    net, _ = read(proto, tmp_path, x=(4, 6, 10))
    assert [each.type for each in net.nodes] == ["opaque", "relu"]
    assert given(net, (4, 8, 5)) == [(9, 8, 5)]
    proto.graph.value_info[0].type.tensor_type.shape.dim[2].dim_param = "unk__7"
    with pytest.raises(ValueError, match="no operator of own"):
        imported(save(proto, tmp_path), {"x": (4, 6, 10)})
    fixed = model(nodes, {"x": [2, 4, 6, 10]})
    fixed.opset_import.append(helper.make_opsetid("own", 1))
    fixed.graph.value_info.append(helper.make_tensor_value_info("t", TensorProto.FLOAT, [2, 9, 3, 5]))
    net = imported(save(fixed, tmp_path), {}).net
    assert net.check().output == (9, 3, 5)
    assert not net.check(input=(4, 8, 10)).ok  # of other sizes the graph says nothing


def test_nodes_in_any_order_are_read(tmp_path):
    branch = helper.make_graph([node("Relu", "t", "z")], "g", [], [helper.make_empty_tensor_value_info("z")])
    nodes = [
        helper.make_node("If", ["true"], ["u"], then_branch=branch, else_branch=branch),
        node("Conv", "x", "w", "t"),
        node("Sigmoid", "u", "y"),
    ]
    proto = model([nodes[2], nodes[0], nodes[1]], {"x": OPEN}, {"w": (6, 4, 3, 3), "true": np.bool_(True)})
    net, _ = read(proto, tmp_path, x=(4, 6, 10))
    assert [each.type for each in net.nodes] == ["conv", "relu", "sigmoid"]


@pytest.mark.parametrize("opset", [9, 11, 13, 18])
def test_shapes_are_computed_by_the_rules_of_the_graphs_opset(opset, tmp_path):
    """Halves of channels are made two axes and exchanged, in sizes that the graph takes from its input."""
    attribute, axes = {"axes": [0]}, {"zero64": np.int64([0])}
    unsqueeze = (
        (lambda a, b: node("Unsqueeze", a, b, **attribute))
        if opset < 13
        else (lambda a, b: node("Unsqueeze", a, "zero64", b))
    )
    squeeze = (
        (lambda a, b: node("Squeeze", a, b, **attribute))
        if opset < 13
        else (lambda a, b: node("Squeeze", a, "zero64", b))
    )
    names = ["n", "c", "h", "w"]
    nodes = [node("Shape", "x", "shape")]
    for place, name in enumerate(names):
        nodes += [node("Gather", "shape", f"place{place}", f"{name}0", axis=0), unsqueeze(f"{name}0", name)]
    nodes += [
        squeeze("c", "c1"), node("Div", "c1", "two", "half0"), unsqueeze("half0", "half"),
        node("Concat", "n", "two1", "half", "h", "w", "apart", axis=0), node("Concat", "n", "c", "h", "w", "back", axis=0),
        node("Reshape", "x", "apart", "r"), node("Transpose", "r", "t", perm=[0, 2, 1, 3, 4]), node("Reshape", "t", "back", "y"),
    ]  # fmt: skip
    numbers = {f"place{place}": np.int64(place) for place in range(4)} | {"two": np.int64(2), "two1": np.int64([2])}
    proto = model(nodes, {"x": OPEN}, numbers | (axes if opset >= 13 else {}), opset=opset)
    net, made = read(proto, tmp_path, x=(4, 6, 10))
    assert "opaque" not in {each.type for each in net.nodes}, made.text
    for sides in [(6, 10), (3, 5), (1, 1)]:
        assert given(net, (4, *sides)) == without(whole(proto, x=(1, 4, *sides)), 0), made.text


def test_fresh_weights_that_an_exporter_writes_once_are_each_layers_own(tmp_path):
    numbers = {"a": (6, 4, 1, 1), "b": (6, 6, 1, 1), "zeros": np.zeros(6, F), "rest": (6,), "other": (6,)}
    nodes = [node("Conv", "x", "a", "zeros", "c"), node("InstanceNormalization", "c", "rest", "other", "d"),
             node("Conv", "d", "b", "zeros", "e"), node("InstanceNormalization", "e", "rest", "zeros", "f"),
             node("LayerNormalization", "f", "w", "v", "g", axis=-1), node("LayerNormalization", "g", "w", "v", "h", axis=-1),
             node("InstanceNormalization", "h", "rest", "other", "y")]  # fmt: skip
    numbers |= {"w": np.full(10, 1, F), "v": np.zeros(10, F)}
    net, _ = read(model(nodes, {"x": OPEN}, numbers), tmp_path, x=(4, 6, 10))
    counts = [row.parameters for row in net.check().layers]
    assert counts == [30, 12, 42, 12, 20, 20, 0]  # the last has both weights of the first norm
    assert "opaque" not in {each.type for each in net.nodes}


def test_a_gather_of_all_places_in_order_is_a_reshape(tmp_path):
    nodes = [node("GlobalAveragePool", "x", "p"), node("Flatten", "p", "f"), node("Reshape", "f", "all", "r"),
             node("Gather", "r", "places", "y", axis=0)]  # fmt: skip
    numbers = {"all": np.int64([-1]), "places": np.arange(4).reshape(1, 4, 1, 1)}
    net, made = read(model(nodes, {"x": OPEN}, numbers), tmp_path, x=(4, 6, 10))
    assert "opaque" not in {each.type for each in net.nodes}, made.text
    assert net.check().output == (4, 1, 1)


def test_weights_that_the_graph_computes_are_counted_as_what_they_come_to(tmp_path):
    """A convolution with a standardised weight: it stands there twice, with a gain for each filter."""
    nodes = [
        node("ReduceMean", "w", "mean", axes=[1, 2, 3]), node("Sub", "w2", "mean", "centred"), node("Mul", "centred", "gain", "v"),
        node("Conv", "x", "v", "b", "c"), node("Reshape", "flat", "square", "m"), node("Conv", "c", "m", "y"),
    ]  # fmt: skip
    numbers = {"w": (6, 4, 30, 1), "w2": (6, 4, 30, 1), "gain": (6, 1, 1, 1), "b": (6,), "flat": (6 * 900,)}
    numbers |= {"square": np.int64([30, 6, 30, 1])}
    net, made = read(model(nodes, {"x": OPEN}, numbers), tmp_path, x=(4, 60, 10))
    assert [each.type for each in net.nodes] == ["conv", "conv"]
    assert net.check().parameters == 6 * 4 * 30 + 6 + 6 * 900
    assert "Weights that the graph computes of constants are counted as what they come to: c." in made.text
    assert [row.name for row in net.check().layers] == ["c", "y"]


def test_padding_that_the_graph_computes_as_tensorflow_does_is_followed(tmp_path):
    def cells(axis, name):
        return [
            node("Gather", "shape", f"{axis}", f"{name}i", axis=0), node("Cast", f"{name}i", f"{name}f", to=1),
            node("Div", f"{name}f", "two", f"{name}d"), node("Ceil", f"{name}d", f"{name}c"), node("Sub", f"{name}c", "one", f"{name}s"),
            node("Mul", f"{name}s", "two", f"{name}m"), node("Add", f"{name}m", "three", f"{name}a"),
            node("Sub", f"{name}a", f"{name}f", f"{name}r"), helper.make_node("Clip", [f"{name}r", "none", ""], [f"{name}p"]),
            node("Div", f"{name}p", "two", f"{name}h"), node("Floor", f"{name}h", f"{name}before"),
            node("Sub", f"{name}p", f"{name}before", f"{name}after"),
            *(node("Unsqueeze", f"{name}{end}", "first", f"{name}{end}1") for end in ("before", "after")),
        ]  # fmt: skip

    nodes = [
        node("Shape", "x", "shape"), *cells(2, "h"), *cells(3, "w"),
        node("Concat", "zeros", "hbefore1", "wbefore1", "zeros", "hafter1", "wafter1", "ends", axis=0),
        node("Cast", "ends", "pads", to=7), node("Pad", "x", "pads", "padded"), node("Conv", "padded", "k", "y", strides=[2, 2]),
    ]  # fmt: skip
    numbers = {"2": np.int64(2), "3": np.int64(3), "two": F(2), "one": F(1), "three": F(3), "none": F(0), "first": np.int64([0]),
               "zeros": F([0, 0]), "k": (6, 4, 3, 3)}  # fmt: skip
    proto = model(nodes, {"x": OPEN}, numbers)
    net, made = read(proto, tmp_path, x=(4, 32, 41))
    assert "opaque" not in {each.type for each in net.nodes}, made.text
    for sides in [(32, 41), (41, 32), (1, 1), (2, 7), (9, 8)]:
        assert given(net, (4, *sides)) == without(whole(proto, x=(1, 4, *sides)), 0), made.text


CONV = [
    node("Conv", "t", "k", "c", strides=[2, 2], auto_pad="SAME_UPPER"),
    node("Transpose", "c", "y", perm=[0, 2, 3, 1]),
]
FIRST = {  # what stands between an input with its channels last and the exchange of its axes
    "a padding": ([node("Pad", "x", "ends", "p"), node("Transpose", "p", "t", perm=[0, 3, 1, 2])], ["pad", "conv"]),
    "a cast": ([node("Cast", "x", "p", to=1), node("Transpose", "p", "t", perm=[0, 3, 1, 2])], ["conv"]),
    "a normalization": (
        [node("Sub", "x", "mean", "d"), node("Div", "d", "by", "p"), node("Transpose", "p", "t", perm=[0, 3, 1, 2])],
        ["bias", "function", "conv"]),
}  # fmt: skip


@pytest.mark.parametrize("name", FIRST)
def test_channels_are_last_also_behind_what_comes_before_the_exchange_of_axes(name, tmp_path):
    nodes, types = FIRST[name]
    numbers = {"k": (8, 3, 3, 3), "ends": np.int64([0, 1, 2, 0, 0, 3, 0, 0]), "mean": (3,), "by": F(127.5)}
    used = {each: numbers[each] for one in nodes for each in one.input if each in numbers} | {"k": numbers["k"]}
    proto = model([*nodes, *CONV], {"x": ["n", "h", "w", 3]}, used)
    net, made = read(proto, tmp_path, x=(20, 30, 3))
    assert [each.type for each in net.nodes] == types, made.text
    assert net.layout == "channels_last"
    for high, wide in [(20, 30), (7, 8), (1, 1)]:
        theirs = whole(proto, x=(1, high, wide, 3))
        assert given(net, (3, high, wide)) == [(shape[3], *shape[1:3]) for shape in theirs]


def test_an_input_that_is_read_otherwise_as_well_has_its_own_order(tmp_path):
    nodes = [*FIRST["a cast"][0], *CONV, node("ReduceMean", "p", "z", axes=[1])]
    proto = model(nodes, {"x": ["n", "h", "w", 3]}, {"k": (8, 3, 3, 3)}, outputs=["y", "z"])
    assert read(proto, tmp_path, x=(20, 30, 3))[0].layout == "channels_first"
    chain = [node("Identity", "x" if place == 0 else f"v{place}", f"v{place + 1}") for place in range(2000)]
    proto = model([*chain, node("Relu", "v2000", "y")], {"x": OPEN})
    assert read(proto, tmp_path, x=(4, 6, 10))[0].layout == "channels_first"


@pytest.mark.parametrize("opset", [11, 13])
@pytest.mark.parametrize("before", [[], [node("Cast", "x", "t", to=1)]])
def test_an_input_without_a_batch_is_one_sample(before, opset, tmp_path):
    name = "t" if before else "x"
    front = node("Unsqueeze", name, "a", axes=[0]) if opset < 13 else node("Unsqueeze", name, "zero", "a")
    behind = node("Squeeze", "c", "y", axes=[0]) if opset < 13 else node("Squeeze", "c", "zero", "y")
    numbers = {"k": (8, 3, 3, 3)} | ({"zero": np.int64([0])} if opset >= 13 else {})
    nodes = [*before, front, node("Conv", "a", "k", "c")]
    for last, axis in [([node("Relu", "c", "y")], 0), ([behind], None)]:
        proto = model([*nodes, *last], {"x": [3, "h", "w"]}, numbers, opset=opset)
        net, made = read(proto, tmp_path, x=(3, 20, 30))
        assert net.inputs == {"input": (3, 20, 30)}
        assert "The batch is fixed at 1" in made.text
        for sides in [(20, 30), (3, 3), (2, 9)]:
            assert given(net, (3, *sides)) == without(whole(proto, x=(3, *sides)), axis), made.text
    both = [*before, front, node("Relu", "a", "y"), node("ReduceMax", name, "z", axes=[1])]
    del numbers["k"]
    other = model(both, {"x": [3, 20, 30]}, numbers, outputs=["y", "z"], opset=opset)
    assert imported(save(other, tmp_path), {}).net.inputs == {"input": (20, 30)}


EINSUMS = {
    "bchw,bdhw->bcd": ["opaque"], "bchw,bckw->bchk": ["permute", "matmul"],
    "bchw,bchw->": ["opaque"], "b...w,b...d->b...": ["opaque"], "bchw->bhwc": ["opaque"], "cbhw,cbwd->cbhd": ["opaque", "matmul"],
}  # fmt: skip


@pytest.mark.parametrize("equation", EINSUMS)
def test_an_einsum_of_two_results_is_a_product_of_matrices(equation, tmp_path):
    inputs = ["x", "x"] if "," in equation else ["x"]
    proto = model([node("Einsum", *inputs, "y", equation=equation)], {"x": OPEN})
    net, made = read(proto, tmp_path, x=(4, 6, 6))
    assert {each.type for each in net.nodes} & {"matmul", "opaque"} <= {*EINSUMS[equation]}, made.text
    theirs = whole(proto, x=(1, 4, 6, 6))
    assert given(net, (4, 6, 6)) in [without(theirs, 0), without(theirs, None)], made.text


ODD = {
    "a shrink of its own": one("Shrink", OPEN, lambd=0.3, bias=0.1),
    "parts of other sizes": one("Split", OPEN, opset=18, axis=2, num_outputs=2),
    "the first place again": one("Gather", OPEN, {"i": np.int64([[0, 0], [0, 0]])}, axis=1),
}
ODD["parts of other sizes"].graph.node[0].output.append("z")
ODD["parts of other sizes"].graph.output.append(helper.make_empty_tensor_value_info("z"))


@pytest.mark.parametrize("name", ODD)
def test_forms_that_are_seldom_written_have_their_shapes(name, tmp_path):
    net, made = read(ODD[name], tmp_path, x=(4, 6, 10))
    for sides in [(6, 10), (3, 5)]:
        theirs = without(whole(ODD[name], x=(1, 4, *sides)), 0)
        assert given(net, (4, *sides)) == theirs, made.text


def test_sparse_weights_are_weights(tmp_path):
    few = helper.make_tensor("w", TensorProto.FLOAT, [2], [1.0, 2.0])
    sparse = helper.make_sparse_tensor(few, numpy_helper.from_array(np.int64([0, 5]), "places"), [6, 4, 3, 3])
    proto = model([node("Conv", "x", "w", "y")], {"x": OPEN})
    proto.graph.sparse_initializer.append(sparse)
    net, _ = read(proto, tmp_path, x=(4, 6, 10))
    constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse)
    other, _ = read(model([constant, node("Conv", "x", "w", "y")], {"x": OPEN}), tmp_path, x=(4, 6, 10))
    assert net.check().parameters == other.check().parameters == 216
    assert [net.check().output] == without(whole(proto, x=(1, 4, 6, 10)), 0)


def test_numbers_beside_the_samples_are_no_inputs(tmp_path):
    nodes = [node("Mul", "x", "threshold", "a"), node("Relu", "a", "y")]
    proto = model(nodes, {"x": OPEN, "threshold": [], "unused": [1]})
    net, made = read(proto, tmp_path, x=(4, 6, 10))
    assert net.inputs == {"input": (4, 6, 10)}
    assert given(net, (4, 8, 8)) == [(4, 8, 8)]
    assert "Its input threshold is no sample, and no input of the file" in made.text


def test_outputs_that_have_nothing_of_the_input_are_told(tmp_path):
    proto = model([node("Relu", "x", "y"), node("Shape", "x", "s")], {"x": OPEN}, outputs=["y", "s"])
    net, made = read(proto, tmp_path, x=(4, 6, 10))
    assert net.check().output == (4, 6, 10)
    assert "Its output s has nothing of the input, and is left out." in made.text


def test_half_numbers_that_an_opset_does_not_take_yet_have_the_shapes_of_others(tmp_path):
    weight = helper.make_tensor("w", TensorProto.BFLOAT16, [6, 4, 3, 3], np.ones(216).tolist())
    proto = model([node("Conv", "x", "w", "y")], {"x": OPEN}, opset=17)
    proto.graph.initializer.append(weight)
    proto.graph.input[0].type.tensor_type.elem_type = TensorProto.BFLOAT16
    net, _ = read(proto, tmp_path, x=(4, 6, 10))
    assert net.check().output == (6, 4, 8)
    assert net.check().parameters == 216


def test_the_padding_of_dilated_windows_that_onnxruntime_refuses_is_told(tmp_path):
    proto = one("Conv", OPEN, {"w": (6, 4, 3, 3)}, auto_pad="SAME_UPPER", dilations=[2, 2])
    _, made = read(proto, tmp_path, x=(4, 6, 10))
    assert "has auto_pad and dilations: onnxruntime refuses both" in made.text
    assert whole(proto, x=(1, 4, 6, 10)) is None


def test_a_norm_with_a_weight_that_is_repeated_is_opaque(tmp_path):
    proto = one("LayerNormalization", OPEN, {"s": (1,)}, axis=-1)
    net, made = read(proto, tmp_path, x=(4, 6, 10))
    assert given(net, (4, 6, 10)) == without(whole(proto, x=(1, 4, 6, 10)), 0)
    assert [each.type for each in net.nodes] == ["opaque"], made.text


def test_a_matrix_for_each_channel_has_its_products_counted(tmp_path):
    proto = model([node("MatMul", "x", "w", "y")], {"x": ["n", 4, "h", 8]}, {"w": (1, 4, 8, 5)})
    net, _ = read(proto, tmp_path, x=(4, 6, 8))
    assert net.check().macs == 4 * 6 * 8 * 5


def test_results_of_training_that_nothing_reads_are_left_out(tmp_path):
    made = helper.make_node("BatchNormalization", ["x", "s", "b", "m", "v"], ["y", "rm", "rv", "sm", "sv"])
    proto = model([made], {"x": OPEN}, dict.fromkeys("sbmv", (4,)), opset=9)
    net, _ = read(proto, tmp_path, x=(4, 6, 10))
    assert [each.type for each in net.nodes] == ["batch_norm"]


def test_weights_of_an_opaque_layer_whose_first_result_is_not_read_are_counted(tmp_path):
    made = helper.make_node("LSTM", ["t", "w", "r"], ["", "y"], hidden_size=6, direction="reverse")
    nodes = [node("Transpose", "x", "t", perm=[1, 0, 2]), made]
    net, _ = read(model(nodes, {"x": ["n", "t", 5]}, {"w": (1, 24, 5), "r": (1, 24, 6)}), tmp_path, x=(7, 5))
    assert net.check().parameters == 24 * 11
    assert not net.check(input=(7, 6)).ok
    assert "opaque" in {each.type for each in net.nodes}


def test_settings_of_an_opaque_operator_are_no_weights(tmp_path):
    settings = {"roi": F([0, 0, 0.2, 0.2, 1, 1, 0.8, 0.8]), "s": F([1, 1, 2, 2])}
    proto = one("Resize", OPEN, settings, coordinate_transformation_mode="tf_crop_and_resize")
    made = imported(save(proto, tmp_path), {"x": (4, 6, 10)})
    assert made.net.check().parameters == 0
