"""The record of a built net: its nodes, with the expectations and claims of its file. Every number is settled.

A value is a number for a tensor of the graph: 0 where nothing is known, then one for each input of the net, then one
for each node, in the order of running. `assemble` makes the record; everything else in this folder reads it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from cnnshape.problems.place import Place
from cnnshape.records import NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cnnshape.layers.base import Layer
    from cnnshape.numbers.shape import Input, Shape
    from cnnshape.problems.base import Diagnosis, Problem

UNRESOLVED: Final = 0  # the value of an input that cannot be resolved: nothing is known of it


class Node(NamedTuple):
    """One layer where it stands in the net."""

    name: str  # dotted: stage1.0.conv2; unnamed layers are called by their type and a number
    type: str
    layer: Layer | None  # None: the file is wrong about it
    inputs: tuple[int, ...]  # the values that enter, those of references last
    place: Place
    keys: frozenset[str] = frozenset()  # of the layer's table
    used_at: tuple[Place, ...] = ()  # the uses of blocks around it, from the inside out
    shares: str = ""  # the layer whose weights it uses
    shares_weight: str = ""  # the layer whose weight it uses, with a bias of its own
    frozen: bool = False  # its parameters are not trained
    allow: frozenset[str] = frozenset()  # the codes of warnings that are silenced here
    blocks: tuple[str, ...] = ()  # the block of each part of the dotted name but the last

    @property
    def joined(self) -> tuple[int, ...]:
        """The values that enter, those of references left out."""
        layer = self.layer
        if layer is None or not layer.references:  # as most layers
            return self.inputs
        return self.inputs[: len(self.inputs) - sum(key in vars(layer) for key in layer.references)]

    def at(self, *keys: str) -> Place:
        """Return the place of the first of the keys that the layer's table has, or else of the layer."""
        found = next((key for key in keys if key in self.keys), None)
        return self.place if found is None else Place(self.place.source, (*self.place.path, found))


new_node: Final[Callable[[tuple[Any, ...]], Node]] = partial(tuple.__new__, Node)  # of all fields, in half the time


class Expectation(NamedTuple):
    """An `expect` of the file: the shape of one value at the declared input."""

    value: int
    shape: Shape
    layer: str
    place: Place
    used_at: tuple[Place, ...]


class Claim(NamedTuple):
    """An entry of [claims]: a figure, or the shape of an output."""

    name: str
    claimed: Any
    place: Place
    output: str | None = None  # the output's name, "" for the last one


class Diagnose(Protocol):
    """Makes the diagnosis of the report that a check at this input gives; nothing is worked out yet."""

    def __call__(self, given: Input | None, *, strict: bool) -> Diagnosis: ...


class Origin(Protocol):
    """The file that a net was built from, to build it anew with other constants, by name; `with_constants` says more."""

    def check_names(self, names: Iterable[str]) -> None:
        """Raise TypeError for a name that is no constant or setting of the file."""

    def varied(self, constants: Mapping[str, Any]) -> Any:
        """Return the Network. Raises TypeError, and ArchitectureError."""

    def totals(self, given: Input | int | None, constants: Mapping[str, Any]) -> Any:
        """Return the Totals. Raises TypeError, and ValueError."""

    def with_left_out(self, name: str) -> tuple[Any, list[Any]]:
        """Return the Network with a layer, or a use of a block, that it leaves out, and the conditions that do so."""

    def fitting(self, given: Input | int | None, constants: Mapping[str, Any]) -> Any:
        """Return the Totals of a net that has no error, else None. Raises as `totals`."""


class Graph(NamedTuple):
    """The record of a net, built at its declared input. Shapes are channels first, without the batch."""

    name: str
    source: str
    file: str
    layout: str
    inputs: dict[str, Shape | None]  # None: the file is wrong about it
    nodes: tuple[Node, ...]
    outputs: dict[str, int]  # the values, by the outputs' names
    expectations: tuple[Expectation, ...] = ()
    claims: tuple[Claim, ...] = ()
    training: dict[str, Any] = {}  # noqa: RUF012 -- never changed
    allow: frozenset[str] = frozenset()  # the codes of warnings that are silenced everywhere
    problems: tuple[Problem, ...] = ()  # found by reading and building
    diagnose: Diagnose | None = None  # how a report's problems get their causes and fixes
    origin: Origin | None = None  # None: of a model, or it is not known

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name or self.file}: {self.inputs}, {len(self.nodes)} layers>"

    def at(self, *path: str) -> Place | None:
        """Return a place in the net's own file; None for a net without layers, which does not know its file."""
        outermost = (node.used_at[-1] if node.used_at else node.place for node in self.nodes)
        return next((Place(place.source, path) for place in outermost), None)

    def place_of_input(self, name: str) -> Place | None:
        """Return the place of an input in the net's own file; None as of `at`."""
        place = self.at("input")
        alone = name == "input" and not (place and "inputs" in place.source.data)
        return place if alone else self.at("inputs", name)

    def made(self) -> Iterator[tuple[int, Node]]:
        """Yield each node with the value that it makes."""
        return enumerate(self.nodes, 1 + len(self.inputs))

    def within(self, name: str) -> list[str]:
        """Return the names of the layers of a block or a repeat, in the order of running."""
        return [node.name for node in self.nodes if node.name.startswith(f"{name}.")]

    def given(self, name: str) -> list[int]:
        """Return the values that a block or a repeat gives: those read outside or handed out, or else its last one."""
        inside = {value for value, node in self.made() if node.name.startswith(f"{name}.")}
        outside = (node for value, node in self.made() if value not in inside)
        read = {*self.outputs.values(), *(value for node in outside for value in node.inputs)}
        return sorted(inside & read) or sorted(inside)[-1:]

    def on_trust(self) -> list[str]:
        """Return the names of the layers whose figures are the file's word."""
        return [node.name for node in self.nodes if node.layer is not None and node.layer.on_trust]
