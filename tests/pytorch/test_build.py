"""Networks built as modules: shapes, counts and names, by torch's own counters and modules."""

import copy
import pickle

import pytest

pytest.importorskip("torch")

import torch
from helpers.paths import ARCHITECTURES, FILES
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnnshape
from cnnshape import ArchitectureError, build

OPAQUE = FILES / "good" / "fourier.toml"  # cannot be run
NETS = sorted({*ARCHITECTURES.glob("*.toml"), *(FILES / "good").glob("*.toml")} - {OPAQUE})


def shapes(given):
    return {name: tuple(tensor.shape) for name, tensor in given.items()}


def ran(model, inputs):
    """The outputs' shapes without the batch, and the multiply-accumulates of a sample."""
    tensors = [torch.empty(2, *shape, device="meta") for shape in inputs]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        given = model.eval()(*tensors)
    outputs = given if isinstance(given, dict) else {"": given}
    return {name: shape[1:] for name, shape in shapes(outputs).items()}, counter.get_total_flops() // 4


@pytest.mark.parametrize("file", NETS, ids=lambda path: path.stem)
def test_it_has_the_shapes_and_counts_of_the_net(file):
    net = cnnshape.load(file)
    report = net.check()
    with torch.device("meta"):
        model = build(net)
    outputs, macs = ran(model, net.inputs.values())
    assert [*outputs.values()] == [*report.outputs.values()]
    assert sum(weight.numel() for weight in model.parameters()) == report.parameters
    assert sum(weight.numel() for weight in model.parameters() if weight.requires_grad) == report.trainable
    if not any(word in file.stem for word in ("transformer", "hybrid")):  # torch counts products of results, too
        assert macs == report.macs
    buffers = sum(tensor.numel() for name, tensor in model.named_buffers() if "num_batches" not in name)
    assert buffers == report.parameters_with_buffers - report.parameters


def of(*layers, entering="[4, 8, 8]"):
    return cnnshape.loads(f"input = {entering}\nlayers = [{', '.join(layers)}]")


@pytest.mark.parametrize("name", ["resnet18", "unet", "wavenet", "convnext_tiny"])
def test_it_is_the_model_of_its_file(name):
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    with torch.device("meta"):
        assert cnnshape.verify(net, "meta", model=build(net)).ok


def test_tensors_have_the_names_of_the_layers():
    net = of(
        '{ name = "half", type = "conv", out_channels = 4, kernel_size = 3, gain = true }',
        '{ name = "fixed", type = "conv", out_channels = 4, kernel_size = 3, learned = false }',
        '{ name = "gamma", type = "scale" }',
        '{ name = "cold", type = "batch_norm", frozen = true }',
    )
    model = build(net)
    conv, norm = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
    expected = {
        **{f"half_.{name}": shape for name, shape in shapes(conv.state_dict()).items()},
        "half_.gain": (4, 1, 1, 1),
        **{f"fixed.{name}": shape for name, shape in shapes(conv.state_dict()).items()},
        "gamma": (4, 1, 1),
        **{f"cold.{name}": shape for name, shape in shapes(norm.state_dict()).items()},
    }
    assert shapes(model.state_dict()) == expected
    assert {name for name, weight in model.named_parameters() if weight.requires_grad} == {
        "half_.weight", "half_.bias", "half_.gain", "gamma",
    }  # fmt: skip
    assert model(torch.zeros(2, 4, 8, 8)).shape == (2, 4, 4, 4)


def test_a_fixed_weight_is_the_one_that_is_used():
    model = build(of('{ name = "a", type = "linear", out_features = 2, learned = false }', entering="[3]"))
    model.a.weight.fill_(1)
    model.a.bias.zero_()
    assert model(torch.ones(1, 3)).tolist() == [[3, 3]]


def test_shared_weights_are_the_same_tensor():
    net = of(
        '{ name = "a", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 }',
        '{ name = "b", shares = "a" }',
        '{ name = "r", type = "relu" }',
        '{ name = "s", shares = "r" }',
        '{ name = "c", type = "conv_transpose", out_channels = 4, kernel_size = 3, shares_weight = "a" }',
    )
    model = build(net)
    assert [name for name, _ in model.named_children()] == ["a", "r", "c"]  # a and r are called twice
    assert model.c.weight is model.a.weight
    assert model.c.bias is not model.a.bias
    assert sum(weight.numel() for weight in model.parameters()) == net.check().parameters


def test_shared_functions_have_no_module():
    model = build(of('{ name = "a", type = "scale", value = 2 }', '{ name = "b", shares = "a" }'))
    assert model(torch.ones(1, 4, 8, 8)).unique().tolist() == [4]


def test_several_inputs_and_outputs():
    net = cnnshape.loads("""
        inputs = { left = [1, 4, 4], right = [1, 4, 4] }
        outputs = ["a", "b"]
        layers = [
          { name = "a", type = "concat", from = ["left", "right"] },
          { name = "b", type = "add", from = ["left", "right"] },
        ]
    """)
    model = build(net)
    given = model(torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4))
    assert shapes(given) == {"a": (1, 2, 4, 4), "b": (1, 1, 4, 4)}
    with pytest.raises(ValueError, match="left, right"):
        model(torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize("sides", ["", ', output_size = "default"'])
def test_an_unpooling_puts_values_back_where_the_pool_found_them(sides):
    model = build(
        of(
            '{ name = "down", type = "max_pool", kernel_size = 2 }',
            f'{{ name = "up", type = "max_unpool", indices = "down"{sides} }}',
        )
    )
    x = torch.rand(2, 4, 8, 8)
    pooled, places = nn.functional.max_pool2d(x, 2, return_indices=True)
    assert torch.equal(model(x), nn.functional.max_unpool2d(pooled, places, 2))


def test_sizes_that_the_net_refuses_raise():
    model = build(of('{ name = "r", type = "require", multiple_of = 8 }'))
    assert model(torch.zeros(1, 4, 16, 16)).shape == (1, 4, 16, 16)
    with pytest.raises(ValueError, match="requirement-fails"):
        model(torch.zeros(1, 4, 9, 8))


def test_an_opaque_layer_says_so():
    model = build(of('{ name = "o", type = "opaque", out_shape = "keep", num_parameters = 5 }'))
    assert sum(weight.numel() for weight in model.parameters()) == 5
    with pytest.raises(NotImplementedError, match="o is opaque"):
        model(torch.zeros(1, 4, 8, 8))


def test_a_wrong_net_is_not_built():
    with pytest.raises(ArchitectureError, match="window-too-large"):
        build(of('{ type = "conv", out_channels = 1, kernel_size = 9 }'))


def test_it_copies_and_pickles():
    model = build(of('{ name = "a", type = "conv", out_channels = 4, kernel_size = 3 }')).eval()
    x = torch.rand(1, 4, 8, 8)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), model(x))
