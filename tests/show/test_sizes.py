"""`cnnshape sizes`, and what a check says of sizes: facts, layers, JSON, exit status."""

import json
import re
import subprocess
import sys

import jsonschema
import pytest
from click.testing import CliRunner
from helpers.cli import APART
from helpers.paths import ROOT

from cnnshape import SizeSet
from cnnshape.cli import main

SCHEMA = json.loads((ROOT / "docs" / "sizes.schema.json").read_text())
PLAIN = {
    "COLUMNS": "400",  # so that a fact is a line
    "FORCE_COLOR": None,
    "NO_COLOR": None,
}

UNET = str(ROOT / "architectures" / "unet.toml")
ALEXNET = str(ROOT / "architectures" / "alexnet.toml")

NONE = """
input = [1, 8]
layers = [
  { name = "down", type = "max_pool", kernel_size = 2 },
  { name = "up", type = "upsample", scale_factor = 2 },
  { name = "even", type = "add", from = ["up", "input"] },
  { name = "odd", type = "crop", size = 1, exact = true },
]
"""
OPEN = 'input = [1, 8, 8]\nlayers = [{ name = "resized", type = "upsample", scale_factor = 0.7 }]\n'
TWO = """
inputs = { left = [1, 8], right = [1, 4] }
layers = [
  { name = "pool", type = "max_pool", kernel_size = 2, from = "left" },
  { name = "sum", type = "add", from = ["pool", "right"] },
]
"""


def run(*args):
    return CliRunner(**APART, env=PLAIN).invoke(main, [*map(str, args)])


def sizes(*args):
    return run("sizes", *args)


def as_json(*args):
    result = sizes(*args, "--format", "json")
    found = json.loads(result.output)
    jsonschema.validate(found, SCHEMA)
    return found


def file(folder, text):
    path = folder / "net.toml"
    path.write_text(text)
    return path


def facts(output):
    """What is said below the labels, each on one line."""
    found, label = {}, ""
    for line in output.splitlines():
        match = re.fullmatch(r"([a-z ]{10})(\S.*)", line)
        if match:
            label = match[1].strip() or label
            found.setdefault(label, []).append(match[2])
    return found


# The screen


def test_independent_axes():
    result = sizes(UNET)
    assert result.exit_code == 0
    assert facts(result.output) == {
        "sizes": ["each side: multiples of 16, from 16"],
        "since": [
            "up1.concat leaves multiples of 2, from 2",
            "then up2.concat leaves multiples of 4, from 4",
            "then up3.concat leaves multiples of 8, from 8",
            "then up4.concat leaves multiples of 16, from 16",
        ],
        "declared": ["1x512x512 is one of them"],
    }
    assert result.output.endswith("\n✓ there are valid sizes\n")


def test_axes_that_meet():
    result = sizes(ALEXNET)
    assert result.exit_code == 0
    found = facts(result.output)
    assert found["sizes"][0] == "equal sides: 227 to 258 (32 sizes)"
    assert found["sizes"][1].startswith(
        "h and w depend on each other: h 67 to 98 with w 1187 to 1218; or h 99 to 130 with"
    )
    assert found["since"] == ["fc6 needs 256*(floor((h + 29)/32) - 2)*(floor((w + 29)/32) - 2) = 9216"]
    assert found["declared"] == ["227x227x3 is one of them"]


def test_of_many_products_the_screen_has_the_first_and_json_all(tmp_path):
    """h*w = 2**10 * 3 is 22 products, of powers of two and once three."""
    volume = 'input = [2, 64, 48]\nlayers = ["flatten", { name = "fc", type = "linear", out_features = 1 }]\n'
    net = file(tmp_path, volume)
    found = facts(sizes(net).output)
    assert found["sizes"][1].startswith(
        "h and w depend on each other: h 1 with w 3072; or h 2 with w 1536; or h 3 with w 1024;"
    )
    assert found["sizes"][1].endswith("; or 10 more, which --format json lists")
    assert found["sizes"][1].count(";") == 12
    assert found["since"] == ["fc needs 2*h*w = 6144"]
    valid = as_json(net)["valid_sizes"]
    assert len(valid["boxes"]) == 22
    assert valid["needed"][0]["leaves"].count(";") == 21


