"""A live model's layers held against a file's: where they differ. cnnshape.pytorch.live runs the model; here is no torch."""

from __future__ import annotations

from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from cnnshape.compare.align import Alignment, Side, SideLayer, alike, comparable, different, step
from cnnshape.numbers.shape import text
from cnnshape.problems.base import Problem, errors
from cnnshape.problems.comparing import DependsOnData, ModelAdds, ModelDiffers, ModelFails, ModelMisses
from cnnshape.problems.wording import few, said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from cnnshape.layers import Layer
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import LayerReport, Report
    from cnnshape.numbers.shape import Shape

Outcome = Literal[
    "agrees",
    "follows",  # it has the file's settings, and differs only as what enters it does
    "differs",
    "missing",  # the model has nothing like it
    "fails",  # the model raises here
    "not run",  # the model raised before
]

MANY: Final = 4  # layers that a message names one by one


class Call(NamedTuple):
    """One layer that a model ran: a module of torch.nn, or a function. Shapes are without the batch."""

    name: str  # the module's path; of a function, its own behind the path of the module that calls it: block.relu()
    type: str  # as files call it; as torch does, where they know no such layer
    layer: Layer | None  # with its settings; None where they do not matter, or are not known
    inputs: tuple[int, ...]  # the values that enter, numbered as in a Network
    entering: tuple[Shape, ...]
    output: Shape | None  # None: it raised
    weights: dict[str, int]  # the parameters that it uses, and how many numbers each has
    place: str = ""  # of a function: where it is called
    minor: bool = False  # files may well leave it out

    @property
    def title(self) -> str:
        return f"{self.name} ({self.place})" if self.place else self.name


class Failure(NamedTuple):
    """That the model raised, and in which module or function."""

    message: str
    module: str


class Trace(NamedTuple):
    """What one run of a model showed."""

    model: str  # its class
    calls: tuple[Call, ...]
    returned: tuple[tuple[str, Shape, frozenset[int]], ...]  # the key, "" for none; what the tensor is made of
    failure: Failure | None
    idle: dict[str, int]  # modules with parameters that no layer used
    by_data: str  # the function that makes shapes depend on what tensors hold, "" for none


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

    model: str  # its class
    device: str
    torch: str  # its version
    layers: tuple[Match, ...]
    extra: tuple[str, ...]  # what the model has, and the file has not
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """The model is what the file says."""
        return not errors(self.problems)


def match(net: Network, report: Report, run: Trace) -> tuple[tuple[Match, ...], tuple[str, ...], tuple[Problem, ...]]:
    """Hold what a run showed against a net; return the matches, what the model has beyond it, and the problems."""
    judge = _Judge(net, report, run)
    layers, extra = judge.layers(), tuple(judge.extra())
    return layers, extra, tuple(judge.problems)


class _Difference(NamedTuple):
    """What the file has, and what the model has instead, in words."""

    file: str
    model: str
    key: str = ""  # the setting's
    derived: bool = False  # it may follow from what enters


