"""Fixes of a forward, as lines of code: applied to the source, the model runs in torch."""

from __future__ import annotations

import sys

import pytest

pytest.importorskip("torch")

import torch
from helpers.broken_models import with_fix

from cnnshape.commands.live import network
from cnnshape.commands.shared import shapes_of_model
from cnnshape.file.targets import live
from cnnshape.problems.base import errors

HEAD = """import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
"""
CASES = {
    "flatten": (
        "3x8x8",
        "self.conv = nn.Conv2d(3, 4, 3, padding=1); self.fc = nn.Linear(256, 10)",
        "return self.fc(F.relu(self.conv(x)))",
        "self.fc(F.relu(self.conv(x))) -> self.fc(F.relu(self.conv(x)).flatten(1))",
    ),
    "flatten-behind-a-sum": (
        "4x3x3", "self.fc = nn.Linear(36, 10)", "return self.fc(x + 1)", "self.fc(x + 1) -> self.fc((x + 1).flatten(1))",
    ),
    "mean": (
        "8x7x5", "self.fc = nn.Linear(8, 10)", "return self.fc(x)", "self.fc(x) -> self.fc(x.mean((2, 3)))",
    ),
    "mean-of-a-signal": (
        "8x7",
        "self.fc = nn.Linear(8, 10)",
        "return self.fc(x)",
        "self.fc(x) -> self.fc(x.mean(2))",
    ),
    "transpose-for-a-linear": (
        "8x7", "self.fc = nn.Linear(8, 10)", "return self.fc(x)", "self.fc(x) -> self.fc(x.transpose(1, 2))",
    ),
    "flatten-in-a-sequential": (
        "3x8x8",
        "self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(144, 10))",
        "return self.net(x)",
        "nn.Linear(144, 10) -> nn.Flatten(), nn.Linear(144, 10)",
    ),
    "pool-in-a-sequential": (
        "3x9x8",
        "self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4, 10))",
        "return self.net(x)",
        "nn.Linear(4, 10) -> nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 10)",
    ),
    "unflatten-in-a-sequential": (
        "16",
        "self.net = nn.Sequential(nn.Linear(16, 72), nn.ReLU(), nn.ConvTranspose2d(8, 3, 4, 2, 1))",
        "return self.net(x)",
        "nn.ConvTranspose2d(8, 3, 4, 2, 1) -> nn.Unflatten(1, (8, 3, 3)), nn.ConvTranspose2d(8, 3, 4, 2, 1)",
    ),
    "flatten-before-a-sequential": (
        "4x3x3",
        "self.head = nn.Sequential(nn.Linear(36, 10), nn.ReLU())",
        "return self.head(x)",
        "self.head(x) -> self.head(x.flatten(1))",
    ),
    "flatten-before-an-entry": (
        "4x3x3",
        "self.heads = nn.ModuleList([nn.Linear(36, 10), nn.Linear(36, 2)])",
        "a = self.heads[0](x.flatten(1)); return self.heads[1](x)",
        "self.heads[1](x) -> self.heads[1](x.flatten(1))",
    ),
    "unsqueeze": (
        "28x28", "self.conv = nn.Conv2d(1, 4, 3)", "return self.conv(x)", "self.conv(x) -> self.conv(x.unsqueeze(1))",
    ),
    "squeeze": (
        "1x6x20", "self.conv = nn.Conv1d(6, 4, 3)", "return self.conv(x)", "self.conv(x) -> self.conv(x.squeeze(1))",
    ),
    "noise": (
        "100",
        "self.up = nn.ConvTranspose2d(100, 8, 4)",
        "return self.up(x)",
        "self.up(x) -> self.up(x[:, :, None, None])",
    ),
    "seed": (
        "10",
        "self.fc = nn.Linear(10, 8 * 4 * 4); self.up = nn.ConvTranspose2d(8, 3, 4)",
        "return self.up(self.fc(x))",
        "self.up(self.fc(x)) -> self.up(self.fc(x).unflatten(1, (8, 4, 4)))",
    ),
    "seed-of-a-volume": (
        "216", "self.up = nn.Conv3d(8, 3, 3)", "return self.up(x)", "self.up(x) -> self.up(x.unflatten(1, (8, 3, 3, 3)))",
    ),
    "permute": (
        "20x30x3", "self.conv = nn.Conv2d(3, 4, 3)", "return self.conv(x)",
        "self.conv(x) -> self.conv(x.permute(0, 3, 1, 2))",
    ),
    "transpose-for-a-conv": (
        "20x6", "self.conv = nn.Conv1d(6, 4, 3)", "return self.conv(x)", "self.conv(x) -> self.conv(x.transpose(1, 2))",
    ),
    "another-rank": (
        "3x8x9", "self.conv = nn.Conv1d(3, 4, 3)", "return self.conv(x)", "nn.Conv1d(3, 4, 3) -> nn.Conv2d(3, 4, 3)",
    ),
    "norm-of-another-rank": (
        "6", "self.norm = nn.BatchNorm2d(6)", "return self.norm(x)", "nn.BatchNorm2d(6) -> nn.BatchNorm1d(6)",
    ),
    "transpose-for-a-recurrent": (
        "6x20", "self.rnn = nn.LSTM(6, 4, batch_first=True)", "y, _ = self.rnn(x); return y",
        "self.rnn(x) -> self.rnn(x.transpose(1, 2))",
    ),
    "columns-for-a-recurrent": (
        "8x6x20", "self.rnn = nn.GRU(48, 4, batch_first=True)", "return self.rnn(x)[0]",
        "self.rnn(x) -> self.rnn(x.flatten(1, 2).transpose(1, 2))",
    ),
    "places-for-a-recurrent": (
        "8x6x20", "self.rnn = nn.GRU(8, 4, batch_first=True)", "return self.rnn(x)[0]",
        "self.rnn(x) -> self.rnn(x.flatten(2).transpose(1, 2))",
    ),
    "frames-for-a-recurrent": (
        "7x4x5", "self.rnn = nn.RNN(20, 4, batch_first=True)", "return self.rnn(x)[0]",
        "self.rnn(x) -> self.rnn(x.flatten(2))",
    ),
    "one-number-a-step": (
        "30", "self.rnn = nn.LSTM(1, 4, batch_first=True)", "return self.rnn(x)[0]",
        "self.rnn(x) -> self.rnn(x.unsqueeze(-1))",
    ),
    "tuple": (
        "30x8",
        "self.rnn = nn.LSTM(8, 4, batch_first=True); self.fc = nn.Linear(4, 2)",
        "x = self.rnn(x); return self.fc(x)",
        "self.fc(x) -> self.fc(x[0])",
    ),
    "gate": (
        "8x6x6", "self.fc = nn.Linear(8, 8)", "s = self.fc(x.mean((2, 3))); return x * s", "x * s -> x * s[:, :, None, None]",
    ),
    "gate-by-a-method": (
        "8x6x6", "self.fc = nn.Linear(8, 8)", "s = self.fc(x.mean((2, 3))); return x.mul(s)",
        "x.mul(s) -> x.mul(s[:, :, None, None])",
    ),
    "gate-by-a-function": (
        "8x6x6", "self.fc = nn.Linear(8, 8)", "s = self.fc(x.mean((2, 3))); return torch.mul(x, s)",
        "torch.mul(x, s) -> torch.mul(x, s[:, :, None, None])",
    ),
    "one-vector-for-all-steps": (
        "5x8", "self.fc = nn.Linear(8, 8)", "return self.fc(x[:, 0]) + x", "self.fc(x[:, 0]) + x -> self.fc(x[:, 0])[:, None, ...] + x",
    ),
    "scores": (
        "5x8", "self.fc = nn.Linear(8, 8)", "return self.fc(x) @ x", "self.fc(x) @ x -> self.fc(x) @ x.transpose(-2, -1)",
    ),
    "axis-of-a-softmax": (
        "5", "self.fc = nn.Linear(5, 8)", "return F.softmax(self.fc(x), dim=2)",
        "F.softmax(self.fc(x), dim=2) -> F.softmax(self.fc(x), dim=1)",
    ),
    "no-axis-of-a-join": (
        "3x8x8", "self.conv = nn.Conv2d(3, 4, 1)", "return torch.cat([x, self.conv(x)])",
        "torch.cat([x, self.conv(x)]) -> torch.cat([x, self.conv(x)], dim=1)",
    ),
    "axis-of-a-join": (
        "3x8x8", "self.conv = nn.Conv2d(3, 4, 1)", "return torch.cat([x, self.conv(x)], dim=2)",
        "torch.cat([x, self.conv(x)], dim=2) -> torch.cat([x, self.conv(x)], dim=1)",
    ),
    "skip-of-other-sides": (
        "3x9x9",
        "self.down = nn.Conv2d(3, 4, 3, 2, 1); self.up = nn.ConvTranspose2d(4, 3, 2, 2); self.fit = nn.Conv2d(7, 1, 1)",
        "y = self.down(x); y = F.relu(self.up(F.max_pool2d(y, 2, ceil_mode=False))); y = F.interpolate(y, scale_factor=2); return torch.cat([y, x], 1)",
        "torch.cat([y, x], 1) -> torch.cat([F.interpolate(y, size=x.shape[2:]), x], 1)",
    ),
    "sum-of-other-sides": (
        "3x9x9", "self.down = nn.Conv2d(3, 3, 2, 2)", "y = F.interpolate(self.down(x), scale_factor=2); return x + y",
        "x + y -> x + F.interpolate(y, size=x.shape[2:])",
    ),
    "view-and-linear": (
        "3x6x6", "self.conv = nn.Conv2d(3, 4, 3); self.fc = nn.Linear(100, 10)",
        "x = self.conv(x).view(-1, 100); return self.fc(x)",
        "self.conv(x).view(-1, 100) -> self.conv(x).view(-1, 64); nets.py:10: nn.Linear(100, 10) -> nn.Linear(64, 10)",
    ),
    "view-alone": (
        "3x6x6", "self.fc = nn.Linear(108, 10)", "return self.fc(x.view(x.size(0), 3 * 5 * 5))",
        "x.view(x.size(0), 3 * 5 * 5) -> x.view(x.size(0), 108)",
    ),
    "view-by-a-function": (
        "3x6x6", "self.fc = nn.Linear(108, 10)", "return self.fc(torch.reshape(x, (-1, 75)))",
        "torch.reshape(x, (-1, 75)) -> torch.reshape(x, (-1, 108))",
    ),
    "view-of-space": (
        "12", "self.fc = nn.Linear(12, 8 * 7 * 7); self.conv = nn.Conv2d(8, 1, 3)",
        "return self.conv(self.fc(x).view(-1, 8, 8, 8))",
        "self.fc(x).view(-1, 8, 8, 8) -> self.fc(x).view(-1, 8, 7, 7)",
    ),
    "weight-of-a-function": (
        "4x3x3", "self.weight = nn.Parameter(torch.rand(10, 36))", "return F.linear(x, self.weight)",
        "F.linear(x, self.weight) -> F.linear(x.flatten(1), self.weight)",
    ),
    "flatten-of-the-batch": (
        "3x3x3", "self.fc = nn.Linear(27, 10)", "return self.fc(torch.flatten(x))", "torch.flatten(x) -> torch.flatten(x, 1)",
    ),
    "view-of-the-batch": (
        "3x3x3", "self.fc = nn.Linear(27, 10)", "return self.fc(x.view(-1))", "x.view(-1) -> x.flatten(1)",
    ),
    "method-of-the-batch": (
        "3x3x3", "self.fc = nn.Linear(27, 10)", "return self.fc(x.flatten())", "x.flatten() -> x.flatten(1)",
    ),
    "seed-of-an-upsample": (
        "32",
        "self.net = nn.Sequential(nn.Upsample(scale_factor=2), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))",
        "return self.net(x)",
        "self.net(x) -> self.net(x.unflatten(1, (8, 2, 2)))",
    ),
    "of-a-conditional": (
        "3x8x8",
        "wide = False; self.conv = nn.Conv2d(4, 8, 3) if not wide else nn.Identity()",
        "return self.conv(x)",
        "nn.Conv2d(4, 8, 3) -> nn.Conv2d(3, 8, 3)",
    ),
}  # fmt: skip


