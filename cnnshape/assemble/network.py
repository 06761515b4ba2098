"""The door of this folder: an architecture, as a file describes it, becomes a network at its declared input.

In: an Architecture. Out: a Network: blocks in place, names found, expressions and left-out numbers settled. Shapes are
computed on the way, since an expression may use in_channels; whether they are right, a check says. A step with a wrong
name, wiring or value is noted here, and becomes a node without a layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnnshape.assemble.frames import Frame
from cnnshape.assemble.growing import GrowingNet
from cnnshape.assemble.ledger import Ledger, Stop
from cnnshape.assemble.names import Names
from cnnshape.assemble.settings import Settler
from cnnshape.assemble.walk import Walk
from cnnshape.assemble.wiring import Wiring
from cnnshape.network.network import Network
from cnnshape.problems import building, reading
from cnnshape.problems.base import errors, listed
from cnnshape.problems.suggest import suggest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnnshape.file.architecture import Architecture
    from cnnshape.problems.base import Problem


def begun(ledger: Ledger, net: GrowingNet, settler: Settler | None = None) -> Walk:
    """Return a walk at its beginning."""
    settler = settler or Settler(ledger)
    return Walk(ledger, net, settler, Wiring(ledger, net, settler))


def assemble(architecture: Architecture, begin: Callable[[Ledger, GrowingNet], Walk] = begun) -> Network:
    """Build the net that the architecture describes, at its declared input, by the walk that `begin` returns."""
    file = architecture.file
    ledger, net = Ledger(architecture.problems), GrowingNet(architecture.inputs)
    walk = begin(ledger, net)
    inputs = {name: value for value, name in enumerate(architecture.inputs, start=1)}
    frame = Frame(file, architecture.steps, inputs, Names(), allow=architecture.allow)
    outputs: dict[str, int] = {}
    try:
        last = walk.run(frame)
        ledger.layer = ""
        outputs = outputs_of(architecture, frame, net, walk.wiring, last)
        check_names(net, ledger)
        check_claims(architecture, outputs, ledger)
        _check_results(outputs, net, ledger)
    except Stop:
        pass
    for block in file.blocks.values():
        if block.file is file:  # a circle, whose nodes would wait for the garbage collector
            block.expansions.clear()
    return Network(
        name=architecture.name,
        source=architecture.source,
        file=file.source.file,
        layout=file.layout,
        inputs=architecture.inputs,
        nodes=tuple(net.nodes),
        outputs=outputs,
        expectations=tuple(net.expectations),
        claims=architecture.claims,
        training=architecture.training,
        allow=architecture.allow,
        problems=listed(_causes(ledger.problems)),
    )


def outputs_of(
    architecture: Architecture, frame: Frame, net: GrowingNet, wiring: Wiring, last: tuple[int, ...]
) -> dict[str, int]:
    """Return the values of the net's outputs by name; where the file names none, the last step is the output."""
    if architecture.outputs is not None:
        return {name: wiring.find_one(name, frame, place) for name, place in architecture.outputs.items()}
    name = frame.steps[-1].name if frame.steps else ""
    if len(last) > 1:
        return {wiring.name(value, frame): value for value in last}
    if name and isinstance(name, str):
        return {name: last[0]}
    node = net.node(last[0])
    return {node.name if node else "output": last[0]}


def check_names(net: GrowingNet, ledger: Ledger) -> None:
    """Note the first of two layers with one name: a dotted one, and one within a block; unless something else is wrong."""
    if len(net.titles) == len(net.nodes) or errors(ledger.problems):
        return
    last = {node.name: node for node in net.nodes}
    node = next(node for node in net.nodes if last[node.name] is not node)
    ledger.note(building.DuplicateLayer(last[node.name].at("name"), node.name, node.used_at, name=node.name))


def check_claims(architecture: Architecture, outputs: Mapping[str, int], ledger: Ledger) -> None:
    """Note claims about outputs that the net does not have."""
    for claim in architecture.claims:
        if claim.output and claim.output not in outputs:
            place, meant = claim.place._replace(of_key=True), suggest(claim.output, outputs)
            ledger.note(building.UnknownOutput(place, suggestions=meant, output=claim.output))


def _check_results(outputs: Mapping[str, int], net: GrowingNet, ledger: Ledger) -> None:
    """Note results that go nowhere, unless something is wrong that may have meant them."""
    if errors(ledger.problems):
        return
    used = {*outputs.values()}.union(*[node.inputs for node in net.nodes])
    for value, node in enumerate(net.nodes, start=net.first_node):
        unused = value not in used
        if unused and node.layer and building.UnusedResult.code not in node.allow:
            ledger.note(building.UnusedResult(node.place, node.name, node.used_at))


def _causes(found: list[Problem]) -> list[Problem]:
    """Return the problems; without the unknown blocks, if an include is wrong that may have them."""
    missed = any(
        isinstance(problem, (reading.BadInclude, reading.IncludeCircle, reading.Unreadable)) for problem in found
    )
    return [problem for problem in found if not (missed and isinstance(problem, building.UnknownBlock))]
