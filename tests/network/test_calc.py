"""One layer without a net: the types and options that `calc` has, what it prints, and that its numbers are torch's."""

import math
import random
import re

import pytest
from helpers.cli import run

from cnnshape.layers import TYPES
from cnnshape.network.calc import calculable, options


def test_calc_of_the_issue():
    status, output = run("calc", "conv", "227", "--kernel-size", "11", "--stride", "4")
    assert status == 0
    assert output.splitlines() == [
        "conv: 227 -> 55",
        "  side  floor((W - kernel_size + 2*padding)/stride) + 1",
        "        (227 - 11 + 2*0)/4 + 1 = 55",
    ]


def test_calc_has_the_types_with_a_rule_for_sides():
    pools = {f"{how}_pool" for how in ("max", "avg", "lp", "adaptive_avg", "adaptive_max", "global_avg", "global_max")}
    others = {"conv", "conv_transpose", "upsample", "pixel_shuffle", "pixel_unshuffle", "pad", "crop"}
    assert pools | others <= {*calculable()}
    assert (
        calculable().keys().isdisjoint({"relu", "linear", "flatten", "channel_shuffle", "instance_norm", "max_unpool"})
    )


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("conv", ["kernel_size", "stride", "padding", "dilation", "padding_mode"]),
        ("conv_transpose", ["kernel_size", "stride", "padding", "output_padding", "dilation"]),
        ("max_pool", ["kernel_size", "stride", "padding", "dilation", "ceil_mode"]),
        ("avg_pool", ["kernel_size", "stride", "padding", "ceil_mode"]),
        ("pixel_shuffle", ["upscale_factor"]),
        ("upsample", ["size", "scale_factor", "at_least", "at_most"]),
        ("crop", ["size", "amount", "offset", "exact"]),
        ("pad", ["padding", "mode", "multiple", "at_least", "where"]),
        ("global_avg_pool", []),
    ],
)
def test_calc_options_are_those_that_bear_on_sides(kind, names):
    assert list(options(TYPES[kind])) == names


def test_calc_helps_with_types_and_options():
    status, output = run("calc", "--help")
    assert status == 0
    for name, kind in calculable().items():
        assert re.search(rf"^  {name}  +{re.escape(kind.summary()[:20])}", output, re.MULTILINE)
    status, output = run("calc", "conv", "--help")
    assert status == 0
    assert "--kernel-size VALUE" in output
    assert "relationships 6 and 15" in output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["cnov", 3], "there is no layer type cnov; did you mean conv?"),
        (["relu", 3], "relu is not about sides alone"),
        (["conv", 227], "Missing option '--kernel-size'"),
        (["conv", 227, "--kernel-size", 0], "kernel_size must be a whole number from 1 up"),
        (["conv", 227, "--kernel-size", 3, "--padding", "sme"], 'not "sme"'),
        (["conv", "a", "--kernel-size", 3], "is no shape"),
        (["conv", "0", "--kernel-size", 3], "is no shape"),
        (["conv", "[]", "--kernel-size", 3], "is no shape"),
        (["upsample", 5], "upsample needs one of"),
        (["upsample", 5, "--size", 3, "--scale-factor", 2], "upsample needs one of"),
        (["pad", 5, "--padding", "1,2,3"], "padding must be"),
        (["conv", 5, "--kernel-size", ""], "kernel_size must be"),
    ],
)
def test_calc_used_wrongly_exits_with_2(arguments, words):
    status, output = run("calc", *arguments)
    assert (status, words in output) == (2, True), output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["conv", 4, "--kernel-size", 3, "--dilation", 2], "a window of 2*(3 - 1) + 1 = 5 does not fit a side of 4"),
        (["conv", 4, "--kernel-size", 3, "--padding", "same", "--stride", 2], "needs stride 1"),
        (["max_pool", 8, "--kernel-size", 2, "--padding", 2], "padding 2 is more than"),
        (["conv", "8x8", "--kernel-size", "3x3x3"], "kernel_size has 3 entries, but there are 2 spatial axes"),
        (["pixel_shuffle", 8, "--upscale-factor", 2], "at least 2 spatial axes"),
        (["lp_pool", "2x2x2", "--kernel-size", 3, "--ceil-mode"], "a window of 3 does not fit a side of 2"),
        (["crop", 10, "--size", 5, "--exact"], "cropping 10 to 5 is not even"),
        (["crop", 10, "--size", 11], "a side of 10 cannot be cropped to 11\n"),
        (["crop", 10, "--size", 8, "--offset", 3], "a side of 10 cannot be cropped to 8 from cell 3 on"),
    ],
)
def test_calc_of_a_refusal_exits_with_1(arguments, words):
    status, output = run("calc", *arguments)
    assert (status, words in output) == (1, True), output


