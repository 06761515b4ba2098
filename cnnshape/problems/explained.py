"""The code of a problem explained: a class comes in, and the parts of its docstring come out as data.

The docstring begins with the meaning. Sections follow, each a heading with its text beside it: `Example`, a file with
the problem; the name of another file that the example has; `Command`, where it is not CHECK; and `Mend`, the ways
out, where TOML in backticks, as `padding = 1`, is a setting that mends the example.
"""

from __future__ import annotations

import re
from inspect import cleandoc
from textwrap import dedent
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from cnnshape.problems.base import Problem

FILE: Final = "net.toml"  # the architecture file of an example
MODEL: Final = "model.py"  # the code of a live model, called `net`, to compare with it
CHECK: Final = f"cnnshape check {FILE}"
VERIFY: Final = f"cnnshape verify {FILE} --model model:net"
HEADING: Final = re.compile(r"^(?:Example|Command|Mend|\w+\.\w+)\b", re.MULTILINE)


class Example(NamedTuple):
    """The files that show a problem, by their names, and the command that finds it."""

    files: dict[str, str]
    command: str


class Explained(NamedTuple):
    """The parts of a problem class's docstring, with its code and severity."""

    code: str
    severity: str
    meaning: str
    example: Example | None  # None where no small file has the problem
    mend: str


def explained(kind: type[Problem]) -> Explained:
    """Read the docstring of a problem class."""
    text = cleandoc(kind.__doc__ or "")
    heads = [match.start() for match in HEADING.finditer(text)]
    meaning, *parts = (text[start:end] for start, end in zip([0, *heads], [*heads, None], strict=True))
    sections = dict(map(_section, parts))
    mend, command = (sections.pop(name, "") for name in ("Mend", "Command"))
    files = {FILE if name == "Example" else name: f"{body}\n" for name, body in sections.items()}
    example = Example(files, command or (VERIFY if MODEL in files else CHECK)) if files or command else None
    return Explained(kind.code, kind.severity, meaning.strip(), example, mend)


def _section(text: str) -> tuple[str, str]:
    """Return the heading of a section, and the text beside it."""
    heading = text.split(maxsplit=1)[0]
    return heading, dedent(text.replace(heading, " " * len(heading), 1)).strip()
