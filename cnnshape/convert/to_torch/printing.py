"""A class of modules -> its code: an nn.Sequential for a chain, or else modules by name, and a `forward`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.convert.python import (
    INDENT,
    Call,
    Copies,
    Index,
    Keyed,
    Listed,
    Literal,
    Name,
    Part,
    collapsed,
    definition,
    is_name,
    line,
    parts_of,
    statement,
)
from cnnshape.convert.to_torch.forward import Forward
from cnnshape.convert.to_torch.scopes import IN_SEQUENCE
from cnnshape.convert.to_torch.signatures import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.convert.to_torch.classes import Class
    from cnnshape.convert.to_torch.scopes import Item, Scope
    from cnnshape.convert.to_torch.signatures import Signatures


class Printer:
    """Prints classes."""

    def __init__(self, signatures: Signatures):
        self.signatures = signatures

    def klass(self, made: Class, doc: str, ties: Sequence[str] = ()) -> list[str]:
        """Print a class."""
        chain = made.scope.chain() and not ties and not made.optional
        base = "nn.Sequential" if chain else _base(made.scope)
        signature = [f"{n}: {kind}" + ("" if default is REQUIRED else f" = {line(Literal(default))}")
                     for n, (kind, default) in made.arguments.items()]  # fmt: skip
        lines = [f"class {made.name}({base}):", f'{INDENT}"""{doc}"""', ""]
        lines += definition("__init__", signature, "None")
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
        read |= {flag for at, flag in made.optional.items() if made.scope.items[at].made is None}
        kept = [f"{INDENT * 2}self.{name} = {name}" for name in made.arguments if name in read]
        lines += [*kept, *statements, *ties, ""]
        return lines + Forward(self.signatures, made, attributes).lines()

    def sequence(self, made: Class) -> list[str]:
        """Print the call by which an nn.Sequential takes its modules."""
        scope, trees = made.scope, [self.signatures.spelled(tree) for tree in made.made]
        if scope.positional():
            return statement("", Call(Name("super().__init__"), tuple(collapsed(trees))), 2)
        names = _free_names(scope)
        if all(is_name(name) for name in names):
            table = Call(Name("OrderedDict"), (), tuple(zip(names, trees, strict=True)))
        else:
            pairs = tuple(Listed((Literal(name), tree)) for name, tree in zip(names, trees, strict=True))
            table = Call(Name("OrderedDict"), (Listed(pairs, "[]"),))
        return statement("", Call(Name("super().__init__"), (table,)), 2)

    def attributes(self, made: Class) -> tuple[list[Any], list[str]]:
        """Return the expression of each item's module, and the statements that make them."""
        found: list[Any] = []  # a path, where it leads through lists and tables
        lines: list[str] = []
        taken: dict[str, str] = {}
        own: dict[tuple[str, ...], Any] = {}
        containers: dict[str, dict[str, Any]] = {}
        for at, (item, tree, free) in enumerate(zip(made.scope.items, made.made, _free_names(made.scope), strict=True)):
            if tree is None or item.again:
                found.append(own.get(item.module, item.module) if item.again else None)
                continue
            spelled = self.signatures.spelled(tree)
            if len(item.path) > 1:
                table = containers.setdefault(item.path[0], {})
                for part in item.path[1:-1]:
                    table = table.setdefault(part, {})
                table[item.path[-1]] = spelled
                found.append(item.path)
                continue
            name = free
            if item.stateless and not item.named:
                name = taken.setdefault(f"{item.row.node.type} {line(spelled)}", name)  # type: ignore[union-attr]
            found.append(own.setdefault(item.path, _attribute(name, made.scope, bare=item.bare)))
            if found[-1] in found[:-1]:
                continue
            if _of_file(item) not in {"", name}:
                lines.append(f"{INDENT * 2}# {_of_file(item)} in the file: an nn.Module has that name itself")
            flag = made.optional.get(at)
            if flag:
                lines += _made(found[-1], Call(Name("nn.Identity")), 2)
                lines.append(f"{INDENT * 2}if {flag}:")
            lines += _made(found[-1], spelled, 2 + bool(flag))
        within = {name: _attribute(name, made.scope) for name in containers}
        for name, table in containers.items():
            lines += _made(within[name], _container(table), 2)
            for attribute, tree in _beside(within[name], table):
                lines += _made(attribute, tree, 2)
        return [_reference(within[way[0]], way, containers) if type(way) is tuple else way for way in found], lines


