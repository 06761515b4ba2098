"""Operators on each value by itself, or along an axis: activations, arithmetic, softmax, reductions."""

from __future__ import annotations

from math import isclose, prod
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from cnnshape.layers.activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    Dropout,
    Hardshrink,
    Hardsigmoid,
    Hardswish,
    Hardtanh,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softshrink,
    Softsign,
    Tanh,
    Threshold,
)
from cnnshape.layers.elementwise import Function

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnnshape.convert.from_onnx.record import Given
    from cnnshape.layers.base import Layer

SOFTMAX_OPSET: Final = 13  # before which it took all axes from one on for one


def _activation(layer: Callable[[Given], Layer | None]) -> Callable[[Given], None]:
    """Return the handler of a layer of each value by itself."""

    def handler(given: Given) -> None:
        made = layer(given)
        if made is None:
            given.opaque()
        else:
            given.result(given.module(made, [given.x], given.shapes[0]))

    return handler


def _number(given: Given, name: str, default: float) -> float:
    """Return an attribute that ONNX holds in 32 bits, as the shortest decimal."""
    return float(f"{given.attributes.get(name, default):.7g}")


def hard_sigmoid(given: Given) -> None:
    """HardSigmoid: torch's, or a slope and an offset of its own, as Keras and Paddle have them, cut to 0 and 1."""
    alpha, beta = _number(given, "alpha", 0.2), _number(given, "beta", 0.5)
    if isclose(alpha, 1 / 6, rel_tol=1e-5) and isclose(beta, 1 / 2):
        given.result(given.module(Hardsigmoid(), [given.x], given.shapes[0]))
        return
    sloped = given.call("mul", [given.x, alpha], given.shapes[:1])[0]
    moved = given.call("add", [sloped, beta], given.shapes[:1])[0]
    given.result(given.module(Hardtanh(min_val=0.0, max_val=1.0), [moved], given.shapes[0]))


def _shrink(given: Given) -> Layer | None:
    lambd, bias = _number(given, "lambd", 0.5), _number(given, "bias", 0)
    return Softshrink(lambd=lambd) if bias == lambd else Hardshrink(lambd=lambd) if not bias else None


def _swish(given: Given) -> Layer | None:
    return SiLU() if given.attributes.get("alpha", 1.0) == 1 else None


def _function(name: str) -> Callable[[Given], None]:
    return _activation(lambda _: Function(function=name))


def clip(given: Given) -> None:
    """Clip: its limits are attributes before opset 11, and inputs from there on."""
    told = given.attributes
    limits = [told.get(name, given.array(index)) for index, name in ((1, "min"), (2, "max"))]
    if any(given.has(index) and given.array(index) is None for index in (1, 2)):
        given.opaque()
        return
    least, most = (None if limit is None else float(f"{float(np.reshape(limit, -1)[0]):.7g}") for limit in limits)
    least = None if least is not None and least < -3e38 else least  # noqa: PLR2004 -- the least number of 32 bits
    most = None if most is not None and most > 3e38 else most  # noqa: PLR2004
    layer: Layer | None
    if (least, most) == (0, 6):
        layer = ReLU6()
    elif (least, most) == (0, None):
        layer = ReLU()
    elif least is not None and most is not None and least < most:
        layer = Hardtanh(min_val=least, max_val=most)
    elif least is None and most is None:
        given.result(given.call("identity", [given.x], given.shapes[:1])[0])
        return
    else:
        layer = Function(function="clamp", **{k: v for k, v in (("min", least), ("max", most)) if v is not None})
    given.result(given.module(layer, [given.x], given.shapes[0]))


def prelu(given: Given) -> None:
    x, slope = given.x.shape, given.tensor(1)
    layer = None if slope.value else PReLU(num_parameters=prod(slope.shape))
    for place, size in enumerate(reversed(slope.shape), start=1):
        if place > len(x) or size not in {1, x[-place]}:
            raise given.refuse(f"its slope is of {list(slope.shape)}, and {list(x)} arrives")
        if size > 1 and len(x) - place > 1:
            given.asks(len(x) - place, always=True, at_least=size, at_most=size)
    given.result(given.module(layer, [given.x], given.shapes[0], weights=given.learned("weight")))


def dropout(given: Given) -> None:
    """Dropout: in a run of the graph it changes nothing; a ratio that is told is kept."""
    ratio = given.array(1) if given.has(1) else given.attributes.get("ratio", 0.5)
    if len(given.node.output) > 1 and given.node.output[1]:
        given.result(given.call("identity", [given.x], given.shapes[1:2])[0], 1)
    p = 0.5 if ratio is None else float(f"{float(np.reshape(ratio, -1)[0]):.7g}")
    given.result(given.module(Dropout(p=p), [given.x], given.shapes[0]))


def softmax(given: Given, layer: type[Layer]) -> None:
    x, rank = given.x, len(given.x.shape)
    old = given.run.model.opset < SOFTMAX_OPSET
    axis = given.attributes.get("axis", 1 if old else -1) % rank
    if old and prod(x.shape[axis + 1 :]) > 1:  # all axes from this one on are one
        given.opaque()
        return
    if given.own:
        given.result(given.module(layer(dim=axis), [x], given.shapes[0]))
    else:
        given.result(given.call(layer.type, [x], given.shapes[:1], dim=axis)[0])


