"""`cnnshape.examine`: all that is known of a text, with texts that are not saved; nothing in one raises."""

import pickle
from pathlib import Path

import pytest
from helpers.paths import ALEXNET, ARCHITECTURES

import cnnshape

BLOCK = '[blocks.b]\nlayers = [{{ type = "conv", out_channels = 8, kernel_size = {} }}]\n'
NET = 'include = "{}"\ninput = [3, 32, 32]\nlayers = [{{ name = "x", block = "b" }}]\n'


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with a net and its blocks; the working directory is another."""
    (tmp_path / "here" / "blocks").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    here = tmp_path / "here"
    (here / "net.toml").write_text(NET.format("blocks/b.toml"))
    (here / "blocks" / "b.toml").write_text(BLOCK.format(3))
    return here


def test_a_good_text_has_what_its_file_has():
    found = cnnshape.examine(ALEXNET.read_text())
    assert cnnshape.dumps(found.net) == cnnshape.dumps(cnnshape.load(ALEXNET))
    assert found.report == found.net.check()
    assert found.problems == ()


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("input = [3, 8", ["not-toml"]),
        ("\ud83d", ["not-utf8"]),
        (b"\xff", ["not-utf8"]),
        ("", ["missing-key", "missing-key"]),
        ('input = [3, 8, 8]\nlayers = [{ typ = "relu" }]', ["unknown-key"]),
        ("[blocks.b]\nlayers = []", ["only-blocks"]),
    ],
)
def test_of_a_text_without_a_layer_there_are_the_problems_alone(text, codes):
    found = cnnshape.examine(text, file="net.toml")
    assert [problem.code for problem in found.problems] == codes
    assert all(problem.file == "net.toml" for problem in found.problems)
    assert all((1, 1) <= problem.place.start <= problem.place.end for problem in found.problems)
    if not found.net.nodes:
        assert found.report is None


def test_a_net_without_layers_that_is_well_has_a_report():
    assert cnnshape.examine("input = [3, 8, 8]\nlayers = []").report.outputs == {"output": (3, 8, 8)}


def test_included_files_are_looked_for_from_the_path_of_the_text(folder):
    text = (folder / "net.toml").read_text()
    assert cnnshape.examine(text, file=folder / "net.toml").report.output == (8, 30, 30)
    (problem,) = cnnshape.examine(text).problems
    assert problem.code == "include-not-found"


def test_unsaved_texts_are_taken_for_what_is_on_the_disk(folder):
    file, block = folder / "net.toml", folder / "blocks" / "b.toml"
    text = file.read_text()
    assert cnnshape.examine(text, file, {block: BLOCK.format(5)}).report.output == (8, 28, 28)
    assert cnnshape.examine(text, file, {str(block): BLOCK.format(5).encode()}).report.output == (8, 28, 28)
    beside = folder / "blocks" / ".." / "blocks" / "b.toml"  # the same file by another name
    assert cnnshape.examine(text, file, {beside: BLOCK.format(5)}).report.output == (8, 28, 28)
    block.unlink()
    assert cnnshape.examine(text, file, {block: BLOCK.format(5)}).report.output == (8, 28, 28)
    assert [problem.code for problem in cnnshape.examine(text, file).problems] == ["include-not-found"]


def test_unsaved_texts_are_named_from_the_working_directory(folder, monkeypatch):
    monkeypatch.chdir(folder)
    found = cnnshape.examine(NET.format("new.toml"), "net.toml", {"new.toml": BLOCK.format(5)})
    assert found.report.output == (8, 28, 28)


def test_problems_of_an_unsaved_text_are_placed_in_it(folder):
    block = folder / "blocks" / "b.toml"
    (problem,) = cnnshape.examine(NET.format("blocks/b.toml"), folder / "net.toml", {block: "layers ="}).problems
    assert (problem.code, problem.file, problem.line, problem.column) == ("not-toml", str(block), 1, 9)
    (problem,) = cnnshape.examine(NET.format("blocks/b.toml"), folder / "net.toml", {block: BLOCK.format(50)}).problems
    assert (problem.code, problem.file, problem.used_at[0].start) == ("window-too-large", str(block), (3, 11))


def test_an_unsaved_text_outside_is_not_read(folder):
    outside = folder.parent / "outside.toml"
    found = cnnshape.examine(NET.format("../outside.toml"), folder / "net.toml", {outside: BLOCK.format(3)})
    assert [problem.code for problem in found.problems] == ["include-outside"]


def test_a_circle_through_unsaved_texts_is_found(folder):
    file, block = folder / "net.toml", folder / "blocks" / "b.toml"
    found = cnnshape.examine(file.read_text(), file, {block: f'include = "../net.toml"\n{BLOCK.format(3)}'})
    assert "include-outside" in {problem.code for problem in found.problems}
    (folder / "other.toml").write_text(NET.format("net.toml"))
    found = cnnshape.examine(NET.format("other.toml"), file)
    assert "include-circle" in {problem.code for problem in found.problems}


def test_the_fixes_are_those_of_the_unsaved_texts(folder):
    """The diagnosis is worked out when it is asked for, from the texts that the report is of."""
    file, block = folder / "net.toml", folder / "blocks" / "b.toml"
    text = file.read_text().replace(
        " }]", ' }, "flatten", { name = "fc", type = "linear", in_features = 9, out_features = 2 }]'
    )
    for overlay, arrives in (({block: BLOCK.format(5)}, 8 * 28 * 28), ({}, 8 * 30 * 30)):
        (problem,) = cnnshape.examine(text, file, overlay).problems
        block.write_text(BLOCK.format(7))  # meanwhile, on the disk
        assert problem.fixes[0].summary == f"fc: in_features = {arrives}"
        assert problem.fixes[0].effect.output == (2,)
        block.write_text(BLOCK.format(3))


def test_it_says_where_it_looked(folder, monkeypatch):
    file, block = folder / "net.toml", folder / "blocks" / "b.toml"
    assert {path.resolve() for path in cnnshape.examine(file.read_text(), file).asked} == {
        block,
        Path("blocks/b.toml").resolve(),  # the working directory is asked as well
    }
    missing = cnnshape.examine(NET.format("none.toml"), file)
    assert folder / "none.toml" in missing.asked
    assert cnnshape.examine("input = [3, 8", file).asked == ()
    zoo = cnnshape.examine(NET.format("zoo:blocks/resnet"), file)
    assert [*zoo.asked] == [ARCHITECTURES / "blocks" / "resnet.toml"]


def test_it_pickles(folder):
    file, block = folder / "net.toml", folder / "blocks" / "b.toml"
    for overlay in ({block: BLOCK.format(5)}, {block: BLOCK.format(50)}, {block: "layers ="}):
        found = cnnshape.examine(file.read_text(), file, overlay)
        again = pickle.loads(pickle.dumps(found))
        assert again == found != cnnshape.examine("")
        assert hash(again) == hash(found)
        assert again.problems == found.problems
        assert [problem.fixes for problem in again.problems] == [problem.fixes for problem in found.problems]
