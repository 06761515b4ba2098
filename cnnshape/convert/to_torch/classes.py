"""Scopes -> classes of modules: scopes that are alike but for numbers are one class, and some may leave items out.

The innermost scopes come first: what makes their modules is part of the scopes around them.
"""

from __future__ import annotations

import re
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.python import Call, Literal, Name, changed, collapsed, is_name, line
from cnnshape.convert.to_torch.arguments import Holes
from cnnshape.convert.to_torch.scopes import called_with
from cnnshape.convert.to_torch.signatures import REQUIRED, is_taken
from cnnshape.layers.joining import Add

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.convert.to_torch.scopes import Item, Scope
    from cnnshape.convert.to_torch.signatures import Signatures

INLINE: Final = 4  # modules of a chain that needs no class
MOST_OPTIONAL: Final = 4  # items that a copy may leave out: more are another block


class Class(NamedTuple):
    """A class of scopes that are alike: the expressions of its items have holes where the copies differ."""

    name: str
    scope: Scope  # one of them
    made: list[Any]  # for each item, with the arguments' names for holes
    called: list[Any]
    arguments: dict[str, tuple[str, Any]]  # by name: the type, and the default, or REQUIRED
    optional: dict[int, str] = {}  # noqa: RUF012 -- the items that some copies leave out, with the argument that says so
    handed: dict[int, int] = {}  # noqa: RUF012 -- which of the tensors that it reads goes on, where one is left out


class Copy(NamedTuple):
    """A scope of a class, and the items of the class that it leaves out."""

    item: Item
    scope: Scope
    missing: Mapping[int, int] = MappingProxyType({})  # with the place of the tensor that goes on

    def aligned(self, count: int) -> list[Item | None]:
        """Return an item for each of the class, None for one that is left out."""
        items = iter(self.scope.items)
        return [None if at in self.missing else next(items) for at in range(count)]


