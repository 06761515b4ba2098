"""The numbers of a file: where each stands, as a value, an entry of a list or a part of an expression, and what a change of it is.

A case comes in; its spots go out, those of the layers first, and the candidates that write another number at one.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.trails import data_at
from cnnshape.diagnosis.written import NAME
from cnnshape.problems.diagnosed import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.problems.place import KeyPath

APART: Final = frozenset(  # keys whose numbers say nothing of a net's shapes, or are solved elsewhere
    [
        "expect",
        "claims",
        "training",
        "input",
        "inputs",
        "name",
        "source",
        "layout",
        "outputs",
        "allow",
        "p",
        "eps",
        "value",
    ]
)
WORDS: Final = frozenset(["type", "block", "from", "like", "indices", "shares", "shares_weight", "module", "gives"])
IN_TEXT: Final = re.compile(r"(?<![\w.])\d+(?![\w.])")  # a number of an expression


class Spot(NamedTuple):
    """A number of the file: the path of its value, and the text around it where it is a part of an expression."""

    path: KeyPath
    number: int
    before: str = ""
    after: str = ""

    @property
    def key(self) -> str:
        """The parameter, argument or constant that the number belongs to."""
        return next(part for part in reversed(self.path) if isinstance(part, str))

    @property
    def in_text(self) -> bool:
        return bool(self.before or self.after)

    def written(self, number: int) -> Any:
        """Return the value of the file with another number at this spot."""
        return f"{self.before}{number}{self.after}" if self.in_text else number


def spots(case: Case) -> Iterator[Spot]:
    """Yield the numbers of the file that may be wrong: those of its layers first, then constants, defaults and blocks."""
    yield from within(case.data.get("layers"), ("layers",))
    for key, value in case.data.items():
        if key != "layers" and key not in APART and isinstance(value, dict):
            yield from within(value, (key,))


def within(value: Any, path: KeyPath) -> Iterator[Spot]:
    """Yield the numbers in a value of the file."""
    if isinstance(value, dict):
        for key, entry in value.items():
            if key not in APART | WORDS:
                yield from within(entry, (*path, key))
    elif isinstance(value, list):
        for index, entry in enumerate(value):
            yield from within(entry, (*path, index))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield Spot(path, value)
    elif isinstance(value, str) and not value.isdecimal():
        for found in IN_TEXT.finditer(value):
            yield Spot(path, int(found[0]), value[: found.start()], value[found.end() :])


def changed(case: Case, spot: Spot, new: int) -> Candidate:
    """Return the change of a number of the file; one in a list is said with the whole list."""
    path, written = spot.path, spot.written(new)
    end = next(length for length in range(len(path), 0, -1) if isinstance(path[length - 1], str))
    layer, parameter = spoken(case, path[:end])
    old = case.at(path[:end])
    edit = Edit(layer, parameter, old, replaced_in(old, path[end:], written))
    rank = 3.2 if path[0] == "layers" else 3.4
    return Candidate(rank, "figure", (edit,), (Operation("set", path, written),))


def replaced_in(value: Any, path: Sequence[str | int], new: Any) -> Any:
    """Return a list, of lists perhaps, with another entry at a path."""
    if not path:
        return new
    return [replaced_in(entry, path[1:], new) if index == path[0] else entry for index, entry in enumerate(value)]


def spoken(case: Case, path: KeyPath) -> tuple[str | None, str]:
    """Return the layer and the parameter that stand at a path of the file."""
    if "layers" not in path:
        return None, ".".join(map(str, path))
    depth = step_of(path)
    table = case.at(path[:depth])
    own = [row.name for row in case.report.layers if row.node.place.path == path[:depth] and case.own(row.node.place)]
    name = next(iter(own), table.get("name") if isinstance(table, dict) else None) or name_at(case, path[:depth])
    return name or None, ".".join(map(str, path[depth:]))


def step_of(path: KeyPath) -> int:
    """Return how many parts of a path lead to the layer or the use that it is in; 0 for none."""
    return next((i + 2 for i in range(len(path) - 1, -1, -1) if path[i] == "layers"), 0)


def step_at(case: Case, path: KeyPath) -> dict[str, Any]:
    """Return the table of the layer or the use that a path leads into; an empty one for none."""
    depth = step_of(path)
    table = case.at(path[:depth]) if depth else None
    return table if isinstance(table, dict) else {}


def parameters_of(case: Case, spot: Spot) -> set[str]:
    """Return the parameters of layers that a number decides: its own key, or those that its argument is handed on to."""
    table = step_at(case, spot.path)
    if "block" in table and spot.key != "repeat":
        return _handed_on(case, table["block"], spot.key, set())
    if spot.path[0] == "blocks" and not step_of(spot.path):
        return _handed_on(case, spot.path[1], spot.key, set())
    if spot.path[0] == "constants":
        lists = [
            case.data.get("layers", ()),
            *(data_at(block.place).get("layers", ()) for block in case.architecture.file.blocks.values()),
        ]
        return {key for steps in lists for key in _written_with(case, steps, spot.key, set())}
    return {spot.key}


def _handed_on(case: Case, name: Any, argument: str, seen: set[tuple[Any, str]]) -> set[str]:
    """Return the parameters of layers whose expressions have an argument of a block, through the blocks that it uses."""
    block = case.architecture.file.blocks.get(name)
    if block is None or (name, argument) in seen:
        return set()
    seen.add((name, argument))
    found = _written_with(case, data_at(block.place).get("layers", ()), argument, seen)
    for key, value in block.defaults.items():
        if argument in NAME.findall(str(value)):
            found |= _handed_on(case, name, key, seen)
    return found


def _written_with(case: Case, steps: Any, name: str, seen: set[tuple[Any, str]]) -> set[str]:
    """Return the parameters of layers that some steps write with a name, those of the blocks that they use among them."""
    found: set[str] = set()
    for step in steps:
        for key, value in step.items() if isinstance(step, dict) else ():
            if key not in APART and name in NAME.findall(str(value)):
                inner = "block" in step and key not in {"repeat", "when"}
                found |= _handed_on(case, step["block"], key, seen) if inner else {key}
    return found


def name_at(case: Case, path: KeyPath) -> str:
    """Return the name of the layer, or of the use of a block, at a path; of several copies the first one's.

    "" where the net has none.
    """
    for node in case.net.nodes:
        if node.place.path == path:
            return node.name
        depth = next((depth for depth, place in enumerate(reversed(node.used_at), 1) if place.path == path), None)
        if depth is not None:
            return ".".join(node.name.split(".")[:depth])
    return ""


def shares(case: Case) -> dict[KeyPath, list[int]]:
    """Return the figures of the layers in each step, and of those that one of its arguments decides.

    They are the parameters, the multiply-accumulates, and the parameters with the buffers.
    """
    figures: dict[KeyPath, list[int]] = {}
    for row in case.report.layers:
        places = [place.path for place in (row.node.place, *row.node.used_at) if case.own(place)]
        for inside, use in pairwise((row.node.place, *row.node.used_at)):
            words = [value for value in data_at(inside).values() if isinstance(value, str)] if case.own(use) else []
            places += [(*use.path, name) for name in {name for word in words for name in NAME.findall(word)}]
        for path in places:
            sums = figures.setdefault(path, [0, 0, 0])
            own = row.parameters or 0
            for index, figure in enumerate((own, row.macs or 0, own + (row.buffers or 0))):
                sums[index] += figure
    return figures
