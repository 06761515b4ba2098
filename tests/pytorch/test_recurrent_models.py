"""Recurrent layers of live models: time first or the batch, every way to take the last state, and what goes wrong."""

import pytest

pytest.importorskip("torch")

import torch
from helpers.comparing import ADDS, DIFFERS, MISSES, compare, found, here, matched
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import cnnshape
from cnnshape.convert.imported import imported
from cnnshape.convert.to_torch.code import torch_code

LAST = """
input = [6, 20]
layers = [
  { name = "conv", type = "conv", out_channels = 8, kernel_size = 3 },
  { name = "read", type = "TYPE", hidden_size = 5, over = 2, returns = "last"SETTINGS },
  { name = "head", type = "linear", out_features = 3 },
]
"""


def last(kind, **settings):
    said = "".join(f", {name} = {str(value).lower()}" for name, value in settings.items())
    return LAST.replace("TYPE", kind).replace("SETTINGS", said)


class Reads(nn.Module):
    """A convolution, a recurrent layer, a part of its results, a linear layer."""

    def __init__(self, kind, take, *, time_first=False, **settings):
        super().__init__()
        self.conv, self.head = nn.Conv1d(6, 8, 3), nn.Linear(5 * (1 + settings.get("bidirectional", False)), 3)
        self.read, self.take = kind(8, 5, batch_first=not time_first, **settings), take
        self.time_first = time_first

    def forward(self, x):
        x = self.conv(x)
        return self.head(self.take(self.read, x.permute(2, 0, 1) if self.time_first else x.transpose(1, 2)))


def states(take):
    """Take of the last states; those of an lstm stand beside its cells."""

    def taken(read, x):
        _, found = read(x)
        return take(found[0] if isinstance(found, tuple) else found)

    return taken


ONE = {
    "h[-1]": states(lambda h: h[-1]),
    "h[-1, :, :]": states(lambda h: h[-1, :, :]),
    "h.squeeze(0)": states(lambda h: h.squeeze(0)),
    "h.sum(0)": states(lambda h: h.sum(0)),
    "first states given": lambda read, x: read(x, (torch.zeros(1, 1, 5), x.new_zeros(1, 1, 5)))[1][0][-1],
}
BOTH = {
    "cat": states(lambda h: torch.cat((h[-2], h[-1]), 1)),
    "cat of slices": states(lambda h: torch.cat((h[-2, :, :], h[-1, :, :]), dim=-1)),
    "permute, flatten": states(lambda h: h.permute(1, 0, 2).flatten(1)),
    "transpose, reshape": states(lambda h: h.transpose(0, 1).reshape(1, -1)),
}


BATCH_FIRST = {
    "y[:, -1]": lambda read, x: read(x)[0][:, -1],
    "y[:, -1, :]": lambda read, x: read(x)[0][:, -1, :],
    "y.select": lambda read, x: read(x)[0].select(1, 17),
    "y.unbind": lambda read, x: read(x)[0].unbind(1)[-1],
}
TIME_FIRST = {
    "y[-1]": lambda read, x: read(x)[0][-1],
    "y[-1, :, :]": lambda read, x: read(x)[0][-1, :, :],
    "y.select": lambda read, x: read(x)[0].select(0, -1),
}
ONE_DIRECTION = [
    *((False, take) for take in (ONE | BATCH_FIRST).values()),
    *((True, take) for take in (ONE | TIME_FIRST).values()),
]
SELECTED = last("lstm").replace(', returns = "last" }', ' },\n  { name = "end", type = "select", dim = 2, index = -1 }')


@pytest.mark.parametrize(("time_first", "take"), ONE_DIRECTION)
@pytest.mark.parametrize("text", [last("lstm"), SELECTED], ids=["returns", "select"])
def test_the_last_state_of_one_direction(text, time_first, take):
    assert here(compare(text, Reads(nn.LSTM, take, time_first=time_first))) == []


@pytest.mark.parametrize("take", [lambda read, x: read(x)[0][:, 0], lambda read, x: read(x)[0][:, -2]])
def test_another_step_than_the_last(take):
    assert not compare(last("lstm"), Reads(nn.LSTM, take)).ok
    assert (DIFFERS, "end") in found(compare(SELECTED, Reads(nn.LSTM, take)))


def test_the_last_step_of_two_directions_is_not_where_both_end():
    model = Reads(nn.LSTM, BATCH_FIRST["y[:, -1]"], bidirectional=True)
    differs, adds = compare(last("lstm", bidirectional=True), model).problems
    assert "output 10 in the file, but output 18x10 in read" in differs.message
    assert "select, output 10 behind read" in adds.message
    turned = SELECTED.replace("over = 2", "over = 1, bidirectional = true").replace("dim = 2", "dim = 1")
    turned = turned.replace('  { name = "read"', '  { type = "permute", dims = [2, 1] },\n  { name = "read"')
    assert compare(turned, model).problems == ()


