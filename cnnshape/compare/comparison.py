"""The result of a comparison: a match for each layer of the file, the model's own layers, the problems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from cnnshape.problems.base import Problem, errors

if TYPE_CHECKING:
    from cnnshape.numbers.shape import Shape

ModelOutcome = Literal[
    "agrees",
    "follows",  # it has the file's settings; its shapes differ since its inputs do
    "differs",
    "missing",  # the model has nothing like it
    "fails",  # the model raises here
    "not run",  # the model raised before
]


class Match(NamedTuple):
    """A layer of the file, and the layer that the model has in its place."""

    name: str
    verdict: ModelOutcome
    model: str = ""  # the module or function, "" for none
    reason: str = ""
    output: Shape | None = None  # the model's
    parameters: int | None = None  # the model's


class Elsewhere(NamedTuple):
    """A run of the model at another input, or why there was none."""

    accepted: bool  # by the file
    inputs: dict[str, Shape]
    agrees: bool
    skipped: str = ""


class Comparison(NamedTuple):
    """A model held against a file, layer by layer. Shapes are channels first, without the batch."""

    model: str  # its class
    device: str
    torch: str  # its version
    layers: tuple[Match, ...]  # in the order of the file
    extra: tuple[str, ...]  # layers of the model that the file does not have
    problems: tuple[Problem, ...]
    elsewhere: tuple[Elsewhere, ...] = ()  # none where the model differs at the checked input

    @property
    def ok(self) -> bool:
        """The model is what the file says."""
        return not errors(self.problems)