@pytest.mark.parametrize(
    ("arguments", "sides"),
    [
        (["pad", 10, "--padding", "1,2"], "13"),
        (["pad", "10x20", "--padding", "1,2"], "13x23"),
        (["pad", "10x20", "--padding", "1,2x0,5"], "13x25"),
        (["pad", "10x20", "--padding", "1x2"], "12x24"),
        (["pad", 10, "--padding", -1], "8"),
        (["pad", "10x20", "--multiple", 8, "--where", "both"], "16x24"),
        (["conv", "13x10", "--kernel-size", 6, "--stride", 5, "--padding", "same_upper"], "3x2"),
        (["lp_pool", 13, "--kernel-size", 6, "--stride", 5, "--padding", "same_lower"], "3"),
        (["conv_transpose", 13, "--kernel-size", 6, "--stride", 5, "--padding", "same_lower"], "65"),
        (["upsample", "10x20", "--scale-factor", "0.5x2"], "5x40"),
        (["adaptive_avg_pool", "10x20", "--output-size", "keepx7"], "10x7"),
        (["adaptive_avg_pool", "10x20", "--output-size", "3"], "3x3"),
        (["global_max_pool", "10x20x30"], "1x1x1"),
        (["crop", "10", "--amount", "2"], "6"),
        (["lp_pool", "7x7x7", "--kernel-size", 2], "3x3x3"),
    ],
)
def test_calc_reads_settings_by_axis_and_by_end(arguments, sides):
    status, output = run("calc", *arguments)
    assert (status, output.splitlines()[0].partition(" -> ")[2]) == (0, sides)


CALCULATED = {  # the option values to choose from, and torch's name for the layer
    "conv": (
        "Conv2d",
        {"kernel_size": (1, 2, 3, 5), "stride": (1, 2, 3), "padding": (0, 1, 2), "dilation": (1, 2)},
    ),
    "conv_transpose": (
        "ConvTranspose2d",
        {"kernel_size": (1, 2, 3), "stride": (2, 3), "padding": (0, 1), "output_padding": (0, 1)},
    ),
    "max_pool": (
        "MaxPool2d",
        {"kernel_size": (2, 3, 4), "stride": (1, 2, 3), "padding": (0, 1), "ceil_mode": (False, True)},
    ),
    "avg_pool": (
        "AvgPool2d",
        {"kernel_size": (2, 3, 4), "stride": (1, 2, 3), "padding": (0, 1), "ceil_mode": (False, True)},
    ),
    "adaptive_avg_pool": ("AdaptiveAvgPool2d", {"output_size": (1, 3, 7)}),
    "upsample": ("Upsample", {"scale_factor": (0.5, 2, 1.5, 0.3, 3)}),
}


@pytest.mark.parametrize("kind", CALCULATED)
def test_calc_says_what_torch_does(kind, torch):
    name, values = CALCULATED[kind]
    layer = getattr(torch.nn, name)
    channels = {"in_channels": 1, "out_channels": 1} if kind.startswith("conv") else {}
    chance = random.Random(kind)
    for _ in range(40):
        settings = {name: chance.choice(choices) for name, choices in values.items()}
        sides = [chance.randint(7, 20) for _ in range(2)]
        options = [
            word
            for name, value in settings.items()
            if value is not False
            for word in ([f"--{name.replace('_', '-')}"] + ([] if value is True else [value]))
        ]
        status, output = run("calc", kind, "x".join(map(str, sides)), *options)
        with torch.inference_mode():
            expected = layer(**channels, **settings)(torch.zeros(1, 1, *sides)).shape[2:]
        assert status == 0
        assert output.splitlines()[0].partition(" -> ")[2] == "x".join(map(str, expected)), (settings, output)


def test_calc_says_how_many_rows_are_lost():
    """Of a row of cells, those after the last that any window reads."""
    chance = random.Random(0)
    for _ in range(150):
        w, kernel, stride, padding = (
            chance.randint(5, 30),
            chance.randint(1, 5),
            chance.randint(1, 6),
            chance.randint(0, 3),
        )
        starts = range(-padding, w + padding - kernel + 1, stride)
        lost = w - 1 - max(cell for start in starts for cell in range(start, start + kernel) if cell < w)
        left_over = w + padding - (starts[-1] + kernel)
        status, output = run("calc", "conv", w, "--kernel-size", kernel, "--stride", stride, "--padding", padding)
        assert status == 0
        words = {0: "it is padding, and nothing of the image is lost", 1: "the last row is lost"}
        said = words.get(lost, f"the last {lost} rows are lost")
        if left_over:
            assert output.endswith(f" = {left_over} is left over: {said}\n"), output
        else:
            assert output.endswith(f"        {said}\n") == (lost > 0), output
        assert math.floor((w - kernel + 2 * padding) / stride) + 1 == len(starts)


def test_sides_that_look_like_an_image_with_its_channels_get_a_note():
    status, output = run("calc", "conv", "3x224x224", "--kernel-size", "3")
    assert status == 0
    assert output.splitlines()[-1] == "note: sides have no channels: if 3 is their number, write 224x224"
    status, output = run("calc", "conv", "1x28x28", "--kernel-size", "3")
    assert status == 1  # a depth of 1 has no room for the kernel
    assert output.splitlines()[-1].endswith("write 28x28")
    for sides in ("16x112x112", "3x224", "3x3x3"):
        assert "note" not in run("calc", "conv", sides, "--kernel-size", "3")[1]


def test_sides_that_cannot_be_read_are_shown_without_channels():
    status, output = run("calc", "conv", "224,224", "--kernel-size", "3")
    assert status == 2
    assert "'224,224' is no shape: write its sizes with an x between them, as 224x224" in " ".join(output.split())
