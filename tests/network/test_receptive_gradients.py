"""Receptive fields are the cells that have a gradient: of each layer type, and of random nets."""

import random
from itertools import product

import pytest
from helpers.gradients import forward, image_of, net_of, rows_behind, rows_of

from cnnshape import receptive_fields


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
    *(
        ("conv_transpose", {"out_channels": 2, "kernel_size": k, "stride": s, "padding": p})
        for k, s, p in product((3, 4, 6), (2, 3), ("same_upper", "same_lower"))
    ),
    *(
        ("conv", {"out_channels": 2, "kernel_size": k, "stride": s, "dilation": d, "padding": p})
        for k, s, d, p in product((1, 4), (1, 3), (1, 2), ("same_upper", "same_lower"))
    ),
    ("avg_pool", {"kernel_size": 4, "stride": 3, "padding": "same_lower"}),
    ("lp_pool", {"norm_type": 2, "kernel_size": 4, "stride": 3, "padding": "same_upper"}),
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
    ("pad", {"multiple": 16}),
    ("pad", {"multiple": 9, "where": "both"}),
    up(scale_factor=1.3, recompute_scale_factor=True),
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
    ("scale", {"shape": [2, 1]}),
    ("bias", {"shape": [1, 40]}),
    ("function", {"function": "exp"}),
    ("function", {"function": "pow", "value": 2}),
    ("linear", {"out_features": 5}),
    ("flatten", {}),
    ("flatten", {"start_dim": 2}),
    ("reshape", {"shape": [80]}),
    ("permute", {"dims": [1, 2]}),
    ("select", {"dim": 2, "index": -3}),
    *(("reduce", {"how": how, "dim": 2, "keepdim": True}) for how in ("mean", "var", "norm")),
    ("reduce", {"how": "sum", "dim": 2}),
    ("reduce", {"how": "sum", "dim": 1, "keepdim": True}),
    ("reduce", {"how": "sum", "dim": [1, 2], "keepdim": True}),
    ("depth_to_space", {"block_size": 2}),
    ("space_to_depth", {"block_size": 2}),
    ("layer_norm", {"over": "last"}),
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
    ("reduce", {"how": "mean", "dim": [2, 3]}),
    ("reduce", {"how": "mean", "dim": 3, "keepdim": True}),
    ("reduce", {"how": "mean", "dim": [1, 2, 3]}),
    ("div", {"from": ["input", "input"]}),
    ("space_to_depth", {"block_size": 2}),
    ("layer_norm", {"over": "last"}),
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
    ("space_to_depth", {"block_size": 2}),
    ("conv", {"out_channels": 1, "kernel_size": [1, 2, 3]}),
]


