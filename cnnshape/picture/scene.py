"""The scene of a picture: the tensors of a checked net, and the arrows between them, without sizes on paper.

A net and its report go in; a Scene comes out. A Solid is a tensor: what a layer or a folded block makes, with the layers
that keep its shape as stripes. It has the level at which it stands (levels.py), the rows that it shows, and the value that
it is, so that a reader finds its shape at any input: `net.check(input=...)`, or the closed form. `placing.py` gives the
solids their places on paper; svg.py and tikz.py write them.

    scene = make(net, net.check(), depth=2)
    scene.solids[3].name, .shape, .level, .stripes      # in the order of running, the inputs first
    scene.arrows[0].source, .target                     # the indexes of solids
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby, takewhile
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.parameters import per_axis
from cnnshape.numbers.shape import text
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.picture.levels import levels
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.layers import Layer
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.numbers.shape import Shape

LEAST_SOLIDS: Final = 8  # the default depth unfolds blocks until there are as many,
MOST_SOLIDS: Final = 40  # and no more than these
INPUT: Final = "input"
BLOCK: Final = "block"
LONGEST_NAME: Final = 28
JOINED: Final = " … "  # between the names of the first and the last of equal neighbours
STRIPES: Final = ("activation", "norm", "pointwise", "drop")  # the paints of layers that may be stripes
OK: Final = "ok"
FAILS: Final = "fails"  # a layer refuses what enters, or the file is wrong about it or about its result
UNKNOWN_STATE: Final = "unknown"  # behind a failure


class Stripe(NamedTuple):
    """A layer that keeps the shape, in the solid of its tensor."""

    name: str
    type: str
    paint: str
    row: int  # of the report


class Solid(NamedTuple):
    """A tensor of the picture."""

    name: str  # dotted, and folded to the depth; "conv3_2 … conv3_3" of equal neighbours
    kind: str  # "input", the layer's type, or the block's name
    paint: str
    value: int  # the graph's number of the tensor
    rows: tuple[int, ...]  # of the report, drawn here, in order; of a fold, those inside
    shape: Shape | None  # channels first; a number that is not known is UNKNOWN
    size: str  # the shape in words, in the file's layout
    level: float
    stripes: tuple[Stripe, ...] = ()
    times: int = 1  # the equal parts of a fold, or equal neighbours
    folded: bool = False
    sign: str = ""  # of a join
    parts: tuple[int, ...] = ()  # the channels that a concat joins, in order
    dropped: tuple[int, ...] = ()  # along each spatial axis, the cells at the end that the next layer does not read
    state: str = OK
    outputs: tuple[str, ...] = ()  # the names of the net's outputs that it is
    names: tuple[str, ...] = ()  # the forms in which the name may be shown, the best first


class Arrow(NamedTuple):
    """A tensor that enters a layer, by the indexes of the two solids."""

    source: int
    target: int
    kernel: str = ""  # 3x3
    stride: str = ""  # /2; up 2 of a layer that makes sides larger
    times: int = 1  # the values that enter
    reference: bool = False  # its size is looked at, and not its content


class Scene(NamedTuple):
    """All that a picture shows, in the order of running."""

    name: str
    source: str
    solids: tuple[Solid, ...]
    arrows: tuple[Arrow, ...]
    depth: int
    layout: str

    def legend(self) -> dict[str, tuple[str, ...]]:
        """Return the types and blocks in the picture by their paint, in the order of running; what fails has its own."""
        found: dict[str, dict[str, None]] = {}
        for solid in self.solids:
            own = (FAILS, FAILS) if solid.state == FAILS else (solid.paint, solid.kind)
            for paint, kind in (own, *((stripe.paint, stripe.type) for stripe in solid.stripes)):
                found.setdefault(paint, {})[kind] = None
        return {paint: tuple(kinds) for paint, kinds in found.items()}


def make(net: Network, report: Report, depth: int | None = None, stand: list[float] | None = None) -> Scene:
    """Return the scene of a net by its report, with `depth` levels of blocks unfolded; `stand` are its levels, if known.

    None: the least depth that shows LEAST_SOLIDS tensors, if it shows no more than MOST_SOLIDS.
    """
    stand = levels(net, report) if stand is None else stand
    if depth is not None:
        return _Making(net, report, stand, depth).scene()
    best = None
    for depth in range(1, deepest(net) + 1):  # noqa: PLR1704 -- None until here
        scene = _Making(net, report, stand, depth).scene()
        if best is None or len(scene.solids) <= MOST_SOLIDS:
            best = scene
        if len(scene.solids) > LEAST_SOLIDS:
            break
    assert best
    return best


def deepest(net: Network) -> int:
    """Return the depth at which all blocks of a net are unfolded."""
    return max((node.name.count(".") + 1 for node in net.nodes), default=1)


def paint_of(row: LayerReport) -> str:
    """Return the paint of a row's layer."""
    return row.node.layer.paint if row.node.layer else FAILS


