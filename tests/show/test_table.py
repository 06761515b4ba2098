"""What the table shows: facts of the files, whole, aligned, at every width; blocks folded; problems below it."""

import io
import re
import sys
import tomllib

import pytest
from click.testing import CliRunner
from helpers.paths import ARCHITECTURES
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnshape.cli import main
from cnnshape.show.screen import progress, wrapped

ALEXNET = ARCHITECTURES / "alexnet.toml"
RESNET50 = ARCHITECTURES / "resnet50.toml"
PLAIN = {"COLUMNS": None, "FORCE_COLOR": None, "NO_COLOR": None}
WIDTHS = [80, 100, 200]


def shown(*args, width=None, **env):
    """The lines that `cnnshape check --no-torch` prints."""
    env = PLAIN | ({"COLUMNS": str(width)} if width else {}) | env
    result = CliRunner(env=env).invoke(main, ["check", "--no-torch", *map(str, args)])
    assert result.exit_code in (0, 1), result.output
    return result.stdout.splitlines()


@pytest.fixture
def net(tmp_path):
    """Show a net given as text, at some width."""

    def show(text, *args, width=200, **env):
        file = tmp_path / "net.toml"
        file.write_text(text, encoding="utf-8")
        return shown(file, *args, width=width, **env)

    return show


def table_of(lines):
    """Title, rows, total: what stands around and between the two rules."""
    first, last = (place for place, line in enumerate(lines) if line.startswith("─"))
    return lines[first - 1], lines[first + 1 : last], lines[last + 1]


def row(lines, name):
    """The row of a layer."""
    (found,) = (line for line in table_of(lines)[1] if line.removeprefix("✗ ").removeprefix("! ").split()[0] == name)
    return found


def layers(*tables, shape="[1, 32, 32]"):
    entries = "".join(f"  {{ {table} }},\n" for table in tables)
    return f"input = {shape}\nlayers = [\n{entries}]\n"


def facts(lines):
    """What stands below the table, by its label."""
    found, label = {}, ""
    for line in lines[lines.index(table_of(lines)[2]) + 2 :]:
        if not line:
            return found
        label, text = line[:10].strip() or label, line[10:]
        found[label] = " ".join(filter(None, [found.get(label), text]))
    return found


# AlexNet, whose every figure is published, and stands in its file


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


@given(st.lists(st.text("ab,", min_size=1, max_size=12), max_size=8), st.integers(1, 30), st.integers(0, 3))
@settings(max_examples=200)
def test_wrapping_keeps_every_word(pieces, width, indent):
    lines = wrapped(pieces, width, indent)
    assert " ".join(lines).split() == pieces
    for line in lines:
        assert len(line) <= width or " " not in line.strip()


# Colours


def test_a_pipe_gets_no_codes():
    assert "\x1b" not in "\n".join(shown(ALEXNET))


def codes(lines):
    return {code for line in lines for match in re.findall(r"\x1b\[([\d;]*)m", line) for code in match.split(";")}


def test_colours_are_the_terminals_own(net):
    bad = layers('name = "c", type = "conv", out_channels = 1, kernel_size = 40', 'type = "relu"')
    found = codes([*shown(ALEXNET, FORCE_COLOR="1", TERM="xterm"), *net(bad, FORCE_COLOR="1", TERM="xterm-256color")])
    assert {"1", "2", "31", "32"} <= found
    assert found <= {"", "0", "1", "2", "31", "32", "33"}  # bold, dim, red, green, yellow: no background, no grey


def test_no_color_is_obeyed():
    found = codes(shown(ALEXNET, FORCE_COLOR="1", NO_COLOR="1", TERM="xterm"))
    assert not found & {"31", "32", "33"}
    coloured = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in shown(ALEXNET, FORCE_COLOR="1", TERM="xterm")]
    assert [line.rstrip() for line in coloured] == shown(ALEXNET)


def test_a_terminal_without_unicode():
    runner = CliRunner(charset="ascii", env=PLAIN)
    result = runner.invoke(main, ["check", "--no-torch", str(ALEXNET)])
    assert result.stdout.isascii()
    assert "227 -> 55 -> 27 -> 13 -> 6" in result.stdout
    assert result.stdout.splitlines()[-1] == "ok no problems"


