"""Every layer type against real torch: what it refuses we refuse, what it accepts we accept, with shape and parameters.

`cases.py` has the values, `grids.py` every corner in small, `reference.py` the layers in torch's own words, `stated.py`
the conditions that are ours alone, `oracle.py` the question. benchmarks/torch_cases.py asks it a million times.
"""

from __future__ import annotations

import inspect
import warnings

import pytest

pytest.importorskip("torch")

import torch
from answers import Accepted, ours, read
from cases import case, drawn
from grids import GRIDS
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import disagreement
from reference import REFERENCE
from torch.utils.flop_counter import FlopCounterMode

from cnnshape.layers import TYPES, Layer
from cnnshape.network.flow import measure

# The judge is a torch whose norms may do without bias (2.12 on); one before takes, and refuses, other settings of these.
OLDER = "bias" not in inspect.signature(torch.nn.BatchNorm2d).parameters
OTHERWISE = {"pools", "norms", "batch_norm", "instance_norm", "group_norm", "lp_pool", "rrelu", "softshrink"}


def asked(names, of):
    """The names, those that an older torch answers otherwise marked."""
    skip = pytest.mark.skip(reason="this torch takes other settings")
    return [pytest.param(one, marks=skip if OLDER and of(one) in OTHERWISE else ()) for one in names]


@pytest.mark.parametrize("grid", asked(GRIDS, lambda grid: grid.__name__), ids=lambda grid: grid.__name__)
def test_every_corner_of_a_small_grid(grid):
    found = list(filter(None, map(disagreement, grid())))
    assert not found, "\n".join([f"{len(found)} disagreements", *found[:: len(found) // 10 + 1]])


@pytest.mark.parametrize("kind", asked(TYPES, str))
def test_drawn_cases(kind):
    @settings(max_examples=100, deadline=None)
    @given(st.randoms(use_true_random=False))
    def agree(chance):
        found = disagreement(case(kind, chance.choice))
        assert not found, found

    agree()


BUFFERED = [kind for kind, layer in TYPES.items() if layer.buffers is not Layer.buffers]


@pytest.mark.parametrize("kind", asked(BUFFERED, str))
def test_buffers_are_torchs(kind):
    """All that torch keeps beside the parameters, but for counters of batches."""
    found = set()
    for one in drawn(kind):
        layer = read(one)
        if isinstance(ours(layer, one), Accepted):
            with warnings.catch_warnings(), torch.no_grad():
                warnings.simplefilter("ignore")
                _, module = REFERENCE[kind](one.settings, *(torch.zeros(1, *shape) for shape in one.shapes))
            buffers = sum(b.numel() for name, b in module.named_buffers() if name != "num_batches_tracked")
            assert layer.buffers(one.shapes[0]) == buffers, one
            found.add(buffers)
    assert len(found) > 1, "the cases have some"


@pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated:FutureWarning")
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@pytest.mark.filterwarnings("ignore:dropout option adds dropout after all but last")
@pytest.mark.parametrize("kind", ["conv", "conv_transpose", "linear", "lstm", "gru", "rnn", "attention"])
def test_multiply_accumulates_are_half_of_torchs_flops(kind):
    """On the meta device, as torch's own kernel of an lstm on the CPU is not counted; products of results are left out."""
    products = () if kind == "linear" else (torch.ops.aten.bmm,)  # by which torch computes a linear over channels, too
    for one in drawn(kind):
        layer = read(one)
        if isinstance(ours(layer, one), Accepted):
            with FlopCounterMode(display=False) as counter, torch.no_grad(), torch.device("meta"):
                REFERENCE[kind](one.settings, *(torch.zeros(1, *shape) for shape in one.shapes))
            counted = counter.get_flop_counts()["Global"]
            flops = sum(count for operator, count in counted.items() if operator not in products)
            assert flops == 2 * measure(layer, one.shapes).macs, one
