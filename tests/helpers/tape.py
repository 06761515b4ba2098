"""What autograd keeps of a real forward, and what a real step of an optimiser allocates: oracles, which share no code with us."""

import weakref

import cnnshape


class Held:
    """A tensor that autograd has packed, as long as its graph is there."""

    def __init__(self, tensor):
        self.tensor = tensor.detach()


def forward(net, batch):
    """A forward in training mode: the module, its result, and the bytes of each storage that a backward pass needs."""
    import torch

    module = cnnshape.build(net).train()
    images = [torch.rand(batch, *shape) for shape in net.inputs.values()]
    held = weakref.WeakSet()

    def pack(tensor):
        packed = Held(tensor)
        held.add(packed)
        return packed

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda packed: packed.tensor):
        result = module(*images)
    own = {tensor.untyped_storage()._cdata for tensor in [*module.parameters(), *module.buffers()]}
    storages = [one.tensor.untyped_storage() for one in held]
    return module, result, {one._cdata: one.nbytes() for one in storages if one._cdata not in own}


def kept(net, batch):
    """The bytes that a backward pass needs, parameters and buffers left out."""
    return sum(forward(net, batch)[2].values())


def allocated(optimizer):
    """The most bytes that a step of an optimiser holds at a time, beside what was there before and stays."""
    from torch.profiler import ProfilerActivity, profile

    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as run:
        optimizer.step()
    events = [event for event in run.profiler.kineto_results.events() if event.name() == "[memory]"]
    now = most = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        now += event.nbytes()
        most = max(most, now)
    assert now == 0
    return most
