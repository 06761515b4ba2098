"""Operators with windows and weights: convolutions, pools, norms, linear layers.

ONNX pads each end by itself, and lets runtimes count windows by rules of its own: what torch's layer does not have becomes a
`pad` or `crop` beside it, so that the shape is ONNX's at every size.
"""

from __future__ import annotations

from math import inf, prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.convert.from_onnx.record import Given, Refused, State
from cnnshape.layers.convolution import Conv, ConvTranspose, Linear
from cnnshape.layers.normalization import BatchNorm, GroupNorm, InstanceNorm, LayerNorm, LocalResponseNorm
from cnnshape.layers.pooling import AvgPool, GlobalAvgPool, GlobalMaxPool, LpPool, MaxPool, MaxUnpool
from cnnshape.layers.recurrent import GRU, LSTM, RNN
from cnnshape.layers.shaping import Crop, Pad

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cnnshape.compare.recording import Tensor
    from cnnshape.convert.from_onnx.record import Held
    from cnnshape.layers.base import Layer
    from cnnshape.numbers.shape import Shape

SAME: Final = {"SAME_UPPER": "same_upper", "SAME_LOWER": "same_lower"}
SPACE: Final = 3  # the most spatial axes of a layer
CEIL_OPSET: Final = 22  # from which on the standard counts windows of ceil_mode as torch does


