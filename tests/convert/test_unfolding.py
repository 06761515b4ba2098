"""Windows laid out and put back in a model's code, norms by the root mean square and tables: layers that hold at all sizes."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everybody does

import cnnshape
from cnnshape.convert.imported import imported
from cnnshape.convert.to_torch.code import torch_code

SIDES = (4, 8, 9, 12, 16, 17)


class Model(nn.Module):
    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            self.add_module(name, part)

    def forward(self, x):
        return self.run(self, x)


def outlook(m, x):
    """Outlook attention, as VOLO has it: windows are weighted, and added up where they were."""
    b, c, h, w = x.shape
    rows, columns = (h + 1) // 2, (w + 1) // 2
    parts = m.unfold(x).reshape(b, c, 9, rows * columns).permute(0, 3, 2, 1)
    weights = m.attn(F.avg_pool2d(x, 2, ceil_mode=True).flatten(2).transpose(1, 2))
    weights = weights.reshape(b, rows * columns, 9, 9).softmax(-1)
    y = (weights @ parts).permute(0, 3, 2, 1).reshape(b, c * 9, rows * columns)
    return F.fold(y, output_size=(h, w), kernel_size=3, padding=1, stride=2)


def pixels(m, x):
    """Patches within patches, as TNT has them."""
    y = F.unfold(x, kernel_size=4, stride=4)
    return m.norm(y.transpose(1, 2))


def halo(m, x):
    """Windows that overlap, along both axes, as HaloNet has them."""
    y = F.pad(x, [1, 1, 1, 1]).unfold(2, 6, 4).unfold(3, 6, 4)
    return m.norm(y)


def back(m, x):
    return nn.functional.fold(m.unfold(x[:, :, :8, :8]), 8, 3, padding=1, stride=2)


CASES = {
    "outlook": (outlook, {"unfold": nn.Unfold(3, padding=1, stride=2), "attn": nn.Linear(8, 81)}, {"unfold", "fold"}),
    "pixels": (pixels, {"norm": nn.RMSNorm(128)}, {"unfold", "rms_norm"}),
    "halo": (halo, {"norm": nn.RMSNorm(6)}, {"windows", "rms_norm"}),
}


@pytest.mark.parametrize("name", CASES)
def test_windows_are_layers_that_hold_at_other_sizes(name):
    forward, parts, kinds = CASES[name]
    model = Model(forward, **parts).eval()
    found = imported(model, (8, 16, 12), "model")
    assert found.differences == ()
    assert kinds <= {node.type for node in found.net.nodes}
    assert "opaque" not in {node.type for node in found.net.nodes}
    net = cnnshape.loads(found.text)
    for h in SIDES:
        for w in SIDES:
            try:
                expected = tuple(model(torch.ones(1, 8, h, w)).shape[1:])
            except RuntimeError:
                expected = None
            report = net.check(input=(8, h, w))
            assert (report.output if report.ok else None) == expected, (h, w)
    assert cnnshape.verify(net).ok
    space = {}
    exec(torch_code(net), space)
    generated = space["Model"]()
    assert generated(torch.rand(2, 8, 16, 16)).shape == model(torch.rand(2, 8, 16, 16)).shape
    assert sum(p.numel() for p in generated.parameters()) == sum(p.numel() for p in model.parameters())


def test_a_model_of_windows_is_held_to_its_file():
    model = Model(halo, norm=nn.RMSNorm(6)).eval()
    net = cnnshape.loads(imported(model, (8, 16, 12), "model").text)
    assert cnnshape.verify(net, model=model).ok
    other = Model(lambda m, x: F.unfold(m.norm(x), 2, stride=2), norm=nn.RMSNorm(12)).eval()
    net = cnnshape.loads("""
        input = [8, 16, 12]
        layers = [
          { name = "norm", type = "rms_norm", over = "last" },
          { name = "columns", type = "unfold", kernel_size = 2, stride = 2 },
        ]""")
    assert cnnshape.verify(net, model=other).ok
    wrong = Model(lambda m, x: F.unfold(m.norm(x), 2, padding=1, stride=2), norm=nn.RMSNorm(12)).eval()
    assert not cnnshape.verify(net, model=wrong).ok


def test_a_window_that_fits_nowhere_is_a_fault():
    problems = cnnshape.trace(Model(lambda m, x: F.unfold(x, 9) + 1), (3, 4, 4)).check().problems
    assert len(problems) == 1
    problems = cnnshape.trace(Model(lambda m, x: x.unfold(2, 9, 1) + 1), (3, 4, 4)).check().problems
    assert len(problems) == 1


def test_a_fold_to_numbers():
    found = imported(Model(back, unfold=nn.Unfold(3, padding=1, stride=2)), (3, 8, 8), "model")
    assert found.net.check().output == (3, 8, 8)
    assert [node.type for node in found.net.nodes if node.type in ("unfold", "fold")] == ["unfold", "fold"]


def test_a_table_that_is_looked_up():
    def forward(m, x):
        return F.embedding(x, m.table.weight) + m.places(x)

    model = Model(forward, table=nn.Embedding(9, 4), places=nn.Embedding(12, 4)).eval()
    found = imported(model, (5,), "model")
    assert found.differences == ()
    assert [node.layer.num_embeddings for node in found.net.nodes if node.type == "embedding"] == [9, 12]
    assert cnnshape.loads(found.text).check().output == (5, 4)
