"""Declared numbers: the number that a layer declares becomes the number that arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape.numbers.shape import to_file
from cnnshape.problems.shapes import DeclaredDiffers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Candidate, Case
    from cnnshape.network.report import LayerReport

GROWTH = 64  # a declared number that grows by as much is rarely meant


def arriving(case: Case) -> Iterator[Candidate]:
    """Yield in_features, in_channels or num_features as what arrives makes it."""
    problem, row = case.problem, case.row
    if not isinstance(problem, DeclaredDiffers) or row is None:
        return
    name, declared, arrives = (problem.facts[key] for key in ("parameter", "declared", "arrives"))
    if isinstance(arrives, tuple):  # a normalized_shape
        sizes = [*to_file(arrives, case.net.layout)]
        yield from case.change(row.node, name, sizes if len(sizes) > 1 else sizes[0], rank=4.0, family="declared")
        return
    rank = 4.0 if arrives < GROWTH * declared else 5.5
    if name != "in_features":  # of two numbers of channels the round one is likelier meant
        rank += 0.25 * (roundness(declared) - roundness(arrives))
    others = [other for other in case.report.layers if other.node.place == row.node.place]
    if len({arriving_at(other, name) for other in others}) == 1:
        yield from case.change(row.node, name, arrives, rank=rank, family="declared")
    else:  # one place of a block, at uses of other sizes
        if text := source_text(case, row):
            yield from case.change(row.node, name, text, rank=3.0, family="declared")
        yield from case.change(row.node, name, None, rank=3.1, family="declared")


def roundness(count: int) -> int:
    """Return how round a number of channels is: 2 for a power of two, 1 for a multiple of 8, else 0."""
    return (count % 8 == 0) + (count & (count - 1) == 0)


def arriving_at(row: LayerReport, name: str) -> Any:
    """Return the number that a row's layer declares, as what arrives makes it."""
    layer, shape = row.node.layer, row.input_shapes[0]
    return layer.inferred[name].takes(layer, shape) if layer and shape and name in layer.inferred else None


def source_text(case: Case, row: LayerReport) -> str:
    """Return the expression by which a layer of the same block decides the channels that arrive; "" where none does."""
    block = row.node.place.path[:2]
    for other in reversed(case.report.layers[: case.report.layers.index(row)]):
        path, shape = other.node.place.path, other.output
        table = case.at(path)
        text = table.get("out_channels", table.get("out_features")) if isinstance(table, dict) else None
        if path[:2] == block and isinstance(text, str) and shape and row.inputs[0] and shape[0] == row.inputs[0][0]:
            return text
    return ""
