"""Values that are given beside a file, by name -> where the file would say them.

A name is a constant of the file, or a setting of a layer of the net, or an argument where the net uses a block: layer1.depth.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from cnnshape.file.keys import REPEAT, WHEN
from cnnshape.layers import TYPES
from cnnshape.problems.suggest import suggest
from cnnshape.problems.wording import suggested

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.file.architecture import Architecture, Step
    from cnnshape.problems.place import KeyPath


def assigned(architecture: Architecture, given: Mapping[str, Any]) -> dict[KeyPath, Any]:
    """Return the values, as TOML has them, by the key paths where they stand. Raises TypeError."""
    return {path(architecture, name): as_written(name, value) for name, value in given.items()}


def path(architecture: Architecture, name: str) -> KeyPath:
    """Return where a file says the value of a name. Raises TypeError where it has no such name."""
    constants = architecture.file.constants
    if name in constants:
        return ("constants", name)
    layer, _, key = name.rpartition(".")
    step = next((step for step in architecture.steps if layer and step.name == layer), None)
    if step is None:
        named = [step.name for step in architecture.steps if isinstance(step.name, str) and step.name]
        raise _unknown("no layer of the net", layer, named) if layer else _unknown("no constant", name, constants)
    known = keys(architecture, step)
    if key not in known:
        raise _unknown(f"nothing that {layer} can be given", key, known)
    return (*step.place.path, key)


def keys(architecture: Architecture, step: Step) -> list[str]:
    """Return the settings or arguments that a step can be given, with `repeat` and `when` if it has them."""
    blocks = architecture.file.blocks
    if step.block in blocks:
        own: Iterable[str] = blocks[str(step.block)].parameters()
    elif step.type in TYPES:
        kind = TYPES[str(step.type)]
        own = kind.parameters.keys() - kind.references.keys()
    else:  # it shares those of another
        own = step.settings
    return sorted(own) + [key for key in (REPEAT.name, WHEN.name) if key in step.keys]


def as_written(name: str, value: Any) -> Any:
    """Return a value as TOML has it. Raises TypeError for one that it cannot have."""
    if isinstance(value, bool | float | str):
        return value
    if isinstance(value, list | tuple):
        return [as_written(name, entry) for entry in value]
    try:
        return index(value)
    except TypeError:
        raise TypeError(f"{name} is a number, a truth value, a text or a list of them, not {value!r}") from None


def _unknown(what: str, name: str, known: Iterable[str]) -> TypeError:
    return TypeError(suggested(f"{name!r} is {what}", suggest(name, known)))