class Classes:
    """Finds the classes of all scopes, the innermost first."""

    def __init__(self, signatures: Signatures):
        self.signatures = signatures
        self.found: list[Class] = []
        self.names: set[str] = {"Net"}

    def find(self, whole: Scope) -> None:
        """Give all scopes within one the expressions that make and call them."""
        inner = [*_scopes(whole)]
        self.around = {id(item): id(scope) for scope in (whole, *(s for _, s in inner)) for item in scope.items}
        self.blocks = {_class_name(scope) for _, scope in inner if scope.block}
        heights = _heights([scope for _, scope in inner])
        for height in sorted({*heights.values()}):
            self.add([(item, scope) for item, scope in inner if heights[id(scope)] == height])

    def add(self, scopes: list[tuple[Item, Scope]]) -> None:
        """Give the items of scopes that stand within no others of these the expressions that make and call them."""
        groups: dict[Any, list[tuple[Item, Scope]]] = {}
        self.unite(scopes)
        for item, scope in scopes:
            item.called = called_with(len(scope.reads))
            if scope.chain() and scope.positional() and self.is_short(scope):
                item.made = Call(Name("nn.Sequential"), tuple(inner.made for inner in scope.items))
            else:
                groups.setdefault((scope.block, _skeleton(scope, self.signatures)), []).append((item, scope))
        for template, copies in _merged(groups):
            if template.chain() and template.positional() and not template.block and self.is_apart(copies):
                for copy in copies:
                    copy.item.made = Call(Name("nn.Sequential"), tuple(item.made for item in copy.scope.items))
            else:
                self.group(template, copies)

    def unite(self, scopes: list[tuple[Item, Scope]]) -> None:
        """Let scopes of a block that differ in what is read of them alone give all that is read of one."""
        alike: dict[Any, list[Scope]] = {}
        for _, scope in scopes:
            if scope.block:
                alike.setdefault((scope.block, _skeleton(scope, self.signatures)[0]), []).append(scope)
        for copies in alike.values():
            places = [
                {(at, n): value for at, item in enumerate(scope.items) for n, value in enumerate(item.gives)}
                for scope in copies
            ]
            given = [
                {place for place, value in own.items() if value in scope.gives}
                for own, scope in zip(places, copies, strict=True)
            ]
            if all(len(one) == len(scope.gives) for one, scope in zip(given, copies, strict=True)):
                for own, scope in zip(places, copies, strict=True):
                    scope.gives[:] = [own[place] for place in sorted(set().union(*given))]

    def is_apart(self, copies: list[Copy]) -> bool:
        """Say whether no scope has several of these, so that each can be written where it stands."""
        return len({self.around[id(copy.item)] for copy in copies}) == len(copies) and not any(
            c.missing for c in copies
        )

    def is_short(self, scope: Scope) -> bool:
        made = [inner.made for inner in scope.items]
        return len(collapsed(made)) <= INLINE or all(item.scope for item in scope.items)

    def group(self, scope: Scope, copies: list[Copy]) -> None:
        """Make one class of scopes with the same skeleton, but for items that some leave out."""
        rows = [copy.aligned(len(scope.items)) for copy in copies]
        holes = Holes(scope, [copy.scope for copy in copies], self.signatures.defaults)
        optional: dict[int, str] = {}
        handed = {at: place for copy in copies for at, place in copy.missing.items()}
        for at, item in enumerate(scope.items):
            there = [row[at] is not None for row in rows]
            if not all(there):
                optional[at] = holes.flag(item, there)
        made, called = [], []
        for at, item in enumerate(scope.items):
            column = [row[at] for row in rows]
            made.append(
                None
                if item.made is None
                else holes.merged(item, _unified([other and other.made for other in column], self.signatures))
            )
            trees = [None if other is None else other.called for other in column]
            called.append(changed(holes.merged(item, trees), holes.kept))
        holes.settle()
        name = self.named(scope)
        self.found.append(Class(name, scope, made, called, holes.arguments(), optional, handed))
        self.signatures.positional[name] = tuple(
            n for n, (_, default) in holes.arguments().items() if default is REQUIRED
        )
        for at, copy in enumerate(copies):
            copy.item.made = Call(Name(name), (), holes.given(at))
        self.signatures.defaults[name] = {name: default for name, (_, default) in holes.arguments().items()}

    def named(self, scope: Scope) -> str:
        """Return the name of a scope's class; one of a block has the block's, before all others."""
        name, number = _class_name(scope), 1
        free = name
        while free in self.names or is_taken(free) or (not scope.block and free in self.blocks):
            number += 1
            free = f"{name}{number}"
        self.names.add(free)
        return free


def _class_name(scope: Scope) -> str:
    word = scope.block or (scope.name if not scope.name.isdecimal() else "block")
    name = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", word)) or "Block"
    return name if is_name(name) else f"Block{name}"


def _skeleton(scope: Scope, signatures: Signatures) -> Any:
    """Return all of a scope but its settings."""
    values = {value: f"in{at}" for at, value in enumerate(scope.reads)}
    found: list[Any] = []
    for at, item in enumerate(scope.items):
        values |= {value: f"{at}.{n}" for n, value in enumerate(item.gives)}
        path = "" if item.stateless and not item.named else ".".join(item.module)
        head = item.made and changed(item.made, lambda part: _bare(part, signatures))
        found.append((path, head and _blank(head), _blank(item.called), tuple(values[v] for v in item.reads)))
    return tuple(found), tuple(values[value] for value in scope.gives)


def _bare(tree: Any, signatures: Signatures) -> Any:
    """Return a call without arguments that others may leave to their defaults."""
    return tree._replace(named=()) if isinstance(tree, Call) and line(tree.of) in signatures.defaults else tree


def _blank(tree: Any) -> str:
    return line(changed(tree, lambda part: Name("_") if isinstance(part, Literal) else part))


