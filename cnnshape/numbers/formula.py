"""Formulas over the axes of a shape, as a file states them: names of axes, whole numbers, + - * //, parentheses.

A text comes in. It is checked once, and computed for any number of ours: `2*c`, `(h + 1)//2`.
"""

from __future__ import annotations

import operator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from cnnshape.numbers.rules import N

AXES: Final = {0: ("c",), 1: ("c", "l"), 2: ("c", "h", "w"), 3: ("c", "d", "h", "w")}  # by the number of spatial axes
NAMES: Final = frozenset(name for names in AXES.values() for name in names)
MOST_CHARACTERS: Final = 200  # bounds the numbers and the nesting


class NotAFormula(ValueError):  # noqa: N818 -- it names a fact
    """The text is no formula over the axes."""


def operators() -> dict[type[ast.operator], Callable[[Any, Any], Any]]:
    import ast

    return {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


@lru_cache(maxsize=2**10)
def parsed(text: str) -> ast.expr:
    """Return the tree of a formula. Raises NotAFormula."""
    import ast

    if len(text) > MOST_CHARACTERS:
        raise NotAFormula(text)
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise NotAFormula(text) from None
    _check(tree, text)
    return tree


def _check(tree: ast.expr, text: str) -> None:
    """Raise NotAFormula for a tree with anything but names of axes, whole numbers, and divisions by such a number."""
    import ast

    match tree:
        case ast.Name(id=name) if name in NAMES:
            return
        case ast.Constant(value=int(value)) if value is not True and value is not False:
            return
        case ast.BinOp(left=left, op=op, right=right) if type(op) in operators():
            divides = isinstance(op, ast.FloorDiv)
            if not divides or (isinstance(right, ast.Constant) and right.value != 0):
                _check(left, text)
                _check(right, text)
                return
    raise NotAFormula(text)


def is_formula(text: str) -> bool:
    try:
        parsed(text)
    except NotAFormula:
        return False
    return True


def names_in(text: str) -> set[str]:
    """Return the names of the axes in a formula."""
    import ast

    return {node.id for node in ast.walk(parsed(text)) if isinstance(node, ast.Name)}


def computed(text: str, axes: Mapping[str, N]) -> N:
    """Return the value of a formula; `axes` has the size of each axis that it names."""
    by = operators()

    def value(tree: Any) -> N:
        if hasattr(tree, "op"):
            return by[type(tree.op)](value(tree.left), value(tree.right))
        return axes[tree.id] if hasattr(tree, "id") else tree.value

    return value(parsed(text))
