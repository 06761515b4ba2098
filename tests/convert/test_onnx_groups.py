"""Groups of nodes that are one layer, in the forms in which exporters write them; and what is near to one, but none."""

import pytest

pytest.importorskip("onnxruntime")

import numpy as np
from helpers.onnx_graphs import model, save, truth
from onnx import helper, numpy_helper

from cnnshape.assemble.network import assemble
from cnnshape.convert.from_onnx.imported import imported
from cnnshape.file.reader import read_text

F = np.float32
NUMBERS = {"one": F(1), "two": F(2), "three": F(3), "six": F(6), "half": F(0.5), "zero": F(0), "eps": F(1e-5),
           "root": F(2**0.5), "inverse": F(0.5**0.5), "sixth": F(1 / 6), "cubed": F(3), "cubic": F(0.044715), "pi": F(0.7978846), "v8": (8,), "w8": (8,), "v81": (8, 1, 1), "w81": (8, 1, 1)}  # fmt: skip


def chain(text):
    """Nodes of lines as `y = Mul x gate`, with attributes behind a bar."""
    made = []
    for line in filter(None, map(str.strip, text.replace(";", "\n").split("\n"))):
        left, _, given = line.partition("|")
        output, _, rest = left.partition("=")
        kind, *names = rest.split()
        attributes = dict(eval(f"dict({given})")) if given else {}
        outputs = output.split()
        made.append(helper.make_node(kind, names, outputs, name=f"/m/{outputs[0]}/{kind}", **attributes))
    return made


def graph(text, *, opset=13, rank=4, constants=NUMBERS, outputs=("y",)):
    shape = ["n", 8, "h", "w"][:rank] if rank == 4 else ["n", "t", 8]
    used = {name: value for name, value in constants.items() if f" {name}" in text.replace(";", " ").replace("\n", " ")}
    return model(chain(text), {"x": shape}, used, opset=opset, outputs=outputs)


NORM = "m = ReduceMean x | axes=[-1]; d = Sub x m; s = {square}; v = ReduceMean s | axes=[-1]; e = Add v eps; r = Sqrt e; q = Div d r"
GROUPS = {
    "silu": "s = Sigmoid x; y = Mul s x",
    "mish": "s = Softplus x; t = Tanh s; y = Mul x t",
    "hardswish": "s = HardSigmoid x | alpha=1/6, beta=0.5; y = Mul x s",
    "hardswish, divided": "a = Add x three; c = Clip a zero six; d = Div c six; y = Mul x d",
    "hardswish, times": "a = Add three x; c = Clip a zero six; d = Mul c sixth; y = Mul d x",
    "hardswish, at the end": "a = Add x three; c = Clip a zero six; p = Mul x c; y = Div p six",
    "hardsigmoid": "a = Add x three; c = Clip a zero six; y = Div c six",
    "gelu": "d = Div x root; e = Erf d; a = Add e one; p = Mul x a; y = Mul p half",
    "gelu, times": "d = Mul x inverse; e = Erf d; a = Add one e; p = Mul a x; y = Mul half p",
    "gelu, halved before": "h = Mul x half; d = Div x root; e = Erf d; a = Add e one; y = Mul h a",
    "gelu, halved sum": "d = Div x root; e = Erf d; a = Add e one; h = Mul half a; y = Mul x h",
    "gelu, by tanh": "c = Pow x cubed; p = Mul c cubic; a = Add x p; s = Mul a pi; t = Tanh s; o = Add t one; m = Mul x o; y = Mul m half",
    "gelu, by tanh of products": (
        "q = Mul x x; c = Mul q x; p = Mul c cubic; a = Add x p; s = Mul a pi; t = Tanh s; o = Add one t; h = Mul x half; y = Mul h o"),
    "relu6": "y = Clip x zero six",
}  # fmt: skip


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_of_values_is_one_activation(name, tmp_path):
    made = imported(save(graph(GROUPS[name]), tmp_path), {"x": (8, 6, 10)})
    assert [node.type for node in made.net.nodes] == [name.partition(",")[0]], made.text
    assert not made.differences


