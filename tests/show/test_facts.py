"""Facts about a net as a whole: the chain of sizes, claims that hold, the nearest valid inputs."""

import pytest
from helpers.cli import write
from helpers.paths import ALEXNET, UNET
from helpers.screen import facts, layers
from helpers.sizes import TWO, labelled, run

CONV = 'type = "conv", out_channels = 1, kernel_size = 3, stride = 2'


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [("[1, 31]", "31 → 15 → 7"), ("[1, 31, 31]", "31 → 15 → 7"), ("[1, 31, 31, 31]", "31 → 15 → 7"), ("[1, 31, 63]", "31x63 → 15x31 → 7x15")],
)  # fmt: skip
def test_chain_of_sizes(net, shape, sizes):
    assert facts(net(layers(CONV, 'type = "relu"', CONV, 'type = "flatten"', shape=shape)))["sizes"] == sizes


def test_a_flat_net_has_no_chain(net):
    assert "sizes" not in facts(net(layers('type = "linear", out_features = 3', shape="[32]")))
    assert "sizes" not in facts(net('layers = ["relu"]'))  # an error, and nothing is known


@pytest.mark.parametrize("order", ['["down", "up"]', '["up", "down"]'])
def test_the_chain_goes_through_the_bottom(net, order):
    text = layers(
        'name = "down", type = "conv", out_channels = 1, kernel_size = 3, padding = 1',
        'name = "pool", type = "max_pool", kernel_size = 2',
        'name = "up", type = "upsample", scale_factor = 2',
        f'name = "skip", type = "concat", from = {order}',
    )
    assert facts(net(text))["sizes"] == "32 → 16 → 32"


GATED = """
input = [8, 300, 300]
layers = [
  { name = "x", type = "conv", out_channels = 8, kernel_size = 3, stride = 2, padding = 1 },
  { name = "mean", type = "global_avg_pool" },
  { name = "less", type = "conv", out_channels = 2, kernel_size = 1 },
  "relu",
  { name = "gate", type = "conv", out_channels = 8, kernel_size = 1 },
  { name = "gated", type = "mul", from = ORDER },
]
"""


@pytest.mark.parametrize("order", ['["x", "gate"]', '["gate", "x"]'])
def test_the_chain_leads_past_a_gate(net, order):
    assert facts(net(GATED.replace("ORDER", order)))["sizes"] == "300 → 150"


def test_the_chain_leads_through_no_layer_that_is_only_referred_to(net):
    """The side of `like` is that of the result, too; what is resized comes from the bottom."""
    text = layers(
        'name = "top", type = "conv", out_channels = 1, kernel_size = 3, padding = 1',
        'name = "pool", type = "max_pool", kernel_size = 4',
        'type = "upsample", like = "top"',
    )
    assert facts(net(text))["sizes"] == "32 → 8 → 32"
    text = layers('name = "pool", type = "max_pool", kernel_size = 4', 'type = "max_unpool", indices = "pool"')
    assert facts(net(text))["sizes"] == "32 → 8 → 32"


CONV_8 = 'type = "conv", out_channels = 1, kernel_size = 8'


@pytest.mark.parametrize(
    "block",
    [
        ['type = "pad", padding = [[7, 0]]', CONV_8],
        [f"{CONV_8}, padding = 7", 'type = "relu"', 'type = "slice", dim = 2, stop = -7'],
        [f"{CONV_8}, padding = 7", 'type = "crop", size = 400, offset = 0'],
    ],
)
def test_the_chain_does_not_tell_what_hangs_over_for_a_layer_or_two(net, block):
    assert (
        facts(net(layers(*block * 3, 'type = "avg_pool", kernel_size = 2', shape="[1, 400]")))["sizes"] == "400 → 200"
    )
    assert facts(net(layers('type = "pad", padding = 2', CONV, shape="[1, 400]")))["sizes"] == "400 → 404 → 201"


def test_a_long_chain_shows_its_ends(net):
    lines = net(layers(*['type = "conv", out_channels = 1, kernel_size = 3'] * 40, shape="[1, 99, 99]"))
    sizes = facts(lines)["sizes"].split(" → ")
    assert sizes[:3] == ["99", "97", "95"]
    assert sizes[-2:] == ["21", "19"]
    assert sizes.count("…") == 1
    assert len(sizes) == 25


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("", None),
        ("parameters = 0", "1 of 1 claim holds"),
        ("parameters = 1", "0 of 1 claim holds"),
        ("parameters = 0\nmacs = 0", "2 of 2 claims hold"),
    ],
)
def test_claims_are_counted(net, claims, said):
    assert facts(net(layers('type = "relu"') + f"[claims]\n{claims}\n")).get("checked") == said


