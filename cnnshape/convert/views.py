"""A tensor of a run as a view of a value: its axes are parts of the value's axes, in another order, joined or split.

Exchanges of axes and reshapes make no layer, only another view; one that ends as it began was never there. Sizes are
those of all runs at once: two are equal where they are so in each.
"""

from __future__ import annotations

from itertools import count
from math import prod
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Size = tuple[int, ...]  # of an axis, in each run
Sizes = tuple[Size, ...]  # a shape, channels first without the batch

_NUMBERS: Final = count()


class View(NamedTuple):
    """A tensor: its axes in parts of a value's axes. A part is a number; one that no axis of the value has is repeated."""

    value: int
    parts: tuple[tuple[int, ...], ...]  # of each axis of the value, from the outermost
    axes: tuple[tuple[int, ...], ...]  # of each axis of the tensor; () of an axis of 1, such as the batch
    sizes: Mapping[int, Size]  # of each part

    def size(self, axis: int) -> Size:
        """The size of an axis of the tensor."""
        return times(self.sizes[part] for part in self.axes[axis])

    def value_sizes(self) -> Sizes:
        return tuple(times(self.sizes[part] for part in parts) for parts in self.parts)

    def runs(self) -> int:
        return len(next(iter(self.sizes.values()), (1,)))

    def whole(self, axis: int) -> int | None:
        """The axis of the value that an axis of the tensor is, None where it is a part of one, or several."""
        found = self.axes[axis]
        return self.parts.index(found) if len(found) == 1 and found in self.parts else None

    def wholes(self, axis: int) -> list[int] | None:
        """The axes of the value that an axis of the tensor joins, None where it has a part of one."""
        left, found = [*self.axes[axis]], list[int]()
        while left:
            at = next((i for i, parts in enumerate(self.parts) if parts == tuple(left[: len(parts)]) and parts), None)
            if at is None:
                return None
            found.append(at)
            left = left[len(self.parts[at]) :]
        return found

    def of(self, value: int, sizes: Sizes) -> View:
        """Return the same view of a value whose axes are this one's, of other sizes; only whole axes may differ."""
        changed = {parts[0]: size for parts, size in zip(self.parts, sizes, strict=True) if len(parts) == 1}
        return View(value, self.parts, self.axes, {**self.sizes, **changed})

    def with_axes(self, axes: Iterable[tuple[int, ...]]) -> View:
        return self._replace(axes=tuple(axes))

    def repeated(self, part: int) -> bool:
        """Whether the value has no such part."""
        return not any(part in parts for parts in self.parts)


def times(sizes: Iterable[Size]) -> Size:
    """Return the product of sizes; of none, ()."""
    found = [*sizes]
    return tuple(map(prod, zip(*found, strict=True)))


def is_one(size: Size) -> bool:
    return all(number == 1 for number in size)


def same(one: Size, other: Size) -> bool:
    """Whether two sizes are equal; () is 1."""
    return one == other or (is_one(one) and is_one(other))


def whole_view(value: int, sizes: Sizes, axes: Sequence[int | None] | None = None) -> View:
    """Return a view whose axes are those of the value, by their indices; None is an axis of 1. At first the batch."""
    parts = [next(_NUMBERS) for _ in sizes]
    order = [None, *range(len(sizes))] if axes is None else axes
    made = tuple(() if axis is None else (parts[axis],) for axis in order)
    return View(value, tuple((part,) for part in parts), made, dict(zip(parts, sizes, strict=True)))


def expanded(view: View, target: Sizes) -> View:
    """Return the view with axes of 1 repeated to sizes, new ones in front."""
    axes = [*[()] * (len(target) - len(view.axes)), *view.axes]
    sizes = dict(view.sizes)
    for index, size in enumerate(target):
        if not is_one(size) and all(is_one(sizes[part]) for part in axes[index]):
            part = next(_NUMBERS)
            sizes[part], axes[index] = size, (part,)
    return View(view.value, view.parts, tuple(axes), sizes)


def unrepeated(view: View) -> View:
    """Return the view with its repeated axes as axes of 1; those of which each cell is repeated stay."""
    return view.with_axes(() if all(map(view.repeated, axis)) else axis for axis in view.axes)


def interleaved(view: View, axis: int, count: Size) -> View:
    """Return the view with each cell of an axis repeated."""
    part, axes = next(_NUMBERS), [*view.axes]
    axes[axis] = (*(old for old in axes[axis] if not is_one(view.sizes[old])), part)
    return view._replace(axes=tuple(axes), sizes={**view.sizes, part: count})


def reshaped(view: View, target: Sizes) -> View | None:
    """Return the view read in another shape; None where an axis would have pieces of several parts."""
    parts, sizes = [*view.parts], dict(view.sizes)
    left = [part for axis in view.axes for part in axis if not is_one(sizes[part])]
    axes = list[tuple[int, ...]]()
    for size in target:
        taken, missing = list[int](), size
        while not is_one(missing):
            if not left:
                return None
            part = left.pop(0)
            if _divides(sizes[part], missing):
                taken.append(part)
                missing = _quotient(missing, sizes[part])
            elif _divides(missing, sizes[part]):
                first, rest = next(_NUMBERS), next(_NUMBERS)
                sizes[first], sizes[rest] = missing, _quotient(sizes[part], missing)
                parts = [_split(axis, part, (first, rest)) for axis in parts]
                taken.append(first)
                left.insert(0, rest)
                missing = (1,)
            else:
                return None
        axes.append(tuple(taken))
    if left:
        return None
    return View(view.value, tuple(parts), tuple(axes), sizes)


def refined(view: View, axis: int, sizes: Sequence[Size]) -> View:
    """Return the view with an axis, which is one part, in several."""
    (old,) = (part for part in view.axes[axis] if not is_one(view.sizes[part]))
    into = dict(zip(_NUMBERS, sizes, strict=False))
    axes = (*view.axes[:axis], tuple(into), *view.axes[axis + 1 :])
    return View(view.value, tuple(_split(parts, old, into) for parts in view.parts), axes, {**view.sizes, **into})


def grouped(sizes: Sequence[Size], sides: Sequence[Size]) -> list[list[Size]] | None:
    """Return consecutive sizes in groups whose products are sides, none of which varies in two of its sizes; None without."""
    groups, left = list[list[Size]](), [*sizes]
    for side in sides:
        count = next((n for n in range(1, len(left) + 1) if times(left[:n]) == side), 0)
        if not count or sum(len({*size}) > 1 for size in left[:count]) > 1:
            return None
        groups.append(left[:count])
        del left[:count]
    return None if left or not groups else groups


def _split(axis: tuple[int, ...], part: int, into: Iterable[int]) -> tuple[int, ...]:
    return tuple(new for old in axis for new in (into if old == part else (old,)))


def _divides(one: Size, other: Size) -> bool:
    return all(b % a == 0 for a, b in zip(one, other, strict=True))


def _quotient(one: Size, other: Size) -> Size:
    return tuple(a // b for a, b in zip(one, other, strict=True))
