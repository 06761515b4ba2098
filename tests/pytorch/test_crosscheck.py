"""The cross-check against torch: what it says of good nets, of broken ones, and of an engine with a bug."""

import inspect
import pickle
import re
import warnings

import pytest

pytest.importorskip("torch")

import torch
from helpers.crosscheck import net_of, verdicts
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape.layers import Layer
from cnnshape.layers.convolution import Conv, Linear
from cnnshape.layers.joining import Concat
from cnnshape.layers.pooling import MaxPool
from cnnshape.problems.comparing import Disagreement
from cnnshape.pytorch import bare, crosscheck, written

SHAPES = {1: [8, 12], 2: [8, 12, 10], 3: [8, 12, 10, 6]}


# Every layer type

PLAIN = [
    "relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu", "silu", "mish", "sigmoid",
    "tanh", "softplus", "softsign", "softshrink", "hardshrink", "tanhshrink", "hardtanh", "hardsigmoid", "hardswish",
    "log_sigmoid", "glu", "softmax", "log_softmax", "softmin", "dropout", "identity", "flatten", "batch_norm",
    "scale"
]  # fmt: skip

SPATIAL = [
    'type = "conv", out_channels = 6, kernel_size = 3, stride = 2, padding = 1',
    'type = "conv", out_channels = 8, kernel_size = 4, padding = "same", groups = 4, bias = false',
    'type = "conv", out_channels = 4, kernel_size = 3, dilation = 2, padding = 2, padding_mode = "reflect"',
    'type = "conv_transpose", out_channels = 6, kernel_size = 3, stride = 2, padding = 1, output_padding = 1, groups = 2',
    'type = "max_pool", kernel_size = 3, stride = 2, ceil_mode = true',
    'type = "avg_pool", kernel_size = 3, stride = 2, padding = 1',
    'type = "lp_pool", norm_type = 2, kernel_size = 2',
    'type = "adaptive_avg_pool", output_size = 5',
    'type = "adaptive_max_pool", output_size = "keep"',
    "global_avg_pool",
    "global_max_pool",
    'type = "group_norm", num_groups = 4',
    'type = "instance_norm", affine = true',
    'type = "local_response_norm", size = 3',
    'type = "layer_norm", over = "channels"',
    'type = "layer_norm", over = "all", bias = false',
    'type = "linear", out_features = 7, allow = ["linear-on-space"]',
    'type = "upsample", scale_factor = 2',
    'type = "upsample", size = 5',
    'type = "pad", padding = 1, mode = "replicate"',
    'type = "pad", padding = 2, channels = [0, 3], value = -inf',
    'type = "crop", amount = 1',
    'type = "crop", size = 5',
    'type = "slice", start = 1, stop = -2, step = 2',
    'type = "channel_shuffle", groups = 2',
    'type = "reshape", shape = [4, -1]',
    'type = "prelu", num_parameters = 8',
    'type = "scale", value = 0.5',
    'type = "threshold", threshold = 0.1, value = 20',
    'type = "batch_norm", bias = false, track_running_stats = false',
]

OTHERS = [
    ("flat", 'input = [8]\nlayers = ["relu", {type = "linear", out_features = 3, bias = false}, "layer_norm", "batch_norm"]'),
    ("modes", 'input = [8, 12, 10]\nlayers = [{type = "upsample", size = [7, 9], mode = "bilinear", align_corners = true}]'),
    ("pixels", 'input = [8, 12, 10]\nlayers = [{type = "pixel_shuffle", upscale_factor = 2}, {type = "pixel_unshuffle", downscale_factor = 4}]'),
    ("pixels 3-D", 'input = [8, 12, 10, 6]\nlayers = [{type = "pixel_unshuffle", downscale_factor = 2}, {type = "pixel_shuffle", upscale_factor = 2}]'),
    *(
        (
            f"joins {len(shape) - 1}-D",
            f"""
inputs = {{ left = {shape}, right = {shape} }}
outputs = ["cut", "resized", "restored", "difference"]
layers = [
  {{ name = "pool", type = "max_pool", kernel_size = 3, stride = 2, from = "left" }},
  {{ name = "restored", type = "max_unpool", indices = "pool" }},
  {{ name = "both", type = "concat", from = ["restored", "left", "right"] }},
  {{ name = "gate", type = "conv", out_channels = 1, kernel_size = 1 }},
  {{ name = "gated", type = "mul", from = ["left", "right", "gate"] }},
  {{ name = "sum", type = "add", from = ["gated", "left", "right"] }},
  {{ name = "difference", type = "sub", from = ["sum", "gate"], broadcast = true }},
  {{ name = "resized", type = "upsample", like = "right", from = "pool" }},
  {{ name = "cut", type = "crop", like = "pool", from = "both" }},
]
""",
        )
        for shape in SHAPES.values()
    ),
    (
        "shares",
        """
inputs = { left = [8, 12], right = [8, 20] }
outputs = ["twin", "tower"]
layers = [
  { name = "tower", type = "conv", out_channels = 4, kernel_size = 3, from = "left" },
  { name = "twin", shares = "tower", from = "right" },
]
""",
    ),
]  # fmt: skip

