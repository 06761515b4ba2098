"""Fixes at joins whose shapes differ: a resize told its target, a crop, a pad, an upsample, a projection, another entry.

A join is a layer whose `from` lists several values by names; an entry is one of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.inserting import entries, on_entry, taken_out
from cnnshape.diagnosis.operations import Operation
from cnnshape.diagnosis.written import sizes
from cnnshape.layers.convolution import Conv, ConvTranspose
from cnnshape.layers.joining import Add, Concat, Sub
from cnnshape.layers.pooling import Pooling
from cnnshape.layers.shaping import Crop, Pad, Upsample
from cnnshape.numbers.shape import from_file
from cnnshape.problems.claims import ExpectDiffers
from cnnshape.problems.diagnosed import Edit
from cnnshape.problems.shapes import DeclaredDiffers, NeedsBroadcast, NothingLeft, ShapesDiffer, WindowTooLarge

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

SMALL: Final = 8  # cells that a pad may add, or this part of the side
SIZES: Final = ("size", "scale_factor", "amount", "output_padding", "offset")  # what `like` takes the place of


class Pair(NamedTuple):
    """Two entries of a join that differ: one that may change, and the one that it is to fit, by their places."""

    one: int
    other: int


class Join:
    """A layer of several entries, the names that it gives them, and their shapes."""

    def __init__(self, case: Case, row: LayerReport, names: list[str]):
        self.case, self.row, self.node, self.names = case, row, row.node, names
        self.shapes: list[Shape] = [shape or () for shape in row.input_shapes[: len(names)]]
        self.values = row.node.joined
        self.frame = row.node.place.path[:-1]

    @property
    def pairs(self) -> Iterator[Pair]:
        """Yield an entry with another that it is to fit: of several the one that most others are like."""
        sides = [shape[1:] for shape in self.shapes]
        most = max(sides, key=sides.count)
        if len(sides) > 2 and sides.count(most) > 1:  # noqa: PLR2004 -- there is no majority of two
            yield from (Pair(index, sides.index(most)) for index, own in enumerate(sides) if own != most)
        else:
            yield from (Pair(i, j) for i, own in enumerate(self.shapes) for j, o in enumerate(self.shapes) if own != o)

    def back(self, value: int) -> Iterator[LayerReport]:
        """Yield the rows behind a value by the first input of each, as long as they are in the join's frame."""
        row = self.case.maker(value)
        while row is not None and row.node.place.path[:-1] == self.frame and self.within(row):
            yield row
            row = self.case.maker(row.node.joined[0]) if row.node.joined else None

    def within(self, row: LayerReport) -> bool:
        """Say whether a row is of the same use of the frame's block."""
        return (
            row.node.used_at == self.node.used_at
            and row.node.name.rpartition(".")[0] == self.node.name.rpartition(".")[0]
        )

    def stands_before(self, name: str, row: LayerReport) -> bool:
        """Say whether a name of the frame is that of a layer above a row, or of what enters the frame."""
        steps = self.case.at(self.frame)
        place = next((i for i, step in enumerate(steps) if isinstance(step, dict) and step.get("name") == name), -1)
        return place < int(row.node.place.path[-1]) and ("." not in name or place >= 0)


def _join(case: Case) -> Join | None:
    row = case.row
    if row is None or not isinstance(case.problem, ShapesDiffer) or (names := entries(case, row.node)) is None:
        return None
    shapes = row.input_shapes[: len(names)]
    if None in shapes or len({len(shape or ()) for shape in shapes}) > 1 or len(shapes) < 2:  # noqa: PLR2004 -- a pair
        return None
    return Join(case, row, names)


def targets(case: Case) -> Iterator[Candidate]:
    """Yield `like`, or the size, for a resize or a crop on the way to a join, or to what is expected of it."""
    if isinstance(case.problem, ExpectDiffers):
        yield from _to_expected(case, from_file(tuple(case.problem.facts["expected"]), case.net.layout)[1:])
    join = _join(case)
    for pair in join.pairs if join else ():
        assert join is not None
        wanted = join.shapes[pair.other][1:]
        for row in join.back(join.values[pair.one]):
            enters = row.input_shapes[0]
            if row.node.layer is None or enters is None or len(enters[1:]) != len(wanted):
                break
            if "like" in row.node.layer.references:
                yield from _told(join, row, join.names[pair.other], wanted)
            if enters[1:] != (row.output or ())[1:]:
                break


