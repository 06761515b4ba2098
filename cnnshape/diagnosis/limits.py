"""The end of a search: how much work may go into the causes and the fixes of one report.

Work is counted in steps (cnnshape.numbers.effort), so that a hostile file takes seconds and every machine says the same.
"""

from __future__ import annotations

from typing import Final

MOST_STEPS: Final = 2**21  # for all fixes of a report: two seconds; HRNet-W18 takes a third of it
MOST_LEGS: Final = 4_000  # of the trails that causes follow: half a second


class Exhausted(Exception):  # noqa: N818 -- it ends a search, and is no error
    """No effort is left: what was found by now stands."""
