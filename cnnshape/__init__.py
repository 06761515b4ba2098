"""cnnshape knows every shape in a convolutional net before anyone builds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cnnshape import reader as _reader
from cnnshape.build import build
from cnnshape.network import LayerReport, Network, Report
from cnnshape.problems import ArchitectureError, Problem

if TYPE_CHECKING:
    import os

__all__ = ["ArchitectureError", "LayerReport", "Network", "Problem", "Report", "load", "loads", "verify"]
__version__ = "0.1.0"


def load(path: str | os.PathLike[str]) -> Network:
    """Read an architecture file and build its net. Raises ArchitectureError where the file itself is wrong."""
    return build(_reader.read(path)).raise_for_errors()


def loads(text: str) -> Network:
    """Read an architecture from text and build its net. Raises ArchitectureError where the text itself is wrong."""
    return build(_reader.read_text(text)).raise_for_errors()


def __getattr__(name: str) -> Any:
    """Bring in `verify` when it is asked for: it needs torch, which takes a second to import."""
    if name == "verify":
        from cnnshape.crosscheck import verify

        return verify
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
