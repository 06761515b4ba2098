"""Operations that no layer type says: one opaque layer each, whose sides follow the input's where all runs say so."""

from __future__ import annotations

from math import prod
from operator import add
from typing import TYPE_CHECKING, Any, Final

from cnnshape.convert.growing import Carried, Gap, Growing, constant, spread
from cnnshape.convert.views import unrepeated
from cnnshape.convert.windows import owner
from cnnshape.layers.recurrent import Recurrent
from cnnshape.layers.stated import Opaque
from cnnshape.numbers.formula import AXES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.compare.recording import Op, Tensor
    from cnnshape.convert.views import Size, Sizes, View

NUMBERS: Final = ("float", "bfloat", "complex")  # the beginnings of the types that hold values


def opaque(net: Growing, ops: Sequence[Op]) -> None:
    """Lower an operation as opaque: each of its results that is read."""
    op = ops[0]
    alive = [tensor for tensor in op.inputs if tensor.value in net.views]
    results = [tensor for tensor in op.outputs if tensor.value in net.read and tensor.shape]
    results = results or [*op.outputs[:1]]
    count = net.fresh([*dict.fromkeys([*op.weights, *carried_by(net, op.inputs)])])
    macs = taken(net, ops)
    for output in results:
        one(net, ops, alive, output, count=count, macs=macs)
        count, macs = 0, (0,) * len(ops)  # once


def further(net: Growing, ops: Sequence[Op]) -> None:
    """Lower the results of a layer that are read and that its type does not give: indices of a maximum, states of an LSTM."""
    op = ops[0]
    left = [t for t in op.outputs[1:] if t.value in net.read and t.value not in net.views]
    for output in left:
        if output.value in net.returned or output.value not in net.pools:
            alive = [tensor for tensor in op.inputs if tensor.value in net.views]
            one(net, ops, alive, output, count=0, macs=(0,) * len(ops), name=_further(op, output))


def _further(op: Op, output: Tensor) -> str:
    """Return the name of a result that stands beside a layer's own."""
    if "int" in output.dtype:
        return "indices"
    return {1: "hidden", 2: "cell"}[op.outputs.index(output)] if isinstance(op.layer, Recurrent) else op.type


def taken(net: Growing, ops: Sequence[Op]) -> Size:
    """Return the multiply-accumulates of an operation in each run, with those of what enters and has no layer."""
    macs = tuple(_macs(each, net) for each in ops)
    for tensor in ops[0].inputs:
        if tensor.value in net.carried:
            macs = tuple(map(add, macs, net.carried[tensor.value].take()))
    return macs


def carry(net: Growing, ops: Sequence[Op]) -> None:
    """Note the weights and multiply-accumulates of an operation on what only has shapes of the input, as a grid of places."""
    op, macs = ops[0], taken(net, ops)
    names = tuple(dict.fromkeys([*op.weights, *carried_by(net, op.inputs)]))
    for output in op.outputs:
        net.carried[output.value] = Carried(names, [macs])


def carried_by(net: Growing, tensors: Sequence[Tensor]) -> list[str]:
    """Return the weights that tensors without a view are made of."""
    return [name for tensor in tensors if tensor.value in net.carried for name in net.carried[tensor.value].weights]


