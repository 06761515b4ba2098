"""Operations that give another view of a tensor, or a part of it: reshapes, exchanges of axes, slices, chunks.

A view makes no layer. A part is a slice or a select of the axis that it is taken of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.recording import Tensor
from cnnshape.convert.growing import Gap, Growing, called, constant
from cnnshape.convert.views import View, expanded, interleaved, is_one
from cnnshape.layers.activation import Activation
from cnnshape.layers.normalization import Normalization
from cnnshape.layers.pooling import GlobalAvgPool, GlobalMaxPool
from cnnshape.layers.rearranging import Reshape, order_of
from cnnshape.layers.shaping import END, Crop, Select, Slice
from cnnshape.layers.sliding import Sliding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cnnshape.compare.recording import Op
    from cnnshape.convert.views import Size

FLOATS: Final = ("float32", "float64", "float16", "bfloat16")


def reshape(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    output = op.outputs[0]
    samples = output.shape[0] if output.shape else 1
    if net.raised or (samples != 1 == op.inputs[0].shape[0] and _lost(net) and not _by_place(net, op)):
        mixed(net, op, samples)
    elif output.value in net.returned and _leaves_ones_out(net, op):
        value, _ = net.plain(op.inputs[0])
        made = net.add(Reshape(shape=output.shape[1:]), [value])
        net.give(output, net.laid(made, [*range(1, len(output.shape))], len(output.shape)))
    else:
        net.give(output, net.reshape(op.inputs[0], net.shapes[id(output)]))


def _leaves_ones_out(net: Growing, op: Op) -> bool:
    """Say whether a view names all sizes of its result, which has fewer axes of 1: at sizes where these are larger it refuses.

    Of a global pool's result they are never.
    """
    if op.call is None or op.call.name not in {"view", "reshape"}:
        return False
    sizes = [*op.call.args[1:], *op.call.kwargs.values()]
    told = sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes
    if -1 in told[1:]:
        return False
    x, y = (net.shapes[id(tensor)][1:] for tensor in (op.inputs[0], op.outputs[0]))
    left = [size for size in x if not is_one(size)]
    value = net.view(op.inputs[0]).value
    pooled = value >= net.inputs and isinstance(net.nodes[value - net.inputs].layer, GlobalAvgPool | GlobalMaxPool)
    return len(y) < len(x) and left == [size for size in y if not is_one(size)] and all(map(constant, y)) and not pooled


def _lost(net: Growing) -> bool:
    """Say whether the model returns more samples than enter: a view that folds them into the batch is undone nowhere."""
    tensors = [output.tensor for output in net.recordings[0].outputs if output.tensor.shape]
    return any(each.batch is not None and each.shape[each.batch : each.batch + 1] != (1,) for each in tensors)


def _by_place(net: Growing, op: Op) -> bool:
    """Say whether a view makes a sample of each place or frame, whose features stay as they are: x.permute(0, 2, 3, 1).reshape(-1, C).

    The last axis of a filter's result has no features: of that view(-1, 400) has forgotten the channels.
    """
    tensor, features = op.inputs[0], op.outputs[0].shape[1:]
    if not features or features != tensor.shape[-len(features) :]:
        return False
    view = net.view(tensor)
    return len(features) > 1 or not view.whole(len(view.axes) - 1) or not _slid(net, view.value)


def _slid(net: Growing, value: int) -> bool:
    """Say whether a value is the result of a window that slides, or of functions and a normalization of each value behind it."""
    while value >= net.inputs:
        node = net.nodes[value - net.inputs]
        if not isinstance(node.layer, Activation | Normalization):
            return isinstance(node.layer, Sliding)
        value = node.inputs[0]
    return False


def mixed(net: Growing, op: Op, samples: int) -> None:
    """Lower a view(-1, 400) that torch refuses, or that makes several samples of one: a reshape to that, which fails."""
    value, _ = net.plain(op.inputs[0])
    net.raised = True
    made = net.add(Reshape(shape=op.outputs[0].shape[1:]), [value])
    net.count_one(samples)
    net.give(op.outputs[0], net.laid(made, [*range(1, len(op.outputs[0].shape))], len(op.outputs[0].shape)))


def keep(net: Growing, ops: Sequence[Op]) -> None:
    """Give the result the view of the first tensor that comes from the input."""
    op = ops[0]
    source = next(tensor for tensor in op.inputs if tensor.value)
    for output in op.outputs:
        net.give(output, net.view(source))


def permute(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    view, call = net.view(op.inputs[0]), called(op)
    rank = len(view.axes)
    if call.name in {"t", "T", "mT", "adjoint", "numpy_T", "H", "mH"}:
        order = [*range(rank)][::-1] if call.name in {"T", "numpy_T"} else [*range(rank - 2), rank - 1, rank - 2]
        if call.name == "t" and rank < 2:  # noqa: PLR2004 -- a matrix
            order = [*range(rank)]
    else:
        order = order_of(call)
    net.give(op.outputs[0], view.with_axes(view.axes[axis] for axis in order))


def squeeze(net: Growing, ops: Sequence[Op]) -> None:
    """Leave out axes of 1, or put some in: the other axes are the same, in order."""
    op = ops[0]
    view = net.view(op.inputs[0])
    axes = [axis for axis in view.axes if not all(is_one(view.sizes[part]) for part in axis)]
    made = [() if is_one(size) or not axes else axes.pop(0) for size in net.shapes[id(op.outputs[0])]]
    net.give(op.outputs[0], view.with_axes(made))


def expand(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    if not op.inputs[0].value:
        raise Gap("a tensor of its own is given the shape of another")
    net.give(op.outputs[0], expanded(net.view(op.inputs[0]), net.shapes[id(op.outputs[0])]))


def interleave(net: Growing, ops: Sequence[Op]) -> None:
    """Repeat each place of an axis, by a number."""
    op = ops[0]
    given = [called(each).arguments(("repeats", "dim")) for each in ops]
    dim = given[0].get("dim")
    counts = [int(each["repeats"]) for each in given if isinstance(each.get("repeats"), int)]
    if dim is None or len(counts) < len(ops):
        raise Gap("no layer type is such a call")
    view = net.view(op.inputs[0])
    net.give(op.outputs[0], interleaved(view, dim % len(view.axes), tuple(counts)))


def select(net: Growing, tensor: Tensor, axis: int, index: int) -> View:
    """Return the view of one place of an axis."""
    view = net.view(tensor)
    if not view.axes[axis]:
        return view.with_axes(parts for at, parts in enumerate(view.axes) if at != axis)
    view = net.with_whole(tensor, axis)
    at = view.whole(axis)
    assert at is not None
    value = net.add(Select(dim=at + 1, index=index), [view.value], "select")
    axes = [parts for place, parts in enumerate(view.axes) if place != axis]
    return View(value, (*view.parts[:at], *view.parts[at + 1 :]), tuple(axes), view.sizes)


class Cut(NamedTuple):
    """A part of an axis, by the run."""

    starts: Size
    stops: Size
    step: int = 1

    def length(self) -> Size:
        """How many cells of the axis it is from the first to the last."""
        return tuple(stop - start for start, stop in zip(self.starts, self.stops, strict=True))


def cut(net: Growing, tensor: Tensor, axis: int, part: Cut) -> View:
    """Return the view of a part of an axis, from and to cells that may differ by run."""
    view, (starts, stops, step) = net.view(tensor), part
    size = view.size(axis) or (1,) * len(starts)
    if starts == (0,) * len(size) and stops == size and step == 1:
        return view
    start, stop = _from_an_end(starts, size), _from_an_end(stops, size)
    if start is None or stop is None:
        return like_another(net, tensor, {axis: part})
    view = net.with_whole(tensor, axis)
    at = view.whole(axis)
    if at is None:
        raise Gap("an axis that is repeated is cut")
    given = {"start": start, "stop": stop} if stops != size else {"start": start}
    value = net.add(Slice(dim=at + 1, step=step, **given), [view.value], "slice")
    return view.of(value, net.sizes[value])


def _from_an_end(place: Size, size: Size) -> int | None:
    """Return a place as a number that holds in all runs, counted from the end where it is negative; None for none."""
    if constant(place):
        return place[0]
    behind = tuple(a - b for a, b in zip(place, size, strict=True))
    return behind[0] if constant(behind) and behind[0] < 0 else 0 if place == size else None


def _varies(view: View, axis: int, part: Any) -> bool:
    """Say whether a part is cut at places that follow from no end of its axis."""
    if not isinstance(part, Cut):
        return False
    size = view.size(axis) or (1,) * len(part.starts)
    return _from_an_end(part.starts, size) is None or _from_an_end(part.stops, size) is None


def like_another(net: Growing, tensor: Tensor, cuts: Mapping[int, Cut]) -> View:
    """Return parts of axes that are as long as those of another value: a crop to its sides."""
    for axis in cuts:
        net.views[tensor.value] = net.with_whole(tensor, axis)
    view = net.view(tensor)
    if 0 in {view.whole(axis) for axis in cuts}:  # a layer that cuts sides has the channels in front of them
        view = net.led(tensor, cuts)
    parts = {view.whole(axis): part for axis, part in cuts.items()}
    sizes = net.sizes[view.value]
    if None in parts or 0 in parts or any(part.step != 1 for part in parts.values()):
        raise Gap("where it is cut varies")
    starts = [parts[axis].starts if axis in parts else (0,) * view.runs() for axis in range(1, len(sizes))]
    wanted = tuple(parts[axis].length() if axis in parts else size for axis, size in enumerate(sizes))[1:]
    offset = _offset(starts, [_less(*each) for each in zip(sizes[1:], wanted, strict=True)])
    for value in reversed(range(1, len(net.sizes))):
        if net.sizes[value][1:] == wanted:
            made = net.add(Crop(like=True, **offset), [view.value], "crop", references=[value])
            return view.of(made, net.sizes[made])
    scaled = net.scaled_input(wanted)
    if scaled is not None:
        made = net.add(Crop(like=True, **offset), [view.value], "crop", references=[scaled])
        return view.of(made, net.sizes[made])
    if any(map(is_one, sizes)):
        order = [axis for axis, parts in enumerate(view.axes) if not all(is_one(view.sizes[part]) for part in parts)]
        return like_another(net, standing(net, net.laid(net.settled(view, order), order, len(view.axes))), cuts)
    led = view if constant(sizes[0]) else net.led(standing(net, view), cuts)  # rows may be in front
    if not constant(sizes[0]) and constant(net.sizes[led.value][0]):
        return like_another(net, standing(net, led), cuts)
    raise Gap("where it is cut varies")


def _less(one: Size, other: Size) -> Size:
    return tuple(a - b for a, b in zip(one, other, strict=True))


def _offset(starts: Sequence[Size], ends: Sequence[Size]) -> dict[str, Any]:
    """Return the setting of a crop whose parts start so; `ends`: where they would if they went on to the ends."""
    if starts == [tuple(place // 2 for place in end) for end in ends]:
        return {}
    if all(map(constant, starts)):
        return {"offset": tuple(start[0] for start in starts)}
    if starts == ends:
        return {"offset": END}
    raise Gap("where it is cut varies")


def getitem(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    tensor, indices = op.inputs[0], [_indices(each) for each in ops]
    view = net.view(tensor)
    rank, keys = len(view.axes), indices[0]
    if any(isinstance(key, Tensor | list) or key is True or key is False for key in keys):
        raise Gap("it is indexed by a tensor")
    at = next((place for place, key in enumerate(keys) if key is ...), len(keys))
    taken = sum(key is not None and key is not ... for key in keys)
    full = [[*each[:at], *[slice(None)] * (rank - taken), *each[at + 1 :]] for each in indices]
    shape, axis = net.shapes[id(tensor)], 0
    result = list[Any]()
    for place, key in enumerate(full[0]):
        if key is None:
            result.append("new")
            continue
        size = shape[axis]
        if isinstance(key, slice):
            ends = [each[place].indices(length) for each, length in zip(full, size, strict=True)]
            starts, stops = tuple(end[0] for end in ends), tuple(max(end[1], end[0]) for end in ends)
            result.append(Cut(starts, stops, ends[0][2]))
        else:
            result.append(int(key))
        axis += 1
    if tensor.value in net.final and result and isinstance(result[0], int):
        view, result[0] = _of_last_layer(net, tensor, result[0]) or (view, result[0])
    net.give(op.outputs[0], _taken(net, view, result))


def _of_last_layer(net: Growing, tensor: Tensor, index: int) -> tuple[View, int] | None:
    """Return the states of the last of some recurrent layers, and the index in them of one state; None for another layer's."""
    view = net.final[tensor.value]
    layers, last = ((one.size(0) or (1,))[0] for one in (net.view(tensor), view))
    place = index % layers - layers + last
    return (view, place) if place >= 0 else None


