"""What autograd keeps of every layer type, against a real forward: in every rank, of inputs that lie as torch leaves them.

A case of `cases.py` stands behind layers whose result is no contiguous tensor, and before some that a copy is made for.
"""

from __future__ import annotations

import json
from random import Random

import pytest

pytest.importorskip("torch")

from cases import TRIED, case
from helpers.tape import kept

import cnnshape
from cnnshape import ArchitectureError
from cnnshape.layers import TYPES, Layer

CASES = 15  # of each type, that the net takes
TRIES = 600
LAID = ("given", "contiguous", "channels last", "cropped", "cropped channels last", "sliced", "stepped", "permuted")
BEHIND = (
    (),
    ({"type": "reshape", "shape": [-1]}, {"type": "scale"}),
    ({"type": "relu"}, {"type": "reshape", "shape": [-1]}, {"type": "scale", "value": 2.0}, {"type": "tanh"}),
    ({"type": "global_avg_pool"}, {"type": "scale"}),
    ({"type": "group_norm", "num_groups": 1},),
    ({"type": "linear", "out_features": 3},),
    ({"type": "conv", "out_channels": 3, "kernel_size": 1}, {"type": "reshape", "shape": [-1]}, {"type": "scale"}),
)


def toml(value):
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key} = {toml(one)}' for key, one in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml, value))}]"
    return repr(value) if isinstance(value, float) else json.dumps(value)


def before(number, shape, laid, chance):
    """The input, and the layers from it to one called x0, x1, ..., whose result has the shape."""
    source, name, rank = f"in{number}", f"x{number}", len(shape)
    first = {"name": f"s{number}", "type": "scale", "from": source}
    if laid == "given" or rank < 2:
        return shape, [{"name": name, "type": "scale" if rank and laid != "given" else "identity", "from": source}]
    match laid:
        case "contiguous":
            return shape, [first | {"name": name}]
        case "sliced":
            return (shape[0] + 2, *shape[1:]), [first, {"name": name, "type": "slice", "start": 1, "stop": -1}]
        case "stepped":
            return (*shape[:-1], 2 * shape[-1]), [first, {"name": name, "type": "slice", "dim": rank, "step": 2}]
        case "permuted":
            order = chance.sample(range(rank), rank)
            dims = [order.index(axis) + 1 for axis in range(rank)]
            return tuple(shape[axis] for axis in order), [first, {"name": name, "type": "permute", "dims": dims}]
    wider = tuple(side + 2 * laid.startswith("cropped") for side in shape[1:])
    layers = [first, {"name": f"p{number}", "type": "permute", "dims": [rank, *range(1, rank)]}]
    layers = layers[: 1 + laid.endswith("last")]
    if laid.startswith("cropped"):
        layers.append({"name": name, "type": "crop", "amount": 1})
    layers[-1]["name"] = name
    return (*wider, shape[0]) if laid.endswith("last") else (shape[0], *wider), layers


def net_of(kind, chance):
    """A net with a case of a type; None where it is refused."""
    drawn = case(kind, chance.choice)
    inputs, layers, settings = {}, [], dict(drawn.settings)
    for number, shape in enumerate(drawn.shapes):
        inputs[f"in{number}"], some = before(number, shape, chance.choice(LAID), chance)
        layers += some
    entering = [f"x{number}" for number in range(len(drawn.shapes))]
    if "like" in settings:
        settings["like"] = entering.pop()
    elif "indices" in settings:
        layers.append({"name": "pool", "type": "max_pool", "from": entering.pop(), **settings["indices"]})
        settings["indices"] = "pool"
    frozen = {"frozen": True} if chance.random() < 0.15 else {}
    layers.append({"name": "it", "type": kind, "from": entering, **settings, **frozen})
    text = f"inputs = {toml(inputs)}\nlayers = [{', '.join(map(toml, [*layers, *chance.choice(BEHIND)]))}]\n"
    try:
        net = cnnshape.loads(text)
        net.raise_for_layers()
    except ArchitectureError:
        return None, text
    return net, text


def says_nothing(kind):
    return kind.keeps is None and kind.taped is Layer.taped and kind.on_tape is Layer.on_tape and bool(kind.torch)


def test_every_module_of_torch_says_what_it_keeps():
    assert [name for name, kind in TYPES.items() if says_nothing(kind)] == []


@pytest.mark.parametrize("kind", TRIED)
def test_what_is_kept_is_what_torch_keeps(kind):
    chance, taken = Random(kind), 0
    for _ in range(TRIES):
        net, text = net_of(kind, chance)
        if net is None:
            continue
        batch = chance.choice((1, 2, 3))
        found = net.memory(batch)
        if found.saved is not None:
            assert found.saved == kept(net, batch), f"{text}batch {batch}"
            assert found.saved == sum(found.layers.values())
        elif kind in {"lstm", "gru", "rnn", "opaque", "embedding"} or says_nothing(TYPES[kind]):
            assert found.reason.startswith("not stated behind it: ")
        else:
            assert "refuses" in found.reason or (kind == "attention" and "with dropout" in found.reason), text
        taken += 1
        if taken == CASES:
            return
    raise AssertionError(f"of {TRIES} cases, {taken} were taken")
