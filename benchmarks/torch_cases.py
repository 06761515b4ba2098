"""Ask real torch about a million distinct layers, and count where cnnshape answers otherwise.

    python benchmarks/torch_cases.py [--cases N] [--seed S] [--processes P]

First come the exhaustive grids of tests/properties/grids.py, then random cases of every layer type, as many as it has
parameters. The question is that of the tests (tests/properties/oracle.py). Exit status: 0, or 1 for a disagreement.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from itertools import islice
from multiprocessing import Pool
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "properties")]

from answers import Accepted  # noqa: E402
from cases import TRIED, Case, case  # noqa: E402
from grids import GRIDS  # noqa: E402
from oracle import compare, disagreement  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


BATCH = 200  # cases that a process takes at a time


def endless(seed: int) -> Iterator[Case]:
    """Yield the grids' cases, then random ones."""
    for grid in GRIDS:
        yield from grid()
    chance = Random(seed)
    weights = [1 + len(tried.values) for tried in TRIED.values()]
    while True:
        yield from (case(kind, chance.choice) for kind in chance.choices([*TRIED], weights, k=1000))


def distinct(cases: Iterable[Case]) -> Iterator[Case]:
    seen: set[int] = set()
    for one in cases:
        key = hash(json.dumps(one, sort_keys=True))
        if key not in seen:
            seen.add(key)
            yield one


def judge(cases: tuple[Case, ...]) -> tuple[Counter[str], Counter[str], list[str]]:
    """Return how many cases there are of each type, how many of them are accepted, and the disagreements."""
    compared = list(map(compare, cases))
    accepted = Counter(found.case.type for found in compared if isinstance(found.ours, Accepted))
    wrong = [disagreement(found.case) or f"only at times: {found}" for found in compared if not found.agrees]
    return Counter(one.type for one in cases), accepted, wrong


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--cases", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--processes", type=int, default=2)
    given = options.parse_args()

    start = time.perf_counter()
    asked: Counter[str] = Counter()
    accepted: Counter[str] = Counter()
    wrong: list[str] = []
    cases = islice(distinct(endless(given.seed)), given.cases)
    batches = iter(lambda: tuple(islice(cases, BATCH)), ())
    with Pool(given.processes) as pool:
        for number, (of_type, of_them, found) in enumerate(pool.imap_unordered(judge, batches), start=1):
            asked += of_type
            accepted += of_them
            wrong += found
            if number % 500 == 0:
                print(
                    f"{asked.total():>12,} cases, {len(wrong)} disagreements, {time.perf_counter() - start:,.0f} s",
                    flush=True,
                )

    for kind, count in sorted(asked.items()):
        print(f"{count:>12,} {kind}, {accepted[kind] / count:.0%} accepted")
    print(*wrong[:20], sep="\n\n")
    seconds = time.perf_counter() - start
    print(f"{asked.total():,} distinct cases, {len(wrong)} disagreements, {seconds:,.0f} seconds (seed {given.seed})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