class _Judge:
    """Compares two nets, layer by layer; `problems` has what it found."""

    def __init__(self, net: Network, report: Report, run: Trace):
        self.net, self.report, self.run = net, report, run
        self.problems: list[Problem] = []
        self.first = 1 + len(net.inputs)  # the value of the first layer, on both sides
        self.file = Side([_of_file(row) for row in report.layers], self.first, net.outputs.values())
        returned = (value for _, _, values in run.returned for value in values)
        self.model = Side([_of_model(call) for call in run.calls], self.first, returned)
        self.owners: dict[str, int] = {}  # of each parameter, the first layer that uses it
        for j in self.model.order:
            for name in run.calls[j].weights:
                self.owners.setdefault(name, j)
        self.model.steps = [s._replace(parameters=self.own(j)) for j, s in enumerate(self.model.steps)]
        self.unsound: set[int] = set()  # layers that the model does not have as the file says
        self.found = Alignment(self.file, self.model, cut=run.failure is not None)
        for i, j in [*self.found.moved.items()]:
            if self.reads_alike(i, j):  # another branch comes first, that is all
                self.found.pairs[i] = self.found.moved.pop(i)

    def own(self, j: int) -> int:
        """Return how many parameters a layer of the model has that none before it uses."""
        return sum(count for name, count in self.run.calls[j].weights.items() if self.owners[name] == j)

    # The layers of the file

    def layers(self) -> tuple[Match, ...]:
        """Return a match for each."""
        matches = {i: self.judged(place, i) for place, i in enumerate(self.file.order)}
        if self.run.failure:
            self.note_failure(matches)
        else:
            self.note_outputs(matches)
        if self.run.by_data and DependsOnData.code not in self.net.allow:
            self.note(DependsOnData, None, function=self.run.by_data)
        return tuple(matches[i] for i in range(len(matches)))

    def judged(self, place: int, i: int) -> Match:
        """Compare one layer with what the model has in its place; what it reads has been judged."""
        found = Match(self.report.layers[i].name, "agrees")
        j = self.found.pairs.get(i, self.found.moved.get(i))
        if j is None and self.run.failure and place > self.found.reached:
            return found._replace(verdict="not run", reason="the model raised before")
        if j is None and self.file.steps[i].optional:
            return found._replace(reason="the shapes are the same without it")
        if j is None:
            self.unsound.add(i)
            self.note(ModelMisses, i, model=self.run.model, what=self.described(self.file.steps[i]))
            return found._replace(verdict="missing", reason="the model has nothing like it here")
        one, other = self.file.steps[i], self.model.steps[j]
        found = found._replace(model=self.run.calls[j].title, output=other.output, parameters=other.parameters)
        differences = [*self.settings(one, other), *self.counts(i, j), *self.shapes(one, other)]
        if differences and all(d.derived for d in differences) and self.enters_otherwise(one, other):
            self.unsound.add(i)
            return found._replace(verdict="follows", reason="what enters differs")
        differences += self.wiring(i, j)
        file, model = ", ".join(d.file for d in differences), ", ".join(d.model for d in differences)
        if differences:
            self.unsound.add(i)
            keys = [d.key for d in differences if d.key]
            self.note(ModelDiffers, i, *keys, file=file, model=model, module=found.model)
        if other.output is None:
            return found._replace(verdict="fails", reason=self.run.failure.message if self.run.failure else "")
        return found._replace(verdict="differs", reason=f"{file} / {model}") if differences else found

    def settings(self, one: SideLayer, other: SideLayer) -> Iterator[_Difference]:
        both = comparable(one, other)
        if both is None:
            yield _Difference(one.type, other.type, "type")
            return
        for name in different(one, other):
            ours, theirs = (_setting(name, settings[name]) for settings in both)
            yield _Difference(ours, theirs, name, name in one.derived)

    def counts(self, i: int, j: int) -> Iterator[_Difference]:
        """Compare numbers of parameters; shared ones count once, on both sides."""
        ours, theirs = self.file.steps[i].parameters, self.model.steps[j].parameters
        if ours is None or ours == theirs:
            return
        here, there = (f"{count:,} parameters" for count in (ours, theirs or 0))
        shares, call = self.report.layers[i].node.shares, self.run.calls[j]
        if shares and not ours:
            here = f"those of {shares}"
        if any(".parametrizations." in name for name in call.weights):
            there += " with its parametrization"
        elif call.weights and not theirs:
            there = f"those of {self.run.calls[self.owners[next(iter(call.weights))]].title} once more"
        elif call.place:
            there = "none of the model's parameters"
        yield _Difference(here, there, "shares" if shares else "", derived=bool(ours and theirs))

    def shapes(self, one: SideLayer, other: SideLayer) -> Iterator[_Difference]:
        if not alike(one.output, other.output):
            here, there = (f"output {self.written(step.output)}" for step in (one, other))
            yield _Difference(here, there, derived=True)

    def enters_otherwise(self, one: SideLayer, other: SideLayer) -> bool:
        """Say whether other shapes enter, and it is known why: by what was judged before, or a layer too many."""
        if all(alike(*pair) for pair in zip_longest(one.entering, other.entering)):
            return False
        ours, _ = self.file.sources(
            one.inputs, lambda i: i not in self.unsound and (self.file.stacks(i) or self.unseen(i))
        )
        theirs, _ = self.model.sources(
            other.inputs, lambda j: self.model.stacks(j) or (self.astray(j) and self.model.steps[j].optional)
        )
        added = (value - self.first for value in theirs if value >= self.first)
        return any(value - self.first in self.unsound for value in ours) or any(map(self.astray, added))

    def wiring(self, i: int, j: int) -> Iterator[_Difference]:
        """Compare what they read; of one that stands elsewhere, where."""
        if self.reads_alike(i, j):
            return
        here, _ = self.file.sources(self.file.steps[i].inputs, self.unseen)
        there, _ = self.model.sources(self.model.steps[j].inputs, self.added)
        if not self.file.steps[i].ordered:
            here, there = sorted(here), sorted(there)
        ours = _listed(here, [*self.net.inputs, *(row.name for row in self.report.layers)])
        theirs = _listed(there, [*self.net.inputs, *(call.title for call in self.run.calls)])
        word = "behind" if i in self.found.moved else "from"
        yield _Difference(f"{word} {ours}", f"{word} {theirs}", "from")

    def reads_alike(self, i: int, j: int) -> bool:
        one, other = self.file.steps[i], self.model.steps[j]
        return not any(other.inputs) or self.same(one.inputs, other.inputs, ordered=one.ordered)

    def same(self, ours: Iterable[int], theirs: Iterable[int], *, ordered: bool = False) -> bool:
        """Say whether values are made of the same, as they are or with all concatenations taken apart."""
        return any(self.same_parts([*ours], [*theirs], ordered=ordered, apart=apart) for apart in (False, True))

    def same_parts(self, ours: list[int], theirs: list[int], *, ordered: bool, apart: bool) -> bool:
        here, missing = self.file.sources(ours, lambda i: self.unseen(i) or (apart and self.file.stacks(i)))
        there, extra = self.model.sources(theirs, lambda j: self.added(j) or (apart and self.model.stacks(j)))
        wanted = [value if value < self.first else self.found.pairs[value - self.first] + self.first for value in here]
        less = any(len(self.file.steps[i].inputs) > 1 and i in self.unsound for i in missing)  # a sum that is missing
        more = any(len(self.model.steps[j].inputs) > 1 and not self.model.steps[j].optional for j in extra)
        return (
            (wanted == there if ordered else {*wanted} == {*there})
            or (less and {*there} <= {*wanted})
            or (more and {*wanted} <= {*there})
        )

    def unseen(self, i: int) -> bool:
        """Whether a layer of the file has no counterpart at its place, so that its readers read what enters it."""
        return i not in self.found.pairs or self.sums(self.file, i)

    def astray(self, j: int) -> bool:
        """Whether a layer of the model has no counterpart at its place."""
        return self.found.pairs.get(self.found.partners.get(j, -1)) != j

    def added(self, j: int) -> bool:
        """Whether a layer of the model has no counterpart at its place, so that its readers read what enters it."""
        return self.astray(j) or self.sums(self.model, j)

    @staticmethod
    def sums(side: Side, index: int) -> bool:
        """Whether a layer is a part of a longer sum."""
        return index in side.parts and not side.stacks(index)

    # What is beyond the file, and the whole

    def extra(self) -> Iterator[str]:
        """Yield what the model has and the file has not; each is a problem of the layer that it stands behind."""
        before: int | None = None
        for j in self.model.order:
            if j in self.found.partners:
                before = self.found.partners[j]
            elif not self.model.steps[j].optional and self.run.calls[j].output is not None:
                title = self.run.calls[j].title
                self.note_extra(before, f"{title}, {self.described(self.model.steps[j])}")
                yield title
        for module, parameters in self.run.idle.items():
            self.note_extra(None, f"{parameters:,} parameters in {module}, which no layer used when it was evaluated")
            yield module

    def note_extra(self, before: int | None, what: str) -> None:
        where = "" if before is None else f" behind {self.report.layers[before].name}"
        self.note(ModelAdds, before, what=what, where=where)

    def note_failure(self, matches: dict[int, Match]) -> None:
        ran = [i for i in self.file.order if matches[i].verdict != "not run"]
        last = next((i for i in ran if matches[i].verdict == "fails"), ran[-1] if ran else None)
        if self.run.failure:
            self.note(ModelFails, last, **self.run.failure._asdict())

    def note_outputs(self, matches: dict[int, Match]) -> None:
        """Compare what the model returns with the outputs of the file, unless the layer itself differs."""
        for position, (name, shape) in enumerate(self.report.outputs.items()):
            i = self.net.outputs[name] - self.first
            returned = self.returned(name, position)
            if shape is None or shape == returned or (i >= 0 and matches[i].verdict != "agrees"):
                continue
            shapes = [returned] if returned else [shape for _, shape, _ in self.run.returned]
            theirs = " and ".join(map(self.written, shapes)) or "no tensor"
            ours = f"output {self.written(shape)}"
            self.note(ModelDiffers, max(i, 0), file=ours, model=theirs, module=f"what {self.run.model} returns")
            if i >= 0:
                matches[i] = matches[i]._replace(verdict="differs", reason=f"{ours} / {theirs}")

    def returned(self, name: str, position: int) -> Shape | None:
        """Return the shape of what is returned as an output: by its name, by what it is made of, by its place."""
        returned = self.run.returned
        named = (shape for key, shape, _ in returned if key == name)
        made = (shape for _, shape, values in returned if values and self.same([self.net.outputs[name]], values))
        placed = [returned[position][1]] if len(returned) == len(self.report.outputs) else []
        return next(chain(named, made, placed), None)

    def described(self, step: SideLayer) -> str:
        """Say what a layer is: conv, kernel_size 3, output 64x56x56."""
        settings = [_setting(name, step.settings[name]) for name in ("kernel_size", "stride") if name in step.settings]
        output = [] if step.output is None else [f"output {self.written(step.output)}"]
        return ", ".join([step.type, *settings, *output])

    def written(self, shape: Shape | None) -> str:
        return "without axes" if shape == () else text(shape, self.net.layout)

    def note(self, problem: type[Problem], i: int | None, *keys: str, **facts: Any) -> None:
        """Note a problem of a layer of the file, or with None of the whole."""
        if i is not None and self.report.layers:
            node: Node = self.report.layers[i].node
            self.problems.append(problem(node.at(*keys), node.name, node.used_at, **facts))
        else:
            self.problems.append(problem(self.net.at("layers"), **facts))


def _of_file(row: LayerReport) -> SideLayer:
    node, layer = row.node, row.node.layer
    joined = len(node.inputs) - (layer.looked_at() if layer else 0)
    return step(
        node.type,
        layer,
        name=node.name if "name" in node.keys else "",
        inputs=node.inputs[:joined],
        entering=row.inputs[:joined],
        output=row.output,
        parameters=row.parameters,
    )


def _of_model(call: Call) -> SideLayer:
    return step(
        call.type,
        call.layer,
        name="" if call.place else call.name,
        inputs=call.inputs,
        entering=call.entering,
        output=call.output,
        parameters=None,
        minor=call.minor,
    )


def _listed(values: Iterable[int], names: Sequence[str]) -> str:
    """Write the names of values, the first few of many."""
    return " and ".join(few([names[value - 1] for value in values], MANY)) or "nothing"


def _setting(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    if isinstance(value, tuple) and len(set(value)) == 1:
        value = value[0]
    return f"{name} {said(value)}"
