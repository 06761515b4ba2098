"""What a page knows of a net: its axes, its layers with their rules as JavaScript, and what people read of them.

A net comes in, a PageData goes out; page.py writes it into the page. Where a layer's rule cannot be said as JavaScript,
the page has the results at some sizes instead, made here.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.network.receptive import receptive_fields
from cnnshape.numbers.symbolic import Unsolvable
from cnnshape.picture.page.arithmetic import Arithmetic, arithmetic
from cnnshape.picture.page.rules import PageRule, page_rule
from cnnshape.problems.catalogue import CODES
from cnnshape.show.formats.as_json import receptive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Shape

AXES: Final = {1: ("l",), 2: ("h", "w"), 3: ("d", "h", "w")}  # the names of the spatial axes, by their number
MOST_RESULTS: Final = 4096  # of layers at some sizes, where there are no rules
SYMBOL: Final = re.compile(r"\bs(\d+)")
EIGHTHS: Final = (8, 4, 16, 12, 6, 10, 14, 2, 20, 24, 28, 32, 1, 3, 5, 7, 9, 11, 13, 15)  # of the declared sides, tried


class Side(NamedTuple):
    """A side of an input that a page varies: its name, the input's, its axis in the shape, and what is declared."""

    name: str
    input: str
    axis: int
    declared: int


class PageLayer(NamedTuple):
    """A layer: the number of its rule (None: nothing comes of it at any size), and the values that enter.

    `own` are the parameters that it counts, where these are not its rule's.
    """

    name: str
    type: str
    rule: int | None
    inputs: tuple[int, ...]
    own: int | None = None
    broken: bool = False  # the file is wrong about it


class Known(NamedTuple):
    """The results at one size: for each layer its shape, parameters and MACs, and the sentences of what is refused."""

    sides: tuple[int, ...]
    shapes: tuple[tuple[int, ...] | None, ...]
    counts: tuple[tuple[int | None, int | None], ...]
    refusals: dict[int, str]  # by the layer's number
    receptive: tuple[Any, ...]
    dropped: tuple[tuple[int | None, ...], ...]
    parameters: int | None
    macs: int | None


class PageData(NamedTuple):
    """The content of a page. `why` says why there are no rules, and `known` has the results at some sizes then."""

    sides: tuple[Side, ...]
    rules: tuple[PageRule, ...]
    arithmetic: tuple[Arithmetic, ...]  # of the rules
    layers: tuple[PageLayer, ...]
    why: str = ""
    known: tuple[Known, ...] = ()


def page_data(net: Network) -> PageData:
    """Return the content of the page of a net."""
    sides = sides_of(net)
    layers = _Layers(net)
    try:
        layers.run()
    except Unsolvable as error:
        name = net.nodes[len(layers.made)].name
        plain = tuple(
            PageLayer(node.name, node.type, None, node.inputs, broken=node.layer is None) for node in net.nodes
        )
        return PageData(sides, (), (), plain, f"{name}: {error}", tuple(_known(net, sides)))
    return PageData(sides, tuple(layers.rules), tuple(layers.arithmetic), tuple(layers.made))


def sides_of(net: Network) -> tuple[Side, ...]:
    """Return the sides of all inputs; of several, each has the input's name before its own."""
    found = []
    for name, shape in net.inputs.items():
        rank = len(shape or ()) - 1
        axes = AXES.get(rank) or [f"x{axis}" for axis in range(1, rank + 1)]
        for axis, letter in enumerate(axes, start=1):
            found.append(Side(f"{name}_{letter}" if len(net.inputs) > 1 else letter, name, axis, (shape or ())[axis]))
    return tuple(found)