def _taken(net: Growing, view: View, cuts: Sequence[Any]) -> View:
    """Return the view after each axis was cut, or one place taken of it, or an axis put in."""
    kept = [kind for kind in cuts if kind != "new"]
    following = {axis: part for axis, part in enumerate(kept) if _varies(view, axis, part)}
    if len(following) > 1:  # together they may be another value's sides
        view = like_another(net, standing(net, view), following)
        left = [_whole(view, axis) if axis in following else part for axis, part in enumerate(kept)]
        cuts = ["new" if kind == "new" else left.pop(0) for kind in cuts]
    axis = 0
    for kind in cuts:
        tensor = standing(net, view)
        if kind == "new":
            view = view.with_axes((*view.axes[:axis], (), *view.axes[axis:]))
            axis += 1
        elif isinstance(kind, int):
            view = select(net, tensor, axis, kind)
        else:
            view = cut(net, tensor, axis, kind)
            axis += 1
        net.views.pop(tensor.value)
    return view


def _whole(view: View, axis: int) -> Cut:
    """Return the part of an axis that is all of it."""
    size = view.size(axis) or (1,) * view.runs()
    return Cut((0,) * len(size), size)


def standing(net: Growing, view: View) -> Tensor:
    """Return a tensor that stands for a view on the way."""
    tensor = Tensor(-1, tuple(size[0] if size else 1 for size in map(view.size, range(len(view.axes)))), 0)
    net.views[-1] = view
    return tensor


