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
    from collections.abc import Iterable, Iterator, Mapping

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Node
    from cnnshape.network.report import LayerReport, Result
    from cnnshape.numbers.shape import Shape

FAR: Final = 48  # times a side: no setting that is meant makes such a one
A_LAYER: Final = 10  # steps for each input of a layer whose shape is computed again


def sketched(case: Case) -> Sketch:
    """Return the sketch of a case, the same for all who ask."""
    kept: dict[tuple[int, int], Sketch] = case.trials.sketches
    key = id(case.report), id(case.problem)  # which the sketch keeps alive
    if key not in kept:
        kept[key] = Sketch(case)
    return kept[key]


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
        """Return the values of all layers that stand at the same place of the file, this one first; an input alone."""
        node = self.node(value)
        return [value, *(other for other in self.places[node.place] if other != value)] if node else [value]

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
        if self.wanted is None and not self.wrong:
            return False
        changed: dict[int, Shape | None] = {}
        for value, _, result in self.flow(layers, changed):
            if value == self.end:
                if self._stays(result):
                    return False
            elif result.refusals and not self.case.report.layers[value - self.first].result.refusals:
                return False
        reached = changed.get(self.end, self.shapes[self.end])
        return self.end in changed and (self.wanted is None or reached == self.wanted)

    @cached_property
    def wrong(self) -> bool:
        """Say whether a layer refuses, or doubts, what enters it where the problem shows."""
        result = self.case.report.layers[self.end - self.first].result if self.end >= self.first else None
        return result is not None and bool(result.refusals or result.doubts)

    def is_apart(self, value: int) -> bool:
        """Say whether the problem is the same whatever sides an input has, or a layer and its like make: one of channels.

        Raises Exhausted.
        """
        far: dict[int, Shape | None] = {}
        for one in self.alike(value):
            shape, node = self.shapes[one], self.node(one)
            settings = node.layer.parameters if node and node.layer else {}
            if one >= self.end or not shape or UNKNOWN in shape or "upscale_factor" in settings:
                return False
            far[one] = (shape[0], *[FAR * side for side in shape[1:]])
        before = self.case.report.layers[self.end - self.first]
        for one, entering, result in self.flow({}, far):
            if one == self.end:
                return self._as_before(before, entering, result)
            if result.refusals or result.output is None:
                return False
        return True

    def _as_before(self, before: LayerReport, entering: tuple[Shape | None, ...], result: Result) -> bool:
        """Say whether the problem stays where other shapes enter its layer, by its channels, or all that it is about."""
        now, wanted, actual = result.output, self.wanted, self.shapes[self.end]
        if wanted is not None:
            return bool(now and actual) and len(now or ()) == len(wanted) and now[:1] == actual[:1] != wanted[:1]  # type: ignore[index]
        if result.refusals and result.refusals == before.result.refusals:
            return True
        if len(entering) == 1 or None in entering or [*map(_depth, entering)] != [*map(_depth, before.input_shapes)]:
            return False
        # one side for all axes: a matmul takes the rows of one for the columns of another
        sides = entering[0][-1:] * len(entering[0][1:]) if entering[0] else ()
        evened = tuple([(shape[0], *sides) for shape in entering if shape])
        return self._stays(measured(before.node.layer, evened))

    def _stays(self, result: Result) -> bool:
        """Say whether a result of the layer where the problem shows has the problem, or another than before."""
        before = {one.code for one in self.case.report.layers[self.end - self.first].result.refusals}
        return any(one.code == self.case.problem.code or one.code not in before for one in result.refusals)

    def flow(
        self, layers: Mapping[int, Layer], changed: dict[int, Shape | None]
    ) -> Iterator[tuple[int, tuple[Shape | None, ...], Result]]:
        """Yield what enters each value up to the problem that other layers, or changed shapes, reach, and its result.

        The shapes that come out are added to `changed`. Raises Exhausted.
        """
        given, effort = frozenset(changed), self.case.trials.effort
        first = min([*layers, *changed])
        effort.spend(self.end - first + 1)
        for value in range(first, self.end + 1):
            node = self.node(value)
            if node is None or value in given or (value not in layers and changed.keys().isdisjoint(node.inputs)):
                continue
            effort.spend(A_LAYER * len(node.inputs))
            entering = tuple([changed.get(one, self.shapes[one]) for one in node.inputs])
            layer = layers.get(value, self.layers[value - self.first])
            if layer is not None and entering[0]:
                layer = layer.decided_by(entering[0])
            result = measured(layer, entering)
            changed[value] = result.output
            yield value, entering, result


def _depth(shape: Shape | None) -> Any:
    return shape and shape[0]


def replaced(layer: Layer, parameter: str, new: Any) -> Layer:
    """Return a layer with another setting, and the numbers that were left out still so."""
    other = layer.replace(**{parameter: new})
    other.left_out = layer.left_out
    return other