class _Layers:
    """Goes through a net in the order of running, and makes the rule of each layer, once for layers that are alike."""

    def __init__(self, net: Network):
        self.net = net
        self.rows = net.check().layers
        self.rules: list[PageRule] = []
        self.arithmetic: list[Arithmetic] = []
        self.made: list[PageLayer] = []
        self.varies: list[list[bool] | None] = [None]  # for each value and size, whether it depends on the sides
        for shape in net.inputs.values():
            self.varies.append(None if shape is None else [place > 0 for place in range(len(shape))])
        self.numbers: dict[Any, int] = {}

    def run(self) -> None:
        """Make the rules. Raises Unsolvable at the layer whose rule cannot be said."""
        for node in self.net.nodes:
            number, own = self.rule_of(node), None
            if node.shares:
                own = 0
            elif node.shares_weight and node.layer:
                layer: Any = node.layer
                own = layer.beside_weight()[0]
            self.made.append(PageLayer(node.name, node.type, number, node.inputs, own, node.layer is None))
            self.varies.append(None if number is None else self.varying(self.rules[number], node))

    def varying(self, rule: PageRule, node: Node) -> list[bool] | None:
        """Say of each size that comes out whether it depends on the sides; None where not even the rank is known."""
        sizes = rule.stated if rule.output is None else rule.output
        shapes = [self.varies[value] or [] for value in node.inputs]
        if rule.folds:
            return [any(sizes) for sizes in zip(*shapes, strict=True)]
        entering = [varies for shape in shapes for varies in shape]
        if sizes is None:
            return None
        return [any(entering[int(number)] for number in SYMBOL.findall(size)) for size in sizes]

    def rule_of(self, node: Node) -> int | None:
        """Return the number of a node's rule; None for a layer that the file is wrong about, and behind it."""
        layer, entering = node.layer, [self.varies[value] for value in node.inputs]
        if layer is None or None in entering:
            return None
        ranks: Any = tuple(len(varies or ()) for varies in entering)
        if layer.of_one_input() and any(entering[0] or ()):
            raise Unsolvable("its output is stated for one input alone")
        says = layer.left_out if not node.shares else frozenset()
        key = (layer, ranks, says)
        if key not in self.numbers:
            if layer.open() and node.shares:
                raise Unsolvable("its weights are another layer's, whose numbers are not known")
            self.numbers[key] = len(self.rules)
            self.rules.append(page_rule(layer, ranks, self.net.layout, says=says))
            self.arithmetic.append(arithmetic(layer, self.rows[len(self.made)]))
        return self.numbers[key]


def _known(net: Network, sides: tuple[Side, ...]) -> Iterator[Known]:
    """Yield the results at the declared sides, and at others in proportion to them."""
    most = max(5, MOST_RESULTS // len(net.nodes))
    sizes = (tuple(max(1, side.declared * eighths // 8) for side in sides) for eighths in EIGHTHS)
    for some in islice(dict.fromkeys(sizes), most):
        yield _at(net, shapes_at(net, sides, some), some)


def shapes_at(net: Network, sides: tuple[Side, ...], sizes: tuple[int, ...]) -> dict[str, Shape]:
    """Return the shapes of the inputs whose sides have these sizes."""
    shapes = {name: [*shape] for name, shape in net.inputs.items() if shape is not None}
    for side, size in zip(sides, sizes, strict=True):
        shapes[side.input][side.axis] = size
    return {name: tuple(shape) for name, shape in shapes.items()}


def _at(net: Network, inputs: dict[str, Shape], sizes: tuple[int, ...]) -> Known:
    """Return the results at some inputs."""
    report = net.check(inputs)
    refused = ((number, row.result.refusals) for number, row in enumerate(report.layers))
    try:
        fields = receptive_fields(net._replace(inputs={**net.inputs, **inputs}))
    except ValueError:  # several inputs of different sides
        fields = {}
    return Known(
        sizes,
        tuple(row.output for row in report.layers),
        tuple((row.parameters, row.macs) for row in report.layers),
        {number: CODES[some[0].code](**some[0].facts).message for number, some in refused if some},
        tuple([receptive(field) for field in fields.get(row.name, ())] for row in report.layers),
        tuple(row.dropped for row in report.layers),
        report.parameters,
        report.macs,
    )