def _base(scope: Scope) -> str:
    """Return the class of torch that a class with a forward is one of: its modules may have names that no attribute has."""
    names = {item.path[0] for item in scope.items if item.made is not None}
    modules = {
        item.path[0] for item in scope.items if item.made is not None and not (item.bare and len(item.path) == 1)
    }
    return "nn.Module" if all(map(is_name, modules)) or names & IN_SEQUENCE else "nn.ModuleDict"


def _attribute(name: str, scope: Scope, *, bare: bool = False) -> Any:
    """Return a module or a parameter of a class: an attribute, or an entry of the nn.ModuleDict that the class is then."""
    if is_name(name):
        return Part(Name("self"), name)
    if bare:
        return _named(Name("self"), name)
    if _base(scope) == "nn.ModuleDict":
        return Index(Name("self"), Literal(name))
    return Call(Name("self.get_submodule"), (Literal(name),))


def _made(attribute: Any, tree: Any, indent: int) -> list[str]:
    """Print the statement that gives a class a module or a parameter."""
    if isinstance(attribute, Call):
        if attribute.of == Name("getattr"):
            of, name = attribute.given
            return statement("", Call(Part(of, "register_parameter"), (name, tree)), indent)
        return statement("", Call(Name("self.add_module"), (*attribute.given, tree)), indent)
    return statement(f"{line(attribute)} = ", tree, indent)


def _all(tree: Any) -> Iterator[Any]:
    yield tree
    for part in parts_of(tree):
        yield from _all(part)


def _of_file(item: Item) -> str:
    if item.row is None or (item.stateless and not item.named):
        return item.path[-1] if item.row is None else ""
    return item.row.name.rpartition(".")[2]


def _container(table: dict[str, Any]) -> Any:
    """Return the list or table of torch that holds modules, or parameters; beside modules these are its attributes."""
    kept = _kept(table)
    kind = "Parameter" if all(map(_is_parameter, kept.values())) else "Module"
    entries = {name: _container(entry) if isinstance(entry, dict) else entry for name, entry in kept.items()}
    if _is_list(kept):
        listed = collapsed(entries[str(at)] for at in range(len(entries)))
        alike = len(listed) == 1 and isinstance(listed[0], Copies)
        return Call(Name(f"nn.{kind}List"), (listed[0]._replace(star="") if alike else Listed((*listed,), "[]"),))
    return Call(Name(f"nn.{kind}Dict"), (Listed(tuple(Keyed(name, entry) for name, entry in entries.items()), "{}"),))


def _beside(tree: Any, table: dict[str, Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the parameters that stand beside modules, as attributes of the container `tree`."""
    kept = _kept(table)
    for name, entry in table.items():
        if name not in kept:
            yield _named(tree, name), entry
        elif isinstance(entry, dict):
            yield from _beside(_entry(tree, table, name), entry)


def _kept(table: dict[str, Any]) -> dict[str, Any]:
    """Return the entries that a list or table of torch can hold: all modules, or all parameters where there are no modules."""
    modules = {name: entry for name, entry in table.items() if not _is_parameter(entry)}
    return modules or table


def _is_parameter(entry: Any) -> bool:
    return not isinstance(entry, dict) and line(entry).startswith("nn.Parameter(")


def _is_list(entries: dict[str, Any]) -> bool:
    return {*entries} == {str(at) for at in range(len(entries))}


def _named(tree: Any, name: str) -> Any:
    """Return a parameter of a module."""
    return Part(tree, name) if is_name(name) else Call(Name("getattr"), (tree, Literal(name)))


def _entry(tree: Any, table: dict[str, Any], name: str) -> Any:
    return Index(tree, Literal(int(name) if _is_list(_kept(table)) else name))


def _reference(tree: Any, path: tuple[str, ...], containers: dict[str, Any]) -> Any:
    """Return a module or a parameter in lists and tables, of which the outermost is an attribute."""
    table = containers[path[0]]
    for part in path[1:]:
        tree = _entry(tree, table, part) if part in _kept(table) else _named(tree, part)
        table = table[part] if isinstance(table[part], dict) else {}
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
