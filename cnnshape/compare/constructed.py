"""The line of the source where a module of a model is made: self.fc1 = nn.Linear(800, 120).

In: the modules of a recording, and the path and the layer of one. Out: the line of its constructor's call, in the class around
it, or where a factory puts another in its place; the one call of a comprehension for all that it makes. None where it is made
in a loop or by code elsewhere, or where the numbers of the call are not the layer's. The source is parsed, and never run.
"""

from __future__ import annotations

import ast
import linecache
import operator
from functools import lru_cache
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.recording import Line

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.compare.recording import Module
    from cnnshape.layers import Layer


class Made(NamedTuple):
    """The call of a constructor: its line, its text if it is one line's, and its first column.

    `varying` are the names that differ from module to module, where a comprehension makes several.
    """

    line: Line
    text: str
    column: int
    varying: frozenset[str] = frozenset()


class Replaced(NamedTuple):
    """An assignment that puts a module into a model from outside: model.fc = nn.Linear(256, 2)."""

    value: ast.expr
    path: str  # within the object: fc, or layer4.0
    of: str  # the object
    within: str  # the function or class of the file's top level, "" for none
    always: bool  # behind no condition


def constructed(
    modules: Mapping[str, Module], path: str, root: tuple[str, str] | None = None, layer: Layer | None = None
) -> Made | None:
    """Return the call that makes the module of a path, `layer` where that is known.

    `root` is the file and the name of the model itself, of use where its class is torch's, or a function makes it.
    """
    kind = modules[path].kind if path in modules else ""
    own = _own(modules, path, root)
    found = [(own[0], one) for one in _branches(own[1]) if _agrees(one, kind, layer)] if own else []
    sure = []
    for file in dict.fromkeys((own[0] if own else "", root[0] if root else "", modules[""].file)):
        for one in _replaced(tree(file)):
            if f".{path}".endswith(f".{one.path}") and _agrees(one.value, kind, layer):
                found.append((file, one.value))
                around = modules.get(path.removesuffix(one.path).removesuffix("."))
                if one.always and (file, one.within or one.of) in {root, around and (around.file, around.kind)}:
                    sure.append(found[-1])
    found = sure or found
    return _told(*found[0]) if len(found) == 1 else None


def _own(modules: Mapping[str, Module], path: str, root: tuple[str, str] | None) -> tuple[str, ast.expr] | None:
    """Return the file and the expression of a module in the class around it, or in the function that makes the model."""
    parts = path.split(".")
    for length in range(len(parts) - 1, -1, -1):
        around = modules.get(".".join(parts[:length]))
        if around is None or not around.file:
            continue
        made = _below(_attribute(around.file, around.kind, parts[length]), parts[length + 1 :])
        return (around.file, made) if made else None
    made = _below(_named(tree(root[0]), root[1]), parts) if root and root[0] else None
    return (root[0], made) if root and made else None


@lru_cache
def _replaced(tree: ast.Module) -> tuple[Replaced, ...]:
    """Return the assignments of a file to the parts of an object, but for those of a class to its own."""
    found = []
    for top in tree.body:
        within = top.name if isinstance(top, ast.FunctionDef | ast.ClassDef) else ""
        bodies = [inner.body for inner in ast.walk(top) if isinstance(inner, ast.FunctionDef)] if within else [[top]]
        always = {id(statement) for body in bodies for statement in body}
        for node in ast.walk(top):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    of, *parts = ast.unparse(target).replace("[", ".").replace("]", "").split(".")
                    if len(parts) > (of == "self"):
                        found.append(Replaced(node.value, ".".join(parts), of, within, id(node) in always))
    return tuple(found)


def _branches(made: ast.expr) -> list[ast.expr]:
    """Return the expressions of which one is taken: both of `nn.Conv2d(...) if stride > 1 else nn.Identity()`."""
    return [*_branches(made.body), *_branches(made.orelse)] if isinstance(made, ast.IfExp) else [made]