def _indices(op: Op) -> tuple[Any, ...]:
    index = called(op).args[1]
    return index if isinstance(index, tuple) else (index,)


def parts(net: Growing, ops: Sequence[Op]) -> None:
    """Give each result of a chunk or a split its part of an axis."""
    op = ops[0]
    names = ("dim", "start", "length") if called(op).name == "narrow" else ("sections", "dim")
    given = [called(each).arguments(names) for each in ops]
    axis = given[0].get("dim", 0) % len(op.inputs[0].shape)
    starts: Size = tuple(int(each.get("start", 0)) for each in given)
    if called(op).name == "narrow" and narrowed(net, op, axis, starts):
        return
    for output in op.outputs:
        length = net.shapes[id(output)][axis]
        stops = tuple(a + b for a, b in zip(starts, length, strict=True))
        mark = net.mark()
        try:
            net.give(output, cut(net, op.inputs[0], axis, Cut(starts, stops)))
        except Gap:
            net.back_to(mark)
            raise
        starts = stops


def narrowed(net: Growing, op: Op, axis: int, starts: Size) -> bool:
    """Lower the last of some narrows one behind the other, where they cut to the sides of another value; say whether they do."""
    (output,) = op.outputs
    tensor, before = net.narrowed.get(op.inputs[0].value, (op.inputs[0], {}))
    stops = tuple(start + length for start, length in zip(starts, net.shapes[id(output)][axis], strict=True))
    cuts = {**before, axis: Cut(starts, stops)}
    net.narrowed[output.value] = tensor, cuts
    if axis in before or len(cuts) == 1 or not any(_varies(net.view(tensor), *each) for each in cuts.items()):
        return False
    mark = net.mark()
    try:
        net.give(output, like_another(net, standing(net, net.view(tensor)), cuts))
    except Gap:
        net.back_to(mark)
        return False
    return True


