"""Modules and functions that are layers: of channels and space, of the last axes, along one axis, of each value.

In: an operation in all runs. Out: the layer in the net, and the view that its result is. A tensor with channels last is
normalised over its channels, and a linear layer on it is a convolution of single cells; frames that are folded into the
batch are an axis with windows of 1.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.called import layers_of
from cnnshape.compare.recording import Tensor
from cnnshape.convert.growing import PARTS, Gap, Growing, Waiting, called, constant
from cnnshape.convert.moves import keep, reshape
from cnnshape.convert.views import Size, View, is_one, whole_view
from cnnshape.layers.activation import LogSoftmax, Softmax, Softmin
from cnnshape.layers.convolution import Conv, ConvTranspose, Linear
from cnnshape.layers.joining import Concat
from cnnshape.layers.normalization import BatchNorm, OfShape
from cnnshape.layers.parameters import per_axis
from cnnshape.layers.pooling import (
    AdaptiveAvgPool,
    AdaptiveMaxPool,
    AvgPool,
    GlobalAvgPool,
    GlobalMaxPool,
    MaxPool,
    MaxUnpool,
)
from cnnshape.layers.rearranging import HOW, Reduce
from cnnshape.layers.shaping import MODES, Pad, Select, Slice, Upsample
from cnnshape.layers.unfolding import Fold, Windows
from cnnshape.numbers.recorded import Operation, SideOf, evaluated, expression_of, sides_of
from cnnshape.numbers.rules import limited
from cnnshape.numbers.shape import LARGEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cnnshape.compare.recording import Op
    from cnnshape.layers.base import Layer
    from cnnshape.numbers.recorded import Expression

    Rule = Callable[[int], int]  # of the side that another becomes

MOST_SPACE: Final = 3
BATCHED: Final = 3  # axes of a sequence with its batch
GLOBAL: Final = {"avg_pool": GlobalAvgPool, "max_pool": GlobalMaxPool}  # by the pool whose window is all of space
ADAPTIVE: Final = {kind.type: kind for kind in (AdaptiveAvgPool, AdaptiveMaxPool)}
NO_LIMIT: Final = (1, LARGEST)
SIDES: Final = range(1, 600)  # at which limits of sides are tried
GRID: Final = tuple(range(1, 65))  # sides at which a rule is tried
MULTIPLES: Final = (2, 4, 8, 16, 32, 64, 128, 3, 5, 6, 7, 9, 10, 12, 14, 15, 20, 24, 28)  # to which models pad


def put(  # noqa: PLR0913 -- what a node has
    net: Growing,
    op: Op,
    layer: Layer,
    inputs: Sequence[int],
    *,
    references: Sequence[int] = (),
    sizes: Any = None,
    loose: bool = False,
) -> int:
    """Add the layer of an operation: a module's by its path, that of a function by its type."""
    path = op.path if op.call is None else owner(net, op)
    return net.add(layer, inputs, layer.type, references=references, path=path, sizes=sizes, loose=loose, anew=True)


def owner(net: Growing, op: Op) -> str | None:
    """Return the path of the module whose weights a function uses, if it uses one module's and those as they are."""
    owners = {name.rpartition(".")[0] for name in op.weights}
    path = owners.pop() if len(owners) == 1 else ""
    return path if path and path not in net.names else None


def ordered(net: Growing, tensor: Tensor) -> list[int]:
    """Return the axes of an image in the order channels, space; frames that are folded into the batch are space, too."""
    rank = len(tensor.shape)
    folded = bool(net.view(tensor).axes[0])
    return [1, 0, *range(2, rank)] if folded else [*range(1, rank)]


def of_space(net: Growing, ops: Sequence[Op], layer: Layer, rank: int) -> None:
    """Lower a layer of an image: (N, C, W, ...), with `rank` spatial axes."""
    op = ops[0]
    tensor = op.inputs[0]
    if len(op.outputs[0].shape) != len(tensor.shape):
        raise Gap("its result has other axes")
    order = ordered(net, tensor)
    folded = order[:2] == [1, 0]
    if folded:
        layer = with_frames(layer, rank)
    if isinstance(layer, AdaptiveAvgPool | AdaptiveMaxPool) and {*per_axis(layer.output_size, len(order) - 1)} == {1}:
        layer = GLOBAL[layer.type.removeprefix("adaptive_")]()
    layer, value = same_padding(net, tensor, layer, order)
    sizes = [net.shapes[id(op.outputs[0])][axis] for axis in order]
    layer, references = to_size(net, layer, value, sizes) if isinstance(layer, ConvTranspose) else (layer, [])
    made = put(net, op, layer, [value], references=references, sizes=sizes)
    net.give(op.outputs[0], net.laid(made, order, len(tensor.shape)))


def to_size(net: Growing, layer: ConvTranspose, value: int, sizes: Sequence[Size]) -> tuple[Layer, list[int]]:
    """Return a conv_transpose as it is called: with the sides of another value, where torch's output_size gives others than its own."""
    if net.raised or net.gives(layer, [value]) == tuple(sizes):
        return layer, []
    for liked in net.nearest():
        if net.sizes[liked][1:] == tuple(sizes[1:]):
            return layer.replace(like=True), [liked]
    return layer, []


def with_frames(layer: Layer, rank: int) -> Layer:
    """Return a layer for an axis of frames before space, which it treats one by one."""
    if rank >= MOST_SPACE or (not layer.spatial and not isinstance(layer, BatchNorm)):
        raise Gap("frames are folded into the batch")
    neutral = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "output_size": "keep", "scale_factor": 1}
    if "output_padding" in layer.parameters:
        neutral["output_padding"] = 0
    given = {
        name: (neutral[name], *per_axis(value, rank))
        for name, value in vars(layer).items()
        if name in layer.spatial and name in neutral and not isinstance(value, str) and value is not None
    }
    if isinstance(layer, (GlobalAvgPool, GlobalMaxPool)) or "size" in vars(layer):
        raise Gap("frames are folded into the batch")
    return layer.replace(**given)


