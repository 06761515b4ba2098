"""Expressions as trees: what is printed is what Python itself computes."""

from types import SimpleNamespace

import pytest

from cnnshape.convert.python import (
    Binary,
    Call,
    Copies,
    Index,
    Keyed,
    Listed,
    Literal,
    Name,
    Part,
    Writer,
    line,
    parts_of,
    put,
    statement,
    tree_of,
)


@pytest.mark.parametrize(
    "computed",
    [
        lambda side: -side,
        lambda side: 9 - side,
        lambda side: side - 2,
        lambda side: side % 4,
        lambda side: -side % 4,
        lambda side: 3 - (side - 1) // 2,
        lambda side: 2 * (side + 1),
        lambda side: (1 + side) * 3,
        lambda side: side + 0,
        lambda side: 1 * side,
    ],
)
def test_a_side_is_the_number_that_its_expression_gives(computed):
    side = computed(Writer(Name("x"), (1, 4, 7)).shape[2])
    assert side == computed(7)
    assert hash(side) == hash(computed(7))
    for other in (7, 10):
        x = SimpleNamespace(shape=(1, 4, other))
        assert eval(line(tree_of(side)), {"x": x}) == computed(other)


@pytest.mark.parametrize(
    ("tree", "value"),
    [
        (Call(Name("f"), (Copies(Name("n"), 3),)), (4, 4, 4)),
        (Listed((Keyed("a", Name("n")), Keyed("b", Literal(1))), "{}"), {"a": 4, "b": 1}),
        (Binary("-", Literal(0), Name("n")), -4),
        (Index(Listed((Literal(5), Name("n")), "[]"), Literal(1)), 4),
    ],
)
def test_a_name_is_replaced_within_every_kind_of_expression(tree, value):
    printed = line(put(tree, {"n": Binary("+", Literal(1), Literal(3))}))
    assert eval(printed, {"f": lambda *given: given}) == value


def test_the_parts_of_copies_and_of_entries():
    assert [*parts_of(Copies(Name("n"), 3))] == [Name("n")]
    assert [*parts_of(Keyed("a", Name("n")))] == [Name("n")]


def test_long_statements_are_broken_and_mean_the_same():
    words = tuple(Literal(f"word {number} of several") for number in range(6))
    text = "\n".join(statement("found = ", Listed((Keyed("a", Listed(words, "[]")), Keyed("b", words[0])), "{}"), 0))
    assert max(map(len, text.split("\n"))) <= 88
    found = {}
    exec(text, found)
    assert found["found"] == {"a": [word.value for word in words], "b": words[0].value}


def test_what_cannot_be_broken_stays_on_its_line():
    assert statement("x = ", Part(Name("a" * 90), "b"), 1) == [f"    x = {'a' * 90}.b"]


def test_what_is_written_has_no_parts_and_no_protocols():
    with pytest.raises(TypeError, match="cannot be taken apart"):
        [*Writer(Name("x"))]
    assert not hasattr(Writer(Name("x")), "__array__")
    assert line(tree_of(Writer(Name("x")).weight)) == "x.weight"


def test_what_is_no_expression_is_not_printed():
    with pytest.raises(TypeError):
        line(3)