class _Making:
    """Makes the scene of one report at one depth. Values and rows are numbers, as in the graph."""

    def __init__(self, net: Network, report: Report, stand: list[float], depth: int):
        self.net, self.report, self.levels, self.depth = net, report, stand, depth
        self.first = 1 + len(net.inputs)  # the value of the first row
        self.shapes = [
            None,
            *(report.inputs.get(name) for name in net.inputs),
            *(r.result.output for r in report.layers),
        ]
        self.readers: dict[int, list[int]] = {}  # the rows that read a value
        for index, row in enumerate(report.layers):
            for value in row.node.inputs:
                self.readers.setdefault(value, []).append(index)
        self.failing = {problem.layer for problem in errors(report.problems)}  # what is expected and is not so, as well
        self.outputs: dict[int, list[str]] = {}
        for name, value in net.outputs.items():
            self.outputs.setdefault(value, []).append(name)
        self.solids: list[Solid] = []
        self.arrows: list[Arrow] = []
        self.shown: dict[int, int] = {}  # the solid of each value that is drawn

    def scene(self) -> Scene:
        for value, name in enumerate(self.net.inputs, 1):
            self.add(value, Solid(name, INPUT, INPUT, value, (), *self.tensor(value)))
        for name, rows in self.units():
            if len(rows) == 1 and self.front(rows[0]) == self.report.layers[rows[0]].name:
                self.layer(name, rows[0])
            elif copies := self.copies(name, rows):
                self.chain(name, copies)
            else:
                self.fold(name, rows)
        net = self.net
        return Scene(net.name, net.source, _named(self.solids), tuple(self.arrows), self.depth, net.layout)

    def front(self, row: int) -> str:
        """Return the name of a row, folded to the depth."""
        return ".".join(self.report.layers[row].name.split(".")[: self.depth])

    def units(self) -> Iterator[tuple[str, list[int]]]:
        """Yield the rows that share a front, by it; a layer that is not folded stands alone."""

        def key(row: int) -> tuple[str, int]:
            front = self.front(row)
            return front, row if front == self.report.layers[row].name else -1

        for (name, _), rows in groupby(range(len(self.report.layers)), key=key):
            yield name, list(rows)

    def tensor(self, value: int) -> tuple[Shape | None, str, float]:
        """Return the shape of a value, in words as well, and its level."""
        shape = self.shapes[value]
        return shape, text(shape, self.net.layout), self.levels[value]

    def add(self, value: int, solid: Solid) -> int:
        """Add a solid, and return its index."""
        self.shown[value] = len(self.solids)
        self.solids.append(solid._replace(outputs=tuple(self.outputs.get(value, ()))))
        return self.shown[value]

    # Layers

    def is_stripe(self, row: int) -> bool:
        """Say whether a layer keeps the shape of a tensor that nothing else reads."""
        layer = self.report.layers[row]
        value = layer.node.inputs[0]
        return (
            paint_of(layer) in STRIPES
            and len(layer.node.inputs) == 1
            and layer.result.output is not None
            and layer.result.output == layer.input_shapes[0]
            and self.state(layer.name, [row]) != FAILS
            and len(self.readers[value]) == 1
            and value not in self.outputs
        )

    def copies(self, name: str, rows: list[int]) -> list[list[int]]:
        """Return the layers of a fold that is one layer once or more, each with its stripes; [] of any other fold."""
        copies: list[list[int]] = []
        for row in rows:
            if row > rows[0] and self.is_stripe(row):
                copies[-1].append(row)
            else:
                copies.append([row])
        inner = [self.first + row for row in rows[:-1]]
        chained = all(
            self.readers.get(value) == [row]
            and self.report.layers[row].node.inputs == (value,)
            and value not in self.outputs
            for value, row in zip(inner, rows[1:], strict=True)
        )
        first = self.copy(copies[0])
        well = not self.is_stripe(rows[0]) and (len(copies) == 1 or self.state(name, rows) == OK)
        return copies if chained and well and all(self.copy(copy) == first for copy in copies) else []

    def copy(self, rows: Sequence[int]) -> tuple[Any, ...]:
        """Return all that is seen of a layer with its stripes."""
        head = self.report.layers[rows[0]]
        own = {name for name in vars(head.node.layer) if name in head.node.layer.inferred} if head.node.layer else ()
        settings = head.node.layer.replace(**dict.fromkeys(own)) if head.node.layer else None
        return settings, head.result.output, *(self.report.layers[row].type for row in rows)

    def chain(self, name: str, copies: list[list[int]]) -> None:
        """Add a fold that is one layer, or equal ones in a row."""
        for row in copies[-1]:
            self.layer(name if row == copies[-1][0] else self.report.layers[row].name, row, copies[:-1])

    def layer(self, name: str, row: int, copies: Sequence[Sequence[int]] = ()) -> None:
        """Add a layer, behind equal ones: as a stripe of the solid before it, as one more of an equal solid, or as one."""
        layer, value = self.report.layers[row], self.first + row
        if self.is_stripe(row) and layer.node.inputs[0] in self.shown:
            self.stripe(name, row)
            return
        paint = paint_of(layer)
        solid = Solid(
            name,
            layer.type,
            paint,
            value,
            (*(one for copy in copies for one in copy), row),
            *self.tensor(value),
            times=1 + len(copies),
            sign=layer.node.layer.sign if layer.node.layer else "",
            parts=_parts(layer),
            state=self.state(name, [row]),
        )
        index = self.add(value, solid)
        self.enter(index, [copies[0][0] if copies else row], *_window(layer))
        self.join()

    def stripe(self, name: str, row: int) -> None:
        """Put a layer into the solid of the tensor that it keeps the shape of."""
        layer, value = self.report.layers[row], self.first + row
        index = self.shown[value] = self.shown[layer.node.inputs[0]]
        solid = self.solids[index]
        stripe = Stripe(name, layer.type, paint_of(layer), row)
        self.solids[index] = solid._replace(
            value=value,
            rows=(*solid.rows, row),
            stripes=(*solid.stripes, stripe),
            outputs=tuple(self.outputs.get(value, ())),
        )
        self.join()

    # Blocks

    def fold(self, name: str, rows: list[int]) -> None:
        """Add a block or a repeat: a solid for each shape that it gives, the first to enter."""
        inside = {self.first + row for row in rows}
        used = [
            v for v in inside if v in self.outputs or any(self.first + r not in inside for r in self.readers.get(v, ()))
        ]
        given: dict[Any, list[int]] = {}
        for value in sorted(used) or [self.first + rows[-1]]:
            given.setdefault((self.shapes[value], self.levels[value]), []).append(value)
        kind, times = self.content(rows)
        first = len(self.solids)
        for values in sorted(given.values(), key=lambda some: some[-1]):
            solid = Solid(
                name,
                kind,
                BLOCK,
                values[-1],
                tuple(rows),
                *self.tensor(values[-1]),
                times=times,
                folded=True,
                state=self.state(name, rows),
            )
            index = self.add(values[-1], solid)
            self.shown.update(dict.fromkeys(values, index))
            if index == first:
                self.enter(index, rows)
            else:
                self.arrows.append(Arrow(index - 1, index, times=len(values)))
        self.join()

    def content(self, rows: list[int]) -> tuple[str, int]:
        """Return what a fold is: the name of its block, or of the equal parts that it is, and their number."""
        layers = [self.report.layers[row] for row in rows]
        parts = {".".join(row.name.split(".")[: self.depth + 1]): self.kind(row, 1) for row in layers}
        if len(parts) > 1 == len({*parts.values()}):
            return next(iter(parts.values())), len(parts)
        return self.kind(layers[0], 0), 1

    def kind(self, row: LayerReport, deeper: int) -> str:
        """Return the block that a row is folded into at the depth, or deeper; its type where there is none."""
        blocks = row.node.blocks[self.depth - 1 + deeper :]
        return (blocks[0] if blocks else "") or (row.type if len(row.name.split(".")) == self.depth + deeper else BLOCK)

    # What all have

    def state(self, name: str, rows: Iterable[int]) -> str:
        """Return whether rows fail, or the block of this name, are not known, or are well."""
        layers = [self.report.layers[row] for row in rows]
        if any(layer.result.refusals or layer.node.layer is None for layer in layers):
            return FAILS
        if not self.failing.isdisjoint((name, *(layer.name for layer in layers))):
            return FAILS
        whole = all(layer.result.output is not None and UNKNOWN not in layer.result.output for layer in layers)
        return OK if whole else UNKNOWN_STATE

    def enter(self, index: int, rows: list[int], kernel: str = "", stride: str = "") -> None:
        """Add the arrows to a solid from those whose values its rows read, and the cells that are not read there."""
        inside = {self.first + row for row in rows}
        sources: dict[int, list[bool]] = {}
        for row in rows:
            node = self.report.layers[row].node
            for place, value in enumerate(node.inputs):
                if value in inside or value not in self.shown:
                    continue
                sources.setdefault(self.shown[value], []).append(place >= len(node.joined))
                if place == 0:
                    self.drop(self.shown[value], self.report.layers[row].dropped)
        for source, references in sources.items():
            if source != index:
                times = len(references) if len(rows) == 1 else 1
                self.arrows.append(Arrow(source, index, kernel, stride, times, reference=all(references)))

    def drop(self, index: int, dropped: tuple[int | None, ...]) -> None:
        """Note the cells at the ends of a solid that a layer does not read."""
        solid = self.solids[index]
        if any(dropped) and solid.shape and len(solid.shape) == len(dropped) + 1:
            before = solid.dropped or (0,) * len(dropped)
            cells = tuple(max(one, other or 0) for one, other in zip(before, dropped, strict=True))
            self.solids[index] = solid._replace(dropped=cells)

    def join(self) -> None:
        """Join the last solid to the one before it, where it is the same once more."""
        if len(self.solids) < 2:  # noqa: PLR2004 -- two solids
            return
        one, other = self.solids[-2:]
        index = len(self.solids) - 1
        arrows = [*takewhile(lambda arrow: arrow.target == index, reversed(self.arrows))]
        alone = [arrow.source for arrow in arrows] == [index - 1] and {*self.readers.get(one.value, ())} <= {
            *other.rows
        }
        if not alone or one.outputs or other.kind == INPUT or not self.alike(one, other):
            return
        del self.solids[-1]
        self.arrows.remove(arrows[0])
        self.shown = {value: min(solid, index - 1) for value, solid in self.shown.items()}
        name = f"{one.name.partition(JOINED)[0]}{JOINED}{other.name}"
        joined = other._replace(name=name, rows=one.rows + other.rows, times=one.times + 1)
        self.solids[-1] = joined

    def alike(self, one: Solid, other: Solid) -> bool:
        """Say whether a solid is the same as the one before it, or as the last of those that were joined to it."""
        if one.state != OK or other.state != OK or one.kind != other.kind or one.shape != other.shape or one.sign:
            return False
        if len(one.stripes) != len(other.stripes) or other.times > 1 or (one.times > 1 and JOINED not in one.name):
            return False
        last = one.rows[-len(other.rows) :]
        return self.form(last) == self.form(other.rows)

    def form(self, rows: Sequence[int]) -> list[tuple[Layer | None, tuple[int, ...]]]:
        """Return the layers of rows, with where each takes its values from, counted from the first row."""
        nodes = [self.report.layers[row].node for row in rows]
        begin = self.first + rows[0]
        return [(node.layer, tuple(max(value - begin, -1) for value in node.inputs)) for node in nodes]


