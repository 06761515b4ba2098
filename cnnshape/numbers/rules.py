"""The size rules, each written once, over any number: an int, a Size (an unknown side), a Traced (with its arithmetic).

A rule states its conditions through `require` before it computes, so that no division hides one. It never branches on a
size (`if w > 3`), which may be unknown, and uses only + - * // and comparisons, which every number of ours has.
Sides and windows are in cells; `padding` is added at both ends. Names as in Dumoulin & Visin 2016 (arXiv:1603.07285).
"""

from __future__ import annotations

import math
from functools import reduce
from operator import mul
from typing import TYPE_CHECKING, Any, Final, Protocol, SupportsIndex

from cnnshape.numbers.shape import LARGEST

if TYPE_CHECKING:
    from collections.abc import Iterable

N = Any  # a size: an int, or any number with the arithmetic above (no protocol covers both int and our own classes)

# The largest numerator or denominator of a factor that is computed in integers. A float's 0.1 is dyadic too:
# 3602879701896397 / 2**55. Up to this limit, float64 computes w * factor exactly for every side under 2**33, so that
# the integers and torch cannot differ.
MAX_DYADIC: Final = 2**20


class Refused(Exception):  # noqa: N818 -- it never leaves the engine, and is no error there
    """A condition does not hold; the `require` that raised it has noted it."""


class Require(Protocol):
    """The function by which a rule states a condition: a reading refuses one that does not hold, or collects it.

    `code` is that of the problem, `facts` are the numbers of its message.
    """

    def __call__(self, condition: Any, code: str, **facts: object) -> None: ...


class Late:
    """A number that is known only when its expression is run; so is what a rule makes of it by a choice of its own."""

    __slots__ = ()

    def call(self, function: str, *numbers: N) -> N:
        """Return the expression of a function of some numbers, UNKNOWN among them."""
        raise NotImplementedError


def late(function: str, *numbers: N) -> N | None:
    """Return the expression of a function, by its name, of numbers of which one is late; None where none is."""
    return next((number.call(function, *numbers) for number in numbers if isinstance(number, Late)), None)


def unasked(condition: Any, code: str, **facts: object) -> None:
    """Require nothing, where the condition has been stated elsewhere."""


def extent(kernel_size: N, dilation: N = 1) -> N:
    """The cells from the first to the last of a window: F = D(K - 1) + 1."""
    return dilation * (kernel_size - 1) + 1


def window(w: N, require: Require, *, extent: N, stride: N, padding: N) -> N:
    """The windows that fit a side: W' = floor((W - F + 2P) / S) + 1 (Dumoulin & Visin, relationship 6)."""
    room = w - extent + 2 * padding
    require(room >= 0, "window-too-large", side=w, extent=extent, padding=padding)
    return room // stride + 1


def window_ceil(w: N, require: Require, *, extent: N, stride: N, padding: N) -> N:
    """The windows that start inside the side or its left padding (`ceil_mode`): the last may hang over the end.

    W' = min(ceil((W - F + 2P) / S) + 1, ceil((W + P) / S)), as one division.
    """
    windows = (w + padding - max(extent - padding, stride) + stride - 1) // stride + 1
    require(windows >= 1, "window-too-large", side=w, extent=extent, padding=padding)
    return windows


def covering(w: N, *, stride: N) -> N:
    """The windows that begin a stride apart in a side, the last perhaps cut off by its end: W' = ceil(W / S)."""
    return (w + stride - 1) // stride


def cut_off(w: N, *, extent: N, stride: N) -> N:
    """The cells that the windows of `covering` lack: T = S(W' - 1) + F - W, negative where they leave cells over."""
    return stride * (covering(w, stride=stride) - 1) + extent - w


def halves(cells: N, *, more_after: bool = True) -> tuple[N, N]:
    """Cells to add to a side or to cut off, before and after: half each, of an odd number one more at one end."""
    less = cells // 2
    return (less, cells - less) if more_after else (cells - less, less)


def left_over(w: N, *, extent: N, stride: N, padding: N) -> N:
    """The remainder of the division in `window`, in cells: (W - F + 2P) mod S."""
    return (w - extent + 2 * padding) % stride


def lost(w: N, windows: N, *, extent: N, stride: N, padding: N) -> N:
    """The cells of a side behind its last window: W - (S(W' - 1) - P + F), negative where that ends in the padding."""
    return w - (stride * (windows - 1) - padding + extent)


