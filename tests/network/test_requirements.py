"""The conditions of a net on its sides: of outputs that are asked for, of several inputs, and where there is no form."""

import re

import pytest
from helpers.nets import conv, layer, net_of, up_to, zoo
from helpers.random_nets import asked, sides_of

from cnnshape import NoClosedForm, SizeSet, loads

# The output is given


def test_sides_asked_of_a_layer_of_alexnet():
    net = zoo("alexnet")
    assert net.valid_sizes(layer="conv5", output=(13, 13)).square == SizeSet("227 to 242")  # of the 32, those with 13
    assert net.valid_sizes(layer="pool3", output=(6, 6)).axes == (SizeSet("227 to 258"),) * 2
    assert net.valid_sizes(layer="pool3", output=(4, 9)).axes == (SizeSet("163 to 194"), SizeSet("323 to 354"))
    assert not net.valid_sizes(layer="pool3", output=(6, 7))
    assert up_to(net, "conv5").valid_sizes(output=(13, 13)).square == SizeSet("227 to 242")


def test_a_side_that_is_free():
    net = zoo("alexnet")
    sizes = up_to(net, "pool3").valid_sizes(output=(1, None))
    assert [*map(str, sizes.axes)] == ["67 to 98", "every size from 67"]
    assert sizes.forbidden_by((99, 227)) == ("output = 1x*",)
    assert up_to(net, "pool3").valid_sizes(output=(None, None)).axes == (SizeSet("every size from 67"),) * 2


@pytest.mark.parametrize("seed", range(0, 400, 9))
def test_sizes_that_come_back_as_they_went_in(seed):
    made, net, sizes = asked(seed, 1 + seed % 2)
    last = [*net.outputs][-1]
    if sizes is None or len(sizes.outputs[last] or ()) - 1 != made.rank:
        return
    same = net.valid_sizes(same=True)
    for sides in sides_of(made, 90):
        report = net.check((2, *sides))
        assert (sides in same) == (report.ok and report.output[1:] == sides), sides


def test_sizes_that_are_the_same_at_a_layer_inside():
    net = net_of(
        conv(3, 1, 1, "kept"), layer("max_pool", kernel_size=2), layer("upsample", "up", scale_factor=2), conv(3)
    )
    assert str(net.valid_sizes(same=True, layer="kept")) == "every size from 4"
    assert str(net.valid_sizes(same=True, layer="up")) == "multiples of 2, from 4"
    assert not net.valid_sizes(same=True)
    assert net.valid_sizes(same=True).contradiction() == ("output = input",)


def test_sides_asked_behind_a_flatten():
    net = net_of(layer("flatten", "rows", start_dim=2), shape="[2, 8, 8]")
    for sizes in (net.valid_sizes(output=(36,)), net.valid_sizes(layer="rows", output=(36,))):
        assert sizes.square == SizeSet("6")
        assert all(((h, w) in sizes) == (h * w == 36) for h in range(1, 40) for w in range(1, 40))


def test_the_output_of_a_layer_in_a_block_or_a_repeat():
    """Of a block or a repeat, the result that it gives is meant; of one that gives several, one has to be named."""
    text = """
input = [1, 64, 64]
layers = [{ name = "b", block = "halves" }, { name = "r", type = "max_pool", kernel_size = 2, repeat = 2 }, "relu"]
[blocks.halves]
layers = [{ type = "max_pool", kernel_size = 2 }, { type = "max_pool", kernel_size = 2 }]
"""
    assert loads(text).valid_sizes(layer="b.max_pool2", output=(5, 5)).square == SizeSet("20 to 23")
    assert loads(text).valid_sizes(layer="r.1", output=(1, 1)).square == SizeSet("16 to 31")
    assert loads(text).valid_sizes(layer="b", output=(5, 5)).square == SizeSet("20 to 23")
    assert loads(text).valid_sizes(layer="r", output=(1, 1)).square == SizeSet("16 to 31")
    named = text.replace('[{ type = "max_pool"', '[{ name = "p", type = "max_pool"')
    several = named.replace('"relu"]', '"relu"]\noutputs = ["b.p", "r"]')
    with pytest.raises(ValueError, match=re.escape("b gives several results: say which of b.p, b.max_pool1")):
        loads(several).valid_sizes(layer="b", output=(5, 5))
    with pytest.raises(ValueError, match="no layer 'ha'"):
        loads(text).valid_sizes(layer="ha", output=(3, 3))


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_equal_sizes_the_simpler_flows_on(order):
    halves = [layer("max_pool", "a", kernel_size=2), layer("upsample", "b", scale_factor=2)]
    sizes = net_of(*halves, layer("add", "sum", from_=["b", "input"][::order])).valid_sizes()
    assert str(sizes.outputs["sum"][1]) == "w"


# Several inputs


TWO = """
outputs = ["sum", "linear"]
inputs = {{ left = [1, {0}, 8], right = [1, {1}, 8], label = [3] }}
layers = [
  {{ name = "a", type = "max_pool", kernel_size = 2, from = "left" }},
  {{ name = "up", type = "upsample", scale_factor = 2 }},
  {{ name = "sum", type = "add", from = ["up", "right"] }},
  {{ name = "linear", type = "linear", out_features = 2, from = "label" }},
]
"""