def same_padding(net: Growing, tensor: Tensor, layer: Layer, order: Sequence[int]) -> tuple[Layer, int]:
    """Return the layer with the padding that its input was given just before, where that is TensorFlow's same."""
    padded = net.view(tensor)
    pending = net.pending.get(padded.value)
    if pending is None:
        return layer, net.plain(tensor, order)[0]
    if [padded.whole(axis) for axis in range(1, len(padded.axes))] != [*range(len(padded.parts))]:
        raise Gap("what is padded is read in another shape")
    view, ends, mode, fill = pending
    rank = len(order) - 1
    axes = layer.axes(rank) if isinstance(layer, Conv | MaxPool | AvgPool) else []
    suits = fill == (float("-inf") if isinstance(layer, MaxPool) else 0) and mode == "constant"
    value = net.settled(view, order)
    if axes and suits and all(axis["padding"] == 0 for axis in axes):
        for word in ("same_upper", "same_lower"):
            if all(
                _same(word, w, before, after, **{k: v for k, v in axis.items() if k != "padding"})
                for axis, w, (before, after) in zip(axes, net.sizes[value][1:], ends, strict=True)
            ):
                given: dict[str, Any] = {"padding": word}
                if isinstance(layer, AvgPool):
                    given["count_include_pad"] = layer.count_include_pad
                return layer.replace(**given), value
    raise Gap("its padding follows no rule")


