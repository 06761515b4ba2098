"""What every problem does: message, equality, pickles."""

import pickle

from cnnshape.file.source import Source
from cnnshape.problems.building import UnknownLayer, UnusedResult
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import advice, did_you_mean

PLACE = Place(Source.from_text('layers = ["relu"]', "net.toml"), ("layers", 0))


def test_a_message_is_the_sentence_with_its_facts_and_suggestions():
    problem = UnknownLayer(PLACE, name="cnov", suggestions=did_you_mean("conv"))
    assert problem.message == "there is no layer cnov; did you mean conv?"
    assert repr(problem) == f"net.toml:1:11: error[unknown-layer]: {problem.message}"
    assert "suggestions" not in problem.facts


def test_suggestions_count_in_equality_and_are_pickled_and_copied():
    problem = UnusedResult(PLACE, "relu1", suggestions=advice("name it in outputs"))
    assert problem == UnusedResult(PLACE, "relu1", suggestions=advice("name it in outputs"))
    assert problem != UnusedResult(PLACE, "relu1")
    assert pickle.loads(pickle.dumps(problem)) == problem
    strict = problem.as_error()
    assert (strict.severity, strict.suggestions) == ("error", problem.suggestions)
    assert problem.severity == "warning"


def test_what_could_move_a_cursor_is_escaped():
    problem = UnknownLayer(PLACE, name="a\x1b[2J", suggestions=did_you_mean("a\x1b"))
    assert problem.message == r"there is no layer a\x1b[2J; did you mean a\x1b?"
