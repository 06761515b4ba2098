"""Two nets laid side by side, a file's and a model's: what each layer amounts to, and which is which.

Both are brought into one order, that of the data, so that it makes no difference which of two branches runs first. The
two rows are then paired at the least cost: what is missing, is too much or differs costs something. Where the model has
the file's own names, these decide.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from heapq import heappop, heappush
from math import isclose, prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers import Layer
from cnnshape.numbers.shape import CHANNELS_LAST, from_file, to_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.numbers.shape import Shape


# One layer


class SideLayer(NamedTuple):
    """A layer of either side."""

    name: str  # "" where it has none that another side could have, too
    type: str
    settings: dict[str, Any]  # to compare with those of a layer of the same type
    kind: str  # what it amounts to: layers of different types may do the same
    essence: dict[str, Any]  # to compare with that of a layer of the same kind
    simplest: Layer  # the plainest layer that does the same
    derived: frozenset[str]  # settings that the input decides
    family: str
    inputs: tuple[int, ...]
    entering: tuple[Shape | None, ...]
    output: Shape | None
    parameters: int | None
    optional: bool = False  # without it all shapes would be the same

    @property
    def ordered(self) -> bool:
        """Whether the order of its inputs counts."""
        return len(self.inputs) > 1 and not self.simplest.commutative


PLAIN: Final = Layer()  # stands for what files have no layer type for


def step(  # noqa: PLR0913 -- what a SideLayer is made of
    kind: str,
    layer: Layer | None,
    *,
    name: str,
    inputs: tuple[int, ...],
    entering: tuple[Shape | None, ...],
    output: Shape | None,
    parameters: int | None,
    minor: bool = False,
) -> SideLayer:
    """Make a layer of a side; `minor`: it may be left out."""
    x, y = entering[0] if entering else None, output or ()
    own = simplest = layer or PLAIN
    settings = essence = dict[str, Any]()
    if x is not None:
        settings = essence = own.compared(x, y)
        simplest = own.simplest(x, y)
        if simplest is not own:
            essence = simplest.compared(x, y)
    return SideLayer(
        name,
        kind,
        settings,
        simplest.type if simplest is not own else kind,
        essence,
        simplest,
        own.follows | simplest.follows,
        own.family or kind,
        inputs,
        entering,
        output,
        parameters,
        minor or own.idle(output, *entering),
    )


def comparable(one: SideLayer, other: SideLayer) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return what can be compared of two layers, None if they do not do the same."""
    if one.type == other.type:
        return one.settings, other.settings
    return (one.essence, other.essence) if one.kind == other.kind else None


def different(one: SideLayer, other: SideLayer) -> list[str]:
    """Return the names of the settings that differ between two layers that do the same."""
    left, right = comparable(one, other) or ({}, {})
    return [name for name in left if name in right and not _equal(left[name], right[name])]


def _equal(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, float) and isinstance(other, float) and isclose(one, other))


def alike(one: Shape | None, other: Shape | None) -> bool:
    """Say whether shapes are equal: axes of 1 aside, channels first or last, and space perhaps as one axis.

    What is not known is like everything.
    """
    if one is None or other is None:
        return True
    orders = (other, to_file(other, CHANNELS_LAST), from_file(other, CHANNELS_LAST))
    if [n for n in one if n != 1] in [[n for n in order if n != 1] for order in orders]:
        return True
    return len(one) != len(other) and _tokens(one) in map(_tokens, orders)


def _tokens(shape: Shape) -> tuple[int, int]:
    return shape[0] if shape else 1, prod(shape[1:])


# One side


