"""Results that are flattened and joined ask for a sum of products of sides: against the int engine at every size."""

from itertools import product

import pytest
from helpers.nets import conv, layer, net, net_of

from cnnshape import NoClosedForm, SizeSet
from cnnshape.network.valid_sizes import square_sizes
from cnnshape.numbers.rules import equal
from cnnshape.numbers.solve import solve
from cnnshape.numbers.symbolic import Unsolvable, unknowns

HEADS = [
    conv(3, 2, 1, "a", out_channels=4),
    conv(3, 2, 1, "b", out_channels=6),
    layer("max_pool", "c", kernel_size=2, ceil_mode=True),
    *(layer("flatten", f"f{name}", from_=name) for name in "abc"),
    layer("concat", "all", from_=["fa", "fb", "fc"]),
    layer("linear", "last", out_features=10),
]


def accepted(built, sides):
    return not any(row.result.refusals for row in built.check((3, *sides)).layers)


@pytest.mark.parametrize("sides", [(20, 20), (13, 37), (7, 9), (1, 2)])
def test_heads_of_several_levels(sides):
    built = net_of(*HEADS, shape=str([3, *sides]))
    sizes = built.valid_sizes()
    assert all((each in sizes) == accepted(built, each) for each in product(range(1, 60), repeat=2))
    assert sides in sizes


def test_heads_of_a_volume():
    built = net_of(*HEADS[:2], *HEADS[3:5], layer("concat", "all", from_=["fa", "fb"]), HEADS[-1], shape="[3, 4, 6, 9]")
    sizes = built.valid_sizes()
    assert all((each in sizes) == accepted(built, each) for each in product(range(1, 15), repeat=3))


