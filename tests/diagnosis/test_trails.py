"""The trails' view of a file: the table at a place, and the steps beside it."""

from helpers.nets import net
from hypothesis import given
from hypothesis import strategies as st

from cnnshape.compare.code import code
from cnnshape.diagnosis.trails import LONGEST, _least, data_at, steps_beside
from cnnshape.problems.place import Place


def test_a_place_in_a_file_has_its_table():
    (node, _) = net('input = [3, 8, 8]\nlayers = [{ name = "a", type = "relu" }, "relu"]').nodes
    assert data_at(node.place) == {"name": "a", "type": "relu"}
    assert steps_beside(node.place) == [{"name": "a", "type": "relu"}]


def test_a_line_of_a_program_has_no_table():
    place = Place(code(__file__), (3,))
    assert data_at(place) == {}
    assert steps_beside(Place(code(__file__), (3, "forward"))) == []


@given(st.integers(1, 5000), st.integers(0, 6000), st.integers(1, 70))
def test_the_least_side_is_found_from_any_guess(least, guess, step):
    assert _least(lambda side: side >= least, guess, step) == least


def test_no_side_beyond_the_longest_is_looked_for():
    assert _least(lambda side: side > 4 * LONGEST, 7) is None
