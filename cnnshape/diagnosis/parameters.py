"""Parameters of windows, solved: the settings of one layer at which the problem would be gone, and of all alike layers.

Padding, output_padding, kernel_size and dilation may have any value that makes sense, stride 1 to 4, ceil_mode both. Each
value is followed from its layer to where the problem shows.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache, partial, reduce
from typing import TYPE_CHECKING, Any, Final

from cnnshape.diagnosis.candidate import Candidate
from cnnshape.diagnosis.sketch import sketched
from cnnshape.diagnosis.written import changes
from cnnshape.layers.convolution import Conv, ConvTranspose
from cnnshape.layers.parameters import per_axis
from cnnshape.layers.pooling import Pooling
from cnnshape.layers.shaping import Pad
from cnnshape.network.flow import measured
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.shapes import DeclaredDiffers, SameNeedsStride1, WindowTooLarge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from cnnshape.diagnosis.candidate import Case
    from cnnshape.diagnosis.sketch import Sketch
    from cnnshape.layers.base import Layer
    from cnnshape.network.graph import Node

GEOMETRY: Final = ("kernel_size", "stride", "padding", "dilation", "output_padding", "ceil_mode", "scale_factor")
SOLVED: Final = (
    "padding",
    "output_padding",
    "kernel_size",
    "stride",
    "dilation",
    "ceil_mode",
    "scale_factor",
    "upscale_factor",
)
NEAR: Final = 8  # a kernel, or a dilation, is looked for so far above the one that is written
MOST_TRIED: Final = 64  # kernels from 1 up to it, and those near a larger one
MUCH_ODDER: Final = 1.0
ODDER: Final = 0.4  # how much more unusual a layer may become that nothing points at
COMMON_STRIDE: Final = 2  # of a convolution, at most
MOST: Final = 10  # candidates in all


def solved(case: Case) -> Iterator[Candidate]:
    """Yield settings of one layer, those of the layer that the cause names before the others."""
    sketch = sketched(case)
    if sketch.wanted is None and not sketch.wrong:
        return
    found: list[Candidate] = []
    done = set()
    of_input = case.cause is not None and case.cause.code == "input-size" and isinstance(case.problem, DeclaredDiffers)
    for distance, value in enumerate(sketch.upstream):
        node = sketch.node(value)
        if node is None or node.layer is None or node.place in done or not set(SOLVED) & node.layer.parameters.keys():
            continue
        done.add(node.place)
        if sketch.is_apart(value):
            continue
        named = case.cause is not None and case.cause.layer == node.name
        base = 3.0 if named else 3.5 + min(distance, 30) * 0.01
        base += 0.7 * isinstance(case.problem, DeclaredDiffers)
        regular = Regular(case, node)
        for parameter, new, layer in variants(case, sketch, value, partial(regular.meant, named=named)):
            if value == sketch.end and isinstance(case.problem, WindowTooLarge) and _stretched(case, parameter, layer):
                continue
            if sketch.mends(sketch.setting(sketch.alike(value), parameter, new)):
                rank = base + regular.worse(layer, parameter) + _far(node.layer, parameter, layer)
                rank += 0.5 * (of_input and not named and not keeps(layer))  # the input is likelier
                if parameter == "padding" and keeps(layer) and not keeps(node.layer):
                    rank = min(rank, 2.2 if named else 3.3 if any(map(keeps, regular.siblings)) else rank)
                found += changes(case, node, parameter, _plain(new), rank=max(2.0, rank), family=f"setting {parameter}")
    found += _shared(case, sketch)
    yield from sorted(found, key=lambda one: one.rank)[:MOST]


def _shared(case: Case, sketch: Sketch) -> Iterator[Candidate]:
    """Yield the padding of half its window for a convolution above both ways into a join, where they fit then."""
    for value in sketch.shared:
        node = sketch.node(value)
        if node is None or not isinstance(node.layer, Conv) or oddness(node.layer) <= 0:
            continue
        for parameter, new, layer in variants(case, sketch, value):
            usual = parameter == "padding" and centred(node.layer.replace(padding=new))
            if usual and sketch.mends(sketch.setting(sketch.alike(value), parameter, new)):
                rank = 3.4 + _far(node.layer, parameter, layer)
                yield from changes(case, node, parameter, _plain(new), rank=rank, family=f"setting {parameter}")


def _stretched(case: Case, parameter: str, layer: Layer) -> bool:
    """Say whether a window is made to fit a side that is far too small for it: mostly over padding, or as another one."""
    side, extent = case.problem.facts["side"], case.problem.facts["extent"]
    if parameter == "padding":
        most = max([one for one in _entries(layer.padding) if isinstance(one, int)], default=0)  # type: ignore[attr-defined]
        return 2 * most >= side and not (extent % 2 and extent <= 2 * side + 1)
    if parameter == "kernel_size":
        return _whole(case) or (isinstance(layer, Conv) and {*_entries(layer.kernel_size)} == {1})
    return parameter == "ceil_mode" and bool(extent > 2 * side)


def _whole(case: Case) -> bool:
    """Say whether a window of a convolution was to cover all of a side that nothing has shrunk, as that of electrodes."""
    row, problem = case.row, case.problem
    if row is None or not isinstance(row.node.layer, Conv) or not isinstance(problem, WindowTooLarge):
        return False
    kernel, shape = row.node.layer.kernel_size, row.input_shapes[0] or ()
    first = case.net.inputs[next(iter(case.net.inputs))] or ()
    axes = [axis for axis, side in enumerate(shape[1:]) if side == problem.facts["side"]]
    return (
        isinstance(kernel, tuple)
        and len({*kernel}) > 1
        and all(shape[1 + axis] == side and kernel[axis] > side for axis in axes for side in first[1 + axis : 2 + axis])
    )


def filling(case: Case) -> Iterator[Candidate]:
    """Yield the window as large as the side that arrives, for one that does not fit, and covered nearly all."""
    row = case.row
    if not isinstance(case.problem, WindowTooLarge) or row is None or row.node.layer is None:
        return
    layer, shape = row.node.layer, row.input_shapes[0] or ()
    rank = len(shape) - 1
    kernel, dilation = getattr(layer, "kernel_size", None), getattr(layer, "dilation", 1)
    if kernel is None or rank < 1 or UNKNOWN in shape or dilation != 1:
        return
    old = per_axis(kernel, rank)
    new = [min(entry, side) for entry, side in zip(old, shape[1:], strict=True)]
    nearly = min(new) > 1 and all(2 * small > entry for small, entry in zip(new, old, strict=True))
    if nearly or _whole(case):
        value = new[0] if isinstance(kernel, int) and len({*new}) == 1 else new
        least = 3.35 if nearly else 3.0
        yield from changes(case, row.node, "kernel_size", value, rank=least, family="setting kernel_size")


def for_same(case: Case) -> Iterator[Candidate]:
    """Yield a padding beside a stride in the place of "same": TensorFlow's, or half the window."""
    row = case.row
    if isinstance(case.problem, SameNeedsStride1) and row is not None and isinstance(row.node.layer, Conv):
        rank = len(row.input_shapes[0] or ()) - 1
        half = _half(row.node.layer)
        odd = all(isinstance(k, int) and k % 2 for k in _entries(row.node.layer.kernel_size))
        for step, padding in enumerate(["same_upper"] + [_plain(half)] * (odd and rank > 0)):
            yield from case.change(row.node, "padding", padding, rank=2.0 + 0.1 * step, family="same")


