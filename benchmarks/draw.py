"""What a picture costs, as a ratio in one run: python benchmarks/draw.py.

draw / imports   drawing a net that is checked, against a Python that imports click and rich.table, which takes 60 ms: of
                 any network of the zoo at most 0.8
"""

from __future__ import annotations

from zoo_ratios import report

import cnnshape

if __name__ == "__main__":
    report(cnnshape.draw, limit=0.8)
