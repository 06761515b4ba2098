"""`cnnshape fit`: tensors of torch's own state_dict() against files, and the values that it says would fit."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("torch")

import torch
from helpers.cli import run, write
from helpers.paths import ARCHITECTURES
from torch import nn

import cnnshape
from cnnshape.checkpoint.fit import fit as compared
from cnnshape.checkpoint.read import read
from cnnshape.convert.imported import imported

NET = """
input = [3, 32, 32]
constants = { classes = 10 }

[blocks.stage]
arguments = ["width"]
defaults = { depth = 2 }
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 3, padding = 1, bias = false },
  { name = "bn", type = "batch_norm" },
  "relu",
  { name = "more", type = "conv", out_channels = "2 * width", kernel_size = 3, padding = 1, repeat = "depth - 1" },
]

[[layers]]
name = "stem"
type = "conv"
out_channels = 16
kernel_size = 7
padding = 3

[[layers]]
name = "body"
block = "stage"
width = 32

[[layers]]
type = "global_avg_pool"

[[layers]]
type = "flatten"

[[layers]]
name = "fc"
type = "linear"
out_features = "classes"
"""


def model(  # noqa: PLR0913 -- all that the file says
    *, stem=16, kernel=7, width=32, copies=1, classes=10, stem_bias=True, norm=True
):
    norms = {"bn": nn.BatchNorm2d(width)} if norm else {}
    more = [nn.Conv2d(2 * width if n else width, 2 * width, 3) for n in range(copies)]
    body = {"conv": nn.Conv2d(stem, width, 3, bias=False), **norms, "more": nn.ModuleList(more)}
    return nn.ModuleDict({
        "stem": nn.Conv2d(3, stem, kernel, bias=stem_bias),
        "body": nn.ModuleDict(body),
        "fc": nn.Linear(2 * width, classes),
    })  # fmt: skip


def state(**how):
    return model(**how).state_dict()


@pytest.fixture
def fit(tmp_path):
    def fits(content, text=NET):
        torch.save(content, tmp_path / "c.pt")
        status, output = run("fit", write(tmp_path, text), tmp_path / "c.pt", "--format", "json")
        return status, json.loads(output)

    return fits


def prefixed(prefix, tensors):
    return {prefix + name: tensor for name, tensor in tensors.items()}


def names(found, kind):
    return {entry["name"] for entry in found[kind]}


def test_it_fits_the_tensors_of_the_model(fit):
    status, found = fit(state())
    assert (status, found["ok"], found["tensors"]) == (0, True, len(state()))
    assert not found["missing"] + found["unexpected"] + found["different"] + found["values"]


@pytest.mark.parametrize(
    ("content", "table", "prefix"),
    [
        (prefixed("module.", state()), "", "module."),
        (prefixed("_orig_mod.", state()), "", "_orig_mod."),
        (prefixed("module._orig_mod.", state()), "", "module._orig_mod."),
        ({"epoch": 3, "state_dict": prefixed("model.", state())}, "state_dict", "model."),
        ({"model": state(), "ema": state()}, "model", ""),
        ({"ema": {"module": state()}}, "ema.module", ""),
        ({"params_ema": state(), "params": state()}, "params", ""),
        ({**prefixed("model.", state()), **prefixed("model_ema.", state())}, "", "model."),
        ({"n_averaged": torch.tensor(3), **prefixed("module.", state())}, "", "module."),
    ],
    ids=range(9),
)
def test_tables_and_prefixes_are_found_and_said(fit, content, table, prefix):
    status, found = fit(content)
    assert (status, found["table"], found["prefix"]) == (0, table, prefix)


def test_a_wrapper_within_names_is_passed_over(fit):
    tensors = {name.replace("body.", "body._orig_mod."): tensor for name, tensor in state().items()}
    status, found = fit(tensors)
    assert (status, found["unwrapped"]) == (0, "_orig_mod")


def test_other_tables_that_fit_are_named(fit):
    assert fit({"model": state(), "ema": state()})[1]["fits_as_well"] == ["ema"]


def test_old_checkpoints_have_no_counters(fit):
    assert fit({name: tensor for name, tensor in state().items() if "num_batches" not in name})[0] == 0


def test_what_is_missing_and_what_is_unexpected(fit):
    tensors = state()
    del tensors["body.bn.running_var"]
    tensors["head.weight"] = torch.zeros(2, 2)
    status, found = fit(tensors)
    assert status == 1
    assert (names(found, "missing"), names(found, "unexpected")) == ({"body.bn.running_var"}, {"head.weight"})
    assert found["missing"][0]["layer"] == "body.bn"
    assert found["unexpected"][0] == {
        "name": "head.weight", "layer": None, "file_shape": None, "checkpoint_shape": [2, 2],
    }  # fmt: skip


def test_tensors_outside_the_prefix_are_unexpected(fit):
    status, found = fit({**prefixed("backbone.", state()), "head.weight": torch.zeros(3)})
    assert (status, names(found, "unexpected")) == (1, {"head.weight"})


CHANGES = [
    ({"stem": 24}, ["out_channels = 24"]),
    ({"kernel": 5}, ["kernel_size = 5"]),
    ({"stem_bias": False}, ["bias = false"]),
    ({"width": 48}, ["width = 48"]),
    ({"classes": 1000}, ["classes = 1000"]),
    ({"copies": 3}, ["depth = 4"]),
    ({"stem": 24, "kernel": 5, "width": 16, "classes": 7, "stem_bias": False},
     ["bias = false", "kernel_size = 5", "out_channels = 24", "width = 16", "classes = 7"]),
]  # fmt: skip


def edited(text, values):
    """The text with the values in their places, as a person would write them: the last first, since lines move."""
    lines = text.split("\n")
    for value in sorted(values, key=lambda value: (value["line"], value["column"]), reverse=True):
        line = lines[value["line"] - 1]
        if value["change"].split(" = ")[0] in line:
            head, tail = line[: value["column"] - 1], line[value["column"] - 1 :]
            lines[value["line"] - 1] = head + re.sub(r"^\d+", value["change"].split(" = ")[1], tail)
        else:
            lines.insert(value["line"], value["change"])
    return "\n".join(lines)


@pytest.mark.parametrize(("change", "values"), CHANGES)
def test_values_are_said_that_make_it_fit(fit, change, values):
    status, found = fit(state(**change))
    assert (status, [value["change"] for value in found["values"]]) == (1, values)
    assert fit(state(**change), edited(NET, found["values"]))[0] == 0, "with the values in their places"


@pytest.mark.parametrize(
    ("layer", "module", "value"),
    [
        ('"conv", out_channels = 8, kernel_size = 3', nn.Conv2d(4, 8, 3, groups=4), "groups = 4"),
        ('"conv", out_channels = 8, kernel_size = 3', nn.Conv2d(4, 8, (3, 5)), "kernel_size = [3, 5]"),
        ('"conv", out_channels = 8, kernel_size = 3, bias = false', nn.Conv2d(4, 8, 3), "bias = true"),
        ('"conv", out_channels = 8, kernel_size = 3, in_channels = 4', nn.Conv2d(6, 8, 3), "in_channels = 6"),
        ('"conv", out_channels = 8, kernel_size = 3',
         nn.utils.parametrizations.weight_norm(nn.Conv2d(4, 8, 3)), 'parametrization = "weight_norm"'),
        ('"conv", out_channels = 8, kernel_size = 3',
         nn.utils.spectral_norm(nn.Conv2d(4, 8, 3)), 'parametrization = "spectral_norm"'),
        ('"batch_norm"', nn.BatchNorm2d(4, affine=False), "affine = false"),
        ('"instance_norm"', nn.InstanceNorm2d(4, affine=True), "affine = true"),
        ('"prelu"', nn.PReLU(4), "num_parameters = 4"),
        ('"layer_norm", over = "all"', nn.LayerNorm([4, 9, 9]), "normalized_shape = [4, 9, 9]"),
        ('"conv_transpose", out_channels = 8, kernel_size = 3', nn.ConvTranspose2d(4, 6, 3), "out_channels = 6"),
    ],
)  # fmt: skip
def test_a_value_of_every_kind(fit, layer, module, value):
    text = f'input = [4, 8, 8]\nlayers = [{{ name = "a", type = {layer} }}]'
    status, found = fit(nn.ModuleDict({"a": module}).state_dict(), text)
    assert (status, [entry["change"] for entry in found["values"]]) == (1, [value])


@pytest.mark.parametrize(
    ("module", "value"),
    [
        (nn.LSTM(4, 6), ["hidden_size = 6"]),
        (nn.LSTM(4, 5, num_layers=2), ["num_layers = 2"]),
        (nn.LSTM(4, 5, bidirectional=True), ["bidirectional = true"]),
        (nn.LSTM(4, 5, bias=False), ["bias = false"]),
    ],
)
def test_a_value_of_a_recurrent_layer(fit, module, value):
    text = 'input = [4, 8]\nlayers = [{ name = "a", type = "lstm", hidden_size = 5, over = 2 }]'
    status, found = fit(nn.ModuleDict({"a": module}).state_dict(), text)
    assert (status, [entry["change"] for entry in found["values"]]) == (1, value)


REPEATS = """
input = [3, 8, 8]
[blocks.two]
defaults = {{ n = 2 }}
layers = [
  {{ name = "{{i}}", type = "conv", out_channels = "in_channels", kernel_size = 1, repeat = {} }},
]
[[layers]]
name = "a"
block = "two"
"""


@pytest.mark.parametrize(
    ("repeat", "change"),
    [("2", "repeat = 4"), ('"n"', "n = 4"), ('"n if n > 1 else 7"', "n = 4"), ('"1 + in_channels // 2"', None)],
)
def test_the_number_of_copies(fit, repeat, change):
    copies = nn.ModuleDict({"a": nn.ModuleList([nn.Conv2d(3, 3, 1) for _ in range(4)])})
    status, found = fit(copies.state_dict(), REPEATS.format(repeat))
    assert (status, [entry["change"] for entry in found["values"]]) == (1, [change] if change else [])


@pytest.mark.parametrize(
    ("bias", "change"),
    [("false", "bias = true"), ('"b"', "b = true"), ('"not c"', "c = false"), ('"k > 3"', 'bias = "k > 3" must give true'),
     ('"b and c"', 'bias = "b and c" must give true'), ('"in_channels > 9"', 'bias = "in_channels > 9" must give true')],
)  # fmt: skip
def test_a_value_that_an_expression_gives(fit, bias, change):
    text = f"""
