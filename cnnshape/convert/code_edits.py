"""Changes of a line of Python, with their words: nets.py:9: self.fc(x) -> self.fc(x.flatten(1)).

In: expressions of the parsed source, with the text that takes the place of each, or stands behind it. Out: the change, where all
is in one line; none where not.
"""

from __future__ import annotations

import ast
import linecache
from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.compare.code import code
from cnnshape.problems.diagnosed import Change
from cnnshape.problems.place import Range

if TYPE_CHECKING:
    from cnnshape.compare.constructed import Made

TIGHT: Final = (ast.Name, ast.Attribute, ast.Call, ast.Subscript)  # expressions behind which .flatten(1) may stand


class Said(NamedTuple):
    """A change in words, and the change of the code, None for one that is no line of it."""

    words: str
    change: Change | None = None


class Replaced(NamedTuple):
    """An expression, and the text that takes its place, or stands behind it."""

    expression: ast.expr
    text: str
    behind: bool = False


def rewritten(file: str, whole: ast.expr, *edits: Replaced) -> Said | None:
    """Return the change of an expression in which others are replaced; None where it is of several lines."""
    row = whole.lineno
    if whole.end_lineno != row or whole.end_col_offset is None:
        return None
    line = linecache.getline(file, row).encode()  # ast counts bytes
    text, begin = line[whole.col_offset : whole.end_col_offset], whole.col_offset
    for one in sorted(edits, key=lambda edit: edit.expression.col_offset, reverse=True):
        first, last = one.expression.col_offset - begin, (one.expression.end_col_offset or 0) - begin
        new = one.text
        if one.behind:
            own = text[first:last].decode()
            new = f"{own if isinstance(one.expression, TIGHT) else f'({own})'}{new}"
        text = text[:first] + new.encode() + text[last:]
    old = line[begin : whole.end_col_offset].decode()
    return _said(file, row, 1 + len(line[:begin].decode()), old, text.decode())


def remade(made: Made, text: str) -> Said:
    """Return the change of a constructor's call into another text."""
    return _said(made.line.file, made.line.line, made.column, made.text, text)


def _said(file: str, row: int, column: int, old: str, new: str) -> Said:
    shown = code(file).file
    place = Range((row, column), (row, column + len(old)))
    return Said(f"{shown}:{row}: {old} -> {new}", Change(shown, place, new))
