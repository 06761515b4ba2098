"""Shapes of a net with some other layers, from these on to where a problem shows: far less than a trial.

A net that was run and other layers come in; the shapes behind them go out, and whether the problem would be gone. What
an expression makes of other channels is not seen here: a trial sees it.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from cnnshape.network.flow import measured
from cnnshape.numbers.shape import from_file
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Node
    from cnnshape.numbers.shape import Shape

A_LAYER: Final = 10  # steps for each input of a layer whose shape is computed again


class Sketch:
    """A net that was run, and the place in it where a problem shows."""

    def __init__(self, case: Case):
        self.case, net, report = case, case.net, case.report
        self.first = 1 + len(net.inputs)
        inputs = [report.inputs.get(name) for name in net.inputs]
        self.shapes: list[Shape | None] = [None, *inputs, *(row.result.output for row in report.layers)]
        self.layers = [row.node.layer for row in report.layers]

    # Where the problem shows

    @cached_property
    def wanted(self) -> Shape | None:
        """The shape that is expected where the problem shows; None where a layer refuses."""
        problem, layout = self.case.problem, self.case.net.layout
        if isinstance(problem, ExpectDiffers):
            return from_file(tuple(problem.facts["expected"]), layout)
        if isinstance(problem, ClaimDiffers) and isinstance(problem.facts["claimed"], tuple):
            return from_file(tuple(problem.facts["claimed"]), layout)
        return None

    @cached_property
    def end(self) -> int:
        """The value of the layer where the problem shows, 0 where it is none."""
        problem, net = self.case.problem, self.case.net
        if isinstance(problem, ExpectDiffers):
            marks = (one.value for one in net.expectations if (one.layer, one.place) == (problem.layer, problem.place))
            return next(marks, 0)
        if isinstance(problem, ClaimDiffers):
            if self.wanted is None:
                return 0
            name = str(problem.facts["claim"]).removeprefix("outputs.")
            return net.outputs.get(name, [*net.outputs.values()][-1]) if net.outputs else 0
        return next((value for value, node in net.made() if node.name == problem.layer), 0)

    @cached_property
    def failing(self) -> frozenset[int] | None:
        """The spatial axes, from 0, at which the problem shows; None where it is none of some axes alone."""
        if self.wanted is not None and self.end:  # of an input, too, where all behind it is left out
            shapes = [self.wanted, self.shapes[self.end] or ()]
        elif self.end < self.first:
            return None
        else:
            row = self.case.report.layers[self.end - self.first]
            shapes = [shape for shape in row.input_shapes[: len(row.node.joined)] if shape]
            output = row.result.output
            if len(shapes) == 1:
                if not output or len(output) != len(shapes[0]):
                    return None
                return frozenset(axis for axis, size in enumerate(output[1:]) if size is UNKNOWN) or None
        if len({len(shape) for shape in shapes}) != 1:
            return None
        return frozenset(
            axis for axis, sizes in enumerate(zip(*[shape[1:] for shape in shapes], strict=True)) if len({*sizes}) > 1
        )

    def node(self, value: int) -> Node | None:
        return self.case.net.nodes[value - self.first] if value >= self.first else None

    @cached_property
    def upstream(self) -> list[int]:
        """The values of the layers that the problem may come from, the nearest first, with the place itself.

        Of a join of two values that differ, what both come from is left out.
        """
        if not self.end:
            return []
        found = self.ancestors(self.end)
        return sorted((value for value in found - {*self.shared} if value >= self.first), reverse=True)

    @cached_property
    def shared(self) -> list[int]:
        """The values that all ways into a join come from, where the problem is that these differ; the nearest first."""
        end = self.node(self.end)
        if end is None or len(end.joined) < 2 or self.wanted is not None:  # noqa: PLR2004 -- a join
            return []
        ways = [self.ancestors(value) for value in dict.fromkeys(end.joined)]
        return sorted(set.intersection(*ways), reverse=True)

    def ancestors(self, value: int) -> set[int]:
        found, todo = set(), [value]
        while todo:
            one = todo.pop()
            if one not in found:
                found.add(one)
                node = self.node(one)
                todo += node.inputs if node else ()
        return found

    # Other layers

    def alike(self, value: int) -> list[int]:
        """Return the values of all layers that stand at the same place of the file, this one first."""
        node = self.node(value)
        assert node is not None
        return [value, *(other for other in self.places[node.place] if other != value)]

    def setting(self, values: Iterable[int], parameter: str, new: Any) -> dict[int, Layer]:
        """Return the layers of some values with another setting; layers at one place may have other channels."""
        layers = {value: self.layers[value - self.first] for value in values}
        return {value: replaced(layer, parameter, new) for value, layer in layers.items() if layer is not None}

    @cached_property
    def places(self) -> dict[Any, list[int]]:
        found: dict[Any, list[int]] = {}
        for value, node in self.case.net.made():
            found.setdefault(node.place, []).append(value)
        return found

    def mends(self, layers: Mapping[int, Layer]) -> bool:
        """Say whether the problem would be gone with other layers, and none would refuse before it. Raises Exhausted."""
        changed: dict[int, Shape | None] = {}
        self.case.trials.effort.spend(self.end - min(layers) + 1)
        for value in range(min(layers), self.end + 1):
            node = self.node(value)
            assert node is not None
            if value not in layers and changed.keys().isdisjoint(node.inputs):
                continue
            self.case.trials.effort.spend(A_LAYER * len(node.inputs))
            entering = tuple([changed.get(one, self.shapes[one]) for one in node.inputs])
            layer = layers.get(value, self.layers[value - self.first])
            if layer is not None and entering[0]:
                layer = layer.decided_by(entering[0])
            result = measured(layer, entering)
            if result.refusals and (
                value == self.end or not self.case.report.layers[value - self.first].result.refusals
            ):
                return False
            changed[value] = result.output
        reached = changed.get(self.end, self.shapes[self.end])
        return self.end in changed and (self.wanted is None or reached == self.wanted)


def replaced(layer: Layer, parameter: str, new: Any) -> Layer:
    """Return a layer with another setting, and the numbers that were left out still so."""
    other = layer.replace(**{parameter: new})
    other.left_out = layer.left_out
    return other