def problems_of(own_folder, code, size):
    (own_folder / "nets.py").write_text(code)
    sys.modules.pop("nets", None)
    return errors(network(live("nets.py:Net"), shapes_of_model((size,)))[0].check().problems)


def runs(code, size):
    space = {}
    exec(compile(code, "<model>", "exec"), space)
    return space["Net"]()(torch.rand(3, *map(int, size.split("x"))))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_the_line_mends(own_folder, case):
    size, init, forward, expected = case
    code = HEAD.format(init=init.replace("; ", "\n        "), forward=forward.replace("; ", "\n        "))
    with pytest.raises((RuntimeError, ValueError, TypeError, IndexError)):
        runs(code, size)
    [problem] = problems_of(own_folder, code, size)
    fixes = {fix.summary.partition(": ")[2]: fix for fix in problem.fixes}
    assert expected in fixes
    for fix in problem.fixes:
        mended = with_fix(fix, code, size)
        assert len(runs(*mended)) == 3
        assert problems_of(own_folder, *mended) == ()


BLOCK = """import torch
from torch import nn


class Block(nn.Module):
    def __init__(self, inside, outside, *, groups=1):
        super().__init__()
        self.conv = nn.Conv2d(inside, outside, 3, padding=1)
        self.norm = nn.BatchNorm2d({norm})

    def forward(self, x):
        return self.norm(self.conv(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([{blocks}])
        self.head = nn.Sequential(nn.BatchNorm2d(8), {head})

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        return self.head(x)
"""


