"""The period of a receptive field is the least: that of the gradients' rows, and of cells counted one by one."""

from fractions import Fraction

import pytest
from helpers.gradients import forward, image_of, net_of, rows_behind, rows_of

from cnnshape import receptive_fields


def repeats(rows):
    """The least period of a list of sets of rows, and how far they move each time; found by trying."""
    for period in range(1, len(rows) // 2):
        pairs = [*zip(rows, rows[period:], strict=False)]
        moved = {min(later) - min(sooner) for sooner, later in pairs if sooner and later}
        if len(moved) == 1 and all({row + sum(moved) for row in sooner} == later for sooner, later in pairs):
            return period, sum(moved)
    raise AssertionError("they do not repeat")


def test_repeats_finds_the_least_period():
    assert repeats([{0}, {1}, {2}, {3}, {4}, {5}]) == (1, 1)
    assert repeats([{0}, {0}, {1}, {1}, {2}, {2}, {3}, {3}]) == (2, 1)
    assert repeats([{0, 2}, set(), {3, 5}, set(), {6, 8}, set()]) == (2, 3)
    with pytest.raises(AssertionError):
        repeats([{0}, {1}, {3}, {6}, {10}, {15}])


def held(size):
    """Two layers that give each position the first of its `size` rows: 0 0 0 3 3 3 6 6 6."""
    return ("slice", {"dim": 2, "step": size, "from_": "input"}), ("upsample", {"scale_factor": size})


def painted(**given):
    return "conv_transpose", {"out_channels": 2} | given


EVEN = (("slice", {"dim": 2, "step": 2, "from_": "input"}), painted(kernel_size=1, stride=2))
ODD = (("slice", {"dim": 2, "start": 1, "step": 2, "from_": "input"}), painted(kernel_size=1, stride=2))
MIDDLE = ("pad", {"padding": [[1, -1]]})
WHOLE = ("global_avg_pool", {})
NETS = {
    "a pool takes back an upsampling": (
        [("upsample", {"scale_factor": 4}), ("max_pool", {"kernel_size": 4})],
        (1, 1),
    ),
    "a stride leaves a part of an upsampling": (
        [("upsample", {"scale_factor": 6}), ("slice", {"dim": 2, "step": 4})],
        (3, 2),
    ),
    "holes": ([painted(kernel_size=2, stride=4, dilation=2)], (4, 1)),
    "held rows": ([*held(4)], (4, 4)),
    "two periods of which one divides the other": (
        [*held(2), *held(4), ("add", {"from_": ["l2", "l4"]})],
        (4, 4),
    ),
    "two periods that have a common divisor": ([*held(6), *held(4), ("add", {"from_": ["l2", "l4"]})], (12, 12)),
    "the same in another order": ([*held(4), *held(6), ("add", {"from_": ["l2", "l4"]})], (12, 12)),
    "even rows and odd rows are all rows": ([*EVEN, *ODD, MIDDLE, ("add", {"from_": ["l2", "l5"]})], (1, 1)),
    "the whole image everywhere": ([WHOLE, ("upsample", {"scale_factor": 12})], (1, 0)),
    "the whole image and nothing in turn": (
        [WHOLE, ("upsample", {"size": 6}), painted(kernel_size=2, stride=4, dilation=2)],
        (2, 0),
    ),
    "the whole image three times of five": (
        [WHOLE, ("upsample", {"size": 6}), painted(kernel_size=3, stride=5, dilation=2)],
        (5, 0),
    ),
}


@pytest.mark.parametrize(("layers", "expected"), NETS.values(), ids=NETS)
def test_the_period_is_the_least_of_the_gradients(layers, expected, torch):
    side = 60
    net = net_of(*layers, shape=(2, side))
    image = image_of((2, side))
    result = forward(net, image)[-1]
    field = [*receptive_fields(net).values()][-1][0]
    rows = [rows_behind(result, image, 0, position) for position in range(field.positions)]
    assert [rows_of(field, position, side) for position in range(field.positions)] == rows
    period, moved = repeats(rows)
    assert (period, moved) == expected
    assert (field.period, field.stride) == (period, Fraction(moved, period))


def test_a_field_of_two_speeds_has_no_period(torch):
    """One branch moves a row in two positions, the other a row in three."""
    thirds = ("upsample", {"scale_factor": 3, "from_": "input"})
    net = net_of(("upsample", {"scale_factor": 2}), thirds, ("crop", {"like": "l1"}), ("add", {"from_": ["l1", "l3"]}))
    image = image_of((2, 40))
    result = forward(net, image)[-1]
    (field,) = receptive_fields(net)["l4"]
    assert (field.period, field.stride) == (None, None)
    assert all(rows_of(field, position, 40) == rows_behind(result, image, 0, position) for position in range(80))


# Long periods, against cells counted one by one: as many as 4096 positions are told apart, and no more


@pytest.mark.parametrize(
    ("one", "other", "period"),
    [
        (96, 64, 192),  # their product would be too long
        (64, 4096, 4096),
        (64, 65, None),
    ],
)
def test_a_long_period_of_two_branches(one, other, period):
    side = 2 * 4096
    cut = ("slice", {"dim": 2, "stop": side})
    net = net_of(*held(one), cut, *held(other), cut, ("add", {"from_": ["l3", "l6"]}), shape=(1, side))
    (field,) = receptive_fields(net)["l7"]
    if period is None:
        assert field is None
        return
    assert (field.period, field.stride) == (period, 1)
    for position in range(0, side, 7):
        cells = field.at(position)
        first, last = sorted([position // one * one, position // other * other])
        assert (cells.first, cells.last, cells.support) == (first, last, 1 + (first < last))


@pytest.mark.parametrize(("factor", "period"), [(4096, 4096), (4097, None)])
def test_a_long_period_of_one_path(factor, period):
    net = net_of(("upsample", {"scale_factor": factor}), ("max_pool", {"kernel_size": 3, "stride": 1}), shape=(1, 3))
    (field,) = receptive_fields(net)["l2"]
    assert (field and field.period) == period
    if field:
        ends = [(field.at(position).first, field.at(position).last) for position in range(field.positions)]
        assert ends == [(position // factor, (position + 2) // factor) for position in range(3 * factor - 2)]


def test_a_period_that_would_be_long_but_for_a_common_divisor():
    """Window j of 1260 goes from floor(128/63 j) to ceil(128/63 (j + 1)), of cells that are 128 times a row."""
    net = net_of(("upsample", {"scale_factor": 128}), ("adaptive_avg_pool", {"output_size": 1260}), shape=(1, 20))
    (field,) = receptive_fields(net)["l2"]
    assert (field.period, field.stride) == (63, Fraction(1, 63))
    for position in range(1260):
        cells = range(position * 128 // 63, -(-(position + 1) * 128 // 63))
        assert rows_of(field, position, 20) == {cell // 128 for cell in cells}


def test_a_period_past_the_limit_by_two_layers():
    net = net_of(("upsample", {"scale_factor": 64}), ("upsample", {"scale_factor": 65}), shape=(1, 3))
    assert [field and field.period for (field,) in receptive_fields(net).values()] == [64, None]
