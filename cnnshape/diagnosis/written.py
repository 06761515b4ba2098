"""Where the file writes a setting of a layer: in the layer itself, or as an argument at a use, a default or a constant.

A layer of the net, a parameter and a value come in; the change of the file that gives it that value goes out. A layer in a
block that is used several times is changed in the block's own words, or at one use; a number is put into a block only
where the block has a number there already.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.network.graph import Node
    from cnnshape.problems.place import Place

EXPRESSION: Final = re.compile(
    r"\s*(?:(?P<before>[1-9]\d*)\s*\*\s*)?[A-Za-z_]\w*(?:\s*\*\s*(?P<after>[1-9]\d*)|\s*//\s*(?P<over>[1-9]\d*))?\s*"
)
NAME: Final = re.compile(r"[A-Za-z_]\w*")
WORDS: Final = frozenset(
    ["in_channels", "i", "min", "max", "round", "ceil", "floor", "if", "else", "and", "or", "not", "true", "false"]
)


def changes(  # noqa: PLR0913 -- the fields of a candidate
    case: Case, node: Node, parameter: str, new: Any, *, rank: float, family: str
) -> Iterator[Candidate]:
    """Yield the changes of the file that give a layer's parameter a value."""
    old = value_at(node.place.source.data, (*node.place.path, parameter))
    if isinstance(old, str) and _names(old) and isinstance(new, int):
        if found := _argument(case, node.place, node.used_at, old, new):
            edit, operation = found
            yield Candidate(rank, family, (edit,), (operation,))
    elif case.own(node.place):
        yield case.changed(node.name, node.place.path, parameter, new, rank=rank, family=family)


def _argument(
    case: Case, place: Place, used_at: tuple[Place, ...], text: str, new: int
) -> tuple[Edit, Operation] | None:
    """Return the change of the one name in an expression at a place: an argument at the use around, or a constant."""
    names = _names(text)
    value = solved_for(text, new)
    if len(names) != 1 or value is None:
        return None
    (name,) = names
    if used_at and name in (arguments := arguments_of(place)):
        use, *around = used_at
        table = value_at(use.source.data, use.path)
        given = table.get(name, arguments[name])
        if isinstance(given, str):
            return _argument(case, use, tuple(around), given, value) if name in table else None
        if not isinstance(given, int) or isinstance(given, bool) or not case.own(use):
            return None
        return Edit(title(used_at), name, table.get(name), value), Operation("set", (*use.path, name), value)
    number = case.at(("constants", name))
    if not isinstance(number, int) or isinstance(number, bool) or not case.own(place):
        return None
    return Edit(None, f"constants.{name}", number, value), Operation("set", ("constants", name), value)


def arguments_of(place: Place) -> dict[str, Any]:
    """Return the arguments that the block at a place may be given, with their defaults; None for one without."""
    block = value_at(place.source.data, place.path[:2]) if place.path[:1] == ("blocks",) else None
    if not isinstance(block, dict):
        return {}
    must, may = block.get("arguments", []), block.get("defaults", {})
    return {**dict.fromkeys(must if isinstance(must, list) else [must]), **(may if isinstance(may, dict) else {})}


def solved_for(text: str, new: int) -> int | None:
    """Return the value of the name in `width`, `4 * width` or `width // 2` at which that is a number; None for others."""
    match EXPRESSION.fullmatch(text):
        case None:
            return None
        case found:
            factor = int(found["before"] or found["after"] or 1)
            if found["over"]:
                return new * int(found["over"])
            return new // factor if new % factor == 0 else None


def sizes(axes: Sequence[int]) -> int | list[int]:
    """Return a size for each axis as a file has them: one number where all are equal."""
    return axes[0] if len({*axes}) == 1 else [*axes]


def title(used_at: tuple[Place, ...]) -> str:
    """Return the name of a use, with those of the uses around it."""
    names = []
    for place in reversed(used_at):
        table = value_at(place.source.data, place.path)
        names.append(str(table.get("name", table.get("block", ""))) if isinstance(table, dict) else "")
    return ".".join(names)


def _names(text: str) -> set[str]:
    return {*NAME.findall(text)} - WORDS
