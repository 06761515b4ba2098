"""The layers of the file paired with those of the model, at the least cost.

In: two sides. Out: pairs of indices into their layers. A layer without a partner costs something, and so does a pair whose
settings differ. Names that both sides have decide, where most of their layers are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.compare.cheapest import cheapest
from cnnshape.compare.side_layer import SideLayer, comparable, different

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.side import Side

# The costs. A gap is a layer without a partner.
GAP: Final = 8  # with weights
BARE_GAP: Final = 9  # without weights: rather one with weights is moved
RAISED_GAP: Final = 10  # the model's layer that raised: rather one before it is missing
SETTING: Final = 2  # a setting that differs
FOLLOWS: Final = 1  # ... that follows from the input, or the number of parameters
MOST: Final = 6  # all differences of one layer, at most
KIN: Final = 7  # another type of the same family
NAMESAKE: Final = 12  # another type altogether, under the same name


class Alignment:
    """The layers of the file and their partners in the model, by their indices.

    `pairs` stand in one order on both sides; the layers of `moved` are the same, but stand elsewhere. `cut`: the model
    raised, and its layers end early.
    """

    def __init__(self, file: Side, model: Side, *, cut: bool):
        self.file, self.model = file, model
        signatures: dict[Any, int] = {}
        self.signatures = [
            [signatures.setdefault(_signature(layer), len(signatures)) for layer in side.layers]
            for side in (file, model)
        ]
        self.prices: dict[Any, int | None] = {}
        self.namesakes = self._namesakes()
        self.pairs = self._cheapest_pairs(cut=cut)
        places = {i: place for place, i in enumerate(file.order)}
        self.reached = max((places[i] for i in self.pairs), default=-1)  # the last place that the model came to
        self.moved = dict(self._moved(cut=cut))
        self.partners = {j: i for i, j in (self.pairs | self.moved).items()}

    def _namesakes(self) -> dict[int, int]:
        """Return the pairs of one name whose layers are the same; none where most differ: then names agree by chance."""
        named: dict[str, int] = {}
        for j, layer in enumerate(self.model.layers):
            named.setdefault(layer.name, j)
        common = {i: named[one.name] for i, one in enumerate(self.file.layers) if one.name and one.name in named}
        same = {i: j for i, j in common.items() if self._price(i, j) == 0}
        return same if 2 * len(same) >= len(common) else {}

    def _price(self, i: int, j: int) -> int | None:
        """Return the cost of a pair, None if the layers cannot be paired."""
        one, other = self.file.layers[i], self.model.layers[j]
        namesakes = one.name == other.name != ""
        key = self.signatures[0][i], self.signatures[1][j], namesakes
        if key not in self.prices:
            self.prices[key] = _price(one, other, namesakes=namesakes)
        return self.prices[key]

    def _cheapest_pairs(self, *, cut: bool) -> dict[int, int]:
        """Return the pairs in the cheaper of two orders: with the inputs of concatenations as they stand, or in any order."""
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
        """Return the least cost in the order that the sides have, and its pairs."""
        here, there = self.file.order, self.model.order
        back = {j: i for i, j in self.namesakes.items()}

        def price(place: int, other_place: int) -> int | None:
            i, j = here[place], there[other_place]
            torn = self.namesakes.get(i, j) != j or back.get(j, i) != i
            return None if torn else self._price(i, j)

        gaps = [_gap(self.file.layers[i]) for i in here]
        other_gaps = [self._model_gap(j) for j in there]
        cost, pairs = cheapest(price, gaps, other_gaps, cut=cut)
        return cost, {here[place]: there[other_place] for place, other_place in pairs}

    def _model_gap(self, j: int) -> int:
        if self.model.layers[j].output is None:
            return RAISED_GAP
        return 0 if j in self.model.dead else _gap(self.model.layers[j])

    def _moved(self, *, cut: bool) -> Iterator[tuple[int, int]]:
        """Yield pairs of layers without a partner that are the same in all, wherever they stand."""
        taken = set(self.pairs.values())
        came_to = self.file.order[: self.reached + 1] if cut else self.file.order
        missing = [i for i in came_to if i not in self.pairs and not self.file.layers[i].optional]
        extra = [j for j in self.model.order if j not in taken and not self.model.layers[j].optional]
        for i in missing:
            same = next((j for j in extra if self.namesakes.get(i, j) == j and self._price(i, j) == 0), None)
            if same is not None:
                extra.remove(same)
                yield i, same


def _signature(layer: SideLayer) -> Any:
    """Return all that a price depends on, but for the name."""
    settings, essence = tuple(layer.settings.items()), tuple(layer.essence.items())
    return layer.type, settings, layer.kind, essence, layer.parameters, layer.optional


def _gap(layer: SideLayer) -> int:
    return 0 if layer.optional else GAP if layer.parameters else BARE_GAP


def _price(one: SideLayer, other: SideLayer, *, namesakes: bool) -> int | None:
    if comparable(one, other) is None:
        kin = one.family == other.family and not one.optional
        return KIN if kin else NAMESAKE if namesakes else None
    settings = sum(FOLLOWS if name in one.follows else SETTING for name in different(one, other))
    return min(MOST, settings + FOLLOWS * (one.parameters != other.parameters))