def one(  # noqa: PLR0913 -- what an opaque layer has
    net: Growing, ops: Sequence[Op], alive: Sequence[Tensor], output: Tensor, *, count: int, macs: Size, name: str = ""
) -> None:
    """Lower one result of an operation; `name`: one that stands beside the layer's own."""
    op, target = ops[0], net.shapes[id(output)]
    if 0 in output.shape:
        raise Gap(f"{op.name} gives no elements, {'x'.join(map(str, output.shape[1:]))}{net.place()}")
    unique = [*{tensor.value: tensor for tensor in alive}.values()]
    first = next((t for t in unique if net.shapes[id(t)] == target), unique[0])
    path = op.path if op.call is None and op.path else owner(net, op)
    path = f"{path}_{name}" if path and name else path
    name = name or (op.call.name if op.call else op.type) or "opaque"
    if len(unique) == 1 and net.shapes[id(first)] == target and not _loose(net, first):
        view = _led(net, first)
        x = net.sizes[view.value]
        layer = Opaque(out_shape="keep", **_figures(count, macs, x))
        net.give(output, view.of(net.add(layer, [view.value], name, path=path, sizes=x, loose=True, anew=True), x))
        return
    unique = [first, *(tensor for tensor in unique if tensor is not first)]
    order = _order(output, target)
    if count and not _loose(net, first):
        values, order = [_led(net, first).value, *_entering(net, unique[1:])], _staying(order, target)
    else:
        values = _entering(net, unique)
    x, sizes = net.sizes[values[0]], tuple(target[axis] for axis in order)
    shape = out_shape(x, sizes)
    layer = Opaque(out_shape=shape, **_figures(count, macs, x))
    made = net.add(layer, values, name, path=path, sizes=sizes, loose=True, anew=True)
    net.give(output, net.laid(made, order, len(target)))


def _led(net: Growing, tensor: Tensor) -> View:
    """Return a view of a tensor whose value begins with an axis that stays, if there is one: an opaque layer takes one number of channels."""
    view = net.view(tensor)
    axes = spread([view], [axis for axis, parts in enumerate(view.axes) if parts])
    order = _staying(axes, [view.size(axis) for axis in range(len(view.axes))])
    if order == axes or all(map(constant, net.sizes[view.value][:1])):
        return view
    return net.laid(net.settled(view, order), order, len(view.axes))


def _staying(order: Sequence[int], sizes: Sequence[Size]) -> list[int]:
    """Return axes with the first that is the same at all sizes in front, if there is one."""
    stays = next((axis for axis in order if constant(sizes[axis])), None)
    return [*order] if stays is None else [stays, *(axis for axis in order if axis != stays)]


def _entering(net: Growing, tensors: Sequence[Tensor]) -> list[int]:
    """Return the values of tensors: behind the others, and as they were before, those whose shape no layer gives at all sizes."""
    found, others = list[int](), list[int]()
    for tensor in tensors:
        mark = net.mark()
        try:
            found.append(value_of(net, tensor))
        except Gap:
            net.back_to(mark)
            others.append(net.view(tensor).value)
    return [*found, *others]


def _loose(net: Growing, tensor: Tensor) -> bool:
    """Say whether a view has no value of its own shape: axes are repeated, or wait for a padding."""
    view = net.view(tensor)
    return view.value in net.pending or any(view.repeated(part) for parts in view.axes for part in parts)


def value_of(net: Growing, tensor: Tensor) -> int:
    """Return a value with the axes of a tensor, but for the batch; of one that is repeated, as it is before."""
    view = net.view(tensor)
    if view.value in net.pending:
        return net.pending[view.value].view.value
    return net.settled(unrepeated(view), net.natural(tensor))


def _order(output: Tensor, target: Sizes) -> list[int]:
    """Return the axes of a result but for the batch."""
    batch = output.batch if output.batch is not None else 0
    axes = [*range(len(target))]
    if batch < len(axes) and all(n == 1 for n in target[batch]):
        axes.remove(batch)
    return axes


def out_shape(x: Sizes, y: Sizes) -> Any:
    """Return the shape of a result for what enters: kept, a number, a formula over the axes."""
    if x == y:
        return "keep"
    names = AXES.get(len(x) - 1, ())
    entries = tuple(_entry(axis, size, x, names, y[1:]) for axis, size in enumerate(y))
    if all(map(constant, x[:1])):
        return entries
    # the first axis varies, and "keep" is for as many channels as were seen
    return tuple(names[axis] if entry == "keep" and names else entry for axis, entry in enumerate(entries))


