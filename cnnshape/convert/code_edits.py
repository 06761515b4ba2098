"""Changes of a line of Python, with their words: nets.py:9: self.fc(x) -> self.fc(x.flatten(1)).

In: expressions of the parsed source, with the text that takes the place of each, or stands behind it. Out: the change, where all
is in one line; none where not.
"""

from __future__ import annotations

import ast
import linecache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.code import code
from cnnshape.compare.constructed import arguments, number, tree
from cnnshape.problems.diagnosed import Change
from cnnshape.problems.place import Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.constructed import Made
    from cnnshape.layers import Layer

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


def renamed(made: Made, layer: Layer, parameter: str) -> Iterator[Said]:
    """Yield the call with another argument of the function around it for one: BatchNorm2d(outside) for BatchNorm2d(inside)."""
    call: Any = ast.parse(made.text, mode="eval").body if made.text else None
    old = arguments(call, layer).get(parameter) if call else None
    if isinstance(old, ast.Name):
        for name in _arguments_around(made):
            if name != old.id:
                yield remade(made, replaced(made.text, old, name))


def renumbered(made: Made, facts: dict[str, Any]) -> Iterator[Said]:
    """Yield the call with the number that arrives, in place of one that is declared."""
    call: Any = ast.parse(made.text, mode="eval").body if made.text else None
    for argument in [*call.args, *(entry.value for entry in call.keywords)] if call else ():
        if number(argument) is not None and number(argument) == facts["declared"]:
            yield remade(made, replaced(made.text, argument, str(facts["arrives"])))


def replaced(text: str, old: ast.expr, new: str) -> str:
    """Return the text of one line with an expression replaced."""
    line = text.encode()  # ast counts bytes
    return (line[: old.col_offset] + new.encode() + line[old.end_col_offset :]).decode()


def _arguments_around(made: Made) -> list[str]:
    """Return the names of the arguments of the innermost function around a call, but for self."""
    row = made.line.line
    around = [
        node
        for node in ast.walk(tree(made.line.file))
        if isinstance(node, ast.FunctionDef) and node.lineno <= row <= (node.end_lineno or 0)
    ]
    inner = max(around, key=lambda node: node.lineno, default=None)
    return [entry.arg for entry in (*inner.args.args, *inner.args.kwonlyargs) if entry.arg != "self"] if inner else []


def _said(file: str, row: int, column: int, old: str, new: str) -> Said:
    shown = code(file).file
    place = Range((row, column), (row, column + len(old)))
    which = f":{column}" if linecache.getline(file, row).count(old) > 1 else ""
    return Said(f"{shown}:{row}{which}: {old} -> {new}", Change(shown, place, new))
