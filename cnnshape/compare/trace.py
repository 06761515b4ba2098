"""The record of one run of a live model: every layer that it ran, every tensor that it returned. pytorch/ makes it.

Values are numbered as in a net: 0 nothing known, then the net's inputs, then one for each call. Shapes are without the
batch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cnnshape.compare.recording import Failure
    from cnnshape.layers import Layer
    from cnnshape.numbers.shape import Shape


class Call(NamedTuple):
    """One layer that a model ran: a module of torch.nn, or a function."""

    name: str  # the module's path; of a function, its own behind the path of the module that calls it: block.relu()
    type: str  # as files call it; as torch does, where they know no such layer
    layer: Layer | None  # with its settings; None where they do not matter, or are not known
    inputs: tuple[int, ...]  # the values that enter
    entering: tuple[Shape, ...]
    output: Shape | None  # None: it raised
    weights: dict[str, int]  # the parameters that it uses, and how many numbers each has
    place: str = ""  # of a function: file and line where it is called
    minor: bool = False  # files may well leave it out
    alters: bool = False  # ... though it changes numbers, or moves them

    @property
    def title(self) -> str:
        return f"{self.name} ({self.place})" if self.place else self.name


class Returned(NamedTuple):
    """A tensor that the model returned."""

    key: str  # in a dict, "" elsewhere
    shape: Shape
    values: frozenset[int]  # its sources
    group: int = 0  # the same for the entries of one dict, 0 elsewhere


class Trace(NamedTuple):
    """One run of a model."""

    model: str  # its class
    calls: tuple[Call, ...]
    returned: tuple[Returned, ...]
    failure: Failure | None
    idle: dict[str, int]  # modules with parameters that no layer used, and how many these are
    by_data: str  # the function that makes shapes depend on the values of tensors, "" for none
    frozen: frozenset[str] = frozenset()  # the parameters that require no gradient
