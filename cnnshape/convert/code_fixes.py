"""The diagnosis of a live model: that of its net, written as a file, with the fixes as lines of its code to change.

A fix that sets numbers of layers is then said in code:
nets.py:9: nn.Linear(800, 120) -> nn.Linear(1568, 120). Fixes that have no such line are left out.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.code import applied, place_of
from cnnshape.compare.constructed import arguments, constructed, names_in
from cnnshape.compare.refused import mends
from cnnshape.convert.code_edits import Said, remade, renamed, renumbered
from cnnshape.convert.forward_fixes import Calls
from cnnshape.problems.base import NOTHING, Diagnosed
from cnnshape.problems.diagnosed import Effect
from cnnshape.problems.shapes import DeclaredDiffers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnnshape.compare.constructed import Made
    from cnnshape.compare.recording import Op, Recording
    from cnnshape.layers import Layer
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Input, Shape
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Cause, Change, Edit
    from cnnshape.problems.place import KeyPath, Place
    from cnnshape.pytorch.changed_code import Trials

INPUT: Final = "input"
MOST: Final = 3  # fixes of a problem


class CodeFix(NamedTuple):
    """A fix in the words of the model's code."""

    said: tuple[Said, ...]
    edits: tuple[Edit, ...] = ()
    effect: Effect = Effect(None, None, None)
    also: str = ""

    @property
    def summary(self) -> str:
        return "; ".join(one.words for one in self.said)

    @property
    def inputs(self) -> dict[str, Shape]:
        """The inputs that it gives other shapes."""
        return {edit.parameter.rpartition(".")[2]: tuple(edit.new) for edit in self.edits if edit.layer is None}

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(one.change for one in self.said if one.change)

    def apply(self, text: str) -> str:
        """Return the text of the file with the changes."""
        return applied(text, self.changes)


class InCode(NamedTuple):
    """How the problems of a live model's net get their causes and fixes."""

    net: Network
    whole: Network  # with the problems that only repeat others
    run: Recording
    root: tuple[str, str] | None
    trials: Trials | None = None  # None: nothing can be tried

    def __call__(self, given: Input | None, *, strict: bool) -> _Kept:
        return _Kept(self, given, strict=strict)


