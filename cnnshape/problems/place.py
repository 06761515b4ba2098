"""Places: where in a text something stands. A text and a key path come in; line and column of start and end come out."""

from __future__ import annotations

from typing import Any, Protocol

from cnnshape.records import NamedTuple

KeyPath = tuple[str | int, ...]  # ("layers", 3, "kernel_size"), ("blocks", "stage", "layers", 0, "from", 1)
Position = tuple[int, int]  # line and column, both from 1; columns in characters


class Range(NamedTuple):
    """From the first character to behind the last one; both equal for a point."""

    start: Position
    end: Position


def value_at(data: Any, path: KeyPath) -> Any:
    """Return the value at a key path of a text's data; None where there is none, as inside a bare word."""
    for part in path:
        try:
            data = data[part]
        except (LookupError, TypeError):
            return None
    return data


class SourceText(Protocol):
    """The text that a place is in."""

    @property
    def file(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> dict[str, object]: ...
    @property
    def whole_lines(self) -> bool: ...  # its places are lines
    def key(self, path: KeyPath) -> Range: ...
    def value(self, path: KeyPath, part: tuple[int, int] | None = None) -> Range: ...


class Place(NamedTuple):
    """A key or a value in a file, or a part of a string; lines and columns are looked up when somebody asks."""

    source: SourceText
    path: KeyPath
    of_key: bool = False  # the place of the key, not of its value
    part: tuple[int, int] | None = None  # [first, last) of the string's characters, as TOML reads them

    @property
    def range(self) -> Range:
        return self.source.key(self.path) if self.of_key else self.source.value(self.path, self.part)

    @property
    def start(self) -> Position:
        return self.range.start

    @property
    def end(self) -> Position:
        """The position behind the last character."""
        return self.range.end

    def __str__(self) -> str:
        line, column = self.start
        return f"{self.source.file}:{line}" if self.source.whole_lines else f"{self.source.file}:{line}:{column}"