NETS = {
    **{
        f"{layer} {rank}-D": f"input = {shape}\nlayers = [{{ {layer} }}]" if "=" in layer else f'input = {shape}\nlayers = ["{layer}"]'
        for rank, shape in SHAPES.items()
        for layer in [*PLAIN, *SPATIAL]
    },
    **dict(OTHERS),
}  # fmt: skip
if "bias" not in inspect.signature(torch.nn.BatchNorm2d).parameters:  # torch 2.12 brought it
    NETS = {name: text for name, text in NETS.items() if not re.search(r'(batch|instance|group)_norm", bias', text)}


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_torch_agrees(device):
    for name, text in NETS.items():
        found = cnnshape.verify(cnnshape.loads(text), device)
        assert {layer.verdict for layer in found.layers} == {"agrees"}, (name, found)
        assert found.ok
        assert found.device == device


def test_a_setting_that_came_with_a_later_torch_cannot_be_asked(monkeypatch):
    class Old(torch.nn.BatchNorm2d):
        def __init__(self, num_features, eps=1e-5):
            super().__init__(num_features, eps)

    monkeypatch.setattr(torch.nn, "BatchNorm2d", Old)
    bare._bare.cache_clear()
    plain, given, wrong = (
        cnnshape.verify(net_of([4, 8, 8], f'type = "batch_norm"{more}'), "cpu")
        for more in ("", ", bias = false", ", bias = false, num_features = 3")
    )
    bare._bare.cache_clear()
    assert [found.layers[0].verdict for found in (plain, given, wrong)] == ["agrees", "skipped", "refuses"]
    assert "'bias'" in given.layers[0].reason


@pytest.mark.parametrize("name", ["alexnet", "resnet50"])
def test_torch_agrees_with_published_nets(name):
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    found = cnnshape.verify(net)
    assert {layer.verdict for layer in found.layers} == {"agrees"}
    assert sum(layer.parameters for layer in found.layers) == {"alexnet": 62_378_344, "resnet50": 25_557_032}[name]
    assert found.layers[-1].output == (1000,)


def test_written_case_gives_what_the_layer_gives(capsys):
    for text in NETS.values():
        net = cnnshape.loads(text)
        found = cnnshape.verify(net, "cpu")
        for row, verdict in zip(net.check().layers, found.layers, strict=True):
            case = written.case(row, "cpu")
            assert "cnnshape" not in case
            exec(case, {})
            shown = capsys.readouterr().out.splitlines()
            assert shown[-1] == str(verdict.output), case
            if len(shown) == 2:
                assert shown[0] == f"{verdict.parameters} parameters"


def test_another_input_and_a_report_that_is_there():
    net = net_of([3, 32, 32], 'type = "conv", out_channels = 4, kernel_size = 3')
    other = cnnshape.verify(net, "cpu", input=(3, 20, 21))
    assert other.layers[0].output == (4, 18, 19)
    assert cnnshape.verify(net, "cpu", report=net.check((3, 20, 21))) == other
    with pytest.raises(ValueError, match="no input"):
        cnnshape.verify(net, input={"other": (3, 20, 21)})


def test_shared_layer_has_weights_of_its_own_in_torch():
    net = cnnshape.loads(NETS["shares"])
    assert [row.parameters for row in net.check().layers] == [100, 0]
    assert [layer.parameters for layer in cnnshape.verify(net).layers] == [100, 100]


def test_progress_hears_of_each_layer():
    net = net_of([3, 8], "relu", 'type = "max_pool", kernel_size = 9', "relu")
    heard = []
    cnnshape.verify(net, "cpu", progress=lambda *told: heard.append(told))
    assert heard == [(0, 3, "relu1"), (1, 3, "max_pool1"), (2, 3, "relu2")]


