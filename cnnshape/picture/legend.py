"""The legend of a picture: a swatch for each paint, with the types and blocks that have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from cnnshape.picture.labels import Label, width_of

if TYPE_CHECKING:
    from cnnshape.picture.scene import Scene

SIZE: Final = 9.0
SWATCH: Final = 9.0
MOST_TYPES: Final = 6  # that one paint lists


class Entry(NamedTuple):
    """A swatch, by its upper left corner, and its words."""

    x: float
    y: float
    paint: str
    label: Label


def legend(scene: Scene, left: float, top: float, width: float) -> tuple[list[Entry], float]:
    """Return the entries in rows of this width, and the height at which they end."""
    entries: list[Entry] = []
    x, y = left, top
    for paint, kinds in scene.legend().items():
        more = [f"{len(kinds) - MOST_TYPES} more"] if len(kinds) > MOST_TYPES + 1 else []
        words = ", ".join([*kinds[: MOST_TYPES if more else None], *more])
        room = SWATCH + 4.0 + width_of(words, SIZE) + 14.0
        if x > left and x + room > left + width:
            x, y = left, y + 15.0
        entries.append(Entry(x, y, paint, Label(words, x + SWATCH + 4.0, y + 8.0, SIZE, "start", "legend")))
        x += room
    return entries, y + SWATCH if entries else top
