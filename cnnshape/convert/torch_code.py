"""A network -> the code of an nn.Module that runs without cnnshape, as a person would write it.

The scopes of the net, the parts of its layers' names, become modules: a chain is an nn.Sequential; scopes that are alike, but
for numbers, are one class with the numbers as arguments; the copies of a repeat are copies. Modules are called as the file calls
its layers, so that the tensors have the names that cnnshape.build gives them, and a checkpoint that fits the file loads.
"""

from __future__ import annotations

import builtins
import keyword
import re
from ast import ClassDef, FunctionDef, get_source_segment, parse
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.parts import SOURCE
from cnnshape.convert.python import (
    INDENT,
    WIDTH,
    Binary,
    Call,
    Copies,
    Index,
    Keyed,
    Listed,
    Literal,
    Name,
    Part,
    Writer,
    arguments,
    changed,
    line,
    parts_of,
    put,
    statement,
)
from cnnshape.layers.parameters import Inferred
from cnnshape.network.module_names import module_names
from cnnshape.problems.base import ArchitectureError, errors
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport

MODULE: Final = "{module}"  # stands for a module in the expression that calls it
ENTERS: Final = "{{{}}}".format  # stands for what enters there
NESTED: Final = 3  # calls within calls on a line
INLINE: Final = 4  # modules of a chain that needs no class
IN_SEQUENCE: Final = frozenset(["append", "extend", "insert", "pop", "keys", "values", "items", "update", "clear"])
SHORTEST: Final = 60  # characters of a call that may stand within another
SHORT: Final = ("x", "y", "z")  # variables


class Hole(NamedTuple):
    """A setting that differs between the copies of a class, by its number."""

    number: int


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

    @property
    def plain(self) -> bool:
        """Whether it is a module that is called with one tensor."""
        return self.made is not None and self.called == Call(Name(MODULE), (Name(ENTERS(0)),)) and len(self.gives) == 1

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
            if not item.plain or item.reads != before or len(item.path) > 1 or item.path[0] in IN_SEQUENCE:
                return False
            before = item.gives
        inner = [value for item in self.items[:-1] for value in item.gives]
        return len(self.reads) == 1 and before == self.gives and not {*inner} & {*self.gives}

    def positional(self) -> bool:
        """Say whether the modules of a chain are called as an nn.Sequential calls them, where that matters."""
        return all(item.path == (str(at),) for at, item in enumerate(self.items) if not item.stateless)


# Layers as expressions


class Parts:
    """Code in the making: which modules of ours it needs, and which arguments of a module need no name."""

    def __init__(self) -> None:
        self.positional: dict[str, tuple[str, ...]] = {}
        self.defaults: dict[str, dict[str, Any]] = {}  # of the arguments of each class, REQUIRED for one without

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
                required = tuple(name for name, p in layer.parameters.items() if p.required or isinstance(p, Inferred))
                self.positional.setdefault(line(item.made.of), required or ("p",))
                self.defaults.setdefault(line(item.made.of), {n: _default_of(p) for n, p in layer.parameters.items()})
            if row.node.frozen:
                item.made = Call(Part(item.made, "requires_grad_"), (Literal(value=False),))
        last = row.name.rpartition(".")[2]
        item.named = "name" in row.node.keys or not re.fullmatch(rf"{row.node.type}\d+", last)
        return item


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


# The tree of scopes


class Tree:
    """Takes the rows of a net apart by the names of their layers."""

    def __init__(self, net: Network, parts: Parts):
        self.net, self.parts = net, parts
        self.rows = net.check().layers
        self.called = module_names(row.name for row in self.rows)
        self.names = [self.called[row.name].split(".") for row in self.rows]
        self.first = 1 + len(net.inputs)  # the value of the first node
        self.outputs = [*net.outputs.values()]
        self.used: dict[int, list[int]] = {}
        for at, row in enumerate(self.rows):
            for value in row.node.inputs:
                self.used.setdefault(value, []).append(at)

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
                item = self.parts.item((*path, self.names[at][depth]), self.rows[at])
                item.reads, item.gives = [*self.rows[at].node.inputs], [self.first + at]
                yield at, item
            else:
                deeper.setdefault(self.names[at][depth], []).append(at)
        for part, nodes in deeper.items():
            if nodes[-1] - nodes[0] + 1 == len(nodes):
                scope = self.scope(nodes, depth + 1, part)
                item = Item((*path, part), None, scope)
                item.reads, item.gives = scope.reads, scope.gives
                yield nodes[0], item
            else:  # other layers run in between
                yield from self.items(nodes, depth + 1, (*path, part))