def test_of_many_layers_that_refuse_the_first_are_named(tmp_path):
    layers = "".join(
        f'{{ name = "p{n}", type = "max_pool", kernel_size = {n}, from = "input" }},\n' for n in range(9, 17)
    )
    net = file(tmp_path, f'input = [1, 8]\nallow = ["unused-result"]\nlayers = [{layers}]\n')
    refused = "refused by p9, p10, p11, p12, p13 and 3 more; the nearest are 1x16 above"
    assert facts(sizes(net).output)["declared"] == [f"1x8 is none of them, {refused}"]


def test_axes_that_differ(tmp_path):
    net = file(tmp_path, 'input = [1, 8, 8]\nlayers = [{ type = "max_pool", kernel_size = [1, 3] }]\n')
    assert facts(sizes(net).output)["sizes"] == [
        "h: every size",
        "w: every size from 3",
        "equal sides: every size from 3",
    ]


def test_no_pixel_lost():
    found = facts(sizes(ALEXNET, "--exact").output)
    assert found["asked"] == ["sizes at which no layer drops a row"]
    assert found["sizes"][0] == "equal sides: 227 (1 size)"
    assert found["since"] == [
        "conv1 leaves 3 modulo 4, from 11",
        "then pool1 leaves 3 modulo 8, from 19",
        "then pool2 leaves 3 modulo 16, from 35",
        "then pool3 leaves 3 modulo 32, from 67",
        "fc6 needs 256*(floor((h + 29)/32) - 2)*(floor((w + 29)/32) - 2) = 9216",
    ]


def test_backwards():
    found = facts(sizes(ALEXNET, "--layer", "pool3", "--output", "6x6").output)
    assert found["asked"] == ["sizes with 6x6 at pool3"]
    assert found["sizes"] == ["each side: 227 to 258 (32 sizes)"]
    assert found["since"] == ["pool3 = 6x6 leaves 227 to 258"]
    assert facts(sizes(UNET, "--output", "64x80").output)["sizes"] == [
        "h: 64 (1 size)",
        "w: 80 (1 size)",
        "equal sides: none",
    ]


def test_an_empty_set_names_a_contradiction(tmp_path):
    result = sizes(file(tmp_path, NONE))
    assert result.exit_code == 1
    found = facts(result.output)
    assert found["sizes"] == ["none"]
    assert found["since"] == [
        "even and odd contradict each other",
        "even needs multiples of 2, from 2",
        "odd needs 1 modulo 2, from 1",
    ]
    assert found["declared"] == ["1x8 is none of them, refused by odd"]
    assert result.output.endswith("\n✗ no size is valid\n")


def test_a_layer_that_takes_no_size(tmp_path):
    result = sizes(
        file(
            tmp_path,
            'input = [1, 8]\nlayers = [{ name = "c", type = "conv", out_channels = 3, kernel_size = 1, groups = 2 }]\n',
        )
    )
    assert result.exit_code == 1
    assert facts(result.output)["since"] == ["c takes no size"]


def test_a_layer_that_takes_no_size_explains_it_whatever_the_others_ask(tmp_path):
    """The slice asks a product of sides to be at least 19, of which there is no closed form."""
    layers = """
        "flatten",
        { name = "part", type = "slice", dim = 1, stop = 19 },
        { name = "c", type = "crop", amount = [0, 4] , from = "input" },
    """
    result = sizes(file(tmp_path, f'input = [1, 8, 8, 8]\nallow = ["unused-result"]\nlayers = [{layers}]\n'))
    assert facts(result.output)["since"] == ["c takes no size"]


def test_no_closed_form(tmp_path):
    result = sizes(file(tmp_path, OPEN))
    assert result.exit_code == 1
    assert facts(result.output)["sizes"] == [
        "there is no closed form of ours: resized: a side times 0.7 is rounded in floating point, and not exact",
        "whether one size works, cnnshape check --input says",
    ]
    assert result.output.endswith("\n✗ no closed form\n")


def test_an_invalid_declared_input(tmp_path):
    net = file(tmp_path, NONE.replace("size = 1, exact = true", "size = 2").replace("[1, 8]", "[1, 9]"))
    assert facts(sizes(net).output)["declared"] == [
        "1x9 is none of them, refused by even; the nearest are 1x8 below and 1x10 above"
    ]


