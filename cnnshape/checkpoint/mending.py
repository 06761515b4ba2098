"""Layers, and the shapes of their tensors in a checkpoint -> the values in the file that give these shapes.

The net runs once more, layer by layer, each with the least change of its settings that gives the checkpoint's tensors; a
layer whose numbers follow from what enters then needs no change of its own. A value is the file's: an argument of a block
is said where the block is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.file.expression import parse
from cnnshape.file.tokens import ExpressionError
from cnnshape.layers.normalization import COUNTER
from cnnshape.layers.parameters import Count, Extent, Flag, Inferred, InferredShape, PerAxis, Word
from cnnshape.network.flow import measure
from cnnshape.network.module_names import module_names
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.place import Place, value_at
from cnnshape.problems.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport
    from cnnshape.numbers.shape import Shape

State = dict[str, "Shape"]

WHOLE: Final = 100  # the cost of a tensor that is missing, or too many, against that of an axis
SHARES: Final = (2, 3, 4)  # a tensor may have so many times the size of a setting: gates, queries with keys and values
MOST_TRIALS: Final = 200_000  # of settings, for all layers together: some seconds
MOST_ARGUMENT: Final = 100_000  # values of an argument that are tried


class Mend(NamedTuple):
    """A value of the file that must be another, so that a layer fits; `name` is what it is called there."""

    layer: str
    name: str
    value: Any
    place: Place
    expression: str  # of the file, where it is no plain value

    def __str__(self) -> str:
        value = shown(list(self.value) if isinstance(self.value, tuple) else self.value)
        return (
            f"{self.name} = {value}" if not self.expression else f'{self.name} = "{self.expression}" must give {value}'
        )


class Mender:
    """Finds the values, for the layers of a net."""

    def __init__(self, net: Network, rows: Sequence[LayerReport]):
        self.net, self.rows = net, rows
        self.trials = 0
        self.known: dict[Any, dict[str, Any] | None] = {}

    def mends(self, theirs: Mapping[str, State]) -> Iterator[Mend]:
        """Yield the values, each once; `theirs` has the tensors of each layer, by the ends of their names."""
        shapes: list[Shape | None] = [None, *self.net.inputs.values()]
        layers: dict[str, Layer] = {}
        seen = set()
        for row in self.rows:
            entering = tuple(shapes[value] for value in row.node.inputs)
            layer, x = row.node.layer, entering[0] or row.input_shapes[0]
            if layer is not None and row.node.shares in layers:
                layer = layers[row.node.shares]
            elif layer is not None and x is not None and UNKNOWN not in x:
                left_out, layer = layer.left_out, layer.decided_by(x)
                changes = self.changes(layer, x, theirs.get(row.name, {}), left_out)
                layer = layers[row.name] = layer.replace(**changes)
                for name, value in changes.items():
                    mend = _located(row.node, name, value)
                    if (mend.place, str(mend)) not in seen:
                        seen.add((mend.place, str(mend)))
                        yield mend
            output = measure(layer, entering).output
            shapes.append(output if output and UNKNOWN not in output else row.output)

    def copies(self, prefix: str, theirs: Iterable[str]) -> Iterator[Mend]:
        """Yield the numbers of copies of repeated steps; `theirs` are the names in the checkpoint, behind a prefix."""
        called = module_names(row.name for row in self.rows)
        nodes = {called[row.name]: row.node for row in self.rows if row.result.parameters}
        ours = _numbered(nodes)
        there = _numbered(name.removeprefix(prefix) for name in theirs if name.startswith(prefix))
        for parent, numbers in ours.items():
            more = len(there.get(parent, ())) - len(numbers)
            node = next(node for name, node in nodes.items() if name.startswith(f"{parent}{max(numbers)}"))
            if more and parent in there and (mend := _repeated(node, parent, more)):
                yield mend

    def changes(self, layer: Layer, x: Shape, theirs: State, left_out: frozenset[str]) -> dict[str, Any]:
        """Return the settings that give the checkpoint's tensors; none where it has none, or nothing gives them."""
        if not theirs or not layer.parameters:
            return {}
        key = layer, x, tuple(theirs.items())
        if key not in self.known:
            self.known[key] = self.descended(layer, x, theirs, left_out)
        return self.known[key] or {}

    def descended(self, layer: Layer, x: Shape, theirs: State, left_out: frozenset[str]) -> dict[str, Any] | None:
        """Change one setting after the other, each time that which brings the tensors nearest; None where that ends before."""
        made: dict[str, Any] = {}
        while (cost := _cost(layer.replace(**made), x, theirs)) > 0:
            best: tuple[int, bool, str, Any] | None = None
            for name, value in _tries(layer, theirs):
                self.trials += 1
                now = _cost(layer.replace(**made, **{name: value}), x, theirs) if name not in made else cost
                if now < cost and (best is None or (now, name in left_out) < best[:2]):
                    best = now, name in left_out, name, value
            if best is None or self.trials > MOST_TRIALS:
                return None
            made[best[2]] = best[3]
        return made


def _cost(layer: Layer, x: Shape, theirs: State) -> int:
    """Return how far the tensors of a layer are from those of the checkpoint; 0 where they are the same."""
    if layer.weights(x) is UNKNOWN:  # groups that do not divide
        return WHOLE * WHOLE
    ours = layer.state(x)
    return min(_apart({names.get(end, end): ours[end] for end in ours}, theirs) for names in ({}, *layer.also()))


