"""What the pytest plugin costs: python benchmarks/plugin.py.

start    a run of one test that does not use it, with the plugin and with an empty one, as whole processes that take
         turns; the median difference, in seconds of the processor: below 5 ms (measure on a machine at rest)
collect  collecting the whole zoo as layers, against checking it, both in this process: below 3
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

from cnnshape.build import build  # noqa: E402
from cnnshape.reader import read  # noqa: E402

ROUNDS = 41
START, COLLECT = 0.005, 3.0
PLAIN = ["-q", "-p", "no:cacheprovider"]
PLUGINS = ("cnnshape", "empty")


def seconds(folder: Path, plugin: str) -> float:
    """Run one test in a process of its own, with one plugin."""
    (folder / "run.py").write_text(f"import sys, pytest\nsys.exit(pytest.main({[*PLAIN, '-p', plugin]!r}))\n")
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    env |= {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "run.py"], cwd=folder, env=env, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def start() -> float:
    """Return the median of what the plugin adds to a run, in seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_one.py").write_text("def test_one(): pass\n")
        (folder / "empty_plugin.py").write_text("")
        installed = folder / "benchmark-1.dist-info"  # as pip leaves it
        installed.mkdir()
        (installed / "METADATA").write_text("Name: benchmark\nVersion: 1\n")
        points = "[pytest11]\ncnnshape = cnnshape.pytest_plugin\nempty = empty_plugin\n"
        (installed / "entry_points.txt").write_text(points)
        for plugin in PLUGINS:
            seconds(folder, plugin)
        turns = [PLUGINS if turn % 2 else PLUGINS[::-1] for turn in range(ROUNDS)]
        took = [{plugin: seconds(folder, plugin) for plugin in turn} for turn in turns]
    added = statistics.median(times["cnnshape"] - times["empty"] for times in took)
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


def checking(files: list[Path]) -> float:
    """Read, build and check each file; return the seconds."""
    begin = time.perf_counter()
    for file in files:
        build(read(file)).check()
    return time.perf_counter() - begin


def collecting(folder: Path) -> float:
    """Collect the folder's files as layers; return the seconds."""
    clock = Clock()
    args = ["--collect-only", "-qq", f"--rootdir={folder}", "-c", os.devnull, "-o", "cnnshape_files=*.toml"]
    with contextlib.redirect_stdout(io.StringIO()):
        status = pytest.main([*PLAIN, "-p", "cnnshape.pytest_plugin", *args, str(folder)], plugins=[clock])
    assert status == 0
    return clock.seconds


def collect() -> float:
    """Return how often collecting takes what checking takes."""
    folder = ROOT / "architectures"
    files = sorted(folder.glob("*.toml"))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of others
    checking(files)
    collecting(folder)
    pairs = [(checking(files), collecting(folder)) for _ in range(7)]
    ratio = statistics.median(collected / checked for checked, collected in pairs)
    checked, collected = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"collect  {len(files)} files: check {checked:.2f} s, collect {collected:.2f} s, ratio {ratio:.2f} (below 3)")
    return ratio


if __name__ == "__main__":
    sys.exit(start() > START or collect() > COLLECT)
