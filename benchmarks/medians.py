"""The clock of the benchmarks that compare works within one process."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(*works: Callable[[], Any], rounds: int = 9) -> list[float]:
    """Return the median processor time of each, taken in turn: others may use the machine meanwhile."""
    times: list[list[float]] = [[] for _ in works]
    for _ in range(rounds + 1):
        for work, taken in zip(works, times, strict=True):
            start = time.process_time()
            work()
            taken.append(time.process_time() - start)
    return [statistics.median(taken[1:]) for taken in times]  # the first warms up
