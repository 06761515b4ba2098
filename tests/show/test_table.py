"""The table: facts of the files, whole, aligned, at every width."""

import re
import tomllib

import pytest
from helpers.paths import ALEXNET, ARCHITECTURES, RESNET50
from helpers.screen import WIDTHS, facts, layers, row, shown, table_of


@pytest.mark.parametrize("width", WIDTHS)
def test_alexnet(width):
    lines = shown(ALEXNET, width=width)
    file = tomllib.loads(ALEXNET.read_text())
    _, _, total = table_of(lines)
    assert total.split() == ["23", "layers", "62,378,344", "1,135,256,096"]
    for layer in file["layers"]:
        if "expect" in layer:
            assert "x".join(map(str, layer["expect"])) in row(lines, layer["name"]).split()
    assert "34,944" in row(lines, "conv1")  # 96 * (11 * 11 * 3 + 1)
    assert "105,415,200" in row(lines, "conv1")  # 55 * 55 * 96 * 11 * 11 * 3
    assert re.search(r"conv +11x11, stride 4", row(lines, "conv1"))
    assert lines[0].split() == ["AlexNet", str(ALEXNET)]
    assert lines[1] == file["source"]
    assert facts(lines) == {
        "input": "3 channels, 227 high, 227 wide",
        "sizes": "227 → 55 → 27 → 13 → 6",
        "MACs": "multiply-accumulates of convolutions and linear layers, for one sample, biases not counted",
        "checked": "13 of 13 expectations and 4 of 4 claims hold",
        "torch": "no cross-check ran: --no-torch",
    }
    assert lines[-1] == "✓ no problems"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("file", [ALEXNET, RESNET50, ARCHITECTURES / "unet.toml"], ids=lambda file: file.stem)
def test_it_fits_and_is_aligned(file, width):
    title, rows, total = table_of(shown(file, width=width))
    assert max(map(len, [title, *rows, total])) <= width
    for line in rows:  # numbers end where their titles do, and words begin there
        for word in re.finditer(r"(?<=  )\d[\d,]*(?=  |$)", line):
            if "," in word[0]:
                assert word.end() in {title.index(name) + len(name) for name in ("parameters", "MACs")}
        assert line == line.rstrip()
    for name in ("type", "output", "settings" if width > 100 else "type"):
        place = title.index(name)
        assert all(line[place - 1 : place] in ("", " ") for line in rows)


def test_the_input_goes_when_there_is_no_room():
    titles = {width: table_of(shown(ALEXNET, width=width))[0] for width in WIDTHS}
    assert titles[200].split() == ["layer", "type", "settings", "input", "→", "output", "parameters", "MACs"]
    assert "input" not in titles[80]
    for width, name in ((200, "227x227x3  → 55x55x96"), (80, "55x55x96")):
        assert name in row(shown(ALEXNET, width=width), "conv1")


@pytest.mark.parametrize("file", [ALEXNET, RESNET50], ids=lambda file: file.stem)
def test_every_width_is_kept(file):
    widths = {width: max(map(len, table_of(shown(file, width=width))[1])) for width in (1, *range(60, 130, 3))}
    assert all(taken <= max(width, widths[1]) for width, taken in widths.items())
    assert widths[1] <= 80


def test_letters_of_two_cells_are_aligned(net):
    lines = net(
        layers('name = "漢字漢字漢字", type = "relu"', 'name = "r", type = "conv", out_channels = 1, kernel_size = 1')
    )
    places = {line.replace("漢", "漢-").replace("字", "字-").index("→") for line in table_of(lines)[1]}
    assert places == {table_of(lines)[0].index("→")}


def test_nothing_is_said_as_nothing(net):
    found = row(net(layers('name = "r", type = "relu"')), "r")
    assert found.split() == ["r", "relu", "1x32x32", "→", "1x32x32"]


def test_without_a_terminal_it_is_100_wide():
    assert shown(ALEXNET) == shown(ALEXNET, width=100)
    assert shown(ALEXNET, COLUMNS="wide") == shown(ALEXNET, width=100)


@pytest.mark.parametrize("width", [1, 40, *WIDTHS])
def test_nothing_is_cut(net, width):
    names = ["n" * 90, "a-name-with-dashes-that-a-terminal-might-break-at", "漢字"]
    text = layers(
        f'name = "{names[0]}", type = "conv", out_channels = 123456789, kernel_size = 31',
        f'name = "{names[1]}", type = "conv_transpose", out_channels = 7, kernel_size = 3, stride = 2, output_padding = 1',
        f'name = "{names[2]}", type = "adaptive_avg_pool", output_size = 5',
    )
    lines = net(text, width=width)
    words = {word.strip(",") for line in lines for word in line.split()}
    assert {*names, "123456789x2x2", "7x6x6", "7x5x5", "conv_transpose", "adaptive_avg_pool"} <= words
    assert f"{123456789 * (31 * 31 + 1):,}" in words
    assert f"{123456789 * 31 * 31 * 2 * 2:,}" in words


def test_a_thousand_layers(net):
    lines = net(layers(*['type = "conv", out_channels = 1, kernel_size = 3, padding = 1'] * 1000), width=80)
    _, rows, total = table_of(lines)
    assert len(rows) == 1000
    assert total.split()[:3] == ["1,000", "layers", "10,000"]


@pytest.mark.parametrize("width", [60, 200])
def test_the_padding_of_a_pad_is_said_once(net, width):
    text = layers('name = "p", type = "pad", padding = [[1, 2], [0, 3]]')
    words = re.sub(" +", " ", row(net(text, width=width), "p"))
    assert ("pad (1,2)x(0,3)" if width < 100 else "pad padding (1,2)x(0,3)") in words
    assert "pad pad " not in words
