"""A trace of a live model held against a net: a verdict on each layer of the file, and a problem for each difference."""

from __future__ import annotations

from collections import Counter
from itertools import groupby, takewhile, zip_longest
from typing import TYPE_CHECKING, Any, NamedTuple

from cnnshape.compare.alignment import Alignment
from cnnshape.compare.attention import with_attention
from cnnshape.compare.comparison import Match
from cnnshape.compare.differences import MANY, Difference, described, listed, of_settings, of_shapes, written
from cnnshape.compare.exchanges import exchanged_alike, exchanged_before
from cnnshape.compare.padding import follows_sides, with_padding
from cnnshape.compare.results import paired
from cnnshape.compare.side import Side
from cnnshape.compare.side_layer import alike, of_call, of_row
from cnnshape.compare.sources import Sources
from cnnshape.layers.attention import Attention
from cnnshape.numbers.shape import text
from cnnshape.problems.base import errors
from cnnshape.problems.comparing import (
    BetweenLayers,
    DependsOnData,
    ModelAdds,
    ModelDiffers,
    ModelFails,
    ModelMisses,
    OtherSizeDiffers,
    UnusedInModel,
)
from cnnshape.problems.wording import few

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.trace import Returned, Trace
    from cnnshape.network.graph import Node
    from cnnshape.network.network import Network
    from cnnshape.network.report import Report
    from cnnshape.problems.base import Problem


class Judgement(NamedTuple):
    """A match for each layer of the file, the layers that the model has beside them, the problems."""

    layers: tuple[Match, ...]
    extra: tuple[str, ...]
    problems: tuple[Problem, ...]
    pairs: dict[int, int]  # of layers, by their indices: the file's and the model's


def judge(net: Network, report: Report, run: Trace) -> Judgement:
    """Hold the trace of a run against a net."""
    found = _Judge(net, report, run)
    layers, extra = found.layers(), tuple(found.extra())
    return Judgement(layers, extra, tuple(found.problems), found.found.pairs)


def differs_at(net: Network, report: Report, run: Trace, first: Trace, pairs: dict[int, int]) -> Problem | None:
    """Return the warning on a run at another input than the first run's; None where both accept and agree, or refuse."""
    problems = errors(report.problems)
    empty = any(0 in (call.output or ()) for call in run.calls) or any(0 in tensor.shape for tensor in run.returned)
    if problems and (run.failure or empty):  # torch goes on without elements
        return None
    if problems:
        problem, does = problems[0], f"refuses ({problems[0].message})"
        what = f"{run.model} gives {' and '.join(written(tensor.shape, net.layout) for tensor in run.returned)}"
    else:
        problems = () if _repeats(report, run, first, pairs) else errors(judge(net, report, run).problems)
        if not problems:
            return None
        problem, does = next((found for found in problems if isinstance(found, ModelFails)), problems[0]), "accepts"
        what = problem.message
    size = ", ".join(text(shape, net.layout) for shape in report.inputs.values())
    return OtherSizeDiffers(problem.place, problem.layer, problem.used_at, size=size, does=does, what=what)


def _repeats(report: Report, run: Trace, first: Trace, pairs: dict[int, int]) -> bool:
    """Say whether a run is the first one in all but shapes, and has the file's: it need not be judged again."""
    calls = zip(run.calls, first.calls, strict=False)
    return (
        len(run.calls) == len(first.calls)
        and all(one[:4] == other[:4] for one, other in calls)
        and all(report.layers[i].output == run.calls[j].output for i, j in pairs.items())
        and [(tensor.shape, tensor.values) for tensor in run.returned]
        == [(report.output, tensor.values) for tensor in first.returned]
    )


def allowed(net: Network, problem: Problem) -> bool:
    """Say whether the file silences a warning, as a whole or at its layer."""
    return problem.code in net.allow or any(
        problem.code in node.allow for node in net.nodes if node.name == problem.layer
    )