def _agrees(made: ast.expr, kind: str, layer: Layer | None) -> bool:
    """Whether a call may make a module of a class, and the numbers that it spells out are the layer's settings."""
    if not isinstance(made, ast.Call):
        return True
    *before, name = ast.unparse(made.func).split(".")
    if name != kind or layer is None:
        return not kind or before[-1:] != ["nn"] or kind.endswith(name.removeprefix("Lazy"))
    for key, expression in arguments(made, layer).items():
        value, parameter = number(expression), layer.parameters[key]
        if value is not None and hasattr(layer, key):
            told, has = _single(parameter.of_torch(value)), _single(getattr(layer, key))
            if isinstance(has, int | float | tuple) and told != has:
                return False
    return True


def arguments(call: ast.Call, layer: Layer) -> dict[str, ast.expr]:
    """Return the arguments of a constructor's call by the names of the layer's parameters, those behind a * left out."""
    order = (name for name, parameter in layer.parameters.items() if parameter.torch)
    placed = dict(zip(order, call.args, strict=False)) if not _starred(call) else {}
    return placed | {entry.arg: entry.value for entry in call.keywords if entry.arg in layer.parameters and entry.arg}


def _starred(call: ast.Call) -> bool:
    return any(isinstance(entry, ast.Starred) for entry in call.args)


SIGNS: Final = {ast.Mult: operator.mul, ast.Add: operator.add, ast.Sub: operator.sub}


def number(expression: ast.expr) -> Any:
    """Return a whole number that is spelt out, 16 * 5 * 5, or a tuple of such; None for any other expression."""
    match expression:
        case ast.Constant(value=int(value)) if not isinstance(value, bool):
            return value
        case ast.Tuple(elts=entries) | ast.List(elts=entries):
            numbers = tuple(map(number, entries))
            return None if None in numbers else numbers
        case ast.BinOp(left, sign, right) if type(sign) in SIGNS:
            a, b = number(left), number(right)
            return SIGNS[type(sign)](a, b) if isinstance(a, int) and isinstance(b, int) else None
        case _:
            return None


def _single(value: Any) -> Any:
    """Collapse (3, 3) to 3."""
    return value[0] if isinstance(value, tuple) and len({*value}) == 1 else value


def _told(file: str, call: ast.expr | None) -> Made | None:
    if not isinstance(call, ast.Call):
        return None
    text = ast.get_source_segment("".join(linecache.getlines(file)), call) or ""
    before = linecache.getline(file, call.lineno).encode()[: call.col_offset].decode()  # ast counts bytes
    around = (names for comprehension, names in _comprehensions(tree(file)) if _encloses(comprehension, call))
    return Made(Line(file, call.lineno), "" if "\n" in text else text, 1 + len(before), frozenset().union(*around))


@lru_cache
def _comprehensions(tree: ast.Module) -> tuple[tuple[ast.expr, frozenset[str]], ...]:
    """Return the comprehensions of a file, each with the names that its loops give."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.ListComp | ast.GeneratorExp | ast.DictComp))
    return tuple((one, frozenset().union(*(names_in(loop.target) for loop in one.generators))) for one in found)


def _encloses(outer: ast.expr, inner: ast.expr) -> bool:
    first, last = (outer.lineno, outer.col_offset), (outer.end_lineno or 0, outer.end_col_offset or 0)
    return first <= (inner.lineno, inner.col_offset) < last


def names_in(expression: ast.expr) -> frozenset[str]:
    """Return the names in an expression."""
    return frozenset(node.id for node in ast.walk(expression) if isinstance(node, ast.Name))


def tree(file: str) -> ast.Module:
    """Parse a Python file; one that cannot be parsed is empty."""
    linecache.checkcache(file)
    return _parsed("".join(linecache.getlines(file)))


@lru_cache
def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.parse("")


def _attribute(file: str, kind: str, name: str) -> ast.expr | None:
    """Return the expression that a class gives to an attribute; None where it gives none, or several."""
    names = [part for part in kind.split(".") if part != "<locals>"]
    scope: ast.AST | None = tree(file)
    for part in names:
        scope = scope and _scope(scope, part)
    if not isinstance(scope, ast.ClassDef):
        return None
    found = [*_given(scope, name)]
    if not found:  # by a class that it inherits from, if that is in the file
        bases = [base.id for base in scope.bases if isinstance(base, ast.Name) and base.id != names[-1]]
        inherited = (_attribute(file, base, name) for base in bases)
        return next((made for made in inherited if made), None)
    return found[0] if len(found) == 1 else None


def _scope(around: ast.AST, name: str) -> ast.AST | None:
    """Return the class or function of a name within another, or within the module."""
    kinds = (ast.ClassDef, ast.FunctionDef)
    return next((node for node in ast.walk(around) if isinstance(node, kinds) and node.name == name), None)


def _given(scope: ast.ClassDef, name: str) -> Iterator[ast.expr]:
    """Yield the expressions of `self.NAME = ...`, `self.a, self.b = ..., ...` and `self.add_module("NAME", ...)`."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                yield from _assigned(target, node.value, name)
        elif isinstance(node, ast.AnnAssign) and node.value:
            yield from _assigned(node.target, node.value, name)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            adds = node.func.attr in {"add_module", "register_module"} and len(node.args) > 1
            if adds and isinstance(node.args[0], ast.Constant) and node.args[0].value == name:
                yield node.args[1]


