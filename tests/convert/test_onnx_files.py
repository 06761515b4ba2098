"""Files of ONNX that are broken, hostile or odd: one clear line each; names; data of weights that nobody needs."""

import os
import time

import pytest

pytest.importorskip("onnx")

import numpy as np
import onnx
from helpers.cli import run
from helpers.onnx_graphs import model, one, save
from onnx import TensorProto, helper

from cnnshape.convert.from_onnx.imported import imported, network
from cnnshape.convert.from_onnx.model import read
from cnnshape.convert.from_onnx.record import Graph

NET = one("Conv", [1, 3, 0, 0], {"w": (8, 3, 3, 3)})
RELU = helper.make_node("Relu", ["x"], ["y"], name="relu")


def nodes(*made, **more):
    return model([*made], {"x": ["n", 3, "h", "w"]}, **more)


def node(kind, *names, **attributes):
    return helper.make_node(kind, [*names[:-1]], [names[-1]], name=f"/{names[-1]}/{kind}", **attributes)


def called_by_itself():
    inner = helper.make_function(
        "own", "Twice", ["a"], ["b"], [helper.make_node("Twice", ["a"], ["b"], domain="own")],
        [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)],
    )  # fmt: skip
    made = nodes(helper.make_node("Twice", ["x"], ["y"], domain="own"), functions=[inner])
    made.opset_import.append(helper.make_opsetid("own", 1))
    return made


