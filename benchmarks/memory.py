"""What the memory of a net costs, as a ratio in one run: python benchmarks/memory.py.

memory / imports   the memory of a net that is checked, against a Python that imports click and rich.table, which takes
                   60 ms: of any network of the zoo at most 0.5
"""

from __future__ import annotations

from zoo_ratios import report

if __name__ == "__main__":
    report(lambda net: net.memory(32, "adam"), limit=0.5)
