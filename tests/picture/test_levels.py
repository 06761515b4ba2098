"""The levels of resolution: how often a side was halved, as the papers' figures have it."""

import pytest
from helpers.nets import conv, layer, net, net_of, zoo

from cnnshape.picture.levels import levels


def of(net):
    """The level of each layer by its name."""
    found = levels(net, net.check())
    return dict(zip([node.name for node in net.nodes], found[1 + len(net.inputs) :], strict=True))


@pytest.mark.parametrize("name", ["unet", "unet_original"])
def test_the_sides_of_a_unet_are_level(name):
    found = of(zoo(name))  # the original crops: 568 meets 392, and both were halved as often
    for number in range(1, 5):
        assert found[f"down{number}.conv2"] == found[f"up{number}.concat"] == found[f"up{number}.up"] == number - 1
    assert found["bottom.conv2"] == 4


def test_a_stride_of_four_halves_twice():
    found = of(zoo("alexnet"))  # 227 -> 55 -> 27 -> 13 -> 6: floor((x - 7)/4), and so on
    assert [found[name] for name in ("conv1", "pool1", "conv2", "pool2", "conv5", "pool3")] == [2, 3, 3, 4, 4, 5]


def test_vectors_are_below_all_images():
    found = of(zoo("alexnet"))
    assert {found[name] for name in ("flatten1", "fc6", "fc8")} == {6}


def test_what_becomes_larger_goes_up():
    found = of(zoo("dcgan_generator"))
    assert [found[name] for name in ("up1.conv", "up2.conv", "up3.conv", "up4.conv", "image")] == [0, -1, -2, -3, -4]


def test_axes_that_are_halved_differently_have_their_mean():
    found = of(net_of(conv([3, 3], [2, 1], 1, "c"), shape="[1, 64, 64]"))
    assert found["c"] == 0.5


def test_a_global_pool_is_below():
    found = of(net_of(conv(3, 2, 1, "c"), layer("global_avg_pool", "g"), shape="[1, 64, 64]"))
    assert found == {"c": 1, "g": 2}


def test_a_fixed_size_is_where_its_cells_are():
    found = of(net_of(layer("adaptive_avg_pool", "a", output_size=16), shape="[1, 64, 64]"))
    assert found["a"] == 2


def test_what_is_behind_a_failure_stays_at_its_level():
    text = 'input = [1, 32, 32]\nlayers = [{ name = "p", type = "max_pool", kernel_size = 4 }, { name = "c", type = "conv", out_channels = 1, kernel_size = 9 }, { name = "n", type = "max_pool", kernel_size = 2 }]'
    assert of(net(text))["n"] >= of(net(text))["c"] == of(net(text))["p"] == 2


def test_positions_in_a_row_stand_where_their_image_is():
    flat = layer("reshape", "r", shape=[1, 256])  # 16 x 16 of 64 x 64
    found = of(net_of(conv(1, 4, 0, "c", out_channels=1), flat, shape="[1, 64, 64]"))
    assert found == {"c": 2, "r": 2}


def test_inputs_of_different_sides_stand_apart():
    text = 'inputs = { a = [1, 64, 64], b = [1, 32, 32] }\nlayers = [{ name = "c", type = "conv", out_channels = 1, kernel_size = 1, from = "b" }, { name = "d", type = "conv", out_channels = 1, kernel_size = 1, from = "a" }]\noutputs = ["c", "d"]'
    assert of(net(text)) == {"c": 1, "d": 0}


def test_a_net_of_vectors_is_one_row():
    found = of(net_of(layer("linear", "a", out_features=3), layer("linear", "b", out_features=2), shape="[4]"))
    assert len({*found.values()}) == 1
