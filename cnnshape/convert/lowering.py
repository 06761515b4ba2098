"""A recorded run of a model -> a network: its layers one by one, in the order of the run, by the model's names.

In: the recording of the declared input, and those at other sizes, which tell numbers that stay from numbers that follow.
Out: a Network, pruned to what the outputs need. What no layer type says is an opaque layer: never an error, never nothing.
"""

from __future__ import annotations

import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING

from cnnshape.compare.called import layers_of
from cnnshape.convert.alike import alike
from cnnshape.convert.growing import At, Gap, Growing
from cnnshape.convert.joins import JOINS
from cnnshape.convert.moves import MOVES
from cnnshape.convert.names import unlike
from cnnshape.convert.opaque import carried_by, carry, further, opaque, value_of
from cnnshape.convert.views import whole_view
from cnnshape.convert.windows import LAYERS, each_value, function, module
from cnnshape.layers import TYPES
from cnnshape.layers.activation import Activation, Identity
from cnnshape.layers.base import SPATIAL
from cnnshape.layers.pooling import MaxUnpool
from cnnshape.network.network import Network
from cnnshape.problems.building import UnusedResult

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnnshape.compare.recording import Op, Recording
    from cnnshape.convert.growing import Required
    from cnnshape.network.graph import Node


def lowered(recordings: Sequence[Recording], required: Required = MappingProxyType({})) -> Network:
    """Return the network that a model is. The first recording is of its declared input.

    `required` has what its code requires of sides, see requirements. Raises ValueError where nothing that it returns comes from the inputs.
    """
    first = recordings[0]
    try:
        return _lowered([first, *filter(None, (alike(first, other) for other in recordings[1:]))], required)
    except Gap:
        pass
    try:
        return _lowered([first], required)  # an opaque layer may hold for the declared input alone
    except Gap as gap:
        raise ValueError(f"{first.model} is no network of layers: {gap}") from None


def _lowered(alike: Sequence[Recording], required: Required) -> Network:
    net = Growing(alike, required)
    for ops in zip(*(recording.ops for recording in alike), strict=True):
        _lower(net, ops)
    return _network(alike[0], net)


def _lower(net: Growing, ops: Sequence[Op]) -> None:
    """Add what an operation is; as an opaque layer, where no layer types say it."""
    op = ops[0]
    if not op.outputs:
        return
    if not any(tensor.value in net.views for tensor in op.inputs) or all(map(net.empty, op.outputs)):
        carry(net, ops)
        return
    net.at = At(op.path if op.call else op.path.rpartition(".")[0], op.line)
    mark, net.raised = net.mark(), bool(op.raised)
    try:
        _handler(op)(net, ops)
        _own(net, op, mark.nodes)
        _twins(net, mark.nodes)
        further(net, ops)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the rest of the model must not be lost with it
        if not isinstance(error, Gap):
            said = f"{op.path or op.name} is opaque by a mistake of cnnshape: {error!r}. Please report it."
            warnings.warn(said, RuntimeWarning, stacklevel=2)
        net.back_to(mark)
        if op.raised and not op.sure:
            _unknown(net, op)
            return
        opaque(net, ops)
        _own(net, op, mark.nodes, trusted=True)


def _unknown(net: Growing, op: Op) -> None:
    """Add an operation that torch refuses and no layer type says: nothing is known of its result."""
    entering = [net.view(tensor).value for tensor in op.inputs if tensor.value in net.views]
    for output in op.outputs:
        value = net.unknown(op.path if op.call is None else None, op.type, entering)
        net.views[output.value] = view = whole_view(value, net.shapes[id(output)][1:])
        net.sizes[value] = view.value_sizes()


def _handler(op: Op) -> Callable[[Growing, Sequence[Op]], None]:
    """Return the function that lowers an operation."""
    if op.call is None:
        found = LAYERS.get(op.type)
        if found:
            return found
        kind = TYPES.get(op.type)
        return each_value if kind and issubclass(kind, Activation) else module
    name = op.call.name
    found = MOVES.get(name) or JOINS.get(name) or LAYERS.get(name)
    if found:
        return found
    layers = [one.layer for one in layers_of(op.call)]
    if len(layers) != 1 or layers[0] is None:
        return _gap
    return function if layers[0].ranks == SPATIAL or layers[0].spatial else each_value


def _gap(net: Growing, ops: Sequence[Op]) -> None:
    raise Gap(f"no layer type is {ops[0].name}, after {len(net.nodes)} layers")


def _own(net: Growing, op: Op, start: int, *, trusted: bool = False) -> None:
    """Note whose weights the new nodes have. Raises Gap where their counts are not those of the model."""
    weights = net.recordings[0].weights
    names = dict.fromkeys([*op.weights, *(carried_by(net, op.inputs) if trusted else ())])
    used = [name for name in names if weights[name].parameter]
    new = range(start, len(net.nodes))
    counts = {index: _parameters(net, index) for index in new}
    own = [index for index in new if counts[index] and net.inputs + index not in net.twins]
    fresh = [name for name in used if name not in net.owners]
    owners = {net.owners[name] for name in used if name in net.owners}
    if used and not fresh and len(owners) == 1 and len(own) == 1 and not trusted:
        shared = next(node for node in net.nodes if node.name == next(iter(owners)))
        node = net.nodes[own[0]]
        if node.layer != shared.layer:
            raise Gap("its weights are another layer's")
        net.nodes[own[0]] = node._replace(shares=shared.name)
        return
    if not op.raised and sum(counts[index] for index in own) != sum(weights[name].numel() for name in fresh):
        raise Gap("it has other weights")
    for name in fresh if own else ():
        net.owners[name] = net.nodes[own[0]].name
    if fresh and own and not any(weights[name].trained for name in fresh):
        for index in own:
            net.nodes[index] = net.nodes[index]._replace(frozen=True)