def test_several_inputs(tmp_path):
    net = file(tmp_path, TWO)
    refused = sizes(net)
    assert refused.exit_code == 1
    assert "the inputs left, right have different sides: say which one varies" in refused.output
    assert facts(sizes(net, "--vary", "left").output)["sizes"] == ["8 or 9 (2 sizes)"]
    assert facts(sizes(net, "--vary", "right").output)["sizes"] == ["4 (1 size)"]


def test_a_narrow_screen_breaks_facts_between_words():
    result = CliRunner(env=PLAIN | {"COLUMNS": "80"}).invoke(main, ["sizes", ALEXNET])
    assert max(map(len, result.output.splitlines())) <= 80
    assert facts(result.output)["sizes"][0] == "equal sides: 227 to 258 (32 sizes)"


# Layers


def test_layers():
    lines = sizes(ALEXNET, "--layers").output.splitlines()
    titles = "layer      type                 channels"
    table = lines[next(place for place, line in enumerate(lines) if line.startswith(titles)) :]
    cells = {line.split()[0]: re.split(" {2,}", line) for line in table[2:26] if line[0] != " "}
    assert cells["conv1"] == ["conv1", "conv", "96", "floor((x + 1)/4) - 2", "11, stride 4, from 0"]
    assert cells["pool3"] == ["pool3", "max_pool", "256", "floor((x + 29)/32) - 2", "195, stride 32, from -64"]
    assert cells["fc8"] == ["fc8", "linear", "1000", "whole image"]
    assert len(cells) == 23
    assert table[27] == "23 layers"


def test_layers_where_there_is_little_room():
    """The type is left out, and a product of sides has a line for each."""
    result = CliRunner(env=PLAIN | {"COLUMNS": "90"}).invoke(main, ["sizes", ALEXNET, "--layers"])
    lines = result.output.splitlines()
    assert max(map(len, lines)) <= 90
    flatten = next(place for place, line in enumerate(lines) if line.startswith("flatten1"))
    assert lines[flatten].startswith("flatten1   256*(floor((h + 29)/32) - 2)  ")
    assert lines[flatten + 1].strip() == "*(floor((w + 29)/32) - 2)"


def test_a_side_may_be_a_product(tmp_path):
    """4*h*w elements in 2 channels of 2 rows are h*w columns."""
    text = 'input = [4, 8, 8]\nlayers = [{ name = "folded", type = "reshape", shape = [2, 2, -1] }]'
    (row,) = (line for line in sizes(file(tmp_path, text), "--layers").output.splitlines() if line.startswith("folded"))
    assert re.split(" {2,}", row)[:4] == ["folded", "reshape", "2", "2 x h*w"]


FIELDS = """
input = [1, 40, 40]
allow = ["unused-result"]
layers = [
  { name = "holes", type = "conv", out_channels = 1, kernel_size = 3, dilation = [4, 1] },
  { name = "painted", type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 3, from = "input" },
  { name = "painted2", type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 2, from = "input" },
  { name = "mixed", type = "conv_transpose", out_channels = 1, kernel_size = 3, stride = 2, dilation = 2, from = "input" },
  { name = "pairs", type = "conv", out_channels = 1, kernel_size = 2, dilation = [1, 3], from = "painted2" },
  { name = "rounded", type = "upsample", scale_factor = 0.3, from = "input" },
  { name = "half", type = "slice", dim = 2, step = 2, from = "input" },
  { name = "some", type = "slice", dim = 2, stop = 20, from = "input" },
  { name = "both", type = "concat", from = ["half", "some"] },
]
"""


