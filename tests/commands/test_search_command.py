"""`cnnshape search`: rows for people and spreadsheets, exit statuses, and a search that is really interrupted."""

import csv
import os
import signal
import sys
import time
from contextlib import contextmanager
from itertools import product

import pytest
from helpers.cli import PLAIN, CliRunner, process, write

import cnnshape
from cnnshape.cli import main
from cnnshape.commands import search as command
from cnnshape.show import screen
from cnnshape.space import journal
from cnnshape.space.searching import searched

TEXT = """
name = "Two convolutions"
constants = { width = 16, depth = 2 }
layout = "channels_last"
input = [32, 32, 3]
layers = [
  { name = "stem", type = "conv", out_channels = "width", kernel_size = 3, stride = 2 },
  { name = "body", type = "conv", out_channels = "2 * width", kernel_size = 3, repeat = "depth" },
]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    write(tmp_path, TEXT)
    return tmp_path


def run(*args, **env):
    result = CliRunner(env=PLAIN | env).invoke(main, ["search", *map(str, args)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


VARY = ("--vary", "width=8..24..8", "--vary", "depth=0..9")


def arithmetic():
    """The multiply-accumulates of all that fit, by hand."""
    found = []
    for width, depth, side in product((8, 16, 24), range(10), (16, 32, 48, 64)):
        sides = [(side - 3) // 2 + 1 - 2 * i for i in range(depth + 1)]
        depths = [width] + [2 * width] * depth
        if sides[-1] > 0:
            found.append(sum(9 * c * d * s * s for c, d, s in zip([3, *depths], depths, sides, strict=False)))
    return found


def test_csv_has_what_totals_give():
    result = run(
        "net.toml", *VARY, "--input", "16,64", "--where", "macs < 2e6", "--sort=-parameters", "--format", "csv"
    )
    rows = [*csv.DictReader(result.stdout.splitlines())]
    net = cnnshape.load("net.toml")
    expected = []
    for width in (8, 16, 24):
        for depth in range(10):
            for side in (16, 64):
                report = net.with_constants(width=width, depth=depth).check(input=(3, side, side))
                if report.ok and report.macs < 2_000_000:
                    c, h, w = report.output
                    sizes = (f"{side}x{side}x3", f"{h}x{w}x{c}", str(report.parameters), str(report.macs))
                    expected.append((str(width), str(depth), *sizes))
    expected.sort(key=lambda row: -int(row[4]))
    assert [tuple(row.values()) for row in rows] == expected
    assert [*rows[0]] == ["width", "depth", "input", "output", "parameters", "macs"]
    assert (result.exit_code, result.stderr) == (0, "")


def test_the_table_has_the_first_rows_and_what_became_of_the_others():
    result = run(
        "net.toml", *VARY, "--input=16..64..16", "--where", "macs < 2e6", "--sort", "macs", "--top", 2, COLUMNS="80"
    )
    asked = sum(macs < 2_000_000 for macs in arithmetic())
    assert result.exit_code == 0
    assert result.stdout == (
        "Two convolutions  net.toml\n\n"
        " width  depth  input    output  parameters    MACs\n"
        "──────────────────────────────────────────────────\n"
        "     8      0  16x16x3  7x7x8          224  10,584\n"
        "    16      0  16x16x3  7x7x16         448  21,168\n"
        "──────────────────────────────────────────────────\n"
        "2 rows\n\n"
        f"searched  120 candidates: {len(arithmetic())} fit, {asked} of them as asked\n"
        "asked     macs < 2e6\n"
        f"unfit     {120 - len(arithmetic())}; the first of them is width=8, depth=4, input=16: net.toml:8:77:\n"
        "          error[window-too-large]: a window of 3 does not fit a side of 1 with\n"
        "          padding 0\n"
        f"shown     2 of {asked}; --top N shows N of them\n\n"
        f"✓ {asked} candidates found\n"
    )


def test_a_table_has_twenty_rows_unless_it_is_told():
    assert "20 rows\n" in run("net.toml", "--vary", "width=1..30").stdout
    assert "30 rows\n" in run("net.toml", "--vary", "width=1..30", "--top", 40).stdout
    assert len(run("net.toml", "--vary", "width=1..30", "--format=csv").stdout.splitlines()) == 31


def test_an_input_that_does_not_vary_gives_its_place_to_what_does():
    narrow = run(
        "net.toml", "--vary", "stem.kernel_size=3,[3, 5]", "--vary", "stem.padding_mode=zeros,reflect", COLUMNS="70"
    )
    assert "input" not in narrow.stdout
    assert max(map(len, narrow.stdout.splitlines())) <= 70
    assert narrow.stdout.count("[3, 5]") == narrow.stdout.count(" reflect ") == 2
    wide = run("net.toml", "--vary", "stem.kernel_size=3,[3, 5]", "--format=csv")
    assert wide.stdout.splitlines()[2].startswith('"[3, 5]",32x32x3,')


def test_nothing_found_is_status_1():
    result = run("net.toml", "--vary", "width=8", "--where", "macs < 1")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "✗ nothing found")
    assert run("net.toml", "--vary", "width=8", "--where", "macs < 1", "--format=csv").exit_code == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("net.toml",), "nothing varies: say --vary NAME=VALUES, or --input SIZES"),
        (("net.toml", "--vary", "width"), "--vary width: write NAME=VALUES, as width=16..128..16 or depth=1,2,3"),
        (("net.toml", "--vary", "width=1", "--vary=width=2"), "--vary width is given twice"),
        (("net.toml", "--vary", "widht=1"), "--vary: 'widht' is no constant; did you mean width?"),
        (("net.toml", "--vary", "width=1..x"), "'1..x' is no value"),
        (("net.toml", "--vary", "width=2020-01-01"), "--vary: "),
        (("net.toml", "--vary", "width={a=1}"), "--vary: "),
        (("net.toml", "--input", "3x3x0"), "'3x3x0' is no shape"),
        (("net.toml", "--vary", "width=1", "--where", "macs <"), "the expression ends"),
        (("net.toml", "--vary", "width=1", "--sort", "mac"), "did you mean macs?"),
        (
            ("net.toml", "--vary", "width=1", "--where", "output.length"),
            "output.length is no single number; there is output.channels = 2, output.height = 11",
        ),
        (("net.toml", "--input", "16x16x3", "--sort", "input"), "is a list, and no number"),
        (("net.toml", "--vary", "width=1", "--resume"), "no search of this file with these options was interrupted"),
        (
            ("nets:Model", "--vary", "width=1"),
            "nets:Model is a model: a search varies the constants of an architecture file",
        ),
        (
            ("net.onnx", "--vary", "width=1"),
            "net.onnx is a model: a search varies the constants of an architecture file",
        ),
        (("none.toml", "--vary", "width=1"), "none.toml:1:1: error[no-such-file]"),
    ],
)
def test_a_command_line_that_cannot_be_used_is_status_2(args, message):
    result = run(*args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr


def test_a_bar_moves_on_a_terminal_alone(monkeypatch):
    moves = []

    @contextmanager
    def bar(title):
        yield lambda *move: moves.append((title, *move))

    monkeypatch.setattr(screen, "progress", bar)
    run("net.toml", "--vary", "width=1..64")
    assert moves == [("Two convolutions", stop, 64, "") for stop in range(2, 65, 2)]


def test_many_candidates_are_searched_by_several_processes(monkeypatch):
    alone = run("net.toml", *VARY, "--sort=macs")
    monkeypatch.setattr(command, "FEW", 3)
    assert run("net.toml", *VARY, "--sort=macs").stdout == alone.stdout


SLOW = """
import sys, time
from cnnshape.cli import main
from cnnshape.commands import search
from cnnshape.space import journal
search.FEW, journal.PATIENCE, add = {few}, 0, journal.Journal.add
def slow(self, chunk):
    add(self, chunk)
    time.sleep(0.05)
