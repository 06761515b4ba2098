"""The net that grows while a recording is lowered: its nodes, and every recorded tensor as a view of one of its values.

In: layers with the views that enter, one operation after the other. Out: nodes. Sizes are those of all runs at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.called import kinds_of
from cnnshape.compare.code import place_of
from cnnshape.convert.names import layer_name, unlike
from cnnshape.convert.settings import refusal, settings
from cnnshape.convert.views import Sizes, View, grouped, is_one, reshaped, same, times, whole_view
from cnnshape.layers.joining import Concat
from cnnshape.layers.parameters import PerAxis
from cnnshape.layers.rearranging import (
    ChannelShuffle,
    DepthToSpace,
    Flatten,
    Permute,
    PixelShuffle,
    PixelUnshuffle,
    Reshape,
    SpaceToDepth,
    Unflatten,
)
from cnnshape.layers.shaping import Upsample
from cnnshape.layers.stated import Requirement
from cnnshape.network.flow import measure
from cnnshape.network.graph import Node
from cnnshape.numbers.recorded import expression_of, sides_of
from cnnshape.numbers.shape import CHANNELS_FIRST, LARGEST
from cnnshape.numbers.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from cnnshape.compare.recording import Line, Op, Recording, Tensor
    from cnnshape.convert.views import Size
    from cnnshape.layers.base import Layer
    from cnnshape.layers.in_torch import Called

IMAGE: Final = 3  # axes of an image
MOST_RUNS: Final = 8
PARTS: Final = (2, 4, 8, 16, 32)  # of a side, which are as exact as a float
TIMES: Final = (2, 3, 4, 8)  # a side that a model of higher resolution gives
SPLIT: Final = 2  # parts of an axis of channels that is shuffled; spatial axes of an image


NOTHING: Final = {"multiple_of": 1, "plus": 0, "at_least": 1, "at_most": LARGEST}  # where an axis is not asked about

Required = Mapping[int, Mapping[int, dict[str, int]]]  # what `require` has, by recorded value and axis of the tensor


class Gap(Exception):  # noqa: N818 -- it names a fact
    """No layer types say what an operation does."""


class At(NamedTuple):
    """Where in the model a node comes from: the module's path that names it, and the line of code."""

    path: str
    line: Line | None


class Waiting(NamedTuple):
    """A padding that a window behind it may explain."""

    view: View  # of what is padded
    ends: Sequence[tuple[Size, Size]]  # the cells before and after each spatial axis
    mode: str
    fill: float


class Carried(NamedTuple):
    """What a tensor without a view is made of, until a layer takes it."""

    weights: tuple[str, ...]
    macs: list[Size]  # one, or none when they have been counted

    def take(self) -> Size:
        """Return the multiply-accumulates, in each run, once."""
        return self.macs.pop() if self.macs else (0,) * MOST_RUNS


class Mark(NamedTuple):
    """A state of the net to which it can go back."""

    nodes: int
    views: dict[int, View]


