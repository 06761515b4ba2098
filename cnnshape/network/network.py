"""A net as it was built at its declared input, and what a check of it finds: the report.

Value 0 is what nothing is known of; then come the net's inputs; then one value for each node, in the order of running.
"""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.layers.base import Doubt, Layer
from cnnshape.numbers.rules import Refused
from cnnshape.numbers.shape import LARGEST, Shape, is_count, to_file
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.base import ArchitectureError, Problem, errors, listed
from cnnshape.problems.catalogue import CODES
from cnnshape.problems.claims import ClaimDiffers, ExpectDiffers, NoSizes
from cnnshape.problems.place import Place
from cnnshape.problems.shapes import DroppedRows, InputAxesDiffer
from cnnshape.problems.suggest import advice

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from cnnshape.network.valid_sizes import ValidSizes
    from cnnshape.numbers.sizeset import SizeSet

UNRESOLVED = 0  # the value that nothing is known of

Input = Shape | dict[str, Shape]


class Node(NamedTuple):
    """One layer where it stands in the net."""

    name: str  # dotted: stage1.0.conv2; unnamed layers are called by their type and a number
    type: str
    layer: Layer | None  # None: the file does not say rightly what it is
    inputs: tuple[int, ...]  # the values that enter, those of references last
    place: Place
    keys: frozenset[str] = frozenset()  # what the layer's table says
    used_at: tuple[Place, ...] = ()  # where the blocks around it are used, from the inside out
    shares: str = ""  # the layer whose weights it uses
    allow: frozenset[str] = frozenset()
    blocks: tuple[str, ...] = ()  # for each part of the name but the layer's own, what block it is a use of

    def at(self, *keys: str) -> Place:
        """Return the place of the first of the keys that the layer's table has, or else of the layer."""
        found = next((key for key in keys if key in self.keys), None)
        return self.place if found is None else Place(self.place.source, (*self.place.path, found))


class Expectation(NamedTuple):
    """An `expect` of the file: what one value must be at the declared input."""

    value: int
    shape: Shape
    layer: str
    place: Place
    used_at: tuple[Place, ...]


class Claim(NamedTuple):
    """An entry of [claims]: a figure, or the shape of an output."""

    name: str
    claimed: Any
    place: Place
    output: str | None = None  # the output's name, "" for the last one


class Refusal(NamedTuple):
    """A condition that does not hold: the code of its problem, and the facts."""

    code: str
    facts: dict[str, Any]


class Result(NamedTuple):
    """What a layer makes of the shapes that enter; a number behind a failure is UNKNOWN."""

    output: Shape | None  # None: not even its rank is known
    parameters: Any = UNKNOWN
    macs: Any = UNKNOWN
    refusals: tuple[Refusal, ...] = ()
    doubts: tuple[Doubt, ...] = ()


class LayerReport(NamedTuple):
    """One row of a report. Shapes are channels first, without the batch."""

    node: Node
    input_shapes: tuple[Shape | None, ...]
    result: Result

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def type(self) -> str:
        return self.node.type

    @property
    def inputs(self) -> tuple[Shape | None, ...]:
        """The shapes that enter; None where one cannot be known."""
        return tuple(map(known, self.input_shapes))

    @property
    def output(self) -> Shape | None:
        """The shape that comes out; None where it cannot be known."""
        return known(self.result.output)

    @property
    def parameters(self) -> int | None:
        """What torch would train here; 0 where the weights are another layer's."""
        return 0 if self.node.shares else _number(self.result.parameters)

    @property
    def macs(self) -> int | None:
        """Multiply-accumulates of convolutions and linear layers, without biases, for one sample."""
        return _number(self.result.macs)

    @property
    def remainder(self) -> tuple[int | None, ...]:
        """For each spatial axis, what the division by the stride leaves over: (W + 2P - F) mod S."""
        return tuple(remainder for remainder, _ in self._leftovers())

    @property
    def dropped(self) -> tuple[int | None, ...]:
        """For each spatial axis, how many cells of the image are lost at the end."""
        return tuple(dropped for _, dropped in self._leftovers())

    def _leftovers(self) -> list[tuple[int | None, int | None]]:
        return leftovers(self.node.layer, self.input_shapes[0], self.result.output)

    @property
    def line(self) -> int:
        return self.node.place.position()[0]