def _entry(axis: int, size: Size, x: Sizes, names: Sequence[str], sides: Sizes) -> Any:
    if constant(size):  # a number of channels, or of a side: the same at all sizes, where what enters has others
        same = (axis or not sides) and not all(map(constant, x))
        return str(size[0]) if same else size[0]
    if axis < len(x) and x[axis] == size:
        return "keep"
    return next(_formulas(size, x, names, axis), size[0])


def _formulas(size: Size, x: Sizes, names: Sequence[str], own: int) -> Iterator[str]:
    """Yield formulas over the axes that give a size in all runs, those over its `own` axis first."""
    for name, side in sorted(zip(names, x, strict=False), key=lambda each: each[0] != names[min(own, len(names) - 1)]):
        if constant(side):
            continue
        more = {out - w for out, w in zip(size, side, strict=True)}
        if len(more) == 1:
            by = more.pop()
            yield f"{name} + {by}" if by > 0 else f"{name} - {-by}" if by else name
        for factor in (2, 3, 4, 8, 16, 32):
            if all(out == w * factor for out, w in zip(size, side, strict=True)):
                yield f"{name}*{factor}"
            if all(out == w // factor for out, w in zip(size, side, strict=True)):
                yield f"{name}//{factor}"
            if all(out == -(-w // factor) for out, w in zip(size, side, strict=True)):
                yield f"({name} + {factor - 1})//{factor}"
    if len(names) > 2 and all(out == a * b for out, a, b in zip(size, *x[1:3], strict=True)):  # noqa: PLR2004 -- an image
        yield f"{names[1]}*{names[2]}"


def _figures(count: int, macs: Size, x: Sizes) -> dict[str, Any]:
    """Return the parameters and multiply-accumulates, these as a formula where they follow the sides."""
    found: dict[str, Any] = {"num_parameters": count} if count else {}
    if not any(macs):
        return found
    names = AXES.get(len(x) - 1, ())
    first = not x or constant(x[0])  # of channels that stay nothing is to be said
    names, sides = names[first:], x[first:]
    each = {a // max(prod(w), 1) for a, w in zip(macs, zip(*sides, strict=True), strict=False)} if sides else set()
    exact = len(each) == 1 and all(
        a == next(iter(each)) * prod(w) for a, w in zip(macs, zip(*sides, strict=True), strict=True)
    )
    if exact and names and len(macs) > 1 and not all(map(constant, sides)):
        return found | {"macs": "*".join([str(each.pop()), *names])}
    return found | {"macs": macs[0]}


def _macs(op: Op, net: Growing) -> int:
    """Return the multiply-accumulates of an operation with weights, by the counting convention."""
    name, y = op.call.name if op.call else op.type, prod(op.outputs[0].shape)
    if op.call is None and op.layer is not None and name == "attention":
        (queries, keys), c = (op.inputs[0], op.inputs[1 % len(op.inputs)]), op.layer.embed_dim
        return 2 * c * (prod(queries.shape) + prod(keys.shape))
    if isinstance(op.layer, Recurrent):
        x = op.inputs[0].shape
        return int(op.layer.weights(x)) * (prod(x) // x[-1])
    if op.call is None:
        shapes = [net.recordings[0].weights[name].shape for name in op.weights if name.endswith("weight")]
        weight = shapes[0] if shapes else ()
    else:
        slides = name in {"conv", "conv_transpose"}  # a kernel, which the model may compute from its input
        weight = next((t.shape for t in op.inputs[1:] if (slides or t.weights) and len(t.shape) > 1), ())
    if not weight or name not in {"conv", "linear", "conv_transpose", "matmul", "addmm", "mm"}:
        return 0
    if name == "conv_transpose":
        return prod(op.inputs[0].shape) * prod(weight[1:])
    if name in {"conv", "linear"}:
        return y * prod(weight[1:])
    return y * weight[-2]
