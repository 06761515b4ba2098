"""Receptive fields against the gradient of a real forward, and against published figures."""

import json
import random
from fractions import Fraction
from itertools import product

import pytest
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape import loads, receptive_fields


def zoo(name):
    return receptive_fields(cnnshape.load(ARCHITECTURES / f"{name}.toml"))


def net_of(*layers, shape=(2, 40), top="", inputs=""):
    """A net of layers, each a type with its settings."""
    lines = ""
    for place, (kind, given) in enumerate(layers, start=1):
        settings = {"name": f"l{place}", "type": kind} | {key.rstrip("_"): value for key, value in given.items()}
        lines += f"{{ {', '.join(f'{key} = {json.dumps(value)}' for key, value in settings.items())} }},\n"
    return loads(f"{top}\n{inputs or f'input = {list(shape)}'}\nlayers = [\n{lines}]")


# The oracle: which rows of the image have a gradient


def forward(net, *images):
    """The values of a real forward, with positive weights, so that nothing cancels; max pools look at all they see."""
    import torch

    values = [None, *images]
    for row in net.check().layers:
        layer, entering = row.node.layer, [values[value] for value in row.node.inputs]
        if layer.type == "max_pool":
            result = summed(layer, entering[0], row.output)
        else:
            module = layer.module(torch, *row.inputs)
            if module is not None:
                module = module.double().eval()
                for weights in module.parameters():
                    torch.nn.init.uniform_(weights, 0.5, 1.5)
            result = layer.call(torch, module, *entering)
        assert tuple(result.shape[1:]) == row.output
        values.append(result)
    return values[1 + len(images) :]


def summed(layer, x, shape):
    """A max pool as a sum over each of its windows."""
    import torch

    rank, channels = x.dim() - 2, x.shape[1]
    axes = layer.axes(rank)
    ends = [(axis["padding"], axis["padding"] + 9 * layer.ceil_mode) for axis in axes]
    x = torch.nn.functional.pad(x, [cells for pair in reversed(ends) for cells in pair])
    weights = torch.ones(channels, 1, *(axis["kernel_size"] for axis in axes), dtype=x.dtype)
    settings = {name: [axis[name] for axis in axes] for name in ("stride", "dilation")}
    y = getattr(torch.nn.functional, f"conv{rank}d")(x, weights, groups=channels, **settings)
    return y[(..., *(slice(side) for side in shape[1:]))]


def image_of(shape):
    import torch

    return (torch.rand(1, *shape, dtype=torch.float64) + 0.5).requires_grad_()


def rows_behind(result, image, axis, position):
    """The rows of the image, along one axis, that one row of the result (all of it, if it has no axes) depends on."""
    import torch

    part = result.select(2 + axis, position) if result.dim() == image.dim() else result
    weights = torch.rand_like(part)
    (gradient,) = torch.autograd.grad((part * weights).sum(), image, retain_graph=True, allow_unused=True)
    if gradient is None:
        return set()
    others = [place for place in range(image.dim()) if place != 2 + axis]
    strength = gradient.abs().amax(others)
    return {row for row, size in enumerate(strength.tolist()) if size > 1e-12 * strength.max()}


def rows_of(field, position, side):
    cells = field.at(position)
    return {row for row in range(side) if row in cells}


# One layer, its first and last positions, and every fifth between


def up(**given):
    return ("upsample", given)


