"""Padding that follows the side: what the windows see, cell by cell, against the example of TensorFlow's documentation."""

import pytest

pytest.importorskip("torch")

import torch

from cnnshape.layers import TYPES

# tf.nn, "Notes on padding": inputs 1 to 13, windows of 6 with stride 5, are |0 1 2 3 4 5|, |5 .. 10|, |10 .. 13 0 0|.
ROW = torch.arange(1.0, 14.0).reshape(1, 1, 13)
SAME = {"kernel_size": 6, "stride": 5}


def result(kind, x, **settings):
    layer = TYPES[kind](**settings).completed(tuple(x.shape[1:]))
    module = layer.module(torch, tuple(x.shape[1:]))
    for weights in module.parameters():
        torch.nn.init.ones_(weights)
    return layer.call(torch, module, x).flatten().tolist()


@pytest.mark.parametrize(
    ("kind", "settings", "upper", "lower"),
    [
        ("conv", {"out_channels": 1, "bias": False}, [15, 45, 46], [10, 39, 55]),
        ("max_pool", {}, [5, 10, 13], [4, 9, 13]),
        ("avg_pool", {}, [3, 7.5, 11.5], [2.5, 6.5, 11]),
        ("avg_pool", {"count_include_pad": True}, [15 / 6, 7.5, 46 / 6], [10 / 6, 6.5, 55 / 6]),
        ("avg_pool", {"count_include_pad": False}, [3, 7.5, 11.5], [2.5, 6.5, 11]),
        ("lp_pool", {"norm_type": 1}, [15, 45, 46], [10, 39, 55]),
    ],
)
def test_the_windows_of_the_example(kind, settings, upper, lower):
    assert result(kind, ROW, **SAME, **settings, padding="same_upper") == pytest.approx(upper)
    assert result(kind, ROW, **SAME, **settings, padding="same_lower") == pytest.approx(lower)


def test_a_given_divisor_is_the_divisor():
    given = {"kernel_size": 2, "divisor_override": 10, "padding": "same_upper"}
    assert result("avg_pool", torch.ones(1, 1, 3, 3), **given) == pytest.approx([0.4, 0.2, 0.2, 0.1])


def test_the_largest_of_negative_values_is_no_padding():
    assert result("max_pool", -ROW, **SAME, padding="same_upper") == [-1, -5, -10]


@pytest.mark.parametrize(
    ("mode", "sums"), [("zeros", [6, 12]), ("reflect", [8, 16]), ("replicate", [7, 17]), ("circular", [11, 13])]
)
def test_a_convolution_pads_in_its_mode(mode, sums):
    """|a 1 2 3|, |3 4 5 b|: a and b are 0 and 0; 2 and 4; 1 and 5; 5 and 1."""
    row = torch.arange(1.0, 6.0).reshape(1, 1, 5)
    given = {"out_channels": 1, "bias": False, "kernel_size": 4, "stride": 3, "padding": "same_upper"}
    assert result("conv", row, padding_mode=mode, **given) == sums


def test_keras_cuts_the_odd_cell_of_a_transposed_convolution_off_the_end():
    """Windows of 3 painted 2 apart make 1 1 2 1 1; Keras wants twice the side."""
    given = {"out_channels": 1, "bias": False, "kernel_size": 3, "stride": 2}
    x = torch.ones(1, 1, 2)
    assert result("conv_transpose", x, **given) == [1, 1, 2, 1, 1]
    assert result("conv_transpose", x, **given, padding="same_upper") == [1, 1, 2, 1]
    assert result("conv_transpose", x, **given, padding="same_lower") == [1, 2, 1, 1]