def transposed(  # noqa: PLR0913 -- the quantities of the formula
    w: N, require: Require, *, extent: N, stride: N, padding: N, output_padding: N = 0
) -> N:
    """The side of a transposed convolution: W' = S(W - 1) - 2P + F + OP (Dumoulin & Visin, relationship 14)."""
    return nonempty(stride * (w - 1) - 2 * padding + extent + output_padding, require, side=w)


def nonempty(result: N, require: Require, *, side: N) -> N:
    """The output side, which must be 1 or more; at 0, torch makes a tensor without elements."""
    require(result >= 0, "nothing-left", side=side, result=result)
    require(result >= 1, "no-elements", side=side, result=result)
    return result


def padded(w: N, require: Require, *, before: int, after: int, mode: str) -> N:
    """A side with cells added at its ends, or cut off where negative: W' = before + W + after."""
    result = nonempty(w + before + after, require, side=w)
    cut, widest = min(before, 0) + min(after, 0), max(before, after)
    if mode == "constant":  # torch cuts before it adds
        require(w + cut >= 0, "nothing-left", side=w, result=w + cut)
    if mode == "circular" and cut != 0:  # torch would wrap cells that it has cut off
        require(w + cut >= widest, "padding-exceeds-rest", side=w + cut, padding=widest, mode=mode)
    else:
        repeated(w, require, padding=widest, mode=mode)
    return result


def repeated(w: N, require: Require, *, padding: N, mode: str) -> None:
    """State that a side has the cells that padding repeats, mirrored without the last one, or from the other end."""
    if mode == "reflect":
        require(w > padding, "padding-exceeds-side", side=w, padding=padding, mode=mode, least=padding + 1)
    if mode == "circular":
        require(w >= padding, "padding-exceeds-side", side=w, padding=padding, mode=mode, least=padding)


def scaled(w: N, require: Require, *, factor: N) -> N:
    """A side times a factor, rounded down: floor(W * factor).

    A dyadic factor (2, 0.5, 1.5) is exact in integers; any other is torch's own product, in float64.
    """
    if isinstance(factor, float):
        top, bottom = factor.as_integer_ratio()
        result = w * top // bottom if max(top, bottom) <= MAX_DYADIC else math.floor(w * factor)
    else:
        result = w * factor
    return nonempty(result, require, side=w)


def equal(a: N, b: N) -> Any:
    """The condition a = b. Two unknown sides that are not equal as functions may still be equal at some sides."""
    return a == b or (a >= b) & (a <= b)


def divides(divisor: N, number: N) -> Any:
    """The condition that a division has no remainder."""
    return number // divisor * divisor >= number


def same(a: N, b: N) -> N:
    """One of two sizes that are required to be equal: a number before an unknown, the simpler of two unknowns."""
    if a == b or isinstance(a, SupportsIndex):
        return a
    if isinstance(b, SupportsIndex):
        return b
    return late("same", a, b) or min(a, b, key=lambda size: size.complexity)


def larger(a: N, b: N) -> N:
    """The larger of two sizes that are equal unless one is 1; of an unknown and a number, the number.

    Of two unknowns, the one that is never the smaller.
    """
    if b in (a, 1):
        return a
    if a == 1 or isinstance(b, SupportsIndex):
        return b
    if isinstance(a, SupportsIndex):
        return a
    if expression := late("larger", a, b):
        return expression
    if (a >= b) is True:
        return a
    return b if (b >= a) is True else max(a, b)  # others cannot be compared, and raise


def at_least(side: N, number: N) -> N:
    """The larger of a side and a number."""
    return side.at_least(number) if hasattr(side, "at_least") else max(side, number)


def at_most(side: N, number: N) -> N:
    """The smaller of a side and a number."""
    return side.at_most(number) if hasattr(side, "at_most") else min(side, number)


def limited(side: N, least: N, most: N) -> N:
    """A side within limits, of which the upper one counts where they contradict each other; 1 and `LARGEST` are none."""
    result = side if least == 1 else at_least(side, least)
    return result if most == LARGEST else at_most(result, most)


def product(numbers: Iterable[N]) -> N:
    """The product of all numbers, in their order; 1 of none."""
    factors = tuple(numbers)
    return reduce(mul, factors) if factors else 1
