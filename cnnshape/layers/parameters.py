"""The kinds of parameters: how a setting is read from TOML and from torch, its limits and default, its JSON Schema.

A layer type has its parameters as class attributes. A value of TOML comes in, with expressions evaluated, and goes out
in the one form that the rules take, or is refused (Wrong).
"""

from __future__ import annotations

import math
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any, Final, Generic, TypedDict, TypeVar, Unpack, overload

from cnnshape.numbers.formula import is_formula
from cnnshape.numbers.rules import equal
from cnnshape.numbers.shape import LARGEST, MAX_AXES, Shape, is_count
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems import values
from cnnshape.problems.suggest import did_you_mean, meant
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.numbers.rules import Require
    from cnnshape.problems.suggest import Suggestion

    class Traits(TypedDict, total=False):
        """Facts that a layer type may state of one parameter; each kind of parameter has defaults."""

        torch: bool  # torch's constructor has it
        compared: bool  # verify compares it; False: the shapes show it
        follows: bool  # it follows from the input, unless it is given
        sides: bool  # the output's sides depend on it, or which sides are refused
        spatial: bool  # it has one value for each spatial axis
        named: bool  # its value is shown with its name; False: the value says enough


T = TypeVar("T")

REQUIRED: Final[Any] = object()  # the default of a parameter that must be given
SAME_ENDS: Final = ("same_upper", "same_lower")  # paddings that follow the side that arrives
LARGEST_REAL: Final = float.fromhex("0x1.fffffep+127")  # torch's weights are float32


class Wrong(ValueError):  # noqa: N818 -- read as "this value is wrong: it must be ..."
    """A refused value; `problem` says why, without its place."""

    def __init__(self, problem: values.BadValue) -> None:
        super().__init__(problem)
        self.problem = problem

    def __str__(self) -> str:
        return self.problem.message


