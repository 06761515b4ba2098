"""The diagnosis of the broken nets of tests/broken, judged: python benchmarks/diagnosis_corpus.py [-v] [NAME...].

A row for each net: the code of its first error, whether the layer and the cause are right, and the rank of the first
accepted fix. -v adds the cause and the fixes in words.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]


def main(*words: str) -> None:
    """Judge the nets whose names have one of the words in them, or all; print the table."""
    from helpers.broken_nets import TRUTH, judge, summary

    wanted = [word for word in words if word != "-v"]
    judged = []
    for name in TRUTH["broken"]:
        if not wanted or any(word in name for word in wanted):
            judged.append(one := judge(name))
            print(one.row(), *(one.said if "-v" in words else ()), sep="\n      ")
    print(summary(judged))


if __name__ == "__main__":
    main(*sys.argv[1:])
