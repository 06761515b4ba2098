"""Operators that give a tensor another shape, take parts of it, join, pad or resize it."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

from cnnshape.layers.rearranging import Reshape
from cnnshape.layers.shaping import Upsample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnnshape.convert.from_onnx.record import Given

FACTOR_MODES: Final = {"nearest": {}, "linear": {1: "linear", 2: "bilinear", 3: "trilinear"}, "cubic": {2: "bicubic"}}
PAD_MODES: Final = {"constant": "constant", "reflect": "reflect", "edge": "replicate", "wrap": "circular"}


def kept(given: Given) -> None:
    """Identity, Cast: the numbers are those that enter."""
    given.result(given.call("identity", [given.x], given.shapes[:1])[0])


def reshape(given: Given) -> None:
    shape = given.shapes[0]
    if prod(shape) != prod(given.x.shape):
        raise given.refuse(f"it makes {list(shape)} of {list(given.x.shape)}, which are other numbers of values")
    given.run.reshaped(given, shape)
    if given.explicit and len(shape) > 1:
        layer = Reshape(shape=shape[1:])
        given.result(given.module(layer, [given.x], shape))
        return
    given.result(given.call("reshape", [given.x, *shape], [shape])[0])


def flatten(given: Given) -> None:
    """Flatten: two axes, the second from `axis` on; torch's makes one axis of those, and leaves the others."""
    if given.attributes.get("axis", 1) % len(given.x.shape) == 1:
        given.result(given.call("flatten", [given.x, 1], given.shapes[:1])[0])
    else:
        given.result(given.call("reshape", [given.x, *given.shapes[0]], given.shapes[:1])[0])


def squeeze(given: Given) -> None:
    axes = given.ints("axes", 1) or []
    for axis in axes if given.node.op_type == "Squeeze" else ():
        given.asks(axis % len(given.x.shape), at_most=1)
    given.result(given.call("squeeze", [given.x], given.shapes[:1])[0])


def transpose(given: Given) -> None:
    order = given.attributes.get("perm") or [*range(len(given.x.shape))][::-1]
    given.result(given.call("permute", [given.x, *order], given.shapes[:1], order)[0])


def expand(given: Given) -> None:
    for axis, size in enumerate(reversed(given.shapes[0]), start=1):
        if axis <= len(given.x.shape) and given.x.shape[-axis] == size:
            given.asks(len(given.x.shape) - axis, at_least=size, at_most=size)
    given.result(given.call("expand", [given.x, *given.shapes[0]], given.shapes[:1])[0])


def concat(given: Given) -> None:
    tensors = [held.tensor for held in given.entering if held]
    given.result(given.call("cat", [tensors], given.shapes[:1], dim=given.attributes["axis"])[0])


def split(given: Given) -> None:
    sizes = given.ints("split", 1)
    axis = given.attributes.get("axis", 0) % len(given.x.shape)
    if sizes:
        given.asks(axis, at_least=sum(sizes), at_most=sum(sizes))
    elif "num_outputs" not in given.attributes:
        given.asks(axis, multiple_of=len(given.shapes))
    sizes = sizes or [shape[axis] for shape in given.shapes]
    for index, tensor in enumerate(given.call("split", [given.x, tuple(sizes)], given.shapes, dim=axis)):
        if given.node.output[index]:
            given.result(tensor, index)


def gather(given: Given) -> None:
    """Gather: one place of an axis, or places in a row; others are opaque."""
    index, rank = given.array(1), len(given.x.shape)
    axis = given.attributes.get("axis", 0) % max(rank, 1)
    places = [] if index is None else [int(place) for place in index.reshape(-1)]
    size = given.x.shape[axis] if rank else 0
    if index is not None and any(not -size <= place < size for place in places):
        raise given.refuse(f"it reads place {places[0] if len(places) == 1 else places} of an axis of {size}")
    least = max((place + 1 if place >= 0 else -place for place in places), default=1)
    places = [place % size for place in places]
    whole: list[Any] = [slice(None)] * rank
    if index is not None and given.x.value and index.ndim == 0:
        whole[axis] = places[0]
    elif (
        index is not None
        and given.x.value
        and index.ndim == 1
        and places == [*range(places[0], places[0] + len(places))]
    ):
        whole[axis] = slice(places[0], places[-1] + 1)
    elif index is not None and given.x.value and places == [*range(size)] and given.x.shape[:axis] in {(), (1,)}:
        # all of it, as strides tell
        given.result(given.call("reshape", [given.x, *given.shapes[0]], given.shapes[:1])[0])
        return
    else:
        if given.x.value and least > 1:
            given.asks(axis, always=True, at_least=least)
        given.opaque()
        return
    given.result(given.call("getitem", [given.x, tuple(whole)], given.shapes[:1])[0])


def cut(given: Given) -> None:
    """Slice: attributes before opset 10, and inputs from there on."""
    rank = len(given.x.shape)
    starts, stops = given.ints("starts", 1), given.ints("ends", 2)
    assert starts is not None
    assert stops is not None
    axes = given.ints("axes", 3) or [*range(len(starts))]
    steps = given.ints("steps", 4) or [1] * len(starts)
    whole = [slice(None)] * rank
    for axis, start, stop, step in zip(axes, starts, stops, steps, strict=True):
        if step < 1:
            given.opaque()
            return
        whole[axis % rank] = slice(start, stop, step)
    given.result(given.call("getitem", [given.x, tuple(whole)], given.shapes[:1])[0])


