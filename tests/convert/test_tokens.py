"""Maps that become tokens and maps again: their sides follow the input, and the code says at which sizes there are some."""

import pytest

pytest.importorskip("torch")

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 -- as everybody does

import cnnshape

SIZES = ((4, 24, 24), (4, 24, 36), (4, 7, 9), (4, 40, 16), (4, 3, 3), (4, 2, 50), (4, 1, 1), (4, 65, 64))


class Net(nn.Module):
    """A forward, given as a function, and two convolutions in front of it."""

    def __init__(self, forward, stride=2):
        super().__init__()
        self.stem, self.call = nn.Conv2d(4, 8, 3, stride, 1), forward
        self.qkv, self.out, self.norm = nn.Linear(8, 24), nn.Linear(8, 8), nn.LayerNorm(8)
        self.depthwise, self.down = nn.Conv2d(8, 8, 3, 1, 1, groups=8), nn.Conv2d(8, 8, 2, 2)
        self.wide, self.narrow = nn.Conv2d(8, 8, 1), nn.Conv2d(4, 4, 3, 1, 1)
        self.cls = nn.Parameter(torch.zeros(1, 1, 8))

    def forward(self, x):
        return self.call(self, self.stem(x))


def attention(m, tokens, keys=None):
    b, n, c = tokens.shape
    q, k, v = m.qkv(tokens).reshape(b, n, 3, 2, c // 2).permute(2, 0, 3, 1, 4)
    if keys is not None:
        k, v = (keys.reshape(b, -1, 2, c // 2).transpose(1, 2),) * 2
    return m.out(((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))


def viewed(m, x):
    return m.depthwise(attention(m, x.flatten(2).mT).mT.reshape(x.shape))


def by_sides(m, x):
    b, c, h, w = x.shape
    return m.depthwise(attention(m, x.reshape(b, c, h * w).permute(0, 2, 1)).permute(0, 2, 1).view(b, c, h, w))


def unflattened(m, x):
    return m.depthwise(attention(m, x.flatten(2).mT).mT.unflatten(2, x.shape[2:]))


def one_open(m, x):
    return m.depthwise(attention(m, x.flatten(2).mT).mT.reshape(x.shape[0], 8, -1, x.shape[-1]))


def channels_last(m, x):
    b, _, h, w = x.shape
    return m.out(attention(m, x.flatten(2).mT).view(b, h, w, -1)).permute(0, 3, 1, 2)


def with_class(m, x):
    b, c, h, w = x.shape
    tokens = attention(m, torch.cat([m.cls.expand(b, -1, -1), x.flatten(2).mT], 1))
    return m.depthwise(tokens[:, 1:].mT.reshape(b, c, h, w)) + tokens[:, 0, :, None, None]


def fewer_keys(m, x):
    b, c, h, w = x.shape
    tokens = m.norm(x.flatten(2).mT)
    keys = m.down(tokens.mT.reshape(b, c, h, w)).reshape(b, c, -1).mT
    return x + attention(m, tokens, keys).mT.reshape(b, c, h, w)


def pooled(m, x):
    smaller = F.max_pool2d(x, 3, 2, 1)
    return F.interpolate(attention(m, smaller.flatten(2).mT).mT.view(smaller.shape), size=x.shape[2:]) + x


def heads_of_channels(m, x):
    b, c, h, w = x.shape
    q = x.reshape(b, 2, c // 2, h * w)
    return m.depthwise((q.mT @ (q @ q.mT).softmax(-1)).mT.reshape(b, c, h, w))


def all_in_one(m, x):
    return m.depthwise(
        m.out(x.permute(0, 2, 3, 1)).flatten(1).sigmoid().unflatten(1, (*x.shape[2:], 8)).permute(0, 3, 1, 2)
    )


def rows_and_columns(m, x):
    """Coordinate attention: means of rows and of columns, side by side and apart again."""
    h, w = x.shape[2:]
    both = m.wide(torch.cat([x.mean(3, keepdim=True), x.mean(2, keepdim=True).mT], 2))
    rows, columns = torch.split(both, [h, w], 2)
    return x * rows.sigmoid() * columns.mT.sigmoid()


def crossed(m, x):
    """Criss-cross attention: each cell attends to its column and to its row."""
    b, c, h, w = x.shape
    columns, rows = x.permute(0, 3, 2, 1).reshape(b * w, h, c), x.permute(0, 2, 3, 1).reshape(b * h, w, c)
    along = (columns @ columns.mT).view(b, w, h, h).transpose(1, 2)
    across = (rows @ rows.mT).view(b, h, w, w)
    weights = torch.cat([along, across], 3).softmax(3)
    along = weights[..., :h].transpose(1, 2).reshape(b * w, h, h) @ columns
    across = weights[..., h : h + w].reshape(b * h, w, w) @ rows
    return m.wide(along.view(b, w, h, c).permute(0, 3, 2, 1) + across.view(b, h, w, c).permute(0, 3, 1, 2))


def whole_patches(m, x):
    """MobileViT's: a map of no whole patches of 2 x 2 is resized to some, and back."""
    b, c, h, w = x.shape
    high, wide = -(-h // 2) * 2, -(-w // 2) * 2
    if (high, wide) != (h, w):
        x = F.interpolate(x, size=(high, wide), mode="bilinear", align_corners=False)
    rows, columns = high // 2, wide // 2
    y = x.reshape(b, c, rows, 2, columns, 2).permute(0, 3, 5, 2, 4, 1).reshape(b * 4, rows * columns, c)
    y = y + attention(m, m.norm(y))
    x = y.view(b, 2, 2, rows, columns, c).permute(0, 5, 3, 1, 4, 2).reshape(b, c, high, wide)
    if (high, wide) != (h, w):
        x = F.interpolate(x, size=(h, w), mode="bilinear", align_corners=False)
    return m.depthwise(x)


def windows_of_tokens(m, x):
    """Twins': tokens of patches are a map again, whose sides are computed from those of the image."""
    b, (h, w) = len(x), (side // 2 for side in x.shape[2:])
    tokens = m.norm(m.down(x).flatten(2).mT)
    below, right = (5 - h % 5) % 5, (5 - w % 5) % 5
    y = F.pad(tokens.view(b, h, w, 8), (0, 0, 0, right, 0, below))
    rows, columns = y.shape[1] // 5, y.shape[2] // 5
    y = y.reshape(b, rows, 5, columns, 5, 8).transpose(2, 3).reshape(b * rows * columns, 25, 8)
    y = attention(m, y).reshape(b, rows, columns, 5, 5, 8).transpose(2, 3).reshape(b, rows * 5, columns * 5, 8)
    if below or right:
        y = y[:, :h, :w].contiguous()
    return m.depthwise((tokens + y.reshape(b, h * w, 8)).mT.reshape(b, 8, h, w))


def three(m, x):
    for _ in range(3):
        x = x + attention(m, m.norm(x.flatten(2).mT)).mT.view(x.shape)
        x = x + m.depthwise(x)
    return x


NETS = (
    viewed,
    by_sides,
    unflattened,
    one_open,
    channels_last,
    with_class,
    fewer_keys,
    pooled,
    heads_of_channels,
    all_in_one,
    whole_patches,
    windows_of_tokens,
    three,
)


def accepted(net, model):
    """Hold a net against its model at all sizes; yield each with whether they take it."""
    for shape in SIZES:
        try:
            found = tuple(model(torch.zeros(1, *shape)).shape[1:])
        except RuntimeError:
            found = None
        report = net.check(shape)
        assert (report.output if report.ok else None) == found
        yield shape, found is not None


@pytest.mark.parametrize("forward", NETS, ids=lambda forward: forward.__name__)
def test_tokens_are_an_image_again_at_all_sizes(forward):
    model = Net(forward)
    net = cnnshape.trace(model, (4, 24, 24))
    assert [node.name for node in net.nodes if node.type == "opaque"] == []
    sizes = net.valid_sizes()
    for shape, found in accepted(net, model):
        assert (shape[1:] in sizes) == found


@pytest.mark.parametrize("forward", [rows_and_columns, crossed], ids=lambda forward: forward.__name__)
def test_an_axis_that_joins_rows_and_columns_is_taken_apart_again(forward):
    model = Net(forward)
    net = cnnshape.trace(model, (4, 24, 36))
    assert [node.name for node in net.nodes if node.type == "opaque"] == []
    assert all(found for _, found in accepted(net, model))


def test_an_attention_with_a_shortcut_has_one_image_made_again():
    net = cnnshape.trace(Net(three), (4, 24, 24))
    again = [node for node in net.nodes if node.type == "unflatten" and "like" in vars(node.layer)]
    assert len(again) == 3
    liked = [net.nodes[node.inputs[1] - 2].name for node in again]
    assert liked == ["stem", "add_2", "add_4"]


def test_sides_of_a_cell_or_two_follow_the_input():
    """At 192 x 192, and with 7 or 32 cells more, a map of 64ths has 3 or 4 cells a side."""
    model = Net(lambda m, x: m.depthwise(attention(m, x.flatten(2).mT).mT.view(x.shape)), stride=64)
    net = cnnshape.trace(model, (4, 192, 192))
    for shape in ((4, 256, 512), (4, 64, 64), (4, 65, 1)):
        assert net.check(shape).output == tuple(model(torch.zeros(1, *shape)).shape[1:])


def in_windows(m, x, side=4):
    """Attention in windows, which leaves a map of one window as it is."""
    x = x.permute(0, 2, 3, 1)
    b, h, w, c = x.shape
    if h == w == side:
        return attention(m, x.reshape(b, side**2, c)).view(b, h, w, c).permute(0, 3, 1, 2)
    below, right = -h % side, -w % side
    if below or right:
        x = F.pad(x, (0, 0, 0, right, 0, below))
    rows, columns = x.shape[1] // side, x.shape[2] // side
    x = x.view(b, rows, side, columns, side, c).transpose(2, 3).reshape(b * rows * columns, side**2, c)
    x = attention(m, x).view(b, rows, columns, side, side, c).transpose(2, 3)
    x = x.reshape(b, rows * side, columns * side, c)
    if below or right:
        x = x[:, :h, :w].contiguous()
    return x.permute(0, 3, 1, 2)


def test_a_map_that_is_one_window_at_the_declared_input_is_in_windows_at_others():
    model = Net(in_windows)
    net = cnnshape.trace(model, (4, 8, 8))
    assert net.inputs == {"input": (4, 8, 8)}
    assert net.check().output == (8, 4, 4)
    assert [node.name for node in net.nodes if node.type == "opaque"] == []
    assert all(found for _, found in accepted(net, model))
    assert all(found for _, found in accepted(cnnshape.loads(cnnshape.dumps(net)), model))


def cascaded(m, x, side):
    """EfficientViT's: a convolution within windows, then heads of which each has the result of the one before added."""
    b, c, h, w = x.shape
    if h == w == side:
        return heads_in_turn(m, x)
    x = F.pad(x.permute(0, 2, 3, 1), (0, 0, 0, -w % side, 0, -h % side))
    rows, columns = x.shape[1] // side, x.shape[2] // side
    x = x.view(b, rows, side, columns, side, c).transpose(2, 3)
    x = heads_in_turn(m, x.reshape(b * rows * columns, side, side, c).permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    x = x.view(b, rows, columns, side, side, c).transpose(2, 3).reshape(b, rows * side, columns * side, c)
    return x[:, :h, :w].contiguous().permute(0, 3, 1, 2)


def heads_in_turn(m, x):
    b, c, h, w = x.shape
    one, other = x.chunk(2, 1)
    q, k = m.narrow(one).flatten(2).chunk(2, 1)
    seen = (one.flatten(2) @ (q.mT @ k).softmax(-1)).view(b, c // 2, h, w)
    return m.wide(torch.cat([seen, m.narrow(seen + other)], 1))


@pytest.mark.parametrize("windows", [in_windows, cascaded], ids=lambda windows: windows.__name__)
def test_a_later_map_that_is_one_window_at_the_declared_input_is_in_windows_at_others(windows):
    """Of 8 x 8 and 4 x 4 cells: twice as many, or half as many more, are as many windows of 8 and of 4 cells."""
    model = Net(lambda m, x: windows(m, m.down(windows(m, x, 8)), 4), stride=32)
    net = cnnshape.trace(model, (4, 256, 256))
    assert [node.name for node in net.nodes if node.type == "opaque"] == []
    for sides in ((256, 256), (263, 300), (64, 65), (512, 320), (999, 33)):
        assert net.check((4, *sides)).output == tuple(model(torch.zeros(1, 4, *sides)).shape[1:])


@pytest.mark.parametrize(
    "larger",
    [
        lambda m, x: m.down(m.wide(x)),
        lambda m, x: m.down(m.down(x)),
        lambda m, x: m.down(x[:, :, ::2]),
        lambda m, x: m.down(x).relu(),
    ],
    ids=["parameters", "twice", "shapes", "values"],
)
def test_a_way_that_computes_something_else_is_not_taken(larger):
    def forward(m, x):
        return (m.down(x) if x.shape[2] == 4 else larger(m, x)).mean((2, 3))

    net = cnnshape.trace(Net(forward), (4, 8, 8))
    assert [node.name for node in net.nodes][:2] == ["stem", "down"]
    assert "relu" not in {node.type for node in net.nodes}
    assert [row.output for row in net.check().layers][:2] == [(8, 4, 4), (8, 2, 2)]


@pytest.mark.parametrize("kind", [nn.Parameter, nn.Buffer], ids=["learned", "fixed"])
def test_places_of_a_map_with_the_channels_last_hold_at_all_sizes(kind):
    """A map of one cell is repeated to the size of the places."""
    model = Net(lambda m, x: m.norm(m.stem(x).permute(0, 2, 3, 1) + m.places))
    model.places = kind(torch.zeros(1, 7, 6, 8))
    net = cnnshape.trace(model, (4, 14, 12))
    assert [node.name for node in net.nodes if node.type == "opaque"] == []
    for sides in ((14, 12), (13, 11), (1, 1), (2, 12), (14, 2), (15, 12), (14, 13), (7, 6)):
        try:
            expected = tuple(model(torch.zeros(1, 4, *sides)).shape[1:])
        except RuntimeError:
            expected = None
        report = net.check((4, *sides))
        assert (report.output if report.ok else None) == expected, sides