def test_verification_pickles(monkeypatch):
    monkeypatch.setattr(Linear, "output", lambda self, require, *inputs: (1, 2))
    found = cnnshape.verify(net_of([8], 'type = "linear", out_features = 3'))
    assert not found.ok
    again = pickle.loads(pickle.dumps(found))
    assert again.layers == found.layers
    assert [repr(problem) for problem in again.problems] == [repr(problem) for problem in found.problems]


# Layers that must fail

REFUSED = [
    ("window-too-large", [3, 8], 'type = "conv", out_channels = 4, kernel_size = 9'),
    ("window-too-large", [3, 8], 'type = "max_pool", kernel_size = 9'),
    ("window-too-large", [3, 8, 8, 3], 'type = "avg_pool", kernel_size = 4, padding = 1'),
    ("nothing-left", [3, 1, 1], 'type = "conv_transpose", out_channels = 4, kernel_size = 2, padding = 2'),
    ("nothing-left", [3, 4], 'type = "pad", padding = -3'),
    ("no-elements", [3, 1, 1], 'type = "conv_transpose", out_channels = 4, kernel_size = 2, padding = 1'),
    ("no-elements", [3, 4], 'type = "upsample", scale_factor = 0.1'),
    ("padding-over-half", [3, 8], 'type = "max_pool", kernel_size = 3, padding = 2'),
    ("padding-exceeds-side", [3, 3], 'type = "pad", padding = 3, mode = "reflect"'),
    ("padding-exceeds-side", [3, 3], 'type = "conv", out_channels = 4, kernel_size = 1, padding = 4, padding_mode = "circular"'),
    ("same-needs-stride-1", [3, 8], 'type = "conv", out_channels = 4, kernel_size = 3, padding = "same", stride = 2'),
    ("output-padding-too-large", [3, 8], 'type = "conv_transpose", out_channels = 4, kernel_size = 3, output_padding = 1'),
    ("groups-do-not-divide", [3, 8], 'type = "conv", out_channels = 4, kernel_size = 3, groups = 2'),
    ("groups-do-not-divide", [3, 8], 'type = "group_norm", num_groups = 2'),
    ("groups-do-not-divide", [3, 8], 'type = "channel_shuffle", groups = 2'),
    ("too-many-axes", [3, 4, 4, 4, 4], 'type = "max_pool", kernel_size = 2'),
    ("needs-more-axes", [3, 8], 'type = "avg_pool", kernel_size = 2, divisor_override = 3'),
    ("axes-differ", [3, 8, 8], 'type = "max_pool", kernel_size = [2, 2, 2]'),
    ("mode-needs-axes", [3, 8], 'type = "upsample", size = 4, mode = "bilinear"'),
    ("axes-reversed", [3, 8], 'type = "flatten", start_dim = 2, end_dim = 1'),
    ("elements-differ", [3, 8], 'type = "reshape", shape = [5, 5]'),
    ("elements-differ", [3, 8], 'type = "reshape", shape = [5, -1]'),
    ("not-divisible", [3, 8], "glu, dim = 1"),
    ("not-divisible", [3, 8, 8], 'type = "pixel_shuffle", upscale_factor = 2'),
    ("slopes-differ", [3, 8], 'type = "prelu", num_parameters = 2'),
    ("one-value", [3, 1], "instance_norm"),
    ("one-value", [3], 'type = "batch_norm", track_running_stats = false'),
    ("declared-differs", [3, 8], 'type = "conv", in_channels = 4, out_channels = 4, kernel_size = 3'),
    ("declared-differs", [8], 'type = "linear", in_features = 9, out_features = 4'),
]  # fmt: skip


# AttributeError: torch.nn has no MaxPool4d; TypeError: AvgPool1d takes no divisor_override.
TORCHS_ERRORS = {
    *("RuntimeError", "ValueError", "NotImplementedError", "AssertionError", "IndexError"),
    *("AttributeError", "TypeError"),
}


@pytest.mark.parametrize(("code", "shape", "layer"), REFUSED, ids=lambda value: str(value)[:60])
def test_torch_refuses_too(code, shape, layer):
    net = net_of(shape, layer.replace("glu,", 'type = "glu",'), "relu")
    assert code in {problem.code for problem in net.check().problems}
    refused, behind = (found := cnnshape.verify(net, "cpu")).layers
    assert (refused.verdict, behind.verdict) == ("refuses", "not run")
    assert refused.message.partition(":")[0] in TORCHS_ERRORS
    assert refused.output is None
    assert behind.reason
    assert found.ok  # torch contradicts nothing


