"""Rows paired at the least cost: the cost is that of the pairs, and no other pairs cost less."""

from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from cnnshape.compare.cheapest import cheapest


@st.composite
def rows(draw):
    """Prices of all pairs of two short rows, None where there is no pair."""
    here, there = draw(st.integers(0, 5)), draw(st.integers(0, 5))
    price = st.sampled_from([None, None, 0, 1, 2, 7])
    return draw(st.lists(st.lists(price, min_size=there, max_size=there), min_size=here, max_size=here)), here, there


def least(prices, gaps, other_gaps, *, cut):
    """The least cost, by trying everything."""

    @cache
    def rest(i, j):
        if j == len(other_gaps) and (cut or i == len(gaps)):
            return 0
        ways = [gaps[i] + rest(i + 1, j)] if i < len(gaps) else []
        ways += [other_gaps[j] + rest(i, j + 1)] if j < len(other_gaps) else []
        if i < len(gaps) and j < len(other_gaps) and prices[i][j] is not None:
            ways.append(prices[i][j] + rest(i + 1, j + 1))
        return min(ways)

    return rest(0, 0)


@given(rows(), st.integers(0, 9), st.booleans())
def test_no_other_pairs_cost_less(rows, gap, cut):
    prices, here, there = rows
    gaps, other_gaps = [gap] * here, [gap] * there
    cost, _ = cheapest(lambda i, j: prices[i][j], gaps, other_gaps, cut=cut)
    assert cost == least(prices, gaps, other_gaps, cut=cut)


@given(rows(), st.data(), st.booleans())
def test_the_cost_is_that_of_the_pairs_and_the_gaps(rows, data, cut):
    prices, here, there = rows
    gap = st.sampled_from([0, 8, 9, 10])
    gaps, other_gaps = ([data.draw(gap) for _ in range(n)] for n in (here, there))
    cost, pairs = cheapest(lambda i, j: prices[i][j], gaps, other_gaps, cut=cut)
    assert pairs == sorted(set(pairs))
    ours, theirs = (set(side) for side in zip(*pairs, strict=True)) if pairs else (set(), set())
    assert len(ours) == len(theirs) == len(pairs)
    alone = sum(other_gaps[j] for j in range(there) if j not in theirs)
    paid = sum(prices[i][j] for i, j in pairs) + alone
    skipped = [gaps[i] for i in range(here) if i not in ours]
    assert paid <= cost <= paid + sum(skipped)
    assert cut or cost == paid + sum(skipped)


def test_a_search_among_too_many_states_ends_with_what_it_has(monkeypatch):
    asked = []

    def price(i, j):
        asked.append((i, j))
        return None if i + j else 1

    monkeypatch.setattr("cnnshape.compare.cheapest.LIMIT", 50)
    cost, pairs = cheapest(price, [3] * 40, [3] * 40, cut=False)
    assert len(asked) <= 50
    assert cost < 1 + 78 * 3  # of the one pair and the gaps behind it
    assert pairs in ([], [(0, 0)])
