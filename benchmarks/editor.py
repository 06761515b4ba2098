"""From a change to its diagnostics, as multiples of load and check: python benchmarks/editor.py.

A file of 700 layers in the server, sound and with a wrong number at its end: the change is sent, and the time taken until the
diagnostics of its version are there. Load and check of the same text are measured in this process.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from medians import seconds

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from helpers.editor import Editor  # noqa: E402 -- of the tree at hand

import cnnshape  # noqa: E402

CONV = '  {{ name = "conv{}", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 }},\n  "relu",\n'
END = '  "global_avg_pool", "flatten",\n  {{ name = "fc", type = "linear", in_features = {}, out_features = 10 }},\n]\n'
ROUNDS = 15


def text(features: int) -> str:
    return "input = [3, 64, 64]\nlayers = [\n" + "".join(map(CONV.format, range(350))) + END.format(features)


def loaded(plain: str) -> object:
    return cnnshape.examine(plain).report


def answered(editor: Editor, uri: str, changed: str) -> float:
    start = time.perf_counter()
    version = editor.change(uri, changed)
    editor.diagnostics(uri, version)
    return time.perf_counter() - start


def main() -> None:
    for title, features in (("sound", 16), ("with a wrong number", 17)):
        plain = text(features)
        (load,) = seconds(partial(loaded, plain), rounds=5)
        with tempfile.TemporaryDirectory() as folder, Editor(Path(folder)) as editor:
            editor.open("untitled:net", plain)
            editor.diagnostics("untitled:net")
            times = []
            for number in range(ROUNDS):
                time.sleep(0.2)
                times.append(answered(editor, "untitled:net", f"{plain}# {number}\n"))
        median = statistics.median(times)
        print(
            f"700 layers, {title}: {median * 1000:.0f} ms from a change to its diagnostics, {median / load:.1f} loads and checks"
        )


if __name__ == "__main__":
    main()
