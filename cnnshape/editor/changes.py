"""Changes of a net's files: ranges with new texts, tried before they are offered, and as the client makes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lsprotocol import types

from cnnshape.diagnosis.door import examine
from cnnshape.file.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cnnshape.diagnosis.door import Examination
    from cnnshape.editor.view import View
    from cnnshape.problems.place import Range, SourceText


class Change(NamedTuple):
    """A range of a file's text, and the text that takes its place."""

    source: SourceText
    range: Range
    text: str


def edit_of(view: View, changes: Iterable[Change], *, versioned: bool) -> types.WorkspaceEdit:
    """Return changes as the client makes them; with the versions of the texts that they are for, where it takes these."""
    edits: dict[str, list[types.TextEdit]] = {}
    for change in changes:
        range_ = view.text(change.source).range(change.range)
        edits.setdefault(view.uri(change.source), []).append(types.TextEdit(range_, change.text))
    if not versioned:
        return types.WorkspaceEdit(changes=edits)
    names = {uri: types.OptionalVersionedTextDocumentIdentifier(uri, view.versions.get(uri)) for uri in edits}
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(names[uri], [*some]) for uri, some in edits.items()]
    )


def tried(view: View, changes: Iterable[Change]) -> Examination | None:
    """Examine the net once its files are changed; None where its own text is then no TOML."""
    texts: dict[str, str] = {}
    for change in sorted(changes, key=lambda one: one.range, reverse=True):  # from the end: each moves what is behind
        here = view.text(change.source)
        start, end = (here.offset_of(position) for position in change.range)
        before = texts.get(change.source.file, here.text)
        texts[change.source.file] = before[:start] + change.text + before[end:]
    own = texts.pop(view.document.file, view.document.text.text)
    overlay = {str(path): other.text.text for path, other in view.open.items() if other is not view.document}
    examination = examine(own, view.document.file, overlay | texts)
    return examination if isinstance(examination.architecture.file.source, Source) else None
