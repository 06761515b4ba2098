"""The scene: which tensors are drawn, what they are called, what is folded into them, and which arrows lead where."""

from helpers.nets import conv, layer, net, net_of, zoo

import cnnshape
from cnnshape.picture.scene import make


def scene(net, depth=None):
    return make(net, net.check(), depth)


def names(scene):
    return [solid.names[0] for solid in scene.solids]


def by_name(scene):
    return {solid.names[0]: solid for solid in scene.solids}


def arrows(scene):
    found = names(scene)
    return [(found[arrow.source], found[arrow.target]) for arrow in scene.arrows]


def test_a_layer_that_keeps_the_shape_is_a_stripe():
    solids = by_name(scene(zoo("alexnet")))
    assert [*solids] == ["input", "conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool3", "flatten1", "fc6", "fc7", "fc8"]  # fmt: skip
    assert [stripe.type for stripe in solids["conv1"].stripes] == ["relu"]
    assert [stripe.type for stripe in solids["pool1"].stripes] == ["local_response_norm"]
    assert [stripe.type for stripe in solids["fc6"].stripes] == ["relu", "dropout"]


def test_sizes_are_in_the_layout_of_the_file():
    assert by_name(scene(zoo("alexnet")))["conv1"].size == "55x55x96"
    assert by_name(scene(zoo("unet")))["pool1"].size == "64x256x256"


def test_windows_stand_on_the_arrows():
    found = scene(zoo("alexnet"))
    windows = {found.solids[arrow.target].name: (arrow.kernel, arrow.stride) for arrow in found.arrows}
    assert windows["conv1"] == ("11x11", "/4")
    assert windows["pool1"] == ("3x3", "/2")
    assert windows["conv2"] == ("5x5", "")
    assert windows["fc6"] == ("", "")


def test_what_makes_sides_larger_says_so():
    found = scene(
        net_of(layer("conv_transpose", "t", out_channels=1, kernel_size=[4, 4], stride=[2, 1]), shape="[1, 8, 8]")
    )
    assert (found.arrows[0].kernel, found.arrows[0].stride) == ("4x4", "up 2x1")
    assert scene(net_of(layer("upsample", "u", scale_factor=2))).arrows[0].stride == "up 2"


def test_a_pool_that_widens_one_axis_by_padding_makes_nothing_larger():
    pool = layer("max_pool", "p", kernel_size=2, stride=[2, 1], padding=[0, 1])
    assert scene(net_of(pool, shape="[1, 8, 25]")).arrows[0].stride == "/2x1"


def test_a_value_that_is_read_twice_takes_no_stripe():
    relu, both = layer("relu", "r"), layer("add", "sum", from_=["c", "r"])
    assert names(scene(net_of(conv(1, name="c"), relu, both))) == ["input", "c", "r", "sum"]


def test_an_output_takes_no_stripe():
    found = scene(net_of(conv(1, name="c"), layer("relu", "r"), top='outputs = ["c", "r"]'))
    assert [(solid.name, solid.outputs) for solid in found.solids[1:]] == [("c", ("c",)), ("r", ("r",))]


def test_a_block_is_one_solid_that_says_how_many_parts_it_has():
    solids = by_name(scene(zoo("resnet50")))
    assert [*solids] == ["input", "conv1", "maxpool", "layer1 x 3", "layer2 x 4", "layer3 x 6", "layer4 x 3", "avgpool", "flatten1", "fc"]  # fmt: skip
    assert solids["layer3 x 6"].kind == "bottleneck"
    assert solids["layer3 x 6"].folded


def test_depth_unfolds_and_equal_neighbours_join():
    found = names(scene(zoo("resnet50"), 2))
    assert found[3:] == ["layer1.0", "layer1.1 … layer1.2", "layer2.0", "layer2.1 … layer2.3", "layer3.0", "layer3.1 … layer3.5", "layer4.0", "layer4.1 … layer4.2", "avgpool", "flatten1", "fc"]  # fmt: skip


def test_neighbours_with_other_windows_do_not_join():
    layers = conv(3, 1, 1, "a"), conv(3, 1, 1, "b"), conv(3, 1, 1, "c"), conv(5, 1, 2, "d")
    assert names(scene(net_of(*layers, shape="[2, 8]"))) == ["input", "a … c", "d"]


def test_a_neighbour_that_is_read_elsewhere_does_not_join():
    layers = conv(3, 1, 1, "a"), conv(3, 1, 1, "b"), layer("add", "sum", from_=["a", "b"])
    assert names(scene(net_of(*layers, shape="[2, 8]"))) == ["input", "a", "b", "sum"]


def test_a_block_of_one_layer_and_stripes_is_that_layer():
    solid = by_name(scene(zoo("resnet50")))["conv1"]
    assert (solid.kind, solid.folded, [stripe.type for stripe in solid.stripes]) == (
        "conv",
        False,
        ["batch_norm", "relu"],
    )


def test_a_block_of_equal_layers_is_that_layer_so_many_times():
    solid = by_name(scene(zoo("unet")))["down1 x 2"]  # two 3x3 convolutions to 64 channels, each with a relu
    assert (solid.kind, solid.times, solid.folded, [s.type for s in solid.stripes]) == ("conv", 2, False, ["relu"])