def test_a_name_that_the_terminal_cannot_write(tmp_path):
    file = tmp_path / "net.toml"
    file.write_text(layers('name = "ä漢", type = "relu"'), encoding="utf-8")
    result = CliRunner(charset="ascii", env=PLAIN).invoke(main, ["check", "--no-torch", str(file)])
    assert result.exit_code == 0
    assert r"\xe4\u6f22" in result.stdout


def test_a_file_cannot_speak_to_the_terminal(net):
    lines = net('name = "\\u001b[2J[red]x[/red]\\n:smile:"\nsource = "\\u202e"\n' + layers('type = "relu"'))
    assert lines[0].startswith(r"\x1b[2J[red]x[/red]\n:smile:")
    assert lines[1] == r"\u202e"


# Blocks


def bottleneck(entering, width, shortcut):
    """Parameters of ResNet's bottleneck (He et al. 2015): three convolutions without bias, each with a batch norm."""
    main = entering * width + 2 * width + 9 * width * width + 2 * width + 4 * width * width + 8 * width
    return main + (4 * entering * width + 8 * width if shortcut else 0)


def test_blocks_fold_to_a_row_each():
    lines = shown(RESNET50, width=200)
    names = [line.split()[0] for line in table_of(lines)[1]]
    file = tomllib.loads(RESNET50.read_text())
    assert [n for n in names if n not in ("relu1", "flatten1")] == [e["name"] for e in file["layers"] if "name" in e]
    entering = 64
    for stage, (width, depth) in enumerate([(64, 3), (128, 4), (256, 6), (512, 3)], start=1):
        parameters = bottleneck(entering, width, True) + (depth - 1) * bottleneck(4 * width, width, False)
        found = row(lines, f"layer{stage}")
        assert f"{parameters:,}" in found.split()
        assert f"stage  {depth} x bottleneck" in re.sub(" {2,}", "  ", found)
        entering = 4 * width
    assert "64x56x56  → 256x56x56" in row(lines, "layer1")
    assert "1 row, 1 column" in row(lines, "layer2")  # the shortcut's 1x1 kernel with stride 2 on 56: 55 mod 2
    assert "row" not in row(lines, "layer1")


@pytest.mark.parametrize(("depth", "count"), [(1, 9), (2, 23), (4, 175), (9, 175)])
def test_depth_unfolds(depth, count):
    lines = shown(RESNET50, "--depth", depth, width=200)
    _, rows, total = table_of(lines)
    assert len(rows) == count  # 4 layers, the stem and 4 stages; 7 and 16 bottlenecks; every layer
    assert max(len(line.split()[0].split(".")) for line in rows) == min(depth, 4)
    assert total.split() == ["175", "layers", "25,557,032", "4,089,184,256"]


def test_a_row_inside_a_block_names_its_inputs_as_the_block_does():
    lines = shown(RESNET50, "--depth", 3, width=200)
    assert "from bn3, downsample" in row(lines, "layer1.0.sum")
    assert "2 layers, from maxpool" in row(lines, "layer1.0.downsample")


def test_what_a_block_drops_is_summed(net):
    text = (
        layers('name = "b", block = "pools"', shape="[1, 31, 28]")
        + """
[blocks.pools]
layers = [{ type = "max_pool", kernel_size = 2 }, "relu", { type = "max_pool", kernel_size = 2 }]
"""
    )
    assert row(net(text), "b").endswith("2 rows")  # 31 -> 15 -> 7, and 28 -> 14 -> 7


def test_a_repeated_layer_folds(net):
    text = layers('name = "deep", type = "conv", out_channels = 1, kernel_size = 3, padding = 1, repeat = 4')
    lines = net(text)
    assert "conv  4 x, 3x3, padding 1  1x32x32  → 1x32x32" in re.sub(" {2,}", "  ", row(lines, "deep"))
    assert [line.split()[0] for line in table_of(net(text, "--depth", 2))[1]] == [f"deep.{i}" for i in range(4)]


def test_problems_in_a_block_have_their_full_name_and_both_places(net):
    text = """input = [1, 8, 8]
layers = [
  { name = "one", block = "b", k = 3 },
  { name = "two", block = "b", k = 9 },
  "relu",
]
[blocks.b]
arguments = ["k"]
layers = [{ name = "inner", type = "conv", out_channels = 1, kernel_size = "k" }]
"""
    lines = net(text)
    assert row(lines, "two").startswith("✗ two")
    assert "1x?x?" in row(lines, "two")
    assert row(lines, "one").startswith("  one")
    assert "    in layer two.inner" in lines
    place = next(line for line in lines if line.startswith("    in a block used at"))
    assert place.endswith("net.toml:4:3")


