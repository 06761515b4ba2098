"""SizeSet against plain Python sets and predicates: membership, algebra, canonical form, text."""

import pickle
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cnnshape import SizeSet
from cnnshape.numbers.sizeset import MOST_SPANS, TooManySpans

FAR = 400  # past every start and several periods of the sets below


@st.composite
def sets(draw):
    """A set, and the plain set of its members below FAR."""
    start, period = draw(st.integers(1, 40)), draw(st.sampled_from([1, 2, 3, 4, 5, 6, 8, 12, 16, 32]))
    early = draw(st.sets(st.integers(1, start)))
    residues = draw(st.one_of(st.just(set()), st.sets(st.integers(0, period - 1)), st.just({*range(period)})))
    late = {x for x in range(start, FAR) if x % period in residues}
    members = {x for x in early if x < start} | late
    return SizeSet.of(x for x in early if x < start) | SizeSet.modulo(period, residues, start), members


def members(sizes, far=FAR):
    return {x for x in range(-3, far) if x in sizes}


@given(sets())
def test_membership(pair):
    sizes, expected = pair
    assert members(sizes) == expected


@given(sets(), sets())
def test_algebra(one, other):
    (s, a), (t, b) = one, other
    assert members(s & t) == a & b
    assert members(s | t) == a | b
    assert members(s - t) == a - b
    assert members(~s) == {*range(1, FAR)} - a
    assert (s <= t) == (a <= b)
    assert (s >= t) == (a >= b)


@given(sets(), sets(), sets())
def test_laws(one, other, third):
    (s, _), (t, _), (u, _) = one, other, third
    assert ~(s & t) == ~s | ~t
    assert ~~s == s
    assert s & (t | u) == (s & t) | (s & u)
    assert s - t == s & ~t
    assert s | (s & t) == s


@given(sets(), sets())
def test_equal_sets_are_equal_objects(one, other):
    (s, a), (t, b) = one, other
    assert (s == t) == (a == b)
    if a == b:
        assert (str(s), hash(s)) == (str(t), hash(t))


@given(sets(), sets())
def test_the_same_set_made_differently_is_the_same_object(one, other):
    (s, _), (t, _) = one, other
    again = (s & t) | (s - t)
    fields = [getattr(x, name) for x in (s, again) for name in SizeSet.__slots__]
    assert fields[:4] == fields[4:]


