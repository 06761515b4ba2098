"""cnnshape knows every shape in a convolutional net before anyone builds it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import os

    from cnnshape.convert.imported import trace
    from cnnshape.convert.written import dumps
    from cnnshape.diagnosis.door import Examination, examine
    from cnnshape.network.memory import Memory
    from cnnshape.network.network import Network
    from cnnshape.network.receptive import receptive_fields
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.network.requirements import NoClosedForm
    from cnnshape.network.totals import Totals
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.sizeset import SizeSet
    from cnnshape.picture.draw import draw
    from cnnshape.problems.base import ArchitectureError, Problem
    from cnnshape.pytorch.build import build
    from cnnshape.pytorch.crosscheck import verify
    from cnnshape.space.searching import search
    from cnnshape.testing import assert_shapes

__all__ = [
    "ArchitectureError",
    "Examination",
    "LayerReport",
    "Memory",
    "Network",
    "NoClosedForm",
    "Problem",
    "Report",
    "SizeSet",
    "Totals",
    "ValidSizes",
    "assert_shapes",
    "build",
    "draw",
    "dumps",
    "examine",
    "load",
    "loads",
    "receptive_fields",
    "search",
    "trace",
    "verify",
]
__version__ = "0.1.0"

# Every name is brought in when it is asked for: pytest imports this package in all test runs where it is installed.
HOMES: Final = {
    "ArchitectureError": "problems.base",
    "Examination": "diagnosis.door",
    "LayerReport": "network.report",
    "Memory": "network.memory",
    "Network": "network.network",
    "NoClosedForm": "network.requirements",
    "Problem": "problems.base",
    "Report": "network.report",
    "SizeSet": "numbers.sizeset",
    "Totals": "network.totals",
    "ValidSizes": "network.valid_sizes",
    "assert_shapes": "testing",
    "build": "pytorch.build",
    "draw": "picture.draw",
    "dumps": "convert.written",
    "examine": "diagnosis.door",
    "receptive_fields": "network.receptive",
    "search": "space.searching",
    "trace": "convert.imported",
    "verify": "pytorch.crosscheck",
}


def load(path: str | os.PathLike[str]) -> Network:
    """Read an architecture file and build its net. Raises ArchitectureError where the file itself is wrong."""
    from cnnshape.diagnosis.door import examine_file

    return examine_file(path).net.raise_for_errors()


def loads(text: str) -> Network:
    """Read an architecture from text and build its net. Raises ArchitectureError where the text itself is wrong."""
    from cnnshape.diagnosis.door import examine

    return examine(text).net.raise_for_errors()


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"cnnshape.{HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *HOMES})
