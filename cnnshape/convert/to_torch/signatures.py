"""The arguments of the modules that generated code makes, and the calls that make them as people write them."""

from __future__ import annotations

import builtins
from typing import Any, Final

from cnnshape.convert.parts import TEXTS
from cnnshape.convert.python import Call, Literal, changed, collapsed, line
from cnnshape.layers.parameters import Inferred

REQUIRED: Final = object()
IMPORTED: Final = frozenset(["OrderedDict", "F", "Tensor"])
USED: Final = frozenset(["self", "torch", "nn", "F"])  # names that methods use: no variable, no argument is called so


class Signatures:
    """The arguments of each class of modules in the code: which need no name, and what they are when left out."""

    def __init__(self) -> None:
        self.positional: dict[str, tuple[str, ...]] = {}
        self.defaults: dict[str, dict[str, Any]] = {}  # REQUIRED for an argument without one

    def add(self, made: Any, layer: Any) -> None:
        """Note the arguments of the module that a layer's type is in torch; others may be made of it."""
        while isinstance(made, Call) and made.given and not made.named:
            made = made.given[0]
        if not isinstance(made, Call) or not made.named:
            return
        required = tuple(name for name, p in layer.parameters.items() if p.required or isinstance(p, Inferred))
        self.positional.setdefault(line(made.of), required or ("p",))
        self.defaults.setdefault(line(made.of), {n: default_of(p) for n, p in layer.parameters.items()})

    def spelled(self, tree: Any) -> Any:
        """Return an expression as people write it: arguments without names where these are plain, copies as copies."""
        return changed(tree, self.spell)

    def spell(self, tree: Any) -> Any:
        if not isinstance(tree, Call):
            return tree
        defaults = self.defaults.get(line(tree.of), {})
        tree = tree._replace(
            named=tuple((n, v) for n, v in tree.named if not _is_default(v, defaults.get(n, REQUIRED)))
        )
        if tree.named and not tree.given:
            usual, count = self.positional.get(line(tree.of), ()), 0
            while count < min(len(usual), len(tree.named)) and tree.named[count][0] == usual[count]:
                count += 1
            tree = Call(tree.of, tuple(value for _, value in tree.named[:count]), tree.named[count:])
        return tree._replace(given=tuple(collapsed(tree.given)))


def default_of(parameter: Any) -> Any:
    return REQUIRED if parameter.required or isinstance(parameter, Inferred) else parameter.default


def _is_default(tree: Any, default: Any) -> bool:
    return isinstance(tree, Literal) and type(tree.value) is type(default) and tree.value == default


def is_taken(name: str) -> bool:
    """Say whether something else in the code has a name: Python, an import, a class of ours."""
    return hasattr(builtins, name) or name in IMPORTED or name in TEXTS