def _named(solids: Sequence[Solid]) -> tuple[Solid, ...]:
    """Return the solids with the names that they may be shown by: of a dotted one, a part that no other has."""
    fronts = Counter(front for solid in solids for front in _fronts(solid.name))
    backs = Counter(solid.name.rpartition(".")[2] for solid in solids)
    return tuple(solid._replace(names=(*_forms(solid, fronts, backs),)) for solid in solids)


def _fronts(name: str) -> set[str]:
    """Return all dotted beginnings of a name."""
    parts = name.partition(JOINED)[0].split(".")
    return {".".join(parts[:count]) for count in range(1, 1 + len(parts))}


def _forms(solid: Solid, fronts: Counter[str], backs: Counter[str]) -> Iterator[str]:
    """Yield the name of a solid, the best form first."""
    times = f" x {solid.times}" if solid.times > 1 else ""
    first, joined, _ = solid.name.partition(JOINED)
    back = first.rpartition(".")[2]
    short = min((front for front in _fronts(first) if fronts[front] == 1), key=len, default=first)
    if joined and len(solid.name) <= 2 * LONGEST_NAME:
        yield solid.name
    elif short != first:
        yield f"{_cut(short)}{times}"
    elif backs[back] == 1 and not back.isdigit():
        yield f"{_cut(back)}{times}"
    yield f"{_cut(first)}{times}"
    yield f"{_cut(back)}{times}"


