"""A checked file as tests see it: a case for the file as a whole, and one for each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.problems.base import errors
from cnnshape.problems.wording import printable
from cnnshape.show.view import details, snippet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.graph import Node
    from cnnshape.problems.base import Problem
    from cnnshape.problems.place import KeyPath, Place
    from cnnshape.show.view import Checked

IDLE: Final = ("follows", "not run")  # verdicts on a model's layer that say nothing about the layer itself


class Case(NamedTuple):
    """What there is to say about one layer, or, with `node` None, about all that is no layer's."""

    node: Node | None
    problems: tuple[Problem, ...] = ()
    skipped: str = ""  # why the layer cannot be judged

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
        if layer and layer not in found:  # a block's, or a repeat's: what it gives is its last layer's
            layer = next(reversed(checked.net.within(layer)), "")
        found.get(layer, rest).append(problem)
    skips = zip(checked.net.nodes, _behind(checked), _idle(checked), strict=True)
    layers = [Case(node, tuple(found[node.name]), why or idle) for node, why, idle in skips]
    return [Case(None, tuple(rest)), *(case._replace(skipped="") if case.errors else case for case in layers)]


def _at(place: Place) -> tuple[str, KeyPath]:
    return place.source.file, place.path


def _layer_around(place: Place | None, layers_at: dict[tuple[str, KeyPath], str]) -> str:
    """Return the layer in whose table a place is, the first one of a block's, "" for none."""
    while place and place.path:
        if _at(place) in layers_at:
            return layers_at[_at(place)]
        place = place._replace(path=place.path[:-1])
    return ""


def _behind(checked: Checked) -> Iterator[str]:
    """Say, for each layer, behind which one that fails it stands, if what enters it cannot be known for that."""
    culprits = [""] * (1 + len(checked.net.inputs))  # of every value
    for row in checked.report.layers:
        behind = next((culprits[value] for value in row.node.inputs if culprits[value]), "")
        fails = row.node.layer is None or row.result.refusals
        culprits.append(row.name if fails else behind if row.output is None else "")
        yield f"what enters is not known: {behind} fails" if behind and None in row.inputs else ""


def _idle(checked: Checked) -> Iterator[str]:
    layers = checked.comparison.layers if checked.comparison else ()
    yield from (match.reason if match.verdict in IDLE else "" for match in layers)
    yield from [""] * (len(checked.net.nodes) - len(layers))


def diagnosis(problem: Problem) -> Iterator[str]:
    """Yield the lines in which a problem is told: what, where, in which layer, why, and what would mend it."""
    yield printable(repr(problem))
    told = [*(snippet(problem.place) if problem.place else ()), *details(problem)]
    yield from (f"    {printable(line)}" for line in told)
