"""The screen: colours, letters that a terminal has not, lines broken between words, the bar."""

import io
import re
import sys

import pytest
import rich.cells
from click.testing import CliRunner
from helpers.cli import PLAIN
from helpers.paths import ALEXNET
from helpers.screen import codes, layers, shown
from hypothesis import given, settings
from hypothesis import strategies as st

from cnnshape.cli import main
from cnnshape.show.screen import cell_len, progress
from cnnshape.show.wrapping import wrapped


@given(st.lists(st.text("ab,", min_size=1, max_size=12), max_size=8), st.integers(1, 30), st.integers(0, 3))
@settings(max_examples=200)
def test_wrapping_keeps_every_word(pieces, width, indent):
    lines = wrapped(pieces, width, indent)
    assert " ".join(lines).split() == pieces
    for line in lines:
        assert len(line) <= width or " " not in line.strip()


@pytest.mark.parametrize("width", [40, 60, 100, None])
def test_a_long_source_is_broken_between_words_and_whole_in_a_pipe(tmp_path, width):
    source = (
        "A paper with a title of many words, by people with names, at a conference of some year, in its first table"
    )
    file = tmp_path / "net.toml"
    file.write_text(f'source = "{source}"\n' + layers('type = "tanh"'), encoding="utf-8")
    lines = shown(file, width=width)
    printed = lines[1 : lines.index("")]
    assert " ".join(printed) == source
    assert (len(printed) == 1) == (width is None)
    assert all(len(line) <= (width or 1_000) for line in printed)


def test_a_pipe_gets_no_codes():
    assert "\x1b" not in "\n".join(shown(ALEXNET))


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


@pytest.mark.parametrize("words", ["conv1 → 96x55x55", "✗ 宽度 …", "e\u0301", "ﾊﾟ", "🙂", ""])
def test_words_take_as_many_cells_as_rich_says(words):
    assert cell_len(words) == rich.cells.cell_len(words)
