"""The arithmetic of one layer, written out: an axis or a count to a line, in names and in numbers.

The layer's own rules are run on Traced numbers, which remember how they came about; `explain` and `calc` share these
lines, and the Explanation that holds them.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.sliding import fit
from cnnshape.network.report import dropped, remainders
from cnnshape.numbers.rules import unasked
from cnnshape.numbers.traced import Traced, value_of
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.wording import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Node
    from cnnshape.network.held import Held
    from cnnshape.network.report import Result
    from cnnshape.numbers.shape import Shape


class NamedAxis(NamedTuple):
    """The names of an axis: its letter in formulas, its own name, and the name of a cell along it ("" for channels)."""

    letter: str
    name: str
    cell: str = ""


CHANNELS: Final = NamedAxis("C", "channels")
FEATURES: Final = NamedAxis("C", "features")
SIDE: Final = NamedAxis("W", "side", "row")
SPACE: Final = {
    1: (NamedAxis("W", "length", "cell"),),
    2: (NamedAxis("H", "height", "row"), NamedAxis("W", "width", "column")),
    3: (NamedAxis("D", "depth", "slice"), NamedAxis("H", "height", "row"), NamedAxis("W", "width", "column")),
}


def axes_of(shape: Shape) -> tuple[NamedAxis, ...]:
    """Return the axes of a shape, channels first."""
    if not shape:
        return ()
    rank = len(shape) - 1
    space = SPACE.get(rank) or tuple(NamedAxis(f"W{axis}", f"axis {axis + 1}", "cell") for axis in range(1, rank + 1))
    return (CHANNELS if rank else FEATURES, *space)


class Line(NamedTuple):
    """A label, and the texts beside it, one below the other."""

    label: str
    texts: tuple[str, ...]


class Explanation(NamedTuple):
    """A layer explained: a title, lines, and sentences on its problems. `ok`: none of them is an error."""

    title: str
    lines: tuple[Line, ...] = ()
    problems: tuple[str, ...] = ()
    ok: bool = True

    def __str__(self) -> str:
        width = max((len(line.label) for line in self.lines), default=0) + 2
        rows = (
            f"  {label:{width}}{words}"
            for line in self.lines
            for label, words in zip((line.label, *[""] * len(line.texts)), line.texts, strict=False)
        )
        return "\n".join([self.title, *rows, *self.problems])


def quantities(shape: Shape, axes: tuple[NamedAxis, ...], of: str = "") -> Shape:
    """Return the shape in Traced numbers, each with the letter of its axis as its name: H, or H of conv1."""
    named = zip(shape, axes, strict=True)
    return tuple(n if n is UNKNOWN else Traced(n, f"{axis.letter} of {of}" if of else axis.letter) for n, axis in named)


def derivation(number: Any) -> tuple[str, ...]:
    """Write a number with its arithmetic: in names, where these say more, then in numbers, with the result."""
    if not isinstance(number, Traced):
        return (said(number),)
    result = said(number.value)
    if not number.computed:
        return (result if number.named == number.text else f"{number.named} = {result}",)
    return (*([] if number.named == number.text else [number.named]), f"{number.text} = {result}")


def index_in(number: Any, shape: Shape) -> int | None:
    """Return the index of this very number in a shape, None of a number that was computed."""
    return next((index for index, other in enumerate(shape) if other is number and number is not UNKNOWN), None)


def keeps(x: Shape, y: Shape) -> bool:
    """Say whether an output y is its input x: the very numbers, in the same order."""
    return len(x) == len(y) and all(index_in(number, x) == index for index, number in enumerate(y))


def shape_lines(
    layer: Layer, x: Shape, axes: tuple[NamedAxis, ...], result: Result, cells: Held | None = None
) -> Iterator[Line]:
    """Explain the shape that comes out, axis by axis; neighbouring axes of space that are alike share a line.

    `cells` are those of x that hold something of the image, where not all do.
    """
    y = result.output or ()
    if keeps(x, y) or result.output == ():
        yield Line("shape", ("unchanged" if x == y else "no axes",))
        return
    rest = (0, *remainders(layer.traced(), x, y), *[0] * len(y))  # 0: the channels, and axes that only the result has
    numbers, results = (tuple(map(value_of, shape)) for shape in (x, y))
    lost = (0, *dropped(layer, numbers, results, cells), *[0] * len(y))
    about = ("", *_about_windows(layer, numbers, results), *[""] * len(y))
    sides = [_impossible(layer, x, place) if size is UNKNOWN else size for place, size in enumerate(y)]
    rows = zip(axes, sides, rest, lost, about, strict=False)
    for _, group in groupby(rows, key=lambda row: (row[0].letter == CHANNELS.letter, repr(row[1]))):
        alike = list(group)
        _, number, remainder, cells_lost, windows = alike[-1]
        if number is UNKNOWN:  # the problem below says why
            continue
        unchanged = index_in(number, x) is not None
        texts = (f"{said(number.value)}, unchanged",) if unchanged else derivation(number)
        over = f"{remainder!r} is left over: " if remainder is not None and remainder > 0 else ""
        if cells_lost is not None and (over or cells_lost):  # windows that skip cells may lose some and leave none over
            which = _lost([axis.cell for axis, *_ in alike], cells_lost, ceil=layer.hangs_over())
            texts = (*texts, f"{over}{which}")
        yield Line(", ".join(axis.name for axis, *_ in alike), (*texts, windows) if windows else texts)


def _impossible(layer: Layer, x: Shape, place: int) -> Any:
    """Return the side that a layer refuses, with its arithmetic; UNKNOWN for a refusal on other grounds."""
    if not place or place >= len(x) or x[place] is UNKNOWN or not fit(layer, len(x) - 1):
        return UNKNOWN
    traced = layer.traced()
    side = traced.side(x[place], unasked, **traced.axes(len(x) - 1)[place - 1])
    return side if isinstance(side, Traced) and side < 1 else UNKNOWN


def _about_windows(layer: Layer, x: Shape, y: Shape) -> list[str]:
    """Return a sentence for each axis of x, "" where there is nothing to say."""
    if len(x) != len(y) or not fit(layer, len(x) - 1):
        return []
    sides = zip(x[1:], y[1:], layer.axes(len(x) - 1), strict=True)
    return ["" if UNKNOWN in (w, out) else layer.about_windows(w, out, **axis) for w, out, axis in sides]


def _lost(cells: list[str], dropped: int, *, ceil: bool) -> str:
    if dropped > 1:
        return f"{' and '.join(f'the last {said(dropped)} {cell}s' for cell in cells)} are lost"
    if dropped == 1:
        return f"{' and '.join(f'the last {cell}' for cell in cells)} {'is' if len(cells) == 1 else 'are'} lost"
    return "nothing of the image is lost, with ceil_mode" if ceil else "it is padding, and nothing of the image is lost"


def count_lines(layer: Any, x: Shape, y: Shape, node: Node) -> Iterator[Line]:
    """Explain parameters, buffers and multiply-accumulates of a node's layer."""
    after = tuple(axis._replace(letter=f"{axis.letter}'") for axis in axes_of(y))
    parameters, macs = layer.counts(x, quantities(tuple(map(value_of, y)), after))
    buffers = layer.buffers(x)
    if node.shares_weight:
        parameters, buffers = layer.beside_weight()
        yield Line("weight", (f"that of {node.shares_weight}",))
    theirs = (f"those of {node.shares}",) if node.shares else ()
    yield Line("parameters", theirs or (derivation(parameters) if parameters else ("none",)))
    if buffers and not theirs:
        yield Line("buffers", derivation(buffers))
    if macs and macs is not UNKNOWN:
        yield Line("MACs", (*derivation(macs), *filter(None, [layer.uncounted])))
