"""The layer types, by family. `TYPES` finds one by its name in an architecture file.

A family is imported when a type is asked for that those before it do not have: a net has types of few families.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Final

from cnnshape.layers.base import DEFINED, Layer

__all__ = ["TYPES", "Layer"]

FAMILIES: Final = (  # the files of the types, in the order in which these are listed
    "activation",
    "attention",
    "convolution",
    "joining",
    "elementwise",
    "normalization",
    "pooling",
    "rearranging",
    "shaping",
    "unfolding",
    "recurrent",
    "embedding",
    "stated",
)
USUAL: Final = ("convolution", "activation", "pooling", "rearranging", "normalization", "joining")  # looked at first


class Types(Mapping[str, type[Layer]]):
    """Every layer type by its name in an architecture file, in the order of FAMILIES and of definition."""

    def __getitem__(self, name: str) -> type[Layer]:
        if name not in DEFINED:
            for family in (*USUAL, *FAMILIES):
                import_module(f"{__name__}.{family}")
                if name in DEFINED:
                    break
        return DEFINED[name]

    def __contains__(self, name: object) -> bool:
        return name in DEFINED or super().__contains__(name)  # most are there

    def __iter__(self) -> Iterator[str]:
        places = {import_module(f"{__name__}.{family}").__name__: place for place, family in enumerate(FAMILIES)}
        return iter(sorted(DEFINED, key=lambda name: places.get(DEFINED[name].__module__, len(places))))

    def __len__(self) -> int:
        return sum(1 for _ in self)


TYPES: Final = Types()
