"""Where the files of the zoo are, by their names."""

import pytest
from helpers.paths import ROOT

from cnnshape.file import zoo


def test_all_files_have_names():
    files = zoo.files()
    assert {*files.values()} == {*(ROOT / "architectures").rglob("*.toml")}
    assert files["resnet50"] == ROOT / "architectures" / "resnet50.toml"
    assert files["blocks/resnet"] == ROOT / "architectures" / "blocks" / "resnet.toml"


def test_a_path_is_itself_and_a_name_is_a_file():
    assert zoo.find("zoo:resnet50") == zoo.files()["resnet50"]


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("resnet-50", [("meant", ("zoo:resnet50",))]),
        ("UNET3D", [("meant", ("zoo:unet3d",))]),  # a 3d of the zoo is none of torch's names
        ("qqq", [("advice", ("cnnshape zoo lists what it has",))]),
    ],
)
def test_a_name_that_is_not_there(name, suggested):
    problem = zoo.find(f"zoo:{name}")
    assert (problem.code, problem.facts, [*problem.suggestions]) == ("not-in-zoo", {"name": f'"{name}"'}, suggested)
