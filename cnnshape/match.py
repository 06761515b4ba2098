"""A live model's layers held against a file's: which is which, and where they differ.

cnnshape.live runs the model and hands over what it saw; here is no torch. Both nets are brought into one order, that of
the data, so that it makes no difference which of two branches runs first; the two rows are then aligned at the least
cost, and what stands at the same place is compared. Where the model has the file's own names, these decide.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush
from itertools import zip_longest
from math import isclose, prod
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from cnnshape.layers.base import Layer
from cnnshape.layers.shaping import ends
from cnnshape.layout import CHANNELS_LAST, text, to_file
from cnnshape.parameters import Axis, Real, Reference, per_axis
from cnnshape.problems import DependsOnData, ModelAdds, ModelDiffers, ModelFails, ModelMisses, Place, Problem, said
from cnnshape.unknown import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from cnnshape.network import LayerReport, Network, Report
    from cnnshape.parameters import Shape

Outcome = Literal[
    "agrees",
    "follows",  # it has the file's settings, and differs only as what enters it does
    "differs",
    "missing",  # the model has nothing like it
    "fails",  # the model raises here
    "not run",  # the model raised before
]


class Call(NamedTuple):
    """One layer that the model ran: a module of torch.nn, or a function. Shapes are without the batch."""

    name: str  # the module's path; of a function, behind the path of the module that calls it: block.relu()
    type: str  # as files call it; as torch does, where they know no such layer
    layer: Layer | None  # with the settings that it has; None where they do not matter, or are not known
    inputs: tuple[int, ...]  # the values that enter, numbered as in a Network
    entering: tuple[Shape, ...]
    output: Shape | None  # None: it raised
    weights: dict[str, int]  # how many each parameter of the model has that it uses
    place: str = ""  # of a function: where the code calls it
    minor: bool = False  # a step that changes little, and that a file may well leave out


class Failure(NamedTuple):
    """That the model raised, and in which module."""

    message: str
    module: str


class Run(NamedTuple):
    """What one run of a model showed."""

    model: str  # its class
    calls: tuple[Call, ...]
    returned: tuple[tuple[str, Shape, frozenset[int]], ...] = ()  # key or "", shape, the values that it is made of
    failure: Failure | None = None
    idle: dict[str, int] = {}  # noqa: RUF012 -- never changed; modules with parameters that no layer used
    depends: str = ""  # the function by which shapes depend on what the tensors hold


class Match(NamedTuple):
    """A layer of the file, and what the model has in its place."""

    name: str
    verdict: Outcome
    model: str = ""  # the module or function, "" for none
    reason: str = ""
    output: Shape | None = None  # the model's
    parameters: int | None = None  # the model's


class Comparison(NamedTuple):
    """A model held against a file: a match for each layer of the file, in order, what is beyond it, all problems."""

    model: str  # the class
    device: str
    torch: str  # its version
    layers: tuple[Match, ...]
    extra: tuple[str, ...]  # what the model has and the file has not
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """The model is what the file says."""
        return not any(problem.severity == "error" for problem in self.problems)


def match(net: Network, report: Report, run: Run) -> tuple[tuple[Match, ...], tuple[str, ...], tuple[Problem, ...]]:
    """Hold what a run showed against a net; return the matches, what the model has beyond it, and the problems."""
    matching = _Matching(net, report, run)
    layers = matching.layers()
    return layers, tuple(matching.extra()), tuple(matching.problems)


# One layer, of either side


class _Step(NamedTuple):
    name: str  # "" where it may not be matched by name
    type: str
    kind: str  # what it amounts to: layers of different types may be the same
    facts: dict[str, Any]  # settings that can be compared with one of the same type
    essence: dict[str, Any]  # ... with one of the same kind
    excused: frozenset[str]  # facts that the input decides
    family: str
    inputs: tuple[int, ...]
    entering: tuple[Shape | None, ...]
    output: Shape | None
    parameters: int | None
    optional: bool  # without it the shapes would be the same

    @property
    def signature(self) -> Any:
        return self.type, tuple(self.facts.items()), tuple(self.essence.items()), self.parameters


IN_OUTPUT: Final = frozenset({"output_size", "size", "scale_factor", "shape", "amount", "over", "broadcast", "exact"})
IDLE_WHERE_EQUAL: Final = frozenset(
    {"adaptive_avg_pool", "adaptive_max_pool", "global_avg_pool", "global_max_pool", "crop", "slice", "pad", "upsample"}
)
GLUE: Final = frozenset({"flatten", "reshape", "identity"})


def _facts(layer: Layer, x: Shape, y: Shape) -> dict[str, Any]:
    """Return the settings of a layer, each in one form; without those that its output shows, or that are not known."""
    rank = len(x) - 1
    if layer.type == "max_unpool":
        layer = layer.unpooling() if "indices" in vars(layer) else layer  # type: ignore[attr-defined]
    facts: dict[str, Any] = {}
    for name, parameter in layer.parameters.items():
        value = getattr(layer, name)
        silent = isinstance(parameter, Real) and name not in vars(layer)  # it bears on values alone, and is not claimed
        if silent or value is UNKNOWN or isinstance(parameter, Reference) or name in IN_OUTPUT:
            continue
        if name in layer.spatial:
            value = per_axis(value, rank)
        facts[name] = value + rank + 2 if isinstance(parameter, Axis) and value < 0 else value
    if facts.get("affine", facts.get("elementwise_affine", True)) is False:
        facts.pop("bias", None)
    if layer.type in ("conv", "conv_transpose"):
        windows = zip(facts["padding"], facts["kernel_size"], facts["dilation"], strict=True)
        facts["padding"] = tuple(_cells(*window) for window in windows)
        if not any(facts["padding"]):
            del facts["padding_mode"]
    if layer.type == "slice":
        axis = facts["dim"] - 1
        cut = range(x[axis])[slice(facts["start"], facts["stop"], facts["step"])]
        facts["start"], facts["stop"] = cut.start, cut.stop
    if layer.type == "crop" and len(x) == len(y):
        middle = tuple((side - size) // 2 for side, size in zip(x[1:], y[1:], strict=True))
        facts["offset"] = middle if layer.offset is None else per_axis(layer.offset, rank)  # type: ignore[attr-defined]
    if layer.type == "pad":
        facts["padding"] = tuple(map(ends, facts["padding"]))
    if layer.type == "upsample":
        facts["align_corners"] = bool(facts["align_corners"])
    return facts


def _cells(padding: Any, kernel_size: int, dilation: int) -> Any:
    """Return padding as a number, where a word comes to one."""
    around = dilation * (kernel_size - 1)
    if padding == "same" and around % 2 == 0:
        return around // 2
    return 0 if padding == "valid" else padding


def _essence(type: str, facts: dict[str, Any], x: Shape, y: Shape) -> tuple[str, dict[str, Any]]:  # noqa: A002
    """Return what a layer amounts to, and the settings that it has as such."""
    ones = all(side == 1 for side in y[1:])
    match type:
        case "conv" if facts["groups"] == 1 and not any(facts["padding"]):
            pointwise = set(facts["kernel_size"]) == {1} == set(facts["stride"])
            if pointwise or (facts["kernel_size"] == x[1:] and ones):
                width = facts["in_channels"] * prod(facts["kernel_size"])
                return "linear", {
                    "in_features": width,
                    "out_features": facts["out_channels"],
                    "bias": facts.get("bias"),
                }
        case "avg_pool" if facts["kernel_size"] == x[1:] and ones and not any(facts["padding"]):
            return "global_avg_pool", {}
        case "max_pool" if facts["kernel_size"] == x[1:] and ones and not any(facts["padding"]):
            return "global_max_pool", {}
        case "adaptive_avg_pool" | "adaptive_max_pool" if ones:
            return type.replace("adaptive", "global"), {}
        case "hardtanh" if (facts.get("min_val"), facts.get("max_val")) == (0, 6):
            return "relu6", {}
        case "flatten" | "reshape":
            return "reshape", {}
        case "slice" if facts["dim"] > 1 and facts["step"] == 1:
            return "crop", {"offset": tuple(facts["start"] * (axis == facts["dim"]) for axis in range(2, len(x) + 1))}
    return type, facts


def _step(  # noqa: PLR0913, PLR0917
    name: str,
    type: str,  # noqa: A002
    layer: Layer | None,
    inputs: tuple[int, ...],
    entering: tuple[Shape | None, ...],
    output: Shape | None,
    parameters: int | None,
) -> _Step:
    x = entering[0] if entering else None
    facts: dict[str, Any] = {}
    kind, essence = type, facts
    if layer is not None and x is not None:
        facts = _facts(layer, x, output or ())
        kind, essence = _essence(type, facts, x, output or ())
    excused = frozenset(layer.inferred if layer else ()) | {"in_features"}
    family = layer.__class__.__module__ if layer else type
    equal = x == output and (type in IDLE_WHERE_EQUAL or len(inputs) == 1 == (type == "concat"))
    optional = type in GLUE or equal or (type == "dropout" and facts.get("p") == 0)
    return _Step(
        name, type, kind, facts, essence, excused, family, inputs, entering, output, parameters, bool(optional)
    )


def _compared(one: _Step, other: _Step) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return the facts of both that can be compared; None for layers that are not the same thing."""
    if one.type == other.type:
        return one.facts, other.facts
    return (one.essence, other.essence) if one.kind == other.kind else None


