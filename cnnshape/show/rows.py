"""The rows of the table of a checked net, in words: one for each layer, or for each block that is folded.

A net, its report and a depth go in; a TableRow for each name of at most `depth` parts comes out, in order. Names are
those of the file, shapes are in its layout.
"""

from __future__ import annotations

from functools import cached_property
from itertools import groupby, takewhile, zip_longest
from typing import TYPE_CHECKING, Final

from cnnshape.network.report import total
from cnnshape.numbers.shape import text
from cnnshape.problems.base import errors
from cnnshape.problems.place import value_at
from cnnshape.records import NamedTuple
from cnnshape.show.checked import VERDICTS
from cnnshape.show.counts import counted, number
from cnnshape.show.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.network.graph import Node
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape
    from cnnshape.show.checked import Checked

CELLS: Final = {1: ("cell",), 2: ("row", "column"), 3: ("slice", "row", "column")}  # by rank: one of each axis
MOST_INPUTS: Final = 4  # that a row lists one by one
MOST_UNKNOWN: Final = 4  # rows of which nothing is known that stand one by one
UNKNOWN_SHAPE: Final = text(None)
SEVERITIES: Final = ("error", "warning")  # the worst first


class TableRow(NamedTuple):
    """A layer, or a folded block, in words; "" where there is nothing to say."""

    name: str
    type: str
    settings: tuple[str, ...]
    inputs: tuple[str, ...]  # a line each
    output: str
    parameters: str
    macs: str
    kept: int | None  # bytes for the backward pass: None where they are not stated, 0 where nobody asked
    dropped: tuple[str, ...]  # for each axis that loses cells
    verdict: str
    model: str  # the model's module or function, or the front of their names
    severity: str  # of the worst problem
    plain: bool  # the shape is kept, and there are no weights


def rows(checked: Checked, depth: int = 1) -> list[TableRow]:
    """Return the rows of the table, with names of more than `depth` parts folded by their front."""
    folded = _Folded(checked, depth)
    groups = groupby(range(len(folded.layers)), key=folded.group)
    return [*_shortened(folded.row(name, list(members)) for (name, _), members in groups)]


def _shortened(found: Iterable[TableRow]) -> Iterator[TableRow]:
    """Yield the rows; of many in a row of whose output nothing is known, the first and the number of the others."""
    for unknown, some in groupby(found, key=lambda row: row.output == UNKNOWN_SHAPE):
        first, *others = some
        yield first
        if not unknown or len(others) < MOST_UNKNOWN:
            yield from others
        else:
            severities = {row.severity for row in others}
            yield others[-1]._replace(
                name=f"… {len(others):,} more",
                type="",
                settings=("whose shapes cannot be known",),
                inputs=(UNKNOWN_SHAPE,),
                parameters="?" if any(row.parameters for row in others) else "",
                macs="?" if any(row.macs for row in others) else "",
                kept=total(row.kept for row in others),
                verdict=_worst(row.verdict for row in others),
                model="",
                severity=next((severity for severity in SEVERITIES if severity in severities), ""),
            )


def front(name: str, depth: int) -> str:
    """Return the first `depth` parts of a dotted name."""
    return ".".join(name.split(".", depth)[:depth])


