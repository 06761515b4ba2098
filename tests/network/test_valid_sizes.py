"""The exact set of valid sizes: random nets against the int engine, torch and islpy; the answers that are known."""

import json
import pickle
import random
import re
from functools import reduce
from itertools import accumulate, product
from math import prod
from operator import and_, or_

import pytest
from helpers.isl_oracle import Oracle
from helpers.paths import ARCHITECTURES

import cnnshape
from cnnshape import NoClosedForm, SizeSet, loads
from cnnshape.numbers.unknown import UNKNOWN
from cnnshape.problems.catalogue import CODES


def net_of(*layers, shape="[1, 64]", top=""):
    lines = "".join(f"{{ {layer} }},\n" for layer in layers)
    return loads(f"input = {shape}\n{top}\nlayers = [\n{lines}]")


def conv(extent, stride=1, padding=0, name="", **more):
    given = {"out_channels": 2, "kernel_size": extent, "stride": stride, "padding": padding} | more
    return layer("conv", name, **given)


def layer(kind, name="", **given):
    def written(value):
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list | tuple):
            return f"[{', '.join(map(written, value))}]"
        return json.dumps(value)

    settings = {"name": name} | {"type": kind} | given if name else {"type": kind} | given
    return ", ".join(f"{key.rstrip('_')} = {written(value)}" for key, value in settings.items())


# Random nets


OTHERS = ["pad", "reflect", "slice", "crop", "glu", "instance_norm", "conv", "window", "gate", "fit", "unshuffle"]


