"""Tokens whose channels the model puts last before layers of each place, and its imported file behind them."""

import pytest

pytest.importorskip("torch")

from torch import nn

import cnnshape
from cnnshape.convert.imported import imported


class Tokens(nn.Module):
    """A stem whose map becomes tokens, and layers of them, given as a function."""

    def __init__(self, norm, forward):
        super().__init__()
        self.stem, self.norm, self.fc, self.call = nn.Conv2d(3, 8, 2, stride=2), norm(8), nn.Linear(8, 8), forward

    def forward(self, x):
        return self.call(self, self.stem(x).flatten(2).transpose(1, 2))


RELU, CONV = '"relu",', '{ type = "conv", out_channels = 3, kernel_size = 1 },'
SOUND = {
    "norm": lambda m, x: m.norm(x),
    "fc": lambda m, x: m.fc(x),
    "both": lambda m, x: m.fc(m.norm(x).relu()),
    "plain": lambda m, x: x,
    "product": lambda m, x: m.norm(x) @ m.norm(x).transpose(1, 2),
}
OTHERWISE = {
    "back": lambda m, x: m.norm(x).transpose(1, 2),
    "read otherwise": lambda m, x: m.norm(x.transpose(1, 2).reshape(x.shape)),
    "twice": lambda m, x: m.norm(x.transpose(1, 2)),  # of as many places as channels
}


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm])
@pytest.mark.parametrize("name", SOUND)
@pytest.mark.parametrize("shape", [(3, 16, 12), (3, 8, 4)])
def test_a_model_holds_to_the_file_that_was_imported_from_it(norm, name, shape):
    model = Tokens(norm, SOUND[name]).eval()
    comparison = cnnshape.verify(cnnshape.loads(imported(model, shape, "model").text), model=model)
    assert comparison.problems == ()
    assert all(one.agrees for one in comparison.elsewhere)


@pytest.mark.parametrize("norm", [nn.LayerNorm, nn.RMSNorm])
@pytest.mark.parametrize("name", OTHERWISE)
def test_a_model_that_exchanges_axes_otherwise_does_not(norm, name):
    net = cnnshape.loads(imported(Tokens(norm, SOUND["norm"]).eval(), (3, 8, 4), "model").text)
    assert not cnnshape.verify(net, model=Tokens(norm, OTHERWISE[name]).eval()).ok


@pytest.mark.parametrize(
    ("before", "model"),
    [
        ("", nn.Identity()),
        (RELU, nn.ReLU()),
        (CONV, nn.Conv2d(3, 3, 1)),
    ],
    ids=["nothing", "relu", "conv"],
)
def test_a_model_without_the_exchange_does_not(before, model):
    net = cnnshape.loads(f'input = [3, 4, 5]\nlayers = [{before} {{ type = "permute", dims = [2, 3, 1] }}]')
    assert not cnnshape.verify(net, model=nn.Sequential(model)).ok


def test_a_norm_over_columns_is_none_over_channels():
    net = cnnshape.loads("""
        input = [3, 8, 16]
        layers = [
          { name = "stem", type = "conv", out_channels = 8, kernel_size = 2, stride = 2 },
          { name = "norm", type = "layer_norm", over = "last" },
          { type = "permute", dims = [2, 3, 1] },
        ]""")
    model = Tokens(nn.LayerNorm, lambda m, x: m.norm(x).unflatten(1, (4, 8)))
    model.fc = nn.Identity()
    assert not cnnshape.verify(net, model=model.eval()).ok
