"""A model that people write becomes a network with torch's shapes, parameters and multiply-accumulates, at every size."""

import pytest

pytest.importorskip("torch")

import torch
from models.written import MODELS, OPAQUE
from torch.utils.flop_counter import FlopCounterMode

from cnnshape.convert.imported import recorded
from cnnshape.convert.lowering import lowered
from cnnshape.pytorch.inputs import found_in

SIDES = (64, 33, 100, 16)


def network(model, shape):
    return lowered(recorded(model, shape).runs)


def shapes(model, shape):
    """The shapes that torch gives, without the batch; None where it refuses."""
    try:
        with torch.no_grad():
            return [tuple(found.tensor.shape[1:]) for found in found_in(model(torch.empty(1, *shape, device="meta")))]
    except RuntimeError:
        return None


def macs(model, shape):
    """What torch counts of layers with weights: products of results are none of them."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.empty(1, *shape, device="meta"))
    counts = counter.get_flop_counts().get("Global", {})
    return sum(count for name, count in counts.items() if "bmm" not in str(name)) // 2


@pytest.mark.parametrize("name", MODELS | OPAQUE)
def test_the_network_of_a_model_has_its_shapes_and_counts(name):
    make, shape = (MODELS | OPAQUE)[name]
    model = make().eval()
    net, live = network(model, shape), model.to("meta")
    report = net.check()
    assert report.ok
    assert [*report.outputs.values()] == shapes(live, shape)
    assert report.parameters == sum(parameter.numel() for parameter in model.parameters())
    if not any(isinstance(module, torch.nn.RNNBase) for module in model.modules()):
        assert report.macs == macs(live, shape)
    assert ("opaque" in {node.type for node in net.nodes}) == (name in OPAQUE)


@pytest.mark.parametrize("name", [name for name, (_, shape) in (MODELS | OPAQUE).items() if len(shape) > 1])
def test_at_other_sizes_it_gives_what_the_model_gives(name):
    make, shape = (MODELS | OPAQUE)[name]
    model = make().eval()
    net, live = network(model, shape), model.to("meta")
    fixed = len(shape) - 2 if name != "frames" else 2
    sides = [
        side for side in SIDES if name != "segments" or side % 2 == 0
    ]  # of odd ones torch's verdict hangs on the data
    for side in sides:
        other = (*shape[: len(shape) - fixed], *[side] * fixed)
        report = net.check(input=other)
        assert ([*report.outputs.values()] if report.ok else None) == shapes(live, other), other
