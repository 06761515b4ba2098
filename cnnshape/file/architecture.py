"""The records of an architecture file: its layers, blocks and claims, in the file's own terms.

Reading makes them from TOML, every value checked as far as the text alone allows. A setting that depends on the input
or on a block's arguments is still an Expression here; building settles it, by the functions at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.exact import as_toml
from cnnshape.file.expression import Expression, Template
from cnnshape.layers.parameters import Wrong
from cnnshape.numbers.shape import Shape, from_file
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.place import Place
from cnnshape.problems.suggest import advice
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnnshape.file.files import Files
    from cnnshape.file.tokens import ExpressionError
    from cnnshape.layers.parameters import Parameter
    from cnnshape.network.graph import Claim
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath, SourceText

# A parameter's value in its final form, or with an Expression or a Template in it; None where it is wrong.
Setting = Any

PARSED: Final = (Expression, Template)
NO_REPEAT: Final = object()  # one copy, without a number in its name


class Step:
    """One entry of `layers`: a layer, or the use of a block.

    Building reads its fields for every copy, and those of a NamedTuple take three times as long.
    """

    __slots__ = (
        "allow",
        "block",
        "broken",
        "expect",
        "frozen",
        "inputs",
        "keys",
        "lost",
        "name",
        "optional",
        "place",
        "repeat",
        "settings",
        "settled",
        "shares",
        "shares_weight",
        "title",
        "type",
        "when",
    )

    def __init__(  # noqa: PLR0913 -- a record
        self,
        place: Place,
        *,
        keys: frozenset[str] = frozenset(),
        type: str | Template = "",  # noqa: A002 -- the key
        block: str | Template = "",
        name: str | Template = "",
        inputs: tuple[str | Template, ...] | None = None,
        optional: bool = False,
        settings: dict[str, Setting] | None = None,
        settled: bool = True,
        repeat: Setting = NO_REPEAT,
        when: Setting = True,
        shares: str | Template = "",
        shares_weight: str | Template = "",
        frozen: Setting = False,
        expect: Setting = None,
        allow: frozenset[str] = frozenset(),
        broken: bool = False,
        lost: bool = False,
    ):
        self.place: Final = place
        self.keys: Final = keys  # of its table
        self.type: Final = type
        self.block: Final = block
        self.name: Final = name
        self.title: Final = name if isinstance(name, str) else ""  # the name, where it has no expression
        self.inputs: Final = inputs  # `from`; None: the result of the step before
        self.optional: Final = optional  # an entry of `from` may be absent, as "?skip"
        self.settings: Final = {} if settings is None else settings
        self.settled = settled  # no setting waits for a scope
        self.repeat: Final = repeat
        self.when: Final = when
        self.shares: Final = shares
        self.shares_weight: Final = shares_weight
        self.frozen: Final = frozen
        self.expect: Final = expect
        self.allow: Final = allow
        self.broken = broken  # a problem was found in it
        self.lost = lost  # its name is not known, or the layers that it stands for are not

    def fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name != "title"}

    @property
    def of(self) -> str | Template:
        """The type or the block; "" where that of the step it shares with is taken."""
        return self.type or self.block

    @property
    def raw(self) -> bool:
        """Whether the settings are as TOML has them: the type or the block is known in building only."""
        of = self.type or self.block
        return not of or isinstance(of, Template)

    def at(self, key: str) -> Place:
        return Place(self.place.source, (*self.place.path, key)) if key in self.keys else self.place


class File(NamedTuple):
    """The part of one file that its blocks and layers see: layout, constants, defaults, and blocks."""

    source: SourceText
    layout: str
    constants: dict[str, Any]
    defaults: dict[str, dict[str, Any]]  # [layer_defaults], by type and parameter
    blocks: dict[str, Block]


class Block(NamedTuple):
    """Layers with arguments, to be used like a function."""

    name: str
    file: File
    place: Place
    arguments: tuple[str, ...]  # those that must be given
    defaults: dict[str, Setting]  # those that may be given: numbers, truth values, expressions, lists of them
    words: dict[str, Setting]  # those that may be given, and are words
    gives: tuple[str, ...]  # the layers whose results it gives; () for the last one's alone
    steps: tuple[Step, ...]
    expansions: dict[Any, Any]  # those made so far, by arguments and shapes (cnnshape.assemble.uses)

    def parameters(self) -> tuple[str, ...]:
        return (*self.arguments, *self.defaults, *self.words)


class Architecture(NamedTuple):
    """The record of one file. `problems` are those found in it so far."""

    file: File
    name: str = ""
    source: str = ""
    inputs: dict[str, Shape | None] = {}  # noqa: RUF012 -- never changed
    steps: tuple[Step, ...] = ()
    outputs: dict[str, Place] | None = None
    claims: tuple[Claim, ...] = ()
    training: dict[str, Any] = {}  # noqa: RUF012 -- never changed
    allow: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    files: Files | None = None  # the files that it was read from; None: it could not be read


class Unsettled(Exception):  # noqa: N818 -- it says what a setting is
    """A setting cannot be known, since a value that it uses is wrong; this has a problem of its own."""


class Scope(dict[str, Any]):
    """The values of names: its own, and those of a file's constants, which are not copied; UNKNOWN raises Unsettled."""

    __slots__ = ("constants",)
    constants: Mapping[str, Any]

    @classmethod
    def of(cls, own: Mapping[str, Any], constants: Mapping[str, Any]) -> Scope:
        scope = cls(own)
        scope.constants = constants
        return scope

    def __missing__(self, name: str) -> Any:
        value = UNKNOWN if name == "in_channels" else self.constants[name]  # its own values are found before
        if value is UNKNOWN:
            raise Unsettled
        return value

    def __iter__(self) -> Iterator[str]:
        yield from super().__iter__()
        yield from self.constants


