"""Every layer type against real torch: what it refuses we refuse, what it accepts we accept, with shape and parameters.

`cases.py` has the values, `grids.py` every corner in small, `reference.py` the layers in torch's own words, `stated.py`
the conditions that are ours alone, `oracle.py` the question. benchmarks/torch_cases.py asks it a million times.
"""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from typing import Any

import pytest
from cases import VALUES, case
from grids import GRIDS
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import Accepted, Refused, disagreement, ours, read
from reference import REFERENCE, Case
from stated import STATED

from cnnshape.layers import TYPES
from cnnshape.problems import CODES


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


# The judge is judged: it must be able to say no


@cache
def drawn(kind: str) -> list[Case]:
    chance = random.Random(kind)
    return [case(kind, chance.choice) for _ in range(400)]


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
