"""A class of modules -> the code of its `forward`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.python import (
    INDENT,
    WIDTH,
    Binary,
    Call,
    Index,
    Keyed,
    Listed,
    Name,
    Part,
    arguments,
    definition,
    is_name,
    line,
    put,
    statement,
)
from cnnshape.convert.to_torch.scopes import ENTERS, MODULE
from cnnshape.convert.to_torch.signatures import USED, is_taken

if TYPE_CHECKING:
    from cnnshape.convert.to_torch.classes import Class
    from cnnshape.convert.to_torch.scopes import Item
    from cnnshape.convert.to_torch.signatures import Signatures

NESTED: Final = 3  # calls within calls on a line
SHORTEST: Final = 60  # characters of a call that may stand within another
SHORT: Final = ("x", "y", "z")  # variables


class Forward:
    """Prints the forward of a class: which variable has which value, and when."""

    def __init__(self, signatures: Signatures, made: Class, attributes: list[Any]):
        self.signatures, self.made, self.attributes = signatures, made, attributes
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
        names = self.scope.entering
        if names and all(is_name(name) and name not in USED and not is_taken(name) for name in names):
            return [*names]
        if len(self.scope.reads) == 1:
            return ["x"]
        return [*SHORT, *(f"x{at}" for at in range(3, len(self.scope.reads)))][: len(self.scope.reads)]

    def lines(self) -> list[str]:
        names = self.entering()
        self.variables = dict(zip(self.scope.reads, names, strict=True))
        gives = "Tensor" if len(self.scope.gives) == 1 else "tuple[Tensor, ...]"
        gives = "dict[str, Tensor]" if self.scope.giving else gives
        lines = definition("forward", [f"{name}: Tensor" for name in names], gives)
        items = self.scope.items
        for at, item in enumerate(items):
            if at in self.made.optional and item.made is None:
                lines += self.joined(at, item)
                continue
            tree = self.expression(at, item)
            if at + 1 == len(items) and self.scope.gives == item.gives and not self.scope.giving:
                lines += self.printed("return ", tree)
                return lines
            if self.nests(at, item, tree):
                continue
            lines += self.printed(f"{', '.join(self.targets(at, item))} = ", tree)
        return [*lines, *self.printed("return ", self.result())]

    def joined(self, at: int, item: Item) -> list[str]:
        """Print a join that some copies leave out: the variable of the tensor that goes on is that of the sum."""
        [value] = item.gives
        name = self.variables[item.reads[self.made.handed[at]]]
        printed = statement(f"{name} = ", self.expression(at, item), 3)
        self.variables[value] = name
        return [f"{INDENT * 2}if self.{self.made.optional[at]}:", *printed]

    def targets(self, at: int, item: Item) -> list[str]:
        """Return the variables that an item's results go to: one each, or one for many."""
        if len(item.gives) <= len(SHORT):
            for value in item.gives:
                self.variables[value] = self.variable(at, item, value)
            return [self.variables[value] for value in item.gives]
        name = re.sub(r"\W", "_", f"{item.path[-1]}_results").lstrip("0123456789_")
        self.variables |= {value: f"{name}[{place}]" for place, value in enumerate(item.gives)}
        return [name]

    def result(self) -> Any:
        if self.scope.giving:
            given = self.scope.giving.items()
            return Listed(tuple(Keyed(name, Name(self.variables[value])) for name, value in given), "{}")
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
        return self.signatures.spelled(put(self.made.called[at], values))

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
        if value not in self.last:
            return "_"
        live = {name for held, name in self.variables.items() if self.last.get(held, -1) > at}
        dead = [self.variables[v] for v in item.reads if v in self.variables and self.variables[v] not in live]
        lasting = self.count.get(value, 0) > 1
        short = [name for name in dead if name in SHORT] or [name for name in SHORT if name not in live]
        if not lasting and short:
            return short[0]
        base = re.sub(r"\W", "_", "_".join(item.path if item.named else (item.row.node.type,)))  # type: ignore[union-attr]
        name = base if base.isidentifier() else f"y_{base}"
        if not is_name(name) or name in USED or is_taken(name):
            name += "_"
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
