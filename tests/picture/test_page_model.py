"""The page's model, in JavaScript, against the engine: shapes, refusals, counts, fields and lost rows at any sizes."""

import json
import random

import pytest
from helpers.nets import net, zoo
from helpers.pages import code, differences, expected, named, node, states
from helpers.paths import FILES, ROOT
from helpers.random_nets import FittedNet, RandomNet

from cnnshape.assemble.network import assemble
from cnnshape.file.reader import read
from cnnshape.layers.base import Layer
from cnnshape.numbers.symbolic import Unsolvable
from cnnshape.picture.page.data import page_data, shapes_at, sides_of
from cnnshape.picture.page.rules import page_rule

PICTURE = ROOT / "cnnshape" / "picture" / "page"
ZOO = [
    "alexnet",
    "unet_original",
    "resnet18",
    "googlenet",
    "fpn_resnet50",
    "wavenet",
    "c3d",
    "segnet",
    "pspnet_resnet50",
]
ZOO += ["tf_efficientnet_b0", "dcgan_generator", "crnn"]


def sizes_of(net, seed, count):
    """Sizes to try: the declared ones, equal ones, any, and near the declared."""
    rng, declared = random.Random(seed), [side.declared for side in sides_of(net)]
    yield declared
    for _ in range(count):
        yield [rng.randint(1, 300)] * len(declared)
        yield [rng.randint(1, 60) for _ in declared]
        yield [max(1, side + rng.randint(-9, 9)) for side in declared]


@pytest.mark.parametrize("name", ZOO)
def test_a_page_computes_what_the_engine_does(name):
    net = zoo(name)
    asked = [*sizes_of(net, name, 3)]
    assert differences(net, asked) == ([], len(asked))


@pytest.mark.parametrize("file", sorted((FILES / "good").glob("*.toml")), ids=lambda file: file.stem)
def test_at_sizes_of_all_kinds_of_nets(file):
    net = assemble(read(file))
    asked = [*sizes_of(net, file.stem, 2)]
    assert differences(net, asked) == ([], len(asked))


@pytest.mark.parametrize("file", sorted((FILES / "broken").glob("*.toml")), ids=lambda file: file.stem)
def test_a_broken_net_has_a_page(file):
    net = assemble(read(file))
    assert differences(net, [*sizes_of(net, file.stem, 1)])[0] == []


@pytest.mark.parametrize("seed", range(12))
def test_random_nets(seed):
    made = (FittedNet if seed % 2 else RandomNet)(seed, 1 + seed % 3)
    built = net(made.text(random.Random(seed).choice([8, 16, 31])))
    asked = [*sizes_of(built, seed, 5)]
    assert differences(built, asked) == ([], len(asked))


MANY = """
inputs = { left = [4, 32, 32], right = [4, 20, 24] }
layers = [
  { name = "a", type = "conv", out_channels = 2, kernel_size = 3, from = "left" },
  { name = "b", type = "conv", out_channels = 2, kernel_size = 3, stride = 2, from = "left" },
  { name = "c", type = "conv", out_channels = 2, kernel_size = 3, padding = 1, from = "right" },
  { name = "d", type = "conv", out_channels = 2, kernel_size = 3, stride = 2, dilation = 3, from = "right" },
  { name = "sum", type = "add", from = ["a", "b", "c", "d"] },
  { name = "beside", type = "concat", from = ["b", "a", "c"] },
  { name = "above", type = "stack", dim = 2, from = ["a", "b", "c"] },
  { name = "pool", type = "max_pool", kernel_size = 2, from = "c" },
  { name = "unpool", type = "max_unpool", indices = "pool", output_size = "default" },
  { name = "enlarged", type = "upsample", like = "a", mode = "bilinear", align_corners = true, from = "unpool" },
  { name = "few", type = "adaptive_avg_pool", output_size = [3, 1] },
  { name = "gate", type = "mul", from = ["few", "enlarged"] },
  { name = "rows", type = "reshape", shape = [6, -1] },
  { name = "on_trust", type = "opaque", out_shape = "keep", macs = 77, from = "b" },
]
outputs = ["sum", "beside", "above", "gate", "rows", "on_trust"]
"""


