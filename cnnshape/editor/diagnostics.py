"""Diagnostics: the problems of an examined text, in the files that they stand in.

A problem that follows from another, and the places that a problem has beside its own, are related information.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from cnnshape.problems.place import Place
from cnnshape.problems.wording import printable
from cnnshape.show.problem_lines import grouped, sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.editor.view import View
    from cnnshape.problems.base import Problem

START = types.Range(types.Position(0, 0), types.Position(0, 0))
SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


def diagnostics(view: View) -> dict[str, list[types.Diagnostic]]:
    """Return the diagnostics of each file by its URI; causes are in them once they are worked out."""
    found: dict[str, list[types.Diagnostic]] = {view.document.uri: []}
    known = grouped(view.problems) if view.diagnosed else ((problem, []) for problem in view.problems)
    for problem, followers in known:
        uri = view.uri(problem.place.source) if problem.place else view.document.uri
        found.setdefault(uri, []).append(diagnostic(view, problem, followers))
    return found


def diagnostic(view: View, problem: Problem, followers: list[Problem]) -> types.Diagnostic:
    cause = problem.cause if view.diagnosed else None
    message = sentence(problem) if view.diagnosed else problem.message
    return types.Diagnostic(
        range=range_of(view, problem.place),
        message=printable(message) + (f"\ncause: {printable(cause.message)}" if cause else ""),
        severity=SEVERITIES[problem.severity],
        code=problem.code,
        source="cnnshape",
        related_information=[
            types.DiagnosticRelatedInformation(
                types.Location(view.uri(place.source), range_of(view, place)), printable(words)
            )
            for place, words in _related(view, problem, followers)
        ],
    )


def _related(view: View, problem: Problem, followers: list[Problem]) -> Iterator[tuple[Place, str]]:
    """Yield the other places of a problem, with what is to be said of each."""
    for place in problem.used_at:
        yield place, f"in {problem.layer}, used here" if problem.layer else "used here"
    for place in problem.facts.values():
        if isinstance(place, Place):
            yield place, "the other one"
    if view.diagnosed and (cause := problem.cause):
        for mark in cause.marks:
            yield mark.place, mark.words
        if cause.place and cause.place != problem.place:
            yield cause.place, cause.message
    for follower in followers:
        if follower.place:
            yield follower.place, f"follows: {follower.message}"


def range_of(view: View, place: Place | None) -> types.Range:
    """Return a place's range in its file."""
    return view.text(place.source).range(place.range) if place else START