@given(sets())
def test_period_and_start_are_the_least(pair):
    sizes, expected = pair
    if sizes.is_finite:
        assert sizes.period == 1
        return

    def repeats(period, start):
        return all((x in expected) == (x + period in expected) for x in range(start, FAR - period))

    assert repeats(sizes.period, sizes.start)
    assert not any(repeats(period, FAR // 2) for period in range(1, sizes.period))
    place = sizes.start - 1  # what stands there breaks the rule
    assert place == 0 or (place in expected) != (place + sizes.period in expected)


@given(sets())
@example((SizeSet(), set()))
def test_text_reads_back(pair):
    sizes, _ = pair
    assert SizeSet(str(sizes)) == sizes
    assert eval(repr(sizes), {"SizeSet": SizeSet}) == sizes
    assert pickle.loads(pickle.dumps(sizes)) == sizes


@given(sets(), st.integers(0, 120))
def test_neighbours(pair, x):
    sizes, expected = pair
    above, below = min((y for y in expected if y > x), default=None), max((y for y in expected if y < x), default=None)
    assert sizes.next(x) == above
    assert sizes.previous(x) == below
    near = min(sorted(expected), key=lambda y: abs(y - x), default=None)
    assert sizes.nearest(x) == near


@given(sets())
def test_iteration_and_length(pair):
    sizes, expected = pair
    assert [*islice(sizes, 10)] == sorted(expected)[:10]
    assert bool(sizes) == bool(expected)
    if sizes.is_finite:
        assert len(sizes) == len(expected)
    else:
        with pytest.raises(OverflowError):
            len(sizes)


@given(sets(), st.integers(1, 60), st.integers(0, 60))
def test_spans_within(pair, low, length):
    sizes, expected = pair
    spans = [*sizes.spans(low, low + length)]
    assert [x for a, b in spans for x in range(a, b + 1)] == [x for x in range(low, low + length + 1) if x in expected]


@pytest.mark.parametrize(
    ("sizes", "text"),
    [
        (SizeSet(), "none"),
        (SizeSet.of(range(1, 9)), "1 to 8"),
        (SizeSet.of([227]), "227"),
        (SizeSet.of([5, 6, 9]), "5, 6 or 9"),
        (SizeSet.span(227, 258), "227 to 258"),
        (SizeSet.span(1), "every size"),
        (SizeSet.span(67), "every size from 67"),
        (SizeSet.modulo(16, [0]), "multiples of 16, from 16"),
        (SizeSet.modulo(16, [0], 17), "multiples of 16, from 32"),
        (SizeSet.modulo(16, [12], 188), "12 modulo 16, from 188"),
        (SizeSet.modulo(32, [0, 31]), "0 or 31 modulo 32, from 31"),
        (SizeSet.modulo(32, [0, 29, 30, 31]), "0 or 29 to 31 modulo 32, from 29"),
        (SizeSet.modulo(64, [0, 32]), "multiples of 32, from 32"),
        (SizeSet.of([5, 7]) | SizeSet.modulo(16, [0], 32), "5 or 7, and multiples of 16, from 32"),
        (~SizeSet.of([5]), "1 to 4, and every size from 6"),
    ],
)
def test_text(sizes, text):
    assert str(sizes) == text
    assert SizeSet(text) == sizes


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("0, 29, 30 or 31 modulo 32, from 29", "0 or 29 to 31 modulo 32, from 29"),
        ("0 modulo 16", "multiples of 16, from 16"),
        ("multiples of 16", "multiples of 16, from 16"),
        ("0 or 1 modulo 2", "every size"),
        ("every size from 0", "every size"),
        ("3, 1 or 2", "1 to 3"),
        ("16, and multiples of 16, from 32", "multiples of 16, from 16"),
    ],
)
def test_other_words_for_the_same(text, same):
    assert SizeSet(text) == SizeSet(same)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "many",
        "divisible by 16",
        "0 to 5",
        "5 to 3",
        "-1",
        "1.5",
        "multiples of 0",
        "16 modulo 16",
        "3 to 1 modulo 8",
        "5, and multiples of 2, from 4",
        "5 and multiples of 2, from 8",
        "every size from 67 ",
        "from 16",
        "1 to 2 to 3",
        "none, and every size from 3",
        "5, and every size from 0",
        "every size, from 3",
        "multiples of 16 from 16",
        "every size from ",
        "5 modulo ",
        "1,2",
        "1 or",
        ", and multiples of 3",
        "\u0661",
        "9" * 5000,
    ],
)
def test_other_text_is_refused(text):
    with pytest.raises(ValueError):
        SizeSet(text)


def test_large_periods():
    even, threes = SizeSet.modulo(2**64, [0]), SizeSet.modulo(3, [0])
    assert str(even & threes) == f"multiples of {3 * 2**64}, from {3 * 2**64}"
    assert str(~even) == f"1 to {2**64 - 1} modulo {2**64}, from 1"
    assert even <= SizeSet.modulo(2**63, [0])
    assert not SizeSet.modulo(2**63, [0]) <= even
    assert even.next(2**70 + 1) == 2**70 + 2**64
    assert even | ~even == SizeSet.span(1)
    assert even & ~even == SizeSet()


def test_what_would_be_a_book_is_refused():
    coarse, fine = SizeSet.modulo(MOST_SPANS * 8, range(MOST_SPANS * 4)), SizeSet.modulo(2, [0])
    with pytest.raises(TooManySpans):
        coarse & fine


def test_it_does_not_change():
    with pytest.raises(AttributeError):
        SizeSet("227").start = 5


def test_sizes_are_from_1_up_and_whole():
    assert SizeSet.of([-1, 0, 1]) == SizeSet.span(-5, 1) == SizeSet.of([1])
    assert 0 not in SizeSet.span(0)
    assert 1.0 not in SizeSet.span(1)
    assert "1" not in SizeSet.span(1)
