"""Problems noted with their places, and no more of them than anybody reads."""

import pytest

from cnnshape.file.notes import Enough, Notes
from cnnshape.file.source import Source
from cnnshape.problems.base import MAX_PROBLEMS
from cnnshape.problems.reading import NoInputs, NotAName

SOURCE = Source.from_text("inputs = {}\n[blocks.'a b']", "net.toml")


def test_a_problem_stands_at_its_path():
    notes = Notes(SOURCE)
    notes.problem(NoInputs, ("inputs",))
    notes.at(("blocks", "a b"), NotAName(name='"a b"'), of_key=True)
    assert [(type(problem), problem.line, problem.column) for problem in notes.problems] == [
        (NoInputs, 1, 10),
        (NotAName, 2, 9),
    ]


def test_those_of_an_included_file_stand_among_them():
    outer = Notes(SOURCE)
    outer.problem(NoInputs, ("inputs",))
    inner = Notes(Source.from_text("", "b.toml"), outer.problems)
    inner.problem(NoInputs, ())
    assert [problem.file for problem in outer.problems] == ["net.toml", "b.toml"]


def test_there_are_no_more_than_anybody_reads():
    notes = Notes(SOURCE)
    for _ in range(MAX_PROBLEMS):
        notes.problem(NoInputs, ("inputs",))
    with pytest.raises(Enough):  # one more says that there are more
        notes.problem(NoInputs, ("inputs",))


def test_what_is_too_large_ends_reading():
    notes = Notes(SOURCE)
    with pytest.raises(Enough):
        notes.too_large((), "layers", 10)
    assert [problem.message for problem in notes.problems] == ["there are too many layers: 10 are the limit"]