def _apart(ours: State, theirs: State) -> int:
    cost = WHOLE * len((ours.keys() ^ theirs.keys()) - {COUNTER})
    for end in ours.keys() & theirs.keys():
        one, other = ours[end], theirs[end]
        same_rank = len(one) == len(other)
        cost += sum(a != b for a, b in zip(one, other, strict=True)) if same_rank else WHOLE
    return cost


def _tries(layer: Layer, theirs: State) -> Iterator[tuple[str, Any]]:
    """Yield settings with the values that the sizes of tensors suggest."""
    sizes = {size for shape in theirs.values() for size in shape if size > 0}
    groups = getattr(layer, "groups", 1)
    layers = {int(end[end.rindex("_l") + 2 :].partition("_")[0]) + 1 for end in theirs if end.startswith("weight_ih_l")}
    numbers = sorted(sizes | {size * groups for size in sizes} | {s // n for s in sizes for n in SHARES} - {0} | layers)
    whole = [*dict.fromkeys(theirs.values())]
    for name, parameter in layer.parameters.items():
        now = getattr(layer, name)
        found: Sequence[Any] = ()
        if isinstance(parameter, Flag):
            found = [not now]
        elif isinstance(parameter, Word):
            found = parameter.words
        elif isinstance(parameter, InferredShape | Extent):
            found = whole
        elif isinstance(parameter, PerAxis):
            kernels = [shape[2:] for shape in whole if len(shape) > 2]  # noqa: PLR2004 -- behind the two of channels
            found = [kernel[0] if len({*kernel}) == 1 else kernel for kernel in kernels]
        elif isinstance(parameter, Count | Inferred):
            found = numbers
        yield from ((name, value) for value in found if value != now)


def _numbered(names: Iterable[str]) -> dict[str, set[int]]:
    """Return the numbers that stand behind each beginning of names: {"layer1.": {0, 1}}."""
    found: dict[str, set[int]] = {}
    for name in names:
        parts = name.split(".")
        for at, part in enumerate(parts):
            if part.isdecimal():
                found.setdefault("".join(f"{one}." for one in parts[:at]), set()).add(int(part))
    return found


# Where a value stands in the file


def _repeated(node: Node, parent: str, more: int) -> Mend | None:
    """Return the number of copies of the repeated step around a layer whose copies stand behind `parent`, so many more."""
    title = parent.rstrip(".").rpartition(".")[2]
    places = [node.place, *node.used_at]
    for at, place in enumerate(places):
        table = _written(place) or {}
        name = str(table.get("name", ""))
        if "repeat" in table and (name.rstrip("_") == title.rstrip("_") or "{" in name):
            uses = [use for use in node.used_at if use in places[at + 1 :]]
            count = _count(Place(place.source, (*place.path, "repeat")), list(uses))
            if count is not None and count + more > 0:
                return _followed(node, Place(place.source, (*place.path, "repeat")), "repeat", count + more, uses)
    return None


def _count(place: Place, uses: list[Place]) -> int | None:
    """Return the whole number that stands at a place, perhaps by an argument; None where that is not plain."""
    written = _written(place)
    if isinstance(written, int):
        return written
    names = _names(written) if isinstance(written, str) else []
    if len(names) != 1 or (outer := _given(place, names[0], uses)) is None:
        return None
    value = _count(outer, uses)
    result = None if value is None else parse(written).evaluate({names[0]: value})
    return result if isinstance(result, int) else None


def _located(node: Node, name: str, value: Any) -> Mend:
    """Return a setting's value as what the file must say; an expression is followed to the argument that it uses."""
    return _followed(node, node.at(name), name, value, [*node.used_at])


def _followed(node: Node, place: Place, called: str, value: Any, uses: list[Place]) -> Mend:
    while True:
        written = _written(place) if place.path[-1:] == (called,) else None
        expression = written if isinstance(written, str) else ""
        names = _names(expression)
        if len(names) != 1 or (wanted := _solved(expression, names[0], value)) is None:
            return Mend(node.name, called, value, place, expression)
        outer = _given(place, names[0], uses)
        if outer is None:
            return Mend(node.name, called, value, place, expression)
        place, called, value = outer, names[0], wanted


def _written(place: Place) -> Any:
    """Return what the file has at a place; None for the code of a live model."""
    return value_at(place.source.data, place.path) or None


def _names(expression: str) -> list[str]:
    try:
        return sorted(parse(expression).names) if expression else []
    except ExpressionError:
        return []


def _solved(expression: str, name: str, value: Any) -> Any:
    """Return the value of the one name in an expression that makes it give another value, None where none is found."""
    run = parse(expression).evaluate
    for tried in [value, not value] if isinstance(value, bool) else [value, *range(min(_most(value), MOST_ARGUMENT))]:
        try:
            if run({name: tried}) == value:
                return tried
        except ExpressionError:
            continue
    return None


def _most(value: Any) -> int:
    return 2 * value + 2 if isinstance(value, int) else 0


def _given(place: Place, name: str, uses: list[Place]) -> Place | None:
    """Return where an argument of a block, or a constant of the file, is given its value; None where that is not plain."""
    data = place.source.data
    constants = data.get("constants")
    if isinstance(constants, dict) and name in constants:
        return Place(place.source, ("constants", name))
    if place.path[0] != "blocks" or not uses:
        return None
    use = uses.pop(0)
    table = _written(use)
    if name in table:
        return Place(use.source, (*use.path, name))
    default = (*place.path[:2], "defaults", name)
    block = _written(Place(place.source, place.path[:2]))
    return Place(place.source, default) if name in block.get("defaults", {}) else None