@pytest.mark.parametrize(
    ("norm", "blocks", "head", "expected"),
    [
        (
            "inside",  # in two copies of other numbers
            "Block(3, 4), Block(4, 8)",
            "nn.ReLU()",
            "nets.py:9: nn.BatchNorm2d(inside) -> nn.BatchNorm2d(outside)",
        ),
        (
            "inside",  # in two copies of the same
            "Block(8, 8), Block(8, 8)",
            "nn.ReLU()",
            None,
        ),
        ("5", "Block(3, 8), Block(8, 8)", "nn.ReLU()", "nets.py:9: nn.BatchNorm2d(5) -> nn.BatchNorm2d(8)"),
        ("outside", "Block(3, 4), Block(8, outside=8)", "nn.ReLU()", "nets.py:18: Block(8, outside=8) -> Block(4, outside=8)"),
        ("outside", "Block(3, 4), Block(inside=8, outside=8)", "nn.ReLU()",
         "nets.py:18: Block(inside=8, outside=8) -> Block(inside=4, outside=8)"),
        (
            "outside",
            "Block(3, 4), Block(4, 6)",
            "nn.Conv2d(8, 2, 1)",
            "nets.py:19: nn.BatchNorm2d(8) -> nn.BatchNorm2d(6); nets.py:19: nn.Conv2d(8, 2, 1) -> nn.Conv2d(6, 2, 1)",
        ),
    ],
)  # fmt: skip
def test_a_number_of_a_block_is_mended_for_all_its_copies(own_folder, norm, blocks, head, expected):
    size, code = ("8x8x8" if expected is None else "3x8x8"), BLOCK.format(norm=norm, blocks=blocks, head=head)
    problems = problems_of(own_folder, code, size)
    if expected is None:
        assert problems == ()
        return
    [problem] = problems
    assert expected in [fix.summary for fix in problem.fixes]
    for fix in problem.fixes:
        assert len(runs(*with_fix(fix, code, size))) == 3