def _to_expected(case: Case, wanted: Shape) -> Iterator[Candidate]:
    """Yield a resize with the sides that are expected of its result, or of one that keeps them."""
    row = case.row
    join = Join(case, row, []) if row is not None else None
    value = next((value for value, node in case.net.made() if node.name == case.problem.layer), 0)
    for made in join.back(value) if join else ():
        assert join is not None
        if made.node.layer is None or made.input_shapes[0] is None or len(wanted) != len(made.input_shapes[0]) - 1:
            break
        if made.node.layer.references.keys() & {"like"} and made.node.type != ConvTranspose.type:
            inputs = [name for name, shape in case.net.inputs.items() if shape and shape[1:] == wanted]
            name = inputs[0] if inputs and len(join.frame) == 1 else ""
            yield from _told(join, made, name, wanted)
            break
        if made.input_shapes[0][1:] != (made.output or ())[1:]:
            break


def _told(join: Join, row: LayerReport, name: str, wanted: Shape) -> Iterator[Candidate]:
    """Yield a resize with `like`, or with another size or factor."""
    case, node, path = join.case, row.node, row.node.place.path
    table = case.at(path)
    if not case.own(node.place) or not isinstance(table, dict) or (row.output or ())[1:] == wanted:
        return
    named = case.cause is not None and case.cause.layer == node.name
    rank = (3.0 if named else 5.5) + (0.4 if node.type == ConvTranspose.type else 0)
    gone = [key for key in SIZES if key in table]
    removed = [Operation("remove", (*path, key)) for key in gone]
    taken_away = [Edit(node.name, key, table[key], None) for key in gone]
    if name and join.stands_before(name, row) and table.get("like") != name:
        edits = (Edit(node.name, "like", table.get("like"), name), *taken_away)
        yield Candidate(rank, "target", edits, (Operation("set", (*path, "like"), name), *removed))
    if not name and "size" not in table and node.type == Upsample.type:
        edits = (Edit(node.name, "size", None, sizes(wanted)), *taken_away)
        yield Candidate(rank, "target", edits, (Operation("set", (*path, "size"), sizes(wanted)), *removed))
    if isinstance(table.get("size"), int | list):
        yield from case.change(node, "size", sizes(wanted), rank=rank + 0.1, family="target")
    enters = (row.input_shapes[0] or ())[1:]
    if len(enters) != len(wanted):
        return
    factors = {side // own for side, own in zip(wanted, enters, strict=True) if own and side % own == 0}
    if (
        node.type == Upsample.type
        and table.get("like")
        and len(factors) == 1
        and tuple(s * min(factors) for s in enters) == wanted
    ):
        edits = (Edit(node.name, "scale_factor", None, min(factors)), Edit(node.name, "like", table["like"], None))
        operations = (Operation("set", (*path, "scale_factor"), min(factors)), Operation("remove", (*path, "like")))
        yield Candidate(rank + 0.2, "target", edits, operations)


def fitted(case: Case) -> Iterator[Candidate]:
    """Yield a crop of the larger entry, a pad of the smaller one, or an upsample that makes it as large."""
    join = _join(case)
    for pair in join.pairs if join else ():
        assert join is not None
        own, wanted, node = join.shapes[pair.one][1:], join.shapes[pair.other][1:], join.node
        more = [side - other for side, other in zip(own, wanted, strict=True)]
        if own == wanted or 0 in own:
            continue
        if min(more) >= 0 and all(2 * side > own_side for side, own_side in zip(wanted, own, strict=True)):
            layer = {"type": Crop.type, "like": join.names[pair.other]}
            yield from on_entry(case, node, pair.one, layer, rank=6, family="fit")
        elif max(more) <= 0:
            factors = {side // own_side for side, own_side in zip(wanted, own, strict=True)}
            resized = any(
                row.node.type == Upsample.type for row in join.back(join.values[pair.other])
            )  # rather that one
            if not resized and len(factors) == 1 and tuple(side * min(factors) for side in own) == wanted:
                layer = {"type": Upsample.type, "scale_factor": min(factors)}
                yield from on_entry(case, node, pair.one, layer, rank=6, family="fit")
            elif all(-cells <= max(SMALL, side // SMALL) for cells, side in zip(more, own, strict=True)):
                layer = {"type": Pad.type, "padding": _padding([-cells for cells in more])}
                yield from on_entry(case, node, pair.one, layer, rank=6.2, family="fit")


def _padding(cells: list[int]) -> Any:
    """Return the padding that adds so many cells to each axis: half of them before, an odd one behind."""
    each = [count // 2 if count % 2 == 0 else [count // 2, count - count // 2] for count in cells]
    return each[0] if all(one == each[0] and isinstance(one, int) for one in each) else each


def projected(case: Case) -> Iterator[Candidate]:
    """Yield a 1x1 convolution on the shortcut of a sum, with the channels and the stride of the branch."""
    join = _join(case)
    if join is None or join.node.type not in {Add.type, Sub.type} or len(join.names) != 2:  # noqa: PLR2004 -- a shortcut and a branch
        return
    for one, other in ((0, 1), (1, 0)):
        branch = [*join.back(join.values[other])]
        start = [index for index, row in enumerate(branch) if row.node.joined[:1] == join.values[one : one + 1]]
        if start:
            layer = _projection(join, branch[: start[0] + 1], one, other)
            if layer:
                rank = 2.6 if _voted(case, join, join.shapes[other][0]) else 3.6
                yield from on_entry(case, join.node, one, layer, rank=rank, family="projection")


def _projection(join: Join, branch: list[LayerReport], one: int, other: int) -> dict[str, Any] | None:
    """Return the layer that makes a shortcut's shape that of the branch, in the words of the branch's own layers."""
    own, wanted = join.shapes[one], join.shapes[other]
    tables = [table for row in branch if isinstance(table := join.case.at(row.node.place.path), dict)]
    channels = next((table["out_channels"] for table in tables if "out_channels" in table), None)
    strides = [table["stride"] for table in tables if table.get("stride", 1) != 1] if channels is not None else []
    if channels is None or len(strides) > 1 or any(isinstance(stride, list) for stride in strides):
        return None
    bias = next((table["bias"] for table in tables if "bias" in table), None)
    layer = {"type": Conv.type, "out_channels": channels, "kernel_size": 1}
    if strides:
        layer["stride"] = strides[0]
    elif own[1:] != wanted[1:]:
        return None
    return layer if bias is None else layer | {"bias": bias}


def _voted(case: Case, join: Join, channels: int) -> bool:
    """Say whether a layer that reads the join declares so many channels."""
    value = case.value(join.node)
    tables = (case.at(node.place.path) for node in case.net.nodes if value in node.joined and case.own(node.place))
    return any(isinstance(table, dict) and table.get("in_channels") == channels for table in tables)


def rewired(case: Case) -> Iterator[Candidate]:
    """Yield another entry of a concat, or one more, with which a declared number of channels is met."""
    row = case.row
    if row is None:
        return
    join = _join(case)
    if join is not None and join.node.type == Concat.type:
        yield from _replaced(case, join)
    elif (
        isinstance(case.problem, DeclaredDiffers)
        and case.problem.facts["parameter"] == "in_channels"
        and row.node.joined
    ):
        yield from _added(case, row)


def _replaced(case: Case, join: Join) -> Iterator[Candidate]:
    """Yield the exchange of one entry, where a reader of the concat declares the channels that come of it."""
    reads = [value for node in case.net.nodes for value in node.inputs]
    for pair in join.pairs:
        if reads.count(join.values[pair.one]) < 2:  # noqa: PLR2004 -- nothing else would read it any more
            continue
        rest = [shape for index, shape in enumerate(join.shapes) if index != pair.one]
        for name, shape in _beside(join):
            fits = shape[1:] == join.shapes[pair.other][1:] and name not in join.names
            if fits and _voted(case, join, sum(other[0] for other in rest) + shape[0]):
                yield _entered(join, [*join.names[: pair.one], name, *join.names[pair.one + 1 :]], 2.6)


def _added(case: Case, row: LayerReport) -> Iterator[Candidate]:
    """Yield one more entry of the concat that a layer reads, with the channels that it lacks."""
    maker = case.maker(row.node.joined[0])
    if maker is None or maker.node.type != Concat.type or (names := entries(case, maker.node)) is None:
        return
    join = Join(case, maker, names)
    missing = case.problem.facts["declared"] - case.problem.facts["arrives"]
    read = {value for node in case.net.nodes for value in node.inputs}
    unread = {node.name for value, node in case.net.made() if value not in read}
    for name, shape in _beside(join):
        if shape[1:] == join.shapes[0][1:] and shape[0] == missing and name not in names:
            yield _entered(join, [*names, name], 2.6 if _full(join, name) in unread else 3.8)


def _entered(join: Join, names: list[str], rank: float) -> Candidate:
    path = (*join.node.place.path, "from")
    edit = Edit(join.node.name, "from", [*join.names], names)
    if len(names) == len(join.names):
        changed = [index for index, name in enumerate(names) if name != join.names[index]]
    else:
        changed = [len(names) - 1]
    return Candidate(rank, "from", (edit,), tuple(Operation("set", (*path, index), names[index]) for index in changed))


def _beside(join: Join) -> Iterator[tuple[str, Shape]]:
    """Yield the names of the layers above a join, in its frame, with their shapes; the nearest first."""
    steps = join.case.at(join.frame)
    for step in reversed(steps[: join.node.place.path[-1]]):
        name = step.get("name") if isinstance(step, dict) else None
        row = join.case.named(_full(join, name)) if isinstance(name, str) else None
        if isinstance(name, str) and row is not None and row.output and "repeat" not in step:
            yield name, row.output


def _full(join: Join, name: str) -> str:
    """Return the dotted name of a layer beside a join."""
    around = join.node.name.rpartition(".")[0]
    return f"{around}.{name}" if around else name


def other_axis(case: Case) -> Iterator[Candidate]:
    """Yield the axis along which a concat fits: the channels, where these are declared so; or the one that differs."""
    cause, row = case.cause, case.row
    if isinstance(case.problem, DeclaredDiffers) and cause is not None and cause.layer is not None:
        maker = case.named(cause.layer)
        if maker is not None and maker.node.type == Concat.type and maker.node.layer and maker.node.layer.dim != 1:  # type: ignore[attr-defined]
            yield from case.change(maker.node, "dim", None, rank=2, family="axis")
    elif isinstance(case.problem, ShapesDiffer) and row is not None and row.node.type == Concat.type:
        shapes = [shape for shape in row.input_shapes if shape]
        if len(shapes) == len(row.input_shapes) and len({*map(len, shapes)}) == 1:
            differ = [axis for axis, sizes in enumerate(zip(*shapes, strict=True), 1) if len({*sizes}) > 1]
            if len(differ) == 1:
                yield from case.change(row.node, "dim", differ[0] if differ[0] > 1 else None, rank=3.4, family="axis")


def broadcast(case: Case) -> Iterator[Candidate]:
    """Yield the leave to repeat axes of 1."""
    if isinstance(case.problem, NeedsBroadcast) and case.row is not None:
        yield from case.change(case.row.node, "broadcast", True, rank=3, family="broadcast")


def one_less(case: Case) -> Iterator[Candidate]:
    """Yield the removal of a pool that has nothing left to shrink."""
    row = case.row
    if (
        row is not None
        and isinstance(row.node.layer, Pooling)
        and isinstance(case.problem, WindowTooLarge | NothingLeft)
    ):
        yield from taken_out(case, row.node, rank=5.5, family="remove")
