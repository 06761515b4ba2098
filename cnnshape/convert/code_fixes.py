"""The diagnosis of a live model: that of its net, written as a file, with the fixes as lines of its code to change.

A fix that sets numbers of layers is then said in code:
nets.py:9: nn.Linear(800, 120) -> nn.Linear(1568, 120). Fixes that have no such line are left out.
"""

from __future__ import annotations

import ast
from collections import Counter
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from cnnshape.compare.code import applied, place_of
from cnnshape.compare.constructed import arguments, constructed
from cnnshape.compare.refused import mends
from cnnshape.convert.code_edits import Said, remade
from cnnshape.convert.forward_fixes import Calls
from cnnshape.problems.base import NOTHING, Diagnosed
from cnnshape.problems.diagnosed import Effect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnnshape.compare.constructed import Made
    from cnnshape.compare.recording import Op, Recording
    from cnnshape.layers import Layer
    from cnnshape.network.network import Network
    from cnnshape.numbers.shape import Input
    from cnnshape.problems.base import Problem
    from cnnshape.problems.diagnosed import Change, Edit
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
        net = self.origin.net._replace(diagnose=None)
        problems = net.check(self.given, strict=self.strict).problems
        of_file = self.of_file(self.origin.whole)
        places = {node.name: node.place for node in net.nodes}

        def diagnosed(problem: Problem) -> Diagnosed:
            known = of_file.get((problem.code, problem.layer), NOTHING)
            cause = known.cause and known.cause._replace(place=places.get(known.cause.layer or ""))
            return Diagnosed(cause, tuple(self.fixes(problem, known)))

        return [diagnosed(problem) for problem in problems]

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
        """Return the fixes of a problem that can be said in code, those of the diagnosis behind what the forward lacks."""
        op = self.refused(problem)
        found = [fix for fix in self.of_forward(op) if self.mends(op, fix)] if op else []
        for fix in known.fixes:
            changes = self.changes(fix.edits)
            one = CodeFix(changes, fix.edits, fix.effect)
            if changes and (op is None or not one.changes or not self.remakes or self.mends(op, one)):
                found.append(one)
        return found[:MOST]

    def of_forward(self, op: Op) -> Iterator[CodeFix]:
        for changes in Calls(self.origin.run, self.made.get).fixes(op):
            whole = tuple(change for change in changes if change)
            if len(whole) == len(changes):
                yield CodeFix(whole)

    def refused(self, problem: Problem) -> Op | None:
        """Return the operation that torch refuses in a problem; None where it refuses none there."""
        place = problem.place
        for op in self.origin.run.ops:
            if (
                op.raised
                and place
                and (place.source, place.path[:1]) == ((there := place_of(op.line)).source, there.path[:1])
            ):
                module = op.path if op.call is None else ""
                if problem.layer == module or (op.call and problem.layer not in self.made):
                    return op
        return None

    @property
    def remakes(self) -> bool:
        return self.origin.trials is not None and self.origin.trials.remakes

    def mends(self, op: Op, fix: CodeFix) -> bool:
        """Say whether the model runs with a fix where torch refused it, and is refused nothing else for it."""
        run = self.origin.trials and self.origin.trials(fix.changes)
        return bool(run and mends(self.origin.run, run, op))

    def changes(self, edits: tuple[Edit, ...]) -> tuple[Said, ...]:
        """Write edits as lines to change, those of one layer together; nothing if one of them is no such line."""
        layers = {node.name: node.layer for node in self.origin.whole.nodes}
        by_layer: dict[str | None, dict[str, Any]] = {}
        for edit in edits:
            by_layer.setdefault(edit.layer, {})[edit.parameter] = edit.new
        found = [self.change(name, layers.get(name or ""), new) for name, new in by_layer.items()]
        known = [*dict.fromkeys(change for change in found if change)]
        edited = [self.made.get(name) for name in by_layer if name]
        shared = any(made and self.sharing[made] > edited.count(made) for made in edited)
        return tuple(known) if known and all(found) and not shared else ()

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
            sizes = [("x".join(map(str, size)), key) for key, size in new.items() if isinstance(size, list)]
            named = [
                f"--input {size}" if key == INPUT else f"--input {key.partition('.')[2]}={size}" for size, key in sizes
            ]
            return Said(" ".join(named)) if len(named) == len(new) else None
        made = self.made.get(name)
        text = changed(made, self.origin.run.modules[name].kind, layer, new) if made and layer else ""
        if not made or text in {"", made.text}:
            return None
        return remade(made, text)


def changed(made: Made, kind: str, layer: Layer, new: dict[str, Any]) -> str:
    """Return the text of a constructor's call with other arguments; "" where it has none that could be changed."""
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
        if old is None:
            end = max((entry.end_col_offset for entry in (*call.args, *call.keywords)), default=len(text) - 1)
            edits.append((end, end, f"{', ' if call.args or call.keywords else ''}{name}={written}"))
        else:
            edits.append((old.col_offset, old.end_col_offset, written))
    for first, last, written in sorted(edits, reverse=True):
        text = text[:first] + written.encode() + text[last:]
    return text.decode()