def unbind(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    axis = called(op).arguments(["dim"]).get("dim", 0) % len(op.inputs[0].shape)
    for index, output in enumerate(op.outputs):
        net.give(output, select(net, op.inputs[0], axis, index))


def one_place(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    given = called(op).arguments(["dim", "index"])
    net.give(op.outputs[0], select(net, op.inputs[0], given["dim"] % len(op.inputs[0].shape), int(given["index"])))


MOVES: Final[dict[str, Callable[[Growing, Sequence[Op]], None]]] = {
    **dict.fromkeys(("view", "reshape", "flatten", "unflatten", "ravel", "view_as", "reshape_as"), reshape),
    **dict.fromkeys(("squeeze", "unsqueeze", "atleast"), squeeze),
    **dict.fromkeys(
        ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis", "t", "T", "mT", "adjoint"), permute
    ),
    "repeat_interleave": interleave,
    **dict.fromkeys(("expand", "expand_as", "broadcast_to", "repeat", "tile"), expand),
    **dict.fromkeys(
        (
            "contiguous", "clone", "data", "detach", "alias", "to", "type", "type_as", "float", "double", "half", "bfloat16",
            "cpu", "cuda", "dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "requires_grad",
            "identity", "as_subclass", "as_tensor",
        ),
        keep,
    ),
    "getitem": getitem,
    **dict.fromkeys(("chunk", "split", "tensor_split", "narrow", "split_with_sizes"), parts),
    "unbind": unbind,
    "select": one_place,
}  # fmt: skip