@pytest.mark.parametrize(
    ("init", "forward", "expected"),
    [
        (
            "self.stem = nn.Conv2d(3, 8, 3); self.norms = nn.ModuleList([nn.BatchNorm2d(9) for _ in range(3)])",
            "x = self.stem(x); return sum(norm(x) for norm in self.norms)",
            "nets.py:10: nn.BatchNorm2d(9) -> nn.BatchNorm2d(8)",
        ),
        (
            "self.net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(6), nn.Conv2d(8, 8, 3), nn.BatchNorm2d(6))",
            "return self.net(x)",
            "nets.py:9:54: nn.BatchNorm2d(6) -> nn.BatchNorm2d(8); nets.py:9:93: nn.BatchNorm2d(6) -> nn.BatchNorm2d(8)",
        ),
        (
            "self.convs = nn.ModuleList([nn.Conv2d(16, 8, 3) for _ in range(3)])",
            "return torch.cat([conv(x) for conv in self.convs], 1)",
            "--input 16x32x32",
        ),
        (
            "self.pool = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(8)); self.fc = nn.Linear(4 * 27 * 27, 5)",
            "return self.fc(self.pool(x).flatten(1))",
            "--input 3x224x224",
        ),
        (
            "self.convs = nn.Sequential(*[nn.Conv2d(width, 8, 3) for width in (3, 8, 9)])",
            "return self.convs(x)",
            None,  # what differs by the loop is not replaced by one number
        ),
    ],
)
def test_layers_of_one_line_are_mended_together(own_folder, init, forward, expected):
    code = HEAD.format(init=init.replace("; ", "\n        "), forward=forward.replace("; ", "\n        "))
    [problem] = problems_of(own_folder, code, "3x32x32")
    assert [*problem.place.path[2:]] == [10 if "stem" in init or "pool" in init else 9]
    assert (expected in [fix.summary for fix in problem.fixes]) == bool(expected)
    assert expected or not problem.fixes
    for fix in problem.fixes:
        mended = with_fix(fix, code, "3x32x32")
        assert len(runs(*mended)) == 3
        assert problems_of(own_folder, *mended) == ()


