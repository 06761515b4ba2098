"""The records of a diagnosis: the cause of a problem, and the changes of its file that mend it.

They are facts; `show/` writes them. `cnnshape.diagnosis` makes them, when somebody first asks.
"""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class Link(NamedTuple):
    """A layer at which a side changes, and the sides behind it; the net's input has its own name."""

    layer: str
    sides: tuple[int, ...]


class Cause(NamedTuple):
    """The layer where one change would mend a problem; None is the net's input. `chains` lead from the input to it."""

    layer: str | None
    code: str  # a kind of cause: "rounds", "strides", "channels"
    message: str
    chains: tuple[
        tuple[Link, ...], ...
    ] = ()  # of a declared number two: what arrives, and what the number was made for
    facts: dict[str, Any] = {}  # noqa: RUF012 -- never changed


class Edit(NamedTuple):
    """One change, in the file's own layout: a parameter of a layer, "insert", "type" or "remove"; None is the input."""

    layer: str | None
    parameter: str
    old: Any
    new: Any


class Effect(NamedTuple):
    """The figures of the mended net; shapes channels first, without the batch."""

    output: tuple[int, ...] | None
    parameters: int | None
    macs: int | None


class Fix(Protocol):
    """A change of the file that was tried: the net was checked with it, as a whole."""

    @property
    def summary(self) -> str: ...
    @property
    def edits(self) -> tuple[Edit, ...]: ...
    @property
    def effect(self) -> Effect: ...