def _blocks(items: Iterable[Item]) -> set[str]:
    """Return the blocks of the scopes among items, and within them."""
    inner = [item.scope for item in items if item.scope]
    return {scope.block for scope in inner}.union(*(_blocks(scope.items) for scope in inner))


# Classes


class Class(NamedTuple):
    """A class of scopes that are alike: the expressions of its items have holes where the copies differ."""

    name: str
    scope: Scope  # one of them
    made: list[Any]  # for each item, with the arguments' names for holes
    called: list[Any]
    arguments: dict[str, tuple[str, Any]]  # by name: the type, and the default, or REQUIRED
    optional: dict[int, str] = {}  # noqa: RUF012 -- the items that some copies leave out, with the argument that says so


class Copy(NamedTuple):
    """A scope of a class, and the items of the class that it leaves out."""

    item: Item
    scope: Scope
    missing: frozenset[int] = frozenset()

    def aligned(self, count: int) -> list[Item | None]:
        """Return an item for each of the class, None for one that is left out."""
        items = iter(self.scope.items)
        return [None if at in self.missing else next(items) for at in range(count)]


REQUIRED: Final = object()
ANY: Final = object()  # the setting of an item that a copy leaves out
CHANNELS: Final = frozenset(["in_channels", "out_channels", "num_features", "in_features", "out_features", "groups"])


class Classes:
    """Finds the classes of all scopes, the innermost first."""

    def __init__(self, parts: Parts):
        self.parts = parts
        self.found: list[Class] = []
        self.names: set[str] = {"Net"}

    def add(self, scopes: list[tuple[Item, Scope]]) -> None:
        """Give the items of scopes that stand within no others of these the expressions that make and call them."""
        groups: dict[Any, list[tuple[Item, Scope]]] = {}
        for item, scope in scopes:
            item.called = Call(Name(MODULE), tuple(Name(ENTERS(at)) for at in range(len(scope.reads))))
            if scope.chain() and scope.positional() and self.is_short(scope):
                item.made = Call(Name("nn.Sequential"), tuple(inner.made for inner in scope.items))
            else:
                groups.setdefault((scope.block, _skeleton(scope, self.parts)), []).append((item, scope))
        for template, copies in _merged(groups):
            self.group(template, copies)

    def is_short(self, scope: Scope) -> bool:
        made = [inner.made for inner in scope.items]
        return len(_collapsed(made)) <= INLINE or all(item.scope for item in scope.items)

    def group(self, scope: Scope, copies: list[Copy]) -> None:
        """Make one class of scopes with the same skeleton, but for items that some leave out."""
        rows = [copy.aligned(len(scope.items)) for copy in copies]
        holes = Holes(len(copies))
        optional: dict[int, str] = {}
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
                else holes.merged(item, _unified([other and other.made for other in column], self.parts))
            )
            trees = [None if other is None else other.called for other in column]
            called.append(changed(holes.merged(item, trees), holes.kept))
        name = self.named(scope)
        self.found.append(Class(name, scope, made, called, holes.arguments(), optional))
        self.parts.positional[name] = tuple(n for n, (_, default) in holes.arguments().items() if default is REQUIRED)
        for at, copy in enumerate(copies):
            copy.item.made = Call(Name(name), (), holes.given(at))
        self.parts.defaults[name] = {name: default for name, (_, default) in holes.arguments().items()}

    def named(self, scope: Scope) -> str:
        word = scope.block or (scope.name if not scope.name.isdecimal() else "block")
        name = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W|_", word)) or "Block"
        name = name if name.isidentifier() and not keyword.iskeyword(name) else f"Block{name}"
        number, free = 1, name
        while free in self.names or hasattr(builtins, free) or free in TAKEN:
            number += 1
            free = f"{name}{number}"
        self.names.add(free)
        return free


TAKEN: Final = frozenset(["Scale", "Bias", "Attention", "Opaque", "Requirement", "OrderedDict", "F", "Tensor"])


