"""Two more inputs at which a model is run, one that the file accepts and one that it refuses: small, and with unequal sides.

One input shows little of a model that pads, crops or resizes by the size: it may be the one at which that does nothing.
"""

from __future__ import annotations

from functools import reduce
from math import prod
from operator import or_
from typing import TYPE_CHECKING, Final

from cnnshape.network.requirements import NoClosedForm, closed_form
from cnnshape.numbers.sizeset import SizeSet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.boxes import Box

SMALL: Final = 32  # cells of a side; of less than 64 the half, of very large ones a seventh
LARGER: Final = 1.25  # times as many positions as the checked input has, at most
TRIED: Final = 4  # refused sizes on each side, until one is refused by a layer that torch refuses as well


def other_inputs(net: Network, report: Report, refuses: Callable[[LayerReport], bool]) -> Iterator[Report | str]:
    """Yield the report at an input that the file accepts, and one that it refuses; or a word why there is none.

    `refuses` says whether torch is sure to refuse a layer that is refused.
    """
    try:
        with closed_form():
            inputs = _Inputs(net, report, net.valid_sizes())
            accepted = inputs.accepted and inputs.at(inputs.accepted)
            refused = next((found for found in inputs.refused() if any(map(refuses, found.layers))), None)
    except NoClosedForm as error:
        yield f"at no other size: {error}"
        return
    for found, word in ((accepted, "accepts"), (refused, "refuses")):
        yield found or f"the file {word} no other small size"


class _Inputs:
    """Other sides of a net's inputs: `checked` are those of the report, `accepted` are smaller ones, if there are such."""

    def __init__(self, net: Network, report: Report, sizes: ValidSizes):
        self.net, self.report, self.sizes = net, report, sizes
        self.checked, *others = (report.inputs[name][1:] for name in sizes.varied)
        if any(sides != self.checked for sides in others):
            raise NoClosedForm("", "the inputs have different sides")
        found = (sides for box in sizes.boxes if (sides := self.sides_in(box)))
        most = LARGER * prod(self.checked)
        fitting = (sides for sides in found if prod(sides) <= most)
        self.accepted = min(fitting, key=lambda sides: (self.excess(sides), -prod(sides)), default=None)

    def sides_in(self, box: Box) -> list[int]:
        """Return other sides of a box, small if it has such, unequal if it has such."""
        sides: list[int] = []
        for sizes, checked in zip(box, self.checked, strict=True):
            side = sizes.previous(_small(checked) + 1) or sizes.previous(checked + 1) or sizes.next(checked) or checked
            other = (side in sides and sizes.previous(side)) or 0  # one axis must not stand for another
            sides.append(other if 2 * other >= side else side)
        if tuple(sides) == self.checked:
            sides[-1] = box[-1].next(sides[-1]) or sides[-1]
        return [] if tuple(sides) == self.checked else sides

    def excess(self, sides: Sequence[int]) -> int:
        """Return by how much sides are larger than the checked ones."""
        return sum(max(0, side - checked) for side, checked in zip(sides, self.checked, strict=True))

    def at(self, sides: Sequence[int]) -> Report:
        """Return the report at the input with these sides."""
        varied, inputs = self.sizes.varied, self.report.inputs.items()
        return self.net.check({name: (*x[:1], *sides) if name in varied else x for name, x in inputs})

    def refused(self) -> Iterator[Report]:
        """Yield reports at sides of which one is refused, near a small one; the others are accepted ones."""
        sides = [*(self.accepted or self.checked)]
        for axis, side in enumerate(sides):
            others = [*sides[:axis], *sides[axis + 1 :]]
            boxes = ((box[axis], [*box[:axis], *box[axis + 1 :]]) for box in self.sizes.boxes)
            fitting = (sizes for sizes, rest in boxes if all(map(SizeSet.__contains__, rest, others)))
            wrong = ~reduce(or_, fitting, SizeSet())
            for other in _near(wrong, min(side, _small(self.checked[axis])), self.checked[axis]):
                yield self.at([*sides[:axis], other, *sides[axis + 1 :]])


def _small(side: int) -> int:
    """Return the side to run a model at quickly, where it says as much as this one."""
    return max(side // 7, min(side // 2, SMALL))


def _near(sizes: SizeSet, side: int, most: int) -> Iterator[int]:
    """Yield the sizes of a set that are nearest to a side, a few below, then a few above, up to `most`."""
    for step, first in ((sizes.previous, side + 1), (sizes.next, side)):
        found: int | None = first
        for _ in range(TRIED):
            found = found and step(found)
            if found and found <= most:
                yield found