def _unified(trees: list[Any], signatures: Signatures) -> list[Any]:
    """Return expressions that make the same in all copies, with the same arguments, defaults as well."""
    there = [tree for tree in trees if tree is not None]
    if not isinstance(there[0], Call):
        return trees
    given = [_unified([tree and tree.given[at] for tree in trees], signatures) for at in range(len(there[0].given))]
    defaults = signatures.defaults.get(line(there[0].of), {})
    tables = [dict(tree.named) if tree else {} for tree in trees]
    names = [name for name in (*defaults, *dict(there[0].named)) if any(name in table for table in tables)]
    return [
        tree
        and Call(
            tree.of,
            tuple(column[at] for column in given),
            tuple((name, table[name] if name in table else Literal(defaults[name])) for name in dict.fromkeys(names)),
        )
        for at, (tree, table) in enumerate(zip(trees, tables, strict=True))
    ]


def _merged(groups: dict[Any, list[tuple[Item, Scope]]]) -> Iterator[tuple[Scope, list[Copy]]]:
    """Yield the copies of each class: those with the same skeleton, and those of the same block that leave items out."""
    found: list[tuple[str, Any, Scope, list[Copy]]] = []
    for (block, skeleton), copies in sorted(groups.items(), key=lambda pair: -len(pair[0][1][0])):
        for known, larger, template, others in found:
            missing = _left_out(larger, skeleton, template) if known == block != "" else None
            if missing:
                others += [Copy(item, scope, missing) for item, scope in copies]
                break
        else:
            found.append((block, skeleton, copies[0][1], [Copy(item, scope) for item, scope in copies]))
    yield from ((template, copies) for _, _, template, copies in found)


def _left_out(larger: Any, smaller: Any, template: Scope) -> dict[int, int] | None:
    """Return the items without which a skeleton is the smaller one, with the tensor that goes on; None where there are none."""
    less = len(larger[0]) - len(smaller[0])
    if not 1 <= less <= MOST_OPTIONAL:
        return None
    able = [(at, place) for at in range(len(template.items)) for place in _handed(template, at)]
    for pairs in combinations(able, less):
        missing = dict(pairs)
        if len(missing) == less and _without(larger, missing) == smaller:
            return missing
    return None


def _handed(scope: Scope, at: int) -> Iterator[int]:
    """Yield the places of the tensors that may go on in an item's stead: the one of a module, those that nothing else reads."""
    item = scope.items[at]
    if item.plain and not item.again and len(item.path) == 1 and is_name(item.path[0]):
        yield 0
    elif item.row and isinstance(item.row.node.layer, Add) and len(item.reads) == 2:  # noqa: PLR2004 -- a sum of two
        others = [value for other in scope.items if other is not item for value in other.reads]
        yield from (
            place for place, value in enumerate(item.reads) if value not in (*others, *scope.gives, *scope.reads)
        )


def _without(skeleton: Any, missing: Mapping[int, int]) -> Any:
    """Return a skeleton without items: what read them reads what they read."""
    items, gives = skeleton
    names: dict[str, str] = {}
    found: list[Any] = []
    for at, (path, made, called, reads) in enumerate(items):
        entering = tuple(names.get(value, value) for value in reads)
        if at in missing:
            names[f"{at}.0"] = entering[missing[at]]
            continue
        names |= {f"{at}.{n}": f"{len(found)}.{n}" for n in range(9)}
        found.append((path, made, called, entering))
    return tuple(found), tuple(names.get(value, value) for value in gives)


def _scopes(scope: Scope) -> Iterator[tuple[Item, Scope]]:
    for item in scope.items:
        if item.scope:
            yield item, item.scope
            yield from _scopes(item.scope)


def _heights(scopes: list[Scope]) -> dict[int, int]:
    """Return how many scopes stand within each other in each one, the same for all of a block, by identity."""
    found = {id(scope): 1 for scope in scopes}
    for _ in scopes:
        before, blocks = {**found}, dict[str, int]()
        for scope in reversed(scopes):  # the inner ones come later
            inner = [found[id(item.scope)] for item in scope.items if item.scope]
            found[id(scope)] = max(found[id(scope)], 1 + max(inner, default=0))
            blocks[scope.block] = max(blocks.get(scope.block, 0), found[id(scope)])
        found = {id(scope): blocks[scope.block] if scope.block else found[id(scope)] for scope in scopes}
        if found == before:
            break
    return found
