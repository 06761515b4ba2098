"""A flat graph -> the tree of its scopes, by the dots in its names.

In: the entries of a graph, one a node. Out: a root scope with items in order of running: layers, and scopes whose layers run
one after the other. The names of a scope that others interrupt stay dotted, in the scope around it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.flat import WIRES

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from cnnshape.convert.flat import Flat
    from cnnshape.network.graph import Node

CONTAINERS: Final = {"", "Sequential", "ModuleList", "ModuleDict"}  # classes that say nothing of what is inside


@dataclass(slots=True)
class Item:
    """An entry of a frame before it is written: a layer, or the use of a block, or equal ones in a row."""

    titles: list[str]  # of its copies, within the frame
    first: int  # the values of the nodes that it stands for
    last: int
    kind: str  # the type or the block
    of_block: bool
    settings: dict[str, Any]
    wires: list[int]
    named: dict[str, int]  # the values of other layers that it names: like, indices, shares, shares_weight
    fixed: dict[str, Any]  # what is written as it is: frozen, allow
    gives: bool = False  # its inputs are always said: a join

    def prefixed(self, prefix: str) -> Item:
        return replace(self, titles=[f"{prefix}{title}" for title in self.titles])


@dataclass(slots=True, eq=False)
class Scope:
    """The layers whose names begin alike, run one after the other."""

    title: str  # within the scope around it
    path: str  # the whole prefix of its layers' names, with its dot
    kind: str  # the class of the module, or the block
    first: int
    last: int
    items: list[Item | Scope] = field(default_factory=list)

    @property
    def plain(self) -> bool:
        """Whether it is a container: its class says nothing of what is inside."""
        return self.kind in CONTAINERS

    def scopes(self) -> Iterator[Scope]:
        """Yield the scopes within, inner ones first."""
        for item in self.items:
            if isinstance(item, Scope):
                yield from item.scopes()
                yield item


class Tree:
    """Makes the tree of a graph."""

    def __init__(self, flat: Flat, dissolved: Collection[str]):
        self.flat, self.dissolved = flat, dissolved
        self.nodes: dict[int, Node] = dict(flat.graph.made())
        self.parts = {value: flat.names[value].split(".") for value in self.nodes}

    def root(self) -> Scope:
        values = [*self.nodes]
        root = Scope("", "", "", min(values, default=0), max(values, default=0))
        root.items = self.items(values, "", 0)
        return root

    def items(self, values: list[int], path: str, depth: int) -> list[Item | Scope]:
        """Return the items of a frame whose layers' names begin with a path of so many parts."""
        found = self.split(values, path, depth, "")
        return sorted(found, key=lambda item: item.first)

    def split(self, values: list[int], path: str, depth: int, title: str) -> Iterator[Item | Scope]:
        by_part: dict[str, list[int]] = {}
        for value in values:
            by_part.setdefault(self.parts[value][depth], []).append(value)
        for part, members in by_part.items():
            ends = [value for value in members if len(self.parts[value]) == depth + 1]
            yield from (self.leaf(value, f"{title}{part}") for value in ends)
            inner = [value for value in members if value not in ends]
            if not inner:
                continue
            whole = f"{path}{part}."
            if not ends and self.closed(inner) and whole not in self.dissolved:
                scope = Scope(f"{title}{part}", whole, self.kind(inner, depth), inner[0], inner[-1])
                scope.items = self.items(inner, whole, depth + 1)
                yield scope
            else:
                yield from self.split(inner, whole, depth + 1, f"{title}{part}.")

    def closed(self, values: list[int]) -> bool:
        """Say whether layers run one after the other, and share no weights with others before them."""
        shared = (
            self.flat.values[name]
            for value in values
            for node in [self.nodes[value]]
            if (name := node.shares or node.shares_weight)
        )
        return values[-1] - values[0] == len(values) - 1 and all(values[0] <= owner for owner in shared)

    def kind(self, values: list[int], depth: int) -> str:
        """Return the class of a scope; none for that of copies in a row, whose scopes are of that class."""
        kinds = {self.nodes[value].blocks[depth : depth + 2] for value in values}
        first = {kind[:1] for kind in kinds}
        if len(first) > 1 or first == {()}:
            return ""
        copies = all(
            len({*kind}) < len(kind) and self.parts[value][depth + 1].isdecimal() for kind in kinds for value in values
        )
        return "" if copies else first.pop()[0]

    def leaf(self, value: int, title: str) -> Item:
        flat, node = self.flat, self.nodes[value]
        entry = flat.entry(value, node)
        named = {key: flat.value_of[entry[key]] for key in WIRES if key in entry}
        fixed: dict[str, Any] = {key: entry[key] for key in ("frozen", "allow") if key in entry}
        other = {"name", "type", "from", "expect", *WIRES, *fixed}
        settings = {key: setting for key, setting in entry.items() if key not in other}
        joins = bool(node.layer and node.layer.joins[-1] > 1)
        return Item([title], value, value, entry.get("type", ""), False, settings, [*node.joined], named, fixed, joins)


def flattened(scope: Scope, item_of: Callable[[Scope], Item | None]) -> list[Item]:
    """Return the items of a scope, those of inner scopes that are no block put in their place."""
    found: list[Item] = []
    for item in scope.items:
        if isinstance(item, Item):
            found.append(item)
        elif (use := item_of(item)) is not None:
            found.append(use)
        else:
            found += [inner.prefixed(f"{item.title}.") for inner in flattened(item, item_of)]
    return found