def sensible(before: Layer, parameter: str, after: Layer, *, named: bool) -> bool:
    """Say whether people would mean a setting that no sibling has.

    A kernel is changed to a more usual one alone, never to 1; a pool is padded by half its odd kernel, or not at all; no
    window strides over cells; and no layer becomes more unusual that nothing points at.
    """
    change = oddness(after) - oddness(before)
    most = 0.0 if isinstance(before, Pooling) and parameter in ("padding", "stride") else MUCH_ODDER if named else ODDER
    if parameter == "output_padding":  # it is there to meet a side
        return True
    if change > most or (parameter == "kernel_size" and not named and change >= 0):
        return False
    if parameter == "upscale_factor" and after.upscale_factor == 1:  # type: ignore[attr-defined]
        return False
    if isinstance(after, Pooling) and {*_entries(getattr(after, "kernel_size", 0))} == {1}:
        return False
    if parameter == "dilation" and {*_entries(before.dilation)} == {1}:  # type: ignore[attr-defined]
        return False
    if parameter == "kernel_size":
        old, new = _entries(before.kernel_size), _entries(after.kernel_size)  # type: ignore[attr-defined]
        dilated = max(_entries(getattr(after, "dilation", 1))) > 1
        odd = any(entry % 2 for entry in old)  # an even kernel has no padding that keeps a side
        flat = len(new) > 1 and {*new} != {1}  # a window of two axes in three
        ones = 1 in new and 1 not in old and (dilated or (odd and not flat and max(old) > 2))  # noqa: PLR2004 -- from a larger kernel
        asked = named and change <= 0 and (isinstance(before, Pooling) or all(entry % 2 for entry in new))
        usual = not isinstance(after, Conv) or centred(after) or (asked and {*_entries(after.padding)} == {0})
        return (change < 0 or asked) and usual and not ones
    return not (isinstance(after, Conv) and parameter == "padding" and (overpadded(after) or _as_far(before, after)))


