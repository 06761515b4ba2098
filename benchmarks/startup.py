"""What the whole process costs: python benchmarks/startup.py.

`cnnshape check --no-torch architectures/alexnet.toml` against a Python that only imports click and rich.table and
prints an empty table; both take turns, and the median of the ratios counts: at most 2.0. Modules are compiled
beforehand, as an installed package's are.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROUNDS = 41
LIMIT = 2.0

EMPTY = "import click, rich.table, rich.console; rich.console.Console().print(rich.table.Table())"
CHECK = "from cnnshape.cli import main; main(['check', '--no-torch', 'architectures/alexnet.toml'])"


def seconds(code: str, environment: dict[str, str]) -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure(rounds: int = ROUNDS) -> tuple[float, float, float]:
    """Return the median seconds of both, and the median of the ratios."""
    with tempfile.TemporaryDirectory() as compiled:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = compiled
        for code in (EMPTY, CHECK):
            seconds(code, environment)
        pairs = [(seconds(EMPTY, environment), seconds(CHECK, environment)) for _ in range(rounds)]
    empty, check = (statistics.median(times) for times in zip(*pairs, strict=True))
    return empty, check, statistics.median(check / empty for empty, check in pairs)


if __name__ == "__main__":
    empty, check, ratio = measure()
    print(f"empty table {1000 * empty:.0f} ms, cnnshape check {1000 * check:.0f} ms, ratio {ratio:.2f} (limit {LIMIT})")
    sys.exit(ratio > LIMIT)