def _twins(net: Growing, start: int) -> None:
    """Note whose weights those new nodes share that are there twice."""
    for value in range(net.inputs + start, net.inputs + len(net.nodes)):
        if value in net.twins:
            other, index = net.nodes[net.twins[value] - net.inputs], value - net.inputs
            net.nodes[index] = net.nodes[index]._replace(shares=other.shares or other.name)


def _parameters(net: Growing, index: int) -> int:
    node = net.nodes[index]
    x = tuple(size[0] for size in net.sizes[node.inputs[0]])
    y = tuple(size[0] for size in net.sizes[net.inputs + index])
    found = node.layer.counts(x, y)[0] if node.layer else 0
    return found if isinstance(found, int) else 0


def _network(first: Recording, net: Growing) -> Network:
    """Return the network of the nodes that the outputs need."""
    outputs = _outputs(first, net)
    needed = _needed(net, [*outputs.values()])
    needed |= _needed(net, _learned(net))
    kept = [index for index in range(len(net.nodes)) if net.inputs + index in needed]
    values = {value: value for value in range(net.inputs)}
    values |= {net.inputs + index: net.inputs + place for place, index in enumerate(kept)}
    nodes = tuple(
        net.nodes[index]._replace(
            inputs=tuple(values[value] for value in net.nodes[index].inputs),
            blocks=_classes(first, net.nodes[index].name),
        )
        for index in kept
    )
    return Network(
        name=first.model,
        source="",
        file=nodes[0].place.source.file if nodes else "<model>",
        layout="channels_first",
        inputs={name: tensor.shape[1:] for name, tensor in first.inputs.items()},
        nodes=_allowing(_owned(nodes), net.inputs, {values[value] for value in outputs.values()}),
        outputs={name: values[value] for name, value in outputs.items()},
    )


def _classes(first: Recording, name: str) -> tuple[str, ...]:
    """Return the class of each module around a layer, from the outside in; "" for a name that is none of a module."""
    parts = name.split(".")[:-1]
    paths = [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return tuple(first.modules[path].kind.rpartition(".")[2] if path in first.modules else "" for path in paths)


def _allowing(nodes: tuple[Node, ...], first: int, outputs: set[int]) -> tuple[Node, ...]:
    """Return the nodes, those whose result nobody uses with the leave not to be used."""
    used = outputs.union(*(node.inputs for node in nodes))
    allow = frozenset({UnusedResult.code})
    return tuple(
        node if value in used or node.layer is None else node._replace(allow=allow)
        for value, node in enumerate(nodes, start=first)
    )


def _owned(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the nodes, the first of those that share weights as their owner: it may be one that nothing needs."""
    known = {node.name for node in nodes}
    heirs: dict[str, str] = {}
    result = []
    for node in nodes:
        if node.shares and node.shares not in known:
            heir = heirs.setdefault(node.shares, node.name)
            node = node._replace(shares="" if heir == node.name else heir)  # noqa: PLW2901 -- with its owner
        result.append(node)
    return tuple(result)


def _outputs(first: Recording, net: Growing) -> dict[str, int]:
    """Return the values that the model returns, by name: a dict's key, where one is given."""
    found: dict[str, int] = {}
    for output in first.outputs:
        if output.tensor.value not in net.views:
            continue
        net.at = At("", net.made_at.get(output.tensor.value, net.at).line)
        value = value_of(net, output.tensor)
        key = output.key
        if value < net.inputs or (key and key.isidentifier() and net.nodes[value - net.inputs].name != key):
            name = key if key.isidentifier() else "output"
            value = net.add(Identity(), [value], name, path=name if name not in net.names else unlike(name, net.names))
        found[net.nodes[value - net.inputs].name] = value
    if first.outputs and not found:
        raise Gap("nothing that it returns comes from its input")
    return found


def _learned(net: Growing) -> list[int]:
    """Return the values of layers with parameters, which a file has even where nothing comes of them: the model runs them."""
    return [net.inputs + index for index in range(len(net.nodes)) if _parameters(net, index)]


def _needed(net: Growing, values: Sequence[int]) -> set[int]:
    """Return the values that some values are made of, and these."""
    needed, todo = set[int](), [*values]
    while todo:
        value = todo.pop()
        if value not in needed:
            needed.add(value)
            node = net.nodes[value - net.inputs] if value >= net.inputs else None
            todo += node.inputs if node else ()
            if node and isinstance(node.layer, MaxUnpool):
                todo += [v for v in range(net.inputs, value) if _pools(net.nodes[v - net.inputs], node)]
    return needed


def _pools(node: Node, unpool: Node) -> bool:
    return node.layer == vars(unpool.layer)["indices"] and node.inputs[0] == unpool.inputs[-1]