# What a layer's settings say


@pytest.mark.parametrize(
    ("table", "shape", "said"),
    [
        ('type = "conv", out_channels = 8, kernel_size = 3', "[1, 32, 32]", "conv  3x3"),
        ('type = "conv", out_channels = 8, kernel_size = 3', "[1, 8, 32, 32]", "conv  3x3x3"),
        ('type = "conv", out_channels = 8, kernel_size = 3', "[1, 32]", "conv  kernel_size 3"),
        ('type = "conv", out_channels = 8, kernel_size = [3, 5], padding = [1, 2]', "[1, 32, 32]", "3x5, padding 1x2"),
        ('type = "conv", out_channels = 8, kernel_size = 3, padding = "same"', "[1, 32, 32]", "3x3, padding same"),
        ('type = "conv", out_channels = 8, kernel_size = 3, stride = 1, bias = false', "[1, 32, 32]", "3x3, no bias  "),
        ('type = "conv", out_channels = 8, kernel_size = 3, stride = [1, 1]', "[1, 32, 32]", "conv  3x3  "),
        ('type = "conv", out_channels = 8, kernel_size = 3, groups = 4, dilation = 2', "[4, 32, 32]", "3x3, dilation 2, groups 4"),
        ('type = "max_pool", kernel_size = 3', "[1, 32, 32]", "3x3, stride 3"),
        ('type = "max_pool", kernel_size = 3, stride = 2, ceil_mode = true', "[1, 32, 32]", "3x3, stride 2, ceil_mode"),
        ('type = "avg_pool", kernel_size = 2, count_include_pad = false', "[1, 32, 32]", "stride 2, no count_include_pad"),
        ('type = "linear", in_features = 32, out_features = 5, bias = false', "[32]", "linear  no bias"),
        ('type = "dropout", p = 0.25', "[32]", "dropout  p 0.25"),
        ('type = "dropout"', "[32]", "dropout  32"),
        ('type = "upsample", scale_factor = 2, mode = "bilinear"', "[1, 32, 32]", "scale_factor 2, mode bilinear"),
        ('type = "pad", padding = [[0, 1], 2]', "[1, 32, 32]", "padding (0,1)x2"),
        ('type = "group_norm", num_groups = 2', "[4, 32, 32]", "group_norm  num_groups 2"),
    ],
)  # fmt: skip
def test_settings(net, table, shape, said):
    lines = net(layers(f'name = "it", {table}', shape=shape))
    assert said in re.sub(" {2,}", "  ", row(lines, "it"))


def test_settings_in_the_files_layout(net):
    text = 'layout = "channels_last"\n' + layers('name = "it", type = "reshape", shape = [8, 4, 2]', shape="[4, 4, 4]")
    assert "shape 8x4x2" in row(net(text), "it")
    assert "→ 8x4x2" in row(net(text), "it")


def test_wiring_is_said_where_it_is_not_the_usual(net):
    text = layers(
        'name = "a", type = "conv", out_channels = 2, kernel_size = 3, padding = 1',
        'name = "b", type = "conv", out_channels = 3, kernel_size = 3, padding = 1',
        'name = "c", type = "conv", out_channels = 4, kernel_size = 3, padding = 1, from = "a"',
        'name = "all", type = "concat", from = ["a", "b", "c"]',
        'name = "more", type = "concat", from = ["a", "b", "c", "all", "a", "b"]',
        'name = "same", type = "add", from = ["a", "a"]',
        'name = "up", type = "upsample", like = "a"',
    )
    lines = net(text)
    assert "from" not in row(lines, "b")
    assert "from a " in row(lines, "c")
    assert "from a, b, c  (2+3+4)x32x32  → 9x32x32" in re.sub(" {2,}", "  ", row(lines, "all"))
    assert "like a" in row(lines, "up")


def test_several_inputs_and_outputs(net):
    text = """
inputs = { left = [1, 8, 8], right = [1, 8, 8] }
outputs = ["l", "r"]
layers = [
  { name = "l", type = "conv", out_channels = 2, kernel_size = 3, from = "left" },
  { name = "r", type = "conv", out_channels = 3, kernel_size = 5, from = "right" },
]
"""
    lines = net(text)
    assert "from left" in row(lines, "l")
    assert "from right" in row(lines, "r")
    assert facts(lines)["outputs"] == "l 2x6x6, r 3x4x4"


