"""The JSON Schema accepts what the reader accepts, and nothing that is misspelt; what is generated is current."""

import copy
import tomllib
from functools import cache
from random import Random

import pytest
from click.testing import CliRunner
from helpers.paths import ROOT
from helpers.texts import lines
from hypothesis import event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from cnnshape.assemble.network import assemble
from cnnshape.cli import main
from cnnshape.file.reader import read, read_text
from cnnshape.file.schema import schema
from cnnshape.layers import TYPES

ZOO = ROOT / "architectures"
SCHEMA = Draft202012Validator(schema())


def wrong(data):
    """What the schema has against a file, nothing where it is valid."""
    return best_match(SCHEMA.iter_errors(data))


def test_it_is_a_schema():
    Draft202012Validator.check_schema(schema())


# What is right

EVERYTHING = """
name = "everything"
source = "nowhere"
layout = "channels_last"
include = []
inputs = { left = ["side", "side", 3], right = ["side", 32, 3] }
outputs = ["last", "pair"]
allow = "unused-result"
constants = { side = "2 * 16", wide = true, classes = 10 }
layer_defaults.conv = { bias = false, kernel_size = 3 }
layer_defaults.max_pool = { kernel_size = [2, "1 + 1"] }

layers = [
  { name = "a", type = "conv", from = "left", out_channels = 8, padding = "same", expect = [32, "side", 8] },
  "relu",
  "max_pool",
  { name = "b", type = "conv", shares = "a", from = ["right"] },
  { name = "c", shares = "a", from = "right", when = "wide" },
  { name = "use", block = "unit", from = "b", width = "in_channels", act = "gelu", stride = 2, deep = true },
  { name = "again", block = "unit", shares = "use", from = "c" },
  { name = "rows", block = "unit", from = "use", width = 8, repeat = "1 + 1", allow = ["unused-result"] },
  { name = "pair", type = "concat", from = ["rows.*.in", "rows"] },
  { name = "up", type = "upsample", like = "left", mode = "bilinear", align_corners = true },
  { name = "pad", type = "pad", padding = [[1, 2], 0], channels = [0, 1] },
  { name = "norm", type = "layer_norm", over = "channels" },
  { name = "pool", type = "adaptive_avg_pool", output_size = [2, "keep"] },
  { name = "flat", type = "reshape", shape = [-1] },
  { name = "last", type = "linear", out_features = "classes" },
]

[blocks.unit]
arguments = ["width"]
defaults = { stride = 1, deep = false, other = "in_channels" }
words = { act = "relu", fill = "same" }
layers = [
  { name = "in", type = "conv", out_channels = "width", stride = "stride", padding = 1 },
  { type = "{act}" },
  { name = "{'x' if deep else 'y'}", type = "conv", out_channels = "other", padding = "{fill}", when = "deep" },
  "identity",
]

[claims]
macs = 0
outputs = { last = [10] }
output = [32, 32, 16]
valid_sizes = "every size from 1"

[training]
batch_size = 128
optimizer = { name = "sgd", momentum = 0.9 }
learning_rate = [0.1, 0.01]
""".replace("{'x' if deep else 'y'}", "inner{1 if deep else 2}")


def files():
    return sorted([*ZOO.rglob("*.toml"), *(ROOT / "tests" / "files" / "good").rglob("*.toml")])


def read_well(path):
    """Whether the reader finds nothing wrong; a file of blocks is for others to include, and has no layers."""
    return not [problem for problem in read(path).problems if problem.code != "missing-key"]


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_valid(path, monkeypatch):
    monkeypatch.chdir(ZOO)
    if path.is_relative_to(ZOO) or read_well(path):
        error = wrong(tomllib.loads(path.read_text()))
        assert error is None, f"{error.message} at {error.json_path}"


def test_everything_is_valid():
    problems = [problem for problem in assemble(read_text(EVERYTHING)).problems if problem.severity == "error"]
    assert problems == []
    assert wrong(tomllib.loads(EVERYTHING)) is None


# What is wrong

NET = "input = [3, 8, 8]\n"


