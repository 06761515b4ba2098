"""Inlay hints: what comes out of the layers of a line, at its end."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from lsprotocol import types

from cnnshape.editor.view import layout_of
from cnnshape.numbers.shape import text
from cnnshape.problems.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.editor.view import Document, Made, View


def hints(document: Document, views: Iterable[View], lines: range) -> Iterator[types.InlayHint]:
    """Yield the hints of some lines of a document, by all nets whose layers stand in it."""
    found: dict[int, dict[int, set[str]]] = {}  # by line, by the offset of a step: what the uses around it come to
    for view in views:
        if not view.readable:
            continue
        for (file, path), made in view.steps.items():
            if view.document_of(file) is not document:
                continue
            source = made[0].place.source
            start, end = Place(source, path).range
            line = document.text.line(document.text.offset_of(end))
            if line in lines and (results := results_of(made, layout_of(source))):
                at = found.setdefault(line, {}).setdefault(document.text.offset_of(start), set())
                at |= results
    for line, steps in sorted(found.items()):
        words = [results.pop() if len(results) == 1 else "several" for _, results in sorted(steps.items())]
        yield types.InlayHint(document.text.end_of(line), f"→ {', '.join(words)}", padding_left=True)


def results_of(made: list[Made], layout: str) -> set[str]:
    """Return the results of a step in words, those of each frame that it stands in; () where one is not known."""
    frames = groupby(sorted(made, key=lambda one: one.frame), key=lambda one: one.frame)
    return {words for _, copies in frames if (words := _result([*copies], layout))}


def _result(copies: list[Made], layout: str) -> str:
    """Write the result of the copies of a step in one frame: 64x56x56; 64x56x56, 256x28x28 (x3)."""
    if not all(copy.sure for copy in copies):
        return ""
    shapes = [text(copy.output, layout) for copy in copies]
    words = shapes[0] if len({*shapes}) == 1 else f"{shapes[0]}, {shapes[-1]}"
    return f"{words} (x{len(copies)})" if len(copies) > 1 else words
