"""Reading: files and texts, whatever is in them. (tests/test_broken_files.py has what must not stand in a file.)"""

import subprocess
import sys

import pytest
from helpers.texts import HERE

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.file.reader import read, read_text
from cnnshape.problems.expressions import BadExpression


def test_a_file_that_is_not_there(tmp_path):
    architecture = read(tmp_path / "no.toml")
    (problem,) = architecture.problems
    assert (problem.code, problem.line, problem.column) == ("no-such-file", 1, 1)
    assert str(tmp_path / "no.toml") in repr(problem)
    with pytest.raises(ArchitectureError, match=r"This file cannot be read: no such file or directory"):
        cnnshape.load(tmp_path / "no.toml")


def test_a_folder_is_no_file(tmp_path):
    assert [problem.code for problem in read(tmp_path).problems] == ["cannot-read"]


def test_bytes_that_are_no_text(tmp_path):
    path = tmp_path / "net.toml"
    path.write_bytes(b'input = [3]\nname = "\xff"\n')
    (problem,) = read(path).problems
    assert (problem.code, problem.line, problem.column) == ("not-utf8", 2, 9)


@pytest.mark.parametrize("start", [b"\xef\xbb\xbf", b""])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_texts_of_windows(tmp_path, start, end):
    path = tmp_path / "net.toml"
    path.write_bytes(start + end.join([b"input = [3, 32, 32]", b"layers = [", b'  "rleu",', b"]", b""]))
    (problem,) = read(path).problems
    assert (problem.code, problem.line, problem.column) == ("unknown-type", 3, 3)


def test_the_name_of_a_text_is_shown():
    (problem,) = read_text("layers = [", "shown.toml").problems
    assert problem.file == "shown.toml"
    assert repr(problem).startswith("shown.toml:1:11: error[not-toml]: This is not TOML")


def test_expressions_run_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    attempts = [
        "__import__('os').mkdir('x')",
        "open('x', 'w')",
        "exec('x = 1')",
        "(lambda: 3)()",
        "[].__class__",
        "1; 2",
    ]
    for text in attempts:
        (problem,) = read_text(
            f'{HERE}layers = [{{ type = "conv", kernel_size = 1, out_channels = "{text}" }}]'
        ).problems
        assert isinstance(problem, BadExpression)
    assert not any(tmp_path.iterdir())


def test_reading_imports_no_parser_of_places_where_nothing_is_wrong():
    code = f"import sys, cnnshape; cnnshape.loads('''{HERE}layers = [\"relu\"]''').check(); assert 'tree_sitter' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
