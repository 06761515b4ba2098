"""The layer types beyond shapes and counts (which properties/test_torch.py asks torch about): what is lost, doubted, read."""

from __future__ import annotations

from itertools import product

import pytest
from helpers.layers import layer

from cnnshape.layers import TYPES, Layer
from cnnshape.layers.base import Doubt
from cnnshape.network import report
from cnnshape.network.flow import measure
from cnnshape.numbers.unknown import UNKNOWN

UNKNOWN_SHAPE = (UNKNOWN, UNKNOWN, UNKNOWN)


def conv(**settings) -> Layer:
    return layer("conv", in_channels=3, out_channels=8, **settings)


# Remainder and dropped rows


@pytest.mark.parametrize(("kernel_size", "stride", "padding"), list(product(range(1, 5), range(1, 5), range(3))))
def test_dropped_cells_are_those_behind_the_last_window(kernel_size, stride, padding):
    window = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    pools = [layer("max_pool", **window, ceil_mode=ceil_mode) for ceil_mode in (False, True)]
    for w, one in product(range(1, 12), [conv(**window), *pools]):
        result = measure(one, ((3, w),))
        if not result.refusals:
            windows = range(-padding, w + padding, stride)[: result.output[1]]
            read = {first + tap for first in windows for tap in range(kernel_size)}
            behind = next(cells for cells in range(w + 1) if cells == w or w - 1 - cells in read)
            assert report.dropped(one, (3, w), result.output) == (behind,)
            if one is not pools[1]:
                [remainder] = report.remainders(one, (3, w), result.output)
                assert remainder == w + padding - windows[-1] - kernel_size


@pytest.mark.parametrize(
    ("one", "side", "remainder", "dropped"),
    [
        (conv(kernel_size=11, stride=4), 227, 0, 0),  # AlexNet
        (conv(kernel_size=11, stride=4), 224, 1, 1),  # the famous misprint
        (conv(kernel_size=11, stride=4, padding=2), 224, 1, 0),  # torchvision's AlexNet
        (conv(kernel_size=7, stride=2, padding=3), 224, 1, 0),  # ResNet: what is left over is padding
        (layer("max_pool", kernel_size=3, stride=2), 112, 1, 1),
        (layer("max_pool", kernel_size=3, stride=2, ceil_mode=True), 112, 1, 0),  # SqueezeNet
        (conv(kernel_size=2, stride=3, padding="valid"), 10, 2, 2),
        (conv(kernel_size=4, padding="same"), 10, 0, 0),
        (layer("relu"), 10, 0, 0),
    ],
)
def test_remainder_and_dropped_of_known_layers(one, side, remainder, dropped):
    shape = (3, side, side)
    output = measure(one, (shape,)).output
    assert report.remainders(one, shape, output) == [remainder] * 2
    assert report.dropped(one, shape, output) == (dropped,) * 2


# Counts


@pytest.mark.parametrize(
    ("one", "shape", "parameters", "macs"),
    [
        (layer("conv", in_channels=3, out_channels=96, kernel_size=11, stride=4), (3, 227, 227), 34_944, 105_415_200),
        (
            layer("conv", in_channels=96, out_channels=256, kernel_size=5, padding=2, groups=2),
            (96, 27, 27),
            307_456,
            223_948_800,
        ),
        (layer("linear", in_features=9216, out_features=4096), (9216,), 37_752_832, 37_748_736),
        (
            layer("conv_transpose", in_channels=4, out_channels=2, kernel_size=2, stride=2),
            (4, 5, 5),
            34,
            4 * 2 * 4 * 25,
        ),
        (layer("batch_norm", num_features=64), (64, 112, 112), 128, 0),
        (layer("max_pool", kernel_size=2), (64, 112, 112), 0, 0),
    ],
)
def test_counts_of_known_layers(one, shape, parameters, macs):
    result = measure(one, (shape,))
    assert (result.parameters, result.macs) == (parameters, macs)


# Failures and what is unknown behind them


def test_one_axis_fails_and_the_others_go_on():
    result = measure(conv(kernel_size=[3, 30]), ((3, 24, 24),))
    assert result.output == (8, 22, UNKNOWN)
    assert [code for code, _ in result.refusals] == ["window-too-large"]
    assert result.macs is UNKNOWN
    assert result.parameters == 8 * 3 * 3 * 30 + 8