input = [3, 8, 8]
constants = {{ c = true, k = 3 }}
[blocks.one]
defaults = {{ b = false }}
layers = [{{ name = "x", type = "conv", out_channels = 4, kernel_size = 1, bias = {bias} }}]
[[layers]]
name = "a"
block = "one"
"""
    if bias == '"k > 3"':
        text = text.replace("k = 3", "k = 1")
    tensors = nn.ModuleDict({"a": nn.ModuleDict({"x": nn.Conv2d(3, 4, 1)})}).state_dict()
    status, found = fit(tensors, text)
    assert (status, [entry["change"] for entry in found["values"]]) == (1, [change])


@pytest.mark.parametrize("block", [False, True])
def test_a_value_that_follows_from_what_enters_is_said_with_its_expression(fit, block):
    step = '{ name = "x", type = "conv", out_channels = "2 * in_channels", kernel_size = 1 }'
    text = f"input = [3, 8, 8]\nlayers = [{step}]"
    conv = nn.ModuleDict({"x": nn.Conv2d(3, 8, 1)})
    if block:
        text = f'input = [3, 8, 8]\nlayers = [{{ name = "a", block = "one" }}]\n[blocks.one]\nlayers = [{step}]'
        conv = nn.ModuleDict({"a": conv})
    status, found = fit(conv.state_dict(), text)
    changes = [entry["change"] for entry in found["values"]]
    assert (status, changes) == (1, ['out_channels = "2 * in_channels" must give 8'])


def test_layers_behind_a_refusal_are_passed_over(fit):
    text = (
        'input = [3, 2, 2]\nlayers = [{ name = "a", type = "conv", out_channels = 3, kernel_size = 5 }, "relu", "relu"]'
    )
    status, found = fit(nn.ModuleDict({"a": nn.Conv2d(3, 6, 5)}).state_dict(), text)
    assert (status, [entry["change"] for entry in found["values"]]) == (1, ["out_channels = 6"])


def test_what_no_value_mends_has_none(fit):
    text = 'input = [4, 8, 8]\nlayers = [{ name = "a", type = "conv", out_channels = 8, kernel_size = 3 }]'
    status, found = fit(nn.ModuleDict({"a": nn.MultiheadAttention(4, 2)}).state_dict(), text)
    assert (status, found["values"]) == (1, [])


TIED = """
input = [3, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 3, kernel_size = 3, padding = 1 },
  { name = "b", shares = "a" },
  { name = "c", type = "conv_transpose", out_channels = 3, kernel_size = 3, shares_weight = "a" },
]
"""


@pytest.mark.parametrize("both", [False, True])
def test_shared_weights_stand_once_or_twice(fit, both):
    conv, transposed = nn.Conv2d(3, 3, 3), nn.ConvTranspose2d(3, 3, 3)
    tensors = nn.ModuleDict({"a": conv, "b": conv, "c": transposed}).state_dict()
    if not both:
        tensors = {name: tensor for name, tensor in tensors.items() if name in {"b.weight", "b.bias", "c.bias"}}
    assert fit(tensors, TIED)[0] == 0


def test_a_shared_weight_of_another_shape_is_different(fit):
    tensors = nn.ModuleDict({"a": nn.Conv2d(3, 3, 3), "b": nn.Conv2d(3, 3, 3)}).state_dict()
    tensors["b.weight"] = torch.zeros(1)
    assert names(fit(tensors, TIED)[1], "different") == {"b.weight"}


@pytest.mark.parametrize("shape", [(3,), (3, 1, 1)])
@pytest.mark.parametrize("name", ["gamma", "gamma.weight", "gamma.scale", "gamma.gamma"])
def test_a_learned_factor_may_be_a_parameter_of_the_block(fit, name, shape):
    text = 'input = [3, 8, 8]\nlayers = [{ name = "gamma", type = "scale" }]'
    assert fit({name: torch.zeros(shape)}, text)[0] == 0
    assert fit({name: torch.zeros(4)}, text)[0] == 1


def test_names_that_a_module_cannot_have(fit):
    text = 'input = [3, 8, 8]\nlayers = [{ name = "half", type = "conv", out_channels = 3, kernel_size = 3 }]'
    for name in ("half", "half_"):
        assert fit(prefixed(f"{name}.", nn.Conv2d(3, 3, 3).state_dict()), text)[0] == 0


def test_other_names_in_the_same_order_are_said(fit):
    tensors = {f"{number}": tensor for number, tensor in enumerate(state().values())}
    status, found = fit(tensors)
    assert (status, found["same_order"]) == (1, True)
    assert found["prefix"] == ""
    assert next(iter(found["other_names"].items())) == ("stem", "0")
    same = fit(state())[1]
    assert (same["same_order"], same["other_names"]) == (False, {})


def test_other_names_are_said_layer_by_layer(fit, tmp_path):
    """Not a word of the tensors one by one; with counters or without, as older checkpoints have none."""
    for counters in (True, False):
        tensors = {name.replace("stem.", "first.conv."): tensor for name, tensor in state().items()
                   if counters or not name.endswith("num_batches_tracked")}  # fmt: skip
        status, found = fit(tensors)
        assert (status, found["other_names"]) == (1, {"stem": "first.conv"})
    torch.save(tensors, tmp_path / "c.pt")
    output = run("fit", write(tmp_path, NET), tmp_path / "c.pt")[1]
    assert "by other names\n  first.conv: stem in the file\n" in output
    assert "missing in the checkpoint" not in output


def test_the_table_says_all_of_it(tmp_path):
    content = {"state_dict": prefixed("model.", {**state(stem=24, stem_bias=False), "x._orig_mod.y": torch.zeros(1)})}
    torch.save(content, tmp_path / "c.pt")
    status, output = run("fit", write(tmp_path, NET), tmp_path / "c.pt")
    assert status == 1
    for words in (
        "state_dict: load checkpoint['state_dict']", "model. stands before every name",
        "model.stem.weight: 16 x 3 x 7 x 7 in the file, 24 x 3 x 7 x 7 in the checkpoint",
        "net.toml:18:16: out_channels = 24 (layer stem)", "model.stem.bias: 16",
        "does not fit", "2 different, 1 missing, 1 unexpected", "model.x._orig_mod.y: 1",
    ):  # fmt: skip
        assert words in output, output


def test_the_table_of_one_that_fits(tmp_path):
    content = {"model": {**prefixed("module.", state()), "n_averaged": torch.tensor(1)}, "ema": state()}
    torch.save(content, tmp_path / "c.pt")
    status, output = run("fit", write(tmp_path, NET), tmp_path / "c.pt")
    assert status == 0
    for words in (f"{len(state())} tensors of the net are there", "as well at ema", "n_averaged", "c.pt fits"):
        assert words in output, output


def test_what_cannot_be_used(tmp_path):
    (tmp_path / "c.pt").write_bytes(b"\x80\x02cos\nsystem\n.")
    status, output = run("fit", write(tmp_path, NET), tmp_path / "c.pt")
    assert status == 2
    assert "os.system" in output
    torch.save(state(), tmp_path / "c.pt")
    assert run("fit", write(tmp_path, "input = [1]"), tmp_path / "c.pt")[0] == 2
    unknown = (
        'input = [3, 2, 2]\nlayers = [{ name = "a", type = "conv", out_channels = 3, kernel_size = 5 }, "flatten",'
    )
    status, output = run(
        "fit", write(tmp_path, f'{unknown} {{ type = "linear", out_features = 3 }}]'), tmp_path / "c.pt"
    )
    assert status == 2
    assert "not known" in output


@pytest.mark.parametrize("name", ["resnet18", "unet"])
def test_a_network_of_the_zoo_does_not_fit_nothing_of_its_own(tmp_path, name):
    torch.save({"w": torch.zeros(1)}, tmp_path / "c.pt")
    assert run("fit", ARCHITECTURES / f"{name}.toml", tmp_path / "c.pt")[0] == 1
    assert Path(tmp_path / "c.pt").exists()


def test_a_live_model_is_held_to_a_checkpoint(own_folder):
    code = "from torch import nn\n\n\ndef net():\n    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 5, 3))\n"
    torch.save(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 6, 3)).state_dict(), own_folder / "c.pt")
    target = f"{write(own_folder, code, 'nets.py')}:net"
    status, output = run("fit", target, own_folder / "c.pt", "--input", "3x8x8")
    assert status == 1
    assert "nets.py:5: out_channels = 6 (layer 1)" in output
    assert "in the model, 6 x 4 x 3 x 3 in the checkpoint" in output
    assert "file" not in output


MADE = """from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.more = nn.ModuleList(nn.Conv2d(4, 4, 1) for _ in range(2))

    def forward(self, x):
        x = self.conv(x)
        return self.more[1](self.more[0](x))
