"""Inputs that a net accepts, for test code: a sample of them, and a strategy."""

import hypothesis
import pytest
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape.testing import input_shapes, sample_inputs

TWO = """
inputs = { left = [1, 8, 8], right = [2, 8, 8] }
layers = [
  { name = "l", type = "max_pool", kernel_size = 2, from = "left", allow = ["unused-result"] },
  { name = "r", type = "conv", out_channels = 3, kernel_size = 5, from = "right" },
]
"""


@pytest.mark.parametrize(
    "name", ["alexnet", "resnet50", "unet", "unet_original", "c3d", "wavenet", "dcgan_generator", TWO]
)
def test_sample_inputs_are_accepted_and_telling(name):
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml") if name != TWO else cnnshape.loads(TWO)
    samples = sample_inputs(net)
    assert 4 <= len(samples) <= 8
    assert all(not any(row.result.refusals for row in net.check(sample).layers) for sample in samples)
    declared = {name: shape for name, shape in net.inputs.items() if shape}
    assert samples[0] == (declared if len(declared) > 1 else declared["input"])
    assert len({str(sample) for sample in samples}) == len(samples)
    assert sample_inputs(net, 2) == samples[:2]


def test_sample_inputs_have_the_least():
    assert (1, 16, 16) in sample_inputs(cnnshape.load(ARCHITECTURES / "unet.toml"))
    assert {"left": (1, 5, 5), "right": (2, 5, 5)} in sample_inputs(cnnshape.loads(TWO))


@hypothesis.settings(max_examples=30, deadline=None, database=None)
@hypothesis.given(data=hypothesis.strategies.data())
def test_drawn_inputs_are_accepted(data):
    name = data.draw(hypothesis.strategies.sampled_from(["alexnet", "unet", "wavenet", TWO]))
    net = cnnshape.load(ARCHITECTURES / f"{name}.toml") if name != TWO else cnnshape.loads(TWO)
    drawn = data.draw(input_shapes(net))
    assert not any(row.result.refusals for row in net.check(drawn).layers)


def test_every_size_up_to_the_limit_may_be_drawn():
    net = cnnshape.load(ARCHITECTURES / "unet.toml")
    drawn = set()

    @hypothesis.settings(max_examples=300, deadline=None, database=None)
    @hypothesis.given(input_shapes(net, largest=48))
    def draw(shape):
        drawn.add(shape)

    draw()
    assert drawn == {(1, h, w) for h in (16, 32, 48) for w in (16, 32, 48)}
    with pytest.raises(ValueError, match="accepts no input up to that size"):
        input_shapes(net, largest=15)
