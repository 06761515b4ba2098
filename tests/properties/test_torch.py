"""Every layer type against real torch: what it refuses we refuse, what it accepts we accept, with shape and parameters.

`cases.py` has the values, `grids.py` every corner in small, `reference.py` the layers in torch's own words, `stated.py`
the conditions that are ours alone, `oracle.py` the question. benchmarks/torch_cases.py asks it a million times.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from cases import VALUES, case
from grids import GRIDS
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Accepted, Answer, Refused, disagreement, ours, read
from reference import REFERENCE, Case
from stated import STATED
from torch.utils.flop_counter import FlopCounterMode

import cnnshape
from cnnshape import parameters, rules
from cnnshape.layers import TYPES, Layer
from cnnshape.network import measure
from cnnshape.problems import CODES, ArchitectureError, Warn


@pytest.mark.parametrize("grid", GRIDS, ids=lambda grid: grid.__name__)
def test_every_corner_of_a_small_grid(grid):
    found = list(filter(None, map(disagreement, grid())))
    assert not found, "\n".join([f"{len(found)} disagreements", *found[:: len(found) // 10 + 1]])


@pytest.mark.parametrize("kind", TYPES)
def test_drawn_cases(kind):
    @settings(max_examples=60, deadline=None)
    @given(st.randoms(use_true_random=False))
    def agree(chance):
        found = disagreement(case(kind, chance.choice))
        assert not found, found

    agree()


@cache
def drawn(kind: str) -> list[Case]:
    chance = random.Random(kind)
    return [case(kind, chance.choice) for _ in range(600)]


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.parametrize("kind", ["conv", "conv_transpose", "linear"])
def test_multiply_accumulates_are_half_of_torchs_flops(kind):
    for one in drawn(kind):
        layer = read(one)
        if isinstance(ours(layer, one), Accepted):
            with FlopCounterMode(display=False) as counter, torch.no_grad():
                REFERENCE[kind](one.settings, torch.zeros(1, *one.shapes[0]))
            assert counter.get_total_flops() == 2 * measure(layer, one.shapes).macs, one


def written(value: Any) -> str:
    """Write a setting as TOML."""
    return json.dumps(value) if isinstance(value, str | bool | list) else str(value)


def loaded(one: Case) -> Answer:
    """Let a file of one layer come in by the front door."""
    given = one.settings | ({"like": "x1"} if "like" in one.settings else {})
    names = [f"x{i}" for i in range(len(one.shapes))]
    inputs = ", ".join(f"{name} = {list(shape)}" for name, shape in zip(names, one.shapes, strict=True))
    layers = [("layer", one.type, names if TYPES[one.type].joins.stop > 2 else names[:1], given)]
    if "indices" in given:
        layers = [("pool", "max_pool", names[1:], given["indices"]), layers[0]]
        given = given | {"indices": "pool"}
        layers[1] = (*layers[1][:3], given)
    lines = [f"inputs = {{ {inputs} }}"]
    for name, kind, enters, table in layers:
        lines += ["[[layers]]", f'name = "{name}"', f'type = "{kind}"', f"from = {json.dumps(enters)}"]
        lines += [f"{key} = {written(value)}" for key, value in table.items()]
    try:
        report = cnnshape.loads("\n".join(lines)).check()
    except ArchitectureError:
        return Refused(frozenset(["bad-value"]))
    if not report.ok:
        return Refused(frozenset(problem.code for problem in report.problems if problem.severity == "error"))
    return Accepted(report.output, report.parameters)


@pytest.mark.parametrize("kind", TYPES)
def test_a_file_says_what_the_layer_says(kind):
    for one in drawn(kind)[:40]:
        assert loaded(one) == ours(read(one), one), one


# The judge is judged: it must be able to say no


def test_no_layer_type_is_left_out():
    assert TYPES.keys() == REFERENCE.keys() == VALUES.keys()
    assert {kind: {*values} for kind, values in VALUES.items()} == {kind: {*t.parameters} for kind, t in TYPES.items()}


@pytest.mark.parametrize("kind", TYPES)
def test_every_parameter_is_exercised(kind):
    tried: dict[str, set[str]] = defaultdict(set)
    accepted: set[str] = set()
    for one in drawn(kind):
        works = isinstance(ours(read(one), one), Accepted)
        for name in TYPES[kind].parameters:
            tried[name].add(repr(one.settings.get(name)))
            if works and name in one.settings:
                accepted.add(name)
    assert accepted == TYPES[kind].parameters.keys()
    assert all(len(values) >= 2 for values in tried.values()), tried


def refusals(one: Case) -> set[str]:
    layer = read(one)
    return set() if layer is None else {code for code, _ in measure(layer, one.shapes).refusals}


SOURCES = [*Path(rules.__file__).parent.glob("layers/*.py"), Path(rules.__file__), Path(parameters.__file__)]
QUOTED = re.findall(r'"([a-z0-9-]+)"', "".join(path.read_text() for path in SOURCES))
CONDITIONS = {code for code in QUOTED if code in CODES and not issubclass(CODES[code], Warn)}


def test_every_condition_decides_a_case_alone():
    deciding = {codes.pop() for kind in TYPES for one in drawn(kind) if len(codes := refusals(one)) == 1}
    assert deciding == CONDITIONS


EVERYWHERE = {"no-space", "too-few-axes", "too-many-axes", "axes-differ", "declared-differs"}


@pytest.mark.parametrize("kind", TYPES)
def test_the_docstring_lists_what_is_refused(kind):
    errors = re.search(r"^    Errors  (.*?)\n    \w", TYPES[kind].__doc__ or "", re.DOTALL | re.MULTILINE)
    listed = set(re.findall(r"[a-z0-9-]+", errors[1])) & CONDITIONS if errors else set()
    assert listed - EVERYWHERE == set().union(*map(refusals, drawn(kind))) - EVERYWHERE


def one_more(rule: Any) -> Any:
    """Return a rule that is wrong by one: in its number, or in the last of several."""

    def wrong(*args: Any, **settings: Any) -> Any:
        result = rule(*args, **settings)
        return (*result[:-1], result[-1] + 1) if isinstance(result, tuple) else result + 1

    return wrong


RULES = [
    (kind, name)
    for kind in TYPES
    for name in ("output", "depth", "side", "weights", "biases")
    if name == "output" or getattr(TYPES[kind], name) is not getattr(Layer, name)
]


@pytest.mark.parametrize(("kind", "rule"), RULES)
def test_a_wrong_rule_is_found(kind, rule, monkeypatch):
    monkeypatch.setattr(TYPES[kind], rule, one_more(getattr(TYPES[kind], rule)))
    assert any(map(disagreement, drawn(kind)))


def test_a_condition_that_torch_does_not_have_must_be_stated(monkeypatch):
    one = Case("crop", {"size": 4}, ((3, 2),))
    assert not disagreement(one)
    monkeypatch.delitem(STATED, "crop-grows")
    assert disagreement(one)