journal.Journal.add = slow
if __name__ == "__main__":
    main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("few", [0, 10_000])
def test_an_interrupted_search_goes_on(folder, name, few):
    args = [
        "search",
        folder / "net.toml",
        *VARY,
        "--input=16..79",
        "--where",
        "macs < 2e6",
        "--sort=-macs",
        "--format=csv",
    ]
    whole = run(*args[1:])
    kept = folder / "config" / "cnnshape" / "search"
    assert not [*kept.glob("*")], "a search that is done leaves nothing"
    started = process(*args, code=SLOW.format(few=few), stdout=-1, start_new_session=True)
    for _ in range(600):
        time.sleep(0.05)
        if any(file.stat().st_size for file in kept.glob("*")):
            break
    kill = os.kill if name == "SIGTERM" else os.killpg  # a terminal interrupts the whole group
    kill(started.pid, getattr(signal, name))
    out, err = started.communicate(timeout=60)
    assert out == ""
    if name != "SIGKILL":
        assert started.returncode == 130
        assert err.startswith("stopped behind ")
        assert err.endswith(" of 1,920 candidates; the same command with --resume goes on\n")
    (file,) = kept.glob("*")
    once_more = file.read_text()
    with file.open("a") as torn:
        torn.write('\n[1920, [[3, [{"inp' + once_more)
    lines = once_more.count("\n")
    assert 0 < lines < 32
    resumed = run(*args[1:], "--resume")
    assert (resumed.stdout, resumed.exit_code) == (whole.stdout, 0)
    assert not file.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_a_search_that_was_interrupted_twice_goes_on(folder, monkeypatch):
    args = ("net.toml", *VARY, "--input=16..24", "--format=csv")
    whole = run(*args)
    add, counts = journal.Journal.add, []

    def interrupted(self, chunk):
        add(self, chunk)
        counts.append(chunk.stop)
        if len(counts) % 7 == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(journal.Journal, "add", interrupted)
    assert run(*args).exit_code == 130
    assert run(*args, "--resume").exit_code == 130
    monkeypatch.setattr(journal.Journal, "add", add)
    assert run(*args, "--resume").stdout == whole.stdout
    assert counts == sorted({*counts}), "nothing was searched twice"
    assert run(*args, "--resume").exit_code == 2


