"""Where in a text a problem is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

KeyPath = tuple[str | int, ...]  # ("layers", 3, "kernel_size"), ("blocks", "stage", "layers", 0, "from", 1)


class SourceText(Protocol):
    """What a place asks of the text that it is in."""

    @property
    def file(self) -> str: ...
    @property
    def text(self) -> str: ...
    @property
    def data(self) -> dict[str, object]: ...
    def key(self, path: KeyPath) -> tuple[int, int]: ...
    def value(self, path: KeyPath) -> tuple[int, int]: ...


class Place(NamedTuple):
    """A key or a value in a file; its line and column are looked up when somebody asks."""

    source: SourceText
    path: KeyPath
    of_key: bool = False

    def position(self) -> tuple[int, int]:
        return self.source.key(self.path) if self.of_key else self.source.value(self.path)

    def __str__(self) -> str:
        line, column = self.position()
        return f"{self.source.file}:{line}:{column}"
