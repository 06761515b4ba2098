"""The sources of two layers or two results compared, to tell whether they are made of the same values.

In: an alignment, and values of both sides. Out: yes or no, and the sources themselves. Layers without a partner at their
place and the parts of longer sums are looked through, and concatenations where that makes the sources equal.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cnnshape.compare.alignment import Alignment


class Sources:
    """The sources of layers on both sides of an alignment; `unsound`: layers of the file that the model has otherwise."""

    def __init__(self, found: Alignment):
        self.found, self.file, self.model = found, found.file, found.model
        self.first = self.file.first
        self.unsound: set[int] = set()

    def reads_alike(self, i: int, j: int) -> bool:
        """Say whether a layer of the file and one of the model read the same.

        Parts of sums do: which part is paired with which is chance, and their terms are compared at the whole sums.
        """
        one, other = self.file.layers[i], self.model.layers[j]
        if not any(other.inputs) or (self.file.in_sum(i) and self.model.in_sum(j)):
            return True
        sums = self.file.sums(i) and self.model.sums(j)
        return self.same(one.inputs, other.inputs, Counter if sums else _in_order if one.ordered else set)

    def same(self, ours: Iterable[int], theirs: Iterable[int], read: Callable[[list[int]], Any] = set) -> bool:
        """Say whether values are made of the same, as they are or with all concatenations taken apart.

        `read` makes of the values the part that counts: which there are, how often or in which order.
        """
        return any(self._same_parts([*ours], [*theirs], read, apart=apart) for apart in (False, True))

    def _same_parts(self, ours: list[int], theirs: list[int], read: Callable[[list[int]], Any], *, apart: bool) -> bool:
        here, missing = self.file.sources(ours, lambda i: self.unseen(i) or (apart and self.file.stacks(i)))
        there, extra = self.model.sources(theirs, lambda j: self.added(j) or (apart and self.model.stacks(j)))
        wanted = [value if value < self.first else self.found.pairs[value - self.first] + self.first for value in here]
        less = any(len(self.file.layers[i].inputs) > 1 and i in self.unsound for i in missing)  # a sum that is missing
        more = any(len(self.model.layers[j].inputs) > 1 and not self.model.layers[j].optional for j in extra)
        return read(wanted) == read(there) or (less and {*there} <= {*wanted}) or (more and {*wanted} <= {*there})

    def enters_otherwise(self, i: int, j: int) -> bool:
        """Say whether the inputs of two layers differ for a known reason: an unsound layer, or one too many."""
        ours, _ = self.file.sources(
            self.file.layers[i].inputs, lambda k: k not in self.unsound and (self.file.stacks(k) or self.unseen(k))
        )
        theirs, _ = self.model.sources(
            self.model.layers[j].inputs,
            lambda k: self.model.stacks(k) or (self.astray(k) and self.model.layers[k].optional),
        )
        added = (value - self.first for value in theirs if value >= self.first)
        return any(value - self.first in self.unsound for value in ours) or any(map(self.astray, added))

    def read_by(self, i: int, j: int) -> tuple[list[int], list[int]]:
        """Return the values that two layers read, on either side."""
        here, _ = self.file.sources(self.file.layers[i].inputs, self.unseen)
        there, _ = self.model.sources(self.model.layers[j].inputs, self.added)
        if self.file.sums(i) and self.model.sums(j):
            return sorted(here), sorted(there)
        here, there = _in_order(here), _in_order(there)
        return (here, there) if self.file.layers[i].ordered else (sorted(here), sorted(there))

    def unseen(self, i: int) -> bool:
        """Whether the readers of a layer of the file read what enters it: it has no partner at its place, or is in a sum."""
        return i not in self.found.pairs or self.file.in_sum(i)

    def added(self, j: int) -> bool:
        """Whether the readers of a layer of the model read what enters it: it has no partner at its place, or is in a sum."""
        return self.astray(j) or self.model.in_sum(j)

    def astray(self, j: int) -> bool:
        """Whether a layer of the model has no partner at its place."""
        return self.found.pairs.get(self.found.partners.get(j, -1)) != j


def _in_order(values: list[int]) -> list[int]:
    """Return values once each, in the order in which they come first."""
    return [*dict.fromkeys(values)]
