"""Fixes between flat values and values with space: flatten, reshape, global and adaptive pools, and the numbers of a reshape."""

from __future__ import annotations

from math import isqrt, prod
from typing import TYPE_CHECKING, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.inserting import before, entries, on_entry, retyped
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.written import sizes
from cnnshape.layers.convolution import Linear
from cnnshape.layers.joining import Concat
from cnnshape.layers.pooling import AdaptiveAvgPool, AdaptiveMaxPool, AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool
from cnnshape.layers.rearranging import Flatten, Reshape
from cnnshape.numbers.shape import is_count, to_file
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.shapes import (
    DeclaredDiffers,
    ElementsDiffer,
    LinearOnSpace,
    NoSpace,
    RanksDiffer,
    ShapesDiffer,
    WindowTooLarge,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.network.graph import Node
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

POOLS: Final = {MaxPool.type: GlobalMaxPool.type, AvgPool.type: GlobalAvgPool.type}
ADAPTIVE: Final = frozenset([AdaptiveAvgPool.type, AdaptiveMaxPool.type])
FAMILY: Final = "space"
LARGE: Final = 4  # windows above it were to cover all that is left


def flattened(case: Case) -> Iterator[Candidate]:
    """Yield a flatten, or a global pool and a flatten, before a linear layer on a map that declares their features."""
    problem, row = case.problem, case.row
    if row is None or row.node.type != Linear.type:
        return
    shape = row.input_shapes[0]
    if not shape or len(shape) < 2:  # noqa: PLR2004 -- flat
        return
    flat = {"type": Flatten.type}
    if isinstance(problem, LinearOnSpace):
        yield from before(case, row.node, flat, rank=2, family=FAMILY)
    elif isinstance(problem, DeclaredDiffers):
        declared = problem.facts["declared"]
        if declared == prod(shape):
            yield from before(case, row.node, flat, rank=2, family=FAMILY)
        elif declared == shape[0]:
            yield from before(case, row.node, {"type": GlobalAvgPool.type}, flat, rank=2.2, family=FAMILY)


def pooled(case: Case) -> Iterator[Candidate]:
    """Yield the pools behind which a linear layer gets the features that it declares, a fixed window's first."""
    problem, row = case.problem, case.row
    if not isinstance(problem, DeclaredDiffers) or row is None or row.node.type != Linear.type:
        return
    place = _flatten_before(case, row)
    shape = place and place.input_shapes[0]
    if not place or not shape:
        return
    channels, *sides = shape
    declared, maker = problem.facts["declared"], case.maker(place.node.joined[0])
    if declared == channels:
        if maker and maker.node.type in POOLS:
            yield from _global(case, maker)
        yield from before(case, place.node, {"type": GlobalAvgPool.type}, rank=3.5, family=FAMILY)
    elif declared % channels == 0:
        size = _sides(declared // channels, sides)
        if size is None:
            return
        if maker is not None and maker.node.type in ADAPTIVE and {*sides} == {1}:  # one cell was meant
            return
        if maker is not None and maker.node.type in ADAPTIVE and case.own(maker.node.place):
            yield from case.change(maker.node, "output_size", sizes(size), rank=2.5, family=FAMILY)
        else:
            layer = {"type": AdaptiveAvgPool.type, "output_size": sizes(size)}
            yield from before(case, place.node, layer, rank=5.8, family=FAMILY)


def _global(case: Case, pool: LayerReport) -> Iterator[Candidate]:
    """Yield a pool whose window is the whole of what enters: by its type, or by its window."""
    node, shape = pool.node, pool.input_shapes[0] or ()
    if sum(row.node.place == node.place for row in case.report.layers) > 1:  # the others of its block stay windows
        return
    yield from retyped(case, node, {"type": POOLS[node.type]}, rank=2.2, family=FAMILY)
    yield from case.change(node, "kernel_size", sizes(shape[1:]), rank=3.2, family=FAMILY)


def _flatten_before(case: Case, row: LayerReport) -> LayerReport | None:
    """Return the flatten that a layer's flat input comes from, over layers that keep the shape."""
    at: LayerReport | None = row
    while at is not None and at.node.joined:
        at = case.maker(at.node.joined[0])
        if at is not None and at.node.type == Flatten.type:
            return at
        if at is None or at.input_shapes[0] != at.output:
            return None
    return None


def _sides(cells: int, sides: list[int]) -> tuple[int, ...] | None:
    """Return sides of so many cells in all: equal ones, or those of now but one; none larger than those of now."""
    side = round(cells ** (1 / len(sides)))
    if side ** len(sides) == cells and side <= min(sides):
        return (side,) * len(sides)
    for axis, now in enumerate(sides):
        rest = prod(sides) // now
        if cells % rest == 0 and cells // rest < now:
            return (*sides[:axis], cells // rest, *sides[axis + 1 :])
    return None


def unflattened(case: Case) -> Iterator[Candidate]:
    """Yield a reshape before a layer that works on space and gets flat features."""
    problem, row = case.problem, case.row
    if not isinstance(problem, NoSpace) or row is None or row.node.layer is None:
        return
    entering = row.input_shapes[0]
    table = case.at(row.node.place.path)
    channels = table.get("in_channels") if isinstance(table, dict) else None
    if not entering or len(entering) != 1 or not isinstance(channels, int) or entering[0] % channels:
        return
    for shape in _spaces(case, row.node, channels, entering[0] // channels):
        layer = {"type": Reshape.type, "shape": [*to_file(shape, case.net.layout)]}
        yield from before(case, row.node, layer, rank=2, family=FAMILY)


def _spaces(case: Case, node: Node, channels: int, cells: int) -> Iterator[Shape]:
    """Yield the shapes with so many cells: square ones, of as many axes as the net's expectations or else a picture."""
    ranks = dict.fromkeys(len(one.shape) - 1 for one in case.net.expectations if len(one.shape) > 1)
    lists = [len(value) for value in vars(node.layer).values() if isinstance(value, tuple) and len(value) > 1]
    for rank in (*lists, *ranks) or (2,):
        side = cells if rank == 1 else isqrt(cells) if rank == 2 else round(cells ** (1 / rank))  # noqa: PLR2004
        if side**rank == cells:
            yield (channels, *(side,) * rank)
            return


def spread(case: Case) -> Iterator[Candidate]:
    """Yield a reshape that gives the flat side of a join axes of 1, as a gate of channels needs them."""
    problem, row = case.problem, case.row
    if not isinstance(problem, RanksDiffer) or row is None or (names := entries(case, row.node)) is None:
        return
    shapes = [shape or () for shape in row.input_shapes]
    largest = max(shapes, key=len)
    for index, shape in enumerate(shapes[: len(names)]):
        if len(shape) == 1 < len(largest) and shape[0] == largest[0]:
            ones = (shape[0], *(1,) * (len(largest) - 1))
            layer = {"type": Reshape.type, "shape": [*to_file(ones, case.net.layout)]}
            yield from on_entry(case, row.node, index, layer, rank=2, family=FAMILY)


def joined_flat(case: Case) -> Iterator[Candidate]:
    """Yield a flatten on the one map of a concat whose other entries are flat."""
    row = case.row
    if row is None or row.node.type != Concat.type or (names := entries(case, row.node)) is None:
        return
    maps = [index for index, shape in enumerate(row.input_shapes[: len(names)]) if shape and len(shape) > 1]
    if len(maps) == 1 < len(names) and None not in row.input_shapes:
        yield from on_entry(case, row.node, maps[0], {"type": Flatten.type}, rank=2, family=FAMILY)


def of_flat_input(case: Case) -> Iterator[Candidate]:
    """Yield the shape that a flat input has where layers work on space: a picture, or a signal of one channel."""
    row, written, shape = case.row, case.data.get("input"), case.net.inputs.get("input")
    if not isinstance(case.problem, NoSpace) or row is None or not isinstance(written, list) or not shape:
        return
    if len(shape) > 1 or case.maker(row.node.joined[0]) is not None or case.trials.given is not None:
        return
    table = case.at(row.node.place.path)
    declared = table.get("in_channels") if isinstance(table, dict) else None
    channels = declared if isinstance(declared, int) else 1
    count, left = divmod(shape[0], channels)
    side = isqrt(count)
    shapes = [(channels, side, side)] * (side * side == count) + [(channels, count)] * (count > 1)
    for place, new in enumerate(shapes if not left else ()):
        edit = Edit(None, "input", written, [*to_file(new, case.net.layout)])
        operation = Operation("set", ("input",), edit.new)
        yield Candidate(1.9 + 0.05 * place, "input", (edit,), (operation,))


def too_large(case: Case) -> Iterator[Candidate]:
    """Yield a global pool in the place of one whose large window does not fit what is left."""
    row, problem = case.row, case.problem
    if row is None or not isinstance(problem, WindowTooLarge) or row.node.type not in POOLS:
        return
    if case.maker(row.node.joined[0]) is None:  # of the input itself there was to be more
        return
    alone = sum(one.node.place == row.node.place for one in case.report.layers) == 1
    if alone and problem.facts["extent"] > max(LARGE, 2 * problem.facts["side"]):  # else it nearly fits
        yield from retyped(case, row.node, {"type": POOLS[row.node.type]}, rank=3.0, family=FAMILY)


def reshaped(case: Case) -> Iterator[Candidate]:
    """Yield the shape that the elements make which arrive at a reshape, or the sizes of an unflatten that they make."""
    problem, row = case.problem, case.row
    if row is None or not isinstance(problem, ElementsDiffer):
        return
    for name, found in (("shape", _reshapes), ("unflattened_size", _parts)):
        written = case.at((*row.node.place.path, name))
        if isinstance(written, list) and written and all(is_count(size, 1) for size in written):
            for new in found(case, written, problem.facts["elements"]):
                rank = 4 if len(written) > 1 else 2.5  # flat, as by a flatten
                yield from case.change(row.node, name, new, rank=rank, family=FAMILY)


def _parts(_case: Case, written: list[int], elements: int) -> Iterator[list[int]]:
    """Yield sizes of so many elements that differ in one place."""
    for index, size in enumerate(written):
        others = prod(written) // size
        if elements % others == 0:
            yield [*written[:index], elements // others, *written[index + 1 :]]


def fitting(case: Case) -> Iterator[Candidate]:
    """Yield the shape of a learned tensor that fits what arrives: an axis that does not is as large, or 1."""
    problem, row = case.problem, case.row
    if type(problem) is not ShapesDiffer or row is None or len(row.node.inputs) != 1:
        return
    written, arrives = case.at((*row.node.place.path, "shape")), row.input_shapes[0] or ()
    given = to_file(arrives, case.net.layout)
    if isinstance(written, list) and len(written) == len(given) and all(is_count(size, 1) for size in written):
        wrong = [axis for axis, (one, other) in enumerate(zip(written, given, strict=True)) if one not in {1, other}]
        for rank, new in ((3.0, given), (3.1, (1,) * len(given))):
            shape = [new[axis] if axis in wrong else size for axis, size in enumerate(written)]
            yield from case.change(row.node, "shape", shape, rank=rank, family=FAMILY)


def _reshapes(case: Case, written: list[int], elements: int) -> Iterator[list[int]]:
    """Yield shapes of so many elements: the channels stay, and equal sides stay equal; or the sides stay."""
    channels = len(written) - 1 if case.net.layout == "channels_last" else 0
    sides = [axis for axis in range(len(written)) if axis != channels]
    count = written[channels]
    new = [*written]
    side = round((elements // count) ** (1 / len(sides))) if sides else 0
    if not sides:
        yield [elements]
    elif side and count * side ** len(sides) == elements:
        for axis in sides:
            new[axis] = side
        yield new
    else:
        yield from (other for other in _parts(case, written, elements) if other[channels] != count)