def test_the_sum_is_written_and_its_sizes_are_found_far_away():
    sizes = net_of(*HEADS, shape="[3, 300, 300]").valid_sizes()
    assert str(sizes.outputs["all"][0]) == (
        "4*(floor((h + 1)/2))*(floor((w + 1)/2)) + 6*(floor((h + 3)/4))*(floor((w + 3)/4)) "
        "+ 6*(floor((h + 7)/8))*(floor((w + 7)/8))"
    )
    assert sizes.square == SizeSet("299 or 300")
    assert all(
        4 * -(-h // 2) * -(-w // 2) + 6 * -(-h // 4) * -(-w // 4) + 6 * -(-h // 8) * -(-w // 8) == 132_414
        for h, w in [(11, 7355), (300, 299), (2486, 35)]
    )
    assert all(pair in sizes for pair in [(11, 7355), (300, 299), (2486, 35)])


def test_a_flat_branch_and_a_row_are_joined_as_well():
    """One of the products is of h alone, and the number of a branch that is flat from the start is a constant."""
    lines = [
        layer("flatten", "all"),
        layer("slice", "column", dim=3, stop=1, from_="input"),
        layer("flatten", "rows"),
        layer("adaptive_avg_pool", "pooled", output_size=2, from_="input"),
        layer("flatten", "flat"),
        layer("concat", "joined", from_=["all", "rows", "flat"]),
        layer("reshape", "halved", shape=[3, -1]),
        layer("flatten"),
        layer("linear", out_features=1),
    ]
    built = net_of(*lines, shape="[3, 6, 8]")
    sizes = built.valid_sizes()
    assert all((each in sizes) == accepted(built, each) for each in product(range(1, 60), repeat=2))
    assert str(sizes.outputs["joined"][0]) == "3*h*w + 3*h + 12"
    assert [(h, w) for h, w in product(range(1, 60), repeat=2) if (h, w) in sizes] == [
        (h, w) for h, w in product(range(1, 60), repeat=2) if h * w + h == 54
    ]


def points(*window):
    """Two levels whose cells are joined to one row, and a window on the row."""
    return net_of(
        conv(3, 2, 1, "a"),
        layer("max_pool", "b", kernel_size=3),
        *(layer("flatten", f"f{name}", from_=name, start_dim=2) for name in "ab"),
        layer("concat", "all", dim=2, from_=["fa", "fb"]),
        conv(*window, "last"),
        shape="[3, 20, 20]",
    )


@pytest.mark.parametrize("window", [(1, 1, 0), (2, 1, 0), (3, 1, 1), (4, 1, 1), (5, 1, 2)])
def test_a_window_that_is_no_longer_than_the_least_row_takes_every_row(window):
    built = points(*window)
    sizes = built.valid_sizes()
    assert all((each in sizes) == accepted(built, each) for each in product(range(1, 30), repeat=2))
    assert (5, 6) in sizes


@pytest.mark.parametrize("window", [(6, 1, 0), (7, 1, 0), (16, 1, 5)])
def test_a_window_that_may_be_longer_than_the_row_has_no_closed_form(window):
    with pytest.raises(NoClosedForm, match="last: a product of sides is compared by size"):
        points(*window).valid_sizes()


@pytest.mark.parametrize(
    "made", [lambda h, w: h * w * -1 + 40, lambda h, w: (12 - h // 2) * w, lambda h, w: h * w + h - 1]
)
def test_a_least_that_is_not_known_has_no_closed_form(made):
    """One falls where the sides grow, a factor of another does, and the last is 1 at its least."""
    h, w = unknowns("h", "w")
    with pytest.raises(Unsolvable, match="compared by size"):
        solve([made(h, w) >= 2], ["h", "w"])


def test_what_cannot_be_had_exactly_has_no_closed_form():
    doubled = [
        *HEADS[:2],
        *HEADS[3:5],
        layer("concat", "all", from_=["fa", "fb"]),
        layer("reshape", "r", shape=[4, -1]),
    ]
    with pytest.raises(NoClosedForm, match="r: a product of sides is divided"):
        net_of(*doubled, shape="[3, 20, 20]").valid_sizes()
    h, w = unknowns("h", "w")
    with pytest.raises(Unsolvable, match="may fall where the sides grow"):
        solve([equal((h - h // 2) * w + h * w, 40)], ["h", "w"])
    with pytest.raises(Unsolvable, match="multiplied with a side"):
        _ = (h * w + h // 2 * w) * h


# Sums that broadcast


@pytest.mark.parametrize("settings", [{"broadcast": True}, {}], ids=["add", "mul"])
@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_of_two_sides_that_may_broadcast_the_one_that_is_never_smaller_flows_on(settings, order):
    built = net(f"""
input = [3, 9, 9]
layers = [
  {{ {layer("max_pool", "a", kernel_size=2)} }},
  {{ {layer("max_pool", "b", kernel_size=2, ceil_mode=True, from_="input")} }},
  {{ {layer("add" if settings else "mul", "s", from_=order, **settings)} }},
  {{ {layer("max_pool", "p", kernel_size=2)} }},
]
""")
    sizes = built.valid_sizes()
    assert [str(axis) for axis in sizes.axes] == ["3, and multiples of 2, from 4"] * 2
    assert all((each in sizes) == accepted(built, each) for each in product(range(1, 40), repeat=2))
    assert str(sizes.outputs["s"][1]) == "floor((h + 1)/2)"


@pytest.mark.parametrize("number", [0, 1, 6, 7, 15, 36, 70, 3600, 10**30])
@pytest.mark.parametrize(
    "made",
    [
        lambda x: x * x,
        lambda x: 3 * ((x + 1) // 2) * (x // 3) * x,
        lambda x: (x - 4) * (x - 6),  # a result has no negative sides
        lambda x: ((x - 5) // 2) * ((x - 5) // 2) + 2 * (x // 3) * (x // 5),
        lambda x: x * x + x + 5,
    ],
)
def test_a_side_times_itself(made, number):
    """As where one unknown stands for all axes."""
    (x,) = unknowns("x")
    (sizes,) = solve([equal(made(x), number), x >= 7], ["x"]) or [(SizeSet(),)]
    assert [*sizes[0].spans(1, 200)] == [*SizeSet.of(n for n in range(7, 200) if made(n) == number).spans(1, 200)]


def test_a_side_times_itself_far_away():
    (x,) = unknowns("x")
    assert solve([equal((x // 2) * (x // 2), 10**30)], ["x"]) == [(SizeSet(f"{2 * 10**15} or {2 * 10**15 + 1}"),)]


def test_equal_names_are_one_side():
    h, w, other = unknowns("x", "x", "y")
    assert h is w
    assert h != other


@pytest.mark.parametrize("side", [20, 37])
def test_one_unknown_for_all_axes_of_heads_of_several_levels(side):
    built = net_of(*HEADS, shape=f"[3, {side}, {side}]")
    sizes = square_sizes(built)
    assert side in sizes
    assert all((each in sizes) == accepted(built, (each, each)) for each in range(1, 100))
