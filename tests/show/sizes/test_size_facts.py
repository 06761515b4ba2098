"""Facts about valid sizes, in words: the set, the layers that make it so, the declared input."""

from click.testing import CliRunner
from helpers.cli import write
from helpers.paths import ALEXNET, UNET
from helpers.sizes import NONE, OPEN, PLAIN, TWO, as_json, labelled, sizes

from cnnshape.cli import main


def test_independent_axes():
    result = sizes(UNET)
    assert result.exit_code == 0
    assert labelled(result.output) == {
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
    found = labelled(result.output)
    assert found["sizes"][0] == "equal sides: 227 to 258 (32 sizes)"
    assert found["sizes"][1].startswith(
        "h and w depend on each other: h 67 to 98 with w 1187 to 1218; or h 99 to 130 with"
    )
    assert found["since"] == ["fc6 needs 256*(floor((h + 29)/32) - 2)*(floor((w + 29)/32) - 2) = 9216"]
    assert found["declared"] == ["227x227x3 is one of them"]


def test_of_many_products_the_screen_has_the_first_and_json_all(tmp_path):
    """h*w = 2**10 * 3 is 22 products, of powers of two and once three."""
    volume = 'input = [2, 64, 48]\nlayers = ["flatten", { name = "fc", type = "linear", out_features = 1 }]\n'
    net = write(tmp_path, volume)
    found = labelled(sizes(net).output)
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
    net = write(tmp_path, f'input = [1, 8]\nallow = ["unused-result"]\nlayers = [{layers}]\n')
    refused = "refused by p9, p10, p11, p12, p13 and 3 more; the nearest are 1x16 above"
    assert labelled(sizes(net).output)["declared"] == [f"1x8 is none of them, {refused}"]


def test_axes_that_differ(tmp_path):
    net = write(tmp_path, 'input = [1, 8, 8]\nlayers = [{ type = "max_pool", kernel_size = [1, 3] }]\n')
    assert labelled(sizes(net).output)["sizes"] == [
        "h: every size",
        "w: every size from 3",
        "equal sides: every size from 3",
    ]


def test_no_pixel_lost():
    found = labelled(sizes(ALEXNET, "--exact").output)
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
    found = labelled(sizes(ALEXNET, "--layer", "pool3", "--output", "6x6").output)
    assert found["asked"] == ["sizes with 6x6 at pool3"]
    assert found["sizes"] == ["each side: 227 to 258 (32 sizes)"]
    assert found["since"] == ["pool3 = 6x6 leaves 227 to 258"]
    assert labelled(sizes(UNET, "--output", "64x80").output)["sizes"] == [
        "h: 64 (1 size)",
        "w: 80 (1 size)",
        "equal sides: none",
    ]


def test_an_empty_set_names_a_contradiction(tmp_path):
    result = sizes(write(tmp_path, NONE))
    assert result.exit_code == 1
    found = labelled(result.output)
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
        write(
            tmp_path,
            'input = [1, 8]\nlayers = [{ name = "c", type = "conv", out_channels = 3, kernel_size = 1, groups = 2 }]\n',
        )
    )
    assert result.exit_code == 1
    assert labelled(result.output)["since"] == ["c takes no size"]


def test_a_layer_that_takes_no_size_explains_it_whatever_the_others_ask(tmp_path):
    """The slice asks a product of sides to be at least 19, of which there is no closed form."""
    layers = """
        "flatten",
        { name = "part", type = "slice", dim = 1, stop = 19 },
        { name = "c", type = "crop", amount = [0, 4] , from = "input" },
    """
    result = sizes(write(tmp_path, f'input = [1, 8, 8, 8]\nallow = ["unused-result"]\nlayers = [{layers}]\n'))
    assert labelled(result.output)["since"] == ["c takes no size"]


def test_no_closed_form(tmp_path):
    result = sizes(write(tmp_path, OPEN))
    assert result.exit_code == 1
    assert labelled(result.output)["sizes"] == [
        "there is no closed form of ours: resized: a side times 0.7 is rounded in floating point, and not exact",
        "whether one size works, cnnshape check --input says",
    ]
    assert result.output.endswith("\n✗ no closed form\n")


def test_an_invalid_declared_input(tmp_path):
    net = write(tmp_path, NONE.replace("size = 1, exact = true", "size = 2").replace("[1, 8]", "[1, 9]"))
    assert labelled(sizes(net).output)["declared"] == [
        "1x9 is none of them, refused by even; the nearest are 1x8 below and 1x10 above"
    ]


def test_several_inputs(tmp_path):
    net = write(tmp_path, TWO)
    refused = sizes(net)
    assert refused.exit_code == 1
    assert "the inputs left, right have different sides: say which one varies" in refused.output
    assert labelled(sizes(net, "--vary", "left").output)["sizes"] == ["8 or 9 (2 sizes)"]
    assert labelled(sizes(net, "--vary", "right").output)["sizes"] == ["4 (1 size)"]


def test_a_narrow_screen_breaks_facts_between_words():
    result = CliRunner(env=PLAIN | {"COLUMNS": "80"}).invoke(main, ["sizes", str(ALEXNET)])
    assert max(map(len, result.output.splitlines())) <= 80
    assert labelled(result.output)["sizes"][0] == "equal sides: 227 to 258 (32 sizes)"
