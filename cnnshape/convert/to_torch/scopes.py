"""A network -> its scopes, by the dots in its layers' names, with the expressions that make and call its modules.

In: a net that is right. Out: a scope of items in order of running: layers, and scopes whose layers run one after the other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.python import Call, Literal, Name, Part, Writer, changed
from cnnshape.network.module_names import module_names
from cnnshape.network.reused import reused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.convert.to_torch.signatures import Signatures
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport
    from cnnshape.network.reused import Path

MODULE: Final = "{module}"  # stands for a module in the expression that calls it
ENTERS: Final = "{{{}}}".format  # stands for what enters there
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
    def stateless(self) -> bool:
        layer: Any = self.row.node.layer if self.row else None
        return self.row is not None and not self.row.parameters and not layer.state(self.row.input_shapes[0])


class Scope:
    """A part of the net with a name of its own: items in order, what enters, and what it gives."""

    def __init__(self, name: str, block: str, items: list[Item]):
        self.name, self.block, self.items = name, block, items
        self.reads: list[int] = []
        self.gives: list[int] = []

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
        return numbered and not self.block and not self.chain()

    def positional(self) -> bool:
        """Say whether the modules of a chain are called as an nn.Sequential calls them, where that matters."""
        return all(item.path == (str(at),) for at, item in enumerate(self.items) if not item.stateless)


class Division:
    """The rows of a net taken apart by the names of their layers."""

    def __init__(self, net: Network, signatures: Signatures):
        self.signatures = signatures
        self.rows = net.check().layers
        self.called = apart(module_names(row.name for row in self.rows))
        self.names, self.again = reused(net, self.rows, self.called.values())
        self.modules = {again.module for again in self.again.values()}  # that are called again
        self.first = 1 + len(net.inputs)  # the value of the first node
        self.outputs = [*net.outputs.values()]
        self.used: dict[int, list[int]] = {}
        for at, row in enumerate(self.rows):
            for value in row.node.inputs:
                self.used.setdefault(value, []).append(at)

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
            if isinstance(item.made, Call) and layer.torch and item.made.named:
                self.signatures.add(item.made, layer)
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
        inside = {self.first + at for at in within}
        scope.reads = [*dict.fromkeys(v for at in within for v in self.rows[at].node.inputs if v not in inside)]
        outside = {*self.outputs, *(v for v in inside if any(at not in within for at in self.used.get(v, ())))}
        scope.gives = sorted(inside & outside) or [max(inside)]
        return scope

    def items(self, within: Sequence[int], depth: int, path: tuple[str, ...]) -> Iterator[tuple[int, Item]]:
        """Yield the steps of a scope, each with the node that it begins with."""
        deeper: dict[str, list[int]] = {}
        for at in within:
            if len(self.names[at]) == depth + 1:
                item = self.item((*path, self.names[at][depth]), self.rows[at])
                item.reads, item.gives = [*self.rows[at].node.inputs], [self.first + at]
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
        case Call(of=Part(of=Name(text="F"), name="pad"), named=named):
            usual = {"mode": "constant", "value": 0.0}
            kept = tuple((name, value) for name, value in named if not _usual(value, usual[name]))
            return tree._replace(named=kept)
    return tree


def _usual(value: Any, usual: Any) -> bool:
    return isinstance(value, Literal) and value.value in {usual, None}