def test_torch_refuses_joins_too():
    net = cnnshape.loads("""
inputs = { a = [3, 8], b = [3, 9] }
outputs = ["x", "y", "z"]
layers = [
  { name = "x", type = "add", from = ["a", "b"] },
  { name = "pool", type = "max_pool", kernel_size = 2, from = "a" },
  { name = "y", type = "max_unpool", indices = "pool", from = "b" },
  { name = "z", type = "concat", from = ["a", "b"] },
]
""")
    assert verdicts(net) == ["refuses", "agrees", "refuses", "refuses"]


STRICTER = [
    ("no-space", [8], 'type = "max_pool", kernel_size = 2'),
    ("too-few-axes", [4, 8], 'type = "pixel_shuffle", upscale_factor = 2'),
    ("no-elements", [3, 4], 'type = "pad", padding = -2'),
    ("slice-out-of-range", [3, 8], 'type = "slice", stop = 4'),
    ("say-over", [3, 8], "layer_norm"),
    ("no-such-axis", [3, 8], 'type = "softmax", dim = -3'),
    ("declared-differs", [3, 8], 'type = "batch_norm", num_features = 4, affine = false, track_running_stats = false'),
]


@pytest.mark.parametrize(("code", "shape", "layer"), STRICTER, ids=lambda value: str(value)[:60])
def test_a_condition_of_ours_is_no_disagreement(code, shape, layer):
    net = net_of(shape, layer)
    assert {problem.code for problem in net.check().problems} == {code}
    found = cnnshape.verify(net, "cpu")
    assert found.ok
    assert found.layers[0].verdict == ("refuses" if code == "too-few-axes" else "stricter")


def test_a_layer_that_is_not_known_is_not_run():
    text = 'input = [3, 8]\nlayers = [{type = "max_pool", kernel_size = 9}, "flatten", {type = "linear", out_features = 5}]'
    net = cnnshape.loads(text)
    assert verdicts(net) == ["refuses", "not run", "not run"]
    assert verdicts(net, input=(3, 20)) == ["agrees", "agrees", "agrees"]  # in_features is inferred there


# An engine with a bug


def disagreement(net, device="cpu"):
    """The one problem that a cross-check finds."""
    found = cnnshape.verify(net, device)
    assert not found.ok
    (problem,) = found.problems
    assert isinstance(problem, Disagreement)
    assert problem.severity == "error"
    (layer,) = (layer for layer in found.layers if layer.verdict == "disagrees")
    assert layer.name == problem.layer
    return problem


CONV = 'name = "first", type = "conv", out_channels = 4, kernel_size = 3, stride = 2, padding = 1'


def test_wrong_side_is_found(monkeypatch, capsys):
    right = Conv.side
    monkeypatch.setattr(Conv, "side", lambda self, w, require, **axis: right(self, w, require, **axis) + 1)
    net = net_of([3, 9, 8], "relu", CONV, "relu")
    problem = disagreement(net)
    assert verdicts(net) == ["agrees", "disagrees", "not run"]
    assert (problem.line, problem.layer) == (4, "first")
    assert problem.facts["ours"] == "4 x 6 x 5 with 112 parameters"
    assert problem.facts["torch"] == "4 x 5 x 4 with 112 parameters"
    assert problem.facts["case"] in problem.message
    exec(problem.facts["case"], {})
    assert capsys.readouterr().out == "112 parameters\n(4, 5, 4)\n"


def test_wrong_number_of_parameters_is_found(monkeypatch, capsys):
    monkeypatch.setattr(Conv, "biases", lambda self: 0)
    net = net_of([3, 9, 8], CONV, "relu")
    problem = disagreement(net)
    assert problem.facts["ours"] == "4 x 5 x 4 with 108 parameters"
    assert verdicts(net) == ["disagrees", "agrees"]  # the shape is right: what follows can be asked
    exec(problem.facts["case"], {})
    assert capsys.readouterr().out.startswith("112 parameters\n")