def test_the_sequence_and_its_end_are_both_read():
    text = """
    input = [6, 20]
    layers = [
      { type = "permute", dims = [2, 1] },
      { name = "read", type = "lstm", hidden_size = 5, over = 1 },
      { name = "end", type = "select", dim = 1, index = -1 },
      { name = "mean", type = "reduce", how = "mean", dim = 1, from = "read" },
      { name = "both", type = "concat", from = ["end", "mean"] },
    ]
    """

    class Both(nn.Module):
        def __init__(self, end):
            super().__init__()
            self.read, self.end = nn.LSTM(6, 5, batch_first=True), end

        def forward(self, x):
            y, (h, _) = self.read(x.transpose(1, 2))
            return torch.cat((self.end(y, h), y.mean(1)), 1)

    assert compare(text, Both(lambda y, h: y[:, -1])).problems == ()
    assert compare(text, Both(lambda y, h: h[-1])).problems == ()


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
@pytest.mark.parametrize("take", BOTH)
def test_the_last_states_of_both_directions(take, kind):
    model = Reads(kind, BOTH[take], bidirectional=True)
    assert compare(last(kind.__name__.lower(), bidirectional=True), model).problems == ()


def test_several_layers_give_the_state_of_the_last():
    model = Reads(nn.GRU, ONE["h[-1]"], num_layers=3)
    assert compare(last("gru", num_layers=3), model).problems == ()


class Directions(nn.Module):
    """As the most copied CRNN has it: time first, and a linear layer on all steps as if they were a batch."""

    def __init__(self, features, hidden, out):
        super().__init__()
        self.rnn, self.embedding = nn.LSTM(features, hidden, bidirectional=True), nn.Linear(2 * hidden, out)

    def forward(self, x):
        states, _ = self.rnn(x)
        time, batch, features = states.size()
        return self.embedding(states.view(time * batch, features)).view(time, batch, -1)


COLUMNS = """
input = [1, 8, 40]
layers = [
  { name = "conv", type = "conv", out_channels = 16, kernel_size = 3, padding = 1 },
  { name = "pool", type = "max_pool", kernel_size = [8, 4] },
  { name = "columns", type = "flatten", end_dim = 2 },
  { name = "turned", type = "permute", dims = [2, 1] },
  { name = "read1", type = "lstm", hidden_size = 12, bidirectional = true, over = 1 },
  { name = "embed1", type = "linear", out_features = 14 },
  { name = "read2", type = "lstm", hidden_size = 12, bidirectional = true, over = 1 },
  { name = "embed2", type = "linear", out_features = 7 },
]
"""
CELLS = COLUMNS.replace('type = "linear", out_features', 'type = "conv", kernel_size = 1, out_channels').replace(
    "over = 1", "over = 2"
)
CELLS = CELLS.replace('  { name = "turned", type = "permute", dims = [2, 1] },\n', "")


class Recognizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d((8, 4))
        self.steps = nn.Sequential(Directions(16, 12, 14), Directions(14, 12, 7))

    def forward(self, x):
        return self.steps(self.pool(self.conv(x)).squeeze(2).permute(2, 0, 1))


class Turned(Recognizer):
    def forward(self, x):
        return super().forward(x).permute(1, 2, 0)


@pytest.mark.parametrize(("text", "kind"), [(COLUMNS, Recognizer), (CELLS, Turned)], ids=["time first", "time last"])
def test_a_recognizer_of_text(text, kind):
    comparison = compare(text, kind())
    assert [problem for problem in comparison.problems if problem.severity == "error"] == []
    assert matched(comparison)["read2"] == "steps.1.rnn"
    assert matched(comparison)["embed2"] == "steps.1.embedding"


def test_a_batch_taken_for_time_is_found():
    model = Reads(nn.LSTM, lambda read, x: read(x.transpose(0, 1))[1][0][:, -1])
    problem, between = compare(last("lstm"), model).problems
    assert (problem.code, problem.layer, between.code) == (DIFFERS, "read", "between-layers")
    assert "over 18 steps in the file, but over the batch in read" in problem.message


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_layers": 2}, "num_layers 1, 300 parameters in the file, but num_layers 2, 540 parameters"),
        ({"bias": False}, "bias, 300 parameters in the file, but no bias, 260 parameters"),
    ],
)
def test_a_setting_that_differs(settings, words):
    (problem,) = compare(last("lstm"), Reads(nn.LSTM, ONE["h[-1]"], **settings)).problems
    assert words in problem.message