def _different(one: _Step, other: _Step) -> list[str]:
    """Return the names of the facts that differ between two layers of the same kind."""
    left, right = _compared(one, other) or ({}, {})
    return [name for name in left if name in right and not _equal(left[name], right[name])]


def _equal(one: Any, other: Any) -> bool:
    return one == other or (isinstance(one, float) and isinstance(other, float) and isclose(one, other))


def same_shape(one: Shape | None, other: Shape | None) -> bool:
    """Say whether shapes are equal, axes of 1 aside, and the channels first or last."""
    if one is None or other is None:
        return True
    bare = [size for size in one if size != 1]
    return bare in ([n for n in other if n != 1], [n for n in to_file(other, CHANNELS_LAST) if n != 1]) or bare == [
        n for n in (*other[-1:], *other[:-1]) if n != 1
    ]


# One side


class _Side:
    """The layers of one net, the values that they read, and their order by the data."""

    def __init__(self, steps: list[_Step], first: int, outputs: Iterable[int]):
        self.first = first  # the value of the first layer
        readers = Counter(value for step in steps for value in step.inputs)
        sums = {  # parts of a longer sum
            value
            for step in steps
            if step.kind in ("add", "concat")
            for value in step.inputs
            if value >= first and readers[value] == 1 and steps[value - first].kind == step.kind
        }
        self.steps = [step._replace(optional=step.optional or i + first in sums) for i, step in enumerate(steps)]
        self.depths = [0] * first
        for step in self.steps:
            self.depths.append(max(map(self.depths.__getitem__, step.inputs), default=0) + (not step.optional))
        last = [i + first for i in range(len(steps)) if i + first not in readers]
        self.order: list[int] = []
        self._visit(sorted({*outputs, *last}, key=lambda value: (-self.depths[value], value)))

    def _visit(self, roots: Sequence[int]) -> None:
        """Put into order all that the roots are made of, and behind it themselves."""
        seen: set[int] = set()
        todo = [(0, iter(roots))]
        while todo:
            value, inputs = todo[-1]
            for entering in inputs:
                if entering >= self.first and entering not in seen:
                    seen.add(entering)
                    todo.append((entering, iter(self._inputs(entering))))
                    break
            else:
                todo.pop()
                if value:
                    self.order.append(value - self.first)

    def _inputs(self, value: int) -> Sequence[int]:
        """Return what a layer reads; of a sum or product, which has no order of its own, the longest way first."""
        step = self.steps[value - self.first]
        return sorted(step.inputs, key=lambda v: -self.depths[v]) if step.kind in ("add", "mul") else step.inputs

    def sources(self, values: Iterable[int], through: Callable[[int], bool]) -> frozenset[int]:
        """Return the values that these are made of, looking through some layers."""
        found, seen, todo = set(), set(), list(values)
        while todo:
            value = todo.pop()
            if value in seen:
                continue
            seen.add(value)
            index = value - self.first
            if index >= 0 and (self.steps[index].kind == "concat" or through(index)):
                todo += self.steps[index].inputs
            elif value:
                found.add(value)
        return frozenset(found)


