"""Files with blocks: as long as people write them, and equal to the net layer by layer, whatever the net."""

import random

import pytest
from helpers.nets import zoo
from helpers.paths import ARCHITECTURES
from helpers.texts import HERE

from cnnshape import dumps, loads
from cnnshape.convert.arguments import ABSENT, Arguments, Unmergeable
from cnnshape.convert.blocks import Blocks
from cnnshape.convert.flat import Flat
from cnnshape.convert.structured import unlike

OWN = {  # the files of the zoo, and the blocks that they use
    "resnet50": ["conv.toml", "resnet.toml"],
    "mobilenet_v3_large": ["conv.toml", "inverted_residual.toml", "squeeze_excitation.toml"],
    "densenet121": ["conv.toml", "densenet.toml"],
    "convnext_tiny": [],
    "unet": ["unet.toml"],
}


def lines(text):
    """The lines that say something: neither empty, nor comments, nor claims."""
    whole = text.partition("[claims]")[0].splitlines()
    return [line for line in whole if line.strip() and not line.startswith("#")]


def of_blocks(name):
    """The lines of the zoo's blocks that a net is made of."""
    kinds = {kind for node in zoo(name).nodes for kind in node.blocks}
    for file in OWN[name]:
        parts = (ARCHITECTURES / "blocks" / file).read_text().split("\n[blocks.")[1:]
        yield from (line for part in parts if part.partition("]")[0] in kinds for line in lines(part))


@pytest.mark.parametrize("name", OWN)
def test_it_is_about_as_long_as_the_zoos_own_file(name):
    own = len(lines((ARCHITECTURES / f"{name}.toml").read_text())) + len([*of_blocks(name)])
    written = len(lines(dumps(zoo(name))))
    assert written <= 1.3 * own, (written, own)


RESIDUAL = f"""{HERE}
layers = [
  {{ name = "stem", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 }},
  {{ name = "layer1", block = "stage", width = 16, depth = 2 }},
  {{ name = "layer2", block = "stage", width = 32, depth = 3, stride = 2 }},
  {{ name = "layer3", block = "stage", width = 64, depth = 4, stride = 2 }},
  {{ name = "fc", type = "linear", out_features = 10 }},
]
allow = ["linear-on-space", "dropped-rows"]
[blocks.basic]
arguments = ["width", "stride"]
defaults = {{ project = "stride != 1" }}
layers = [
  {{ name = "conv1", type = "conv", out_channels = "width", kernel_size = 3, stride = "stride", padding = 1 }},
  "relu",
  {{ name = "conv2", type = "conv", out_channels = "width", kernel_size = 3, padding = 1 }},
  {{ name = "down.0", type = "conv", out_channels = "width", kernel_size = 1, stride = "stride", from = "input", when = "project" }},
  {{ name = "down.1", type = "batch_norm", when = "project" }},
  {{ name = "sum", type = "add", from = ["conv2", "down.1"] }},
]
[blocks.stage]
arguments = ["width", "depth"]
defaults = {{ stride = 1 }}
layers = [
  {{ name = "0", block = "basic", width = "width", stride = "stride" }},
  {{ name = "{{i + 1}}", block = "basic", width = "width", stride = 1, repeat = "depth - 1" }},
]
""".replace('allow = ["linear-on-space", "dropped-rows"]\n', "").replace(
    HERE, f'{HERE}allow = ["linear-on-space", "dropped-rows"]\n'
)


def test_what_differs_becomes_arguments_with_the_names_that_people_give():
    text = dumps(loads(RESIDUAL))
    basic, stage = text.partition("[blocks.basic]")[2].split("[blocks.stage]")
    assert 'arguments = ["width"]\ndefaults = { stride = 1, project = "stride != 1 or in_channels != width" }' in basic
    assert basic.count('when = "project"') == 2
    assert 'arguments = ["width", "depth"]' in stage
    assert '{ name = "{i + 1}", block = "basic", width = "width", repeat = "depth - 1" }' in stage
    assert '{ name = "layer3", block = "stage", width = 64, depth = 4, stride = 2 }' in text
    assert '{ name = "layer1", block = "stage", width = 16, depth = 2 }' in text


def test_numbers_in_names_follow_from_what_is_left_out():
    unit = (
        '{{ name = "{name}.{part}", type = "conv", out_channels = {out}, kernel_size = {kernel}, padding = {pad} }},\n'
    )
    rows = ""
    for name, expanded in enumerate([0, 32, 48, 64, 80]):
        parts = [(expanded, 1, 0)] * bool(expanded) + [(24, 3, 1), (16, 1, 0)]
        for part, (out, kernel, pad) in enumerate(parts):
            rows += unit.format(name=name, part=part, out=out, kernel=kernel, pad=pad)
    net = loads(f"{HERE}layers = [\n{rows}]")
    kinds = {True: ("Unit",), False: ()}
    net = net._replace(nodes=tuple(node._replace(blocks=kinds[True]) for node in net.nodes))
    text = dumps(net)
    assert '{ name = "{1 if expanded > 0 else 0}", ' in text
    assert '{ name = "{1 + (1 if expanded > 0 else 0)}", ' in text
    assert [node.name for node in loads(text).nodes] == [node.name for node in net.nodes]


