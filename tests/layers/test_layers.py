"""The layer types beyond shapes and counts (which properties/test_torch.py asks torch about): what is lost, doubted, read."""

from __future__ import annotations

import inspect
import math
from contextlib import suppress
from itertools import product

import pytest

from cnnshape.layers import TYPES, Layer
from cnnshape.layers.base import Doubt
from cnnshape.layers.parameters import REQUIRED, Inferred, PerAxis, Reference, Wrong
from cnnshape.network.flow import measure
from cnnshape.network.report import leftovers
from cnnshape.numbers.unknown import UNKNOWN

UNKNOWN_SHAPE = (UNKNOWN, UNKNOWN, UNKNOWN)


def layer(kind: str, **settings) -> Layer:
    """Make a layer of settings as a file writes them."""
    parameters = TYPES[kind].parameters
    return TYPES[kind](**{name: parameters[name].read(value) for name, value in settings.items()})


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
            first = range(-padding, w + padding, stride)[result.output[1] - 1]
            behind = [cell for cell in range(w) if cell >= first + kernel_size]
            [(remainder, dropped)] = leftovers(one, (3, w), result.output)
            assert dropped == len(behind)
            if one is not pools[1]:
                assert remainder == w + padding - first - kernel_size


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
    assert leftovers(one, shape, measure(one, (shape,)).output) == [(remainder, dropped)] * 2


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
    assert measure(layer("softmax", dim=4), ((3, 8, 8),)).output == UNKNOWN_SHAPE
    assert measure(layer("flatten", start_dim=4), ((3, 8, 8),)).output is None


def test_nothing_echoes_behind_a_failure():
    for kind in TYPES:
        if not TYPES[kind].required and TYPES[kind].joins.stop == 2 and not TYPES[kind].inconsistent({}):
            one = layer(kind)
            assert not measure(one.completed(None), (UNKNOWN_SHAPE,)).refusals or kind == "layer_norm"
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
        (conv(kernel_size=2**40), (3, 224, 224), ["window-too-large"]),
        (conv(kernel_size=1, padding=2**62), (3, 224), ["too-many-elements"]),
        (
            layer("conv_transpose", in_channels=1, out_channels=1, kernel_size=2**63 - 1, stride=2**62),
            (1, 9),
            ["too-many-elements"],
        ),
        (layer("upsample", scale_factor=2**62), (1, 1), []),
        (layer("upsample", scale_factor=2**62), (1, 2), ["too-many-elements"]),
        (layer("upsample", scale_factor=1e18), (1, 100), ["too-many-elements"]),
        (layer("max_pool", kernel_size=2**40, padding=2**39), (3, 224), []),
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
    one = conv(kernel_size=2**31, padding=2**30, stride=2**31, bias=False)
    assert measure(one, ((3, 9, 9),))[:3] == ((8, 1, 1), 24 * 2**62, 24 * 2**62)


# Doubts


@pytest.mark.parametrize(
    ("one", "shape", "doubts"),
    [
        (layer("linear", in_features=8, out_features=2), (8,), []),
        (layer("linear", in_features=8, out_features=2), (3, 8, 8), [Doubt("linear-on-space", {"axes": 3})]),
        (layer("batch_norm", num_features=3), (3, 1, 2), []),
        (layer("batch_norm", num_features=3), (3, 1, 1), [Doubt("one-value-batch-norm", {"shape": (3, 1, 1)})]),
        (layer("batch_norm", num_features=3), (3,), [Doubt("one-value-batch-norm", {"shape": (3,)})]),
    ],
)
def test_doubts(one, shape, doubts):
    assert [*measure(one, (shape,)).doubts] == doubts


# How a setting reads


def read(kind: str, name: str, value):
    return TYPES[kind].parameters[name].read(value)


@pytest.mark.parametrize(
    ("kind", "name", "value", "result"),
    [
        ("conv", "kernel_size", 3, 3),
        ("conv", "kernel_size", [3, 5], (3, 5)),
        ("conv", "padding", "same", "same"),
        ("conv", "bias", False, False),
        ("adaptive_avg_pool", "output_size", ["keep", 1], ("keep", 1)),
        ("layer_norm", "normalized_shape", 7, (7,)),
        ("layer_norm", "normalized_shape", [7, 2], (7, 2)),
        ("upsample", "scale_factor", [2, 0.5], (2, 0.5)),
        ("pad", "padding", [1, [0, -2]], (1, (0, -2))),
        ("pad", "channels", [0, 3], (0, 3)),
        ("reshape", "shape", [-1, 4], (-1, 4)),
        ("lp_pool", "norm_type", math.inf, math.inf),
        ("softmax", "dim", -1, -1),
        ("slice", "stop", 0, 0),
    ],
)
def test_a_setting_has_one_form(kind, name, value, result):
    assert read(kind, name, value) == result


