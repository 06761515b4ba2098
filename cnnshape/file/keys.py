"""The keys that a file may have, and the names that may be given in it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.exact import FUNCTIONS
from cnnshape.file.grammar import CONSTANTS, KEYWORDS
from cnnshape.layers.parameters import EXPRESSION, AnyExtent, Count, Flag
from cnnshape.problems import reading
from cnnshape.problems.base import Warn
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from cnnshape.layers.parameters import Parameter
    from cnnshape.problems.base import Problem

FILE_KEYS: Final = ("layout", "include", "layer_defaults", "constants", "blocks")
NET_KEYS: Final = ("name", "source", *FILE_KEYS, "input", "inputs", "layers", "outputs", "claims", "training", "allow")
STEP_KEYS: Final = dict.fromkeys(  # in this order; every key of every layer is looked for here
    (
        "name",
        "type",
        "block",
        "from",
        "repeat",
        "when",
        "shares",
        "shares_weight",
        "frozen",
        "expect",
        "allow",
    )
)
BLOCK_KEYS: Final = ("arguments", "defaults", "words", "gives", "layers")
CLAIMS: Final = ("parameters", "trainable", "parameters_with_buffers", "macs", "output", "outputs", "valid_sizes")
TRAINING: Final = ("batch_size", "optimizer")  # the facts that mean something here; others are free
LANGUAGE: Final = ("i", "in_channels", *CONSTANTS, *FUNCTIONS, *KEYWORDS)
RESERVED: Final = frozenset((*NET_KEYS, *STEP_KEYS, *BLOCK_KEYS, *LANGUAGE))

IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")  # of a constant or an argument
NAME: Final = re.compile(r"[\w-]+")  # of a block or an input
LAYER_NAME: Final = re.compile(r"[\w-]+(\.[\w-]+)*")  # dotted, as the path of a model's module: downs.0.conv
INPUT: Final = re.compile(r"input\d*")  # the inputs of the net or the block, as `from` writes them
MAX_NAME: Final = 100  # characters
MAX_PATH: Final = 1_000  # characters of a dotted name


class Condition(Flag):
    """True or false; a whole number is true where it is not 0."""

    kind = "true, false or a whole number"

    def read(self, value: object) -> bool:
        return super().read(bool(value) if isinstance(value, int) else value)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": ["boolean", "integer"]}, EXPRESSION]}


def _named(name: str, parameter: Parameter[Any]) -> Any:
    parameter.name = name
    return parameter


@cache
def warnings() -> list[str]:
    """Return the codes of all warnings, which `allow` may name."""
    from cnnshape.problems.catalogue import CODES

    return sorted(code for code, kind in CODES.items() if issubclass(kind, Warn))


# Values of these keys, read as parameters are.
ENTERS: Final[AnyExtent] = _named("a shape", AnyExtent())
EXPECT: Final[AnyExtent] = _named("a shape", AnyExtent())
REPEAT: Final[Count] = _named("repeat", Count(least=0))
WHEN: Final[Condition] = _named("when", Condition())
FROZEN: Final[Flag] = _named("frozen", Flag())
COUNTS: Final[dict[str, Count]] = {
    name: _named(name, Count(least=0)) for name in ("parameters", "trainable", "parameters_with_buffers", "macs")
}
BATCH_SIZE: Final[Count] = _named("batch_size", Count())


def bad_name(name: str, good: re.Pattern[str] = NAME, most: int = MAX_NAME) -> Problem | None:
    """Return the problem of the name of a block or an input, without its place; None for a good one."""
    if len(name) > most:
        return reading.NameTooLong(name=shown(name), most=most)
    return None if good.fullmatch(name) else reading.NotAName(name=shown(name))


def bad_layer_name(name: str) -> Problem | None:
    """Return the problem of the name of a layer, without its place; None for a good one."""
    if INPUT.fullmatch(name):
        return reading.NameOfInput(name=name)
    return bad_name(name, LAYER_NAME, MAX_PATH if "." in name else MAX_NAME)


def bad_identifier(name: str) -> Problem | None:
    """Return the problem of the name of a constant or an argument, without its place; None for a good one."""
    if name in RESERVED:
        return reading.ReservedName(name=shown(name))
    return None if IDENTIFIER.fullmatch(name) else reading.NotAnIdentifier(name=shown(name))
