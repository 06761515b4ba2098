"""Receptive fields: published figures, and the fields of whole images, branches, holes and failures."""

from fractions import Fraction

import pytest
from helpers.gradients import forward, image_of, net_of, rows_behind, rows_of
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape import receptive_fields


def zoo(name):
    return receptive_fields(cnnshape.load(ARCHITECTURES / f"{name}.toml"))


# Published figures: Araujo, Norris, Sim 2019 (distill.pub/2019/computing-receptive-fields), table; AlexNet, VGG-16 too


@pytest.mark.parametrize(
    ("name", "layer", "extent", "stride"),
    [
        ("alexnet", "pool3", 195, 32),
        ("alexnet_torchvision", "pool3", 195, 32),
        ("vgg16", "stage5.pool", 212, 32),
        ("resnet50", "layer4.2.sum", 427, 32),
        ("resnet152", "layer4.2.sum", 1451, 32),
        ("mobilenet_v2", "conv.conv", 491, 32),
    ],
)
def test_extents_and_strides_are_as_published(name, layer, extent, stride):
    for field in zoo(name)[layer]:
        assert (field.extent, field.support) == ((extent, extent), (extent, extent))
        assert (field.stride, field.period) == (stride, 1)
        assert not field.is_whole


def test_fields_of_one_path_have_an_offset():
    pool3 = zoo("alexnet")["pool3"][0]
    assert [pool3.at(position).first for position in range(6)] == [-64, -32, 0, 32, 64, 96]
    assert pool3.at(5).last == 96 + 194
    assert (pool3.positions, pool3.side) == (6, 227)


@pytest.mark.parametrize("name", ["alexnet", "vgg16", "resnet50", "mobilenet_v2"])
def test_a_classifier_sees_the_whole_image(name):
    for field in [*zoo(name).values()][-1]:
        assert field.is_whole
        assert (field.stride, field.period) == (0, 1)


def test_a_gate_sees_the_whole_image():
    """Squeeze and excitation: what is multiplied with a mean depends on all of it, and so does all behind."""
    fields = zoo("se_resnet50")
    assert not fields["layer1.0.bn3"][0].is_whole
    assert all(field.is_whole for name, axes in fields.items() if name.startswith("layer1.1.") for field in axes)


def test_a_decoder_depends_on_the_position():
    fields = zoo("unet")
    assert (fields["bottom.conv2"][0].extent, fields["bottom.conv2"][0].stride) == ((140, 140), 16)
    head = fields["head"][0]
    assert (head.period, head.stride) == (16, 1)
    assert head.extent == (188, 204)
    assert len(head.parts[0].cells) == 16
    assert [head.at(place + 16) for place in range(16)] == [head.at(place).moved(16) for place in range(16)]


def test_holes_of_dilation_are_counted():
    net = net_of(*[("conv", {"out_channels": 1, "kernel_size": 3, "dilation": 4})] * 2)
    fields = [axes[0] for axes in receptive_fields(net).values()]
    assert [(field.extent, field.support) for field in fields] == [((9, 9), (3, 3)), ((17, 17), (5, 5))]
    cells = fields[0].at(0)
    assert [cell for cell in range(-5, 20) if cell in cells] == [0, 4, 8]
    assert (cells.first, cells.last, cells.extent, cells.support) == (0, 8, 9, 3)


def test_wavenet_has_no_holes():
    """Three stacks of dilations 1, 2, ..., 512 with kernels of two: van den Oord et al. 2016 need no more than that."""
    fields = zoo("wavenet")
    largest = max(axes[0].extent[1] for axes in fields.values() if axes[0])
    full = [axes[0] for axes in fields.values() if axes[0].extent[1] == largest]
    assert all(field.support == field.extent for field in full)


def test_positions_that_nothing_paints():
    net = net_of(("conv_transpose", {"out_channels": 1, "kernel_size": 2, "stride": 3}))
    (field,) = receptive_fields(net)["l1"]
    assert (field.extent, field.support, field.stride) == ((0, 1), (0, 1), Fraction(1, 3))
    assert [field.at(position).support for position in range(6)] == [1, 1, 0, 1, 1, 0]


def test_branches_at_different_speeds():
    """Half of the rows are read as they are, and all of them in steps of two: no position is like another."""
    net = net_of(
        ("slice", {"dim": 2, "stop": 20}),
        ("slice", {"dim": 2, "step": 2, "from_": "input"}),
        ("concat", {"from_": ["l1", "l2"]}),
    )
    (field,) = receptive_fields(net)["l3"]
    assert (field.stride, field.period) == (None, None)
    assert (field.extent, field.support) == ((1, 20), (1, 2))
    assert rows_of(field, 7, 40) == {7, 14}