def test_inputs_of_the_same_sides_vary_together():
    sizes = loads(TWO.format(8, 8)).valid_sizes()
    assert sizes.varied == ["left", "right"]
    assert sizes.axes == (SizeSet("multiples of 2, from 2"),) * 2
    assert sizes.forbidden_by((8, 7)) == ("sum",)


def test_of_inputs_with_different_sides_one_is_named():
    net = loads(TWO.format(9, 8))
    with pytest.raises(NoClosedForm, match="the inputs left, right have different sides: say which one varies"):
        net.valid_sizes()
    assert net.valid_sizes(input="left").axes == (SizeSet("8 or 9"), SizeSet("8 or 9"))
    assert net.valid_sizes(input="right").axes == (SizeSet("8"), SizeSet("8"))
    assert net.valid_sizes(input="left").forbidden_by((10, 8)) == ("sum",)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"input": "middle"}, "the net has no input 'middle'; it has left, right, label"),
        ({"layer": "b", "output": (1, 1)}, "the net has no layer 'b'"),
        ({"layer": "a"}, "a layer is named, but not what its output is to be"),
        ({"layer": "a", "output": (1,)}, "a has 2 sides, and 1 is asked for"),
        ({"layer": "a", "output": 4}, "output must be sides, as (6, 6), or None for one that is free, not 4"),
        (
            {"layer": "a", "output": (4.0, 4)},
            "output must be sides, as (6, 6), or None for one that is free, not (4.0, 4)",
        ),
        (
            {"layer": "a", "output": (0, None)},
            "output must be sides, as (6, 6), or None for one that is free, not (0, None)",
        ),
        ({"same": True, "output": (4, 4)}, "the output cannot be asked to be the input, and to have other sides"),
        ({"same": True}, "the output has no sides, and the input has 2: say at which layer"),
    ],
)
def test_a_question_that_does_not_suit_is_a_value_error(arguments, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        loads(TWO.format(8, 8)).valid_sizes(**arguments)


def test_an_input_without_sides_has_no_sizes():
    net = net_of(layer("linear", out_features=2), shape="[4]")
    with pytest.raises(NoClosedForm, match="no sides"):
        net.valid_sizes()
    with pytest.raises(NoClosedForm, match="no sides"):
        loads(TWO.format(8, 8)).valid_sizes(input="label")


# Where there is no closed form


@pytest.mark.parametrize(
    ("lines", "side", "why"),
    [
        ([layer("upsample", "at", scale_factor=0.3)], 64, "rounded in floating point"),
        ([layer("upsample", "at", scale_factor=1.7)], 64, "rounded in floating point"),
        ([layer("reshape", "at", shape=[-1, 7])], 63, "a product of sides is divided"),
    ],
)
def test_the_layer_without_a_closed_form_is_named(lines, side, why):
    net = net_of(*lines, shape=f"[2, {side}, {side}]")
    with pytest.raises(NoClosedForm) as caught:
        net.valid_sizes()
    assert caught.value.layer == "at"
    assert why in caught.value.reason
    assert str(caught.value) == f"at: {caught.value.reason}"
    assert net.check().ok  # the int engine still answers


def test_a_set_that_would_be_a_book_is_refused():
    """What one prime allows and another does not: 223,092,870 remainders, of which most work."""
    lines = []
    for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23):
        lines += [layer("max_pool", f"pool{prime}", kernel_size=prime, from_="input")]
        lines += [
            layer("upsample", f"up{prime}", scale_factor=prime),
            layer("pad", f"more{prime}", padding=[[0, prime - 2]]),
        ]
        lines += [layer("crop", f"crop{prime}", like="input")]
    net = net_of(*lines, top='allow = ["unused-result"]', shape="[2, 30]")
    with pytest.raises(NoClosedForm) as caught:
        net.valid_sizes()
    assert caught.value.layer.startswith("crop")


@pytest.mark.parametrize(
    ("sides", "added", "why"),
    [([12] * 6, 0, "more than 1,024 separate products"), ([1] * 7, 23, "are too many to try")],
)
def test_a_product_of_many_factors_is_refused(sides, added, why):
    """2,858,856 products are 12**6."""
    with pytest.raises(NoClosedForm, match=f"fc: .*{why}"):
        padded_and_flattened(sides, added).valid_sizes()


def test_the_one_way_to_write_a_product_is_found_among_those_that_nearly_are():
    """Only one of the ways to write 24**6 has factors of at least 24."""
    assert padded_and_flattened([1] * 6, 23).valid_sizes().axes == (SizeSet("1"),) * 6


def padded_and_flattened(sides, added):
    pad = layer("pad", padding=[[0, added]] * len(sides))
    return net_of(pad, layer("flatten"), layer("linear", "fc", out_features=1), shape=str([1, *sides]))


def test_what_fails_at_its_own_input_answers_as_far_as_its_numbers_are_known():
    fails = net_of(conv(3, 1, 0, "a"), layer("max_pool", "b", kernel_size=9), shape="[1, 5]")
    assert not fails.check().ok
    assert str(fails.valid_sizes()) == "every size from 11"
