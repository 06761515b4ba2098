"""The lines of a problem: its place as editors read it, and the caret."""

import re

import pytest
from helpers.screen import FAILING, WIDTHS, layers, row


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
    assert snippet.partition("…" if width < 100 else " | ")[2] in FAILING.splitlines()[line - 1]
    assert len(snippet) <= max(width, 60), "it is cut, and never broken"
    assert snippet[caret.index("^") : caret.rindex("^") + 1] == "[3, 99]"
    assert lines[place + 3].startswith("    cause   "), "the line of the file names the layer"


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
    place = next(line for line in lines if line.startswith("    in layer two.inner, used at "))
    assert place.endswith("net.toml:4:3")


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


@pytest.mark.parametrize("width", WIDTHS)
def test_a_warning_says_how_it_is_silenced_and_that_does_it(net, width):
    text = 'input = [6, 3, 32, 32]\nlayers = [{ name = "c", type = "conv", out_channels = 8, kernel_size = 3 }]\n'
    lines = net(text, width=width)
    assert any("warning[another-order]" in line for line in lines)
    said = " ".join(
        lines[lines.index("cnnshape check --fix writes the first fix, --fix=2 the second; --diff only shows it") :]
    )
    allow = re.search(r'allow = "[\w-]+" at the top of the file, or on a layer, silences a warning', said)
    assert allow, said
    assert net(allow[0].partition(" at ")[0] + "\n" + text)[-1] == "✓ no problems"


@pytest.mark.parametrize("width", [40, 60, 80])
def test_no_empty_line_stands_below_the_carets(net, width):
    name = "a_layer_whose_name_fills_its_line"
    lines = net(layers(f'name = "{name}", type = "relu"', 'type = "tanh", from = "input"'), width=width)
    below = [line for line in lines if line.lstrip().startswith("|")]
    assert below
    assert all(line.strip() != "|" for line in below), below


def test_no_word_on_silencing_where_there_is_no_warning(net):
    assert not any("silences" in line for line in net(FAILING))