class RandomNet:
    """The text of a random net, with branches that meet again; mostly shaped like a U, so that its set has residues."""

    def __init__(self, seed, rank):
        self.rng, self.rank = random.Random(seed), rank
        self.layers = []
        self.names = ["input"]
        self.chain() if seed % 4 == 0 else self.decoder()
        self.body = len(self.layers)
        if self.rng.random() < 0.3:
            self.tail()

    def text(self, side):
        shape, lines = [2, *[side] * self.rank], "".join(f"{{ {line} }},\n" for line in self.layers)
        return f"input = {shape}\nlayers = [\n{lines}]"

    def add(self, kind, **given):
        name = f"l{len(self.layers)}"
        self.layers.append(layer(kind, name, **given))
        self.names.append(name)
        return name

    def sides(self, value):
        """A number, or now and then a list with another one for each axis."""
        return (
            [value, *(value + self.rng.randint(0, 1) for _ in range(self.rank - 1))]
            if self.rng.random() < 0.15
            else value
        )

    def decoder(self):
        levels = []
        for _ in range(self.rng.randint(1, 4)):
            if self.rng.random() < 0.6:
                self.add("conv", out_channels=2, kernel_size=self.sides(3), padding=self.rng.choice([0, 1, 1, 1]))
            levels.append(self.names[-1])
            self.down() if self.rng.random() < 0.3 else self.halve()
        for level in reversed(levels):
            self.up() if self.rng.random() < 0.2 else self.double()
            if self.rng.random() < 0.8:
                self.join(level)
            if self.rng.random() < 0.4:
                self.add(
                    "conv", out_channels=2, kernel_size=self.rng.choice([1, 3]), padding=self.rng.choice([0, 1, 1])
                )

    def chain(self):
        for _ in range(self.rng.randint(2, 8)):
            self.rng.choice([self.down, self.down, self.other, self.other, self.up])()
            if len(self.names) > 1 and self.rng.random() < 0.15:
                self.join(self.rng.choice(self.names[:-1]))

    def halve(self):
        """To x/2, or rounded up, or a little less."""
        kernel, padding = self.rng.choice([(2, 0), (2, 0), (3, 1), (3, 1), (4, 1), (1, 0), (3, 0)])
        if self.rng.random() < 0.5:
            self.add("conv", out_channels=2, kernel_size=kernel, stride=2, padding=padding)
        else:
            self.add(
                "max_pool",
                kernel_size=kernel,
                stride=2,
                padding=min(padding, kernel // 2),
                ceil_mode=self.rng.random() < 0.3,
            )

    def double(self):
        if self.rng.random() < 0.5:
            self.add("upsample", scale_factor=2)
        else:
            kernel, padding, more = self.rng.choice([(2, 0, 0), (2, 0, 0), (4, 1, 0), (3, 1, 1)])
            self.add(
                "conv_transpose", out_channels=2, kernel_size=kernel, stride=2, padding=padding, output_padding=more
            )

    def down(self):
        kernel, stride, padding = self.rng.choice(
            [(2, 2, 0), (2, 2, 0), (3, 2, 1), (3, 2, 0), (4, 2, 1), (1, 2, 0), (3, 3, 0), (5, 3, 2), (7, 4, 3)]
        )
        if self.rng.random() < 0.5:
            given = {"dilation": self.rng.choice([1, 1, 1, 2])}
            self.add("conv", out_channels=2, kernel_size=self.sides(kernel), stride=stride, padding=padding, **given)
        else:
            kind = self.rng.choice(["max_pool", "avg_pool"])
            padding = min(padding, kernel // 2)
            self.add(kind, kernel_size=kernel, stride=stride, padding=padding, ceil_mode=self.rng.random() < 0.4)

    def up(self):
        if self.rng.random() < 0.5:
            kernel, padding, more = self.rng.choice([(3, 1, 0), (3, 1, 1), (5, 1, 0), (3, 0, 0)])
            self.add(
                "conv_transpose", out_channels=2, kernel_size=kernel, stride=2, padding=padding, output_padding=more
            )
        else:
            self.add("upsample", scale_factor=self.rng.choice([2, 3, 1.5, 0.5]))

    def join(self, other):
        way, here = self.rng.random(), self.names[-1]
        if way < 0.2:
            other = self.add("crop", like=here, exact=self.rng.random() < 0.5, from_=other)
        elif way < 0.3:
            here = self.add("upsample", like=other, from_=here)
        if self.rng.random() < 0.5:
            self.add("concat", from_=[here, other])
        else:  # adding wants the same channels
            one = self.add("conv", out_channels=2, kernel_size=1, from_=here)
            two = self.add("conv", out_channels=2, kernel_size=1, from_=other)
            self.add("add", from_=[one, two])

    def other(self):
        rng = self.rng
        kind = rng.choice(OTHERS)
        if kind == "pad":
            self.add("pad", padding=[[rng.randint(-2, 3), rng.randint(-2, 3)]] * self.rank)
        elif kind == "reflect":
            self.add("pad", padding=rng.randint(1, 4), mode=rng.choice(["reflect", "circular"]))
        elif kind == "slice":
            self.add("slice", dim=rng.choice([2, -1]), start=rng.randint(-9, 5), step=rng.randint(1, 3))
        elif kind == "crop":
            self.add(
                "crop",
                **rng.choice([{"amount": rng.randint(0, 3)}, {"size": rng.randint(1, 9), "exact": rng.random() < 0.5}]),
            )
        elif kind == "glu":
            self.add("glu", dim=2)
        elif kind == "instance_norm":
            self.add("instance_norm")
        elif kind == "conv":
            self.add(
                "conv",
                out_channels=2,
                kernel_size=rng.randint(1, 5),
                padding=rng.randint(0, 2),
                dilation=rng.randint(1, 3),
            )
        elif kind == "window":
            self.add("max_pool", kernel_size=rng.randint(1, 4), stride=rng.randint(1, 5), ceil_mode=rng.random() < 0.5)
        elif kind == "gate":
            here = self.names[-1]
            self.add("mul", from_=[here, self.add("global_avg_pool")])
        elif kind == "fit":
            self.add(rng.choice(["adaptive_avg_pool", "adaptive_max_pool"]), output_size=rng.choice([1, 7, 12]))
        elif self.rank == 2:
            self.add("pixel_unshuffle", downscale_factor=2)

    def tail(self):
        kind = self.rng.choice(["linear", "linear", "layer_norm", "global", "last"])
        if kind == "linear":
            if self.rng.random() < 0.5:
                self.down()
            self.add("flatten")
            self.add("linear", out_features=3)
        elif kind == "layer_norm":
            self.add("layer_norm", over="all")
        elif kind == "global":
            self.add("global_avg_pool")
            self.add("flatten")
            self.add("linear", out_features=3)
        else:
            self.add("linear", out_features=3)


def built(made):
    """The net, or mostly what of it has one, at an input that it takes: what a linear layer takes is fixed there."""
    for side in (*made.rng.sample(range(1, 150), 8), 96):
        net = loads(made.text(side))
        if net.check().ok:
            return net
    made.layers = made.layers[: made.body]
    while not (net := loads(made.text(side))).check().ok and len(made.layers) > 1 and made.rng.random() < 0.9:
        made.layers.pop()
    return net


def sides_of(made, count):
    """Sizes to try: every one from 1 up; of a plane equal sides, and pairs near valid ones and anywhere."""
    if made.rank == 1:
        return [(side,) for side in range(1, count + 1)]
    pairs = [tuple(made.rng.randint(1, 100) for _ in range(2)) for _ in range(count // 3)]
    return [(side, side) for side in range(1, count - count // 3 + 1)] + pairs


def asked(seed, rank, *, exact=False):
    """The random net of a seed, and its sizes; no sizes where it has no closed form."""
    made = RandomNet(seed, rank)
    net = built(made)
    try:
        return made, net, net.valid_sizes(exact=exact)
    except NoClosedForm:
        return made, net, None


NETS = 70  # for each of the chunks below, and 150 sizes for each net


@pytest.mark.parametrize("chunk", range(10))
def test_random_nets_against_the_int_engine(chunk):
    """10 chunks of 70 nets at 150 sizes: more than 100,000 pairs, as few nets have no closed form."""
    refused = 0
    for seed in range(chunk * NETS, (chunk + 1) * NETS):
        made, net, sizes = asked(seed, 1 + seed % 5 // 3)
        if sizes is None:
            refused += 1
            continue
        for sides in sides_of(made, 150):
            report = net.check((2, *sides))
            assert (sides in sizes) == report.ok, f"seed {seed} at {sides}: {sizes}\n{made.text(64)}"
    assert refused <= 3


@pytest.mark.parametrize("seed", range(0, 400, 10))
def test_no_pixel_lost_against_the_int_engine(seed):
    made, net, sizes = asked(seed, 1 + seed % 20 // 15, exact=True)
    for sides in sides_of(made, 60) if sizes is not None else ():
        report = net.check((2, *sides))
        exact = report.ok and not any(any(row.dropped) for row in report.layers)
        assert (sides in sizes) == exact, f"at {sides}: {sizes}\n{made.text(64)}"


def at(size, names, sides):
    """A size that a layer gives, for some sides of the input."""
    if isinstance(size, int):
        return size
    sizes = getattr(size, "sizes", (size,))
    result = getattr(size, "factor", 1)
    for factor in sizes:
        result *= factor.at(sides[names.index(factor.axis.name)])
    return result + (size.constant if hasattr(size, "factor") else 0)


@pytest.mark.parametrize("seed", range(0, 300, 3))
def test_outputs_in_closed_form(seed):
    made, net, sizes = asked(seed, 1 + seed % 5 // 3)
    for sides in [sides for sides in sides_of(made, 120) if sizes is not None and sides in sizes][::9]:
        for row in net.check((2, *sides)).layers:
            shape = sizes.outputs[row.name]
            assert tuple(at(size, sizes.names, sides) for size in shape) == row.output, f"{row.name} at {sides}"


@pytest.mark.parametrize("seed", range(0, 300, 7))
def test_who_forbids_what(seed):
    """Each layer that the set says to need something refuses what it forbids; without it the set would be larger."""
    made, net, sizes = asked(seed, 1)
    if sizes is None:
        return
    leaves = [sides_where(of.left) for of in sizes.constraints]
    needs = [sides_where(of.boxes) for of in sizes.constraints]
    assert leaves == [*accumulate(needs, and_)]
    assert leaves[-1:] in ([], [sizes.square])
    assert not sizes or [of.period for of in needs] == sorted(of.period for of in needs)
    needed = {constraint.layer: constraint for constraint in sizes.constraints}
    for (side,) in sides_of(made, 100):
        refusing = sizes.forbidden_by((side,))
        assert bool(refusing) == ((side,) not in sizes)
        blamed = [layer for layer, of in needed.items() if not any(side in box[0] for box in of.boxes)]
        assert bool(blamed) == ((side,) not in sizes)
        assert set(refusing) & set(blamed) or not refusing or behind(net, refusing, blamed)
    for layer in needed:
        rest = [sides_where(of.boxes) for name, of in needed.items() if name != layer]
        assert sizes.square != reduce(and_, rest, SizeSet("every size"))
        assert sizes.square <= reduce(and_, rest, SizeSet("every size"))


def sides_where(boxes):
    return reduce(or_, (sides for (sides,) in boxes), SizeSet())


def behind(net, refusing, blamed):
    """Whether every layer that is blamed stands behind one that refuses, whose result is then not known."""
    order = [node.name for node in net.nodes]
    return min(map(order.index, refusing)) < min(map(order.index, blamed))


# Against torch


def accepts(torch, net, modules, sides):
    """Whether a real forward goes through, and the shape that comes out; None where torch refuses."""
    values, shapes = [None, torch.zeros(1, 2, *sides)], [None, (2, *sides)]
    for node in net.nodes:
        layer, entering = node.layer, [values[value] for value in node.inputs]
        if node.name not in modules:
            module = layer.module(torch, *(shapes[value] for value in node.inputs))
            modules[node.name] = module.eval() if module is not None else None
        try:
            result = layer.call(torch, modules[node.name], *entering)
        except (RuntimeError, ValueError):
            return None
        if 0 in result.shape:
            return None  # an error everywhere here, and not always torch's
        values.append(result)
        shapes.append(tuple(result.shape[1:]))
    return shapes[-1]


@pytest.mark.parametrize("seed", range(0, 400, 5))
def test_random_nets_against_torch(seed, torch):
    made, net, sizes = asked(seed, 1 + seed % 10 // 5)
    modules = {}
    tried = [sides for sides in sides_of(made, 90) if max(sides) <= 90 // made.rank**2]
    with torch.inference_mode():
        for sides in tried[:: made.rng.randint(2, 5)] if sizes is not None else ():
            shape = accepts(torch, net, modules, sides)
            if sides in sizes:
                assert shape is not None, f"torch refuses {sides}\n{made.text(64)}"
                outputs = [*sizes.outputs.values()][-1]
                assert shape == tuple(at(size, sizes.names, sides) for size in outputs)
            elif shape is not None:  # only ever where this is documented
                refusals = [code for row in net.check((2, *sides)).layers for code, _ in row.result.refusals]
                assert any(not CODES[code].torch_refuses for code in refusals), f"torch takes {sides}\n{made.text(64)}"


# Against islpy, which shares no code and no way of thinking: whole sets


def assert_isl_agrees(isl, net):
    sizes = net.valid_sizes().square
    oracle = Oracle(isl)
    assert oracle.of(net).is_equal(oracle.set(sizes)), str(sizes)


@pytest.mark.parametrize("seed", range(0, 400, 4))
def test_whole_sets_against_isl(seed):
    isl = pytest.importorskip("islpy", reason="islpy has no wheels here")
    made = RandomNet(seed, 1)
    made.layers = made.layers[: made.body]
    net = built(made)
    if not any(UNKNOWN in vars(node.layer).values() for node in net.nodes):
        assert_isl_agrees(isl, net)


# The answers that are known


def zoo(name):
    return cnnshape.load(ARCHITECTURES / f"{name}.toml")


def up_to(net, name):
    """The part of a net up to a layer."""
    count = [node.name for node in net.nodes].index(name) + 1
    return net._replace(nodes=net.nodes[:count], outputs={name: len(net.inputs) + count}, expectations=(), claims=())


def test_alexnet():
    sizes = zoo("alexnet").valid_sizes()
    assert str(sizes.square) == "227 to 258"
    assert len(sizes.square) == 32
    assert sizes.axes is None  # 6 x 6 before fc6, or any other 36 cells
    pools = lambda side: (((side - 11) // 4 + 1 - 3) // 2 + 1 - 3) // 2 + 1  # noqa: E731 -- pool2's side
    last = {side: (pools(side) - 3) // 2 + 1 for side in range(67, 1300)}
    for h in range(60, 1300, 7):
        for w in range(60, 1300, 11):
            assert ((h, w) in sizes) == (last.get(h, 0) * last.get(w, 0) == 36)
    assert (67, 1187) in sizes
    assert sizes.constraints[0].layer == "fc6"


def test_alexnet_without_its_head():
    assert up_to(zoo("alexnet"), "pool3").valid_sizes().axes == (SizeSet("every size from 67"),) * 2
    assert zoo("alexnet_torchvision").valid_sizes().axes == (SizeSet("every size from 63"),) * 2


def test_alexnet_where_no_pixel_is_lost():
    assert zoo("alexnet").valid_sizes(exact=True).square == SizeSet("227")


def test_alexnet_backwards():
    net = zoo("alexnet")
    assert net.valid_sizes(layer="conv5", output=(13, 13)).square == SizeSet("227 to 242")  # of the 32, those with 13
    assert net.valid_sizes(layer="pool3", output=(6, 6)).axes == (SizeSet("227 to 258"),) * 2
    assert net.valid_sizes(layer="pool3", output=(4, 9)).axes == (SizeSet("163 to 194"), SizeSet("323 to 354"))
    assert not net.valid_sizes(layer="pool3", output=(6, 7))
    assert up_to(net, "conv5").valid_sizes(output=(13, 13)).square == SizeSet("227 to 242")


def test_backwards_through_a_flatten():
    net = net_of(layer("flatten", "rows", start_dim=2), shape="[2, 8, 8]")
    for sizes in (net.valid_sizes(output=(36,)), net.valid_sizes(layer="rows", output=(36,))):
        assert sizes.square == SizeSet("6")
        assert all(((h, w) in sizes) == (h * w == 36) for h in range(1, 40) for w in range(1, 40))


TRANSPOSED = 'type = "conv_transpose", out_channels = 1, kernel_size = 2, stride = 2'


def unet(depth, padding=1, crop="", doubled=TRANSPOSED):
    """A U-Net of one channel: two convolutions a level, as the paper's; `crop` is what its crops say, if it has any."""

    def pair(name):
        return [conv(3, 1, padding, f"{name}a", out_channels=1), conv(3, 1, padding, name, out_channels=1)]

    lines = []
    for level in range(depth):
        lines += [*pair(f"down{level}"), layer("max_pool", f"pool{level}", kernel_size=2)]
    lines += pair("bottom")
    for level in reversed(range(depth)):
        lines += [f'name = "up{level}", {doubled}']
        if crop:
            lines += [f'name = "crop{level}", type = "crop", like = "up{level}", from = "down{level}", {crop}']
        skip = f"crop{level}" if crop else f"down{level}"
        lines += [layer("concat", f"concat{level}", from_=[f"up{level}", skip])]
        first, second = pair(f"level{level}")
        lines += [f"{first}, in_channels = 2", second]  # said, since a larger net fails at its declared input
    return net_of(*lines, shape=f"[1, {2 ** min(depth, 16)}]")


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 8])
def test_padded_unet(depth):
    assert str(unet(depth).valid_sizes()) == f"multiples of {2**depth}, from {2**depth}"
    nearest = unet(depth, doubled='type = "upsample", scale_factor = 2')
    assert str(nearest.valid_sizes()) == f"multiples of {2**depth}, from {2**depth}"


def test_unet_of_the_zoo():
    assert zoo("unet").valid_sizes().axes == (SizeSet("multiples of 16, from 16"),) * 2


@pytest.mark.parametrize("exact", [False, True])
def test_unet_as_published(exact):
    net = unet(4, 0, f"exact = {str(exact).lower()}")
    assert str(net.valid_sizes()) == ("12 modulo 16, from 188" if exact else "every size from 188")
    if not exact:
        assert zoo("unet_original").valid_sizes().axes == (SizeSet("every size from 188"),) * 2


def test_unet_as_published_but_with_a_strict_concat():
    sizes = unet(4, 0).valid_sizes()
    assert not sizes
    assert str(sizes) == "none"
    assert sizes.square == SizeSet()
    assert sizes.axes == (SizeSet(),)
    assert sizes.contradiction() == ("concat3",)  # level by level what comes down is 4, 16, 40, 88 less than the skip
    assert (188,) not in sizes
    assert sizes.below((188,)) is sizes.above((188,)) is None


def test_contradiction_of_two():
    """Multiples of 4 and odd numbers: neither layer is impossible by itself."""
    net = net_of(
        layer("max_pool", "half", kernel_size=4, from_="input"),
        layer("upsample", "back", scale_factor=4),
        layer("add", "fours", from_=["back", "input"]),
        layer("crop", "odd", size=1, exact=True, from_="input"),
        layer("crop", "large", size=1, from_="fours"),
        layer("add", "sum", from_=["odd", "large"]),
    )
    sizes = net.valid_sizes()
    assert not sizes
    assert set(sizes.contradiction()) == {"fours", "odd"}


def test_a_contradiction_is_the_smallest():
    """Odd multiples of 3, and what is 0, 1 or 2 modulo 6, contradict each other too, but those are three."""
    net = net_of(
        layer("max_pool", "half", kernel_size=2, from_="input"),
        layer("upsample", "back", scale_factor=2),
        layer("add", "even", from_=["back", "input"]),
        layer("crop", "odd", size=1, exact=True, from_="input"),
        layer("max_pool", "third", kernel_size=3, from_="input"),
        layer("upsample", "again", scale_factor=3),
        layer("add", "threes", from_=["again", "input"]),
        layer("crop", "sixes", size=2, exact=True, from_="third"),
        top='allow = ["unused-result"]',
    )
    assert set(net.valid_sizes().contradiction()) == {"even", "odd"}


def encoder():
    """The strides of a ResNet: 2, 4, 8, 16, 32, at each of which the side is rounded up."""
    yield conv(7, 2, 3, "s2")
    yield layer("max_pool", "s4", kernel_size=3, stride=2, padding=1)
    for stride in (8, 16, 32):
        yield conv(3, 2, 1, f"s{stride}")


def test_doubling_decoder_over_a_resnet():
    lines = [*encoder()]
    for stride in (16, 8, 4, 2):
        lines += [
            layer("upsample", f"up{stride}", scale_factor=2),
            layer("concat", f"join{stride}", from_=[f"up{stride}", f"s{stride}"]),
        ]
    assert str(net_of(*lines).valid_sizes()) == "0 or 31 modulo 32, from 31"


def test_fpn_of_strict_adds():
    lines = [*encoder()]
    for stride in (16, 8, 4):
        lines += [
            layer("upsample", f"up{stride}", scale_factor=2),
            layer("add", f"sum{stride}", from_=[f"up{stride}", f"s{stride}"]),
        ]
    assert net_of(*lines).valid_sizes().square == SizeSet("0, 29, 30 or 31 modulo 32, from 29")
    assert zoo("fpn_resnet50").valid_sizes().square == SizeSet("0, 29, 30 or 31 modulo 32, from 29")


def test_resnet_takes_every_size():
    sizes = zoo("resnet50").valid_sizes()
    assert sizes.axes == (SizeSet("every size"),) * 2
    assert sizes.forbidden_by((10**6, 10**6)) == ()  # that torch has no tensor as large is another matter


def test_unet_of_depth_64():
    sizes = unet(64).valid_sizes()
    assert sizes.square == SizeSet(f"multiples of {2**64}, from {2**64}")
    assert sizes.constraints[0].layer == "concat0"
    assert str(sizes.constraints[0].boxes[0][0]) == "multiples of 2, from 2"
    assert [of.left[0][0].period for of in sizes.constraints] == [2**level for level in range(1, 65)]


def test_a_single_join_at_great_depth():
    """One span of remainders in half a million, which no table of remainders could hold."""
    depth = 20
    lines = [conv(3, 2, 1, f"c{level}") for level in range(depth)]
    lines += [layer("upsample", "up", scale_factor=2), layer("concat", "join", from_=["up", f"c{depth - 2}"])]
    half = 2 ** (depth - 1)
    assert str(net_of(*lines).valid_sizes()) == f"0 or {half + 1} to {2 * half - 1} modulo {2 * half}, from {half + 1}"


def test_a_chain_of_1000_layers():
    assert str(net_of(*[conv(3)] * 1000, shape="[1, 3000]").valid_sizes()) == "every size from 2001"


def test_bounds_from_both_sides():
    net = net_of(conv(3, 2), layer("flatten"), layer("linear", out_features=1))
    assert str(net.valid_sizes()) == "63 or 64"


def test_a_volume():
    sizes = net_of(layer("max_pool", kernel_size=[1, 2, 3]), shape="[1, 8, 8, 8]").valid_sizes()
    assert sizes.names == ("d", "h", "w")
    assert [*map(str, sizes.axes)] == ["every size", "every size from 2", "every size from 3"]
    assert str(sizes) == "h every size from 2 with w every size from 3"
    assert str(sizes.square) == "every size from 3"
    assert (1, 2, 3) in sizes
    assert (1, 2, 2) not in sizes


def test_a_volume_that_is_flattened():
    sizes = net_of(
        layer("max_pool", kernel_size=2, stride=1),
        layer("flatten"),
        layer("linear", out_features=1),
        shape="[2, 3, 4, 7]",
    ).valid_sizes()
    for sides in product((*range(1, 11), 13, 19, 37), repeat=3):
        assert (sides in sizes) == (prod(side - 1 for side in sides) == 36)


def test_axes_that_meet_in_a_norm():
    """One value cannot be normalised, so that one of the axes must have two cells: a union, not a product."""
    sizes = net_of(layer("instance_norm"), shape="[1, 8, 8]").valid_sizes()
    assert sizes.axes is None
    assert (1, 1) not in sizes
    assert {(1, 2), (2, 1), (2, 2)} <= {(h, w) for h in (1, 2) for w in (1, 2) if (h, w) in sizes}


def test_a_union_that_is_a_product():
    """Either h or w has two cells; and h has: what is left of the union is independent again."""
    sizes = net_of(layer("instance_norm"), layer("max_pool", kernel_size=[2, 1]), shape="[1, 8, 8]").valid_sizes()
    assert sizes.axes == (SizeSet("every size from 2"), SizeSet("every size"))


def test_flattened_branches_that_meet():
    net = net_of(
        conv(3, 2, 1, "a"),
        layer("flatten", "left"),
        conv(3, 2, 1, "b", from_="input"),
        layer("flatten", "right"),
        layer("concat", from_=["left", "right"]),
        layer("linear", out_features=1),
        shape="[1, 8, 12]",
    )
    sizes = net.valid_sizes()
    for h in range(1, 60):
        for w in range(1, 60):
            assert ((h, w) in sizes) == (-(-h // 2) * -(-w // 2) == 24)


# Every network of the zoo claims its set, and that is checked wherever the file is

ZOO = sorted(path.stem for path in ARCHITECTURES.glob("*.toml"))


def at_side(net, side):
    """The input shapes of equal sides."""
    return {name: (shape[0], *[side] * (len(shape) - 1)) for name, shape in net.inputs.items()}


@pytest.mark.parametrize("name", ZOO)
def test_claim_of_the_zoo_by_brute_force(name):
    net = zoo(name)
    (claimed,) = (claim.claimed for claim in net.claims if claim.name == "valid_sizes")
    for side in range(1, 601):
        refused = any(row.result.refusals for row in net.check(at_side(net, side)).layers)
        assert refused == (side not in claimed), side


@pytest.mark.parametrize("name", ZOO[::4])
def test_claim_of_the_zoo_on_meta(name, torch):
    """The smallest size, and the one below it, layer by layer in torch, which must fail where ours do."""
    net = zoo(name)
    (claimed,) = (claim.claimed for claim in net.claims if claim.name == "valid_sizes")
    least = claimed.next(0)
    for side in {max(1, least - 1), least}:
        report = net.check(at_side(net, side))
        verification = cnnshape.verify(net, device="meta", report=report)
        assert verification.ok, verification.problems


# Where there is no closed form


@pytest.mark.parametrize(
    ("lines", "side", "why"),
    [
        ([layer("upsample", "at", scale_factor=0.3)], 64, "rounded in floating point"),
        ([layer("upsample", "at", scale_factor=1.7)], 64, "rounded in floating point"),
        ([conv(3, 2, 1, "half"), layer("mul", "at", from_=["half", "input"])], 1, "at some sides, and another"),
        ([layer("reshape", "at", shape=[-1, 7])], 63, "a product of sides is divided"),
    ],
)
def test_no_closed_form(lines, side, why):
    net = net_of(*lines, shape=f"[2, {side}, {side}]")
    with pytest.raises(NoClosedForm) as caught:
        net.valid_sizes()
    assert caught.value.layer == "at"
    assert why in caught.value.reason
    assert str(caught.value) == f"at: {caught.value.reason}"
    assert net.check().ok  # the int engine still answers


def test_a_set_that_would_be_a_book():
    """What one prime allows and another does not: 223,092,870 remainders, of which most work."""
    lines = []
    for prime in (2, 3, 5, 7, 11, 13, 17, 19, 23):
        lines += [layer("max_pool", f"pool{prime}", kernel_size=prime, from_="input")]
        lines += [
            layer("upsample", f"up{prime}", scale_factor=prime),
            layer("pad", f"more{prime}", padding=[[0, prime - 2]]),
        ]
        lines += [layer("crop", f"crop{prime}", like="input")]
    net = net_of(*lines, top='allow = ["unused-result"]', shape="[2, 30]")
    with pytest.raises(NoClosedForm) as caught:
        net.valid_sizes()
    assert caught.value.layer.startswith("crop")


@pytest.mark.parametrize(
    ("sides", "added", "why"),
    [([12] * 6, 0, "more than 1,024 separate products"), ([1] * 6, 23, "are too many to try")],
)
def test_products_of_many_factors(sides, added, why):
    """2,858,856 products are 12**6; only one of 24**6 has factors of at least 24, and most others nearly have."""
    pad = layer("pad", padding=[[0, added]] * 6)
    net = net_of(pad, layer("flatten"), layer("linear", "fc", out_features=1), shape=str([1, *sides]))
    with pytest.raises(NoClosedForm, match=f"fc: .*{why}"):
        net.valid_sizes()


def test_what_fails_at_its_own_input_answers_as_far_as_its_numbers_are_known():
    fails = net_of(conv(3, 1, 0, "a"), layer("max_pool", "b", kernel_size=9), shape="[1, 5]")
    assert not fails.check().ok
    assert str(fails.valid_sizes()) == "every size from 11"
    behind = net_of(
        conv(3),
        layer("max_pool", kernel_size=9),
        layer("flatten"),
        layer("linear", "c", out_features=1),
        shape="[1, 5]",
    )
    with pytest.raises(NoClosedForm, match="c: a number that it leaves out is not known"):
        behind.valid_sizes()


# Several inputs


TWO = """
outputs = ["sum", "linear"]
inputs = {{ left = [1, {0}, 8], right = [1, {1}, 8], label = [3] }}
layers = [
  {{ name = "a", type = "max_pool", kernel_size = 2, from = "left" }},
  {{ name = "up", type = "upsample", scale_factor = 2 }},
  {{ name = "sum", type = "add", from = ["up", "right"] }},
  {{ name = "linear", type = "linear", out_features = 2, from = "label" }},
]
"""


def test_inputs_of_the_same_sides_vary_together():
    sizes = loads(TWO.format(8, 8)).valid_sizes()
    assert sizes.varied == ["left", "right"]
    assert sizes.axes == (SizeSet("multiples of 2, from 2"),) * 2
    assert sizes.forbidden_by((8, 7)) == ("sum",)


def test_of_inputs_with_different_sides_one_is_named():
    net = loads(TWO.format(9, 8))
    with pytest.raises(NoClosedForm, match="the inputs left, right have different sides: say which one varies"):
        net.valid_sizes()
    assert net.valid_sizes(input="left").axes == (SizeSet("8 or 9"), SizeSet("8 or 9"))
    assert net.valid_sizes(input="right").axes == (SizeSet("8"), SizeSet("8"))
    assert net.valid_sizes(input="left").forbidden_by((10, 8)) == ("sum",)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"input": "middle"}, "the net has no input 'middle'; it has left, right, label"),
        ({"layer": "b", "output": (1, 1)}, "the net has no layer 'b'"),
        ({"layer": "a"}, "a layer is named, but not what its output is to be"),
        ({"layer": "a", "output": (1,)}, "a has 2 sides, and 1 is asked for"),
        ({"layer": "a", "output": 4}, "output must be sides, as (6, 6), not 4"),
        ({"layer": "a", "output": (4.0, 4)}, "output must be sides, as (6, 6), not (4.0, 4)"),
    ],
)
def test_questions_that_do_not_suit(arguments, why):
    with pytest.raises(ValueError, match=re.escape(why)):
        loads(TWO.format(8, 8)).valid_sizes(**arguments)


def test_an_input_without_sides():
    net = net_of(layer("linear", out_features=2), shape="[4]")
    with pytest.raises(NoClosedForm, match="no sides"):
        net.valid_sizes()
    with pytest.raises(NoClosedForm, match="no sides"):
        loads(TWO.format(8, 8)).valid_sizes(input="label")


def test_the_output_of_a_layer_in_a_block_or_a_repeat():
    """A block is none: what it gives need not be what its last layer gives, if that is left out."""
    text = """
input = [1, 64, 64]
layers = [{ name = "b", block = "halves" }, { name = "r", type = "max_pool", kernel_size = 2, repeat = 2 }, "relu"]
[blocks.halves]
layers = [{ type = "max_pool", kernel_size = 2 }, { type = "max_pool", kernel_size = 2 }]
"""
    assert loads(text).valid_sizes(layer="b.max_pool2", output=(5, 5)).square == SizeSet("20 to 23")
    assert loads(text).valid_sizes(layer="r.1", output=(1, 1)).square == SizeSet("16 to 31")
    with pytest.raises(ValueError, match=re.escape("b is no single layer, but those from b.max_pool1 to b.max_pool2")):
        loads(text).valid_sizes(layer="b", output=(5, 5))
    with pytest.raises(ValueError, match=re.escape("r is no single layer, but those from r.0 to r.1")):
        loads(text).valid_sizes(layer="r", output=(1, 1))
    with pytest.raises(ValueError, match="no layer 'ha'"):
        loads(text).valid_sizes(layer="ha", output=(3, 3))


# The object


def test_the_object():
    sizes = unet(4).valid_sizes()
    assert (48,) in sizes
    assert (47,) not in sizes
    assert sizes
    assert [48] in sizes
    for ask in (sizes.__contains__, sizes.forbidden_by, sizes.below, sizes.above):
        for wrong in (48, (48, 48)):
            with pytest.raises(ValueError, match="sizes are 1 numbers here"):
                ask(wrong)
    assert (sizes.below((40,)), sizes.above((40,))) == ((32,), (48,))
    assert (sizes.below((48,)), sizes.above((48,))) == ((48,), (48,))
    assert sizes.below((15,)) is None
    assert sizes.forbidden_by((40,)) == ("concat3",)
    assert sizes.forbidden_by((48,)) == ()
    assert sizes.contradiction() == ()
    assert [(of.layer, str(of.boxes[0][0]), str(of.left[0][0])) for of in sizes.constraints] == [
        ("concat0", "multiples of 2, from 2", "multiples of 2, from 2"),
        ("concat1", "0 or 1 modulo 4, from 1", "multiples of 4, from 4"),
        ("concat2", "0 to 3 modulo 8, from 1", "multiples of 8, from 8"),
        ("concat3", "0 to 7 modulo 16, from 1", "multiples of 16, from 16"),
    ]
    assert str(sizes.outputs["pool3"][1]) == "floor(w/16)"
    again = pickle.loads(pickle.dumps(sizes))
    assert again.boxes == sizes.boxes
    assert again.forbidden_by((40,)) == ("concat3",)


def test_of_layers_that_ask_the_same_the_first_is_named():
    halves = [layer("max_pool", "a", kernel_size=2), layer("upsample", "b", scale_factor=2)]
    sums = [layer("add", name, from_=["b", "input"]) for name in ("one", "two")]
    sizes = net_of(*halves, *sums, layer("add", "three", from_=["one", "two"])).valid_sizes()
    assert [constraint.layer for constraint in sizes.constraints] == ["one"]


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_equal_sizes_the_simpler_flows_on(order):
    halves = [layer("max_pool", "a", kernel_size=2), layer("upsample", "b", scale_factor=2)]
    sizes = net_of(*halves, layer("add", "sum", from_=["b", "input"][::order])).valid_sizes()
    assert str(sizes.outputs["sum"][1]) == "w"


def test_the_nearest_of_sizes_that_meet():
    sizes = zoo("alexnet").valid_sizes()
    assert (sizes.below((300, 300)), sizes.above((200, 200))) == ((258, 258), (227, 227))
    assert (sizes.below((170, 340)), sizes.above((100, 500))) == ((170, 340), (100, 611))
    assert (sizes.below((330, 700)), sizes.above((60, 400))) == ((130, 642), (131, 419))