class Holes:
    """The settings of copies of a class: those that are the same everywhere, and those that become arguments."""

    def __init__(self, copies: int):
        self.copies = copies
        self.vectors: dict[str, list[Any]] = {}  # by argument
        self.defaults: dict[str, Any] = {}

    def merged(self, item: Item, trees: list[Any]) -> Any:
        """Return the expression of all copies, with names for the settings that differ; None for a copy without it."""
        one = next(tree for tree in trees if tree is not None)
        names = [name for name, _ in _named_leaves(one)]
        columns = [[ANY] * len(names) if tree is None else [*map(_value, _named_leaves(tree))] for tree in trees]
        vectors = zip(*columns, strict=True)
        filled = iter([self.filled(item, name, [*vector]) for name, vector in zip(names, vectors, strict=True)])
        return _with_leaves(one, filled)

    def flag(self, item: Item, there: list[bool]) -> str:
        """Return the argument that says whether a copy has an item."""
        name = re.sub(r"\W", "_", item.path[-1])
        name = (
            name if name.isidentifier() and not keyword.iskeyword(name) and name not in self.vectors else f"with_{name}"
        )
        self.vectors[name], self.defaults[name] = [*there], False
        return name

    def filled(self, item: Item, name: str, vector: list[Any]) -> Any:
        name = _parameter(item, name, vector)
        known_values = [value for value in vector if value is not ANY]
        if all(type(value) is type(known_values[0]) and value == known_values[0] for value in known_values):
            return Literal(known_values[0])
        for known, other in self.vectors.items():
            if all(a is ANY or (type(a) is type(b) and a == b) for a, b in zip(vector, other, strict=True)):
                return Name(known)
        if name in CHANNELS:
            for known, other in self.vectors.items():
                factor = _factor(other, vector) if _base(known) in CHANNELS or known == "width" else None
                if factor:
                    return Binary("*", Literal(factor), Name(known))
        called = _written(item, name) or name
        if called in self.vectors or called in {"self", "x"} or keyword.iskeyword(called):
            called = f"{re.sub(r'[^a-zA-Z0-9]', '_', item.path[-1])}_{name}"
            called = called if called.isidentifier() else f"layer{called}"
        while called in self.vectors:
            called += "_"
        default = _default(item, name)
        if ANY in vector:
            default = known_values[0]
        self.vectors[called] = [default if value is ANY else value for value in vector]
        if default in known_values:
            self.defaults[called] = default
        return Name(called)

    def kept(self, part: Any) -> Any:
        """Return an argument as a forward has it: kept by the module."""
        return Part(Name("self"), part.text) if isinstance(part, Name) and part.text in self.vectors else part

    def arguments(self) -> dict[str, tuple[str, Any]]:
        required = {n: (_type(v), REQUIRED) for n, v in self.vectors.items() if n not in self.defaults}
        return required | {n: (_type(self.vectors[n]), default) for n, default in self.defaults.items()}

    def given(self, copy: int) -> tuple[tuple[str, Any], ...]:
        """Return the arguments of one copy by name."""
        values = {name: self.vectors[name][copy] for name in self.arguments()}
        return tuple((n, Literal(v)) for n, v in values.items() if n not in self.defaults or v != self.defaults[n])


def _base(name: str) -> str:
    return next((channels for channels in CHANNELS if name.endswith(channels)), name)


