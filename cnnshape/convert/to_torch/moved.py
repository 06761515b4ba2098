"""Layers over channels, one after the other -> the axes moved once, before the first and behind the last, as people write it.

In: a scope, whose items' expressions move the channels behind the sides for each layer, and back. Out: the same items;
those in between are called as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.python import Call, Literal, Name, Part
from cnnshape.convert.to_torch.scopes import ENTERS, MODULE, called_with
from cnnshape.layers.activation import Pointwise

if TYPE_CHECKING:
    from cnnshape.convert.to_torch.scopes import Item, Scope


def _moved(tree: Any, source: int, destination: int) -> Call:
    return Call(Part(tree, "movedim"), (Literal(source), Literal(destination)))


BEFORE: Final = Call(Name(MODULE), (_moved(Name(ENTERS(0)), 1, -1),))
ALONE: Final = _moved(BEFORE, -1, 1)  # the call of a layer over channels
BEHIND: Final = _moved(called_with(1), -1, 1)


def moved_once(scope: Scope) -> None:
    """Let layers over channels that follow each other, or functions of each value between them, move the axes once."""
    readers: dict[int, int] = {}
    for item in scope.items:
        if item.scope:
            moved_once(item.scope)
        for value in item.reads:
            readers[value] = readers.get(value, 0) + 1
    run: list[Item] = []
    for item in scope.items:
        follows = (
            run and item.reads == run[-1].gives and readers[item.reads[0]] == 1 and item.reads[0] not in scope.gives
        )
        if not (follows and (item.called == ALONE or _is_pointwise(item))):
            _rewrite(run)
            run = []
        if run or item.called == ALONE:
            run.append(item)
    _rewrite(run)


def _rewrite(run: list[Item]) -> None:
    while run and run[-1].called != ALONE:
        run.pop()
    if len(run) > 1:
        for item in run:
            item.called = called_with(1)
        run[0].called, run[-1].called = BEFORE, BEHIND


def _is_pointwise(item: Item) -> bool:
    return item.row is not None and isinstance(item.row.node.layer, Pointwise) and item.called == called_with(1)
