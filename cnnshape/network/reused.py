"""The rows of a net -> the modules that it calls again: layers and scopes that use the weights of others, and nothing else.

In: a net that is right, its rows, and the dotted names of their modules. Out: names in parts, under which each such call is
a scope beside the module that it calls. A checkpoint has the tensors of these modules once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport

Path = tuple[str, ...]


class Again(NamedTuple):
    """A call of a module that was called before: its rows, and those of the first call, in the same order."""

    module: Path
    first: range
    rows: range


class Reused(NamedTuple):
    """The names of all rows' modules, and the calls of modules that were called before, by their names."""

    names: list[Path]
    again: dict[Path, Again]


def reused(net: Network, rows: Sequence[LayerReport], names: Iterable[str]) -> Reused:
    """Return where modules are called again. Two calls have the same layers and wiring, and share all weights."""
    search = _Search(net, rows, [tuple(name.split(".")) for name in names])
    wrong: set[Path] = set()
    while True:
        found = search.all(wrong)
        others = {again.module for again in found.again.values() if not _is_whole(found, again)}
        if not others:
            return found
        wrong |= others


def _is_whole(found: Reused, again: Again) -> bool:
    """Say whether a module has the rows of its first call, and no more."""
    within = [at for at, name in enumerate(found.names) if name[: len(again.module)] == again.module]
    return within == [*again.first]


class _Search:
    """Looks for rows that are those of a module's first call once more."""

    def __init__(self, net: Network, rows: Sequence[LayerReport], names: list[Path]):
        self.rows, self.names = rows, names
        self.places = {row.name: at for at, row in enumerate(rows)}
        self.value = 1 + len(net.inputs)  # of the first node
        self.outputs = frozenset(net.outputs.values())
        self.readers: dict[int, list[int]] = {}
        for at, row in enumerate(rows):
            for value in row.node.inputs:
                self.readers.setdefault(value, []).append(at)

    def all(self, wrong: set[Path]) -> Reused:
        """Return all calls, the largest scopes first, but for those of modules that are known to have other rows."""
        found, done = Reused([*self.names], {}), 0
        for at, row in enumerate(self.rows):
            if row.node.shares and at >= done:
                again = next((again for again in self.calls(at) if again.module not in wrong), None)
                if again:
                    self.note(found, again)
                    done = again.rows.stop
        return found

    def calls(self, at: int) -> Iterator[Again]:
        """Yield the calls that a row with another's weights may be part of, that of the outermost module first."""
        owner = self.places[self.rows[at].node.shares]
        path = self.names[owner]
        for depth in range(1, len(path) + 1):
            module = path[:depth]
            start, stop = owner, owner + 1
            while start and self.names[start - 1][:depth] == module:
                start -= 1
            while stop < min(len(self.rows), start + at - owner) and self.names[stop][:depth] == module:
                stop += 1
            again = Again(module, range(start, stop), range(start + at - owner, stop + at - owner))
            if stop <= start + at - owner and again.rows.stop <= len(self.rows) and self.is_call(again):
                yield again

    def is_call(self, again: Again) -> bool:
        return self.is_beside(again) and self.is_wired(again) and self.gives(again.first) == self.gives(again.rows)

    def is_beside(self, again: Again) -> bool:
        """Say whether a call has a name within the scope that the module stands in, and nothing else has it."""
        depth = len(again.module)
        titles = {self.names[at][:depth] for at in again.rows}
        title = titles.pop()
        if titles or title[:-1] != again.module[:-1] or len(title) < depth:
            return False
        named = [at for at, name in enumerate(self.names) if name[:depth] == title]
        return title == again.module or named == [*again.rows]

    def is_wired(self, again: Again) -> bool:
        """Say whether the layers of two calls are the same, with the same weights, and read the same of each other."""
        inside = range(again.first.start + self.value, again.first.stop + self.value)
        between = again.rows.start - again.first.start
        enters: dict[int, int] = {}
        for here, there in zip(again.first, again.rows, strict=True):
            one, other = self.rows[here], self.rows[there]
            a, b = one.node, other.node
            layer: Any = a.layer
            if layer != b.layer or a.frozen != b.frozen or len(a.inputs) != len(b.inputs):
                return False
            if b.shares != (a.shares or a.name) and layer.state(one.input_shapes[0]):
                return False
            for value, again_value in zip(a.inputs, b.inputs, strict=True):
                expected = value + between if value in inside else enters.setdefault(value, again_value)
                if again_value != expected:
                    return False
        return all(value - self.value not in again.rows for value in enters.values())

    def gives(self, rows: range) -> list[int]:
        """Return the places in a call of the layers whose results are read behind it."""
        return [
            place
            for place, at in enumerate(rows)
            if at + self.value in self.outputs
            or any(reader not in rows for reader in self.readers.get(at + self.value, ()))
        ]

    def note(self, found: Reused, again: Again) -> None:
        """Give the rows of a call the name of a scope of their own, and the parts behind it that the module's have."""
        depth = len(again.module)
        title, number = found.names[again.rows.start][:depth], 2
        if title == again.module:
            taken = {name[:depth] for name in found.names}
            while (*title[:-1], f"{again.module[-1]}_{number}") in taken:
                number += 1
            title = (*title[:-1], f"{again.module[-1]}_{number}")
        for at, first in zip(again.rows, again.first, strict=True):
            found.names[at] = (*title, *self.names[first][depth:])
        found.again[title] = again
