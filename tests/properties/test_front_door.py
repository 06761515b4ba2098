"""A file that describes one layer gets the answer that the layer gives by itself: reading and building add nothing."""

from __future__ import annotations

import json
import tomllib
from functools import cache
from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
from answers import SETTING, Accepted, Answer, Refused, ours, read
from cases import TRIED, drawn
from helpers.nets import whole
from hypothesis import strategies as st

import cnnshape
from cnnshape.convert.settings import refusal
from cnnshape.layers import TYPES

if TYPE_CHECKING:
    from cases import Case


def written(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str | bool | list) else str(value)


def table(name: str, kind: str, enters: list[str], settings: dict[str, Any]) -> list[str]:
    given = {"name": name, "type": kind, "from": enters} | settings
    return ["[[layers]]", *(f"{key} = {written(value)}" for key, value in given.items())]


def file(*given: Case) -> str:
    """Write a file of a layer for each case (and of the max_pool that it may name); its inputs are x0, x1, ..."""
    entering: dict[str, list[int]] = {}
    lines: list[str] = []
    for number, case in enumerate(given):
        sign = f"_{number}" if number else ""
        names = [f"x{i}{sign}" for i in range(len(case.shapes))]
        for name, shape in zip(names, case.shapes, strict=True):
            entering[name if shape else f"one_{name}"] = [*shape] or [1]
            if not shape:  # an input has axes
                lines += table(name, "reshape", [f"one_{name}"], {"shape": []})
        settings = dict(case.settings)
        if "like" in settings:
            settings["like"] = names[1]
        if "indices" in settings:
            lines += table(f"pool{sign}", "max_pool", [names[1]], settings["indices"])
            settings["indices"] = f"pool{sign}"
        enters = names if TYPES[case.type].joins.stop > 2 else names[:1]
        lines += table(f"layer{sign}", case.type, enters, settings)
    return "\n".join([f"inputs = {{ {', '.join(f'{name} = {shape}' for name, shape in entering.items())} }}", *lines])


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


@cache
def accepted(kind: str) -> list[Case]:
    """Return the cases of a layer type that are right."""
    return [case for case in drawn(kind)[:100] if isinstance(ours(read(case), case), Accepted)]


@pytest.mark.parametrize("kind", TYPES)
def test_a_net_of_any_layers_is_written_as_it_is(kind: str) -> None:
    """A layer of the type, one with the same settings, one that shares its weights, and one of any type."""

    @hypothesis.settings(max_examples=12, deadline=None)
    @hypothesis.given(st.sampled_from(accepted(kind)), st.sampled_from([*TYPES]), st.data())
    def comes_back(case: Case, other: str, data: st.DataObject) -> None:
        text = file(case, case, data.draw(st.sampled_from(accepted(other))))
        own = next(step for step in tomllib.loads(text)["layers"] if step["name"] == "layer")
        twin = {"name": "twin", "from": own["from"], "shares": "layer"}
        text = "\n".join([text, "[[layers]]", *(f"{key} = {written(value)}" for key, value in twin.items())])
        net = cnnshape.loads(text)
        assert whole(cnnshape.loads(cnnshape.dumps(net))) == whole(net)

    comes_back()


WRONG = [
    pytest.param(kind, name, value, id=f"{kind}-{name}-{value}")
    for kind, tried in TRIED.items()
    for name, values in tried.values.items()
    for value in values.wrong
    if not TYPES[kind].parameters[name].of_words and (kind, name, value) != ("require", "plus", 0)
]


@pytest.mark.parametrize(("kind", "name", "value"), WRONG)
def test_a_setting_that_no_file_has_is_none_of_a_model(kind: str, name: str, value: Any) -> None:
    assert refusal(TYPES[kind](), {name: value}).startswith(f"{name} must be ")
    if isinstance(value, int):
        text = f"input = [4, 8, 8]\nlayers = [{{ type = '{kind}', {name} = {value} }}]"
        with pytest.raises(cnnshape.ArchitectureError, match=f"{name} must be "):
            cnnshape.loads(text)