@pytest.mark.parametrize(
    ("kind", "name", "value", "message"),
    [
        ("conv", "out_channels", 0, "out_channels must be a whole number from 1 up, not 0"),
        ("conv", "out_channels", True, "out_channels must be a whole number from 1 up, not true"),
        ("conv", "out_channels", 2**63, "out_channels must be a whole number from 1 up, not 9223372036854775808"),
        ("conv", "bias", 1, "bias must be true or false, not 1"),
        (
            "conv",
            "padding_mode",
            "mirror",
            'padding_mode must be one of "zeros", "reflect", "replicate", "circular", not "mirror"',
        ),
        ("conv_transpose", "padding_mode", "reflect", 'padding_mode must be "zeros", not "reflect"'),
        (
            "conv",
            "padding",
            ["same", 1],
            'padding must be a whole number from 0 up, or a list with one for each spatial axis, or "same", or "valid", not ["same", 1]',
        ),
        (
            "max_pool",
            "kernel_size",
            [],
            "kernel_size must be a whole number from 1 up, or a list with one for each spatial axis, not []",
        ),
        (
            "max_pool",
            "kernel_size",
            [2, True],
            "kernel_size must be a whole number from 1 up, or a list with one for each spatial axis, not [2, true]",
        ),
        (
            "upsample",
            "scale_factor",
            math.nan,
            "scale_factor must be a positive number, or a list with one for each spatial axis, not nan",
        ),
        ("dropout", "p", 1.5, "p must be a number from 0 to 1, not 1.5"),
        ("celu", "alpha", 0, "alpha must be a number other than 0, not 0"),
        ("rrelu", "upper", math.inf, "upper must be a finite number, not inf"),
        ("elu", "alpha", math.nan, "alpha must be a number, not nan"),
        ("elu", "alpha", True, "alpha must be a number, not true"),
        ("elu", "alpha", 10**30, None),
        ("celu", "alpha", 10**400, None),
        (
            "softmax",
            "dim",
            0,
            "dim must be an axis: 1 the channels, then space, or negative from the end (0 is the batch), not 0",
        ),
        ("avg_pool", "divisor_override", 0, "divisor_override must be a whole number other than 0, not 0"),
        ("reshape", "shape", [-1, -1], "shape must be a list of whole numbers, one of which may be -1, not [-1, -1]"),
        ("pad", "padding", [[1, 2, 3]], None),
        (
            "pad",
            "channels",
            [0, -1],
            "channels must be a whole number from 0 up, or a pair [before, after], not [0, -1]",
        ),
        ("upsample", "like", 3, "like must be the name of a layer, or input, not 3"),
    ],
)
def test_a_wrong_setting_says_what_it_must_be(kind, name, value, message):
    with pytest.raises(Wrong) as wrong:
        read(kind, name, value)
    assert message is None or str(wrong.value) == message


@pytest.mark.parametrize(
    "value", [None, "", "x", [], [[]], {}, -(2**70), 1j, b"", (), [None], ["keep", "x"], [[1], [2]]]
)
def test_no_value_at_all_makes_a_parameter_stumble(value):
    for kind in TYPES.values():
        for parameter in kind.parameters.values():
            with suppress(Wrong):
                parameter.read(value)


@pytest.mark.parametrize(
    ("kind", "settings", "sentence"),
    [
        ("upsample", {}, "upsample needs one of size, scale_factor or like"),
        ("upsample", {"size": 2, "scale_factor": 2}, "upsample needs one of size, scale_factor or like"),
        (
            "upsample",
            {"size": 2, "align_corners": True},
            "align_corners is only for mode linear, bilinear, bicubic or trilinear, not nearest",
        ),
        ("crop", {"exact": True}, "crop needs one of size, like or amount"),
        ("crop", {"amount": 1, "offset": 1}, "amount and exact are for the middle, without offset"),
        ("crop", {"size": 1, "offset": 1, "exact": True}, "amount and exact are for the middle, without offset"),
        ("crop", {"size": 1, "offset": 1, "exact": False}, ""),
        ("hardtanh", {"min_val": 1.0}, "max_val (1.0) must be above min_val (1.0)"),
        ("rrelu", {"lower": 0.5}, f"lower (0.5) must not be above upper ({1 / 3})"),
        ("batch_norm", {"eps": 0, "track_running_stats": False}, "without track_running_stats, eps must be above 0"),
        ("pad", {"value": 1, "mode": "reflect"}, "value is only for mode constant, not reflect"),
        ("pad", {"value": 0, "mode": "reflect"}, ""),
        ("conv", {"out_channels": 1}, ""),
    ],
)
def test_settings_that_do_not_go_together(kind, settings, sentence):
    problem = TYPES[kind].inconsistent(settings)
    assert (problem.message if problem else "") == sentence


@pytest.mark.parametrize(
    ("settings", "cells"),
    [({"size": 4}, [3, 4, 5, 6]), ({"size": 4, "offset": 1}, [1, 2, 3, 4]), ({"size": 4, "offset": 0}, [0, 1, 2, 3])],
)
def test_which_cells_a_crop_takes(settings, cells, torch):
    assert layer("crop", **settings).call(torch, None, torch.arange(11)[None, None]).flatten().tolist() == cells


def test_a_default_is_one_of_the_values_that_a_parameter_takes():
    for kind in TYPES.values():
        for parameter in kind.parameters.values():
            if parameter.default not in (REQUIRED, None):
                assert parameter.read(parameter.default) == parameter.default


def test_the_defaults_are_torchs(torch):
    for kind in TYPES.values():
        rank = "1" if kind.type in ("global_avg_pool", "global_max_pool") else "2"
        if not kind.torch:
            continue
        taken = inspect.signature(getattr(torch.nn, kind.torch.format(rank=rank))).parameters
        for name, parameter in kind.parameters.items():
            if not parameter.torch or isinstance(parameter, Inferred | Reference):
                continue
            if name not in taken and (kind.type, name) in YOUNGER:
                continue
            theirs = taken[name].default
            ours = REQUIRED if theirs is inspect.Parameter.empty else theirs
            like = isinstance(parameter, PerAxis) and parameter.like
            assert (parameter.default == ours) or (like and theirs is None) or (kind.type, name) in OURS, (kind, name)


YOUNGER = {(norm, "bias") for norm in ("batch_norm", "instance_norm", "group_norm")}  # torch 2.12 brought it
OURS = {("softmax", "dim"), ("log_softmax", "dim"), ("softmin", "dim")}  # torch's own warns: say which axis
