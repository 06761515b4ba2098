"""The code of a net's model: run by torch alone, and held to the net, to cnnshape.build and to ruff."""

import subprocess
import sys

import pytest

pytest.importorskip("torch")

import torch
from helpers.cli import run, write
from helpers.generated import model_of, shapes
from helpers.paths import ARCHITECTURES, FILES
from torch.nn import functional as F  # noqa: N812 -- as everybody calls it
from torch.utils.flop_counter import FlopCounterMode

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.convert.to_torch.code import torch_code

OPAQUE = FILES / "good" / "fourier.toml"  # cannot be run
NETS = sorted({*ARCHITECTURES.glob("*.toml"), *(FILES / "good").glob("*.toml")} - {OPAQUE})
COUNTS_OTHERWISE = {"hybrid", "vision_transformer", "mobilenetv4_conv_small"}  # torch counts products of results


def ran(model, inputs):
    """The shapes that come out, without the batch, and the multiply-accumulates of a sample."""
    tensors = [torch.empty(2, *shape, device="meta") for shape in inputs]
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        given = model(*tensors)
    outputs = given if isinstance(given, tuple) else (given,)
    return [tuple(output.shape[1:]) for output in outputs], counter.get_total_flops() // 4


@pytest.mark.parametrize("file", NETS, ids=lambda path: path.stem)
def test_the_model_is_the_net(file, tmp_path):
    net = cnnshape.load(file)
    report = net.check()
    model = model_of(torch_code(net), tmp_path)
    with torch.device("meta"):
        assert shapes(model) == shapes(cnnshape.build(net))
    outputs, macs = ran(model, net.inputs.values())
    assert outputs == [*report.outputs.values()]
    assert sum(weight.numel() for weight in model.parameters()) == report.parameters
    assert sum(weight.numel() for weight in model.parameters() if weight.requires_grad) == report.trainable
    if file.stem not in COUNTS_OTHERWISE:
        assert macs == report.macs
    for more in ((16, 16), (32, 64)):
        other = {name: (shape[0], *(side + add for side, add in zip(shape[1:], more * 2, strict=False)))
                 for name, shape in net.inputs.items()}  # fmt: skip
        report = net.check(other)
        if all(row.output is not None and not row.result.refusals for row in report.layers):
            assert ran(model, other.values())[0] == [*report.outputs.values()], other


@pytest.mark.parametrize("other", ["act", "stem_"])
def test_a_layer_with_the_name_of_a_scope_is_beside_it(other, tmp_path):
    net = cnnshape.loads(f"""
input = [3, 16, 16]
layers = [
  {{ name = "stem.pad", type = "pad", padding = [[0, 1], [0, 1]] }},
  {{ name = "stem", type = "conv", out_channels = 8, kernel_size = 3 }},
  {{ name = "{other}", type = "relu" }},
  {{ name = "body.stem.inner", type = "batch_norm" }},
  {{ name = "body.stem", type = "conv", out_channels = 2, kernel_size = 1 }},
]
""")
    model = model_of(torch_code(net), tmp_path)
    assert ran(model, [(3, 16, 16)])[0] == [(2, 15, 15)]
    assert shapes(model)["stem.weight"] == (8, 3, 3, 3)
    assert shapes(model)["body.stem.weight"] == (2, 8, 1, 1)