def test_two_axes_that_fail_alike_are_one_problem():
    assert len(measure(conv(kernel_size=30), ((3, 24, 24),)).refusals) == 1
    assert len(measure(conv(kernel_size=30), ((3, 24, 23),)).refusals) == 2


def test_a_refused_input_leaves_the_rank_where_it_is_known():
    assert measure(layer("glu", dim=4), ((3, 8, 8),)).output == UNKNOWN_SHAPE
    assert measure(layer("flatten", start_dim=4), ((3, 8, 8),)).output is None


@pytest.mark.parametrize(
    ("one", "shape", "code", "output"),
    [
        (layer("conv", in_channels=3, out_channels=8, kernel_size=3, groups=2), (3, 8, 8), "groups-do-not-divide", (8, 6, 6)),
        (layer("conv", in_channels=4, out_channels=8, kernel_size=3, groups=3), (4, 8, 8), "groups-do-not-divide", (8, 6, 6)),
        (layer("conv", in_channels=3, out_channels=8, kernel_size=[3]), (3, 8, 8), "axes-differ", (8, UNKNOWN, UNKNOWN)),
        (layer("conv_transpose", in_channels=3, out_channels=8, kernel_size=3, groups=2), (3, 8), "groups-do-not-divide", (8, 10)),
        (layer("pixel_shuffle", upscale_factor=2), (3, 8, 9), "not-divisible", (UNKNOWN, 16, 18)),
        (layer("pixel_unshuffle", downscale_factor=2), (3, 8, 9), "not-divisible", (12, 4, UNKNOWN)),
        (layer("depth_to_space", block_size=2), (3, 8), "not-divisible", (UNKNOWN, 16)),
        (layer("space_to_depth", block_size=2), (3, 9), "not-divisible", (6, UNKNOWN)),
        (layer("glu", dim=1), (3, 8), "not-divisible", (UNKNOWN, 8)),
        (layer("group_norm", num_groups=2, num_channels=3), (3, 8), "groups-do-not-divide", (3, 8)),
        (layer("instance_norm", num_features=3), (3, 1, 1), "one-value", (3, 1, 1)),
        (layer("layer_norm"), (3, 8), "say-over", (3, 8)),
        (layer("prelu", num_parameters=2), (3, 8), "slopes-differ", (3, 8)),
        (layer("softmax", dim=4), (3, 8), "no-such-axis", (3, 8)),
        (layer("channel_shuffle", groups=2), (3, 8), "groups-do-not-divide", (3, 8)),
        (layer("reshape", shape=[7, 7]), (3, 8), "elements-differ", (7, 7)),
        (layer("reshape", shape=[7, -1]), (3, 8), "elements-differ", (7, UNKNOWN)),
        (layer("crop", size=40), (3, 8), "crop-grows", (3, 40)),
        (layer("crop", size=7, exact=True), (3, 8), "odd-crop", (3, 7)),
        (layer("upsample", size=[9, 7], mode="linear"), (3, 8, 8), "mode-needs-axes", (3, 9, 7)),
        (layer("upsample", size=[9], mode="nearest"), (3, 8, 8), "axes-differ", (3, UNKNOWN, UNKNOWN)),
    ],
)  # fmt: skip
def test_a_refused_layer_keeps_what_its_settings_state(one, shape, code, output):
    result = measure(one, (shape,))
    assert {refusal.code for refusal in result.refusals} == {code}
    assert result.output == output


def test_parameters_of_groups_that_do_not_divide_are_not_known():
    assert (
        measure(layer("conv", in_channels=3, out_channels=8, kernel_size=3, groups=2), ((3, 8, 8),)).parameters
        is UNKNOWN
    )
    assert measure(layer("conv", in_channels=4, out_channels=8, kernel_size=3, groups=3), ((4, 8, 8),)).macs is UNKNOWN


def test_nothing_echoes_behind_a_failure():
    for kind in TYPES:
        if not TYPES[kind].required and TYPES[kind].joins.stop == 2 and not TYPES[kind].inconsistent({}):
            one = layer(kind)
            assert not measure(one.completed(None), (UNKNOWN_SHAPE,)).refusals or kind in ("layer_norm", "rms_norm")
            assert measure(one, (None,)).output is None


