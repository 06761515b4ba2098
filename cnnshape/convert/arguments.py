"""The numbers of a block's uses -> its arguments, and expressions over them.

In: for each setting of the block, its values in all uses (ABSENT where the layer is left out). Out: what the block writes for
the setting, and what each use hands to the block.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from cnnshape.file.keys import IDENTIFIER, RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator

ABSENT: Final = object()
CHANNELS: Final = {
    "out_channels",
    "out_features",
    "groups",
    "hidden_size",
    "num_features",
    "width",
    "expanded",
    "squeezed",
    "hidden",
}
NATURAL: Final = {"stride": 1, "dilation": 1, "groups": 1, "kernel_size": 3, "padding": 0}
FACTORS: Final = range(2, 17)

Vector = tuple[Any, ...]


class Unmergeable(Exception):  # noqa: N818 -- it says what the uses are
    """Uses of a block differ in what no argument can say."""


class Arguments:
    """The arguments of one block, as they are found."""

    def __init__(self, entering: Vector, leaving: Vector, *, squeezes: bool = False):
        self.entering, self.leaving = entering, leaving  # the channels of the block's first input, and of what it gives
        self.squeezes = squeezes  # it has a mean over the whole map
        self.vectors: dict[str, Vector] = {}  # by name, in the order of finding
        self.derived: dict[str, str] = {}  # defaults that are expressions, by name
        self.words: dict[str, Vector] = {}
        self.flags: dict[Vector, str] = {}  # conditions by the uses that have the layer

    def setting(  # noqa: PLR0913 -- all that is known of it
        self,
        key: str,
        values: Vector,
        channels: Vector,
        beside: dict[str, Any],
        others: dict[str, Vector],
        *,
        of_block: bool = False,
    ) -> Any:
        """Return what the block writes for a setting.

        `channels` enter the layer; `beside` has what is written for its settings so far, and `others` their values.
        """
        known = [value for value in values if value is not ABSENT]
        if all(value == known[0] and type(value) is type(known[0]) for value in known):
            return known[0]
        if any(value is None or isinstance(value, str) for value in known):
            raise Unmergeable
        numbers = all(type(value) is int for value in known)
        if found := self.said(key, values):
            return found
        if numbers and (found := self.of_layer(key, values, channels, beside, others)):
            return found
        if numbers and key in CHANNELS and (found := self.multiple(values, channels, of_block=of_block)):
            return found
        return self.new(self.role(key, values), values)

    def said(self, key: str, values: Vector) -> str:
        """Return the argument that has these values already."""
        for name, vector in self.vectors.items():
            alike = key == name.rstrip("_0123456789") or (key in CHANNELS and self.kind(name) in CHANNELS)
            if alike and agree(values, vector):
                return name
        return ""

    def kind(self, name: str) -> str:
        return name.rstrip("_0123456789")

    def of_layer(
        self, key: str, values: Vector, channels: Vector, beside: dict[str, Any], others: dict[str, Vector]
    ) -> str:
        """Return an expression over the layer's own channels and settings."""
        if key in CHANNELS and agree(values, channels):
            return "in_channels"
        if key == "groups" and "out_channels" in others and agree(values, others["out_channels"]):
            return str(beside["out_channels"])
        if key == "padding":
            for other, make in (("kernel_size", lambda k: k // 2), ("dilation", lambda d: d)):
                if other in others and isinstance(beside[other], str) and agree(values, _each(make, others[other])):
                    return beside[other] if other == "dilation" else f"{_grouped(beside[other])} // 2"
        return ""

    def multiple(self, values: Vector, channels: Vector, *, of_block: bool) -> str:
        """Return an expression over another argument, or over the channels that enter the layer or the block."""
        for name, known in self.vectors.items():
            if self.kind(name) in CHANNELS:
                for text, vector in multiples(name, known):
                    if agree(values, vector):
                        return text
        for text, vector in multiples("in_channels", channels) if not of_block else ():
            if agree(values, vector):
                return text
        for text, vector in multiples("in_channels", self.entering) if not of_block else ():
            if agree(values, vector):
                name = self.free(self.role("width", values))
                self.derived[name] = text
                self.vectors[name] = vector
                return name
        return ""

    def role(self, key: str, values: Vector) -> str:
        """Return what a person would call the argument for a setting."""
        if key == "repeat":
            return "depth"
        if key not in CHANNELS - {"groups"}:
            return key
        if agree(values, self.leaving):
            return "width"
        triples = zip(values, self.entering, self.leaving, strict=True)
        pairs = [triple for triple in triples if ABSENT not in triple]
        if all(v == b - a for v, a, b in pairs):
            return "growth"
        if self.squeezes and all(v <= b for v, _, b in pairs):
            return "squeezed"
        if all(v >= a and v >= b for v, a, b in pairs):
            return "expanded"
        return "width" if key.startswith("out_") else key

    def new(self, role: str, values: Vector) -> str:
        name = self.free(role)
        self.vectors[name] = values
        return name

    def free(self, role: str) -> str:
        word = role if IDENTIFIER.fullmatch(role) else "part"
        word = f"{word}_" if word in RESERVED else word
        taken = {*self.vectors, *self.words, *self.flags.values()}
        return word if word not in taken else next(name for n in range(2, 9999) if (name := f"{word}{n}") not in taken)

    def word(self, role: str, values: Vector) -> str:
        """Return the argument for a word, in braces; the word itself where all uses have the same."""
        known = {value for value in values if value is not ABSENT}
        if len(known) == 1:
            return known.pop()
        found = next((name for name, vector in self.words.items() if agree(values, vector)), "")
        name = found or self.free(role)
        self.words.setdefault(name, values)
        return f"{{{name}}}"

    # Layers that some uses leave out

    def flag(self, there: Vector, role: str) -> str:
        """Return the condition that is true for the uses that have a layer."""
        if there not in self.flags:
            self.flags[there] = self.condition(there) or self.new(role, there)
        return self.flags[there]

    def condition(self, there: Vector) -> str:
        for name, vector in self.vectors.items():
            known = tuple(value is not ABSENT for value in vector)
            if known == there and all(type(value) is int and value > 0 for value in vector if value is not ABSENT):
                self.vectors[name] = tuple(0 if value is ABSENT else value for value in vector)
                return f"{name} > 0"
        strides = self.vectors.get("stride", ())
        for text, vector in self.leaving_texts():
            same = tuple(a == b for a, b in zip(self.entering, vector, strict=True))
            conditions = [(f"in_channels == {text}", same), (f"in_channels != {text}", _not(same))]
            if strides and all(type(stride) is int for stride in strides):  # no list can be compared
                one = tuple(stride == 1 for stride in strides)
                both = tuple(a and b for a, b in zip(same, one, strict=True))
                first = [
                    (f"stride == 1 and in_channels == {text}", both),
                    (f"stride != 1 or in_channels != {text}", _not(both)),
                ]
                conditions = [*first, *conditions, ("stride != 1", _not(one))]
            for condition, truth in conditions:
                if truth == there:
                    name = self.free("residual" if "==" in condition else "project")
                    self.derived[name] = condition
                    self.vectors[name] = truth
                    return name
        return ""

    def leaving_texts(self) -> Iterator[tuple[str, Vector]]:
        for name, known in self.vectors.items():
            if self.kind(name) in CHANNELS and name not in self.derived and ABSENT not in known:
                yield from ((text, vector) for text, vector in multiples(name, known) if agree(vector, self.leaving))

    # What is written

    def head(self) -> dict[str, Any]:
        """Return the keys of the block that say its arguments."""
        required = [
            name
            for name, vector in self.vectors.items()
            if name not in self.derived and not self.optional(name, vector)
        ]
        defaults = {
            name: self.default(name) for name in self.vectors if name not in required and name not in self.derived
        }
        words = {
            name: Counter(v for v in vector if v is not ABSENT).most_common(1)[0][0]
            for name, vector in self.words.items()
        }
        head = {"arguments": required, "defaults": defaults | self.derived, "words": words}
        return {key: value for key, value in head.items() if value}

    def optional(self, name: str, vector: Vector) -> bool:
        plain = self.kind(name) in NATURAL or name in self.flags.values() or any(type(v) is bool for v in vector)
        return plain or ABSENT in vector or f"{name} > 0" in self.flags.values()

    def default(self, name: str) -> Any:
        known = [_hashed(value) for value in self.vectors[name] if value is not ABSENT]
        if f"{name} > 0" in self.flags.values():
            return 0
        natural = NATURAL.get(self.kind(name))
        return natural if natural in known else _listed(Counter(known).most_common(1)[0][0])

    def handed(self, use: int) -> dict[str, Any]:
        """Return what a use hands to the block, its defaults left out."""
        head = self.head()
        defaults = head.get("defaults", {}) | head.get("words", {})
        found = {}
        vectors = self.vectors | self.words
        for name in dict.fromkeys([*head.get("arguments", ()), *vectors]):
            value = vectors[name][use]
            if name not in self.derived and value is not ABSENT and not (name in defaults and value == defaults[name]):
                found[name] = value
        return found


def agree(values: Vector, vector: Vector) -> bool:
    """Say whether a vector has these values wherever they are known."""
    return len(values) == len(vector) and all(
        a is ABSENT or (b is not ABSENT and a == b and type(a) is type(b)) for a, b in zip(values, vector, strict=True)
    )


def multiples(name: str, vector: Vector) -> Iterator[tuple[str, Vector]]:
    """Yield expressions over a number, with their values: width, 4 * width, width // 4."""
    yield name, vector
    for factor in FACTORS:
        yield f"{factor} * {name}", _each(lambda v, f=factor: v * f, vector)
    for factor in FACTORS:
        if all(value is ABSENT or (type(value) is int and value % factor == 0) for value in vector):
            yield f"{name} // {factor}", _each(lambda v, f=factor: v // f, vector)


def _not(truths: Vector) -> Vector:
    return tuple(not truth for truth in truths)


def _each(function: Any, vector: Vector) -> Vector:
    return tuple(ABSENT if type(value) is not int else function(value) for value in vector)


def _grouped(text: str) -> str:
    return text if text.isidentifier() else f"({text})"


def _hashed(value: Any) -> Any:
    return tuple(map(_hashed, value)) if isinstance(value, list) else value


def _listed(value: Any) -> Any:
    return [*map(_listed, value)] if isinstance(value, tuple) else value
