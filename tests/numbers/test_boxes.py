"""Unions of boxes against sets of pairs; and their words."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.numbers.boxes import MOST_BOXES, covered, meet, words
from cnnshape.numbers.sizeset import EVERY, SizeSet
from cnnshape.numbers.symbolic import Unsolvable

spans = st.tuples(st.integers(1, 8), st.integers(0, 4)).map(lambda pair: SizeSet.span(pair[0], sum(pair)))


boxes = st.lists(st.tuples(spans, spans), max_size=4)


def pairs(boxes):
    return {pair for box in boxes for pair in product(*box)}


@given(boxes, boxes)
def test_a_union_is_covered_where_it_is_a_subset(some, others):
    assert covered(some, others) == (pairs(some) <= pairs(others))


@given(boxes, boxes)
def test_two_unions_meet_in_their_intersection(some, others):
    met = meet(some, others)
    assert pairs(met) == pairs(some) & pairs(others)
    assert all(pairs([box]) for box in met)
    assert not any(one is not other and pairs([one]) <= pairs([other]) for one, other in product(met, met))


def test_a_union_of_too_many_boxes_is_refused():
    some = [(SizeSet.of([side]), EVERY) for side in range(1, 34)]
    others = [(EVERY, SizeSet.of([side])) for side in range(1, 33)]
    assert len(meet(some[:32], others)) == MOST_BOXES == 32 * 32
    with pytest.raises(Unsolvable, match="more than 1,024 separate products"):
        meet(some, others)


@pytest.mark.parametrize(
    ("boxes", "text"),
    [
        ([], "none"),
        ([("5", "5")], "5"),
        ([("5", "every size")], "h 5"),
        ([("5", "1 to 3")], "h 5 with w 1 to 3"),
        ([("5", "1 to 3"), ("every size", "9")], "h 5 with w 1 to 3; or w 9"),
    ],
)
def test_words_name_the_axes_that_are_bound(boxes, text):
    assert words([tuple(map(SizeSet, box)) for box in boxes], ["h", "w"]) == text
