"""Layers whose windows slide over a padded side, as those of convolutions and pools: their padding, and what follows.

`padding` is a number of cells for both ends, or a word: "same" and "valid" as torch has them, "same_upper" and
"same_lower" (SAME_ENDS) as TensorFlow and ONNX. These two depend on the side that arrives; torch pads in a step before.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, Any, Final, Self

from cnnshape.layers.base import SPATIAL, Layer
from cnnshape.layers.in_torch import padded_tensor
from cnnshape.layers.parameters import SAME_ENDS, WindowSetting
from cnnshape.layers.windows import Reads, cells
from cnnshape.numbers.rules import N, covering, cut_off, extent, halves, late, left_over, lost, product, unasked
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnnshape.numbers.rules import Require
    from cnnshape.numbers.shape import Shape


MOST_TAPS: Final = 16  # of windows that skip cells, in a condition on an unknown side


class Sliding(Layer):
    """The base of the layers with sliding windows; a setting that a type does not have is torch's default."""

    padding: Any
    ranks = SPATIAL
    fills = 0.0  # the value of the cells that `padding` adds

    def enter(self, require: Require, *inputs: Shape) -> None:
        super().enter(require, *inputs)
        countable(self.axes(len(inputs[0]) - 1), require)

    def left_over(self, w: N, *, kernel_size: N, stride: N, padding: Any = 0, dilation: N = 1) -> N:
        covered = extent(kernel_size, dilation)
        if padding in SAME_ENDS:
            return max(0, lost(w, covering(w, stride=stride), extent=covered, stride=stride, padding=0))
        return left_over(w, extent=covered, stride=stride, padding=_before(padding, covered))

    def unread(  # noqa: PLR0913 -- torch's parameters
        self, w: int, windows: int, *, kernel_size: int, stride: int, padding: Any = 0, dilation: int = 1
    ) -> int:
        before, _ = added(w, padding, covered=extent(kernel_size, dilation), stride=stride)
        if self.gapless(kernel_size, stride, dilation):
            return max(0, lost(w, windows, extent=extent(kernel_size, dilation), stride=stride, padding=before))
        if expression := late("unread", w, windows, before, kernel_size, stride, dilation):
            return expression
        last = -1
        for tap in range(0, min(kernel_size * dilation, w + before), dilation):
            window = min(windows - 1, (w - 1 + before - tap) // stride)
            last = max(last, stride * window - before + tap)
        return w - 1 - last

    def sees(  # noqa: PLR0913 -- torch's parameters
        self, cell: N, w: N, windows: N, *, kernel_size: N, stride: N, padding: Any = 0, dilation: N = 1
    ) -> Any:
        from cnnshape.numbers.symbolic import Unsolvable  # which a check at numbers does without

        covered = extent(kernel_size, dilation)
        if padding in SAME_ENDS and stride > 1:
            if dilation == 1 and kernel_size >= stride:
                return True
            if dilation > 1 or cell != w - 1:
                raise Unsolvable(f'the rows that a window with padding "{padding}" skips depend on the side')
            return lost(w, windows, extent=covered, stride=stride, padding=0) <= 0
        same = padding in SAME_ENDS  # with a stride of 1, when it adds F - 1 at any side
        before = halves(covered - 1, more_after=padding == "same_upper")[0] if same else _before(padding, covered)
        if self.gapless(kernel_size, stride, dilation):
            return cell < stride * (windows - 1) - before + covered
        if kernel_size > MOST_TAPS:
            raise Unsolvable(f"a window of more than {MOST_TAPS} taps skips rows")
        seen: Any = False
        for tap in range(0, dilation * kernel_size, dilation):
            last = (w - 1 + before - tap) // stride  # the last window whose tap is in the side
            fits = (stride * last - before + tap >= cell) & (last >= 0)
            seen |= fits & (stride * (windows - 1) - before + tap >= cell)
        return seen

    def gapless(self, kernel_size: N, stride: N, dilation: N) -> bool:
        """Say whether the windows read all cells from the first to the last, or copies of these."""
        return (dilation == 1 and kernel_size >= stride) or self.repeats_ends()

    def skips(self, rank: int) -> bool:
        axes = ((axis["kernel_size"], axis["stride"], axis.get("dilation", 1)) for axis in self.axes(rank))
        return any(min(taps, stride // gcd(stride, apart)) < stride for taps, stride, apart in axes)

    def reach(self, w: int, *, kernel_size: int, stride: int, padding: Any = 0, dilation: int = 1) -> Reads:
        before, _ = added(w, padding, covered=extent(kernel_size, dilation), stride=stride)
        return cells(-before, kernel_size, apart=dilation, step=stride)

    def padded_in_code(self, parts: Any, x: Any, rank: int, *, mode: str = "constant") -> Any:
        """Return what `padded_input` does as a call, for generated code."""
        if self.padding not in SAME_ENDS:
            return x
        axes, names = self.axes(rank), ("kernel_size", "stride", "dilation")
        each = {name: tuple(axis.get(name, 1) for axis in axes) for name in names}
        given = {name: sizes[0] if len({*sizes}) == 1 else sizes for name, sizes in each.items()}
        more: dict[str, Any] = {"more_before": True} if self.padding == "same_lower" else {}
        if given.pop("dilation") != 1:
            more["dilation"] = each["dilation"]
        usual = {
            **more,
            **({} if mode == "constant" else {"mode": mode}),
            **({"value": self.fills} if self.fills else {}),
        }
        return parts.pad_same(x, given["kernel_size"], given["stride"], **usual)

    def ends(self, x: Shape) -> Sequence[tuple[N, N]]:
        """Return the cells that `padding` adds before and after each spatial axis of input x."""
        return [
            added(
                w,
                axis.get("padding", 0),
                covered=extent(axis["kernel_size"], axis.get("dilation", 1)),
                stride=axis["stride"],
            )
            for w, axis in zip(x[1:], self.axes(len(x) - 1), strict=True)
        ]

    def compared(self, x: Shape, y: Shape) -> dict[str, Any]:
        """Return the settings with the padding in cells, a pair where its ends differ."""
        found = super().compared(x, y)
        if fit(self, len(x) - 1):
            found["padding"] = tuple(before if before == after else (before, after) for before, after in self.ends(x))
        return found

    def scratch(self, x: Shape, y: Shape, *, onednn: bool | None) -> N:
        """Return the elements of the padded input, where padding is a step of its own."""
        if self.padding not in SAME_ENDS:
            return 0
        return x[0] * product(w + sum(pair) for w, pair in zip(x[1:], self.ends(x), strict=True))

    def behind(self, pad: Any, x: Shape, padded: Shape) -> Self | None:
        """Return the layer on input x that pads as a `pad` of x before it does, too; None where it would not be the same.

        Its padding is a pair of cells for each axis, as no file has it.
        """
        told = all(
            vars(pad).get(name) is not UNKNOWN for name in ("padding", "mode", "channels")
        )  # not of a user's class
        if not told or pad.added() != (0, 0) or not fit(self, len(x) - 1):
            return None
        pairs, own = pad.pairs(x, padded), self.ends(padded)
        if min(map(min, pairs)) < 0 or not self.fills_as(pad, padded=any(map(any, own))):
            return None
        return self.replace(padding=tuple((b + d, a + e) for (b, a), (d, e) in zip(pairs, own, strict=True)))

    def fills_as(self, pad: Any, *, padded: bool) -> bool:
        """Say whether the cells that a `pad` before it adds are as those of its own padding; `padded`: it has some."""
        return bool(pad.mode == "constant" and pad.value == self.fills)

    def bare_output(self, x: Shape) -> Shape:
        bare = self.replace(padding=0) if self.padding in SAME_ENDS else self
        return bare.output(unasked, x)

    def padded_input(self, torch: Any, x: Any, *, mode: str = "constant") -> Any:
        """Return a tensor with the cells that torch's own layer does not add, as `padding` says."""
        if self.padding not in SAME_ENDS:
            return x
        return padded_tensor(torch, x, self.ends(tuple(x.shape[1:])), mode=mode, value=self.fills)


def countable(axes: Sequence[dict[str, Any]], require: Require) -> None:
    """State that the cells of a window are as many along each axis as torch counts: beyond, it wraps around."""
    before = None
    for axis in axes:
        if axis is not before:  # one object for axes that are alike
            covered = extent(axis["kernel_size"], axis.get("dilation", 1))
            require(covered <= WindowSetting.most, "window-too-wide", extent=covered)
        before = axis


def fit(layer: Layer, rank: int) -> bool:
    """Say whether all lists of a layer have an entry for each spatial axis."""
    values = (getattr(layer, name) for name in layer.spatial)
    return all(not isinstance(value, tuple) or len(value) == rank for value in values)


def added(w: N, padding: Any, *, covered: N, stride: N) -> tuple[N, N]:
    """Return the cells that padding adds before and after a side; of an odd number, "same" adds one more after.

    A pair of cells is such already.
    """
    if isinstance(padding, tuple):
        return padding
    if padding in SAME_ENDS:
        lacking = max(0, cut_off(w, extent=covered, stride=stride))
        return halves(lacking, more_after=padding == "same_upper")
    return halves(covered - 1) if padding == "same" else (_before(padding, covered),) * 2


def _before(padding: Any, covered: N) -> N:
    """Return the cells that padding adds before a side, none where that depends on the side."""
    if padding == "same":
        return (covered - 1) // 2
    return 0 if isinstance(padding, str) else padding