def test_a_max_unpool_is_silent_about_what_its_pool_has_said():
    pool = layer("max_pool", kernel_size=[2, 2, 2])
    assert [code for code, _ in measure(pool, ((3, 8, 8),)).refusals] == ["axes-differ"]
    unpool = TYPES["max_unpool"](indices=pool)
    assert not measure(unpool, (UNKNOWN_SHAPE, (3, 8, 8))).refusals
    pool = layer("max_pool", kernel_size=9)
    assert not measure(TYPES["max_unpool"](indices=pool), (UNKNOWN_SHAPE, (3, 8, 8))).refusals


def test_a_layer_norm_behind_a_failure_normalises_what_arrives():
    one = layer("layer_norm", over="all")
    behind = one.completed(None)
    result = measure(behind, ((3, 8),))
    assert (result.output, result.parameters, result.refusals) == ((3, 8), UNKNOWN, ())


# Numbers near and beyond 2**63


@pytest.mark.parametrize(
    ("one", "shape", "codes"),
    [
        (conv(kernel_size=2**31 - 1), (3, 224, 224), ["window-too-large"]),
        (conv(kernel_size=2, dilation=2**31 - 2), (3, 224), ["window-too-large"]),
        (conv(kernel_size=2, dilation=2**31 - 1), (3, 224), ["window-too-wide"]),
        (conv(kernel_size=1, dilation=2**31 - 1, padding=2**31 - 1), (3, 9, 9, 9), ["too-many-elements"]),
        (
            layer("conv_transpose", in_channels=1, out_channels=1, kernel_size=1, stride=2**31 - 1),
            (1, 2**33),
            ["too-many-elements"],
        ),
        (layer("upsample", scale_factor=2**62), (1, 1), []),
        (layer("upsample", scale_factor=2**62), (1, 2), ["too-many-elements"]),
        (layer("upsample", scale_factor=1e18), (1, 100), ["too-many-elements"]),
        (layer("max_pool", kernel_size=2**31 - 1, padding=2**30 - 1), (3, 224), []),
        (layer("pad", padding=[[2**62, 2**62]]), (1, 5), ["too-many-elements"]),
        (layer("pad", padding=[[-(2**62), 2**62]]), (1, 5), ["nothing-left"]),
        (layer("slice", start=-(2**62)), (3, 4), ["slice-out-of-range"]),
        (layer("reshape", shape=[2**62, 2**62]), (3, 4), ["elements-differ"]),
        (layer("flatten"), (2**21, 2**21, 2**20), []),
        (layer("flatten"), (2**21, 2**21, 2**21), ["too-many-elements"]),
        (layer("pixel_shuffle", upscale_factor=2**62), (4, 4, 4), ["not-divisible"]),
        (layer("group_norm", num_groups=2**62, num_channels=4), (4,), ["groups-do-not-divide"]),
    ],
)
def test_huge_numbers_cost_nothing(one, shape, codes):
    assert [code for code, _ in measure(one, (shape,)).refusals] == codes


def test_weights_beyond_any_memory_are_counted():
    one = conv(kernel_size=2**30, padding=2**30, stride=2**31 - 1, bias=False)
    assert measure(one, ((3, 9, 9),))[:3] == ((8, 1, 1), 24 * 2**60, 24 * 2**60)


# Doubts


@pytest.mark.parametrize(
    ("one", "shape", "doubts"),
    [
        (layer("linear", in_features=8, out_features=2), (8,), []),
        (layer("linear", in_features=8, out_features=2), (100, 8), []),  # 100 steps
        (layer("linear", in_features=8, out_features=2), (3, 8, 8), [Doubt("linear-on-space", {"axes": 3})]),
        (layer("batch_norm", num_features=3), (3, 1, 2), []),
        (layer("batch_norm", num_features=3), (3, 1, 1), [Doubt("one-value-batch-norm", {"shape": (3, 1, 1)})]),
        (layer("batch_norm", num_features=3), (3,), [Doubt("one-value-batch-norm", {"shape": (3,)})]),
    ],
)
def test_doubts(one, shape, doubts):
    assert [*measure(one, (shape,)).doubts] == doubts


def test_a_type_that_torch_has_no_class_for_says_how_torch_computes_it():
    with pytest.raises(TypeError, match=r"^square is no class of torch\.nn"):

        class Square(Layer, type="square"):
            """x * x."""

    assert "square" not in TYPES
