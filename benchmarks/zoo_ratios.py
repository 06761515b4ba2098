"""The cost of a question to a checked net, over the zoo, as a ratio to a Python that imports click and rich.table."""

from __future__ import annotations

import os
import sys
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, Any, NoReturn

from medians import seconds
from startup import IMPORTS
from startup import seconds as started

import cnnshape
from cnnshape.file.zoo import files

if TYPE_CHECKING:
    from collections.abc import Callable


def report(ask: Callable[[cnnshape.Network], Any], limit: float) -> NoReturn:
    """Print the median and the three largest ratios; exit with 1 where the largest is above the limit."""
    start = median(started(IMPORTS, {**os.environ}) for _ in range(9))
    ratios = []
    for name in sorted(name for name in files() if "/" not in name):
        net = cnnshape.load(f"zoo:{name}")
        net.check()
        (taken,) = seconds(partial(ask, net), rounds=5)
        ratios.append((taken / start, name))
    ratios.sort()
    largest = ", ".join(f"{name} {ratio:.2f}" for ratio, name in ratios[-3:])
    print(f"median {ratios[len(ratios) // 2][0]:.2f}; {largest}  (at most {limit})")
    sys.exit(ratios[-1][0] > limit)
