"""Diffusion models: U-Nets that take a time step, and perhaps a class, one number for each sample."""

import math

import pytest

pytest.importorskip("torch")

import torch
from helpers.cli import run
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everybody does

import cnnshape
from cnnshape.convert.imported import imported
from cnnshape.convert.to_torch.code import torch_code


class Sinusoids(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, t):
        half = self.dim // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, device=t.device) / (half - 1))
        angles = t[:, None].float() * frequencies[None, :]
        return torch.cat([angles.sin(), angles.cos()], dim=-1)


class Residual(nn.Module):
    def __init__(self, channels, width, time):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(4, channels), nn.Conv2d(channels, width, 3, padding=1)
        self.time = nn.Linear(time, width)
        self.norm2, self.conv2 = nn.GroupNorm(4, width), nn.Conv2d(width, width, 3, padding=1)
        self.skip = nn.Conv2d(channels, width, 1) if channels != width else nn.Identity()

    def forward(self, x, t):
        y = self.conv1(F.silu(self.norm1(x)))
        y = y + self.time(F.silu(t))[:, :, None, None]
        return self.skip(x) + self.conv2(F.silu(self.norm2(y)))


class DDPM(nn.Module):
    """The U-Net of Ho, Jain, Abbeel 2020, in small."""

    def __init__(self, width=8, classes=0):
        super().__init__()
        time = 4 * width
        self.time = nn.Sequential(Sinusoids(width), nn.Linear(width, time), nn.SiLU(), nn.Linear(time, time))
        self.label = nn.Embedding(classes, time) if classes else None
        self.stem = nn.Conv2d(3, width, 3, padding=1)
        self.down1, self.shrink = Residual(width, width, time), nn.Conv2d(width, 2 * width, 3, 2, 1)
        self.middle = Residual(2 * width, 2 * width, time)
        self.grow, self.up1 = nn.ConvTranspose2d(2 * width, width, 4, 2, 1), Residual(2 * width, width, time)
        self.head = nn.Conv2d(width, 3, 1)

    def forward(self, x, t, y=None):
        time = self.time(t)
        if self.label is not None:
            time = time + self.label(y)
        skip = self.down1(self.stem(x), time)
        x = self.grow(self.middle(self.shrink(skip), time))
        return self.head(self.up1(torch.cat([x, skip], 1), time))


def labelled():
    return DDPM(classes=10)


@pytest.mark.parametrize("make", [DDPM, labelled])
def test_a_diffusion_model_is_imported_and_held(make):
    model = make().eval()
    inputs = {"x": (3, 16, 24), "t": ()} | ({"y": ()} if make is labelled else {})
    found = imported(model, inputs, "model")
    assert found.differences == ()
    kinds = {node.type for node in found.net.nodes}
    assert "opaque" not in kinds
    assert ("embedding" in kinds) == (make is labelled)
    net = cnnshape.loads(found.text)
    report = net.check()
    assert report.inputs == inputs
    assert report.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert cnnshape.verify(net).ok
    assert cnnshape.verify(net, model=model).ok
    assert str(net.valid_sizes()) == "multiples of 2, from 2"
    samples = [torch.rand(2, 3, 8, 6), torch.tensor([3, 700]), torch.tensor([1, 9])][: len(inputs)]
    space = {}
    exec(torch_code(net), space)
    for generated in (space["DDPM"](), cnnshape.build(net)):
        generated.load_state_dict(model.state_dict())
        assert generated(*samples).shape == model(*samples).shape
    assert net.memory(1).inference > 0


def test_the_command_line_takes_an_input_without_axes(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(__file__.rpartition("/")[0])
    given = ("--input", "x=3x16x16", "--input", "t=[]", "--input", "y=[]")
    file = tmp_path / "ddpm.toml"
    status, *_ = run("import", "test_diffusion:labelled", *given, "-o", str(file))
    assert status == 0
    assert "inputs = { x = [3, 16, 16], t = [], y = [] }" in file.read_text()
    for command in (("check",), ("explain", "label"), ("torch",), ("memory",), ("sizes",)):
        status, *_ = run(command[0], str(file), *command[1:])
        assert status == 0, command
    status, checked, *_ = run("check", str(file), "--input", "x=3x32x32", "--input", "t=[]")
    assert status == 0
    assert "t: one number" in checked
    assert "error[input-axes-differ]" in run("check", str(file), "--input", "t=4")[1]
    assert "error[input-axes-differ]" in run("check", str(file), "--input", "x=[]")[1]


def test_an_input_without_axes_that_a_layer_of_space_takes_is_refused():
    problems = (
        cnnshape.loads('input = []\nlayers = [{ type = "conv", out_channels = 3, kernel_size = 1 }]').check().problems
    )
    assert [problem.code for problem in problems] == ["no-axes"]