def _assigned(target: ast.expr, value: ast.expr, name: str) -> Iterator[ast.expr]:
    if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.attr == name:
        yield value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        for one, given in zip(target.elts, value.elts, strict=False):
            yield from _assigned(one, given, name)


def _named(tree: ast.Module, name: str) -> ast.expr | None:
    """Return the expression of a model that a file makes: of `NAME = ...`, or what the function NAME returns."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            return node.value
        if isinstance(node, ast.FunctionDef) and node.name == name:
            returns = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
            return _local(node, returns[0]) if len(returns) == 1 else None
    return None


def _local(function: ast.FunctionDef, value: ast.expr | None) -> ast.expr | None:
    """Return an expression; of a name, the one expression that the function gives to it."""
    if not isinstance(value, ast.Name):
        return value
    found = [
        node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == value.id for t in node.targets)
    ]
    return found[0] if len(found) == 1 else None


def _below(made: ast.expr | None, path: list[str]) -> ast.expr | None:
    """Return the expression of a module within containers that are written out."""
    for name in path:
        made = _entry(made, name) if isinstance(made, ast.Call) else None
    return made


def _entry(call: ast.Call, name: str) -> ast.expr | None:
    """Return the entry of a Sequential, a ModuleList or a ModuleDict, by its number or its key."""
    entries: list[ast.expr] = call.args
    if len(entries) == 1 and isinstance(entries[0], ast.Call) and entries[0].args:  # OrderedDict([...])
        inner = entries[0].args[0]
        entries = [inner] if isinstance(inner, ast.List | ast.Tuple | ast.Dict) else entries
    if len(entries) == 1 and isinstance(entries[0], ast.DictComp):
        return entries[0].value
    if len(entries) == 1 and isinstance(entries[0], ast.Dict):
        keys = (key.value if isinstance(key, ast.Constant) else None for key in entries[0].keys)
        return next((value for key, value in zip(keys, entries[0].values, strict=True) if key == name), None)
    if len(entries) == 1 and isinstance(entries[0], ast.List | ast.Tuple):
        entries = entries[0].elts
    pairs = [entry.elts for entry in entries if isinstance(entry, ast.Tuple) and len(entry.elts) == 2]  # noqa: PLR2004
    if pairs and len(pairs) == len(entries):
        named = ((key.value, value) for key, value in pairs if isinstance(key, ast.Constant))
        return next((value for key, value in named if key == name), None)
    if not name.isdigit():
        return None
    several = (ast.Starred, ast.ListComp, ast.GeneratorExp)
    plain = [*takewhile(lambda entry: not isinstance(entry, several), entries)]
    if int(name) < len(plain):
        return plain[int(name)]
    rest = entries[len(plain) :]  # behind one that makes several, the numbers are not known
    only = rest[0].value if len(rest) == 1 and isinstance(rest[0], ast.Starred) else rest[0] if len(rest) == 1 else None
    return only.elt if isinstance(only, ast.ListComp | ast.GeneratorExp) else None
