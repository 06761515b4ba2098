"""The codes of problems explained: one on the screen, or all of them as Markdown, which is docs/problems.md.

An example is run in a folder of its own, by its own command: shown is the problem that is really found.
"""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from runpy import run_path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.door import network
from cnnshape.file.reader import read
from cnnshape.numbers.shape import parse
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.diagnosed import CAUSES
from cnnshape.problems.explained import CHECK, FILE, MODEL, Example, Explained, explained
from cnnshape.show.problem_lines import told
from cnnshape.show.screen import COLOURS, GAP, Screen
from cnnshape.show.wrapping import wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.problems.base import Problem

STAGES: Final = {  # the files of the problem classes, in the order in which a file is read, built and checked
    "The file, its keys and names": "reading",
    "Values": "values",
    "Expressions": "expressions",
    "Layers and blocks together": "building",
    "Limits": "base",
    "Shapes": "shapes",
    "Expectations and claims": "claims",
    "Torch, and live models": "comparing",
}

INTRODUCTION: Final = """\
# The problems

Made from the problem classes by `cnnshape schema --problems`: not to be edited by hand.

A problem is printed as `FILE:LINE:COLUMN: error[CODE]: message`. Each code is here: what it means, a small file that has
the problem, what is printed of it, and how it is mended. `cnnshape explain CODE` prints one of these.

All are errors, but for those marked as warnings: these are about something that torch takes and people rarely mean. With
`--strict` a warning is an error, too; where it is meant, `allow = "CODE"` silences it, on a layer or at the top of the
file.

## Causes

Below a problem of shapes stands its `cause`, the layer at which the numbers began to differ, and up to three fixes. Each
was tried: the net was checked with it as a whole, and the problem is gone and no other has come. `cnnshape check --fix`
writes the first. Problems that the same fixes mend are a line below; an `expect` or a claim is never changed. In JSON and
in Python a cause has one of these codes:

{causes}
"""


def problems_of(example: Example) -> tuple[Problem, ...]:
    """Check an example in a folder of its own; return all that is found. Raises ImportError where torch is missing."""
    with TemporaryDirectory() as folder, chdir(folder):
        for name, text in example.files.items():
            Path(name).write_text(text, encoding="utf-8")
        _, _, file, *options = example.command.split()
        net = network(read(file))
        given = parse(options[-1], net.layout) if "--input" in options else None
        report = net.check(given, strict="--strict" in options)
        if report.problems:
            _ = report.problems[0].fixes  # all are worked out while the files are there
        if MODEL not in example.files:
            return report.problems
        from cnnshape.pytorch.crosscheck import verify

        return verify(net, "cpu", model=run_path(MODEL)["net"], report=report).problems


def _problem(one: Explained, example: Example) -> Problem:
    return next(problem for problem in problems_of(example) if problem.code == one.code)


def _files(example: Example) -> Iterator[str]:
    """Yield the text of each file, with its name above it where it is not the architecture file."""
    for name, text in example.files.items():
        yield text if name == FILE else f"# {name}\n{text}"


# On the screen


def show_code(code: str) -> None:
    """Print the meaning of a code, its example with the problem found there, and how to mend it."""
    one = explained(CODES[code])
    screen = Screen()
    screen.line((one.code, "bold"), (f"{GAP}{one.severity}", COLOURS[one.severity]))
    for paragraph in one.meaning.split("\n\n"):
        screen.line()
        for line in wrapped(paragraph.split(), screen.width):
            screen.line((line, ""))
    screen.line()
    if one.example:
        for text in _files(one.example):
            for line in text.splitlines():
                screen.line((f"    {line}".rstrip(), ""))
            screen.line()
        try:
            problem = _problem(one, one.example)
            screen.line((f"{one.example.command} says:", "dim"))
            screen.problem(problem, FILE)
        except ImportError:
            screen.line((f"Where torch is installed, {one.example.command} says so.", "dim"))
            screen.line()
    screen.fact("to mend", " ".join(one.mend.split()))


# As Markdown


def page() -> str:
    """Return the page of all codes. Raises ImportError where torch is missing."""
    codes = [explained(kind) for kind in CODES.values()]
    stages = {
        title: [one for one in codes if CODES[one.code].__module__.endswith(f".{stage}")]
        for title, stage in STAGES.items()
    }
    contents = [f"- {title}: {', '.join(map(_link, codes))}" for title, codes in stages.items()]
    parts = [part for title, codes in stages.items() for part in (f"## {title}\n", *map(_entry, codes))]
    causes = "\n".join(f"- `{code}`: {meaning}" for code, meaning in CAUSES.items())
    return "\n".join([INTRODUCTION.format(causes=causes), *contents, "", *parts])


def _link(one: Explained) -> str:
    return f"[{one.code}](#{one.code})" + " (warning)" * (one.severity == "warning")


def _entry(one: Explained) -> str:
    warning = f'**Warning**, silenced by `allow = "{one.code}"`. ' * (one.severity == "warning")
    example = _example(one, one.example) if one.example else ()
    return "\n\n".join(
        [
            f"### {one.code}",
            warning + one.meaning,
            *example,
            f"**To mend it:** {one.mend}\n",
        ]
    )


def _example(one: Explained, example: Example) -> Iterator[str]:
    """Yield the files of an example, and its problem as it is printed."""
    for name, text in zip(example.files, _files(example), strict=True):
        yield f"```{'python' if name == MODEL else 'toml'}\n{text}```"
    if example.command != CHECK:
        yield f"`{example.command}` says:"
    yield "\n".join(["```text", *told(_problem(one, example)), "```"])
