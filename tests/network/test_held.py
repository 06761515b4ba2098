"""Rows that are lost are those at the end of a layer's input that no window reads, and that hold something of the image.

The truth is torch's: which rows of the input have a gradient, and which depend on the image.
"""

import random

import pytest
from helpers.gradients import forward, image_of, net_of

from cnnshape import NoClosedForm, loads

SHAPE = (2, 23)


def drawn(rng):
    """A layer that slides, pads, paints or cuts; sizes are small, so that windows fit."""
    kernel, stride = rng.randint(1, 4), rng.randint(1, 3)
    return rng.choice(
        [
            lambda: ("pad", {"padding": [[rng.randint(0, 4), rng.randint(0, 6)]]}),
            lambda: (
                "conv",
                {"out_channels": 2, "kernel_size": kernel, "stride": stride, "padding": rng.randint(0, 5)},
            ),
            lambda: (
                "conv",
                {"out_channels": 2, "kernel_size": 2, "dilation": rng.randint(1, 3), "padding": rng.randint(0, 3)},
            ),
            lambda: ("max_pool", {"kernel_size": kernel, "stride": stride, "ceil_mode": rng.random() < 0.3}),
            lambda: ("avg_pool", {"kernel_size": 2, "stride": stride, "padding": rng.randint(0, 1)}),
            lambda: (
                "conv_transpose",
                {
                    "out_channels": 2,
                    "kernel_size": kernel,
                    "stride": stride,
                    "output_padding": rng.randrange(stride),
                    "padding": kernel // 3,
                },
            ),
            lambda: ("upsample", {"scale_factor": rng.choice([2, 3])}),
            lambda: ("crop", {"amount": rng.randint(0, 2)}),
            lambda: ("relu", {}),
        ]
    )()


def net_at(seed):
    rng = random.Random(seed)
    return net_of(*(drawn(rng) for _ in range(rng.randint(2, 7))), shape=SHAPE)


def lost_in_torch(torch, entering, result, image):
    """The rows at the end of what enters that the result does not depend on, without those that hold nothing."""
    rows = entering.shape[2]

    def depends(value, on):
        gradient = torch.autograd.grad(value.sum(), on, retain_graph=True, allow_unused=True)[0]
        return gradient is not None and bool((gradient != 0).any())

    (gradient,) = torch.autograd.grad(result.sum(), entering, retain_graph=True)
    read = (gradient != 0).any(dim=(0, 1)).tolist()
    last = max((row for row in range(rows) if read[row]), default=-1)
    return sum(depends(entering[:, :, row], image) for row in range(last + 1, rows))


@pytest.mark.parametrize("chunk", range(20))
def test_dropped_is_what_torch_loses(torch, chunk):
    checked = 0
    for seed in range(chunk * 40, chunk * 40 + 40):
        net = net_at(seed)
        report = net.check()
        if not report.ok:
            continue
        image = image_of(SHAPE)
        values = [image]
        for row in report.layers:
            entering = values[-1].clone()
            alone = net_of((row.type, settings_of(row)), shape=row.inputs[0])
            values.append(forward(alone, entering)[-1])
            slides = row.type in ("conv", "max_pool", "avg_pool")
            expected = lost_in_torch(torch, entering, values[-1], image) if slides else 0
            assert row.dropped == (expected,), (seed, row.name)
            checked += slides
    assert checked > 20


def settings_of(row):
    layer = row.node.layer
    return {name: value for name, value in vars(layer).items() if name in layer.parameters and name != "in_channels"}


@pytest.mark.parametrize("chunk", range(10))
def test_the_exact_sizes_are_those_at_which_nothing_is_lost(chunk):
    closed = 0
    for seed in range(chunk * 40, chunk * 40 + 40):
        net = net_at(seed)
        try:
            exact = net.valid_sizes(exact=True)
            boxes = [(side,) in exact for side in range(1, 120)]
        except NoClosedForm:
            continue
        closed += 1
        for side, inside in enumerate(boxes, start=1):
            report = net.check((2, side))
            loses = any(any(row.dropped) for row in report.layers) if report.ok else True
            assert inside is not loses, (seed, side)
    assert closed > 20


@pytest.mark.parametrize(
    ("layers", "side", "dropped", "exact"),
    [
        ([("pad", {"padding": 3}), ("conv", {"out_channels": 2, "kernel_size": 7, "stride": 2})], 224, 0, "every size"),
        ([("pad", {"padding": [[0, 1]]}), ("max_pool", {"kernel_size": 2})], 12, 0, "every size"),
        (
            [("conv", {"out_channels": 2, "kernel_size": 3, "padding": 1}), ("max_pool", {"kernel_size": 2})],
            *(33, 1, "multiples of 2, from 2"),
        ),
        (
            [("pad", {"padding": [[0, 1]], "mode": "replicate"}), ("max_pool", {"kernel_size": 2})],
            *(12, 1, "1 modulo 2, from 1"),  # a copy of the last row
        ),
        (
            [("conv_transpose", {"out_channels": 2, "kernel_size": 1, "stride": 2}), ("max_pool", {"kernel_size": 2})],
            *(5, 1, None),  # 9 cells, of which every second is painted
        ),
    ],
)
def test_cases(layers, side, dropped, exact):
    net = net_of(*layers, shape=(2, side))
    assert net.check().layers[-1].dropped == (dropped,)
    if exact:
        assert str(net.valid_sizes(exact=True).square) == exact


def test_the_rows_of_an_unpooled_map_that_its_pool_lost_are_empty():
    net = net_of(
        ("max_pool", {"kernel_size": 2}),
        ("max_unpool", {"kernel_size": 2, "indices": "l1"}),
        ("max_pool", {"kernel_size": 2}),
        shape=(2, 33),
    )
    rows = net.check().layers
    assert [row.output for row in rows] == [(2, 16), (2, 33), (2, 16)]
    assert [row.dropped for row in rows] == [(1,), (0,), (0,)]


def test_a_pad_that_follows_another_side_adds_nothing_of_the_image():
    up = '{ name = "c", type = "conv", out_channels = 2, kernel_size = 2 },'
    text = f'input = [2, 20]\nlayers = [{up} {{ type = "pad", like = "input", where = "both" }}, '
    net = loads(text + '{ type = "conv", out_channels = 2, kernel_size = 3, stride = 2 }]')
    assert net.check().layers[-1].dropped == (0,)  # 19 and a cell after it: windows end at the 19th
    assert str(net.valid_sizes(exact=True).square) == "every size from 3"


def test_a_result_without_axes_has_no_cells():
    text = """input = [1, 1]
    layers = [
      { type = "conv", out_channels = 1, kernel_size = 1, padding = 1 },
      { type = "slice", dim = 2, stop = 1 },
      { type = "reshape", shape = [] },
    ]"""
    assert loads(text).check().output == ()
