"""`cnnshape import`, `check`, `sizes` and `explain` of a .onnx file."""

import json

import pytest

pytest.importorskip("onnxruntime")

from helpers.cli import run
from helpers.onnx_graphs import model, one, save
from onnx import helper

import cnnshape

POOL = one("MaxPool", [1, 3, 0, 0], kernel_shape=[3, 3], strides=[2, 2])
FIXED = model([helper.make_node("Relu", ["x"], ["y"], name="/act/Relu")], {"x": [2, 3, 8, 8]})


def test_import_writes_a_file_that_says_which_sizes_it_takes(tmp_path):
    source, target = save(POOL, tmp_path), tmp_path / "net.toml"
    status, printed = run("import", source, "--input", "3x9x9", "-o", target)
    assert (status, printed) == (0, "")
    assert "# Sizes, each side: every size from 3." in target.read_text()
    assert cnnshape.load(target).check().output == (3, 4, 4)
    status, printed = run("import", source, "--input", "3x9x9", "-o", target)
    assert status == 2
    assert "--force" in printed


def test_open_sizes_are_asked_for(tmp_path):
    source = save(POOL, tmp_path)
    for command in ("import", "check", "sizes"):
        status, printed = run(command, source)
        assert status == 2
        assert "its input x is 3xside2xside3: give its sizes, as --input 3x224x224" in printed
    status, printed = run("import", source, "--input", "3x9")
    assert status == 2
    assert "3x9 has 2 axes, not 3" in printed
    status, printed = run("import", source, "--input", "4x9x9")
    assert status == 2
    assert "takes no 4x9x9" in printed


def test_a_file_is_a_target(tmp_path):
    source = save(POOL, tmp_path)
    status, printed = run("check", source, "--input", "3x9x9", "--no-torch", "--format", "json")
    assert status == 0
    assert (
        json.loads(printed)[0]["output"] == [3, 4, 4] if isinstance(json.loads(printed), list) else json.loads(printed)
    )
    status, printed = run("sizes", source, "--input", "3x9x9")
    assert status == 0
    assert "every size from 3" in printed
    status, printed = run("explain", source, "node", "--input", "3x9x9")
    assert status == 0
    assert "(9 - 3" in printed


def test_what_a_graph_fixes_is_said_beside_the_report(tmp_path):
    status, printed = run("sizes", save(FIXED, tmp_path))
    assert status == 0
    assert "The graph fixes its input, x 3x8x8: a runtime takes no other" in printed
    assert "The batch is fixed at 2" in printed


def test_without_the_package_a_line_says_how_to_install_it(tmp_path, monkeypatch):
    monkeypatch.setattr("cnnshape.commands.live.find_spec", lambda _: None)
    for command in ("import", "check", "sizes"):
        status, printed = run(command, save(POOL, tmp_path), "--input", "3x9x9")
        assert status == 2
        assert "onnx is not installed: pip install 'cnnshape[onnx]'" in printed


def test_a_difference_is_said_and_the_file_is_written_all_the_same(tmp_path):
    resize = helper.make_node("NonMaxSuppression", ["x", "x"], ["y"])
    status, printed = run("import", save(model([resize], {"x": [1, 3, 4]}), tmp_path))
    assert status == 2
    assert "NonMaxSuppression" in printed