def test_a_search_that_begins_anew_forgets_the_old_one(folder):
    found = searched(cnnshape.load("net.toml"), {"width": [8, 16]})
    notes = journal.Journal(folder / "config" / "cnnshape" / "search", found)
    notes.begin()
    notes.add(found.chunk(0, 1))
    notes.write()
    assert notes.read() == [found.chunk(0, 1)]
    notes.begin()
    with pytest.raises(ValueError, match="was interrupted"):
        notes.read()


def test_workers_leave_an_interruption_to_the_process_that_waits(monkeypatch):
    handlers = {}
    monkeypatch.setattr(signal, "signal", handlers.__setitem__)
    command._unmoved()
    assert handlers == {signal.SIGINT: signal.SIG_IGN, signal.SIGTERM: signal.SIG_DFL}


def test_without_a_place_for_a_journal_a_search_goes_on(folder, monkeypatch):
    (folder / "config").write_text("no folder")
    monkeypatch.setattr(journal, "PATIENCE", 0)
    args = ("net.toml", *VARY, "--format=csv")
    assert len(run(*args).stdout.splitlines()) == 25  # 3 widths, depths 0 to 7, and the names
    add = journal.Journal.add

    def interrupted(self, chunk):
        add(self, chunk)
        raise KeyboardInterrupt

    monkeypatch.setattr(journal.Journal, "add", interrupted)
    result = run(*args)
    assert result.exit_code == 130
    assert result.stderr.startswith("stopped behind 1 of 30 candidates; what is done is lost, ")
    assert "config" in result.stderr
    assert signal.getsignal(signal.SIGTERM) is not signal.default_int_handler