def top(given: Given) -> None:
    """TopK: as many places of an axis as it says."""
    axis = given.attributes.get("axis", -1) % len(given.x.shape)
    given.asks(axis, always=True, at_least=given.shapes[0][axis])
    given.opaque()


def pad(given: Given) -> None:
    rank, mode = len(given.x.shape), given.attributes.get("mode", "constant")
    pads = given.ints("pads", 1) or []
    axes = given.ints("axes", 3) or [*range(rank)]
    ends = [(0, 0)] * rank
    for place, axis in enumerate(axes):
        ends[axis % rank] = (pads[place], pads[place + len(axes)])
    if mode not in PAD_MODES or rank < 2 or any(ends[0]):  # noqa: PLR2004 -- batch and channels
        given.opaque()
        return
    value = given.array(2) if given.has(2) else given.attributes.get("value", 0.0)
    fill = 0.0 if value is None or mode != "constant" else float(getattr(value, "item", lambda: value)())
    told = tuple(cells for axis in reversed(range(1 if any(ends[1]) else 2, rank)) for cells in ends[axis])
    given.result(given.call("pad", [given.x, told], given.shapes[:1], mode=PAD_MODES[mode], value=fill)[0])


def resize(given: Given) -> None:
    """Resize and Upsample: by factors, or to sides."""
    told, x, output = given.attributes, given.x, given.shapes[0]
    space = len(x.shape) - 2
    scales = told.get("scales")
    place = 1 if given.node.op_type == "Upsample" or given.run.model.opset < 11 else 2  # noqa: PLR2004 -- the roi before it
    if scales is None and given.has(place) and given.tensor(place).shape != (0,):
        scales = given.known(place, "scales").reshape(-1).tolist()
    axes = told.get("axes")
    if axes and scales:
        by = dict(zip([axis % len(x.shape) for axis in axes], scales, strict=True))
        scales = [by.get(axis, 1) for axis in range(len(x.shape))]
    mode = told.get("mode", "nearest")
    modes = FACTOR_MODES.get(mode)
    plain = told.get("coordinate_transformation_mode", "half_pixel") != "tf_crop_and_resize"
    if modes is None or not plain or output[:2] != x.shape[:2] or not 1 <= space <= 3 or (modes and space not in modes):  # noqa: PLR2004
        given.opaque()
        return
    words: dict[str, Any] = {"mode": modes[space] if modes else mode}
    if modes and told.get("coordinate_transformation_mode") == "align_corners":
        words["align_corners"] = True
    if scales:
        factors = tuple(_factor(scale) for scale in scales[2:])
        layer = Upsample(scale_factor=factors[0] if len({*factors}) == 1 else factors, **words)
        given.result(given.module(layer, [x], output))
        return
    given.result(given.call("interpolate", [x], [output], size=output[2:], **words)[0])


def _factor(scale: float) -> Any:
    """Return a factor of 32 bits as its shortest decimal."""
    short = float(f"{scale:.7g}")
    return int(short) if short == int(short) else short


def depth_to_space(given: Given) -> None:
    """DepthToSpace: torch's pixel shuffle in mode CRD; in mode DCR the block comes first among the channels."""
    b, (n, c, h, w) = given.attributes["blocksize"], given.x.shape
    crd = given.attributes.get("mode", "DCR") == "CRD"
    apart = (n, c // b**2, b, b, h, w) if crd else (n, b, b, c // b**2, h, w)
    _shuffle(given, apart, [0, 1, 4, 2, 5, 3] if crd else [0, 3, 4, 1, 5, 2])


def space_to_depth(given: Given) -> None:
    b, (n, c, h, w) = given.attributes["blocksize"], given.x.shape
    _shuffle(given, (n, c, h // b, b, w // b, b), [0, 3, 5, 1, 2, 4])


def _shuffle(given: Given, apart: Sequence[int], order: Sequence[int]) -> None:
    """Add the reshape, the exchange of axes and the reshape that a block of space and channels is."""
    if prod(apart) != prod(given.x.shape):
        raise given.refuse(f"{given.x.shape} does not divide into blocks of {given.attributes['blocksize']}")
    one = given.call("reshape", [given.x, *apart], [tuple(apart)])[0]
    two = given.call("permute", [one, *order], [tuple(apart[axis] for axis in order)], order)[0]
    given.result(given.call("reshape", [two, *given.shapes[0]], given.shapes[:1])[0])


MOVES: Final[dict[str, Callable[[Given], None]]] = {
    **dict.fromkeys(("Identity", "Cast", "CastLike", "QuantizeLinear", "DequantizeLinear"), kept),
    "Reshape": reshape,
    "Flatten": flatten,
    **dict.fromkeys(("Squeeze", "Unsqueeze"), squeeze),
    "Transpose": transpose,
    "Expand": expand,
    "Concat": concat,
    "Split": split,
    "Gather": gather,
    "Slice": cut,
    "TopK": top,
    "Pad": pad,
    **dict.fromkeys(("Resize", "Upsample"), resize),
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
}
