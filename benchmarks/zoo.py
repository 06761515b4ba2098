"""What the zoo costs to check, without torch, in one process: python benchmarks/zoo.py.

Each network is read, built and checked, as `cnnshape check --no-torch` does; beside it, tomllib parses the same files:
the network's own and those that it includes. The average network at most 2 ms, and at most 4 times its parse.
"""

from __future__ import annotations

import statistics
import sys
import time
import tomllib
from typing import TYPE_CHECKING, Any

from cnnshape import zoo
from cnnshape.build import build
from cnnshape.reader import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ROUNDS = 15
MILLISECONDS, RATIO = 2.0, 4.0  # the limits


def texts(file: Path) -> Iterator[str]:
    """Yield the text of a file, and of those that it includes."""
    text = file.read_text(encoding="utf-8")
    yield text
    include = tomllib.loads(text).get("include", [])
    for name in include if isinstance(include, list) else [include]:
        yield from texts(file.parent / name)


def seconds(work: Callable[[], Any]) -> float:
    start = time.process_time()  # others may use the machine meanwhile
    work()
    return time.process_time() - start


def measure(file: Path) -> tuple[float, float]:
    """Return the median seconds of a check and of a parse, taken in turn."""
    sources = sorted(set(texts(file)))  # each once, as the reader does
    works = (lambda: build(read(file)).check(), lambda: [tomllib.loads(text) for text in sources])
    for work in works:
        work()
    check, parse = zip(*[[seconds(work) for work in works] for _ in range(ROUNDS)], strict=True)
    return statistics.median(check), statistics.median(parse)


def main() -> None:
    times = {name: measure(file) for name, file in sorted(zoo.files().items()) if "/" not in name}
    for name, (check, parse) in times.items():
        print(f"{name:22}{check * 1e3:7.2f} ms{check / parse:7.1f} times tomllib's {parse * 1e3:.2f} ms")
    check, parse = (sum(column) / len(times) for column in zip(*times.values(), strict=True))
    print(f"{len(times)} networks: {check * 1e3:.2f} ms on average (at most {MILLISECONDS}), ", end="")
    print(f"{check / parse:.1f} times tomllib (at most {RATIO}); torch imported: {'torch' in sys.modules}")
    sys.exit(check * 1e3 > MILLISECONDS or check / parse > RATIO)


if __name__ == "__main__":
    main()
