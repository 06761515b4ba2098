"""What the zoo costs to check, without torch, in one process: python benchmarks/zoo.py.

All networks are read, built and checked, one after the other, as `cnnshape check --no-torch` does, with nothing
remembered from the round before, and garbage collected as seldom as there; beside it, tomllib parses the same files,
those with blocks too, each once. A network at most 12 times its parse.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
import tomllib
from itertools import pairwise
from typing import TYPE_CHECKING

import cnnshape.cli  # noqa: F401 -- sets how seldom garbage is collected
from cnnshape.assemble.network import assemble
from cnnshape.file import zoo
from cnnshape.file.reader import read

if TYPE_CHECKING:
    from pathlib import Path

ROUNDS = 9
RATIO = 12.0  # the limit


def forget() -> None:
    """Empty the caches of the package, and collect what they held: the next round is not to pay for it."""
    for name, module in list(sys.modules.items()):
        for cached in vars(module).values() if name.startswith("cnnshape") else ():
            if hasattr(cached, "cache_clear"):
                cached.cache_clear()
    gc.collect()


def measured(files: list[Path]) -> list[float]:
    """Return the seconds of reading, building and checking all files."""
    forget()
    taken = [0.0, 0.0, 0.0]
    for file in files:
        times = [time.process_time()]  # others may use the machine meanwhile
        architecture = read(file)
        times.append(time.process_time())
        net = assemble(architecture)
        times.append(time.process_time())
        net.check()
        times.append(time.process_time())
        taken = [sum_ + end - start for sum_, (start, end) in zip(taken, pairwise(times), strict=True)]
    return taken


def parsed(texts: list[str]) -> float:
    start = time.process_time()
    for text in texts:
        tomllib.loads(text)
    return time.process_time() - start


def main() -> None:
    files = zoo.files()
    networks = [file for name, file in files.items() if "/" not in name]
    texts = [file.read_text(encoding="utf-8") for file in files.values()]
    rounds = [(parsed(texts), *measured(networks)) for _ in range(ROUNDS)]
    parse, *parts = (statistics.median(taken) / len(networks) * 1e3 for taken in zip(*rounds, strict=True))
    total = sum(parts)
    named = ", ".join(f"{name} {part:.2f}" for name, part in zip(("read", "assemble", "check"), parts, strict=True))
    print(f"{len(networks)} networks: {total:.2f} ms on average ({named}), ", end="")
    print(
        f"{total / parse:.1f} times tomllib's {parse:.2f} ms (at most {RATIO}); torch imported: {'torch' in sys.modules}"
    )
    sys.exit(total / parse > RATIO)


if __name__ == "__main__":
    main()