def keeps(layer: Layer) -> bool:
    """Say whether a layer is a convolution that keeps every side."""
    return isinstance(layer, Conv) and centred(layer) and {*_entries(layer.stride)} == {1}


def centred(layer: Conv) -> bool:
    """Say whether a convolution is padded by half its window on every axis."""
    halves, padding = _entries(_half(layer)), _entries(layer.padding)
    rank = max(len(halves), len(padding))
    return per_axis(halves if len(halves) > 1 else halves[0], rank) == per_axis(
        padding if len(padding) > 1 else padding[0], rank
    )


def overpadded(layer: Conv) -> bool:
    """Say whether a convolution is padded by more than half its window on some axis."""
    halves, padding = _entries(_half(layer)), _entries(layer.padding)
    rank = max(len(halves), len(padding))
    one, other = (per_axis(entry if len(entry) > 1 else entry[0], rank) for entry in (halves, padding))
    return any(isinstance(p, int) and p > half for half, p in zip(one, other, strict=False))


def _as_far(before: Layer, after: Conv) -> bool:
    """Say whether the padding of a convolution is no nearer to half its window than it was, on either side of that."""
    if not isinstance(before, Conv) or not isinstance(before.padding, int) or not isinstance(after.padding, int):
        return False
    half = _half(after)
    return (
        isinstance(half, int)
        and before.padding > half > after.padding
        and half - after.padding >= before.padding - half
    )


