"""A walk over the steps of a net that remembers what each came to, for the same constants and entering shapes.

In: the frame of the net, as in building. Out: the values that it gives; and for each step a part, which runs at any shapes.
A step that was seen before is put in place as a copy, without its nodes, which are made when a name or a reference asks.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.assemble.expansions import Expansion, Move
from cnnshape.assemble.growing import GrowingNet
from cnnshape.assemble.ledger import Stop
from cnnshape.assemble.names import Names, Use
from cnnshape.assemble.uses import MAX_EXPANSION, Uses
from cnnshape.assemble.walk import Walk
from cnnshape.network.check import of_rows
from cnnshape.network.flow import run
from cnnshape.problems.base import errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from cnnshape.assemble.frames import Frame
    from cnnshape.assemble.ledger import Ledger
    from cnnshape.assemble.seen import Seen
    from cnnshape.assemble.settings import Settler
    from cnnshape.assemble.wiring import Wiring
    from cnnshape.file.architecture import Block, Step
    from cnnshape.network.graph import Graph, Node
    from cnnshape.numbers.shape import Shape

MAX_NODES: Final = 200_000  # remembered: some 100 MB
MAX_RUNS: Final = 200_000  # shapes remembered at which parts were run


class Ran(NamedTuple):
    """The result of a part at some shapes: those of its values, its counts, and whether a size rule refuses."""

    shapes: tuple[Shape | None, ...]
    parameters: int | None
    macs: int | None
    fails: bool
    open: bool  # a number is inferred here that the declared input did not decide


class Part:
    """The layers that one step came to, as a graph of their own: its inputs are the values that enter."""

    def __init__(self, graph: Graph, nodes: Iterable[Node], outer: Sequence[int], first: int):
        places = {value: 1 + i for i, value in enumerate(outer)}
        behind = 1 + len(outer) - first  # from a value within to its place
        self.graph = graph._replace(nodes=tuple(_placed(node, places, first, behind) for node in nodes))
        self.runs: dict[tuple[Shape | None, ...], Ran] = {}

    def run(self, entering: tuple[Shape | None, ...]) -> Ran:
        """Run the layers at the shapes that enter."""
        found = run(self.graph, {str(i): shape for i, shape in enumerate(entering)})
        return Ran(
            tuple(found.shapes[1 + len(entering) :]),
            found.parameters,
            found.macs,
            bool(errors(of_rows(self.graph, found.noted))),
            any(row.result.open for row in found.noted),
        )


def _placed(node: Node, places: Mapping[int, int], first: int, behind: int) -> Node:
    return node._replace(inputs=tuple([value + behind if value >= first else places[value] for value in node.inputs]))


class Placed(NamedTuple):
    """A part where it stands: the values that enter it."""

    part: Part
    outer: tuple[int, ...]


class Known(NamedTuple):
    """What a step came to: its expansion, whose names are those that it gave in the net's frame, and its part."""

    made: Expansion
    part: Part
    values: tuple[tuple[str, int], ...]  # by name: the number of a value within, or behind -1 that of one that enters
    results: tuple[int, ...]  # as the values


class Memory:
    """All that one step of the net came to so far."""

    def __init__(self, step: Step, seen: frozenset[str], *, named: bool):
        self.seen = tuple(sorted(seen))
        self.kind = "" if step.name else str(step.of)  # by which a step without a name is counted
        # A step's own name is fixed; one without a name gets one that no template could give.
        self.lasts = isinstance(step.name, str) and not step.raw and (bool(step.name) or named)
        self.known: dict[Any, Known] = {}