def _factor(one: list[Any], other: list[Any]) -> int:
    """Return the number, 2 or more, by which all of one are the other, 0 where there is none."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if b is not ANY]
    one, other = [a for a, _ in pairs], [b for _, b in pairs]
    if any(type(value) is not int for value in (*one, *other)) or len({*one}) < 2 or other[0] % one[0]:  # noqa: PLR2004
        return 0
    factor = other[0] // one[0]
    return factor if factor > 1 and all(b == factor * a for a, b in zip(one, other, strict=True)) else 0


def _written(item: Item, name: str) -> str:
    """Return the argument that the file has for a setting, where it is one, and nothing else."""
    place = item.row.node.place if item.row else None
    text = value_at(place.source.data, (*place.path, name)) if place else None
    return text if isinstance(text, str) and text.isidentifier() and not keyword.iskeyword(text) else ""


def _default(item: Item, name: str) -> Any:
    if item.row is None:
        return REQUIRED
    parameter = item.row.node.layer.parameters.get(name)  # type: ignore[union-attr]  # the net is right
    return REQUIRED if parameter is None else _default_of(parameter)


def _default_of(parameter: Any) -> Any:
    return REQUIRED if parameter.required or isinstance(parameter, Inferred) else parameter.default


def _type(vector: list[Any]) -> str:
    kinds = {"tuple[int, ...]" if isinstance(v, tuple) else "type[nn.Module]" if isinstance(v, Raw) else type(v).__name__
             for v in vector}  # fmt: skip
    return " | ".join(sorted(kinds, key=lambda kind: (kind == "NoneType", kind))).replace("NoneType", "None")


class Raw(str):
    """A class of modules as a setting: printed as it is."""

    __slots__ = ()


def _skeleton(scope: Scope, parts: Parts) -> Any:
    """Return all of a scope but its settings."""
    values = {value: f"in{at}" for at, value in enumerate(scope.reads)}
    found: list[Any] = []
    for at, item in enumerate(scope.items):
        values |= {value: f"{at}.{n}" for n, value in enumerate(item.gives)}
        path = "" if item.stateless and not item.named else ".".join(item.path)
        head = item.made and changed(item.made, lambda part: _bare(part, parts))
        found.append((path, head and _blank(head), _blank(item.called), tuple(values[v] for v in item.reads)))
    return tuple(found), tuple(values[value] for value in scope.gives)


def _bare(tree: Any, parts: Parts) -> Any:
    """Return a call without arguments that others may leave to their defaults."""
    return tree._replace(named=()) if isinstance(tree, Call) and line(tree.of) in parts.defaults else tree


def _blank(tree: Any) -> str:
    return line(changed(tree, lambda part: Name("_") if isinstance(part, Literal) else part))


def _unified(trees: list[Any], parts: Parts) -> list[Any]:
    """Return expressions that make the same in all copies, with the same arguments, defaults as well."""
    there = [tree for tree in trees if tree is not None]
    if not isinstance(there[0], Call):
        return trees
    given = [_unified([tree and tree.given[at] for tree in trees], parts) for at in range(len(there[0].given))]
    defaults = parts.defaults.get(line(there[0].of), {})
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


def _parameter(item: Item, name: str, vector: list[Any]) -> str:
    """Return the name of the setting that a value without a name is, where the layer has one of this value."""
    if name != "value" or item.row is None:
        return name
    layer: Any = item.row.node.layer
    return next((n for n in layer.parameters if getattr(layer, n) in vector and type(getattr(layer, n)) is int), name)


def _merged(groups: dict[Any, list[tuple[Item, Scope]]]) -> Iterator[tuple[Scope, list[Copy]]]:
    """Yield the copies of each class: those with the same skeleton, and those of the same block that leave items out."""
    found: list[tuple[str, Any, Scope, list[Copy]]] = []
    for (block, skeleton), copies in sorted(groups.items(), key=lambda pair: -len(pair[0][1][0])):
        for known, larger, template, others in found:
            missing = _left_out(larger, skeleton, template) if known == block else None
            if missing:
                others += [Copy(item, scope, missing) for item, scope in copies]
                break
        else:
            found.append((block, skeleton, copies[0][1], [Copy(item, scope) for item, scope in copies]))
    yield from ((template, copies) for _, _, template, copies in found)


def _left_out(larger: Any, smaller: Any, template: Scope) -> frozenset[int] | None:
    """Return the items without which a skeleton is the smaller one; None where there are none."""
    less = len(larger[0]) - len(smaller[0])
    able = [at for at, item in enumerate(template.items) if item.plain and len(item.reads) == 1 and item.path[0]]
    if not 1 <= less <= 2:  # noqa: PLR2004 -- more are another block
        return None
    for missing in combinations(able, less):
        if _without(larger, missing) == smaller:
            return frozenset(missing)
    return None


def _without(skeleton: Any, missing: tuple[int, ...]) -> Any:
    """Return a skeleton without items: what read them reads what they read."""
    items, gives = skeleton
    names: dict[str, str] = {}
    found: list[Any] = []
    for at, (path, made, called, reads) in enumerate(items):
        entering = tuple(names.get(value, value) for value in reads)
        if at in missing:
            names[f"{at}.0"] = entering[0]
            continue
        names |= {f"{at}.{n}": f"{len(found)}.{n}" for n in range(9)}
        found.append((path, made, called, entering))
    return tuple(found), tuple(names.get(value, value) for value in gives)


def _named_leaves(tree: Any, name: str = "value") -> Iterator[tuple[str, Literal]]:
    if isinstance(tree, Literal):
        yield name, tree
    elif isinstance(tree, Call):
        yield from _named_leaves(tree.of, name)
        for part in tree.given:
            yield from _named_leaves(part, name)
        for called, part in tree.named:
            yield from _named_leaves(part, called)
    else:
        for part in parts_of(tree):
            yield from _named_leaves(part, name)


def _value(named: tuple[str, Literal]) -> Any:
    return named[1].value


def _with_leaves(tree: Any, filled: Iterator[Any]) -> Any:
    """Return an expression with others in place of its settings, in their order."""
    return changed(tree, lambda part: next(filled) if isinstance(part, Literal) else part)


def _collapsed(entries: Iterable[Any]) -> list[Any]:
    """Return expressions with equal neighbours as copies."""
    found: list[Any] = []
    for entry in entries:
        last = found[-1] if found else None
        if isinstance(last, Copies) and last.entry == entry:
            found[-1] = Copies(entry, last.times + 1)
        elif last == entry and isinstance(entry, Call):
            found[-1] = Copies(entry, 2)
        else:
            found.append(entry)
    return found


def _is_default(tree: Any, default: Any) -> bool:
    return isinstance(tree, Literal) and type(tree.value) is type(default) and tree.value == default


# Printing


class Printer:
    """Prints classes."""

    def __init__(self, parts: Parts):
        self.parts = parts

    def spelled(self, tree: Any) -> Any:
        """Return an expression as people write it: arguments without names where these are plain, copies as copies."""
        return changed(tree, self.spell)

    def spell(self, tree: Any) -> Any:
        if not isinstance(tree, Call):
            return tree
        defaults = self.parts.defaults.get(line(tree.of), {})
        tree = tree._replace(
            named=tuple((n, v) for n, v in tree.named if not _is_default(v, defaults.get(n, REQUIRED)))
        )
        if tree.named and not tree.given:
            usual, count = self.parts.positional.get(line(tree.of), ()), 0
            while count < min(len(usual), len(tree.named)) and tree.named[count][0] == usual[count]:
                count += 1
            tree = Call(tree.of, tuple(value for _, value in tree.named[:count]), tree.named[count:])
        return tree._replace(given=tuple(_collapsed(tree.given)))

    def klass(self, made: Class, doc: str, ties: Sequence[str] = ()) -> list[str]:
        """Print a class."""
        chain = made.scope.chain() and not ties and not made.optional
        base = "nn.Sequential" if chain else "nn.Module"
        signature = [f"{n}: {kind}" + ("" if default is REQUIRED else f" = {line(Literal(default))}")
                     for n, (kind, default) in made.arguments.items()]  # fmt: skip
        lines = [f"class {made.name}({base}):", f'{INDENT}"""{doc}"""', ""]
        lines += _definition("__init__", signature, "None")
        if chain:
            return lines + self.sequence(made)
        lines.append(f"{INDENT * 2}super().__init__()")
        attributes, statements = self.attributes(made)
        read = {
            part.name
            for tree in made.called
            for part in _all(tree)
            if isinstance(part, Part) and part.of == Name("self")
        }
        kept = [f"{INDENT * 2}self.{name} = {name}" for name in made.arguments if name in read]
        lines += [*kept, *statements, *ties, ""]
        return lines + Forward(self, made, attributes).lines()

    def sequence(self, made: Class) -> list[str]:
        """Print the call by which an nn.Sequential takes its modules."""
        scope, trees = made.scope, [self.spelled(tree) for tree in made.made]
        if scope.positional():
            return statement("", Call(Name("super().__init__"), tuple(_collapsed(trees))), 2)
        names = _free_names(scope)
        if all(name.isidentifier() and not keyword.iskeyword(name) for name in names):
            table = Call(Name("OrderedDict"), (), tuple(zip(names, trees, strict=True)))
        else:
            pairs = tuple(Listed((Literal(name), tree)) for name, tree in zip(names, trees, strict=True))
            table = Call(Name("OrderedDict"), (Listed(pairs, "[]"),))
        return statement("", Call(Name("super().__init__"), (table,)), 2)

    def attributes(self, made: Class) -> tuple[list[Any], list[str]]:
        """Return the expression of each item's module, and the statements that make them."""
        found: list[Any] = []
        lines: list[str] = []
        taken: dict[str, str] = {}
        names = _free_names(made.scope)
        containers: dict[str, dict[str, Any]] = {}
        for item, tree, own in zip(made.scope.items, made.made, names, strict=True):
            name = own
            if tree is None:
                found.append(None)
                continue
            spelled = self.spelled(tree)
            if len(item.path) > 1:
                table = containers.setdefault(item.path[0], {})
                for part in item.path[1:-1]:
                    table = table.setdefault(part, {})
                table[item.path[-1]] = spelled
                found.append(item.path)
                continue
            if item.stateless and not item.named:
                name = taken.setdefault(f"{item.row.node.type} {line(spelled)}", name)  # type: ignore[union-attr]
            plain = name.isidentifier() and not keyword.iskeyword(name)
            found.append(Part(Name("self"), name) if plain else Call(Name("getattr"), (Name("self"), Literal(name))))
            if found[-1] in found[:-1]:
                continue
            if _of_file(item) not in {"", name}:
                lines.append(f"{INDENT * 2}# {_of_file(item)} in the file: an nn.Module has that name itself")
            flag = made.optional.get(len(found) - 1)
            if flag:
                lines += _made(name, Call(Name("nn.Identity")), plain, 2)
                lines.append(f"{INDENT * 2}if {flag}:")
            lines += _made(name, spelled, plain, 2 + bool(flag))
        for name, table in containers.items():
            lines += statement(f"self.{name} = ", _container(table), 2)
        return [
            _reference(way, containers) if isinstance(way, tuple) and not isinstance(way, Part | Call) else way
            for way in found
        ], lines


