"""Every code is explained: what it means, an example that has this problem and no other, and how it is mended."""

import json
import re
import tomllib
from functools import cache

import pytest
from helpers.cli import run
from helpers.texts import lines

from cnnshape.problems.base import Problem, errors
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.explained import FILE, MODEL, Example, Explained, explained
from cnnshape.show.codes import problems_of

WITHOUT_EXAMPLE = {
    "disagrees-with-torch",  # a bug of ours: no file is known to have it
    "cannot-read",  # every system has other files that cannot be read
    "not-utf8",  # a docstring is UTF-8
    "file-too-large",  # ... and the others would not fit in one
    "nested-too-deeply",
    "too-many-digits",
    "name-too-long",
    "word-too-long",
    "expression-too-long",
    "expression-too-deep",
}
EXPLAINED = {code: explained(kind) for code, kind in CODES.items()}
EXAMPLES = {code: one.example for code, one in EXPLAINED.items() if one.example}


@pytest.fixture(autouse=True)
def _torch_where_there_is_a_model(request):
    parameters = getattr(request.node, "callspec", None)
    if parameters and MODEL in EXAMPLES[parameters.params["code"]].files:
        request.getfixturevalue("torch")


@cache
def found(code):
    return problems_of(EXAMPLES[code])


def test_a_docstring_is_read():
    class Sample(Problem):
        """Two things are wrong.

        This matters. It says so
        in two lines.

        Example      include = "blocks.toml"
                     layers = [
                       { block = "b" },
                     ]
        blocks.toml  # for others

                     [blocks.b]
        Command      cnnshape check net.toml --strict
        Mend         Write `a = 1`,
                     or not.
        """

        code = "sample"

    files = {
        FILE: 'include = "blocks.toml"\nlayers = [\n  { block = "b" },\n]\n',
        "blocks.toml": "# for others\n\n[blocks.b]\n",
    }
    meaning = "Two things are wrong.\n\nThis matters. It says so\nin two lines."
    example = Example(files, "cnnshape check net.toml --strict")
    assert explained(Sample) == Explained("sample", "error", meaning, example, "Write `a = 1`,\nor not.")


def test_every_class_has_an_explanation():
    assert EXPLAINED.keys() - EXAMPLES.keys() == WITHOUT_EXAMPLE
    for one in EXPLAINED.values():
        assert re.fullmatch(r"[A-Z].*\.", one.meaning, re.DOTALL), one.code
        assert re.fullmatch(r"[A-Z].*\.", one.mend, re.DOTALL), one.code


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_example_has_this_problem_and_no_other(code, own_folder):
    for name, text in EXAMPLES[code].files.items():
        (own_folder / name).write_text(text, encoding="utf-8")
    untold = ["--no-torch"] * (code == "too-large")  # torch takes half a minute over so many layers
    _, output = run(*EXAMPLES[code].command.split()[1:], *untold, "--format", "json")
    (file,) = json.loads(output)["files"]
    assert [problem["code"] for problem in file["problems"]] == [code]


@pytest.mark.parametrize("code", EXAMPLES)
def test_the_place_is_the_parameter_at_fault(code):
    (problem,) = found(code)
    assert problem.file in EXAMPLES[code].command
    assert not problem.at or {*problem.place.path} & {*problem.at}


def settings(mend):
    """What mends an example: TOML in backticks."""
    return re.findall("`([^`]+)`", " ".join(mend.split()))


def innermost_table(data, path):
    """The last table on the way along a path of keys."""
    table = data
    for part in path:
        data = data.get(part) if isinstance(data, dict) else data[part] if isinstance(data, list) else None
        table = data if isinstance(data, dict) else table
    return table


@pytest.mark.parametrize("code", [code for code in EXAMPLES if settings(EXPLAINED[code].mend)])
def test_each_setting_mends_the_example(code):
    """It replaces the net's, if the net has such a key; or else stands in the layer, or the table, with the problem."""
    example, (problem,) = EXAMPLES[code], found(code)
    for setting in settings(EXPLAINED[code].mend):
        data, change = tomllib.loads(example.files[FILE]), tomllib.loads(setting)
        table = data if change.keys() <= data.keys() else innermost_table(data, problem.place.path)
        table |= change
        left = problems_of(example._replace(files={**example.files, FILE: lines(data)}))
        assert not errors(left), setting
        assert code not in {problem.code for problem in left}, setting


def test_most_examples_are_mended_by_a_setting():
    assert sum(bool(settings(EXPLAINED[code].mend)) for code in EXAMPLES) > len(EXAMPLES) / 2