@pytest.mark.parametrize(
    "text",
    [
        "layers = [{ type = 'cnov', out_channels = 1, kernel_size = 1 }]",
        "layers = ['rleu']",
        "layers = ['']",
        "layers = [3]",
        "layers = [{ type = 3 }]",
        "layers = [{ type = 'conv', out_chanels = 1, kernel_size = 1 }]",
        "layers = [{ type = 'conv', out_channels = 0, kernel_size = 1 }]",
        "layers = [{ type = 'conv', out_channels = 1.5, kernel_size = 1 }]",
        "layers = [{ type = 'conv', out_channels = [1], kernel_size = 1 }]",
        "layers = [{ type = 'conv', out_channels = true, kernel_size = 1 }]",
        "layers = [{ type = 'conv', out_channels = 1, kernel_size = [0, 1] }]",
        "layers = [{ type = 'conv', out_channels = 1, kernel_size = [] }]",
        "layers = [{ type = 'conv', out_channels = 1, kernel_size = 1, padding = -1 }]",
        "layers = [{ type = 'conv', out_channels = 1, kernel_size = 1, padding_mode = 'mirror' }]",
        "layers = [{ type = 'conv', out_channels = 1, kernel_size = 1, bias = 0 }]",
        "layers = [{ type = 'conv', out_channels = 1, kernel_size = 1, output_padding = 1 }]",
        "layers = [{ type = 'relu', form = 'input' }]",
        "layers = [{ type = 'relu', block = 'b' }]",
        "layers = [{ type = '{act}', block = 'b' }]",
        "layers = [{ type = 'relu', name = 'a b' }]",
        "layers = [{ type = 'relu', name = 3 }]",
        "layers = [{ type = 'relu', from = 3 }]",
        "layers = [{ type = 'relu', from = ['a', 3] }]",
        "layers = [{ type = 'relu', repeat = -1 }]",
        "layers = [{ type = 'relu', when = 0.5 }]",
        "layers = [{ type = 'relu', expect = 3 }]",
        "layers = [{ type = 'relu', expect = [0] }]",
        "layers = [{ type = 'relu', allow = 'unused-reslt' }]",
        "layers = [{ name = 'a' }]",
        "layers = [{ typ = 'relu' }]",
        "layers = [{ block = 'b', width = {} }]",
        "layers = [{ block = '' }]",
        "layers = { type = 'relu' }",
        "layer = ['relu']",
        "lyout = 'channels_last'\nlayers = []",
        "layout = 'channels'\nlayers = []",
        "outputs = 3\nlayers = []",
        "include = 3\nlayers = []",
        "layers = []\ninputs.a = [3]",
        "layers = []\nclaims.params = 3",
        "layers = []\nclaims.parameters = -3",
        "layers = []\nclaims.valid_sizes = 3",
        "layers = []\nclaims.outputs = ['a']",
        "layers = []\ntraining.batch_size = 0",
        "layers = []\ntraining.optimizer = 'sgd'",
        "layers = []\ntraining.optimizer = { momentum = 0.9 }",
        "layers = []\ntraining.outputs = ['a']",
        "layers = []\nconstants.layers = 3",
        "layers = []\nconstants.a = [{}]",
        "layers = []\nconstants.a-b = 3",
        "layers = []\nlayer_defaults.cnov = {}",
        "layers = []\nlayer_defaults.conv = { kernel = 3 }",
        "layers = []\nlayer_defaults.conv = { name = 'x' }",
        "layers = []\nblocks.b = { argument = ['a'], layers = [] }",
        "layers = []\nblocks.b = { arguments = ['a'] }",
        "layers = []\nblocks.b = { arguments = ['a-b'], layers = [] }",
        "layers = []\nblocks.b = { arguments = ['repeat'], layers = [] }",
        "layers = []\nblocks.b = { defaults = { a = {} }, layers = [] }",
        "layers = []\nblocks.b = { words = { a = 3 }, layers = [] }",
        "layers = []\nblocks.b = { layers = ['rleu'] }",
    ],
)
def test_what_is_wrong_is_rejected(text):
    assert wrong(tomllib.loads(NET + text)) is not None
    assert any(problem.severity == "error" for problem in assemble(read_text(NET + text)).problems)


def test_a_net_needs_layers_and_one_kind_of_input():
    assert wrong({"layers": []}) is not None
    assert wrong({"input": [3]}) is not None
    assert wrong({"layers": [], "input": [3]}) is None
    assert wrong({"layers": [], "inputs": {"a": [3]}}) is None
    assert wrong({"layers": [], "inputs": {}}) is not None
    assert wrong({"layers": [], "input": [3], "inputs": {"a": [3]}}) is not None
    assert wrong({"blocks": {}}) is None


