"""The exact set of valid sizes: random nets against the int engine, torch and islpy; the answers that are known."""

import json
import random
from functools import reduce
from operator import and_, or_
from pathlib import Path

import pytest

from cnnshape import NoClosedForm, SizeSet, loads
from cnnshape.problems import CODES

ARCHITECTURES = Path(__file__).parent.parent / "architectures"


def net_of(*layers, input="[1, 64]", top="", tables=""):  # noqa: A002 -- the file's word
    lines = ",\n".join(layer if layer.startswith('"') else f"{{ {layer} }}" for layer in layers)
    return loads(f"input = {input}\n{top}\nlayers = [\n{lines}\n]\n{tables}")


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
        kind = rng.choice(["pad", "reflect", "slice", "crop", "glu", "instance_norm", "conv", "window", "unshuffle"])
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
    """The net at an input that it takes, if one is found: what a linear layer takes is fixed there."""
    for side in (*made.rng.sample(range(1, 150), 8), 96):
        net = loads(made.text(side))
        if net.check().ok:
            return net
    made.layers = made.layers[: made.body]
    return loads(made.text(side))


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


NETS = 80  # for each of the chunks below, and 150 sizes for each net


@pytest.mark.parametrize("chunk", range(10))
def test_random_nets_against_the_int_engine(chunk):
    """10 chunks of 80 nets at 150 sizes: more than 100,000 pairs, however many nets have no closed form."""
    refused = 0
    for seed in range(chunk * NETS, (chunk + 1) * NETS):
        made, net, sizes = asked(seed, 1 + seed % 5 // 3)
        if sizes is None:
            refused += 1
            continue
        for sides in sides_of(made, 150):
            report = net.check((2, *sides))
            assert (sides in sizes) == report.ok, f"seed {seed} at {sides}: {sizes}\n{made.text(64)}"
    assert refused <= NETS // 10


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
def test_random_nets_against_torch(seed):
    torch = pytest.importorskip("torch")
    made, net, sizes = asked(seed, 1 + seed % 10 // 5)
    modules = {}
    with torch.inference_mode():
        for sides in sides_of(made, 90)[:: 7 - 5 * (seed % 2)] if sizes is not None else ():
            shape = accepts(torch, net, modules, sides)
            if sides in sizes:
                assert shape is not None, f"torch refuses {sides}\n{made.text(64)}"
                outputs = [*sizes.outputs.values()][-1]
                assert shape == tuple(at(size, sizes.names, sides) for size in outputs)
            elif shape is not None:  # only ever where this is documented
                refusals = [code for row in net.check((2, *sides)).layers for code, _ in row.result.refusals]
                assert any(not CODES[code].torch_refuses for code in refusals), f"torch takes {sides}\n{made.text(64)}"


# Against islpy, which shares no code and no way of thinking: whole sets


class Isl:
    """The set of a net of one axis, in piecewise quasi-affine functions of x, rule by rule as the papers have them."""

    def __init__(self, isl):
        self.isl, self.x = isl, isl.PwAff("{ [x] -> [(x)] }")
        self.valid = isl.Set("{ [x] : x >= 1 }")

    def number(self, n):
        return self.isl.PwAff(f"{{ [x] -> [({n})] }}")

    def divided(self, a, n):
        return a.scale_down_val(self.isl.Val(n)).floor()

    def times(self, a, n):
        return a.scale_val(self.isl.Val(n))

    def need(self, a, sign, b):
        a, b = (self.number(n) if isinstance(n, int) else n for n in (a, b))
        self.valid &= {">=": a.ge_set, ">": a.gt_set, "=": a.eq_set}[sign](b)

    def of(self, net):
        values = [None, self.x]
        for node in net.nodes:
            values.append(self.layer(node.layer, *(values[value] for value in node.inputs)))
        return self.valid.coalesce()

    def layer(self, layer, w, *others):
        def given(name):
            value = getattr(layer, name)
            return value[0] if isinstance(value, tuple) else value

        kind, n = layer.type, self.number
        if kind in ("conv", "max_pool", "avg_pool"):
            kernel, stride, padding = given("kernel_size"), given("stride"), given("padding")
            covered = (kernel - 1) * (given("dilation") if kind != "avg_pool" else 1) + 1
            free = w + n(2 * padding - covered)
            if kind == "conv" or not layer.ceil_mode:
                self.need(free, ">=", 0)
                return self.divided(free, stride) + n(1)
            # as many windows as cover it all, but none that starts in the padding behind
            all_of_it = self.divided(free + n(stride - 1), stride) + n(1)
            windows = all_of_it.min(self.divided(w + n(padding + stride - 1), stride))
            self.need(windows, ">=", 1)
            return windows
        if kind == "conv_transpose":
            stride, kernel = given("stride"), given("kernel_size")
            y = self.times(w - n(1), stride) + n(kernel - 2 * given("padding") + given("output_padding"))
        elif kind == "upsample" and layer.like is not None:
            (y,) = others
        elif kind == "upsample":
            top, bottom = float(given("scale_factor")).as_integer_ratio()
            y = self.divided(self.times(w, top), bottom)
        elif kind in ("concat", "add"):
            for other in others:
                self.need(w, "=", other)
            y = w
        elif kind == "crop":
            y = others[0] if others else n(given("size")) if layer.size else w - n(2 * given("amount"))
            self.need(w, ">=", y)
            if layer.exact:
                self.need(self.times(self.divided(w - y, 2), 2), "=", w - y)
        elif kind == "pad":
            before, after = (layer.padding,) * 2 if isinstance(layer.padding, int) else layer.padding[0]
            y = w + n(before + after)
            self.need(w + n(min(before, 0) + min(after, 0)), ">=", 0)
            if layer.mode != "constant":
                self.need(w, ">" if layer.mode == "reflect" else ">=", max(before, after))
        elif kind == "slice":
            start = n(layer.start) if layer.start >= 0 else w + n(layer.start)
            self.need(start, ">=", 0)
            self.need(w, ">=", start)
            y = self.divided(w - start + n(layer.step - 1), layer.step)
        elif kind == "glu":
            y = self.divided(w, 2)
            self.need(self.times(y, 2), "=", w)
        elif kind == "instance_norm":
            self.need(w, ">=", 2)
            y = w
        else:
            raise NotImplementedError(kind)
        self.need(y, ">=", 1)
        return y

    def set(self, sizes):
        """The same as a set of isl's."""
        spans = [f"{a} <= x <= {b}" for a, b in sizes.finite]
        spans += [f"x >= {sizes.start} and {a} <= x mod {sizes.period} <= {b}" for a, b in sizes.residues]
        return self.isl.Set(f"{{ [x] : x >= 1 and ({' or '.join(f'({span})' for span in spans) or '1 = 0'}) }}")


def assert_isl_agrees(isl, net):
    sizes = net.valid_sizes().square
    proof = Isl(isl)
    assert proof.of(net).is_equal(proof.set(sizes)), str(sizes)


@pytest.mark.parametrize("seed", range(0, 600, 4))
def test_whole_sets_against_isl(seed):
    isl = pytest.importorskip("islpy", reason="islpy has no wheels here")
    made = RandomNet(seed, 1)
    made.layers = made.layers[: made.body]
    if made.layers:
        net = loads(made.text(64))
        if not net.check().ok:
            pytest.skip("the net fails at its declared input, so that numbers that it leaves out are not known")
        assert_isl_agrees(isl, net)