class Growing:
    """The nodes so far, and the views of the recorded tensors."""

    def __init__(self, recordings: Sequence[Recording], required: Required):
        self.recordings, self.required = recordings, required
        first = recordings[0]
        self.shapes: dict[int, Sizes] = {}  # of each recorded tensor, with the batch, by its id
        self.note_shapes()
        self.views: dict[int, View] = {}  # by recorded value
        self.made_at: dict[int, At] = {}  # by recorded value
        self.sizes: list[Sizes] = [()]  # by value of the net
        self.nodes: list[Node] = []
        self.names: set[str] = set()
        # for layers whose weights a checkpoint has by these names
        self.reserved = frozenset(map(layer_name, first.weighted()))
        self.taken = {*self.reserved}
        self.done: dict[Any, int] = {}  # the values of layers without weights, by what made them
        self.owners: dict[str, str] = {}  # the node that has each weight
        self.pending: dict[int, Waiting] = {}  # paddings that a window behind may explain
        self.pools: dict[int, tuple[int, Any]] = {}  # by recorded indices: what entered the max_pool, and the pool
        self.narrowed: dict[
            int, Any
        ] = {}  # by recorded value: the tensor that was cut along several axes, and the cuts
        self.final: dict[int, View] = {}  # by recorded states of all layers: those of the last layer
        self.twins: dict[int, int] = {}  # values of nodes that share the weights of another value's
        self.returned = {output.tensor.value for output in first.outputs}
        self.read = self.returned.union(tensor.value for op in first.ops for tensor in op.inputs)
        self.computed = self.returned.union(  # what others than concats read
            t.value for op in first.ops if op.call is None or Concat not in kinds_of(op.call.name) for t in op.inputs
        )
        self.at = At("", None)
        self.carried: dict[int, Carried] = {}  # by recorded value
        self.raised = False  # torch refuses the operation that is lowered
        for tensor in first.inputs.values():
            sizes = self.shapes[id(tensor)]
            self.sizes.append(sizes[1:])
            self.views[tensor.value] = whole_view(len(self.sizes) - 1, sizes[1:])
        self.inputs = len(self.sizes)
        for tensor in first.inputs.values():
            self._require(tensor)

    def note_shapes(self) -> None:
        first, *others = self.recordings
        for name, tensor in first.inputs.items():
            self._note(tensor, *(other.inputs[name] for other in others))
        for ops in zip(*(recording.ops for recording in self.recordings), strict=True):
            for one in (*zip(*(op.inputs for op in ops), strict=True), *zip(*(op.outputs for op in ops), strict=True)):
                self._note(*one)

    def _note(self, *tensors: Tensor) -> None:
        self.shapes[id(tensors[0])] = tuple(zip(*(tensor.shape for tensor in tensors), strict=True))

    def count_one(self, samples: int) -> None:
        """Take the samples that a view made of one for one, in all tensors."""
        self.shapes = {
            key: ((1,) * len(self.recordings), *shape[1:]) if shape and shape[0][0] == samples else shape
            for key, shape in self.shapes.items()
        }

    # Views

    def view(self, tensor: Tensor) -> View:
        if tensor.value not in self.views:
            raise Gap("it has nothing of the input")
        return self.views[tensor.value]

    def empty(self, tensor: Tensor) -> bool:
        """Say whether a tensor has no elements in all runs, as the tokens before the first, and only concats read it, which leave it out."""
        read = tensor.value and tensor.value in self.computed
        return not read and not any(times(self.shapes[id(tensor)]) or (1,))

    def give(self, tensor: Tensor, view: View) -> None:
        """Note the view that a result of an operation is. Raises Gap where its shape is not the recorded one."""
        shape = self.shapes[id(tensor)]
        if self.raised:
            view = self._declared(view, shape)
        fits = len(shape) == len(view.axes) and all(
            same(view.size(axis) or (1,) * len(size), size) for axis, size in enumerate(shape)
        )
        if not fits:
            raise Gap(f"its shape is {[size[0] for size in shape]}")
        self.views[tensor.value] = view
        self.made_at[tensor.value] = self.at
        self._require(tensor)

    def _require(self, tensor: Tensor) -> None:
        """Put what the model's code requires of a tensor's sides behind it."""
        asked, view = self.required.get(tensor.value, {}), self.views[tensor.value]
        sides = {view.whole(axis): given for axis, given in asked.items() if axis < len(view.axes)}
        space = len(view.parts) - 1
        if not any(axis for axis in sides if axis) or view.value < 0:
            return
        names = {name for axis, given in sides.items() if axis for name in given}
        settings = {
            name: tuple(sides.get(axis, {}).get(name, NOTHING[name]) for axis in range(1, space + 1)) for name in names
        }
        value = self.add(Requirement(**settings), [view.value])
        self.views[tensor.value] = view.of(value, self.sizes[value])

    def _declared(self, view: View, shape: Sizes) -> View:
        """Return the view of what torch refuses to compute, with the shape that the operation declares."""
        sizes = {part: size for parts, size in zip(view.axes, shape, strict=False) for part in parts if len(parts) == 1}
        found = view._replace(sizes={**view.sizes, **sizes})
        if len(view.axes) != len(shape):
            found = whole_view(view.value, shape[1:])
        if view.value >= self.inputs:
            self.sizes[view.value] = found.value_sizes()
        return found

    def natural(self, tensor: Tensor) -> list[int]:
        """Return the axes of a tensor but for the batch."""
        view = self.view(tensor)
        axis = tensor.batch if tensor.batch is not None else 0
        if axis >= len(view.axes) or view.axes[axis]:
            axis = next((at for at, parts in enumerate(view.axes) if not parts), -1) if tensor.batch is not None else -1
            axis = axis if axis == 0 else -1
        return [at for at in range(len(view.axes)) if at != axis]

    def plain(self, tensor: Tensor, order: Sequence[int] | None = None) -> tuple[int, list[int]]:
        """Return a value with the axes of the tensor, without the batch or in an order, and these axes."""
        if order is None:
            order = self.natural(tensor)
            if order[:1] == [0]:  # windows are folded into the batch
                order = [*spread([self.view(tensor)], [0]), *order[1:]]
        return self.settled(self.view(tensor), order, self.made_at.get(tensor.value)), [*order]

    def laid(self, value: int, order: Sequence[int], rank: int) -> View:
        """Return a view of a value whose axes are those of a tensor, in an order; the other axes are of 1.

        An axis of the tensor that stands there several times is that many axes of the value.
        """
        view = whole_view(value, self.sizes[value])
        if len(view.parts) != len(order):
            raise Gap(f"its value has {len(view.parts)} axes")
        return view.with_axes(
            tuple(parts[0] for parts, at in zip(view.parts, order, strict=True) if at == axis) for axis in range(rank)
        )

    def led(self, tensor: Tensor, changed: Collection[int]) -> View:
        """Return a view of a tensor whose value begins with an axis that stays, and is none of those that are changed: channels."""
        view, axes = self.view(tensor), self.natural(tensor)
        stays = [axis for axis in axes if axis not in changed and constant(view.size(axis))][:1]
        order = [*stays, *(axis for axis in axes if axis not in stays)]
        return self.laid(self.plain(tensor, order)[0], order, len(view.axes))

    def settled(self, view: View, order: Sequence[int], at: At | None = None, beside: Sequence[int] = ()) -> int:
        """Return a value whose axes are those of the view in an order, with the layers that it takes.

        Of the values whose sides it may have, those `beside` come first.
        """
        before, self.at = self.at, at or self.at
        try:
            return self._settled(view, order, beside)
        finally:
            self.at = before

    def _settled(self, view: View, order: Sequence[int], beside: Sequence[int] = ()) -> int:
        wanted = _wanted(view, order)
        missing = [axis for axis in range(len(view.axes)) if axis not in order and view.axes[axis]]
        if any(not is_one(view.sizes[part]) for axis in missing for part in view.axes[axis]):
            raise Gap("an axis is left out")
        if any(view.repeated(part) for parts in wanted for part in parts):
            return self._repeated(view, order)
        shuffled = self._shuffled(view, wanted)
        if shuffled is not None:
            return shuffled
        value, parts = self._split(view, beside)
        return self._merged(*self._permuted(value, parts, wanted), view, wanted)

    def _repeated(self, view: View, order: Sequence[int]) -> int:
        """Return a value whose cells are repeated, one by one, as those of axes of 1: an image resized."""
        kept = [tuple(part for part in parts if not view.repeated(part)) for parts in view.axes]
        if any(parts[: len(own)] != own for parts, own in zip(view.axes, kept, strict=True)):
            raise Gap("an axis is repeated as a whole")
        value = self._settled(view.with_axes(kept), order)
        sizes = [view.size(axis) or (1,) * view.runs() for axis in order]
        if not sizes or same(sizes[0], self.sizes[value][0]):
            return self._resized(value, sizes)
        value = self.add(Unflatten(dim=1, unflattened_size=(1, -1)), [value])  # a resize leaves the first axis
        value = self._resized(value, [(1,) * view.runs(), *sizes])
        return self.add(Flatten(**({"start_dim": 1, "end_dim": 2} if len(order) > 1 else {})), [value])

    def _resized(self, value: int, sizes: Sequence[Size]) -> int:
        """Return a value resized to sizes, the first of which stays."""
        own = self.sizes[value]
        if not 1 < len(sizes) <= IMAGE + 1:
            raise Gap("an axis is repeated")
        factors = [{out / w for out, w in zip(*each, strict=True)} for each in zip(sizes[1:], own[1:], strict=True)]
        if any(not constant(size) for size in sizes) and all(len(factor) == 1 for factor in factors):
            return self.add(Upsample(scale_factor=tuple(int(factor.pop()) for factor in factors)), [value])
        varying = [size for size, old in zip(sizes, own, strict=True) if not constant(size) and size != old]
        if varying:
            liked = next((other for other in self.nearest() if self.sizes[other][1:] == tuple(sizes[1:])), None)
            if liked is None:
                raise Gap("an axis is repeated as often as no other value has cells")
            return self.add(Upsample(like=True), [value], references=[liked])
        return self.add(Upsample(size=tuple(size[0] for size in sizes[1:])), [value])

    def _split(self, view: View, beside: Sequence[int] = ()) -> tuple[int, list[int]]:
        """Return a value with an axis for each part, and the parts."""
        value = view.value
        for axis in reversed(range(len(view.parts))):
            value = self._apart(value, axis, [view.sizes[part] for part in view.parts[axis]], beside)
        return value, [part for parts in view.parts for part in parts]

    def _apart(self, value: int, axis: int, sizes: Sequence[Size], beside: Sequence[int] = ()) -> int:
        """Return a value whose axis is split into sizes: where several of them vary, as the sides of another value are."""
        if len(sizes) == 1:
            return value
        vary = [index for index, size in enumerate(sizes) if not constant(size)]
        if len(vary) > 1:
            first, last = vary[0], vary[-1] + 1
            liked, groups = self._with_sides(sizes[first:last], beside)
            if groups:
                value = self._apart(value, axis, [*sizes[:first], times(sizes[first:last]), *sizes[last:]])
                value = self.add(Unflatten(dim=axis + first + 1, like=True), [value], references=[liked])
                for index, group in reversed([*enumerate(groups, start=axis + first)]):
                    value = self._apart(value, index, group)
                return value
        return self.add(Unflatten(dim=axis + 1, unflattened_size=_written(sizes)), [value])

    def _with_sides(self, sizes: Sequence[Size], beside: Sequence[int]) -> tuple[int, Sequence[Sequence[Size]]]:
        """Return a value whose sides are sizes, and the sizes that each side joins; nothing where there is none.

        Where a value has the sizes side by side among other axes, these are joined to one in front of them.
        """
        values = [*beside, *self.nearest()]
        for value in values:
            if groups := grouped(sizes, self.sizes[value][1:]):
                return value, groups
        count = len(sizes)
        for value in values:
            shape = self.sizes[value]
            at = next((at for at in range(len(shape) - count + 1) if shape[at : at + count] == tuple(sizes)), None)
            if at is not None:
                sides = range(at + 1, at + count + 1)
                others = [axis for axis in range(1, len(shape) + 1) if axis not in sides]
                if at + count < len(shape):
                    value = self.add(Permute(dims=(*others, *sides)), [value])  # noqa: PLW2901 -- with its sides last
                if len(others) > 1:
                    value = self.add(Flatten(start_dim=1, end_dim=len(others)), [value])  # noqa: PLW2901 -- with one axis
                if not others:
                    value = self.add(Unflatten(dim=1, unflattened_size=(1, -1)), [value])  # noqa: PLW2901 -- before them
                return value, [[size] for size in sizes]
        return 0, ()

    def _permuted(self, value: int, parts: list[int], wanted: list[list[int]]) -> tuple[int, list[int]]:
        """Return the value with its axes in the wanted order, axes of 1 behind those that they were behind."""
        order = [part for axis in wanted for part in axis]
        for index, part in enumerate(parts):
            if part not in order:
                behind = next((p for p in reversed(parts[:index]) if p in order), None)
                order.insert(0 if behind is None else order.index(behind) + 1, part)
        if order != parts:
            dims = tuple(parts.index(part) + 1 for part in order)
            value = self.add(Permute(dims=dims), [value])
        return value, order

    def _merged(self, value: int, parts: list[int], view: View, wanted: list[list[int]]) -> int:
        """Return the value with its axes joined as wanted, and axes of 1 where there are none."""
        left, groups = [*parts], list[list[int]]()
        for axis in wanted:
            group = list[int]()
            if not axis and left and is_one(view.sizes[left[0]]):
                group.append(left.pop(0))
            while not {*axis} <= {*group}:
                group.append(left.pop(0))
            groups.append(group)
        filled = [group for group in groups if group]
        if left and filled:
            filled[-1] += left
        start = len(parts)
        for group in reversed(filled):
            start -= len(group)
            if len(group) > 1:
                everything = len(group) == len(parts)
                given = {} if everything else {"start_dim": start + 1, "end_dim": start + len(group)}
                value = self.add(Flatten(**given), [value])
        return self._with_ones(value, [bool(group) for group in groups])

    def _with_ones(self, value: int, filled: list[bool]) -> int:
        """Return the value with axes of 1 where there are none, those side by side in one step."""
        if not any(filled):
            alone = self.sizes[value] and all(map(is_one, self.sizes[value]))
            return self.add(Reshape(shape=(1,) * len(filled)), [value]) if filled or alone else value
        index = 0
        while index < len(filled):
            if filled[index]:
                index += 1
                continue
            ones = next((n for n, there in enumerate(filled[index:]) if there), len(filled) - index)
            dim, sizes = (index, (-1, *[1] * ones)) if index else (1, (*[1] * ones, -1))
            value = self.add(Unflatten(dim=dim, unflattened_size=sizes), [value])
            index += ones
        return value

    def _shuffled(self, view: View, wanted: list[list[int]]) -> int | None:
        """Return the value where a split, an exchange and a merge of axes are one layer; None where not."""
        split = [axis for axis, parts in enumerate(view.parts) if len(parts) > 1]
        if not split or len(wanted) != len(view.parts):
            return None
        sizes = view.sizes
        if split == [0] and [*view.parts[0]] == wanted[0][::-1] and len(view.parts[0]) == SPLIT:
            rest = [[part for part in parts if not is_one(sizes[part])] for parts in view.parts[1:]]
            groups = sizes[view.parts[0][0]]
            if rest == wanted[1:] and constant(groups) and len(view.parts) > 1:
                return self.add(ChannelShuffle(groups=groups[0]), [view.value])
        space = len(view.parts) - 1
        if not space:
            return None
        if split == [0] and len(view.parts[0]) == space + 1:
            kept, *moved = view.parts[0]
            blocks = {sizes[part] for part in moved}
            into = [[axis[0], part] for axis, part in zip(view.parts[1:], moved, strict=True)]
            if wanted == [[kept], *into] and len(blocks) == 1 and constant(block := blocks.pop()):
                image: Layer = (
                    PixelShuffle(upscale_factor=block[0]) if space == SPLIT else DepthToSpace(block_size=block[0])
                )
                return self.add(image, [view.value])
        if split == [*range(1, space + 1)] and all(len(parts) == SPLIT for parts in view.parts[1:]):
            blocks = {sizes[parts[1]] for parts in view.parts[1:]}
            channels = [view.parts[0][0], *(parts[1] for parts in view.parts[1:])]
            if wanted == [channels, *([parts[0]] for parts in view.parts[1:])] and len(blocks) == 1:
                block = blocks.pop()
                if constant(block):
                    image = (
                        PixelUnshuffle(downscale_factor=block[0])
                        if space == SPLIT
                        else SpaceToDepth(block_size=block[0])
                    )
                    return self.add(image, [view.value])
        return None

    def with_whole(self, tensor: Tensor, axis: int) -> View:
        """Return a view of the tensor in which this axis is one of the value's, with the layers that this takes."""
        view = self.view(tensor)
        if view.whole(axis) is not None:
            return view
        found = view.axes[axis]
        if len(found) == 1 and not view.repeated(found[0]):
            value, parts = self._split(view)
            return View(value, tuple((part,) for part in parts), view.axes, view.sizes)
        value, order = self.plain(tensor, self.natural(tensor))
        return self.laid(value, order, len(view.axes))

    def reshape(self, tensor: Tensor, target: Sizes) -> View:
        """Return the view of a tensor in another shape."""
        view = self.view(tensor)
        repeats = any(view.repeated(part) for parts in view.axes for part in parts)
        found = None if repeats else reshaped(view, target)
        mark = self.mark()
        try:
            if found is None:
                value, order = self.plain(tensor)
                found = reshaped(self.laid(value, order, len(view.axes)), target)
        except Gap:
            self.back_to(mark)
            found = reshaped(view, target) if repeats else None
            if found is None:
                raise
        if found is None:  # pieces of several axes: they are joined before
            value = self.add(Flatten(), [value])
            found = reshaped(whole_view(value, self.sizes[value]), target)
        if found is None:
            raise Gap("it is read in a shape that does not follow from its own")
        return found

    # Nodes

    def add(  # noqa: PLR0913 -- what a node has
        self,
        layer: Layer,
        inputs: Sequence[int],
        name: str = "",
        *,
        references: Sequence[int] = (),
        path: str | None = None,
        sizes: Sizes | None = None,
        loose: bool = False,
        anew: bool = False,
    ) -> int:
        """Add a layer, or find the one that is there already, unless it is to be `anew`; return its value.

        `path` is its name; without it `name`, or its type, stands behind the path of the module that it is in. `sizes` are those of its
        result, where they are known. Raises Gap where it refuses its inputs in a run.
        """
        entering = [*inputs, *references]
        if any(value in self.pending for value in entering):
            raise Gap("its padding follows no rule")
        key = (layer, *entering)
        if path is None and not anew and key in self.done:
            return self.done[key]
        x = tuple(size[0] for size in self.sizes[entering[0]])
        layer = settled(layer, x)
        if why := refusal(layer, settings(layer, x, CHANNELS_FIRST)):
            raise Gap(f"of {layer.type}, {why}{self.place()}")
        if sizes is None or not loose:
            found = self._measured(layer, entering)
            if sizes is not None and not self.raised and found != tuple(sizes):
                raise Gap(f"{layer.type} would give {[size[0] for size in found]}")
            sizes = found
        title, keys = self._title(path, name or layer.type), frozenset(("name",) if path else ())
        self.nodes.append(Node(title, layer.type, layer, tuple(entering), place_of(self.at.line), keys))
        self.sizes.append(tuple(sizes))
        if not anew and path is None:
            self.done[key] = len(self.sizes) - 1
        return len(self.sizes) - 1

    def place(self) -> str:
        """Return the line of code that is lowered, in brackets."""
        line = self.at.line
        return f" ({PurePath(line.file).name}:{line.line})" if line else ""

    def unknown(self, path: str | None, kind: str, entering: Sequence[int]) -> int:
        """Add a node of which nothing is known; return its value."""
        self.nodes.append(Node(self._title(path, kind), kind, None, tuple(entering), place_of(self.at.line)))
        self.sizes.append(())
        return len(self.sizes) - 1

    def _title(self, path: str | None, name: str) -> str:
        """Return the name of a node: its path, or its own name behind that of the module that it is in."""
        within = path if path is not None else f"{self.at.path}.{name}" if self.at.path else name
        title = layer_name(within)
        if path is None or title in self.names:
            title = unlike(title, self.taken)
        self.names.add(title)
        self.taken.add(title)
        return title

    def nearest(self) -> Iterator[int]:
        """Yield the values whose sides another may take: the inputs, then those of the layers, the last first."""
        yield from range(1, self.inputs)
        yield from reversed(range(self.inputs, len(self.sizes)))

    def scaled_input(self, sides: Sequence[Size]) -> int | None:
        """Return an input resized to sides that are a multiple or a part of its own, for a layer that has these; None for others."""
        for entering in range(1, self.inputs):
            for by, n in (*((n, 1) for n in TIMES), *((1, n) for n in PARTS)):
                if tuple(sides) == tuple(tuple(w * by // n for w in axis) for axis in self.sizes[entering][1:]):
                    return self.add(Upsample(scale_factor=by if n == 1 else 1 / n), [entering])
        return None

    def gives(self, layer: Layer, entering: Sequence[int]) -> Sizes:
        """Return what a layer gives for values. Raises Gap where it refuses them in a run."""
        return self._measured(settled(layer, tuple(size[0] for size in self.sizes[entering[0]])), entering)

    def _measured(self, layer: Layer, entering: Sequence[int]) -> Sizes:
        found = []
        for run in range(len(self.recordings)):
            result = measure(layer, tuple(tuple(size[run] for size in self.sizes[value]) for value in entering))
            output = result.output
            if output is None or result.refusals or UNKNOWN in output:
                if not self.raised:
                    why = next((f"{refusal.code} {refusal.facts}" for refusal in result.refusals), "")
                    raise Gap(f"{layer.type} refuses: {why}")
                output = tuple(
                    1 if size is UNKNOWN else size for size in output or ()
                )  # until the operation declares it
            found.append(output)
        return tuple(zip(*found, strict=True))

    def wait(self, output: Tensor, sizes: Sizes, waiting: Waiting) -> None:
        """Note a padding whose cells vary, until a window behind it says why."""
        value = -1 - len(self.pending)
        self.pending[value] = waiting
        self.give(output, whole_view(value, sizes))

    def fresh(self, names: Sequence[str]) -> int:
        """Return the number of parameters among weights that no layer has."""
        weights = self.recordings[0].weights
        return sum(weights[name].numel() for name in names if weights[name].parameter and name not in self.owners)

    def share(self, value: int, other: int) -> None:
        """Note that a node has the weights of another."""
        self.twins[value] = other

    def followed(self, op: Op, name: str, position: int) -> list[int]:
        """Return the values whose sides an argument was computed from, the nearest first."""
        if op.call is None:
            return []
        given = op.call.kwargs.get(name, op.call.args[position] if len(op.call.args) > position else None)
        numbers = given if isinstance(given, tuple | list) else [given]
        found = dict.fromkeys(side.value for number in numbers for side in sides_of(expression_of(number)))
        views = [self.views[value] for value in reversed(found) if value in self.views]
        return [view.value for view in views if view.value > 0]

    def mark(self) -> Mark:
        return Mark(len(self.nodes), {**self.views})

    def back_to(self, mark: Mark) -> None:
        """Take back all that was added since."""
        gone = {node.name for node in self.nodes[mark.nodes :]}
        self.names -= gone
        self.taken -= gone - self.reserved
        del self.nodes[mark.nodes :], self.sizes[self.inputs + mark.nodes :]
        self.done = {key: value for key, value in self.done.items() if value < len(self.sizes)}
        self.views = mark.views


def _wanted(view: View, order: Sequence[int]) -> list[list[int]]:
    """Return the parts of each axis in an order; of an axis that stands there several times, one part at each place."""
    left = {axis: [part for part in view.axes[axis] if not is_one(view.sizes[part])] for axis in order}
    return [[left[axis].pop(0)] if order.count(axis) > 1 and left[axis] else left[axis] for axis in order]


def spread(views: Sequence[View], order: Sequence[int]) -> list[int]:
    """Return an order in which an axis stands once for each of its parts, where several of them vary, as a number of windows does.

    Joined, they could not be told apart again by numbers. It is so for all of the views, which have the axis alike.
    """
    found = list[int]()
    for axis in order:
        each = [[view.sizes[part] for part in view.axes[axis] if not is_one(view.sizes[part])] for view in views]
        each = [*filter(None, each)] or [[]]  # where it is 1 it is repeated
        several = sum(not constant(size) for size in each[0]) > 1 and all(sizes == each[0] for sizes in each)
        found += [axis] * (len(each[0]) if several else 1)
    return found


def called(op: Op) -> Called:
    """Return the call of an operation that is a function."""
    assert op.call is not None
    return op.call


def settled(layer: Layer, x: tuple[int, ...]) -> Layer:
    """Return a layer as a file has it: defaults are left out, (3, 3) is 3, and what is left open follows from its input."""
    kept = dict[str, Any]()
    for name, value in vars(layer)["_settings"].items():
        parameter = layer.parameters[name]
        if isinstance(parameter, PerAxis) and parameter.spatial and isinstance(value, tuple) and _alike(value):
            value = value[0]  # noqa: PLW2901 -- in its shortest form
        stands = parameter.required or isinstance(value, type(parameter.default)) is False or value != parameter.default
        same_as = isinstance(parameter, PerAxis) and parameter.same_as and value == kept.get(parameter.same_as)
        if value is not UNKNOWN and value is not None and stands and not same_as:
            kept[name] = value
    return type(layer)(**kept).completed(x)


def _alike(value: tuple[Any, ...]) -> bool:
    """Say whether a setting has one number for all axes; a pair by itself would be the numbers of two."""
    return len({*value}) == 1 and not isinstance(value[0], tuple)


def constant(size: Size) -> bool:
    return len({*size}) == 1


def _written(sizes: Sequence[Size]) -> tuple[int, ...]:
    """Return sizes as a file writes them, the one that varies as -1: what is left."""
    vary = [index for index, size in enumerate(sizes) if not constant(size)]
    return tuple(-1 if [index] == vary else size[0] for index, size in enumerate(sizes))
