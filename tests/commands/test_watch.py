"""`--watch`: a process that watches real files, which are written, renamed, deleted and restored while it runs."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.cli import run
from helpers.paths import ROOT

SECONDS = 60  # to wait, on a machine with much else to do
NET = """input = [3, 32, 32]
layers = [
  {{ name = "conv1", type = "conv", out_channels = {}, kernel_size = 3 }},
  {{ name = "pool", type = "max_pool", kernel_size = 2 }},
]
"""
CODE = "from cnnshape.cli import main; main()"


class Watching:
    """A process that watches, and the lines that it prints."""

    def __init__(self, folder, *args, command="check"):
        given = [sys.executable, "-c", CODE, command, "--watch", *map(str, args)]
        env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            given,
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def until(self, holds):
        """The next line that holds."""
        end = time.monotonic() + SECONDS
        while True:
            try:
                line = self.lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no such line in {self.seen[-40:]}") from None
            self.seen.append(line)
            if holds(line):
                return line

    def line(self, words):
        return self.until(lambda line: words in line)

    def nothing_more(self, seconds=0.5):
        time.sleep(seconds)
        assert self.lines.empty(), self.lines.get()

    def interrupt(self):
        """Press Ctrl-C; return the exit status."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(SECONDS)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        with suppress(OSError, subprocess.TimeoutExpired):  # it has ended
            self.interrupt()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is no signal to a process there")


def saved_by_rename(path, text):
    """Save as many editors do: the new text beside the file, then in its place."""
    beside = path.with_suffix(".tmp")
    beside.write_text(text)
    beside.replace(path)


@pytest.mark.parametrize("save", [lambda path, text: path.write_text(text), saved_by_rename])
def test_each_save_is_a_report_with_a_line_on_what_changed(tmp_path, save):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(96))
    with Watching(tmp_path, "--no-torch", "net.toml") as watching:
        watching.line("no problems")
        watching.nothing_more()
        save(net, NET.format(64))
        changed = watching.line("changed: ")
        assert changed.startswith(
            "changed: conv1: 96x30x30 → 64x30x30; pool: 96x15x15 → 64x15x15; parameters: 2688 → 1792; MACs: "
        )
        save(net, NET.format(64) + "[claims]\nparameters = 7\n")
        watching.line("claim-differs")
        assert (
            watching.line("changed: ")
            == "changed: came: error[claim-differs]: parameters is claimed to be 7, but it is 1792"
        )
        assert watching.interrupt() == 1


def test_what_came_and_went_and_the_last_status(tmp_path):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(0))
    with Watching(tmp_path, "--no-torch", "net.toml") as watching:
        watching.line("1 error")
        net.write_text(NET.format(8))
        changed = watching.line("changed: ")
        assert "went: error[" in changed
        net.write_text(NET.format(8) + "# no change to be seen\n")
        assert watching.line("changed: ") == "changed: nothing that is shown"
        assert watching.interrupt() == 0


def test_a_file_that_vanishes_is_waited_for(tmp_path):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(8))
    with Watching(tmp_path, "--no-torch", "net.toml") as watching:
        watching.line("no problems")
        net.unlink()
        assert watching.line("net.toml is gone: waiting for it") in watching.seen
        watching.nothing_more()
        net.write_text(NET.format(4))
        assert "conv1: 8x30x30 → 4x30x30" in watching.line("changed: ")
        net.rename(tmp_path / "other.toml")
        watching.line("net.toml is gone")
        (tmp_path / "other.toml").rename(net)
        watching.nothing_more()  # the same file again
        net.unlink()
        watching.line("net.toml is gone")
        assert watching.interrupt() == 0


@pytest.mark.parametrize("target", [".", "*.toml"])
def test_the_only_file_of_a_folder_or_a_glob_is_waited_for_as_well(tmp_path, target):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(8))
    with Watching(tmp_path, "--no-torch", target) as watching:
        watching.line("no problems")
        net.rename(tmp_path / "net.away")
        watching.line("changed: came: ")
        (tmp_path / "net.away").rename(net)
        watching.line("changed: went: ")
        assert watching.interrupt() == 0


