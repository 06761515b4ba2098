"""Tables, texts and words of TOML, and the keys that do not belong."""

import pytest

from cnnshape.file.notes import Notes
from cnnshape.file.source import Source
from cnnshape.file.tables import Tables
from cnnshape.problems.reading import MissingKey


def tables(text):
    source = Source.from_text(text)
    return Tables(Notes(source)), source.data


def found(reader):
    return [(problem.code, problem.column) for problem in reader.notes.problems]


@pytest.mark.parametrize(
    ("text", "words", "problems"),
    [
        ("", [], []),
        ('w = "a"', ["a"], []),
        ('w = ["a", "b"]', ["a", "b"], []),
        ('w = ["a", 1, "b"]', ["a", "b"], [("not-a-string", 11)]),
        ("w = 1", [], [("not-a-string", 5)]),
    ],
)
def test_words_are_one_or_a_list(text, words, problems):
    reader, data = tables(text)
    assert [*reader.words(data, "w").values()] == words
    assert found(reader) == problems


def test_a_table_and_a_text_are_empty_where_they_are_wrong():
    reader, data = tables("t = 1")
    assert reader.table(data, "t") == reader.table(data, "missing") == {}
    assert reader.text(data, "t") == reader.text(data, "missing") == ""
    assert found(reader) == [("not-a-table", 5), ("not-a-string", 5)]


def test_a_key_that_does_not_belong():
    reader, data = tables("nmae = 1")
    reader.only(data, ["name", "type"], "a layer")
    (problem,) = reader.notes.problems
    assert (problem.code, problem.suggestions) == ("unknown-key", (("meant", ("name",)),))


def test_a_key_of_the_net_in_another_table_is_misplaced():
    reader, data = tables("[claims]\ninput = [3, 32, 32]")
    reader.only(data["claims"], ["macs"], "claims", ("claims",))
    (problem,) = reader.notes.problems
    assert (problem.code, problem.facts) == ("misplaced-key", {"key": "input", "table": "claims"})
    reader.missing(MissingKey(of="a net", key="input"), data, (), ["input"])  # it is said where it is
    assert len(reader.notes.problems) == 1


@pytest.mark.parametrize(("text", "codes"), [("", ["missing-key"]), ("inptu = 1", []), ("other = 1", ["missing-key"])])
def test_a_missing_key_is_noted_unless_another_seems_to_be_it(text, codes):
    reader, data = tables(text)
    reader.missing(MissingKey(of="a net", key="input"), data, (), ["input", "layers"])
    assert [problem.code for problem in reader.notes.problems] == codes