class Memories:
    """The memories of all steps of a net, and the expansions of its file's blocks."""

    def __init__(self, steps: tuple[Step, ...], seen: Seen, graph: Graph):
        kinds = {str(step.of) for step in steps if not step.name}
        alike = any(
            one != kind and kind.startswith(one) and kind[len(one) :].isdecimal() for one in kinds for kind in kinds
        )
        named = not alike and all(isinstance(step.name, str) for step in steps)  # conv and conv1 count to conv11
        self.seen, self.graph = seen, graph
        self.of = {id(step): Memory(step, seen.by_step(step), named=named) for step in steps}
        self.expansions: dict[Any, dict[Any, Any]] = {}
        self.nodes = self.runs = 0  # remembered
        self.marks: dict[str, Any] = {}  # the values of the free constants; 1 is not true, nor 1.0

    def count(self, nodes: int) -> None:
        """Count the nodes of a step that was built, which its blocks' expansions have as well; too many are forgotten."""
        self.nodes += 1 + nodes
        if self.nodes > MAX_NODES:
            self.forget()

    def forget(self) -> None:
        for one in self.of.values():
            one.known.clear()
        self.expansions.clear()
        self.nodes = self.runs = 0

    def run(self, part: Part, entering: tuple[Shape | None, ...]) -> Ran:
        """Run a part at shapes at which it was not run before."""
        ran = part.runs[entering] = part.run(entering)
        self.runs += len(ran.shapes)
        if self.runs > MAX_RUNS:
            self.forget()
        return ran


class RememberingNet(GrowingNet):
    """A net that grows by steps that are remembered, whose nodes are made when one is asked for."""

    def __init__(self, inputs: Mapping[str, Shape | None]):
        super().__init__(inputs)
        self.parts: list[Placed] = []
        self.waiting: list[tuple[int, Expansion, Callable[[], Move]]] = []  # by the number of the first node

    def put(self, known: Known, move: Callable[[], Move], inputs: tuple[int, ...]) -> None:
        """Append what a step came to, without its nodes."""
        self.parts.append(Placed(known.part, inputs))
        self.waiting.append((len(self.nodes), known.made, move))
        self.nodes += [None] * len(known.made.nodes)  # type: ignore[list-item]  # until one is asked for
        self.shapes += known.made.shapes

    def node(self, value: int) -> Node | None:
        self.fill()
        return super().node(value)

    def named(self, name: str) -> Node | None:
        self.fill()
        return super().named(name)

    def fill(self) -> None:
        """Make the nodes that wait."""
        for first, made, move in self.waiting:
            nodes = [*move().nodes(made.nodes)]
            self.nodes[first : first + len(nodes)] = nodes
            self.titles.update((node.name, first + i) for i, node in enumerate(nodes))
        self.waiting.clear()


class RememberingUses(Uses):
    """Keeps the expansions of the file's own blocks by the constants that they see."""

    memories: Memories

    def kept(self, block: Block) -> dict[Any, Any]:
        seen = self.memories.seen.by_block(block)
        if not seen:
            return super().kept(block)
        key = (block.name, *[self.memories.marks[name] for name in sorted(seen)])
        return self.memories.expansions.setdefault(key, {})


