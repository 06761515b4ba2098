"""A network -> its scopes, by the dots in its layers' names, with the expressions that make and call its modules.

In: a net that is right. Out: a scope of items in order of running: layers, and scopes whose layers run one after the other.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.python import Binary, Call, Index, Kind, Literal, Name, Part, Sliced, Writer, changed, line
from cnnshape.layers.activation import Activation, Identity
from cnnshape.layers.pooling import MaxUnpool
from cnnshape.network.module_names import module_names
from cnnshape.network.reused import reused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cnnshape.convert.to_torch.signatures import Signatures
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport
    from cnnshape.network.reused import Path

MODULE: Final = "{module}"  # stands for a module in the expression that calls it
ENTERS: Final = "{{{}}}".format  # stands for what enters there
USUAL: Final[dict[str, dict[str, Any]]] = {
    "pad": {"mode": "constant", "value": 0.0},
    "interpolate": {"mode": "nearest"},
}
IN_SEQUENCE: Final = frozenset(["append", "extend", "insert", "pop", "keys", "values", "items", "update", "clear"])


class Item:
    """One step of a forward: a layer, or a scope with its own."""

    def __init__(self, path: tuple[str, ...], row: LayerReport | None, scope: Scope | None):
        self.path = path  # of its module, from the scope that it stands in
        self.row, self.scope = row, scope
        self.made: Any = None  # the expression that makes its module, None for a function
        self.called: Any = None  # the expression that calls it
        self.reads: list[int] = []
        self.gives: list[int] = []
        self.named = True  # the file gives its name
        self.module = path  # another's, where that is called again

    @property
    def again(self) -> bool:
        """Whether it calls the module of another step."""
        return self.module != self.path

    @property
    def plain(self) -> bool:
        """Whether it is a module that is called with one tensor."""
        if self.scope:
            return len(self.reads) == len(self.gives) == 1
        called = self.again or self.made is not None
        return called and self.called == called_with(1) and len(self.gives) == 1

    @property
    def bare(self) -> bool:
        """Whether it has a parameter, and no module."""
        layer: Any = self.row.node.layer if self.row else None
        return self.row is not None and "" in layer.state(self.row.input_shapes[0])

    @property
    def stateless(self) -> bool:
        layer: Any = self.row.node.layer if self.row else None
        return self.row is not None and not self.row.parameters and not layer.state(self.row.input_shapes[0])


class Scope:
    """A part of the net with a name of its own: items in order, what enters, and what it gives."""

    entering: Sequence[str] = ()  # the names of what enters, where these are known
    giving: Mapping[str, int] = MappingProxyType({})  # the values that it gives in a table, by name

    def __init__(self, name: str, block: str, items: list[Item]):
        self.name, self.block, self.items = name, block, items
        self.reads: list[int] = []
        self.gives: list[int] = []
        self.channels = self.leaving = 0  # of the first tensor that enters, and of the first that it gives

    def chain(self) -> bool:
        """Say whether each item is a module that takes what the one before gives."""
        before = self.reads
        for item in self.items:
            alone = item.plain and not item.again and len(item.path) == 1
            if not alone or item.reads != before or item.path[0] in IN_SEQUENCE:
                return False
            before = item.gives
        inner = [value for item in self.items[:-1] for value in item.gives]
        return len(self.reads) == 1 and before == self.gives and not {*inner} & {*self.gives}

    def is_list(self) -> bool:
        """Say whether its modules are numbered, and not called one after the other, as an nn.Sequential calls them."""
        numbered = {item.path[0] for item in self.items} == {str(at) for at in range(len(self.items))}
        if any(item.bare for item in self.items) and not all(item.bare for item in self.items):
            return False
        return numbered and not self.block and not self.chain()

    def positional(self) -> bool:
        """Say whether the modules of a chain are called as an nn.Sequential calls them, where that matters."""
        return all(item.path == (str(at),) for at, item in enumerate(self.items) if item.named or not item.stateless)


class Division:
    """The rows of a net taken apart by the names of their layers."""

    def __init__(self, net: Network, signatures: Signatures):
        self.signatures = signatures
        net = gathered(net)
        self.rows = net.check().layers
        self.called = apart(module_names(row.name for row in self.rows))
        self.names, self.again = reused(net, self.rows, self.called.values())
        self.modules = {again.module for again in self.again.values()}  # that are called again
        self.first = 1 + len(net.inputs)  # the value of the first node
        self.entering, self.outputs = [*net.inputs], net.outputs
        self.shapes = [*net.inputs.values()]
        self.reads = [[*row.node.inputs] for row in self.rows]
        self.gives = [[self.first + at] for at in range(len(self.rows))]
        self.found = {} if self.again else self.indices()
        self.used: dict[int, list[int]] = {}
        for at, reads in enumerate(self.reads):
            for value in reads:
                self.used.setdefault(value, []).append(at)

    def channels(self, value: int) -> int:
        value = abs(value)
        shape: Any = self.shapes[value - 1] if value < self.first else self.rows[value - self.first].output
        return shape[0] if shape else 0

    def indices(self) -> dict[int, int]:
        """Let the max_pools give their indices to the max_unpools that need them; return the pool of each."""
        found: dict[int, int] = {}
        for at, row in enumerate(self.rows):
            layer: Any = row.node.layer
            if not isinstance(layer, MaxUnpool):
                continue
            for pool, other in enumerate(self.rows[:at]):
                if other.node.layer == layer.indices and other.node.inputs[0] == row.node.inputs[1]:
                    found[at] = pool
                    self.gives[pool] = [self.first + pool, -self.first - pool]
                    kept = [] if layer.output_size == "default" else [row.node.inputs[1]]
                    self.reads[at] = [row.node.inputs[0], -self.first - pool, *kept]
        return found

    def whole(self) -> Scope:
        """Return the whole net as a scope. An identity that does nothing but name an output is no step of it."""
        scope = self.scope(range(len(self.rows)), 0, "")
        named = {
            self.first + at: row.node.inputs[0]
            for at, row in enumerate(self.rows)
            if isinstance(row.node.layer, Identity) and len(self.outputs) > 1 and not self.used.get(self.first + at)
        }
        given = {name: named.get(value, value) for name, value in self.outputs.items()}
        scope.items = [item for item in scope.items if not {*item.gives} & {*named} & {*self.outputs.values()}]
        scope.reads, scope.gives = [*range(1, self.first)], [*dict.fromkeys(given.values())]
        scope.entering = [] if self.entering == ["input"] else self.entering
        scope.giving = given if given != self.outputs else {}
        return scope

    def item(self, path: tuple[str, ...], row: LayerReport) -> Item:
        """Return a layer as a step of a forward."""
        item = Item(path, row, None)
        layer: Any = row.node.layer
        shapes: Any = row.inputs
        made = layer.construct(Writer(Name("torch")), Writer(Name("parts")), *shapes)
        tensors = [Writer(Name(ENTERS(at)), (1, *shape)) for at, shape in enumerate(shapes)]
        result = layer.apply(Writer(Name("torch")), Writer(Name("parts")), made and Writer(Name(MODULE)), *tensors)
        item.called = changed(result._tree, _short)  # noqa: SLF001 -- what was written
        if made is not None:
            item.made = changed(made._tree, _short)  # noqa: SLF001 -- the same
            if layer.torch:
                self.signatures.add(item.made, layer)
            if isinstance(layer, Activation) and item.made == Call(item.made.of):
                item.made = Call(Literal(Kind(line(item.made.of))))
            if row.node.frozen:
                item.made = Call(Part(item.made, "requires_grad_"), (Literal(value=False),))
        last = row.name.rpartition(".")[2]
        item.named = "name" in row.node.keys or not re.fullmatch(rf"{row.node.type}\d+", last)
        return item

    def scope(self, within: Sequence[int], depth: int, name: str) -> Scope:
        node = self.rows[within[0]].node
        block = node.blocks[depth - 1] if 0 < depth <= len(node.blocks) else ""
        items = [item for _, item in sorted(self.items(within, depth, ()), key=lambda pair: pair[0])]
        copies = block in _blocks(items)  # of a repeat, whose parts are all of one block
        scope = Scope(name, "" if copies else block, items)
        inside = {value for at in within for value in self.gives[at]}
        scope.reads = [*dict.fromkeys(v for at in within for v in self.reads[at] if v not in inside)]
        outside = {*self.outputs.values(), *(v for v in inside if any(at not in within for at in self.used.get(v, ())))}
        scope.gives = sorted(inside & outside, key=lambda value: (abs(value), -value)) or [max(inside)]
        scope.channels, scope.leaving = self.channels(scope.reads[0]), self.channels(scope.gives[0])
        return scope

    def items(self, within: Sequence[int], depth: int, path: tuple[str, ...]) -> Iterator[tuple[int, Item]]:
        """Yield the steps of a scope, each with the node that it begins with."""
        deeper: dict[str, list[int]] = {}
        for at in within:
            if len(self.names[at]) == depth + 1:
                item = self.item((*path, self.names[at][depth]), self.rows[at])
                item.reads, item.gives = [*self.reads[at]], [*self.gives[at]]
                self.unpooled(item, at)
                yield at, self.called_again(item, self.names[at])
            else:
                deeper.setdefault(self.names[at][depth], []).append(at)
        for part, nodes in deeper.items():
            title = self.names[nodes[0]][: depth + 1]
            if title in self.again:
                yield nodes[0], self.called_again(Item((*path, part), None, None), title)
            elif nodes[-1] - nodes[0] + 1 == len(nodes):
                scope = self.scope(nodes, depth + 1, part)
                if scope.is_list() and title not in self.modules:
                    yield from self.items(nodes, depth + 1, (*path, part))
                    continue
                item = Item((*path, part), None, scope)
                item.reads, item.gives = scope.reads, scope.gives
                yield nodes[0], item
            else:  # other layers run in between
                yield from self.items(nodes, depth + 1, (*path, part))

    def unpooled(self, item: Item, at: int) -> None:
        """Write a max_pool that gives its indices, and the max_unpool that reads them, as modules."""
        if len(item.gives) > 1:
            item.made = item.made._replace(named=(*item.made.named, ("return_indices", Literal(value=True))))
        elif at in self.found:
            layer: Any = self.rows[at].node.layer
            pooled: Any = self.rows[at].input_shapes[0]
            made = layer.bare(Writer(Name("torch")), len(pooled) - 1)
            item.made = changed(made._tree, _short)  # noqa: SLF001 -- what was written
            sides = Index(Part(Name(ENTERS(2)), "shape"), Sliced(Literal(2), None, None))
            named = () if layer.output_size == "default" else (("output_size", sides),)
            item.called = Call(Name(MODULE), (Name(ENTERS(0)), Name(ENTERS(1))), named)

    def called_again(self, item: Item, title: Path) -> Item:
        """Return a step as a call of a module that was called before, where it is one."""
        again = self.again.get(title)
        if again is None:
            return item
        item.module, item.made = (*item.path[:-1], again.module[-1]), None
        if item.row is None:
            first = self.scope(again.first, len(again.module), "")
            between = again.rows.start - again.first.start
            enters = {
                value: value_again
                for here, there in zip(again.first, again.rows, strict=True)
                for value, value_again in zip(self.rows[here].node.inputs, self.rows[there].node.inputs, strict=True)
            }
            item.reads = [enters[value] for value in first.reads]
            item.gives = [value + between for value in first.gives]
            item.called = called_with(len(first.reads))
        return item


def called_with(reads: int) -> Call:
    """Return the call of a module with so many tensors."""
    return Call(Name(MODULE), tuple(Name(ENTERS(at)) for at in range(reads)))


def gathered(net: Network) -> Network:
    """Return a net whose scopes are not interrupted by layers that may as well run before or behind them.

    Not where weights are shared: layers of a scope that is called again may have names of the first call's scope.
    """
    if any(node.shares for node in net.nodes):
        return net
    names = [tuple(node.name.split(".")) for node in net.nodes]
    first = 1 + len(net.inputs)
    needs = [{value - first for value in node.inputs if value >= first} for node in net.nodes]
    lists = _lists(names)
    within = [tuple(name[:depth] for depth in range(1, len(name)) if name[:depth] not in lists) for name in names]
    order = _with_others_before(_with_own_next([*range(len(names))], within, needs), within, needs)
    if order == sorted(order):
        return net
    moved = {value: value for value in range(first)} | {first + at: first + i for i, at in enumerate(order)}
    nodes = [net.nodes[at] for at in order]
    return net._replace(
        nodes=tuple(node._replace(inputs=tuple(moved[value] for value in node.inputs)) for node in nodes),
        outputs={name: moved[value] for name, value in net.outputs.items()},
        expectations=(),
        claims=(),
    )


def _lists(names: Sequence[Path]) -> set[Path]:
    """Return the scopes whose modules are numbered, and run with others in between: lists, which stay as they are."""
    members: dict[Path, list[int]] = {}
    for at, name in enumerate(names):
        for depth in range(1, len(name)):
            members.setdefault(name[:depth], []).append(at)
    return {
        scope
        for scope, own in members.items()
        if own[-1] - own[0] + 1 > len(own) and all(names[at][len(scope)].isdecimal() for at in own)
    }


def _with_own_next(order: list[int], within: Sequence[Sequence[Path]], needs: Sequence[set[int]]) -> list[int]:
    """Return an order in which layers stand next to those of their scope, where these are all that they need."""
    found: list[int] = []
    latest: dict[Path, int] = {}  # the last layer of each scope so far
    for at in order:
        scope = next((scope for scope in reversed(within[at]) if scope in latest), ())
        place = found.index(latest[scope]) + 1 if scope and scope not in within[found[-1]] else len(found)
        if not needs[at].isdisjoint(found[place:]):
            place = len(found)
        found.insert(place, at)
        latest |= dict.fromkeys(within[at], at)
    return found


def _with_others_before(order: list[int], within: Sequence[Sequence[Path]], needs: Sequence[set[int]]) -> list[int]:
    """Return an order in which layers that would stand within a scope of others stand before it, where they need none of it."""
    last = {scope: place for place, at in enumerate(order) for scope in within[at]}
    found: list[int] = []
    for now, at in enumerate(order):
        around = within[found[-1]] if found else ()
        scope = next((one for one in around if one not in within[at] and last[one] > now), None)
        place = len(found)
        if scope:
            start = next(i for i, other in enumerate(found) if scope in within[other])
            place = start if needs[at].isdisjoint(found[start:]) else place
        found.insert(place, at)
    return found


def apart(called: dict[str, str]) -> dict[str, str]:
    """Return names of which none is that of a scope and of a layer: beside a layer `stem` the scope of `stem.pad` is `stem_`."""
    layers = {*called.values()}
    taken = {".".join(name.split(".")[:end]) for name in layers for end in range(1, name.count(".") + 2)}
    found = {}
    for name, title in called.items():
        parts, whole = list[str](), ""
        for part in title.split(".")[:-1]:
            whole = f"{whole}.{part}" if whole else part
            new = part
            while whole in layers and ".".join([*parts, new]) in taken:
                new += "_"
            parts.append(new)
        found[name] = ".".join([*parts, title.rpartition(".")[2]])
    return found


def _blocks(items: Iterable[Item]) -> set[str]:
    """Return the blocks of the scopes among items, and within them."""
    inner = [item.scope for item in items if item.scope]
    return {scope.block for scope in inner}.union(*(_blocks(scope.items) for scope in inner))


def _short(tree: Any) -> Any:
    """Return an expression with torch's usual short names, and without arguments that say what is so anyway."""
    match tree:
        case Part(of=Name(text="torch"), name="nn"):
            return Name("nn")
        case Part(of=Name(text="nn"), name="functional"):
            return Name("F")
        case Part(of=Name(text="parts"), name=name):
            return Name(name)
        case Call(of=Part(of=Name(text="F"), name=name), named=named):
            usual = USUAL.get(name, {})
            kept = tuple((name, value) for name, value in named if not _usual(value, usual.get(name)))
            return tree._replace(named=kept)
        case Call(
            of=Part(of=Name(text="torch"), name=how), given=(x,), named=(("dim", Literal(dims)), ("keepdim", keeps))
        ):
            axes = Literal(dims[0]) if isinstance(dims, tuple) and len(dims) == 1 else Literal(dims)
            return Call(Part(x, how), (axes,), (("keepdim", keeps),) if keeps.value else ())
        case Binary(sign="-", one=Binary(sign="*", one=Binary(sign="//", one=above), other=times), other=side):
            if above == Binary("-", Binary("+", side, times), Literal(1)):  # up to the next multiple
                return Binary("%", Binary("-", Literal(0), side), times)
        case Call(
            of=Part(of=Name(text="nn"), name="LayerNorm" | "RMSNorm"),
            named=(("normalized_shape", Literal(value=(size,))), *_),
        ):
            return tree._replace(named=(("normalized_shape", Literal(size)), *tree.named[1:]))
        case Call(of=Part(of=Name(text="nn"), name=name), named=named) if "Pool" in name:
            given = dict(named)
            if given.get("stride") == given.get("kernel_size"):
                return tree._replace(named=tuple(pair for pair in named if pair[0] != "stride"))
    return tree


def _usual(value: Any, usual: Any) -> bool:
    return value in {Literal(usual), Literal(None)}