def test_the_code_is_as_ruff_has_it(tmp_path):
    for file in NETS:
        (tmp_path / f"{file.stem}.py").write_text(torch_code(cnnshape.load(file)))
    for command in (["format", "--check"], ["check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", str(tmp_path)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["resnet18", "unet", "lenet5", "convnext_tiny", "densenet121", "mobilenet_v3_large"])
def test_verify_finds_the_file_in_it(name, tmp_path):
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    assert cnnshape.verify(net, "meta", model=model_of(torch_code(net), tmp_path)).ok


def imported_from(net, folder):
    return cnnshape.trace(model_of(torch_code(net), folder), net.inputs)


def learned(net):
    """The layers with parameters, whose names are those of a checkpoint's tensors."""
    rows = net.check().layers
    return [(row.name, row.type, row.output, row.parameters, row.macs) for row in rows if row.parameters]


ROUND_TRIPS = [
    "lenet5",
    "unet",
    "vgg16_bn",
    "resnet18",
    "crnn",
    "yolov8n",
    "nnunet_3d",
    "fpn_resnet50",
    "unet_original",
]
ROUND_TRIPS += ["unet3d", "fcn8s", "segnet"]
OTHERS = [file.stem for file in NETS if file.parent == ARCHITECTURES and file.stem not in ROUND_TRIPS]


@pytest.mark.parametrize("name", [*ROUND_TRIPS, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_an_imported_net_comes_back_from_its_code(name, tmp_path):
    """Import, code, import: names, types, settings, wiring. The first import is held to the zoo's file."""
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    once = imported_from(net, tmp_path)
    assert learned(once) == learned(net)
    twice = imported_from(cnnshape.loads(cnnshape.dumps(once)), tmp_path)
    assert [(node.name, node.type, node.layer, node.inputs) for node in twice.nodes] == [
        (node.name, node.type, node.layer, node.inputs) for node in once.nodes
    ]
    assert cnnshape.dumps(twice) == cnnshape.dumps(once)


COMES_BACK = [
    "siamese",
    "segnet_unsized",
    "vision_transformer",
    "normalizer_free",
    "wavenet_glu",
    "high_resolution",
    "two_heads",
]


@pytest.mark.parametrize("name", COMES_BACK)
def test_a_file_comes_back_from_its_code(name, tmp_path):
    """Towers that share, indices of pools, attention by hand, standardised filters, copies of which one gives less."""
    once = imported_from(cnnshape.load(FILES / "good" / f"{name}.toml"), tmp_path)
    text = cnnshape.dumps(once)
    assert cnnshape.dumps(imported_from(cnnshape.loads(text), tmp_path)) == text


def test_blocks_that_differ_in_an_activation_or_a_shortcut_are_one_class(tmp_path):
    net = cnnshape.load(ARCHITECTURES / "mobilenet_v3_large.toml")
    code = torch_code(net)
    assert [line for line in code.splitlines() if line.startswith("class ")] == [
        "class SqueezeExcitation(nn.Module):", "class ConvBnAct(nn.Sequential):",
        "class InvertedResidual(nn.Module):", "class MobileNetV3Large(nn.Sequential):",
    ]  # fmt: skip
    assert "act: type[nn.Module] = nn.Hardswish," in code
    assert "        if self.residual:\n            y = y + x\n        return y" in code
    assert "padding=kernel_size // 2," in code


def test_copies_of_which_one_gives_less_are_one_class():
    code = torch_code(cnnshape.load(FILES / "good" / "wavenet_glu.toml"))
    assert code.count("class ") == 2
    assert "layer_3_0, _ = self.layer[3](layer_2_1)" in code


def test_tensors_of_the_models_own_come_back_from_code(tmp_path):
    layers = (
        '{ name = "cls_token", type = "token", shape = [4, 1], dim = -1, before = true }, '
        '{ name = "pos_embed", type = "bias", shape = [4, 65] }, { name = "fc", type = "linear", out_features = 9 }, '
        '{ name = "table", type = "bias", shape = [4, 9], num_parameters = 7 }, '
        '{ name = "mean", type = "scale", shape = [1, 9], num_parameters = 0 }'
    )
    net = of('{ type = "flatten", start_dim = 2 }', layers)
    once = imported_from(net, tmp_path)
    assert learned(once) == learned(net)
    rows = [(row.type, row.output, row.parameters) for row in once.check().layers]
    assert rows == [(row.type, row.output, row.parameters) for row in net.check().layers]


def test_parameters_may_have_the_names_of_modules(tmp_path):
    """Numbers, names of methods, and names beside those of modules whose scope other layers interrupt."""
    conv = 'type = "conv", out_channels = 4, kernel_size = 1'
    net = of(
        f'{{ name = "attn.qkv", {conv} }}', '{ name = "0", type = "scale" }', '{ name = "half", type = "bias" }',
        '{ name = "attn.in", type = "scale", shape = [1, 8, 8] }', '{ name = "attn.temperature", type = "scale" }',
        '{ name = "1", type = "bias", shares = "half" }', f'{{ name = "attn.proj", {conv} }}',
        '{ name = "attn.w.0", type = "scale" }', '{ name = "mid", type = "add", from = ["attn.proj", "attn.w.0"] }',
        '{ name = "attn.w.1", type = "scale", from = "mid" }',
        '{ name = "v.a.alpha", type = "scale" }', '{ name = "v.b", type = "scale", from = "mid" }',
        '{ name = "last", type = "add", from = ["v.a.alpha", "attn.w.1"] }',
        '{ name = "v.a.beta", type = "scale", from = "v.b" }', '{ name = "end", type = "add", from = ["v.a.beta", "last"] }',
    )  # fmt: skip
    code = torch_code(net)
    model = model_of(code, tmp_path)
    expected = {f"attn.{name}.{end}" for name in ("qkv", "proj") for end in ("weight", "bias")}
    expected |= {"0", "half_", "attn.in", "attn.temperature", "attn.w.0", "attn.w.1", "v.a.alpha", "v.a.beta", "v.b"}
    assert {*shapes(model)} - {"1"} == expected
    assert shapes(model)["attn.in"] == (1, 1, 8, 8)
    with torch.device("meta"):
        assert shapes(cnnshape.build(net)) == shapes(model)
    assert ran(model, net.inputs.values())[0] == [(4, 8, 8)]
    assert [row[1:] for row in learned(imported_from(net, tmp_path))] == [row[1:] for row in learned(net)]


@pytest.mark.parametrize("names", [("gamma", "gamma.conv"), ("gamma.conv", "gamma"), ("a.gamma.conv", "a.gamma")])
def test_a_scope_may_have_the_name_of_a_parameter(names, tmp_path):
    kinds = {True: 'type = "conv", out_channels = 4, kernel_size = 1', False: 'type = "scale"'}
    net = of(*(f'{{ name = "{name}", {kinds[name.endswith("conv")]} }}' for name in names))
    model = model_of(torch_code(net), tmp_path)
    [gamma] = [name for name in names if name.endswith("gamma")]
    assert {*shapes(model)} == {gamma, f"{gamma}_.conv.weight", f"{gamma}_.conv.bias"}
    assert ran(model, net.inputs.values())[0] == [(4, 8, 8)]
    built = cnnshape.build(net)
    assert shapes(built) == shapes(model)
    assert built(torch.zeros(2, 4, 8, 8)).shape == (2, 4, 8, 8)


def test_the_code_says_why_a_models_weights_do_not_load():
    table = '{ name = "attn.table", type = "bias", shape = [4, 8, 8], num_parameters = 7 }'
    code = torch_code(of(table, '{ type = "prelu", num_parameters = 4 }', blocks='allow = "unused-in-model"'))
    assert code.startswith("""\
\"\"\"A network, as cnnshape writes it.

The model has parameters that it never uses, and this has none: load its weights with
strict=False.

Of the weights and constants of attn.table its file says the number alone: write them as
the model has them, and its weights load.
\"\"\"
""")
    assert torch_code(of('"scale"')).startswith('"""A network, as cnnshape writes it."""\n')


def test_blocks_are_classes_with_arguments_and_repeats_are_copies():
    code = torch_code(cnnshape.load(ARCHITECTURES / "resnet50.toml"))
    assert code.count("class ") == 3
    assert "class Bottleneck(nn.Module):" in code
    assert "Bottleneck(256, 128, downsample=True, stride=2),\n" in code
    assert "*(Bottleneck(512, 128) for _ in range(3)),\n" in code
    assert "self.conv3 = nn.Conv2d(width, 4 * width, 1, bias=False)" in code
    assert "return self.relu(y + x)" in code
    assert len(code.splitlines()) < 90


def test_a_chain_is_a_sequential():
    code = torch_code(cnnshape.load(ARCHITECTURES / "lenet5.toml"))
    assert "class LeNet5(nn.Sequential):" in code
    assert "def forward" not in code


def of(*layers, entering="[4, 8, 8]", blocks=""):
    return cnnshape.loads(f"input = {entering}\nlayers = [{', '.join(layers)}]\n{blocks}")


def test_names_that_a_module_cannot_have_are_said(tmp_path):
    conv = 'type = "conv", out_channels = 4, kernel_size = 1'
    net = of(
        f'{{ name = "half", {conv} }}', f'{{ name = "in", {conv} }}', f'{{ name = "a-b", {conv} }}',
        '{ name = "sum", type = "add", from = ["half", "a-b"] }', f'{{ name = "0", {conv} }}',
    )  # fmt: skip
    code = torch_code(net)
    assert "# half in the file" in code
    assert "self.half_ = nn.Conv2d(4, 4, 1)" in code
    model = model_of(code, tmp_path)
    assert {name.partition(".")[0] for name in shapes(model)} == {"half_", "in", "a-b", "0"}
    assert ran(model, net.inputs.values())[0] == [(4, 8, 8)]


LAYERS = {
    "opaque": '{ name = "a", type = "opaque", out_shape = "keep", num_parameters = 5 }',
    "gain": '{ name = "a", type = "conv", out_channels = 2, kernel_size = 3, gain = true }',
    "fixed": '{ name = "a", type = "conv", out_channels = 2, kernel_size = 3, learned = false }',
    "frozen": '{ name = "a", type = "conv", out_channels = 2, kernel_size = 3, frozen = true }',
    "norm": '{ name = "a", type = "conv", out_channels = 2, kernel_size = 3, parametrization = "weight_norm" }',
    "same": '{ name = "a", type = "conv", out_channels = 2, kernel_size = [3, 5], stride = 2, padding = "same_lower" }',
    "reflect": '{ name = "a", type = "conv", out_channels = 2, kernel_size = 3, padding = "same_upper", padding_mode = "reflect" }',
    "dilated": '{ name = "a", type = "conv", out_channels = 2, kernel_size = 3, dilation = 2, padding = "same_upper" }',
    "pool": '{ name = "a", type = "max_pool", kernel_size = 3, stride = 2, padding = "same_upper" }',
    "mean": '{ name = "a", type = "avg_pool", kernel_size = 3, stride = 2, padding = "same_upper" }',
    "transposed": '{ name = "a", type = "conv_transpose", out_channels = 2, kernel_size = 3, stride = 2, padding = "same_upper" }',
    "kept": '{ name = "a", type = "adaptive_avg_pool", output_size = ["keep", 1] }',
    "scale": '{ name = "a", type = "scale" }',
    "bias": '{ name = "a", type = "bias", shape = [4, 1, 1] }',
    "made of": '{ name = "a", type = "bias", shape = [4, 1, 1], num_parameters = 3 }',
    "constants": '{ name = "a", type = "scale", shape = [4, 1, 1], num_parameters = 0 }',
    "token": '"global_avg_pool", { name = "a", type = "token", shape = [4, 3, 1], dim = -2, before = true }',
    "token made of": '"global_avg_pool", { name = "a", type = "token", shape = [4, 1, 2], dim = 3, num_parameters = 7 }',
    "number": '{ name = "a", type = "scale", value = 2 }',
    "pad": '{ name = "a", type = "pad", multiple = 5, where = "both" }',
    "crop": '{ name = "a", type = "crop", size = [3, 5] }',
    "slice": '{ name = "a", type = "slice", start = 1, stop = -1 }',
    "strided": '{ name = "a", type = "slice", dim = 2, step = 2 }',
    "space": '{ name = "a", type = "depth_to_space", block_size = 2 }',
    "depth": '{ name = "a", type = "space_to_depth", block_size = 2 }',
    "shape": '{ name = "a", type = "reshape", shape = [2, -1] }',
    "function": '{ name = "a", type = "function", function = "clamp", min = 0 }',
    "reduce": '{ name = "a", type = "reduce", how = "mean", dim = [2, 3] }',
    "attention": '{ name = "a", type = "attention", num_heads = 2, over = [2, 3] }',
    "apart": '{ name = "a", type = "attention", num_heads = 2, over = [2, 3], qkv_bias = false }',
    "over": '{ name = "a", type = "layer_norm", over = "channels" }',
    "softmax": '{ name = "a", type = "softmax" }',
}


@pytest.mark.parametrize("name", LAYERS)
def test_every_kind_of_layer_runs_as_build_runs_it(name, tmp_path):
    """With the same weights, and the same values, on a real device."""
    net = of(LAYERS[name])
    model, built = model_of(torch_code(net), tmp_path).to_empty(device="cpu"), cnnshape.build(net).eval()
    assert shapes(model) == shapes(built)
    assert [name for name, weight in model.named_parameters() if weight.requires_grad] == [
        name for name, weight in built.named_parameters() if weight.requires_grad
    ]
    for tensor in built.state_dict().values():
        tensor.uniform_() if tensor.is_floating_point() else tensor.zero_()
    model.load_state_dict(built.state_dict())
    for sides in ((8, 8), (12, 10)):
        x = torch.rand(2, 4, *sides)
        if name == "opaque":
            with pytest.raises(NotImplementedError, match="opaque"):
                model(x)
        else:
            assert torch.allclose(model(x), built(x), atol=1e-6)


@pytest.mark.parametrize(
    ("condition", "fits", "refused"),
    [("multiple_of = 4", 8, 9), ("multiple_of = [8, 4], plus = 0", 8, 12), ("at_least = 8", 8, 7), ("at_most = 9", 9, 10),
     ("multiple_of = 4, plus = 1", 9, 8)],
)  # fmt: skip
def test_what_the_file_requires_is_checked(condition, fits, refused, tmp_path):
    net = of(f'{{ name = "a", type = "require", {condition} }}', entering=f"[4, {fits}, {fits}]")
    model = model_of(torch_code(net), tmp_path)
    assert model(torch.zeros(1, 4, fits, fits)).shape == (1, 4, fits, fits)
    with pytest.raises(ValueError, match="a side of"):
        model(torch.zeros(1, 4, refused, refused))


def test_references_follow_at_other_sizes(tmp_path):
    net = of(
        '{ name = "a", type = "max_pool", kernel_size = 2 }',
        '{ name = "b", type = "upsample", like = "input" }',
        '{ name = "c", type = "conv_transpose", out_channels = 3, kernel_size = 2, stride = 2, like = "input", from = "a" }',
        '{ name = "d", type = "pad", like = "input", from = "a" }',
        '{ name = "e", type = "crop", like = "a", from = "input" }',
        '{ name = "f", type = "flatten", start_dim = 2, from = "a" }',
        '{ name = "g", type = "unflatten", dim = 2, like = "a" }',
    )
    net = net._replace(outputs={name: at for at, name in enumerate("abcdefg", start=2)})
    model = model_of(torch_code(net), tmp_path)
    for sides in ((8, 8), (9, 12)):
        expected = net.check((4, *sides)).outputs
        assert ran(model, [(4, *sides)])[0] == [*expected.values()]


@pytest.mark.parametrize("name", ["value", "padding", "pad", "p", "p_value"])
def test_no_argument_takes_the_place_of_a_module(name, tmp_path):
    net = cnnshape.loads(f"""
input = [3, 16, 16]
layers = [{{ name = "one", block = "padded", p = 1 }}, {{ name = "two", block = "padded", p = 2 }}]
[blocks.padded]
arguments = ["p"]
layers = [
  {{ name = "{name}", type = "conv", out_channels = 4, kernel_size = 3 }},
  {{ name = "wider", type = "pad", padding = "p" }},
]
""")
    code = torch_code(net)
    assert code.count("class ") == 2
    assert ran(model_of(code, tmp_path), [(3, 16, 16)])[0] == [net.check().output]


def test_shared_weights_are_the_same(tmp_path):
    net = of(
        '{ name = "a", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 }',
        '{ name = "b", shares = "a" }',
        '{ name = "c", type = "conv_transpose", out_channels = 4, kernel_size = 3, shares_weight = "a" }',
    )
    model = model_of(torch_code(net), tmp_path)
    assert [name for name, _ in model.named_children()] == ["a", "c"]  # a is called twice
    assert model.c.weight is model.a.weight
    assert sum(weight.numel() for weight in model.parameters()) == net.check().parameters


def convs(*names):
    return [f'{{ name = "{name}", type = "conv", out_channels = 4, kernel_size = 1 }}' for name in names]


TOWER = """
[blocks.tower]
layers = [
  { name = "conv", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 },
  { name = "norm", type = "batch_norm" },
  { name = "sum", type = "add", from = ["input", "norm"] },
]
"""
SHARED = {
    "a scope": (
        ['{ name = "one", block = "tower" }', '{ name = "two", shares = "one", from = "input" }',
         '{ name = "sum", type = "add", from = ["one", "two"] }'],
        {"one.conv", "one.norm"},
    ),
    "a scope as import names it": (
        ['{ name = "one.conv", type = "conv", out_channels = 4, kernel_size = 1 }', '{ name = "one.act", type = "relu" }',
         '{ name = "one.conv_2", shares = "one.conv", from = "input" }', '{ name = "one.act_2", type = "relu" }',
         '{ name = "sum", type = "sub", from = ["one.act", "one.act_2"] }'],
        {"one.conv"},
    ),
    "twice more": (
        ['{ name = "one", block = "tower" }', '{ name = "two", shares = "one" }', '{ name = "three", shares = "one" }'],
        {"one.conv", "one.norm"},
    ),
    "within a scope": (
        ['{ name = "one", block = "outer" }', '{ name = "two", block = "outer" }'],
        {f"{outer}.first.{name}" for outer in ("one", "two") for name in ("conv", "norm")},
    ),
    "another result": (  # what the second gives is read earlier than what the first gives
        ['{ name = "one", block = "tower" }', '{ name = "two", shares = "one" }',
         '{ name = "sum", type = "add", from = ["two.conv", "two", "one"] }'],
        {"one.conv", "one.norm", "two.conv", "two.norm"},
    ),
    "a scope that goes on": (
        ['{ name = "a.conv", type = "conv", out_channels = 4, kernel_size = 1 }', '{ name = "b", shares = "a.conv" }',
         '{ name = "a.end", type = "conv", out_channels = 4, kernel_size = 1 }'],
        {"a.conv", "b", "a.end"},
    ),
    "parts of scopes": (
        ['{ name = "one.conv", type = "conv", out_channels = 4, kernel_size = 1 }', '{ name = "one.norm", type = "batch_norm" }',
         '{ name = "two.conv", shares = "one.conv" }', '{ name = "two.norm", type = "batch_norm" }'],
        {"one.conv", "one.norm", "two.conv", "two.norm"},
    ),
    "numbered": (
        ['{ name = "s.0", type = "conv", out_channels = 4, kernel_size = 1 }', '{ name = "s.1", shares = "s.0" }',
         '{ name = "s.2", shares = "s.0" }'],
        {"s.0"},
    ),
    "between others": (
        ['{ name = "s.a", type = "conv", out_channels = 4, kernel_size = 1 }', *convs("x"), '{ name = "s.b", shares = "s.a" }'],
        {"s.a", "x"},
    ),
}  # fmt: skip
OUTER = (
    TOWER
    + """
[blocks.outer]
layers = [{ name = "first", block = "tower" }, { name = "second", shares = "first" }]
"""
)


@pytest.mark.parametrize("kind", SHARED)
def test_a_module_that_is_called_again_is_one(kind, tmp_path):
    """Layers, scopes, and copies of blocks whose layers all share; only what cannot be the same module is tied to it."""
    layers, owners = SHARED[kind]
    net = of(*layers, blocks=OUTER)
    assert same_values(net, tmp_path)
    model = model_of(torch_code(net), tmp_path)
    assert {name.rpartition(".")[0] for name in shapes(model)} == owners
    assert sum(weight.numel() for weight in model.parameters()) == net.check().parameters


def same_values(net, folder):
    """Whether the code's model gives what that of cnnshape.build gives, with the same weights."""
    model, built = model_of(torch_code(net), folder).to_empty(device="cpu"), cnnshape.build(net).eval()
    model.load_state_dict(built.state_dict())
    x = torch.rand(2, 4, 8, 8)
    return torch.allclose(model(x), built(x), atol=1e-6)


def test_no_class_has_the_name_of_one_that_the_code_brings(tmp_path):
    """SelfAttention and Standardized are classes of ours, Tensor is torch's, print is Python's."""
    blocks = {"self_attention": 'type = "attention", num_heads = 2, over = [2, 3]', "standardized": 'type = "relu"'}
    for block, layer in blocks.items():
        for name in ("attention", "SelfAttention", "tensor"):
            layers = f'layers = [{{ name = "a", {layer} }}, {{ name = "sum", type = "add", from = ["input", "a"] }}]'
            net = of(
                f'{{ name = "one", block = "{block}" }}',
                f'{{ name = "two", block = "{block}" }}',
                blocks=f"[blocks.{block}]\n{layers}",
            )
            assert same_values(net._replace(name=name), tmp_path)


@pytest.mark.parametrize("argument", ["nn", "torch", "F", "self", "x"])
def test_an_argument_hides_nothing_that_the_code_uses(argument, tmp_path):
    conv = f'{{ name = "conv", type = "conv", out_channels = "{argument}", kernel_size = 1 }}'
    tail = '{ name = "norm", type = "batch_norm" }, { name = "sum", type = "add", from = ["conv", "norm"] }'
    block = f'[blocks.b]\narguments = ["{argument}"]\nlayers = [{conv}, {tail}]'
    uses = [f'{{ name = "{name}", block = "b", {argument} = {width} }}' for name, width in (("one", 4), ("two", 8))]
    assert same_values(of(*uses, blocks=block), tmp_path)


def test_parts_that_others_run_between_are_lists_and_tables(tmp_path):
    """Numbers are an nn.ModuleList, words an nn.ModuleDict, as they are in the checkpoint's names."""
    net = of(*convs("side.0", "down.first", "side.1", "down.last.0", "side.2", "down.last.1", "end"))
    code = torch_code(net)
    assert "self.side = nn.ModuleList(" in code
    assert '"last": nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(2))' in code
    assert 'self.down["first"]' in code
    assert same_values(net, tmp_path)


def test_names_that_a_table_cannot_have_are_beside_names_that_no_attribute_has(tmp_path):
    """A method of nn.ModuleDict, and a name that begins with a number."""
    net = of(
        *convs("keys", "1to0", "2.a.0"),
        '{ name = "sum", type = "add", from = ["keys", "1to0"] }',
        *convs("2.b", "2.a.1"),
    )
    code = torch_code(net)
    assert 'self.get_submodule("1to0")' in code
    assert same_values(net, tmp_path)
    assert 'self["1to0"](' in torch_code(
        of(*convs("in", "1to0"), '{ name = "sum", type = "add", from = ["in", "1to0"] }')
    )


def test_variables_of_names_that_are_alike_are_two(tmp_path):
    net = of(*convs("a.b", "a_b", "a.c"), '{ name = "sum", type = "add", from = ["a.b", "a_b", "a.c"] }')
    assert same_values(net, tmp_path)


def test_a_wrong_net_has_no_code():
    with pytest.raises(ArchitectureError, match="window-too-large"):
        torch_code(of('{ type = "conv", out_channels = 1, kernel_size = 9 }'))


def test_the_command(tmp_path):
    code = torch_code(cnnshape.load(ARCHITECTURES / "lenet5.toml"))
    assert run("torch", ARCHITECTURES / "lenet5.toml") == (0, code)
    assert run("torch", "zoo:lenet5", "-o", tmp_path / "net.py") == (0, "")
    assert (tmp_path / "net.py").read_text() == code
    (tmp_path / "net.py").write_text("mine")
    status, said = run("torch", "zoo:lenet5", "-o", tmp_path / "net.py")
    assert (status, "--force writes over it" in said, (tmp_path / "net.py").read_text()) == (2, True, "mine")
    assert run("torch", "zoo:lenet5", "-o", tmp_path / "net.py", "--force") == (0, "")
    assert (tmp_path / "net.py").read_text() == code
    assert run("torch", "zoo:lenet5", "-o", tmp_path / "none" / "net.py")[0] == 2
    status, output = run("torch", write(tmp_path, "input = [1]\nlayers = [{ type = 'cnov' }]"))
    assert status == 2
    assert "cnov" in output


@pytest.mark.parametrize("settings", ["", ', output_size = "default"', ", stride = 2, padding = 0"])
def test_an_unpooling_puts_values_where_the_pool_found_them(settings, tmp_path):
    net = of(
        '{ name = "pool", type = "max_pool", kernel_size = 2 }', '"relu"',
        f'{{ type = "max_unpool", indices = "pool"{settings} }}', entering="[2, 6, 8]",
    )  # fmt: skip
    x = torch.randn(3, 2, 6, 8)
    pooled, indices = F.max_pool2d(x, 2, return_indices=True)
    expected = F.max_unpool2d(F.relu(pooled), indices, 2)
    module = model_of(torch_code(net), tmp_path)
    assert torch.equal(module.to_empty(device="cpu")(x), expected)


def test_a_net_without_layers_has_no_code(tmp_path):
    file = write(tmp_path, "input = [3, 4, 4]\nlayers = []")
    status, said = run("torch", file)
    assert status == 2
    assert f"{file}: a net without layers has no code" in said
