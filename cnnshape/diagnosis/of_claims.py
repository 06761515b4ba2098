"""Fixes of claimed figures and sets of sizes: biases that the figure leaves out, and windows that only other inputs tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.cause_of_claims import OF_PARAMETERS, biases_of
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.parameters import Regular, joined, oddness, sensible, variants
from cnnshape.diagnosis.sketch import sketched
from cnnshape.diagnosis.written import changes
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.problems.claims import ClaimDiffers
from cnnshape.problems.diagnosed import Edit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.problems.place import KeyPath

KNOWN: Final = 3.0  # the rank of a setting that a sibling has, or that is more usual
MOST: Final = 3  # layers whose bias is changed each by itself; of more the file's default is


def biases(case: Case) -> Iterator[Candidate]:
    """Yield the biases of those layers taken out, or put in, whose number is what a claimed figure differs by."""
    problem = case.problem
    if not isinstance(problem, ClaimDiffers) or problem.facts["claim"] not in OF_PARAMETERS:
        return
    found = biases_of(case.net, case.report, problem.facts["actual"] - problem.facts["claimed"])
    if found is None:
        return
    nodes = {row.node.place: row.node for row in found.rows}
    kinds = {node.type for node in nodes.values()}
    if len(kinds) == 1 and (len(nodes) > MOST or not all(map(case.own, nodes))):
        yield _default(case, *kinds, value=not found.has)
    each = [next(changes(case, node, "bias", not found.has, rank=2.5, family="bias"), None) for node in nodes.values()]
    if all_ := joined(each):
        yield all_


def _default(case: Case, kind: str, *, value: bool) -> Candidate:
    """Return the default of the file for the bias of layers of a type, in a table of its own where there is none."""
    path: KeyPath = ("layer_defaults", kind, "bias")
    edit = Edit(None, ".".join(map(str, path)), case.at(path), value)
    written: Any = value
    while len(path) > 1 and case.at(path[:-1]) is None:
        written, path = {path[-1]: written}, path[:-1]
    return Candidate(2.4, "bias", (edit,), (Operation("set", path, written),))


def unseen(case: Case) -> Iterator[Candidate]:
    """Yield the one setting of a window with which the claimed sizes are accepted, and the declared input gives the same.

    Of several the usual one is meant, or nobody knows which.
    """
    problem, trials = case.problem, case.trials
    if not isinstance(problem, ClaimDiffers) or not isinstance(problem.facts["claimed"], SizeSet):
        return
    fitting: list[Candidate] = []
    for candidate in sorted(_unseen(case), key=lambda one: one.rank):
        verdict = trials.attempt(candidate.operations)
        if verdict and not verdict.new and trials.holds(candidate.operations):
            fitting.append(candidate)
    known = [one for one in fitting if one.rank == KNOWN]
    yield from known if len(known) == 1 else fitting if len(fitting) == 1 else ()


def _unseen(case: Case) -> Iterator[Candidate]:
    """Yield settings that the declared input does not tell from those of now, none less usual; and more usual ones."""
    sketch, done = sketched(case), set()
    for value, node in case.net.made():
        if node.layer is None or node.place in done:
            continue
        done.add(node.place)
        regular = Regular(case, node)
        others = [*variants(case, sketch, value, unseen=True)]
        others += [one for one in variants(case, sketch, value) if oddness(one[2]) < oddness(node.layer)]
        for parameter, new, layer in others:
            known = regular.known(layer)
            if known or (sensible(node.layer, parameter, layer, named=False) and oddness(layer) <= oddness(node.layer)):
                usual = known or oddness(layer) < oddness(node.layer)
                written, rank = [*new] if isinstance(new, tuple) else new, KNOWN if usual else 3.2
                yield from changes(case, node, parameter, written, rank=rank, family="sizes")
