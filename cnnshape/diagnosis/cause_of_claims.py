"""Causes of claimed figures and sets of sizes that are not those of the net: what the claimed number counts, or leaves out."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.diagnosis.cause_words import listed
from cnnshape.diagnosis.well_known import WELL_KNOWN
from cnnshape.layers.convolution import Linear
from cnnshape.network import explain
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.base import errors
from cnnshape.problems.claims import ClaimDiffers
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from cnnshape.diagnosis.trails import Ways
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause

OF_PARAMETERS: Final = {
    "parameters": "parameters",
    "trainable": "parameters that are trained",
    "parameters_with_buffers": "parameters and the buffers, running means and variances among them",
}
ZEROS: Final = 3  # of a figure that may be rounded


class Biases(NamedTuple):
    """Layers whose biases are as many as a claimed figure has too few (`has`), or too many."""

    rows: tuple[LayerReport, ...]
    has: bool
    words: str


def claimed(ways: Ways, problem: Problem) -> Cause | None:
    """Find what a claimed figure counts, or leaves out."""
    if any(not isinstance(one, ClaimDiffers) for one in errors(ways.report.problems)):
        return None  # which are to be mended first
    name, number, actual = (problem.facts[key] for key in ("claim", "claimed", "actual"))
    if isinstance(number, SizeSet):
        return _of_sizes(ways, number, actual)
    if not isinstance(number, int) or not isinstance(actual, int):
        return None
    found = _of_parameters if name in OF_PARAMETERS else _of_macs if name == "macs" else None
    cause = found and found(ways, name, number, actual)
    return cause or _rounded(ways, number, actual)


# Parameters


def _of_parameters(ways: Ways, name: str, number: int, actual: int) -> Cause | None:
    facts = {"claimed": number, "actual": actual}
    for other, words in OF_PARAMETERS.items():
        if other != name and getattr(ways.report, other) == number:
            return ways.cause(None, "figure", f"{said(number)} is the number of the {words}: {other}", **facts)
    if biases := biases_of(ways.net, ways.report, actual - number):
        layer = biases.rows[0].name if len(biases.rows) == 1 else None
        verb = "without" if biases.has else "with"
        message = f"{said(number)} is the figure {verb} {said(abs(actual - number))} biases: those of {biases.words}"
        return ways.cause(layer, "figure", message, **facts)
    parts = _parts(ways.report, actual - number)
    if len(parts) == 1:
        message = f"{parts[0]} has {said(actual - number)} parameters, and {said(number)} is the figure without it"
        return ways.cause(parts[0], "figure", message, **facts)
    return None


def _parts(report: Report, number: int) -> list[str]:
    """Return the layers, and the uses of blocks in the net itself, that have so many parameters; no layer in such a use."""
    sums: dict[str, int] = {}
    for row in report.layers:
        for part in {row.name, row.name.partition(".")[0]}:
            sums[part] = sums.get(part, 0) + (row.parameters or 0)
    found = {part for part, own in sums.items() if own == number > 0}
    return [part for part in found if "." not in part or part.partition(".")[0] not in found]


def biases_of(net: Network, report: Report, number: int) -> Biases | None:
    """Return the layers whose biases are `number` parameters; of -`number` those that have none, and would have as many."""
    before_norms = explain.normed(net)
    rows = {value: row for (value, _), row in zip(net.made(), report.layers, strict=True) if _may(row, has=number > 0)}
    normed = [row for value, row in rows.items() if value in before_norms]
    convs = [row for row in rows.values() if not isinstance(row.node.layer, Linear)]
    groups = (
        (
            normed,
            "the layers that a batch norm follows, which subtracts them"
            if number > 0
            else "the layers that a batch norm follows",
        ),
        (convs, "all convolutions"),
        ([*rows.values()], "all layers"),
    )
    for group, words in groups:
        if len(group) > 1 and sum(map(_count, group)) == abs(number):
            return Biases(tuple(group), number > 0, words)
    single = [row for row in rows.values() if _count(row) == abs(number)]
    if len(single) == 1:
        return Biases((single[0],), number > 0, single[0].name)
    return None


def _may(row: LayerReport, *, has: bool) -> bool:
    """Say whether a row's layer has a bias of its own, or might have."""
    layer: Any = row.node.layer
    return isinstance(layer, explain.WITH_BIAS) and not row.node.shares and layer.learned and bool(layer.bias) == has


def _count(row: LayerReport) -> int:
    """Return how many biases a layer has, or would have."""
    layer: Any = row.node.layer
    count: int = layer.out_features if isinstance(layer, Linear) else layer.out_channels
    return count


# Multiply-accumulates


def _of_macs(ways: Ways, _: str, number: int, actual: int) -> Cause | None:
    facts = {"claimed": number, "actual": actual}
    rows = ways.report.layers
    biased = sum(prod(row.output or ()) for row in rows if _may(row, has=True) and UNKNOWN not in (row.output or ()))
    convs = sum(row.macs or 0 for row in rows if not isinstance(row.node.layer, Linear))
    counted = {
        actual + biased: "that with an addition for each bias, which are not counted here",
        2 * actual + biased: "that of multiplications and additions, biases among them",
        2
        * actual: "twice the multiply-accumulates: it counts each as a multiplication and an addition",  # no bias: the same
        convs: "that of the convolutions alone",
    }
    if number in counted and actual:
        return ways.cause(None, "figure", f"{said(number)} is {counted[number]}", **facts)
    return _of_another_input(ways, number, actual, facts)


def _of_another_input(ways: Ways, number: int, actual: int, facts: dict[str, Any]) -> Cause | None:
    """Find the well-known side of the input at which the net has the claimed figure."""
    shapes = [shape for shape in ways.net.inputs.values() if shape]
    sides = {side for shape in shapes for side in shape[1:]}
    if len(shapes) != 1 or len(sides) != 1 or not actual or not number:
        return None
    (now,), axes = sides, len(shapes[0]) - 1
    guess = now * (number / actual) ** (1 / axes)
    for side in sorted(WELL_KNOWN, key=lambda side: abs(side - guess))[:2]:
        report = ways.net._replace(claims=(), expectations=()).check((shapes[0][0], *(side,) * axes))
        if report.macs == number:
            message = f"{said(number)} is the figure at a side of {said(side)}, and the input has {said(now)}"
            return ways.cause(None, "figure", message, **facts, side=side)
    return None


def _rounded(ways: Ways, number: int, actual: int) -> Cause | None:
    """Say of a claimed figure that it is the net's own, rounded."""
    digits = str(number)
    zeros = len(digits) - len(digits.rstrip("0"))
    if zeros >= ZEROS and 2 * abs(actual - number) <= 10**zeros:
        message = f"{said(number)} is {said(actual)}, rounded: a claim is exact"
        return ways.cause(None, "figure", message, claimed=number, actual=actual)
    return None


# Sizes


def _of_sizes(ways: Ways, number: SizeSet, actual: SizeSet) -> Cause | None:
    """Find the first side that is claimed and does not work, with the layer that refuses it; or that is not claimed."""
    refused, more = (number - actual).next(0), (actual - number).next(0)
    if refused is not None and ways.sizes is not None:
        layers = ways.sizes.forbidden_by((refused,) * len(ways.sizes.names))
        fit = "do not fit" if len(layers) > 1 else "does not fit"
        message = f"{said(refused)} is claimed, and {listed(layers)} {fit} at it"
        return ways.cause(layers[0] if layers[0] in ways.values else None, "figure", message, side=refused)
    if more is not None:
        return ways.cause(None, "figure", f"{said(more)} works, and is not claimed", side=more)
    return None
