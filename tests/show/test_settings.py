"""A layer's settings in words."""

import re

import pytest
from helpers.screen import layers, row


@pytest.mark.parametrize(
    ("table", "shape", "said"),
    [
        ('type = "conv", out_channels = 8, kernel_size = 3', "[1, 32, 32]", "conv  3x3"),
        ('type = "conv", out_channels = 8, kernel_size = 3', "[1, 8, 32, 32]", "conv  3x3x3"),
        ('type = "conv", out_channels = 8, kernel_size = 3', "[1, 32]", "conv  kernel_size 3"),
        ('type = "conv", out_channels = 8, kernel_size = [3, 5], padding = [1, 2]', "[1, 32, 32]", "3x5, padding 1x2"),
        ('type = "conv", out_channels = 8, kernel_size = 3, padding = "same"', "[1, 32, 32]", "3x3, padding same"),
        ('type = "conv", out_channels = 8, kernel_size = 3, stride = 1, bias = false', "[1, 32, 32]", "3x3, no bias  "),
        ('type = "conv", out_channels = 8, kernel_size = 3, stride = [1, 1]', "[1, 32, 32]", "conv  3x3  "),
        ('type = "conv", out_channels = 8, kernel_size = 3, groups = 4, dilation = 2', "[4, 32, 32]", "3x3, dilation 2, groups 4"),
        ('type = "max_pool", kernel_size = 3', "[1, 32, 32]", "3x3, stride 3"),
        ('type = "max_pool", kernel_size = 3, stride = 2, ceil_mode = true', "[1, 32, 32]", "3x3, stride 2, ceil_mode"),
        ('type = "avg_pool", kernel_size = 2, count_include_pad = false', "[1, 32, 32]", "stride 2, no count_include_pad"),
        ('type = "linear", in_features = 32, out_features = 5, bias = false', "[32]", "linear  no bias"),
        ('type = "dropout", p = 0.25', "[32]", "dropout  p 0.25"),
        ('type = "dropout"', "[32]", "dropout  32"),
        ('type = "upsample", scale_factor = 2, mode = "bilinear"', "[1, 32, 32]", "scale_factor 2, mode bilinear"),
        ('type = "pad", padding = [[0, 1], 2]', "[1, 32, 32]", "padding (0,1)x2"),
        ('type = "group_norm", num_groups = 2', "[4, 32, 32]", "group_norm  num_groups 2"),
        ('type = "permute", dims = [0, 2, 3, 1]', "[4, 32, 32]", "permute  dims [2, 3, 1]"),
        ('type = "reduce", how = "mean", dim = -1, keepdim = true', "[4, 32, 32]", "how mean, dim -1, keepdim"),
        ('type = "unflatten", dim = 1, unflattened_size = [2, -1]', "[4, 32, 32]", "dim 1, unflattened_size 2x-1"),
        ('type = "function", function = "clamp", min = -1', "[4, 32, 32]", "function  clamp, min -1"),
        ('type = "scale", shape = []', "[4]", "scale  shape []"),
        ('type = "scale", shape = [4, 1, 32]', "[4, 32, 32]", "scale  shape 4x1x32"),
        ('type = "scale"', "[4, 32, 32]", "scale  4x32x32"),
        ('type = "linear", out_features = 5, learned = false', "[32]", "linear  not learned"),
        ('type = "linear", out_features = 5, parametrization = "weight_norm"', "[32]", "linear  weight_norm"),
        ('type = "linear", out_features = 5, frozen = true', "[32]", "linear  frozen"),
        ('type = "relu", frozen = true', "[32]", "relu  32"),
    ],
)  # fmt: skip
def test_settings(net, table, shape, said):
    lines = net(layers(f'name = "it", {table}', shape=shape))
    assert said in re.sub(" {2,}", "  ", row(lines, "it"))


def test_settings_in_the_files_layout(net):
    text = 'layout = "channels_last"\n' + layers('name = "it", type = "reshape", shape = [8, 4, 2]', shape="[4, 4, 4]")
    assert "shape 8x4x2" in row(net(text), "it")
    assert "→ 8x4x2" in row(net(text), "it")
