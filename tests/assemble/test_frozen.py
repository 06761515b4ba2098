"""Frozen layers and blocks: which parameters are trained, and how many numbers stand beside them, as torch counts."""

import pytest
from helpers.texts import HERE, check, codes, rows

import cnnshape

NET = (
    HERE
    + """
layers = [
  { name = "stem", type = "conv", out_channels = 8, kernel_size = 3, frozen = true },
  { name = "stages", block = "stage", width = 8, repeat = 3, frozen = "i < frozen_stages" },
  "global_avg_pool",
  "flatten",
  { name = "head", type = "linear", out_features = 5, frozen = false },
]
constants = { frozen_stages = 2 }

[blocks.stage]
arguments = ["width"]
layers = [
  { name = "unit", block = "unit", width = "width" },
  { name = "norm", type = "instance_norm", track_running_stats = true, frozen = false },
]

[blocks.unit]
arguments = ["width"]
layers = [
  { name = "conv", type = "conv", out_channels = "width", kernel_size = 3, padding = 1, bias = false },
  { name = "norm", type = "batch_norm" },
  "relu",
]
"""
)


@pytest.mark.parametrize("frozen", [0, 1, 2, 3])
def test_as_torch_counts(torch, frozen):
    nn = torch.nn

    def stage():
        unit = nn.Conv2d(8, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        return nn.Sequential(nn.Sequential(*unit), nn.InstanceNorm2d(8, track_running_stats=True))

    stages = [stage() for _ in range(3)]
    model = nn.Sequential(nn.Conv2d(3, 8, 3), *stages, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))
    for module in (model[0], *stages[:frozen]):
        module.requires_grad_(requires_grad=False)
    report = check(NET.replace("frozen_stages = 2", f"frozen_stages = {frozen}"))
    assert report.parameters == sum(p.numel() for p in model.parameters())
    assert report.trainable == sum(p.numel() for p in model.parameters() if p.requires_grad)
    counted = [b for name, b in model.named_buffers() if not name.endswith("num_batches_tracked")]
    assert report.parameters_with_buffers == report.parameters + sum(b.numel() for b in counted)


def test_a_block_freezes_all_within():
    found = rows(NET)
    assert {name for name, row in found.items() if row.node.frozen} == {
        "stem",
        *(f"stages.{i}.{name}" for i in (0, 1) for name in ("unit.conv", "unit.norm", "unit.relu1", "norm")),
    }
    assert found["stem"].trainable == 0
    assert (found["stages.2.unit.norm"].trainable, found["stages.2.unit.norm"].buffers) == (16, 16)


def test_weights_that_are_shared_are_frozen_where_they_stand():
    text = (
        HERE
        + """
    layers = [
      { name = "a", block = "unit", frozen = true },
      { name = "b", block = "unit" },
      { name = "c", shares = "a" },
      { name = "d", block = "around", frozen = true },
    ]
    [blocks.around]
    layers = [{ name = "e", block = "unit" }, { name = "f", shares = "e" }]
    [blocks.unit]
    layers = [
      { name = "conv", type = "conv", out_channels = 3, kernel_size = 1 },
      { name = "norm", type = "batch_norm" },
    ]
    """
    )
    found = rows(text)
    assert [name for name, row in found.items() if row.node.frozen and row.type == "conv"] == [
        "a.conv",
        "c.conv",
        "d.e.conv",
        "d.f.conv",
    ]
    report = check(text)
    assert (report.parameters, report.trainable) == (3 * 18, 18)
    assert report.parameters_with_buffers == 3 * (18 + 6)
    assert [found[f"{name}.norm"].buffers for name in "abc"] == [6, 6, 0]


def test_claims_of_them():
    claims = "\n[claims]\ntrainable = {}\nparameters_with_buffers = {}\n"
    report = check(NET)
    right = claims.format(report.trainable, report.parameters_with_buffers)
    assert codes(NET.replace("[blocks.stage]", right + "[blocks.stage]")) == []
    wrong = claims.format(report.parameters, report.parameters)
    assert codes(NET.replace("[blocks.stage]", wrong + "[blocks.stage]")) == ["claim-differs"] * 2


def test_behind_a_failure_nothing_is_known():
    text = HERE + 'layers = [{ type = "max_pool", kernel_size = 99 }, "flatten", "batch_norm"]'
    report = cnnshape.loads(text).check()
    assert [row.buffers for row in report.layers] == [0, 0, None]
    assert (report.trainable, report.parameters_with_buffers) == (None, None)
