"""Layers by themselves, without a net."""

from cnnshape.layers import TYPES


def layer(kind, **settings):
    """Make a layer of settings as a file writes them."""
    parameters = TYPES[kind].parameters
    return TYPES[kind](**{name: parameters[name].read(value) for name, value in settings.items()})