# Both


GAP: Final = 8  # what a layer without a counterpart costs
FACT: Final = 2  # ... a setting that differs, DERIVED one that follows from the input, MOST all that differ
DERIVED: Final = 1
MOST: Final = 6
KIN: Final = 7  # ... another type of the same family
NAMESAKE: Final = 12  # ... another type altogether, of the same name
MANY: Final = 4  # layers that a message names one by one
LIMIT: Final = 1_000_000  # states of the search; nets that need more have nothing in common


class _Matching:
    def __init__(self, net: Network, report: Report, run: Run):
        self.net, self.report, self.run = net, report, run
        self.problems: list[Problem] = []
        first = 1 + len(net.inputs)
        self.file = _Side([_of_file(row) for row in report.layers], first, net.outputs.values())
        returned = [value for _, _, values in run.returned for value in values if value >= first]
        self.model = _Side([_of_model(call) for call in run.calls], first, returned)
        self.minor = {i for i, call in enumerate(run.calls) if call.minor}
        self.owners: dict[str, int] = {}  # of each parameter, the first layer that uses it
        for index in self.model.order:
            for name in run.calls[index].weights:
                self.owners.setdefault(name, index)
        self.model.steps = [
            step._replace(parameters=self.own(i), optional=step.optional or i in self.minor)
            for i, step in enumerate(self.model.steps)
        ]
        self.prices: dict[Any, int | None] = {}
        self.namesakes = self.trusted_names()
        self.pairs = dict(self.aligned())
        self.moved = dict(self.leftovers())
        self.partners = {j: i for i, j in (self.pairs | self.moved).items()}
        self.unsound: set[int] = set()  # layers of the file that the model does not have as they are

    def own(self, index: int) -> int:
        """Return how many parameters a layer of the model has that no layer before it uses."""
        return sum(n for name, n in self.run.calls[index].weights.items() if self.owners[name] == index)

    # Which is which

    def trusted_names(self) -> tuple[dict[int, int], dict[int, int]]:
        """Return the same layers of the same name, both ways; none if most of the same name differ: that is chance."""
        named: dict[str, int] = {}
        for j, step in enumerate(self.model.steps):
            if step.name:
                named.setdefault(step.name, j)
        common = {i: named[step.name] for i, step in enumerate(self.file.steps) if step.name in named}
        alike = {i: j for i, j in common.items() if self.price(i, j) == 0}
        trusted = alike if 2 * len(alike) >= len(common) else {}
        return trusted, {j: i for i, j in trusted.items()}

    def price(self, i: int, j: int) -> int | None:
        """Return what it costs to take two layers for the same, None if they cannot be."""
        one, other = self.file.steps[i], self.model.steps[j]
        key = (one.signature, other.signature, one.name == other.name != "")
        if key not in self.prices:
            self.prices[key] = _price(one, other)
        return self.prices[key]

    def aligned(self) -> Iterator[tuple[int, int]]:
        """Yield pairs that keep the order of both sides, so that all that differs costs least."""
        here, there = self.file.order, self.model.order
        forth, back = self.namesakes

        def price(i: int, j: int) -> int | None:
            torn = forth.get(i, j) != j or back.get(j, i) != i
            return None if torn else self.price(i, j)

        skips = [[_gap(side.steps[i]) for i in side.order] for side in (self.file, self.model)]
        for i, j in _aligned(lambda i, j: price(here[i], there[j]), *skips, cut=self.run.failure is not None):
            yield here[i], there[j]

    def leftovers(self) -> Iterator[tuple[int, int]]:
        """Yield pairs that are the same, but stand at other places."""
        taken = set(self.pairs.values())
        missing = [i for i in self.file.order if i not in self.pairs and not self.file.steps[i].optional]
        extra = [j for j in self.model.order if j not in taken and not self.model.steps[j].optional]
        for i in missing:
            same = [j for j in extra if self.namesakes[0].get(i, j) == j and self.price(i, j) == 0]
            if same:
                extra.remove(same[0])
                yield i, same[0]

    # What differs

    def layers(self) -> tuple[Match, ...]:
        """Return a match for each layer of the file."""
        done = {i: self.judge(i) for i in self.file.order}
        if self.run.failure:
            self.note_failure(done)
        else:
            self.note_outputs(done)
        if self.run.depends:
            self.problems.append(DependsOnData(self.place(None), function=self.run.depends))
        return tuple(done[i] for i in range(len(self.file.steps)))

    def judge(self, i: int) -> Match:
        """Compare one layer of the file with what the model has in its place."""
        step, j = self.file.steps[i], self.pairs.get(i, self.moved.get(i))
        name = self.report.layers[i].name
        if j is None:
            return self.alone(i)
        call, other = self.run.calls[j], self.model.steps[j]
        found = Match(name, "agrees", self.shown(j), "", other.output, other.parameters)
        differences = [*self.settings(step, other), *self.counts(i, j), *self.shapes(step, other)]
        changed = [d for d in differences if not d.derived]
        if not changed and differences and self.excused(step, other):
            self.unsound.add(i)
            return found._replace(verdict="follows", reason="what enters differs")
        changed = [*differences, *self.wiring(i, j)]
        if not changed and call.output is not None:
            return found
        self.unsound.add(i)
        if changed:
            self.differ(i, j, changed)
        if call.output is None:
            return found._replace(verdict="fails", reason=self.run.failure.message if self.run.failure else "")
        return found._replace(verdict="differs", reason=_both(changed))

    def alone(self, i: int) -> Match:
        """Return the match of a layer of the file that the model has not."""
        row, step = self.report.layers[i], self.file.steps[i]
        if self.run.failure and not any(k in self.pairs for k in self.file.order[self.file.order.index(i) :]):
            return Match(row.name, "not run", reason="the model raised before")
        if step.optional:
            return Match(row.name, "agrees", reason="the shapes are the same without it")
        self.unsound.add(i)
        node = row.node
        self.problems.append(
            ModelMisses(node.place, node.name, node.used_at, what=self.described(step), model=self.run.model)
        )
        return Match(row.name, "missing", reason="the model has nothing like it here")

    def settings(self, one: _Step, other: _Step) -> Iterator[_Difference]:
        if _compared(one, other) is None:
            yield _Difference("type", one.type, other.type)
            return
        left, right = _compared(one, other) or ({}, {})
        for name in _different(one, other):
            yield _Difference(name, _setting(name, left[name]), _setting(name, right[name]), name in one.excused)

    def counts(self, i: int, j: int) -> Iterator[_Difference]:
        """Compare numbers of parameters; shared ones count once, on both sides."""
        ours, theirs = self.file.steps[i].parameters, self.model.steps[j].parameters
        if ours is None or ours == theirs:
            return
        shares, total = self.report.layers[i].node.shares, sum(self.run.calls[j].weights.values())
        here, there = (f"{count:,} parameters" for count in (ours, theirs or 0))
        if shares and not ours:
            here = f"the weights of {shares}"
        if total and not theirs:
            owner = self.owners[next(iter(self.run.calls[j].weights))]
            there = f"those of {self.shown(owner)} once more"
        yield _Difference("shares" if shares else "", here, there, derived=bool(ours and theirs))

    def shapes(self, one: _Step, other: _Step) -> Iterator[_Difference]:
        if not same_shape(one.output, other.output):
            here, there = (f"output {text(shape, self.net.layout)}" for shape in (one.output, other.output))
            yield _Difference("", here, there, derived=True)

    def excused(self, one: _Step, other: _Step) -> bool:
        """Say whether what enters differs already, by what was found before."""
        entering = zip_longest(one.entering, other.entering)
        if all(same_shape(*pair) for pair in entering):
            return False
        sources = self.file.sources(one.inputs, lambda i: i not in self.unsound and self.through_file(i))
        return any(value - self.file.first in self.unsound for value in sources) or self.after_extra(other)

    def after_extra(self, step: _Step) -> bool:
        """Whether a layer of the model reads one that the file has not there, as it is or reshaped."""
        sources = self.model.sources(step.inputs, lambda j: self.astray(j) and self.model.steps[j].optional)
        return any(value >= self.model.first and self.astray(value - self.model.first) for value in sources)

    def astray(self, j: int) -> bool:
        """Whether a layer of the model stands where the file has none like it."""
        return self.pairs.get(self.partners.get(j, -1)) != j

    def wiring(self, i: int, j: int) -> Iterator[_Difference]:
        """Compare what the layers read, and for those that moved, where they stand."""
        joined = _joined(self.report.layers[i])
        here = self.file.sources(self.file.steps[i].inputs[:joined], self.through_file)
        there = self.model.sources(self.model.steps[j].inputs, self.through_model)
        if i in self.moved:
            yield _Difference("from", f"behind {self.names_here(here)}", f"behind {self.names_there(there)}")
            return
        first = self.file.first
        expected = {value if value < first else self.pairs[value - first] + first for value in here}
        if expected != there and there:
            yield _Difference("from", f"from {self.names_here(here)}", f"from {self.names_there(there)}")

    def through_file(self, i: int) -> bool:
        return i not in self.pairs or self.part_of_sum(self.file, i)

    def through_model(self, j: int) -> bool:
        return self.astray(j) or self.part_of_sum(self.model, j)

    @staticmethod
    def part_of_sum(side: _Side, index: int) -> bool:
        step = side.steps[index]
        return step.optional and step.kind == "add"

    def names_here(self, values: Iterable[int]) -> str:
        return _listed(values, [*self.net.inputs, *(row.name for row in self.report.layers)])

    def names_there(self, values: Iterable[int]) -> str:
        return _listed(values, [*self.net.inputs, *(self.shown(j) for j in range(len(self.run.calls)))])

    def shown(self, j: int) -> str:
        call = self.run.calls[j]
        return f"{call.name} ({call.place})" if call.place else call.name

    def described(self, step: _Step) -> str:
        """Say what a layer is: conv, kernel_size 3, output 64x56x56."""
        settings = [_setting(name, value) for name, value in step.facts.items() if name in ("kernel_size", "stride")]
        output = [f"output {text(step.output, self.net.layout)}"] if step.output else []
        return ", ".join([step.type, *settings, *output])

    def differ(self, i: int, j: int, differences: list[_Difference]) -> None:
        node = self.report.layers[i].node
        keys = [difference.key for difference in differences if difference.key in node.keys]
        facts = {"file": ", ".join(d.file for d in differences), "model": ", ".join(d.model for d in differences)}
        self.problems.append(ModelDiffers(node.at(*keys[:1]), node.name, node.used_at, module=self.shown(j), **facts))

    # What is beyond the file, and the whole

    def extra(self) -> Iterator[str]:
        """Yield what the model has and the file has not; each is a problem behind the layer that it follows."""
        before: int | None = None
        for j in self.model.order:
            if j in self.partners:
                before = self.partners[j]
            elif not self.model.steps[j].optional and self.run.calls[j].output is not None:
                self.note_extra(before, f"{self.shown(j)}, {self.described(self.model.steps[j])}")
                yield self.shown(j)
        for module, parameters in self.run.idle.items():
            self.note_extra(None, f"{parameters:,} parameters in {module} that no layer of this run used")
            yield module

    def note_extra(self, before: int | None, what: str) -> None:
        node = None if before is None else self.report.layers[before].node
        where = f" behind {node.name}" if node else ""
        self.problems.append(
            ModelAdds(
                self.place(before), node.name if node else "", node.used_at if node else (), what=what, where=where
            )
        )

    def place(self, i: int | None) -> Place | None:
        """Return where a layer of the file stands, or the file's beginning."""
        if i is not None:
            return self.report.layers[i].node.place
        rows = self.report.layers
        return (
            Place(rows[0].node.place.source, ()) if rows and rows[0].node.place.source.file == self.net.file else None
        )

    def note_failure(self, done: dict[int, Match]) -> None:
        failure = self.run.failure
        assert failure is not None
        ran = [i for i in self.file.order if done[i].verdict != "not run"]
        at = next((i for i in ran if done[i].verdict == "fails"), ran[-1] if ran else None)
        layer = self.report.layers[at].name if at is not None else ""
        self.problems.append(ModelFails(self.place(at), layer, module=failure.module, message=failure.message))

    def note_outputs(self, done: dict[int, Match]) -> None:
        """Compare what the model returns with the outputs of the file."""
        returned = list(self.run.returned)
        for position, (name, shape) in enumerate(self.report.outputs.items()):
            if shape is None:
                continue
            i = self.net.outputs[name] - self.file.first
            found = self.returned(name, position, i)
            if found is not None and found == shape:
                continue
            if i >= 0 and done[i].verdict not in ("agrees",):
                continue
            layer = self.report.layers[i].node if i >= 0 else None
            there = " and ".join(text(s, self.net.layout) for _, s, _ in returned) or "no tensor"
            there = text(found, self.net.layout) if found else there
            self.problems.append(
                ModelDiffers(
                    self.place(i if i >= 0 else None),
                    layer.name if layer else "",
                    layer.used_at if layer else (),
                    file=f"output {text(shape, self.net.layout)}",
                    model=there,
                    module=f"what {self.run.model} returns",
                )
            )
            if i >= 0:
                done[i] = done[i]._replace(verdict="differs", reason=f"the model returns {there}")

    def returned(self, name: str, position: int, i: int) -> Shape | None:
        """Return the shape of what the model returns as an output: by its name, by what it is made of, by its place."""
        returned = self.run.returned
        for key, shape, _ in returned:
            if key == name:
                return shape
        sources = self.file.sources([i + self.file.first], self.through_file)
        wanted = {v if v < self.file.first else self.pairs[v - self.file.first] + self.file.first for v in sources}
        for _, shape, values in returned:
            if self.model.sources(values, self.through_model) == wanted:
                return shape
        same_number = len(returned) == len(self.report.outputs)
        return returned[position][1] if same_number else None