def called_again_and_again():
    """Thirty functions, each of which calls the next twice."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = [
        helper.make_function("own", f"F{place}", ["a"], ["b"], [
            helper.make_node(f"F{place + 1}", ["a"], ["t"], domain="own"), helper.make_node(f"F{place + 1}", ["t"], ["b"], domain="own"),
        ], opsets) for place in range(30)
    ]  # fmt: skip
    last = helper.make_function("own", "F30", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"])], opsets)
    proto = nodes(helper.make_node("F0", ["x"], ["y"], domain="own"), functions=[*made, last])
    proto.opset_import.append(helper.make_opsetid("own", 1))
    return proto


def called_with_too_many():
    inner = helper.make_function(
        "own", "Sum", ["a", "b"], ["c"], [helper.make_node("Add", ["a", "b"], ["c"])], [helper.make_opsetid("", 17)]
    )
    made = nodes(helper.make_node("Sum", ["x", "x", "x"], ["y"], domain="own"), functions=[inner])
    made.opset_import.append(helper.make_opsetid("own", 1))
    return made


BROKEN = {
    "a cycle": (nodes(node("Add", "x", "b", "a"), node("Relu", "a", "b"), node("Relu", "b", "y")), r"/a/Add \(Add\) reads what is made of its own result"),
    "no such value": (nodes(node("Relu", "q", "y")), "reads q, which nothing before"),
    "two of a name": (nodes(node("Relu", "x", "y"), node("Tanh", "x", "y")), "two nodes make y"),
    "no output": (nodes(RELU, outputs=()), "has no output"),
    "a custom operator": (nodes(helper.make_node("Own", ["x"], ["y"], domain="own")), "no operator of own that ONNX knows"),
    "no such output": (nodes(node("Relu", "x", "z")), "no node makes its output y"),
    "no such operator": (nodes(node("Frobnicate", "x", "y")), r"/y/Frobnicate \(Frobnicate\): no operator of opset 17"),
    "another domain": (nodes(helper.make_node("Own", ["x"], ["y"], name="own", domain="of.mine")), "no operator of of.mine"),
    "channels": (nodes(node("Conv", "x", "w", "y"), constants={"w": (8, 5, 3, 3)}), "takes 5 channels, and 3 arrive"),
    "axes of a weight": (nodes(node("Conv", "x", "w", "y"), constants={"w": (8, 3, 3)}), r"\(Conv\): "),
    "no weight": (nodes(node("Conv", "x", "y")), r"\(Conv\): "),
    "kernel": (nodes(node("Conv", "x", "w", "y", kernel_shape=[5, 5]), constants={"w": (8, 3, 3, 3)}), "kernel_shape"),
    "strides": (nodes(node("MaxPool", "x", "y", kernel_shape=[2, 2], strides=[0, 0])), "no windows on 2 axes: .*strides"),
    "a kernel of none": (nodes(node("MaxPool", "x", "y", kernel_shape=[2])), "no windows on 2 axes"),
    "pads": (nodes(node("MaxPool", "x", "y", kernel_shape=[2, 2], pads=[2, 2, 2, 2])), "pads .* are not smaller"),
    "auto_pad": (nodes(node("MaxPool", "x", "y", kernel_shape=[2, 2], auto_pad="BEST")), "no auto_pad 'BEST'"),
    "groups": (nodes(node("Conv", "x", "w", "y", group=0), constants={"w": (8, 3, 3, 3)}), r"\(Conv\): "),
    "filters": (nodes(node("Conv", "x", "w", "y", group=3), constants={"w": (8, 1, 3, 3)}), "8 filters do not divide into 3 groups"),
    "one operand": (nodes(node("Mul", "x", "y")), r"\(Mul\): "),
    "a weight left out": (nodes(node("ConvTranspose", "x", "", "y")), "its input 1 is missing"),
    "scales by data": (
        nodes(node("Flatten", "x", "f"), node("Resize", "x", "", "f", "y")), r"\(Resize\): "),
    "channels, transposed": (nodes(node("ConvTranspose", "x", "w", "y"), constants={"w": (5, 8, 3, 3)}), "takes 5 channels, and 3 arrive"),
    "axes, transposed": (nodes(node("ConvTranspose", "x", "w", "y"), constants={"w": (3, 8, 3)}), "its weight has 3 axes, and 4 arrive"),
    "output_padding": (nodes(node("ConvTranspose", "x", "w", "y", output_padding=[1]), constants={"w": (3, 8, 3, 3)}), "are not of 2 axes"),
    "output_shape": (nodes(node("ConvTranspose", "x", "w", "y", output_shape=[99, 99]), constants={"w": (3, 8, 3, 3)}), "more than the"),
    "all cut off": (
        nodes(node("ConvTranspose", "x", "w", "y", pads=[9, 9, 9, 8]), constants={"w": (3, 8, 3, 3)}), "no elements"),
    "all of it cut": (nodes(node("Conv", "x", "w", "y", pads=[-9, 0, 0, 0]), constants={"w": (8, 3, 1, 1)}), r"\(Conv\): "),
    "a pool of points": (nodes(node("Flatten", "x", "f"), node("MaxPool", "f", "y", kernel_shape=[2])), "it pools space, and 2 axes arrive"),
    "features": (
        nodes(node("Squeeze", "x", "n", "f"), node("LSTM", "f", "w", "w", "y", hidden_size=2),
              constants={"n": np.int64([0]), "w": (1, 8, 5)}), r"\(LSTM\): its weight takes 5 features, and 8 arrive"),
    "a scale": (nodes(node("InstanceNormalization", "x", "w", "w", "y"), constants={"w": (5,)}), r"its scale is of \[5\], and \[3\] arrives"),
    "concat": (nodes(node("Concat", "x", "w", "y", axis=1), constants={"w": (1, 3, 5, 5)}), r"\(Concat\): "),
    "axis": (nodes(node("Concat", "x", "x", "y", axis=9)), "axis must be in"),
    "reshape": (nodes(node("Reshape", "x", "s", "y"), constants={"s": np.int64([1, 7])}), r"makes \[1, 7\] of \[1, 3, 8, 8\]"),
    "gather": (nodes(node("Gather", "x", "i", "y", axis=1), constants={"i": np.int64(5)}), "place 5 of an axis of 3"),
    "by data": (nodes(node("NonZero", "x", "y")), "does not say what shape it gives"),
    "a shape by data": (
        nodes(node("Cast", "x", "a", to=TensorProto.INT64), node("Reshape", "x", "a", "y")), r"\(Reshape\): "),
    "a huge range": (
        nodes(node("Range", "a", "b", "c", "r"), node("Reshape", "x", "r", "y"),
              constants={"a": np.int64(0), "b": np.int64(2**60), "c": np.int64(1)}), r"\((Range|Reshape)\): "),
    "a huge constant": (
        nodes(node("ConstantOfShape", "s", "c"), node("Add", "x", "c", "y"), constants={"s": np.int64([2**40])}), r"\(Add\): "),
    "a function of itself": (called_by_itself(), "function Twice calls itself"),
    "a bomb of functions": (called_again_and_again(), "has 1,073,741,824 nodes with its functions: more than 100,000"),
    "a branch by data": (
        nodes(node("ReduceMax", "x", "m", keepdims=0), node("Cast", "m", "c", to=TensorProto.BOOL),
              node("If", "c", "y", then_branch=nodes(RELU).graph, else_branch=nodes(RELU).graph)), "which branch it takes"),
    "no groups": (
        nodes(node("GroupNormalization", "x", "w", "w", "y", num_groups=0), constants={"w": (3,)}, opset=18), "its num_groups is 0"),
    "a function's inputs": (called_with_too_many(), "cannot be put in place of their calls"),
    "an old opset": (nodes(RELU, opset=6), "opset 6, and opsets from 7"),
    "no axes": (model([RELU], {"x": [3]}), "has no input of two axes or more"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_graph_is_refused_with_one_line_that_names_the_node(name, tmp_path):
    proto, said = BROKEN[name]
    begin = time.monotonic()
    with pytest.raises(ValueError, match=said) as caught:
        imported(save(proto, tmp_path), {} if name == "no axes" else {"x": (3, 8, 8)})
    assert "\n" not in str(caught.value)
    assert time.monotonic() - begin < 5


def test_large_files_are_refused_before_they_are_read(tmp_path, monkeypatch):
    path = save(NET, tmp_path)
    monkeypatch.setattr("cnnshape.convert.from_onnx.model.MOST_NODES", 0)
    with pytest.raises(ValueError, match="has 1 nodes: more than 0 are not read"):
        read(path)
    monkeypatch.setattr("cnnshape.convert.from_onnx.model.MOST_BYTES", 10)
    with pytest.raises(ValueError, match="larger than a protobuf message can be"):
        read(path)
    with pytest.raises(ValueError, match="No such file"):
        read(str(tmp_path / "other.onnx"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a pipe that nobody writes to")
def test_what_is_no_file_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(ValueError, match="is no regular file"):
        read(str(tmp_path / "model.onnx"))


def test_an_input_must_have_axes(tmp_path):
    proto = nodes(RELU)
    proto.graph.input[0].type.tensor_type.ClearField("shape")
    with pytest.raises(ValueError, match="its input x has no shape"):
        read(save(proto, tmp_path))
    proto = nodes(RELU, constants={"x": (1, 3, 4, 4)})
    with pytest.raises(ValueError, match="has no input"):
        read(save(proto, tmp_path))


def test_nodes_without_names_are_named_by_their_types(tmp_path):
    made = [helper.make_node("Conv", ["x", "onnx::1"], ["a"]), helper.make_node("Conv", ["a", "onnx::2"], ["y"])]
    file = imported(
        save(nodes(*made, constants={"onnx::1": (3, 3, 3, 3), "onnx::2": (4, 3, 3, 3)}), tmp_path), {"x": (3, 8, 8)}
    )
    assert [each.name for each in file.net.nodes] == ["conv", "conv_2"]
    assert file.net.check().parameters == 81 + 108
    assert not file.differences


def test_absurd_sides_are_counted_with_and_not_made(tmp_path):
    side = 2**62
    proto = model([node("Conv", "x", "w", "a"), node("Shape", "a", "s"), node("ConstantOfShape", "s", "c"),
                   node("Add", "a", "c", "y")], {"x": [1, 3, side, 8]}, {"w": (8, 3, 3, 3)})  # fmt: skip
    begin = time.monotonic()
    try:
        file = imported(save(proto, tmp_path), {})
    except ValueError as error:
        assert "\n" not in str(error)  # noqa: PT017 -- it may be read as well
    else:
        assert file.net.check().output == (8, side - 2, 6)
    assert time.monotonic() - begin < 5


CONTENTS = {
    "empty": b"",
    "text": b"this is no model",
    "zeros": bytes(1000),
    "a part": NET.SerializeToString()[:-40],
    "noise": np.random.default_rng(0).bytes(5000),
    "another message": helper.make_tensor("t", TensorProto.FLOAT, [2], [1, 2]).SerializeToString(),
}


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("command", ["import", "check", "sizes"])
def test_what_is_no_model_is_refused_with_a_line(name, command, tmp_path):
    path = tmp_path / "model.onnx"
    path.write_bytes(CONTENTS[name])
    status, printed = run(command, path, "--input", "3x8x8")
    assert status == 2
    assert "is no ONNX model" in printed or "it is no protobuf message" in printed
    assert printed.count("\n") <= 5


def test_names_that_are_no_text_are_refused(tmp_path):
    path = tmp_path / "model.onnx"
    whole = model([node("Relu", "qqqq", "y")], {"qqqq": ["n", 3, "h", "w"]}).SerializeToString()
    path.write_bytes(whole.replace(b"qqqq", b"q\xff\xffq"))
    with pytest.raises(ValueError, match="names that are no text"):
        imported(str(path), {"x": (3, 8, 8)})


def test_an_output_that_is_a_constant_of_an_unknown_kind_is_refused(tmp_path):
    proto = nodes(RELU, constants={"k": (3,)})
    proto.graph.output.append(helper.make_empty_tensor_value_info("k"))
    proto.graph.initializer[0].data_type = 99
    with pytest.raises(ValueError, match="its constant k cannot be read"):
        imported(save(proto, tmp_path), {"x": (3, 8, 8)})


def test_each_beginning_of_a_file_is_read_or_refused(tmp_path):
    whole = NET.SerializeToString()
    path = tmp_path / "model.onnx"
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        try:
            imported(str(path), {"x": (3, 8, 8)})
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017 -- it may be read as well


def test_numbers_in_a_file_are_changed_without_a_traceback(tmp_path):
    whole, rng = bytearray(NET.SerializeToString()), np.random.default_rng(1)
    path = tmp_path / "model.onnx"
    for _ in range(150):
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            changed[place] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            imported(str(path), {"x": (3, 8, 8)})
        except ValueError as error:
            assert "\n" not in str(error)  # noqa: PT017 -- it may be read as well


def test_weights_in_another_file_are_not_read(tmp_path):
    proto = one("Conv", [1, 3, 0, 0], {"w": (64, 3, 3, 3)})
    path = tmp_path / "model.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    (tmp_path / "weights.bin").unlink()
    made = imported(str(path), {"x": (3, 8, 8)})
    assert made.net.check().parameters == 64 * 3 * 3 * 3
    assert not made.differences


def test_a_number_that_a_shape_needs_in_another_file_is_asked_for(tmp_path):
    proto = nodes(node("Reshape", "x", "s", "y"), constants={"s": np.int64([1, -1])})
    path = tmp_path / "model.onnx"
    onnx.save(proto, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ValueError, match=r"/y/Reshape \(Reshape\): ONNX does not say what shape it gives"):
        imported(str(path), {"x": (3, 8, 8)})


def paths(*names, weights=None):
    """The paths that nodes of these names get."""
    values = ["x", *(f"v{place}" for place in range(len(names) - 1)), "y"]
    made = []
    constants = {}
    for place, name in enumerate(names):
        extra = []
        if weights:
            extra = [weights[place]]
            constants[weights[place]] = (3, 3, 1, 1)
        made.append(
            helper.make_node("Conv" if weights else "Relu", [values[place], *extra], [values[place + 1]], name=name)
        )
    graph = Graph(read_model(nodes(*made, constants=constants)))
    return [(named.path, named.own) for named in graph.names.found]


def read_model(proto):
    from cnnshape.convert.from_onnx.model import Model

    return Model("model.onnx", proto)


def test_names_of_nodes_are_paths_of_modules():
    torchs = ["/layer1/layer1.0/conv1/Relu", "/layer1/layer1.0/Relu", "/layer1/layer1.0/down/down.1/Relu", "/fc/Relu"]
    assert paths(*torchs) == [("layer1.0.conv1", True), ("layer1.0", False), ("layer1.0.down.1", True), ("fc", True)]
    assert paths("Relu_0", "relu_12", "") == [("", False)] * 3
    assert paths("resnet/block1/act", "resnet/block2/act") == [("block1", True), ("block2", True)]
    assert paths("model_conv1_fwd", "other") == [("model_conv1_fwd", True), ("other", True)]
    assert paths("Conv_0", "Conv_1", weights=["a.0.weight", "b.weight"]) == [("a.0", True), ("b", True)]
    assert paths("Conv_0", "Conv_1", weights=["onnx::Conv_1", "w"]) == [("", False), ("", False)]


def test_names_of_modules_that_newer_exporters_write():
    made = [
        helper.make_node("Relu", ["x"], ["a"], name="node_relu"),
        helper.make_node("Relu", ["a"], ["y"], name="node_relu_1"),
    ]
    for each, scope in zip(made, ("['', 'stem', 'stem.act', 'relu']", "not a list ("), strict=True):
        entry = each.metadata_props.add()
        entry.key, entry.value = "pkg.torch.onnx.name_scopes", scope
    graph = Graph(read_model(nodes(*made)))
    assert [named.path for named in graph.names.found] == ["stem.act", ""]


def test_equal_weights_that_are_written_once_are_each_layers_own(tmp_path):
    made = [
        helper.make_node("Identity", ["b"], ["b2"]),
        node("Conv", "x", "w", "b", "a"),
        node("Conv", "a", "v", "b2", "c"),
        node("Conv", "c", "v", "y"),
    ]
    proto = nodes(*made, constants={"w": (4, 3, 1, 1), "b": (4,), "v": (4, 4, 1, 1)})
    file = imported(save(proto, tmp_path), {"x": (3, 8, 8)})
    assert not file.differences, file.text
    assert file.net.check().parameters == 12 + 4 + 16 + 4  # the last has its weight from the one before
    assert [row.parameters for row in file.net.check().layers] == [16, 20, 0]


def test_constants_that_layers_share_in_part_are_told(tmp_path):
    proto = nodes(
        node("Conv", "x", "w", "b", "a"), node("Conv", "a", "v", "b", "y"),
        constants={"w": (4, 3, 1, 1), "b": (4,), "v": (4, 4, 1, 1)},
    )  # fmt: skip
    file = imported(save(proto, tmp_path), {"x": (3, 8, 8)})
    assert "Several layers have these constants, and each counts them as its own: b." in file.text
    assert [row.parameters for row in file.net.check().layers] == [16, 20]


def test_a_branch_whose_condition_is_a_shape_is_taken(tmp_path):
    branch = [
        helper.make_graph(
            [helper.make_node(kind, ["x"], ["z"], name=kind)], "g", [], [helper.make_empty_tensor_value_info("z")]
        )
        for kind in ("Relu", "Sigmoid")
    ]
    proto = nodes(
        node("Shape", "x", "s"), node("Gather", "s", "one", "c", axis=0), node("Equal", "c", "three", "e"),
        node("If", "e", "y", then_branch=branch[0], else_branch=branch[1]),
        constants={"one": np.int64(1), "three": np.int64(3)},
    )  # fmt: skip
    file = imported(save(proto, tmp_path), {"x": (3, 8, 8)})
    assert [each.type for each in file.net.nodes] == ["relu"]
    assert "goes another way at some sizes, perhaps" in file.text


def test_a_graph_whose_channels_are_last_is_a_file_of_that_layout(tmp_path):
    proto = model(
        [
            node("Transpose", "x", "a", perm=[0, 3, 1, 2]),
            node("Conv", "a", "w", "b", strides=[2, 2]),
            node("Relu", "b", "c"),
            node("Transpose", "c", "y", perm=[0, 2, 3, 1]),
        ],
        {"x": ["n", "h", "w", 3]},
        {"w": (8, 3, 3, 3)},
    )
    file = imported(save(proto, tmp_path), {"x": (20, 30, 3)})
    assert not file.differences
    assert "at 20x30x3, imported" in file.text
    assert "input  = [20, 30, 3]" in file.text
    assert [each.type for each in file.net.nodes] == ["conv", "relu"]
    assert file.net.inputs == {"input": (3, 20, 30)}
    assert file.net.check().output == (8, 9, 14)
    with pytest.raises(ValueError, match="its input x is hxwx3: give its sizes, as --input 224x224x3"):
        imported(save(proto, tmp_path), {})
    both = node("Identity", "x", "z")  # read as it is, too
    mixed = model([*proto.graph.node, both], {"x": ["n", "h", "w", 3]}, {"w": (8, 3, 3, 3)}, outputs=["y", "z"])
    file = imported(save(mixed, tmp_path), {"x": (20, 30, 3)})
    assert file.net.inputs == {"input": (20, 30, 3)}


def test_functions_of_the_model_are_read(tmp_path):
    branch = helper.make_graph(
        [helper.make_node("Sigmoid", ["t"], ["z"])], "g", [], [helper.make_empty_tensor_value_info("z")]
    )
    inner = helper.make_function(
        "own", "Twice", ["a"], ["b"],
        [node("Relu", "a", "t"), helper.make_node("Constant", [], ["c"], value=onnx.numpy_helper.from_array(np.bool_(True))),
         helper.make_node("If", ["c"], ["b"], then_branch=branch, else_branch=branch)],
        [helper.make_opsetid("", 17)],
    )  # fmt: skip
    proto = nodes(helper.make_node("Twice", ["x"], ["y"], domain="own"), functions=[inner])
    proto.opset_import.append(helper.make_opsetid("own", 1))
    file = imported(save(proto, tmp_path), {"x": (3, 8, 8)})
    assert [each.type for each in file.net.nodes] == ["relu", "sigmoid"]


def test_places_are_nodes(tmp_path):
    net, _, said = network(save(NET, tmp_path), {"x": (3, 8, 8)})
    assert str(net.nodes[0].place).endswith("model.onnx:1")
    assert net.nodes[0].place.source.text == "node node (Conv)"
    assert net.nodes[0].place._replace(of_key=True).range == net.nodes[0].place.range
    assert said == []


def test_a_weight_may_be_a_node(tmp_path):
    weight = helper.make_node(
        "Constant", [], ["w"], value=onnx.numpy_helper.from_array(np.ones((8, 3, 3, 3), np.float32))
    )
    file = imported(save(nodes(weight, node("Conv", "x", "w", "y")), tmp_path), {"x": (3, 8, 8)})
    assert file.net.check().parameters == 216


def test_an_opset_that_is_newer_than_the_package_is_read_as_its_newest(tmp_path):
    newest = onnx.defs.onnx_opset_version()
    made = read(save(nodes(RELU, opset=newest), tmp_path))
    assert made.opset == newest
