"""Operations on several tensors: arithmetic of results, numbers and learned tensors, concat, stack, products of matrices.

The results that enter are laid out alike first: as the first of them lies, or as the tensors do.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, Final, SupportsFloat

from cnnshape.compare.recording import Tensor
from cnnshape.convert.growing import Gap, Growing, called, constant, spread
from cnnshape.convert.moves import keep, standing
from cnnshape.convert.views import View, is_one, refined, times, unrepeated, whole_view
from cnnshape.convert.windows import each_value, linear, of_last, pointwise, put, recognized, reduce, weighed
from cnnshape.layers.activation import Softmax
from cnnshape.layers.convolution import Linear
from cnnshape.layers.elementwise import OF_A_NUMBER, OTHERWISE, PLAIN, Bias, Function, Scale, Token
from cnnshape.layers.joining import Add, Concat, Div, Matmul, Maximum, Minimum, Mul, Stack, Sub
from cnnshape.layers.rearranging import Reduce, Unflatten
from cnnshape.layers.shaping import Pad, Select, Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cnnshape.compare.recording import Op
    from cnnshape.layers.base import Layer
    from cnnshape.numbers.shape import Shape

ARITHMETIC: Final[dict[str, type[Layer]]] = {
    **dict.fromkeys(("add", "radd", "iadd"), Add),
    **dict.fromkeys(("sub", "subtract", "isub", "rsub"), Sub),
    **dict.fromkeys(("mul", "multiply", "rmul", "imul"), Mul),
    **dict.fromkeys(("div", "divide", "true_divide", "truediv", "itruediv", "rdiv", "rtruediv"), Div),
}
PAIR: Final = 2


def arithmetic(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a sum, difference, product or quotient."""
    op = ops[0]
    kind = ARITHMETIC[called(op).name]
    operands = [one for one in (*called(op).args, *called(op).kwargs.values()) if isinstance(one, Tensor)]
    alive = [one for one in operands if one.value]
    if len(alive) == 1 == len(operands):
        number(net, op, kind, alive[0])
    elif len(alive) == 1:
        other = next(one for one in operands if not one.value)
        learned(net, op, kind, alive[0], other)
    else:
        if called(op).name.startswith("r") and called(op).name != "rmul":
            alive.reverse()
        join(net, op, kind(), alive)


def number(net: Growing, op: Op, kind: type[Layer], tensor: Tensor) -> None:
    """Lower arithmetic with a number; of adding 0 and multiplying with 1 there is nothing."""
    numbers = [one for one in called(op).args if not isinstance(one, Tensor)]
    numbers += [one for key, one in called(op).kwargs.items() if not isinstance(one, Tensor) and key == "other"]
    if len(numbers) != 1 or not isinstance(numbers[0], SupportsFloat) or "alpha" in called(op).kwargs:
        raise Gap("its numbers are not told")
    value, swapped = float(numbers[0]), called(op).args[0] is not tensor
    neutral = 0 if kind in (Add, Sub) else 1
    if value == neutral and not (swapped and kind in (Sub, Div)):
        keep(net, [op])
        return
    swapped = swapped or called(op).name in {"rsub", "rdiv", "rtruediv"}
    pointwise(net, op, by_number(kind, value, swapped=swapped))


def by_number(kind: type[Layer], value: float, *, swapped: bool) -> Layer:
    if kind is Mul:
        return Scale(value=value)
    if kind is Div and swapped:
        if value != 1:
            raise Gap("a number is divided by it")
        return Function(function="reciprocal")
    names: dict[type[Layer], str] = {Add: "add", Sub: "rsub" if swapped else "sub", Div: "div"}
    return Function(function=names[kind], value=value)


def extreme(net: Growing, ops: Sequence[Op]) -> None:
    """Lower the larger or smaller of two results; max(x, dim) of one is a reduction."""
    op = ops[0]
    operands = [one for one in (*called(op).args, *called(op).kwargs.values()) if isinstance(one, Tensor)]
    if len(operands) == 1:
        reduce(net, ops)
    elif all(one.value for one in operands):
        join(net, op, Maximum() if called(op).name.startswith("max") else Minimum(), operands)
    else:
        raise Gap("a tensor that is not the input's is compared with it")


