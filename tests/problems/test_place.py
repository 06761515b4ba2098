"""Places: from the first character to behind the last one."""

import pickle

import pytest

from cnnshape.file.source import Source
from cnnshape.problems.building import UnusedResult
from cnnshape.problems.place import Place

TEXT = """[blocks."é b"]
layers = [
  { type = "conv", kernel_size = [3,
    3], out_channels = "2 * \\u0077" },
]
"""
SOURCE = Source.from_text(TEXT, "net.toml")
LAYER = ("blocks", "é b", "layers", 0)


@pytest.mark.parametrize(
    ("place", "start", "end"),
    [
        (Place(SOURCE, ("blocks", "é b"), of_key=True), (1, 9), (1, 14)),
        (Place(SOURCE, ("blocks", "é b")), (1, 1), (1, 15)),
        (Place(SOURCE, LAYER), (3, 3), (4, 38)),
        (Place(SOURCE, (*LAYER, "type"), of_key=True), (3, 5), (3, 9)),
        (Place(SOURCE, (*LAYER, "out_channels")), (4, 24), (4, 36)),
        (Place(SOURCE, (*LAYER, "out_channels"), part=(2, 5)), (4, 27), (4, 35)),
        (Place(SOURCE, (*LAYER, "out_channels"), part=(5, 5)), (4, 35), (4, 35)),
        (Place(SOURCE, (*LAYER, "missing")), (3, 3), (4, 38)),
        (Place(SOURCE, ()), (1, 1), (1, 1)),
    ],
)
def test_a_place_has_a_start_and_an_end(place, start, end):
    assert place.range == (place.start, place.end) == (start, end)
    assert str(place) == f"net.toml:{start[0]}:{start[1]}"
    assert pickle.loads(pickle.dumps(place)).range == place.range
    problem = UnusedResult(place)
    assert ((problem.line, problem.column), (problem.end_line, problem.end_column)) == place.range


def test_a_problem_without_a_place():
    problem = UnusedResult()
    assert (problem.line, problem.column, problem.end_line, problem.end_column) == (0, 0, 0, 0)
