"""Attention that a model writes in steps, read as one layer: linear layers to queries, keys and values, and one behind.

In: the calls of a run. Out: the same calls, where the last of such steps is the attention, and the others are parts of it.
Between them stand layers without weights alone, with a softmax, or a product with one, of all positions by all.
"""

from __future__ import annotations

from itertools import takewhile
from math import prod
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.layers.activation import Softmax
from cnnshape.layers.attention import CORE, Attention
from cnnshape.layers.convolution import Linear
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.compare.trace import Call
    from cnnshape.numbers.shape import Shape

PART: Final = "part of an attention"


class _Steps(NamedTuple):
    """The steps before the last: by their indices among the calls."""

    projections: list[int]  # to queries, keys and values: one linear layer, or three
    between: list[int]  # without weights


def with_attention(calls: Sequence[Call], first: int) -> tuple[Call, ...]:
    """Return the calls with each attention as one; `first` is the value of the first call."""
    found = [*calls]
    for last, call in enumerate(calls):
        steps = _steps_before(found, last, first) if _linear(call) else None
        whole = steps and _whole(found, steps, call)
        if steps and whole:
            found[last] = whole
            for part in (*steps.projections, *steps.between):
                found[part] = found[part]._replace(type=PART, layer=None, weights={}, minor=True, alters=False)
    return tuple(found)


def _linear(call: Call) -> Any:
    """Return a call as a linear layer, None if it is none; a convolution of single cells is one."""
    if call.layer is None or not call.entering or call.output is None:
        return None
    simplest = call.layer.simplest(call.entering[0], call.output)
    return simplest if isinstance(simplest, Linear) else None


def _steps_before(calls: Sequence[Call], last: int, first: int) -> _Steps | None:
    """Return the steps that a call may end, None where it reads an input of the net without a layer with weights between."""
    projections, between = set[int](), set[int]()
    todo = [*calls[last].inputs]
    while todo:
        index = todo.pop() - first
        if index < 0:
            return None
        if calls[index].weights:
            projections.add(index)
        elif index not in between:
            between.add(index)
            todo += calls[index].inputs
    return _Steps(sorted(projections), sorted(between))


def _whole(calls: Sequence[Call], steps: _Steps, last: Call) -> Call | None:
    """Return the steps as one call, None where they are no attention of torch's or timm's."""
    projections, behind = [calls[index] for index in steps.projections], _linear(last)
    linears = [*map(_linear, projections)]
    width = behind.in_features
    wide = [linear.out_features for linear in linears if linear and linear.in_features == width == behind.out_features]
    alike = len({(call.inputs, linear and linear.bias) for call, linear in zip(projections, linears, strict=True)}) == 1
    if wide not in ([3 * width], [width] * 3) or len(wide) != len(linears) or not alike:
        return None
    x = projections[0].entering[0]
    over = tuple(axis for axis in range(1, len(x) + 1) if axis != (1 if _channels_first(projections[0]) else len(x)))
    heads = next(filter(None, (_heads(calls[index], prod(x) // width, width) for index in steps.between)), None)
    if heads is None:
        return None
    bias = {"bias": bool(behind.bias), "qkv_bias": bool(linears[0].bias)}
    return last._replace(
        name=_around(*(call.name for call in (*projections, last))) or last.name,
        type=Attention.type,
        layer=Attention(embed_dim=width, num_heads=heads, over=over, **bias),
        inputs=projections[0].inputs,
        entering=projections[0].entering,
        weights={name: count for call in (*projections, last) for name, count in call.weights.items()},
    )


def _around(*names: str) -> str:
    """Return the path of the module around some others, "" for the model itself."""
    paths = zip(*(name.split(".") for name in names), strict=False)
    return ".".join(words[0] for words in takewhile(lambda words: len({*words}) == 1, paths))


def _channels_first(call: Call) -> bool:
    return not isinstance(call.layer, Linear)


def _heads(call: Call, positions: int, width: int) -> Any:
    """Return the number of heads, if the call has all positions look at all: UNKNOWN if it cannot be told."""
    x: Shape = call.entering[0]
    if call.type == CORE:
        return width // x[-1] if all(entering[-2:-1] == (positions,) for entering in call.entering) else None
    if not isinstance(call.layer, Softmax) or x[-2:] != (positions, positions):
        return None
    return x[0] if len(x) == 3 else UNKNOWN  # noqa: PLR2004 -- heads, positions, positions