def _made(name: str, tree: Any, plain: bool, indent: int) -> list[str]:
    """Print the statement that gives a module its name."""
    if plain:
        return statement(f"self.{name} = ", tree, indent)
    return statement("", Call(Name("self.add_module"), (Literal(name), tree)), indent)


def _all(tree: Any) -> Iterator[Any]:
    yield tree
    for part in parts_of(tree):
        yield from _all(part)


def _of_file(item: Item) -> str:
    if item.row is None or (item.stateless and not item.named):
        return item.path[-1] if item.row is None else ""
    return item.row.name.rpartition(".")[2]


def _container(table: dict[str, Any]) -> Any:
    entries = {name: _container(entry) if isinstance(entry, dict) else entry for name, entry in table.items()}
    if {*entries} == {str(at) for at in range(len(entries))}:
        return Call(Name("nn.ModuleList"), (Listed(tuple(entries[str(at)] for at in range(len(entries))), "[]"),))
    return Call(Name("nn.ModuleDict"), (Listed(tuple(Keyed(name, entry) for name, entry in entries.items()), "{}"),))


def _reference(path: tuple[str, ...], containers: dict[str, Any]) -> Any:
    tree: Any = Part(Name("self"), path[0])
    table = containers[path[0]]
    for part in path[1:]:
        listed = {*table} == {str(at) for at in range(len(table))}
        tree = Index(tree, Literal(int(part)) if listed else Literal(part))
        table = table[part] if isinstance(table, dict) else {}
    return tree


