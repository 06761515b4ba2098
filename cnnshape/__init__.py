"""cnnshape knows every shape in a convolutional net before anyone builds it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from cnnshape import reader as _reader
from cnnshape.build import build
from cnnshape.network import LayerReport, Network, Report
from cnnshape.problems import ArchitectureError, Problem

if TYPE_CHECKING:
    import os

    from cnnshape.crosscheck import verify
    from cnnshape.receptive import receptive_fields
    from cnnshape.sizeset import SizeSet
    from cnnshape.valid import NoClosedForm, ValidSizes

__all__ = [
    "ArchitectureError",
    "LayerReport",
    "Network",
    "NoClosedForm",
    "Problem",
    "Report",
    "SizeSet",
    "ValidSizes",
    "load",
    "loads",
    "receptive_fields",
    "verify",
]
__version__ = "0.1.0"


def load(path: str | os.PathLike[str]) -> Network:
    """Read an architecture file and build its net. Raises ArchitectureError where the file itself is wrong."""
    return build(_reader.read(path)).raise_for_errors()


def loads(text: str) -> Network:
    """Read an architecture from text and build its net. Raises ArchitectureError where the text itself is wrong."""
    return build(_reader.read_text(text)).raise_for_errors()


LATE: Final = {  # what takes time to import, torch a second, and is brought in when it is asked for
    "NoClosedForm": "valid",
    "SizeSet": "sizeset",
    "ValidSizes": "valid",
    "receptive_fields": "receptive",
    "verify": "crosscheck",
}


def __getattr__(name: str) -> Any:
    if name not in LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cnnshape.{LATE[name]}"), name)
