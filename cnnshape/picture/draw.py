"""A net as a picture, in one call: a net goes in, the text of an SVG file, a LaTeX file or a page comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.picture.placing import SCALES, TRUE, place
from cnnshape.picture.scene import make
from cnnshape.picture.svg import svg
from cnnshape.picture.tikz import tikz
from cnnshape.picture.tooltips import tooltips

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Input

HTML: Final = "html"
MOST_SOLIDS: Final = 2000  # of a picture; thirty of an A4 page
WRITERS: Final[dict[str, Callable[[Any, Any], str]]] = {"svg": svg, "tex": tikz}  # by format, which is a file's suffix


def draw(
    net: Network,
    *,
    input: Input | None = None,  # noqa: A002 -- as Network.check
    depth: int | None = None,
    format: str = "svg",  # noqa: A002 -- the public name
    scale: str = TRUE,
) -> str:
    """Draw a net, at its declared input or another: the text of an SVG file, or of a LaTeX file (`format="tex"`).

    `format="html"` is a page of one file, whose input sizes are moved with sliders in a browser.
    `depth` is the number of levels of blocks that are unfolded; None: as few as show the net. `scale` is "true", or "log"
    where sides differ much. A net that fails is drawn as well, its failing layers in red. Raises ValueError for an
    argument that is none of these.
    """
    for value, known in ((format, (*WRITERS, HTML)), (scale, SCALES)):
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(known)}")
    if depth is not None and depth < 1:
        raise ValueError(f"depth must be at least 1, not {depth}")
    report = net.check(input)
    if format == HTML:
        from cnnshape.picture.page.page import page

        return page(net, report, depth=depth, scale=scale)
    scene = make(net, report, depth)
    if len(scene.solids) > MOST_SOLIDS:
        raise ValueError(
            f"a picture of {len(scene.solids):,} tensors is too large: fold more blocks with a smaller depth"
        )
    return WRITERS[format](place(scene, scale), tooltips(net, report, scene))
