"""Recurrent layers and attention beyond shapes and counts (which properties/test_torch.py asks torch about)."""

from __future__ import annotations

import pytest
from helpers.layers import layer

import cnnshape
from cnnshape.network.explain import explain
from cnnshape.network.flow import measure
from cnnshape.show.settings import settings

# Sizes and fields


def sized(line):
    """A net of an image whose columns become steps, with one more layer."""
    return cnnshape.loads(f"""
    input = [1, 9, 12]
    layers = [
      {{ type = "conv", out_channels = 4, kernel_size = 3, stride = 2 }},
      {{ type = "flatten", start_dim = 1, end_dim = 2 }},
      {{ {line} }},
    ]
    """)


LINES = {
    "lstm over columns": 'type = "lstm", hidden_size = 3, over = 2',
    "gru over rows": 'type = "gru", hidden_size = 3, over = 1, returns = "last"',
    "attention": 'type = "attention", num_heads = 2, over = 2',
    "attention over rows": 'type = "attention", num_heads = 5, over = 1',
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_the_valid_sizes_are_those_that_the_layers_in_torch_take(line, torch):
    net = sized(line)
    row = net.check().layers[-1]
    conv, module = torch.nn.Conv2d(1, 4, 3, stride=2), row.node.layer.module(torch, *row.inputs)
    sizes = net.valid_sizes()
    for h in range(1, 16):
        for w in range(1, 16):
            try:
                with torch.no_grad():
                    row.node.layer.call(torch, module, conv(torch.zeros(1, 1, h, w)).flatten(1, 2))
            except (RuntimeError, AssertionError):
                assert (h, w) not in sizes
            else:
                assert (h, w) in sizes


FIELDS = [
    ("rnn", (3, 6), {"hidden_size": 2, "over": 2, "bidirectional": True}),
    ("rnn", (3, 6), {"hidden_size": 2, "over": 2, "returns": "last"}),
    ("gru", (3, 6), {"hidden_size": 2, "over": 1}),
    ("lstm", (3, 6), {"hidden_size": 2, "over": 1, "returns": "last", "num_layers": 2}),
    ("attention", (4, 6), {"num_heads": 2, "over": 2}),
    ("attention", (5, 6), {"num_heads": 2, "over": 1}),
    ("attention", (4, 3, 5), {"num_heads": 2, "over": [2, 3]}),
]


@pytest.mark.parametrize(("kind", "shape", "settings"), FIELDS, ids=str)
def test_each_position_reads_all_cells(kind, shape, settings, torch):
    """The gradient of every position of the result is there in every cell along each axis of space."""
    said = ", ".join(
        f"{name} = {str(value).lower() if value is True else repr(value)}" for name, value in settings.items()
    )
    net = cnnshape.loads(f"input = {[*shape]}\nlayers = [{{ name = 'one', type = '{kind}', {said} }}]")
    row = net.check().layers[0]
    torch.manual_seed(1)
    x = torch.rand(1, *shape, requires_grad=True)
    y = row.node.layer.call(torch, row.node.layer.module(torch, shape).eval(), x)
    for axis, field in enumerate(cnnshape.receptive_fields(net)["one"], start=2):
        for position in range(y.shape[axis]) if y.dim() == x.dim() else [0]:
            part = y.select(axis, position) if y.dim() == x.dim() else y
            (gradient,) = torch.autograd.grad(part.square().sum(), x, retain_graph=True)
            others = [other for other in range(x.dim()) if other != axis]
            seen = {cell for cell, size in enumerate(gradient.abs().amax(others).tolist()) if size}
            assert (
                seen
                == {*range(shape[axis - 1])}
                == {cell for cell in range(shape[axis - 1]) if cell in field.at(position)}
            )


# Words


def test_an_attention_explained_says_what_its_multiplications_leave_out():
    net = cnnshape.loads('input = [8, 5]\nlayers = [{ name = "look", type = "attention", num_heads = 2, over = 2 }]')
    lines = str(explain(net, "look")).splitlines()
    at = lines.index("  MACs        4*embed_dim*embed_dim*W")
    assert lines[at + 1 : at + 3] == [
        "              4*8*8*5 = 1280",
        "              queries with keys, and weights with values, are products of results: not counted",
    ]


@pytest.mark.parametrize(("over", "words"), [("[2, 3]", "over [2, 3]"), ("[1, -1]", "over [1, -1]")])
def test_the_axes_of_an_attention_in_words(over, words):
    net = cnnshape.loads(f'input = [8, 4, 8]\nlayers = [{{ type = "attention", num_heads = 2, over = {over} }}]')
    assert settings(net.check().layers[0], net.layout) == ("num_heads 2", words)


def test_what_follows_a_refusal_is_not_known():
    refused = measure(layer("lstm", hidden_size=3, over=3), ((4, 5),))
    assert (refused.output, [code for code, _ in refused.refusals]) == (None, ["no-such-axis"])


def test_a_recurrence_of_too_many_steps_is_not_run(torch):
    """Its steps wait for one another: no machine makes them quick."""
    for given, side in (
        ("hidden_size = 4", 200_000),
        ("hidden_size = 4, num_layers = 2000, bidirectional = true", 8),
    ):
        net = cnnshape.loads(f'input = [8, {side}]\nlayers = [{{ type = "lstm", over = 2, {given} }}]')
        (layer,) = cnnshape.verify(net, "cpu").layers
        assert layer.verdict == "skipped"
        assert "steps, one after the other, and may have 20,000" in layer.reason
    net = cnnshape.loads('input = [8, 2000]\nlayers = [{ type = "gru", over = 2, hidden_size = 1 }]')
    assert cnnshape.verify(net, "cpu").layers[0].verdict == "agrees"
