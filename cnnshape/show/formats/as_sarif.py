"""SARIF 2.1.0, for code scanning and editors: all problems with their places, the rules behind them, and their fixes.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html; a fix is the ranges of its file that change.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from cnnshape.problems.catalogue import CODES
from cnnshape.problems.explained import explained
from cnnshape.show.formats.as_github import from_workspace
from cnnshape.show.formats.as_json import written

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Fix
    from cnnshape.problems.place import Place, Range
    from cnnshape.show.checked import Checked

SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def check(checks: Sequence[Checked], _depth: int) -> str:
    """Write one run, with a result for each problem of all files."""
    found = [(problem, checked.net.file) for checked in checks for problem in checked.problems]
    codes = sorted({problem.code for problem, _ in found})
    driver = {"name": "cnnshape", "version": sys.modules["cnnshape"].__version__, "rules": [*map(_rule, codes)]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem, file, codes) for problem, file in found],
    }
    return written({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _rule(code: str) -> dict[str, Any]:
    """Describe a code by the catalogue: its meaning, and how to mend it."""
    parts = explained(CODES[code])
    meaning = " ".join(parts.meaning.split())
    return {
        "id": code,
        "shortDescription": {"text": meaning.partition(". ")[0].removesuffix(".") + "."},
        "fullDescription": {"text": meaning},
        "help": {"text": f"{parts.meaning}\n\n{parts.mend}".strip()},
        "defaultConfiguration": {"level": parts.severity},
    }


def _result(problem: Problem, file: str, codes: list[str]) -> dict[str, Any]:
    cause = problem.cause
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "ruleIndex": codes.index(problem.code),
        "level": problem.severity,
        "message": {"text": f"{problem.message}\n{cause.message}" if cause else problem.message},
        "locations": [_location(problem.place, file)],
    }
    if problem.layer:
        result["locations"][0]["logicalLocations"] = [{"fullyQualifiedName": problem.layer, "kind": "object"}]
    if related := [*_related(problem, file)]:
        result["relatedLocations"] = [{"id": number, **one} for number, one in enumerate(related, 1)]
    if problem.fixes:
        result["fixes"] = [*map(_fix, problem.fixes)]
    return result


def _related(problem: Problem, file: str) -> Iterator[dict[str, Any]]:
    """Yield the other places of a problem, each with what it is to the problem."""
    for place in problem.used_at:
        yield {**_location(place, file), "message": {"text": "in a block used here"}}
    if problem.cause and problem.cause.place:
        yield {**_location(problem.cause.place, file), "message": {"text": problem.cause.message}}
    if problem.follows:
        text = f"follows from: {problem.follows.message}"
        yield {**_location(problem.follows.place, file), "message": {"text": text}}


def _location(place: Place | None, file: str) -> dict[str, Any]:
    """Return a place; of a problem without one, its file."""
    physical: dict[str, Any] = {"artifactLocation": _artifact(place.source.file if place else file)}
    if place:
        physical["region"] = _region(place.range)
    return {"physicalLocation": physical}


def _region(found: Range) -> dict[str, int]:
    (line, column), (end_line, end_column) = found
    return {"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column}


def _artifact(file: str) -> dict[str, str]:
    """Return a file as a URI: from the repository's root, or whole where the path is absolute."""
    path = Path(from_workspace(file))
    return {"uri": path.as_uri() if path.is_absolute() else quote(path.as_posix())}


def _fix(fix: Fix) -> dict[str, Any]:
    changes = fix.changes
    replacements = [
        {"deletedRegion": _region(change.range), "insertedContent": {"text": change.text}} for change in changes
    ]
    change = {"artifactLocation": _artifact(changes[0].file), "replacements": replacements}
    return {"description": {"text": fix.summary}, "artifactChanges": [change]}