def test_an_axis_of_1_is_repeated(torch):
    net = net_of(("slice", {"dim": 2, "start": 3, "stop": 4}), ("mul", {"from_": ["l1", "input"]}))
    (field,) = receptive_fields(net)["l2"]
    image = image_of((2, 40))
    result = forward(net, image)[1]
    for position in (0, 3, 17, 39):
        assert rows_of(field, position, 40) == {3, position} == rows_behind(result, image, 0, position)


def test_results_behind_each_other_that_see_all_or_parts():
    """Of two halves, some positions see the one and some the other; of two wholes, each sees all."""
    halves = [
        ("slice", {"dim": 2, "stop": 20}),
        ("global_avg_pool", {}),
        ("slice", {"dim": 2, "start": 20, "from_": "input"}),
    ]
    net = net_of(*halves, ("global_avg_pool", {}), ("concat", {"dim": 2, "from_": ["l2", "l4"]}))
    fields = receptive_fields(net)
    assert rows_of(fields["l2"][0], 0, 40) == {*range(20)}
    assert fields["l5"] == (None,)
    net = net_of(("global_avg_pool", {}), ("concat", {"dim": 2, "from_": ["l1", "l1"]}))
    assert receptive_fields(net)["l2"][0].is_whole


@pytest.mark.parametrize(
    "layers",
    [
        [("upsample", {"scale_factor": 0.3})],
        [("reshape", {"shape": [1, 80]})],
        [("concat", {"dim": 2, "from_": ["input", "input"]})],
        [("upsample", {"size": 9973})],
        [("conv_transpose", {"out_channels": 1, "kernel_size": 1, "stride": 5000})],
        [("conv", {"out_channels": 1, "kernel_size": 2**30, "padding": 2**30})],
    ],
    ids=str,
)
def test_what_cannot_be_said_is_not(layers):
    fields = receptive_fields(net_of(*layers, ("relu", {})))
    assert [*fields.values()] == [(None,)] * 2


def test_what_is_behind_a_failure_is_not_said():
    fields = receptive_fields(net_of(("relu", {}), ("max_pool", {"kernel_size": 99}), ("relu", {})))
    assert [field is None for (field,) in fields.values()] == [False, True, True]


def test_what_has_the_size_of_a_failure_is_not_said():
    """The sides of what fails are known here, its channels are not."""
    net = net_of(("glu", {"dim": 1}), ("crop", {"like": "l1", "from_": "input"}), inputs="input = [3, 40]")
    assert net.check().layers[1].output == (3, 40)
    assert [*receptive_fields(net).values()] == [(None,)] * 2


def test_what_fails_has_no_field_even_where_its_shape_is_known():
    net = net_of(("conv", {"out_channels": 3, "groups": 2, "kernel_size": 3}), ("relu", {}))
    assert net.check().layers[0].output == (3, 38)
    assert [*receptive_fields(net).values()] == [(None,)] * 2


def test_positions_along_other_axes_than_the_images_are_not_said():
    net = net_of(("flatten", {"end_dim": 2}), inputs="input = [2, 6, 5]")
    assert net.check().output == (12, 5)  # the one axis left is the image's second
    assert [*receptive_fields(net).values()] == [(None, None)]


def test_a_vector_made_an_image_again_sees_all_everywhere():
    net = net_of(
        ("flatten", {}),
        ("linear", {"out_features": 12}),
        ("reshape", {"shape": [2, 6]}),
        ("conv", {"out_channels": 1, "kernel_size": 3}),
    )
    assert all(field.is_whole for (field,) in receptive_fields(net).values())


def test_which_input_is_the_image():
    net = net_of(
        ("max_pool", {"kernel_size": 2, "from_": "left"}),
        ("concat", {"from_": ["l1", "right"]}),
        inputs="inputs = { left = [1, 8], right = [1, 4] }",
    )
    with pytest.raises(ValueError, match="say which input is the image; those with sides are left, right"):
        receptive_fields(net)
    assert receptive_fields(net, input="left")["l2"][0].extent == (2, 2)
    assert receptive_fields(net, input="right")["l2"][0].extent == (1, 1)
    assert receptive_fields(net, input="right")["l1"][0].extent == (0, 0)
    with pytest.raises(ValueError, match="say which input"):
        receptive_fields(net, input="middle")


def test_two_inputs_of_the_same_sides_are_one_image():
    net = net_of(
        ("max_pool", {"kernel_size": 3, "from_": "left"}),
        ("max_pool", {"kernel_size": 2, "stride": 3, "from_": "right"}),
        ("crop", {"like": "l1"}),
        ("add", {"from_": ["l1", "l3"]}),
        inputs="inputs = { left = [1, 9], right = [1, 9] }",
    )
    assert receptive_fields(net)["l4"][0].extent == (3, 3)
