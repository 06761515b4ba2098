"""How a layer's positions reach into what enters, as JavaScript of the sizes that enter, for receptive fields on a page.

A reach is `[period, step, [[first, taps, apart], ...]]` (see layers/windows.py), and null where an axis has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.joining import Add
from cnnshape.layers.pooling import MaxUnpool
from cnnshape.layers.windows import FieldTooLarge, cells
from cnnshape.numbers.rules import unasked
from cnnshape.numbers.symbolic import Unsolvable
from cnnshape.picture.page.formula import branched

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.layers.base import Layer
    from cnnshape.numbers.shape import Shape

POINT: Final = "POINT"  # in the page: the reach of a layer that works cell by cell
REPEATED: Final = "REPEATED"  # in the page: each input is read cell by cell, but along axes that are repeated
NOWHERE: Final = "null"  # the layer's fields are not known


def reads_script(layer: Layer, inputs: Sequence[Shape]) -> str:
    """Write a layer's reads: for each input a list of reaches, one for each of its spatial axes."""
    if type(layer).reads is Add.reads:
        return REPEATED
    try:
        if isinstance(layer, MaxUnpool) and layer.output_size == "default":
            return _of_usual_side(layer, inputs)
        return branched(lambda: _written(layer.reads(*inputs)))
    except (FieldTooLarge, Unsolvable, TypeError):
        return NOWHERE


def _of_usual_side(layer: MaxUnpool, inputs: Sequence[Shape]) -> str:
    """Write the reads of an unpool to its usual side, which depend on whether the max_pool had that side."""
    sides = zip(layer.output(unasked, *inputs)[2:], inputs[1][2:], strict=True)
    other = "||".join(f"{one}!=={another}" for one, another in sides)
    restored = _written(layer.replace(output_size=None).reads(*inputs))
    nowhere = _written([[None] * (len(inputs[0]) - 1)])
    return f"{other}?{nowhere}:{restored}" if other else restored


def _written(reads: Sequence[Sequence[Any]]) -> str:
    return "[" + ",".join(f"[{','.join(map(_reach, axes))}]" for axes in reads) + "]"


def _reach(reach: Any) -> str:
    if reach is None:
        return "null"
    if not isinstance(reach, tuple):  # an expression of the page's own function
        return str(reach)
    if reach == cells():
        return POINT
    period, step, windows = reach
    written = ",".join(f"[{first},{taps},{apart}]" for first, taps, apart in windows)
    return f"[{period},{step},[{written}]]"