@pytest.mark.parametrize("kind", TYPES)
def test_a_misspelt_parameter_of_any_type_is_rejected(kind):
    for name in (*TYPES[kind].parameters, "name"):
        error = wrong({"input": [3], "layers": [{"type": kind, name[:-1] + "q": 1}]})
        assert error is not None
        assert name[:-1] + "q" in error.message
    assert wrong({"input": [3], "layers": [{"type": kind}]}) is None


# What the reader accepts


def places(value, path=()):
    """All places in a file: the keys and indices that lead there."""
    yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, entry in entries:
        yield from places(entry, (*path, key))


WORDS = (
    "same",
    "channels",
    "all",
    "relu",
    "conv",
    "1 + 1",
    "side",
    "{act}",
    "input",
    "a",
    "use",
    "keep",
    "left",
    "in_channels",
)
VALUES = (0, 1, 2, 3, 8, -1, 0.5, True, False, "", *WORDS, [], [1], [2, 2], [1, "keep"], [[0, 1], 2], {}, {"a": 1})
KEYS = (
    "stride",
    "bias",
    "padding",
    "name",
    "from",
    "repeat",
    "when",
    "expect",
    "like",
    "x",
    "over",
    "shares",
    "allow",
    "type",
)


def mutated(data, choose):
    """Change a file in one place: another value, a key less, more, or otherwise spelt, an entry twice or less."""
    data = copy.deepcopy(data)
    there = [place for place in places(data) if place]
    if not there:  # all has been taken out
        return data
    *path, key = choose(there)
    table = data
    for step in path:
        table = table[step]
    how = choose(["value", "value", "delete", "twin", "copy"])
    if how == "value":
        table[key] = copy.deepcopy(choose(VALUES))
    elif how == "delete":
        del table[key]
    elif isinstance(table, list):
        table.insert(key, copy.deepcopy(table[key]))
    else:
        table[choose(KEYS)] = copy.deepcopy(table[key] if how == "copy" else choose(VALUES))
    return data


@cache
def bases():
    files = ("alexnet.toml", "unet.toml", "resnet50.toml", "mobilenet_v2.toml", "blocks/resnet.toml")
    return [*[tomllib.loads(EVERYTHING)] * 5, *(tomllib.loads((ZOO / file).read_text()) for file in files)]


def agree(data, monkeypatch):
    """What the reader and the builder take without an error, the schema takes; say whether they do."""
    monkeypatch.chdir(ZOO)
    text = lines(data)
    if any(problem.severity == "error" for problem in assemble(read_text(text)).problems):
        return False
    error = wrong(tomllib.loads(text))
    assert error is None, f"{error.message} at {error.json_path}\n{text}"
    return True


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_what_the_reader_accepts_is_valid(data):
    with pytest.MonkeyPatch.context() as monkeypatch:
        file = data.draw(st.sampled_from(bases()))
        for _ in range(data.draw(st.integers(1, 3))):
            file = mutated(file, lambda options: data.draw(st.sampled_from(options)))
        event("accepted" if agree(file, monkeypatch) else "refused")


def test_mutated_files_are_often_accepted(monkeypatch):
    """So that the test above says something."""
    chance = Random(0)
    accepted = [agree(mutated(chance.choice(bases()), chance.choice), monkeypatch) for _ in range(100)]
    assert sum(accepted) > 20


# What editors suggest


@pytest.mark.parametrize("kind", TYPES)
def test_one_part_alone_fits_the_layers_of_a_type(kind):
    """An editor suggests the keys of the parts that fit so far."""
    definitions = schema()["$defs"]
    fitting = [
        part
        for part in definitions["layer"]["anyOf"]
        if Draft202012Validator({**part, "$defs": definitions}).is_valid({"type": kind, "repeat": 2})
    ]
    assert fitting == [{"$ref": f"#/$defs/{kind}"}]


# What is generated


@pytest.mark.parametrize(
    ("arguments", "file"),
    [(["schema"], "architecture.schema.json"), (["schema", "--reference"], "layers.md")],
    ids=["schema", "reference"],
)
def test_the_committed_file_is_current(arguments, file):
    printed = CliRunner().invoke(main, arguments).output
    command = f"cnnshape {' '.join(arguments)} > docs/{file}"
    assert (ROOT / "docs" / file).read_text() == printed, f"make it anew: {command}"