class _Judge:
    """Compares two sides, layer by layer; `problems` has the differences found."""

    def __init__(self, net: Network, report: Report, run: Trace):
        self.first = 1 + len(net.inputs)  # the value of the first layer, on both sides
        if any(node.type == Attention.type for node in net.nodes):
            run = run._replace(calls=with_attention(run.calls, self.first))
        self.net, self.report, self.run = net, report, run
        self.problems: list[Problem] = []
        ours, theirs = [of_row(row) for row in report.layers], [of_call(call) for call in run.calls]
        returned = [value for tensor in run.returned for value in tensor.values]
        if follows_sides(node.layer for node in net.nodes):
            ours = with_padding(ours, self.first, net.outputs.values())
            theirs = with_padding(theirs, self.first, returned)
        self.file = Side(ours, self.first, net.outputs.values())
        self.model = Side(theirs, self.first, returned)
        self.rows = {row.name: i for i, row in enumerate(report.layers)}
        self.owners: dict[str, int] = {}  # of each parameter, the first layer that uses it
        for j in self.model.order:
            for name in run.calls[j].weights:
                self.owners.setdefault(name, j)
        self.model.layers = [one._replace(parameters=self.own(j)) for j, one in enumerate(self.model.layers)]
        claimed = any(claim.name == "trainable" for claim in net.claims)
        self.speaks_of_training = claimed or any(node.frozen for node in net.nodes)
        self.found = Alignment(self.file, self.model, cut=run.failure is not None)
        self.sources = Sources(self.found)
        for i, j in [*self.found.moved.items()]:
            if self.sources.reads_alike(i, j):  # another branch comes first, that is all
                self.found.pairs[i] = self.found.moved.pop(i)

    def own(self, j: int) -> int:
        """Return how many parameters a layer of the model has that none before it uses."""
        return sum(self.owned(j).values())

    def owned(self, j: int) -> dict[str, int]:
        """Return the parameters that a layer of the model has and none before it uses, with the size of each."""
        return {name: count for name, count in self.run.calls[j].weights.items() if self.owners[name] == j}

    # The layers of the file

    def layers(self) -> tuple[Match, ...]:
        """Return a match for each layer, in the order of the file."""
        matches = {i: self.judged(place, i) for place, i in enumerate(self.file.order)}
        if self.run.failure:
            self.note_failure(matches)
        else:
            self.note_outputs(matches)
        if self.run.by_data and DependsOnData.code not in self.net.allow:
            self.note(DependsOnData, None, function=self.run.by_data)
        return tuple(matches[i] for i in range(len(matches)))

    def judged(self, place: int, i: int) -> Match:
        """Compare a layer with the one that the model has in its place; the layers before it have been judged."""
        match = Match(self.report.layers[i].name, "agrees")
        j = self.found.pairs.get(i, self.found.moved.get(i))
        if j is not None:
            return self.compared(i, j, match)
        if self.run.failure and place > self.found.reached:
            return match._replace(verdict="not run", reason="the model raised before")
        if self.file.layers[i].optional:
            return match._replace(reason="the shapes are the same without it")
        if exchanged_before(self.sources, i):
            return match._replace(reason="the model exchanges the axes before")
        self.sources.unsound.add(i)
        if not place or not self.misses(place - 1):
            self.note_missing([*takewhile(self.misses, range(place, len(self.file.order)))])
        return match._replace(verdict="missing", reason="the model has nothing like it here")

    def misses(self, place: int) -> bool:
        """Whether the model has no layer for the file's at a place of its order."""
        i = self.file.order[place]
        there = i in self.found.pairs or i in self.found.moved or (self.run.failure and place > self.found.reached)
        return not there and not self.file.layers[i].optional and not exchanged_before(self.sources, i)

    def note_missing(self, places: list[int]) -> None:
        """Note a row of layers that the model does not have: few with a problem each, many with one for all."""
        row = [self.file.order[place] for place in places]
        behind = f", nor the {len(row) - 1:,} layers behind it, up to {self.report.layers[row[-1]].name}"
        for i in row if len(row) <= MANY else row[:1]:
            what = described(self.file.layers[i], self.net.layout) + behind * (len(row) > MANY)
            self.note(ModelMisses, i, model=self.run.model, what=what)

    def compared(self, i: int, j: int, match: Match) -> Match:
        """Compare a layer of the file and its partner."""
        one, other = self.file.layers[i], self.model.layers[j]
        match = match._replace(model=self.run.calls[j].title, output=other.output, parameters=other.parameters)
        differences = weights = [*self.counts(i, j)] or [*self.trained(i, j)]
        if not exchanged_alike(self.sources, i, j):
            differences = [*of_settings(one, other), *weights, *of_shapes(one, other, self.net.layout)]
        if differences and all(d.follows for d in differences) and self.enters_otherwise(i, j):
            self.sources.unsound.add(i)
            return match._replace(verdict="follows", reason="what enters differs")
        differences += self.wired(i, j)
        file, model = ", ".join(d.file for d in differences), ", ".join(d.model for d in differences)
        if differences:
            self.sources.unsound.add(i)
            keys = [d.key for d in differences if d.key]
            self.note(ModelDiffers, i, *keys, file=file, model=model, module=match.model)
        if other.output is None:
            return match._replace(verdict="fails", reason=self.run.failure.message if self.run.failure else "")
        return match._replace(verdict="differs", reason=f"{file} / {model}") if differences else match

    def counts(self, i: int, j: int) -> Iterator[Difference]:
        """Compare numbers of parameters; shared ones count once, on both sides."""
        ours, theirs = self.file.layers[i].parameters, self.model.layers[j].parameters
        if ours is None or ours == theirs:
            yield from self.shared(i, j)
            return
        here, there = (f"{count:,} parameters" for count in (ours, theirs or 0))
        node, call = self.report.layers[i].node, self.run.calls[j]
        if node.shares and not ours:
            here = f"those of {node.shares}"
        if any("parametrizations." in name or name.endswith("weight_g") for name in call.weights):
            there += " with its parametrization"
        elif call.weights and not theirs:
            there = f"those of {self.run.calls[self.owners[next(iter(call.weights))]].title} once more"
        elif call.place and not theirs:
            there = "none of the model's parameters"
        key = "shares" if node.shares else "shares_weight" if node.shares_weight else ""
        yield Difference(here, there, key, follows=bool(ours and theirs))

    def shared(self, i: int, j: int) -> Iterator[Difference]:
        """Compare the layers whose weights two layers use."""
        node, call = self.report.layers[i].node, self.run.calls[j]
        name = node.shares or node.shares_weight
        k = self.found.pairs.get(self.rows[name]) if name else None
        if k is None or call.weights.keys() & self.run.calls[k].weights.keys():
            return
        for owner in {self.owners[weight] for weight in call.weights} - {j}:
            theirs = f"those of {self.run.calls[owner].title}"
            yield Difference(f"weights of {name}", theirs, "shares" if node.shares else "shares_weight")

    def trained(self, i: int, j: int) -> Iterator[Difference]:
        """Compare the parameters that are frozen, where the file says anything of training."""
        frozen = self.report.layers[i].node.frozen
        owned = self.owned(j)
        still = sum(count for name, count in owned.items() if name in self.run.frozen)
        if not self.speaks_of_training or still == frozen * sum(owned.values()):
            return
        some = f"{still:,} of {sum(owned.values()):,} parameters frozen"
        model = "frozen" if still == sum(owned.values()) else some if still else "not frozen"
        yield Difference("frozen" if frozen else "not frozen", model, "frozen")

    def enters_otherwise(self, i: int, j: int) -> bool:
        """Say whether other shapes enter, for a known reason."""
        entering = zip_longest(self.file.layers[i].entering, self.model.layers[j].entering)
        return not all(alike(*pair) for pair in entering) and self.sources.enters_otherwise(i, j)

    def wired(self, i: int, j: int) -> Iterator[Difference]:
        """Compare the sources of two layers; those of a moved layer say where it stands."""
        if self.sources.reads_alike(i, j):
            return
        here, there = self.sources.read_by(i, j)
        ours = listed(here, [*self.net.inputs, *(row.name for row in self.report.layers)])
        theirs = listed(there, [*self.net.inputs, *(call.title for call in self.run.calls)])
        word = "behind" if i in self.found.moved else "from"
        yield Difference(f"{word} {ours}", f"{word} {theirs}", "from")

    # Beside the layers of the file

    def extra(self) -> Iterator[str]:
        """Yield the layers that only the model has; a row of them is a problem of the layer that it stands behind."""
        before: int | None = None
        between: list[tuple[int | None, int]] = []
        for partner, row in groupby(self.model.order, self.found.partners.get):
            before = before if partner is None else partner
            alone = [*row] if partner is None else []
            extra = [j for j in alone if self.adds(j)]
            between += ((before, j) for j in alone if self.run.calls[j].alters and j not in self.model.dead)
            titles = [self.run.calls[j].title for j in extra]
            if len(extra) > MANY:
                self.note_extra(before, f"{len(extra):,} more layers ({', '.join(few(titles, MANY))})")
            else:
                for j, title in zip(extra, titles, strict=True):
                    self.note_extra(before, f"{title}, {described(self.model.layers[j], self.net.layout)}")
            yield from titles
        if not self.run.failure:
            self.note_between(between)
        unused = [f"{count:,} parameters in {module}" for module, count in self.run.idle.items()]
        if len(unused) > MANY:
            total = sum(self.run.idle.values())
            unused = [f"{total:,} parameters in {len(unused):,} modules ({', '.join(few([*self.run.idle], MANY))})"]
        for some in unused if UnusedInModel.code not in self.net.allow else ():
            self.note(UnusedInModel, None, what=some)

    def adds(self, j: int) -> bool:
        """Whether a layer of the model is one that the file does not have."""
        layer = self.model.layers[j]
        return j not in self.found.partners and not layer.optional and layer.output is not None

    def note_between(self, between: list[tuple[int | None, int]]) -> None:
        """Note the calls between layers that are none, those of a line of code once; each stands behind a layer."""
        lines: dict[str, list[tuple[int | None, int]]] = {}
        for before, j in between:
            lines.setdefault(self.run.calls[j].place, []).append((before, j))
        for place, found in lines.items():
            before = found[0][0]
            allow = self.net.allow if before is None else self.net.allow | self.report.layers[before].node.allow
            names = [*dict.fromkeys(self.run.calls[j].name for _, j in found)]
            if BetweenLayers.code not in allow:
                what = f"{' and '.join(few(names, MANY))} ({place})"
                self.note(BetweenLayers, before, what=what, where=self.behind(before))

    def behind(self, before: int | None) -> str:
        return "" if before is None else f" behind {self.report.layers[before].name}"

    def note_extra(self, before: int | None, what: str) -> None:
        self.note(ModelAdds, before, what=what, where=self.behind(before))

    def note_failure(self, matches: dict[int, Match]) -> None:
        ran = [i for i in self.file.order if matches[i].verdict != "not run"]
        last = next((i for i in ran if matches[i].verdict == "fails"), ran[-1] if ran else None)
        if failure := self.run.failure:
            self.note(ModelFails, last, message=failure.message, module=failure.module)

    def note_outputs(self, matches: dict[int, Match]) -> None:
        """Compare the tensors that the model returns with the outputs of the file: their number, order and shapes.

        An output whose layer differs is no problem of its own.
        """
        layout, outputs = self.net.layout, self.net.outputs
        pairs = paired([*outputs], self.run.returned, self.fits)
        places = {name: value - self.first for name, value in outputs.items()}
        sound = [name for name, i in places.items() if i < 0 or matches[i].verdict == "agrees"]
        wrong = [name for name in sound if name not in pairs or not self.fits(name, pairs[name])]
        if wrong or len(self.run.returned) != len(outputs):
            last = wrong[0] if wrong else [*outputs][-1]
            theirs = ", ".join(map(self.title, self.run.returned)) or "no tensor"
            self.differs(matches, last, f"output{'s' * (len(outputs) > 1)} {', '.join(outputs)}", theirs)
        for name in sound:
            shape = self.report.outputs[name]
            if name not in wrong and shape is not None and shape != pairs[name].shape:
                self.differs(matches, name, f"output {written(shape, layout)}", written(pairs[name].shape, layout))

    def differs(self, matches: dict[int, Match], output: str, ours: str, theirs: str) -> None:
        """Note a difference in what the model returns."""
        i = self.net.outputs[output] - self.first
        self.note(ModelDiffers, max(i, 0), file=ours, model=theirs, module=f"what {self.run.model} returns")
        if i >= 0:
            matches[i] = matches[i]._replace(verdict="differs", reason=f"{ours} / {theirs}")

    def fits(self, name: str, tensor: Returned) -> int:
        """Return 2 for a tensor made as the output is, and of its shape, 1 for another shape, 0 for anything else."""
        read = Counter if len(tensor.values) == 1 else set
        made = bool(tensor.values) and self.sources.same([self.net.outputs[name]], tensor.values, read)
        return made + (made and tensor.shape == self.report.outputs[name])

    def title(self, tensor: Returned) -> str:
        """Name a tensor that the model returns: as the output that it is, or by its sources."""
        own = [v for v in tensor.values if v >= self.first and self.adds(v - self.first)]
        name = next((name for name in self.net.outputs if not own and self.fits(name, tensor)), "")
        there = own or self.model.sources(tensor.values, self.sources.added)[0]
        name = name or listed(sorted({*there}), [*self.net.inputs, *(call.title for call in self.run.calls)])
        return f"{name} as {tensor.key}" if tensor.key not in {"", name} else name

    def note(self, problem: type[Problem], i: int | None, *keys: str, **facts: Any) -> None:
        """Note a problem of a layer of the file, or with None of the whole."""
        if i is not None and self.report.layers:
            node: Node = self.report.layers[i].node
            self.problems.append(problem(node.at(*keys), node.name, node.used_at, **facts))
        else:
            self.problems.append(problem(self.net.at("layers"), **facts))