NEAR = {
    "another gate": ("s = Sigmoid x; r = Relu x; y = Mul r s", ["sigmoid", "relu", "mul"]),
    "another slope": ("s = HardSigmoid x | alpha=0.2, beta=0.5; y = Mul x s", ["scale", "function", "hardtanh", "mul"]),
    "another softplus": ("r = Relu x; s = Softplus r; t = Tanh s; y = Mul x t", ["relu", "softplus", "tanh", "mul"]),
    "another shift": ("a = Add x two; c = Clip a zero six; d = Div c six; y = Mul x d", ["function", "relu6", "function", "mul"]),
    "another limit": ("a = Add x three; c = Clip a zero three; y = Div c six", ["function", "hardtanh", "function"]),
    "another divisor": ("a = Add x three; c = Clip a zero six; y = Div c two", ["function", "relu6", "function"]),
    "no erf": ("d = Div x root; e = Tanh d; a = Add e one; p = Mul x a; y = Mul p half", ["function", "tanh", "function", "mul", "scale"]),
    "another root": ("d = Div x two; e = Erf d; a = Add e one; p = Mul x a; y = Mul p half", ["function", "function", "function", "mul", "scale"]),
    "no cube": (
        "c = Pow x two; p = Mul c cubic; a = Add x p; s = Mul a pi; t = Tanh s; o = Add t one; m = Mul x o; y = Mul m half",
        ["function", "scale", "add", "scale", "tanh", "function", "mul", "scale"]),
    "a cube of others": (
        "r = Relu x; c = Pow r cubed; p = Mul c cubic; a = Add x p; s = Mul a pi; t = Tanh s; o = Add t one; m = Mul x o; y = Mul m half",
        ["relu", "function", "scale", "add", "scale", "tanh", "function", "mul", "scale"]),
    "half of a sum": ("h = Mul x half; r = Relu x; a = Add r one; y = Mul h a", ["scale", "relu", "function", "mul"]),
}  # fmt: skip


@pytest.mark.parametrize("name", NEAR)
def test_what_is_near_to_a_group_stays_apart(name, tmp_path):
    text, types = NEAR[name]
    made = imported(save(graph(text), tmp_path), {"x": (8, 6, 10)})
    assert sorted(node.type for node in made.net.nodes) == sorted(types), made.text
    assert not made.differences


def test_a_group_whose_parts_are_read_elsewhere_stays_apart(tmp_path):
    proto = graph("s = Sigmoid x; p = Mul x s; y = Add p s")
    assert [node.type for node in imported(save(proto, tmp_path), {"x": (8, 6, 10)}).net.nodes] == [
        "sigmoid",
        "mul",
        "add",
    ]
    proto = graph("s = Sigmoid x; y = Mul x s", outputs=["y", "s"])
    assert {"sigmoid", "mul"} <= {node.type for node in imported(save(proto, tmp_path), {"x": (8, 6, 10)}).net.nodes}


SQUARES = {"Pow": "Pow d two", "Mul": "Mul d d"}


@pytest.mark.parametrize("square", SQUARES)
@pytest.mark.parametrize("ending", ["p = Mul q v8; y = Add p w8", "p = Mul v8 q; y = Add w8 p", "y = Mul q v8"])
def test_a_layer_norm_of_several_nodes_is_one(square, ending, tmp_path):
    proto = graph(f"{NORM.format(square=SQUARES[square])}; {ending}", rank=3)
    made = imported(save(proto, tmp_path), {"x": (5, 8)})
    assert [node.type for node in made.net.nodes] == ["layer_norm"], made.text
    assert made.net.check().parameters == (16 if "Add" in ending else 8)
    assert not made.differences


def test_axes_of_a_norm_may_be_an_input(tmp_path):
    text = NORM.format(square="Pow d two").replace("x | axes=[-1]", "x ax").replace("s | axes=[-1]", "s ax")
    proto = graph(f"{text}; p = Mul q v8; y = Add p w8", opset=18, rank=3, constants=NUMBERS | {"ax": np.int64([-1])})
    made = imported(save(proto, tmp_path), {"x": (5, 8)})
    assert [node.type for node in made.net.nodes] == ["layer_norm"], made.text


NO_NORMS = {
    "another axis": NORM.format(square="Pow d two").replace("s | axes=[-1]", "s | axes=[1]"),
    "a cube": NORM.format(square="Pow d three"),
    "another difference": NORM.format(square="Pow x two"),
    "no mean": "d = Sub x eps; s = Pow d two; v = ReduceMean s | axes=[-1]; e = Add v eps; r = Sqrt e; q = Div d r",
    "no eps": NORM.format(square="Pow d two").replace("e = Add v eps; r = Sqrt e", "r = Sqrt v"),
    "time": NORM.format(square="Pow d two").replace("axes=[-1]", "axes=[1]"),
}


