"""What is written loads to an equal net: all files of the repository, random nets, hostile names and texts."""

import datetime as dt
import tomllib
from contextlib import suppress

import pytest
from helpers.nets import FAN, net_of, whole
from helpers.paths import ARCHITECTURES, FILES
from helpers.random_nets import RandomNet
from helpers.texts import HERE

import cnnshape
from cnnshape import ArchitectureError, dumps, loads
from cnnshape.convert.names import layer_name, needless


def readable(paths):
    for path in sorted(paths):
        with suppress(ArchitectureError):
            yield path, cnnshape.load(path)


LOADED = {
    str(path.relative_to(path.parents[2])): net
    for path, net in readable([*ARCHITECTURES.glob("*.toml"), *FILES.rglob("*.toml")])
}


@pytest.mark.parametrize("net", LOADED.values(), ids=LOADED)
def test_a_file_comes_back(net):
    back = loads(dumps(net))
    assert whole(back) == whole(net)
    assert {expected.value for expected in back.expectations} <= {expected.value for expected in net.expectations}
    assert {problem.code for problem in back.check().problems} == {problem.code for problem in net.check().problems}


@pytest.mark.parametrize("name", ["unet", "alexnet_two_gpu", "fpn_resnet50", "inception_v3", "crnn"])
def test_its_set_of_sizes_comes_back(name):
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml")
    assert loads(dumps(net)).valid_sizes().boxes == net.valid_sizes().boxes


@pytest.mark.parametrize("seed", range(60))
def test_a_random_net_comes_back(seed):
    net = loads(RandomNet(seed, 1 + seed % 3).text(64))
    back = loads(dumps(net))
    assert whole(back) == whole(net)


def test_what_torch_has_by_itself_is_not_written():
    net = net_of(
        'type = "conv", in_channels = 3, out_channels = 8, kernel_size = [3, 3], stride = [1, 1], padding = 0, bias = true',
        'type = "max_pool", kernel_size = 2, stride = [2, 2]',
        'type = "pad", padding = [[1, 1], [0, 2]]',
        'type = "dropout"',
        'type = "reduce", how = "mean", dim = [2]',
        'type = "flatten", start_dim = 1',
        'name = "fc", type = "linear", in_features = 136, out_features = 10, bias = false',
        shape="[3, 32, 32]",
    )
    assert (
        dumps(net)
        == """input = [3, 32, 32]

layers = [
  { name = "conv1", type = "conv", out_channels = 8, kernel_size = 3 },
  { type = "max_pool", kernel_size = 2 },
  { type = "pad", padding = [1, [0, 2]] },
  "dropout",
  { type = "reduce", how = "mean", dim = 2 },
  "flatten",
  { name = "fc", type = "linear", out_features = 10, bias = false },
]
"""
    )


def test_a_truth_that_torch_leaves_open_is_not_written():
    net = net_of('name = "up", type = "upsample", scale_factor = 2', shape="[3, 8, 8]")
    layer = net.nodes[0].layer.replace(align_corners=False)
    text = dumps(net._replace(nodes=(net.nodes[0]._replace(layer=layer),)))
    assert "align_corners" not in text
    assert loads(text).check().output == (3, 16, 16)


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"scale_factor": 0}, "must be a positive number"), ({"align_corners": True, "mode": "nearest"}, "align_corners")],
)
def test_a_setting_that_no_file_has_is_not_written(settings, why):
    net = net_of('name = "up", type = "upsample", scale_factor = 2', shape="[3, 8, 8]")
    layer = net.nodes[0].layer.replace(**settings)
    with pytest.raises(ValueError, match=f"up: .*{why}"):
        dumps(net._replace(nodes=(net.nodes[0]._replace(layer=layer),)))


def test_a_weight_that_is_shared_alone_is_written():
    text = """input = [3, 8, 8]

layers = [
  { name = "one", type = "conv", out_channels = 3, kernel_size = 3 },
  { name = "two", type = "conv_transpose", stride = 2, shares_weight = "one" },
]
"""
    assert dumps(loads(text)) == text


def test_wiring_is_written_where_it_is_not_the_layer_above():
    assert (
        dumps(loads(FAN))
        == """input   = [3, 32, 20]
outputs = ["left", "sum"]

layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 5, stride = [3, 2] },
  { name = "left", type = "conv", out_channels = 8, kernel_size = 1, groups = 2, bias = false },
  { name = "right", shares = "left", from = "conv" },
  { name = "sum", type = "add", from = ["left", "right"] },
  { name = "crop", type = "crop", like = "sum", from = "input", allow = ["unused-result"] },
]
"""
    )