class Parameter(Generic[T]):
    """One parameter of a layer type: a class attribute there, its value on each layer.

    `kind` says what it takes, for people; `words` are the strings that it takes as they stand (any other string in
    an architecture file is an expression for a number).
    """

    kind = "a value"
    words: tuple[str, ...] = ()
    of_words = False  # every string is a word: an expression only within {...}
    torch, compared, follows, sides, spatial, named = True, True, False, False, False, True  # the traits
    laid_out = False  # a shape, whose entries stand in the file's layout
    name: str

    def __init__(self, default: T = REQUIRED, **traits: Unpack[Traits]):
        self.default = default
        vars(self).update(traits)

    @property
    def required(self) -> bool:
        return self.default is REQUIRED

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, layer: None, owner: type) -> Parameter[T]: ...
    @overload
    def __get__(self, layer: object, owner: type) -> T: ...
    def __get__(self, layer: object | None, owner: type) -> Parameter[T] | T:
        return self if layer is None else self.default  # a value given stands in the layer's __dict__, found first

    def read(self, value: object) -> T:
        """Return a value of TOML, with expressions evaluated, in the form that the rules take. Raises Wrong."""
        raise NotImplementedError

    def words_beside(self, table: Any) -> tuple[str, ...]:
        """Return the words that a layer may have, given its table of TOML."""
        return self.words

    def plain(self, value: Any, rank: int) -> Any:
        """Return a setting in the form that is compared: (3, 3) for 3, an axis counted from the front."""
        return value

    def of_torch(self, value: Any) -> Any:
        """Return the value of torch's attribute or argument of that name in the form that `read` gives; None: not given."""
        return tuple(value) if isinstance(value, list | tuple) else value

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values that a file may write."""
        raise NotImplementedError

    def left_out(self) -> str:
        """Say, for people, what the value is where a file leaves it out; "" where the docstring of the layer says it."""
        if self.required:
            return "must be given"
        return "" if self.default is None else f"{shown(self.default)}, if left out"

    def refuse(self, value: object, why: type[values.BadValue], suggestions: tuple[Suggestion, ...] = ()) -> Wrong:
        return Wrong(why(key=self.name, takes=self.kind, value=shown(value), suggestions=suggestions))


def _misfit(value: object, kinds: type | tuple[type, ...] = int) -> type[values.BadValue]:
    """Return the problem of a refused value: out of range if its kind is right, else of the wrong kind."""
    return values.OutOfRange if isinstance(value, kinds) and not isinstance(value, bool) else values.WrongKind


EXPRESSION: Final = {"type": "string", "description": "an expression", "pattern": r"[A-Za-z0-9_(]"}


def whole_number(least: int, most: int = LARGEST) -> dict[str, Any]:
    """Return the JSON Schema of a whole number, or an expression for one."""
    limits = {"minimum": least} if most == LARGEST else {"minimum": least, "maximum": most}
    return {"anyOf": [{"type": "integer", **limits}, EXPRESSION]}


class Count(Parameter[int]):
    """A whole number, at least `least`."""

    def __init__(self, default: int = REQUIRED, *, least: int = 1, **traits: Unpack[Traits]):
        super().__init__(default, **traits)
        self.least = least
        self.kind = f"a whole number from {least} up"

    def read(self, value: object) -> int:
        if not is_count(value, self.least):
            raise self.refuse(value, _misfit(value))
        return value

    def of_torch(self, value: Any) -> Any:
        return value[0] if isinstance(value, tuple) and len({*value}) == 1 else value

    def schema(self) -> dict[str, Any]:
        return whole_number(self.least)


class Inferred(Count):
    """A number that the input decides, as in_channels; left out it is inferred, given it is checked.

    `takes` computes it from a layer and its input's shape.
    """

    follows = True

    def __init__(self, takes: Callable[[Any, Shape], Any]):
        super().__init__(None)  # type: ignore[arg-type]  # no layer that runs has None: building one fills it in
        self.takes = takes

    def left_out(self) -> str:
        return "what arrives, if left out"

    def compare(self, arrives: Any, declared: Any, require: Require) -> None:
        require(equal(arrives, declared), "declared-differs", parameter=self.name, declared=declared, arrives=arrives)


class InferredShape(Inferred):
    """A shape that the input decides, as normalized_shape."""

    laid_out = True

    def __init__(self, takes: Callable[[Any, Shape], Any]):
        super().__init__(takes)
        self.kind = "a whole number from 1 up, or a list of them"

    def read(self, value: object) -> Any:
        sizes = value if isinstance(value, list) else [value]
        if not 0 < len(sizes) <= MAX_AXES:
            raise self.refuse(value, values.WrongLength)
        for size in sizes:
            if not is_count(size, 1):
                raise self.refuse(value, _misfit(size))
        return tuple(sizes)

    def of_torch(self, value: Any) -> Any:
        return tuple(value) if isinstance(value, list | tuple) else value

    def compare(self, arrives: Any, declared: Any, require: Require) -> None:
        if declared is UNKNOWN:
            return
        same = len(arrives) == len(declared) and reduce(and_, map(equal, arrives, declared))
        require(same, "declared-differs", parameter=self.name, declared=declared, arrives=arrives)

    def schema(self) -> dict[str, Any]:
        one = super().schema()
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one, "minItems": 1}]}


class PerAxis(Parameter[Any]):
    """A whole number, at least `least`, or a list with one for each spatial axis; some take a word as well.

    `same_as` names the parameter whose value this one has where it is left out, as a pool's stride is its kernel_size.
    """

    sides = spatial = True
    most = LARGEST

    def __init__(
        self,
        default: Any = REQUIRED,
        *,
        least: int = 1,
        words: tuple[str, ...] = (),
        same_as: str = "",
        **traits: Unpack[Traits],
    ):
        super().__init__(None if same_as else default, **traits)
        self.same_as = same_as
        self.least = least
        self.words = words
        self.kind = f"a whole number from {least} up, or a list with one for each spatial axis{_or(words)}"

    def __get__(self, layer: object | None, owner: type) -> Any:
        return getattr(layer, self.same_as) if layer is not None and self.same_as else super().__get__(layer, owner)

    def left_out(self) -> str:
        return f"as {self.same_as}, if left out" if self.same_as else super().left_out()

    def entry(self, value: object) -> Any:
        """Return the value of one axis. Raises Wrong."""
        if type(value) is int and self.least <= value <= self.most:  # as most are
            return value
        if not is_count(value, self.least):
            raise self.refuse(value, _misfit(value))
        if value > self.most:
            takes = f"at most {self.most}, for which torch has 32 bits"
            raise Wrong(values.OutOfRange(key=self.name, takes=takes, value=shown(value)))
        return value

    def read(self, value: object) -> Any:
        if isinstance(value, str) and value in self.words:
            return value
        if not isinstance(value, list):
            return self.entry(value)
        if not 0 < len(value) <= MAX_AXES:
            raise self.refuse(value, values.WrongLength)
        try:
            return tuple(map(self.entry, value))
        except Wrong as error:
            error.problem.facts["value"] = shown(value)  # as a whole
            raise

    def plain(self, value: Any, rank: int) -> Any:
        return per_axis(value, rank) if self.spatial else value

    def entry_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the value of one axis."""
        return whole_number(self.least, self.most)

    def schema(self) -> dict[str, Any]:
        words = [{"enum": list(self.words)}] if self.words else []
        one = self.entry_schema()
        return {"anyOf": [*words, *one["anyOf"], {"type": "array", "items": one, "minItems": 1}]}