@pytest.mark.parametrize("name", NO_NORMS)
def test_what_is_near_to_a_layer_norm_stays_apart(name, tmp_path):
    proto = graph(f"{NO_NORMS[name]}; p = Mul q v8; y = Add p w8", rank=3)
    made = imported(save(proto, tmp_path), {"x": (5, 8)})
    assert "layer_norm" not in {node.type for node in made.net.nodes}
    assert not made.differences


def test_a_norm_without_a_learned_scale_stays_apart(tmp_path):
    made = imported(save(graph(f"{NORM.format(square='Mul d d')}; y = Relu q", rank=3), tmp_path), {"x": (5, 8)})
    assert "layer_norm" not in {node.type for node in made.net.nodes}
    assert not made.differences


GROUPED = "a = Reshape x apart; i = InstanceNormalization a {scale} g0; s = Shape x; b = Reshape i s; p = Mul b v81; y = Add p w81"
OF_GROUPS = NUMBERS | {"apart": np.int64([0, 2, -1]), "g1": np.ones(2, F), "g2": np.full(2, 3, F), "g0": np.zeros(2, F)}


def test_a_group_norm_of_several_nodes_is_one(tmp_path):
    proto = graph(GROUPED.format(scale="g1"), constants=OF_GROUPS)
    made = imported(save(proto, tmp_path), {"x": (8, 6, 10)})
    assert [node.type for node in made.net.nodes] == ["group_norm"], made.text
    assert made.net.nodes[0].layer.num_groups == 2
    assert made.net.check().parameters == 16
    assert not made.differences


@pytest.mark.parametrize("text", [
    GROUPED.format(scale="g2"),
    GROUPED.format(scale="g1").replace("y = Add p w81", "y = Add p x"),
    GROUPED.format(scale="g1").replace("a = Reshape x apart", "a = Flatten x | axis=2").replace("g1", "o8").replace("g0", "z8"),
])  # fmt: skip
def test_what_is_near_to_a_group_norm_stays_apart(text, tmp_path):
    more = {"o8": np.ones(48, F), "z8": np.zeros(48, F)}
    if "Flatten" in text:
        text = text.replace("a = Flatten x | axis=2", "a = Reshape x whole")
        more = {"o8": np.ones(8, F), "z8": np.zeros(8, F), "whole": np.int64([0, 8, -1])}
        text = text.replace("whole", "apart8")
        more["apart8"] = np.int64([1, 8, -1])
    proto = graph(text, constants=OF_GROUPS | more)
    made = imported(save(proto, tmp_path), {"x": (8, 6, 10)})
    assert "group_norm" not in {node.type for node in made.net.nodes}


def test_a_bias_that_is_written_once_for_several_layers_is_still_that_of_each(tmp_path):
    text = "c = Identity v8; m = MatMul x k; a = Add m v8; o = MatMul a k2; y = Add o c"
    constants = NUMBERS | {"k": (8, 8), "k2": (8, 8)}
    made = imported(save(graph(text, rank=3, constants=constants), tmp_path), {"x": (5, 8)})
    assert [node.type for node in made.net.nodes] == ["linear", "linear"]
    assert made.net.check().parameters == 2 * (64 + 8)


def test_a_sum_behind_a_product_of_results_is_no_bias(tmp_path):
    text = "t = Transpose x | perm=[0, 2, 1]; m = MatMul t x; y = Add m v8"
    made = imported(save(graph(text, rank=3), tmp_path), {"x": (5, 8)})
    assert [node.type for node in made.net.nodes][-2:] == ["matmul", "bias"], made.text
    assert not made.differences


# Operators in forms that no exporter of torch writes