def _cut(name: str) -> str:
    """Return the end of a name that is too long."""
    return name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME:]}"


def _parts(layer: LayerReport) -> tuple[int, ...]:
    """Return the channels that stand side by side in the result of a join, in order."""
    of, y = layer.node.layer, layer.output
    if of is None or not of.stacks or not y or None in layer.inputs:
        return ()
    channels = tuple(shape[0] for shape in layer.inputs if shape)
    return channels if sum(channels) == y[0] else ()


def _window(layer: LayerReport) -> tuple[str, str]:
    """Return the kernel of a layer, as 3x3, and its stride or factor, as /2 or up 2; "" for none."""
    of, x, y = layer.node.layer, layer.input_shapes[0], layer.output
    rank = len(x) - 1 if x else 0
    kernel = getattr(of, "kernel_size", None)
    stride = getattr(of, "stride", None) or getattr(of, "scale_factor", None) or kernel  # a pool's stride is its kernel
    cells = [prod(shape[1:]) if shape and UNKNOWN not in shape else 0 for shape in (x, y)]
    larger = 0 < cells[0] < cells[1]
    return _along(kernel, rank, ""), _along(stride, rank, "up " if larger else "/")


def _along(setting: Any, rank: int, sign: str) -> str:
    """Write a setting with one number for each axis: 3x3; with a sign, /2, or /(2x1) where they differ, "" for 1."""
    if setting is None or not rank:
        return ""
    entries = [str(entry) for entry in per_axis(setting, rank)]
    if not sign:
        return "x".join(entries)
    if {*entries} == {"1"}:
        return ""
    return f"{sign}{entries[0] if len({*entries}) == 1 else 'x'.join(entries)}"
