"""Nets in a few words for the cross-check, and its verdicts."""

import cnnshape


def net_of(shape, *layers):
    """A net of layers in a row, each a type or a table without its braces."""
    tables = ",\n  ".join(f"{{ {layer} }}" if "=" in layer else f'"{layer}"' for layer in layers)
    return cnnshape.loads(f"input = {shape}\nlayers = [\n  {tables},\n]")


def verdicts(net, device="cpu", **how):
    return [layer.verdict for layer in cnnshape.verify(net, device, **how).layers]