class _Folded:
    """A report whose names are folded to a depth; a layer is given by its index."""

    def __init__(self, checked: Checked, depth: int):
        self.depth = depth
        self.layout = checked.net.layout
        self.layers = checked.report.layers
        self.verdicts = checked.verdicts()
        self.models = checked.models()
        self.kept = checked.kept.layers if checked.kept else [0] * len(self.layers)
        self.inputs = len(checked.net.inputs)
        self.names = ["?", *checked.net.inputs, *(layer.name for layer in self.layers)]  # of every value
        self.severities = {problem.layer: problem.severity for problem in checked.problems}
        self.severities |= {problem.layer: "error" for problem in errors(checked.problems)}

    def group(self, index: int) -> tuple[str, int]:
        """Return the name of a layer's row, with the index of a layer that is not folded: another may have its name."""
        name = self.names[1 + self.inputs + index]
        short = front(name, self.depth)
        return short, index if short == name else -1

    def row(self, name: str, members: list[int]) -> TableRow:
        here = slice(members[0], members[-1] + 1)
        layers = self.layers[here]
        entering = self.entering(members[0], layers)
        inputs, output = _inputs(list(entering.values()), self.layout), text(layers[-1].result.output, self.layout)
        own = [layer.parameters for layer in layers]
        parameters, macs = total(own), total([layer.macs for layer in layers])
        folded = name != layers[0].name
        if folded:
            words = (*self.content(layers), *self.wiring(members[0], entering))
        else:
            its = settings(layers[0], self.layout)
            words = (*its, *self.wiring(members[0], entering), *self.references(members[0]))
        if any(own) and all(layer.node.frozen for layer, count in zip(layers, own, strict=True) if count):
            words = (*words, "frozen")
        return TableRow(
            name=name,
            type=self.kind(layers[0]) if folded else layers[0].type,
            settings=words,
            inputs=inputs,
            output=output,
            parameters="" if parameters == 0 else number(parameters),
            macs="" if macs == 0 else number(macs),
            kept=total(self.kept[here]),
            dropped=_dropped([layer.dropped for layer in layers]),
            verdict=_worst({*self.verdicts[here]}),
            model=_span([*filter(None, self.models[here])]),
            severity=self.severity(name, layers),
            plain=not folded and inputs == (output,) and parameters == 0,
        )

    def entering(self, index: int, layers: Sequence[LayerReport]) -> dict[int, Shape | None]:
        """Return the values from outside that layers from an index on read, but for references, with their shapes."""
        first = 1 + self.inputs + index
        return {
            value: shape
            for layer in layers
            if min(layer.node.inputs, default=first) < first
            for value, shape in zip(layer.node.joined, layer.input_shapes, strict=False)  # references enter last
            if value < first
        }

    def kind(self, layer: LayerReport, deeper: int = 0) -> str:
        """Return the block that a layer is folded into, at this depth or deeper; the layer's type where there is none."""
        blocks = layer.node.blocks[self.depth + deeper - 1 :]
        return blocks[0] if blocks else layer.type

    def content(self, layers: Sequence[LayerReport]) -> Iterator[str]:
        """Yield the content of a fold: 3 x bottleneck; 32 layers; or 4 x, and the settings that all copies share."""
        if len(layers[0].node.blocks) < self.depth:  # a repeated layer
            yield f"{len(layers)} x"
            different = {settings(layer, self.layout) for layer in layers}
            yield from different.pop() if len(different) == 1 else ()
            return
        parts = {front(layer.name, self.depth + 1): layer for layer in layers}
        alike = len(parts) > 1 == len({self.kind(layer, 1) for layer in parts.values()})
        yield f"{len(parts)} x {self.kind(layers[0], 1)}" if alike else counted(len(layers), "layer")

    def wiring(self, index: int, entering: Iterable[int]) -> Iterator[str]:
        """Yield the names of the inputs: from a, b; nothing where the layer above is the only one."""
        values = list(entering)
        if values == [index + self.inputs] and (index or self.inputs == 1):
            return
        between = values[1:-1] if len(values) <= MOST_INPUTS else []
        names = [self.seen(value, index) for value in (*values[:1], *between, *values[1:][-1:])]
        names[1:1] = [] if len(values) <= MOST_INPUTS else [f"{len(values) - 2} more"]
        yield from (name if place else f"from {name}" for place, name in enumerate(names))

    def references(self, index: int) -> Iterator[str]:
        """Yield the references of a layer, by the names in its file: like down1; indices pool1."""
        node = self.layers[index].node
        if node.layer:
            keys = (key for key in node.layer.references if key in vars(node.layer))
            for key, value in zip(keys, node.inputs[len(node.joined) :], strict=True):
                yield f"{key} {self.seen(self.named(vars(node.layer)[key], value), index)}"

    def named(self, to: object, value: int) -> int:
        """Return the value that a reference names: of the max_pool whose input enters as `value`, the result."""
        of_pool = (row.node.layer is to and row.node.inputs[0] == value for row in self.layers)
        pool = next((index for index, found in enumerate(of_pool) if found), None)
        return value if pool is None else 1 + self.inputs + pool

    def seen(self, value: int, index: int) -> str:
        """Return a value's name in the file, without the front that it shares with the layer at an index."""
        around, dot, _ = front(self.layers[index].name, self.depth).rpartition(".")
        return self.title(value).removeprefix(around + dot)

    def title(self, value: int) -> str:
        """Return the name of a value in the file: of the result of a fold the fold's, of one of several s.high."""
        name = self.names[value]
        short = front(name, self.depth)
        if name == short:
            return name
        parts, gives = _use(self.layers[value - 1 - self.inputs].node, self.depth)
        if not gives:
            return short if value == self.last[short] else name
        use = front(name, parts)  # of a repeat, one copy
        given = next((one for one in gives if f"{use}.{one}" == name or self.last.get(f"{use}.{one}") == value), None)
        if given is None or not self.names[self.last[short]].startswith(f"{use}."):
            return name
        return short if len(gives) == 1 else f"{short}.{given}"

    @cached_property
    def last(self) -> dict[str, int]:
        """The last value within each use and repeat, by its name."""
        named = enumerate(self.names)
        return {front(name, depth): value for value, name in named for depth in range(1, name.count(".") + 1)}

    def severity(self, name: str, layers: Sequence[LayerReport]) -> str:
        if any(layer.node.layer is None or layer.result.refusals for layer in layers):
            return "error"
        if not self.severities:
            return ""
        found = {self.severities.get(of, "") for of in (name, *(layer.name for layer in layers))}
        return next((severity for severity in SEVERITIES if severity in found), "")