def test_the_default_depth_shows_the_net():
    assert scene(zoo("vgg16")).depth == 2  # at 1, five stages and a classifier
    assert scene(zoo("wavenet")).depth == 1  # at 2, 50 blocks that differ
    assert scene(zoo("resnet50")).depth == 1


def test_the_arrows_of_an_fpn_are_a_pyramid():
    found = arrows(scene(zoo("fpn_resnet50")))
    assert ("c4 x 6", "m4") in found
    assert ("m5", "m4") in found
    assert ("m4", "p4") in found
    assert ("c5 x 3", "m4") not in found


def test_a_block_that_gives_several_shapes_is_a_solid_for_each():
    found = scene(zoo("hrnet_w18"))
    stage = [solid for solid in found.solids if solid.name == "stage3"]
    assert [solid.size for solid in stage] == ["18x56x56", "36x28x28", "72x14x14"]
    assert [solid.level for solid in stage] == [2, 3, 4]


def test_what_a_block_gives_many_times_is_one_arrow():
    found = scene(zoo("wavenet"))
    (arrow,) = (arrow for arrow in found.arrows if found.solids[arrow.target].name == "skips")
    assert (found.solids[arrow.source].name, arrow.times) == ("stack", 50)


def test_a_join_has_its_sign_and_its_parts():
    text = "input = [2, 8]\nlayers = [{ %s }, { %s }, { %s }]"
    text %= (
        conv(1, name="a", out_channels=3),
        conv(1, name="b", out_channels=5, from_="input"),
        layer("concat", "c", from_=["a", "b"]),
    )
    solid = by_name(scene(cnnshape.loads(text)))["c"]
    assert (solid.sign, solid.parts) == ("||", (3, 5))


def test_a_reference_is_an_arrow_apart():
    found = scene(net_of(conv(3, 2, 1, "c"), layer("upsample", "u", like="input"), shape="[1, 9]"))
    assert {(arrow.source, arrow.target, arrow.reference) for arrow in found.arrows} == {
        (0, 1, False),
        (0, 2, True),
        (1, 2, False),
    }


def test_dropped_rows_are_noted_on_what_loses_them():
    found = scene(net_of(layer("max_pool", "p", kernel_size=2), conv(1, name="c"), shape="[1, 9, 8]"))
    assert [solid.dropped for solid in found.solids] == [(1, 0), (), ()]


def test_a_layer_that_fails_and_what_is_behind_it():
    text = 'input = [1, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 9 }, { name = "b", type = "flatten" }, { name = "c", type = "rleu" }]'
    found = scene(net(text))
    assert [(solid.name, solid.state, solid.size) for solid in found.solids[1:]] == [
        ("a", "fails", "1x?"),
        ("b", "unknown", "?"),
        ("c", "fails", "?"),
    ]


def test_a_folded_block_that_fails():
    text = 'input = [1, 4]\nlayers = [{ name = "s", block = "b" }, { name = "after", type = "conv", out_channels = 1, kernel_size = 1 }]\nblocks.b.layers = [{ name = "x", type = "conv", out_channels = 1, kernel_size = 1 }, { name = "y", type = "conv", out_channels = 1, kernel_size = 9 }]'
    found = scene(net(text), 1)
    assert [(solid.name, solid.state) for solid in found.solids] == [
        ("input", "ok"),
        ("s", "fails"),
        ("after", "unknown"),
    ]


def test_a_result_that_is_not_as_expected_fails():
    text = 'input = [1, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 1 }, { name = "r", type = "relu", expect = [1, 5] }, { name = "s", block = "b", expect = [2, 4] }]\nblocks.b.layers = [{ name = "x", type = "conv", out_channels = 1, kernel_size = 1 }, { name = "y", type = "conv", out_channels = 3, kernel_size = 1 }]'
    assert [(solid.name, solid.state) for solid in scene(net(text), 1).solids] == [
        ("input", "ok"),
        ("a", "ok"),
        ("r", "fails"),
        ("s", "fails"),
    ]


def test_a_requirement_is_a_stripe():
    found = scene(net_of(layer("require", "r", multiple_of=2), conv(1, name="c"), shape="[1, 8]"))
    assert [stripe.type for stripe in found.solids[0].stripes] == ["require"]


def test_a_layer_whose_input_nobody_has():
    found = scene(
        net('input = [1, 4]\nlayers = [{ name = "a", type = "conv", out_channels = 1, kernel_size = 1, from = "nix" }]')
    )
    assert [solid.state for solid in found.solids] == ["ok", "fails"]
    assert found.arrows == ()


def test_the_legend_has_every_type_once():
    assert scene(zoo("alexnet")).legend() == {
        "input": ("input",),
        "filters": ("conv",),
        "activation": ("relu",),
        "pool": ("max_pool",),
        "norm": ("local_response_norm",),
        "rearranged": ("flatten",),
        "dense": ("linear",),
        "drop": ("dropout",),
    }


def test_names_are_as_short_as_they_may_be():
    found = by_name(scene(zoo("vgg16")))
    assert {"fc6", "stage1.pool", "stage3.convs x 3"} <= {*found}
    assert found["stage1.pool"].names == ("stage1.pool", "pool")