# What is dropped, and the chain of sizes


def test_dropped_rows_have_a_column_where_there_are_some(net):
    pool = 'name = "p", type = "max_pool", kernel_size = 2'
    assert "dropped" not in table_of(net(layers(pool, shape="[1, 32, 32]")))[0]
    lines = net(layers(pool, 'type = "relu"', shape="[1, 33, 32]"))
    assert "dropped" in table_of(lines)[0]
    assert row(lines, "p").endswith("1 row")
    assert row(net(layers(pool, shape="[1, 33, 35]")), "p").endswith("1 row, 1 column")
    assert row(net(layers('name = "p", type = "max_pool", kernel_size = 5', shape="[1, 34]")), "p").endswith("4 cells")
    assert row(net(layers(pool, shape="[1, 3, 3, 4]")), "p").endswith("1 slice, 1 row")


CONV = 'type = "conv", out_channels = 1, kernel_size = 3, stride = 2'


@pytest.mark.parametrize(
    ("shape", "sizes"),
    [("[1, 31]", "31 → 15 → 7"), ("[1, 31, 31]", "31 → 15 → 7"), ("[1, 31, 31, 31]", "31 → 15 → 7"), ("[1, 31, 63]", "31x63 → 15x31 → 7x15")],
)  # fmt: skip
def test_chain_of_sizes(net, shape, sizes):
    assert facts(net(layers(CONV, 'type = "relu"', CONV, 'type = "flatten"', shape=shape)))["sizes"] == sizes


def test_a_flat_net_has_no_chain(net):
    assert "sizes" not in facts(net(layers('type = "linear", out_features = 3', shape="[32]")))
    assert "sizes" not in facts(net('layers = ["relu"]'))  # an error, and nothing is known


@pytest.mark.parametrize("order", ['["down", "up"]', '["up", "down"]'])
def test_the_chain_goes_through_the_bottom(net, order):
    text = layers(
        'name = "down", type = "conv", out_channels = 1, kernel_size = 3, padding = 1',
        'name = "pool", type = "max_pool", kernel_size = 2',
        'name = "up", type = "upsample", scale_factor = 2',
        f'name = "skip", type = "concat", from = {order}',
    )
    assert facts(net(text))["sizes"] == "32 → 16 → 32"


def test_a_long_chain_shows_its_ends(net):
    lines = net(layers(*['type = "conv", out_channels = 1, kernel_size = 3'] * 40, shape="[1, 99, 99]"))
    sizes = facts(lines)["sizes"].split(" → ")
    assert sizes[:3] == ["99", "97", "95"]
    assert sizes[-2:] == ["21", "19"]
    assert sizes.count("…") == 1
    assert len(sizes) == 25


# Failures

FAILING = layers(
    'name = "good", type = "conv", out_channels = 2, kernel_size = 3',
    'name = "bad", type = "conv", out_channels = 2, kernel_size = [3, 99]',
    'name = "behind", type = "conv", out_channels = 4, kernel_size = 3',
    'type = "flatten"',
    'name = "last", type = "linear", out_features = 10',
)


@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_plain_which_layer_failed(net, width):
    lines = net(FAILING, width=width)
    _, rows, total = table_of(lines)
    assert [line for line in rows if line.startswith("✗ ")] == [row(lines, "bad")]
    assert "2x30x30" in row(lines, "good")
    assert "2x28x?" in row(lines, "bad")
    assert "4x26x?" in row(lines, "behind")
    assert "?" in row(lines, "flatten1").split()
    assert row(lines, "last").split()[-2:] == ["?", "?"]
    assert total.split() == ["5", "layers", "?", "?"]
    assert facts(lines)["sizes"] == "32x32 → 30x30 → 28x? → 26x?"
    assert lines[-1] == "✗ 1 error"