def _same(  # noqa: PLR0913 -- the quantities of the formula
    word: str, w: Size, before: Size, after: Size, *, kernel_size: int, stride: int, dilation: int = 1
) -> bool:
    """Say whether the cells before and after sides are those of TensorFlow's same padding."""
    for side, a, b in zip(w, before, after, strict=True):
        total = max((-(-side // stride) - 1) * stride + dilation * (kernel_size - 1) + 1 - side, 0)
        if (a, b) != ((total // 2, total - total // 2) if word == "same_upper" else (total - total // 2, total // 2)):
            return False
    return True


def module(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a module that is a layer of an image."""
    op = ops[0]
    if op.layer is None:
        raise Gap("no layer type is such a module")
    of_space(net, ops, op.layer, len(op.inputs[0].shape) - 2)


def function(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a function that is a layer of an image."""
    op = ops[0]
    layer = as_large(net, ops) or within(net, ops) or weighed(net, op, recognized(ops))
    of_space(net, ops, layer, len(op.inputs[0].shape) - 2)


def as_large(net: Growing, ops: Sequence[Op]) -> Layer | None:
    """Return the global pool that a pool is whose window is as large as what enters: avg_pool2d(x, x.size(2)); None for others.

    Where the window is a square and what enters is not, there may be several: `requirements` says so.
    """
    op = ops[0]
    pool = GLOBAL.get(called(op).name)
    if pool is None or not net.followed(op, "kernel_size", 1) or len(op.outputs) != 1:
        return None
    for each in ops:
        sides = each.inputs[0].shape[2:]
        given = called(each).arguments(("kernel_size",))["kernel_size"]
        window = {*given} if isinstance(given, list | tuple) else {given}
        if any(side != 1 for side in each.outputs[0].shape[2:]) or not window <= {*sides}:
            return None
    return pool()


def within(net: Growing, ops: Sequence[Op]) -> Layer | None:
    """Return the adaptive pool that keeps its sides within limits: to (max(h, 7), max(w, 7)); None for others."""
    kind = ADAPTIVE.get(called(ops[0]).name)
    limits = limits_of(net, ops, "output_size") if kind else []
    if kind is None or not limits:
        return None
    fixed = tuple(least if least == most else "keep" for least, most in limits)
    given = {} if {*fixed} == {"keep"} else {"output_size": fixed}
    return kind(
        **given, **_as_settings([pair if one == "keep" else NO_LIMIT for one, pair in zip(fixed, limits, strict=True)])
    )


def limits_of(net: Growing, ops: Sequence[Op], name: str) -> list[tuple[int, int]]:
    """Return the limits within which an argument says that sides stay, by axis; nothing where it does not say so."""
    own, reached = (net.shapes[id(tensor)][2:] for tensor in (ops[0].inputs[0], ops[0].outputs[0]))
    told = next(filter(None, (_told(op, name, len(own)) for op in ops)), [])
    found = []
    for axis, expression in enumerate(told):
        limits = _limits(expression)
        if limits is None or not _is_own(net, expression, own[axis]):
            return []
        if tuple(limited(side, *limits) for side in own[axis]) != reached[axis]:
            return []
        found.append(limits)
    return found


def _told(op: Op, name: str, axes: int) -> list[Expression]:
    """Return the sides that an argument tells, where some are expressions of others; else none."""
    told = called(op).arguments((name,)).get(name)
    sides = [*map(expression_of, told)] if isinstance(told, tuple | list) else [expression_of(told)] * axes
    return sides if len(sides) == axes and any(any(sides_of(side)) for side in sides) else []


def _limits(expression: Expression) -> tuple[int, int] | None:
    """Return the limits within which an expression keeps its one side; None where it does something else."""
    if isinstance(expression, int):
        return expression, expression
    with suppress(ArithmeticError, ValueError, TypeError):
        sides = (*SIDES, LARGEST)
        reached = [_at(expression, side) for side in sides]
        limits = max(reached[0], 1), reached[-1]
        return limits if reached == [limited(side, *limits) for side in sides] else None
    return None


def _as_settings(limits: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """Return limits of axes as at_least and at_most have them."""
    each = zip(("at_least", "at_most"), NO_LIMIT, zip(*limits, strict=True), strict=True)
    return {name: given for name, none, given in each if {*given} != {none}}


def square(op: Op) -> bool:
    """Say whether an operation is a pool with a square window as large as one side: avg_pool2d(x, x.size(2))."""
    if op.call is None or op.call.name not in GLOBAL or len(op.inputs[0].shape) <= BATCHED:
        return False
    window = op.call.arguments(("kernel_size",)).get("kernel_size")
    return not isinstance(window, tuple | list) and any(sides_of(expression_of(window)))


def recognized(ops: Sequence[Op]) -> Layer:
    """Return the one layer that a call is, in all runs."""
    found = [[one.layer for one in layers_of(called(op))] for op in ops]
    if len(found[0]) != 1 or found[0][0] is None or any(one != found[0] for one in found):
        raise Gap("no layer type is such a call")
    layer: Layer = found[0][0]
    return layer


def weighed(net: Growing, op: Op, layer: Layer) -> Layer:
    """Return a layer with a weight as the weight tells: how it is made of parameters, and whether it learns."""
    if not isinstance(layer, Conv | ConvTranspose | Linear):
        return layer
    weight = op.inputs[1]
    if weight.value:
        raise Gap("its weight comes from the input")
    parameters = [name for name in weight.weights if net.recordings[0].weights[name].parameter]
    count = sum(net.recordings[0].weights[name].numel() for name in parameters)
    more = count - prod(weight.shape)
    given: dict[str, Any] = {"learned": bool(parameters), "parametrization": "none"}
    if isinstance(layer, Conv):
        given["gain"] = False
    if more == weight.shape[0] and len(parameters) > 1:
        normed = any(name.endswith(("weight_g", "original0")) for name in parameters)
        given |= {"parametrization": "weight_norm"} if normed or not isinstance(layer, Conv) else {"gain": True}
    elif more and parameters:
        raise Gap("its weight is made of other parameters")
    return layer.replace(**given)


def linear(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    layer = op.layer if op.call is None else weighed(net, op, recognized(ops))
    assert isinstance(layer, Linear)
    of_last(net, op, layer)


def of_last(net: Growing, op: Op, layer: Linear) -> None:
    """Lower a linear layer on the last axis of a tensor, which may be the channels of the value."""
    tensor, rank = op.inputs[0], len(op.inputs[0].shape)
    view = net.view(tensor)
    if any(map(view.repeated, view.axes[-1])):
        raise Gap("its input is repeated")
    at = view.whole(rank - 1)
    alone = sum(map(bool, view.axes)) == 1 < len(view.parts)  # what else the value has are axes of 1
    if at is None or alone or at not in (0, len(view.parts) - 1):
        value, order = net.plain(tensor)
        view = net.laid(value, order, rank)
        at = view.whole(rank - 1)
    if at is None:  # features of 1
        raise Gap("it has one feature")
    sizes = net.sizes[view.value]
    if at == 0 and len(sizes) > 1:
        made = put(net, op, layer.replace(over="channels"), [view.value])
    elif at == len(sizes) - 1:
        made = put(net, op, layer, [view.value])
    else:
        value, order = net.plain(tensor)
        view = net.laid(value, order, rank)
        made = put(net, op, layer, [value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def layer_norm(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    layer = op.layer if op.call is None else recognized(ops)
    assert isinstance(layer, OfShape)
    tensor, rank, axes = op.inputs[0], len(op.inputs[0].shape), len(vars(layer)["normalized_shape"])
    view = net.view(tensor)
    at = view.whole(rank - 1) if axes == 1 else None
    if at is None or at not in (0, len(view.parts) - 1):
        value, order = net.plain(tensor)
        view = net.laid(value, order, rank)
        at = view.whole(rank - 1) if axes == 1 else None
    space = len(view.parts) - 1
    if axes == 1 and not space:
        over = {}
    elif axes == 1 and at == 0:
        over = {"over": "channels"}
    elif axes == 1 and at == space:
        over = {"over": "last"}
    elif axes == space + 1 and axes > 1:
        over = {"over": "all"}
    else:
        raise Gap("it normalises several axes, and not all")
    made = put(net, op, layer.replace(**over), [view.value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def group_norm(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a norm of channels, whose input may have any number of axes."""
    op = ops[0]
    layer = op.layer if op.call is None else recognized(ops)
    tensor = op.inputs[0]
    if layer is None or len(tensor.shape) < 2 or net.view(tensor).axes[0]:  # noqa: PLR2004 -- batch and channels
        if isinstance(layer, BatchNorm):
            of_space(net, ops, layer, len(tensor.shape) - 2)
            return
        raise Gap("frames are folded into the batch")
    value, order = net.plain(tensor, range(1, len(tensor.shape)))
    made = put(net, op, layer, [value])
    net.give(op.outputs[0], net.laid(made, order, len(tensor.shape)))


def each_value(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a layer of each value by itself, whatever the axes."""
    op = ops[0]
    layer = op.layer if op.call is None else recognized(ops)
    assert layer is not None
    pointwise(net, op, layer)


def pointwise(net: Growing, op: Op, layer: Layer) -> None:
    view = net.view(next(tensor for tensor in op.inputs if tensor.value))
    made = put(net, op, layer, [view.value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def dropout(net: Growing, ops: Sequence[Op]) -> None:
    """Keep a module that drops something in training; in evaluation it changes nothing."""
    if ops[0].layer is None or ops[0].call is not None or not getattr(ops[0].layer, "p", 0):
        keep(net, ops)
    else:
        pointwise(net, ops[0], ops[0].layer)


def over_axis(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a softmax, or another layer along one axis."""
    op = ops[0]
    tensor, rank = op.inputs[0], len(op.inputs[0].shape)
    if op.call is None:
        layer = op.layer
        dim = getattr(layer, "dim", None)
    else:
        layer = {"softmax": Softmax, "log_softmax": LogSoftmax, "softmin": Softmin}[called(op).name](dim=1)
        dim = called(op).arguments(("dim",)).get("dim")
    if layer is None or not isinstance(dim, int):
        raise Gap("its axis is not said")
    axis = dim % rank
    if not net.view(tensor).axes[axis]:
        raise Gap("it is along the batch")
    view = net.with_whole(tensor, axis)
    at = view.whole(axis)
    assert at is not None
    made = put(net, op, layer.replace(dim=at + 1), [view.value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def along_last(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a layer whose result has the axes of what enters, and one more: the rows of a table that numbers name."""
    op = ops[0]
    layer = op.layer if op.call is None else recognized(ops)
    if layer is None:
        raise Gap("no layer type is such a call")
    tensor, rank = op.inputs[0], len(op.outputs[0].shape)
    value, order = net.plain(tensor)
    made = put(net, op, layer, [value])
    net.give(op.outputs[0], net.laid(made, [*order, rank - 1], rank))


def windows(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a layer that lays windows out, or puts them back, or a tensor's own unfold along an axis."""
    op = ops[0]
    tensor, rank = op.inputs[0], len(op.outputs[0].shape)
    if op.call is not None and op.call.name != Fold.type and rank > len(tensor.shape):
        along_axis(net, op)
        return
    layer: Any = op.layer if op.call is None else _windowed(ops)
    order = ordered(net, tensor)
    if layer is None or order[:1] != [1]:
        raise Gap("no layer type is such a call")
    if order[:2] == [1, 0]:
        raise Gap("frames are folded into the batch")
    value, _ = net.plain(tensor, order)
    references: list[int] = []
    if isinstance(layer, Fold):
        sides = net.shapes[id(op.outputs[0])][2:]
        if not all(map(constant, sides)):
            references = [next((v for v in net.nearest() if net.sizes[v][1:] == tuple(sides)), 0)]
            kept = {name: given for name, given in vars(layer)["_settings"].items() if name != "output_size"}
            layer = Fold(like=True, **kept)
        if references == [0]:
            raise Gap("its sides follow from no other value")
    made = put(net, op, layer, [value], references=references)
    net.give(op.outputs[0], net.laid(made, range(1, rank), rank))


def _windowed(ops: Sequence[Op]) -> Layer:
    """Return the layer of a call, whose image may be told by other sizes in each run."""
    given = [called(each).arguments(("output_size", "kernel_size", "dilation", "padding", "stride")) for each in ops]
    if called(ops[0]).name == Fold.type:
        return Fold.of_torch(given[0])
    return recognized(ops)


def along_axis(net: Growing, op: Op) -> None:
    """Lower a tensor's own unfold: windows of one axis, whose cells are a last axis."""
    rank = len(op.inputs[0].shape)
    given = called(op).arguments(("dimension", "size", "step"))
    view = net.with_whole(op.inputs[0], given["dimension"] % rank)
    at = view.whole(given["dimension"] % rank)
    if at is None or any(any(sides_of(expression_of(given[name]))) for name in ("size", "step")):
        raise Gap("its axis is not one")
    made = put(net, op, Windows(dim=at + 1, size=int(given["size"]), step=int(given["step"])), [view.value])
    new = whole_view(made, net.sizes[made])
    where = {parts: new.parts[place] for place, parts in enumerate(view.parts)}
    net.give(op.outputs[0], new.with_axes([*(where.get(parts, ()) for parts in view.axes), new.parts[-1]]))


def glu(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    rank = len(op.inputs[0].shape)
    dim = getattr(op.layer, "dim", -1) if op.call is None else called(op).arguments(("dim",)).get("dim", -1)
    view = net.with_whole(op.inputs[0], dim % rank)
    at = view.whole(dim % rank)
    if at is None:
        raise Gap("its axis is not one")
    from cnnshape.layers.activation import GLU

    made = put(net, op, GLU(dim=at + 1), [view.value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def prelu(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    if op.call is not None:
        raise Gap("its slopes are told")
    value, order = net.plain(op.inputs[0])
    made = put(net, op, op.layer, [value])
    net.give(op.outputs[0], net.laid(made, order, len(op.inputs[0].shape)))


def stated(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a module of all axes but the batch, which stays the first."""
    op = ops[0]
    if op.layer is None:
        raise Gap("no layer type is such a module")
    value, _ = net.plain(op.inputs[0])
    made = put(net, op, op.layer, [value])
    rank = len(op.outputs[0].shape)
    net.give(op.outputs[0], net.laid(made, [*range(1, rank)], rank))


def flat(net: Growing, ops: Sequence[Op]) -> None:
    reshape(net, ops)


def reduce(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a mean, sum or maximum over some axes: of all of space, a global pool."""
    op = ops[0]
    how = next(how for how, names in HOW.items() if called(op).name in names)
    names = {"std": "dim correction keepdim", "var": "dim correction keepdim", "norm": "p dim keepdim"}.get(how)
    given = called(op).arguments((names or "dim keepdim").split())
    rank = len(op.inputs[0].shape)
    dims = given.get("dim", given.get("axis"))
    if dims is None or (isinstance(dims, tuple | list) and not dims):
        raise Gap("it makes one number of the whole batch")
    axes = sorted({axis % rank for axis in ([dims] if isinstance(dims, int) else dims)})
    keepdim = len(op.outputs[0].shape) == rank and rank > 0
    pool_of(net, op, how, axes, keepdim=keepdim)


def with_mean(net: Growing, ops: Sequence[Op]) -> None:
    """Lower torch.std_mean or var_mean: two reductions of one tensor over some axes."""
    op = ops[0]
    given = called(op).arguments(("dim", "correction", "keepdim"))
    dims, rank = given.get("dim"), len(op.inputs[0].shape)
    if dims is None:
        raise Gap("it makes one number of the whole batch")
    axes = sorted({axis % rank for axis in ([dims] if isinstance(dims, int) else dims)})
    for how, output in zip((called(op).name.partition("_")[0], "mean"), op.outputs, strict=True):
        if output.value in net.read:
            pool_of(net, op._replace(outputs=(output,)), how, axes, keepdim=len(output.shape) == rank)


def pool_of(net: Growing, op: Op, how: str, axes: Sequence[int], *, keepdim: bool) -> None:
    """Lower a reduction of the first tensor over axes."""
    tensor = op.inputs[0]
    view = net.view(tensor)
    found = [view.wholes(axis) for axis in axes]
    if any(each is None for each in found) or any(map(view.repeated, (p for a in view.axes for p in a))):
        value, order = net.plain(tensor)
        view = net.laid(value, order, len(tensor.shape))
        found = [view.wholes(axis) for axis in axes]
    gone = {at for each in found for at in each or ()}
    left = [() if axis in axes else parts for axis, parts in enumerate(view.axes)]
    if not keepdim:
        left = [parts for axis, parts in enumerate(left) if axis not in axes]
    if not gone and how in {"mean", "sum", "max", "min"}:
        net.give(op.outputs[0], view.with_axes(left))
        return
    space = {*range(1, len(view.parts))}
    wide = {axis for axis in space if not is_one(net.sizes[view.value][axis])}
    pool = {"mean": GlobalAvgPool, "max": GlobalMaxPool}.get(how)
    if pool and gone and wide <= gone <= space and len(space) <= MOST_SPACE:
        made = put(net, op, pool(), [view.value])
        new = whole_view(made, net.sizes[made])
        where = {parts: new.parts[at] for at, parts in enumerate(view.parts)}
        axes_left = [where.get(parts, ()) for parts in left]
        net.give(op.outputs[0], new.with_axes(axes_left))
        return
    made = put(net, op, Reduce(how=how, dim=tuple(sorted(at + 1 for at in gone)), keepdim=False), [view.value])
    parts = tuple(each for at, each in enumerate(view.parts) if at not in gone)
    net.give(op.outputs[0], View(made, parts, tuple(left), view.sizes))


def upsample(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a resize: by a factor, to a number, or to the sides of another value."""
    op = ops[0]
    tensor, output = op.inputs[0], op.outputs[0]
    if op.call is None:
        layer = op.layer
    else:
        names = ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor", "antialias")
        told = {name: one for name, one in called(op).arguments(names).items() if one is not None}
        told.pop("antialias", None)
        layer = Upsample.of_torch({"mode": "nearest"} | told)
    assert layer is not None
    if layer.mode not in MODES:  # torch's modules have align_corners whatever the mode
        layer = type(layer)(**{key: one for key, one in vars(layer)["_settings"].items() if key != "align_corners"})
    rank = len(tensor.shape) - 2
    order = ordered(net, tensor)
    if order[:2] == [1, 0]:
        layer = with_frames(layer, rank)
    value, _ = net.plain(tensor, order)
    sizes = [net.shapes[id(output)][axis] for axis in order]
    references: list[int] = []
    if layer.size is not None:
        layer, references = resized(net, ops, layer, value, tuple(sizes[1:]))
    made = put(net, op, layer, [value], references=references, sizes=sizes)
    net.give(output, net.laid(made, order, len(tensor.shape)))


def resized(net: Growing, ops: Sequence[Op], layer: Upsample, value: int, sides: Any) -> tuple[Upsample, list[int]]:
    """Return a resize to sides, by what they follow from."""
    op = ops[0]
    kept = {name: one for name, one in vars(layer)["_settings"].items() if name != "size"}
    followed = net.followed(op, "size", 1)
    if not followed and all(map(constant, sides)):
        return layer, []
    own = net.sizes[value][1:]
    if followed:
        liked = next((v for v in followed if net.sizes[v][1:] == sides), None)
        if liked is not None and liked != value:
            return Upsample(like=True, **kept), [liked]
    factor = by_rule(op)
    if factor:
        return Upsample(**factor, **kept), []
    limits = limits_of(net, ops, "size")
    if any(pair != NO_LIMIT for pair in limits):  # which perhaps no run reaches
        return Upsample(**_as_settings(limits), **kept), []
    factors = {
        tuple(out / w for out, w in zip(after, before, strict=True)) for after, before in zip(sides, own, strict=True)
    }
    if len(factors) == 1 and len(first := {*factors.pop()}) == 1:
        factor = first.pop()
        if factor * 4 == int(factor * 4) and not _otherwise(net, op, own, factor):
            return Upsample(scale_factor=int(factor) if factor == int(factor) else factor, **kept), []
    for liked in net.nearest():
        if net.sizes[liked][1:] == sides:
            return Upsample(like=True, **kept), [liked]
    told = next(filter(None, map(by_sides, ops)), [])  # a run without the resize has numbers
    rules = [partial(_at, side) for side in told] if len(told) == len(own) else [None] * len(own)
    multiples = [_multiple(*axis) for axis in zip(own, sides, rules, strict=True)]
    if all(multiples):  # a resize has no word for it, and a padding has
        multiple = multiples[0] if len({*multiples}) == 1 else tuple(multiples)
        return Upsample(like=True, **kept), [net.add(Pad(multiple=multiple), [value])]
    scaled = None if _otherwise(net, op, own) else net.scaled_input(sides)
    if scaled is None:
        raise Gap("its sides follow from no other value")
    return Upsample(like=True, **kept), [scaled]


def _otherwise(net: Growing, op: Op, own: Sequence[Size], factor: float = 0) -> bool:
    """Say whether a resize is told its sides as expressions of its own, which are not these times a factor."""
    told = by_sides(op)
    if len(told) != len(own) or not all(_is_own(net, side, size) for side, size in zip(told, own, strict=True)):
        return False
    with suppress(ArithmeticError, ValueError, TypeError):
        return any(int(_at(side, w)) != int(w * factor) for side in told for w in (*SIDES, 2**40))
    return True


def _is_own(net: Growing, expression: Expression, own: Size) -> bool:
    """Say whether an expression is one of a side alone, or of sides that are as large in all runs."""
    with suppress(LookupError):
        return all(net.views[side.value].size(side.axis) == own for side in sides_of(expression))
    return False


def by_rule(op: Op) -> dict[str, Any] | None:
    """Return the part of its own sides that a resize gives, rounded down, perhaps to a number at least: size=(h // 2, w // 2)."""
    sides = by_sides(op)
    if {side.value for expression in sides for side in sides_of(expression)} != {op.inputs[0].value}:
        return None
    for n in PARTS:
        reached = [[int(_at(side, w)) for w in GRID] for side in sides]
        if all(each == [w // n for w in GRID] for each in reached):
            return {"scale_factor": 1 / n}
        least = reached[0][0]
        if 0 < least < SIDES[-1] // n and all(_at(side, w) == max(w // n, least) for side in sides for w in SIDES):
            return {"scale_factor": 1 / n, "at_least": least}
    return None


def by_sides(op: Op) -> list[Expression]:
    """Return the sides that a resize is told, where each is an expression of one side of its axis; else none."""
    told = op.call.arguments(("size",)).get("size") if op.call else None
    sides = [*map(expression_of, told)] if isinstance(told, tuple | list) else []
    read = [{*sides_of(side)} for side in sides]
    if [[side.axis for side in each] for each in read] == [[axis] for axis in range(2, len(op.inputs[0].shape))]:
        with suppress(ArithmeticError, ValueError, TypeError):
            return sides if [_at(side, w) for side in sides for w in GRID] else []
    return []


def pad(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a padding: of numbers, or to the sides of another value, or as a window behind it needs."""
    op = ops[0]
    if op.call is None:
        module(net, ops)
        return
    given = [called(each).arguments(("pad", "mode", "value")) for each in ops]
    tensor, rank = op.inputs[0], len(op.inputs[0].shape)
    if any(isinstance(number, Tensor) for number in given[0]["pad"]):
        raise Gap("its cells are told by tensors")
    flat_ends = [tuple(int(n) for n in each["pad"]) for each in given]
    pairs: dict[int, tuple[Size, Size]] = {}
    varied = {rank - 1 - place: rule for place, rule in _rules(net, ops)}
    for place in range(len(flat_ends[0]) // 2):
        before, after = (tuple(each[2 * place + end] for each in flat_ends) for end in (0, 1))
        if any(before) or any(after) or rank - 1 - place in varied:
            pairs[rank - 1 - place] = (before, after)
    mode, fill = given[0].get("mode") or "constant", given[0].get("value") or 0.0
    if not pairs:
        keep(net, ops)
        return
    view = net.view(tensor)
    behind_one = view.axes[1:2] == ((),)  # a channel that its value has no axis for: sides stand in front there
    if any(view.whole(axis) is None or (behind_one and view.whole(axis) == 0) for axis in pairs):
        value, order = net.plain(tensor)
        view = net.laid(value, order, rank)
    if varied and any(view.whole(axis) == 0 for axis in pairs):  # channels are last
        view = net.led(tensor, pairs)
    wholes = {view.whole(axis): ends for axis, ends in pairs.items()}
    if None in wholes:
        raise Gap("an axis of 1 is padded")
    target = [
        tuple(w + b + a for w, b, a in zip(size, *wholes.get(axis, ((0,) * len(size),) * 2), strict=True))
        for axis, size in enumerate(net.sizes[view.value])
    ]
    words = {"mode": mode} | ({"value": float(fill)} if fill else {})
    if all(constant(size) for ends in wholes.values() for size in ends) and not varied:
        _by_numbers(net, op, view, wholes, words)
        return
    rules = {view.whole(axis): rule for axis, rule in varied.items()}
    layer, references = padded_like(net, op, view.value, target, wholes, rules)
    if layer is None:
        sides = [wholes.get(axis, ((0,) * view.runs(),) * 2) for axis in range(1, len(view.parts))]
        image = not view.axes[0] and 0 not in wholes and all(view.whole(axis) == axis - 1 for axis in range(1, rank))
        if image and op.outputs[0].value not in net.returned:  # a window behind it may say why
            net.wait(op.outputs[0], tuple(target), Waiting(view, sides, mode, fill))
        elif len(net.recordings) == 1:  # of a model that takes its declared size alone
            _by_numbers(net, op, view, wholes, words)
        else:
            raise Gap("its padding follows from no other value")
        return
    made = put(net, op, layer.replace(**words), [view.value], references=references)
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def _by_numbers(
    net: Growing, op: Op, view: View, ends: Mapping[int | None, tuple[Size, Size]], words: dict[str, Any]
) -> None:
    """Lower a padding of as many cells as in the first run before and after axes of a value."""
    numbers = [tuple(end[0] for end in ends.get(axis, ((0,), (0,)))) for axis in range(len(view.parts))]
    channels = {"channels": numbers[0]} if any(numbers[0]) else {}
    if len(numbers) == 1 or any(n < 0 for n in numbers[0]) or (channels and words["mode"] != "constant"):
        raise Gap("channels are padded")
    made = put(net, op, Pad(padding=tuple(numbers[1:]), **channels, **words), [view.value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def padded_like(  # noqa: PLR0913, PLR0917 -- what is known of a padding
    net: Growing,
    op: Op,
    value: int,
    target: Sequence[Size],
    ends: dict[Any, tuple[Size, Size]],
    rules: Mapping[Any, Padded],
) -> tuple[Pad | None, list[int]]:
    """Return a padding to the sides of another value, or to multiples of numbers; None where it is neither.

    `rules` have the sides that axes get for their own, where expressions tell.
    """
    size = net.sizes[value]
    centred = all(
        before == tuple((t - w) // 2 for t, w in zip(target[axis], size[axis], strict=True))
        for axis, (before, _) in ends.items()
    )
    behind = all(not any(before) for before, _ in ends.values())
    if 0 in ends:
        return None, []
    if centred and not rules:
        for liked in net.followed(op, "pad", 1):
            if net.sizes[liked][1:] == tuple(target[1:]):
                return Pad(like=True), [liked]
    if centred or behind:
        if least := _to_least(rules, [*ends], len(size)):
            return least, []
        found = [
            _multiple(size[axis], target[axis], rules[axis].reached if axis in rules else None)
            for axis in range(1, len(size))
        ]
        if all(found):
            where = {} if behind else {"where": "both"}
            return Pad(multiple=found[0] if len({*found}) == 1 else tuple(found), **where), []
    if centred and not rules:
        for liked in reversed(range(1, len(net.sizes))):
            if net.sizes[liked][1:] == tuple(target[1:]) and liked != value:
                return Pad(like=True), [liked]
    return None, []


def _to_least(rules: Mapping[Any, Padded], padded: Sequence[Any], count: int) -> Pad | None:
    """Return a padding of smaller sides to numbers, where the rules of all `padded` axes are that; None where not."""
    least = tuple(rules[axis].least() if axis in rules else 0 for axis in range(1, count))
    wheres = {rule.where() for rule in rules.values()} if rules else {""}
    where = wheres.pop()
    if wheres or not where or not all(least[axis - 1] for axis in padded):
        return None
    return Pad(at_least=tuple(n or 1 for n in least), **({"where": "both"} if where == "both" else {}))


def _multiple(sides: Size, padded: Size, rule: Rule | None) -> int:
    """Return the number to whose multiples sides are padded, 1 where they stay; 0 for none.

    Few runs may suit many numbers. A rule tells which; where it gives other sides than a run, the code pads at some sizes only.
    """
    at_times = rule is not None and any(rule(w) != t for w, t in zip(sides, padded, strict=True))
    for n in GRID if rule else (1, *MULTIPLES):
        if all(t == -(-w // n) * n for w, t in zip(sides, padded, strict=True)) and (
            rule is None or all(rule(w) == -(-w // n) * n or (at_times and w % n == 0) for w in GRID)
        ):
            return n
    return 0


def _rules(net: Growing, ops: Sequence[Op]) -> Iterator[tuple[int, Padded]]:
    """Yield the axes, from the last, whose padding is an expression of their own side in a run, and the side that they get."""
    places = [[*map(expression_of, called(op).arguments(("pad",))["pad"])] for op in ops]
    sizes = net.shapes[id(ops[0].inputs[0])][::-1]
    for place in range(len(places[0]) // 2):
        for ends in (numbers[2 * place : 2 * place + 2] for numbers in places):
            before, after = (_of_own(net, end, sizes[place]) for end in ends)
            rule = Padded(before, after)
            with suppress(ArithmeticError, ValueError, TypeError):
                if len({*sides_of(before), *sides_of(after)}) == 1 and tuple(map(rule.reached, GRID)) != GRID:
                    yield place, rule
                    break


def _of_own(net: Growing, expression: Expression, own: Size) -> Expression:
    """Return an expression in which a part that has the sizes of an axis in all runs is one side: image.shape[2] // 4 of its tokens."""
    with suppress(ArithmeticError, ValueError, TypeError, LookupError):
        sizes = {side: net.views[side.value].size(side.axis) for side in sides_of(expression)}
        runs = [{side: size[run] for side, size in sizes.items()} for run in range(len(own))]
        if sizes and all(evaluated(expression, run.__getitem__) == size for run, size in zip(runs, own, strict=True)):
            return SideOf(0, 0)
    if isinstance(expression, Operation):
        return Operation(expression.sign, tuple(_of_own(net, term, own) for term in expression.terms))
    return expression


class Padded(NamedTuple):
    """The cells that are added to a side, as expressions of it."""

    before: Expression
    after: Expression

    def reached(self, side: int) -> int:
        """Return the side that comes out."""
        return int(side + _at(self.before, side) + _at(self.after, side))

    def least(self) -> int:
        """Return the number to which smaller sides are padded, 0 for another rule."""
        least = self.reached(1)
        return least if least > 1 and all(self.reached(side) == max(side, least) for side in SIDES) else 0

    def where(self) -> str:
        """Return the ends at which the cells are added, "" for another rule."""
        cells = [(self.reached(side) - side, _at(self.before, side)) for side in SIDES]
        return (
            "after" if not any(before for _, before in cells) else "both" if all(n // 2 == b for n, b in cells) else ""
        )


def _at(expression: Expression, side: int) -> Any:
    return evaluated(expression, lambda _: side)


def recurrent(net: Growing, ops: Sequence[Op]) -> None:
    """Lower an LSTM, GRU or RNN: its sequence, and the states in which it ends."""
    op = ops[0]
    layer, (tensor, *states) = op.layer, op.inputs
    if layer is None or len(tensor.shape) != BATCHED or any(state.value or state.weights for state in states):
        raise Gap("it begins with states that the net computes or learns, or has a packed sequence")
    time, features = (0, 2) if tensor.batch == 1 else (1, 2)
    view = net.view(tensor)
    if view.axes[1 - time] or view.whole(time) is None or view.whole(features) is None or len(view.parts) != 2:  # noqa: PLR2004
        value, order = net.plain(tensor, [time, features])
        view = net.laid(value, order, BATCHED)
    over = view.whole(time)
    assert over is not None
    layer, states = layer.replace(over=over + 1), [tensor for tensor in op.outputs[1:2] if tensor.value in net.read]
    if states and op.outputs[0].value not in net.read:
        last = put(net, op, layer.replace(returns="last"), [view.value])
    else:
        made = put(net, op, layer, [view.value])
        sequence = [() if axis not in (time, features) else view.axes[axis] for axis in range(BATCHED)]
        net.give(op.outputs[0], view.with_axes(sequence).of(made, net.sizes[made]))
        if not states:
            return
        last = _ends(net, op, layer, made)
    of_layer = 2 if layer.bidirectional else 1
    layers, *state = net.shapes[id(states[0])]
    top = Tensor(-1, (of_layer, *(size[0] for size in state)), tensor.batch)
    net.views[-1] = whole_view(last, net.sizes[last])
    net.final[states[0].value] = net.reshape(top, ((of_layer,) * len(layers), *state))
    if layer.num_layers == 1:
        net.give(states[0], net.final[states[0].value])


def _ends(net: Growing, op: Op, layer: Any, sequence: int) -> int:
    """Return the states in which the directions of a recurrent layer end, as parts of its sequence."""
    time, features, width, name = layer.over, 3 - layer.over, layer.hidden_size, f"{op.path}_last"
    if not layer.bidirectional:
        return net.add(Select(dim=time, index=-1), [sequence], path=name)
    ways = {"forward": ({"stop": width}, -1), "backward": ({"start": width}, 0)}
    ends = []
    for way, (part, end) in ways.items():
        states = net.add(Slice(dim=features, **part), [sequence], path=f"{op.path}_{way}")
        ends.append(net.add(Select(dim=time, index=end), [states], path=f"{name}_{way}"))
    return net.add(Concat(), ends, path=name)


def attention(net: Growing, ops: Sequence[Op]) -> None:
    """Lower torch's multi-head attention of a sequence to itself."""
    op = ops[0]
    if op.layer is None or len({tensor.value for tensor in op.inputs[:3] if tensor.value}) != 1:
        raise Gap("it attends to another sequence")
    tensor, rank = op.inputs[0], len(op.inputs[0].shape)
    view = net.view(tensor)
    if view.whole(rank - 1) is None:
        value, order = net.plain(tensor)
        view = net.laid(value, order, rank)
    at = view.whole(rank - 1)
    over = tuple(axis + 1 for axis in range(len(view.parts)) if axis != at)
    if at is None or not over or len([parts for parts in view.axes if parts]) != 2:  # noqa: PLR2004 -- a sequence
        raise Gap("windows are folded into the batch")
    made = put(net, op, op.layer.replace(over=over), [view.value])
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def unpool(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a max_unpool, whose indices a max_pool gave."""
    op = ops[0]
    layer = op.layer if op.call is None else recognized([_without(each, "output_size") for each in ops])
    indices = op.inputs[1] if len(op.inputs) > 1 else None
    pool = net.pools.get(indices.value) if indices is not None else None
    if not isinstance(layer, MaxUnpool) or pool is None:
        raise Gap("no max_pool gave its indices")
    value, order = net.plain(op.inputs[0], ordered(net, op.inputs[0]))
    entered, of = pool
    told = {k: v for k, v in vars(layer)["_settings"].items() if k in {"kernel_size", "stride", "padding"}}
    told = {k: v for k, v in told.items() if v != getattr(of, k, None)}
    layer = MaxUnpool(indices=of, **told)
    sides = [net.shapes[id(op.outputs[0])][axis] for axis in order]
    if tuple(sides[1:]) != net.sizes[entered][1:]:
        layer = layer.replace(output_size="default")
    # where the largest index would be no cell of the result, it refuses sizes that torch may take
    made = put(net, op, layer, [value], references=[entered], sizes=sides, loose=True)
    net.give(op.outputs[0], net.laid(made, order, len(op.inputs[0].shape)))


def _without(op: Op, name: str) -> Op:
    """Return an operation whose call is not told a setting by its name."""
    call = called(op)
    return op._replace(call=call._replace(kwargs={key: value for key, value in call.kwargs.items() if key != name}))


def max_pool(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a max_pool, and keep what a max_unpool must know of it."""
    op, mark = ops[0], net.mark()
    (module if op.call is None else function)(net, ops)
    view = net.view(op.outputs[0])
    if len(op.outputs) > 1:
        node = net.nodes[view.value - net.inputs]
        there = [one.layer == node.layer and one.inputs == node.inputs for one in net.nodes].index(True)
        if op.outputs[0].value not in net.read and there < mark.nodes:  # it runs once more, for its indices
            net.back_to(mark)
            net.views[op.outputs[0].value] = view._replace(value=net.inputs + there)
        net.pools[op.outputs[1].value] = (node.inputs[0], node.layer)


LAYERS: Final[dict[str, Callable[[Growing, Sequence[Op]], None]]] = {
    "linear": linear,
    "layer_norm": layer_norm,
    "rms_norm": layer_norm,
    "embedding": along_last,
    **dict.fromkeys(("unfold", "fold"), windows),
    **dict.fromkeys(("batch_norm", "group_norm", "instance_norm"), group_norm),
    **dict.fromkeys(("dropout", "identity"), dropout),
    **dict.fromkeys(("softmax", "log_softmax", "softmin"), over_axis),
    "glu": glu,
    "prelu": prelu,
    **dict.fromkeys(("flatten", "unflatten"), flat),
    "reshape": stated,
    "upsample": upsample,
    "interpolate": upsample,
    "pad": pad,
    **dict.fromkeys(("lstm", "gru", "rnn"), recurrent),
    "attention": attention,
    "max_unpool": unpool,
    "max_pool": max_pool,
    **dict.fromkeys(("std_mean", "var_mean"), with_mean),
    **dict.fromkeys((name for names in HOW.values() for name in names), reduce),
}