def function(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a function of each value, alone or with a number."""
    op = ops[0]
    name = OTHERWISE.get(called(op).name, called(op).name)
    if name in {"pow", "floor_divide", "remainder", "fmod"} and len(op.inputs) > 1:
        raise Gap("no layer type is such a call")
    if name == "floor_divide" or len(op.inputs) == 1:
        each_value(net, ops)
        return
    raise Gap("no layer type is such a call")


def learned(net: Growing, op: Op, kind: type[Layer], tensor: Tensor, other: Tensor) -> None:
    """Lower arithmetic with a tensor of the model: a scale or a bias, by channel or of a shape."""
    if called(op).name in {"rdiv", "rtruediv"} or (kind is Div and called(op).args[0] is other):
        raise Gap("a tensor is divided by it")
    if kind is Add and _mask(net, op, other):
        keep(net, [op])
        return
    plain = kind in (Add, Mul) and "alpha" not in called(op).kwargs
    net.give(op.outputs[0], with_tensor(net, Scale if kind in (Mul, Div) else Bias, tensor, other, plain=plain))


def _mask(net: Growing, op: Op, other: Tensor) -> bool:
    """Say whether a tensor is made of sizes alone, as a mask of windows that came round: it has no numbers that a file could state."""
    varies = not all(map(constant, net.shapes[id(other)]))
    weights = net.recordings[0].weights  # at the declared size it may be a buffer
    made = not any(weights[name].parameter for name in other.weights)
    return varies and made and net.shapes[id(op.outputs[0])] == net.shapes[id(op.inputs[0])]


def with_tensor(net: Growing, kind: type[Scale | Bias], tensor: Tensor, other: Tensor, *, plain: bool = True) -> View:
    """Return the view of a result and a tensor of the model, multiplied or added; `plain`: as it is, not its negative or so."""
    view = net.view(tensor)
    if other.value or any(view.repeated(p) for parts in view.axes for p in parts) or len(other.shape) > len(view.axes):
        raise Gap("a learned tensor gives it its shape")
    layer = _of_tensor(kind, net, view, other)
    if layer is None or _turned(net, view, other):
        value, order = net.plain(tensor)
        view = net.laid(value, order, len(tensor.shape))
        layer = _of_tensor(kind, net, view, other)
    if layer is None:
        raise Gap("a learned tensor gives it its shape")
    own = other if plain else replace(other, computed=True)
    made = net.add(made_of(net, layer, view.value, own), [view.value], kind.type, path=title(net, own), anew=True)
    return view.of(made, net.sizes[made])


def _turned(net: Growing, view: View, other: Tensor) -> bool:
    """Say whether a parameter, whose axes a file has in the model's order, has them in another than a value."""
    if other.computed or not any(net.recordings[0].weights[name].parameter for name in other.weights):
        return False
    first = len(view.axes) - len(other.shape)
    places = [view.whole(axis) for axis, size in enumerate(other.shape, start=first) if size != 1]
    known = [place for place in places if place is not None]
    return known != sorted(known)


def made_of(net: Growing, layer: Scale | Bias | Token, value: int, other: Tensor) -> Layer:
    """Return a layer of a tensor with the number of its parameters, where that is not the number of its values."""
    weights = net.recordings[0].weights
    own = [name for name in other.weights if weights[name].parameter]
    if own and not other.computed:
        kept = _kept(layer, tuple(size[0] for size in net.sizes[value]), weights[own[0]].shape)
        if net.fresh(own) or kept == _owned_by(net, own):
            return kept
    rank, channels = len(net.sizes[value]), net.sizes[value][0][0]
    shape = (channels, *[1] * (rank - 1)) if layer.shape is None else layer.shape
    return layer.replace(shape=shape, num_parameters=net.fresh(own))


def _kept(layer: Scale | Bias | Token, x: Shape, kept: Shape) -> Layer:
    """Return a layer with the shape that a parameter has, where it is not the one that it would have."""
    layer = layer.replace().completed(x)
    if layer.kept_shape(x) == kept:
        return layer
    several = sum(size != 1 for size in kept) > 1
    return layer.replace(parameter_shape=kept if several else tuple(size if size == 1 else -1 for size in kept))


def _owned_by(net: Growing, names: Sequence[str]) -> Layer | None:
    """Return the layer that has weights."""
    owners = {net.owners[name] for name in names if name in net.owners}
    return next((node.layer for node in net.nodes if {node.name} == owners), None)


def title(net: Growing, other: Tensor) -> str | None:
    """Return the name of a tensor; of one that is made of another the path of its module, if that has nothing else.

    None where it is made of several, or of no one's.
    """
    if len(other.weights) != 1:
        return None
    (name,) = other.weights
    if not other.computed and net.recordings[0].weights[name].parameter:
        return name
    module = name.rpartition(".")[0]
    alone = module and not any(n.startswith(f"{module}.") for n in net.recordings[0].weights if n != name)
    return module if alone and module not in net.names else name


def _of_tensor(kind: type[Scale | Bias], net: Growing, view: View, other: Tensor) -> Scale | Bias | None:
    """Return the layer of a learned tensor, whose axes stand at the end of the view's; None where these are parts."""
    sizes = [1] * len(view.parts)
    shape = net.shapes.get(id(other)) or tuple((size,) * view.runs() for size in other.shape)
    for back, size in enumerate(reversed(shape), start=1):
        axis = len(view.axes) - back
        masked = all(n in {1, own} for n, own in zip(size, view.size(axis), strict=False))
        if is_one(size) or (kind is Bias and masked and not constant(size)):
            continue  # where it varies, a mask was added to it
        at = view.whole(axis)
        if at is None or not constant(size):
            return None
        sizes[at] = size[0]
    if sizes[0] == net.sizes[view.value][0][0] and all(size == 1 for size in sizes[1:]):
        return kind()
    return kind(shape=tuple(sizes) if prod(sizes) > 1 else ())


def aligned(net: Growing, tensors: Sequence[Tensor], *, whole: int | None = None) -> tuple[list[int], View]:
    """Return a value for each tensor, laid out alike, and the view of a result that lies as they do.

    `whole`: an axis, counted from the front in tensors of equal rank, that must be one of the values'.
    """
    rank = max(len(tensor.shape) for tensor in tensors)
    views = [net.view(tensor) for tensor in tensors]
    views = [unrepeated(view.with_axes([*[()] * (rank - len(view.axes)), *view.axes])) for view in views]
    first = views[0]
    if all(_lies_as(view, first) for view in views[1:]) and (whole is None or first.whole(whole) is not None):
        return [view.value for view in views], _with_their_axes(first, views[1:])
    fine = _as_fine(views, [axis for axis in range(rank) if axis != whole])
    as_before = [view for view, before in zip(fine, views, strict=True) if view is before]
    base = max(as_before or fine, key=lambda view: sum(map(bool, view.axes)))
    order = _order(base, [axis for axis in range(rank) if any(view.axes[axis] for view in views)], whole)
    if not order:
        raise Gap("nothing is left of it")
    order = [at for axis in order for at in ([axis] if axis == whole else spread(fine, [axis]))]
    values: dict[int, int] = {}
    for at in sorted(range(len(fine)), key=lambda at: fine[at] is not views[at]):  # whose sides the others may have
        values[at] = net.settled(fine[at], order, net.made_at.get(tensors[at].value), [*values.values()])
    return [values[at] for at in range(len(fine))], net.laid(values[0], order, rank)


def _as_fine(views: Sequence[View], axes: Iterable[int]) -> list[View]:
    """Return views, in which an axis that is one part is in those of another view, where several of these vary: tokens are an image there."""
    found = [*views]
    for axis in axes:
        each = [[view.sizes[part] for part in view.axes[axis] if not is_one(view.sizes[part])] for view in found]
        finest = max(each, key=len)
        if sum(not constant(size) for size in finest) > 1:
            for at, sizes in enumerate(each):
                if sizes == [times(finest)]:
                    found[at] = refined(found[at], axis, finest)
    return found


def _with_their_axes(first: View, others: Sequence[View]) -> View:
    """Return a view with the axes that other views have where it has 1: they lie as it does."""
    axes = [*first.axes]
    for view in others:
        for axis, parts in enumerate(view.axes):
            places = [_place(view, part) for part in parts]
            if not axes[axis] and all(is_one(first.sizes[first.parts[i][j]]) for i, j in places):
                axes[axis] = tuple(first.parts[i][j] for i, j in places)
    return first.with_axes(axes)


def _lies_as(view: View, other: View) -> bool:
    """Say whether two views have the same axes of their values in the same places."""
    if any(one.repeated(part) for one in (view, other) for parts in one.axes for part in parts):
        return False
    if [*map(len, view.parts)] != [*map(len, other.parts)]:
        return False
    mine = [tuple(_place(view, part) for part in parts) for parts in view.axes]
    others = [tuple(_place(other, part) for part in parts) for parts in other.axes]
    alike = all(a == b or not a or not b for a, b in zip(mine, others, strict=True))
    splits = all(
        len(a) == 1 or [view.sizes[p] for p in a] == [other.sizes[p] for p in b]
        for a, b in zip(view.parts, other.parts, strict=True)
    )
    # an axis of 1 that a view leaves out must be where the other has its axis
    there = {place for parts in others for place in parts}
    missing = all(
        a or not b or all(is_one(view.sizes[view.parts[i][j]]) for i, j in b) for a, b in zip(mine, others, strict=True)
    )
    return alike and splits and missing and bool(there)


def _place(view: View, part: int) -> tuple[int, int]:
    return next((i, parts.index(part)) for i, parts in enumerate(view.parts) if part in parts)


def _order(base: View, axes: Sequence[int], whole: int | None) -> list[int]:
    """Return axes of a tensor in the order in which they stand in the value, others in front of those that follow."""
    if any(len(base.axes[axis]) > 1 for axis in axes) and whole is not None:
        return [*axes]
    places = {axis: _place(base, base.axes[axis][0])[0] for axis in axes if base.axes[axis]}
    if len({*places.values()}) < len(places):
        return [*axes]
    known = sorted(places, key=places.__getitem__)
    for axis in axes:
        if axis not in places:
            behind = next((known.index(later) for later in axes if later > axis and later in known), len(known))
            known.insert(behind, axis)
    return known


def join(net: Growing, op: Op, layer: Layer, tensors: Sequence[Tensor]) -> None:
    values, view = aligned(net, tensors)
    if isinstance(layer, Add | Sub) and len({net.sizes[value] for value in values}) > 1:
        layer = layer.replace(broadcast=True)
    made = put(net, op, layer, values)
    net.give(op.outputs[0], _joined(net, view, made))


def _joined(net: Growing, view: View, made: int) -> View:
    """Return the view of a result whose axes are those of a view's value, of perhaps other sizes."""
    if all(len(parts) == 1 for parts in view.parts):
        sizes = dict(zip((parts[0] for parts in view.parts), net.sizes[made], strict=True))
        axes = [*view.axes]
        return View(made, view.parts, tuple(axes), {**view.sizes, **sizes})
    return view.of(made, net.sizes[made])


def concat(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    given: Any = called(op).args[0] if called(op).args else called(op).kwargs["tensors"]
    dim = called(op).kwargs.get(
        "dim", called(op).kwargs.get("axis", called(op).args[1] if len(called(op).args) > 1 else 0)
    )
    tensors = [one for one in given if isinstance(one, Tensor) and not net.empty(one)]
    rank = len(tensors[0].shape)
    axis = dim % rank
    if not all(tensor.value for tensor in tensors):
        tokens(net, op, tensors, axis)
        return
    if len(tensors) == 1:
        net.give(op.outputs[0], net.view(tensors[0]))
        return
    tensors = [written_out(net, tensor) for tensor in tensors]
    views = [net.view(tensor) for tensor in tensors]
    if any(not view.axes[axis] for view in views):
        with_axis(net, op, tensors, axis)
        return
    values, view = aligned(net, tensors, whole=axis)
    at = view.whole(axis)
    assert at is not None
    joined = rejoined(net, values, at)
    made = put(net, op, Concat(dim=at + 1), values) if joined is None else joined
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def rejoined(net: Growing, values: Sequence[int], axis: int) -> int | None:
    """Return the value whose axis an unflatten makes two, where all places of the first are joined again; None for other parts."""
    nodes = [net.nodes[value - net.inputs] for value in values if value >= net.inputs]
    selects = [
        (node.inputs[0], node.layer.index)
        for node in nodes
        if isinstance(node.layer, Select) and node.layer.dim == axis + 1
    ]
    apart = selects[0][0] if selects else 0
    split = net.nodes[apart - net.inputs] if apart >= net.inputs else None
    if split is None or not isinstance(split.layer, Unflatten) or split.layer.dim != axis + 1:
        return None
    counts, whole = net.sizes[apart][axis], split.inputs[0]
    two = len(net.sizes[apart]) == len(net.sizes[whole]) + 1 and constant(counts) and len(values) == counts[0]
    places = [(of, index % counts[0]) for of, index in selects]
    return whole if two and places == [(apart, place) for place in range(counts[0])] else None


def written_out(net: Growing, tensor: Tensor) -> Tensor:
    """Return a tensor whose repeated axes are resized, as torch.cat writes them out."""
    view = net.view(tensor)
    if any(view.repeated(part) for parts in view.axes for part in parts):
        value, order = net.plain(tensor)
        net.views[tensor.value] = net.laid(value, order, len(tensor.shape))
    return tensor


def tokens(net: Growing, op: Op, tensors: Sequence[Tensor], axis: int) -> None:
    """Lower a concat of a result with tensors of the model before and behind it."""
    alive = [place for place, tensor in enumerate(tensors) if tensor.value]
    if len(alive) != 1:
        raise Gap("a tensor that is not the input's stands between others")
    (place,) = alive
    view = net.with_whole(tensors[place], axis)
    if any(_turned(net, view, other) for other in tensors if not other.value):
        value, order = net.plain(tensors[place])
        view = net.laid(value, order, len(view.axes))
    for others, before in ((tensors[:place][::-1], True), (tensors[place + 1 :], False)):
        for other in others:
            at = view.whole(axis)
            if at is None:
                raise Gap("it is joined to an axis of 1")
            if other.zeros and len(view.parts) > 1:
                made = net.add(_zeros(net, view, other, at, before=before), [view.value], "pad")
                view = view.of(made, net.sizes[made])
                continue
            layer = Token(shape=_shape_along(net, view, other, at), dim=at + 1, before=before)
            made = net.add(
                made_of(net, layer, view.value, other), [view.value], "token", path=title(net, other), anew=True
            )
            view = view.of(made, net.sizes[made])
    net.give(op.outputs[0], view)


def _zeros(net: Growing, view: View, other: Tensor, at: int, *, before: bool) -> Pad:
    """Return the padding that puts zeros before or behind an axis of a value."""
    sizes = {view.whole(axis): size for axis, size in enumerate(net.shapes[id(other)]) if not is_one(size)}
    count = sizes.pop(at, (1,))
    if not constant(count) or any(axis is None or net.sizes[view.value][axis] != size for axis, size in sizes.items()):
        raise Gap("the zeros that are joined to it follow no axis of it")
    pair = (count[0], 0) if before else (0, count[0])
    if at == 0:
        return Pad(padding=0, channels=pair)
    return Pad(padding=tuple(pair if axis == at else 0 for axis in range(1, len(view.parts))))


def _shape_along(net: Growing, view: View, other: Tensor, at: int) -> tuple[int, ...]:
    """Return the shape of a tensor as a value has its axes, joined along one of them."""
    sizes: list[int] = [1] * len(view.parts)
    for axis, size in enumerate(net.shapes[id(other)]):
        whole = view.whole(axis)
        if whole is not None and constant(size):
            sizes[whole] = size[0]
        elif not is_one(size):
            raise Gap("a tensor that is not the input's has other axes")
    if any(
        not is_one(size) and size != (sizes[place],) * len(size)
        for place, size in enumerate(net.sizes[view.value])
        if place != at
    ):
        raise Gap("a tensor that is not the input's has other sides")
    return tuple(sizes)


def with_axis(net: Growing, op: Op, tensors: Sequence[Tensor], axis: int) -> None:
    """Lower a concat along an axis that some tensors have as 1."""
    rank = len(tensors[0].shape)
    if axis == 0 and tensors[0].batch == 0:
        raise Gap("it joins the batch")
    order = sorted({axis, *(at for tensor in tensors for at in net.natural(tensor))})
    values = [net.plain(tensor, order)[0] for tensor in tensors]
    made = put(net, op, Concat(dim=order.index(axis) + 1), values)
    net.give(op.outputs[0], net.laid(made, order, rank))


def stack(net: Growing, ops: Sequence[Op]) -> None:
    op = ops[0]
    given = called(op).args[0] if called(op).args else called(op).kwargs["tensors"]
    tensors = [one for one in given if isinstance(one, Tensor)]
    rank = len(tensors[0].shape)
    dim = called(op).arguments(("dim",)).get("dim", 0) % (rank + 1)
    if not all(tensor.value for tensor in tensors):
        raise Gap("a tensor that is not the input's takes part in it")
    values, view = aligned(net, tensors)
    if any(len(parts) > 1 for parts in view.axes) or any(len(parts) > 1 for parts in view.parts):
        order = net.natural(tensors[0])
        values = [net.plain(tensor, order)[0] for tensor in tensors]
        view = net.laid(values[0], order, rank)
    made = put(net, op, Stack(dim=1), values)
    axes: list[int | None] = [None if view.whole(axis) is None else view.whole(axis) + 1 for axis in range(rank)]  # type: ignore[operator]
    net.give(op.outputs[0], whole_view(made, net.sizes[made], [*axes[:dim], 0, *axes[dim:]]))


def matmul(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a product of two results, or of one and a learned matrix."""
    op = ops[0]
    one, other = op.inputs[:PAIR]
    if not other.value and other.weights and len(other.shape) == PAIR and one.value:
        weights = net.recordings[0].weights
        if sum(weights[name].numel() for name in other.weights) != prod(other.shape):
            raise Gap("its matrix is made of other parameters")
        learns = any(weights[name].parameter for name in other.weights)
        layer = Linear(in_features=other.shape[0], out_features=other.shape[1], bias=False, learned=learns)
        of_last(net, op, layer)
        return
    if not one.value or not other.value or len(one.shape) < PAIR or len(other.shape) < PAIR:
        raise Gap("a tensor that is not the input's takes part in it")
    values, order = matrices(net, one, other)
    made = put(net, op, Matmul(), values)
    net.give(op.outputs[0], net.laid(made, order, len(op.outputs[0].shape)))


def matrices(net: Growing, one: Tensor, other: Tensor) -> tuple[list[int], list[int]]:
    """Return the values of two tensors with their axes in order, and the axes."""
    rank = max(len(one.shape), len(other.shape))
    natural = {
        axis + rank - len(tensor.shape)
        for tensor in (one, other)
        for axis in net.natural(tensor)
        if net.view(tensor).axes[axis]
    }
    views = [net.view(tensor) for tensor in (one, other)]
    views = [unrepeated(view.with_axes([*[()] * (rank - len(view.axes)), *view.axes])) for view in views]
    order = [*spread(views, sorted(natural - {rank - 1, rank - 2})), rank - 2, rank - 1]
    made_at = [net.made_at.get(tensor.value) for tensor in (one, other)]
    return [net.settled(view, order, at) for view, at in zip(views, made_at, strict=True)], order


def einsum(net: Growing, ops: Sequence[Op]) -> None:
    """Lower an einsum of two results that is a product of matrices, with axes before them that both have."""
    op = ops[0]
    equation, *tensors = called(op).args
    if len(tensors) != PAIR or not all(isinstance(one, Tensor) and one.value for one in tensors):
        raise Gap("it is no product of two results")
    entering, _, out = equation.replace(" ", "").partition("->")
    left, right = terms = entering.split(",")
    shared = [name for name in left if name in right and name in out]
    inner = [name for name in left if name in right and name not in out]
    rows, columns = ([name for name in one if name not in other] for one, other in ((left, right), (right, left)))
    simple = all(len({*term}) == len(term) and term.isalpha() for term in (left, right, out))
    if not simple or any(len(names) != 1 for names in (inner, rows, columns)) or not {*rows, *columns} <= {*out}:
        raise Gap("it is no product of matrices")
    views = [unrepeated(net.view(tensor)) for tensor in tensors]
    shared = [
        name for name in shared if any(view.axes[term.index(name)] for view, term in zip(views, terms, strict=True))
    ]
    values = [
        net.settled(view, [term.index(name) for name in (*shared, *matrix)], net.made_at.get(tensor.value))
        for view, term, matrix, tensor in zip(views, terms, (rows + inner, inner + columns), tensors, strict=True)
    ]
    made = put(net, op, Matmul(), values)
    net.give(op.outputs[0], net.laid(made, [out.index(name) for name in (*shared, *rows, *columns)], len(out)))


def scaled_attention(net: Growing, ops: Sequence[Op]) -> None:
    """Lower the core of an attention: queries times keys, their softmax, times values."""
    op = ops[0]
    given = called(op).arguments(("key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"))
    query = called(op).args[0] if called(op).args else called(op).kwargs["query"]
    key, value, mask = given["key"], given["value"], given.get("attn_mask")
    if not (query.value and key.value and value.value) or given.get("enable_gqa"):
        raise Gap("queries, keys or values are not the input's")
    rank = len(query.shape)
    shared = {axis for t in (query, key, value) for axis in net.natural(t) if net.view(t).axes[axis]}
    views = [net.view(tensor) for tensor in (query, key, value)]
    order = [*spread(views, sorted(shared - {rank - 1, rank - 2})), rank - 2, rank - 1]
    q, k = net.plain(query, order)[0], net.plain(key, [*order[:-2], order[-1], order[-2]])[0]
    scores = net.add(Matmul(), [q, k], "matmul")
    factor = given.get("scale")
    scores = net.add(Scale(value=query.shape[-1] ** -0.5 if factor is None else float(factor)), [scores], "scale")
    if isinstance(mask, Tensor) and mask.value:
        raise Gap("its mask is the input's")
    if isinstance(mask, Tensor) and not _mask(net, op, mask):
        scores = with_tensor(net, Bias, standing(net, net.laid(scores, order, rank)), mask).value
    weighed = net.add(Softmax(dim=len(order)), [scores], "softmax")
    made = net.add(Matmul(), [weighed, net.plain(value, order)[0]], "matmul")
    net.give(op.outputs[0], net.laid(made, order, rank))


def linear_with_bias(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a linear function; a bias that is joined of parts, as of queries and values alone, is a layer of its own."""
    op = ops[0]
    bias = called(op).arguments(("weight", "bias")).get("bias")
    weights = net.recordings[0].weights
    own = bias.weights if isinstance(bias, Tensor) else ()
    learns = sum(weights[name].numel() for name in own if weights[name].parameter)
    if not isinstance(bias, Tensor) or bias.value or learns == prod(bias.shape):
        linear(net, ops)
        return
    layer = weighed(net, op, recognized(ops)).replace(bias=False)
    assert isinstance(layer, Linear)
    of_last(net, op, layer)
    net.give(op.outputs[0], with_tensor(net, Bias, op.outputs[0], bias))


def addcmul(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a + b * c, of which some are results and the others are tensors of the model."""
    op = ops[0]
    total, *factors = (one for one in called(op).args if isinstance(one, Tensor))
    alive = [one for one in factors if one.value]
    if len(factors) != PAIR or not alive or called(op).kwargs:
        raise Gap("no layer type is such a call")
    if len(alive) == PAIR:
        join(net, op, Mul(), alive)
        product = net.view(op.outputs[0])
    else:
        product = with_tensor(net, Scale, alive[0], next(one for one in factors if not one.value))
    net.views[op.outputs[0].value] = product
    if total.value:
        join(net, op, Add(), [total, standing(net, product)])
    else:
        net.give(op.outputs[0], with_tensor(net, Bias, standing(net, product), total))


def normalize(net: Growing, ops: Sequence[Op]) -> None:
    """Lower x / max(|x|, eps), with the Euclidean norm along an axis."""
    op = ops[0]
    tensor, given = op.inputs[0], called(op).arguments(("p", "dim", "eps"))
    rank = len(tensor.shape)
    dim = given.get("dim", 1)
    if given.get("p", 2.0) != PAIR or not isinstance(dim, int) or not net.view(tensor).axes[dim % rank]:
        raise Gap("its norm is no Euclidean one along an axis")
    view = net.with_whole(tensor, dim % rank)
    at = view.whole(dim % rank)
    assert at is not None
    length = net.add(Reduce(how="norm", dim=(at + 1,), keepdim=True), [view.value], "norm")
    least = net.add(Function(function="clamp", min=float(given.get("eps", 1e-12))), [length], "clamp")
    made = net.add(Div(), [view.value, least], "normalize")
    net.give(op.outputs[0], view.of(made, net.sizes[made]))


def _listed(given: Any) -> Any:
    return (given,) if isinstance(given, int) else given


def roll(net: Growing, ops: Sequence[Op]) -> None:
    """Lower a roll: the end of an axis is put before its beginning."""
    op = ops[0]
    given = called(op).arguments(("shifts", "dims"))
    shifts, dims = (_listed(given.get(name)) for name in ("shifts", "dims"))
    if dims is None or any(called(each).arguments(("shifts", "dims"))["shifts"] != given["shifts"] for each in ops):
        raise Gap("where it is rolled varies")
    tensor, rank = op.inputs[0], len(op.inputs[0].shape)
    view = net.view(tensor)
    for shift, dim in zip(shifts, dims, strict=True):
        view = net.with_whole(standing(net, view), dim % rank)
        at = view.whole(dim % rank)
        if at is None:
            raise Gap("an axis of 1 is rolled")
        if shift:
            end = net.add(Slice(dim=at + 1, start=-int(shift)), [view.value], "slice")
            beginning = net.add(Slice(dim=at + 1, stop=-int(shift)), [view.value], "slice")
            made = net.add(Concat(dim=at + 1), [end, beginning], "roll")
            view = view.of(made, net.sizes[made])
    net.give(op.outputs[0], view)


JOINS: Final[dict[str, Callable[[Growing, Sequence[Op]], None]]] = {
    **dict.fromkeys((*PLAIN, *OF_A_NUMBER, "clamp", *OTHERWISE), function),
    **dict.fromkeys(ARITHMETIC, arithmetic),
    **dict.fromkeys(("cat", "concatenate", "concat"), concat),
    **dict.fromkeys(("max", "min", "maximum", "minimum"), extreme),
    "stack": stack,
    **dict.fromkeys(("matmul", "bmm", "mm", "rmatmul"), matmul),
    "scaled_dot_product_attention": scaled_attention,
    "einsum": einsum,
    "linear": linear_with_bias,
    "addcmul": addcmul,
    "normalize": normalize,
    "roll": roll,
}