def waits(setting: Setting) -> bool:
    """Say whether a setting has an expression in it."""
    return isinstance(setting, PARSED) or (isinstance(setting, list) and any(map(waits, setting)))


def settle(setting: Setting, scope: Scope) -> Any:
    """Return a setting with its expressions evaluated. Raises ExpressionError, and Unsettled."""
    if setting is None:
        raise Unsettled
    if isinstance(setting, PARSED):
        return setting.evaluate(scope)
    return tuple([settle(entry, scope) for entry in setting]) if isinstance(setting, list) else setting


def mistake(place: Place, setting: Setting, error: ExpressionError) -> Place:
    """Return the place of a mistake in an expression, given the setting, and the setting's place."""
    return place._replace(path=(*place.path, *_way(setting, error.text)), part=(error.start, error.end))


def _way(setting: Setting, text: str) -> KeyPath:
    """Return the indices that lead to an expression of this text, in lists within lists."""
    entries = enumerate(setting) if isinstance(setting, list) else ()
    return next(((i, *_way(entry, text)) for i, entry in entries if text in _texts(entry)), ())


def _texts(setting: Setting) -> Iterator[str]:
    """Yield the texts of the expressions in a setting."""
    if isinstance(setting, PARSED):
        yield setting.text
    elif isinstance(setting, list):
        for entry in setting:
            yield from _texts(entry)


def length(setting: Setting) -> int:
    """Return the characters of a setting that are to be evaluated, those of fractions thrice; 1 where there are none."""
    if isinstance(setting, PARSED):
        return setting.length
    if isinstance(setting, list):
        return sum(map(length, setting))
    return len(setting) if isinstance(setting, str) else 1


def final(parameter: Parameter[Any], value: object, layout: str) -> Any:
    """Return a parameter's value in its final form, shapes channels first. Raises Wrong."""
    if type(value) in (int, bool):  # as most are
        return parameter.read(value)
    given = as_toml(value)
    try:
        result = parameter.read(given)
    except Wrong as error:
        if "whole" in parameter.kind and not isinstance(value, list) and _broken(given):  # a list is as TOML has it
            error.problem.suggestions += advice("round(...), floor(...) or ceil(...) makes it whole")
        raise
    return from_file(result, layout) if parameter.laid_out and isinstance(result, tuple) else result


def _broken(value: Any) -> bool:
    """Say whether a value is, or has in it, a number that is not whole."""
    return isinstance(value, float) or (isinstance(value, list) and any(map(_broken, value)))