def _use(node: Node, depth: int) -> tuple[int, list[str]]:
    """Return the parts of a name that are the use into which a node is folded, and what that use's block says it gives.

    A block cannot stand within itself: neighbouring parts of the name with one block are one use, and its copies.
    """
    blocks = node.blocks
    parts = depth + sum(1 for _ in takewhile(blocks[depth - 1 : depth].__contains__, blocks[depth:]))
    level = len([*groupby(blocks[:parts])])
    steps = [*reversed(node.used_at), node.place][level : level + 1] if level else []
    found = [value_at(step.source.data, (*step.path[:2], "gives")) for step in steps]
    return parts, [name for given in found if given for name in ([given] if isinstance(given, str) else given)]


def _worst(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=["", *VERDICTS].index)


def _span(models: list[str]) -> str:
    """Write the modules of a row: the front that their names share, or else the first … the last."""
    if not models:
        return ""
    parts = zip(*(name.split(".") for name in models), strict=False)
    shared = ".".join(same[0] for same in takewhile(lambda same: len(set(same)) == 1, parts))
    return shared or f"{models[0]} … {models[-1]}"


def _inputs(shapes: list[Shape | None], layout: str) -> tuple[str, ...]:
    """Write the shapes that enter, a line each; (64+128)x28x28 where they differ in one axis."""
    written = [text(shape, layout) for shape in shapes]
    different = list(dict.fromkeys(written))
    if len(different) > 1 and len({line.count("x") for line in different}) == 1:
        axes = list(zip(*(line.split("x") for line in written), strict=True))
        varied = [axis for axis in axes if len(set(axis)) > 1]
        if len(varied) == 1:
            return ("x".join(f"({_sum(axis)})" if axis in varied else axis[0] for axis in axes),)
    return tuple(different) if len(different) <= MOST_INPUTS else (f"{len(shapes)} shapes",)


def _sum(sizes: Iterable[str]) -> str:
    """Write 64+32+32+32 as 64+3*32."""
    runs = [(size, len(list(run))) for size, run in groupby(sizes)]
    return "+".join(size if times == 1 else f"{times}*{size}" for size, times in runs)


def _dropped(layers: list[tuple[int | None, ...]]) -> tuple[str, ...]:
    """Write the cells of the image that layers drop, summed for each axis: 1 row; 2 columns."""
    sums = [sum(filter(None, axis)) for axis in zip_longest(*layers)]
    return tuple(counted(n, cell) for n, cell in zip(sums, CELLS.get(len(sums), ()), strict=False) if n)
