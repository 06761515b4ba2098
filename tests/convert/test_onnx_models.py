"""Models exported by torch: the file has the shapes that onnxruntime gives at other sizes, and the model's own counts."""

import io
import warnings

import pytest

pytest.importorskip("torch")
pytest.importorskip("onnxruntime")

import numpy as np
import onnx
import torch
from helpers.onnx_graphs import model, save, truth
from models.written import MODELS
from onnx import helper
from torch import nn
from torch.nn import functional

from cnnshape.assemble.network import assemble
from cnnshape.convert.from_onnx.imported import imported
from cnnshape.file.reader import read_text

# Not exported: an adaptive pool of an open side, recording numbers; parametrizations, that exporters fold.
EXPORTED = sorted(MODELS.keys() - {"crnn", "segments"})


def export(model, shape, *, opset=17, fixed=False):
    """A model exported with its batch and sides open, or fixed."""
    axes = {0: "batch", **{axis: f"side{axis}" for axis in range(2, len(shape) + 1)}}
    buffer = io.BytesIO()
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(),
            (torch.zeros(1, *shape),),
            buffer,
            dynamo=False,
            input_names=["x"],
            dynamic_axes=None if fixed else {"x": axes},
            opset_version=opset,
        )
    return onnx.load_from_string(buffer.getvalue())


def read(proto, folder, shape):
    made = imported(save(proto, folder), {"x": shape})
    return assemble(read_text(made.text)).raise_for_errors(), made


def given(net, shape):
    report = net.check(input={"input": shape})
    return [*report.outputs.values()] if report.ok else None


def around(shape):
    """Shapes with other sides."""
    for more in (1, 2, 3, 7, -1, -5):
        if min(shape[1:], default=9) + more > 0:
            yield (shape[0], *(side + more for side in shape[1:]))
    yield (shape[0], *(side + 4 * at for at, side in enumerate(shape[1:], start=1)))


@pytest.mark.parametrize("name", EXPORTED)
def test_the_file_of_an_exported_model_is_the_model_at_all_sizes(name, tmp_path):
    make, shape = MODELS[name]
    proto = export(make(), shape)
    net, made = read(proto, tmp_path, shape)
    assert not made.differences, made.text
    for other in around(shape):
        assert given(net, other) == truth(proto, x=(1, *other)), (other, made.text)


class Conv(nn.Sequential):
    def __init__(self, cin, cout, **how):
        super().__init__(nn.Conv2d(cin, cout, 3, padding=1, **how), nn.Hardswish(), nn.Conv2d(cout, cout, 1), nn.SiLU())


