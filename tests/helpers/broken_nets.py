"""The corpus of broken nets, tests/broken: what is true of each, and a judge of the diagnoses that they get.

`truth.json` says for each net where it fails (`shows`), the accepted causes and fixes, and fixes that must never be
shown. An accepted fix is a list of edits: {layer, parameter, new} with `*` for any value and {any: [...]} for one of
several; `use` is the value that was run, `with` completes an inserted layer, `on` names the value that it stands upon;
`only` marks an edit that leaves another problem of the net as it is.
"""

from __future__ import annotations

import contextlib
import json
import tomllib
from copy import deepcopy
from typing import NamedTuple

import cnnshape
from cnnshape.diagnosis.door import network
from cnnshape.file.reader import read_text
from cnnshape.problems.base import errors
from helpers.paths import ROOT

FOLDER = ROOT / "tests" / "broken"
TRUTH = json.loads((FOLDER / "truth.json").read_text())
SHOWN = 3  # the most fixes of a problem


# Nets


def net_of(text, folder=FOLDER):
    """The net of a text, whose included files are looked for in a folder; its problems have causes and fixes."""
    with contextlib.chdir(folder):
        return network(read_text(text))


def toml(value):
    """A value as TOML writes it, on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key)} = {toml(item)}" for key, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def text_of(data):
    """The text of a file with these data."""
    return "".join(f"{json.dumps(key)} = {toml(value)}\n" for key, value in data.items())


# Places of a file, and accepted fixes done to its data


def place(data, name):
    """The table that a layer's dotted name stands for: its path in the data, blocks followed and copies taken together.

    None for the net itself, for a name that the file does not have, and inside a block of an included file.
    """
    layers, path, parts = data["layers"], ("layers",), (name or "").split(".")
    found = None
    while parts:
        part = parts.pop(0)
        index = next((i for i, step in enumerate(layers) if isinstance(step, dict) and step.get("name") == part), None)
        if index is None:
            return None
        found, step = (*path, index), layers[index]
        if "repeat" in step and parts and parts[0].isdigit():
            parts.pop(0)
        if parts:
            block = step.get("block") or next(s for s in layers if s.get("name") == step["shares"])["block"]
            if block not in data.get("blocks", ()):
                return None
            layers, path = data["blocks"][block]["layers"], ("blocks", block, "layers")
    return found


def at(data, path):
    for part in path:
        data = data[part]
    return data


def used(new, edit):
    """The value that stands for an accepted one."""
    if isinstance(edit.get("use", new), dict) and "any" in edit.get("use", new):
        return new["any"][0]
    return edit.get("use", new)


def mended(data, fix):
    """The data of a file with an accepted fix done to them."""
    data, places = deepcopy(data), [place(data, edit["layer"]) for edit in fix]
    inserts = []
    for edit, path in zip(fix, places, strict=True):
        parameter, new = edit["parameter"], used(edit["new"], edit)
        if edit["layer"] is None:
            *tables, key = parameter.split(".")  # "inputs.left", "constants.width"
            at(data, tables)[key] = new
        elif parameter == "insert":
            inserts.append((path, edit, new))
        elif parameter == "type":
            old = at(data, path)
            kept = {key: value for key, value in old.items() if key in ("name", "from")}
            at(data, path[:-1])[path[-1]] = kept | {"type": new} | edit.get("with", {})
        elif parameter == "remove":
            at(data, path[:-1])[path[-1]] = {"name": at(data, path)["name"], "type": "identity"}
        elif new is None:
            at(data, path).pop(parameter, None)
        else:
            at(data, path)[parameter] = new
    for path, edit, new in sorted(inserts, key=lambda one: one[0], reverse=True):
        insert(data, path, {"type": new} | edit.get("with", {}), edit.get("on"))
    return data


def insert(data, path, layer, on):
    """Put a layer before the one at a path: on all that enters it, or on the entry `on` of its `from`."""
    layers, index = at(data, path[:-1]), path[-1]
    below = layers[index]
    if on is None:
        if "from" in below:
            layer["from"] = below.pop("from")
    else:
        layer |= {"name": f"new{index}", "from": on}
        if "from" in below:
            entries = below["from"] if isinstance(below["from"], list) else [below["from"]]
            assert on in entries, (on, entries)
            below["from"] = [layer["name"] if entry == on else entry for entry in entries]
    layers.insert(index, layer)


# The judge


class Judged(NamedTuple):
    """What the diagnosis of one net is worth. `rank` is that of the first accepted fix, 0 for none."""

    name: str
    code: str  # of the first error
    layer: bool
    cause: bool
    rank: int
    flaws: tuple[str, ...]  # a `never` that is shown, a fix that does not work
    said: tuple[str, ...] = ()  # the cause and the fixes, in words

    def row(self):
        marks = ["x" if self.layer else "-", "x" if self.cause else "-", str(self.rank or "-")]
        return f"{self.name:44} {self.code:20} {'  '.join(marks)}  {'; '.join(self.flaws)}"


def same(new, accepted, whole=True):
    """Whether a value is an accepted one: equal, any at `*`, one of several, or `3` for `[3, 3]`."""
    if accepted == "*":
        return True
    if isinstance(accepted, dict) and "any" in accepted:
        return any(same(new, one) for one in accepted["any"])
    if isinstance(accepted, dict) and isinstance(new, dict):
        return all(same(new.get(key), value) for key, value in accepted.items())
    one, other = (list(value) if isinstance(value, tuple) else value for value in (new, accepted))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if whole and (isinstance(one, list) != isinstance(other, list)):
        a, b = (one, other) if isinstance(one, list) else (other, one)
        return b is not None and bool(a) and all(same(item, b, whole=False) for item in a)
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def matches(data, edit, accepted):
    """Whether an edit that is shown is an accepted one."""
    parameter, new = accepted["parameter"], accepted["new"]
    if edit.parameter != parameter or (edit.layer is None) != (accepted["layer"] is None):
        return False
    if edit.layer is not None and place(data, edit.layer) != place(data, accepted["layer"]):
        return False
    if parameter not in {"insert", "type"}:
        return same(edit.new, new)
    enters = edit.new.get("from")
    on_same = "on" not in accepted or enters in (accepted["on"], [accepted["on"]], None)
    return edit.new.get("type") == new and same(edit.new, accepted.get("with", {})) and on_same


def accepts(data, fix, accepted):
    """Whether a shown fix is an accepted one: each edit of the one is an edit of the other."""
    edits = list(fix.edits)
    return len(edits) == len(accepted) and all(any(matches(data, e, a) for e in edits) for a in accepted)


def key(problem):
    return problem.code, problem.layer, str(problem.place and problem.place.path)


def flaw(net, text, problem, fix, folder=FOLDER, *, torch=True):  # noqa: PLR0913 -- all that a fix is tried on
    """What is wrong with a fix: "" where it loads, mends its problem, brings no new one, and torch agrees (on meta)."""
    try:
        new = net_of(fix.apply(text), folder)
    except Exception as error:  # noqa: BLE001 -- whatever it fails with is its flaw
        return f"apply: {type(error).__name__} {error}"
    report, before = new.check(), {key(one)[:2] for one in errors(net.check().problems)}
    left = [one for one in errors(report.problems) if key(one)[:2] not in before]
    if left:
        return f"brings {left[0].code} at {left[0].layer}"
    if problem.severity == "error" and any(
        one.place == problem.place for one in errors(report.problems) if one.code == problem.code
    ):
        return "its problem is still there"
    return in_torch(new, report) if torch else ""


def in_torch(net, report):
    """What torch says against a checked net, on meta; "" for nothing."""
    problems = cnnshape.verify(net, "meta", report=report).problems
    return f"torch: {problems[0].message}" if problems else ""


def root(problem):
    """The problem that a problem follows from, or itself: its fixes mend both."""
    while problem.follows:
        problem = problem.follows
    return problem


def judge(name, *, torch=True):
    """Judge the diagnosis of a broken net."""
    truth, path = TRUTH["broken"][name], FOLDER / f"{name}.toml"
    text = path.read_bytes().decode()
    with contextlib.chdir(FOLDER):
        net = net_of(text)
        found = errors(net.check().problems)
        data = tomllib.loads(text)
        if not found:
            return Judged(name, "no error", False, False, 0, ())
        first, shows = found[0], truth["shows"] if isinstance(truth["shows"], list) else [truth["shows"]]
        cause, fixes = first.cause, [*root(first).fixes]
        layer = cause.layer if cause else first.layer
        causes = {one and (place(data, one) or one) for one in truth["causes"]}
        rank = next((i for i, f in enumerate(fixes[:SHOWN], 1) if any(accepts(data, f, a) for a in truth["fixes"])), 0)
        flaws = [f"{len(fixes)} fixes"] if len(fixes) > SHOWN else []
        for problem in found:
            for fix in problem.fixes:
                if any(accepts(data, fix, never) for never in truth.get("never", ())):
                    flaws.append(f"NEVER: {fix.summary}")
                wrong = flaw(net, text, problem, fix, torch=torch)
                flaws += [f"{fix.summary}: {wrong}"] if wrong else []
        said = (repr(cause.message) if cause else "no cause", *(fix.summary for fix in fixes))
    where = layer and (place(data, layer) or layer)
    return Judged(name, first.code, first.layer in shows, where in causes, rank, tuple(flaws), said)


def summary(judged):
    """The figures of a corpus in a line."""
    count, flaws = len(judged), sum(len(one.flaws) for one in judged)
    layers, causes = sum(one.layer for one in judged), sum(one.cause for one in judged)
    shown, first = sum(one.rank > 0 for one in judged), sum(one.rank == 1 for one in judged)
    return f"{count} nets: layer {layers}, cause {causes}, fix shown {shown}, first {first}, flaws {flaws}"