def _or(words: tuple[str, ...]) -> str:
    return "".join(f', or "{word}"' for word in words)


class WindowSetting(PerAxis):
    """A setting of sliding windows, in cells."""

    most = 2**31 - 1  # what torch's windows are counted in; beyond, some refuse and others wrap around


class PairOf(WindowSetting):
    """A setting of the windows of an image, of a layer into which another shape comes."""

    spatial = False

    def __init__(self, default: Any = REQUIRED, *, least: int = 1):
        super().__init__(default, least=least)
        self.kind = f"a whole number from {least} up, or a list with one for height and width"

    def read(self, value: object) -> Any:
        if isinstance(value, list) and len(value) != 2:  # noqa: PLR2004 -- height and width
            raise self.refuse(value, values.WrongLength)
        return super().read(value)

    def plain(self, value: Any, rank: int) -> Any:
        return per_axis(value, 2)


class Padding(WindowSetting):
    """Cells added at both ends, or a word: SAME_ENDS follow the side and the stride; some types have others as well."""

    def __init__(self, *others: str):
        super().__init__(0, least=0, words=(*others, *SAME_ENDS))

    def words_beside(self, table: Any) -> tuple[str, ...]:
        stride = table.get("stride", 1) if isinstance(table, dict) else 1
        return self.words if stride in (1, [1], [1, 1], [1, 1, 1]) else tuple(w for w in self.words if w != "same")


class KeptSize(PerAxis):
    """A side to reach, or "keep" for an axis left as it is."""

    compared = False

    def __init__(self) -> None:
        super().__init__(None, words=("keep",))
        self.kind = f'a side, or a list with a side or "keep" for each spatial axis{_or(self.words)}'

    def entry(self, value: object) -> Any:
        return value if value == "keep" else super().entry(value)

    def of_torch(self, value: Any) -> Any:
        sides = tuple("keep" if side is None else side for side in value) if isinstance(value, list | tuple) else value
        return "keep" if sides is None else sides

    def entry_schema(self) -> dict[str, Any]:
        return {"anyOf": [*super().entry_schema()["anyOf"], {"enum": ["keep"]}]}


class Factor(PerAxis):
    """A positive number, or a list with one for each spatial axis."""

    def __init__(self, default: Any = None, **traits: Unpack[Traits]):
        super().__init__(default, **traits)
        self.kind = "a positive number, or a list with one for each spatial axis"

    def entry(self, value: object) -> Any:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LARGEST:
            raise self.refuse(value, _misfit(value, (int, float)))
        return value

    def entry_schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "exclusiveMinimum": 0}, EXPRESSION]}


class Ends(PerAxis):
    """Cells at both ends, or a list with one entry for each spatial axis: a number, or [before, after].

    Where it is not `spatial` there is one axis, and a list is [before, after] itself.
    """

    def __init__(self, default: int = 0, *, least: int, spatial: bool = True):
        super().__init__(default, least=least, torch=False, sides=spatial, spatial=spatial)
        entry = "a whole number" + f" from {least} up" * (least >= 0) + ", or a pair [before, after]"
        self.kind = f"a number, or a list with one entry for each spatial axis: {entry}" if spatial else entry

    def entry(self, value: object) -> Any:
        if not isinstance(value, list):
            return super().entry(value)
        if len(value) != 2:  # noqa: PLR2004 -- before and after
            raise self.refuse(value, values.WrongLength)
        try:
            return tuple(map(super().entry, value))
        except Wrong as error:
            raise self.refuse(value, type(error.problem)) from None

    def read(self, value: object) -> Any:
        return super().read(value) if self.spatial else self.entry(value)

    def plain(self, value: Any, rank: int) -> Any:
        return tuple(map(ends, super().plain(value, rank))) if self.spatial else value

    def of_torch(self, value: Any) -> Any:
        """Pair torch's numbers by axis: (1, 2, 3, 4) has the last axis first, and becomes ((3, 4), (1, 2))."""
        if not self.spatial:
            return super().of_torch(value)
        return tuple(zip(value[::2], value[1::2], strict=True))[::-1] if isinstance(value, list | tuple) else value

    def entry_schema(self) -> dict[str, Any]:
        number = super().entry_schema()
        return {"anyOf": [*number["anyOf"], {"type": "array", "items": number, "minItems": 2, "maxItems": 2}]}

    def schema(self) -> dict[str, Any]:
        return super().schema() if self.spatial else self.entry_schema()