def arithmetic(given: Given, name: str) -> None:
    """Add, Sub, Mul, Div: of results, of one and a number, of one and a learned tensor."""
    operands: list[Any] = []
    for index in range(2):
        tensor, array = given.tensor(index), given.array(index)
        single = (
            array is not None and array.size == 1 and not tensor.value and len(tensor.shape) <= len(given.shapes[0])
        )
        operands.append(float(f"{float(array.reshape(-1)[0]):.7g}") if single else tensor)
    given.result(given.call(name, operands, given.shapes[:1])[0])


def power(given: Given) -> None:
    exponent = given.array(1)
    if exponent is None or exponent.size != 1 or not given.x.value:
        given.opaque()
        return
    layer = Function(function="pow", value=float(exponent.reshape(-1)[0]))
    given.result(given.module(layer, [given.x], given.shapes[0]))


def total(given: Given) -> None:
    """Sum: one addition after the other."""
    made = given.x
    for index in range(1, len(given.entering)):
        other = given.tensor(index)
        shape = np.broadcast_shapes(made.shape, other.shape)
        made = given.call("add", [made, other], [shape])[0]
    given.result(made if len(given.entering) > 1 else given.call("identity", [made], given.shapes[:1])[0])


def limits(given: Given, name: str) -> None:
    """Max and Min of a result and a number; of several results they are opaque."""
    arrays = [given.array(index) for index in range(len(given.entering))]
    numbers = [array for array in arrays if array is not None and array.size == 1]
    alive = [held.tensor for held in given.entering if held and held.tensor.value]
    if len(alive) != 1 or len(numbers) != len(arrays) - 1:
        given.opaque()
        return
    by = [float(number.reshape(-1)[0]) for number in numbers]
    layer = Function(function="clamp", **({"min": max(by)} if name == "max" else {"max": min(by)})) if by else None
    made = given.module(layer, alive, given.shapes[0]) if layer else given.call("identity", alive, given.shapes[:1])[0]
    given.result(made)


def reduce(given: Given, name: str) -> None:
    axes = given.ints("axes", 1)
    keep = bool(given.attributes.get("keepdims", 1))
    rank = len(given.x.shape)
    if not axes and given.attributes.get("noop_with_empty_axes", 0):
        given.result(given.call("identity", [given.x], given.shapes[:1])[0])
        return
    axes = sorted({axis % rank for axis in axes}) if axes else [*range(rank)]
    if 0 in axes and given.x.batch == 0:
        given.run.note(f"{given.node.name or given.node.op_type} makes one number of all samples.")
        given.opaque()
        return
    given.result(given.call(name, [given.x], given.shapes[:1], dim=tuple(axes), keepdim=keep)[0])


NAMES: Final = {  # of functions of each value, that torch calls otherwise or not
    "Reciprocal": "reciprocal", "Neg": "neg", "Abs": "abs", "Sqrt": "sqrt", "Exp": "exp", "Log": "log", "Erf": "erf",
    "Sign": "sign", "Floor": "floor", "Ceil": "ceil", "Round": "round", "Sin": "sin", "Cos": "cos", "Tan": "tan",
    "Asin": "asin", "Acos": "acos", "Atan": "atan", "Sinh": "sinh", "Cosh": "cosh", "Asinh": "asinh", "Acosh": "acosh",
    "Atanh": "atanh",
}  # fmt: skip
VALUES: Final[dict[str, Callable[[Given], None]]] = {
    **{name: _function(function) for name, function in NAMES.items()},
    "Relu": _activation(lambda _: ReLU()),
    "LeakyRelu": _activation(lambda given: LeakyReLU(negative_slope=_number(given, "alpha", 0.01))),
    "Elu": _activation(lambda given: ELU(alpha=_number(given, "alpha", 1))),
    "Celu": _activation(lambda given: CELU(alpha=_number(given, "alpha", 1))),
    "Selu": _activation(lambda _: SELU()),
    "Sigmoid": _activation(lambda _: Sigmoid()),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": _activation(lambda _: Hardswish()),
    "Softplus": _activation(lambda _: Softplus()),
    "Softsign": _activation(lambda _: Softsign()),
    "Tanh": _activation(lambda _: Tanh()),
    "Gelu": _activation(lambda given: GELU(approximate=given.attributes.get("approximate", "none"))),
    "Mish": _activation(lambda _: Mish()),
    "Swish": _activation(_swish),
    "Shrink": _activation(_shrink),
    "ThresholdedRelu": _activation(lambda given: Threshold(threshold=_number(given, "alpha", 1), value=0.0)),
    "Clip": clip,
    "PRelu": prelu,
    "Dropout": dropout,
    "Softmax": lambda given: softmax(given, Softmax),
    "LogSoftmax": lambda given: softmax(given, LogSoftmax),
    "Add": lambda given: arithmetic(given, "add"),
    "Sub": lambda given: arithmetic(given, "sub"),
    "Mul": lambda given: arithmetic(given, "mul"),
    "Div": lambda given: arithmetic(given, "div"),
    "Pow": power,
    "Sum": total,
    "Max": lambda given: limits(given, "max"),
    "Min": lambda given: limits(given, "min"),
    "ReduceMean": lambda given: reduce(given, "mean"),
    "ReduceSum": lambda given: reduce(given, "sum"),
    "ReduceMax": lambda given: reduce(given, "amax"),
    "ReduceMin": lambda given: reduce(given, "amin"),
    "ReduceL2": lambda given: reduce(given, "norm"),
}