def test_a_number_that_the_inputs_have_not_is_no_cause(own_folder):
    code = HEAD.format(
        init="self.conv = nn.Conv2d(3, 4, 3); self.fc = nn.LSTM(9, 5, batch_first=True)".replace("; ", "\n        "),
        forward="b, t, c, h, w = x.shape; y = self.conv(x.view(b * t, c, h, w)).view(b, t, -1); return self.fc(y)[0]".replace(
            "; ", "\n        "
        ),
    )
    [problem] = problems_of(own_folder, code, "4x3x8x8")
    assert problem.fixes[0].summary.endswith("nn.LSTM(9, 5, batch_first=True) -> nn.LSTM(144, 5, batch_first=True)")
    assert problem.cause is None or "input has" not in problem.cause.message


def test_the_axes_of_a_gate_are_no_resize(own_folder):
    _, init, forward, _ = CASES["gate"]
    code = HEAD.format(init=init, forward=forward.replace("; ", "\n        "))
    [problem] = problems_of(own_folder, code, "8x6x6")
    assert problem.cause is None


RESIZED = """{imports}
import torch
from torch.nn import Conv2d, Module


class Net(Module):
    def __init__(self):
        super().__init__()
        self.down = Conv2d(3, 3, 2, 2)

    def forward(self, x):
        y = torch.nn.functional.interpolate(self.down(x), scale_factor=2)
        return x + y
"""


@pytest.mark.parametrize(
    ("imports", "name"),
    [
        ("import torch.nn.functional", "torch.nn.functional"),
        ("import torch.nn.functional as fn", "fn"),
        ("import torch.nn as nn", "nn.functional"),
        ("from torch import nn as n", "n.functional"),
        ("from torch.nn import functional as G", "G"),
        ("", ""),
    ],
)
def test_a_function_goes_by_the_name_that_the_file_gives_it(own_folder, imports, name):
    code = RESIZED.format(imports=imports)
    [problem] = problems_of(own_folder, code, "3x9x9")
    found = [fix for fix in problem.fixes if "interpolate" in fix.summary]
    assert [fix.summary.partition(" -> ")[2] for fix in found] == [
        f"x + {name}.interpolate(y, size=x.shape[2:])"
    ] * bool(name)
    assert all(len(runs(fix.apply(code), "3x9x9")) == 3 for fix in found)


@pytest.mark.parametrize(
    ("init", "forward"),
    [
        ("self.fc = nn.Linear(48, 10)", "return self.fc(\n            x\n        )"),  # of several lines
        ("self.fc = nn.Linear(48, 10)", "fc = self.fc; return fc(x)"),  # by another name
        (
            "self.net = nn.Sequential(*[nn.ReLU(), nn.Linear(48, 10)][:2])",
            "return self.net(x)",
        ),
    ],
)  # fmt: skip
def test_a_line_that_cannot_be_written_is_not_said(own_folder, init, forward):
    code = HEAD.format(init=init, forward=forward.replace("; ", "\n        "))
    [problem] = problems_of(own_folder, code, "3x4x4")
    assert problem.fixes == ()