@pytest.mark.parametrize("over", [3, -3, 1])
@pytest.mark.parametrize("line", ['type = "gru", hidden_size = 5', 'type = "attention", num_heads = 2'])
def test_an_axis_that_does_not_fit_is_compared_all_the_same(line, over):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = (
                nn.GRU(6, 5, batch_first=True) if "gru" in line else nn.MultiheadAttention(6, 2, batch_first=True)
            )

        def forward(self, x):
            x = x.transpose(1, 2)
            return (self.read(x) if "gru" in line else self.read(x, x, x))[0].transpose(1, 2)

    text = f'input = [6, 20]\nlayers = [{{ name = "read", {line}, over = {over} }}]'
    (problem, *_) = compare(text, Own()).problems
    assert (problem.code, problem.layer) == (DIFFERS, "read")
    selected = f'input = [6, 20]\nlayers = [{{ {line}, over = {over} }}, {{ type = "select", dim = 2, index = -1 }}]'
    assert not compare(selected, Own()).ok


def test_one_direction_of_two():
    model = Reads(nn.LSTM, states(lambda h: torch.cat((h[-1], h[-1]), 1)), bidirectional=True)
    assert compare(last("lstm", bidirectional=True), model).ok  # which of the states is no matter of shapes
    one = Reads(nn.LSTM, states(lambda h: h[-1]), bidirectional=True)
    one.head = nn.Linear(5, 3)
    assert (DIFFERS, "read") in found(compare(last("lstm", bidirectional=True), one))


def test_states_beside_the_sequence_are_more_than_the_file_has():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = nn.GRU(6, 5, batch_first=True)

        def forward(self, x):
            y, h = self.read(x.transpose(1, 2))
            return y.transpose(1, 2) + h.view(1, 5, 1)

    text = 'input = [6, 20]\nlayers = [{ name = "read", type = "gru", hidden_size = 5, over = 2 }]'
    comparison = compare(text, Both())
    assert (ADDS, "read") in found(comparison)
    assert comparison.extra[0].startswith("read[1]")


def test_an_unbatched_sequence():
    class Unbatched(nn.Module):
        def __init__(self, take):
            super().__init__()
            self.read, self.take = nn.GRU(6, 5, bidirectional=True), take

        def forward(self, x):
            return self.take(*self.read(x[0].t()))

    text = (
        'input = [6, 20]\nlayers = [{ name = "read", type = "gru", hidden_size = 5, bidirectional = true, over = 2 }]'
    )
    assert compare(text, Unbatched(lambda y, h: y.t().unsqueeze(0))).problems == ()
    ends = text.replace("over = 2", 'over = 2, returns = "last"')
    assert compare(ends, Unbatched(lambda y, h: torch.cat((h[0], h[1])).unsqueeze(0))).problems == ()


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_packed_sequence(batch_first):
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = nn.LSTM(6, 5, batch_first=batch_first)

        def forward(self, x):
            x = x.transpose(1, 2) if batch_first else x.permute(2, 0, 1)
            packed = pack_padded_sequence(x, torch.tensor([20]), batch_first=batch_first)
            y, _ = pad_packed_sequence(self.read(packed)[0], batch_first=batch_first)
            return y.transpose(1, 2) if batch_first else y.permute(1, 2, 0)

    text = 'input = [6, 20]\nlayers = [{ name = "read", type = "lstm", hidden_size = 5, over = 2 }]'
    assert here(compare(text, Packed())) == []


def test_a_recurrent_layer_that_raises():
    comparison = compare(last("lstm"), Reads(nn.LSTM, lambda read, x: read(x[..., :5])[0]))
    assert "model-fails" in [code for code, _ in found(comparison)]


class Columns(nn.Module):
    """A recognizer of text that leaves the one row out before the axes change places."""

    def __init__(self):
        super().__init__()
        self.conv, self.read, self.head = nn.Conv2d(1, 8, (8, 3)), nn.LSTM(8, 5, bidirectional=True), nn.Linear(10, 3)

    def forward(self, x):
        x, _ = self.read(self.conv(x).squeeze(2).permute(2, 0, 1))
        return self.head(x)


