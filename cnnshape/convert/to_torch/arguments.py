"""The settings of scopes that are alike -> those that are the same everywhere, and the arguments of their class."""

from __future__ import annotations

import keyword
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.python import Binary, Call, Kind, Literal, Name, Part, changed, is_name, line, parts_of
from cnnshape.convert.to_torch.signatures import REQUIRED, USED, default_of
from cnnshape.network.module_names import TAKEN
from cnnshape.problems.place import value_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.convert.to_torch.scopes import Item, Scope

ANY: Final = object()  # the setting of an item that a copy leaves out
ENTERING: Final = frozenset(["in_channels", "num_features", "in_features"])
CHANNELS: Final = frozenset(
    ["in_channels", "out_channels", "num_features", "in_features", "out_features", "groups", "width"]
)


class Holes:
    """The settings of copies of a class: those that are the same everywhere, and those that become arguments.

    No argument has the name of one of the class's modules, which keeps it. `scope` is that of one copy, `copies` are all.
    """

    def __init__(self, scope: Scope, copies: Sequence[Scope], defaults: dict[str, dict[str, Any]]) -> None:
        self.modules = frozenset(item.path[0] for item in scope.items if item.path)
        self.scope, self.copies, self.inner = scope, copies, defaults
        self.vectors: dict[str, list[Any]] = {}  # by argument
        self.stands_for: dict[str, str] = {}  # the setting that an argument was first found for
        self.usual: dict[str, Any] = {}  # the value that may be left out, REQUIRED for none
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
        name = "residual" if item.made is None else re.sub(r"\W", "_", item.path[-1])
        name = name if is_name(name) else f"with_{name}"
        # the module itself may have the name of its argument
        own = {*item.path[:1]} if item.made is not None else set()
        while name in self.vectors or name in self.modules - own or name in USED:
            name = f"with_{name}"
        self.vectors[name], self.stands_for[name], self.usual[name] = [*there], "", False
        return name

    def filled(self, item: Item, name: str, vector: list[Any]) -> Any:
        name = _parameter(item, name, vector)
        known_values = [value for value in vector if value is not ANY]
        kinds = Counter(value for value in known_values if isinstance(value, Kind))
        if all(type(value) is type(known_values[0]) and value == known_values[0] for value in known_values):
            return Literal(known_values[0])
        if name in ENTERING and item.reads == self.scope.reads:
            vector = [copy.channels if value is ANY else value for value, copy in zip(vector, self.copies, strict=True)]
        for known, other in self.vectors.items():
            first = self.stands_for[known]
            if _agree(vector, other) and (ANY not in other or first == name or {first, name} <= CHANNELS):
                self.vectors[known] = [a if b is ANY else b for a, b in zip(vector, other, strict=True)]
                return Name(known)
            if name == "padding" and known.endswith("kernel_size") and [_half(size) for size in other] == vector:
                return Binary("//", Name(known), Literal(2))
        if name in CHANNELS:
            for known, other in self.vectors.items():
                factor = _factor(other, vector) if self.stands_for[known] in CHANNELS else None
                if factor:
                    return Binary("*", Literal(factor), Name(known))
        called = _written(item, name) or name
        if kinds and item.row and item.named and is_name(item.path[-1]):
            called = item.path[-1]
        if (
            called in self.vectors
            or (called in self.modules and not kinds)
            or called in USED | {"x"}
            or keyword.iskeyword(called)
        ):
            leaving = [copy.leaving for copy in self.copies]
            free = "out_channels" not in self.vectors and "out_channels" not in self.modules
            if free and name in {"out_channels", "width"} and _agree(vector, leaving):
                called = "out_channels"
            else:
                called = f"{re.sub(r'[^a-zA-Z0-9]', '_', item.path[-1])}_{name}"
            called = called if called.isidentifier() else f"layer{called}"
        while called in self.vectors or called in TAKEN or (called in self.modules and not kinds):
            called += "_"
        default = kinds.most_common(1)[0][0] if kinds else _default(item, name, self.inner)
        self.vectors[called], self.stands_for[called], self.usual[called] = vector, name, default
        return Name(called)

    def settle(self) -> None:
        """Find the defaults: the usual value, where a copy has it, or the first for copies that leave an argument out."""
        for name, vector in self.vectors.items():
            there = [value for value in vector if value is not ANY]
            if self.usual[name] in there:
                self.defaults[name] = self.usual[name]
            elif ANY in vector:
                self.defaults[name] = there[0]
            self.vectors[name] = [self.defaults[name] if value is ANY else value for value in vector]

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


def _agree(one: list[Any], other: list[Any]) -> bool:
    """Say whether two settings are the same in all copies that have both, and there are such."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not ANY and b is not ANY]
    return bool(pairs) and all(type(a) is type(b) and a == b for a, b in pairs)


def _half(size: Any) -> Any:
    return size // 2 if type(size) is int else None


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
    row = item.row or next((inner.row for inner in item.scope.items if inner.row), None)  # type: ignore[union-attr]
    uses = row.node.used_at[:1] if row else ()
    place = item.row.node.place if item.row else next(iter(uses), None)
    text = value_at(place.source.data, (*place.path, name)) if place else None
    return text if isinstance(text, str) and is_name(text) else ""


def _default(item: Item, name: str, defaults: dict[str, dict[str, Any]]) -> Any:
    if item.row is None:
        return defaults.get(line(item.made.of), {}).get(name, REQUIRED)
    parameter = item.row.node.layer.parameters.get(name)  # type: ignore[union-attr]  # the net is right
    return REQUIRED if parameter is None else default_of(parameter)


def _type(vector: list[Any]) -> str:
    kinds = {"tuple[int, ...]" if isinstance(v, tuple) else type(v).__name__ for v in vector}
    if "Kind" in kinds:
        return "type[nn.Module]"
    return " | ".join(sorted(kinds, key=lambda kind: (kind == "NoneType", kind))).replace("NoneType", "None")


def _parameter(item: Item, name: str, vector: list[Any]) -> str:
    """Return the name of the setting that a value without a name is, where the layer has one of this value."""
    if name != "value" or item.row is None:
        return name
    layer: Any = item.row.node.layer
    return next((n for n in layer.parameters if getattr(layer, n) in vector and type(getattr(layer, n)) is int), name)


def _named_leaves(tree: Any, name: str = "value") -> Iterator[tuple[str, Literal]]:
    if isinstance(tree, Literal):
        yield "act" if isinstance(tree.value, Kind) and name == "value" else name, tree
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
