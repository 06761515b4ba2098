"""What the pytest plugin costs: python benchmarks/plugin.py.

start    a run of one test that does not use it, with the plugin and with an empty one, in processes that take turns,
         forked when all of pytest's own is imported; the median difference, in seconds of the processor: below 5 ms
collect  collecting the whole zoo as layers, against checking it, each in a process of its own, imports aside: below 3
"""

from __future__ import annotations

import contextlib
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of others
sys.dont_write_bytecode = False  # what is installed is compiled once

ZOO = ROOT / "architectures"
ROUNDS = 201
START, COLLECT = 0.005, 3.0
PLAIN = ["-q", "-p", "no:cacheprovider"]
PLUGINS = ("cnnshape.pytest_plugin", "empty_plugin")


def seconds(folder: Path, plugin: str) -> float:
    """Run one test with one plugin, in a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if not child:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os._exit(pytest.main([*PLAIN, "-p", plugin]))
    assert os.waitpid(child, 0)[1] == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start() -> float:
    """Return the median of what the plugin adds to a run, in seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sys.path.insert(0, name)
        (folder / "test_one.py").write_text("def test_one(): pass\n")
        (folder / "empty_plugin.py").write_text("")
        with contextlib.redirect_stdout(io.StringIO()):
            pytest.main([*PLAIN, "-p", "empty_plugin", name])  # imports what pytest has
        for plugin in PLUGINS:
            seconds(folder, plugin)
        turns = [PLUGINS if turn % 2 else PLUGINS[::-1] for turn in range(ROUNDS)]
        took = [{plugin: seconds(folder, plugin) for plugin in turn} for turn in turns]
    ours, empty = PLUGINS
    added = statistics.median(times[ours] - times[empty] for times in took)
    with_it, without = (1000 * statistics.median(times[plugin] for times in took) for plugin in PLUGINS)
    print(f"start    {without:.0f} ms, with the plugin {with_it:.0f} ms; it adds {1000 * added:.1f} ms (below 5)")
    return added


class Clock:
    """A pytest plugin that times the collection."""

    seconds = 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self):
        begin = time.perf_counter()
        result = yield
        self.seconds = time.perf_counter() - begin
        return result


def load(file: Path):
    import cnnshape  # which a test run that does not use it pays for, above

    return cnnshape.load(file)


def checking() -> float:
    """Read, build and check each file of the zoo; return the seconds."""
    begin = time.perf_counter()
    for file in ZOO.glob("*.toml"):
        load(file).check()
    return time.perf_counter() - begin


def collecting() -> float:
    """Collect the zoo's files as layers; return the seconds."""
    clock = Clock()
    args = ["--collect-only", "-qq", f"--rootdir={ZOO}", "-c", os.devnull, "-o", "cnnshape_files=*.toml"]
    with contextlib.redirect_stdout(io.StringIO()):
        status = pytest.main([*PLAIN, "-p", "cnnshape.pytest_plugin", *args, str(ZOO)], plugins=[clock])
    assert status == 0
    return clock.seconds


def alone(what: str) -> float:
    """Run one of the two in a new process; return its seconds."""
    return float(subprocess.run([sys.executable, __file__, what], check=True, capture_output=True, text=True).stdout)


def collect() -> float:
    """Return how often collecting takes what checking takes."""
    pairs = [(alone("checking"), alone("collecting")) for _ in range(7)]
    ratio = statistics.median(collected / checked for checked, collected in pairs)
    checked, collected = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"collect  the zoo: check {checked:.2f} s, collect {collected:.2f} s, ratio {ratio:.2f} (below 3)")
    return ratio


if __name__ == "__main__":
    if sys.argv[1:]:
        load(ZOO / "lenet5.toml").check()  # imports what it needs
        print({"checking": checking, "collecting": collecting}[sys.argv[1]]())
    else:
        added, ratio = start(), collect()
        sys.exit(added > START or ratio > COLLECT)