class Report(NamedTuple):
    """What a check found. `ok`: no problem that is an error."""

    inputs: dict[str, Shape]
    layers: tuple[LayerReport, ...]
    outputs: dict[str, Shape | None]
    parameters: int | None
    macs: int | None
    problems: tuple[Problem, ...]
    valid_sizes: SizeSet | None = None  # the equal sides that work, where the file claims them

    def __repr__(self) -> str:
        found = f"{len(self.problems)} problems, first {self.problems[0]!r}" if self.problems else "no problems"
        return f"<Report: {self.inputs} -> {self.outputs}, {len(self.layers)} layers, {found}>"

    @property
    def ok(self) -> bool:
        return not errors(self.problems)

    @property
    def output(self) -> Shape | None:
        """The last of the outputs."""
        return next(reversed(self.outputs.values()), None)


class Network(NamedTuple):
    """A net whose every number is settled, as its file says and its declared input decides."""

    name: str
    source: str
    file: str
    layout: str
    inputs: dict[str, Shape | None]
    nodes: tuple[Node, ...]
    outputs: dict[str, int]
    expectations: tuple[Expectation, ...] = ()
    claims: tuple[Claim, ...] = ()
    training: dict[str, Any] = {}  # noqa: RUF012 -- never changed
    allow: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()  # what reading and building found

    def __repr__(self) -> str:
        return f"<Network {self.name or self.file}: {self.inputs}, {len(self.nodes)} layers>"

    def check(self, input: Input | None = None, *, strict: bool = False) -> Report:  # noqa: A002 -- the public name
        """Compute every shape and count at the declared input, or at another.

        `input` is a shape, channels first without the batch, or a dict from input names to shapes. `strict` makes
        warnings errors, and dropped rows a warning. Raises ValueError where `input` does not suit the net's inputs.
        """
        inputs = self.inputs if input is None else self._named(input)
        misfits = self._misfits(inputs)
        rows = tuple(self._run({**inputs, **dict.fromkeys(misfits)}))
        shapes = [None, *inputs.values(), *(row.result.output for row in rows)]
        outputs = {name: known(shapes[value]) for name, value in self.outputs.items()}
        parameters, macs = total(row.parameters for row in rows), total(row.macs for row in rows)
        problems = [*self.problems, *misfits.values(), *self._found(rows, strict=strict)]
        report = Report({n: s for n, s in inputs.items() if s}, rows, outputs, parameters, macs, ())
        if input is None:
            report = report._replace(valid_sizes=self._claimed_sizes(problems))
            problems += [*self._unexpected(shapes), *self._unclaimed(report)]
        return report._replace(
            problems=tuple(problem.as_error() if strict else problem for problem in listed(problems))
        )

    def at(self, *path: str) -> Place | None:
        """Return a place in the net's own file; None where it has no layers, of which we would know it."""
        outermost = (node.used_at[-1] if node.used_at else node.place for node in self.nodes)
        return next((Place(place.source, path) for place in outermost), None)

    def within(self, name: str) -> list[str]:
        """Return the names of the layers that a block or a repeat of this name comes to, in their order."""
        return [node.name for node in self.nodes if node.name.startswith(f"{name}.")]

    def several(self, name: str) -> str:
        """Say of a block or a repeat which layers it comes to, "" of what is none."""
        inside = self.within(name)
        return f"{name} is no single layer, but those from {inside[0]} to {inside[-1]}" if inside else ""

    def valid_sizes(
        self,
        *,
        exact: bool = False,
        output: Sequence[int] | None = None,
        layer: str | None = None,
        input: str | None = None,  # noqa: A002 -- the public name
    ) -> ValidSizes:
        """Return the exact set of input sizes that the net accepts.

        `exact`: only those at which no layer drops a row. `output`: only those that give these sides at the net's
        (last) output, or at `layer`. `input` names the input that varies, where there are several that are not
        declared with the same sides. Raises NoClosedForm rather than guess, ValueError where an argument does not suit
        the net.
        """
        from cnnshape.network.valid_sizes import valid_sizes

        return valid_sizes(self, exact=exact, output=output, layer=layer, input=input)

    def _named(self, given: Input) -> dict[str, Shape | None]:
        if not isinstance(given, dict):
            if len(self.inputs) != 1:
                raise ValueError(f"the net has the inputs {', '.join(self.inputs)}: say which shape is whose")
            given = dict.fromkeys(self.inputs, given)
        unknown = [name for name in given if name not in self.inputs]
        if unknown:
            raise ValueError(f"the net has no input {unknown[0]!r}; it has {', '.join(self.inputs)}")
        for name, shape in given.items():
            sizes = shape if isinstance(shape, tuple | list) else ()
            if not sizes or not all(is_count(size, 1) for size in sizes):
                raise ValueError(f"{name} must be a shape of positive numbers, as (3, 224, 224), not {shape!r}")
        return {name: tuple(given[name]) if name in given else declared for name, declared in self.inputs.items()}

    def _misfits(self, inputs: Mapping[str, Shape | None]) -> dict[str, Problem]:
        """Return the problems of inputs that have not as many axes as the net is built for."""
        found: dict[str, Problem] = {}
        for name, shape in inputs.items():
            built = self.inputs[name]
            if shape and built and len(shape) != len(built):
                facts = self._written({"one": built, "other": shape})
                mean = advice("a shape is written without the batch") if len(shape) == len(built) + 1 else ()
                place = self.at(*(("input",) if name == "input" else ("inputs", name)))
                found[name] = InputAxesDiffer(place, suggestions=mean, name=name, **facts)
        return found

    def _run(self, inputs: Mapping[str, Shape | None]) -> Iterator[LayerReport]:
        shapes: list[Shape | None] = [None, *inputs.values()]
        for node in self.nodes:
            entering = tuple([shapes[value] for value in node.inputs])
            result = measured(node.layer, entering)
            shapes.append(result.output)
            yield LayerReport(node, entering, result)

    def _found(self, rows: tuple[LayerReport, ...], *, strict: bool) -> Iterator[Problem]:
        for row in rows:
            node, result = row.node, row.result
            for code, facts in result.refusals:
                problem = CODES[code](layer=node.name, used_at=node.used_at, **self._written(facts))
                problem.place = node.at(*problem.at)
                yield problem
            doubts = [*result.doubts]
            if strict and any(row.dropped):
                doubts.append(Doubt(DroppedRows.code, {"dropped": row.dropped}))
            for code, facts in doubts:
                if code not in node.allow and code not in self.allow:
                    problem = CODES[code](node.place, node.name, node.used_at, **self._written(facts))
                    if code == "one-value-batch-norm" and self.training.get("batch_size") == 1:
                        problem.severity = "error"
                    yield problem

    def _written(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Return the facts with shapes as the file writes them."""
        shapes = ("shape", "one", "other")
        return {name: to_file(fact, self.layout) if name in shapes else fact for name, fact in facts.items()}

    def _unexpected(self, shapes: list[Shape | None]) -> Iterator[Problem]:
        for value, expected, layer, place, used_at in self.expectations:
            actual = known(shapes[value])
            if actual is not None and actual != expected:
                facts = {"expected": to_file(expected, self.layout), "actual": to_file(actual, self.layout)}
                yield ExpectDiffers(place, layer, used_at, **facts)

    def _unclaimed(self, report: Report) -> Iterator[Problem]:
        for claim in self.claims:
            actual = self.actual(claim, report)
            if None not in (claim.claimed, actual) and actual != claim.claimed:
                figures = {"claimed": claim.claimed, "actual": actual}
                if claim.output is not None:
                    figures = {name: to_file(shape, self.layout) for name, shape in figures.items()}
                yield ClaimDiffers(claim.place, claim=claim.name, **figures)

    def actual(self, claim: Claim, report: Report) -> Any:
        """Return the figure or shape that a claim speaks of, None where it is not known."""
        if claim.output is not None:
            return report.outputs.get(claim.output) if claim.output else report.output
        return getattr(report, claim.name)

    def _claimed_sizes(self, problems: list[Problem]) -> SizeSet | None:
        """Return the equal sides that work, where the file claims them."""
        claim = next((claim for claim in self.claims if claim.name == "valid_sizes"), None)
        if claim is None:
            return None
        from cnnshape.network.valid_sizes import NoClosedForm

        try:
            return self.valid_sizes().square
        except NoClosedForm as error:
            if not errors(problems):
                problems.append(NoSizes(claim.place, error.layer, why=error.reason))
            return None

    def raise_for_errors(self) -> Network:
        """Return the net, or raise ArchitectureError, with all problems, where its file is wrong."""
        if errors(self.problems):
            raise ArchitectureError(self.check().problems)
        return self


class _Note:
    """The `require` of the int reading: a condition that does not hold is noted, and refused."""

    def __init__(self) -> None:
        self.refusals: dict[str, Refusal] = {}

    def __call__(self, condition: Any, code: str, **facts: Any) -> None:
        if not condition:
            self.refusals.setdefault(f"{code}{facts}", Refusal(code, facts))  # two axes that fail alike are one problem
            raise Refused


def measure(layer: Layer | None, inputs: tuple[Shape | None, ...]) -> Result:
    """Run one layer on shapes of ints (or UNKNOWN)."""
    if layer is None or None in inputs:
        return Result(None)
    entering: tuple[Any, ...] = inputs
    x, note = entering[0], _Note()
    try:
        layer.enter(note, *entering)
        y: Shape = layer.output(note, *entering)
        if UNKNOWN not in y:
            note(prod(y) <= LARGEST, "too-many-elements", shape=y)
    except Refused:
        sure = layer.keeps_rank and len(x) - 1 in layer.ranks  # or each layer behind it would find the rank wrong again
        return Result((UNKNOWN,) * len(x) if sure else None, refusals=tuple(note.refusals.values()))
    return Result(
        y,
        *layer.counts(x, y),
        refusals=tuple(note.refusals.values()),
        doubts=() if note.refusals else tuple(layer.doubts(*entering)),
    )


measured = lru_cache(maxsize=2**14)(measure)  # once for layers that are alike, and for building and checking


def leftovers(layer: Layer | None, x: Shape | None, y: Shape | None) -> list[tuple[int | None, int | None]]:
    """Return, for each spatial axis, what the windows leave over, and what of it is lost of the image."""
    if layer is None or x is None or not y:
        return []
    if type(layer).left_over is Layer.left_over:
        return [(0, 0)] * (len(x) - 1)
    if all(size is UNKNOWN for size in y):  # refused as a whole: its lists may have another length
        return [(None, None)] * (len(x) - 1)
    found: list[tuple[int | None, int | None]] = []
    for w, out, axis in zip(x[1:], y[1:], layer.axes(len(x) - 1), strict=True):
        if w is UNKNOWN or out is UNKNOWN:
            found.append((None, None))
        else:
            found.append((layer.left_over(w, **axis), max(0, layer.lost(w, out, **axis))))
    return found


def known(shape: Shape | None) -> Shape | None:
    """Return the shape where all of it is known."""
    return None if shape is None or UNKNOWN in shape else shape


def total(numbers: Iterable[int | None]) -> int | None:
    """Return the sum, None where a number is not known."""
    all_: list[Any] = [*numbers]
    return None if None in all_ else sum(all_)


def _number(number: Any) -> int | None:
    return None if number is UNKNOWN else number