"""


def test_a_value_of_a_live_model_stands_where_its_layer_is_made(own_folder):
    state = nn.ModuleDict({"conv": nn.Conv2d(3, 5, 3), "more": nn.ModuleList([nn.Conv2d(5, 6, 1), nn.Conv2d(6, 4, 1)])})
    torch.save(state.state_dict() | {"extra": torch.zeros(2)}, own_folder / "c.pt")
    status, output = run("fit", f"{write(own_folder, MADE, 'nets.py')}:Net", own_folder / "c.pt", "--input", "3x8x8")
    assert status == 1
    assert "nets.py:7: out_channels = 5 (layer conv)" in output  # of the constructor
    assert "nets.py:8: out_channels = 6 (layer more.0)" in output  # in a comprehension, too
    assert "not in the model\n  extra: 2" in output


def test_tensors_by_other_names_are_none_of_an_opaque_layer(tmp_path):
    """The prefix m. is there by chance, and given up: nothing behind it is on trust."""
    text = """allow = ["unused-in-model"]
    input = [3, 8, 8]
    layers = [
      { name = "a", type = "conv", out_channels = 4, kernel_size = 3 },
      { name = "b", type = "conv", out_channels = 4, kernel_size = 1 },
      { name = "c", type = "conv", out_channels = 4, kernel_size = 1 },
      { name = "o", type = "opaque", out_shape = [4, 6, 6], num_parameters = 3 },
    ]"""
    convs = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1), nn.Conv2d(4, 4, 1)
    state = {f"m.{i}.{end}": value for i, conv in enumerate(convs) for end, value in conv.state_dict().items()}
    named = {"m.b.bias" if name == "m.1.bias" else name: value for name, value in state.items()}
    torch.save(named, tmp_path / "c.pt")
    found = compared(cnnshape.loads(text), read(str(tmp_path / "c.pt")))
    assert found.same_order
    assert found.trusted == ()


class Mixer(nn.Module):
    """A part that no layer type says, by a class with tensors of its own and a buffer."""

    def __init__(self):
        super().__init__()
        self.inner = nn.Bilinear(8, 8, 8)
        self.register_buffer("phase", torch.ones(3))

    def forward(self, x):
        return self.inner(x, x) * self.phase.sum()


class Stated(nn.Module):
    """All kinds of tensors of which a file states how many numbers they are: of modules, functions, products, constants."""

    def __init__(self):
        super().__init__()
        self.first, self.mixer, self.last = nn.Linear(8, 8), Mixer(), nn.Linear(8, 2)
        self.one, self.two, self.matrix = (nn.Parameter(torch.ones(8)) for _ in range(3))
        self.register_buffer("mean", torch.ones(1, 8))
        self.words = nn.Embedding(5, 8)

    def forward(self, x):
        x = self.mixer(self.first(x) - self.mean) + self.one * self.two
        x = x + torch.fft.rfft(x, dim=1).abs().sum(1, keepdim=True) * self.matrix
        return self.last(x + self.words.weight.mean(0))


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_model_whose_file_states_numbers_fits_its_own_tensors(fit, prefix):
    made = imported(Stated(), (8,), "Stated")
    assert made.differences == ()
    status, found = fit(prefixed(prefix, Stated().state_dict()), made.text)
    assert (status, found["missing"], found["unexpected"], found["different"]) == (0, [], [], [])
    assert {name for one in found["trusted"] for name in one["tensors"]} >= {"mixer.inner.weight", "mean"}


OPAQUE = """input = [8]
layers = [
  { name = "first", type = "linear", out_features = 8 },
  { name = "part", type = "opaque", out_shape = "keep", num_parameters = 70 },
]
"""


def test_a_function_at_the_root_leaves_inner_ones_their_tensors(fit):
    more = '  { name = "mul", type = "opaque", out_shape = "keep", num_parameters = 8 },\n  { name = "part"'
    text = OPAQUE.replace('  { name = "part"', more).replace('"part"', '"block.mix"')
    first = {"first.weight": torch.ones(8, 8), "first.bias": torch.ones(8)}
    tensors = {**first, "gain": torch.ones(8), "block.w": torch.ones(70)}
    assert fit(tensors, text)[0] == 0
    assert fit(tensors, 'allow = ["unused-in-model"]\n' + text)[0] == 0


def test_a_table_without_the_tensors_of_an_opaque_layer_is_none_that_fits(fit):
    first = {"first.weight": torch.ones(8, 8), "first.bias": torch.ones(8)}
    status, found = fit({"a": {**first, "part.w": torch.ones(70)}, "b": first}, OPAQUE)
    assert (status, found["fits_as_well"]) == (0, [])


def test_tensors_of_averages_are_none_of_a_function_at_the_root(fit):
    first = {"first.weight": torch.ones(8, 8), "first.bias": torch.ones(8)}
    text = OPAQUE.replace('"part"', '"mul"').replace("70", "8")
    assert fit({**first, "gain": torch.ones(8), "ema_first.weight": torch.ones(8, 8)}, text)[0] == 0


def test_numbers_that_an_opaque_layer_lacks_are_missing(fit):
    first = {"first.weight": torch.ones(8, 8), "first.bias": torch.ones(8)}
    status, found = fit(first, OPAQUE)
    assert (status, names(found, "missing")) == (1, {"part"})
    assert found["missing"][0]["file_shape"] == [70]
    status, found = fit({**first, "part.weight": torch.ones(60)}, OPAQUE)
    assert (status, found["different"][0]["checkpoint_shape"]) == (1, [60])
    status, found = fit({**first, "part.weight": torch.ones(60), "part.b.c": torch.ones(5, 2)}, OPAQUE)
    assert status == 0
    status, found = fit({**first, "part.weight": torch.ones(70), "other": torch.ones(5)}, OPAQUE)
    assert (status, names(found, "unexpected")) == (1, {"other"})


def test_tensors_of_an_opaque_function_are_all_that_its_module_has_besides(fit):
    text = OPAQUE.replace('"part"', '"block.mix"').replace('"first"', '"block.first"')
    first = {"block.first.weight": torch.ones(8, 8), "block.first.bias": torch.ones(8)}
    assert fit({**first, "block.w": torch.ones(70)}, text)[0] == 0
    assert fit({**first, "block.w": torch.ones(71)}, text)[0] == 1  # what the rest would be nobody knows
    assert fit({**first, "other.w": torch.ones(70)}, text)[0] == 1
    assert fit({**first, "block.w": torch.ones(71)}, 'allow = ["unused-in-model"]\n' + text)[0] == 0


def test_tensors_that_the_model_does_not_use_are_beside_where_the_file_says_so(fit):
    head = {"aux.weight": torch.ones(3, 3)}
    assert fit(state() | head)[0] == 1
    status, found = fit(state() | head, 'allow = ["unused-in-model"]\n' + NET)
    assert (status, found["beside"]) == (0, ["aux.weight"])
    status, found = fit(state() | {"fc.gain": torch.ones(3)}, 'allow = ["unused-in-model"]\n' + NET)
    assert (status, names(found, "unexpected")) == (1, {"fc.gain"})


def test_the_table_says_what_is_taken_on_trust(tmp_path):
    tensors = {"first.weight": torch.ones(8, 8), "first.bias": torch.ones(8), "part.w": torch.ones(72)}
    torch.save(tensors, tmp_path / "c.pt")
    status, output = run("fit", write(tmp_path, OPAQUE), tmp_path / "c.pt")
    assert status == 0
    assert "part: 70 numbers in the file, 1 tensor of 72 there" in output
