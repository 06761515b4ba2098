"""Expansions: the layers that a use of a block came to, and the copy of them for an equal use.

In: an expansion, and the frame of another use with the same arguments and shapes. Out: the nodes, names and expectations
of that use, with its title, its places and its values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.assemble.names import Names, Use
from cnnshape.network.graph import new_node
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cnnshape.assemble.frames import Frame
    from cnnshape.network.graph import Expectation, Node
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import Place


class Expansion(NamedTuple):
    """The layers that one use of a block came to, with all that a copy of them needs."""

    names: Names  # given within
    title: str  # of the frame where the nodes were built
    used_at: tuple[Place, ...]
    kinds: tuple[str, ...]
    inputs: tuple[int, ...]  # the values that entered
    first: int  # the first value within
    nodes: tuple[Node, ...]
    shapes: tuple[Shape | None, ...]
    results: tuple[int, ...]
    expectations: tuple[Expectation, ...]
    steps: int  # spent on building it
    work: int


class Move:
    """Turns the parts of an expansion into those of another use of its block; `first` is the first value of that use."""

    def __init__(self, made: Expansion, frame: Frame, inputs: tuple[int, ...], first: int):
        self.first, self.by = made.first, first - made.first
        self.outer = dict(zip(made.inputs, inputs, strict=True))
        self.title, self.around, self.kinds = frame.title, frame.used_at, frame.kinds
        self.title_cut, self.places_cut, self.kinds_cut = len(made.title), len(made.used_at), len(made.kinds)

    def value(self, value: int) -> int:
        return value + self.by if value >= self.first else self.outer[value]

    def name(self, name: str) -> str:
        return self.title + name[self.title_cut :]

    def used_at(self, places: tuple[Place, ...]) -> tuple[Place, ...]:
        return places[: len(places) - self.places_cut] + self.around

    def nodes(self, made: Iterable[Node]) -> Iterator[Node]:
        title, cut, first, by, outer = self.title, self.title_cut, self.first, self.by, self.outer
        frame = None  # of the node before: the places of the uses around it, which it shares with its frame
        for name, kind, layer, inputs, place, keys, used_at, shares, weight, frozen, allow, blocks in made:
            if used_at is not frame:
                frame, around, kinds = used_at, self.used_at(used_at), self.kinds + blocks[self.kinds_cut :]
            values = tuple([value + by if value >= first else outer[value] for value in inputs])
            yield new_node(
                (title + name[cut:], kind, layer, values, place, keys, around, shares, weight, frozen, allow, kinds)
            )

    def expectation(self, expected: Expectation) -> Expectation:
        return expected._replace(
            value=self.value(expected.value), layer=self.name(expected.layer), used_at=self.used_at(expected.used_at)
        )

    def names(self, made: Names) -> Names:
        """Return the names within the other use."""
        names = Names()
        names.values = {name: self.value(value) for name, value in made.values.items()}
        names.several = {name: tuple(map(self.value, values)) for name, values in made.several.items()}
        names.copies, names.skipped, names.passed = made.copies, made.skipped, made.passed
        names.uses = {
            title: Use(use.block, use.arguments, self.name(use.title), use.names, self.names)
            for title, use in made.uses.items()
        }
        return names