FORMS = {
    "gather in a row": "y = Gather x row | axis=1",
    "gather anywhere": "y = Gather x places | axis=1",
    "slice backwards": "y = Slice x last first channel back",
    "pad of the batch": "y = Pad x batch",
    "align_corners": "y = Resize x none scales | mode='linear', coordinate_transformation_mode='align_corners'",
    "resize of channels": "y = Resize x none wide",
    "to a size": "y = Resize x none none size",
    "square root": "y = Pow x half",
    "power of itself": "y = Pow x x",
    "limits": "y = Clip x",
    "limits that are results": "m = ReduceMax x | keepdims=0; y = Clip x m",
    "least of two": "r = Relu x; y = Min r x",
    "least": "y = Min x two three",
    "mean of all": "y = ReduceMean x | keepdims=0",
    "mean of none": "y = ReduceSum x none64 | noop_with_empty_axes=1",
    "sum of one": "y = Sum x",
    "norm by itself": "m = ReduceMean x | axes=[0, 2, 3], keepdims=0; y = InstanceNormalization x m m",
    "norm of all": "y = LayerNormalization x s | axis=0",
    "gemm of results": "f = Flatten x | axis=1; y = Gemm f f | transB=1",
    "gemm turned": "f = Flatten x | axis=1; y = Gemm f k1 | transA=1",
    "p-norm": "y = GlobalLpPool x | p=1",
    "quantized": "q = QuantizeLinear x qs qz; d = DequantizeLinear q qs qz; k = DequantizeLinear kq qs qz; y = Conv d k",
    "kernels of the input": "t = Transpose x | perm=[1, 0, 2, 3]; y = Conv x x",
    "kernels of the input, transposed": "t = Transpose x | perm=[1, 0, 2, 3]; y = ConvTranspose x t",
    "a mask of dropout": "y m = Dropout x",
    "time first": "t = Transpose x | perm=[1, 0, 2, 3]; r = Relu t; y = Transpose r | perm=[1, 0, 2, 3]",
    "where": "c = Greater x zero; y = Where c x zero",
    "indices": "p i = MaxPool x | kernel_shape=[2, 2], strides=[2, 2]; y = MaxUnpool p i | kernel_shape=[2, 2], strides=[2, 2]",
    "weights of a branch": "y = Add x deep",
}
MORE = NUMBERS | {
    "row": np.int64([2, 3, 4]), "places": np.int64([0, 5, 2]), "last": np.int64([-1]), "first": np.int64([-100]),
    "channel": np.int64([1]), "back": np.int64([-1]), "batch": np.int64([1, 0, 0, 0, 0, 0, 0, 0]), "none": F([]),
    "scales": F([1, 1, 2, 2]), "wide": F([1, 2, 1, 1]), "size": np.int64([1, 8, 12, 14]), "none64": np.int64([]),
    "two64": np.int64([2]), "s": (1, 8, 6, 10), "k1": (1, 3), "qs": F(0.1), "qz": np.uint8(0),
    "kq": np.ones((4, 8, 1, 1), np.uint8), "deep": (2, 1, 1, 1, 1),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_other_forms_give_what_onnxruntime_gives(name, tmp_path):
    opset = 18 if "noop" in FORMS[name] else 17
    nodes = chain(FORMS[name])
    used = {each: MORE[each] for node in nodes for each in node.input if each in MORE}
    proto = model(nodes, {"x": [1, 8, "h", "w"]}, used, opset=opset)
    of_batch = {"gemm turned", "pad of the batch", "weights of a branch", "mean of all"}  # they make others of samples
    try:
        made = imported(save(proto, tmp_path), {"x": (8, 6, 10)})
    except ValueError as error:
        assert name in of_batch | {"kernels of the input"}, error  # noqa: PT017 -- some are refused
        assert "\n" not in str(error)  # noqa: PT017
        return
    if name in of_batch:
        assert "no axis of samples" in made.text or "one number of all samples" in made.text
        return
    assert not [line for line in made.differences if "other sizes" not in line], made.text
    net = assemble(read_text(made.text)).raise_for_errors()
    assert [*net.check().outputs.values()] == truth(proto, x=(1, 8, 6, 10)), made.text


def test_a_part_that_nobody_names(tmp_path):
    nodes = [helper.make_node("Split", ["x"], ["", "b"], axis=1), helper.make_node("Relu", ["b"], ["y"])]
    made = imported(save(model(nodes, {"x": [1, 8, "h", "w"]}), tmp_path), {"x": (8, 6, 10)})
    assert [node.type for node in made.net.nodes] == ["slice", "relu"]
    assert made.net.check().output == (4, 6, 10)


def test_pools_of_more_than_three_axes_are_opaque(tmp_path):
    pool = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1, 1, 2, 2], pads=[0, 0, 1, 1, 0, 0, 1, 1])
    made = imported(save(model([pool], {"x": [1, 8, 3, 4, 5, 6]}), tmp_path), {})
    assert [node.type for node in made.net.nodes] == ["opaque"]
    assert made.net.check().output == (8, 3, 4, 6, 7)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("both", [False, True])
