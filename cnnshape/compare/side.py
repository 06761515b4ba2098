"""One side of a comparison: the layers of a net, the values that they read, and the order in which the data flows.

It makes no difference which of two branches is written or run first. Values are numbered as in a net: 0 nothing known,
then the net's inputs, then one for each layer.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.compare.side_layer import SideLayer


class Side:
    """The layers of one net; `first` is the value of the first of them."""

    def __init__(self, layers: list[SideLayer], first: int, outputs: Iterable[int]):
        self.first = first
        self.outputs = [value for value in outputs if value >= first]
        self.layers = layers = self.ended(layers)
        alive = [layer for i, layer in enumerate(layers) if not (layer.optional and i in self.dead)]
        readers = Counter(value for layer in alive for value in layer.inputs)
        self.parts = {part - first for layer in layers for part in self.parts_of(layer, readers)}
        read = {value for layer in layers for value in layer.inputs}
        self.ends = [value for value in range(first, first + len(layers)) if value not in read]
        unused = {value - first for value in self.ends if value not in self.outputs}  # of a split, most often
        self.layers = [
            layer._replace(optional=layer.optional or i in self.parts or (i in unused and layer.simplest.cuts))
            for i, layer in enumerate(layers)
        ]
        self.order = self.ordered()

    def ended(self, layers: list[SideLayer]) -> list[SideLayer]:
        """Return the layers, where the end of one's result stands for the whole, if nothing else reads it."""
        used = {value for layer in layers for value in layer.inputs}.union(self.outputs)
        readers = Counter(self.outputs)
        for value, layer in enumerate(layers, self.first):
            readers.update({*layer.inputs} if value in used else ())
        ended = [*layers]
        for j, layer in enumerate(layers):
            before = layer.inputs[0] - self.first if len(layer.inputs) == 1 and self.first + j in used else -1
            if before < 0 or readers[self.first + before] > 1:
                continue
            if layers[before].simplest.gives_alone(layer.simplest, layers[before].output or ()):
                ended[before] = ended[before]._replace(output=layer.output)
                ended[j] = layer._replace(optional=True)
        return ended

    def parts_of(self, join: SideLayer, readers: Counter[int]) -> Iterator[int]:
        """Yield the joins of the same kind that only this one reads, and the layers between that change nothing."""

        def alone(value: int) -> SideLayer | None:
            return self.layers[value - self.first] if value >= self.first and readers[value] == 1 else None

        for value in join.inputs if join.simplest.associative else ():
            way = [value]
            while (layer := alone(way[-1])) and layer.optional and layer.own.inert and layer.inputs:
                way += layer.inputs
            if layer and layer.kind == join.kind:
                yield from way

    @cached_property
    def depths(self) -> list[int]:
        """For each value, the layers on the longest way to it."""
        depths = [0] * self.first
        for layer in self.layers:
            depths.append(max((depths[value] for value in layer.inputs), default=0) + (not layer.optional))
        return depths

    def ordered(self, ranks: Sequence[int] = ()) -> list[int]:
        """Return the layers by index, each behind its sources, those of one output together.

        The inputs of a sum have no order of their own: the longest way comes first. With `ranks` of the values, which
        settle ties, the same holds for the inputs of a concatenation.
        """

        def inputs(value: int) -> Sequence[int]:
            layer = self.layers[value - self.first]
            if layer.simplest.commutative:
                terms, parts = self.terms(value)
                return [*sorted(terms, key=late), *parts]
            return sorted(layer.inputs, key=late) if ranks and layer.simplest.stacks else layer.inputs

        def late(value: int) -> tuple[int, int]:
            return -self.depths[value], ranks[value] if ranks else 0

        order: list[int] = []
        seen: set[int] = set()
        roots = sorted({*self.outputs, *self.ends}, key=lambda value: (-self.depths[value], value))
        todo = [(0, iter(roots))]
        while todo:
            value, rest = todo[-1]
            new = next((v for v in rest if v >= self.first and v not in seen), None)
            if new is not None:
                seen.add(new)
                todo.append((new, iter(inputs(new))))
            else:
                todo.pop()
                order.append(value - self.first)
        return order[:-1]

    def terms(self, value: int) -> tuple[list[int], list[int]]:
        """Return the values that a sum adds, and the sums within it that are parts of it."""
        terms: list[int] = []
        parts: list[int] = []
        todo = [*self.layers[value - self.first].inputs][::-1]
        while todo:
            value = todo.pop()
            if self.in_sum(value - self.first):
                parts.append(value)
                todo += self.layers[value - self.first].inputs[::-1]
            else:
                terms.append(value)
        return terms, parts

    def ranks(self, known: dict[Any, int]) -> list[int]:
        """Return a number for each value, the same for values that are made alike; `known` has the other side's.

        The inputs of a sum and of a concatenation may stand in any order.
        """
        ranks = [0] * self.first
        for value, layer in enumerate(self.layers, self.first):
            mixed = layer.simplest.commutative
            of = [ranks[one] for one in (self.terms(value)[0] if mixed else layer.inputs)]
            made = tuple(sorted(of) if mixed or layer.simplest.stacks else of)
            windows = (layer.essence.get(name) for name in ("kernel_size", "stride", "dilation"))
            plain = layer.optional and len(made) == 1
            ranks.append(made[0] if plain else known.setdefault((layer.kind, *windows, made), len(known) + self.first))
        return ranks

    @cached_property
    def dead(self) -> set[int]:
        """The layers that no output is made of; none where the outputs are not known."""
        alive = set(self.outputs)
        for value in range(self.first + len(self.layers) - 1, self.first - 1, -1):
            alive.update(self.layers[value - self.first].inputs if value in alive else ())
        return {i for i in range(len(self.layers)) if i + self.first not in alive} if self.outputs else set()

    def stacks(self, index: int) -> bool:
        """Whether a layer has all its inputs in its result, as a concatenation."""
        return self.layers[index].simplest.stacks

    def sums(self, index: int) -> bool:
        """Whether a layer is a sum or a product: each term counts as often as it is read."""
        return self.layers[index].simplest.associative and not self.stacks(index)

    def in_sum(self, index: int) -> bool:
        """Whether a layer is a part of a longer sum."""
        return index in self.parts and not self.stacks(index)

    def sources(self, values: Iterable[int], through: Callable[[int], bool]) -> tuple[list[int], list[int]]:
        """Return the values that these are made of, looking through some layers, and the layers looked through.

        A value stands there as often as sums read it, but what a layer of several inputs reads is counted once.
        """
        found: list[int] = []
        seen: list[int] = []
        todo = [*values][::-1]
        while todo:
            value = todo.pop()
            index = value - self.first
            if index >= 0 and through(index):
                inputs = self.layers[index].inputs
                read = [*(inputs if self.sums(index) else dict.fromkeys(inputs))]
                if index not in seen or len(read) == 1:
                    seen.append(index)
                    todo += read[::-1]
            elif value:
                found.append(value)
        return found, seen
