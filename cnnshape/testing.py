"""For test code: assert that a model is what its file says; inputs that a net accepts, as a sample or as a strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cnnshape.network.network import Network
from cnnshape.numbers.sizeset import SizeSet
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    import torch
    from hypothesis.strategies import SearchStrategy

    from cnnshape.numbers.shape import Input, Shape

WIDE: Final = 2  # times the declared side: larger inputs are valid, but a model takes long for them


def assert_shapes(
    model: torch.nn.Module,
    file: str | os.PathLike[str] | Network,
    *,
    input: Input | None = None,  # noqa: A002 -- the public name
    device: str = "auto",
) -> None:
    """Assert that a model is what an architecture file says, layer by layer, and that the file itself holds.

    The model is run, and left as it was. The message of the AssertionError has both sides beside each other.
    """
    from cnnshape.diagnosis.door import examine_file
    from cnnshape.pytorch.crosscheck import verify
    from cnnshape.show.side_by_side import side_by_side

    __tracebackhide__ = True
    net = file if isinstance(file, Network) else examine_file(file).net
    report = net.check(input)
    comparison = verify(net, device, model=model, report=report) if report.ok else None
    problems = [*report.problems, *(comparison.problems if comparison else ())]
    if errors(problems):
        table = side_by_side(net, report.layers, comparison) if comparison and not comparison.ok else ()
        lines = [f"{type(model).__name__} is not what {net.file} says", *table, "", *map(repr, problems)]
        raise AssertionError("\n".join(lines))


def input_shapes(
    net: Network,
    *,
    input: str | None = None,  # noqa: A002 -- as net.valid_sizes has it
    largest: int | None = None,
) -> SearchStrategy[Any]:
    """Return a Hypothesis strategy of inputs that the net accepts, as `net.check(input=...)` takes them.

    Sides go up to `largest`, left out to twice the declared one. `input` is as for net.valid_sizes, and names the one
    that varies; a net of several inputs gets a dict of all. Raises NoClosedForm, and ValueError where there is no size.
    """
    from hypothesis import strategies as st

    sizes = net.valid_sizes(input=input)
    boxes = []
    for box in sizes.boxes:
        limits = [largest or WIDE * side for side in _declared(net, sizes.varied)]
        axes = [list(_up_to(some, limit)) for some, limit in zip(box, limits, strict=True)]
        if all(axes):
            boxes.append(st.tuples(*map(st.sampled_from, axes)))
    if not boxes:
        raise ValueError(f"{net.name or net.file} accepts no input up to that size")
    return st.one_of(boxes).map(lambda sides: _input(net, sizes.varied, sides))


def sample_inputs(net: Network, n: int = 8) -> list[Input]:
    """Return up to n inputs that the net accepts: the declared, the least, neighbours, those around gaps, unequal ones."""
    sizes = net.valid_sizes()
    declared = _declared(net, sizes.varied)
    equal = [(side,) * len(declared) for side in _edges(sizes.square, max(declared, default=1))]
    boxes = sorted(sizes.boxes, key=lambda box: not all(map(SizeSet.__contains__, box, declared)))
    unequal = [sides for box in boxes for sides in _mixed([*map(_edges, box, declared)])]
    first = [sides for sides in dict.fromkeys([declared, *equal]) if sides in sizes][: n - n // 4]
    return [_input(net, sizes.varied, sides) for sides in list(dict.fromkeys([*first, *unequal, *equal]))[:n]]


def _edges(sizes: SizeSet, side: int) -> list[int]:
    """Return the sizes at which a model is likeliest to be wrong: the least, those next to a side, the ends of spans."""
    edges = [end for span in sizes.spans(1, WIDE * side) for end in span]
    near = [side if side in sizes else None, sizes.previous(side), sizes.next(side)]
    return list(dict.fromkeys(size for size in [*edges[:1], *near, *edges] if size))


def _mixed(axes: list[list[int]]) -> Iterator[tuple[int, ...]]:
    """Yield sides from the sizes of each axis, unequal ones where the axes allow it."""
    for i in range(min(map(len, axes), default=1)):
        yield tuple(sides[(i + axis) % len(sides)] for axis, sides in enumerate(axes))


def _up_to(sizes: SizeSet, largest: int) -> Iterator[int]:
    for first, last in sizes.spans(1, largest):
        yield from range(first, min(last, largest) + 1)


def _declared(net: Network, varied: list[str]) -> Shape:
    """Return the declared sides of the inputs that vary."""
    return (net.inputs[varied[0]] or ())[1:]


def _input(net: Network, varied: list[str], sides: tuple[int, ...]) -> Input:
    """Return the declared input with other sides: a shape, or a dict where there are several inputs."""
    shapes = {n: (*shape[:1], *sides) if n in varied else shape for n, shape in net.inputs.items() if shape}
    return shapes if len(shapes) > 1 else next(iter(shapes.values()))
