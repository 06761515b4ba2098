"""The records of a diagnosis: the cause of a problem, and the changes of its file that mend it.

They are facts; `show/` writes them. `cnnshape.diagnosis` makes them, when somebody first asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from cnnshape.problems.place import Place, Range


class Link(NamedTuple):
    """A layer at which a side changes, and the sides behind it; the net's input has its own name."""

    layer: str
    sides: tuple[int, ...]


class Mark(NamedTuple):
    """A place in a file, and the words to be written under it: the shape of an entry of `from`."""

    place: Place
    words: str


class Chain(NamedTuple):
    """One way through the net: the links from the input to where the problem shows, and what is to be said of them."""

    links: tuple[Link, ...]
    axis: int | None = None  # the place of the side in question, where one of several is
    label: str = ""  # the name of the way, where there are two: "branch", "shortcut"
    factors: tuple[int, ...] = ()  # whose product is the number in question: 512, 7, 7
    about: str = ""  # "what arrives", "what fc1 was made for"


class Cause(NamedTuple):
    """The layer where one change would mend a problem (None is the net's input), and the facts that say so."""

    layer: str | None
    code: str  # a kind of cause: "rounds", "strides", "channels"
    message: str
    chains: tuple[Chain, ...] = ()  # of a declared number two: what arrives, and what the number was made for
    notes: tuple[str, ...] = ()  # further sentences, which stand below the chains
    remark: str = ""  # on what no fix does
    marks: tuple[Mark, ...] = ()  # of the join at fault, or of the input
    facts: dict[str, Any] = {}  # noqa: RUF012 -- never changed
    place: Place | None = None  # of the layer, or of the input

    @property
    def chain(self) -> tuple[Link, ...]:
        """The links of the first chain, () where there is none."""
        return self.chains[0].links if self.chains else ()


class Edit(NamedTuple):
    """One change, in the file's own layout: a parameter of a layer, "insert", "type", "remove" or "key", which is renamed.

    Without a layer it is the net's input, or another key of the file.
    """

    layer: str | None
    parameter: str
    old: Any
    new: Any


class Effect(NamedTuple):
    """The figures of the mended net; shapes channels first, without the batch."""

    output: tuple[int, ...] | None
    parameters: int | None
    macs: int | None


class Change(NamedTuple):
    """A range of a file's text, which may be a point, and the text that takes its place."""

    file: str
    range: Range
    text: str


class Fix(Protocol):
    """A change of the file that was tried: the net was checked with it, as a whole."""

    @property
    def summary(self) -> str: ...
    @property
    def also(self) -> str: ...
    @property
    def edits(self) -> tuple[Edit, ...]: ...
    @property
    def effect(self) -> Effect: ...
    @property
    def changes(self) -> tuple[Change, ...]: ...
    def apply(self, text: str) -> str: ...
