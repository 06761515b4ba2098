"""No small file takes minutes: the calls that Python makes are counted, never seconds; benchmarks/hostile.py has those."""

import sys
from contextlib import suppress

import pytest
from helpers import hostile
from helpers.cli import write
from helpers.nets import net
from helpers.sizes import sizes

from cnnshape import NoClosedForm
from cnnshape.network import receptive
from cnnshape.numbers import symbolic

STEPS = 2**13  # allowed here for a set, and as many for its reasons and for the fields
CALLS = 25  # of Python's functions, for a step
OWN = 300  # calls for a layer, whatever it does

SMALLER = {"nested-deep": hostile.nested(8, 2000), "repeated-sums": hostile.repeated_sums(290, 2000)}


def calls(work, *arguments):
    """The number of functions that Python calls meanwhile, those of C as well."""
    count = 0

    def profile(_frame, event, _argument):
        nonlocal count
        count += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        work(*arguments)
    finally:
        sys.setprofile(before)
    return count


def ask(net):
    """Ask for all that the command shows of the sizes."""
    with suppress(NoClosedForm):
        found = net.valid_sizes()
        _ = found.axes, found.square, found.constraints


@pytest.fixture
def few_steps(monkeypatch):
    monkeypatch.setattr(symbolic, "MOST_STEPS", STEPS)
    monkeypatch.setattr(receptive, "MOST_STEPS", STEPS)


@pytest.mark.parametrize("name", hostile.HOSTILE)
@pytest.mark.usefixtures("few_steps")
def test_the_work_is_bounded(name):
    asked = net(SMALLER.get(name, hostile.HOSTILE[name]))
    most = OWN * len(asked.nodes) + CALLS * STEPS
    assert calls(ask, asked) <= most
    assert calls(receptive.receptive_fields, asked) <= most


@pytest.mark.usefixtures("few_steps")
def test_an_effort_that_is_not_enough_is_said():
    with pytest.raises(NoClosedForm, match="linear1: more than 8,192 steps would be needed"):
        net(hostile.sums_of_strides(40, "[1, 1000000, 16]")).valid_sizes()


def test_a_sum_of_many_floors_is_refused():
    with pytest.raises(NoClosedForm, match="joined: more than 300 divisions stand in one formula and do not merge"):
        net(hostile.HOSTILE["sums"]).valid_sizes()


def test_a_field_of_ways_that_part_is_no_traceback(tmp_path):
    """Behind the pad, position 2 would read cell 4,000,000 of the one way, and cell 2 of the other."""
    text = """input = [3, 8, 8]
layers = [
  { name = "a", type = "conv", out_channels = 3, kernel_size = 1, stride = 2000000 },
  { name = "b", type = "conv", out_channels = 3, kernel_size = 8, from = "input" },
  { type = "concat", from = ["a", "b"] },
  { name = "padded", type = "pad", padding = 1 },
  { type = "conv", out_channels = 3, kernel_size = 3 },
]
"""
    assert receptive.receptive_fields(net(text))["padded"] == (None, None)
    assert receptive.receptive_fields(net(text))["concat1"][0].extent == (8, 8)
    for options in (["--layers"], ["--format", "json"]):
        result = sizes(write(tmp_path, text), *options)
        assert (result.exit_code, result.exception) == (0, None)


def test_a_field_of_too_many_positions_is_none():
    """Each position has another: half of it moves at half the speed."""
    text = hostile.irregular_fields(1)
    (near,) = receptive.receptive_fields(net(text.replace("0000", "00")))["x1"]
    assert (near.stride, near.extent, near.positions) == (None, (1, 500), 500)
    assert receptive.receptive_fields(net(text.replace("0000", "00000000")))["x1"] == (None,)
