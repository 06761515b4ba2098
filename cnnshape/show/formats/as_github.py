"""GitHub's workflow commands: an annotation for each problem, which a pull request shows at its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cnnshape.problems.wording import printable
from cnnshape.show.facts import verdict
from cnnshape.show.problem_lines import details, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.problems.base import Problem
    from cnnshape.show.checked import Checked


def check(checks: Sequence[Checked], _depth: int) -> str:
    """Write the annotations of each file, and its verdict as a line of the log."""
    return "".join(f"{line}\n" for checked in checks for line in _lines(checked))


def _lines(checked: Checked) -> Iterator[str]:
    yield from (_annotation(problem, checked.net.file) for problem in checked.problems)
    yield printable(f"{checked.net.file}: {verdict(checked)[1]}")


def _annotation(problem: Problem, file: str) -> str:
    properties = {
        "file": from_workspace(problem.file or file),
        "line": problem.line or 1,
        "col": problem.column or 1,
        "endLine": problem.end_line or 1,
        "endColumn": problem.end_column or 1,
        "title": f"{problem.layer}: {problem.code}" if problem.layer else problem.code,
    }
    where = ",".join(f"{key}={_percent(printable(str(value)), '%', ',', ':')}" for key, value in properties.items())
    text = "\n".join(map(printable, [sentence(problem), *details(problem)]))
    return f"::{problem.severity} {where}::{_percent(text)}"


def from_workspace(file: str) -> str:
    """Write a path from the repository's root, GITHUB_WORKSPACE, wherever the command runs."""
    workspace = os.environ.get("GITHUB_WORKSPACE")
    return os.path.relpath(file, workspace) if workspace and Path(file).exists() else file


def _percent(words: str, *special: str) -> str:
    """Escape the signs that would end a workflow command, or a property of it, as GitHub asks for."""
    for character in (*(special or "%"), "\r", "\n"):
        words = words.replace(character, f"%{ord(character):02X}")
    return words