@pytest.mark.parametrize("width", [30, *WIDTHS])
def test_a_problem_reads_as_editors_read_it(net, width, tmp_path):
    lines = net(FAILING, width=width)
    place = next(place for place, line in enumerate(lines) if "error[" in line)
    match = re.fullmatch(r"(.+):(\d+):(\d+): error\[window-too-large\]: (.+)", lines[place])
    assert match[1] == str(tmp_path / "net.toml")
    line, column = int(match[2]), int(match[3])
    assert FAILING.splitlines()[line - 1][column - 1 :].startswith("[3, 99]")
    assert "99" in match[4]
    snippet, caret = lines[place + 1 : place + 3]
    assert snippet.endswith(FAILING.splitlines()[line - 1])
    assert snippet[caret.index("^") : caret.rindex("^") + 1] == "[3, 99]"
    assert lines[place + 3] == "    in layer bad"


@pytest.mark.parametrize("before", ["", " " * 200, "漢" * 9, "漢" * 30, "\t\t"])
@pytest.mark.parametrize("after", ["", " " * 3 + "#" + "y" * 300])
def test_the_caret_is_under_its_place(net, before, after):
    padding = before if before.isspace() else f'name = "{before}", ' if before else ""
    text = f'input = [1, 8, 8]\nlayers = [\n  {{ {padding}type = "conv", out_channels = 1, kernel_size = 77 }},{after}\n]\n'
    lines = net(text)
    place = next(place for place, line in enumerate(lines) if "error[" in line)
    snippet, caret = lines[place + 1 : place + 3]
    cells = "".join(c * 2 if c == "漢" else c for c in snippet)
    assert cells[caret.index("^") : caret.rindex("^") + 1] == "77"
    assert len(snippet) < 110


def test_a_place_of_several_lines_is_underlined_to_the_end_of_its_first(net):
    lines = net('input = [1, 8, 8]\nlayers = [{ type = "conv", out_channels = 1, kernel_size = [3,  # 漢\n 99] }]\n')
    caret = next(line for line in lines if set(line) == {" ", "|", "^"})
    assert caret.count("^") == len("[3,  # ") + 2


def test_a_warning_marks_its_layer(net):
    lines = net(layers('name = "lost", type = "relu"', 'name = "l", type = "linear", out_features = 3, from = "input"'))
    assert row(lines, "lost").startswith("! lost")
    assert any("warning[unused-result]" in line for line in lines)
    assert lines[-1] == "! 2 warnings"


def test_a_type_that_does_not_exist_failed_too(net):
    lines = net(layers('name = "typo", type = "cnov"', 'name = "r", type = "relu"'))
    assert row(lines, "typo").startswith("✗ typo")
    assert row(lines, "r").startswith("  r")
    assert row(lines, "r").split()[-1] == "?"


@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ("", None),
        ("parameters = 0", "1 of 1 claim holds"),
        ("parameters = 1", "0 of 1 claim holds"),
        ("parameters = 0\nmacs = 0", "2 of 2 claims hold"),
    ],
)
def test_claims_are_counted(net, claims, said):
    assert facts(net(layers('type = "relu"') + f"[claims]\n{claims}\n")).get("checked") == said


def test_what_failed_does_not_hold(net):
    text = layers(
        'name = "a", type = "conv", out_channels = 1, kernel_size = 3, expect = [1, 30, 30]',
        'name = "b", type = "conv", out_channels = 1, kernel_size = 3, expect = [1, 30, 30]',
        'name = "c", type = "conv", out_channels = 1, kernel_size = 99, expect = [1, 30, 30]',
    )
    lines = net(text + "[claims]\nparameters = 30\nmacs = 7\noutput = [1, 1, 1]\n")
    assert facts(lines)["checked"].startswith("1 of 3 expectations and ")


# Large nets, progress


def test_a_thousand_layers(net):
    lines = net(layers(*['type = "conv", out_channels = 1, kernel_size = 3, padding = 1'] * 1000), width=80)
    _, rows, total = table_of(lines)
    assert len(rows) == 1000
    assert total.split()[:3] == ["1,000", "layers", "10,000"]


class Stream(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.terminal = terminal

    def isatty(self):
        return self.terminal


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_for_terminals(monkeypatch, terminal):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Stream(terminal))
    with progress("net[red].toml") as tell:
        if terminal:
            tell(3, 7, "conv4")
    written = sys.stderr.getvalue()
    assert ("net[red].toml" in written) == terminal
    assert ("conv4" in written) == terminal
    assert bool(written) == terminal
    assert codes([written]) <= {"", "0", "1", "2", "31", "32", "33"}
