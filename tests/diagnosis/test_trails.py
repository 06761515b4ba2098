"""The trails' view of a file: the table at a place, and the steps beside it."""

from helpers.nets import net

from cnnshape.compare.code import code
from cnnshape.diagnosis.trails import data_at, steps_beside
from cnnshape.problems.place import Place


def test_a_place_in_a_file_has_its_table():
    (node, _) = net('input = [3, 8, 8]\nlayers = [{ name = "a", type = "relu" }, "relu"]').nodes
    assert data_at(node.place) == {"name": "a", "type": "relu"}
    assert steps_beside(node.place) == [{"name": "a", "type": "relu"}]


def test_a_line_of_a_program_has_no_table():
    place = Place(code(__file__), (3,))
    assert data_at(place) == {}
    assert steps_beside(Place(code(__file__), (3, "forward"))) == []
