"""Sides that a model keeps within limits, by Python's max and min of them: one layer of all sizes, held against the model."""

import builtins

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

import cnnshape
from cnnshape.convert.imported import imported
from cnnshape.convert.to_torch.code import torch_code

SIDES = (1, 5, 13, 14, 16, 17, 18, 20, 33)


class Limited(nn.Module):
    """A convolution, a change of its sides, and one that needs five cells."""

    def __init__(self, change):
        super().__init__()
        self.stem, self.head, self.change = nn.Conv2d(3, 8, 3, 2, 1), nn.Conv2d(8, 4, 5), change

    def forward(self, x):
        return self.head(self.change(self.stem(x)))


def pooled_if_small(x):
    """As timm's VGG does."""
    if x.shape[-2] < 7 or x.shape[-1] < 7:
        x = F.adaptive_avg_pool2d(x, (max(7, x.shape[-2]), max(7, x.shape[-1])))
    return x


def pooled(x):
    h, w = x.shape[2:]
    return F.adaptive_max_pool2d(x, (max(h, 7), max(w, 7)))


def pooled_at_most(x):
    return F.adaptive_avg_pool2d(x, [min(9, x.size(2)), min([x.size(3), 9])])


def pooled_between(x):
    return F.adaptive_avg_pool2d(x, [min(9, max(x.size(2), 6)), min(9, max(6, x.size(3), 5))])


def one_axis(x):
    return F.adaptive_avg_pool2d(x, (max(x.shape[2], 7), 7))


def padded(x):
    h, w = x.shape[2:]
    return F.pad(x, (0, max(0, 9 - w), 0, max(0, 9 - h)))


def padded_around(x):
    more = [max(9 - side, 0) for side in x.shape[2:]]
    return F.pad(x, (more[1] // 2, more[1] - more[1] // 2, more[0] // 2, more[0] - more[0] // 2))


def padded_below(x):
    return F.pad(x, (0, 0, 0, max(0, 9 - x.shape[2])))


def resized(x):
    if min(x.shape[2:]) < 9:
        x = F.interpolate(x, size=(max(x.shape[2], 9), max(x.shape[3], 9)), mode="bilinear")
    return x


def halves(x):
    h, w = x.shape[2:]
    return F.interpolate(F.interpolate(x, size=(max(1, h // 2), max(1, w // 2))), scale_factor=5)


@pytest.mark.parametrize("declared", [(40, 44), (12, 40)], ids=str)
@pytest.mark.parametrize(
    ("change", "kind", "settings"),
    [
        (pooled_if_small, "adaptive_avg_pool", {"at_least": 7}),
        (pooled, "adaptive_max_pool", {"at_least": 7}),
        (pooled_at_most, "adaptive_avg_pool", {"at_most": 9}),
        (pooled_between, "adaptive_avg_pool", {"at_least": 6, "at_most": 9}),
        (one_axis, "adaptive_avg_pool", {"output_size": ("keep", 7), "at_least": (7, 1)}),
        (padded, "pad", {"at_least": 9}),
        (padded_around, "pad", {"at_least": 9, "where": "both"}),
        (padded_below, "pad", {"at_least": (9, 1)}),
        (resized, "upsample", {"at_least": 9, "mode": "bilinear"}),
        (halves, "upsample", {"scale_factor": 0.5, "at_least": 1}),
    ],
)
def test_limits_are_one_layer_that_holds_on_either_side(change, kind, settings, declared):
    model = Limited(change).eval()
    found = imported(model, (3, *declared), "model")
    assert found.differences == ()
    assert "goes another way" not in found.text
    layer = next(node.layer for node in found.net.nodes if node.type == kind)
    assert {name: getattr(layer, name) for name in settings} == settings
    net = cnnshape.loads(found.text)
    sizes = net.valid_sizes()
    for h in SIDES:
        for w in SIDES:
            try:
                expected = tuple(model(torch.ones(1, 3, h, w)).shape[1:])
            except RuntimeError:
                expected = None
            report = net.check(input=(3, h, w))
            assert (report.output if report.ok else None) == expected, (h, w)
            assert ((h, w) in sizes) == (expected is not None), (h, w)


def sides_before(x):
    """Limits of the sides that another tensor has."""
    h, w = x.shape[2:]
    return F.adaptive_avg_pool2d(F.max_pool2d(x, 4), (min(h, 7), min(w, 7)))


def far(x):
    h, w = x.shape[2:]
    return F.adaptive_avg_pool2d(x, (min(max(h, 7), 700), min(max(w, 7), 700)))


def resized_at_most(x):
    h, w = x.shape[2:]
    return F.interpolate(x, size=(min(h, 60), min(w, 60)))


def resized_along_one_axis(x):
    h, w = x.shape[2:]
    return F.interpolate(x, size=(h, max(w, 7)))


def halves_of_four(x):
    h, w = x.shape[2:]
    return F.interpolate(x, size=(max(h // 2, 4), max(w // 2, 4)))


@pytest.mark.parametrize("change", [far, resized_at_most, resized_along_one_axis, halves_of_four])
def test_limits_that_no_run_reaches_hold_too(change):
    assert_agrees(change, ((28, 40), (40, 5), (6, 40), (100, 200), (900, 1000)))


def test_limits_of_the_sides_before_a_pool_are_not_those_of_the_pool():
    assert_agrees(sides_before, ((28, 40), (40, 7), (64, 48)))


def assert_agrees(change, sizes):
    model = Changed(change)
    net = cnnshape.trace(model, (3, 32, 32))
    assert all(node.type != "opaque" for node in net.nodes)
    for sides in sizes:
        assert net.check(input=(3, *sides)).output == tuple(model(torch.ones(1, 3, *sides)).shape[1:]), sides


class Changed(nn.Module):
    """A change of the input's sides alone."""

    def __init__(self, change):
        super().__init__()
        self.change = change

    def forward(self, x):
        return self.change(x)


def test_the_code_has_limits_and_gives_the_same():
    net = cnnshape.loads("""
        input = [3, 20, 9]
        layers = [
          { name = "p", type = "adaptive_avg_pool", output_size = ["keep", 7], at_least = [25, 1] },
          { name = "u", type = "upsample", at_least = 12, at_most = [20, 14] },
          { name = "v", type = "upsample", scale_factor = 0.25, at_least = [1, 2] },
          { name = "w", type = "pad", at_least = [1, 9] },
        ]""")
    space = {}
    exec(torch_code(net), space)
    model = space["Net"]()
    for sides in ((20, 9), (1, 1), (40, 60)):
        y = model(torch.ones(1, 3, *sides))
        assert tuple(y.shape[1:]) == net.check(input=(3, *sides)).output
        assert tuple(cnnshape.build(net)(torch.ones(1, 3, *sides)).shape) == tuple(y.shape)


def test_python_has_its_own_max_and_min_again():
    own = max, min
    cnnshape.trace(Limited(pooled), (3, 20, 20))

    def raises(x):
        raise ValueError(builtins.max(x.shape[2], 7))

    cnnshape.trace(Limited(raises), (3, 20, 20))
    assert (builtins.max, builtins.min) == own


def test_other_uses_of_max_are_as_ever():
    seen = []

    def uses(x):
        seen.extend([
            max(x.shape[1:], key=lambda side: -side), max(3, 5), max("ab"), min((n for n in (4, 2)), default=7), min([], default=7),
            max(x.shape[2], x.shape[3] / 2), max(x.shape[2], True),
        ])  # fmt: skip
        return x

    cnnshape.trace(Limited(uses), (3, 20, 12))
    assert seen[:7] == [6, 5, "b", 2, 7, 10, 10]