def test_receptive_fields_in_words(tmp_path):
    net = file(tmp_path, FIELDS.replace("scale_factor = 0.3", "scale_factor = 2"))
    lines = [re.split(" {2,}", line) for line in sizes(net, "--layers").output.splitlines()]
    assert {line[0]: line[-1] for line in lines if len(line) == 5 and line[0] != "layer"} == {
        "holes": "9 (3 read), stride 1, from 0 x 3, stride 1, from 0",
        "painted": "0 to 1, stride 1/3, from 0",
        "mixed": "0 to 3, stride 1/2, from -2",
        "painted2": "1, stride 1/2, from 0",
        "pairs": "1 to 2, stride 1/2, from 0 x 2 to 3 (2 read), stride 1/2, from 0",
        "rounded": "1, stride 1/2, from 0",
        "half": "1, stride 2, from 0 x 1, stride 1, from 0",
        "some": "1, stride 1, from 0",
        "both": "1 to 20 (1 to 2 read), irregular, from 0 x 1, stride 1, from 0",
    }


# JSON


def test_json():
    found = as_json(ALEXNET)
    assert (found["ok"], found["inputs"], found["axes"], found["no_closed_form"]) == (True, ["input"], ["h", "w"], None)
    valid = found["valid_sizes"]
    equal = {"text": "227 to 258", "finite": [[227, 258]], "start": 259, "period": 1, "residues": []}
    assert valid["equal_sides"] == equal
    assert valid["axes"] is None
    assert len(valid["boxes"]) == 9
    assert [[equal, equal]] == [box for box in valid["boxes"] if box[0] == box[1]]
    (needed,) = valid["needed"]
    assert needed["needs"] == "256*(floor((h + 29)/32) - 2)*(floor((w + 29)/32) - 2) = 9216"
    assert needed["leaves"].startswith("h 67 to 98 with w 1187 to 1218; or h 99 to 130 ")
    layers = {layer["name"]: layer for layer in found["layers"]}
    assert layers["conv1"]["output"] == [96, "floor((h + 1)/4) - 2", "floor((w + 1)/4) - 2"]
    field = {"whole_image": False, "extent": [195, 195], "support": [195, 195], "stride": "32", "period": 1}
    assert (
        layers["pool3"]["receptive_field"]
        == [field | {"residues": [{"first": -64, "extent": 195, "support": 195}]}] * 2
    )


def test_json_says_what_its_sets_contain():
    valid = as_json(UNET)["valid_sizes"]
    assert valid["needed"][2] == {
        "layer": "up3.concat",
        "needs": "0 to 3 modulo 8, from 1",
        "leaves": "multiples of 8, from 8",
    }
    axis, _ = valid["axes"]
    inside = lambda x, spans: any(a <= x <= b for a, b in spans)  # noqa: E731
    for x in range(1, 100):
        found = inside(x % axis["period"], axis["residues"]) if x >= axis["start"] else inside(x, axis["finite"])
        assert found == (x in SizeSet(axis["text"]))


def test_json_of_a_question():
    found = as_json(ALEXNET, "--exact", "--layer", "conv1", "--output", "55x55")
    assert (found["exact"], found["layer"], found["output"]) == (True, "conv1", [55, 55])
    assert found["valid_sizes"]["equal_sides"]["text"] == "227"


def test_json_of_what_there_is_not(tmp_path):
    open_ = as_json(file(tmp_path, OPEN))
    assert open_["no_closed_form"]["layer"] == "resized"
    assert (open_["ok"], open_["valid_sizes"], open_["layers"]) == (False, None, None)
    none = as_json(file(tmp_path, NONE))
    assert (none["ok"], none["valid_sizes"]["contradiction"]) == (False, ["even", "odd"])
    broken = as_json(file(tmp_path, 'input = [1, 8]\nlayers = ["rleu"]\n'))
    assert (broken["ok"], [problem["code"] for problem in broken["problems"]]) == (False, ["unknown-type"])
    fields = file(tmp_path, FIELDS)
    rounded = as_json(fields)["layers"]
    assert rounded is None  # its size has no closed form


# Exit status


def test_a_wrong_file_is_1(tmp_path):
    result = sizes(file(tmp_path, 'input = [1, 8]\nlayers = ["rleu"]\n'))
    assert result.exit_code == 1
    assert "net.toml:2:11: error[unknown-type]" in result.output
    assert result.output.endswith("\n✗ 1 error\n")


