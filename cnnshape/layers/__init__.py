"""The layer types, by family. `TYPES` finds one by its name in an architecture file."""

from cnnshape.layers import (  # noqa: F401 -- fill TYPES
    activation,
    attention,
    convolution,
    elementwise,
    joining,
    normalization,
    pooling,
    rearranging,
    recurrent,
    shaping,
    stated,
)
from cnnshape.layers.base import TYPES, Layer

__all__ = ["TYPES", "Layer"]