class Extent(Parameter[Shape]):
    """A shape, in the file's layout."""

    kind = "a list of whole numbers from 1 up, as [3, 224, 224]"
    laid_out = True
    least = 1
    fewest = 1  # axes
    compared = False
    sides = True

    def read(self, value: object) -> Shape:
        if not isinstance(value, list):
            raise self.refuse(value, values.WrongKind)
        if not self.fewest <= len(value) <= MAX_AXES:
            raise self.refuse(value, values.WrongLength)
        for size in value:
            if size == 0 or not is_count(size, self.least):
                raise self.refuse(value, _misfit(size))
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "minItems": self.fewest, "items": whole_number(self.least)}


class AnyExtent(Extent):
    """A shape that may have no axes: [] for one number a sample."""

    kind = "a list of whole numbers from 1 up, as [3, 224, 224]; [] for one number a sample"
    fewest = 0


class Sizes(AnyExtent):
    """A shape, in the file's layout; one entry may be -1: what is left."""

    kind = "a list of whole numbers, one of which may be -1"
    least = -1

    def read(self, value: object) -> Shape:
        shape = super().read(value)
        if shape.count(-1) > 1:
            raise self.refuse(value, values.SeveralRests)
        return shape


class OutShape(Parameter[Any]):
    """What comes out, for each axis: a number, "keep", or a formula over the axes that enter; "keep" for the whole."""

    words = ("keep",)
    kind = 'a list with a number, "keep", or a formula over the axes (c; l; h, w; d, h, w) for each axis, or "keep"'
    of_words = True
    compared = False
    laid_out = True
    sides = True

    def __init__(self) -> None:
        super().__init__(torch=False)

    def read(self, value: object) -> Any:
        if value == "keep":
            return value
        if not isinstance(value, list):
            raise self.refuse(value, values.WrongKind)
        if len(value) > MAX_AXES:
            raise self.refuse(value, values.WrongLength)
        for entry in value:
            if not is_count(entry, 1) and not (isinstance(entry, str) and (entry == "keep" or is_formula(entry))):
                raise self.refuse(value, _misfit(entry))
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        entry = {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}]}
        return {"anyOf": [{"enum": ["keep"]}, {"type": "array", "items": entry}]}


class Figure(Parameter[Any]):
    """A count: a number, or a formula over the axes that enter."""

    kind = "a whole number from 0 up, or a formula over the axes (c; l; h, w; d, h, w)"
    of_words = True
    compared = False

    def __init__(self, default: int):
        super().__init__(default, torch=False)

    def read(self, value: object) -> Any:
        if not is_count(value, 0) and not (isinstance(value, str) and is_formula(value)):
            raise self.refuse(value, _misfit(value))
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string"}]}


class Text(Parameter[str]):
    """A text as it stands, as the path of a module."""

    kind = "a text"
    of_words = True
    compared = False

    def __init__(self) -> None:
        super().__init__(None, torch=False)  # type: ignore[arg-type]  # it is not said

    def read(self, value: object) -> str:
        if not isinstance(value, str) or not value:
            raise self.refuse(value, values.WrongKind)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


class Split(Sizes):
    """The sizes that one axis is split into; one entry may be -1: what is left."""

    fewest = 1
    laid_out = False


class Flag(Parameter[bool]):
    """True or false."""

    kind = "true or false"

    def of_torch(self, value: Any) -> Any:
        return value if isinstance(value, bool) or value is UNKNOWN else value is not None  # the very bias, or None

    def read(self, value: object) -> bool:
        if not isinstance(value, bool):
            raise self.refuse(value, values.WrongKind)
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, EXPRESSION]}


