"""Places in the code of a live model: its lines."""

from __future__ import annotations

import pickle

from cnnshape.compare.code import MODEL, code, made_at, place_of
from cnnshape.compare.recording import Line
from cnnshape.problems.reading import UnknownType
from cnnshape.show.problem_lines import told


def test_a_place_is_a_line_of_the_file_and_its_line_is_shown(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets.py").write_text("class Net:\n    def forward(self, x):\n        return self.fc(x)\n")
    place = place_of(Line(str(tmp_path / "nets.py"), 3))
    assert str(place) == "nets.py:3"
    assert place.range == ((3, 9), (3, 26))
    assert [*told(UnknownType(place, type="x"))] == [
        "nets.py:3: error[unknown-type]: there is no layer type x",
        "    3 |         return self.fc(x)",
        "      |         ^^^^^^^^^^^^^^^^^",
    ]


def test_files_elsewhere_have_their_whole_path(tmp_path, monkeypatch):
    (tmp_path / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "deep")
    assert str(place_of(Line(str(tmp_path / "nets.py"), 3))) == f"{tmp_path / 'nets.py'}:3"


def test_without_a_line_there_is_a_place_all_the_same():
    place = place_of(None)
    assert str(place) == f"{MODEL}:1"
    assert place.range == ((1, 1), (1, 1))
    assert [*told(UnknownType(place, type="x"))] == ["<model>:1: error[unknown-type]: there is no layer type x"]


def test_a_path_of_the_net_itself_is_its_first_line():
    assert code("/no/nets.py").key(("input",)) == code("/no/nets.py").value(()) == ((1, 1), (1, 1))
    assert pickle.loads(pickle.dumps(code("/no/nets.py"))) == code("/no/nets.py")
    assert code("/no/nets.py").data == {}


def test_the_line_where_a_layer_is_made_is_said_unless_it_is_the_same(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    called, file = Line(str(tmp_path / "nets.py"), 9), str(tmp_path / "nets.py")
    assert made_at(place_of(called, Line(file, 4))) == "nets.py:4"
    assert made_at(place_of(called, Line(str(tmp_path / "parts.py"), 9))) == "parts.py:9"
    assert made_at(place_of(called, called)) == ""
    assert made_at(place_of(None, called)) == ""
    assert made_at(place_of(called)) == ""
