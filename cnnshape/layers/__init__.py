"""The layer types, by family. `TYPES` finds one by its name in an architecture file."""

from cnnshape.layers import activation, convolution, joining, normalization, pooling, shaping  # noqa: F401 -- fill TYPES
from cnnshape.layers.base import TYPES, Layer

__all__ = ["TYPES", "Layer"]
