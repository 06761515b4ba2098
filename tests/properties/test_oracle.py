"""The judge is judged: the cases leave nothing out, every condition and every wrong rule is seen."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

import pytest

pytest.importorskip("torch")

from answers import Accepted, ours, read
from cases import TRIED, Case, drawn
from helpers.paths import ROOT
from oracle import disagreement
from reference import REFERENCE
from stated import STATED

from cnnshape.layers import TYPES, Layer
from cnnshape.network.flow import measure
from cnnshape.problems.base import Warn
from cnnshape.problems.catalogue import CODES


def test_no_layer_type_is_left_out():
    assert TYPES.keys() == REFERENCE.keys() == TRIED.keys()
    assert {kind: {*t.values} for kind, t in TRIED.items()} == {kind: {*t.parameters} for kind, t in TYPES.items()}


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


SOURCES = [*(ROOT / "cnnshape" / "layers").glob("*.py"), ROOT / "cnnshape" / "numbers" / "rules.py"]
QUOTED = re.findall(r'"([a-z0-9-]+)"', "".join(path.read_text() for path in SOURCES))
CONDITIONS = {code for code in QUOTED if code in CODES and not issubclass(CODES[code], Warn)}


def test_every_condition_decides_a_case_alone():
    deciding = {codes.pop() for kind in TYPES for one in drawn(kind) if len(codes := refusals(one)) == 1}
    assert deciding == CONDITIONS


EVERYWHERE = {"no-axes", "no-space", "too-few-axes", "too-many-axes", "axes-differ", "declared-differs"}


@pytest.mark.parametrize("kind", TYPES)
def test_the_docstring_lists_what_is_refused(kind):
    errors = re.search(r"^    Errors  (.*?)\n    \w", TYPES[kind].__doc__ or "", re.DOTALL | re.MULTILINE)
    listed = set(re.findall(r"[a-z0-9-]+", errors[1])) & CONDITIONS if errors else set()
    assert listed - EVERYWHERE == set().union(*map(refusals, drawn(kind))) - EVERYWHERE


def one_more(rule: Any) -> Any:
    """Return a rule that is wrong by one: in its number, or in the last of several."""

    def wrong(*args: Any, **settings: Any) -> Any:
        result = rule(*args, **settings)
        if result == ():
            return (1,)
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
