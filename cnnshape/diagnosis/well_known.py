"""Sides that people give to inputs: those of data sets and published nets, and round ones; of a set of sides the likeliest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

TIERS: Final = (  # those of an earlier line come first
    frozenset([28, 32, 64, 96, 112, 128, 224, 256, 299, 384, 448, 512]),
    frozenset(
        (48, 84, 160, 192, 227, 240, 260, 288, 300, 320, 331, 336, 380, 416, 456, 480, 528, 572, 600, 608, 640, 720, 768, 800, 1024, 1080,
         16000, 22050, 44100, 48000)
    ),
)  # fmt: skip
WELL_KNOWN: Final = frozenset().union(*TIERS)
MOST_LOOKED_AT: Final = 20_000  # sides of one span that are compared


def tier(side: int) -> int:
    """Return how little known a side is: 0 is the best known."""
    return next((number for number, known in enumerate(TIERS) if side in known), len(TIERS))


def well_known(first: int, last: int) -> int | None:
    """Return the smallest well-known side from first to last; None where there is none."""
    return min((side for side in WELL_KNOWN if first <= side <= last), default=None)


def likeliest(spans: Iterable[tuple[int, int]], now: int, axes: int, *, tight: bool = False) -> int:
    """Return the best known side of some spans, else the roundest or, where it is to be `tight`, the nearest.

    Signals, of one axis, have no usual lengths.
    """
    every = (side for first, last in spans for side in range(first, min(last, first + MOST_LOOKED_AT) + 1))
    by = 2 if axes > 1 or now % 10 else 10

    def order(side: int) -> tuple[int, int, int]:
        return tier(side) if axes > 1 else 0, 0 if tight else -divisions(side, by), abs(side - now)

    return min(every, key=order)


def divisions(number: int, by: int) -> int:
    """Return how often a number can be divided."""
    return 0 if number % by else 1 + divisions(number // by, by)