class RememberingWalk(Walk):
    """Builds the steps of the net's frame, or puts them in place as they are remembered."""

    net: RememberingNet

    def __init__(  # noqa: PLR0913 -- the parts of a building, and the memories
        self, ledger: Ledger, net: RememberingNet, settler: Settler, wiring: Wiring, memories: Memories, *, deep: bool
    ):
        super().__init__(ledger, net, settler, wiring)
        self.uses = RememberingUses(ledger, net, settler, self.sharing)
        self.uses.memories = self.memories = memories
        self.deep = deep  # whether a name leads into a block

    def placed(self, step: Step, frame: Frame, inputs: tuple[int, ...], previous: tuple[int, ...]) -> tuple[int, ...]:
        if frame.blocks:
            return super().placed(step, frame, inputs, previous)
        memory, names = self.memories.of[id(step)], frame.names
        if not memory.lasts:
            return self.built(memory, None, step, frame, inputs, previous)
        marks, entering = self.memories.marks, self.net.entering(inputs)
        pattern = tuple(map(inputs.index, inputs)) if len(inputs) > 1 else ()
        number = names.numbers.get(memory.kind, 0) if memory.kind else 0
        key = (entering, pattern, number, *[marks[name] for name in memory.seen])
        known = memory.known.get(key)
        if known is None:
            return self.built(memory, key, step, frame, inputs, previous)
        if any(name in names.values for name, _ in known.values):  # a step with its name is left out
            return self.built(memory, None, step, frame, inputs, previous)
        return self.put(known, frame, inputs)

    def put(self, known: Known, frame: Frame, inputs: tuple[int, ...]) -> tuple[int, ...]:
        """Put a step in place as it is remembered; return its values."""
        made, names, ledger = known.made, frame.names, self.ledger
        ledger.steps_left -= made.steps
        ledger.work_left -= made.work
        if ledger.steps_left < 0 or ledger.work_left < 0:
            raise Stop
        first = len(self.net.shapes)
        move = partial(Move, made, frame, inputs, first)
        for title, number in known.values:
            names.values[title] = first + number if number >= 0 else inputs[-1 - number]
        given = made.names
        if given.skipped or given.passed or given.unnamed or given.copies or given.several:
            names.skipped |= given.skipped
            names.passed |= given.passed
            names.unnamed |= given.unnamed
            names.numbers.update(given.numbers)
            names.copies.update(given.copies)
            names.several.update((name, tuple(map(move().value, values))) for name, values in given.several.items())
        if self.deep:
            names.uses.update(
                (title, Use(use.block, use.arguments, use.title, None, partial(_moved, use, move)))  # type: ignore[arg-type]
                for title, use in given.uses.items()
            )
        self.net.put(known, move, inputs)
        return tuple([first + number if number >= 0 else inputs[-1 - number] for number in known.results])

    def built(  # noqa: PLR0913, PLR0917 -- as of a step
        self,
        memory: Memory,
        key: Any,
        step: Step,
        frame: Frame,
        inputs: tuple[int, ...],
        previous: tuple[int, ...],
    ) -> tuple[int, ...]:
        """Build a step, and remember it if it is like no other; return its values."""
        net, ledger = self.net, self.ledger
        before, first, tied = _copied(frame.names), len(net.shapes), (ledger.noted, net.ties)
        steps, work = ledger.steps_left, ledger.work_left
        results = super().placed(step, frame, inputs, previous)
        nodes = tuple(net.nodes[first - net.first_node :])
        self.memories.count(len(nodes))
        outer = tuple(dict.fromkeys(value for node in nodes for value in node.inputs if value < first))
        entire = key is not None and {*outer, *(v for v in results if v < first)} <= {*inputs}
        if not entire or (ledger.noted, net.ties) != tied or len(nodes) > MAX_EXPANSION:
            net.parts.append(Placed(Part(self.memories.graph, nodes, outer, first), outer))
            return results
        part = Part(self.memories.graph, nodes, inputs, first)
        made = Expansion(
            names=_given(before, frame.names),
            title="",
            used_at=(),
            kinds=(),
            inputs=inputs,
            first=first,
            nodes=nodes,
            shapes=tuple(net.shapes[first:]),
            results=results,
            expectations=(),
            steps=steps - ledger.steps_left,
            work=work - ledger.work_left,
        )

        def number(value: int) -> int:
            return value - first if value >= first else -1 - inputs.index(value)

        values = tuple((title, number(value)) for title, value in made.names.values.items())
        memory.known[key] = Known(made, part, values, tuple(map(number, results)))
        net.parts.append(Placed(part, inputs))
        return results


def _moved(use: Use, move: Callable[[], Move], _: Any) -> Names:
    return move().names(use.names)


NAMED: Final = ("values", "several", "copies", "uses", "numbers")
SETS: Final = ("skipped", "passed", "unnamed")


def _copied(names: Names) -> Names:
    copy = Names()
    for field in NAMED:
        setattr(copy, field, dict(getattr(names, field)))
    for field in SETS:
        setattr(copy, field, set(getattr(names, field)))
    return copy


def _given(before: Names, after: Names) -> Names:
    """Return the names that a step gave."""
    given = Names()
    for field in NAMED:
        old = getattr(before, field)
        setattr(
            given,
            field,
            {name: value for name, value in getattr(after, field).items() if name not in old or old[name] != value},
        )
    for field in SETS:
        setattr(given, field, getattr(after, field) - getattr(before, field))
    return given