@pytest.mark.parametrize("text", [b"input = [", b"\xff"])
def test_an_unreadable_file_is_2(tmp_path, text):
    path = tmp_path / "net.toml"
    path.write_bytes(text)
    assert sizes(path).exit_code == 2
    assert sizes(tmp_path / "missing.toml").exit_code == 2


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--layer", "nix", "--output", "6x6"], "the net has no layer 'nix'"),
        (["--layer", "conv1"], "a layer is named, but not what its output is to be"),
        (["--layer", "conv1", "--output", "6"], "conv1 has 2 sides, and 6 is asked for"),
        (["--output", "0x6"], "'0x6' is no shape"),
        (["--vary", "left"], "the net has no input 'left'; it has input"),
        (["--format", "csv"], "'csv' is not one of 'table', 'json'"),
    ],
)
def test_a_wrong_command_line_is_2(options, why):
    result = sizes(ALEXNET, *options)
    assert result.exit_code == 2
    assert why in result.stderr


# What a check says


def check(*args):
    return facts(run("check", "--no-torch", *args).output)


def test_a_check_of_an_invalid_size_tells_the_nearest_valid_ones():
    assert check(UNET, "--input", "1x230x230")["nearest"] == ["1x224x224 below and 1x240x240 above would work"]
    assert check(UNET, "--input", "1x230x256")["nearest"] == ["1x224x256 below and 1x240x256 above would work"]
    assert check(UNET, "--input", "1x9x9")["nearest"] == ["1x16x16 above would work"]
    assert check(ALEXNET, "--input", "300x300x3")["nearest"] == ["258x258x3 below would work"]


def test_a_check_of_a_size_that_drops_rows_tells_the_nearest_exact_one():
    assert check(ALEXNET, "--input", "230x230x3")["nearest"] == ["227x227x3 below would lose nothing"]


@pytest.mark.parametrize(
    "arguments",
    [
        (ALEXNET,),  # all is well
        (UNET, "--input", "1x224x224"),
        (UNET, "--input", "1x224"),  # not the sides are wrong
        (UNET, "--input", "3x224x224"),
        (UNET, "--input", "3x230x230"),  # the channels as well
    ],
)
def test_a_check_does_not_tell_what_would_not_help(arguments):
    assert "nearest" not in check(*arguments)


def test_a_check_is_silent_where_there_is_no_closed_form(tmp_path):
    layers = '{ type = "upsample", scale_factor = 0.7 }, { type = "max_pool", kernel_size = 9 }'
    assert "nearest" not in check(file(tmp_path, f"input = [1, 8, 8]\nlayers = [{layers}]\n"))


def test_inputs_that_no_longer_agree_have_no_nearest(tmp_path):
    net = file(tmp_path, TWO.replace("[1, 4]", "[1, 8]"))
    assert "nearest" not in check(net, "--input", "left=1x8", "--input", "right=1x9")


def test_other_sides_do_not_mend_another_input(tmp_path):
    text = """
inputs = { image = [1, 32, 32], vector = [10] }
layers = [
  { name = "half", type = "max_pool", kernel_size = 2, from = "image" },
  { name = "double", type = "upsample", scale_factor = 2 },
  { name = "sum", type = "add", from = ["double", "image"] },
  { name = "linear", type = "linear", out_features = 2, from = "vector" },
]
outputs = ["sum", "linear"]
"""
    net = file(tmp_path, text)
    assert "1x32x32 below" in check(net, "--input", "image=1x33x33")["nearest"][0]
    assert "nearest" not in check(net, "--input", "image=1x33x33", "--input", "vector=11")


# What it costs


def test_a_check_without_such_a_claim_imports_nothing_of_it(tmp_path):
    plain = file(tmp_path, 'input = [1, 8]\nlayers = [{ type = "max_pool", kernel_size = 2 }]\n')
    code = """
import sys, cnnshape
names = ("numbers.sizeset", "numbers.symbolic", "numbers.solve", "network.valid_sizes", "network.receptive", "show.sizes.answer")
late = ["cnnshape." + name for name in names] + ["fractions"]
assert cnnshape.load(sys.argv[1]).check().ok
assert not set(late) & set(sys.modules), set(late) & set(sys.modules)
cnnshape.load(sys.argv[1]).valid_sizes()
assert {"cnnshape.network.valid_sizes", "cnnshape.numbers.solve"} <= set(sys.modules)  # so that the line above can fail
assert "fractions" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, plain], cwd=ROOT, check=True)