@pytest.mark.parametrize(
    ("shape", "made"),
    [
        *(((2, 40), one) for one in LAYERS),
        *(((4, 8, 12), one) for one in PLANES),
        *(((2, 8, 4, 6), one) for one in VOLUMES),
        ((2, 1, 6), ("bias", {"shape": [1, 4, 6]})),
        ((2, 1, 6), ("scale", {"shape": [2, 4, 1]})),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")
def test_the_field_of_one_layer_is_its_gradient(shape, made, torch):
    net = net_of(made, shape=shape)
    image = image_of(shape)
    (result,) = forward(net, image)
    for axis, field in enumerate(receptive_fields(net)["l1"]):
        ends = {*range(4), *range(field.positions - 4, field.positions)}
        for position in {*ends, *range(0, field.positions, 5)} & {*range(field.positions)}:
            try:
                seen = rows_behind(result, image, axis, position)
            except RuntimeError as error:
                if "is not implemented" in str(error):
                    pytest.skip(f"{made[0]}: this torch has no gradient of it")
                raise
            assert rows_of(field, position, shape[1 + axis]) == seen


@pytest.mark.parametrize(
    ("made", "known"),
    [
        (("unflatten", {"dim": 3, "unflattened_size": [3, -1]}), {}),
        (("permute", {"dims": [3, 2, 1]}), {0}),
        (("permute", {"dims": [3, 1, 2]}), {}),
        (("select", {"dim": 2, "index": 0}), {0}),
        (("select", {"dim": 1, "index": 0}), {}),
        (("reduce", {"how": "mean", "dim": 3}), {1}),
        (("reduce", {"how": "mean", "dim": 1}), {}),
        (("stack", {"dim": 4, "from": ["input", "input"]}), {}),
    ],
    ids=str,
)
def test_there_is_no_field_along_an_axis_that_moves(made, known):
    fields = receptive_fields(net_of(made, shape=(4, 8, 12)))["l1"]
    assert {axis for axis, field in enumerate(fields) if field} == set(known)


@pytest.mark.parametrize(("name", "axis"), [("a", 0), ("a", 1), ("b", 0), ("b", 1)])
def test_the_fields_of_a_product_of_matrices(name, axis, torch):
    shapes = {"a": (2, 3, 5), "b": (1, 5, 4)}
    inputs = f"inputs = {{ a = {list(shapes['a'])}, b = {list(shapes['b'])} }}"
    net = net_of(("matmul", {"from": ["a", "b"]}), inputs=inputs)
    images = {key: image_of(shape) for key, shape in shapes.items()}
    (result,) = forward(net, *images.values())
    field = receptive_fields(net, input=name)["l1"][axis]
    for position in range(field.positions):
        seen = rows_behind(result, images[name], axis, position)
        assert rows_of(field, position, shapes[name][1 + axis]) == seen


LIKE = [
    (("conv", {"out_channels": 2, "kernel_size": 6}), ("pad", {"like": "input"})),
    (("conv", {"out_channels": 2, "kernel_size": 6}), ("pad", {"like": "input", "where": "after"})),
    (("pad", {"padding": 4}), ("pad", {"like": "input", "mode": "reflect"})),
    (
        ("conv", {"out_channels": 2, "kernel_size": 4, "stride": 3}),
        ("conv_transpose", {"out_channels": 2, "kernel_size": 4, "stride": 3, "padding": 1, "like": "input"}),
    ),
    (("conv", {"out_channels": 2, "kernel_size": 4, "stride": 3}), up(like="input", scale_factor=0.75)),
]


@pytest.mark.parametrize("layers", LIKE, ids=str)
def test_the_field_of_a_layer_like_another_is_its_gradient(layers, torch):
    net = net_of(*layers)
    image = image_of((2, 40))
    *_, result = forward(net, image)
    (field,) = receptive_fields(net)["l2"]
    for position in range(8, field.positions - 8):  # that see no end of the image
        assert rows_of(field, position, 40) == rows_behind(result, image, 0, position), position


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


def test_fields_of_random_nets_are_their_gradients(torch):
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


def test_a_global_pool_sees_what_every_other_position_sees(torch):
    """The odd rows of the sum depend on the whole image, the even ones on a row: a pool of them on the whole image."""
    net = net_of(
        ("global_avg_pool", {}),
        ("upsample", {"size": 6}),
        ("conv_transpose", {"out_channels": 2, "kernel_size": 2, "stride": 4, "dilation": 2}),
        ("slice", {"dim": 2, "start": 1}),
        ("slice", {"dim": 2, "stop": 22, "from_": "input"}),
        ("add", {"from_": ["l4", "l5"]}),
        ("global_avg_pool", {}),
        ("slice", {"dim": 2, "step": 2, "from_": "l6"}),
        ("global_avg_pool", {}),
    )
    image = image_of((2, 40))
    fields, results = receptive_fields(net), forward(net, image)
    for name, result in (("l7", results[6]), ("l9", results[8])):
        (field,) = fields[name]
        assert rows_of(field, 0, 40) == rows_behind(result, image, 0, 0)
    assert fields["l7"][0].is_whole
    assert not fields["l9"][0].is_whole


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


def test_max_unpool_without_a_size_paints_where_its_rows_stay_rows():
    """With other rows, the cells of one land in another: an index counts from row to row."""
    for shape, same in (((1, 4, 6), True), ((1, 5, 6), True), ((1, 4, 7), False)):
        pools = [("max_pool", {"kernel_size": 2, "ceil_mode": not same})]
        fields = receptive_fields(
            net_of(*pools, ("max_unpool", {"indices": "l1", "output_size": "default"}), shape=shape)
        )
        sized = receptive_fields(net_of(*pools, ("max_unpool", {"indices": "l1"}), shape=shape))
        assert [None if field is None else field.extent for field in fields["l2"]] == [
            field.extent if same else None for field in sized["l2"]
        ]