class Real(Parameter[float]):
    """A number that fits a float32, or infinity; it bears on values, not on shapes."""

    def __init__(
        self,
        default: float = REQUIRED,
        *,
        least: float = -math.inf,
        most: float = math.inf,
        nonzero: bool = False,
        finite: bool = False,
    ):
        super().__init__(default)
        self.least, self.most, self.nonzero, self.finite = least, most, nonzero, finite
        limits = f" from {least:g}" * (least > -math.inf) + f" to {most:g}" * (most < math.inf)
        self.kind = f"a {'finite ' * finite}number{limits}{' other than 0' * nonzero}"

    def read(self, value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not self.allows(value):
            raise self.refuse(value, _misfit(value, (int, float)))
        return value

    def allows(self, value: float) -> bool:
        if isinstance(value, int):
            fits = abs(value) <= LARGEST
        else:
            fits = abs(value) <= LARGEST_REAL or (math.isinf(value) and not self.finite)
        if not fits or not self.least <= value <= self.most:
            return False
        return not self.nonzero or abs(value) * LARGEST_REAL >= 1  # other than 0: torch divides by it

    def schema(self) -> dict[str, Any]:
        limits = {"minimum": self.least, "maximum": self.most}
        finite = {name: limit for name, limit in limits.items() if math.isfinite(limit)}
        return {"anyOf": [{"type": "number", **finite}, EXPRESSION]}


class Whole(Parameter[int]):
    """A whole number that may be negative."""

    kind = "a whole number"
    nonzero = False

    def read(self, value: object) -> int:
        if not is_count(value, -LARGEST) or (self.nonzero and value == 0):
            raise self.refuse(value, _misfit(value))
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "integer"}, EXPRESSION]}


class Dim(Whole):
    """An axis, counted as torch does: 0 is the batch (refused), 1 the channels, then space; negative from the end."""

    kind = "an axis: 1 the channels, then space, or negative from the end (0 is the batch)"
    nonzero = True
    sides = True

    def plain(self, value: int, rank: int) -> int:
        return value if value > 0 else value + rank + 2


class Axes(Parameter[tuple[int, ...]]):
    """Several axes, each counted as a Dim; one number is a list of one."""

    kind = "an axis, or a list of them: 1 the channels, then space, or negative from the end (0 is the batch)"
    sides = True

    def read(self, value: object) -> tuple[int, ...]:
        axes = value if isinstance(value, list) else [value]
        if not 0 < len(axes) <= MAX_AXES:
            raise self.refuse(value, values.WrongLength)
        for axis in axes:
            if axis == 0 or not is_count(axis, -LARGEST):
                raise self.refuse(value, _misfit(axis))
        return tuple(axes)

    def plain(self, value: tuple[int, ...], rank: int) -> tuple[int, ...]:
        return tuple(axis if axis > 0 else axis + rank + 2 for axis in value)

    def schema(self) -> dict[str, Any]:
        one = whole_number(-LARGEST)
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one, "minItems": 1}]}


class Order(Axes):
    """All axes in some order, as a list; the batch may stand first, in its place."""

    kind = "a list of all axes: 1 the channels, then space, or negative from the end"

    def read(self, value: object) -> tuple[int, ...]:
        if not isinstance(value, list):
            raise self.refuse(value, values.WrongKind)
        if len(value) > 1 and value[0] == 0 and is_count(value[0], 0):
            value = value[1:]
        return super().read(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": whole_number(-LARGEST), "minItems": 1}


class Divisor(Whole):
    """A whole number other than 0."""

    kind = "a whole number other than 0"
    nonzero = True


class Word(Parameter[str]):
    """One of some words."""

    of_words = True

    def __init__(self, default: str = REQUIRED, *, words: tuple[str, ...], **traits: Unpack[Traits]):
        super().__init__(default, **traits)
        self.words = words
        self.kind = "one of " + ", ".join(f'"{word}"' for word in words) if len(words) > 1 else f'"{words[0]}"'

    def read(self, value: object) -> str:
        if not isinstance(value, str):
            raise self.refuse(value, values.WrongKind)
        if value not in self.words:
            raise self.refuse(value, values.UnknownWord, did_you_mean(meant(value, self.words, "value")))
        return value

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": list(self.words)}, {"type": "string", "pattern": r"\{"}]}


class Reference(Parameter[Any]):
    """The name of an earlier layer, whose result (of a `max_pool`: whose input) enters here, too."""

    of_words = True
    compared = False

    def __init__(self, to: str = ""):
        super().__init__(REQUIRED if to else None, torch=False)
        self.to = to  # the type that it must have, if only one will do
        self.kind = f"the name of a {to}" if to else "the name of a layer, or input"

    def of_torch(self, value: Any) -> None:
        """Nothing: torch is given the result of a layer, not its name."""

    def read(self, value: object) -> Any:
        if not isinstance(value, str):
            raise self.refuse(value, values.WrongKind)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


def per_axis(value: Any, rank: int) -> tuple[Any, ...]:
    """Expand 3 to (3, 3), for `rank` spatial axes."""
    return value if isinstance(value, tuple) else (value,) * rank


def ends(value: Any) -> tuple[Any, Any]:
    """Expand 1 to (1, 1), the cells before and after; a pair is left as it is."""
    return value if isinstance(value, tuple) else (value, value)