class Exact(nn.Module):
    """Without norms that exporters fold into convolutions: its counts are those of the exported graph."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2)
        self.blocks = nn.Sequential(Conv(8, 8), Conv(8, 16, groups=2), Conv(16, 32, bias=False))
        self.up = nn.ConvTranspose2d(32, 8, 2, stride=2)
        self.group, self.scale = nn.GroupNorm(2, 8), nn.Parameter(torch.rand(8, 1, 1))
        self.norm, self.gelu, self.head = nn.LayerNorm(8), nn.GELU(), nn.Linear(8, 5)

    def forward(self, x):
        x = self.group(self.up(functional.max_pool2d(self.blocks(self.stem(x)), 2))) * self.scale
        x = self.norm(x.permute(0, 2, 3, 1))
        return self.head(self.gelu(x)).permute(0, 3, 1, 2)


@pytest.mark.parametrize("opset", [9, 11, 13, 17, 20])
def test_groups_of_nodes_are_the_layers_that_the_model_has(opset, tmp_path):
    from torch.utils.flop_counter import FlopCounterMode

    shape, model = (3, 20, 26), Exact()
    proto = export(model, shape, opset=opset)
    net, made = read(proto, tmp_path, shape)
    assert not made.differences, made.text
    types = [node.type for node in net.nodes]
    assert types.count("hardswish") == types.count("silu") == 3, made.text
    assert {"group_norm", "layer_norm", "gelu", "scale", "max_pool", "conv_transpose"} <= {*types}, made.text
    assert "opaque" not in types
    report = net.check()
    assert report.parameters == sum(weight.numel() for weight in model.parameters())
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, *shape))
    assert report.macs == counter.get_total_flops() // 2
    assert {"stem", "blocks.0.0", "blocks.2.2", "up", "group", "norm", "head"} <= {node.name for node in net.nodes}
    for other in around(shape):
        assert given(net, other) == truth(proto, x=(1, *other)), other


class Frozen(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.conv, self.how, self.fc = nn.Conv2d(3, 4, 3), how, nn.Linear(256, 5)

    def forward(self, x):
        x = self.how(functional.relu(self.conv(x)))
        return self.fc(x) if x.shape[-1] == 256 else x.mean(-1)


FROZEN = {
    "view(-1, n)": lambda x: x.view(-1, 256),
    "view(1, c, n)": lambda x: x.view(1, 4, 64),
    "view(1, c, h, w)": lambda x: x.view(1, 4, 8, 8),
    "view(1, -1)": lambda x: x.view(1, -1),
}


@pytest.mark.parametrize("how", FROZEN)
def test_a_frozen_shape_is_named_and_refuses_what_the_graph_refuses(how, tmp_path):
    proto = export(Frozen(FROZEN[how]), (3, 10, 10))
    net, made = read(proto, tmp_path, (3, 10, 10))
    assert not made.differences, made.text
    name = next(node.name for node in proto.graph.node if node.op_type == "Reshape")
    assert (f"The size is frozen at node {name} (Reshape)" in made.text) == (how != "view(1, -1)")
    if how != "view(-1, n)":
        assert f"The batch is frozen at node {name} (Reshape)" in made.text
        assert truth(proto, x=(2, 3, 10, 10)) is None
    for other in [(3, 10, 10), (3, 11, 10), (3, 10, 12), (3, 16, 16), (3, 9, 9)]:
        theirs = truth(proto, x=(1, *other))
        assert given(net, other) == theirs, other


def test_a_batch_that_is_open_is_not_called_frozen(tmp_path):
    _, made = read(export(Exact(), (3, 20, 26)), tmp_path, (3, 20, 26))
    assert "The batch" not in made.text


def test_an_input_of_fixed_sizes_needs_none_and_takes_no_other(tmp_path):
    proto = export(Exact(), (3, 20, 26), fixed=True)
    path = save(proto, tmp_path)
    made = imported(path, {})
    assert "The graph fixes its input, x 3x20x26" in made.text
    assert "The batch is fixed at 1" in made.text
    assert made.net.inputs == {"input": (3, 20, 26)}
    assert imported(path, {"x": (3, 20, 26)}).text == made.text
    with pytest.raises(ValueError, match="fixed at 3x20x26, and takes no 3x20x20"):
        imported(path, {"x": (3, 20, 20)})


def test_a_batch_of_several_that_a_graph_fixes_is_taken_for_one(tmp_path):
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["a"], name="/conv/Conv"),
        helper.make_node("Resize", ["a", "", "", "size"], ["b"], name="/Resize"),
        helper.make_node("Reshape", ["b", "shape"], ["c"], name="/Reshape"),
        helper.make_node("Gemm", ["c", "m"], ["y"], name="/fc/Gemm"),
    ]
    constants = {"w": (2, 3, 3, 3), "size": np.int64([4, 2, 12, 12]), "shape": np.int64([4, 288]), "m": (288, 5)}
    proto = model(nodes, {"x": [4, 3, 8, 8]}, constants)
    made = imported(save(proto, tmp_path), {})
    assert not made.differences, made.text
    assert [made.net.check().output] == truth(proto, x=(4, 3, 8, 8)) == [(5,)]
    assert "The batch is fixed at 4" in made.text


class Residual(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(cin, cout, 3, stride, 1), nn.Conv2d(cout, cout, 3, 1, 1)
        self.relu, self.down = nn.ReLU(), nn.Conv2d(cin, cout, 1, stride) if stride > 1 else None

    def forward(self, x):
        y = self.conv2(self.relu(self.conv1(x)))
        return self.relu(y + (x if self.down is None else self.down(x)))


def test_scopes_that_are_alike_are_blocks_and_repeats(tmp_path):
    stages = [nn.Sequential(Residual(c, 2 * c, 2), Residual(2 * c, 2 * c), Residual(2 * c, 2 * c)) for c in (4, 8)]
    net = nn.Sequential(*stages)
    made = read(export(net, (4, 32, 32)), tmp_path, (4, 32, 32))[1]
    assert not made.differences
    assert made.text.count("[blocks.") == 1, made.text
    assert "repeat = 2" in made.text
    assert sum('type = "conv"' in line for line in made.text.splitlines()) == 3


class Several(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Conv2d(1, 4, 3, 2, 1), nn.Conv2d(3, 4, 3, 2, 1)

    def forward(self, a, b):
        a, b = self.left(a), self.right(b)
        return a + b, functional.interpolate(torch.cat([a, b], 1), size=(a.shape[2] * 2, a.shape[3] * 2))


def test_several_inputs_and_outputs_have_the_names_of_the_graph(tmp_path):
    axes = {0: "n", 2: "h", 3: "w"}
    path = tmp_path / "model.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Several().eval(), (torch.zeros(1, 1, 8, 8), torch.zeros(1, 3, 8, 8)), path, dynamo=False,
            input_names=["left", "images/right"], output_names=["sum", "both"],
            dynamic_axes={"left": axes, "images/right": axes},
        )  # fmt: skip
    made = imported(str(path), {"left": (1, 8, 8), "images/right": (3, 8, 8)})
    assert not made.differences, made.text
    net = assemble(read_text(made.text)).raise_for_errors()
    assert net.inputs == {
        "left_": (1, 8, 8),
        "images_right": (3, 8, 8),
    }  # a layer is left: it has its weights by that name
    outputs = net.check(input={"left_": (1, 10, 14), "images_right": (3, 10, 14)}).outputs
    theirs = truth(onnx.load(path), **{"left": (1, 1, 10, 14), "images/right": (1, 3, 10, 14)})
    assert [*outputs] == ["sum", "both"]
    assert [*outputs.values()] == theirs
    with pytest.raises(ValueError, match="has no input 'input'; it has left, images/right: say which, as left="):
        imported(str(path), {"input": (1, 8, 8)})
    with pytest.raises(
        ValueError, match=r"its input images/right is 3xhxw: give its sizes, as --input images/right=3x224x224"
    ):
        imported(str(path), {"left": (1, 8, 8)})
