"""A file with other values at some of its places: a source and values come in, a source goes out.

Its data is there at once; its text, which a place or a fix asks for, is written when it is asked.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from cnnshape.diagnosis.operations import Operation, applied
from cnnshape.diagnosis.text import edited
from cnnshape.file.source import Source

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cnnshape.problems.place import KeyPath


class Varied(Source):
    """A source with other values, by their key paths."""

    def __init__(self, source: Source, values: Mapping[KeyPath, Any]) -> None:
        self.origin, self.values = source, values
        self.operations = [Operation("set", path, value) for path, value in values.items()]
        self.file, self.data = source.file, applied(source.data, self.operations)

    @cached_property
    def text(self) -> str:  # type: ignore[override]
        """The text with the values written in; as it was where they cannot be."""
        return edited(self.origin.text, self.operations) or self.origin.text

    def __reduce__(self) -> Any:
        return Varied, (self.origin, self.values)
