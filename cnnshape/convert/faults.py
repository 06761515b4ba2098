"""The faults of a recorded run, as problems of the net that it was lowered to: each once, at a line of the model's code.

Most are the net's own: the engine refuses a layer, and does not repeat that behind it. What torch refused, and the net has no
word for, is added; so is the exception that ended the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.compare.code import place_of
from cnnshape.compare.constructed import constructed
from cnnshape.compare.refused import first_refused
from cnnshape.convert.code_fixes import InCode
from cnnshape.problems.base import errors
from cnnshape.problems.comparing import ModelFails

if TYPE_CHECKING:
    from cnnshape.compare.recording import Line, Recording
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.problems.base import Problem
    from cnnshape.pytorch.changed_code import Trials


def with_faults(
    net: Network, run: Recording, root: tuple[str, str] | None = None, trials: Trials | None = None
) -> Network:
    """Return a net with all faults of its run, those of layers at the lines where the layers are called and made.

    `root` is the file and the name of the model itself, see constructed; `trials` runs the model with its code changed.
    """
    found = errors(net.check().problems)
    if not found and not run.failure and not any(op.raised for op in run.ops):
        return net
    whole, of_layers = net, found
    if found:
        from cnnshape.convert.echoes import without_echoes  # of a model that is well, nothing is to be said

        net = without_echoes(net, run.modules)
        found = errors(net.check().problems)
    wrong = {problem.layer for problem in found}
    layers = run.layers()
    called = {(op.path, place_of(op.line)): op.line for op in run.ops if op.call is None}

    def made(path: str) -> Line | None:
        call = constructed(run.modules, path, root, layers.get(path)) if path in run.modules else None
        return call.line if call else None

    def placed(node: Node) -> Node:
        key = (node.name, node.place)
        known = node.name in wrong and key in called
        return node._replace(place=place_of(called[key], made(node.name))) if known else node

    nodes = tuple(map(placed, net.nodes))
    said = {
        (place.source, problem.line, layer)
        for problem in (*of_layers, *found)
        if (place := problem.place)
        for layer in (problem.layer, *problem.copies)
    }
    more: list[Problem] = []
    for op in first_refused(run):
        place = place_of(op.line, made(op.path) if op.layer else None)
        here = {layer for source, line, layer in said if (source, line) == (place.source, place.start[0])}
        others = run.modules.keys() - {op.path} if op.call is None else ()  # on one line, as those of a Sequential
        if not here.difference(others):
            more.append(ModelFails(place, op.path if op.layer else "", module=op.path or run.model, message=op.raised))
    unsure = any(op.raised and not op.sure for op in run.ops)
    if run.failure and not (unsure and (found or more)):  # else it may come of what stands in for a result
        more.append(ModelFails(place_of(run.failure.line), module=run.failure.module, message=run.failure.message))
    net = net._replace(nodes=nodes, problems=(*net.problems, *more))
    return net._replace(diagnose=InCode(net, whole, run, root, trials))
