"""Torch with modules that leave their weights as the memory is: to initialise them would cost more than to run them."""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import torch

FRESH: Final = 32 * 2**20  # bytes; from here on glibc takes new pages, which read as zeros and take no memory yet


class _BareModules:
    """torch.nn, whose modules do not initialise their weights."""

    def __getattr__(self, name: str) -> Any:
        return _bare(name)


class Bare:
    """Torch, with such a torch.nn."""

    nn = _BareModules()

    def __getattr__(self, name: str) -> Any:
        return getattr(torch, name)


@cache
def _bare(name: str) -> Any:
    kind = getattr(torch.nn, name)
    return type(name, (kind,), {"reset_parameters": _leave}) if hasattr(kind, "reset_parameters") else kind


def _leave(module: Any) -> None:
    """Leave weights as the memory is, but clear what may have been used before: odd numbers there can be slow."""
    for weights in module.parameters():
        if weights.nbytes < FRESH:
            weights.zero_()