LAYERS = [
    ("conv", {"out_channels": 2, "kernel_size": 3}),
    ("conv", {"out_channels": 2, "kernel_size": 4, "stride": 3, "padding": 2, "dilation": 2}),
    ("conv", {"out_channels": 2, "kernel_size": 4, "padding": "same"}),
    ("conv", {"out_channels": 2, "kernel_size": 3, "padding": "same", "dilation": 3}),
    ("conv", {"out_channels": 2, "kernel_size": 3, "padding": "valid", "stride": 2}),
    ("conv", {"out_channels": 2, "kernel_size": 1, "stride": 4}),
    *(
        ("conv_transpose", {"out_channels": 2, "kernel_size": k, "stride": s, "padding": p, "dilation": d})
        for k, s, p, d in product((1, 2, 5), (1, 2, 3), (0, 1), (1, 2, 3))
    ),
    ("conv_transpose", {"out_channels": 2, "kernel_size": 3, "stride": 4, "padding": 1, "output_padding": 3}),
    ("max_pool", {"kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2}),
    ("max_pool", {"kernel_size": 3, "stride": 2, "ceil_mode": True}),
    ("avg_pool", {"kernel_size": 3, "padding": 1}),
    ("lp_pool", {"norm_type": 2, "kernel_size": 3, "stride": 2}),
    *(("adaptive_avg_pool", {"output_size": n}) for n in (1, 4, 7, 16, 29, 41)),
    ("global_avg_pool", {}),
    *(
        up(scale_factor=f, mode=m)
        for f, m in product((2, 3, 0.5, 1.5, 0.75), ("nearest", "nearest-exact", "area", "linear"))
    ),
    *(
        up(size=n, mode=m) for n, m in product((17, 31, 61), ("nearest", "area"))
    ),  # primes: no two cells are equally near
    up(size=18, mode="linear", align_corners=True),
    up(size=62, mode="linear", align_corners=True),
    up(size=1, mode="linear", align_corners=True),
    ("pad", {"padding": 3}),
    ("pad", {"padding": [[-2, 5]]}),
    ("crop", {"amount": 4}),
    ("crop", {"size": 9}),
    ("slice", {"dim": 2, "start": 3, "step": 2}),
    ("slice", {"dim": -1, "start": -7}),
    ("slice", {"dim": 1, "start": 1}),
    ("glu", {"dim": 2}),
    ("glu", {"dim": 1}),
    ("softmax", {"dim": 2}),
    ("softmax", {"dim": 1}),
    ("group_norm", {"num_groups": 2}),
    ("instance_norm", {}),
    ("instance_norm", {"track_running_stats": True}),
    ("batch_norm", {}),
    ("batch_norm", {"track_running_stats": False}),
    ("layer_norm", {"over": "all"}),
    ("layer_norm", {"over": "channels"}),
    ("local_response_norm", {"size": 2}),
    ("relu", {}),
    ("scale", {}),
    ("linear", {"out_features": 5}),
    ("flatten", {}),
    ("flatten", {"start_dim": 2}),
    ("reshape", {"shape": [80]}),
    ("dropout", {}),
]
PLANES = [
    ("conv", {"out_channels": 2, "kernel_size": [3, 1], "stride": [1, 2], "padding": [0, 2]}),
    ("conv_transpose", {"out_channels": 2, "kernel_size": [2, 3], "stride": [1, 2]}),
    ("max_pool", {"kernel_size": [2, 3]}),
    ("adaptive_avg_pool", {"output_size": ["keep", 3]}),
    ("pixel_shuffle", {"upscale_factor": 2}),
    ("pixel_unshuffle", {"downscale_factor": 2}),
    ("channel_shuffle", {"groups": 2}),
    ("upsample", {"scale_factor": [1, 2], "mode": "bilinear"}),
    ("upsample", {"scale_factor": 2, "mode": "bicubic"}),
    ("linear", {"out_features": 3}),
    ("softmax", {"dim": 2}),
    ("softmax", {"dim": -1}),
    ("slice", {"dim": 3, "start": 1}),
    ("crop", {"size": [5, 8]}),
    ("pad", {"padding": [1, [0, 2]], "channels": 1}),
    ("flatten", {}),
]
VOLUMES = [
    ("pixel_shuffle", {"upscale_factor": 2}),
    ("pixel_unshuffle", {"downscale_factor": 2}),
    ("conv", {"out_channels": 1, "kernel_size": [1, 2, 3]}),
]


@pytest.mark.parametrize(
    ("shape", "made"),
    [
        *(((2, 40), one) for one in LAYERS),
        *(((4, 8, 12), one) for one in PLANES),
        *(((2, 8, 4, 6), one) for one in VOLUMES),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_one_layer(shape, made, torch):
    net = net_of(made, shape=shape)
    image = image_of(shape)
    (result,) = forward(net, image)
    for axis, field in enumerate(receptive_fields(net)["l1"]):
        ends = {*range(4), *range(field.positions - 4, field.positions)}
        for position in {*ends, *range(0, field.positions, 5)} & {*range(field.positions)}:
            assert rows_of(field, position, shape[1 + axis]) == rows_behind(result, image, axis, position)


# Nets, positions that see no end of the image


KINDS = [*["conv"] * 3, *["pool"] * 2, "transposed", "up", "fit", "slice", "adaptive", "pad", "crop", "same"]


def random_layer(rng):
    kind = rng.choice(KINDS)
    if kind == "conv":
        kernel, stride, dilation = rng.randint(1, 4), rng.choice([1, 1, 2, 3]), rng.choice([1, 1, 2, 3])
        given = {"kernel_size": kernel, "stride": stride, "padding": rng.choice([0, 0, 1, 2]), "dilation": dilation}
        return "conv", {"out_channels": 2} | given
    if kind == "pool":
        kernel = rng.randint(1, 3)
        given = {
            "stride": rng.randint(1, 3),
            "padding": rng.randint(0, kernel // 2),
            "ceil_mode": rng.random() < 0.3,
        }
        return "max_pool", {"kernel_size": kernel} | given
    if kind == "transposed":
        given = {"kernel_size": rng.randint(1, 4), "stride": rng.randint(1, 3), "padding": rng.randint(0, 1)}
        return "conv_transpose", {"out_channels": 2, "dilation": rng.choice([1, 1, 2, 3])} | given
    if kind == "up":
        return up(
            scale_factor=rng.choice([2, 3, 1.5, 0.5, 0.75]),
            mode=rng.choice(["nearest", "linear", "nearest-exact", "area"]),
        )
    if kind == "fit":
        return up(size=rng.choice([23, 29, 31, 37, 41, 43, 47, 53, 59]), mode=rng.choice(["nearest", "area"]))
    if kind == "slice":
        return "slice", {"dim": 2, "start": rng.randint(0, 2), "step": rng.randint(1, 2)}
    if kind == "adaptive":
        return "adaptive_avg_pool", {"output_size": rng.randint(15, 40)}
    if kind == "pad":
        return "pad", {"padding": [[rng.randint(-2, 3), rng.randint(-2, 3)]]}
    if kind == "crop":
        return "crop", {"amount": rng.randint(0, 2)}
    return rng.choice(["relu", "dropout", "batch_norm"]), {}


def random_layers(rng):
    """Some layers that follow each other, with now and then two branches that meet."""
    layers = []
    for _ in range(rng.randint(1, 6)):
        if rng.random() < 0.85:
            layers.append(random_layer(rng))
            continue
        before, kernel = f"l{len(layers)}" if layers else "input", rng.choice([1, 3])
        layers.append(("conv", {"out_channels": 2, "kernel_size": kernel, "padding": kernel // 2, "from_": before}))
        layers.append(("conv", {"out_channels": 2, "kernel_size": 5, "padding": 2, "from_": before}))
        layers.append((rng.choice(["add", "concat"]), {"from_": [f"l{len(layers) - 1}", f"l{len(layers)}"]}))
    if rng.random() < 0.2:
        layers.append(rng.choice([("global_avg_pool", {}), ("group_norm", {"num_groups": 1}), ("flatten", {})]))
    return layers


def test_random_nets_against_the_gradient(torch):
    """What the middle positions depend on is the field, to the cell; what is behind a global layer, everywhere."""
    rng, compared, whole = random.Random(5), 0, 0
    torch.manual_seed(0)
    for _ in range(200):
        side = rng.randint(90, 120)
        net = net_of(*random_layers(rng), shape=(2, side))
        report = net.check()
        if not report.ok:
            continue
        image = image_of((2, side))
        fields = receptive_fields(net)
        for row, result in zip(report.layers, forward(net, image), strict=True):
            (field,) = fields[row.name]
            if field is None:
                continue
            global_ = all(part.step == 0 for part in field.parts)
            position = field.positions // 2 - rng.randint(0, 1) * (field.positions > 8)
            cells = field.at(position)
            inside = field.positions > 8 and cells.first > 9 and cells.last < side - 10
            if inside or global_:
                compared, whole = compared + 1, whole + global_
                assert rows_of(field, position, side) == rows_behind(result, image, 0, position), (row, position)
    assert compared > 400
    assert whole > 20


def test_what_is_dropped_is_not_seen_even_by_a_global_pool():
    """Row 9 is lost to the first convolution; what the second one pads there is not row 9."""
    net = net_of(
        ("conv", {"out_channels": 2, "kernel_size": 3, "stride": 2}),
        ("conv", {"out_channels": 2, "kernel_size": 3, "padding": 1}),
        ("global_avg_pool", {}),
        shape=(2, 10),
    )
    (field,) = receptive_fields(net)["l3"]
    assert not field.is_whole
    assert (field.at(0).first, field.at(0).last) == (0, 8)


def test_max_unpool_paints_the_windows_of_its_pool(torch):
    """The value of a cell comes from a window that it is in; from which one depends on the image's values."""
    net = net_of(
        ("max_pool", {"kernel_size": 3, "stride": 2, "padding": 1, "from_": "image"}),
        ("max_unpool", {"indices": "l1", "from_": "x"}),
        inputs="inputs = { x = [1, 5], image = [1, 9] }",
    )
    field = receptive_fields(net, input="x")["l2"][0]
    seen = [set() for _ in range(9)]
    torch.manual_seed(0)
    for _ in range(80):
        x = image_of((1, 5))
        layer = net.nodes[1].layer
        result = layer.call(torch, None, x, torch.rand(1, 1, 9, dtype=torch.float64))
        for position in range(9):
            seen[position] |= rows_behind(result, x, 0, position)
    assert [rows_of(field, position, 5) for position in range(9)] == seen
    assert receptive_fields(net, input="image")["l2"][0].extent == (0, 0)


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
def test_published(name, layer, extent, stride):
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
    wrong = ("conv", {"out_channels": 3, "groups": 2, "kernel_size": 3})
    net = net_of(wrong, ("crop", {"like": "l1", "from_": "input"}))
    assert net.check().layers[1].output == (2, 38)
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