@pytest.mark.parametrize("target", [".", "**/*.toml", "sub*/*.toml"])
def test_a_file_that_is_new_in_a_folder_or_a_glob_is_seen_at_once(tmp_path, target):
    """Written at once, renamed into place, empty at first, in a folder that is new; and nothing is run for others."""
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / "net.toml").write_text(NET.format(8))
    with Watching(tmp_path, "--no-torch", target) as watching:
        watching.line("no problems")
        (sub / "new.toml").write_text(NET.format(4))
        assert "new.toml: conv1 is new" in watching.line("changed: ")
        saved_by_rename(sub / "renamed.toml", NET.format(4))
        assert "renamed.toml: conv1 is new" in watching.line("changed: ")
        (sub / "notes.txt").write_text("no net")
        (sub / "settings.toml").write_text("[tool]\nlayers_of = 3\n")
        watching.nothing_more()
        (sub / "settings.toml").write_text(NET.format(4))
        assert "settings.toml: conv1 is new" in watching.line("changed: ")
        deep = tmp_path / "sub2"
        deep.mkdir()
        watching.nothing_more()
        (deep / "last.toml").write_text(NET.format(4))
        assert "last.toml: conv1 is new" in watching.line("changed: ")
        assert watching.interrupt() == 0


def test_a_folder_that_has_no_architecture_yet(tmp_path):
    with Watching(tmp_path, "--no-torch", ".") as watching:
        watching.line("has no architecture file")
        (tmp_path / "net.toml").write_text(NET.format(8))
        assert "went: . has no architecture file" in watching.line("changed: ")
        assert watching.interrupt() == 0


def test_a_file_that_is_not_there_yet(tmp_path):
    with Watching(tmp_path, "--no-torch", "net.toml") as watching:
        watching.line("error[no-such-file]")
        (tmp_path / "net.toml").write_text(NET.format(8))
        assert "went: error[no-such-file]" in watching.line("changed: ")
        assert watching.interrupt() == 0
    with Watching(tmp_path, "--no-torch", "none.toml") as watching:
        watching.line("error[no-such-file]")
        assert watching.interrupt() == 2


def test_included_files_are_watched_those_that_are_missing_as_well(tmp_path):
    net, block = tmp_path / "net.toml", tmp_path / "b.toml"
    net.write_text('include = "b.toml"\ninput = [3, 8, 8]\nlayers = [{ name = "u", block = "b" }]\n')
    text = '[blocks.b]\nlayers = [{ type = "conv", out_channels = 4, kernel_size = %d }]\n'
    with Watching(tmp_path, "--no-torch", "net.toml") as watching:
        watching.line("include-not-found")
        block.write_text(text % 3)
        assert "went: error[include-not-found]" in watching.line("changed: ")
        saved_by_rename(block, text % 5)
        assert "u: 4x6x6 → 4x4x4" in watching.line("changed: ")
        block.unlink()
        assert "came: error[include-not-found]" in watching.line("changed: ")
        assert watching.interrupt() == 1


def test_what_autograd_keeps(tmp_path):
    net = tmp_path / "net.toml"
    text = 'input = [3, 32, 32]\nlayers = [{ type = "scale" }, { name = "act", type = "%s" }]\n'
    net.write_text(text % "relu6")
    kept = 512 * 3 * 32 * 32 * 4  # of the input by scale; of what enters by relu6
    with Watching(tmp_path, "--no-torch", "--batch", "512", "net.toml") as watching:
        watching.line(f"kept      {2 * kept:,} bytes")
        net.write_text(text % "identity")
        changed = watching.line("changed: ")
        assert changed == f"changed: act: 6.0 MiB kept → 0.0 MiB kept; bytes kept: {2 * kept:,} → {kept:,}"
        assert watching.interrupt() == 0


def test_several_files(tmp_path):
    for name in ("one.toml", "two.toml"):
        (tmp_path / name).write_text(NET.format(8))
    with Watching(tmp_path, "--no-torch", "one.toml", "two.toml", "zoo:alexnet") as watching:
        watching.line("3 files, all good")
        (tmp_path / "two.toml").write_text(NET.format(4))
        assert watching.line("changed: ").startswith("changed: two.toml: conv1: 8x30x30 → 4x30x30; two.toml: pool: ")
        assert watching.interrupt() == 0


def test_json_is_a_document_a_line(tmp_path):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(8))
    with Watching(tmp_path, "--no-torch", "--format", "json", "net.toml") as watching:
        first = json.loads(watching.until(bool))
        net.write_text(NET.format(4))
        second = json.loads(watching.until(bool))
        assert [one["files"][0]["layers"][0]["output"] for one in (first, second)] == [[8, 30, 30], [4, 30, 30]]
        watching.nothing_more()
        assert watching.interrupt() == 0


