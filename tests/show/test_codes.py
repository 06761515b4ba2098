"""Codes of problems explained: on the screen, and as the page docs/problems.md."""

import re
import sys

import pytest
from helpers.cli import run
from helpers.paths import ROOT

from cnnshape.problems.catalogue import CODES
from cnnshape.problems.explained import MODEL, explained

PAGE = (ROOT / "docs" / "problems.md").read_text(encoding="utf-8")
CROSSCHECK = "cnnshape.pytorch.crosscheck"


def test_the_page_is_current(torch):
    status, printed = run("schema", "--problems")
    assert status == 0
    assert printed == PAGE, "make it anew: cnnshape schema --problems > docs/problems.md"


def test_the_page_has_every_code_once():
    assert sorted(re.findall("^### (.*)$", PAGE, re.MULTILINE)) == sorted(CODES)


def test_the_page_needs_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, CROSSCHECK, None)
    status, printed = run("schema", "--problems")
    assert (status, "those of a torch model" in printed) == (2, True)


@pytest.mark.parametrize("columns", [60, 100])
@pytest.mark.parametrize("code", CODES)
def test_a_code_is_explained(code, columns, monkeypatch, request):
    one = explained(CODES[code])
    if one.example and MODEL in one.example.files:
        request.getfixturevalue("torch")
    monkeypatch.setenv("COLUMNS", str(columns))
    status, printed = run("explain", code)
    assert status == 0
    assert " ".join(one.meaning.split()) in " ".join(printed.split())
    assert " ".join(one.mend.split()) in " ".join(printed.split())
    assert (f"[{code}]: " in printed) == bool(one.example)
    prose = re.split("^(?:    |cnnshape )", printed, maxsplit=1, flags=re.MULTILINE)[0]
    assert max(map(len, prose.splitlines())) <= columns


def test_what_torch_finds_is_left_out_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, CROSSCHECK, None)
    status, printed = run("explain", "model-adds")
    assert status == 0
    assert "Where torch is installed, cnnshape verify net.toml --model model:net says so." in printed
    assert "nn.ReLU()" in printed


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("windw-too-large", "; did you mean window-too-large?"),
        ("nothing.toml", "no such file or directory"),  # near to not-toml
    ],
)
def test_a_word_that_is_no_code(word, said):
    status, printed = run("explain", word)
    assert (status, said in printed) == (2, True)
