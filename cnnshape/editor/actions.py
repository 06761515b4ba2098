"""Code actions: the fixes of problems, words that were meant, an expectation written, the nearest valid input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types

from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.text import replacements
from cnnshape.editor.changes import Change, edit_of, tried
from cnnshape.editor.diagnostics import diagnostic
from cnnshape.editor.places import at, step_of
from cnnshape.editor.view import layout_of
from cnnshape.file import toml
from cnnshape.file.source import Source
from cnnshape.network.requirements import NoClosedForm
from cnnshape.numbers.shape import text, to_file
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.editor.view import Document, View
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath


def actions(view: View, document: Document, asked: types.Range, *, versioned: bool) -> list[types.CodeAction]:
    """Return the actions of a view for a range of one of its files."""
    start, end = document.text.offset(asked.start), document.text.offset(asked.end)
    found: dict[tuple[Change, ...], types.CodeAction] = {}
    for title, changes, problem in _offered(view, document, start, end):
        if changes and tuple(changes) not in found:
            found[tuple(changes)] = types.CodeAction(
                title,
                kind=types.CodeActionKind.QuickFix if problem else types.CodeActionKind.RefactorRewrite,
                diagnostics=[diagnostic(view, problem, [])] if problem else None,
                edit=edit_of(view, changes, versioned=versioned),
            )
    return [*found.values()]


def _offered(
    view: View, document: Document, start: int, end: int
) -> Iterator[tuple[str, list[Change], Problem | None]]:
    """Yield each action with its title, its changes, and the problem that it mends."""
    here = [problem for problem in view.problems if _touches(view, document, problem, start, end)]
    for problem in here:
        for fix in (problem.follows or problem).fixes:
            changes = [Change(view.source, change.range, change.text) for change in fix.changes]
            yield f"{fix.summary}{f' ({fix.also})' * bool(fix.also)}", changes, problem
        if not problem.fixes:
            yield from _meant(view, problem)
    if not isinstance(view.source, Source) or view.report is None:
        return
    if document is view.document:
        found = at(view.source, start)
        path = found.path if found else ()
        if step_of(path)[0]:
            yield from _expect(view, step_of(path)[0])
        if path[:1] in (("input",), ("inputs",)) or any(problem.severity == "error" for problem in here):
            yield from _nearest(view)


def _touches(view: View, document: Document, problem: Problem, start: int, end: int) -> bool:
    place = problem.place
    if place is None or view.document_of(place.source.file) is not document:
        return False
    first, last = (document.text.offset_of(position) for position in place.range)
    return first <= end and start <= last


def _meant(view: View, problem: Problem) -> Iterator[tuple[str, list[Change], Problem]]:
    """Yield the word that was meant in place of another, where that mends the problem."""
    place = problem.place
    words = [one.words[0] for one in problem.suggestions if one.kind == "meant"]
    if place is None or not words or not isinstance(place.source, Source):
        return
    quoted = not place.of_key and place.part is None
    change = Change(place.source, place.range, toml.text(words[0]) if quoted else words[0])
    after = tried(view, [change])
    left = (
        {(one.code, one.place and one.place.path) for one in after.problems} if after else {(problem.code, place.path)}
    )
    if (problem.code, place.path) not in left:
        yield f"write {words[0]}", [change], problem


def _expect(view: View, step: KeyPath) -> Iterator[tuple[str, list[Change], None]]:
    """Yield the shape that a step comes to as its expectation, where that is one and the same in all its uses."""
    source = view.source
    assert isinstance(source, Source)
    made = view.steps.get((source.file, step), [])
    last = {one.frame: one for one in made}.values()  # of a repeat, the last copy
    shapes = {one.output if one.sure else None for one in last}
    shape = next(iter(shapes), None)
    if len(shapes) != 1 or shape is None:
        return
    sizes = [*to_file(shape, layout_of(source))]
    if value_at(source.data, (*step, "expect")) == sizes:
        return
    changes = written(source, [Operation("set", (*step, "expect"), sizes)])
    after = tried(view, changes) if changes else None
    if after and len(after.problems) <= len(view.examination.problems):
        yield f"expect = {toml.value(sizes)}", changes, None


def _nearest(view: View) -> Iterator[tuple[str, list[Change], Problem | None]]:
    """Yield the valid inputs next to one that is refused."""
    source, net, report = view.source, view.net, view.report
    assert isinstance(source, Source)
    if report is None or not any(row.result.refusals for row in report.layers):
        return
    try:
        sizes = net.valid_sizes()
        shape = report.inputs[sizes.varied[0]]
        near = {} if shape[1:] in sizes else {"below": sizes.below(shape[1:]), "above": sizes.above(shape[1:])}
    except (NoClosedForm, ValueError, LookupError):
        return
    for where, sides in near.items():
        if sides is None:
            continue
        of_all = {name: (*(report.inputs[name][:1]), *sides) for name in sizes.varied}
        paths = {name: ("inputs", name) if "inputs" in source.data else ("input",) for name in of_all}
        given = [Operation("set", paths[name], [*to_file(one, net.layout)]) for name, one in of_all.items()]
        changes = written(source, given)
        after = tried(view, changes) if changes else None
        if after and after.report and not any(row.result.refusals for row in after.report.layers):
            yield f"the nearest valid input {where}: {text(of_all[sizes.varied[0]], net.layout)}", changes, None


def written(source: Source, operations: list[Operation]) -> list[Change]:
    """Return the changes of a text that operations on its data make; none where they cannot be written."""
    try:
        found = replacements(source, operations) or []
    except (LookupError, ValueError, TypeError):
        return []
    return [Change(source, source.between(one.start, one.end), one.text) for one in found]
