"""What the memory of a net costs, as a ratio in one run: python benchmarks/memory.py.

memory / imports   the memory of a net that is checked, against a Python that imports click and rich.table, which takes
                   60 ms: of any network of the zoo at most 0.5
"""

from __future__ import annotations

import os
import sys
from statistics import median

from medians import seconds
from startup import IMPORTS
from startup import seconds as started

import cnnshape
from cnnshape.file.zoo import files

LIMIT = 0.5


def measure() -> list[tuple[float, str]]:
    """Return the ratio for each network, the largest last."""
    start = median(started(IMPORTS, {**os.environ}) for _ in range(9))
    found = []
    for name in sorted(files()):
        if "/" in name:
            continue
        net = cnnshape.load(f"zoo:{name}")
        net.check()
        (taken,) = seconds(lambda net=net: net.memory(32, "adam"), rounds=5)
        found.append((taken / start, name))
    return sorted(found)


if __name__ == "__main__":
    ratios = measure()
    print(
        f"median {ratios[len(ratios) // 2][0]:.2f}; " + ", ".join(f"{name} {ratio:.2f}" for ratio, name in ratios[-3:])
    )
    sys.exit(ratios[-1][0] > LIMIT)