def test_refusing_what_torch_takes_is_found(monkeypatch, capsys):
    def side(self, w, require, **axis):
        require(w != 9, "window-too-large", side=w, extent=2, padding=0)
        require(w != 8, "slice-out-of-range", length=w, start=0, stop=9)  # which torch need not refuse

    monkeypatch.setattr(MaxPool, "side", side)
    problem = disagreement(net_of([3, 9, 8], 'type = "max_pool", kernel_size = 2', "relu"))
    assert problem.facts["ours"].startswith("it fails (a window of 2 does not fit a side of 9")
    assert "; " in problem.facts["ours"]
    assert problem.facts["torch"] == "3 x 4 x 4 with 0 parameters"
    exec(problem.facts["case"], {})
    assert capsys.readouterr().out.endswith("(3, 4, 4)\n")


def test_taking_what_torch_refuses_is_found(monkeypatch):
    monkeypatch.setattr(Conv, "side", lambda self, w, require, **axis: w)
    problem = disagreement(net_of([3, 2, 2], 'type = "conv", out_channels = 4, kernel_size = 3', "relu"))
    assert problem.facts["ours"] == "4 x 2 x 2 with 112 parameters"
    assert problem.facts["torch"].startswith("it fails (RuntimeError: ")
    with pytest.raises(RuntimeError, match="Kernel size"):
        exec(problem.facts["case"], {})


def test_taking_what_a_constructor_of_torch_refuses_is_found(monkeypatch):
    monkeypatch.setattr(Conv, "depth", lambda self, c, require: self.out_channels)
    layer = 'type = "conv", out_channels = 4, kernel_size = 3, groups = 3'
    problem = disagreement(net_of([6, 5, 5], layer))
    with pytest.raises(ValueError, match="divisible by groups"):
        exec(problem.facts["case"], {})


def test_wrong_join_is_found(monkeypatch, capsys):
    monkeypatch.setattr(Concat, "output", lambda self, require, *inputs: inputs[0])
    net = cnnshape.loads(
        'input = [3, 5]\nlayout = "channels_last"\nlayers = [{type = "concat", from = ["input", "input"]}]'
    )
    problem = disagreement(net)
    assert problem.facts["ours"] == "3 x 5 with 0 parameters"  # as the file writes shapes
    assert problem.facts["torch"] == "3 x 10 with 0 parameters"
    exec(problem.facts["case"], {})
    assert capsys.readouterr().out == "(10, 3)\n"


def test_a_bug_in_what_a_layer_is_in_torch_is_found(monkeypatch):
    monkeypatch.setattr(Layer, "call", lambda self, torch, module, *tensors: tensors[0].no_such_thing + tensors[7])
    problem = disagreement(net_of([3, 9], "relu"))
    assert "AttributeError" in problem.facts["torch"]
    assert problem.facts["case"].startswith("ReLU() on ((3, 9),)")


def test_a_block_used_twice_has_its_bug_twice(monkeypatch):
    monkeypatch.setattr(Linear, "biases", lambda self: 0)
    net = cnnshape.loads("""
input = [5]
layers = [{ block = "b" }, { block = "b" }]
[blocks.b]
layers = [{ type = "linear", out_features = 5 }]
""")
    first, second = cnnshape.verify(net).problems
    assert first.used_at != second.used_at
    assert first.place == second.place


# The meta device


def test_layers_that_are_alike_run_once(monkeypatch):
    runs = []
    run_layer = crosscheck.run_layer
    monkeypatch.setattr(crosscheck, "run_layer", lambda *given: runs.append(given[0].type) or run_layer(*given))
    kernel = '{ type = "conv", out_channels = 8, kernel_size = 3, padding = 1, repeat = 5 }'
    turned = '{ type = "permute", dims = [3, 1, 2] }, { type = "permute", dims = [2, 3, 1] }'
    net = cnnshape.loads(f"input = [8, 9, 9]\nlayers = [{kernel}, {turned}, {kernel}, {turned}]")
    verification = cnnshape.verify(net, "cpu")
    assert [layer.verdict for layer in verification.layers] == ["agrees"] * 14
    assert runs == ["conv", "permute", "permute"], "the second time all lie in memory as they did"


def test_the_same_layer_runs_again_on_tensors_that_lie_otherwise(monkeypatch):
    runs = []
    run_layer = crosscheck.run_layer
    monkeypatch.setattr(crosscheck, "run_layer", lambda *given: runs.append(given[0].type) or run_layer(*given))
    pool = '{ type = "avg_pool", kernel_size = 2 }'
    net = cnnshape.loads(
        f'input = [4, 4, 4]\nlayers = [{pool}, {{ type = "permute", dims = [2, 3, 1], from = "input" }}, {pool}]'
    )
    assert cnnshape.verify(net, "cpu").ok
    assert runs == ["avg_pool", "permute", "avg_pool"]


