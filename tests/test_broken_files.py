"""Files with mistakes. Comments in them mark what must be found, and where; nothing else may be.

    { type = "cnov" },
    #        ^ error[unknown-type] did you mean conv?

The `^` stands under the place in the line above, several under all of it, and what follows the code must occur in the
message. `#<--` marks the first character of the line above instead. `~ [unknown-type]` says that the place is where the block is used in which
the problem of that code is. `# @2:5 error[...]` gives a place in numbers; with a file in front, one in another file;
and `# @2:5 used [...]` is a `~`. A file that starts with `# strict:` is checked strictly.
"""

import re

import pytest
from helpers.paths import FILES

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.problems.catalogue import CODES

FOLDER = FILES / "broken"
FILES = sorted(FOLDER.glob("*.toml"))

FOUND = r"(?P<found>(?:error|warning)\[[a-z0-9-]+\]) ?(?P<text>.*)"
USED = r"(?:~|used) \[(?P<used>[a-z0-9-]+)\] ?(?P<words>.*)"
MARK = re.compile(
    rf"\s*#\s*(?:(?:(?P<sign>\^+|<--|(?=~))|@(?:(?P<file>[\w./]+):)?(?P<line>\d+):(?P<column>\d+)) ?)(?:{FOUND}|{USED})"
)


def marks(path):
    """Yield each mark of a file: its place, and the match."""
    above, number = "", 0
    for line_number, line in enumerate(path.read_text().splitlines(), 1):
        mark = MARK.fullmatch(line)
        if not mark:
            above, number = line, line_number
        elif mark["line"]:
            yield f"{mark['file'] or path.name}:{mark['line']}:{mark['column']}", mark
        elif mark["sign"] == "<--":
            yield f"{path.name}:{number}:{len(above) - len(above.lstrip()) + 1}", mark
        else:
            yield f"{path.name}:{number}:{re.search('[~^]', line).start() + 1}", mark


def problems_of(path, *, strict):
    try:
        return cnnshape.load(path).check(strict=strict).problems
    except ArchitectureError as error:
        return error.problems


def place(problem_or_place):
    """Say where, as a person would: relative to the folder of the broken files."""
    text = str(problem_or_place)
    where, line, column = text.rsplit(":", 2)
    return f"{(FOLDER / where).resolve().relative_to(FOLDER)}:{line}:{column}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_exactly_the_marked_problems_are_found(path, monkeypatch):
    monkeypatch.chdir(FOLDER)
    problems = problems_of(path.name, strict=path.read_text().startswith("# strict"))
    found = [(f"{place(p.place)} {p.severity}[{p.code}]", p.message) for p in problems]
    expected = [(f"{where} {mark['found']}", mark["text"]) for where, mark in marks(path) if mark["found"]]
    assert sorted(what for what, _ in found) == sorted(what for what, _ in expected)
    for what, text in expected:
        assert any(text in message for other, message in found if other == what), found
    assert len(set(found)) == len(found)
    ends = {where: len(mark["sign"]) for where, mark in marks(path) if mark["found"] and "^^" in (mark["sign"] or "")}
    here = [(place(p.place), p.end_column - p.column) for p in problems]
    assert {where: width for where, width in here if where in ends} == ends


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_problems_in_blocks_say_where_the_block_is_used(path, monkeypatch):
    monkeypatch.chdir(FOLDER)
    problems = problems_of(path.name, strict=False)
    used = [(p, place(where)) for p in problems for where in p.used_at]
    expected = [(mark["used"], mark["words"], where) for where, mark in marks(path) if mark["used"]]
    assert sorted((p.code, where) for p, where in used) == sorted((code, where) for code, _, where in expected)
    for code, words, where in expected:
        assert any(p.code == code and words in p.message and where == at for p, at in used)


def test_each_problem_is_found_in_one_of_the_files():
    codes = {re.search(r"\[(.*)\]", mark["found"])[1] for path in FILES for _, mark in marks(path) if mark["found"]}
    elsewhere = {
        "disagrees-with-torch",  # found when torch runs: a mistake of ours
        *("between-layers", "other-size-differs", "unused-in-model"),  # found when a model runs
        "depends-on-data",  # ... or a net it cannot trace
        "input-axes-differ",  # of another input than the declared one
        *(
            "cannot-read",
            "no-such-file",
            "not-in-zoo",
            "file-too-large",
            "not-utf8",
            "too-many-digits",
        ),  # tests/file/test_source.py
    }
    assert {code for code in CODES if not code.startswith("model-")} - codes == elsewhere


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_are_one_line_and_say_nothing_of_python(path, monkeypatch):
    monkeypatch.chdir(FOLDER)
    for problem in problems_of(path.name, strict=False):
        assert problem.message.isprintable()
        assert not re.search(r"None|True|False|object at|Traceback|cnnshape", problem.message.replace("=", " ")), (
            problem
        )