class Side:
    """The layers of one net, and the values that they read: 0 for nothing known, the inputs, a value a layer."""

    def __init__(self, steps: list[SideLayer], first: int, outputs: Iterable[int]):
        self.first = first  # the value of the first layer
        self.outputs = [value for value in outputs if value >= first]
        readers = Counter(value for step in steps for value in step.inputs)
        self.parts = {  # of longer sums: read only by another
            value - first
            for step in steps
            if step.simplest.associative
            for value in step.inputs
            if value >= first and readers[value] == 1 and steps[value - first].kind == step.kind
        }
        self.ends = [value for value in range(first, first + len(steps)) if not readers[value]]
        unused = {value - first for value in self.ends if value not in self.outputs}  # of a split, most often
        self.steps = [
            s._replace(optional=s.optional or i in self.parts or (i in unused and s.simplest.cuts))
            for i, s in enumerate(steps)
        ]
        self.order = self.ordered()

    @cached_property
    def depths(self) -> list[int]:
        """For each value, the layers on the longest way to it."""
        depths = [0] * self.first
        for step in self.steps:
            depths.append(max((depths[value] for value in step.inputs), default=0) + (not step.optional))
        return depths

    def ordered(self, ranks: Sequence[int] = ()) -> list[int]:
        """Return the layers, each behind all that it is made of; those that an output is made of follow each other.

        What a sum reads has no order of its own: the longest way comes first. With `ranks` of the values, which settle
        ties, neither has what a concatenation reads.
        """

        def inputs(value: int) -> Sequence[int]:
            step = self.steps[value - self.first]
            if step.simplest.commutative or (ranks and step.simplest.stacks):
                return sorted(step.inputs, key=lambda v: (-self.depths[v], ranks[v] if ranks else 0))
            return step.inputs

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

    def ranks(self, known: dict[Any, int]) -> list[int]:
        """Return a number for each value that tells how it is made; `known` has those of the other side."""
        ranks = [0] * self.first
        for step in self.steps:
            made = tuple(ranks[value] for value in step.inputs)
            windows = (step.essence.get(name) for name in ("kernel_size", "stride", "dilation"))
            plain = step.optional and len(made) == 1
            ranks.append(made[0] if plain else known.setdefault((step.kind, *windows, made), len(known) + self.first))
        return ranks

    @cached_property
    def dead(self) -> set[int]:
        """The layers that no output is made of; none, if nobody knows the outputs."""
        alive = set(self.outputs)
        for value in range(self.first + len(self.steps) - 1, self.first - 1, -1):
            alive.update(self.steps[value - self.first].inputs if value in alive else ())
        return {i for i in range(len(self.steps)) if i + self.first not in alive} if self.outputs else set()

    def stacks(self, index: int) -> bool:
        """Whether a layer has all that enters in its result, as a concatenation."""
        return self.steps[index].simplest.stacks

    def sources(self, values: Iterable[int], through: Callable[[int], bool]) -> tuple[list[int], list[int]]:
        """Return the values that these are made of, looking through some layers, and the layers looked through."""
        found: list[int] = []
        seen: list[int] = []
        todo = [*values][::-1]
        while todo:
            value = todo.pop()
            index = value - self.first
            if index >= 0 and through(index):
                if index not in seen:
                    seen.append(index)
                    todo += self.steps[index].inputs[::-1]
            elif value and value not in found:
                found.append(value)
        return found, seen


# Both sides

GAP: Final = 8  # what a layer with weights costs that has no counterpart, and one without: rather those are moved
BARE_GAP: Final = 9
RAISED_GAP: Final = 10  # ... one of the model that raised: rather one before it is missing
SETTING: Final = 2  # ... a setting that differs, and one that the input decides; and at most, all that differ
DERIVED: Final = 1
MOST: Final = 6
KIN: Final = 7  # ... another type of the same family
NAMESAKE: Final = 12  # ... another type altogether, under the same name
LIMIT: Final = 1_000_000  # states of the search; two nets that need more have little in common