def test_several_inputs_have_sides_of_their_own():
    built = net(MANY)
    assert [side.name for side in sides_of(built)] == ["left_h", "left_w", "right_h", "right_w"]
    asked = [
        [h, w, h + dh, w + dw] for h, w in [(32, 32), (9, 40), (3, 3), (2, 9)] for dh in (0, -2) for dw in (0, -1, 5)
    ]
    asked = [[max(side, 1) for side in sides] for sides in asked]
    assert differences(built, asked) == ([], len(asked))


def test_sides_are_set_one_by_one_and_wrong_ones_not_at_all():
    built = zoo("unet_original")
    given = [{"h": 600}, {"w": 604}, {"h": 0}, {"h": 2.5}, {"h": "9"}, {"depth": 4}, {"h": 2**30}, {}]
    found = states(built, given)
    assert [state["shapes"]["pool1"][1:] if state else state for state in found] == [
        [298, 284],
        [298, 300],
        *[False] * 5,
        [298, 300],
    ]


def test_counts_beyond_what_javascript_holds_are_exact():
    built = net('input = [3, 224, 224]\nlayers = [{ type = "conv", out_channels = 999, kernel_size = 99 }]')
    sizes = [2_000_003, 2_000_003]
    (state,) = states(built, [named(built, sizes)])
    assert int(state["macs"]) == expected(built, sizes)["macs"] > 2**53


SHARED = """
inputs = { left = [1, 12, 12], right = [1, 12, 12] }
layers = [
  { name = "conv", type = "conv", out_channels = 2, kernel_size = 3, from = "left" },
  { name = "again", type = "conv", out_channels = 2, kernel_size = 3, from = "right", shares = "conv" },
  { name = "distance", type = "sub", from = ["conv", "again"] },
  { name = "wide", type = "conv", shares_weight = "conv", in_channels = 1, dilation = 2, from = "left" },
  { name = "sparse", type = "conv_transpose", out_channels = 1, kernel_size = 3, stride = 5000, from = "distance" },
  { name = "flat", type = "flatten", from = "distance" },
  { name = "linear", type = "linear", out_features = 5 },
]
outputs = ["wide", "sparse", "linear"]
"""


def test_shared_weights_count_once():
    built = net(SHARED)
    asked = [[12, 12, 12, 12], [9, 9, 9, 9], [9, 9, 12, 12], [2, 9, 2, 9]]
    assert differences(built, asked) == ([], 4)


class Asking(Layer):
    """A layer whose rule asks for a size itself."""

    def output(self, require, *inputs):
        return tuple(range(size)[0] for size in inputs[0])


def test_a_rule_that_asks_for_a_size_has_no_formula():
    with pytest.raises(Unsolvable, match="asks for the size itself"):
        page_rule(Asking(), [2], "channels_first", says=frozenset())


SAYS = "console.log(JSON.stringify(asked.map((sides) => model.set(sides) && model.result().layers.map((l) => l.refused))));"
CUT = """
input = [1, 40, 40]
layers = [
  { name = "cut", type = "pad", padding = -5 },
  { name = "conv", type = "conv", out_channels = 3, kernel_size = 9, stride = 2 },
  { name = "mirrored", type = "pad", padding = 6, mode = "reflect" },
  { name = "rows", type = "reshape", shape = [-1, 12] },
]
"""


@pytest.mark.parametrize("text", [CUT, MANY], ids=["one input", "two inputs"])
def test_a_refusal_has_the_sentences_of_the_engine(text):
    built = net(text)
    asked = [[size] * len(sides_of(built)) for size in (40, 22, 18, 10, 9, 4)]
    given = json.dumps([named(built, sizes) for sizes in asked])
    found = json.loads(node(f"{code(built)}const model = makeModel(data, rules), asked = {given};{SAYS}"))
    said = 0
    for sizes, layers in zip(asked, found, strict=True):
        report = built.check(shapes_at(built, sides_of(built), sizes))
        for row, sentences in zip(report.layers, layers, strict=True):
            theirs = [problem.message for problem in report.problems if problem.layer == row.name]
            assert sentences == (theirs if row.result.refusals else [])
            said += len(sentences)
    assert said > 5