def _entries(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def together(case: Case) -> Iterator[Candidate]:
    """Yield one setting for all layers that are alike, where it makes each of them more usual."""
    sketch = sketched(case)
    groups: dict[Any, list[int]] = {}
    for value in reversed(sketch.upstream):
        if (layer := sketch.layers[value - sketch.first]) is not None and set(SOLVED) & layer.parameters.keys():
            groups.setdefault((layer.type, _geometry(layer)), []).append(value)
    for values in groups.values():
        nodes = {node.place: node for value in values if (node := sketch.node(value))}
        if len(nodes) > 1 and not sketch.is_apart(values[0]):
            yield from _all_alike(case, sketch, values, [*nodes.values()])


def _all_alike(case: Case, sketch: Sketch, values: list[int], nodes: list[Node]) -> Iterator[Candidate]:
    """Yield one setting for the layers of some values, whose places in the file are those of some nodes."""
    every = {one for value in values for one in sketch.alike(value)}
    before = sketch.layers[values[0] - sketch.first]
    if before is None:
        return

    def usual(parameter: str, new: Any) -> Layer | None:
        if parameter in ("kernel_size", "dilation", "stride") and not isinstance(before, ConvTranspose):
            return None
        after = before.replace(**{parameter: new})
        return after if parameter == "output_padding" or oddness(after) < oddness(before) else None

    for parameter, new, other in variants(case, sketch, values[0], usual):
        family = f"all {parameter}"
        if sketch.mends(sketch.setting(every, parameter, new)):
            rank = max(2.1, 3.0 + _far(before, parameter, other))
            parts = [
                next(changes(case, node, parameter, _plain(new), rank=rank, family=family), None) for node in nodes
            ]
            if first := joined(parts):
                yield first


def joined(parts: list[Candidate | None]) -> Candidate | None:
    """Return all changes as one; None where one is missing."""
    found = [part for part in parts if part]
    return reduce(Candidate.and_, found) if found and len(found) == len(parts) else None


def worded(case: Case) -> Iterator[Candidate]:
    """Yield the padding that keeps a side, in the words of the block that a convolution stands in: padding = "dilation"."""
    sketch = sketched(case)
    done = set()
    for value in sketch.upstream:
        node = sketch.node(value)
        if node is None or not isinstance(node.layer, Conv) or node.place in done or not case.own(node.place):
            continue
        done.add(node.place)
        table = case.at(node.place.path)
        kernel, dilation = (
            (table.get(name, 1) for name in ("kernel_size", "dilation")) if isinstance(table, dict) else (1, 1)
        )
        text = _keeping(kernel, dilation)
        if text and (isinstance(kernel, str) or isinstance(dilation, str)) and table.get("padding") != text:
            layers = {}
            for one in sketch.alike(value):
                other = sketch.layers[one - sketch.first]
                layers[one] = other.replace(padding=_half(other)) if isinstance(other, Conv) else other
            if all(layers.values()) and sketch.mends({one: layer for one, layer in layers.items() if layer}):
                yield from case.change(node, "padding", text, rank=2.2, family="setting padding")


def _keeping(kernel: Any, dilation: Any) -> str:
    """Return the expression of the padding that keeps a side; "" where the kernel is even or no number."""
    if isinstance(kernel, int) and kernel % 2 and isinstance(dilation, str):
        return dilation if kernel == 3 else f"{kernel // 2} * ({dilation})"  # noqa: PLR2004 -- one cell each side
    if isinstance(kernel, str) and dilation == 1:
        return f"{kernel} // 2" if kernel.isidentifier() else f"({kernel}) // 2"
    return ""


def _half(layer: Conv) -> Any:
    """Return the padding that keeps a side."""
    rank = max((len(one) for one in (layer.kernel_size, layer.dilation) if isinstance(one, tuple)), default=1)
    axes = zip(per_axis(layer.kernel_size, rank), per_axis(layer.dilation, rank), strict=False)
    halves = tuple(d * (k - 1) // 2 for k, d in axes)
    return halves if rank > 1 else halves[0]


def variants(
    case: Case,
    sketch: Sketch,
    value: int,
    meant: Callable[[str, Any], Layer | None] | None = None,
    *,
    unseen: bool = False,
) -> Iterator[tuple[str, Any, Layer]]:
    """Yield other settings of a layer: the parameter, its value, the layer; those that give another result.

    Or `unseen` ones, that give the same at the declared input, from as many parameters. `meant` returns the layer with
    another value of a parameter, None where nobody would mean it.
    """
    node = sketch.node(value)
    assert node is not None
    layer = node.layer
    assert layer is not None
    row = case.report.layers[value - sketch.first]
    entering = row.input_shapes
    rank = len(entering[0] or ()) - 1
    if rank < 1 or UNKNOWN in (entering[0] or ()):
        return
    failing = sketch.failing if sketch.failing is None or max(sketch.failing, default=0) < rank else None
    for parameter in SOLVED:
        if parameter not in layer.parameters:
            continue
        old = getattr(layer, parameter, None)
        for new in _values(layer, parameter, old, rank, failing):
            try:
                other = meant(parameter, new) if meant else layer.replace(**{parameter: new})
                if other is None:
                    continue
                result = measured(other, entering)
            except (TypeError, ValueError, ZeroDivisionError):
                continue
            to_one = parameter == "stride" and 1 in (result.output or ())[1:] and 1 not in (row.result.output or ())[1:]
            if to_one:  # a stride that drops all rows but one
                continue
            same = result.output == row.result.output and (not unseen or result.parameters == row.result.parameters)
            if not result.refusals and UNKNOWN not in (result.output or ()) and same == unseen:
                yield parameter, new, other


def _values(layer: Layer, parameter: str, old: Any, rank: int, failing: frozenset[int] | None) -> Iterator[Any]:
    """Yield the values that a parameter might have had: all of its sense for padding, those near for the others."""
    if parameter == "ceil_mode":
        yield not old
        return
    if isinstance(old, str) or old is UNKNOWN:
        return
    one = [*per_axis(old, rank)] if old is not None and parameter != "upscale_factor" else [old] * rank
    pairs = any(isinstance(entry, tuple) for entry in one)
    if pairs or (parameter == "scale_factor" and old is None):
        return
    if parameter == "stride" and old is None:
        one = [*per_axis(layer.kernel_size, rank)]  # type: ignore[attr-defined]
    lists = any(isinstance(getattr(layer, name, None), tuple) for name in GEOMETRY)
    axes = [_choices(layer, parameter, entry, axis, rank) for axis, entry in enumerate(one if lists else one[:1])]
    axes *= 1 if lists else rank
    whole = failing is None or len(failing) == rank or parameter == "upscale_factor"
    plain = not any(isinstance(getattr(layer, name, None), tuple) for name in (parameter, "kernel_size"))
    if len({*one}) == 1 and (whole or plain):
        yield from (choice if not isinstance(old, tuple) else (choice,) * rank for choice in axes[0])
    if whole and len({*one}) == 1:
        return
    if whole:
        for axis, choices in enumerate(axes):
            yield from ((*one[:axis], choice, *one[axis + 1 :]) for choice in choices)
    elif failing:
        for choice in axes[min(failing)]:
            yield tuple(choice if axis in failing else entry for axis, entry in enumerate(one))


def _choices(layer: Layer, parameter: str, old: Any, axis: int, rank: int) -> list[int]:
    if not isinstance(old, int) or isinstance(old, bool):
        return []

    def of(name: str, default: int) -> int:
        value = getattr(layer, name, None)
        if value is None or isinstance(value, str):
            return default
        try:
            entry = per_axis(value, rank)[axis]
        except (LookupError, ValueError, TypeError):
            return default
        return entry if isinstance(entry, int) else default

    kernel, dilation, stride = of("kernel_size", 1), of("dilation", 1), of("stride", 1)
    values: Iterable[int]
    match parameter:
        case "padding":
            if isinstance(layer, Pad):
                values = range(max(0, old - NEAR), old + NEAR + 1)
            else:
                most = kernel // 2 if isinstance(layer, Pooling) else dilation * (kernel - 1)
                values = range(min(most, 64) + 1)
        case "output_padding":
            values = range(max(stride, dilation))
        case "stride":
            values = [*range(1, max(5, min(old, 8) + 1)), *([old // 2] if old > 2 * COMMON_STRIDE**2 else [])]
        case "dilation":
            values = range(1, min(max(old + 3, 2 * old + 1), 40))
        case "scale_factor" | "upscale_factor":
            values = range(1, 9)
        case _:
            low = min(old + NEAR, MOST_TRIED)
            values = [*range(1, low + 1), *range(max(low + 1, old - NEAR), old + NEAR + 1)]
    return [value for value in values if value != old]


def _plain(new: Any) -> Any:
    return list(new) if isinstance(new, tuple) else new


def _far(before: Layer, parameter: str, after: Layer) -> float:
    """Return how far a value is from the old one; a list that was a number before is a little farther."""
    if parameter == "ceil_mode":
        return 0.45
    old, new = getattr(before, parameter), getattr(after, parameter)
    if old is None:
        old = getattr(before, "kernel_size", 1)
    rank = len(new) if isinstance(new, tuple) else len(old) if isinstance(old, tuple) else 1
    one, other = per_axis(old, rank), per_axis(new, rank)
    steps = max(abs(a - b) for a, b in zip(one, other, strict=False) if isinstance(a, int) and isinstance(b, int))
    to_one = 0.8 * (parameter == "kernel_size" and 1 in other and 1 not in one)
    return (
        to_one
        + 0.05 * min(steps, 12)
        + 0.3 * (isinstance(new, tuple) and not isinstance(old, tuple))
        + OF_KIND.get(parameter, 0.0)
    )


OF_KIND: Final = {"dilation": 0.6, "stride": 0.1, "kernel_size": 0.1, "padding": 0.0, "output_padding": -0.05}


class Regular:
    """The settings that the siblings of a layer have: the layers of its type elsewhere in the file."""

    def __init__(self, case: Case, node: Node):
        self.node = node
        places = {node.place}
        self.siblings: list[Layer] = []
        for row in case.report.layers:
            other = row.node
            parallel = other.inputs == node.inputs  # branches are meant to differ
            if other.layer is not None and other.type == node.type and other.place not in places and not parallel:
                places.add(other.place)
                self.siblings.append(other.layer)
        self.whole = Counter(map(_geometry, self.siblings))

    def known(self, layer: Layer) -> bool:
        """Say whether a sibling has the very settings."""
        return bool(self.siblings) and self.whole[_geometry(layer)] > 0

    def meant(self, parameter: str, new: Any, *, named: bool) -> Layer | None:
        """Return the layer with another value that people would mean: a sibling has it all, or it is sensible; or None."""
        before = self.node.layer
        assert before is not None
        only_known = (parameter == "kernel_size" and not named and oddness(before) <= 0) or (
            parameter == "dilation" and {*_entries(before.dilation)} == {1}  # type: ignore[attr-defined]
        )
        if only_known and all(getattr(one, parameter, None) != new for one in self.siblings):
            return None
        after = before.replace(**{parameter: new})
        return after if self.known(after) or sensible(before, parameter, after, named=named) else None

    def worse(self, after: Layer, parameter: str) -> float:
        """Return how much less a layer with another setting is like its siblings, and like what people write."""
        before = self.node.layer
        assert before is not None
        count = len(self.siblings)
        change = 0.0
        if count:
            change += 0.8 * (self.whole[_geometry(before)] - self.whole[_geometry(after)]) / count
            old, new = getattr(before, parameter, None), getattr(after, parameter, None)
            values = Counter(repr(getattr(one, parameter, None)) for one in self.siblings)
            change += 0.4 * (values[repr(old)] - values[repr(new)]) / count
        return change + 0.35 * (oddness(after) - oddness(before))


@lru_cache(maxsize=2**12)
def _geometry(layer: Layer) -> Any:
    return tuple(repr(getattr(layer, name, None)) for name in GEOMETRY)


@lru_cache(maxsize=2**12)
def oddness(layer: Layer) -> float:
    """Return how unusual the settings of a layer are, by what people write: paddings that keep a side, odd kernels."""
    kernel, padding = getattr(layer, "kernel_size", None), getattr(layer, "padding", None)
    stride, dilation = getattr(layer, "stride", 1), getattr(layer, "dilation", 1)
    if not isinstance(kernel, int | tuple) or not isinstance(padding, int | tuple):
        return 0.0
    rank = max((len(one) for one in (kernel, padding, stride, dilation) if isinstance(one, tuple)), default=1)
    odd = 0.3 * rank * (isinstance(layer, Pooling) and {*_entries(kernel)} == {1})  # which pools nothing
    if stride is None:
        stride = kernel
    axes = [per_axis(one, rank) for one in (kernel, padding, stride, dilation)]
    if len({*map(len, axes)}) > 1:  # lists of several lengths, which the layer refuses
        return 0.0
    added = getattr(layer, "output_padding", 0)
    more = added if isinstance(added, int) else 0
    for k, p, s, d in zip(*axes, strict=True):
        if not all(isinstance(one, int) for one in (k, p, s, d)):
            return 0.0
        if isinstance(layer, Conv):
            odd += (
                1.0 * (2 * p != d * (k - 1) if s < k else p > 0)
                + 1.0 * (k == 1 < d)
                + 0.7 * (k % 2 == 0 and k != s)
                + 0.5 * (s > k > 1)
                + 0.3 * (s > COMMON_STRIDE)
            )
        elif isinstance(layer, ConvTranspose):
            odd += 0.5 * (s > k) + (0.3 if k == 2 * s else 0.5) * (k - s - 2 * p not in (0, -more))
        else:
            odd += 0.5 * (s > k) + 0.6 * (p > 0 and 2 * p != k - 1) + 0.3 * (k > 3)  # noqa: PLR2004 -- most are 2 or 3
    return odd / rank
