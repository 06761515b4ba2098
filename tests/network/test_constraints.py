"""The layers that make a set of valid sizes what it is: none is named that could be left out, and none is missing."""

from functools import reduce
from itertools import accumulate
from operator import and_, or_

import pytest
from helpers.nets import layer, net_of, unet
from helpers.random_nets import asked, sides_of

from cnnshape import SizeSet


@pytest.mark.parametrize("seed", range(0, 300, 7))
def test_every_constraint_is_needed_and_is_of_a_layer_that_refuses(seed):
    """Each layer that the set says to need something refuses what it forbids; without it the set would be larger."""
    made, net, sizes = asked(seed, 1)
    if sizes is None:
        return
    leaves = [sides_where(of.left) for of in sizes.constraints]
    needs = [sides_where(of.boxes) for of in sizes.constraints]
    assert leaves == [*accumulate(needs, and_)]
    assert leaves[-1:] in ([], [sizes.square])
    assert not sizes or [of.period for of in needs] == sorted(of.period for of in needs)
    needed = {constraint.layer: constraint for constraint in sizes.constraints}
    for (side,) in sides_of(made, 100):
        refusing = sizes.forbidden_by((side,))
        assert bool(refusing) == ((side,) not in sizes)
        blamed = [name for name, of in needed.items() if not any(side in box[0] for box in of.boxes)]
        assert bool(blamed) == ((side,) not in sizes)
        assert set(refusing) & set(blamed) or not refusing or behind(net, refusing, blamed)
    for left_out in needed:
        rest = [sides_where(of.boxes) for name, of in needed.items() if name != left_out]
        assert sizes.square != reduce(and_, rest, SizeSet("every size"))
        assert sizes.square <= reduce(and_, rest, SizeSet("every size"))


def sides_where(boxes):
    return reduce(or_, (sides for (sides,) in boxes), SizeSet())


def behind(net, refusing, blamed):
    """Whether every layer that is blamed stands behind one that refuses, whose result is then not known."""
    order = [node.name for node in net.nodes]
    return min(map(order.index, refusing)) < min(map(order.index, blamed))


def test_two_layers_that_contradict_each_other_are_named():
    """Multiples of 4 and odd numbers: neither layer is impossible by itself."""
    net = net_of(
        layer("max_pool", "half", kernel_size=4, from_="input"),
        layer("upsample", "back", scale_factor=4),
        layer("add", "fours", from_=["back", "input"]),
        layer("crop", "odd", size=1, exact=True, from_="input"),
        layer("crop", "large", size=1, from_="fours"),
        layer("add", "sum", from_=["odd", "large"]),
    )
    sizes = net.valid_sizes()
    assert not sizes
    assert set(sizes.contradiction()) == {"fours", "odd"}


def test_a_contradiction_is_the_smallest():
    """Odd multiples of 3, and what is 0, 1 or 2 modulo 6, contradict each other too, but those are three."""
    net = net_of(
        layer("max_pool", "half", kernel_size=2, from_="input"),
        layer("upsample", "back", scale_factor=2),
        layer("add", "even", from_=["back", "input"]),
        layer("crop", "odd", size=1, exact=True, from_="input"),
        layer("max_pool", "third", kernel_size=3, from_="input"),
        layer("upsample", "again", scale_factor=3),
        layer("add", "threes", from_=["again", "input"]),
        layer("crop", "sixes", size=2, exact=True, from_="third"),
        top='allow = ["unused-result"]',
    )
    assert set(net.valid_sizes().contradiction()) == {"even", "odd"}


def test_each_level_of_a_unet_halves_what_is_left():
    sizes = unet(64).valid_sizes()
    assert sizes.square == SizeSet(f"multiples of {2**64}, from {2**64}")
    assert sizes.constraints[0].layer == "concat0"
    assert str(sizes.constraints[0].boxes[0][0]) == "multiples of 2, from 2"
    assert [of.left[0][0].period for of in sizes.constraints] == [2**level for level in range(1, 65)]


def test_of_layers_that_ask_the_same_the_first_is_named():
    halves = [layer("max_pool", "a", kernel_size=2), layer("upsample", "b", scale_factor=2)]
    sums = [layer("add", name, from_=["b", "input"]) for name in ("one", "two")]
    sizes = net_of(*halves, *sums, layer("add", "three", from_=["one", "two"])).valid_sizes()
    assert [constraint.layer for constraint in sizes.constraints] == ["one"]