class _Difference(NamedTuple):
    key: str  # the setting's
    file: str
    model: str
    derived: bool = False  # it may follow from what enters


def _both(differences: list[_Difference]) -> str:
    return f"{', '.join(d.file for d in differences)} / {', '.join(d.model for d in differences)}"


def _listed(values: Iterable[int], names: Sequence[str]) -> str:
    """Write the names of values, the first few of many."""
    shown = [names[value - 1] for value in sorted(values)]
    return " and ".join(shown if len(shown) <= MANY else [*shown[:MANY], f"{len(shown) - MANY} more"]) or "nothing"


def _setting(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return f"{name} {said(value)}"


def _joined(row: LayerReport) -> int:
    """Return how many inputs of a layer are no references."""
    layer = row.node.layer
    return len(row.node.inputs) - sum(key in vars(layer) for key in layer.references) if layer else len(row.node.inputs)


def _of_file(row: LayerReport) -> _Step:
    node = row.node
    name = node.name if "name" in node.keys else ""
    joined = _joined(row)
    return _step(name, node.type, node.layer, node.inputs[:joined], row.inputs[:joined], row.output, row.parameters)


def _of_model(call: Call) -> _Step:
    name = "" if call.place else call.name
    return _step(name, call.type, call.layer, call.inputs, call.entering, call.output, None)


def _gap(step: _Step) -> int:
    """Return what it costs to take a layer for missing, or for one too many."""
    return 0 if step.optional else GAP if step.parameters else GAP + 1  # those with weights are what people swap


def _price(one: _Step, other: _Step) -> int | None:
    if _compared(one, other) is None:
        if one.family == other.family:
            return KIN
        return NAMESAKE if one.name == other.name != "" else None
    facts = sum(DERIVED if name in one.excused else FACT for name in _different(one, other))
    return min(MOST, facts + DERIVED * (one.parameters != other.parameters))


def _aligned(
    price: Callable[[int, int], int | None], skips: list[int], other_skips: list[int], *, cut: bool
) -> list[tuple[int, int]]:
    """Return the pairs of two rows that cost least, by Dijkstra's search; `cut`: the second row ends early."""
    end = (len(skips), len(other_skips))
    best, before = {(0, 0): 0}, {}
    todo = [(0, 0, (0, 0))]
    while todo and len(best) < LIMIT:
        cost, _, here = heappop(todo)
        i, j = here
        if here == end or (cut and j == end[1]):
            break
        if cost > best[here]:
            continue
        same = price(i, j) if i < end[0] and j < end[1] else None
        ways = [] if same is None else [(cost + same, (i + 1, j + 1))]
        if same != 0 or skips[i] != other_skips[j]:  # what is the same is the same
            ways += [(cost + skips[i], (i + 1, j))] if i < end[0] else []
            ways += [(cost + other_skips[j], (i, j + 1))] if j < end[1] else []
        for total, there in ways:
            if total < best.get(there, total + 1):
                best[there], before[there] = total, here
                heappush(todo, (total, -sum(there), there))
    pairs = []
    while here in before:
        last, here = here, before[here]
        if last[0] > here[0] and last[1] > here[1]:
            pairs.append(here)
    return pairs[::-1]