class _Kept:
    """The diagnosis of one report, worked out when it is first asked."""

    def __init__(self, origin: InCode, given: Input | None, *, strict: bool):
        self.origin, self.given, self.strict = origin, given, strict

    def __getitem__(self, number: int) -> Diagnosed:
        return self.found[number] if number < len(self.found) else NOTHING

    @cached_property
    def found(self) -> list[Diagnosed]:
        of_file = self.of_file(self.origin.whole)
        places = {node.name: node.place for node in self.origin.net.nodes}

        def diagnosed(problem: Problem) -> Diagnosed:
            known = of_file.get((problem.code, problem.layer), NOTHING)
            cause = known.cause and known.cause._replace(place=places.get(known.cause.layer or ""))
            fixes = tuple(self.fixes(problem, known))
            return Diagnosed(cause if self.stands(cause, fixes) else None, fixes)

        return [*map(diagnosed, self.problems)]

    def stands(self, cause: Cause | None, fixes: Sequence[CodeFix]) -> bool:
        """Say whether a cause of the net's file is one of the model: of a number of its inputs, or a resize of its own."""
        if cause and cause.layer is None and cause.code in {"channels", "input-channels"}:
            return any(cause.facts["arrives"] in (shape or ()) for shape in self.origin.net.inputs.values())
        # a fix that adds axes, which the net has from broadcasting
        axes = any("None" in fix.summary.partition(" -> ")[2] for fix in fixes[:1])
        return not (cause and axes and cause.code == "resize")

    @cached_property
    def problems(self) -> tuple[Problem, ...]:
        net = self.origin.net._replace(diagnose=None)
        return net.check(self.given, strict=self.strict).problems

    def of_file(self, net: Network) -> dict[tuple[str, str], Diagnosed]:
        """Return the diagnosis of the net as a file, by the codes and the layers of its problems."""
        from cnnshape.convert.written import stated
        from cnnshape.diagnosis.door import tried
        from cnnshape.file.source import Source

        try:
            text = stated(net._replace(problems=()))
        except ValueError:  # no file describes the net
            return {}
        found = tried(Source.from_text(text), None, self.given, strict=self.strict)
        if found is None:
            return {}
        pairs = zip(found.trials.origin.report.problems, found.found, strict=True)
        return {(problem.code, problem.layer): one for problem, one in pairs}

    def fixes(self, problem: Problem, known: Diagnosed) -> list[CodeFix]:
        """Return the fixes of a problem that can be said in code: what its forward lacks, and those of the diagnosis.

        Where axes are lacking or in another order, numbers that suit these alone are no fix.
        """
        op = self.refused(problem)
        echoes = self.echoes(problem)
        found = [fix for fix in self.of_forward(op) if self.mends(op, fix)] if op else []
        if found and op and op.call is None:
            return found[:MOST]
        of_all: list[CodeFix] = []  # of lines that make other layers as well
        for fix in known.fixes:
            changes, shared = self.changes(fix.edits)
            one = CodeFix(changes, fix.edits, fix.effect)
            if changes and shared:
                of_all.append(one)
            elif changes and (whole := self.whole(op, one, problem, echoes)):
                found.append(whole)
        if op and not found and self.remakes:
            arguments = self.of_arguments(op, problem) if isinstance(problem, DeclaredDiffers) else ()
            found = [fix for fix in arguments if self.mends(op, fix, echoes, wholly=True)]
            found = found or [fix for fix in of_all if self.mends(op, fix, echoes, wholly=True)]
        return found[:MOST]

    def whole(self, op: Op | None, fix: CodeFix, problem: Problem, echoes: list[Op]) -> CodeFix | None:
        """Return a fix of numbers, with those of the layers that repeat the problem where that takes it; None for no fix.

        One of the input was run, whatever makes the model.
        """
        if fix.inputs:
            return fix if op and self.mends(op, fix, echoes) else None
        if op is None or not self.remakes or self.mends(op, fix, echoes):
            return fix
        more = self.with_echoes(fix, problem, echoes)
        return more if more != fix and self.mends(op, more, echoes) else None

    def of_forward(self, op: Op) -> Iterator[CodeFix]:
        for changes in Calls(self.origin.run, self.made.get).fixes(op):
            whole = tuple(change for change in changes if change)
            if len(whole) == len(changes):
                yield CodeFix(whole)

    def echoes(self, problem: Problem) -> list[Op]:
        """Return the operations of further layers that are made for the same wrong number, and are no problems of their own."""
        if not isinstance(problem, DeclaredDiffers):
            return []
        facts = itemgetter("declared", "arrives")
        told = {name for other in self.problems for name in (other.layer, *other.copies) if other is not problem}
        whole = self.origin.whole._replace(diagnose=None).check(self.given).problems
        alike = (one for one in whole if isinstance(one, DeclaredDiffers) and facts(one.facts) == facts(problem.facts))
        layers = {name for one in alike for name in (one.layer, *one.copies)} - told - {problem.layer}
        return [op for op in self.origin.run.ops if op.raised and op.call is None and op.path in layers]

    def with_echoes(self, fix: CodeFix, problem: Problem, echoes: list[Op]) -> CodeFix:
        """Return a fix with the same number in the layers that repeat the problem."""
        arrives = problem.facts["arrives"]
        more = (self.change(op.path, op.layer, {name: arrives}) for op in echoes for name in [*op.layer.inferred][:1])
        said = tuple(dict.fromkeys((*fix.said, *filter(None, more))))
        effect = fix.effect if said == fix.said else fix.effect._replace(parameters=None, macs=None)
        return fix._replace(said=said, effect=effect)

    def of_arguments(self, op: Op, problem: Problem) -> Iterator[CodeFix]:
        """Yield other arguments of a constructor: another name for a layer's, another number for a block's around it."""
        made, parameter = self.made.get(op.path), problem.facts["parameter"]
        if made and op.layer:
            yield from (CodeFix((change,)) for change in renamed(made, op.layer, parameter))
        parts = op.path.split(".")
        for length in range(len(parts) - 1, 0, -1):
            around = constructed(self.origin.run.modules, ".".join(parts[:length]), self.origin.root)
            if around:
                yield from (CodeFix((change,)) for change in renumbered(around, problem.facts))

    def refused(self, problem: Problem) -> Op | None:
        """Return the operation that torch refuses in a problem; None where it refuses none there."""
        if problem.place is None:
            return None
        line = _line(problem.place)
        for op in self.origin.run.ops:
            module = op.path if op.call is None else ""
            its = problem.layer == module or (op.call and problem.layer not in self.made)
            if op.raised and its and line == _line(place_of(op.line)):
                return op
        return None

    @property
    def remakes(self) -> bool:
        return self.origin.trials is not None and self.origin.trials.remakes

    def mends(self, op: Op, fix: CodeFix, echoes: Sequence[Op] = (), *, wholly: bool = False) -> bool:
        """Say whether the model runs with a fix where torch refused it, and is refused nothing else for it."""
        run = self.origin.trials and self.origin.trials(fix.changes, fix.inputs)
        return bool(run and mends(self.origin.run, run, op, echoes, wholly=wholly))

    def changes(self, edits: tuple[Edit, ...]) -> tuple[tuple[Said, ...], bool]:
        """Write edits as lines to change, those of one layer together; nothing if one of them is no such line.

        And say whether one of the lines makes other layers as well.
        """
        layers = {node.name: node.layer for node in self.origin.whole.nodes}
        by_layer: dict[str | None, dict[str, Any]] = {}
        for edit in edits:
            by_layer.setdefault(edit.layer, {})[edit.parameter] = edit.new
        found = [self.change(name, layers.get(name or ""), new) for name, new in by_layer.items()]
        known = [*dict.fromkeys(change for change in found if change)]
        edited = [self.made.get(name) for name in by_layer if name]
        shared = any(made and self.sharing[made] > edited.count(made) for made in edited)
        return tuple(known) if known and all(found) else (), shared

    @cached_property
    def made(self) -> dict[str, Made]:
        """The calls of constructors that the source shows, by the paths of the modules."""
        modules, root, layers = self.origin.run.modules, self.origin.root, self.origin.run.layers()
        of_type = (name for name, module in modules.items() if module.type)
        found = ((name, constructed(modules, name, root, layers.get(name))) for name in of_type)
        return {name: made for name, made in found if made}

    @cached_property
    def sharing(self) -> Counter[Made]:
        """How many modules each call makes: a change of it is one of them all."""
        return Counter(self.made.values())

    def change(self, name: str | None, layer: Layer | None, new: dict[str, Any]) -> Said | None:
        """Return the change of a layer, or of the input; None where it cannot be said."""
        if name is None:
            sizes = [("x".join(map(str, size)), key) for key, size in new.items() if isinstance(size, list | tuple)]
            named = [
                f"--input {size}" if key == INPUT else f"--input {key.partition('.')[2]}={size}" for size, key in sizes
            ]
            return Said(" ".join(named)) if len(named) == len(new) else None
        made = self.made.get(name)
        text = changed(made, self.origin.run.modules[name].kind, layer, new) if made and layer else ""
        if not made or text in {"", made.text}:
            return None
        return remade(made, text)