class Windows(NamedTuple):
    """The attributes of an operator with windows, a number for each spatial axis."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    same: str  # "same_upper", "same_lower", "" for pads that are numbers

    @property
    def even(self) -> bool:
        return self.before == self.after

    @property
    def extents(self) -> tuple[int, ...]:
        return tuple(d * (k - 1) + 1 for d, k in zip(self.dilations, self.kernel, strict=True))


def windows(given: Given, kernel: Sequence[int], space: int) -> Windows:
    """Return the windows of a node with a kernel. Raises Refused where they are not those of so many axes."""
    told = given.attributes
    numbers = {
        "kernel": tuple(kernel),
        "strides": tuple(told.get("strides") or [1] * space),
        "dilations": tuple(told.get("dilations") or [1] * space),
    }
    auto = told.get("auto_pad", "NOTSET")
    pads = tuple(told.get("pads") or [0] * 2 * space) if auto == "NOTSET" else (0,) * 2 * space
    if any(len(each) != space or min(each, default=1) < 1 for each in numbers.values()) or len(pads) != 2 * space:
        said = ", ".join(f"{name} {list(each)}" for name, each in (*numbers.items(), ("pads", pads)))
        raise Refused(given.node, f"these are no windows on {space} axes: {said}")
    if auto not in {"NOTSET", "VALID", *SAME}:
        raise Refused(given.node, f"ONNX has no auto_pad {auto!r:.40}")
    return Windows(**numbers, before=pads[:space], after=pads[space:], same=SAME.get(auto, ""))


def padded(  # noqa: PLR0913 -- where, how much, and with what
    given: Given, x: Tensor, before: Sequence[int], after: Sequence[int], *, fill: float = 0, part: str = "pad"
) -> Tensor:
    """Add a padding by numbers, negative ones cut; nothing for zeros."""
    if not any(before) and not any(after):
        return x
    layer = Pad(padding=tuple(zip(before, after, strict=True)), **({"value": fill} if fill else {}))
    shape = (*x.shape[:2], *(w + b + a for w, b, a in zip(x.shape[2:], before, after, strict=True)))
    if min(shape) < 1:
        raise given.refuse("its padding cuts off all that there is")
    return given.module(layer, [x], shape, part=part)


def weighed(given: Given) -> tuple[Tensor, Shape]:
    """Return what enters and the shape of the weight. Raises Refused where no such weight fits what enters."""
    x, weight = given.x, given.tensor(1)
    if len(x.shape) != len(weight.shape) or len(x.shape) < 3:  # noqa: PLR2004 -- batch, channels, space
        raise given.refuse(f"its weight has {len(weight.shape)} axes, and {len(x.shape)} arrive")
    return x, weight.shape


def conv(given: Given) -> None:
    x, weight = weighed(given)
    groups, space = given.attributes.get("group", 1), len(x.shape) - 2
    if x.shape[1] != weight[1] * groups:
        raise given.refuse(f"its weight takes {weight[1] * groups} channels, and {x.shape[1]} arrive")
    found = windows(given, given.attributes.get("kernel_shape") or weight[2:], space)
    if found.kernel != weight[2:]:
        raise given.refuse(f"its kernel_shape is {list(found.kernel)}, and that of its weight {list(weight[2:])}")
    if weight[0] % groups:
        raise given.refuse(f"its {weight[0]} filters do not divide into {groups} groups")
    for w, f, b, a in zip(x.shape[2:], found.extents, found.before, found.after, strict=True):
        if not found.same and w + b + a < f:  # whole numbers that are divided give 1 here, in ONNX and onnxruntime
            raise given.refuse(f"its windows of {f} do not fit a side of {w}, padded to {w + b + a}")
    if found.same and any(d > 1 for d in found.dilations):
        given.run.note(f"{given.node.name or given.node.op_type} has auto_pad and dilations: onnxruntime refuses both.")
    padding: Any = found.same or found.before
    if not found.even:
        x, padding = padded(given, x, found.before, found.after), 0
    layer = Conv(
        in_channels=x.shape[1],
        out_channels=weight[0],
        kernel_size=found.kernel,
        stride=found.strides,
        padding=padding,
        dilation=found.dilations,
        groups=groups,
        bias=given.has(2),
    )
    given.counted(prod(given.shapes[0]) * prod(weight[1:]))
    told = None if given.tensor(1).value or space > SPACE else layer  # with a weight that the input makes, opaque
    weights = given.learned("weight", "bias")
    given.result(given.module(told, [x], given.shapes[0], weights=weights, kind=Conv.type))


class Transposed(NamedTuple):
    """The windows of a transposed convolution, and the sides that it gives."""

    found: Windows
    extra: tuple[int, ...]  # output_padding
    full: tuple[int, ...]  # the sides before anything is cut off
    sides: tuple[int, ...]


def transposed(given: Given) -> Transposed:
    """Return what a transposed convolution gives: auto_pad cuts it to stride times the side, or not at all."""
    x, weight = weighed(given)
    told, space = given.attributes, len(x.shape) - 2
    if x.shape[1] != weight[0]:
        raise given.refuse(f"its weight takes {weight[0]} channels, and {x.shape[1]} arrive")
    found = windows(given, told.get("kernel_shape") or weight[2:], space)
    extra, wanted = tuple(told.get("output_padding") or [0] * space), tuple(told.get("output_shape") or ())[-space:]
    if len(extra) != space or (wanted and len(wanted) != space):
        raise given.refuse(f"its output_padding and output_shape are not of {space} axes")
    each = zip(x.shape[2:], found.strides, found.extents, extra, strict=True)
    full = tuple(s * (w - 1) + f + more for w, s, f, more in each)
    if wanted:
        sides = wanted
        if any(w < y for w, y in zip(full, sides, strict=True)):
            raise given.refuse(f"its output_shape is {list(wanted)}, more than the {list(full)} that its windows give")
    elif found.same:
        sides = tuple(min(y, w * s) for y, w, s in zip(full, x.shape[2:], found.strides, strict=True))
    else:
        sides = tuple(y - b - a for y, b, a in zip(full, found.before, found.after, strict=True))
    return Transposed(found, extra, full, sides)


def unpooled(run: State, node: Any, entering: Sequence[Held | None]) -> list[Shape]:
    """Return the shape of a transposed convolution's result, as onnxruntime has it: ONNX's inference has other ones."""
    given = Given(run, node, entering, [(1, ())], "")
    weight, groups = given.tensor(1).shape, given.attributes.get("group", 1)
    return [(given.x.shape[0], (weight[1] if len(weight) > 1 else 1) * groups, *transposed(given).sides)]


def conv_transpose(given: Given) -> None:
    x, weight = weighed(given)
    found, extra, full, sides = transposed(given)
    groups = given.attributes.get("group", 1)
    settings: dict[str, Any] = {
        "in_channels": weight[0],
        "out_channels": weight[1] * groups,
        "kernel_size": found.kernel,
        "stride": found.strides,
        "output_padding": extra,
        "groups": groups,
        "bias": given.has(2),
        "dilation": found.dilations,
    }
    given.counted(prod(x.shape) * prod(weight[1:]))
    output, weights = given.shapes[0], given.learned("weight", "bias")
    wanted = given.attributes.get("output_shape")
    plain = found.same and not any(extra) and all(f >= s for f, s in zip(found.extents, found.strides, strict=True))
    if given.tensor(1).value or len(sides) > SPACE:
        given.result(given.module(None, [x], output, weights=weights, kind=ConvTranspose.type))
    elif not wanted and (plain or (found.even and not found.same)):
        layer = ConvTranspose(padding=found.same or found.before, **settings)
        given.result(given.module(layer, [x], output, weights=weights))
    else:
        layer = ConvTranspose(padding=0, **settings)
        whole = given.module(layer, [x], (x.shape[0], output[1], *full), weights=weights)
        given.result(_cut(given, whole, found, output))


def _cut(given: Given, whole: Tensor, found: Windows, output: Shape) -> Tensor:
    """Add what cuts a transposed convolution's result to its sides."""
    if given.attributes.get("output_shape"):
        given.run.note(
            f"{given.path or given.node.name} gives {list(output[2:])} whatever enters: output_shape says so."
        )
        crop = Crop(size=output[2:])
        return given.module(crop, [whole], output, part="crop") if whole.shape != output else whole
    before, after = found.before, found.after
    if found.same:
        cut = [w - y for w, y in zip(whole.shape[2:], output[2:], strict=True)]
        before = tuple(cells // 2 for cells in cut)
        after = tuple(cells - b for cells, b in zip(cut, before, strict=True))
    return padded(given, whole, [-b for b in before], [-a for a in after], part="cut")


def pool_windows(given: Given) -> Windows:
    x, kernel = given.x, given.attributes.get("kernel_shape") or ()
    found = windows(given, kernel, len(x.shape) - 2)
    if any(p >= k or p < 0 for ends in (found.before, found.after) for p, k in zip(ends, found.kernel, strict=True)):
        raise given.refuse(
            f"its pads {[*found.before, *found.after]} are not smaller than its kernel {list(found.kernel)}"
        )
    return found


def alike(_: State, __: Any, entering: Sequence[Held | None]) -> list[Shape]:
    """Return the shape of what enters."""
    return [held.tensor.shape for held in entering[:1] if held]


def pooled(run: State, node: Any, entering: Sequence[Held | None]) -> list[Shape]:
    """Return the shapes of a pool's results: windows begin inside the input or before it, as torch and runtimes count."""
    given = Given(run, node, entering, [(1, ())] * len(node.output), "")
    x = given.x.shape
    if len(x) < 3:  # noqa: PLR2004 -- batch, channels, space
        raise Refused(node, f"it pools space, and {len(x)} axes arrive")
    found = pool_windows(given)
    sides = []
    ceil = bool(given.attributes.get("ceil_mode", 0))
    for w, s, f, b, a in zip(x[2:], found.strides, found.extents, found.before, found.after, strict=True):
        if found.same:
            sides.append(-(-w // s))
            if f < s:
                run.note(
                    f"{node.name or node.op_type} has auto_pad, and strides over cells: onnxruntime refuses some sides."
                )
            if any(d > 1 for d in found.dilations):
                run.note(
                    f"{node.name or node.op_type} has auto_pad and dilations: onnxruntime pads as if there were none."
                )
            continue
        room = w + b + a - f
        count = (-(-room // s) if ceil else room // s) + 1
        if ceil and (count - 1) * s >= w + b:
            count -= 1
            if run.model.opset < CEIL_OPSET:
                run.note(
                    f"{node.name or node.op_type} rounds up (ceil_mode): {w} cells give {count}, as torch, onnxruntime and the "
                    f"standard from opset {CEIL_OPSET} on count; by its text before, {count + 1}."
                )
        sides.append(count if room >= 0 or ceil else 0)
    return [(x[0], x[1], *sides)] * len(node.output)


def pool(given: Given, layer: type[Layer], fill: float = 0, **more: Any) -> None:
    """Add a pool; with a `pad` before it, where its padding or its last window is not as torch has it."""
    x, space = given.x, len(given.x.shape) - 2
    found = pool_windows(given)
    ceil = bool(given.attributes.get("ceil_mode", 0))
    dilated = any(d > 1 for d in found.dilations)
    if space > SPACE or (dilated and layer is not MaxPool):
        given.result(given.module(None, [x], given.shapes[0]))
        return
    settings: dict[str, Any] = {"kernel_size": found.kernel, "stride": found.strides} | more
    if dilated:
        settings["dilation"] = found.dilations
    looks = space == SPACE and layer is not MaxPool  # torch's looks at the side without its padding as well
    small = all(p <= k // 2 for p, k in zip(found.before, found.kernel, strict=True))
    pads = any(found.before)
    if found.same:
        settings["padding"] = found.same
    elif found.even and small and not (looks and (ceil or pads)) and not (layer is LpPool and pads):
        settings |= ({"padding": found.before} if pads else {}) | ({"ceil_mode": True} if ceil else {})
    else:
        ends = zip(found.after, found.strides, found.extents, strict=True)
        after = tuple(min(a + s, f) - 1 for a, s, f in ends) if ceil else found.after
        x = padded(given, x, found.before, after, fill=fill)
    made = given.module(layer(**settings), [x], given.shapes[0])
    given.result(made)
    if len(given.node.output) > 1 and given.node.output[1]:
        given.beside(0)


def max_pool(given: Given) -> None:
    pool(given, MaxPool, fill=-inf)


def avg_pool(given: Given) -> None:
    counted = bool(given.attributes.get("count_include_pad", 0))
    found = pool_windows(given)
    told = {} if counted or not (any(found.before) or found.same) else {"count_include_pad": False}
    if counted and found.same:
        told = {"count_include_pad": True}
    pool(given, AvgPool, **told)


def lp_pool(given: Given) -> None:
    pool(given, LpPool, norm_type=float(given.attributes.get("p", 2)))


def max_unpool(given: Given) -> None:
    found = windows(given, given.attributes.get("kernel_shape") or (), len(given.x.shape) - 2)
    layer = MaxUnpool(indices=None, kernel_size=found.kernel, stride=found.strides, padding=found.before)
    given.result(given.module(layer, [given.x, given.tensor(1)], given.shapes[0]))


def global_pool(given: Given, layer: Layer) -> None:
    given.result(given.module(layer, [given.x], given.shapes[0]))


def norm(given: Given, layer: Layer, roles: Sequence[str]) -> None:
    if any(given.tensor(index).value for index in range(1, 1 + len(roles)) if given.has(index)):
        given.opaque()  # its weights come from the input
        return
    given.result(given.module(layer, [given.x], given.shapes[0], weights=given.learned(*roles)))


def misfit(given: Given, shape: Shape) -> Refused:
    """Return the refusal of a norm whose scale does not fit what it normalises, at which ONNX does not look."""
    return given.refuse(f"its scale is of {list(given.tensor(1).shape)}, and {list(shape)} arrives")


def batch_norm(given: Given) -> None:
    eps = given.attributes.get("epsilon", 1e-5)
    layer = BatchNorm(num_features=given.x.shape[1], eps=_short(eps))
    norm(given, layer, ("weight", "bias", "running_mean", "running_var"))


def instance_norm(given: Given) -> None:
    if given.tensor(1).shape != given.x.shape[1:2]:
        raise misfit(given, given.x.shape[1:2])
    scale, bias = given.array(1), given.array(2)
    plain = scale is not None and bias is not None and (scale == 1).all() and (bias == 0).all()
    layer = InstanceNorm(num_features=given.x.shape[1], affine=not plain)
    norm(given, layer, () if plain else ("weight", "bias"))


def group_norm(given: Given) -> None:
    groups = given.attributes["num_groups"]
    if not isinstance(groups, int) or groups < 1:
        raise given.refuse(f"its num_groups is {groups}")
    layer = GroupNorm(num_groups=groups, num_channels=given.x.shape[1])
    norm(given, layer, ("weight", "bias"))


def layer_norm(given: Given) -> None:
    rank = len(given.x.shape)
    axis = given.attributes.get("axis", -1) % rank
    shape, scale = given.x.shape[axis:], given.tensor(1).shape
    if len(scale) > len(shape) or any(own not in {1, n} for own, n in zip(scale[::-1], shape[::-1], strict=False)):
        raise misfit(given, shape)
    layer = LayerNorm(normalized_shape=shape, bias=given.has(2))
    for place in range(max(axis, 1), rank):
        given.asks(place, at_least=given.x.shape[place], at_most=given.x.shape[place])
    if axis and scale == shape:
        norm(given, layer, ("weight", "bias"))
    else:
        given.opaque()  # over the batch as well, or with weights that are repeated


def local_response_norm(given: Given) -> None:
    told = given.attributes
    numbers = {"alpha": told.get("alpha", 1e-4), "beta": told.get("beta", 0.75), "k": told.get("bias", 1.0)}
    layer = LocalResponseNorm(size=told["size"], **{name: _short(number) for name, number in numbers.items()})
    norm(given, layer, ())


def _short(number: float) -> float:
    """Return the shortest decimal of a number that ONNX holds in 32 bits."""
    return float(f"{number:.7g}")


def gemm(given: Given) -> None:
    told, x = given.attributes, given.x
    if told.get("transA", 0) or given.tensor(1).value or not x.value or (given.has(2) and given.tensor(2).value):
        given.opaque()
        return
    weight = given.tensor(1).shape
    features, entering = weight if told.get("transB", 0) else weight[::-1]
    given.counted(prod(given.shapes[0]) * entering)
    fits = given.has(2) and given.tensor(2).shape[-1:] == (features,) == (prod(given.tensor(2).shape),)
    layer = Linear(in_features=entering, out_features=features, bias=fits)
    weights = given.learned("weight", *["bias"] * fits)
    made = given.module(layer, [x], given.shapes[0], weights=weights)
    if given.has(2) and not fits:  # one number, or more than one for each feature
        array = given.array(2)
        other = _short(float(array.reshape(-1)[0])) if array is not None and array.size == 1 else given.tensor(2)
        made = given.call("add", [made, other], given.shapes[:1])[0]
    given.result(made)


def matmul(given: Given) -> None:
    x, other = given.x, given.tensor(1)
    learned = other.weights or given.node.input[1] in given.run.model.values  # whole numbers are weights as well here
    if x.value and not other.value and len(other.shape) == 2 and learned:  # noqa: PLR2004
        given.counted(prod(given.shapes[0]) * other.shape[0])
        weights = given.learned("weight")
        if given.bias:
            held = given.run.get(given.bias, given.node)
            weights["bias"] = (held.tensor.weights or (given.bias,))[0]
        layer = Linear(in_features=other.shape[0], out_features=other.shape[1], bias=bool(given.bias))
        given.result(given.module(layer, [x], given.shapes[0], weights=weights))
        return
    if x.value and not other.value and len(other.shape) > 1 and other.weights:
        given.counted(prod(given.shapes[0]) * other.shape[-2])
        given.asks(len(x.shape) - 1, always=True, at_least=other.shape[-2], at_most=other.shape[-2])
    given.result(given.call("matmul", [x, other], given.shapes[:1])[0])


def einsum(given: Given) -> None:
    """Einsum: of two results with the batch in front it may be a product of matrices; others are opaque."""
    equation = given.attributes["equation"].replace(" ", "")
    terms, tensors = equation.replace("->", ",").split(","), [held.tensor for held in given.entering if held]
    in_front = len({term[:1] for term in terms}) == 1 and all(tensor.value and tensor.batch == 0 for tensor in tensors)
    if len(terms) == 3 and "->" in equation and "." not in equation and in_front:  # noqa: PLR2004 -- two factors
        given.result(given.call("einsum", [equation, *tensors], given.shapes[:1])[0])
    else:
        given.opaque()


def recurrent(given: Given, layer: type[Layer]) -> None:
    """Add a recurrent layer of one direction or both, whose results have an axis for the directions."""
    x, weight = given.x, given.tensor(1).shape
    told = given.attributes
    hidden, both = told.get("hidden_size", 0), told.get("direction", "forward") == "bidirectional"
    states = [index for index in range(4, len(given.entering)) if given.has(index)]
    zero = all((array := given.array(index)) is not None and not array.any() for index in states)
    sequence, last, cell, *_ = [name in given.run.model.read for name in given.node.output] + [False] * 3
    simple = told.get("direction", "forward") in {"forward", "bidirectional"} and not told.get("layout", 0)
    if x.shape[-1] != weight[-1]:
        raise given.refuse(f"its weight takes {weight[-1]} features, and {x.shape[-1]} arrive")
    several = cell or (sequence and last and both)
    if not simple or not zero or several or "activations" in told or len(x.shape) != 3 or given.tensor(1).value:  # noqa: PLR2004
        given.asks(len(x.shape) - 1, always=True, at_least=weight[-1], at_most=weight[-1])
        given.opaque()
        return
    (time, batch), count = x.shape[:2], 1 + both
    made = layer(input_size=weight[2], hidden_size=hidden, bias=given.has(3), bidirectional=both, over=1)
    given.counted(time * made.weights(x.shape[1:]))
    weights = given.learned("weight_ih", "weight_hh", "bias")
    flat = given.module(made, [x], (time, batch, count * hidden), weights=weights)
    if last and sequence:
        end = given.call("getitem", [flat, (slice(time - 1, time),)], [(1, batch, hidden)], batch=1)[0]
        given.result(end, 1)
    elif last:
        given.beside(1)
    if sequence:
        order = (0, 2, 1, 3)
        apart = given.call("unflatten", [flat], [(time, batch, count, hidden)], batch=1)
        given.result(given.call("permute", [apart[0], *order], given.shapes[:1], order)[0])


def global_lp_pool(given: Given) -> None:
    if given.attributes.get("p", 2) != 2:  # noqa: PLR2004 -- the norm that layers have
        given.opaque()
        return
    space = tuple(range(2, len(given.x.shape)))
    given.result(given.call("norm", [given.x], given.shapes[:1], dim=space, keepdim=True)[0])


WINDOWS: Final[dict[str, Callable[[Given], None]]] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": max_pool,
    "AveragePool": avg_pool,
    "LpPool": lp_pool,
    "MaxUnpool": max_unpool,
    "GlobalAveragePool": lambda given: global_pool(given, GlobalAvgPool()),
    "GlobalMaxPool": lambda given: global_pool(given, GlobalMaxPool()),
    "GlobalLpPool": global_lp_pool,
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "GroupNormalization": group_norm,
    "LayerNormalization": layer_norm,
    "LRN": local_response_norm,
    "Gemm": gemm,
    "MatMul": matmul,
    "Einsum": einsum,
    "LSTM": lambda given: recurrent(given, LSTM),
    "GRU": lambda given: recurrent(given, GRU),
    "RNN": lambda given: recurrent(given, RNN),
}
