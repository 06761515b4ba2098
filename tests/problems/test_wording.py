"""How facts, values and suggestions are written."""

import pytest

from cnnshape.problems.suggest import Suggestion, all_known, did_you_mean
from cnnshape.problems.wording import MAX_WORDS, few, printable, said, shown, suggested


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        (True, "true"),
        (9_999, "9999"),
        (10_000, "10,000"),
        (-10_000, "-10,000"),
        ((3, 224, 224), "3 x 224 x 224"),
        ((), "[]"),
        (["a"], "a"),
        (["a", "b", "c"], "a, b or c"),
        ([], "none"),
        ("x" * 1_000, "x" * 1_000),
        ("x" * 1_001, "x" * 1_000 + "..."),
    ],
)
def test_facts(fact, words):
    assert said(fact) == words


@pytest.mark.parametrize(
    ("value", "toml"),
    [
        (False, "false"),
        ('a"\\', '"a\\"\\\\"'),
        ([1, "a"], '[1, "a"]'),
        ({"a": 1, "b": [True]}, "{ a = 1, b = [true] }"),
        (1.5, "1.5"),
        ("x" * 61, '"' + "x" * 56 + "..."),
        ([1] * 99, "[" + "1, " * 18 + "1,..."),
    ],
)
def test_values_are_written_as_toml_and_not_at_length(value, toml):
    assert shown(value) == toml
    assert len(toml) <= 60


def test_a_sentence_keeps_its_end():
    assert suggested("It is wrong.", ()) == "It is wrong."
    assert suggested("It is wrong.", all_known(["a"])) == "It is wrong; there is only a."
    assert suggested("It is wrong.", did_you_mean("a")) == "It is wrong; did you mean a?"
    assert (
        suggested("it is wrong", (*all_known("ab"), *did_you_mean("a")))
        == "it is wrong; there are a, b; did you mean a?"
    )


def test_of_many_known_words_the_first_are_written():
    words = [f"w{i}" for i in range(MAX_WORDS)]
    assert suggested("x", all_known(words)) == f"x; there are {', '.join(words)}"
    assert suggested("x", all_known([*words, "more"])) == f"x; there are {', '.join(words)}, ..."


def test_a_long_word_is_cut():
    assert suggested("x", (Suggestion("advice", ("y" * 1_001,)),)) == f"x; {'y' * 1_000}..."


def test_of_many_words_the_first_are_left():
    assert few(["a", "b", "c"], 3) == ["a", "b", "c"]
    assert few(["a", "b", "c", "d"], 2) == ["a", "b", "2 more"]


def test_nothing_moves_the_cursor():
    assert printable("é 漢 x") == "é 漢 x"
    assert printable("\x1b[2J\ud800\n") == r"\x1b[2J\ud800\n"