def _free_names(scope: Scope) -> list[str]:
    """Return a name for each item's module: the last part of its path, or its type for one that has no name."""
    given = {item.path[-1] for item in scope.items if item.made is not None and not (item.stateless and not item.named)}
    found: list[str] = []
    chain = scope.chain()
    for item in scope.items:
        if item.row is None or item.named or not item.stateless:
            found.append(item.path[-1])
            continue
        kinds = {line(i.made) for i in scope.items if i.row and i.row.node.type == item.row.node.type and i.made}
        short = item.row.node.type
        many = len(kinds) > 1 or (chain and sum(bool(i.row and i.row.node.type == short) for i in scope.items) > 1)
        found.append(item.path[-1] if many or short in given else short)
    return found


def _definition(name: str, arguments: list[str], gives: str) -> list[str]:
    """Print the head of a method."""
    head = f"{INDENT}def {name}({', '.join(['self', *arguments])}) -> {gives}:"
    if len(head) <= WIDTH:
        return [head]
    return [f"{INDENT}def {name}(", *(f"{INDENT * 2}{a}," for a in ["self", *arguments]), f"{INDENT}) -> {gives}:"]


class Forward:
    """Prints the forward of a class: which variable has which value, and when."""

    def __init__(self, printer: Printer, made: Class, attributes: list[Any]):
        self.printer, self.made, self.attributes = printer, made, attributes
        self.scope = made.scope
        self.last: dict[int, int] = dict.fromkeys(self.scope.gives, len(self.scope.items))
        self.count: dict[int, int] = {}
        for at, item in enumerate(self.scope.items):
            for value in item.reads:
                self.last[value] = max(at, self.last.get(value, 0))
                self.count[value] = self.count.get(value, 0) + 1
        for value in self.scope.gives:
            self.count[value] = self.count.get(value, 0) + 1
        self.variables: dict[int, str] = {}
        self.pending: dict[int, tuple[Any, int]] = {}

    def entering(self) -> list[str]:
        if len(self.scope.reads) == 1:
            return ["x"]
        return [*SHORT, *(f"x{at}" for at in range(3, len(self.scope.reads)))][: len(self.scope.reads)]

    def lines(self) -> list[str]:
        names = self.entering()
        self.variables = dict(zip(self.scope.reads, names, strict=True))
        gives = "Tensor" if len(self.scope.gives) == 1 else self.several()
        lines = _definition("forward", [f"{name}: Tensor" for name in names], gives)
        items = self.scope.items
        for at, item in enumerate(items):
            tree = self.expression(at, item)
            if at + 1 == len(items) and self.scope.gives == item.gives:
                lines += self.printed("return ", tree)
                return lines
            if self.nests(at, item, tree):
                continue
            lines += self.printed(f"{', '.join(self.targets(at, item))} = ", tree)
        return [*lines, *self.printed("return ", self.result())]

    def targets(self, at: int, item: Item) -> list[str]:
        """Return the variables that an item's results go to: one each, or one for many."""
        if len(item.gives) <= len(SHORT):
            for value in item.gives:
                self.variables[value] = self.variable(at, item, value)
            return [self.variables[value] for value in item.gives]
        name = re.sub(r"\W", "_", f"{item.path[-1]}_results").lstrip("0123456789_")
        self.variables |= {value: f"{name}[{place}]" for place, value in enumerate(item.gives)}
        return [name]

    def several(self) -> str:
        return "tuple[Tensor, ...]"

    def result(self) -> Any:
        names = [Name(self.variables[value]) for value in self.scope.gives]
        return names[0] if len(names) == 1 else Listed(tuple(names), "")

    def expression(self, at: int, item: Item) -> Any:
        """Return the call of an item on the variables, or on the calls that wait to be put into it."""
        values: dict[str, Any] = {}
        for place, value in enumerate(item.reads):
            waiting = self.pending.pop(value, None)
            values[ENTERS(place)] = waiting[0] if waiting else Name(self.variables[value])
        if self.attributes[at] is not None:
            values[MODULE] = self.attributes[at]
        return self.printer.spelled(put(self.made.called[at], values))

    def nests(self, at: int, item: Item, tree: Any) -> bool:
        """Put the call of an item into that of the next, where only that reads it and the line is short; say whether."""
        if at + 1 == len(self.scope.items) or len(item.gives) != 1 or self.count.get(item.gives[0]) != 1:
            return False
        follower = self.scope.items[at + 1]
        depth = _depth(tree)
        text = line(tree)
        if (
            not (item.plain or isinstance(tree, Binary))
            or not follower.plain
            or follower.reads != item.gives
            or depth >= NESTED
            or len(text) > SHORTEST
        ):
            return False
        self.pending[item.gives[0]] = (tree, depth)
        return True

    def variable(self, at: int, item: Item, value: int) -> str:
        """Return the variable for a value: that of a value that is not read again, or a new one."""
        live = {name for held, name in self.variables.items() if self.last.get(held, -1) > at}
        dead = [self.variables[v] for v in item.reads if v in self.variables and self.variables[v] not in live]
        lasting = self.count.get(value, 0) > 1
        short = [name for name in dead if name in SHORT] or [name for name in SHORT if name not in live]
        if not lasting and short:
            return short[0]
        base = re.sub(r"\W", "_", "_".join(item.path if item.named else (item.row.node.type,)))  # type: ignore[union-attr]
        name = (
            base
            if base.isidentifier() and not keyword.iskeyword(base) and base not in {"self", "torch", "nn", "F"}
            else f"y_{base}"
        )
        if len(item.gives) > 1:
            name += f"_{item.gives.index(value)}"
        while name in live:
            name += "_"
        return name

    def printed(self, before: str, tree: Any) -> list[str]:
        """Print a statement; a chain of calls that is too long is one statement a call."""
        target = before.removesuffix(" = ")
        text = f"{INDENT * 2}{before}{line(tree)}"
        if (
            len(text) > WIDTH
            and isinstance(tree, Call)
            and isinstance(tree.of, Part)
            and isinstance(tree.of.of, Call | Index)
        ):
            read = re.findall(r"\w+", " ".join(arguments(tree)))
            taken = {*read, *self.variables.values()}
            free = next(name for name in ("y", "z", "out", "hidden", "result") if name not in taken)
            name = target if target.isidentifier() and target not in read else free
            first = self.printed(f"{name} = ", tree.of.of)
            return [*first, *self.printed(before, tree._replace(of=tree.of._replace(of=Name(name))))]
        return statement(before, tree, 2)