def test_meta_finds_a_wrong_side(monkeypatch):
    right = Conv.side
    monkeypatch.setattr(Conv, "side", lambda self, w, require, **axis: right(self, w, require, **axis) + 1)
    problem = disagreement(net_of([3, 9, 8], CONV), "meta")
    assert 'torch.set_default_device("meta")' in problem.facts["case"]


def test_meta_does_not_judge_refusals():
    net = net_of([3, 8], 'type = "conv_transpose", out_channels = 4, kernel_size = 3, output_padding = 1')
    assert verdicts(net, "cpu") == ["refuses"]
    (layer,) = (found := cnnshape.verify(net, "meta")).layers
    assert layer.verdict == "skipped"
    assert "meta" in layer.reason
    assert found.ok


def test_meta_takes_what_no_memory_holds():
    net = net_of([3, 1_000_000, 1_000_000], 'type = "conv", out_channels = 64, kernel_size = 3', "relu")
    assert verdicts(net, "meta") == ["agrees", "agrees"]


# Whose process it is


def test_nothing_global_changes():
    def state():
        return (
            torch.get_rng_state().tolist(),
            torch.get_default_dtype(),
            torch.get_default_device(),
            torch.get_num_threads(),
            torch.is_grad_enabled(),
            torch.is_inference_mode_enabled(),
            (torch.tensor(1e-310, dtype=torch.float64) / 2).item() > 0,  # denormals are not flushed
            torch.nn.Linear.reset_parameters,
            list(warnings.filters),
        )

    torch.set_default_dtype(torch.float64)
    try:
        before = state()
        for text in NETS.values():
            assert set(verdicts(cnnshape.loads(text))) == {"agrees"}
        assert state() == before
    finally:
        torch.set_default_dtype(torch.float32)


def test_another_default_device_is_left_alone():
    torch.set_default_device("meta")
    try:
        assert set(verdicts(cnnshape.loads(NETS["shares"]), "cpu")) == {"agrees"}
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


def test_warnings_of_torch_are_no_refusals():
    net = net_of([3, 8], 'type = "conv", out_channels = 4, kernel_size = 4, padding = "same"')  # torch warns of a copy
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verdicts(net, "cpu") == ["agrees"]


# Devices


def test_auto_is_the_best_device_there(monkeypatch):
    net = net_of([3], "relu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert cnnshape.verify(net).device == "cpu"
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert crosscheck._device("auto") == "mps"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert crosscheck._device("auto") == "cuda"


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    net = net_of([3], "relu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="no cuda device"):
        cnnshape.verify(net, "cuda")
    with pytest.raises(ValueError, match="'tpu': it is auto, cuda, mps, cpu, meta"):
        cnnshape.verify(net, "tpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_torch_agrees_on_cuda():
    for name, text in NETS.items():
        found = cnnshape.verify(cnnshape.loads(text), "auto")
        assert {layer.verdict for layer in found.layers} == {"agrees"}, (name, found)
        assert found.device == "cuda"
    for code, shape, layer in REFUSED:
        net = net_of(shape, layer.replace("glu,", 'type = "glu",'))
        expected = {"refuses", "stricter"} if code == "no-elements" else {"refuses"}  # cuda may give an empty tensor
        assert set(verdicts(net, "cuda")) <= expected, (code, layer)
    too_large = net_of([3, 1_000_000, 1_000_000], 'type = "conv", out_channels = 64, kernel_size = 3', "relu")
    assert verdicts(too_large, "cuda") == ["skipped", "not run"]


def test_torch_is_not_asked_about_windows_that_it_cannot_count():
    """Its max_pool goes round: of a kernel of 5 with dilation 2147483647 and stride 2 it makes 11 windows on 18 cells."""
    one = 'type = "max_pool", kernel_size = 5, dilation = 2147483647, stride = 2'
    net = net_of([1, 18], one)
    assert [problem.code for problem in net.check().problems] == ["window-too-wide"]
    (layer,) = cnnshape.verify(net, "cpu").layers
    assert (layer.verdict, layer.output) == ("skipped", None)
    assert torch.nn.MaxPool1d(5, 2, dilation=2147483647)(torch.zeros(1, 1, 18)).shape[2] == 11
