"""Lines of words: pieces come in, and lines of at most so many columns go out, broken between words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def wrapped(pieces: Iterable[str], width: int, indent: int = 0) -> list[str]:
    """Return the pieces in lines of at most `width`; a piece is broken only between words, a word never."""
    lines: list[str] = []
    for piece in pieces:
        for part in [piece] if len(piece) + indent <= width else piece.split(" "):
            if lines and len(lines[-1]) + 1 + len(part) <= width:
                lines[-1] += f" {part}"
            else:
                lines.append(" " * indent * bool(lines) + part)
    return lines
