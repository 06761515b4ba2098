"""A graph -> the parts of a file with blocks, or layer by layer where blocks do not hold.

In: a flat graph. Out: entries, blocks and the names of outputs. What is written is loaded, and compared with the graph node by
node; the scopes of a node that came out otherwise are taken apart, until all nodes agree.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Final

from cnnshape.convert.blocks import Blocks
from cnnshape.convert.settings import settings
from cnnshape.convert.tree import Tree
from cnnshape.network.flow import run
from cnnshape.numbers.shape import CHANNELS_FIRST

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.convert.flat import Flat, Parts
    from cnnshape.network.graph import Graph, Node
    from cnnshape.network.report import LayerReport

MOST_ROUNDS: Final = 12  # of taking apart: a file that needs more is written layer by layer


def structured(flat: Flat, load: Callable[[Parts], tuple[Graph | None, set[str]]]) -> Parts:
    """Return the parts of the shortest file that loads to an equal graph.

    `load` builds the net of some parts; where it cannot, it says which blocks are wrong. A mistake of ours in the making of
    blocks is a warning, and the file is written layer by layer.
    """
    plain = flat.parts()
    if not flat.graph.nodes:
        return plain
    if any(shape != flat.shapes[value] for value, shape in flat.expected.items()):
        return plain  # a block of several uses has no place for what one of them expects in vain
    dissolved: set[str] = set()
    for _ in range(MOST_ROUNDS):
        try:
            tree = Tree(flat, dissolved)
            blocks = Blocks(flat, tree)
            parts = blocks.make()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the file must not be lost with it
            said = f"the file has no blocks, by a mistake of cnnshape: {error!r}. Please report it."
            warnings.warn(said, RuntimeWarning, stacklevel=2)
            return plain
        if not parts.blocks and len(parts.entries) >= len(plain.entries):
            return plain
        made, wrong = load(parts)
        paths = {scope.path for name in wrong for scope in blocks.places.get(name, ())}
        if made is not None:
            value = unlike(flat, made)
            if value is None:
                return parts if _lines(parts) <= _lines(plain) else plain
            paths = blocks.around(value)
        if not paths - dissolved:
            return plain
        dissolved |= paths
    return plain


def _lines(parts: Parts) -> int:
    return len(parts.entries) + sum(3 + len(block["layers"]) for block in parts.blocks.values())


def unlike(flat: Flat, made: Graph) -> int | None:
    """Return the value of the first node that came out otherwise, None where all are equal."""
    graph = flat.graph
    rows = run(made, made.inputs).rows
    places = {node.name: value for value, node in graph.made()}
    their_places = {node.name: value for value, node in made.made()}
    for (value, node), other, row, mine in zip(graph.made(), made.nodes, rows, flat.rows, strict=False):
        owners = [places.get(name) for name in (node.shares, node.shares_weight)]
        their_owners = [their_places.get(name) for name in (other.shares, other.shares_weight)]
        same_name = flat.names[value] == other.name or not (mine.parameters or node.shares)
        allowed = node.allow | graph.allow == other.allow | made.allow
        if owners != their_owners or not same_name or not allowed or not _alike(node, other, mine, row):
            return value
    outputs, theirs = (dict.fromkeys(each.outputs.values()) for each in (graph, made))
    if len(graph.nodes) != len(made.nodes) or [*outputs] != [*theirs]:
        return len(graph.inputs) + min(len(graph.nodes), len(made.nodes))
    return None


def _alike(node: Node, other: Node, mine: LayerReport, row: LayerReport) -> bool:
    """Say whether two nodes are equal: type, settings, wiring, figures."""
    if node.layer is None or other.layer is None:
        return False
    wires, theirs = node.inputs, other.inputs
    if node.layer.commutative:
        wires, theirs = tuple(sorted(wires)), tuple(sorted(theirs))
    entering = mine.input_shapes[0]
    return (
        (node.type, wires, node.frozen) == (other.type, theirs, other.frozen)
        and settings(node.layer, entering, CHANNELS_FIRST) == settings(other.layer, entering, CHANNELS_FIRST)
        and (mine.output, mine.parameters, mine.macs) == (row.output, row.parameters, row.macs)
    )