def _line(place: Place) -> tuple[Any, KeyPath]:
    """Return the file of a place in code, and its line."""
    return place.source, place.path[:1]


def changed(made: Made, kind: str, layer: Layer, new: dict[str, Any]) -> str:
    """Return the text of a constructor's call with other arguments; "" where it has none that could be changed, or one that varies."""
    if not made.text:
        return ""
    call: Any = ast.parse(made.text, mode="eval").body
    if ast.unparse(call.func).rpartition(".")[2] != kind or any(isinstance(entry, ast.Starred) for entry in call.args):
        return ""
    given = arguments(call, layer)
    text = made.text.encode()  # ast counts bytes
    edits: list[tuple[int, int, str]] = []
    for name, value in new.items():
        parameter = layer.parameters.get(name)
        if parameter is None or not parameter.torch or not isinstance(value, int | float | list | bool):
            return ""
        written = repr(tuple(value) if isinstance(value, list) else value)
        old: Any = given.get(name)
        if old is not None and made.varying & names_in(old):
            return ""
        if old is None:
            end = max((entry.end_col_offset for entry in (*call.args, *call.keywords)), default=len(text) - 1)
            edits.append((end, end, f"{', ' if call.args or call.keywords else ''}{name}={written}"))
        else:
            edits.append((old.col_offset, old.end_col_offset, written))
    for first, last, written in sorted(edits, reverse=True):
        text = text[:first] + written.encode() + text[last:]
    return text.decode()