def test_verify_agrees_with_the_import_of_an_order_of_axes():
    text = imported(Columns(), (1, 8, 20), "columns").text
    assert 'type = "permute", dims = [3, 1, 2]' in text
    assert compare(text, Columns()).problems == ()


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(
    ("join", "whole"),
    [
        (lambda h: torch.cat([h[-2], h[-1]], 1), True),
        (lambda h: torch.cat((h[-2, :, :], h[-1, :, :]), dim=-1), True),
        (lambda h: torch.cat([h[-1], h[-2]], 1), False),
        (lambda h: torch.cat([h[-2], h[-2]], 1), False),
        (lambda h: torch.cat([h[-2], h[-1], h[-2], h[-1]], 1)[:, :10], False),
    ],
)
def test_states_of_both_directions_that_are_joined_are_imported_as_one(join, whole, layers):
    class Ends(nn.Module):
        def __init__(self):
            super().__init__()
            self.read = nn.LSTM(8, 5, layers, bidirectional=True, batch_first=True)
            self.head = nn.Linear(10, 3)

        def forward(self, x):
            return self.head(join(self.read(x)[1][0]))

    text = imported(Ends(), (6, 8), "ends").text
    assert ('returns = "last" },\n  { name = "head"' in text) == whole
    assert not whole or compare(text, Ends()).problems == ()
    space = {}
    exec(torch_code(cnnshape.loads(text)), space)
    (made, model), x = (space["Ends"](), Ends()), torch.rand(2, 6, 8)
    made.load_state_dict(model.state_dict())
    assert torch.allclose(made(x), model(x), atol=1e-6)


class Halves(nn.Module):
    """The forward states of the last step beside the backward ones of the first."""

    def __init__(self, take, *, time_first=False):
        super().__init__()
        self.read, self.head = nn.GRU(8, 5, bidirectional=True, batch_first=not time_first), nn.Linear(10, 3)
        self.take, self.time_first = take, time_first

    def forward(self, x):
        y, _ = self.read(x.transpose(0, 1) if self.time_first else x)
        return self.head(torch.cat(self.take(y), 1))


@pytest.mark.parametrize(
    ("take", "time_first"),
    [
        (lambda y: [y[:, -1, :5], y[:, 0, 5:]], False),
        (lambda y: [y[:, -1, 0:5], y[..., 0, 5:10]], False),
        (lambda y: [y[-1, :, :5], y[0, :, 5:]], True),
        (lambda y: [y[-1, ..., :5], y[0, ..., 5:]], True),
    ],
)
def test_places_and_parts_that_are_taken_at_once_are_layers(take, time_first):
    model = Halves(take, time_first=time_first)
    text = imported(model, (6, 8), "halves").text
    assert [line.split('"')[3] for line in text.splitlines() if line.startswith("  {")] == [
        *("gru", "select", "slice", "select", "slice", "concat", "linear")
    ]
    assert compare(text, model).problems == ()
    assert not compare(text.replace("index = 0", "index = 1"), model).ok
    assert not compare(text.replace("start = 5", "start = 4, stop = 9"), model).ok


@pytest.mark.parametrize(
    "take",
    [
        lambda y: [y[[0], 0, :5], y[:, -1, 5:]],  # by a list
        lambda y: [y[:, -1, None, :5][:, 0], y[:, 0, 5:]],  # with an axis more
        lambda y: [y[True, :, -1, :5][0], y[:, 0, 5:]],
        lambda y: [y[0, -1, :5].unsqueeze(0), y[:, 0, 5:]],  # of a sample
    ],
)
def test_other_parts_are_no_layers(take):
    text = imported(Halves(lambda y: [y[:, -1, :5], y[:, 0, 5:]]), (6, 8), "halves").text
    comparison = compare(text, Halves(take))
    assert MISSES in [code for code, _ in found(comparison)]
    assert "the model has getitem()" in "".join(problem.message for problem in comparison.problems)


@pytest.mark.parametrize(
    "rows",
    [
        lambda net, y: net.head(y).reshape(-1, 3),
        lambda net, y: net.head(y.reshape(-1, 5)),
        lambda net, y: net.head(y.contiguous().view(-1, 5)),
        lambda net, y: net.head(y.flatten(0, 1)),
    ],
)
def test_steps_that_are_folded_into_the_batch_are_returned_as_they_are(rows):
    class Rows(nn.Module):
        def __init__(self, take):
            super().__init__()
            self.read, self.head, self.take = nn.GRU(8, 5, batch_first=True), nn.Linear(5, 3), take

        def forward(self, x):
            return self.take(self, self.read(x)[0])

    text = imported(Rows(rows), (6, 8), "rows").text
    assert compare(text, Rows(rows)).problems == ()
    assert not compare(text, Rows(lambda net, y: rows(net, y)[1:])).ok
    assert not compare(text, Rows(lambda net, y: rows(net, y)[:1])).ok