def test_recurrent_layers_of_one_direction_and_of_both(kind, both, tmp_path):
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    ways = 1 + both
    weights = {"w": (ways, gates * 6, 8), "r": (ways, gates * 6, 6), "b": (ways, 2 * gates * 6)}
    direction = "bidirectional" if both else "forward"
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node(kind, ["t", "w", "r", "b"], ["s", "h"], name="/rnn/rnn", hidden_size=6, direction=direction),
        helper.make_node("Transpose", ["s"], ["u"], perm=[2, 0, 1, 3]),
        helper.make_node("Reshape", ["u", "shape"], ["y"]),
        helper.make_node("Transpose", ["h"], ["z"], perm=[1, 0, 2]),
    ]
    constants = weights | {"shape": np.int64([0, 0, -1])}
    proto = model(nodes, {"x": ["n", "t", 8]}, constants, outputs=["y", "z"])
    made = imported(save(proto, tmp_path), {"x": (5, 8)})
    assert not made.differences, made.text
    types = {node.type for node in made.net.nodes}
    assert types & {"lstm", "gru", "rnn", "opaque"} == ({"opaque"} if both else {kind.lower()})
    assert made.net.check().parameters == sum(int(np.prod(shape)) for shape in weights.values())
    assert [*made.net.check().outputs.values()] == truth(proto, x=(1, 5, 8))
    alone = model(nodes[:-1], {"x": ["n", "t", 8]}, constants)
    made = imported(save(alone, tmp_path), {"x": (5, 8)})
    assert kind.lower() in {node.type for node in made.net.nodes}
    for steps in (1, 5, 9):
        assert [made.net.check(input={"input": (steps, 8)}).output] == truth(alone, x=(1, steps, 8))


def test_a_recurrent_layer_that_is_given_a_state_is_opaque(tmp_path):
    weights = {"w": (1, 6, 8), "r": (1, 6, 6), "b": (1, 12), "h": (1, 1, 6)}
    nodes = [
        helper.make_node("Transpose", ["x"], ["t"], perm=[1, 0, 2]),
        helper.make_node("RNN", ["t", "w", "r", "b", "", "h"], ["", "y"], name="/rnn/rnn", hidden_size=6),
    ]
    made = imported(save(model(nodes, {"x": [1, 5, 8]}, weights), tmp_path), {})
    assert "opaque" in {node.type for node in made.net.nodes}


KINDS = {
    "value_float": 0.5,
    "value_floats": [0.5],
    "value_int": 2,
    "value_ints": [2],
}


@pytest.mark.parametrize("kind", KINDS)
def test_constants_in_their_forms(kind, tmp_path):
    constant = helper.make_node("Constant", [], ["c"], **{kind: KINDS[kind]})
    cast = helper.make_node("Cast", ["c"], ["f"], to=1)
    proto = model([constant, cast, helper.make_node("Mul", ["x", "f"], ["y"])], {"x": ["n", 8, "h", "w"]})
    made = imported(save(proto, tmp_path), {"x": (8, 6, 10)})
    assert [node.type for node in made.net.nodes] == ["scale"]
    text = helper.make_node("Constant", [], ["c"], value_string="a")
    with pytest.raises(ValueError, match="its constant is of no kind that is read"):
        imported(
            save(model([text, cast, *proto.graph.node[2:]], {"x": ["n", 8, "h", "w"]}), tmp_path), {"x": (8, 6, 10)}
        )


def test_a_constant_within_a_branch_is_read(tmp_path):
    value = numpy_helper.from_array(F(2))
    inner = helper.make_graph(
        [helper.make_node("Constant", [], ["c"], value=value), helper.make_node("Mul", ["x", "c"], ["m"]),
         helper.make_node("Mul", ["m", "k"], ["z"])],
        "g", [], [helper.make_empty_tensor_value_info("z")], [numpy_helper.from_array(F(3), "k")],
    )  # fmt: skip
    node = helper.make_node("If", ["e"], ["y"], name="if", then_branch=inner, else_branch=inner)
    proto = model([node], {"x": ["n", 8, "h", "w"]}, {"e": np.bool_(True)})
    made = imported(save(proto, tmp_path), {"x": (8, 6, 10)})
    assert [node.type for node in made.net.nodes] == ["scale", "scale"]


