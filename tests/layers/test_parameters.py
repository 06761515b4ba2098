"""How a setting reads: its one form, what is wrong with it, the defaults."""

from __future__ import annotations

import inspect
import math
from contextlib import suppress

import pytest
from helpers.layers import layer

from cnnshape.layers import TYPES
from cnnshape.layers.parameters import REQUIRED, Inferred, PerAxis, Reference, Wrong


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
            'padding_mode must be one of "zeros", "reflect", "replicate", "circular", not "mirror"; did you mean reflect?',
        ),
        ("conv_transpose", "padding_mode", "reflect", 'padding_mode must be "zeros", not "reflect"'),
        (
            "conv",
            "padding",
            ["same", 1],
            'padding must be a whole number from 0 up, or a list with one for each spatial axis, or "same", or "valid", or "same_upper", or "same_lower", not ["same", 1]',
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
        ("upsample", {}, "upsample needs one of size, scale_factor, like, at_least or at_most"),
        (
            "upsample",
            {"size": 2, "scale_factor": 2},
            "upsample needs one of size, scale_factor, like, at_least or at_most",
        ),
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


def test_a_layer_that_states_a_default_is_the_same_layer():
    for kind in TYPES.values():
        for name, parameter in kind.parameters.items():
            if not parameter.required:
                one, other = kind(**{name: parameter.default}), kind()
                assert one == other, (kind.type, name)
                assert hash(one) == hash(other), (kind.type, name)


@pytest.mark.parametrize("kind", ["max_pool", "avg_pool"])
def test_the_usual_stride_of_a_pool_is_its_kernel_size(kind):
    plain = layer(kind, kernel_size=2)
    assert {layer(kind, kernel_size=2, stride=2), plain} == {plain}
    assert layer(kind, kernel_size=2, stride=1) != plain


def test_whether_padding_counts_is_stated_by_the_padding_itself():
    plain, counted = ({"kernel_size": 2, "padding": padding} for padding in ("same_upper", 1))
    assert layer("avg_pool", **plain, count_include_pad=False) == layer("avg_pool", **plain)
    assert layer("avg_pool", **plain, count_include_pad=True) != layer("avg_pool", **plain)
    assert layer("avg_pool", **counted, count_include_pad=True) == layer("avg_pool", **counted)
    assert layer("avg_pool", **counted, count_include_pad=False) != layer("avg_pool", **counted)


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
        theirs = getattr(torch.nn, kind.torch.format(rank=rank))
        taken = inspect.signature(torch.nn.RNNBase if issubclass(theirs, torch.nn.RNNBase) else theirs).parameters
        for name, parameter in kind.parameters.items():
            if not parameter.torch or isinstance(parameter, Inferred | Reference):
                continue
            if name not in taken and (kind.type, name) in YOUNGER | OF_ONE_CLASS:
                continue
            theirs = taken[name].default
            ours = REQUIRED if theirs is inspect.Parameter.empty else theirs
            same = isinstance(parameter, PerAxis) and parameter.same_as
            assert (parameter.default == ours) or (same and theirs is None) or (kind.type, name) in OURS, (kind, name)


YOUNGER = {(norm, "bias") for norm in ("batch_norm", "instance_norm", "group_norm")}  # torch 2.12 brought it
OF_ONE_CLASS = {("rnn", "nonlinearity")}  # in no signature
OURS = {("softmax", "dim"), ("log_softmax", "dim"), ("softmin", "dim")}  # torch's own warns: say which axis
OURS |= {
    ("unflatten", "unflattened_size"),
    ("fold", "output_size"),
    ("adaptive_avg_pool", "output_size"),
    ("adaptive_max_pool", "output_size"),
    ("rms_norm", "eps"),
}  # `like` may stand in its place
