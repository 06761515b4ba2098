"""The zoo: every network against torch layer by layer, and against a plain model where nobody prints figures."""

import tomllib

import pytest

pytest.importorskip("torch")

import torch
from helpers.paths import ROOT
from torch.utils.flop_counter import FlopCounterMode
from zoo_models import MODELS

import cnnshape
from cnnshape.file import zoo

NAMES = sorted(name for name in zoo.files() if "/" not in name)
PUBLISHED = tomllib.loads((ROOT / "tests" / "published_figures.toml").read_text())

# Those that take a CPU some seconds are checked at a smaller input by everybody, at their own by -m slow.
SMALLER = {
    "deeplabv3_resnet50": (3, 65, 97),
    "efficientnet_b7": (3, 97, 128),
    "fcn8s": (3, 32, 48),
    "fpn_resnet50": (3, 61, 96),
    "nnunet_3d": (4, 32, 32, 64),
    "pspnet_resnet50": (3, 65, 97),
    "segnet": (3, 45, 60),
    "unet": (1, 64, 96),
    "unet3d": (3, 92, 92, 92),
    "unet_milesial": (3, 71, 101),
    "unet_original": (1, 188, 204),
}


def load(name):
    return cnnshape.load(f"zoo:{name}")


# A plain model


@pytest.mark.parametrize("name", MODELS)
def test_the_figures_are_those_of_a_plain_model(name):
    make, size = MODELS[name]
    report = load(name).check()
    assert report.inputs == {"input": size}
    result, parameters, macs = measured(make, size)
    assert (report.parameters, report.macs) == (parameters, macs)
    assert (report.outputs if isinstance(result, dict) else report.output) == result


def measured(make, size):
    """The shape that comes out of a plain model, or several by name; its parameters; its multiply-accumulates."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        model = make().eval()
        y = model(torch.empty(1, *size))
    shapes = {name: tuple(one.shape[1:]) for name, one in y.items()} if isinstance(y, dict) else tuple(y.shape[1:])
    return shapes, sum(weights.numel() for weights in model.parameters()), counter.get_total_flops() // 2


@pytest.mark.parametrize("name", ["fcn8s", "segnet", "unet_original", "fpn_resnet50"])
def test_a_plain_model_takes_the_same_sizes(name):
    make, (channels, *_) = MODELS[name]
    with torch.device("meta"):
        model = make().eval()
    net = load(name)
    for sides in ((9, 40), (61, 64), (96, 93), (100, 188), (203, 197), (204, 223)):
        report = net.check((channels, *sides))
        try:
            y = model(torch.empty(1, channels, *sides, device="meta"))
        except RuntimeError:
            assert not report.ok, sides
        else:
            outputs = y.values() if isinstance(y, dict) else [y]
            assert report.ok, sides
            assert [*report.outputs.values()] == [tuple(one.shape[1:]) for one in outputs], sides


def test_every_network_has_a_judge():
    assert sorted({*PUBLISHED, *MODELS}) == NAMES


# Layer by layer


def test_the_layer_types_that_no_network_uses():
    others = cnnshape.load(ROOT / "tests" / "files" / "types.toml")
    assert others.check(strict=True).problems == ()
    assert cnnshape.verify(others, "cpu").ok


def agrees(name, device, size=None):
    verification = cnnshape.verify(load(name), device, input=size)
    assert verification.problems == ()
    assert {layer.verdict for layer in verification.layers} == {"agrees"}


@pytest.mark.parametrize("name", NAMES)
def test_torch_agrees(name):
    agrees(name, "cpu", SMALLER.get(name))


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALLER)
def test_torch_agrees_at_the_declared_input(name):
    agrees(name, "cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
@pytest.mark.parametrize("name", NAMES)
def test_torch_agrees_on_cuda(name):
    agrees(name, "cuda")