NO_FORM = {
    "rounded": 'input = [4, 30, 20]\nlayers = [{ type = "upsample", scale_factor = 1.3 }]',
    "one input": """
        input = [4, 30, 20]
        layers = [{ type = "opaque", out_shape = [4, 30, 20], num_parameters = 7 }, { type = "max_pool", kernel_size = 31 }]
    """,
    "sides of two inputs": """
        inputs = { a = [1, 30, 20], b = [1, 60, 40] }
        layers = [{ type = "upsample", scale_factor = 1.3, from = "a" }, { type = "relu", from = "b" }]
    """,
    "shared numbers that are not known": """
        input = [4, 30, 20]
        layers = [{ type = "max_pool", kernel_size = 31 }, { name = "flat", type = "flatten" },
          { name = "one", type = "linear", out_features = 3 },
          { type = "linear", out_features = 3, shares = "one", from = "flat" }]
    """,
    "many": f"""
        input = [4, 30, 20]
        layers = [{", ".join(f'{{ name = "c{n}", type = "relu", from = "input" }}' for n in range(9))},
          {{ type = "stack", dim = 2, from = [{", ".join(f'"c{n}"' for n in range(9))}] }}]
    """,
}


@pytest.mark.parametrize("text", NO_FORM.values(), ids=NO_FORM)
def test_a_net_without_rules_has_some_sizes(text):
    built = net(text)
    data = page_data(built)
    assert data.why
    assert not data.rules
    declared = [side.declared for side in data.sides]
    asked = [declared, [side // 2 for side in declared], [declared[0] + 1, *declared[1:]]]
    assert differences(built, asked) == ([], 2)


@pytest.mark.parametrize("file", sorted(PICTURE.glob("*.js")), ids=lambda file: file.name)
def test_a_script_is_sound(file):
    assert node(f"new Function({json.dumps(file.read_text(encoding='utf-8'))})") == ""


KEPT = """
const model = makeModel(data, rules), kept = (sides) => model.set(sides) && model.kept();
console.log(JSON.stringify([model.kept(), kept(%s), kept(%s), data.unkept]));
"""


def kept(net, other):
    """The bytes that a page shows at first, at another size and at the declared one again, and why it shows none."""
    declared = {side.name: side.declared for side in sides_of(net)}
    return json.loads(node(code(net) + KEPT % (json.dumps(other), json.dumps(declared))))


@pytest.mark.parametrize("name", ["alexnet", "resnet18", "unet_original", "wavenet"])
def test_what_is_kept_is_known_at_the_declared_size_alone(name):
    net = zoo(name)
    side = sides_of(net)[0]
    first, elsewhere, again, why = kept(net, {side.name: side.declared + 1})
    nine, eight = net.memory(batch=9), net.memory(batch=8)
    assert dict(zip(nine.layers, first, strict=True)) == {row: n - eight.layers[row] for row, n in nine.layers.items()}
    assert sum(first) == nine.saved - eight.saved > 0
    assert (elsewhere, again, why) == (None, first, "")


def test_what_is_kept_is_nothing_where_that_is_not_stated():
    assert kept(zoo("crnn"), {"w": 90})[::3] == [
        None,
        "what the backward pass keeps is not stated behind rnn0.rnn: it keeps a workspace of its own",
    ]
    broken = net('input = [1, 9, 9]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = 11 }]')
    assert kept(broken, {"h": 20, "w": 20}) == [None, None, None, REFUSED]
    unknown = net(UNKNOWN)
    assert kept(unknown, {})[0] == [16]  # an optimiser has no say in it


REFUSED = "what the backward pass keeps is not computed: the net has errors at its declared size"
UNKNOWN = """
input = [4]
layers = [{ type = "linear", out_features = 2 }]
[training]
optimizer = { name = "lion" }
"""
