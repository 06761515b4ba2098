"""The records of a diagnosis: the cause of a problem, and the changes of its file that mend it.

They are facts; `show/` writes them. `cnnshape.diagnosis` makes them, when somebody first asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from cnnshape.problems.place import Place, Range


CAUSES: Final = {  # the kinds of causes
    "rounds": "two ways into a join part at a layer that does not scale its side by exactly its stride. Choose a side that"
    " divides (`input`), or padding and output_padding with which the layer is exact; or tell a resize its target (`like`)",
    "strides": "one of two ways strides more than the other, or than is expected. Take the stride out, give the other way"
    " the same, or a resize to one of them",
    "resize": "a layer sets a side by `size`, `like` or a factor that is not exact, and another is wanted. Name the layer"
    " whose side it is to have",
    "count": "a declared number is that of no usual input of this net. Write what arrives, or leave the number out",
    "input-size": "a declared number, a reshape or an expectation belongs to another input. Give the net that input, or"
    " write what arrives",
    "mirror": "the way up does not mirror the way down: a step gives another side than there was. An output_padding or a"
    " kernel of that step brings it back",
    "order": "the axes are in another order: channels at the wrong end, time and features exchanged, a batch in front."
    " Write the input in the file's order, or say its `layout`",
    "channels": "a layer makes other channels than are wanted. Change its out_channels, or the number that wants them",
    "input-channels": "the input is grey, and the net was made for colours, or the other way round",
    "groups": "channels cannot be dealt out in groups or heads. Choose a number that divides them",
    "fixed-window": "a pool with a fixed window was to leave one cell of each channel, and leaves more. An adaptive or"
    " global pool leaves one at any input",
    "shrunk": "the layers before have left too small a side for a window. Let a larger input enter, or take a layer out",
    "figure": "a claimed figure counts something else than the net has: biases, buffers, additions, another input; or"
    " a side is claimed that some layer refuses. Change the layer, or write the net's own figure",
    "rank": "axes are missing or too many: a flat value enters a layer that works on space, or a map one that does not."
    " A flatten or a reshape stands between them",
}


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
