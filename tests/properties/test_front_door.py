"""A file that describes one layer gets the answer that the layer gives by itself: reading and building add nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from answers import SETTING, Accepted, Answer, Refused, ours, read
from cases import drawn

import cnnshape
from cnnshape.layers import TYPES

if TYPE_CHECKING:
    from cases import Case


def written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str | bool | list) else str(value)


def table(name: str, kind: str, enters: list[str], settings: dict[str, Any]) -> list[str]:
    given = {"name": name, "type": kind, "from": enters} | settings
    return ["[[layers]]", *(f"{key} = {written(value)}" for key, value in given.items())]


def file(case: Case) -> str:
    """Write a file of the one layer (and of the max_pool that it may name); the inputs are x0, x1, ..."""
    names = [f"x{i}" for i in range(len(case.shapes))]
    entering = {
        name if shape else f"one_{name}": [*shape] or [1] for name, shape in zip(names, case.shapes, strict=True)
    }
    lines = [f"inputs = {{ {', '.join(f'{name} = {shape}' for name, shape in entering.items())} }}"]
    for name in names:
        if name not in entering:  # an input has axes
            lines += table(name, "reshape", [f"one_{name}"], {"shape": []})
    settings = dict(case.settings)
    if "like" in settings:
        settings["like"] = "x1"
    if "indices" in settings:
        lines += table("pool", "max_pool", ["x1"], settings["indices"])
        settings["indices"] = "pool"
    enters = names if TYPES[case.type].joins.stop > 2 else names[:1]
    return "\n".join([*lines, *table("layer", case.type, enters, settings)])


def loaded(text: str) -> Answer:
    try:
        report = cnnshape.loads(text).check()
    except cnnshape.ArchitectureError:
        return Refused(frozenset([SETTING]))
    if report.ok:
        return Accepted(report.output, report.parameters)
    return Refused(frozenset(problem.code for problem in report.problems if problem.severity == "error"))


@pytest.mark.parametrize("kind", TYPES)
def test_a_file_says_what_the_layer_says(kind):
    for case in drawn(kind)[:60]:
        assert loaded(file(case)) == ours(read(case), case), file(case)