def _depth(tree: Any) -> int:
    return int(isinstance(tree, Call)) + max(map(_depth, tree.given), default=0) if isinstance(tree, Call) else 0


# The whole


def torch_code(net: Network, title: str = "Net") -> str:
    """Return the code of the net's model: a file of Python with a class for the net, the last in it.

    Raises ArchitectureError where the net is wrong.
    """
    report = net.check()
    if errors(net.problems) or any(row.output is None or row.result.refusals for row in report.layers):
        raise ArchitectureError(report.problems)
    parts = Parts()
    tree = Tree(net, parts)
    whole = tree.scope(range(len(tree.rows)), 0, title)
    whole.reads, whole.gives = [*range(1, tree.first)], [*dict.fromkeys(net.outputs.values())]
    classes = Classes(parts)
    classes.names = {_class_name(net)}
    inner = [*_scopes(whole)]
    heights = _heights([scope for _, scope in inner])
    for height in sorted({*heights.values()}):
        classes.add([(item, scope) for item, scope in inner if heights[id(scope)] == height])
    root = Class(
        _class_name(net), whole, [item.made for item in whole.items], [item.called for item in whole.items], {}
    )
    printer = Printer(parts)
    bodies = [printer.klass(made, _doc(made)) for made in classes.found]
    bodies.append(printer.klass(root, _title(net), [*_ties(tree)]))
    text = "\n\n\n".join("\n".join(body) for body in bodies)
    helpers = _helpers(text)
    imports = _imports("\n".join([text, *helpers]))
    head = f'"""{_title(net)}, as cnnshape writes it."""'
    return "\n\n".join([head, "\n".join(imports)]) + "\n\n\n" + "\n\n\n".join([*helpers, text]) + "\n"


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