INVERTED = """
name = "inverted"
input = [16, 32, 32]
layers = [
{layers}
]
"""


def inverted(title, expanded, width, *, expands=True, stride=1):
    """The layers of an inverted residual in one nn.Sequential, as most write it: without the first three at an expansion of 1."""
    conv = '{{ name = "{}.conv.{}", type = "conv", out_channels = {}, kernel_size = {}, bias = false{} }},'
    parts = [(expanded, 1, ""), (expanded, 3, f", padding = 1, groups = {expanded}, stride = {stride}"), (width, 1, "")]
    number = 0
    for channels, kernel, more in parts[not expands :]:
        yield conv.format(title, number, channels, kernel, more)
        yield f'{{ name = "{title}.conv.{number + 1}", type = "batch_norm" }},'
        number += 3
        if (channels, kernel, more) != parts[-1]:
            yield f'{{ name = "{title}.conv.{number - 1}", type = "relu6" }},'


def test_numbers_in_names_follow_from_several_layers_that_are_left_out():
    uses = [
        *inverted("a", 16, 24, expands=False),
        *inverted("b", 96, 32, stride=2),
        *inverted("c", 192, 32),
        *inverted("d", 192, 64),
    ]
    net = loads(INVERTED.format(layers="\n".join(uses)))
    classes = ("InvertedResidual", "Sequential")
    made = net._replace(nodes=tuple(node._replace(blocks=classes) for node in net.nodes))
    file = dumps(made)
    assert len(lines(file)) < 25 < len(uses)
    assert [row.name for row in loads(file).check().layers if row.parameters] == [
        row.name for row in net.check().layers if row.parameters
    ]


def test_a_dense_layer_ends_with_its_concat():
    parts, rows = ["stem"], '{ name = "stem", type = "conv", out_channels = 8, kernel_size = 1 },\n'
    for i in range(1, 9):
        entering = parts[0] if i == 1 else f"l{i}.all"
        if i > 1:
            rows += f'{{ name = "l{i}.all", type = "concat", from = {parts} }},\n'.replace("'", '"')
        rows += f'{{ name = "l{i}.norm", type = "batch_norm", from = "{entering}" }},\n'
        rows += f'{{ name = "l{i}.conv", type = "conv", out_channels = 4, kernel_size = 3, padding = 1 }},\n'
        parts.append(f"l{i}.conv")
    rows += f'{{ name = "all", type = "concat", from = {parts} }},\n'.replace("'", '"')
    net = loads(f"{HERE}layers = [\n{rows}]")
    net = net._replace(nodes=tuple(node._replace(blocks=("Dense",) * node.name.count(".")) for node in net.nodes))
    text = dumps(net)
    assert len(lines(text)) == 11
    assert '{ name = "l{i + 1}", block = "dense", repeat = 8 }' in text
    back = loads(text)
    assert back.check().output == net.check().output
    assert back.check().parameters == net.check().parameters
    assert list(back.outputs.values()) == list(net.outputs.values())


