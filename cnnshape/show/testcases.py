"""A checked file as test cases: one for the file as a whole, then one for each layer, with its problems.

The pytest plugin and JUnit are made of these; both pass, fail or skip layer by layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.graph import Node
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath, Place
    from cnnshape.show.checked import Checked

UNJUDGED: Final = ("follows", "not run")  # verdicts of a comparison that are no judgement on the layer itself


class Case(NamedTuple):
    """The problems of one layer, or those of the file that are no layer's."""

    node: Node | None  # None: the file
    problems: tuple[Problem, ...] = ()
    skipped: str = ""  # the reason why the layer cannot be judged

    @property
    def errors(self) -> tuple[Problem, ...]:
        return errors(self.problems)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity != "error")


def cases(checked: Checked) -> list[Case]:
    """Return the case of the file, and then those of the layers, in order."""
    found: dict[str, list[Problem]] = {node.name: [] for node in checked.net.nodes}
    rest: list[Problem] = []
    layers_at = {_at(node.place): node.name for node in reversed(checked.net.nodes)}
    for problem in checked.problems:
        layer = problem.layer or _layer_around(problem.place, layers_at)
        if layer and layer not in found:  # a block or a repeat, whose result is that of its last layer
            layer = next(reversed(checked.net.within(layer)), "")
        found.get(layer, rest).append(problem)
    reasons = zip(checked.net.nodes, _behind(checked), _unjudged(checked), strict=True)
    layers = [Case(node, tuple(found[node.name]), behind or unjudged) for node, behind, unjudged in reasons]
    return [Case(None, tuple(rest)), *(case._replace(skipped="") if case.errors else case for case in layers)]


def _at(place: Place) -> tuple[str, KeyPath]:
    return place.source.file, place.path


def _layer_around(place: Place | None, layers_at: dict[tuple[str, KeyPath], str]) -> str:
    """Return the layer whose table a place is in, of a block's the first layer; "" for none."""
    while place and place.path:
        if _at(place) in layers_at:
            return layers_at[_at(place)]
        place = place._replace(path=place.path[:-1])
    return ""


def _behind(checked: Checked) -> Iterator[str]:
    """Yield for each layer why it cannot be judged: a layer before it fails; "" where its inputs are known."""
    culprits = [""] * (1 + len(checked.net.inputs))  # of every value: the layer that made it unknown
    for row in checked.report.layers:
        behind = next((culprits[value] for value in row.node.inputs if culprits[value]), "")
        fails = row.node.layer is None or row.result.refusals
        culprits.append(row.name if fails else behind if row.output is None else "")
        yield f"what enters is not known: {behind} fails" if behind and None in row.inputs else ""


def _unjudged(checked: Checked) -> Iterator[str]:
    """Yield for each layer why a comparison with a model did not judge it, "" where it did or none was made."""
    layers = checked.comparison.layers if checked.comparison else ()
    yield from (match.reason if match.verdict in UNJUDGED else "" for match in layers)
    yield from [""] * (len(checked.net.nodes) - len(layers))
