"""The faults of a recorded run, as problems of the net that it was lowered to: each once, at a line of the model's code.

Most are the net's own: the engine refuses a layer, and does not repeat that behind it. What torch refused, and the net has no
word for, is added; so is the exception that ended the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.compare.code import place_of
from cnnshape.compare.constructed import constructed
from cnnshape.convert.code_fixes import InCode
from cnnshape.problems.base import errors
from cnnshape.problems.comparing import ModelFails

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.recording import Line, Op, Recording
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.problems.base import Problem


def with_faults(net: Network, run: Recording, root: tuple[str, str] | None = None) -> Network:
    """Return a net with all faults of its run, those of layers at the lines where the layers are called and made.

    `root` is the file and the name of the model itself, see constructed.
    """
    found = errors(net.check().problems)
    if not found and not run.failure and not any(op.raised for op in run.ops):
        return net
    wrong = {problem.layer for problem in found}
    lines = {op.path: op.line for op in run.ops}

    def made(path: str) -> Line | None:
        call = constructed(run.modules, path, root) if path in run.modules else None
        return call.line if call else None

    def placed(node: Node) -> Node:
        known = node.name in wrong and node.name in run.modules
        return node._replace(place=place_of(lines.get(node.name), made(node.name))) if known else node

    nodes = tuple(map(placed, net.nodes))
    known_lines = {(problem.place.source, problem.line) for problem in found if problem.place}
    more: list[Problem] = []
    for op in _first_refused(run):
        place = place_of(op.line, made(op.path) if op.layer else None)
        if (place.source, place.start[0]) not in known_lines:
            more.append(ModelFails(place, op.path if op.layer else "", module=op.path or run.model, message=op.raised))
    if run.failure and not found and not more:  # else it may come of what stands in for a result
        more.append(ModelFails(place_of(run.failure.line), module=run.failure.module, message=run.failure.message))
    net = net._replace(nodes=nodes, problems=(*net.problems, *more))
    return net._replace(diagnose=InCode(net, run, root))


def _first_refused(run: Recording) -> Iterator[Op]:
    """Yield the operations that torch refuses, behind no other that it refuses."""
    behind: set[int] = set()
    for op in run.ops:
        reads = behind.intersection(tensor.value for tensor in op.inputs if tensor.value)
        if op.raised and not reads:
            yield op
        if op.raised or reads:
            behind.update(tensor.value for tensor in op.outputs)