IN_GROUPS = "a = Reshape x sh; b = InstanceNormalization a ones zeros; c = Reshape b back; d = Mul c s; y = Add d t"
AND_CONSTANTS = {"sh": np.array([0, 4, -1]), "ones": np.ones(4, F), "zeros": np.zeros(4, F)}


@pytest.mark.parametrize(
    ("back", "affine", "fused"),
    [
        ([0, 8, 6, 6], (8, 1, 1), True),
        ([0, 8, 36], (8, 1), True),
        ([1, 8, 6, 6], (8, 1, 1), True),
        ([0, 8, 6, 6], (8, 6, 6), False),
    ],
    ids=["back", "another shape", "a batch", "not by channel"],
)
def test_a_norm_of_groups_gives_the_shape_that_the_graph_writes(back, affine, fused, tmp_path):
    constants = {**AND_CONSTANTS, "back": np.array(back), "s": affine, "t": affine}
    proto = model(chain(IN_GROUPS), {"x": ["n", 8, 6, 6]}, constants)
    made = imported(save(proto, tmp_path), {"x": (8, 6, 6)})
    assert not made.differences
    assert [made.net.check().output] == truth(proto, x=(1, 8, 6, 6))
    assert ("group_norm" in {node.type for node in made.net.nodes}) == fused


@pytest.mark.parametrize("back", [[0, 8, 6, 6], [1, 8, 6, 6]], ids=["sides", "batch"])
def test_a_norm_of_groups_with_a_frozen_shape_takes_that_size_alone(back, tmp_path):
    proto = model(
        chain(IN_GROUPS),
        {"x": ["n", 8, "h", "w"]},
        {**AND_CONSTANTS, "back": np.array(back), "s": (8, 1, 1), "t": (8, 1, 1)},
    )
    made = imported(save(proto, tmp_path), {"x": (8, 6, 6)})
    assert made.net.check().ok
    assert truth(proto, x=(1, 8, 6, 6)) == [(8, 6, 6)]
    assert truth(proto, x=(1, 8, 7, 7)) is None
    assert not made.net.check(input=(8, 7, 7)).ok


def test_a_tensor_behind_a_layer_norm_is_its_bias_only_where_it_is_as_long(tmp_path):
    nodes = chain(f"{NORM.format(square='Pow d two')}; p = Mul q g; y = Add p pos")
    for shape, types in (((8,), ["layer_norm"]), ((1, 10, 8), ["layer_norm", "bias"])):
        constants = {"two": F(2), "eps": F(1e-5), "g": (8,), "pos": shape}
        made = imported(save(model(nodes, {"x": ["n", 10, 8]}, constants), tmp_path), {"x": (10, 8)})
        assert [node.type for node in made.net.nodes] == types
        assert not made.differences
        assert made.net.check().parameters == 8 + np.prod(shape)


@pytest.mark.parametrize(("c", "parameters"), [((5,), 45), ((1, 5), 45), ((1,), 40), ((1, 1), 40)])
def test_the_bias_of_a_gemm_is_as_long_as_its_result(c, parameters, tmp_path):
    made = imported(save(model(chain("y = Gemm x w b"), {"x": ["n", 8]}, {"w": (8, 5), "b": c}), tmp_path), {"x": (8,)})
    report = made.net.check()
    assert (report.parameters, report.macs, report.output) == (parameters, 40, (5,))
    assert not made.differences


def test_a_further_result_of_a_layer_is_read(tmp_path):
    nodes = [helper.make_node("LayerNormalization", ["x", "s"], ["y", "m"], name="norm"), *chain("z = Add y m")]
    proto = model(nodes, {"x": ["n", 10, 16]}, {"s": (16,)}, outputs=["z"])
    made = imported(save(proto, tmp_path), {"x": (10, 16)})
    assert [made.net.check().output] == truth(proto, x=(1, 10, 16))
    assert not made.differences


def test_an_add_of_another_domain_is_no_bias(tmp_path):
    nodes = [*chain("a = MatMul x w"), helper.make_node("Add", ["a", "b"], ["y"], domain="f")]
    proto = model(nodes, {"x": ["n", 8]}, {"w": (8, 5), "b": (5,)})
    proto.opset_import.append(helper.make_opsetid("f", 1))
    with pytest.raises(ValueError, match="no operator of f that ONNX knows"):
        imported(save(proto, tmp_path), {"x": (8,)})