def test_what_failed_does_not_hold(net):
    text = layers(
        'name = "a", type = "conv", out_channels = 1, kernel_size = 3, expect = [1, 30, 30]',
        'name = "b", type = "conv", out_channels = 1, kernel_size = 3, expect = [1, 30, 30]',
        'name = "c", type = "conv", out_channels = 1, kernel_size = 99, expect = [1, 30, 30]',
    )
    lines = net(text + "[claims]\nparameters = 30\nmacs = 7\noutput = [1, 1, 1]\n")
    assert facts(lines)["checked"].startswith("1 of 3 expectations and ")


def check(*args):
    return labelled(run("check", "--no-torch", *args).output)


def test_a_check_of_an_invalid_size_tells_the_nearest_valid_ones():
    assert check(UNET, "--input", "1x230x230")["nearest"] == ["1x224x224 below and 1x240x240 above would work"]
    assert check(UNET, "--input", "1x230x256")["nearest"] == ["1x224x256 below and 1x240x256 above would work"]
    assert check(UNET, "--input", "1x9x9")["nearest"] == ["1x16x16 above would work"]
    assert check(ALEXNET, "--input", "300x300x3")["nearest"] == ["258x258x3 below would work"]


def test_a_check_of_a_size_that_drops_rows_tells_the_nearest_exact_one():
    assert check(ALEXNET, "--input", "230x230x3")["nearest"] == ["227x227x3 below would lose nothing"]


@pytest.mark.parametrize(
    "arguments",
    [
        (ALEXNET,),  # all is well
        (UNET, "--input", "1x224x224"),
        (UNET, "--input", "1x224"),  # not the sides are wrong
        (UNET, "--input", "3x224x224"),
        (UNET, "--input", "3x230x230"),  # the channels as well
    ],
)
def test_a_check_does_not_tell_what_would_not_help(arguments):
    assert "nearest" not in check(*arguments)


def test_a_check_is_silent_where_there_is_no_closed_form(tmp_path):
    layers = '{ type = "upsample", scale_factor = 0.7 }, { type = "max_pool", kernel_size = 9 }'
    assert "nearest" not in check(write(tmp_path, f"input = [1, 8, 8]\nlayers = [{layers}]\n"))


def test_inputs_that_no_longer_agree_have_no_nearest(tmp_path):
    net = write(tmp_path, TWO.replace("[1, 4]", "[1, 8]"))
    assert "nearest" not in check(net, "--input", "left=1x8", "--input", "right=1x9")


def test_other_sides_do_not_mend_another_input(tmp_path):
    text = """
inputs = { image = [1, 32, 32], vector = [10] }
layers = [
  { name = "half", type = "max_pool", kernel_size = 2, from = "image" },
  { name = "double", type = "upsample", scale_factor = 2 },
  { name = "sum", type = "add", from = ["double", "image"] },
  { name = "linear", type = "linear", out_features = 2, from = "vector" },
]
outputs = ["sum", "linear"]
"""
    net = write(tmp_path, text)
    assert "1x32x32 below" in check(net, "--input", "image=1x33x33")["nearest"][0]
    assert "nearest" not in check(net, "--input", "image=1x33x33", "--input", "vector=11")


def test_the_axes_of_each_input_have_names(tmp_path):
    assert check(write(tmp_path, TWO))["input"] == ["left: 1 channel, 8 long", "right: 1 channel, 4 long"]
    many = ", ".join(f"i{n} = [{n}]" for n in range(1, 12))
    net = write(
        tmp_path, f'inputs = {{ {many} }}\nallow = "unused-result"\nlayers = [{{ type = "relu", from = "i1" }}]\n'
    )
    assert check(net)["input"] == ["i1: 1 channel, flat", *(f"i{n}: {n} channels, flat" for n in range(2, 9)), "3 more"]


@pytest.mark.parametrize("shape", ["[1, 3, 32, 32]", "[32, 32, 3]"])
def test_a_shape_with_the_look_of_another_order_has_no_nearest(shape, tmp_path):
    """Here 1x6x32x32 would do, and nobody means it."""
    kernel = f'input = {shape}\nlayers = [{{ type = "conv", out_channels = 4, kernel_size = 6 }}]\n'
    assert "nearest" not in check(write(tmp_path, kernel))
    declared = labelled(run("sizes", write(tmp_path, kernel)).stdout)["declared"]
    assert "is none of them" in declared[0]
    assert "nearest" not in declared[0]


def test_what_is_trained_and_what_stands_beside_the_parameters(net):
    text = layers('type = "conv", out_channels = 8, kernel_size = 3, frozen = true', 'type = "batch_norm"')
    said = facts(net(text))
    assert said["trainable"] == "16 of 96 parameters"  # of the norm: 8 * 9 + 8 are of the conv
    assert said["buffers"] == "16 numbers beside the parameters, 112 in all"
    assert {"trainable", "buffers"}.isdisjoint(facts(net(layers('type = "conv", out_channels = 8, kernel_size = 3'))))
