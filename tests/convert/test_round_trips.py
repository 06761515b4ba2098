"""Models of every kind are imported, written as code, and imported again: the files are the same, and so are the tensors."""

import pytest

pytest.importorskip("torch")

import torch
from helpers.generated import model_of, shapes
from models.kinds import KINDS, Siamese

import cnnshape
from cnnshape.convert.to_torch.code import torch_code

NAMED_TWICE = {Siamese: "mirror."}  # a second name of a module, under which a state_dict has its tensors once more


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_what_is_imported_comes_back_from_its_code(kind, tmp_path):
    with torch.device("meta"):
        model = kind().eval()
    text = cnnshape.dumps(cnnshape.trace(model, kind.input))
    net = cnnshape.loads(text)
    code = torch_code(net)
    made = model_of(code, tmp_path)
    assert cnnshape.dumps(cnnshape.trace(made, net.inputs)) == text
    assert "opaque" not in text
    assert "get_submodule" not in code
    expected = {
        name: tuple(tensor.shape)
        for name, tensor in model.state_dict().items()
        if not name.startswith(NAMED_TWICE.get(kind, "\0"))
    }
    assert shapes(made) == expected
    with torch.device("meta"):
        assert shapes(cnnshape.build(net)) == shapes(made)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NAMED_TWICE], ids=lambda kind: kind.__name__)
def test_the_code_and_what_is_built_have_the_same_values_with_the_same_weights(kind, tmp_path):
    model = kind().eval()
    for tensor in model.state_dict().values():
        tensor.uniform_(0.1, 0.9) if tensor.is_floating_point() else tensor.zero_()
    net = cnnshape.trace(model, kind.input)
    x = [torch.rand(2, *shape) for shape in net.inputs.values()]
    expected = stacked(model(*x))
    for made in (model_of(torch_code(net), tmp_path).to_empty(device="cpu"), cnnshape.build(net).eval()):
        made.load_state_dict(model.state_dict())
        assert torch.allclose(stacked(made(*x)), expected, rtol=1e-4)


def stacked(result):
    return torch.cat([*result.values()], 1) if isinstance(result, dict) else result


def test_a_default_that_a_block_passes_on_is_no_difference(tmp_path):
    """The code leaves out `stride=1` and `padding=0` where it writes a use of the block in line."""
    net = cnnshape.loads("""
        input = [3, 32, 32]
        layers = [
          { name = "stem", block = "conv_norm", width = 8, kernel_size = 3, stride = 2 },
          { name = "head", block = "conv_norm", width = 16 },
        ]
        [blocks.conv_norm]
        arguments = ["width"]
        defaults = { kernel_size = 1, stride = 1 }
        layers = [
          { name = "conv", type = "conv", out_channels = "width", kernel_size = "kernel_size", stride = "stride", padding = "kernel_size // 2" },
          { name = "norm", type = "batch_norm" },
          { name = "pool", type = "max_pool", kernel_size = 2, stride = "2 * stride", when = "stride == 1" },
        ]""")
    made = cnnshape.trace(model_of(torch_code(net), tmp_path), net.inputs)
    assert [(node.name, node.layer, node.inputs) for node in made.nodes] == [
        (node.name, node.layer, node.inputs) for node in net.nodes
    ]