class Alignment:
    """Which layer of a file is which of a model, by their indices.

    `pairs` stand in one order on both sides; `moved` are the same, but stand elsewhere. `cut`: the model raised, and
    its row ends early.
    """

    def __init__(self, file: Side, model: Side, *, cut: bool):
        self.file, self.model = file, model
        signatures: dict[Any, int] = {}
        self.signatures = [
            [signatures.setdefault(_signature(s), len(signatures)) for s in x.steps] for x in (file, model)
        ]
        self.prices: dict[Any, int | None] = {}
        self.namesakes = self._namesakes()
        self.pairs = self._cheapest_pairs(cut=cut)
        places = {i: place for place, i in enumerate(file.order)}
        self.reached = max((places[i] for i in self.pairs), default=-1)  # the last place that the model came to
        self.moved = dict(self._moved(cut=cut))
        self.partners = {j: i for i, j in (self.pairs | self.moved).items()}

    def _namesakes(self) -> dict[int, int]:
        """Return the layers of one name that are the same; none, if most of one name are not: then it is chance."""
        named: dict[str, int] = {}
        for j, step in enumerate(self.model.steps):
            named.setdefault(step.name, j)
        common = {i: named[step.name] for i, step in enumerate(self.file.steps) if step.name and step.name in named}
        same = {i: j for i, j in common.items() if self._price(i, j) == 0}
        return same if 2 * len(same) >= len(common) else {}

    def _price(self, i: int, j: int) -> int | None:
        """Return what it costs to take two layers for the same, None if they cannot be."""
        one, other = self.file.steps[i], self.model.steps[j]
        key = self.signatures[0][i], self.signatures[1][j], one.name == other.name
        if key not in self.prices:
            self.prices[key] = _price(one, other)
        return self.prices[key]

    def _cheapest_pairs(self, *, cut: bool) -> dict[int, int]:
        """Return the pairs in the order that costs less: of what is concatenated as it is, or as if it had none."""
        cost, pairs = self._pairs(cut=cut)
        if not cost:
            return pairs
        given, known = (self.file.order, self.model.order), dict[Any, int]()
        self.file.order, self.model.order = (side.ordered(side.ranks(known)) for side in (self.file, self.model))
        free_cost, free_pairs = self._pairs(cut=cut)
        if free_cost < cost:
            return free_pairs
        self.file.order, self.model.order = given
        return pairs

    def _pairs(self, *, cut: bool) -> tuple[int, dict[int, int]]:
        """Return the pairs in the order that the sides have, and what they and the gaps cost."""
        here, there = self.file.order, self.model.order
        back = {j: i for i, j in self.namesakes.items()}

        def price(row: int, other_row: int) -> int | None:
            i, j = here[row], there[other_row]
            torn = self.namesakes.get(i, j) != j or back.get(j, i) != i
            return None if torn else self._price(i, j)

        gaps = [_gap(self.file.steps[i]) for i in here]
        other_gaps = [self._model_gap(j) for j in there]
        cost, pairs = _cheapest(price, gaps, other_gaps, cut=cut)
        return cost, {here[row]: there[other_row] for row, other_row in pairs}

    def _model_gap(self, j: int) -> int:
        if self.model.steps[j].output is None:
            return RAISED_GAP
        return 0 if j in self.model.dead else _gap(self.model.steps[j])

    def _moved(self, *, cut: bool) -> Iterator[tuple[int, int]]:
        taken = set(self.pairs.values())
        came_to = self.file.order[: self.reached + 1] if cut else self.file.order
        missing = [i for i in came_to if i not in self.pairs and not self.file.steps[i].optional]
        extra = [j for j in self.model.order if j not in taken and not self.model.steps[j].optional]
        for i in missing:
            same = next((j for j in extra if self.namesakes.get(i, j) == j and self._price(i, j) == 0), None)
            if same is not None:
                extra.remove(same)
                yield i, same


def _signature(step: SideLayer) -> Any:
    settings, essence = tuple(step.settings.items()), tuple(step.essence.items())
    return step.type, settings, step.kind, essence, step.parameters, step.optional


def _gap(step: SideLayer) -> int:
    return 0 if step.optional else GAP if step.parameters else BARE_GAP


def _price(one: SideLayer, other: SideLayer) -> int | None:
    if comparable(one, other) is None:
        named = NAMESAKE if one.name == other.name != "" else None
        return KIN if one.family == other.family and not one.optional else named
    settings = sum(DERIVED if name in one.derived else SETTING for name in different(one, other))
    return min(MOST, settings + DERIVED * (one.parameters != other.parameters))


def _cheapest(
    price: Callable[[int, int], int | None], gaps: list[int], other_gaps: list[int], *, cut: bool
) -> tuple[int, list[tuple[int, int]]]:
    """Return the pairs of two rows that cost least together with the gaps, by Dijkstra's search, and that cost.

    What is the same is paired at once: rows that have much in common take time in proportion to their length.
    """
    end = (len(gaps), len(other_gaps))
    cost, best, before = 0, {(0, 0): 0}, {}
    todo = [(0, 0, (0, 0))]
    here = (0, 0)
    while todo and len(best) < LIMIT:
        cost, _, here = heappop(todo)
        i, j = here
        if here == end or (cut and j == end[1]):
            break
        if cost > best[here]:
            continue
        same = price(i, j) if i < end[0] and j < end[1] else None
        ways = [] if same is None else [(cost + same, (i + 1, j + 1))]
        if same != 0 or gaps[i] != other_gaps[j]:
            ways += [(cost + gaps[i], (i + 1, j))] if i < end[0] else []
            ways += [(cost + other_gaps[j], (i, j + 1))] if j < end[1] else []
        for total, there in ways:
            if total < best.get(there, total + 1):
                best[there], before[there] = total, here
                heappush(todo, (total, -sum(there), there))  # of equal costs, the one that is further on
    pairs = []
    while here in before:
        (i, j), here = here, before[here]
        if here == (i - 1, j - 1):
            pairs.append(here)
    return cost, pairs[::-1]