def _class_name(net: Network) -> str:
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^a-zA-Z0-9]+", net.name))
    return name if name.isidentifier() and not keyword.iskeyword(name) and not hasattr(builtins, name) else f"Net{name}"


def _title(net: Network) -> str:
    title = net.name or "A network"
    return re.sub(r'[\\"]', "'", " ".join(title.split()))[: WIDTH - 30]


def _doc(made: Class) -> str:
    return f"The block {made.scope.block}." if made.scope.block else f"The part {made.scope.name}."


def _ties(tree: Tree) -> Iterator[str]:
    """Yield the statements, in lines, that give layers the weights of others."""
    for row in tree.rows:
        layer: Any = row.node.layer
        if row.node.shares and layer.state(row.input_shapes[0]):
            parent, _, last = tree.called[row.name].rpartition(".")
            around = _submodule(parent) if parent else Name("self")
            owner = _submodule(tree.called[row.node.shares])
            yield from statement("", Call(Part(around, "add_module"), (Literal(last), owner)), 2)
        elif row.node.shares_weight:
            here, there = (_submodule(tree.called[name]) for name in (row.name, row.node.shares_weight))
            yield from statement(f"{line(here)}.weight = ", Part(there, "weight"), 2)


def _submodule(name: str) -> Call:
    return Call(Name("self.get_submodule"), (Literal(name),))


def _helpers(text: str) -> list[str]:
    """Return the classes of ours that the code uses."""
    nodes = [node for node in parse(SOURCE).body if isinstance(node, ClassDef | FunctionDef)]
    found: dict[str, str] = {}
    for node in reversed(nodes):  # those that others use stand before them
        if re.search(rf"\b{node.name}\b", "\n".join([text, *found.values()])):
            found[node.name] = str(get_source_segment(SOURCE, node))
    return [*reversed(found.values())]


def _imports(text: str) -> list[str]:
    lines = ["from collections import OrderedDict", ""] if re.search(r"\bOrderedDict\(", text) else []
    lines += ["import torch"] if re.search(r"\btorch\.", text) else []
    names = [*(["Tensor"] if re.search(r"\bTensor\b", text) else []), "nn"]
    lines.append(f"from torch import {', '.join(names)}")
    return lines + (["from torch.nn import functional as F"] if re.search(r"\bF\.", text) else [])