def test_sizes(tmp_path):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(8))
    with Watching(tmp_path, "net.toml", command="sizes") as watching:
        watching.line("there are valid sizes")
        net.write_text(NET.format(8).replace("kernel_size = 3", "kernel_size = 7"))
        changed = watching.line("changed: ")
        assert "every size from 4" in changed
        assert "every size from 8" in changed
        net.write_text("input = [")
        assert "came: error[not-toml]" in watching.line("changed: ")
        assert watching.interrupt() == 2
    with Watching(tmp_path, "--format", "json", "net.toml", command="sizes") as watching:
        watching.until(bool)
        net.write_text(NET.format(8))
        assert json.loads(watching.until(bool))["valid_sizes"]
        assert watching.interrupt() == 0


def test_a_live_model(tmp_path, torch):
    model = tmp_path / "nets.py"
    code = "from torch import nn\nfrom parts import conv\n\n\ndef net():\n    return nn.Sequential(conv({}))\n"
    parts = "from torch import nn\n\n\ndef conv(channels):\n    return nn.Conv2d(3, channels, {})\n"
    model.write_text("def net(:\n")
    (tmp_path / "parts.py").write_text(parts.format(3))
    with Watching(tmp_path, "--no-torch", "nets:net", "--input", "3x32x32") as watching:
        watching.line("Error: nets:net")
        model.write_text(code.format(8))
        watching.line("changed: ")
        model.write_text(code.format(4))
        assert "0: 8x30x30 → 4x30x30" in watching.line("changed: ")
        (tmp_path / "parts.py").write_text(parts.format(5))
        assert "0: 4x30x30 → 4x28x28" in watching.line("changed: ")
        model.write_text("def net(:\n")
        watching.line("Error: nets:net")
        assert watching.line("changed: ").startswith("changed: came: nets:net")
        model.write_text(code.format(2))
        assert "went: nets:net" in watching.line("changed: ")
        assert watching.interrupt() == 0


def test_on_a_terminal_the_table_stands_in_place_with_marks(tmp_path):
    import pty

    net = tmp_path / "net.toml"
    net.write_text(NET.format(8))
    mine, its = pty.openpty()
    command = [sys.executable, "-c", CODE, "check", "--watch", "--no-torch", "net.toml"]
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100"}
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=its, stderr=its, start_new_session=True)

    def until(words, shown=b""):
        while words.encode() not in shown:
            shown += os.read(mine, 4096)
        return shown.decode()

    try:
        before = until("watching 1 file; Ctrl-C ends it")
        assert "\x1b[7m" not in before
        net.write_text(NET.format(4))
        after = until("watching 1 file; Ctrl-C ends it")
        assert "\x1b[2J\x1b[1;1H" in after
        assert "\x1b[7m→ 4x30x30" in after
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(SECONDS) == 0
    finally:
        process.kill()
        process.wait()
        os.close(mine)
        os.close(its)


def ticks(pid):
    """The processor time of a process, in the system's ticks."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13]))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the system does not say")
def test_the_processor_is_left_alone(tmp_path):
    net = tmp_path / "net.toml"
    net.write_text(NET.format(8))
    with Watching(tmp_path, "--no-torch", "net.toml") as watching:
        watching.line("no problems")
        time.sleep(1)
        start, begun = ticks(watching.process.pid), time.monotonic()
        time.sleep(4)
        used = (ticks(watching.process.pid) - start) / os.sysconf("SC_CLK_TCK")
        assert used / (time.monotonic() - begun) < 0.02


@pytest.mark.parametrize(
    ("args", "why"),
    [
        (["check", "--watch", "-"], "standard input"),
        (["check", "--watch", "zoo:alexnet"], "the zoo does not change"),
        (["check", "--watch", "nets:net(x)"], "arguments are literals"),
        (["check", "--watch", "--fix", "net.toml"], "--watch only looks"),
        (["check", "--watch", "--diff", "net.toml"], "--watch only looks"),
        (["sizes", "--watch", "-"], "standard input"),
        (["sizes", "--watch", "zoo:alexnet"], "the zoo does not change"),
    ],
)
def test_what_cannot_be_watched(args, why):
    status, printed = run(*args)
    assert status == 2
    assert why in printed