class Nested:
    """A random net of nested uses, whose blocks differ here and there; classes as a model's modules have them."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.rows, self.kinds, self.made = [], [], ["input"]
        kinds = [self.kind(f"Kind{i}") for i in range(self.rng.randint(1, 3))]
        for i in range(self.rng.randint(2, 7)):
            self.use(f"part{i}", self.rng.choice(kinds), ())

    def kind(self, name):
        return name, [
            self.rng.choice(["conv", "relu", "norm", "add", "cat", "inner"]) for _ in range(self.rng.randint(1, 5))
        ]

    def layer(self, name, blocks, entry):
        self.rows.append(f'{{ name = "{name}", {entry} }},\n')
        self.kinds.append(blocks)
        self.made.append(name)

    def use(self, title, kind, blocks):
        rng, (name, parts) = self.rng, kind
        blocks, start = (*blocks, name), self.made[-1]
        for i, part in enumerate(parts):
            if rng.random() < 0.15:
                continue
            here, full = self.made[-1], f"{title}.{part}{i}"
            if part == "conv":
                kernel = rng.choice([1, 3, 3])
                entry = f'type = "conv", out_channels = {rng.choice([3, 3, 3, 6])}, kernel_size = {kernel}, padding = {kernel // 2}'
                self.layer(full, blocks, f'{entry}, from = "{here}"')
                self.layer(f"{full}.fit", (*blocks, ""), 'type = "conv", out_channels = 3, kernel_size = 1')
            elif part == "relu":
                self.layer(full, blocks, f'type = "{rng.choice(["relu", "relu", "tanh"])}"')
            elif part == "norm":
                self.layer(full, blocks, 'type = "batch_norm"')
            elif part == "add":
                others = [start, here] if rng.random() < 0.8 else [rng.choice(self.made), here]
                self.layer(full, blocks, f'type = "add", from = ["{others[0]}", "{others[1]}"]')
            elif part == "cat":
                self.layer(full, blocks, f'type = "concat", from = ["{start}", "{here}"]')
                self.layer(f"{full}.fit", (*blocks, ""), 'type = "conv", out_channels = 3, kernel_size = 1')
            elif title.count(".") < 3:
                self.use(full, ("Inner", ["conv", "relu"]), blocks)

    def net(self):
        top = '{ name = "start", type = "conv", out_channels = 3, kernel_size = 1 },\n'
        net = loads(f'{HERE}allow = "unused-result"\nlayers = [\n{top}{"".join(self.rows)}]')
        kinds = [(), *self.kinds]
        nodes = (node._replace(blocks=blocks) for node, blocks in zip(net.nodes, kinds, strict=True))
        return net._replace(nodes=tuple(nodes))


@pytest.mark.parametrize("seed", range(120))
def test_a_random_net_of_blocks_comes_back(seed):
    net = Nested(seed).net()
    back = loads(dumps(net))
    flat = Flat(net)
    assert len(back.nodes) == len(net.nodes)
    assert [(row.type, row.output, row.parameters, row.macs) for row in back.check().layers] == [
        (row.type, row.output, row.parameters, row.macs) for row in net.check().layers
    ]
    assert unlike(flat, back) is None or len(dumps(net).splitlines()) < 0.9 * len(net.nodes), "joins were taken apart"


def test_a_node_that_came_out_otherwise_is_found():
    net = loads(RESIDUAL)
    flat = Flat(net)
    assert unlike(flat, net) is None
    other = [net.nodes[3].layer.replace(bias=False), net.nodes[3].layer.replace(padding=(1, 1))]
    assert [
        unlike(flat, net._replace(nodes=(*net.nodes[:3], net.nodes[3]._replace(layer=one), *net.nodes[4:])))
        for one in other
    ] == [5, None]
    assert unlike(flat, net._replace(nodes=net.nodes[:-1])) == len(net.nodes)
    assert unlike(flat, net._replace(nodes=(net.nodes[0]._replace(name="x"), *net.nodes[1:]))) == 2
    assert unlike(flat, net._replace(outputs={"stem": 2})) == len(net.nodes) + 1


@pytest.mark.parametrize(
    ("key", "values", "written", "handed"),
    [
        ("out_channels", (64, 72), "width", {"width": 64}),
        ("out_channels", (64, 64), 64, {}),
        ("stride", (1, 2), "stride", {}),
        ("kernel_size", ([1, 3], [3, 1]), "kernel_size", {"kernel_size": [1, 3]}),
        ("out_channels", (8, 16), "in_channels", {}),
        ("out_channels", (4, 8), "in_channels // 2", {}),
        ("out_channels", (32, 64), "4 * in_channels", {}),
        ("bias", (True, False), "bias", {}),
        ("repeat", (2, 5), "depth", {"depth": 2}),
        ("dim", (1, 2), "dim", {"dim": 1}),
        ("out_channels", (64, ABSENT), 64, {}),
    ],
)
def test_what_a_setting_becomes(key, values, written, handed):
    arguments = Arguments((8, 16), (64, 72))
    assert arguments.setting(key, values, (8, 16), {}, {}) == written
    assert arguments.handed(0) == handed or key == "kernel_size"


def test_a_setting_may_follow_from_others_of_its_layer():
    arguments = Arguments((8, 16), (8, 16))
    widths, kernels = (24, 40), (3, 5)
    beside = {"out_channels": arguments.setting("out_channels", widths, (7, 9), {}, {})}
    beside["kernel_size"] = arguments.setting("kernel_size", kernels, (7, 9), {}, {})
    values = {"out_channels": widths, "kernel_size": kernels}
    assert arguments.of_layer("groups", widths, (7, 9), beside, values) == beside["out_channels"]
    assert arguments.setting("padding", (1, 2), (7, 9), beside, values) == "kernel_size // 2"
    beside, values = {"dilation": "dilation"}, {"dilation": (1, 2)}
    assert arguments.setting("padding", (1, 2), (7, 9), beside, values) == "dilation"


def of_containers(first, names, layers):
    """A net of scopes without a class that says anything."""
    rows = "".join(f'{{ name = "{name}.{i}", {entry} }},\n' for name in names for i, entry in enumerate(layers))
    return loads(f'{HERE}allow = "dropped-rows"\nlayers = [\n{{ name = "first", {first} }},\n{rows}]')


CONV = 'type = "conv", out_channels = 8, kernel_size = 3, padding = 1'


@pytest.mark.parametrize(
    ("strides", "condition"),
    [((1, 2), "stride != 1 or in_channels != width"), ((1, [1, 2, 2]), "in_channels != width")],
)
def test_strides_of_several_axes_are_compared_with_no_number(strides, condition):
    arguments = Arguments((64, 64), (64, 128))
    arguments.new("width", (64, 128))
    arguments.new("stride", strides)
    assert arguments.flag((False, True), "down") == "project"
    assert arguments.derived["project"] == condition


@pytest.mark.parametrize(
    ("names", "last", "block"),
    [
        ("a b c d", f"{CONV}, stride = 2", "downsample"),
        ("part1 part2 part3 part4", CONV, "part"),
        ("a b c d", CONV, "unit"),
        ("0 1 2 3", "type = 'tanh'", "unit"),
    ],
)
def test_a_block_of_containers_is_called_after_what_it_does(names, last, block):
    layers = ['type = "batch_norm"', 'type = "relu"', last]
    text = dumps(of_containers(CONV, names.split(), layers))
    assert f"[blocks.{block}]" in text
    assert f'block = "{block}"' in text


def test_a_block_that_is_no_shorter_is_none():
    assert "[blocks" not in dumps(of_containers(CONV, ["a", "b"], ['type = "batch_norm"', CONV]))


def test_a_module_that_holds_one_other_is_no_block():
    layers = ['type = "batch_norm"', 'type = "relu"', CONV]
    net = of_containers(CONV, [f"{name}.inner" for name in "abcd"], layers)
    kinds = {0: (), 2: ("Outer", "Inner")}
    net = net._replace(nodes=tuple(node._replace(blocks=kinds[node.name.count(".")]) for node in net.nodes))
    text = dumps(net)
    assert "[blocks.inner]" in text
    assert "[blocks.outer]" not in text
    assert '{ name = "b.inner", block = "inner" }' in text


def test_what_does_not_hold_is_taken_apart(monkeypatch):
    net = loads(RESIDUAL)
    right = dumps(net)
    setting = Arguments.setting

    def wrong(self, key, *rest, **more):
        found = setting(self, key, *rest, **more)
        return 1 if key == "stride" and isinstance(found, str) else found

    monkeypatch.setattr(Arguments, "setting", wrong)
    text = dumps(net)
    assert text != right
    assert unlike(Flat(net), loads(text)) is None
    monkeypatch.setattr(Arguments, "setting", lambda *_, **__: "nobody knows")
    assert unlike(Flat(net), loads(dumps(net))) is None


def test_a_mistake_in_the_making_of_blocks_is_said_and_the_file_is_written_layer_by_layer(monkeypatch):
    net = loads(RESIDUAL)
    monkeypatch.setattr(Blocks, "make", lambda _: {}["nothing"])
    with pytest.warns(RuntimeWarning, match=r"no blocks, by a mistake of cnnshape: KeyError\('nothing'\)"):
        text = dumps(net)
    assert "[blocks" not in text
    assert unlike(Flat(net), loads(text)) is None


def test_keys_that_name_layers_are_in_order_whatever_their_hashes():
    up = 'type = "conv_transpose", stride = 2, padding = 1, like = "{0}", shares_weight = "{1}.0"'
    rows = "".join(
        f'{{ name = "{part}.0", {CONV}, stride = 2 }}, {{ name = "{part}.1", {up.format(above, part)} }},\n'
        f'{{ name = "{part}.2", type = "batch_norm" }}, {{ name = "{part}.3", type = "relu" }},\n'
        for above, part in [("first", "a"), ("a.3", "b"), ("b.3", "c"), ("c.3", "d")]
    )
    text = dumps(loads(f"{HERE}layers = [\n{{ name = 'first', {CONV} }},\n{rows}]"))
    assert 'padding = 1, like = "input", shares_weight = "0" }' in text


def test_a_net_without_layers_is_written():
    assert dumps(loads("input = [3, 8, 8]\nlayers = []")) == "input = [3, 8, 8]\n\nlayers = [\n]\n"


def test_a_net_that_is_wrong_about_a_layer_is_like_no_other():
    net = loads(RESIDUAL)
    nodes = (net.nodes[0]._replace(layer=None), *net.nodes[1:])
    assert unlike(Flat(net), net._replace(nodes=nodes)) == 2


def test_words_and_numbers_are_no_argument():
    with pytest.raises(Unmergeable):
        Arguments((8, 16), (8, 16)).setting("padding", ("same", 1), (8, 16), {}, {})
