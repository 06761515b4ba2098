"""Two sequences paired at the least cost, in order: by numbers alone, without a word on layers.

In: the cost of each pair, and of each gap, a member without a partner. Out: the least cost, and its pairs.
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT: Final = 1_000_000  # states of the search; two nets that need more have little in common


def cheapest(
    price: Callable[[int, int], int | None], gaps: list[int], other_gaps: list[int], *, cut: bool
) -> tuple[int, list[tuple[int, int]]]:
    """Return the least cost and its pairs, in order, by Dijkstra's search over the members done on both sides.

    `price` gives the cost of a pair, None where it cannot be one; `gaps` has the cost of each member without a partner;
    `cut`: the first sequence may end early, for nothing. A pair that costs nothing is made at once if its gaps are equal:
    sequences with much in common take time in proportion to their length. (The cost may then exceed the least, by the
    differences between gaps.)
    """
    end = (len(gaps), len(other_gaps))
    cost, best, before = 0, {(0, 0): 0}, {}
    todo = [(0, 0, (0, 0))]
    here = (0, 0)
    while todo and len(best) < LIMIT:
        cost, _, here = heappop(todo)
        i, j = here
        if here == end or (cut and j == end[1]):
            break
        if cost > best[here]:
            continue
        pair = price(i, j) if i < end[0] and j < end[1] else None
        ways = [] if pair is None else [(cost + pair, (i + 1, j + 1))]
        if pair != 0 or gaps[i] != other_gaps[j]:
            ways += [(cost + gaps[i], (i + 1, j))] if i < end[0] else []
            ways += [(cost + other_gaps[j], (i, j + 1))] if j < end[1] else []
        for total, there in ways:
            if total < best.get(there, total + 1):
                best[there], before[there] = total, here
                heappush(todo, (total, -sum(there), there))  # of equal costs, the one that is further on
    pairs = []
    while here in before:
        (i, j), here = here, before[here]
        if here == (i - 1, j - 1):
            pairs.append(here)
    return cost, pairs[::-1]
