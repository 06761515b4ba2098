"""A network at other sizes than the declared, held against its source: a live model, or a graph of ONNX.

In: the network, and the source, which can be run at other inputs. Out: what both give there, input by input.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from cnnshape.network.network import Network
    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.shape import Shape
    from cnnshape.problems.place import Place

OTHER_SIDES: Final = (64, 33, 16, 7)  # that are tried beside those near the declared input
MORE: Final = (32, 1, 7, -3)  # cells more than the declared sides


class Runs(Protocol):
    """A model that can be run at other inputs."""

    def shapes(self, inputs: Mapping[str, Shape]) -> list[Shape] | None: ...  # of its outputs; None where it refuses
    def macs(self, inputs: Mapping[str, Shape]) -> int | None: ...


class Source(NamedTuple):
    """What a network was made of, to be held against it."""

    runs: Runs
    turning: tuple[dict[str, Shape], ...] = ()  # inputs at which its code goes another way
    made: Callable[[str], Place | None] | None = None  # of a live model, where its code makes a layer


class Tried(NamedTuple):
    """The shapes of the outputs at an input; None for a refusal."""

    inputs: dict[str, Shape]
    ours: list[Shape] | None
    theirs: list[Shape] | None

    @property
    def agrees(self) -> bool:
        return self.ours == self.theirs

    @property
    def size(self) -> str:
        return ", ".join("x".join(map(str, shape)) for shape in self.inputs.values())


def tried(net: Network, runs: Runs, inputs: Iterable[dict[str, Shape]]) -> list[Tried]:
    """Run both at some inputs."""
    found = []
    for given in inputs:
        report = net.check(input=given)
        ours = [shape for shape in report.outputs.values() if shape is not None] if report.ok else None
        found.append(Tried(given, ours, runs.shapes(given)))
    return found


def other_inputs(declared: Mapping[str, Shape]) -> Iterator[dict[str, Shape]]:
    """Yield inputs with other sides."""
    if any(len(shape) == 1 for shape in declared.values()):
        return
    for more in MORE:
        inputs = {name: (*shape[:1], *(side + more for side in shape[1:])) for name, shape in declared.items()}
        if all(side > 0 for shape in inputs.values() for side in shape):
            yield inputs
    for side in OTHER_SIDES:
        yield {name: (*shape[:1], *[side] * len(shape[1:])) for name, shape in declared.items()}


def deciding_inputs(declared: Mapping[str, Shape], sizes: ValidSizes) -> Iterator[dict[str, Shape]]:
    """Yield inputs at which a set of sizes is put to the test.

    These are its least equal sides, one cell less, and sides that differ: the least two, either way round; and the next above
    the declared ones, twice these where the set ends.
    """
    axes = len(sizes.names)
    least = sizes.square.next(0)
    if least is None:
        return
    second = sizes.square.next(least) or least
    sides = [(least,) * axes, (least - 1,) * axes, (least, *[second] * (axes - 1)), (second, *[least] * (axes - 1))]
    largest = max(declared[sizes.varied[0]][1:])
    sides.append((sizes.square.next(largest) or 2 * largest,) * axes)
    for given in dict.fromkeys(sides):
        if min(given):
            yield {name: (*shape[:1], *given) if name in sizes.varied else shape for name, shape in declared.items()}