def test_what_many_layers_have_in_common_is_said_once():
    norm, conv = 'type = "batch_norm", eps = 1e-3', 'type = "conv", out_channels = 4, kernel_size = 3, padding = 1'
    text = dumps(net_of(conv, norm, conv, norm, f"{conv}, bias = false", norm, shape="[3, 8, 8]"))
    assert "layer_defaults.batch_norm = { eps = 0.001 }\n" in text
    assert text.count("bias") == 1
    assert text.count("eps") == 1
    assert text.count("padding") == 3
    two = dumps(net_of(conv, norm, conv, norm, shape="[3, 8, 8]"))
    assert two.count("eps") == 2


def test_the_other_keys_are_written():
    text = """
name   = "Say \\"it\\" \\\\ \\u0007é"
layout = "channels_last"
allow  = "unused-result"
inputs = { left = [8, 8, 3], "größe" = [8, 8, 3] }

layers = [
  { name = "both", type = "concat", from = ["left", "größe"], expect = [8, 8, 6] },
  { name = "s", type = "scale", shape = [1, 1, 6], frozen = true },
  { type = "opaque", out_shape = ["h", "w", 4], seen = [8, 8, 6], macs = 7 },
]

[claims]
trainable = 0
outputs = { opaque1 = [8, 8, 4] }

[training]
"time, spent" = 3
optimizer = { name = "sgd", learning_rate = 1e-12, nesterov = true, steps = [1, 2.0], warm = inf }
since = 2015-12-10
"""
    net = loads(text)
    written = dumps(net._replace(source="half \ud800"))
    assert tomllib.loads(written)["source"] == "half ?"
    opaque = net.nodes[2]._replace(layer=net.nodes[2].layer.replace(submodule="a.{b}"))
    back = loads(dumps(net._replace(nodes=(*net.nodes[:2], opaque))))
    assert whole(back)[:3] == whole(net)[:3]
    assert back.training["since"] == dt.date(2015, 12, 10)
    assert back.nodes[2].layer.submodule == "a.(b)", "braces would be an expression"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("layer1.0.conv1", "layer1.0.conv1"),
        ("my layer", "my_layer"),
        ("a..b", "a._.b"),
        ("", "_"),
        ("input", "input_"),
        ("input3", "input3_"),
        ("stem.input", "stem.input"),
        ('x" }, { type = "relu', "x_______type____relu"),
        ("n" * 200, "n" * 100),
        ("{i}\n", "_i__"),
    ],
)
def test_names_become_such_that_a_file_can_have(name, written):
    assert layer_name(name) == written
    net = loads(f"{HERE}layers = ['relu', {{ name = 'last', type = 'add', from = ['input', 'input'] }}]")
    nodes = [net.nodes[0]._replace(name=name), net.nodes[1]._replace(name=written, inputs=(2, 1))]
    back = loads(dumps(net._replace(nodes=tuple(nodes), outputs={written: 3})))
    assert back.nodes[0].name == written
    assert back.nodes[1].name == f"{written[:90]}_2"
    assert back.nodes[1].inputs == (2, 1)


def test_an_input_gives_way_to_a_layer_of_its_name():
    net = loads(
        "inputs = { x = [3, 8, 8], y = [3, 8, 8] }\nlayers = [{ name = 'a', type = 'add', from = ['x', 'y'] }, 'relu']"
    )
    back = loads(dumps(net._replace(nodes=(net.nodes[0]._replace(name="y"), net.nodes[1]._replace(inputs=(2,))))))
    assert ([*back.inputs], [node.name for node in back.nodes]) == (["x", "y_"], ["y", "relu1"])
    assert back.nodes[1].inputs == (2,)


@pytest.mark.parametrize(
    ("names", "given", "free"),
    [
        ("relu1 relu2", "", "relu1 relu2"),
        ("relu2 relu1", "", "relu1"),
        ("relu1 relu2 relu3", "relu2", "relu1 relu3"),
        ("relu3 relu1", "", "relu1"),
        ("act relu1", "", "relu1"),
    ],
)
def test_names_that_come_by_themselves_are_not_written(names, given, free):
    steps = [(name, "relu") for name in names.split()]
    assert needless(steps, {*given.split()}) == {*free.split()}


def test_a_net_that_is_wrong_is_not_written():
    with pytest.raises(ValueError, match="layer1: the net is wrong"):
        dumps(
            cnnshape.assemble.network.assemble(cnnshape.file.reader.read_text(f"{HERE}layers = [{{ type = '{{x}}' }}]"))
        )


def test_an_input_of_one_number_comes_back():
    net = cnnshape.loads('input = []\nlayers = ["relu"]')
    assert cnnshape.loads(cnnshape.dumps(net)).inputs == {"input": ()}
